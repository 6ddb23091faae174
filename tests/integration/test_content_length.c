/*
 * Content-Length where a message goes on over a stream: it is there whatever
 * way the message came (RFC 3261 §18.3), and what a peer sends in one message
 * never becomes two.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "stage.h"

#include <stdio.h>
#include <string.h>

static stage_t stage;

static void setup(void)
{
    stage_setup(&stage, false, NULL);
}

static void teardown(void)
{
    stage_teardown(&stage);
}

/* From datagrams and frames, which need none, to a stream. */
static const wire_kind_t kinds[] = {WIRE_UDP, WIRE_WS};
enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

static wire_t *caller_on(wire_kind_t kind)
{
    return wire_connect(&stage.loop, kind, stage.ip, stage_listen(&stage, kind),
                        NULL);
}

static wire_t *callee_on(wire_kind_t kind)
{
    wire_t *callee = wire_listen(&stage.loop, kind, stage.ip, NULL);

    if (kind == WIRE_TCP)
        (void)stage_listen(&stage, kind);
    stage_target(&stage, 0, callee, kind);
    return callee;
}

/* What others would take for the next message. */
#define HIDDEN                                                    \
 "BYE sip:victim@call.test SIP/2.0\n"                             \
 "Via: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKhidden\n"              \
 "Max-Forwards: 70\nFrom: <sip:x@y>;tag=1\nTo: <sip:y@x>;tag=2\n" \
 "Call-ID: hidden\nCSeq: 1 BYE\nContent-Length: 0\n\n"

static void send_request(wire_t *from, wire_kind_t kind, const char *method,
                         const char *uri, const char *rest)
{
    wire_send(from,
              "%s %s SIP/2.0\n"
              "Via: SIP/2.0/%s 127.0.0.1:%u;branch=z9hG4bKone;rport\n"
              "Max-Forwards: 70\n"
              "From: <sip:a@call.test>;tag=1\n"
              "To: <sip:b@call.test>%s\n"
              "Call-ID: one\n"
              "CSeq: 1 %s\n"
              "Contact: <sip:a@127.0.0.1:%u>\n"
              "%s",
              method, uri, wire_via_name(kind), wire_port(from),
              strcmp(method, "ACK") == 0 ? ";tag=2" : "", method,
              wire_port(from), rest);
}

static const char *body_of(const char *message)
{
    return strstr(message, "\r\n\r\n") + 4;
}

/* How many lines with this name a message has. */
static unsigned count_of(const char *message, const char *name)
{
    const char *from = NULL;
    unsigned count = 0;

    while (wire_header(message, name, &from)[0] != '\0')
        count++;
    return count;
}

static void expect_length(const char *message, size_t len)
{
    char text[20];

    (void)snprintf(text, sizeof(text), "%zu", len);
    ck_assert_uint_eq(count_of(message, "Content-Length"), 1);
    ck_assert_uint_eq(count_of(message, "l"), 0);
    ck_assert_str_eq(wire_header(message, "Content-Length", NULL), text);
    ck_assert_uint_eq(strlen(body_of(message)), len);
}

/* ---- requests ---- */

static const struct {
    const char *rest; /* behind the Contact */
    const char *body; /* with CRLF */
} requests[] = {
    {"\n", ""},
    {"\nbody", "body"},
    {"l: 4\n\nbody", "body"},
    {"Content-Length: 0004\n\nbody", "body"},
    {"Content-Length:\n  4\n\nbody", "body"},
    {"Content-Length : 4 \n\nbody", "body"},
    /* What is behind is dropped (§18.3). */
    {"Content-Length: 4\n\nbody" HIDDEN, "body"},
    {"l: 0\n\n" HIDDEN, ""},
};

START_TEST(a_request_gets_it_on_its_way_to_a_stream)
{
    wire_kind_t kind = kinds[_i % KINDS];
    const unsigned at = (unsigned)_i / KINDS;
    wire_t *caller = caller_on(kind);
    wire_t *callee = callee_on(WIRE_TCP);

    send_request(caller, kind, "MESSAGE", "sip:bob@call.test",
                 requests[at].rest);
    const char *got = wire_expect(callee, "MESSAGE ");
    expect_length(got, strlen(requests[at].body));
    ck_assert_str_eq(body_of(got), requests[at].body);
    stage_answer(callee, got, "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 200");
    ck_assert_ptr_null(wire_poll(callee));
    wire_close(caller);
    wire_close(callee);
}
END_TEST

