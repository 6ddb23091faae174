/*
 * Ways through the lines of a scanned message, and through lists in values.
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/lines.h"
#include "message/scan.h"

#include "runner.h"
#include "scan_parts.h"

START_TEST(next_goes_through_the_lines_of_one_name)
{
    parts_t parts = {.rest = "Route: <sip:a>\r\nX: 1\r\nroute: <sip:b>\r\n"
                             "ROUTE: <sip:c>\r\nY: 2\r\n"};

    check_accepted(&parts);
    const srf__header_t *route = srf__facts_first(&facts, SRF__HDR_ROUTE);
    ck_assert_ptr_eq(route, &headers[5]);
    route = srf__facts_next(&facts, route);
    ck_assert_ptr_eq(route, &headers[7]);
    route = srf__facts_next(&facts, route);
    ck_assert_ptr_eq(route, &headers[8]);
    ck_assert_ptr_null(srf__facts_next(&facts, route));
    ck_assert_ptr_null(srf__facts_first(&facts, SRF__HDR_PATH));
}
END_TEST

static const srf__header_t *find(const char *name, unsigned from)
{
    return srf__facts_find(&facts, srf__str_of(name), from);
}

START_TEST(find_knows_any_case_and_compact_forms)
{
    parts_t parts = {.rest = "s: a\r\nX-Own: b\r\nSubject: c\r\nr: d\r\n"
                             "x: e\r\nc: f\r\nz: g\r\n"};

    check_accepted(&parts);
    ck_assert_ptr_eq(find("subject", 0), &headers[5]);
    ck_assert_ptr_eq(find("S", 6), &headers[7]);
    ck_assert_ptr_null(find("Subject", 8));
    ck_assert_ptr_eq(find("x-OWN", 0), &headers[6]);
    ck_assert_ptr_eq(find("Refer-To", 0), &headers[8]);
    ck_assert_ptr_eq(find("session-expires", 0), &headers[9]);
    ck_assert_ptr_eq(find("Content-Type", 0), &headers[10]);
    ck_assert_ptr_eq(find("Z", 0), &headers[11]);
    ck_assert_ptr_eq(find("V", 0), &headers[0]);
    ck_assert_ptr_null(find("X-Other", 0));
    ck_assert_ptr_null(find("", 0));
}
END_TEST

/* Elements joined by "|". */
static const char *split(const char *list)
{
    static char joined[256];
    srf__str_t rest = srf__str_of(list);
    srf__str_t element;
    size_t len = 0;

    while (srf__list_next(&rest, &element)) {
        memcpy(joined + len, element.p, element.len);
        len += element.len;
        joined[len++] = '|';
    }
    joined[len] = '\0';
    return joined;
}

START_TEST(lists_are_split_at_their_commas)
{
    ck_assert_str_eq(split(""), "");
    ck_assert_str_eq(split("a"), "a|");
    ck_assert_str_eq(split(" a ,\r\n b\t"), "a|b|");
    ck_assert_str_eq(split("a,,b,"), "a||b|");
    ck_assert_str_eq(split(" "), "|");
}
END_TEST

START_TEST(commas_in_quotes_and_brackets_split_nothing)
{
    ck_assert_str_eq(split("<sip:a,b@c>;x=\"1,2\", <sip:d>"),
                     "<sip:a,b@c>;x=\"1,2\"|<sip:d>|");
    ck_assert_str_eq(split("\"a\\\",b\" <sip:c>,d"), "\"a\\\",b\" <sip:c>|d|");
    ck_assert_str_eq(split("\"<\" <sip:c>,d"), "\"<\" <sip:c>|d|");
    ck_assert_str_eq(split("<sip:\">,\"b\",c"), "<sip:\">|\"b\"|c|");
}
END_TEST

START_TEST(what_is_not_closed_goes_to_the_end_of_the_list)
{
    ck_assert_str_eq(split("a,\"b,c"), "a|\"b,c|");
    ck_assert_str_eq(split("a,<b,c"), "a|<b,c|");
    ck_assert_str_eq(split("a,\"b\\"), "a|\"b\\|");
}
END_TEST

/* Whatever the length, whatever the place. */
START_TEST(a_byte_that_does_not_belong_is_found_in_lines_of_any_length)
{
    static const struct {
        const char *bytes;
        unsigned flaws;
    } cases[] = {
        {"a", 0},
        {"\t", 0},
        {"\x7f", 0},
        {"\xff", 0},
        {"\r\n", 0},
        {"", SRF__FLAW_NUL},
        {"\r", SRF__FLAW_CR},
        {"\n", SRF__FLAW_LF},
        {"\n\r", SRF__FLAW_LF | SRF__FLAW_CR},
        {"\r\r\n", SRF__FLAW_CR},
        {"\r\n\n", SRF__FLAW_LF},
    };
    char bytes[200];

    for (size_t len = 1; len <= sizeof(bytes); len++) {
        memset(bytes, 'a', sizeof(bytes));
        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
            size_t n = strlen(cases[i].bytes);
            n += n == 0; /* the NUL */
            for (size_t at = 0; at + n <= len; at++) {
                memcpy(bytes + at, cases[i].bytes, n);
                ck_assert_uint_eq(srf__find_flaws(bytes, bytes + len),
                                  cases[i].flaws);
                memset(bytes + at, 'a', n);
            }
        }
    }
}
END_TEST

START_TEST(lines_of_any_length_end_at_their_lf)
{
    char bytes[300];

    for (size_t first = 0; first < 140; first++) {
        for (size_t second = 0; second < 140; second++) {
            size_t len = first + second + 4;
            unsigned flaws = 0;
            memset(bytes, 'a', sizeof(bytes));
            memcpy(bytes + first, "\r\n", 2);
            memcpy(bytes + first + 2 + second, "\r\n", 2);
            const char *lf = srf__line_end(bytes, bytes + len, &flaws);
            ck_assert_ptr_eq(lf, bytes + first + 1);
            lf = srf__line_end(lf + 1, bytes + len, &flaws);
            ck_assert_ptr_eq(lf, bytes + len - 1);
            ck_assert_ptr_null(srf__line_end(lf + 1, bytes + len, &flaws));
            ck_assert_uint_eq(flaws, 0);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lines");
    TCase *tcase = tcase_create("lines");

    tcase_add_test(tcase, next_goes_through_the_lines_of_one_name);
    tcase_add_test(tcase, find_knows_any_case_and_compact_forms);
    tcase_add_test(tcase, lists_are_split_at_their_commas);
    tcase_add_test(tcase, commas_in_quotes_and_brackets_split_nothing);
    tcase_add_test(tcase, what_is_not_closed_goes_to_the_end_of_the_list);
    tcase_add_test(tcase,
                   a_byte_that_does_not_belong_is_found_in_lines_of_any_length);
    tcase_add_test(tcase, lines_of_any_length_end_at_their_lf);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
