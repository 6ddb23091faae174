/*
 * An edge proxy for SIP over WebSocket: browsers outside, a registrar inside.
 *
 *     edge_proxy INSIDE-URI OUTSIDE-URI REGISTRAR [CERTIFICATE-FILE]
 *     edge_proxy 'sip:10.0.0.1:5060;transport=udp' \
 *                'sip:192.0.2.1:443;transport=wss' 10.0.0.2 edge.pem
 *
 * A browser cannot be called: it is reached only over the connection it made
 * itself. So a REGISTER goes on to the registrar with a Path, in which the
 * proxy writes down over which connection it came (RFC 5626 §5.1). The
 * registrar puts that Path as Route in front of every request for that client,
 * and the proxy finds the connection again. When it is gone the request gets
 * 430 Flow Failed.
 *
 * CERTIFICATE-FILE, for wss, holds the certificate and its key. SIGTERM ends
 * the program.
 *
 * SPDX-License-Identifier: MIT
 */
#include "descriptors.h"

#include <signal.h>
#include <string.h>

#include <srf/srf.h>
#include <uv.h>

#include "output.h"

enum { INSIDE, OUTSIDE }; /* the listeners, in the order they were opened */

static const char *registrar;
static uv_signal_t terminate;

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

static void on_terminate(uv_signal_t *handle, int number)
{
    (void)number;
    srf_destroy(handle->data, NULL);
    uv_close((uv_handle_t *)handle, NULL);
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
    tls.certificate_file = certificate;
    if (certificate != NULL)
        options.tls = &tls;
    return srf_listen(srf, outside, &options);
}

int main(int argc, char **argv)
{
    uv_loop_t *loop;
    srf_t *srf;
    int err;

    output_start(argv[0]);
    if (argc != 4 && argc != 5) {
        output_log("usage: %s INSIDE-URI OUTSIDE-URI REGISTRAR "
                   "[CERTIFICATE-FILE]",
                   argv[0]);
        return 2;
    }
    raise_descriptors();
    registrar = argv[3];
    loop = uv_default_loop();
    err = srf_create(&srf, loop, NULL);
    if (err == 0)
        err = listen_on(srf, argv[1], argv[2], argv[4]);
    if (err == 0)
        err = srf_on(srf, NULL, on_request);
    if (err != 0) {
        output_log("%s: %s", argv[0], srf_strerror(err));
        srf_destroy(srf, NULL);
    } else {
        output_print("listening on %s", srf_listener_uri(srf, INSIDE));
        output_print("listening on %s", srf_listener_uri(srf, OUTSIDE));
        uv_signal_init(loop, &terminate);
        terminate.data = srf;
        uv_signal_start(&terminate, on_terminate, SIGTERM);
    }
    output_run(loop);
    return err != 0;
}
