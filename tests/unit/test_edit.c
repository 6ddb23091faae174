/*
 * Edits: order, lines, list elements; what is not edited keeps its bytes.
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/edit.h"

#include "runner.h"
#include "scan_parts.h"

static srf__edits_t edits;

static void setup(void)
{
    srf__edits_init(&edits);
}

static void check_result(srf__str_t result, const char *expected)
{
    ck_assert_msg(srf__str_eq(result, srf__str_of(expected)),
                  "got:\n%.*s\nexpected:\n%s", (int)result.len, result.p,
                  expected);
}

/* Applies the edits to a text of exact size on the heap. */
static void check_text(const char *data, const char *expected)
{
    size_t len = strlen(data);
    size_t size = srf__edits_size(&edits, len);
    char *out = malloc(size + 1);

    ck_assert_ptr_nonnull(out);
    srf__edits_gather(&edits, data, len, out);
    check_result(srf__str(out, size), expected);
    free(out);
}

/* Applies the edits to the message of the facts. */
static void check_message(const char *expected)
{
    ck_assert_int_eq(edits.err, 0);
    srf_msg_t *msg = srf__edits_apply(NULL, &edits, &facts);
    ck_assert_ptr_nonnull(msg);
    check_result(srf__str(msg->data, msg->len), expected);
    srf__msg_unref(msg);
}

static void scan_ok(const char *message)
{
    ck_assert_int_eq(scan(message), SRF__SCAN_OK);
}

/* ---- the list ---- */

START_TEST(no_edit_changes_nothing)
{
    check_text("abc", "abc");
    check_text("", "");
}
END_TEST

START_TEST(edits_are_applied_at_their_offsets)
{
    srf__edits_add(&edits, 0, 1, SRF__STR("X"));
    srf__edits_add(&edits, 2, 0, SRF__STR("--"));
    srf__edits_add(&edits, 4, 2, srf__str(NULL, 0));
    srf__edits_add(&edits, 8, 0, SRF__STR("end"));

    check_text("abcdefgh", "Xb--cdghend");
}
END_TEST

START_TEST(edits_may_be_added_in_any_order)
{
    srf__edits_add(&edits, 8, 0, SRF__STR("end"));
    srf__edits_add(&edits, 4, 2, srf__str(NULL, 0));
    srf__edits_add(&edits, 0, 1, SRF__STR("X"));
    srf__edits_add(&edits, 2, 0, SRF__STR("--"));

    check_text("abcdefgh", "Xb--cdghend");
}
END_TEST

START_TEST(insertions_at_one_offset_keep_their_order)
{
    srf__edits_add(&edits, 2, 0, SRF__STR("1"));
    srf__edits_add(&edits, 2, 0, SRF__STR("2"));
    srf__edits_add(&edits, 0, 0, SRF__STR("0"));
    srf__edits_add(&edits, 2, 0, SRF__STR("3"));

    check_text("abcd", "0ab123cd");
}
END_TEST

START_TEST(insertion_may_stand_before_what_is_removed)
{
    srf__edits_add(&edits, 1, 0, SRF__STR("<"));
    srf__edits_add(&edits, 1, 2, SRF__STR("-"));

    check_text("abcd", "a<-d");
}
END_TEST

START_TEST(insertion_may_stand_behind_what_was_removed_there)
{
    srf__edits_add(&edits, 1, 2, SRF__STR("-"));
    srf__edits_add(&edits, 1, 0, SRF__STR(">"));
    srf__edits_add(&edits, 3, 0, SRF__STR("+"));

    check_text("abcd", "a->+d");
}
END_TEST

START_TEST(everything_can_be_replaced)
{
    srf__edits_add(&edits, 0, 4, SRF__STR("new text"));

    check_text("abcd", "new text");
}
END_TEST

START_TEST(one_edit_too_many_is_an_error)
{
    for (unsigned i = 0; i < SRF__EDITS_MAX; i++)
        srf__edits_add(&edits, 0, 0, SRF__STR("x"));
    ck_assert_int_eq(edits.err, 0);

    srf__edits_add(&edits, 0, 0, SRF__STR("x"));

    ck_assert_int_eq(edits.err, SRF_ERR_LIMIT);
    ck_assert_uint_eq(edits.count, SRF__EDITS_MAX);
}
END_TEST

/* ---- lines ---- */

#define START "OPTIONS sip:h SIP/2.0\r\n"
#define VIA   "Via: SIP/2.0/UDP a;branch=z9hG4bK1\r\n"
#define REST \
 "From: <sip:f@e>;tag=1\r\nTo: <sip:t@e>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n"

START_TEST(line_is_inserted_before_a_header)
{
    scan_ok(START VIA REST "\r\nbody");

    srf__edit_insert_line(&edits, &facts,
                          srf__facts_first(&facts, SRF__HDR_VIA),
                          SRF__STR("Via: new\r\n"));

    check_message(START "Via: new\r\n" VIA REST "\r\nbody");
}
END_TEST

START_TEST(line_is_inserted_at_the_end_of_the_head)
{
    scan_ok(START VIA REST "\r\nbody\r\n\r\n");

    srf__edit_insert_line(&edits, &facts, NULL, SRF__STR("A: 1\r\n"));
    srf__edit_insert_line(&edits, &facts, NULL, SRF__STR("B: 2\r\n"));

    check_message(START VIA REST "A: 1\r\nB: 2\r\n\r\nbody\r\n\r\n");
}
END_TEST

