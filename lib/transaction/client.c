/*
 * Client transactions: what the ICT and NICT machines order is done here.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transaction/client.h"

#include "base/alloc.h"
#include "base/error.h"
#include "message/build.h"

static void clock_fired(srf__timer_t *timer);
static void begin(srf__client_t *client, const srf__flow_t *flow,
                  srf_msg_t *msg);

/* No final response has come. */
static bool is_waiting(const srf__client_t *client)
{
    uint8_t state = client->clock.machine.state;

    return state == SRF__TXN_CALLING || state == SRF__TXN_TRYING ||
           state == SRF__TXN_PROCEEDING;
}

static srf__client_t *cancel_of(const srf__client_t *invite)
{
    return invite->want_cancel ? NULL : invite->cancel.txn;
}

static void release(srf__client_t *client)
{
    if (client != NULL)
        srf__pool_give(&client->txns->own, client, sizeof(*client));
}

static void unref(srf__client_t *client)
{
    if (--client->refs > 0)
        return;
    srf__msg_unref(client->request);
    srf__msg_unref(client->ack);
    if (client->upstream_gone) {
        srf__pool_give(&client->txns->own, client->upstream.path,
                       sizeof(*client->upstream.path));
    } else {
        srf__server_unref(client->upstream.server);
    }
    if (client->want_cancel)
        srf__free(client->cancel.lines);
    release(client);
}

static srf__client_t *allocate(srf__txns_t *txns, srf__method_t method)
{
    srf__client_t *client = srf__pool_take_zeroed(&txns->own, sizeof(*client));

    if (client == NULL)
        return NULL;
    client->txns = txns;
    client->method = (uint8_t)method;
    client->refs = 1; /* the machine's */
    return client;
}

int srf__client_create(srf__txns_t *txns, srf__method_t method,
                       const srf__client_user_t *user, void *data,
                       srf__client_t **out)
{
    *out = NULL;
    srf__client_t *client = allocate(txns, method);
    if (client == NULL)
        return SRF_ERR_NO_MEMORY;
    int err = srf__slot_take(txns, client, &client->slot);
    if (err != 0) {
        release(client);
        return err;
    }
    client->generation = srf__random_u32(txns->random);
    client->user = user;
    client->user_data = data;
    txns->counters.clients++;
    *out = client;
    return 0;
}

void srf__client_branch(const srf__client_t *client, uint32_t loop_hash,
                        char out[SRF__BRANCH_LEN])
{
    const srf__via_id_t id = {client->txns->worker, client->slot,
                              client->generation, loop_hash};

    srf__via_id_write(&id, out);
}

static int send_message(const srf__client_t *client, const srf_msg_t *msg)
{
    const srf__str_t part[SRF__SEND_PARTS] = {srf__str(msg->data, msg->len)};

    return srf__transports_send(&client->flow, part, 1);
}

static void wake_undelivered(srf__client_t *client)
{
    client->undelivered = true;
    srf__clock_wake(&client->clock, client->txns->wheel, clock_fired);
}

/* A failure to send (RFC 3261 §17.1.4) must not reach the user from inside its
 * own call: it waits for the loop. A full queue is no failure where the request
 * is sent again. */
static void send_request(srf__client_t *client)
{
    int err = send_message(client, client->request);

    if (err == 0 || (err == SRF_ERR_LIMIT && !client->clock.machine.reliable))
        return;
    /* It broke just now: srf__client_lost() will tell. */
    if (client->watched && !srf__transports_is_there(&client->flow))
        return;
    wake_undelivered(client);
}

/* The request as it was sent, kept or made anew. */
static const srf__facts_t *sent_request(srf__client_t *client)
{
    if (client->request == NULL && client->user != NULL &&
        client->user->rebuild != NULL)
        client->request = client->user->rebuild(client);
    return client->request == NULL ? NULL : srf__msg_facts(client->request);
}

