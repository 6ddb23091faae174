/*
 * Calls that other threads have the loop make.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_POST_H
#define SRF_POST_H

#include "core/stack.h"

/* The handle that wakes the loop. Closing it makes the calls that are
 * still due; `cb` (may be NULL) comes from the loop. Other threads may post
 * until all is freed, as the last thing with the stack. */
int srf__posts_create(srf_t *srf);
void srf__posts_close(srf_t *srf, void (*cb)(void *arg), void *arg);
void srf__posts_free(srf_t *srf);

#endif /* SRF_POST_H */
