/*
 * The best response of a search without a 2xx (RFC 3261 §16.7 steps 6 and 7).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_BEST_H
#define SRF_BEST_H

#include "proxy/context.h"

/* Of branches that have ended, the one whose status goes to the caller: 6xx,
 * then the lowest class; in 4xx those that let the caller repair the request
 * first; what a server said before what we concluded; 503 last in its class;
 * then the earliest. After a CANCEL 487 comes before all but 6xx. NULL without
 * branches. */
const srf__branch_t *srf__best_branch(const srf__context_t *context);

/* The response of `best` as it is to be sent without the bytes of *cut: for a
 * 401 or 407 with the challenges of all the others added. A new reference, or
 * NULL when memory is out or it has nowhere to go. */
srf_msg_t *srf__best_response(const srf__context_t *context,
                              const srf__branch_t *best, srf__span_t *cut);

#endif /* SRF_BEST_H */
