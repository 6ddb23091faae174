/*
 * Two timers of a transaction on one of the wheel.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "transaction/clock.h"

#include <string.h>

static srf__wheel_t wheel;
static srf__txn_clock_t txn_clock;
static srf__txn_timer_t seen[8];
static uint64_t times[8];
static unsigned count;

static void fired(srf__timer_t *timer)
{
    ck_assert_ptr_eq(timer, &txn_clock.timer);
    ck_assert_uint_lt(count, 8);
    times[count] = wheel.now_ms;
    seen[count++] = srf__clock_take(&txn_clock, &wheel, fired);
}

static void setup(void)
{
    srf__wheel_init(&wheel,
                    UINT32_MAX - 100); /* the low bits wrap on the way */
    memset(&txn_clock, 0, sizeof(txn_clock));
    count = 0;
}

static void run(uint64_t ms)
{
    uint64_t end = wheel.now_ms + ms;

    while (srf__wheel_next(&wheel) <= end)
        srf__wheel_advance(&wheel, srf__wheel_next(&wheel));
    srf__wheel_advance(&wheel, end);
}

static void order(uint32_t what, srf__txn_timer_t repeat, uint32_t repeat_ms,
                  srf__txn_timer_t limit, uint32_t limit_ms)
{
    const srf__txn_actions_t actions = {what, repeat, limit, repeat_ms,
                                        limit_ms};

    srf__clock_apply(&txn_clock, &wheel, &actions, fired);
}

START_TEST(both_timers_come_at_their_times)
{
    uint64_t begin = wheel.now_ms;

    order(0, SRF__TIMER_A, 500, SRF__TIMER_B, 32000);
    run(40000);
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(seen[0], SRF__TIMER_A);
    ck_assert_uint_eq(times[0], begin + 500);
    ck_assert_int_eq(seen[1], SRF__TIMER_B);
    ck_assert_uint_eq(times[1], begin + 32000);
    ck_assert_uint_eq(wheel.count, 0);
}
END_TEST

START_TEST(restarting_one_leaves_the_other)
{
    order(0, SRF__TIMER_A, 500, SRF__TIMER_B, 1000);
    run(400);
    order(0, SRF__TIMER_A, 2000, SRF__TIMER_NONE, 0);
    run(700);
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(seen[0], SRF__TIMER_B);
    run(2000);
    ck_assert_int_eq(seen[1], SRF__TIMER_A);
}
END_TEST

START_TEST(stopping_one_leaves_the_other)
{
    order(0, SRF__TIMER_A, 500, SRF__TIMER_B, 1000);
    order(SRF__DO_STOP_REPEAT, SRF__TIMER_NONE, 0, SRF__TIMER_NONE, 0);
    run(2000);
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(seen[0], SRF__TIMER_B);
    order(0, SRF__TIMER_G, 500, SRF__TIMER_H, 1000);
    order(SRF__DO_STOP_LIMIT, SRF__TIMER_NONE, 0, SRF__TIMER_NONE, 0);
    run(2000);
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(seen[1], SRF__TIMER_G);
}
END_TEST

START_TEST(both_due_at_once_come_one_after_the_other_the_limit_first)
{
    order(0, SRF__TIMER_G, 500, SRF__TIMER_H, 500);
    run(500);
    run(1);
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(seen[0], SRF__TIMER_H);
    ck_assert_int_eq(seen[1], SRF__TIMER_G);
}
END_TEST

START_TEST(a_wake_comes_from_the_loop_and_takes_nothing_away)
{
    order(0, SRF__TIMER_E, 500, SRF__TIMER_F, 1000);
    srf__clock_wake(&txn_clock, &wheel, fired);
    ck_assert_uint_eq(count, 0);
    run(0);
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(seen[0], SRF__TIMER_NONE);
    run(2000);
    ck_assert_uint_eq(count, 3);
}
END_TEST

START_TEST(stop_stops_all)
{
    order(0, SRF__TIMER_E, 500, SRF__TIMER_F, 1000);
    srf__clock_stop(&txn_clock, &wheel);
    run(2000);
    ck_assert_uint_eq(count, 0);
    ck_assert_uint_eq(wheel.count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("clock");
    TCase *tcase = tcase_create("clock");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, both_timers_come_at_their_times);
    tcase_add_test(tcase, restarting_one_leaves_the_other);
    tcase_add_test(tcase, stopping_one_leaves_the_other);
    tcase_add_test(tcase,
                   both_due_at_once_come_one_after_the_other_the_limit_first);
    tcase_add_test(tcase, a_wake_comes_from_the_loop_and_takes_nothing_away);
    tcase_add_test(tcase, stop_stops_all);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
