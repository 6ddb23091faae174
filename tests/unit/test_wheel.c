/*
 * The timer wheel on a virtual clock.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/alloc.h"
#include "base/random.h"
#include "base/wheel.h"
#include "runner.h"

#include <string.h>

static srf__wheel_t wheel;

typedef struct probe {
    srf__timer_t timer;
    uint64_t fired_ms; /* 0: not yet */
    unsigned count;
    struct probe *victim; /* stopped by the callback */
    struct probe *heir;   /* started by it, with no delay */
} probe_t;

static void fired(srf__timer_t *timer)
{
    probe_t *probe = (probe_t *)timer;

    probe->fired_ms = wheel.now_ms;
    probe->count++;
    if (probe->victim != NULL)
        srf__timer_stop(&wheel, &probe->victim->timer);
    if (probe->heir != NULL)
        srf__timer_start(&wheel, &probe->heir->timer, 0, fired);
}

static void setup(void)
{
    srf__wheel_init(&wheel, 1000);
}

START_TEST(a_timer_fires_at_its_due_time_and_once)
{
    static const uint64_t delays[] = {
        1,      255,   256,      257,     500,    65535,     65536,
        100000, 32000, 16777215, 1 << 24, 180000, 1ull << 31};
    probe_t probe = {.count = 0};

    srf__timer_start(&wheel, &probe.timer, delays[_i], fired);
    srf__wheel_advance(&wheel, 1000 + delays[_i] - 1);
    ck_assert_uint_eq(probe.count, 0);
    srf__wheel_advance(&wheel, 1000 + delays[_i]);
    ck_assert_uint_eq(probe.count, 1);
    ck_assert_uint_eq(probe.fired_ms, 1000 + delays[_i]);
    srf__wheel_advance(&wheel, 1000 + 3 * delays[_i]);
    ck_assert_uint_eq(probe.count, 1);
    ck_assert_uint_eq(srf__wheel_next(&wheel), UINT64_MAX);
}
END_TEST

START_TEST(no_delay_means_the_next_advance_and_not_this_one)
{
    probe_t second = {.count = 0};
    probe_t first = {.heir = &second};

    srf__timer_start(&wheel, &first.timer, 0, fired);
    ck_assert_uint_eq(first.count, 0);
    srf__wheel_advance(&wheel, 1000);
    ck_assert_uint_eq(first.count, 1);
    ck_assert_uint_eq(second.count, 0);
    srf__wheel_advance(&wheel, 1000);
    ck_assert_uint_eq(second.count, 1);
}
END_TEST

START_TEST(a_timer_that_restarts_itself_without_delay_lets_an_advance_end)
{
    probe_t probe = {.count = 0};

    probe.heir = &probe;
    srf__timer_start(&wheel, &probe.timer, 5, fired);
    srf__wheel_advance(&wheel, 2000);
    ck_assert_uint_ge(probe.count, 1);
    ck_assert_uint_le(probe.count, 2);
    ck_assert_uint_eq(wheel.now_ms, 2000);
    srf__timer_stop(&wheel, &probe.timer);
}
END_TEST

START_TEST(restart_moves_the_due_time)
{
    probe_t probe = {.count = 0};

    srf__timer_start(&wheel, &probe.timer, 100, fired);
    srf__wheel_advance(&wheel, 1050);
    srf__timer_start(&wheel, &probe.timer, 1000, fired);
    srf__wheel_advance(&wheel, 2049);
    ck_assert_uint_eq(probe.count, 0);
    srf__wheel_advance(&wheel, 2050);
    ck_assert_uint_eq(probe.count, 1);
}
END_TEST

START_TEST(a_stopped_timer_does_not_fire_and_may_be_stopped_again)
{
    probe_t probe = {.count = 0};

    srf__timer_start(&wheel, &probe.timer, 300, fired);
    ck_assert(srf__timer_is_active(&probe.timer));
    srf__timer_stop(&wheel, &probe.timer);
    srf__timer_stop(&wheel, &probe.timer);
    ck_assert(!srf__timer_is_active(&probe.timer));
    srf__wheel_advance(&wheel, 5000);
    ck_assert_uint_eq(probe.count, 0);
    ck_assert_uint_eq(wheel.count, 0);
}
END_TEST

