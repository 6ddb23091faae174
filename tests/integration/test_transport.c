/*
 * Listeners on real loopback sockets and a real loop.
 *
 * SPDX-License-Identifier: MIT
 */
#if defined(__linux__)
# define _GNU_SOURCE /* recvmmsg, sendmmsg */
#endif

#include "runner.h"
#include "udp_bench.h"

#if defined(__linux__)
# include "udp_calls.h"
#endif

/* ---- listening ---- */

START_TEST(listener_on_port_0_tells_its_real_port)
{
    static const char *const begins[] = {"sip:127.0.0.1:", "sip:[::1]:"};
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    char text[SRF__ADDR_TEXT];

    ck_assert_int_ne(listener->bound.port, 0);
    ck_assert(!listener->wildcard);
    ck_assert(!listener->ops->reliable);
    (void)srf__addr_text(&listener->bound, text);
    ck_assert_mem_eq(listener->uri, begins[_i], strlen(begins[_i]));
    ck_assert_ptr_nonnull(strstr(listener->uri, text));
    ck_assert_str_eq(strchr(listener->uri, ';'), ";transport=udp");
}
END_TEST

START_TEST(wildcard_listener_has_a_uri_that_can_be_listened_on_again)
{
    static const char *const begins[] = {"sip:*:", "sip:[::]:"};
    srf__listener_t *listener = listen_on(wildcards[_i], 0);
    const char *rest = listener->uri + strlen(begins[_i]);
    const char *end = strchr(rest, ';');
    uint32_t port;

    ck_assert(listener->wildcard);
    ck_assert_mem_eq(listener->uri, begins[_i], strlen(begins[_i]));
    ck_assert_ptr_nonnull(end);
    ck_assert(
        srf__str_to_u32(srf__str(rest, (size_t)(end - rest)), 65535, &port));
    ck_assert_uint_eq(port, listener->bound.port);
}
END_TEST

START_TEST(listening_where_somebody_is_fails_and_leaves_nothing)
{
    srf__addr_t taken;
    int fd = open_peer(loopbacks[_i], &taken);

    ck_assert_int_eq(open_listener(&taken, 0), UV_EADDRINUSE);

    ck_assert_ptr_null(bench.transports.listeners);
    close(fd);
    /* teardown() finds the loop empty. */
}
END_TEST

START_TEST(listening_on_an_address_not_ours_fails)
{
    srf__addr_t foreign = address("192.0.2.1", 0);

    ck_assert_int_eq(open_listener(&foreign, 0), UV_EADDRNOTAVAIL);
}
END_TEST

START_TEST(close_comes_after_a_listener_that_failed_to_open)
{
    srf__addr_t foreign = address("192.0.2.1", 0);

    ck_assert_int_ne(open_listener(&foreign, 0), 0);
    srf__transports_close(&bench.transports, on_closed, &bench);

    /* What libuv knows of has to be closed first. */
    ck_assert_uint_eq(bench.closed, bench.portable ? 0 : 1);
    spin_until(&bench.closed, 1);
}
END_TEST

START_TEST(listening_fails_once_closing)
{
    srf__addr_t at = address("127.0.0.1", 0);

    srf__transports_close(&bench.transports, on_closed, &bench);
    ck_assert_int_eq(open_listener(&at, 0), SRF_ERR_CANCELED);
}
END_TEST

START_TEST(both_wildcards_share_a_port)
{
    srf__listener_t *six = listen_on("::", 0);
    srf__listener_t *four = listen_on("0.0.0.0", six->bound.port);
    srf__addr_t at;
    int fd = open_peer("127.0.0.1", &at);

    peer_sends(fd, four, "by four", 7);
    spin_until(&bench.message.count, 1);

    ck_assert_ptr_eq(bench.message.from.listener, four);
    ck_assert_int_eq(bench.message.from.peer.family, 4);
    close(fd);
}
END_TEST

