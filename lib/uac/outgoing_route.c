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
        .reason = SRF_DESTINATION_TARGET,
        .trusted = true,
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

int srf__outgoing_located(srf_outgoing_t *outgoing, int err,
                          const srf__hops_t *hops)
{
    srf__way_found(&outgoing->way, err, hops);
    if (err == 0)
        return 0;
    if (outgoing->fallback.family == 0)
        return err;
    srf__way_use(&outgoing->way, &outgoing->fallback);
    return 0;
}

int srf__outgoing_find_flow(srf_outgoing_t *outgoing)
{
    const srf__way_spec_t spec = spec_of(outgoing);

    outgoing->detour = SRF__DETOUR_NONE;
    return srf__way_flow_on(outgoing->uac->element, &spec, &outgoing->way,
                            &outgoing->flow);
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
        srf__way_report(outgoing->uac->element, &outgoing->flow.peer, false,
                        answered);
}
