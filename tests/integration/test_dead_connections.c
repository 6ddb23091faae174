/*
 * Requests to a peer that has forgotten the connection they are written to: its
 * program or its host has begun anew.
 *
 * SPDX-License-Identifier: MIT
 */
#include "meeting.h"

enum { MOMENT_MS = 30 };

/* The callee has a connection of ours that was used. */
static void meet_over(wire_kind_t how)
{
    meet(how);
    ask("MESSAGE", "first");
    stage_answer(callee, wire_expect(callee, "MESSAGE "), "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 200");
}

static void expect_answered(const char *method)
{
    char start[20];

    (void)snprintf(start, sizeof(start), "%s ", method);
    stage_answer(callee, wire_expect(callee, start), "486 Busy Here", "");
    if (method[0] == 'I') {
        (void)wire_expect(callee, "ACK ");
        (void)wire_expect(caller, "SIP/2.0 100");
    }
    (void)wire_expect(caller, "SIP/2.0 486");
    wire_expect_nothing(callee, MOMENT_MS);
}

static const struct {
    wire_kind_t kind;
    const char *method;
} cases[] = {
    {WIRE_TCP, "INVITE"},
    {WIRE_TCP, "MESSAGE"},
    {WIRE_TLS, "INVITE"},
    {WIRE_TLS, "MESSAGE"},
};

enum { CASES = sizeof(cases) / sizeof(*cases) };

/* What is not read when a program ends makes its system reset the connection.
 */
START_TEST(a_request_that_nobody_read_goes_once_more)
{
    meet_over(cases[_i].kind);
    ask(cases[_i].method, "a");
    wire_run(&stage.loop, MOMENT_MS); /* it is written */
    wire_hang_up(callee);
    expect_answered(cases[_i].method);
    ck_assert_uint_eq(stage_stats(&stage).connections_opened, 2);
    part();
}
END_TEST

START_TEST(a_request_that_crossed_the_end_of_a_connection_goes_once_more)
{
    meet_over(cases[_i].kind);
    ask(cases[_i].method, "a");
    wire_run(&stage.loop, MOMENT_MS);
    wire_pump(callee); /* it is read, and nothing comes of it */
    wire_hang_up(callee);
    expect_answered(cases[_i].method);
    part();
}
END_TEST

/* The first thing that is written brings the reset, or the second. */
START_TEST(a_host_that_has_begun_anew_is_called_all_the_same)
{
    meet_over(cases[_i].kind);
    if (wire_vanish(callee)) {
        ask(cases[_i].method, "a");
        expect_answered(cases[_i].method);
        ck_assert_uint_eq(stage_stats(&stage).connections_opened, 2);
    }
    part();
}
END_TEST

START_TEST(all_that_wait_on_a_dead_connection_go_over_one_new_one)
{
    static const char *const names[] = {"a", "b", "c"};

    meet_over(WIRE_TCP);
    for (unsigned i = 0; i < 3; i++)
        ask("MESSAGE", names[i]);
    wire_run(&stage.loop, MOMENT_MS);
    wire_hang_up(callee);
    for (unsigned i = 0; i < 3; i++)
        stage_answer(callee, wire_expect(callee, "MESSAGE "), "200 OK", "");
    for (unsigned i = 0; i < 3; i++)
        (void)wire_expect(caller, "SIP/2.0 200");
    ck_assert_uint_eq(stage_stats(&stage).connections_opened, 2);
    part();
}
END_TEST

START_TEST(no_request_goes_a_third_time)
{
    meet_over(WIRE_TCP);
    ask("MESSAGE", "a");
    wire_run(&stage.loop, MOMENT_MS);
    wire_hang_up(callee);
    (void)wire_expect(callee, "MESSAGE ");
    wire_hang_up(callee);
    (void)wire_expect(caller, "SIP/2.0 500");
    wire_expect_nothing(callee, MOMENT_MS);
    part();
}
END_TEST

