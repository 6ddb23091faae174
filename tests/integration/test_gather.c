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
#include "udp_bench.h"

#if defined(__linux__)
# include <errno.h>
# include <sys/syscall.h>

/* They stand in front of those of the C library. */
static unsigned receives; /* calls of recvmmsg() */

int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
             struct timespec *timeout)
{
    receives++;
    return (int)syscall(SYS_recvmmsg, fd, messages, count, flags, timeout);
}

int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    if (bench.full) {
        errno = EAGAIN;
        return -1;
    }
    return (int)syscall(SYS_sendmmsg, fd, messages, count, flags);
}

enum {
    TICK_MS = 20,
    /* A machine that is five times too slow is dense enough. */
    EACH_MS = 3,
    /* Until it gathers, and as long again. */
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

static void note_number(bench_t *b)
{
    uint32_t number;

    memcpy(&number, b->message.data, sizeof(number));
    in_order = in_order && number == b->message.count;
}

static void send_some(uv_timer_t *timer)
{
    (void)timer;
    peer.rounds++;
    for (unsigned i = 0; i < EACH_MS; i++) {
        uint32_t number = ++peer.sent;
        peer_sends(peer.fd, peer.to, (const char *)&number, sizeof(number));
    }
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

static void open_gathering(uint32_t tick_ms)
{
    const srf__udp_settings_t settings = {.gather_ms = tick_ms};
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
    open_gathering(TICK_MS);
    peer_starts();
    for (unsigned i = 0; i < 100 && !is_gathering(); i++)
        run_for(TICK_MS);
    ck_assert(is_gathering());
}

static void setup_without(void)
{
    setup();
    open_gathering(0);
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
    send_some(NULL);
    uv_run(&bench.loop, UV_RUN_NOWAIT);

    ck_assert_uint_eq(bench.message.count, count + EACH_MS);
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

START_TEST(it_can_be_closed_while_datagrams_wait)
{
    unsigned count = bench.message.count;

    send_some(NULL);
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

START_TEST(nothing_is_gathered_when_that_is_off)
{
    peer_starts();
    run_for(3 * WINDOW_MS);

    ck_assert(!is_gathering());
    peer_stops();
    spin_until(&bench.message.count, peer.sent);
    ck_assert(in_order);
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("gather");
#if defined(__linux__)
    TCase *gathering = tcase_create("while it gathers");
    TCase *without = tcase_create("without");

    tcase_add_checked_fixture(gathering, setup_gathering, end);
    tcase_set_timeout(gathering, 3 * HANG_MS / 1000);
    tcase_add_test(gathering,
                   dense_datagrams_are_read_together_in_order_and_none_is_lost);
    tcase_add_test(gathering,
                   when_they_end_the_listener_sleeps_again_and_wakes_at_once);
    tcase_add_test(gathering, a_port_that_nobody_listens_on_is_told_of);
    tcase_add_test(gathering,
                   a_socket_that_was_full_sends_while_datagrams_are_gathered);
    tcase_add_test(gathering, it_can_be_closed_while_datagrams_wait);
    tcase_add_test(gathering, it_can_be_closed_by_one_of_the_gathered);
    suite_add_tcase(suite, gathering);

    tcase_add_checked_fixture(without, setup_without, end);
    tcase_set_timeout(without, 3 * HANG_MS / 1000);
    tcase_add_test(without, nothing_is_gathered_when_that_is_off);
    suite_add_tcase(suite, without);
#endif
    return run_suite(suite);
}
