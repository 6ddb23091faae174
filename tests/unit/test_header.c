/*
 * Names of header fields and methods.
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/header.h"

#include "runner.h"

static srf__header_id_t find(const char *name)
{
    return srf__header_find(srf__str_of(name));
}

static srf__method_t method(const char *name)
{
    return srf__method_find(srf__str_of(name));
}

START_TEST(every_known_name_is_found_by_its_long_form)
{
    for (int i = 1; i < SRF__HDR_COUNT; i++) {
        srf__str_t name = srf__header_name((srf__header_id_t)i);

        ck_assert_uint_gt(name.len, 1);
        ck_assert_int_eq(srf__header_find(name), i);
    }
}
END_TEST

START_TEST(every_known_name_is_found_in_any_case)
{
    for (int i = 1; i < SRF__HDR_COUNT; i++) {
        srf__str_t name = srf__header_name((srf__header_id_t)i);
        char upper[32];
        char lower[32];

        for (size_t c = 0; c < name.len; c++) {
            unsigned char byte = (unsigned char)name.p[c];
            lower[c] = (char)srf__lower(byte);
            upper[c] = (char)(srf__is_alpha(byte) ? byte & ~0x20 : byte);
        }
        ck_assert_int_eq(srf__header_find(srf__str(upper, name.len)), i);
        ck_assert_int_eq(srf__header_find(srf__str(lower, name.len)), i);
    }
}
END_TEST

/* As they stand in the table. */
static const char compact_forms_of[SRF__HDR_COUNT] = {
#define COMPACT(id, name, compact) [SRF__HDR_##id] = (compact),
    SRF__HEADER_MAP(COMPACT)
#undef COMPACT
};

START_TEST(every_compact_form_is_found_in_both_cases)
{
    int compact_forms = 0;

    for (int i = 1; i < SRF__HDR_COUNT; i++) {
        char letter = compact_forms_of[i];
        char capital = (char)(letter & ~0x20);

        if (letter == 0)
            continue;
        compact_forms++;
        ck_assert_int_eq(srf__header_find(srf__str(&letter, 1)), i);
        ck_assert_int_eq(srf__header_find(srf__str(&capital, 1)), i);
    }
    ck_assert_int_eq(compact_forms, 8);
}
END_TEST

START_TEST(no_other_single_byte_is_a_compact_form)
{
    const char *compact = "cfiklmtvCFIKLMTV";

    for (int c = 0; c < 256; c++) {
        char byte = (char)c;
        bool known = c != 0 && strchr(compact, c) != NULL;

        ck_assert_int_eq(srf__header_find(srf__str(&byte, 1)) != SRF__HDR_OTHER,
                         known);
    }
}
END_TEST

START_TEST(names_that_differ_in_one_byte_are_not_found)
{
    for (int i = 1; i < SRF__HDR_COUNT; i++) {
        srf__str_t name = srf__header_name((srf__header_id_t)i);

        for (size_t c = 0; c < name.len; c++) {
            char wrong[32];
            memcpy(wrong, name.p, name.len);
            wrong[c] = '9';
            ck_assert_int_eq(srf__header_find(srf__str(wrong, name.len)),
                             SRF__HDR_OTHER);
        }
    }
}
END_TEST

START_TEST(a_byte_that_is_a_letter_but_for_bit_5_is_not_that_letter)
{
    ck_assert_int_eq(find("Call\rID"), SRF__HDR_OTHER);
    ck_assert_int_eq(find("max\x0d"
                          "forwards"),
                     SRF__HDR_OTHER);
}
END_TEST

START_TEST(prefixes_and_longer_names_are_not_found)
{
    ck_assert_int_eq(find(""), SRF__HDR_OTHER);
    ck_assert_int_eq(find("Vi"), SRF__HDR_OTHER);
    ck_assert_int_eq(find("Vias"), SRF__HDR_OTHER);
    ck_assert_int_eq(find("Content"), SRF__HDR_OTHER);
    ck_assert_int_eq(find("Content-Lengt"), SRF__HDR_OTHER);
    ck_assert_int_eq(find("Content-Lengthy"), SRF__HDR_OTHER);
    ck_assert_int_eq(find("Proxy-Authentication-Info"), SRF__HDR_OTHER);
    ck_assert_int_eq(find("Subject"), SRF__HDR_OTHER);
    ck_assert_int_eq(find("Callxxx"), SRF__HDR_OTHER);
}
END_TEST

START_TEST(names_of_equal_length_and_letter_are_told_apart)
{
    ck_assert_int_eq(find("Call-ID"), SRF__HDR_CALL_ID);
    ck_assert_int_eq(find("Contact"), SRF__HDR_CONTACT);
    ck_assert_int_eq(find("Cantact"), SRF__HDR_OTHER);
    ck_assert_int_eq(find("Coll-ID"), SRF__HDR_OTHER);
}
END_TEST

