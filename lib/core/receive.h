/*
 * What transport tells of: messages, and what became of those that were sent.
 * The functions are those of srf__transports_events_t; `arg` is the stack.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_RECEIVE_H
#define SRF_RECEIVE_H

#include "core/stack.h"

void srf__on_message(void *arg, const srf__flow_t *from, const char *data,
                     size_t len);
void srf__on_undelivered(void *arg, const srf__addr_t *to, const char *message,
                         size_t len);
void srf__on_refused(void *arg, const srf__flow_t *from, srf__str_t head,
                     unsigned status, const char *reason);
void srf__on_lost(void *arg, const srf__lost_t *lost, const uint64_t *ids,
                  size_t count);
bool srf__on_is_waiting(void *arg, uint64_t id);

#endif /* SRF_RECEIVE_H */
