/*
 * The network in memory.
 *
 * SPDX-License-Identifier: MIT
 */
#include "memnet.h"

#include "assertions.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/list.h"

#include <stdlib.h>

/* One address of the network: a stack's listener, or a peer. */
typedef struct host {
    srf__listener_t listener; /* first; used for stacks */
    memnet_t *net;
    struct host *next;
    mempeer_t *peer; /* NULL for a stack */
    bool gone;       /* its stack closed it */
} host_t;

struct mempeer {
    host_t host;
    mempeer_cb cb;
    void *data;
};

typedef struct datagram {
    srf__timer_t timer;
    memnet_t *net;
    struct datagram *next;
    struct datagram **link;
    srf__addr_t from;
    srf__addr_t to;
    bool bounce; /* give it back instead of delivering it */
    size_t len;
    char data[];
} datagram_t;

typedef struct closed_port {
    struct closed_port *next;
    srf__addr_t address;
    bool immediate;
} closed_port_t;

struct memnet {
    srf__wheel_t wheel;
    srf__random_t random;
    memnet_faults_t faults;
    host_t *hosts;
    datagram_t *flying;
    closed_port_t *closed;
    memnet_tap tap;
    void *tap_arg;
    uint64_t seed;
    unsigned stacks;
};

static srf__addr_t read_address(const char *text)
{
    srf__str_t all = srf__str_of(text);
    size_t colon = all.len;
    uint32_t port;
    srf__addr_t out;

    while (colon > 0 && all.p[colon - 1] != ':')
        colon--;
    ck_assert(srf__str_to_u32(srf__str(all.p + colon, all.len - colon), 65535,
                              &port));
    ck_assert(srf__addr_from_host(&out, srf__str(all.p, colon - 1),
                                  (uint16_t)port, SRF__TRANSPORT_UDP));
    return out;
}

static bool chance(memnet_t *net, unsigned pct)
{
    return pct > 0 && srf__random_u32(&net->random) % 100 < pct;
}

static host_t *find_host(memnet_t *net, const srf__addr_t *address)
{
    host_t *host = net->hosts;

    while (host != NULL &&
           (host->gone || !srf__addr_eq(&host->listener.bound, address)))
        host = host->next;
    return host;
}

static void deliver(srf__timer_t *timer)
{
    datagram_t *datagram =
        (datagram_t *)((char *)timer - offsetof(datagram_t, timer));
    memnet_t *net = datagram->net;
    host_t *host =
        find_host(net, datagram->bounce ? &datagram->from : &datagram->to);

    srf__list_remove(datagram);
    if (host != NULL && host->peer != NULL) {
        if (!datagram->bounce)
            host->peer->cb(host->peer, &datagram->from, datagram->data,
                           datagram->len);
    } else if (host != NULL) {
        const srf__transports_events_t *events = &host->listener.owner->events;
        const srf__flow_t flow = {&host->listener, datagram->from, 0};
        if (datagram->bounce)
            events->undelivered(events->arg, &datagram->to, datagram->data,
                                datagram->len);
        else
            events->message(events->arg, &flow, datagram->data, datagram->len);
    }
    free(datagram);
}

static void fly(memnet_t *net, const datagram_t *model, const char *data,
                uint64_t delay_ms)
{
    datagram_t *datagram = malloc(sizeof(*datagram) + model->len);

    /* An assertion that holds costs a write(), too much for every datagram. */
    if (datagram == NULL)
        ck_abort_msg("memory is out");
    *datagram = *model;
    memset(&datagram->timer, 0, sizeof(datagram->timer));
    memcpy(datagram->data, data, model->len);
    datagram->net = net;
    srf__list_push(&net->flying, datagram);
    srf__timer_start(&net->wheel, &datagram->timer, delay_ms, deliver);
}

static const closed_port_t *find_closed(const memnet_t *net,
                                        const srf__addr_t *to)
{
    const closed_port_t *closed = net->closed;

    while (closed != NULL && !srf__addr_eq(&closed->address, to))
        closed = closed->next;
    return closed;
}

static int transmit(memnet_t *net, const srf__addr_t *from,
                    const srf__addr_t *to, const char *data, size_t len)
{
    datagram_t model = {.from = *from, .to = *to, .len = len};
    const closed_port_t *closed = find_closed(net, to);
    unsigned copies = chance(net, net->faults.duplicate_pct) ? 2 : 1;

    if (net->tap != NULL)
        net->tap(net->tap_arg, from, to, data, len);
    if (closed != NULL) {
        if (closed->immediate)
            return SRF_ERR_UNREACHABLE;
        model.bounce = true;
        copies = 1;
    }
    for (; copies > 0; copies--) {
        uint64_t delay = net->faults.delay_ms;
        if (chance(net, net->faults.loss_pct) && closed == NULL)
            continue;
        if (chance(net, net->faults.reorder_pct))
            delay +=
                srf__random_u32(&net->random) % (net->faults.reorder_ms + 1);
        fly(net, &model, data, delay);
    }
    return 0;
}

