/*
 * The resolver.
 *
 * A lookup is a selection that is run again whenever an answer has come that it
 * waits for. An entry of the cache is what is known of one name and type: its
 * records, how long they hold, whether DNS is being asked, and who waits.
 *
 * SPDX-License-Identifier: MIT
 */
#include "resolver/resolver.h"

#include "base/error.h"
#include "base/map.h"

enum {
    NAME_BYTES = 256,
    FAILED_S = 3,       /* until a question that failed is asked again */
    UNTOLD_S = 10,      /* how long nothing holds when no zone says */
    WAITS_MAX = 64,     /* answers that one lookup waits for at a time */
    HELD_MAX = 144,     /* entries that it may hold; a selection has fewer */
    PENDING_MAX = 4096, /* lookups under way */
    FOUND_MAX = 1024    /* selections that are remembered */
};

typedef struct entry entry_t;

/* A lookup waits for an answer. */
typedef struct wait {
    struct wait *next; /* of the entry */
    struct wait **link;
    entry_t *entry;
    srf__lookup_t *lookup;
} wait_t;

struct entry {
    srf__map_node_t node; /* first */
    srf__resolver_t *resolver;
    entry_t *newer; /* by use */
    entry_t *older;
    srf__records_t *records; /* NULL: none yet */
    uint64_t expires_ms;
    uint64_t stale_ms; /* the records may serve until then when asking fails */
    wait_t *waits;     /* in the order in which they came */
    wait_t **waits_end;
    uint32_t holds; /* of those that need it: it may not go */
    bool asked;     /* DNS is being asked */
    uint16_t type;
    char name[];
};

struct srf__lookup {
    srf__resolver_t *resolver;
    srf__lookup_t *next;
    srf__lookup_t **link;
    srf__lookup_spec_t spec;
    uint64_t begun_ms;
    wait_t waits[WAITS_MAX];
    unsigned wait_count;
    entry_t *held[HELD_MAX]; /* what it has seen so far */
    unsigned held_count;
    srf__timer_t timer;
    int err; /* told by the timer */
    char uri[];
};

/* What a selection came to, so that the next call costs one look. */
typedef struct found {
    srf__map_node_t node; /* first */
    struct found *newer;
    uint64_t expires_ms; /* as the first of its records */
    srf__servers_t servers;
} found_t;

struct srf__resolver {
    srf__resolver_env_t env;
    srf__hash_key_t key;
    srf__map_t map;
    srf__map_t found;
    found_t *oldest_found;
    found_t **newest_found;
    entry_t *newest;
    entry_t *oldest;
    srf__dead_t dead;
    srf__lookup_t *lookups;
    unsigned pending;
    bool closing;
    srf__resolver_counters_t counters;
};

static uint64_t now_of(const srf__resolver_t *resolver)
{
    return srf__wheel_now(resolver->env.wheel);
}

/* ---- entries by use ---- */

static void unlink_entry(entry_t *entry)
{
    srf__resolver_t *resolver = entry->resolver;

    *(entry->newer == NULL ? &resolver->newest : &entry->newer->older) =
        entry->older;
    *(entry->older == NULL ? &resolver->oldest : &entry->older->newer) =
        entry->newer;
}

static void link_newest(entry_t *entry)
{
    srf__resolver_t *resolver = entry->resolver;

    entry->newer = NULL;
    entry->older = resolver->newest;
    *(entry->older == NULL ? &resolver->oldest : &entry->older->newer) = entry;
    resolver->newest = entry;
}

static void drop_entry(entry_t *entry)
{
    srf__resolver_t *resolver = entry->resolver;

    unlink_entry(entry);
    srf__map_remove(&resolver->map, &entry->node);
    resolver->counters.entries--;
    srf__records_unref(entry->records);
    srf__free(entry);
}