START_TEST(receive_buffer_is_as_large_as_asked_for)
{
    srf__addr_t at = address("127.0.0.1", 0);
    int bytes = 0;
    socklen_t len = sizeof(bytes);

    ck_assert_int_eq(open_listener(&at, 50000), 0);
    ck_assert_int_eq(
        getsockopt(the_socket(), SOL_SOCKET, SO_RCVBUF, &bytes, &len), 0);

    /* Linux doubles it for its own book-keeping. */
    ck_assert_int_ge(bytes, 50000);
    ck_assert_int_le(bytes, 100000);
}
END_TEST

/* ---- receiving and sending ---- */

START_TEST(datagram_arrives_with_its_flow)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__addr_t at;
    int fd = open_peer(loopbacks[_i], &at);

    peer_sends(fd, listener, "over here", 9);
    spin_until(&bench.message.count, 1);

    assert_record(&bench.message, 1, "over here");
    ck_assert_ptr_eq(bench.message.from.listener, listener);
    ck_assert(srf__addr_eq(&bench.message.from.peer, &at));
    close(fd);
}
END_TEST

START_TEST(pieces_leave_as_one_datagram)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__flow_t flow = {.listener = listener};
    int fd = open_peer(loopbacks[_i], &flow.peer);
    const srf__str_t parts[] = {SRF__STR("first|"), SRF__STR("second")};

    ck_assert_int_eq(srf__transports_send(&flow, parts, 2), 0);
    peer_gets(fd, "first|second");
    ck_assert_int_eq(srf__transports_send(&flow, &parts[1], 1), 0);
    peer_gets(fd, "second");
    close(fd);
}
END_TEST

START_TEST(empty_datagram_is_ignored)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__addr_t at;
    int fd = open_peer(loopbacks[_i], &at);

    peer_sends(fd, listener, "", 0);
    peer_sends(fd, listener, "x", 1);
    spin_until(&bench.message.count, 1);

    assert_record(&bench.message, 1, "x");
    close(fd);
}
END_TEST

START_TEST(largest_datagram_arrives_whole)
{
    enum { LARGEST = 65507 };
    static char data[LARGEST];
    srf__listener_t *listener = listen_on("127.0.0.1", 0);
    const srf__flow_t self = {listener, listener->bound, 0};

    for (size_t i = 0; i < LARGEST; i++)
        data[i] = (char)('a' + i % 26);
    const srf__str_t part = srf__str(data, LARGEST);
    ck_assert_int_eq(srf__transports_send(&self, &part, 1), 0);
    spin_until(&bench.message.count, 1);

    ck_assert_uint_eq(bench.message.len, LARGEST);
    ck_assert_mem_eq(bench.message.data, data, LARGEST);
}
END_TEST

static void answer(bench_t *b)
{
    b->sent =
        send_text(b->message.from.listener, &b->message.from.peer, "answered");
}

START_TEST(message_can_be_answered_from_its_event)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__addr_t at;
    int fd = open_peer(loopbacks[_i], &at);

    bench.on_message = answer;
    peer_sends(fd, listener, "asked", 5);
    spin_until(&bench.message.count, 1);

    ck_assert_int_eq(bench.sent, 0);
    peer_gets(fd, "answered");
    close(fd);
}
END_TEST

START_TEST(datagram_too_large_is_refused_at_once_and_only_once)
{
    static char data[70000];
    static const size_t sizes[] = {65508, 65535, 65536, 70000};
    srf__listener_t *listener = listen_on("127.0.0.1", 0);
    srf__flow_t flow = {.listener = listener};
    int fd = open_peer("127.0.0.1", &flow.peer);
    const srf__str_t part = srf__str(data, sizes[_i]);

    ck_assert_int_eq(srf__transports_send(&flow, &part, 1), UV_EMSGSIZE);
    ck_assert_uint_eq(bench.transports.counters.errors, 1);

    /* What the sender knows already is not reported again, and harms nobody. */
    ck_assert_int_eq(send_text(listener, &flow.peer, "small"), 0);
    peer_gets(fd, "small");
    ck_assert_uint_lt(run_for(50), 10);
    ck_assert_uint_eq(bench.undelivered.count, 0);
    ck_assert_uint_eq(bench.transports.counters.errors, 1);
    close(fd);
}
END_TEST

