/*
 * TLS sessions.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/tls.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/error.h"
#include "transport/address.h"
#include "transport/tls_context.h"

#include <openssl/err.h>

enum { RECORD_BYTES = 4096 };

struct srf__tls {
    srf__tls_context_t *context; /* referenced */
    SSL *ssl;
    srf__str_t in; /* came from the network, not read yet */
    char *out;     /* for the network */
    size_t out_len;
    size_t out_cap;
    const char *error;
    char *why; /* the same in full; NULL: there is no more to say */
    bool failed;
    bool closed;
    size_t name_len;
    char name[]; /* of the server; NUL-terminated */
};

/* ---- the network as OpenSSL sees it ---- */

/* OpenSSL wipes all of its queue, though there is mostly nothing in it. */
static void clear_errors(void)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

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
        if (out == NULL) {
            ERR_raise(ERR_LIB_BIO, ERR_R_MALLOC_FAILURE);
            return -1;
        }
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

static srf__tls_t *find_session(const SSL *ssl)
{
    return BIO_get_data(SSL_get_rbio(ssl));
}

srf__str_t srf__tls_name(const srf__tls_t *tls)
{
    return srf__str(tls->name, tls->name_len);
}

/* OpenSSL has judged a certificate of the chain; the server's own comes last.
 */
static int on_verify(int good, X509_STORE_CTX *store)
{
    const SSL *ssl =
        X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());

    if (!good || X509_STORE_CTX_get_error_depth(store) > 0)
        return good;
    if (srf__tls_speaks_for(X509_STORE_CTX_get0_cert(store),
                            srf__tls_name(find_session(ssl))))
        return 1;
    X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
    return 0;
}

/* ---- life ---- */

int srf__tls_new_session(SSL *ssl, SSL_SESSION *session)
{
    const srf__tls_t *tls = find_session(ssl);

    /* After a reload, what was trusted before is not any more. */
    return SSL_get_SSL_CTX(ssl) == srf__tls_client_ctx(tls->context) &&
           srf__tls_remember(tls->context, srf__tls_name(tls), session);
}

