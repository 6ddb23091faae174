/*
 * The search (RFC 3261 §16.7): what becomes of a proxied request. A sequential
 * one tries the next target when the current branch has ended without a 2xx; a
 * simultaneous one tries all at once.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_SEARCH_H
#define SRF_SEARCH_H

#include "proxy/context.h"

/* Proxies the request of `server`. 0; SRF_ERR_NO_MEMORY: nothing happened. */
int srf__search_start(srf__element_t *element, srf__server_t *server,
                      const srf__context_spec_t *spec);

/* Ends every operation of the element, without sending anything: user->done
 * gets `err`. */
void srf__searches_abort(srf__element_t *element, int err);

#endif /* SRF_SEARCH_H */