START_TEST(address_of_the_other_family_is_refused)
{
    srf__listener_t *listener = listen_on("127.0.0.1", 0);
    srf__addr_t six = address("::1", 5060);

    ck_assert_int_lt(send_text(listener, &six, "x"), 0);
    ck_assert_uint_eq(bench.transports.counters.errors, 1);
}
END_TEST

/* ---- what the network gives back ---- */

START_TEST(datagram_to_a_closed_port_comes_back)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__addr_t dead = dead_peer(loopbacks[_i]);

    ck_assert_int_eq(send_text(listener, &dead, "nobody there"), 0);
    spin_until(&bench.undelivered.count, 1);

    assert_record(&bench.undelivered, 1, "nobody there");
    ck_assert(srf__addr_eq(&bench.undelivered.to, &dead));
    ck_assert_uint_eq(bench.transports.counters.errors, 1);
    ck_assert_uint_lt(run_for(100), 10);
    ck_assert_uint_eq(bench.undelivered.count, 1);
}
END_TEST

START_TEST(wildcard_listener_hears_of_closed_ports_too)
{
    srf__listener_t *listener = listen_on(wildcards[_i], 0);
    srf__addr_t dead = dead_peer(loopbacks[_i]);

    ck_assert_int_eq(send_text(listener, &dead, "nobody there"), 0);
    spin_until(&bench.undelivered.count, 1);

    assert_record(&bench.undelivered, 1, "nobody there");
    ck_assert(srf__addr_eq(&bench.undelivered.to, &dead));
}
END_TEST

START_TEST(error_of_one_datagram_does_not_stop_the_next)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__addr_t dead = dead_peer(loopbacks[_i]);
    srf__addr_t alive;
    int fd = open_peer(loopbacks[_i], &alive);

    ck_assert_int_eq(send_text(listener, &dead, "lost"), 0);
    ck_assert_int_eq(send_text(listener, &alive, "found"), 0);
    peer_gets(fd, "found");

    spin_until(&bench.undelivered.count, 1);
    assert_record(&bench.undelivered, 1, "lost");
    ck_assert_uint_lt(run_for(50), 10);
    close(fd);
}
END_TEST

START_TEST(every_datagram_to_closed_ports_is_reported_once)
{
    enum { COUNT = 100 };
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__addr_t dead = dead_peer(loopbacks[_i]);
    srf__addr_t alive;
    int fd = open_peer(loopbacks[_i], &alive);

    for (unsigned i = 0; i < COUNT; i++)
        ck_assert_int_eq(send_text(listener, &dead, "lost"), 0);
    ck_assert_int_eq(send_text(listener, &alive, "found"), 0);
    peer_gets(fd, "found");
    spin_until(&bench.undelivered.count, COUNT);

    ck_assert_uint_lt(run_for(50), 10);
    ck_assert_uint_eq(bench.undelivered.count, COUNT);
    close(fd);
}
END_TEST

/* The second one meets the error of the first. */
static void try_again(bench_t *b)
{
    for (unsigned i = 0; i < 2 && b->undelivered.count < 200; i++)
        ck_assert_int_eq(
            send_text(b->flow.listener, &b->undelivered.to, "again"), 0);
}

START_TEST(sending_to_a_closed_port_from_its_report_does_not_nest)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__addr_t dead = dead_peer(loopbacks[_i]);

    bench.on_undelivered = try_again;
    bench.flow.listener = listener;
    ck_assert_int_eq(send_text(listener, &dead, "once"), 0);
    spin_until(&bench.undelivered.count, 200);

    ck_assert_uint_eq(bench.deepest, 1);
    ck_assert_uint_lt(run_for(50), 10);
}
END_TEST

