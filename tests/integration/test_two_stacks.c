/*
 * Two stacks on one loop with real sockets: the first proxies to the second,
 * whose program answers; the caller is a bare socket.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "srf/srf.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

enum { T1_MS = 20, TEXT = 4000, LIMIT_MS = 5000 };

typedef struct call {
    uv_loop_t loop;
    uv_udp_t caller;
    uv_timer_t limit;
    srf_t *proxy;
    srf_t *server;
    const char *host; /* "127.0.0.1" or "[::1]" */
    unsigned caller_port;
    unsigned proxy_port;
    unsigned server_port;
    char target[64];
    char received[TEXT];
    char log[TEXT]; /* first lines that the caller received */
    char route[200];
    unsigned done;
    unsigned destroyed;
    int connected;
    int destroy_in_callback;
} call_t;

static unsigned port_of(const srf_t *srf)
{
    const char *uri = srf_listener_uri(srf, 0);
    unsigned port = 0;

    ck_assert_ptr_nonnull(uri);
    ck_assert_int_eq(
        sscanf(strchr(strrchr(uri, ']') == NULL ? uri + 4 : strrchr(uri, ']'),
                      ':'),
               ":%u", &port),
        1);
    return port;
}

static void address_of(const call_t *call, unsigned port,
                       struct sockaddr_storage *out)
{
    if (call->host[0] == '[')
        ck_assert_int_eq(
            uv_ip6_addr("::1", (int)port, (struct sockaddr_in6 *)out), 0);
    else
        ck_assert_int_eq(
            uv_ip4_addr("127.0.0.1", (int)port, (struct sockaddr_in *)out), 0);
}

static void send_request(call_t *call, const char *method, const char *uri,
                         const char *branch, const char *to_tag)
{
    char text[TEXT];
    struct sockaddr_storage to;

    int n =
        snprintf(text, sizeof(text),
                 "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s:%u;branch=z9hG4bK%s\r\n"
                 "Max-Forwards: 70\r\n%s%s%s"
                 "From: <sip:ann@example.com>;tag=ann\r\n"
                 "To: <sip:bob@example.com>%s\r\nCall-ID: two-stacks\r\n"
                 "CSeq: %d %s\r\nContact: <sip:ann@%s:%u>\r\n"
                 "Content-Length: 0\r\n\r\n",
                 method, uri, call->host, call->caller_port, branch,
                 call->route[0] == '\0' ? "" : "Route: ", call->route,
                 call->route[0] == '\0' ? "" : "\r\n", to_tag,
                 strcmp(method, "BYE") == 0 ? 2 : 1, method, call->host,
                 call->caller_port);
    uv_buf_t piece = uv_buf_init(text, (unsigned)n);
    address_of(call, call->proxy_port, &to);
    ck_assert_int_eq(
        uv_udp_try_send(&call->caller, &piece, 1, (const struct sockaddr *)&to),
        n);
}

static void copy_value(const char *message, const char *name, char *out,
                       size_t size)
{
    const char *line = strstr(message, name);

    ck_assert_ptr_nonnull(line);
    line += strlen(name);
    size_t len = strcspn(line, "\r");
    ck_assert_uint_lt(len, size);
    memcpy(out, line, len);
    out[len] = '\0';
}

static void on_proxy_destroyed(void *data)
{
    ((call_t *)data)->destroyed++;
}

static void finish(call_t *call)
{
    if (!uv_is_closing((uv_handle_t *)&call->caller))
        uv_close((uv_handle_t *)&call->caller, NULL);
    if (!uv_is_closing((uv_handle_t *)&call->limit))
        uv_close((uv_handle_t *)&call->limit, NULL);
    srf_destroy(call->proxy, on_proxy_destroyed);
    srf_destroy(call->server, on_proxy_destroyed);
    call->proxy = NULL;
    call->server = NULL;
}

/* The caller's side of the call. */
static void on_response(call_t *call, const char *message)
{
    char to_tag[200];
    char to[200];
    char uri[100];

    strncat(call->log, message, strcspn(message, "\r"));
    strcat(call->log, "|");
    if (strncmp(message, "SIP/2.0 200", 11) == 0) {
        copy_value(message, "Record-Route: ", call->route, sizeof(call->route));
        copy_value(message, "To: <sip:bob@example.com>", to, sizeof(to));
        snprintf(to_tag, sizeof(to_tag), "%s", to);
        snprintf(uri, sizeof(uri), "sip:bob@%s:%u", call->host,
                 call->server_port);
        send_request(call, "ACK", uri, "ack", to_tag);
        send_request(call, "BYE", uri, "bye", to_tag);
    } else if (strstr(message, "CSeq: 2 BYE") != NULL) {
        finish(call);
    }
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *out)
{
    call_t *call = handle->data;

    (void)size;
    *out = uv_buf_init(call->received, sizeof(call->received) - 1);
}

static void on_datagram(uv_udp_t *handle, ssize_t n, const uv_buf_t *buf,
                        const struct sockaddr *from, unsigned flags)
{
    call_t *call = handle->data;

    (void)flags;
    if (n <= 0 || from == NULL)
        return;
    buf->base[n] = '\0';
    on_response(call, buf->base);
}

static void on_limit(uv_timer_t *timer)
{
    call_t *call = timer->data;

    ck_abort_msg("the call did not end; the caller saw %s", call->log);
}