/* Entries that somebody waits for, or needs, stay. */
static void trim(srf__resolver_t *resolver)
{
    entry_t *entry = resolver->oldest;

    while (entry != NULL &&
           resolver->counters.entries > resolver->env.max_entries) {
        entry_t *newer = entry->newer;
        if (!entry->asked && entry->holds == 0)
            drop_entry(entry);
        entry = newer;
    }
}

static srf__hash128_t key_of(const srf__resolver_t *resolver, const char *name,
                             uint16_t type)
{
    srf__hasher_t hasher;

    srf__hasher_init(&hasher, &resolver->key, true);
    srf__hasher_field(&hasher, srf__str_of(name));
    srf__hasher_update(&hasher, &type, sizeof(type));
    return srf__hasher_final(&hasher);
}

static entry_t *get_entry(srf__resolver_t *resolver, const char *name,
                          uint16_t type)
{
    srf__hash128_t key = key_of(resolver, name, type);
    entry_t *entry = (entry_t *)srf__map_get(&resolver->map, key);
    size_t len = strlen(name);

    if (entry != NULL) {
        unlink_entry(entry);
        link_newest(entry);
        return entry;
    }
    entry = srf__calloc(1, sizeof(*entry) + len + 1);
    if (entry == NULL)
        return NULL;
    entry->node.key = key;
    if (srf__map_add(&resolver->map, &entry->node) != 0) {
        srf__free(entry);
        return NULL;
    }
    entry->resolver = resolver;
    entry->waits_end = &entry->waits;
    entry->type = type;
    memcpy(entry->name, name, len + 1);
    link_newest(entry);
    resolver->counters.entries++;
    return entry;
}

/* ---- what is known ---- */

static uint64_t lifetime_ms(const srf__resolver_t *resolver,
                            const srf__records_t *records)
{
    const srf__resolver_env_t *env = &resolver->env;
    uint32_t ttl_s = records->ttl_s;

    if (records->answer == SRF__ANSWER_FAILED)
        ttl_s = FAILED_S;
    else if (records->answer != SRF__ANSWER_FOUND)
        ttl_s = ttl_s == UINT32_MAX           ? UNTOLD_S
                : ttl_s < env->negative_ttl_s ? ttl_s
                                              : env->negative_ttl_s;
    else
        ttl_s = ttl_s > env->max_ttl_s   ? env->max_ttl_s
                : ttl_s < env->min_ttl_s ? env->min_ttl_s
                                         : ttl_s;
    /* Those who asked must be able to use it. */
    return ttl_s == 0 ? 1000 : (uint64_t)ttl_s * 1000;
}

/* A question that failed leaves what was known a while longer. */
static void keep(entry_t *entry, srf__records_t *records)
{
    srf__resolver_t *resolver = entry->resolver;
    uint64_t now = now_of(resolver);

    if (records->answer == SRF__ANSWER_FAILED)
        resolver->counters.failed++;
    if (records->answer == SRF__ANSWER_FAILED && entry->records != NULL &&
        entry->records->answer == SRF__ANSWER_FOUND && now < entry->stale_ms) {
        resolver->counters.stale++;
        entry->expires_ms = now + FAILED_S * 1000;
        srf__records_unref(records);
        return;
    }
    srf__records_unref(entry->records);
    entry->records = records;
    entry->expires_ms = now + lifetime_ms(resolver, records);
    entry->stale_ms =
        entry->expires_ms + (uint64_t)resolver->env.stale_s * 1000;
}

static void run(srf__lookup_t *lookup);

/* Lookups that waited are run again; each leaves its waits first. When one of
 * them had to ask once more, the others wait for that. */
static void on_answer(void *arg, srf__records_t *records)
{
    entry_t *entry = arg;
    srf__resolver_t *resolver = entry->resolver;

    entry->asked = false;
    if (records == NULL)
        records = srf__records_empty(entry->type, SRF__ANSWER_FAILED, 0);
    if (records != NULL)
        keep(entry, records);
    entry->holds++;
    while (entry->waits != NULL && !entry->asked && !resolver->closing)
        run(entry->waits->lookup);
    entry->holds--;
    if (entry->records == NULL && !entry->asked)
        drop_entry(entry);
    trim(resolver);
}

