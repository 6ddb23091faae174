/*
 * Quotas: how many of something each of many has, and all of them together, so
 * that none has what the others need.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_QUOTA_H
#define SRF_QUOTA_H

#include "base/map.h"

/* A share tells what one of them has; it is there while that is more than
 * nothing. */
typedef struct srf__share {
    srf__map_node_t node; /* first; its key says who */
    uint32_t count;
} srf__share_t;

/* A quota that is filled with zeros but for the limits is valid. */
typedef struct srf__quota {
    uint32_t each; /* limits */
    uint32_t all;
    uint32_t count; /* of all */
    srf__map_t shares;
} srf__quota_t;

/* Counts one more for `who`, a keyed hash. NULL when that is above a limit, or
 * memory is out. */
srf__share_t *srf__quota_take(srf__quota_t *quota, srf__hash128_t who);
/* Counts one less. NULL does nothing. */
void srf__quota_give(srf__quota_t *quota, srf__share_t *share);
/* Frees what is left; everything must have been given back. */
void srf__quota_deinit(srf__quota_t *quota);

#endif /* SRF_QUOTA_H */
