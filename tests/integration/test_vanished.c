/*
 * Callees that go while they ring.
 *
 * SPDX-License-Identifier: MIT
 */
#include "meeting.h"

enum { T2_MS = 300, MOMENT_MS = 20, LONG_MS = 2 * T2_MS };

static unsigned udp;
static unsigned tcp;
static unsigned tls;
static char invite[4000]; /* as it came */

/* `t2_ms` is the time to come back. */
static void begin(unsigned t2_ms)
{
    srf_options_t options;

    srf_options_init(&options);
    options.t1_ms = t2_ms < 500 ? t2_ms : 500;
    options.t2_ms = t2_ms;
    stage_setup(&stage, false, &options);
    udp = stage_listen(&stage, WIRE_UDP);
    tcp = stage_listen(&stage, WIRE_TCP);
    tls = stage_listen(&stage, WIRE_TLS);
    caller = wire_connect(&stage.loop, WIRE_UDP, stage.ip, udp, NULL);
}

static void end(void)
{
    wire_close(caller);
    teardown();
}

/* The next response to the call, but for what is sent again. */
static void expect_final(const char *start)
{
    const char *got;

    do
        got = wire_expect(caller, "SIP/2.0 ");
    while (strncmp(got, "SIP/2.0 1", 9) == 0);
    ck_assert_msg(strncmp(got, start, strlen(start)) == 0, "%s", got);
}

static void expect_ringing(void)
{
    const char *got;

    do
        got = wire_expect(caller, "SIP/2.0 1");
    while (strncmp(got, "SIP/2.0 180", 11) != 0);
}

static void call(const char *lines)
{
    stage_request(&stage, caller, WIRE_UDP, "INVITE", "sip:bob@call.test", "a",
                  lines);
}

static void ring(wire_t *who)
{
    (void)snprintf(invite, sizeof(invite), "%s", wire_expect(who, "INVITE "));
    stage_answer(who, invite, "180 Ringing", "");
    expect_ringing();
}

static void cancel(void)
{
    stage_request(&stage, caller, WIRE_UDP, "CANCEL", "sip:bob@call.test", "a",
                  "");
    (void)wire_expect(caller, "SIP/2.0 200");
}

/* A telephone that has registered over TLS, and rings. */
static wire_t *ring_phone(void)
{
    wire_t *registrar = wire_listen(&stage.loop, WIRE_UDP, stage.ip, NULL);
    wire_t *phone =
        wire_connect(&stage.loop, WIRE_TLS, stage.ip, tls, stage.client_ctx);
    char route[STAGE_TEXT];

    stage_register(&stage, phone, WIRE_TLS, registrar, WIRE_UDP, route);
    call(route);
    ring(phone);
    wire_close(registrar);
    return phone;
}

/* A server over TCP that rings. */
static wire_t *ring_server(void)
{
    wire_t *server = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);

    stage_target(&stage, 0, server, WIRE_TCP);
    call("");
    ring(server);
    return server;
}

START_TEST(a_telephone_that_does_not_come_back_ends_the_call)
{
    begin(T2_MS);
    wire_close(ring_phone());
    wire_run(&stage.loop, T2_MS / 2);
    ck_assert_uint_eq(stage.results, 1); /* of REGISTER */
    expect_final("SIP/2.0 430");
    end();
}
END_TEST

START_TEST(one_that_comes_back_may_answer)
{
    begin(T2_MS);
    wire_close(ring_phone());
    wire_run(&stage.loop, MOMENT_MS);
    wire_t *phone =
        wire_connect(&stage.loop, WIRE_TLS, stage.ip, tls, stage.client_ctx);
    stage_answer(phone, invite, "180 Ringing", "");
    wire_run(&stage.loop, LONG_MS);
    stage_answer(phone, invite, "200 OK", "");
    expect_final("SIP/2.0 200");
    wire_close(phone);
    end();
}
END_TEST

START_TEST(its_new_connection_has_the_cancel)
{
    begin(T2_MS);
    wire_close(ring_phone());
    wire_run(&stage.loop, MOMENT_MS);
    wire_t *phone =
        wire_connect(&stage.loop, WIRE_TLS, stage.ip, tls, stage.client_ctx);
    stage_answer(phone, invite, "180 Ringing", "");
    expect_ringing();
    cancel();
    stage_answer(phone, wire_expect(phone, "CANCEL "), "200 OK", "");
    stage_answer(phone, invite, "487 Request Terminated", "");
    (void)wire_expect(phone, "ACK ");
    expect_final("SIP/2.0 487");
    wire_close(phone);
    end();
}
END_TEST

/* RFC 3261 §9.1, §17.1.1.3: the Via of the CANCEL and of the ACK is that of the
 * INVITE, whatever listener of ours the telephone came back to. */
