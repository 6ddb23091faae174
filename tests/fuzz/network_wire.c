/*
 * The network: listeners of all kinds, connections, and what goes over them.
 * Streams behave as transport/stream.h and connection.h have it, with the
 * library's own framing.
 *
 * SPDX-License-Identifier: MIT
 */
#include "network.h"

#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

enum { MESSAGE_MAX = 65535, NODE_KINDS = 14 };

/* ---- connections ---- */

static conn_t *find_conn(net_t *net, const srf__flow_t *flow)
{
    for (unsigned i = 0; i < CONNS; i++) {
        conn_t *conn = &net->conns[i];
        if (conn->state != CONN_FREE && conn->id == flow->connection)
            return conn;
    }
    return NULL;
}

static conn_t *open_conn(node_t *node, const srf__addr_t *peer, bool accepted)
{
    static const srf__framer_limits_t limits = {MESSAGE_MAX, MESSAGE_MAX};
    srf__transports_t *owner = node->base.owner;
    net_t *net = node->net;
    conn_t *conn = net->conns;

    while (conn < net->conns + CONNS && conn->state != CONN_FREE)
        conn++;
    if (conn == net->conns + CONNS)
        return NULL;
    memset(conn, 0, sizeof(*conn));
    conn->state = CONN_OPEN;
    conn->id = ++owner->last_connection;
    conn->node = node;
    conn->peer = *peer;
    conn->accepted = accepted;
    srf__framer_init(&conn->framer, &limits);
    owner->counters.connections++;
    return conn;
}

/* As when the connection's handle has been closed. */
static void lose(net_t *net, conn_t *conn, bool broken)
{
    static conn_t gone;
    srf__transports_t *owner = conn->node->base.owner;
    const srf__transports_events_t *events = &owner->events;

    gone = *conn;
    conn->state = CONN_FREE;
    owner->counters.connections--;
    const srf__lost_t lost = {
        .flow = {&gone.node->base, gone.peer, 0},
        .opening = gone.node->web ? SRF__OPEN_NOTHING : SRF__OPEN_FOR_NETWORK,
        .heard = gone.heard,
        .broken = broken,
    };
    if (gone.waiting_count > 0 && !owner->closing)
        events->lost(events->arg, &lost, gone.waiting, gone.waiting_count);
    for (unsigned i = 0; i < gone.held_count; i++) {
        if (!owner->closing)
            events->undelivered(events->arg, &gone.peer, gone.held[i]->p,
                                gone.held[i]->len);
        free(gone.held[i]);
    }
    srf__framer_deinit(&gone.framer);
    pass(net, 0);
}

static void complete(conn_t *conn)
{
    conn->state = CONN_OPEN;
    for (unsigned i = 0; i < conn->held_count; i++)
        free(conn->held[i]);
    conn->held_count = 0;
}

/* ---- a listener's functions ---- */

static int failure(net_t *net, bool stream)
{
    static const int errors[] = {SRF_ERR_UNREACHABLE, SRF_ERR_LIMIT,
                                 SRF_ERR_NOT_CONNECTED};
    int err = errors[net->fail_send % (stream ? 3 : 2)];

    net->fail_send = 0;
    return err;
}

static int hold(conn_t *conn, const text_t *text)
{
    if (conn->held_count == CONN_HELD)
        return SRF_ERR_LIMIT;
    text_t *held = malloc(sizeof(*held));
    FUZZ_CHECK(held != NULL);
    text_copy(held, text);
    conn->held[conn->held_count++] = held;
    return 0;
}

/* A message to one of the stack's own datagram addresses comes back in. */
static void loop_back(net_t *net, const sent_t *sent)
{
    for (unsigned i = 0; i < net->node_count; i++) {
        node_t *node = &net->nodes[i];
        looped_t *looped = &net->looped[net->looped_count];
        if (node->base.ops->reliable || net->looped_count == LOOPED_MAX ||
            !srf__addr_eq(&node->base.bound, &sent->flow.peer))
            continue;
        text_copy(&looped->text, &sent->text);
        looped->from = sent->flow.listener->bound;
        looped->node = node;
        net->looped_count++;
    }
}

