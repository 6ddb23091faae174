/*
 * Intrusive hash map from 128-bit keyed hashes to nodes embedded in their
 * owners. The key is the output of a keyed hash, so its bits are uniform and
 * equality of 128 bits is taken for equality of what was hashed.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_MAP_H
#define SRF_MAP_H

#include "base/hash.h"
#include "base/pool.h"

#include <stddef.h>

typedef struct srf__map_node {
    struct srf__map_node *next;
    srf__hash128_t key;
} srf__map_node_t;

typedef struct srf__map_table {
    srf__map_node_t **buckets; /* and behind them the marks */
    /* Each bucket has bits here for the keys in it. Most keys that are not in
     * the map are not looked for in its nodes, which are in no cache. */
    uint16_t *marks;
    size_t count; /* of buckets, a power of two; 0: there is no table */
} srf__map_table_t;

typedef struct srf__map {
    srf__pool_t *pool; /* of the tables; may be NULL */
    srf__map_table_t table;
    /* When the table grows or shrinks, what is in the old one moves over with
     * the operations that follow, so that none takes long. */
    srf__map_table_t old;
    size_t moved; /* buckets of the old one that are empty now */
    size_t count; /* of nodes */
    size_t first; /* no bucket of the table before this one is occupied */
} srf__map_t;

/* An srf__map_t filled with zeros is empty and valid. */

/* Returns the node with this key, or NULL. */
srf__map_node_t *srf__map_get(const srf__map_t *map, srf__hash128_t key);
/* Returns any node with a key whose h[0] is this. Buckets are chosen by h[0],
 * so it is for its user to see to it that not many have the same. */
srf__map_node_t *srf__map_get_half(const srf__map_t *map, uint64_t half);
/* Links `node` in under node->key, which must not be in the map. 0, or
 * SRF_ERR_NO_MEMORY when there was no table yet and none could be had (a failed
 * growth alone is no error: the chains get longer). The table grows and shrinks
 * with the count. */
int srf__map_add(srf__map_t *map, srf__map_node_t *node);
/* Unlinks a node that is in the map. */
void srf__map_remove(srf__map_t *map, srf__map_node_t *node);
/* Returns any node of the map, NULL when it is empty; for tearing down. */
srf__map_node_t *srf__map_any(srf__map_t *map);
/* Frees the table; the nodes are their owners'. */
void srf__map_deinit(srf__map_t *map);
/* Returns how many bytes the tables take. */
size_t srf__map_bytes(const srf__map_t *map);

#endif /* SRF_MAP_H */
