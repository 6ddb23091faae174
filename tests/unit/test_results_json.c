/*
 * Results as JSON: the shape, and valid JSON whatever bytes a message has.
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/message.h"

#include "runner.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

/* ------------------------------------------------------------------ */
/* A strict reader of JSON (RFC 8259): says only whether it is that.   */
/* ------------------------------------------------------------------ */

enum { DEPTH_MAX = 16 };

static const char *json_value(const char *p, int depth);

static const char *json_literal(const char *p, const char *literal)
{
    size_t len = strlen(literal);

    return strncmp(p, literal, len) == 0 ? p + len : NULL;
}

static const char *json_digits(const char *p)
{
    const char *begin = p;

    while (*p >= '0' && *p <= '9')
        p++;
    return p == begin ? NULL : p;
}

/* Whole numbers only: no others are written. */
static const char *json_number(const char *p)
{
    if (*p == '-')
        p++;
    if (*p == '0')
        return p + 1;
    return json_digits(p);
}

/* Well-formed UTF-8 behind ASCII; reads the table of RFC 3629 §4 by value. */
static const char *json_utf8(const char *p)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)*p;
    unsigned len = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    unsigned code = first & (0x7fu >> len);

    if (first < 0xc0 || first > 0xf7)
        return NULL;
    for (unsigned i = 1; i < len; i++) {
        unsigned char c = (unsigned char)p[i];
        if ((c & 0xc0) != 0x80)
            return NULL;
        code = code << 6 | (c & 0x3f);
    }
    if (code < least[len] || code > 0x10ffff ||
        (code >= 0xd800 && code <= 0xdfff))
        return NULL;
    return p + len;
}

static const char *json_escape(const char *p)
{
    if (*p == 'u') {
        for (int i = 1; i <= 4; i++) {
            if (p[i] == '\0' || strchr("0123456789abcdefABCDEF", p[i]) == NULL)
                return NULL;
        }
        return p + 5;
    }
    return *p != '\0' && strchr("\"\\/bfnrt", *p) != NULL ? p + 1 : NULL;
}

static const char *json_string(const char *p)
{
    if (*p != '"')
        return NULL;
    p++;
    while (p != NULL && *p != '"') {
        unsigned char c = (unsigned char)*p;
        if (c < 0x20) /* the end of the text among them */
            return NULL;
        if (c == '\\')
            p = json_escape(p + 1);
        else
            p = c < 0x80 ? p + 1 : json_utf8(p);
    }
    return p == NULL ? NULL : p + 1;
}

/* Members or elements between `open` and `close`. */
static const char *json_list(const char *p, char close, int depth)
{
    p++;
    if (*p == close)
        return p + 1;
    for (;;) {
        if (close == '}') {
            p = json_string(p);
            if (p == NULL || *p != ':')
                return NULL;
            p++;
        }
        p = json_value(p, depth + 1);
        if (p == NULL || (*p != ',' && *p != close))
            return NULL;
        p++;
        if (p[-1] == close)
            return p;
    }
}

static const char *json_value(const char *p, int depth)
{
    if (depth > DEPTH_MAX)
        return NULL;
    switch (*p) {
    case '{':
        return json_list(p, '}', depth);
    case '[':
        return json_list(p, ']', depth);
    case '"':
        return json_string(p);
    case 't':
        return json_literal(p, "true");
    case 'f':
        return json_literal(p, "false");
    case 'n':
        return json_literal(p, "null");
    default:
        return json_number(p);
    }
}

static bool is_json(const char *text)
{
    const char *end = json_value(text, 0);

    return end != NULL && *end == '\0';
}

START_TEST(checker_knows_json)
{
    static const char *const good[] = {"{}",
                                       "[]",
                                       "[1,-2,0]",
                                       "{\"a\":[true,false,null]}",
                                       "\"\\u00fF\\n\\\"\"",
                                       "\"\xc3\xa4\xf0\x9f\x98\x80\""};
    static const char *const bad[] = {"",
                                      "{",
                                      "[1,]",
                                      "{\"a\"}",
                                      "{a:1}",
                                      "\"a",
                                      "01",
                                      "-",
                                      "\"\n\"",
                                      "\"\\x\"",
                                      "\"\\u00\"",
                                      "\"\xff\"",
                                      "\"\xc0\x80\"",
                                      "\"\xed\xa0\x80\"",
                                      "tru",
                                      "[] ",
                                      "\"\xf4\x90\x80\x80\"",
                                      "\"\xe2\x82\""};

    for (int i = 0; i < COUNT(good); i++)
        ck_assert_msg(is_json(good[i]), "%s", good[i]);
    for (int i = 0; i < COUNT(bad); i++)
        ck_assert_msg(!is_json(bad[i]), "%s", bad[i]);
}
END_TEST

