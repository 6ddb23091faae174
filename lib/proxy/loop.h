/*
 * Loop detection (RFC 3261 §16.3 step 4, RFC 5393 §4.2): our branches carry a
 * hash of what decides where a request goes. A request that comes back with the
 * same hash is a loop, with another one a spiral.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_LOOP_H
#define SRF_LOOP_H

#include "proxy/element.h"

/* Over Request-URI, Route, Proxy-Require and Proxy-Authorization; not over Via
 * (RFC 5393 §4.2.2). Tags, Call-ID and CSeq need not be in it: a request is
 * compared with its own past, which it carries along, and these stay the same
 * on its way. */
uint32_t srf__loop_hash(const srf__element_t *element,
                        const srf__facts_t *request);

/* A Via of ours in the request carries this hash. */
bool srf__loop_found(srf__element_t *element, const srf__facts_t *request,
                     uint32_t hash);

#endif /* SRF_LOOP_H */
