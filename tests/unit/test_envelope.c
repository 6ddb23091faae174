/*
 * What a message needs to be cut out of a stream again.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/envelope.h"

#include "transport/framing.h"

#include "runner.h"

#include <stdio.h>

enum { TEXT = 4000 };

#define BEGIN                                     \
 "CANCEL sip:bob@call.test SIP/2.0\r\n"           \
 "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\n" \
 "Call-ID: c\r\nContact: <sip:c@d>\r\nCSeq: 1 CANCEL\r\n"
#define END "Max-Forwards: 70\r\n\r\n"

/* One that has all, in pieces cut everywhere. */
static const char plain[] = BEGIN "Content-Length: 4\r\n" END "body";

static const struct {
    const char *text;
    const char *body;
} odd[] = {
    {BEGIN END "body", "body"},
    {BEGIN END, ""},
    {BEGIN "l: 4\r\n" END "body", "body"},
    {BEGIN "L:4\r\n" END "body", "body"},
    {BEGIN "Content-Length : 4\r\n" END "body", "body"},
    {BEGIN "Content-Length:\t4\r\n" END "body", "body"},
    {BEGIN "Content-Length: 4 \r\n" END "body", "body"},
    {BEGIN "Content-Length: 04\r\n" END "body", "body"},
    {BEGIN "Content-Length: 00\r\n" END, ""},
    {BEGIN "Content-Length: +4\r\n" END "body", "body"},
    {BEGIN "Content-Length: 4, 4\r\n" END "body", "body"},
    {BEGIN "Content-Length: 0x4\r\n" END "body", "body"},
    {BEGIN "Content-Length: 4;x\r\n" END "body", "body"},
    {BEGIN "Content-Length:\r\n 4\r\n" END "body", "body"},
    {BEGIN "Content-Length: 4\r\n \r\n" END "body", "body"},
    {BEGIN "Content-Length: 4\r\n\t0\r\n" END "body", "body"},
    {BEGIN "Content-Length\r\n : 4\r\n" END "body", "body"},
    {BEGIN "Content-Length:\r\n" END "body", "body"},
    {BEGIN "Content-Length: 4\r\nContent-Length: 4\r\n" END "body", "body"},
    {BEGIN "Content-Length: 4\r\nl: 4\r\n" END "body", "body"},
    {BEGIN "l: 4\r\nl: 0\r\n" END "body", "body"},
    {BEGIN "Content-Length: 3\r\n" END "body", "body"},
    {BEGIN "Content-Length: 5\r\n" END "body", "body"},
    {BEGIN "Content-Length: 18446744073709551620\r\n" END "body", "body"},
    {BEGIN "Content-Length: 4294967300\r\n" END "body", "body"},
    /* A lone LF is a line end to some only. */
    {BEGIN "Content-Length: 4\n" END "body", "body"},
    {BEGIN "Content-Length: 4\r\nSubject: x\n" END "body", "body"},
    {BEGIN "Content-Length: 4\r\n\n" END, END},
    {BEGIN "Content-Length: 4\n\nbody", "body"},
};

/* What others may read as they like, but not as a Content-Length. */
static const char *const fine[] = {
    BEGIN "content-length: 4\r\n" END "body",
    BEGIN "CONTENT-LENGTH:4\r\n" END "body",
    BEGIN "Content-Length:     4\r\n" END "body",
    BEGIN "Content-Length: 0\r\n" END,
    BEGIN "Content-Type: a/b\r\nContent-Length: 4\r\n" END "\r\n\r\n",
    BEGIN "Subject: l\r\n Content-Length: 9\r\nContent-Length: 4\r\n" END
          "body",
    BEGIN "Content-Lengthy: 9\r\nContent-Length: 4\r\n" END "body",
    BEGIN "lx: 9\r\nContent-Length: 4\r\n" END "body",
    BEGIN "Content-Length: 4\r\n" END "\nl:\n",
};

/* ---- helpers ---- */

static bool is_plain(const char *text)
{
    const srf__str_t part = srf__str_of(text);

    return srf__envelope_is_plain(&part, 1);
}

