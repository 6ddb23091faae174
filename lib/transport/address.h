/*
 * Numeric transport addresses: IP, port and transport in 24 bytes.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_ADDRESS_H
#define SRF_ADDRESS_H

#include "base/buf.h"
#include "base/hash.h"
#include "message/uri.h"

#include <stdbool.h>
#include <stdint.h>

struct sockaddr;

typedef struct srf__addr {
    uint8_t family;    /* 4 or 6; 0: none */
    uint8_t transport; /* srf__transport_id_t */
    uint16_t port;     /* host order */
    uint32_t scope;    /* IPv6 scope id */
    uint8_t ip[16];    /* network order; 4 bytes used for IPv4, the rest 0 */
} srf__addr_t;

/* IPv4-mapped IPv6 addresses (::ffff:a.b.c.d) become family 4. */
void srf__addr_from_sockaddr(srf__addr_t *out, const struct sockaddr *sa,
                             srf__transport_id_t transport);
/* Fills a sockaddr_storage-sized buffer; returns its length in use. */
size_t srf__addr_to_sockaddr(const srf__addr_t *addr, void *storage);
/* A numeric host (IPv6 with or without brackets); false if it is a name. */
bool srf__addr_from_host(srf__addr_t *out, srf__str_t host, uint16_t port,
                         srf__transport_id_t transport);

/* Reads the host of a URI, or its maddr parameter if it has one. */
bool srf__addr_from_uri(srf__addr_t *out, const srf__uri_t *uri, uint16_t port,
                        srf__transport_id_t transport);

/* Whether a host, name or number, is this IP address as a number. */
bool srf__addr_is_host(const srf__addr_t *addr, srf__str_t host);
/* Tells whether they have the same IP address. */
bool srf__addr_ip_eq(const srf__addr_t *a, const srf__addr_t *b);
/* Tells whether they have the same IP address, port and transport. */
bool srf__addr_eq(const srf__addr_t *a, const srf__addr_t *b);
/* Tells whether it is 0.0.0.0 or ::. */
bool srf__addr_is_any(const srf__addr_t *addr);
bool srf__addr_is_loopback(const srf__addr_t *addr);
/* Who it is when something is counted by source: the IPv4 address, or the /64
 * of an IPv6 one, which is what one customer has at least (RFC 6177). */
srf__hash128_t srf__addr_source(const srf__addr_t *addr,
                                const srf__hash_key_t *key);

enum { SRF__ADDR_TEXT = 64 };

/* "192.0.2.1" or "2001:db8::1", NUL-terminated; returns the view. */
srf__str_t srf__addr_ip_text(const srf__addr_t *addr, char out[SRF__ADDR_TEXT]);
/* Writes it with brackets around IPv6. */
srf__str_t srf__addr_host_text(const srf__addr_t *addr,
                               char out[SRF__ADDR_TEXT]);
/* "192.0.2.1:5060" or "[2001:db8::1]:5060". */
srf__str_t srf__addr_text(const srf__addr_t *addr, char out[SRF__ADDR_TEXT]);

#endif /* SRF_ADDRESS_H */