/* What is guessed of a line, which is `line` without its end. */
static srf__header_id_t guess(const char *line, uint16_t *name_len)
{
    char bytes[64] = {0};
    size_t len = strlen(line);

    memcpy(bytes, line, len);
    bytes[len] = '\n';
    *name_len = 99;
    return srf__header_guess(bytes, bytes + len, name_len);
}

START_TEST(every_list_of_names_by_their_first_bytes_ends)
{
    for (int i = 0; i < SRF__HEADER_PAIRS; i++) {
        ck_assert_int_eq(srf__header_by_pair[i][SRF__SAME_PAIR_MAX - 1],
                         SRF__HDR_OTHER);
    }
}
END_TEST

START_TEST(every_line_with_the_usual_spelling_is_guessed)
{
    for (int i = 1; i < SRF__HDR_COUNT; i++) {
        srf__str_t name = srf__header_name((srf__header_id_t)i);
        char line[64] = {0};
        uint16_t name_len;

        memcpy(line, name.p, name.len);
        line[name.len] = ':';
        ck_assert_int_eq(guess(line, &name_len), i);
        ck_assert_uint_eq(name_len, name.len);
    }
}
END_TEST

START_TEST(no_other_line_is_guessed)
{
    static const char *const lines[] = {
        "",        "V",        "Vi",      "Via",       "Via :x",        "via:x",
        "Vix:x",   "Vias:x",   "v:x",     "Contacts:", "Contact-Type:", "To",
        "Content", "Call-Id:", "From\t:", "Subject:x"};

    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        uint16_t name_len;
        ck_assert_msg(guess(lines[i], &name_len) == SRF__HDR_OTHER,
                      "guessed: %s", lines[i]);
    }
}
END_TEST

START_TEST(unknown_header_has_no_name)
{
    ck_assert_uint_eq(srf__header_name(SRF__HDR_OTHER).len, 0);
}
END_TEST

START_TEST(every_method_is_found_by_its_name)
{
    for (int i = 1; i < SRF__METHOD_COUNT; i++) {
        srf__str_t name = srf__method_name((srf__method_t)i);

        ck_assert_uint_ge(name.len, 3);
        ck_assert_int_eq(srf__method_find(name), i);
    }
    ck_assert_int_eq(method("INVITE"), SRF__METHOD_INVITE);
    ck_assert_int_eq(method("UPDATE"), SRF__METHOD_UPDATE);
}
END_TEST

START_TEST(methods_are_told_apart_by_case)
{
    ck_assert_int_eq(method("invite"), SRF__METHOD_OTHER);
    ck_assert_int_eq(method("Ack"), SRF__METHOD_OTHER);
}
END_TEST

START_TEST(unknown_methods_are_other)
{
    ck_assert_int_eq(method(""), SRF__METHOD_OTHER);
    ck_assert_int_eq(method("INVITED"), SRF__METHOD_OTHER);
    ck_assert_int_eq(method("INVIT"), SRF__METHOD_OTHER);
    ck_assert_int_eq(method("JUGGLE"), SRF__METHOD_OTHER);
    ck_assert_uint_eq(srf__method_name(SRF__METHOD_OTHER).len, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("header");
    TCase *names = tcase_create("names");
    TCase *methods = tcase_create("methods");

    tcase_add_test(names, every_known_name_is_found_by_its_long_form);
    tcase_add_test(names, every_known_name_is_found_in_any_case);
    tcase_add_test(names, every_compact_form_is_found_in_both_cases);
    tcase_add_test(names, no_other_single_byte_is_a_compact_form);
    tcase_add_test(names, names_that_differ_in_one_byte_are_not_found);
    tcase_add_test(names,
                   a_byte_that_is_a_letter_but_for_bit_5_is_not_that_letter);
    tcase_add_test(names, prefixes_and_longer_names_are_not_found);
    tcase_add_test(names, names_of_equal_length_and_letter_are_told_apart);
    tcase_add_test(names, every_line_with_the_usual_spelling_is_guessed);
    tcase_add_test(names, every_list_of_names_by_their_first_bytes_ends);
    tcase_add_test(names, no_other_line_is_guessed);
    tcase_add_test(names, unknown_header_has_no_name);
    tcase_add_test(methods, every_method_is_found_by_its_name);
    tcase_add_test(methods, methods_are_told_apart_by_case);
    tcase_add_test(methods, unknown_methods_are_other);
    suite_add_tcase(suite, names);
    suite_add_tcase(suite, methods);
    return run_suite(suite);
}
