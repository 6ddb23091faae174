/*
 * Middleware: from one link of the chain of handlers to the next.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_CHAIN_H
#define SRF_CHAIN_H

#include "core/handlers.h"
#include "core/req.h"

/* Calls the links of the chain, from `first` on, until one does not hand the
 * request on. NULL: there is none any more. */
void srf__chain_run(srf_req_t *req, const srf__handler_t *first);

#endif /* SRF_CHAIN_H */
