/*
 * The pool.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/alloc.h"
#include "base/pool.h"
#include "base/random.h"
#include "runner.h"
#include "srf/srf.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static srf__pool_t pool;

/* With pages also where a sanitizer would rather see each piece. */
static void setup(void)
{
    srf__pool_init(&pool);
    pool.plain = false;
}

static void teardown(void)
{
    ck_assert_uint_eq(pool.bytes, 0);
    ck_assert_uint_eq(pool.pages, 0);
    ck_assert_ptr_null(pool.regions);
    srf__pool_deinit(&pool);
}

START_TEST(pieces_of_every_size_keep_apart)
{
    enum { EACH = 3, SIZES = 2300 };
    static unsigned char *pieces[SIZES][EACH];
    static unsigned char expected[SIZES];

    for (size_t size = 0; size < SIZES; size++) {
        for (unsigned i = 0; i < EACH; i++) {
            unsigned char *piece = srf__pool_take(&pool, size);
            ck_assert_ptr_nonnull(piece);
            ck_assert_uint_eq((uintptr_t)piece % 8, 0);
            memset(piece, (int)(size * EACH + i), size);
            pieces[size][i] = piece;
        }
    }
    for (size_t size = 0; size < SIZES; size++) {
        for (unsigned i = 0; i < EACH; i++) {
            memset(expected, (int)(size * EACH + i), size);
            ck_assert(memcmp(pieces[size][i], expected, size) == 0);
            srf__pool_give(&pool, pieces[size][i], size);
        }
    }
}
END_TEST

START_TEST(what_is_given_back_is_taken_first)
{
    void *keep = srf__pool_take(&pool, 100);
    void *one = srf__pool_take(&pool, 100);

    srf__pool_give(&pool, one, 100);
    ck_assert_ptr_eq(srf__pool_take(&pool, 97), one); /* as large in its page */
    srf__pool_give(&pool, one, 97);
    srf__pool_give(&pool, keep, 100);
}
END_TEST

START_TEST(zeroed_pieces_are_zeroed_though_used_before)
{
    static const char zeros[500];
    void *keep = srf__pool_take(&pool, 500);
    void *one = srf__pool_take(&pool, 500);

    memset(one, 0xff, 500);
    srf__pool_give(&pool, one, 500);
    void *two = srf__pool_take_zeroed(&pool, 500);
    ck_assert_ptr_eq(two, one);
    ck_assert_mem_eq(two, zeros, 500);
    srf__pool_give(&pool, two, 500);
    srf__pool_give(&pool, keep, 500);
}
END_TEST

START_TEST(bytes_are_those_that_were_asked_for)
{
    void *small = srf__pool_take(&pool, 13);
    void *large = srf__pool_take(&pool, 100000);

    ck_assert_uint_eq(pool.bytes, 100013);
    ck_assert_uint_eq(pool.pages, 1);
    srf__pool_give(&pool, small, 13);
    ck_assert_uint_eq(pool.bytes, 100000);
    srf__pool_give(&pool, large, 100000);
    srf__pool_give(&pool, NULL, 7);
    ck_assert_uint_eq(pool.bytes, 0);
}
END_TEST

/* Several regions, emptied in another order than filled. */
START_TEST(memory_of_a_peak_goes_back)
{
    enum { COUNT = 20000, SIZE = 200 };
    static void *pieces[COUNT];

    for (unsigned i = 0; i < COUNT; i++)
        pieces[i] = srf__pool_take(&pool, SIZE);
    ck_assert_uint_ge(pool.pages, COUNT * SIZE / SRF__POOL_PAGE);
    ck_assert_uint_le(pool.pages, COUNT * SIZE / (SRF__POOL_PAGE - 300) + 1);
    for (unsigned i = 0; i < COUNT; i += 2)
        srf__pool_give(&pool, pieces[i], SIZE);
    for (unsigned i = COUNT - 1; i < COUNT; i -= 2)
        srf__pool_give(&pool, pieces[i], SIZE);
}
END_TEST

/* Pieces come and go where a region ends. */
START_TEST(a_region_is_not_given_back_only_to_be_taken_again)
{
    enum { PAGES = 16, PER_PAGE = 31, SIZE = 2000, COUNT = PAGES * PER_PAGE };
    static void *pieces[COUNT];

    /* The first region is full. */
    for (unsigned i = 0; i < COUNT; i++)
        pieces[i] = srf__pool_take(&pool, SIZE);
    void *one = srf__pool_take(&pool, 64);
    srf__pool_give(&pool, one, 64);
    const struct srf__pool_region *spare = pool.spare;
    ck_assert_ptr_nonnull(spare);
    for (unsigned i = 0; i < 10; i++) {
        one = srf__pool_take(&pool, 64);
        ck_assert_ptr_null(pool.spare);
        srf__pool_give(&pool, one, 64);
        ck_assert_ptr_eq(pool.spare, spare);
    }
    for (unsigned i = 0; i < COUNT; i++)
        srf__pool_give(&pool, pieces[i], SIZE);
}
END_TEST