START_TEST(a_callback_may_stop_the_others_of_its_slot)
{
    probe_t probes[3] = {{.count = 0}};

    for (unsigned i = 0; i < 3; i++) {
        probes[i].victim = &probes[(i + 1) % 3];
        srf__timer_start(&wheel, &probes[i].timer, 10, fired);
    }
    srf__wheel_advance(&wheel, 1010);
    /* Whoever comes first stops the next; one of the three is stopped twice
     * over or fires, so one or two fire, and none is left. */
    unsigned count = probes[0].count + probes[1].count + probes[2].count;
    ck_assert_uint_ge(count, 1);
    ck_assert_uint_le(count, 2);
    ck_assert_uint_eq(wheel.count, 0);
}
END_TEST

START_TEST(time_never_goes_back)
{
    probe_t probe = {.count = 0};

    srf__wheel_advance(&wheel, 5000);
    srf__wheel_advance(&wheel, 100);
    ck_assert_uint_eq(wheel.now_ms, 5000);
    srf__timer_start(&wheel, &probe.timer, 10, fired);
    srf__wheel_advance(&wheel, 5010);
    ck_assert_uint_eq(probe.count, 1);
}
END_TEST

START_TEST(next_is_never_later_than_what_is_due)
{
    probe_t probe = {.count = 0};

    srf__timer_start(&wheel, &probe.timer, 70000, fired);
    for (unsigned steps = 0; probe.count == 0; steps++) {
        uint64_t next = srf__wheel_next(&wheel);
        ck_assert_uint_le(next, 71000);
        ck_assert_uint_lt(steps, 10);
        srf__wheel_advance(&wheel, next);
    }
    ck_assert_uint_eq(wheel.now_ms, 71000);
}
END_TEST

START_TEST(delays_beyond_the_reach_are_cut_to_it)
{
    probe_t probe = {.count = 0};

    srf__timer_start(&wheel, &probe.timer, UINT64_MAX, fired);
    srf__wheel_advance(&wheel, 1000 + srf__wheel_reach_ms - 1);
    ck_assert_uint_eq(probe.count, 0);
    srf__wheel_advance(&wheel, 1000 + srf__wheel_reach_ms);
    ck_assert_uint_eq(probe.count, 1);
}
END_TEST

START_TEST(a_coarse_wheel_wakes_up_once_for_what_is_due_within_16_ms)
{
    probe_t probes[6] = {{.count = 0}};
    static const uint64_t delays[] = {128, 500, 505, 511, 512, 32000};
    static const uint64_t due[] = {1136, 1504, 1520, 1520, 1520, 33008};
    probe_t soon = {.count = 0};

    wheel.coarse = true;
    srf__timer_start(&wheel, &soon.timer, 127, fired);
    for (unsigned i = 0; i < 6; i++)
        srf__timer_start(&wheel, &probes[i].timer, delays[i], fired);
    while (wheel.count > 0)
        srf__wheel_advance(&wheel, srf__wheel_next(&wheel));

    ck_assert_uint_eq(soon.fired_ms, 1127);
    for (unsigned i = 0; i < 6; i++) {
        ck_assert_uint_ge(due[i], 1000 + delays[i]);
        ck_assert_uint_eq(probes[i].fired_ms, due[i]);
    }
}
END_TEST

static uint64_t late_clock(srf__wheel_t *self)
{
    return self->now_ms + 300;
}

static uint64_t month_late_clock(srf__wheel_t *self)
{
    return self->now_ms + 30ull * 86400000;
}

START_TEST(a_coarse_wheel_does_not_round_beyond_its_reach)
{
    probe_t last = {.count = 0};
    probe_t probe = {.count = 0};

    srf__wheel_init(&wheel, (1u << 24) - 1);
    wheel.coarse = true;
    srf__timer_start(&wheel, &last.timer, srf__wheel_reach_ms, fired);
    wheel.clock = month_late_clock;
    srf__timer_start(&wheel, &probe.timer, 24ull * 86400000, fired);
    ck_assert_uint_le(probe.timer.due_ms, wheel.now_ms + srf__wheel_reach_ms);
}
END_TEST

