/*
 * Names of header fields and methods as small numbers.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_HEADER_H
#define SRF_HEADER_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Header fields this library needs to tell apart; with the compact form where
 * one is defined (RFC 3261 §7.3.3 and the IANA registry). */
#define SRF__HEADER_MAP(XX)                        \
 XX(VIA, "Via", 'v')                               \
 XX(FROM, "From", 'f')                             \
 XX(TO, "To", 't')                                 \
 XX(CALL_ID, "Call-ID", 'i')                       \
 XX(CSEQ, "CSeq", 0)                               \
 XX(MAX_FORWARDS, "Max-Forwards", 0)               \
 XX(CONTENT_LENGTH, "Content-Length", 'l')         \
 XX(ROUTE, "Route", 0)                             \
 XX(RECORD_ROUTE, "Record-Route", 0)               \
 XX(CONTACT, "Contact", 'm')                       \
 XX(CONTENT_TYPE, "Content-Type", 'c')             \
 XX(REQUIRE, "Require", 0)                         \
 XX(PROXY_REQUIRE, "Proxy-Require", 0)             \
 XX(SUPPORTED, "Supported", 'k')                   \
 XX(AUTHORIZATION, "Authorization", 0)             \
 XX(PROXY_AUTHORIZATION, "Proxy-Authorization", 0) \
 XX(WWW_AUTHENTICATE, "WWW-Authenticate", 0)       \
 XX(PROXY_AUTHENTICATE, "Proxy-Authenticate", 0)   \
 XX(MAX_BREADTH, "Max-Breadth", 0)                 \
 XX(PATH, "Path", 0)                               \
 XX(REASON, "Reason", 0)                           \
 XX(TIMESTAMP, "Timestamp", 0)

typedef enum srf__header_id {
    SRF__HDR_OTHER = 0,
#define SRF__HEADER_ENUM(id, name, compact) SRF__HDR_##id,
    SRF__HEADER_MAP(SRF__HEADER_ENUM)
#undef SRF__HEADER_ENUM
        SRF__HDR_COUNT
} srf__header_id_t;

/* Methods of the IANA registry. */
#define SRF__METHOD_MAP(XX) \
 XX(INVITE)                 \
 XX(ACK)                    \
 XX(CANCEL)                 \
 XX(BYE)                    \
 XX(OPTIONS)                \
 XX(REGISTER)               \
 XX(PRACK)                  \
 XX(SUBSCRIBE)              \
 XX(NOTIFY)                 \
 XX(PUBLISH)                \
 XX(INFO)                   \
 XX(REFER)                  \
 XX(MESSAGE)                \
 XX(UPDATE)

typedef enum srf__method {
    SRF__METHOD_OTHER = 0,
#define SRF__METHOD_ENUM(name) SRF__METHOD_##name,
    SRF__METHOD_MAP(SRF__METHOD_ENUM)
#undef SRF__METHOD_ENUM
        SRF__METHOD_COUNT
} srf__method_t;

/* Finds the id of a name in any case, long or compact. */
srf__header_id_t srf__header_find(srf__str_t name);
/* Returns the long name; the empty view for SRF__HDR_OTHER. */
srf__str_t srf__header_name(srf__header_id_t id);
/* Finds a method, whose case matters (RFC 3261 §7.1). */
srf__method_t srf__method_find(srf__str_t name);
/* Tells whether it sets up or refreshes a dialog. Methods we do not know may do
 * that. */
static inline bool srf__method_may_form_dialog(uint8_t method)
{
    return method == SRF__METHOD_INVITE || method == SRF__METHOD_SUBSCRIBE ||
           method == SRF__METHOD_REFER || method == SRF__METHOD_NOTIFY ||
           method == SRF__METHOD_UPDATE || method == SRF__METHOD_OTHER;
}
/* Returns the name; the empty view for SRF__METHOD_OTHER. */
srf__str_t srf__method_name(srf__method_t method);

/* ---- most lines ---- */

enum { SRF__HEADER_PAIRS = 64, SRF__SAME_PAIR_MAX = 4 };

extern const srf__str_t srf__header_names[SRF__HDR_COUNT];
/* By the first two bytes of a name. */
extern const uint8_t srf__header_by_pair[SRF__HEADER_PAIRS][SRF__SAME_PAIR_MAX];

static inline uint64_t srf__load_8(const char *p)
{
    uint64_t bytes;

    memcpy(&bytes, p, sizeof(bytes));
    return bytes;
}

static inline uint32_t srf__load_4(const char *p)
{
    uint32_t bytes;

    memcpy(&bytes, p, sizeof(bytes));
    return bytes;
}

enum { SRF__SAME_BYTES_MAX = 24 };

/* Tells whether 2 to 24 bytes are the same, by loads that overlap, because
 * every line of every message comes by here and a call of memcmp() costs more
 * than this. */
static inline bool srf__same_bytes(const char *a, const char *b, size_t len)
{
    if (len >= 8) {
        return srf__load_8(a) == srf__load_8(b) &&
               srf__load_8(a + len - 8) == srf__load_8(b + len - 8) &&
               (len <= 16 || srf__load_8(a + 8) == srf__load_8(b + 8));
    }
    if (len >= 4) {
        return srf__load_4(a) == srf__load_4(b) &&
               srf__load_4(a + len - 4) == srf__load_4(b + len - 4);
    }
    return a[0] == b[0] && a[1] == b[1] && a[len - 1] == b[len - 1];
}

/* The header field whose long name, in the RFC's spelling and with a colon
 * right behind, the line begins with, as most lines do, and the length of that
 * name. SRF__HDR_OTHER when the line has to be looked at more closely. The line
 * has at least one byte, and the byte at `end`, its end, can be read. */
static inline srf__header_id_t
srf__header_guess(const char *line, const char *end, uint16_t *name_len)
{
    unsigned pair = (unsigned char)line[0] * 2u + (unsigned char)line[1];
    const uint8_t *id = srf__header_by_pair[pair % SRF__HEADER_PAIRS];

    for (; *id != SRF__HDR_OTHER; id++) {
        srf__str_t name = srf__header_names[*id];
        if ((size_t)(end - line) > name.len && line[name.len] == ':' &&
            srf__same_bytes(line, name.p, name.len)) {
            *name_len = (uint16_t)name.len;
            return (srf__header_id_t)*id;
        }
    }
    return SRF__HDR_OTHER;
}

#endif /* SRF_HEADER_H */
