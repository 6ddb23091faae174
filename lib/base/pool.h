/*
 * A pool: small pieces, cut from pages that hold pieces of one size. Taking one
 * and giving it back costs some fifty instructions each, nothing is lost to
 * headers or between pieces, and the memory of a peak goes back to the system
 * when its pieces have been given back. Each stack has one; like the stack it
 * is for one thread at a time.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_POOL_H
#define SRF_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SRF__POOL_PAGE = 65536, /* bytes */
    /* Sizes are rounded up to a multiple of the fine step, larger ones to one
     * of the coarse step; what is larger still is the allocator's. */
    SRF__POOL_FINE = 8,
    SRF__POOL_FINE_MAX = 1024,
    SRF__POOL_COARSE = 128,
    SRF__POOL_MAX = 2048,
    /* From here on, tables: each has a mapping of its own, so that the system
     * gets it back whatever lies behind it. */
    SRF__POOL_LARGE = 65536,
    SRF__POOL_SIZES = SRF__POOL_FINE_MAX / SRF__POOL_FINE +
                      (SRF__POOL_MAX - SRF__POOL_FINE_MAX) / SRF__POOL_COARSE
};

typedef struct srf__pool {
    size_t bytes; /* taken and not given back */
    size_t pages; /* in use */
    /* Every piece is the allocator's where that is one of the program's, which
     * wants to see them, or where a sanitizer has to. */
    bool plain;
    struct srf__pool_page *roomy[SRF__POOL_SIZES]; /* pages with room */
    struct srf__pool_region *regions;              /* with unused pages */
    /* One region without a page in use is kept: else the next page might be
     * mapped when the last one has just been unmapped. */
    struct srf__pool_region *spare;
} srf__pool_t;

void srf__pool_init(srf__pool_t *pool);
/* Every piece must have been given back. */
void srf__pool_deinit(srf__pool_t *pool);

/* Takes a piece of `size` bytes, aligned to eight; NULL when memory is out.
 * Without a pool (NULL) it is the allocator's, and not counted. */
void *srf__pool_take(srf__pool_t *pool, size_t size);
/* Takes a piece that is filled with zeros. */
void *srf__pool_take_zeroed(srf__pool_t *pool, size_t size);
/* Gives it back; pool and size must be those it was taken with. NULL is
 * allowed. */
void srf__pool_give(srf__pool_t *pool, void *piece, size_t size);

#endif /* SRF_POOL_H */
