/*
 * Marks and the names of flows.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/mark.h"

enum { LISTENER_DIGITS = 2, CONNECTION_DIGITS = 8 };

/* ---- marks ---- */

void srf__marks_init(srf__marks_t *marks, srf__random_t *random)
{
    srf__random_bytes(random, &marks->era, sizeof(marks->era));
    srf__random_bytes(random, &marks->keys[0], sizeof(marks->keys[0]));
    marks->count = 1;
}

/* What a mark is written over. A Path has neither Call-ID nor tag; a dialog
 * always has a Call-ID. */
typedef struct subject {
    srf__str_t flow;
    srf__str_t call_id;
    srf__str_t tag; /* the caller's */
} subject_t;

/* Numbers of connections begin anew with each stack: a mark with a flow is good
 * for the one that wrote it. */
static uint64_t hash_of(const srf__marks_t *marks, unsigned key,
                        const subject_t *subject)
{
    srf__hasher_t hasher;

    srf__hasher_init(&hasher, &marks->keys[key], false);
    srf__hasher_field(&hasher, subject->flow);
    if (subject->flow.len > 0)
        srf__hasher_update(&hasher, &marks->era, sizeof(marks->era));
    srf__hasher_field(&hasher, subject->call_id);
    srf__hasher_field(&hasher, subject->tag);
    return srf__hasher_final(&hasher).h[0];
}

/* Whichever key it was made with, the first or an older one. Numbers are
 * compared in constant time. */
static bool is_hash_of(const srf__marks_t *marks, uint64_t hash,
                       const subject_t *subject)
{
    for (unsigned key = 0; key < marks->count; key++) {
        if (hash_of(marks, key, subject) == hash)
            return true;
    }
    return false;
}

static subject_t of_dialog(const srf__facts_t *request, srf__str_t flow,
                           srf__span_t tag)
{
    return (subject_t){
        .flow = flow,
        .call_id = srf__facts_str(request, request->call_id),
        .tag = srf__facts_str(request, tag),
    };
}

static subject_t of_path(srf__str_t flow)
{
    return (subject_t){.flow = flow};
}

void srf__mark_dialog(const srf__marks_t *marks, const srf__facts_t *request,
                      srf__str_t flow, char out[SRF__MARK_LEN])
{
    const subject_t subject = of_dialog(request, flow, request->from_tag);

    srf__hex_write(out, hash_of(marks, 0, &subject), SRF__MARK_LEN);
}

void srf__mark_path(const srf__marks_t *marks, srf__str_t flow,
                    char out[SRF__MARK_LEN])
{
    const subject_t subject = of_path(flow);

    srf__hex_write(out, hash_of(marks, 0, &subject), SRF__MARK_LEN);
}

/* Either end sends requests: the caller's tag stands in From or in To. */
static bool is_of_dialog(const srf__marks_t *marks, const srf__facts_t *request,
                         srf__str_t flow, uint64_t hash)
{
    subject_t subject = of_dialog(request, flow, request->from_tag);

    if (request->to_tag.len == 0)
        return false;
    if (is_hash_of(marks, hash, &subject))
        return true;
    subject.tag = srf__facts_str(request, request->to_tag);
    return is_hash_of(marks, hash, &subject);
}

srf__mark_kind_t srf__mark_read(const srf__marks_t *marks,
                                const srf__facts_t *request,
                                const srf__uri_t *uri)
{
    uint64_t hash;

    if (uri->mark.len != SRF__MARK_LEN || !srf__hex_read(uri->mark, &hash))
        return SRF__MARK_NONE;
    if (is_of_dialog(marks, request, uri->user, hash))
        return SRF__MARK_DIALOG;
    const subject_t path = of_path(uri->user);
    return is_hash_of(marks, hash, &path) ? SRF__MARK_PATH : SRF__MARK_NONE;
}

/* ---- flows ---- */

bool srf__flow_needs_name(const srf__flow_t *flow, const srf__facts_t *request)
{
    srf__addr_t sent_by;

    if (!srf__transports_is_accepted(flow))
        return false;
    /* What goes out on a connection that the peer made goes there since nothing
     * else would do. */
    if (request == NULL || flow->peer.transport == SRF__TRANSPORT_WS ||
        flow->peer.transport == SRF__TRANSPORT_WSS)
        return true;
    if (flow->peer.transport == SRF__TRANSPORT_TLS && request->via2 == 0)
        return true;
    return !srf__addr_from_host(&sent_by,
                                srf__facts_str(request, request->via.host), 0,
                                SRF__TRANSPORT_NONE) ||
           !srf__addr_ip_eq(&sent_by, &flow->peer);
}

static unsigned index_of(const srf__element_t *element,
                         const srf__listener_t *wanted)
{
    const srf__listener_t *listener = element->transports.listeners;
    unsigned index = 0;

    for (; listener != NULL && listener != wanted; listener = listener->next)
        index++;
    return index & 0xff;
}

void srf__flow_write(srf__element_t *element, const srf__flow_t *flow,
                     char out[SRF__FLOW_LEN])
{
    srf__transports_need(flow, SRF__NEED_NAMED);
    srf__hex_write(out, index_of(element, flow->listener), LISTENER_DIGITS);
    srf__hex_write(out + LISTENER_DIGITS, flow->connection, CONNECTION_DIGITS);
}

bool srf__flow_read(srf__element_t *element, srf__str_t name, srf__flow_t *flow)
{
    srf__listener_t *listener = element->transports.listeners;
    uint64_t index;
    uint64_t connection;

    if (name.len != SRF__FLOW_LEN ||
        !srf__hex_read(srf__str(name.p, LISTENER_DIGITS), &index) ||
        !srf__hex_read(srf__str(name.p + LISTENER_DIGITS, CONNECTION_DIGITS),
                       &connection))
        return false;
    for (; listener != NULL && index > 0; index--)
        listener = listener->next;
    memset(flow, 0, sizeof(*flow));
    flow->listener = listener;
    flow->connection = (uint32_t)connection;
    if (listener != NULL)
        (void)srf__transports_resume(flow);
    return listener != NULL;
}
