/*
 * The scanner's verdicts on the messages of tests/torture, which are modelled
 * on the cases of RFC 4475; index.txt there says what each must be.
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/scan.h"

#include "runner.h"

#include <stdio.h>

enum { MESSAGE_MAX = 65536, HEADERS_MAX = 256, LINE_MAX_BYTES = 512 };

static char message[MESSAGE_MAX];
static size_t message_len;
static srf__header_t headers[HEADERS_MAX];
static srf__facts_t facts;

static FILE *open_data(const char *name)
{
    const char *root = getenv("SRF_TEST_DATA");
    char path[1024];

    snprintf(path, sizeof(path), "%s/torture/%s", root == NULL ? "tests" : root,
             name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    return file;
}

static srf__scan_result_t scan_bytes(const char *data, size_t len)
{
    static const srf__scan_limits_t limits = {HEADERS_MAX, 16384};

    memset(&facts, 0xee, sizeof(facts));
    facts.headers = headers;
    facts.header_cap = HEADERS_MAX;
    return srf__scan(data, len, &limits, &facts);
}

static srf__scan_result_t scan_case(const char *name)
{
    char file_name[128];

    snprintf(file_name, sizeof(file_name), "%s.sip", name);
    FILE *file = open_data(file_name);
    message_len = fread(message, 1, sizeof(message), file);
    fclose(file);
    ck_assert_uint_gt(message_len, 0);
    ck_assert_uint_lt(message_len, sizeof(message));
    return scan_bytes(message, message_len);
}

static void check_text(srf__span_t span, const char *expected)
{
    ck_assert_uint_eq(span.len, strlen(expected));
    ck_assert_mem_eq(facts.data + span.off, expected, span.len);
}

/* "ok", "drop", or the status it is refused with. */
static void check_verdict(const char *name, const char *expected)
{
    srf__scan_result_t result = scan_case(name);
    char given[16] = "?";

    if (result == SRF__SCAN_OK)
        snprintf(given, sizeof(given), "ok");
    else if (result == SRF__SCAN_DROP)
        snprintf(given, sizeof(given), "drop");
    else if (result == SRF__SCAN_REJECT)
        snprintf(given, sizeof(given), "%u", facts.reject_status);
    ck_assert_msg(strcmp(given, expected) == 0, "%s: %s instead of %s (%s)",
                  name, given, expected,
                  facts.reject_reason == NULL ? "" : facts.reject_reason);
    if (result == SRF__SCAN_REJECT)
        ck_assert_ptr_nonnull(facts.reject_reason);
}

/* Cuts the text before " | " (or the line's end) off *rest. */
static char *cut_field(char **rest)
{
    char *field = *rest;
    char *bar = strstr(field, " | ");

    ck_assert_msg(bar != NULL, "too few fields at %s", field);
    *bar = '\0';
    *rest = bar + 3;
    return field;
}

START_TEST(every_case_gets_the_verdict_of_the_index)
{
    FILE *file = open_data("index.txt");
    char line[LINE_MAX_BYTES];
    int cases = 0;

    while (fgets(line, sizeof(line), file) != NULL) {
        char *rest = line;
        if (line[0] == '#' || line[0] == '\n')
            continue;
        const char *name = cut_field(&rest);
        cut_field(&rest);
        check_verdict(name, cut_field(&rest));
        cut_field(&rest);
        cases++;
    }
    fclose(file);
    /* RFC 4475 has 49; some have a sister here. */
    ck_assert_int_ge(cases, 49);
}
END_TEST

START_TEST(folded_and_spaced_invite_gives_its_facts)
{
    ck_assert_int_eq(scan_case("wsinv"), SRF__SCAN_OK);

    check_text(facts.method_name, "INVITE");
    check_text(facts.uri, "sip:lena@studio.example.net;colour=teal");
    check_text(facts.to_tag, "7781-callee");
    check_text(facts.from_tag, "6f-caller");
    check_text(facts.call_id, "fold.55@field.example.org");
    check_text(facts.cseq_method_name, "INVITE");
    ck_assert_uint_eq(facts.cseq, 17);
    ck_assert_int_eq(facts.max_forwards, 41);
    check_text(facts.via.host, "203.0.113.9");
    check_text(facts.via.branch, "8pre3261branch");
    ck_assert_mem_eq(facts.data + facts.via2, "SIP  / 2.0  / TCP", 17);
    ck_assert_int_eq(facts.content_length, facts.len - facts.head_len);
}
END_TEST

START_TEST(wide_range_of_characters_is_kept)
{
    ck_assert_int_eq(scan_case("intmeth"), SRF__SCAN_OK);

    check_text(facts.method_name, "-wild.Method_42!%*+`'~x");
    ck_assert_int_eq(facts.method, SRF__METHOD_OTHER);
    check_text(facts.from_tag, "-.!%*_+`'~9");
    ck_assert_uint_eq(facts.to_tag.len, 0);
    check_text(facts.via.branch, "z9hG4bK-.!%*_+`'~");
    ck_assert_int_eq(facts.max_forwards, 255);
}
END_TEST

START_TEST(what_follows_content_length_is_left_out)
{
    ck_assert_int_eq(scan_case("dblreq"), SRF__SCAN_OK);

    ck_assert_uint_eq(facts.len, facts.head_len);
    ck_assert_uint_lt(facts.len, message_len);
    check_text(facts.from_tag, "dbl1");
}
END_TEST

START_TEST(tags_inside_brackets_are_not_the_tag)
{
    ck_assert_int_eq(scan_case("semiuri"), SRF__SCAN_OK);

    check_text(facts.from_tag, "semi");
    ck_assert_uint_eq(facts.to_tag.len, 0);
}
END_TEST

START_TEST(caller_of_rfc_2543_has_no_branch_and_no_tag)
{
    ck_assert_int_eq(scan_case("inv2543"), SRF__SCAN_OK);

    ck_assert_uint_eq(facts.via.branch.len, 0);
    ck_assert_uint_eq(facts.from_tag.len, 0);
    ck_assert_int_eq(facts.max_forwards, -1);
    ck_assert_int_eq(facts.content_length, -1);
    ck_assert_uint_eq(facts.len, message_len);
}
END_TEST

/* Cut anywhere, a message is refused or whole but for its body, and nothing
 * beyond the cut is read: the copy ends where the heap block does. */
START_TEST(no_message_can_be_cut_into_a_crash)
{
    static const char *const names[] = {"wsinv", "intmeth", "unreason",
                                        "multi01"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        scan_case(names[i]);
        for (size_t len = 1; len < message_len; len++) {
            char *cut = malloc(len);
            ck_assert_ptr_nonnull(cut);
            memcpy(cut, message, len);
            scan_bytes(cut, len);
            ck_assert_uint_le(facts.len, len);
            ck_assert_uint_le(facts.head_len, facts.len);
            free(cut);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("torture_scan");
    TCase *tcase = tcase_create("messages");

    tcase_add_test(tcase, every_case_gets_the_verdict_of_the_index);
    tcase_add_test(tcase, folded_and_spaced_invite_gives_its_facts);
    tcase_add_test(tcase, wide_range_of_characters_is_kept);
    tcase_add_test(tcase, what_follows_content_length_is_left_out);
    tcase_add_test(tcase, tags_inside_brackets_are_not_the_tag);
    tcase_add_test(tcase, caller_of_rfc_2543_has_no_branch_and_no_tag);
    tcase_add_test(tcase, no_message_can_be_cut_into_a_crash);
    tcase_set_timeout(tcase, 120);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
