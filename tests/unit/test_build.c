/*
 * Messages made here, byte for byte, and read again by the scanner.
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/build.h"

#include "runner.h"
#include "scan_parts.h"

static srf_msg_t *msg;

static void setup(void)
{
    msg = NULL;
}

static void teardown(void)
{
    srf__msg_unref(msg);
}

#define FROM    "From: \"F, f\" <sip:f@e>;tag=ft\r\n"
#define CALL_ID "Call-ID: abc@c\r\n"
#define CSEQ    "CSeq: 9 INVITE\r\n"
#define ROUTES  "Route: <sip:r1;lr>, <sip:r2;lr>\r\nroute:<sip:r3;lr>\r\n"
#define RECORD_ROUTES \
 "Record-Route: <sip:p2;lr>,\r\n <sip:p1;lr>\r\nRECORD-ROUTE : <sip:p0>\r\n"

static const char invite[] =
    "INVITE sip:u@h;x=y SIP/2.0\r\n"
    "Via: SIP/2.0/UDP p.example:5070 ;branch=z9hG4bKp ,SIP/2.0/UDP "
    "c;branch=z9hG4bKc\r\n"
    "v:SIP/2.0/TCP b;branch=z9hG4bKb \r\n" ROUTES
    "Max-Forwards: 12\r\nTimestamp: 54.3\r\n" RECORD_ROUTES
    "t: <sip:t@e>\r\n" FROM CALL_ID CSEQ
    "Contact: <sip:f@c>\r\nContent-Type: a/b\r\nContent-Length: 4\r\n\r\nbody";

static void scan_ok(const char *message)
{
    ck_assert_int_eq(scan(message), SRF__SCAN_OK);
}

static void check_msg(const char *expected)
{
    ck_assert_ptr_nonnull(msg);
    ck_assert_msg(
        srf__str_eq(srf__str(msg->data, msg->len), srf__str_of(expected)),
        "got:\n%.*s\nexpected:\n%s", (int)msg->len, msg->data, expected);
    /* What is made here can be read here. */
    const srf__facts_t *read = srf__msg_facts(msg);
    ck_assert_ptr_nonnull(read);
    ck_assert_uint_eq(read->len, msg->len);
    ck_assert_int_eq(read->content_length,
                     (int64_t)(read->len - read->head_len));
}

/* ---- reason phrases ---- */

typedef struct phrase {
    unsigned status;
    const char *text;
} phrase_t;

