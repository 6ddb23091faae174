/*
 * The response context (RFC 3261 §16.7): one proxied request with its targets,
 * branches and outcome. What is done with it stands in search.h.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_CONTEXT_H
#define SRF_CONTEXT_H

#include "proxy/branch.h"
#include "proxy/forward.h"
#include "proxy/settings.h"
#include "proxy/target.h"
#include "srf/srf.h"
#include "transaction/server.h"

typedef struct srf__context_user {
    /* With `hooked`: a branch has begun or has ended (look at its cause). */
    void (*branch)(srf__context_t *context, const srf__branch_t *branch);
    /* With `hooked`: a branch received a response. */
    void (*response)(srf__context_t *context, const srf__branch_t *branch,
                     const srf__branch_msg_t *msg);
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
    srf__settings_t settings;
    srf__wishes_t wishes;            /* with all it points to; copied */
    const srf__context_user_t *user; /* NULL: nobody asks */
    void *user_data;
    const srf__route_t *route; /* of the request, if at hand; borrowed */
} srf__context_spec_t;

/* What few operations need. */
typedef struct srf__context_extras {
    srf__context_t *context;
    srf__timer_t timer; /* tells of branches that began */
    srf__wishes_t wishes;
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
    srf__context_extras_t *extras;     /* NULL: none needed */
    srf__target_t *targets;            /* tried ones, then untried ones */
    srf__target_t **untried;           /* where the latter begin */
    uint32_t headers_len;              /* the last of its block */
    uint32_t size; /* of its block: extras, targets and headers with it */
    uint32_t loop_hash;
    int16_t err;           /* for the callback */
    uint16_t final_status; /* sent to the caller; 0: none yet */
    uint16_t target_count;
    uint16_t pending;  /* branches the search waits for */
    uint16_t breadth;  /* left of Max-Breadth (RFC 5393 §5.3.3) */
    bool finished : 1; /* no further target is tried */
    bool answered : 1; /* the final response went up, or none can */
    bool connected : 1;
    bool cancelled : 1;
    bool starting : 1;       /* still inside srf__search_start() */
    bool limits_breadth : 1; /* requests carry Max-Breadth */
    bool sent_any : 1;       /* some branch was sent */
    srf__settings_t settings;
};

/* Creates a context for the request of `server`, without a branch. NULL when
 * memory is out. */
srf__context_t *srf__context_create(srf__element_t *element,
                                    srf__server_t *server,
                                    const srf__context_spec_t *spec);
/* Frees it with its branches, whose transactions go on alone as far as they
 * must; `end`: they do not. */
void srf__context_destroy(srf__context_t *context, bool end);

static inline bool srf__context_is_invite(const srf__context_t *context)
{
    return context->server->method == SRF__METHOD_INVITE;
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

/* The request being proxied, scanned; NULL when memory is out. A context that
 * waits keeps only the bytes: whoever has called the first gives the facts back
 * with the second. */
const srf__facts_t *srf__context_request(const srf__context_t *context);
void srf__context_request_done(const srf__context_t *context);

#endif /* SRF_CONTEXT_H */
