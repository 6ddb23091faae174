/*
 * The set of listeners.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/transport.h"

#include "base/alloc.h"
#include "base/error.h"
#include "transport/crowd.h"
#include "transport/envelope.h"
#include "transport/local.h"

int srf__transports_init(srf__transports_t *transports,
                         const srf__transports_env_t *env,
                         const srf__transports_events_t *events)
{
    memset(transports, 0, sizeof(*transports));
    transports->loop = env->loop;
    transports->wheel = env->wheel;
    transports->log = env->log;
    transports->key = env->key;
    transports->bytes_max = env->bytes_max;
    transports->events = *events;
    return srf__local_create(&transports->local);
}

void srf__transports_deinit(srf__transports_t *transports)
{
    srf__local_destroy(transports->local);
    transports->local = NULL;
    srf__free(transports->stream_buffer);
    transports->stream_buffer = NULL;
    if (transports->crowds != NULL)
        srf__crowds_deinit(transports->crowds);
    srf__free(transports->crowds);
    transports->crowds = NULL;
    srf__map_deinit(&transports->by_id);
    srf__map_deinit(&transports->by_peer);
    srf__free(transports->udp_turn);
    transports->udp_turn = NULL;
}

void srf__transports_close(srf__transports_t *transports, void (*cb)(void *arg),
                           void *arg)
{
    srf__listener_t *listener = transports->listeners;

    transports->closing = true;
    if (transports->open == 0) {
        cb(arg);
        return;
    }
    transports->closed_cb = cb;
    transports->closed_arg = arg;
    transports->listeners = NULL;
    while (listener != NULL) {
        srf__listener_t *next = listener->next;
        listener->ops->close(listener);
        listener = next;
    }
}

void srf__transports_add(srf__transports_t *transports,
                         srf__listener_t *listener)
{
    srf__listener_t **at = &transports->listeners;

    while (*at != NULL)
        at = &(*at)->next;
    *at = listener;
    listener->next = NULL;
    listener->owner = transports;
    transports->open++;
}

void srf__transports_closed(srf__listener_t *listener)
{
    srf__transports_t *transports = listener->owner;

    srf__assert(transports->open > 0);
    srf__free(listener->advertised);
    if (--transports->open == 0 && transports->closing)
        transports->closed_cb(transports->closed_arg);
}

static bool can_reach(const srf__listener_t *listener, const srf__addr_t *to)
{
    return listener->bound.family == to->family &&
           listener->bound.transport == to->transport;
}

/* A socket bound to the loopback reaches only the loopback, and what is bound
 * elsewhere had better not be used for it. */
static bool fits_well(const srf__listener_t *listener, const srf__addr_t *to)
{
    return listener->wildcard ||
           srf__addr_is_loopback(&listener->bound) == srf__addr_is_loopback(to);
}

bool srf__listener_shares_address(const srf__listener_t *a,
                                  const srf__listener_t *b)
{
    return srf__addr_ip_eq(&a->bound, &b->bound);
}

static bool fits(const srf__listener_t *listener, const srf__addr_t *to)
{
    return can_reach(listener, to) && fits_well(listener, to);
}

/* One at the same address, whatever it was bound for. */
static srf__listener_t *neighbour(srf__transports_t *transports,
                                  const srf__addr_t *to,
                                  const srf__listener_t *of)
{
    srf__listener_t *listener = transports->listeners;

    while (listener != NULL &&
           (!fits(listener, to) || !srf__listener_shares_address(listener, of)))
        listener = listener->next;
    return listener;
}

/* One at the address that the routing table of the system sends from. */
static srf__listener_t *routed(srf__transports_t *transports,
                               const srf__addr_t *to)
{
    srf__listener_t *listener = transports->listeners;
    srf__addr_t local = {.family = to->family};

    srf__local_towards(transports->local, to, &local);
    while (listener != NULL &&
           (!fits(listener, to) ||
            !(listener->wildcard || srf__addr_ip_eq(&listener->bound, &local))))
        listener = listener->next;
    return listener;
}

/* Returns the first that fits, whose number it counts; the last resort is one
 * that only can. */