static void copy(sent_t *to, const sent_t *from)
{
    to->flow = from->flow;
    text_copy(&to->text, &from->text);
}

static void remember(net_t *net, const sent_t *sent)
{
    const srf__facts_t *facts = text_scan(sent->text.p, sent->text.len);

    copy(&net->last, sent);
    if (facts != NULL && !facts->is_request)
        copy(&net->reply, sent);
    else if (facts != NULL && facts->method != SRF__METHOD_ACK)
        copy(&net->sent[net->sent_next++ % SENT_KEPT], sent);
}

const sent_t *wire_request(const net_t *net, unsigned index)
{
    return &net->sent[(net->sent_next - 1 - index) % SENT_KEPT];
}

static int node_send(const srf__flow_t *flow, const srf__str_t *parts,
                     unsigned count)
{
    static sent_t sent;
    const node_t *node = (const node_t *)flow->listener;
    net_t *net = node->net;

    FUZZ_CHECK(!net->closing);
    sent.flow = *flow;
    sent.text.len = 0;
    for (unsigned i = 0; i < count; i++)
        text_add(&sent.text, parts[i].p, parts[i].len);
    FUZZ_CHECK(sent.text.len > 0);
    conn_t *conn = find_conn(net, flow);
    if (node->base.ops->reliable && conn == NULL)
        return SRF_ERR_NOT_CONNECTED;
    rules_sent(net, &sent);
    if (net->fail_send != 0)
        return failure(net, conn != NULL);
    if (conn != NULL && conn->state == CONN_OPENING && hold(conn, &sent.text))
        return SRF_ERR_LIMIT;
    net->counts.sent++;
    remember(net, &sent);
    if (conn == NULL)
        loop_back(net, &sent);
    return 0;
}

static int node_connect(srf__flow_t *flow, srf__str_t name,
                        srf__opening_t opening)
{
    node_t *node = (node_t *)flow->listener;
    net_t *net = node->net;
    bool refused = net->refuse != 0;

    (void)name;
    for (unsigned i = 0; i < CONNS; i++) {
        const conn_t *conn = &net->conns[i];
        if (conn->state != CONN_FREE && conn->node == node && conn->reusable &&
            srf__addr_eq(&conn->peer, &flow->peer)) {
            flow->connection = conn->id;
            return 0;
        }
    }
    if (opening == SRF__OPEN_NOTHING)
        return SRF_ERR_NOT_CONNECTED;
    if (node->web)
        return SRF_ERR_NO_TRANSPORT;
    net->refuse = 0;
    conn_t *conn = refused ? NULL : open_conn(node, &flow->peer, false);
    if (conn == NULL)
        return SRF_ERR_LIMIT;
    conn->reusable = true;
    conn->state = net->connects_at_once ? CONN_OPEN : CONN_OPENING;
    flow->connection = conn->id;
    return 0;
}

/* A connection of any listener will do, rather one of the flow's own. */
static bool node_find(srf__flow_t *flow)
{
    net_t *net = ((node_t *)flow->listener)->net;
    const conn_t *found = NULL;

    for (unsigned i = 0; i < CONNS; i++) {
        const conn_t *conn = &net->conns[i];
        if (conn->state != CONN_FREE && conn->reusable &&
            srf__addr_eq(&conn->peer, &flow->peer) &&
            (found == NULL || &conn->node->base == flow->listener))
            found = conn;
    }
    if (found == NULL)
        return false;
    flow->listener = &found->node->base;
    flow->connection = found->id;
    return true;
}

