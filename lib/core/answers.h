/*
 * 2xx of the program's own to an INVITE: each is repeated until the ACK comes
 * (RFC 3261 §13.3.1.4), which no transaction does.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_ANSWERS_H
#define SRF_ANSWERS_H

#include "base/map.h"
#include "transaction/server.h"

typedef struct srf__answers {
    srf__txns_t *txns;
    srf__map_t waiting; /* for an ACK, by dialog and CSeq */
} srf__answers_t;

/* Answers the INVITE of `server` with the 2xx of `spec` and begins to repeat
 * it. 0, or an error of srf__server_reply(): nothing was sent. */
int srf__answers_send(srf__answers_t *answers, srf__server_t *server,
                      srf__response_spec_t *spec);

/* Takes an ACK that is for one of them; false when it is not. */
bool srf__answers_acked(srf__answers_t *answers, const srf__facts_t *ack);

void srf__answers_deinit(srf__answers_t *answers);

#endif /* SRF_ANSWERS_H */
