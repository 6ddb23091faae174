/*
 * srf_request() that is challenged: which challenges are answered, how often,
 * and with what.
 *
 * SPDX-License-Identifier: MIT
 */
#include "asker.h"
#include "runner.h"
#include "uac/digest.h"

#include <malloc.h>
#include <stdio.h>

static asker_t *secret_asker(void)
{
    static const char *const any[] = {"*", NULL};
    asker_t *asker = asker_create();

    asker->options.username = "ann";
    asker->options.password = "zanzibar";
    asker->options.realms = any;
    return asker;
}

static void expect_done(const asker_t *asker, int err, int status)
{
    ck_assert_uint_eq(asker->done, 1);
    ck_assert_int_eq(asker->err, err);
    ck_assert_int_eq(asker->status, status);
}

static const char challenge[] =
    "WWW-Authenticate: Digest realm=\"one\", nonce=\"n1\", qop=\"auth\"\n";

/* The index-th line `name` of a message is the one digest.c makes of these,
 * whose own figures test_digest checks. */
typedef struct expected {
    const char *name;
    srf__challenge_t challenge;
    srf__digest_request_t request; /* the cnonce is taken from the line */
} expected_t;

static const expected_t usual = {
    .name = "Authorization",
    .challenge = {.scheme = "Digest",
                  .realm = "one",
                  .nonce = "n1",
                  .qop = "auth"},
    .request = {.username = {"ann", 3},
                .password = {"zanzibar", 8},
                .method = {"REGISTER", 8},
                .uri = {"sip:10.0.0.11", 13},
                .nc = 1},
};

static void expect_line(party_t *party, const char *msg, unsigned index,
                        expected_t expected)
{
    char storage[1024];
    srf__buf_t out;

    ck_assert_ptr_nonnull(msg);
    const char *line = party_header(party, msg, expected.name, index);
    ck_assert_msg(line != NULL, "no %s in %s", expected.name, msg);
    const char *cnonce = strstr(line, "cnonce=\"");
    if (cnonce != NULL)
        expected.request.cnonce = srf__str(cnonce + 8, 16);
    srf__buf_init_fixed(&out, storage, sizeof(storage));
    ck_assert_int_eq(
        srf__digest_write(&expected.challenge, &expected.request, &out), 0);
    srf__buf_add_char(&out, '\0');
    ck_assert_str_eq(line, storage);
}

static unsigned registers(const asker_t *asker)
{
    return party_received(asker->one, "REGISTER");
}

/* ---- one realm ---- */

START_TEST(a_challenge_is_answered_with_the_same_request_again)
{
    asker_t *asker = secret_asker();
    char first[256];

    asker_ask(asker, "REGISTER", "sip:10.0.0.11");
    world_expect(asker->one, "REGISTER", "Authorization", NULL);
    asker_reply(asker, "REGISTER", 0, "401 Unauthorized", challenge);
    ck_assert_uint_eq(registers(asker), 2);
    ck_assert_uint_eq(asker->done, 0);
    ck_assert_uint_eq(asker->heard, 1);
    ck_assert_int_eq(asker->statuses[0], 401);

    const char *before = party_find(asker->one, "REGISTER", 0);
    const char *again = party_find(asker->one, "REGISTER", 1);
    expect_line(asker->one, again, 0, usual);
    static const char *const same[] = {"From", "To", "Call-ID"};
    for (int i = 0; i < 3; i++) {
        strcpy(first, party_header(asker->one, before, same[i], 0));
        ck_assert_str_eq(party_header(asker->one, again, same[i], 0), first);
    }
    ck_assert_str_eq(party_header(asker->one, again, "CSeq", 0), "2 REGISTER");
    strcpy(first, party_header(asker->one, before, "Via", 0));
    ck_assert_str_ne(party_header(asker->one, again, "Via", 0), first);

    asker_reply(asker, "REGISTER", 1, "200 OK", "");
    expect_done(asker, 0, 200);
    asker_destroy(asker);
}
END_TEST