static int node_watch(const srf__flow_t *flow, uint64_t id, uint32_t *heard)
{
    net_t *net = ((node_t *)flow->listener)->net;
    conn_t *conn = find_conn(net, flow);

    if (conn == NULL)
        return SRF_ERR_NOT_CONNECTED;
    if (conn->waiting_count == CONN_WAITING ||
        fuzz_memory_fails(&network_memory))
        return SRF_ERR_NO_MEMORY;
    conn->waiting[conn->waiting_count++] = id;
    *heard = conn->heard;
    return 0;
}

static bool node_resume(srf__flow_t *flow)
{
    const conn_t *conn = find_conn(((node_t *)flow->listener)->net, flow);

    if (conn != NULL) {
        flow->listener = &conn->node->base;
        flow->peer = conn->peer;
    }
    return conn != NULL;
}

static bool node_is_accepted(const srf__flow_t *flow)
{
    const conn_t *conn = find_conn(((node_t *)flow->listener)->net, flow);

    return conn != NULL && conn->accepted;
}

static void node_rest(const srf__flow_t *flow, uint32_t ms)
{
    const conn_t *conn = find_conn(((node_t *)flow->listener)->net, flow);

    FUZZ_CHECK(conn == NULL || conn->state == CONN_OPEN);
    FUZZ_CHECK(ms > 0);
}

static void node_strain(srf__listener_t *listener, srf__strain_t *strain)
{
    net_t *net = ((node_t *)listener)->net;

    strain->received += net->counts.arrived;
    strain->drops += net->drops;
    if (strain->wait_ms < net->wait_ms)
        strain->wait_ms = net->wait_ms;
    net->wait_ms = 0; /* it is asked since when it was asked last */
}

static void node_close(srf__listener_t *listener)
{
    srf__transports_closed(listener);
}

/* ---- listening ---- */

static const struct {
    const char *host;
    uint16_t port;
    srf__transport_id_t transport;
    bool wildcard;
    const char *advertised;
} kinds[NODE_KINDS] = {
    {"10.0.0.1", 5060, SRF__TRANSPORT_UDP, false, NULL},
    {"10.0.0.1", 5060, SRF__TRANSPORT_TCP, false, NULL},
    {"10.0.0.1", 5061, SRF__TRANSPORT_TLS, false, NULL},
    {"10.0.0.1", 80, SRF__TRANSPORT_WS, false, NULL},
    {"10.0.0.1", 5080, SRF__TRANSPORT_UDP, false, NULL},
    {"[2001:db8::1]", 5060, SRF__TRANSPORT_UDP, false, NULL},
    {"10.0.0.2", 5060, SRF__TRANSPORT_UDP, false, "proxy.example.com"},
    {"10.0.0.2", 5060, SRF__TRANSPORT_TCP, false, "192.0.2.1:5062"},
    {"0.0.0.0", 5070, SRF__TRANSPORT_UDP, true, NULL},
    {"127.0.0.1", 5060, SRF__TRANSPORT_UDP, false, NULL},
    {"10.0.0.1", 443, SRF__TRANSPORT_WSS, false, NULL},
    {"[2001:db8::1]", 5060, SRF__TRANSPORT_TCP, false, NULL},
    {"10.0.0.2", 5061, SRF__TRANSPORT_TLS, false, "proxy.example.com:5061"},
    {"[2001:db8::1]", 5061, SRF__TRANSPORT_TLS, false, NULL},
};

static const srf__listener_ops_t datagram_ops = {
    .send = node_send,
    .strain = node_strain,
    .close = node_close,
};

static const srf__listener_ops_t stream_ops = {
    .send = node_send,
    .connect = node_connect,
    .find = node_find,
    .watch = node_watch,
    .resume = node_resume,
    .is_accepted = node_is_accepted,
    .rest = node_rest,
    .close = node_close,
    .reliable = true,
};