/* All of its bytes are its body: nobody finds a message in them. */
START_TEST(a_body_that_looks_like_a_message_stays_a_body)
{
    wire_kind_t kind = kinds[_i];
    wire_t *caller = caller_on(kind);
    wire_t *callee = callee_on(WIRE_TCP);

    send_request(caller, kind, "MESSAGE", "sip:bob@call.test", "\n" HIDDEN);
    const char *got = wire_expect(callee, "MESSAGE ");
    ck_assert_uint_eq(
        strtoul(wire_header(got, "Content-Length", NULL), NULL, 10),
        strlen(body_of(got)));
    ck_assert_ptr_nonnull(strstr(body_of(got), "BYE sip:victim"));
    ck_assert_ptr_null(wire_poll(callee));
    wire_close(caller);
    wire_close(callee);
}
END_TEST

static const char *const refused[] = {
    "Content-Length: +4\n\nbody",      "Content-Length: 4, 4\n\nbody",
    "Content-Length: 4\nl: 4\n\nbody", "Content-Length: 0x4\n\nbody",
    "Content-Length: -4\n\nbody",      "Content-Length: 5\n\nbody",
    "Content-Length:\n\nbody",
};

START_TEST(what_cannot_be_read_is_refused)
{
    wire_t *caller = caller_on(WIRE_UDP);
    wire_t *callee = callee_on(WIRE_TCP);

    send_request(caller, WIRE_UDP, "MESSAGE", "sip:bob@call.test", refused[_i]);
    (void)wire_expect(caller, "SIP/2.0 400");
    wire_expect_nothing(callee, 5);
    wire_close(caller);
    wire_close(callee);
}
END_TEST

/* Nobody answers it, and no transaction knows it. */
START_TEST(an_ack_has_it_too)
{
    wire_kind_t kind = kinds[_i];
    wire_t *caller = caller_on(kind);
    wire_t *callee = callee_on(WIRE_TCP);
    char uri[100];

    (void)snprintf(uri, sizeof(uri), "sip:bob@127.0.0.1:%u;transport=tcp",
                   wire_port(callee));
    /* It follows a call that was set up. */
    send_request(caller, kind, "INVITE", uri, "\n");
    const char *got = wire_expect(callee, "INVITE ");
    expect_length(got, 0);
    stage_answer(callee, got, "200 OK", "");
    (void)wire_expect(caller, "SIP/2.0 100");
    (void)wire_expect(caller, "SIP/2.0 200");
    wire_send(caller,
              "ACK %s SIP/2.0\n"
              "Via: SIP/2.0/%s 127.0.0.1:%u;branch=z9hG4bKack\n"
              "Max-Forwards: 70\nFrom: <sip:a@call.test>;tag=1\n"
              "To: <sip:b@call.test>;tag=bob\nCall-ID: one\nCSeq: 1 ACK\n\n",
              uri, wire_via_name(kind), wire_port(caller));
    expect_length(wire_expect(callee, "ACK "), 0);
    wire_close(caller);
    wire_close(callee);
}
END_TEST

START_TEST(a_cancel_and_the_ack_behind_it_have_it)
{
    wire_t *caller = caller_on(WIRE_UDP);
    wire_t *callee = callee_on(WIRE_TCP);

    send_request(caller, WIRE_UDP, "INVITE", "sip:bob@call.test", "\n");
    const char *invite = wire_expect(callee, "INVITE ");
    char kept[3000];
    (void)snprintf(kept, sizeof(kept), "%s", invite);
    stage_answer(callee, kept, "180 Ringing", "");
    (void)wire_expect(caller, "SIP/2.0 100");
    (void)wire_expect(caller, "SIP/2.0 180");
    send_request(caller, WIRE_UDP, "CANCEL", "sip:bob@call.test", "\n");
    const char *cancel = wire_expect(callee, "CANCEL ");
    expect_length(cancel, 0);
    stage_answer(callee, cancel, "200 OK", "");
    stage_answer(callee, kept, "487 Request Terminated", "");
    expect_length(wire_expect(callee, "ACK "), 0);
    wire_close(caller);
    wire_close(callee);
}
END_TEST

