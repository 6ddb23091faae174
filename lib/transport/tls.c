/*
 * TLS sessions.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/tls.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/error.h"
#include "message/uri.h"
#include "transport/address.h"
#include "transport/tls_context.h"

#include <limits.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

struct srf__tls {
    srf__tls_context_t *context; /* referenced */
    SSL *ssl;
    srf__str_t in; /* came from the network, not read yet */
    char *out;     /* for the network */
    size_t out_len;
    size_t out_cap;
    const char *error;
    bool failed;
    bool closed;
    size_t name_len;
    char name[]; /* of the server; NUL-terminated */
};

/* ---- the network as OpenSSL sees it ---- */

static int on_bio_read(BIO *bio, char *out, int len)
{
    srf__tls_t *tls = BIO_get_data(bio);
    size_t count = (size_t)len;

    BIO_clear_retry_flags(bio);
    if (tls->in.len == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    if (count > tls->in.len)
        count = tls->in.len;
    memcpy(out, tls->in.p, count);
    tls->in = srf__str(tls->in.p + count, tls->in.len - count);
    return (int)count;
}

static int on_bio_write(BIO *bio, const char *data, int len)
{
    srf__tls_t *tls = BIO_get_data(bio);
    size_t need = tls->out_len + (size_t)len;

    BIO_clear_retry_flags(bio);
    if (need > tls->out_cap) {
        size_t cap = 2 * tls->out_cap > need ? 2 * tls->out_cap : need;
        char *out = srf__realloc(tls->out, cap);
        if (out == NULL)
            return -1;
        tls->out = out;
        tls->out_cap = cap;
    }
    memcpy(tls->out + tls->out_len, data, (size_t)len);
    tls->out_len = need;
    return len;
}

static long on_bio_ctrl(BIO *bio, int command, long number, void *arg)
{
    (void)bio;
    (void)number;
    (void)arg;
    return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *srf__tls_network(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "libsrf");

    if (method == NULL)
        return NULL;
    (void)BIO_meth_set_read(method, on_bio_read);
    (void)BIO_meth_set_write(method, on_bio_write);
    (void)BIO_meth_set_ctrl(method, on_bio_ctrl);
    return method;
}

/* ---- who the server is (RFC 5922 §7) ---- */

static bool is_text(const ASN1_STRING *value, srf__str_t text)
{
    srf__str_t found = srf__str((const char *)ASN1_STRING_get0_data(value),
                                (size_t)ASN1_STRING_length(value));

    return srf__str_ieq(found, text);
}

/* A sip URI without a user part names a domain. */
static bool read_domain(const ASN1_STRING *value, srf__str_t *domain)
{
    srf__str_t text = srf__str((const char *)ASN1_STRING_get0_data(value),
                               (size_t)ASN1_STRING_length(value));
    srf__uri_t uri;

    if (srf__uri_parse(text, &uri) != 0 || uri.scheme != SRF__SCHEME_SIP ||
        uri.has_user)
        return false;
    *domain = uri.host;
    return true;
}

static bool is_ip(const ASN1_OCTET_STRING *value, const srf__addr_t *addr)
{
    int len = addr->family == 6 ? 16 : 4;

    return addr->family != 0 && ASN1_STRING_length(value) == len &&
           memcmp(ASN1_STRING_get0_data(value), addr->ip, (size_t)len) == 0;
}

/* The subjectAltName of an address or a DNS name. */
static bool is_named(const GENERAL_NAME *name, srf__str_t host,
                     const srf__addr_t *addr)
{
    if (name->type == GEN_DNS)
        return addr->family == 0 && is_text(name->d.dNSName, host);
    return name->type == GEN_IPADD && is_ip(name->d.iPAddress, addr);
}

static bool matches_names(const GENERAL_NAMES *names, srf__str_t host)
{
    srf__addr_t addr = {0};
    srf__str_t domain;
    bool found = false;
    bool by_uri = false;

    (void)srf__addr_from_host(&addr, host, 0, SRF__TRANSPORT_TLS);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_URI &&
            read_domain(name->d.uniformResourceIdentifier, &domain)) {
            /* Where there is one, only these count. */
            found = (by_uri && found) || srf__str_ieq(domain, host);
            by_uri = true;
        } else if (!by_uri && is_named(name, host, &addr)) {
            found = true;
        }
    }
    return found;
}

static bool matches_common_name(X509 *certificate, srf__str_t host)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

    return at >= 0 &&
           is_text(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)),
                   host);
}

static bool is_proved(X509 *certificate, srf__str_t host)
{
    GENERAL_NAMES *names =
        X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

    if (host.len > 2 && host.p[0] == '[')
        host = srf__str(host.p + 1, host.len - 2);
    if (names == NULL)
        return matches_common_name(certificate, host);
    bool proved = matches_names(names, host);
    GENERAL_NAMES_free(names);
    return proved;
}

/* OpenSSL has judged a certificate of the chain; the server's own comes last.
 */
static int on_verify(int good, X509_STORE_CTX *store)
{
    const SSL *ssl =
        X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    const srf__tls_t *tls = SSL_get_app_data(ssl);

    if (!good || X509_STORE_CTX_get_error_depth(store) > 0)
        return good;
    if (is_proved(X509_STORE_CTX_get_current_cert(store),
                  srf__str(tls->name, tls->name_len)))
        return 1;
    X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
    return 0;
}

/* ---- life ---- */

int srf__tls_new_session(SSL *ssl, SSL_SESSION *session)
{
    const srf__tls_t *tls = SSL_get_app_data(ssl);

    if (tls == NULL)
        return 0;
    srf__tls_remember(tls->context, srf__str(tls->name, tls->name_len),
                      session);
    return 1;
}

