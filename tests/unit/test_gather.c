/*
 * When datagrams are gathered, by their number and the time alone.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/gather.h"

#include "runner.h"

enum {
    BUFFER_BYTES = 8 << 20,       /* what the system says of 4 MiB */
    SMALL_BUFFER_BYTES = 2 << 16, /* some 57 messages */
    /* Windows are 8 ticks. */
    WINDOW = 8
};

static srf__gather_t gather;
static uint64_t now_ms;

static void setup_with(uint32_t tick_ms, unsigned buffer_bytes)
{
    srf__gather_init(&gather, tick_ms, buffer_bytes);
    now_ms = 1000000;
    (void)srf__gather_note(&gather, now_ms, 0, false);
}

static void setup(void)
{
    setup_with(1, BUFFER_BYTES);
}

/* So many datagrams in each of so many milliseconds. */
static bool pass(unsigned milliseconds, unsigned datagrams)
{
    bool on = gather.on;

    for (unsigned i = 0; i < milliseconds; i++)
        on = srf__gather_note(&gather, ++now_ms, datagrams, false);
    return on;
}

/* As soon as it gathers; how many windows that took. */
static unsigned windows_until_on(unsigned datagrams)
{
    for (unsigned windows = 1; windows < 10000; windows++) {
        if (pass(WINDOW, datagrams))
            return windows;
    }
    ck_abort_msg("it never does");
}

START_TEST(sparse_datagrams_are_read_as_they_come)
{
    ck_assert(!pass(1000, 7));
}
END_TEST

START_TEST(dense_datagrams_are_gathered_after_one_window)
{
    ck_assert(!pass(WINDOW - 1, 8));
    ck_assert(pass(1, 8));
    ck_assert(pass(1000, 8));
}
END_TEST

START_TEST(datagrams_that_come_one_by_one_count_as_those_that_come_at_once)
{
    for (unsigned i = 0; i < 20 * WINDOW; i++)
        (void)srf__gather_note(&gather, now_ms + i / 20, 1, false);
    ck_assert(srf__gather_note(&gather, now_ms + WINDOW, 1, false));
}
END_TEST

START_TEST(it_ends_a_window_after_the_datagrams_do)
{
    (void)windows_until_on(20);
    ck_assert(pass(100, 20));

    ck_assert(!pass(2 * WINDOW, 0));
}
END_TEST

START_TEST(it_follows_a_rate_that_rises_and_falls)
{
    static const unsigned rates[] = {8, 14, 60, 130, 200, 130, 80, 60};

    (void)windows_until_on(8);
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
        ck_assert(pass(10 * WINDOW, rates[i]) || rates[i] < 100);
    /* Less than half of the most: it looks anew, and finds enough. */
    ck_assert_uint_le(windows_until_on(60), 2);
    ck_assert(!pass(10 * WINDOW, 7));
}
END_TEST

START_TEST(no_more_is_gathered_than_the_receive_buffer_takes)
{
    setup_with(1, SMALL_BUFFER_BYTES);

    ck_assert(!pass(100, 15));
    (void)windows_until_on(10);
    ck_assert(pass(100, 12));
    ck_assert(!pass(2 * WINDOW, 15));
}
END_TEST

START_TEST(a_tiny_receive_buffer_never_waits)
{
    setup_with(1, 4096);

    for (unsigned datagrams = 0; datagrams < 200; datagrams++)
        ck_assert(!pass(2 * WINDOW, datagrams));
}
END_TEST

/* One who sends the next datagram when the last one is answered has 20 in each
 * millisecond answered at once, but only one that is gathered. */
START_TEST(peers_that_wait_for_answers_are_left_alone_for_ever_longer)
{
    ck_assert_uint_eq(windows_until_on(20), 1);
    for (unsigned i = 0; i < 10; i++) {
        ck_assert(!pass(WINDOW, 1));
        ck_assert_uint_eq(windows_until_on(20), (1U << i) + 1);
    }
    /* But not for more than that. */
    for (unsigned i = 0; i < 3; i++) {
        ck_assert(!pass(WINDOW, 1));
        ck_assert_uint_eq(windows_until_on(20), 1025);
    }
    /* What was of use wipes that out. */
    ck_assert(pass(2 * WINDOW, 20));
    ck_assert(!pass(WINDOW, 1));
    ck_assert_uint_eq(windows_until_on(20), 1);
}
END_TEST

START_TEST(one_heap_of_datagrams_after_a_silence_is_no_rate)
{
    now_ms += 60000;
    ck_assert(!srf__gather_note(&gather, now_ms, 255, false));
    ck_assert(!pass(WINDOW, 0));
}
END_TEST

/* 2,000 datagrams wait after 100 ms, more than are read at one go. */
START_TEST(a_program_that_was_busy_changes_nothing)
{
    (void)windows_until_on(20);
    ck_assert(pass(2 * WINDOW, 20));
    now_ms += 100;
    for (unsigned i = 0; i < 7; i++)
        ck_assert(srf__gather_note(&gather, now_ms, 256, true));
    ck_assert(srf__gather_note(&gather, now_ms, 208, false));
    ck_assert(pass(100, 20));
}
END_TEST

START_TEST(a_quarter_less_at_first_is_too_much_later_a_half)
{
    (void)windows_until_on(20);
    ck_assert(!pass(WINDOW, 14));
    (void)windows_until_on(20);
    ck_assert(pass(WINDOW, 15));
    ck_assert(pass(10 * WINDOW, 10));
    ck_assert(!pass(WINDOW, 9));
}
END_TEST

START_TEST(longer_ticks_are_for_fewer_datagrams)
{
    setup_with(20, BUFFER_BYTES);

    ck_assert(!pass(20 * WINDOW - 1, 1));
    ck_assert(pass(1, 1));
    ck_assert(pass(10 * WINDOW, 1));
}
END_TEST

START_TEST(nothing_is_gathered_when_that_is_off)
{
    setup_with(0, BUFFER_BYTES);

    for (unsigned datagrams = 0; datagrams < 200; datagrams++)
        ck_assert(!pass(2 * WINDOW, datagrams));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gather");
    TCase *tcase = tcase_create("windows");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, sparse_datagrams_are_read_as_they_come);
    tcase_add_test(tcase, dense_datagrams_are_gathered_after_one_window);
    tcase_add_test(
        tcase, datagrams_that_come_one_by_one_count_as_those_that_come_at_once);
    tcase_add_test(tcase, it_ends_a_window_after_the_datagrams_do);
    tcase_add_test(tcase, it_follows_a_rate_that_rises_and_falls);
    tcase_add_test(tcase, no_more_is_gathered_than_the_receive_buffer_takes);
    tcase_add_test(tcase, a_tiny_receive_buffer_never_waits);
    tcase_add_test(tcase,
                   peers_that_wait_for_answers_are_left_alone_for_ever_longer);
    tcase_add_test(tcase, one_heap_of_datagrams_after_a_silence_is_no_rate);
    tcase_add_test(tcase, a_program_that_was_busy_changes_nothing);
    tcase_add_test(tcase, a_quarter_less_at_first_is_too_much_later_a_half);
    tcase_add_test(tcase, longer_ticks_are_for_fewer_datagrams);
    tcase_add_test(tcase, nothing_is_gathered_when_that_is_off);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
