/*
 * Networks and kinds of addresses.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/cidr.h"

#include "base/error.h"

enum { BITS4 = 32, BITS6 = 128, MAPPED_BITS = 96 };

static unsigned bits_of(unsigned family)
{
    return family == 4 ? BITS4 : BITS6;
}

static bool shares_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8;
    unsigned rest = bits % 8;

    return memcmp(a, b, whole) == 0 &&
           (rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0);
}

static bool is_zero_behind(const uint8_t *ip, unsigned bits, unsigned end)
{
    for (unsigned i = bits; i < end; i++) {
        if ((ip[i / 8] >> (7 - i % 8) & 1) != 0)
            return false;
    }
    return true;
}

bool srf__cidr_has(const srf_cidr_t *cidr, const srf__addr_t *addr)
{
    return cidr->family == addr->family &&
           cidr->bits <= bits_of(addr->family) &&
           shares_prefix(cidr->ip, addr->ip, cidr->bits);
}

int srf_cidr_parse(const char *text, srf_cidr_t *out)
{
    srf_cidr_t read = {0};
    srf__str_t host = srf__str_of(text);
    srf__addr_t addr;

    if (text == NULL || out == NULL)
        return SRF_ERR_INVALID_ARGUMENT;
    size_t slash = srf__str_find(host, '/');
    srf__str_t digits = srf__str(text + slash, host.len - slash);
    host.len = slash;
    /* The address as it is written: its prefix counts in that family. */
    read.family = (uint32_t)srf__host_to_ip(host, read.ip);
    if (!srf__addr_from_host(&addr, host, 0, SRF__TRANSPORT_UDP))
        return SRF_ERR_INVALID_ADDRESS;
    read.bits = bits_of(read.family);
    if (digits.len > 0 &&
        !srf__str_to_u32(srf__str(digits.p + 1, digits.len - 1), read.bits,
                         &read.bits))
        return SRF_ERR_INVALID_ADDRESS;
    if (!is_zero_behind(read.ip, read.bits, bits_of(read.family)))
        return SRF_ERR_INVALID_ADDRESS;
    if (addr.family != read.family) {
        /* A shorter prefix would have cut ones of ::ffff: off. */
        read.family = addr.family;
        read.bits -= MAPPED_BITS;
    }
    memcpy(read.ip, addr.ip, sizeof(read.ip));
    *out = read;
    return 0;
}

int srf_cidr_match(const srf_cidr_t *cidr, const char *address)
{
    srf__addr_t addr;

    return cidr != NULL &&
           srf__addr_from_host(&addr, srf__str_of(address), 0,
                               SRF__TRANSPORT_UDP) &&
           srf__cidr_has(cidr, &addr);
}

/* ---- kinds ---- */

typedef struct known {
    srf_cidr_t network;
    srf_address_kind_t kind;
} known_t;

/* A network of IPv4, and one of IPv6 by its first 32 bits. */
#define NET4(a, b, c, d, bits) \
 {                             \
  4, (bits),                   \
  {                            \
   (a), (b), (c), (d)          \
  }                            \
 }
#define NET6(a, b, bits)                  \
 {                                        \
  6, (bits),                              \
  {                                       \
   (a) >> 8, (a)&0xff, (b) >> 8, (b)&0xff \
  }                                       \
 }

