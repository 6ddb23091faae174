/*
 * Certificates for tests.
 *
 * SPDX-License-Identifier: MIT
 */
#include "certificates.h"

#include "assertions.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum { PATH_BYTES = 300, PATHS = 8, DAY_S = 24 * 3600 };

static char directory[] = "/tmp/srf-test-XXXXXX";
static pid_t owner;

/* Tests run in processes of their own, which end before their parent. */
static void remove_directory(void)
{
    char path[PATH_BYTES];
    const struct dirent *entry;
    DIR *dir = getpid() == owner ? opendir(directory) : NULL;

    if (dir == NULL)
        return;
    while ((entry = readdir(dir)) != NULL) {
        (void)snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        if (entry->d_name[0] != '.')
            (void)unlink(path);
    }
    closedir(dir);
    (void)rmdir(directory);
}

const char *certificates_directory(void)
{
    if (owner == 0) {
        ck_assert_ptr_nonnull(mkdtemp(directory));
        owner = getpid();
        (void)atexit(remove_directory);
    }
    return directory;
}

const char *certificates_path(const char *name)
{
    static char paths[PATHS][PATH_BYTES];
    static unsigned next;
    char *path = paths[next++ % PATHS];

    (void)snprintf(path, PATH_BYTES, "%s/%s", certificates_directory(), name);
    return path;
}

static X509 *begin(EVP_PKEY *key, const char *common_name, bool expired)
{
    static long serial = 1;
    X509 *certificate = X509_new();
    long from = expired ? -2 * DAY_S : -DAY_S;
    long until = expired ? -DAY_S : DAY_S;

    ck_assert_ptr_nonnull(certificate);
    ck_assert_int_eq(X509_set_version(certificate, 2), 1);
    ck_assert_int_eq(
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++), 1);
    ck_assert_ptr_nonnull(
        X509_gmtime_adj(X509_getm_notBefore(certificate), from));
    ck_assert_ptr_nonnull(
        X509_gmtime_adj(X509_getm_notAfter(certificate), until));
    if (common_name != NULL)
        ck_assert_int_eq(X509_NAME_add_entry_by_txt(
                             X509_get_subject_name(certificate), "CN",
                             MBSTRING_ASC, (const unsigned char *)common_name,
                             -1, -1, 0),
                         1);
    ck_assert_int_eq(X509_set_pubkey(certificate, key), 1);
    return certificate;
}

