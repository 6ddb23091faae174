/*
 * The transaction layer: where server and client transactions are found again.
 *
 * Server transactions: by a keyed hash over what RFC 3261 §17.2.3 matches on.
 * Client transactions: straight from the branch we wrote ourselves, which
 * carries worker, slot and a random number (the generation).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TABLE_H
#define SRF_TABLE_H

#include "base/hash.h"
#include "base/log.h"
#include "base/map.h"
#include "base/pool.h"
#include "base/random.h"
#include "base/wheel.h"
#include "message/message.h"
#include "transaction/machine.h"
#include "transport/transport.h"

typedef struct srf__txns srf__txns_t;
typedef struct srf__server srf__server_t;
typedef struct srf__client srf__client_t;

typedef struct srf__txns_counters {
    uint64_t requests_sent;
    uint64_t responses_sent;
    uint64_t retransmissions_received;
    uint64_t retransmissions_sent;
    uint64_t dropped_unmatched;
    uint64_t servers; /* alive */
    uint64_t clients; /* alive */
} srf__txns_counters_t;

enum { SRF__REFUSED_KEPT = 64 };

struct srf__txns {
    srf__pool_t *pool; /* of messages; may be NULL */
    /* Of transactions: they outlive by half a minute what else a call consists
     * of, whose pages would wait for them. */
    srf__pool_t own;
    srf__pool_t tables; /* of the map and the slots below */
    srf__wheel_t *wheel;
    srf__log_t *log;
    srf__random_t *random;
    srf__txn_timing_t timing;
    bool force_rport;
    bool answered_stateless; /* there may be ACKs for such answers */
    /* Keys of INVITEs inside dialogs that were refused so: each has one place,
     * where a later one takes the place of an earlier one. */
    uint64_t refused[SRF__REFUSED_KEPT];
    uint8_t worker;
    srf__hash_key_t key;
    srf__txns_counters_t counters;

    srf__map_t servers;
    uint64_t twins;        /* see srf__server_find() */
    srf__client_t **slots; /* NULL where free */
    uint32_t *free_slots;  /* stack of free slot numbers */
    uint32_t free_count;
    uint32_t slot_count;

    /* Whether the sent-by of a response's topmost Via is a name of this
     * element; NULL: none is but what was written. */
    bool (*is_ours)(void *arg, const srf__facts_t *response);
    void *ours_arg;
    /* Tells that a 2xx to INVITE went back past its user, who is gone. */
    void (*late_2xx)(void *arg, const srf__facts_t *response);
    void *late_arg;
};

/* The random hash key is drawn here; the other members are the caller's. */
void srf__txns_init(srf__txns_t *txns);
/* Drops every transaction without telling anybody, and the tables. */
void srf__txns_deinit(srf__txns_t *txns);

/* ---- branches ---- */

/* "z9hG4bK" + 2 worker + 6 slot + 8 generation + "." + 8 loop hash digits */
enum { SRF__BRANCH_LEN = 7 + 2 + 6 + 8 + 1 + 8, SRF__SLOTS_MAX = 1 << 24 };

typedef struct srf__via_id {
    uint8_t worker;
    uint32_t slot;
    uint32_t generation;
    uint32_t loop_hash;
} srf__via_id_t;

void srf__via_id_write(const srf__via_id_t *id, char out[SRF__BRANCH_LEN]);
/* Whether the topmost Via has a branch that begins as RFC 3261 §8.1.1.7 says:
 * unlike any other. */
bool srf__branch_is_unique(const srf__facts_t *facts);
/* False for a branch that is not of our form. */
bool srf__via_id_read(srf__str_t branch, srf__via_id_t *out);

/* ---- client slots ---- */

/* Gives `client` a slot; 0, SRF_ERR_LIMIT, SRF_ERR_NO_MEMORY. */
int srf__slot_take(srf__txns_t *txns, srf__client_t *client, uint32_t *slot);
void srf__slot_free(srf__txns_t *txns, uint32_t slot);
srf__client_t *srf__slot_get(const srf__txns_t *txns, uint32_t slot);

/* ---- server keys ---- */

/* What identifies the server transaction that `request` belongs to, taken as
 * being of method `method` (an ACK or a CANCEL looks for its INVITE): h[0] what
 * does not change on the way to us, branch and method above all, h[1] that and
 * the sent-by. */
srf__hash128_t srf__server_key(const srf__txns_t *txns,
                               const srf__facts_t *request,
                               srf__method_t method);
/* Makes the key by a Via value of `request` that need not be the topmost. */
srf__hash128_t srf__server_key_by(const srf__txns_t *txns,
                                  const srf__facts_t *request,
                                  const srf__via_t *via, srf__method_t method);

/* ---- the caller's Via ---- */

/* What to add to the topmost Via of a request that came from `from`; `storage`
 * holds the text. RFC 3261 §18.2.1, RFC 3581 §4. */
typedef struct srf__via_mark_storage {
    char ip[SRF__ADDR_TEXT];
    char port[8];
    char keep[12];
} srf__via_mark_storage_t;

struct srf__via_mark;
void srf__via_mark_for(const srf__txns_t *txns, const srf__facts_t *request,
                       const srf__flow_t *from,
                       srf__via_mark_storage_t *storage,
                       struct srf__via_mark *out);
/* Whether the sender offers to keep its flow alive (RFC 6223 §4.3). */
static inline bool srf__via_offers_keep(const srf__facts_t *request)
{
    return request->via.keep != 0;
}
/* Takes the offer up (RFC 6223 §4.4) in what is added, which
 * srf__via_mark_for() has filled in: for a registration, or a dialog that we
 * are in the route of; other requests cannot make one. */
void srf__via_mark_keep(const srf__facts_t *request, const srf__flow_t *from,
                        srf__via_mark_storage_t *storage,
                        struct srf__via_mark *out);

#endif /* SRF_TABLE_H */
