/*
 * From a URI to the address a request is sent to, for numeric hosts (RFC 3263
 * §4.1, §4.2); names are looked up by resolver.h.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_NEXT_HOP_H
#define SRF_NEXT_HOP_H

#include "message/uri.h"
#include "transport/transport.h"

/* Where a request goes, and the name that whoever is there must have if he has
 * to prove it: the host of the URI, a view of it. */
typedef struct srf__hop {
    srf__addr_t addr;
    srf__str_t name;
    bool trusted;   /* the program named it; else a message did */
    bool bound;     /* so it did the listener: a connection that the peer has to
                       another one will not do */
    uint8_t reason; /* srf_destination_reason_t */
} srf__hop_t;

/* The hop that `uri` leads to, maddr and transport respected. 0;
 * SRF_ERR_NAME_NOT_FOUND for a host name, or a tel URI, which has no host;
 * SRF_ERR_NO_TRANSPORT for a transport this library does not know. */
int srf__next_hop(const srf__uri_t *uri, srf__hop_t *out);

/* The flow to a hop, from `preferred` (may be NULL) if that can be, with a
 * connection where there are any: one that is there already, be it of another
 * listener, before a new one is opened (RFC 3261 §18.1.1). 0;
 * SRF_ERR_NOT_ALLOWED; SRF_ERR_NO_TRANSPORT; an error of
 * srf__transports_connect(). */
int srf__hop_flow(srf__transports_t *transports, const srf__hop_t *hop,
                  srf__listener_t *preferred, srf__flow_t *out);

#endif /* SRF_NEXT_HOP_H */
