/*
 * Targets that are names: a proxy, a name server and peers over real sockets.
 *
 * SPDX-License-Identifier: MIT
 */
#include "certificates.h"
#include "nameserver.h"
#include "runner.h"
#include "stage.h"

#include <stdio.h>
#include <string.h>

static stage_t stage;
static nameserver_t names;
static wire_t *caller;
static wire_t *one;
static wire_t *two;
static wire_t *stranger;

static void setup_with(bool six, uint32_t dns_timeout_ms)
{
    srf_options_t options;
    char server[40];
    unsigned port = nameserver_free_port();

    (void)snprintf(server, sizeof(server), "127.0.0.1:%u", port);
    srf_options_init(&options);
    options.relay_acks = 1; /* those of the tests belong to nothing */
    options.dns_servers = server;
    options.dns_timeout_ms = dns_timeout_ms;
    options.dns_tries = 2;
    stage_setup(&stage, six, &options);
    nameserver_start_at(&names, &stage.loop, port);
    unsigned udp = stage_listen(&stage, WIRE_UDP);
    (void)stage_listen(&stage, WIRE_TCP);
    caller = wire_connect(&stage.loop, WIRE_UDP, stage.ip, udp, NULL);
    stranger = wire_connect(&stage.loop, WIRE_UDP, stage.ip, udp, NULL);
    one = wire_listen(&stage.loop, WIRE_UDP, stage.ip, NULL);
    two = wire_listen(&stage.loop, WIRE_UDP, stage.ip, NULL);
}

static void setup(void)
{
    setup_with(false, 60);
}

static void setup_six(void)
{
    setup_with(true, 60);
}

/* Nobody's patience is over during a test. */
static void setup_patient(void)
{
    setup_with(false, 60000);
}

static void teardown(void)
{
    wire_close(caller);
    wire_close(stranger);
    if (one != NULL)
        wire_close(one);
    wire_close(two);
    nameserver_stop(&names);
    stage_teardown(&stage);
}

static void target(const char *uri)
{
    (void)snprintf(stage.targets[0], STAGE_TEXT, "%s", uri);
}

/* sip.example.com by SRV: one, then two. */
static void add_service(void)
{
    nameserver_add_srv(&names, "_sip._udp.sip.example.com", 1, wire_port(one),
                       "a.example.com");
    nameserver_add_srv(&names, "_sip._udp.sip.example.com", 2, wire_port(two),
                       "a.example.com");
    nameserver_add_a(&names, "a.example.com", "127.0.0.1");
}

static void call(const char *method, const char *name)
{
    stage_request(&stage, caller, WIRE_UDP, method, "sip:bob@call.test", name,
                  "");
}

static void expect_service(wire_t *callee, const char *name)
{
    call("MESSAGE", name);
    stage_answer(callee, wire_expect(callee, "MESSAGE "), "200 OK", "");
    /* On a machine with much to do the 100 of RFC 4320 §4.1 comes before. */
    const char *answer = wire_expect(caller, "SIP/2.0 ");
    if (strncmp(answer, "SIP/2.0 100 ", 12) == 0)
        answer = wire_expect(caller, "SIP/2.0 ");
    ck_assert_int_eq(strncmp(answer, "SIP/2.0 200 ", 12), 0);
}

START_TEST(a_name_is_found_by_its_records_and_remembered)
{
    add_service();
    target("sip.example.com");
    expect_service(one, "a");
    unsigned asked = names.asked;
    ck_assert_uint_ge(asked, 3);
    expect_service(one, "b");
    ck_assert_uint_eq(names.asked, asked);
    ck_assert_uint_gt(stage_stats(&stage).dns_hits, 0);
    stage_wait_results(&stage, 2);
    ck_assert_str_eq(stage.transports[0], "udp");
}
END_TEST

