/*
 * From a member to the structure that it is in.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_CONTAINER_H
#define SRF_CONTAINER_H

#include <stddef.h>

/* The structure of `type` whose `member` is at `pointer`. */
#define srf__container_of(pointer, type, member) \
 ((type *)((char *)(pointer)-offsetof(type, member)))

#endif /* SRF_CONTAINER_H */
