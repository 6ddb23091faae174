/*
 * Transport addresses.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/address.h"

#include "message/uri.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* One address has one form: ::ffff:a.b.c.d is a.b.c.d. */
static void unmap(srf__addr_t *addr)
{
    static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255};

    if (addr->family != 6 || memcmp(addr->ip, prefix, sizeof(prefix)) != 0)
        return;
    addr->family = 4;
    addr->scope = 0;
    memcpy(addr->ip, addr->ip + 12, 4);
    memset(addr->ip + 4, 0, 12);
}

void srf__addr_from_sockaddr(srf__addr_t *out, const struct sockaddr *sa,
                             srf__transport_id_t transport)
{
    memset(out, 0, sizeof(*out));
    out->transport = (uint8_t)transport;
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, sa, sizeof(in));
        out->family = 4;
        out->port = ntohs(in.sin_port);
        memcpy(out->ip, &in.sin_addr, 4);
    } else if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, sa, sizeof(in6));
        out->family = 6;
        out->port = ntohs(in6.sin6_port);
        memcpy(out->ip, &in6.sin6_addr, 16);
        out->scope = in6.sin6_scope_id;
        unmap(out);
    }
}

size_t srf__addr_to_sockaddr(const srf__addr_t *addr, void *storage)
{
    if (addr->family == 4) {
        struct sockaddr_in in;
        memset(&in, 0, sizeof(in));
        in.sin_family = AF_INET;
        in.sin_port = htons(addr->port);
        memcpy(&in.sin_addr, addr->ip, 4);
        memcpy(storage, &in, sizeof(in));
        return sizeof(in);
    }
    struct sockaddr_in6 in6;
    memset(&in6, 0, sizeof(in6));
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(addr->port);
    in6.sin6_scope_id = addr->scope;
    memcpy(&in6.sin6_addr, addr->ip, 16);
    memcpy(storage, &in6, sizeof(in6));
    return sizeof(in6);
}

bool srf__addr_from_host(srf__addr_t *out, srf__str_t host, uint16_t port,
                         srf__transport_id_t transport)
{
    memset(out, 0, sizeof(*out));
    out->port = port;
    out->transport = (uint8_t)transport;
    out->family = (uint8_t)srf__host_to_ip(host, out->ip);
    unmap(out);
    return out->family != 0;
}

bool srf__addr_from_uri(srf__addr_t *out, const srf__uri_t *uri, uint16_t port,
                        srf__transport_id_t transport)
{
    if (uri->maddr.len > 0)
        return srf__addr_from_host(out, uri->maddr, port, transport);
    memset(out, 0, sizeof(*out));
    out->port = port;
    out->transport = (uint8_t)transport;
    out->family = uri->family;
    memcpy(out->ip, uri->ip, uri->family == 4 ? 4 : sizeof(out->ip));
    unmap(out);
    return out->family != 0;
}

bool srf__addr_ip_eq(const srf__addr_t *a, const srf__addr_t *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool srf__addr_is_host(const srf__addr_t *addr, srf__str_t host)
{
    srf__addr_t other;

    return srf__addr_from_host(&other, host, 0, SRF__TRANSPORT_NONE) &&
           srf__addr_ip_eq(&other, addr);
}

bool srf__addr_eq(const srf__addr_t *a, const srf__addr_t *b)
{
    return a->port == b->port && a->transport == b->transport &&
           srf__addr_ip_eq(a, b);
}

bool srf__addr_is_any(const srf__addr_t *addr)
{
    static const uint8_t zero[16];

    return memcmp(addr->ip, zero, sizeof(zero)) == 0;
}

bool srf__addr_is_loopback(const srf__addr_t *addr)
{
    static const uint8_t loopback6[16] = {[15] = 1};

    return addr->family == 4 ? addr->ip[0] == 127
                             : memcmp(addr->ip, loopback6, 16) == 0;
}

srf__hash128_t srf__addr_source(const srf__addr_t *addr,
                                const srf__hash_key_t *key)
{
    srf__hasher_t hasher;

    srf__hasher_init(&hasher, key, true);
    srf__hasher_update(&hasher, &addr->family, sizeof(addr->family));
    srf__hasher_update(&hasher, addr->ip, addr->family == 4 ? 4 : 8);
    return srf__hasher_final(&hasher);
}

static char *write_octet(char *p, unsigned octet)
{
    if (octet >= 100)
        *p++ = (char)('0' + octet / 100);
    if (octet >= 10)
        *p++ = (char)('0' + octet / 10 % 10);
    *p++ = (char)('0' + octet % 10);
    return p;
}

static void add_ip(srf__buf_t *out, const srf__addr_t *addr)
{
    char text[INET6_ADDRSTRLEN];
    char *p = text;

    if (addr->family == 4) {
        for (unsigned i = 0; i < 4; i++) {
            if (i > 0)
                *p++ = '.';
            p = write_octet(p, addr->ip[i]);
        }
        srf__buf_add(out, text, (size_t)(p - text));
    } else if (addr->family == 6 &&
               inet_ntop(AF_INET6, addr->ip, text, sizeof(text)) != NULL) {
        srf__buf_add_text(out, text);
    }
}

static void add_host(srf__buf_t *out, const srf__addr_t *addr)
{
    if (addr->family == 6)
        srf__buf_add_char(out, '[');
    add_ip(out, addr);
    if (addr->family == 6)
        srf__buf_add_char(out, ']');
}

static srf__str_t finish(srf__buf_t *buf)
{
    buf->p[buf->len] = '\0';
    return srf__buf_str(buf);
}

srf__str_t srf__addr_ip_text(const srf__addr_t *addr, char out[SRF__ADDR_TEXT])
{
    srf__buf_t buf;

    srf__buf_init_fixed(&buf, out, SRF__ADDR_TEXT - 1);
    add_ip(&buf, addr);
    return finish(&buf);
}

srf__str_t srf__addr_host_text(const srf__addr_t *addr,
                               char out[SRF__ADDR_TEXT])
{
    srf__buf_t buf;

    srf__buf_init_fixed(&buf, out, SRF__ADDR_TEXT - 1);
    add_host(&buf, addr);
    return finish(&buf);
}

srf__str_t srf__addr_text(const srf__addr_t *addr, char out[SRF__ADDR_TEXT])
{
    srf__buf_t buf;

    srf__buf_init_fixed(&buf, out, SRF__ADDR_TEXT - 1);
    add_host(&buf, addr);
    srf__buf_add_char(&buf, ':');
    srf__buf_add_u64(&buf, addr->port);
    return finish(&buf);
}
