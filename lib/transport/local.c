/*
 * Local addresses.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/local.h"

#include "base/alloc.h"
#include "srf/srf.h"

#include <sys/socket.h>
#include <unistd.h>

#include <uv.h>

enum { ADDRESSES_MAX = 256, ROUTES = 64 };

static const uint64_t fresh_ns = 10ull * 1000 * 1000 * 1000;

typedef struct route {
    srf__addr_t to;
    srf__addr_t from; /* family 0: none known */
    uint64_t until_ns;
} route_t;

struct srf__local_cache {
    uint64_t read_ns; /* when the interfaces were read; 0: never */
    unsigned count;
    srf__addr_t addresses[ADDRESSES_MAX];
    route_t routes[ROUTES]; /* by a hash of the address */
};

int srf__local_create(srf__local_cache_t **out)
{
    *out = srf__calloc(1, sizeof(**out));
    return *out == NULL ? SRF_ERR_NO_MEMORY : 0;
}

void srf__local_destroy(srf__local_cache_t *cache)
{
    srf__free(cache);
}

static void read_interfaces(srf__local_cache_t *cache, uint64_t now)
{
    uv_interface_address_t *list;
    int count;

    cache->read_ns = now;
    if (uv_interface_addresses(&list, &count) != 0)
        return;
    cache->count = 0;
    for (int i = 0; i < count && cache->count < ADDRESSES_MAX; i++) {
        srf__addr_from_sockaddr(&cache->addresses[cache->count++],
                                (const struct sockaddr *)&list[i].address,
                                SRF__TRANSPORT_NONE);
    }
    uv_free_interface_addresses(list, count);
}

bool srf__local_has(srf__local_cache_t *cache, const srf__addr_t *address)
{
    uint64_t now = uv_hrtime();

    /* All of 127.0.0.0/8 is here, whatever the interface says. */
    if (srf__addr_is_loopback(address))
        return true;
    if (cache->read_ns == 0 || now - cache->read_ns > fresh_ns)
        read_interfaces(cache, now);
    for (unsigned i = 0; i < cache->count; i++) {
        if (srf__addr_ip_eq(&cache->addresses[i], address))
            return true;
    }
    return false;
}

/* Asks the system by connecting a datagram socket, which sends nothing. */
static void ask_route(route_t *route)
{
    struct sockaddr_storage storage;
    socklen_t len = (socklen_t)srf__addr_to_sockaddr(&route->to, &storage);

    memset(&route->from, 0, sizeof(route->from));
    int fd = socket(storage.ss_family, SOCK_DGRAM, 0);
    if (fd < 0)
        return;
    if (connect(fd, (const struct sockaddr *)&storage, len) == 0) {
        len = sizeof(storage);
        if (getsockname(fd, (struct sockaddr *)&storage, &len) == 0) {
            srf__addr_from_sockaddr(&route->from,
                                    (const struct sockaddr *)&storage,
                                    SRF__TRANSPORT_NONE);
        }
    }
    close(fd);
}

static route_t *route_to(srf__local_cache_t *cache, const srf__addr_t *to)
{
    unsigned hash = 0;

    for (unsigned i = 0; i < sizeof(to->ip); i++)
        hash = hash * 31 + to->ip[i];
    return &cache->routes[hash % ROUTES];
}

void srf__local_towards(srf__local_cache_t *cache, const srf__addr_t *to,
                        srf__addr_t *out)
{
    uint64_t now = uv_hrtime();
    route_t *route = route_to(cache, to);

    if (now > route->until_ns || !srf__addr_ip_eq(&route->to, to) ||
        route->to.scope != to->scope) {
        route->to = *to;
        route->until_ns = now + fresh_ns;
        ask_route(route);
    }
    if (route->from.family != out->family)
        return;
    memcpy(out->ip, route->from.ip, sizeof(out->ip));
    out->scope = route->from.scope;
}
