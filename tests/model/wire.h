/*
 * The first oracle: what no proxy may do, whatever the program was and whatever
 * the network did to it.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_MODEL_WIRE_H
#define SRF_MODEL_WIRE_H

#include "trace.h"

/* False, with trace->failure set, when something forbidden happened. */
bool wire_check(trace_t *trace);

#endif /* SRF_MODEL_WIRE_H */
