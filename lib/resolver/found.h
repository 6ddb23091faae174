/*
 * What selections came to, so that the next call costs one look. It is a
 * shorter way to what the cache knows: nothing is lost with it.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_FOUND_H
#define SRF_FOUND_H

#include "base/map.h"
#include "resolver/select.h"

typedef struct srf__found {
    srf__map_t map;
    struct srf__finding *oldest;
    struct srf__finding **newest;
    uint32_t max;
} srf__found_t;

/* Makes room for `max` hosts at most, and no more than there is sense in. */
void srf__found_init(srf__found_t *found, uint32_t max);
void srf__found_deinit(srf__found_t *found);

/* The servers, as long as they hold; borrowed until the next call. NULL when
 * there are none. */
const srf__servers_t *srf__found_get(const srf__found_t *found,
                                     srf__hash128_t key, uint64_t now_ms);
/* Without memory for it the next call selects once more. */
void srf__found_add(srf__found_t *found, srf__hash128_t key,
                    const srf__servers_t *servers, uint64_t expires_ms);

#endif /* SRF_FOUND_H */
