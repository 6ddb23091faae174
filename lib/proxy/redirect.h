/*
 * Following redirects (RFC 3261 §16.7 step 4): the Contacts of a 3xx become
 * targets.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_REDIRECT_H
#define SRF_REDIRECT_H

#include "proxy/context.h"

/* Adds the usable Contacts of a 3xx that `branch` received to the targets that
 * are tried next, by descending q. Usable are SIP and SIPS URIs that were not
 * tried yet and are in no other target (§16.5), within the bounds of depth and
 * count. True when there was one: the 3xx then takes no part in the choice of
 * the best response. */
bool srf__redirect_follow(srf__context_t *context, const srf__branch_t *branch,
                          const srf__facts_t *response);

#endif /* SRF_REDIRECT_H */