/* ------------------------------------------------------------------ */

static srf_msg_t *messages[4];
static unsigned message_count;
static char *json;

static void setup(void)
{
    message_count = 0;
    json = NULL;
}

static void teardown(void)
{
    while (message_count > 0)
        srf__msg_unref(messages[--message_count]);
    srf_free(json);
}

static const srf_msg_t *make_bytes(const char *data, size_t len)
{
    srf_msg_t *msg = srf__msg_alloc(NULL, len);

    ck_assert_ptr_nonnull(msg);
    memcpy(msg->data, data, len);
    ck_assert_ptr_nonnull(srf__msg_facts(msg));
    messages[message_count++] = msg;
    return msg;
}

#define HEAD(lines)                                                 \
 "SIP/2.0 486 Busy \"Here\"\r\nVia: SIP/2.0/UDP a\r\n"              \
 "From: <sip:f@e>;tag=1\r\nTo: <sip:t@e>\r\nCall-ID: c\r\nCSeq: 1 " \
 "INVITE\r\n" lines "\r\n"

#define HEAD_JSON                                          \
 "\"via\":\"SIP/2.0/UDP a\",\"from\":\"<sip:f@e>;tag=1\"," \
 "\"to\":\"<sip:t@e>\",\"call-id\":\"c\",\"cseq\":\"1 INVITE\""

/* The JSON of results with nothing but that final response. */
static const char *print_final(const char *data, size_t len)
{
    const srf_proxy_msg_t final = {
        .time_us = 0, .status = 486, .msg = make_bytes(data, len)};
    const srf_proxy_results_t results = {
        .size = sizeof(results), .final_status = 486, .final_response = &final};

    srf_free(json);
    json = srf_proxy_results_json(&results);
    ck_assert_ptr_nonnull(json);
    ck_assert_msg(is_json(json), "%s", json);
    /* Nothing that a terminal or a reader of lines would obey. */
    ck_assert_uint_eq(srf_printable(NULL, 0, json, strlen(json)), strlen(json));
    return json;
}

/* Something stands in the JSON, exactly once. */
static void check_has(const char *piece)
{
    const char *found = strstr(json, piece);

    ck_assert_msg(found != NULL, "no %s in %s", piece, json);
    ck_assert_msg(strstr(found + 1, piece) == NULL, "%s twice in %s", piece,
                  json);
}

START_TEST(empty_results_have_the_whole_shape)
{
    const srf_proxy_results_t results = {.size = sizeof(results)};

    json = srf_proxy_results_json(&results);

    ck_assert_pstr_eq(json, "{\"connected\":false,\"finalStatus\":0,"
                            "\"finalResponse\":null,\"responses\":[]}");
    ck_assert(is_json(json));
}
END_TEST

