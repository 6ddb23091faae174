/*
 * c-ares on the loop, with a name server of the test's own.
 *
 * SPDX-License-Identifier: MIT
 */
#include "resolver/dns.h"

#include "dns_message.h"
#include "nameserver.h"
#include "runner.h"
#include "srf/srf.h"

#include <stdio.h>

#include <unistd.h>

#include <uv.h>

enum { PATIENCE_MS = 5000, ANSWERS = 50, LARGE = 40 };

typedef struct told {
    unsigned count;
    srf__records_t *records[ANSWERS];
} told_t;

static uv_loop_t loop;
static nameserver_t first;
static nameserver_t second;
static srf__dns_t *dns;
static told_t told;
static unsigned destroyed;
static bool ended;  /* by the test itself */
static bool inside; /* a question is being asked: no answer may come */

/* ---- the resolver's side ---- */

static void on_told(void *arg, srf__records_t *records)
{
    told_t *to = arg;

    ck_assert(!inside);
    ck_assert_uint_lt(to->count, ANSWERS);
    to->records[to->count++] = records;
}

static void ask(const char *name)
{
    inside = true;
    ck_assert_int_eq(srf__dns_query(dns, name, SRF__RR_A, on_told, &told), 0);
    inside = false;
}

static void wait_told(unsigned count)
{
    uint64_t end = uv_hrtime() + (uint64_t)PATIENCE_MS * 1000000;

    while (told.count < count) {
        ck_assert_msg(uv_hrtime() < end, "%u answers", told.count);
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    }
}

static void start_server(nameserver_t *server, nameserver_manner_t manner)
{
    char name[40];

    nameserver_start(server, &loop);
    server->manner = manner;
    nameserver_add_a(server, "a.example.com", "127.0.0.1");
    for (unsigned i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof(name), "h%u.example.com", i);
        nameserver_add_a(server, name, "127.0.0.1");
    }
}

static void start(nameserver_manner_t one, nameserver_manner_t other)
{
    char servers[100];

    start_server(&first, one);
    start_server(&second, other);
    (void)snprintf(servers, sizeof(servers), "127.0.0.1:%u,127.0.0.1:%u",
                   first.port, second.port);
    const srf__dns_settings_t settings = {
        .servers = servers, .timeout_ms = 60, .tries = 2};
    ck_assert_int_eq(srf__dns_create(&loop, &settings, &dns), 0);
}

static void setup(void)
{
    memset(&first, 0, sizeof(first));
    memset(&second, 0, sizeof(second));
    memset(&told, 0, sizeof(told));
    destroyed = 0;
    ended = false;
    dns = NULL;
    ck_assert_int_eq(uv_loop_init(&loop), 0);
}

static void on_destroyed(void *arg)
{
    (void)arg;
    destroyed++;
}

static void teardown(void)
{
    if (dns != NULL && !ended)
        srf__dns_destroy(dns, on_destroyed, NULL);
    if (first.port != 0) {
        nameserver_stop(&first);
        nameserver_stop(&second);
    }
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_uint_eq(destroyed, dns != NULL);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    for (unsigned i = 0; i < told.count; i++)
        srf__records_free(told.records[i]);
}

START_TEST(an_answer_comes_from_the_loop)
{
    start(NAMESERVER_ANSWERS, NAMESERVER_ANSWERS);
    ask("a.example.com");
    wait_told(1);
    ck_assert_int_eq(told.records[0]->answer, SRF__ANSWER_FOUND);
    ck_assert_mem_eq(told.records[0]->list[0].ip, "\x7f\0\0\1", 4);
    ck_assert_uint_eq(told.records[0]->ttl_s, 60);
    ck_assert_uint_eq(second.asked, 0);
}
END_TEST

START_TEST(what_is_not_there_is_said_to_be_so)
{
    start(NAMESERVER_ANSWERS, NAMESERVER_ANSWERS);
    ask("nobody.example.com");
    wait_told(1);
    ck_assert_int_eq(told.records[0]->answer, SRF__ANSWER_NO_NAME);
}
END_TEST

START_TEST(the_second_server_is_asked_when_the_first_does_not_help)
{
    const nameserver_manner_t manners[] = {NAMESERVER_IS_SILENT,
                                           NAMESERVER_FAILS};

    start(manners[_i], NAMESERVER_ANSWERS);
    ask("a.example.com");
    wait_told(1);
    ck_assert_int_eq(told.records[0]->answer, SRF__ANSWER_FOUND);
    ck_assert_uint_ge(first.asked, 1);
}
END_TEST

