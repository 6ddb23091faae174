/*
 * A histogram of times with 32 buckets for each power of two, so that a
 * quantile is right within 3 %; counting is a handful of instructions.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_BENCH_LOAD_LATENCY_H
#define SRF_BENCH_LOAD_LATENCY_H

#include <stdint.h>

enum { LATENCY_SUB_BITS = 5, LATENCY_BUCKETS = 60 << LATENCY_SUB_BITS };

typedef struct latency {
    uint64_t count;
    uint64_t max_ns;
    uint32_t buckets[LATENCY_BUCKETS];
} latency_t;

static inline unsigned latency_bucket(uint64_t ns)
{
    unsigned sub = 1u << LATENCY_SUB_BITS;

    if (ns < sub)
        return (unsigned)ns;
    unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - LATENCY_SUB_BITS;
    return ((shift + 1) << LATENCY_SUB_BITS) + ((unsigned)(ns >> shift) - sub);
}

/* The middle of a bucket. */
static inline double latency_of_bucket(unsigned bucket)
{
    unsigned sub = 1u << LATENCY_SUB_BITS;

    if (bucket < 2 * sub)
        return bucket;
    unsigned shift = (bucket >> LATENCY_SUB_BITS) - 1;
    return ((double)(sub + (bucket & (sub - 1))) + 0.5) *
           (double)(1ull << shift);
}

static inline void latency_add(latency_t *latency, uint64_t ns)
{
    latency->count++;
    latency->buckets[latency_bucket(ns)]++;
    if (ns > latency->max_ns)
        latency->max_ns = ns;
}

/* In microseconds; 0 when nothing was counted. */
static inline double latency_quantile_us(const latency_t *latency,
                                         double quantile)
{
    double wanted = quantile * (double)latency->count;
    double seen = 0;

    for (unsigned i = 0; i < LATENCY_BUCKETS && latency->count != 0; i++) {
        seen += latency->buckets[i];
        if (seen >= wanted && latency->buckets[i] != 0)
            return latency_of_bucket(i) / 1000;
    }
    return 0;
}

#endif