static void extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    ck_assert_ptr_nonnull(extension);
    ck_assert_int_eq(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void write_file(const char *file, EVP_PKEY *key, X509 *certificate)
{
    FILE *out = fopen(file, "w");

    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(fchmod(fileno(out), 0600), 0);
    if (key != NULL)
        ck_assert_int_eq(
            PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
    ck_assert_int_eq(PEM_write_X509(out, certificate), 1);
    ck_assert_int_eq(fclose(out), 0);
}

static authority_t *create_authority(const authority_t *issuer,
                                     const char *file)
{
    authority_t *authority = calloc(1, sizeof(*authority));

    ck_assert_ptr_nonnull(authority);
    authority->key = EVP_EC_gen("P-256");
    ck_assert_ptr_nonnull(authority->key);
    X509 *certificate = begin(authority->key, strrchr(file, '/') + 1, false);
    authority->certificate = certificate;
    if (issuer == NULL)
        issuer = authority;
    ck_assert_int_eq(
        X509_set_issuer_name(certificate,
                             X509_get_subject_name(issuer->certificate)),
        1);
    extend(certificate, issuer->certificate, NID_basic_constraints,
           "critical,CA:TRUE");
    extend(certificate, issuer->certificate, NID_key_usage,
           "critical,keyCertSign,cRLSign");
    ck_assert_int_ne(X509_sign(certificate, issuer->key, EVP_sha256()), 0);
    write_file(file, NULL, certificate);
    return authority;
}

authority_t *authority_create(const char *file)
{
    return create_authority(NULL, file);
}

authority_t *authority_create_below(const authority_t *issuer, const char *file)
{
    return create_authority(issuer, file);
}

void authority_free(authority_t *authority)
{
    X509_free(authority->certificate);
    EVP_PKEY_free(authority->key);
    free(authority);
}

void certificate_write(const authority_t *authority, const char *file,
                       const certificate_spec_t *spec)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");

    ck_assert_ptr_nonnull(key);
    X509 *certificate = begin(key, spec->common_name, spec->expired);
    X509 *issuer = spec->self_signed ? certificate : authority->certificate;
    ck_assert_int_eq(
        X509_set_issuer_name(certificate, X509_get_subject_name(issuer)), 1);
    if (spec->names != NULL)
        extend(certificate, issuer, NID_subject_alt_name, spec->names);
    ck_assert_int_ne(X509_sign(certificate,
                               spec->self_signed ? key : authority->key,
                               EVP_sha256()),
                     0);
    write_file(file, key, certificate);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void read_file(const char *file, EVP_PKEY **key, X509 **certificate)
{
    FILE *in = fopen(file, "r");

    ck_assert_ptr_nonnull(in);
    *key = PEM_read_PrivateKey(in, NULL, NULL, NULL);
    *certificate = PEM_read_X509(in, NULL, NULL, NULL);
    ck_assert(*key != NULL && *certificate != NULL);
    ck_assert_int_eq(fclose(in), 0);
}

void certificate_split(const char *file, const char *certificate_file,
                       const char *key_file, const char *password)
{
    EVP_PKEY *key;
    X509 *certificate;

    read_file(file, &key, &certificate);
    write_file(certificate_file, NULL, certificate);
    FILE *out = fopen(key_file, "w");
    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(fchmod(fileno(out), 0600), 0);
    ck_assert_int_eq(
        PEM_write_PrivateKey(out, key, password ? EVP_aes_128_cbc() : NULL,
                             (const unsigned char *)password,
                             password ? (int)strlen(password) : 0, NULL, NULL),
        1);
    ck_assert_int_eq(fclose(out), 0);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

void certificate_append(const char *file, const char *certificate_file)
{
    FILE *in = fopen(certificate_file, "r");
    FILE *out = fopen(file, "a");
    int c;

    ck_assert(in != NULL && out != NULL);
    while ((c = fgetc(in)) != EOF)
        ck_assert_int_eq(fputc(c, out), c);
    ck_assert_int_eq(fclose(in), 0);
    ck_assert_int_eq(fclose(out), 0);
}

void certificate_revoke(const authority_t *authority, const char *crl_file,
                        const char *certificate_file, bool expired)
{
    X509_CRL *list = X509_CRL_new();
    ASN1_TIME *time = X509_gmtime_adj(NULL, -2 * DAY_S);
    FILE *in = certificate_file == NULL ? NULL : fopen(certificate_file, "r");

    ck_assert(list != NULL && time != NULL);
    ck_assert_int_eq(X509_CRL_set_version(list, 1), 1);
    ck_assert_int_eq(X509_CRL_set_issuer_name(
                         list, X509_get_subject_name(authority->certificate)),
                     1);
    ck_assert_int_eq(X509_CRL_set1_lastUpdate(list, time), 1);
    if (in != NULL) {
        X509 *certificate = PEM_read_X509(in, NULL, NULL, NULL);
        X509_REVOKED *revoked = X509_REVOKED_new();
        ck_assert(certificate != NULL && revoked != NULL);
        ck_assert_int_eq(X509_REVOKED_set_serialNumber(
                             revoked, X509_get_serialNumber(certificate)),
                         1);
        ck_assert_int_eq(X509_REVOKED_set_revocationDate(revoked, time), 1);
        ck_assert_int_eq(X509_CRL_add0_revoked(list, revoked), 1);
        X509_free(certificate);
        ck_assert_int_eq(fclose(in), 0);
    }
    ck_assert_ptr_nonnull(X509_gmtime_adj(time, expired ? -DAY_S : DAY_S));
    ck_assert_int_eq(X509_CRL_set1_nextUpdate(list, time), 1);
    ck_assert_int_ne(X509_CRL_sign(list, authority->key, EVP_sha256()), 0);
    FILE *out = fopen(crl_file, "w");
    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(PEM_write_X509_CRL(out, list), 1);
    ck_assert_int_eq(fclose(out), 0);
    ASN1_TIME_free(time);
    X509_CRL_free(list);
}
