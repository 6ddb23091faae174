/*
 * Recent calls.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/recent.h"

#include "base/alloc.h"

enum { FIRST_PLACES = 64 };

void srf__recent_init(srf__recent_t *recent, const srf__hash_key_t *key,
                      uint64_t life_ms)
{
    memset(recent, 0, sizeof(*recent));
    recent->key = key;
    recent->life_ms = life_ms;
}

static void clear(srf__recent_set_t *set)
{
    srf__free(set->hashes);
    memset(set, 0, sizeof(*set));
}

void srf__recent_deinit(srf__recent_t *recent)
{
    clear(&recent->sets[0]);
    clear(&recent->sets[1]);
}

/* What an INVITE, its 2xx and the ACK have in common, and nothing that a fork
 * behind us changes. Never 0. */
static uint64_t hash_of(const srf__recent_t *recent, const srf__facts_t *facts)
{
    srf__hasher_t hasher;

    srf__hasher_init(&hasher, recent->key, false);
    srf__hasher_field(&hasher, SRF__STR("recent"));
    srf__hasher_field(&hasher, srf__facts_str(facts, facts->call_id));
    srf__hasher_field(&hasher, srf__facts_str(facts, facts->from_tag));
    srf__hasher_update(&hasher, &facts->cseq, sizeof(facts->cseq));
    return srf__hasher_final(&hasher).h[0] | 1;
}

/* The place of a hash, or the free one where it would be. */
static uint64_t *place_of(const srf__recent_set_t *set, uint64_t hash)
{
    uint64_t at = hash >> 1;

    while (set->hashes[at & (set->cap - 1)] != 0 &&
           set->hashes[at & (set->cap - 1)] != hash)
        at++;
    return &set->hashes[at & (set->cap - 1)];
}

static bool has(const srf__recent_set_t *set, uint64_t hash)
{
    return set->count > 0 && *place_of(set, hash) != 0;
}

/* Half of the places stay free. */
static bool grow(srf__recent_set_t *set)
{
    srf__recent_set_t bigger = {
        .cap = set->cap == 0 ? FIRST_PLACES : set->cap * 2,
        .count = set->count,
    };

    bigger.hashes = srf__calloc(bigger.cap, sizeof(*bigger.hashes));
    if (bigger.hashes == NULL)
        return false;
    for (uint32_t i = 0; i < set->cap; i++) {
        if (set->hashes[i] != 0)
            *place_of(&bigger, set->hashes[i]) = set->hashes[i];
    }
    srf__free(set->hashes);
    *set = bigger;
    return true;
}

/* The young become old when their time is over, or there are too many. */
static void turn(srf__recent_t *recent, uint64_t now_ms)
{
    uint64_t age = now_ms - recent->since_ms;

    if (age < recent->life_ms && recent->sets[0].count < SRF__RECENT_MAX / 2)
        return;
    clear(&recent->sets[1]);
    if (age < 2 * recent->life_ms)
        recent->sets[1] = recent->sets[0];
    else
        clear(&recent->sets[0]);
    memset(&recent->sets[0], 0, sizeof(recent->sets[0]));
    recent->since_ms = now_ms;
}

void srf__recent_add(srf__recent_t *recent, const srf__facts_t *response,
                     uint64_t now_ms)
{
    srf__recent_set_t *young = &recent->sets[0];
    uint64_t hash = hash_of(recent, response);

    turn(recent, now_ms);
    if (has(young, hash) || (young->count * 2 >= young->cap && !grow(young)))
        return;
    *place_of(young, hash) = hash;
    young->count++;
}

bool srf__recent_has(srf__recent_t *recent, const srf__facts_t *ack,
                     uint64_t now_ms)
{
    if (recent->sets[0].count == 0 && recent->sets[1].count == 0)
        return false;
    turn(recent, now_ms);
    uint64_t hash = hash_of(recent, ack);
    return has(&recent->sets[0], hash) || has(&recent->sets[1], hash);
}
