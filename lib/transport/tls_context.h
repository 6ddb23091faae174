/*
 * What a TLS session needs of its context (RFC 3261 §26.3.1).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TLS_CONTEXT_H
#define SRF_TLS_CONTEXT_H

#include "base/alloc.h"
#include "base/wheel.h"
#include "transport/tls.h"

#include <openssl/ssl.h>

SSL_CTX *srf__tls_server_ctx(const srf__tls_context_t *context);
SSL_CTX *srf__tls_client_ctx(const srf__tls_context_t *context);
/* Tells whether servers have to prove who they are. */
bool srf__tls_verifies(const srf__tls_context_t *context);

/* The session to go on with at a server of this name; NULL when there is none.
 * Borrowed until the next call. */
SSL_SESSION *srf__tls_recall(const srf__tls_context_t *context,
                             srf__str_t name);
/* Keeps one in place of an earlier one. Its reference is transferred, unless
 * this gives false. */
bool srf__tls_remember(srf__tls_context_t *context, srf__str_t name,
                       SSL_SESSION *session);

/* tls.c: OpenSSL has a session to be resumed; 1 when it was kept. */
int srf__tls_new_session(SSL *ssl, SSL_SESSION *session);
/* tls.c: how OpenSSL reads and writes through a session; the context's. */
BIO_METHOD *srf__tls_network(void);
BIO_METHOD *srf__tls_method(const srf__tls_context_t *context);

/* tls_tickets.c: a ticket is good for that long, and so are the keys that new
 * ones are made with; each key opens old ones once as long again (RFC 5077
 * §5.5). */
enum { SRF__TICKET_MS = 7200000 };

typedef struct srf__ticket_key {
    unsigned char name[16];
    unsigned char cipher[32];
    unsigned char mac[32];
    uint64_t made_ms;
    bool good;
} srf__ticket_key_t;

/* One filled with zeros is valid. */
typedef struct srf__tickets {
    srf__wheel_t *wheel; /* NULL: no time passes */
    srf__ticket_key_t keys[2];
} srf__tickets_t;

/* The tickets of a server's context, for as long as that lives. */
void srf__tickets_serve(srf__tickets_t *tickets, SSL_CTX *ctx);
/* Forgets the keys: nobody goes on with the session that he had. */
void srf__tickets_forget(srf__tickets_t *tickets);

/* tls_peer.c: a certificate as a program sees it. False when memory is out. */
bool srf__tls_read_certificate(X509 *certificate, long verdict,
                               srf__arena_t *arena,
                               const srf_certificate_t **out);
/* tls_identity.c: the domains that a certificate speaks for, NULL-terminated,
 * as RFC 5922 §7.1 has it. False when memory is out. */
bool srf__tls_domains(const X509 *certificate, srf__arena_t *arena,
                      const char *const **out);
/* tls_identity.c: the certificate names this domain or numeric host, as RFC
 * 5922 §7 has it. */
bool srf__tls_speaks_for(const X509 *certificate, srf__str_t host);

/* The reason that OpenSSL gives for its last error, which is taken out of its
 * queue with all others. */
const char *srf__tls_take_reason(void);

#endif /* SRF_TLS_CONTEXT_H */
