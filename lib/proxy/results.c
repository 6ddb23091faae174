/*
 * Results of a proxy operation.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/results.h"

#include "proxy/branch_msgs.h"

static srf_proxy_msg_t public_msg(const srf__branch_msg_t *msg)
{
    srf_proxy_msg_t out = {.time_us = (int64_t)msg->time_us,
                           .status = (int32_t)msg->status,
                           .msg = msg->msg};

    return out;
}

static const srf_proxy_msg_t *public_msgs(srf__results_t *results,
                                          const srf__branch_t *branch)
{
    const unsigned few = sizeof(results->few_msgs) / sizeof(srf_proxy_msg_t);
    unsigned count = branch->msg_count;
    srf_proxy_msg_t *msgs = &results->few_msgs[results->few_msgs_used];

    if (count <= few - results->few_msgs_used)
        results->few_msgs_used += count;
    else
        msgs = srf__arena_alloc(&results->arena, count * sizeof(*msgs));
    if (msgs == NULL)
        return NULL;
    for (unsigned i = 0; i < count; i++)
        msgs[i] = public_msg(&srf__branch_msgs(branch)[i]);
    return msgs;
}

/* The target in full; for an outbound proxy the Request-URI. */
static const char *target_text(const srf__context_t *context,
                               const srf__branch_t *branch)
{
    const char *uri = branch->target->uri;

    if (uri[0] == '\0')
        uri = srf_msg_uri(context->request);
    return uri == NULL ? "" : uri;
}

static bool fill(srf_proxy_response_t *out, srf__results_t *results,
                 const srf__context_t *context, const srf__branch_t *branch)
{
    char text[SRF__ADDR_TEXT];

    out->target = target_text(context, branch);
    out->cause = branch->cause;
    out->address = "";
    out->transport = "";
    if (branch->addr.family != 0) {
        out->address = srf__arena_strdup(
            &results->arena, srf__addr_ip_text(&branch->addr, text));
        out->transport = srf__transport_uri_name(branch->addr.transport);
        out->port = branch->addr.port;
    }
    out->msgs = public_msgs(results, branch);
    out->msg_count = branch->msg_count;
    if (branch->way != NULL)
        out->addresses_left = srf__way_left(branch->way);
    return out->address != NULL && out->msgs != NULL;
}

void srf__results_make(srf__results_t *results, const srf__context_t *context)
{
    srf_proxy_results_t *public = &results->public;
    const srf__branch_t *branch = context->branches;
    size_t count = 0;

    memset(results, 0, sizeof(*results));
    public->size = sizeof(*public);
    public->connected = context->connected;
    public->final_status = context->final_status;
    if (context->final_branch != NULL) {
        const srf__branch_msg_t *final =
            srf__branch_final(context->final_branch);
        if (final != NULL) {
            results->final_response = public_msg(final);
            public->final_response = &results->final_response;
        }
    }

    for (; branch != NULL; branch = branch->next)
        count++;
    srf_proxy_response_t *responses = results->few_responses;
    if (count > sizeof(results->few_responses) / sizeof(*responses))
        responses =
            srf__arena_alloc(&results->arena, count * sizeof(*responses));
    if (responses == NULL)
        return;
    memset(responses, 0, count * sizeof(*responses));
    branch = context->branches;
    for (size_t i = 0; i < count; i++, branch = branch->next) {
        if (!fill(&responses[i], results, context, branch))
            return;
        if (branch->cause == SRF_CAUSE_NONE) /* the stack goes */
            responses[i].cause = SRF_CAUSE_CANCELED;
    }
    public->responses = responses;
    public->response_count = count;
}

bool srf__results_make_one(srf__results_t *results,
                           const srf__context_t *context,
                           const srf__branch_t *branch,
                           srf_proxy_response_t *out)
{
    memset(results, 0, sizeof(*results));
    memset(out, 0, sizeof(*out));
    return fill(out, results, context, branch);
}

void srf__results_deinit(srf__results_t *results)
{
    srf__arena_deinit(&results->arena);
}
