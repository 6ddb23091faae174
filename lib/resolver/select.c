/*
 * Server selection.
 *
 * SPDX-License-Identifier: MIT
 */
#include "resolver/select.h"

#include "base/error.h"

enum { NAME_BYTES = 256, SERVICES_MAX = 5 };

/* A way to reach a service: what it is called in SRV names and NAPTR services.
 */
typedef struct way {
    srf__transport_id_t transport;
    const char *srv;   /* in front of the domain */
    const char *naptr; /* RFC 3263 §4.1, RFC 7118 §8.3 */
} way_t;

/* Their order is ours where nothing else says one. */
static const way_t ways[SERVICES_MAX] = {
    {SRF__TRANSPORT_UDP, "_sip._udp.", "SIP+D2U"},
    {SRF__TRANSPORT_TCP, "_sip._tcp.", "SIP+D2T"},
    {SRF__TRANSPORT_TLS, "_sips._tcp.", "SIPS+D2T"},
    {SRF__TRANSPORT_WS, "_sip._ws.", "SIP+D2W"},
    {SRF__TRANSPORT_WSS, "_sips._ws.", "SIPS+D2W"},
};

typedef struct selection {
    const srf__select_env_t *env;
    const srf__uri_t *uri;
    srf__servers_t *out;
    bool pending; /* records are missing */
    char host[NAME_BYTES];
} selection_t;

/* ---- names ---- */

/* The host in small letters, without the dot that may end it. */
static bool read_host(selection_t *selection)
{
    srf__str_t host = selection->uri->maddr.len > 0 ? selection->uri->maddr
                                                    : selection->uri->host;

    if (host.len > 0 && host.p[host.len - 1] == '.')
        host.len--;
    if (host.len == 0 || host.len >= NAME_BYTES)
        return false;
    for (size_t i = 0; i < host.len; i++)
        selection->host[i] = (char)srf__lower((unsigned char)host.p[i]);
    selection->host[host.len] = '\0';
    return true;
}

/* All names are in small letters. */
static const srf__records_t *lookup(selection_t *selection, const char *name,
                                    uint16_t type)
{
    if (name[0] == '\0')
        return NULL;
    const srf__records_t *records =
        selection->env->lookup(selection->env->arg, name, type);
    selection->pending = selection->pending || records == NULL;
    return records;
}

/* The servers of a service of the host; NULL also when the name is too long. */
static const srf__records_t *lookup_service(selection_t *selection,
                                            const char *service)
{
    char name[NAME_BYTES];
    size_t before = strlen(service);
    size_t len = strlen(selection->host);

    if (before + len >= sizeof(name))
        return NULL;
    memcpy(name, service, before);
    memcpy(name + before, selection->host, len + 1);
    return lookup(selection, name, SRF__RR_SRV);
}

static bool is_found(const srf__records_t *records)
{
    return records != NULL && records->answer == SRF__ANSWER_FOUND;
}

static bool can_speak(const selection_t *selection, const way_t *way)
{
    bool secure = selection->uri->scheme == SRF__SCHEME_SIPS;

    return (selection->env->transports & 1u << way->transport) != 0 &&
           (srf__transport_is_secure(way->transport) || !secure);
}

/* ---- addresses ---- */

/* What DNS says of a host. */
typedef struct host {
    const srf__records_t *four; /* NULL: none, or not there yet */
    const srf__records_t *six;
} host_t;

static host_t lookup_host(selection_t *selection, const char *name)
{
    const srf__select_env_t *env = selection->env;
    host_t host = {NULL, NULL};

    if (env->ipv4)
        host.four = lookup(selection, name, SRF__RR_A);
    if (env->ipv6)
        host.six = lookup(selection, name, SRF__RR_AAAA);
    return host;
}

static void add_family(srf__servers_t *out, const srf__records_t *records,
                       srf__addr_t addr)
{
    if (records == NULL || records->answer != SRF__ANSWER_FOUND)
        return;
    bool six = records->type == SRF__RR_AAAA;
    addr.family = six ? 6 : 4;
    for (unsigned i = 0; i < records->count; i++) {
        if (out->address_count == SRF__ADDRESSES_MAX)
            return;
        memcpy(addr.ip, records->list[i].ip, six ? 16 : 4);
        if (!srf__addr_is_any(&addr)) /* nobody's */
            out->addresses[out->address_count++] = addr;
    }
}

/* A server behind those there are, unless it has no address. §4.2: A and AAAA,
 * the family that is preferred first. */
static void add_server(selection_t *selection, const host_t *host,
                       srf__srv_t server, srf__addr_t addr)
{
    srf__servers_t *out = selection->out;
    bool six_first = selection->env->ipv6_first;

    server.first = (uint8_t)out->address_count;
    add_family(out, six_first ? host->six : host->four, addr);
    add_family(out, six_first ? host->four : host->six, addr);
    server.count = (uint8_t)(out->address_count - server.first);
    if (server.count > 0)
        out->list[out->count++] = server;
}

