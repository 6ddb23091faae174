/*
 * 2xx to an INVITE of the program's own: no transaction acknowledges them
 * (RFC 3261 §13.2.2.4).
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/outgoing.h"
#include "proxy/places.h"
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
static srf_msg_t *write_ack(const srf__answerer_t *one, srf__dialog_t *dialog)
{
    const srf_outgoing_t *outgoing = one->outgoing;
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
    srf__client_branch(outgoing->client, one->number, branch);
    srf__msg_forget_facts(outgoing->image);
    return dialog->routes.err != 0
               ? NULL
               : srf__outgoing_build_along(&outgoing->srf->element.pool, &spec,
                                           &one->flow,
                                           srf__str(branch, sizeof(branch)));
}

/* The ACK along the way to `hop`. INTEROP: when that leads nowhere, or is NULL
 * for a name that nobody knows, it goes where the INVITE went, so that the 2xx
 * is not repeated for nothing. SRF_ERR_NO_MEMORY. */
static int build_ack(srf__answerer_t *one, srf__dialog_t *dialog,
                     const srf__hop_t *hop)
{
    srf_outgoing_t *outgoing = one->outgoing;

    if (hop == NULL || srf__hop_flow(&outgoing->srf->element.transports, hop,
                                     outgoing->flow.listener, &one->flow) != 0)
        one->flow = outgoing->flow;
    one->ack = write_ack(one, dialog);
    if (one->ack == NULL)
        return SRF_ERR_NO_MEMORY;
    outgoing->srf->element.txns.counters.requests_sent++;
    return 0;
}

static void send_ack(srf__answerer_t *one)
{
    if (one->ack == NULL)
        return;
    const srf__str_t part = srf__str(one->ack->data, one->ack->len);
    (void)srf__transports_send(&one->flow, &part, 1);
}

/* ---- names ---- */

static void on_found(void *arg, int err, const srf__hops_t *hops)
{
    srf__answerer_t *one = arg;
    const srf__facts_t *response = srf__msg_facts(one->response);
    srf__dialog_t dialog;
    srf__hop_t hop = {.reason = SRF_DESTINATION_ACK};

    one->lookup = NULL;
    if (response != NULL) {
        /* It was good when it came; there may be no memory now. */
        if (srf__dialog_read(&dialog, response, one->outgoing->spec.uri) == 0) {
            hop.name = dialog.next_hop.host;
            if (err == 0)
                hop.addr = hops->list[0];
            (void)build_ack(one, &dialog, err == 0 ? &hop : NULL);
        }
        srf__dialog_deinit(&dialog);
    }
    srf__msg_unref(one->response);
    one->response = NULL;
    send_ack(one);
}

/* 0, SRF__SELECT_PENDING, or it is not found. */
static int look_up(srf__answerer_t *one, const srf__facts_t *response,
                   const srf__uri_t *uri, srf__hop_t *hop)
{
    const srf__finder_t finder = {
        .preferred = one->outgoing->flow.listener,
        .cb = on_found,
        .arg = one,
        .call_id = one->outgoing->spec.call_id,
        .source = &one->outgoing->flow.peer, /* it wrote the Contact */
    };
    srf__hops_t hops;

    one->response =
        srf__msg_create(&one->outgoing->srf->element.pool, response);
    if (one->response == NULL)
        return SRF_ERR_NO_MEMORY;
    int err = srf__element_resolve(&one->outgoing->srf->element, uri, &finder,
                                   &hops, &one->lookup);
    if (err == SRF__SELECT_PENDING)
        return err;
    srf__msg_unref(one->response);
    one->response = NULL;
    if (err == 0) {
        hop->addr = hops.list[0];
        hop->name = uri->host;
    }
    return err;
}

/* ---- the whole ---- */

/* A 2xx whose route set cannot be read gets no ACK. SRF_ERR_NO_MEMORY. */
static int prepare_ack(srf__answerer_t *one, const srf__facts_t *response)
{
    srf__dialog_t dialog;
    srf__hop_t hop;
    int err = srf__dialog_read(&dialog, response, one->outgoing->spec.uri);

    if (err == 0) {
        int found = srf__next_hop(&dialog.next_hop, &hop);
        hop.reason = SRF_DESTINATION_ACK;
        if (found == SRF_ERR_NAME_NOT_FOUND)
            found = look_up(one, response, &dialog.next_hop, &hop);
        if (found != SRF__SELECT_PENDING)
            err = build_ack(one, &dialog, found == 0 ? &hop : NULL);
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

    if (one == NULL || copy == NULL)
        return NULL;
    *one = (srf__answerer_t){
        .next = outgoing->answerers,
        .outgoing = outgoing,
        .tag = srf__str(copy, tag.len),
        .number = count + 1,
    };
    if (prepare_ack(one, response) != 0)
        return NULL;
    outgoing->answerers = one;
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
    if (one != NULL)
        send_ack(one);
    return !known && one != NULL;
}

void srf__outgoing_forget_answerers(srf_outgoing_t *outgoing)
{
    srf__answerer_t *one = outgoing->answerers;

    for (; one != NULL; one = one->next) {
        if (one->lookup != NULL)
            srf__lookup_cancel(one->lookup);
        srf__msg_unref(one->response);
        srf__msg_unref(one->ack);
    }
    outgoing->answerers = NULL;
}
