/*
 * SipHash-1-3 against values of an independent implementation (which gives the
 * published values for SipHash-2-4).
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/hash.h"
#include "runner.h"

typedef struct vector {
    size_t len; /* input: the bytes 0, 1, 2, ... */
    uint64_t narrow;
    uint64_t wide[2];
} vector_t;

static const vector_t vectors[] = {
    {0, 0xabac0158050fc4dc, {0xbea58827b2bc7ee7, 0x13030dd6adb62fd}},
    {1, 0xc9f49bf37d57ca93, {0xa8edd36004376ffc, 0x63f02f2bcc73055e}},
    {7, 0xd3927d989bb11140, {0xc3e0aaf223b98410, 0x77ab4808c82e2fa6}},
    {8, 0x369095118d299a8e, {0xb4dae3d5e1fe12aa, 0x99c7f935ab164f72}},
    {15, 0xd320d86d2a519956, {0x6c52bdb205557ec1, 0x9017e1eeccd2129}},
    {16, 0xcc4fdd1a7d908b66, {0xeb8e511557d9a8d0, 0x93179e3df8b013b5}},
    {63, 0x9d199062b7bbb3a8, {0x6f42fe4ee300584c, 0xad6052a70a6b9f07}},
};
enum { VECTORS = sizeof(vectors) / sizeof(*vectors) };

static unsigned char input[64];
static srf__hash_key_t key;

static void setup(void)
{
    unsigned char bytes[16];

    memset(&key, 0, sizeof(key));
    for (unsigned i = 0; i < sizeof(input); i++)
        input[i] = (unsigned char)i;
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)i;
    for (unsigned i = 0; i < 16; i++)
        key.k[i / 8] |= (uint64_t)bytes[i] << (8 * (i % 8));
}

START_TEST(known_inputs_give_known_values)
{
    const vector_t *v = &vectors[_i];
    srf__hasher_t hasher;

    ck_assert_uint_eq(srf__hash64(&key, input, v->len), v->narrow);
    srf__hasher_init(&hasher, &key, true);
    srf__hasher_update(&hasher, input, v->len);
    srf__hash128_t wide = srf__hasher_final(&hasher);
    ck_assert_uint_eq(wide.h[0], v->wide[0]);
    ck_assert_uint_eq(wide.h[1], v->wide[1]);
}
END_TEST

START_TEST(where_the_input_is_split_does_not_matter)
{
    for (size_t first = 0; first <= 63; first++) {
        for (size_t second = first; second <= 63; second += 5) {
            srf__hasher_t hasher;
            srf__hasher_init(&hasher, &key, false);
            srf__hasher_update(&hasher, input, first);
            srf__hasher_update(&hasher, input + first, second - first);
            srf__hasher_update(&hasher, input + second, 63 - second);
            ck_assert_uint_eq(srf__hasher_final(&hasher).h[0],
                              vectors[VECTORS - 1].narrow);
        }
    }
}
END_TEST

static uint64_t of_field(srf__str_t field, bool lower)
{
    srf__hasher_t hasher;

    srf__hasher_init(&hasher, &key, false);
    if (lower)
        srf__hasher_field_lower(&hasher, field);
    else
        srf__hasher_field(&hasher, field);
    return srf__hasher_final(&hasher).h[0];
}

static uint64_t of_fields(const char *a, const char *b)
{
    srf__hasher_t hasher;

    srf__hasher_init(&hasher, &key, false);
    srf__hasher_field(&hasher, srf__str_of(a));
    srf__hasher_field(&hasher, srf__str_of(b));
    return srf__hasher_final(&hasher).h[0];
}