START_TEST(a_proxy_is_answered_with_proxy_authorization)
{
    asker_t *asker = secret_asker();
    expected_t expected = usual;

    expected.name = "Proxy-Authorization";
    asker_ask(asker, "REGISTER", "sip:10.0.0.11");
    asker_reply(asker, "REGISTER", 0, "407 Proxy Authentication Required",
                "Proxy-Authenticate: Digest realm=\"one\", nonce=\"n1\", "
                "qop=\"auth\"\n");
    expect_line(asker->one, party_find(asker->one, "REGISTER", 1), 0, expected);
    asker_reply(asker, "REGISTER", 1, "200 OK", "");
    expect_done(asker, 0, 200);
    asker_destroy(asker);
}
END_TEST

START_TEST(a_body_is_protected_if_that_is_all_there_is)
{
    asker_t *asker = secret_asker();
    expected_t expected = usual;

    expected.challenge.qop = "auth-int";
    expected.request.method = SRF__STR("MESSAGE");
    expected.request.body = SRF__STR("hello");
    asker->options.headers =
        (const char *const[]){"Content-Type", "text/plain", NULL};
    asker->options.body = "hello";
    asker->options.body_len = 5;
    asker_ask(asker, "MESSAGE", "sip:10.0.0.11");
    asker_reply(asker, "MESSAGE", 0, "401 Unauthorized",
                "WWW-Authenticate: Digest realm=\"one\", nonce=\"n1\", "
                "qop=\"auth-int\"\n");
    const char *again = party_find(asker->one, "MESSAGE", 1);
    expect_line(asker->one, again, 0, expected);
    ck_assert_str_eq(strstr(again, "\r\n\r\n"), "\r\n\r\nhello");
    asker_destroy(asker);
}
END_TEST

START_TEST(a_wrong_password_is_sent_once)
{
    asker_t *asker = secret_asker();

    asker_ask(asker, "REGISTER", "sip:10.0.0.11");
    asker_reply(asker, "REGISTER", 0, "401 Unauthorized", challenge);
    asker_reply(asker, "REGISTER", 1, "401 Unauthorized",
                "WWW-Authenticate: Digest realm=\"one\", nonce=\"n2\", "
                "qop=\"auth\"\n");
    expect_done(asker, 0, 401);
    ck_assert_uint_eq(asker->heard, 1);
    memnet_run(asker->net, 60000);
    ck_assert_uint_eq(registers(asker), 2);
    asker_destroy(asker);
}
END_TEST

START_TEST(a_stale_nonce_is_replaced_once)
{
    asker_t *asker = secret_asker();
    expected_t expected = usual;
    static const char stale[] =
        "WWW-Authenticate: Digest realm=\"one\", nonce=\"n2\", stale=true, "
        "qop=\"auth\"\n";

    asker_ask(asker, "REGISTER", "sip:10.0.0.11");
    asker_reply(asker, "REGISTER", 0, "401 Unauthorized", challenge);
    asker_reply(asker, "REGISTER", 1, "401 Unauthorized", stale);
    ck_assert_uint_eq(registers(asker), 3);
    expected.challenge.nonce = "n2";
    const char *third = party_find(asker->one, "REGISTER", 2);
    expect_line(asker->one, third, 0, expected);
    ck_assert_str_eq(party_header(asker->one, third, "CSeq", 0), "3 REGISTER");
    asker_reply(asker, "REGISTER", 2, "401 Unauthorized", stale);
    expect_done(asker, 0, 401);
    ck_assert_uint_eq(registers(asker), 3);
    asker_destroy(asker);
}
END_TEST

START_TEST(without_a_username_a_challenge_is_a_final_response)
{
    asker_t *asker = asker_create();

    asker_ask(asker, "REGISTER", "sip:10.0.0.11");
    asker_reply(asker, "REGISTER", 0, "401 Unauthorized", challenge);
    expect_done(asker, 0, 401);
    ck_assert_uint_eq(asker->heard, 0);
    asker_destroy(asker);
}
END_TEST

