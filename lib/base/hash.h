/*
 * SipHash-1-3 with 64 and 128 bits: keyed, so that nobody without the key can
 * choose colliding input.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_HASH_H
#define SRF_HASH_H

#include "base/str.h"

#include <stdint.h>

typedef struct srf__hash_key {
    uint64_t k[2];
} srf__hash_key_t;

typedef struct srf__hash128 {
    uint64_t h[2];
} srf__hash128_t;

uint64_t srf__hash64(const srf__hash_key_t *key, const void *data, size_t len);

/* Incremental form: init, any number of updates and fields, final. Where
 * updates in a row are split does not matter; separators are the caller's
 * business. */
typedef struct srf__hasher {
    uint64_t v[4];
    uint64_t tail;  /* bytes not yet mixed, little end first */
    uint64_t total; /* bytes so far */
    bool wide;      /* 128-bit result */
} srf__hasher_t;

void srf__hasher_init(srf__hasher_t *hasher, const srf__hash_key_t *key,
                      bool wide);
void srf__hasher_update(srf__hasher_t *hasher, const void *data, size_t len);
/* Adds the length of `s`, then its bytes, filled up to a whole word, as is what
 * came before: adjacent fields cannot be confused. */
void srf__hasher_field(srf__hasher_t *hasher, srf__str_t s);
/* Adds like srf__hasher_field(), with ASCII letters in lower case. */
void srf__hasher_field_lower(srf__hasher_t *hasher, srf__str_t s);
/* Returns what srf__hasher_final() would give with 64 bits; more may follow. */
uint64_t srf__hasher_so_far(const srf__hasher_t *hasher);
/* Returns the hash; h[1] is 0 for a hasher that is not wide. */
srf__hash128_t srf__hasher_final(srf__hasher_t *hasher);

#endif /* SRF_HASH_H */
