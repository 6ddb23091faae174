/*
 * The hash map.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/map.h"
#include "base/random.h"
#include "runner.h"
#include "srf/srf.h"

#include <stdlib.h>
#include <string.h>

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
    size_t full = map.table.count;
    ck_assert_uint_ge(full, MANY);
    for (unsigned i = 1; i < MANY; i++)
        srf__map_remove(&map, &nodes[i]);
    ck_assert_uint_lt(map.table.count, full / 8);
    ck_assert_ptr_eq(srf__map_get(&map, nodes[0].key), &nodes[0]);
    srf__map_deinit(&map);
}
END_TEST

/* The table is looked at through what changes from one operation to the
 * next. */
START_TEST(no_operation_moves_many_nodes)
{
    srf__map_t map = {.count = 0};
    size_t most = 0;

    for (unsigned i = 0; i < MANY; i++) {
        size_t before = map.old.count == 0 ? 0 : map.old.count - map.moved;
        nodes[i].key = key_of(i);
        ck_assert_int_eq(srf__map_add(&map, &nodes[i]), 0);
        size_t after = map.old.count == 0 ? 0 : map.old.count - map.moved;
        if (before > after && before - after > most)
            most = before - after;
        for (unsigned j = 0; j <= i; j += i / 8 + 1)
            ck_assert_ptr_eq(srf__map_get(&map, key_of(j)), &nodes[j]);
    }
    ck_assert_uint_gt(most, 0);
    ck_assert_uint_le(most, 8);
    srf__map_deinit(&map);
}
END_TEST

/* Against a plain list of what is in it. */
START_TEST(any_order_of_adding_and_removing_does_no_harm)
{
    enum { STEPS = 80000 };
    static bool in[MANY];
    srf__map_t map = {.count = 0};
    srf__random_t random;
    size_t count = 0;

    memset(in, 0, sizeof(in));
    srf__random_init_seeded(&random, (uint64_t)_i + 1);
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned i = srf__random_u32(&random) % MANY;
        bool filling = step / (STEPS / 8) % 2 == 0;
        ck_assert_ptr_eq(srf__map_get(&map, key_of(i)),
                         in[i] ? &nodes[i] : NULL);
        if (!in[i] && (filling || step % 16 == 0)) {
            nodes[i].key = key_of(i);
            ck_assert_int_eq(srf__map_add(&map, &nodes[i]), 0);
            in[i] = true;
            count++;
        } else if (in[i] && (!filling || step % 16 == 0)) {
            srf__map_remove(&map, &nodes[i]);
            in[i] = false;
            count--;
        }
        ck_assert_uint_eq(map.count, count);
    }
    for (srf__map_node_t *node = srf__map_any(&map); node != NULL;
         node = srf__map_any(&map)) {
        srf__map_remove(&map, node);
        count--;
    }
    ck_assert_uint_eq(count, 0);
    srf__map_deinit(&map);
}
END_TEST

START_TEST(the_table_of_a_peak_goes_with_its_last_node)
{
    srf__map_t map = {.count = 0};

    for (unsigned i = 0; i < MANY; i++) {
        nodes[i].key = key_of(i);
        ck_assert_int_eq(srf__map_add(&map, &nodes[i]), 0);
    }
    /* Faster than what is in the table could move. */
    for (unsigned i = 0; i < MANY; i++)
        srf__map_remove(&map, &nodes[i]);
    ck_assert_uint_le(srf__map_bytes(&map), 20000);
    ck_assert_int_eq(srf__map_add(&map, &nodes[0]), 0);
    ck_assert_ptr_eq(srf__map_get(&map, nodes[0].key), &nodes[0]);
    srf__map_deinit(&map);
}
END_TEST

/* As many buckets as the table has at first, and then one more node. */
START_TEST(add_and_remove_at_the_edge_do_not_swing_the_table)
{
    srf__map_t map = {.count = 0};
    unsigned count = 0;

    do {
        nodes[count].key = key_of(count);
        ck_assert_int_eq(srf__map_add(&map, &nodes[count]), 0);
        count++;
    } while (count <= 128);
    srf__map_node_t **buckets = map.table.buckets;
    for (unsigned i = 0; i < 50; i++) {
        srf__map_remove(&map, &nodes[128]);
        ck_assert_int_eq(srf__map_add(&map, &nodes[128]), 0);
        ck_assert_ptr_eq(map.table.buckets, buckets);
    }
    srf__map_deinit(&map);
}
END_TEST

