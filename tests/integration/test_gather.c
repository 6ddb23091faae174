/*
 * A UDP listener that gathers datagrams, on real loopback sockets: what comes
 * densely is read together, and nothing else changes.
 *
 * SPDX-License-Identifier: MIT
 */
#if defined(__linux__)
# define _GNU_SOURCE /* recvmmsg, sendmmsg */
#endif

#include "runner.h"
#include "srf/srf.h"
#include "udp_bench.h"

#if defined(__linux__)
# include "udp_calls.h"

enum {
    TICK_MS = 20,
    /* Some 40 in a tick: what the least receive buffer of a Linux takes, and a
     * machine that is four times too slow is dense enough. */
    EACH_MS = 2,
    /* More than is read at one go, less than that buffer takes. */
    HEAP = 400,
    /* What a decision to gather, or not to, is taken by. */
    WINDOW_MS = 8 * TICK_MS
};

/* A peer that sends some numbered datagrams each millisecond. */
typedef struct peer {
    int fd;
    srf__addr_t at;
    srf__listener_t *to;
    uv_timer_t timer;
    unsigned sent;
    unsigned rounds;
} peer_t;

static peer_t peer;
static srf__listener_t *listener;
static bool in_order;
static uint64_t last_ms; /* when the last one came, by the loop */

static void note_number(bench_t *b)
{
    uint32_t number;

    last_ms = uv_now(&b->loop);

    memcpy(&number, b->message.data, sizeof(number));
    in_order = in_order && number == b->message.count;
}

static void send_numbers(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint32_t number = ++peer.sent;
        peer_sends(peer.fd, peer.to, (const char *)&number, sizeof(number));
    }
}

static void send_some(uv_timer_t *timer)
{
    (void)timer;
    peer.rounds++;
    send_numbers(EACH_MS);
}

static void peer_starts(void)
{
    ck_assert_int_eq(uv_timer_start(&peer.timer, send_some, 1, 1), 0);
}

static void peer_stops(void)
{
    ck_assert_int_eq(uv_timer_stop(&peer.timer), 0);
}

/* The listener's tick runs: the loop has one more timer that does. */
static void count_timer(uv_handle_t *handle, void *arg)
{
    if (handle->type == UV_TIMER && handle != (uv_handle_t *)&peer.timer &&
        uv_is_active(handle))
        ++*(unsigned *)arg;
}

static bool is_gathering(void)
{
    unsigned timers = 0;

    uv_walk(&bench.loop, count_timer, &timers);
    return timers > 0;
}

static void open_gathering(uint32_t tick_ms, uint32_t buffer_bytes)
{
    const srf__udp_settings_t settings = {.gather_ms = tick_ms,
                                          .receive_buffer_bytes = buffer_bytes};
    srf__addr_t at = address("127.0.0.1", 0);

    ck_assert_int_eq(srf__udp_listen(&bench.transports, &at, &settings), 0);
    listener = bench.transports.listeners;
    memset(&peer, 0, sizeof(peer));
    peer.fd = open_peer("127.0.0.1", &peer.at);
    peer.to = listener;
    ck_assert_int_eq(uv_timer_init(&bench.loop, &peer.timer), 0);
    in_order = true;
    bench.on_message = note_number;
}

static void setup_gathering(void)
{
    setup();
    open_gathering(TICK_MS, 0);
    peer_starts();
    for (unsigned i = 0; i < 100 && !is_gathering(); i++)
        run_for(TICK_MS);
    ck_assert(is_gathering());
}

static void setup_without(void)
{
    setup();
    open_gathering(0, 0);
}

/* It takes some 30 messages, and a quarter of that in a tick is too few. */
static void setup_tiny_buffer(void)
{
    setup();
    open_gathering(TICK_MS, 34000);
}

static void end(void)
{
    uv_close((uv_handle_t *)&peer.timer, NULL);
    close(peer.fd);
    bench.full = false;
    teardown();
}

START_TEST(dense_datagrams_are_read_together_in_order_and_none_is_lost)
{
    unsigned before = receives;
    unsigned rounds = peer.rounds;

    run_for(2 * WINDOW_MS);
    unsigned calls = receives - before;
    rounds = peer.rounds - rounds;
    peer_stops();
    spin_until(&bench.message.count, peer.sent);

    /* One call would have been there for each round of the peer. */
    ck_assert_uint_lt(calls, rounds / 2);
    ck_assert(in_order);
    ck_assert_uint_eq(bench.message.count, peer.sent);
    ck_assert_uint_eq(srf__transports_drops(&bench.transports), 0);
}
END_TEST

