/*
 * SipHash-2-4.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/hash.h"

static inline uint64_t rotl(uint64_t x, unsigned b)
{
    return x << b | x >> (64 - b);
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[0] = rotl(v[0], 32);
    v[2] += v[3];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[2] = rotl(v[2], 32);
}

static inline void compress(uint64_t v[4], uint64_t m)
{
    v[3] ^= m;
    sip_round(v);
    sip_round(v);
    v[0] ^= m;
}

static inline uint64_t read_le64(const unsigned char *p)
{
    uint64_t m = 0;

    for (unsigned i = 0; i < 8; i++)
        m |= (uint64_t)p[i] << (8 * i);
    return m;
}

void srf__hasher_init(srf__hasher_t *hasher, const srf__hash_key_t *key,
                      bool wide)
{
    hasher->v[0] = key->k[0] ^ 0x736f6d6570736575ull;
    hasher->v[1] = key->k[1] ^ 0x646f72616e646f6dull ^ (wide ? 0xee : 0);
    hasher->v[2] = key->k[0] ^ 0x6c7967656e657261ull;
    hasher->v[3] = key->k[1] ^ 0x7465646279746573ull;
    hasher->tail = 0;
    hasher->total = 0;
    hasher->wide = wide;
}

static inline void add_byte(srf__hasher_t *hasher, unsigned char c)
{
    hasher->tail |= (uint64_t)c << (8 * (hasher->total & 7));
    hasher->total++;
    if ((hasher->total & 7) == 0) {
        compress(hasher->v, hasher->tail);
        hasher->tail = 0;
    }
}

void srf__hasher_update(srf__hasher_t *hasher, const void *data, size_t len)
{
    const unsigned char *p = data;
    unsigned shift = 8 * (unsigned)(hasher->total & 7);

    /* Whole words, joined with the bytes that wait. */
    while (len >= 8) {
        uint64_t m = read_le64(p);
        compress(hasher->v, hasher->tail | m << shift);
        hasher->tail = shift == 0 ? 0 : m >> (64 - shift);
        hasher->total += 8;
        p += 8;
        len -= 8;
    }
    while (len-- > 0)
        add_byte(hasher, *p++);
}

static void add_length(srf__hasher_t *hasher, size_t len)
{
    uint32_t prefix = (uint32_t)len;

    srf__hasher_update(hasher, &prefix, sizeof(prefix));
}

void srf__hasher_field(srf__hasher_t *hasher, srf__str_t s)
{
    add_length(hasher, s.len);
    srf__hasher_update(hasher, s.p, s.len);
}

void srf__hasher_field_lower(srf__hasher_t *hasher, srf__str_t s)
{
    add_length(hasher, s.len);
    for (size_t i = 0; i < s.len; i++)
        add_byte(hasher, srf__lower((unsigned char)s.p[i]));
}

srf__hash128_t srf__hasher_final(srf__hasher_t *hasher)
{
    uint64_t *v = hasher->v;
    srf__hash128_t out = {{0, 0}};

    compress(v, hasher->tail | hasher->total << 56);
    v[2] ^= hasher->wide ? 0xee : 0xff;
    for (unsigned i = 0; i < 4; i++)
        sip_round(v);
    out.h[0] = v[0] ^ v[1] ^ v[2] ^ v[3];
    if (!hasher->wide)
        return out;
    v[1] ^= 0xdd;
    for (unsigned i = 0; i < 4; i++)
        sip_round(v);
    out.h[1] = v[0] ^ v[1] ^ v[2] ^ v[3];
    return out;
}

uint64_t srf__hash64(const srf__hash_key_t *key, const void *data, size_t len)
{
    srf__hasher_t hasher;

    srf__hasher_init(&hasher, key, false);
    srf__hasher_update(&hasher, data, len);
    return srf__hasher_final(&hasher).h[0];
}
