/*
 * Which connection a message goes down where the stack has several listeners.
 *
 * SPDX-License-Identifier: MIT
 */
#include "meeting.h"

/* However slow the machine is, no datagram comes twice. */
static void setup_patient(void)
{
    srf_options_t options;

    srf_options_init(&options);
    options.t1_ms = 4000;
    stage_setup(&stage, false, &options);
}

static wire_t *client_of(unsigned listener)
{
    return wire_connect(&stage.loop, WIRE_TCP, stage.ip, listener, NULL);
}

static void serve(wire_kind_t how)
{
    kind = how;
    callee = wire_listen(&stage.loop, kind, stage.ip, stage.server_ctx);
    stage_target(&stage, 0, callee, kind);
}

/* The callee answers a call of `client`, and hangs up: the BYE must arrive
 * where the call came from. */
static void expect_bye_back(wire_t *client, const char *name)
{
    char routes[1000];
    char call_id[100];
    char contact[200];
    char from[200];

    stage_request(&stage, client, WIRE_TCP, "INVITE", "sip:bob@call.test", name,
                  "");
    const char *got = wire_expect(callee, "INVITE ");
    stage_routes(got, routes, sizeof(routes));
    (void)snprintf(from, sizeof(from), "%s", wire_header(got, "From", NULL));
    (void)snprintf(call_id, sizeof(call_id), "%s",
                   wire_header(got, "Call-ID", NULL));
    ck_assert_int_eq(
        sscanf(wire_header(got, "Contact", NULL), "<%199[^>]>", contact), 1);
    stage_answer(callee, got, "200 OK", "Contact: <sip:bob@127.0.0.1:9>\n");
    (void)wire_expect(client, "SIP/2.0 100");
    (void)wire_expect(client, "SIP/2.0 200");
    wire_send(callee,
              "BYE %s SIP/2.0\n"
              "Via: SIP/2.0/%s 127.0.0.1:%u;branch=z9hG4bKbye%s\n"
              "Max-Forwards: 70\n"
              "%s"
              "From: <sip:bob@call.test>;tag=bob\n"
              "To: %s\n"
              "Call-ID: %s\n"
              "CSeq: 2 BYE\n"
              "Content-Length: 0\n"
              "\n",
              contact, wire_via_name(kind), wire_port(callee), name, routes,
              from, call_id);
    stage_answer(client, wire_expect(client, "BYE "), "200 OK", "");
    (void)wire_expect(callee, "SIP/2.0 200");
}

/* RFC 5658 §4: the Route says at which of our places the caller sees us. */
START_TEST(each_call_of_one_peer_ends_on_its_own_connection)
{
    unsigned udp = stage_listen(&stage, WIRE_UDP);
    unsigned first = stage_listen(&stage, WIRE_TCP);
    unsigned second = stage_listen(&stage, WIRE_TCP);
    wire_t *one = wire_connect_from(&stage.loop, stage.ip, 0, stage.ip, first);
    wire_t *two = wire_connect_from(&stage.loop, stage.ip, wire_port(one),
                                    stage.ip, second);

    (void)udp;
    serve(WIRE_UDP);
    stage.options.record_route = 1;
    expect_bye_back(one, "a");
    expect_bye_back(two, "b");
    expect_bye_back(one, "c");
    ck_assert_uint_eq(stage_stats(&stage).connections_opened, 0);
    wire_close(one);
    wire_close(two);
    wire_close(callee);
}
END_TEST

/* The same where the callee is reached over a connection that both use. */
START_TEST(one_connection_to_the_callee_serves_both_listeners)
{
    unsigned first = stage_listen(&stage, WIRE_TCP);
    unsigned second = stage_listen(&stage, WIRE_TCP);
    wire_t *one = wire_connect_from(&stage.loop, stage.ip, 0, stage.ip, first);
    wire_t *two = wire_connect_from(&stage.loop, stage.ip, wire_port(one),
                                    stage.ip, second);

    serve(WIRE_TCP);
    stage.options.record_route = 1;
    expect_bye_back(one, "a");
    expect_bye_back(two, "b");
    ck_assert_uint_eq(stage_stats(&stage).connections_opened, 1);
    wire_close(one);
    wire_close(two);
    wire_close(callee);
}
END_TEST

/* A request from a client of the first listener to `phone`. */
static void send_to(const wire_t *phone, const char *name)
{
    stage_target(&stage, 0, phone, WIRE_TCP);
    stage_request(&stage, caller, WIRE_TCP, "MESSAGE", "sip:bob@call.test",
                  name, "");
}

static void expect_reached(wire_t *phone, const char *name)
{
    send_to(phone, name);
    stage_answer(phone, wire_expect(phone, "MESSAGE "), "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 200");
}

START_TEST(a_client_of_one_listener_is_reached_through_another)
{
    caller = client_of(stage_listen(&stage, WIRE_TCP));
    wire_t *phone = client_of(stage_listen(&stage, WIRE_TCP));

    wire_run(&stage.loop, 5);
    expect_reached(phone, "a");
    ck_assert_uint_eq(stage_stats(&stage).connections_opened, 0);
    wire_close(caller);
    wire_close(phone);
}
END_TEST

