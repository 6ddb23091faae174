/*
 * Asks a server whether it is there, with OPTIONS, and says what it answers.
 *
 *     ping URI [LISTEN-URI [USERNAME PASSWORD REALM]]
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>

#include <srf/srf.h>
#include <uv.h>

static int alive;

static void on_answer(srf_outgoing_t *outgoing, int err,
                      const srf_msg_t *response)
{
    char reason[256] = "";

    if (err == 0)
        srf_printable(reason, sizeof(reason), srf_msg_reason(response),
                      strlen(srf_msg_reason(response)));
    if (err == 0)
        printf("%d %s\n", srf_msg_status(response), reason);
    else
        fprintf(stderr, "%s\n", srf_strerror(err));
    alive = err == 0 && srf_msg_status(response) != 503;
    srf_destroy(srf_outgoing_srf(outgoing), NULL);
}

int main(int argc, char **argv)
{
    srf_request_options_t options;
    srf_t *srf;
    int err;

    if (argc < 2) {
        fprintf(stderr,
                "usage: ping URI [LISTEN-URI [USERNAME PASSWORD REALM]]\n");
        return 2;
    }
    srf_request_options_init(&options);
    options.method = "OPTIONS";
    options.timeout_ms = 2000;
    if (argc > 5) {
        options.username = argv[3];
        options.password = argv[4];
        options.realms = (const char *const *)argv + 5;
    }

    err = srf_create(&srf, uv_default_loop(), NULL);
    if (err == 0)
        err = srf_listen(srf, argc > 2 ? argv[2] : "sip:*:0", NULL);
    if (err == 0)
        err = srf_request(srf, argv[1], &options, on_answer);
    if (err != 0) {
        fprintf(stderr, "ping: %s\n", srf_strerror(err));
        srf_destroy(srf, NULL);
    }
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    return !alive;
}