START_TEST(delays_count_from_the_clock_when_there_is_one)
{
    probe_t probe = {.count = 0};

    wheel.clock = late_clock;
    srf__timer_start(&wheel, &probe.timer, 100, fired);
    srf__wheel_advance(&wheel, 1399);
    ck_assert_uint_eq(probe.count, 0);
    srf__wheel_advance(&wheel, 1400);
    ck_assert_uint_eq(probe.count, 1);
}
END_TEST

static uint64_t present;

static uint64_t given_clock(srf__wheel_t *self)
{
    (void)self;
    return present;
}

/* While no timer is alive nothing advances the wheel. */
START_TEST(a_long_idle_time_does_not_cut_delays)
{
    static const uint64_t idle_ms[] = {
        100000,     (1ull << 32) - 30000, (1ull << 32) - 1,
        1ull << 32, (1ull << 32) + 5,     1ull << 40,
        1ull << 24, (1ull << 24) - 1001,  65536,
    };
    probe_t probe = {.count = 0};

    wheel.clock = given_clock;
    present = 1000 + idle_ms[_i];
    srf__timer_start(&wheel, &probe.timer, 180000, fired);
    srf__wheel_advance(&wheel, present + 179999);
    ck_assert_uint_eq(probe.count, 0);
    srf__wheel_advance(&wheel, present + 180000);
    ck_assert_uint_eq(probe.count, 1);
}
END_TEST

static void jump_and_restart(srf__timer_t *timer)
{
    probe_t *probe = (probe_t *)timer;

    probe->count++;
    present = 101120; /* begins a turn of level 0: 256 * 395 */
    srf__timer_start(&wheel, timer, 100, fired);
}

START_TEST(a_clock_that_moves_in_a_callback_does_no_harm)
{
    probe_t probe = {.count = 0};

    wheel.clock = given_clock;
    present = 1000;
    srf__timer_start(&wheel, &probe.timer, 200, jump_and_restart);
    srf__wheel_advance(&wheel, 1300);
    ck_assert_uint_eq(probe.count, 1);
    srf__wheel_advance(&wheel, 101219);
    ck_assert_uint_eq(probe.count, 1);
    srf__wheel_advance(&wheel, 101220);
    ck_assert_uint_eq(probe.count, 2);
    ck_assert_uint_eq(wheel.now_ms, 101220);
}
END_TEST

static void free_timer(srf__timer_t *timer)
{
    srf__free(timer);
}

/* The rest of the slot is reached without what was freed. */
START_TEST(a_callback_may_free_its_timer)
{
    for (unsigned i = 0; i < 10; i++) {
        srf__timer_t *timer = srf__calloc(1, sizeof(*timer));
        ck_assert_ptr_nonnull(timer);
        srf__timer_start(&wheel, timer, 10, free_timer);
    }
    srf__wheel_advance(&wheel, 1010);
    ck_assert_uint_eq(wheel.count, 0);
}
END_TEST

static unsigned told;

static void count_told(srf__wheel_t *self)
{
    told++;
    self->armed_ms = srf__wheel_next(self);
}

START_TEST(the_owner_is_told_only_of_times_that_come_nearer)
{
    probe_t probes[3] = {{.count = 0}};

    told = 0;
    wheel.changed = count_told;
    srf__timer_start(&wheel, &probes[0].timer, 10, fired);
    ck_assert_uint_eq(told, 1);
    srf__timer_start(&wheel, &probes[1].timer, 20, fired);
    srf__timer_start(&wheel, &probes[2].timer, 10, fired);
    srf__timer_start(&wheel, &probes[0].timer, 15, fired);
    srf__timer_stop(&wheel, &probes[2].timer);
    ck_assert_uint_eq(told, 1);
    srf__timer_start(&wheel, &probes[2].timer, 9, fired);
    ck_assert_uint_eq(told, 2);
    ck_assert_uint_eq(wheel.armed_ms, 1009);
}
END_TEST

