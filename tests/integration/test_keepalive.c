/*
 * Keep-alives of WebSocket clients (RFC 5626 §4.4.1, RFC 7118 §6).
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
    return run_suite(suite);
}
