/*
 * What becomes of a request along a flow that is gone (RFC 5626 §5.3), by
 * transport and by what the client has said of itself.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "stage.h"

#include <stdio.h>
#include <string.h>

enum { MOMENT_MS = 20, ROUTES = 1000 };

static const wire_kind_t bound[] = {WIRE_TLS, WIRE_WS, WIRE_WSS};

static stage_t stage;
static wire_t *inside; /* a registrar, or who is called */
static char routes[ROUTES];
static const char *via_host; /* where the client says it is */

static void setup(void)
{
    stage_setup(&stage, false, NULL);
    via_host = "127.0.0.1";
    (void)stage_listen(&stage, WIRE_UDP);
    inside = wire_listen(&stage.loop, WIRE_UDP, stage.ip, NULL);
    stage_target(&stage, 0, inside, WIRE_UDP);
}

static void teardown(void)
{
    wire_close(inside);
    stage_teardown(&stage);
}

static wire_t *client(wire_kind_t kind)
{
    return wire_connect(&stage.loop, kind, stage.ip, stage_listen(&stage, kind),
                        stage.client_ctx);
}

/* A request whose Contact is at `port`. */
static void ask(wire_t *from, wire_kind_t kind, const char *method,
                unsigned port, const char *lines)
{
    wire_send(from,
              "%s sip:bob@call.test SIP/2.0\n"
              "Via: SIP/2.0/%s %s:%u;branch=z9hG4bKg\n"
              "Max-Forwards: 70\n"
              "From: <sip:alice@call.test>;tag=a\n"
              "To: <sip:bob@call.test>\n"
              "Call-ID: g\n"
              "CSeq: 1 %s\n"
              "Contact: <sip:alice@127.0.0.1:%u;transport=%s>\n"
              "%s"
              "Content-Length: 0\n"
              "\n",
              method, wire_via_name(kind), via_host, wire_port(from), method,
              port, wire_uri_name(kind), lines);
}

/* The values of a header field, as Routes. */
static void keep_routes(const char *message, const char *name)
{
    const char *at = NULL;
    const char *value;

    routes[0] = '\0';
    while ((value = wire_header(message, name, &at))[0] != '\0') {
        size_t len = strlen(routes);
        (void)snprintf(routes + len, sizeof(routes) - len, "Route: %s\n",
                       value);
    }
}

/* The client registers, and goes. */
static void register_and_go(wire_kind_t kind, unsigned port, const char *lines)
{
    wire_t *phone = client(kind);

    stage.options.path = 1;
    ask(phone, kind, "REGISTER", port == 0 ? wire_port(phone) : port, lines);
    const char *got = wire_expect(inside, "REGISTER ");
    keep_routes(got, "Path");
    stage_answer(inside, got, "200 OK", "");
    (void)wire_expect(phone, "SIP/2.0 200");
    wire_close(phone);
    wire_run(&stage.loop, MOMENT_MS);
    stage.targets[0][0] = '\0';
}

/* The client has called, the other side answers, and the client goes. */
static void call_and_go(wire_kind_t kind, unsigned port)
{
    wire_t *phone = client(kind);

    stage.options.record_route = 1;
    ask(phone, kind, "INVITE", port == 0 ? wire_port(phone) : port, "");
    const char *got = wire_expect(inside, "INVITE ");
    keep_routes(got, "Record-Route");
    stage_answer(inside, got, "200 OK", "Contact: <sip:bob@127.0.0.1:9>\n");
    (void)wire_expect(phone, "SIP/2.0 100");
    (void)wire_expect(phone, "SIP/2.0 200");
    wire_close(phone);
    wire_run(&stage.loop, MOMENT_MS);
}

/* From inside, along the flow. */
static void follow(wire_kind_t kind, const char *method, unsigned port)
{
    wire_send(inside,
              "%s sip:alice@127.0.0.1:%u;transport=%s SIP/2.0\n"
              "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKf\n"
              "Max-Forwards: 70\n"
              "%s"
              "From: <sip:bob@call.test>;tag=bob\n"
              "To: <sip:alice@call.test>%s\n"
              "Call-ID: g\n"
              "CSeq: 2 %s\n"
              "Content-Length: 0\n"
              "\n",
              method, port, wire_uri_name(kind), wire_port(inside), routes,
              strcmp(method, "BYE") == 0 ? ";tag=a" : "", method);
}

START_TEST(a_registration_over_tls_or_websocket_is_430)
{
    wire_kind_t kind = bound[_i];

    register_and_go(kind, 0, "");
    follow(kind, "MESSAGE", 9);
    (void)wire_expect(inside, "SIP/2.0 430 Flow Failed");
}
END_TEST

/* RFC 5626 §4.2.1: a registration is for its flow then. */
START_TEST(one_over_tcp_that_asks_for_its_flow_is_430)
{
    wire_t *own = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);

    register_and_go(WIRE_TCP, wire_port(own), "Supported: path, outbound\n");
    follow(WIRE_TCP, "MESSAGE", wire_port(own));
    (void)wire_expect(inside, "SIP/2.0 430 Flow Failed");
    wire_close(own);
}
END_TEST

START_TEST(one_over_tcp_that_is_not_where_it_says_is_430)
{
    wire_t *own = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);

    via_host = "10.9.9.9";
    register_and_go(WIRE_TCP, wire_port(own), "");
    follow(WIRE_TCP, "MESSAGE", wire_port(own));
    (void)wire_expect(inside, "SIP/2.0 430 Flow Failed");
    wire_close(own);
}
END_TEST

START_TEST(another_one_over_tcp_is_connected_to)
{
    wire_t *own = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);

    register_and_go(WIRE_TCP, wire_port(own), "");
    follow(WIRE_TCP, "MESSAGE", wire_port(own));
    stage_answer(own, wire_expect(own, "MESSAGE sip:alice@"), "200 OK", "");
    (void)wire_expect(inside, "SIP/2.0 200");
    wire_close(own);
}
END_TEST

START_TEST(a_call_over_tls_or_websocket_is_430)
{
    wire_kind_t kind = bound[_i];

    call_and_go(kind, 0);
    follow(kind, "BYE", 9);
    (void)wire_expect(inside, "SIP/2.0 430 Flow Failed");
}
END_TEST

START_TEST(one_over_tcp_is_connected_to)
{
    wire_t *own = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);

    call_and_go(WIRE_TCP, wire_port(own));
    follow(WIRE_TCP, "BYE", wire_port(own));
    stage_answer(own, wire_expect(own, "BYE sip:alice@"), "200 OK", "");
    (void)wire_expect(inside, "SIP/2.0 200");
    wire_close(own);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flow gone");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(tcase, a_registration_over_tls_or_websocket_is_430, 0,
                        3);
    tcase_add_test(tcase, one_over_tcp_that_asks_for_its_flow_is_430);
    tcase_add_test(tcase, one_over_tcp_that_is_not_where_it_says_is_430);
    tcase_add_test(tcase, another_one_over_tcp_is_connected_to);
    tcase_add_loop_test(tcase, a_call_over_tls_or_websocket_is_430, 0, 3);
    tcase_add_test(tcase, one_over_tcp_is_connected_to);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
