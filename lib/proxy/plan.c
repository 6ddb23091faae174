/*
 * Plans.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/plan.h"

#include "proxy/context.h"

/* A datagram that fits any path (RFC 3261 §18.1.1). */
enum { DATAGRAM_MAX = 1300 };

static srf__listener_t *outbound_of(const srf__context_t *context)
{
    return context->extras == NULL ? NULL : context->extras->outbound;
}

static int set_hop(srf__plan_t *plan, const srf__uri_t *uri)
{
    int err = srf__next_hop(uri, &plan->to);

    if (err == SRF_ERR_NAME_NOT_FOUND)
        plan->hop = *uri;
    return err;
}

int srf__plan_make(const srf__branch_t *branch, const srf__facts_t *request,
                   srf__plan_t *plan)
{
    const srf__context_t *context = branch->context;
    srf__uri_t target;
    srf__str_t received = srf__facts_str(request, request->uri);

    srf__buf_init(&plan->uri, SRF__HEAD_MAX);
    if (context->route != NULL)
        plan->route = *context->route;
    else if (srf__route_prepare(context->element, request, &plan->route) != 0)
        return SRF_ERR_INVALID_URI; /* it was good when it came */
    bool moved = plan->route.removed > 0 || plan->route.from_strict;
    plan->flow.listener = NULL;
    if (branch->target->uri[0] == '\0') {
        plan->spiral = moved;
        if (srf__forward_along_flow(context->element, &plan->route,
                                    &context->server->from, &plan->flow)) {
            plan->to.addr = plan->flow.peer;
            return plan->flow.peer.family == 0 ? SRF_ERR_NOT_CONNECTED : 0;
        }
        return set_hop(plan, plan->route.has_next ? &plan->route.next
                                                  : &plan->route.request_uri);
    }
    const srf__target_rule_t rule = {
        .request_uri = &plan->route.request_uri,
        .replaces = plan->route.request_uri_is_us,
        .keep_user = context->keep_user,
    };
    int err = srf__uri_parse(srf__str_of(branch->target->uri), &target);
    if (err == 0)
        err = srf__target_write_uri(branch->target, &rule, &plan->uri);
    if (err != 0)
        return err;
    plan->spiral = moved || (plan->uri.len > 0 &&
                             !srf__str_eq(srf__buf_str(&plan->uri), received));
    /* A redirect does not free the request from its Route (§16.6 step 7). */
    if (!srf__context_has_targets(context) && plan->route.has_next)
        target = plan->route.next;
    err = set_hop(plan, &target);
    plan->to.trusted = !branch->target->is_contact;
    if (plan->to.trusted)
        plan->to.reason = SRF_DESTINATION_TARGET;
    return err;
}

srf_msg_t *srf__plan_request(const srf__branch_t *branch,
                             const srf__facts_t *request,
                             const srf__plan_t *plan, const srf__flow_t *to)
{
    const srf__context_t *context = branch->context;
    char text[SRF__BRANCH_LEN];

    srf__client_branch(branch->client, context->loop_hash, text);
    const srf__forward_t forward = {
        .route = &plan->route,
        .from = &context->server->from,
        .request_uri = srf__buf_str(&plan->uri),
        .to = to,
        .branch = srf__str(text, sizeof(text)),
        .headers = srf__context_headers(context),
        .record_route = context->record_route,
        .path = context->path,
        .target_given = srf__context_has_targets(context),
        .breadth = branch->breadth,
    };
    return srf__forward_request(context->element, request, &forward);
}

bool srf__plan_leave_udp(const srf__branch_t *branch, const srf__plan_t *plan,
                         size_t len, srf__flow_t *to)
{
    srf__context_t *context = branch->context;
    srf__transports_t *transports = &context->element->transports;
    srf__flow_t stream;
    srf__hop_t hop = plan->to;

    if (len <= DATAGRAM_MAX || branch->fell_back ||
        to->peer.transport != SRF__TRANSPORT_UDP)
        return false;
    hop.addr.transport = SRF__TRANSPORT_TCP;
    if (srf__hop_flow(transports, &hop, to->listener, &stream) != 0)
        return false;
    *to = stream;
    return true;
}

srf__str_t srf__plan_uri(const srf__plan_t *plan)
{
    return plan->uri.len > 0 ? srf__buf_str(&plan->uri)
                             : plan->route.request_uri.text;
}

srf__listener_t *srf__plan_listener(const srf__context_t *context)
{
    srf__listener_t *outbound = outbound_of(context);

    return outbound != NULL ? outbound : context->server->from.listener;
}

int srf__plan_flow(srf__context_t *context, const srf__plan_t *plan,
                   srf__flow_t *out)
{
    srf__hop_t hop = plan->to;

    if (plan->flow.listener != NULL) {
        *out = plan->flow;
        return 0;
    }
    hop.bound = outbound_of(context) != NULL;
    /* Where the Route says that we are seen from there (RFC 5658 §4). */
    return srf__hop_flow(&context->element->transports, &hop,
                         !hop.bound && plan->route.listener != NULL
                             ? plan->route.listener
                             : srf__plan_listener(context),
                         out);
}
