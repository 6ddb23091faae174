/*
 * Middleware, a lookup in another thread, a trace, and an end that cuts no call
 * off. Requests from one address pass; those from elsewhere are looked up,
 * which may take its time, and refused with 403. SIGTERM drains, a second one
 * ends.
 *
 *     access_control LISTEN-URI ALLOWED-ADDRESS TARGET...
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <srf/srf.h>
#include <uv.h>

#include "output.h"

struct lookup {
    srf_t *srf;
    srf_req_t *req;
    uv_thread_t thread;
    int allowed;
};

static const char *allowed_address;
static const char *const *targets;
static uv_signal_t terminate;

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

/* On the loop's thread again. */
static void on_answer(srf_t *srf, void *data)
{
    struct lookup *lookup = data;

    (void)srf;
    uv_thread_join(&lookup->thread);
    if (lookup->allowed)
        srf_next(lookup->req, 0);
    else
        srf_res_send(srf_req_res(lookup->req), 403, NULL);
    srf_req_unref(lookup->req);
    free(lookup);
}

/* Stands for a question to a database: it blocks, so it has a thread. */
static void look_up(void *data)
{
    struct lookup *lookup = data;

    uv_sleep(10);
    lookup->allowed = 0;
    if (srf_post(lookup->srf, on_answer, lookup) != 0)
        abort(); /* the request would never be let go */
}

static void check_source(srf_req_t *req, srf_res_t *res)
{
    const char *source = srf_req_source_address(req);
    struct lookup *lookup;

    if (source != NULL && strcmp(source, allowed_address) == 0) {
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
    if (uv_thread_create(&lookup->thread, look_up, lookup) != 0) {
        srf_res_send(res, 500, NULL);
        srf_req_unref(req);
        free(lookup);
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

static void on_drained(srf_t *srf, int err)
{
    if (err != 0)
        return; /* it is being destroyed already */
    uv_close((uv_handle_t *)&terminate, NULL);
    srf_destroy(srf, NULL);
}

static void on_terminate(uv_signal_t *handle, int number)
{
    srf_t *srf = handle->data;

    (void)number;
    if (srf_drain(srf, on_drained) == 0) {
        output_log("draining");
        return;
    }
    uv_close((uv_handle_t *)handle, NULL);
    srf_destroy(srf, NULL);
}

int main(int argc, char **argv)
{
    srf_options_t options;
    uv_loop_t *loop;
    srf_t *srf;
    int err;

    output_start(argv[0]);
    if (argc < 4) {
        output_log("usage: %s LISTEN-URI ALLOWED-ADDRESS TARGET...", argv[0]);
        return 2;
    }
    allowed_address = argv[2];
    targets = (const char *const *)(argv + 3);
    loop = uv_default_loop();
    srf_options_init(&options);
    options.trace_cb = on_trace;
    err = srf_create(&srf, loop, &options);
    if (err == 0)
        err = srf_listen(srf, argv[1], NULL);
    if (err == 0)
        err = srf_use(srf, NULL, check_source);
    if (err == 0)
        err = srf_on(srf, NULL, on_request);
    if (err != 0) {
        output_log("%s: %s", argv[0], srf_strerror(err));
        srf_destroy(srf, NULL);
    } else {
        uv_signal_init(loop, &terminate);
        terminate.data = srf;
        uv_signal_start(&terminate, on_terminate, SIGTERM);
    }
    output_run(loop);
    return err != 0;
}
