/*
 * A stage with a caller, and a callee whom its requests are led to: what tests
 * of connections begin with. For one file of tests each.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TEST_MEETING_H
#define SRF_TEST_MEETING_H

#include "runner.h"
#include "stage.h"

#include <stdio.h>
#include <string.h>

static stage_t stage;
static wire_kind_t kind; /* of all connections */
static unsigned port;    /* of the listener that callers connect to */
static wire_t *caller;
static wire_t *callee;

static inline void setup(void)
{
    stage_setup(&stage, false, NULL);
}

static inline void teardown(void)
{
    stage_teardown(&stage);
}

static inline wire_t *connect_client(void)
{
    return wire_connect(&stage.loop, kind, stage.ip, port, stage.client_ctx);
}

static inline void meet(wire_kind_t how)
{
    kind = how;
    port = stage_listen(&stage, kind);
    callee = wire_listen(&stage.loop, kind, stage.ip, stage.server_ctx);
    caller = connect_client();
    stage_target(&stage, 0, callee, kind);
}

static inline void part(void)
{
    wire_close(caller);
    wire_close(callee);
}

static inline void ask(const char *method, const char *name)
{
    stage_request(&stage, caller, kind, method, "sip:bob@call.test", name, "");
}

#endif /* SRF_TEST_MEETING_H */
