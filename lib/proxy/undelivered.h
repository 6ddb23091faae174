/*
 * Responses that did not arrive: where else they can go (RFC 3261 §18.2.2,
 * RFC 3263 §5).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_UNDELIVERED_H
#define SRF_UNDELIVERED_H

#include "proxy/element.h"

/* The network did not take the response `facts` to `to`. If it belongs to a
 * server transaction it is sent where the host in its topmost Via leads, one
 * address after the other; so are those that follow it there. `complete`: the
 * facts are those of all of it; else only its beginning is known. */
void srf__response_undelivered(srf__element_t *element,
                               const srf__facts_t *facts, bool complete,
                               const srf__addr_t *to);
/* Forgets what waits: nothing is sent any more. */
void srf__undelivered_abort(srf__element_t *element);

#endif /* SRF_UNDELIVERED_H */
