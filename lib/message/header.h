/*
 * Names of header fields and methods as small numbers.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_HEADER_H
#define SRF_HEADER_H

#include "base/str.h"

#include <stdint.h>

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

/* Case-insensitive, compact forms included. */
srf__header_id_t srf__header_find(srf__str_t name);
/* The header field whose long name, in the RFC's spelling and with a colon
 * right behind, the line begins with, as most lines do, and the length of that
 * name. SRF__HDR_OTHER when the line has to be looked at more closely. The line
 * has at least one byte, and the byte at `end`, its end, can be read. */
srf__header_id_t srf__header_guess(const char *line, const char *end,
                                   uint16_t *name_len);
/* Long name; the empty view for SRF__HDR_OTHER. */
srf__str_t srf__header_name(srf__header_id_t id);
/* Compact letter, 0 when there is none. */
char srf__header_compact(srf__header_id_t id);
/* Case-sensitive (RFC 3261 §7.1). */
srf__method_t srf__method_find(srf__str_t name);
/* The empty view for SRF__METHOD_OTHER. */
srf__str_t srf__method_name(srf__method_t method);

#endif /* SRF_HEADER_H */
