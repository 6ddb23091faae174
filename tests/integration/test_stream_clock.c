/*
 * The time that connections have, on a virtual clock: their sockets are real.
 *
 * SPDX-License-Identifier: MIT
 */
#include "certificates.h"
#include "core/stack.h"
#include "runner.h"
#include "wire.h"
#include "ws_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MESSAGE_MS = 10000, TURNS = 40 };

static uv_loop_t loop;
static srf__wheel_t wheel;
static srf_t *srf;
static srf_tls_options_t tls;
static srf_listen_options_t options;

static void setup(void)
{
    const certificate_spec_t spec = {.names = "IP:127.0.0.1"};
    const srf__env_t env = {.loop = &loop, .wheel = &wheel, .seed = 7};
    authority_t *authority = authority_create(certificates_path("ca.pem"));

    certificate_write(authority, certificates_path("proxy.pem"), &spec);
    authority_free(authority);
    srf_tls_options_init(&tls);
    tls.certificate_file = certificates_path("proxy.pem");
    srf_listen_options_init(&options);
    options.tls = &tls;
    options.message_timeout_ms = MESSAGE_MS;
    srf__wheel_init(&wheel, 1000);
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(srf__create(&srf, &env, NULL), 0);
}

static void on_destroyed(void *data)
{
    (void)data;
    srf = NULL;
}

static void teardown(void)
{
    srf_destroy(srf, on_destroyed);
    srf__wheel_advance(&wheel, wheel.now_ms + 1);
    ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
    ck_assert_ptr_null(srf);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}

/* ---- what happens ---- */

static wire_t *connect_over(wire_kind_t kind)
{
    static const char *const transports[] = {"udp", "tcp", "tls", "ws", "wss"};
    char uri[100];

    (void)snprintf(uri, sizeof(uri), "sip:127.0.0.1:0;transport=%s",
                   transports[kind]);
    ck_assert_int_eq(srf_listen(srf, uri, &options), 0);
    const char *real = srf_listener_uri(srf, 0);
    return wire_connect(&loop, kind, "127.0.0.1",
                        (unsigned)strtoul(strrchr(real, ':') + 1, NULL, 10),
                        NULL);
}

static srf_stats_t stats(void)
{
    srf_stats_t out = {.size = sizeof(out)};

    ck_assert_int_eq(srf_stats(srf, &out), 0);
    return out;
}

/* What was sent arrives, then `ms` pass. */
static void pass(uint64_t ms)
{
    for (unsigned i = 0; i < TURNS; i++)
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    srf__wheel_advance(&wheel, wheel.now_ms + ms);
    for (unsigned i = 0; i < TURNS; i++)
        (void)uv_run(&loop, UV_RUN_NOWAIT);
}

/* It belongs to nothing, and gets no answer. */
static const char response[] = "SIP/2.0 180 Ringing\r\n"
                               "Via: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKx\r\n"
                               "From: <sip:a@call.test>;tag=1\r\n"
                               "To: <sip:b@call.test>;tag=2\r\n"
                               "Call-ID: x\r\n"
                               "CSeq: 1 INVITE\r\n"
                               "Content-Length: 0\r\n\r\n";

/* The same as the transport wants it. */
static size_t frame(wire_kind_t kind, char *out)
{
    size_t len = sizeof(response) - 1;

    if (wire_is_web(kind))
        return ws_client_frame(out, WS_FIN | WS_TEXT, response, len);
    memcpy(out, response, len);
    return len;
}

/* ---- cases ---- */

static const wire_kind_t kinds[] = {WIRE_TCP, WIRE_TLS, WIRE_WS, WIRE_WSS};
enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

/* Where TCP cuts them, no read ends between two messages. */
START_TEST(a_busy_trunk_is_not_slow_wherever_its_messages_are_cut)
{
    wire_t *wire = connect_over(kinds[_i]);
    char two[2 * (sizeof(response) + WS_CLIENT_OVERHEAD)];
    size_t len = frame(kinds[_i], two);
    size_t half = len / 2;

    memcpy(two + len, two, len);
    wire_send_raw(wire, two, half);
    for (unsigned i = 0; i < 3 * MESSAGE_MS / 50; i++) {
        pass(50);
        wire_send_raw(wire, two + half, len);
    }
    pass(50);
    ck_assert_uint_eq(stats().responses_received, 3 * MESSAGE_MS / 50);
    ck_assert_uint_eq(stats().connections, 1);
    /* The last one never gets complete. */
    pass(MESSAGE_MS - 200);
    ck_assert_uint_eq(stats().connections, 1);
    pass(300);
    ck_assert_uint_eq(stats().connections, 0);
    ck_assert_uint_eq(stats().connections_timed_out, 1);
    wire_close(wire);
}
END_TEST

