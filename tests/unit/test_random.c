/*
 * The pool of random numbers, with a generator that can be made to fail.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/random.h"
#include "runner.h"
#include "srf/srf.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/rand.h>

static bool broken;
static unsigned calls;

/* Stands before OpenSSL's own. */
int RAND_bytes(unsigned char *buf, int num)
{
    calls++;
    return broken ? 0 : RAND_priv_bytes(buf, num);
}

static void setup(void)
{
    broken = false;
    calls = 0;
}

START_TEST(a_pool_serves_many_requests)
{
    srf__random_t random;

    ck_assert_int_eq(srf__random_init(&random), 0);
    for (unsigned i = 0; i < SRF__RANDOM_POOL_BYTES / 8; i++)
        (void)srf__random_u64(&random);
    ck_assert_uint_eq(calls, 1);
    (void)srf__random_u32(&random);
    ck_assert_uint_eq(calls, 2);
}
END_TEST

START_TEST(no_generator_at_first_is_an_error)
{
    srf__random_t random;

    broken = true;
    ck_assert_int_eq(srf__random_init(&random), SRF_ERR_RANDOM);
}
END_TEST

START_TEST(a_generator_that_fails_later_leaves_values_that_differ)
{
    enum { COUNT = 640 }; /* ten pools */
    static uint64_t values[COUNT];
    srf__random_t random;

    ck_assert_int_eq(srf__random_init(&random), 0);
    broken = true;
    for (unsigned i = 0; i < COUNT; i++) {
        values[i] = srf__random_u64(&random);
        for (unsigned j = 0; j < i; j++)
            ck_assert_uint_ne(values[i], values[j]);
    }
    ck_assert_uint_gt(calls, 1);
}
END_TEST

START_TEST(pieces_join_to_the_same_sequence)
{
    static const size_t sizes[] = {1, 3, 7, 8, 64, 511, 512, 513, 1300};
    unsigned char whole[4000];
    unsigned char pieces[sizeof(whole)];
    srf__random_t random;

    srf__random_init_seeded(&random, 99);
    srf__random_bytes(&random, whole, sizeof(whole));
    srf__random_init_seeded(&random, 99);
    for (size_t at = 0; at < sizeof(pieces);) {
        size_t left = sizeof(pieces) - at;
        size_t n = sizes[_i] < left ? sizes[_i] : left;
        srf__random_bytes(&random, pieces + at, n);
        at += n;
    }
    ck_assert_mem_eq(whole, pieces, sizeof(whole));
    ck_assert_uint_eq(calls, 0);
}
END_TEST

START_TEST(nothing_is_written_beyond_the_request)
{
    unsigned char out[16];
    srf__random_t random;

    memset(out, 0xa5, sizeof(out));
    srf__random_init_seeded(&random, 3);
    size_t used = random.used;
    srf__random_bytes(&random, out, 0);
    ck_assert_uint_eq(out[0], 0xa5);
    ck_assert_uint_eq(random.used, used);
    srf__random_bytes(&random, out, 9);
    for (unsigned i = 9; i < sizeof(out); i++)
        ck_assert_uint_eq(out[i], 0xa5);
}
END_TEST

/* Coarse, but a byte that is stuck or a bit that leans shows. */
START_TEST(every_bit_of_a_seeded_sequence_is_even)
{
    enum { COUNT = 20000 };
    unsigned ones[64] = {0};
    srf__random_t random;

    srf__random_init_seeded(&random, (uint64_t)_i);
    for (unsigned i = 0; i < COUNT; i++) {
        uint64_t value = srf__random_u64(&random);
        for (unsigned bit = 0; bit < 64; bit++)
            ones[bit] += (unsigned)(value >> bit & 1);
    }
    for (unsigned bit = 0; bit < 64; bit++) {
        ck_assert_uint_gt(ones[bit], COUNT / 2 - 500);
        ck_assert_uint_lt(ones[bit], COUNT / 2 + 500);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("random");
    TCase *tcase = tcase_create("random");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, a_pool_serves_many_requests);
    tcase_add_test(tcase, no_generator_at_first_is_an_error);
    tcase_add_test(tcase,
                   a_generator_that_fails_later_leaves_values_that_differ);
    tcase_add_loop_test(tcase, pieces_join_to_the_same_sequence, 0, 9);
    tcase_add_test(tcase, nothing_is_written_beyond_the_request);
    tcase_add_loop_test(tcase, every_bit_of_a_seeded_sequence_is_even, 0, 3);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
