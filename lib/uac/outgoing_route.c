/*
 * Where a request of the program's own goes: along the way of the URI that
 * leads there, one address after the other.
 *
 * SPDX-License-Identifier: MIT
 */
#include "uac/outgoing_route.h"

#include "base/error.h"

static srf__way_spec_t spec_of(const srf_outgoing_t *outgoing)
{
    return (srf__way_spec_t){
        .request_uri = outgoing->spec.uri,
        .uri = &outgoing->hop,
        .call_id = outgoing->spec.call_id,
        .reason = outgoing->by_network ? SRF_DESTINATION_ROUTE
                                       : SRF_DESTINATION_TARGET,
        .trusted = !outgoing->by_network,
        .named = outgoing->named,
    };
}

int srf__outgoing_locate(srf_outgoing_t *outgoing, srf__lookup_cb cb)
{
    srf__element_t *element = outgoing->uac->element;
    srf__way_spec_t spec = spec_of(outgoing);
    int err = srf__way_find(element, &spec, &outgoing->way, cb, outgoing);

    outgoing->named = spec.named && element->resolver != NULL &&
                      outgoing->hop.scheme != SRF__SCHEME_TEL;
    return err;
}

void srf__outgoing_located(srf_outgoing_t *outgoing, int err,
                           const srf__hops_t *hops)
{
    srf__way_found(&outgoing->way, err, hops);
}

int srf__outgoing_find_flow(srf_outgoing_t *outgoing)
{
    const srf__way_spec_t spec = spec_of(outgoing);

    outgoing->detour = SRF__DETOUR_NONE;
    return srf__way_flow_on(outgoing->uac->element, &spec, &outgoing->way,
                            &outgoing->flow);
}

/* A lookup takes its time: the connection may have gone meanwhile. */
static bool is_good(srf__flow_t *flow, srf__str_t name)
{
    if (!flow->listener->ops->reliable || srf__transports_is_there(flow))
        return true;
    flow->connection = 0;
    return srf__transports_find(flow) ||
           srf__transports_connect(flow, name, SRF__OPEN_FOR_PROGRAM) == 0;
}

bool srf__outgoing_use_fallback(srf_outgoing_t *outgoing)
{
    srf__flow_t flow = outgoing->fallback;

    outgoing->fallback.listener = NULL;
    if (flow.listener == NULL || !is_good(&flow, outgoing->hop.host))
        return false;
    outgoing->flow = flow;
    outgoing->by_network = false;
    outgoing->detour = SRF__DETOUR_BACK; /* the INVITE has chosen */
    srf__way_use(&outgoing->way, &outgoing->flow.peer);
    return true;
}

bool srf__outgoing_leave_udp(srf_outgoing_t *outgoing, size_t len)
{
    const srf__way_spec_t spec = spec_of(outgoing);

    if (outgoing->detour != SRF__DETOUR_NONE ||
        !srf__way_leaves_udp(outgoing->uac->element, &spec, len,
                             &outgoing->flow))
        return false;
    outgoing->detour = SRF__DETOUR_TAKEN;
    return true;
}

bool srf__outgoing_fall_back(srf_outgoing_t *outgoing)
{
    const srf__way_spec_t spec = spec_of(outgoing);
    const srf__way_t *way = &outgoing->way;

    if (outgoing->detour != SRF__DETOUR_TAKEN)
        return false;
    outgoing->detour = SRF__DETOUR_BACK;
    srf__way_no_tcp(outgoing->uac->element, &outgoing->flow.peer);
    return srf__way_flow(outgoing->uac->element, &spec,
                         &way->hops.list[way->at], &outgoing->flow) == 0;
}

void srf__outgoing_remember(const srf_outgoing_t *outgoing, bool answered)
{
    if (outgoing->named)
        srf__way_report(outgoing->uac->element, &outgoing->flow.peer,
                        outgoing->by_network, answered);
}