START_TEST(any_finds_what_is_added_while_it_empties)
{
    enum { FEW = 60 }; /* the table keeps its first size */
    srf__map_t map = {.count = 0};
    srf__map_node_t *before = NULL;
    unsigned removed = 0;

    for (unsigned i = 0; i < FEW; i++) {
        nodes[i].key = key_of(i);
        ck_assert_int_eq(srf__map_add(&map, &nodes[i]), 0);
    }
    for (srf__map_node_t *node = srf__map_any(&map); node != NULL;
         node = srf__map_any(&map)) {
        srf__map_remove(&map, node);
        removed++;
        /* Every other one comes back when the search is beyond it. */
        if (removed % 2 == 0 && removed <= FEW)
            ck_assert_int_eq(srf__map_add(&map, before), 0);
        before = node;
    }
    ck_assert_uint_eq(removed, FEW + FEW / 2);
    ck_assert_uint_eq(map.count, 0);
    srf__map_deinit(&map);
}
END_TEST

static void *no_malloc(size_t size, void *data)
{
    (void)size;
    (void)data;
    return NULL;
}

static void *no_calloc(size_t count, size_t size, void *data)
{
    (void)count;
    (void)size;
    (void)data;
    return NULL;
}

static void *libc_realloc(void *ptr, size_t size, void *data)
{
    (void)data;
    return realloc(ptr, size);
}

static void libc_free(void *ptr, void *data)
{
    (void)data;
    free(ptr);
}

START_TEST(without_memory_chains_get_longer)
{
    const srf_allocator_t poor = {no_malloc, no_calloc, libc_realloc, libc_free,
                                  NULL};
    srf__map_t map = {.count = 0};

    for (unsigned i = 0; i < MANY; i++)
        nodes[i].key = key_of(i);
    ck_assert_int_eq(srf_set_allocator(&poor), 0);
    ck_assert_int_eq(srf__map_add(&map, &nodes[0]), SRF_ERR_NO_MEMORY);
    ck_assert_uint_eq(map.count, 0);
    ck_assert_int_eq(srf_set_allocator(NULL), 0);
    ck_assert_int_eq(srf__map_add(&map, &nodes[0]), 0);
    size_t few = map.table.count;
    ck_assert_int_eq(srf_set_allocator(&poor), 0);
    for (unsigned i = 1; i < MANY; i++)
        ck_assert_int_eq(srf__map_add(&map, &nodes[i]), 0);
    ck_assert_uint_eq(map.table.count, few);
    for (unsigned i = 0; i < MANY; i++)
        ck_assert_ptr_eq(srf__map_get(&map, key_of(i)), &nodes[i]);
    ck_assert_int_eq(srf_set_allocator(NULL), 0);
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

START_TEST(a_half_of_the_key_finds_a_node_while_tables_change)
{
    srf__map_t map = {.count = 0};

    ck_assert_ptr_null(srf__map_get_half(&map, 1));
    for (unsigned i = 0; i < MANY; i++) {
        nodes[i].key = key_of(i);
        ck_assert_int_eq(srf__map_add(&map, &nodes[i]), 0);
        ck_assert_ptr_eq(srf__map_get_half(&map, key_of(i / 2).h[0]),
                         &nodes[i / 2]);
        ck_assert_ptr_null(srf__map_get_half(&map, key_of(i + 1).h[0]));
    }
    for (unsigned i = 0; i < MANY; i++) {
        srf__map_remove(&map, &nodes[i]);
        ck_assert_ptr_null(srf__map_get_half(&map, key_of(i).h[0]));
    }
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
    tcase_add_test(tcase, add_and_remove_at_the_edge_do_not_swing_the_table);
    tcase_add_test(tcase, any_finds_what_is_added_while_it_empties);
    tcase_add_test(tcase, without_memory_chains_get_longer);
    tcase_add_test(tcase, no_operation_moves_many_nodes);
    tcase_add_loop_test(tcase, any_order_of_adding_and_removing_does_no_harm, 0,
                        4);
    tcase_add_test(tcase, the_table_of_a_peak_goes_with_its_last_node);
    tcase_add_test(tcase, a_half_of_the_key_finds_a_node_while_tables_change);
    tcase_add_test(tcase, both_halves_of_the_key_count);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
