/*
 * Buckets of sources. A bucket is the time by which what was taken from it is
 * paid for, at the rate that is allowed; one that lies in the past is full, and
 * as good as none. Sources are found in a table of small sets.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/sources.h"

#include "base/alloc.h"
#include "base/error.h"

enum {
    SETS = 4096, /* a power of two */
    WAYS = 4,
    DIALOG_SHARE = 8,
    HOT_MS = 1000
};

static const uint64_t second_ns = 1000000000;
static const uint64_t ms_ns = 1000000;

typedef struct bucket {
    uint64_t source; /* a hash of its address; 0: none */
    uint64_t paid_ns[SRF__WORK_COUNT];
} bucket_t;

typedef struct srf__source_set {
    bucket_t buckets[WAYS];
} set_t;

static int read_exempt(srf__sources_t *sources, const char *const *exempt)
{
    size_t count = 0;

    while (exempt != NULL && exempt[count] != NULL)
        count++;
    if (count == 0)
        return 0;
    sources->exempt = srf__calloc(count, sizeof(*sources->exempt));
    if (sources->exempt == NULL)
        return SRF_ERR_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        if (srf_cidr_parse(exempt[i], &sources->exempt[i]) != 0)
            return SRF_ERR_INVALID_ARGUMENT;
    }
    sources->exempt_count = count;
    return 0;
}

int srf__sources_init(srf__sources_t *sources, const srf__hash_key_t *key,
                      uint32_t rate, uint32_t burst, const char *const *exempt)
{
    memset(sources, 0, sizeof(*sources));
    sources->key = *key;
    int err = read_exempt(sources, exempt);
    if (err == 0 && rate > 0) {
        uint64_t interval_ns = second_ns / rate;
        sources->interval_ns[SRF__WORK_NEW] = interval_ns;
        sources->interval_ns[SRF__WORK_DIALOG] = interval_ns / DIALOG_SHARE;
        sources->tolerance_ns = interval_ns * (burst == 0 ? 0 : burst - 1);
        sources->sets = srf__calloc(SETS, sizeof(*sources->sets));
        err = sources->sets == NULL ? SRF_ERR_NO_MEMORY : 0;
    }
    if (err != 0)
        srf__sources_deinit(sources);
    return err;
}

void srf__sources_deinit(srf__sources_t *sources)
{
    srf__free(sources->exempt);
    srf__free(sources->sets);
    sources->exempt = NULL;
    sources->exempt_count = 0;
    sources->sets = NULL;
}

/* What tells sources apart. */
static uint64_t hash_of(const srf__sources_t *sources, const srf__addr_t *peer)
{
    uint64_t hash = srf__addr_source(peer, &sources->key).h[0];

    return hash == 0 ? 1 : hash;
}

static uint64_t paid_for(const bucket_t *bucket)
{
    uint64_t fresh = bucket->paid_ns[SRF__WORK_NEW];
    uint64_t dialog = bucket->paid_ns[SRF__WORK_DIALOG];

    return fresh > dialog ? fresh : dialog;
}

/* The source's bucket, or that of whom it takes the place: who owes least. */
static bucket_t *find(const srf__sources_t *sources, uint64_t source)
{
    bucket_t *buckets = sources->sets[source & (SETS - 1)].buckets;
    bucket_t *least = buckets;

    for (unsigned i = 0; i < WAYS; i++) {
        if (buckets[i].source == source)
            return &buckets[i];
        if (paid_for(&buckets[i]) < paid_for(least))
            least = &buckets[i];
    }
    return least;
}

static bool is_exempt(const srf__sources_t *sources, const srf__addr_t *peer)
{
    for (size_t i = 0; i < sources->exempt_count; i++) {
        if (srf__cidr_has(&sources->exempt[i], peer))
            return true;
    }
    return false;
}

/* How much too soon it is, given until when is paid for. */
static uint64_t too_soon(const srf__sources_t *sources, uint64_t paid_ns,
                         uint64_t now_ns)
{
    uint64_t from_ns = now_ns + sources->tolerance_ns;

    return paid_ns > from_ns ? paid_ns - from_ns : 0;
}

uint32_t srf__sources_take(srf__sources_t *sources, const srf__addr_t *peer,
                           srf__work_t work, uint64_t now_ms,
                           uint32_t credit_ms)
{
    if (sources->sets == NULL)
        return 0;
    uint64_t source = hash_of(sources, peer);
    uint64_t now_ns = now_ms * ms_ns;
    bucket_t *bucket = find(sources, source);

    if (bucket->source != source)
        *bucket = (bucket_t){.source = source};
    uint64_t *paid_ns = &bucket->paid_ns[work];
    uint64_t soon_ns = too_soon(sources, *paid_ns, now_ns);
    if (soon_ns > 0 && is_exempt(sources, peer))
        return 0;
    if (soon_ns > credit_ms * ms_ns) {
        srf__sources_note(sources, now_ms);
    } else {
        *paid_ns = (*paid_ns > now_ns ? *paid_ns : now_ns) +
                   sources->interval_ns[work];
    }
    return (uint32_t)((soon_ns + ms_ns - 1) / ms_ns);
}

bool srf__sources_is_above(srf__sources_t *sources, const srf__addr_t *peer,
                           uint64_t now_ms)
{
    if (now_ms >= sources->hot_until_ms)
        sources->hot = false;
    if (!sources->hot || sources->sets == NULL)
        return false;
    uint64_t source = hash_of(sources, peer);
    const bucket_t *bucket = find(sources, source);
    return bucket->source == source &&
           too_soon(sources, bucket->paid_ns[SRF__WORK_NEW], now_ms * ms_ns) >
               0 &&
           !is_exempt(sources, peer);
}

void srf__sources_note(srf__sources_t *sources, uint64_t now_ms)
{
    sources->limited++;
    sources->hot = true;
    sources->hot_until_ms = now_ms + HOT_MS;
}