START_TEST(where_the_program_names_the_listener_no_other_is_taken)
{
    caller = client_of(stage_listen(&stage, WIRE_TCP));
    wire_t *phone = client_of(stage_listen(&stage, WIRE_TCP));

    wire_run(&stage.loop, 5);
    stage.options.outbound = srf_listener_uri(stage.proxy, 0);
    send_to(phone, "a");
    (void)wire_expect(caller, "SIP/2.0 500"); /* nobody listens at that port */
    stage.options.outbound = srf_listener_uri(stage.proxy, 1);
    expect_reached(phone, "b");
    wire_close(caller);
    wire_close(phone);
}
END_TEST

/* The Routes of two calls name two listeners, to which one peer has connected
 * from one port. */
START_TEST(of_several_connections_it_is_that_of_the_route)
{
    enum { SEVERAL = 3 };
    caller = client_of(stage_listen(&stage, WIRE_TCP));
    unsigned ports[SEVERAL];
    wire_t *phones[SEVERAL];
    char route[100];
    char name[8];

    for (unsigned i = 0; i < SEVERAL; i++)
        ports[i] = stage_listen(&stage, WIRE_TCP);
    phones[0] = wire_connect_from(&stage.loop, stage.ip, 0, stage.ip, ports[0]);
    for (unsigned i = 1; i < SEVERAL; i++)
        phones[i] = wire_connect_from(&stage.loop, stage.ip,
                                      wire_port(phones[0]), stage.ip, ports[i]);
    wire_run(&stage.loop, 5);
    stage_target(&stage, 0, phones[0], WIRE_TCP);
    for (unsigned i = 0; i < SEVERAL; i++) {
        (void)snprintf(route, sizeof(route),
                       "Route: <sip:%s:%u;transport=tcp;lr>\n", stage.host,
                       ports[i]);
        (void)snprintf(name, sizeof(name), "r%u", i);
        stage_request(&stage, caller, WIRE_TCP, "MESSAGE", "sip:bob@call.test",
                      name, route);
        stage_answer(phones[i], wire_expect(phones[i], "MESSAGE "), "200 OK",
                     "");
        (void)wire_expect(caller, "SIP/2.0 200");
    }
    for (unsigned i = 0; i < SEVERAL; i++)
        wire_close(phones[i]);
    wire_close(caller);
}
END_TEST

/* Of three connections of one peer any two may go, in any order. */
START_TEST(one_of_several_connections_is_enough)
{
    enum { SEVERAL = 3 };
    caller = client_of(stage_listen(&stage, WIRE_TCP));
    unsigned ports[SEVERAL];
    wire_t *phones[SEVERAL];
    int left = _i % SEVERAL;
    int first = (left + 1 + _i / SEVERAL) % SEVERAL;
    char name[8];

    for (unsigned i = 0; i < SEVERAL; i++)
        ports[i] = stage_listen(&stage, WIRE_TCP);
    phones[0] = wire_connect_from(&stage.loop, stage.ip, 0, stage.ip, ports[0]);
    for (unsigned i = 1; i < SEVERAL; i++)
        phones[i] = wire_connect_from(&stage.loop, stage.ip,
                                      wire_port(phones[0]), stage.ip, ports[i]);
    wire_run(&stage.loop, 5);
    for (int i = 0; i < SEVERAL - 1; i++) {
        int gone = i == 0 ? first : SEVERAL - first - left;
        wire_close(phones[gone]);
        wire_run(&stage.loop, 5);
    }
    (void)snprintf(name, sizeof(name), "a%d", _i);
    expect_reached(phones[left], name);
    wire_close(phones[left]);
    wire_run(&stage.loop, 5);
    ck_assert_uint_eq(stage_stats(&stage).connections, 1);
    wire_close(caller);
}
END_TEST

/* What a listener shows of itself, and whom it trusts, is its own. */
START_TEST(over_tls_each_listener_has_connections_of_its_own)
{
    wire_t *one = client_of(stage_listen(&stage, WIRE_TCP));
    unsigned first = stage_listen(&stage, WIRE_TLS);
    unsigned other = stage_listen(&stage, WIRE_TLS);

    serve(WIRE_TLS);
    port = first;
    caller = connect_client();
    ask("MESSAGE", "a");
    stage_answer(callee, wire_expect(callee, "MESSAGE "), "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 200");
    port = other;
    wire_t *second = connect_client();
    stage_request(&stage, second, WIRE_TLS, "MESSAGE", "sip:bob@call.test", "b",
                  "");
    wire_run(&stage.loop, 20);
    ck_assert_uint_eq(stage_stats(&stage).connections_opened, 2);
    wire_close(one);
    wire_close(second);
    part();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("connections");
    TCase *tcase = tcase_create("of several listeners");

    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, setup_patient, teardown);
    tcase_add_test(tcase, each_call_of_one_peer_ends_on_its_own_connection);
    tcase_add_test(tcase, one_connection_to_the_callee_serves_both_listeners);
    tcase_add_test(tcase, a_client_of_one_listener_is_reached_through_another);
    tcase_add_test(tcase,
                   where_the_program_names_the_listener_no_other_is_taken);
    tcase_add_test(tcase, of_several_connections_it_is_that_of_the_route);
    tcase_add_loop_test(tcase, one_of_several_connections_is_enough, 0, 6);
    tcase_add_test(tcase, over_tls_each_listener_has_connections_of_its_own);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
