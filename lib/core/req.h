/*
 * A request with the program: from the handler to its answer or the end of
 * proxying.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_REQ_H
#define SRF_REQ_H

#include "core/stack.h"
#include "proxy/context.h"

struct srf_res {
    struct srf_req *req;
};

typedef enum srf__req_state {
    SRF__REQ_UNDECIDED = 0,
    SRF__REQ_ANSWERED, /* a final response was sent by the program */
    SRF__REQ_PROXIED,
    SRF__REQ_CANCELLED, /* 487 was sent before the program decided */
    SRF__REQ_DROPPED    /* answered by the library, or the stack is gone */
} srf__req_state_t;

struct srf__req_extra;

struct srf_req {
    srf_t *srf;
    srf__server_t *server;
    srf_msg_t *msg;
    void *data;
    srf_cancel_cb on_cancel;
    srf_proxy_cb proxy_cb;
    struct srf__req_extra *extra; /* made when needed */
    struct srf_req *next;         /* srf->requests, while undecided */
    struct srf_req **link;
    struct srf_res res;
    uint32_t refs;
    uint16_t order; /* of the link of the chain that has it */
    uint8_t state;  /* srf__req_state_t */
    bool final_sent : 1;
    bool running : 1;   /* a link of the chain is being called */
    bool handed_on : 1; /* srf_next() was called for it */
};

/* Hands the request of `server`, whose route is prepared, to the program and
 * settles what it leaves undone. Answers 500 itself when memory is out. */
void srf__req_deliver(srf_t *srf, srf__server_t *server,
                      const srf__handler_t *first, const srf__route_t *route);

/* The requests handed on from outside of the chain, first come, first served;
 * the queue has a reference of each. False when memory is out; NULL when it is
 * empty. */
bool srf__req_enqueue(srf_req_t *req);
srf_req_t *srf__req_dequeue(srf_t *srf);

/* Returns why the program may not decide any more; 0 when it may. */
int srf__req_check_open(const srf_req_t *req);
/* Answers for the program. */
void srf__req_refuse(srf_req_t *req, srf__response_spec_t *spec);

/* Hooks of its proxying. Setting them: false when memory is out; reading them:
 * only after they were set. */
typedef struct srf__req_hooks {
    srf_branch_cb on_branch;
    srf_branch_response_cb on_response;
} srf__req_hooks_t;

bool srf__req_set_hooks(srf_req_t *req, srf_branch_cb on_branch,
                        srf_branch_response_cb on_response);
const srf__req_hooks_t *srf__req_hooks(const srf_req_t *req);

/* Notes what the program has decided: the request leaves srf->requests. */
void srf__req_decide(srf_req_t *req, srf__req_state_t state);

/* Notes that the program begins to answer: copies of the request are refused
 * from now on, until its transaction ends (RFC 3261 §8.2.2.2). */
void srf__req_take(srf_req_t *req);
/* Lets the transaction go on without the request. */
void srf__req_let_go(srf_req_t *req);

/* Lets the program's time begin anew, since it showed that it is at work. */
void srf__req_restart_clock(srf_req_t *req);

/* Drops every undecided request without a word, on destroy. */
void srf__reqs_drop(srf_t *srf);

#endif /* SRF_REQ_H */
