/*
 * Digest authentication: the examples of RFC 7616 §3.9.1, every algorithm and
 * protection with figures worked out by another implementation, and what is not
 * answered.
 *
 * SPDX-License-Identifier: MIT
 */
#include "uac/digest.h"

#include "srf/srf.h"

#include "runner.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

static char storage[4096];
static srf__buf_t out;

static const char *answer(const srf__challenge_t *challenge,
                          const srf__digest_request_t *request)
{
    srf__buf_init_fixed(&out, storage, sizeof(storage));
    ck_assert_int_eq(srf__digest_write(challenge, request, &out), 0);
    srf__buf_add_char(&out, '\0');
    ck_assert_int_eq(out.err, 0);
    return storage;
}

static void expect_part(const char *value, const char *part)
{
    ck_assert_msg(strstr(value, part) != NULL, "no %s in %s", part, value);
}

/* ---- RFC 7616 §3.9.1 ---- */

static const struct {
    const char *algorithm;
    const char *response;
} published[] = {
    {"MD5", "8ca523f5e9506fed4657c9700eebdbec"},
    {"SHA-256",
     "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
};

START_TEST(the_examples_of_the_rfc_come_out)
{
    const srf__challenge_t challenge = {
        .scheme = "Digest",
        .realm = "http-auth@example.org",
        .nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        .opaque = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
        .algorithm = published[_i].algorithm,
        .qop = "auth, auth-int",
    };
    const srf__digest_request_t request = {
        .username = SRF__STR("Mufasa"),
        .password = SRF__STR("Circle of Life"),
        .method = SRF__STR("GET"),
        .uri = SRF__STR("/dir/index.html"),
        .cnonce = SRF__STR("f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"),
        .nc = 1,
    };
    char expected[1024];

    snprintf(expected, sizeof(expected),
             "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", "
             "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
             "uri=\"/dir/index.html\", response=\"%s\", algorithm=%s, "
             "cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", "
             "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\", "
             "qop=auth, nc=00000001",
             published[_i].response, published[_i].algorithm);
    ck_assert_str_eq(answer(&challenge, &request), expected);
}
END_TEST

/* ---- every variant ---- */

static const struct {
    const char *algorithm;
    const char *qop;
    const char *response;
} variants[] = {
    {NULL, NULL, "a904a11cfb847348212b69aae349039c"},
    {NULL, "auth", "55e085684978d62670043cc07a51f994"},
    {NULL, "auth-int", "5472b747f90234499a4c645e99e84e75"},
    {"MD5", NULL, "a904a11cfb847348212b69aae349039c"},
    {"MD5", "auth", "55e085684978d62670043cc07a51f994"},
    {"MD5", "auth-int", "5472b747f90234499a4c645e99e84e75"},
    {"MD5-sess", NULL, "e23f8961c0de9d14d30df20f3a392f6d"},
    {"MD5-sess", "auth", "a10d97e3887f6f5df82e4c2ea1eb1c2b"},
    {"MD5-sess", "auth-int", "2eeeac9502e6b1200baf064d85d48227"},
    {"SHA-256", NULL,
     "c41f7495e5911fc0b5b0690ac60750a9d7664a5c49305b9682d54b6aa5fb1e54"},
    {"SHA-256", "auth",
     "0f3519735b2ba7a04049326c322896b4008e4bf463d2314750fae82e7af286b0"},
    {"SHA-256", "auth-int",
     "e3ee0119ecbb092e7c1826d4680c0d94589d5251b6a1fb9569f9cbd2fc495fe6"},
    {"SHA-256-sess", NULL,
     "a601509c41f65657e10bd519bf1c968f6d446bfe5a3905adb23d7b90e48e9d0c"},
    {"SHA-256-sess", "auth",
     "abd6070a1ebfbfa2546b514e797de9b0418c190a60c7c9394de1525a4198e2b3"},
    {"SHA-256-sess", "auth-int",
     "e0dba913d9c2e549fd4dcdcd4d9caa214bc5bcfa413c53c3a0a8d37e68b0a7af"},
    {"SHA-512-256", NULL,
     "aa70f73398ead2e05d7b697c3fb001d48cbe87a11aa75d2532c9c84b0e0afdc8"},
    {"SHA-512-256", "auth",
     "fae5054a0146b528b4e0a6abe270d203746ba5ac311e90f2ab9e94fcda305edc"},
    {"SHA-512-256", "auth-int",
     "92e26b3cb2f15ba7f16e4cc731c60dbfe62cda9322ae17f3ef70c9d7b8a5278e"},
    {"SHA-512-256-sess", NULL,
     "553d055e938e69cb451cf6d99a673d974d664a9e367628e80eb31db12c50bd92"},
    {"SHA-512-256-sess", "auth",
     "114b161be309c121d8bf771f630cf911c08cc4fd32d99a558196568da225a1c9"},
    {"SHA-512-256-sess", "auth-int",
     "5b220b0786f29491f14aac8a63f86811ae464dfe9e4fac2f35f4b33e1b2d681f"},
};

static const srf__digest_request_t registration = {
    .username = {"ann", 3},
    .password = {"zanzibar", 8},
    .method = {"REGISTER", 8},
    .uri = {"sip:sip.example.com", 19},
    .body = {"v=0\r\n", 5},
    .cnonce = {"0a4f113b", 8},
    .nc = 10,
};

START_TEST(every_algorithm_with_every_protection)
{
    const srf__challenge_t challenge = {
        .scheme = "digest",
        .realm = "sip.example.com",
        .nonce = "a84b4c76",
        .algorithm = variants[_i].algorithm,
        .qop = variants[_i].qop,
    };
    char part[128];

    ck_assert_uint_gt(srf__digest_strength(&challenge), 0);
    const char *value = answer(&challenge, &registration);
    snprintf(part, sizeof(part), ", response=\"%s\"", variants[_i].response);
    expect_part(value, part);
    if (variants[_i].qop == NULL) {
        ck_assert_ptr_null(strstr(value, "qop="));
        ck_assert_ptr_null(strstr(value, "nc="));
    } else {
        snprintf(part, sizeof(part), ", qop=%s, nc=0000000a", variants[_i].qop);
        expect_part(value, part);
        expect_part(value, ", cnonce=\"0a4f113b\"");
    }
    if (variants[_i].algorithm == NULL) {
        ck_assert_ptr_null(strstr(value, "algorithm="));
    } else {
        snprintf(part, sizeof(part), ", algorithm=%s", variants[_i].algorithm);
        expect_part(value, part);
    }
}
END_TEST

START_TEST(quotes_and_backslashes_are_escaped_but_not_hashed)
{
    const srf__challenge_t challenge = {
        .scheme = "Digest",
        .realm = "r\"e\\a",
        .nonce = "n\"o\\",
        .opaque = "\"",
        .qop = "auth",
    };
    const srf__digest_request_t request = {
        .username = SRF__STR("a\"n\\"),
        .password = SRF__STR("p\"w\\"),
        .method = SRF__STR("OPTIONS"),
        .uri = SRF__STR("sip:h"),
        .cnonce = SRF__STR("c"),
        .nc = 1,
    };
    const char *value = answer(&challenge, &request);

    expect_part(value, "username=\"a\\\"n\\\\\", ");
    expect_part(value, ", realm=\"r\\\"e\\\\a\", ");
    expect_part(value, ", nonce=\"n\\\"o\\\\\", ");
    expect_part(value, ", opaque=\"\\\"\"");
    expect_part(value, "response=\"401a52f03087c42baba41d97ac21944e\"");
}
END_TEST

START_TEST(the_algorithm_is_written_as_the_server_does)
{
    const srf__challenge_t challenge = {
        .scheme = "Digest", .realm = "r", .nonce = "n", .algorithm = "sha-256"};

    expect_part(answer(&challenge, &registration), ", algorithm=sha-256");
}
END_TEST

START_TEST(auth_is_preferred_to_auth_int)
{
    srf__challenge_t challenge = {
        .scheme = "Digest", .realm = "r", .nonce = "n"};

    challenge.qop = "auth-int,auth";
    expect_part(answer(&challenge, &registration), ", qop=auth, ");
    challenge.qop = "x , AUTH-INT";
    expect_part(answer(&challenge, &registration), ", qop=auth-int, ");
}
END_TEST

START_TEST(stronger_algorithms_are_known_for_it)
{
    srf__challenge_t challenge = {
        .scheme = "Digest", .realm = "r", .nonce = "n", .algorithm = "md5"};
    unsigned md5 = srf__digest_strength(&challenge);

    challenge.algorithm = "sha-256";
    unsigned sha256 = srf__digest_strength(&challenge);
    challenge.algorithm = "SHA-512-256";
    unsigned sha512 = srf__digest_strength(&challenge);
    ck_assert_uint_gt(md5, 0);
    ck_assert_uint_gt(sha256, md5);
    ck_assert_uint_gt(sha512, sha256);
}
END_TEST

static const srf__challenge_t unanswerable[] = {
    {.scheme = "Basic", .realm = "r", .nonce = "n"},
    {.scheme = "Digest", .realm = "r"},
    {.scheme = "Digest", .realm = "r", .nonce = "n", .algorithm = "AKAv1-MD5"},
    {.scheme = "Digest", .realm = "r", .nonce = "n", .algorithm = ""},
    {.scheme = "Digest", .realm = "r", .nonce = "n", .qop = "auth-conf"},
    {.scheme = "Digest", .realm = "r", .nonce = "n", .qop = ""},
};

START_TEST(what_is_not_known_has_no_strength)
{
    ck_assert_uint_eq(srf__digest_strength(&unanswerable[_i]), 0);
}
END_TEST

START_TEST(an_unknown_algorithm_is_not_written)
{
    srf__buf_init_fixed(&out, storage, sizeof(storage));
    ck_assert_int_eq(srf__digest_write(&unanswerable[2], &registration, &out),
                     SRF_ERR_UNSUPPORTED);
    ck_assert_uint_eq(out.len, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("digest");
    TCase *tcase = tcase_create("digest");

    tcase_add_loop_test(tcase, the_examples_of_the_rfc_come_out, 0,
                        COUNT(published));
    tcase_add_loop_test(tcase, every_algorithm_with_every_protection, 0,
                        COUNT(variants));
    tcase_add_test(tcase, quotes_and_backslashes_are_escaped_but_not_hashed);
    tcase_add_test(tcase, the_algorithm_is_written_as_the_server_does);
    tcase_add_test(tcase, auth_is_preferred_to_auth_int);
    tcase_add_test(tcase, stronger_algorithms_are_known_for_it);
    tcase_add_loop_test(tcase, what_is_not_known_has_no_strength, 0,
                        COUNT(unanswerable));
    tcase_add_test(tcase, an_unknown_algorithm_is_not_written);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
