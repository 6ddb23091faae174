/*
 * What is changed in a request on its way, and that nothing else is.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "world.h"

#include <stdio.h>

static srf__addr_t proxy_address(void)
{
    srf__addr_t out;

    ck_assert(srf__addr_from_host(&out, srf__str_of("10.0.0.1"), 5060,
                                  SRF__TRANSPORT_UDP));
    return out;
}

static void send_bytes(world_t *world, party_t *from, const char *data,
                       size_t len)
{
    srf__addr_t to = proxy_address();

    mempeer_send(from->peer, &to, data, len);
    world_settle(world);
}

/* The last datagram that went to an address, with its length. */
static struct {
    srf__addr_t to;
    char data[70000];
    size_t len;
} seen;

static void tap(void *arg, const srf__addr_t *from, const srf__addr_t *to,
                const char *data, size_t len)
{
    (void)from;
    (void)arg;
    if (!srf__addr_eq(to, &seen.to))
        return;
    memcpy(seen.data, data, len);
    seen.len = len;
}

static void watch(world_t *world, const char *host)
{
    ck_assert(srf__addr_from_host(&seen.to, srf__str_of(host), 5060,
                                  SRF__TRANSPORT_UDP));
    seen.len = 0;
    memnet_set_tap(world->net, tap, NULL);
}

/* Takes the first line that begins with `start` out of the bytes seen. */
static void cut_line(const char *start)
{
    size_t len = strlen(start);

    for (size_t i = 0; i + len < seen.len; i++) {
        if ((i > 0 && seen.data[i - 1] != '\n') ||
            memcmp(seen.data + i, start, len) != 0)
            continue;
        size_t end = i;
        while (seen.data[end] != '\n')
            end++;
        memmove(seen.data + i, seen.data + end + 1, seen.len - end - 1);
        seen.len -= end + 1 - i;
        return;
    }
    ck_abort_msg("no line \"%s\"", start);
}

/* ---- byte for byte ---- */

static const char odd_head[] =
    "INVITE sip:bob@10.0.0.11 SIP/2.0\r\n"
    "v: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-c1 , SIP/2.0/TCP "
    "far.example.com ; branch = z9hG4bK-far\r\n"
    "x-lower  :   spaced   \r\n"
    "f  :\t\"An\\\"n\" <sip:ann@example.com;tag=no> ; tag = ann-c1\r\n"
    "CONTACT: <sip:ann@10.0.0.9:5060>\r\n"
    "t: <sip:bob@example.com>\r\n"
    "Subject: folded\r\n"
    "   over\r\n"
    "\tthree lines\r\n"
    "i: c1\r\n"
    "X-Empty:\r\n"
    "X-Latin: caf\xe9 \xc3\xa9\r\n"
    "cseq:  1   INVITE\r\n"
    "X-Empty:   \r\n"
    "c: application/octet-stream\r\n"
    "Max-Forwards: 70\r\n"
    "Unknown-Header-Name!%*: ;;,,\"\r\n";

START_TEST(everything_else_stays_byte_for_byte)
{
    char message[4096];
    char expected[4096];
    static const char body[] = "\0\r\n\r\nSIP/2.0\0\xff\xfe\n";
    world_t *world = world_create(NULL, NULL);

    world->program.options.record_route = 0;
    int head = sprintf(message, "%sl: %zu\r\n\r\n", odd_head, sizeof(body));
    memcpy(message + head, body, sizeof(body));
    size_t len = (size_t)head + sizeof(body);
    memcpy(expected, message, len);
    char *mf = strstr(expected, "Max-Forwards: 70");
    memcpy(mf, "Max-Forwards: 69", 16);
    watch(world, "10.0.0.11");
    send_bytes(world, world->caller, message, len);
    ck_assert_uint_gt(seen.len, 0);
    cut_line("Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK");
    ck_assert_uint_eq(seen.len, len);
    ck_assert_mem_eq(seen.data, expected, len);
    memnet_set_tap(world->net, NULL, NULL);
    memnet_drain(world->net, 600000);
    world_destroy(world);
}
END_TEST

/* INTEROP: a LF is taken for a line end, and leaves as one (RFC 3261 §7), so
 * that nobody sees other header fields than we did. The body stays. */
