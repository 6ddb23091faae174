/*
 * Connections that say much: others get their turn, and what is above the rate
 * of its source waits on the peer's side.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "stage.h"

#include <stdio.h>
#include <string.h>

enum { TEXT = 300, RATE = 200, BURST = 50 };

static stage_t stage;

static void setup(void)
{
    stage_setup(&stage, false, NULL);
}

static void setup_limited(void)
{
    srf_options_t options;

    srf_options_init(&options);
    options.source_rate = RATE;
    options.source_burst = BURST;
    stage_setup(&stage, false, &options);
}

static void teardown(void)
{
    stage_teardown(&stage);
}

static wire_t *caller_on(wire_kind_t kind, unsigned port)
{
    return wire_connect(&stage.loop, kind, stage.ip, port, stage.client_ctx);
}

/* A request that is refused at once. */
static void write_request(char text[TEXT], unsigned number)
{
    (void)snprintf(text, TEXT,
                   "OPTIONS tel:1 SIP/2.0\nVia: SIP/2.0/TCP "
                   "127.0.0.1:9;branch=z9hG4bK%u\nFrom: <sip:a@b>;tag=1\n"
                   "To: <sip:b@c>\nCall-ID: %u\nCSeq: 1 OPTIONS\n"
                   "Max-Forwards: 0\nContent-Length: 0\n\n",
                   number, number);
}

START_TEST(a_connection_that_says_much_does_not_keep_others_waiting)
{
    unsigned port = stage_listen(&stage, WIRE_TCP);
    wire_t *much = caller_on(WIRE_TCP, port);
    wire_t *little = caller_on(WIRE_TCP, port);
    char text[TEXT];
    unsigned sent = 0;

    wire_run(&stage.loop, 10);
    uint64_t before = stage_stats(&stage).requests_received;
    for (; sent < 5000; sent++) {
        write_request(text, sent);
        if (!wire_try_send_raw(much, text, strlen(text)))
            break;
    }
    ck_assert_uint_ge(sent, 1000);
    write_request(text, 9999);
    wire_send(little, "%s", text);
    (void)wire_expect(little, "SIP/2.0 483");
    ck_assert_uint_le(stage_stats(&stage).requests_received - before, 300);
    wire_close(much);
    wire_close(little);
}
END_TEST

START_TEST(above_its_rate_a_connection_has_to_wait_and_loses_nothing)
{
    enum { COUNT = 200 };
    const wire_kind_t kinds[] = {WIRE_TCP, WIRE_TLS, WIRE_WS};
    wire_t *wire = caller_on(kinds[_i], stage_listen(&stage, kinds[_i]));
    char text[TEXT];

    uv_update_time(&stage.loop);
    uint64_t begin_ms = uv_now(&stage.loop);
    for (unsigned i = 0; i < COUNT; i++) {
        write_request(text, i);
        wire_send(wire, "%s", text);
    }
    for (unsigned i = 0; i < COUNT; i++)
        (void)wire_expect(wire, "SIP/2.0 483");
    uv_update_time(&stage.loop);
    ck_assert_uint_ge(uv_now(&stage.loop) - begin_ms, 100);
    ck_assert_uint_eq(stage_stats(&stage).source_limited, 0);
    ck_assert_uint_eq(stage_stats(&stage).shed, 0);
    wire_close(wire);
}
END_TEST

/* What was read already when it turned out to be too much. */
START_TEST(far_above_its_rate_it_is_refused_but_answered)
{
    enum { COUNT = 2000 };
    unsigned port = stage_listen(&stage, WIRE_TCP);
    wire_t *wires[40];
    char text[TEXT];
    unsigned refused = 0;

    for (unsigned i = 0; i < 40; i++)
        wires[i] = caller_on(WIRE_TCP, port);
    wire_run(&stage.loop, 10);
    for (unsigned i = 0; i < COUNT; i++) {
        write_request(text, i);
        wire_send(wires[i % 40], "%s", text);
    }
    for (unsigned i = 0; i < COUNT; i++)
        refused += strncmp(wire_expect(wires[i % 40], "SIP/2.0 "),
                           "SIP/2.0 503", 11) == 0;
    ck_assert_uint_gt(refused, 0);
    ck_assert_uint_eq(stage_stats(&stage).source_limited, refused);
    ck_assert_uint_eq(stage_stats(&stage).shed, 0);
    for (unsigned i = 0; i < 40; i++)
        wire_close(wires[i]);
}
END_TEST

START_TEST(a_stack_ends_while_connections_wait)
{
    wire_t *wire = caller_on(WIRE_TCP, stage_listen(&stage, WIRE_TCP));
    char text[TEXT];

    for (unsigned i = 0; i < BURST + 20; i++) {
        write_request(text, i);
        wire_send(wire, "%s", text);
    }
    for (unsigned i = 0; i < BURST + 10; i++)
        (void)wire_expect(wire, "SIP/2.0 483");
    wire_close(wire);
    /* teardown() destroys it. */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("turns");
    TCase *tcase = tcase_create("turns");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase,
                   a_connection_that_says_much_does_not_keep_others_waiting);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("rate");
    tcase_add_checked_fixture(tcase, setup_limited, teardown);
    tcase_add_loop_test(
        tcase, above_its_rate_a_connection_has_to_wait_and_loses_nothing, 0, 3);
    tcase_add_test(tcase, far_above_its_rate_it_is_refused_but_answered);
    tcase_add_test(tcase, a_stack_ends_while_connections_wait);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