static srf__listener_t *first_of(srf__transports_t *transports,
                                 const srf__addr_t *to, unsigned *count)
{
    srf__listener_t *listener = transports->listeners;
    srf__listener_t *first = NULL;
    srf__listener_t *any = NULL;

    *count = 0;
    for (; listener != NULL; listener = listener->next) {
        if (!can_reach(listener, to))
            continue;
        if (any == NULL)
            any = listener;
        if (fits_well(listener, to) && (*count)++ == 0)
            first = listener;
    }
    return first != NULL ? first : any;
}

srf__listener_t *srf__transports_pick(srf__transports_t *transports,
                                      const srf__addr_t *to,
                                      srf__listener_t *leaves_by,
                                      srf__listener_t *came_by)
{
    srf__listener_t *found = NULL;
    unsigned count;

    if (leaves_by != NULL)
        found = fits(leaves_by, to) ? leaves_by
                                    : neighbour(transports, to, leaves_by);
    if (found != NULL)
        return found;
    srf__listener_t *first = first_of(transports, to, &count);
    if (count < 2)
        return first;
    found = routed(transports, to);
    if (came_by != NULL && fits(came_by, to) &&
        (found == NULL || srf__listener_shares_address(found, came_by)))
        return came_by;
    return found != NULL ? found : first;
}

static int send_as_it_is(const srf__flow_t *flow, const srf__str_t *parts,
                         unsigned count)
{
    const srf__listener_t *listener = flow->listener;
    const srf__transports_events_t *events = &listener->owner->events;

    int err = listener->ops->send(flow, parts, count);
    if (events->sent != NULL && err == 0)
        events->sent(events->arg, flow, parts, count);
    return err;
}

static int send_rewritten(const srf__flow_t *flow, const srf__str_t *parts,
                          unsigned count)
{
    srf__buf_t plain;
    int err = srf__envelope_write(parts, count, &plain);
    const srf__str_t part = srf__buf_str(&plain);

    if (err == 0)
        err = send_as_it_is(flow, &part, 1);
    srf__buf_deinit(&plain);
    return err;
}

int srf__transports_send(const srf__flow_t *flow, const srf__str_t *parts,
                         unsigned count)
{
    const srf__listener_t *listener = flow->listener;

    if (listener->owner->closing)
        return SRF_ERR_CANCELED;
    /* RFC 3261 §18.3: over a stream Content-Length is a must, whatever way a
     * message came and whoever made it. */
    if (listener->ops->reliable && !srf__envelope_is_plain(parts, count))
        return send_rewritten(flow, parts, count);
    return send_as_it_is(flow, parts, count);
}

int srf__transports_connect(srf__flow_t *flow, srf__str_t name,
                            srf__opening_t opening)
{
    const srf__listener_t *listener = flow->listener;

    if (listener->owner->closing)
        return SRF_ERR_CANCELED;
    flow->connection = 0;
    return listener->ops->connect == NULL
               ? 0
               : listener->ops->connect(flow, name, opening);
}

bool srf__transports_find(srf__flow_t *flow)
{
    const srf__listener_ops_t *ops = flow->listener->ops;

    flow->connection = 0;
    return ops->find == NULL || ops->find(flow);
}

int srf__transports_watch(const srf__flow_t *flow, uint64_t id, uint32_t *heard)
{
    const srf__listener_ops_t *ops = flow->listener->ops;

    *heard = 0;
    return ops->watch == NULL ? 0 : ops->watch(flow, id, heard);
}

bool srf__transports_is_there(const srf__flow_t *flow)
{
    srf__flow_t copy = *flow;

    return srf__transports_resume(&copy);
}

bool srf__transports_resume(srf__flow_t *flow)
{
    const srf__listener_ops_t *ops = flow->listener->ops;

    return ops->resume == NULL || ops->resume(flow);
}

uint64_t srf__transports_drops(const srf__transports_t *transports)
{
    const srf__listener_t *listener = transports->listeners;
    uint64_t drops = 0;

    for (; listener != NULL; listener = listener->next) {
        if (listener->ops->drops != NULL)
            drops += listener->ops->drops(listener);
    }
    return drops;
}

