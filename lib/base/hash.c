/*
 * SipHash-1-3: one round for each word, three at the end, which is what hash
 * tables of many languages use; SipHash-2-4 cost a call 700 instructions more.
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
    v[0] ^= m;
}

static inline uint64_t read_le64(const unsigned char *p)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t m;

    memcpy(&m, p, sizeof(m));
    return m;
#else
    uint64_t m = 0;

    for (unsigned i = 0; i < 8; i++)
        m |= (uint64_t)p[i] << (8 * i);
    return m;
#endif
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

/* Adds `n` bytes, 8 at the most, that stand in the low end of `m`. */
static inline void add_word(srf__hasher_t *hasher, uint64_t m, unsigned n)
{
    unsigned waiting = (unsigned)(hasher->total & 7);
    uint64_t joined = hasher->tail | m << (8 * waiting);

    hasher->total += n;
    if (waiting + n < 8) {
        hasher->tail = joined;
        return;
    }
    compress(hasher->v, joined);
    hasher->tail = waiting == 0 ? 0 : m >> (64 - 8 * waiting);
}

/* Up to 7 bytes as a word. When more lie before them, one read that overlaps
 * does it. */
static inline uint64_t read_rest(const unsigned char *p, size_t len,
                                 bool more_before)
{
    uint64_t m = 0;

    if (more_before)
        return read_le64(p + len - 8) >> (64 - 8 * len);
    for (size_t i = 0; i < len; i++)
        m |= (uint64_t)p[i] << (8 * i);
    return m;
}

void srf__hasher_update(srf__hasher_t *hasher, const void *data, size_t len)
{
    const unsigned char *p = data;
    size_t left = len;

    for (; left >= 8; left -= 8, p += 8)
        add_word(hasher, read_le64(p), 8);
    if (left > 0)
        add_word(hasher, read_rest(p, left, len >= 8), (unsigned)left);
}

static void add_length(srf__hasher_t *hasher, size_t len)
{
    add_word(hasher, (uint32_t)len, 4);
}

void srf__hasher_field(srf__hasher_t *hasher, srf__str_t s)
{
    add_length(hasher, s.len);
    srf__hasher_update(hasher, s.p, s.len);
}

void srf__hasher_field_lower(srf__hasher_t *hasher, srf__str_t s)
{
    unsigned char word[8];

    add_length(hasher, s.len);
    for (size_t at = 0; at < s.len; at += sizeof(word)) {
        size_t n = s.len - at < sizeof(word) ? s.len - at : sizeof(word);
        for (size_t i = 0; i < n; i++)
            word[i] = srf__lower((unsigned char)s.p[at + i]);
        srf__hasher_update(hasher, word, n);
    }
}

srf__hash128_t srf__hasher_final(srf__hasher_t *hasher)
{
    uint64_t *v = hasher->v;
    srf__hash128_t out = {{0, 0}};

    compress(v, hasher->tail | hasher->total << 56);
    v[2] ^= hasher->wide ? 0xee : 0xff;
    for (unsigned i = 0; i < 3; i++)
        sip_round(v);
    out.h[0] = v[0] ^ v[1] ^ v[2] ^ v[3];
    if (!hasher->wide)
        return out;
    v[1] ^= 0xdd;
    for (unsigned i = 0; i < 3; i++)
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
