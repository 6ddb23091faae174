/*
 * Messages put together from parts, scanned, and checked.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TEST_SCAN_PARTS_H
#define SRF_TEST_SCAN_PARTS_H

#include "assertions.h"
#include "message/scan.h"

#include <stdio.h>
#include <string.h>

enum { HEADERS_MAX = 32, TEXT_MAX = 4096, LINE_BYTES_MAX = 600 };

static char text[TEXT_MAX];
static srf__header_t headers[HEADERS_MAX];
static srf__facts_t facts;

static inline srf__scan_result_t scan_bytes(const char *data, size_t len)
{
    static const srf__scan_limits_t limits = {HEADERS_MAX, LINE_BYTES_MAX};

    memset(&facts, 0xee, sizeof(facts));
    facts.headers = headers;
    facts.header_cap = HEADERS_MAX;
    return srf__scan(data, len, &limits, &facts);
}

static inline srf__scan_result_t scan(const char *data)
{
    return scan_bytes(data, strlen(data));
}

/* The parts of a message; a part that is NULL is the usual one, "" is left out.
 * Lines come with their line ends. */
typedef struct parts {
    const char *start;
    const char *via;
    const char *from;
    const char *to;
    const char *call_id;
    const char *cseq;
    const char *rest; /* further lines */
    const char *body;
} parts_t;

static inline const char *part(const char *given, const char *usual)
{
    return given == NULL ? usual : given;
}

static inline srf__scan_result_t scan_parts(const parts_t *parts)
{
    int len = snprintf(
        text, sizeof(text), "%s%s%s%s%s%s%s\r\n%s",
        part(parts->start, "INVITE sip:u@h.example.net SIP/2.0\r\n"),
        part(parts->via, "Via: SIP/2.0/UDP c.example.org;branch=z9hG4bK1\r\n"),
        part(parts->from, "From: <sip:f@example.org>;tag=ft\r\n"),
        part(parts->to, "To: <sip:t@example.net>\r\n"),
        part(parts->call_id, "Call-ID: abc@c.example.org\r\n"),
        part(parts->cseq, "CSeq: 9 INVITE\r\n"), part(parts->rest, ""),
        part(parts->body, ""));

    ck_assert_int_lt(len, (int)sizeof(text));
    return scan_bytes(text, (size_t)len);
}

static inline void check_span(srf__span_t span, const char *expected)
{
    ck_assert_uint_eq(span.len, strlen(expected));
    ck_assert_mem_eq(facts.data + span.off, expected, span.len);
}

static inline void check_rejected(const parts_t *parts, const char *reason)
{
    srf__scan_result_t result = scan_parts(parts);

    ck_assert_msg(result == SRF__SCAN_REJECT, "result %d of:\n%s", (int)result,
                  text);
    ck_assert_uint_eq(facts.reject_status, 400);
    ck_assert_str_eq(facts.reject_reason, reason);
    ck_assert(facts.answerable);
}

static inline void check_accepted(const parts_t *parts)
{
    srf__scan_result_t result = scan_parts(parts);

    ck_assert_msg(result == SRF__SCAN_OK, "result %d (%s) of:\n%s", (int)result,
                  facts.reject_reason, text);
    ck_assert_uint_eq(facts.reject_status, 0);
    ck_assert_ptr_null(facts.reject_reason);
}

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

#endif /* SRF_TEST_SCAN_PARTS_H */
