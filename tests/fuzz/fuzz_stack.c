/*
 * Fuzz target: a whole stack on a virtual network and clock.
 *
 * The input is a script (host.h). Its own commands are:
 *
 *   %c TEXT   a datagram from the caller; %t and %u: from a target; "@B" in it
 *             becomes the branch of the last request that the stack sent, "@T"
 *             the To value of the last response
 *   %rNSSS    a target answers the last request but N with status SSS
 *   %h        the program answers the request it has kept
 *
 * The handler does what the header field X-Do says. At the end every timer has
 * run out: no transaction may be left, each callback must have come once.
 *
 * SPDX-License-Identifier: MIT
 */
#include "host.h"

#include "message/scan.h"

#include <string.h>

enum { SENT_KEPT = 4, OPS_MAX = 48, LOOPED_MAX = 8, HEADERS = 256 };

/* One use of srf_proxy_request(). */
typedef struct op {
    unsigned started;
    unsigned done;
    unsigned cancels;
} op_t;

typedef struct world {
    host_t host; /* first */
    srf__addr_t caller;
    srf__addr_t targets[2];
    text_t requests[SENT_KEPT]; /* sent by the stack, the last one first */
    srf__addr_t request_to;
    char response_to[128];     /* To value of the last response */
    text_t looped[LOOPED_MAX]; /* sent to itself, not delivered yet */
    unsigned looped_count;
    op_t ops[OPS_MAX];
    unsigned op_count;
    srf_req_t *kept;
} world_t;

/* ---- texts ---- */

typedef struct scanned {
    srf__facts_t facts;
    srf__header_t headers[HEADERS];
} scanned_t;

/* What the stack sends must be a message that it would accept itself. */
static void scan_sent(const text_t *text, scanned_t *out)
{
    static const srf__scan_limits_t limits = {HEADERS, 65535};

    out->facts.headers = out->headers;
    out->facts.header_cap = HEADERS;
    srf__scan_result_t result =
        srf__scan(text->p, text->len, &limits, &out->facts);
    if (result != SRF__SCAN_OK)
        out->facts.via.branch.len = 0;
}

static void add_lines(text_t *out, const scanned_t *from, srf__header_id_t id,
                      const char *suffix)
{
    const srf__facts_t *facts = &from->facts;
    const srf__header_t *header = srf__facts_first(facts, id);

    for (; header != NULL; header = srf__facts_next(facts, header)) {
        text_add(out, facts->data + header->name,
                 (size_t)(header->value + header->value_len - header->name));
        text_string(out, suffix);
        text_string(out, "\r\n");
    }
}

/* ---- the network ---- */

static void note_sent(host_t *host)
{
    static scanned_t scanned;
    world_t *world = (world_t *)host;

    if (srf__addr_eq(&host->last_to, &host->listener.bound)) {
        if (world->looped_count < LOOPED_MAX)
            world->looped[world->looped_count++] = host->last;
        return;
    }
    scan_sent(&host->last, &scanned);
    if (scanned.facts.via.branch.len == 0)
        return;
    if (!scanned.facts.is_request) {
        const srf__header_t *header =
            srf__facts_first(&scanned.facts, SRF__HDR_TO);
        srf__str_t value = header == NULL
                               ? srf__str(NULL, 0)
                               : srf__header_value(&scanned.facts, header);
        if (header != NULL && value.len < sizeof(world->response_to)) {
            memcpy(world->response_to, value.p, value.len);
            world->response_to[value.len] = '\0';
        }
        return;
    }
    if (scanned.facts.method == SRF__METHOD_ACK)
        return;
    memmove(&world->requests[1], &world->requests[0],
            (SENT_KEPT - 1) * sizeof(world->requests[0]));
    world->requests[0] = host->last;
    world->request_to = host->last_to;
}

static void deliver_looped(host_t *host)
{
    static text_t text;
    world_t *world = (world_t *)host;

    for (unsigned rounds = 0; world->looped_count > 0 && rounds < 200;
         rounds++) {
        text = world->looped[--world->looped_count];
        host_deliver(host, &host->listener.bound, &text);
    }
    world->looped_count = 0;
}

/* ---- the program ---- */

static void on_cancel(srf_req_t *req)
{
    op_t *op = srf_req_data(req);

    FUZZ_CHECK(op->cancels == 0);
    op->cancels++;
}

