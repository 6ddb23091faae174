/*
 * ACKs that fit no transaction: those of a 2xx go on without state (RFC 3261
 * §16.11).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_ACK_H
#define SRF_ACK_H

#include "proxy/element.h"

/* Forwards the ACK along its route; dropped when it has none, or nothing tells
 * that it is for a call of ours: the mark in its Route, an INVITE that was
 * proxied a while ago, or `known`: the transaction of one that a target has
 * answered. `key` is that of the INVITE which the ACK would be for. */
void srf__ack_forward(srf__element_t *element, const srf__facts_t *ack,
                      const srf__flow_t *from, srf__hash128_t key, bool known);

/* Forgets those that wait for a name, on destroy. */
void srf__acks_abort(srf__element_t *element);

#endif /* SRF_ACK_H */