void wire_listen(net_t *net, unsigned kind)
{
    node_t *node = &net->nodes[net->node_count++];
    srf__transport_id_t transport = kinds[kind].transport;

    node->net = net;
    node->web = transport == SRF__TRANSPORT_WS || //
                transport == SRF__TRANSPORT_WSS;
    node->base.ops =
        transport == SRF__TRANSPORT_UDP ? &datagram_ops : &stream_ops;
    FUZZ_CHECK(srf__addr_from_host(&node->base.bound,
                                   srf__str_of(kinds[kind].host),
                                   kinds[kind].port, transport));
    node->base.wildcard = kinds[kind].wildcard;
    FUZZ_CHECK(srf__advertised_read(kinds[kind].advertised,
                                    &node->base.advertised) == 0);
    srf__listener_write_uri(&node->base);
    srf__transports_add(&net->srf->element.transports, &node->base);
}

srf__addr_t wire_peer(const node_t *node, unsigned index)
{
    static const char *const four[] = {"10.0.0.9",  "10.0.0.11", "10.0.0.12",
                                       "10.0.0.13", "10.0.0.66", "127.0.0.1"};
    static const char *const six[] = {"[2001:db8::9]", "[2001:db8::11]"};
    bool is_six = node->base.bound.family == 6;
    srf__addr_t out;

    FUZZ_CHECK(
        srf__addr_from_host(&out,
                            srf__str_of(is_six ? six[index % COUNT(six)]
                                               : four[index % COUNT(four)]),
                            index % 12 < 6 ? 5060 : 40000,
                            (srf__transport_id_t)node->base.bound.transport));
    return out;
}

/* ---- what comes ---- */

/* One message, or what stands for one, in a block of its exact size, so that
 * reading beyond it is noticed. */
static void arrive(net_t *net, const srf__flow_t *from,
                   const srf__framed_t *framed)
{
    const srf__transports_events_t *events =
        &net->srf->element.transports.events;
    srf_stats_t stats = {.size = sizeof(stats)};
    size_t len = framed->bytes.len;
    char *exact = malloc(len == 0 ? 1 : len);

    FUZZ_CHECK(exact != NULL);
    if (len > 0)
        memcpy(exact, framed->bytes.p, len);
    FUZZ_CHECK(srf_stats(net->srf, &stats) == 0);
    rules_arrival(net, from, exact, len);
    const counts_t before = net->counts;
    if (framed->kind == SRF__FRAMED_REFUSE)
        events->refused(events->arg, from, srf__str(exact, len), framed->status,
                        framed->reason);
    else
        events->message(events->arg, from, exact, len);
    rules_check_step(net, &before, stats.client_transactions);
    memset(&net->arrival, 0, sizeof(net->arrival));
    free(exact);
}

static void take_bytes(net_t *net, conn_t *conn, const char *p, size_t len)
{
    const srf__flow_t from = {&conn->node->base, conn->peer, conn->id};
    srf__framed_t framed = {.kind = SRF__FRAMED_PING};
    char *exact = malloc(len == 0 ? 1 : len);
    bool over = false;

    FUZZ_CHECK(exact != NULL);
    if (len > 0)
        memcpy(exact, p, len);
    int err = srf__framer_begin(&conn->framer, exact, len);
    while (err == 0 && !over && !net->closing &&
           srf__framer_next(&conn->framer, &framed) != SRF__FRAMED_NONE) {
        over = framed.kind == SRF__FRAMED_REFUSE ||
               framed.kind == SRF__FRAMED_GARBAGE;
        if (framed.kind == SRF__FRAMED_MESSAGE ||
            framed.kind == SRF__FRAMED_REFUSE)
            arrive(net, &from, &framed);
        over = over || conn->state == CONN_FREE || conn->id != from.connection;
    }
    if (err == 0 && !over)
        err = srf__framer_end(&conn->framer);
    free(exact);
    if ((err != 0 || over) && conn->state != CONN_FREE)
        lose(net, conn, framed.kind == SRF__FRAMED_GARBAGE || err != 0);
}

