/*
 * Names that this machine knows without asking anybody: those of its hosts
 * file, and localhost (RFC 6761 §6.3).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_HOSTS_H
#define SRF_HOSTS_H

#include "resolver/dns.h"

/* The records of such a name: its addresses, and no others, so that neither
 * servers nor transports are asked for. `name` in small letters, that of an SRV
 * record with its "_" labels in front. NULL: DNS knows, or memory is out.
 * Transferred. */
srf__records_t *srf__hosts_find(srf__dns_t *dns, const char *name,
                                uint16_t type);

#endif /* SRF_HOSTS_H */
