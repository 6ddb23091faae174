/*
 * TLS contexts: the files they are made of, whose certificates are accepted,
 * and which are shown.
 *
 * SPDX-License-Identifier: MIT
 */
#include "certificates.h"
#include "runner.h"
#include "srf/srf.h"
#include "tls_ends.h"
#include "transport/tls_context.h"

#include <stdio.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

static authority_t *authority;
static const char *ca_file;
static const char *other_ca_file;
static const char *good_file; /* a.test */
static const char *shown_file;

static void write_certificate(const char *file, const char *names)
{
    certificate_write(authority, file, &(certificate_spec_t){.names = names});
}

/* Files that are not what they should be. */
static void write_text(const char *name, const char *text)
{
    FILE *out = fopen(certificates_path(name), "w");

    ck_assert_ptr_nonnull(out);
    ck_assert_int_ge(fputs(text, out), 0);
    ck_assert_int_eq(fclose(out), 0);
}

static void write_broken(void)
{
    EVP_PKEY *rsa = EVP_RSA_gen(512); /* any: it is not to fit */

    write_text("empty", "");
    write_text("junk", "-----BEGIN CERTIFICATE-----\nAAAA\n"
                       "-----END CERTIFICATE-----\n");
    write_certificate(certificates_path("other"), "DNS:a.test");
    certificate_split(good_file, certificates_path("cert"),
                      certificates_path("secret"), "secret");
    certificate_split(good_file, certificates_path("cert"),
                      certificates_path("key"), NULL);
    certificate_split(certificates_path("other"),
                      certificates_path("other-cert"),
                      certificates_path("other-key"), NULL);
    FILE *out = fopen(certificates_path("rsa-key"), "w");
    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(PEM_write_PrivateKey(out, rsa, NULL, NULL, 0, NULL, NULL),
                     1);
    ck_assert_int_eq(fclose(out), 0);
    EVP_PKEY_free(rsa);
}

/* Once, for all tests. */
static void make_files(void)
{
    ca_file = strdup(certificates_path("ca.pem"));
    other_ca_file = strdup(certificates_path("other.pem"));
    good_file = strdup(certificates_path("good.pem"));
    shown_file = strdup(certificates_path("shown.pem"));
    authority = authority_create(ca_file);
    certificate_write(
        authority, other_ca_file,
        &(certificate_spec_t){.common_name = "other", .self_signed = true});
    write_certificate(good_file, "DNS:a.test");
    write_broken();
}

static srf__tls_context_t *simple_context(const char *file)
{
    const srf_tls_options_t options = make_options(file, ca_file);

    return make_context(&options);
}

/* What a client with these settings comes to at a server that shows `file`. */
static end_t connect_to(const char *file, const srf_tls_options_t *options,
                        const char *name)
{
    srf__tls_context_t *server_context = simple_context(file);
    srf__tls_context_t *client_context = make_context(options);
    end_t server = our_end(server_context, NULL);
    end_t client = our_end(client_context, name);

    greet(&client, &server);
    if (srf__tls_state(client.tls) == SRF__TLS_OPEN) {
        expect_talk(&client, &server);
    } else {
        expect_state(&server, SRF__TLS_FAILED);
        ck_assert_ptr_nonnull(strstr(srf__tls_error(server.tls), "alert"));
    }
    end_close(&server);
    srf__tls_context_unref(server_context);
    srf__tls_context_unref(client_context);
    return client;
}

/* ---- who a server is, RFC 5922 §7 ---- */

