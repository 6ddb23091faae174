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
    ATTRIBUTE_BYTES = 4, /* type and length of one */
    XOR_MAPPED_ADDRESS = 0x0020,
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

static unsigned optional_kind(unsigned type)
{
    return type & 0x8000;
}

/* RFC 5389 §7.3.1: an attribute that has to be understood and is not makes it a
 * request of another usage; RFC 5626 §8 needs none. Nor is it more than a
 * header then that is answered. */
static bool is_plain(srf__str_t datagram)
{
    size_t at = HEADER_BYTES;

    while (datagram.len - at >= ATTRIBUTE_BYTES) {
        size_t padded = (read16(datagram.p + at + 2) + 3u) & ~3u;
        if (optional_kind(read16(datagram.p + at)) == 0 ||
            datagram.len - at - ATTRIBUTE_BYTES < padded)
            return false;
        at += ATTRIBUTE_BYTES + padded;
    }
    return at == datagram.len;
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
    if (!srf__stun_is(datagram) || read16(datagram.p) != BINDING_REQUEST ||
        read16(datagram.p + 2) != datagram.len - HEADER_BYTES ||
        !is_plain(datagram))
        return srf__str(storage, 0);
    const char *id = datagram.p + ID_AT;
    char *at = add_address(storage + HEADER_BYTES, id, peer);
    char *head = write16(storage, BINDING_SUCCESS);
    head = write16(head, (unsigned)(at - storage) - HEADER_BYTES);
    memcpy(head, id, ID_BYTES);
    return srf__str(storage, (size_t)(at - storage));
}
