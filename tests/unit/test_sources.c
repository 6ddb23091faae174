/*
 * Buckets of sources, by addresses and the time alone.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/sources.h"

#include "runner.h"

#include <stdio.h>

enum { RATE = 100, BURST = 20, BEGIN_MS = 1000000 };

static const srf__hash_key_t key = {{1, 2}};
static srf__sources_t sources;
static uint64_t now_ms;

static void set_up(void)
{
    static const char *const exempt[] = {"203.0.113.0/24", "2001:db8:f::/48",
                                         NULL};

    ck_assert_int_eq(srf__sources_init(&sources, &key, RATE, BURST, exempt), 0);
    now_ms = BEGIN_MS;
}

static void tear_down(void)
{
    srf__sources_deinit(&sources);
}

static srf__addr_t address(const char *ip)
{
    srf__addr_t addr;

    ck_assert(
        srf__addr_from_host(&addr, srf__str_of(ip), 5060, SRF__TRANSPORT_UDP));
    return addr;
}

/* How many of so many at once are within the rate. */
static unsigned take(const char *ip, srf__work_t work, unsigned count)
{
    srf__addr_t addr = address(ip);
    unsigned good = 0;

    for (unsigned i = 0; i < count; i++)
        good += srf__sources_take(&sources, &addr, work, now_ms, 0) == 0;
    return good;
}

START_TEST(a_burst_is_let_in_and_then_the_rate)
{
    ck_assert_uint_eq(take("192.0.2.1", SRF__WORK_NEW, 1000), BURST);
    ck_assert_uint_eq(sources.limited, 1000 - BURST);
    now_ms += 1000;
    ck_assert_uint_eq(take("192.0.2.1", SRF__WORK_NEW, 1000), BURST);
    for (unsigned i = 0; i < 100; i++) {
        now_ms += 1000 / RATE;
        ck_assert_uint_eq(take("192.0.2.1", SRF__WORK_NEW, 10), 1);
    }
}
END_TEST

START_TEST(each_source_has_its_own)
{
    ck_assert_uint_eq(take("192.0.2.1", SRF__WORK_NEW, 100), BURST);
    ck_assert_uint_eq(take("192.0.2.2", SRF__WORK_NEW, 100), BURST);
    ck_assert_uint_eq(take("2001:db8::1", SRF__WORK_NEW, 100), BURST);
    /* Not by port, and a /64 is one site. */
    ck_assert_uint_eq(take("2001:db8::ffff:1", SRF__WORK_NEW, 100), 0);
    ck_assert_uint_eq(take("2001:db8:0:1::1", SRF__WORK_NEW, 100), BURST);
    /* 32.1.13.184 begins like 2001:db8. */
    ck_assert_uint_eq(take("32.1.13.184", SRF__WORK_NEW, 100), BURST);
}
END_TEST

START_TEST(inside_of_dialogs_it_is_eight_times_as_much)
{
    ck_assert_uint_eq(take("192.0.2.1", SRF__WORK_NEW, 1000), BURST);
    ck_assert_uint_ge(take("192.0.2.1", SRF__WORK_DIALOG, 1000), 8 * 19);
    ck_assert_uint_le(take("192.0.2.1", SRF__WORK_DIALOG, 1000), 8 * BURST);
    now_ms += 10;
    ck_assert_uint_eq(take("192.0.2.1", SRF__WORK_DIALOG, 1000), 8);
    ck_assert_uint_eq(take("192.0.2.1", SRF__WORK_NEW, 1000), 1);
}
END_TEST

START_TEST(what_may_come_early_is_told_how_much)
{
    srf__addr_t addr = address("192.0.2.1");

    ck_assert_uint_eq(take("192.0.2.1", SRF__WORK_NEW, BURST), BURST);
    for (unsigned i = 1; i <= 10; i++)
        ck_assert_uint_eq(
            srf__sources_take(&sources, &addr, SRF__WORK_NEW, now_ms, 100),
            10 * i);
    ck_assert_uint_eq(sources.limited, 0);
    ck_assert_uint_gt(
        srf__sources_take(&sources, &addr, SRF__WORK_NEW, now_ms, 100), 100);
    ck_assert_uint_eq(sources.limited, 1);
}
END_TEST

