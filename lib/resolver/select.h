/*
 * Server selection (RFC 3263 §4, RFC 2782): from a URI to the servers of its
 * host. It asks for the records it needs and gives up for now when some are not
 * there yet; whoever has got them runs it again. No I/O, no clock. Chance has
 * its part afterwards, when the order is drawn for one call.
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
} srf__select_env_t;

enum { SRF__SERVERS_MAX = 64, SRF__ADDRESSES_MAX = 64, SRF__HOPS_MAX = 32 };

typedef struct srf__srv {
    uint16_t priority; /* the lowest is tried first */
    uint16_t weight;   /* share of those with the same priority */
    uint8_t first;     /* of its addresses */
    uint8_t count;
} srf__srv_t;

/* Servers in order of priority. */
typedef struct srf__servers {
    unsigned count;
    unsigned address_count;
    srf__srv_t list[SRF__SERVERS_MAX];
    srf__addr_t addresses[SRF__ADDRESSES_MAX];
} srf__servers_t;

/* Addresses in the order in which they are to be tried. */
typedef struct srf__hops {
    unsigned count;
    srf__addr_t list[SRF__HOPS_MAX];
} srf__hops_t;

/* This is no error: records are missing, and it is to be run again. */
enum { SRF__SELECT_PENDING = 1 };

/* The servers of a sip or sips URI with a host name (numeric hosts are
 * srf__next_hop()'s), each with one address at least; more than there is room
 * for are left out. 0; SRF__SELECT_PENDING; SRF_ERR_NAME_NOT_FOUND when there
 * is no address; SRF_ERR_NO_TRANSPORT when nothing that can be spoken leads
 * there.
 */
int srf__select(const srf__uri_t *uri, const srf__select_env_t *env,
                srf__servers_t *out);

/* Draws the order for one call: by priority, by weight within one (RFC 2782).
 */
void srf__servers_draw(const srf__servers_t *servers, srf__random_t *random,
                       srf__hops_t *out);

#endif /* SRF_SELECT_H */
