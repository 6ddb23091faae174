/*
 * Keys of session tickets. Whoever has one can read what was said in sessions
 * that went on with a ticket of TLS 1.2, so none is kept for long.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/tls_context.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

static uint64_t now_of(const srf__tickets_t *tickets)
{
    return tickets->wheel == NULL ? 0 : srf__wheel_now(tickets->wheel);
}

/* The first key is the one that tickets are made with, the second the one
 * before. They change when somebody comes: nothing runs meanwhile. False when
 * there is no chance to be had. */
static bool refresh(srf__tickets_t *tickets)
{
    uint64_t now = now_of(tickets);
    srf__ticket_key_t *keys = tickets->keys;

    if (keys[1].good && now - keys[1].made_ms >= 2ull * SRF__TICKET_MS) {
        OPENSSL_cleanse(&keys[1], sizeof(keys[1]));
        keys[1].good = false;
    }
    if (keys[0].good && now - keys[0].made_ms < SRF__TICKET_MS)
        return true;
    if (keys[0].good && now - keys[0].made_ms < 2ull * SRF__TICKET_MS)
        keys[1] = keys[0];
    OPENSSL_cleanse(&keys[0], sizeof(keys[0]));
    keys[0].made_ms = now;
    keys[0].good = RAND_bytes(keys[0].name, sizeof(keys[0].name)) == 1 &&
                   RAND_bytes(keys[0].cipher, sizeof(keys[0].cipher)) == 1 &&
                   RAND_bytes(keys[0].mac, sizeof(keys[0].mac)) == 1;
    return keys[0].good;
}

static bool set_mac(EVP_MAC_CTX *mac, srf__ticket_key_t *key)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac,
                                          sizeof(key->mac)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* RFC 5077 §4: AES in CBC mode, and HMAC with SHA-256. */
static int make(srf__tickets_t *tickets, unsigned char *name, unsigned char *iv,
                EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
    srf__ticket_key_t *key = &tickets->keys[0];

    if (RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1 ||
        EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv) !=
            1 ||
        !set_mac(mac, key))
        return -1;
    memcpy(name, key->name, sizeof(key->name));
    return 1;
}

/* What OpenSSL takes for an answer. */
enum { FAILED = -1, UNKNOWN = 0, OPENED = 1, OPENED_RENEW = 2 };

/* With a key that is not there any more the session is a new one; with the one
 * before it gets a new ticket, as each does in TLS 1.3 (RFC 8446 §C.4). */
static int open_ticket(srf__tickets_t *tickets, const SSL *ssl,
                       const unsigned char *name, const unsigned char *iv,
                       EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
    for (int i = 0; i < 2; i++) {
        srf__ticket_key_t *key = &tickets->keys[i];
        if (!key->good || memcmp(name, key->name, sizeof(key->name)) != 0)
            continue;
        if (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher,
                               iv) != 1 ||
            !set_mac(mac, key))
            return FAILED;
        return i > 0 || SSL_version(ssl) == TLS1_3_VERSION ? OPENED_RENEW
                                                           : OPENED;
    }
    return UNKNOWN;
}

static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv,
                     EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int makes)
{
    srf__tickets_t *tickets = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    if (!refresh(tickets))
        return makes ? -1 : 0;
    return makes ? make(tickets, name, iv, cipher, mac)
                 : open_ticket(tickets, ssl, name, iv, cipher, mac);
}

void srf__tickets_serve(srf__tickets_t *tickets, SSL_CTX *ctx)
{
    (void)SSL_CTX_set_app_data(ctx, tickets);
    (void)SSL_CTX_set_timeout(ctx, SRF__TICKET_MS / 1000);
    (void)SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
}

void srf__tickets_forget(srf__tickets_t *tickets)
{
    OPENSSL_cleanse(tickets->keys, sizeof(tickets->keys));
    memset(tickets->keys, 0, sizeof(tickets->keys));
}
