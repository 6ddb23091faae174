/*
 * Middleware: a request on its way along the chain of the program's callbacks.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/chain.h"

#include "base/buf.h"
#include "base/error.h"

enum { LINES_BYTES = 4096 };

/* Nobody was left to take it (RFC 3261 §8.2.1). */
static void refuse(srf_req_t *req)
{
    srf_t *srf = req->srf;
    const srf__facts_t *facts = srf__msg_facts(req->msg);
    char storage[LINES_BYTES];
    srf__buf_t lines;
    srf__route_t route;
    srf__response_spec_t spec = {.status = 500};

    srf__buf_init_fixed(&lines, storage, sizeof(storage));
    if (facts != NULL &&
        srf__route_prepare(&srf->element, facts, &route) == 0) {
        spec.status = srf__handler_missing(srf, facts, &route);
        if (spec.status != 404)
            srf__handlers_write_allow(srf, &lines);
    }
    if (lines.err == 0)
        spec.lines = srf__buf_str(&lines);
    srf->rejected += spec.status >= 300;
    srf__req_refuse(req, &spec);
}

static const srf__handler_t *next_link(const srf_req_t *req)
{
    const srf__facts_t *facts = srf__msg_facts(req->msg);

    return facts == NULL ? NULL
                         : srf__handler_next(req->srf, facts, req->order);
}

static void call(srf_req_t *req, const srf__handler_t *link)
{
    req->handed_on = false;
    if (link == NULL) {
        refuse(req);
        return;
    }
    req->order = link->order;
    req->running = true;
    link->cb(req, &req->res);
    req->running = false;
}

/* A loop and no recursion: a chain may be long. */
void srf__chain_run(srf_req_t *req, const srf__handler_t *first)
{
    call(req, first);
    while (req->handed_on && srf__req_check_open(req) == 0)
        call(req, next_link(req));
    req->handed_on = false;
}

/* ---- handed on later ---- */

static void run_handed_on(srf__timer_t *timer)
{
    srf_t *srf = srf__container_of(timer, srf_t, handed_on_timer);

    srf_req_t *req = NULL;

    while (!srf->closing && (req = srf__req_dequeue(srf)) != NULL) {
        if (srf__req_check_open(req) == 0)
            srf__chain_run(req, next_link(req));
        req->handed_on = false;
        srf_req_unref(req);
    }
}

static int hand_on_later(srf_req_t *req)
{
    srf_t *srf = req->srf;

    if (!srf__req_enqueue(req))
        return SRF_ERR_NO_MEMORY;
    srf__timer_start(srf->element.wheel, &srf->handed_on_timer, 0,
                     run_handed_on);
    return 0;
}

static void fail(srf_req_t *req, int err)
{
    srf__response_spec_t spec = {.status = 500};
    srf__log_context_t context = {.module = "core"};
    const srf__facts_t *facts = srf__msg_facts(req->msg);

    if (facts != NULL)
        context.call_id = srf__facts_str(facts, facts->call_id);
    srf__log_write(&req->srf->element.log, SRF_LOG_WARNING, &context,
                   "middleware failed: %s: 500 sent", srf_strerror(err));
    srf__req_refuse(req, &spec);
}

int srf_next(srf_req_t *req, int err)
{
    if (req == NULL || req->handed_on)
        return SRF_ERR_INVALID_ARGUMENT;
    int state = srf__req_check_open(req);
    if (state != 0)
        return state;
    if (err != 0) {
        fail(req, err);
        return 0;
    }
    if (!req->running)
        state = hand_on_later(req);
    req->handed_on = state == 0;
    return state;
}