START_TEST(when_nobody_answers_that_is_the_answer)
{
    const nameserver_manner_t manners[] = {
        NAMESERVER_IS_SILENT, NAMESERVER_FAILS, NAMESERVER_TALKS_NONSENSE};

    start(manners[_i], manners[_i]);
    ask("a.example.com");
    wait_told(1);
    ck_assert_int_eq(told.records[0]->answer, SRF__ANSWER_FAILED);
}
END_TEST

START_TEST(a_name_that_cannot_be_asked_for_fails_from_the_loop)
{
    char name[400];

    start(NAMESERVER_ANSWERS, NAMESERVER_ANSWERS);
    memset(name, 'a', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    ask(name);
    ck_assert_uint_eq(told.count, 0);
    wait_told(1);
    ck_assert_int_eq(told.records[0]->answer, SRF__ANSWER_FAILED);
}
END_TEST

START_TEST(many_questions_are_open_at_once)
{
    char name[40];

    start(NAMESERVER_ANSWERS, NAMESERVER_ANSWERS);
    for (unsigned i = 0; i < ANSWERS; i++) {
        (void)snprintf(name, sizeof(name), "h%u.example.com", i);
        ask(name);
    }
    wait_told(ANSWERS);
}
END_TEST

static void count_active(uv_handle_t *handle, void *arg)
{
    unsigned *active = arg;

    if (uv_is_active(handle) && uv_has_ref(handle))
        ++*active;
}

START_TEST(nothing_runs_while_no_question_is_open)
{
    unsigned active = 0;

    start(NAMESERVER_ANSWERS, NAMESERVER_ANSWERS);
    uv_walk(&loop, count_active, &active);
    ck_assert_uint_eq(active, 0);
    ask("a.example.com");
    wait_told(1);
    /* c-ares keeps its socket a while; it waits for nothing. */
    for (unsigned i = 0; i < 50; i++)
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    active = 0;
    uv_walk(&loop, count_active, &active);
    ck_assert_uint_eq(active, 0);
}
END_TEST

START_TEST(it_may_go_while_questions_are_open)
{
    start(NAMESERVER_IS_SILENT, NAMESERVER_IS_SILENT);
    ask("a.example.com");
    ask("b.example.com");
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    /* teardown() destroys it; no answer comes. */
}
END_TEST

START_TEST(servers_that_cannot_be_read_are_refused)
{
    const srf__dns_settings_t settings = {
        .servers = "not an address", .timeout_ms = 60, .tries = 2};

    ck_assert_int_eq(srf__dns_create(&loop, &settings, &dns),
                     SRF_ERR_INVALID_ARGUMENT);
    ck_assert_ptr_null(dns);
}
END_TEST

/* ---- the same server over TCP ---- */

static struct tcp {
    uv_tcp_t listener;
    uv_tcp_t peer;
    char question[512];
    size_t len;
    unsigned asked;
} tcp;

static void on_tcp_alloc(uv_handle_t *handle, size_t size, uv_buf_t *out)
{
    (void)handle;
    (void)size;
    *out = uv_buf_init(tcp.question + tcp.len,
                       (unsigned)(sizeof(tcp.question) - tcp.len));
}

/* More addresses than a datagram of DNS holds. */
static void answer_large(void)
{
    static dns_message_t message;
    unsigned char len[2];

    dns_begin(&message, 0, "a.example.com", SRF__RR_A);
    for (unsigned i = 0; i < LARGE; i++)
        dns_a(&message, "@12", 60, 0x7f000001u + i);
    memcpy(message.data, tcp.question + 2, 2); /* its id */
    len[0] = (unsigned char)(message.len >> 8);
    len[1] = (unsigned char)message.len;
    uv_buf_t out[] = {uv_buf_init((char *)len, 2),
                      uv_buf_init((char *)message.data, (unsigned)message.len)};
    ck_assert_int_eq(uv_try_write((uv_stream_t *)&tcp.peer, out, 2),
                     (int)message.len + 2);
}

static void on_tcp_question(uv_stream_t *peer, ssize_t nread,
                            const uv_buf_t *buf)
{
    (void)buf;
    if (nread < 0) {
        uv_close((uv_handle_t *)peer, NULL);
        return;
    }
    tcp.len += (size_t)nread;
    if (tcp.len < 2 || tcp.len - 2 < (size_t)(unsigned char)tcp.question[1])
        return;
    tcp.asked++;
    tcp.len = 0;
    answer_large();
}

static void on_tcp_connection(uv_stream_t *listener, int status)
{
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(uv_tcp_init(&loop, &tcp.peer), 0);
    ck_assert_int_eq(uv_accept(listener, (uv_stream_t *)&tcp.peer), 0);
    ck_assert_int_eq(
        uv_read_start((uv_stream_t *)&tcp.peer, on_tcp_alloc, on_tcp_question),
        0);
}

static void start_tcp(unsigned port)
{
    struct sockaddr_in at;

    memset(&tcp, 0, sizeof(tcp));
    ck_assert_int_eq(uv_ip4_addr("127.0.0.1", (int)port, &at), 0);
    ck_assert_int_eq(uv_tcp_init(&loop, &tcp.listener), 0);
    ck_assert_int_eq(
        uv_tcp_bind(&tcp.listener, (const struct sockaddr *)&at, 0), 0);
    ck_assert_int_eq(
        uv_listen((uv_stream_t *)&tcp.listener, 1, on_tcp_connection), 0);
}

START_TEST(an_answer_that_was_cut_off_is_had_over_tcp)
{
    start(NAMESERVER_TRUNCATES, NAMESERVER_ANSWERS);
    start_tcp(first.port);
    ask("a.example.com");
    wait_told(1);
    ck_assert_uint_eq(tcp.asked, 1);
    ck_assert_int_eq(told.records[0]->answer, SRF__ANSWER_FOUND);
    ck_assert_uint_eq(told.records[0]->count, LARGE);
    ck_assert_uint_eq(second.asked, 0);
    uv_close((uv_handle_t *)&tcp.listener, NULL);
}
END_TEST

/* ---- servers that come and go ---- */

static unsigned stop_first(void)
{
    unsigned port = first.port;

    nameserver_stop(&first);
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    return port;
}

START_TEST(a_server_that_is_not_there_costs_no_time)
{
    start(NAMESERVER_ANSWERS, NAMESERVER_ANSWERS);
    srf__dns_destroy(dns, NULL, NULL);
    (void)stop_first();
    char servers[100];
    (void)snprintf(servers, sizeof(servers), "127.0.0.1:%u,127.0.0.1:%u",
                   first.port, second.port);
    const srf__dns_settings_t settings = {
        .servers = servers, .timeout_ms = 60000, .tries = 2};
    ck_assert_int_eq(srf__dns_create(&loop, &settings, &dns), 0);
    ask("a.example.com");
    wait_told(1);
    ck_assert_int_eq(told.records[0]->answer, SRF__ANSWER_FOUND);
    nameserver_start_at(&first, &loop, 0);
}
END_TEST

static void on_byte(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    ask("b.example.com");
    uv_close((uv_handle_t *)poll, NULL);
}

/* The second question meets the error of the socket that the first one went
 * over, in the same turn of the loop in which the socket reports it. */
START_TEST(a_server_that_comes_back_is_heard_over_the_same_socket)
{
    uv_poll_t poll;
    int pipe_ends[2];

    start(NAMESERVER_ANSWERS, NAMESERVER_IS_SILENT);
    unsigned port = stop_first();
    ck_assert_int_eq(pipe(pipe_ends), 0);
    ck_assert_int_eq(write(pipe_ends[1], "x", 1), 1);
    ck_assert_int_eq(uv_poll_init(&loop, &poll, pipe_ends[0]), 0);
    ck_assert_int_eq(uv_poll_start(&poll, UV_READABLE, on_byte), 0);
    ask("a.example.com");
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    nameserver_start_at(&first, &loop, port);
    nameserver_add_a(&first, "a.example.com", "127.0.0.1");
    wait_told(2);
    unsigned found = 0;
    for (unsigned i = 0; i < 2; i++)
        found += told.records[i]->answer == SRF__ANSWER_FOUND;
    ck_assert_uint_eq(found, 1);
    ck_assert_uint_ge(first.asked, 1);
    (void)close(pipe_ends[0]);
    (void)close(pipe_ends[1]);
}
END_TEST

/* ---- the end ---- */

static void on_told_the_end(void *arg, srf__records_t *records)
{
    on_told(arg, records);
    ended = true;
    srf__dns_destroy(dns, on_destroyed, NULL);
    ck_assert_uint_eq(destroyed, 0); /* from the loop */
}

START_TEST(it_may_go_while_an_answer_is_told)
{
    char name[400];

    start(NAMESERVER_IS_SILENT, NAMESERVER_IS_SILENT);
    memset(name, 'a', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    /* Two of which c-ares says at once that they fail, and an open one. */
    for (unsigned i = 0; i < 2; i++)
        ck_assert_int_eq(
            srf__dns_query(dns, name, SRF__RR_A, on_told_the_end, &told), 0);
    ask("a.example.com");
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_uint_eq(told.count, 1);
    ck_assert_uint_eq(destroyed, 1);
}
END_TEST

/* ---- without memory ---- */

static unsigned long allocations;
static unsigned long fail_at;

static void *poor_malloc(size_t size, void *user)
{
    (void)user;
    return ++allocations == fail_at ? NULL : malloc(size);
}

static void *poor_calloc(size_t count, size_t size, void *user)
{
    (void)user;
    return ++allocations == fail_at ? NULL : calloc(count, size);
}

static void *poor_realloc(void *ptr, size_t size, void *user)
{
    (void)user;
    return ++allocations == fail_at ? NULL : realloc(ptr, size);
}

static void poor_free(void *ptr, void *user)
{
    (void)user;
    free(ptr);
}

/* One question with the allocation that `fail_at` says failing: whether it was
 * answered well. */
static bool ask_poor(const srf__dns_settings_t *settings)
{
    bool good = false;
    srf__dns_t *poor;
    int err = srf__dns_create(&loop, settings, &poor);

    if (err != 0) {
        ck_assert_int_eq(err, SRF_ERR_NO_MEMORY);
        ck_assert_ptr_null(poor);
        return false;
    }
    err = srf__dns_query(poor, "a.example.com", SRF__RR_A, on_told, &told);
    if (err == 0) {
        wait_told(1);
        srf__records_t *records = told.records[--told.count];
        good = records != NULL && records->answer == SRF__ANSWER_FOUND;
        srf__records_free(records);
    } else {
        ck_assert_int_eq(err, SRF_ERR_NO_MEMORY);
    }
    unsigned before = destroyed;
    srf__dns_destroy(poor, on_destroyed, NULL);
    while (destroyed == before)
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    ck_assert_uint_eq(told.count, 0);
    return good;
}

START_TEST(each_allocation_may_fail)
{
    const srf_allocator_t poor = {poor_malloc, poor_calloc, poor_realloc,
                                  poor_free, NULL};
    char server[40];
    unsigned bad = 0;

    start_server(&first, NAMESERVER_ANSWERS);
    start_server(&second, NAMESERVER_ANSWERS);
    (void)snprintf(server, sizeof(server), "127.0.0.1:%u", first.port);
    const srf__dns_settings_t settings = {
        .servers = server, .timeout_ms = 20, .tries = 1};
    ck_assert_int_eq(srf_set_allocator(&poor), 0);
    fail_at = 0;
    do {
        fail_at++;
        allocations = 0;
        bad += !ask_poor(&settings);
    } while (allocations >= fail_at);
    ck_assert_int_eq(srf_set_allocator(NULL), 0);
    ck_assert_uint_eq(bad, fail_at - 1); /* each of them mattered */
    ck_assert_uint_ge(bad, 4);
    destroyed = 0;
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dns");
    TCase *tcase = tcase_create("questions");

    tcase_set_timeout(tcase, 20);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, an_answer_comes_from_the_loop);
    tcase_add_test(tcase, what_is_not_there_is_said_to_be_so);
    tcase_add_loop_test(
        tcase, the_second_server_is_asked_when_the_first_does_not_help, 0, 2);
    tcase_add_loop_test(tcase, when_nobody_answers_that_is_the_answer, 0, 3);
    tcase_add_test(tcase, a_name_that_cannot_be_asked_for_fails_from_the_loop);
    tcase_add_test(tcase, many_questions_are_open_at_once);
    tcase_add_test(tcase, nothing_runs_while_no_question_is_open);
    tcase_add_test(tcase, it_may_go_while_questions_are_open);
    tcase_add_test(tcase, servers_that_cannot_be_read_are_refused);
    tcase_add_test(tcase, an_answer_that_was_cut_off_is_had_over_tcp);
    tcase_add_test(tcase, a_server_that_is_not_there_costs_no_time);
    tcase_add_test(tcase,
                   a_server_that_comes_back_is_heard_over_the_same_socket);
    tcase_add_test(tcase, it_may_go_while_an_answer_is_told);
    tcase_add_test(tcase, each_allocation_may_fail);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