static const char *const useless[] = {
    "",
    "WWW-Authenticate: Basic realm=\"one\"\n",
    "WWW-Authenticate: Digest realm=\"one\"\n",
    "WWW-Authenticate: Digest realm=\"a\", nonce=\"n\", algorithm=AKAv1-MD5\n",
    "WWW-Authenticate: Digest realm=\"one\", nonce=\"n\", qop=\"auth-conf\"\n",
    "WWW-Authenticate: Digest realm=\"one\", nonce=\"n\n",
    "WWW-Authenticate: \n",
};

START_TEST(what_cannot_be_answered_is_a_final_response)
{
    asker_t *asker = secret_asker();

    asker_ask(asker, "REGISTER", "sip:10.0.0.11");
    asker_reply(asker, "REGISTER", 0, "401 Unauthorized", useless[_i]);
    expect_done(asker, 0, 401);
    asker_destroy(asker);
}
END_TEST

START_TEST(a_challenge_in_another_response_is_none)
{
    asker_t *asker = secret_asker();

    asker_ask(asker, "REGISTER", "sip:10.0.0.11");
    asker_reply(asker, "REGISTER", 0, "403 Forbidden", challenge);
    expect_done(asker, 0, 403);
    asker_destroy(asker);
}
END_TEST

START_TEST(timeout_ms_includes_the_answer)
{
    asker_t *asker = secret_asker();

    asker->options.timeout_ms = 3000;
    asker_ask(asker, "REGISTER", "sip:10.0.0.11");
    memnet_run(asker->net, 2000);
    asker_reply(asker, "REGISTER", 0, "401 Unauthorized", challenge);
    memnet_run(asker->net, 980);
    ck_assert_uint_eq(asker->done, 0);
    memnet_run(asker->net, 30);
    expect_done(asker, SRF_ERR_TIMEOUT, 0);
    asker_destroy(asker);
}
END_TEST

/* ---- several ---- */

START_TEST(the_strongest_challenge_of_a_realm_counts)
{
    asker_t *asker = secret_asker();
    expected_t expected = usual;

    asker_ask(asker, "REGISTER", "sip:10.0.0.11");
    asker_reply(
        asker, "REGISTER", 0, "401 Unauthorized",
        "WWW-Authenticate: Digest realm=\"one\", nonce=\"n5\", "
        "algorithm=MD5, qop=\"auth\"\n"
        "WWW-Authenticate: Digest realm=\"one\", nonce=\"n6\", "
        "algorithm=SHA-256, qop=\"auth\"\n"
        "WWW-Authenticate: Digest realm=\"one\", nonce=\"n7\", "
        "algorithm=SHA-256, qop=\"auth\"\n"
        "WWW-Authenticate: Digest realm=\"one\", nonce=\"n8\", algorithm=X\n");
    expected.challenge.nonce = "n6";
    expected.challenge.algorithm = "SHA-256";
    const char *again = party_find(asker->one, "REGISTER", 1);
    expect_line(asker->one, again, 0, expected);
    ck_assert_ptr_null(party_header(asker->one, again, "Authorization", 1));
    asker_destroy(asker);
}
END_TEST

START_TEST(each_realm_gets_its_answer)
{
    asker_t *asker = secret_asker();
    expected_t proxy = usual;
    expected_t two = usual;

    proxy.name = "Proxy-Authorization";
    two.challenge.realm = "two";
    asker_ask(asker, "REGISTER", "sip:10.0.0.11");
    asker_reply(asker, "REGISTER", 0, "401 Unauthorized",
                "WWW-Authenticate: Digest realm=\"one\", nonce=\"n1\", "
                "qop=\"auth\"\n"
                "Proxy-Authenticate: Digest realm=\"one\", nonce=\"n1\", "
                "qop=\"auth\"\n"
                "WWW-Authenticate: Digest realm=\"two\", nonce=\"n1\", "
                "qop=\"auth\"\n");
    const char *again = party_find(asker->one, "REGISTER", 1);
    expect_line(asker->one, again, 0, usual);
    expect_line(asker->one, again, 1, two);
    expect_line(asker->one, again, 0, proxy);
    asker_reply(asker, "REGISTER", 1, "200 OK", "");
    expect_done(asker, 0, 200);
    asker_destroy(asker);
}
END_TEST

