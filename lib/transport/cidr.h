/*
 * Networks (RFC 4632, RFC 4291 §2.3).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_CIDR_H
#define SRF_CIDR_H

#include "transport/address.h"

#include <srf/srf.h>

bool srf__cidr_has(const srf_cidr_t *cidr, const srf__addr_t *addr);

#endif /* SRF_CIDR_H */
