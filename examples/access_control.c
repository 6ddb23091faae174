/*
 * Middleware, a lookup in another thread, a trace, and an end that cuts no call
 * off. Requests from one network pass; those from elsewhere are looked up,
 * which may take its time, and refused with 403. SIGTERM drains, a second one
 * ends.
 *
 *     access_control LISTEN-URI ALLOWED-NETWORK TARGET...
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include <srf/srf.h>
#include <uv.h>

#include "output.h"
#include "stop.h"

enum { RETRY_MS = 100 };

struct lookup {
    struct lookup *next;
    struct lookup **link; /* what points to it */
    srf_t *srf;
    srf_req_t *req;
    uv_thread_t thread;
    int joined;
    int allowed;
};

static srf_cidr_t allowed;
static const char *const *targets;
static struct lookup *lookups; /* under way */

/* One line for each message: time, direction, peer, and how it begins. */
static void on_trace(const srf_trace_t *trace, void *data)
{
    const char *text = trace->data;
    int len = 0;

    (void)data;
    while ((size_t)len < trace->len && len < 60 && text[len] != '\r' &&
           text[len] != '\n')
        len++;
    output_log("%lld.%06d %s %s:%d %.*s", (long long)(trace->time_us / 1000000),
               (int)(trace->time_us % 1000000), trace->sent ? "->" : "<-",
               trace->remote_address, trace->remote_port, len, text);
}

/* ---- access control ---- */

static void join(struct lookup *lookup)
{
    if (!lookup->joined)
        uv_thread_join(&lookup->thread);
    lookup->joined = 1;
}

static void forget(struct lookup *lookup)
{
    *lookup->link = lookup->next;
    if (lookup->next != NULL)
        lookup->next->link = lookup->link;
    srf_req_unref(lookup->req);
    free(lookup);
}

/* On the loop's thread again. When the stack is going already, the calls below
 * fail, and that is all. */
static void on_answer(srf_t *srf, void *data)
{
    struct lookup *lookup = data;

    (void)srf;
    join(lookup);
    if (lookup->allowed)
        srf_next(lookup->req, 0);
    else
        srf_res_send(srf_req_res(lookup->req), 403, NULL);
    forget(lookup);
}

/* Stands for a question to a database: it blocks, so it has a thread. */
static void look_up(void *data)
{
    struct lookup *lookup = data;

    uv_sleep(10);
    lookup->allowed = 0;
    /* The request waits for the answer, so there is no giving up. */
    while (srf_post(lookup->srf, on_answer, lookup) == SRF_ERR_NO_MEMORY)
        uv_sleep(RETRY_MS);
}

static void check_source(srf_req_t *req, srf_res_t *res)
{
    struct lookup *lookup;

    if (srf_cidr_match(&allowed, srf_req_source_address(req))) {
        srf_next(req, 0);
        return;
    }
    lookup = calloc(1, sizeof(*lookup));
    if (lookup == NULL) {
        srf_res_send(res, 500, NULL);
        return;
    }
    lookup->srf = srf_req_srf(req);
    lookup->req = srf_req_ref(req);
    lookup->next = lookups;
    lookup->link = &lookups;
    if (lookups != NULL)
        lookups->link = &lookup->next;
    lookups = lookup;
    if (uv_thread_create(&lookup->thread, look_up, lookup) != 0) {
        srf_res_send(res, 500, NULL);
        forget(lookup);
    }
}

static void on_request(srf_req_t *req, srf_res_t *res)
{
    int err = srf_proxy_request(req, targets, NULL, NULL);

    if (err != 0) {
        output_log_peer("proxy: %s", srf_strerror(err));
        srf_res_send(res, 500, NULL);
    }
}

/* ---- the end ---- */

/* Nobody may post to a stack that is being destroyed, so the threads end first;
 * what they have posted is still called. */
static void on_ending(void *data)
{
    (void)data;
    for (struct lookup *lookup = lookups; lookup != NULL; lookup = lookup->next)
        join(lookup);
}

static int start(srf_t **srf, char **argv)
{
    const struct stop_actions actions = {.drains = 1, .ending = on_ending};
    srf_options_t options;
    int err = stop_begin(uv_default_loop(), &actions);

    srf_options_init(&options);
    options.trace_cb = on_trace;
    if (err == 0)
        err = srf_create(srf, uv_default_loop(), &options);
    stop_watch(*srf);
    if (err == 0)
        err = srf_listen(*srf, argv[1], NULL);
    if (err == 0)
        err = srf_use(*srf, NULL, check_source);
    if (err == 0)
        err = srf_on(*srf, NULL, on_request);
    return err;
}

int main(int argc, char **argv)
{
    srf_t *srf = NULL;
    int err;

    output_start(argv[0]);
    if (argc < 4 || srf_cidr_parse(argv[2], &allowed) != 0) {
        output_log("usage: %s LISTEN-URI ALLOWED-NETWORK TARGET...", argv[0]);
        return 2;
    }
    targets = (const char *const *)(argv + 3);
    err = start(&srf, argv);
    if (err != 0) {
        output_log("%s: %s", argv[0], srf_strerror(err));
        stop_now();
    }
    output_run(uv_default_loop());
    return err != 0;
}
