/*
 * The scanner on whole messages: start lines, refusals, limits.
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/lines.h"
#include "message/scan.h"

#include "runner.h"

#include "scan_parts.h"

/* ------------------------------------------------------------------ */
/* Whole messages                                                      */
/* ------------------------------------------------------------------ */

START_TEST(request_gives_all_facts)
{
    parts_t parts = {
        .start = "SUBSCRIBE sip:u@h SIP/2.0\r\n",
        .via = "Via: SIP/2.0/UDP c:5070;branch=z9hG4bK1;rport\r\n"
               "v: SIP/2.0/TCP d;branch=z9hG4bK0\r\n",
        .to = "To: \"T\" <sip:t@example.net>;x=y;tag=tt\r\n",
        .cseq = "CSeq: 4711 SUBSCRIBE\r\n",
        .rest = "Max-Forwards: 12\r\nX: 1\r\nContent-Length: 4\r\n",
        .body = "body",
    };

    check_accepted(&parts);
    ck_assert(facts.is_request);
    ck_assert_ptr_eq(facts.data, text);
    ck_assert_uint_eq(facts.len, strlen(text));
    ck_assert_uint_eq(facts.head_len, strlen(text) - 4);
    ck_assert_int_eq(facts.method, SRF__METHOD_SUBSCRIBE);
    ck_assert_int_eq(facts.cseq_method, SRF__METHOD_SUBSCRIBE);
    ck_assert_uint_eq(facts.status, 0);
    check_span(facts.method_name, "SUBSCRIBE");
    check_span(facts.cseq_method_name, "SUBSCRIBE");
    check_span(facts.uri, "sip:u@h");
    check_span(facts.via.host, "c");
    check_span(facts.via.branch, "z9hG4bK1");
    ck_assert_mem_eq(text + facts.via2, "SIP/2.0/TCP d", 13);
    check_span(facts.call_id, "abc@c.example.org");
    check_span(facts.from_tag, "ft");
    check_span(facts.to_tag, "tt");
    ck_assert_uint_eq(facts.cseq, 4711);
    ck_assert_int_eq(facts.max_forwards, 12);
    ck_assert_int_eq(facts.content_length, 4);
    ck_assert_uint_eq(facts.header_count, 9);
    ck_assert(facts.answerable);
}
END_TEST

START_TEST(response_gives_all_facts)
{
    parts_t parts = {.start = "SIP/2.0 180 Ringing  twice\r\n",
                     .cseq = "CSeq: 3 OPTIONS\r\n"};

    check_accepted(&parts);
    ck_assert(!facts.is_request);
    ck_assert_uint_eq(facts.status, 180);
    check_span(facts.reason, "Ringing  twice");
    ck_assert_int_eq(facts.method, SRF__METHOD_OPTIONS);
    check_span(facts.method_name, "OPTIONS");
    ck_assert_uint_eq(facts.uri.len, 0);
    ck_assert_int_eq(facts.max_forwards, -1);
    ck_assert_int_eq(facts.content_length, -1);
    ck_assert_uint_eq(facts.via2, 0);
}
END_TEST

START_TEST(header_lines_are_indexed_with_names_values_and_ends)
{
    parts_t parts = {.rest = "Subject :  a \t\r\n  b \r\nk:x\r\nEmpty:\r\n"
                             "Blank:  \r\n \t\r\n"};

    check_accepted(&parts);
    ck_assert_uint_eq(facts.header_count, 9);

    const srf__header_t *subject = &headers[5];
    ck_assert_uint_eq(subject->name_len, 7);
    ck_assert_mem_eq(text + subject->name, "Subject", 7);
    ck_assert_uint_eq(subject->value_len, 8);
    ck_assert_mem_eq(text + subject->value, "a \t\r\n  b", 8);
    ck_assert_int_eq(subject->id, SRF__HDR_OTHER);
    ck_assert_uint_eq(subject->end, headers[6].name);
    ck_assert_uint_eq(subject->flags, 0);

    ck_assert_int_eq(headers[6].id, SRF__HDR_SUPPORTED);
    ck_assert_uint_eq(headers[7].value_len, 0);
    ck_assert_uint_eq(headers[8].value_len, 0);
    ck_assert_uint_eq(headers[8].end, facts.head_len - 2);
    ck_assert_uint_eq(facts.first[SRF__HDR_VIA], 0);
    ck_assert_uint_eq(facts.first[SRF__HDR_SUPPORTED], 6);
    ck_assert_uint_eq(facts.first[SRF__HDR_ROUTE], SRF__NO_HEADER);
}
END_TEST