static const struct {
    const char *names;
    const char *common_name;
    const char *host;
    bool good;
} identities[] = {
    {"DNS:a.test", NULL, "a.test", true},
    {"DNS:a.test", NULL, "A.Test", true},
    {"DNS:A.TEST", NULL, "a.test", true},
    {"DNS:a.test", NULL, "a.test.", true},
    {"DNS:b.test,DNS:a.test", NULL, "a.test", true},
    {"DNS:a.test", NULL, "b.test", false},
    {"DNS:a.test", NULL, "x.a.test", false},
    {"DNS:a.test", NULL, "test", false},
    {"DNS:*.test", NULL, "a.test", false},
    {"DNS:a*.test", NULL, "a.test", false},
    {"URI:sip:a.test", NULL, "a.test", true},
    {"URI:SIP:A.TEST", NULL, "a.test", true},
    {"URI:sip:b.test,URI:sip:a.test", NULL, "a.test", true},
    {"URI:sip:a.test,DNS:b.test", NULL, "b.test", false},
    {"DNS:b.test,URI:sip:a.test", NULL, "b.test", false},
    {"DNS:a.test,URI:sip:a.test,DNS:c.test", NULL, "a.test", true},
    {"URI:sip:x@a.test", NULL, "a.test", false},
    {"URI:sip:x@b.test,DNS:a.test", NULL, "a.test", true},
    {"URI:sips:a.test", NULL, "a.test", false},
    {"URI:sips:b.test,DNS:a.test", NULL, "a.test", true},
    {"URI:https://a.test", NULL, "a.test", false},
    {"URI:https://b.test,DNS:a.test", NULL, "a.test", true},
    {"URI:sip:a.test,IP:192.0.2.1", NULL, "192.0.2.1", true},
    {"IP:192.0.2.1,URI:sip:a.test", NULL, "192.0.2.1", true},
    {"IP:192.0.2.1,URI:sip:a.test", NULL, "a.test", true},
    {"IP:192.0.2.1", NULL, "192.0.2.1", true},
    {"IP:192.0.2.1", NULL, "192.0.2.2", false},
    {"IP:192.0.2.1", NULL, "a.test", false},
    {"IP:2001:db8::1", NULL, "[2001:DB8:0::1]", true},
    {"IP:2001:db8::1", NULL, "2001:db8::1", true},
    {"IP:2001:db8::1", NULL, "[2001:db8::2]", false},
    {"DNS:192.0.2.1", NULL, "192.0.2.1", false},
    {"email:x@a.test", "a.test", "a.test", false},
    {"DNS:b.test", "a.test", "a.test", false},
    {NULL, "a.test", "a.test", true},
    {NULL, "A.test", "a.test", true},
    {NULL, "*.test", "a.test", false},
    {NULL, "b.test", "a.test", false},
    {NULL, "192.0.2.1", "192.0.2.1", false},
    {NULL, NULL, "a.test", false},
};

START_TEST(server_is_who_its_certificate_says)
{
    const srf_tls_options_t options = make_options(good_file, ca_file);
    char why[100];

    certificate_write(
        authority, shown_file,
        &(certificate_spec_t){.names = identities[_i].names,
                              .common_name = identities[_i].common_name});
    end_t client = connect_to(shown_file, &options, identities[_i].host);
    sprintf(why, "certificate verify failed: hostname mismatch with %s",
            identities[_i].host);
    if (identities[_i].good)
        expect_state(&client, SRF__TLS_OPEN);
    else
        expect_failure(&client, why);
    end_close(&client);
}
END_TEST

/* A subjectAltName that cannot be read is one all the same. */
START_TEST(common_name_does_not_stand_in_for_names_that_are_broken)
{
    X509 *certificate = X509_new();
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();

    ck_assert_int_eq(X509_NAME_add_entry_by_txt(
                         X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                         (const unsigned char *)"a.test", -1, -1, 0),
                     1);
    ck_assert(srf__tls_speaks_for(certificate, SRF__STR("a.test")));
    ck_assert_int_eq(
        ASN1_OCTET_STRING_set(value, (const unsigned char *)"?", 1), 1);
    X509_EXTENSION *extension =
        X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, value);
    ck_assert_int_eq(X509_add_ext(certificate, extension, -1), 1);
    ck_assert(!srf__tls_speaks_for(certificate, SRF__STR("a.test")));
    ck_assert(!srf__tls_speaks_for(certificate, SRF__STR("192.0.2.1")));
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    X509_free(certificate);
    ERR_clear_error();
}
END_TEST

START_TEST(name_with_a_zero_in_it_is_another)
{
    X509 *certificate = X509_new();
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();

    ck_assert_int_eq(ASN1_STRING_set(text, "a.test\0.evil", 12), 1);
    GENERAL_NAME_set0_value(name, GEN_DNS, text);
    ck_assert_int_gt(sk_GENERAL_NAME_push(names, name), 0);
    ck_assert_int_eq(
        X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0), 1);
    ck_assert(!srf__tls_speaks_for(certificate, SRF__STR("a.test")));
    GENERAL_NAMES_free(names);
    X509_free(certificate);
}
END_TEST

/* ---- whom to trust ---- */