START_TEST(a_lf_without_cr_leaves_as_crlf)
{
    static const char message[] =
        "INVITE sip:bob@10.0.0.11 SIP/2.0\n"
        "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-c1\r\n"
        "From: <sip:ann@example.com>;tag=ann-c1\n"
        "To: <sip:bob@example.com>\n"
        "Call-ID: c1\n"
        "CSeq: 1 INVITE\n"
        "Subject: a\n"
        " b\r\n"
        "X: y\nZ: z\r\n"
        "Content-Length: 4\n\na\nb\n";
    world_t *world = world_create(NULL, NULL);

    send_bytes(world, world->caller, message, sizeof(message) - 1);
    const char *sent = party_find(world->one, "INVITE", 0);
    ck_assert_ptr_nonnull(sent);
    const char *body = strstr(sent, "\r\n\r\n");
    ck_assert_ptr_nonnull(body);
    for (const char *p = sent; p < body; p++)
        ck_assert(*p != '\n' || p[-1] == '\r');
    ck_assert_ptr_nonnull(strstr(sent, "\r\nSubject: a\r\n b\r\nX: y\r\n"
                                       "Z: z\r\n"));
    ck_assert_str_eq(body + 4, "a\nb\n");
    world_answer(world, world->one, "200 OK");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_response_loses_only_our_via)
{
    char message[4096];
    static const char rest[] =
        "v: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-c1\r\n"
        "f  :\t<sip:ann@example.com> ; tag = ann-c1\r\n"
        "t: <sip:bob@example.com>;tag=uas\r\n"
        "Server: folded\r\n"
        "  twice\r\n"
        "i: c1\r\n"
        "cseq:  1   INVITE\r\n"
        "X-Empty:\r\n"
        "c: application/octet-stream\r\n"
        "l: 6\r\n\r\n\0\r\n\r\n\xff";
    world_t *world = world_create("10.0.0.11", NULL);

    world_call(world);
    const char *via =
        party_header(world->one, party_find(world->one, "INVITE", 0), "Via", 0);
    bool joined = _i == 1; /* one Via line for both */
    int head = sprintf(message, "SIP/2.0 200 fine by me\r\n%s: %s%s",
                       joined ? "v" : "Via", via, joined ? " ,\t" : "\r\n");
    size_t skip = joined ? 3 : 0;
    memcpy(message + head, rest + skip, sizeof(rest) - 1 - skip);
    watch(world, "10.0.0.9");
    send_bytes(world, world->one, message,
               (size_t)head + sizeof(rest) - 1 - skip);
    static const char first[] = "SIP/2.0 200 fine by me\r\n";
    size_t first_len = sizeof(first) - 1;
    ck_assert_uint_eq(seen.len, first_len + sizeof(rest) - 1);
    ck_assert_mem_eq(seen.data, first, first_len);
    ck_assert_mem_eq(seen.data + first_len, rest, sizeof(rest) - 1);
    memnet_set_tap(world->net, NULL, NULL);
    world_destroy(world);
}
END_TEST

START_TEST(a_request_without_content_length_is_taken_to_its_end)
{
    static const char message[] =
        "MESSAGE sip:bob@10.0.0.11 SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-c1\r\n"
        "From: <sip:ann@example.com>;tag=ann-c1\r\n"
        "To: <sip:bob@example.com>\r\n"
        "Call-ID: c1\r\n"
        "CSeq: 1 MESSAGE\r\n"
        "Content-Type: text/plain\r\n\r\nhello\r\n";
    world_t *world = world_create(NULL, NULL);

    send_bytes(world, world->caller, message, sizeof(message) - 1);
    const char *sent = party_find(world->one, "MESSAGE", 0);
    ck_assert_ptr_nonnull(sent);
    ck_assert_ptr_nonnull(strstr(sent, "\r\n\r\nhello\r\n"));
    ck_assert_ptr_null(party_header(world->one, sent, "Content-Length", 0));
    party_reply(world->one, 0, "200 OK", "");
    world_settle(world);
    world_destroy(world);
}
END_TEST

/* ---- Via ---- */

