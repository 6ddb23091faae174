/*
 * Messages cut from a stream, however their bytes come in.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/framing.h"

#include "message/scan.h"
#include "srf/srf.h"

#include "runner.h"

#include <dirent.h>
#include <stdio.h>

enum { LOG_BYTES = 1 << 17, LIMIT = 65535, MESSAGE_MAX = 65536, HEADERS = 256 };

static const srf__framer_limits_t limits = {LIMIT, LIMIT};

/* What came out: one line for each thing, with its bytes. */
typedef struct out {
    size_t len;
    unsigned messages;
    unsigned pings;
    unsigned refused;
    unsigned garbage;
    unsigned status;
    const char *reason;
    char text[LOG_BYTES];
} out_t;

static out_t out;
static out_t other;

static void note(out_t *to, const srf__framed_t *framed)
{
    int n =
        snprintf(to->text + to->len, LOG_BYTES - to->len,
                 "%d %u %zu:", framed->kind, framed->status, framed->bytes.len);

    to->len += (size_t)n;
    ck_assert_uint_lt(to->len + framed->bytes.len, LOG_BYTES);
    if (framed->bytes.len > 0)
        memcpy(to->text + to->len, framed->bytes.p, framed->bytes.len);
    to->len += framed->bytes.len;
    to->messages += framed->kind == SRF__FRAMED_MESSAGE;
    to->pings += framed->kind == SRF__FRAMED_PING;
    to->garbage += framed->kind == SRF__FRAMED_GARBAGE;
    if (framed->kind == SRF__FRAMED_REFUSE) {
        to->refused++;
        to->status = framed->status;
        to->reason = framed->reason;
    }
}

/* 0 or SRF_ERR_NO_MEMORY. The bytes are those of a heap block of their own, so
 * that a view kept too long is found. */
static int feed(srf__framer_t *framer, out_t *to, const char *data, size_t len)
{
    srf__framed_t framed;
    char *copy = malloc(len + 1);

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, data, len);
    int err = srf__framer_begin(framer, copy, len);
    while (err == 0 && srf__framer_next(framer, &framed) != SRF__FRAMED_NONE)
        note(to, &framed);
    if (err == 0)
        err = srf__framer_end(framer);
    free(copy);
    return err;
}

static void frame(out_t *to, const char *data, size_t len, size_t cut)
{
    srf__framer_t framer;

    memset(to, 0, offsetof(out_t, text));
    srf__framer_init(&framer, &limits);
    ck_assert_int_eq(feed(&framer, to, data, cut), 0);
    ck_assert_int_eq(feed(&framer, to, data + cut, len - cut), 0);
    srf__framer_deinit(&framer);
}

static void frame_text(const char *text)
{
    frame(&out, text, strlen(text), 0);
}

static void expect_same(const char *what, size_t cut)
{
    ck_assert_msg(out.len == other.len &&
                      memcmp(out.text, other.text, out.len) == 0,
                  "%s cut at %zu differs", what, cut);
}

/* In two pieces at every position, and byte by byte. */
static void cut_everywhere(const char *what, const char *data, size_t len)
{
    srf__framer_t framer;

    frame(&out, data, len, 0);
    for (size_t cut = 1; cut < len; cut++) {
        frame(&other, data, len, cut);
        expect_same(what, cut);
    }
    memset(&other, 0, offsetof(out_t, text));
    srf__framer_init(&framer, &limits);
    for (size_t i = 0; i < len; i++)
        ck_assert_int_eq(feed(&framer, &other, data + i, 1), 0);
    srf__framer_deinit(&framer);
    expect_same(what, len);
}

#define HEAD                                                       \
 "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP a;branch=z9hG4bK1\r\n" \
 "From: <sip:a@a>;tag=1\r\nTo: <sip:a>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n"

/* ---- messages ---- */

/* Who takes it for a line end sees the message end elsewhere. */
START_TEST(a_cr_without_lf_in_a_head_is_the_end_of_the_stream)
{
    static const char message[] =
        HEAD "Subject: a\r\n b\r\nl: 4\r\n\r\na\r\n" HEAD "l: 0\r\n\r\n";
    size_t head = (size_t)(strstr(message, "\r\n\r\n") - message) + 4;
    char text[sizeof(message) + 1];

    for (size_t at = 0; at < head; at++) {
        for (unsigned i = 0; i < 2; i++) {
            memcpy(text, message, at);
            text[at] = "\r"[i];
            memcpy(text + at + 1, message + at, sizeof(message) - at);
            frame(&out, text, sizeof(message), 0);
            ck_assert_uint_eq(out.messages, 0);
            ck_assert_uint_eq(out.refused + out.garbage, 1);
        }
    }
    memcpy(text, message, head);
    text[head] = '\r';
    memcpy(text + head + 1, message + head, sizeof(message) - head);
    frame(&out, text, sizeof(message), 0);
    ck_assert_uint_eq(out.messages, 2);
}
END_TEST

