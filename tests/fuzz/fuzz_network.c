/*
 * Fuzz target: a stack with listeners of all kinds on a virtual network and
 * clock, with a program that does everything a program may do.
 *
 * The input is a script of commands, each beginning with "%" at the start of a
 * line. Behind the letter stand operands of one byte each ("0" is 0, "1" is 1,
 * "A" is 17; those that are missing are 0) and, where it says so, text.
 *
 *   %iLLCOSN      first: listeners, chain, options, connections, names
 *   %pATFTCSBRDC  a plan for requests that come: what the handler does, its
 *                 targets and options, what each callback calls
 *   %qPLMUIBTVRFCB TEXT   a request: from whom, to which listener, method, URI,
 *                 ids, Via, Route, limits, Contact, body; more header lines
 *   %rNSTVCHB TEXT  a peer answers the last request but N: status, To tag, Via,
 *                 Contact, header lines, body; more header lines
 *   %tPL TEXT     a message as it is; "@B" and its like in it are replaced by
 *                 what the stack has sent, see network_text.c
 *   %bN TEXT      bytes on a connection
 *   %eNW          the network: the last datagram comes back, the next send
 *                 fails, a connection is refused, opened, reset, closed
 *   %sDW          so many datagrams were dropped, and wait so long
 *   %nNKCW TEXT   a question of the resolver's is answered
 *   %oMUFRD       a request of the program's own; %yN: it is cancelled
 *   %kNW          the program does something with a request it has kept
 *   %cW           the program calls a public function
 *   %wX           time passes, 2 to the power of X modulo 20 milliseconds
 *   %mX           the allocation after X others fails
 *   %d            the program destroys the stack
 *
 * network_rules.c has what must hold. At the end every timer has run out.
 *
 * SPDX-License-Identifier: MIT
 */
#include "network.h"

#include "core/post.h"
#include "message/osip_bridge.h"

#include <string.h>

#include <uv.h>

enum { DRAIN_STEPS = 200000, COMMANDS_MAX = 300 };

fuzz_memory_t network_memory;
static uv_loop_t loop; /* for calls from other threads */

unsigned operand(operands_t *operands)
{
    if (operands->len == 0)
        return 0;
    operands->len--;
    return (unsigned char)(*operands->p++ - '0');
}

/* ---- time ---- */

static void run_posts(net_t *net)
{
    for (unsigned i = 0; net->posts > 0 && i < 100; i++)
        (void)uv_run(&loop, UV_RUN_NOWAIT);
}

void pass(net_t *net, uint64_t ms)
{
    srf__wheel_t *wheel = &net->wheel;
    uint64_t end = wheel->now_ms + ms;

    while (srf__wheel_next(wheel) <= end) {
        srf__wheel_advance(wheel, srf__wheel_next(wheel));
        wire_looped(net);
    }
    srf__wheel_advance(wheel, end);
    wire_looped(net);
}

/* ---- the script ---- */

static node_t *pick(net_t *net, unsigned index)
{
    return &net->nodes[index % net->node_count];
}

static void command_request(net_t *net, operands_t *operands)
{
    static text_t text;
    unsigned peer = operand(operands);
    node_t *node = pick(net, operand(operands));
    const srf__addr_t from = wire_peer(node, peer);

    text_request(net, &text, node, &from, operands);
    wire_deliver(net, node, &from, text.p, text.len);
}

static void command_reply(net_t *net, operands_t *operands)
{
    static text_t text;
    const sent_t *to = wire_request(net, operand(operands) % SENT_KEPT);
    const srf__flow_t flow = to->flow;

    text_response(net, &text, &to->text, operands);
    if (text.len > 0)
        wire_answer(net, &flow, text.p, text.len);
}

static void command_text(net_t *net, operands_t *operands)
{
    static text_t text;
    unsigned peer = operand(operands);
    node_t *node = pick(net, operand(operands));
    const srf__addr_t from = wire_peer(node, peer);

    text.len = 0;
    text_expand(net, &text, operands->p, operands->len);
    wire_deliver(net, node, &from, text.p, text.len);
}

/* What happens to a stack that is going, too. */
static bool command_time(net_t *net, char what, operands_t *operands)
{
    if (what == 'm')
        network_memory.fail_in = operand(operands);
    else if (what == 'w')
        pass(net, 1ull << operand(operands) % 20);
    else
        return false;
    return true;
}

