/*
 * Listening: from a URI to a listener.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/alloc.h"
#include "base/error.h"
#include "core/stack.h"
#include "transport/gather.h"
#include "transport/stream.h"
#include "transport/udp.h"

enum {
    DEFAULT_CONNECT_TIMEOUT_MS = 5000,
    DEFAULT_ACCEPT_TIMEOUT_MS = 5000,
    DEFAULT_MESSAGE_TIMEOUT_MS = 10000,
    DEFAULT_IDLE_TIMEOUT_MS = 600000, /* keep-alives come every two minutes */
    USUAL_KEEPALIVE_MS = 120000,      /* RFC 5626 §4.4.1 */
    DEFAULT_CONNECTIONS = 16384,
    DEFAULT_SEND_QUEUE_BYTES = 1 << 20
};

/* ---- the URI ---- */

static bool is_wildcard(srf__str_t rest, size_t *len)
{
    *len = 1;
    return rest.len >= 1 && rest.p[0] == '*' &&
           (rest.len == 1 || rest.p[1] == ':' || rest.p[1] == ';');
}

/* Reads ":PORT", which may be 0 here (unlike in a URI), off the front; -1 when
 * there is none. */
static bool take_port(srf__str_t *rest, int32_t *port)
{
    uint32_t value;
    size_t end = srf__str_find(*rest, ';');

    *port = -1;
    if (rest->len == 0 || rest->p[0] != ':')
        return true;
    if (!srf__str_to_u32(srf__str(rest->p + 1, end - 1), 65535, &value))
        return false;
    *port = (int32_t)value;
    *rest = srf__str(rest->p + end, rest->len - end);
    return true;
}

static size_t host_length(srf__str_t rest)
{
    size_t len = 0;

    if (rest.len > 0 && rest.p[0] == '[') {
        len = srf__str_find(rest, ']');
        return len < rest.len ? len + 1 : len;
    }
    while (len < rest.len && rest.p[len] != ':' && rest.p[len] != ';')
        len++;
    return len;
}

/* Only ";transport=" may follow. */
static int read_transport(srf__str_t params, bool secure,
                          srf__transport_id_t *out)
{
    srf__uri_param_t param;

    *out = secure ? SRF__TRANSPORT_TLS : SRF__TRANSPORT_UDP;
    if (params.len == 0)
        return 0;
    if (!srf__uri_param_next(&params, &param) || params.len > 0 ||
        !srf__uri_param_is(&param, "transport"))
        return SRF_ERR_INVALID_URI;
    *out = srf__transport_find(param.value);
    if (*out == SRF__TRANSPORT_NONE)
        return SRF_ERR_UNSUPPORTED;
    if (secure)
        *out = srf__transport_secured(*out);
    return secure && !srf__transport_is_secure(*out) ? SRF_ERR_UNSUPPORTED : 0;
}

/* Cuts "sip:" or "sips:" off the front. */
static bool take_scheme(srf__str_t *rest, bool *secure)
{
    size_t colon = srf__str_find(*rest, ':');
    srf__str_t scheme = srf__str(rest->p, colon);

    *secure = srf__str_ieq(scheme, SRF__STR("sips"));
    if (colon == rest->len ||
        (!*secure && !srf__str_ieq(scheme, SRF__STR("sip"))))
        return false;
    *rest = srf__str(rest->p + colon + 1, rest->len - colon - 1);
    return true;
}

static int read_uri(const char *uri, srf__addr_t *out)
{
    srf__str_t rest = srf__str_of(uri);
    srf__str_t host = SRF__STR("0.0.0.0");
    srf__transport_id_t transport;
    bool secure;
    int32_t port;
    size_t len;

    if (!take_scheme(&rest, &secure))
        return SRF_ERR_INVALID_URI;
    if (!is_wildcard(rest, &len)) {
        len = host_length(rest);
        host = srf__str(rest.p, len);
    }
    rest = srf__str(rest.p + len, rest.len - len);
    if (!take_port(&rest, &port) || (rest.len > 0 && rest.p[0] != ';'))
        return SRF_ERR_INVALID_URI;
    int err = read_transport(rest, secure, &transport);
    if (err != 0)
        return err;
    return srf__addr_from_host(out, host,
                               port < 0 ? srf__transport_port(transport)
                                        : (uint16_t)port,
                               transport)
               ? 0
               : SRF_ERR_INVALID_URI;
}

