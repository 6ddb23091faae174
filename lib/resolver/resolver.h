/*
 * The resolver: addresses of URIs with host names, from a cache of what DNS
 * said, or as soon as it has said it.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_RESOLVER_H
#define SRF_RESOLVER_H

#include "base/log.h"
#include "base/wheel.h"
#include "resolver/cache.h"
#include "resolver/dead.h"
#include "resolver/dns.h"
#include "resolver/select.h"

typedef struct srf__resolver srf__resolver_t;
typedef struct srf__lookup srf__lookup_t;

/* Defaults of the limits below. */
enum { SRF__LOOKUPS = 4096, SRF__LOOKUPS_PER_SOURCE = 64 };

/* What a resolver takes from its surroundings. */
typedef struct srf__resolver_env {
    srf__wheel_t *wheel; /* the time */
    srf__random_t *random;
    /* As srf__dns_query(). */
    int (*ask)(void *arg, const char *name, uint16_t type, srf__dns_cb cb,
               void *cb_arg);
    void *ask_arg;
    /* As srf__hosts_find(); NULL: everything is asked. */
    srf__records_t *(*know)(void *arg, const char *name, uint16_t type);
    void *know_arg;
    srf__log_t *log; /* NULL: silent */
    srf__cache_limits_t cache;
    uint32_t dead_ms; /* addresses that did not answer come last that long */
    /* Names that may be looked for at a time, the network's choice half of
     * them; and of each source. 0: the default. */
    uint32_t max_lookups;
    uint32_t max_lookups_per_source;
} srf__resolver_env_t;

typedef struct srf__resolver_counters {
    uint64_t hits;    /* records that were at hand */
    uint64_t queries; /* that were asked for */
    uint64_t stale;   /* old records that served */
    uint64_t failed;  /* questions without an answer */
    uint64_t entries; /* now */
    uint64_t limited; /* lookups that were not made, or made do, at a limit */
    uint64_t pending; /* lookups under way */
} srf__resolver_counters_t;

int srf__resolver_create(const srf__resolver_env_t *env, srf__resolver_t **out);
/* Lookups under way are forgotten; nothing may be asked any more. */
void srf__resolver_destroy(srf__resolver_t *resolver);

/* `err` as srf__select(), without SRF__SELECT_PENDING; the lookup is over. */
typedef void (*srf__lookup_cb)(void *arg, int err, const srf__hops_t *hops);

typedef struct srf__lookup_spec {
    srf__transport_set_t transports;
    bool ipv4;
    bool ipv6;
    bool ipv6_first;
    uint64_t seed; /* lookups with the same draw the same order; 0: chance */
    /* Who chose the name, and is counted for it; NULL: the program. Borrowed
     * for the call. */
    const srf__addr_t *source;
    srf__lookup_cb cb;
    void *arg;
} srf__lookup_spec_t;

/* Finds the addresses of a URI with a host name. When everything is at hand
 * *out receives them and the result is that of srf__select(). Else
 * SRF__SELECT_PENDING: the callback comes once, from the loop, unless
 * srf__lookup_cancel() comes first. At a limit old records serve if there are
 * any, else it is SRF_ERR_NAME_NOT_FOUND. SRF_ERR_NO_MEMORY. */
int srf__resolve(srf__resolver_t *resolver, const srf__uri_t *uri,
                 const srf__lookup_spec_t *spec, srf__hops_t *out,
                 srf__lookup_t **pending);
void srf__lookup_cancel(srf__lookup_t *lookup);

/* An address of a name did not answer, or did: lookups mind it. What became of
 * a name that the network chose is nothing to those for the program's. */
void srf__resolver_report(srf__resolver_t *resolver, const srf__addr_t *addr,
                          bool by_network, bool answered);

const srf__resolver_counters_t *
srf__resolver_counters(srf__resolver_t *resolver);

#endif /* SRF_RESOLVER_H */
