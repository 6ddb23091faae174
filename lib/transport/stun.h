/*
 * STUN, as far as it keeps flows over UDP alive (RFC 5626 §4.4.2, §8).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_STUN_H
#define SRF_STUN_H

#include "base/str.h"
#include "transport/address.h"

enum { SRF__STUN_ANSWER_MAX = 48 };

/* Tells whether a datagram is STUN and no SIP (RFC 5389 §6, §8). */
bool srf__stun_is(srf__str_t datagram);
/* Answers a Binding request from `peer`: where it came from, or that it has
 * attributes that have to be understood and are not. A view of `storage`; empty
 * when the datagram is anything else, which gets none. */
srf__str_t srf__stun_answer(srf__str_t datagram, const srf__addr_t *peer,
                            char storage[SRF__STUN_ANSWER_MAX]);

#endif /* SRF_STUN_H */
