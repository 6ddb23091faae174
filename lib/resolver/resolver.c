/*
 * The resolver.
 *
 * A search is a selection that is run again whenever an answer has come that it
 * waits for. All lookups of the same host share one. An entry of the cache is
 * what is known of one name and type: its records, how long they hold, whether
 * DNS is being asked, and which searches wait.
 *
 * SPDX-License-Identifier: MIT
 */
#include "resolver/resolver.h"

#include "base/error.h"
#include "base/list.h"
#include "resolver/search.h"

typedef srf__entry_t entry_t;
typedef srf__search_t search_t;

static uint64_t now_of(const srf__resolver_t *resolver)
{
    return srf__wheel_now(resolver->env.wheel);
}

static void run(search_t *search);

/* Searches that waited are run again; each leaves its waits first. When one of
 * them had to ask once more, the others wait for that. */
void srf__search_answered(void *arg, srf__records_t *records)
{
    entry_t *entry = arg;
    srf__resolver_t *resolver = entry->owner;

    entry->asked = false;
    resolver->asking--;
    srf__quota_give(&resolver->questions, entry->question);
    entry->question = NULL;
    if (records == NULL)
        records = srf__records_empty(entry->type, SRF__ANSWER_FAILED, 0);
    if (records != NULL)
        srf__view_keep(entry, records);
    while (entry->waits != NULL && !entry->asked)
        run(entry->waits->search);
    srf__cache_unpin(&resolver->cache, entry);
    if (entry->records == NULL && entry->pins == 0)
        srf__cache_drop(&resolver->cache, entry);
    srf__cache_trim(&resolver->cache);
}

/* ---- searches ---- */

static void leave_waits(search_t *search)
{
    srf__cache_t *cache = &search->resolver->cache;

    while (search->held_count > 0)
        srf__cache_unpin(cache, search->held[--search->held_count]);
    for (unsigned i = 0; i < search->wait_count; i++) {
        srf__wait_t *wait = &search->waits[i];
        if (wait->next == NULL)
            wait->entry->waits_end = wait->link;
        srf__list_remove(wait);
    }
    search->wait_count = 0;
}

/* The order for one lookup. */
static void give_order(srf__resolver_t *resolver, const srf__servers_t *servers,
                       uint64_t seed, bool by_network, srf__hops_t *out)
{
    srf__random_t seeded;

    if (seed != 0)
        srf__random_init_seeded(&seeded, seed);
    srf__servers_draw(servers, seed != 0 ? &seeded : resolver->env.random, out);
    if (by_network)
        srf__dead_order(&resolver->dead_of_network, out);
    srf__dead_order(&resolver->dead, out);
}

/* ---- the life of a search ---- */

static void drop_search(search_t *search)
{
    srf__resolver_t *resolver = search->resolver;

    leave_waits(search);
    srf__map_remove(&resolver->searches, &search->node);
    srf__quota_give(&resolver->sources, search->share);
    srf__free(search);
}

static void free_lookup(srf__lookup_t *lookup)
{
    if (lookup->next == NULL && lookup->search != NULL)
        lookup->search->lookups_end = lookup->link;
    srf__list_remove(lookup);
    lookup->resolver->counters.pending--;
    srf__free(lookup);
}

/* In the order in which they came; each may cancel the others. */
static void finish(search_t *search, int err, const srf__servers_t *servers)
{
    srf__resolver_t *resolver = search->resolver;
    srf__lookup_t *told = search->lookups;
    srf__hops_t hops;

    told->link = &told;
    for (srf__lookup_t *lookup = told; lookup != NULL; lookup = lookup->next)
        lookup->search = NULL;
    drop_search(search);
    while (told != NULL) {
        const srf__lookup_t lookup = *told;
        free_lookup(told);
        if (err == 0)
            give_order(resolver, servers, lookup.seed, lookup.by_network,
                       &hops);
        lookup.cb(lookup.arg, err, &hops);
    }
}

/* Asks for what is missing. */
static int step(search_t *search, srf__servers_t *out)
{
    srf__view_t view = {
        .resolver = search->resolver,
        .search = search,
        .who = search->source.family == 0 ? NULL : &search->who,
        .since_ms = search->begun_ms,
    };

    leave_waits(search);
    int err = srf__view_select(&view, &search->uri, &search->spec, out);
    return err == SRF__SELECT_PENDING && search->wait_count == 0
               ? SRF_ERR_NAME_NOT_FOUND
               : err;
}

static void run(search_t *search)
{
    srf__servers_t servers;
    int err = step(search, &servers);

    if (err != SRF__SELECT_PENDING)
        finish(search, err, &servers);
}

