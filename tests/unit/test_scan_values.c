/*
 * The values the scanner reads: From, To, Call-ID, CSeq and the rest that may
 * stand only once.
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/scan.h"

#include "runner.h"
#include "scan_parts.h"

static const struct {
    const char *value;
    const char *tag; /* NULL: refused */
} tags[] = {
    {"<sip:a@b>", ""},
    {"<sip:a@b>;tag=x", "x"},
    {"sip:a@b", ""},
    {"sip:a@b;tag=x", "x"},
    {"sip:a@b;user=phone;TAG=x", "x"},
    {"<sip:a@b;tag=in>", ""},
    {"<sip:a@b;tag=in>;tag=out", "out"},
    {"<sip:a@b?x=;tag=in>;p;tag=out;q=\"z\"", "out"},
    {"\"D\" <sip:a@b>;tag=x", "x"},
    {"\"D;tag=in\" <sip:a@b>;tag=x", "x"},
    {"\"<sip:x>;tag=in\" <sip:a@b>;tag=x", "x"},
    {"\"a\\\"b;tag=in\" <sip:a@b>;tag=x", "x"},
    {"\"a\\\\\" <sip:a@b>;tag=x", "x"},
    {"\"a\\\\\\\"\" <sip:a@b>;tag=x", "x"},
    {"\"\" <sip:a@b>;tag=x", "x"},
    {"\"D\"<sip:a@b>;tag=x", "x"},
    {"D E. F<sip:a@b>;tag=x", "x"},
    {"J\xc3\xb6rg <sip:a@b>;tag=x", "x"},
    {"a@b:5 <sip:a@b>;tag=x", "x"},
    {"<sip:a@b>;p=\";tag=in\";tag=x", "x"},
    {"<sip:a@b>;p=\"\\\";tag=in\";tag=x", "x"},
    {"<sip:a@b> ; tag = x", "x"},
    {"<sip:a@b>\r\n ;\r\n tag\r\n =\r\n x", "x"},
    {"< sip:a@b >;tag=x", "x"},
    {"<sip:a@b>;p=;tag=x", "x"},
    {"<sip:a@b>;stag=in;tag=x", "x"},
    {"<sip:a@b>;tag=a+b/c==", "a+b/c=="},
    {"<what:ever,comma>;tag=x", "x"},
    {"", NULL},
    {";tag=x", NULL},
    {"<>;tag=x", NULL},
    {"\"D <sip:a@b>;tag=x", NULL},
    {"\"D\\\" <sip:a@b>;tag=x", NULL},
    {"D\" <sip:a@b>;tag=x", NULL},
    {"\"D\" sip:a@b;tag=x", NULL},
    {"\"D\";tag=x", NULL},
    {"<sip:a@b;tag=x", NULL},
    {"sip:a@b>;tag=x", NULL},
    {"<sip:a@b>>;tag=x", NULL},
    {"<sip:a@b>tag=x", NULL},
    {"<sip:a@b> x;tag=x", NULL},
    {"Berg, L <sip:a@b>;tag=x", NULL},
    {"<sip:a@b>, <sip:c@d>", NULL},
    {"sip:a@b;tag=x,sip:c@d;tag=y", NULL},
    {"<sip:a@b>;tag=x;tag=y", NULL},
    {"<sip:a@b>;tag", NULL},
    {"<sip:a@b>;tag=", NULL},
    {"<sip:a@b>;tag=\"x\"", NULL},
    {"<sip:a@b>;tag=x y", NULL},
    {"<sip:a@b>;tag=x\"y\"", NULL},
    {"<sip:a@b>;;tag=x", NULL},
    {"<sip:a@b>;tag=x;", NULL},
    {"<sip:a@b>;=y", NULL},
    {"<sip:a@b>;p=\"open;tag=x", NULL},
    {"<sip:a@b>;p=\"open\\\";tag=x", NULL},
    {"<sip:a@b>\r;tag=x", NULL},
};

START_TEST(tags_are_found_or_the_header_refused)
{
    char from[128];
    char to[128];
    parts_t with_from = {.from = from};
    parts_t with_to = {.to = to};

    snprintf(from, sizeof(from), "From: %s\r\n", tags[_i].value);
    snprintf(to, sizeof(to), "t:%s\r\n", tags[_i].value);
    if (tags[_i].tag == NULL) {
        check_rejected(&with_from, "Bad From");
        check_rejected(&with_to, "Bad To");
        return;
    }
    check_accepted(&with_from);
    check_span(facts.from_tag, tags[_i].tag);
    check_accepted(&with_to);
    check_span(facts.to_tag, tags[_i].tag);
}
END_TEST