START_TEST(results_are_printed_in_order)
{
    static const char ringing[] =
        "SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:f@e>;tag=1\r\n"
        "To: <sip:t@e>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\r\n";
    static const char ok[] =
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:f@e>;tag=1\r\n"
        "To: <sip:t@e>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\r\nbody";
    const srf_proxy_msg_t msgs[] = {
        {.time_us = INT64_C(86399999999),
         .status = 180,
         .msg = make_bytes(ringing, sizeof(ringing) - 1)},
        {.time_us = INT64_C(1700000000000123),
         .status = 200,
         .msg = make_bytes(ok, sizeof(ok) - 1)},
    };
    const srf_proxy_response_t responses[] = {
        {.target = "sip:a",
         .address = "",
         .transport = "",
         .cause = SRF_CAUSE_DNS},
        {.target = "sip:\"b\"",
         .address = "2001:db8::1",
         .port = 5070,
         .transport = "udp",
         .cause = SRF_CAUSE_RESPONSE,
         .msg_count = 2,
         .msgs = msgs},
    };
    const srf_proxy_results_t results = {.size = sizeof(results),
                                         .connected = 1,
                                         .final_status = 200,
                                         .final_response = &msgs[1],
                                         .response_count = 2,
                                         .responses = responses};

    json = srf_proxy_results_json(&results);

#define RAW(start, end)                                                   \
 "\"raw\":\"SIP/2.0 " start "\\r\\nVia: SIP/2.0/UDP a\\r\\nFrom: "        \
 "<sip:f@e>;tag=1\\r\\nTo: <sip:t@e>\\r\\nCall-ID: c\\r\\nCSeq: 1 INVITE" \
 "\\r\\n\\r\\n" end "\"}}"
#define OK_JSON                                                               \
 "{\"time\":\"22:13:20.000123\",\"status\":200,\"msg\":{\"version\":\"2.0\"," \
 "\"status\":200,\"reason\":\"OK\",\"headers\":{" HEAD_JSON "},"              \
 "\"body\":\"body\"," RAW("200 OK", "body")
    ck_assert_pstr_eq(
        json,
        "{\"connected\":true,\"finalStatus\":200,\"finalResponse\":" OK_JSON
        ",\"responses\":["
        "{\"address\":\"\",\"port\":0,\"msgs\":[],\"target\":\"sip:a\","
        "\"transport\":\"\",\"cause\":\"dns\"},"
        "{\"address\":\"2001:db8::1\",\"port\":5070,\"msgs\":["
        "{\"time\":\"23:59:59.999999\",\"status\":180,\"msg\":{"
        "\"version\":\"2.0\",\"status\":180,\"reason\":\"Ringing\","
        "\"headers\":{" HEAD_JSON "},\"body\":\"\"," RAW(
            "180 Ringing",
            "") "," OK_JSON
                "],\"target\":\"sip:\\\"b\\\"\",\"transport\":\"udp\","
                "\"cause\":\"response\"}]}");
    ck_assert(is_json(json));
}
END_TEST

START_TEST(reason_is_escaped)
{
    static const char message[] = HEAD("");

    print_final(message, sizeof(message) - 1);

    check_has("\"reason\":\"Busy \\\"Here\\\"\",");
}
END_TEST

typedef struct header_case {
    const char *lines;
    const char *expected;
} header_case_t;

static const header_case_t header_cases[] = {
    {"X-A: 1\r\n", ",\"x-a\":\"1\"},"},
    {"X-A: 1\r\nB: 2\r\nx-a:3\r\nB: 4\r\n",
     ",\"x-a\":\"1, 3\",\"referred-by\":\"2, 4\"},"},
    {"m: <sip:a>\r\nCONTACT: <sip:b>, <sip:c>\r\nM : <sip:d>\r\n",
     ",\"contact\":\"<sip:a>, <sip:b>, <sip:c>, <sip:d>\"},"},
    {"k: a\r\nc: x/y\r\nl: 0\r\n",
     ",\"supported\":\"a\",\"content-type\":\"x/y\","
     "\"content-length\":\"0\"},"},
    {"x: 90\r\nSession-Expires: 80\r\n", ",\"session-expires\":\"90, 80\"},"},
    {"Refer-To: <sip:a>\r\nr: <sip:b>\r\n",
     ",\"refer-to\":\"<sip:a>, <sip:b>\"},"},
    {"a: 1\r\nd: 2\r\ne: 3\r\nj: 4\r\no: 5\r\ns: 6\r\nu: 7\r\ny: 8\r\n",
     ",\"accept-contact\":\"1\",\"request-disposition\":\"2\","
     "\"content-encoding\":\"3\",\"reject-contact\":\"4\",\"event\":\"5\","
     "\"subject\":\"6\",\"allow-events\":\"7\",\"identity\":\"8\"},"},
    {"z: 1\r\nZ: 2\r\n", ",\"z\":\"1, 2\"},"},
    {"A.b!%*_+`'~: 1\r\n", ",\"a.b!%*_+`'~\":\"1\"},"},
    {"Subject:\r\n", ",\"subject\":\"\"},"},
    {"Subject:\r\nSubject: a\r\n", ",\"subject\":\", a\"},"},
    {"Subject: a \r\n \t b\r\n\tc \r\n", ",\"subject\":\"a b c\"},"},
    {"Subject:\r\n a\n \r\n b\r\n", ",\"subject\":\"a b\"},"},
    {"Subject: \"\\\" \x7f \tx\"\r\n",
     ",\"subject\":\"\\\"\\\\\\\" \\u007f \\tx\\\"\"},"},
    {"Subject: \x01\x08\x0b\x0c\x1b\x1f\r\n",
     ",\"subject\":\"\\u0001\\b\\u000b\\f\\u001b\\u001f\"},"},
};

