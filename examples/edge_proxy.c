/*
 * An edge proxy for SIP over WebSocket: browsers outside, a registrar inside.
 *
 *     edge_proxy [--open] [--allow CIDR]... [--max-connections-per-source N]
 *                INSIDE-URI OUTSIDE-URI REGISTRAR [CERTIFICATE-FILE]
 *     edge_proxy --open --allow 10.0.0.2 'sip:10.0.0.1:5060;transport=udp' \
 *                'sip:192.0.2.1:443;transport=wss' 10.0.0.2 edge.pem
 *
 * A browser cannot be called: it is reached only over the connection it made
 * itself. So a REGISTER goes on to the registrar with a Path, in which the
 * proxy writes down over which connection it came (RFC 5626 §5.1). The
 * registrar puts that Path as Route in front of every request for that client,
 * and the proxy finds the connection again. When it is gone the request gets
 * 430 Flow Failed.
 *
 * From inside requests go anywhere, so --allow names who may send them: the
 * registrar. With --open whoever likes may come from outside; else those named
 * may from there, too. Unless a listener is on loopback, this has to be said.
 *
 * An address that many browsers share, such as that of an office, may need more
 * connections than the 1024 that one has: --max-connections-per-source, 0 for
 * as many as there may be.
 *
 * CERTIFICATE-FILE, for wss, holds the certificate and its key. SIGHUP reads it
 * again, SIGTERM ends the program.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include <srf/srf.h>
#include <uv.h>

#include "access.h"
#include "descriptors.h"
#include "output.h"
#include "stop.h"

enum { INSIDE, OUTSIDE }; /* the listeners, in the order they were opened */

static const char *registrar;
static struct access access_list;
static uint32_t max_per_source; /* 0: the library's choice */

static void on_done(srf_req_t *req, int err, const srf_proxy_results_t *results)
{
    char call_id[OUTPUT_WORD_BYTES];

    output_word(call_id, srf_req_call_id(req));
    if (err != 0)
        output_log_peer("%s %s: %s", srf_req_method(req), call_id,
                        srf_strerror(err));
    output_result("%s %s: %d", srf_req_method(req), call_id,
                  (int)results->final_status);
}

static void on_request(srf_req_t *req, srf_res_t *res)
{
    const char *inside = srf_listener_uri(srf_req_srf(req), INSIDE);
    srf_proxy_options_t opts;
    int err;

    srf_proxy_options_init(&opts);
    opts.record_route = 1; /* neither side can reach the other directly */
    opts.path = 1;         /* for REGISTER only */
    opts.keep_user = 1;    /* of sip:bob@the.name.of.this.proxy */
    if (strcmp(srf_req_received_on(req), inside) == 0)
        /* Along its Route, which the registrar made of the Path. */
        err = srf_proxy_request(req, NULL, &opts, on_done);
    else
        /* Nowhere else, whatever Route a client may have written. */
        err = srf_proxy_request(req, SRF_URIS(registrar), &opts, on_done);
    if (err != 0) {
        output_log_peer("proxy: %s", srf_strerror(err));
        srf_res_send(res, 500, NULL);
    }
}

static void on_hangup(void *data)
{
    srf_t **srf = data;
    int err = srf_reload_certificates(*srf, OUTSIDE);

    if (err != 0)
        output_log("certificate kept: %s", srf_strerror(err));
}

/* Whether it may listen there, with --open and without. */
static int check_access(char **argv)
{
    struct access inside = access_list;
    struct access outside = access_list;

    inside.open = 0;
    if (outside.open)
        outside.count = 0;
    const char *problem = access_check(&inside, argv[1]);
    const char *where = argv[1];
    if (problem == NULL) {
        problem = access_check(&outside, argv[2]);
        where = argv[2];
    }
    if (problem != NULL)
        output_log("%s: %s: %s", argv[0], where, problem);
    return problem == NULL ? 0 : -1;
}

static int listen_on(srf_t *srf, const char *inside, const char *outside,
                     const char *certificate)
{
    srf_listen_options_t options;
    srf_tls_options_t tls;
    int err = srf_listen(srf, inside, NULL);

    if (err != 0)
        return err;
    srf_listen_options_init(&options);
    srf_tls_options_init(&tls);
    options.max_connections_per_source = max_per_source;
    tls.certificate_file = certificate;
    if (certificate != NULL)
        options.tls = &tls;
    return srf_listen(srf, outside, &options);
}

static int start(srf_t *srf, char **argv)
{
    int err = listen_on(srf, argv[1], argv[2], argv[4]);

    if (access_list.open)
        access_list.open_on = srf_listener_uri(srf, OUTSIDE);
    if (err == 0)
        err = access_guard(&access_list, srf);
    if (err == 0)
        err = srf_on(srf, NULL, on_request);
    if (err != 0)
        return err;
    output_print("listening on %s", srf_listener_uri(srf, INSIDE));
    output_print("listening on %s", srf_listener_uri(srf, OUTSIDE));
    return 0;
}

/* Warnings and errors: whose connections are refused, for one. */
static void on_log(srf_log_level_t level, const srf_log_event_t *event,
                   void *data)
{
    (void)level;
    (void)data;
    if (event->peer != NULL)
        output_log_peer("%s (%s)", event->text, event->peer);
    else
        output_log("%s", event->text);
}

static int read_limit(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || value > SRF_UNLIMITED)
        return -1;
    max_per_source = value == 0 ? SRF_UNLIMITED : (uint32_t)value;
    return 0;
}

/* Takes the limit out of the options. 0; -1: it said what is wrong. */
static int take_limit(int *argc, char **argv)
{
    static const char option[] = "--max-connections-per-source";
    int at = 1;

    while (at < *argc && strcmp(argv[at], option) != 0)
        at++;
    if (at == *argc)
        return 0;
    if (at + 1 == *argc || read_limit(argv[at + 1]) != 0) {
        output_log("%s: %s: a number is wanted", argv[0], option);
        return -1;
    }
    *argc -= 2;
    for (; at <= *argc; at++) /* with the NULL behind them */
        argv[at] = argv[at + 2];
    return 0;
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    srf_t *srf = NULL;
    const struct stop_actions actions = {.hangup = on_hangup, .data = &srf};
    srf_options_t options;
    int err;

    output_start(argv[0]);
    if (take_limit(&argc, argv) != 0 ||
        access_read(&access_list, &argc, &argv) != 0)
        return 2;
    if (argc != 4 && argc != 5) {
        output_log("usage: %s [--open] [--allow CIDR]... "
                   "[--max-connections-per-source N] INSIDE-URI OUTSIDE-URI "
                   "REGISTRAR [CERTIFICATE-FILE]",
                   argv[0]);
        return 2;
    }
    if (check_access(argv) != 0)
        return 2;
    raise_descriptors();
    registrar = argv[3];
    srf_options_init(&options);
    options.log_cb = on_log;
    options.log_level = SRF_LOG_WARNING;
    err = stop_begin(loop, &actions);
    if (err == 0)
        err = srf_create(&srf, loop, &options);
    stop_watch(srf);
    if (err == 0)
        err = start(srf, argv);
    if (err != 0) {
        output_log("%s: %s", argv[0], srf_strerror(err));
        stop_now();
    }
    output_run(loop);
    return err != 0;
}