static void on_done(srf_req_t *req, int err, const srf_proxy_results_t *results)
{
    op_t *op = srf_req_data(req);
    unsigned later = host_memory.fail_in;

    /* Looking needs memory too. */
    host_memory.fail_in = 0;
    FUZZ_CHECK(op->started == 1 && op->done == 0);
    op->done++;
    FUZZ_CHECK(err <= 0 && results != NULL);
    for (size_t i = 0; i < results->response_count; i++) {
        const srf_proxy_response_t *response = &results->responses[i];
        FUZZ_CHECK(response->target != NULL && response->address != NULL);
        for (size_t j = 0; j < response->msg_count; j++) {
            const srf_proxy_msg_t *msg = &response->msgs[j];
            /* NULL when there was no memory for it. */
            if (msg->msg != NULL)
                FUZZ_CHECK(srf_msg_status(msg->msg) == msg->status);
        }
    }
    srf_free(srf_proxy_results_json(results));
    FUZZ_CHECK(srf_proxy_request(req, NULL, NULL, NULL) != 0);
    host_memory.fail_in = later;
}

static void look_at(const srf_req_t *req)
{
    size_t len;

    (void)srf_req_uri(req);
    (void)srf_req_from_tag(req);
    (void)srf_req_to_tag(req);
    (void)srf_req_branch(req);
    (void)srf_req_calling_number(req);
    (void)srf_req_called_number(req);
    (void)srf_req_get(req, "Subject", 0);
    (void)srf_req_get(req, "Contact", 1);
    (void)srf_req_body(req, &len);
    (void)srf_req_is_new_invite(req);
}

static int start(srf_req_t *req, char what)
{
    static const char *const lists[][4] = {
        {"sip:10.0.0.11", NULL},
        {"sip:10.0.0.11", "sip:10.0.0.12;transport=udp", NULL},
        {"<sip:10.0.0.12:5060;lr>", "10.0.0.11", "sip:10.0.0.12", NULL},
        {"sip:10.0.0.1:5060", "sip:10.0.0.11", NULL},
        {"sip:name.example.com", "sip:10.0.0.11", NULL},
        {NULL},
    };
    static const char headers[][12] = {"X-Added", "by fuzz"};
    const char *const pairs[] = {headers[0], headers[1], NULL};
    srf_proxy_options_t options;

    srf_proxy_options_init(&options);
    options.record_route = what & 1;
    options.keep_user = what >> 1 & 1;
    options.path = what >> 2 & 1;
    options.headers = (what & 8) != 0 ? pairs : NULL;
    return srf_proxy_request(req, lists[(unsigned char)what % 6], &options,
                             on_done);
}

static void on_request(srf_req_t *req, srf_res_t *res)
{
    world_t *world = srf_data(srf_req_srf(req));
    const char *wish = srf_req_get(req, "X-Do", 0);
    char what = wish == NULL || wish[0] == '\0' ? '1' : wish[0];

    look_at(req);
    if (world->op_count == OPS_MAX || what == 'l')
        return;
    op_t *op = &world->ops[world->op_count++];
    srf_req_set_data(req, op);
    srf_req_on_cancel(req, on_cancel);
    if ((what == 'k' || what == 'r') && world->kept == NULL) {
        world->kept = srf_req_ref(req);
        if (what == 'r')
            (void)srf_res_send(res, 180, NULL);
    } else if (what == 'a') {
        (void)srf_res_send(res, 200, NULL);
    } else if (what == 'b') {
        (void)srf_res_send(res, 183, NULL);
        (void)srf_res_send(res, 404, NULL);
    } else {
        op->started = 1;
        if (start(req, what) != 0) {
            op->started = 0;
            (void)srf_res_send(res, 500, NULL);
        }
    }
}

/* ---- the script ---- */

static void command_datagram(world_t *world, const srf__addr_t *from,
                             const char *p, size_t len)
{
    static scanned_t scanned;
    static text_t text;

    text.len = 0;
    scan_sent(&world->requests[0], &scanned);
    for (size_t i = 0; i < len; i++) {
        if (p[i] == '@' && i + 1 < len && p[i + 1] == 'B') {
            srf__str_t branch =
                srf__facts_str(&scanned.facts, scanned.facts.via.branch);
            text_add(&text, branch.p, branch.len);
            i++;
        } else if (p[i] == '@' && i + 1 < len && p[i + 1] == 'T') {
            text_string(&text, world->response_to);
            i++;
        } else {
            text_add(&text, p + i, 1);
        }
    }
    host_deliver(&world->host, from, &text);
}