static const phrase_t phrases[] = {
    {100, "Trying"},
    {180, "Ringing"},
    {181, "Call Is Being Forwarded"},
    {182, "Queued"},
    {183, "Session Progress"},
    {199, "Early Dialog Terminated"},
    {200, "OK"},
    {202, "Accepted"},
    {204, "No Notification"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Moved Temporarily"},
    {305, "Use Proxy"},
    {380, "Alternative Service"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {410, "Gone"},
    {412, "Conditional Request Failed"},
    {413, "Request Entity Too Large"},
    {414, "Request-URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Unsupported URI Scheme"},
    {417, "Unknown Resource-Priority"},
    {420, "Bad Extension"},
    {421, "Extension Required"},
    {422, "Session Interval Too Small"},
    {423, "Interval Too Brief"},
    {424, "Bad Location Information"},
    {425, "Bad Alert Message"},
    {428, "Use Identity Header"},
    {429, "Provide Referrer Identity"},
    {430, "Flow Failed"},
    {433, "Anonymity Disallowed"},
    {436, "Bad Identity Info"},
    {437, "Unsupported Credential"},
    {438, "Invalid Identity Header"},
    {439, "First Hop Lacks Outbound Support"},
    {440, "Max-Breadth Exceeded"},
    {469, "Bad Info Package"},
    {470, "Consent Needed"},
    {480, "Temporarily Unavailable"},
    {481, "Call/Transaction Does Not Exist"},
    {482, "Loop Detected"},
    {483, "Too Many Hops"},
    {484, "Address Incomplete"},
    {485, "Ambiguous"},
    {486, "Busy Here"},
    {487, "Request Terminated"},
    {488, "Not Acceptable Here"},
    {489, "Bad Event"},
    {491, "Request Pending"},
    {493, "Undecipherable"},
    {494, "Security Agreement Required"},
    {500, "Server Internal Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Server Time-out"},
    {505, "Version Not Supported"},
    {513, "Message Too Large"},
    {555, "Push Notification Service Not Supported"},
    {580, "Precondition Failure"},
    {600, "Busy Everywhere"},
    {603, "Decline"},
    {604, "Does Not Exist Anywhere"},
    {606, "Not Acceptable"},
    {607, "Unwanted"},
    {608, "Rejected"},
    /* not registered: that of the class */
    {101, "Trying"},
    {299, "OK"},
    {399, "Multiple Choices"},
    {411, "Bad Request"},
    {499, "Bad Request"},
    {599, "Server Internal Error"},
    {699, "Busy Everywhere"},
    {0, "Unknown"},
    {99, "Unknown"},
    {700, "Unknown"},
};

START_TEST(status_has_its_reason_phrase)
{
    ck_assert_str_eq(srf__status_reason(phrases[_i].status), phrases[_i].text);
}
END_TEST

/* ---- marking the Via ---- */

typedef struct marking {
    const char *via;
    const char *received;
    const char *rport;
    const char *marked;
} marking_t;

static const marking_t markings[] = {
    {"SIP/2.0/UDP c", "", "", "SIP/2.0/UDP c"},
    {"SIP/2.0/UDP c", "192.0.2.1", "", "SIP/2.0/UDP c;received=192.0.2.1"},
    {"SIP/2.0/UDP c;branch=1 ", "192.0.2.1", "",
     "SIP/2.0/UDP c;branch=1;received=192.0.2.1 "},
    {"SIP/2.0/UDP c;rport;branch=1", "10.0.0.1", "5070",
     "SIP/2.0/UDP c;rport=5070;branch=1;received=10.0.0.1"},
    {"SIP/2.0/UDP c;branch=1;rport", "10.0.0.1", "5070",
     "SIP/2.0/UDP c;branch=1;rport=5070;received=10.0.0.1"},
    {"SIP/2.0/UDP c;rport=", "10.0.0.1", "5070",
     "SIP/2.0/UDP c;rport=5070;received=10.0.0.1"},
    {"SIP/2.0/UDP c;rport=9;branch=1", "10.0.0.1", "5070",
     "SIP/2.0/UDP c;rport=5070;branch=1;received=10.0.0.1"},
    {"SIP/2.0/UDP c;RPORT = 99999;x", "", "1", NULL},
    {"SIP/2.0/UDP c;RPORT = 9;x", "", "1", "SIP/2.0/UDP c;RPORT = 1;x"},
    {"SIP/2.0/UDP c;received=1.2.3.4;x", "::1", "",
     "SIP/2.0/UDP c;received=::1;x"},
    {"SIP/2.0/UDP c;received=1.2.3.4;rport", "2001:db8::1", "65535",
     "SIP/2.0/UDP c;received=2001:db8::1;rport=65535"},
    {"SIP/2.0/UDP c;rport;received=;x", "::1", "7",
     "SIP/2.0/UDP c;rport=7;received=::1;x"},
    /* not asked for, but wanted: force_rport */
    {"SIP/2.0/UDP c;x", "::1", "7", "SIP/2.0/UDP c;x;rport=7;received=::1"},
    {"SIP/2.0/UDP c;received=", "::1", "7",
     "SIP/2.0/UDP c;received=::1;rport=7"},
    /* the topmost value only */
    {"SIP/2.0/UDP c;rport , SIP/2.0/UDP d;rport", "10.0.0.1", "5",
     "SIP/2.0/UDP c;rport=5;received=10.0.0.1 , SIP/2.0/UDP d;rport"},
    {"SIP/2.0/UDP c,SIP/2.0/UDP d", "10.0.0.1", "",
     "SIP/2.0/UDP c;received=10.0.0.1,SIP/2.0/UDP d"},
    {"SIP/2.0/UDP c\r\n ;rport\r\n\t;branch=1", "10.0.0.1", "5",
     "SIP/2.0/UDP c\r\n ;rport=5\r\n\t;branch=1;received=10.0.0.1"},
};

#define MARK_REST "\r\n" FROM "To: <sip:t@e>\r\n" CALL_ID CSEQ "\r\n"

START_TEST(topmost_via_is_marked)
{
    const marking_t *m = &markings[_i];
    const srf__via_mark_t mark = {.received = srf__str_of(m->received),
                                  .rport = srf__str_of(m->rport)};
    char message[1024];
    char expected[1024];
    char storage[128];
    srf__buf_t scratch;
    srf__edits_t edits;

    snprintf(message, sizeof(message),
             "INVITE sip:u@h SIP/2.0\r\nVia: %s" MARK_REST, m->via);
    if (m->marked == NULL) {
        ck_assert_int_ne(scan(message), SRF__SCAN_OK);
        return;
    }
    snprintf(expected, sizeof(expected),
             "INVITE sip:u@h SIP/2.0\r\nVia: %s" MARK_REST, m->marked);
    scan_ok(message);
    srf__edits_init(&edits);
    srf__buf_init_fixed(&scratch, storage, sizeof(storage));

    srf__edit_mark_via(&edits, &facts, &mark, &scratch);

    ck_assert_int_eq(scratch.err, 0);
    msg = srf__edits_apply(NULL, &edits, &facts);
    ck_assert_ptr_nonnull(msg);
    ck_assert_msg(
        srf__str_eq(srf__str(msg->data, msg->len), srf__str_of(expected)),
        "got:\n%.*s", (int)msg->len, msg->data);
    /* The scanner sees the mark. */
    const srf__facts_t *read = srf__msg_facts(msg);
    ck_assert_ptr_nonnull(read);
    if (m->received[0] != '\0')
        ck_assert(srf__str_eq(srf__facts_str(read, read->via.received),
                              srf__str_of(m->received)));
    if (m->rport[0] != '\0')
        ck_assert(srf__str_eq(srf__facts_str(read, read->via.rport_value),
                              srf__str_of(m->rport)));
}
END_TEST

START_TEST(mark_that_does_not_fit_is_reported)
{
    const srf__via_mark_t mark = {.received = SRF__STR("192.0.2.1"),
                                  .rport = SRF__STR("5060")};
    char storage[20];
    srf__buf_t scratch;
    srf__edits_t edits;

    scan_ok(invite);
    srf__edits_init(&edits);
    srf__buf_init_fixed(&scratch, storage, sizeof(storage));

    srf__edit_mark_via(&edits, &facts, &mark, &scratch);

    ck_assert_int_eq(scratch.err, SRF_ERR_LIMIT);
}
END_TEST

/* ---- responses ---- */

#define VIAS                                                      \
 "Via: SIP/2.0/UDP p.example:5070 ;branch=z9hG4bKp ,SIP/2.0/UDP " \
 "c;branch=z9hG4bKc\r\nv:SIP/2.0/TCP b;branch=z9hG4bKb \r\n"

START_TEST(response_100_has_timestamp_but_no_tag_and_no_record_route)
{
    const srf__response_spec_t spec = {.status = 100,
                                       .to_tag = SRF__STR("mine")};

    scan_ok(invite);
    msg = srf__build_response(NULL, &facts, &spec);

    check_msg("SIP/2.0 100 Trying\r\n" VIAS FROM "t: <sip:t@e>\r\n" CALL_ID CSEQ
              "Timestamp: 54.3\r\nContent-Length: 0\r\n\r\n");
}
END_TEST

START_TEST(response_1xx_and_2xx_have_tag_and_record_route)
{
    static const struct {
        unsigned status;
        const char *start;
    } cases[] = {{101, "SIP/2.0 101 Trying\r\n"},
                 {183, "SIP/2.0 183 Session Progress\r\n"},
                 {200, "SIP/2.0 200 OK\r\n"},
                 {299, "SIP/2.0 299 OK\r\n"}};
    char expected[2048];

    for (int i = 0; i < COUNT(cases); i++) {
        const srf__response_spec_t spec = {.status = cases[i].status,
                                           .to_tag = SRF__STR("mine")};
        scan_ok(invite);
        srf__msg_unref(msg);
        msg = srf__build_response(NULL, &facts, &spec);
        snprintf(expected, sizeof(expected),
                 "%s" VIAS RECORD_ROUTES FROM
                 "t: <sip:t@e>;tag=mine\r\n" CALL_ID CSEQ
                 "Content-Length: 0\r\n\r\n",
                 cases[i].start);
        check_msg(expected);
    }
}
END_TEST

START_TEST(response_with_failure_has_no_record_route)
{
    const srf__response_spec_t spec = {
        .status = 486,
        .reason = SRF__STR("Not Now"),
        .to_tag = SRF__STR("mine"),
        .lines = SRF__STR("Retry-After: 5\r\nX: y\r\n"),
        .body = SRF__STR("\0ab"),
    };

    scan_ok(invite);
    msg = srf__build_response(NULL, &facts, &spec);

    const char expected[] =
        "SIP/2.0 486 Not Now\r\n" VIAS FROM
        "t: <sip:t@e>;tag=mine\r\n" CALL_ID CSEQ
        "Retry-After: 5\r\nX: y\r\nContent-Length: 3\r\n\r\n\0ab";
    ck_assert_ptr_nonnull(msg);
    ck_assert_uint_eq(msg->len, sizeof(expected) - 1);
    ck_assert_mem_eq(msg->data, expected, msg->len);
    ck_assert_ptr_nonnull(srf__msg_facts(msg));
    ck_assert_uint_eq(srf__msg_facts(msg)->status, 486);
}
END_TEST

START_TEST(response_marks_the_topmost_via)
{
    const srf__response_spec_t spec = {
        .status = 404,
        .via_mark = {.received = SRF__STR(
                         "2001:db8:1111:2222:3333:4444:255.255.255.255"),
                     .rport = SRF__STR("65535")},
        .to_tag = SRF__STR("mine"),
    };

    scan_ok(invite);
    msg = srf__build_response(NULL, &facts, &spec);

    check_msg(
        "SIP/2.0 404 Not Found\r\n"
        "Via: SIP/2.0/UDP p.example:5070 ;branch=z9hG4bKp;rport=65535"
        ";received=2001:db8:1111:2222:3333:4444:255.255.255.255 ,SIP/2.0/UDP "
        "c;branch=z9hG4bKc\r\nv:SIP/2.0/TCP b;branch=z9hG4bKb \r\n" FROM
        "t: <sip:t@e>;tag=mine\r\n" CALL_ID CSEQ "Content-Length: 0\r\n\r\n");
}
END_TEST

START_TEST(response_keeps_a_tag_that_is_there)
{
    const srf__response_spec_t spec = {.status = 200,
                                       .to_tag = SRF__STR("mine")};

    ck_assert_int_eq(
        scan_parts(&(parts_t){.to = "To : <sip:t@e> ;x;tag=theirs;y \r\n"}),
        SRF__SCAN_OK);
    msg = srf__build_response(NULL, &facts, &spec);

    check_msg("SIP/2.0 200 OK\r\n"
              "Via: SIP/2.0/UDP c.example.org;branch=z9hG4bK1\r\n"
              "From: <sip:f@example.org>;tag=ft\r\n"
              "To : <sip:t@e> ;x;tag=theirs;y \r\n"
              "Call-ID: abc@c.example.org\r\nCSeq: 9 INVITE\r\n"
              "Content-Length: 0\r\n\r\n");
}
END_TEST

START_TEST(response_adds_the_tag_behind_a_folded_value)
{
    const srf__response_spec_t spec = {.status = 200,
                                       .to_tag = SRF__STR("mine")};

    ck_assert_int_eq(
        scan_parts(&(parts_t){.to = "To:\r\n <sip:t@e>\r\n ;x \r\n"}),
        SRF__SCAN_OK);
    msg = srf__build_response(NULL, &facts, &spec);

    check_msg("SIP/2.0 200 OK\r\n"
              "Via: SIP/2.0/UDP c.example.org;branch=z9hG4bK1\r\n"
              "From: <sip:f@example.org>;tag=ft\r\n"
              "To:\r\n <sip:t@e>\r\n ;x;tag=mine \r\n"
              "Call-ID: abc@c.example.org\r\nCSeq: 9 INVITE\r\n"
              "Content-Length: 0\r\n\r\n");
    const srf__facts_t *read = srf__msg_facts(msg);
    ck_assert(
        srf__str_eq(srf__facts_str(read, read->to_tag), SRF__STR("mine")));
}
END_TEST

START_TEST(response_without_tag_given_adds_none)
{
    const srf__response_spec_t spec = {.status = 200};

    ck_assert_int_eq(scan_parts(&(parts_t){.rest = NULL}), SRF__SCAN_OK);
    msg = srf__build_response(NULL, &facts, &spec);

    ck_assert_ptr_nonnull(msg);
    ck_assert_uint_eq(srf__msg_facts(msg)->to_tag.len, 0);
}
END_TEST

START_TEST(refused_request_is_answered_with_what_there_is)
{
    const srf__response_spec_t spec = {
        .status = 400,
        .reason = SRF__STR("Missing CSeq"),
        .via_mark = {.received = SRF__STR("10.0.0.1")},
        .to_tag = SRF__STR("mine"),
    };

    ck_assert_int_eq(scan_parts(&(parts_t){.cseq = "", .to = ""}),
                     SRF__SCAN_REJECT);
    ck_assert(facts.answerable);
    msg = srf__build_response(NULL, &facts, &spec);

    static const char expected[] =
        "SIP/2.0 400 Missing CSeq\r\n"
        "Via: SIP/2.0/UDP c.example.org;branch=z9hG4bK1;received=10.0.0.1\r\n"
        "From: <sip:f@example.org>;tag=ft\r\nCall-ID: abc@c.example.org\r\n"
        "Content-Length: 0\r\n\r\n";
    ck_assert_ptr_nonnull(msg);
    ck_assert(
        srf__str_eq(srf__str(msg->data, msg->len), srf__str_of(expected)));
}
END_TEST

/* ---- ACK, CANCEL, requests ---- */

static srf__header_t response_headers[HEADERS_MAX];

START_TEST(ack_follows_the_invite_and_takes_the_to_of_the_response)
{
    static const srf__scan_limits_t limits = {HEADERS_MAX, LINE_BYTES_MAX};
    static const char text_486[] =
        "SIP/2.0 486 Busy Here\r\n" VIAS FROM
        "To: <sip:t@e>;tag=theirs\r\n" CALL_ID CSEQ "\r\n";
    srf__facts_t response = {.headers = response_headers,
                             .header_cap = HEADERS_MAX};

    scan_ok(invite);
    ck_assert_int_eq(
        srf__scan(text_486, sizeof(text_486) - 1, &limits, &response),
        SRF__SCAN_OK);
    msg = srf__build_ack(NULL, &facts, &response);

    check_msg("ACK sip:u@h;x=y SIP/2.0\r\n"
              "Via: SIP/2.0/UDP p.example:5070 ;branch=z9hG4bKp\r\n"
              "Max-Forwards: 70\r\n" ROUTES FROM
              "To: <sip:t@e>;tag=theirs\r\n" CALL_ID
              "CSeq: 9 ACK\r\nContent-Length: 0\r\n\r\n");
    ck_assert_uint_eq(srf__msg_facts(msg)->via2, 0);
    ck_assert_uint_eq(srf__msg_facts(msg)->method, SRF__METHOD_ACK);
}
END_TEST

START_TEST(cancel_follows_the_invite)
{
    scan_ok(invite);
    msg = srf__build_cancel(NULL, &facts,
                            SRF__STR("Reason: SIP;cause=200\r\nX: y\r\n"));

    check_msg("CANCEL sip:u@h;x=y SIP/2.0\r\n"
              "Via: SIP/2.0/UDP p.example:5070 ;branch=z9hG4bKp\r\n"
              "Max-Forwards: 70\r\n" ROUTES FROM "t: <sip:t@e>\r\n" CALL_ID
              "CSeq: 9 CANCEL\r\nReason: SIP;cause=200\r\nX: y\r\n"
              "Content-Length: 0\r\n\r\n");
    ck_assert_uint_eq(srf__msg_facts(msg)->cseq, 9);
    ck_assert_uint_eq(srf__msg_facts(msg)->cseq_method, SRF__METHOD_CANCEL);
}
END_TEST

START_TEST(cancel_of_a_request_inside_a_dialog_keeps_the_to_tag)
{
    ck_assert_int_eq(scan_parts(&(parts_t){.to = "To: <sip:t@e>;tag=tt\r\n"}),
                     SRF__SCAN_OK);
    msg = srf__build_cancel(NULL, &facts, srf__str(NULL, 0));

    ck_assert_ptr_nonnull(msg);
    const srf__facts_t *read = srf__msg_facts(msg);
    ck_assert(srf__str_eq(srf__facts_str(read, read->to_tag), SRF__STR("tt")));
}
END_TEST

START_TEST(request_of_our_own_is_complete)
{
    const srf__request_spec_t spec = {
        .method = SRF__STR("OPTIONS"),
        .uri = SRF__STR("sip:h:5070"),
        .via = SRF__STR("SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKx;rport"),
        .from = SRF__STR("<sip:10.0.0.1>;tag=a"),
        .to = SRF__STR("<sip:h:5070>"),
        .call_id = SRF__STR("xyz"),
        .cseq = 2147483647,
        .lines = SRF__STR("Accept: a/b\r\n"),
        .body = SRF__STR("hello"),
    };

    msg = srf__build_request(NULL, &spec);

    check_msg("OPTIONS sip:h:5070 SIP/2.0\r\n"
              "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKx;rport\r\n"
              "Max-Forwards: 70\r\nFrom: <sip:10.0.0.1>;tag=a\r\n"
              "To: <sip:h:5070>\r\nCall-ID: xyz\r\n"
              "CSeq: 2147483647 OPTIONS\r\nAccept: a/b\r\n"
              "Content-Length: 5\r\n\r\nhello");
    ck_assert_int_eq(srf__msg_facts(msg)->max_forwards, 70);
}
END_TEST

/* ---- out of memory ---- */

static void *refuse_malloc(size_t size, void *data)
{
    (void)size;
    (void)data;
    return NULL;
}

static void *refuse_calloc(size_t count, size_t size, void *data)
{
    (void)count;
    (void)size;
    (void)data;
    return NULL;
}

static void *refuse_realloc(void *ptr, size_t size, void *data)
{
    (void)ptr;
    (void)size;
    (void)data;
    return NULL;
}

static void refuse_free(void *ptr, void *data)
{
    (void)ptr;
    (void)data;
}

START_TEST(without_memory_there_is_no_message)
{
    static const srf_allocator_t none = {refuse_malloc, refuse_calloc,
                                         refuse_realloc, refuse_free, NULL};
    const srf__response_spec_t response = {.status = 100};
    const srf__request_spec_t request = {.method = SRF__STR("OPTIONS")};

    scan_ok(invite);
    ck_assert_int_eq(srf_set_allocator(&none), 0);
    const void *built[] = {srf__build_response(NULL, &facts, &response),
                           srf__build_ack(NULL, &facts, &facts),
                           srf__build_cancel(NULL, &facts, srf__str(NULL, 0)),
                           srf__build_request(NULL, &request)};
    ck_assert_int_eq(srf_set_allocator(NULL), 0);

    for (int i = 0; i < COUNT(built); i++)
        ck_assert_ptr_null(built[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("build");
    TCase *marks = tcase_create("marks");
    TCase *responses = tcase_create("responses");
    TCase *requests = tcase_create("requests");

    tcase_add_checked_fixture(marks, setup, teardown);
    tcase_add_loop_test(marks, status_has_its_reason_phrase, 0, COUNT(phrases));
    tcase_add_loop_test(marks, topmost_via_is_marked, 0, COUNT(markings));
    tcase_add_test(marks, mark_that_does_not_fit_is_reported);
    tcase_add_checked_fixture(responses, setup, teardown);
    tcase_add_test(responses,
                   response_100_has_timestamp_but_no_tag_and_no_record_route);
    tcase_add_test(responses, response_1xx_and_2xx_have_tag_and_record_route);
    tcase_add_test(responses, response_with_failure_has_no_record_route);
    tcase_add_test(responses, response_marks_the_topmost_via);
    tcase_add_test(responses, response_keeps_a_tag_that_is_there);
    tcase_add_test(responses, response_adds_the_tag_behind_a_folded_value);
    tcase_add_test(responses, response_without_tag_given_adds_none);
    tcase_add_test(responses, refused_request_is_answered_with_what_there_is);
    tcase_add_checked_fixture(requests, setup, teardown);
    tcase_add_test(requests,
                   ack_follows_the_invite_and_takes_the_to_of_the_response);
    tcase_add_test(requests, cancel_follows_the_invite);
    tcase_add_test(requests,
                   cancel_of_a_request_inside_a_dialog_keeps_the_to_tag);
    tcase_add_test(requests, request_of_our_own_is_complete);
    tcase_add_test(requests, without_memory_there_is_no_message);
    suite_add_tcase(suite, marks);
    suite_add_tcase(suite, responses);
    suite_add_tcase(suite, requests);
    return run_suite(suite);
}
