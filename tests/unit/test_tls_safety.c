/*
 * What TLS does by default, and what it tells of whoever is there.
 *
 * SPDX-License-Identifier: MIT
 */
#include "certificates.h"
#include "runner.h"
#include "tls_ends.h"
#include "transport/tls_context.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>

static authority_t *authority;
static const char *ca_file;
static const char *server_file;
static const char *client_file;
static const char *crl_file;
static srf__wheel_t wheel;

/* For each test anew: some write others in their place. */
static void make_files(void)
{
    ca_file = certificates_path("ca.pem");
    server_file = certificates_path("server.pem");
    client_file = certificates_path("client.pem");
    crl_file = certificates_path("crl.pem");
    authority = authority_create(ca_file);
    certificate_write(authority, server_file,
                      &(certificate_spec_t){.names = "DNS:a.test"});
    certificate_write(
        authority, client_file,
        &(certificate_spec_t){.common_name = "A client, \x1b[2J",
                              .names = "DNS:other.test,URI:sip:c.test,"
                                       "URI:sip:user@d.test,URI:sip:e.test"});
}

static void drop_files(void)
{
    authority_free(authority);
}

static void setup(void)
{
    make_files();
    srf__wheel_init(&wheel, 1000);
}

/* ---- forward secrecy ---- */

static const char *const weak[] = {"AES128-SHA", "AES256-GCM-SHA384",
                                   "ECDHE-ECDSA-AES128-SHA256"};

/* The certificates have EC keys: RSA key exchange shows in the first hello. */
static bool greets_weak(const srf_tls_options_t *options, const char *cipher)
{
    srf__tls_context_t *context = make_context(options);
    SSL_CTX *ctx = raw_ctx(TLS1_2_VERSION);
    end_t server = our_end(context, NULL);

    ck_assert_int_eq(SSL_CTX_set_cipher_list(ctx, cipher), 1);
    end_t client = raw_end(ctx, false);
    greet(&client, &server);
    bool open = srf__tls_state(server.tls) == SRF__TLS_OPEN;
    close_both(&client, &server);
    SSL_CTX_free(ctx);
    srf__tls_context_unref(context);
    return open;
}

START_TEST(clients_without_forward_secrecy_are_refused)
{
    const srf_tls_options_t options = make_options(server_file, ca_file);

    ck_assert(!greets_weak(&options, weak[_i]));
    ck_assert(greets_weak(&options, "ECDHE-ECDSA-AES128-GCM-SHA256"));
}
END_TEST

START_TEST(no_cipher_without_forward_secrecy_is_offered)
{
    srf_tls_options_t options = make_options(server_file, ca_file);
    srf__tls_context_t *context = make_context(&options);
    SSL *ssl = SSL_new(srf__tls_client_ctx(context));
    const STACK_OF(SSL_CIPHER) *ciphers = SSL_get_ciphers(ssl);

    ck_assert_int_gt(sk_SSL_CIPHER_num(ciphers), 3);
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
        const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(ciphers, i);
        int exchange = SSL_CIPHER_get_kx_nid(cipher);
        ck_assert(exchange == NID_kx_ecdhe || exchange == NID_kx_dhe ||
                  exchange == NID_kx_any);
        ck_assert(SSL_CIPHER_is_aead(cipher));
    }
    SSL_free(ssl);
    srf__tls_context_unref(context);
}
END_TEST

START_TEST(a_program_may_allow_more)
{
    srf_tls_options_t options = make_options(server_file, ca_file);

    options.ciphers = "ECDHE+AESGCM:ECDHE-ECDSA-AES128-SHA256";
    ck_assert(greets_weak(&options, "ECDHE-ECDSA-AES128-SHA256"));
}
END_TEST

/* ---- tickets ---- */

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

/* Takes the session along that the server gives. */
static bool resumes(srf__tls_context_t *context, SSL_CTX *ctx,
                    SSL_SESSION **session)
{
    end_t server = our_end(context, NULL);
    end_t client = raw_end(ctx, false);

    if (*session != NULL)
        ck_assert_int_eq(SSL_set_session(client.raw, *session), 1);
    greet(&client, &server);
    expect_talk(&client, &server);
    bool reused = SSL_session_reused(client.raw);
    SSL_SESSION_free(*session);
    *session = SSL_get1_session(client.raw);
    (void)SSL_shutdown(client.raw);
    close_both(&client, &server);
    return reused;
}

