/*
 * 2xx to an INVITE of the program's own: no transaction acknowledges them
 * (RFC 3261 §13.2.2.4).
 *
 * SPDX-License-Identifier: MIT
 */
#include "uac/outgoing_answer.h"

#include "proxy/route.h"
#include "uac/dialog.h"
#include "uac/outgoing_request.h"

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
               : srf__outgoing_build_along(&outgoing->uac->element->pool, &spec,
                                           &one->flow,
                                           srf__str(branch, sizeof(branch)));
}

static srf__way_spec_t spec_of(const srf__answerer_t *one,
                               const srf__dialog_t *dialog)
{
    return (srf__way_spec_t){
        .request_uri = dialog->uri,
        .uri = &dialog->next_hop,
        .came_by = one->outgoing->flow.listener,
        .source = &one->outgoing->flow.peer, /* it wrote the Contact */
        .call_id = one->outgoing->spec.call_id,
        .reason = SRF_DESTINATION_ACK,
    };
}

static int read_dialog(const srf_outgoing_t *invite,
                       const srf__facts_t *response, srf__dialog_t *out)
{
    int err = srf__dialog_read(out, response, invite->spec.uri);

    if (err == 0)
        srf__route_secure(invite->uac->element, out->uri, &out->next_hop);
    return err;
}

/* The ACK along its way. INTEROP: when that leads nowhere, or to a name that
 * nobody knows, it goes where the INVITE went, so that the 2xx is not repeated
 * for nothing. SRF_ERR_NO_MEMORY. */
static int build_ack(srf__answerer_t *one, srf__dialog_t *dialog)
{
    const srf__way_spec_t spec = spec_of(one, dialog);
    srf_outgoing_t *outgoing = one->outgoing;

    if (srf__way_flow_on(outgoing->uac->element, &spec, &one->way,
                         &one->flow) != 0)
        one->flow = outgoing->flow;
    one->ack = write_ack(one, dialog);
    if (one->ack == NULL)
        return SRF_ERR_NO_MEMORY;
    outgoing->uac->element->txns.counters.requests_sent++;
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

    srf__way_found(&one->way, err, hops);
    if (response != NULL) {
        /* It was good when it came; there may be no memory now. */
        if (read_dialog(one->outgoing, response, &dialog) == 0)
            (void)build_ack(one, &dialog);
        srf__dialog_deinit(&dialog);
    }
    srf__msg_unref(one->response);
    one->response = NULL;
    send_ack(one);
}

/* ---- the whole ---- */

/* Finds where it goes; SRF__SELECT_PENDING: later. */
static int find_way(srf__answerer_t *one, const srf__facts_t *response,
                    const srf__dialog_t *dialog)
{
    srf__way_spec_t spec = spec_of(one, dialog);
    srf__pool_t *pool = &one->outgoing->uac->element->pool;

    int err = srf__way_find(one->outgoing->uac->element, &spec, &one->way,
                            on_found, one);
    if (err != SRF__SELECT_PENDING)
        return err;
    one->response = srf__msg_create(pool, response);
    if (one->response != NULL)
        return err;
    srf__way_end(&one->way);
    return SRF_ERR_NO_MEMORY;
}

/* A 2xx whose route set cannot be read gets no ACK. SRF_ERR_NO_MEMORY. */
static int prepare_ack(srf__answerer_t *one, const srf__facts_t *response)
{
    srf__dialog_t dialog;
    int err = read_dialog(one->outgoing, response, &dialog);

    if (err == 0) {
        err = find_way(one, response, &dialog);
        if (err != SRF__SELECT_PENDING && err != SRF_ERR_NO_MEMORY)
            err = build_ack(one, &dialog);
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
        srf__way_end(&one->way);
        srf__msg_unref(one->response);
        srf__msg_unref(one->ack);
    }
    outgoing->answerers = NULL;
}
