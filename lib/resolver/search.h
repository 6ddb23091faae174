/*
 * What a search sees of the cache while a selection runs, and what is asked for
 * it; the inside of the resolver.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_SEARCH_H
#define SRF_SEARCH_H

#include "base/quota.h"
#include "resolver/found.h"
#include "resolver/resolver.h"

enum {
    SRF__NAME_BYTES = 256,
    SRF__WAITS_MAX = 64, /* answers that one search waits for at a time */
    SRF__HELD_MAX = 144, /* entries that it may hold; a selection has fewer */
    /* Questions that are open; those of names that the network chose; and of
     * one source, for each name it may look for. There are 65,536 ids. */
    SRF__QUESTIONS_MAX = 16384,
    SRF__QUESTIONS_OF_NETWORK = 8192,
    SRF__QUESTIONS_PER_NAME = 8
};

typedef struct srf__search srf__search_t;

/* A search waits for an answer. */
typedef struct srf__wait {
    struct srf__wait *next; /* of the entry */
    struct srf__wait **link;
    srf__entry_t *entry;
    srf__search_t *search;
} srf__wait_t;

/* Whoever waits for a search. */
struct srf__lookup {
    srf__resolver_t *resolver;
    srf__search_t *search; /* NULL: it is over, and they are being told */
    srf__lookup_t *next;
    srf__lookup_t **link;
    uint64_t seed;
    srf__lookup_cb cb;
    void *arg;
    bool by_network;
};

struct srf__search {
    srf__map_node_t node; /* first; its key is all that it depends on */
    srf__resolver_t *resolver;
    srf__lookup_t *lookups; /* in the order in which they came */
    srf__lookup_t **lookups_end;
    srf__lookup_spec_t spec; /* of the first; its source is `source` */
    srf__addr_t source;      /* no family: the program chose the name */
    srf__hash128_t who;      /* the same, for quotas */
    srf__share_t *share;     /* NULL: the program's */
    uint64_t begun_ms;
    srf__wait_t waits[SRF__WAITS_MAX];
    unsigned wait_count;
    srf__entry_t *held[SRF__HELD_MAX]; /* what it has seen so far */
    unsigned held_count;
    srf__uri_t uri; /* without anything but what selections look at */
    char host[SRF__NAME_BYTES];
};

struct srf__resolver {
    srf__resolver_env_t env;
    srf__hash_key_t key;
    srf__cache_t cache;
    srf__found_t found;
    /* Of names that the program chose, and of those that the network chose. */
    srf__dead_t dead;
    srf__dead_t dead_of_network;
    srf__map_t searches;
    srf__quota_t sources;   /* searches of the network */
    srf__quota_t questions; /* of these */
    uint32_t asking;        /* questions that are open */
    srf__resolver_counters_t counters;
};

/* A selection under way: the entries it looks at may not go. */
typedef struct srf__view {
    srf__resolver_t *resolver;
    srf__search_t *search;     /* NULL: nothing is asked */
    const srf__hash128_t *who; /* chose the name; NULL: the program */
    uint64_t since_ms;         /* what held then holds */
    uint64_t expires_ms;       /* of the first of them */
    bool makes_do;             /* with what there is, however old */
    bool failed;               /* memory was out */
    bool limited;              /* something may not be asked */
    bool added;                /* entries that no answer will come for */
} srf__view_t;

/* A selection over what the view shows; asks for what is missing when it has a
 * search, which waits for that. As srf__select(), or SRF_ERR_NO_MEMORY. */
int srf__view_select(srf__view_t *view, const srf__uri_t *uri,
                     const srf__lookup_spec_t *spec, srf__servers_t *out);
/* Records have come for an entry: transferred. */
void srf__view_keep(srf__entry_t *entry, srf__records_t *records);
/* resolver.c: the answer to what was asked for an entry, `arg`. */
void srf__search_answered(void *arg, srf__records_t *records);

#endif /* SRF_SEARCH_H */
