/*
 * What becomes of a message that came in: transaction, validation, handler.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/receive.h"

#include "base/alloc.h"
#include "base/error.h"
#include "core/arrival.h"
#include "core/handlers.h"
#include "core/req.h"
#include "core/trace.h"
#include "message/lines.h"
#include "proxy/ack.h"
#include "proxy/search.h"
#include "proxy/undelivered.h"
#include "proxy/validate.h"
#include "transaction/client.h"
#include "transaction/server.h"
#include "transport/stun.h"

/* Room for an Allow or Unsupported line. */
enum { LINES_BYTES = 4096, RETRY_AFTER_BYTES = 64 };

/* A message that has come. */
typedef struct incoming {
    srf_t *srf;
    const srf__facts_t *facts;
    const srf__flow_t *from;
} incoming_t;

static void log_refusal(const incoming_t *incoming, unsigned status,
                        const char *reason)
{
    srf__log_t *log = &incoming->srf->element.log;
    char peer[SRF__ADDR_TEXT];

    if (!srf__log_on(log, SRF_LOG_INFO))
        return;
    (void)srf__addr_text(&incoming->from->peer, peer);
    const srf__log_context_t context = {
        .module = "core",
        .call_id = srf__facts_str(incoming->facts, incoming->facts->call_id),
        .peer = peer,
    };
    srf__log_peer(log, SRF_LOG_INFO, &context, "request refused: %u %s", status,
                  reason == NULL ? srf__status_reason(status) : reason);
}

/* Opens the transaction of a new request. What was scanned from its bytes is
 * lent to their copy until close_transaction(). NULL when memory is out: the
 * request will be sent again. */
static srf__server_t *open_transaction(const incoming_t *incoming,
                                       srf__hash128_t key, srf_msg_t **request)
{
    srf__server_t *server = NULL;

    *request = srf__msg_create(&incoming->srf->element.pool, incoming->facts);
    if (*request == NULL)
        return NULL;
    srf__msg_lend_facts(*request, incoming->facts);
    (void)srf__server_create(&incoming->srf->element.txns, key, *request,
                             incoming->from, &server);
    if (server == NULL) {
        srf__msg_lend_facts(*request, NULL);
        srf__msg_unref(*request);
    }
    return server;
}

static void close_transaction(srf__server_t *server, srf_msg_t *request)
{
    srf__msg_lend_facts(request, NULL);
    srf__msg_unref(request);
    srf__server_unref(server);
}

/* What is too much is answered without a transaction, as long as that is not
 * too much, too; it is dropped and counted then (RFC 3261 §21.5.4). On a stream
 * nobody would send it again. */
static bool may_answer(const incoming_t *incoming)
{
    srf_t *srf = incoming->srf;

    if (incoming->from->listener->ops->reliable ||
        !srf__arrival_is_guarded(srf) ||
        srf__overload_take_answer(&srf->overload))
        return true;
    srf->shed++;
    return false;
}

static void reply(const incoming_t *incoming, unsigned status,
                  const char *reason, srf__str_t lines)
{
    srf__stateless_reply(&incoming->srf->element.txns, incoming->facts,
                         incoming->from, status, reason, lines);
}

/* One answer each time that the request comes, and nothing is kept: who names
 * somebody else as the source of a datagram brings him no more than that one
 * (RFC 3261 §8.2.7). */
static void refuse(const incoming_t *incoming, unsigned status,
                   const char *reason, srf__str_t lines)
{
    if (status >= 300) {
        incoming->srf->rejected++;
        log_refusal(incoming, status, reason);
    }
    if (may_answer(incoming))
        reply(incoming, status, reason, lines);
}

/* What goes without a transaction, or is sent again, is work, too: whoever is
 * above the rate with it gets no answer. */
static bool is_dropped(const incoming_t *incoming, bool in_dialog)
{
    bool above =
        srf__arrival_is_above_rate(incoming->srf, incoming->from, in_dialog);

    incoming->srf->shed += above;
    return above;
}

/* ---- requests without a transaction of their own kind ---- */

/* What is forwarded without a transaction is work, too. Whose bucket it comes
 * from may be told by its looks: both are limited. */
