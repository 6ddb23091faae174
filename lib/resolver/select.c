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
    bool secure;
    const char *srv;   /* in front of the domain */
    const char *naptr; /* RFC 3263 §4.1, RFC 7118 §8.3 */
} way_t;

/* In the order that is ours where nothing else says. */
static const way_t ways[SERVICES_MAX] = {
    {SRF__TRANSPORT_UDP, false, "_sip._udp.", "SIP+D2U"},
    {SRF__TRANSPORT_TCP, false, "_sip._tcp.", "SIP+D2T"},
    {SRF__TRANSPORT_TLS, true, "_sips._tcp.", "SIPS+D2T"},
    {SRF__TRANSPORT_WS, false, "_sip._ws.", "SIP+D2W"},
    {SRF__TRANSPORT_WSS, true, "_sips._ws.", "SIPS+D2W"},
};

typedef struct selection {
    const srf__select_env_t *env;
    const srf__uri_t *uri;
    srf__hops_t *out;
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

static const srf__records_t *lookup(selection_t *selection, const char *prefix,
                                    const char *name, uint16_t type)
{
    char whole[NAME_BYTES];
    srf__buf_t buf;

    srf__buf_init_fixed(&buf, whole, sizeof(whole));
    srf__buf_add_text(&buf, prefix);
    for (const char *p = name; *p != '\0'; p++)
        srf__buf_add_char(&buf, (char)srf__lower((unsigned char)*p));
    srf__buf_add_char(&buf, '\0');
    if (buf.err != 0 || name[0] == '\0')
        return NULL;
    const srf__records_t *records =
        selection->env->lookup(selection->env->arg, whole, type);
    selection->pending = selection->pending || records == NULL;
    return records;
}

static bool is_found(const srf__records_t *records)
{
    return records != NULL && records->answer == SRF__ANSWER_FOUND;
}

static bool can_speak(const selection_t *selection, const way_t *way)
{
    bool secure = selection->uri->scheme == SRF__SCHEME_SIPS;

    return (selection->env->transports & 1u << way->transport) != 0 &&
           (way->secure || !secure);
}

/* ---- addresses ---- */

static void add_hop(selection_t *selection, const uint8_t *ip, uint8_t family,
                    uint16_t port, srf__transport_id_t transport)
{
    srf__addr_t addr = {
        .family = family, .transport = (uint8_t)transport, .port = port};

    memcpy(addr.ip, ip, family == 6 ? 16 : 4);
    for (unsigned i = 0; i < selection->out->count; i++) {
        if (srf__addr_eq(&selection->out->list[i], &addr))
            return;
    }
    if (selection->out->count < SRF__HOPS_MAX)
        selection->out->list[selection->out->count++] = addr;
}

static void add_family(selection_t *selection, const char *name, bool six,
                       uint16_t port, srf__transport_id_t transport)
{
    const srf__records_t *records =
        lookup(selection, "", name, six ? SRF__RR_AAAA : SRF__RR_A);

    for (unsigned i = 0; is_found(records) && i < records->count; i++)
        add_hop(selection, records->list[i].ip, six ? 6 : 4, port, transport);
}

/* §4.2: A and AAAA, the family that is preferred first. */
static void add_addresses(selection_t *selection, const char *name,
                          uint16_t port, srf__transport_id_t transport)
{
    const srf__select_env_t *env = selection->env;

    if (env->ipv6 && env->ipv6_first)
        add_family(selection, name, true, port, transport);
    if (env->ipv4)
        add_family(selection, name, false, port, transport);
    if (env->ipv6 && !env->ipv6_first)
        add_family(selection, name, true, port, transport);
}

/* ---- SRV ---- */

/* RFC 2782: of those with the lowest priority left, one at random by weight;
 * those with weight 0 have a small chance of being chosen. */
static unsigned draw(const srf__records_t *records, const bool *taken,
                     srf__random_t *random)
{
    uint32_t total = 0;
    unsigned lowest = records->count;

    for (unsigned i = 0; i < records->count; i++) {
        if (!taken[i] && (lowest == records->count ||
                          records->list[i].first < records->list[lowest].first))
            lowest = i;
    }
    for (unsigned i = 0; i < records->count; i++) {
        if (!taken[i] && records->list[i].first == records->list[lowest].first)
            total += records->list[i].second;
    }
    /* Zero weights come first in the running sum, where only 0 meets them. */
    uint32_t mark = total == 0 ? 0 : srf__random_u32(random) % (total + 1);
    for (unsigned pass = 0; pass < 2; pass++) {
        uint32_t sum = 0;
        for (unsigned i = 0; i < records->count; i++) {
            const srf__record_t *record = &records->list[i];
            if (taken[i] || record->first != records->list[lowest].first ||
                (pass == 0) != (record->second == 0))
                continue;
            sum += record->second;
            if (sum >= mark)
                return i;
        }
    }
    return lowest;
}

/* A target "." says that there is no such service (RFC 2782). */
static bool has_service(const srf__records_t *records)
{
    return is_found(records) &&
           (records->count > 1 || records->list[0].host[0] != '\0');
}

static void add_servers(selection_t *selection, const srf__records_t *records,
                        srf__transport_id_t transport)
{
    bool taken[SRF__RECORDS_MAX] = {false};

    /* All addresses are asked for before any is chosen: the order is drawn
     * once, when everything is there. */
    for (unsigned i = 0; i < records->count; i++) {
        const srf__record_t *record = &records->list[i];
        if (record->host[0] == '\0')
            continue;
        if (selection->env->ipv4)
            (void)lookup(selection, "", record->host, SRF__RR_A);
        if (selection->env->ipv6)
            (void)lookup(selection, "", record->host, SRF__RR_AAAA);
    }
    if (selection->pending)
        return;
    for (unsigned i = 0; i < records->count; i++) {
        unsigned at = draw(records, taken, selection->env->random);
        taken[at] = true;
        if (records->list[at].host[0] != '\0')
            add_addresses(selection, records->list[at].host,
                          records->list[at].port, transport);
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

/* The transport that the URI itself says, NONE when DNS does. */
static srf__transport_id_t named_transport(const srf__uri_t *uri)
{
    bool secure = uri->scheme == SRF__SCHEME_SIPS;

    switch (uri->transport) {
    case SRF__TRANSPORT_NONE:
        if (uri->port == 0)
            return SRF__TRANSPORT_NONE;
        return secure ? SRF__TRANSPORT_TLS : SRF__TRANSPORT_UDP;
    case SRF__TRANSPORT_TCP:
        return secure ? SRF__TRANSPORT_TLS : SRF__TRANSPORT_TCP;
    case SRF__TRANSPORT_WS:
        return secure ? SRF__TRANSPORT_WSS : SRF__TRANSPORT_WS;
    default:
        return (srf__transport_id_t)uri->transport;
    }
}

/* Servers of a service; without any, the host itself at the default port. */
static void add_service(selection_t *selection, const way_t *way)
{
    uint16_t port = selection->uri->port;
    const srf__records_t *records = NULL;

    if (port == 0)
        records = lookup(selection, way->srv, selection->host, SRF__RR_SRV);
    if (is_found(records)) {
        if (has_service(records))
            add_servers(selection, records, way->transport);
        return;
    }
    if (port == 0)
        port = srf__transport_port(way->transport);
    add_addresses(selection, selection->host, port, way->transport);
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
        const srf__records_t *records =
            lookup(selection, ways[i].srv, selection->host, SRF__RR_SRV);
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
    bool secure = selection->uri->scheme == SRF__SCHEME_SIPS;
    srf__transport_id_t transport =
        secure ? SRF__TRANSPORT_TLS : SRF__TRANSPORT_UDP;
    if (can_speak(selection, find_way(transport)))
        add_addresses(selection, selection->host,
                      srf__transport_port(transport), transport);
}

static void add_by_naptr(selection_t *selection)
{
    const way_t *way = NULL;
    const srf__records_t *naptrs =
        lookup(selection, "", selection->host, SRF__RR_NAPTR);
    const srf__record_t *naptr = find_naptr(selection, naptrs, &way);

    if (selection->pending)
        return;
    if (naptr == NULL) {
        add_by_srv(selection);
        return;
    }
    const srf__records_t *records =
        lookup(selection, "", naptr->host, SRF__RR_SRV);
    if (has_service(records))
        add_servers(selection, records, way->transport);
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
                srf__hops_t *out)
{
    selection_t selection = {.env = env, .uri = uri, .out = out};
    srf__transport_id_t transport = named_transport(uri);
    const way_t *way = find_way(transport);

    out->count = 0;
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