/* The name of the key that a ticket was made with. */
static void read_key_name(const SSL_SESSION *session, char out[16])
{
    const unsigned char *ticket;
    size_t len;

    SSL_SESSION_get0_ticket(session, &ticket, &len);
    ck_assert_uint_gt(len, 16);
    memcpy(out, ticket, 16);
}

START_TEST(keys_of_tickets_change_and_old_ones_open_theirs_for_a_while)
{
    const srf_tls_options_t options = make_options(server_file, ca_file);
    srf__tls_context_t *context = make_context(&options);
    SSL_CTX *ctx = raw_ctx(versions[_i]);
    SSL_SESSION *session = NULL;
    char before[16];
    char after[16];

    srf__tls_context_set_wheel(context, &wheel);
    ck_assert(!resumes(context, ctx, &session));
    read_key_name(session, before);
    srf__wheel_advance(&wheel, 1000 + SRF__TICKET_MS - 1);
    ck_assert(resumes(context, ctx, &session));
    if (versions[_i] == TLS1_3_VERSION) { /* there is a new one each time */
        read_key_name(session, after);
        ck_assert_mem_eq(before, after, 16);
    }
    srf__wheel_advance(&wheel, 1000 + SRF__TICKET_MS);
    ck_assert(resumes(context, ctx, &session));
    read_key_name(session, after);
    ck_assert_mem_ne(before, after, 16);
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
    srf__tls_context_unref(context);
}
END_TEST

START_TEST(keys_of_tickets_are_forgotten)
{
    const srf_tls_options_t options = make_options(server_file, ca_file);
    srf__tls_context_t *context = make_context(&options);
    SSL_CTX *ctx = raw_ctx(versions[_i]);
    SSL_SESSION *session = NULL;

    srf__tls_context_set_wheel(context, &wheel);
    ck_assert(!resumes(context, ctx, &session));
    srf__wheel_advance(&wheel, 1000 + 2ull * SRF__TICKET_MS);
    ck_assert(!resumes(context, ctx, &session));
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
    srf__tls_context_unref(context);
}
END_TEST

START_TEST(nobody_goes_on_after_a_reload)
{
    const srf_tls_options_t options = make_options(server_file, ca_file);
    srf__tls_context_t *context = make_context(&options);
    SSL_CTX *ctx = raw_ctx(versions[_i]);
    SSL_SESSION *session = NULL;
    char why[SRF__TLS_WHY];

    ck_assert(!resumes(context, ctx, &session));
    ck_assert(resumes(context, ctx, &session));
    ck_assert_int_eq(srf__tls_context_reload(context, why), 0);
    ck_assert(!resumes(context, ctx, &session));
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
    srf__tls_context_unref(context);
}
END_TEST

/* ---- revocation lists ---- */

static srf_tls_options_t listing(void)
{
    srf_tls_options_t options = make_options(server_file, ca_file);

    options.crl_file = crl_file;
    options.client_certificate = SRF_TLS_CLIENT_REQUIRED;
    return options;
}

/* A client that shows client.pem; NULL: it is let in. */
static void expect_client(srf__tls_context_t *context, const char *why)
{
    SSL_CTX *ctx = raw_server_ctx(0, client_file);
    end_t server = our_end(context, NULL);
    end_t client = raw_end(ctx, false);

    greet(&client, &server);
    if (why == NULL)
        expect_state(&server, SRF__TLS_OPEN);
    else
        expect_failure(&server, why);
    close_both(&client, &server);
    SSL_CTX_free(ctx);
}

START_TEST(a_client_that_was_revoked_is_refused_after_the_list_was_read)
{
    const srf_tls_options_t options = listing();
    char why[SRF__TLS_WHY];

    certificate_revoke(authority, crl_file, NULL, false);
    srf__tls_context_t *context = make_context(&options);
    expect_client(context, NULL);
    certificate_revoke(authority, crl_file, client_file, false);
    expect_client(context, NULL); /* not yet */
    ck_assert_int_eq(srf__tls_context_reload(context, why), 0);
    expect_client(context, "certificate revoked");
    srf__tls_context_unref(context);
}
END_TEST

