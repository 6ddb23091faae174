/*
 * Names of flows.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/flow_name.h"

#include "message/lines.h"
#include "message/uri.h"

enum {
    LISTENER_DIGITS = 4,
    CONNECTION_DIGITS = 8,
    STACK_DIGITS = 8,
    PORT_DIGITS = 4,
    BYTE_DIGITS = 2,
    IP4_DIGITS = 4 * BYTE_DIGITS,
    IP6_DIGITS = 16 * BYTE_DIGITS,
    SCOPE_DIGITS = 8,
    STREAM_LEN = 1 + LISTENER_DIGITS + CONNECTION_DIGITS + STACK_DIGITS,
    UDP4_LEN = 1 + LISTENER_DIGITS + PORT_DIGITS + IP4_DIGITS,
    UDP6_LEN = 1 + LISTENER_DIGITS + PORT_DIGITS + IP6_DIGITS,
    UDP6_SCOPED_LEN = UDP6_LEN + SCOPE_DIGITS
};

/* ---- who needs one ---- */

static bool ends_with(srf__str_t text, srf__str_t end)
{
    return text.len >= end.len &&
           srf__str_ieq(srf__str(text.p + text.len - end.len, end.len), end);
}

/* A host that can be no one's, or is an address other than the peer's. */
static bool is_elsewhere(srf__str_t host, const srf__addr_t *peer)
{
    srf__addr_t addr;

    if (srf__addr_is_host(peer, host))
        return false;
    return srf__addr_from_host(&addr, host, 0, SRF__TRANSPORT_NONE) ||
           ends_with(host, SRF__STR(".invalid")); /* RFC 2606 §2 */
}

static bool supports_outbound(const srf__facts_t *request)
{
    const srf__header_t *line = srf__facts_first(request, SRF__HDR_SUPPORTED);
    srf__str_t value;

    for (; line != NULL; line = srf__facts_next(request, line)) {
        srf__str_t rest = srf__header_value(request, line);
        while (srf__list_next(&rest, &value)) {
            if (srf__str_ieq(value, SRF__STR("outbound")))
                return true;
        }
    }
    return false;
}

/* Tells whether a Contact has the parameter reg-id, beside its URI. */
static bool has_reg_id(const srf__facts_t *request)
{
    const srf__header_t *line = srf__facts_first(request, SRF__HDR_CONTACT);
    srf__str_t params;
    srf__uri_t uri;

    if (line == NULL || srf__name_addr_parse(srf__header_value(request, line),
                                             &uri, &params) != 0)
        return false;
    const char *p = params.p;
    const char *end = params.p + params.len;
    while (p != NULL && (p = srf__skip_lws(p, end)) < end && *p == ';') {
        srf__param_t param;
        p = srf__param_read(srf__skip_lws(p + 1, end), end, &param);
        if (p != NULL && srf__str_ieq(param.name, SRF__STR("reg-id")))
            return true;
    }
    return false;
}

/* RFC 5626 §4.2.1, §5.1: a registration is for the flow that it comes along. */
static bool registers_flow(const srf__facts_t *request)
{
    return request->method == SRF__METHOD_REGISTER &&
           (supports_outbound(request) || has_reg_id(request));
}

/* Whether the value is "<sip:USER@HOST>" or with a port: the common case, told
 * without reading all of it. */
static bool is_plain_at(srf__str_t value, srf__str_t host)
{
    const char *end = value.p + value.len;
    const char *p = value.len > 0 && value.p[0] == '<'
                        ? memchr(value.p, '@', value.len)
                        : NULL;

    if (p == NULL || (size_t)(end - p) <= host.len + 1 ||
        memcmp(p + 1, host.p, host.len) != 0)
        return false;
    p += 1 + host.len;
    if (*p == ':') {
        for (p++; p < end && *p >= '0' && *p <= '9'; p++)
            ;
    }
    return p < end && *p == '>';
}

/* RFC 5626 §4.3: in a dialog, too. */
static bool has_ob(const srf__uri_t *uri)
{
    srf__str_t rest = uri->params;
    srf__uri_param_t param;

    while (srf__uri_param_next(&rest, &param)) {
        if (srf__uri_param_is(&param, "ob"))
            return true;
    }
    return false;
}