START_TEST(listener_receives_as_ever_after_an_error)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__addr_t dead = dead_peer(loopbacks[_i]);
    srf__addr_t alive;
    int fd = open_peer(loopbacks[_i], &alive);

    peer_sends(fd, listener, "before", 6);
    ck_assert_int_eq(send_text(listener, &dead, "lost"), 0);
    peer_sends(fd, listener, "behind", 6);
    spin_until(&bench.message.count, 2);
    spin_until(&bench.undelivered.count, 1);

    assert_record(&bench.message, 2, "behind");
    assert_record(&bench.undelivered, 1, "lost");
    close(fd);
}
END_TEST

/* ---- the queue ---- */

START_TEST(datagrams_that_cannot_leave_at_once_leave_later_in_order)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__flow_t flow = {.listener = listener};
    int fd = open_peer(loopbacks[_i], &flow.peer);
    char text[] = "one|";
    const srf__str_t parts[] = {srf__str(text, 4), SRF__STR("two")};
    blocker_t blocker;

    block(&blocker, &flow.peer);
    ck_assert_int_eq(srf__transports_send(&flow, parts, 2), 0);
    memset(text, '#', 4); /* only borrowed until return */
    ck_assert_int_eq(send_text(listener, &flow.peer, "three"), 0);
    spin_until(&blocker.done, 1);
    run_for(20);

    peer_gets(fd, "b");
    peer_gets(fd, "one|two");
    peer_gets(fd, "three");
    close(fd);
}
END_TEST

/* Sends as much as the queue takes; how many of 10000 bytes. */
static unsigned fill_queue(const srf__flow_t *flow)
{
    static char data[10000];
    const srf__str_t part = srf__str(data, sizeof(data));
    blocker_t blocker;
    unsigned queued = 0;

    block(&blocker, &flow->peer);
    while (queued < 1000 && srf__transports_send(flow, &part, 1) == 0)
        queued++;
    ck_assert_int_eq(srf__transports_send(flow, &part, 1), SRF_ERR_LIMIT);
    spin_until(&blocker.done, 1);
    run_for(20);
    return queued;
}

START_TEST(full_queue_drops_and_counts_and_takes_more_when_empty)
{
    const srf__transports_counters_t *counters = &bench.transports.counters;
    srf__flow_t flow = {.listener = listen_on("127.0.0.1", 0)};
    int fd = open_peer("127.0.0.1", &flow.peer);

    ck_assert_uint_eq(fill_queue(&flow), (1 << 20) / 10000);
    ck_assert_uint_eq(counters->dropped_send_queue, 2);
    ck_assert_uint_eq(fill_queue(&flow), (1 << 20) / 10000);
    ck_assert_uint_eq(counters->dropped_send_queue, 4);
    ck_assert_uint_eq(counters->errors, 0);
    peer_gets(fd, "b");
    close(fd);
}
END_TEST

START_TEST(queued_datagram_survives_the_error_of_another)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__addr_t dead = dead_peer(loopbacks[_i]);
    srf__addr_t alive;
    int fd = open_peer(loopbacks[_i], &alive);
    blocker_t blocker;

    block(&blocker, &alive);
    ck_assert_int_eq(send_text(listener, &alive, "queued"), 0);
    /* The error is to be pending when libuv sends. */
    ck_assert(send_past_listener(&dead, "lost"));
    spin_until(&blocker.done, 1);
    spin_until(&bench.undelivered.count, 1);
    run_for(20);

    peer_gets(fd, "b");
    peer_gets(fd, "queued");
    assert_record(&bench.undelivered, 1, "lost");
    ck_assert_uint_eq(bench.transports.counters.errors, 1);
    close(fd);
}
END_TEST

/* ---- many at a time ---- */

/* More than some system calls take or give, and less than a peer's buffer. */
enum { MANY = 200 };

static void send_numbers(int fd, const srf__listener_t *to)
{
    char text[16];

    for (unsigned i = 0; i < MANY; i++) {
        int len = snprintf(text, sizeof(text), "%u", i);
        peer_sends(fd, to, text, (size_t)len);
    }
}

