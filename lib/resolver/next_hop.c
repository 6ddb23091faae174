/*
 * Next hop of a URI with a numeric host.
 *
 * SPDX-License-Identifier: MIT
 */
#include "resolver/next_hop.h"

#include "srf/srf.h"

int srf__next_hop(const srf__uri_t *uri, srf__hop_t *out)
{
    srf__transport_id_t transport = (srf__transport_id_t)uri->transport;

    memset(out, 0, sizeof(*out));
    if (uri->scheme != SRF__SCHEME_SIP && uri->scheme != SRF__SCHEME_SIPS)
        return SRF_ERR_NAME_NOT_FOUND;
    if (uri->transport_unknown)
        return SRF_ERR_NO_TRANSPORT;
    /* RFC 3263 §4.1: a numeric host without a transport parameter means UDP for
     * sip and TLS over TCP for sips. */
    if (uri->scheme == SRF__SCHEME_SIPS) {
        if (transport == SRF__TRANSPORT_UDP)
            return SRF_ERR_NO_TRANSPORT;
        transport =
            transport == SRF__TRANSPORT_WS || transport == SRF__TRANSPORT_WSS
                ? SRF__TRANSPORT_WSS
                : SRF__TRANSPORT_TLS;
    } else if (transport == SRF__TRANSPORT_NONE) {
        transport = SRF__TRANSPORT_UDP;
    }
    out->name = uri->host;
    return srf__addr_from_uri(&out->addr, uri, srf__uri_port(uri), transport)
               ? 0
               : SRF_ERR_NAME_NOT_FOUND;
}

int srf__hop_flow(srf__transports_t *transports, const srf__hop_t *hop,
                  srf__listener_t *preferred, srf__flow_t *out)
{
    const srf__transports_events_t *events = &transports->events;

    if (events->allow != NULL &&
        !events->allow(events->arg, &hop->addr, hop->name, hop->reason))
        return SRF_ERR_NOT_ALLOWED;
    out->peer = hop->addr;
    out->connection = 0;
    out->listener = srf__transports_pick(transports, &hop->addr, preferred);
    if (out->listener == NULL)
        return SRF_ERR_NO_TRANSPORT;
    if (!(hop->bound && out->listener == preferred) &&
        srf__transports_find(out))
        return 0;
    return srf__transports_connect(out, hop->name,
                                   hop->trusted ? SRF__OPEN_FOR_PROGRAM
                                                : SRF__OPEN_FOR_NETWORK);
}