static const struct {
    certificate_spec_t spec;
    bool other_ca;
    const char *why; /* NULL: it is good */
} chains[] = {
    {{NULL, "DNS:a.test", false, false}, false, NULL},
    {{NULL, "DNS:a.test", true, false}, false, "certificate has expired"},
    {{NULL, "DNS:a.test", false, true}, false, "self-signed certificate"},
    {{NULL, "DNS:a.test", false, false},
     true,
     "unable to get local issuer certificate"},
    {{NULL, "DNS:b.test", false, false}, false, "hostname mismatch"},
};

START_TEST(server_has_to_be_trusted)
{
    srf_tls_options_t options =
        make_options(good_file, chains[_i].other_ca ? other_ca_file : ca_file);

    certificate_write(authority, shown_file, &chains[_i].spec);
    end_t client = connect_to(shown_file, &options, "a.test");
    if (chains[_i].why == NULL)
        expect_state(&client, SRF__TLS_OPEN);
    else
        expect_failure(&client, chains[_i].why);
    end_close(&client);
}
END_TEST

START_TEST(server_may_be_anyone_when_that_is_asked_for)
{
    srf_tls_options_t options =
        make_options(good_file, chains[_i].other_ca ? other_ca_file : ca_file);

    options.insecure = 1;
    certificate_write(authority, shown_file, &chains[_i].spec);
    end_t client = connect_to(shown_file, &options, "a.test");
    expect_state(&client, SRF__TLS_OPEN);
    end_close(&client);
}
END_TEST

/* The file is shown as it is, with the certificates between. */
START_TEST(chain_of_the_certificate_is_shown)
{
    const srf_tls_options_t options = make_options(good_file, ca_file);
    const char *between = certificates_path("between.pem");
    authority_t *below = authority_create_below(authority, between);

    certificate_write(below, shown_file,
                      &(certificate_spec_t){.names = "DNS:a.test"});
    end_t client = connect_to(shown_file, &options, "a.test");
    expect_failure(&client, "unable to get local issuer certificate");
    end_close(&client);
    certificate_append(shown_file, between);
    client = connect_to(shown_file, &options, "a.test");
    expect_state(&client, SRF__TLS_OPEN);
    end_close(&client);
    authority_free(below);
}
END_TEST

/* What is wrong with a connection is not what was let pass before. */
START_TEST(error_is_not_what_was_let_pass)
{
    srf_tls_options_t options = make_options(good_file, other_ca_file);
    static const char evil[] = "\x17\x03\x03\x00\x14????????????????????";

    options.insecure = 1;
    end_t client = connect_to(good_file, &options, "a.test");
    end_receive(&client, evil, sizeof(evil) - 1);
    expect_failure(&client, "bad record mac");
    ck_assert_ptr_null(strstr(srf__tls_error(client.tls), "certificate"));
    end_close(&client);
}
END_TEST

START_TEST(system_is_trusted_when_no_file_is_given)
{
    const srf_tls_options_t options = make_options(good_file, NULL);
    end_t client = connect_to(good_file, &options, "a.test");

    expect_failure(&client, "unable to get local issuer certificate");
    end_close(&client);
}
END_TEST

/* ---- certificates of clients ---- */

static const struct {
    uint32_t asked;
    const char *shown; /* "": none; "other": of an authority that is not ours */
    const char *why;   /* NULL: it is good */
} clients[] = {
    {SRF_TLS_CLIENT_NONE, "", NULL},
    {SRF_TLS_CLIENT_NONE, "other", NULL},
    {SRF_TLS_CLIENT_OPTIONAL, "", NULL},
    {SRF_TLS_CLIENT_OPTIONAL, "good", NULL},
    {SRF_TLS_CLIENT_OPTIONAL, "other",
     "certificate verify failed: self-signed certificate"},
    {SRF_TLS_CLIENT_REQUIRED, "", "peer did not return a certificate"},
    {SRF_TLS_CLIENT_REQUIRED, "good", NULL},
    {SRF_TLS_CLIENT_REQUIRED, "other",
     "certificate verify failed: self-signed certificate"},
};

static SSL_CTX *client_ctx(const char *shown)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    const char *file = shown[0] == 'g' ? good_file : shown_file;

    ck_assert_ptr_nonnull(ctx);
    certificate_write(
        authority, shown_file,
        &(certificate_spec_t){.names = "DNS:a.test", .self_signed = true});
    if (shown[0] == '\0')
        return ctx;
    ck_assert_int_eq(SSL_CTX_use_certificate_chain_file(ctx, file), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(ctx, file, SSL_FILETYPE_PEM),
                     1);
    return ctx;
}