static bool ask(entry_t *entry)
{
    srf__resolver_t *resolver = entry->resolver;

    if (entry->asked)
        return true;
    entry->asked = resolver->env.ask(resolver->env.ask_arg, entry->name,
                                     entry->type, on_answer, entry) == 0;
    if (entry->asked)
        resolver->counters.queries++;
    return entry->asked;
}

/* ---- lookups ---- */

static void leave_waits(srf__lookup_t *lookup)
{
    while (lookup->held_count > 0)
        lookup->held[--lookup->held_count]->holds--;
    for (unsigned i = 0; i < lookup->wait_count; i++) {
        wait_t *wait = &lookup->waits[i];
        *wait->link = wait->next;
        if (wait->next != NULL)
            wait->next->link = wait->link;
        else
            wait->entry->waits_end = wait->link;
    }
    lookup->wait_count = 0;
}

/* For what there is no room for it waits when an answer has come. */
static void wait_for(srf__lookup_t *lookup, entry_t *entry)
{
    if (lookup->wait_count == WAITS_MAX)
        return;
    wait_t *wait = &lookup->waits[lookup->wait_count++];
    wait->lookup = lookup;
    wait->entry = entry;
    wait->next = NULL;
    wait->link = entry->waits_end;
    *wait->link = wait;
    entry->waits_end = &wait->next;
}

/* Else many lookups at once would drive out each other's answers, and ask for
 * them again and again. */
static void hold(srf__lookup_t *lookup, entry_t *entry)
{
    if (lookup->held_count == HELD_MAX)
        return;
    lookup->held[lookup->held_count++] = entry;
    entry->holds++;
}

/* A selection under way: the entries it looks at may not go. */
typedef struct view {
    srf__resolver_t *resolver;
    srf__lookup_t *lookup; /* NULL: it has not begun to wait */
    uint64_t expires_ms;   /* of the first of them */
    bool failed;           /* memory was out */
    bool added;            /* entries that no answer will come for */
} view_t;

/* What held when a lookup began, or came since, holds for all of it: the next
 * answer may take longer than the last one holds. */
static bool is_valid(const view_t *view, const entry_t *entry)
{
    uint64_t since =
        view->lookup == NULL ? now_of(view->resolver) : view->lookup->begun_ms;

    return entry->records != NULL && since < entry->expires_ms;
}

/* An answer that is not known, though it cannot be had either. */
static const srf__records_t *nothing(void)
{
    static const srf__records_t none = {.refs = 1,
                                        .answer = SRF__ANSWER_FAILED};

    return &none;
}

/* What this machine knows by itself need not be asked. */
static bool is_known(entry_t *entry)
{
    const srf__resolver_env_t *env = &entry->resolver->env;
    srf__records_t *records =
        env->know == NULL || entry->asked
            ? NULL
            : env->know(env->ask_arg, entry->name, entry->type);

    if (records != NULL)
        keep(entry, records);
    return records != NULL;
}

static const srf__records_t *show(view_t *view, entry_t *entry)
{
    if (view->lookup != NULL)
        hold(view->lookup, entry);
    if (entry->expires_ms < view->expires_ms)
        view->expires_ms = entry->expires_ms;
    return entry->records;
}