START_TEST(the_next_address_is_tried_before_the_next_target)
{
    add_service();
    target("sip.example.com");
    wire_close(one); /* refused */
    one = NULL;
    expect_service(two, "a");
    stage_wait_results(&stage, 1);
    ck_assert_uint_eq(stage.tries, 2);
    ck_assert_int_eq(stage.causes[0], SRF_CAUSE_TRANSPORT);
    ck_assert_int_eq(stage.causes[1], SRF_CAUSE_RESPONSE);
}
END_TEST

START_TEST(an_address_that_refused_is_tried_last_by_the_next_call)
{
    add_service();
    target("sip.example.com");
    wire_close(one);
    one = NULL;
    expect_service(two, "a");
    expect_service(two, "b");
    stage_wait_results(&stage, 2);
    ck_assert_uint_eq(stage.tries, 1); /* at once */
}
END_TEST

START_TEST(a_503_leads_to_the_next_address_and_other_failures_do_not)
{
    add_service();
    target("sip.example.com");
    call("MESSAGE", "a");
    stage_answer(one, wire_expect(one, "MESSAGE "), "503 Later", "");
    stage_answer(two, wire_expect(two, "MESSAGE "), "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 200");
    call("MESSAGE", "b");
    stage_answer(one, wire_expect(one, "MESSAGE "), "404 Not Found", "");
    (void)wire_expect(caller, "SIP/2.0 404");
    wire_expect_nothing(two, 20);
}
END_TEST

START_TEST(a_silent_address_is_given_up_for_the_next)
{
    add_service();
    target("sip.example.com");
    stage.options.provisional_timeout_ms = 40;
    call("INVITE", "a");
    (void)wire_expect(caller, "SIP/2.0 100");
    (void)wire_expect(one, "INVITE ");
    stage_answer(two, wire_expect(two, "INVITE "), "486 Busy Here", "");
    (void)wire_expect(caller, "SIP/2.0 486");
}
END_TEST

START_TEST(a_name_that_is_not_there_is_a_failure_of_its_target)
{
    target("sip:nobody.example.com");
    stage_target(&stage, 1, two, WIRE_UDP);
    expect_service(two, "a");
    stage_wait_results(&stage, 1);
    ck_assert_uint_eq(stage.tries, 2);
    ck_assert_int_eq(stage.causes[0], SRF_CAUSE_DNS);
    stage.targets[1][0] = '\0';
    call("MESSAGE", "b");
    (void)wire_expect(caller, "SIP/2.0 500");
}
END_TEST

START_TEST(a_name_server_that_does_not_help_is_a_failure_too)
{
    const nameserver_manner_t manners[] = {NAMESERVER_FAILS,
                                           NAMESERVER_IS_SILENT};

    add_service();
    target("sip.example.com");
    names.manner = manners[_i];
    call("MESSAGE", "a");
    (void)wire_expect(caller, "SIP/2.0 500");
    stage_wait_results(&stage, 1);
    ck_assert_int_eq(stage.causes[0], SRF_CAUSE_DNS);
}
END_TEST

START_TEST(a_request_is_sent_where_its_uri_points)
{
    char uri[100];

    nameserver_add_a(&names, "b.example.com", "127.0.0.1");
    (void)snprintf(uri, sizeof(uri), "sip:bob@b.example.com:%u",
                   wire_port(two));
    stage_request(&stage, caller, WIRE_UDP, "MESSAGE", uri, "a", "");
    stage_answer(two, wire_expect(two, "MESSAGE sip:bob@b.example.com:"),
                 "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 200");
}
END_TEST

START_TEST(a_call_to_a_name_is_acknowledged_and_cancelled_where_it_went)
{
    const char *got;

    add_service();
    target("sip.example.com");
    call("INVITE", "a");
    (void)wire_expect(caller, "SIP/2.0 100");
    got = wire_expect(one, "INVITE ");
    stage_answer(one, got, "180 Ringing", "");
    (void)wire_expect(caller, "SIP/2.0 180");
    nameserver_clear(&names);
    call("CANCEL", "a");
    (void)wire_expect(caller, "SIP/2.0 200");
    (void)wire_expect(one, "CANCEL ");
}
END_TEST

