/*
 * SIP, SIPS and tel URIs: read where they stand, nothing copied. Grammar of
 * RFC 3261 §19.1 and §25.1; comparison of §19.1.4.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_URI_H
#define SRF_URI_H

#include "base/buf.h"
#include "base/str.h"
#include "message/scan.h"

#include <stdbool.h>
#include <stdint.h>

/* The parameter of our own URIs that holds their mark. */
#define SRF__MARK_PARAM "srf"

typedef enum srf__scheme {
    SRF__SCHEME_OTHER = 0, /* a well-formed scheme we do not know */
    SRF__SCHEME_SIP,
    SRF__SCHEME_SIPS,
    SRF__SCHEME_TEL
} srf__scheme_t;

/* Views into the text that was read; empty when absent. */
typedef struct srf__uri {
    srf__str_t text; /* all of it */
    srf__str_t user; /* escaped as it stands, no password; number of a tel */
    srf__str_t password; /* p is not NULL when it is there, be it empty */
    srf__str_t host;     /* IPv6 with its brackets */
    srf__str_t params;   /* from the first ";" on, before "?"; for tel too */
    srf__str_t headers;  /* behind "?" */
    srf__str_t maddr;    /* value of that parameter */
    srf__str_t mark;     /* of the parameter that our own URIs have, mark.h */
    uint16_t port;       /* 0 when absent */
    uint8_t family;      /* 4 or 6 when the host is numeric, else 0 */
    uint8_t ip[16];      /* then its bytes */
    uint8_t scheme;      /* srf__scheme_t */
    uint8_t transport;   /* srf__transport_id_t of transport=; NONE if absent */
    bool transport_unknown; /* transport= names one we do not know */
    bool lr;                /* parameter lr is there */
    bool has_user;          /* there was an "@" (an empty user is an error) */
} srf__uri_t;

/* Reads a URI that makes up all of `text`. 0; SRF_ERR_INVALID_URI. A scheme
 * other than sip, sips and tel gives SRF__SCHEME_OTHER and only `text`.
 * Refused: bytes outside the grammar (white space, "<", ">", quotes, controls),
 * % without two hex digits, empty user or host, a host that is neither a host
 * name (RFC 3261 §25.1 hostname, underscore tolerated) nor an IPv4 address nor
 * IPv6 in brackets, a port that is 0, not a number or above 65535, a parameter
 * transport or maddr that is there twice or without value, a maddr that is no
 * host. Tolerated beyond the grammar: "#" in a user part, a local tel number
 * without phone-context. */
int srf__uri_parse(srf__str_t text, srf__uri_t *out);

/* Reads a name-addr or addr-spec such as a Route, From or Contact value
 * (RFC 3261 §20.10): `out` is the URI inside; *params receives the header
 * parameters behind (from ";" on, or empty). In the addr-spec form everything
 * from the first ";" on belongs to the header. 0; SRF_ERR_INVALID_URI. */
int srf__name_addr_parse(srf__str_t value, srf__uri_t *out, srf__str_t *params);

/* A parameter of a URI. What it is called is told by srf__uri_param_is() alone:
 * its name may be escaped (RFC 3261 §19.1.4). */
typedef struct srf__uri_param {
    srf__str_t whole; /* with its ";": what goes when it is cut */
    srf__str_t name;  /* as it stands */
    srf__str_t value; /* as it stands; p is NULL for one without "=" */
} srf__uri_param_t;

/* The next of the parameters that srf__uri_parse() left in `params`, read as it
 * read them: takes it off *rest. False when none is left. */
bool srf__uri_param_next(srf__str_t *rest, srf__uri_param_t *out);
/* Whether it is called `name` (small letters): in any case, escaped or not. */
bool srf__uri_param_is(const srf__uri_param_t *param, const char *name);
/* Writes the name to `out`, which has room for name.len bytes: escapes that
 * mean the plain byte (§19.1.4) as that byte. Returns its length. */
size_t srf__uri_param_write_name(const srf__uri_param_t *param, char *out);

/* Equality by RFC 3261 §19.1.4, IPv6 hosts by their address (RFC 5954 §4.2).
 * tel URIs by RFC 3966 §4; other schemes byte by byte. Lists of more than 64
 * parameters or headers are equal only when all their bytes are. */
bool srf__uri_eq(const srf__uri_t *a, const srf__uri_t *b);

/* Whether the scheme of a URI is sips. */
bool srf__uri_is_sips(srf__str_t uri);

/* Port with the default of the scheme and transport: 5060, 5061 for sips and
 * tls (RFC 3261 §19.1.2). */
uint16_t srf__uri_port(const srf__uri_t *uri);

/* The host without brackets is a numeric IPv4 or IPv6 address: writes 4 or 16
 * bytes to `ip` and returns 4 or 6; else 0. */
int srf__host_to_ip(srf__str_t host, uint8_t ip[16]);

/*
 * Completes what a program gives as a target (docs: srf_proxy_request()): cuts
 * "<...>" with or without display name, adds "sip:" when there is no scheme,
 * appends to `out` and reads the result into *uri (views into out's bytes: use
 * before appending more). "host:port", "[::1]:5060" and "user@host" are not
 * mistaken for schemes. 0; SRF_ERR_INVALID_URI; SRF_ERR_UNSUPPORTED for a
 * scheme other than sip, sips, tel; SRF_ERR_NO_MEMORY. Header parts ("?...")
 * are refused: they have no place in a Request-URI (RFC 3261 §19.1.1 table 1).
 */
int srf__target_normalize(const char *text, srf__buf_t *out, srf__uri_t *uri);

#endif /* SRF_URI_H */