START_TEST(a_server_that_was_revoked_is_refused)
{
    const srf_tls_options_t options = listing();
    SSL_CTX *ctx = raw_server_ctx(0, server_file);

    certificate_revoke(authority, crl_file, server_file, false);
    srf__tls_context_t *context = make_context(&options);
    end_t client = our_end(context, "a.test");
    end_t server = raw_end(ctx, true);
    greet(&client, &server);
    expect_failure(&client, "certificate revoked");
    close_both(&client, &server);
    SSL_CTX_free(ctx);
    srf__tls_context_unref(context);
}
END_TEST

START_TEST(a_list_that_is_too_old_is_no_reason_to_trust)
{
    const srf_tls_options_t options = listing();

    certificate_revoke(authority, crl_file, NULL, true);
    srf__tls_context_t *context = make_context(&options);
    ck_assert_ptr_nonnull(strstr(srf__tls_context_warning(context), "too old"));
    expect_client(context, "CRL has expired");
    srf__tls_context_unref(context);
}
END_TEST

START_TEST(without_a_list_of_its_issuer_a_certificate_is_refused)
{
    const srf_tls_options_t options = listing();
    authority_t *other = authority_create(certificates_path("other.pem"));

    certificate_revoke(other, crl_file, NULL, false);
    authority_free(other);
    srf__tls_context_t *context = make_context(&options);
    expect_client(context, "unable to get certificate CRL");
    srf__tls_context_unref(context);
}
END_TEST

START_TEST(a_file_without_a_list_is_an_error)
{
    srf_tls_options_t options = listing();
    srf__tls_context_t *context;
    char why[SRF__TLS_WHY];

    options.crl_file = ca_file; /* a certificate, but no list */
    ck_assert_int_eq(srf__tls_context_create(&options, &context, why),
                     SRF_ERR_TLS);
    ck_assert_ptr_nonnull(strstr(why, "cannot use revocation lists '"));
    options.crl_file = "/nowhere";
    ck_assert_int_eq(srf__tls_context_create(&options, &context, why),
                     SRF_ERR_TLS);
    ck_assert_ptr_nonnull(strstr(why, "/nowhere"));
}
END_TEST

/* ---- keys that others may read ---- */

static const struct {
    mode_t mode;
    bool of_root;
    bool odd;
} modes[] = {
    {0600, false, false}, {0400, true, false}, {0640, true, false},
    {0640, false, true},  {0644, true, true},  {0604, false, true},
};

START_TEST(a_key_that_others_may_read_is_said)
{
    const char *file = certificates_path("key.pem");
    srf_tls_options_t options = make_options(file, ca_file);

    if (geteuid() != 0 && modes[_i].of_root)
        return;
    certificate_write(authority, file,
                      &(certificate_spec_t){.names = "DNS:a.test"});
    ck_assert_int_eq(chmod(file, modes[_i].mode), 0);
    if (geteuid() == 0)
        ck_assert_int_eq(chown(file, modes[_i].of_root ? 0 : 65534, 0), 0);
    srf__tls_context_t *context = make_context(&options);
    const char *warning = srf__tls_context_warning(context);
    ck_assert_int_eq(warning[0] != '\0', modes[_i].odd);
    if (modes[_i].odd)
        ck_assert_ptr_nonnull(strstr(warning, "key.pem' has a private key"));
    srf__tls_context_unref(context);
}
END_TEST

/* ---- who is there ---- */

START_TEST(the_certificate_of_a_client_is_told)
{
    srf_tls_options_t options = make_options(server_file, ca_file);
    const srf_certificate_t *shown;
    srf__arena_t arena = {NULL};

    options.client_certificate = SRF_TLS_CLIENT_OPTIONAL;
    srf__tls_context_t *context = make_context(&options);
    SSL_CTX *ctx = raw_server_ctx(0, client_file);
    end_t server = our_end(context, NULL);
    end_t client = raw_end(ctx, false);
    greet(&client, &server);
    expect_state(&server, SRF__TLS_OPEN);
    ck_assert(srf__tls_peer(server.tls, &arena, &shown));
    ck_assert_ptr_nonnull(shown);
    ck_assert_int_eq((int)shown->verified, 1);
    ck_assert_str_eq(shown->verdict, "ok");
    ck_assert_str_eq(shown->domains[0], "c.test");
    ck_assert_str_eq(shown->domains[1], "e.test");
    ck_assert_ptr_null(shown->domains[2]);
    ck_assert_str_eq(shown->subject, "CN=A client\\, \\1B[2J");
    const unsigned char *der = shown->der;
    X509 *read = d2i_X509(NULL, &der, (long)shown->der_len);
    ck_assert_ptr_nonnull(read);
    X509_free(read);
    srf__arena_deinit(&arena);
    close_both(&client, &server);
    SSL_CTX_free(ctx);
    srf__tls_context_unref(context);
}
END_TEST