static const struct {
    const char *rest;
    const char *reason;
} bad_lines[] = {
    {"Max-Forwards: 256\r\n", "Bad Max-Forwards"},
    {"Max-Forwards:\r\n", "Bad Max-Forwards"},
    {"Max-Forwards: -1\r\n", "Bad Max-Forwards"},
    {"Max-Forwards: +1\r\n", "Bad Max-Forwards"},
    {"Max-Forwards: 7 0\r\n", "Bad Max-Forwards"},
    {"Max-Forwards: 70x\r\n", "Bad Max-Forwards"},
    {"Max-Forwards: 4294967366\r\n", "Bad Max-Forwards"},
    {"Max-Forwards: 70\r\nMax-Forwards: 70\r\n", "Repeated Max-Forwards"},
    {"Max-Breadth:\r\n", "Bad Max-Breadth"},
    {"Max-Breadth: -1\r\n", "Bad Max-Breadth"},
    {"Max-Breadth: 60;x\r\n", "Bad Max-Breadth"},
    {"Max-Breadth: 6 0\r\n", "Bad Max-Breadth"},
    {"max-breadth: 6\r\nMax-Breadth: 6\r\n", "Repeated Max-Breadth"},
    {"Content-Length: 1\r\n", "Content-Length Beyond Message"},
    {"Content-Length: 4294967295\r\n", "Content-Length Beyond Message"},
    {"Content-Length: 4294967296\r\n", "Bad Content-Length"},
    {"Content-Length: 18446744073709551616\r\n", "Bad Content-Length"},
    {"Content-Length: -1\r\n", "Bad Content-Length"},
    {"Content-Length: +0\r\n", "Bad Content-Length"},
    {"Content-Length: 0x0\r\n", "Bad Content-Length"},
    {"Content-Length: zero\r\n", "Bad Content-Length"},
    {"Content-Length:\r\n", "Bad Content-Length"},
    {"Content-Length: 0, 0\r\n", "Bad Content-Length"},
    {"Content-Length: 0\r\r\n", "Bad Content-Length"},
    {"Content-Length: 0\r\nl: 0\r\n", "Repeated Content-Length"},
    {"From: <sip:x>;tag=2\r\n", "Repeated From"},
    {"t: <sip:x>\r\n", "Repeated To"},
    {"i: abc@c.example.org\r\n", "Repeated Call-ID"},
    {"CSeq: 9 INVITE\r\n", "Repeated CSeq"},
    {"no colon here\r\n", "Bad Header Line"},
    {": no name\r\n", "Bad Header Line"},
    {"two words: x\r\n", "Bad Header Line"},
    {"N\xc3\xa4me: x\r\n", "Bad Header Line"},
    {"Name\r\n : x\r\n", "Bad Header Line"},
    {"\r: x\r\n", "Bad Header Line"},
};

START_TEST(bad_lines_are_refused_by_name)
{
    parts_t parts = {.rest = bad_lines[_i].rest};

    check_rejected(&parts, bad_lines[_i].reason);
    check_span(facts.from_tag, "ft");
    ck_assert_uint_eq(facts.cseq, 9);
}
END_TEST

START_TEST(numbers_may_have_leading_zeros)
{
    parts_t parts = {.cseq = "CSeq: 000000000000000000000000009 INVITE\r\n",
                     .rest = "Max-Forwards: 0255\r\nl: 000\r\n"};

    check_accepted(&parts);
    ck_assert_uint_eq(facts.cseq, 9);
    ck_assert_int_eq(facts.max_forwards, 255);
    ck_assert_int_eq(facts.content_length, 0);
}
END_TEST

START_TEST(max_breadth_is_a_number_of_any_size)
{
    static const struct {
        const char *line;
        uint32_t value;
    } good[] = {
        {"Max-Breadth: 0\r\n", 0},
        {"MAX-BREADTH : 0060 \r\n", 60},
        {"Max-Breadth: 4294967295\r\n", UINT32_MAX},
        {"Max-Breadth: 99999999999999999999999\r\n", UINT32_MAX},
    };
    uint32_t value = 7;

    for (size_t i = 0; i < COUNT(good); i++) {
        parts_t parts = {.rest = good[i].line};
        check_accepted(&parts);
        ck_assert(srf__facts_max_breadth(&facts, &value));
        ck_assert_uint_eq(value, good[i].value);
    }
    parts_t without = {.rest = ""};
    check_accepted(&without);
    ck_assert(!srf__facts_max_breadth(&facts, &value));
}
END_TEST

static const char *const bad_cseqs[] = {
    "CSeq: INVITE\r\n",
    "CSeq: 9\r\n",
    "CSeq:\r\n",
    "CSeq: 9INVITE\r\n",
    "CSeq: -9 INVITE\r\n",
    "CSeq: 9 INVITE x\r\n",
    "CSeq: 9 INV,TE\r\n",
    "CSeq: 2147483648 INVITE\r\n",
    "CSeq: 4294967305 INVITE\r\n",
    "CSeq: 18446744073709551625 INVITE\r\n",
    "CSeq: 9 INVITE;x\r\n",
};

