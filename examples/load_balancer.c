/*
 * srf-lb: spreads calls over several servers.
 *
 *     srf-lb [--json] --listen URI TARGET...
 *
 * Calls begin at each target in turn and go on to the others when one fails.
 * The balancer keeps the caller's user part and stays in the dialog. Each call
 * ends up as one line: who called, which target took it, the status the caller
 * was sent, how many addresses were tried, how long that took. With --json the
 * whole result follows on a line of its own. OPTIONS is answered with 200, so
 * that others can watch it. SIGTERM and SIGINT end it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <srf/srf.h>
#include <uv.h>

enum { EXIT_USAGE = 2, MAX_TARGETS = 32 };

/* The balancer. */
struct lb {
    uv_loop_t loop;
    uv_signal_t signals[2];
    srf_t *srf;
    const char *listener;
    char **targets;
    size_t target_count;
    size_t next; /* where the next call begins */
    int json;
};

/* The attempt that the final status came from, or the last one. */
static const srf_proxy_response_t *
chosen_attempt(const srf_proxy_results_t *results)
{
    for (size_t i = 0; i < results->response_count; i++) {
        const srf_proxy_response_t *attempt = &results->responses[i];

        for (size_t k = 0; k < attempt->msg_count; k++) {
            if (attempt->msgs[k].status == results->final_status)
                return attempt;
        }
    }
    if (results->response_count == 0)
        return NULL;
    return &results->responses[results->response_count - 1];
}

static void on_done(srf_req_t *req, int err, const srf_proxy_results_t *results)
{
    struct lb *lb = srf_data(srf_req_srf(req));
    uint64_t *begin = srf_req_data(req);
    const srf_proxy_response_t *attempt = chosen_attempt(results);
    const char *caller = srf_req_calling_number(req);

    if (err != 0)
        fprintf(stderr, "srf-lb: %s: %s\n", srf_req_call_id(req),
                srf_strerror(err));
    printf("caller=%s target=%s status=%d tries=%zu ms=%.1f\n",
           caller != NULL ? caller : "",
           attempt != NULL ? attempt->target : "none",
           (int)results->final_status, results->response_count,
           begin != NULL ? (double)(uv_hrtime() - *begin) / 1e6 : 0.0);
    if (lb->json != 0) {
        char *json = srf_proxy_results_json(results);

        puts(json != NULL ? json : "null");
        srf_free(json);
    }
    srf_req_set_data(req, NULL);
    free(begin);
}

static void on_invite(srf_req_t *req, srf_res_t *res)
{
    struct lb *lb = srf_data(srf_req_srf(req));
    const char *targets[MAX_TARGETS + 1];
    srf_proxy_options_t options;
    uint64_t *begin = malloc(sizeof(*begin));
    int err;

    /* Each call has the same list, rotated by one place more. */
    for (size_t i = 0; i < lb->target_count; i++)
        targets[i] = lb->targets[(lb->next + i) % lb->target_count];
    targets[lb->target_count] = NULL;
    lb->next = (lb->next + 1) % lb->target_count;
    if (begin != NULL)
        *begin = uv_hrtime();
    srf_req_set_data(req, begin);

    srf_proxy_options_init(&options);
    options.record_route = 1;
    options.keep_user = 1;
    err = srf_proxy_request(req, targets, &options, on_done);
    if (err == 0)
        return;
    fprintf(stderr, "srf-lb: %s: %s\n", srf_req_uri(req), srf_strerror(err));
    srf_req_set_data(req, NULL);
    free(begin);
    srf_res_send(res, 500, NULL);
}

static void on_options(srf_req_t *req, srf_res_t *res)
{
    int err = srf_res_send(res, 200, NULL);

    if (err != 0)
        fprintf(stderr, "srf-lb: %s: %s\n", srf_req_call_id(req),
                srf_strerror(err));
}

static void on_destroyed(void *data)
{
    struct lb *lb = data;

    uv_close((uv_handle_t *)&lb->signals[0], NULL);
    uv_close((uv_handle_t *)&lb->signals[1], NULL);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct lb *lb = handle->data;

    (void)number;
    uv_signal_stop(&lb->signals[0]);
    uv_signal_stop(&lb->signals[1]);
    srf_destroy(lb->srf, on_destroyed);
}

static int start(struct lb *lb)
{
    static const int numbers[2] = {SIGINT, SIGTERM};
    int err = srf_create(&lb->srf, &lb->loop, NULL);

    for (int i = 0; i < 2; i++) {
        uv_signal_init(&lb->loop, &lb->signals[i]);
        lb->signals[i].data = lb;
        if (err == 0)
            err = uv_signal_start(&lb->signals[i], on_signal, numbers[i]);
    }
    if (err == 0)
        err = srf_listen(lb->srf, lb->listener, NULL);
    if (err == 0)
        err = srf_invite(lb->srf, on_invite);
    if (err == 0)
        err = srf_on(lb->srf, "OPTIONS", on_options);
    if (err != 0) {
        fprintf(stderr, "srf-lb: %s: %s\n", lb->listener, srf_strerror(err));
        return err;
    }
    srf_set_data(lb->srf, lb);
    printf("listening on %s\n", srf_listener_uri(lb->srf, 0));
    return 0;
}

static int read_arguments(struct lb *lb, int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},
        {"listen", required_argument, NULL, 'l'},
        {NULL, 0, NULL, 0},
    };

    for (;;) {
        int option = getopt_long(argc, argv, "", options, NULL);

        if (option == -1)
            break;
        if (option == 'j')
            lb->json = 1;
        else if (option == 'l')
            lb->listener = optarg;
        else
            return -1;
    }
    lb->targets = argv + optind;
    lb->target_count = (size_t)(argc - optind);
    if (lb->listener == NULL || lb->target_count == 0)
        return -1;
    return lb->target_count > MAX_TARGETS ? -1 : 0;
}

int main(int argc, char **argv)
{
    struct lb lb = {.json = 0};
    int err;

    if (read_arguments(&lb, argc, argv) != 0) {
        fprintf(stderr,
                "usage: srf-lb [--json] --listen URI TARGET...\n"
                "       (at most %d targets)\n",
                MAX_TARGETS);
        return EXIT_USAGE;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    err = uv_loop_init(&lb.loop);
    if (err != 0) {
        fprintf(stderr, "srf-lb: %s\n", srf_strerror(err));
        return EXIT_FAILURE;
    }
    err = start(&lb);
    if (err != 0 && lb.srf != NULL) {
        srf_set_data(lb.srf, &lb);
        srf_destroy(lb.srf, on_destroyed);
    } else if (err != 0) {
        on_destroyed(&lb);
    }
    uv_run(&lb.loop, UV_RUN_DEFAULT);
    uv_loop_close(&lb.loop);
    return err == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
