/*
 * Asking the program where something may be sent.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_DESTINATION_H
#define SRF_DESTINATION_H

#include "core/stack.h"

/* Asks the program, when it is to be asked; of srf__transports_events_t. */
bool srf__on_allow(void *arg, const srf__addr_t *to, srf__str_t name,
                   unsigned reason);

#endif /* SRF_DESTINATION_H */
