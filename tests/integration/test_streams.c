/*
 * Connections: framing, limits, time, loss, and what a proxy does about them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "certificates.h"
#include "core/stack.h"
#include "runner.h"
#include "stage.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FEW = 3 };

static stage_t stage;

static void setup(void)
{
    stage_setup(&stage, false, NULL);
}

static void teardown(void)
{
    stage_teardown(&stage);
}

static wire_t *caller_on(wire_kind_t kind, unsigned port)
{
    return wire_connect(&stage.loop, kind, stage.ip, port, stage.client_ctx);
}

static void invite(wire_t *from, wire_kind_t kind, const char *name)
{
    stage_request(&stage, from, kind, "INVITE", "sip:bob@call.test", name, "");
}

static void message(wire_t *from, wire_kind_t kind, const char *name)
{
    stage_request(&stage, from, kind, "MESSAGE", "sip:bob@call.test", name, "");
}

/* A target that answers MESSAGE, and that nobody is disturbed. */
static void expect_service(wire_t *from, wire_kind_t kind, wire_t *callee,
                           const char *name)
{
    message(from, kind, name);
    stage_answer(callee, wire_expect(callee, "MESSAGE "), "200 OK", "");
    (void)wire_expect(from, "SIP/2.0 200");
}

/* ---- framing ---- */

START_TEST(pings_get_pongs)
{
    const wire_kind_t kinds[] = {WIRE_TCP, WIRE_TLS};
    wire_t *wire = caller_on(kinds[_i], stage_listen(&stage, kinds[_i]));

    wire_send_raw(wire, "\r\n\r", 3);
    wire_expect_nothing(wire, 20);
    wire_send_raw(wire, "\n", 1);
    ck_assert_str_eq(wire_expect_raw(wire, 2), "\r\n");
    wire_send_raw(wire, "\r\n\r\n\r\n\r\n", 8);
    ck_assert_str_eq(wire_expect_raw(wire, 6), "\r\n\r\n\r\n");
    ck_assert_uint_eq(stage_stats(&stage).keepalives_received, 3);
    wire_close(wire);
}
END_TEST

static const char whole[] = "MESSAGE sip:bob@call.test SIP/2.0\r\n"
                            "Via: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKx%u\r\n"
                            "Max-Forwards: 70\r\n"
                            "From: <sip:a@call.test>;tag=1\r\n"
                            "To: <sip:b@call.test>\r\n"
                            "Call-ID: x%u\r\n"
                            "CSeq: 1 MESSAGE\r\n"
                            "%s"
                            "\r\n"
                            "%s";

static const char *text_of(unsigned number, const char *lines, const char *body)
{
    static char text[2000];

    (void)snprintf(text, sizeof(text), whole, number, number, lines, body);
    return text;
}

START_TEST(messages_come_in_pieces_and_together)
{
    wire_t *wire = caller_on(WIRE_TCP, stage_listen(&stage, WIRE_TCP));
    wire_t *callee = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);
    char two[4000];
    const char *text = text_of(1, "Content-Length: 3\r\n", "abc");

    stage_target(&stage, 0, callee, WIRE_TCP);
    for (size_t i = 0; text[i] != '\0'; i++) {
        wire_send_raw(wire, text + i, 1);
        if (i % 64 == 0)
            wire_run(&stage.loop, 1);
    }
    ck_assert_ptr_nonnull(
        strstr(wire_expect(callee, "MESSAGE "), "\r\n\r\nabc"));
    (void)snprintf(two, sizeof(two), "%s",
                   text_of(2, "Content-Length: 0\r\n", ""));
    (void)snprintf(two + strlen(two), sizeof(two) - strlen(two), "%s",
                   text_of(3, "Content-Length:\r\n 1\r\n", "x"));
    wire_send_raw(wire, two, strlen(two));
    (void)wire_expect(callee, "MESSAGE ");
    ck_assert_ptr_nonnull(strstr(wire_expect(callee, "MESSAGE "), "\r\n\r\nx"));
    wire_close(wire);
    wire_close(callee);
}
END_TEST

static const struct {
    const char *lines;
    const char *answer;
} unframed[] = {
    {"", "SIP/2.0 400 Missing Content-Length\r\n"},
    {"Content-Length: -1\r\n", "SIP/2.0 400 Bad Content-Length\r\n"},
    {"Content-Length: 1\r\nl: 1\r\n",
     "SIP/2.0 400 Repeated Content-Length\r\n"},
    {"Content-Length: 4000000000\r\n", "SIP/2.0 513 Message Too Large\r\n"},
};

START_TEST(what_has_no_end_is_refused_and_ends_the_connection)
{
    wire_t *wire = caller_on(WIRE_TCP, stage_listen(&stage, WIRE_TCP));
    const char *text = text_of(1, unframed[_i].lines, "");

    wire_send_raw(wire, text, strlen(text));
    (void)wire_expect(wire, unframed[_i].answer);
    wire_expect_end(wire);
    ck_assert_uint_eq(stage_stats(&stage).connections, 0);
    wire_close(wire);
}
END_TEST

START_TEST(garbage_ends_the_connection_without_a_word)
{
    static const char *const garbage[] = {"\x16\x03\x01\x02", "\0\0\0\0",
                                          "{\"a\": 1}"};
    wire_t *wire = caller_on(WIRE_TCP, stage_listen(&stage, WIRE_TCP));

    wire_send_raw(wire, garbage[_i], 4);
    wire_expect_end(wire);
    ck_assert_uint_eq(stage_stats(&stage).connections, 0);
    wire_close(wire);
}
END_TEST

START_TEST(an_endless_header_ends_the_connection)
{
    wire_t *wire = caller_on(WIRE_TCP, stage_listen(&stage, WIRE_TCP));
    const char *text = text_of(1, "Subject: ", "");
    char filler[1000];

    memset(filler, 'x', sizeof(filler));
    wire_send_raw(wire, text, strlen(text) - 4);
    for (unsigned i = 0; i < 66; i++)
        wire_send_raw(wire, filler, sizeof(filler));
    (void)wire_expect(wire, "SIP/2.0 513");
    wire_expect_end(wire);
    wire_close(wire);
}
END_TEST

/* ---- time ---- */

START_TEST(a_slow_sender_is_cut_off_and_nobody_else)
{
    stage.listen.message_timeout_ms = 60;
    unsigned port = stage_listen(&stage, WIRE_TCP);
    wire_t *slow = caller_on(WIRE_TCP, port);
    wire_t *good = caller_on(WIRE_TCP, port);
    wire_t *callee = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);

    stage_target(&stage, 0, callee, WIRE_TCP);
    expect_service(good, WIRE_TCP, callee, "a");
    for (unsigned i = 0; i < 3; i++) { /* trickling does not help */
        wire_send_raw(slow, "INV", 3);
        wire_run(&stage.loop, 15);
    }
    wire_expect_end(slow);
    ck_assert_uint_eq(stage_stats(&stage).connections_timed_out, 1);
    expect_service(good, WIRE_TCP, callee, "b");
    wire_close(slow);
    wire_close(good);
    wire_close(callee);
}
END_TEST

START_TEST(a_stalled_handshake_is_cut_off)
{
    const wire_kind_t kinds[] = {WIRE_TLS, WIRE_WS, WIRE_WSS};

    stage.listen.accept_timeout_ms = 50;
    wire_t *wire = caller_on(WIRE_TCP, stage_listen(&stage, kinds[_i]));
    wire_expect_end(wire);
    ck_assert_uint_eq(stage_stats(&stage).connections_timed_out, 1);
    wire_close(wire);
}
END_TEST

START_TEST(a_handshake_in_pieces_gets_no_more_time)
{
    const wire_kind_t kinds[] = {WIRE_TLS, WIRE_WS};
    static const char *const begins[] = {"\x16\x03\x01\x02\x00\x01", "GET / "};

    stage.listen.accept_timeout_ms = 60;
    wire_t *wire = caller_on(WIRE_TCP, stage_listen(&stage, kinds[_i]));
    for (unsigned i = 0; i < 3; i++) {
        wire_send_raw(wire, begins[_i] + i, 1);
        wire_run(&stage.loop, 25);
    }
    wire_run(&stage.loop, 20);
    ck_assert_uint_eq(stage_stats(&stage).connections_timed_out, 1);
    wire_expect_end(wire);
    wire_close(wire);
}
END_TEST

