/*
 * Fuzz target: a stack with listeners of all kinds, its program and its
 * network. What the parts of the target share; the commands are described in
 * fuzz_network.c.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_FUZZ_NETWORK_H
#define SRF_FUZZ_NETWORK_H

#include "memory.h"

#include "core/stack.h"
#include "transport/framing.h"

#include <stdbool.h>

enum {
    NODES = 14,
    CONNS = 16,
    CONN_WAITING = 64,
    CONN_HELD = 8,
    TEXT_BYTES = 16384,
    SENT_KEPT = 8,
    LOOPED_MAX = 8,
    ALLOWED_MAX = 1024,
    SET_MAX = 256,
    PLANS = 4,
    TRIES_MAX = 64,
    KEPT_MAX = 6,
    OWN_MAX = 8,
    QUESTIONS_MAX = 64,
    HEADERS = 600
};

typedef struct text {
    size_t len;
    char p[TEXT_BYTES + 1];
} text_t;

/* The operands of a command: one byte each, then text. */
typedef struct operands {
    const char *p;
    size_t len;
} operands_t;

typedef struct net net_t;

/* A listener of the stack's. */
typedef struct node {
    srf__listener_t base; /* first */
    net_t *net;
    bool web;
} node_t;

typedef enum conn_state { CONN_FREE = 0, CONN_OPENING, CONN_OPEN } conn_state_t;

typedef struct conn {
    conn_state_t state;
    uint32_t id;
    node_t *node;
    srf__addr_t peer;
    bool accepted;
    uint32_t heard; /* pieces that came */
    bool reusable;
    srf__framer_t framer;
    unsigned waiting_count;
    uint64_t waiting[CONN_WAITING];
    unsigned held_count;
    text_t *held[CONN_HELD];
} conn_t;

/* A message that the stack sent. */
typedef struct sent {
    text_t text;
    srf__flow_t flow;
} sent_t;

typedef struct looped {
    text_t text;
    srf__addr_t from;
    node_t *node;
} looped_t;

typedef struct set {
    unsigned count; /* of all that were put in */
    uint64_t hashes[SET_MAX];
} set_t;

/* What becomes of one request that the program is given. */
typedef struct plan {
    unsigned char action;
    unsigned char targets;
    unsigned char flags;
    unsigned char timeouts;
    unsigned char codes;
    unsigned char status;
    unsigned char on_branch;
    unsigned char on_response;
    unsigned char on_done;
    unsigned char on_cancel;
} plan_t;

/* A request that the program was given. */
typedef struct
try {
    net_t *net;
    const plan_t *plan;
    unsigned shown;   /* to how many of the chain */
    unsigned started; /* srf_proxy_request() took it */
    unsigned done;
    unsigned cancels;
}
try_t;

/* A request of the program's own. */
typedef struct own {
    net_t *net;
    plan_t plan;
    srf_outgoing_t *handle;
    unsigned done;
} own_t;

/* A question that nobody has answered. */
typedef struct question {
    char name[256];
    uint16_t type;
    srf__dns_cb cb;
    void *arg;
} question_t;

/* What the message being delivered may lead to. */
typedef struct arrival {
    bool is_request;
    bool is_ack;
    bool marked; /* it has a Route that the stack wrote for its dialog */
    bool shown;  /* to the program */
} arrival_t;

typedef struct counts {
    unsigned sent;
    unsigned arrived;
    unsigned targets; /* given to srf_proxy_request() */
    unsigned answers; /* given to srf_res_send() */
    unsigned own;     /* given to srf_request() */
    unsigned shown;   /* handlers called */
    unsigned marked;  /* requests that came with a mark */
    unsigned names;   /* addresses that DNS said */
} counts_t;

struct net {
    srf_t *srf; /* NULL when destroyed */
    srf__wheel_t wheel;
    bool closing;
    unsigned destroyed;
    unsigned drains; /* completions due */
    unsigned posts;  /* calls due */
    int inside;      /* public functions under way: no callback may come */

    /* settings */
    unsigned middlewares;
    bool connects_at_once;
    bool names_at_once;
    uint64_t max_memory;

    /* the network */
    node_t nodes[NODES];
    unsigned node_count;
    conn_t conns[CONNS];
    sent_t sent[SENT_KEPT]; /* a ring */
    unsigned sent_next;
    sent_t reply; /* the last response */
    sent_t last;  /* of all, the last message */
    looped_t looped[LOOPED_MAX];
    unsigned looped_count;
    unsigned fail_send; /* how the next send fails; 0: it does not */
    unsigned refuse;    /* how the next connection fails */
    unsigned drops;     /* datagrams that the system had no room for */
    unsigned wait_ms;   /* of those that it had */
    arrival_t arrival;

