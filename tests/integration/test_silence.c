/*
 * Connections that are needed though nothing is said on them for longer than
 * others may be silent.
 *
 * SPDX-License-Identifier: MIT
 */
#include "meeting.h"

enum { IDLE_MS = 250, LONG_MS = 2 * IDLE_MS, BRIEF_T1_MS = 6 };

static const wire_kind_t kinds[] = {WIRE_TCP, WIRE_TLS};

static void setup_silence(void)
{
    setup();
    stage.listen.idle_timeout_ms = IDLE_MS;
}

/* Transactions give up later than a connection may be silent, but soon. */
static void setup_brief(void)
{
    srf_options_t options;

    srf_options_init(&options);
    options.t1_ms = BRIEF_T1_MS;
    stage_setup(&stage, false, &options);
    stage.listen.idle_timeout_ms = IDLE_MS;
}

START_TEST(a_call_may_ring_for_long)
{
    char invite[4000];

    meet(kinds[_i]);
    ask("INVITE", "a");
    (void)wire_expect(caller, "SIP/2.0 100");
    (void)snprintf(invite, sizeof(invite), "%s",
                   wire_expect(callee, "INVITE "));
    stage_answer(callee, invite, "180 Ringing", "");
    (void)wire_expect(caller, "SIP/2.0 180");
    wire_run(&stage.loop, LONG_MS);
    stage_answer(callee, invite, "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 200");
    ck_assert_uint_eq(stage_stats(&stage).connections_opened, 1);
    part();
}
END_TEST

START_TEST(another_request_may_take_long)
{
    char message[4000];

    meet(kinds[_i]);
    ask("MESSAGE", "a");
    (void)snprintf(message, sizeof(message), "%s",
                   wire_expect(callee, "MESSAGE "));
    wire_run(&stage.loop, LONG_MS);
    stage_answer(callee, message, "202 Accepted", "");
    (void)wire_expect(caller, "SIP/2.0 202");
    part();
}
END_TEST

START_TEST(once_it_is_answered_silence_ends_the_connections)
{
    meet(kinds[_i]);
    ask("MESSAGE", "a");
    stage_answer(callee, wire_expect(callee, "MESSAGE "), "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 200");
    wire_expect_end(caller);
    wire_expect_end(callee);
    part();
}
END_TEST

/* RFC 4320 §4.2: no response tells the caller that there is none. */
START_TEST(nor_does_what_nobody_answers_keep_them)
{
    kind = kinds[_i];
    port = stage_listen(&stage, kind);
    (void)stage_listen(&stage, WIRE_UDP);
    callee = wire_listen(&stage.loop, WIRE_UDP, stage.ip, NULL);
    caller = connect_client();
    stage_target(&stage, 0, callee, WIRE_UDP);
    ask("MESSAGE", "a");
    (void)wire_expect(callee, "MESSAGE ");
    wire_run(&stage.loop, 64 * BRIEF_T1_MS - 50);
    ck_assert_uint_eq(stage_stats(&stage).connections, 1);
    wire_expect_end(caller);
    part();
}
END_TEST

/* RFC 5626 §5.3: nobody can connect to a telephone. */
START_TEST(a_telephone_in_a_call_is_found_for_its_end)
{
    char routes[1000];
    char from[200];

    meet(WIRE_TLS);
    stage.options.record_route = 1;
    ask("INVITE", "a");
    (void)wire_expect(caller, "SIP/2.0 100");
    const char *got = wire_expect(callee, "INVITE ");
    stage_routes(got, routes, sizeof(routes));
    (void)snprintf(from, sizeof(from), "%s", wire_header(got, "From", NULL));
    stage_answer(callee, got, "200 OK", "Contact: <sip:bob@127.0.0.1:9>\n");
    (void)wire_expect(caller, "SIP/2.0 200");
    wire_run(&stage.loop, LONG_MS);
    wire_hang_up(callee); /* this one is made anew for each */
    wire_t *again = connect_client();
    wire_send(again,
              "BYE sip:alice@127.0.0.1:9;transport=tls SIP/2.0\n"
              "Via: SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bKbye\n"
              "Max-Forwards: 70\n"
              "%s"
              "From: <sip:bob@call.test>;tag=bob\n"
              "To: %s\n"
              "Call-ID: a@stage\n"
              "CSeq: 2 BYE\n"
              "Content-Length: 0\n"
              "\n",
              routes, from);
    stage_answer(caller, wire_expect(caller, "BYE "), "200 OK", "");
    (void)wire_expect(again, "SIP/2.0 200");
    wire_close(again);
    part();
}
END_TEST

START_TEST(a_registered_telephone_is_found)
{
    char route[STAGE_TEXT];

    meet(WIRE_TLS);
    stage_register(&stage, caller, kind, callee, kind, route);
    wire_run(&stage.loop, LONG_MS);
    wire_t *other = connect_client();
    stage_request(&stage, other, WIRE_TLS, "MESSAGE", "sip:x@gone.invalid", "m",
                  route);
    stage_answer(caller, wire_expect(caller, "MESSAGE "), "200 OK", "");
    (void)wire_expect(other, "SIP/2.0 200");
    wire_close(other);
    part();
}
END_TEST

/* RFC 5626 §4.4.1. */
START_TEST(a_peer_that_keeps_its_connection_alive_has_it)
{
    meet(kinds[_i]);
    wire_send_raw(caller, "\r\n\r\n", 4);
    (void)wire_expect_raw(caller, 2);
    wire_run(&stage.loop, LONG_MS);
    wire_send_raw(caller, "\r\n\r\n", 4);
    (void)wire_expect_raw(caller, 4);
    part();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("silence");
    TCase *tcase = tcase_create("connections");

    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, setup_silence, teardown);
    tcase_add_loop_test(tcase, a_call_may_ring_for_long, 0, 2);
    tcase_add_loop_test(tcase, another_request_may_take_long, 0, 2);
    tcase_add_loop_test(tcase, once_it_is_answered_silence_ends_the_connections,
                        0, 2);
    tcase_add_test(tcase, a_telephone_in_a_call_is_found_for_its_end);
    tcase_add_test(tcase, a_registered_telephone_is_found);
    tcase_add_loop_test(tcase, a_peer_that_keeps_its_connection_alive_has_it, 0,
                        2);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("without an answer");
    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, setup_brief, teardown);
    tcase_add_loop_test(tcase, nor_does_what_nobody_answers_keep_them, 0, 2);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
