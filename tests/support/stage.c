/*
 * A proxy with real listeners.
 *
 * SPDX-License-Identifier: MIT
 */
#include "stage.h"

#include "assertions.h"
#include "certificates.h"

#include <stdio.h>
#include <string.h>

enum { PATIENCE_MS = 5000, LINES = 4000 };

/* ---- the program ---- */

static void on_done(srf_req_t *req, int err, const srf_proxy_results_t *results)
{
    stage_t *stage = srf_data(srf_req_srf(req));

    if (err == SRF_ERR_CANCELED)
        return;
    stage->results++;
    stage->final_status = results->final_status;
    stage->tries = 0;
    for (size_t i = 0; i < results->response_count && i < STAGE_TRIES; i++) {
        const srf_proxy_response_t *one = &results->responses[i];
        stage->causes[i] = one->cause;
        (void)snprintf(stage->transports[i], sizeof(stage->transports[i]), "%s",
                       one->transport == NULL ? "" : one->transport);
        stage->tries++;
    }
}

static void on_request(srf_req_t *req, srf_res_t *res)
{
    stage_t *stage = srf_data(srf_req_srf(req));
    const char *uris[STAGE_TARGETS + 1] = {NULL};

    for (unsigned i = 0; i < STAGE_TARGETS && stage->targets[i][0] != '\0'; i++)
        uris[i] = stage->targets[i];
    int err = srf_proxy_request(req, uris[0] == NULL ? NULL : uris,
                                &stage->options, on_done);
    if (err != 0)
        ck_assert_int_eq(srf_res_send(res, 500, NULL), 0);
}

static void on_log(srf_log_level_t level, const srf_log_event_t *event,
                   void *data)
{
    stage_t *stage = data;
    size_t len = strlen(stage->log);

    (void)level;
    (void)snprintf(stage->log + len, sizeof(stage->log) - len, "%s\n",
                   event->text);
}

/* ---- begin and end ---- */

static SSL_CTX *make_ctx(const SSL_METHOD *method)
{
    SSL_CTX *ctx = SSL_CTX_new(method);

    ck_assert_ptr_nonnull(ctx);
    ck_assert_int_eq(SSL_CTX_load_verify_file(ctx, certificates_path("ca.pem")),
                     1);
    return ctx;
}

static void make_certificates(stage_t *stage)
{
    const certificate_spec_t spec = {.names =
                                         "DNS:proxy.test,IP:127.0.0.1,IP:::1"};
    authority_t *authority = authority_create(certificates_path("ca.pem"));
    const char *callee = certificates_path("callee.pem");

    certificate_write(authority, certificates_path("proxy.pem"), &spec);
    certificate_write(authority, callee, &spec);
    authority_free(authority);
    stage->server_ctx = make_ctx(TLS_server_method());
    stage->client_ctx = make_ctx(TLS_client_method());
    SSL_CTX_set_verify(stage->client_ctx, SSL_VERIFY_PEER, NULL);
    ck_assert_int_eq(
        SSL_CTX_use_certificate_chain_file(stage->server_ctx, callee), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(stage->server_ctx, callee,
                                                 SSL_FILETYPE_PEM),
                     1);
}

void stage_setup(stage_t *stage, bool six, const srf_options_t *options)
{
    static const char *const pem[] = {"proxy.pem", "ca.pem"};
    srf_options_t given;

    memset(stage, 0, sizeof(*stage));
    stage->ip = six ? "::1" : "127.0.0.1";
    stage->host = six ? "[::1]" : "127.0.0.1";
    make_certificates(stage);
    ck_assert_int_eq(uv_loop_init(&stage->loop), 0);
    srf_options_init(&given);
    if (options != NULL)
        given = *options;
    given.log_cb = on_log;
    given.log_data = stage;
    given.log_level = SRF_LOG_INFO;
    ck_assert_int_eq(srf_create(&stage->proxy, &stage->loop, &given), 0);
    srf_set_data(stage->proxy, stage);
    ck_assert_int_eq(srf_on(stage->proxy, NULL, on_request), 0);
    srf_listen_options_init(&stage->listen);
    srf_tls_options_init(&stage->tls);
    srf_proxy_options_init(&stage->options);
    stage->tls.certificate_file = certificates_path(pem[0]);
    stage->tls.ca_file = certificates_path(pem[1]);
}

static void on_destroyed(void *data)
{
    stage_t *stage = data;

    stage->proxy = NULL;
}

void stage_teardown(stage_t *stage)
{
    srf_destroy(stage->proxy, on_destroyed);
    ck_assert_int_eq(uv_run(&stage->loop, UV_RUN_DEFAULT), 0);
    ck_assert_ptr_null(stage->proxy);
    ck_assert_int_eq(uv_loop_close(&stage->loop), 0);
    SSL_CTX_free(stage->server_ctx);
    SSL_CTX_free(stage->client_ctx);
}