START_TEST(half_a_tls_record_is_no_idle_connection)
{
    stage.listen.message_timeout_ms = 60;
    wire_t *wire = caller_on(WIRE_TLS, stage_listen(&stage, WIRE_TLS));

    wire_send_raw(wire, "\r\n\r\n", 4);
    (void)wire_expect_raw(wire, 2);
    ck_assert(wire_try_send_raw(wire, "\x17\x03\x03\x10\x00x", 6));
    wire_run(&stage.loop, 30);
    ck_assert_uint_eq(stage_stats(&stage).connections, 1);
    ck_assert(wire_try_send_raw(wire, "x", 1));
    wire_run(&stage.loop, 60);
    ck_assert_uint_eq(stage_stats(&stage).connections, 0);
    ck_assert_uint_eq(stage_stats(&stage).connections_timed_out, 1);
    wire_close(wire);
}
END_TEST

START_TEST(an_idle_connection_is_closed)
{
    static const char *const names[] = {"a", "b", "c", "d"};

    stage.listen.idle_timeout_ms = 60;
    wire_t *wire = caller_on(WIRE_TCP, stage_listen(&stage, WIRE_TCP));

    (void)snprintf(stage.targets[0], STAGE_TEXT, "%s",
                   srf_listener_uri(stage.proxy, 0)); /* it answers at once */
    for (unsigned i = 0; i < 4; i++) {                /* it is used: it stays */
        message(wire, WIRE_TCP, names[i]);
        (void)wire_expect(wire, "SIP/2.0 482");
        wire_run(&stage.loop, 30);
    }
    wire_expect_end(wire);
    wire_close(wire);
}
END_TEST

START_TEST(an_idle_websocket_is_pinged_and_stays_when_it_answers)
{
    static const unsigned char pong[] = {0x8a, 0x80, 1, 2, 3, 4};

    stage.listen.idle_timeout_ms = 40;
    stage.listen.accept_timeout_ms = 80;
    wire_t *wire = caller_on(WIRE_WS, stage_listen(&stage, WIRE_WS));
    for (unsigned i = 0; i < FEW; i++) {
        const char *ping = wire_expect_raw(wire, 2 * (i + 1));
        ck_assert_int_eq((unsigned char)ping[2 * i], 0x89);
        wire_send_raw(wire, pong, sizeof(pong));
    }
    ck_assert_uint_eq(stage_stats(&stage).connections, 1);
    wire_expect_end(wire); /* no more answers */
    wire_close(wire);
}
END_TEST

/* ---- limits ---- */

START_TEST(connections_of_one_source_are_limited)
{
    wire_t *wires[FEW];

    stage.listen.max_connections_per_source = FEW;
    unsigned port = stage_listen(&stage, WIRE_TCP);
    for (unsigned i = 0; i < FEW; i++) {
        wires[i] = caller_on(WIRE_TCP, port);
        wire_send_raw(wires[i], "\r\n\r\n", 4);
        (void)wire_expect_raw(wires[i], 2);
    }
    wire_t *more = caller_on(WIRE_TCP, port);
    wire_expect_end(more);
    ck_assert_uint_eq(stage_stats(&stage).connections_refused, 1);
    ck_assert_ptr_nonnull(strstr(stage.log,
                                 "connection refused: its source has 3 already "
                                 "(max_connections_per_source)"));
    wire_close(more);
    wire_close(wires[0]);
    wire_run(&stage.loop, 10);
    more = caller_on(WIRE_TCP, port);
    wire_send_raw(more, "\r\n\r\n", 4);
    (void)wire_expect_raw(more, 2);
    wire_close(more);
    for (unsigned i = 1; i < FEW; i++)
        wire_close(wires[i]);
}
END_TEST

START_TEST(the_log_says_once_that_a_source_has_too_many)
{
    stage.listen.max_connections_per_source = 1;
    unsigned port = stage_listen(&stage, WIRE_TCP);
    wire_t *first = caller_on(WIRE_TCP, port);

    for (unsigned i = 0; i < FEW; i++) {
        wire_t *more = caller_on(WIRE_TCP, port);
        wire_expect_end(more);
        wire_close(more);
    }
    ck_assert_uint_eq(stage_stats(&stage).connections_refused, FEW);
    const char *line = strstr(stage.log, "connection refused: ");
    ck_assert_ptr_nonnull(line);
    ck_assert_ptr_null(strstr(line + 1, "connection refused: "));
    wire_close(first);
}
END_TEST

/* By default an address has half of what may be accepted. */
START_TEST(one_source_may_have_all_if_it_is_said)
{
    enum { DESCRIPTORS = 100, ACCEPTED = (DESCRIPTORS - 16) * 5 / 8 };
    wire_t *wires[ACCEPTED];
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    const struct rlimit before = limit;
    limit.rlim_cur = DESCRIPTORS;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    stage.listen.max_connections_per_source = SRF_UNLIMITED;
    unsigned port = stage_listen(&stage, WIRE_TCP); /* shares them out */
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    for (unsigned i = 0; i < ACCEPTED; i++) {
        wires[i] = caller_on(WIRE_TCP, port);
        wire_run(&stage.loop, 1);
    }
    ck_assert_uint_eq(stage_stats(&stage).connections, ACCEPTED);
    ck_assert_uint_eq(stage_stats(&stage).connections_refused, 0);
    for (unsigned i = 0; i < ACCEPTED; i++)
        wire_close(wires[i]);
}
END_TEST

START_TEST(connections_of_a_listener_are_limited)
{
    stage.listen.max_connections = 1;
    unsigned port = stage_listen(&stage, WIRE_TCP);
    wire_t *first = caller_on(WIRE_TCP, port);
    wire_send_raw(first, "\r\n\r\n", 4);
    (void)wire_expect_raw(first, 2);
    wire_t *second = caller_on(WIRE_TCP, port);
    wire_expect_end(second);
    wire_close(first);
    wire_close(second);
}
END_TEST

/* ---- memory ---- */

static bool memory_is_out;

static void *maybe_malloc(size_t size, void *data)
{
    (void)data;
    return memory_is_out ? NULL : malloc(size);
}

static void *maybe_calloc(size_t count, size_t size, void *data)
{
    (void)data;
    return memory_is_out ? NULL : calloc(count, size);
}

static void *maybe_realloc(void *ptr, size_t size, void *data)
{
    (void)data;
    return memory_is_out ? NULL : realloc(ptr, size);
}

static void plain_free(void *ptr, void *data)
{
    (void)data;
    free(ptr);
}

START_TEST(a_listener_survives_that_memory_is_out)
{
    static const srf_allocator_t maybe = {
        .malloc_fn = maybe_malloc,
        .calloc_fn = maybe_calloc,
        .realloc_fn = maybe_realloc,
        .free_fn = plain_free,
    };
    unsigned port = stage_listen(&stage, WIRE_TCP);

    ck_assert_int_eq(srf_set_allocator(&maybe), 0);
    wire_t *good = caller_on(WIRE_TCP, port);
    wire_send_raw(good, "\r\n\r\n", 4);
    (void)wire_expect_raw(good, 2);
    memory_is_out = true;
    wire_t *first = caller_on(WIRE_TCP, port);
    wire_t *second = caller_on(WIRE_TCP, port);
    wire_expect_end(first);
    wire_expect_end(second);
    wire_send_raw(good, "INVITE", 6); /* there is nowhere to keep it */
    wire_expect_end(good);
    memory_is_out = false;
    ck_assert_uint_eq(stage_stats(&stage).connections_refused, 2);
    wire_t *later = caller_on(WIRE_TCP, port);
    wire_send_raw(later, "\r\n\r\n", 4);
    (void)wire_expect_raw(later, 2);
    ck_assert_int_eq(srf_set_allocator(NULL), 0);
    wire_close(good);
    wire_close(first);
    wire_close(second);
    wire_close(later);
}
END_TEST

/* A peer that asks and asks and takes no answer is not read from any more, and
 * then closed. */
START_TEST(a_peer_that_takes_nothing_is_cut_off)
{
    stage.listen.send_queue_bytes = 20000;
    stage.listen.message_timeout_ms = 300;
    unsigned port = stage_listen(&stage, WIRE_TCP);
    wire_t *wire = wire_connect_small(&stage.loop, stage.ip, port);
    char text[300];

    /* Refused at once, with an answer longer than the question. */
    unsigned sent = 0;
    for (; stage_stats(&stage).connections_timed_out == 0 && sent < 200000;
         sent++) {
        (void)snprintf(text, sizeof(text),
                       "OPTIONS tel:1 SIP/2.0\r\nVia: SIP/2.0/TCP "
                       "127.0.0.1:9;branch=z9hG4bK%u\r\nFrom: "
                       "<sip:a@b>;tag=1\r\nTo: <sip:b@c>\r\nCall-ID: "
                       "%u\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 0\r\nl: "
                       "0\r\n\r\n",
                       sent, sent);
        if (!wire_try_send_raw(wire, text, strlen(text)))
            wire_run(&stage.loop, 1);
        else if (sent % 50 == 0)
            wire_run(&stage.loop, 0);
    }
    ck_assert_uint_eq(stage_stats(&stage).connections_timed_out, 1);
    ck_assert_uint_eq(stage_stats(&stage).connections, 0);
    wire_close(wire);
}
END_TEST

