/*
 * A program is told of each flow that closes, for what it has placed for who
 * was at its other end.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "stage.h"

#include <stdio.h>
#include <string.h>

enum { IDLE_MS = 250, TOLD = 8, WAIT_MS = 3000 };

static const wire_kind_t kinds[] = {WIRE_TCP, WIRE_TLS, WIRE_WS, WIRE_WSS};

static stage_t stage;
static struct {
    uint64_t flow; /* of the last request */
    srf_req_t *kept;
    bool keeps; /* requests, in place of answering them */
    uint64_t told[TOLD];
    unsigned count;
    int data;
    bool inside; /* a call of the program's */
    void (*then)(srf_t *srf);
    unsigned ended; /* operations */
} program;

static void on_request(srf_req_t *req, srf_res_t *res)
{
    program.flow = srf_req_flow(req);
    ck_assert_int_eq(srf_flow_is_open(srf_req_srf(req), program.flow), 1);
    if (program.keeps)
        program.kept = srf_req_ref(req);
    else
        ck_assert_int_eq(srf_res_send(res, 200, NULL), 0);
}

static void on_closed(srf_t *srf, uint64_t flow, void *data)
{
    ck_assert_ptr_eq(srf, stage.proxy);
    ck_assert_ptr_eq(data, &program.data);
    ck_assert(!program.inside);
    ck_assert_uint_lt(program.count, TOLD);
    ck_assert_int_eq(srf_flow_is_open(srf, flow), 0);
    program.told[program.count++] = flow;
    if (program.then != NULL)
        program.then(srf);
}

static void setup(void)
{
    stage_setup(&stage, false, NULL);
    memset(&program, 0, sizeof(program));
    ck_assert_int_eq(srf_on(stage.proxy, NULL, on_request), 0);
    ck_assert_int_eq(srf_on_flow_closed(stage.proxy, on_closed, &program.data),
                     0);
}

static void teardown(void)
{
    stage_teardown(&stage);
}

static wire_t *client(wire_kind_t kind, unsigned port)
{
    return wire_connect(&stage.loop, kind, stage.ip, port, stage.client_ctx);
}

/* Says something, so that its flow is known. */
static uint64_t say(wire_t *from, wire_kind_t kind, const char *name)
{
    program.flow = 0;
    stage_request(&stage, from, kind, "MESSAGE", "sip:bob@call.test", name, "");
    (void)wire_expect(from, "SIP/2.0 200");
    return program.flow;
}

static void wait_told(unsigned count)
{
    for (unsigned i = 0; program.count < count && i < WAIT_MS / 10; i++)
        wire_run(&stage.loop, 10);
    ck_assert_uint_eq(program.count, count);
}

START_TEST(a_flow_that_closes_is_told_once)
{
    wire_kind_t kind = kinds[_i];
    unsigned port = stage_listen(&stage, kind);
    wire_t *one = client(kind, port);
    wire_t *two = client(kind, port);
    uint64_t first = say(one, kind, "a");
    uint64_t second = say(two, kind, "b");

    ck_assert_uint_ne(first, 0);
    ck_assert_uint_ne(first, second);
    ck_assert_uint_eq(say(one, kind, "c"), first);
    wire_close(one);
    wait_told(1);
    ck_assert_uint_eq(program.told[0], first);
    ck_assert_int_eq(srf_flow_is_open(stage.proxy, first), 0);
    ck_assert_int_eq(srf_flow_is_open(stage.proxy, second), 1);
    wire_close(two);
    wait_told(2);
    ck_assert_uint_eq(program.told[1], second);
    wire_run(&stage.loop, 20);
    ck_assert_uint_eq(program.count, 2);
}
END_TEST

START_TEST(so_is_one_that_breaks)
{
    unsigned port = stage_listen(&stage, WIRE_TCP);
    wire_t *caller = client(WIRE_TCP, port);
    uint64_t flow = say(caller, WIRE_TCP, "a");

    wire_reset(caller);
    wait_told(1);
    ck_assert_uint_eq(program.told[0], flow);
}
END_TEST

START_TEST(and_one_that_we_close)
{
    stage.listen.idle_timeout_ms = IDLE_MS;
    unsigned port = stage_listen(&stage, WIRE_TCP);
    wire_t *caller = client(WIRE_TCP, port);
    uint64_t flow = say(caller, WIRE_TCP, "a");

    wire_expect_end(caller);
    wire_close(caller);
    wait_told(1);
    ck_assert_uint_eq(program.told[0], flow);
}
END_TEST

