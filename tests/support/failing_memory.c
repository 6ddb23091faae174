/*
 * Memory that fails when told.
 *
 * SPDX-License-Identifier: MIT
 */
#include "failing_memory.h"

#include "assertions.h"
#include "base/container.h"
#include "base/list.h"
#include "message/osip_bridge.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <osipparser2/osip_port.h>

failing_memory_t failing_memory;

static bool fails(void)
{
    failing_memory_t *memory = &failing_memory;

    memory->count++;
    return memory->fail_at > 0 && memory->count >= memory->fail_at &&
           memory->count < memory->fail_at + memory->in_a_row;
}

/* ---- libosip2 ---- */

/* It loses some of its own then (a parameter that it cannot put into its list):
 * what it leaves is swept up behind it. */
typedef struct block {
    struct block *next;
    struct block **link;
    max_align_t bytes[];
} block_t;

static block_t *blocks;

static void osip_try_free(void *ptr)
{
    if (ptr == NULL)
        return;
    block_t *block = srf__container_of(ptr, block_t, bytes);
    srf__list_remove(block);
    free(block);
}

static void *osip_try_realloc(void *ptr, size_t size)
{
    /* It only ever asks for new memory this way. */
    ck_assert_ptr_null(ptr);
    block_t *block = fails() ? NULL : malloc(sizeof(*block) + size);
    if (block == NULL)
        return NULL;
    srf__list_push(&blocks, block);
    return block->bytes;
}

static void *osip_try_malloc(size_t size)
{
    return osip_try_realloc(NULL, size);
}

/* ---- the library ---- */

static void *try_malloc(size_t size, void *data)
{
    (void)data;
    void *out = fails() ? NULL : malloc(size);
    failing_memory.live += out != NULL;
    return out;
}

static void *try_calloc(size_t count, size_t size, void *data)
{
    (void)data;
    void *out = fails() ? NULL : calloc(count, size);
    failing_memory.live += out != NULL;
    return out;
}

static void *try_realloc(void *ptr, size_t size, void *data)
{
    (void)data;
    void *out = fails() ? NULL : realloc(ptr, size);
    failing_memory.live += out != NULL && ptr == NULL;
    return out;
}

static void try_free(void *ptr, void *data)
{
    (void)data;
    failing_memory.live -= ptr != NULL;
    free(ptr);
}

void failing_memory_begin(void)
{
    static const srf_allocator_t allocator = {try_malloc, try_calloc,
                                              try_realloc, try_free, NULL};

    ck_assert_int_eq(srf__osip_init(), 0); /* keeps memory for ever */
    memset(&failing_memory, 0, sizeof(failing_memory));
    ck_assert_int_eq(srf_set_allocator(&allocator), 0);
    osip_set_allocators(osip_try_malloc, osip_try_realloc, osip_try_free);
}

void failing_memory_fail(unsigned long n, unsigned long in_a_row)
{
    failing_memory.count = 0;
    failing_memory.fail_at = n;
    failing_memory.in_a_row = in_a_row;
}

void failing_memory_end(void)
{
    while (blocks != NULL)
        osip_try_free(blocks->bytes);
    ck_assert_int_eq(srf_set_allocator(NULL), 0);
    osip_set_allocators(NULL, NULL, NULL);
}
