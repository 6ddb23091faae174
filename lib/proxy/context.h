/*
 * The response context (RFC 3261 §16.7): one proxied request with its targets,
 * branches and outcome. A sequential search tries the next target when the
 * current branch has ended without a 2xx; a simultaneous one tries all at once.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_CONTEXT_H
#define SRF_CONTEXT_H

#include "proxy/branch.h"
#include "proxy/forward.h"
#include "proxy/target.h"
#include "srf/srf.h"
#include "transaction/server.h"

typedef struct srf__context_user {
    /* With `hooked`: a branch has begun or has ended (look at its cause). */
    void (*branch)(srf__context_t *context, const srf__branch_t *branch);
    /* With `hooked`: a branch received a response. */
    void (*response)(srf__context_t *context, const srf__branch_t *branch,
                     const srf__arrival_t *arrival);
    /* The caller cancelled; the branches have been told. */
    void (*cancelled)(srf__context_t *context);
    /* The operation is complete; the context is freed after this call. Without
     * results (NULL) when it is unreported. */
    void (*done)(srf__context_t *context, int err,
                 const srf_proxy_results_t *results);
} srf__context_user_t;

/* What to do. */
typedef struct srf__context_spec {
    const char *const *targets; /* normalised URIs; copied */
    unsigned target_count;      /* 0: outbound proxy */
    srf__str_t headers;         /* complete lines; copied */
    uint32_t timer_c_ms;
    uint32_t provisional_timeout_ms; /* 0: none */
    uint32_t final_timeout_ms;       /* 0: none */
    uint32_t max_redirects;          /* in a row; 0: none is followed */
    /* Statuses, 0-terminated or NULL; copied. */
    const int32_t *stop_codes;
    const int32_t *failover_codes;
    srf__listener_t *outbound; /* where requests leave; NULL: as they came */
    /* Line of the CANCELs of branches that lost; copied. p is NULL: as
     * srf__reason_write(). */
    srf__str_t cancel_reason;
    bool simultaneous;
    bool record_route;
    bool keep_user;
    bool path;
    bool hooked;
    bool unreported;                 /* nobody looks at the responses */
    const srf__context_user_t *user; /* NULL: nobody asks */
    void *user_data;
    const srf__route_t *route; /* of the request, if at hand; borrowed */
} srf__context_spec_t;

/* What few operations need. */
typedef struct srf__context_extras {
    srf__context_t *context;
    srf__timer_t timer;              /* tells of branches that began */
    const int32_t *stop_codes;       /* 0-terminated */
    const int32_t *failover_codes;   /* 0-terminated */
    uint32_t provisional_timeout_ms; /* 0: none */
    uint32_t final_timeout_ms;       /* 0: none */
    srf__listener_t *outbound;       /* NULL: none in particular */
    srf__str_t cancel_reason;        /* p is NULL: none in particular */
    bool hooked;
} srf__context_extras_t;

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
    const srf__route_t *route;     /* prepared; while starting, if at hand */
    srf__context_extras_t *extras; /* NULL: none needed */
    srf__target_t *targets;        /* tried ones, then untried ones */
    srf__target_t **untried;       /* where the latter begin */
    uint32_t headers_len;          /* the last of its block */
    uint32_t size; /* of its block: extras, targets and headers with it */
    uint32_t timer_c_ms;
    uint32_t loop_hash;
    int err;               /* for the callback */
    uint16_t final_status; /* sent to the caller; 0: none yet */
    uint16_t target_count;
    uint16_t pending; /* branches the search waits for */
    uint16_t breadth; /* left of Max-Breadth (RFC 5393 §5.3.3) */
    uint8_t max_redirects;
    bool finished : 1; /* no further target is tried */
    bool answered : 1; /* the final response went up, or none can */
    bool connected : 1;
    bool cancelled : 1;
    bool starting : 1; /* still inside srf__context_start() */
    bool simultaneous : 1;
    bool record_route : 1;
    bool keep_user : 1;
    bool path : 1;
    bool limits_breadth : 1; /* requests carry Max-Breadth */
    bool sent_any : 1;       /* some branch was sent */
    bool unreported : 1;
};

/* Proxies the request of `server`. 0 and *out (may be NULL), which lives until
 * user->done; SRF_ERR_NO_MEMORY: nothing happened. */
int srf__context_start(srf__element_t *element, srf__server_t *server,
                       const srf__context_spec_t *spec, srf__context_t **out);

/* Ends every operation of the element, without sending anything: user->done
 * gets `err`. */
void srf__contexts_abort(srf__element_t *element, int err);

/* For branches. */

/* Whether a response is needed for nothing but to be forwarded, and sent again
 * if the caller asks: then it is kept as it goes up. Those that are forwarded
 * at once are 1xx and 2xx (RFC 3261 §16.7 step 5). */
static inline bool srf__context_only_forwards(const srf__context_t *context,
                                              const srf__facts_t *response)
{
    return context->unreported && response->status < 300 && response->via2 != 0;
}

/* The header lines that the program adds. */
static inline srf__str_t srf__context_headers(const srf__context_t *context)
{
    const char *end = (const char *)context + context->size;

    return srf__str(end - context->headers_len, context->headers_len);
}

/* The program named targets; it is no outbound proxy. */
static inline bool srf__context_has_targets(const srf__context_t *context)
{
    return context->targets->uri[0] != '\0';
}

/* The branch, still as it was before, has received a response: tells hooks. */
void srf__context_heard(srf__context_t *context, const srf__branch_t *branch,
                        unsigned status, srf_msg_t *msg);
/* The branch has received a response; `msg` is a copy, NULL when memory is out.
 */
void srf__context_response(srf__context_t *context, srf__branch_t *branch,
                           const srf__facts_t *response, srf_msg_t *msg);
/* The branch takes no more part in the search (its status is set). The context
 * may be gone afterwards, with all its branches. */
void srf__context_branch_over(srf__context_t *context);
/* The branch is not waited for any more. */
void srf__context_branch_gone(srf__context_t *context);

/* The request being proxied, scanned; NULL when memory is out. A context that
 * waits keeps only the bytes: whoever has called the first gives the facts back
 * with the second. */
const srf__facts_t *srf__context_request(const srf__context_t *context);
void srf__context_request_done(const srf__context_t *context);

#endif /* SRF_CONTEXT_H */
