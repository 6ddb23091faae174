/*
 * The allocator and arenas; random numbers.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/alloc.h"
#include "base/random.h"
#include "runner.h"
#include "srf/srf.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static size_t live;

static void *count_malloc(size_t size, void *data)
{
    ck_assert_ptr_eq(data, &live);
    live++;
    return malloc(size);
}

static void *count_calloc(size_t count, size_t size, void *data)
{
    ck_assert_ptr_eq(data, &live);
    live++;
    return calloc(count, size);
}

static void *count_realloc(void *ptr, size_t size, void *data)
{
    ck_assert_ptr_eq(data, &live);
    live += ptr == NULL;
    return realloc(ptr, size);
}

static void count_free(void *ptr, void *data)
{
    ck_assert_ptr_eq(data, &live);
    live--;
    free(ptr);
}

START_TEST(the_program_may_bring_its_allocator)
{
    srf_allocator_t allocator = {count_malloc, count_calloc, count_realloc,
                                 count_free, &live};

    live = 0;
    ck_assert_int_eq(srf_set_allocator(&allocator), 0);
    void *one = srf__malloc(10);
    void *two = srf__calloc(3, 10);
    void *three = srf__realloc(NULL, 5);
    three = srf__realloc(three, 500);
    ck_assert_uint_eq(live, 3);
    srf_free(one);
    srf__free(two);
    srf__free(three);
    srf_free(NULL);
    ck_assert_uint_eq(live, 0);

    allocator.free_fn = NULL;
    ck_assert_int_eq(srf_set_allocator(&allocator), SRF_ERR_INVALID_ARGUMENT);
    ck_assert_int_eq(srf_set_allocator(NULL), 0);
}
END_TEST

START_TEST(an_arena_gives_aligned_pieces_that_do_not_touch)
{
    srf__arena_t arena = {NULL};
    unsigned char *pieces[300];

    for (unsigned i = 0; i < 300; i++) {
        pieces[i] = srf__arena_alloc(&arena, i + 1);
        ck_assert_ptr_nonnull(pieces[i]);
        ck_assert_uint_eq((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        memset(pieces[i], (int)(i & 0xff), i + 1);
    }
    for (unsigned i = 0; i < 300; i++) {
        for (unsigned j = 0; j <= i; j++)
            ck_assert_uint_eq(pieces[i][j], i & 0xff);
    }
    ck_assert_ptr_nonnull(srf__arena_alloc(&arena, 100000));
    ck_assert_ptr_null(srf__arena_alloc(&arena, SIZE_MAX - 3));
    /* What does not wrap alone but does with the head of its block. */
    ck_assert_ptr_null(srf__arena_alloc(&arena, SIZE_MAX - 40));
    srf__arena_deinit(&arena);
    ck_assert_ptr_null(arena.blocks);
}
END_TEST

START_TEST(arena_strings_are_terminated)
{
    srf__arena_t arena = {NULL};

    ck_assert_str_eq(srf__arena_strdup(&arena, srf__str("abcd", 2)), "ab");
    ck_assert_str_eq(srf__arena_strdup(&arena, srf__str(NULL, 0)), "");
    srf__arena_deinit(&arena);
}
END_TEST

START_TEST(a_seed_makes_random_numbers_repeat)
{
    srf__random_t one;
    srf__random_t two;
    srf__random_t other;
    unsigned differ = 0;

    srf__random_init_seeded(&one, 5);
    srf__random_init_seeded(&two, 5);
    srf__random_init_seeded(&other, 6);
    for (unsigned i = 0; i < 1000; i++) {
        uint32_t value = srf__random_u32(&one);
        ck_assert_uint_eq(value, srf__random_u32(&two));
        differ += value != srf__random_u32(&other);
    }
    ck_assert_uint_gt(differ, 990);
}
END_TEST

START_TEST(random_numbers_do_not_repeat_when_the_pool_is_used_up)
{
    enum { COUNT = 1000 }; /* several pools */
    static uint64_t values[COUNT];
    srf__random_t random;

    ck_assert_int_eq(srf__random_init(&random), 0);
    for (unsigned i = 0; i < COUNT; i++) {
        values[i] = srf__random_u64(&random);
        for (unsigned j = 0; j < i; j++)
            ck_assert_uint_ne(values[i], values[j]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("alloc");
    TCase *tcase = tcase_create("alloc");

    tcase_add_test(tcase, the_program_may_bring_its_allocator);
    tcase_add_test(tcase, an_arena_gives_aligned_pieces_that_do_not_touch);
    tcase_add_test(tcase, arena_strings_are_terminated);
    tcase_add_test(tcase, a_seed_makes_random_numbers_repeat);
    tcase_add_test(tcase,
                   random_numbers_do_not_repeat_when_the_pool_is_used_up);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