/* The Contact is where the peer wants to be reached, and the Via where it is.
 */
static bool contact_needs_flow(const srf__sender_t *sender)
{
    const srf__facts_t *request = sender->request;
    const srf__header_t *line = srf__facts_first(request, SRF__HDR_CONTACT);
    srf__str_t value;
    srf__str_t params;
    srf__uri_t uri;

    if (line == NULL)
        return false;
    srf__str_t rest = srf__header_value(request, line);
    if (sender->at_via &&
        is_plain_at(rest, srf__facts_str(request, request->via.host)))
        return false;
    return srf__list_next(&rest, &value) &&
           srf__name_addr_parse(value, &uri, &params) == 0 &&
           (is_elsewhere(uri.host, &sender->flow->peer) || has_ob(&uri));
}

/* The Via is what the peer knows of itself. A name in it may be its own. */
static bool via_is_elsewhere(const srf__sender_t *sender)
{
    return !sender->at_via &&
           is_elsewhere(
               srf__facts_str(sender->request, sender->request->via.host),
               &sender->flow->peer);
}

static bool needs_own_flow(const srf__sender_t *sender)
{
    return contact_needs_flow(sender) || registers_flow(sender->request);
}

static srf__flow_need_t need_over_udp(const srf__sender_t *sender)
{
    return sender->request->via2 == 0 &&
                   (via_is_elsewhere(sender) || needs_own_flow(sender))
               ? SRF__FLOW_ONLY
               : SRF__FLOW_NO_NAME;
}

srf__flow_need_t srf__flow_need_of(const srf__sender_t *sender)
{
    const srf__flow_t *flow = sender->flow;

    if (!flow->listener->ops->reliable)
        return need_over_udp(sender);
    if (!srf__transports_is_accepted(flow))
        return SRF__FLOW_NO_NAME;
    if (srf__transport_is_web(flow->peer.transport) || !sender->at_via)
        return SRF__FLOW_ONLY;
    if (sender->request->via2 != 0)
        return SRF__FLOW_NO_NAME;
    /* A user agent has no certificate to be connected to with. */
    return flow->peer.transport == SRF__TRANSPORT_TLS || needs_own_flow(sender)
               ? SRF__FLOW_ONLY
               : SRF__FLOW_PREFERRED;
}

srf__flow_need_t srf__flow_need_to(const srf__flow_t *flow, bool named)
{
    if (named)
        return SRF__FLOW_ONLY;
    if (!flow->listener->ops->reliable || !srf__transports_is_accepted(flow))
        return SRF__FLOW_NO_NAME;
    return flow->peer.transport == SRF__TRANSPORT_TCP ? SRF__FLOW_PREFERRED
                                                      : SRF__FLOW_ONLY;
}

/* ---- writing ---- */

static unsigned index_of(const srf__element_t *element,
                         const srf__listener_t *wanted)
{
    const srf__listener_t *listener = element->transports.listeners;
    unsigned index = 0;

    for (; listener != NULL && listener != wanted; listener = listener->next)
        index++;
    return index & 0xffff;
}

static char *add_digits(char *at, uint64_t value, unsigned digits)
{
    srf__hex_write(at, value, digits);
    return at + digits;
}

static char *add_address(char *at, const srf__addr_t *peer)
{
    unsigned bytes = peer->family == 4 ? 4 : 16;

    at = add_digits(at, peer->port, PORT_DIGITS);
    for (unsigned i = 0; i < bytes; i++)
        at = add_digits(at, peer->ip[i], BYTE_DIGITS);
    return peer->scope == 0 ? at : add_digits(at, peer->scope, SCOPE_DIGITS);
}

static char first_letter(bool reliable, srf__flow_need_t need)
{
    if (!reliable)
        return 'u';
    return need == SRF__FLOW_ONLY ? 'c' : 'p';
}

