/*
 * Running dry before the end.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/drain.h"

enum { LOOK_MS = 100 };

static bool is_dry(const srf_t *srf)
{
    const srf__txns_counters_t *counters = &srf->element.txns.counters;

    return srf->requests == NULL && srf->element.pending == 0 &&
           counters->servers == 0 && counters->clients == 0 &&
           srf->answers.waiting.count == 0;
}

static void tell(srf_t *srf, int err)
{
    srf_drain_cb cb = srf->drain_cb;

    srf->drain_cb = NULL;
    if (cb != NULL)
        cb(srf, err);
}

/* Only who drains pays for it: everything else need not know. */
static void look(srf__timer_t *timer)
{
    srf_t *srf = srf__container_of(timer, srf_t, drain_timer);

    if (srf->closing)
        return; /* srf__drain_abort() tells */
    if (is_dry(srf))
        tell(srf, 0);
    else
        srf__timer_start(srf->element.wheel, timer, LOOK_MS, look);
}

int srf_drain(srf_t *srf, srf_drain_cb cb)
{
    if (srf == NULL || srf->draining)
        return SRF_ERR_INVALID_ARGUMENT;
    if (srf->closing)
        return SRF_ERR_CANCELED;
    srf->draining = true;
    srf->drain_cb = cb;
    srf__timer_start(srf->element.wheel, &srf->drain_timer, 0, look);
    return 0;
}

void srf__drain_abort(srf_t *srf)
{
    srf__timer_stop(srf->element.wheel, &srf->drain_timer);
    tell(srf, SRF_ERR_CANCELED);
}