/* Messages come in the order they were sent. */
static void expect_number(bench_t *b)
{
    char text[16];

    int len = snprintf(text, sizeof(text), "%u", b->message.count - 1);
    ck_assert_uint_eq(b->message.len, (size_t)len);
    ck_assert_mem_eq(b->message.data, text, (size_t)len);
}

static void send_back(bench_t *b)
{
    const srf__str_t part = srf__str(b->message.data, b->message.len);

    expect_number(b);
    b->sent = srf__transports_send(&b->message.from, &part, 1);
    ck_assert_int_eq(b->sent, 0);
}

static void get_numbers(int fd)
{
    char text[16];

    for (unsigned i = 0; i < MANY; i++) {
        snprintf(text, sizeof(text), "%u", i);
        peer_gets(fd, text);
    }
}

START_TEST(many_datagrams_arrive_in_order)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__addr_t at;
    int fd = open_peer(loopbacks[_i], &at);

    bench.on_message = expect_number;
    send_numbers(fd, listener);
    spin_until(&bench.message.count, MANY);

    run_for(20);
    ck_assert_uint_eq(bench.message.count, MANY);
    ck_assert_uint_eq(srf__transports_drops(&bench.transports), 0);
    close(fd);
}
END_TEST

START_TEST(answers_to_many_datagrams_leave_in_order)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__addr_t at;
    int fd = open_peer(loopbacks[_i], &at);

    bench.on_message = send_back;
    send_numbers(fd, listener);
    spin_until(&bench.message.count, MANY);

    get_numbers(fd);
    close(fd);
}
END_TEST

static void answer_by_another(bench_t *b)
{
    b->message.from.listener = b->flow.listener;
    send_back(b);
}

START_TEST(answers_may_leave_by_another_listener)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__addr_t at;
    int fd = open_peer(loopbacks[_i], &at);

    bench.flow.listener = listen_on(loopbacks[_i], 0);
    bench.on_message = answer_by_another;
    send_numbers(fd, listener);
    spin_until(&bench.message.count, MANY);

    get_numbers(fd);
    close(fd);
}
END_TEST

static void send_to_the_dead_too(bench_t *b)
{
    (void)send_text(b->flow.listener, &b->flow.peer, "lost");
    send_back(b);
}

START_TEST(errors_among_many_answers_stop_none)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__addr_t at;
    int fd = open_peer(loopbacks[_i], &at);

    bench.flow = (srf__flow_t){listener, dead_peer(loopbacks[_i]), 0};
    bench.on_message = send_to_the_dead_too;
    send_numbers(fd, listener);
    spin_until(&bench.message.count, MANY);

    get_numbers(fd);
    run_for(20);
    assert_record(&bench.undelivered, MANY, "lost");
    close(fd);
}
END_TEST

static void send_too_much(bench_t *b)
{
    static char data[70000];
    const srf__str_t part = srf__str(data, sizeof(data));

    b->sent = srf__transports_send(&b->message.from, &part, 1);
    (void)send_text(b->message.from.listener, &b->message.from.peer, "small");
}

START_TEST(datagram_too_large_harms_no_other_answer)
{
    srf__listener_t *listener = listen_on("127.0.0.1", 0);
    srf__addr_t at;
    int fd = open_peer("127.0.0.1", &at);

    bench.on_message = send_too_much;
    peer_sends(fd, listener, "x", 1);
    spin_until(&bench.message.count, 1);

    peer_gets(fd, "small");
    ck_assert_uint_eq(bench.transports.counters.errors, 1);
    /* Said at once, or when it came to light. */
    ck_assert(bench.sent == UV_EMSGSIZE || bench.undelivered.count == 1);
    close(fd);
}
END_TEST

#if defined(__linux__)
/* Answers while the socket is full, but for the first few, and unblocks it with
 * the last one. */
