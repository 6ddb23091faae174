/*
 * What is decided about a request before it is read, or right after.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/arrival.h"

#include "message/peek.h"
#include "transaction/server.h"

#include <inttypes.h>

enum {
    TELL_EVERY_MS = 1000,
    /* So much sooner may come what was sent on a connection before we cease to
     * read from it. */
    CREDIT_MS = 1000
};

bool srf__arrival_in_dialog(srf_t *srf, const srf__facts_t *request)
{
    srf__route_t route;

    return request->to_tag.len > 0 &&
           srf__route_prepare(&srf->element, request, &route) == 0 &&
           route.in_dialog;
}

static void tell_of_source(srf_t *srf, const srf__flow_t *from, uint64_t now_ms)
{
    srf__sources_t *sources = &srf->sources;
    char peer[SRF__ADDR_TEXT];

    if (sources->told_ms != 0 && now_ms - sources->told_ms < TELL_EVERY_MS)
        return;
    (void)srf__addr_ip_text(&from->peer, peer);
    const srf__log_context_t context = {.module = "core", .peer = peer};
    srf__log_write(&srf->element.log, SRF_LOG_WARNING, &context,
                   "above source_rate: %" PRIu64
                   " requests were too many since this was said last, one of "
                   "them of this source",
                   sources->limited - sources->told_limited);
    sources->told_ms = now_ms;
    sources->told_limited = sources->limited;
}

bool srf__arrival_take(srf_t *srf, const srf__flow_t *from, srf__work_t work)
{
    uint32_t credit_ms = from->listener->ops->reliable ? CREDIT_MS : 0;
    uint64_t now_ms = srf__wheel_now(srf->element.wheel);
    uint32_t soon_ms =
        srf__sources_take(&srf->sources, &from->peer, work, now_ms, credit_ms);

    if (soon_ms == 0)
        return false;
    srf__transports_rest(from, soon_ms);
    if (soon_ms <= credit_ms)
        return false;
    tell_of_source(srf, from, now_ms);
    return true;
}

/* RFC 3261 §17.2.3: what is sent again, an ACK to what we answered, a CANCEL
 * of what is under way. */
static bool has_transaction(const srf_t *srf, const srf__facts_t *facts)
{
    const srf__txns_t *txns = &srf->element.txns;
    srf__method_t method = (srf__method_t)facts->method;

    if (method != SRF__METHOD_ACK &&
        srf__server_find(txns, srf__server_key(txns, facts, method)) != NULL)
        return true;
    return (method == SRF__METHOD_ACK || method == SRF__METHOD_CANCEL) &&
           srf__server_may_find_invite(
               txns, srf__server_key(txns, facts, SRF__METHOD_INVITE));
}

bool srf__arrival_drop(srf_t *srf, const srf__flow_t *from, const char *data,
                       size_t len)
{
    srf__overload_t *overload = &srf->overload;
    srf__sources_t *sources = &srf->sources;
    uint64_t now_ms = srf__wheel_now(srf->element.wheel);
    srf__peek_t peek;

    /* On a stream nobody would send it again. */
    if (!srf__peek_is_request(data, len) || from->listener->ops->reliable ||
        srf__overload_has_answers(overload))
        return false;
    bool closed =
        srf__overload_is_on(overload) && srf__overload_is_closed(overload);
    bool above = srf__sources_is_above(sources, &from->peer, now_ms);
    if (!closed && !above)
        return false;
    srf__peek(data, len, &srf->facts, &peek);
    if (peek.routed || (peek.has_branch && has_transaction(srf, &srf->facts)))
        return false;
    srf->shed++;
    srf->requests_received++;
    overload->turned_away++;
    if (above) {
        srf__sources_note(sources, now_ms);
        tell_of_source(srf, from, now_ms);
    }
    return true;
}