/* ---- targets that fail ---- */

START_TEST(a_closed_port_advances_the_search_at_once)
{
    wire_t *gone = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);
    wire_t *callee = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);
    wire_t *caller = caller_on(WIRE_TCP, stage_listen(&stage, WIRE_TCP));

    stage_target(&stage, 0, gone, WIRE_TCP);
    stage_target(&stage, 1, callee, WIRE_TCP);
    wire_close(gone);
    invite(caller, WIRE_TCP, "a");
    (void)wire_expect(caller, "SIP/2.0 100");
    stage_answer(callee, wire_expect(callee, "INVITE "), "486 Busy Here", "");
    (void)wire_expect(callee, "ACK ");
    (void)wire_expect(caller, "SIP/2.0 486");
    stage_wait_results(&stage, 1);
    ck_assert_uint_eq(stage.tries, 2);
    ck_assert_int_eq(stage.causes[0], SRF_CAUSE_TRANSPORT);
    ck_assert_str_eq(stage.transports[0], "tcp");
    wire_close(caller);
    wire_close(callee);
}
END_TEST

START_TEST(a_server_that_goes_without_a_word_advances_the_search)
{
    wire_t *first = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);
    wire_t *callee = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);
    wire_t *caller = caller_on(WIRE_TCP, stage_listen(&stage, WIRE_TCP));

    stage_target(&stage, 0, first, WIRE_TCP);
    stage_target(&stage, 1, callee, WIRE_TCP);
    invite(caller, WIRE_TCP, "a");
    (void)wire_expect(caller, "SIP/2.0 100");
    (void)wire_expect(first, "INVITE ");
    wire_close(first);
    stage_answer(callee, wire_expect(callee, "INVITE "), "486 Busy Here", "");
    (void)wire_expect(caller, "SIP/2.0 486");
    stage_wait_results(&stage, 1);
    ck_assert_int_eq(stage.causes[0], SRF_CAUSE_TRANSPORT);
    wire_close(caller);
    wire_close(callee);
}
END_TEST

START_TEST(a_server_reset_while_it_rings_advances_the_search)
{
    wire_t *first = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);
    wire_t *callee = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);
    wire_t *caller = caller_on(WIRE_TCP, stage_listen(&stage, WIRE_TCP));

    stage_target(&stage, 0, first, WIRE_TCP);
    stage_target(&stage, 1, callee, WIRE_TCP);
    invite(caller, WIRE_TCP, "a");
    (void)wire_expect(caller, "SIP/2.0 100");
    stage_answer(first, wire_expect(first, "INVITE "), "180 Ringing", "");
    (void)wire_expect(caller, "SIP/2.0 180");
    wire_reset(first);
    stage_answer(callee, wire_expect(callee, "INVITE "), "486 Busy Here", "");
    (void)wire_expect(caller, "SIP/2.0 486");
    wire_close(caller);
    wire_close(callee);
}
END_TEST

START_TEST(a_target_that_never_connects_is_given_up)
{
    stage.listen.connect_timeout_ms = 50;
    wire_t *caller = caller_on(WIRE_TCP, stage_listen(&stage, WIRE_TCP));
    wire_t *full = wire_full_listener(&stage.loop, stage.ip);

    stage_target(&stage, 0, full, WIRE_TCP);
    message(caller, WIRE_TCP, "a");
    (void)wire_expect(caller, "SIP/2.0 5");
    ck_assert_uint_eq(stage_stats(&stage).connections_timed_out, 1);
    wire_close(caller);
    wire_close(full);
}
END_TEST

/* ---- the use of connections ---- */

START_TEST(requests_to_one_place_share_a_connection)
{
    wire_t *callee =
        wire_listen(&stage.loop, WIRE_TLS, stage.ip, stage.server_ctx);
    wire_t *caller = caller_on(WIRE_TLS, stage_listen(&stage, WIRE_TLS));

    stage_target(&stage, 0, callee, WIRE_TLS);
    expect_service(caller, WIRE_TLS, callee, "a");
    expect_service(caller, WIRE_TLS, callee, "b");
    ck_assert_uint_eq(stage_stats(&stage).connections_opened, 1);
    ck_assert_uint_eq(stage_stats(&stage).connections_accepted, 1);
    wire_close(caller);
    wire_close(callee);
}
END_TEST

typedef int name_fn(int, struct sockaddr *, socklen_t *);

static unsigned port_of(int fd, name_fn *name)
{
    struct sockaddr_in at = {.sin_family = AF_UNSPEC};
    socklen_t len = sizeof(at);

    return name(fd, (struct sockaddr *)&at, &len) != 0 ||
                   at.sin_family != AF_INET
               ? 0
               : ntohs(at.sin_port);
}

static int number_of(int fd, int level, int option)
{
    int number = 0;
    socklen_t len = sizeof(number);

    ck_assert_int_eq(getsockopt(fd, level, option, &number, &len), 0);
    return number;
}

/* Our end of a connection to a port. */
static int end_towards(unsigned peer, unsigned own)
{
    int fd = 3;

    while (fd < 256 && (port_of(fd, getpeername) != peer ||
                        (own != 0 && port_of(fd, getsockname) != own)))
        fd++;
    return fd;
}

static void expect_guarded(int fd)
{
    ck_assert_int_eq(number_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
#if defined(TCP_USER_TIMEOUT)
    ck_assert_int_eq(number_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 10000);
#endif
}

/* Nothing else tells of a peer that has gone without a word (RFC 5482). */
START_TEST(the_system_watches_over_connections)
{
    unsigned port = stage_listen(&stage, WIRE_TCP);
    wire_t *callee = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);
    wire_t *caller = caller_on(WIRE_TCP, port);

    stage_target(&stage, 0, callee, WIRE_TCP);
    expect_service(caller, WIRE_TCP, callee, "a");
    expect_guarded(end_towards(wire_port(caller), port));
    expect_guarded(end_towards(wire_port(callee), 0));
    wire_close(caller);
    wire_close(callee);
}
END_TEST

START_TEST(a_connection_that_was_closed_is_made_anew)
{
    const wire_kind_t kinds[] = {WIRE_TCP, WIRE_TLS};
    wire_t *callee =
        wire_listen(&stage.loop, kinds[_i], stage.ip, stage.server_ctx);
    wire_t *caller = caller_on(kinds[_i], stage_listen(&stage, kinds[_i]));

    stage_target(&stage, 0, callee, kinds[_i]);
    expect_service(caller, kinds[_i], callee, "a");
    wire_hang_up(callee);
    wire_run(&stage.loop, 10);
    expect_service(caller, kinds[_i], callee, "b");
    ck_assert_uint_eq(stage_stats(&stage).connections_opened, 2);
    wire_close(caller);
    wire_close(callee);
}
END_TEST

START_TEST(nothing_is_repeated_over_a_stream)
{
    srf_options_t options;

    stage_teardown(&stage);
    srf_options_init(&options);
    options.t1_ms = 5;
    stage_setup(&stage, false, &options);
    wire_t *callee = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);
    wire_t *caller = caller_on(WIRE_TCP, stage_listen(&stage, WIRE_TCP));

    stage_target(&stage, 0, callee, WIRE_TCP);
    invite(caller, WIRE_TCP, "a");
    (void)wire_expect(callee, "INVITE ");
    wire_expect_nothing(callee, 60);
    (void)wire_expect(caller, "SIP/2.0 100");
    ck_assert_uint_eq(stage_stats(&stage).retransmissions_sent, 0);
    wire_close(caller);
    wire_close(callee);
}
END_TEST

/* RFC 3261 §18.2.2: to the port that the Via names. */
START_TEST(an_answer_finds_a_caller_whose_connection_has_gone)
{
    wire_t *callee = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);
    wire_t *caller = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);
    wire_t *first = caller_on(WIRE_TCP, stage_listen(&stage, WIRE_TCP));
    char received[4000];

    stage_target(&stage, 0, callee, WIRE_TCP);
    wire_send(first,
              "MESSAGE sip:bob@call.test SIP/2.0\n"
              "Via: SIP/2.0/TCP 127.0.0.1:%u;branch=z9hG4bKlost\n"
              "Max-Forwards: 70\n"
              "From: <sip:a@call.test>;tag=1\n"
              "To: <sip:b@call.test>\n"
              "Call-ID: lost\n"
              "CSeq: 1 MESSAGE\n"
              "Content-Length: 0\n"
              "\n",
              wire_port(caller));
    (void)snprintf(received, sizeof(received), "%s",
                   wire_expect(callee, "MESSAGE "));
    wire_close(first);
    wire_run(&stage.loop, 10);
    stage_answer(callee, received, "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 200");
    wire_close(caller);
    wire_close(callee);
}
END_TEST

