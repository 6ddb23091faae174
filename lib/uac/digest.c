/*
 * Digest authentication.
 *
 * SPDX-License-Identifier: MIT
 */
#include "uac/digest.h"

#include "srf/srf.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

enum { HEX_MAX = 64, NC_DIGITS = 8, PIECES_MAX = 6 };

typedef struct algorithm {
    const char *name;
    const char *digest; /* as libcrypto calls it */
    unsigned strength;
    bool session; /* RFC 7616 §3.4.2: A1 has nonce and cnonce in it */
} algorithm_t;

static const algorithm_t algorithms[] = {
    {"MD5", "MD5", 1, false},
    {"MD5-sess", "MD5", 1, true},
    {"SHA-256", "SHA2-256", 2, false},
    {"SHA-256-sess", "SHA2-256", 2, true},
    {"SHA-512-256", "SHA2-512/256", 3, false},
    {"SHA-512-256-sess", "SHA2-512/256", 3, true},
};

enum { ALGORITHMS = sizeof(algorithms) / sizeof(*algorithms) };

typedef enum protection {
    PROTECT_UNKNOWN = 0, /* offers, but none we know */
    PROTECT_NONE,        /* no offer: the form of RFC 2069 */
    PROTECT_AUTH,
    PROTECT_AUTH_INT
} protection_t;

static const algorithm_t *find_algorithm(const srf__challenge_t *challenge)
{
    srf__str_t name = srf__str_of(challenge->algorithm);

    if (challenge->algorithm == NULL) /* RFC 7616 §3.3: as if MD5 */
        return &algorithms[0];
    for (unsigned i = 0; i < ALGORITHMS; i++) {
        if (srf__str_ieq(name, srf__str_of(algorithms[i].name)))
            return &algorithms[i];
    }
    return NULL;
}

/* "auth" before "auth-int": proxies may change bodies (RFC 7616 §3.4.3). */
static protection_t find_protection(const srf__challenge_t *challenge)
{
    srf__str_t rest = srf__str_of(challenge->qop);
    protection_t found =
        challenge->qop == NULL ? PROTECT_NONE : PROTECT_UNKNOWN;

    while (rest.len > 0) {
        size_t comma = srf__str_find(rest, ',');
        srf__str_t offer = srf__str_trim(srf__str(rest.p, comma));
        if (srf__str_ieq(offer, SRF__STR("auth")))
            return PROTECT_AUTH;
        if (srf__str_ieq(offer, SRF__STR("auth-int")))
            found = PROTECT_AUTH_INT;
        size_t skip = comma < rest.len ? comma + 1 : comma;
        rest = srf__str(rest.p + skip, rest.len - skip);
    }
    return found;
}

/* NULL when libcrypto has it not, as MD5 when it is told to be strict. The
 * program's own errors in libcrypto's queue stay as they are. */
static EVP_MD *fetch(const algorithm_t *algorithm)
{
    (void)ERR_set_mark();
    EVP_MD *md = EVP_MD_fetch(NULL, algorithm->digest, NULL);
    (void)ERR_pop_to_mark();
    return md;
}

unsigned srf__digest_strength(const srf__challenge_t *challenge)
{
    const algorithm_t *algorithm = find_algorithm(challenge);

    if (algorithm == NULL || challenge->nonce == NULL ||
        !srf__str_ieq(srf__str_of(challenge->scheme), SRF__STR("Digest")) ||
        find_protection(challenge) == PROTECT_UNKNOWN)
        return 0;
    EVP_MD *md = fetch(algorithm);
    if (md == NULL)
        return 0;
    EVP_MD_free(md);
    return algorithm->strength;
}

/* ---- hashing ---- */

typedef struct hex {
    char p[HEX_MAX];
    size_t len;
} hex_t;

static srf__str_t hex_str(const hex_t *hex)
{
    return srf__str(hex->p, hex->len);
}

/* H(piece ":" piece ":" ...) in hexadecimal, RFC 7616 §3.3. The errors of EVP
 * come together: each call fails after one that failed. */
static bool hash(const EVP_MD *md, const srf__str_t *pieces, unsigned count,
                 hex_t *out)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context != NULL && EVP_DigestInit_ex(context, md, NULL) == 1;

    for (unsigned i = 0; good && i < count; i++) {
        if (i > 0)
            good = EVP_DigestUpdate(context, ":", 1) == 1;
        if (good && pieces[i].len > 0)
            good = EVP_DigestUpdate(context, pieces[i].p, pieces[i].len) == 1;
    }
    good = good && EVP_DigestFinal_ex(context, digest, &len) == 1 &&
           len * 2 <= HEX_MAX;
    EVP_MD_CTX_free(context);
    for (unsigned i = 0; good && i < len; i++)
        srf__hex_write(out->p + 2 * (size_t)i, digest[i], 2);
    OPENSSL_cleanse(digest, sizeof(digest));
    out->len = 2 * (size_t)len;
    return good;
}

typedef struct proof {
    const srf__challenge_t *challenge;
    const srf__digest_request_t *request;
    const algorithm_t *algorithm;
    const EVP_MD *md;
    protection_t protection;
    char nc[NC_DIGITS];
} proof_t;

static srf__str_t qop_name(const proof_t *proof)
{
    return proof->protection == PROTECT_AUTH_INT ? SRF__STR("auth-int")
                                                 : SRF__STR("auth");
}

