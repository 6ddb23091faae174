/*
 * What is known of names: an entry for each name and type. When there are too
 * many, those go first that nobody needed twice: so a stranger who invents
 * names does not drive out the names that calls use.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_CACHE_H
#define SRF_CACHE_H

#include "base/quota.h"
#include "base/wheel.h"
#include "resolver/records.h"

/* What speaks for an entry, the least first. */
typedef enum srf__rank {
    SRF__RANK_NEW = 0, /* the network chose the name, once */
    SRF__RANK_USED,    /* it was looked for again */
    SRF__RANK_OWN,     /* the program chose it */
    SRF__RANKS
} srf__rank_t;

typedef struct srf__entry {
    srf__map_node_t node;     /* first */
    struct srf__entry *newer; /* by use, of those with its rank; while nothing
                                 pins it */
    struct srf__entry *older;
    srf__records_t *records; /* NULL: none yet */
    uint64_t expires_ms;
    uint64_t stale_ms; /* the records may serve until then when asking fails */
    struct srf__wait *waits; /* the resolver's, in the order they came */
    struct srf__wait **waits_end;
    srf__share_t *share;    /* of whoever chose the name; NULL: the program, or
                               he has too many */
    srf__share_t *question; /* of whoever asked; NULL: the program */
    uint32_t pins;          /* of those that need it: it may not go */
    bool asked;             /* DNS is being asked */
    uint8_t rank;           /* srf__rank_t */
    uint16_t type;
    void *owner; /* the resolver */
    char name[];
} srf__entry_t;

typedef struct srf__entry_list {
    srf__entry_t *newest;
    srf__entry_t *oldest;
    uint32_t count;
} srf__entry_list_t;

typedef struct srf__cache_limits {
    uint32_t entries;
    uint32_t min_ttl_s; /* what is found holds that long at least */
    uint32_t max_ttl_s;
    uint32_t negative_ttl_s; /* what is not there holds that long at most */
    uint32_t stale_s; /* old records serve that long while none can be had */
} srf__cache_limits_t;

/* One filled with zeros but for `key`, `wheel`, `limits`, and the limits of
 * `shares` is valid. */
typedef struct srf__cache {
    srf__hash_key_t key;
    srf__wheel_t *wheel;
    srf__cache_limits_t limits;
    srf__map_t map;
    srf__entry_list_t lists[SRF__RANKS]; /* of what is not pinned */
    srf__quota_t shares;                 /* of what the network chose */
} srf__cache_t;

/* Returns the entry; NULL when there is none. */
srf__entry_t *srf__cache_find(const srf__cache_t *cache, const char *name,
                              uint16_t type);
/* A new one without records, pinned; `who` chose the name, NULL: the program.
 * NULL when memory is out. */
srf__entry_t *srf__cache_add(srf__cache_t *cache, const char *name,
                             uint16_t type, const srf__hash128_t *who);
/* Notes that it was looked for, by `who` as above. It comes last of its rank
 * again. */
void srf__cache_use(srf__cache_t *cache, srf__entry_t *entry,
                    const srf__hash128_t *who);

/* Takes the records over. False: asking failed, and the old ones serve on. */
bool srf__cache_keep(const srf__cache_t *cache, srf__entry_t *entry,
                     srf__records_t *records);
/* Records that are too old serve while nothing better can be had. */
bool srf__cache_may_make_do(const srf__cache_t *cache,
                            const srf__entry_t *entry);

void srf__cache_pin(srf__cache_t *cache, srf__entry_t *entry);
void srf__cache_unpin(srf__cache_t *cache, srf__entry_t *entry);
/* Drops an entry, whatever holds it. */
void srf__cache_drop(srf__cache_t *cache, srf__entry_t *entry);
/* Drops entries as far as pins allow, until there are not too many. */
void srf__cache_trim(srf__cache_t *cache);
void srf__cache_deinit(srf__cache_t *cache);

#endif /* SRF_CACHE_H */