START_TEST(a_call_may_be_cancelled_while_its_name_is_looked_up)
{
    add_service();
    target("sip.example.com");
    names.manner = NAMESERVER_IS_SILENT;
    call("INVITE", "a");
    (void)wire_expect(caller, "SIP/2.0 100");
    call("CANCEL", "a");
    (void)wire_expect(caller, "SIP/2.0 200");
    (void)wire_expect(caller, "SIP/2.0 487");
    stage_wait_results(&stage, 1);
    ck_assert_int_eq(stage.causes[0], SRF_CAUSE_CANCELED);
}
END_TEST

START_TEST(a_stack_may_end_while_names_are_looked_up)
{
    target("sip.example.com");
    names.manner = NAMESERVER_IS_SILENT;
    call("INVITE", "a");
    (void)wire_expect(caller, "SIP/2.0 100");
    /* teardown() destroys it. */
}
END_TEST

/* An ACK of a 2xx has no transaction that could wait (RFC 3261 §16.11). */
START_TEST(an_ack_to_a_name_waits_for_its_address)
{
    char uri[100];

    nameserver_add_a(&names, "b.example.com", "127.0.0.1");
    (void)snprintf(uri, sizeof(uri), "sip:bob@b.example.com:%u",
                   wire_port(two));
    stage_request(&stage, caller, WIRE_UDP, "ACK", uri, "a", "");
    (void)wire_expect(two, "ACK sip:bob@b.example.com:");
    stage_request(&stage, caller, WIRE_UDP, "ACK", uri, "b", "");
    (void)wire_expect(two, "ACK sip:bob@b.example.com:");
    names.manner = NAMESERVER_IS_SILENT; /* this one is lost on destroy */
    stage_request(&stage, caller, WIRE_UDP, "ACK", "sip:c.example.com", "c",
                  "");
    wire_run(&stage.loop, 10);
}
END_TEST

/* WebSocket clients come to us, nobody can be connected to (RFC 7118 §3): what
 * a domain has for them does not keep us from its other servers. */
START_TEST(servers_for_websocket_clients_are_not_for_us)
{
    (void)stage_listen(&stage, WIRE_WS);
    nameserver_add_srv(&names, "_sip._ws.sip.example.com", 1, 80,
                       "a.example.com");
    nameserver_add_a(&names, "a.example.com", "127.0.0.1");
    nameserver_add_a(&names, "sip.example.com", "127.0.0.77");
    target("sip.example.com");
    call("MESSAGE", "a");
    (void)wire_expect(caller, "SIP/2.0 500"); /* nobody is there */
    stage_wait_results(&stage, 1);
    ck_assert_uint_eq(stage.tries, 1);
    ck_assert_str_eq(stage.transports[0], "udp");
}
END_TEST

/* sip.example.com by SRV: one or two, as often. */
static void add_equal_service(void)
{
    add_service();
    for (unsigned i = 0; i < names.count; i++) {
        names.rows[i].values[0] = 1; /* priorities */
        names.rows[i].values[1] = 1; /* weights */
    }
}

/* Where the request of the caller's arrives, 1 or 2, and is answered. */
static unsigned served_by(const char *method)
{
    for (;;) {
        wire_run(&stage.loop, 1);
        wire_t *both[] = {one, two};
        for (unsigned i = 0; i < 2; i++) {
            const char *got = wire_poll(both[i]);
            if (got == NULL)
                continue;
            ck_assert_int_eq(strncmp(got, method, strlen(method)), 0);
            stage_answer(both[i], got, "401 Unauthorized",
                         "WWW-Authenticate: Digest realm=\"a\","
                         "nonce=\"n\"\n");
            return i + 1;
        }
    }
}

static void say_again(const char *method, const char *call_id, unsigned cseq)
{
    wire_send(caller,
              "%s sip:bob@sip.example.com SIP/2.0\n"
              "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK%s-%u;rport\n"
              "Max-Forwards: 70\n"
              "From: <sip:alice@call.test>;tag=%u\n"
              "To: <sip:bob@call.test>\n"
              "Call-ID: %s\n"
              "CSeq: %u %s\n"
              "Content-Length: 0\n"
              "\n",
              method, wire_port(caller), call_id, cseq, cseq, call_id, cseq,
              method);
}