START_TEST(line_is_inserted_at_the_end_of_a_head_with_lone_line_feeds)
{
    scan_ok("OPTIONS sip:h SIP/2.0\nVia: SIP/2.0/UDP a\nFrom: <sip:f@e>\n"
            "To: <sip:t@e>\nCall-ID: c\nCSeq: 1 OPTIONS\n\nbody");

    srf__edit_insert_line(&edits, &facts, NULL, SRF__STR("A: 1\r\n"));

    check_message("OPTIONS sip:h SIP/2.0\nVia: SIP/2.0/UDP a\nFrom: <sip:f@e>\n"
                  "To: <sip:t@e>\nCall-ID: c\nCSeq: 1 OPTIONS\nA: 1\r\n\nbody");
}
END_TEST

START_TEST(line_is_inserted_when_only_the_empty_line_is_a_line_feed)
{
    scan_ok(START VIA REST "\nbody");

    srf__edit_insert_line(&edits, &facts, NULL, SRF__STR("A: 1\r\n"));

    check_message(START VIA REST "A: 1\r\n\nbody");
}
END_TEST

START_TEST(line_is_removed_with_its_folds)
{
    scan_ok(START VIA "Subject: a\r\n b\r\n\tc \r\n" REST "\r\n");

    srf__edit_remove_line(&edits,
                          srf__facts_find(&facts, SRF__STR("Subject"), 0));

    check_message(START VIA REST "\r\n");
}
END_TEST

START_TEST(value_is_replaced_and_white_space_around_it_stays)
{
    scan_ok(START VIA "Max-Forwards:\t 070 \t\r\n" REST "\r\n");

    srf__edit_replace_value(&edits,
                            srf__facts_first(&facts, SRF__HDR_MAX_FORWARDS),
                            SRF__STR("69"));

    check_message(START VIA "Max-Forwards:\t 69 \t\r\n" REST "\r\n");
}
END_TEST

START_TEST(bytes_behind_the_content_length_are_left_out)
{
    scan_ok(START VIA REST "Content-Length: 2\r\n\r\nabcd");

    check_message(START VIA REST "Content-Length: 2\r\n\r\nab");
}
END_TEST

/* ---- the topmost Via ---- */

typedef struct cut {
    const char *before;
    const char *after;
} cut_t;

static const cut_t via_cuts[] = {
    {"Via: SIP/2.0/UDP b;branch=z9hG4bK1, SIP/2.0/UDP a\r\n",
     "Via: SIP/2.0/UDP a\r\n"},
    {"v: SIP/2.0/UDP b ;branch=z9hG4bK1 ,\r\n\tSIP/2.0/UDP a\r\n",
     "v: SIP/2.0/UDP a\r\n"},
    {"Via: SIP/2.0/UDP b\r\nv: SIP/2.0/UDP a\r\n", "v: SIP/2.0/UDP a\r\n"},
};

START_TEST(topmost_via_is_cut)
{
    const cut_t *c = &via_cuts[_i];
    char message[1024];
    char expected[1024];

    snprintf(message, sizeof(message), "SIP/2.0 200 OK\r\n%s" REST "\r\n",
             c->before);
    snprintf(expected, sizeof(expected), "SIP/2.0 200 OK\r\n%s" REST "\r\n",
             c->after);
    scan_ok(message);

    srf__span_t cut = srf__cut_top_via(&facts);
    srf__edits_add(&edits, cut.off, cut.len, srf__str(NULL, 0));

    check_message(expected);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("edit");
    TCase *list = tcase_create("list");
    TCase *lines = tcase_create("lines");

    tcase_add_checked_fixture(list, setup, NULL);
    tcase_add_test(list, no_edit_changes_nothing);
    tcase_add_test(list, edits_are_applied_at_their_offsets);
    tcase_add_test(list, edits_may_be_added_in_any_order);
    tcase_add_test(list, insertions_at_one_offset_keep_their_order);
    tcase_add_test(list, insertion_may_stand_before_what_is_removed);
    tcase_add_test(list, insertion_may_stand_behind_what_was_removed_there);
    tcase_add_test(list, everything_can_be_replaced);
    tcase_add_test(list, one_edit_too_many_is_an_error);
    tcase_add_checked_fixture(lines, setup, NULL);
    tcase_add_test(lines, line_is_inserted_before_a_header);
    tcase_add_test(lines, line_is_inserted_at_the_end_of_the_head);
    tcase_add_test(lines,
                   line_is_inserted_at_the_end_of_a_head_with_lone_line_feeds);
    tcase_add_test(lines,
                   line_is_inserted_when_only_the_empty_line_is_a_line_feed);
    tcase_add_test(lines, line_is_removed_with_its_folds);
    tcase_add_test(lines, value_is_replaced_and_white_space_around_it_stays);
    tcase_add_test(lines, bytes_behind_the_content_length_are_left_out);
    tcase_add_loop_test(lines, topmost_via_is_cut, 0, COUNT(via_cuts));
    suite_add_tcase(suite, list);
    suite_add_tcase(suite, lines);
    return run_suite(suite);
}
