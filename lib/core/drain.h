/*
 * Running dry before the end.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_DRAIN_H
#define SRF_DRAIN_H

#include "core/stack.h"

/* On destroy: who waits for it is told SRF_ERR_CANCELED. */
void srf__drain_abort(srf_t *srf);

#endif /* SRF_DRAIN_H */
