/*
 * The resolver: addresses of URIs with host names, from a cache of what DNS
 * said, or as soon as it has said it.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_RESOLVER_H
#define SRF_RESOLVER_H

#include "base/wheel.h"
#include "resolver/dead.h"
#include "resolver/dns.h"
#include "resolver/select.h"

typedef struct srf__resolver srf__resolver_t;
typedef struct srf__lookup srf__lookup_t;

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
    uint32_t min_ttl_s; /* what is found holds that long at least */
    uint32_t max_ttl_s;
    uint32_t negative_ttl_s; /* what is not there holds that long at most */
    uint32_t stale_s; /* old records serve that long while none can be had */
    uint32_t max_entries;
    uint32_t dead_ms; /* addresses that did not answer come last that long */
} srf__resolver_env_t;

typedef struct srf__resolver_counters {
    uint64_t hits;    /* records that were at hand */
    uint64_t queries; /* that were asked for */
    uint64_t stale;   /* old records that served */
    uint64_t failed;  /* questions without an answer */
    uint64_t entries; /* now */
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
    srf__lookup_cb cb;
    void *arg;
} srf__lookup_spec_t;

/* Finds the addresses of a URI with a host name. When everything is at hand
 * *out receives them and the result is that of srf__select(). Else
 * SRF__SELECT_PENDING: the callback comes once, from the loop, unless
 * srf__lookup_cancel() comes first. SRF_ERR_NO_MEMORY. */
int srf__resolve(srf__resolver_t *resolver, const srf__uri_t *uri,
                 const srf__lookup_spec_t *spec, srf__hops_t *out,
                 srf__lookup_t **pending);
void srf__lookup_cancel(srf__lookup_t *lookup);

/* An address of a name did not answer, or did: lookups mind it. */
srf__dead_t *srf__resolver_dead(srf__resolver_t *resolver);

const srf__resolver_counters_t *
srf__resolver_counters(const srf__resolver_t *resolver);

#endif /* SRF_RESOLVER_H */
