/*
 * Server selection (RFC 3263 §4, RFC 2782): from a URI to the addresses to try,
 * in order. It asks for the records it needs and gives up for now when some are
 * not there yet; whoever has got them runs it again. No I/O, no clock.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_SELECT_H
#define SRF_SELECT_H

#include "base/random.h"
#include "resolver/next_hop.h"
#include "resolver/records.h"

/* A set of transports, by 1 << srf__transport_id_t. */
typedef uint8_t srf__transport_set_t;

typedef struct srf__select_env {
    /* The records of that name (small letters) and type, borrowed while the
     * selection runs; NULL: not there yet, asked for now. */
    const srf__records_t *(*lookup)(void *arg, const char *name, uint16_t type);
    void *arg;
    srf__transport_set_t transports; /* that can be sent over */
    bool ipv4;
    bool ipv6;
    bool ipv6_first;
    srf__random_t *random; /* for the weights of SRV records */
} srf__select_env_t;

enum { SRF__HOPS_MAX = 32 };

/* Addresses in the order in which they are to be tried. */
typedef struct srf__hops {
    unsigned count;
    srf__addr_t list[SRF__HOPS_MAX];
} srf__hops_t;

/* Not an error: records are missing, run it again. */
enum { SRF__SELECT_PENDING = 1 };

/* Writes at most SRF__HOPS_MAX addresses for a sip or sips URI with a host name
 * (numeric hosts are srf__next_hop()'s). 0; SRF__SELECT_PENDING;
 * SRF_ERR_NAME_NOT_FOUND when there is no address; SRF_ERR_NO_TRANSPORT when
 * nothing that can be spoken leads there. */
int srf__select(const srf__uri_t *uri, const srf__select_env_t *env,
                srf__hops_t *out);

#endif /* SRF_SELECT_H */
