/*
 * Requests of the program's own to names, and those too long for a datagram:
 * real sockets and a name server.
 *
 * SPDX-License-Identifier: MIT
 */
#include "nameserver.h"
#include "runner.h"
#include "stage.h"

#include <stdio.h>
#include <string.h>

enum { URI_TEXT = 100, LONG_BODY = 1400 };

static stage_t stage;
static nameserver_t names;
static wire_t *one;
static wire_t *two;
static srf_request_options_t options;
static srf_outgoing_t *handle;
static bool asking; /* in srf_request(): no callback may come */
static unsigned heard;
static int heard_status;
static unsigned done;
static int done_err;
static int done_status;

static void on_response(srf_outgoing_t *outgoing, const srf_msg_t *response)
{
    (void)outgoing;
    ck_assert(!asking);
    heard++;
    heard_status = srf_msg_status(response);
}

static void on_done(srf_outgoing_t *outgoing, int err,
                    const srf_msg_t *response)
{
    (void)outgoing;
    ck_assert(!asking);
    done++;
    done_err = err;
    done_status = response == NULL ? 0 : srf_msg_status(response);
}

static void setup(void)
{
    srf_options_t settings;
    char server[40];
    unsigned port = nameserver_free_port();

    (void)snprintf(server, sizeof(server), "127.0.0.1:%u", port);
    srf_options_init(&settings);
    settings.dns_servers = server;
    settings.dns_timeout_ms = 60;
    settings.dns_tries = 2;
    stage_setup(&stage, false, &settings);
    nameserver_start_at(&names, &stage.loop, port);
    (void)stage_listen(&stage, WIRE_UDP);
    (void)stage_listen(&stage, WIRE_TCP);
    one = wire_listen(&stage.loop, WIRE_UDP, stage.ip, NULL);
    two = wire_listen(&stage.loop, WIRE_UDP, stage.ip, NULL);
    nameserver_add_srv(&names, "_sip._udp.sip.example.com", 1, wire_port(one),
                       "a.example.com");
    nameserver_add_srv(&names, "_sip._udp.sip.example.com", 2, wire_port(two),
                       "a.example.com");
    nameserver_add_a(&names, "a.example.com", "127.0.0.1");
    srf_request_options_init(&options);
    options.on_response = on_response;
    options.handle = &handle;
    heard = 0;
    done = 0;
    done_err = 1;
}

static void teardown(void)
{
    if (one != NULL)
        wire_close(one);
    wire_close(two);
    nameserver_stop(&names);
    stage_teardown(&stage);
}

static void ask(const char *method, const char *uri)
{
    options.method = method;
    asking = true;
    ck_assert_int_eq(srf_request(stage.proxy, uri, &options, on_done), 0);
    asking = false;
    ck_assert_uint_eq(done, 0);
}

static void expect_done(int err, int status)
{
    for (unsigned i = 0; i < 1000 && done == 0; i++)
        wire_run(&stage.loop, 5);
    ck_assert_uint_eq(done, 1);
    ck_assert_int_eq(done_err, err);
    ck_assert_int_eq(done_status, status);
    done = 0;
}

/* ---- names ---- */

START_TEST(a_request_goes_to_the_first_address_of_a_name)
{
    const char *got;

    for (unsigned i = 0; i < 2; i++) { /* the second time it is known */
        ask("OPTIONS", "sip:sip.example.com");
        got = wire_expect(one, "OPTIONS sip:sip.example.com SIP/2.0");
        ck_assert_str_eq(wire_header(got, "To", NULL), "<sip:sip.example.com>");
        ck_assert(strncmp(wire_header(got, "From", NULL),
                          "<sip:127.0.0.1>;tag=", 20) == 0);
        stage_answer(one, got, "200 OK", "");
        expect_done(0, 200);
    }
}
END_TEST

START_TEST(a_503_leads_to_the_next_address)
{
    char branch[URI_TEXT];
    const char *got;

    ask("OPTIONS", "sip.example.com");
    got = wire_expect(one, "OPTIONS ");
    (void)snprintf(branch, sizeof(branch), "%s", wire_header(got, "Via", NULL));
    stage_answer(one, got, "503 Later", "");
    got = wire_expect(two, "OPTIONS ");
    ck_assert_str_ne(wire_header(got, "Via", NULL), branch);
    ck_assert_str_eq(wire_header(got, "CSeq", NULL), "1 OPTIONS");
    ck_assert_uint_eq(heard, 1);
    ck_assert_int_eq(heard_status, 503);
    stage_answer(two, got, "503 Later", "");
    expect_done(0, 503);
    ck_assert_uint_eq(heard, 1);
}
END_TEST