/* §18.1.1: too large for a datagram, it goes over TCP. */
START_TEST(the_detour_around_datagrams_has_it)
{
    char rest[3000];
    wire_t *caller = caller_on(WIRE_UDP);
    wire_t *callee = wire_listen(&stage.loop, WIRE_TCP, stage.ip, NULL);

    (void)stage_listen(&stage, WIRE_TCP);
    stage_target(&stage, 0, callee, WIRE_UDP);
    memset(rest, 'x', sizeof(rest));
    rest[0] = '\n';
    rest[1600] = '\0';
    send_request(caller, WIRE_UDP, "MESSAGE", "sip:bob@call.test", rest);
    expect_length(wire_expect(callee, "MESSAGE "), 1599);
    wire_close(caller);
    wire_close(callee);
}
END_TEST

/* ---- responses ---- */

static const wire_kind_t streams[] = {WIRE_TCP, WIRE_TLS, WIRE_WS, WIRE_WSS};

static void answer_without(wire_t *callee, const char *request,
                           const char *rest)
{
    wire_send(
        callee,
        "SIP/2.0 200 OK\nVia: %s\nVia: %s\nFrom: %s\nTo: %s;tag=bob\n"
        "Call-ID: %s\nCSeq: %s\n%s",
        wire_header(request, "Via", NULL),
        strstr(request, "\r\nVia: ") == NULL
            ? ""
            : wire_header(strstr(strstr(request, "\r\nVia: ") + 2, "\r\nVia: "),
                          "Via", NULL),
        wire_header(request, "From", NULL), wire_header(request, "To", NULL),
        wire_header(request, "Call-ID", NULL),
        wire_header(request, "CSeq", NULL), rest);
}

START_TEST(a_response_gets_it_on_its_way_to_a_stream)
{
    wire_kind_t kind = streams[_i];
    wire_t *caller = wire_connect(&stage.loop, kind, stage.ip,
                                  stage_listen(&stage, kind), stage.client_ctx);
    wire_t *callee = callee_on(WIRE_UDP);

    (void)stage_listen(&stage, WIRE_UDP);
    stage_request(&stage, caller, kind, "INVITE", "sip:bob@call.test", "one",
                  "");
    answer_without(callee, wire_expect(callee, "INVITE "), "\nbody");
    expect_length(wire_expect(caller, "SIP/2.0 100"), 0);
    const char *got = wire_expect(caller, "SIP/2.0 200");
    expect_length(got, 4);
    ck_assert_str_eq(wire_header(got, "To", NULL),
                     "<sip:bob@call.test>;tag=bob");
    wire_close(caller);
    wire_close(callee);
}
END_TEST

START_TEST(what_stands_behind_a_response_is_dropped)
{
    wire_t *caller = caller_on(WIRE_TCP);
    wire_t *callee = callee_on(WIRE_UDP);

    (void)stage_listen(&stage, WIRE_UDP);
    stage_request(&stage, caller, WIRE_TCP, "MESSAGE", "sip:bob@call.test",
                  "one", "");
    answer_without(callee, wire_expect(callee, "MESSAGE "),
                   "l: 4\n\nbody" HIDDEN);
    expect_length(wire_expect(caller, "SIP/2.0 200"), 4);
    ck_assert_ptr_null(wire_poll(caller));
    wire_close(caller);
    wire_close(callee);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("content_length");
    TCase *tcase = tcase_create("streams");

    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, a_request_gets_it_on_its_way_to_a_stream, 0,
                        KINDS * sizeof(requests) / sizeof(*requests));
    tcase_add_loop_test(tcase, a_body_that_looks_like_a_message_stays_a_body, 0,
                        KINDS);
    tcase_add_loop_test(tcase, what_cannot_be_read_is_refused, 0,
                        sizeof(refused) / sizeof(*refused));
    tcase_add_loop_test(tcase, an_ack_has_it_too, 0, KINDS);
    tcase_add_test(tcase, a_cancel_and_the_ack_behind_it_have_it);
    tcase_add_test(tcase, the_detour_around_datagrams_has_it);
    tcase_add_loop_test(tcase, a_response_gets_it_on_its_way_to_a_stream, 0,
                        sizeof(streams) / sizeof(*streams));
    tcase_add_test(tcase, what_stands_behind_a_response_is_dropped);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