START_TEST(what_follows_the_invite_has_its_via_wherever_it_came_back)
{
    char via[STAGE_TEXT];

    begin(T2_MS);
    unsigned other = stage_listen(&stage, WIRE_TLS);
    wire_close(ring_phone());
    (void)snprintf(via, sizeof(via), "%s", wire_header(invite, "Via", NULL));
    wire_run(&stage.loop, MOMENT_MS);
    wire_t *phone =
        wire_connect(&stage.loop, WIRE_TLS, stage.ip, other, stage.client_ctx);
    stage_answer(phone, invite, "180 Ringing", "");
    expect_ringing();
    if (_i == 0) {
        cancel();
        const char *got = wire_expect(phone, "CANCEL ");
        ck_assert_str_eq(wire_header(got, "Via", NULL), via);
        stage_answer(phone, got, "200 OK", "");
    }
    stage_answer(phone, invite, "487 Request Terminated", "");
    ck_assert_str_eq(wire_header(wire_expect(phone, "ACK "), "Via", NULL), via);
    expect_final("SIP/2.0 487");
    wire_close(phone);
    end();
}
END_TEST

/* Who answers without TLS has nothing of what follows. */
START_TEST(it_comes_back_over_the_same_transport)
{
    begin(T2_MS);
    wire_close(ring_phone());
    wire_run(&stage.loop, MOMENT_MS);
    wire_t *other = wire_connect(&stage.loop, WIRE_TCP, stage.ip, tcp, NULL);
    stage_answer(other, invite, "180 Ringing", "");
    expect_ringing();
    cancel();
    expect_final("SIP/2.0 487");
    wire_expect_nothing(other, MOMENT_MS);
    wire_close(other);
    end();
}
END_TEST

START_TEST(a_cancel_to_nobody_ends_the_call_at_once)
{
    begin(5000);
    wire_close(ring_phone());
    wire_run(&stage.loop, MOMENT_MS);
    cancel();
    uint64_t cancelled = uv_now(&stage.loop);
    expect_final("SIP/2.0 487");
    ck_assert_uint_lt(uv_now(&stage.loop) - cancelled, 2000);
    end();
}
END_TEST

START_TEST(so_does_the_end_of_who_was_told_to_stop)
{
    begin(5000);
    wire_t *phone = ring_phone();
    cancel();
    stage_answer(phone, wire_expect(phone, "CANCEL "), "200 OK", "");
    wire_close(phone);
    expect_final("SIP/2.0 487");
    end();
}
END_TEST

START_TEST(a_server_that_is_not_there_any_more_ends_the_call)
{
    begin(T2_MS);
    wire_close(ring_server());
    expect_final("SIP/2.0 500");
    end();
}
END_TEST

/* Behind a server that closes what is quiet the callee rings on. */
START_TEST(a_server_may_close_its_connection_while_it_rings)
{
    begin(T2_MS);
    wire_t *server = ring_server();
    wire_hang_up(server);
    wire_run(&stage.loop, LONG_MS);
    wire_pump(server);
    wire_hang_up(server); /* and the one that was made to see who is there */
    wire_run(&stage.loop, LONG_MS);
    wire_pump(server);
    stage_answer(server, invite, "200 OK", "");
    expect_final("SIP/2.0 200");
    wire_close(server);
    end();
}
END_TEST

START_TEST(nor_is_the_cancel_lost_then)
{
    begin(T2_MS);
    wire_t *server = ring_server();
    wire_hang_up(server);
    wire_run(&stage.loop, LONG_MS);
    cancel();
    stage_answer(server, wire_expect(server, "CANCEL "), "200 OK", "");
    stage_answer(server, invite, "487 Request Terminated", "");
    expect_final("SIP/2.0 487");
    wire_close(server);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vanished");
    TCase *tcase = tcase_create("callees");

    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, a_telephone_that_does_not_come_back_ends_the_call);
    tcase_add_test(tcase, one_that_comes_back_may_answer);
    tcase_add_test(tcase, its_new_connection_has_the_cancel);
    tcase_add_loop_test(
        tcase, what_follows_the_invite_has_its_via_wherever_it_came_back, 0, 2);
    tcase_add_test(tcase, it_comes_back_over_the_same_transport);
    tcase_add_test(tcase, a_cancel_to_nobody_ends_the_call_at_once);
    tcase_add_test(tcase, so_does_the_end_of_who_was_told_to_stop);
    tcase_add_test(tcase, a_server_that_is_not_there_any_more_ends_the_call);
    tcase_add_test(tcase, a_server_may_close_its_connection_while_it_rings);
    tcase_add_test(tcase, nor_is_the_cancel_lost_then);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