static void begin_client(srf__tls_t *tls)
{
    srf__str_t name = srf__str(tls->name, tls->name_len);
    SSL_SESSION *session = srf__tls_recall(tls->context, name);
    srf__addr_t addr;

    SSL_set_connect_state(tls->ssl);
    SSL_set_verify(tls->ssl,
                   srf__tls_verifies(tls->context) ? SSL_VERIFY_PEER
                                                   : SSL_VERIFY_NONE,
                   on_verify);
    /* RFC 6066 §3: no literal addresses. */
    if (name.len > 0 &&
        !srf__addr_from_host(&addr, name, 0, SRF__TRANSPORT_TLS))
        (void)SSL_set_tlsext_host_name(tls->ssl, tls->name);
    if (session != NULL)
        (void)SSL_set_session(tls->ssl, session);
}

static bool begin(srf__tls_t *tls, bool is_server)
{
    BIO *bio = BIO_new(srf__tls_method(tls->context));

    tls->ssl = SSL_new(is_server ? srf__tls_server_ctx(tls->context)
                                 : srf__tls_client_ctx(tls->context));
    if (bio == NULL || tls->ssl == NULL) {
        BIO_free(bio);
        return false;
    }
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(tls->ssl, bio, bio);
    (void)SSL_set_app_data(tls->ssl, tls);
    if (is_server)
        SSL_set_accept_state(tls->ssl);
    else
        begin_client(tls);
    return true;
}

int srf__tls_create(srf__tls_context_t *context, bool is_server,
                    srf__str_t name, srf__tls_t **out)
{
    srf__tls_t *tls = srf__calloc(1, sizeof(*tls) + name.len + 1);

    *out = NULL;
    if (tls == NULL)
        return SRF_ERR_NO_MEMORY;
    if (name.len > 0)
        memcpy(tls->name, name.p, name.len);
    tls->name_len = name.len;
    tls->context = srf__tls_context_ref(context);
    if (!begin(tls, is_server)) {
        ERR_clear_error();
        srf__tls_destroy(tls);
        return SRF_ERR_NO_MEMORY;
    }
    *out = tls;
    return 0;
}

void srf__tls_destroy(srf__tls_t *tls)
{
    if (tls == NULL)
        return;
    if (tls->ssl != NULL)
        (void)SSL_set_app_data(tls->ssl, NULL);
    SSL_free(tls->ssl);
    srf__free(tls->out);
    srf__tls_context_unref(tls->context);
    srf__free(tls);
}

/* ---- talking ---- */

static void fail(srf__tls_t *tls)
{
    long verdict = SSL_get_verify_result(tls->ssl);

    tls->failed = true;
    tls->error = srf__tls_take_reason();
    if (verdict != X509_V_OK && !SSL_is_server(tls->ssl))
        tls->error = X509_verify_cert_error_string(verdict);
}

/* What a call of OpenSSL came to; true when it did something. */
static bool succeeded(srf__tls_t *tls, int result)
{
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_NONE:
        return true;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        break;
    case SSL_ERROR_ZERO_RETURN:
        tls->closed = true;
        break;
    default:
        fail(tls);
    }
    ERR_clear_error();
    return false;
}

void srf__tls_receive(srf__tls_t *tls, const char *data, size_t len)
{
    tls->in = srf__str(data, len);
    if (tls->failed || SSL_is_init_finished(tls->ssl))
        return;
    ERR_clear_error();
    (void)succeeded(tls, SSL_do_handshake(tls->ssl));
}

size_t srf__tls_read(srf__tls_t *tls, char *out, size_t cap)
{
    if (tls->failed || tls->closed || !SSL_is_init_finished(tls->ssl))
        return 0;
    ERR_clear_error();
    int len = SSL_read(tls->ssl, out, cap > INT_MAX ? INT_MAX : (int)cap);
    return succeeded(tls, len) ? (size_t)len : 0;
}

static int write_part(srf__tls_t *tls, srf__str_t part)
{
    if (part.len == 0)
        return 0;
    ERR_clear_error();
    if (part.len <= INT_MAX &&
        succeeded(tls, SSL_write(tls->ssl, part.p, (int)part.len)))
        return 0;
    tls->failed = true;
    if (tls->error == NULL)
        tls->error = "cannot be written to";
    return SRF_ERR_TLS;
}

int srf__tls_write(srf__tls_t *tls, const srf__str_t *parts, unsigned count)
{
    int err = 0;

    /* Renegotiation is off, so nothing but memory is in the way. */
    for (unsigned i = 0; err == 0 && i < count; i++)
        err = write_part(tls, parts[i]);
    return err;
}

void srf__tls_shutdown(srf__tls_t *tls)
{
    if (tls->failed || !SSL_is_init_finished(tls->ssl))
        return;
    ERR_clear_error();
    (void)SSL_shutdown(tls->ssl);
    ERR_clear_error();
}

char *srf__tls_take(srf__tls_t *tls, size_t *len)
{
    char *out = tls->out_len == 0 ? NULL : tls->out;

    if (out == NULL)
        return NULL;
    *len = tls->out_len;
    tls->out = NULL;
    tls->out_len = 0;
    tls->out_cap = 0;
    return out;
}

srf__tls_state_t srf__tls_state(const srf__tls_t *tls)
{
    if (tls->failed)
        return SRF__TLS_FAILED;
    if (tls->closed)
        return SRF__TLS_CLOSED;
    return SSL_is_init_finished(tls->ssl) ? SRF__TLS_OPEN : SRF__TLS_HANDSHAKE;
}

const char *srf__tls_error(const srf__tls_t *tls)
{
    return tls->error == NULL ? "" : tls->error;
}
