/*
 * The bridge to libosip2: name-addr values, bounds, silence.
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/osip_bridge.h"

#include "srf/srf.h"

#include "runner.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <osipparser2/osip_message.h>
#include <osipparser2/osip_parser.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

static srf__arena_t arena;

static void setup(void)
{
    arena = (srf__arena_t){NULL};
}

static void teardown(void)
{
    srf__arena_deinit(&arena);
}

static void check_string(const char *got, const char *expected)
{
    if (expected == NULL)
        ck_assert_ptr_null(got);
    else
        ck_assert_pstr_eq(got, expected);
}

typedef struct value {
    const char *text;
    const char *display;
    const char *uri;
    const char *user;
    const char *tag;
    int q;
} value_t;

static const value_t values[] = {
    {"<sip:ann@example.org>", NULL, "sip:ann@example.org", "ann", NULL, -1},
    {"sip:ann@example.org;tag=x", NULL, "sip:ann@example.org", "ann", "x", -1},
    {"Ann <sip:ann@example.org>;tag=1;q=0.5", "Ann", "sip:ann@example.org",
     "ann", "1", 500},
    {"\"Ann \\\"A\\\" \\\\\" <sip:ann@h>", "Ann \"A\" \\", "sip:ann@h", "ann",
     NULL, -1},
    {"\"\" <sip:ann@h>", "", "sip:ann@h", "ann", NULL, -1},
    {"\"A, B\" <sip:ann@h>, <sip:bob@h>", "A, B", "sip:ann@h", "ann", NULL, -1},
    {"<sip:host>;TAG=Y", NULL, "sip:host", NULL, "Y", -1},
    {"<sip:a%6en@h>", NULL, "sip:ann@h", "ann", NULL, -1},
    {"<sip:a@h>;q=1.000", NULL, "sip:a@h", "a", NULL, 1000},
    {"<sip:a@h>;q=0.123", NULL, "sip:a@h", "a", NULL, 123},
    {"<sip:a@h>;q=0", NULL, "sip:a@h", "a", NULL, 0},
    {"<sip:a@h>;q=high", NULL, "sip:a@h", "a", NULL, 0},
    {"<sip:12;x=y@h:5070;lr>", NULL, "sip:12;x=y@h:5070;lr", "12;x=y", NULL,
     -1},
    {"<tel:+1-2;ext=3>;tag=t", NULL, "tel:+1-2;ext=3", "+1-2", "t", -1},
    {"<sips:ann:pw@[2001:db8::1]:5061>", NULL, "sips:ann:pw@[2001:db8::1]:5061",
     "ann", NULL, -1},
    {"Ann\r\n <sip:ann@h>\r\n\t;tag=1", "Ann", "sip:ann@h", "ann", "1", -1},
    {"<http://x/y>", NULL, "http://x/y", NULL, NULL, -1},
};

START_TEST(name_addr_is_taken_to_pieces)
{
    const value_t *v = &values[_i];
    srf__name_addr_t out;

    ck_assert_msg(srf__osip_name_addr(srf__str_of(v->text), &arena, &out) == 0,
                  "%s", v->text);
    check_string(out.display, v->display);
    check_string(out.uri, v->uri);
    check_string(out.user, v->user);
    check_string(out.tag, v->tag);
    ck_assert_int_eq(out.q, v->q);
}
END_TEST

static const char *const bad[] = {
    "",
    " ",
    ",",
    "<sip:ann@h",
    "\"Ann <sip:ann@h>",
    "Ann, B <sip:ann@h>",
    "Ann",
    "*",
    "<sip:a%00b@h>",
    "\"%00\" <sip:a@h>",
    "<sip:a@h>;tag=%00",
};

START_TEST(what_is_no_name_addr_is_a_syntax_error)
{
    srf__name_addr_t out;

    ck_assert_msg(srf__osip_name_addr(srf__str_of(bad[_i]), &arena, &out) ==
                      SRF_ERR_SYNTAX,
                  "%s", bad[_i]);
    ck_assert_ptr_null(out.uri);
    ck_assert_ptr_null(out.user);
}
END_TEST

START_TEST(nul_is_a_syntax_error)
{
    srf__name_addr_t out;

    ck_assert_int_eq(
        srf__osip_name_addr(SRF__STR("<sip:ann@h>\0;tag=1"), &arena, &out),
        SRF_ERR_SYNTAX);
}
END_TEST

START_TEST(percent_at_the_end_is_read_within_bounds)
{
    srf__name_addr_t out;
    char *text = malloc(13);

    ck_assert_ptr_nonnull(text);
    memcpy(text, "<sip:h>;x=%00", 13);
    (void)srf__osip_name_addr(srf__str(text, 12), &arena, &out);
    (void)srf__osip_name_addr(srf__str(text, 11), &arena, &out);
    free(text);
}
END_TEST

START_TEST(longest_value_is_read_and_a_longer_one_refused)
{
    static const char head[] = "<sip:ann@h>;tag=";
    char *text = malloc(SRF__OSIP_VALUE_MAX + 1);
    srf__name_addr_t out;

    ck_assert_ptr_nonnull(text);
    memset(text, 'x', SRF__OSIP_VALUE_MAX + 1);
    memcpy(text, head, sizeof(head) - 1);

    ck_assert_int_eq(
        srf__osip_name_addr(srf__str(text, SRF__OSIP_VALUE_MAX), &arena, &out),
        0);
    ck_assert_uint_eq(strlen(out.tag), SRF__OSIP_VALUE_MAX - sizeof(head) + 1);
    ck_assert_int_eq(srf__osip_name_addr(
                         srf__str(text, SRF__OSIP_VALUE_MAX + 1), &arena, &out),
                     SRF_ERR_SYNTAX);
    free(text);
}
END_TEST

static void *init(void *arg)
{
    *(int *)arg = srf__osip_init();
    return NULL;
}

START_TEST(threads_may_prepare_at_the_same_time)
{
    pthread_t threads[4];
    int results[4];

    for (int i = 0; i < COUNT(threads); i++) {
        results[i] = -1;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, init, &results[i]),
                         0);
    }
    for (int i = 0; i < COUNT(threads); i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_int_eq(results[i], 0);
    }
}
END_TEST

/* libosip2's own voice: it complains about each of these. */
static void parse_broken_messages(void)
{
    static const char broken[] = "SIP/2.0 abc\r\nVia\r\n\r\n";

    for (size_t len = 1; len < sizeof(broken); len++) {
        osip_message_t *sip = NULL;
        ck_assert_int_eq(osip_message_init(&sip), 0);
        ck_assert_int_ne(osip_message_parse(sip, broken, len), 0);
        osip_message_free(sip);
    }
}

