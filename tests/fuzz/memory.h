/*
 * Memory that fails when told, for targets with a whole stack.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_FUZZ_MEMORY_H
#define SRF_FUZZ_MEMORY_H

#include "fuzz.h"

#include "srf/srf.h"

typedef struct fuzz_memory {
    unsigned fail_in; /* 0: never */
    long live;        /* pieces that have not been given back */
} fuzz_memory_t;

static inline int fuzz_memory_fails(fuzz_memory_t *memory)
{
    return memory->fail_in > 0 && --memory->fail_in == 0;
}

static inline void *fuzz_malloc(size_t size, void *data)
{
    fuzz_memory_t *memory = data;
    void *out = fuzz_memory_fails(memory) ? NULL : malloc(size);

    memory->live += out != NULL;
    return out;
}

static inline void *fuzz_calloc(size_t count, size_t size, void *data)
{
    fuzz_memory_t *memory = data;
    void *out = fuzz_memory_fails(memory) ? NULL : calloc(count, size);

    memory->live += out != NULL;
    return out;
}

static inline void *fuzz_realloc(void *ptr, size_t size, void *data)
{
    fuzz_memory_t *memory = data;
    void *out = fuzz_memory_fails(memory) ? NULL : realloc(ptr, size);

    memory->live += out != NULL && ptr == NULL;
    return out;
}

static inline void fuzz_free(void *ptr, void *data)
{
    fuzz_memory_t *memory = data;

    memory->live -= ptr != NULL;
    free(ptr);
}

/* The library's memory comes from here, from the first call on. */
static inline void fuzz_memory_begin(fuzz_memory_t *memory)
{
    const srf_allocator_t allocator = {fuzz_malloc, fuzz_calloc, fuzz_realloc,
                                       fuzz_free, memory};

    FUZZ_CHECK(srf_set_allocator(&allocator) == 0);
}

#endif /* SRF_FUZZ_MEMORY_H */