START_TEST(why_a_head_with_such_a_byte_is_refused)
{
    static const char cr[] = HEAD "A: b\rContent-Length: 0\r\nl: 3\r\n\r\nabc";
    static const char nul[] = HEAD "A: b\0\r\nl: 3\r\n\r\nabc";

    cut_everywhere("CR", cr, sizeof(cr) - 1);
    ck_assert_uint_eq(out.status, 400);
    ck_assert_str_eq(out.reason, "CR Without LF in Header");
    cut_everywhere("NUL", nul, sizeof(nul) - 1);
    ck_assert_str_eq(out.reason, "NUL Byte in Header");
}
END_TEST

START_TEST(a_message_ends_where_its_length_says)
{
    static const char *const lengths[] = {
        "Content-Length: 3\r\n",     "l: 3\r\n",
        "CONTENT-LENGTH:3\r\n",      "content-length \t: 003 \r\n",
        "Content-Length:\r\n 3\r\n", "L:3\n"};
    char text[600];

    (void)snprintf(text, sizeof(text), HEAD "%s\r\nabc" HEAD "l: 0\r\n\r\n",
                   lengths[_i]);
    cut_everywhere(lengths[_i], text, strlen(text));
    ck_assert_uint_eq(out.messages, 2);
    ck_assert_uint_eq(out.refused + out.garbage + out.pings, 0);
}
END_TEST

START_TEST(bytes_of_a_body_are_not_looked_at)
{
    static const char body[] = "\r\n\r\n\0l: 9\r\n\r\n";
    char text[600];

    int head = snprintf(text, sizeof(text), HEAD "Content-Length: %zu\r\n\r\n",
                        sizeof(body));
    memcpy(text + head, body, sizeof(body));
    cut_everywhere("body", text, (size_t)head + sizeof(body));
    ck_assert_uint_eq(out.messages, 1);
    ck_assert_uint_eq(out.pings, 0);
}
END_TEST

static const struct {
    const char *lines;
    unsigned status;
    const char *reason;
} bad[] = {
    {"", 400, "Missing Content-Length"},
    {"Content-Length2: 1\r\nX: l: 3\r\nSubject: a\r\n l: 3\r\n", 400,
     "Missing Content-Length"},
    {"Content-Length:\r\n", 400, "Bad Content-Length"},
    {"Content-Length: -1\r\n", 400, "Bad Content-Length"},
    {"Content-Length: 1 2\r\n", 400, "Bad Content-Length"},
    {"Content-Length: 1,1\r\n", 400, "Bad Content-Length"},
    {"Content-Length: 0x1\r\n", 400, "Bad Content-Length"},
    {"Content-Length: 99999999999999999999999\r\n", 400, "Bad Content-Length"},
    {"Content-Length: 1\r\nl: 1\r\n", 400, "Repeated Content-Length"},
    {"Content-Length: 65535\r\n", 513, "Message Too Large"},
    {"Content-Length: 4294967295\r\n", 513, "Message Too Large"},
};

START_TEST(a_message_whose_end_is_unknown_is_the_last)
{
    char text[600];

    (void)snprintf(text, sizeof(text), HEAD "%s\r\n" HEAD "l: 0\r\n\r\n",
                   bad[_i].lines);
    cut_everywhere(bad[_i].lines, text, strlen(text));
    ck_assert_uint_eq(out.messages, 0);
    ck_assert_uint_eq(out.refused, 1);
    ck_assert_uint_eq(out.status, bad[_i].status);
    ck_assert_str_eq(out.reason, bad[_i].reason);
}
END_TEST

/* ---- between messages ---- */