static bool is_ack_too_much(const incoming_t *incoming)
{
    srf_t *srf = incoming->srf;
    const srf__facts_t *ack = incoming->facts;

    if (srf->sources.sets == NULL && !srf->overload.shedding)
        return false;
    bool routed =
        ack->to_tag.len > 0 && ack->first[SRF__HDR_ROUTE] != SRF__NO_HEADER;
    bool closed =
        srf->overload.shedding && srf__overload_is_closed(&srf->overload);
    if (!closed || srf__arrival_in_dialog(srf, ack))
        return is_dropped(incoming, routed);
    srf->shed++;
    return true;
}

static void on_ack(const incoming_t *incoming)
{
    srf_t *srf = incoming->srf;
    srf__txns_t *txns = &srf->element.txns;
    const srf__facts_t *ack = incoming->facts;
    srf__hash128_t key = srf__server_key(txns, ack, SRF__METHOD_INVITE);
    srf__server_t *server = srf__server_find_invite(txns, ack, key);

    if (server != NULL && server->clock.machine.state != SRF__TXN_ACCEPTED) {
        srf__server_acked(server);
        return;
    }
    /* An INVITE that was let in has been answered by somebody else, even if it
     * was refused when it came first. */
    if ((server == NULL && srf__stateless_is_ack_for(txns, ack, key)) ||
        srf__answers_acked(&srf->answers, ack) || is_ack_too_much(incoming))
        return;
    /* What the program has answered itself leads nowhere, wherever its caller
     * sends an ACK with the same branch. */
    srf__ack_forward(&srf->element, ack, incoming->from, key,
                     server != NULL && server->proxied);
}

/* One CANCEL ends a call. Others that are for it, of whatever sent-by, are work
 * like what is sent again; and they would be transactions, which there are
 * enough of in overload. */
static bool is_cancel_too_much(const incoming_t *incoming,
                               const srf__server_t *invite)
{
    srf_t *srf = incoming->srf;

    if (invite == NULL)
        return is_dropped(incoming, false);
    if (!invite->cancelled && srf__server_is_open(invite))
        return false;
    if (!srf__overload_is_on(&srf->overload))
        return is_dropped(incoming, true);
    srf->shed++;
    return true;
}

/* RFC 3261 §9.2, §16.10: 200 when the INVITE is known, else 481; it is never
 * forwarded, since every INVITE has a transaction here. */
static void on_cancel(const incoming_t *incoming, srf__hash128_t key)
{
    srf__txns_t *txns = &incoming->srf->element.txns;
    const srf__facts_t *cancel = incoming->facts;
    srf__server_t *invite = srf__server_find_invite(
        txns, cancel, srf__server_key(txns, cancel, SRF__METHOD_INVITE));
    srf__response_spec_t spec = {.status = 200};
    srf_msg_t *request;

    if (is_cancel_too_much(incoming, invite))
        return;
    if (invite == NULL) {
        if (may_answer(incoming))
            reply(incoming, 481, NULL, spec.lines);
        return;
    }
    srf__server_t *server = open_transaction(incoming, key, &request);
    if (server == NULL)
        return;
    server->tag = invite->tag;
    srf__server_answer(server, &spec);
    close_transaction(server, request);
    srf__server_cancel(invite, cancel);
}

/* ---- new requests ---- */

static void refuse_verdict(const incoming_t *incoming,
                           const srf__verdict_t *verdict)
{
    char storage[LINES_BYTES];
    srf__buf_t lines;

    srf__buf_init_fixed(&lines, storage, sizeof(storage));
    if (verdict->status == 420)
        srf__unsupported_write(incoming->facts, &lines);
    if (verdict->status == 200) /* OPTIONS for us, §11.2 */
        srf__handlers_write_allow(incoming->srf, &lines);
    if (lines.err != 0)
        lines.len = 0;
    refuse(incoming, verdict->status, verdict->reason, srf__buf_str(&lines));
}

static void answer_without_handler(const incoming_t *incoming,
                                   const srf__route_t *route)
{
    char storage[LINES_BYTES];
    srf__buf_t lines;

    srf__buf_init_fixed(&lines, storage, sizeof(storage));
    srf__handlers_write_allow(incoming->srf, &lines);
    if (lines.err != 0)
        lines.len = 0;
    refuse(incoming,
           srf__handler_missing(incoming->srf, incoming->facts, route), NULL,
           srf__buf_str(&lines));
}