static void send_back_blocked(bench_t *b)
{
    send_back(b);
    b->full = !b->portable && b->message.count >= 20 && b->message.count < MANY;
}

START_TEST(what_the_socket_does_not_take_at_once_leaves_later)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__addr_t at;
    int fd = open_peer(loopbacks[_i], &at);

    at_most = 7;
    bench.on_message = send_back_blocked;
    send_numbers(fd, listener);
    spin_until(&bench.message.count, MANY);
    run_for(20);

    get_numbers(fd);
    ck_assert_uint_eq(bench.transports.counters.dropped_send_queue, 0);
    ck_assert_uint_lt(run_for(50), 10);
    close(fd);
}
END_TEST

/* A thousand answers of a kilobyte each time. */
static void send_much(bench_t *b)
{
    static char data[1000];
    const srf__str_t part = srf__str(data, sizeof(data));

    b->full = !b->portable;
    for (unsigned i = 0; i < 1000; i++)
        b->sent += srf__transports_send(&b->flow, &part, 1) == 0;
}

START_TEST(what_is_more_than_the_queue_takes_is_dropped_and_counted)
{
    srf__listener_t *listener = listen_on("127.0.0.1", 0);
    srf__addr_t at;
    int fd = open_peer("127.0.0.1", &at);

    bench.flow = (srf__flow_t){listener, at, 0};
    bench.on_message = send_much;
    peer_sends(fd, listener, "x", 1);
    peer_sends(fd, listener, "x", 1);
    spin_until(&bench.message.count, 2);
    bench.full = false;
    run_for(20);

    uint64_t dropped = bench.transports.counters.dropped_send_queue;
    ck_assert_uint_eq((unsigned)bench.sent + dropped, 2000);
    ck_assert_int_eq(bench.sent, bench.portable ? 2000 : (1 << 20) / 1000);
    bench.on_message = answer;
    peer_sends(fd, listener, "x", 1);
    spin_until(&bench.message.count, 3);
    ck_assert_int_eq(bench.sent, 0);
    close(fd);
}
END_TEST

START_TEST(datagrams_without_room_are_counted)
{
    srf__addr_t at = address("127.0.0.1", 0);
    int fd = open_peer("127.0.0.1", &at);
    srf__addr_t here = address("127.0.0.1", 0);

    ck_assert_int_eq(open_listener(&here, 4096), 0);
    send_numbers(fd, bench.transports.listeners);
    run_for(50);

    ck_assert_uint_gt(bench.message.count, 0);
    ck_assert_uint_lt(bench.message.count, MANY);
    ck_assert_uint_eq(srf__transports_drops(&bench.transports),
                      MANY - bench.message.count);
    close(fd);
}
END_TEST

START_TEST(listener_stands_on_libuv_alone_where_the_calls_are_not_allowed)
{
    unknown = true;
    srf__listener_t *listener = listen_on("127.0.0.1", 0);
    srf__addr_t at;
    int fd = open_peer("127.0.0.1", &at);

    ck_assert_int_eq(the_handle()->type, UV_UDP);
    bench.on_message = answer;
    peer_sends(fd, listener, "asked", 5);
    spin_until(&bench.message.count, 1);
    peer_gets(fd, "answered");
    close(fd);
}
END_TEST
#endif

/* ---- closing ---- */

START_TEST(close_without_listeners_is_told_at_once)
{
    srf__transports_close(&bench.transports, on_closed, &bench);

    ck_assert_uint_eq(bench.closed, 1);
}
END_TEST

START_TEST(close_waits_for_every_listener)
{
    srf__listener_t *listener = listen_on("127.0.0.1", 0);
    srf__addr_t peer = listener->bound;

    listen_on("127.0.0.1", 0);
    listen_on("0.0.0.0", 0);
    ck_assert_uint_eq(bench.transports.open, 3);
    srf__transports_close(&bench.transports, on_closed, &bench);
    ck_assert_uint_eq(bench.closed, 0);
    ck_assert_int_eq(send_text(listener, &peer, "x"), SRF_ERR_CANCELED);
    ck_assert_ptr_null(
        srf__transports_pick(&bench.transports, &peer, NULL, NULL));

    spin_until(&bench.closed, 1);
    ck_assert_uint_eq(bench.transports.open, 0);
}
END_TEST

