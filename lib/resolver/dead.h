/*
 * Addresses that did not answer. They are tried last for a while, so that the
 * next call does not pay for them again (RFC 3263 §4.3 leaves that to us).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_DEAD_H
#define SRF_DEAD_H

#include "base/map.h"
#include "base/wheel.h"
#include "resolver/select.h"

typedef struct srf__dead {
    srf__wheel_t *wheel;
    srf__hash_key_t key;
    srf__map_t map;
    struct srf__dead_entry *oldest; /* by when they were marked */
    struct srf__dead_entry *newest;
    uint32_t hold_ms; /* 0: nothing is remembered */
} srf__dead_t;

enum { SRF__DEAD_MAX = 4096 }; /* the oldest is forgotten then */

void srf__dead_init(srf__dead_t *dead, srf__wheel_t *wheel,
                    const srf__hash_key_t *key, uint32_t hold_ms);
void srf__dead_deinit(srf__dead_t *dead);

/* Notes that the address did not answer; the second, that it did. */
void srf__dead_mark(srf__dead_t *dead, const srf__addr_t *addr);
void srf__dead_clear(srf__dead_t *dead, const srf__addr_t *addr);
bool srf__dead_is(const srf__dead_t *dead, const srf__addr_t *addr);

/* Puts those that are dead last, and changes nothing else. */
void srf__dead_order(const srf__dead_t *dead, srf__hops_t *hops);

#endif /* SRF_DEAD_H */
