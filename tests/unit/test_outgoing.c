/*
 * srf_request() for methods other than INVITE: what is sent, how it ends, and
 * what is refused.
 *
 * SPDX-License-Identifier: MIT
 */
#include "asker.h"
#include "runner.h"

#include <stdio.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

static void expect_done(const asker_t *asker, int err, int status)
{
    ck_assert_uint_eq(asker->done, 1);
    ck_assert_int_eq(asker->err, err);
    ck_assert_int_eq(asker->status, status);
}

/* ---- what is sent ---- */

START_TEST(an_options_request_is_complete_by_itself)
{
    asker_t *asker = asker_create();
    char value[256];

    asker_ask(asker, NULL, "10.0.0.11;transport=udp");
    const char *msg = party_find(
        asker->one, "OPTIONS sip:10.0.0.11;transport=udp SIP/2.0", 0);
    ck_assert_ptr_nonnull(msg);
    world_expect(asker->one, "OPTIONS", "Max-Forwards", "70");
    world_expect(asker->one, "OPTIONS", "To", "<sip:10.0.0.11>");
    world_expect(asker->one, "OPTIONS", "CSeq", "1 OPTIONS");
    world_expect(asker->one, "OPTIONS", "Content-Length", "0");
    world_expect(asker->one, "OPTIONS", "Contact", NULL);
    const char *via = party_header(asker->one, msg, "Via", 0);
    ck_assert_ptr_nonnull(
        strstr(via, "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK"));
    ck_assert_str_eq(via + strlen(via) - 6, ";rport");
    strcpy(value, party_header(asker->one, msg, "From", 0));
    ck_assert_uint_eq(strlen(value), strlen("<sip:10.0.0.1>;tag=") + 16);
    ck_assert(strncmp(value, "<sip:10.0.0.1>;tag=", 19) == 0);
    ck_assert_uint_eq(strlen(party_header(asker->one, msg, "Call-ID", 0)), 32);
    asker_reply(asker, "OPTIONS", 0, "200 OK", "");
    expect_done(asker, 0, 200);
    asker_destroy(asker);
}
END_TEST

START_TEST(two_requests_share_neither_call_id_nor_tag)
{
    asker_t *asker = asker_create();
    char from[256];
    char call_id[256];

    asker_ask(asker, NULL, ASKER_URI);
    asker_ask(asker, NULL, ASKER_URI);
    const char *first = party_find(asker->one, "OPTIONS", 0);
    const char *second = party_find(asker->one, "OPTIONS", 1);
    strcpy(from, party_header(asker->one, first, "From", 0));
    strcpy(call_id, party_header(asker->one, first, "Call-ID", 0));
    ck_assert_str_ne(party_header(asker->one, second, "From", 0), from);
    ck_assert_str_ne(party_header(asker->one, second, "Call-ID", 0), call_id);
    asker_destroy(asker);
    /* Both timed out; the handle is the second's. */
}
END_TEST

/* RFC 3261 §25.1: "%" is a byte of a token, so "t%61g" is another parameter. */
START_TEST(an_escape_in_a_header_parameter_is_none)
{
    asker_t *asker = asker_create();
    static const char *const headers[] = {
        "From", "<sip:ann@example.com>;t%61g=me;x=\";tag=no\"", NULL};

    asker->options.headers = headers;
    asker_ask(asker, "OPTIONS", "sip:10.0.0.11");
    const char *msg = party_find(asker->one, "OPTIONS", 0);
    const char *from = party_header(asker->one, msg, "From", 0);
    ck_assert_ptr_nonnull(
        strstr(from, "<sip:ann@example.com>;t%61g=me;x=\";tag=no\";tag="));
    asker_reply(asker, "OPTIONS", 0, "200 OK", "");
    asker_destroy(asker);
}
END_TEST

