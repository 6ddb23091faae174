/*
 * How many new requests are let in while datagrams fare badly: what the sockets
 * tell is the test's, and so is the time.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/overload.h"

#include "runner.h"

#include <stdio.h>

enum { PROBE_MS = 100, WAIT_MS = 100 };

static srf__wheel_t wheel;
static srf__element_t element;
static srf__overload_t overload;
static srf__listener_t listener;
static srf__strain_t told; /* of the socket */

static struct {
    unsigned lines;
    char last[256];
} log_seen;

static void on_log(srf_log_level_t level, const srf_log_event_t *event,
                   void *user_data)
{
    (void)user_data;
    ck_assert_int_eq(level, SRF_LOG_WARNING);
    log_seen.lines++;
    snprintf(log_seen.last, sizeof(log_seen.last), "%s", event->text);
}

static void tell_strain(srf__listener_t *of, srf__strain_t *strain)
{
    ck_assert_ptr_eq(of, &listener);
    strain->received += told.received;
    strain->drops += told.drops;
    if (told.wait_ms > strain->wait_ms)
        strain->wait_ms = told.wait_ms;
}

static void set_up_with(uint32_t wait_ms)
{
    static const srf__listener_ops_t ops = {.strain = tell_strain};
    const srf__overload_limits_t limits = {
        .memory_bytes = UINT64_MAX,
        .transactions = UINT64_MAX,
        .lag_ms = UINT32_MAX,
        .wait_ms = wait_ms,
        .retry_after_s = 5,
    };

    memset(&log_seen, 0, sizeof(log_seen));
    memset(&element, 0, sizeof(element));
    memset(&overload, 0, sizeof(overload));
    memset(&told, 0, sizeof(told));
    srf__wheel_init(&wheel, 100000);
    element.wheel = &wheel;
    listener.ops = &ops;
    element.transports.listeners = &listener;
    srf__log_init(&element.log, on_log, NULL, SRF_LOG_WARNING);
    srf__overload_init(&overload, &element, &limits);
}

static void set_up(void)
{
    set_up_with(WAIT_MS);
}

static void tear_down(void)
{
    srf__overload_deinit(&overload);
    ck_assert_uint_eq(wheel.count, 0);
}

/* So many new requests come before the next look; how many were let in. */
static unsigned pass(unsigned requests)
{
    unsigned let_in = 0;

    told.received += requests;
    for (unsigned i = 0; i < requests; i++) {
        if (!srf__overload_is_on(&overload)) {
            overload.let_in++;
            let_in++;
        } else {
            let_in += srf__overload_lets_in(&overload);
        }
    }
    srf__wheel_advance(&wheel, srf__wheel_now(&wheel) + PROBE_MS);
    return let_in;
}

/* Until it is throttled, with so many requests each time. */
static void strain(unsigned requests)
{
    told.wait_ms = WAIT_MS + 1;
    ck_assert_uint_eq(pass(requests), requests);
    ck_assert_uint_eq(pass(requests), requests);
    ck_assert(overload.shedding);
}

START_TEST(datagrams_that_wait_long_throttle)
{
    ck_assert_uint_eq(pass(1000), 1000);
    told.wait_ms = WAIT_MS;
    for (unsigned i = 0; i < 5; i++)
        ck_assert_uint_eq(pass(1000), 1000);
    strain(1000);
    ck_assert_uint_lt(pass(1000), 300);
}
END_TEST

START_TEST(datagrams_that_find_no_room_throttle)
{
    for (unsigned i = 0; i < 3; i++) {
        told.drops += 40;
        pass(1000);
    }
    ck_assert(overload.shedding);
    ck_assert_uint_lt(pass(1000), 300);
}
END_TEST

START_TEST(few_lost_datagrams_or_one_burst_do_not)
{
    for (unsigned i = 0; i < 10; i++) {
        told.drops += 30; /* of 1000 */
        ck_assert_uint_eq(pass(1000), 1000);
    }
    told.drops += 5000;
    ck_assert_uint_eq(pass(1000), 1000);
    ck_assert_uint_eq(pass(1000), 1000);
    told.wait_ms = 500;
    ck_assert_uint_eq(pass(1000), 1000);
    told.wait_ms = 0;
    ck_assert_uint_eq(pass(1000), 1000);
    ck_assert_uint_eq(log_seen.lines, 0);
}
END_TEST

START_TEST(ever_fewer_are_let_in_while_it_lasts)
{
    unsigned before = 1000;

    strain(1000);
    for (unsigned i = 0; i < 4; i++) {
        unsigned now = pass(1000);
        ck_assert_uint_lt(now, before);
        before = now;
    }
    for (unsigned i = 0; i < 20; i++)
        before = pass(1000);
    /* But never none. */
    ck_assert_uint_ge(before, 10);
    ck_assert_uint_le(before, 20);
}
END_TEST

