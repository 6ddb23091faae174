/*
 * Few descriptors: who gets them, and what happens without.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* With 64 descriptors: 30 connections accepted, 15 of one address; 12 to
 * targets of the program, 6 to where messages point. */
enum { FEW = 64, ACCEPTED = 30, OF_ONE = 15, NETWORK = 6, MANY = 40 };

static stage_t stage;
static struct rlimit before;
static int clients[4][MANY]; /* of 127.0.0.1 and so on */

static void set_descriptors(rlim_t count)
{
    const struct rlimit limit = {count, before.rlim_max};

    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* The library counts when it begins to listen; the peers, which are in the same
 * process, have enough. */
static void setup(void)
{
    memset(clients, 0xff, sizeof(clients));
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    stage_setup(&stage, false, NULL);
    set_descriptors(FEW);
}

static void teardown(void)
{
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned k = 0; k < MANY; k++) {
            if (clients[i][k] >= 0)
                (void)close(clients[i][k]);
        }
    }
    stage_teardown(&stage);
}

static unsigned listen_few(wire_kind_t kind)
{
    unsigned port = stage_listen(&stage, kind);

    set_descriptors(before.rlim_cur);
    return port;
}

/* ---- clients ---- */

static struct sockaddr_in local(unsigned host, unsigned port)
{
    struct sockaddr_in out = {.sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port)};

    out.sin_addr.s_addr = htonl(INADDR_LOOPBACK + host);
    return out;
}

static int open_from(unsigned host)
{
    const struct sockaddr_in from = local(host, 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&from, sizeof(from)), 0);
    return fd;
}

static void connect_one(int fd, unsigned port)
{
    const struct sockaddr_in to = local(0, port);

    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
}

static void connect_from(unsigned host, unsigned port, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        clients[host][i] = open_from(host);
        connect_one(clients[host][i], port);
    }
    wire_run(&stage.loop, 20);
}

/* A ping gets its pong within a moment. */
static bool is_served(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    char pong[2];

    if (send(fd, "\r\n\r\n", 4, MSG_NOSIGNAL) != 4)
        return false;
    for (unsigned i = 0; i < 50; i++) {
        wire_run(&stage.loop, 2);
        if (poll(&poll_fd, 1, 0) == 1)
            return read(fd, pong, 2) == 2;
    }
    return false;
}

static unsigned served(unsigned host, unsigned count)
{
    unsigned out = 0;

    for (unsigned i = 0; i < count; i++)
        out += is_served(clients[host][i]);
    return out;
}

static bool has_ended(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0 ||
           (errno != EAGAIN && errno != EWOULDBLOCK);
}

/* ---- cases ---- */

START_TEST(one_address_leaves_half_to_others)
{
    unsigned port = listen_few(WIRE_TCP);

    connect_from(0, port, MANY);
    ck_assert_uint_eq(stage_stats(&stage).connections, OF_ONE);
    ck_assert_uint_eq(stage_stats(&stage).connections_refused, MANY - OF_ONE);
    ck_assert_ptr_nonnull(strstr(stage.log, "connection refused: its source"));
    connect_from(1, port, OF_ONE);
    ck_assert_uint_eq(served(1, OF_ONE), OF_ONE);
}
END_TEST

/* Those that have said nothing go first. */
START_TEST(whoever_has_most_makes_room)
{
    unsigned port = listen_few(WIRE_TCP);

    connect_from(0, port, OF_ONE);
    connect_from(1, port, OF_ONE);
    (void)send(clients[0][0], "OPTIONS", 7, MSG_NOSIGNAL); /* has begun */
    (void)send(clients[1][0], "OPTIONS", 7, MSG_NOSIGNAL);
    wire_run(&stage.loop, 10);
    connect_from(2, port, 3);
    ck_assert_uint_eq(served(2, 3), 3);
    ck_assert_uint_eq(stage_stats(&stage).connections, ACCEPTED);
    ck_assert_uint_eq(stage_stats(&stage).connections_shed, 3);
    ck_assert(!has_ended(clients[0][0]));
    ck_assert(!has_ended(clients[1][0]));
    /* Who has nearly as many does not take from the others. */
    connect_from(3, port, OF_ONE);
    ck_assert_uint_lt(stage_stats(&stage).connections_shed, 3 + OF_ONE);
    ck_assert_uint_eq(stage_stats(&stage).connections, ACCEPTED);
}
END_TEST

