/*
 * The smallest proxy: every call goes on to one server. It serves whoever
 * reaches it, so where it listens is what protects the server.
 *
 *     minimal [LISTEN-URI [TARGET]]
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include <srf/srf.h>
#include <uv.h>

static const char *target = "sip.example1.com";

static void on_done(srf_req_t *req, int err, const srf_proxy_results_t *results)
{
    char *json = srf_proxy_results_json(results);

    if (err != 0)
        fprintf(stderr, "%s: %s\n", srf_req_method(req), srf_strerror(err));
    puts(json != NULL ? json : "null");
    fflush(stdout);
    srf_free(json);
}

static void on_invite(srf_req_t *req, srf_res_t *res)
{
    int err = srf_proxy_request(req, SRF_URIS(target), NULL, on_done);

    if (err != 0) {
        fprintf(stderr, "proxy: %s\n", srf_strerror(err));
        srf_res_send(res, 500, NULL);
    }
}

int main(int argc, char **argv)
{
    srf_t *srf;
    int err = srf_create(&srf, uv_default_loop(), NULL);

    if (argc > 2)
        target = argv[2];
    if (err == 0)
        err = srf_listen(srf, argc > 1 ? argv[1] : "sip:127.0.0.1:5060", NULL);
    if (err == 0)
        err = srf_invite(srf, on_invite);
    if (err != 0) {
        fprintf(stderr, "%s: %s\n", argv[0], srf_strerror(err));
        srf_destroy(srf, NULL);
    }
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    return err != 0;
}
