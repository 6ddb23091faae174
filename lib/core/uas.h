/*
 * 2xx responses that the program itself sent to INVITEs: repeated until their
 * ACK comes (RFC 3261 §13.3.1.4), which no transaction does.
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
} srf__uas_t;

/* Answers the INVITE of `server` with the 2xx of `spec` and begins to repeat
 * it. 0, or an error of srf__server_reply(): nothing was sent. */
int srf__uas_answer(srf__uas_t *uas, srf__server_t *server,
                    srf__response_spec_t *spec);

/* Takes an ACK that is for one of them; false when it is not. */
bool srf__uas_acked(srf__uas_t *uas, const srf__facts_t *ack);

void srf__uas_deinit(srf__uas_t *uas);

#endif /* SRF_UAS_H */