START_TEST(the_programs_header_fields_take_the_place_of_ours)
{
    asker_t *asker = asker_create();
    static const char *const headers[] = {
        "To",      "\"Ann\" <sip:ann@example.com>",
        "From",    "<sip:ann@example.com>;tag=me",
        "Call-ID", "reg@10.0.0.1",
        "Contact", "<sip:ann@10.0.0.1>",
        "Expires", "60",
        NULL};

    asker->options.headers = headers;
    asker->options.cseq = 7;
    asker_ask(asker, "REGISTER", "sip:10.0.0.11");
    world_expect(asker->one, "REGISTER", "To", "\"Ann\" <sip:ann@example.com>");
    world_expect(asker->one, "REGISTER", "From",
                 "<sip:ann@example.com>;tag=me");
    world_expect(asker->one, "REGISTER", "Call-ID", "reg@10.0.0.1");
    world_expect(asker->one, "REGISTER", "CSeq", "7 REGISTER");
    world_expect(asker->one, "REGISTER", "Contact", "<sip:ann@10.0.0.1>");
    world_expect(asker->one, "REGISTER", "Expires", "60");
    asker_reply(asker, "REGISTER", 0, "200 OK", "");
    expect_done(asker, 0, 200);
    asker_destroy(asker);
}
END_TEST

START_TEST(a_from_without_a_tag_gets_one)
{
    asker_t *asker = asker_create();

    asker->options.headers =
        (const char *const[]){"f", "sip:lb@example.com", NULL};
    asker_ask(asker, "MESSAGE", ASKER_URI);
    const char *msg = party_find(asker->one, "MESSAGE", 0);
    const char *from = party_header(asker->one, msg, "From", 0);
    ck_assert(strncmp(from, "sip:lb@example.com;tag=", 23) == 0);
    ck_assert_uint_eq(strlen(from), 23 + 16);
    asker_destroy(asker);
}
END_TEST

START_TEST(a_body_goes_along)
{
    asker_t *asker = asker_create();

    asker->options.headers =
        (const char *const[]){"Content-Type", "text/plain", NULL};
    asker->options.body = "hello";
    asker->options.body_len = 5;
    asker_ask(asker, "MESSAGE", ASKER_URI);
    world_expect(asker->one, "MESSAGE", "Content-Length", "5");
    const char *msg = party_find(asker->one, "MESSAGE", 0);
    ck_assert_str_eq(strstr(msg, "\r\n\r\n"), "\r\n\r\nhello");
    asker_destroy(asker);
}
END_TEST

START_TEST(next_hop_is_where_it_goes)
{
    asker_t *asker = asker_create();

    asker->options.next_hop = "10.0.0.12";
    asker_ask(asker, NULL, _i == 0 ? "tel:+4912345" : "sip:bob@example.com");
    ck_assert_uint_eq(party_received(asker->one, "OPTIONS"), 0);
    ck_assert_uint_eq(party_received(asker->two, _i == 0
                                                     ? "OPTIONS tel:+4912345 "
                                                     : "OPTIONS sip:bob@"
                                                       "example.com "),
                      1);
    world_expect(asker->two, "OPTIONS", "To",
                 _i == 0 ? "<tel:+4912345>" : "<sip:bob@example.com>");
    world_expect(asker->two, "OPTIONS", "Route", NULL);
    asker_destroy(asker);
}
END_TEST

START_TEST(the_first_route_is_where_it_goes)
{
    asker_t *asker = asker_create();

    asker->options.headers = (const char *const[]){
        "Route", "<sip:10.0.0.12;lr>, <sip:10.0.0.13;lr>", NULL};
    asker_ask(asker, NULL, "sip:bob@example.com");
    world_expect(asker->two, "OPTIONS sip:bob@example.com ", "Route",
                 "<sip:10.0.0.12;lr>, <sip:10.0.0.13;lr>");
    asker_destroy(asker);
}
END_TEST

START_TEST(what_can_make_a_dialog_has_a_contact)
{
    asker_t *asker = asker_create();

    asker_ask(asker, "SUBSCRIBE", ASKER_URI);
    world_expect(asker->one, "SUBSCRIBE", "Contact", "<sip:10.0.0.1:5060>");
    asker_destroy(asker);
}
END_TEST

START_TEST(an_unknown_method_is_a_method)
{
    asker_t *asker = asker_create();

    asker_ask(asker, "PING", ASKER_URI);
    asker_reply(asker, "PING", 0, "501 Not Implemented", "");
    expect_done(asker, 0, 501);
    asker_destroy(asker);
}
END_TEST

