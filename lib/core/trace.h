/*
 * Showing the program what is received and sent.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TRACE_H
#define SRF_TRACE_H

#include "core/stack.h"

void srf__trace_received(srf_t *srf, const srf__flow_t *from, const char *data,
                         size_t len);
/* Of srf__transports_events_t. */
void srf__trace_sent(void *arg, const srf__flow_t *to, const srf__str_t *parts,
                     unsigned count);

#endif /* SRF_TRACE_H */
