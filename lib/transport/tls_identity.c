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

/* Empty when there is none. */
static srf__str_t common_name(const X509 *certificate)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

    return at < 0 ? srf__str(NULL, 0)
                  : text_of(X509_NAME_ENTRY_get_data(
                        X509_NAME_get_entry(subject, at)));
}

/* RFC 5922 §7.1: the common name only counts where there is no subjectAltName,
 * good or bad. */
static bool has_names(const X509 *certificate)
{
    return X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1) >= 0;
}

bool srf__tls_speaks_for(const X509 *certificate, srf__str_t host)
{
    srf__addr_t addr;
    bool numeric = srf__addr_from_host(&addr, host, 0, SRF__TRANSPORT_TLS);

    if (!has_names(certificate))
        return !numeric && srf__str_ieq(common_name(certificate), host);
    GENERAL_NAMES *names =
        X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    bool found = numeric ? has_address(names, &addr) : has_domain(names, host);
    GENERAL_NAMES_free(names);
    return found;
}

/* ---- all of them ---- */

typedef struct domains {
    srf__arena_t *arena;
    const char **list;
    size_t count;
    bool failed;
} domains_t;

/* A NUL inside would end it where the issuer did not. */
static void add_domain(domains_t *domains, srf__str_t name)
{
    if (name.len == 0 || memchr(name.p, '\0', name.len) != NULL)
        return;
    const char *copy = srf__arena_strdup(domains->arena, name);
    domains->failed = domains->failed || copy == NULL;
    if (copy != NULL)
        domains->list[domains->count++] = copy;
}

static void add_names(domains_t *domains, const GENERAL_NAMES *names)
{
    srf__str_t domain;

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        if (read_domain(sk_GENERAL_NAME_value(names, i), &domain))
            add_domain(domains, domain);
    }
    if (domains->count > 0)
        return;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS)
            add_domain(domains, text_of(name->d.dNSName));
    }
}

bool srf__tls_domains(const X509 *certificate, srf__arena_t *arena,
                      const char *const **out)
{
    domains_t domains = {.arena = arena};
    bool has = has_names(certificate);
    GENERAL_NAMES *names =
        has ? X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL)
            : NULL;
    int count = names == NULL ? 0 : sk_GENERAL_NAME_num(names);

    domains.list =
        srf__arena_alloc(arena, ((size_t)count + 2) * sizeof(*domains.list));
    if (domains.list != NULL && has)
        add_names(&domains, names);
    else if (domains.list != NULL)
        add_domain(&domains, common_name(certificate));
    GENERAL_NAMES_free(names);
    if (domains.list == NULL || domains.failed)
        return false;
    domains.list[domains.count] = NULL;
    *out = domains.list;
    return true;
}