START_TEST(what_is_left_of_the_strain_is_enough_to_go_on)
{
    strain(1000);
    told.wait_ms = 0;
    unsigned before = pass(1000);
    ck_assert_uint_gt(pass(1000), before);
    told.wait_ms = WAIT_MS / 2;
    before = pass(1000);
    ck_assert_uint_lt(pass(1000), before);
    told.wait_ms = 0;
    told.drops++;
    before = pass(1000);
    ck_assert_uint_lt(pass(1000), before);
}
END_TEST

START_TEST(more_are_let_in_quickly_up_to_half_of_what_was_too_much)
{
    unsigned windows = 0;

    strain(1000);
    told.wait_ms = 0;
    while (pass(1000) < 500 && windows < 100)
        windows++;
    ck_assert_uint_le(windows, 5);
    windows = 0;
    while (pass(1000) < 1000 && windows < 100)
        windows++;
    ck_assert_uint_ge(windows, 15);
    ck_assert_uint_le(windows, 30);
}
END_TEST

START_TEST(it_is_over_a_second_after_the_last_was_turned_away)
{
    strain(3000);
    told.wait_ms = 0;
    unsigned windows = 0;
    while (overload.shedding && windows < 100) {
        ck_assert_uint_eq(pass(20), 20);
        windows++;
    }
    ck_assert_uint_eq(windows, 10);
    ck_assert_uint_eq(pass(3000), 3000);
    ck_assert_uint_eq(log_seen.lines, 2);
    ck_assert_ptr_nonnull(strstr(log_seen.last, "overload is over"));
}
END_TEST

/* Nobody comes any more. */
START_TEST(it_ends_by_itself_and_then_wakes_nobody)
{
    strain(1000);
    told.wait_ms = 0;
    for (unsigned i = 0; i < 10; i++)
        srf__wheel_advance(&wheel, srf__wheel_now(&wheel) + PROBE_MS);
    ck_assert(!overload.shedding);
    ck_assert_uint_eq(wheel.count, 0);
}
END_TEST

START_TEST(its_beginning_is_told_with_what_was_measured)
{
    told.drops = 0;
    pass(100);
    told.drops = 77;
    pass(100);
    told.drops += 77;
    told.wait_ms = 123;
    pass(100);
    ck_assert_uint_eq(log_seen.lines, 1);
    ck_assert_ptr_nonnull(strstr(log_seen.last, "waited 123 ms"));
    ck_assert_ptr_nonnull(strstr(log_seen.last, "77 found no room"));
    ck_assert_uint_eq(srf__overload_wait(&overload), 123);
    srf__wheel_advance(&wheel, srf__wheel_now(&wheel) + 90);
    ck_assert_uint_eq(srf__overload_wait(&overload), 123);
}
END_TEST

START_TEST(it_can_be_left_off)
{
    srf__overload_deinit(&overload);
    set_up_with(UINT32_MAX);
    told.wait_ms = 100000;
    for (unsigned i = 0; i < 10; i++) {
        told.drops += 100000;
        ck_assert_uint_eq(pass(1000), 1000);
    }
    ck_assert_uint_eq(wheel.count, 0);
}
END_TEST

/* A listener that is closed takes its counts along. */
START_TEST(counts_that_go_back_are_no_strain)
{
    told.drops = 100000;
    told.received = 1000000;
    pass(10);
    pass(10);
    told.drops = 0;
    told.received = 0;
    for (unsigned i = 0; i < 5; i++)
        ck_assert_uint_eq(pass(10), 10);
    ck_assert(!overload.shedding);
}
END_TEST

START_TEST(answers_have_a_budget_by_the_millisecond)
{
    unsigned answers = 0;

    while (srf__overload_take_answer(&overload))
        answers++;
    ck_assert_uint_eq(answers, 100);
    srf__wheel_advance(&wheel, srf__wheel_now(&wheel) + 7);
    for (answers = 0; srf__overload_take_answer(&overload);)
        answers++;
    ck_assert_uint_eq(answers, 7);
    srf__wheel_advance(&wheel, srf__wheel_now(&wheel) + 100000);
    for (answers = 0; srf__overload_take_answer(&overload);)
        answers++;
    ck_assert_uint_eq(answers, 100);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("throttle");
    TCase *tcase = tcase_create("throttle");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, datagrams_that_wait_long_throttle);
    tcase_add_test(tcase, datagrams_that_find_no_room_throttle);
    tcase_add_test(tcase, few_lost_datagrams_or_one_burst_do_not);
    tcase_add_test(tcase, ever_fewer_are_let_in_while_it_lasts);
    tcase_add_test(tcase, what_is_left_of_the_strain_is_enough_to_go_on);
    tcase_add_test(tcase,
                   more_are_let_in_quickly_up_to_half_of_what_was_too_much);
    tcase_add_test(tcase, it_is_over_a_second_after_the_last_was_turned_away);
    tcase_add_test(tcase, it_ends_by_itself_and_then_wakes_nobody);
    tcase_add_test(tcase, its_beginning_is_told_with_what_was_measured);
    tcase_add_test(tcase, it_can_be_left_off);
    tcase_add_test(tcase, counts_that_go_back_are_no_strain);
    tcase_add_test(tcase, answers_have_a_budget_by_the_millisecond);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
