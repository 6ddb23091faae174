/*
 * The world of a random program: one stack whose program proxies by plan, a
 * caller and four targets that do what they are told, all on a virtual clock.
 * Everything that happens is written into a trace.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_MODEL_RIG_H
#define SRF_MODEL_RIG_H

#include "memnet.h"
#include "trace.h"

enum { SEEN_MAX = 200 };

/* A request that reached a target, with what the target did about it. */
typedef struct seen {
    int call;
    int host;
    method_t method;
    char branch[96];
    char *text;
    char *cancel; /* the CANCEL that came for it; NULL: none */
    bool cancel_answered;
    int last_answer; /* the latest response sent; 0: none */
    int last_status;
} seen_t;

typedef struct call_state {
    bool started;
    bool cancelled;
    bool acked;
    bool over; /* the program got its results */
    srf_req_t *deferred;
    uint64_t final_ms; /* of the first final response, or of the end */
    char *final;       /* the latest one the caller received */
    int final_status;
    uint64_t heard_ms; /* when it came */
    bool recorded;     /* it has a Record-Route */
    bool connected;    /* there was a 2xx */
} call_state_t;

typedef struct rig {
    trace_t *trace;
    memnet_t *net;
    srf_t *srf; /* NULL once srf_destroy() was called */
    mempeer_t *peers[HOSTS];
    bool closed[HOSTS];
    call_state_t calls[CALLS_MAX];
    unsigned seen_count;
    seen_t seen[SEEN_MAX];
    /* srf_destroy() is called from the first callback of this kind. */
    event_t destroy_in;
    bool inside; /* in srf_proxy_request() */
    bool destroyed;
} rig_t;

/* What a target answers with. */
typedef struct reply {
    int status;
    int answer;  /* 0: a new one */
    bool cancel; /* it is the CANCEL that is answered */
    bool forged; /* with a branch that is not the proxy's */
    answer_t content;
} reply_t;

/* The plans are in the trace already. */
rig_t *rig_create(trace_t *trace);
/* Lets everything end and checks that nothing is left. */
void rig_finish(rig_t *rig);
uint64_t rig_now(const rig_t *rig);

/* The caller. A call that was started is sent again. */
void rig_call(rig_t *rig, unsigned call);
void rig_cancel(rig_t *rig, unsigned call);
/* An ACK for the latest final response: hop by hop, or for a 2xx along the
 * dialog's route. */
void rig_ack(rig_t *rig, unsigned call);
/* A target. */
void rig_reply(rig_t *rig, unsigned seen, const reply_t *reply);
void rig_close(rig_t *rig, int host, bool immediate);
/* The program. */
void rig_decide(rig_t *rig, unsigned call);
void rig_destroy_stack(rig_t *rig);

#endif /* SRF_MODEL_RIG_H */