START_TEST(a_hash_so_far_leaves_the_rest_to_come)
{
    const srf__str_t parts[] = {SRF__STR("abc"), SRF__STR("defghijklmno")};
    srf__hasher_t whole;
    srf__hasher_t part;

    srf__hasher_init(&whole, &key, false);
    srf__hasher_field(&whole, parts[0]);
    uint64_t so_far = srf__hasher_so_far(&whole);
    srf__hasher_field(&whole, parts[1]);
    srf__hasher_init(&part, &key, false);
    srf__hasher_field(&part, parts[0]);
    ck_assert_uint_eq(so_far, srf__hasher_final(&part).h[0]);
    srf__hasher_init(&part, &key, false);
    srf__hasher_field(&part, parts[0]);
    srf__hasher_field(&part, parts[1]);
    ck_assert_uint_eq(srf__hasher_final(&whole).h[0],
                      srf__hasher_final(&part).h[0]);
}
END_TEST

START_TEST(fields_do_not_run_into_each_other)
{
    ck_assert_uint_ne(of_fields("ab", "c"), of_fields("a", "bc"));
    ck_assert_uint_ne(of_fields("abc", ""), of_fields("", "abc"));
    ck_assert_uint_eq(of_fields("ab", "c"), of_fields("ab", "c"));
}
END_TEST

/* A field is filled up with zeros, which are no bytes of it; whatever its
 * length, all of its bytes count. */
START_TEST(every_byte_of_a_field_counts)
{
    unsigned char bytes[40] = {0};

    for (size_t len = 0; len < sizeof(bytes); len++) {
        srf__str_t field = srf__str((const char *)bytes, len);
        uint64_t whole = of_field(field, false);
        field.len++;
        ck_assert_uint_ne(of_field(field, false), whole);
        field.len--;
        for (size_t at = 0; at < len; at++) {
            bytes[at] = 'A';
            uint64_t capital = of_field(field, false);
            ck_assert_uint_ne(capital, whole);
            uint64_t lower = of_field(field, true);
            bytes[at] = 'a';
            ck_assert_uint_ne(of_field(field, false), capital);
            ck_assert_uint_eq(of_field(field, true), lower);
            ck_assert_uint_eq(of_field(field, false), lower);
            bytes[at] = 0;
        }
    }
}
END_TEST

/* No byte but a capital letter is changed. */
START_TEST(only_capitals_become_small_letters)
{
    for (int c = 0; c < 256; c++) {
        const char one = (char)c;
        const char small = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        ck_assert_uint_eq(of_field(srf__str(&one, 1), true),
                          of_field(srf__str(&small, 1), false));
    }
}
END_TEST

START_TEST(lower_fields_are_blind_to_case_only)
{
    static const char *const same[] = {"Proxy.Example.COM",
                                       "proxy.example.com"};
    uint64_t values[3];
    srf__hasher_t hasher;

    for (unsigned i = 0; i < 2; i++) {
        srf__hasher_init(&hasher, &key, false);
        srf__hasher_field_lower(&hasher, srf__str_of(same[i]));
        values[i] = srf__hasher_final(&hasher).h[0];
    }
    srf__hasher_init(&hasher, &key, false);
    srf__hasher_field_lower(&hasher, SRF__STR("proxy.example.con"));
    values[2] = srf__hasher_final(&hasher).h[0];
    ck_assert_uint_eq(values[0], values[1]);
    ck_assert_uint_ne(values[0], values[2]);
}
END_TEST

START_TEST(another_key_gives_another_value)
{
    srf__hash_key_t other = key;

    other.k[1] ^= 1;
    ck_assert_uint_ne(srf__hash64(&key, input, 16),
                      srf__hash64(&other, input, 16));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hash");
    TCase *tcase = tcase_create("siphash");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_loop_test(tcase, known_inputs_give_known_values, 0, VECTORS);
    tcase_add_test(tcase, where_the_input_is_split_does_not_matter);
    tcase_add_test(tcase, a_hash_so_far_leaves_the_rest_to_come);
    tcase_add_test(tcase, fields_do_not_run_into_each_other);
    tcase_add_test(tcase, every_byte_of_a_field_counts);
    tcase_add_test(tcase, only_capitals_become_small_letters);
    tcase_add_test(tcase, lower_fields_are_blind_to_case_only);
    tcase_add_test(tcase, another_key_gives_another_value);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