static void begin_client(srf__tls_t *tls)
{
    srf__str_t name = srf__tls_name(tls);
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
    /* A program's own context need not have them. Nothing but memory can be in
     * the way of a write then, and little is held between records. */
    (void)SSL_set_options(tls->ssl, SSL_OP_NO_RENEGOTIATION);
    (void)SSL_set_mode(tls->ssl,
                       SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    if (is_server)
        SSL_set_accept_state(tls->ssl);
    else
        begin_client(tls);
    return true;
}

int srf__tls_create(srf__tls_context_t *context, bool is_server,
                    srf__str_t name, srf__tls_t **out)
{
    /* The root's dot is in no certificate, nor in SNI (RFC 6066 §3). */
    if (name.len > 0 && name.p[name.len - 1] == '.')
        name.len--;
    srf__tls_t *tls = srf__calloc(1, sizeof(*tls) + name.len + 1);

    *out = NULL;
    if (tls == NULL)
        return SRF_ERR_NO_MEMORY;
    if (name.len > 0)
        memcpy(tls->name, name.p, name.len);
    tls->name_len = name.len;
    tls->context = srf__tls_context_ref(context);
    clear_errors();
    bool begun = begin(tls, is_server);
    clear_errors();
    if (!begun) {
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
    SSL_free(tls->ssl);
    srf__free(tls->out);
    srf__free(tls->why);
    srf__tls_context_unref(tls->context);
    srf__free(tls);
}

/* ---- talking ---- */

/* What was found wrong with the peer's certificate. */
static void add_verdict(srf__tls_t *tls)
{
    long verdict = SSL_get_verify_result(tls->ssl);
    srf__buf_t buf;

    srf__buf_init(&buf, SRF__TLS_WHY);
    srf__buf_add_text(&buf, tls->error);
    srf__buf_add_text(&buf, ": ");
    srf__buf_add_text(&buf, X509_verify_cert_error_string(verdict));
    if (verdict == X509_V_ERR_HOSTNAME_MISMATCH) {
        srf__buf_add_text(&buf, " with ");
        srf__buf_add_str(&buf, srf__tls_name(tls));
    }
    tls->why = srf__buf_detach(&buf);
    srf__buf_deinit(&buf);
}

static void fail(srf__tls_t *tls)
{
    unsigned long error = ERR_peek_last_error();

    if (tls->failed)
        return;
    tls->failed = true;
    tls->error = srf__tls_take_reason();
    if (ERR_GET_LIB(error) == ERR_LIB_SSL &&
        ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED)
        add_verdict(tls);
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
    clear_errors();
    return false;
}

void srf__tls_receive(srf__tls_t *tls, const char *data, size_t len)
{
    tls->in = srf__str(data, len);
    /* A client that says nothing gets none of the buffers of a handshake. */
    if (tls->failed || SSL_is_init_finished(tls->ssl) ||
        (len == 0 && SSL_is_server(tls->ssl)))
        return;
    clear_errors();
    (void)succeeded(tls, SSL_do_handshake(tls->ssl));
}

size_t srf__tls_read(srf__tls_t *tls, char *out, size_t cap)
{
    if (tls->failed || tls->closed || !SSL_is_init_finished(tls->ssl))
        return 0;
    clear_errors();
    size_t len = 0;
    return succeeded(tls, SSL_read_ex(tls->ssl, out, cap, &len)) ? len : 0;
}

/* All of it, for a program's context may allow that SSL_write() takes less. */
static int write_part(srf__tls_t *tls, srf__str_t part)
{
    size_t done;

    while (part.len > 0) {
        clear_errors();
        if (!succeeded(tls, SSL_write_ex(tls->ssl, part.p, part.len, &done))) {
            fail(tls);
            return SRF_ERR_TLS;
        }
        part = srf__str(part.p + done, part.len - done);
    }
    return 0;
}

int srf__tls_write(srf__tls_t *tls, const srf__str_t *parts, unsigned count)
{
    char together[RECORD_BYTES];
    size_t len = 0;
    int err = tls->failed ? SRF_ERR_TLS : 0;

    /* Each write makes a record: small parts share one. */
    for (unsigned i = 0; err == 0 && i < count; i++) {
        if (len + parts[i].len > sizeof(together)) {
            err = write_part(tls, srf__str(together, len));
            len = 0;
        }
        if (err == 0 && parts[i].len > sizeof(together)) {
            err = write_part(tls, parts[i]);
        } else if (err == 0 && parts[i].len > 0) {
            memcpy(together + len, parts[i].p, parts[i].len);
            len += parts[i].len;
        }
    }
    return err == 0 ? write_part(tls, srf__str(together, len)) : err;
}

void srf__tls_shutdown(srf__tls_t *tls)
{
    if (tls->failed || !SSL_is_init_finished(tls->ssl))
        return;
    tls->in = srf__str(NULL, 0); /* may be gone */
    clear_errors();
    (void)SSL_shutdown(tls->ssl);
    clear_errors();
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

bool srf__tls_peer(const srf__tls_t *tls, srf__arena_t *arena,
                   const srf_certificate_t **out)
{
    X509 *certificate = SSL_get0_peer_certificate(tls->ssl);

    *out = NULL;
    if (certificate == NULL || srf__tls_state(tls) == SRF__TLS_HANDSHAKE)
        return true;
    clear_errors();
    bool good = srf__tls_read_certificate(
        certificate, SSL_get_verify_result(tls->ssl), arena, out);
    clear_errors();
    return good;
}

bool srf__tls_has_partial(const srf__tls_t *tls)
{
    return SSL_has_pending(tls->ssl) == 1;
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
    if (tls->why != NULL)
        return tls->why;
    return tls->error == NULL ? "" : tls->error;
}