srf__str_t srf__flow_write_name(const srf__element_t *element,
                                const srf__flow_t *flow, srf__flow_need_t need,
                                char storage[SRF__FLOW_MAX])
{
    bool reliable = flow->listener->ops->reliable;
    char *at = storage;

    *at++ = first_letter(reliable, need);
    at = add_digits(at, index_of(element, flow->listener), LISTENER_DIGITS);
    if (!reliable) {
        at = add_address(at, &flow->peer);
    } else {
        srf__transports_need(flow, SRF__NEED_NAMED);
        at = add_digits(at, flow->connection, CONNECTION_DIGITS);
        at = add_digits(at, element->marks.era, STACK_DIGITS);
    }
    return srf__str(storage, (size_t)(at - storage));
}

/* ---- reading ---- */

static bool take_digits(srf__str_t *rest, unsigned digits, uint64_t *out)
{
    if (rest->len < digits || !srf__hex_read(srf__str(rest->p, digits), out))
        return false;
    rest->p += digits;
    rest->len -= digits;
    return true;
}

static bool is_datagram_name(srf__str_t name)
{
    return name.p[0] == 'u' && (name.len == UDP4_LEN || name.len == UDP6_LEN ||
                                name.len == UDP6_SCOPED_LEN);
}

bool srf__flow_is_name(srf__str_t name)
{
    uint64_t digit;

    if (name.len == 0 ||
        !(is_datagram_name(name) ||
          ((name.p[0] == 'c' || name.p[0] == 'p') && name.len == STREAM_LEN)))
        return false;
    for (size_t i = 1; i < name.len; i++) {
        if (!srf__hex_read(srf__str(name.p + i, 1), &digit))
            return false;
    }
    return true;
}

static void read_address(srf__str_t rest, srf__addr_t *out)
{
    unsigned bytes = rest.len < IP6_DIGITS ? 4 : 16;
    uint64_t value = 0;

    (void)take_digits(&rest, PORT_DIGITS, &value);
    out->port = (uint16_t)value;
    out->family = bytes == 4 ? 4 : 6;
    out->transport = SRF__TRANSPORT_UDP;
    for (unsigned i = 0; i < bytes && i < sizeof(out->ip); i++) {
        (void)take_digits(&rest, BYTE_DIGITS, &value);
        out->ip[i] = (uint8_t)value;
    }
    if (take_digits(&rest, SCOPE_DIGITS, &value))
        out->scope = (uint32_t)value;
}

/* A connection of another stack, be it this program before its restart, is gone
 * with it: its number is that of another one here. */
static void read_connection(const srf__element_t *element, srf__str_t rest,
                            srf__flow_t *out)
{
    uint64_t connection = 0;
    uint64_t stack = 0;

    (void)take_digits(&rest, CONNECTION_DIGITS, &connection);
    (void)take_digits(&rest, STACK_DIGITS, &stack);
    if (stack != (element->marks.era & 0xffffffff))
        return;
    out->connection = (uint32_t)connection;
    (void)srf__transports_resume(out);
}

srf__flow_need_t srf__flow_read(srf__element_t *element, srf__str_t name,
                                srf__flow_t *out)
{
    srf__listener_t *first = element->transports.listeners;
    srf__listener_t *listener = first;
    uint64_t index = 0;

    memset(out, 0, sizeof(*out));
    if (first == NULL || !srf__flow_is_name(name))
        return SRF__FLOW_NO_NAME;
    srf__str_t rest = srf__str(name.p + 1, name.len - 1);
    (void)take_digits(&rest, LISTENER_DIGITS, &index);
    for (; listener != NULL && index > 0; index--)
        listener = listener->next;
    /* Listeners may have changed since: it is gone with its own. */
    out->listener = listener != NULL ? listener : first;
    if (listener != NULL && listener->ops->reliable && name.p[0] != 'u')
        read_connection(element, rest, out);
    else if (listener != NULL && !listener->ops->reliable && name.p[0] == 'u')
        read_address(rest, &out->peer);
    if (out->peer.family != out->listener->bound.family)
        out->peer.family = 0;
    return name.p[0] == 'p' ? SRF__FLOW_PREFERRED : SRF__FLOW_ONLY;
}
