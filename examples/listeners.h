/*
 * Listeners on a command line, for srf-proxy and srf-lb: --listen with what
 * belongs to it, how much may come from where, and what may go where.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LISTENERS_H
#define LISTENERS_H

#include <stddef.h>

#include <srf/srf.h>

#include "access.h"

enum {
    LISTENERS_MAX = 64,
    ORIGINS_MAX = 64,
    EXEMPT_MAX = 64,
    DESTINATIONS_MAX = 64,
    SECRET_MAX = 1024
};

struct secret {
    unsigned char bytes[SECRET_MAX];
    uint32_t count; /* 0: none was given */
};

struct listeners {
    const char *uris[LISTENERS_MAX];
    const char *advertised[LISTENERS_MAX]; /* NULL: none */
    size_t count;
    const char *origins[ORIGINS_MAX + 1];
    size_t origin_count;
    srf_tls_options_t tls;
    srf_listen_options_t options;
    struct access access;
    uint32_t source_rate; /* 0: no limit */
    uint32_t source_burst;
    const char *source_exempt[EXEMPT_MAX + 1];
    size_t exempt_count;
    struct secret secret; /* of marks */
    struct secret old_secret;
    int public_destinations;
    srf_cidr_t destinations[DESTINATIONS_MAX]; /* allowed besides */
    size_t destination_count;
    int makes_marks;           /* the program sets Record-Route or Path */
    uint64_t max_memory_bytes; /* 0: as the library has it */
    uint32_t udp_mtu;          /* the same */
    uint32_t sips_downgrade;
};

/* Entries for an array of `struct option`; their values begin at
 * LISTENERS_FIRST. */
#define LISTENERS_LONG_OPTIONS                                                \
 {"listen", required_argument, NULL, LISTENERS_LISTEN},                       \
     {"allow", required_argument, NULL, LISTENERS_ALLOW},                     \
     {"open", no_argument, NULL, LISTENERS_OPEN},                             \
     {"advertise", required_argument, NULL, LISTENERS_ADVERTISE},             \
     {"tls-cert", required_argument, NULL, LISTENERS_TLS_CERT},               \
     {"tls-key", required_argument, NULL, LISTENERS_TLS_KEY},                 \
     {"tls-ca", required_argument, NULL, LISTENERS_TLS_CA},                   \
     {"tls-verify", required_argument, NULL, LISTENERS_TLS_VERIFY},           \
     {"ws-origin", required_argument, NULL, LISTENERS_WS_ORIGIN},             \
     {"idle-timeout", required_argument, NULL, LISTENERS_IDLE_TIMEOUT},       \
     {"keepalive", required_argument, NULL, LISTENERS_KEEPALIVE},             \
     {"max-connections", required_argument, NULL, LISTENERS_CONNECTIONS},     \
     {"receive-buffer", required_argument, NULL, LISTENERS_RECEIVE_BUFFER},   \
     {"gather", required_argument, NULL, LISTENERS_GATHER},                   \
     {"portable-udp", no_argument, NULL, LISTENERS_PORTABLE_UDP},             \
     {"source-rate", required_argument, NULL, LISTENERS_SOURCE_RATE},         \
     {"source-burst", required_argument, NULL, LISTENERS_SOURCE_BURST},       \
     {"source-exempt", required_argument, NULL, LISTENERS_SOURCE_EXEMPT},     \
     {"secret-file", required_argument, NULL, LISTENERS_SECRET},              \
     {"old-secret-file", required_argument, NULL, LISTENERS_OLD_SECRET},      \
     {"public-destinations", no_argument, NULL, LISTENERS_PUBLIC},            \
     {"max-memory", required_argument, NULL, LISTENERS_MAX_MEMORY},           \
     {"udp-mtu", required_argument, NULL, LISTENERS_UDP_MTU},                 \
     {"sips-downgrade", no_argument, NULL, LISTENERS_SIPS_DOWNGRADE},         \
     {"destination", required_argument, NULL, LISTENERS_DESTINATION},         \
 {                                                                            \
  "max-connections-per-source", required_argument, NULL, LISTENERS_PER_SOURCE \
 }

enum {
    LISTENERS_FIRST = 1000,
    LISTENERS_LISTEN = LISTENERS_FIRST,
    LISTENERS_ALLOW,
    LISTENERS_OPEN,
    LISTENERS_ADVERTISE,
    LISTENERS_TLS_CERT,
    LISTENERS_TLS_KEY,
    LISTENERS_TLS_CA,
    LISTENERS_TLS_VERIFY,
    LISTENERS_WS_ORIGIN,
    LISTENERS_IDLE_TIMEOUT,
    LISTENERS_KEEPALIVE,
    LISTENERS_CONNECTIONS,
    LISTENERS_PER_SOURCE,
    LISTENERS_RECEIVE_BUFFER,
    LISTENERS_GATHER,
    LISTENERS_PORTABLE_UDP,
    LISTENERS_SOURCE_RATE,
    LISTENERS_SOURCE_BURST,
    LISTENERS_SOURCE_EXEMPT,
    LISTENERS_SECRET,
    LISTENERS_OLD_SECRET,
    LISTENERS_PUBLIC,
    LISTENERS_DESTINATION,
    LISTENERS_MAX_MEMORY,
    LISTENERS_UDP_MTU,
    LISTENERS_SIPS_DOWNGRADE,
    LISTENERS_LAST = LISTENERS_SIPS_DOWNGRADE
};

/* Raises the limit of descriptors to what the process may have, too. */
void listeners_init(struct listeners *listeners);

/* Reads an option and its value. NULL, or what is wrong with it. */
const char *listeners_read(struct listeners *listeners, int option,
                           const char *value);

/* NULL, or what is wrong with a target, which each call would fail for. */
const char *listeners_target(const char *target);

/* NULL, or what is wrong with a name of the proxy, HOST or HOST:PORT. */
const char *listeners_name(const char *name);

/* When all options are read: NULL, or what does not go together, and *option is
 * what that is about. Without any --listen there is a default. */
const char *listeners_check(struct listeners *listeners, const char **option);

/* Sets what the stack's options say of sources, destinations, secrets and
 * memory. Points into `listeners`. */
void listeners_limit(const struct listeners *listeners, srf_options_t *stack);

/* Prints what these options are, for --help. */
void listeners_usage(int is_wrong);

/* Listens on all of them, and guards them: handlers come behind. 0, or an error
 * code; *failed is the URI then. */
int listeners_start(const struct listeners *listeners, srf_t *srf,
                    const char **failed);

/* Reads the certificates again (on SIGHUP); says on stderr what it did. */
void listeners_reload(const struct listeners *listeners, srf_t *srf);

#endif /* LISTENERS_H */
