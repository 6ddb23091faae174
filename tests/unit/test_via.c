/*
 * Via values, and names of transports.
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/scan.h"

#include "runner.h"
#include "srf/srf.h"

#include <stdio.h>

static char line[512];
static srf__via_t via;
static uint16_t next;

/* Reads the value as it stands in a line that begins with "Via: ". */
static int read_value(const char *value)
{
    int len = snprintf(line, sizeof(line), "Via: %s\r\n", value);

    ck_assert_int_lt(len, (int)sizeof(line));
    memset(&via, 0xee, sizeof(via));
    next = 0xeeee;
    return srf__via_read(line, 5, (uint16_t)len, &via, &next);
}

static void check_span(srf__span_t span, const char *expected)
{
    ck_assert_uint_eq(span.len, strlen(expected));
    ck_assert_mem_eq(line + span.off, expected, span.len);
}

static void check_absent(srf__span_t span)
{
    ck_assert_uint_eq(span.off, 0);
    ck_assert_uint_eq(span.len, 0);
}

START_TEST(plain_value_gives_transport_host_and_branch)
{
    ck_assert_int_eq(read_value("SIP/2.0/UDP h.example.org;branch=z9hG4bK1a"),
                     0);

    check_span(via.value, "SIP/2.0/UDP h.example.org;branch=z9hG4bK1a");
    check_span(via.host, "h.example.org");
    check_span(via.branch, "z9hG4bK1a");
    ck_assert_int_eq(via.transport, SRF__TRANSPORT_UDP);
    ck_assert_uint_eq(via.port, 0);
    ck_assert(!via.has_rport);
    check_absent(via.received);
    check_absent(via.rport);
    check_absent(via.rport_value);
    ck_assert_uint_eq(via.keep, 0);
    ck_assert_uint_eq(next, 0);
}
END_TEST

START_TEST(all_parameters_we_need_are_found_among_others)
{
    ck_assert_int_eq(
        read_value("SIP/2.0/TCP 192.0.2.4:5070;ttl=3;RPORT=40001;x=\"a;b,c\";"
                   "Received=198.51.100.2;keep;branch=z9;MADDR=m.example.net"),
        0);

    check_span(via.host, "192.0.2.4");
    ck_assert_uint_eq(via.port, 5070);
    ck_assert_int_eq(via.transport, SRF__TRANSPORT_TCP);
    check_span(via.received, "198.51.100.2");
    check_span(via.rport_value, "40001");
    check_span(via.rport, "RPORT=40001");
    check_span(via.branch, "z9");
    ck_assert(via.has_rport);
    ck_assert_mem_eq(line + via.keep - 5, ";keep;", 6);
}
END_TEST

START_TEST(white_space_and_folds_are_allowed_between_all_parts)
{
    ck_assert_int_eq(
        read_value(
            "SIP /\t2.0\r\n / UDP\r\n\t h.example.org : 5090 ;\r\n rport "
            "; branch\r\n = \r\n zz \r\n "),
        0);

    check_span(via.host, "h.example.org");
    ck_assert_uint_eq(via.port, 5090);
    check_span(via.branch, "zz");
    check_span(via.rport, "rport");
    check_absent(via.rport_value);
    ck_assert(via.has_rport);
    ck_assert_int_eq(line[via.value.off + via.value.len - 1], 'z');
}
END_TEST

START_TEST(a_lone_lf_ends_the_line_too)
{
    static const char text[] = "v:SIP/2.0/TLS h;branch=b\n";

    ck_assert_int_eq(
        srf__via_read(text, 2, (uint16_t)strlen(text), &via, &next), 0);
    ck_assert_uint_eq(via.branch.len, 1);
    ck_assert_int_eq(via.transport, SRF__TRANSPORT_TLS);
}
END_TEST

START_TEST(a_further_value_on_the_line_is_reported)
{
    ck_assert_int_eq(read_value("SIP/2.0/UDP a;branch=1 ,\r\n SIP/2.0/TCP b"),
                     0);

    check_span(via.value, "SIP/2.0/UDP a;branch=1");
    ck_assert_mem_eq(line + next, "SIP/2.0/TCP b", 13);

    uint16_t first = next;
    ck_assert_int_eq(
        srf__via_read(line, first, (uint16_t)strlen(line), &via, &next), 0);
    check_span(via.host, "b");
    ck_assert_uint_eq(next, 0);
}
END_TEST

START_TEST(a_comma_in_quotes_separates_nothing)
{
    ck_assert_int_eq(read_value("SIP/2.0/UDP a;x=\"\\\",\";branch=q"), 0);

    check_span(via.branch, "q");
    ck_assert_uint_eq(next, 0);
}
END_TEST

