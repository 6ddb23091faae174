/*
 * Server transactions: what the IST and NIST machines order is done here.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transaction/server.h"

#include "base/alloc.h"
#include "base/error.h"

static const srf__span_t no_cut = {0, 0};

static void clock_fired(srf__timer_t *timer);

static srf__hash128_t exchange_halves(srf__hash128_t key)
{
    return (srf__hash128_t){{key.h[1], key.h[0]}};
}

srf__server_t *srf__server_find(const srf__txns_t *txns, srf__hash128_t key)
{
    srf__map_node_t *node = srf__map_get(&txns->servers, key);

    if (node == NULL && txns->twins > 0)
        node = srf__map_get(&txns->servers, exchange_halves(key));
    return (srf__server_t *)node;
}

/* What is kept of it, be it the response that it repeats, tells. */
static bool is_same_call(const srf__server_t *server,
                         const srf__facts_t *request)
{
    const srf_msg_t *kept =
        server->request != NULL ? server->request : server->response;
    const srf__facts_t *facts = kept == NULL ? NULL : srf__msg_facts(kept);

    return facts != NULL && facts->cseq == request->cseq &&
           srf__str_eq(srf__facts_str(facts, facts->call_id),
                       srf__facts_str(request, request->call_id)) &&
           srf__str_eq(srf__facts_str(facts, facts->from_tag),
                       srf__facts_str(request, request->from_tag));
}

srf__server_t *srf__server_find_invite(const srf__txns_t *txns,
                                       const srf__facts_t *request,
                                       srf__hash128_t key)
{
    srf__server_t *server = srf__server_find(txns, key);

    if (server != NULL || !srf__branch_is_unique(request))
        return server;
    server = (srf__server_t *)srf__map_get_half(&txns->servers, key.h[0]);
    return server != NULL && is_same_call(server, request) ? server : NULL;
}

bool srf__server_may_find_invite(const srf__txns_t *txns, srf__hash128_t key)
{
    return srf__server_find(txns, key) != NULL ||
           srf__map_get_half(&txns->servers, key.h[0]) != NULL;
}

srf__server_t *srf__server_ref(srf__server_t *server)
{
    server->refs++;
    return server;
}

void srf__server_unref(srf__server_t *server)
{
    if (server == NULL || --server->refs > 0)
        return;
    srf__msg_unref(server->request);
    srf__msg_unref(server->response);
    srf__pool_give(&server->txns->own, server, sizeof(*server));
}

void srf__server_set_user(srf__server_t *server, const srf__server_user_t *user,
                          void *data)
{
    server->user = user;
    server->user_data = data;
}

static int send_cut(const srf__flow_t *flow, srf__str_t msg, srf__span_t cut)
{
    size_t behind = (size_t)cut.off + cut.len;
    const srf__str_t parts[SRF__SEND_PARTS] = {
        srf__str(msg.p, cut.off),
        srf__str(msg.p + behind, msg.len - behind),
    };

    return cut.off == 0 ? srf__transports_send(flow, &parts[1], 1)
                        : srf__transports_send(flow, parts, 2);
}

/* False when the connection is gone, if only since it broke just now. */
static bool has_left(const srf__flow_t *flow, srf__str_t msg, srf__span_t cut)
{
    return send_cut(flow, msg, cut) == 0 || srf__transports_is_there(flow);
}

/* The Via that is topmost after `cut`. */
static bool read_next_via(const srf__facts_t *response, srf__span_t cut,
                          srf__via_t *via)
{
    const srf__header_t *line = srf__facts_first(response, SRF__HDR_VIA);
    uint16_t next;

    *via = response->via;
    if (cut.len == 0)
        return true;
    while (line != NULL && line->end <= response->via2)
        line = srf__facts_next(response, line);
    return response->via2 != 0 && line != NULL &&
           srf__via_read(response->data, response->via2, line->end, via,
                         &next) == 0;
}