/* RFC 3261 §17.1.1.3: to the same address, over the same transport. */
static void send_ack(srf__client_t *client, const srf__facts_t *response)
{
    if (client->ack == NULL && response != NULL) {
        const srf__facts_t *invite = sent_request(client);
        if (invite != NULL)
            client->ack = srf__build_ack(client->txns->pool, invite, response);
        if (client->ack != NULL)
            client->txns->counters.requests_sent++;
    }
    if (client->ack != NULL)
        (void)send_message(client, client->ack);
}

static void drop_request(srf__client_t *client)
{
    /* Without a user nobody could make it again for a CANCEL or an ACK. */
    if (client->clock.machine.state == SRF__TXN_PROCEEDING &&
        (client->user == NULL || client->user->rebuild == NULL))
        return;
    srf__msg_unref(client->request);
    client->request = NULL;
}

/* Gives a 2xx back past its user, who is gone (RFC 3261 §16.7 step 5). */
static void forward_late(srf__client_t *client, const srf__facts_t *response)
{
    const srf__return_path_t path =
        client->upstream_gone
            ? *client->upstream.path
            : srf__server_return_path(client->upstream.server);

    srf__return_2xx(client->txns, &path, response);
    if (client->txns->late_2xx != NULL)
        client->txns->late_2xx(client->txns->late_arg, response);
}

static void pass_up(srf__client_t *client, const srf__facts_t *response)
{
    if (client->user != NULL)
        client->user->response(client, response);
    else if (response->status / 100 == 2 && client->upstream.server != NULL)
        forward_late(client, response);
}

/* Lets go of a server transaction that would end before this one does (after
 * Timer I), for what is needed of it. One that was answered with a 2xx lives as
 * long; so does one when memory is out. */
static void let_upstream_go(srf__client_t *client)
{
    if (client->upstream.server == NULL || client->upstream_gone ||
        client->clock.machine.state == SRF__TXN_ACCEPTED ||
        client->clock.machine.state == SRF__TXN_TERMINATED)
        return;
    srf__return_path_t *path =
        srf__pool_take(&client->txns->own, sizeof(*path));
    if (path == NULL)
        return;
    *path = srf__server_return_path(client->upstream.server);
    srf__server_unref(client->upstream.server);
    client->upstream.path = path;
    client->upstream_gone = true;
}

/* The last words to a user that is told that nothing more will come. */
static void report_end(srf__client_t *client, uint32_t what)
{
    const srf__client_user_t *user = client->user;

    client->user = NULL;
    if (user == NULL)
        return;
    if (what & (SRF__DO_TIMEOUT | SRF__DO_ERROR)) {
        user->failed(client, what & SRF__DO_TIMEOUT ? SRF__CLIENT_TIMEOUT
                                                    : SRF__CLIENT_TRANSPORT);
    } else {
        user->ended(client);
    }
}

/* Feeds the machine, does what must be done at once, and takes a reference that
 * finish() gives back. */
static inline uint32_t advance(srf__client_t *client, srf__txn_event_t event,
                               const srf__facts_t *response)
{
    srf__txn_actions_t actions;
    bool invite = client->method == SRF__METHOD_INVITE;

    memset(&actions, 0, sizeof(actions));
    client->refs++;
    (invite ? srf__ict_step : srf__nict_step)(&client->clock.machine, event,
                                              &client->txns->timing, &actions);
    srf__clock_apply(&client->clock, client->txns->wheel, &actions,
                     clock_fired);
    if (actions.what & SRF__DO_SEND)
        send_request(client);
    if ((actions.what & SRF__DO_RESEND) && client->request != NULL) {
        client->txns->counters.retransmissions_sent++;
        send_request(client);
    }
    if (actions.what & SRF__DO_SEND_ACK)
        send_ack(client, response);
    return actions.what;
}

static void terminate_cancel(srf__client_t *cancel)
{
    srf__client_t *invite = srf__slot_get(cancel->txns, cancel->slot);

    srf__clock_stop(&cancel->clock, cancel->txns->wheel);
    if (invite != NULL && cancel_of(invite) == cancel)
        invite->cancel.txn = NULL;
    unref(cancel);
}