/* Whoever challenged it knows its nonce (RFC 3263 §4.3, §4.4). */
START_TEST(requests_of_one_call_get_to_one_server)
{
    unsigned used = 0;

    add_equal_service();
    if (_i == 1)
        target("sip.example.com");
    for (unsigned i = 0; i < 20; i++) {
        char call_id[10];
        (void)snprintf(call_id, sizeof(call_id), "call%u", i);
        unsigned first = 0;
        for (unsigned cseq = 1; cseq < 5; cseq++) {
            say_again("REGISTER", call_id, cseq);
            unsigned by = served_by("REGISTER ");
            if (first == 0)
                first = by;
            ck_assert_uint_eq(by, first);
        }
        used |= first;
    }
    ck_assert_uint_eq(used, 3); /* another call may go another way */
}
END_TEST

START_TEST(requests_of_the_programs_with_one_call_id_get_to_one_server)
{
    unsigned used = 0;

    add_equal_service();
    for (unsigned i = 0; i < 20; i++) {
        srf_request_options_t options;
        char call_id[10];
        (void)snprintf(call_id, sizeof(call_id), "call%u", i);
        const char *const headers[] = {"Call-ID", call_id, NULL};
        unsigned first = 0;
        srf_request_options_init(&options);
        options.headers = headers;
        for (unsigned times = 0; times < 4; times++) {
            ck_assert_int_eq(srf_request(stage.proxy, "sip:bob@sip.example.com",
                                         &options, NULL),
                             0);
            unsigned by = served_by("OPTIONS ");
            if (first == 0)
                first = by;
            ck_assert_uint_eq(by, first);
        }
        used |= first;
    }
    ck_assert_uint_eq(used, 3);
}
END_TEST

/* It comes again with each 2xx that does, and goes the same way: whoever
 * forwards without state draws no lots (RFC 3263 §4.4, RFC 3261 §16.11). */
START_TEST(an_ack_that_comes_again_goes_the_same_way)
{
    nameserver_add_srv(&names, "_sip._udp.sip.example.com", 1, wire_port(one),
                       "a.example.com");
    names.rows[names.count - 1].values[1] = 1; /* weights */
    nameserver_add_srv(&names, "_sip._udp.sip.example.com", 1, wire_port(two),
                       "a.example.com");
    names.rows[names.count - 1].values[1] = 1;
    nameserver_add_a(&names, "a.example.com", "127.0.0.1");
    unsigned used = 0;
    for (unsigned i = 0; i < 30; i++) {
        char name[10];
        unsigned arrived[2] = {0, 0};
        (void)snprintf(name, sizeof(name), "a%u", i);
        for (unsigned times = 0; times < 4; times++)
            stage_request(&stage, caller, WIRE_UDP, "ACK",
                          "sip:bob@sip.example.com", name, "");
        while (arrived[0] + arrived[1] < 4) {
            wire_run(&stage.loop, 1);
            while (wire_poll(one) != NULL)
                arrived[0]++;
            while (wire_poll(two) != NULL)
                arrived[1]++;
        }
        ck_assert(arrived[0] == 0 || arrived[1] == 0);
        used |= arrived[0] > 0 ? 1 : 2;
    }
    ck_assert_uint_eq(used, 3); /* others may go another way */
}
END_TEST

/* A name that leads back to us: nothing is answered that would tell of it. */
START_TEST(an_ack_to_a_name_that_is_ours_does_not_go_round)
{
    char uri[100];

    nameserver_add_a(&names, "b.example.com", "127.0.0.1");
    (void)snprintf(uri, sizeof(uri), "sip:bob@b.example.com%s",
                   strrchr(srf_listener_uri(stage.proxy, 0), ':'));
    for (unsigned i = 0; i < 2; i++) { /* looked up, and at hand */
        stage_request(&stage, caller, WIRE_UDP, "ACK", uri, "a", "");
        wire_run(&stage.loop, 50);
        ck_assert_uint_eq(stage_stats(&stage).requests_received, i + 1);
    }
}
END_TEST