START_TEST(client_shows_what_it_is_asked_for)
{
    srf_tls_options_t options = make_options(good_file, ca_file);
    SSL_CTX *ctx = client_ctx(clients[_i].shown);

    options.client_certificate = clients[_i].asked;
    srf__tls_context_t *context = make_context(&options);
    end_t server = our_end(context, NULL);
    end_t client = raw_end(ctx, false);
    greet(&client, &server);
    if (clients[_i].why == NULL)
        expect_talk(&client, &server);
    else
        expect_failure(&server, clients[_i].why);
    end_close(&client);
    end_close(&server);
    srf__tls_context_unref(context);
    SSL_CTX_free(ctx);
}
END_TEST

START_TEST(our_certificate_is_shown_to_servers_that_ask)
{
    srf_tls_options_t options = make_options(good_file, ca_file);

    options.client_certificate = SRF_TLS_CLIENT_REQUIRED;
    srf__tls_context_t *context = make_context(&options);
    end_t server = our_end(context, NULL);
    end_t client = our_end(context, "a.test");
    greet(&client, &server);
    expect_talk(&client, &server);
    end_close(&client);
    end_close(&server);
    srf__tls_context_unref(context);
}
END_TEST

/* ---- which certificate is shown ---- */

/* The common name of what a client sees that asks for `name`. */
static void expect_shown(srf__tls_context_t *context, const char *name,
                         const char *want)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    char asked[64]; /* OpenSSL's macro casts const away */
    char got[64];

    ck_assert_ptr_nonnull(ctx);
    end_t server = our_end(context, NULL);
    end_t client = raw_end(ctx, false);
    (void)snprintf(asked, sizeof(asked), "%s", name == NULL ? "" : name);
    if (name != NULL)
        ck_assert_int_eq(SSL_set_tlsext_host_name(client.raw, asked), 1);
    greet(&client, &server);
    expect_talk(&client, &server);
    X509 *shown = SSL_get0_peer_certificate(client.raw);
    ck_assert_int_gt(X509_NAME_get_text_by_NID(X509_get_subject_name(shown),
                                               NID_commonName, got,
                                               sizeof(got)),
                     0);
    ck_assert_str_eq(got, want);
    end_close(&client);
    end_close(&server);
    SSL_CTX_free(ctx);
}

static const struct {
    const char *name;
    const char *names;
} shelf[] = {
    {"default", "DNS:a.test"},   {"wildcard", "DNS:*.w.test"},
    {"exact", "DNS:c.w.test"},   {"uri", "URI:sip:d.test"},
    {"both", "DNS:e.x,DNS:f.x"},
};
enum { SHELF = sizeof(shelf) / sizeof(*shelf) };

static const struct {
    const char *asked;
    const char *shown;
} asked[] = {
    {NULL, "default"},         {"a.test", "default"}, {"A.TEST", "default"},
    {"c.w.test", "exact"},     {"d.test", "uri"},     {"b.w.test", "wildcard"},
    {"x.b.w.test", "default"}, {"f.x", "both"},       {"g.x", "default"},
};

START_TEST(client_is_shown_the_certificate_it_asks_for)
{
    srf_tls_options_t options;
    srf_tls_certificate_t more[SHELF - 1] = {0};
    const char *file;

    for (unsigned i = 0; i < SHELF; i++) {
        file = certificates_path(shelf[i].name);
        certificate_write(authority, file,
                          &(certificate_spec_t){.common_name = shelf[i].name,
                                                .names = shelf[i].names});
        if (i == 0)
            options = make_options(file, NULL);
        else
            more[i - 1].certificate_file = file;
    }
    options.certificates = more;
    options.certificate_count = SHELF - 1;
    srf__tls_context_t *context = make_context(&options);
    memset(more, 0, sizeof(more)); /* they were copied */
    for (unsigned i = 0; i < sizeof(asked) / sizeof(*asked); i++)
        expect_shown(context, asked[i].asked, asked[i].shown);
    srf__tls_context_unref(context);
}
END_TEST

/* ---- files that are read again ---- */

static void write_named(const char *common_name)
{
    certificate_write(authority, shown_file,
                      &(certificate_spec_t){.common_name = common_name,
                                            .names = "DNS:a.test"});
}

