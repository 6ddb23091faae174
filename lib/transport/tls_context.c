/*
 * TLS contexts: settings and files made into what OpenSSL works with.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/tls_context.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/error.h"

#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

/* RFC 9325 §4.1, §4.2, over RFC 3261 §26.2.1: no RSA key exchange, whose
 * sessions can be read by whoever gets the key later, and no CBC. */
#define SAFE_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20"

enum { SESSIONS = 64, NAME_MAX_BYTES = 256, CERTIFICATES_MAX = 1024 };

/* What a session with a server can be resumed with. */
typedef struct kept {
    char name[NAME_MAX_BYTES];
    SSL_SESSION *session;
} kept_t;

/* What the files come to; replaced as a whole. */
typedef struct loaded {
    SSL_CTX *client;
    SSL_CTX **servers; /* one per certificate, the first the default */
    size_t count;
} loaded_t;

struct srf__tls_context {
    uint32_t refs;
    srf_tls_options_t options; /* its strings are in the arena */
    srf__arena_t arena;
    BIO_METHOD *method;
    loaded_t loaded;
    srf__tickets_t tickets;
    char warning[SRF__TLS_WHY];
    kept_t kept[SESSIONS];
    unsigned next_kept;
};

const char *srf__tls_take_reason(void)
{
    unsigned long error = ERR_peek_last_error();
    const char *reason = ERR_reason_error_string(error);

    ERR_clear_error();
    return reason == NULL ? "unknown error" : reason;
}

/* ---- errors ---- */

/* The oldest error says most: what follows it says where that was met. */
static void add_reason(srf__buf_t *buf)
{
    const char *detail = "";
    int flags = 0;
    unsigned long error = ERR_peek_error_all(NULL, NULL, NULL, &detail, &flags);
    const char *reason = ERR_SYSTEM_ERROR(error)
                             ? srf_strerror(-ERR_GET_REASON(error))
                             : ERR_reason_error_string(error);

    srf__buf_add_text(buf, reason == NULL ? "unknown error" : reason);
    if (!ERR_SYSTEM_ERROR(error) && (flags & ERR_TXT_STRING) != 0 &&
        detail[0] != '\0') {
        srf__buf_add_text(buf, " (");
        srf__buf_add_text(buf, detail);
        srf__buf_add_char(buf, ')');
    }
}

/* The first one stays: it is said once in a reading. */
static void warn(srf__tls_context_t *context, const char *file,
                 const char *text)
{
    srf__buf_t buf;

    if (context->warning[0] != '\0')
        return;
    srf__buf_init_fixed(&buf, context->warning, SRF__TLS_WHY - 1);
    srf__buf_add_char(&buf, '\'');
    srf__buf_add_text(&buf, file);
    srf__buf_add_text(&buf, "' ");
    srf__buf_add_text(&buf, text);
    context->warning[buf.len] = '\0';
}

/* NULL for `reason`: OpenSSL's. */
static int explain(char why[SRF__TLS_WHY], const char *what, const char *file,
                   const char *reason)
{
    srf__buf_t buf;

    srf__buf_init_fixed(&buf, why, SRF__TLS_WHY - 1);
    srf__buf_add_text(&buf, what);
    if (file != NULL) {
        srf__buf_add_text(&buf, " '");
        srf__buf_add_text(&buf, file);
        srf__buf_add_char(&buf, '\'');
    }
    srf__buf_add_text(&buf, ": ");
    if (reason == NULL)
        add_reason(&buf);
    else
        srf__buf_add_text(&buf, reason);
    why[buf.len] = '\0';
    ERR_clear_error();
    return SRF_ERR_TLS;
}

/* ---- callbacks of OpenSSL ---- */

/* For SIP, see RFC 5922 §7.2; browsers take a wildcard too. */
static bool serves(const SSL_CTX *ctx, const char *name, bool wildcards)
{
    X509 *certificate = SSL_CTX_get0_certificate(ctx);

    if (certificate == NULL)
        return false;
    return wildcards ? X509_check_host(certificate, name, 0, 0, NULL) == 1
                     : srf__tls_speaks_for(certificate, srf__str_of(name));
}