/* H(A1), RFC 7616 §3.4.2. */
static bool hash_a1(const proof_t *proof, hex_t *out)
{
    const srf__digest_request_t *request = proof->request;
    const srf__str_t secret[] = {request->username,
                                 srf__str_of(proof->challenge->realm),
                                 request->password};

    if (!hash(proof->md, secret, 3, out))
        return false;
    if (!proof->algorithm->session)
        return true;
    hex_t first = *out;
    const srf__str_t session[] = {
        hex_str(&first), srf__str_of(proof->challenge->nonce), request->cnonce};
    bool good = hash(proof->md, session, 3, out);
    OPENSSL_cleanse(&first, sizeof(first));
    return good;
}

/* H(A2), RFC 7616 §3.4.3. */
static bool hash_a2(const proof_t *proof, hex_t *out)
{
    const srf__digest_request_t *request = proof->request;
    srf__str_t pieces[] = {request->method, request->uri, {NULL, 0}};
    hex_t body;

    if (proof->protection != PROTECT_AUTH_INT)
        return hash(proof->md, pieces, 2, out);
    if (!hash(proof->md, &request->body, 1, &body))
        return false;
    pieces[2] = hex_str(&body);
    return hash(proof->md, pieces, 3, out);
}

/* RFC 7616 §3.4.1; without an offer as RFC 3261 §22.4 item 6 says. */
static bool hash_with(const proof_t *proof, const hex_t *a1, hex_t *out)
{
    hex_t a2;
    srf__str_t pieces[PIECES_MAX];
    unsigned count = 0;

    if (!hash_a2(proof, &a2))
        return false;
    pieces[count++] = hex_str(a1);
    pieces[count++] = srf__str_of(proof->challenge->nonce);
    if (proof->protection != PROTECT_NONE) {
        pieces[count++] = srf__str(proof->nc, NC_DIGITS);
        pieces[count++] = proof->request->cnonce;
        pieces[count++] = qop_name(proof);
    }
    pieces[count++] = hex_str(&a2);
    return hash(proof->md, pieces, count, out);
}

/* Who has got H(A1) needs no password: it does not stay on the stack. */
static bool hash_response(const proof_t *proof, hex_t *out)
{
    hex_t a1;
    bool good = hash_a1(proof, &a1) && hash_with(proof, &a1, out);

    OPENSSL_cleanse(&a1, sizeof(a1));
    return good;
}

/* ---- writing ---- */

static void add_quoted(srf__buf_t *out, const char *name, srf__str_t value)
{
    srf__buf_add_text(out, name);
    srf__buf_add_text(out, "=\"");
    for (size_t i = 0; i < value.len; i++) {
        if (value.p[i] == '"' || value.p[i] == '\\')
            srf__buf_add_char(out, '\\');
        srf__buf_add_char(out, value.p[i]);
    }
    srf__buf_add_char(out, '"');
}

static void add_plain(srf__buf_t *out, const char *name, srf__str_t value)
{
    srf__buf_add_text(out, name);
    srf__buf_add_char(out, '=');
    srf__buf_add_str(out, value);
}

/* RFC 3261 §25.1 dig-resp; algorithm, qop and nc are tokens. */
static void add_value(const proof_t *proof, srf__str_t response,
                      srf__buf_t *out)
{
    const srf__challenge_t *challenge = proof->challenge;
    const srf__digest_request_t *request = proof->request;

    add_quoted(out, "Digest username", request->username);
    add_quoted(out, ", realm", srf__str_of(challenge->realm));
    add_quoted(out, ", nonce", srf__str_of(challenge->nonce));
    add_quoted(out, ", uri", request->uri);
    add_quoted(out, ", response", response);
    if (challenge->algorithm != NULL)
        add_plain(out, ", algorithm", srf__str_of(challenge->algorithm));
    if (proof->protection != PROTECT_NONE || proof->algorithm->session)
        add_quoted(out, ", cnonce", request->cnonce);
    if (challenge->opaque != NULL)
        add_quoted(out, ", opaque", srf__str_of(challenge->opaque));
    if (proof->protection != PROTECT_NONE) {
        add_plain(out, ", qop", qop_name(proof));
        add_plain(out, ", nc", srf__str(proof->nc, NC_DIGITS));
    }
}

int srf__digest_write(const srf__challenge_t *challenge,
                      const srf__digest_request_t *request, srf__buf_t *out)
{
    proof_t proof = {
        .challenge = challenge,
        .request = request,
        .algorithm = find_algorithm(challenge),
        .protection = find_protection(challenge),
    };
    hex_t response;

    if (proof.algorithm == NULL)
        return SRF_ERR_UNSUPPORTED;
    EVP_MD *md = fetch(proof.algorithm);
    proof.md = md;
    srf__hex_write(proof.nc, request->nc, NC_DIGITS);
    bool good = md != NULL && hash_response(&proof, &response);
    EVP_MD_free(md);
    if (!good)
        return SRF_ERR_UNSUPPORTED;
    add_value(&proof, hex_str(&response), out);
    return out->err;
}

void srf__digest_wipe(srf__str_t secret)
{
    if (secret.len > 0)
        OPENSSL_cleanse((void *)(uintptr_t)secret.p, secret.len);
}