START_TEST(message_with_lone_lf_line_ends_is_accepted)
{
    ck_assert_int_eq(scan("BYE sip:a@b SIP/2.0\nv: SIP/2.0/UDP h;branch=1\n"
                          "f: sip:f@h;tag=1\nt: sip:t@h\n ;tag=2\ni: 7\n"
                          "CSeq: 1 BYE\nl: 2\n\nhi"),
                     SRF__SCAN_OK);

    check_span(facts.to_tag, "2");
    check_span(facts.call_id, "7");
    ck_assert_uint_eq(facts.len - facts.head_len, 2);
}
END_TEST

/* Of all lines that there are: read by the scanner and not, quoted, folded. */
static const char *const whole[] = {
    "INVITE sip:u@h.example.net;x=1 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP c.example.org;x=\"a b\";branch=z9hG4bK1\r\n"
    "Via: SIP/2.0/UDP d.example.org;branch=z9hG4bK2\r\n"
    "Max-Forwards : 70\r\n"
    "From: \"F f\" <sip:f@example.org;y>;tag=ft;z=\"q\"\r\n"
    "To: T t <sip:t@example.org>\r\n"
    "Call-ID: 1@c\r\n"
    "CSeq: 1\r\n INVITE\r\n"
    "Route: <sip:r.example.org;lr>, <sip:s.example.org>\r\n"
    "Contact: <sip:c@c.example.org>\r\n"
    "Subject: a \tb\r\n c\r\n"
    "Empty:\r\n"
    "k: x\r\n"
    "Content-Length: 3\r\n"
    "\r\n"
    "a\r\n",
    "SIP/2.0 200 All right\r\n"
    "Via: SIP/2.0/UDP c.example.org;branch=z9hG4bK1\r\n"
    "From: <sip:f@example.org>;tag=ft\r\n"
    "To: <sip:t@example.org>;tag=tt\r\n"
    "Call-ID: 1@c\r\n"
    "CSeq: 1 INVITE\r\n"
    "Max-Forwards: x y\r\n"
    "Max-Breadth: x y\r\n"
    "Server: s\r\n"
    "l: 0\r\n"
    "\r\n",
};

/* Puts `byte` into the message before its byte `at`. */
static srf__scan_result_t scan_with(const char *message, size_t at, char byte)
{
    size_t len = strlen(message);

    memcpy(text, message, at);
    text[at] = byte;
    memcpy(text + at + 1, message + at, len - at);
    return scan_bytes(text, len + 1);
}

/* RFC 3261 §7. */
START_TEST(a_cr_without_its_lf_is_refused_wherever_it_stands)
{
    const char *message = whole[_i];
    size_t head = (size_t)(strstr(message, "\r\n\r\n") - message) + 4;

    ck_assert_int_eq(scan(message), SRF__SCAN_OK);
    ck_assert_uint_eq(facts.flaws, 0);
    for (size_t at = 0; at < head; at++) {
        ck_assert_msg(scan_with(message, at, '\r') != SRF__SCAN_OK,
                      "CR before %.20s", message + at);
        ck_assert_msg(scan_with(message, at, '\0') != SRF__SCAN_OK,
                      "NUL before %.20s", message + at);
    }
    ck_assert_int_eq(scan_with(message, head, '\r'), SRF__SCAN_OK);
}
END_TEST