START_TEST(libosip2_prints_nothing)
{
    srf__name_addr_t out;
    FILE *file = tmpfile();
    int saved = dup(STDOUT_FILENO);

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(saved, 0);
    ck_assert_int_eq(srf__osip_init(), 0);
    fflush(stdout);
    ck_assert_int_ge(dup2(fileno(file), STDOUT_FILENO), 0);
    for (int i = 0; i < COUNT(bad); i++)
        (void)srf__osip_name_addr(srf__str_of(bad[i]), &arena, &out);
    parse_broken_messages();
    fflush(stdout);
    ck_assert_int_ge(dup2(saved, STDOUT_FILENO), 0);
    close(saved);

    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    ck_assert_int_eq(ftell(file), 0);
    fclose(file);
}
END_TEST

/* ---- challenges ---- */

static const struct {
    const char *text;
    srf__challenge_t expected;
} challenges[] = {
    {"Digest realm=\"a\", nonce=\"n,1\", algorithm=MD5, "
     "qop=\"auth,auth-int\", opaque=\"o\", stale=TRUE",
     {"Digest", "a", "n,1", "o", "MD5", "auth,auth-int", true}},
    {"digest Realm=\"a\\\"b\\\\\" ,\r\n\tNonce = \"n\", stale=\"true\"",
     {"digest", "a\"b\\", "n", NULL, NULL, NULL, true}},
    {"Digest realm=\"a\", nonce=\"n\", algorithm=\"SHA-256\", stale=false, "
     "userhash=true, charset=UTF-8, domain=\"sip:x sip:y\"",
     {"Digest", "a", "n", NULL, "SHA-256", NULL, false}},
    {"Digest\trealm=\"a\",\tnonce=\"n\"",
     {"Digest", "a", "n", NULL, NULL, NULL, false}},
    {"Digest realm=one,nonce = n1== ,qop=auth, stale=true, algorithm=MD5",
     {"Digest", "one", "n1==", NULL, "MD5", "auth", true}},
    {"Digest realm=\"a=b, \\\"c=\", nonce=\"n=1\"",
     {"Digest", "a=b, \"c=", "n=1", NULL, NULL, NULL, false}},
    {"Digest nonce=\"n\"", {"Digest", "", "n", NULL, NULL, NULL, false}},
    {"Basic realm=\"x\"", {"Basic", "x", NULL, NULL, NULL, NULL, false}},
};

