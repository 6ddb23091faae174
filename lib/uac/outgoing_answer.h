/*
 * 2xx to an INVITE of the program's own, and their ACKs.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_OUTGOING_ANSWER_H
#define SRF_OUTGOING_ANSWER_H

#include "uac/outgoing.h"

/* An answerer has answered an INVITE with 2xx; a forked one has several
 * (RFC 3261 §13.2.2.4). */
typedef struct srf__answerer {
    struct srf__answerer *next;
    srf_outgoing_t *outgoing;
    srf__str_t tag;  /* of To */
    unsigned number; /* from 1 on */
    srf_msg_t *ack;  /* NULL: there can be none, or not yet */
    srf__flow_t flow;
    srf__way_t way;      /* of the Contact, or the first Route */
    srf_msg_t *response; /* kept while its name is looked up */
} srf__answerer_t;

/* Acknowledges a 2xx, first or repeated. True when nobody with its To tag has
 * answered before. */
bool srf__outgoing_acknowledge(srf_outgoing_t *outgoing,
                               const srf__facts_t *response);
void srf__outgoing_forget_answerers(srf_outgoing_t *outgoing);

#endif /* SRF_OUTGOING_ANSWER_H */