/* What a program does by itself. */
static bool command_program(net_t *net, char what, operands_t *operands)
{
    unsigned first;

    switch (what) {
    case 'p':
        program_plan(net, operands);
        return true;
    case 'o':
        program_request(net, operands);
        return true;
    case 'y':
        program_cancel(net, operand(operands));
        return true;
    case 'k':
        first = operand(operands);
        program_kept(net, first, operand(operands));
        return true;
    case 'c':
        program_call(net, NULL, operand(operands));
        return true;
    case 'd':
        program_destroy(net);
        return true;
    default:
        return false;
    }
}

static void command_network(net_t *net, char what, operands_t *operands)
{
    unsigned first;

    switch (what) {
    case 'q':
        command_request(net, operands);
        break;
    case 'r':
        command_reply(net, operands);
        break;
    case 't':
        command_text(net, operands);
        break;
    case 'b':
        first = operand(operands);
        wire_bytes(net, first, operands->p, operands->len);
        break;
    case 'e':
        first = operand(operands);
        wire_event(net, first, operand(operands));
        break;
    case 's':
        net->drops += operand(operands);
        net->wait_ms = 100 * operand(operands);
        break;
    case 'n':
        names_answer(net, operands);
        break;
    default:
        break;
    }
}

static void command(net_t *net, char what, operands_t operands)
{
    if (!command_time(net, what, &operands) && !net->closing &&
        !command_program(net, what, &operands))
        command_network(net, what, &operands);
    wire_looped(net);
    if (net->names_at_once)
        names_settle(net, true);
    run_posts(net);
    /* Timers of delay zero: what must come from the loop. */
    pass(net, 0);
}

static size_t command_end(const char *p, size_t begin, size_t size)
{
    size_t end = begin;

    do {
        const char *line = memchr(p + end, '\n', size - end);
        end = line == NULL ? size : (size_t)(line - p) + 1;
    } while (end < size && p[end] != '%');
    return end;
}

static void run_script(net_t *net, const char *p, size_t size)
{
    unsigned commands = 0;

    for (size_t begin = 0; begin < size && commands < COMMANDS_MAX;) {
        size_t end = command_end(p, begin, size);
        size_t len = end - begin;
        if (p[begin] == '%' && len > 1) {
            /* The line end belongs to texts only. */
            if (strchr("tbn", p[begin + 1]) == NULL && p[end - 1] == '\n')
                len--;
            command(net, p[begin + 1],
                    (operands_t){p + begin + 2, len < 2 ? 0 : len - 2});
            commands++;
        }
        begin = end;
    }
}

/* ---- start ---- */

static int64_t fixed_wall(void)
{
    return 1700000000000000;
}

/* What others may have written may go to a terminal. */
static void on_log(srf_log_level_t level, const srf_log_event_t *event,
                   void *data)
{
    const char *const texts[] = {event->text, event->call_id, event->peer};

    (void)data;
    FUZZ_CHECK(level >= SRF_LOG_ERROR && level <= SRF_LOG_TRACE);
    for (unsigned i = 0; i < 3; i++) {
        for (const char *p = texts[i]; p != NULL && *p != '\0'; p++)
            FUZZ_CHECK((unsigned char)*p >= ' ' && *p != 0x7f);
    }
}

static void on_trace(const srf_trace_t *trace, void *data)
{
    const net_t *net = data;

    FUZZ_CHECK(!net->closing);
    FUZZ_CHECK(trace->data != NULL);
}

static void set_options(srf_options_t *options, net_t *net, unsigned shape)
{
    static const char *const exempt[] = {"10.0.0.8/29", "2001:db8::/32", NULL};

    srf_options_init(options);
    options->max_transactions = shape % 4 == 1 ? 4 : 200;
    options->max_memory_bytes = shape % 4 == 2 ? 65536 : 1 << 24;
    options->trying_delay_ms = shape / 4 % 2 * 100;
    options->force_rport = shape / 8 % 2;
    options->timer_c_ms = shape / 16 % 2 * 2000;
    options->max_targets = shape / 32 % 2 * 2;
    options->max_message_bytes = shape / 64 % 2 * 1000;
    options->max_headers = shape / 128 % 2 * 16;
    if (shape % 7 == 3) {
        options->source_rate = 1;
        options->source_burst = 3;
        options->source_exempt = exempt;
    }
    options->log_cb = on_log;
    options->log_level = SRF_LOG_TRACE;
    if (shape % 3 == 0) {
        options->trace_cb = on_trace;
        options->trace_data = net;
    }
    /* One request may go beyond the limit, and in dialogs a quarter. */
    net->max_memory = 2 * options->max_memory_bytes + (8 << 20);
}

