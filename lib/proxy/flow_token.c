/*
 * Flow tokens.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/flow_token.h"

enum { LISTENER_DIGITS = 2, CONNECTION_DIGITS = 8, HASH_DIGITS = 16 };

bool srf__flow_needs_token(const srf__flow_t *flow, const srf__facts_t *request)
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

/* The digits before the hash make it; the first word keeps this hash apart from
 * all others under that key. */
static uint64_t hash_of(const srf__element_t *element, const char *digits)
{
    srf__hasher_t hasher;

    srf__hasher_init(&hasher, &element->txns.key, false);
    srf__hasher_field(&hasher, SRF__STR("flow"));
    srf__hasher_update(&hasher, digits, LISTENER_DIGITS + CONNECTION_DIGITS);
    return srf__hasher_final(&hasher).h[0];
}

void srf__flow_token_write(srf__element_t *element, const srf__flow_t *flow,
                           char out[SRF__FLOW_TOKEN_LEN])
{
    srf__hex_write(out, index_of(element, flow->listener), LISTENER_DIGITS);
    srf__hex_write(out + LISTENER_DIGITS, flow->connection, CONNECTION_DIGITS);
    srf__hex_write(out + LISTENER_DIGITS + CONNECTION_DIGITS,
                   hash_of(element, out), HASH_DIGITS);
}

bool srf__flow_token_read(srf__element_t *element, srf__str_t token,
                          srf__flow_t *flow)
{
    srf__listener_t *listener = element->transports.listeners;
    uint64_t index;
    uint64_t connection;
    uint64_t hash;

    if (token.len != SRF__FLOW_TOKEN_LEN ||
        !srf__hex_read(srf__str(token.p, LISTENER_DIGITS), &index) ||
        !srf__hex_read(srf__str(token.p + LISTENER_DIGITS, CONNECTION_DIGITS),
                       &connection) ||
        !srf__hex_read(srf__str(token.p + LISTENER_DIGITS + CONNECTION_DIGITS,
                                HASH_DIGITS),
                       &hash) ||
        hash != hash_of(element, token.p))
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
