/*
 * Two timers on one.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transaction/clock.h"

/* Milliseconds until a due time, 0 when it has passed. Delays are far below the
 * half of 32 bits (srf_options_t bounds T1), so that a wrap does no harm. */
static uint32_t left(uint32_t due_ms, uint32_t now_ms)
{
    uint32_t diff = due_ms - now_ms;

    return diff > UINT32_MAX / 2 ? 0 : diff;
}

static void arm(srf__txn_clock_t *clock, srf__wheel_t *wheel, uint32_t now,
                srf__timer_cb fired)
{
    uint32_t wait = UINT32_MAX;

    if (clock->machine.repeat != SRF__TIMER_NONE)
        wait = left(clock->repeat_ms, now);
    if (clock->machine.limit != SRF__TIMER_NONE &&
        left(clock->limit_ms, now) < wait)
        wait = left(clock->limit_ms, now);
    if (wait == UINT32_MAX)
        srf__timer_stop(wheel, &clock->timer);
    else
        srf__timer_start(wheel, &clock->timer, wait, fired);
}

void srf__clock_apply(srf__txn_clock_t *clock, srf__wheel_t *wheel,
                      const srf__txn_actions_t *actions, srf__timer_cb fired)
{
    uint32_t stops = SRF__DO_STOP_REPEAT | SRF__DO_STOP_LIMIT;

    if ((actions->what & stops) == 0 && actions->repeat == SRF__TIMER_NONE &&
        actions->limit == SRF__TIMER_NONE)
        return;
    uint32_t now = (uint32_t)srf__wheel_now(wheel);
    if (actions->what & SRF__DO_STOP_REPEAT)
        clock->machine.repeat = SRF__TIMER_NONE;
    if (actions->what & SRF__DO_STOP_LIMIT)
        clock->machine.limit = SRF__TIMER_NONE;
    if (actions->repeat != SRF__TIMER_NONE) {
        clock->machine.repeat = (uint8_t)actions->repeat;
        clock->repeat_ms = now + actions->repeat_ms;
    }
    if (actions->limit != SRF__TIMER_NONE) {
        clock->machine.limit = (uint8_t)actions->limit;
        clock->limit_ms = now + actions->limit_ms;
    }
    arm(clock, wheel, now, fired);
}

srf__txn_timer_t srf__clock_take(srf__txn_clock_t *clock, srf__wheel_t *wheel,
                                 srf__timer_cb fired)
{
    uint32_t now = (uint32_t)srf__wheel_now(wheel);
    srf__txn_timer_t due = SRF__TIMER_NONE;

    if (clock->machine.limit != SRF__TIMER_NONE &&
        left(clock->limit_ms, now) == 0) {
        due = (srf__txn_timer_t)clock->machine.limit;
        clock->machine.limit = SRF__TIMER_NONE;
    } else if (clock->machine.repeat != SRF__TIMER_NONE &&
               left(clock->repeat_ms, now) == 0) {
        due = (srf__txn_timer_t)clock->machine.repeat;
        clock->machine.repeat = SRF__TIMER_NONE;
    }
    arm(clock, wheel, now, fired);
    return due;
}

void srf__clock_wake(srf__txn_clock_t *clock, srf__wheel_t *wheel,
                     srf__timer_cb fired)
{
    srf__timer_start(wheel, &clock->timer, 0, fired);
}

void srf__clock_stop(srf__txn_clock_t *clock, srf__wheel_t *wheel)
{
    clock->machine.repeat = SRF__TIMER_NONE;
    clock->machine.limit = SRF__TIMER_NONE;
    srf__timer_stop(wheel, &clock->timer);
}
