/*
 * TLS for connections (RFC 3261 §26.3.1), by OpenSSL: settings made into
 * contexts, and a session per connection. Bytes in, bytes out; no I/O, no
 * clock.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TLS_SESSION_H
#define SRF_TLS_SESSION_H

#include "base/alloc.h"
#include "base/str.h"
#include "base/wheel.h"
#include "srf/tls.h"

#include <stdbool.h>

typedef struct srf__tls_context srf__tls_context_t;
typedef struct srf__tls srf__tls_t;

enum { SRF__TLS_WHY = 512 };

/* Makes a context; one reference is the caller's. 0; SRF_ERR_INVALID_ARGUMENT;
 * SRF_ERR_TLS when a file or a setting is not good: `why` says which and why;
 * SRF_ERR_NO_MEMORY. */
int srf__tls_context_create(const srf_tls_options_t *options,
                            srf__tls_context_t **out, char why[SRF__TLS_WHY]);
/* Reads the files again. Sessions that are there keep what they have; on
 * failure everything stays as it is. */
int srf__tls_context_reload(srf__tls_context_t *context,
                            char why[SRF__TLS_WHY]);
/* What is odd about the files that were read last, but no error; "" when
 * nothing is. Borrowed until they are read again. */
const char *srf__tls_context_warning(const srf__tls_context_t *context);
/* Gives the keys of tickets a wheel, by which their time passes. */
void srf__tls_context_set_wheel(srf__tls_context_t *context,
                                srf__wheel_t *wheel);
srf__tls_context_t *srf__tls_context_ref(srf__tls_context_t *context);
void srf__tls_context_unref(srf__tls_context_t *context);

typedef enum srf__tls_state {
    SRF__TLS_HANDSHAKE = 0,
    SRF__TLS_OPEN,
    SRF__TLS_CLOSED, /* the peer said good-bye */
    SRF__TLS_FAILED  /* see srf__tls_error() */
} srf__tls_state_t;

/* A session. `is_server`: we accepted the connection; else `name` is the domain
 * or the numeric host that the server must prove to be. 0; SRF_ERR_NO_MEMORY.
 */
int srf__tls_create(srf__tls_context_t *context, bool is_server,
                    srf__str_t name, srf__tls_t **out);
void srf__tls_destroy(srf__tls_t *tls);

/* The name of the server; empty when we are it. Borrowed as long as the
 * session. */
srf__str_t srf__tls_name(const srf__tls_t *tls);

/* Bytes from the network, borrowed until srf__tls_read() has returned 0; the
 * handshake begins with none. */
void srf__tls_receive(srf__tls_t *tls, const char *data, size_t len);
/* Reads what the peer says; 0 when there is no more for now. */
size_t srf__tls_read(srf__tls_t *tls, char *out, size_t cap);
/* Says something to the peer, once the state is SRF__TLS_OPEN. 0; SRF_ERR_TLS;
 * SRF_ERR_NO_MEMORY. */
int srf__tls_write(srf__tls_t *tls, const srf__str_t *parts, unsigned count);
/* Says good-bye. */
void srf__tls_shutdown(srf__tls_t *tls);

/* Bytes for the network, which the caller takes over, to free them with
 * srf__free(); NULL when there are none. */
char *srf__tls_take(srf__tls_t *tls, size_t *len);

/* The certificate that a peer has shown. *out is NULL when there is none; false
 * when memory is out. */
bool srf__tls_peer(const srf__tls_t *tls, srf__arena_t *arena,
                   const srf_certificate_t **out);

/* A record has begun that is not complete. */
bool srf__tls_has_partial(const srf__tls_t *tls);
srf__tls_state_t srf__tls_state(const srf__tls_t *tls);
/* Tells why it failed. Borrowed, valid as long as the session. */
const char *srf__tls_error(const srf__tls_t *tls);

#endif /* SRF_TLS_SESSION_H */