START_TEST(close_with_a_full_queue_frees_it)
{
    srf__listener_t *listener = listen_on("127.0.0.1", 0);
    srf__addr_t at;
    int fd = open_peer("127.0.0.1", &at);
    blocker_t blocker;

    block(&blocker, &at);
    for (unsigned i = 0; i < 10; i++)
        ck_assert_int_eq(send_text(listener, &at, "queued"), 0);
    srf__transports_close(&bench.transports, on_closed, &bench);
    spin_until(&bench.closed, 1);

    ck_assert_uint_eq(blocker.done, 1);
    ck_assert_uint_eq(bench.transports.counters.errors, 0);
    close(fd);
}
END_TEST

static void close_all(bench_t *b)
{
    srf__transports_close(&b->transports, on_closed, b);
    b->sent = srf__transports_send(&b->flow, &SRF__STR("x"), 1);
}

START_TEST(nothing_is_delivered_after_closing_in_a_message)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__listener_t *other = listen_on(loopbacks[_i], 0);
    srf__addr_t at;
    int fd = open_peer(loopbacks[_i], &at);

    bench.on_message = close_all;
    bench.flow = (srf__flow_t){listener, at, 0};
    for (unsigned i = 0; i < 5; i++) {
        peer_sends(fd, listener, "to one", 6);
        peer_sends(fd, other, "to two", 6);
    }
    spin_until(&bench.closed, 1);
    run_for(20);

    ck_assert_uint_eq(bench.message.count, 1);
    ck_assert_int_eq(bench.sent, SRF_ERR_CANCELED);
    close(fd);
}
END_TEST

START_TEST(closing_in_a_report_from_the_loop_ends_the_reports)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__addr_t dead = dead_peer(loopbacks[_i]);

    bench.on_undelivered = close_all;
    bench.flow = (srf__flow_t){listener, dead, 0};
    for (unsigned lost = 0; lost < 3;)
        lost += send_past_listener(&dead, "lost");
    spin_until(&bench.closed, 1);

    ck_assert_uint_eq(bench.undelivered.count, 1);
    ck_assert_int_eq(bench.sent, SRF_ERR_CANCELED);
}
END_TEST

#if defined(__linux__)
/* Closes, and opens sockets with errors of their own, one of which gets the
 * number that the listener's had. */
static void close_and_reopen(bench_t *b)
{
    struct sockaddr_storage storage;
    socklen_t len = (socklen_t)srf__addr_to_sockaddr(&b->flow.peer, &storage);
    int on = 1;

    srf__transports_close(&b->transports, on_closed, b);
    for (unsigned i = 0; i < 2; i++) {
        int fd = socket(AF_INET, SOCK_DGRAM, 0);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(
            setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)), 0);
        ck_assert_int_eq(
            sendto(fd, "mine", 4, 0, (const struct sockaddr *)&storage, len),
            4);
        b->fds[i] = fd;
    }
}

START_TEST(closing_in_a_report_leaves_other_sockets_alone)
{
    srf__listener_t *listener = listen_on("127.0.0.1", 0);
    srf__addr_t dead = dead_peer("127.0.0.1");

    bench.on_undelivered = close_and_reopen;
    bench.flow = (srf__flow_t){listener, dead, 0};
    ck_assert_int_eq(send_text(listener, &dead, "lost"), 0);
    spin_until(&bench.closed, 1);

    assert_record(&bench.undelivered, 1, "lost");
    for (unsigned i = 0; i < 2; i++)
        close(bench.fds[i]);
}
END_TEST
#endif