static int host_send(const srf__flow_t *flow, const srf__str_t *parts,
                     unsigned count)
{
    host_t *host = (host_t *)flow->listener;
    const srf__addr_t *to = &flow->peer;
    char data[70000];
    size_t len = 0;

    for (unsigned i = 0; i < count; i++) {
        if (len + parts[i].len > sizeof(data))
            ck_abort_msg("a datagram of %zu bytes", len + parts[i].len);
        memcpy(data + len, parts[i].p, parts[i].len);
        len += parts[i].len;
    }
    return transmit(host->net, &host->listener.bound, to, data, len);
}

static void host_close(srf__listener_t *listener)
{
    host_t *host = (host_t *)listener;

    host->gone = true;
    host->net->stacks--;
    srf__transports_closed(listener);
}

static const srf__listener_ops_t host_ops = {
    .send = host_send,
    .close = host_close,
    .reliable = false,
};

memnet_t *memnet_create(uint64_t seed)
{
    memnet_t *net = calloc(1, sizeof(*net));

    ck_assert_ptr_nonnull(net);
    net->seed = seed == 0 ? 1 : seed;
    srf__random_init_seeded(&net->random, net->seed);
    srf__wheel_init(&net->wheel, 1000);
    return net;
}

void memnet_destroy(memnet_t *net)
{
    ck_assert_uint_eq(net->stacks, 0);
    while (net->flying != NULL) {
        datagram_t *datagram = net->flying;
        net->flying = datagram->next;
        srf__timer_stop(&net->wheel, &datagram->timer);
        free(datagram);
    }
    while (net->hosts != NULL) {
        host_t *host = net->hosts;
        net->hosts = host->next;
        free(host);
    }
    while (net->closed != NULL) {
        closed_port_t *closed = net->closed;
        net->closed = closed->next;
        free(closed);
    }
    free(net);
}

void memnet_set_faults(memnet_t *net, const memnet_faults_t *faults)
{
    net->faults = *faults;
}

srf__wheel_t *memnet_wheel(memnet_t *net)
{
    return &net->wheel;
}

void memnet_run(memnet_t *net, uint64_t ms)
{
    uint64_t end = net->wheel.now_ms + ms;

    /* From event to event, so that what starts at one time counts from it. */
    for (;;) {
        uint64_t next = srf__wheel_next(&net->wheel);
        if (next > end)
            break;
        srf__wheel_advance(&net->wheel, next);
    }
    srf__wheel_advance(&net->wheel, end);
}

uint64_t memnet_drain(memnet_t *net, uint64_t ms)
{
    uint64_t begin = net->wheel.now_ms;

    while (net->wheel.count > 0 && net->wheel.now_ms < begin + ms)
        srf__wheel_advance(&net->wheel, srf__wheel_next(&net->wheel));
    return net->wheel.now_ms - begin;
}

static int64_t fixed_wall(void)
{
    return 1700000000000000;
}

static void add_listener(memnet_t *net, srf_t *srf, const char *address)
{
    host_t *host = calloc(1, sizeof(*host));
    srf__buf_t uri;

    ck_assert_ptr_nonnull(host);
    host->net = net;
    host->listener.ops = &host_ops;
    host->listener.bound = read_address(address);
    srf__buf_init_fixed(&uri, host->listener.uri, sizeof(host->listener.uri));
    srf__buf_add_text(&uri, "sip:");
    srf__buf_add_text(&uri, address);
    srf__buf_add_text(&uri, ";transport=udp");
    host->next = net->hosts;
    net->hosts = host;
    net->stacks++;
    srf__transports_add(&srf->element.transports, &host->listener);
}

srf_t *memnet_stack(memnet_t *net, const char *address,
                    const srf_options_t *options)
{
    const srf__env_t env = {
        .wheel = &net->wheel,
        .seed = net->seed * 31 + net->stacks + 7,
        .wall_us = fixed_wall,
    };
    srf_t *srf;

    ck_assert_int_eq(srf__create(&srf, &env, options), 0);
    add_listener(net, srf, address);
    return srf;
}

void memnet_listen(memnet_t *net, srf_t *srf, const char *address)
{
    add_listener(net, srf, address);
}

mempeer_t *mempeer_create(memnet_t *net, const char *address, mempeer_cb cb,
                          void *data)
{
    mempeer_t *peer = calloc(1, sizeof(*peer));

    ck_assert_ptr_nonnull(peer);
    peer->host.net = net;
    peer->host.listener.bound = read_address(address);
    peer->host.peer = peer;
    peer->host.next = net->hosts;
    net->hosts = &peer->host;
    peer->cb = cb;
    peer->data = data;
    return peer;
}

void *mempeer_data(mempeer_t *peer)
{
    return peer->data;
}

void mempeer_send(mempeer_t *peer, const srf__addr_t *to, const char *data,
                  size_t len)
{
    (void)transmit(peer->host.net, &peer->host.listener.bound, to, data, len);
}

void memnet_close_port(memnet_t *net, const char *address, bool immediate)
{
    closed_port_t *closed = calloc(1, sizeof(*closed));

    ck_assert_ptr_nonnull(closed);
    closed->address = read_address(address);
    closed->immediate = immediate;
    closed->next = net->closed;
    net->closed = closed;
}

void memnet_set_tap(memnet_t *net, memnet_tap tap, void *arg)
{
    net->tap = tap;
    net->tap_arg = arg;
}
