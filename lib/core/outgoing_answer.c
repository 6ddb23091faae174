/*
 * 2xx to an INVITE of the program's own: no transaction acknowledges them
 * (RFC 3261 §13.2.2.4).
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/outgoing.h"
#include "resolver/next_hop.h"

/* Further ones are left without an ACK: nobody forks that far for a probe. */
enum { ANSWERERS_MAX = 16 };

static srf__answerer_t *find(const srf_outgoing_t *outgoing, srf__str_t tag,
                             unsigned *count)
{
    srf__answerer_t *one = outgoing->answerers;

    for (*count = 0; one != NULL && !srf__str_eq(one->tag, tag); ++*count)
        one = one->next;
    return one;
}

/* INTEROP: when the Contact is a name or cannot be reached from here, the ACK
 * goes where the INVITE went, so that the 2xx is not repeated for nothing. */
static srf__flow_t find_flow(const srf_outgoing_t *outgoing,
                             const srf__uri_t *next_hop)
{
    srf__transports_t *transports = &outgoing->srf->element.transports;
    srf__flow_t flow;
    srf__hop_t hop;

    if (srf__next_hop(next_hop, &hop) != 0 ||
        srf__hop_flow(transports, &hop, outgoing->flow.listener, &flow) != 0)
        return outgoing->flow;
    return flow;
}

/* The credentials of the INVITE go with its ACK (§22.1). */
static void add_credentials(const srf__facts_t *invite, srf__buf_t *out)
{
    for (unsigned i = 0; i < invite->header_count; i++) {
        const srf__header_t *line = &invite->headers[i];
        if (line->id == SRF__HDR_AUTHORIZATION ||
            line->id == SRF__HDR_PROXY_AUTHORIZATION)
            srf__buf_add(out, invite->data + line->name,
                         (size_t)(line->end - line->name));
    }
}

/* A transaction of its own (§17.1.1.3), the same each time it is sent: the
 * branch of our INVITE with a number in place of the loop hash. */
static srf_msg_t *write_ack(const srf_outgoing_t *outgoing,
                            srf__dialog_t *dialog, const srf__flow_t *flow,
                            unsigned number)
{
    const srf__facts_t *invite = srf__msg_facts(outgoing->image);
    char branch[SRF__BRANCH_LEN];

    if (invite == NULL)
        return NULL;
    add_credentials(invite, &dialog->routes);
    srf__request_spec_t spec = {
        .method = SRF__STR("ACK"),
        .uri = dialog->uri,
        .from = dialog->from,
        .to = dialog->to,
        .call_id = dialog->call_id,
        .cseq = invite->cseq,
        .lines = srf__buf_str(&dialog->routes),
    };
    srf__client_branch(outgoing->client, number, branch);
    return dialog->routes.err != 0
               ? NULL
               : srf__outgoing_build_along(&spec, flow,
                                           srf__str(branch, sizeof(branch)));
}

/* A 2xx whose route set cannot be read gets none. SRF_ERR_NO_MEMORY. */
static int build_ack(const srf_outgoing_t *outgoing, srf__answerer_t *one,
                     const srf__facts_t *response, unsigned number)
{
    srf__dialog_t dialog;
    int err = srf__dialog_read(&dialog, response, outgoing->spec.uri);

    one->ack = NULL;
    if (err == 0) {
        one->flow = find_flow(outgoing, &dialog.next_hop);
        one->ack = write_ack(outgoing, &dialog, &one->flow, number);
        srf__msg_forget_facts(outgoing->image);
        if (one->ack == NULL)
            err = SRF_ERR_NO_MEMORY;
    }
    srf__dialog_deinit(&dialog);
    return err == SRF_ERR_NO_MEMORY ? err : 0;
}

/* Without memory for it the 2xx counts as lost: it comes again. */
static srf__answerer_t *add(srf_outgoing_t *outgoing,
                            const srf__facts_t *response, srf__str_t tag,
                            unsigned count)
{
    srf__answerer_t *one = srf__arena_alloc(&outgoing->arena, sizeof(*one));
    char *copy = srf__arena_strdup(&outgoing->arena, tag);

    if (one == NULL || copy == NULL ||
        build_ack(outgoing, one, response, count + 1) != 0)
        return NULL;
    one->tag = srf__str(copy, tag.len);
    one->next = outgoing->answerers;
    outgoing->answerers = one;
    if (one->ack != NULL)
        outgoing->srf->element.txns.counters.requests_sent++;
    return one;
}

bool srf__outgoing_acknowledge(srf_outgoing_t *outgoing,
                               const srf__facts_t *response)
{
    srf__str_t tag = srf__facts_str(response, response->to_tag);
    unsigned count;
    srf__answerer_t *one = find(outgoing, tag, &count);
    bool known = one != NULL;

    if (!known && count < ANSWERERS_MAX)
        one = add(outgoing, response, tag, count);
    if (one != NULL && one->ack != NULL) {
        const srf__str_t part = srf__str(one->ack->data, one->ack->len);
        (void)srf__transports_send(&one->flow, &part, 1);
    }
    return !known && one != NULL;
}

void srf__outgoing_forget_answerers(srf_outgoing_t *outgoing)
{
    srf__answerer_t *one = outgoing->answerers;

    for (; one != NULL; one = one->next)
        srf__msg_unref(one->ack);
    outgoing->answerers = NULL;
}