START_TEST(bad_cseq_is_refused)
{
    parts_t parts = {.cseq = bad_cseqs[_i]};

    check_rejected(&parts, "Bad CSeq");
}
END_TEST

START_TEST(largest_cseq_number_is_accepted)
{
    parts_t parts = {.cseq = "CSeq: 2147483647\r\n INVITE\r\n"};

    check_accepted(&parts);
    ck_assert_uint_eq(facts.cseq, 2147483647);
}
END_TEST

START_TEST(cseq_of_another_method_is_refused)
{
    parts_t known = {.cseq = "CSeq: 9 BYE\r\n"};
    parts_t other_case = {.cseq = "CSeq: 9 Invite\r\n"};
    parts_t unknown = {.start = "JUGGLE sip:a@b SIP/2.0\r\n",
                       .cseq = "CSeq: 9 FUMBLE\r\n"};
    parts_t same_unknown = {.start = "JUGGLE sip:a@b SIP/2.0\r\n",
                            .cseq = "CSeq: 9 JUGGLE\r\n"};

    check_rejected(&known, "CSeq Method Mismatch");
    check_rejected(&other_case, "CSeq Method Mismatch");
    check_rejected(&unknown, "CSeq Method Mismatch");
    check_accepted(&same_unknown);
}
END_TEST

static const char *const bad_call_ids[] = {"Call-ID:\r\n",
                                           "Call-ID: a b\r\n",
                                           "Call-ID: a\r\n b\r\n",
                                           "Call-ID: a\r\r\n",
                                           "Call-ID: 12345678\t12345678\r\n",
                                           "Call-ID: 1234567\x01\r\n"};

START_TEST(bad_call_id_is_refused)
{
    parts_t parts = {.call_id = bad_call_ids[_i]};

    check_rejected(&parts, "Bad Call-ID");
}
END_TEST

START_TEST(call_id_may_have_any_visible_byte)
{
    parts_t parts = {.call_id = "i:()<>:\\\"/[]?{}~%;,\xc3\xa9@\xff!\r\n"};

    check_accepted(&parts);
    check_span(facts.call_id, "()<>:\\\"/[]?{}~%;,\xc3\xa9@\xff!");
}
END_TEST

START_TEST(missing_headers_are_named)
{
    parts_t no_from = {.from = ""};
    parts_t no_to = {.to = ""};
    parts_t no_call_id = {.call_id = ""};
    parts_t no_cseq = {.cseq = ""};

    check_rejected(&no_from, "Missing From");
    check_rejected(&no_to, "Missing To");
    check_rejected(&no_call_id, "Missing Call-ID");
    check_rejected(&no_cseq, "Missing CSeq");
}
END_TEST

START_TEST(second_via_is_found_on_the_line_and_below)
{
    parts_t on_line = {.via = "Via: SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b\r\n"
                              "Via: SIP/2.0/UDP c\r\n"};
    parts_t below = {.via = "Via: SIP/2.0/UDP a;branch=1\r\n",
                     .rest = "v: SIP/2.0/UDP x\r\nv: SIP/2.0/UDP y\r\n"};
    parts_t bad_below = {.rest = "Via: nonsense\r\n"};

    check_accepted(&on_line);
    ck_assert_mem_eq(text + facts.via2, "SIP/2.0/UDP b", 13);
    check_accepted(&below);
    ck_assert_mem_eq(text + facts.via2, "SIP/2.0/UDP x", 13);
    check_accepted(&bad_below);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scan_values");
    TCase *tcase = tcase_create("values");

    tcase_add_loop_test(tcase, tags_are_found_or_the_header_refused, 0,
                        COUNT(tags));
    tcase_add_loop_test(tcase, bad_lines_are_refused_by_name, 0,
                        COUNT(bad_lines));
    tcase_add_test(tcase, numbers_may_have_leading_zeros);
    tcase_add_test(tcase, max_breadth_is_a_number_of_any_size);
    tcase_add_loop_test(tcase, bad_cseq_is_refused, 0, COUNT(bad_cseqs));
    tcase_add_test(tcase, largest_cseq_number_is_accepted);
    tcase_add_test(tcase, cseq_of_another_method_is_refused);
    tcase_add_loop_test(tcase, bad_call_id_is_refused, 0, COUNT(bad_call_ids));
    tcase_add_test(tcase, call_id_may_have_any_visible_byte);
    tcase_add_test(tcase, missing_headers_are_named);
    tcase_add_test(tcase, second_via_is_found_on_the_line_and_below);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