/* Against a plain list, with what is in each piece. */
START_TEST(any_order_of_taking_and_giving_does_no_harm)
{
    enum { PLACES = 3000, STEPS = 40000 };
    static struct {
        unsigned char *piece;
        size_t size;
        unsigned char with;
    } places[PLACES];
    srf__random_t random;
    size_t bytes = 0;

    memset(places, 0, sizeof(places));
    srf__random_init_seeded(&random, (uint64_t)_i + 1);
    for (unsigned step = 0; step < STEPS; step++) {
        uint32_t drawn = srf__random_u32(&random);
        unsigned at = drawn % PLACES;
        size_t size = places[at].size;
        if (places[at].piece != NULL) {
            ck_assert(size == 0 ||
                      (places[at].piece[0] == places[at].with &&
                       places[at].piece[size - 1] == places[at].with));
            srf__pool_give(&pool, places[at].piece, size);
            places[at].piece = NULL;
            bytes -= size;
        } else if (drawn >> 31 || step < STEPS / 2) {
            size = srf__random_u32(&random) % 2200;
            places[at].piece = srf__pool_take(&pool, size);
            places[at].size = size;
            places[at].with = (unsigned char)step;
            memset(places[at].piece, (int)step, size);
            bytes += size;
        }
        ck_assert_uint_eq(pool.bytes, bytes);
    }
    for (unsigned i = 0; i < PLACES; i++) {
        if (places[i].piece != NULL)
            srf__pool_give(&pool, places[i].piece, places[i].size);
    }
}
END_TEST

START_TEST(without_memory_there_is_no_piece)
{
    struct rlimit before;
    struct rlimit none = {.rlim_cur = 0};

    if (SRF__SANITIZED)
        return; /* it needs memory of its own */
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &before), 0);
    none.rlim_max = before.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &none), 0);
    void *piece = srf__pool_take(&pool, 64);
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &before), 0);

    ck_assert_ptr_null(piece);
    ck_assert_uint_eq(pool.bytes, 0);
    piece = srf__pool_take(&pool, 64);
    ck_assert_ptr_nonnull(piece);
    srf__pool_give(&pool, piece, 64);
}
END_TEST

/* ---- whose pieces they are ---- */

static unsigned asked;

static void *count_malloc(size_t size, void *data)
{
    (void)data;
    asked++;
    return malloc(size);
}

static void *count_calloc(size_t count, size_t size, void *data)
{
    (void)data;
    return calloc(count, size);
}

static void *count_realloc(void *ptr, size_t size, void *data)
{
    (void)data;
    return realloc(ptr, size);
}

static void count_free(void *ptr, void *data)
{
    (void)data;
    asked -= ptr != NULL;
    free(ptr);
}

static const srf_allocator_t counting = {
    count_malloc, count_calloc, count_realloc, count_free, NULL,
};

START_TEST(an_allocator_of_the_program_is_asked_for_each_piece)
{
    asked = 0;
    ck_assert_int_eq(srf_set_allocator(&counting), 0);
    srf__pool_init(&pool);
    void *one = srf__pool_take(&pool, 50);
    void *two = srf__pool_take(&pool, 50);

    ck_assert_uint_eq(asked, 2);
    ck_assert_uint_eq(pool.bytes, 100);
    srf__pool_give(&pool, one, 50);
    srf__pool_give(&pool, two, 50);
    ck_assert_uint_eq(asked, 0);
    ck_assert_int_eq(srf_set_allocator(NULL), 0);
}
END_TEST

START_TEST(without_a_pool_the_allocator_is_asked)
{
    asked = 0;
    ck_assert_int_eq(srf_set_allocator(&counting), 0);
    void *piece = srf__pool_take(NULL, 50);

    ck_assert_uint_eq(asked, 1);
    srf__pool_give(NULL, piece, 50);
    ck_assert_uint_eq(asked, 0);
    ck_assert_int_eq(srf_set_allocator(NULL), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pool");
    TCase *tcase = tcase_create("pool");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, pieces_of_every_size_keep_apart);
    tcase_add_test(tcase, what_is_given_back_is_taken_first);
    tcase_add_test(tcase, zeroed_pieces_are_zeroed_though_used_before);
    tcase_add_test(tcase, bytes_are_those_that_were_asked_for);
    tcase_add_test(tcase, memory_of_a_peak_goes_back);
    tcase_add_test(tcase, a_region_is_not_given_back_only_to_be_taken_again);
    tcase_add_loop_test(tcase, any_order_of_taking_and_giving_does_no_harm, 0,
                        5);
    tcase_add_test(tcase, without_memory_there_is_no_piece);
    tcase_add_test(tcase, an_allocator_of_the_program_is_asked_for_each_piece);
    tcase_add_test(tcase, without_a_pool_the_allocator_is_asked);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
