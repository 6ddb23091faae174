/*
 * String views.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/str.h"
#include "runner.h"

START_TEST(case_folds_for_ascii_letters_only)
{
    ck_assert(srf__str_ieq(SRF__STR("Via"), SRF__STR("vIA")));
    ck_assert(!srf__str_ieq(SRF__STR("Via"), SRF__STR("Vib")));
    ck_assert(!srf__str_ieq(SRF__STR("[@"), SRF__STR("{`")));
    ck_assert(!srf__str_ieq(SRF__STR("\xc4"), SRF__STR("\xe4")));
    ck_assert(!srf__str_eq(SRF__STR("a"), SRF__STR("A")));
    ck_assert(srf__str_eq(srf__str(NULL, 0), SRF__STR("")));
}
END_TEST

START_TEST(trim_takes_folds_too)
{
    ck_assert(
        srf__str_eq(srf__str_trim(SRF__STR(" \r\n\ta b \t")), SRF__STR("a b")));
    ck_assert_uint_eq(srf__str_trim(SRF__STR(" \t ")).len, 0);
}
END_TEST

START_TEST(numbers_are_digits_and_nothing_else)
{
    static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "0x1", "1.0"};
    uint32_t value = 7;

    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        ck_assert(!srf__str_to_u32(srf__str_of(bad[i]), UINT32_MAX, &value));
    ck_assert_uint_eq(value, 7);
    ck_assert(srf__str_to_u32(SRF__STR("0065535"), 65535, &value));
    ck_assert_uint_eq(value, 65535);
    ck_assert(!srf__str_to_u32(SRF__STR("65536"), 65535, &value));
    ck_assert(srf__str_to_u32(SRF__STR("4294967295"), UINT32_MAX, &value));
    ck_assert(!srf__str_to_u32(SRF__STR("4294967296"), UINT32_MAX, &value));
    ck_assert(!srf__str_to_u32(SRF__STR("99999999999999999999999"), UINT32_MAX,
                               &value));
}
END_TEST

/* Each byte at each place of short and long numbers. */
START_TEST(what_is_no_hex_digit_is_refused)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    char text[16];
    uint64_t value;

    for (size_t len = 1; len <= sizeof(text); len++) {
        for (size_t at = 0; at < len; at++) {
            for (int c = 0; c < 256; c++) {
                memset(text, '0', sizeof(text));
                text[at] = (char)c;
                const char *digit =
                    c == 0 ? NULL : strchr(digits, (unsigned char)c);
                ck_assert(srf__hex_read(srf__str(text, len), &value) ==
                          (digit != NULL));
                if (digit == NULL)
                    continue;
                uint64_t number = (uint64_t)(digit - digits);
                ck_assert_uint_eq(value, (number > 15 ? number - 6 : number)
                                             << (4 * (len - 1 - at)));
            }
        }
    }
}
END_TEST

START_TEST(hex_goes_out_and_comes_back)
{
    char text[16];
    uint64_t value;

    srf__hex_write(text, 0x0123456789abcdefull, 16);
    ck_assert(srf__str_eq(srf__str(text, 16), SRF__STR("0123456789abcdef")));
    srf__hex_write(text, 0xfedcba9876543210ull, 16);
    ck_assert(srf__str_eq(srf__str(text, 16), SRF__STR("fedcba9876543210")));
    srf__hex_write(text, 0xa09f12345ull, 8); /* the low digits */
    ck_assert(srf__str_eq(srf__str(text, 8), SRF__STR("09f12345")));
    srf__hex_write(text, 0x9a0b12345ull, 11);
    ck_assert(srf__str_eq(srf__str(text, 11), SRF__STR("009a0b12345")));
    srf__hex_write(text, 0xaf, 3);
    ck_assert(srf__str_eq(srf__str(text, 3), SRF__STR("0af")));
    ck_assert(srf__hex_read(SRF__STR("0123456789ABCDEF"), &value));
    ck_assert_uint_eq(value, 0x0123456789abcdefull);
    ck_assert(!srf__hex_read(SRF__STR(""), &value));
    ck_assert(!srf__hex_read(SRF__STR("12g4"), &value));
    ck_assert(!srf__hex_read(SRF__STR("00000000000000001"), &value));
}
END_TEST

START_TEST(tokens_are_those_of_the_grammar)
{
    ck_assert(srf__str_is_token(SRF__STR("INVITE")));
    ck_assert(srf__str_is_token(SRF__STR("a-.!%*_+`'~9")));
    ck_assert(!srf__str_is_token(SRF__STR("")));
    ck_assert(!srf__str_is_token(SRF__STR("a b")));
    ck_assert(!srf__str_is_token(SRF__STR("a:b")));
    ck_assert(!srf__str_is_token(srf__str("a\0b", 3)));
}
END_TEST

START_TEST(find_gives_the_length_when_there_is_none)
{
    ck_assert_uint_eq(srf__str_find(SRF__STR("a;b"), ';'), 1);
    ck_assert_uint_eq(srf__str_find(SRF__STR("ab"), ';'), 2);
    ck_assert_uint_eq(srf__str_find(srf__str(NULL, 0), ';'), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("str");
    TCase *tcase = tcase_create("str");

    tcase_add_test(tcase, case_folds_for_ascii_letters_only);
    tcase_add_test(tcase, trim_takes_folds_too);
    tcase_add_test(tcase, numbers_are_digits_and_nothing_else);
    tcase_add_test(tcase, hex_goes_out_and_comes_back);
    tcase_add_test(tcase, what_is_no_hex_digit_is_refused);
    tcase_add_test(tcase, tokens_are_those_of_the_grammar);
    tcase_add_test(tcase, find_gives_the_length_when_there_is_none);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