START_TEST(reload_is_for_new_sessions)
{
    char why[SRF__TLS_WHY];

    write_named("old");
    srf__tls_context_t *context = simple_context(shown_file);
    end_t server = our_end(context, NULL);
    end_t client = our_end(context, "a.test");
    end_t late_server = our_end(context, NULL);
    end_t late_client = our_end(context, "a.test");
    greet(&client, &server);
    write_named("new");
    expect_shown(context, NULL, "old");
    ck_assert_int_eq(srf__tls_context_reload(context, why), 0);
    expect_shown(context, NULL, "new");
    expect_shown(context, "a.test", "new");
    expect_talk(&client, &server);
    greet(&late_client, &late_server);
    expect_talk(&late_client, &late_server);
    srf__tls_context_unref(context);
    expect_talk(&client, &server);
    end_close(&client);
    end_close(&server);
    end_close(&late_client);
    end_close(&late_server);
}
END_TEST

START_TEST(reload_that_fails_changes_nothing)
{
    char why[SRF__TLS_WHY];

    write_named("old");
    srf__tls_context_t *context = simple_context(shown_file);
    ck_assert_int_eq(unlink(shown_file), 0);
    ck_assert_int_eq(srf__tls_context_reload(context, why), SRF_ERR_TLS);
    ck_assert_ptr_nonnull(strstr(why, "no such file or directory"));
    ck_assert_uint_eq(ERR_peek_error(), 0);
    expect_shown(context, NULL, "old");
    write_named("new");
    ck_assert_int_eq(srf__tls_context_reload(context, why), 0);
    ck_assert_str_eq(why, "");
    expect_shown(context, NULL, "new");
    srf__tls_context_unref(context);
}
END_TEST

/* ---- settings that are not good ---- */

static const struct {
    const char *certificate;
    const char *key;
    const char *ca;
    const char *ciphers;
    const char *more;
    const char *why; /* %s: the directory */
} broken[] = {
    {NULL, NULL, NULL, NULL, NULL, "TLS: no certificate is given"},
    {"none", NULL, NULL, NULL, NULL,
     "cannot use certificate '%s/none': no such file or directory"},
    {"empty", NULL, NULL, NULL, NULL,
     "cannot use certificate '%s/empty': no start line"},
    {"junk", NULL, NULL, NULL, NULL, "cannot use certificate '%s/junk': "},
    {"key", NULL, NULL, NULL, NULL,
     "cannot use certificate '%s/key': no start line"},
    {"cert", NULL, NULL, NULL, NULL, "cannot use key '%s/cert': unsupported"},
    {"cert", "none", NULL, NULL, NULL,
     "cannot use key '%s/none': no such file or directory"},
    {"cert", "secret", NULL, NULL, NULL,
     "cannot use key '%s/secret': problems getting password"},
    {"cert", "other-key", NULL, NULL, NULL,
     "cannot use key '%s/other-key': key values mismatch"},
    {"cert", "rsa-key", NULL, NULL, NULL,
     "cannot use key '%s/rsa-key': it does not fit the certificate"},
    {"cert", "key", "none", NULL, NULL,
     "cannot use CA certificates '%s/none': no such file or directory"},
    {"cert", "key", "empty", NULL, NULL,
     "cannot use CA certificates '%s/empty': no certificate"},
    {"cert", "key", NULL, "nonsense", NULL,
     "cannot use ciphers 'nonsense': no cipher match"},
    {"cert", "key", NULL, NULL, "none",
     "cannot use certificate '%s/none': no such file or directory"},
};

static const char *path_or_null(const char *name)
{
    return name == NULL ? NULL : certificates_path(name);
}

START_TEST(file_that_cannot_be_used_is_named)
{
    srf_tls_options_t options = make_options(
        path_or_null(broken[_i].certificate), path_or_null(broken[_i].ca));
    srf_tls_certificate_t more = {path_or_null(broken[_i].more), NULL};
    srf__tls_context_t *context;
    char why[SRF__TLS_WHY];
    char want[SRF__TLS_WHY];

    options.key_file = path_or_null(broken[_i].key);
    options.ciphers = broken[_i].ciphers;
    options.certificates = &more;
    options.certificate_count = broken[_i].more != NULL;
    ck_assert_int_eq(srf__tls_context_create(&options, &context, why),
                     SRF_ERR_TLS);
    ck_assert_ptr_null(context);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    const char *at = strstr(broken[_i].why, "%s");
    if (at == NULL)
        strcpy(want, broken[_i].why);
    else
        sprintf(want, "%.*s%s%s", (int)(at - broken[_i].why), broken[_i].why,
                certificates_directory(), at + 2);
    ck_assert_msg(strncmp(why, want, strlen(want)) == 0,
                  "'%s' expected instead of '%s'", want, why);
}
END_TEST

