/*
 * The ticker on a real loop, for a few milliseconds each time.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/alloc.h"
#include "base/ticker.h"
#include "runner.h"
#include "srf/srf.h"

#include <stdlib.h>

#include <uv.h>

typedef struct probe {
    srf__timer_t timer; /* first: found by it */
    uint64_t at_ms;     /* loop time of the last call */
    unsigned count;
} probe_t;

static uv_loop_t loop;
static srf__ticker_t *ticker;
static srf__wheel_t *wheel;
static unsigned closed;

static void count_closed(void *data)
{
    ck_assert_ptr_eq(data, &closed);
    closed++;
}

static void setup(void)
{
    closed = 0;
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(srf__ticker_create(&ticker, &loop), 0);
    wheel = srf__ticker_wheel(ticker);
}

static void destroy(void)
{
    srf__ticker_destroy(ticker, count_closed, &closed);
    ticker = NULL;
}

static void teardown(void)
{
    if (ticker != NULL)
        destroy();
    ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    ck_assert_uint_eq(closed, 1);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}

static void fired(srf__timer_t *timer)
{
    probe_t *probe = (probe_t *)timer;

    probe->count++;
    probe->at_ms = uv_now(&loop);
    ck_assert_uint_eq(srf__wheel_now(wheel), uv_now(&loop));
    ck_assert_uint_le(wheel->now_ms, uv_now(&loop));
}

START_TEST(timers_fire_from_the_loop_and_not_early)
{
    probe_t probes[3] = {{.count = 0}};
    uint64_t begin = uv_now(&loop);

    srf__timer_start(wheel, &probes[0].timer, 8, fired);
    srf__timer_start(wheel, &probes[1].timer, 3, fired); /* nearer: re-armed */
    /* Each counts from its own call, and a slow machine takes its time. */
    bool in_order = uv_now(&loop) + 3 < begin + 8;
    srf__timer_start(wheel, &probes[2].timer, 0, fired);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(probes[i].count, 0);
    ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(probes[i].count, 1);
    ck_assert_uint_ge(probes[0].at_ms, begin + 8);
    ck_assert_uint_ge(probes[1].at_ms, begin + 3);
    ck_assert(!in_order || probes[1].at_ms <= probes[0].at_ms);
}
END_TEST

/* uv_run() comes back by itself only when nothing is active. */
START_TEST(an_idle_ticker_does_not_keep_the_loop)
{
    probe_t probe = {.count = 0};

    ck_assert(!uv_loop_alive(&loop));
    srf__timer_start(wheel, &probe.timer, 1, fired);
    ck_assert(uv_loop_alive(&loop));
    ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    ck_assert_uint_eq(probe.count, 1);
    ck_assert(!uv_loop_alive(&loop));
}
END_TEST

START_TEST(a_ticker_whose_timers_were_stopped_goes_idle)
{
    probe_t probe = {.count = 0};

    srf__timer_start(wheel, &probe.timer, 2, fired);
    srf__timer_stop(wheel, &probe.timer);
    ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    ck_assert_uint_eq(probe.count, 0);
    ck_assert(!uv_loop_alive(&loop));
}
END_TEST

/* The wheel stands still while nothing is due; the loop does not. */
START_TEST(delays_count_from_the_time_of_the_loop)
{
    probe_t probe = {.count = 0};
    uint64_t behind = wheel->now_ms;

    while (uv_now(&loop) < behind + 5)
        uv_update_time(&loop);
    uint64_t begin = uv_now(&loop);
    srf__timer_start(wheel, &probe.timer, 4, fired);
    ck_assert_uint_eq(probe.timer.due_ms, begin + 4);
    ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    ck_assert_uint_ge(probe.at_ms, begin + 4);
}
END_TEST

static void again(srf__timer_t *timer)
{
    fired(timer);
    if (((probe_t *)timer)->count < 5)
        srf__timer_start(wheel, timer, 1, again);
}

START_TEST(a_callback_may_start_its_timer_again)
{
    probe_t probe = {.count = 0};
    uint64_t begin = uv_now(&loop);

    srf__timer_start(wheel, &probe.timer, 1, again);
    ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    ck_assert_uint_eq(probe.count, 5);
    ck_assert_uint_ge(probe.at_ms, begin + 5);
}
END_TEST

static void destroy_ticker(srf__timer_t *timer)
{
    fired(timer);
    destroy();
    ck_assert_uint_eq(closed, 0); /* told from the loop, not from inside */
}

START_TEST(a_callback_may_destroy_the_ticker)
{
    probe_t first = {.count = 0};
    probe_t later = {.count = 0};

    srf__timer_start(wheel, &first.timer, 1, destroy_ticker);
    srf__timer_start(wheel, &later.timer, 3000, fired);
    ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    ck_assert_uint_eq(first.count, 1);
    ck_assert_uint_eq(later.count, 0);
    ck_assert_uint_eq(closed, 1);
}
END_TEST

START_TEST(a_start_after_destroy_does_not_wake_the_loop)
{
    probe_t probe = {.count = 0};

    destroy();
    srf__timer_start(wheel, &probe.timer, 0, fired);
    ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    ck_assert_uint_eq(probe.count, 0);
}
END_TEST

static void *no_calloc(size_t count, size_t size, void *data)
{
    (void)count;
    (void)size;
    (void)data;
    return NULL;
}

static void *libc_malloc(size_t size, void *data)
{
    (void)data;
    return malloc(size);
}

static void *libc_realloc(void *ptr, size_t size, void *data)
{
    (void)data;
    return realloc(ptr, size);
}

static void libc_free(void *ptr, void *data)
{
    (void)data;
    free(ptr);
}

START_TEST(without_memory_there_is_no_ticker)
{
    const srf_allocator_t poor = {libc_malloc, no_calloc, libc_realloc,
                                  libc_free, NULL};
    srf__ticker_t *none = ticker;

    ck_assert_int_eq(srf_set_allocator(&poor), 0);
    ck_assert_int_eq(srf__ticker_create(&none, &loop), SRF_ERR_NO_MEMORY);
    ck_assert_ptr_null(none);
    ck_assert_int_eq(srf_set_allocator(NULL), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ticker");
    TCase *tcase = tcase_create("ticker");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, timers_fire_from_the_loop_and_not_early);
    tcase_add_test(tcase, an_idle_ticker_does_not_keep_the_loop);
    tcase_add_test(tcase, a_ticker_whose_timers_were_stopped_goes_idle);
    tcase_add_test(tcase, delays_count_from_the_time_of_the_loop);
    tcase_add_test(tcase, a_callback_may_start_its_timer_again);
    tcase_add_test(tcase, a_callback_may_destroy_the_ticker);
    tcase_add_test(tcase, a_start_after_destroy_does_not_wake_the_loop);
    tcase_add_test(tcase, without_memory_there_is_no_ticker);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
