/*
 * A glance at a request sees what reading it would.
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/peek.h"

#include "runner.h"

#include <stdio.h>
#include <string.h>

enum { HEADERS = 64 };

static srf__peek_t peek_at(const char *text, srf__facts_t *facts)
{
    srf__peek_t peek;

    srf__peek(text, strlen(text), facts, &peek);
    return peek;
}

/* A request with these lines behind its first two. */
static srf__peek_t peek_with(const char *lines)
{
    char text[1000];
    srf__facts_t facts;

    snprintf(text, sizeof(text),
             "BYE sip:a@192.0.2.9 SIP/2.0\r\n"
             "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n%s\r\n",
             lines);
    return peek_at(text, &facts);
}

START_TEST(branch_and_method_are_those_of_the_scanner)
{
    static const char *const texts[] = {
        "INVITE sip:a@b SIP/2.0\r\n"
        "Via: SIP/2.0/UDP host.example:5070;rport;branch=z9hG4bKabc\r\n",
        "CANCEL sip:a@b SIP/2.0\r\n"
        "v:SIP/2.0/TCP [2001:db8::1];branch=z9hG4bK.x;received=1.2.3.4\r\n",
        "NEWONE sip:a@b SIP/2.0\n"
        "VIA:   SIP / 2.0 / UDP\t192.0.2.1 ; branch=z9hG4bK-1 , "
        "SIP/2.0/UDP b;branch=z9hG4bK-2\n",
        "ACK sip:a@b SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 192.0.2.1\r\n ;branch=z9hG4bKfold\r\n",
    };
    static const char rest[] = "From: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\n"
                               "Call-ID: 1\r\nCSeq: 1 %.*s\r\n\r\n";
    const srf__scan_limits_t limits = {HEADERS, 1000};
    srf__header_t headers[HEADERS];
    srf__facts_t scanned = {.headers = headers, .header_cap = HEADERS};
    srf__facts_t seen;
    char text[1000];
    int at = snprintf(text, sizeof(text), "%s", texts[_i]);

    snprintf(text + at, sizeof(text) - (size_t)at, rest,
             (int)strcspn(texts[_i], " "), texts[_i]);
    ck_assert_int_eq(srf__scan(text, strlen(text), &limits, &scanned),
                     SRF__SCAN_OK);
    ck_assert(peek_at(text, &seen).has_branch);
    ck_assert_uint_eq(seen.method, scanned.method);
    ck_assert(srf__str_eq(srf__facts_str(&seen, seen.method_name),
                          srf__facts_str(&scanned, scanned.method_name)));
    ck_assert_mem_eq(&seen.via, &scanned.via, sizeof(seen.via));
}
END_TEST

START_TEST(without_a_branch_of_today_there_is_none)
{
    static const char *const texts[] = {
        "",
        "INVITE",
        "INVITE sip:a@b SIP/2.0",
        "INVITE sip:a@b SIP/2.0\r\n",
        "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1",
        "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=1\r\n\r\n",
        "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1\r\n\r\n",
        "INVITE sip:a@b SIP/2.0\r\nVia\r\n\r\n",
        "INVITE sip:a@b SIP/2.0\r\nV\r\n\r\n",
        "INVITE sip:a@b SIP/2.0\r\nVia: \r\n\r\n",
        "INVITE sip:a@b SIP/2.0\r\n\r\n",
        ("INVITE sip:a@b SIP/2.0\r\nFrom: <sip:a@b>\r\n"
         "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\r\n"),
        "                                                            \r\nVia:",
        "\n\n\n",
    };
    srf__facts_t facts;
    srf__peek_t peek = peek_at(texts[_i], &facts);

    ck_assert(!peek.has_branch);
    ck_assert(!peek.routed);
}
END_TEST

START_TEST(a_to_tag_and_a_marked_route_make_it_routed)
{
    static const char *const texts[] = {
        "Route: <sip:p;lr;srf=1>\r\nTo: <sip:b@b>;tag=1\r\n",
        "t: <sip:b@b>;tag=1\r\nroute : <sip:p;lr;srf=1>\r\n",
        ("To: \"a\" <sip:b@b>\r\n ;x=y ; TAG=1\r\nRoute:\r\n "
         "<sip:p;lr;srf=1>\r\n"),
        "TO\t: sip:b@b;tag=1\r\nSubject: x\r\nROUTE:<sip:p;SRF=1>\r\n",
    };

    ck_assert(peek_with(texts[_i]).routed);
}
END_TEST

START_TEST(less_than_both_does_not)
{
    static const char *const texts[] = {
        "",
        "Route: <sip:p;lr>\r\nTo: <sip:b@b>;tag=1\r\n",
        "To: <sip:b@b>;tag=1\r\n",
        "Route: <sip:p;lr;srf=1>\r\n",
        "Route: <sip:p;lr;srf=1>\r\nTo: <sip:b@b>\r\n",
        "To: <sip:b@b>;tagged=1\r\nRoute: <sip:p;lr;srf=1>\r\n",
        "To: <sip:b@b>;tag=1\r\nRecord-Route: <sip:p;lr;srf=1>\r\n",
        "To: <sip:b@b>;tag=1\r\nRouter: <sip:p;lr;srf=1>\r\n",
        "Timestamp: 1;tag=1\r\nRoute: <sip:p;lr;srf=1>\r\n",
        "To: <sip:b@b>;tag=1\r\n\r\nRoute: <sip:p;lr;srf=1>\r\n",
    };

    ck_assert(!peek_with(texts[_i]).routed);
}
END_TEST

START_TEST(responses_and_keep_alives_are_no_requests)
{
    ck_assert(srf__peek_is_request("INVITE sip:a@b", 14));
    ck_assert(!srf__peek_is_request("SIP/2.0 200 OK", 14));
    ck_assert(!srf__peek_is_request("\r\n\r\n", 4));
    ck_assert(!srf__peek_is_request("\r\n\r\nINVITE", 10));
    ck_assert(!srf__peek_is_request("", 0));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("peek");
    TCase *tcase = tcase_create("peek");

    tcase_add_loop_test(tcase, branch_and_method_are_those_of_the_scanner, 0,
                        4);
    tcase_add_loop_test(tcase, without_a_branch_of_today_there_is_none, 0, 14);
    tcase_add_loop_test(tcase, a_to_tag_and_a_marked_route_make_it_routed, 0,
                        4);
    tcase_add_loop_test(tcase, less_than_both_does_not, 0, 10);
    tcase_add_test(tcase, responses_and_keep_alives_are_no_requests);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
