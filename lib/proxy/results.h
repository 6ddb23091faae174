/*
 * The outcome of a proxy operation in the form the program sees.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_RESULTS_H
#define SRF_RESULTS_H

#include "base/alloc.h"
#include "proxy/context.h"

typedef struct srf__results {
    srf_proxy_results_t public;
    srf_proxy_msg_t final_response;
    srf_proxy_response_t few_responses[2]; /* enough for most */
    srf_proxy_msg_t few_msgs[6];
    unsigned few_msgs_used;
    srf__arena_t arena;
} srf__results_t;

/* Fills in the results of a context, whose messages they borrow. Without memory
 * the list of responses is left empty. */
void srf__results_make(srf__results_t *results, const srf__context_t *context);
/* Makes the results of one branch, as far as it has come. False when memory is
 * out. *results is to be deinitialised either way. */
bool srf__results_make_one(srf__results_t *results,
                           const srf__context_t *context,
                           const srf__branch_t *branch,
                           srf_proxy_response_t *out);
void srf__results_deinit(srf__results_t *results);

#endif /* SRF_RESULTS_H */
