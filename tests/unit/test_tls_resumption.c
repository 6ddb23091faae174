/*
 * TLS sessions that go on with an earlier one.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "tls_pair.h"
#include "transport/tls_context.h"

#include <stdio.h>

static const int resumable[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static bool client_resumes(SSL_CTX *ctx, const char *name)
{
    end_t server = raw_end(ctx, true);
    end_t client = our_end(client_context, name);

    greet(&client, &server);
    expect_talk(&client, &server);
    bool reused = SSL_session_reused(server.raw);
    srf__tls_shutdown(client.tls);
    close_both(&client, &server);
    return reused;
}

START_TEST(client_goes_on_with_the_session_it_had)
{
    SSL_CTX *ctx = raw_server_ctx(resumable[_i], server_file);

    ck_assert(!client_resumes(ctx, "a.test"));
    ck_assert(client_resumes(ctx, "a.test"));
    ck_assert(client_resumes(ctx, "A.test"));
    ck_assert(!client_resumes(ctx, "b.test"));
    ck_assert(client_resumes(ctx, "b.test"));
    SSL_CTX_free(ctx);
}
END_TEST

START_TEST(client_trusts_no_session_from_before_a_reload)
{
    SSL_CTX *ctx = raw_server_ctx(resumable[_i], server_file);
    char why[SRF__TLS_WHY];
    end_t server = raw_end(ctx, true);
    end_t client = our_end(client_context, "a.test");

    ck_assert(!client_resumes(ctx, "a.test"));
    /* One that is under way, whose session comes afterwards. */
    end_receive(&client, NULL, 0);
    carry(&client, &server, 4096);
    ck_assert_int_eq(srf__tls_context_reload(client_context, why), 0);
    pump(&client, &server);
    expect_talk(&client, &server);
    ck_assert_ptr_null(srf__tls_recall(client_context, SRF__STR("a.test")));
    srf__tls_shutdown(client.tls);
    close_both(&client, &server);
    ck_assert(!client_resumes(ctx, "a.test"));
    ck_assert(client_resumes(ctx, "a.test"));
    SSL_CTX_free(ctx);
}
END_TEST

static SSL_SESSION *last_session;

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(last_session);
    last_session = session;
    return 1;
}

static bool server_resumes(srf__tls_context_t *context, SSL_CTX *ctx)
{
    end_t server = our_end(context, NULL);
    end_t client = raw_end(ctx, false);

    if (last_session != NULL)
        ck_assert_int_eq(SSL_set_session(client.raw, last_session), 1);
    greet(&client, &server);
    expect_talk(&client, &server);
    bool reused = SSL_session_reused(client.raw);
    (void)SSL_shutdown(client.raw);
    close_both(&client, &server);
    return reused;
}

START_TEST(server_lets_clients_go_on)
{
    srf_tls_options_t options = make_options(server_file, ca_file);
    SSL_CTX *ctx = raw_ctx(resumable[_i % 2]);

    options.client_certificate =
        _i < 2 ? SRF_TLS_CLIENT_NONE : SRF_TLS_CLIENT_OPTIONAL;
    srf__tls_context_t *context = make_context(&options);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(ctx, keep_session);
    ck_assert(!server_resumes(context, ctx));
    ck_assert(server_resumes(context, ctx));
    ck_assert(server_resumes(context, ctx));
    SSL_SESSION_free(last_session);
    last_session = NULL;
    srf__tls_context_unref(context);
    SSL_CTX_free(ctx);
}
END_TEST

START_TEST(sessions_that_are_kept_are_limited)
{
    srf_tls_options_t options = make_options(client_file, ca_file);
    char name[16];

    options.insecure = 1;
    srf__tls_context_t *context = make_context(&options);
    for (unsigned i = 0; i < 65; i++) {
        end_t server = our_end(server_context, NULL);
        sprintf(name, "s%u.test", i);
        end_t client = our_end(context, name);
        greet(&client, &server);
        close_both(&client, &server);
    }
    ck_assert_ptr_null(srf__tls_recall(context, SRF__STR("s0.test")));
    ck_assert_ptr_nonnull(srf__tls_recall(context, SRF__STR("s1.test")));
    ck_assert_ptr_nonnull(srf__tls_recall(context, SRF__STR("s64.test")));
    srf__tls_context_unref(context);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("tls_resumption");
    TCase *tcase = tcase_create("resumption");

    pair_fixtures(tcase);
    tcase_add_loop_test(tcase, client_goes_on_with_the_session_it_had, 0, 2);
    tcase_add_loop_test(tcase, client_trusts_no_session_from_before_a_reload, 0,
                        2);
    tcase_add_loop_test(tcase, server_lets_clients_go_on, 0, 4);
    tcase_add_test(tcase, sessions_that_are_kept_are_limited);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(suite());
}
