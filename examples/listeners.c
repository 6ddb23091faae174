/*
 * Listeners on a command line.
 *
 * SPDX-License-Identifier: MIT
 */
#include "listeners.h"

#include "descriptors.h"
#include "output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char help_text[] =
    "  --listen URI             sip:HOST:PORT;transport=udp, or tcp, tls, ws,\n"
    "                           wss; repeatable\n"
    "  --advertise HOST[:PORT]  how the --listen before it is reached from\n"
    "                           outside\n" ACCESS_HELP
    "  --tls-cert FILE          certificate and chain, PEM, for tls and wss\n"
    "  --tls-key FILE           its key, when that is not in the same file\n"
    "  --tls-ca FILE            whom to trust; default for servers: as the\n"
    "                           system does\n"
    "  --tls-verify WHOM        server (default): servers have to show a good\n"
    "                           certificate; client: clients too, by "
    "--tls-ca;\n"
    "                           optional: clients may; off: nobody is "
    "verified\n"
    "  --ws-origin ORIGIN       where browsers may come from, repeatable; *:\n"
    "                           anywhere; default: the host they connect to\n"
    "  --idle-timeout D         how long a connection may be silent, default "
    "600s\n"
    "  --keepalive N            clients that offer keep-alives are told to "
    "send\n"
    "                           one every N seconds; default: as they like,\n"
    "                           within the idle timeout; none: the offer is\n"
    "                           not taken up\n"
    "  --max-connections N      accepted by each listener, and as many "
    "opened,\n"
    "                           default 16384; never more than the limit of\n"
    "                           descriptors allows\n"
    "  --max-connections-per-source N\n"
    "                           accepted from one address, default half of "
    "all\n"
    "                           that may be accepted, at most 1024; 0: any\n"
    "                           number\n"
    "  --receive-buffer BYTES   of each UDP socket, default 4194304\n"
    "  --gather D               how often datagrams that come densely are "
    "read\n"
    "                           together, default 1ms, at most 20ms; 0s: each\n"
    "                           is read as it comes\n"
    "  --portable-udp           use UDP through libuv alone, with one system\n"
    "                           call for each datagram\n"
    "  --source-rate N          requests per second outside of dialogs that "
    "one\n"
    "                           IPv4 address or /64 of IPv6 may send, default\n"
    "                           500; 0: any number\n"
    "  --source-burst N         how many of these may come at once; default: "
    "as\n"
    "                           many as in a second\n"
    "  --source-exempt CIDR     whom --source-rate does not apply to, such as "
    "a\n"
    "                           trunk with many callers, e.g. 192.0.2.0/24;\n"
    "                           repeatable\n"
    "  --max-memory BYTES       for messages, calls and what connections "
    "hold,\n"
    "                           default 1073741824\n"
    "  --udp-mtu BYTES          requests that are longer leave over TCP where\n"
    "                           there is a listener for it, default 1300;\n"
    "                           none: they leave over UDP, too\n"
    "  --sips-downgrade         send requests for sips URIs without TLS, too,\n"
    "                           where a Route or a target says so\n"
    "  --secret-file FILE       16 to 1024 bytes that marks are made with, so\n"
    "                           that calls outlive a restart; the same in all\n"
    "                           machines of a group\n"
    "  --old-secret-file FILE   the secret before this one: marks that were\n"
    "                           made with it are good, too\n"
    "  --public-destinations    send nothing to addresses that are not public\n"
    "                           where a Route, a redirect or another message\n"
    "                           names them; targets may be anywhere\n"
    "  --destination CIDR       --public-destinations, but for this network,\n"
    "                           which may be named, too; repeatable\n";

/* What is said about a number of which 0 stands for any. */
#define NUMBER_OR_ANY "a number is wanted, or 0 for any"

enum {
    GATHER_MAX_MS = 20, /* see srf_listen_options_t */
    /* No telephone asks for that much, and few trunks; what ten such sources
     * ask for together is still served. */
    SOURCE_RATE = 500,
    SOURCE_RATE_MAX = 1000000,
    SECRET_MIN = 16,
    TARGET_BYTES = 1024
};

void listeners_init(struct listeners *listeners)
{
    srf_tls_options_t tls;
    srf_listen_options_t options;

    srf_tls_options_init(&tls);
    srf_listen_options_init(&options);
    raise_descriptors();
    memset(listeners, 0, sizeof(*listeners));
    listeners->tls = tls;
    listeners->options = options;
    listeners->source_rate = SOURCE_RATE;
}

