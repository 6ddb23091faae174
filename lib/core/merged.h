/*
 * Merged requests (RFC 3261 §8.2.2.2): a copy, come another way, of a request
 * that the program answers is known for one.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_MERGED_H
#define SRF_MERGED_H

#include "base/map.h"
#include "transaction/server.h"

typedef struct srf__merged {
    const srf__hash_key_t *key;
    srf__map_t taken; /* transactions, by what copies have in common */
} srf__merged_t;

/* A transaction whose request the program answers. */
typedef struct srf__taken srf__taken_t;

/* Notes that the program began to answer the request of `server`: copies of it
 * are merged requests. NULL: it is inside a dialog, or a copy of one that is
 * answered, or memory is out. */
srf__taken_t *srf__merged_take(srf__merged_t *merged, srf__server_t *server);
/* Takes that back: the request is proxied after all, or its transaction is
 * over. */
void srf__merged_give_back(srf__taken_t *taken);
/* Leaves this to the transaction, which has no other user any more and takes it
 * along when it ends. */
void srf__merged_leave(srf__taken_t *taken);

/* Tells whether the request is a copy of one that is answered: same Call-ID,
 * From tag and CSeq but another transaction. A copy for another Request-URI is
 * none, as a spiral is no loop: the program may well proxy that one. */
bool srf__merged_is_known(const srf__merged_t *merged,
                          const srf__facts_t *request);

void srf__merged_deinit(srf__merged_t *merged);

#endif /* SRF_MERGED_H */
