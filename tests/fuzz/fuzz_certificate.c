/*
 * Fuzz target: whom a certificate speaks for. The input is lines: the host that
 * is to be proved, then names of the certificate, each with a letter in front
 * (U: a URI, D: a DNS name, I: an IP address, M: a mail address, N: the common
 * name). Behind "X" the rest is the subjectAltName as it stands in the
 * certificate. A name with a NUL in it, or with a wildcard, proves nothing.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fuzz.h"

#include "message/uri.h"
#include "transport/address.h"
#include "transport/tls_context.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

enum { NAMES_MAX = 32 };

typedef struct certificate {
    X509 *x509;
    GENERAL_NAMES *names;
    bool raw; /* its subjectAltName is given as bytes */
    srf__str_t texts[NAMES_MAX];
    unsigned count;
} certificate_t;

static void add_common_name(certificate_t *certificate, srf__str_t text)
{
    (void)X509_NAME_add_entry_by_NID(
        X509_get_subject_name(certificate->x509), NID_commonName, MBSTRING_ASC,
        (const unsigned char *)text.p, (int)text.len, -1, 0);
}

static void add_name(certificate_t *certificate, int type, srf__str_t text)
{
    bool ip = type == GEN_IPADD;
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *value = ip ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();

    FUZZ_CHECK(name != NULL && value != NULL);
    FUZZ_CHECK(ASN1_STRING_set(value, text.p, (int)text.len) == 1);
    GENERAL_NAME_set0_value(name, type, value);
    FUZZ_CHECK(sk_GENERAL_NAME_push(certificate->names, name) > 0);
}

static void add_raw(certificate_t *certificate, srf__str_t bytes)
{
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();

    FUZZ_CHECK(value != NULL);
    FUZZ_CHECK(ASN1_OCTET_STRING_set(value, (const unsigned char *)bytes.p,
                                     (int)bytes.len) == 1);
    X509_EXTENSION *extension =
        X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, value);
    FUZZ_CHECK(extension != NULL);
    FUZZ_CHECK(X509_add_ext(certificate->x509, extension, -1) == 1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    certificate->raw = true;
}

static srf__str_t next_line(srf__str_t *rest)
{
    srf__str_t line = srf__str(rest->p, srf__str_find(*rest, '\n'));
    size_t skip = line.len < rest->len ? line.len + 1 : line.len;

    *rest = srf__str(rest->p + skip, rest->len - skip);
    return line;
}

static void add_line(certificate_t *certificate, char what, srf__str_t text)
{
    certificate->texts[certificate->count++] = text;
    switch (what) {
    case 'U':
        add_name(certificate, GEN_URI, text);
        break;
    case 'D':
        add_name(certificate, GEN_DNS, text);
        break;
    case 'I':
        add_name(certificate, GEN_IPADD, text);
        break;
    case 'M':
        add_name(certificate, GEN_EMAIL, text);
        break;
    default:
        add_common_name(certificate, text);
        break;
    }
}

static void read_names(certificate_t *certificate, srf__str_t rest)
{
    while (rest.len > 0 && certificate->count < NAMES_MAX) {
        if (rest.p[0] == 'X') {
            add_raw(certificate, srf__str(rest.p + 1, rest.len - 1));
            return;
        }
        srf__str_t line = next_line(&rest);
        if (line.len > 0)
            add_line(certificate, line.p[0],
                     srf__str(line.p + 1, line.len - 1));
    }
    if (sk_GENERAL_NAME_num(certificate->names) > 0)
        FUZZ_CHECK(X509_add1_ext_i2d(certificate->x509, NID_subject_alt_name,
                                     certificate->names, 0,
                                     X509V3_ADD_DEFAULT) == 1);
}

/* Whether one of the names could mean the host at all. */
static bool is_named(const certificate_t *certificate, srf__str_t host)
{
    srf__addr_t addr;
    srf__uri_t uri;
    bool numeric = srf__addr_from_host(&addr, host, 0, SRF__TRANSPORT_TLS);
    srf__str_t ip = srf__str((const char *)addr.ip, addr.family == 4 ? 4 : 16);

    for (unsigned i = 0; i < certificate->count; i++) {
        srf__str_t text = certificate->texts[i];
        if (numeric ? srf__str_eq(text, ip) : srf__str_ieq(text, host))
            return true;
        if (!numeric && srf__uri_parse(text, &uri) == 0 &&
            srf__str_ieq(uri.host, host))
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    certificate_t certificate = {.x509 = X509_new(),
                                 .names = GENERAL_NAMES_new()};
    srf__str_t rest = srf__str((const char *)data, size);

    FUZZ_CHECK(certificate.x509 != NULL && certificate.names != NULL);
    srf__str_t host = next_line(&rest);
    read_names(&certificate, rest);
    if (host.len > 0 && srf__tls_speaks_for(certificate.x509, host))
        FUZZ_CHECK(certificate.raw || is_named(&certificate, host));
    GENERAL_NAMES_free(certificate.names);
    X509_free(certificate.x509);
    ERR_clear_error();
    return 0;
}