static const char *add_uri(struct listeners *listeners, const char *uri)
{
    if (listeners->count == LISTENERS_MAX)
        return "given too often";
    listeners->uris[listeners->count++] = uri;
    return NULL;
}

static const char *advertise(struct listeners *listeners, const char *name)
{
    const char *problem = listeners_name(name);

    if (listeners->count == 0)
        return "belongs behind a --listen";
    if (problem != NULL)
        return problem;
    listeners->advertised[listeners->count - 1] = name;
    return NULL;
}

/* Scheme, host and perhaps a port (RFC 6454 §6.2). With a path or without a
 * scheme it would be no browser's, and all of them would get 403. */
static int is_origin(const char *text)
{
    const char *host = strstr(text, "://");

    return strcmp(text, "*") == 0 ||
           (host != NULL && host > text && host[3] != '\0' &&
            strpbrk(host + 3, "/ ") == NULL);
}

static const char *add_origin(struct listeners *listeners, const char *origin)
{
    if (listeners->origin_count == ORIGINS_MAX)
        return "given too often";
    if (!is_origin(origin))
        return "one such as https://phone.example.com is wanted, or *";
    listeners->origins[listeners->origin_count++] = origin;
    return NULL;
}

static const char *read_verify(srf_tls_options_t *tls, const char *value)
{
    tls->insecure = 0;
    tls->client_certificate = SRF_TLS_CLIENT_NONE;
    if (strcmp(value, "off") == 0)
        tls->insecure = 1;
    else if (strcmp(value, "client") == 0)
        tls->client_certificate = SRF_TLS_CLIENT_REQUIRED;
    else if (strcmp(value, "optional") == 0)
        tls->client_certificate = SRF_TLS_CLIENT_OPTIONAL;
    else if (strcmp(value, "server") != 0)
        return "server, client, optional or off";
    return NULL;
}

static const char *read_count(const char *value, uint32_t *out)
{
    char *end;
    unsigned long count = strtoul(value, &end, 10);

    if (*value < '0' || *value > '9' || *end != '\0' || count < 1 ||
        count > INT32_MAX)
        return "a number from 1 is wanted";
    *out = (uint32_t)count;
    return NULL;
}

/* "none" is all there are: no limit, no time. */
static const char *read_or_none(const char *value, uint32_t *out)
{
    if (strcmp(value, "none") != 0) {
        return read_count(value, out) == NULL
                   ? NULL
                   : "a number from 1, or none, is wanted";
    }
    *out = SRF_UNLIMITED;
    return NULL;
}

static const char *read_limit(const char *value, uint32_t *out)
{
    if (strcmp(value, "0") != 0)
        return read_count(value, out) == NULL ? NULL : NUMBER_OR_ANY;
    *out = SRF_UNLIMITED;
    return NULL;
}

static const char *read_bytes(const char *value, uint64_t *out)
{
    char *end;
    unsigned long long bytes = strtoull(value, &end, 10);

    if (*value < '0' || *value > '9' || *end != '\0' || bytes < 1 ||
        bytes > INT64_MAX)
        return "a number from 1 is wanted";
    *out = bytes;
    return NULL;
}

static const char *read_rate(const char *value, uint32_t *out)
{
    if (strcmp(value, "0") == 0) {
        *out = 0;
        return NULL;
    }
    if (read_count(value, out) != NULL)
        return NUMBER_OR_ANY;
    return *out > SOURCE_RATE_MAX ? "at most 1000000" : NULL;
}

static const char *exempt(struct listeners *listeners, const char *range)
{
    srf_cidr_t cidr;

    if (listeners->exempt_count == EXEMPT_MAX)
        return "given too often";
    if (srf_cidr_parse(range, &cidr) != 0)
        return ACCESS_NETWORK_WANTED;
    listeners->source_exempt[listeners->exempt_count++] = range;
    return NULL;
}

static const char *read_time(const char *value, uint32_t *out)
{
    int err = srf_duration_parse(value, out);

    if (err != 0)
        return srf_strerror(err);
    return *out == 0 ? "a time above zero is wanted" : NULL;
}

