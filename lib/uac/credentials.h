/*
 * The program's credentials for one request: which challenges they answer, and
 * the header lines that do (RFC 3261 §22.2, §22.3, RFC 8760 §2.4).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_CREDENTIALS_H
#define SRF_CREDENTIALS_H

#include "base/alloc.h"
#include "base/buf.h"
#include "base/random.h"
#include "message/build.h"

typedef struct srf__credential srf__credential_t;

typedef struct srf__credentials {
    srf__str_t username; /* p is NULL: there are none */
    srf__str_t password;
    const char *const *realms; /* NULL-terminated; "*" is any */
    srf__credential_t *list;   /* one per realm that has challenged */
} srf__credentials_t;

/* Takes the challenges of a 401 or 407. True when the request is worth sending
 * again: a realm challenges that had no answer yet, or whose nonce was too old.
 * What has been refused otherwise is not sent again. Memory is that of
 * `arena`. */
bool srf__credentials_take(srf__credentials_t *credentials, srf__arena_t *arena,
                           srf__random_t *random, const srf__facts_t *response);

/* Appends the lines for a request, each nonce being used once more. 0 or an
 * error of srf__digest_write(). */
int srf__credentials_write(srf__credentials_t *credentials,
                           const srf__request_spec_t *request, srf__buf_t *out);

/* Overwrites them, so that nobody finds them where they have been. */
void srf__credentials_wipe(srf__credentials_t *credentials);

#endif /* SRF_CREDENTIALS_H */
