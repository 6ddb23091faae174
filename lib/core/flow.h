/*
 * What the program is told of connections.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_CORE_FLOW_H
#define SRF_CORE_FLOW_H

#include "core/stack.h"

/* A connection has closed; the transports call it from the loop. */
void srf__on_closed(void *arg, uint32_t connection);

#endif /* SRF_CORE_FLOW_H */
