/*
 * The certificate that a peer has shown, as a program sees it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/tls_context.h"

#include <openssl/x509.h>

static bool copy_der(X509 *certificate, srf__arena_t *arena,
                     srf_certificate_t *out)
{
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    void *copy = len <= 0 ? NULL : srf__arena_alloc(arena, (size_t)len);

    if (copy != NULL)
        memcpy(copy, der, (size_t)len);
    OPENSSL_free(der);
    out->der = copy;
    out->der_len = copy == NULL ? 0 : (size_t)len;
    return copy != NULL;
}

/* RFC 2253, which escapes what is not printable. */
static bool copy_subject(X509 *certificate, srf__arena_t *arena,
                         srf_certificate_t *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;

    if (bio != NULL &&
        X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0,
                           XN_FLAG_RFC2253) >= 0) {
        long len = BIO_get_mem_data(bio, &text);
        out->subject =
            srf__arena_strdup(arena, srf__str(text, len < 0 ? 0 : (size_t)len));
    }
    BIO_free(bio);
    return out->subject != NULL;
}

bool srf__tls_read_certificate(X509 *certificate, long verdict,
                               srf__arena_t *arena,
                               const srf_certificate_t **out)
{
    srf_certificate_t *read = srf__arena_alloc(arena, sizeof(*read));

    if (read == NULL)
        return false;
    memset(read, 0, sizeof(*read));
    read->size = sizeof(*read);
    read->verified = verdict == X509_V_OK;
    read->verdict = X509_verify_cert_error_string(verdict);
    if (!copy_der(certificate, arena, read) ||
        !copy_subject(certificate, arena, read) ||
        !srf__tls_domains(certificate, arena, &read->domains))
        return false;
    *out = read;
    return true;
}