START_TEST(the_exempt_have_no_limit)
{
    ck_assert_uint_eq(take("203.0.113.9", SRF__WORK_NEW, 10000), 10000);
    ck_assert_uint_eq(take("2001:db8:f::1", SRF__WORK_NEW, 10000), 10000);
    ck_assert_uint_eq(sources.limited, 0);
    ck_assert(!sources.hot);
}
END_TEST

START_TEST(who_is_above_the_rate_is_known_for_a_while)
{
    srf__addr_t one = address("192.0.2.1");
    srf__addr_t two = address("192.0.2.2");

    ck_assert(!srf__sources_is_above(&sources, &one, now_ms));
    (void)take("192.0.2.1", SRF__WORK_NEW, BURST);
    ck_assert(!sources.hot);
    (void)take("192.0.2.1", SRF__WORK_NEW, 1);
    ck_assert(sources.hot);
    ck_assert(srf__sources_is_above(&sources, &one, now_ms));
    ck_assert(!srf__sources_is_above(&sources, &two, now_ms));
    now_ms += 1000 / RATE;
    ck_assert(!srf__sources_is_above(&sources, &one, now_ms));
    ck_assert(sources.hot);
    now_ms += 1000;
    ck_assert(!srf__sources_is_above(&sources, &one, now_ms));
    ck_assert(!sources.hot);
}
END_TEST

/* The table is as large as ever, and who asks much is not forgotten for many
 * that ask little. */
START_TEST(many_sources_do_not_hide_one)
{
    char ip[32];

    ck_assert_uint_eq(take("192.0.2.1", SRF__WORK_NEW, 1000), BURST);
    for (unsigned i = 0; i < 100000; i++) {
        snprintf(ip, sizeof(ip), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        ck_assert_uint_eq(take(ip, SRF__WORK_NEW, 1), 1);
    }
    ck_assert_uint_eq(take("192.0.2.1", SRF__WORK_NEW, 1000), 0);
}
END_TEST

START_TEST(without_a_rate_there_is_no_limit_and_no_table)
{
    srf__sources_t none;
    srf__addr_t addr = address("192.0.2.1");

    ck_assert_int_eq(srf__sources_init(&none, &key, 0, 0, NULL), 0);
    ck_assert_ptr_null(none.sets);
    for (unsigned i = 0; i < 1000; i++)
        ck_assert_uint_eq(
            srf__sources_take(&none, &addr, SRF__WORK_NEW, now_ms, 0), 0);
    srf__sources_deinit(&none);
}
END_TEST

START_TEST(the_least_and_the_largest_rate_work)
{
    srf__sources_t other;
    srf__addr_t addr = address("192.0.2.1");
    unsigned good = 0;

    ck_assert_int_eq(srf__sources_init(&other, &key, _i == 0 ? 1 : 1000000,
                                       UINT32_MAX, NULL),
                     0);
    for (unsigned i = 0; i < 1000; i++)
        good += srf__sources_take(&other, &addr, SRF__WORK_NEW, now_ms, 0) == 0;
    ck_assert_uint_eq(good, 1000);
    srf__sources_deinit(&other);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sources");
    TCase *tcase = tcase_create("buckets");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_burst_is_let_in_and_then_the_rate);
    tcase_add_test(tcase, each_source_has_its_own);
    tcase_add_test(tcase, inside_of_dialogs_it_is_eight_times_as_much);
    tcase_add_test(tcase, what_may_come_early_is_told_how_much);
    tcase_add_test(tcase, the_exempt_have_no_limit);
    tcase_add_test(tcase, who_is_above_the_rate_is_known_for_a_while);
    tcase_add_test(tcase, many_sources_do_not_hide_one);
    tcase_add_test(tcase, without_a_rate_there_is_no_limit_and_no_table);
    tcase_add_loop_test(tcase, the_least_and_the_largest_rate_work, 0, 2);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
