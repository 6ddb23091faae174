/*
 * Who we are: addresses listened on, and aliases.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/element.h"

#include "base/alloc.h"
#include "base/error.h"

int srf__element_alias(srf__element_t *element, const char *hostport)
{
    char storage[300];
    srf__buf_t buf;
    srf__uri_t uri;

    /* The grammar is that of the host part of a URI. */
    srf__buf_init_fixed(&buf, storage, sizeof(storage));
    srf__buf_add_text(&buf, "sip:");
    srf__buf_add_text(&buf, hostport);
    if (buf.err != 0 || srf__uri_parse(srf__buf_str(&buf), &uri) != 0 ||
        uri.has_user || uri.params.len > 0 || uri.headers.len > 0)
        return SRF_ERR_INVALID_ARGUMENT;

    srf__alias_t *aliases = srf__realloc(
        element->aliases, (element->alias_count + 1) * sizeof(*aliases));
    if (aliases == NULL)
        return SRF_ERR_NO_MEMORY;
    element->aliases = aliases;
    char *host = srf__malloc(uri.host.len + 1);
    if (host == NULL)
        return SRF_ERR_NO_MEMORY;
    memcpy(host, uri.host.p, uri.host.len);
    host[uri.host.len] = '\0';
    aliases[element->alias_count++] = (srf__alias_t){host, uri.port};
    return 0;
}

void srf__element_deinit(srf__element_t *element)
{
    for (size_t i = 0; i < element->alias_count; i++)
        srf__free(element->aliases[i].host);
    srf__free(element->aliases);
    element->aliases = NULL;
    element->alias_count = 0;
}

static bool transport_matches(const srf__listener_t *listener,
                              uint8_t transport)
{
    return transport == SRF__TRANSPORT_NONE ||
           listener->bound.transport == transport;
}

static bool listens_on(const srf__element_t *element, uint16_t port,
                       uint8_t transport)
{
    const srf__listener_t *listener = element->transports.listeners;

    for (; listener != NULL; listener = listener->next) {
        if ((port == 0 || listener->bound.port == port) &&
            transport_matches(listener, transport))
            return true;
    }
    return false;
}

static bool is_alias(const srf__element_t *element, srf__str_t host,
                     uint16_t port, uint16_t default_port, uint8_t transport)
{
    for (size_t i = 0; i < element->alias_count; i++) {
        const srf__alias_t *alias = &element->aliases[i];
        if (!srf__str_ieq(host, srf__str_of(alias->host)))
            continue;
        if (alias->port != 0) {
            if (port == alias->port && listens_on(element, 0, transport))
                return true;
        } else if (port == default_port
                       ? listens_on(element, 0, transport)
                       : listens_on(element, port, transport)) {
            return true;
        }
    }
    return false;
}

bool srf__element_is(srf__element_t *element, const srf__uri_t *uri)
{
    srf__transport_id_t transport = (srf__transport_id_t)uri->transport;
    srf__addr_t addr;

    if (uri->transport_unknown ||
        (uri->scheme != SRF__SCHEME_SIP && uri->scheme != SRF__SCHEME_SIPS))
        return false;
    if (uri->scheme == SRF__SCHEME_SIPS && transport == SRF__TRANSPORT_NONE)
        transport = SRF__TRANSPORT_TLS;
    uint16_t default_port = transport == SRF__TRANSPORT_TLS ? 5061 : 5060;
    uint16_t port = uri->port == 0 ? default_port : uri->port;
    /* RFC 3261 §16.4: with maddr it is that address the request is for. */
    srf__str_t host = uri->maddr.len > 0 ? uri->maddr : uri->host;
    if (srf__addr_from_uri(&addr, uri, port, transport) &&
        srf__transports_is_local(&element->transports, &addr))
        return true;
    return is_alias(element, host, port, default_port, (uint8_t)transport);
}

bool srf__element_sent(srf__element_t *element, const srf__facts_t *facts,
                       const srf__via_t *via)
{
    uint16_t default_port = via->transport == SRF__TRANSPORT_TLS ? 5061 : 5060;
    uint16_t port = via->port == 0 ? default_port : via->port;
    srf__str_t host = srf__facts_str(facts, via->host);
    srf__addr_t addr;

    if (srf__addr_from_host(&addr, host, port,
                            (srf__transport_id_t)via->transport) &&
        srf__transports_is_local(&element->transports, &addr))
        return true;
    return is_alias(element, host, port, default_port, via->transport);
}
