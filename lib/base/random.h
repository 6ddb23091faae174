/*
 * Random numbers from OpenSSL, drawn from a small pool so that one call to
 * the generator serves many small requests.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_RANDOM_H
#define SRF_RANDOM_H

#include <stddef.h>
#include <stdint.h>

enum { SRF__RANDOM_POOL_BYTES = 512 };

typedef struct srf__random {
    unsigned char pool[SRF__RANDOM_POOL_BYTES];
    size_t used;
    /* When it is not 0, the sequence follows from this seed. */
    uint64_t test_state;
} srf__random_t;

/* Fills the pool. 0, or SRF_ERR_RANDOM. */
int srf__random_init(srf__random_t *random);
/* Begins a sequence that can be repeated: for tests, and for what must come out
 * the same each time. */
void srf__random_init_seeded(srf__random_t *random, uint64_t seed);
/* Fills `out`. When the generator fails later on, the pool is stretched with
 * a keyed hash of itself rather than reporting an error (a branch must be
 * unique more than it must be unpredictable). */
void srf__random_bytes(srf__random_t *random, void *out, size_t len);
uint32_t srf__random_u32(srf__random_t *random);
uint64_t srf__random_u64(srf__random_t *random);

#endif /* SRF_RANDOM_H */
