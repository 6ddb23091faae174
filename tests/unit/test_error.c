/*
 * Errors, durations, options structures.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/error.h"
#include "runner.h"

#include <uv.h>

START_TEST(every_code_has_a_name_and_a_text)
{
    static const int codes[] = {
#define CODE(name, code, text) code,
        SRF_ERRNO_MAP(CODE)
#undef CODE
    };

    for (unsigned i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
        ck_assert_int_le(codes[i], -9001);
        ck_assert_str_ne(srf_strerror(codes[i]), srf_strerror(12345));
        ck_assert_int_eq(strncmp(srf_err_name(codes[i]), "SRF_ERR_", 8), 0);
    }
    ck_assert_str_eq(srf_err_name(SRF_ERR_INVALID_URI), "SRF_ERR_INVALID_URI");
    ck_assert_str_eq(srf_strerror(0), "success");
}
END_TEST

START_TEST(codes_of_libuv_pass_through)
{
    ck_assert_str_eq(srf_err_name(UV_EADDRINUSE), "EADDRINUSE");
    ck_assert_str_eq(srf_strerror(UV_EADDRINUSE), uv_strerror(UV_EADDRINUSE));
}
END_TEST

START_TEST(durations_are_a_number_and_a_unit)
{
    static const struct {
        const char *text;
        uint32_t ms;
    } good[] = {{"2s", 2000},
                {"1500ms", 1500},
                {"0s", 0},
                {"4294967294ms", 4294967294u},
                {"18s", 18000}};
    static const char *const bad[] = {
        "",    "2",    "s",    "ms",           "2 s",     " 2s",
        "2s ", "2S",   "2MS",  "-1s",          "+1s",     "2.5s",
        "2m",  "2sec", "0x2s", "4294967295ms", "4294968s"};
    uint32_t ms = 77;

    for (unsigned i = 0; i < sizeof(good) / sizeof(*good); i++) {
        ck_assert_int_eq(srf_duration_parse(good[i].text, &ms), 0);
        ck_assert_uint_eq(ms, good[i].ms);
    }
    ms = 77;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        ck_assert_int_eq(srf_duration_parse(bad[i], &ms),
                         SRF_ERR_INVALID_DURATION);
    ck_assert_int_eq(srf_duration_parse(NULL, &ms), SRF_ERR_INVALID_ARGUMENT);
    ck_assert_int_eq(srf_duration_parse("1s", NULL), SRF_ERR_INVALID_ARGUMENT);
    ck_assert_uint_eq(ms, 77);
}
END_TEST

typedef struct older {
    size_t size;
    uint64_t a;
} older_t;

typedef struct newer {
    size_t size;
    uint64_t a;
    uint64_t b;
} newer_t;

START_TEST(a_shorter_structure_is_extended_with_zeros)
{
    const older_t given = {sizeof(given), 5};
    newer_t read = {0, 9, 9};

    ck_assert_int_eq(
        srf__options_copy(&read, sizeof(read), &given, sizeof(size_t)), 0);
    ck_assert_uint_eq(read.a, 5);
    ck_assert_uint_eq(read.b, 0);
}
END_TEST

START_TEST(a_longer_structure_must_be_zero_beyond_what_we_know)
{
    newer_t given = {sizeof(given), 5, 0};
    older_t read;

    ck_assert_int_eq(
        srf__options_copy(&read, sizeof(read), &given, sizeof(size_t)), 0);
    given.b = 1;
    ck_assert_int_eq(
        srf__options_copy(&read, sizeof(read), &given, sizeof(size_t)),
        SRF_ERR_UNSUPPORTED);
}
END_TEST

START_TEST(no_structure_means_the_defaults_and_no_size_an_error)
{
    const older_t given = {0, 5};
    older_t read = {1, 1};

    ck_assert_int_eq(srf__options_copy(&read, sizeof(read), NULL, 8), 0);
    ck_assert_uint_eq(read.a, 0);
    ck_assert_int_eq(srf__options_copy(&read, sizeof(read), &given, 8),
                     SRF_ERR_INVALID_ARGUMENT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("error");
    TCase *tcase = tcase_create("error");

    tcase_add_test(tcase, every_code_has_a_name_and_a_text);
    tcase_add_test(tcase, codes_of_libuv_pass_through);
    tcase_add_test(tcase, durations_are_a_number_and_a_unit);
    tcase_add_test(tcase, a_shorter_structure_is_extended_with_zeros);
    tcase_add_test(tcase, a_longer_structure_must_be_zero_beyond_what_we_know);
    tcase_add_test(tcase, no_structure_means_the_defaults_and_no_size_an_error);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