static void call_with_via(world_t *world, const char *via)
{
    party_send(world->caller, WORLD_PROXY,
               "OPTIONS sip:bob@10.0.0.11 SIP/2.0\n"
               "Via: %s\n"
               "From: <sip:ann@example.com>;tag=ann-c1\n"
               "To: <sip:bob@example.com>\n"
               "Call-ID: c1\n"
               "CSeq: 1 OPTIONS\n",
               via);
    world_settle(world);
}

START_TEST(the_callers_via_is_marked_as_it_must_be)
{
    static const struct {
        const char *via;
        const char *marked;
    } cases[] = {
        {"SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK-1",
         "SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK-1"},
        {"SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-1",
         "SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-1"},
        {"SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK-1",
         "SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK-1;received=10.0.0.9"},
        {"SIP/2.0/UDP ann.example.com;branch=z9hG4bK-1",
         "SIP/2.0/UDP ann.example.com;branch=z9hG4bK-1;received=10.0.0.9"},
        {"SIP/2.0/UDP 192.0.2.7:7000;rport;branch=z9hG4bK-1",
         "SIP/2.0/UDP 192.0.2.7:7000;rport=5060;branch=z9hG4bK-1"
         ";received=10.0.0.9"},
        {"SIP/2.0/UDP 10.0.0.9:5060;rport;branch=z9hG4bK-1",
         "SIP/2.0/UDP 10.0.0.9:5060;rport=5060;branch=z9hG4bK-1"
         ";received=10.0.0.9"},
    };
    world_t *world = world_create(NULL, NULL);

    call_with_via(world, cases[_i].via);
    const char *sent = party_find(world->one, "OPTIONS", 0);
    ck_assert_ptr_nonnull(sent);
    ck_assert_str_eq(party_header(world->one, sent, "Via", 1),
                     cases[_i].marked);
    party_reply(world->one, 0, "200 OK", "");
    world_settle(world);
    world_expect(world->caller, "SIP/2.0 200", "Via", cases[_i].marked);
    world_destroy(world);
}
END_TEST

START_TEST(a_response_goes_to_the_port_of_the_via_unless_rport_asks)
{
    static const char *const vias[] = {
        "SIP/2.0/UDP 10.0.0.9:7000;branch=z9hG4bK-1",
        "SIP/2.0/UDP 192.0.2.1:7000;branch=z9hG4bK-1",
        "SIP/2.0/UDP 10.0.0.9:7000;rport;branch=z9hG4bK-1",
    };
    world_t *world = world_create(NULL, NULL);
    party_t *other = party_create(world->net, "10.0.0.9:7000");

    call_with_via(world, vias[_i]);
    party_reply(world->one, 0, "200 OK", "");
    world_settle(world);
    ck_assert_uint_eq(other->count, _i < 2 ? 1 : 0);
    ck_assert_uint_eq(world->caller->count, _i < 2 ? 0 : 1);
    memnet_drain(world->net, 600000);
    party_destroy(other);
    world_destroy(world);
}
END_TEST

