/*
 * What the two ends of a call do: the caller, the server that answers, and in
 * the failover variant the one before it that refuses. Retransmissions are
 * those of RFC 3261, section 17.1 and 13.3.1.4, over UDP.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include "load.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { T1_MS = 500, LAST_STEP = 3 /* T2, 4 s */, MAX_STEPS = 10 };

enum timer_kind {
    TIMER_INVITE,
    TIMER_BYE,
    TIMER_ANSWER,
    TIMER_REFUSAL,
    DELAY_ANSWER,
    DELAY_BYE
};

enum caller_state {
    CALLER_NONE,
    CALLER_CALLING,
    CALLER_PROCEEDING,
    CALLER_ANSWERED,
    CALLER_ENDING,
    CALLER_COMPLETED,
    CALLER_FAILED
};

enum server_state {
    SERVER_NONE,
    SERVER_RINGING,
    SERVER_ANSWERED,
    SERVER_CONFIRMED,
    SERVER_ENDED
};

enum refusal_state { REFUSAL_NONE, REFUSAL_SENT, REFUSAL_ACKED };

/* ---- memory ---- */

/* Pages come when they are touched: few calls take little of it. */
static void *map(size_t count, size_t size)
{
    void *out = mmap(NULL, count * size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return out == MAP_FAILED ? NULL : out;
}

static int init_queue(load_queue_t *queue, uint64_t delay_ms, uint64_t count)
{
    uint64_t size = 64;

    while (size < count)
        size *= 2;
    queue->delay_ns = delay_ms * LOAD_MS;
    queue->mask = size - 1;
    queue->ring = map(size, sizeof(*queue->ring));
    return queue->ring == NULL ? -1 : 0;
}

int load_calls_init(load_t *load)
{
    uint64_t calls = load->options.calls;
    /* A dialog, an answer and a refusal; number 0 is none. */
    uint64_t blocks = 3 * calls + 1;

    load->calls = map(calls, sizeof(*load->calls));
    load->blocks = map(blocks, sizeof(*load->blocks));
    load->free_blocks = map(blocks, sizeof(*load->free_blocks));
    if (load->calls == NULL || load->blocks == NULL ||
        load->free_blocks == NULL)
        return -1;
    for (uint32_t i = (uint32_t)blocks; --i > 0;)
        load->free_blocks[load->free_count++] = i;
    for (unsigned i = 0; i < LOAD_STEPS; i++) {
        /* A call waits with one timer of each kind at most. */
        if (init_queue(&load->again[i], (uint64_t)T1_MS << i, 4 * calls) != 0)
            return -1;
    }
    if (init_queue(&load->answers, load->options.ring_ms, calls) != 0)
        return -1;
    return init_queue(&load->byes, load->options.talk_ms, calls);
}

static load_block_t *take_block(load_t *load, uint32_t *number)
{
    if (*number == 0)
        *number = load->free_blocks[--load->free_count];
    return &load->blocks[*number];
}

static void give_back(load_t *load, uint32_t *number)
{
    if (*number != 0)
        load->free_blocks[load->free_count++] = *number;
    *number = 0;
}

static load_stats_t *stats_of(load_t *load, uint32_t call)
{
    return &load->stats[call >= load->options.warm_calls];
}

static void start_timer(load_t *load, load_queue_t *queue, uint32_t call,
                        enum timer_kind kind, unsigned step)
{
    queue->ring[queue->head++ & queue->mask] =
        (load_timer_t){.due = load->now + queue->delay_ns,
                       .call = call,
                       .kind = (unsigned char)kind,
                       .step = (unsigned char)step};
}

/* ---- sending ---- */

static void send_invite(load_t *load, uint32_t call, uint64_t *stamp)
{
    load_socket_t *sock = &load->sockets[LOAD_CALLER];
    char *room = load_socket_room(sock);

    load_socket_commit(sock, load_write_invite(room, call), stamp);
}

static void send_in_dialog(load_t *load, uint32_t call, load_method_t method,
                           const load_block_t *block)
{
    load_socket_t *sock = &load->sockets[LOAD_CALLER];
    char *room = load_socket_room(sock);

    load_socket_commit(sock, load_write_request(room, call, method, block),
                       NULL);
}

static void respond(load_t *load, uint32_t call, unsigned status,
                    load_end_t end)
{
    load_call_t *state = &load->calls[call];
    const load_block_t *block =
        &load->blocks[status == 503 ? state->refusal_block
                                    : state->answer_block];
    load_socket_t *sock = &load->sockets[end];
    char *room = load_socket_room(sock);
    int first = status == 180 && state->ringing_sent == 0;

    load_socket_commit(sock,
                       load_write_response(room, call, status, end, block),
                       first ? &state->ringing_sent : NULL);
}

static load_end_t answering(const load_t *load)
{
    return load->options.failover ? LOAD_SECOND : LOAD_SERVER;
}

/* ---- the caller ---- */

void load_calls_start(load_t *load, uint32_t call)
{
    load->calls[call].caller = CALLER_CALLING;
    send_invite(load, call, &load->calls[call].invite_sent);
    start_timer(load, &load->again[0], call, TIMER_INVITE, 0);
}

static void fail(load_t *load, uint32_t call, unsigned status)
{
    load_stats_t *stats = stats_of(load, call);

    load->calls[call].caller = CALLER_FAILED;
    give_back(load, &load->calls[call].dialog_block);
    stats->failed++;
    stats->statuses[status / 100 % 7]++;
    load->over++;
}

static void hang_up(load_t *load, uint32_t call)
{
    load_call_t *state = &load->calls[call];

    state->caller = CALLER_ENDING;
    send_in_dialog(load, call, LOAD_BYE, &load->blocks[state->dialog_block]);
    start_timer(load, &load->again[0], call, TIMER_BYE, 0);
}

/* Each copy of the 200 is acknowledged, section 13.2.2.4. */
static void on_answer(load_t *load, uint32_t call,
                      const load_message_t *response)
{
    load_call_t *state = &load->calls[call];
    int first = state->caller < CALLER_ANSWERED;
    load_block_t again;
    load_block_t *block =
        first ? take_block(load, &state->dialog_block) : &again;

    if (load_keep_dialog(block, response) != 0) {
        load->stray++;
        return;
    }
    send_in_dialog(load, call, LOAD_ACK, block);
    if (!first) {
        stats_of(load, call)->again_received++;
        return;
    }
    state->caller = CALLER_ANSWERED;
    if (load->options.talk_ms == 0)
        hang_up(load, call);
    else
        start_timer(load, &load->byes, call, DELAY_BYE, 0);
}

static void on_refusal(load_t *load, uint32_t call,
                       const load_message_t *response)
{
    load_socket_t *sock = &load->sockets[LOAD_CALLER];
    char *room = load_socket_room(sock);

    load_socket_commit(sock, load_write_ack_refusal(room, call, response),
                       NULL);
    if (load->calls[call].caller < CALLER_ANSWERED)
        fail(load, call, response->status);
    else
        stats_of(load, call)->again_received++;
}

static void on_invite_response(load_t *load, uint32_t call,
                               const load_message_t *response)
{
    load_call_t *state = &load->calls[call];

    if (response->status >= 300) {
        on_refusal(load, call, response);
    } else if (response->status >= 200) {
        on_answer(load, call, response);
    } else {
        if (state->caller == CALLER_CALLING)
            state->caller = CALLER_PROCEEDING;
        if (response->status != 180)
            return;
        if (state->has_rung)
            stats_of(load, call)->again_received++;
        else
            latency_add(&stats_of(load, call)->ringing,
                        load->now - state->ringing_sent);
        state->has_rung = 1;
    }
}

static uint64_t deadline(const load_t *load, uint32_t call)
{
    const load_options_t *options = &load->options;
    uint64_t ms =
        options->patience_s * 1000ull + options->ring_ms + options->talk_ms;

    if (options->held)
        return UINT64_MAX;
    return load->calls[call].invite_sent + ms * LOAD_MS;
}

static void on_bye_response(load_t *load, uint32_t call,
                            const load_message_t *response)
{
    load_call_t *state = &load->calls[call];

    if (state->caller != CALLER_ENDING) {
        stats_of(load, call)->again_received++;
    } else if (response->status >= 300 || load->now > deadline(load, call)) {
        fail(load, call, response->status);
    } else if (response->status >= 200) {
        state->caller = CALLER_COMPLETED;
        give_back(load, &state->dialog_block);
        stats_of(load, call)->completed++;
        load->over++;
    }
}

/* ---- the servers ---- */

void load_calls_answer(load_t *load, uint32_t call)
{
    load->calls[call].server = SERVER_ANSWERED;
    respond(load, call, 200, answering(load));
    start_timer(load, &load->again[0], call, TIMER_ANSWER, 0);
}

static void on_invite_again(load_t *load, uint32_t call)
{
    stats_of(load, call)->again_received++;
    if (load->calls[call].server == SERVER_RINGING)
        respond(load, call, 180, answering(load));
    else if (load->calls[call].server == SERVER_ANSWERED)
        respond(load, call, 200, answering(load));
}

static void on_invite(load_t *load, uint32_t call,
                      const load_message_t *request)
{
    load_call_t *state = &load->calls[call];

    if (state->server != SERVER_NONE) {
        on_invite_again(load, call);
        return;
    }
    if (load_keep_request(take_block(load, &state->answer_block), request) !=
        0) {
        give_back(load, &state->answer_block);
        load->stray++;
        return;
    }
    latency_add(&stats_of(load, call)->invite, load->now - state->invite_sent);
    state->server = SERVER_RINGING;
    load->ringing++;
    respond(load, call, 100, answering(load));
    respond(load, call, 180, answering(load));
    if (load->options.held)
        return;
    if (load->options.ring_ms == 0)
        load_calls_answer(load, call);
    else
        start_timer(load, &load->answers, call, DELAY_ANSWER, 0);
}

static void refuse(load_t *load, uint32_t call, const load_message_t *request)
{
    load_call_t *state = &load->calls[call];

    if (state->refusal == REFUSAL_ACKED) {
        stats_of(load, call)->again_received++;
        return;
    }
    if (state->refusal == REFUSAL_SENT) {
        stats_of(load, call)->again_received++;
        respond(load, call, 503, LOAD_SERVER);
        return;
    }
    if (load_keep_request(take_block(load, &state->refusal_block), request) !=
        0) {
        give_back(load, &state->refusal_block);
        load->stray++;
        return;
    }
    state->refusal = REFUSAL_SENT;
    respond(load, call, 503, LOAD_SERVER);
    start_timer(load, &load->again[0], call, TIMER_REFUSAL, 0);
}

static void on_ack(load_t *load, uint32_t call, int of_refusal)
{
    load_call_t *state = &load->calls[call];

    if (of_refusal && state->refusal == REFUSAL_SENT) {
        state->refusal = REFUSAL_ACKED;
        give_back(load, &state->refusal_block);
    } else if (!of_refusal && state->server == SERVER_ANSWERED) {
        state->server = SERVER_CONFIRMED;
        give_back(load, &state->answer_block);
    } else {
        stats_of(load, call)->again_received++;
    }
}

static void on_bye(load_t *load, uint32_t call, load_end_t end,
                   const load_message_t *request)
{
    load_call_t *state = &load->calls[call];
    load_socket_t *sock = &load->sockets[end];
    char *room = load_socket_room(sock);

    load_socket_commit(sock, load_write_bye_answer(room, request), NULL);
    if (state->server == SERVER_ENDED)
        stats_of(load, call)->again_received++;
    else if (state->server != SERVER_CONFIRMED)
        stats_of(load, call)->without_ack++;
    state->server = SERVER_ENDED;
    give_back(load, &state->answer_block);
}

/* ---- all ---- */

static void on_request(load_t *load, load_end_t end,
                       const load_message_t *request)
{
    int refuses = load->options.failover && end == LOAD_SERVER;

    if (end == LOAD_CALLER || (!refuses && end != answering(load)))
        load->stray++;
    else if (request->method == LOAD_INVITE && refuses)
        refuse(load, request->call, request);
    else if (request->method == LOAD_INVITE)
        on_invite(load, request->call, request);
    else if (request->method == LOAD_ACK)
        on_ack(load, request->call, refuses);
    else if (request->method == LOAD_BYE && !refuses)
        on_bye(load, request->call, end, request);
    else
        load->stray++;
}

void load_calls_receive(load_t *load, load_end_t end, const char *text,
                        size_t len)
{
    load_message_t message;

    if (load_scan(&message, text, len) != 0 || message.call >= load->started)
        load->stray++;
    else if (message.status == 0)
        on_request(load, end, &message);
    else if (end == LOAD_CALLER && message.method == LOAD_INVITE)
        on_invite_response(load, message.call, &message);
    else if (end == LOAD_CALLER && message.method == LOAD_BYE)
        on_bye_response(load, message.call, &message);
    else
        load->stray++;
}

/* Sends a message again when nothing has come in its place. */
static int send_again(load_t *load, uint32_t call, unsigned kind)
{
    const load_call_t *state = &load->calls[call];

    if (kind == TIMER_INVITE && state->caller == CALLER_CALLING)
        send_invite(load, call, NULL);
    else if (kind == TIMER_BYE && state->caller == CALLER_ENDING)
        send_in_dialog(load, call, LOAD_BYE,
                       &load->blocks[state->dialog_block]);
    else if (kind == TIMER_ANSWER && state->server == SERVER_ANSWERED)
        respond(load, call, 200, answering(load));
    else if (kind == TIMER_REFUSAL && state->refusal == REFUSAL_SENT)
        respond(load, call, 503, LOAD_SERVER);
    else
        return 0;
    if (kind == TIMER_INVITE || kind == TIMER_BYE)
        stats_of(load, call)->again_caller++;
    else
        stats_of(load, call)->again_server++;
    return 1;
}

static void on_timer(load_t *load, load_timer_t timer)
{
    unsigned step = timer.step + 1u;
    unsigned last =
        timer.kind == TIMER_INVITE ? LOAD_STEPS - 1u : (unsigned)LAST_STEP;

    if (timer.kind == DELAY_ANSWER) {
        if (load->calls[timer.call].server == SERVER_RINGING)
            load_calls_answer(load, timer.call);
        return;
    }
    if (timer.kind == DELAY_BYE) {
        if (load->calls[timer.call].caller == CALLER_ANSWERED)
            hang_up(load, timer.call);
        return;
    }
    if (!send_again(load, timer.call, timer.kind) ||
        step >= (timer.kind == TIMER_INVITE ? (unsigned)LOAD_STEPS
                                            : (unsigned)MAX_STEPS))
        return;
    start_timer(load, &load->again[step < last ? step : last], timer.call,
                timer.kind, step);
}

static unsigned run_queue(load_t *load, load_queue_t *queue)
{
    unsigned count = 0;

    while (queue->tail != queue->head && count < LOAD_BATCH) {
        load_timer_t timer = queue->ring[queue->tail & queue->mask];

        if (timer.due > load->now)
            break;
        queue->tail++;
        on_timer(load, timer);
        count++;
    }
    return count;
}

unsigned load_calls_timers(load_t *load)
{
    unsigned count =
        run_queue(load, &load->answers) + run_queue(load, &load->byes);

    for (unsigned i = 0; i < LOAD_STEPS; i++)
        count += run_queue(load, &load->again[i]);
    return count;
}

void load_calls_give_up(load_t *load)
{
    for (uint32_t call = 0; call < load->options.calls; call++) {
        if (load->calls[call].caller < CALLER_COMPLETED)
            fail(load, call, 0);
    }
}
