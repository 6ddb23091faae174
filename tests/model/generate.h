/*
 * Random programs: one seed gives one plan and one run of the world.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_MODEL_GENERATE_H
#define SRF_MODEL_GENERATE_H

#include "trace.h"

/* Runs the program of a seed; what it did is in the trace. */
trace_t *generate(uint64_t seed);

#endif /* SRF_MODEL_GENERATE_H */
