/*
 * Route preprocessing (RFC 3261 §16.4) and the next hop (§16.6 steps 5 to 7).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_ROUTE_H
#define SRF_ROUTE_H

#include "message/edit.h"
#include "proxy/element.h"

/* What the Route header fields of a request come to. Views into the message. */
typedef struct srf__route {
    srf__uri_t request_uri; /* after preprocessing */
    bool request_uri_is_us;
    bool from_strict; /* the Request-URI was taken from the last Route value,
                         which goes */
    uint16_t removed; /* Route values of ours on top, which go */
    bool has_next;    /* Route values remain */
    srf__uri_t next;  /* the topmost of them */
    /* A mark proves that it came by a Record-Route of ours, inside the dialog
     * that this was written for: it is proxied without asking the program. */
    bool in_dialog;
    /* What the last of these Routes names as the way on, proved by its mark:
     * the name of a flow; empty: none. `forged`: it names one without proof. */
    srf__str_t flow;
    bool forged;
    /* The listener that this Route names; NULL: none of ours was there, or it
     * names several. Proved by a mark it is the side of us where the peer is;
     * else the sender may know no other. */
    srf__listener_t *leaves_by;
    bool proved;
} srf__route_t;

/* 0; SRF_ERR_INVALID_URI when the Request-URI cannot be read; SRF_ERR_SYNTAX
 * for a Route that is needed. */
int srf__route_prepare(srf__element_t *element, const srf__facts_t *request,
                       srf__route_t *out);

/* Makes the sip URI of a Route, which leads a request with this Request-URI on,
 * one of sips where that is one. */
void srf__route_secure(const srf__element_t *element, srf__str_t request_uri,
                       srf__uri_t *next);

/* Whether the Request-URI has a maddr that names us, and the request came from
 * `from` to the port and over the transport that it indicates: maddr has served
 * its purpose then. */
bool srf__route_has_own_maddr(const srf__route_t *route,
                              const srf__flow_t *from);
/* Such a request without maddr and without a port or transport other than the
 * default ones (§16.4); NULL when memory is out. */
srf_msg_t *srf__route_strip_maddr(srf__pool_t *pool,
                                  const srf__facts_t *request,
                                  const srf__route_t *route);

/* How the Route header fields change on the way out. */
typedef struct srf__route_change {
    unsigned drop_first; /* values removed from the top */
    bool drop_last;
    srf__str_t append; /* URI of a value to put at the end; empty: none */
} srf__route_change_t;

void srf__route_edit(srf__edits_t *edits, const srf__facts_t *request,
                     const srf__route_change_t *change);

#endif /* SRF_ROUTE_H */
