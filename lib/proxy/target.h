/*
 * The target set of a proxied request (RFC 3261 §16.5): what the program named,
 * in order of preference, and what redirects added on the way.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TARGET_H
#define SRF_TARGET_H

#include "message/uri.h"

typedef struct srf__target {
    struct srf__target *next;
    uint16_t q;      /* of a Contact, in thousandths */
    uint8_t depth;   /* redirects that led to it; 0: the program named it */
    bool is_contact; /* of a 3xx: becomes the Request-URI; memory of its own */
    char uri[];      /* normalised; empty: the Request-URI */
} srf__target_t;

/* Bytes of a target in a block of several, and writing it there. */
size_t srf__target_size(srf__str_t uri);
srf__target_t *srf__target_write(void *where, srf__str_t uri);

/* A target made from a Contact, to be freed; NULL when memory is out. */
srf__target_t *srf__target_create(srf__str_t uri);

/* Appends the Request-URI that a request to this target has to `out`; nothing
 * when it stays as it is. `replaces`: the Request-URI names us, so that what
 * the program named replaces it (§16.5), with the caller's user part if that is
 * to be kept. 0; SRF_ERR_INVALID_URI; SRF_ERR_NO_MEMORY. */
typedef struct srf__target_rule {
    const srf__uri_t *request_uri;
    bool replaces;
    bool keep_user;
} srf__target_rule_t;

int srf__target_write_uri(const srf__target_t *target,
                          const srf__target_rule_t *rule, srf__buf_t *out);

#endif /* SRF_TARGET_H */