/* A WebSocket client registers; `route` receives the line that leads to it. */
static void register_phone(wire_t *phone, wire_t *registrar,
                           char route[STAGE_TEXT])
{
    char path[STAGE_TEXT];
    const char *got;

    stage.options.path = 1;
    stage_target(&stage, 0, registrar, WIRE_TCP);
    stage_request(&stage, phone, WIRE_WS, "REGISTER", "sip:call.test", "r", "");
    got = wire_expect(registrar, "REGISTER ");
    ck_assert_int_eq(sscanf(wire_header(got, "Path", NULL), "<%199[^>]>", path),
                     1);
    stage_answer(registrar, got, "200 OK", "");
    (void)wire_expect(phone, "SIP/2.0 200");
    stage.targets[0][0] = '\0';
    (void)snprintf(route, STAGE_TEXT, "Route: <%.180s>\n", path);
}

/* RFC 5626 §5.3. */
/* RFC 5626 §5.1: the first proxy that a client comes to speaks of outbound. */
START_TEST(only_the_first_hop_says_ob)
{
    static const char *const below[] = {
        "", "Via: SIP/2.0/UDP 192.168.7.7;branch=z9hG4bKphone\n"};
    wire_t *registrar = wire_listen(&stage.loop, WIRE_UDP, stage.ip, NULL);
    unsigned port = stage_listen(&stage, WIRE_TLS);

    (void)stage_listen(&stage, WIRE_UDP);
    wire_t *caller = caller_on(WIRE_TLS, port);
    stage_target(&stage, 0, registrar, WIRE_UDP);
    stage.options.path = 1;
    wire_send(caller,
              "REGISTER sip:call.test SIP/2.0\n"
              "Via: SIP/2.0/TLS client.invalid;branch=z9hG4bKr\n"
              "%s"
              "Max-Forwards: 70\n"
              "From: <sip:alice@call.test>;tag=r\n"
              "To: <sip:alice@call.test>\n"
              "Call-ID: r@stage\n"
              "CSeq: 1 REGISTER\n"
              "Supported: path, outbound\n"
              "Contact: <sip:alice@client.invalid;transport=tls>\n"
              "Content-Length: 0\n"
              "\n",
              below[_i]);
    const char *got = wire_expect(registrar, "REGISTER ");
    const char *path = wire_header(got, "Path", NULL);
    ck_assert_ptr_nonnull(strchr(path, '@')); /* it names the flow */
    ck_assert_int_eq(strstr(path, ";ob") != NULL, _i == 0);
    stage_answer(registrar, got, "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 200");
    wire_close(caller);
    wire_close(registrar);
}
END_TEST

START_TEST(a_dead_flow_is_430)
{
    unsigned tcp = stage_listen(&stage, WIRE_TCP);
    wire_t *phone = caller_on(WIRE_WS, stage_listen(&stage, WIRE_WS));
    wire_t *registrar = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);
    wire_t *caller = caller_on(WIRE_TCP, tcp);
    char route[STAGE_TEXT];

    register_phone(phone, registrar, route);
    stage_request(&stage, caller, WIRE_TCP, "MESSAGE",
                  "sip:x@gone.invalid;transport=ws", "a", route);
    stage_answer(phone, wire_expect(phone, "MESSAGE "), "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 200");
    wire_close(phone);
    wire_run(&stage.loop, 10);
    stage_request(&stage, caller, WIRE_TCP, "MESSAGE",
                  "sip:x@gone.invalid;transport=ws", "b", route);
    (void)wire_expect(caller, "SIP/2.0 430 Flow Failed");
    wire_close(caller);
    wire_close(registrar);
}
END_TEST

static const char *const own_hosts[] = {"0.0.0.0", "127.0.0.1"};

/* A client may call itself what we are called, and be reached by its flow. */
START_TEST(an_ack_along_a_flow_arrives_whatever_the_contact)
{
    unsigned tcp = stage_listen(&stage, WIRE_TCP);
    unsigned ws = stage_listen(&stage, WIRE_WS);
    wire_t *phone = caller_on(WIRE_WS, ws);
    wire_t *registrar = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);
    wire_t *caller = caller_on(WIRE_TCP, tcp);
    char route[STAGE_TEXT];
    char uri[STAGE_TEXT];

    stage.proxy->element.relay_acks = true; /* it belongs to nothing */
    register_phone(phone, registrar, route);
    (void)snprintf(uri, sizeof(uri), "sip:bob@%s:%u;transport=ws",
                   own_hosts[_i], ws);
    stage_request(&stage, caller, WIRE_TCP, "ACK", uri, "a", route);
    stage_request(&stage, caller, WIRE_TCP, "MESSAGE", uri, "b", route);
    (void)wire_expect(phone, "ACK sip:bob@");
    stage_answer(phone, wire_expect(phone, "MESSAGE "), "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 200");
    wire_close(caller);
    wire_close(registrar);
    wire_close(phone);
}
END_TEST

START_TEST(a_forged_flow_token_leads_nowhere)
{
    unsigned port = stage_listen(&stage, WIRE_TCP);
    wire_t *victim = caller_on(WIRE_TCP, port);
    wire_t *caller = caller_on(WIRE_TCP, port);
    char route[STAGE_TEXT];

    wire_send_raw(victim, "\r\n\r\n", 4);
    (void)wire_expect_raw(victim, 2);
    (void)snprintf(route, sizeof(route),
                   "Route: <sip:c00000000000100000000@127.0.0.1:%u"
                   ";transport=tcp;lr;srf=0123456789abcdef>\n",
                   port);
    stage_request(&stage, caller, WIRE_TCP, "MESSAGE", "sip:x@gone.invalid",
                  "a", route);
    (void)wire_expect(caller, "SIP/2.0 403");
    ck_assert_str_eq(wire_expect_raw(victim, 2), "\r\n");
    wire_close(caller);
    wire_close(victim);
}
END_TEST

/* ---- requests of the program's own ---- */

typedef struct asked {
    unsigned done;
    int err;
    int status;
} asked_t;

static void on_answer(srf_outgoing_t *outgoing, int err,
                      const srf_msg_t *response)
{
    asked_t *asked = srf_outgoing_data(outgoing);

    asked->done++;
    asked->err = err;
    asked->status = response == NULL ? 0 : srf_msg_status(response);
}

static void ask(asked_t *asked, const char *method, const wire_t *callee,
                wire_kind_t kind)
{
    srf_request_options_t options;
    char uri[100];

    memset(asked, 0, sizeof(*asked));
    srf_request_options_init(&options);
    options.method = method;
    options.data = asked;
    (void)snprintf(uri, sizeof(uri), "sip:127.0.0.1:%u;transport=%s",
                   wire_port(callee), wire_uri_name(kind));
    ck_assert_int_eq(srf_request(stage.proxy, uri, &options, on_answer), 0);
}

START_TEST(requests_of_our_own_go_over_streams)
{
    const wire_kind_t kinds[] = {WIRE_TCP, WIRE_TLS};
    wire_t *callee =
        wire_listen(&stage.loop, kinds[_i], stage.ip, stage.server_ctx);
    asked_t asked;

    (void)stage_listen(&stage, kinds[_i]);
    ask(&asked, "OPTIONS", callee, kinds[_i]);
    stage_answer(callee, wire_expect(callee, "OPTIONS "), "200 OK", "");
    while (asked.done == 0)
        wire_run(&stage.loop, 1);
    ck_assert_int_eq(asked.err, 0);
    ck_assert_int_eq(asked.status, 200);
    ask(&asked, "INVITE", callee, kinds[_i]);
    stage_answer(callee, wire_expect(callee, "INVITE "), "486 Busy Here", "");
    (void)wire_expect(callee, "ACK ");
    ask(&asked, "OPTIONS", callee, kinds[_i]);
    (void)wire_expect(callee, "OPTIONS ");
    wire_close(callee); /* without an answer */
    while (asked.done == 0)
        wire_run(&stage.loop, 1);
    ck_assert_int_eq(asked.err, SRF_ERR_UNREACHABLE);
    ck_assert_uint_eq(stage_stats(&stage).connections_opened, 2); /* in vain */
}
END_TEST