static void listen_on(net_t *net, unsigned mask)
{
    for (unsigned i = 0; i < NODES; i++) {
        if ((mask >> i & 1) != 0)
            wire_listen(net, i);
    }
}

/* "%i" may stand first. */
static void start(net_t *net, const char *p, size_t size)
{
    operands_t operands = {NULL, 0};
    srf_options_t options;
    const srf__env_t env = {
        .wheel = &net->wheel, .seed = 99, .wall_us = fixed_wall};

    if (size > 2 && memcmp(p, "%i", 2) == 0)
        operands = (operands_t){p + 2, command_end(p, 0, size) - 2};
    unsigned mask = operand(&operands) & 0x7f;
    mask |= (operand(&operands) & 0x7f) << 7;
    unsigned chain = operand(&operands);
    memset(net, 0, sizeof(*net));
    srf__wheel_init(&net->wheel, 1000);
    set_options(&options, net, operand(&operands));
    FUZZ_CHECK(srf__create(&net->srf, &env, &options) == 0);
    srf_set_data(net->srf, net);
    net->connects_at_once = operand(&operands) % 2 == 0;
    net->names_at_once = operand(&operands) % 2 == 0;
    listen_on(net, mask == 0 ? 3 : mask);
    net->srf->loop = &loop;
    FUZZ_CHECK(srf__posts_create(net->srf) == 0);
    names_start(net);
    program_start(net, chain);
}

/* ---- end ---- */

static void drain(net_t *net)
{
    unsigned steps = 0;

    do {
        names_settle(net, false);
        while (net->wheel.count > 0) {
            FUZZ_CHECK(++steps < DRAIN_STEPS);
            srf__wheel_advance(&net->wheel, srf__wheel_next(&net->wheel));
            wire_looped(net);
            names_settle(net, false);
        }
        run_posts(net);
    } while (net->wheel.count > 0);
}

static void check_idle(const net_t *net)
{
    srf_stats_t stats = {.size = sizeof(stats)};

    FUZZ_CHECK(srf_stats(net->srf, &stats) == 0);
    FUZZ_CHECK(stats.server_transactions == 0);
    FUZZ_CHECK(stats.client_transactions == 0);
    FUZZ_CHECK(stats.proxies_pending == 0);
    FUZZ_CHECK(stats.memory_bytes == 0);
    FUZZ_CHECK(net->srf->merged.taken.count == 0);
    FUZZ_CHECK(net->srf->uac.outgoing == NULL);
    FUZZ_CHECK(net->srf->requests == NULL);
}

static void finish(net_t *net)
{
    network_memory.fail_in = 0;
    net->fail_send = 0;
    /* A request of its own may come back, and be kept. */
    for (unsigned i = 0; i == 0 || program_keeps(net); i++) {
        FUZZ_CHECK(i < TRIES_MAX);
        if (net->closing)
            break;
        program_end(net);
        drain(net);
    }
    if (!net->closing)
        check_idle(net);
    if (!net->closing)
        program_destroy(net);
    drain(net);
    for (unsigned i = 0; i < 100 && net->destroyed == 0; i++)
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    FUZZ_CHECK(net->destroyed == 1);
    program_end(net);
    wire_end(net);
    for (unsigned i = 0; i < net->try_count; i++)
        FUZZ_CHECK(net->tries[i].done == net->tries[i].started);
    for (unsigned i = 0; i < net->own_count; i++)
        FUZZ_CHECK(net->own[i].done == 1);
    rules_check_end(net);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static net_t net;
    static bool ready;

    if (!ready) {
        fuzz_memory_begin(&network_memory);
        FUZZ_CHECK(uv_loop_init(&loop) == 0);
        FUZZ_CHECK(srf__osip_init() == 0); /* it keeps memory for ever */
    }
    ready = true;
    network_memory.fail_in = 0;
    long before = network_memory.live;
    start(&net, (const char *)data, size);
    run_script(&net, (const char *)data, size);
    finish(&net);
    FUZZ_CHECK(network_memory.live == before);
    return 0;
}