START_TEST(headers_are_lower_case_long_and_joined)
{
    const header_case_t *c = &header_cases[_i];
    char message[1024];
    int len = snprintf(message, sizeof(message), HEAD("%s"), c->lines);

    print_final(message, (size_t)len);

    check_has(c->expected);
}
END_TEST

typedef struct bytes_case {
    const char *body;
    size_t len;
    const char *expected;
} bytes_case_t;

#define BYTES(text) (text), sizeof(text) - 1
#define BAD         "\xef\xbf\xbd"

static const bytes_case_t bytes_cases[] = {
    {BYTES("plain"), "plain"},
    {BYTES("a\0b"), "a\\u0000b"},
    {BYTES("\r\n\t\b\f\"\\/"), "\\r\\n\\t\\b\\f\\\"\\\\/"},
    {BYTES("\xc2\xa0\xdf\xbf"), "\xc2\xa0\xdf\xbf"},
    {BYTES("\x7f\xc2\x80\xc2\x9f"), "\\u007f\\u0080\\u009f"},
    {BYTES("\xe2\x80\xa8\xe2\x80\xa9"), "\\u2028\\u2029"},
    {BYTES("\xe2\x80\xae\xe2\x81\xa6"), "\\u202e\\u2066"},
    {BYTES("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"),
     "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"},
    {BYTES("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
     "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
    {BYTES("\x80"), BAD},
    {BYTES("\xbf\xbf"), BAD BAD},
    {BYTES("a\xff"
           "b"),
     "a" BAD "b"},
    {BYTES("\xfe"), BAD},
    {BYTES("\xc0\x80"), BAD BAD},
    {BYTES("\xc1\xbf"), BAD BAD},
    {BYTES("\xc3"), BAD},
    {BYTES("\xc3\x28"), BAD "("},
    {BYTES("\xe2\x82"), BAD},
    {BYTES("\xe2\x82x"), BAD "x"},
    {BYTES("\xe0\x9f\xbf"), BAD BAD BAD},
    {BYTES("\xed\xa0\x80"), BAD BAD BAD},
    {BYTES("\xf0\x9f\x98"), BAD},
    {BYTES("\xf0\x8f\xbf\xbf"), BAD BAD BAD BAD},
    {BYTES("\xf4\x90\x80\x80"), BAD BAD BAD BAD},
    {BYTES("\xf5\x80\x80\x80"), BAD BAD BAD BAD},
    {BYTES("\xf0\x9f\x98\xf0\x9f\x98\x80"), BAD "\xf0\x9f\x98\x80"},
    {BYTES("\xc3\""), BAD "\\\""},
};

START_TEST(bytes_that_are_not_utf8_are_replaced)
{
    static const char head[] = HEAD("");
    const bytes_case_t *c = &bytes_cases[_i];
    char message[1024];
    char expected[1024];

    memcpy(message, head, sizeof(head) - 1);
    memcpy(message + sizeof(head) - 1, c->body, c->len);
    print_final(message, sizeof(head) - 1 + c->len);

    snprintf(expected, sizeof(expected),
             "\"body\":\"%s\",\"raw\":", c->expected);
    check_has(expected);
    snprintf(expected, sizeof(expected), "\\r\\n\\r\\n%s\"}}", c->expected);
    check_has(expected);
}
END_TEST

START_TEST(each_of_all_bytes_gives_valid_json)
{
    static const char head[] = HEAD("");
    char message[1024];

    memcpy(message, head, sizeof(head) - 1);
    for (int i = 0; i < 256; i++)
        message[sizeof(head) - 1 + (size_t)i] = (char)i;
    print_final(message, sizeof(head) - 1 + 256);
}
END_TEST

START_TEST(any_bytes_give_valid_json)
{
    static const char head[] = HEAD("X: ");
    char message[2048];
    unsigned state = 1;

    for (int round = 0; round < 200; round++) {
        size_t len = sizeof(head) - 3;
        memcpy(message, head, len);
        for (int i = 0; i < 200; i++) {
            state = state * 1103515245u + 12345u;
            message[len++] = (char)(state >> 16);
        }
        /* In the header value too, without what ends the head there. */
        for (size_t i = sizeof(head) - 3; i < len - 100; i++) {
            if (message[i] == '\0' || message[i] == '\n' || message[i] == '\r')
                message[i] = '\xe2';
        }
        memcpy(message + len - 100, "\r\n\r\n", 4);
        print_final(message, len);
        srf__msg_unref(messages[--message_count]);
    }
}
END_TEST

typedef struct time_case {
    int64_t time_us;
    const char *expected;
} time_case_t;

static const time_case_t time_cases[] = {
    {0, "00:00:00.000000"},
    {1, "00:00:00.000001"},
    {999999, "00:00:00.999999"},
    {INT64_C(3661000000), "01:01:01.000000"},
    {INT64_C(86400000000), "00:00:00.000000"},
    {INT64_C(-1), "23:59:59.999999"},
    {INT64_MAX, "04:00:54.775807"},
    {INT64_MIN, "19:59:05.224192"},
};

START_TEST(time_is_that_of_the_day_in_utc)
{
    const srf_proxy_msg_t final = {.time_us = time_cases[_i].time_us,
                                   .status = -5};
    const srf_proxy_results_t results = {.size = sizeof(results),
                                         .final_response = &final};
    char expected[128];

    json = srf_proxy_results_json(&results);

    snprintf(expected, sizeof(expected),
             "{\"time\":\"%s\",\"status\":-5,\"msg\":null}",
             time_cases[_i].expected);
    check_has(expected);
    ck_assert(is_json(json));
}
END_TEST

START_TEST(causes_have_names)
{
    static const char *const names[] = {
        "none",          "response",  "provisional timeout",
        "final timeout", "timer B",   "timer F",
        "timer C",       "transport", "dns",
        "cancelled"};

    for (int i = 0; i < COUNT(names); i++)
        ck_assert_str_eq(srf_cause_name(i), names[i]);
    ck_assert_int_eq(SRF_CAUSE_CANCELED, COUNT(names) - 1);
    ck_assert_str_eq(srf_cause_name(-1), "unknown");
    ck_assert_str_eq(srf_cause_name(COUNT(names)), "unknown");
}
END_TEST

/* ---- out of memory ---- */

static unsigned allowed;

static void *limited_malloc(size_t size, void *data)
{
    (void)data;
    return allowed-- > 0 ? malloc(size) : NULL;
}

static void *limited_calloc(size_t count, size_t size, void *data)
{
    (void)data;
    return allowed-- > 0 ? calloc(count, size) : NULL;
}

static void *limited_realloc(void *ptr, size_t size, void *data)
{
    (void)data;
    return allowed-- > 0 ? realloc(ptr, size) : NULL;
}

static void plain_free(void *ptr, void *data)
{
    (void)data;
    free(ptr);
}

START_TEST(without_memory_there_is_no_text_and_no_leak)
{
    static const srf_allocator_t limited = {limited_malloc, limited_calloc,
                                            limited_realloc, plain_free, NULL};
    static const char message[] = HEAD("");
    const srf_msg_t *msg = make_bytes(message, sizeof(message) - 1);
    const srf_proxy_msg_t final = {.msg = msg};
    const srf_proxy_results_t results = {.size = sizeof(results),
                                         .final_response = &final};
    unsigned tries = 0;

    for (; json == NULL && tries < 50; tries++) {
        srf__msg_forget(msg);
        allowed = tries;
        ck_assert_int_eq(srf_set_allocator(&limited), 0);
        json = srf_proxy_results_json(&results);
        ck_assert_int_eq(srf_set_allocator(NULL), 0);
    }
    ck_assert_uint_gt(tries, 2);
    ck_assert_ptr_nonnull(json);
    ck_assert(is_json(json));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("results_json");
    TCase *tcase = tcase_create("json");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, checker_knows_json);
    tcase_add_test(tcase, empty_results_have_the_whole_shape);
    tcase_add_test(tcase, results_are_printed_in_order);
    tcase_add_test(tcase, reason_is_escaped);
    tcase_add_loop_test(tcase, headers_are_lower_case_long_and_joined, 0,
                        COUNT(header_cases));
    tcase_add_loop_test(tcase, bytes_that_are_not_utf8_are_replaced, 0,
                        COUNT(bytes_cases));
    tcase_add_test(tcase, each_of_all_bytes_gives_valid_json);
    tcase_add_test(tcase, any_bytes_give_valid_json);
    tcase_add_loop_test(tcase, time_is_that_of_the_day_in_utc, 0,
                        COUNT(time_cases));
    tcase_add_test(tcase, causes_have_names);
    tcase_add_test(tcase, without_memory_there_is_no_text_and_no_leak);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
