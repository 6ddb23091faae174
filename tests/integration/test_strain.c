/*
 * What UDP listeners tell of datagrams that wait, or are lost, on real sockets.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE /* for recvmmsg() */

#include "runner.h"
#include "udp_bench.h"

#include <errno.h>
#include <sys/socket.h>

enum {
    /* More than one go reads. */
    HEAP = 400,
    WAIT_MS = 80,
    TINY_BYTES = 34000
};

static int peer = -1;
static srf__addr_t peer_at;
static srf__listener_t *listener;

static void open_with(uint32_t buffer_bytes, bool portable)
{
    const srf__udp_settings_t settings = {.receive_buffer_bytes = buffer_bytes,
                                          .portable = portable};
    srf__addr_t at = address("127.0.0.1", 0);

    ck_assert_int_eq(srf__udp_listen(&bench.transports, &at, &settings), 0);
    listener = bench.transports.listeners;
    peer = open_peer("127.0.0.1", &peer_at);
}

static void end(void)
{
    close(peer);
    teardown();
}

static void send_heap(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        peer_sends(peer, listener, "x", 1);
}

static srf__strain_t strain(void)
{
    srf__strain_t out;

    srf__transports_strain(&bench.transports, &out);
    return out;
}

START_TEST(what_was_received_is_counted)
{
    open_with(0, _i == 1);
    send_heap(100);
    spin_until(&bench.message.count, 100);
    ck_assert_uint_eq(strain().received, 100);
    ck_assert_uint_eq(strain().drops, 0);
    ck_assert_uint_eq(strain().wait_ms, 0);
}
END_TEST

#if defined(__linux__)
START_TEST(what_found_no_room_is_counted)
{
    srf__strain_t all = {0};

    open_with(TINY_BYTES, _i == 1);
    send_heap(HEAP);
    for (unsigned i = 0; i < 1000 && all.received + all.drops < HEAP; i++) {
        run_for(1);
        all = strain();
    }
    ck_assert_uint_gt(all.drops, 0);
    ck_assert_uint_eq(all.received + all.drops, HEAP);
    ck_assert_uint_eq(all.drops, srf__transports_drops(&bench.transports));
}
END_TEST

/* More than one go reads, and the first part of it, after it has waited. What
 * is told of that. */
static srf__strain_t read_some_of_a_heap(void)
{
    (void)strain();
    send_heap(HEAP);
    uv_sleep(WAIT_MS);
    uv_run(&bench.loop, UV_RUN_NOWAIT);
    return strain();
}

/* Where recvmmsg(2) is not there UDP stands on libuv, which asks for no time.
 */
static bool system_tells(void)
{
    return recvmmsg(-1, NULL, 0, 0, NULL) == 0 || errno != ENOSYS;
}

START_TEST(a_heap_that_stays_is_told_with_its_age)
{
    uint32_t wait_ms = 0;
    unsigned sent = 0;

    open_with(0, false);
    if (!system_tells())
        return;
    /* The first question makes the system take the times, some time later. */
    for (unsigned i = 0; i < 50 && wait_ms == 0; i++) {
        wait_ms = read_some_of_a_heap().wait_ms;
        sent += HEAP;
        ck_assert_uint_lt(bench.message.count, sent);
        /* It is that since the last question. */
        ck_assert_uint_eq(strain().wait_ms, 0);
        spin_until(&bench.message.count, sent);
    }
    ck_assert_uint_ge(wait_ms, WAIT_MS);
    ck_assert_uint_le(wait_ms, WAIT_MS + 5000);
}
END_TEST

START_TEST(a_heap_that_was_worked_off_is_not)
{
    open_with(0, false);
    for (unsigned i = 1; i <= 5; i++) {
        send_heap(HEAP);
        uv_sleep(WAIT_MS);
        spin_until(&bench.message.count, i * HEAP);
        ck_assert_uint_eq(strain().wait_ms, 0);
    }
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("strain");
    TCase *tcase = tcase_create("strain");

    tcase_add_checked_fixture(tcase, setup, end);
    tcase_add_loop_test(tcase, what_was_received_is_counted, 0, 2);
#if defined(__linux__)
    tcase_add_loop_test(tcase, what_found_no_room_is_counted, 0, 2);
    tcase_add_test(tcase, a_heap_that_stays_is_told_with_its_age);
    tcase_add_test(tcase, a_heap_that_was_worked_off_is_not);
#endif
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