static SSL_CTX *find_server(const loaded_t *loaded, const char *name,
                            bool wildcards)
{
    for (size_t i = 0; i < loaded->count; i++) {
        if (serves(loaded->servers[i], name, wildcards))
            return loaded->servers[i];
    }
    return NULL;
}

/* SNI, RFC 6066 §3. */
static int on_server_name(SSL *ssl, int *alert, void *arg)
{
    const srf__tls_context_t *context = arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    (void)alert;
    if (name == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    SSL_CTX *ctx = find_server(&context->loaded, name, false);
    if (ctx == NULL)
        ctx = find_server(&context->loaded, name, true);
    if (ctx == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    (void)SSL_set_SSL_CTX(ssl, ctx);
    return SSL_TLSEXT_ERR_OK;
}

static bool offers(const unsigned char *in, unsigned len, const char *protocol,
                   const unsigned char **out, unsigned char *out_len)
{
    size_t want = strlen(protocol);

    for (unsigned at = 0; at < len; at += 1u + in[at]) {
        if (in[at] == want && at + 1 + want <= len &&
            memcmp(in + at + 1, protocol, want) == 0) {
            *out = in + at + 1;
            *out_len = in[at];
            return true;
        }
    }
    return false;
}

/* ALPN, RFC 7301. "sip/2" is registered, "sip" was in its draft; browsers offer
 * HTTP for a WebSocket. */
static int on_protocols(SSL *ssl, const unsigned char **out,
                        unsigned char *out_len, const unsigned char *in,
                        unsigned len, void *arg)
{
    (void)ssl;
    (void)arg;
    if (offers(in, len, "sip/2", out, out_len) ||
        offers(in, len, "sip", out, out_len) ||
        offers(in, len, "http/1.1", out, out_len))
        return SSL_TLSEXT_ERR_OK;
    return SSL_TLSEXT_ERR_NOACK;
}

/* ---- loading ---- */

static void free_loaded(loaded_t *loaded)
{
    for (size_t i = 0; i < loaded->count; i++)
        SSL_CTX_free(loaded->servers[i]);
    srf__free(loaded->servers);
    SSL_CTX_free(loaded->client);
    memset(loaded, 0, sizeof(*loaded));
}

/* There is no password: without this OpenSSL would ask at the terminal. */
static int on_password(char *out, int size, int writing, void *arg)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)arg;
    ERR_raise(ERR_LIB_PEM, PEM_R_PROBLEMS_GETTING_PASSWORD);
    return -1;
}

/* A group of root's choice is a usual way to let a program read it. */
static void check_key(srf__tls_context_t *context, const char *file)
{
    struct stat status;

    if (stat(file, &status) != 0)
        return;
    if ((status.st_mode & (S_IROTH | S_IWOTH)) != 0)
        warn(context, file, "has a private key that everybody may read");
    else if ((status.st_mode & (S_IRGRP | S_IWGRP)) != 0 && status.st_uid != 0)
        warn(context, file, "has a private key that its group may read");
}

static int load_certificate(srf__tls_context_t *context, SSL_CTX *ctx,
                            const srf_tls_certificate_t *certificate,
                            char why[SRF__TLS_WHY])
{
    const char *file = certificate->certificate_file;
    const char *key =
        certificate->key_file == NULL ? file : certificate->key_file;

    SSL_CTX_set_default_passwd_cb(ctx, on_password);
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(ctx, file) != 1)
        return explain(why, "cannot use certificate", file, NULL);
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
        return explain(why, "cannot use key", key, NULL);
    if (SSL_CTX_check_private_key(ctx) != 1)
        return explain(why, "cannot use key", key,
                       "it does not fit the certificate");
    check_key(context, key);
    return 0;
}

/* Lists that are too old serve for nothing but to refuse. */
static void check_lists(srf__tls_context_t *context, X509_STORE *store)
{
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);

    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        const X509_CRL *list =
            X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));
        const ASN1_TIME *end =
            list == NULL ? NULL : X509_CRL_get0_nextUpdate(list);
        if (end != NULL && X509_cmp_current_time(end) < 0) {
            warn(context, context->options.crl_file,
                 "has a revocation list that is too old: certificates of its "
                 "issuer are refused");
        }
    }
}

