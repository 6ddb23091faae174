/*
 * What selections came to.
 *
 * SPDX-License-Identifier: MIT
 */
#include "resolver/found.h"

#include "base/alloc.h"

enum { FOUND_MAX = 1024 };

typedef struct srf__finding {
    srf__map_node_t node; /* first */
    struct srf__finding *newer;
    uint64_t expires_ms; /* as the first of its records */
    srf__servers_t servers;
} finding_t;

static void forget_oldest(srf__found_t *found)
{
    finding_t *finding = found->oldest;

    found->oldest = finding->newer;
    if (finding->newer == NULL)
        found->newest = &found->oldest;
    srf__map_remove(&found->map, &finding->node);
    srf__free(finding);
}

static finding_t *append(srf__found_t *found, srf__hash128_t key)
{
    if (found->oldest != NULL && found->map.count >= found->max)
        forget_oldest(found);
    finding_t *finding = srf__malloc(sizeof(*finding));
    if (finding == NULL)
        return NULL;
    finding->node.key = key;
    if (srf__map_add(&found->map, &finding->node) != 0) {
        srf__free(finding);
        return NULL;
    }
    finding->newer = NULL;
    *found->newest = finding;
    found->newest = &finding->newer;
    return finding;
}

void srf__found_init(srf__found_t *found, uint32_t max)
{
    memset(found, 0, sizeof(*found));
    found->newest = &found->oldest;
    found->max = max < FOUND_MAX ? max : FOUND_MAX;
}

void srf__found_deinit(srf__found_t *found)
{
    while (found->oldest != NULL)
        forget_oldest(found);
    srf__map_deinit(&found->map);
}

const srf__servers_t *srf__found_get(const srf__found_t *found,
                                     srf__hash128_t key, uint64_t now_ms)
{
    const finding_t *finding = (finding_t *)srf__map_get(&found->map, key);

    return finding == NULL || now_ms >= finding->expires_ms ? NULL
                                                            : &finding->servers;
}

void srf__found_add(srf__found_t *found, srf__hash128_t key,
                    const srf__servers_t *servers, uint64_t expires_ms)
{
    finding_t *finding = (finding_t *)srf__map_get(&found->map, key);

    if (finding == NULL)
        finding = append(found, key);
    if (finding == NULL)
        return;
    finding->expires_ms = expires_ms;
    finding->servers = *servers;
}