START_TEST(an_address_that_refuses_leads_to_the_next_and_is_remembered)
{
    wire_close(one);
    one = NULL;
    for (unsigned i = 0; i < 2; i++) {
        ask("OPTIONS", "sip.example.com");
        stage_answer(two, wire_expect(two, "OPTIONS "), "200 OK", "");
        expect_done(0, 200);
    }
    ck_assert_uint_eq(stage_stats(&stage).requests_sent, 3);
}
END_TEST

START_TEST(localhost_is_known_without_a_question)
{
    char uri[URI_TEXT];

    (void)snprintf(uri, sizeof(uri), "sip:localhost:%u", wire_port(one));
    ask("OPTIONS", uri);
    stage_answer(one, wire_expect(one, "OPTIONS sip:localhost:"), "200 OK", "");
    expect_done(0, 200);
    ck_assert_uint_eq(names.asked, 0);
}
END_TEST

/* However fast it is found out. */
START_TEST(an_unknown_name_is_told_from_the_loop)
{
    for (unsigned i = 0; i < 2; i++) {
        ask("OPTIONS", "sip:nobody.example.com");
        expect_done(SRF_ERR_NAME_NOT_FOUND, 0);
    }
}
END_TEST

START_TEST(a_name_to_which_no_transport_leads_is_told_from_the_loop)
{
    for (unsigned i = 0; i < 2; i++) {
        ask("OPTIONS", "sips:a.example.com:5061");
        expect_done(SRF_ERR_NO_TRANSPORT, 0);
    }
}
END_TEST

static const char *const methods[] = {"OPTIONS", "INVITE"};

START_TEST(a_request_can_be_stopped_while_its_name_is_looked_up)
{
    names.manner = NAMESERVER_IS_SILENT;
    ask(methods[_i], "sip.example.com");
    srf_outgoing_cancel(handle);
    expect_done(SRF_ERR_CANCELED, 0);
}
END_TEST

START_TEST(the_time_of_a_request_includes_that_of_the_lookup)
{
    names.manner = NAMESERVER_IS_SILENT;
    options.timeout_ms = 20;
    ask(methods[_i], "sip.example.com");
    expect_done(SRF_ERR_TIMEOUT, 0);
}
END_TEST

START_TEST(a_stack_may_end_while_a_name_is_looked_up)
{
    names.manner = NAMESERVER_IS_SILENT;
    ask("OPTIONS", "sip.example.com");
    srf_destroy(stage.proxy, NULL);
    stage.proxy = NULL;
    expect_done(SRF_ERR_CANCELED, 0);
}
END_TEST

static void answer_with_contact(const char *host)
{
    char contact[URI_TEXT];
    const char *got = wire_expect(one, "INVITE ");

    ck_assert(
        strncmp(wire_header(got, "Contact", NULL), "<sip:127.0.0.1:", 15) == 0);
    (void)snprintf(contact, sizeof(contact), "Contact: <sip:%s:%u>\n", host,
                   wire_port(two));
    stage_answer(one, got, "200 OK", contact);
    expect_done(0, 200);
}

START_TEST(a_2xx_is_acknowledged_at_the_name_of_its_contact)
{
    nameserver_add_a(&names, "b.example.com", "127.0.0.1");
    for (unsigned i = 0; i < 2; i++) {
        ask("INVITE", "sip.example.com");
        answer_with_contact("b.example.com");
        (void)wire_expect(two, "ACK sip:b.example.com:");
    }
}
END_TEST

START_TEST(a_2xx_with_an_unknown_contact_is_acknowledged_where_it_came_from)
{
    ask("INVITE", "sip.example.com");
    answer_with_contact("unknown.example.com");
    (void)wire_expect(one, "ACK sip:unknown.example.com:");
}
END_TEST

/* A stopped INVITE that is answered nevertheless. */
START_TEST(an_unwanted_call_is_ended_even_if_its_contact_is_unknown)
{
    char contact[URI_TEXT];
    char invite[2000];

    ask("INVITE", "sip.example.com");
    (void)snprintf(invite, sizeof(invite), "%s", wire_expect(one, "INVITE "));
    srf_outgoing_cancel(handle);
    (void)snprintf(contact, sizeof(contact), "Contact: <sip:%s:%u>\n",
                   _i == 0 ? "unknown.example.com" : "a.example.com",
                   wire_port(two));
    stage_answer(one, invite, "200 OK", contact);
    wire_t *there = _i == 0 ? one : two;
    (void)wire_expect(there, "ACK ");
    (void)wire_expect(there, "BYE ");
    expect_done(SRF_ERR_CANCELED, 200);
}
END_TEST

/* ---- long ones ---- */

