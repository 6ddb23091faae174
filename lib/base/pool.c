/*
 * The pool. Regions come from the system, and are cut into pages whose address
 * is a multiple of their size: so a piece leads to its page.
 *
 * SPDX-License-Identifier: MIT
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */

#include "base/pool.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/list.h"

#include <string.h>
#include <sys/mman.h>

/* What a page is too small for at its end is lost, in one of 16 KiB five
 * percent with pieces of 744 bytes. What was never used of a page costs
 * nothing. */
enum { PAGE_BYTES = SRF__POOL_PAGE, REGION_PAGES = 16 };

typedef struct srf__pool_region region_t;
typedef struct srf__pool_page page_t;

/* A piece that was given back. */
typedef struct hole {
    struct hole *next;
} hole_t;

/* At the beginning of each page. */
struct srf__pool_page {
    region_t *region;
    page_t *next;   /* of those with room for the same size, or unused */
    page_t **link;  /* what points to us; NULL when there is no room */
    hole_t *holes;  /* pieces given back */
    uint16_t used;  /* pieces taken */
    uint16_t fresh; /* pieces from here on were never taken */
    uint16_t count; /* pieces there are */
    uint16_t size;  /* of a piece */
};

enum { FIRST_PIECE = sizeof(page_t) };

struct srf__pool_region {
    region_t *next;
    region_t **link;
    char *mapped;
    char *first;     /* page */
    page_t *unused;  /* pages given back */
    uint16_t used;   /* pages */
    uint16_t fresh;  /* pages from here on were never used */
    bool has_unused; /* it is on pool->regions */
};

/* ---- sizes ---- */

static unsigned index_of(size_t size)
{
    if (size <= SRF__POOL_FINE_MAX)
        return size == 0 ? 0 : (unsigned)(size - 1) / SRF__POOL_FINE;
    return SRF__POOL_FINE_MAX / SRF__POOL_FINE +
           (unsigned)(size - 1 - SRF__POOL_FINE_MAX) / SRF__POOL_COARSE;
}

static unsigned piece_bytes(unsigned index)
{
    enum { FINE = SRF__POOL_FINE_MAX / SRF__POOL_FINE };

    if (index < FINE)
        return (index + 1) * SRF__POOL_FINE;
    return SRF__POOL_FINE_MAX + (index + 1 - FINE) * SRF__POOL_COARSE;
}

/* ---- regions ---- */

static void *map_bytes(size_t size)
{
    void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return mapped == MAP_FAILED ? NULL : mapped;
}

static void link_region(srf__pool_t *pool, region_t *region)
{
    region->has_unused = true;
    srf__list_push(&pool->regions, region);
}

static void unlink_region(region_t *region)
{
    region->has_unused = false;
    srf__list_remove(region);
}

static size_t mapped_bytes(void)
{
    return (size_t)(REGION_PAGES + 1) * PAGE_BYTES;
}

static bool open_region(srf__pool_t *pool)
{
    region_t *region = srf__calloc(1, sizeof(*region));

    if (region == NULL)
        return false;
    void *mapped = map_bytes(mapped_bytes());
    if (mapped == NULL) {
        srf__free(region);
        return false;
    }
    region->mapped = mapped;
    region->first =
        region->mapped + (PAGE_BYTES - (uintptr_t)mapped % PAGE_BYTES);
    link_region(pool, region);
    return true;
}

static void close_region(region_t *region)
{
    unlink_region(region);
    (void)munmap(region->mapped, mapped_bytes());
    srf__free(region);
}

/* ---- pages ---- */

static page_t *take_page(srf__pool_t *pool)
{
    if (pool->regions == NULL && !open_region(pool))
        return NULL;
    region_t *region = pool->regions;
    page_t *page = region->unused;
    if (page != NULL)
        region->unused = page->next;
    else
        page = (page_t *)(void *)(region->first +
                                  (size_t)region->fresh++ * PAGE_BYTES);
    region->used++;
    pool->pages++;
    if (pool->spare == region)
        pool->spare = NULL;
    if (region->unused == NULL && region->fresh == REGION_PAGES)
        unlink_region(region);
    page->region = region;
    return page;
}