/* The other half of a line end: taken for a whole one, and noted. */
START_TEST(a_lf_without_its_cr_is_noted_wherever_it_stands)
{
    const char *message = whole[_i];
    size_t head = (size_t)(strstr(message, "\r\n\r\n") - message) + 4;

    for (size_t at = 1; at < head; at++) {
        bool good = scan_with(message, at, '\n') == SRF__SCAN_OK;
        ck_assert_msg(!good || facts.flaws == SRF__FLAW_LF ||
                          (message[at] == '\n' && facts.head_len < head) ||
                          (message[at - 1] == '\r' && facts.head_len <= head),
                      "LF before %.20s", message + at);
    }
}
END_TEST

START_TEST(a_cr_in_a_line_that_is_refused_anyway_is_noted_too)
{
    static const parts_t bad[] = {
        {.from = "From: a\rb: <sip:f@h;tag=1\r\n"},
        {.call_id = "Call-ID: a\rb\r\n"},
        {.cseq = "CSeq: 1 IN\rVITE\r\n"},
        {.rest = "Max-Forwards: 7\r0\r\n"},
        {.rest = "Content-Length: \r0\r\n"},
        {.rest = "To: \r<sip:f@h>\r\n"},
    };

    ck_assert_int_eq(scan_parts(&bad[_i]), SRF__SCAN_REJECT);
    ck_assert_uint_eq(facts.flaws, SRF__FLAW_CR);
}
END_TEST

/* A bad line without a CR, or a head without its end, has one less than there
 * should be. */
START_TEST(a_cr_does_not_stand_in_for_one_that_is_missing)
{
    static const char *const heads[] = {
        "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
        "bad line\nSubject: a\rX: b\r\n\r\n",
        "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
        "Subject: a\rX: b\r\n",
    };

    ck_assert_int_eq(scan(heads[_i]), SRF__SCAN_REJECT);
    ck_assert_uint_eq(facts.flaws & SRF__FLAW_CR, SRF__FLAW_CR);
}
END_TEST

START_TEST(lines_that_are_repaired_end_with_crlf)
{
    static const char head[] = "A\nB: c\r\nD: e\n f\n\r\n\n";
    static const char good[] = "A\r\nB: c\r\nD: e\r\n f\r\n\r\n\r\n";
    srf__buf_t out;

    srf__buf_init(&out, 100);
    srf__lines_repair(SRF__STR(head), &out);
    ck_assert_uint_eq(out.len, sizeof(good) - 1);
    ck_assert_mem_eq(out.p, good, out.len);
    srf__buf_deinit(&out);
}
END_TEST

START_TEST(empty_lines_in_front_are_skipped)
{
    parts_t parts = {.start = "\r\n\n\r\nINVITE sip:a@b SIP/2.0\r\n"};

    check_accepted(&parts);
    ck_assert_ptr_eq(facts.data, text + 5);
    ck_assert_uint_eq(facts.len, strlen(text) - 5);
    check_span(facts.method_name, "INVITE");
}
END_TEST

START_TEST(keepalives_are_told_from_messages)
{
    ck_assert_int_eq(scan_bytes("", 0), SRF__SCAN_KEEPALIVE);
    ck_assert_int_eq(scan("\r\n\r\n"), SRF__SCAN_KEEPALIVE);
    ck_assert_int_eq(scan("\r\n"), SRF__SCAN_KEEPALIVE);
    ck_assert_int_eq(scan("\r"), SRF__SCAN_KEEPALIVE);
    ck_assert_int_eq(scan_bytes("\0\0\0\0", 4), SRF__SCAN_KEEPALIVE);
    ck_assert_int_eq(scan_bytes("\r\n\0", 3), SRF__SCAN_KEEPALIVE);
    ck_assert_int_eq(scan("\r\n."), SRF__SCAN_DROP);
    ck_assert_int_eq(scan_bytes("\0INVITE", 7), SRF__SCAN_DROP);
    ck_assert_int_eq(scan(" "), SRF__SCAN_DROP);
}
END_TEST