/* The family of the listener that it leaves by comes first. */
START_TEST(the_outbound_listener_decides_the_family)
{
    stage.ip = stage.host = "127.0.0.1";
    (void)stage_listen(&stage, WIRE_UDP);
    stage.options.outbound = srf_listener_uri(stage.proxy, 2);
    wire_t *callee = wire_listen(&stage.loop, WIRE_UDP, stage.ip, NULL);
    nameserver_add_srv(&names, "_sip._udp.sip.example.com", 1,
                       wire_port(callee), "a.example.com");
    nameserver_add_a(&names, "a.example.com", "127.0.0.1");
    nameserver_add_aaaa(&names, "a.example.com", "::1");
    target("sip.example.com");
    expect_service(callee, "a");
    stage_wait_results(&stage, 1);
    ck_assert_uint_eq(stage.tries, 1);
    wire_close(callee);
}
END_TEST

/* RFC 3263 §4.2 leaves it open: the family that a request came over is that of
 * its way on, for each caller, whoever asked for the name. */
START_TEST(the_family_that_a_request_came_over_comes_first)
{
    wire_t *callers[2] = {caller, NULL};
    wire_t *callees[2] = {two, NULL};

    stage.ip = stage.host = "127.0.0.1";
    callers[1] = wire_connect(&stage.loop, WIRE_UDP, stage.ip,
                              stage_listen(&stage, WIRE_UDP), NULL);
    callees[1] =
        wire_listen_at(&stage.loop, WIRE_UDP, stage.ip, wire_port(two), NULL);
    nameserver_add_srv(&names, "_sip._udp.sip.example.com", 1, wire_port(two),
                       "a.example.com");
    nameserver_add_a(&names, "a.example.com", "127.0.0.1");
    nameserver_add_aaaa(&names, "a.example.com", "::1");
    target("sip.example.com");
    for (unsigned i = 0; i < 4; i++) { /* looked up, and at hand */
        const char name[] = {(char)('a' + i), '\0'};
        stage_request(&stage, callers[i % 2], WIRE_UDP, "MESSAGE",
                      "sip:bob@call.test", name, "");
        stage_answer(callees[i % 2], wire_expect(callees[i % 2], "MESSAGE "),
                     "200 OK", "");
        stage_wait_results(&stage, i + 1);
        ck_assert_uint_eq(stage.tries, 1);
    }
    wire_close(callers[1]);
    wire_close(callees[1]);
}
END_TEST

/* UDP is spoken over IPv6 alone, which comes second for who came over IPv4. */
START_TEST(an_ack_goes_to_an_address_that_can_be_sent_to)
{
    char uri[100];

    stage.ip = stage.host = "127.0.0.1";
    wire_t *other = wire_connect(&stage.loop, WIRE_TCP, stage.ip,
                                 stage_listen(&stage, WIRE_TCP), NULL);
    nameserver_add_a(&names, "b.example.com", "127.0.0.1");
    nameserver_add_aaaa(&names, "b.example.com", "::1");
    (void)snprintf(uri, sizeof(uri), "sip:bob@b.example.com:%u",
                   wire_port(two));
    for (unsigned i = 0; i < 2; i++) { /* looked up, and at hand */
        stage_request(&stage, other, WIRE_TCP, "ACK", uri, "a", "");
        (void)wire_expect(two, "ACK sip:bob@b.example.com:");
    }
    wire_close(other);
}
END_TEST

/* The URI stands in for a flow that goes with the request, and its name for all
 * of its addresses. */
