/*
 * The hash map: chains, doubling and halving.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/map.h"

#include "base/alloc.h"
#include "base/error.h"

enum {
    FIRST_BUCKETS = 64,
    /* Buckets that move with each operation, so that all have before the next
     * change of the table is due. When it shrinks there is little in them. */
    MOVED_WHEN_GROWING = 8,
    MOVED_WHEN_SHRINKING = 32,
    KEPT_BUCKETS = 1024, /* of an empty map */
    BUCKET_BYTES = sizeof(srf__map_node_t *) + sizeof(uint16_t)
};

/* ---- one table ---- */

static size_t bucket_of(const srf__map_table_t *table, uint64_t half)
{
    return half & (table->count - 1);
}

/* By bits that no bucket is chosen by. */
static uint16_t mark_of(uint64_t half)
{
    return (uint16_t)(1u << (half >> 60));
}

/* The first node of its bucket; NULL when none of them can be the one. */
static srf__map_node_t *first_of(const srf__map_table_t *table, uint64_t half)
{
    size_t at = bucket_of(table, half);

    return (table->marks[at] & mark_of(half)) == 0 ? NULL : table->buckets[at];
}

static srf__map_node_t *find(const srf__map_table_t *table, srf__hash128_t key)
{
    srf__map_node_t *node = first_of(table, key.h[0]);

    while (node != NULL &&
           (node->key.h[0] != key.h[0] || node->key.h[1] != key.h[1]))
        node = node->next;
    return node;
}

static srf__map_node_t *find_half(const srf__map_table_t *table, uint64_t half)
{
    srf__map_node_t *node = first_of(table, half);

    while (node != NULL && node->key.h[0] != half)
        node = node->next;
    return node;
}

static size_t link_node(srf__map_table_t *table, srf__map_node_t *node)
{
    size_t at = bucket_of(table, node->key.h[0]);

    node->next = table->buckets[at];
    table->buckets[at] = node;
    table->marks[at] |= mark_of(node->key.h[0]);
    return at;
}

/* False when it is not in this table. Marks are only wiped with the last node
 * of a bucket: one too many does no harm. */
static bool unlink_node(srf__map_table_t *table, const srf__map_node_t *node)
{
    size_t bucket = bucket_of(table, node->key.h[0]);
    srf__map_node_t **at = &table->buckets[bucket];

    while (*at != NULL && *at != node)
        at = &(*at)->next;
    if (*at == NULL)
        return false;
    *at = node->next;
    if (table->buckets[bucket] == NULL)
        table->marks[bucket] = 0;
    return true;
}

static bool create_table(srf__pool_t *pool, srf__map_table_t *table,
                         size_t count)
{
    table->buckets = srf__pool_take_zeroed(pool, count * BUCKET_BYTES);
    if (table->buckets == NULL)
        return false;
    table->marks = (uint16_t *)(void *)(table->buckets + count);
    table->count = count;
    return true;
}

static void destroy_table(srf__pool_t *pool, srf__map_table_t *table)
{
    srf__pool_give(pool, table->buckets, table->count * BUCKET_BYTES);
    memset(table, 0, sizeof(*table));
}

/* ---- from one table to the next ---- */

static void move_buckets(srf__map_t *map, size_t buckets)
{
    srf__map_table_t *old = &map->old;

    for (; buckets > 0 && map->moved < old->count; buckets--) {
        srf__map_node_t *node = old->buckets[map->moved++];
        while (node != NULL) {
            srf__map_node_t *next = node->next;
            size_t at = link_node(&map->table, node);
            if (at < map->first)
                map->first = at;
            node = next;
        }
    }
    if (old->count > 0 && map->moved == old->count)
        destroy_table(map->pool, old);
}

static void move_some(srf__map_t *map)
{
    move_buckets(map, map->old.count < map->table.count ? MOVED_WHEN_GROWING
                                                        : MOVED_WHEN_SHRINKING);
}

/* Begins to; without memory the table stays. */
static void resize(srf__map_t *map, size_t count)
{
    srf__map_table_t table;

    if (!create_table(map->pool, &table, count))
        return;
    map->old = map->table;
    map->table = table;
    map->moved = 0;
    map->first = 0;
}

/* ---- the map ---- */

srf__map_node_t *srf__map_get(const srf__map_t *map, srf__hash128_t key)
{
    if (map->count == 0)
        return NULL;
    srf__map_node_t *node = find(&map->table, key);
    if (node == NULL && map->old.count > 0 &&
        bucket_of(&map->old, key.h[0]) >= map->moved)
        node = find(&map->old, key);
    return node;
}

srf__map_node_t *srf__map_get_half(const srf__map_t *map, uint64_t half)
{
    if (map->count == 0)
        return NULL;
    srf__map_node_t *node = find_half(&map->table, half);
    if (node == NULL && map->old.count > 0 &&
        bucket_of(&map->old, half) >= map->moved)
        node = find_half(&map->old, half);
    return node;
}

int srf__map_add(srf__map_t *map, srf__map_node_t *node)
{
    if (map->table.count == 0 &&
        !create_table(map->pool, &map->table, FIRST_BUCKETS))
        return SRF_ERR_NO_MEMORY;
    if (map->old.count > 0)
        move_some(map);
    else if (map->count >= map->table.count)
        resize(map, map->table.count * 2);
    size_t at = link_node(&map->table, node);
    map->count++;
    if (at < map->first)
        map->first = at;
    return 0;
}

void srf__map_remove(srf__map_t *map, srf__map_node_t *node)
{
    bool found = unlink_node(&map->table, node) ||
                 (map->old.count > 0 && unlink_node(&map->old, node));

    srf__assert(found);
    (void)found;
    node->next = NULL;
    map->count--;
    if (map->count == 0 && map->table.count > KEPT_BUCKETS) {
        srf__map_deinit(map); /* after a peak it begins anew */
    } else if (map->old.count > 0) {
        move_some(map);
    } else if (map->table.count > FIRST_BUCKETS &&
               map->count < map->table.count / 8) {
        /* It shrinks far below the point of growing: it does not swing. */
        resize(map, map->table.count / 2);
    }
}

srf__map_node_t *srf__map_any(srf__map_t *map)
{
    if (map->count == 0)
        return NULL;
    move_buckets(map, map->old.count);
    /* From where the last search ended: emptying the map is one pass. */
    while (map->table.buckets[map->first] == NULL)
        map->first++;
    return map->table.buckets[map->first];
}

void srf__map_deinit(srf__map_t *map)
{
    srf__pool_t *pool = map->pool;

    destroy_table(pool, &map->table);
    destroy_table(pool, &map->old);
    memset(map, 0, sizeof(*map));
    map->pool = pool;
}

size_t srf__map_bytes(const srf__map_t *map)
{
    return (map->table.count + map->old.count) * BUCKET_BYTES;
}