static const char *read_gather(const char *value, uint32_t *out)
{
    uint32_t ms;
    int err = srf_duration_parse(value, &ms);

    if (err != 0)
        return srf_strerror(err);
    if (ms > GATHER_MAX_MS)
        return "a time up to 20ms is wanted";
    *out = ms == 0 ? SRF_TIMEOUT_NONE : ms;
    return NULL;
}

static const char *read_secret(const char *path, struct secret *out)
{
    FILE *file = fopen(path, "rb");

    if (file == NULL)
        return "cannot be read";
    out->count = (uint32_t)fread(out->bytes, 1, sizeof(out->bytes), file);
    int is_longer = out->count == sizeof(out->bytes) && fgetc(file) != EOF;
    int is_broken = ferror(file); /* a directory can be opened, but not read */
    fclose(file);
    if (is_broken)
        return "cannot be read";
    return out->count < SECRET_MIN || is_longer ? "16 to 1024 bytes are wanted"
                                                : NULL;
}

static const char *add_destination(struct listeners *listeners,
                                   const char *cidr)
{
    if (listeners->destination_count == DESTINATIONS_MAX)
        return "given too often";
    if (srf_cidr_parse(cidr,
                       &listeners->destinations[listeners->destination_count]))
        return ACCESS_NETWORK_WANTED;
    listeners->destination_count++;
    listeners->public_destinations = 1;
    return NULL;
}

static int allow_destination(const srf_destination_t *destination, void *data)
{
    const struct listeners *listeners = data;

    for (size_t i = 0; i < listeners->destination_count; i++) {
        if (srf_cidr_match(&listeners->destinations[i], destination->address))
            return 1;
    }
    return srf_allow_public_destinations(destination, NULL);
}

const char *listeners_read(struct listeners *listeners, int option,
                           const char *value)
{
    switch (option) {
    case LISTENERS_LISTEN:
        return add_uri(listeners, value);
    case LISTENERS_ALLOW:
        return access_allow(&listeners->access, value);
    case LISTENERS_OPEN:
        listeners->access.open = 1;
        return NULL;
    case LISTENERS_ADVERTISE:
        return advertise(listeners, value);
    case LISTENERS_TLS_CERT:
        listeners->tls.certificate_file = value;
        return NULL;
    case LISTENERS_TLS_KEY:
        listeners->tls.key_file = value;
        return NULL;
    case LISTENERS_TLS_CA:
        listeners->tls.ca_file = value;
        return NULL;
    case LISTENERS_TLS_VERIFY:
        return read_verify(&listeners->tls, value);
    case LISTENERS_WS_ORIGIN:
        return add_origin(listeners, value);
    case LISTENERS_IDLE_TIMEOUT:
        return read_time(value, &listeners->options.idle_timeout_ms);
    case LISTENERS_KEEPALIVE:
        return read_or_none(value, &listeners->options.keepalive_s);
    case LISTENERS_CONNECTIONS:
        return read_count(value, &listeners->options.max_connections);
    case LISTENERS_PER_SOURCE:
        return read_limit(value,
                          &listeners->options.max_connections_per_source);
    case LISTENERS_RECEIVE_BUFFER:
        return read_count(value, &listeners->options.receive_buffer_bytes);
    case LISTENERS_GATHER:
        return read_gather(value, &listeners->options.gather_ms);
    case LISTENERS_PORTABLE_UDP:
        listeners->options.portable_udp = 1;
        return NULL;
    case LISTENERS_SOURCE_RATE:
        return read_rate(value, &listeners->source_rate);
    case LISTENERS_SOURCE_BURST:
        return read_count(value, &listeners->source_burst);
    case LISTENERS_MAX_MEMORY:
        return read_bytes(value, &listeners->max_memory_bytes);
    case LISTENERS_UDP_MTU:
        return read_or_none(value, &listeners->udp_mtu);
    case LISTENERS_SIPS_DOWNGRADE:
        listeners->sips_downgrade = 1;
        return NULL;
    case LISTENERS_SOURCE_EXEMPT:
        return exempt(listeners, value);
    case LISTENERS_SECRET:
        return read_secret(value, &listeners->secret);
    case LISTENERS_OLD_SECRET:
        return read_secret(value, &listeners->old_secret);
    case LISTENERS_PUBLIC:
        listeners->public_destinations = 1;
        return NULL;
    case LISTENERS_DESTINATION:
        return add_destination(listeners, value);
    default:
        return "unexpected";
    }
}