START_TEST(a_call_of_our_own_is_acknowledged_over_tcp)
{
    wire_t *callee = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);
    char contact[100];
    asked_t asked;

    (void)stage_listen(&stage, WIRE_TCP);
    ask(&asked, "INVITE", callee, WIRE_TCP);
    (void)snprintf(contact, sizeof(contact),
                   "Contact: <sip:bob@127.0.0.1:%u;transport=tcp>\n",
                   wire_port(callee));
    stage_answer(callee, wire_expect(callee, "INVITE "), "200 OK", contact);
    (void)wire_expect(callee, "ACK sip:bob@127.0.0.1:");
    ck_assert_uint_eq(asked.done, 1);
    ck_assert_uint_eq(stage_stats(&stage).connections_opened, 1);
    wire_close(callee);
}
END_TEST

/* ---- requests too large for a datagram (RFC 3261 §18.1.1) ---- */

static char long_line[1500];

static void invite_long(wire_t *from, const char *name)
{
    (void)memset(long_line, 'x', sizeof(long_line));
    memcpy(long_line, "Subject: ", 9);
    memcpy(long_line + sizeof(long_line) - 2, "\n", 2);
    stage_request(&stage, from, WIRE_UDP, "MESSAGE", "sip:bob@call.test", name,
                  long_line);
}

START_TEST(a_request_too_large_for_udp_goes_over_tcp)
{
    unsigned port = stage_listen(&stage, WIRE_UDP);
    (void)stage_listen(&stage, WIRE_TCP);
    wire_t *callee = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);
    wire_t *caller = caller_on(WIRE_UDP, port);
    const char *got;

    stage_target(&stage, 0, callee, WIRE_UDP);
    invite_long(caller, "a");
    got = wire_expect(callee, "MESSAGE ");
    ck_assert_ptr_nonnull(
        strstr(wire_header(got, "Via", NULL), "SIP/2.0/TCP "));
    stage_answer(callee, got, "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 200");
    stage_wait_results(&stage, 1);
    ck_assert_str_eq(stage.transports[0], "tcp");
    wire_close(caller);
    wire_close(callee);
}
END_TEST

START_TEST(and_over_udp_after_all_where_there_is_no_tcp)
{
    unsigned port = stage_listen(&stage, WIRE_UDP);
    (void)stage_listen(&stage, WIRE_TCP);
    wire_t *callee = wire_listen(&stage.loop, WIRE_UDP, stage.ip, NULL);
    wire_t *caller = caller_on(WIRE_UDP, port);
    const char *got;

    stage_target(&stage, 0, callee, WIRE_UDP);
    invite_long(caller, "a");
    got = wire_expect(callee, "MESSAGE ");
    ck_assert_ptr_nonnull(
        strstr(wire_header(got, "Via", NULL), "SIP/2.0/UDP "));
    stage_answer(callee, got, "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 200");
    stage_wait_results(&stage, 1);
    ck_assert_uint_eq(stage.tries, 1);
    ck_assert_str_eq(stage.transports[0], "udp");
    wire_close(caller);
    wire_close(callee);
}
END_TEST

/* A port where connections are neither taken nor refused, as behind a filter:
 * the queue of a listener that nobody reads is full. */
static void fill(unsigned port, int sockets[4])
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port)};

    ck_assert_int_eq(inet_pton(AF_INET, stage.ip, &at.sin_addr), 1);
    for (unsigned i = 0; i < 4; i++) {
        sockets[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        ck_assert_int_ge(sockets[i], 0);
        if (i == 0) {
            ck_assert_int_eq(
                bind(sockets[0], (struct sockaddr *)&at, sizeof(at)), 0);
            ck_assert_int_eq(listen(sockets[0], 0), 0);
        } else {
            (void)connect(sockets[i], (struct sockaddr *)&at, sizeof(at));
        }
    }
}

START_TEST(and_soon_where_nobody_answers_over_tcp)
{
    int sockets[4];
    unsigned port = stage_listen(&stage, WIRE_UDP);

    stage.listen.connect_timeout_ms = 60000;
    (void)stage_listen(&stage, WIRE_TCP);
    wire_t *callee = wire_listen(&stage.loop, WIRE_UDP, stage.ip, NULL);
    wire_t *caller = caller_on(WIRE_UDP, port);
    fill(wire_port(callee), sockets);
    stage_target(&stage, 0, callee, WIRE_UDP);
    invite_long(caller, "a");
    stage_answer(callee, wire_expect(callee, "MESSAGE "), "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 200");
    stage_wait_results(&stage, 1);
    ck_assert_uint_eq(stage.tries, 1);
    for (unsigned i = 0; i < 4; i++)
        (void)close(sockets[i]);
    wire_close(caller);
    wire_close(callee);
}
END_TEST

/* The way over TCP is not tried with each request. */
START_TEST(where_there_was_no_tcp_is_remembered)
{
    unsigned port = stage_listen(&stage, WIRE_UDP);
    (void)stage_listen(&stage, WIRE_TCP);
    wire_t *callee = wire_listen(&stage.loop, WIRE_UDP, stage.ip, NULL);
    wire_t *caller = caller_on(WIRE_UDP, port);
    static const char *const names[] = {"a", "b"};

    stage_target(&stage, 0, callee, WIRE_UDP);
    for (unsigned i = 0; i < 2; i++) {
        invite_long(caller, names[i]);
        stage_answer(callee, wire_expect(callee, "MESSAGE "), "200 OK", "");
        (void)wire_expect(caller, "SIP/2.0 200");
        stage_wait_results(&stage, i + 1);
    }
    ck_assert_uint_eq(stage_stats(&stage).connections_opened, 1);
    wire_close(caller);
    wire_close(callee);
}
END_TEST

/* That of a request of the program's own is remembered, too. */
START_TEST(our_own_requests_remember_that_there_was_no_tcp)
{
    wire_t *callee = wire_listen(&stage.loop, WIRE_UDP, stage.ip, NULL);
    srf_request_options_t options;
    asked_t asked;
    char uri[100];
    char body[1500];

    (void)stage_listen(&stage, WIRE_UDP);
    (void)stage_listen(&stage, WIRE_TCP);
    memset(body, 'x', sizeof(body));
    srf_request_options_init(&options);
    static const char *const headers[] = {"Content-Type", "text/plain", NULL};
    options.headers = headers;
    options.body = body;
    options.body_len = sizeof(body);
    options.data = &asked;
    options.method = "MESSAGE";
    (void)snprintf(uri, sizeof(uri), "sip:%s:%u", stage.host,
                   wire_port(callee));
    for (unsigned i = 0; i < 2; i++) {
        memset(&asked, 0, sizeof(asked));
        ck_assert_int_eq(srf_request(stage.proxy, uri, &options, on_answer), 0);
        stage_answer(callee, wire_expect(callee, "MESSAGE "), "200 OK", "");
        while (asked.done == 0)
            wire_run(&stage.loop, 1);
        ck_assert_int_eq(asked.status, 200);
    }
    ck_assert_uint_eq(stage_stats(&stage).connections_opened, 1);
    wire_close(callee);
}
END_TEST

/* Whoever lets in one address of ours may not let in another; and a connection
 * that is of no use is not opened. */
START_TEST(a_long_request_leaves_from_the_address_it_is_to_leave_by)
{
    wire_t *callee = wire_listen(&stage.loop, WIRE_UDP, stage.ip, NULL);
    wire_t *caller = caller_on(WIRE_UDP, stage_listen(&stage, WIRE_UDP));

    ck_assert_int_eq(
        srf_listen(stage.proxy, "sip:127.0.0.77:0;transport=tcp", NULL), 0);
    stage_target(&stage, 0, callee, WIRE_UDP);
    stage.options.outbound = srf_listener_uri(stage.proxy, 0);
    invite_long(caller, "a");
    stage_answer(callee, wire_expect(callee, "MESSAGE "), "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 200");
    ck_assert_uint_eq(stage_stats(&stage).connections_opened, 0);
    wire_close(caller);
    wire_close(callee);
}
END_TEST

START_TEST(what_is_too_large_is_a_setting)
{
    static const struct {
        uint32_t mtu;
        bool is_long, over_tcp;
    } cases[] = {
        {SRF_UNLIMITED, true, false},
        {4000, true, false},
        {100, false, true},
    };
    srf_options_t options;

    teardown();
    srf_options_init(&options);
    options.udp_mtu = cases[_i].mtu;
    stage_setup(&stage, false, &options);
    unsigned port = stage_listen(&stage, WIRE_UDP);
    (void)stage_listen(&stage, WIRE_TCP);
    wire_t *callee = wire_listen(
        &stage.loop, cases[_i].over_tcp ? WIRE_TCP : WIRE_UDP, stage.ip, NULL);
    wire_t *caller = caller_on(WIRE_UDP, port);

    stage_target(&stage, 0, callee, WIRE_UDP);
    if (cases[_i].is_long)
        invite_long(caller, "a");
    else
        message(caller, WIRE_UDP, "a");
    stage_answer(callee, wire_expect(callee, "MESSAGE "), "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 200");
    ck_assert_uint_eq(stage_stats(&stage).connections_opened,
                      cases[_i].over_tcp);
    wire_close(caller);
    wire_close(callee);
}
END_TEST

