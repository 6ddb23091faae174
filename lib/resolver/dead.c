/*
 * Addresses that did not answer.
 *
 * SPDX-License-Identifier: MIT
 */
#include "resolver/dead.h"

#include "base/alloc.h"

typedef struct srf__dead_entry {
    srf__map_node_t node; /* first */
    struct srf__dead_entry *newer;
    struct srf__dead_entry *older;
    uint64_t until_ms;
} entry_t;

void srf__dead_init(srf__dead_t *dead, srf__wheel_t *wheel,
                    const srf__hash_key_t *key, uint32_t hold_ms)
{
    memset(dead, 0, sizeof(*dead));
    dead->wheel = wheel;
    dead->key = *key;
    dead->hold_ms = hold_ms;
}

static srf__hash128_t key_of(const srf__dead_t *dead, const srf__addr_t *addr)
{
    srf__hasher_t hasher;

    srf__hasher_init(&hasher, &dead->key, true);
    srf__hasher_update(&hasher, addr->ip, sizeof(addr->ip));
    srf__hasher_update(&hasher, &addr->port, sizeof(addr->port));
    srf__hasher_update(&hasher, &addr->transport, sizeof(addr->transport));
    return srf__hasher_final(&hasher);
}

static entry_t *find(const srf__dead_t *dead, const srf__addr_t *addr)
{
    return dead->map.count == 0
               ? NULL
               : (entry_t *)srf__map_get(&dead->map, key_of(dead, addr));
}

static void forget(srf__dead_t *dead, entry_t *entry)
{
    *(entry->newer == NULL ? &dead->newest : &entry->newer->older) =
        entry->older;
    *(entry->older == NULL ? &dead->oldest : &entry->older->newer) =
        entry->newer;
    srf__map_remove(&dead->map, &entry->node);
    srf__free(entry);
}

void srf__dead_deinit(srf__dead_t *dead)
{
    while (dead->oldest != NULL)
        forget(dead, dead->oldest);
    srf__map_deinit(&dead->map);
}

void srf__dead_mark(srf__dead_t *dead, const srf__addr_t *addr)
{
    if (dead->hold_ms == 0)
        return;
    srf__dead_clear(dead, addr);
    if (dead->map.count >= SRF__DEAD_MAX)
        forget(dead, dead->oldest);
    entry_t *entry = srf__calloc(1, sizeof(*entry));
    if (entry == NULL)
        return; /* the next call pays once more */
    entry->node.key = key_of(dead, addr);
    if (srf__map_add(&dead->map, &entry->node) != 0) {
        srf__free(entry);
        return;
    }
    entry->until_ms = srf__wheel_now(dead->wheel) + dead->hold_ms;
    entry->older = dead->newest;
    *(dead->newest == NULL ? &dead->oldest : &dead->newest->newer) = entry;
    dead->newest = entry;
}

void srf__dead_clear(srf__dead_t *dead, const srf__addr_t *addr)
{
    entry_t *entry = find(dead, addr);

    if (entry != NULL)
        forget(dead, entry);
}

bool srf__dead_is(const srf__dead_t *dead, const srf__addr_t *addr)
{
    const entry_t *entry = find(dead, addr);

    return entry != NULL && srf__wheel_now(dead->wheel) < entry->until_ms;
}

void srf__dead_order(const srf__dead_t *dead, srf__hops_t *hops)
{
    srf__addr_t last[SRF__HOPS_MAX];
    unsigned kept = 0;
    unsigned moved = 0;

    if (dead->map.count == 0)
        return;
    for (unsigned i = 0; i < hops->count; i++) {
        if (srf__dead_is(dead, &hops->list[i]))
            last[moved++] = hops->list[i];
        else
            hops->list[kept++] = hops->list[i];
    }
    for (unsigned i = 0; i < moved; i++)
        hops->list[kept++] = last[i];
}