START_TEST(a_realm_that_the_program_did_not_name_gets_no_answer)
{
    static const char *const realms[] = {"home", "one", NULL};
    asker_t *asker = secret_asker();

    asker->options.realms = realms;
    asker_ask(asker, "REGISTER", "sip:10.0.0.11");
    asker_reply(asker, "REGISTER", 0, "401 Unauthorized",
                "WWW-Authenticate: Digest realm=\"One\", nonce=\"n2\"\n"
                "WWW-Authenticate: Digest realm=\"one\", nonce=\"n1\", "
                "qop=\"auth\"\n"
                "WWW-Authenticate: Digest realm=\"*\", nonce=\"n3\"\n"
                "WWW-Authenticate: Digest nonce=\"n4\"\n");
    const char *again = party_find(asker->one, "REGISTER", 1);
    expect_line(asker->one, again, 0, usual);
    ck_assert_ptr_null(party_header(asker->one, again, "Authorization", 1));
    asker_reply(asker, "REGISTER", 1, "401 Unauthorized",
                "WWW-Authenticate: Digest realm=\"two\", nonce=\"n5\"\n");
    expect_done(asker, 0, 401);
    ck_assert_uint_eq(registers(asker), 2);
    asker_destroy(asker);
}
END_TEST

/* RFC 8760: it is no excuse that the nonce was too old. */
START_TEST(who_had_a_strong_answer_gets_no_weaker_one)
{
    asker_t *asker = secret_asker();

    asker_ask(asker, "REGISTER", "sip:10.0.0.11");
    asker_reply(asker, "REGISTER", 0, "401 Unauthorized",
                "WWW-Authenticate: Digest realm=\"one\", nonce=\"n1\", "
                "algorithm=SHA-256, qop=\"auth\"\n");
    ck_assert_uint_eq(registers(asker), 2);
    asker_reply(asker, "REGISTER", 1, "401 Unauthorized",
                "WWW-Authenticate: Digest realm=\"one\", nonce=\"n2\", "
                "algorithm=MD5, qop=\"auth\", stale=true\n");
    expect_done(asker, 0, 401);
    ck_assert_uint_eq(registers(asker), 2);
    asker_destroy(asker);
}
END_TEST

static unsigned secrets_freed;

/* Looks at what is given back. */
static void look_and_free(void *ptr, void *data)
{
    size_t size = malloc_usable_size(ptr);

    (void)data;
    for (size_t i = 0; i + 8 <= size; i++)
        secrets_freed += memcmp((char *)ptr + i, "zanzibar", 8) == 0;
    free(ptr);
}

START_TEST(passwords_are_wiped)
{
    static const srf_allocator_t looking = {.malloc_fn = runner_malloc,
                                            .calloc_fn = runner_calloc,
                                            .realloc_fn = runner_realloc,
                                            .free_fn = look_and_free};

    /* It looks at bytes that were never written, too: valgrind minds. */
    if (getenv("SRF_EACH_PIECE") != NULL)
        return;
    secrets_freed = 0;
    ck_assert_int_eq(srf_set_allocator(&looking), 0);
    asker_t *asker = secret_asker();
    asker_ask(asker, "REGISTER", "sip:10.0.0.11");
    asker_reply(asker, "REGISTER", 0, "401 Unauthorized", challenge);
    ck_assert_uint_eq(registers(asker), 2);
    asker_reply(asker, "REGISTER", 1, "200 OK", "");
    expect_done(asker, 0, 200);
    ck_assert_int_ne(asker_try(asker, "sip:bob@"), 0); /* refused */
    asker_ask(asker, "REGISTER", "sip:10.0.0.11");
    asker_destroy(asker); /* and one under way */
    ck_assert_uint_eq(secrets_freed, 0);
    ck_assert_int_eq(srf_set_allocator(NULL), 0);
}
END_TEST