/* The host of the URI is a server itself. */
static void add_host(selection_t *selection, uint16_t port,
                     srf__transport_id_t transport)
{
    const srf__addr_t addr = {.transport = (uint8_t)transport, .port = port};
    host_t host = lookup_host(selection, selection->host);

    add_server(selection, &host, (srf__srv_t){0}, addr);
}

/* ---- SRV ---- */

/* A target "." says that there is no such service (RFC 2782). */
static bool has_service(const srf__records_t *records)
{
    return is_found(records) &&
           (records->count > 1 || records->list[0].host[0] != '\0');
}

/* The next of the records by priority, as they stand within one. */
static unsigned next_server(const srf__records_t *records, const bool *taken)
{
    unsigned next = records->count;

    for (unsigned i = 0; i < records->count; i++) {
        if (!taken[i] && (next == records->count ||
                          records->list[i].first < records->list[next].first))
            next = i;
    }
    return next;
}

static void add_servers(selection_t *selection, const srf__records_t *records,
                        srf__transport_id_t transport)
{
    bool taken[SRF__RECORDS_MAX] = {false};
    host_t hosts[SRF__RECORDS_MAX];

    /* All are asked for at once. */
    for (unsigned i = 0; i < records->count; i++)
        hosts[i] = lookup_host(selection, records->list[i].host);
    for (unsigned i = 0; i < records->count && !selection->pending; i++) {
        unsigned at = next_server(records, taken);
        const srf__record_t *record = &records->list[at];
        const srf__srv_t server = {.priority = record->first,
                                   .weight = record->second};
        const srf__addr_t addr = {.transport = (uint8_t)transport,
                                  .port = record->port};
        taken[at] = true;
        add_server(selection, &hosts[at], server, addr);
    }
}

/* ---- which transport ---- */

/* §4.1: transport given, or a port that says that nothing is to be asked. */
static const way_t *find_way(srf__transport_id_t transport)
{
    for (unsigned i = 0; i < SERVICES_MAX; i++) {
        if (ways[i].transport == transport)
            return &ways[i];
    }
    return NULL;
}

/* Where nothing says which. */
static srf__transport_id_t usual_transport(const srf__uri_t *uri)
{
    return uri->scheme == SRF__SCHEME_SIPS ? SRF__TRANSPORT_TLS
                                           : SRF__TRANSPORT_UDP;
}

/* The transport that the URI itself says, NONE when DNS does. */
static srf__transport_id_t named_transport(const srf__uri_t *uri)
{
    if (uri->transport == SRF__TRANSPORT_NONE)
        return uri->port == 0 ? SRF__TRANSPORT_NONE : usual_transport(uri);
    return uri->scheme == SRF__SCHEME_SIPS
               ? srf__transport_secured(uri->transport)
               : (srf__transport_id_t)uri->transport;
}

/* Servers of a service; without any, the host itself at the default port
 * (§4.2). */
static void add_found(selection_t *selection, const srf__records_t *records,
                      const way_t *way)
{
    if (!is_found(records)) {
        add_host(selection, srf__transport_port(way->transport),
                 way->transport);
    } else if (has_service(records)) {
        add_servers(selection, records, way->transport);
    }
}

static void add_service(selection_t *selection, const way_t *way)
{
    uint16_t port = selection->uri->port;

    if (port != 0)
        add_host(selection, port, way->transport);
    else
        add_found(selection, lookup_service(selection, way->srv), way);
}

/* The NAPTR record that applies: what we speak, lowest order, then preference.
 * Records with a regexp are for other applications (§4.1). */
static const srf__record_t *find_naptr(const selection_t *selection,
                                       const srf__records_t *records,
                                       const way_t **way)
{
    const srf__record_t *best = NULL;

    for (unsigned i = 0; is_found(records) && i < records->count; i++) {
        const srf__record_t *record = &records->list[i];
        if (record->has_regexp || record->host[0] == '\0' ||
            !srf__str_ieq(srf__str_of(record->flags), SRF__STR("s")))
            continue;
        if (best != NULL &&
            (record->first > best->first ||
             (record->first == best->first && record->second >= best->second)))
            continue;
        for (unsigned w = 0; w < SERVICES_MAX; w++) {
            if (can_speak(selection, &ways[w]) &&
                srf__str_ieq(srf__str_of(record->service),
                             srf__str_of(ways[w].naptr))) {
                best = record;
                *way = &ways[w];
            }
        }
    }
    return best;
}