/* The program's names have half of the room to themselves. */
static bool has_room(srf__resolver_t *resolver, const srf__hash128_t *who,
                     srf__share_t **share)
{
    *share = NULL;
    if (resolver->searches.count >= resolver->env.max_lookups)
        return false;
    if (who == NULL)
        return true;
    *share = srf__quota_take(&resolver->sources, *who);
    return *share != NULL;
}

/* A copy of what selections look at; hosts that are too long for it are found
 * nowhere. */
static void copy_uri(search_t *search, const srf__uri_t *uri)
{
    const srf__str_t host = uri->maddr.len > 0 ? uri->maddr : uri->host;
    size_t len = host.len < SRF__NAME_BYTES ? host.len : SRF__NAME_BYTES;

    memcpy(search->host, host.p, len);
    search->uri.scheme = uri->scheme;
    search->uri.transport = uri->transport;
    search->uri.transport_unknown = uri->transport_unknown;
    search->uri.port = uri->port;
    search->uri.host = srf__str(search->host, len);
}

/* NULL when memory is out. */
static search_t *create_search(srf__resolver_t *resolver, const srf__uri_t *uri,
                               const srf__lookup_spec_t *spec,
                               srf__hash128_t key)
{
    search_t *search = srf__calloc(1, sizeof(*search));

    if (search == NULL)
        return NULL;
    search->node.key = key;
    if (srf__map_add(&resolver->searches, &search->node) != 0) {
        srf__free(search);
        return NULL;
    }
    search->resolver = resolver;
    search->lookups_end = &search->lookups;
    search->spec = *spec;
    search->begun_ms = now_of(resolver);
    if (spec->source != NULL) {
        search->source = *spec->source;
        search->spec.source = &search->source;
    }
    copy_uri(search, uri);
    return search;
}

/* ---- lookups ---- */

/* What the program waits for is counted for nobody. */
static void adopt(search_t *search)
{
    srf__quota_give(&search->resolver->sources, search->share);
    search->share = NULL;
    search->spec.source = NULL;
    search->source.family = 0;
}

static int join(search_t *search, const srf__lookup_spec_t *spec,
                srf__lookup_t **pending)
{
    srf__lookup_t *lookup = srf__calloc(1, sizeof(*lookup));

    if (lookup == NULL)
        return SRF_ERR_NO_MEMORY;
    lookup->resolver = search->resolver;
    lookup->search = search;
    lookup->seed = spec->seed;
    lookup->cb = spec->cb;
    lookup->arg = spec->arg;
    lookup->by_network = spec->source != NULL;
    srf__list_append(&search->lookups_end, lookup);
    search->resolver->counters.pending++;
    if (!lookup->by_network)
        adopt(search);
    *pending = lookup;
    return SRF__SELECT_PENDING;
}

/* Takes the first step of a lookup; where there is no room for one, old records
 * must do. */
static int begin(srf__view_t *view, const srf__uri_t *uri,
                 const srf__lookup_spec_t *spec, srf__hash128_t key,
                 srf__servers_t *out, srf__lookup_t **pending)
{
    srf__resolver_t *resolver = view->resolver;
    srf__share_t *share;

    if (!has_room(resolver, view->who, &share)) {
        view->makes_do = view->limited = true;
        return srf__view_select(view, uri, spec, out);
    }
    search_t *search = create_search(resolver, uri, spec, key);
    if (search == NULL) {
        srf__quota_give(&resolver->sources, share);
        return SRF_ERR_NO_MEMORY;
    }
    search->share = share;
    if (view->who != NULL)
        search->who = *view->who;
    /* The answers come from the loop, so none has yet. */
    int err = step(search, out);
    if (err == SRF__SELECT_PENDING)
        err = join(search, spec, pending);
    if (err != SRF__SELECT_PENDING)
        drop_search(search);
    return err;
}

/* All that a selection depends on beside the records. */
static srf__hash128_t found_key(const srf__resolver_t *resolver,
                                const srf__uri_t *uri,
                                const srf__lookup_spec_t *spec)
{
    const uint8_t rest[] = {
        uri->scheme,
        uri->transport,
        uri->transport_unknown,
        (uint8_t)(uri->port >> 8),
        (uint8_t)uri->port,
        spec->transports,
        (uint8_t)(spec->ipv4 | spec->ipv6 << 1 | spec->ipv6_first << 2)};
    srf__hasher_t hasher;

    srf__hasher_init(&hasher, &resolver->key, true);
    srf__hasher_update(&hasher, rest, sizeof(rest));
    srf__hasher_field_lower(&hasher,
                            uri->maddr.len > 0 ? uri->maddr : uri->host);
    return srf__hasher_final(&hasher);
}

