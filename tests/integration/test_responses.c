/*
 * Responses that do not arrive where the request came from: they go where the
 * host in its Via leads (RFC 3263 §5). Real sockets and a name server.
 *
 * SPDX-License-Identifier: MIT
 */
#include "nameserver.h"
#include "runner.h"
#include "stage.h"

#include <stdio.h>
#include <string.h>

#define HOME      "127.0.0.5" /* where responses are waited for */
#define ELSEWHERE "127.0.0.6" /* nobody is there */

static const wire_kind_t kinds[] = {WIRE_UDP, WIRE_TCP};

static stage_t stage;
static nameserver_t names;
static wire_t *home;
static wire_t *callee;
static char invite[2000];

/* Only who decides it has responses go where a Via says. */
static int allow(const srf_destination_t *destination, void *data)
{
    (void)data;
    return destination->reason == SRF_DESTINATION_RESPONSE ||
           destination->reason == SRF_DESTINATION_TARGET;
}

static void setup_kind(wire_kind_t kind)
{
    srf_options_t options;
    char server[40];
    unsigned port = nameserver_free_port();

    (void)snprintf(server, sizeof(server), "127.0.0.1:%u", port);
    srf_options_init(&options);
    options.dns_servers = server;
    options.dns_timeout_ms = 200;
    options.allow_destination = allow;
    stage_setup(&stage, false, &options);
    nameserver_start_at(&names, &stage.loop, port);
    home = wire_listen(&stage.loop, kind, HOME, NULL);
    callee = wire_listen(&stage.loop, WIRE_UDP, stage.ip, NULL);
    stage_target(&stage, 0, callee, WIRE_UDP);
}

static void teardown(void)
{
    wire_close(home);
    wire_close(callee);
    nameserver_stop(&names);
    stage_teardown(&stage);
}

static void setup(void)
{
    setup_kind(WIRE_UDP);
}

/* A caller says where he is, asks, and is not there any more, neither at the
 * port he asked from. What the callee was asked is in `invite`. */
static void ask_and_leave(wire_kind_t kind, const char *sent_by)
{
    unsigned port = stage_listen(&stage, kind);
    wire_t *caller = wire_connect(&stage.loop, kind, stage.ip, port, NULL);

    if (kind != WIRE_UDP)
        (void)stage_listen(&stage, WIRE_UDP);
    wire_send(caller,
              "INVITE sip:bob@call.test SIP/2.0\n"
              "Via: SIP/2.0/%s %s;branch=z9hG4bKa;rport\n"
              "Max-Forwards: 70\n"
              "From: <sip:alice@call.test>;tag=a\n"
              "To: <sip:bob@call.test>\n"
              "Call-ID: a@stage\n"
              "CSeq: 1 INVITE\n"
              "Content-Length: 0\n"
              "\n",
              wire_via_name(kind), sent_by);
    (void)snprintf(invite, sizeof(invite), "%s",
                   wire_expect(callee, "INVITE "));
    wire_close(caller);
    wire_run(&stage.loop, 20);
}

/* The next message at home that is no 100. */
static const char *expect_home(const char *status)
{
    const char *got = wire_expect(home, "SIP/2.0 ");

    while (strncmp(got, "SIP/2.0 100", 11) == 0)
        got = wire_expect(home, "SIP/2.0 ");
    ck_assert_msg(strncmp(got, status, strlen(status)) == 0, "%s", got);
    return got;
}

static const char *at_home(const char *host)
{
    static char text[STAGE_TEXT];

    (void)snprintf(text, sizeof(text), "%s:%u", host, wire_port(home));
    return text;
}

static void expect_answers(void)
{
    stage_answer(callee, invite, "180 Ringing", "");
    const char *got = expect_home("SIP/2.0 180");
    ck_assert_ptr_nonnull(strstr(wire_header(got, "Via", NULL), "z9hG4bKa"));
    stage_answer(callee, invite, "200 OK", "");
    (void)expect_home("SIP/2.0 200");
}

START_TEST(the_host_of_the_via_is_looked_up)
{
    setup_kind(kinds[_i]);
    nameserver_add_a(&names, "caller.example.com", ELSEWHERE);
    nameserver_add_a(&names, "caller.example.com", HOME);
    ask_and_leave(kinds[_i], at_home("caller.example.com"));
    expect_answers();
    stage_wait_results(&stage, 1);
    ck_assert_int_eq(stage.final_status, 200);
    teardown();
}
END_TEST

START_TEST(a_via_with_a_number_needs_no_lookup)
{
    setup_kind(kinds[_i]);
    ask_and_leave(kinds[_i], at_home(HOME));
    expect_answers();
    ck_assert_uint_eq(names.asked, 0);
    teardown();
}
END_TEST

START_TEST(without_a_port_servers_are_looked_for)
{
    nameserver_add_srv(&names, "_sip._udp.caller.example.com", 1,
                       wire_port(home), "a.example.com");
    nameserver_add_a(&names, "a.example.com", HOME);
    ask_and_leave(WIRE_UDP, "caller.example.com");
    expect_answers();
}
END_TEST

/* A refusal is repeated until it is acknowledged, and each time it fails. */
START_TEST(a_host_that_nobody_knows_is_asked_for_once)
{
    ask_and_leave(WIRE_UDP, at_home("caller.example.com"));
    stage_answer(callee, invite, "180 Ringing", "");
    for (unsigned i = 0; i < 200 && names.asked == 0; i++)
        wire_run(&stage.loop, 10);
    wire_run(&stage.loop, 20);
    unsigned asked = names.asked;
    ck_assert_uint_ge(asked, 1);
    stage_answer(callee, invite, "486 Busy Here", "");
    (void)wire_expect(callee, "ACK ");
    wire_run(&stage.loop, 50);
    ck_assert_uint_eq(names.asked, asked);
    wire_expect_nothing(home, 20);
}
END_TEST

START_TEST(a_stack_may_end_while_the_host_is_looked_up)
{
    names.manner = NAMESERVER_IS_SILENT;
    ask_and_leave(WIRE_UDP, at_home("caller.example.com"));
    stage_answer(callee, invite, "180 Ringing", "");
    wire_run(&stage.loop, 20);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("responses");
    TCase *tcase = tcase_create("kinds");

    tcase_set_timeout(tcase, 20);
    tcase_add_loop_test(tcase, the_host_of_the_via_is_looked_up, 0, 2);
    tcase_add_loop_test(tcase, a_via_with_a_number_needs_no_lookup, 0, 2);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("UDP");
    tcase_set_timeout(tcase, 20);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, without_a_port_servers_are_looked_for);
    tcase_add_test(tcase, a_host_that_nobody_knows_is_asked_for_once);
    tcase_add_test(tcase, a_stack_may_end_while_the_host_is_looked_up);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