static void say(unsigned host, const char *text)
{
    for (unsigned i = 0; i < OF_ONE; i++)
        (void)send(clients[host][i], text, strlen(text), MSG_NOSIGNAL);
    wire_run(&stage.loop, 20);
}

/* Who begins a message and completes none, or is refused and does not go, has
 * no more right to stay than who says nothing. */
START_TEST(whoever_is_slow_makes_room_as_well)
{
    static const char *const texts[] = {"OPTIONS",
                                        "OPTIONS sip:a@b SIP/2.0\r\n\r\n"};
    unsigned port = listen_few(WIRE_TCP);

    connect_from(0, port, OF_ONE);
    connect_from(1, port, OF_ONE);
    say(0, texts[_i]);
    say(1, texts[_i]);
    connect_from(2, port, 3);
    ck_assert_uint_eq(served(2, 3), 3);
    ck_assert_uint_eq(stage_stats(&stage).connections_shed, 3);
}
END_TEST

START_TEST(a_flood_of_connections_leaves_the_targets_alone)
{
    unsigned port = listen_few(WIRE_TCP);
    wire_t *callee = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);
    wire_t *caller = wire_connect(&stage.loop, WIRE_UDP, stage.ip,
                                  stage_listen(&stage, WIRE_UDP), NULL);

    connect_from(0, port, MANY);
    connect_from(1, port, MANY);
    connect_from(2, port, MANY);
    ck_assert_uint_eq(stage_stats(&stage).connections, ACCEPTED);
    stage_target(&stage, 0, callee, WIRE_TCP);
    stage_request(&stage, caller, WIRE_UDP, "MESSAGE", "sip:bob@call.test", "a",
                  "");
    stage_answer(callee, wire_expect(callee, "MESSAGE "), "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 200");
    wire_close(caller);
    wire_close(callee);
}
END_TEST

/* Something that takes connections and says nothing, at many addresses. */
static int silent_server(unsigned *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    at.sin_addr.s_addr = htonl(INADDR_ANY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&at, len), 0);
    ck_assert_int_eq(listen(fd, MANY), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

START_TEST(what_messages_name_leaves_the_targets_alone)
{
    wire_t *caller;
    wire_t *callee = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);
    unsigned port;
    char uri[100];
    char name[20];

    (void)stage_listen(&stage, WIRE_TCP);
    caller = wire_connect(&stage.loop, WIRE_UDP, stage.ip, listen_few(WIRE_UDP),
                          NULL);
    int silent = silent_server(&port);
    for (unsigned i = 0; i < MANY; i++) {
        (void)snprintf(uri, sizeof(uri), "sip:x@127.0.1.%u:%u;transport=tcp",
                       i + 1, port);
        (void)snprintf(name, sizeof(name), "n%u", i);
        stage_request(&stage, caller, WIRE_UDP,
                      i % 2 == 0 ? "MESSAGE" : "INVITE", uri, name, "");
        wire_run(&stage.loop, 2);
    }
    ck_assert_uint_eq(stage_stats(&stage).connections_opened, NETWORK);
    ck_assert_uint_eq(stage_stats(&stage).connections_not_opened,
                      MANY - NETWORK);
    ck_assert_ptr_nonnull(strstr(stage.log, "to where messages point"));
    wire_close(caller);
    caller = wire_connect(&stage.loop, WIRE_UDP, stage.ip,
                          stage_listen(&stage, WIRE_UDP), NULL);
    stage_target(&stage, 0, callee, WIRE_TCP);
    stage_request(&stage, caller, WIRE_UDP, "MESSAGE", "sip:bob@call.test", "z",
                  "");
    stage_answer(callee, wire_expect(callee, "MESSAGE "), "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 200");
    wire_close(caller);
    wire_close(callee);
    (void)close(silent);
}
END_TEST

