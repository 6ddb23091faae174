/*
 * Secrets of the program's: any bytes, made into a key.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_SECRET_H
#define SRF_SECRET_H

#include "base/hash.h"

/* Derives the key for `purpose` from a secret. It is the same wherever the
 * secret is, and tells nothing of it or of the keys for other purposes. 0;
 * SRF_ERR_NO_MEMORY. */
int srf__secret_key(const void *secret, size_t len, const char *purpose,
                    srf__hash_key_t *out);

#endif /* SRF_SECRET_H */
