/*
 * Fuzz target: requests of the program's own, and what a peer may answer them
 * with: challenges, route sets, contacts, forks.
 *
 * The input is a script of commands, each beginning with "%" at the start of a
 * line:
 *
 *   %qI       the program sends an INVITE; R: a REGISTER; others: OPTIONS
 *   %rNSSS    the peer answers the last request but N with status SSS; further
 *             lines up to the next command are header lines of the response
 *   %tNSSS    the same with another To tag
 *   %c        the program cancels its last request
 *   %wX       time passes, 2 to the power of X modulo 20 milliseconds
 *   %x        the network gives the last datagram back
 *   %f        the next datagram cannot be sent
 *   %mX       the allocation after X others fails
 *   %d        the program destroys the stack
 *
 * At the end every timer has run out: each request was completed once, and
 * nothing is left.
 *
 * SPDX-License-Identifier: MIT
 */
#include "memory.h"

#include "core/receive.h"
#include "message/message.h"

#include <string.h>

enum { TEXT_BYTES = 8192, SENT_KEPT = 4, OPS_MAX = 8, DRAIN_STEPS = 100000 };

typedef struct op {
    srf_outgoing_t *handle;
    unsigned done;
} op_t;

typedef struct text {
    size_t len;
    char p[TEXT_BYTES];
} text_t;

typedef struct world {
    srf__listener_t listener; /* first: the stack's pointer is ours */
    srf__wheel_t wheel;
    srf_t *srf;
    unsigned destroyed;
    srf__addr_t peer;
    srf_msg_t *requests[SENT_KEPT]; /* sent, the last one first; no ACK */
    text_t last;
    bool fail_send;
    op_t ops[OPS_MAX];
    unsigned op_count;
} world_t;

static fuzz_memory_t memory;

/* ---- the network ---- */

static void add(text_t *text, const char *p, size_t len)
{
    if (len > sizeof(text->p) - text->len)
        len = sizeof(text->p) - text->len;
    memcpy(text->p + text->len, p, len);
    text->len += len;
}

/* What we send must be a message that we would accept ourselves. */
static void note_sent(world_t *world)
{
    unsigned later = memory.fail_in;
    srf_msg_t *msg;

    memory.fail_in = 0;
    msg = srf__msg_alloc(NULL, world->last.len);
    FUZZ_CHECK(msg != NULL);
    memcpy(msg->data, world->last.p, world->last.len);
    const srf__facts_t *facts = srf__msg_facts(msg);
    FUZZ_CHECK(world->last.len == TEXT_BYTES || facts != NULL);
    if (facts == NULL || facts->method == SRF__METHOD_ACK) {
        srf__msg_unref(msg);
    } else {
        srf__msg_unref(world->requests[SENT_KEPT - 1]);
        memmove(&world->requests[1], &world->requests[0],
                (SENT_KEPT - 1) * sizeof(world->requests[0]));
        world->requests[0] = msg;
    }
    memory.fail_in = later;
}

static int net_send(const srf__flow_t *flow, const srf__str_t *parts,
                    unsigned count)
{
    world_t *world = (world_t *)(void *)flow->listener;

    FUZZ_CHECK(world->srf != NULL);
    world->last.len = 0;
    for (unsigned i = 0; i < count; i++)
        add(&world->last, parts[i].p, parts[i].len);
    if (world->fail_send) {
        world->fail_send = false;
        return SRF_ERR_UNREACHABLE;
    }
    note_sent(world);
    return 0;
}

static void net_close(srf__listener_t *listener)
{
    srf__transports_closed(listener);
}

static void deliver(world_t *world, const text_t *text)
{
    const srf__flow_t flow = {&world->listener, world->peer, 0};

    if (world->srf == NULL)
        return;
    /* Of its exact size, so that reading beyond it is noticed. */
    char *exact = malloc(text->len);
    FUZZ_CHECK(exact != NULL);
    memcpy(exact, text->p, text->len);
    srf__on_message(world->srf, &flow, exact, text->len);
    free(exact);
}

static void pass(world_t *world, uint64_t ms)
{
    srf__wheel_t *wheel = &world->wheel;
    uint64_t end = wheel->now_ms + ms;

    while (srf__wheel_next(wheel) <= end)
        srf__wheel_advance(wheel, srf__wheel_next(wheel));
    srf__wheel_advance(wheel, end);
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

    if (world->op_count == OPS_MAX || world->srf == NULL)
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
    if (srf_request(world->srf, "sip:bob@10.0.0.11", &options, on_done) == 0)
        world->op_count++;
}

static void command_cancel(world_t *world)
{
    if (world->op_count == 0 || world->srf == NULL)
        return;
    op_t *op = &world->ops[world->op_count - 1];
    if (op->handle != NULL)
        srf_outgoing_cancel(op->handle);
}

