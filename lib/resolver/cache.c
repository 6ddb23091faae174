/*
 * What is known of names.
 *
 * SPDX-License-Identifier: MIT
 */
#include "resolver/cache.h"

#include "base/alloc.h"

enum {
    FAILED_S = 3, /* until a question that failed is asked again */
    FAILED_MS = FAILED_S * 1000,
    UNTOLD_S = 10 /* how long nothing holds when no zone says */
};

static void unlink_entry(srf__cache_t *cache, srf__entry_t *entry)
{
    srf__entry_list_t *list = &cache->lists[entry->rank];

    *(entry->newer == NULL ? &list->newest : &entry->newer->older) =
        entry->older;
    *(entry->older == NULL ? &list->oldest : &entry->older->newer) =
        entry->newer;
    list->count--;
}

/* Who has too many of them has his new ones first among those that go. */
static bool is_surplus(const srf__entry_t *entry)
{
    return entry->rank != SRF__RANK_OWN && entry->share == NULL;
}

static void link_entry(srf__cache_t *cache, srf__entry_t *entry)
{
    srf__entry_list_t *list = &cache->lists[entry->rank];
    bool last = is_surplus(entry);

    entry->older = last ? NULL : list->newest;
    entry->newer = last ? list->oldest : NULL;
    *(entry->newer == NULL ? &list->newest : &entry->newer->older) = entry;
    *(entry->older == NULL ? &list->oldest : &entry->older->newer) = entry;
    list->count++;
}

static srf__hash128_t key_of(const srf__cache_t *cache, const char *name,
                             uint16_t type)
{
    srf__hasher_t hasher;

    srf__hasher_init(&hasher, &cache->key, true);
    srf__hasher_field(&hasher, srf__str_of(name));
    srf__hasher_update(&hasher, &type, sizeof(type));
    return srf__hasher_final(&hasher);
}

srf__entry_t *srf__cache_find(const srf__cache_t *cache, const char *name,
                              uint16_t type)
{
    return (srf__entry_t *)srf__map_get(&cache->map, key_of(cache, name, type));
}

srf__entry_t *srf__cache_add(srf__cache_t *cache, const char *name,
                             uint16_t type, const srf__hash128_t *who)
{
    size_t len = strlen(name);
    srf__entry_t *entry = srf__calloc(1, sizeof(*entry) + len + 1);

    if (entry == NULL)
        return NULL;
    entry->node.key = key_of(cache, name, type);
    if (srf__map_add(&cache->map, &entry->node) != 0) {
        srf__free(entry);
        return NULL;
    }
    entry->rank = who == NULL ? SRF__RANK_OWN : SRF__RANK_NEW;
    if (who != NULL)
        entry->share = srf__quota_take(&cache->shares, *who);
    entry->waits_end = &entry->waits;
    entry->type = type;
    entry->pins = 1;
    memcpy(entry->name, name, len + 1);
    return entry;
}

void srf__cache_use(srf__cache_t *cache, srf__entry_t *entry,
                    const srf__hash128_t *who)
{
    bool listed = entry->pins == 0;

    if (listed)
        unlink_entry(cache, entry);
    if (who == NULL) {
        entry->rank = SRF__RANK_OWN;
        srf__quota_give(&cache->shares, entry->share);
        entry->share = NULL;
    } else if (entry->rank == SRF__RANK_NEW && !is_surplus(entry)) {
        entry->rank = SRF__RANK_USED;
    }
    if (listed)
        link_entry(cache, entry);
}

static uint64_t lifetime_ms(const srf__cache_limits_t *limits,
                            const srf__records_t *records)
{
    uint32_t ttl_s = records->ttl_s;

    if (records->answer == SRF__ANSWER_FAILED) {
        ttl_s = FAILED_S;
    } else if (records->answer != SRF__ANSWER_FOUND) {
        ttl_s = ttl_s == UINT32_MAX              ? UNTOLD_S
                : ttl_s < limits->negative_ttl_s ? ttl_s
                                                 : limits->negative_ttl_s;
    } else {
        ttl_s = ttl_s > limits->max_ttl_s   ? limits->max_ttl_s
                : ttl_s < limits->min_ttl_s ? limits->min_ttl_s
                                            : ttl_s;
    }
    /* Those who asked must be able to use it. */
    return ttl_s == 0 ? 1000 : (uint64_t)ttl_s * 1000;
}

bool srf__cache_may_make_do(const srf__cache_t *cache,
                            const srf__entry_t *entry)
{
    return entry->records != NULL &&
           entry->records->answer == SRF__ANSWER_FOUND &&
           srf__wheel_now(cache->wheel) < entry->stale_ms;
}

/* A question that failed leaves what was known a while longer. */
bool srf__cache_keep(const srf__cache_t *cache, srf__entry_t *entry,
                     srf__records_t *records)
{
    uint64_t now = srf__wheel_now(cache->wheel);

    if (records->answer == SRF__ANSWER_FAILED &&
        srf__cache_may_make_do(cache, entry)) {
        entry->expires_ms = now + FAILED_MS;
        srf__records_free(records);
        return false;
    }
    srf__records_free(entry->records);
    entry->records = records;
    entry->expires_ms = now + lifetime_ms(&cache->limits, records);
    entry->stale_ms =
        entry->expires_ms + (uint64_t)cache->limits.stale_s * 1000;
    return true;
}

void srf__cache_pin(srf__cache_t *cache, srf__entry_t *entry)
{
    if (entry->pins++ == 0)
        unlink_entry(cache, entry);
}

void srf__cache_unpin(srf__cache_t *cache, srf__entry_t *entry)
{
    if (--entry->pins == 0)
        link_entry(cache, entry);
}

void srf__cache_drop(srf__cache_t *cache, srf__entry_t *entry)
{
    if (entry->pins == 0)
        unlink_entry(cache, entry);
    srf__map_remove(&cache->map, &entry->node);
    srf__quota_give(&cache->shares, entry->share);
    srf__records_free(entry->records);
    srf__free(entry);
}

/* The oldest of the lowest rank; but a quarter of the room is each rank's, so
 * that what comes now has some, however much there was before. */
static srf__entry_t *find_least(const srf__cache_t *cache)
{
    srf__entry_t *least = NULL;

    for (unsigned i = 0; i < SRF__RANKS; i++) {
        const srf__entry_list_t *list = &cache->lists[i];
        if (list->count > cache->limits.entries / 4)
            return list->oldest;
        if (least == NULL)
            least = list->oldest;
    }
    return least;
}

void srf__cache_trim(srf__cache_t *cache)
{
    while (cache->map.count > cache->limits.entries) {
        srf__entry_t *entry = find_least(cache);
        if (entry == NULL)
            return; /* all are needed */
        srf__cache_drop(cache, entry);
    }
}

void srf__cache_deinit(srf__cache_t *cache)
{
    srf__entry_t *entry;

    while ((entry = (srf__entry_t *)srf__map_any(&cache->map)) != NULL)
        srf__cache_drop(cache, entry);
    srf__map_deinit(&cache->map);
    srf__quota_deinit(&cache->shares);
}