/* ---- the settings ---- */

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value == 0 ? otherwise : value;
}

static void warn_of_files(srf_t *srf, const srf__tls_context_t *tls)
{
    const srf__log_context_t context = {.module = "transport"};
    const char *warning = srf__tls_context_warning(tls);

    if (warning[0] != '\0')
        srf__log_write(&srf->element.log, SRF_LOG_WARNING, &context, "%s",
                       warning);
}

/* What the options come to; with a reference to the TLS context. */
static int make_settings(srf_t *srf, const char *uri,
                         const srf__addr_t *address,
                         const srf_listen_options_t *given,
                         srf__stream_settings_t *out)
{
    const srf__log_context_t context = {.module = "transport"};
    char why[SRF__TLS_WHY];

    *out = (srf__stream_settings_t){
        .connect_timeout_ms =
            or_default(given->connect_timeout_ms, DEFAULT_CONNECT_TIMEOUT_MS),
        .accept_timeout_ms =
            or_default(given->accept_timeout_ms, DEFAULT_ACCEPT_TIMEOUT_MS),
        .message_timeout_ms =
            or_default(given->message_timeout_ms, DEFAULT_MESSAGE_TIMEOUT_MS),
        .idle_timeout_ms =
            or_default(given->idle_timeout_ms, DEFAULT_IDLE_TIMEOUT_MS),
        .max_connections =
            or_default(given->max_connections, DEFAULT_CONNECTIONS),
        .max_connections_per_source = given->max_connections_per_source,
        .send_queue_bytes =
            or_default(given->send_queue_bytes, DEFAULT_SEND_QUEUE_BYTES),
        .max_message_bytes = srf->max_message_bytes,
        .ws.max_message_bytes = srf->max_message_bytes,
        .ws.origins = given->origins,
        .ws.secure = srf__transport_is_secure(address->transport),
    };
    if (!srf__transport_is_secure(address->transport))
        return 0;
    if (given->tls == NULL)
        return SRF_ERR_INVALID_ARGUMENT;
    int err = srf__tls_context_create(given->tls, &out->tls, why);
    if (err != 0 && why[0] != '\0')
        srf__log_write(&srf->element.log, SRF_LOG_ERROR, &context,
                       "cannot listen on %s: %s", uri, why);
    if (err == 0) {
        srf__tls_context_set_wheel(out->tls, srf->element.wheel);
        warn_of_files(srf, out->tls);
    }
    return err;
}

/* Clients send keep-alives of their own accord before silence ends most
 * connections; where it does so earlier, they are told. A little late is early
 * enough. */
static uint32_t keepalive_s(const srf_listen_options_t *given,
                            const srf__addr_t *address)
{
    uint32_t idle_ms =
        or_default(given->idle_timeout_ms, DEFAULT_IDLE_TIMEOUT_MS);
    uint32_t early_ms = idle_ms / 4 * 3;

    if (given->keepalive_s != 0 || address->transport == SRF__TRANSPORT_UDP ||
        early_ms >= USUAL_KEEPALIVE_MS)
        return given->keepalive_s;
    return early_ms < 1000 ? 1 : early_ms / 1000;
}

/* Whether silence ends a connection before its client breaks it. */
static bool is_too_rare(const srf_listen_options_t *given,
                        const srf__addr_t *address)
{
    uint32_t idle_ms =
        or_default(given->idle_timeout_ms, DEFAULT_IDLE_TIMEOUT_MS);

    return address->transport != SRF__TRANSPORT_UDP &&
           given->keepalive_s != SRF_TIMEOUT_NONE &&
           given->keepalive_s * UINT64_C(1000) > idle_ms;
}

