/*
 * Who we are: addresses listened on, and aliases.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/element.h"

#include "base/alloc.h"
#include "base/error.h"

enum { HOST_PORT_MAX = 300 };

/* Reads "HOST" or "HOST:PORT", whose grammar is that of the host part of a URI;
 * views into `storage`. */
static bool read_host_port(const char *hostport, char storage[HOST_PORT_MAX],
                           srf__uri_t *uri)
{
    srf__buf_t buf;

    srf__buf_init_fixed(&buf, storage, HOST_PORT_MAX);
    srf__buf_add_text(&buf, "sip:");
    srf__buf_add_text(&buf, hostport);
    return buf.err == 0 && srf__uri_parse(srf__buf_str(&buf), uri) == 0 &&
           !uri->has_user && uri->params.len == 0 && uri->headers.len == 0;
}

static char *copy_text(srf__str_t text)
{
    char *copy = srf__malloc(text.len + 1);

    if (copy == NULL)
        return NULL;
    memcpy(copy, text.p, text.len);
    copy[text.len] = '\0';
    return copy;
}

int srf__element_alias(srf__element_t *element, const char *hostport)
{
    char storage[HOST_PORT_MAX];
    srf__uri_t uri;

    if (!read_host_port(hostport, storage, &uri))
        return SRF_ERR_INVALID_ARGUMENT;
    srf__alias_t *aliases = srf__realloc(
        element->aliases, (element->alias_count + 1) * sizeof(*aliases));
    if (aliases == NULL)
        return SRF_ERR_NO_MEMORY;
    element->aliases = aliases;
    char *host = copy_text(uri.host);
    if (host == NULL)
        return SRF_ERR_NO_MEMORY;
    aliases[element->alias_count++] = (srf__alias_t){host, uri.port};
    return 0;
}

int srf__advertised_read(const char *hostport, char **out)
{
    char storage[HOST_PORT_MAX];
    srf__uri_t uri;

    *out = NULL;
    if (hostport == NULL)
        return 0;
    if (!read_host_port(hostport, storage, &uri))
        return SRF_ERR_INVALID_ARGUMENT;
    *out = copy_text(srf__str_of(hostport));
    return *out == NULL ? SRF_ERR_NO_MEMORY : 0;
}

void srf__element_deinit(srf__element_t *element)
{
    for (size_t i = 0; i < element->alias_count; i++)
        srf__free(element->aliases[i].host);
    srf__map_deinit(&element->places);
    srf__recent_deinit(&element->recent);
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

/* Of a listener; RFC 3261 §19.1.1: without a port the default one is meant. */
static bool advertises(const srf__listener_t *listener, srf__str_t host,
                       uint16_t port, uint8_t transport)
{
    char storage[HOST_PORT_MAX];
    srf__uri_t uri;

    if (listener->advertised == NULL ||
        !transport_matches(listener, transport) ||
        !read_host_port(listener->advertised, storage, &uri))
        return false;
    uint16_t at = uri.port != 0
                      ? uri.port
                      : srf__transport_port(
                            (srf__transport_id_t)listener->bound.transport);
    return port == at && srf__str_ieq(host, uri.host);
}

static bool is_advertised(const srf__element_t *element, srf__str_t host,
                          uint16_t port, uint8_t transport)
{
    const srf__listener_t *listener = element->transports.listeners;

    while (listener != NULL && !advertises(listener, host, port, transport))
        listener = listener->next;
    return listener != NULL;
}

static bool is_named(srf__element_t *element, srf__str_t host, uint16_t port,
                     uint8_t transport)
{
    uint16_t default_port = srf__transport_port((srf__transport_id_t)transport);

    if (port == 0)
        port = default_port;
    return is_advertised(element, host, port, transport) ||
           is_alias(element, host, port, default_port, transport);
}

static bool is_at(srf__element_t *element, const srf__uri_t *uri,
                  srf__transport_id_t transport)
{
    uint16_t port = uri->port == 0 ? srf__transport_port(transport) : uri->port;
    /* RFC 3261 §16.4: with maddr it is that address the request is for. */
    srf__str_t host = uri->maddr.len > 0 ? uri->maddr : uri->host;
    srf__addr_t addr;

    return (srf__addr_from_uri(&addr, uri, port, transport) &&
            srf__transports_is_local(&element->transports, &addr)) ||
           is_named(element, host, uri->port, (uint8_t)transport);
}

/* The one that a URI means; NONE: any. */
static srf__transport_id_t transport_of(const srf__uri_t *uri)
{
    srf__transport_id_t transport = (srf__transport_id_t)uri->transport;

    if (uri->scheme != SRF__SCHEME_SIPS)
        return transport;
    if (transport == SRF__TRANSPORT_WS)
        return SRF__TRANSPORT_WSS;
    return transport == SRF__TRANSPORT_NONE || transport == SRF__TRANSPORT_TCP
               ? SRF__TRANSPORT_TLS
               : transport;
}

bool srf__element_is(srf__element_t *element, const srf__uri_t *uri)
{
    srf__transport_id_t transport = transport_of(uri);

    if (uri->transport_unknown ||
        (uri->scheme != SRF__SCHEME_SIP && uri->scheme != SRF__SCHEME_SIPS))
        return false;
    /* "ws" is the parameter of a secure WebSocket too (RFC 7118 §5.3). */
    return is_at(element, uri, transport) ||
           (transport == SRF__TRANSPORT_WS &&
            is_at(element, uri, SRF__TRANSPORT_WSS));
}

/* Without a transport UDP is meant: that is how we write it. */
static bool is_own_name(const srf__listener_t *listener, const srf__uri_t *uri,
                        srf__transport_id_t transport)
{
    uint16_t port = uri->port == 0 ? srf__transport_port(transport) : uri->port;
    srf__addr_t addr;

    if (listener->bound.transport != transport)
        return false;
    if (listener->advertised != NULL)
        return advertises(listener, uri->host, port, (uint8_t)transport);
    return srf__addr_from_uri(&addr, uri, port, transport) &&
           srf__listener_is_at(listener, &addr);
}

srf__listener_t *srf__element_listener(srf__element_t *element,
                                       const srf__uri_t *uri)
{
    srf__listener_t *listener = element->transports.listeners;
    srf__transport_id_t transport = transport_of(uri);

    if (transport == SRF__TRANSPORT_NONE)
        transport = SRF__TRANSPORT_UDP;
    while (listener != NULL && !is_own_name(listener, uri, transport) &&
           (transport != SRF__TRANSPORT_WS ||
            !is_own_name(listener, uri, SRF__TRANSPORT_WSS)))
        listener = listener->next;
    return listener;
}

bool srf__element_sent(srf__element_t *element, const srf__facts_t *facts,
                       const srf__via_t *via)
{
    srf__transport_id_t transport = (srf__transport_id_t)via->transport;
    uint16_t port = via->port == 0 ? srf__transport_port(transport) : via->port;
    srf__str_t host = srf__facts_str(facts, via->host);
    srf__addr_t addr;

    return (srf__addr_from_host(&addr, host, port, transport) &&
            srf__transports_is_local(&element->transports, &addr)) ||
           is_named(element, host, via->port, via->transport);
}