/* §4.1: without NAPTR, the SRV records that there are tell what is spoken. */
static void add_by_srv(selection_t *selection)
{
    const way_t *best = NULL;
    const srf__records_t *found = NULL;

    for (unsigned i = 0; i < SERVICES_MAX; i++) {
        if (!can_speak(selection, &ways[i]))
            continue;
        const srf__records_t *records = lookup_service(selection, ways[i].srv);
        if (best == NULL && has_service(records)) {
            best = &ways[i];
            found = records;
        }
    }
    if (selection->pending)
        return;
    if (best != NULL) {
        add_servers(selection, found, best->transport);
        return;
    }
    srf__transport_id_t transport = usual_transport(selection->uri);
    if (can_speak(selection, find_way(transport)))
        add_host(selection, srf__transport_port(transport), transport);
}

static void add_by_naptr(selection_t *selection)
{
    const way_t *way = NULL;
    const srf__records_t *naptrs =
        lookup(selection, selection->host, SRF__RR_NAPTR);
    const srf__record_t *naptr = find_naptr(selection, naptrs, &way);

    if (selection->pending)
        return;
    if (naptr == NULL) {
        add_by_srv(selection);
        return;
    }
    const srf__records_t *records = lookup(selection, naptr->host, SRF__RR_SRV);
    if (!selection->pending)
        add_found(selection, records, way);
}

static bool speaks_anything(const selection_t *selection)
{
    for (unsigned i = 0; i < SERVICES_MAX; i++) {
        if (can_speak(selection, &ways[i]))
            return true;
    }
    return false;
}

int srf__select(const srf__uri_t *uri, const srf__select_env_t *env,
                srf__servers_t *out)
{
    selection_t selection = {.env = env, .uri = uri, .out = out};
    srf__transport_id_t transport = named_transport(uri);
    const way_t *way = find_way(transport);

    out->count = 0;
    out->address_count = 0;
    if (uri->transport_unknown || (way == NULL ? !speaks_anything(&selection)
                                               : !can_speak(&selection, way)))
        return SRF_ERR_NO_TRANSPORT;
    if (!read_host(&selection))
        return SRF_ERR_NAME_NOT_FOUND;
    if (way != NULL)
        add_service(&selection, way);
    else
        add_by_naptr(&selection);
    if (selection.pending)
        return SRF__SELECT_PENDING;
    return out->count > 0 ? 0 : SRF_ERR_NAME_NOT_FOUND;
}

/* ---- the order ---- */

/* Where in order[from..end) the next server of their priority stands: one at
 * random by weight. Those with weight 0 have one chance in as many as the
 * others weigh together. RFC 2782's running sums draw from 0 on, which gives
 * the first of small weights too much; here 0 is for weight 0 alone. */
static unsigned draw(const srf__servers_t *servers, const uint8_t *order,
                     unsigned from, unsigned end, srf__random_t *random)
{
    uint32_t total = 0;
    unsigned weightless = end;

    for (unsigned i = from; i < end; i++) {
        total += servers->list[order[i]].weight;
        if (servers->list[order[i]].weight == 0 && weightless == end)
            weightless = i;
    }
    if (total == 0)
        return from;
    uint32_t mark = weightless == end ? 1 + srf__random_u32(random) % total
                                      : srf__random_u32(random) % (total + 1);
    if (mark == 0)
        return weightless;
    for (uint32_t sum = 0; from + 1 < end; from++) {
        sum += servers->list[order[from]].weight;
        if (sum >= mark)
            break;
    }
    return from;
}

static void add_hops(const srf__servers_t *servers, const srf__srv_t *server,
                     srf__hops_t *out)
{
    for (unsigned i = 0; i < server->count; i++) {
        const srf__addr_t *addr = &servers->addresses[server->first + i];
        unsigned same = 0;
        while (same < out->count && !srf__addr_eq(&out->list[same], addr))
            same++;
        if (same == out->count && out->count < SRF__HOPS_MAX)
            out->list[out->count++] = *addr;
    }
}

void srf__servers_draw(const srf__servers_t *servers, srf__random_t *random,
                       srf__hops_t *out)
{
    uint8_t order[SRF__SERVERS_MAX];
    unsigned end = 0;

    out->count = 0;
    for (unsigned i = 0; i < servers->count; i++)
        order[i] = (uint8_t)i;
    for (unsigned i = 0; i < servers->count; i++) {
        while (end < servers->count &&
               servers->list[end].priority == servers->list[i].priority)
            end++;
        if (end - i > 1) {
            unsigned at = draw(servers, order, i, end, random);
            uint8_t chosen = order[at];
            memmove(&order[i + 1], &order[i], at - i);
            order[i] = chosen;
        }
        add_hops(servers, &servers->list[order[i]], out);
    }
}