/* ---- how it ends ---- */

START_TEST(a_provisional_response_is_told_before_the_final_one)
{
    asker_t *asker = asker_create();

    asker_ask(asker, "REGISTER", ASKER_URI);
    asker_reply(asker, "REGISTER", 0, "100 Trying", "");
    ck_assert_uint_eq(asker->heard, 1);
    ck_assert_int_eq(asker->statuses[0], 100);
    ck_assert_uint_eq(asker->done, 0);
    asker_reply(asker, "REGISTER", 0, "403 Forbidden", "");
    expect_done(asker, 0, 403);
    ck_assert_uint_eq(asker->heard, 1);
    asker_reply(asker, "REGISTER", 0, "403 Forbidden", "");
    ck_assert_uint_eq(asker->done, 1);
    asker_destroy(asker);
}
END_TEST

START_TEST(nobody_needs_a_callback)
{
    asker_t *asker = asker_create();

    ck_assert_int_eq(srf_request(asker->srf, ASKER_URI, NULL, NULL), 0);
    asker_settle(asker);
    asker_reply(asker, "OPTIONS", 0, "100 Trying", "");
    asker_reply(asker, "OPTIONS", 0, "200 OK", "");
    ck_assert_ptr_null(asker->srf->uac.outgoing);
    asker_destroy(asker);
}
END_TEST

START_TEST(silence_ends_with_timer_f)
{
    asker_t *asker = asker_create();

    asker_ask(asker, NULL, ASKER_URI);
    memnet_run(asker->net, 31900);
    ck_assert_uint_eq(asker->done, 0);
    ck_assert_uint_gt(party_received(asker->one, "OPTIONS"), 5);
    memnet_run(asker->net, 200);
    expect_done(asker, SRF_ERR_TIMEOUT, 0);
    asker_destroy(asker);
}
END_TEST

START_TEST(timeout_ms_comes_earlier)
{
    asker_t *asker = asker_create();

    asker->options.timeout_ms = 2000;
    asker_ask(asker, NULL, ASKER_URI);
    asker_reply(asker, "OPTIONS", 0, "100 Trying", "");
    memnet_run(asker->net, 1980);
    ck_assert_uint_eq(asker->done, 0);
    memnet_run(asker->net, 30);
    expect_done(asker, SRF_ERR_TIMEOUT, 0);
    party_clear(asker->one);
    memnet_run(asker->net, 60000);
    ck_assert_uint_eq(asker->one->count, 0); /* it is not sent again */
    asker_destroy(asker);
}
END_TEST

START_TEST(a_closed_port_ends_it_at_once)
{
    asker_t *asker = asker_create();

    memnet_close_port(asker->net, ASKER_ONE, _i == 1);
    asker->options.method = "OPTIONS";
    ck_assert_int_eq(asker_try(asker, ASKER_URI), 0);
    ck_assert_uint_eq(asker->done, 0);
    memnet_run(asker->net, 5);
    expect_done(asker, SRF_ERR_UNREACHABLE, 0);
    asker_destroy(asker);
}
END_TEST

START_TEST(cancel_stops_the_waiting)
{
    asker_t *asker = asker_create();

    asker_ask(asker, NULL, ASKER_URI);
    srf_outgoing_cancel(asker->handle);
    srf_outgoing_cancel(asker->handle);
    ck_assert_uint_eq(asker->done, 0);
    asker_settle(asker);
    expect_done(asker, SRF_ERR_CANCELED, 0);
    ck_assert_uint_eq(party_received(asker->one, "CANCEL"), 0); /* §9.1 */
    asker_reply(asker, "OPTIONS", 0, "200 OK", "");
    ck_assert_uint_eq(asker->done, 1);
    asker_destroy(asker);
}
END_TEST

static void cancel_when_heard(asker_t *asker, const srf_msg_t *response)
{
    (void)response;
    srf_outgoing_cancel(asker->handle);
}

START_TEST(cancel_from_the_hook_stops_it_too)
{
    asker_t *asker = asker_create();

    asker->on_heard = cancel_when_heard;
    asker_ask(asker, NULL, ASKER_URI);
    asker_reply(asker, "OPTIONS", 0, "100 Trying", "");
    asker_settle(asker);
    expect_done(asker, SRF_ERR_CANCELED, 0);
    asker_destroy(asker);
}
END_TEST

