/*
 * Requests that the program answers itself. Its 2xx to an INVITE is repeated
 * until the ACK comes (RFC 3261 §13.3.1.4), which no transaction does; and a
 * copy of a request that came another way is known for one (§8.2.2.2).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_UAS_H
#define SRF_UAS_H

#include "base/map.h"
#include "transaction/server.h"

typedef struct srf__uas {
    srf__txns_t *txns;
    srf__map_t answers; /* 2xx without an ACK yet, by dialog and CSeq */
    srf__map_t taken;   /* transactions, by what copies have in common */
} srf__uas_t;

/* A transaction whose request the program answers. */
typedef struct srf__taken srf__taken_t;

/* Notes that the program began to answer the request of `server`: copies of it
 * are merged requests. NULL: it is inside a dialog, or a copy of one that is
 * answered, or memory is out. */
srf__taken_t *srf__uas_take(srf__uas_t *uas, srf__server_t *server);
/* Takes that back: the request is proxied after all, or its transaction is
 * over. */
void srf__uas_give_back(srf__taken_t *taken);
/* Leaves this to the transaction, which has no other user any more and takes it
 * along when it ends. */
void srf__uas_leave(srf__taken_t *taken);

/* Tells whether the request is a copy of one that is answered: same Call-ID,
 * From tag and CSeq but another transaction. A copy for another Request-URI is
 * none, as a spiral is no loop: the program may well proxy that one. */
bool srf__uas_is_merged(const srf__uas_t *uas, const srf__facts_t *request);

/* Answers the INVITE of `server` with the 2xx of `spec` and begins to repeat
 * it. 0, or an error of srf__server_reply(): nothing was sent. */
int srf__uas_answer(srf__uas_t *uas, srf__server_t *server,
                    srf__response_spec_t *spec);

/* Takes an ACK that is for one of them; false when it is not. */
bool srf__uas_acked(srf__uas_t *uas, const srf__facts_t *ack);

void srf__uas_deinit(srf__uas_t *uas);

#endif /* SRF_UAS_H */
