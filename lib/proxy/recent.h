/*
 * Recent calls: INVITEs that were proxied without Record-Route and got a 2xx.
 * Their ends may send the ACK through us all the same, as their outbound proxy
 * (RFC 3261 §16.11), and it carries no mark. Bounded: the oldest are forgotten
 * first.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_RECENT_H
#define SRF_RECENT_H

#include "base/hash.h"
#include "base/wheel.h"
#include "message/message.h"

enum { SRF__RECENT_MAX = 1 << 16 };

/* A table of hashes, open addressing; 0 is a free place. */
typedef struct srf__recent_set {
    uint64_t *hashes;
    uint32_t cap; /* a power of 2, or 0 */
    uint32_t count;
} srf__recent_set_t;

typedef struct srf__recent {
    const srf__hash_key_t *key;
    uint64_t life_ms;
    uint64_t since_ms;         /* when sets[0] was begun */
    srf__recent_set_t sets[2]; /* young and old */
} srf__recent_t;

/* `life_ms`: how long a call is remembered at least, unless there are more than
 * SRF__RECENT_MAX. The key is borrowed. */
void srf__recent_init(srf__recent_t *recent, const srf__hash_key_t *key,
                      uint64_t life_ms);
void srf__recent_deinit(srf__recent_t *recent);

/* Remembers the call of a 2xx to INVITE. Without memory it is forgotten. */
void srf__recent_add(srf__recent_t *recent, const srf__facts_t *response,
                     uint64_t now_ms);
/* Whether an ACK is for one of them. */
bool srf__recent_has(srf__recent_t *recent, const srf__facts_t *ack,
                     uint64_t now_ms);

#endif /* SRF_RECENT_H */
