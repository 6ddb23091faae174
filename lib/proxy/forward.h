/*
 * Request forwarding (RFC 3261 §16.6): the edits that make the request that is
 * sent from the one that came.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_FORWARD_H
#define SRF_FORWARD_H

#include "proxy/route.h"
#include "proxy/settings.h"
#include "resolver/next_hop.h"

typedef struct srf__forward {
    const srf__route_t *route;
    const srf__flow_t *from; /* where the request came from */
    srf__str_t request_uri;  /* replaces the Request-URI; empty: as routed */
    const srf__flow_t *to;   /* where it goes */
    srf__str_t branch;       /* of our Via */
    srf__str_t headers;      /* complete lines the program adds */
    uint16_t breadth;        /* Max-Breadth; 0: as it came */
    const srf__settings_t *settings; /* NULL: nothing in particular */
    bool along_flow;                 /* `to` is what a Route of ours names */
    bool target_given; /* the next hop is the program's choice, not Route's */
} srf__forward_t;

/* Makes the request as it is sent. NULL when memory is out. */
srf_msg_t *srf__forward_request(srf__element_t *element,
                                const srf__facts_t *request,
                                const srf__forward_t *forward);

/* The bytes of our own Via on top of a response; false when the top Via is the
 * only one, so that there is nobody to forward to. */
bool srf__forward_response_cut(const srf__facts_t *response, srf__span_t *out);

#endif /* SRF_FORWARD_H */