START_TEST(bytes_behind_content_length_are_left_out)
{
    parts_t parts = {.rest = "l: 3\r\n", .body = "abcdef"};

    check_accepted(&parts);
    ck_assert_uint_eq(facts.len, strlen(text) - 3);
}
END_TEST

START_TEST(without_content_length_the_body_goes_to_the_end)
{
    parts_t parts = {.body = "abcdef"};

    check_accepted(&parts);
    ck_assert_uint_eq(facts.len, strlen(text));
    ck_assert_uint_eq(facts.len - facts.head_len, 6);
}
END_TEST

START_TEST(nul_bytes_in_the_body_are_fine)
{
    static const char data[] =
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=1\r\nFrom: <sip:f>;tag=1"
        "\r\nTo: <sip:t>;tag=2\r\nCall-ID: x\r\nCSeq: 1 BYE\r\n\r\n\0\0b";

    ck_assert_int_eq(scan_bytes(data, sizeof(data) - 1), SRF__SCAN_OK);
    ck_assert_uint_eq(facts.len - facts.head_len, 3);
}
END_TEST

START_TEST(nul_byte_in_the_head_is_refused)
{
    parts_t parts = {.rest = "X-Odd: a~b\r\n"};

    check_accepted(&parts);
    *strchr(text, '~') = '\0';
    ck_assert_int_eq(scan_bytes(text, facts.len), SRF__SCAN_REJECT);
    ck_assert_str_eq(facts.reject_reason, "NUL Byte in Header");
}
END_TEST

/* ------------------------------------------------------------------ */
/* Start lines                                                         */
/* ------------------------------------------------------------------ */

static const char *const bad_request_lines[] = {
    "INVITE  sip:a@b SIP/2.0\r\n",
    "INVITE sip:a@b  SIP/2.0\r\n",
    " INVITE sip:a@b SIP/2.0\r\n",
    "INVITE sip:a@b SIP/2.0 \r\n",
    "INVITE sip:a@b SIP/2.0\t\r\n",
    "INVITE\tsip:a@b SIP/2.0\r\n",
    "INVITE sip:a@b\tSIP/2.0\r\n",
    "INVITE sip:a b@c SIP/2.0\r\n",
    "INVITE sip:a\tb@c SIP/2.0\r\n",
    "INVITE SIP/2.0\r\n",
    "INVITE sip:a@b\r\n",
    "INVITE sip:a@b \r\n",
    "INVITE\r\n",
    "INVITE sip:a@b SIP/2\r\n",
    "INVITE sip:a@b SIP/2.\r\n",
    "INVITE sip:a@b SIP/.0\r\n",
    "INVITE sip:a@b SIP2.0\r\n",
    "INVITE sip:a@b SIP/2.0x\r\n",
    "INVITE sip:a@b HTTP/1.1\r\n",
    "INVITE sip:a@b SIP/2.0\r\r\n",
    "INV,TE sip:a@b SIP/2.0\r\n",
    "INVITE sip:a\rb@c SIP/2.0\r\n",
};

START_TEST(request_lines_outside_the_grammar_are_refused)
{
    parts_t parts = {.start = bad_request_lines[_i]};

    check_rejected(&parts, "Bad Request-Line");
    ck_assert_uint_eq(facts.header_count, 5);
    check_span(facts.call_id, "abc@c.example.org");
}
END_TEST

START_TEST(name_of_the_protocol_is_read_in_any_case)
{
    parts_t request = {.start = "INVITE sip:a@b sIp/2.0\r\n"};
    parts_t response = {.start = "sip/2.0 200 OK\r\n"};

    check_accepted(&request);
    check_accepted(&response);
    ck_assert_uint_eq(facts.status, 200);
}
END_TEST