/* The connection that a peer has made; NULL when there are too many. */
static conn_t *accepted_from(net_t *net, node_t *node, const srf__addr_t *peer)
{
    for (unsigned i = 0; i < CONNS; i++) {
        conn_t *conn = &net->conns[i];
        if (conn->state == CONN_OPEN && conn->node == node &&
            srf__addr_eq(&conn->peer, peer))
            return conn;
    }
    conn_t *conn = open_conn(node, peer, true);
    if (conn != NULL)
        conn->reusable = node->base.bound.transport == SRF__TRANSPORT_TCP;
    return conn;
}

static void on_conn(net_t *net, conn_t *conn, const char *p, size_t len)
{
    const srf__framed_t whole = {.kind = SRF__FRAMED_MESSAGE,
                                 .bytes = srf__str(p, len)};
    const srf__flow_t from = {&conn->node->base, conn->peer, conn->id};

    if (conn->state != CONN_OPEN)
        complete(conn);
    conn->heard++;
    if (conn->node->web)
        arrive(net, &from, &whole);
    else
        take_bytes(net, conn, p, len);
}

void wire_deliver(net_t *net, node_t *node, const srf__addr_t *from,
                  const char *p, size_t len)
{
    const srf__framed_t whole = {.kind = SRF__FRAMED_MESSAGE,
                                 .bytes = srf__str(p, len)};
    const srf__flow_t flow = {&node->base, *from, 0};

    if (net->closing)
        return;
    if (!node->base.ops->reliable) {
        arrive(net, &flow, &whole);
        return;
    }
    conn_t *conn = accepted_from(net, node, from);
    if (conn != NULL)
        on_conn(net, conn, p, len);
}

void wire_answer(net_t *net, const srf__flow_t *flow, const char *p, size_t len)
{
    conn_t *conn = find_conn(net, flow);

    if (net->closing)
        return;
    if (conn != NULL)
        on_conn(net, conn, p, len);
    else if (!flow->listener->ops->reliable)
        wire_deliver(net, (node_t *)flow->listener, &flow->peer, p, len);
}

void wire_bytes(net_t *net, unsigned index, const char *p, size_t len)
{
    conn_t *conn = &net->conns[index % CONNS];

    if (!net->closing && conn->state != CONN_FREE)
        on_conn(net, conn, p, len);
}

void wire_looped(net_t *net)
{
    static looped_t looped;

    for (unsigned i = 0; net->looped_count > 0 && i < 200; i++) {
        const looped_t *last = &net->looped[--net->looped_count];
        looped.from = last->from;
        looped.node = last->node;
        text_copy(&looped.text, &last->text);
        wire_deliver(net, looped.node, &looped.from, looped.text.p,
                     looped.text.len);
    }
    net->looped_count = 0;
}

/* ---- events ---- */

static void give_back(net_t *net)
{
    static sent_t sent;
    const srf__transports_events_t *events =
        &net->srf->element.transports.events;

    copy(&sent, &net->last);
    if (sent.text.len > 0 && !sent.flow.listener->ops->reliable)
        events->undelivered(events->arg, &sent.flow.peer, sent.text.p,
                            sent.text.len);
}

void wire_event(net_t *net, unsigned index, unsigned what)
{
    conn_t *conn = &net->conns[index % CONNS];

    if (net->closing)
        return;
    if (what % 6 == 0)
        give_back(net);
    else if (what % 6 == 1)
        net->fail_send = 1 + index % 3;
    else if (what % 6 == 2)
        net->refuse = 1;
    else if (conn->state != CONN_FREE && what % 6 == 3)
        complete(conn);
    else if (conn->state != CONN_FREE)
        lose(net, conn, what % 6 == 4);
}

void wire_end(net_t *net)
{
    for (unsigned i = 0; i < CONNS; i++) {
        conn_t *conn = &net->conns[i];
        if (conn->state == CONN_FREE)
            continue;
        for (unsigned j = 0; j < conn->held_count; j++)
            free(conn->held[j]);
        srf__framer_deinit(&conn->framer);
        conn->state = CONN_FREE;
    }
}
