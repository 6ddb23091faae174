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
    srf__recent_deinit(&element->recent);
    srf__dead_deinit(&element->no_tcp);
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

/* The listeners that something stands for. */
typedef struct meant {
    srf__listener_t *first;
    unsigned count;
} meant_t;

static void add_meant(meant_t *meant, srf__listener_t *listener)
{
    if (meant->count++ == 0)
        meant->first = listener;
}

/* Those on a port (0: any) and of a transport. */
static void add_all(const srf__element_t *element, uint16_t port,
                    uint8_t transport, meant_t *meant)
{
    srf__listener_t *listener = element->transports.listeners;

    for (; listener != NULL; listener = listener->next) {
        if ((port == 0 || listener->bound.port == port) &&
            transport_matches(listener, transport))
            add_meant(meant, listener);
    }
}

static void add_aliases(const srf__element_t *element, srf__str_t host,
                        uint16_t port, uint8_t transport, meant_t *meant)
{
    bool usual = port == srf__transport_port(transport);

    for (size_t i = 0; i < element->alias_count; i++) {
        const srf__alias_t *alias = &element->aliases[i];
        if (!srf__str_ieq(host, srf__str_of(alias->host)) ||
            (alias->port != 0 && alias->port != port))
            continue;
        add_all(element, alias->port != 0 || usual ? 0 : port, transport,
                meant);
    }
}

/* Adds the listeners that advertise this; RFC 3261 §19.1.1: without a port the
 * default one is meant. */
static void add_advertised(const srf__element_t *element, srf__str_t host,
                           uint16_t port, uint8_t transport, meant_t *meant)
{
    srf__listener_t *listener = element->transports.listeners;
    char storage[HOST_PORT_MAX];
    srf__uri_t uri;

    for (; listener != NULL; listener = listener->next) {
        if (listener->advertised == NULL ||
            !transport_matches(listener, transport) ||
            !read_host_port(listener->advertised, storage, &uri))
            continue;
        uint16_t at = uri.port != 0
                          ? uri.port
                          : srf__transport_port(listener->bound.transport);
        if (port == at && srf__str_ieq(host, uri.host))
            add_meant(meant, listener);
    }
}

/* An advertised name is a listener's own; an alias is one of all that fit. */
static void add_named(const srf__element_t *element, srf__str_t host,
                      uint16_t port, uint8_t transport, meant_t *meant)
{
    if (!element->transports.advertises && element->alias_count == 0)
        return;
    if (port == 0)
        port = srf__transport_port(transport);
    add_advertised(element, host, port, transport, meant);
    if (meant->count == 0)
        add_aliases(element, host, port, transport, meant);
}

static void add_at(srf__element_t *element, const srf__uri_t *uri,
                   srf__transport_id_t transport, meant_t *meant)
{
    uint16_t port = uri->port == 0 ? srf__transport_port(transport) : uri->port;
    /* RFC 3261 §16.4: with maddr it is that address the request is for. */
    srf__str_t host = uri->maddr.len > 0 ? uri->maddr : uri->host;
    srf__listener_t *listener = NULL;
    srf__addr_t addr;

    if (srf__addr_from_uri(&addr, uri, port, transport))
        listener = srf__transports_local(&element->transports, &addr);
    if (listener != NULL)
        add_meant(meant, listener);
    else
        add_named(element, host, uri->port, (uint8_t)transport, meant);
}

bool srf__element_is(srf__element_t *element, const srf__uri_t *uri,
                     srf__listener_t **listener)
{
    srf__transport_id_t transport = (srf__transport_id_t)uri->transport;
    meant_t meant = {NULL, 0};

    if (uri->transport_unknown ||
        (uri->scheme != SRF__SCHEME_SIP && uri->scheme != SRF__SCHEME_SIPS))
        return false;
    if (uri->scheme == SRF__SCHEME_SIPS)
        transport = srf__transport_secured(transport);
    add_at(element, uri, transport, &meant);
    /* "ws" is the parameter of a secure WebSocket too (RFC 7118 §5.3). */
    if (meant.count == 0 && transport == SRF__TRANSPORT_WS)
        add_at(element, uri, SRF__TRANSPORT_WSS, &meant);
    if (listener != NULL)
        *listener = meant.count == 1 ? meant.first : NULL;
    return meant.count > 0;
}

bool srf__element_sent(srf__element_t *element, const srf__facts_t *facts,
                       const srf__via_t *via)
{
    srf__transport_id_t transport = (srf__transport_id_t)via->transport;
    uint16_t port = via->port == 0 ? srf__transport_port(transport) : via->port;
    srf__str_t host = srf__facts_str(facts, via->host);
    meant_t meant = {NULL, 0};
    srf__addr_t addr;

    if (srf__addr_from_host(&addr, host, port, transport) &&
        srf__transports_local(&element->transports, &addr) != NULL)
        return true;
    add_named(element, host, via->port, via->transport, &meant);
    return meant.count > 0;
}