static void ask_again(asker_t *asker, const srf_msg_t *response)
{
    (void)response;
    asker->on_done = NULL;
    ck_assert_int_eq(
        srf_request(asker->srf, ASKER_URI, &asker->options, asker_done), 0);
}

START_TEST(the_next_one_may_be_sent_from_the_completion)
{
    asker_t *asker = asker_create();

    asker->on_done = ask_again;
    asker->options.on_response = NULL;
    asker_ask(asker, NULL, ASKER_URI);
    asker_reply(asker, "OPTIONS", 0, "200 OK", "");
    ck_assert_uint_eq(asker->done, 1);
    asker_reply(asker, "OPTIONS", 1, "404 Not Found", "");
    ck_assert_uint_eq(asker->done, 2);
    ck_assert_int_eq(asker->status, 404);
    asker_destroy(asker);
}
END_TEST

/* ---- destroy ---- */

static void destroy_it(asker_t *asker, const srf_msg_t *response)
{
    (void)response;
    asker->destroyed = true;
    srf_destroy(asker->srf, NULL);
    ck_assert_int_eq(asker_try(asker, ASKER_URI), SRF_ERR_CANCELED);
}

START_TEST(destroy_completes_what_is_pending_once)
{
    asker_t *asker = asker_create();

    asker_ask(asker, NULL, ASKER_URI);
    asker_ask(asker, "INVITE", ASKER_URI);
    asker->destroyed = true;
    srf_destroy(asker->srf, NULL);
    srf_outgoing_cancel(asker->handle);
    ck_assert_uint_eq(asker->done, 0);
    memnet_run(asker->net, 5);
    ck_assert_uint_eq(asker->done, 2);
    ck_assert_int_eq(asker->err, SRF_ERR_CANCELED);
    ck_assert_int_eq(asker->status, 0);
    asker_destroy(asker);
}
END_TEST

START_TEST(destroy_in_the_completion)
{
    asker_t *asker = asker_create();

    asker->on_done = destroy_it;
    asker_ask(asker, NULL, ASKER_URI);
    asker_reply(asker, "OPTIONS", 0, "200 OK", "");
    expect_done(asker, 0, 200);
    asker_destroy(asker);
}
END_TEST

START_TEST(destroy_in_the_hook)
{
    asker_t *asker = asker_create();

    asker->on_heard = destroy_it;
    asker_ask(asker, NULL, ASKER_URI);
    asker_reply(asker, "OPTIONS", 0, "100 Trying", "");
    memnet_run(asker->net, 5);
    expect_done(asker, SRF_ERR_CANCELED, 0);
    asker_destroy(asker);
}
END_TEST

/* ---- what is refused ---- */

typedef struct refusal {
    int err;
    const char *uri;
    srf_request_options_t options;
} refusal_t;

static const char *const any_realm[] = {"*", NULL};

#define HEADERS(...)               \
 {                                 \
  .headers = (const char *const[]) \
  {                                \
   __VA_ARGS__, NULL               \
  }                                \
 }

