/*
 * The library's allocator, replaceable by srf_set_allocator(); and the arena,
 * many small pieces that are freed together.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_ALLOC_H
#define SRF_ALLOC_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *srf__malloc(size_t size);
void *srf__calloc(size_t count, size_t size);
void *srf__realloc(void *ptr, size_t size);
void srf__free(void *ptr);

/* Whether it is that of the C library, and nobody asked for another one. */
bool srf__alloc_is_libc(void);

/* A sanitizer wants to see each piece by itself. */
#if defined(__SANITIZE_ADDRESS__)
# define SRF__SANITIZED true
#elif defined(__has_feature)
# if __has_feature(address_sanitizer)
#  define SRF__SANITIZED true
# endif
#endif
#if !defined(SRF__SANITIZED)
# define SRF__SANITIZED false
#endif

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
