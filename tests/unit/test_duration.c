/*
 * Durations as text: where the bounds lie, and what is left alone.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "srf/srf.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

START_TEST(both_units_give_milliseconds)
{
    static const uint32_t numbers[] = {0, 1, 9, 10, 999, 1000, 4294967};
    char text[32];
    uint32_t ms;

    for (unsigned i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        snprintf(text, sizeof(text), "%ums", (unsigned)numbers[i]);
        ck_assert_int_eq(srf_duration_parse(text, &ms), 0);
        ck_assert_uint_eq(ms, numbers[i]);
        snprintf(text, sizeof(text), "%us", (unsigned)numbers[i]);
        ck_assert_int_eq(srf_duration_parse(text, &ms), 0);
        ck_assert_uint_eq(ms, numbers[i] * 1000u);
    }
}
END_TEST

START_TEST(zeros_in_front_do_not_count)
{
    uint32_t ms;

    ck_assert_int_eq(srf_duration_parse("007s", &ms), 0);
    ck_assert_uint_eq(ms, 7000);
    ck_assert_int_eq(srf_duration_parse("000000000000000000001ms", &ms), 0);
    ck_assert_uint_eq(ms, 1);
}
END_TEST

/* SRF_TIMEOUT_NONE means "off" and is no duration. */
START_TEST(the_largest_is_one_below_none)
{
    uint32_t ms = 0;

    ck_assert_int_eq(srf_duration_parse("4294967294ms", &ms), 0);
    ck_assert_uint_eq(ms, SRF_TIMEOUT_NONE - 1);
    ck_assert_int_eq(srf_duration_parse("4294967295ms", &ms),
                     SRF_ERR_INVALID_DURATION);
    ck_assert_int_eq(srf_duration_parse("4294967s", &ms), 0);
    ck_assert_int_eq(srf_duration_parse("4294968s", &ms),
                     SRF_ERR_INVALID_DURATION);
    /* Products and numbers that would wrap around to something small. */
    ck_assert_int_eq(srf_duration_parse("4294967296ms", &ms),
                     SRF_ERR_INVALID_DURATION);
    ck_assert_int_eq(srf_duration_parse("18446744073709551617ms", &ms),
                     SRF_ERR_INVALID_DURATION);
    ck_assert_int_eq(srf_duration_parse("18446744073709552s", &ms),
                     SRF_ERR_INVALID_DURATION);
}
END_TEST

START_TEST(a_byte_out_of_place_refuses_it)
{
    static const char good[] = "1500ms";
    uint32_t ms = 77;

    for (size_t at = 0; at < sizeof(good) - 1; at++) {
        static const char wrong[] = " -+.,mS\xff\x01/:";
        for (size_t i = 0; i < sizeof(wrong) - 1; i++) {
            char text[sizeof(good)];
            memcpy(text, good, sizeof(good));
            text[at] = wrong[i];
            if (strcmp(text, good) == 0)
                continue;
            ck_assert_int_eq(srf_duration_parse(text, &ms),
                             SRF_ERR_INVALID_DURATION);
        }
    }
    ck_assert_uint_eq(ms, 77);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("duration");
    TCase *tcase = tcase_create("duration");

    tcase_add_test(tcase, both_units_give_milliseconds);
    tcase_add_test(tcase, zeros_in_front_do_not_count);
    tcase_add_test(tcase, the_largest_is_one_below_none);
    tcase_add_test(tcase, a_byte_out_of_place_refuses_it);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