static const char *const other_versions[] = {"SIP/1.0",
                                             "SIP/3.0",
                                             "SIP/2.1",
                                             "SIP/20.0",
                                             "SIP/2.00",
                                             "sip/7.0",
                                             "SIP/99999999999999999999.0"};

START_TEST(request_of_another_version_is_refused_with_505)
{
    char start[128];
    parts_t parts = {.start = start};

    snprintf(start, sizeof(start), "INVITE sip:a@b %s\r\n", other_versions[_i]);
    ck_assert_int_eq(scan_parts(&parts), SRF__SCAN_REJECT);
    ck_assert_uint_eq(facts.reject_status, 505);
    ck_assert_str_eq(facts.reject_reason, "Version Not Supported");
    check_span(facts.uri, "sip:a@b");
}
END_TEST

START_TEST(other_version_comes_before_other_problems)
{
    parts_t parts = {
        .start = "INVITE sip:a@b SIP/3.0\r\n", .cseq = "CSeq: x\r\n", .to = ""};

    ck_assert_int_eq(scan_parts(&parts), SRF__SCAN_REJECT);
    ck_assert_uint_eq(facts.reject_status, 505);
}
END_TEST

START_TEST(unknown_scheme_and_brackets_are_left_to_who_routes)
{
    parts_t brackets = {.start = "INVITE <sip:a@b> SIP/2.0\r\n"};
    parts_t scheme = {.start = "INVITE what:ever SIP/2.0\r\n"};

    check_accepted(&brackets);
    check_span(facts.uri, "<sip:a@b>");
    check_accepted(&scheme);
}
END_TEST

static const char *const bad_status_lines[] = {
    "SIP/2.0  200 OK\r\n", "SIP/2.0 20 OK\r\n",
    "SIP/2.0 2000 OK\r\n", "SIP/2.0 099 OK\r\n",
    "SIP/2.0 700 OK\r\n",  "SIP/2.0 2x0 OK\r\n",
    "SIP/2.0 OK\r\n",      "SIP/2.0\r\n",
    "SIP/2.0 200\tOK\r\n", "SIP/7.0 200 OK\r\n",
    "SIP/2.0 200OK\r\n",   "SIP/2.0 \r\n",
    "SIP/2.0200 OK\r\n",   "SIP/2.0 4294967496 OK\r\n",
};

START_TEST(status_lines_outside_the_grammar_are_dropped)
{
    parts_t parts = {.start = bad_status_lines[_i]};

    ck_assert_msg(scan_parts(&parts) == SRF__SCAN_DROP, "accepted %s",
                  bad_status_lines[_i]);
    ck_assert(!facts.is_request);
}
END_TEST

START_TEST(empty_reason_is_accepted_with_and_without_its_space)
{
    parts_t with = {.start = "SIP/2.0 100 \r\n"};
    parts_t without = {.start = "SIP/2.0 100\r\n"};

    check_accepted(&with);
    ck_assert_uint_eq(facts.reason.len, 0);
    check_accepted(&without);
    ck_assert_uint_eq(facts.reason.len, 0);
    ck_assert_uint_eq(facts.header_count, 5);
}
END_TEST

/* ------------------------------------------------------------------ */
/* Refusal or silence                                                  */
/* ------------------------------------------------------------------ */

START_TEST(request_without_a_way_back_is_dropped)
{
    parts_t none = {.via = ""};
    parts_t bad = {.via = "Via: SIP/2.0/UDP ;branch=1\r\n"};
    /* The topmost is bad: a good one below is not where it came from. */
    parts_t bad_top = {.via = "Via: x\r\nVia: SIP/2.0/UDP a;branch=1\r\n"};

    ck_assert_int_eq(scan_parts(&none), SRF__SCAN_DROP);
    ck_assert_str_eq(facts.reject_reason, "Missing Via");
    ck_assert_int_eq(scan_parts(&bad), SRF__SCAN_DROP);
    ck_assert_str_eq(facts.reject_reason, "Bad Via");
    ck_assert_int_eq(scan_parts(&bad_top), SRF__SCAN_DROP);
    ck_assert(!facts.answerable);
}
END_TEST

