/*
 * Names that this machine knows.
 *
 * SPDX-License-Identifier: MIT
 */
#include "resolver/hosts.h"

#include "base/str.h"

#include <netdb.h>
#include <sys/select.h>
#include <sys/socket.h>

#include <ares.h>

enum { TTL_S = 1 }; /* a changed file is noticed soon */

/* Of what services the name has: "_sip._udp.name". */
static const char *host_of(const char *name)
{
    while (*name == '_') {
        const char *dot = strchr(name, '.');
        if (dot == NULL)
            break;
        name = dot + 1;
    }
    return name;
}

static bool is_localhost(srf__str_t host)
{
    const srf__str_t name = SRF__STR("localhost");
    size_t before;

    if (host.len > 0 && host.p[host.len - 1] == '.')
        host.len--;
    if (host.len < name.len)
        return false;
    before = host.len - name.len;
    return srf__str_ieq(srf__str(host.p + before, name.len), name) &&
           (before == 0 || host.p[before - 1] == '.');
}

static void add_ip(srf__records_t *records, const void *ip, size_t len)
{
    if (records->count == SRF__RECORDS_MAX)
        return;
    memcpy(records->list[records->count++].ip, ip, len);
    records->answer = SRF__ANSWER_FOUND;
}

/* No records yet; room for addresses. */
static srf__records_t *create(uint16_t type)
{
    srf__records_t *records =
        srf__records_empty(type, SRF__ANSWER_NO_RECORD, TTL_S);
    const size_t size = SRF__RECORDS_MAX * sizeof(srf__record_t);

    if (records == NULL || (type != SRF__RR_A && type != SRF__RR_AAAA))
        return records;
    records->list = srf__arena_alloc(&records->arena, size);
    if (records->list != NULL) {
        memset(records->list, 0, size);
        return records;
    }
    srf__records_unref(records);
    return NULL;
}

static srf__records_t *loopback(uint16_t type)
{
    static const unsigned char v4[4] = {127, 0, 0, 1};
    static const unsigned char v6[16] = {[15] = 1};
    srf__records_t *records = create(type);

    if (records != NULL && type == SRF__RR_A)
        add_ip(records, v4, sizeof(v4));
    if (records != NULL && type == SRF__RR_AAAA)
        add_ip(records, v6, sizeof(v6));
    return records;
}

/* The lines of one family. True when there are any. */
static bool find_family(ares_channel channel, const char *host, int family,
                        srf__records_t *records)
{
    struct hostent *entry = NULL;

    if (ares_gethostbyname_file(channel, host, family, &entry) != ARES_SUCCESS)
        return false;
    bool wanted =
        records->type == (family == AF_INET ? SRF__RR_A : SRF__RR_AAAA);
    for (char **ip = entry->h_addr_list; wanted && *ip != NULL; ip++)
        add_ip(records, *ip, (size_t)entry->h_length);
    ares_free_hostent(entry);
    return true;
}

srf__records_t *srf__hosts_find(srf__dns_t *dns, const char *name,
                                uint16_t type)
{
    const char *host = host_of(name);

    if (is_localhost(srf__str_of(host)))
        return loopback(type);
    srf__records_t *records = create(type);
    if (records == NULL)
        return NULL;
    bool four = find_family(srf__dns_channel(dns), host, AF_INET, records);
    bool six = find_family(srf__dns_channel(dns), host, AF_INET6, records);
    if (four || six)
        return records;
    srf__records_unref(records);
    return NULL;
}
