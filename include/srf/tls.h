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

/** What is asked of clients, for srf_tls_options_t::client_certificate. Both
 * that ask for a certificate need srf_tls_options_t::ca_file: the system's list
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
 * earlier session, two hours long: after srf_reload_certificates() nobody can.
 * The keys of their tickets are made at random and change every two hours. A
 * private key that others may read is a warning in the log, as is a revocation
 * list that is too old; for its group it is none when root owns the file.
 * Strings and `certificates` are copied.
 */
typedef struct srf_tls_options {
    size_t size;                  /**< set by srf_tls_options_init() */
    const char *certificate_file; /**< PEM: the certificate, then its chain */
    const char *key_file;         /**< PEM, not encrypted; NULL: in
                                       certificate_file */
    const char *ca_file; /**< PEM: whom to trust; NULL: as the system does */
    /** More certificates. A client is shown the one whose subjectAltName has
     * the name that it asks for (SNI), exactly or, for browsers, by a wildcard;
     * else `certificate_file`. NULL: there are no more. */
    const srf_tls_certificate_t *certificates;
    size_t certificate_count; /**< how many `certificates` are */
    /** Cipher suites of TLS 1.2, as OpenSSL lists them; NULL: those with
     * forward secrecy and authenticated encryption alone (RFC 9325 §4.2). For
     * old telephones that have none of these, e.g. "DEFAULT", or
     * "ECDHE+AESGCM:AES128-SHA" for what RFC 3261 §26.2.1 asked for. */
    const char *ciphers;
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
    /** PEM: revocation lists; NULL: none is looked at. A certificate that is on
     * one is refused; so is every certificate whose issuer has no list there
     * that is in force: one that is too old is no reason to trust. Only the
     * peer's own certificate is looked for, not those of the authorities above
     * it. Read again by srf_reload_certificates(). */
    const char *crl_file;
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

/** A certificate that a peer has shown; see srf_req_peer_certificate(). */
typedef struct srf_certificate {
    size_t size;     /**< of this structure */
    const void *der; /**< as it came (X.509, DER) */
    size_t der_len;  /**< its length in bytes */
    /** The domains that it speaks for, NULL-terminated (RFC 5922 §7.1): of the
     * `sip:` URIs in subjectAltName, else the DNS names there, which may be
     * wildcards, else, when it has no subjectAltName, its common name. */
    const char *const *domains;
    const char *subject; /**< as RFC 2253 writes it, for people */
    const char *verdict; /**< what came of verifying it, "ok" or an error */
    /** Non-zero: it is good. It always is unless an `ssl_ctx` of the program's
     * lets others pass. */
    uint32_t verified;
    uint32_t reserved; /**< zero */
} srf_certificate_t;

#ifdef __cplusplus
}
#endif

#endif /* SRF_TLS_H */
