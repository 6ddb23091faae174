/*
 * How much each source asks for: a bucket for every IPv4 address and every /64
 * of IPv6, which is what one site has (RFC 6177). Their number is fixed, so
 * that many sources take no more memory than few: where there are more, those
 * that asked least of late are forgotten, which is in their favour.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_SOURCES_H
#define SRF_SOURCES_H

#include "base/hash.h"
#include "transport/cidr.h"

/* What is asked for; each has its own bucket. */
typedef enum srf__work {
    SRF__WORK_NEW,    /* outside a dialog */
    SRF__WORK_DIALOG, /* inside one: eight times as much, for a call that is let
                         in makes several */
    SRF__WORK_COUNT
} srf__work_t;

typedef struct srf__sources {
    struct srf__source_set *sets; /* NULL: there is no limit */
    srf__hash_key_t key;
    uint64_t interval_ns[SRF__WORK_COUNT]; /* between two requests */
    uint64_t tolerance_ns;                 /* so much sooner one may come */
    srf_cidr_t *exempt;
    size_t exempt_count;
    uint64_t limited;      /* requests above the rate */
    uint64_t told_ms;      /* when that was logged last */
    uint64_t told_limited; /* `limited` then */
    uint64_t hot_until_ms;
    bool hot; /* a source was above its rate a short time ago */
} srf__sources_t;

/* `rate` requests per second and source, 0: no limit; `burst` of them may come
 * at once. `exempt`: ranges without a limit, NULL-terminated; may be NULL. 0;
 * SRF_ERR_INVALID_ARGUMENT for a range that is none; SRF_ERR_NO_MEMORY. */
int srf__sources_init(srf__sources_t *sources, const srf__hash_key_t *key,
                      uint32_t rate, uint32_t burst, const char *const *exempt);
void srf__sources_deinit(srf__sources_t *sources);

/* Takes a request out of the source's bucket; how many milliseconds too soon it
 * came, 0 for in time. Above `credit_ms` it was not taken, but counted as above
 * the rate. */
uint32_t srf__sources_take(srf__sources_t *sources, const srf__addr_t *peer,
                           srf__work_t work, uint64_t now_ms,
                           uint32_t credit_ms);
/* Whether a new request from there would be too soon. */
bool srf__sources_is_above(srf__sources_t *sources, const srf__addr_t *peer,
                           uint64_t now_ms);
/* Counts a request that was. */
void srf__sources_note(srf__sources_t *sources, uint64_t now_ms);

#endif /* SRF_SOURCES_H */
