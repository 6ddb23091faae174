/*
 * Overload control: when new work is refused. Looked at with each new request,
 * so that nothing wakes an idle program.
 *
 * A limit of transactions, memory or lag that is reached begins the overload;
 * it ends when all three measures have fallen well below their limits.
 * Meanwhile requests outside a dialog are refused without state. Those inside
 * one are served, since they mostly end calls or keep them up, up to a ceiling
 * above the limits.
 *
 * Datagrams that wait long in the socket, or find no room there, say that more
 * comes than can be served, but not how much can be. This is felt for: of
 * requests outside a dialog a number is let in each tenth of a second, a
 * quarter of what it was while the strain lasts, more and more once it is gone,
 * slowly from half of what was too much on, until none has to be turned away
 * any more.
 *
 * To refuse costs, too: what is above a budget of answers is dropped in silence
 * (RFC 3261 §21.5.4).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_OVERLOAD_H
#define SRF_OVERLOAD_H

#include "base/buf.h"
#include "proxy/element.h"

typedef struct srf__overload_limits {
    uint64_t memory_bytes;
    uint64_t transactions;
    uint32_t lag_ms;  /* UINT32_MAX: not measured */
    uint32_t wait_ms; /* of datagrams; UINT32_MAX: neither that nor drops */
    uint32_t retry_after_s;
} srf__overload_limits_t;

typedef struct srf__overload {
    srf__element_t *element;
    srf__overload_limits_t limits;
    srf__timer_t probe;   /* runs while requests come; how late is it? */
    uint64_t measured_ms; /* when lag_ms was found */
    uint64_t told_ms;     /* when a beginning was logged last */
    uint64_t refused;
    uint32_t lag_ms;
    uint32_t unlooked; /* requests to let pass before all is measured again */
    bool active;       /* a limit was reached */
    bool throttled;    /* datagrams fare badly: */
    bool shedding;     /* either of them */
    bool told;
    srf__strain_t strain; /* as of the last probe, but: */
    uint64_t drops;       /* since the one before */
    uint32_t strained;    /* probes in a row that found it too great */
    uint32_t calm;        /* probes in a row without a request turned away */
    /* These count requests let in and turned away since the last probe, and how
     * many may be let in until the next while throttled. */
    uint64_t let_in;
    uint64_t turned_away;
    uint64_t allowance;
    uint64_t knee;          /* half of what was too much last */
    uint64_t answers;       /* left of the budget */
    uint64_t answers_at_ms; /* when that was so */
} srf__overload_t;

void srf__overload_init(srf__overload_t *overload, srf__element_t *element,
                        const srf__overload_limits_t *limits);
void srf__overload_deinit(srf__overload_t *overload);

/* Takes the measures. True while new work must not be taken on as it comes. */
bool srf__overload_is_on(srf__overload_t *overload);
/* Tells, while overload is on, whether this new work is to be taken on all the
 * same. */
bool srf__overload_lets_in(srf__overload_t *overload);
/* Tells, while overload is on, whether the next new work would be turned
 * away. */
static inline bool srf__overload_is_closed(const srf__overload_t *overload)
{
    return overload->active || overload->let_in >= overload->allowance;
}
/* Tells, while overload is on, whether requests inside a dialog cannot be
 * served either. */
bool srf__overload_is_at_ceiling(const srf__overload_t *overload);
/* Whether the budget has an answer for what is refused; that one is taken. */
bool srf__overload_has_answers(srf__overload_t *overload);
bool srf__overload_take_answer(srf__overload_t *overload);

/* Returns how many bytes messages, transactions, proxy operations and
 * connections take. */
uint64_t srf__overload_memory(const srf__overload_t *overload);
/* Returns how late the loop was of late, and how long datagrams waited, in
 * milliseconds. */
uint32_t srf__overload_lag(const srf__overload_t *overload);
uint32_t srf__overload_wait(const srf__overload_t *overload);

/* Counts a refusal; appends its Retry-After line. The time is between the one
 * set and half as much again, by the Call-ID: callers do not all come back at
 * once, and a request sent again gets the same answer. */
void srf__overload_refuse(srf__overload_t *overload,
                          const srf__facts_t *request, srf__buf_t *lines);

#endif /* SRF_OVERLOAD_H */
