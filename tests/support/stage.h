/*
 * A proxy on a loop of its own with real listeners, for tests with peers of
 * wire.h. Its program proxies everything to its targets, or where the request
 * points when there are none, and writes down the results.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TEST_STAGE_H
#define SRF_TEST_STAGE_H

#include "srf/srf.h"
#include "wire.h"

#include <openssl/ssl.h>
#include <uv.h>

enum { STAGE_TARGETS = 4, STAGE_TEXT = 200, STAGE_TRIES = 8 };

typedef struct stage {
    uv_loop_t loop;
    srf_t *proxy;
    const char *ip;
    const char *host;            /* in a URI */
    srf_listen_options_t listen; /* of stage_listen() */
    srf_tls_options_t tls;
    unsigned listeners;
    char targets[STAGE_TARGETS][STAGE_TEXT]; /* "" behind the last */
    srf_proxy_options_t options;
    unsigned results;
    int final_status; /* of the last result */
    unsigned tries;
    int causes[STAGE_TRIES];
    char transports[STAGE_TRIES][8];
    char log[4000];      /* lines of warnings and more */
    SSL_CTX *server_ctx; /* of peers: shows callee.pem */
    SSL_CTX *client_ctx; /* of peers: verifies the proxy */
} stage_t;

/* "127.0.0.1", or "::1". Certificates of ca.pem: proxy.pem and callee.pem,
 * for these addresses and "proxy.test". `options` may be NULL. */
void stage_setup(stage_t *stage, bool six, const srf_options_t *options);
/* Destroys the proxy: nothing is left behind. */
void stage_teardown(stage_t *stage);

/* Listens, on a port the system chooses, which is returned. */
unsigned stage_listen(stage_t *stage, wire_kind_t kind);
/* Targets of the program: sip:HOST:PORT;transport=... */
void stage_target(stage_t *stage, unsigned index, const wire_t *wire,
                  wire_kind_t kind);

/* A request to `uri`; `name` makes its ids, `lines` are further header lines,
 * each with its LF. */
void stage_request(stage_t *stage, wire_t *from, wire_kind_t kind,
                   const char *method, const char *uri, const char *name,
                   const char *lines);
/* Answers a request with every Via and Record-Route it has. */
void stage_answer(wire_t *wire, const char *message, const char *status,
                  const char *lines);

/* The Record-Route of a request as the Route lines of one back, in `size`
 * bytes. */
void stage_routes(const char *request, char *out, size_t size);
/* `phone` registers with `registrar` through us: the Route line of its Path. No
 * targets are left. */
void stage_register(stage_t *stage, wire_t *phone, wire_kind_t kind,
                    wire_t *registrar, wire_kind_t registrar_kind,
                    char route[STAGE_TEXT]);

srf_stats_t stage_stats(const stage_t *stage);

/* Lets the loop run until there are `count` results. */
void stage_wait_results(stage_t *stage, unsigned count);

#endif /* SRF_TEST_STAGE_H */
