/*
 * Who is registered along which flow, for a program that wants to know whom it
 * has lost when a flow closes. One name for each flow: a program has no more
 * entries than connections.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef REGISTERED_H
#define REGISTERED_H

#include <stdint.h>

/* The name is copied, in place of the one that the flow had. Without memory it
 * is not known. */
void registered_add(uint64_t flow, const char *name);
/* Forgets it; the name, for free(), or NULL when there was none. */
char *registered_remove(uint64_t flow);

#endif /* REGISTERED_H */