static void on_destroyed(void *data)
{
    world_t *world = data;

    world->destroyed++;
    world->srf = NULL;
}

static void command_destroy(world_t *world)
{
    if (world->srf != NULL && !world->srf->closing)
        srf_destroy(world->srf, on_destroyed);
}

/* ---- the peer ---- */

static void add_field(text_t *out, const srf__facts_t *request,
                      srf__header_id_t id, const char *suffix)
{
    const srf__header_t *line = srf__facts_first(request, id);

    if (line == NULL)
        return;
    add(out, request->data + line->name,
        (size_t)(line->value + line->value_len - line->name));
    add(out, suffix, strlen(suffix));
    add(out, "\r\n", 2);
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
    add(&text, "SIP/2.0 ", 8);
    add(&text, p + 1, 3);
    add(&text, " X\r\n", 4);
    add_field(&text, request, SRF__HDR_VIA, "");
    add_field(&text, request, SRF__HDR_FROM, "");
    add_field(&text, request, SRF__HDR_TO, tagged ? "" : tag);
    add_field(&text, request, SRF__HDR_CALL_ID, "");
    add_field(&text, request, SRF__HDR_CSEQ, "");
    if (lines != NULL)
        add(&text, lines + 1, len - (size_t)(lines + 1 - p));
    add(&text, "\r\n\r\n", 4);
    deliver(world, &text);
}

static void command(world_t *world, const char *p, size_t len)
{
    unsigned argument = len > 1 ? (unsigned char)p[1] : 0;

    switch (p[0]) {
    case 'q':
        command_request(world, (char)argument);
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
    case 'w':
        pass(world, 1ull << argument % 20);
        break;
    case 'x':
        if (world->srf != NULL)
            srf__on_undelivered(world->srf, &world->peer, world->last.p,
                                world->last.len);
        break;
    case 'f':
        world->fail_send = true;
        break;
    case 'm':
        memory.fail_in = argument;
        break;
    case 'd':
        command_destroy(world);
        break;
    default:
        break;
    }
    /* Timers of delay zero: what must come from the loop. */
    pass(world, 0);
}

static void run_script(world_t *world, const char *p, size_t size)
{
    size_t begin = 0;

    while (begin < size) {
        size_t end = begin;
        do {
            const char *line = memchr(p + end, '\n', size - end);
            end = line == NULL ? size : (size_t)(line - p) + 1;
        } while (end < size && p[end] != '%');
        if (p[begin] == '%' && end - begin > 1)
            command(world, p + begin + 1, end - begin - 1);
        begin = end;
    }
}

/* ---- start and end ---- */

static srf__addr_t address(const char *ip)
{
    srf__addr_t out;

    FUZZ_CHECK(
        srf__addr_from_host(&out, srf__str_of(ip), 5060, SRF__TRANSPORT_UDP));
    return out;
}

static int64_t fixed_wall(void)
{
    return 1700000000000000;
}

static void world_init(world_t *world)
{
    static const srf__listener_ops_t ops = {.send = net_send,
                                            .close = net_close};
    const srf__env_t env = {
        .wheel = &world->wheel, .seed = 99, .wall_us = fixed_wall};

    memset(world, 0, sizeof(*world));
    srf__wheel_init(&world->wheel, 1000);
    FUZZ_CHECK(srf__create(&world->srf, &env, NULL) == 0);
    world->peer = address("10.0.0.11");
    world->listener.ops = &ops;
    world->listener.bound = address("10.0.0.1");
    strcpy(world->listener.uri, "sip:10.0.0.1:5060;transport=udp");
    srf__transports_add(&world->srf->element.transports, &world->listener);
    srf_set_data(world->srf, world);
}

static void drain(world_t *world)
{
    unsigned steps = 0;

    while (world->wheel.count > 0) {
        FUZZ_CHECK(++steps < DRAIN_STEPS);
        srf__wheel_advance(&world->wheel, srf__wheel_next(&world->wheel));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static world_t world;
    static int ready;

    if (!ready) {
        fuzz_memory_begin(&memory);
        ready = 1;
    }
    memory.fail_in = 0;
    world_init(&world);
    run_script(&world, (const char *)data, size);
    memory.fail_in = 0;
    world.fail_send = false;
    drain(&world);
    if (world.srf != NULL) {
        FUZZ_CHECK(world.srf->uac.outgoing == NULL);
        FUZZ_CHECK(world.srf->element.txns.counters.clients == 0);
    }
    command_destroy(&world);
    drain(&world);
    FUZZ_CHECK(world.destroyed == 1);
    for (unsigned i = 0; i < world.op_count; i++)
        FUZZ_CHECK(world.ops[i].done == 1);
    for (unsigned i = 0; i < SENT_KEPT; i++)
        srf__msg_unref(world.requests[i]);
    return 0;
}