static unsigned turns;

static void on_prepare(uv_prepare_t *prepare)
{
    (void)prepare;
    turns++;
}

/* Without descriptors whoever connects waits, the log says so, and the loop
 * does not turn for nothing. */
START_TEST(what_messages_name_and_is_idle_makes_room)
{
    wire_t *servers[NETWORK + 1];
    wire_t *caller;
    char text[100];
    char name[20];

    (void)stage_listen(&stage, WIRE_TCP);
    caller = wire_connect(&stage.loop, WIRE_UDP, stage.ip, listen_few(WIRE_UDP),
                          NULL);
    for (unsigned i = 0; i <= NETWORK; i++) {
        (void)snprintf(text, sizeof(text), "127.0.1.%u", i + 1);
        servers[i] = wire_listen(&stage.loop, WIRE_TCP, text, NULL);
        (void)snprintf(text, sizeof(text), "sip:x@127.0.1.%u:%u;transport=tcp",
                       i + 1, wire_port(servers[i]));
        (void)snprintf(name, sizeof(name), "n%u", i);
        stage_request(&stage, caller, WIRE_UDP, "MESSAGE", text, name, "");
        stage_answer(servers[i], wire_expect(servers[i], "MESSAGE "), "200 OK",
                     "");
        (void)wire_expect(caller, "SIP/2.0 200");
    }
    ck_assert_uint_eq(stage_stats(&stage).connections_opened, NETWORK + 1);
    ck_assert_uint_eq(stage_stats(&stage).connections_shed, 1);
    wire_expect_end(servers[0]);
    for (unsigned i = 0; i <= NETWORK; i++)
        wire_close(servers[i]);
    wire_close(caller);
}
END_TEST

START_TEST(without_descriptors_connections_wait)
{
    unsigned port = stage_listen(&stage, WIRE_TCP);
    uv_prepare_t prepare;

    clients[0][0] = open_from(0);
    clients[1][0] = open_from(1);
    int probe = dup(0);
    ck_assert_int_ge(probe, 0);
    (void)close(probe);
    set_descriptors((rlim_t)probe); /* no further one */
    connect_one(clients[0][0], port);
    connect_one(clients[1][0], port);
    ck_assert(!is_served(clients[0][0]));
    ck_assert_uint_eq(stage_stats(&stage).connections, 0);
    ck_assert_uint_ge(stage_stats(&stage).accepts_failed, 1);
    ck_assert_ptr_nonnull(strstr(stage.log, "cannot accept connections"));
    ck_assert_ptr_null(
        strstr(strstr(stage.log, "cannot accept") + 1, "cannot accept"));
    ck_assert(!has_ended(clients[0][0]));
    ck_assert_int_eq(uv_prepare_init(&stage.loop, &prepare), 0);
    ck_assert_int_eq(uv_prepare_start(&prepare, on_prepare), 0);
    turns = 0;
    uint64_t until = uv_hrtime() + 300000000;
    while (uv_hrtime() < until)
        (void)uv_run(&stage.loop, UV_RUN_ONCE);
    ck_assert_uint_lt(turns, 100);
    uv_close((uv_handle_t *)&prepare, NULL);
    set_descriptors(before.rlim_cur);
    wire_run(&stage.loop, 150);
    char pong[2];
    ck_assert_int_eq(read(clients[0][0], pong, 2), 2); /* of the ping above */
    ck_assert(is_served(clients[1][0]));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("descriptors");
    TCase *tcase = tcase_create("connections");

    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, one_address_leaves_half_to_others);
    tcase_add_test(tcase, whoever_has_most_makes_room);
    tcase_add_loop_test(tcase, whoever_is_slow_makes_room_as_well, 0, 2);
    tcase_add_test(tcase, a_flood_of_connections_leaves_the_targets_alone);
    tcase_add_test(tcase, what_messages_name_leaves_the_targets_alone);
    tcase_add_test(tcase, what_messages_name_and_is_idle_makes_room);
    tcase_add_test(tcase, without_descriptors_connections_wait);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