/* RFC 5280 §6.3; without a list that is in force a certificate is refused. */
static int load_lists(srf__tls_context_t *context, SSL_CTX *ctx,
                      char why[SRF__TLS_WHY])
{
    const char *file = context->options.crl_file;
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);

    if (file == NULL)
        return 0;
    X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    ERR_clear_error();
    if (lookup == NULL)
        return SRF_ERR_NO_MEMORY;
    if (X509_load_crl_file(lookup, file, X509_FILETYPE_PEM) <= 0)
        return explain(why, "cannot use revocation lists", file, NULL);
    (void)X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
    check_lists(context, store);
    return 0;
}

static int load_trust(SSL_CTX *ctx, const char *ca_file, char why[SRF__TLS_WHY])
{
    ERR_clear_error();
    if (ca_file == NULL) {
        (void)SSL_CTX_set_default_verify_paths(ctx);
        return 0;
    }
    if (SSL_CTX_load_verify_file(ctx, ca_file) != 1)
        return explain(why, "cannot use CA certificates", ca_file, NULL);
    return 0;
}

/* What holds for both directions. */
static int create_ctx(const srf__tls_context_t *context, bool is_server,
                      SSL_CTX **out, char why[SRF__TLS_WHY])
{
    const srf_tls_options_t *options = &context->options;
    int version =
        options->min_version == SRF_TLS_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
    SSL_CTX *ctx =
        SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());

    *out = ctx;
    if (ctx == NULL)
        return SRF_ERR_NO_MEMORY;
    (void)SSL_CTX_set_min_proto_version(ctx, version);
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION);
    /* The file has the chain; else one is made, and judged, per handshake. */
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
    ERR_clear_error();
    const char *ciphers =
        options->ciphers == NULL ? SAFE_CIPHERS : options->ciphers;
    if (SSL_CTX_set_cipher_list(ctx, ciphers) != 1)
        return explain(why, "cannot use ciphers", ciphers, NULL);
    return 0;
}

static void ask_clients(const srf__tls_context_t *context, SSL_CTX *ctx)
{
    const srf_tls_options_t *options = &context->options;
    int mode = options->client_certificate == SRF_TLS_CLIENT_REQUIRED
                   ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                   : SSL_VERIFY_PEER;

    if (options->client_certificate == SRF_TLS_CLIENT_NONE)
        return;
    SSL_CTX_set_verify(ctx, mode, NULL);
    if (options->ca_file != NULL)
        SSL_CTX_set_client_CA_list(ctx,
                                   SSL_load_client_CA_file(options->ca_file));
}