START_TEST(two_empty_lines_are_a_ping_and_one_is_nothing)
{
    static const struct {
        const char *text;
        unsigned pings;
        unsigned messages;
    } cases[] = {
        {"\r\n", 0, 0},
        {"\r\n\r\n", 1, 0},
        {"\r\n\r\n\r\n", 1, 0},
        {"\r\n\r\n\r\n\r\n", 2, 0},
        {"\n\n", 0, 0},
        {"\r\n\n\r\n", 0, 0},
        {"\r\n" HEAD "l: 0\r\n\r\n\r\n" HEAD "l: 0\r\n\r\n", 0, 2},
        {HEAD "l: 0\r\n\r\n\r\n\r\n", 1, 1},
        {"\r\n\r\n" HEAD "l: 0\r\n\r\n", 1, 1},
    };

    cut_everywhere(cases[_i].text, cases[_i].text, strlen(cases[_i].text));
    ck_assert_uint_eq(out.pings, cases[_i].pings);
    ck_assert_uint_eq(out.messages, cases[_i].messages);
    ck_assert_uint_eq(out.refused + out.garbage, 0);
}
END_TEST

START_TEST(what_cannot_begin_a_message_is_garbage)
{
    static const char *const first[] = {
        "\x16\x03\x01", " INVITE", "\r\r", "\xff", "{}", "\r\nx\r\n\r\n\x01"};

    frame_text(first[_i]);
    if (_i == 5) { /* a message in front of it, of a sort */
        ck_assert_uint_eq(out.refused, 1);
        return;
    }
    ck_assert_uint_eq(out.garbage, 1);
    ck_assert_uint_eq(out.messages + out.refused, 0);
}
END_TEST

START_TEST(a_nul_is_garbage)
{
    frame(&out, "\0\0\0", 3, 1);
    ck_assert_uint_eq(out.garbage, 1);
}
END_TEST

/* ---- limits ---- */

START_TEST(a_start_line_without_end_is_garbage)
{
    static char text[10000];

    memset(text, 'x', sizeof(text));
    frame(&out, text, 8000, 10);
    ck_assert_uint_eq(out.garbage, 0);
    frame(&out, text, sizeof(text), 10);
    ck_assert_uint_eq(out.garbage, 1);
}
END_TEST

START_TEST(a_head_without_end_is_refused_with_what_is_there)
{
    static char text[70000];
    size_t head = strlen(HEAD);

    memset(text, 'x', sizeof(text));
    memcpy(text, HEAD, head);
    memcpy(text + head, "Subject: ", 9);
    frame(&out, text, 65535, 1000);
    ck_assert_uint_eq(out.refused, 0);
    frame(&out, text, sizeof(text), 1000);
    ck_assert_uint_eq(out.refused, 1);
    ck_assert_uint_eq(out.status, 513);
}
END_TEST

START_TEST(a_claimed_length_costs_nothing)
{
    static const char text[] = HEAD "Content-Length: 60000\r\n\r\nabc";
    srf__framer_t framer;

    memset(&out, 0, offsetof(out_t, text));
    srf__framer_init(&framer, &limits);
    ck_assert_int_eq(feed(&framer, &out, text, strlen(text)), 0);
    ck_assert(srf__framer_has_partial(&framer));
    ck_assert_uint_lt(framer.carry.own_cap, 2048);
    srf__framer_deinit(&framer);
}
END_TEST

START_TEST(nothing_is_kept_of_whole_messages)
{
    static const char text[] = HEAD "l: 1\r\n\r\nx";
    srf__framer_t framer;

    memset(&out, 0, offsetof(out_t, text));
    srf__framer_init(&framer, &limits);
    for (size_t cut = 0; cut < strlen(text); cut += 50) {
        ck_assert_int_eq(feed(&framer, &out, text, cut), 0);
        ck_assert_int_eq(feed(&framer, &out, text + cut, strlen(text) - cut),
                         0);
        ck_assert_ptr_null(framer.carry.own);
        ck_assert(!srf__framer_has_partial(&framer));
    }
    srf__framer_deinit(&framer);
}
END_TEST

/* ---- out of memory ---- */

static unsigned allowed;

static void *fail_malloc(size_t size, void *data)
{
    (void)data;
    return allowed-- == 0 ? NULL : malloc(size);
}

static void *fail_calloc(size_t count, size_t size, void *data)
{
    (void)data;
    return allowed-- == 0 ? NULL : calloc(count, size);
}

static void *fail_realloc(void *ptr, size_t size, void *data)
{
    (void)data;
    return allowed-- == 0 ? NULL : realloc(ptr, size);
}

static void plain_free(void *ptr, void *data)
{
    (void)data;
    free(ptr);
}

