/*
 * Ways.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/way.h"

#include "base/error.h"
#include "proxy/flow_name.h"

/* ---- what decides ---- */

static bool is_same_flow(const srf__flow_t *a, const srf__flow_t *b)
{
    return a->listener == b->listener && a->connection == b->connection &&
           (a->connection != 0 || srf__addr_eq(&a->peer, &b->peer));
}

/* A flow leads back to whom it was given to, not to whoever sends to it from
 * there (RFC 5626 §5.3). False: the URI leads on. */
static bool read_flow(srf__element_t *element, const srf__route_t *route,
                      const srf__flow_t *from, srf__flow_t *out)
{
    srf__flow_need_t need = route->flow.len == 0
                                ? SRF__FLOW_NO_NAME
                                : srf__flow_read(element, route->flow, out);

    return need != SRF__FLOW_NO_NAME && !is_same_flow(out, from) &&
           (need == SRF__FLOW_ONLY || out->peer.family != 0);
}

void srf__way_of_route(srf__element_t *element, const srf__facts_t *request,
                       const srf__route_t *route, const srf__flow_t *from,
                       srf__way_spec_t *out)
{
    out->request_uri = route->request_uri.text;
    out->uri = route->has_next ? &route->next : &route->request_uri;
    out->leaves_by = route->leaves_by;
    out->came_by = from->listener;
    out->source = &from->peer;
    out->call_id = srf__facts_str(request, request->call_id);
    out->reason = SRF_DESTINATION_ROUTE;
    out->forged = route->forged;
    out->trusted = false;
    out->bound = false;
    out->named = false;
    if (!read_flow(element, route, from, &out->flow))
        out->flow.listener = NULL;
}

/* ---- addresses ---- */

/* Passes `err` on. What is for sips and had no way over TLS is counted. */
static int counted(srf__element_t *element, const srf__way_spec_t *spec,
                   int err)
{
    if (err == SRF_ERR_NO_TRANSPORT && srf__uri_is_sips(spec->request_uri))
        element->sips_refused++;
    return err;
}

int srf__way_address(srf__element_t *element, srf__way_spec_t *spec,
                     srf__addr_t *out)
{
    if (spec->forged)
        return SRF_ERR_NOT_ALLOWED;
    if (spec->flow.listener != NULL) {
        *out = spec->flow.peer;
        return out->family == 0 ? SRF_ERR_NOT_CONNECTED : 0;
    }
    int err = srf__next_hop(spec->uri, out);
    spec->named = err == SRF_ERR_NAME_NOT_FOUND;
    return counted(element, spec, err);
}

void srf__way_use(srf__way_t *way, const srf__addr_t *addr)
{
    way->at = 0;
    way->hops.count = 1;
    way->hops.list[0] = *addr;
}

/* A WebSocket listener only reaches clients that have connected (RFC 7118 §3):
 * that leads to no server, unless the URI asks for it. */
static bool leads_out(const srf__listener_t *listener, const srf__uri_t *uri)
{
    return uri->transport != SRF__TRANSPORT_NONE ||
           !srf__transport_is_web(listener->bound.transport);
}

/* The listener whose address family comes first. */
static srf__listener_t *preferred(const srf__way_spec_t *spec)
{
    return spec->leaves_by != NULL ? spec->leaves_by : spec->came_by;
}

static void set_transports(const srf__element_t *element, const srf__uri_t *uri,
                           srf__lookup_spec_t *out)
{
    const srf__listener_t *listener = element->transports.listeners;

    for (; listener != NULL; listener = listener->next) {
        if (!leads_out(listener, uri))
            continue;
        out->transports |=
            (srf__transport_set_t)(1u << listener->bound.transport);
        out->ipv4 = out->ipv4 || listener->bound.family == 4;
        out->ipv6 = out->ipv6 || listener->bound.family == 6;
    }
}

static uint64_t seed_of(const srf__element_t *element, srf__str_t call_id)
{
    return call_id.len == 0
               ? 0
               : srf__hash64(&element->txns.key, call_id.p, call_id.len) | 1;
}

int srf__way_find(srf__element_t *element, srf__way_spec_t *spec,
                  srf__way_t *way, srf__lookup_cb cb, void *arg)
{
    const srf__uri_t *uri = spec->uri;
    srf__listener_t *first = preferred(spec);
    srf__addr_t addr;
    srf__lookup_spec_t lookup = {
        .ipv6_first = first != NULL && first->bound.family == 6,
        .seed = seed_of(element, spec->call_id),
        .source = spec->source,
        .cb = cb,
        .arg = arg,
    };

    way->lookup = NULL;
    way->at = 0;
    way->hops.count = 0;
    int err = srf__way_address(element, spec, &addr);
    if (err == 0)
        srf__way_use(way, &addr);
    if (err != SRF_ERR_NAME_NOT_FOUND || element->resolver == NULL ||
        (uri->scheme != SRF__SCHEME_SIP && uri->scheme != SRF__SCHEME_SIPS))
        return err;
    set_transports(element, uri, &lookup);
    err =
        srf__resolve(element->resolver, uri, &lookup, &way->hops, &way->lookup);
    return counted(element, spec, err);
}

void srf__way_found(srf__way_t *way, int err, const srf__hops_t *hops)
{
    way->lookup = NULL;
    if (err == 0)
        way->hops = *hops;
}

unsigned srf__way_left(const srf__way_t *way)
{
    return way->at >= way->hops.count ? 0 : way->hops.count - way->at - 1;
}

