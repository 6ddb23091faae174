/*
 * From a URI to the address a request is sent to, for numeric hosts (RFC 3263
 * §4.1, §4.2); names are looked up by resolver.h.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_NEXT_HOP_H
#define SRF_NEXT_HOP_H

#include "message/uri.h"
#include "transport/transport.h"

/* The address that `uri` leads to, maddr and transport respected. 0;
 * SRF_ERR_NAME_NOT_FOUND for a host name, or a tel URI, which has no host;
 * SRF_ERR_NO_TRANSPORT for a transport this library does not know. */
int srf__next_hop(const srf__uri_t *uri, srf__addr_t *out);

#endif /* SRF_NEXT_HOP_H */