START_TEST(ipv6_sent_by_keeps_its_brackets)
{
    ck_assert_int_eq(read_value("SIP/2.0/UDP [2001:db8::9]:5062;branch=v6"), 0);
    check_span(via.host, "[2001:db8::9]");
    ck_assert_uint_eq(via.port, 5062);

    ck_assert_int_eq(read_value("SIP/2.0/UDP [::ffff:192.0.2.1];branch=v6"), 0);
    check_span(via.host, "[::ffff:192.0.2.1]");
}
END_TEST

START_TEST(received_takes_ipv6_with_and_without_brackets)
{
    ck_assert_int_eq(read_value("SIP/2.0/UDP a;received=2001:db8::7;branch=1"),
                     0);
    check_span(via.received, "2001:db8::7");

    ck_assert_int_eq(read_value("SIP/2.0/UDP a;received=[2001:db8::7]"), 0);
    check_span(via.received, "[2001:db8::7]");
}
END_TEST

START_TEST(empty_received_is_there_but_empty)
{
    ck_assert_int_eq(read_value("SIP/2.0/UDP a;received=;branch=1"), 0);

    ck_assert_uint_eq(via.received.len, 0);
    ck_assert_mem_eq(line + via.received.off, ";branch", 7);
    check_span(via.branch, "1");
}
END_TEST

START_TEST(empty_rport_value_is_an_rport)
{
    ck_assert_int_eq(read_value("SIP/2.0/UDP a;rport=;branch=1"), 0);

    ck_assert(via.has_rport);
    check_span(via.rport, "rport=");
    ck_assert_uint_eq(via.rport_value.len, 0);
}
END_TEST

START_TEST(value_without_branch_is_read)
{
    ck_assert_int_eq(read_value("SIP/2.0/UDP gate.example.org"), 0);

    check_span(via.host, "gate.example.org");
    check_absent(via.branch);
}
END_TEST

START_TEST(name_and_version_of_the_protocol_are_not_judged)
{
    ck_assert_int_eq(read_value("SIP/4.1/UDP a;branch=1"), 0);
    ck_assert_int_eq(read_value("sip/2.0/udp a;branch=1"), 0);
    ck_assert_int_eq(via.transport, SRF__TRANSPORT_UDP);
}
END_TEST

START_TEST(unknown_transport_is_none)
{
    ck_assert_int_eq(read_value("SIP/2.0/CARRIER-PIGEON loft;branch=1"), 0);

    ck_assert_int_eq(via.transport, SRF__TRANSPORT_NONE);
    check_span(via.host, "loft");
}
END_TEST

START_TEST(underscore_in_a_host_is_tolerated)
{
    ck_assert_int_eq(read_value("SIP/2.0/UDP my_host.local:1"), 0);

    check_span(via.host, "my_host.local");
    ck_assert_uint_eq(via.port, 1);
}
END_TEST

START_TEST(branch_may_have_bytes_that_are_no_token_but_no_separator)
{
    ck_assert_int_eq(read_value("SIP/2.0/UDP a;branch=z9hG4bK+/=@?:(x)"), 0);

    check_span(via.branch, "z9hG4bK+/=@?:(x)");
}
END_TEST

static const char *const bad_values[] = {
    "",
    " ",
    "SIP",
    "SIP/2.0",
    "SIP/2.0/",
    "SIP/2.0/UDP",
    "SIP/2.0/UDP ",
    "SIP/2.0/UDPa.example.org",
    "SIP//UDP a",
    "/2.0/UDP a",
    "SIP 2.0 UDP a",
    "SIP/2.0/UDP ;branch=1",
    "SIP/2.0/UDP ,",
    "SIP/2.0/UDP a b",
    "SIP/2.0/UDP a:",
    "SIP/2.0/UDP a:x",
    "SIP/2.0/UDP a:0",
    "SIP/2.0/UDP a:65536",
    "SIP/2.0/UDP a:99999999999999999999999999",
    "SIP/2.0/UDP a:5060x",
    "SIP/2.0/UDP [::1",
    "SIP/2.0/UDP []",
    "SIP/2.0/UDP [fe80::1%eth0]",
    "SIP/2.0/UDP [::1]x",
    "SIP/2.0/UDP 2001:db8::1",
    "SIP/2.0/UDP a;",
    "SIP/2.0/UDP a;;branch=1",
    "SIP/2.0/UDP a;branch",
    "SIP/2.0/UDP a;branch=",
    "SIP/2.0/UDP a;branch=\"q\"",
    "SIP/2.0/UDP a;branch=1;branch=2",
    "SIP/2.0/UDP a;branch=1 2",
    "SIP/2.0/UDP a;branch=1\"2\"",
    "SIP/2.0/UDP a;branch=<1>",
    "SIP/2.0/UDP a;=1",
    "SIP/2.0/UDP a;x=\"open",
    "SIP/2.0/UDP a;x=\"open\\\"",
    "SIP/2.0/UDP a;rport=x",
    "SIP/2.0/UDP a;rport=0",
    "SIP/2.0/UDP a;rport=65536",
    "SIP/2.0/UDP a;rport=50 60",
    "SIP/2.0/UDP a;rport;rport",
    "SIP/2.0/UDP a;rport;rport=5",
    "SIP/2.0/UDP a;rport=\"5\"",
    "SIP/2.0/UDP a;received;branch=1",
    "SIP/2.0/UDP a;received=1.2.3.4;received=1.2.3.5",
    "SIP/2.0/UDP a;received=;received=1.2.3.5",
    "SIP/2.0/UDP a;rport;received",
    "SIP/2.0/UDP a;branch=1,",
    "SIP/2.0/UDP a;branch=1 , ,SIP/2.0/UDP b",
    "SIP/2.0/UDP a\r;branch=1",
    "SIP/2.0/UDP a;branch=1\r",
};

