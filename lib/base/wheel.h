/*
 * Timer wheel: hierarchical, 4 levels of 256 slots of 1 ms, time injected.
 * Starting, stopping and restarting cost a few instructions however many
 * timers are alive. What makes it turn is outside: the ticker (one uv_timer_t)
 * or a test with a virtual clock.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_WHEEL_H
#define SRF_WHEEL_H

#include "base/container.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SRF__WHEEL_LEVELS = 4, SRF__WHEEL_SLOTS = 256 };

/* The longest delay, 49 days: the slot of the last level that it is in must not
 * be that of now. */
static const uint64_t srf__wheel_reach_ms = (255ull << 24) - 1;

typedef struct srf__timer srf__timer_t;
typedef struct srf__wheel srf__wheel_t;
typedef void (*srf__timer_cb)(srf__timer_t *timer);

/* Embedded in its owner. Filled with zeros it is a stopped timer. */
struct srf__timer {
    srf__timer_t *next;  /* NULL when stopped */
    srf__timer_t **link; /* what points to us */
    srf__timer_cb cb;
    uint64_t due_ms;
};

struct srf__wheel {
    uint64_t now_ms;    /* every slot before this has been dispatched */
    uint64_t target_ms; /* where the advance under way ends */
    uint64_t count;     /* live timers */
    uint64_t next_ms;   /* no slot in use begins before; not known when past */
    bool coarse;        /* longer delays may be up to 15 ms longer still */
    /* What delays count from; NULL: now_ms, or in a callback the time given to
     * srf__wheel_advance(). now_ms lags behind it while nothing is due. */
    uint64_t (*clock)(srf__wheel_t *wheel);
    /* Is called whenever the next time that matters may have come nearer: the
     * owner re-arms its clock from srf__wheel_next(). May be NULL. */
    void (*changed)(srf__wheel_t *wheel);
    /* Counts the callbacks of the owner's loop that are under way. While
     * there is none, a clock that only the loop moves may have stood still
     * for long. */
    unsigned inside;
    uint64_t
        armed_ms; /* earliest time the owner was told of; UINT64_MAX none */
    uint64_t occupied[SRF__WHEEL_LEVELS][SRF__WHEEL_SLOTS / 64];
    srf__timer_t *slots[SRF__WHEEL_LEVELS][SRF__WHEEL_SLOTS];
};

void srf__wheel_init(srf__wheel_t *wheel, uint64_t now_ms);

/* Returns the present, which delays count from. */
static inline uint64_t srf__wheel_now(srf__wheel_t *wheel)
{
    return wheel->clock != NULL ? wheel->clock(wheel) : wheel->target_ms;
}

/* Both stand around what the loop calls for each message, right after it
 * has taken the time: the clock is not asked anew in between. Whatever runs
 * outside of these, functions that the program calls above all, gets the time
 * of that moment, so a callback that they are missing from costs time and is
 * never wrong. */
static inline void srf__wheel_enter(srf__wheel_t *wheel)
{
    wheel->inside++;
}

static inline void srf__wheel_leave(srf__wheel_t *wheel)
{
    wheel->inside--;
}

/* (Re)starts `timer` to call `cb` `delay_ms` from now, or a little later where
 * the wheel is coarse: so that what comes in the same moment is one wake-up.
 * Delay 0 means as soon as the wheel turns, never from inside this call. Delays
 * beyond the wheel's reach are cut to it. */
void srf__timer_start(srf__wheel_t *wheel, srf__timer_t *timer,
                      uint64_t delay_ms, srf__timer_cb cb);
/* Stops it; a stopped timer may be stopped again. */
void srf__timer_stop(srf__wheel_t *wheel, srf__timer_t *timer);
static inline bool srf__timer_is_active(const srf__timer_t *timer)
{
    return timer->link != NULL;
}

/* Moves time forward and calls what is due, in order of due time (within one
 * millisecond in any order). wheel->now_ms is a callback's due time or later
 * while it runs. Callbacks may start and stop any timer, themselves included.
 * What they start with delay 0 is due at the end of the advance: it is called
 * there, or in the next advance when it was started from there, so an advance
 * ends. Time never goes back: an earlier now_ms counts as no movement, and what
 * is due at wheel->now_ms is still called. */
void srf__wheel_advance(srf__wheel_t *wheel, uint64_t now_ms);
/* Tells when srf__wheel_advance() must next be called: never later than the
 * next due time (it may be earlier, to cascade); UINT64_MAX when no timer is
 * alive. */
uint64_t srf__wheel_next(srf__wheel_t *wheel);

#endif /* SRF_WHEEL_H */
