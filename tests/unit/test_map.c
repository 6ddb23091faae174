/*
 * The hash map.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/map.h"
#include "runner.h"

enum { MANY = 5000 };

static srf__map_node_t nodes[MANY];

static srf__hash128_t key_of(uint64_t i)
{
    srf__hash128_t key = {{i * 0x9e3779b97f4a7c15ull, ~i}};

    return key;
}

START_TEST(an_empty_map_finds_nothing)
{
    srf__map_t map = {.count = 0};

    ck_assert_ptr_null(srf__map_get(&map, key_of(1)));
    ck_assert_ptr_null(srf__map_any(&map));
    srf__map_deinit(&map);
}
END_TEST

START_TEST(what_was_added_is_found_until_it_is_removed)
{
    srf__map_t map = {.count = 0};

    for (unsigned i = 0; i < MANY; i++) {
        nodes[i].key = key_of(i);
        ck_assert_int_eq(srf__map_add(&map, &nodes[i]), 0);
    }
    ck_assert_uint_eq(map.count, MANY);
    for (unsigned i = 0; i < MANY; i++)
        ck_assert_ptr_eq(srf__map_get(&map, key_of(i)), &nodes[i]);
    for (unsigned i = 0; i < MANY; i += 2)
        srf__map_remove(&map, &nodes[i]);
    for (unsigned i = 0; i < MANY; i++)
        ck_assert_ptr_eq(srf__map_get(&map, key_of(i)),
                         i % 2 == 0 ? NULL : &nodes[i]);
    for (unsigned i = 1; i < MANY; i += 2)
        srf__map_remove(&map, &nodes[i]);
    ck_assert_uint_eq(map.count, 0);
    ck_assert_ptr_null(srf__map_any(&map));
    srf__map_deinit(&map);
}
END_TEST

START_TEST(the_table_grows_and_shrinks_with_its_content)
{
    srf__map_t map = {.count = 0};

    for (unsigned i = 0; i < MANY; i++) {
        nodes[i].key = key_of(i);
        ck_assert_int_eq(srf__map_add(&map, &nodes[i]), 0);
    }
    size_t full = map.bucket_count;
    ck_assert_uint_ge(full, MANY);
    for (unsigned i = 0; i < MANY; i++)
        srf__map_remove(&map, &nodes[i]);
    ck_assert_uint_lt(map.bucket_count, full / 8);
    srf__map_deinit(&map);
}
END_TEST

START_TEST(both_halves_of_the_key_count)
{
    srf__map_t map = {.count = 0};
    srf__hash128_t other = key_of(7);

    nodes[0].key = key_of(7);
    other.h[1]++;
    ck_assert_int_eq(srf__map_add(&map, &nodes[0]), 0);
    ck_assert_ptr_null(srf__map_get(&map, other));
    ck_assert_ptr_eq(srf__map_any(&map), &nodes[0]);
    srf__map_deinit(&map);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("map");
    TCase *tcase = tcase_create("map");

    tcase_add_test(tcase, an_empty_map_finds_nothing);
    tcase_add_test(tcase, what_was_added_is_found_until_it_is_removed);
    tcase_add_test(tcase, the_table_grows_and_shrinks_with_its_content);
    tcase_add_test(tcase, both_halves_of_the_key_count);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
