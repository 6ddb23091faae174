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

/* Fills up the word that is begun. */
static inline void fill_up(srf__hasher_t *hasher)
{
    unsigned waiting = (unsigned)(hasher->total & 7);

    if (waiting > 0)
        add_word(hasher, 0, 8 - waiting);
}

static inline uint32_t read_le32(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

/* The first bytes of a field, which stand beside its length in a word: four, or
 * all of fewer. */
static inline uint64_t read_beginning(const unsigned char *p, size_t len)
{
    uint64_t m = 0;

    if (len >= 4)
        return read_le32(p);
    for (size_t i = 0; i < len; i++)
        m |= (uint64_t)p[i] << (8 * i);
    return m;
}

/* The last bytes, behind whole words. */
static inline uint64_t read_end(const unsigned char *p, size_t len)
{
    unsigned left = (unsigned)(len + 4) & 7;

    return len >= 8 ? read_le64(p + len - 8) >> (64 - 8 * left)
                    : read_rest(p + 4, left, false);
}

/* With the capitals among eight bytes in lower case. */
static inline uint64_t lower_word(uint64_t m)
{
    const uint64_t ones = UINT64_MAX / 255;
    uint64_t low = m & ones * 0x7f;
    uint64_t from_a = low + ones * (0x80 - 'A');
    uint64_t beyond_z = low + ones * (0x80 - 'Z' - 1);

    return m | ((from_a & ~beyond_z & ~m & ones * 0x80) >> 2);
}

/* Whole words only, so that none has to be joined from two: zeros fill up the
 * last one, which the length tells from bytes of the field. */
static inline void add_field(srf__hasher_t *hasher, srf__str_t s, bool lower)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t at = 4;

    fill_up(hasher);
    uint64_t v[4] = {hasher->v[0], hasher->v[1], hasher->v[2], hasher->v[3]};
    uint64_t m = read_beginning(p, s.len);
    compress(v, (uint32_t)s.len | (lower ? lower_word(m) : m) << 32);
    for (; at + 8 <= s.len; at += 8) {
        m = read_le64(p + at);
        compress(v, lower ? lower_word(m) : m);
    }
    if (at < s.len) {
        m = read_end(p, s.len);
        compress(v, lower ? lower_word(m) : m);
    }
    for (unsigned i = 0; i < 4; i++)
        hasher->v[i] = v[i];
    hasher->total += (s.len + 4 + 7) / 8 * 8;
}

void srf__hasher_field(srf__hasher_t *hasher, srf__str_t s)
{
    add_field(hasher, s, false);
}

void srf__hasher_field_lower(srf__hasher_t *hasher, srf__str_t s)
{
    add_field(hasher, s, true);
}

uint64_t srf__hasher_so_far(const srf__hasher_t *hasher)
{
    uint64_t v[4] = {hasher->v[0], hasher->v[1], hasher->v[2], hasher->v[3]};

    compress(v, hasher->tail | hasher->total << 56);
    v[2] ^= 0xff;
    for (unsigned i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
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
