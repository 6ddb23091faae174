/*
 * UTF-8, and text from outside made printable.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/utf8.h"

#include "runner.h"
#include "srf/srf.h"

#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

static char shown[256];

static const char *show(const char *text, size_t len)
{
    size_t need = srf_printable(shown, sizeof(shown), text, len);

    ck_assert_uint_eq(need, strlen(shown));
    ck_assert_uint_le(need, 4 * len);
    return shown;
}

static void check_shown(const char *text, const char *wanted)
{
    ck_assert_str_eq(show(text, strlen(text)), wanted);
}

START_TEST(text_stays_as_it_is)
{
    static const char *const texts[] = {
        "",
        "sip:bob@example.com;x=\"a b\\c\"~",
        "\xc3\xa4\xc3\xb6\xc2\xa0\xc3\xbf",
        "\xe2\x82\xac\xe2\x80\x99 \xd7\xa9\xd7\x9c \xef\xbf\xbd",
        "\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf",
    };

    for (int i = 0; i < COUNT(texts); i++)
        check_shown(texts[i], texts[i]);
}
END_TEST

START_TEST(controls_are_shown_by_their_codes)
{
    check_shown("1\ncaller=\x1b[2J\x7f\t", "1\\x0acaller=\\x1b[2J\\x7f\\x09");
    check_shown("\xc2\x80\xc2\x9b\xc2\x9f", "\\u{80}\\u{9b}\\u{9f}");
    check_shown("\xe2\x80\xa8\xe2\x80\xa9", "\\u{2028}\\u{2029}");
    ck_assert_str_eq(show("a\0b", 3), "a\\x00b");
}
END_TEST

START_TEST(nothing_turns_the_direction_of_writing)
{
    check_shown("\xe2\x80\xaa\xe2\x80\xae", "\\u{202a}\\u{202e}");
    check_shown("\xe2\x81\xa6\xe2\x81\xa9", "\\u{2066}\\u{2069}");
    check_shown("\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c",
                "\\u{200e}\\u{200f}\\u{61c}");
    /* Those beside them do not. */
    check_shown("\xe2\x80\x8d\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa",
                "\xe2\x80\x8d\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa");
}
END_TEST

START_TEST(bytes_of_no_character_are_shown_one_by_one)
{
    check_shown("\xff\x80z", "\\xff\\x80z");
    check_shown("\xc0\x8a", "\\xc0\\x8a");                   /* overlong LF */
    check_shown("\xe0\x80\x8a", "\\xe0\\x80\\x8a");          /* again */
    check_shown("\xed\xa0\x80", "\\xed\\xa0\\x80");          /* a surrogate */
    check_shown("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* too high */
    check_shown("\xe2\x82", "\\xe2\\x82");                   /* cut off */
    check_shown("\xe2\x82\n\xc3", "\\xe2\\x82\\x0a\\xc3");
    check_shown("\x9b"
                "31m",
                "\\x9b31m"); /* C1 as a byte */
}
END_TEST

START_TEST(each_byte_alone_gives_plain_ascii)
{
    for (unsigned i = 0; i < 256; i++) {
        char c = (char)i;
        const char *text = show(&c, 1);

        ck_assert_uint_eq(strlen(text), i >= 0x20 && i < 0x7f ? 1 : 4);
        for (; *text != '\0'; text++)
            ck_assert(srf__utf8_is_plain(*text));
    }
}
END_TEST

START_TEST(doing_it_again_changes_nothing)
{
    char all[256];
    char once[1100];
    char again[1100];

    for (unsigned i = 0; i < 256; i++)
        all[i] = (char)i;
    size_t len = srf_printable(once, sizeof(once), all, sizeof(all));
    ck_assert_uint_lt(len, sizeof(once));
    ck_assert_uint_eq(srf_printable(again, sizeof(again), once, len), len);
    ck_assert_str_eq(again, once);
}
END_TEST

/* Whatever the size, what is there is whole, ended, and within it; nothing
 * comes behind what was left out. */
START_TEST(a_small_buffer_splits_nothing)
{
    static const char text[] = "a\n\xe2\x82\xac\xc2\x85\xe2\x80\xae"
                               "b\xff";
    static const char *const pieces[] = {
        "a", "\\x0a", "\xe2\x82\xac", "\\u{85}", "\\u{202e}", "b", "\\xff"};
    const size_t whole = 27;

    ck_assert_uint_eq(srf_printable(NULL, 0, text, strlen(text)), whole);
    for (size_t size = 1; size <= whole + 2; size++) {
        char out[64];
        char wanted[64] = "";

        memset(out, '#', sizeof(out));
        ck_assert_uint_eq(srf_printable(out, size, text, strlen(text)), whole);
        for (int i = 0; i < COUNT(pieces); i++) {
            if (strlen(wanted) + strlen(pieces[i]) >= size)
                break;
            memcpy(wanted + strlen(wanted), pieces[i], strlen(pieces[i]) + 1);
        }
        ck_assert_str_eq(out, wanted);
        for (size_t i = size; i < sizeof(out); i++)
            ck_assert_int_eq(out[i], '#');
    }
}
END_TEST

START_TEST(nothing_may_be_null)
{
    char out[4] = "###";

    ck_assert_uint_eq(srf_printable(NULL, 0, NULL, 0), 0);
    ck_assert_uint_eq(srf_printable(out, sizeof(out), NULL, 0), 0);
    ck_assert_str_eq(out, "");
}
END_TEST

static size_t encode(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    unsigned more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    for (unsigned i = more; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (char)((0xff00u >> (more + 1) & 0xff) | code);
    return more + 1;
}

/* The length of one with that code; 0 when it reads as something else. */
static size_t read_as(const char *text, size_t len, uint32_t code)
{
    uint32_t back;
    size_t n = srf__utf8_read(srf__str(text, len), &back);

    return back == code ? n : 0;
}

START_TEST(every_character_is_read_back)
{
    for (uint32_t code = 0; code <= 0x10ffff; code++) {
        char text[8];
        size_t len = encode(code, text);

        if (code >= 0xd800 && code <= 0xdfff)
            continue;
        if (read_as(text, len, code) != len)
            ck_abort_msg("U+%04x", (unsigned)code);
        if (len > 1 && read_as(text, len - 1, SRF__UTF8_NONE) != len - 1)
            ck_abort_msg("U+%04x cut off", (unsigned)code);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("utf8");
    TCase *tcase = tcase_create("utf8");

    tcase_add_test(tcase, text_stays_as_it_is);
    tcase_add_test(tcase, controls_are_shown_by_their_codes);
    tcase_add_test(tcase, nothing_turns_the_direction_of_writing);
    tcase_add_test(tcase, bytes_of_no_character_are_shown_one_by_one);
    tcase_add_test(tcase, each_byte_alone_gives_plain_ascii);
    tcase_add_test(tcase, doing_it_again_changes_nothing);
    tcase_add_test(tcase, a_small_buffer_splits_nothing);
    tcase_add_test(tcase, nothing_may_be_null);
    tcase_add_test(tcase, every_character_is_read_back);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