/* RFC 3261 §18.2.2: when the connection that the request came on is gone, a
 * response goes to the address it came from, at the port its Via names. A
 * response whose next Via is not that of the request goes nowhere: whoever
 * answered chose it. */
static void send_anew(srf__txns_t *txns, srf__method_t method,
                      const srf__return_path_t *path,
                      const srf__facts_t *response, srf__span_t cut)
{
    srf__flow_t flow = path->flow;
    srf__via_t via;

    if (!read_next_via(response, cut, &via))
        return;
    srf__hash128_t key = srf__server_key_by(txns, response, &via, method);
    if (memcmp(&key, &path->key, sizeof(key)) != 0)
        return;
    flow.connection = 0;
    if (!srf__transports_find(&flow)) {
        flow.peer.port =
            via.port != 0
                ? via.port
                : srf__transport_port((srf__transport_id_t)flow.peer.transport);
        if (srf__transports_connect(&flow, srf__facts_str(response, via.host),
                                    SRF__OPEN_FOR_NETWORK) != 0)
            return;
    }
    (void)send_cut(&flow, srf__str(response->data, response->len), cut);
}

srf__return_path_t srf__server_return_path(const srf__server_t *server)
{
    srf__hash128_t key = server->node.key;

    return (srf__return_path_t){srf__server_reply_flow(server),
                                server->twin ? exchange_halves(key) : key};
}

static void send_out(srf__server_t *server, srf_msg_t *msg, srf__span_t cut)
{
    const srf__return_path_t path = srf__server_return_path(server);

    if (has_left(&path.flow, srf__str(msg->data, msg->len), cut))
        return;
    const srf__facts_t *facts = srf__msg_facts(msg);
    if (facts != NULL)
        send_anew(server->txns, (srf__method_t)server->method, &path, facts,
                  cut);
}

void srf__return_2xx(srf__txns_t *txns, const srf__return_path_t *path,
                     const srf__facts_t *response)
{
    srf__span_t cut = srf__cut_top_via(response);

    if (response->via2 == 0)
        return;
    txns->counters.responses_sent++;
    if (!has_left(&path->flow, srf__str(response->data, response->len), cut))
        send_anew(txns, SRF__METHOD_INVITE, path, response, cut);
}

void srf__server_forward_late(srf__server_t *server,
                              const srf__facts_t *response)
{
    const srf__return_path_t path = srf__server_return_path(server);

    srf__return_2xx(server->txns, &path, response);
}

static void send_again(srf__server_t *server)
{
    if (server->response == NULL)
        return;
    server->txns->counters.retransmissions_sent++;
    send_out(server, server->response, server->response_cut);
}

srf__str_t srf__server_tag(const srf__server_t *server,
                           char storage[SRF__TAG_LEN])
{
    srf__hex_write(storage, server->tag, SRF__TAG_LEN);
    return srf__str(storage, SRF__TAG_LEN);
}

static srf_msg_t *build(srf__server_t *server, srf__response_spec_t *spec)
{
    const srf__facts_t *request = srf__msg_facts(server->request);
    srf__via_mark_storage_t storage;
    char tag[SRF__TAG_LEN];

    if (request == NULL)
        return NULL;
    srf__via_mark_for(server->txns, request, &server->from, &storage,
                      &spec->via_mark);
    /* Who refuses has no registration, and no dialog. */
    if (srf__via_offers_keep(request) && spec->status / 100 == 2)
        srf__via_mark_keep(request, &server->from, &storage, &spec->via_mark);
    if (spec->status > 100)
        spec->to_tag = srf__server_tag(server, tag);
    srf_msg_t *out = srf__build_response(server->txns->pool, request, spec);
    spec->to_tag = srf__str(NULL, 0);
    return out;
}

/* The 100 that the machine sends of its own is repeated like a response of the
 * user's. */
