/*
 * Inside the reference model.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_MODEL_MODEL_H
#define SRF_MODEL_MODEL_H

#include "reference.h"

#define NEVER UINT64_MAX

enum { URIS_MAX = 64, BRANCHES_MAX = ATTEMPTS_MAX };

typedef enum state {
    IDLE = 0,
    CALLING, /* and Trying */
    PROCEEDING,
    ACCEPTED,
    COMPLETED,
    CONFIRMED,
    OVER
} state_t;

/* A transaction; NEVER: the timer does not run. */
typedef struct txn {
    state_t state;
    uint64_t interval_ms;
    uint64_t repeat_ms;
    uint64_t limit_ms;
    uint64_t failing_ms; /* a send failed; to be noticed */
} txn_t;

typedef struct model model_t;
typedef struct call call_t;

/* A response. */
typedef struct final {
    int status;
    int answer; /* 0: made by the proxy */
    int challenges;
} final_t;

typedef enum part {
    PENDING = 0, /* the search waits for it */
    GIVEN_UP,    /* no longer, but it was not told or has not answered */
    ENDED
} part_t;

typedef struct branch {
    call_t *call;
    int number; /* among those that were sent; UNKNOWN: it was not */
    int host;
    txn_t client;
    txn_t cancel;
    bool cancel_asked;
    bool cancel_waits; /* for a provisional response */
    bool reason;       /* it says why: the caller's, or that it lost */
    bool orphan;       /* the search is over */
    bool guarded;      /* guard_ms was started */
    unsigned depth;
    unsigned share; /* of Max-Breadth */
    unsigned held;  /* of it, until the branch has ended */
    bool followed;  /* a 3xx whose Contacts were tried */
    part_t part;
    int cause;
    final_t final;    /* answer 0: what it counts as */
    int final_status; /* what the results give */
    int final_answer;
    uint64_t provisional_ms;
    uint64_t final_ms;
    uint64_t timer_c_ms;
    uint64_t guard_ms;
    attempt_t attempt;
} branch_t;

typedef struct target {
    const char *uri;
    const char *request_uri; /* of a request to it; NULL: as the caller's */
    unsigned q;
    unsigned depth; /* redirects behind it */
} target_t;

typedef enum decision { UNDECIDED = 0, REFUSED, PROXIED, REPORTED } decision_t;

struct call {
    model_t *model;
    int number;
    const plan_t *plan;
    txn_t server;
    final_t last; /* sent to the caller */
    bool heard_cancel;
    uint64_t handler_ms;
    uint64_t cancel_until_ms; /* life of the CANCEL's transaction */
    final_t cancel_answer;
    decision_t decision;
    int refusal; /* what srf_proxy_request() says then */

    /* The response context. */
    target_t targets[URIS_MAX];
    unsigned target_count;
    unsigned next_target;
    unsigned breadth; /* left of Max-Breadth */
    bool finished;    /* no further target */
    bool cancelled;   /* by the caller */
    bool answered;
    bool connected;
    int final_status;
    int final_answer;
    int err;
    int sent_count;
    unsigned branch_count;
    branch_t branches[BRANCHES_MAX];
};

struct model {
    const trace_t *trace;
    effects_t *out;
    uint64_t now_ms;
    bool closed[HOSTS];
    bool immediate[HOSTS];
    call_t calls[CALLS_MAX];
};

/* Callbacks of the program, of which srf_destroy() may come. */
static inline bool is_callback(event_t event)
{
    return event == EVENT_DONE || event == EVENT_CANCELLED ||
           event == EVENT_BRANCH || event == EVENT_HEARD;
}

/* reference.c */
void emit(call_t *call, const effect_t *effect);
bool server_send(call_t *call, const final_t *what);
void server_forward_2xx(call_t *call, const final_t *what);
void send_stateless(call_t *call, const final_t *what);
void server_fall_silent(call_t *call);
void client_start(branch_t *branch);
bool client_cancel(branch_t *branch,
                   bool reason); /* true: the CANCEL was sent now */
void client_end(branch_t *branch);

/* search.c */
void search_start(call_t *call);
void search_cancelled(call_t *call);
void search_provisional(branch_t *branch, const final_t *what, bool cancels);
void search_final(branch_t *branch, const final_t *what);
void search_failed(branch_t *branch, int cause);
void search_end(call_t *call, int err);
void provisional_limit(call_t *call, branch_t *branch);
void final_limit(call_t *call, branch_t *branch);
void timer_c_limit(call_t *call, branch_t *branch);
void guard_limit(call_t *call, branch_t *branch);

/* compare.c: the branch of its call that a datagram belongs to; NULL: none. */
branch_t *model_branch(model_t *model, const record_t *record);

#endif /* SRF_MODEL_MODEL_H */