static __attribute__((noinline)) void abandon_cancel(srf__client_t *cancel)
{
    (void)advance(cancel, SRF__EV_ABANDON, NULL);
    terminate_cancel(cancel);
    unref(cancel);
}

static void terminate_request(srf__client_t *client)
{
    srf__txns_t *txns = client->txns;
    srf__client_t *cancel = cancel_of(client);

    srf__clock_stop(&client->clock, txns->wheel);
    if (cancel != NULL)
        abandon_cancel(cancel);
    srf__slot_free(txns, client->slot);
    txns->counters.clients--;
    unref(client);
}

/* The machine has ended: takes the transaction out of the tables; memory goes
 * with the last ref. */
static void terminate(srf__client_t *client)
{
    if (client->is_cancel)
        terminate_cancel(client);
    else
        terminate_request(client);
}

static inline void finish(srf__client_t *client, const srf__facts_t *response,
                          uint32_t what)
{
    if (what & SRF__DO_DROP_REQUEST)
        drop_request(client);
    if ((what & SRF__DO_PASS_UP) && response != NULL)
        pass_up(client, response);
    if (what & SRF__DO_TERMINATE) {
        report_end(client, what);
        terminate(client);
    }
    unref(client);
}

static void send_cancel(srf__client_t *invite, srf__str_t lines)
{
    srf__client_t *cancel = allocate(invite->txns, SRF__METHOD_CANCEL);
    const srf__facts_t *sent = sent_request(invite);
    srf_msg_t *msg = NULL;

    if (cancel != NULL && sent != NULL)
        msg = srf__build_cancel(invite->txns->pool, sent, lines);
    if (msg == NULL) {
        release(cancel);
        return;
    }
    cancel->is_cancel = true;
    cancel->slot = invite->slot;
    invite->cancel.txn = cancel;
    begin(cancel, &invite->flow, msg);
    finish(cancel, NULL, advance(cancel, SRF__EV_START, NULL));
}

/* Sends the CANCEL that waited for a provisional response. */
static __attribute__((noinline)) void send_wanted_cancel(srf__client_t *invite)
{
    srf__cancel_lines_t *lines = invite->cancel.lines;

    invite->want_cancel = false;
    invite->cancel.txn = NULL;
    send_cancel(invite, lines == NULL ? srf__str(NULL, 0)
                                      : srf__str(lines->text, lines->len));
    srf__free(lines);
}

static void step(srf__client_t *client, srf__txn_event_t event,
                 const srf__facts_t *response)
{
    uint32_t what = advance(client, event, response);

    if (client->want_cancel &&
        client->clock.machine.state == SRF__TXN_PROCEEDING) {
        send_wanted_cancel(client);
        if (client->user == NULL)
            finish(client, NULL, advance(client, SRF__EV_ORPHANED, NULL));
    }
    finish(client, response, what);
}

void srf__client_drop(srf__client_t *client)
{
    client->user = NULL;
    step(client, SRF__EV_ABANDON, NULL);
}

static void clock_fired(srf__timer_t *timer)
{
    srf__client_t *client = srf__container_of(timer, srf__client_t, clock);

    srf__txn_timer_t due =
        srf__clock_take(&client->clock, client->txns->wheel, clock_fired);

    if (client->undelivered) {
        client->undelivered = false;
        step(client, SRF__EV_TRANSPORT_ERROR, NULL);
    } else if (due != SRF__TIMER_NONE) {
        step(client, srf__timer_event(due), NULL);
    }
}

/* ---- connections ---- */

enum { ID_IS_CANCEL = 1 << 24 };

/* What a connection knows the transaction by. */
static uint64_t waiting_id(const srf__client_t *client)
{
    const srf__client_t *invite =
        client->is_cancel ? srf__slot_get(client->txns, client->slot) : client;
    uint32_t slot = client->slot | (client->is_cancel ? ID_IS_CANCEL : 0);

    return (uint64_t)slot << 32 | (invite == NULL ? 0 : invite->generation);
}