START_TEST(refused_ack_is_dropped)
{
    parts_t no_to = {.start = "ACK sip:a@b SIP/2.0\r\n",
                     .cseq = "CSeq: 9 ACK\r\n",
                     .to = ""};
    parts_t mismatch = {.start = "ACK sip:a@b SIP/2.0\r\n"};
    parts_t version = {.start = "ACK sip:a@b SIP/3.0\r\n",
                       .cseq = "CSeq: 9 ACK\r\n"};
    parts_t bad_line = {.start = "ACK sip:a b SIP/2.0\r\n",
                        .cseq = "CSeq: 9 ACK\r\n"};
    parts_t no_method = {.start = " ACK sip:a@b SIP/2.0\r\n",
                         .cseq = "CSeq: 9 ACK\r\n"};
    parts_t bad_number = {.start = " ACK sip:a@b SIP/2.0\r\n",
                          .cseq = "CSeq: 2147483648 ACK\r\n"};

    ck_assert_int_eq(scan_parts(&no_to), SRF__SCAN_DROP);
    ck_assert_int_eq(scan_parts(&mismatch), SRF__SCAN_DROP);
    ck_assert_int_eq(scan_parts(&version), SRF__SCAN_DROP);
    ck_assert_int_eq(scan_parts(&bad_line), SRF__SCAN_DROP);
    ck_assert_int_eq(scan_parts(&no_method), SRF__SCAN_DROP);
    ck_assert_int_eq(scan_parts(&bad_number), SRF__SCAN_DROP);
}
END_TEST

START_TEST(refused_response_is_dropped)
{
    parts_t no_to = {.start = "SIP/2.0 200 OK\r\n", .to = ""};
    parts_t bad_cseq = {.start = "SIP/2.0 200 OK\r\n", .cseq = "CSeq: x\r\n"};
    parts_t too_long = {.start = "SIP/2.0 200 OK\r\n", .rest = "l: 1\r\n"};

    ck_assert_int_eq(scan_parts(&no_to), SRF__SCAN_DROP);
    ck_assert_int_eq(scan_parts(&bad_cseq), SRF__SCAN_DROP);
    ck_assert_int_eq(scan_parts(&too_long), SRF__SCAN_DROP);
}
END_TEST

START_TEST(max_forwards_of_a_response_is_ignored)
{
    parts_t parts = {.start = "SIP/2.0 200 OK\r\n",
                     .rest = "Max-Forwards: x\r\nMax-Forwards: 7\r\n"};

    check_accepted(&parts);
    ck_assert_int_eq(facts.max_forwards, -1);
}
END_TEST

START_TEST(first_problem_is_reported_and_the_rest_still_read)
{
    parts_t parts = {.from = "From: \"open <sip:f>\r\n",
                     .rest = "Max-Forwards: 999\r\nContent-Length: 0\r\n"};

    check_rejected(&parts, "Bad From");
    ck_assert_uint_eq(facts.header_count, 7);
    check_span(facts.call_id, "abc@c.example.org");
    ck_assert_int_eq(facts.content_length, 0);
    ck_assert_uint_eq(facts.head_len, strlen(text));
}
END_TEST

START_TEST(head_without_end_is_refused)
{
    parts_t parts = {.rest = "Subject: cut"};

    check_rejected(&parts, "Header Section Has No End");
    ck_assert_uint_eq(facts.header_count, 6);
    ck_assert_uint_eq(facts.head_len, strlen(text));

    ck_assert_int_eq(scan_bytes(text, strlen(text) - 2), SRF__SCAN_REJECT);
    ck_assert_uint_eq(facts.header_count, 5);
    ck_assert_mem_eq(text + facts.head_len, "Subject: cut", 12);
}
END_TEST

