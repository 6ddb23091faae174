/*
 * Choosing the best response.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/best.h"

#include "proxy/branch_msgs.h"

static bool lets_caller_repair(unsigned status)
{
    return status == 401 || status == 407 || status == 415 || status == 420 ||
           status == 484;
}

/* Lower is better. */
static unsigned rank(const srf__context_t *context, const srf__branch_t *branch)
{
    unsigned status = branch->status;
    unsigned within = 10; /* its class */

    if (status >= 600)
        return 0;
    if (context->cancelled && status == 487)
        return 2 + branch->generated;
    if (status == 408 && context->server->method != SRF__METHOD_INVITE)
        return 1000; /* RFC 4320 §4.2: it may not be sent */
    if (lets_caller_repair(status))
        within = 0;
    else if (status == 503)
        within = 20;
    return status / 100 * 100 + within + branch->generated;
}

const srf__branch_t *srf__best_branch(const srf__context_t *context)
{
    const srf__branch_t *best = NULL;
    const srf__branch_t *branch = context->branches;

    for (; branch != NULL; branch = branch->next) {
        /* §16.7 step 4: a redirect that was followed is used up. */
        if (branch->status >= 300 && !branch->redirected &&
            (best == NULL || rank(context, branch) < rank(context, best)))
            best = branch;
    }
    return best;
}

/* More than a datagram over IPv4 holds would not reach the caller at all. */
enum { MERGED_MAX = 65507 };

static bool has_room(const srf__edits_t *edits, const srf__facts_t *to,
                     size_t len)
{
    return edits->count < SRF__EDITS_MAX &&
           srf__edits_size(edits, to->len) + len <= MERGED_MAX;
}

/* Those that there is room for are added: the caller does with fewer rather
 * than with none. */
static void add_challenges(srf__edits_t *edits, const srf__facts_t *to,
                           const srf__facts_t *from, srf__header_id_t id)
{
    const srf__header_t *line = srf__facts_first(from, id);

    for (; line != NULL; line = srf__facts_next(from, line)) {
        srf__str_t text =
            srf__str(from->data + line->name, (size_t)(line->end - line->name));
        if (has_room(edits, to, text.len))
            srf__edit_insert_line(edits, to, NULL, text);
    }
}

static bool is_challenge(const srf__branch_t *branch)
{
    return !branch->generated &&
           (branch->status == 401 || branch->status == 407) &&
           srf__branch_final(branch) != NULL;
}

/* §16.7 step 7: all WWW-Authenticate and Proxy-Authenticate values of the other
 * 401 and 407 responses are added, without changing them. */
static srf_msg_t *merge(const srf__context_t *context,
                        const srf__branch_t *best, const srf__facts_t *response)
{
    const srf__branch_t *other = context->branches;
    srf__edits_t edits;

    srf__edits_init(&edits);
    for (; other != NULL; other = other->next) {
        if (other == best || !is_challenge(other))
            continue;
        const srf__facts_t *facts =
            srf__msg_facts(srf__branch_final(other)->msg);
        if (facts == NULL)
            return NULL;
        add_challenges(&edits, response, facts, SRF__HDR_WWW_AUTHENTICATE);
        add_challenges(&edits, response, facts, SRF__HDR_PROXY_AUTHENTICATE);
    }
    return edits.count == 0
               ? NULL
               : srf__edits_apply(&context->element->pool, &edits, response);
}

srf_msg_t *srf__best_response(const srf__context_t *context,
                              const srf__branch_t *best, srf__span_t *cut)
{
    srf_msg_t *msg = srf__branch_final(best)->msg;
    const srf__facts_t *response = srf__msg_facts(msg);

    /* Lines are added behind the Via, whose place stays the same. */
    if (response == NULL || !srf__forward_response_cut(response, cut))
        return NULL;
    if (is_challenge(best)) {
        srf_msg_t *merged = merge(context, best, response);
        if (merged != NULL)
            return merged;
    }
    return srf__msg_ref(msg);
}