/* Somebody who asks for UDP gets it. */
START_TEST(a_target_that_says_udp_never_gets_tcp)
{
    unsigned port = stage_listen(&stage, WIRE_UDP);
    (void)stage_listen(&stage, WIRE_TCP);
    wire_t *callee = wire_listen(&stage.loop, WIRE_UDP, stage.ip, NULL);
    wire_t *caller = caller_on(WIRE_UDP, port);

    stage_target(&stage, 0, callee, WIRE_UDP);
    (void)strcat(stage.targets[0], ";transport=udp");
    invite_long(caller, "a");
    stage_answer(callee, wire_expect(callee, "MESSAGE "), "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 200");
    ck_assert_uint_eq(stage_stats(&stage).connections_opened, 0);
    wire_close(caller);
    wire_close(callee);
}
END_TEST

START_TEST(and_over_udp_when_nobody_listens_on_tcp_here)
{
    wire_t *callee = wire_listen(&stage.loop, WIRE_UDP, stage.ip, NULL);
    wire_t *caller = caller_on(WIRE_UDP, stage_listen(&stage, WIRE_UDP));

    stage_target(&stage, 0, callee, WIRE_UDP);
    invite_long(caller, "a");
    stage_answer(callee, wire_expect(callee, "MESSAGE "), "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 200");
    wire_close(caller);
    wire_close(callee);
}
END_TEST

/* ---- TLS ---- */

/* A server whose certificate is for another name. */
START_TEST(a_server_that_is_somebody_else_gets_nothing)
{
    const certificate_spec_t other = {.names = "DNS:other.test"};
    authority_t *authority = authority_create(certificates_path("ca2.pem"));
    wire_t *caller;
    wire_t *callee;

    certificate_write(authority, certificates_path("other.pem"), &other);
    authority_free(authority);
    stage.tls.ca_file = certificates_path("ca2.pem");
    stage.tls.insecure = _i != 0;
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    ck_assert_int_eq(
        SSL_CTX_use_certificate_chain_file(ctx, certificates_path("other.pem")),
        1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(
                         ctx, certificates_path("other.pem"), SSL_FILETYPE_PEM),
                     1);
    caller = caller_on(WIRE_TLS, stage_listen(&stage, WIRE_TLS));
    callee = wire_listen(&stage.loop, WIRE_TLS, stage.ip, ctx);
    stage_target(&stage, 0, callee, WIRE_TLS);
    if (stage.tls.insecure) {
        expect_service(caller, WIRE_TLS, callee, "a");
    } else {
        message(caller, WIRE_TLS, "a");
        wire_expect_end(callee);
        (void)wire_expect(caller, "SIP/2.0 5");
        ck_assert_ptr_nonnull(strstr(stage.log, "mismatch"));
    }
    wire_close(caller);
    wire_close(callee);
    SSL_CTX_free(ctx);
}
END_TEST

START_TEST(sips_never_leaves_over_anything_else)
{
    wire_t *caller = caller_on(WIRE_UDP, stage_listen(&stage, WIRE_UDP));
    char target[100];

    (void)snprintf(target, sizeof(target), "sips:bob@127.0.0.1:%u",
                   wire_port(caller));
    stage_request(&stage, caller, WIRE_UDP, "MESSAGE", target, "a", "");
    (void)wire_expect(caller, "SIP/2.0 5");
    stage_wait_results(&stage, 1);
    ck_assert_int_eq(stage.causes[0], SRF_CAUSE_TRANSPORT);
    wire_close(caller);
}
END_TEST

/* Nor when the target that the program names is none. */
START_TEST(a_request_for_sips_does_not_go_to_an_open_target)
{
    wire_t *callee = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);
    wire_t *secret =
        wire_listen(&stage.loop, WIRE_TLS, stage.ip, stage.server_ctx);
    wire_t *caller = caller_on(WIRE_TLS, stage_listen(&stage, WIRE_TLS));
    const char *got;

    (void)stage_listen(&stage, WIRE_TCP);
    stage_target(&stage, 0, callee, WIRE_TCP);
    stage_target(&stage, 1, secret, WIRE_TLS);
    stage.options.record_route = 1;
    stage_request(&stage, caller, WIRE_TLS, "INVITE", "sips:bob@call.test", "a",
                  "");
    (void)wire_expect(caller, "SIP/2.0 100");
    got = wire_expect(secret, "INVITE sips:bob@call.test ");
    ck_assert_int_eq(
        strncmp(wire_header(got, "Record-Route", NULL), "<sips:", 6), 0);
    wire_expect_nothing(callee, 10);
    ck_assert_uint_eq(stage_stats(&stage).sips_refused, 1);
    wire_close(caller);
    wire_close(callee);
    wire_close(secret);
}
END_TEST

/* RFC 3261 §16.6 step 7: as if the Route were written with sips. */
START_TEST(a_sip_route_leads_what_is_for_sips_over_tls)
{
    wire_t *secret =
        wire_listen(&stage.loop, WIRE_TLS, stage.ip, stage.server_ctx);
    wire_t *caller = caller_on(WIRE_TLS, stage_listen(&stage, WIRE_TLS));
    char route[100];
    char line[120];

    (void)stage_listen(&stage, WIRE_UDP);
    (void)stage_listen(&stage, WIRE_TCP);
    (void)snprintf(route, sizeof(route), "<sip:%s:%u;lr>", stage.host,
                   wire_port(secret));
    (void)snprintf(line, sizeof(line), "Route: %s\n", route);
    stage_request(&stage, caller, WIRE_TLS, "MESSAGE", "sips:bob@call.test",
                  "a", line);
    const char *got = wire_expect(secret, "MESSAGE sips:bob@call.test ");
    ck_assert_str_eq(wire_header(got, "Route", NULL), route);
    ck_assert_uint_eq(stage_stats(&stage).sips_refused, 0);
    wire_close(caller);
    wire_close(secret);
}
END_TEST

/* So is it when only a redirect was for sips. */
START_TEST(a_sip_route_leads_a_redirect_to_sips_over_tls)
{
    wire_t *open = wire_listen(&stage.loop, WIRE_UDP, stage.ip, NULL);
    wire_t *secret = wire_listen_at(&stage.loop, WIRE_TLS, stage.ip,
                                    wire_port(open), stage.server_ctx);
    wire_t *caller = caller_on(WIRE_UDP, stage_listen(&stage, WIRE_UDP));
    char line[120];

    (void)stage_listen(&stage, WIRE_TLS);
    stage.options.follow_redirects = 1;
    (void)snprintf(line, sizeof(line), "Route: <sip:%s:%u;lr>\n", stage.host,
                   wire_port(open));
    stage_request(&stage, caller, WIRE_UDP, "MESSAGE", "sip:bob@192.0.2.1", "a",
                  line);
    stage_answer(open, wire_expect(open, "MESSAGE sip:bob@192.0.2.1 "),
                 "302 Moved Temporarily", "Contact: <sips:bob@call.test>\n");
    (void)wire_expect(secret, "MESSAGE sips:bob@call.test ");
    ck_assert_uint_eq(stage_stats(&stage).sips_refused, 0);
    wire_close(caller);
    wire_close(open);
    wire_close(secret);
}
END_TEST

/* RFC 3261 §16.6 step 4. */
START_TEST(a_sips_route_makes_our_record_route_one_of_sips)
{
    wire_t *secret =
        wire_listen(&stage.loop, WIRE_TLS, stage.ip, stage.server_ctx);
    wire_t *caller = caller_on(WIRE_TLS, stage_listen(&stage, WIRE_TLS));
    char line[120];

    stage.options.record_route = 1;
    (void)snprintf(line, sizeof(line), "Route: <sips:%s:%u;lr>\n", stage.host,
                   wire_port(secret));
    stage_request(&stage, caller, WIRE_TLS, "INVITE", "sip:bob@call.test", "a",
                  line);
    const char *got = wire_expect(secret, "INVITE sip:bob@call.test ");
    ck_assert_int_eq(
        strncmp(wire_header(got, "Record-Route", NULL), "<sips:", 6), 0);
    wire_close(caller);
    wire_close(secret);
}
END_TEST

/* The phone over TLS that a call by sip has found wrote a sips Contact. */
START_TEST(what_leads_on_decides_where_sips_may_be_downgraded)
{
    wire_t *callee = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);

    stage.proxy->element.sips_downgrade = true;
    wire_t *caller = caller_on(WIRE_TLS, stage_listen(&stage, WIRE_TLS));
    (void)stage_listen(&stage, WIRE_TCP);
    stage_target(&stage, 0, callee, WIRE_TCP);
    stage_request(&stage, caller, WIRE_TLS, "INVITE", "sips:bob@call.test", "a",
                  "");
    (void)wire_expect(callee, "INVITE sips:bob@call.test ");
    ck_assert_uint_eq(stage_stats(&stage).sips_refused, 0);
    wire_close(caller);
    wire_close(callee);
}
END_TEST