    /* what may be */
    srf__addr_t allowed[ALLOWED_MAX]; /* IP addresses that may be sent to */
    unsigned allowed_count;
    set_t marks;    /* Record-Route URIs of the stack's with their Call-ID */
    set_t foreign;  /* the same of others */
    set_t calls;    /* Call-IDs that the program let pass */
    set_t branches; /* of requests that the stack sent */
    bool follows;   /* redirects */
    counts_t counts;

    /* the program */
    plan_t plans[PLANS];
    unsigned plan_count;
    unsigned plan_next;
    try_t tries[TRIES_MAX];
    unsigned try_count;
    srf_req_t *kept[KEPT_MAX];
    own_t own[OWN_MAX];
    unsigned own_count;

    /* names */
    question_t questions[QUESTIONS_MAX];
    unsigned question_count;
};

extern fuzz_memory_t network_memory;

/* fuzz_network.c */

/* The next operand; 0 behind the last. */
unsigned operand(operands_t *operands);
/* Time passes, and what is due happens. */
void pass(net_t *net, uint64_t ms);

/* network_text.c: messages from operands. */
void text_add(text_t *text, const char *p, size_t len);
/* Of what is there, not of all the room. */
void text_copy(text_t *text, const text_t *from);
void text_string(text_t *text, const char *string);
/* Appends with "@B" and its like replaced by what the stack has sent. */
void text_expand(const net_t *net, text_t *text, const char *p, size_t len);
void text_request(const net_t *net, text_t *text, const node_t *node,
                  const srf__addr_t *peer, operands_t *operands);
void text_response(const net_t *net, text_t *text, const text_t *request,
                   operands_t *operands);
/* NULL when they cannot be read as a message. */
const srf__facts_t *text_scan(const char *p, size_t len);
/* The URI of a Route, Contact or such, the `index`-th in lines of that kind. */
bool text_value(const srf__facts_t *facts, srf__header_id_t id, unsigned index,
                srf__uri_t *out);

/* network_wire.c: listeners, connections, what is sent and delivered. */
void wire_listen(net_t *net, unsigned kind);
srf__addr_t wire_peer(const node_t *node, unsigned index);
void wire_deliver(net_t *net, node_t *node, const srf__addr_t *from,
                  const char *p, size_t len);
/* Along the flow that a message was sent by. */
void wire_answer(net_t *net, const srf__flow_t *flow, const char *p,
                 size_t len);
/* Bytes as they are, not cut into messages. */
void wire_bytes(net_t *net, unsigned index, const char *p, size_t len);
void wire_looped(net_t *net);
/* The request that was sent `index` requests before the last one. */
const sent_t *wire_request(const net_t *net, unsigned index);
void wire_event(net_t *net, unsigned index, unsigned what);
void wire_end(net_t *net);

/* network_rules.c: what may be. */
void rules_allow(net_t *net, const srf__addr_t *addr);
/* What a URI of the program's leads to. */
void rules_allow_text(net_t *net, const char *uri);
/* Reads what is about to be delivered. */
void rules_arrival(net_t *net, const srf__flow_t *from, const char *p,
                   size_t len);
/* The program lets a request pass, to targets or where it points to. */
void rules_pass(net_t *net, const srf_req_t *req, bool to_targets);
void rules_sent(net_t *net, const sent_t *sent);
/* How many messages a delivery may have made. */
void rules_check_step(const net_t *net, const counts_t *before,
                      uint64_t clients);
void rules_check_end(const net_t *net);

/* network_program.c */
void program_start(net_t *net, unsigned shape);
void program_plan(net_t *net, operands_t *operands);
void program_request(net_t *net, operands_t *operands);
void program_cancel(net_t *net, unsigned index);
void program_kept(net_t *net, unsigned index, unsigned what);
/* Any public function; `req` may be NULL. */
void program_call(net_t *net, srf_req_t *req, unsigned what);
void program_destroy(net_t *net);
/* Whether it keeps requests, and letting go of them. */
bool program_keeps(const net_t *net);
void program_end(net_t *net);

/* network_names.c */
void names_start(net_t *net);
void names_answer(net_t *net, operands_t *operands);
/* Whoever still waits is told that nobody answers. */
void names_settle(net_t *net, bool good);

#endif /* SRF_FUZZ_NETWORK_H */
