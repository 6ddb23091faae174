/*
 * What happened in one random program: the plan that was drawn, every datagram
 * that reached or left the proxy, and every callback. The two oracles (wire.h,
 * reference.h) read nothing else.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_MODEL_TRACE_H
#define SRF_MODEL_TRACE_H

#include "srf/srf.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* A host that cannot be sent to: the proxy listens on IPv4 only. */
#define NOWHERE "[2001:db8::1]"

enum {
    T1_MS = 1000,
    T2_MS = 4000,
    T4_MS = 5000,
    LIFE_MS = 64 * T1_MS, /* Timers B, D, F, H, J, L, M */
    HOSTS = 5,            /* the caller, then the targets */
    CALLS_MAX = 4,
    TARGETS_MAX = 4,
    URI_BYTES = 64,
    CONTACTS_MAX = 3,
    CODES_MAX = 2,
    DEFAULT_REDIRECTS = 5,
    TARGET_LIMIT = 32, /* of one operation, redirects included */
    ANSWERS_MAX = 500,
    ATTEMPTS_MAX = 48,
    DEFAULT_BREADTH = 60,
    MSGS_MAX = 32, /* responses the results keep of one attempt */
    UNKNOWN = -1
};

typedef enum method {
    METHOD_NONE = 0,
    METHOD_INVITE,
    METHOD_MESSAGE,
    METHOD_CANCEL,
    METHOD_ACK,
    METHOD_ACK_2XX /* an ACK that is a transaction of its own */
} method_t;

/* How one request is proxied. */
typedef struct plan {
    method_t method;
    bool foreign;          /* the Request-URI does not name the proxy */
    bool defer;            /* the handler decides later */
    bool hooked;           /* with on_branch() and on_response() */
    unsigned target_count; /* 0: outbound proxy */
    unsigned breadth;      /* Max-Breadth of the caller; 0: none */
    char targets[TARGETS_MAX][URI_BYTES];
    int32_t stop_codes[CODES_MAX + 1];
    int32_t failover_codes[CODES_MAX + 1];
    srf_proxy_options_t options;
} plan_t;

/* A URI in a Contact of a 3xx; q is thousandths. */
typedef struct contact {
    char uri[URI_BYTES];
    unsigned q;
} contact_t;

/* A response a target made; its header field X-Answer says which. */
typedef struct answer {
    unsigned tag; /* tells 2xx of one target apart */
    unsigned contact_count;
    contact_t contacts[CONTACTS_MAX];
} answer_t;

typedef struct attempt {
    int host;
    int cause;
    unsigned msg_count;
    int statuses[MSGS_MAX];
} attempt_t;

/* Results of a proxy operation, as far as they are compared. */
typedef struct report {
    int err;
    bool connected;
    int final_status;
    int final_answer; /* X-Answer of final_response; 0: there is none */
    unsigned attempt_count;
    attempt_t attempts[ATTEMPTS_MAX];
} report_t;

typedef enum event {
    EVENT_RECEIVED,  /* a datagram reaches the proxy */
    EVENT_BOUNCED,   /* the network gives one of the proxy's back */
    EVENT_SENT,      /* the proxy sends a datagram */
    EVENT_CLOSED,    /* nobody is at `host` from now on */
    EVENT_DECIDED,   /* srf_proxy_request() returned `status` */
    EVENT_CANCELLED, /* the program was told that the caller cancelled */
    EVENT_BRANCH,    /* on_branch(); `status` is the cause */
    EVENT_HEARD,     /* on_response() */
    EVENT_DONE,      /* the program got its results */
    EVENT_DESTROY,   /* srf_destroy() is called */
    EVENT_DESTROYED
} event_t;

typedef struct record {
    uint64_t time_ms;
    event_t event;
    int call;
    int host;         /* the other side */
    int status;       /* of a response; 0: a request */
    method_t method;  /* of the request, or the one answered */
    int answer;       /* X-Answer; 0: none */
    int breadth;      /* Max-Breadth; 0: none */
    bool reason;      /* with a Reason line */
    int challenges;   /* WWW-Authenticate and Proxy-Authenticate lines */
    bool immediate;   /* of EVENT_CLOSED: sending fails */
    char branch[96];  /* of the topmost Via */
    const char *text; /* the datagram, NUL-terminated */
    const report_t *report;
} record_t;

typedef struct trace {
    uint64_t seed;
    bool exact; /* no two causes share a millisecond: the reference applies */
    uint32_t trying_delay_ms;
    unsigned call_count;
    plan_t plans[CALLS_MAX];
    unsigned answer_count;
    answer_t answers[ANSWERS_MAX]; /* from 1 */
    unsigned count;
    unsigned cap;
    record_t *records;
    char failure[1000]; /* what an oracle objects to; "" while all is well */
} trace_t;

/* For what can only be wrong in the test itself. Check's assertions write to a
 * file each time they hold. */
static inline void must(bool condition)
{
    if (!condition)
        abort();
}

trace_t *trace_create(uint64_t seed);
void trace_destroy(trace_t *trace);
/* Appends a record and returns it, for the moment. */
record_t *trace_add(trace_t *trace, uint64_t time_ms, event_t event);
/* The same for a datagram to or from `host`. */
record_t *trace_add_datagram(trace_t *trace, const record_t *model,
                             const char *data, size_t len);
/* Notes the first objection; false, for the caller to return. */
bool trace_fail(trace_t *trace, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void trace_print(const trace_t *trace);

/* The number behind `prefix` in a URI's host: the host of "...@10.0.0.12". */
int host_of_uri(const char *uri);
const char *method_name(method_t method);

/* The value of the index-th line with this name; NULL if there is none, its
 * length in *len. */
const char *line_value(const char *text, const char *name, unsigned index,
                       size_t *len);
unsigned line_count(const char *text, const char *name);

#endif /* SRF_MODEL_TRACE_H */