START_TEST(clients_without_a_certificate_stay_outside_when_one_is_required)
{
    stage.tls.client_certificate = SRF_TLS_CLIENT_REQUIRED;
    unsigned port = stage_listen(&stage, WIRE_TLS);
    wire_t *without = caller_on(WIRE_TLS, port);

    wire_expect_end(without);
    wire_close(without);
    const char *own = certificates_path("callee.pem");
    ck_assert_int_eq(SSL_CTX_use_certificate_chain_file(stage.client_ctx, own),
                     1);
    ck_assert_int_eq(
        SSL_CTX_use_PrivateKey_file(stage.client_ctx, own, SSL_FILETYPE_PEM),
        1);
    wire_t *with = caller_on(WIRE_TLS, port);
    wire_send_raw(with, "\r\n\r\n", 4);
    (void)wire_expect_raw(with, 2);
    wire_close(with);
}
END_TEST

START_TEST(clients_cannot_be_measured_by_nothing)
{
    char uri[] = "sips:127.0.0.1:0";

    stage.tls.client_certificate = SRF_TLS_CLIENT_REQUIRED;
    stage.tls.ca_file = NULL;
    stage.listen.tls = &stage.tls;
    ck_assert_int_eq(srf_listen(stage.proxy, uri, &stage.listen),
                     SRF_ERR_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(stage.log,
                                 "cannot listen on sips:127.0.0.1:0: "
                                 "client certificates: "));
}
END_TEST

START_TEST(certificates_are_read_again_without_dropping_connections)
{
    const certificate_spec_t spec = {.names = "DNS:proxy.test,IP:127.0.0.1"};
    unsigned port = stage_listen(&stage, WIRE_TLS);
    wire_t *before = caller_on(WIRE_TLS, port);
    authority_t *authority = authority_create(certificates_path("ca3.pem"));

    wire_send_raw(before, "\r\n\r\n", 4);
    (void)wire_expect_raw(before, 2);
    certificate_write(authority, certificates_path("proxy.pem"), &spec);
    authority_free(authority);
    ck_assert_int_eq(srf_reload_certificates(stage.proxy, 0), 0);
    wire_t *after = caller_on(WIRE_TLS, port); /* does not trust the new one */
    wire_expect_end(after);
    wire_close(after);
    ck_assert_int_eq(SSL_CTX_load_verify_file(stage.client_ctx,
                                              certificates_path("ca3.pem")),
                     1);
    after = caller_on(WIRE_TLS, port);
    wire_send_raw(after, "\r\n\r\n", 4);
    (void)wire_expect_raw(after, 2);
    wire_send_raw(before, "\r\n\r\n", 4);
    (void)wire_expect_raw(before, 4);
    /* What is broken changes nothing. */
    FILE *file = fopen(certificates_path("proxy.pem"), "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(srf_reload_certificates(stage.proxy, 0), SRF_ERR_TLS);
    ck_assert_ptr_nonnull(strstr(stage.log, "proxy.pem"));
    wire_t *still = caller_on(WIRE_TLS, port);
    wire_send_raw(still, "\r\n\r\n", 4);
    (void)wire_expect_raw(still, 2);
    wire_close(before);
    wire_close(after);
    wire_close(still);
}
END_TEST

START_TEST(settings_that_cannot_be_used_are_refused)
{
    srf_listen_options_t options;
    srf_tls_options_t tls;

    srf_listen_options_init(&options);
    srf_tls_options_init(&tls);
    ck_assert_int_eq(srf_listen(stage.proxy, "sips:127.0.0.1:0", &options),
                     SRF_ERR_INVALID_ARGUMENT);
    options.tls = &tls;
    ck_assert_int_eq(srf_listen(stage.proxy, "sips:127.0.0.1:0", &options),
                     SRF_ERR_TLS);
    tls.certificate_file = "/nowhere/at-all.pem";
    ck_assert_int_eq(srf_listen(stage.proxy, "sips:127.0.0.1:0", &options),
                     SRF_ERR_TLS);
    ck_assert_ptr_nonnull(strstr(stage.log, "/nowhere/at-all.pem"));
    ck_assert_int_eq(
        srf_listen(stage.proxy, "sip:127.0.0.1:0;transport=sctp", &options),
        SRF_ERR_UNSUPPORTED);
    options.gather_ms = 21;
    ck_assert_int_eq(srf_listen(stage.proxy, "sip:127.0.0.1:0", &options),
                     SRF_ERR_INVALID_ARGUMENT);
    options.gather_ms = SRF_TIMEOUT_NONE;
    options.advertise = "not a host";
    ck_assert_int_eq(
        srf_listen(stage.proxy, "sip:127.0.0.1:0;transport=tcp", &options),
        SRF_ERR_INVALID_ARGUMENT);
    ck_assert_ptr_null(srf_listener_uri(stage.proxy, 0));
    ck_assert_int_eq(srf_reload_certificates(stage.proxy, 0),
                     SRF_ERR_INVALID_ARGUMENT);
}
END_TEST

/* ---- names and ways out ---- */

START_TEST(what_is_advertised_is_in_via_and_record_route)
{
    stage.listen.advertise = "edge.test:7000";
    unsigned port = stage_listen(&stage, WIRE_TCP);
    wire_t *callee = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);
    wire_t *caller = caller_on(WIRE_TCP, port);
    const char *got;

    stage.options.record_route = 1;
    stage_target(&stage, 0, callee, WIRE_TCP);
    invite(caller, WIRE_TCP, "a");
    got = wire_expect(callee, "INVITE ");
    ck_assert_ptr_nonnull(
        strstr(wire_header(got, "Via", NULL), "SIP/2.0/TCP edge.test:7000;"));
    ck_assert_int_eq(strncmp(wire_header(got, "Record-Route", NULL),
                             "<sip:edge.test:7000;transport=tcp;lr;srf=", 41),
                     0);
    /* A Route with that name is ours. */
    stage.targets[0][0] = '\0';
    (void)wire_expect(caller, "SIP/2.0 100");
    char uri[100];
    (void)snprintf(uri, sizeof(uri), "sip:bob@127.0.0.1:%u;transport=tcp",
                   wire_port(callee));
    stage_request(&stage, caller, WIRE_TCP, "MESSAGE", uri, "b",
                  "Route: <sip:edge.test:7000;transport=tcp;lr>\n");
    got = wire_expect(callee, "MESSAGE ");
    ck_assert_str_eq(wire_header(got, "Route", NULL), "");
    wire_close(caller);
    wire_close(callee);
}
END_TEST

/* A hairpin through a side that has another name outside, and through one that
 * has not: however each of them is written. */
START_TEST(all_routes_of_ours_go_whatever_they_are_advertised_as)
{
    static const char *const outside[] = {
        "<sips:edge.test:7001;lr>", "<sip:edge.test:7001;transport=tls;lr>"};
    wire_t *callee = wire_listen(&stage.loop, WIRE_UDP, stage.ip, NULL);
    char uri[100];
    char lines[400];

    unsigned inside = stage_listen(&stage, WIRE_UDP);
    stage.listen.advertise = "edge.test:7001";
    wire_t *caller = caller_on(WIRE_TLS, stage_listen(&stage, WIRE_TLS));
    (void)snprintf(uri, sizeof(uri), "sip:bob@127.0.0.1:%u", wire_port(callee));
    (void)snprintf(lines, sizeof(lines),
                   "Route: %s, <sip:127.0.0.1:%u;lr>\nRoute: %s\n", outside[_i],
                   inside, outside[1 - _i]);
    stage_request(&stage, caller, WIRE_TLS, "MESSAGE", uri, "a", lines);
    ck_assert_str_eq(
        wire_header(wire_expect(callee, "MESSAGE "), "Route", NULL), "");
    wire_close(caller);
    wire_close(callee);
}
END_TEST

START_TEST(requests_leave_from_the_listener_named)
{
    wire_t *callee = wire_listen(&stage.loop, WIRE_UDP, stage.ip, NULL);
    wire_t *caller = caller_on(WIRE_UDP, stage_listen(&stage, WIRE_UDP));
    unsigned second = stage_listen(&stage, WIRE_UDP);
    char via[100];

    stage_target(&stage, 0, callee, WIRE_UDP);
    stage.options.outbound = srf_listener_uri(stage.proxy, 1);
    message(caller, WIRE_UDP, "a");
    (void)snprintf(via, sizeof(via), "SIP/2.0/UDP 127.0.0.1:%u;", second);
    ck_assert_ptr_nonnull(
        strstr(wire_header(wire_expect(callee, "MESSAGE "), "Via", NULL), via));
    stage.options.outbound = "sip:no.such.listener";
    message(caller, WIRE_UDP, "b");
    (void)wire_expect(caller, "SIP/2.0 500");
    wire_close(caller);
    wire_close(callee);
}
END_TEST

