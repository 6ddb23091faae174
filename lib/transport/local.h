/*
 * Addresses of this machine: which there are, and which one is used towards a
 * peer. For wildcard listeners.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_LOCAL_H
#define SRF_LOCAL_H

#include "transport/address.h"

typedef struct srf__local_cache srf__local_cache_t;

/* Creates a cache. 0 or SRF_ERR_NO_MEMORY. */
int srf__local_create(srf__local_cache_t **out);
void srf__local_destroy(srf__local_cache_t *cache);

/* Whether an interface has this IP address; interfaces are read again after 10
 * seconds. */
bool srf__local_has(srf__local_cache_t *cache, const srf__addr_t *address);

/* Writes the IP address that the system would send from to `to` into *out, and
 * leaves its port and transport; without a route *out stays as it is. */
void srf__local_towards(srf__local_cache_t *cache, const srf__addr_t *to,
                        srf__addr_t *out);

#endif /* SRF_LOCAL_H */