static int create_server_ctx(srf__tls_context_t *context,
                             const srf_tls_certificate_t *certificate,
                             X509_STORE *trust, SSL_CTX **out,
                             char why[SRF__TLS_WHY])
{
    static const unsigned char id[] = "libsrf";
    int err = create_ctx(context, true, out, why);

    if (err == 0)
        err = load_certificate(context, *out, certificate, why);
    if (err != 0)
        return err;
    SSL_CTX_set1_cert_store(*out, trust);
    (void)SSL_CTX_set_session_id_context(*out, id, sizeof(id));
    (void)SSL_CTX_set_num_tickets(*out, 1);
    (void)SSL_CTX_set_session_cache_mode(*out, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_tlsext_servername_callback(*out, on_server_name);
    (void)SSL_CTX_set_tlsext_servername_arg(*out, context);
    SSL_CTX_set_alpn_select_cb(*out, on_protocols, NULL);
    srf__tickets_serve(&context->tickets, *out);
    ask_clients(context, *out);
    return 0;
}

static int create_client_ctx(srf__tls_context_t *context, SSL_CTX **out,
                             char why[SRF__TLS_WHY])
{
    const srf_tls_options_t *options = &context->options;
    int err = create_ctx(context, false, out, why);

    if (err == 0)
        err = load_trust(*out, options->ca_file, why);
    if (err == 0)
        err = load_lists(context, *out, why);
    if (err != 0)
        return err;
    (void)SSL_CTX_set_session_cache_mode(*out, SSL_SESS_CACHE_CLIENT |
                                                   SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(*out, srf__tls_new_session);
    const srf_tls_certificate_t certificate = {options->certificate_file,
                                               options->key_file};
    return load_certificate(context, *out, &certificate, why);
}

/* The program's own serves both directions. */
static int adopt(SSL_CTX *ctx, loaded_t *loaded)
{
    loaded->servers = srf__calloc(1, sizeof(*loaded->servers));
    if (loaded->servers == NULL)
        return SRF_ERR_NO_MEMORY;
    SSL_CTX_up_ref(ctx);
    SSL_CTX_up_ref(ctx);
    loaded->servers[0] = ctx;
    loaded->client = ctx;
    loaded->count = 1;
    return 0;
}

/* Both directions trust the same, kept once. */
static int load_servers(srf__tls_context_t *context, loaded_t *loaded,
                        char why[SRF__TLS_WHY])
{
    const srf_tls_options_t *options = &context->options;
    srf_tls_certificate_t certificate = {options->certificate_file,
                                         options->key_file};
    X509_STORE *trust = SSL_CTX_get_cert_store(loaded->client);
    int err = 0;

    loaded->servers =
        srf__calloc(options->certificate_count + 1, sizeof(*loaded->servers));
    if (loaded->servers == NULL)
        return SRF_ERR_NO_MEMORY;
    for (size_t i = 0; err == 0 && i <= options->certificate_count; i++) {
        err = create_server_ctx(context, &certificate, trust,
                                &loaded->servers[i], why);
        loaded->count++;
        if (i < options->certificate_count)
            certificate = options->certificates[i];
    }
    return err;
}

static int load(srf__tls_context_t *context, loaded_t *loaded,
                char why[SRF__TLS_WHY])
{
    const srf_tls_options_t *options = &context->options;

    memset(loaded, 0, sizeof(*loaded));
    context->warning[0] = '\0';
    if (options->ssl_ctx != NULL)
        return adopt(options->ssl_ctx, loaded);
    int err = create_client_ctx(context, &loaded->client, why);
    if (err == 0)
        err = load_servers(context, loaded, why);
    if (err != 0)
        free_loaded(loaded);
    return err;
}

/* ---- life ---- */

static bool is_good(const srf_tls_options_t *options)
{
    if (options->certificate_count > CERTIFICATES_MAX ||
        (options->certificate_count > 0 && options->certificates == NULL) ||
        options->min_version > SRF_TLS_1_3 ||
        options->client_certificate > SRF_TLS_CLIENT_REQUIRED)
        return false;
    for (size_t i = 0; i < options->certificate_count; i++) {
        if (options->certificates[i].certificate_file == NULL)
            return false;
    }
    return true;
}

/* NULL stays NULL; false when memory is out. */
static bool keep(srf__arena_t *arena, const char **text)
{
    if (*text == NULL)
        return true;
    *text = srf__arena_strdup(arena, srf__str_of(*text));
    return *text != NULL;
}

static int copy_options(srf__tls_context_t *context)
{
    srf_tls_options_t *options = &context->options;
    srf__arena_t *arena = &context->arena;
    size_t count = options->certificate_count;

    if (!keep(arena, &options->certificate_file) ||
        !keep(arena, &options->key_file) || !keep(arena, &options->ca_file) ||
        !keep(arena, &options->ciphers) || !keep(arena, &options->crl_file))
        return SRF_ERR_NO_MEMORY;
    if (count == 0)
        return 0;
    srf_tls_certificate_t *copies =
        srf__arena_alloc(arena, count * sizeof(*copies));
    if (copies == NULL)
        return SRF_ERR_NO_MEMORY;
    memcpy(copies, options->certificates, count * sizeof(*copies));
    options->certificates = copies;
    for (size_t i = 0; i < count; i++) {
        if (!keep(arena, &copies[i].certificate_file) ||
            !keep(arena, &copies[i].key_file))
            return SRF_ERR_NO_MEMORY;
    }
    return 0;
}

/* Everybody has a certificate of some authority on the system's list: asked for
 * one, and measured by that, no client would be kept out. */
static bool knows_clients(const srf_tls_options_t *options)
{
    return options->client_certificate == SRF_TLS_CLIENT_NONE ||
           options->ca_file != NULL;
}

int srf__tls_context_create(const srf_tls_options_t *options,
                            srf__tls_context_t **out, char why[SRF__TLS_WHY])
{
    srf_tls_options_t given;

    *out = NULL;
    why[0] = '\0';
    int err =
        srf__options_copy(&given, sizeof(given), options, sizeof(given.size));
    if (err != 0)
        return err;
    if (!is_good(&given))
        return SRF_ERR_INVALID_ARGUMENT;
    if (given.ssl_ctx == NULL && !knows_clients(&given)) {
        (void)explain(why, "client certificates", NULL,
                      "no ca_file says whose are good");
        return SRF_ERR_INVALID_ARGUMENT;
    }
    if (given.ssl_ctx == NULL && given.certificate_file == NULL)
        return explain(why, "TLS", NULL, "no certificate is given");
    srf__tls_context_t *context = srf__calloc(1, sizeof(*context));
    if (context == NULL)
        return SRF_ERR_NO_MEMORY;
    context->refs = 1;
    context->options = given;
    ERR_clear_error();
    context->method = srf__tls_network();
    err = context->method == NULL ? SRF_ERR_NO_MEMORY : copy_options(context);
    if (err == 0)
        err = load(context, &context->loaded, why);
    ERR_clear_error();
    if (err != 0) {
        srf__tls_context_unref(context);
        return err;
    }
    *out = context;
    return 0;
}

static void forget_sessions(srf__tls_context_t *context)
{
    for (unsigned i = 0; i < SESSIONS; i++) {
        SSL_SESSION_free(context->kept[i].session);
        context->kept[i].session = NULL;
    }
}

int srf__tls_context_reload(srf__tls_context_t *context, char why[SRF__TLS_WHY])
{
    loaded_t loaded;

    why[0] = '\0';
    ERR_clear_error();
    int err = load(context, &loaded, why);
    ERR_clear_error();
    if (err != 0)
        return err;
    free_loaded(&context->loaded);
    forget_sessions(context);
    /* Whoever is not trusted any more does not go on with what he had. */
    srf__tickets_forget(&context->tickets);
    context->loaded = loaded;
    return 0;
}

const char *srf__tls_context_warning(const srf__tls_context_t *context)
{
    return context->warning;
}

void srf__tls_context_set_wheel(srf__tls_context_t *context,
                                srf__wheel_t *wheel)
{
    context->tickets.wheel = wheel;
}

srf__tls_context_t *srf__tls_context_ref(srf__tls_context_t *context)
{
    context->refs++;
    return context;
}

void srf__tls_context_unref(srf__tls_context_t *context)
{
    if (context == NULL || --context->refs > 0)
        return;
    free_loaded(&context->loaded);
    forget_sessions(context);
    srf__tickets_forget(&context->tickets);
    BIO_meth_free(context->method);
    srf__arena_deinit(&context->arena);
    srf__free(context);
}

/* ---- for sessions ---- */

SSL_CTX *srf__tls_server_ctx(const srf__tls_context_t *context)
{
    return context->loaded.servers[0];
}

SSL_CTX *srf__tls_client_ctx(const srf__tls_context_t *context)
{
    return context->loaded.client;
}

BIO_METHOD *srf__tls_method(const srf__tls_context_t *context)
{
    return context->method;
}

bool srf__tls_verifies(const srf__tls_context_t *context)
{
    return context->options.insecure == 0;
}

/* Its place in the table; SESSIONS when there is none. */
static unsigned find_kept(const srf__tls_context_t *context, srf__str_t name)
{
    unsigned i = 0;

    while (i < SESSIONS &&
           (context->kept[i].session == NULL ||
            !srf__str_ieq(srf__str_of(context->kept[i].name), name)))
        i++;
    return i;
}

SSL_SESSION *srf__tls_recall(const srf__tls_context_t *context, srf__str_t name)
{
    unsigned at = find_kept(context, name);

    return at == SESSIONS ? NULL : context->kept[at].session;
}

bool srf__tls_remember(srf__tls_context_t *context, srf__str_t name,
                       SSL_SESSION *session)
{
    unsigned at = find_kept(context, name);

    if (name.len == 0 || name.len >= NAME_MAX_BYTES)
        return false;
    if (at == SESSIONS) {
        at = context->next_kept;
        context->next_kept = (at + 1) % SESSIONS;
    }
    kept_t *kept = &context->kept[at];
    SSL_SESSION_free(kept->session);
    memcpy(kept->name, name.p, name.len);
    kept->name[name.len] = '\0';
    kept->session = session;
    return true;
}