/* Many timers against a plain list of due times, over the wraps of every level
 * but the last. */
START_TEST(random_timers_fire_when_a_plain_list_says)
{
    enum { COUNT = 400 };
    static probe_t probes[COUNT];
    static uint64_t due[COUNT];
    srf__random_t random;

    memset(probes, 0, sizeof(probes));
    srf__random_init_seeded(&random, (uint64_t)_i + 1);
    srf__wheel_init(&wheel, (1ull << 24) - 5000);
    for (unsigned i = 0; i < COUNT; i++) {
        uint64_t delay = srf__random_u32(&random) % (1u << (i % 20));
        due[i] = wheel.now_ms + delay;
        srf__timer_start(&wheel, &probes[i].timer, delay, fired);
    }
    while (wheel.count > 0)
        srf__wheel_advance(&wheel,
                           wheel.now_ms + srf__random_u32(&random) % 700);
    for (unsigned i = 0; i < COUNT; i++) {
        ck_assert_uint_eq(probes[i].count, 1);
        ck_assert_uint_eq(probes[i].fired_ms, due[i]);
    }
}
END_TEST

/* What moves down at one moment is told by the address of what it is linked
 * to. */
START_TEST(timers_of_a_minute_move_down_a_few_at_a_time)
{
    enum { PER_SLOT = 20, SLOTS_MS = 256, TIMERS = 125 * PER_SLOT };
    static probe_t probes[TIMERS];
    srf__timer_t **before[TIMERS];
    unsigned most = 0;

    memset(probes, 0, sizeof(probes));
    srf__wheel_init(&wheel, 60000);
    for (unsigned i = 0; i < TIMERS; i++)
        srf__timer_start(&wheel, &probes[i].timer,
                         300 + (uint64_t)i * SLOTS_MS / PER_SLOT, fired);
    /* Over the end of a turn of level 1. */
    for (unsigned ms = 60001; ms < 100000; ms++) {
        unsigned moved = 0;
        for (unsigned i = 0; i < TIMERS; i++)
            before[i] = probes[i].timer.link;
        srf__wheel_advance(&wheel, ms);
        for (unsigned i = 0; i < TIMERS; i++)
            moved += probes[i].timer.link != before[i];
        if (moved > most)
            most = moved;
    }
    ck_assert_uint_eq(wheel.count, 0);
    ck_assert_uint_le(most, 2 * PER_SLOT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wheel");
    TCase *tcase = tcase_create("timers");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_loop_test(tcase, a_timer_fires_at_its_due_time_and_once, 0, 13);
    tcase_add_test(tcase, no_delay_means_the_next_advance_and_not_this_one);
    tcase_add_test(
        tcase, a_timer_that_restarts_itself_without_delay_lets_an_advance_end);
    tcase_add_test(tcase, restart_moves_the_due_time);
    tcase_add_test(tcase,
                   a_stopped_timer_does_not_fire_and_may_be_stopped_again);
    tcase_add_test(tcase, a_callback_may_stop_the_others_of_its_slot);
    tcase_add_test(tcase, time_never_goes_back);
    tcase_add_test(tcase, next_is_never_later_than_what_is_due);
    tcase_add_test(tcase, delays_beyond_the_reach_are_cut_to_it);
    tcase_add_test(tcase, delays_count_from_the_clock_when_there_is_one);
    tcase_add_test(tcase,
                   a_coarse_wheel_wakes_up_once_for_what_is_due_within_16_ms);
    tcase_add_test(tcase, a_coarse_wheel_does_not_round_beyond_its_reach);
    tcase_add_loop_test(tcase, a_long_idle_time_does_not_cut_delays, 0, 9);
    tcase_add_test(tcase, a_clock_that_moves_in_a_callback_does_no_harm);
    tcase_add_test(tcase, a_callback_may_free_its_timer);
    tcase_add_test(tcase, the_owner_is_told_only_of_times_that_come_nearer);
    tcase_add_loop_test(tcase, random_timers_fire_when_a_plain_list_says, 0,
                        20);
    tcase_add_test(tcase, timers_of_a_minute_move_down_a_few_at_a_time);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