static const refusal_t refusals[] = {
    {SRF_ERR_INVALID_ARGUMENT, NULL, {.method = "OPTIONS"}},
    {SRF_ERR_INVALID_ARGUMENT, ASKER_URI, {.method = "ACK"}},
    {SRF_ERR_INVALID_ARGUMENT, ASKER_URI, {.method = "CANCEL"}},
    {SRF_ERR_INVALID_ARGUMENT, ASKER_URI, {.method = "A B"}},
    {SRF_ERR_INVALID_ARGUMENT, ASKER_URI, {.method = ""}},
    {SRF_ERR_INVALID_ARGUMENT, ASKER_URI, {.cseq = 0x80000000u}},
    {SRF_ERR_INVALID_ARGUMENT,
     ASKER_URI,
     {.username = "a\r\nb", .realms = any_realm}},
    {SRF_ERR_INVALID_ARGUMENT, ASKER_URI, {.username = "ann"}},
    {SRF_ERR_INVALID_ARGUMENT, ASKER_URI, {.body = "x", .body_len = 1}},
    {SRF_ERR_INVALID_URI, "sip:bob@", {.method = NULL}},
    {SRF_ERR_INVALID_URI, "sip:10.0.0.11?subject=x", {.method = NULL}},
    {SRF_ERR_UNSUPPORTED, "http://10.0.0.11", {.method = NULL}},
    {SRF_ERR_NAME_NOT_FOUND, "sip:bob@example.com", {.method = NULL}},
    {SRF_ERR_NAME_NOT_FOUND, "tel:+123", {.method = NULL}},
    {SRF_ERR_NO_TRANSPORT, "sip:10.0.0.11;transport=sctp", {.method = NULL}},
    {SRF_ERR_NO_TRANSPORT, "sip:[2001:db8::1]", {.method = NULL}},
    {SRF_ERR_INVALID_URI, ASKER_URI, {.next_hop = "10.0.0.11:0"}},
    {SRF_ERR_NAME_NOT_FOUND, ASKER_URI, {.next_hop = "example.com"}},
    {SRF_ERR_HEADER_NOT_ALLOWED, ASKER_URI, HEADERS("Via", "x")},
    {SRF_ERR_HEADER_NOT_ALLOWED, ASKER_URI, HEADERS("CSeq", "1 OPTIONS")},
    {SRF_ERR_HEADER_NOT_ALLOWED, ASKER_URI, HEADERS("l", "0")},
    {SRF_ERR_HEADER_NOT_ALLOWED, ASKER_URI, HEADERS("Max-Forwards", "1")},
    {SRF_ERR_INVALID_HEADER, ASKER_URI, HEADERS("X-A", "1\r\nX-B: 2")},
    {SRF_ERR_INVALID_HEADER, ASKER_URI, HEADERS("X A", "1")},
    {SRF_ERR_INVALID_HEADER, ASKER_URI, HEADERS("From", "nobody")},
    {SRF_ERR_INVALID_HEADER, ASKER_URI, HEADERS("From", "")},
    {SRF_ERR_INVALID_HEADER, ASKER_URI, HEADERS("From", "<sip:a@b>;tag=")},
    {SRF_ERR_INVALID_HEADER, ASKER_URI,
     HEADERS("From", "<sip:a@b>;tag=1;tag=2")},
    {SRF_ERR_INVALID_HEADER, ASKER_URI,
     HEADERS("To", "<sip:a@b>", "t", "<sip:a@b>")},
    {SRF_ERR_INVALID_HEADER, ASKER_URI, HEADERS("Call-ID", "a b")},
    {SRF_ERR_INVALID_HEADER, ASKER_URI, HEADERS("Call-ID", " ")},
    {SRF_ERR_INVALID_HEADER, ASKER_URI, HEADERS("Route", "nowhere")},
    {SRF_ERR_INVALID_HEADER, ASKER_URI, HEADERS("Max-Breadth", "many")},
    {SRF_ERR_UNSUPPORTED, ASKER_URI, HEADERS("Route", "<sip:10.0.0.12>")},
};

static void expect_refusal(asker_t *asker, const char *uri, int err)
{
    asker->handle = (srf_outgoing_t *)asker;
    int got = asker_try(asker, uri);
    ck_assert_msg(got == err, "%s instead of %s", srf_err_name(got),
                  srf_err_name(err));
    ck_assert_ptr_eq(asker->handle, asker);
    ck_assert_ptr_null(asker->srf->uac.outgoing);
    ck_assert_uint_eq(asker_clients(asker), 0);
    memnet_run(asker->net, 100);
    ck_assert_uint_eq(asker->one->count, 0);
    ck_assert_uint_eq(asker->done, 0);
}

START_TEST(bad_arguments_have_no_effect)
{
    asker_t *asker = asker_create();
    const refusal_t *refusal = &refusals[_i];
    srf_request_options_t usual = asker->options;

    asker->options = refusal->options;
    asker->options.size = usual.size;
    asker->options.data = asker;
    asker->options.handle = &asker->handle;
    expect_refusal(asker, refusal->uri, refusal->err);
    asker_destroy(asker);
}
END_TEST

