/*
 * What is decided about a request before it is read, or right after: whether it
 * belongs to a dialog, and whether there is room for it.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_ARRIVAL_H
#define SRF_ARRIVAL_H

#include "core/stack.h"

/* Whether a request is inside a dialog that we record-routed, and so is served
 * where new work is not. The only place that decides it for overload; it works
 * on what srf__scan() gave. */
bool srf__arrival_in_dialog(srf_t *srf, const srf__facts_t *request);

/* Whether a message is not even to be read: it is a request that is new work,
 * which would be refused, and no answer is left for it (RFC 3261 §21.5.4: a
 * server may drop it instead). It is counted then. */
bool srf__arrival_drop(srf_t *srf, const srf__flow_t *from, const char *data,
                       size_t len);

/* Tells whether there is, or was a moment ago, more than can be served. */
static inline bool srf__arrival_is_guarded(const srf_t *srf)
{
    return srf->overload.shedding || srf->sources.hot;
}

static inline bool srf__arrival_is_shed(srf_t *srf, const srf__flow_t *from,
                                        const char *data, size_t len)
{
    return srf__arrival_is_guarded(srf) &&
           srf__arrival_drop(srf, from, data, len);
}

/* Whether the source of a request has had its share, and this one is too much.
 * It is counted; what comes on a connection may come a little early, and waits
 * there instead. */
bool srf__arrival_take(srf_t *srf, const srf__flow_t *from, srf__work_t work);

static inline bool
srf__arrival_is_above_rate(srf_t *srf, const srf__flow_t *from, bool in_dialog)
{
    return srf->sources.sets != NULL &&
           srf__arrival_take(srf, from,
                             in_dialog ? SRF__WORK_DIALOG : SRF__WORK_NEW);
}

#endif /* SRF_ARRIVAL_H */