START_TEST(a_client_without_a_certificate_has_none)
{
    srf_tls_options_t options = make_options(server_file, ca_file);
    const srf_certificate_t *shown;
    srf__arena_t arena = {NULL};

    options.client_certificate = SRF_TLS_CLIENT_OPTIONAL;
    srf__tls_context_t *context = make_context(&options);
    SSL_CTX *ctx = raw_ctx(0);
    end_t server = our_end(context, NULL);
    end_t client = raw_end(ctx, false);
    greet(&client, &server);
    ck_assert(srf__tls_peer(server.tls, &arena, &shown));
    ck_assert_ptr_null(shown);
    close_both(&client, &server);
    SSL_CTX_free(ctx);
    srf__tls_context_unref(context);
}
END_TEST

static const struct {
    const char *common_name;
    const char *names;
    const char *domain; /* the first; NULL: none */
} speakers[] = {
    {"a.test", NULL, "a.test"},
    {"a.test", "DNS:b.test,DNS:c.test", "b.test"},
    {"a.test", "IP:192.0.2.1", NULL},
    {NULL, NULL, NULL},
};

START_TEST(domains_are_those_it_speaks_for)
{
    const char *file = certificates_path("speaker.pem");
    const char *const *domains;
    srf__arena_t arena = {NULL};

    certificate_write(
        authority, file,
        &(certificate_spec_t){.common_name = speakers[_i].common_name,
                              .names = speakers[_i].names});
    FILE *in = fopen(file, "r");
    X509 *certificate = PEM_read_X509(in, NULL, NULL, NULL);
    ck_assert_ptr_nonnull(certificate);
    ck_assert_int_eq(fclose(in), 0);
    ck_assert(srf__tls_domains(certificate, &arena, &domains));
    if (speakers[_i].domain == NULL)
        ck_assert_ptr_null(domains[0]);
    else
        ck_assert_str_eq(domains[0], speakers[_i].domain);
    X509_free(certificate);
    srf__arena_deinit(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("TLS safety");
    TCase *tcase = tcase_create("safety");

    tcase_add_checked_fixture(tcase, setup, drop_files);
    tcase_add_loop_test(tcase, clients_without_forward_secrecy_are_refused, 0,
                        3);
    tcase_add_test(tcase, no_cipher_without_forward_secrecy_is_offered);
    tcase_add_test(tcase, a_program_may_allow_more);
    tcase_add_loop_test(
        tcase, keys_of_tickets_change_and_old_ones_open_theirs_for_a_while, 0,
        2);
    tcase_add_loop_test(tcase, keys_of_tickets_are_forgotten, 0, 2);
    tcase_add_loop_test(tcase, nobody_goes_on_after_a_reload, 0, 2);
    tcase_add_test(
        tcase, a_client_that_was_revoked_is_refused_after_the_list_was_read);
    tcase_add_test(tcase, a_server_that_was_revoked_is_refused);
    tcase_add_test(tcase, a_list_that_is_too_old_is_no_reason_to_trust);
    tcase_add_test(tcase,
                   without_a_list_of_its_issuer_a_certificate_is_refused);
    tcase_add_test(tcase, a_file_without_a_list_is_an_error);
    tcase_add_loop_test(tcase, a_key_that_others_may_read_is_said, 0, 6);
    tcase_add_test(tcase, the_certificate_of_a_client_is_told);
    tcase_add_test(tcase, a_client_without_a_certificate_has_none);
    tcase_add_loop_test(tcase, domains_are_those_it_speaks_for, 0, 4);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