void srf__transports_strain(srf__transports_t *transports,
                            srf__strain_t *strain)
{
    srf__listener_t *listener = transports->listeners;

    memset(strain, 0, sizeof(*strain));
    for (; listener != NULL; listener = listener->next) {
        if (listener->ops->strain != NULL)
            listener->ops->strain(listener, strain);
    }
}

void srf__transports_rest(const srf__flow_t *flow, uint32_t ms)
{
    const srf__listener_ops_t *ops = flow->listener->ops;

    if (ops->rest != NULL)
        ops->rest(flow, ms);
}

void srf__transports_need(const srf__flow_t *flow, srf__need_t need)
{
    const srf__listener_ops_t *ops = flow->listener->ops;

    if (ops->need != NULL)
        ops->need(flow, need);
}

bool srf__transports_is_accepted(const srf__flow_t *flow)
{
    const srf__listener_ops_t *ops = flow->listener->ops;

    return ops->is_accepted != NULL && ops->is_accepted(flow);
}

struct srf__tls *srf__transports_tls(const srf__flow_t *flow)
{
    const srf__listener_ops_t *ops = flow->listener->ops;

    return ops->tls == NULL ? NULL : ops->tls(flow);
}

void srf__listener_write_uri(srf__listener_t *listener)
{
    char text[SRF__ADDR_TEXT];
    srf__buf_t buf;

    srf__buf_init_fixed(&buf, listener->uri, sizeof(listener->uri) - 1);
    srf__buf_add_text(&buf, "sip:");
    if (listener->wildcard && listener->bound.family == 4)
        srf__buf_add_char(&buf, '*');
    else
        srf__buf_add_str(&buf, srf__addr_host_text(&listener->bound, text));
    srf__buf_add_char(&buf, ':');
    srf__buf_add_u64(&buf, listener->bound.port);
    srf__buf_add_text(&buf, ";transport=");
    srf__buf_add_text(&buf, srf__transport_uri_name(listener->bound.transport));
}

const char *srf__listener_uri_param(const srf__listener_t *listener,
                                    bool secure)
{
    uint8_t transport = listener->bound.transport;

    return secure && transport == SRF__TRANSPORT_TLS
               ? "" /* it is what sips means */
               : srf__transport_traits[transport].uri_param;
}

srf__addr_t srf__listener_local(srf__listener_t *listener,
                                const srf__addr_t *to)
{
    srf__addr_t local = listener->bound;

    if (listener->wildcard)
        srf__local_towards(listener->owner->local, to, &local);
    return local;
}

srf__str_t srf__listener_host_port(srf__listener_t *listener,
                                   const srf__addr_t *to,
                                   char storage[SRF__ADDR_TEXT])
{
    if (listener->advertised != NULL)
        return srf__str_of(listener->advertised);
    if (listener->wildcard) {
        srf__addr_t local = srf__listener_local(listener, to);
        return srf__addr_text(&local, storage);
    }
    if (listener->host_port_len == 0)
        listener->host_port_len =
            srf__addr_text(&listener->bound, listener->host_port).len;
    return srf__str(listener->host_port, listener->host_port_len);
}

srf__listener_t *srf__transports_local(srf__transports_t *transports,
                                       const srf__addr_t *address)
{
    srf__listener_t *listener = transports->listeners;
    srf__listener_t *found = NULL;

    for (; listener != NULL; listener = listener->next) {
        const srf__addr_t *bound = &listener->bound;
        if (bound->family != address->family ||
            (address->port != 0 && address->port != bound->port) ||
            (address->transport != SRF__TRANSPORT_NONE &&
             address->transport != bound->transport))
            continue;
        /* The unspecified address is this host (RFC 1122 §3.2.1.3). */
        if (srf__addr_ip_eq(bound, address) || srf__addr_is_any(address))
            return listener;
        if (found == NULL && listener->wildcard &&
            srf__local_has(transports->local, address))
            found = listener;
    }
    return found;
}
