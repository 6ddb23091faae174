/*
 * A client and a server of ours that know each other's authority: fixtures for
 * tests of TLS sessions.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TEST_TLS_PAIR_H
#define SRF_TEST_TLS_PAIR_H

#include "certificates.h"
#include "tls_ends.h"

static const char *ca_file;
static const char *server_file; /* a.test and b.test */
static const char *client_file;

static srf__tls_context_t *server_context;
static srf__tls_context_t *client_context;

/* Once, for all tests. */
static inline void pair_files(void)
{
    ca_file = certificates_path("ca.pem");
    server_file = certificates_path("server.pem");
    client_file = certificates_path("client.pem");
    authority_t *authority = authority_create(ca_file);
    certificate_write(authority, server_file,
                      &(certificate_spec_t){.names = "DNS:a.test,DNS:b.test"});
    certificate_write(authority, client_file,
                      &(certificate_spec_t){.names = "DNS:client.test"});
    authority_free(authority);
}

static inline void pair_setup(void)
{
    srf_tls_options_t options = make_options(server_file, ca_file);

    server_context = make_context(&options);
    options.certificate_file = client_file;
    client_context = make_context(&options);
}

static inline void pair_teardown(void)
{
    srf__tls_context_unref(server_context);
    srf__tls_context_unref(client_context);
}

static inline void pair_fixtures(TCase *tcase)
{
    tcase_add_unchecked_fixture(tcase, pair_files, NULL);
    tcase_add_checked_fixture(tcase, pair_setup, pair_teardown);
}

#endif /* SRF_TEST_TLS_PAIR_H */
