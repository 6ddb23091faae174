/*
 * c-ares on the loop, with a name server of the test's own.
 *
 * SPDX-License-Identifier: MIT
 */
#include "resolver/dns.h"

#include "nameserver.h"
#include "runner.h"
#include "srf/srf.h"

#include <stdio.h>

#include <uv.h>

enum { PATIENCE_MS = 5000, ANSWERS = 50 };

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
    if (dns != NULL)
        srf__dns_destroy(dns, on_destroyed, NULL);
    if (first.port != 0) {
        nameserver_stop(&first);
        nameserver_stop(&second);
    }
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_uint_eq(destroyed, dns != NULL);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    for (unsigned i = 0; i < told.count; i++)
        srf__records_unref(told.records[i]);
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
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
