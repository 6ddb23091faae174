/*
 * Random programs: one seed gives one plan and one run of the world.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_MODEL_GENERATE_H
#define SRF_MODEL_GENERATE_H

#include "trace.h"

enum { STEPS_MAX = 95 };

/* Runs the program of a seed, or the first `steps` of it; what happened is in
 * the trace. */
trace_t *generate(uint64_t seed, unsigned steps);

#endif /* SRF_MODEL_GENERATE_H */
