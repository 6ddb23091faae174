/*
 * Plans: what a branch's request is made from, the same each time.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_PLAN_H
#define SRF_PLAN_H

#include "proxy/branch.h"
#include "proxy/forward.h"
#include "proxy/way.h"

typedef struct srf__plan {
    srf__route_t route;
    srf__buf_t uri;    /* new Request-URI; empty: unchanged */
    srf__uri_t target; /* that the program, or a redirect, named */
    srf__way_spec_t way;
    bool spiral; /* something that routing depends on changes */
} srf__plan_t;

/* Makes a plan, whose `uri` is to be freed whatever comes of it, and which
 * stays where it is. 0; SRF_ERR_INVALID_URI; SRF_ERR_NO_MEMORY. */
int srf__plan_make(const srf__branch_t *branch, const srf__facts_t *request,
                   srf__plan_t *plan);
/* The request as it is sent along `to`; NULL when memory is out. */
srf_msg_t *srf__plan_request(const srf__branch_t *branch,
                             const srf__facts_t *request,
                             const srf__plan_t *plan, const srf__flow_t *to);

#endif /* SRF_PLAN_H */