static void ask_at_length(const wire_t *wire)
{
    static char body[LONG_BODY];
    static const char *const headers[] = {"Content-Type", "text/plain", NULL};
    char uri[URI_TEXT];

    memset(body, 'x', sizeof(body));
    options.headers = headers;
    options.body = body;
    options.body_len = sizeof(body);
    (void)snprintf(uri, sizeof(uri), "sip:127.0.0.1:%u", wire_port(wire));
    ask("SUBSCRIBE", uri);
}

/* RFC 3261 §18.1.1. */
START_TEST(what_is_too_long_for_a_datagram_goes_over_tcp)
{
    wire_t *server = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);
    const char *got;

    ask_at_length(server);
    got = wire_expect(server, "SUBSCRIBE ");
    ck_assert(strncmp(wire_header(got, "Via", NULL), "SIP/2.0/TCP ", 12) == 0);
    ck_assert_ptr_nonnull(
        strstr(wire_header(got, "Contact", NULL), ";transport=tcp>"));
    stage_answer(server, got, "200 OK", "");
    expect_done(0, 200);
    wire_close(server);
}
END_TEST

START_TEST(it_is_a_datagram_all_the_same_where_nobody_speaks_tcp)
{
    ask_at_length(one);
    const char *got = wire_expect(one, "SUBSCRIBE ");
    ck_assert(strncmp(wire_header(got, "Via", NULL), "SIP/2.0/UDP ", 12) == 0);
    stage_answer(one, got, "200 OK", "");
    expect_done(0, 200);
}
END_TEST

/* ---- sips ---- */

static void write_route(char out[URI_TEXT], const wire_t *to)
{
    (void)snprintf(out, URI_TEXT, "<sip:%s:%u;lr>", stage.host, wire_port(to));
}

/* RFC 3261 §8.1.2: as if the Route were written with sips. That of a dialog,
 * and of the ACK that opens it, comes from a Record-Route. */
START_TEST(a_sip_route_leads_what_is_for_sips_over_tls)
{
    wire_t *first =
        wire_listen(&stage.loop, WIRE_TLS, stage.ip, stage.server_ctx);
    wire_t *recorded =
        wire_listen(&stage.loop, WIRE_TLS, stage.ip, stage.server_ctx);
    char route[URI_TEXT];
    char lines[2 * URI_TEXT];
    const char *const headers[] = {"Route", route, NULL};

    (void)stage_listen(&stage, WIRE_TLS);
    write_route(route, first);
    options.headers = headers;
    ask("INVITE", "sips:bob@192.0.2.1");
    const char *got = wire_expect(first, "INVITE sips:bob@192.0.2.1 ");
    ck_assert_str_eq(wire_header(got, "Route", NULL), route);
    write_route(route, recorded);
    (void)snprintf(lines, sizeof(lines),
                   "Record-Route: %s\nContact: <sips:desk@192.0.2.1>\n", route);
    stage_answer(first, got, "200 OK", lines);
    expect_done(0, 200);
    got = wire_expect(recorded, "ACK sips:desk@192.0.2.1 ");
    ck_assert_str_eq(wire_header(got, "Route", NULL), route);
    wire_close(first);
    wire_close(recorded);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("requests");
    TCase *tcase = tcase_create("names");

    tcase_set_timeout(tcase, 20);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_request_goes_to_the_first_address_of_a_name);
    tcase_add_test(tcase, a_503_leads_to_the_next_address);
    tcase_add_test(tcase,
                   an_address_that_refuses_leads_to_the_next_and_is_remembered);
    tcase_add_test(tcase, localhost_is_known_without_a_question);
    tcase_add_test(tcase, an_unknown_name_is_told_from_the_loop);
    tcase_add_test(tcase,
                   a_name_to_which_no_transport_leads_is_told_from_the_loop);
    tcase_add_loop_test(
        tcase, a_request_can_be_stopped_while_its_name_is_looked_up, 0, 2);
    tcase_add_loop_test(
        tcase, the_time_of_a_request_includes_that_of_the_lookup, 0, 2);
    tcase_add_test(tcase, a_stack_may_end_while_a_name_is_looked_up);
    tcase_add_test(tcase, a_2xx_is_acknowledged_at_the_name_of_its_contact);
    tcase_add_test(
        tcase,
        a_2xx_with_an_unknown_contact_is_acknowledged_where_it_came_from);
    tcase_add_loop_test(
        tcase, an_unwanted_call_is_ended_even_if_its_contact_is_unknown, 0, 2);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("length");
    tcase_set_timeout(tcase, 20);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, what_is_too_long_for_a_datagram_goes_over_tcp);
    tcase_add_test(tcase,
                   it_is_a_datagram_all_the_same_where_nobody_speaks_tcp);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("sips");
    tcase_set_timeout(tcase, 20);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_sip_route_leads_what_is_for_sips_over_tls);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