unsigned stage_listen(stage_t *stage, wire_kind_t kind)
{
    static const char *const transports[] = {"udp", "tcp", "tls", "ws", "wss"};
    srf_listen_options_t options = stage->listen;
    char uri[100];

    options.tls = &stage->tls;
    (void)snprintf(uri, sizeof(uri), "sip:%s:0;transport=%s", stage->host,
                   transports[kind]);
    ck_assert_int_eq(srf_listen(stage->proxy, uri, &options), 0);
    const char *real = srf_listener_uri(stage->proxy, stage->listeners++);
    return (unsigned)strtoul(strrchr(real, ':') + 1, NULL, 10);
}

void stage_target(stage_t *stage, unsigned index, const wire_t *wire,
                  wire_kind_t kind)
{
    bool plain = kind == WIRE_UDP; /* the default, which leaves room for TCP */

    (void)snprintf(stage->targets[index], STAGE_TEXT, "sip:%s:%u%s%s",
                   stage->host, wire_port(wire), plain ? "" : ";transport=",
                   plain ? "" : wire_uri_name(kind));
}

/* ---- messages ---- */

void stage_request(stage_t *stage, wire_t *from, wire_kind_t kind,
                   const char *method, const char *uri, const char *name,
                   const char *lines)
{
    wire_send(from,
              "%s %s SIP/2.0\n"
              "Via: SIP/2.0/%s %s:%u;branch=z9hG4bK%s;rport\n"
              "Max-Forwards: 70\n"
              "From: <sip:alice@call.test>;tag=%s\n"
              "To: <sip:bob@call.test>\n"
              "Call-ID: %s@stage\n"
              "CSeq: 1 %s\n"
              "Contact: <sip:alice@%s:%u;transport=%s>\n"
              "%s"
              "Content-Length: 0\n"
              "\n",
              method, uri, wire_via_name(kind), stage->host, wire_port(from),
              name, name, name, method, stage->host, wire_port(from),
              wire_uri_name(kind), lines);
}

void stage_answer(wire_t *wire, const char *message, const char *status,
                  const char *lines)
{
    static const char *const names[] = {"Via", "Record-Route"};
    char copied[LINES] = "";
    const char *to = wire_header(message, "To", NULL);
    bool tagged = strstr(to, ";tag=") != NULL;

    for (unsigned i = 0; i < 2; i++) {
        const char *from = NULL;
        const char *value;
        while ((value = wire_header(message, names[i], &from))[0] != '\0') {
            size_t len = strlen(copied);
            (void)snprintf(copied + len, sizeof(copied) - len, "%s: %s\n",
                           names[i], value);
        }
    }
    wire_send(wire,
              "SIP/2.0 %s\n"
              "%s"
              "From: %s\n"
              "To: %s%s\n"
              "Call-ID: %s\n"
              "CSeq: %s\n"
              "%s"
              "Content-Length: 0\n"
              "\n",
              status, copied, wire_header(message, "From", NULL), to,
              tagged ? "" : ";tag=bob", wire_header(message, "Call-ID", NULL),
              wire_header(message, "CSeq", NULL), lines);
}

void stage_routes(const char *request, char *out, size_t size)
{
    const char *at = NULL;
    const char *value;
    size_t len = 0;

    out[0] = '\0';
    while ((value = wire_header(request, "Record-Route", &at))[0] != '\0') {
        int n = snprintf(out + len, size - len, "Route: %s\n", value);
        ck_assert(n > 0 && len + (size_t)n < size);
        len += (size_t)n;
    }
}

void stage_register(stage_t *stage, wire_t *phone, wire_kind_t kind,
                    wire_t *registrar, wire_kind_t registrar_kind,
                    char route[STAGE_TEXT])
{
    char path[STAGE_TEXT];

    stage->options.path = 1;
    stage_target(stage, 0, registrar, registrar_kind);
    stage_request(stage, phone, kind, "REGISTER", "sip:call.test", "r", "");
    const char *got = wire_expect(registrar, "REGISTER ");
    ck_assert_int_eq(sscanf(wire_header(got, "Path", NULL), "<%180[^>]>", path),
                     1);
    stage_answer(registrar, got, "200 OK", "");
    while (strncmp(wire_expect(phone, "SIP/2.0 "), "SIP/2.0 200", 11) != 0)
        continue; /* a slow machine says 100 */
    stage->targets[0][0] = '\0';
    (void)snprintf(route, STAGE_TEXT, "Route: <%.180s>\n", path);
}

srf_stats_t stage_stats(const stage_t *stage)
{
    srf_stats_t stats = {.size = sizeof(stats)};

    ck_assert_int_eq(srf_stats(stage->proxy, &stats), 0);
    return stats;
}

void stage_wait_results(stage_t *stage, unsigned count)
{
    uint64_t end = uv_hrtime() / 1000000 + PATIENCE_MS;

    while (stage->results < count) {
        ck_assert_msg(uv_hrtime() / 1000000 < end, "only %u results",
                      stage->results);
        wire_run(&stage->loop, 1);
    }
}
