/*
 * Transports, as Via and URI parameters name them, and what is known of each.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TRANSPORT_ID_H
#define SRF_TRANSPORT_ID_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum srf__transport_id {
    SRF__TRANSPORT_NONE = 0, /* not given, or one we do not know */
    SRF__TRANSPORT_UDP,
    SRF__TRANSPORT_TCP,
    SRF__TRANSPORT_TLS,
    SRF__TRANSPORT_WS,
    SRF__TRANSPORT_WSS,
    SRF__TRANSPORTS /* how many */
} srf__transport_id_t;

typedef struct srf__transport_traits {
    srf__str_t via_name;
    const char *uri_name;
    const char *uri_param; /* in a URI of ours: ";transport=tcp" */
    uint16_t port;
    bool secure;
    bool reliable;
    bool web;
    uint8_t secured; /* srf__transport_id_t */
} srf__transport_traits_t;

extern const srf__transport_traits_t srf__transport_traits[SRF__TRANSPORTS];

/* "UDP" as in a Via (any case) or "udp" as in a URI -> id. */
srf__transport_id_t srf__transport_find(srf__str_t name);

/* "UDP" for a Via; "udp" for a URI. */
static inline srf__str_t srf__transport_via_name(unsigned id)
{
    return srf__transport_traits[id].via_name;
}

static inline const char *srf__transport_uri_name(unsigned id)
{
    return srf__transport_traits[id].uri_name;
}

/* The port where none is given (RFC 3261 §18.2.1, RFC 7118 §5.2). */
static inline uint16_t srf__transport_port(unsigned id)
{
    return srf__transport_traits[id].port;
}

/* Whether it goes over TLS. */
static inline bool srf__transport_is_secure(unsigned id)
{
    return srf__transport_traits[id].secure;
}

/* Whether it says what did not arrive, and needs no retransmission. */
static inline bool srf__transport_is_reliable(unsigned id)
{
    return srf__transport_traits[id].reliable;
}

/* Whether it is a WebSocket. */
static inline bool srf__transport_is_web(unsigned id)
{
    return srf__transport_traits[id].web;
}

/* What a sips URI means by it, or without it: the one that goes over TLS. There
 * is none for UDP, which stays what it is. */
static inline srf__transport_id_t srf__transport_secured(unsigned id)
{
    return (srf__transport_id_t)srf__transport_traits[id].secured;
}

#endif /* SRF_TRANSPORT_ID_H */