static void send_trying(srf__server_t *server)
{
    srf__response_spec_t spec = {.status = 100};
    srf_msg_t *msg = build(server, &spec);

    if (msg == NULL)
        return; /* the caller just sends its request again */
    srf__msg_unref(server->response);
    server->response = msg;
    server->response_cut = no_cut;
    server->status = 100;
    server->txns->counters.responses_sent++;
    send_out(server, msg, no_cut);
}

static void owe(srf__server_t *server)
{
    const srf__flow_t flow = srf__server_reply_flow(server);

    server->owing = true;
    srf__transports_need(&flow, SRF__NEED_OWED);
}

static void pay_off(srf__server_t *server)
{
    if (!server->owing)
        return;
    const srf__flow_t flow = srf__server_reply_flow(server);
    srf__transports_need(&flow, SRF__NEED_PAID);
    server->owing = false;
}

static void terminate(srf__server_t *server)
{
    const srf__server_user_t *user = server->user;

    pay_off(server);
    srf__clock_stop(&server->clock, server->txns->wheel);
    srf__map_remove(&server->txns->servers, &server->node);
    server->txns->twins -= server->twin;
    server->txns->counters.servers--;
    server->user = NULL;
    if (user != NULL)
        user->ended(server);
    srf__server_unref(server);
}

/* Feeds the machine and does what it orders, sending of a new response, or of
 * one that is owed, excepted: the caller does that when told so. */
static uint32_t step(srf__server_t *server, srf__txn_event_t event)
{
    const srf__txn_timing_t *timing = &server->txns->timing;
    srf__txn_actions_t actions;
    bool invite = server->method == SRF__METHOD_INVITE;

    memset(&actions, 0, sizeof(actions));
    if (invite)
        srf__ist_step(&server->clock.machine, event, timing, &actions);
    else
        srf__nist_step(&server->clock.machine, event, timing, &actions);
    srf__clock_apply(&server->clock, server->txns->wheel, &actions,
                     clock_fired);
    if (actions.what & SRF__DO_RESEND)
        send_again(server);
    if (actions.what & SRF__DO_SEND_100)
        send_trying(server);
    if (actions.what & SRF__DO_TERMINATE)
        terminate(server);
    return actions.what;
}

/* The port that responses to a request go to, RFC 3261 §18.2.2 and RFC 3581 §4.
 */
static uint16_t reply_port(const srf__txns_t *txns, const srf__facts_t *request,
                           const srf__flow_t *from)
{
    const srf__via_t *via = &request->via;

    if (from->listener->ops->reliable || via->has_rport || txns->force_rport)
        return from->peer.port;
    return via->port == 0 ? 5060 : via->port;
}

srf__flow_t srf__server_reply_flow(const srf__server_t *server)
{
    srf__flow_t flow = server->from;

    flow.peer.port = server->reply_port;
    if (server->moved_to != 0) {
        flow.connection = server->moved_to;
        (void)srf__transports_resume(&flow);
    }
    return flow;
}

int srf__server_create(srf__txns_t *txns, srf__hash128_t key,
                       srf_msg_t *request, const srf__flow_t *from,
                       srf__server_t **out)
{
    const srf__facts_t *facts = srf__msg_facts(request);

    *out = NULL;
    srf__server_t *server =
        facts == NULL ? NULL
                      : srf__pool_take_zeroed(&txns->own, sizeof(*server));
    if (server == NULL)
        return SRF_ERR_NO_MEMORY;
    server->twin = srf__map_get_half(&txns->servers, key.h[0]) != NULL;
    server->node.key = server->twin ? exchange_halves(key) : key;
    server->txns = txns;
    server->from = *from;
    server->reply_port = reply_port(txns, facts, from);
    if (srf__map_add(&txns->servers, &server->node) != 0) {
        srf__pool_give(&txns->own, server, sizeof(*server));
        return SRF_ERR_NO_MEMORY;
    }
    txns->twins += server->twin;
    server->request = srf__msg_ref(request);
    server->method = facts->method;
    server->clock.machine.reliable = from->listener->ops->reliable;
    server->refs = 2; /* the machine's and the caller's */
    server->tag = srf__random_u32(txns->random);
    txns->counters.servers++;
    if (server->clock.machine.reliable)
        owe(server);
    step(server, SRF__EV_START);
    *out = server;
    return 0;
}

