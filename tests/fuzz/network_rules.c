/*
 * What must hold whatever comes: of each message sent, of each delivery, and at
 * the end.
 *
 * SPDX-License-Identifier: MIT
 */
#include "network.h"

#include <string.h>

typedef struct read {
    srf__facts_t facts;
    srf__header_t headers[HEADERS];
    srf__scan_result_t result;
} read_t;

static void read_message(read_t *out, const char *p, size_t len)
{
    static const srf__scan_limits_t all = {HEADERS, 65535};

    out->facts.headers = out->headers;
    out->facts.header_cap = HEADERS;
    out->result = srf__scan(p, len, &all, &out->facts);
}

/* ---- sets of texts ---- */

static uint64_t mix(uint64_t hash, srf__str_t text)
{
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.p[i]) * 0x100000001b3u;
    return (hash ^ 0xff) * 0x100000001b3u;
}

static uint64_t hash_of(srf__str_t text, srf__str_t more)
{
    return mix(mix(0xcbf29ce484222325u, text), more);
}

static bool has(const set_t *set, uint64_t hash)
{
    for (unsigned i = 0; i < set->count && i < SET_MAX; i++) {
        if (set->hashes[i] == hash)
            return true;
    }
    return false;
}

/* The oldest goes when it is full. */
static void put(set_t *set, uint64_t hash)
{
    if (!has(set, hash))
        set->hashes[set->count++ % SET_MAX] = hash;
}

/* ---- where messages may go ---- */

void rules_allow(net_t *net, const srf__addr_t *addr)
{
    for (unsigned i = 0; i < net->allowed_count; i++) {
        if (srf__addr_ip_eq(&net->allowed[i], addr))
            return;
    }
    if (net->allowed_count < ALLOWED_MAX)
        net->allowed[net->allowed_count++] = *addr;
}

static bool is_allowed(const net_t *net, const srf__addr_t *addr)
{
    for (unsigned i = 0; i < net->allowed_count; i++) {
        if (srf__addr_ip_eq(&net->allowed[i], addr))
            return true;
    }
    for (unsigned i = 0; i < net->node_count; i++) {
        if (!srf__addr_is_loopback(addr) &&
            srf__addr_ip_eq(&net->nodes[i].base.bound, addr))
            return true;
    }
    return net->allowed_count == ALLOWED_MAX; /* not all are known */
}

static void allow_uri(net_t *net, const srf__uri_t *uri)
{
    srf__addr_t addr;

    if (srf__addr_from_uri(&addr, uri, 0, SRF__TRANSPORT_UDP))
        rules_allow(net, &addr);
}

static void allow_host(net_t *net, srf__str_t host)
{
    srf__addr_t addr;

    if (srf__addr_from_host(&addr, host, 0, SRF__TRANSPORT_UDP))
        rules_allow(net, &addr);
}

static void allow_values(net_t *net, const srf__facts_t *facts,
                         srf__header_id_t id)
{
    srf__uri_t uri;

    for (unsigned i = 0; text_value(facts, id, i, &uri); i++)
        allow_uri(net, &uri);
}

/* The way that a request asks for. */
static void allow_way(net_t *net, const srf__facts_t *facts)
{
    srf__uri_t uri;

    if (srf__uri_parse(srf__facts_str(facts, facts->uri), &uri) == 0)
        allow_uri(net, &uri);
    allow_values(net, facts, SRF__HDR_ROUTE);
}

void rules_allow_text(net_t *net, const char *text)
{
    char storage[512];
    srf__buf_t buf;
    srf__uri_t uri;

    srf__buf_init_fixed(&buf, storage, sizeof(storage));
    if (srf__target_normalize(text, &buf, &uri) == 0)
        allow_uri(net, &uri);
}

/* ---- what came ---- */

static bool has_mark(const net_t *net, const srf__facts_t *facts)
{
    srf__str_t call_id = srf__facts_str(facts, facts->call_id);
    srf__uri_t uri;

    if (has(&net->marks, hash_of(srf__facts_str(facts, facts->uri), call_id)))
        return true;
    for (unsigned i = 0; i < 2 && text_value(facts, SRF__HDR_ROUTE, i, &uri);
         i++) {
        if (has(&net->marks, hash_of(uri.text, call_id)))
            return true;
    }
    return false;
}