START_TEST(closing_in_a_report_cancels_the_send_that_met_the_error)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__addr_t dead = dead_peer(loopbacks[_i]);

    bench.on_undelivered = close_all;
    bench.flow = (srf__flow_t){listener, dead, 0};
    ck_assert_int_eq(send_text(listener, &dead, "lost"), 0);
    ck_assert_int_eq(send_text(listener, &dead, "met it"), SRF_ERR_CANCELED);

    ck_assert_uint_eq(bench.undelivered.count, 1);
    spin_until(&bench.closed, 1);
}
END_TEST

int main(void)
{
    const int families = has_ipv6() ? 2 : 1;
    const struct {
        const TTest *test;
        int runs; /* _i: 0 IPv4, 1 IPv6 */
    } tests[] = {
        {listener_on_port_0_tells_its_real_port, families},
        {wildcard_listener_has_a_uri_that_can_be_listened_on_again, families},
        {listening_where_somebody_is_fails_and_leaves_nothing, families},
        {listening_on_an_address_not_ours_fails, 1},
        {close_comes_after_a_listener_that_failed_to_open, 1},
        {listening_fails_once_closing, 1},
        {both_wildcards_share_a_port, families - 1},
        {receive_buffer_is_as_large_as_asked_for, 1},
        {datagram_arrives_with_its_flow, families},
        {pieces_leave_as_one_datagram, families},
        {empty_datagram_is_ignored, families},
        {largest_datagram_arrives_whole, 1},
        {message_can_be_answered_from_its_event, families},
        {datagram_too_large_is_refused_at_once_and_only_once, 4},
        {address_of_the_other_family_is_refused, 1},
        {datagrams_that_cannot_leave_at_once_leave_later_in_order, families},
        {full_queue_drops_and_counts_and_takes_more_when_empty, 1},
        {many_datagrams_arrive_in_order, families},
        {answers_to_many_datagrams_leave_in_order, families},
        {answers_may_leave_by_another_listener, families},
        {datagram_too_large_harms_no_other_answer, 1},
        {close_without_listeners_is_told_at_once, 1},
        {close_waits_for_every_listener, 1},
        {close_with_a_full_queue_frees_it, 1},
        {nothing_is_delivered_after_closing_in_a_message, families},
#if defined(__linux__)
        {what_the_socket_does_not_take_at_once_leaves_later, families},
        {what_is_more_than_the_queue_takes_is_dropped_and_counted, 1},
        {datagrams_without_room_are_counted, 1},
        {listener_stands_on_libuv_alone_where_the_calls_are_not_allowed, 1},
        /* Only here does the system say whose datagram it was. */
        {errors_among_many_answers_stop_none, families},
        {datagram_to_a_closed_port_comes_back, families},
        {wildcard_listener_hears_of_closed_ports_too, families},
        {error_of_one_datagram_does_not_stop_the_next, families},
        {every_datagram_to_closed_ports_is_reported_once, families},
        {sending_to_a_closed_port_from_its_report_does_not_nest, families},
        {listener_receives_as_ever_after_an_error, families},
        {queued_datagram_survives_the_error_of_another, families},
        {closing_in_a_report_from_the_loop_ends_the_reports, families},
        {closing_in_a_report_leaves_other_sockets_alone, 1},
        {closing_in_a_report_cancels_the_send_that_met_the_error, families},
#endif
    };
    const struct {
        const char *name;
        SFun set_up;
    } ways[] = {
        {"transport", setup},
        {"transport, portable", setup_portable},
    };
    Suite *suite = suite_create("transport");

    for (size_t way = 0; way < sizeof(ways) / sizeof(ways[0]); way++) {
        TCase *tcase = tcase_create(ways[way].name);
        tcase_add_checked_fixture(tcase, ways[way].set_up, teardown);
        tcase_set_timeout(tcase, 3 * HANG_MS / 1000);
        for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
            tcase_add_loop_test(tcase, tests[i].test, 0, tests[i].runs);
        suite_add_tcase(suite, tcase);
    }
    return run_suite(suite);
}