START_TEST(start_line_without_end_is_dropped)
{
    ck_assert_int_eq(scan("INVITE sip:a@b SIP/2.0"), SRF__SCAN_DROP);
    ck_assert_str_eq(facts.reject_reason, "Bad Start-Line");
    ck_assert_uint_eq(facts.head_len, facts.len);
}
END_TEST

/* ------------------------------------------------------------------ */
/* Limits                                                              */
/* ------------------------------------------------------------------ */

START_TEST(more_lines_than_there_is_room_for_are_refused)
{
    srf__scan_limits_t limits = {1000, 1000};
    parts_t parts = {.rest = "A: 1\r\nB: 2\r\n"};

    check_accepted(&parts);
    facts.header_cap = 6;
    ck_assert_int_eq(srf__scan(text, strlen(text), &limits, &facts),
                     SRF__SCAN_REJECT);
    ck_assert_str_eq(facts.reject_reason, "Too Many Header Fields");
    ck_assert_uint_eq(facts.header_count, 6);
    facts.header_cap = 7;
    ck_assert_int_eq(srf__scan(text, strlen(text), &limits, &facts),
                     SRF__SCAN_OK);
}
END_TEST

START_TEST(more_lines_than_the_limit_are_refused)
{
    srf__scan_limits_t limits = {6, 1000};
    parts_t parts = {.rest = "A: 1\r\nB: 2\r\n"};

    check_accepted(&parts);
    ck_assert_int_eq(srf__scan(text, strlen(text), &limits, &facts),
                     SRF__SCAN_REJECT);
    ck_assert_uint_eq(facts.header_count, 6);
    limits.max_headers = 7;
    ck_assert_int_eq(srf__scan(text, strlen(text), &limits, &facts),
                     SRF__SCAN_OK);
}
END_TEST

START_TEST(longer_lines_than_the_limit_are_refused)
{
    srf__scan_limits_t limits = {100, 0};
    parts_t parts = {.rest =
                         "Long: 1234567890123456789012345678901234567890\r\n"
                         " 12345678901234567890\r\n"};

    check_accepted(&parts);
    limits.max_header_bytes = headers[5].end - headers[5].name;
    ck_assert_int_eq(srf__scan(text, strlen(text), &limits, &facts),
                     SRF__SCAN_OK);
    limits.max_header_bytes--;
    ck_assert_int_eq(srf__scan(text, strlen(text), &limits, &facts),
                     SRF__SCAN_REJECT);
    ck_assert_str_eq(facts.reject_reason, "Header Field Too Long");
    ck_assert_uint_eq(facts.header_count, 6);
}
END_TEST

START_TEST(head_of_65535_bytes_is_read_and_a_longer_one_refused)
{
    srf__scan_limits_t limits = {SRF__HEAD_MAX, SRF__HEAD_MAX};
    parts_t parts = {.rest = ""};
    char *big = malloc(70000);

    ck_assert_ptr_nonnull(big);
    check_accepted(&parts);
    size_t head = strlen(text) - 2;
    memcpy(big, text, head);
    memset(big + head, 'x', 70000 - head);
    big[head + 1] = ':';
    memcpy(big + SRF__HEAD_MAX - 4, "\r\n\r\n", 4);

    ck_assert_int_eq(srf__scan(big, 70000, &limits, &facts), SRF__SCAN_OK);
    ck_assert_uint_eq(facts.head_len, SRF__HEAD_MAX);
    ck_assert_uint_eq(facts.len, 70000);
    ck_assert_uint_eq(headers[5].end, SRF__HEAD_MAX - 2);

    memcpy(big + SRF__HEAD_MAX - 4, "x\r\n\r\n", 5);
    ck_assert_int_eq(srf__scan(big, 70000, &limits, &facts), SRF__SCAN_REJECT);
    ck_assert_str_eq(facts.reject_reason, "Header Section Has No End");
    free(big);
}
END_TEST

