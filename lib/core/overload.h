/*
 * Overload control: when new work is refused. Looked at with each new request,
 * so that nothing wakes an idle program.
 *
 * A limit that is reached begins the overload; it ends when all three measures
 * have fallen well below their limits. Meanwhile requests outside a dialog are
 * refused without state. Those with a To tag are served, since they mostly end
 * calls or keep them up; but anybody can write a To tag, so for them there is a
 * ceiling above the limits.
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
    uint32_t lag_ms; /* UINT32_MAX: not measured */
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
    bool active;
    bool told;
} srf__overload_t;

void srf__overload_init(srf__overload_t *overload, srf__element_t *element,
                        const srf__overload_limits_t *limits);
void srf__overload_deinit(srf__overload_t *overload);

/* Takes the measures. True while new work must not be taken on. */
bool srf__overload_is_on(srf__overload_t *overload);
/* While it is on: requests with a To tag cannot be served either. */
bool srf__overload_is_at_ceiling(const srf__overload_t *overload);

/* Bytes of messages, transactions, proxy operations and connections alive. */
uint64_t srf__overload_memory(const srf__overload_t *overload);
/* How late the loop was of late, milliseconds. */
uint32_t srf__overload_lag(const srf__overload_t *overload);

/* Counts a refusal; appends its Retry-After line. The time is between the one
 * set and half as much again, by the Call-ID: callers do not all come back at
 * once, and a request sent again gets the same answer. */
void srf__overload_refuse(srf__overload_t *overload,
                          const srf__facts_t *request, srf__buf_t *lines);

#endif /* SRF_OVERLOAD_H */
