/*
 * The library's allocator, replaceable by srf_set_allocator(); and the arena,
 * many small pieces that are freed together.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_ALLOC_H
#define SRF_ALLOC_H

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

void *srf__malloc(size_t size);
void *srf__calloc(size_t count, size_t size);
void *srf__realloc(void *ptr, size_t size);
void srf__free(void *ptr);

/*
 * A gauge beside the allocator: bytes of messages alive, which are the larger
 * part of what a call takes. One per thread, as a stack belongs to one thread;
 * what is counted in is counted out again there. Counting every piece would
 * need its size when it is freed, which not every allocator can tell.
 */
extern _Thread_local int64_t srf__held;

static inline void srf__hold(size_t bytes)
{
    srf__held += (int64_t)bytes;
}

static inline void srf__let_go(size_t bytes)
{
    srf__held -= (int64_t)bytes;
}

/*
 * An arena: pieces come from a chain of blocks. An arena filled with zeros is
 * empty and valid. Pieces are aligned for any type.
 */
typedef struct srf__arena {
    struct srf__arena_block *blocks;
} srf__arena_t;

/* Returns `size` bytes (not zeroed), or NULL when memory is out. */
void *srf__arena_alloc(srf__arena_t *arena, size_t size);
/* Copies a view and NUL-terminates the copy; NULL when memory is out. */
char *srf__arena_strdup(srf__arena_t *arena, srf__str_t text);
/* Frees every piece; the arena is empty and valid again. */
void srf__arena_deinit(srf__arena_t *arena);

#endif /* SRF_ALLOC_H */
