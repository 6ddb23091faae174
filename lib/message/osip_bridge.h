/*
 * The only door to libosip2: the grammar of structured header values, one value
 * at a time, never on the forwarding path. What comes out never reaches the
 * wire.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_OSIP_BRIDGE_H
#define SRF_OSIP_BRIDGE_H

#include "base/alloc.h"
#include "base/str.h"
#include "srf/srf.h"

#include <stdbool.h>

/* Longest value handed to libosip2. */
enum { SRF__OSIP_VALUE_MAX = 8192 };

/* One-time preparation of libosip2, safe to call from several threads; also
 * keeps it from writing to standard output. 0 or SRF_ERR_NO_MEMORY. */
int srf__osip_init(void);

enum { SRF__Q_MAX = 1000 };

typedef struct srf__name_addr {
    const char *display; /* without quotes; NULL when absent */
    const char *uri;     /* as libosip2 writes it */
    const char *user;    /* unescaped; number of a tel; NULL when absent */
    const char *tag;     /* NULL when absent */
    int32_t q; /* thousandths; -1 when absent, 0 when it cannot be read */
    const srf_param_t *params; /* all, in order; values without quotes */
    size_t param_count;
} srf__name_addr_t;

/* Reads one name-addr or addr-spec value (From, To, Contact, P-Asserted-
 * Identity); the first of a list. Strings live in `arena`. 0; SRF_ERR_SYNTAX,
 * also for values with NUL or "%00", values too long, and URIs shorter than
 * libosip2 takes ("sip:x"); SRF_ERR_NO_MEMORY. */
int srf__osip_name_addr(srf__str_t value, srf__arena_t *arena,
                        srf__name_addr_t *out);

/* A challenge of WWW-Authenticate or Proxy-Authenticate (RFC 3261 §20.44): what
 * its strings mean, without quotes and backslashes. */
typedef struct srf__challenge {
    const char *scheme;    /* "Digest" */
    const char *realm;     /* "" when absent */
    const char *nonce;     /* NULL when absent */
    const char *opaque;    /* NULL when absent */
    const char *algorithm; /* NULL when absent */
    const char *qop;       /* list of offers; NULL when absent */
    bool stale;
} srf__challenge_t;

/* Reads the whole value of one such line; these are never lists of several
 * (§7.3.1). Strings live in `arena`. 0; SRF_ERR_SYNTAX, also for values with
 * NUL or "%00", and too long ones; SRF_ERR_NO_MEMORY. */
int srf__osip_challenge(srf__str_t value, srf__arena_t *arena,
                        srf__challenge_t *out);

#endif /* SRF_OSIP_BRIDGE_H */