/* What it is seen as from outside, and what clients are told there. */
static void describe(srf__transports_t *transports, char *hostport,
                     uint32_t keepalive)
{
    srf__listener_t *listener = transports->listeners;

    while (listener->next != NULL)
        listener = listener->next;
    listener->keepalive_s = keepalive;
    listener->advertised = hostport;
    transports->advertises = transports->advertises || hostport != NULL;
}

static int listen_on_stream(srf_t *srf, const char *uri,
                            const srf__addr_t *address,
                            const srf_listen_options_t *given)
{
    srf__stream_settings_t settings;

    int err = make_settings(srf, uri, address, given, &settings);
    if (err != 0)
        return err;
    err = srf__stream_listen(&srf->element.transports, address, &settings);
    srf__tls_context_unref(settings.tls);
    return err;
}

static uint32_t gather_ms(uint32_t given)
{
    if (given == SRF_TIMEOUT_NONE)
        return 0;
    return given == 0 ? SRF__GATHER_DEFAULT_MS : given;
}

int srf_listen(srf_t *srf, const char *uri, const srf_listen_options_t *options)
{
    srf_listen_options_t given;
    srf__addr_t address;

    if (srf == NULL || uri == NULL)
        return SRF_ERR_INVALID_ARGUMENT;
    if (srf->closing)
        return SRF_ERR_CANCELED;
    int err =
        srf__options_copy(&given, sizeof(given), options, sizeof(given.size));
    if (err == 0)
        err = read_uri(uri, &address);
    if (err != 0)
        return err;
    if (gather_ms(given.gather_ms) > SRF__GATHER_MAX_MS ||
        is_too_rare(&given, &address))
        return SRF_ERR_INVALID_ARGUMENT;
    char *advertised;
    err = srf__advertised_read(given.advertise, &advertised);
    if (err != 0)
        return err;
    const srf__udp_settings_t udp = {
        .receive_buffer_bytes = given.receive_buffer_bytes,
        .gather_ms = gather_ms(given.gather_ms),
        .portable = given.portable_udp != 0,
    };
    if (!srf__transport_is_reliable(address.transport))
        err = srf__udp_listen(&srf->element.transports, &address, &udp);
    else
        err = listen_on_stream(srf, uri, &address, &given);
    if (err == 0) {
        describe(&srf->element.transports, advertised,
                 keepalive_s(&given, &address));
    } else {
        srf__free(advertised);
    }
    return err;
}

/* ---- listeners that are there ---- */

static srf__listener_t *find_listener(const srf_t *srf, size_t index)
{
    srf__listener_t *listener =
        srf->closing ? NULL : srf->element.transports.listeners;

    while (listener != NULL && index > 0) {
        listener = listener->next;
        index--;
    }
    return listener;
}

const char *srf_listener_uri(const srf_t *srf, size_t index)
{
    const srf__listener_t *listener = find_listener(srf, index);

    return listener == NULL ? NULL : listener->uri;
}

int srf_reload_certificates(srf_t *srf, size_t index)
{
    const srf__log_context_t context = {.module = "transport"};
    char why[SRF__TLS_WHY];

    if (srf == NULL)
        return SRF_ERR_INVALID_ARGUMENT;
    srf__listener_t *listener = find_listener(srf, index);
    if (listener == NULL ||
        !srf__transport_is_secure(listener->bound.transport))
        return SRF_ERR_INVALID_ARGUMENT;
    const srf__stream_t *stream = (const srf__stream_t *)listener;
    int err = srf__tls_context_reload(stream->settings.tls, why);
    if (err == SRF_ERR_TLS) {
        srf__log_write(&srf->element.log, SRF_LOG_ERROR, &context,
                       "certificates of %s stay as they are: %s", listener->uri,
                       why);
    }
    if (err == 0)
        warn_of_files(srf, stream->settings.tls);
    return err;
}
