/*
 * Plans.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/plan.h"

#include "proxy/context.h"

/* The Request-URI that it leaves with (RFC 3261 §16.5, §16.6 step 2). */
static srf__str_t uri_of(const srf__plan_t *plan)
{
    return plan->uri.len > 0 ? srf__buf_str(&plan->uri)
                             : plan->route.request_uri.text;
}

/* Whether the network chose the name: a Route, the Request-URI, also when the
 * program hands on its host, or a redirect. */
static bool is_foreign(const srf__branch_t *branch, const srf__plan_t *plan)
{
    return !srf__context_has_targets(branch->context) ||
           branch->target->depth > 0 ||
           srf__str_ieq(plan->target.host, plan->route.request_uri.host);
}

/* The target in place of what Route says. A redirect does not free the request
 * from its Route (§16.6 step 7). */
static void go_to_target(const srf__branch_t *branch, srf__plan_t *plan)
{
    srf__way_spec_t *way = &plan->way;

    way->flow.listener = NULL;
    way->forged = false;
    way->trusted = !branch->target->is_contact;
    if (way->trusted)
        way->reason = SRF_DESTINATION_TARGET;
    if (!srf__context_has_targets(branch->context) && plan->route.has_next)
        return;
    way->uri = &plan->target;
    if (!is_foreign(branch, plan))
        way->source = NULL;
}

int srf__plan_make(const srf__branch_t *branch, const srf__facts_t *request,
                   srf__plan_t *plan)
{
    const srf__context_t *context = branch->context;
    srf__str_t received = srf__facts_str(request, request->uri);

    srf__buf_init(&plan->uri, SRF__HEAD_MAX);
    if (context->starting && context->element->route != NULL)
        plan->route = *context->element->route;
    else if (srf__route_prepare(context->element, request, &plan->route) != 0)
        return SRF_ERR_INVALID_URI; /* it was good when it came */
    plan->spiral = plan->route.removed > 0 || plan->route.from_strict;
    srf__way_of_route(context->element, request, &plan->route,
                      &context->server->from, &plan->way);
    if (context->extras != NULL && context->extras->wishes.outbound != NULL &&
        !plan->route.proved) {
        plan->way.leaves_by = context->extras->wishes.outbound;
        plan->way.bound = true;
    }
    if (branch->target->uri[0] == '\0')
        return 0;
    const srf__target_rule_t rule = {
        .request_uri = &plan->route.request_uri,
        .replaces = plan->route.request_uri_is_us,
        .keep_user = context->settings.keep_user,
    };
    int err = srf__uri_parse(srf__str_of(branch->target->uri), &plan->target);
    if (err == 0)
        err = srf__target_write_uri(branch->target, &rule, &plan->uri);
    if (err != 0)
        return err;
    plan->spiral =
        plan->spiral ||
        (plan->uri.len > 0 && !srf__str_eq(srf__buf_str(&plan->uri), received));
    go_to_target(branch, plan);
    /* RFC 3261 §26.2.2: the caller's sips holds also where our own name has
     * made way for a target. */
    if (plan->route.request_uri.scheme != SRF__SCHEME_SIPS)
        plan->way.request_uri = uri_of(plan);
    /* What a redirect leads to may be for sips where the request was not. */
    if (plan->way.uri == &plan->route.next)
        srf__route_secure(context->element, plan->way.request_uri,
                          &plan->route.next);
    return 0;
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
        .settings = &context->settings,
        .along_flow = plan->way.flow.listener != NULL,
        .target_given = srf__context_has_targets(context),
        .breadth = branch->breadth,
    };
    return srf__forward_request(context->element, request, &forward);
}
