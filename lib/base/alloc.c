/*
 * The library's allocator, and arenas.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/alloc.h"

#include "srf/srf.h"

#include <stddef.h>
#include <stdlib.h>

static void *libc_malloc(size_t size, void *data)
{
    (void)data;
    return malloc(size);
}

static void *libc_calloc(size_t count, size_t size, void *data)
{
    (void)data;
    return calloc(count, size);
}

static void *libc_realloc(void *ptr, size_t size, void *data)
{
    (void)data;
    return realloc(ptr, size);
}

static void libc_free(void *ptr, void *data)
{
    (void)data;
    free(ptr);
}

static const srf_allocator_t libc_allocator = {
    libc_malloc, libc_calloc, libc_realloc, libc_free, NULL,
};

static srf_allocator_t current = {
    libc_malloc, libc_calloc, libc_realloc, libc_free, NULL,
};

int srf_set_allocator(const srf_allocator_t *allocator)
{
    if (allocator == NULL) {
        current = libc_allocator;
        return 0;
    }
    if (allocator->malloc_fn == NULL || allocator->calloc_fn == NULL ||
        allocator->realloc_fn == NULL || allocator->free_fn == NULL)
        return SRF_ERR_INVALID_ARGUMENT;
    current = *allocator;
    return 0;
}

bool srf__alloc_is_libc(void)
{
    return current.malloc_fn == libc_malloc;
}

void *srf__malloc(size_t size)
{
    return current.malloc_fn(size, current.data);
}

void *srf__calloc(size_t count, size_t size)
{
    return current.calloc_fn(count, size, current.data);
}

void *srf__realloc(void *ptr, size_t size)
{
    return current.realloc_fn(ptr, size, current.data);
}

void srf__free(void *ptr)
{
    if (ptr != NULL)
        current.free_fn(ptr, current.data);
}

void srf_free(void *ptr)
{
    srf__free(ptr);
}

struct srf__arena_block {
    struct srf__arena_block *next;
    size_t used;
    size_t size;
    max_align_t bytes[];
};

/* Small enough for the fast path of the usual allocators. */
enum { ARENA_BLOCK_BYTES = 512 };

void *srf__arena_alloc(srf__arena_t *arena, size_t size)
{
    struct srf__arena_block *block = arena->blocks;
    size_t rounded =
        (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);

    if (rounded < size || rounded > SIZE_MAX - sizeof(*block))
        return NULL;
    if (block == NULL || block->size - block->used < rounded) {
        size_t room = rounded < ARENA_BLOCK_BYTES ? ARENA_BLOCK_BYTES : rounded;
        block = srf__malloc(sizeof(*block) + room);
        if (block == NULL)
            return NULL;
        block->next = arena->blocks;
        block->used = 0;
        block->size = room;
        arena->blocks = block;
    }
    char *out = (char *)block->bytes + block->used;
    block->used += rounded;
    return out;
}

char *srf__arena_strdup(srf__arena_t *arena, srf__str_t text)
{
    char *out = srf__arena_alloc(arena, text.len + 1);

    if (out == NULL)
        return NULL;
    if (text.len > 0)
        memcpy(out, text.p, text.len);
    out[text.len] = '\0';
    return out;
}

void srf__arena_deinit(srf__arena_t *arena)
{
    while (arena->blocks != NULL) {
        struct srf__arena_block *block = arena->blocks;
        arena->blocks = block->next;
        srf__free(block);
    }
}