/* Inside a dialog we record-routed: proxied without asking. We stay in the
 * route of an end that has to set the dialog up anew (RFC 3261 §16.6 step 4).
 */
static void proxy_in_dialog(srf_t *srf, srf__server_t *server,
                            const srf__route_t *route)
{
    const srf__context_spec_t spec = {
        .settings = {.record_route = true, .unreported = true}, .route = route};
    srf__response_spec_t failed = {.status = 500};

    if (srf__search_start(&srf->element, server, &spec) != 0)
        srf__server_answer(server, &failed);
}

static bool is_overloaded(const incoming_t *incoming)
{
    srf__overload_t *overload = &incoming->srf->overload;

    if (!srf__overload_is_on(overload)) {
        overload->let_in++;
        return false;
    }
    return srf__arrival_in_dialog(incoming->srf, incoming->facts)
               ? srf__overload_is_at_ceiling(overload)
               : !srf__overload_lets_in(overload);
}

static bool is_drained(const incoming_t *incoming)
{
    return incoming->srf->draining && incoming->facts->to_tag.len == 0;
}

static void refuse_for_now(const incoming_t *incoming)
{
    char storage[RETRY_AFTER_BYTES];
    srf__buf_t lines;

    if (!may_answer(incoming))
        return;
    srf__buf_init_fixed(&lines, storage, sizeof(storage));
    srf__overload_refuse(&incoming->srf->overload, incoming->facts, &lines);
    incoming->srf->rejected++;
    reply(incoming, 503, NULL, srf__buf_str(&lines));
}

/* Judged a second time, and once only: a maddr of ours that is still there
 * cannot be taken out. */
static void rejudge(const incoming_t *incoming, srf__route_t *route,
                    srf__verdict_t *verdict)
{
    srf__validate(&incoming->srf->element, incoming->facts, incoming->from,
                  route, verdict);
    if (!verdict->own_maddr)
        return;
    verdict->own_maddr = false;
    verdict->status = 400;
    verdict->reason = "Bad Request-URI";
}

/* What was judged goes to whom it is for. */
static void deliver(const incoming_t *incoming, srf__hash128_t key,
                    const srf__route_t *route, const srf__verdict_t *verdict)
{
    srf_t *srf = incoming->srf;
    bool in_dialog = verdict->status == 0 && route->in_dialog;
    srf_msg_t *request;

    if (srf__arrival_is_above_rate(srf, incoming->from, in_dialog)) {
        refuse_for_now(incoming);
        return;
    }
    if (verdict->status != 0) {
        refuse_verdict(incoming, verdict);
        return;
    }
    const srf__handler_t *first = srf__handler_next(srf, incoming->facts, 0);
    if (!route->in_dialog && first == NULL) {
        answer_without_handler(incoming, route);
        return;
    }
    if (srf->merged.taken.count > 0 && !route->in_dialog &&
        srf__merged_is_known(&srf->merged, incoming->facts)) {
        /* RFC 3261 §8.2.2.2. */
        refuse(incoming, 482, "Merged Request", srf__str(NULL, 0));
        return;
    }
    srf__server_t *server = open_transaction(incoming, key, &request);
    if (server == NULL)
        return;
    if (route->in_dialog)
        proxy_in_dialog(srf, server, route);
    else
        srf__req_deliver(srf, server, first, route);
    close_transaction(server, request);
}

/* RFC 3261 §16.4: as if it had come without maddr. */
static void deliver_without_maddr(const incoming_t *incoming,
                                  srf__hash128_t key, srf__route_t *route)
{
    srf_msg_t *image = srf__route_strip_maddr(&incoming->srf->element.pool,
                                              incoming->facts, route);
    const srf__facts_t *facts = image == NULL ? NULL : srf__msg_facts(image);
    const incoming_t stripped = {incoming->srf, facts, incoming->from};
    srf__verdict_t verdict;

    if (facts != NULL) {
        rejudge(&stripped, route, &verdict);
        deliver(&stripped, key, route, &verdict);
    }
    srf__msg_unref(image);
}

