/*
 * Fuzz target: requests of the program's own, and what a peer may answer them
 * with: challenges, route sets, contacts, forks.
 *
 * The input is a script (host.h). Its own commands are:
 *
 *   %qI       the program sends an INVITE; R: a REGISTER; others: OPTIONS
 *   %rNSSS    the peer answers the last request but N with status SSS; further
 *             lines up to the next command are header lines of the response
 *   %tNSSS    the same with another To tag
 *   %c        the program cancels its last request
 *
 * At the end every timer has run out: each request was completed once, and
 * nothing is left.
 *
 * SPDX-License-Identifier: MIT
 */
#include "host.h"

#include "message/message.h"

#include <string.h>

enum { SENT_KEPT = 4, OPS_MAX = 8 };

typedef struct op {
    srf_outgoing_t *handle;
    unsigned done;
} op_t;

typedef struct world {
    host_t host; /* first */
    srf__addr_t peer;
    srf_msg_t *requests[SENT_KEPT]; /* sent, the last one first; no ACK */
    op_t ops[OPS_MAX];
    unsigned op_count;
} world_t;

/* ---- the network ---- */

/* What we send must be a message that we would accept ourselves. */
static void note_sent(host_t *host)
{
    world_t *world = (world_t *)host;
    unsigned later = host_memory.fail_in;
    srf_msg_t *msg;

    host_memory.fail_in = 0;
    msg = srf__msg_alloc(NULL, host->last.len);
    FUZZ_CHECK(msg != NULL);
    memcpy(msg->data, host->last.p, host->last.len);
    const srf__facts_t *facts = srf__msg_facts(msg);
    FUZZ_CHECK(text_is_full(&host->last) || facts != NULL);
    if (facts == NULL || facts->method == SRF__METHOD_ACK) {
        srf__msg_unref(msg);
    } else {
        srf__msg_unref(world->requests[SENT_KEPT - 1]);
        memmove(&world->requests[1], &world->requests[0],
                (SENT_KEPT - 1) * sizeof(world->requests[0]));
        world->requests[0] = msg;
    }
    host_memory.fail_in = later;
}

/* ---- the program ---- */

static void on_response(srf_outgoing_t *outgoing, const srf_msg_t *response)
{
    const op_t *op = srf_outgoing_data(outgoing);

    FUZZ_CHECK(op->done == 0);
    FUZZ_CHECK(srf_msg_status(response) >= 100);
}

static void on_done(srf_outgoing_t *outgoing, int err,
                    const srf_msg_t *response)
{
    op_t *op = srf_outgoing_data(outgoing);
    srf_request_options_t bye;

    FUZZ_CHECK(op->done == 0);
    FUZZ_CHECK(err <= 0 && (err != 0 || response != NULL));
    op->done++;
    op->handle = NULL;
    if (response == NULL)
        return;
    srf_request_options_init(&bye);
    bye.method = "BYE";
    bye.dialog = response;
    err = srf_request(srf_outgoing_srf(outgoing), NULL, &bye, NULL);
    FUZZ_CHECK(err <= 0);
}

static void command_request(world_t *world, char what)
{
    static const char *const realms[] = {"*", NULL};
    srf_request_options_t options;
    op_t *op = &world->ops[world->op_count];

    if (world->op_count == OPS_MAX || world->host.srf == NULL)
        return;
    srf_request_options_init(&options);
    options.method = what == 'I' ? "INVITE" : what == 'R' ? "REGISTER" : NULL;
    options.username = "ann";
    options.password = "secret";
    options.realms = realms;
    options.on_response = on_response;
    options.data = op;
    options.handle = &op->handle;
    options.timeout_ms = what == 'I' ? 100000 : 0; /* it may ring for ever */
    if (srf_request(world->host.srf, "sip:bob@10.0.0.11", &options, on_done) ==
        0)
        world->op_count++;
}

static void command_cancel(world_t *world)
{
    if (world->op_count == 0 || world->host.srf == NULL)
        return;
    op_t *op = &world->ops[world->op_count - 1];
    if (op->handle != NULL)
        srf_outgoing_cancel(op->handle);
}

/* ---- the peer ---- */

static void add_field(text_t *out, const srf__facts_t *request,
                      srf__header_id_t id, const char *suffix)
{
    const srf__header_t *line = srf__facts_first(request, id);

    if (line == NULL)
        return;
    text_add(out, request->data + line->name,
             (size_t)(line->value + line->value_len - line->name));
    text_string(out, suffix);
    text_string(out, "\r\n");
}

/* "NSSS" and header lines. */
static void command_reply(world_t *world, const char *p, size_t len,
                          const char *tag)
{
    static text_t text;

    if (len < 5 || world->requests[(unsigned char)p[0] % SENT_KEPT] == NULL)
        return;
    const srf__facts_t *request =
        srf__msg_facts(world->requests[(unsigned char)p[0] % SENT_KEPT]);
    if (request == NULL)
        return;
    bool tagged = request->to_tag.len > 0;
    const char *lines = memchr(p, '\n', len);
    text.len = 0;
    text_string(&text, "SIP/2.0 ");
    text_add(&text, p + 1, 3);
    text_string(&text, " X\r\n");
    add_field(&text, request, SRF__HDR_VIA, "");
    add_field(&text, request, SRF__HDR_FROM, "");
    add_field(&text, request, SRF__HDR_TO, tagged ? "" : tag);
    add_field(&text, request, SRF__HDR_CALL_ID, "");
    add_field(&text, request, SRF__HDR_CSEQ, "");
    if (lines != NULL)
        text_add(&text, lines + 1, len - (size_t)(lines + 1 - p));
    text_string(&text, "\r\n\r\n");
    host_deliver(&world->host, &world->peer, &text);
}

static void command(host_t *host, const char *p, size_t len)
{
    world_t *world = (world_t *)host;

    switch (p[0]) {
    case 'q':
        command_request(world, len > 1 ? p[1] : '\0');
        break;
    case 'r':
        command_reply(world, p + 1, len - 1, ";tag=t");
        break;
    case 't':
        command_reply(world, p + 1, len - 1, ";tag=u");
        break;
    case 'c':
        command_cancel(world);
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const host_manner_t manner = {.sent = note_sent, .command = command};
    static world_t world;

    memset(&world, 0, sizeof(world));
    host_begin(&world.host, &manner, NULL);
    world.peer = host_address("10.0.0.11");
    host_script(&world.host, (const char *)data, size);
    host_drain(&world.host);
    if (world.host.srf != NULL) {
        FUZZ_CHECK(world.host.srf->uac.outgoing == NULL);
        FUZZ_CHECK(world.host.srf->element.txns.counters.clients == 0);
    }
    host_end(&world.host);
    for (unsigned i = 0; i < world.op_count; i++)
        FUZZ_CHECK(world.ops[i].done == 1);
    for (unsigned i = 0; i < SENT_KEPT; i++)
        srf__msg_unref(world.requests[i]);
    return 0;
}