/* RFC 3261 §18.2.2: the connection that the request came on, or else the
 * address that it came from. Whoever else knows its branch, as everybody on the
 * way does, gets nothing. */
static bool moves_to(const srf__server_t *server, const srf__flow_t *from)
{
    const srf__flow_t old = srf__server_reply_flow(server);

    return server->clock.machine.reliable &&
           from->connection != old.connection &&
           from->peer.transport == old.peer.transport &&
           srf__addr_ip_eq(&from->peer, &old.peer);
}

static void move_to(srf__server_t *server, const srf__flow_t *from)
{
    bool owing = server->owing;

    pay_off(server);
    server->moved_to = from->connection;
    if (owing)
        owe(server);
}

void srf__server_retransmitted(srf__server_t *server, const srf__flow_t *from)
{
    server->txns->counters.retransmissions_received++;
    if (moves_to(server, from))
        move_to(server, from);
    step(server, SRF__EV_RECV_REQUEST);
}

/* Most transactions alive are waiting out their last timer: they need not keep
 * what will not be sent again. */
static void forget_messages(srf__server_t *server)
{
    if (srf__server_is_open(server))
        return;
    pay_off(server);
    srf__msg_unref(server->request);
    server->request = NULL;
    /* A 2xx to INVITE is never repeated from here: its sender does that
     * (RFC 6026 §7.1). After the ACK nothing is. */
    if (server->clock.machine.state != SRF__TXN_COMPLETED) {
        srf__msg_unref(server->response);
        server->response = NULL;
    }
}

void srf__server_acked(srf__server_t *server)
{
    srf__server_ref(server);
    step(server, SRF__EV_RECV_ACK);
    forget_messages(server);
    srf__server_unref(server);
}

void srf__server_cancel(srf__server_t *server, const srf__facts_t *cancel)
{
    if (server->cancelled || !srf__server_is_open(server))
        return;
    server->cancelled = true;
    if (server->user != NULL)
        server->user->cancelled(server, cancel);
}

bool srf__server_respond(srf__server_t *server, srf_msg_t *response,
                         unsigned status, srf__span_t cut)
{
    srf__txn_event_t event = status < 200   ? SRF__EV_SEND_1XX
                             : status < 300 ? SRF__EV_SEND_2XX
                                            : SRF__EV_SEND_FINAL;
    bool sent = false;

    srf__server_ref(server);
    if (step(server, event) & SRF__DO_SEND) {
        srf__msg_ref(response);
        srf__msg_unref(server->response);
        server->response = response;
        server->response_cut = cut;
        server->status = (uint16_t)status;
        server->txns->counters.responses_sent++;
        send_out(server, response, cut);
        sent = true;
    }
    forget_messages(server);
    srf__server_unref(server);
    return sent;
}

int srf__server_reply_kept(srf__server_t *server, srf__response_spec_t *spec,
                           srf_msg_t **kept)
{
    *kept = NULL;
    if (!srf__server_is_open(server))
        return SRF_ERR_ALREADY_FINAL;
    *kept = build(server, spec);
    if (*kept == NULL)
        return SRF_ERR_NO_MEMORY;
    (void)srf__server_respond(server, *kept, spec->status, no_cut);
    return 0;
}

int srf__server_reply(srf__server_t *server, srf__response_spec_t *spec)
{
    srf_msg_t *msg;
    int err = srf__server_reply_kept(server, spec, &msg);

    srf__msg_unref(msg);
    return err;
}

void srf__server_answer(srf__server_t *server, srf__response_spec_t *spec)
{
    if (srf__server_reply(server, spec) != SRF_ERR_NO_MEMORY)
        return;
    server->owed = (uint16_t)spec->status;
    step(server, SRF__EV_OWE);
}