START_TEST(when_they_end_the_listener_sleeps_again_and_wakes_at_once)
{
    peer_stops();
    run_for(3 * WINDOW_MS);
    ck_assert(!is_gathering());
    unsigned before = receives;
    ck_assert_uint_le(run_for(100), 2);
    ck_assert_uint_eq(receives, before);

    unsigned count = bench.message.count;
    send_numbers(EACH_MS);
    uv_run(&bench.loop, UV_RUN_NOWAIT);

    ck_assert_uint_eq(bench.message.count, count + EACH_MS);
    ck_assert(in_order);
}
END_TEST

START_TEST(what_one_tick_does_not_read_does_not_wait_for_the_next)
{
    bool at_once = false;

    /* One that is interrupted may be so slow. */
    for (unsigned i = 0; i < 20 && !at_once; i++) {
        peer_stops();
        spin_until(&bench.message.count, peer.sent);
        unsigned before = bench.message.count;
        send_numbers(HEAP);
        spin_until(&bench.message.count, before + 1);
        uint64_t first_ms = last_ms;
        spin_until(&bench.message.count, peer.sent);
        ck_assert(is_gathering());
        at_once = last_ms - first_ms < TICK_MS;
        peer_starts();
        run_for(WINDOW_MS);
    }

    ck_assert(at_once);
    ck_assert(in_order);
}
END_TEST

START_TEST(a_port_that_nobody_listens_on_is_told_of)
{
    srf__addr_t dead = dead_peer("127.0.0.1");

    ck_assert_int_eq(send_text(listener, &dead, "lost"), 0);
    spin_until(&bench.undelivered.count, 1);

    ck_assert(is_gathering());
    assert_record(&bench.undelivered, 1, "lost");
    peer_stops();
    spin_until(&bench.message.count, peer.sent);
    ck_assert(in_order);
}
END_TEST

static uint64_t undelivered_ms;

static void note_undelivered(bench_t *b)
{
    undelivered_ms = uv_now(&b->loop);
}

START_TEST(what_nobody_listens_to_holds_nothing_up)
{
    srf__addr_t dead = dead_peer("127.0.0.1");

    bench.on_undelivered = note_undelivered;
    peer_stops();
    spin_until(&bench.message.count, peer.sent);
    ck_assert(is_gathering());
    ck_assert_int_eq(send_text(listener, &dead, "lost"), 0);
    send_numbers(EACH_MS);
    spin_until(&bench.message.count, peer.sent);

    ck_assert_uint_eq(bench.undelivered.count, 1);
    ck_assert_uint_eq(last_ms, undelivered_ms); /* in the same tick */
    ck_assert(in_order);
}
END_TEST

/* Answers each, and finds the socket full for a while. */
static void answer_blocked(bench_t *b)
{
    note_number(b);
    b->full = b->message.count % 50 != 0;
    ck_assert_int_eq(send_text(listener, &peer.at, "answer"), 0);
}

START_TEST(a_socket_that_was_full_sends_while_datagrams_are_gathered)
{
    char text[16];
    unsigned first = bench.message.count;
    unsigned answers = 0;

    bench.on_message = answer_blocked;
    run_for(2 * TICK_MS); /* no more than the peer's own buffer takes */
    ck_assert(is_gathering());
    peer_stops();
    spin_until(&bench.message.count, peer.sent);
    bench.full = false;
    run_for(TICK_MS);

    while (recv(peer.fd, text, sizeof(text), MSG_DONTWAIT) > 0)
        answers++;
    ck_assert_uint_gt(answers, 0);
    ck_assert_uint_eq(answers, bench.message.count - first);
    ck_assert(in_order);
}
END_TEST

START_TEST(a_socket_that_was_full_sends_when_gathering_has_ended)
{
    bench.full = true;
    ck_assert_int_eq(send_text(listener, &peer.at, "one"), 0);
    ck_assert_int_eq(send_text(listener, &peer.at, "two"), 0);
    peer_stops();
    for (unsigned i = 0; i < 100 && is_gathering(); i++)
        run_for(TICK_MS);
    ck_assert(!is_gathering());
    bench.full = false;
    run_for(TICK_MS);

    peer_gets(peer.fd, "one");
    peer_gets(peer.fd, "two");
    ck_assert(in_order);
}
END_TEST

START_TEST(it_can_be_closed_while_datagrams_wait)
{
    unsigned count = bench.message.count;

    send_numbers(EACH_MS);
    srf__transports_close(&bench.transports, on_closed, &bench);
    peer_stops();
    spin_until(&bench.closed, 1);
    run_for(2 * TICK_MS);

    ck_assert_uint_eq(bench.message.count, count);
}
END_TEST

static void close_all(bench_t *b)
{
    peer_stops();
    srf__transports_close(&b->transports, on_closed, b);
}

START_TEST(it_can_be_closed_by_one_of_the_gathered)
{
    unsigned count = bench.message.count;

    bench.on_message = close_all;
    spin_until(&bench.closed, 1);

    ck_assert_uint_eq(bench.message.count, count + 1);
}
END_TEST