/* RFC 6890 and the registries it made; the first that fits counts. */
static const known_t known4[] = {
    {NET4(0, 0, 0, 0, 8), SRF_ADDRESS_UNSPECIFIED}, /* RFC 791 §3.2 */
    {NET4(10, 0, 0, 0, 8), SRF_ADDRESS_PRIVATE},    /* RFC 1918 */
    {NET4(172, 16, 0, 0, 12), SRF_ADDRESS_PRIVATE},
    {NET4(192, 168, 0, 0, 16), SRF_ADDRESS_PRIVATE},
    {NET4(100, 64, 0, 0, 10), SRF_ADDRESS_SHARED},       /* RFC 6598 */
    {NET4(127, 0, 0, 0, 8), SRF_ADDRESS_LOOPBACK},       /* RFC 1122 */
    {NET4(169, 254, 0, 0, 16), SRF_ADDRESS_LINK_LOCAL},  /* RFC 3927 */
    {NET4(192, 0, 0, 0, 24), SRF_ADDRESS_RESERVED},      /* RFC 6890 */
    {NET4(192, 0, 2, 0, 24), SRF_ADDRESS_DOCUMENTATION}, /* RFC 5737 */
    {NET4(198, 51, 100, 0, 24), SRF_ADDRESS_DOCUMENTATION},
    {NET4(203, 0, 113, 0, 24), SRF_ADDRESS_DOCUMENTATION},
    {NET4(192, 88, 99, 0, 24), SRF_ADDRESS_RESERVED},      /* RFC 7526 */
    {NET4(198, 18, 0, 0, 15), SRF_ADDRESS_RESERVED},       /* RFC 2544 */
    {NET4(224, 0, 0, 0, 4), SRF_ADDRESS_MULTICAST},        /* RFC 5771 */
    {NET4(255, 255, 255, 255, 32), SRF_ADDRESS_BROADCAST}, /* RFC 919 */
    {NET4(240, 0, 0, 0, 4), SRF_ADDRESS_RESERVED},         /* RFC 1112 */
    {NET4(0, 0, 0, 0, 0), SRF_ADDRESS_PUBLIC},
};

static const known_t known6[] = {
    {NET6(0, 0, 128), SRF_ADDRESS_UNSPECIFIED},           /* RFC 4291 §2.5.2 */
    {NET6(0xfc00, 0, 7), SRF_ADDRESS_PRIVATE},            /* RFC 4193 */
    {NET6(0xfec0, 0, 10), SRF_ADDRESS_PRIVATE},           /* RFC 3879 */
    {NET6(0xfe80, 0, 10), SRF_ADDRESS_LINK_LOCAL},        /* RFC 4291 §2.5.6 */
    {NET6(0xff00, 0, 8), SRF_ADDRESS_MULTICAST},          /* RFC 4291 §2.7 */
    {NET6(0x2001, 0xdb8, 32), SRF_ADDRESS_DOCUMENTATION}, /* RFC 3849 */
    {NET6(0x3fff, 0, 20), SRF_ADDRESS_DOCUMENTATION},     /* RFC 9637 */
    {NET6(0x2001, 0, 23), SRF_ADDRESS_RESERVED},          /* RFC 2928 */
    /* RFC 4291 §2.4: what else is assigned lies in here. */
    {NET6(0x2000, 0, 3), SRF_ADDRESS_PUBLIC},
    {NET6(0, 0, 0), SRF_ADDRESS_RESERVED},
};

/* IPv6 addresses that stand for one of IPv4, which begins at byte `at`;
 * the mapped ones are IPv4 already. */
static const struct {
    srf_cidr_t network;
    unsigned at;
} embeddings[] = {
    {NET6(0x64, 0xff9b, 96), 12}, /* RFC 6052 §2.1 */
    {NET6(0x2002, 0, 16), 2},     /* RFC 3056 §2 */
};

static srf_address_kind_t find_kind(const known_t *known,
                                    const srf__addr_t *addr)
{
    while (!srf__cidr_has(&known->network, addr))
        known++;
    return known->kind;
}

static srf_address_kind_t kind_of(const srf__addr_t *addr)
{
    srf__addr_t inner = {.family = 4};

    if (addr->family == 4)
        return find_kind(known4, addr);
    if (addr->family != 6)
        return SRF_ADDRESS_INVALID;
    if (srf__addr_is_loopback(addr))
        return SRF_ADDRESS_LOOPBACK;
    for (size_t i = 0; i < sizeof(embeddings) / sizeof(*embeddings); i++) {
        if (srf__cidr_has(&embeddings[i].network, addr)) {
            memcpy(inner.ip, addr->ip + embeddings[i].at, 4);
            return find_kind(known4, &inner);
        }
    }
    return find_kind(known6, addr);
}

srf_address_kind_t srf_address_kind(const char *address)
{
    srf__addr_t addr;

    if (!srf__addr_from_host(&addr, srf__str_of(address), 0,
                             SRF__TRANSPORT_UDP))
        return SRF_ADDRESS_INVALID;
    return kind_of(&addr);
}
