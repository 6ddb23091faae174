/*
 * The second oracle: a reference model of the proxy. From what reached the
 * proxy, and when, it says every datagram that leaves it and every callback,
 * to the millisecond.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_MODEL_REFERENCE_H
#define SRF_MODEL_REFERENCE_H

#include "trace.h"

/* Something the proxy does. */
typedef struct effect {
    uint64_t time_ms;
    event_t event; /* SENT, DECIDED, CANCELLED or DONE */
    int call;
    int host;
    int branch; /* of the call, in order of launching; UNKNOWN: none */
    method_t method;
    int status;
    int answer;
    int challenges;
    int breadth;
    bool reason;
    report_t *report;
} effect_t;

typedef struct effects {
    unsigned count;
    unsigned cap;
    effect_t *list;
} effects_t;

effect_t *effects_add(effects_t *effects, const effect_t *effect);
void effects_free(effects_t *effects); /* with the reports */

/* What the model says of a trace. */
void reference_run(const trace_t *trace, effects_t *out);

/* Compares that with what happened. False, with trace->failure set, when they
 * differ. The trace must be exact. */
bool reference_check(trace_t *trace);

#endif /* SRF_MODEL_REFERENCE_H */
