/*
 * What a search sees, and what is asked for it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "resolver/search.h"

#include "base/error.h"
#include "base/list.h"

typedef srf__entry_t entry_t;
typedef srf__search_t search_t;
typedef srf__view_t view_t;

void srf__view_keep(entry_t *entry, srf__records_t *records)
{
    srf__resolver_t *resolver = entry->owner;

    if (records->answer == SRF__ANSWER_FAILED)
        resolver->counters.failed++;
    if (!srf__cache_keep(&resolver->cache, entry, records))
        resolver->counters.stale++;
}

/* For what there is no room for it waits when an answer has come. */
static void wait_for(search_t *search, entry_t *entry)
{
    if (search->wait_count == SRF__WAITS_MAX)
        return;
    srf__wait_t *wait = &search->waits[search->wait_count++];
    wait->search = search;
    wait->entry = entry;
    srf__list_append(&entry->waits_end, wait);
}

/* What a search has asked for stays: many at once would drive out each other's
 * answers, and ask for them again and again. */
static void hold(search_t *search, entry_t *entry)
{
    if (search->held_count == SRF__HELD_MAX)
        return;
    search->held[search->held_count++] = entry;
    srf__cache_pin(&search->resolver->cache, entry);
}

/* What held when a search began, or came since, holds for all of it: the next
 * answer may take longer than the last one holds. */
static bool is_valid(const view_t *view, const entry_t *entry)
{
    return entry->records != NULL && view->since_ms < entry->expires_ms;
}

/* An answer that is not known, though it cannot be had either. */
static const srf__records_t *nothing(void)
{
    static const srf__records_t none = {.answer = SRF__ANSWER_FAILED};

    return &none;
}

static const srf__records_t *show(view_t *view, entry_t *entry)
{
    if (view->search != NULL)
        hold(view->search, entry);
    if (entry->expires_ms < view->expires_ms)
        view->expires_ms = entry->expires_ms;
    return entry->records;
}

static entry_t *add_entry(view_t *view, const char *name, uint16_t type)
{
    srf__resolver_t *resolver = view->resolver;
    entry_t *entry = srf__cache_add(&resolver->cache, name, type, view->who);

    if (entry != NULL)
        entry->owner = resolver;
    return entry;
}

/* What this machine knows by itself need not be asked. `entry` may be NULL, and
 * so is the result when it does not know. */
static entry_t *find_known(view_t *view, entry_t *entry, const char *name,
                           uint16_t type)
{
    srf__resolver_t *resolver = view->resolver;
    const srf__resolver_env_t *env = &resolver->env;

    if (env->know == NULL || (entry != NULL && entry->asked))
        return NULL;
    srf__records_t *records = env->know(env->know_arg, name, type);
    if (records == NULL)
        return NULL;
    view->added = view->added || entry == NULL;
    if (entry == NULL) {
        entry = add_entry(view, name, type);
        if (entry == NULL) {
            srf__records_free(records);
            return NULL;
        }
        srf__cache_unpin(&resolver->cache, entry);
    }
    srf__view_keep(entry, records);
    return entry;
}

/* Whether one more question may be asked; what the network causes has a share
 * then. */
static bool take_question(view_t *view, srf__share_t **share)
{
    srf__resolver_t *resolver = view->resolver;

    *share = NULL;
    if (resolver->asking < SRF__QUESTIONS_MAX) {
        if (view->who == NULL)
            return true;
        *share = srf__quota_take(&resolver->questions, *view->who);
    }
    view->limited = view->limited || *share == NULL;
    return *share != NULL;
}

/* Has it asked, unless it is. `entry` may be NULL; so is the result when it
 * cannot be asked. */
static entry_t *ask(view_t *view, entry_t *entry, const char *name,
                    uint16_t type)
{
    srf__resolver_t *resolver = view->resolver;
    const srf__resolver_env_t *env = &resolver->env;
    srf__share_t *share;

    if (entry != NULL && entry->asked)
        return entry;
    if (!take_question(view, &share))
        return NULL;
    bool is_new = entry == NULL;
    if (is_new)
        entry = add_entry(view, name, type);
    else
        srf__cache_pin(&resolver->cache, entry);
    if (entry != NULL && env->ask(env->ask_arg, entry->name, type,
                                  srf__search_answered, entry) == 0) {
        entry->asked = true;
        entry->question = share;
        resolver->asking++;
        resolver->counters.queries++;
        return entry;
    }
    view->failed = true;
    srf__quota_give(&resolver->questions, share);
    if (is_new && entry != NULL)
        srf__cache_drop(&resolver->cache, entry);
    else if (!is_new)
        srf__cache_unpin(&resolver->cache, entry);
    return NULL;
}

/* What serves while nobody can be asked. */
static const srf__records_t *make_do(view_t *view, entry_t *entry)
{
    srf__resolver_t *resolver = view->resolver;

    if (entry == NULL || !srf__cache_may_make_do(&resolver->cache, entry))
        return nothing();
    resolver->counters.stale++;
    return show(view, entry);
}

static const srf__records_t *on_lookup(void *arg, const char *name,
                                       uint16_t type)
{
    view_t *view = arg;
    srf__resolver_t *resolver = view->resolver;
    entry_t *entry = srf__cache_find(&resolver->cache, name, type);

    if (entry != NULL && is_valid(view, entry)) {
        resolver->counters.hits++;
        if (view->search == NULL) /* else it is the answer that it asked for */
            srf__cache_use(&resolver->cache, entry, view->who);
        return show(view, entry);
    }
    entry_t *known = find_known(view, entry, name, type);
    if (known != NULL)
        return show(view, known);
    if (view->makes_do)
        return make_do(view, entry);
    if (view->search == NULL)
        return NULL;
    entry_t *asked = ask(view, entry, name, type);
    if (asked == NULL)
        return make_do(view, srf__cache_find(&resolver->cache, name, type));
    wait_for(view->search, asked);
    return NULL;
}

/* Says that something was not asked, and whose fault that is. */
static void note_limit(srf__resolver_t *resolver, const srf__addr_t *source,
                       const srf__uri_t *uri)
{
    char peer[SRF__ADDR_TEXT];
    srf__log_context_t context = {.module = "dns"};
    srf__str_t host = uri->maddr.len > 0 ? uri->maddr : uri->host;

    resolver->counters.limited++;
    if (resolver->env.log == NULL)
        return;
    if (source != NULL) {
        (void)srf__addr_ip_text(source, peer);
        context.peer = peer;
    }
    srf__log_peer(resolver->env.log, SRF_LOG_WARNING, &context,
                  "%s looks for too many names: %.*s is not asked for",
                  source == NULL ? "the program" : peer, (int)host.len, host.p);
}

/* A selection that looks at the records. */
int srf__view_select(view_t *view, const srf__uri_t *uri,
                     const srf__lookup_spec_t *spec, srf__servers_t *out)
{
    srf__resolver_t *resolver = view->resolver;
    const srf__select_env_t env = {
        .lookup = on_lookup,
        .arg = view,
        .transports = spec->transports,
        .ipv4 = spec->ipv4,
        .ipv6 = spec->ipv6,
        .ipv6_first = spec->ipv6_first,
    };

    view->expires_ms = UINT64_MAX;
    int err = srf__select(uri, &env, out);
    if (view->added)
        srf__cache_trim(&resolver->cache);
    if (view->limited)
        note_limit(resolver, spec->source, uri);
    return view->failed && err != 0 ? SRF_ERR_NO_MEMORY : err;
}