/* What others write is no mark of the stack's, even when it sends it on. */
static void note_foreign(net_t *net, const srf__facts_t *facts)
{
    srf__str_t call_id = srf__facts_str(facts, facts->call_id);
    srf__uri_t uri;

    for (unsigned i = 0; text_value(facts, SRF__HDR_RECORD_ROUTE, i, &uri);
         i++) {
        if (!has(&net->marks, hash_of(uri.text, call_id)))
            put(&net->foreign, hash_of(uri.text, call_id));
    }
}

/* The program let an INVITE pass that this is an ACK for. */
static bool is_known(const net_t *net, const srf__facts_t *ack)
{
    const srf__str_t none = {NULL, 0};

    return has(&net->calls, hash_of(srf__facts_str(ack, ack->call_id), none)) ||
           has(&net->calls,
               hash_of(srf__facts_str(ack, ack->via.branch), none));
}

static void request_arrives(net_t *net, const srf__facts_t *facts)
{
    arrival_t *arrival = &net->arrival;
    arrival->is_request = true;
    arrival->is_ack = facts->method == SRF__METHOD_ACK;
    arrival->marked =
        has_mark(net, facts) || (arrival->is_ack && is_known(net, facts));
    /* Where the other end may be found if the answer does not arrive
     * (RFC 3263 §5). */
    allow_host(net, srf__facts_str(facts, facts->via.host));
    if (arrival->marked) {
        net->counts.marked++;
        allow_way(net, facts);
    }
}

static void response_arrives(net_t *net, const srf__facts_t *facts)
{
    const srf__header_t *line = srf__facts_first(facts, SRF__HDR_VIA);
    srf__via_t via;
    uint16_t next;

    if (!has(&net->branches, hash_of(srf__facts_str(facts, facts->via.branch),
                                     srf__str(NULL, 0))))
        return;
    while (line != NULL && line->end <= facts->via2)
        line = srf__facts_next(facts, line);
    if (facts->via2 != 0 && line != NULL &&
        srf__via_read(facts->data, facts->via2, line->end, &via, &next) == 0) {
        allow_host(net, srf__facts_str(facts, via.host));
        allow_host(net, srf__facts_str(facts, via.received));
    }
    if ((facts->status / 100 == 3 && net->follows) || net->own_count > 0) {
        allow_values(net, facts, SRF__HDR_CONTACT);
        allow_values(net, facts, SRF__HDR_RECORD_ROUTE);
    }
}

void rules_arrival(net_t *net, const srf__flow_t *from, const char *p,
                   size_t len)
{
    static read_t read;

    net->counts.arrived++;
    memset(&net->arrival, 0, sizeof(net->arrival));
    rules_allow(net, &from->peer);
    read_message(&read, p, len);
    if (read.result != SRF__SCAN_OK) {
        if (read.facts.answerable)
            allow_host(net, srf__facts_str(&read.facts, read.facts.via.host));
        return;
    }
    note_foreign(net, &read.facts);
    if (read.facts.is_request)
        request_arrives(net, &read.facts);
    else
        response_arrives(net, &read.facts);
}

void rules_pass(net_t *net, const srf_req_t *req, bool to_targets)
{
    const srf__str_t none = {NULL, 0};
    static read_t read;
    size_t len;
    const char *raw = srf_req_raw(req, &len);

    read_message(&read, raw, len);
    FUZZ_CHECK(read.result == SRF__SCAN_OK);
    put(&net->calls,
        hash_of(srf__facts_str(&read.facts, read.facts.call_id), none));
    put(&net->calls,
        hash_of(srf__facts_str(&read.facts, read.facts.via.branch), none));
    if (!to_targets)
        allow_way(net, &read.facts);
}

/* ---- what is sent ---- */

/* RFC 3261 §18.3, §20.14. */
static void check_framing(const srf__facts_t *facts)
{
    const srf__header_t *line =
        srf__facts_first(facts, SRF__HDR_CONTENT_LENGTH);

    FUZZ_CHECK(line != NULL && srf__facts_next(facts, line) == NULL);
    FUZZ_CHECK(facts->content_length ==
               (int64_t)(facts->len - facts->head_len));
}

