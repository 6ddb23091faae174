/*
 * Whom a certificate speaks for.
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/uri.h"
#include "transport/address.h"
#include "transport/tls_context.h"

#include <openssl/x509v3.h>

static srf__str_t text_of(const ASN1_STRING *value)
{
    return srf__str((const char *)ASN1_STRING_get0_data(value),
                    (size_t)ASN1_STRING_length(value));
}

/* A sip URI without a user part names a domain. */
static bool read_domain(const GENERAL_NAME *name, srf__str_t *domain)
{
    srf__uri_t uri;

    if (name->type != GEN_URI ||
        srf__uri_parse(text_of(name->d.uniformResourceIdentifier), &uri) != 0 ||
        uri.scheme != SRF__SCHEME_SIP || uri.has_user)
        return false;
    *domain = uri.host;
    return true;
}

/* RFC 5922 §7.1: where a sip URI names a domain, DNS names count for nothing.
 * §7.2: no wildcards. */
static bool has_domain(const GENERAL_NAMES *names, srf__str_t host)
{
    srf__str_t domain;
    bool by_uri = false;
    bool by_dns = false;

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (read_domain(name, &domain)) {
            if (srf__str_ieq(domain, host))
                return true;
            by_uri = true;
        } else if (name->type == GEN_DNS) {
            by_dns = by_dns || srf__str_ieq(text_of(name->d.dNSName), host);
        }
    }
    return by_dns && !by_uri;
}

static bool has_address(const GENERAL_NAMES *names, const srf__addr_t *addr)
{
    srf__str_t ip =
        srf__str((const char *)addr->ip, addr->family == 6 ? 16 : 4);

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_IPADD &&
            srf__str_eq(text_of(name->d.iPAddress), ip))
            return true;
    }
    return false;
}

static bool has_common_name(const X509 *certificate, srf__str_t host)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

    return at >= 0 && srf__str_ieq(text_of(X509_NAME_ENTRY_get_data(
                                       X509_NAME_get_entry(subject, at))),
                                   host);
}

bool srf__tls_speaks_for(const X509 *certificate, srf__str_t host)
{
    srf__addr_t addr;
    bool numeric = srf__addr_from_host(&addr, host, 0, SRF__TRANSPORT_TLS);

    /* RFC 5922 §7.1: the common name only where there is no subjectAltName,
     * good or bad. */
    if (X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1) < 0)
        return !numeric && has_common_name(certificate, host);
    GENERAL_NAMES *names =
        X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    bool found = numeric ? has_address(names, &addr) : has_domain(names, host);
    GENERAL_NAMES_free(names);
    return found;
}
