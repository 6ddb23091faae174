/*
 * What connections hold is in the account of memory, and has bounds.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "stage.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MEMORY = 1 << 20, PEERS = 4, ROUNDS = 20000, SMALL = 4096 };

static stage_t stage;
static int peers[PEERS];

static void setup(void)
{
    srf_options_t options;

    srf_options_init(&options);
    options.max_memory_bytes = MEMORY;
    memset(peers, 0xff, sizeof(peers));
    stage_setup(&stage, false, &options);
}

static void teardown(void)
{
    for (unsigned i = 0; i < PEERS; i++) {
        if (peers[i] >= 0)
            (void)close(peers[i]);
    }
    stage_teardown(&stage);
}

/* One whose system takes as little as it may. */
static int connect_small(unsigned port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port)};
    int bytes = SMALL;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)), 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static uint64_t memory(void)
{
    return stage_stats(&stage).memory_bytes;
}

/* Asks for an answer that is longer than the question. */
static void ask(int fd, unsigned number)
{
    char text[500];

    int len = snprintf(text, sizeof(text),
                       "OPTIONS tel:1 SIP/2.0\r\nVia: SIP/2.0/TCP "
                       "127.0.0.1:9;branch=z9hG4bK%u\r\nFrom: "
                       "<sip:a@b>;tag=1\r\nTo: <sip:b@c>\r\nCall-ID: "
                       "%u\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 0\r\nl: "
                       "0\r\n\r\n",
                       number, number);
    /* Part of one would be worse than none; what is read is asked. */
    (void)send(fd, text, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* A target that takes a connection and reads nothing from it. */
static unsigned deaf_server(int *fd)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof(at);
    int bytes = SMALL;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(*fd, 0);
    ck_assert_int_eq(
        setsockopt(*fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)), 0);
    ck_assert_int_eq(bind(*fd, (const struct sockaddr *)&at, len), 0);
    ck_assert_int_eq(listen(*fd, 1), 0);
    ck_assert_int_eq(getsockname(*fd, (struct sockaddr *)&at, &len), 0);
    return ntohs(at.sin_port);
}

START_TEST(connections_are_in_the_account_and_leave_it)
{
    const wire_kind_t kinds[] = {WIRE_TCP, WIRE_TLS, WIRE_WS, WIRE_WSS};
    unsigned port = stage_listen(&stage, kinds[_i]);
    uint64_t none = memory();
    wire_t *wire =
        wire_connect(&stage.loop, kinds[_i], stage.ip, port, stage.client_ctx);

    if (!wire_is_web(kinds[_i])) {
        wire_send_raw(wire, "\r\n\r\n", 4);
        (void)wire_expect_raw(wire, 2);
    }
    uint64_t idle = memory();
    ck_assert_uint_gt(idle, none + 300);
    if (wire_is_secure(kinds[_i]))
        ck_assert_uint_gt(idle, none + 8000);
    /* A message that has begun. */
    static char part[9000];
    memset(part, 'x', sizeof(part));
    static const char header[] = "MESSAGE sip:a@b SIP/2.0\r\nSubject: ";
    memcpy(part, header, sizeof(header) - 1);
    if (wire_is_web(kinds[_i]))
        memcpy(part, "\x81\xfe\x27\x10mask", 8); /* 10000 bytes */
    wire_send_raw(wire, part, sizeof(part));
    wire_run(&stage.loop, 10);
    ck_assert_uint_ge(memory(), idle + sizeof(part) - 100);
    wire_close(wire);
    wire_run(&stage.loop, 10);
    ck_assert_uint_eq(memory(), none);
}
END_TEST

START_TEST(what_waits_to_be_taken_is_in_the_account)
{
    int server;
    unsigned deaf = deaf_server(&server);
    wire_t *caller = wire_connect(&stage.loop, WIRE_UDP, stage.ip,
                                  stage_listen(&stage, WIRE_UDP), NULL);
    char name[20];
    char lines[1100];

    stage.listen.send_queue_bytes = 100000;
    (void)stage_listen(&stage, WIRE_TCP);
    (void)snprintf(stage.targets[0], STAGE_TEXT,
                   "sip:127.0.0.1:%u;transport=tcp", deaf);
    memset(lines, 'x', sizeof(lines));
    memcpy(lines, "X-Long: ", 8);
    memcpy(lines + 900, "\n", 2);
    /* ACKs, as it were: requests that nobody waits for, to fill the queue. */
    unsigned i = 0;
    for (; stage_stats(&stage).dropped_send_queue == 0 && i < ROUNDS; i++) {
        (void)snprintf(name, sizeof(name), "n%u", i);
        stage_request(&stage, caller, WIRE_UDP, "MESSAGE", "sip:b@call.test",
                      name, lines);
        wire_run(&stage.loop, 0);
        if (i % 16 == 0)
            wire_run(&stage.loop, 1);
        if (stage_stats(&stage).overloaded > 0)
            break;
    }
    /* Either bound holds: that of one queue, or that of all memory. */
    srf_stats_t stats = stage_stats(&stage);
    ck_assert_uint_gt(stats.dropped_send_queue + stats.overloaded, 0);
    ck_assert_uint_le(stats.memory_bytes, MEMORY + MEMORY / 4);
    wire_close(caller);
    (void)close(server);
}
END_TEST

/* Together they may hold half of the memory: who then wants more goes. */
START_TEST(those_who_read_nothing_go_before_memory_does)
{
    uint64_t most = 0;

    stage.listen.send_queue_bytes = 1 << 20;
    unsigned port = stage_listen(&stage, WIRE_TCP);
    for (unsigned i = 0; i < PEERS; i++)
        peers[i] = connect_small(port);
    int good = connect_small(port);
    for (unsigned n = 0;
         stage_stats(&stage).connections_shed == 0 && n < ROUNDS; n++) {
        for (unsigned i = 0; i < PEERS; i++)
            ask(peers[i], n * PEERS + i);
        wire_run(&stage.loop, 0);
        (void)uv_run(&stage.loop, UV_RUN_NOWAIT);
        if (memory() > most)
            most = memory();
    }
    srf_stats_t stats = stage_stats(&stage);
    ck_assert_uint_ge(stats.connections_shed, 1);
    ck_assert_uint_lt(most, MEMORY);
    /* Whoever holds little is not touched. */
    char pong[2];
    ck_assert_int_eq(send(good, "\r\n\r\n", 4, 0), 4);
    wire_run(&stage.loop, 20);
    ck_assert_int_eq(recv(good, pong, 2, MSG_DONTWAIT), 2);
    (void)close(good);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stream_memory");
    TCase *tcase = tcase_create("connections");

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, connections_are_in_the_account_and_leave_it, 0,
                        4);
    tcase_add_test(tcase, what_waits_to_be_taken_is_in_the_account);
    tcase_add_test(tcase, those_who_read_nothing_go_before_memory_does);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
