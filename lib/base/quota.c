/*
 * Quotas.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/quota.h"

#include "base/alloc.h"

srf__share_t *srf__quota_take(srf__quota_t *quota, srf__hash128_t who)
{
    srf__share_t *share = (srf__share_t *)srf__map_get(&quota->shares, who);

    if (quota->count >= quota->all ||
        (share != NULL ? share->count : 0) >= quota->each)
        return NULL;
    if (share == NULL) {
        share = srf__calloc(1, sizeof(*share));
        if (share == NULL)
            return NULL;
        share->node.key = who;
        if (srf__map_add(&quota->shares, &share->node) != 0) {
            srf__free(share);
            return NULL;
        }
    }
    share->count++;
    quota->count++;
    return share;
}

void srf__quota_give(srf__quota_t *quota, srf__share_t *share)
{
    if (share == NULL)
        return;
    quota->count--;
    if (--share->count > 0)
        return;
    srf__map_remove(&quota->shares, &share->node);
    srf__free(share);
}

void srf__quota_deinit(srf__quota_t *quota)
{
    srf__map_deinit(&quota->shares);
}
