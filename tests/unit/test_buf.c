/*
 * Bounded buffers.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/alloc.h"
#include "base/buf.h"
#include "runner.h"
#include "srf/srf.h"

#include <stdint.h>
#include <stdlib.h>

START_TEST(a_heap_buffer_grows_up_to_its_bound)
{
    srf__buf_t buf;

    srf__buf_init(&buf, 1000);
    for (unsigned i = 0; i < 100; i++)
        srf__buf_add(&buf, "0123456789", 10);
    ck_assert_int_eq(buf.err, 0);
    ck_assert_uint_eq(buf.len, 1000);
    srf__buf_add_char(&buf, 'x');
    ck_assert_int_eq(buf.err, SRF_ERR_LIMIT);
    ck_assert_uint_eq(buf.len, 1000);
    srf__buf_deinit(&buf);
}
END_TEST

static size_t asked;

static void *libc_malloc(size_t size, void *data)
{
    (void)data;
    return malloc(size);
}

static void *libc_calloc(size_t count, size_t size, void *data)
{
    (void)data;
    return calloc(count, size);
}

static void *realloc_of_little(void *ptr, size_t size, void *data)
{
    (void)data;
    asked = size;
    return size > 100000 ? NULL : realloc(ptr, size);
}

static void libc_free(void *ptr, void *data)
{
    (void)data;
    free(ptr);
}

/* Doubling must neither wrap around nor go on for ever. */
START_TEST(a_request_beyond_all_memory_ends)
{
    const srf_allocator_t small = {libc_malloc, libc_calloc, realloc_of_little,
                                   libc_free, NULL};
    srf__buf_t buf;

    ck_assert_int_eq(srf_set_allocator(&small), 0);
    srf__buf_init(&buf, SIZE_MAX / 2 + 100);
    srf__buf_add_char(&buf, 'x');
    ck_assert_ptr_null(srf__buf_extend(&buf, SIZE_MAX / 2 + 50));
    ck_assert_uint_eq(asked, SIZE_MAX / 2 + 100);
    ck_assert_int_eq(buf.err, SRF_ERR_NO_MEMORY);
    ck_assert_uint_eq(buf.len, 1);
    srf__buf_deinit(&buf);
    ck_assert_int_eq(srf_set_allocator(NULL), 0);
}
END_TEST

START_TEST(the_first_error_sticks)
{
    char storage[4];
    srf__buf_t buf;

    srf__buf_init_fixed(&buf, storage, sizeof(storage));
    srf__buf_add_text(&buf, "abcde");
    ck_assert_int_eq(buf.err, SRF_ERR_LIMIT);
    srf__buf_add_text(&buf, "a");
    ck_assert_uint_eq(buf.len, 0);
    ck_assert_ptr_null(srf__buf_extend(&buf, 1));
}
END_TEST

START_TEST(numbers_are_written_in_decimal)
{
    char storage[64];
    srf__buf_t buf;

    srf__buf_init_fixed(&buf, storage, sizeof(storage));
    srf__buf_add_u64(&buf, 0);
    srf__buf_add_char(&buf, ' ');
    srf__buf_add_u64(&buf, 10);
    srf__buf_add_char(&buf, ' ');
    srf__buf_add_u64(&buf, UINT64_MAX);
    ck_assert(
        srf__str_eq(srf__buf_str(&buf), SRF__STR("0 10 18446744073709551615")));
}
END_TEST

START_TEST(detach_hands_over_a_terminated_string)
{
    srf__buf_t buf;

    srf__buf_init(&buf, 3);
    srf__buf_add_text(&buf, "abc");
    char *text = srf__buf_detach(&buf);
    ck_assert_str_eq(text, "abc");
    ck_assert_ptr_null(buf.p);
    srf__free(text);

    srf__buf_init(&buf, 3);
    srf__buf_add_text(&buf, "abcd");
    ck_assert_ptr_null(srf__buf_detach(&buf));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("buf");
    TCase *tcase = tcase_create("buf");

    tcase_add_test(tcase, a_heap_buffer_grows_up_to_its_bound);
    tcase_add_test(tcase, a_request_beyond_all_memory_ends);
    tcase_add_test(tcase, the_first_error_sticks);
    tcase_add_test(tcase, numbers_are_written_in_decimal);
    tcase_add_test(tcase, detach_hands_over_a_terminated_string);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