START_TEST(over_udp_nothing_closes)
{
    unsigned port = stage_listen(&stage, WIRE_UDP);
    wire_t *caller = client(WIRE_UDP, port);

    program.flow = 1;
    stage_request(&stage, caller, WIRE_UDP, "MESSAGE", "sip:bob@call.test", "a",
                  "");
    (void)wire_expect(caller, "SIP/2.0 200");
    ck_assert_uint_eq(program.flow, 0);
    wire_close(caller);
    wire_run(&stage.loop, 20);
    ck_assert_uint_eq(program.count, 0);
}
END_TEST

START_TEST(who_has_sent_no_message_is_nobody)
{
    unsigned port = stage_listen(&stage, WIRE_TCP);
    wire_t *caller = client(WIRE_TCP, port);

    wire_send_raw(caller, "\r\n\r\n", 4);
    (void)wire_expect_raw(caller, 2);
    wire_close(caller);
    wire_run(&stage.loop, 50);
    ck_assert_uint_eq(stage_stats(&stage).connections, 0);
    ck_assert_uint_eq(program.count, 0);
}
END_TEST

START_TEST(nobody_is_told_who_does_not_ask_any_more)
{
    unsigned port = stage_listen(&stage, WIRE_TCP);
    wire_t *caller = client(WIRE_TCP, port);

    (void)say(caller, WIRE_TCP, "a");
    ck_assert_int_eq(srf_on_flow_closed(stage.proxy, NULL, NULL), 0);
    ck_assert_int_eq(srf_on_flow_closed(NULL, on_closed, NULL),
                     SRF_ERR_INVALID_ARGUMENT);
    wire_close(caller);
    wire_run(&stage.loop, 50);
    ck_assert_uint_eq(program.count, 0);
}
END_TEST

static void on_own(srf_outgoing_t *outgoing, int err, const srf_msg_t *response)
{
    (void)outgoing;
    (void)err;
    (void)response;
    program.ended++;
}

/* What is sent may show that the connection is dead. */
START_TEST(it_is_never_told_from_inside_a_call)
{
    unsigned port = stage_listen(&stage, WIRE_TCP);
    wire_t *caller = client(WIRE_TCP, port);
    srf_request_options_t options;
    char uri[STAGE_TEXT];

    (void)say(caller, WIRE_TCP, "a");
    (void)snprintf(uri, sizeof(uri), "sip:%s:%u;transport=tcp", stage.ip,
                   wire_port(caller));
    wire_reset(caller);
    srf_request_options_init(&options);
    options.method = "OPTIONS";
    program.inside = true;
    ck_assert_int_eq(srf_request(stage.proxy, uri, &options, on_own), 0);
    ck_assert_uint_eq(stage_stats(&stage).connections, 0);
    program.inside = false;
    wait_told(1);
    for (unsigned i = 0; program.ended == 0 && i < WAIT_MS / 10; i++)
        wire_run(&stage.loop, 10);
    ck_assert_uint_eq(program.ended, 1);
}
END_TEST

/* ---- from within ---- */

static void on_gone(void *data)
{
    (void)data;
    stage.proxy = NULL;
}

static void destroy(srf_t *srf)
{
    srf_destroy(srf, on_gone);
}

START_TEST(destroy_inside_it_is_the_last_of_it)
{
    unsigned port = stage_listen(&stage, WIRE_TCP);
    wire_t *one = client(WIRE_TCP, port);
    wire_t *two = client(WIRE_TCP, port);

    (void)say(one, WIRE_TCP, "a");
    (void)say(two, WIRE_TCP, "b");
    program.then = destroy;
    wire_close(one);
    wire_close(two);
    ck_assert_int_eq(uv_run(&stage.loop, UV_RUN_DEFAULT), 0);
    ck_assert_ptr_null(stage.proxy);
    ck_assert_uint_eq(program.count, 1);
}
END_TEST

START_TEST(after_destroy_none_is_told)
{
    unsigned port = stage_listen(&stage, WIRE_TCP);
    wire_t *one = client(WIRE_TCP, port);
    uint64_t flow = say(one, WIRE_TCP, "a");

    wire_close(one);
    srf_destroy(stage.proxy, on_gone);
    ck_assert_int_eq(srf_flow_is_open(stage.proxy, flow), 0);
    ck_assert_int_eq(uv_run(&stage.loop, UV_RUN_DEFAULT), 0);
    ck_assert_ptr_null(stage.proxy);
    ck_assert_uint_eq(program.count, 0);
}
END_TEST