/* Each byte in a record of TLS, or in a fragment of its own. */
START_TEST(a_byte_a_second_is_slow)
{
    wire_t *wire = connect_over(kinds[_i]);
    bool web = wire_is_web(kinds[_i]);
    char one[WS_CLIENT_OVERHEAD + 1];

    pass(0);
    for (unsigned i = 0; i < MESSAGE_MS / 1000; i++) {
        ck_assert_uint_eq(stats().connections, 1);
        size_t len = 1;
        if (web)
            len = ws_client_frame(one, i == 0 ? WS_TEXT : WS_CONTINUATION,
                                  response + i, 1);
        else
            one[0] = response[i];
        wire_send_raw(wire, one, len);
        if (web) { /* what stands between the fragments is no progress */
            len = ws_client_frame(one, WS_FIN | WS_PONG, "", 0);
            wire_send_raw(wire, one, len);
        }
        pass(1000);
    }
    pass(1000);
    ck_assert_uint_eq(stats().connections, 0);
    ck_assert_uint_eq(stats().connections_timed_out, 1);
    wire_close(wire);
}
END_TEST

START_TEST(pings_in_pieces_are_not_slow)
{
    wire_t *wire = connect_over(WIRE_TCP);

    wire_send_raw(wire, "\r", 1);
    for (unsigned i = 0; i < 3 * MESSAGE_MS / 1000; i++) {
        pass(1000);
        wire_send_raw(wire, "\n\r\n\r", 4);
    }
    pass(1000);
    ck_assert_uint_eq(stats().connections, 1);
    ck_assert_uint_eq(stats().keepalives_received, 3 * MESSAGE_MS / 1000);
    wire_close(wire);
}
END_TEST

static bool reads_some(int fd)
{
    static char taken[50000];

    return recv(fd, taken, sizeof(taken), MSG_DONTWAIT) > 0;
}

/* Many questions, each of which is answered. */
static int connect_and_ask(unsigned port)
{
    static char pings[40000];
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port)};
    int bytes = 4096;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    for (unsigned i = 0; i < sizeof(pings); i += 2)
        memcpy(pings + i, "\r\n", 2);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)), 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
    /* Until nothing more is read from there, for so much waits. */
    for (unsigned stuck = 0; stuck < 5; stuck++) {
        while (send(fd, pings, sizeof(pings), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
            stuck = 0;
        pass(0);
    }
    return fd;
}

/* A peer that takes something now and then, and is ever farther behind. */
START_TEST(who_takes_what_is_sent_too_late_is_slow)
{
    options.send_queue_bytes = 1 << 20;
    wire_t *wire = connect_over(WIRE_TCP);
    const char *real = srf_listener_uri(srf, 0);
    int fd =
        connect_and_ask((unsigned)strtoul(strrchr(real, ':') + 1, NULL, 10));

    ck_assert_uint_eq(stats().connections, 2);
    ck_assert_uint_gt(stats().memory_bytes, 1 << 19);
    for (unsigned i = 0; i < MESSAGE_MS / 1000; i++) {
        ck_assert(reads_some(fd));
        pass(1000);
    }
    pass(1000);
    ck_assert_uint_eq(stats().connections_timed_out, 1);
    ck_assert_uint_eq(stats().connections, 1);
    (void)close(fd);
    wire_close(wire);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stream_clock");
    TCase *tcase = tcase_create("messages");

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase,
                        a_busy_trunk_is_not_slow_wherever_its_messages_are_cut,
                        0, KINDS);
    tcase_add_loop_test(tcase, a_byte_a_second_is_slow, 0, KINDS);
    tcase_add_test(tcase, pings_in_pieces_are_not_slow);
    tcase_add_test(tcase, who_takes_what_is_sent_too_late_is_slow);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
