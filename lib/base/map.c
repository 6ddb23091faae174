/*
 * The hash map: chains, doubling and halving.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/map.h"

#include "base/alloc.h"
#include "base/error.h"

enum { FIRST_BUCKETS = 64 };

static srf__map_node_t **bucket_of(const srf__map_t *map, srf__hash128_t key)
{
    return &map->buckets[key.h[0] & (map->bucket_count - 1)];
}

static bool same(const srf__map_node_t *node, srf__hash128_t key)
{
    return node->key.h[0] == key.h[0] && node->key.h[1] == key.h[1];
}

srf__map_node_t *srf__map_get(const srf__map_t *map, srf__hash128_t key)
{
    if (map->count == 0)
        return NULL;
    srf__map_node_t *node = *bucket_of(map, key);
    while (node != NULL && !same(node, key))
        node = node->next;
    return node;
}

static bool resize(srf__map_t *map, size_t bucket_count)
{
    srf__map_t larger = {.bucket_count = bucket_count};

    larger.buckets = srf__calloc(bucket_count, sizeof(*larger.buckets));
    if (larger.buckets == NULL)
        return false;
    for (size_t i = 0; i < map->bucket_count; i++) {
        srf__map_node_t *node = map->buckets[i];
        while (node != NULL) {
            srf__map_node_t *next = node->next;
            srf__map_node_t **bucket = bucket_of(&larger, node->key);
            node->next = *bucket;
            *bucket = node;
            node = next;
        }
    }
    srf__free(map->buckets);
    map->buckets = larger.buckets;
    map->bucket_count = bucket_count;
    map->first = 0;
    return true;
}

int srf__map_add(srf__map_t *map, srf__map_node_t *node)
{
    /* Longer chains do when there is no memory for more buckets. */
    if (map->count >= map->bucket_count &&
        !resize(map, map->bucket_count == 0 ? FIRST_BUCKETS
                                            : map->bucket_count * 2) &&
        map->bucket_count == 0)
        return SRF_ERR_NO_MEMORY;
    srf__map_node_t **bucket = bucket_of(map, node->key);
    node->next = *bucket;
    *bucket = node;
    map->count++;
    if ((size_t)(bucket - map->buckets) < map->first)
        map->first = (size_t)(bucket - map->buckets);
    return 0;
}

void srf__map_remove(srf__map_t *map, srf__map_node_t *node)
{
    srf__map_node_t **at = bucket_of(map, node->key);

    while (*at != node) {
        srf__assert(*at != NULL);
        at = &(*at)->next;
    }
    *at = node->next;
    node->next = NULL;
    map->count--;
    /* Far below the point of growing, so that it does not swing. */
    if (map->bucket_count > FIRST_BUCKETS && map->count < map->bucket_count / 8)
        (void)resize(map, map->bucket_count / 2);
}

srf__map_node_t *srf__map_any(srf__map_t *map)
{
    if (map->count == 0)
        return NULL;
    /* From where the last search ended: emptying the map is one pass. */
    while (map->buckets[map->first] == NULL)
        map->first++;
    return map->buckets[map->first];
}

void srf__map_deinit(srf__map_t *map)
{
    srf__free(map->buckets);
    memset(map, 0, sizeof(*map));
}