START_TEST(a_request_that_was_answered_with_a_1xx_does_not_go_again)
{
    meet_over(WIRE_TCP);
    ask("INVITE", "a");
    (void)wire_expect(caller, "SIP/2.0 100");
    stage_answer(callee, wire_expect(callee, "INVITE "), "180 Ringing", "");
    (void)wire_expect(caller, "SIP/2.0 180");
    ask("MESSAGE", "b"); /* what it leaves unread resets the connection */
    wire_run(&stage.loop, MOMENT_MS);
    wire_hang_up(callee);
    stage_answer(callee, wire_expect(callee, "MESSAGE "), "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 500");
    (void)wire_expect(caller, "SIP/2.0 200");
    wire_expect_nothing(callee, MOMENT_MS);
    part();
}
END_TEST

/* Its caller has gone: nobody else is to ring. */
START_TEST(nor_does_one_that_was_cancelled)
{
    meet_over(WIRE_TCP);
    ask("INVITE", "a");
    (void)wire_expect(caller, "SIP/2.0 100");
    stage_request(&stage, caller, WIRE_TCP, "CANCEL", "sip:bob@call.test", "a",
                  "");
    (void)wire_expect(caller, "SIP/2.0 200");
    wire_hang_up(callee);
    (void)wire_expect(caller, "SIP/2.0 487");
    wire_expect_nothing(callee, MOMENT_MS);
    part();
}
END_TEST

/* Whoever has said something since may have read it. */
START_TEST(nor_one_behind_which_the_peer_has_spoken)
{
    char second[4000];

    meet_over(WIRE_TCP);
    ask("MESSAGE", "a");
    ask("MESSAGE", "b");
    (void)wire_expect(callee, "MESSAGE ");
    (void)snprintf(second, sizeof(second), "%s",
                   wire_expect(callee, "MESSAGE "));
    stage_answer(callee, second, "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 200");
    wire_hang_up(callee);
    (void)wire_expect(caller, "SIP/2.0 500");
    wire_expect_nothing(callee, MOMENT_MS);
    part();
}
END_TEST

START_TEST(a_new_connection_that_breaks_is_a_failure)
{
    meet_over(WIRE_TCP);
    wire_hang_up(callee);
    wire_run(&stage.loop, MOMENT_MS);
    ask("MESSAGE", "a");
    (void)wire_expect(callee, "MESSAGE ");
    wire_hang_up(callee);
    (void)wire_expect(caller, "SIP/2.0 500");
    wire_expect_nothing(callee, MOMENT_MS);
    part();
}
END_TEST

/* ---- requests of the program's own ---- */

static int status;

static void on_answer(srf_outgoing_t *outgoing, int err,
                      const srf_msg_t *response)
{
    (void)outgoing;
    status = err != 0 ? err : srf_msg_status(response);
}

START_TEST(requests_of_our_own_go_once_more_too)
{
    srf_request_options_t options;

    meet_over(cases[_i].kind);
    srf_request_options_init(&options);
    options.method = cases[_i].method;
    ck_assert_int_eq(
        srf_request(stage.proxy, stage.targets[0], &options, on_answer), 0);
    wire_run(&stage.loop, MOMENT_MS);
    wire_hang_up(callee);
    stage_answer(callee, wire_expect(callee, cases[_i].method), "486 Busy Here",
                 "");
    status = 0;
    while (status == 0)
        wire_run(&stage.loop, 1);
    ck_assert_int_eq(status, 486);
    part();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dead_connections");
    TCase *tcase = tcase_create("requests");

    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, a_request_that_nobody_read_goes_once_more, 0,
                        CASES);
    tcase_add_loop_test(
        tcase, a_request_that_crossed_the_end_of_a_connection_goes_once_more, 0,
        CASES);
    tcase_add_loop_test(
        tcase, a_host_that_has_begun_anew_is_called_all_the_same, 0, CASES);
    tcase_add_test(tcase,
                   all_that_wait_on_a_dead_connection_go_over_one_new_one);
    tcase_add_test(tcase, no_request_goes_a_third_time);
    tcase_add_test(tcase,
                   a_request_that_was_answered_with_a_1xx_does_not_go_again);
    tcase_add_test(tcase, nor_does_one_that_was_cancelled);
    tcase_add_test(tcase, nor_one_behind_which_the_peer_has_spoken);
    tcase_add_test(tcase, a_new_connection_that_breaks_is_a_failure);
    tcase_add_loop_test(tcase, requests_of_our_own_go_once_more_too, 0, CASES);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