static void on_new_request(const incoming_t *incoming, srf__hash128_t key)
{
    srf__route_t route;
    srf__verdict_t verdict;

    if (is_overloaded(incoming) || is_drained(incoming)) {
        refuse_for_now(incoming);
        return;
    }
    srf__validate(&incoming->srf->element, incoming->facts, incoming->from,
                  &route, &verdict);
    if (verdict.own_maddr)
        deliver_without_maddr(incoming, key, &route);
    else
        deliver(incoming, key, &route, &verdict);
}

static void on_request(const incoming_t *incoming)
{
    srf__txns_t *txns = &incoming->srf->element.txns;
    srf__method_t method = (srf__method_t)incoming->facts->method;

    incoming->srf->requests_received++;
    if (method == SRF__METHOD_ACK) {
        on_ack(incoming);
        return;
    }
    srf__hash128_t key = srf__server_key(txns, incoming->facts, method);
    srf__server_t *server = srf__server_find(txns, key);
    if (server != NULL) {
        if (!is_dropped(incoming, true))
            srf__server_retransmitted(server, incoming->from);
    } else if (method == SRF__METHOD_CANCEL) {
        on_cancel(incoming, key);
    } else {
        on_new_request(incoming, key);
    }
}

/* A request the scanner refused. */
static void on_broken_request(const incoming_t *incoming, unsigned status,
                              const char *reason)
{
    incoming->srf->requests_received++;
    if (!is_dropped(incoming, false))
        refuse(incoming, status, reason, srf__str(NULL, 0));
}

static void on_scanned(const incoming_t *incoming, srf__scan_result_t result,
                       size_t len)
{
    srf_t *srf = incoming->srf;
    const srf__facts_t *facts = incoming->facts;

    switch (result) {
    case SRF__SCAN_KEEPALIVE:
        srf->keepalives_received++;
        return;
    case SRF__SCAN_DROP:
        srf->dropped_malformed++;
        return;
    case SRF__SCAN_REJECT:
        on_broken_request(incoming, facts->reject_status, facts->reject_reason);
        return;
    case SRF__SCAN_OK:
        break;
    }
    if (!facts->is_request) {
        srf->responses_received++;
        (void)srf__client_receive(&srf->element.txns, facts, incoming->from);
    } else if (len > srf->max_message_bytes &&
               facts->method != SRF__METHOD_ACK) {
        on_broken_request(incoming, 513, NULL); /* RFC 3261 §21.5.7 */
    } else {
        on_request(incoming);
    }
}

/* Scans what came. A head in which lines end with LF alone is scanned as its
 * repaired copy in `image`, which the caller releases: nothing of the network
 * leaves with line ends that others may see otherwise. */
static srf__scan_result_t scan(srf_t *srf, srf__str_t message,
                               srf__buf_t *image)
{
    srf__facts_t *facts = &srf->facts;
    srf__scan_result_t result =
        srf__scan(message.p, message.len, &srf->limits, facts);

    image->p = NULL;
    if ((facts->flaws & SRF__FLAW_LF) == 0 ||
        (result != SRF__SCAN_OK && result != SRF__SCAN_REJECT))
        return result;
    srf__buf_init(image, 2 * message.len);
    srf__lines_repair(srf__str(facts->data, facts->head_len), image);
    srf__buf_add(image, facts->data + facts->head_len,
                 (size_t)(message.p + message.len - facts->data) -
                     facts->head_len);
    if (image->err != 0)
        return SRF__SCAN_DROP; /* without memory nothing is answered, either */
    return srf__scan(image->p, image->len, &srf->limits, facts);
}

static void release_image(srf__buf_t *image)
{
    if (image->p != NULL)
        srf__buf_deinit(image);
}

/* RFC 5626 §8: a client that keeps its flow over UDP alive asks where it is
 * seen, and believes the flow to be gone when nobody says so. */
