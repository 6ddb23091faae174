/*
 * srf_req_peer_certificate(): who the neighbour is.
 *
 * SPDX-License-Identifier: MIT
 */
#include "certificates.h"
#include "runner.h"
#include "stage.h"

#include <stdio.h>
#include <string.h>

static stage_t stage;
static wire_t *caller;
static char domain[40]; /* the first; "-": no certificate */
static srf_req_t *kept; /* beyond its answer */
static const srf_certificate_t *shown;

static void on_message(srf_req_t *req, srf_res_t *res)
{
    shown = srf_req_peer_certificate(req);
    ck_assert_ptr_eq(srf_req_peer_certificate(req), shown);
    (void)snprintf(domain, sizeof(domain), "%s",
                   shown == NULL ? "-" : shown->domains[0]);
    kept = srf_req_ref(req);
    ck_assert_int_eq(srf_res_send(res, 200, NULL), 0);
}

static void setup(void)
{
    stage_setup(&stage, false, NULL);
    stage.tls.client_certificate = SRF_TLS_CLIENT_OPTIONAL;
    ck_assert_int_eq(srf_on(stage.proxy, "MESSAGE", on_message), 0);
    kept = NULL;
}

static void teardown(void)
{
    if (caller != NULL)
        wire_close(caller);
    if (kept != NULL)
        srf_req_unref(kept);
    stage_teardown(&stage);
}

static void say(wire_kind_t kind)
{
    unsigned port = stage_listen(&stage, kind);

    caller = wire_connect(&stage.loop, kind, stage.ip, port,
                          wire_is_secure(kind) ? stage.client_ctx : NULL);
    stage_request(&stage, caller, kind, "MESSAGE", "sip:bob@call.test", "a",
                  "");
    (void)wire_expect(caller, "SIP/2.0 200");
}

static void show_certificate(void)
{
    const char *own = certificates_path("callee.pem");

    ck_assert_int_eq(SSL_CTX_use_certificate_chain_file(stage.client_ctx, own),
                     1);
    ck_assert_int_eq(
        SSL_CTX_use_PrivateKey_file(stage.client_ctx, own, SSL_FILETYPE_PEM),
        1);
}

static const wire_kind_t secure[] = {WIRE_TLS, WIRE_WSS};

START_TEST(a_client_that_shows_a_certificate_is_told)
{
    show_certificate();
    say(secure[_i]);
    ck_assert_str_eq(domain, "proxy.test");
    ck_assert_int_eq((int)shown->verified, 1);
}
END_TEST

START_TEST(what_was_told_stays_with_the_request)
{
    show_certificate();
    say(WIRE_TLS);
    wire_close(caller);
    caller = NULL;
    wire_run(&stage.loop, 10);
    ck_assert_ptr_eq(srf_req_peer_certificate(kept), shown);
    ck_assert_str_eq(shown->domains[0], "proxy.test");
    ck_assert_uint_gt(shown->der_len, 100);
}
END_TEST

static const wire_kind_t kinds[] = {WIRE_UDP, WIRE_TCP, WIRE_TLS};

START_TEST(who_shows_none_has_none)
{
    say(kinds[_i]);
    ck_assert_str_eq(domain, "-");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("peer certificate");
    TCase *tcase = tcase_create("peer certificate");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, a_client_that_shows_a_certificate_is_told, 0, 2);
    tcase_add_test(tcase, what_was_told_stays_with_the_request);
    tcase_add_loop_test(tcase, who_shows_none_has_none, 0, 3);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