const char *listeners_target(const char *target)
{
    char uri[TARGET_BYTES];
    srf_uri_t *parts = NULL;
    size_t len = strlen(target);

    if (len >= 2 && target[0] == '<' && target[len - 1] == '>') {
        target++;
        len -= 2;
    }
    int has_scheme = strncasecmp(target, "sip:", 4) == 0 ||
                     strncasecmp(target, "sips:", 5) == 0 ||
                     strncasecmp(target, "tel:", 4) == 0;
    int written =
        snprintf(uri, sizeof(uri), "%s%.*s", has_scheme ? "" : "sip:",
                 (int)(len < sizeof(uri) ? len : sizeof(uri)), target);
    if (written < 0 || (size_t)written >= sizeof(uri))
        return "too long";
    int err = srf_uri_parse(uri, &parts);
    srf_free(parts);
    return err == 0 ? NULL : srf_strerror(err);
}

const char *listeners_name(const char *name)
{
    if (strpbrk(name, "@;?<> ") != NULL || strncasecmp(name, "sip:", 4) == 0 ||
        listeners_target(name) != NULL)
        return "HOST or HOST:PORT is wanted";
    return NULL;
}

const char *listeners_check(struct listeners *listeners, const char **option)
{
    const char *problem = NULL;

    *option = "--tls-verify";
    if (listeners->tls.client_certificate != SRF_TLS_CLIENT_NONE &&
        listeners->tls.ca_file == NULL)
        return "--tls-ca has to say whose certificates are good";
    if (listeners->count == 0)
        problem = add_uri(listeners, access_default_uri(&listeners->access));
    for (size_t i = 0; problem == NULL && i < listeners->count; i++) {
        *option = listeners->uris[i];
        problem = access_check(&listeners->access, listeners->uris[i]);
    }
    return problem;
}

void listeners_limit(const struct listeners *listeners, srf_options_t *stack)
{
    stack->source_rate = listeners->source_rate;
    stack->source_burst = listeners->source_burst;
    stack->source_exempt = listeners->source_exempt;
    stack->max_memory_bytes = listeners->max_memory_bytes;
    stack->udp_mtu = listeners->udp_mtu;
    stack->sips_downgrade = listeners->sips_downgrade;
    if (listeners->secret.count > 0)
        stack->secret = listeners->secret.bytes;
    stack->secret_bytes = listeners->secret.count;
    if (listeners->old_secret.count > 0)
        stack->old_secret = listeners->old_secret.bytes;
    stack->old_secret_bytes = listeners->old_secret.count;
    if (listeners->public_destinations) {
        stack->allow_destination = allow_destination;
        stack->destination_data = (void *)(uintptr_t)listeners;
    }
}

void listeners_usage(int is_wrong)
{
    output_usage(help_text, is_wrong);
}

int listeners_start(const struct listeners *listeners, srf_t *srf,
                    const char **failed)
{
    srf_listen_options_t options = listeners->options;
    int err;

    options.tls = &listeners->tls;
    if (listeners->origin_count > 0)
        options.origins = listeners->origins;
    for (size_t i = 0; i < listeners->count; i++) {
        options.advertise = listeners->advertised[i];
        err = srf_listen(srf, listeners->uris[i], &options);
        if (err != 0) {
            *failed = listeners->uris[i];
            return err;
        }
    }
    *failed = "--allow";
    err = access_guard(&listeners->access, srf);
    if (err != 0)
        return err;
    if (listeners->makes_marks && listeners->secret.count == 0)
        output_log("no --secret-file: calls and registrations of now do not "
                   "outlive a restart");
    for (size_t i = 0; i < listeners->count; i++)
        output_print("listening on %s", srf_listener_uri(srf, i));
    return 0;
}

void listeners_reload(const struct listeners *listeners, srf_t *srf)
{
    for (size_t i = 0; i < listeners->count; i++) {
        int err = srf_reload_certificates(srf, i);
        if (err == 0) {
            output_log("certificates of %s read again",
                       srf_listener_uri(srf, i));
        } else if (err != SRF_ERR_INVALID_ARGUMENT) { /* no certificates */
            output_log("certificates of %s kept: %s", srf_listener_uri(srf, i),
                       srf_strerror(err));
        }
    }
}