static bool is_our_via(const net_t *net, const srf__facts_t *facts)
{
    char storage[SRF__ADDR_TEXT];
    const srf__via_t *via = &facts->via;
    srf__str_t sent_by = srf__str(facts->data + via->host.off, via->host.len);

    for (unsigned i = 0; i < net->node_count; i++) {
        const srf__listener_t *listener = &net->nodes[i].base;
        srf__str_t ours = listener->advertised != NULL
                              ? srf__str_of(listener->advertised)
                              : srf__addr_text(&listener->bound, storage);
        if (listener->wildcard || (ours.len >= sent_by.len &&
                                   memcmp(ours.p, sent_by.p, sent_by.len) == 0))
            return true;
    }
    return false;
}

/* The Record-Routes that the stack wrote itself. */
static void note_marks(net_t *net, const srf__facts_t *facts)
{
    srf__str_t call_id = srf__facts_str(facts, facts->call_id);
    srf__uri_t uri;

    for (unsigned i = 0;
         i < 2 && text_value(facts, SRF__HDR_RECORD_ROUTE, i, &uri); i++) {
        if (!has(&net->foreign, hash_of(uri.text, call_id)))
            put(&net->marks, hash_of(uri.text, call_id));
    }
}

/* Ends with the message that should not have been sent. */
static void complain(const sent_t *sent, const char *what)
{
    char text[SRF__ADDR_TEXT];

    (void)srf__addr_text(&sent->flow.peer, text);
    fprintf(stderr, "%s: to %s:\n%s\n", what, text, sent->text.p);
    abort();
}

/* Other readers take a CR for the end of a line. */
static void check_line_ends(const sent_t *sent, size_t head_len)
{
    const char *p = sent->text.p;

    for (size_t i = 0; i + 1 < head_len; i++) {
        if (p[i] == '\r' && p[i + 1] != '\n')
            complain(sent, "a CR stands alone");
    }
}

static void request_leaves(net_t *net, const sent_t *sent,
                           const srf__facts_t *facts)
{
    const arrival_t *arrival = &net->arrival;

    FUZZ_CHECK(is_our_via(net, facts));
    FUZZ_CHECK(facts->via.branch.len > 7);
    put(&net->branches,
        hash_of(srf__facts_str(facts, facts->via.branch), srf__str(NULL, 0)));
    note_marks(net, facts);
    if (arrival->is_request && facts->via2 != 0 && !arrival->shown &&
        !arrival->marked)
        complain(sent, "it passed by the program");
}

void rules_sent(net_t *net, const sent_t *sent)
{
    static read_t read;
    const srf__facts_t *facts = &read.facts;
    bool stream = sent->flow.listener->ops->reliable;

    if (!is_allowed(net, &sent->flow.peer))
        complain(sent, "nobody may be led there");
    read_message(&read, sent->text.p, sent->text.len);
    if (sent->text.len == TEXT_BYTES)
        return;
    /* An answer to what could not be read has what there was of it. */
    if (read.result != SRF__SCAN_OK)
        FUZZ_CHECK(!facts->is_request && facts->head_len > 0);
    else
        FUZZ_CHECK(facts->len == sent->text.len);
    check_line_ends(sent, facts->head_len);
    if (stream)
        check_framing(facts);
    if (facts->is_request)
        request_leaves(net, sent, facts);
}

/* ---- how much is sent ---- */

void rules_check_step(const net_t *net, const counts_t *before,
                      uint64_t clients)
{
    const counts_t *now = &net->counts;
    unsigned sent = now->sent - before->sent;
    unsigned asked = now->targets - before->targets + now->answers -
                     before->answers + now->own - before->own;

    /* One answer and one request go at once; a response or a CANCEL may end
     * what others do, or lead on. */
    FUZZ_CHECK(sent <= 2 + asked + 2 * clients + (net->follows ? 32 : 0));
}

void rules_check_end(const net_t *net)
{
    const counts_t *counts = &net->counts;
    unsigned long branches =
        33ul * (counts->targets + counts->own + counts->marked);

    /* Each is sent eleven times at most (RFC 3261 §17.1.2.2, §17.2.1). */
    FUZZ_CHECK(counts->sent <= 24 * (counts->arrived + branches));
    /* What nobody took is answered once, if at all. */
    if (counts->shown + counts->marked + counts->own == 0)
        FUZZ_CHECK(counts->sent <= counts->arrived);
}
