/*
 * Request validation (RFC 3261 §16.3) beyond what the scanner refuses.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_VALIDATE_H
#define SRF_VALIDATE_H

#include "proxy/route.h"

typedef struct srf__verdict {
    unsigned status;    /* 0: the request is good */
    const char *reason; /* phrase; NULL: the usual one */
    bool own_maddr;     /* to be judged again without maddr (§16.4) */
} srf__verdict_t;

/* Judges a new request and prepares its route. An OPTIONS for us whose
 * Max-Forwards is 0 gets 200: it is ours to answer (§16.3 step 3). */
void srf__validate(srf__element_t *element, const srf__facts_t *request,
                   const srf__flow_t *from, srf__route_t *route,
                   srf__verdict_t *out);

/* What a 420 has to say: appends "Unsupported: a, b\r\n" with the tags of all
 * Proxy-Require lines, as many as fit into the fixed buffer `out`. */
void srf__unsupported_write(const srf__facts_t *request, srf__buf_t *out);

#endif /* SRF_VALIDATE_H */