static void give_page(srf__pool_t *pool, page_t *page)
{
    region_t *region = page->region;

    page->next = region->unused;
    region->unused = page;
    region->used--;
    pool->pages--;
    if (!region->has_unused)
        link_region(pool, region);
    if (region->used > 0)
        return;
    if (pool->spare != NULL || pool->pages == 0)
        close_region(region);
    else
        pool->spare = region;
    if (pool->pages == 0 && pool->spare != NULL) {
        close_region(pool->spare);
        pool->spare = NULL;
    }
}

static void link_page(srf__pool_t *pool, page_t *page)
{
    page_t **roomy = &pool->roomy[index_of(page->size)];

    srf__list_push(roomy, page);
}

static void unlink_page(page_t *page)
{
    srf__list_remove(page);
    page->link = NULL;
}

static page_t *open_page(srf__pool_t *pool, unsigned index)
{
    page_t *page = take_page(pool);

    if (page == NULL)
        return NULL;
    page->holes = NULL;
    page->used = 0;
    page->fresh = 0;
    page->size = (uint16_t)piece_bytes(index);
    page->count = (uint16_t)((PAGE_BYTES - FIRST_PIECE) / page->size);
    link_page(pool, page);
    return page;
}

static page_t *page_of(void *piece)
{
    return (page_t *)(void *)((char *)piece - (uintptr_t)piece % PAGE_BYTES);
}

/* ---- pieces ---- */

static void *take_from(page_t *page)
{
    hole_t *hole = page->holes;

    if (++page->used == page->count)
        unlink_page(page);
    if (hole == NULL)
        return (char *)page + FIRST_PIECE + (size_t)page->fresh++ * page->size;
    page->holes = hole->next;
    return hole;
}

static bool is_pooled(const srf__pool_t *pool, size_t size)
{
    return pool != NULL && !pool->plain && size <= SRF__POOL_MAX;
}

static bool is_mapped(const srf__pool_t *pool, size_t size)
{
    return pool != NULL && !pool->plain && size >= SRF__POOL_LARGE;
}

void *srf__pool_take(srf__pool_t *pool, size_t size)
{
    void *piece;

    if (is_pooled(pool, size)) {
        unsigned index = index_of(size);
        page_t *page = pool->roomy[index];
        if (page == NULL)
            page = open_page(pool, index);
        piece = page == NULL ? NULL : take_from(page);
    } else if (is_mapped(pool, size)) {
        piece = map_bytes(size);
    } else {
        piece = srf__malloc(size);
    }
    if (pool != NULL && piece != NULL)
        pool->bytes += size;
    return piece;
}

void *srf__pool_take_zeroed(srf__pool_t *pool, size_t size)
{
    void *piece = srf__pool_take(pool, size);

    if (piece != NULL && !is_mapped(pool, size)) /* which is zeros */
        memset(piece, 0, size);
    return piece;
}

void srf__pool_give(srf__pool_t *pool, void *piece, size_t size)
{
    if (piece == NULL)
        return;
    if (pool != NULL) {
        srf__assert(pool->bytes >= size);
        pool->bytes -= size;
    }
    if (is_mapped(pool, size)) {
        (void)munmap(piece, size);
        return;
    }
    if (!is_pooled(pool, size)) {
        srf__free(piece);
        return;
    }
    page_t *page = page_of(piece);
    hole_t *hole = piece;
    srf__assert(page->used > 0 && index_of(size) == index_of(page->size));
    hole->next = page->holes;
    page->holes = hole;
    if (page->link == NULL)
        link_page(pool, page);
    if (--page->used == 0) {
        unlink_page(page);
        give_page(pool, page);
    }
}

/* ---- the pool ---- */

void srf__pool_init(srf__pool_t *pool)
{
    memset(pool, 0, sizeof(*pool));
    pool->plain = SRF__SANITIZED || !srf__alloc_is_libc();
}

void srf__pool_deinit(srf__pool_t *pool)
{
    srf__assert(pool->bytes == 0);
    srf__assert(pool->regions == NULL);
    (void)pool;
}