static void add_message_tests(Suite *suite)
{
    TCase *tcase = tcase_create("messages");

    tcase_add_test(tcase, request_gives_all_facts);
    tcase_add_test(tcase, response_gives_all_facts);
    tcase_add_test(tcase, header_lines_are_indexed_with_names_values_and_ends);
    tcase_add_test(tcase, message_with_lone_lf_line_ends_is_accepted);
    tcase_add_loop_test(
        tcase, a_cr_without_its_lf_is_refused_wherever_it_stands, 0, 2);
    tcase_add_loop_test(tcase, a_lf_without_its_cr_is_noted_wherever_it_stands,
                        0, 2);
    tcase_add_loop_test(
        tcase, a_cr_in_a_line_that_is_refused_anyway_is_noted_too, 0, 6);
    tcase_add_loop_test(tcase, a_cr_does_not_stand_in_for_one_that_is_missing,
                        0, 2);
    tcase_add_test(tcase, lines_that_are_repaired_end_with_crlf);
    tcase_add_test(tcase, empty_lines_in_front_are_skipped);
    tcase_add_test(tcase, keepalives_are_told_from_messages);
    tcase_add_test(tcase, bytes_behind_content_length_are_left_out);
    tcase_add_test(tcase, without_content_length_the_body_goes_to_the_end);
    tcase_add_test(tcase, nul_bytes_in_the_body_are_fine);
    tcase_add_test(tcase, nul_byte_in_the_head_is_refused);
    suite_add_tcase(suite, tcase);
}

static void add_start_line_tests(Suite *suite)
{
    TCase *tcase = tcase_create("start lines");

    tcase_add_loop_test(tcase, request_lines_outside_the_grammar_are_refused, 0,
                        COUNT(bad_request_lines));
    tcase_add_test(tcase, name_of_the_protocol_is_read_in_any_case);
    tcase_add_loop_test(tcase, request_of_another_version_is_refused_with_505,
                        0, COUNT(other_versions));
    tcase_add_test(tcase, other_version_comes_before_other_problems);
    tcase_add_test(tcase, unknown_scheme_and_brackets_are_left_to_who_routes);
    tcase_add_loop_test(tcase, status_lines_outside_the_grammar_are_dropped, 0,
                        COUNT(bad_status_lines));
    tcase_add_test(tcase, empty_reason_is_accepted_with_and_without_its_space);
    suite_add_tcase(suite, tcase);
}

static void add_refusal_tests(Suite *suite)
{
    TCase *tcase = tcase_create("refusals");

    tcase_add_test(tcase, request_without_a_way_back_is_dropped);
    tcase_add_test(tcase, refused_ack_is_dropped);
    tcase_add_test(tcase, refused_response_is_dropped);
    tcase_add_test(tcase, max_forwards_of_a_response_is_ignored);
    tcase_add_test(tcase, first_problem_is_reported_and_the_rest_still_read);
    tcase_add_test(tcase, head_without_end_is_refused);
    tcase_add_test(tcase, start_line_without_end_is_dropped);
    tcase_add_test(tcase, more_lines_than_there_is_room_for_are_refused);
    tcase_add_test(tcase, more_lines_than_the_limit_are_refused);
    tcase_add_test(tcase, longer_lines_than_the_limit_are_refused);
    tcase_add_test(tcase, head_of_65535_bytes_is_read_and_a_longer_one_refused);
    suite_add_tcase(suite, tcase);
}

int main(void)
{
    Suite *suite = suite_create("scan");

    add_message_tests(suite);
    add_start_line_tests(suite);
    add_refusal_tests(suite);
    return run_suite(suite);
}
