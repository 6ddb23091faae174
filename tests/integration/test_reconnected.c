/*
 * Callers whose connection has gone, who connect anew and send the same request
 * again.
 *
 * SPDX-License-Identifier: MIT
 */
#include "meeting.h"

enum { MOMENT_MS = 20, IDLE_MS = 250 };

static const wire_kind_t kinds[] = {WIRE_TCP, WIRE_TLS, WIRE_WS};

static char received[4000]; /* by the callee */

/* The Via is that of a client that does not know its address. */
static void ask_again(wire_t *from, const char *method)
{
    wire_send(from,
              "%s sip:bob@call.test SIP/2.0\n"
              "Via: SIP/2.0/%s client.invalid;branch=z9hG4bKsame\n"
              "Max-Forwards: 70\n"
              "From: <sip:a@call.test>;tag=1\n"
              "To: <sip:b@call.test>\n"
              "Call-ID: same\n"
              "CSeq: 1 %s\n"
              "Content-Length: 0\n"
              "\n",
              method, wire_via_name(kind), method);
}

static void begin(wire_kind_t how, const char *method)
{
    char start[20];

    kind = how;
    port = stage_listen(&stage, kind);
    (void)stage_listen(&stage, WIRE_UDP);
    callee = wire_listen(&stage.loop, WIRE_UDP, stage.ip, NULL);
    stage_target(&stage, 0, callee, WIRE_UDP);
    caller = connect_client();
    ask_again(caller, method);
    (void)snprintf(start, sizeof(start), "%s ", method);
    (void)snprintf(received, sizeof(received), "%s",
                   wire_expect(callee, start));
}

START_TEST(a_call_goes_on_over_the_new_connection)
{
    begin(kinds[_i], "INVITE");

    stage_answer(callee, received, "180 Ringing", "");
    (void)wire_expect(caller, "SIP/2.0 100");
    (void)wire_expect(caller, "SIP/2.0 180");
    wire_close(caller);
    wire_run(&stage.loop, MOMENT_MS);
    caller = connect_client();
    ask_again(caller, "INVITE");
    (void)wire_expect(caller, "SIP/2.0 180"); /* again */
    stage_answer(callee, received, "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 200");
    stage_answer(callee, received, "200 OK", ""); /* again, too */
    (void)wire_expect(caller, "SIP/2.0 200");
    part();
}
END_TEST

START_TEST(so_does_another_request)
{
    begin(kinds[_i], "MESSAGE");

    wire_close(caller);
    wire_run(&stage.loop, MOMENT_MS);
    caller = connect_client();
    ask_again(caller, "MESSAGE");
    wire_run(&stage.loop, MOMENT_MS);
    stage_answer(callee, received, "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 200");
    part();
}
END_TEST

/* The answer is owed on the new one, and on no other. */
START_TEST(it_may_ring_for_long_there)
{
    stage.listen.idle_timeout_ms = IDLE_MS;
    begin(kinds[_i], "INVITE");

    (void)wire_expect(caller, "SIP/2.0 100");
    wire_close(caller);
    wire_run(&stage.loop, MOMENT_MS);
    caller = connect_client();
    ask_again(caller, "INVITE");
    (void)wire_expect(caller, "SIP/2.0 100");
    wire_run(&stage.loop, 2 * IDLE_MS);
    stage_answer(callee, received, "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 200");
    wire_expect_end(caller);
    part();
}
END_TEST

/* A client that has lost its address knows before we do. */
START_TEST(the_newest_connection_of_an_address_has_the_answer)
{
    begin(WIRE_TCP, "INVITE");
    wire_t *newer = connect_client();

    (void)wire_expect(caller, "SIP/2.0 100");
    ask_again(newer, "INVITE");
    (void)wire_expect(newer, "SIP/2.0 100");
    stage_answer(callee, received, "200 OK", "");
    (void)wire_expect(newer, "SIP/2.0 200");
    wire_expect_nothing(caller, MOMENT_MS);
    wire_close(caller);
    wire_close(newer);
    wire_close(callee);
}
END_TEST

/* Over IPv4 all of 127/8 is this host. */
static wire_t *client_at(const char *ip)
{
    return wire_connect_from(&stage.loop, ip, 0, stage.ip, port);
}

START_TEST(another_address_gets_nothing_while_the_connection_is_there)
{
    begin(WIRE_TCP, "INVITE");
    wire_t *stranger = client_at("127.0.0.66");

    (void)wire_expect(caller, "SIP/2.0 100");
    ask_again(stranger, "INVITE");
    (void)wire_expect(caller, "SIP/2.0 100"); /* sent again */
    stage_answer(callee, received, "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 200");
    wire_expect_nothing(stranger, MOMENT_MS);
    wire_close(caller);
    wire_close(stranger);
    wire_close(callee);
}
END_TEST

/* What was encrypted does not go on in the clear. */
START_TEST(nor_does_another_transport)
{
    begin(WIRE_TLS, "INVITE");
    unsigned tcp = stage_listen(&stage, WIRE_TCP);
    wire_t *open = wire_connect(&stage.loop, WIRE_TCP, stage.ip, tcp, NULL);

    (void)wire_expect(caller, "SIP/2.0 100");
    ask_again(open, "INVITE");
    (void)wire_expect(caller, "SIP/2.0 100"); /* sent again */
    stage_answer(callee, received, "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 200");
    wire_expect_nothing(open, MOMENT_MS);
    wire_close(caller);
    wire_close(open);
    wire_close(callee);
}
END_TEST

/* Everybody on the way knows the branch. */
START_TEST(nor_when_that_is_gone)
{
    begin(WIRE_TCP, "INVITE");

    (void)wire_expect(caller, "SIP/2.0 100");
    wire_close(caller);
    wire_run(&stage.loop, MOMENT_MS);
    wire_t *stranger = client_at("127.0.0.66");
    ask_again(stranger, "INVITE");
    stage_answer(callee, received, "200 OK", "");
    wire_expect_nothing(stranger, MOMENT_MS);
    wire_close(stranger);
    wire_close(callee);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reconnected");
    TCase *tcase = tcase_create("callers");

    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, a_call_goes_on_over_the_new_connection, 0, 3);
    tcase_add_loop_test(tcase, so_does_another_request, 0, 3);
    tcase_add_loop_test(tcase, it_may_ring_for_long_there, 0, 2);
    tcase_add_test(tcase, the_newest_connection_of_an_address_has_the_answer);
    tcase_add_test(tcase,
                   another_address_gets_nothing_while_the_connection_is_there);
    tcase_add_test(tcase, nor_does_another_transport);
    tcase_add_test(tcase, nor_when_that_is_gone);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