START_TEST(a_flow_that_goes_leads_to_an_address_that_can_be_sent_to)
{
    char uri[100];
    char route[STAGE_TEXT];

    stage.ip = stage.host = "127.0.0.1";
    unsigned tcp = stage_listen(&stage, WIRE_TCP);
    wire_t *phone = wire_connect(&stage.loop, WIRE_TCP, stage.ip, tcp, NULL);
    wire_t *other = wire_connect(&stage.loop, WIRE_TCP, stage.ip, tcp, NULL);
    wire_t *registrar = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);
    nameserver_add_a(&names, "b.example.com", "127.0.0.1");
    nameserver_add_aaaa(&names, "b.example.com", "::1");
    (void)snprintf(uri, sizeof(uri), "sip:bob@b.example.com:%u",
                   wire_port(two));
    stage_register(&stage, phone, WIRE_TCP, registrar, WIRE_TCP, route);
    stage_request(&stage, other, WIRE_TCP, "MESSAGE", uri, "a", "");
    stage_answer(two, wire_expect(two, "MESSAGE "), "200 OK", ""); /* at hand */
    stage_request(&stage, other, WIRE_TCP, "MESSAGE", uri, "b", route);
    (void)wire_expect(phone, "MESSAGE ");
    wire_close(phone);
    stage_answer(two, wire_expect(two, "MESSAGE "), "200 OK", "");
    wire_close(registrar);
    wire_close(other);
}
END_TEST

START_TEST(names_are_forked_to_as_well)
{
    add_service();
    nameserver_add_srv(&names, "_sip._udp.two.example.com", 1, wire_port(two),
                       "a.example.com");
    target("sip.example.com");
    (void)snprintf(stage.targets[1], STAGE_TEXT, "sip:two.example.com");
    stage.options.forking = SRF_FORKING_SIMULTANEOUS;
    call("INVITE", "a");
    (void)wire_expect(caller, "SIP/2.0 100");
    (void)wire_expect(one, "INVITE ");
    stage_answer(two, wire_expect(two, "INVITE "), "603 Decline", "");
    (void)wire_expect(two, "ACK ");
    stage_answer(one, wire_expect(one, "INVITE "), "486 Busy Here", "");
}
END_TEST

/* Two names, one after the other on the wire, share what came (RFC 5393
 * §5.3.3.1), whoever is found first. */
START_TEST(names_share_the_breadth)
{
    static const char *const given[] = {"", "Max-Breadth: 1\n"};
    static const char *const lines[] = {"\r\nMax-Breadth: 30\r\n",
                                        "\r\nMax-Breadth: 1\r\n"};

    add_service();
    nameserver_add_srv(&names, "_sip._udp.two.example.com", 1, wire_port(two),
                       "a.example.com");
    target("sip.example.com");
    (void)snprintf(stage.targets[1], STAGE_TEXT, "sip:two.example.com");
    stage.options.forking = SRF_FORKING_SIMULTANEOUS;
    stage_request(&stage, caller, WIRE_UDP, "INVITE", "sip:bob@call.test", "a",
                  given[_i]);
    (void)wire_expect(caller, "SIP/2.0 100");
    const char *first = wire_expect(one, "INVITE ");
    ck_assert_ptr_nonnull(strstr(first, lines[_i]));
    if (_i == 1) { /* its turn comes when the first has failed */
        wire_expect_nothing(two, 20);
        stage_answer(one, first, "486 Busy Here", "");
    }
    ck_assert_ptr_nonnull(strstr(wire_expect(two, "INVITE "), lines[_i]));
}
END_TEST

/* The first address, given up, lives on with its share of Max-Breadth; the
 * next one has what was kept for it. */