START_TEST(credentials_are_given_in_one_way_only)
{
    asker_t *asker = asker_create();

    asker->options.headers =
        (const char *const[]){"Authorization", "Digest x=\"y\"", NULL};
    asker->options.username = "ann";
    asker->options.realms = any_realm;
    expect_refusal(asker, ASKER_URI, SRF_ERR_HEADER_NOT_ALLOWED);
    asker->options.username = NULL;
    asker_ask(asker, NULL, ASKER_URI);
    world_expect(asker->one, "OPTIONS", "Authorization", "Digest x=\"y\"");
    asker_destroy(asker);
}
END_TEST

START_TEST(what_does_not_fit_is_refused_whole)
{
    static char body[65536];
    asker_t *asker = asker_create();

    memset(body, 'x', sizeof(body));
    asker->options.headers =
        (const char *const[]){"Content-Type", "text/plain", NULL};
    asker->options.body = body;
    asker->options.body_len = _i == 0 ? 65535 : 65536;
    expect_refusal(asker, ASKER_URI, SRF_ERR_LIMIT);
    asker_destroy(asker);
}
END_TEST

START_TEST(options_of_a_newer_library_are_refused)
{
    asker_t *asker = asker_create();
    struct {
        srf_request_options_t known;
        uint64_t more;
    } newer = {.known = asker->options, .more = 1};

    newer.known.size = sizeof(newer);
    ck_assert_int_eq(
        srf_request(asker->srf, ASKER_URI, &newer.known, asker_done),
        SRF_ERR_UNSUPPORTED);
    ck_assert_int_eq(srf_request(NULL, ASKER_URI, NULL, asker_done),
                     SRF_ERR_INVALID_ARGUMENT);
    asker_destroy(asker);
}
END_TEST

static TCase *sending(void)
{
    TCase *tcase = tcase_create("sending");

    tcase_add_test(tcase, an_options_request_is_complete_by_itself);
    tcase_add_test(tcase, two_requests_share_neither_call_id_nor_tag);
    tcase_add_test(tcase, an_escape_in_a_header_parameter_is_none);
    tcase_add_test(tcase, the_programs_header_fields_take_the_place_of_ours);
    tcase_add_test(tcase, a_from_without_a_tag_gets_one);
    tcase_add_test(tcase, a_body_goes_along);
    tcase_add_loop_test(tcase, next_hop_is_where_it_goes, 0, 2);
    tcase_add_test(tcase, the_first_route_is_where_it_goes);
    tcase_add_test(tcase, what_can_make_a_dialog_has_a_contact);
    tcase_add_test(tcase, an_unknown_method_is_a_method);
    return tcase;
}

static TCase *ending(void)
{
    TCase *tcase = tcase_create("ending");

    tcase_add_test(tcase, a_provisional_response_is_told_before_the_final_one);
    tcase_add_test(tcase, nobody_needs_a_callback);
    tcase_add_test(tcase, silence_ends_with_timer_f);
    tcase_add_test(tcase, timeout_ms_comes_earlier);
    tcase_add_loop_test(tcase, a_closed_port_ends_it_at_once, 0, 2);
    tcase_add_test(tcase, cancel_stops_the_waiting);
    tcase_add_test(tcase, cancel_from_the_hook_stops_it_too);
    tcase_add_test(tcase, the_next_one_may_be_sent_from_the_completion);
    tcase_add_test(tcase, destroy_completes_what_is_pending_once);
    tcase_add_test(tcase, destroy_in_the_completion);
    tcase_add_test(tcase, destroy_in_the_hook);
    return tcase;
}

static TCase *refusing(void)
{
    TCase *tcase = tcase_create("refusing");

    tcase_add_loop_test(tcase, bad_arguments_have_no_effect, 0,
                        COUNT(refusals));
    tcase_add_test(tcase, credentials_are_given_in_one_way_only);
    tcase_add_loop_test(tcase, what_does_not_fit_is_refused_whole, 0, 2);
    tcase_add_test(tcase, options_of_a_newer_library_are_refused);
    return tcase;
}

int main(void)
{
    Suite *suite = suite_create("outgoing");

    suite_add_tcase(suite, sending());
    suite_add_tcase(suite, ending());
    suite_add_tcase(suite, refusing());
    return run_suite(suite);
}
