/*
 * The response context (RFC 3261 §16.7): one proxied request with its targets,
 * branches and outcome. It searches sequentially: the next target is tried when
 * the current branch has ended without a 2xx.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_CONTEXT_H
#define SRF_CONTEXT_H

#include "proxy/branch.h"
#include "proxy/forward.h"
#include "srf/srf.h"
#include "transaction/server.h"

typedef struct srf__context_user {
    /* The caller cancelled; the branches have been told. */
    void (*cancelled)(srf__context_t *context);
    /* The operation is complete; the context is freed after this call. */
    void (*done)(srf__context_t *context, int err,
                 const srf_proxy_results_t *results);
} srf__context_user_t;

/* What to do, prepared by srf__targets_read(). */
typedef struct srf__context_spec {
    const char *const *targets; /* normalised URIs; copied */
    unsigned target_count;      /* 0: outbound proxy */
    srf__str_t headers;         /* complete lines; copied */
    uint32_t timer_c_ms;
    bool record_route;
    bool keep_user;
    bool path;
    const srf__context_user_t *user; /* NULL: nobody asks */
    void *user_data;
    const srf__route_t *route; /* of the request, if at hand; borrowed */
} srf__context_spec_t;

struct srf__context {
    srf__element_t *element;
    srf__context_t *next;
    srf__context_t **link;
    srf__server_t *server;
    srf_msg_t *request;
    const srf__context_user_t *user;
    void *user_data;
    srf__context_t *next_done;         /* element->done */
    srf__branch_t *branches;           /* in order of launching */
    const srf__branch_t *final_branch; /* whose response was forwarded; NULL:
                                          none, or it was made here */
    const srf__route_t *route; /* prepared; while starting, if at hand */
    const char *headers;
    uint32_t headers_len;
    uint32_t timer_c_ms;
    uint32_t loop_hash;
    uint16_t final_status; /* sent to the caller; 0: none yet */
    uint16_t target_count;
    uint16_t next_target;
    bool finished; /* no further target is tried */
    bool answered; /* the final response went up, or none can */
    bool connected;
    bool cancelled;
    bool starting; /* still inside srf__context_start() */
    bool record_route;
    bool keep_user;
    bool path;
    bool sent_any;         /* some branch was sent */
    int err;               /* for the callback */
    const char *targets[]; /* then their text and the headers' */
};

/* Proxies the request of `server`. 0 and *out (may be NULL), which lives until
 * user->done; SRF_ERR_NO_MEMORY: nothing happened. */
int srf__context_start(srf__element_t *element, srf__server_t *server,
                       const srf__context_spec_t *spec, srf__context_t **out);

/* Ends every operation of the element, without sending anything: user->done
 * gets `err`. */
void srf__contexts_abort(srf__element_t *element, int err);

/* For branches. */

/* The branch has received a response; `msg` is a copy, NULL when memory is out.
 */
void srf__context_response(srf__context_t *context, srf__branch_t *branch,
                           const srf__facts_t *response, srf_msg_t *msg);
/* The branch takes no more part in the search (its status is set). */
void srf__context_branch_over(srf__context_t *context);
/* The branch is not waited for any more. */
void srf__context_branch_gone(srf__context_t *context);

/* The request being proxied, scanned; NULL when memory is out. A context that
 * waits keeps only the bytes: whoever has called the first gives the facts back
 * with the second. */
const srf__facts_t *srf__context_request(const srf__context_t *context);
void srf__context_request_done(const srf__context_t *context);

#endif /* SRF_CONTEXT_H */
