/*
 * The machine of a transaction with its two timers (see srf__txn_actions_t),
 * which are on one timer of the wheel: what repeats or comes soon, and the
 * limit of the state.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_CLOCK_H
#define SRF_CLOCK_H

#include "base/wheel.h"
#include "transaction/machine.h"

/* Embedded in its transaction. Filled with zeros it is stopped. */
typedef struct srf__txn_clock {
    srf__timer_t timer;
    uint32_t repeat_ms; /* due times, the low bits of the wheel's time */
    uint32_t limit_ms;
    srf__machine_t machine;
} srf__txn_clock_t;

/* Starts and stops what a machine ordered; `fired` is called when something is
 * due. */
void srf__clock_apply(srf__txn_clock_t *clock, srf__wheel_t *wheel,
                      const srf__txn_actions_t *actions, srf__timer_cb fired);

/* In `fired`: takes out what is due, the limit first, and starts the wheel for
 * the rest. */
srf__txn_timer_t srf__clock_take(srf__txn_clock_t *clock, srf__wheel_t *wheel,
                                 srf__timer_cb fired);

/* Makes `fired` be called from the loop as soon as may be; srf__clock_take()
 * then gives NONE if nothing is due. */
void srf__clock_wake(srf__txn_clock_t *clock, srf__wheel_t *wheel,
                     srf__timer_cb fired);

void srf__clock_stop(srf__txn_clock_t *clock, srf__wheel_t *wheel);

#endif /* SRF_CLOCK_H */
