/*
 * Random numbers.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/random.h"

#include "base/error.h"
#include "base/hash.h"

#include <openssl/rand.h>

/* SplitMix64: good enough to test with, and the same everywhere. */
static uint64_t next_test_value(srf__random_t *random)
{
    uint64_t z = random->test_state += 0x9e3779b97f4a7c15ull;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

/* The generator failed after it had worked: the old pool, hashed with itself,
 * gives values that at least do not repeat. */
static void stretch(srf__random_t *random)
{
    srf__hash_key_t key;

    memcpy(&key, random->pool, sizeof(key));
    for (size_t i = 0; i < sizeof(random->pool); i += sizeof(uint64_t)) {
        key.k[0]++;
        uint64_t value = srf__hash64(&key, random->pool, sizeof(random->pool));
        memcpy(random->pool + i, &value, sizeof(value));
    }
}

static void refill(srf__random_t *random)
{
    random->used = 0;
    if (random->test_state != 0) {
        for (size_t i = 0; i < sizeof(random->pool); i += sizeof(uint64_t)) {
            uint64_t value = next_test_value(random);
            memcpy(random->pool + i, &value, sizeof(value));
        }
    } else if (RAND_bytes(random->pool, sizeof(random->pool)) != 1) {
        stretch(random);
    }
}

int srf__random_init(srf__random_t *random)
{
    memset(random, 0, sizeof(*random));
    return RAND_bytes(random->pool, sizeof(random->pool)) == 1 ? 0
                                                               : SRF_ERR_RANDOM;
}

void srf__random_init_seeded(srf__random_t *random, uint64_t seed)
{
    memset(random, 0, sizeof(*random));
    random->test_state = seed == 0 ? 1 : seed;
    random->used = sizeof(random->pool); /* filled when it is needed */
}

void srf__random_bytes(srf__random_t *random, void *out, size_t len)
{
    unsigned char *p = out;

    while (len > 0) {
        if (random->used == sizeof(random->pool))
            refill(random);
        size_t n = sizeof(random->pool) - random->used;
        if (n > len)
            n = len;
        memcpy(p, random->pool + random->used, n);
        random->used += n;
        p += n;
        len -= n;
    }
}

uint32_t srf__random_u32(srf__random_t *random)
{
    uint32_t value;

    srf__random_bytes(random, &value, sizeof(value));
    return value;
}

uint64_t srf__random_u64(srf__random_t *random)
{
    uint64_t value;

    srf__random_bytes(random, &value, sizeof(value));
    return value;
}