static void on_done(srf_req_t *req, int err, const srf_proxy_results_t *results)
{
    (void)req;
    (void)results;
    ck_assert_int_eq(err, 0);
    program.ended++;
}

static void call_everything(srf_t *srf)
{
    srf_request_options_t options;
    char uri[STAGE_TEXT];

    if (program.count > 1)
        return;
    ck_assert_uint_eq(srf_req_flow(program.kept), program.told[0]);
    ck_assert_int_eq(srf_listen(srf, "sip:127.0.0.1:0;transport=tcp", NULL), 0);
    (void)snprintf(uri, sizeof(uri), "%s", srf_listener_uri(srf, 0));
    ck_assert_int_eq(
        srf_proxy_request(program.kept, SRF_URIS("127.0.0.1:9"), NULL, on_done),
        0);
    program.keeps = false;
    srf_request_options_init(&options);
    options.method = "MESSAGE";
    ck_assert_int_eq(srf_request(srf, uri, &options, on_own), 0);
    srf_req_unref(program.kept);
}

START_TEST(all_may_be_called_within)
{
    unsigned port = stage_listen(&stage, WIRE_TCP);
    wire_t *caller = client(WIRE_TCP, port);

    (void)stage_listen(&stage, WIRE_UDP);
    program.keeps = true;
    stage_request(&stage, caller, WIRE_TCP, "MESSAGE", "sip:bob@call.test", "a",
                  "");
    while (program.kept == NULL)
        wire_run(&stage.loop, 10);
    program.then = call_everything;
    wire_close(caller);
    wait_told(1);
    for (unsigned i = 0; program.ended < 2 && i < WAIT_MS / 10; i++)
        wire_run(&stage.loop, 10);
    ck_assert_uint_eq(program.ended, 2);
}
END_TEST

/* Who has connected anew is not gone. */
START_TEST(a_request_sent_again_is_of_the_new_flow)
{
    unsigned port = stage_listen(&stage, WIRE_TCP);
    wire_t *old = client(WIRE_TCP, port);
    wire_t *new = client(WIRE_TCP, port);

    program.keeps = true;
    stage_request(&stage, old, WIRE_TCP, "MESSAGE", "sip:bob@call.test", "a",
                  "");
    while (program.kept == NULL)
        wire_run(&stage.loop, 10);
    uint64_t flow = program.flow;
    /* With the Via of the first. */
    wire_send(new,
              "MESSAGE sip:bob@call.test SIP/2.0\n"
              "Via: SIP/2.0/TCP %s:%u;branch=z9hG4bKa;rport\n"
              "From: <sip:alice@call.test>;tag=a\n"
              "To: <sip:bob@call.test>\n"
              "Call-ID: a@stage\n"
              "CSeq: 1 MESSAGE\n"
              "Content-Length: 0\n"
              "\n",
              stage.host, wire_port(old));
    for (unsigned i = 0; srf_req_flow(program.kept) == flow && i < 100; i++)
        wire_run(&stage.loop, 10);
    uint64_t moved = srf_req_flow(program.kept);
    ck_assert_uint_ne(moved, flow);
    wire_close(old);
    wait_told(1);
    ck_assert_uint_eq(program.told[0], flow);
    ck_assert_int_eq(srf_flow_is_open(stage.proxy, moved), 1);
    ck_assert_int_eq(srf_res_send(srf_req_res(program.kept), 200, NULL), 0);
    (void)wire_expect(new, "SIP/2.0 200");
    srf_req_unref(program.kept);
    wire_close(new);
    wait_told(2);
    ck_assert_uint_eq(program.told[1], moved);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flow closed");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, a_flow_that_closes_is_told_once, 0, 4);
    tcase_add_test(tcase, so_is_one_that_breaks);
    tcase_add_test(tcase, and_one_that_we_close);
    tcase_add_test(tcase, over_udp_nothing_closes);
    tcase_add_test(tcase, who_has_sent_no_message_is_nobody);
    tcase_add_test(tcase, nobody_is_told_who_does_not_ask_any_more);
    tcase_add_test(tcase, it_is_never_told_from_inside_a_call);
    tcase_add_test(tcase, destroy_inside_it_is_the_last_of_it);
    tcase_add_test(tcase, after_destroy_none_is_told);
    tcase_add_test(tcase, all_may_be_called_within);
    tcase_add_test(tcase, a_request_sent_again_is_of_the_new_flow);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