static void pay(srf__server_t *server)
{
    srf__response_spec_t spec = {.status = server->owed};

    srf__server_answer(server, &spec);
}

static void clock_fired(srf__timer_t *timer)
{
    srf__server_t *server = srf__container_of(timer, srf__server_t, clock);
    srf__txn_timer_t due =
        srf__clock_take(&server->clock, server->txns->wheel, clock_fired);

    if (due != SRF__TIMER_NONE &&
        (step(server, srf__timer_event(due)) & SRF__DO_PAY) != 0)
        pay(server);
}

void srf__server_abandon(srf__server_t *server)
{
    step(server, SRF__EV_ABANDON);
}

/* A 100 is not repeated either. */
void srf__server_fall_silent(srf__server_t *server)
{
    srf__server_ref(server);
    step(server, SRF__EV_FALL_SILENT);
    forget_messages(server);
    srf__msg_unref(server->response);
    server->response = NULL;
    srf__server_unref(server);
}

/* ---- without a transaction ---- */

enum { STATELESS_TAG = 16 };

static void stateless_tag(const srf__txns_t *txns, const srf__facts_t *request,
                          char out[STATELESS_TAG])
{
    srf__hasher_t hasher;

    srf__hasher_init(&hasher, &txns->key, false);
    srf__hasher_field(&hasher, srf__facts_str(request, request->call_id));
    srf__hasher_field(&hasher, srf__facts_str(request, request->from_tag));
    srf__hasher_update(&hasher, &request->cseq, sizeof(request->cseq));
    srf__hex_write(out, srf__hasher_final(&hasher).h[0], STATELESS_TAG);
}

/* The ACK for a response with somebody else's To tag cannot be told by that. */
static void note_stateless(srf__txns_t *txns, const srf__facts_t *request,
                           unsigned status)
{
    txns->answered_stateless = true;
    if (request->method != SRF__METHOD_INVITE || status < 300 ||
        request->to_tag.len == 0)
        return;
    srf__hash128_t key = srf__server_key(txns, request, SRF__METHOD_INVITE);
    txns->refused[key.h[0] % SRF__REFUSED_KEPT] = key.h[0] | 1;
}

void srf__stateless_reply(srf__txns_t *txns, const srf__facts_t *request,
                          const srf__flow_t *from, unsigned status,
                          const char *reason, srf__str_t lines)
{
    srf__via_mark_storage_t storage;
    srf__flow_t flow = *from;
    char tag[STATELESS_TAG];
    srf__response_spec_t spec = {
        .status = status, .reason = srf__str_of(reason), .lines = lines};

    stateless_tag(txns, request, tag);
    spec.to_tag = srf__str(tag, sizeof(tag));
    srf__via_mark_for(txns, request, from, &storage, &spec.via_mark);
    flow.peer.port = reply_port(txns, request, from);
    srf_msg_t *msg = srf__build_response(txns->pool, request, &spec);
    if (msg == NULL)
        return; /* the caller sends its request again */
    note_stateless(txns, request, status);
    txns->counters.responses_sent++;
    (void)send_cut(&flow, srf__str(msg->data, msg->len), no_cut);
    srf__msg_unref(msg);
}

bool srf__stateless_is_ack_for(const srf__txns_t *txns, const srf__facts_t *ack,
                               srf__hash128_t key)
{
    char tag[STATELESS_TAG];

    if (!txns->answered_stateless)
        return false;
    if (txns->refused[key.h[0] % SRF__REFUSED_KEPT] == (key.h[0] | 1))
        return true;
    if (ack->to_tag.len != sizeof(tag))
        return false;
    stateless_tag(txns, ack, tag);
    return srf__str_eq(srf__facts_str(ack, ack->to_tag),
                       srf__str(tag, sizeof(tag)));
}
