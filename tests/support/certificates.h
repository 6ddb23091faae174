/*
 * Certificates made on the spot, as PEM files in a directory of their own.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TEST_CERTIFICATES_H
#define SRF_TEST_CERTIFICATES_H

#include <stdbool.h>

#include <openssl/x509.h>

typedef struct authority {
    EVP_PKEY *key;
    X509 *certificate;
} authority_t;

/* A directory for the files of one test program, removed when that ends. */
const char *certificates_directory(void);
/* Its path with `name` behind, in a buffer that the next eight calls leave
 * alone. */
const char *certificates_path(const char *name);

/* A certificate authority, whose certificate is written to `file`. */
authority_t *authority_create(const char *file);
/* One that another vouches for. */
authority_t *authority_create_below(const authority_t *issuer,
                                    const char *file);
void authority_free(authority_t *authority);

typedef struct certificate_spec {
    const char *common_name; /* NULL: none */
    const char *names;       /* subjectAltName as OpenSSL writes it, e.g.
                                "DNS:a.test,IP:127.0.0.1,URI:sip:a.test" */
    bool expired;
    bool self_signed;
} certificate_spec_t;

/* Writes key and certificate into one file. */
void certificate_write(const authority_t *authority, const char *file,
                       const certificate_spec_t *spec);
/* Writes what certificate_write() has put into one file into two. `password`:
 * the key is encrypted with it; NULL: it is not. */
void certificate_split(const char *file, const char *certificate_file,
                       const char *key_file, const char *password);
/* Puts a certificate behind what is in a file, as the next of its chain. */
void certificate_append(const char *file, const char *certificate_file);

/* Writes a revocation list, with that certificate on it; NULL: with none. */
void certificate_revoke(const authority_t *authority, const char *crl_file,
                        const char *certificate_file, bool expired);

#endif /* SRF_TEST_CERTIFICATES_H */