/* A framer finds one message in it, which ends where the bytes do. */
static void expect_one(srf__str_t all, const char *body)
{
    const srf__framer_limits_t limits = {65535, 65535};
    srf__framer_t framer;
    srf__framed_t framed;
    size_t len = strlen(body);

    srf__framer_init(&framer, &limits);
    ck_assert_int_eq(srf__framer_begin(&framer, all.p, all.len), 0);
    ck_assert_int_eq(srf__framer_next(&framer, &framed), SRF__FRAMED_MESSAGE);
    ck_assert(srf__str_eq(framed.bytes, all));
    ck_assert_int_eq(srf__framer_next(&framer, &framed), SRF__FRAMED_NONE);
    ck_assert_int_eq(srf__framer_end(&framer), 0);
    srf__framer_deinit(&framer);
    ck_assert_uint_ge(all.len, len + 4);
    ck_assert_int_eq(memcmp(all.p + all.len - len, body, len), 0);
    ck_assert_int_eq(memcmp(all.p + all.len - len - 4, "\r\n\r\n", 4), 0);
}

/* ---- cases ---- */

START_TEST(what_is_plain_stays_as_it_is)
{
    ck_assert(is_plain(fine[_i]));
}
END_TEST

START_TEST(a_message_is_judged_alike_in_two_pieces)
{
    for (size_t at = 0; at <= sizeof(plain) - 1; at++) {
        const srf__str_t parts[] = {
            srf__str(plain, at), srf__str(plain + at, sizeof(plain) - 1 - at)};
        srf__buf_t out;
        /* In doubt it is written anew, and the same comes of it. */
        ck_assert_int_eq(srf__envelope_write(parts, 2, &out), 0);
        expect_one(srf__buf_str(&out), "body");
        if (at == 0 || (plain[at - 1] == '\n'))
            ck_assert(srf__envelope_is_plain(parts, 2));
        srf__buf_deinit(&out);
    }
    /* As a Via value is cut off. */
    const srf__str_t parts[] = {SRF__STR("SIP/2.0 200 OK\r\nVia: "),
                                SRF__STR("x\r\nContent-Length: 1\r\n\r\nb")};
    ck_assert(srf__envelope_is_plain(parts, 2));
}
END_TEST

START_TEST(what_is_odd_is_written_so_that_everybody_reads_it_alike)
{
    const srf__str_t part = srf__str_of(odd[_i].text);
    srf__buf_t out;

    ck_assert_msg(!is_plain(odd[_i].text), "%s", odd[_i].text);
    ck_assert_int_eq(srf__envelope_write(&part, 1, &out), 0);
    const srf__str_t written = srf__buf_str(&out);
    ck_assert(srf__envelope_is_plain(&written, 1));
    expect_one(srf__buf_str(&out), odd[_i].body);
    ck_assert_int_eq(memcmp(out.p, BEGIN, sizeof(BEGIN) - 1), 0);
    srf__buf_deinit(&out);
}
END_TEST

START_TEST(a_head_without_an_end_goes_nowhere)
{
    static const char *const texts[] = {"", "OPTIONS", BEGIN,
                                        BEGIN "Content-Length: 0\r\n"};

    for (unsigned i = 0; i < 4; i++) {
        const srf__str_t part = srf__str_of(texts[i]);
        srf__buf_t out;
        ck_assert(!srf__envelope_is_plain(&part, 1));
        ck_assert_int_eq(srf__envelope_write(&part, 1, &out), SRF_ERR_SYNTAX);
        srf__buf_deinit(&out);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("envelope");
    TCase *tcase = tcase_create("messages");

    tcase_add_loop_test(tcase, what_is_plain_stays_as_it_is, 0,
                        sizeof(fine) / sizeof(*fine));
    tcase_add_test(tcase, a_message_is_judged_alike_in_two_pieces);
    tcase_add_loop_test(tcase,
                        what_is_odd_is_written_so_that_everybody_reads_it_alike,
                        0, sizeof(odd) / sizeof(*odd));
    tcase_add_test(tcase, a_head_without_an_end_goes_nowhere);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
