/*
 * STUN, as far as it keeps flows over UDP alive.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/stun.h"

enum {
    HEADER_BYTES = 20,
    ID_AT = 4, /* the magic cookie and the transaction */
    ID_BYTES = 16,
    BINDING_REQUEST = 0x0001,
    BINDING_SUCCESS = 0x0101,
    BINDING_ERROR = 0x0111,
    ATTRIBUTE_BYTES = 4, /* type and length of one */
    ERROR_CODE = 0x0009,
    UNKNOWN_ATTRIBUTES = 0x000a,
    XOR_MAPPED_ADDRESS = 0x0020,
    UNKNOWN_MAX = 8, /* more are not told, lest an answer be long */
    FAMILY_IPV4 = 1,
    FAMILY_IPV6 = 2
};

static const char cookie[] = {0x21, 0x12, (char)0xa4, 0x42};

static unsigned read16(const char *p)
{
    return (unsigned)(unsigned char)p[0] << 8 | (unsigned char)p[1];
}

static char *write16(char *at, unsigned value)
{
    *at++ = (char)(value >> 8);
    *at++ = (char)value;
    return at;
}

bool srf__stun_is(srf__str_t datagram)
{
    return datagram.len >= HEADER_BYTES && (datagram.p[0] & 0xc0) == 0 &&
           memcmp(datagram.p + ID_AT, cookie, sizeof(cookie)) == 0;
}

/* RFC 5389 §18.2: those of its own that have to be understood. What they mean
 * is passed over: nobody is asked for credentials (RFC 5626 §8). */
static bool is_known(unsigned type)
{
    static const unsigned char known[] = {0x01, 0x06, 0x08, 0x09,
                                          0x0a, 0x14, 0x15, 0x20};

    return type >= 0x8000 ||
           (type <= 0xff && memchr(known, (int)type, sizeof(known)) != NULL);
}

typedef struct unknown {
    unsigned count;
    unsigned types[UNKNOWN_MAX];
} unknown_t;

/* False for what is no attributes. */
static bool read_attributes(srf__str_t datagram, unknown_t *unknown)
{
    size_t at = HEADER_BYTES;

    unknown->count = 0;
    while (datagram.len - at >= ATTRIBUTE_BYTES) {
        unsigned type = read16(datagram.p + at);
        size_t padded = (read16(datagram.p + at + 2) + 3u) & ~3u;
        if (datagram.len - at - ATTRIBUTE_BYTES < padded)
            return false;
        if (!is_known(type) && unknown->count < UNKNOWN_MAX)
            unknown->types[unknown->count++] = type;
        at += ATTRIBUTE_BYTES + padded;
    }
    return at == datagram.len;
}

/* RFC 5389 §7.3.1: 420 without a phrase, and what it is about (§15.6, §15.9),
 * padded with any bytes, here the last ones again. */
static char *add_unknown(char *at, const unknown_t *unknown)
{
    at = write16(at, ERROR_CODE);
    at = write16(at, 4);
    at = write16(at, 0);
    at = write16(at, 4 << 8 | 20);
    at = write16(at, UNKNOWN_ATTRIBUTES);
    at = write16(at, 2 * unknown->count);
    for (unsigned i = 0; i < unknown->count; i++)
        at = write16(at, unknown->types[i]);
    if (unknown->count % 2 != 0)
        at = write16(at, unknown->types[unknown->count - 1]);
    return at;
}

/* RFC 5389 §15.2: against routers that translate addresses in what they pass
 * on. */
static char *add_address(char *at, const char *id, const srf__addr_t *peer)
{
    unsigned bytes = peer->family == 4 ? 4 : 16;

    at = write16(at, XOR_MAPPED_ADDRESS);
    at = write16(at, 4 + bytes);
    at = write16(at, peer->family == 4 ? FAMILY_IPV4 : FAMILY_IPV6);
    at = write16(at, peer->port ^ read16(id));
    for (unsigned i = 0; i < bytes; i++)
        *at++ = (char)(peer->ip[i] ^ (unsigned char)id[i]);
    return at;
}

srf__str_t srf__stun_answer(srf__str_t datagram, const srf__addr_t *peer,
                            char storage[SRF__STUN_ANSWER_MAX])
{
    unknown_t unknown;

    if (!srf__stun_is(datagram) || read16(datagram.p) != BINDING_REQUEST ||
        read16(datagram.p + 2) != datagram.len - HEADER_BYTES ||
        !read_attributes(datagram, &unknown))
        return srf__str(storage, 0);
    const char *id = datagram.p + ID_AT;
    char *at = storage + HEADER_BYTES;
    at = unknown.count > 0 ? add_unknown(at, &unknown)
                           : add_address(at, id, peer);
    char *head =
        write16(storage, unknown.count > 0 ? BINDING_ERROR : BINDING_SUCCESS);
    head = write16(head, (unsigned)(at - storage) - HEADER_BYTES);
    memcpy(head, id, ID_BYTES);
    return srf__str(storage, (size_t)(at - storage));
}
