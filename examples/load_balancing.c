/*
 * A list of targets: when a call fails at the first server it is tried at the
 * second, and so on until one answers with success or the list is exhausted.
 *
 *     load_balancing [--open | --allow CIDR]... [LISTEN-URI [TARGET...]]
 *
 * SPDX-License-Identifier: MIT
 */
#include <srf/srf.h>
#include <uv.h>

#include "access.h"
#include "output.h"

static const char *const *targets =
    SRF_URIS("sip.example1.com", "sip2.example1.com");

static void on_done(srf_req_t *req, int err, const srf_proxy_results_t *results)
{
    char *json = srf_proxy_results_json(results);

    if (err != 0)
        output_log_peer("%s: %s", srf_req_call_id(req), srf_strerror(err));
    output_json(json);
    srf_free(json);
}

static void on_invite(srf_req_t *req, srf_res_t *res)
{
    int err = srf_proxy_request(req, targets, NULL, on_done);

    if (err != 0) {
        output_log_peer("proxy: %s", srf_strerror(err));
        srf_res_send(res, 500, NULL);
    }
}

int main(int argc, char **argv)
{
    struct access access = {0};
    srf_t *srf;
    const char *uri;
    int err;

    output_start(argv[0]);
    err = access_read(&access, &argc, &argv);
    uri = err == 0 ? access_listen_uri(&access, argv) : NULL;

    if (uri == NULL)
        return 2;
    err = srf_create(&srf, uv_default_loop(), NULL);
    /* argv ends with NULL, as an array of targets does. */
    if (argc > 2)
        targets = (const char *const *)(argv + 2);
    if (err == 0)
        err = srf_listen(srf, uri, NULL);
    if (err == 0)
        err = access_guard(&access, srf);
    if (err == 0)
        err = srf_invite(srf, on_invite);
    if (err != 0) {
        output_log("%s: %s", argv[0], srf_strerror(err));
        srf_destroy(srf, NULL);
    }
    output_run(uv_default_loop());
    return err != 0;
}
