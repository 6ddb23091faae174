/*
 * DNS messages written by hand. For one test file.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TEST_DNS_MESSAGE_H
#define SRF_TEST_DNS_MESSAGE_H

#include "resolver/records.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DNS_BYTES = 65536 };

typedef struct dns_message {
    size_t len;
    unsigned char data[DNS_BYTES];
} dns_message_t;

/* Fuzz targets have no test to fail. */
static inline void dns_need(const dns_message_t *message, size_t bytes)
{
    if (message->len + bytes > DNS_BYTES)
        abort();
}

static inline void dns_u16(dns_message_t *message, unsigned value)
{
    dns_need(message, 2);
    message->data[message->len++] = (unsigned char)(value >> 8);
    message->data[message->len++] = (unsigned char)value;
}

static inline void dns_u32(dns_message_t *message, uint32_t value)
{
    dns_u16(message, value >> 16);
    dns_u16(message, value & 0xffff);
}

/* "a.b" as labels; "" is the root; "@12" points to byte 12. */
static inline void dns_name(dns_message_t *message, const char *name)
{
    if (name[0] == '@') {
        dns_u16(message, 0xc000u | (unsigned)strtoul(name + 1, NULL, 10));
        return;
    }
    while (*name != '\0') {
        size_t len = strcspn(name, ".");
        dns_need(message, len + 2);
        message->data[message->len++] = (unsigned char)len;
        memcpy(message->data + message->len, name, len);
        message->len += len;
        name += len + (name[len] == '.');
    }
    message->data[message->len++] = 0;
}

static inline void dns_string(dns_message_t *message, const char *text)
{
    size_t len = strlen(text);

    message->data[message->len++] = (unsigned char)len;
    memcpy(message->data + message->len, text, len);
    message->len += len;
}

/* The header and one question; answers are counted as they are added. */
static inline void dns_begin(dns_message_t *message, unsigned rcode,
                             const char *name, unsigned type)
{
    message->len = 0;
    dns_u16(message, 0x1234);
    dns_u16(message, 0x8180u | rcode);
    dns_u16(message, 1);
    dns_u16(message, 0);
    dns_u16(message, 0);
    dns_u16(message, 0);
    dns_name(message, name);
    dns_u16(message, type);
    dns_u16(message, 1);
}

static inline void dns_count(dns_message_t *message, size_t at)
{
    unsigned count = (unsigned)message->data[at] << 8 | message->data[at + 1];

    count++;
    message->data[at] = (unsigned char)(count >> 8);
    message->data[at + 1] = (unsigned char)count;
}

/* Begins a record of the answer section (or the authority's); returns where its
 * length stands, for dns_end_record(). */
static inline size_t dns_record(dns_message_t *message, bool authority,
                                const char *owner, unsigned type,
                                uint32_t ttl_s)
{
    dns_count(message, authority ? 8 : 6);
    dns_name(message, owner);
    dns_u16(message, type);
    dns_u16(message, 1);
    dns_u32(message, ttl_s);
    dns_u16(message, 0);
    return message->len - 2;
}

static inline void dns_end_record(dns_message_t *message, size_t at)
{
    size_t len = message->len - at - 2;

    message->data[at] = (unsigned char)(len >> 8);
    message->data[at + 1] = (unsigned char)len;
}

static inline void dns_a(dns_message_t *message, const char *owner,
                         uint32_t ttl_s, uint32_t ip)
{
    size_t at = dns_record(message, false, owner, SRF__RR_A, ttl_s);

    dns_u32(message, ip);
    dns_end_record(message, at);
}

static inline void dns_aaaa(dns_message_t *message, const char *owner,
                            uint32_t ttl_s, const unsigned char *ip)
{
    size_t at = dns_record(message, false, owner, SRF__RR_AAAA, ttl_s);

    for (unsigned i = 0; i < 16; i += 2)
        dns_u16(message, (unsigned)ip[i] << 8 | ip[i + 1]);
    dns_end_record(message, at);
}

static inline void dns_cname(dns_message_t *message, const char *owner,
                             uint32_t ttl_s, const char *target)
{
    size_t at = dns_record(message, false, owner, SRF__RR_CNAME, ttl_s);

    dns_name(message, target);
    dns_end_record(message, at);
}

static inline void dns_srv(dns_message_t *message, const char *owner,
                           uint32_t ttl_s, const unsigned values[3],
                           const char *target)
{
    size_t at = dns_record(message, false, owner, SRF__RR_SRV, ttl_s);

    for (unsigned i = 0; i < 3; i++)
        dns_u16(message, values[i]);
    dns_name(message, target);
    dns_end_record(message, at);
}

static inline void dns_soa(dns_message_t *message, const char *owner,
                           uint32_t ttl_s, uint32_t minimum)
{
    size_t at = dns_record(message, true, owner, SRF__RR_SOA, ttl_s);

    dns_name(message, "ns.example.com");
    dns_name(message, "root.example.com");
    for (unsigned i = 0; i < 4; i++)
        dns_u32(message, 1);
    dns_u32(message, minimum);
    dns_end_record(message, at);
}

#endif /* SRF_TEST_DNS_MESSAGE_H */
