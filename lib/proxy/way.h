/*
 * Ways: from the URI that a message goes on to, to the flow that it leaves
 * along. Here stands all that decides about it: the flow that a Route of ours
 * names, the addresses of a host and which of them is tried (RFC 3263 §4), the
 * listener, and TCP in place of UDP for what is long (RFC 3261 §18.1.1).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_WAY_H
#define SRF_WAY_H

#include "proxy/route.h"
#include "resolver/resolver.h"

/* What decides about a way. It is borrowed for each call: whoever goes on along
 * the way later makes it anew, and the same. */
typedef struct srf__way_spec {
    srf__str_t request_uri;     /* that the request leaves with, or came with if
                                   that is a sips one; empty: it is a response */
    const srf__uri_t *uri;      /* that leads to the next hop */
    srf__flow_t flow;           /* that a Route of ours names instead of it; no
                                   listener: none does; a peer of no family: it
                                   is gone */
    srf__listener_t *leaves_by; /* NULL: the system chooses */
    srf__listener_t *came_by;   /* whom the system's choice leaves it to; may be
                                   NULL */
    const srf__addr_t *source;  /* who chose the name, and is counted for it;
                                   NULL: the program */
    srf__str_t call_id;         /* of the request: servers of one priority are
                                   drawn by it; empty: by chance */
    uint8_t reason;             /* srf_destination_reason_t */
    bool bound;   /* the program chose the listener: a connection that the peer
                     has to another one will not do */
    bool forged;  /* a Route names a flow that its mark does not prove */
    bool trusted; /* the program named the URI; else a message did */
    bool named;   /* the host is a name: srf__way_address() tells */
} srf__way_spec_t;

/* The addresses of a name, tried one after the other. */
typedef struct srf__way {
    srf__lookup_t *lookup; /* under way; NULL: none */
    unsigned at;           /* the address that is tried */
    uint16_t breadth;      /* of Max-Breadth, for those that are left */
    srf__hops_t hops;
} srf__way_t;

/* The way of a request that goes where its own Route or Request-URI leads
 * (RFC 3261 §16.6 step 7), and came along `from`. All are borrowed as long as
 * the specification is used. */
void srf__way_of_route(srf__element_t *element, const srf__facts_t *request,
                       const srf__route_t *route, const srf__flow_t *from,
                       srf__way_spec_t *out);

/* The address, if there is no name to look up: 0; SRF_ERR_NAME_NOT_FOUND when
 * there is; SRF_ERR_NOT_CONNECTED, SRF_ERR_NOT_ALLOWED: the flow is gone, or
 * forged (RFC 5626 §5.3); SRF_ERR_NO_TRANSPORT. */
int srf__way_address(srf__element_t *element, srf__way_spec_t *spec,
                     srf__addr_t *out);

/* Finds the addresses, of a name or not. 0; SRF__SELECT_PENDING: `cb` comes
 * from the loop, unless srf__way_end() does before; an error as above. */
int srf__way_find(srf__element_t *element, srf__way_spec_t *spec,
                  srf__way_t *way, srf__lookup_cb cb, void *arg);
/* Gives it one address, whatever is known of a name. */
void srf__way_use(srf__way_t *way, const srf__addr_t *addr);
/* For `cb`: takes over what was found. */
void srf__way_found(srf__way_t *way, int err, const srf__hops_t *hops);
/* How many addresses are left behind the one that is tried. */
unsigned srf__way_left(const srf__way_t *way);
/* Ends a lookup under way. */
void srf__way_end(srf__way_t *way);

/* The flow to an address of the way. 0; SRF_ERR_NO_TRANSPORT;
 * SRF_ERR_NOT_ALLOWED; an error of srf__transports_connect(). */
int srf__way_flow(srf__element_t *element, const srf__way_spec_t *spec,
                  const srf__addr_t *addr, srf__flow_t *out);
/* Finds the flow to the address that is tried, or the first behind it that
 * there can be one to; that is tried then (RFC 3263 §4.3). The error of the
 * last one, or SRF_ERR_UNREACHABLE when none is left. */
int srf__way_flow_on(srf__element_t *element, const srf__way_spec_t *spec,
                     srf__way_t *way, srf__flow_t *out);

/* How a request has got on with TCP in place of UDP. */
typedef enum srf__detour {
    SRF__DETOUR_NONE,
    SRF__DETOUR_TAKEN,
    SRF__DETOUR_BACK /* there was no TCP: a datagram after all */
} srf__detour_t;

/* RFC 3261 §18.1.1: whether a request of `len` bytes that would leave along
 * *flow goes over TCP instead, since it does not fit a datagram safely and we
 * speak that; *flow has changed then. */
bool srf__way_leaves_udp(srf__element_t *element, const srf__way_spec_t *spec,
                         size_t len, srf__flow_t *flow);
/* Notes that there was no TCP to this address: for a while nothing leaves UDP
 * for it. */
void srf__way_no_tcp(srf__element_t *element, const srf__addr_t *addr);

/* An address of a name did not answer, or did. */
void srf__way_report(srf__element_t *element, const srf__addr_t *addr,
                     bool by_network, bool answered);

/* Logs that a request is not sent on, and why. */
void srf__way_log(srf__element_t *element, const srf__facts_t *request,
                  const char *why);

#endif /* SRF_WAY_H */