START_TEST(a_silent_address_leaves_breadth_for_the_next)
{
    add_service();
    nameserver_add_srv(&names, "_sip._udp.two.example.com", 1, wire_port(one),
                       "a.example.com");
    nameserver_add_srv(&names, "_sip._udp.two.example.com", 2, wire_port(two),
                       "a.example.com");
    target("sip:one@sip.example.com");
    (void)snprintf(stage.targets[1], STAGE_TEXT, "sip:two@two.example.com");
    stage.options.forking = SRF_FORKING_SIMULTANEOUS;
    stage.options.provisional_timeout_ms = 150;
    call("INVITE", "a");
    (void)wire_expect(caller, "SIP/2.0 100");
    for (unsigned i = 0; i < 2; i++)
        ck_assert_ptr_nonnull(
            strstr(wire_expect(two, "INVITE "), "Max-Breadth: 15\r\n"));
    stage_answer(two, wire_expect(two, "INVITE "), "603 Decline", "");
}
END_TEST

/* Its certificate is for the domain that was asked for, not for the host that
 * SRV led to (RFC 5922 §4). */
START_TEST(a_server_must_be_who_the_target_names)
{
    static const certificate_spec_t specs[] = {{.names = "DNS:sip.example.com"},
                                               {.names = "DNS:a.example.com"}};
    const char *file = certificates_path("server.pem");
    authority_t *authority = authority_create(certificates_path("ca2.pem"));

    certificate_write(authority, file, &specs[_i]);
    authority_free(authority);
    stage.tls.ca_file = certificates_path("ca2.pem");
    (void)stage_listen(&stage, WIRE_TLS);
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    ck_assert_int_eq(SSL_CTX_use_certificate_chain_file(ctx, file), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(ctx, file, SSL_FILETYPE_PEM),
                     1);
    wire_t *callee = wire_listen(&stage.loop, WIRE_TLS, stage.ip, ctx);
    nameserver_add_srv(&names, "_sips._tcp.sip.example.com", 1,
                       wire_port(callee), "a.example.com");
    nameserver_add_a(&names, "a.example.com", "127.0.0.1");
    target("sip:sip.example.com;transport=tls");
    if (_i == 0) {
        expect_service(callee, "a");
    } else {
        call("MESSAGE", "a");
        wire_expect_end(callee);
        (void)wire_expect(caller, "SIP/2.0 5");
        ck_assert_ptr_nonnull(strstr(stage.log, "mismatch"));
    }
    wire_close(callee);
    SSL_CTX_free(ctx);
}
END_TEST

START_TEST(a_name_with_ipv6_addresses_alone_is_found)
{
    nameserver_add_srv(&names, "_sip._udp.sip.example.com", 1, wire_port(one),
                       "a.example.com");
    nameserver_add_aaaa(&names, "a.example.com", "::1");
    target("sip.example.com");
    expect_service(one, "a");
}
END_TEST

START_TEST(servers_that_cannot_be_read_are_refused)
{
    srf_options_t options;
    srf_t *srf;

    srf_options_init(&options);
    options.dns_servers = "nonsense";
    ck_assert_int_eq(srf_create(&srf, &stage.loop, &options),
                     SRF_ERR_INVALID_ARGUMENT);
    ck_assert_ptr_null(srf);
}
END_TEST

/* ---- strangers ---- */

/* Names that nobody answers for, one question each. */
static void ask_for_strange_names(const char *method, unsigned count)
{
    char uri[80];
    char name[20];

    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(uri, sizeof(uri), "sip:x@h%u.example.net:5060", i);
        (void)snprintf(name, sizeof(name), "%c%u", method[0], i);
        stage_request(&stage, stranger, WIRE_UDP, method, uri, name, "");
        if (i % 50 == 49)
            wire_run(&stage.loop, 1);
    }
    /* None is left that would go to what is a target by then. */
    for (unsigned i = 0; i < 1000; i++) {
        if (stage_stats(&stage).requests_received == count)
            break;
        wire_run(&stage.loop, 1);
    }
    ck_assert_uint_eq(stage_stats(&stage).requests_received, count);
    wire_run(&stage.loop, 10);
}

static const char *const strange_methods[] = {"ACK", "MESSAGE"};

