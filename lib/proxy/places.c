/*
 * Places.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/places.h"

#include "base/alloc.h"
#include "base/error.h"

/* Whoever sends messages has no say in where branches lie: a multiplication
 * spreads them well enough. */
static srf__hash128_t key_of(const srf__branch_t *branch)
{
    uint64_t at = (uint64_t)(uintptr_t)branch;
    uint64_t spread = at * 0x9e3779b97f4a7c15u;

    return (srf__hash128_t){{spread ^ spread >> 32, at}};
}

srf__places_t *srf__places_find(const srf__element_t *element,
                                const srf__branch_t *branch)
{
    if (element->places.count == 0)
        return NULL;
    return (srf__places_t *)srf__map_get(&element->places, key_of(branch));
}

unsigned srf__places_left(const srf__element_t *element,
                          const srf__branch_t *branch)
{
    const srf__places_t *places = srf__places_find(element, branch);

    return places == NULL || places->at >= places->hops.count
               ? 0
               : places->hops.count - places->at - 1;
}

srf__places_t *srf__places_create(srf__element_t *element,
                                  srf__branch_t *branch)
{
    srf__places_t *places =
        srf__pool_take_zeroed(&element->pool, sizeof(*places));

    if (places == NULL)
        return NULL;
    places->branch = branch;
    places->node.key = key_of(branch);
    if (srf__map_add(&element->places, &places->node) != 0) {
        srf__pool_give(&element->pool, places, sizeof(*places));
        return NULL;
    }
    return places;
}

void srf__places_move(srf__element_t *element, srf__places_t *places,
                      srf__branch_t *branch)
{
    srf__map_remove(&element->places, &places->node);
    places->branch = branch;
    places->node.key = key_of(branch);
    /* There is a table, so that this cannot fail. */
    (void)srf__map_add(&element->places, &places->node);
}

void srf__places_destroy(srf__element_t *element, srf__places_t *places)
{
    if (places == NULL)
        return;
    if (places->lookup != NULL)
        srf__lookup_cancel(places->lookup);
    srf__map_remove(&element->places, &places->node);
    srf__pool_give(&element->pool, places, sizeof(*places));
}

/* A WebSocket listener only reaches clients that have connected (RFC 7118 §3):
 * that is no way to a server, unless the URI asks for it. */
static bool is_way(const srf__listener_t *listener, const srf__uri_t *uri)
{
    uint8_t transport = listener->bound.transport;

    return uri->transport != SRF__TRANSPORT_NONE ||
           (transport != SRF__TRANSPORT_WS && transport != SRF__TRANSPORT_WSS);
}

static uint64_t seed_of(const srf__element_t *element, srf__str_t call_id)
{
    return call_id.len == 0
               ? 0
               : srf__hash64(&element->txns.key, call_id.p, call_id.len) | 1;
}

int srf__element_resolve(srf__element_t *element, const srf__uri_t *uri,
                         const srf__finder_t *finder, srf__hops_t *out,
                         srf__lookup_t **pending)
{
    const srf__listener_t *listener = element->transports.listeners;
    srf__lookup_spec_t spec = {.seed = seed_of(element, finder->call_id),
                               .source = finder->source,
                               .cb = finder->cb,
                               .arg = finder->arg};

    *pending = NULL;
    if (element->resolver == NULL ||
        (uri->scheme != SRF__SCHEME_SIP && uri->scheme != SRF__SCHEME_SIPS))
        return SRF_ERR_NAME_NOT_FOUND;
    for (; listener != NULL; listener = listener->next) {
        if (!is_way(listener, uri))
            continue;
        spec.transports |=
            (srf__transport_set_t)(1u << listener->bound.transport);
        spec.ipv4 = spec.ipv4 || listener->bound.family == 4;
        spec.ipv6 = spec.ipv6 || listener->bound.family == 6;
    }
    spec.ipv6_first =
        finder->preferred != NULL && finder->preferred->bound.family == 6;
    return srf__resolve(element->resolver, uri, &spec, out, pending);
}