static srf__client_t *find_waiting(const srf__txns_t *txns, uint64_t id)
{
    uint32_t slot = (uint32_t)(id >> 32);
    srf__client_t *client = srf__slot_get(txns, slot & (ID_IS_CANCEL - 1));

    if (client != NULL && client->generation != (uint32_t)id)
        client = NULL;
    if (client != NULL && (slot & ID_IS_CANCEL) != 0)
        client = cancel_of(client);
    return client != NULL && is_waiting(client) ? client : NULL;
}

bool srf__client_is_waiting(const srf__txns_t *txns, uint64_t id)
{
    return find_waiting(txns, id) != NULL;
}

static bool start_watch(srf__client_t *client)
{
    client->watched = srf__transports_watch(&client->flow, waiting_id(client),
                                            &client->heard) == 0;
    return client->watched;
}

/* Whoever restarts, or forgets a connection, reads nothing of what was sent to
 * him on it, and says so only then, or never. A connection on which nothing had
 * come before was no good to begin with: that is a failure. The branch is the
 * same: a server that has read it after all knows the request again (RFC 3261
 * §17.2.3). */
static bool may_go_anew(const srf__client_t *client, const srf__lost_t *lost)
{
    return (client->clock.machine.state == SRF__TXN_CALLING ||
            client->clock.machine.state == SRF__TXN_TRYING) &&
           client->request != NULL && !client->sent_anew &&
           !client->cancelled && client->heard != 0 &&
           client->heard == lost->heard && lost->opening != SRF__OPEN_NOTHING;
}

static bool go_anew(srf__client_t *client, const srf__lost_t *lost)
{
    srf__flow_t flow = lost->flow;

    if (srf__transports_connect(&flow, lost->name, lost->opening) != 0)
        return false;
    client->flow = flow;
    client->sent_anew = true;
    client->undelivered = false;
    if (!start_watch(client))
        return false;
    client->txns->counters.retransmissions_sent++;
    send_request(client);
    return true;
}

/* Whether there is a connection to wait on again. A peer that closes each new
 * one at once is not asked for ever. */
static bool probe(srf__client_t *client, const srf__lost_t *lost)
{
    const srf__txns_t *txns = client->txns;
    uint32_t now = (uint32_t)srf__wheel_now(txns->wheel);
    srf__flow_t flow = lost->flow;

    if (lost->broken || lost->opening == SRF__OPEN_NOTHING ||
        (client->probing && now - client->probed_ms < txns->timing.t2_ms) ||
        srf__transports_connect(&flow, lost->name, lost->opening) != 0)
        return false;
    client->flow = flow;
    client->probing = true;
    client->probed_ms = now;
    return start_watch(client);
}

/* RFC 3261 §18.2.2: who has closed the connection may answer over a new one to
 * our Via. A server can be connected to meanwhile, a telephone comes back by
 * itself, if it does. */
static bool may_come_back(srf__client_t *client, const srf__lost_t *lost)
{
    if (client->method != SRF__METHOD_INVITE)
        return !lost->broken; /* Timer F ends it */
    if (client->cancelled || (lost->broken && !client->probing))
        return false;
    if (!probe(client, lost))
        step(client, SRF__EV_LOST, NULL);
    return true;
}

/* The peer has come back. Over another transport he has nothing of what
 * follows: an INVITE over TLS has no CANCEL or ACK in clear text. */
static void move_to(srf__client_t *client, const srf__flow_t *from)
{
    if (!client->clock.machine.reliable || from->connection == 0 ||
        from->peer.transport != client->flow.peer.transport ||
        from->connection == client->flow.connection ||
        srf__transports_is_there(&client->flow))
        return;
    /* Made anew it would have the Via of the other listener, which CANCEL and
     * ACK must not have (RFC 3261 §9.1, §17.1.1.3). */
    if (from->listener != client->flow.listener && is_waiting(client))
        (void)sent_request(client);
    client->flow = *from;
    step(client, SRF__EV_RETURNED, NULL);
    (void)start_watch(client);
}

