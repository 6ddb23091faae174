/*
 * libsrf: TLS settings of a listener.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TLS_H
#define SRF_TLS_H

#include <srf/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ssl_ctx_st;

/** Oldest version of TLS, for srf_tls_options_t::min_version. */
typedef enum srf_tls_version {
    SRF_TLS_1_2 = 0, /**< the default */
    SRF_TLS_1_3 = 1
} srf_tls_version_t;

/** What is asked of clients, for srf_tls_options_t::client_certificate. Both that
 * ask for a certificate need srf_tls_options_t::ca_file: the system's list
 * trusts authorities that certify everybody. */
typedef enum srf_tls_client {
    SRF_TLS_CLIENT_NONE = 0, /**< no certificate is asked for */
    /** One that is shown must be good; a client may have none. */
    SRF_TLS_CLIENT_OPTIONAL = 1,
    SRF_TLS_CLIENT_REQUIRED = 2 /**< without a good one: no connection */
} srf_tls_client_t;

/** A certificate beside the first, for clients that ask for its name. */
typedef struct srf_tls_certificate {
    const char *certificate_file; /**< PEM: the certificate, then its chain */
    const char *key_file;         /**< PEM, not encrypted; NULL: in
                                       certificate_file */
} srf_tls_certificate_t;

/**
 * TLS settings of a listener. Initialise with srf_tls_options_init().
 *
 * They hold for connections in both directions: the certificate is shown to
 * clients, and to servers that ask for one. Servers are verified: their
 * certificate must be trusted, and name the domain the request is for (RFC 5922
 * §7): by a subjectAltName that is a `sip:` URI, else by one that is a DNS
 * name, without wildcards, else, if it has no subjectAltName, by its common
 * name; for a numeric host by a subjectAltName that is an IP address. Clients
 * may offer the protocols (ALPN) "sip/2" and "http/1.1", and go on with an
 * earlier session. Strings and `certificates` are copied.
 */
typedef struct srf_tls_options {
    size_t size;                  /**< set by srf_tls_options_init() */
    const char *certificate_file; /**< PEM: the certificate, then its chain */
    const char *key_file;         /**< PEM, not encrypted; NULL: in
                                       certificate_file */
    const char *ca_file; /**< PEM: whom to trust; NULL: as the system does */
    /** More certificates: the one is shown whose subjectAltName has the name a
     * client asks for (SNI), exactly or, for browsers, by a wildcard, else the
     * first. `certificate_count` of them. */
    const srf_tls_certificate_t *certificates;
    size_t certificate_count;
    const char *ciphers; /**< of TLS 1.2, as OpenSSL lists them; NULL: its own
                              choice */
    /** The program's own SSL_CTX, of TLS_method() for it serves both
     * directions, in place of everything else here but `insecure`. Servers are
     * verified as said above by what it trusts; it is not asked to judge them
     * itself. Referenced. */
    struct ssl_ctx_st *ssl_ctx;
    uint32_t min_version;        /**< a ::srf_tls_version_t */
    uint32_t client_certificate; /**< a ::srf_tls_client_t */
    /** Non-zero: servers are not verified. Whoever is between us and them can
     * read and change everything. */
    uint32_t insecure;
    uint32_t reserved; /**< zero */
} srf_tls_options_t;

/**
 * Fills in the size and sets every default.
 *
 * @param options  structure to initialise. Borrowed.
 * @since 0.1
 */
static inline void srf_tls_options_init(srf_tls_options_t *options)
{
    memset(options, 0, sizeof(*options));
    options->size = sizeof(*options);
}

#ifdef __cplusplus
}
#endif

#endif /* SRF_TLS_H */
