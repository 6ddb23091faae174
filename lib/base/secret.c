/*
 * Keys from secrets.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/secret.h"

#include "base/error.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

int srf__secret_key(const void *secret, size_t len, const char *purpose,
                    srf__hash_key_t *out)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_len;

    /* HMAC is a key derivation function of one step (NIST SP 800-56C §4.1). */
    if (len > INT32_MAX ||
        HMAC(EVP_sha256(), secret, (int)len, (const unsigned char *)purpose,
             strlen(purpose), digest, &digest_len) == NULL)
        return SRF_ERR_NO_MEMORY;
    memcpy(out, digest, sizeof(*out));
    OPENSSL_cleanse(digest, sizeof(digest));
    return 0;
}