void srf__way_end(srf__way_t *way)
{
    if (way->lookup != NULL)
        srf__lookup_cancel(way->lookup);
    way->lookup = NULL;
}

/* ---- flows ---- */

/* One for sips goes over TLS on every hop (RFC 3261 §26.2.2), unless the
 * program lets what leads on decide (RFC 5630 §3.1.3). */
static bool is_secure_enough(const srf__element_t *element,
                             const srf__way_spec_t *spec, uint8_t transport)
{
    if (srf__transport_is_secure(transport) ||
        !srf__uri_is_sips(spec->request_uri))
        return true;
    return element->sips_downgrade && (spec->flow.listener != NULL ||
                                       spec->uri->scheme != SRF__SCHEME_SIPS);
}

static bool is_allowed(const srf__element_t *element,
                       const srf__way_spec_t *spec, const srf__addr_t *addr)
{
    const srf__transports_events_t *events = &element->transports.events;
    unsigned reason = spec->reason;

    if (reason == SRF_DESTINATION_TARGET && spec->named)
        reason = SRF_DESTINATION_DNS;
    return events->allow == NULL ||
           events->allow(events->arg, addr, spec->uri->host, reason);
}

static int find_flow(srf__element_t *element, const srf__way_spec_t *spec,
                     const srf__addr_t *addr, srf__opening_t opening,
                     srf__flow_t *out)
{
    if (!is_secure_enough(element, spec, addr->transport))
        return SRF_ERR_NO_TRANSPORT;
    if (spec->flow.listener != NULL) {
        *out = spec->flow;
        return 0;
    }
    if (!is_allowed(element, spec, addr))
        return SRF_ERR_NOT_ALLOWED;
    out->peer = *addr;
    out->connection = 0;
    out->listener = srf__transports_pick(&element->transports, addr,
                                         spec->leaves_by, spec->came_by);
    if (out->listener == NULL)
        return SRF_ERR_NO_TRANSPORT;
    /* RFC 3261 §18.1.1: one that is there already, of whatever listener. */
    if (!(spec->bound && out->listener == spec->leaves_by) &&
        srf__transports_find(out))
        return 0;
    return srf__transports_connect(out, spec->uri->host, opening);
}

int srf__way_flow(srf__element_t *element, const srf__way_spec_t *spec,
                  const srf__addr_t *addr, srf__flow_t *out)
{
    int err = find_flow(
        element, spec, addr,
        spec->trusted ? SRF__OPEN_FOR_PROGRAM : SRF__OPEN_FOR_NETWORK, out);

    return counted(element, spec, err);
}

int srf__way_flow_on(srf__element_t *element, const srf__way_spec_t *spec,
                     srf__way_t *way, srf__flow_t *out)
{
    int err = SRF_ERR_UNREACHABLE;

    for (; way->at < way->hops.count; way->at++) {
        err = srf__way_flow(element, spec, &way->hops.list[way->at], out);
        if (err == 0)
            break;
    }
    return err;
}

/* The address that a request is to leave by holds for either transport. */
static bool leaves_by(const srf__way_spec_t *spec,
                      const srf__listener_t *listener)
{
    return spec->leaves_by == NULL ||
           (listener != NULL &&
            srf__listener_shares_address(listener, spec->leaves_by));
}

/* Whether TCP may stand in for UDP there. What the URI asks for comes first. No
 * connection is opened that would not be taken. */
static bool may_leave_udp(srf__element_t *element, const srf__way_spec_t *spec,
                          const srf__addr_t *tcp)
{
    return spec->flow.listener == NULL &&
           spec->uri->transport != SRF__TRANSPORT_UDP &&
           !srf__dead_is(&element->no_tcp, tcp) &&
           leaves_by(spec,
                     srf__transports_pick(&element->transports, tcp,
                                          spec->leaves_by, spec->came_by));
}

bool srf__way_leaves_udp(srf__element_t *element, const srf__way_spec_t *spec,
                         size_t len, srf__flow_t *flow)
{
    srf__addr_t addr = flow->peer;
    srf__flow_t stream;

    if (len <= element->udp_mtu || addr.transport != SRF__TRANSPORT_UDP)
        return false;
    addr.transport = SRF__TRANSPORT_TCP;
    if (!may_leave_udp(element, spec, &addr) ||
        find_flow(element, spec, &addr,
                  spec->trusted ? SRF__OPEN_TENTATIVELY : SRF__OPEN_FOR_NETWORK,
                  &stream) != 0 ||
        !leaves_by(spec, stream.listener))
        return false;
    *flow = stream;
    return true;
}

void srf__way_no_tcp(srf__element_t *element, const srf__addr_t *addr)
{
    srf__dead_mark(&element->no_tcp, addr);
}

/* ---- what became of it ---- */

void srf__way_report(srf__element_t *element, const srf__addr_t *addr,
                     bool by_network, bool answered)
{
    if (element->resolver != NULL && addr->family != 0)
        srf__resolver_report(element->resolver, addr, by_network, answered);
}

void srf__way_log(srf__element_t *element, const srf__facts_t *request,
                  const char *why)
{
    const srf__log_context_t about = {
        .module = "proxy",
        .call_id = srf__facts_str(request, request->call_id),
    };
    srf__str_t method = srf__facts_str(request, request->method_name);

    srf__log_peer(&element->log, SRF_LOG_INFO, &about, "%.*s not sent on: %s",
                  (int)method.len, method.p, why);
}
