/*
 * Keep-alives of WebSocket clients (RFC 5626 §4.4.1, RFC 7118 §6), and how
 * often clients are told to send some (RFC 6223).
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "stage.h"
#include "ws_client.h"

#include <string.h>

enum { MOMENT_MS = 20 };

static stage_t stage;

static void setup(void)
{
    stage_setup(&stage, false, NULL);
}

static void teardown(void)
{
    stage_teardown(&stage);
}

static wire_t *phone_over(wire_kind_t kind)
{
    return wire_connect(&stage.loop, kind, stage.ip, stage_listen(&stage, kind),
                        stage.client_ctx);
}

static void send_frame(wire_t *wire, unsigned first, const char *payload)
{
    char frame[WS_CLIENT_OVERHEAD + 16];

    wire_send_raw(wire, frame,
                  ws_client_frame(frame, first, payload, strlen(payload)));
}

/* One frame, no more. */
static void expect_pong(wire_t *wire)
{
    ck_assert_mem_eq(wire_expect_raw(wire, 4), "\x81\x02\r\n", 4);
    wire_run(&stage.loop, MOMENT_MS);
    wire_pump(wire);
    ck_assert_mem_eq(wire_expect_raw(wire, 4), "\x81\x02\r\n", 5);
    ck_assert_uint_eq(stage_stats(&stage).keepalives_received, 1);
    wire_close(wire);
}

static const wire_kind_t kinds[] = {WIRE_WS, WIRE_WSS};

START_TEST(a_ping_in_a_frame_gets_a_pong_in_one)
{
    wire_t *phone = phone_over(kinds[_i / 2]);

    send_frame(phone, WS_FIN | (_i % 2 == 0 ? WS_TEXT : WS_BINARY), "\r\n\r\n");
    expect_pong(phone);
}
END_TEST

START_TEST(a_ping_in_fragments_gets_a_pong_in_a_frame)
{
    wire_t *phone = phone_over(WIRE_WS);

    send_frame(phone, WS_TEXT, "\r");
    send_frame(phone, WS_CONTINUATION, "\n\r");
    send_frame(phone, WS_FIN | WS_CONTINUATION, "\n");
    expect_pong(phone);
}
END_TEST

/* It is the answer to one. */
START_TEST(an_empty_line_in_a_frame_gets_nothing)
{
    wire_t *phone = phone_over(WIRE_WS);

    send_frame(phone, WS_FIN | WS_TEXT, "\r\n");
    send_frame(phone, WS_FIN | WS_TEXT, "\r\n");
    wire_expect_nothing(phone, MOMENT_MS);
    wire_close(phone);
}
END_TEST

/* Ends of connections that would come before a keep-alive (RFC 6223 §5). */
START_TEST(clients_are_told_where_silence_is_short)
{
    static const struct {
        wire_kind_t kind;
        uint32_t idle_ms;
        uint32_t set_s;
        const char *keep;
    } cases[] = {
        {WIRE_TCP, 0, 0, ";keep=0"},
        {WIRE_TCP, 160000, 0, ";keep=0"},
        {WIRE_TCP, 159999, 0, ";keep=119"},
        {WIRE_TLS, 40000, 0, ";keep=30"},
        {WIRE_WS, 1200, 0, ";keep=1"},
        {WIRE_WS, 40000, 40, ";keep=40"},
        {WIRE_TCP, 0, 25, ";keep=25"},
        {WIRE_TCP, 0, SRF_TIMEOUT_NONE, ";keep"},
        {WIRE_UDP, 1200, 0, ";keep=0"},
        {WIRE_UDP, 1200, 25, ";keep=25"},
    };
    wire_kind_t kind = cases[_i].kind;

    stage.listen.idle_timeout_ms = cases[_i].idle_ms;
    stage.listen.keepalive_s = cases[_i].set_s;
    wire_t *phone = phone_over(kind);
    (void)stage_listen(&stage, WIRE_UDP);
    wire_t *registrar = wire_listen(&stage.loop, WIRE_UDP, stage.ip, NULL);
    stage_target(&stage, 0, registrar, WIRE_UDP);
    wire_send(phone,
              "REGISTER sip:call.test SIP/2.0\n"
              "Via: SIP/2.0/%s 127.0.0.1:%u;branch=z9hG4bKa;keep\n"
              "Max-Forwards: 70\n"
              "From: <sip:a@call.test>;tag=1\n"
              "To: <sip:a@call.test>\n"
              "Call-ID: a\n"
              "CSeq: 1 REGISTER\n"
              "Content-Length: 0\n"
              "\n",
              wire_via_name(kind), wire_port(phone));
    stage_answer(registrar, wire_expect(registrar, "REGISTER "), "200 OK", "");
    const char *via =
        wire_header(wire_expect(phone, "SIP/2.0 200"), "Via", NULL);
    ck_assert_str_eq(strstr(via, ";keep"), cases[_i].keep);
    wire_close(phone);
    wire_close(registrar);
}
END_TEST

START_TEST(nobody_is_told_to_come_too_late)
{
    srf_listen_options_t options;

    srf_listen_options_init(&options);
    options.keepalive_s = 601;
    ck_assert_int_eq(
        srf_listen(stage.proxy, "sip:127.0.0.1:0;transport=tcp", &options),
        SRF_ERR_INVALID_ARGUMENT);
    ck_assert_int_eq(
        srf_listen(stage.proxy, "sip:127.0.0.1:0;transport=udp", &options), 0);
    options.keepalive_s = 600;
    ck_assert_int_eq(
        srf_listen(stage.proxy, "sip:127.0.0.1:0;transport=tcp", &options), 0);
    options.keepalive_s = 31;
    options.idle_timeout_ms = 30000;
    ck_assert_int_eq(
        srf_listen(stage.proxy, "sip:127.0.0.1:0;transport=tcp", &options),
        SRF_ERR_INVALID_ARGUMENT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keepalive");
    TCase *tcase = tcase_create("over WebSocket");

    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, a_ping_in_a_frame_gets_a_pong_in_one, 0, 4);
    tcase_add_test(tcase, a_ping_in_fragments_gets_a_pong_in_a_frame);
    tcase_add_test(tcase, an_empty_line_in_a_frame_gets_nothing);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("offers of keep-alives");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, clients_are_told_where_silence_is_short, 0, 10);
    tcase_add_test(tcase, nobody_is_told_to_come_too_late);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