void srf__client_lost(srf__txns_t *txns, uint64_t id, const srf__lost_t *lost)
{
    srf__client_t *client = find_waiting(txns, id);

    if (client == NULL)
        return;
    client->watched = false;
    if ((may_go_anew(client, lost) && go_anew(client, lost)) ||
        (client->clock.machine.state == SRF__TXN_PROCEEDING &&
         may_come_back(client, lost)))
        return;
    wake_undelivered(client);
}

static void begin(srf__client_t *client, const srf__flow_t *flow,
                  srf_msg_t *msg)
{
    client->flow = *flow;
    client->request = msg;
    client->clock.machine.reliable = flow->listener->ops->reliable;
    client->txns->counters.requests_sent++;
    /* A connection that is there is resumed: a CANCEL follows its INVITE. */
    if (client->clock.machine.reliable &&
        (!srf__transports_resume(&client->flow) || !start_watch(client)))
        wake_undelivered(client);
}

void srf__client_start(srf__client_t *client, const srf__flow_t *flow,
                       srf_msg_t *request)
{
    begin(client, flow, request);
    step(client, SRF__EV_START, NULL);
}

/* NULL when there are none, or no memory for them. */
static srf__cancel_lines_t *keep_lines(srf__str_t lines)
{
    srf__cancel_lines_t *kept =
        lines.len == 0 ? NULL : srf__malloc(sizeof(*kept) + lines.len);

    if (kept == NULL)
        return NULL;
    kept->len = lines.len;
    memcpy(kept->text, lines.p, lines.len);
    return kept;
}

bool srf__client_cancel(srf__client_t *client, srf__str_t lines)
{
    if (client->method != SRF__METHOD_INVITE || !is_waiting(client) ||
        client->cancelled)
        return false;
    client->cancelled = true;
    if (!srf__transports_is_there(&client->flow)) {
        wake_undelivered(client);
        return false;
    }
    if (client->clock.machine.state == SRF__TXN_PROCEEDING) {
        send_cancel(client, lines);
        return true;
    }
    client->want_cancel = true;
    client->cancel.lines = keep_lines(lines);
    return false;
}

void srf__client_release(srf__client_t *client, bool end)
{
    if (client == NULL)
        return;
    /* From here on nobody can make the request again. */
    if (!end && is_waiting(client))
        (void)sent_request(client);
    client->user = NULL;
    client->user_data = NULL;
    if (!end)
        let_upstream_go(client);
    if (end)
        step(client, SRF__EV_ABANDON, NULL);
}

static srf__client_t *find(srf__txns_t *txns, srf__str_t branch)
{
    srf__via_id_t id;

    if (!srf__via_id_read(branch, &id) || id.worker != txns->worker)
        return NULL;
    srf__client_t *client = srf__slot_get(txns, id.slot);
    return client != NULL && client->generation == id.generation ? client
                                                                 : NULL;
}

/* Whether the sent-by of the topmost Via, which our branch stands behind, is
 * exactly this. */
static inline bool is_sent_by(const srf__facts_t *response, srf__str_t ours)
{
    const char *given = response->data + response->via.host.off;

    if (response->via.host.off + ours.len >= response->via.branch.off ||
        given[ours.len] != ';')
        return false;
    return ours.len >= 2 && ours.len <= SRF__SAME_BYTES_MAX
               ? srf__same_bytes(given, ours.p, ours.len)
               : memcmp(given, ours.p, ours.len) == 0;
}

/* Peers may write it otherwise than we do, and a wildcard may have another
 * address by now. */
static __attribute__((noinline)) bool is_sent_by_us(const srf__client_t *client,
                                                    const srf__facts_t *facts)
{
    const srf__txns_t *txns = client->txns;
    const srf__flow_t *flow = &client->flow;
    char storage[SRF__ADDR_TEXT];

    return is_sent_by(facts, srf__listener_host_port(flow->listener,
                                                     &flow->peer, storage)) ||
           (txns->is_ours != NULL && txns->is_ours(txns->ours_arg, facts));
}