START_TEST(values_outside_the_grammar_are_refused)
{
    const char *value = bad_values[_i];

    ck_assert_msg(read_value(value) == SRF_ERR_SYNTAX, "accepted: %s", value);
    ck_assert_uint_eq(next, 0);
}
END_TEST

START_TEST(transports_are_found_in_any_case)
{
    ck_assert_int_eq(srf__transport_find(SRF__STR("UDP")), SRF__TRANSPORT_UDP);
    ck_assert_int_eq(srf__transport_find(SRF__STR("tcp")), SRF__TRANSPORT_TCP);
    ck_assert_int_eq(srf__transport_find(SRF__STR("Tls")), SRF__TRANSPORT_TLS);
    ck_assert_int_eq(srf__transport_find(SRF__STR("ws")), SRF__TRANSPORT_WS);
    ck_assert_int_eq(srf__transport_find(SRF__STR("WSS")), SRF__TRANSPORT_WSS);
    ck_assert_int_eq(srf__transport_find(SRF__STR("")), SRF__TRANSPORT_NONE);
    ck_assert_int_eq(srf__transport_find(SRF__STR("ud")), SRF__TRANSPORT_NONE);
    ck_assert_int_eq(srf__transport_find(SRF__STR("udpx")),
                     SRF__TRANSPORT_NONE);
    ck_assert_int_eq(srf__transport_find(SRF__STR("sctp")),
                     SRF__TRANSPORT_NONE);
}
END_TEST

START_TEST(transports_have_a_via_name_and_a_uri_name)
{
    for (int id = SRF__TRANSPORT_UDP; id <= SRF__TRANSPORT_WSS; id++) {
        srf__transport_id_t transport = (srf__transport_id_t)id;
        srf__str_t in_via = srf__transport_via_name(transport);
        const char *in_uri = srf__transport_uri_name(transport);

        ck_assert_int_eq(srf__transport_find(in_via), id);
        ck_assert_int_eq(srf__transport_find(srf__str_of(in_uri)), id);
        ck_assert(in_via.p[0] >= 'A' && in_via.p[0] <= 'Z');
        ck_assert(in_uri[0] >= 'a' && in_uri[0] <= 'z');
    }
    ck_assert_uint_eq(srf__transport_via_name(SRF__TRANSPORT_NONE).len, 0);
    ck_assert_str_eq(srf__transport_uri_name(SRF__TRANSPORT_NONE), "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("via");
    TCase *values = tcase_create("values");
    TCase *transports = tcase_create("transports");

    tcase_add_test(values, plain_value_gives_transport_host_and_branch);
    tcase_add_test(values, all_parameters_we_need_are_found_among_others);
    tcase_add_test(values, white_space_and_folds_are_allowed_between_all_parts);
    tcase_add_test(values, a_lone_lf_ends_the_line_too);
    tcase_add_test(values, a_further_value_on_the_line_is_reported);
    tcase_add_test(values, a_comma_in_quotes_separates_nothing);
    tcase_add_test(values, ipv6_sent_by_keeps_its_brackets);
    tcase_add_test(values, received_takes_ipv6_with_and_without_brackets);
    tcase_add_test(values, empty_received_is_there_but_empty);
    tcase_add_test(values, empty_rport_value_is_an_rport);
    tcase_add_test(values, value_without_branch_is_read);
    tcase_add_test(values, name_and_version_of_the_protocol_are_not_judged);
    tcase_add_test(values, unknown_transport_is_none);
    tcase_add_test(values, underscore_in_a_host_is_tolerated);
    tcase_add_test(values,
                   branch_may_have_bytes_that_are_no_token_but_no_separator);
    tcase_add_loop_test(values, values_outside_the_grammar_are_refused, 0,
                        (int)(sizeof(bad_values) / sizeof(*bad_values)));
    tcase_add_test(transports, transports_are_found_in_any_case);
    tcase_add_test(transports, transports_have_a_via_name_and_a_uri_name);
    suite_add_tcase(suite, values);
    suite_add_tcase(suite, transports);
    return run_suite(suite);
}
