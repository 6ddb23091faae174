/*
 * Plans: what a branch's request is made from, the same each time, and the flow
 * it leaves along.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_PLAN_H
#define SRF_PLAN_H

#include "proxy/branch.h"
#include "proxy/forward.h"

typedef struct srf__plan {
    srf__route_t route;
    srf__buf_t uri;   /* new Request-URI; empty: unchanged */
    srf__uri_t hop;   /* the URI that leads to the next hop */
    srf__hop_t to;    /* without an address: the host is a name */
    srf__flow_t flow; /* what a Route of ours names; no listener: none */
    bool spiral;      /* something that routing depends on changes */
} srf__plan_t;

/* Makes a plan, whose `uri` is to be freed whatever comes of it. 0;
 * SRF_ERR_NAME_NOT_FOUND: the next hop is a name, or no host at all;
 * SRF_ERR_NOT_CONNECTED: the flow it names is dead (RFC 5626 §5.3); another
 * error for what cannot be sent to. */
int srf__plan_make(const srf__branch_t *branch, const srf__facts_t *request,
                   srf__plan_t *plan);
/* The request as it is sent along `to`; NULL when memory is out. */
srf_msg_t *srf__plan_request(const srf__branch_t *branch,
                             const srf__facts_t *request,
                             const srf__plan_t *plan, const srf__flow_t *to);
/* The Request-URI that it leaves with. */
srf__str_t srf__plan_uri(const srf__plan_t *plan);
/* The listener that requests leave by, where it fits. */
srf__listener_t *srf__plan_listener(const srf__context_t *context);
/* The flow to plan->to. 0 or an error of srf__hop_flow(). */
int srf__plan_flow(srf__context_t *context, const srf__plan_t *plan,
                   srf__flow_t *out);
/* RFC 3261 §18.1.1: a request of `len` bytes that does not fit a datagram
 * safely goes over TCP, if we speak that; then *to is changed. */
bool srf__plan_leave_udp(const srf__branch_t *branch, const srf__plan_t *plan,
                         size_t len, srf__flow_t *to);

#endif /* SRF_PLAN_H */
