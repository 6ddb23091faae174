/*
 * Next hop of a URI with a numeric host.
 *
 * SPDX-License-Identifier: MIT
 */
#include "resolver/next_hop.h"

#include "srf/srf.h"

int srf__next_hop(const srf__uri_t *uri, srf__addr_t *out)
{
    srf__transport_id_t transport = (srf__transport_id_t)uri->transport;

    if (uri->scheme != SRF__SCHEME_SIP && uri->scheme != SRF__SCHEME_SIPS)
        return SRF_ERR_NAME_NOT_FOUND;
    if (uri->transport_unknown)
        return SRF_ERR_NO_TRANSPORT;
    /* RFC 3263 §4.1: a numeric host without a transport parameter means UDP for
     * sip and TLS over TCP for sips. */
    if (uri->scheme == SRF__SCHEME_SIPS) {
        transport = srf__transport_secured(transport);
        if (!srf__transport_is_secure(transport))
            return SRF_ERR_NO_TRANSPORT;
    } else if (transport == SRF__TRANSPORT_NONE) {
        transport = SRF__TRANSPORT_UDP;
    }
    return srf__addr_from_uri(out, uri, srf__uri_port(uri), transport)
               ? 0
               : SRF_ERR_NAME_NOT_FOUND;
}
