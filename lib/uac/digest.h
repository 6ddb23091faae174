/*
 * Digest authentication of a client (RFC 3261 §22.4, RFC 7616, RFC 8760): from
 * a challenge and a request to the value of Authorization or
 * Proxy-Authorization.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_DIGEST_H
#define SRF_DIGEST_H

#include "base/buf.h"
#include "message/osip_bridge.h"

#include <stdbool.h>
#include <stdint.h>

/* A request tells what is proved, and for what. */
typedef struct srf__digest_request {
    srf__str_t username;
    srf__str_t password;
    srf__str_t method;
    srf__str_t uri; /* Request-URI */
    srf__str_t body;
    srf__str_t cnonce; /* the same as long as the nonce is; no quotes in it */
    uint32_t nc;       /* 1 for the first request with this nonce */
} srf__digest_request_t;

/* Tells how strong the algorithm of a challenge is: SHA-512-256, SHA-256, MD5
 * (also for no algorithm), with or without "-sess". 0: it cannot be answered,
 * for its scheme, algorithm or quality of protection is unknown, or it has no
 * nonce. */
unsigned srf__digest_strength(const srf__challenge_t *challenge);

/* Appends the value that answers a challenge which has a strength. 0;
 * SRF_ERR_UNSUPPORTED when libcrypto refuses the algorithm;
 * SRF_ERR_NO_MEMORY. */
int srf__digest_write(const srf__challenge_t *challenge,
                      const srf__digest_request_t *request, srf__buf_t *out);

/* Overwrites a secret that is ours. */
void srf__digest_wipe(srf__str_t secret);

#endif /* SRF_DIGEST_H */