/* Greets as a page does; the connection that is refused says so. */
static void expect_greeting(unsigned port, const char *origin, unsigned status)
{
    char hello[400];
    char wanted[20];

    (void)snprintf(
        hello, sizeof(hello),
        "GET / HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n"
        "Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n"
        "Origin: %s\r\n\r\n",
        port, origin);
    (void)snprintf(wanted, sizeof(wanted), "HTTP/1.1 %u ", status);
    wire_t *wire = caller_on(WIRE_TCP, port);
    wire_send_raw(wire, hello, strlen(hello));
    const char *reply = wire_expect_raw(wire, 20);
    ck_assert_msg(strncmp(reply, wanted, strlen(wanted)) == 0, "%s", reply);
    if (status != 101)
        wire_expect_end(wire);
    wire_close(wire);
}

START_TEST(origins_that_are_not_welcome_are_refused)
{
    static const char *const origins[] = {"https://good.example", NULL};

    stage.listen.origins = origins;
    unsigned port = stage_listen(&stage, WIRE_WS);
    expect_greeting(port, "https://evil.example", 403);
    expect_greeting(port, "https://good.example", 101);
}
END_TEST

/* Others cannot speak SIP through the browser of whoever visits them. */
START_TEST(pages_of_other_hosts_are_refused_and_that_is_logged)
{
    unsigned port = stage_listen(&stage, WIRE_WS);
    char origin[60];

    (void)snprintf(origin, sizeof(origin), "http://127.0.0.1:%u", port);
    expect_greeting(port, origin, 101);
    ck_assert_ptr_null(strstr(stage.log, "403"));
    expect_greeting(port, "https://evil.example", 403);
    ck_assert_ptr_nonnull(
        strstr(stage.log, "WebSocket refused with 403: its origin "
                          "'https://evil.example' is not the host it connects "
                          "to"));
}
END_TEST

/* ---- the end ---- */

START_TEST(a_stack_ends_in_the_middle_of_everything)
{
    unsigned port = stage_listen(&stage, WIRE_TCP);
    wire_t *callee = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);
    wire_t *full = wire_full_listener(&stage.loop, stage.ip);
    wire_t *caller = caller_on(WIRE_TCP, port);
    wire_t *tls = caller_on(WIRE_TCP, stage_listen(&stage, WIRE_TLS));
    wire_t *ws = caller_on(WIRE_WS, stage_listen(&stage, WIRE_WS));

    stage.options.forking = SRF_FORKING_SIMULTANEOUS;
    stage_target(&stage, 0, callee, WIRE_TCP);
    stage_target(&stage, 1, full, WIRE_TCP);
    invite(caller, WIRE_TCP, "a");
    (void)wire_expect(callee, "INVITE ");
    wire_send_raw(tls, "\x16\x03\x01", 3);
    wire_send_raw(ws, "\x81\xfe", 2);
    wire_run(&stage.loop, 5);
    /* teardown() destroys the stack. */
    wire_close(callee);
    wire_close(full);
    wire_close(caller);
    wire_close(tls);
    wire_close(ws);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("streams");
    TCase *tcase = tcase_create("connections");

    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, pings_get_pongs, 0, 2);
    tcase_add_test(tcase, messages_come_in_pieces_and_together);
    tcase_add_loop_test(tcase,
                        what_has_no_end_is_refused_and_ends_the_connection, 0,
                        sizeof(unframed) / sizeof(*unframed));
    tcase_add_loop_test(tcase, garbage_ends_the_connection_without_a_word, 0,
                        3);
    tcase_add_test(tcase, an_endless_header_ends_the_connection);
    tcase_add_test(tcase, a_slow_sender_is_cut_off_and_nobody_else);
    tcase_add_loop_test(tcase, a_stalled_handshake_is_cut_off, 0, 3);
    tcase_add_loop_test(tcase, a_handshake_in_pieces_gets_no_more_time, 0, 2);
    tcase_add_test(tcase, half_a_tls_record_is_no_idle_connection);
    tcase_add_test(tcase, an_idle_connection_is_closed);
    tcase_add_test(tcase,
                   an_idle_websocket_is_pinged_and_stays_when_it_answers);
    tcase_add_test(tcase, connections_of_one_source_are_limited);
    tcase_add_test(tcase, the_log_says_once_that_a_source_has_too_many);
    tcase_add_test(tcase, one_source_may_have_all_if_it_is_said);
    tcase_add_test(tcase, connections_of_a_listener_are_limited);
    tcase_add_test(tcase, a_listener_survives_that_memory_is_out);
    tcase_add_test(tcase, a_peer_that_takes_nothing_is_cut_off);
    tcase_add_test(tcase, a_closed_port_advances_the_search_at_once);
    tcase_add_test(tcase,
                   a_server_that_goes_without_a_word_advances_the_search);
    tcase_add_test(tcase, a_server_reset_while_it_rings_advances_the_search);
    tcase_add_test(tcase, a_target_that_never_connects_is_given_up);
    tcase_add_test(tcase, requests_to_one_place_share_a_connection);
    tcase_add_test(tcase, the_system_watches_over_connections);
    tcase_add_loop_test(tcase, a_connection_that_was_closed_is_made_anew, 0, 2);
    tcase_add_test(tcase, nothing_is_repeated_over_a_stream);
    tcase_add_test(tcase, an_answer_finds_a_caller_whose_connection_has_gone);
    tcase_add_loop_test(tcase, only_the_first_hop_says_ob, 0, 2);
    tcase_add_test(tcase, a_dead_flow_is_430);
    tcase_add_loop_test(tcase, an_ack_along_a_flow_arrives_whatever_the_contact,
                        0, 2);
    tcase_add_test(tcase, a_forged_flow_token_leads_nowhere);
    tcase_add_loop_test(tcase, requests_of_our_own_go_over_streams, 0, 2);
    tcase_add_test(tcase, a_call_of_our_own_is_acknowledged_over_tcp);
    tcase_add_test(tcase, a_request_too_large_for_udp_goes_over_tcp);
    tcase_add_test(tcase, and_over_udp_after_all_where_there_is_no_tcp);
    tcase_add_test(tcase, and_soon_where_nobody_answers_over_tcp);
    tcase_add_test(tcase, where_there_was_no_tcp_is_remembered);
    tcase_add_test(tcase, our_own_requests_remember_that_there_was_no_tcp);
    tcase_add_loop_test(tcase, what_is_too_large_is_a_setting, 0, 3);
    tcase_add_test(tcase,
                   a_long_request_leaves_from_the_address_it_is_to_leave_by);
    tcase_add_test(tcase, a_target_that_says_udp_never_gets_tcp);
    tcase_add_test(tcase, and_over_udp_when_nobody_listens_on_tcp_here);
    tcase_add_loop_test(tcase, a_server_that_is_somebody_else_gets_nothing, 0,
                        2);
    tcase_add_test(tcase, sips_never_leaves_over_anything_else);
    tcase_add_test(tcase, a_request_for_sips_does_not_go_to_an_open_target);
    tcase_add_test(tcase, a_sip_route_leads_what_is_for_sips_over_tls);
    tcase_add_test(tcase, a_sip_route_leads_a_redirect_to_sips_over_tls);
    tcase_add_test(tcase, a_sips_route_makes_our_record_route_one_of_sips);
    tcase_add_test(tcase, what_leads_on_decides_where_sips_may_be_downgraded);
    tcase_add_test(
        tcase, clients_without_a_certificate_stay_outside_when_one_is_required);
    tcase_add_test(tcase, clients_cannot_be_measured_by_nothing);
    tcase_add_test(tcase,
                   certificates_are_read_again_without_dropping_connections);
    tcase_add_test(tcase, settings_that_cannot_be_used_are_refused);
    tcase_add_test(tcase, what_is_advertised_is_in_via_and_record_route);
    tcase_add_loop_test(
        tcase, all_routes_of_ours_go_whatever_they_are_advertised_as, 0, 2);
    tcase_add_test(tcase, requests_leave_from_the_listener_named);
    tcase_add_test(tcase, origins_that_are_not_welcome_are_refused);
    tcase_add_test(tcase, pages_of_other_hosts_are_refused_and_that_is_logged);
    tcase_add_test(tcase, a_stack_ends_in_the_middle_of_everything);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