START_TEST(keys_may_have_files_of_their_own)
{
    srf_tls_options_t options =
        make_options(certificates_path("cert"), ca_file);

    options.key_file = certificates_path("key");
    options.ciphers = "ECDHE+AESGCM";
    srf__tls_context_unref(make_context(&options));
}
END_TEST

START_TEST(settings_that_make_no_sense_are_refused)
{
    srf_tls_options_t options[5];
    srf_tls_certificate_t none = {NULL, NULL};
    srf__tls_context_t *context;
    char why[SRF__TLS_WHY];

    for (unsigned i = 0; i < 5; i++)
        options[i] = make_options(good_file, ca_file);
    options[0].min_version = 2;
    options[1].client_certificate = 3;
    options[2].certificate_count = 1;
    options[3].certificate_count = 1;
    options[3].certificates = &none;
    options[4].size = 1;
    for (unsigned i = 0; i < 5; i++)
        ck_assert_int_eq(srf__tls_context_create(&options[i], &context, why),
                         SRF_ERR_INVALID_ARGUMENT);
    ck_assert_int_eq(srf__tls_context_create(NULL, &context, why), SRF_ERR_TLS);
}
END_TEST

/* Any client that has a certificate of any authority would be good. */
START_TEST(clients_are_not_measured_by_the_list_of_the_system)
{
    srf_tls_options_t options = make_options(good_file, NULL);
    srf__tls_context_t *context;
    char why[SRF__TLS_WHY];

    options.client_certificate =
        _i == 0 ? SRF_TLS_CLIENT_OPTIONAL : SRF_TLS_CLIENT_REQUIRED;
    ck_assert_int_eq(srf__tls_context_create(&options, &context, why),
                     SRF_ERR_INVALID_ARGUMENT);
    ck_assert_ptr_null(context);
    ck_assert_str_eq(why,
                     "client certificates: no ca_file says whose are good");
    options.ca_file = ca_file;
    srf__tls_context_unref(make_context(&options));
    options.client_certificate = SRF_TLS_CLIENT_NONE;
    options.ca_file = NULL;
    srf__tls_context_unref(make_context(&options));
}
END_TEST

static void add_peers(TCase *tcase)
{
    int count = sizeof(chains) / sizeof(*chains);

    tcase_add_loop_test(tcase, server_is_who_its_certificate_says, 0,
                        sizeof(identities) / sizeof(*identities));
    tcase_add_test(tcase,
                   common_name_does_not_stand_in_for_names_that_are_broken);
    tcase_add_test(tcase, name_with_a_zero_in_it_is_another);
    tcase_add_loop_test(tcase, server_has_to_be_trusted, 0, count);
    tcase_add_loop_test(tcase, server_may_be_anyone_when_that_is_asked_for, 0,
                        count);
    tcase_add_test(tcase, chain_of_the_certificate_is_shown);
    tcase_add_test(tcase, error_is_not_what_was_let_pass);
    tcase_add_test(tcase, system_is_trusted_when_no_file_is_given);
    tcase_add_loop_test(tcase, client_shows_what_it_is_asked_for, 0,
                        sizeof(clients) / sizeof(*clients));
    tcase_add_test(tcase, our_certificate_is_shown_to_servers_that_ask);
}

static Suite *suite(void)
{
    Suite *suite = suite_create("tls_certificates");
    TCase *tcase = tcase_create("certificates");

    tcase_add_unchecked_fixture(tcase, make_files, NULL);
    tcase_set_timeout(tcase, 30);
    add_peers(tcase);
    tcase_add_test(tcase, client_is_shown_the_certificate_it_asks_for);
    tcase_add_test(tcase, reload_is_for_new_sessions);
    tcase_add_test(tcase, reload_that_fails_changes_nothing);
    tcase_add_loop_test(tcase, file_that_cannot_be_used_is_named, 0,
                        sizeof(broken) / sizeof(*broken));
    tcase_add_test(tcase, keys_may_have_files_of_their_own);
    tcase_add_test(tcase, settings_that_make_no_sense_are_refused);
    tcase_add_loop_test(
        tcase, clients_are_not_measured_by_the_list_of_the_system, 0, 2);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(suite());
}