static void command_reply(world_t *world, const char *p, size_t len)
{
    static scanned_t scanned;
    static text_t text;
    char status[4] = "200";

    if (len < 4)
        return;
    const text_t *request = &world->requests[(unsigned char)p[0] % SENT_KEPT];
    memcpy(status, p + 1, 3);
    scan_sent(request, &scanned);
    if (request->len == 0 || scanned.facts.via.branch.len == 0)
        return;
    text.len = 0;
    text_string(&text, "SIP/2.0 ");
    text_string(&text, status);
    text_string(&text, " Reply\r\n");
    add_lines(&text, &scanned, SRF__HDR_VIA, "");
    add_lines(&text, &scanned, SRF__HDR_RECORD_ROUTE, "");
    add_lines(&text, &scanned, SRF__HDR_FROM, "");
    add_lines(&text, &scanned, SRF__HDR_TO,
              scanned.facts.to_tag.len > 0 ? "" : ";tag=b");
    add_lines(&text, &scanned, SRF__HDR_CALL_ID, "");
    add_lines(&text, &scanned, SRF__HDR_CSEQ, "");
    text_add(&text, p + 4, len - 4); /* further lines */
    text_string(&text, "\r\nContact: <sip:b@10.0.0.11>\r\n\r\n");
    host_deliver(&world->host, &world->request_to, &text);
}

static void command_answer(world_t *world)
{
    srf_req_t *req = world->kept;

    if (req == NULL)
        return;
    world->kept = NULL;
    op_t *op = srf_req_data(req);
    op->started = 1;
    if (start(req, '1') != 0) {
        op->started = 0;
        (void)srf_res_send(srf_req_res(req), 486, NULL);
    }
    srf_req_unref(req);
}

static void command(host_t *host, const char *p, size_t len)
{
    world_t *world = (world_t *)host;

    switch (p[0]) {
    case 'c':
        command_datagram(world, &world->caller, p + 2, len < 2 ? 0 : len - 2);
        break;
    case 't':
    case 'u':
        command_datagram(world, &world->targets[p[0] - 't'], p + 2,
                         len < 2 ? 0 : len - 2);
        break;
    case 'r':
        command_reply(world, p + 1, len - 1);
        break;
    case 'h':
        command_answer(world);
        break;
    default:
        break;
    }
}

/* ---- start and end ---- */

static void world_init(world_t *world)
{
    static const host_manner_t manner = {
        .sent = note_sent, .carry = deliver_looped, .command = command};
    srf_options_t options;

    memset(world, 0, sizeof(*world));
    srf_options_init(&options);
    options.max_transactions = 200;
    host_begin(&world->host, &manner, &options);
    world->caller = host_address("10.0.0.9");
    world->targets[0] = host_address("10.0.0.11");
    world->targets[1] = host_address("10.0.0.12");
    FUZZ_CHECK(srf_alias(world->host.srf, "proxy.example.com") == 0);
    FUZZ_CHECK(srf_on(world->host.srf, NULL, on_request) == 0);
}

static void check_idle(const world_t *world)
{
    srf_stats_t stats = {.size = sizeof(stats)};

    FUZZ_CHECK(srf_stats(world->host.srf, &stats) == 0);
    FUZZ_CHECK(stats.server_transactions == 0);
    FUZZ_CHECK(stats.client_transactions == 0);
    FUZZ_CHECK(stats.proxies_pending == 0);
    FUZZ_CHECK(world->host.srf->merged.taken.count == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static world_t world;

    world_init(&world);
    host_script(&world.host, (const char *)data, size);
    host_memory.fail_in = 0;
    world.host.fail_send = false;
    if (world.host.srf != NULL)
        command_answer(&world);
    else if (world.kept != NULL)
        srf_req_unref(world.kept);
    host_drain(&world.host);
    if (world.host.srf != NULL)
        check_idle(&world);
    host_end(&world.host);
    for (unsigned i = 0; i < world.op_count; i++)
        FUZZ_CHECK(world.ops[i].done == world.ops[i].started);
    return 0;
}