START_TEST(memory_that_is_out_is_an_error_and_no_leak)
{
    static const srf_allocator_t failing = {
        .malloc_fn = fail_malloc,
        .calloc_fn = fail_calloc,
        .realloc_fn = fail_realloc,
        .free_fn = plain_free,
    };
    static char text[20000];
    unsigned failures = 0;
    int err = SRF_ERR_NO_MEMORY;

    (void)snprintf(text, sizeof(text), HEAD "l: 15000\r\n\r\n");
    size_t head = strlen(text);
    memset(text + head, 'x', 15000);
    ck_assert_int_eq(srf_set_allocator(&failing), 0);
    for (unsigned n = 0; err != 0 && n < 50; n++) {
        srf__framer_t framer;
        memset(&out, 0, offsetof(out_t, text));
        srf__framer_init(&framer, &limits);
        allowed = n;
        err = 0;
        for (size_t at = 0; err == 0 && at < head + 15000; at += 1000) {
            size_t left = head + 15000 - at;
            err = feed(&framer, &out, text + at, left < 1000 ? left : 1000);
        }
        srf__framer_deinit(&framer);
        failures += err != 0;
    }
    ck_assert_int_eq(srf_set_allocator(NULL), 0);
    ck_assert_int_eq(err, 0);
    ck_assert_uint_gt(failures, 3);
    ck_assert_uint_eq(out.messages, 1);
}
END_TEST

/* ---- the torture set ---- */

static char message[MESSAGE_MAX];

static size_t read_message(const char *name)
{
    const char *root = getenv("SRF_TEST_DATA");
    char path[1024];

    (void)snprintf(path, sizeof(path), "%s/torture/%s",
                   root == NULL ? "tests" : root, name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    size_t len = fread(message, 1, sizeof(message), file);
    fclose(file);
    return len;
}

/* What the scanner makes of a message that was cut out is what it makes of it
 * as a datagram. */
static void check_scan(const char *name, size_t len)
{
    static srf__header_t headers[HEADERS];
    static const srf__scan_limits_t scan_limits = {HEADERS, 16384};
    srf__facts_t facts = {.headers = headers, .header_cap = HEADERS};

    srf__scan_result_t result = srf__scan(message, len, &scan_limits, &facts);
    if (out.messages == 0 || result != SRF__SCAN_OK)
        return;
    const char *colon = memchr(out.text, ':', out.len);
    ck_assert_ptr_nonnull(colon);
    ck_assert_msg(memcmp(colon + 1, facts.data, facts.len) == 0, "%s", name);
}

START_TEST(every_torture_message_comes_out_the_same_however_it_is_cut)
{
    const char *root = getenv("SRF_TEST_DATA");
    char path[1024];
    const struct dirent *entry;
    unsigned whole = 0;
    unsigned files = 0;

    (void)snprintf(path, sizeof(path), "%s/torture",
                   root == NULL ? "tests" : root);
    DIR *dir = opendir(path);
    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (strstr(entry->d_name, ".sip") == NULL)
            continue;
        size_t len = read_message(entry->d_name);
        cut_everywhere(entry->d_name, message, len);
        check_scan(entry->d_name, len);
        files++;
        whole += out.messages > 0;
    }
    closedir(dir);
    ck_assert_uint_gt(files, 40);
    ck_assert_uint_gt(whole, 30);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("framing");
    TCase *tcase = tcase_create("streams");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_cr_without_lf_in_a_head_is_the_end_of_the_stream);
    tcase_add_test(tcase, why_a_head_with_such_a_byte_is_refused);
    tcase_add_loop_test(tcase, a_message_ends_where_its_length_says, 0, 6);
    tcase_add_test(tcase, bytes_of_a_body_are_not_looked_at);
    tcase_add_loop_test(tcase, a_message_whose_end_is_unknown_is_the_last, 0,
                        sizeof(bad) / sizeof(*bad));
    tcase_add_loop_test(tcase, two_empty_lines_are_a_ping_and_one_is_nothing, 0,
                        9);
    tcase_add_loop_test(tcase, what_cannot_begin_a_message_is_garbage, 0, 6);
    tcase_add_test(tcase, a_nul_is_garbage);
    tcase_add_test(tcase, a_start_line_without_end_is_garbage);
    tcase_add_test(tcase, a_head_without_end_is_refused_with_what_is_there);
    tcase_add_test(tcase, a_claimed_length_costs_nothing);
    tcase_add_test(tcase, nothing_is_kept_of_whole_messages);
    tcase_add_test(tcase, memory_that_is_out_is_an_error_and_no_leak);
    tcase_add_test(tcase,
                   every_torture_message_comes_out_the_same_however_it_is_cut);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