static void complain(const srf__client_t *client, const srf__facts_t *response)
{
    const srf__log_context_t context = {
        .module = "transaction",
        .call_id = srf__facts_str(response, response->call_id),
    };

    srf__log_peer(client->txns->log, SRF_LOG_DEBUG, &context,
                  "response dropped: its Via has somebody else's sent-by");
}

/* RFC 3261 §18.1.2: what has another sent-by than we put there is not for us.
 * Mostly it is that of a listener bound to one address. */
static inline bool is_for_us(const srf__client_t *client,
                             const srf__facts_t *response)
{
    const srf__listener_t *listener = client->flow.listener;

    if (listener->advertised == NULL && listener->host_port_len > 0 &&
        is_sent_by(response,
                   srf__str(listener->host_port, listener->host_port_len)))
        return true;
    if (is_sent_by_us(client, response))
        return true;
    complain(client, response);
    return false;
}

bool srf__client_receive(srf__txns_t *txns, const srf__facts_t *response,
                         const srf__flow_t *from)
{
    srf__client_t *client =
        find(txns, srf__facts_str(response, response->via.branch));
    srf__txn_event_t event = response->status < 200   ? SRF__EV_RECV_1XX
                             : response->status < 300 ? SRF__EV_RECV_2XX
                                                      : SRF__EV_RECV_FINAL;

    /* RFC 3261 §17.1.3: a CANCEL has the branch of what it cancels; the method
     * of CSeq tells them apart. */
    if (client != NULL && client->method == SRF__METHOD_INVITE &&
        response->cseq_method == SRF__METHOD_CANCEL)
        client = cancel_of(client);
    if (client != NULL && client->method == response->cseq_method &&
        client->clock.machine.state != SRF__TXN_INIT &&
        is_for_us(client, response)) {
        client->undelivered = false; /* the way is good after all */
        move_to(client, from);
        step(client, event, response);
        return true;
    }
    txns->counters.dropped_unmatched++;
    return false;
}

/* Returns what is behind the first `mark` in `text`; empty when it is not
 * there. */
static srf__str_t behind(srf__str_t text, srf__str_t mark)
{
    for (size_t i = 0; i + mark.len <= text.len; i++) {
        if (memcmp(text.p + i, mark.p, mark.len) == 0)
            return srf__str(text.p + i + mark.len, text.len - i - mark.len);
    }
    return srf__str(NULL, 0);
}

/* An INVITE is sent until a provisional response comes: the way was good, what
 * is lost then is a retransmission that crossed it. Another request is sent on
 * behind one (RFC 3261 §17.1.2.2), and its server may have gone meanwhile. */
static bool is_being_sent(const srf__client_t *client)
{
    uint8_t state = client->clock.machine.state;

    return state == SRF__TXN_CALLING || state == SRF__TXN_TRYING ||
           (state == SRF__TXN_PROCEEDING &&
            client->method != SRF__METHOD_INVITE);
}

void srf__client_undelivered(srf__txns_t *txns, srf__str_t datagram)
{
    /* An ACK shares the branch of its INVITE, but its loss says nothing new. */
    if (datagram.len < 7 || memcmp(datagram.p, "ACK ", 4) == 0)
        return;
    /* Our Via is the first of what we send; other lines may stand above. */
    srf__str_t via = behind(datagram, SRF__STR("\nVia: SIP/2.0/"));
    srf__str_t branch = behind(via, SRF__STR(";branch="));
    if (branch.len < SRF__BRANCH_LEN)
        return;
    srf__client_t *client = find(txns, srf__str(branch.p, SRF__BRANCH_LEN));
    if (client != NULL && memcmp(datagram.p, "CANCEL ", 7) == 0)
        client = cancel_of(client);
    if (client == NULL || !is_being_sent(client))
        return;
    wake_undelivered(client);
}