/* The two programs. */
static void on_done(srf_req_t *req, int err, const srf_proxy_results_t *results)
{
    call_t *call = srf_data(srf_req_srf(req));

    ck_assert_int_eq(err, 0);
    call->done++;
    call->connected = results->connected;
    ck_assert_uint_eq(results->response_count, 1);
    ck_assert_int_eq(results->responses[0].port, (int)call->server_port);
    if (call->destroy_in_callback)
        finish(call);
}

static void on_proxy_invite(srf_req_t *req, srf_res_t *res)
{
    call_t *call = srf_data(srf_req_srf(req));
    srf_proxy_options_t options;

    (void)res;
    ck_assert_int_eq(srf_req_source_port(req), (int)call->caller_port);
    ck_assert_str_eq(srf_req_received_on(req),
                     srf_listener_uri(call->proxy, 0));
    srf_proxy_options_init(&options);
    options.record_route = 1;
    ck_assert_int_eq(
        srf_proxy_request(req, SRF_URIS(call->target), &options, on_done), 0);
}

static void on_server_invite(srf_req_t *req, srf_res_t *res)
{
    call_t *call = srf_data(srf_req_srf(req));
    char contact[100];
    const char *const headers[] = {"Contact", contact, NULL};
    srf_res_options_t options;

    snprintf(contact, sizeof(contact), "<sip:bob@%s:%u>", call->host,
             call->server_port);
    srf_res_options_init(&options);
    options.headers = headers;
    ck_assert_str_eq(srf_req_get(req, "Max-Forwards", 0), "69");
    ck_assert_int_eq(srf_res_send(res, 180, NULL), 0);
    ck_assert_int_eq(srf_res_send(res, 200, &options), 0);
    ck_assert_int_eq(srf_res_send(res, 200, NULL), SRF_ERR_ALREADY_FINAL);
}

static srf_t *make_stack(call_t *call)
{
    srf_options_t options;
    char uri[64];
    srf_t *srf;

    srf_options_init(&options);
    options.t1_ms = T1_MS;
    options.t2_ms = 8 * T1_MS;
    options.t4_ms = 10 * T1_MS;
    snprintf(uri, sizeof(uri), "sip:%s:0;transport=udp", call->host);
    ck_assert_int_eq(srf_create(&srf, &call->loop, &options), 0);
    ck_assert_int_eq(srf_listen(srf, uri, NULL), 0);
    srf_set_data(srf, call);
    return srf;
}

static int has_ipv6(void)
{
    uv_loop_t loop;
    uv_udp_t udp;
    struct sockaddr_in6 any;

    uv_loop_init(&loop);
    uv_udp_init(&loop, &udp);
    uv_ip6_addr("::1", 0, &any);
    int err = uv_udp_bind(&udp, (const struct sockaddr *)&any, 0);
    uv_close((uv_handle_t *)&udp, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return err == 0;
}

static void run_call(call_t *call)
{
    struct sockaddr_storage address;
    int len = sizeof(address);
    char uri[64];

    ck_assert_int_eq(uv_loop_init(&call->loop), 0);
    uv_udp_init(&call->loop, &call->caller);
    uv_timer_init(&call->loop, &call->limit);
    call->caller.data = call;
    call->limit.data = call;
    address_of(call, 0, &address);
    ck_assert_int_eq(
        uv_udp_bind(&call->caller, (const struct sockaddr *)&address, 0), 0);
    uv_udp_getsockname(&call->caller, (struct sockaddr *)&address, &len);
    call->caller_port = ntohs(((struct sockaddr_in *)&address)->sin_port);
    uv_udp_recv_start(&call->caller, on_alloc, on_datagram);
    uv_timer_start(&call->limit, on_limit, LIMIT_MS, 0);

    call->proxy = make_stack(call);
    call->server = make_stack(call);
    call->proxy_port = port_of(call->proxy);
    call->server_port = port_of(call->server);
    snprintf(call->target, sizeof(call->target), "%s:%u", call->host,
             call->server_port);
    srf_invite(call->proxy, on_proxy_invite);
    srf_invite(call->server, on_server_invite);
    snprintf(uri, sizeof(uri), "sip:bob@%s:%u", call->host, call->proxy_port);
    send_request(call, "INVITE", uri, "inv", "");
    uv_run(&call->loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&call->loop), 0);
    ck_assert_uint_eq(call->done, 1);
    ck_assert_uint_eq(call->destroyed, 2);
    ck_assert_int_eq(call->connected, 1);
}

static const char *const hosts[] = {"127.0.0.1", "[::1]"};

START_TEST(a_call_from_the_invite_to_the_bye)
{
    call_t call = {.host = hosts[_i]};

    if (_i == 1 && !has_ipv6())
        return;
    run_call(&call);
    /* The second stack has no dialogs of its own: the BYE reached it. */
    ck_assert_str_eq(call.log,
                     "SIP/2.0 100 Trying|SIP/2.0 180 Ringing|SIP/2.0 200 OK|"
                     "SIP/2.0 481 Call/Transaction Does Not Exist|");
}
END_TEST

START_TEST(both_stacks_may_be_destroyed_in_the_callback)
{
    call_t call = {.host = hosts[0], .destroy_in_callback = 1};

    run_call(&call);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("two_stacks");
    TCase *tcase = tcase_create("calls");

    tcase_add_loop_test(tcase, a_call_from_the_invite_to_the_bye, 0, 2);
    tcase_add_test(tcase, both_stacks_may_be_destroyed_in_the_callback);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
