/*
 * Where a request of the program's own goes: the addresses of the URI that
 * leads there, one after the other (RFC 3263 §4).
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/error.h"
#include "core/outgoing.h"
#include "proxy/forward.h"
#include "proxy/places.h"
#include "resolver/next_hop.h"

/* A datagram that fits any path (RFC 3261 §18.1.1). */
enum { DATAGRAM_MAX = 1300 };

static void use_one(srf_outgoing_t *outgoing, const srf__addr_t *addr)
{
    outgoing->hops.count = 1;
    outgoing->hops.list[0] = *addr;
}

int srf__outgoing_locate(srf_outgoing_t *outgoing, srf__lookup_cb cb)
{
    srf__hop_t hop;
    int err = srf__next_hop(&outgoing->hop, &hop);

    if (err == 0)
        use_one(outgoing, &hop.addr);
    if (err != SRF_ERR_NAME_NOT_FOUND)
        return err;
    const srf__finder_t finder = {
        .cb = cb, .arg = outgoing, .call_id = outgoing->spec.call_id};
    outgoing->named = outgoing->srf->element.resolver != NULL &&
                      outgoing->hop.scheme != SRF__SCHEME_TEL;
    return srf__element_resolve(&outgoing->srf->element, &outgoing->hop,
                                &finder, &outgoing->hops, &outgoing->lookup);
}

int srf__outgoing_located(srf_outgoing_t *outgoing, int err,
                          const srf__hops_t *hops)
{
    outgoing->lookup = NULL;
    if (err == 0)
        outgoing->hops = *hops;
    else if (outgoing->fallback.family != 0)
        use_one(outgoing, &outgoing->fallback);
    else
        return err;
    return 0;
}

static int flow_to(srf_outgoing_t *outgoing, const srf__addr_t *addr,
                   srf__flow_t *flow)
{
    const srf__hop_t hop = {
        .addr = *addr,
        .name = outgoing->hop.host,
        .trusted = true,
        .reason =
            outgoing->named ? SRF_DESTINATION_DNS : SRF_DESTINATION_TARGET,
    };

    if (!srf__forward_is_allowed(outgoing->spec.uri, addr->transport))
        return SRF_ERR_NO_TRANSPORT;
    return srf__hop_flow(&outgoing->srf->element.transports, &hop, NULL, flow);
}

int srf__outgoing_next_flow(srf_outgoing_t *outgoing)
{
    int err = SRF_ERR_UNREACHABLE;

    while (err != 0 && outgoing->at < outgoing->hops.count)
        err = flow_to(outgoing, &outgoing->hops.list[outgoing->at++],
                      &outgoing->flow);
    outgoing->detour = SRF__DETOUR_NONE;
    return err;
}

bool srf__outgoing_leave_udp(srf_outgoing_t *outgoing, size_t len)
{
    srf__addr_t addr = outgoing->flow.peer;
    srf__flow_t stream;

    if (len <= DATAGRAM_MAX || addr.transport != SRF__TRANSPORT_UDP ||
        outgoing->detour != SRF__DETOUR_NONE)
        return false;
    addr.transport = SRF__TRANSPORT_TCP;
    if (flow_to(outgoing, &addr, &stream) != 0)
        return false;
    outgoing->flow = stream;
    outgoing->detour = SRF__DETOUR_TAKEN;
    return true;
}

bool srf__outgoing_fall_back(srf_outgoing_t *outgoing)
{
    srf__addr_t addr = outgoing->flow.peer;

    if (outgoing->detour != SRF__DETOUR_TAKEN)
        return false;
    outgoing->detour = SRF__DETOUR_BACK;
    addr.transport = SRF__TRANSPORT_UDP;
    return flow_to(outgoing, &addr, &outgoing->flow) == 0;
}

void srf__outgoing_remember(const srf_outgoing_t *outgoing, bool answered)
{
    srf__resolver_t *resolver = outgoing->srf->element.resolver;

    if (outgoing->named && resolver != NULL)
        srf__resolver_report(resolver, &outgoing->flow.peer, false, answered);
}