static const srf__records_t *on_lookup(void *arg, const char *name,
                                       uint16_t type)
{
    view_t *view = arg;
    srf__resolver_t *resolver = view->resolver;
    entry_t *entry = get_entry(resolver, name, type);

    if (entry == NULL) {
        view->failed = true;
        return nothing();
    }
    if (is_valid(view, entry)) {
        resolver->counters.hits++;
        return show(view, entry);
    }
    if (is_known(entry)) {
        view->added = true;
        return show(view, entry);
    }
    if (!ask(entry)) {
        view->failed = view->added = true;
        return nothing();
    }
    if (view->lookup != NULL)
        wait_for(view->lookup, entry);
    return NULL;
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

static void forget_oldest(srf__resolver_t *resolver)
{
    found_t *found = resolver->oldest_found;

    resolver->oldest_found = found->newer;
    if (found->newer == NULL)
        resolver->newest_found = &resolver->oldest_found;
    srf__map_remove(&resolver->found, &found->node);
    srf__free(found);
}

static found_t *add_found(srf__resolver_t *resolver, srf__hash128_t key)
{
    if (resolver->oldest_found != NULL &&
        (resolver->found.count >= FOUND_MAX ||
         resolver->found.count >= resolver->env.max_entries))
        forget_oldest(resolver);
    found_t *found = srf__malloc(sizeof(*found));
    if (found == NULL)
        return NULL;
    found->node.key = key;
    if (srf__map_add(&resolver->found, &found->node) != 0) {
        srf__free(found);
        return NULL;
    }
    found->newer = NULL;
    *resolver->newest_found = found;
    resolver->newest_found = &found->newer;
    return found;
}

/* Without memory for it the next call finds it once more. */
static void remember(srf__resolver_t *resolver, srf__hash128_t key,
                     const srf__servers_t *servers, uint64_t expires_ms)
{
    found_t *found = (found_t *)srf__map_get(&resolver->found, key);

    if (found == NULL)
        found = add_found(resolver, key);
    if (found == NULL)
        return;
    found->expires_ms = expires_ms;
    found->servers = *servers;
}

/* A selection that has to look at the records. */
static int select_anew(srf__resolver_t *resolver, srf__lookup_t *lookup,
                       const srf__uri_t *uri, const srf__lookup_spec_t *spec,
                       srf__hash128_t key, srf__servers_t *out)
{
    view_t view = {
        .resolver = resolver, .lookup = lookup, .expires_ms = UINT64_MAX};
    const srf__select_env_t env = {
        .lookup = on_lookup,
        .arg = &view,
        .transports = spec->transports,
        .ipv4 = spec->ipv4,
        .ipv6 = spec->ipv6,
        .ipv6_first = spec->ipv6_first,
    };
    int err = srf__select(uri, &env, out);

    if (view.added)
        trim(resolver);
    if (view.failed)
        return SRF_ERR_NO_MEMORY;
    if (err == 0)
        remember(resolver, key, out, view.expires_ms);
    return err;
}

static int select_now(srf__resolver_t *resolver, srf__lookup_t *lookup,
                      const srf__uri_t *uri, const srf__lookup_spec_t *spec,
                      srf__hops_t *out)
{
    srf__hash128_t key = found_key(resolver, uri, spec);
    const found_t *found = (found_t *)srf__map_get(&resolver->found, key);
    srf__servers_t anew;
    const srf__servers_t *servers = &anew;
    int err = 0;

    if (found != NULL && now_of(resolver) < found->expires_ms) {
        resolver->counters.hits++;
        servers = &found->servers;
    } else {
        err = select_anew(resolver, lookup, uri, spec, key, &anew);
    }
    if (err != 0)
        return err;
    srf__random_t seeded;
    if (spec->seed != 0)
        srf__random_init_seeded(&seeded, spec->seed);
    srf__servers_draw(servers, spec->seed != 0 ? &seeded : resolver->env.random,
                      out);
    srf__dead_order(&resolver->dead, out);
    return 0;
}

static void forget(srf__lookup_t *lookup)
{
    leave_waits(lookup);
    srf__timer_stop(lookup->resolver->env.wheel, &lookup->timer);
    *lookup->link = lookup->next;
    if (lookup->next != NULL)
        lookup->next->link = lookup->link;
    lookup->resolver->pending--;
    srf__free(lookup);
}

static void finish(srf__lookup_t *lookup, int err, const srf__hops_t *hops)
{
    const srf__lookup_spec_t spec = lookup->spec;

    forget(lookup);
    spec.cb(spec.arg, err, hops);
}

static void run(srf__lookup_t *lookup)
{
    srf__hops_t hops;
    srf__uri_t uri;

    leave_waits(lookup);
    int err = srf__uri_parse(srf__str_of(lookup->uri), &uri);
    if (err == 0)
        err = select_now(lookup->resolver, lookup, &uri, &lookup->spec, &hops);
    if (err == SRF__SELECT_PENDING && lookup->wait_count == 0)
        err = SRF_ERR_NAME_NOT_FOUND;
    if (err != SRF__SELECT_PENDING)
        finish(lookup, err, &hops);
}

/* Told from the loop what was known inside the call. */
static void on_timer(srf__timer_t *timer)
{
    srf__lookup_t *lookup =
        (srf__lookup_t *)((char *)timer - offsetof(srf__lookup_t, timer));

    run(lookup);
}

static srf__lookup_t *create_lookup(srf__resolver_t *resolver,
                                    const srf__uri_t *uri,
                                    const srf__lookup_spec_t *spec)
{
    srf__lookup_t *lookup = srf__calloc(1, sizeof(*lookup) + uri->text.len + 1);

    if (lookup == NULL)
        return NULL;
    lookup->resolver = resolver;
    lookup->spec = *spec;
    lookup->begun_ms = now_of(resolver);
    memcpy(lookup->uri, uri->text.p, uri->text.len);
    lookup->next = resolver->lookups;
    lookup->link = &resolver->lookups;
    if (lookup->next != NULL)
        lookup->next->link = &lookup->next;
    resolver->lookups = lookup;
    resolver->pending++;
    return lookup;
}

int srf__resolve(srf__resolver_t *resolver, const srf__uri_t *uri,
                 const srf__lookup_spec_t *spec, srf__hops_t *out,
                 srf__lookup_t **pending)
{
    *pending = NULL;
    /* What was asked for now may be waited for by a lookup only. */
    int err = select_now(resolver, NULL, uri, spec, out);
    if (err != SRF__SELECT_PENDING)
        return err;
    if (resolver->pending >= PENDING_MAX)
        return SRF_ERR_NAME_NOT_FOUND;
    srf__lookup_t *lookup = create_lookup(resolver, uri, spec);
    if (lookup == NULL)
        return SRF_ERR_NO_MEMORY;
    /* The answers come from the loop, so none has yet. */
    err = select_now(resolver, lookup, uri, spec, out);
    if (err != SRF__SELECT_PENDING)
        srf__timer_start(resolver->env.wheel, &lookup->timer, 0, on_timer);
    *pending = lookup;
    return SRF__SELECT_PENDING;
}

void srf__lookup_cancel(srf__lookup_t *lookup)
{
    forget(lookup);
}

/* ---- life ---- */

int srf__resolver_create(const srf__resolver_env_t *env, srf__resolver_t **out)
{
    srf__resolver_t *resolver = srf__calloc(1, sizeof(*resolver));

    *out = resolver;
    if (resolver == NULL)
        return SRF_ERR_NO_MEMORY;
    resolver->env = *env;
    resolver->newest_found = &resolver->oldest_found;
    for (unsigned i = 0; i < 2; i++)
        resolver->key.k[i] = srf__random_u64(env->random);
    srf__dead_init(&resolver->dead, env->wheel, &resolver->key, env->dead_ms);
    return 0;
}

void srf__resolver_destroy(srf__resolver_t *resolver)
{
    resolver->closing = true;
    while (resolver->lookups != NULL)
        forget(resolver->lookups);
    while (resolver->newest != NULL)
        drop_entry(resolver->newest);
    srf__map_deinit(&resolver->map);
    while (resolver->oldest_found != NULL)
        forget_oldest(resolver);
    srf__map_deinit(&resolver->found);
    srf__dead_deinit(&resolver->dead);
    srf__free(resolver);
}

srf__dead_t *srf__resolver_dead(srf__resolver_t *resolver)
{
    return &resolver->dead;
}

const srf__resolver_counters_t *
srf__resolver_counters(const srf__resolver_t *resolver)
{
    return &resolver->counters;
}
