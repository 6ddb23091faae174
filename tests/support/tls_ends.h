/*
 * The two ends of a TLS connection in memory: sessions of ours, or of OpenSSL
 * as it is, which show what happened.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TEST_TLS_ENDS_H
#define SRF_TEST_TLS_ENDS_H

#include "assertions.h"
#include "base/alloc.h"
#include "transport/tls.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

typedef struct end {
    srf__tls_t *tls; /* ours; NULL: `raw` */
    SSL *raw;
    char *got; /* what the other end said */
    size_t got_len;
    size_t sent; /* bytes on the network */
} end_t;

static inline srf__tls_context_t *make_context(const srf_tls_options_t *options)
{
    srf__tls_context_t *context;
    char why[SRF__TLS_WHY];

    ck_assert_msg(srf__tls_context_create(options, &context, why) == 0, "%s",
                  why);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    return context;
}

static inline srf_tls_options_t make_options(const char *certificate_file,
                                             const char *ca_file)
{
    srf_tls_options_t options;

    srf_tls_options_init(&options);
    options.certificate_file = certificate_file;
    options.ca_file = ca_file;
    return options;
}

static inline end_t our_end(srf__tls_context_t *context, const char *name)
{
    end_t end = {0};

    ck_assert_int_eq(
        srf__tls_create(context, name == NULL, srf__str_of(name), &end.tls), 0);
    return end;
}

/* OpenSSL as it is, of this version; 0: any. */
static inline SSL_CTX *raw_ctx(int version)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());

    ck_assert_ptr_nonnull(ctx);
    ck_assert_int_eq(SSL_CTX_set_min_proto_version(ctx, version), 1);
    ck_assert_int_eq(SSL_CTX_set_max_proto_version(ctx, version), 1);
    return ctx;
}

static inline SSL_CTX *raw_server_ctx(int version, const char *file)
{
    SSL_CTX *ctx = raw_ctx(version);

    ck_assert_int_eq(SSL_CTX_use_certificate_chain_file(ctx, file), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(ctx, file, SSL_FILETYPE_PEM),
                     1);
    return ctx;
}

static inline end_t raw_end(SSL_CTX *ctx, bool is_server)
{
    end_t end = {.raw = SSL_new(ctx)};

    ck_assert_ptr_nonnull(end.raw);
    SSL_set_bio(end.raw, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    if (is_server)
        SSL_set_accept_state(end.raw);
    else
        SSL_set_connect_state(end.raw);
    return end;
}

static inline void end_close(end_t *end)
{
    srf__tls_destroy(end->tls);
    SSL_free(end->raw);
    free(end->got);
    memset(end, 0, sizeof(*end));
}

static inline void close_both(end_t *client, end_t *server)
{
    end_close(client);
    end_close(server);
}

static inline void end_add(end_t *end, const char *bytes, size_t len)
{
    end->got = realloc(end->got, end->got_len + len + 1);
    ck_assert_ptr_nonnull(end->got);
    memcpy(end->got + end->got_len, bytes, len);
    end->got_len += len;
    end->got[end->got_len] = '\0';
}

/* An error that somebody else has left must not count, and none of ours may be
 * left. */
static inline void our_receive(end_t *end, const char *bytes, size_t len)
{
    char plain[1000];
    size_t count;

    ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
    srf__tls_receive(end->tls, bytes, len);
    while ((count = srf__tls_read(end->tls, plain, sizeof(plain))) > 0)
        end_add(end, plain, count);
    if (srf__tls_state(end->tls) == SRF__TLS_OPEN)
        ck_assert_uint_eq(ERR_peek_error(), 0);
    ERR_clear_error();
}

static inline void end_receive(end_t *end, const char *bytes, size_t len)
{
    char plain[1000];
    int count;

    if (end->tls != NULL) {
        our_receive(end, bytes, len);
        return;
    }
    if (len > 0)
        ck_assert_int_eq(BIO_write(SSL_get_rbio(end->raw), bytes, (int)len),
                         (int)len);
    if (SSL_do_handshake(end->raw) == 1)
        while ((count = SSL_read(end->raw, plain, sizeof(plain))) > 0)
            end_add(end, plain, (size_t)count);
    ERR_clear_error();
}

/* What the end has for the network; srf__free() it. */
static inline char *end_take(end_t *end, size_t *len)
{
    char *bytes;

    *len = 0;
    if (end->tls != NULL) {
        bytes = srf__tls_take(end->tls, len);
    } else {
        *len = BIO_ctrl_pending(SSL_get_wbio(end->raw));
        bytes = *len == 0 ? NULL : srf__malloc(*len);
        if (bytes != NULL)
            ck_assert_int_eq(BIO_read(SSL_get_wbio(end->raw), bytes, (int)*len),
                             (int)*len);
    }
    end->sent += *len;
    return bytes;
}

/* True when there was something. It arrives in pieces of `step` bytes. */
static inline bool carry(end_t *from, end_t *to, size_t step)
{
    size_t len;
    char *bytes = end_take(from, &len);

    for (size_t at = 0; at < len; at += step)
        end_receive(to, bytes + at, len - at < step ? len - at : step);
    srf__free(bytes);
    return bytes != NULL;
}

static inline void pump(end_t *client, end_t *server)
{
    while (carry(client, server, 4096) || carry(server, client, 4096))
        ;
}

/* The handshake, as far as it gets. */
static inline void greet(end_t *client, end_t *server)
{
    end_receive(server, NULL, 0);
    end_receive(client, NULL, 0);
    pump(client, server);
}

static inline void end_say(end_t *end, const char *text)
{
    const srf__str_t part = srf__str_of(text);

    if (end->tls != NULL)
        ck_assert_int_eq(srf__tls_write(end->tls, &part, 1), 0);
    else
        ck_assert_int_eq(SSL_write(end->raw, part.p, (int)part.len),
                         (int)part.len);
}

static inline void expect_state(const end_t *end, srf__tls_state_t state)
{
    ck_assert_msg(srf__tls_state(end->tls) == state, "state %d: %s",
                  (int)srf__tls_state(end->tls), srf__tls_error(end->tls));
}

static inline void expect_failure(const end_t *end, const char *why)
{
    expect_state(end, SRF__TLS_FAILED);
    ck_assert_msg(strstr(srf__tls_error(end->tls), why) != NULL,
                  "'%s' expected in '%s'", why, srf__tls_error(end->tls));
}

/* Both can talk. */
static inline void expect_talk(end_t *client, end_t *server)
{
    size_t client_had = client->got_len;
    size_t server_had = server->got_len;

    end_say(client, "ping");
    pump(client, server);
    end_say(server, "pong");
    pump(client, server);
    ck_assert_uint_eq(server->got_len, server_had + 4);
    ck_assert_uint_eq(client->got_len, client_had + 4);
    ck_assert_str_eq(server->got + server_had, "ping");
    ck_assert_str_eq(client->got + client_had, "pong");
}

#endif /* SRF_TEST_TLS_ENDS_H */