START_TEST(challenge_is_taken_to_pieces)
{
    const srf__challenge_t *expected = &challenges[_i].expected;
    srf__challenge_t out;

    ck_assert_int_eq(
        srf__osip_challenge(srf__str_of(challenges[_i].text), &arena, &out), 0);
    check_string(out.scheme, expected->scheme);
    check_string(out.realm, expected->realm);
    check_string(out.nonce, expected->nonce);
    check_string(out.opaque, expected->opaque);
    check_string(out.algorithm, expected->algorithm);
    check_string(out.qop, expected->qop);
    ck_assert_int_eq(out.stale, expected->stale);
}
END_TEST

static const char *const bad_challenges[] = {
    "",
    "Digest",
    ",",
    "Digest realm=\"a\", nonce=\"n",
    "Digest realm=\"a\", nonce=\"%00\"",
};

START_TEST(what_is_no_challenge_is_a_syntax_error)
{
    srf__challenge_t out;

    ck_assert_int_eq(
        srf__osip_challenge(srf__str_of(bad_challenges[_i]), &arena, &out),
        SRF_ERR_SYNTAX);
    ck_assert_ptr_null(out.scheme);
    ck_assert_ptr_null(out.nonce);
}
END_TEST

START_TEST(a_challenge_too_long_is_refused)
{
    static char text[SRF__OSIP_VALUE_MAX + 2];
    srf__challenge_t out;

    memset(text, 'x', sizeof(text));
    memcpy(text, "Digest nonce=\"", 14);
    text[SRF__OSIP_VALUE_MAX - 1] = '"';
    ck_assert_int_eq(
        srf__osip_challenge(srf__str(text, SRF__OSIP_VALUE_MAX), &arena, &out),
        0);
    text[SRF__OSIP_VALUE_MAX - 1] = 'x';
    text[SRF__OSIP_VALUE_MAX] = '"';
    ck_assert_int_eq(srf__osip_challenge(
                         srf__str(text, SRF__OSIP_VALUE_MAX + 1), &arena, &out),
                     SRF_ERR_SYNTAX);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("osip_bridge");
    TCase *tcase = tcase_create("name_addr");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, threads_may_prepare_at_the_same_time);
    tcase_add_loop_test(tcase, name_addr_is_taken_to_pieces, 0, COUNT(values));
    tcase_add_loop_test(tcase, what_is_no_name_addr_is_a_syntax_error, 0,
                        COUNT(bad));
    tcase_add_test(tcase, nul_is_a_syntax_error);
    tcase_add_test(tcase, percent_at_the_end_is_read_within_bounds);
    tcase_add_test(tcase, longest_value_is_read_and_a_longer_one_refused);
    tcase_add_test(tcase, libosip2_prints_nothing);
    tcase_add_loop_test(tcase, challenge_is_taken_to_pieces, 0,
                        COUNT(challenges));
    tcase_add_loop_test(tcase, what_is_no_challenge_is_a_syntax_error, 0,
                        COUNT(bad_challenges));
    tcase_add_test(tcase, a_challenge_too_long_is_refused);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