/* More of them than all together may be looked for. */
START_TEST(names_that_nobody_answers_for_do_not_keep_calls_from_theirs)
{
    add_service();
    names.manner = NAMESERVER_IS_SILENT;
    ask_for_strange_names(strange_methods[_i], 4300);
    srf_stats_t stats = stage_stats(&stage);
    ck_assert_uint_le(stats.dns_pending, 64);
    ck_assert_uint_eq(stats.dns_queries, stats.dns_pending);
    names.manner = NAMESERVER_ANSWERS;
    target("sip.example.com");
    expect_service(one, "a");
}
END_TEST

START_TEST(look_ups_that_were_not_made_are_counted_and_logged)
{
    names.manner = NAMESERVER_IS_SILENT;
    ask_for_strange_names("MESSAGE", 100);
    srf_stats_t stats = stage_stats(&stage);
    ck_assert_uint_eq(stats.dns_pending, 64);
    ck_assert_uint_eq(stats.dns_limited, 36);
    (void)wire_expect(stranger, "SIP/2.0 500");
    ck_assert_ptr_nonnull(strstr(stage.log, "127.0.0.1 looks for too many"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("names");
    TCase *tcase = tcase_create("targets");

    tcase_set_timeout(tcase, 20);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_name_is_found_by_its_records_and_remembered);
    tcase_add_test(tcase, the_next_address_is_tried_before_the_next_target);
    tcase_add_test(tcase,
                   an_address_that_refused_is_tried_last_by_the_next_call);
    tcase_add_test(tcase,
                   a_503_leads_to_the_next_address_and_other_failures_do_not);
    tcase_add_test(tcase, a_silent_address_is_given_up_for_the_next);
    tcase_add_test(tcase, a_name_that_is_not_there_is_a_failure_of_its_target);
    tcase_add_loop_test(
        tcase, a_name_server_that_does_not_help_is_a_failure_too, 0, 2);
    tcase_add_test(tcase, a_request_is_sent_where_its_uri_points);
    tcase_add_test(
        tcase, a_call_to_a_name_is_acknowledged_and_cancelled_where_it_went);
    tcase_add_test(tcase, a_call_may_be_cancelled_while_its_name_is_looked_up);
    tcase_add_test(tcase, a_stack_may_end_while_names_are_looked_up);
    tcase_add_test(tcase, an_ack_to_a_name_waits_for_its_address);
    tcase_add_test(tcase, servers_for_websocket_clients_are_not_for_us);
    tcase_add_loop_test(tcase, requests_of_one_call_get_to_one_server, 0, 2);
    tcase_add_test(tcase,
                   requests_of_the_programs_with_one_call_id_get_to_one_server);
    tcase_add_test(tcase, an_ack_that_comes_again_goes_the_same_way);
    tcase_add_test(tcase, an_ack_to_a_name_that_is_ours_does_not_go_round);
    tcase_add_test(tcase, names_are_forked_to_as_well);
    tcase_add_loop_test(tcase, names_share_the_breadth, 0, 2);
    tcase_add_test(tcase, a_silent_address_leaves_breadth_for_the_next);
    tcase_add_test(tcase, servers_that_cannot_be_read_are_refused);
    tcase_add_loop_test(tcase, a_server_must_be_who_the_target_names, 0, 2);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("strangers");
    tcase_set_timeout(tcase, 20);
    tcase_add_checked_fixture(tcase, setup_patient, teardown);
    tcase_add_loop_test(
        tcase, names_that_nobody_answers_for_do_not_keep_calls_from_theirs, 0,
        2);
    tcase_add_test(tcase, look_ups_that_were_not_made_are_counted_and_logged);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("IPv6");
    tcase_set_timeout(tcase, 20);
    tcase_add_checked_fixture(tcase, setup_six, teardown);
    tcase_add_test(tcase, a_name_with_ipv6_addresses_alone_is_found);
    tcase_add_test(tcase, an_ack_goes_to_an_address_that_can_be_sent_to);
    tcase_add_test(tcase,
                   a_flow_that_goes_leads_to_an_address_that_can_be_sent_to);
    tcase_add_test(tcase, the_outbound_listener_decides_the_family);
    tcase_add_test(tcase, the_family_that_a_request_came_over_comes_first);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