static bool on_stun(const incoming_t *incoming, srf__str_t datagram)
{
    const srf__flow_t *from = incoming->from;
    char storage[SRF__STUN_ANSWER_MAX];

    if (from->listener->ops->reliable || !srf__stun_is(datagram))
        return false;
    srf__str_t answer = srf__stun_answer(datagram, &from->peer, storage);
    if (answer.len == 0) {
        incoming->srf->dropped_malformed++;
        return true;
    }
    incoming->srf->keepalives_received++;
    if (!is_dropped(incoming, false) && may_answer(incoming))
        (void)srf__transports_send(from, &answer, 1);
    return true;
}

static void receive(srf_t *srf, const srf__flow_t *from, const char *data,
                    size_t len)
{
    const incoming_t incoming = {srf, &srf->facts, from};
    srf__buf_t image;

    if (srf->closing)
        return;
    /* No SIP message begins with such a byte. */
    if (len > 0 && (data[0] & 0xc0) == 0 &&
        on_stun(&incoming, srf__str(data, len)))
        return;
    if (srf->trace_cb != NULL)
        srf__trace_received(srf, from, data, len);
    if (srf__arrival_is_shed(srf, from, data, len))
        return;
    /* The loop delivers one message at a time. */
    srf__assert(!srf->receiving);
    srf->receiving = true;
    on_scanned(&incoming, scan(srf, srf__str(data, len), &image), len);
    release_image(&image);
    srf->receiving = false;
}

void srf__on_message(void *arg, const srf__flow_t *from, const char *data,
                     size_t len)
{
    srf_t *srf = arg;

    srf__wheel_enter(srf->element.wheel);
    receive(srf, from, data, len);
    srf__wheel_leave(srf->element.wheel);
}

/* What could not be sent on a connection that failed is whole, and whoever
 * waits for an answer to a request is told of that by srf__on_lost(). */
void srf__on_undelivered(void *arg, const srf__addr_t *to, const char *message,
                         size_t len)
{
    srf_t *srf = arg;
    char peer[SRF__ADDR_TEXT];
    bool datagram = !srf__transport_is_reliable(to->transport);

    (void)srf__addr_text(to, peer);
    const srf__log_context_t context = {.module = "transport", .peer = peer};
    srf__log_peer(&srf->element.log, SRF_LOG_INFO, &context,
                  "message could not be delivered");
    if (srf->closing)
        return;
    if (len < 8 || memcmp(message, "SIP/2.0 ", 8) != 0) {
        if (datagram)
            srf__client_undelivered(&srf->element.txns, srf__str(message, len));
        return;
    }
    /* It may come to light while a message is being received. */
    srf__facts_t *facts = srf__calloc(
        1, sizeof(*facts) + srf->limits.max_headers * sizeof(srf__header_t));
    if (facts == NULL)
        return;
    facts->headers = (srf__header_t *)(facts + 1);
    facts->header_cap = (uint16_t)srf->limits.max_headers;
    bool whole = srf__scan(message, len, &srf->limits, facts) == SRF__SCAN_OK;
    srf__response_undelivered(&srf->element, facts, whole, to);
    srf__free(facts);
}

/* RFC 3261 §18.3: where the next message begins is not known, so this is the
 * last one. */
void srf__on_refused(void *arg, const srf__flow_t *from, srf__str_t head,
                     unsigned status, const char *reason)
{
    srf_t *srf = arg;
    srf__facts_t *facts = &srf->facts;
    srf__buf_t image;

    if (srf->closing)
        return;
    srf__assert(!srf->receiving);
    srf->receiving = true;
    (void)scan(srf, head, &image);
    if (facts->is_request && facts->answerable &&
        facts->cseq_method != SRF__METHOD_ACK) {
        srf->requests_received++;
        srf->rejected++;
        srf__stateless_reply(&srf->element.txns, facts, from, status, reason,
                             srf__str(NULL, 0));
    } else {
        srf->dropped_malformed++;
    }
    release_image(&image);
    srf->receiving = false;
}

void srf__on_lost(void *arg, const srf__lost_t *lost, const uint64_t *ids,
                  size_t count)
{
    srf_t *srf = arg;

    for (size_t i = 0; i < count && !srf->closing; i++)
        srf__client_lost(&srf->element.txns, ids[i], lost);
}

bool srf__on_is_waiting(void *arg, uint64_t id)
{
    const srf_t *srf = arg;

    return srf__client_is_waiting(&srf->element.txns, id);
}
