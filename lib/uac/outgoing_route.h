/*
 * Where a request of the program's own goes.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_OUTGOING_ROUTE_H
#define SRF_OUTGOING_ROUTE_H

#include "uac/outgoing.h"

/* Finds the addresses. 0; SRF__SELECT_PENDING: `cb`, whose `arg` is `outgoing`,
 * comes from the loop and hands on to srf__outgoing_located(); an error. */
int srf__outgoing_locate(srf_outgoing_t *outgoing, srf__lookup_cb cb);
void srf__outgoing_located(srf_outgoing_t *outgoing, int err,
                           const srf__hops_t *hops);
/* Sets the flow: srf__way_flow_on(). */
int srf__outgoing_find_flow(srf_outgoing_t *outgoing);
/* Makes the fallback the flow, once; false when there is none. */
bool srf__outgoing_use_fallback(srf_outgoing_t *outgoing);
/* Changes the flow to TCP for a request of `len` bytes that wants it, if there
 * is a way; true when it did. */
bool srf__outgoing_leave_udp(srf_outgoing_t *outgoing, size_t len);
/* Goes back to UDP when TCP has failed that only length spoke for; true when it
 * did. */
bool srf__outgoing_fall_back(srf_outgoing_t *outgoing);
/* Notes what became of the address, which matters to the next lookup. */
void srf__outgoing_remember(const srf_outgoing_t *outgoing, bool answered);

#endif /* SRF_OUTGOING_ROUTE_H */