START_TEST(a_proxy_and_then_a_server_have_an_answer_each)
{
    asker_t *asker = secret_asker();
    expected_t proxy = usual;

    proxy.name = "Proxy-Authorization";
    proxy.request.nc = 2; /* the nonce has been used before */
    asker_ask(asker, "REGISTER", "sip:10.0.0.11");
    asker_reply(asker, "REGISTER", 0, "407 Proxy Authentication Required",
                "Proxy-Authenticate: Digest realm=\"one\", nonce=\"n1\", "
                "qop=\"auth\"\n");
    asker_reply(asker, "REGISTER", 1, "401 Unauthorized", challenge);
    const char *third = party_find(asker->one, "REGISTER", 2);
    expect_line(asker->one, third, 0, proxy);
    expect_line(asker->one, third, 0, usual);
    asker_reply(asker, "REGISTER", 2, "200 OK", "");
    expect_done(asker, 0, 200);
    asker_destroy(asker);
}
END_TEST

START_TEST(what_was_refused_is_not_sent_for_another_realm)
{
    asker_t *asker = secret_asker();
    expected_t two = usual;

    two.challenge.realm = "two";
    asker_ask(asker, "REGISTER", "sip:10.0.0.11");
    asker_reply(asker, "REGISTER", 0, "401 Unauthorized", challenge);
    asker_reply(asker, "REGISTER", 1, "401 Unauthorized",
                "WWW-Authenticate: Digest realm=\"one\", nonce=\"n3\", "
                "qop=\"auth\"\n"
                "WWW-Authenticate: Digest realm=\"two\", nonce=\"n1\", "
                "qop=\"auth\"\n");
    const char *third = party_find(asker->one, "REGISTER", 2);
    expect_line(asker->one, third, 0, two);
    ck_assert_ptr_null(party_header(asker->one, third, "Authorization", 1));
    asker_reply(asker, "REGISTER", 2, "401 Unauthorized",
                "WWW-Authenticate: Digest realm=\"one\", nonce=\"n4\", "
                "stale=true, qop=\"auth\"\n");
    ck_assert_uint_eq(registers(asker), 3);
    expect_done(asker, 0, 401);
    asker_destroy(asker);
}
END_TEST

START_TEST(a_peer_that_always_names_another_realm_is_left)
{
    asker_t *asker = secret_asker();
    char line[128];

    asker_ask(asker, "REGISTER", "sip:10.0.0.11");
    for (unsigned i = 0; i < 10 && asker->done == 0; i++) {
        snprintf(line, sizeof(line),
                 "WWW-Authenticate: Digest realm=\"r%u\", nonce=\"n\"\n", i);
        asker_reply(asker, "REGISTER", i, "401 Unauthorized", line);
    }
    expect_done(asker, 0, 401);
    ck_assert_uint_eq(registers(asker), 5);
    asker_destroy(asker);
}
END_TEST

/* ---- INVITE ---- */

START_TEST(an_invite_is_answered_and_its_ack_has_the_credentials)
{
    asker_t *asker = secret_asker();
    expected_t expected = usual;

    expected.request.method = SRF__STR("INVITE");
    asker_ask(asker, "INVITE", "sip:10.0.0.11");
    asker_reply(asker, "INVITE", 0, "401 Unauthorized", challenge);
    ck_assert_uint_eq(party_received(asker->one, "ACK"), 1);
    world_expect(asker->one, "ACK", "CSeq", "1 ACK");
    expect_line(asker->one, party_find(asker->one, "INVITE", 1), 0, expected);
    /* The challenge comes again: its ACK was lost. */
    asker_reply(asker, "INVITE", 0, "401 Unauthorized", challenge);
    ck_assert_uint_eq(party_received(asker->one, "ACK"), 2);
    ck_assert_uint_eq(party_received(asker->one, "INVITE"), 2);

    asker_reply(asker, "INVITE", 1, "200 OK", "Contact: <sip:10.0.0.11>\n");
    expect_done(asker, 0, 200);
    const char *ack = party_find(asker->one, "ACK", 2);
    ck_assert_ptr_nonnull(ack);
    ck_assert_str_eq(party_header(asker->one, ack, "CSeq", 0), "2 ACK");
    expect_line(asker->one, ack, 0, expected);
    asker_destroy(asker);
}
END_TEST