START_TEST(nothing_is_gathered)
{
    peer_starts();
    run_for(3 * WINDOW_MS);

    ck_assert(!is_gathering());
    ck_assert_uint_gt(bench.message.count, 0);
    peer_stops();
}
END_TEST

/* ---- a whole stack ---- */

static void on_destroyed(void *data)
{
    *(bool *)data = true;
}

static void count_idle_poll(uv_handle_t *handle, void *arg)
{
    struct sockaddr_in at;
    socklen_t len = sizeof(at);
    uv_os_fd_t fd;

    if (handle->type == UV_POLL && uv_fileno(handle, &fd) == 0 &&
        getsockname(fd, (struct sockaddr *)&at, &len) == 0 &&
        !uv_is_active(handle))
        ++*(unsigned *)arg;
}

/* Whether a stack that listens with these options has come to gather 40
 * datagrams a millisecond, which it has so many milliseconds for. A machine
 * that is five times too slow is fast enough. */
static bool comes_to_gather(const srf_listen_options_t *options, unsigned ms)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    unsigned gathering = 0;
    bool destroyed = false;
    unsigned port;
    srf_t *srf;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(srf_create(&srf, &bench.loop, NULL), 0);
    ck_assert_int_eq(srf_listen(srf, "sip:127.0.0.1:0", options), 0);
    ck_assert_int_eq(
        sscanf(srf_listener_uri(srf, 0), "sip:127.0.0.1:%u", &port), 1);
    to.sin_port = htons((uint16_t)port);
    for (unsigned i = 0; i < ms && gathering == 0; i++) {
        for (unsigned k = 0; k < 40; k++)
            (void)sendto(fd, "\r\n\r\n", 4, 0, (const struct sockaddr *)&to,
                         sizeof(to));
        run_for(1);
        uv_walk(&bench.loop, count_idle_poll, &gathering);
    }
    srf_set_data(srf, &destroyed);
    srf_destroy(srf, on_destroyed);
    while (!destroyed)
        uv_run(&bench.loop, UV_RUN_ONCE);
    close(fd);
    return gathering > 0;
}

START_TEST(a_stack_gathers_unless_told_otherwise)
{
    srf_listen_options_t options;

    srf_listen_options_init(&options);
    ck_assert(comes_to_gather(NULL, 10000));
    ck_assert(comes_to_gather(&options, 10000));
    options.gather_ms = SRF_TIMEOUT_NONE;
    ck_assert(!comes_to_gather(&options, 200));
    options.gather_ms = 0;
    options.portable_udp = 1;
    ck_assert(!comes_to_gather(&options, 200));
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("gather");
#if defined(__linux__)
    TCase *gathering = tcase_create("while it gathers");
    TCase *without = tcase_create("it is off");
    TCase *stack = tcase_create("a stack");
    TCase *tiny = tcase_create("the receive buffer is tiny");

    tcase_add_checked_fixture(gathering, setup_gathering, end);
    tcase_set_timeout(gathering, 3 * HANG_MS / 1000);
    tcase_add_test(gathering,
                   dense_datagrams_are_read_together_in_order_and_none_is_lost);
    tcase_add_test(gathering,
                   when_they_end_the_listener_sleeps_again_and_wakes_at_once);
    tcase_add_test(gathering,
                   what_one_tick_does_not_read_does_not_wait_for_the_next);
    tcase_add_test(gathering, a_port_that_nobody_listens_on_is_told_of);
    tcase_add_test(gathering, what_nobody_listens_to_holds_nothing_up);
    tcase_add_test(gathering,
                   a_socket_that_was_full_sends_while_datagrams_are_gathered);
    tcase_add_test(gathering,
                   a_socket_that_was_full_sends_when_gathering_has_ended);
    tcase_add_test(gathering, it_can_be_closed_while_datagrams_wait);
    tcase_add_test(gathering, it_can_be_closed_by_one_of_the_gathered);
    suite_add_tcase(suite, gathering);

    tcase_add_checked_fixture(without, setup_without, end);
    tcase_set_timeout(without, 3 * HANG_MS / 1000);
    tcase_add_test(without, nothing_is_gathered);
    suite_add_tcase(suite, without);

    tcase_add_checked_fixture(tiny, setup_tiny_buffer, end);
    tcase_set_timeout(tiny, 3 * HANG_MS / 1000);
    tcase_add_test(tiny, nothing_is_gathered);
    suite_add_tcase(suite, tiny);

    tcase_add_checked_fixture(stack, setup, teardown);
    tcase_set_timeout(stack, 3 * HANG_MS / 1000);
    tcase_add_test(stack, a_stack_gathers_unless_told_otherwise);
    suite_add_tcase(suite, stack);
#endif
    return run_suite(suite);
}
