/*
 * Names of header fields and methods as small numbers.
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/header.h"

#include "message/lines.h"

const srf__str_t srf__header_names[SRF__HDR_COUNT] = {
    [SRF__HDR_OTHER] = {NULL, 0},
#define HEADER_NAME(id, name, compact) [SRF__HDR_##id] = SRF__VIEW(name),
    SRF__HEADER_MAP(HEADER_NAME)
#undef HEADER_NAME
};

static const char header_compacts[SRF__HDR_COUNT] = {
#define HEADER_COMPACT(id, name, compact) [SRF__HDR_##id] = (compact),
    SRF__HEADER_MAP(HEADER_COMPACT)
#undef HEADER_COMPACT
};

static const srf__str_t method_names[SRF__METHOD_COUNT] = {
    [SRF__METHOD_OTHER] = {NULL, 0},
#define METHOD_NAME(name) [SRF__METHOD_##name] = SRF__VIEW(#name),
    SRF__METHOD_MAP(METHOD_NAME)
#undef METHOD_NAME
};

enum { LETTERS = 32, NAME_LEN_MAX = 19 };

/* The one candidate by length and the low bits of the first letter, which do
 * not tell case. Only "Call-ID" and "Contact" share a place. */
#define AT(len, letter) [len][(letter) % LETTERS]
static const uint8_t header_by_length[NAME_LEN_MAX + 1][LETTERS] = {
    AT(1, 'c') = SRF__HDR_CONTENT_TYPE,
    AT(1, 'f') = SRF__HDR_FROM,
    AT(1, 'i') = SRF__HDR_CALL_ID,
    AT(1, 'k') = SRF__HDR_SUPPORTED,
    AT(1, 'l') = SRF__HDR_CONTENT_LENGTH,
    AT(1, 'm') = SRF__HDR_CONTACT,
    AT(1, 't') = SRF__HDR_TO,
    AT(1, 'v') = SRF__HDR_VIA,
    AT(2, 't') = SRF__HDR_TO,
    AT(3, 'v') = SRF__HDR_VIA,
    AT(4, 'c') = SRF__HDR_CSEQ,
    AT(4, 'f') = SRF__HDR_FROM,
    AT(4, 'p') = SRF__HDR_PATH,
    AT(5, 'r') = SRF__HDR_ROUTE,
    AT(6, 'r') = SRF__HDR_REASON,
    AT(7, 'c') = SRF__HDR_CONTACT,
    AT(7, 'r') = SRF__HDR_REQUIRE,
    AT(9, 's') = SRF__HDR_SUPPORTED,
    AT(9, 't') = SRF__HDR_TIMESTAMP,
    AT(11, 'm') = SRF__HDR_MAX_BREADTH,
    AT(12, 'c') = SRF__HDR_CONTENT_TYPE,
    AT(12, 'm') = SRF__HDR_MAX_FORWARDS,
    AT(12, 'r') = SRF__HDR_RECORD_ROUTE,
    AT(13, 'a') = SRF__HDR_AUTHORIZATION,
    AT(13, 'p') = SRF__HDR_PROXY_REQUIRE,
    AT(14, 'c') = SRF__HDR_CONTENT_LENGTH,
    AT(16, 'w') = SRF__HDR_WWW_AUTHENTICATE,
    AT(18, 'p') = SRF__HDR_PROXY_AUTHENTICATE,
    AT(19, 'p') = SRF__HDR_PROXY_AUTHORIZATION,
};
#undef AT

srf__header_id_t srf__header_find(srf__str_t name)
{
    if (name.len == 0 || name.len > NAME_LEN_MAX)
        return SRF__HDR_OTHER;

    unsigned char letter = (unsigned char)name.p[0];
    unsigned id = header_by_length[name.len][letter % LETTERS];
    if (id == SRF__HDR_OTHER)
        return SRF__HDR_OTHER;
    if (name.len == 1) {
        return srf__lower(letter) == (unsigned char)header_compacts[id]
                   ? (srf__header_id_t)id
                   : SRF__HDR_OTHER;
    }
    if (id == SRF__HDR_CONTACT && (name.p[1] | 0x20) == 'a')
        id = SRF__HDR_CALL_ID;

    return srf__str_ieq(name, srf__header_names[id]) ? (srf__header_id_t)id
                                                     : SRF__HDR_OTHER;
}

/* The candidates by the first two bytes, the more frequent ones first; each
 * list ends with 0. Pairs that shared a place would initialise it twice, which
 * compilers report. */
#define PAIR(a, b) [((a)*2 + (b)) % SRF__HEADER_PAIRS]
const uint8_t srf__header_by_pair[SRF__HEADER_PAIRS][SRF__SAME_PAIR_MAX] = {
    PAIR('A', 'u') = {SRF__HDR_AUTHORIZATION},
    PAIR('C', 'S') = {SRF__HDR_CSEQ},
    PAIR('C', 'a') = {SRF__HDR_CALL_ID},
    PAIR('C', 'o') = {SRF__HDR_CONTENT_LENGTH, SRF__HDR_CONTACT,
                      SRF__HDR_CONTENT_TYPE},
    PAIR('F', 'r') = {SRF__HDR_FROM},
    PAIR('M', 'a') = {SRF__HDR_MAX_FORWARDS, SRF__HDR_MAX_BREADTH},
    PAIR('P', 'a') = {SRF__HDR_PATH},
    PAIR('P', 'r') = {SRF__HDR_PROXY_AUTHORIZATION, SRF__HDR_PROXY_REQUIRE,
                      SRF__HDR_PROXY_AUTHENTICATE},
    PAIR('R', 'e') = {SRF__HDR_RECORD_ROUTE, SRF__HDR_REQUIRE, SRF__HDR_REASON},
    PAIR('R', 'o') = {SRF__HDR_ROUTE},
    PAIR('S', 'u') = {SRF__HDR_SUPPORTED},
    PAIR('T', 'i') = {SRF__HDR_TIMESTAMP},
    PAIR('T', 'o') = {SRF__HDR_TO},
    PAIR('V', 'i') = {SRF__HDR_VIA},
    PAIR('W', 'W') = {SRF__HDR_WWW_AUTHENTICATE},
};
#undef PAIR

srf__str_t srf__header_name(srf__header_id_t id)
{
    return srf__header_names[id];
}

srf__method_t srf__method_find(srf__str_t name)
{
    for (unsigned i = SRF__METHOD_OTHER + 1; i < SRF__METHOD_COUNT; i++) {
        if (method_names[i].len == name.len &&
            memcmp(method_names[i].p, name.p, name.len) == 0)
            return (srf__method_t)i;
    }
    return SRF__METHOD_OTHER;
}

srf__str_t srf__method_name(srf__method_t method)
{
    return method_names[method];
}