static void cancel_when_heard(asker_t *asker, const srf_msg_t *response)
{
    (void)response;
    srf_outgoing_cancel(asker->handle);
}

START_TEST(a_challenge_that_makes_the_program_cancel_is_not_answered)
{
    asker_t *asker = secret_asker();
    const char *method = _i == 0 ? "INVITE" : "REGISTER";

    asker->on_heard = cancel_when_heard;
    asker_ask(asker, method, "sip:10.0.0.11");
    asker_reply(asker, method, 0, "401 Unauthorized", challenge);
    ck_assert_uint_eq(party_received(asker->one, method), 1);
    expect_done(asker, SRF_ERR_CANCELED, _i == 0 ? 401 : 0);
    asker_destroy(asker);
}
END_TEST

static void destroy_it(asker_t *asker, const srf_msg_t *response)
{
    (void)response;
    asker->destroyed = true;
    srf_destroy(asker->srf, NULL);
}

START_TEST(destroy_while_a_challenge_is_told)
{
    asker_t *asker = secret_asker();

    asker->on_heard = destroy_it;
    asker_ask(asker, "REGISTER", "sip:10.0.0.11");
    asker_reply(asker, "REGISTER", 0, "401 Unauthorized", challenge);
    memnet_run(asker->net, 5);
    ck_assert_uint_eq(registers(asker), 1);
    expect_done(asker, 0, 401);
    asker_destroy(asker);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("outgoing_digest");
    TCase *tcase = tcase_create("digest");

    tcase_add_test(tcase, a_challenge_is_answered_with_the_same_request_again);
    tcase_add_test(tcase, a_proxy_is_answered_with_proxy_authorization);
    tcase_add_test(tcase, a_body_is_protected_if_that_is_all_there_is);
    tcase_add_test(tcase, a_wrong_password_is_sent_once);
    tcase_add_test(tcase, a_stale_nonce_is_replaced_once);
    tcase_add_test(tcase, without_a_username_a_challenge_is_a_final_response);
    tcase_add_loop_test(tcase, what_cannot_be_answered_is_a_final_response, 0,
                        (int)(sizeof(useless) / sizeof(*useless)));
    tcase_add_test(tcase, a_challenge_in_another_response_is_none);
    tcase_add_test(tcase, timeout_ms_includes_the_answer);
    tcase_add_test(tcase, the_strongest_challenge_of_a_realm_counts);
    tcase_add_test(tcase, each_realm_gets_its_answer);
    tcase_add_test(tcase, a_realm_that_the_program_did_not_name_gets_no_answer);
    tcase_add_test(tcase, who_had_a_strong_answer_gets_no_weaker_one);
    tcase_add_test(tcase, passwords_are_wiped);
    tcase_add_test(tcase, a_proxy_and_then_a_server_have_an_answer_each);
    tcase_add_test(tcase, what_was_refused_is_not_sent_for_another_realm);
    tcase_add_test(tcase, a_peer_that_always_names_another_realm_is_left);
    tcase_add_test(tcase,
                   an_invite_is_answered_and_its_ack_has_the_credentials);
    tcase_add_loop_test(
        tcase, a_challenge_that_makes_the_program_cancel_is_not_answered, 0, 2);
    tcase_add_test(tcase, destroy_while_a_challenge_is_told);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