START_TEST(forced_rport_answers_the_source_port)
{
    srf_options_t options;

    srf_options_init(&options);
    options.force_rport = 1;
    world_t *world = world_create_with(&options, NULL, NULL);
    call_with_via(world, "SIP/2.0/UDP 10.0.0.9:7000;branch=z9hG4bK-1");
    party_reply(world->one, 0, "200 OK", "");
    world_settle(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(every_branch_is_its_own_and_carries_the_cookie)
{
    char branches[3][256];
    world_t *world = world_create("10.0.0.11", "10.0.0.12");

    world_call(world);
    world_answer(world, world->one, "486 Busy Here");
    const char *first = party_find(world->one, "INVITE", 0);
    const char *second = party_find(world->two, "INVITE", 0);
    strcpy(branches[0], party_header(world->one, first, "Via", 0));
    strcpy(branches[1], party_header(world->two, second, "Via", 0));
    strcpy(
        branches[2],
        party_header(world->one, party_find(world->one, "ACK", 0), "Via", 0));
    for (unsigned i = 0; i < 3; i++)
        ck_assert_ptr_nonnull(strstr(branches[i], ";branch=z9hG4bK"));
    ck_assert_str_ne(branches[0], branches[1]);
    ck_assert_str_eq(branches[0], branches[2]);
    world_answer(world, world->two, "200 OK");
    world_destroy(world);
}
END_TEST

/* ---- Max-Forwards ---- */

START_TEST(max_forwards_is_added_or_counted_down)
{
    static const char *const cases[][2] = {
        {"", "70"},
        {"Max-Forwards: 70\n", "69"},
        {"Max-Forwards: 1\n", "0"},
        {"Max-Forwards: 255\n", "254"},
        {"max-forwards:   010  \n", NULL},
    };
    world_t *world = world_create(NULL, NULL);

    party_send(world->caller, WORLD_PROXY,
               "OPTIONS sip:bob@10.0.0.11 SIP/2.0\n"
               "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-c1\n"
               "From: <sip:ann@example.com>;tag=ann-c1\n"
               "To: <sip:bob@example.com>\n"
               "Call-ID: c1\n"
               "CSeq: 1 OPTIONS\n%s",
               cases[_i][0]);
    world_settle(world);
    if (cases[_i][1] != NULL)
        world_expect(world->one, "OPTIONS", "Max-Forwards", cases[_i][1]);
    else
        world_expect(world->one, "OPTIONS", "max-forwards", "9  ");
    party_reply(world->one, 0, "200 OK", "");
    world_settle(world);
    world_destroy(world);
}
END_TEST

/* ---- Record-Route and Path ---- */

START_TEST(record_route_comes_first_and_only_when_wanted)
{
    world_t *world = world_create("10.0.0.11", NULL);

    world->program.options.record_route = _i;
    party_invite(world->caller, WORLD_PROXY, WORLD_URI, "c1",
                 "Record-Route: <sip:192.0.2.1;lr>,<sip:192.0.2.2;lr>\n");
    world_settle(world);
    const char *invite = party_find(world->one, "INVITE", 0);
    ck_assert_str_eq(party_header(world->one, invite, "Record-Route", 0),
                     _i == 1 ? "<sip:10.0.0.1:5060;lr>"
                             : "<sip:192.0.2.1;lr>,<sip:192.0.2.2;lr>");
    ck_assert_int_eq(
        party_header(world->one, invite, "Record-Route", 1) != NULL, _i);
    world_answer(world, world->one, "200 OK");
    world_destroy(world);
}
END_TEST

START_TEST(record_route_goes_where_a_dialog_can_form)
{
    static const struct {
        const char *method;
        bool forms;
    } cases[] = {
        {"SUBSCRIBE", true}, {"REFER", true},    {"NOTIFY", true},
        {"UPDATE", true},    {"FOO", true},      {"REGISTER", false},
        {"MESSAGE", false},  {"OPTIONS", false}, {"PUBLISH", false},
    };
    world_t *world = world_create("10.0.0.11", NULL);
    const char *method = cases[_i].method;

    world_request(world, method, WORLD_URI, "r1", "");
    world_expect(world->one, method, "Record-Route",
                 cases[_i].forms ? "<sip:10.0.0.1:5060;lr>" : NULL);
    party_reply(world->one, 0, "200 OK", "");
    world_settle(world);
    world_destroy(world);
}
END_TEST

/* Adds a listener for the caller, so that the proxy stands between two. */
START_TEST(two_listeners_give_two_record_routes)
{
    world_t *world = world_create("[2001:db8::11]", NULL);
    party_t *six = party_create(world->net, "[2001:db8::11]:5060");

    memnet_listen(world->net, world->srf, "[2001:db8::1]:5060");
    world_call(world);
    const char *invite = party_find(six, "INVITE", 0);
    ck_assert_ptr_nonnull(invite);
    ck_assert_str_eq(party_header(six, invite, "Record-Route", 0),
                     "<sip:[2001:db8::1]:5060;lr>");
    ck_assert_str_eq(party_header(six, invite, "Record-Route", 1),
                     "<sip:10.0.0.1:5060;lr>");
    ck_assert_ptr_null(party_header(six, invite, "Record-Route", 2));
    const char *via = party_header(six, invite, "Via", 0);
    ck_assert_int_eq(strncmp(via, "SIP/2.0/UDP [2001:db8::1]:5060;", 31), 0);
    /* A request of the callee names both, and comes out at the other side. */
    char mark[SRF__MARK_LEN + 1];
    world_mark(world, "c1", "ann-c1", mark);
    party_send(six, "[2001:db8::1]:5060",
               "BYE sip:ann@10.0.0.9 SIP/2.0\n"
               "Via: SIP/2.0/UDP [2001:db8::11]:5060;branch=z9hG4bK-b1\n"
               "Route: <sip:[2001:db8::1]:5060;lr;srf=%s>, "
               "<sip:10.0.0.1:5060;lr;srf=%s>\n"
               "From: <sip:bob@example.com>;tag=uas\n"
               "To: <sip:ann@example.com>;tag=ann-c1\n"
               "Call-ID: c1\n"
               "CSeq: 1 BYE\n",
               mark, mark);
    world_settle(world);
    world_expect(world->caller, "BYE", "Route", NULL);
    const char *bye = party_find(world->caller, "BYE", 0);
    via = party_header(world->caller, bye, "Via", 0);
    ck_assert_int_eq(strncmp(via, "SIP/2.0/UDP 10.0.0.1:5060;", 26), 0);
    memnet_drain(world->net, 600000);
    party_destroy(six);
    world_destroy(world);
}
END_TEST

START_TEST(path_is_added_to_register_when_wanted)
{
    world_t *world = world_create("10.0.0.11", NULL);

    world->program.options.path = 1;
    world_request(world, "REGISTER", "sip:10.0.0.1", "r1",
                  "Path: <sip:192.0.2.1;lr>\n");
    const char *sent = party_find(world->one, "REGISTER", 0);
    ck_assert_str_eq(party_header(world->one, sent, "Path", 0),
                     "<sip:10.0.0.1:5060;lr>");
    ck_assert_str_eq(party_header(world->one, sent, "Path", 1),
                     "<sip:192.0.2.1;lr>");
    party_reply(world->one, 0, "200 OK", "");
    world_settle(world);
    world_request(world, "OPTIONS", WORLD_URI, "o1", "");
    world_expect(world->one, "OPTIONS", "Path", NULL);
    world->program.options.path = 0;
    party_clear(world->one);
    world_request(world, "REGISTER", "sip:10.0.0.1", "r2", "");
    world_expect(world->one, "REGISTER", "Path", NULL);
    memnet_drain(world->net, 600000);
    world_destroy(world);
}
END_TEST

/* ---- the application's headers ---- */

START_TEST(the_programs_headers_are_added_behind_the_callers)
{
    static const char *const headers[] = {
        "X-One", "1", "Subject", "two, \"three\"", "X-Empty", "", NULL};
    world_t *world = world_create("10.0.0.11", "10.0.0.12");

    world->program.options.headers = headers;
    party_invite(world->caller, WORLD_PROXY, WORLD_URI, "c1",
                 "Subject: mine\n");
    world_settle(world);
    world_answer(world, world->one, "480 Away");
    /* In the request to each target, but not in the ACK. */
    for (unsigned i = 0; i < 2; i++) {
        party_t *party = i == 0 ? world->one : world->two;
        const char *invite = party_find(party, "INVITE", 0);
        ck_assert_str_eq(party_header(party, invite, "X-One", 0), "1");
        ck_assert_str_eq(party_header(party, invite, "Subject", 0), "mine");
        ck_assert_str_eq(party_header(party, invite, "Subject", 1),
                         "two, \"three\"");
        ck_assert_str_eq(party_header(party, invite, "X-Empty", 0), "");
    }
    world_expect(world->one, "ACK", "X-One", NULL);
    world_answer(world, world->two, "200 OK");
    world_destroy(world);
}
END_TEST

START_TEST(a_full_header_of_the_program_passes)
{
    char value[8001];
    const char *headers[] = {"X-Long", value, NULL};
    world_t *world = world_create("10.0.0.11", NULL);

    memset(value, 'x', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    world->program.options.headers = headers;
    watch(world, "10.0.0.11");
    world_call(world);
    ck_assert_int_eq(world->program.started, 0);
    ck_assert_uint_gt(seen.len, 8000);
    memnet_set_tap(world->net, NULL, NULL);
    world_answer(world, world->one, "200 OK");
    world_destroy(world);
}
END_TEST

/* ---- 100 Trying ---- */

START_TEST(trying_goes_out_at_once)
{
    world_t *world = world_create("10.0.0.11", NULL);

    world_call(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 100"), 1);
    const char *trying = party_find(world->caller, "SIP/2.0 100", 0);
    ck_assert_ptr_null(
        strstr(party_header(world->caller, trying, "To", 0), "tag="));
    /* A 100 from the target is not forwarded. */
    world_answer(world, world->one, "100 Trying");
    ck_assert_uint_eq(world->caller->count, 1);
    /* A retransmission gets the last response again. */
    world_call(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 100"), 2);
    ck_assert_uint_eq(party_received(world->one, "INVITE"), 1);
    world_answer(world, world->one, "180 Ringing");
    world_call(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 180"), 2);
    world_answer(world, world->one, "200 OK");
    world_destroy(world);
}
END_TEST

START_TEST(trying_may_wait_for_something_better)
{
    srf_options_t options;

    srf_options_init(&options);
    options.trying_delay_ms = 150;
    world_t *world = world_create_with(&options, "10.0.0.11", NULL);
    world_call(world);
    memnet_run(world->net, 140);
    ck_assert_uint_eq(world->caller->count, 0);
    if (_i == 0) {
        memnet_run(world->net, 10);
        ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 100"), 1);
    } else {
        world_answer(world, world->one, "180 Ringing");
        memnet_run(world->net, 500);
        ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 100"), 0);
    }
    world_answer(world, world->one, "200 OK");
    world_destroy(world);
}
END_TEST

START_TEST(another_method_gets_no_100_before_t2)
{
    world_t *world = world_create("10.0.0.11", NULL);

    world_request(world, "OPTIONS", WORLD_URI, "o1", "");
    /* Timer E of the caller reaches T2 at 0.5 + 1 + 2 seconds. */
    memnet_run(world->net, 3490);
    ck_assert_uint_eq(world->caller->count, 0);
    memnet_run(world->net, 20);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 100"), 1);
    party_reply(world->one, 0, "200 OK", "");
    world_settle(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    world_destroy(world);
}
END_TEST

static void add_bytes(Suite *suite)
{
    TCase *tcase = tcase_create("bytes");

    tcase_add_test(tcase, everything_else_stays_byte_for_byte);
    tcase_add_test(tcase, a_lf_without_cr_leaves_as_crlf);
    tcase_add_loop_test(tcase, a_response_loses_only_our_via, 0, 2);
    tcase_add_test(tcase, a_request_without_content_length_is_taken_to_its_end);
    tcase_add_loop_test(tcase, the_callers_via_is_marked_as_it_must_be, 0, 6);
    tcase_add_loop_test(
        tcase, a_response_goes_to_the_port_of_the_via_unless_rport_asks, 0, 3);
    tcase_add_test(tcase, forced_rport_answers_the_source_port);
    tcase_add_test(tcase, every_branch_is_its_own_and_carries_the_cookie);
    suite_add_tcase(suite, tcase);
}

static void add_headers(Suite *suite)
{
    TCase *tcase = tcase_create("headers");

    tcase_add_loop_test(tcase, max_forwards_is_added_or_counted_down, 0, 5);
    tcase_add_loop_test(tcase, record_route_comes_first_and_only_when_wanted, 0,
                        2);
    tcase_add_loop_test(tcase, record_route_goes_where_a_dialog_can_form, 0, 9);
    tcase_add_test(tcase, two_listeners_give_two_record_routes);
    tcase_add_test(tcase, path_is_added_to_register_when_wanted);
    tcase_add_test(tcase, the_programs_headers_are_added_behind_the_callers);
    tcase_add_test(tcase, a_full_header_of_the_program_passes);
    suite_add_tcase(suite, tcase);
}

static void add_trying(Suite *suite)
{
    TCase *tcase = tcase_create("trying");

    tcase_add_test(tcase, trying_goes_out_at_once);
    tcase_add_loop_test(tcase, trying_may_wait_for_something_better, 0, 2);
    tcase_add_test(tcase, another_method_gets_no_100_before_t2);
    suite_add_tcase(suite, tcase);
}

int main(void)
{
    Suite *suite = suite_create("proxy_forwarding");

    add_bytes(suite);
    add_headers(suite);
    add_trying(suite);
    return run_suite(suite);
}