int srf__resolve(srf__resolver_t *resolver, const srf__uri_t *uri,
                 const srf__lookup_spec_t *spec, srf__hops_t *out,
                 srf__lookup_t **pending)
{
    srf__hash128_t key = found_key(resolver, uri, spec);
    const srf__servers_t *found;
    search_t *search = (search_t *)srf__map_get(&resolver->searches, key);
    srf__view_t view = {.resolver = resolver, .since_ms = now_of(resolver)};
    srf__servers_t servers;
    srf__hash128_t who;

    *pending = NULL;
    found = srf__found_get(&resolver->found, key, view.since_ms);
    if (found != NULL) {
        resolver->counters.hits++;
        give_order(resolver, found, spec->seed, spec->source != NULL, out);
        return 0;
    }
    if (search != NULL)
        return join(search, spec, pending);
    if (spec->source != NULL) {
        who = srf__addr_source(spec->source, &resolver->key);
        view.who = &who;
    }
    int err = srf__view_select(&view, uri, spec, &servers);
    if (err == 0)
        srf__found_add(&resolver->found, key, &servers, view.expires_ms);
    if (err == SRF__SELECT_PENDING)
        err = begin(&view, uri, spec, key, &servers, pending);
    if (err == 0)
        give_order(resolver, &servers, spec->seed, spec->source != NULL, out);
    return err;
}

void srf__lookup_cancel(srf__lookup_t *lookup)
{
    search_t *search = lookup->search;

    free_lookup(lookup);
    if (search != NULL && search->lookups == NULL)
        drop_search(search);
}

/* ---- life ---- */

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value == 0 ? otherwise : value;
}

static void init_limits(srf__resolver_t *resolver)
{
    srf__resolver_env_t *env = &resolver->env;

    env->max_lookups = or_default(env->max_lookups, SRF__LOOKUPS);
    env->max_lookups_per_source =
        or_default(env->max_lookups_per_source, SRF__LOOKUPS_PER_SOURCE);
    resolver->sources.each = env->max_lookups_per_source;
    resolver->sources.all = (env->max_lookups + 1) / 2;
    resolver->questions.all = SRF__QUESTIONS_OF_NETWORK;
    resolver->questions.each =
        env->max_lookups_per_source >
                SRF__QUESTIONS_OF_NETWORK / SRF__QUESTIONS_PER_NAME
            ? SRF__QUESTIONS_OF_NETWORK
            : env->max_lookups_per_source * SRF__QUESTIONS_PER_NAME;
    resolver->cache.shares.all = UINT32_MAX;
    resolver->cache.shares.each = (env->cache.entries + 7) / 8;
}

int srf__resolver_create(const srf__resolver_env_t *env, srf__resolver_t **out)
{
    srf__resolver_t *resolver = srf__calloc(1, sizeof(*resolver));

    *out = resolver;
    if (resolver == NULL)
        return SRF_ERR_NO_MEMORY;
    resolver->env = *env;
    srf__found_init(&resolver->found, env->cache.entries);
    for (unsigned i = 0; i < 2; i++)
        resolver->key.k[i] = srf__random_u64(env->random);
    resolver->cache.key = resolver->key;
    resolver->cache.wheel = env->wheel;
    resolver->cache.limits = env->cache;
    init_limits(resolver);
    srf__dead_init(&resolver->dead, env->wheel, &resolver->key, env->dead_ms);
    srf__dead_init(&resolver->dead_of_network, env->wheel, &resolver->key,
                   env->dead_ms);
    return 0;
}

static void drop_all_searches(srf__resolver_t *resolver)
{
    search_t *search;

    while ((search = (search_t *)srf__map_any(&resolver->searches)) != NULL) {
        while (search->lookups != NULL)
            free_lookup(search->lookups);
        drop_search(search);
    }
    srf__map_deinit(&resolver->searches);
    srf__quota_deinit(&resolver->sources);
}

void srf__resolver_destroy(srf__resolver_t *resolver)
{
    drop_all_searches(resolver);
    entry_t *entry;
    while ((entry = (entry_t *)srf__map_any(&resolver->cache.map)) != NULL) {
        srf__quota_give(&resolver->questions, entry->question);
        srf__cache_drop(&resolver->cache, entry);
    }
    srf__cache_deinit(&resolver->cache);
    srf__quota_deinit(&resolver->questions);
    srf__found_deinit(&resolver->found);
    srf__dead_deinit(&resolver->dead);
    srf__dead_deinit(&resolver->dead_of_network);
    srf__free(resolver);
}

void srf__resolver_report(srf__resolver_t *resolver, const srf__addr_t *addr,
                          bool by_network, bool answered)
{
    if (!answered) {
        srf__dead_mark(
            by_network ? &resolver->dead_of_network : &resolver->dead, addr);
        return;
    }
    srf__dead_clear(&resolver->dead, addr);
    srf__dead_clear(&resolver->dead_of_network, addr);
}

const srf__resolver_counters_t *
srf__resolver_counters(srf__resolver_t *resolver)
{
    resolver->counters.entries = resolver->cache.map.count;
    return &resolver->counters;
}
