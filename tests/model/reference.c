/*
 * The reference model: transactions and their timers (RFC 3261 §17, RFC 6026,
 * RFC 4320), and the events that drive them. What becomes of a response is
 * decided in search.c.
 *
 * SPDX-License-Identifier: MIT
 */
#include "model.h"

#include <string.h>

void emit(call_t *call, const effect_t *effect)
{
    effect_t full = *effect;

    full.time_ms = call->model->now_ms;
    full.call = call->number;
    (void)effects_add(call->model->out, &full);
}

static void send_up(call_t *call, method_t method, const final_t *what)
{
    const effect_t effect = {.event = EVENT_SENT,
                             .host = 0,
                             .branch = UNKNOWN,
                             .method = method,
                             .status = what->status,
                             .answer = what->answer,
                             .challenges = what->challenges};

    emit(call, &effect);
}

static void send_down(call_t *call, int host, int branch, method_t method)
{
    const effect_t effect = {
        .event = EVENT_SENT, .host = host, .branch = branch, .method = method};

    emit(call, &effect);
}

static void stop(txn_t *txn, state_t state)
{
    txn->state = state;
    txn->repeat_ms = NEVER;
    txn->limit_ms = NEVER;
    txn->failing_ms = NEVER;
}

/* ---- the caller's side ---- */

static bool is_open(const call_t *call)
{
    return call->server.state == CALLING || call->server.state == PROCEEDING;
}

bool server_send(call_t *call, const final_t *what)
{
    uint64_t now = call->model->now_ms;
    bool invite = call->plan->method == METHOD_INVITE;
    txn_t *server = &call->server;

    if (invite && server->state == ACCEPTED) {
        if (what->status / 100 != 2)
            return false;
        send_up(call, call->plan->method, what);
        return true;
    }
    if (!is_open(call) || (!invite && what->status < 200))
        return false;
    server->limit_ms = NEVER; /* no 100 any more */
    send_up(call, call->plan->method, what);
    call->last = *what;
    if (what->status < 200)
        return true;
    stop(server, COMPLETED);
    server->limit_ms = now + LIFE_MS;
    if (invite && what->status < 300) {
        server->state = ACCEPTED; /* RFC 6026 §7.1 */
    } else if (invite) {
        server->interval_ms = T1_MS;
        server->repeat_ms = now + T1_MS;
    }
    return true;
}

void server_forward_2xx(call_t *call, const final_t *what)
{
    if (!server_send(call, what))
        send_stateless(call, what);
}

void send_stateless(call_t *call, const final_t *what)
{
    send_up(call, METHOD_INVITE, what);
}

/* Nobody answers (RFC 4320 §4.2); what the caller repeats is absorbed. */
void server_fall_silent(call_t *call)
{
    if (!is_open(call))
        return;
    stop(&call->server, COMPLETED);
    call->server.limit_ms = call->model->now_ms + LIFE_MS;
    call->last.status = 0;
}

static void send_again(call_t *call)
{
    if (call->last.status != 0)
        send_up(call, call->plan->method, &call->last);
}

static void send_trying(call_t *call)
{
    const final_t trying = {.status = 100};

    call->server.state = PROCEEDING;
    call->server.limit_ms = NEVER;
    call->last = trying;
    send_up(call, call->plan->method, &trying);
}

/* Timers H, I, J, L, or the one before a 100. */
static void server_limit(call_t *call, branch_t *branch)
{
    (void)branch;
    if (is_open(call))
        send_trying(call);
    else
        stop(&call->server, OVER);
}

static void server_repeat(call_t *call, branch_t *branch) /* Timer G */
{
    txn_t *server = &call->server;

    (void)branch;
    server->interval_ms =
        server->interval_ms * 2 > T2_MS ? T2_MS : server->interval_ms * 2;
    server->repeat_ms = call->model->now_ms + server->interval_ms;
    send_again(call);
}

static void receive_request(call_t *call)
{
    const model_t *model = call->model;
    txn_t *server = &call->server;

    if (server->state != IDLE) {
        bool repeats =
            server->state == PROCEEDING || server->state == COMPLETED;
        if (repeats)
            send_again(call);
        return;
    }
    server->state = CALLING;
    if (call->plan->method == METHOD_MESSAGE) {
        /* RFC 4320 §4.1: when Timer E of the caller has reached T2. */
        server->limit_ms = model->now_ms + T1_MS + 2 * T1_MS;
    } else if (model->trace->trying_delay_ms == 0) {
        send_trying(call);
    } else {
        server->state = PROCEEDING;
        server->limit_ms = model->now_ms + model->trace->trying_delay_ms;
    }
    if (call->plan->defer)
        call->handler_ms = model->now_ms + LIFE_MS;
}

static void receive_ack(call_t *call, const record_t *ack)
{
    txn_t *server = &call->server;
    bool outbound = call->plan->target_count == 0;

    if (ack->method == METHOD_ACK_2XX) {
        send_down(call, host_of_uri(ack->text), UNKNOWN, METHOD_ACK_2XX);
        return;
    }
    if (server->state == COMPLETED && call->plan->method == METHOD_INVITE) {
        stop(server, CONFIRMED);
        server->limit_ms = call->model->now_ms + T4_MS;
    } else if (server->state == ACCEPTED && outbound) {
        /* The INVITE is known, and it goes where it says; elsewhere it would
         * have to come from us again or needs DNS. */
        send_down(call, host_of_uri(ack->text), UNKNOWN, METHOD_ACK);
    }
}

static void refuse(call_t *call, int status, int err)
{
    const final_t final = {.status = status};

    call->handler_ms = NEVER;
    call->decision = REFUSED;
    call->refusal = err;
    (void)server_send(call, &final);
}

static void handler_limit(call_t *call, branch_t *branch)
{
    (void)branch;
    refuse(call, 500, SRF_ERR_ALREADY_FINAL);
}

static void hear_cancel(call_t *call)
{
    const effect_t told = {
        .event = EVENT_CANCELLED, .host = UNKNOWN, .branch = UNKNOWN};

    if (call->server.state != PROCEEDING || call->heard_cancel)
        return;
    call->heard_cancel = true;
    if (call->decision == UNDECIDED)
        refuse(call, 487, SRF_ERR_CANCELED); /* §9.2 */
    else
        search_cancelled(call);
    emit(call, &told);
}

static void receive_cancel(call_t *call)
{
    const model_t *model = call->model;
    bool known = call->plan->method == METHOD_INVITE &&
                 call->server.state != IDLE && call->server.state != OVER;
    bool again = model->now_ms < call->cancel_until_ms;

    if (!again) {
        call->cancel_answer.status = known ? 200 : 481;
        /* A refusal keeps no state: what comes again is looked at again. */
        if (known)
            call->cancel_until_ms = model->now_ms + LIFE_MS;
    }
    send_up(call, METHOD_CANCEL, &call->cancel_answer);
    if (!again && known)
        hear_cancel(call);
}

/* ---- a target's side ---- */

static bool invites(const branch_t *branch)
{
    return branch->call->plan->method == METHOD_INVITE;
}

/* Sends or repeats a request of a client transaction. */
static void send_request(branch_t *branch, txn_t *txn, method_t method)
{
    const model_t *model = branch->call->model;
    const effect_t effect = {
        .event = EVENT_SENT,
        .host = branch->host,
        .branch = branch->number,
        .method = method,
        .breadth = method == METHOD_CANCEL ? 0 : (int)branch->share,
        .reason = method == METHOD_CANCEL && branch->reason};

    emit(branch->call, &effect);
    if (model->closed[branch->host] && model->immediate[branch->host])
        txn->failing_ms = model->now_ms;
}

static void start(branch_t *branch, txn_t *txn, method_t method)
{
    uint64_t now = branch->call->model->now_ms;

    stop(txn, CALLING);
    txn->interval_ms = T1_MS;
    txn->repeat_ms = now + T1_MS;
    txn->limit_ms = now + LIFE_MS;
    send_request(branch, txn, method);
}

void client_start(branch_t *branch)
{
    stop(&branch->cancel, IDLE);
    start(branch, &branch->client, branch->call->plan->method);
}

bool client_cancel(branch_t *branch, bool reason)
{
    state_t state = branch->client.state;

    if (!invites(branch) || branch->cancel_asked ||
        (state != CALLING && state != PROCEEDING))
        return false;
    branch->cancel_asked = true;
    branch->reason = reason;
    branch->cancel_waits = state == CALLING; /* §9.1 */
    if (!branch->cancel_waits)
        start(branch, &branch->cancel, METHOD_CANCEL);
    return !branch->cancel_waits;
}

void client_end(branch_t *branch)
{
    stop(&branch->client, OVER);
    stop(&branch->cancel, OVER);
}

/* Timers A and E, the latter of a CANCEL too. */
static void repeat_request(branch_t *branch, txn_t *txn, method_t method)
{
    bool backs_off = method != METHOD_INVITE;

    txn->interval_ms *= 2;
    if (backs_off && (txn->interval_ms > T2_MS || txn->state == PROCEEDING))
        txn->interval_ms = T2_MS;
    txn->repeat_ms = branch->call->model->now_ms + txn->interval_ms;
    send_request(branch, txn, method);
}

static void client_repeat(call_t *call, branch_t *branch)
{
    repeat_request(branch, &branch->client, call->plan->method);
}

static void cancel_repeat(call_t *call, branch_t *branch)
{
    (void)call;
    repeat_request(branch, &branch->cancel, METHOD_CANCEL);
}

/* Timers B, D, F, K, M, or the wait behind a CANCEL nobody else waits out. */
static void client_limit(call_t *call, branch_t *branch)
{
    state_t state = branch->client.state;

    client_end(branch);
    if (!branch->orphan && (state == CALLING || state == PROCEEDING))
        search_failed(branch,
                      invites(branch) ? SRF_CAUSE_TIMER_B : SRF_CAUSE_TIMER_F);
    (void)call;
}

static void cancel_limit(call_t *call, branch_t *branch)
{
    (void)call;
    stop(&branch->cancel, OVER);
}

static void client_fails(call_t *call, branch_t *branch)
{
    state_t state = branch->client.state;

    (void)call;
    branch->client.failing_ms = NEVER;
    if (state != CALLING && (state != PROCEEDING || invites(branch)))
        return;
    client_end(branch);
    if (!branch->orphan)
        search_failed(branch, SRF_CAUSE_TRANSPORT);
}

/* Where an INVITE bounces that was answered before, it is a retransmission that
 * crossed the answer; another request is sent on behind a provisional one. */
static void receive_bounce(branch_t *branch, method_t method)
{
    bool cancel = method == METHOD_CANCEL;
    txn_t *txn = cancel ? &branch->cancel : &branch->client;
    bool sent_on = txn->state == PROCEEDING && (cancel || !invites(branch));

    if (method != METHOD_ACK && (txn->state == CALLING || sent_on))
        txn->failing_ms = branch->call->model->now_ms;
}

static void receive_provisional(branch_t *branch, const final_t *what)
{
    txn_t *client = &branch->client;
    uint64_t now = branch->call->model->now_ms;

    if (client->state != CALLING && client->state != PROCEEDING)
        return;
    if (invites(branch)) {
        if (client->state == CALLING)
            stop(client, PROCEEDING);
    } else if (client->state == CALLING) {
        client->state = PROCEEDING;
        client->interval_ms = T2_MS;
        client->repeat_ms = now + T2_MS;
    }
    bool cancels = branch->cancel_waits;
    branch->cancel_waits = false;
    if (cancels)
        start(branch, &branch->cancel, METHOD_CANCEL);
    if (!branch->orphan)
        search_provisional(branch, what, cancels);
    else if (cancels)
        client->limit_ms = now + LIFE_MS;
}

static void receive_2xx(branch_t *branch, const final_t *what)
{
    txn_t *client = &branch->client;

    if (client->state == CALLING || client->state == PROCEEDING) {
        stop(client, ACCEPTED); /* RFC 6026 §7.2 */
        client->limit_ms = branch->call->model->now_ms + LIFE_MS;
    }
    if (client->state == OVER)
        return; /* RFC 6026 §7.3 */
    /* Always forwarded, whoever still waits for it (contract §6). */
    if (branch->orphan)
        send_stateless(branch->call, what);
    else
        search_final(branch, what);
}

static void receive_failure(branch_t *branch, const final_t *what)
{
    txn_t *client = &branch->client;
    bool waits = client->state == CALLING || client->state == PROCEEDING;

    if (!waits && client->state != COMPLETED)
        return;
    send_down(branch->call, branch->host, branch->number, METHOD_ACK);
    if (!waits)
        return;
    stop(client, COMPLETED);
    client->limit_ms = branch->call->model->now_ms + LIFE_MS;
    if (!branch->orphan)
        search_final(branch, what);
}

static void receive_final(branch_t *branch, const final_t *what)
{
    txn_t *client = &branch->client;

    if (client->state != CALLING && client->state != PROCEEDING)
        return;
    stop(client, COMPLETED);
    client->limit_ms = branch->call->model->now_ms + T4_MS;
    if (!branch->orphan)
        search_final(branch, what);
}

static void receive_cancel_answer(txn_t *cancel, uint64_t now, int status)
{
    cancel->failing_ms = NEVER;
    if (cancel->state != CALLING && cancel->state != PROCEEDING)
        return;
    if (status >= 200) {
        stop(cancel, COMPLETED);
        cancel->limit_ms = now + T4_MS;
    } else if (cancel->state == CALLING) {
        cancel->state = PROCEEDING;
        cancel->repeat_ms = now + T2_MS;
    }
}

static void receive_answer(branch_t *branch, const record_t *record)
{
    const final_t what = {.status = record->status,
                          .answer = record->answer,
                          .challenges = record->challenges};

    if (record->method == METHOD_CANCEL) {
        receive_cancel_answer(&branch->cancel, branch->call->model->now_ms,
                              record->status);
        return;
    }
    branch->client.failing_ms = NEVER;
    if (what.status < 200)
        receive_provisional(branch, &what);
    else if (!invites(branch))
        receive_final(branch, &what);
    else if (what.status < 300)
        receive_2xx(branch, &what);
    else
        receive_failure(branch, &what);
}

/* ---- time ---- */

typedef void (*fire_t)(call_t *call, branch_t *branch);

typedef struct due {
    uint64_t ms;
    fire_t fire;
    call_t *call;
    branch_t *branch;
} due_t;

/* What is looked at first goes first within a millisecond. */
static void look_at(due_t *due, call_t *call, branch_t *branch, uint64_t ms,
                    fire_t fire)
{
    if (ms < due->ms)
        *due = (due_t){ms, fire, call, branch};
}

static void look_at_branch(due_t *due, call_t *call, branch_t *branch)
{
    look_at(due, call, branch, branch->client.failing_ms, client_fails);
    look_at(due, call, branch, branch->cancel.failing_ms, cancel_limit);
    look_at(due, call, branch, branch->client.limit_ms, client_limit);
    look_at(due, call, branch, branch->cancel.limit_ms, cancel_limit);
    look_at(due, call, branch, branch->client.repeat_ms, client_repeat);
    look_at(due, call, branch, branch->cancel.repeat_ms, cancel_repeat);
    look_at(due, call, branch, branch->provisional_ms, provisional_limit);
    look_at(due, call, branch, branch->final_ms, final_limit);
    look_at(due, call, branch, branch->timer_c_ms, timer_c_limit);
    look_at(due, call, branch, branch->guard_ms, guard_limit);
}

static due_t next_due(model_t *model)
{
    due_t due = {.ms = NEVER};

    for (unsigned i = 0; i < model->trace->call_count; i++) {
        call_t *call = &model->calls[i];
        look_at(&due, call, NULL, call->handler_ms, handler_limit);
        look_at(&due, call, NULL, call->server.limit_ms, server_limit);
        look_at(&due, call, NULL, call->server.repeat_ms, server_repeat);
        for (unsigned j = 0; j < call->branch_count; j++)
            look_at_branch(&due, call, &call->branches[j]);
    }
    return due;
}

static void fire(model_t *model, const due_t *due)
{
    model->now_ms = due->ms;
    due->fire(due->call, due->branch);
}

/* Lets pass what happens before the record. Nothing else shares its millisecond
 * unless it is a bounce, which follows what was sent there. */
static void pass_time(model_t *model, const record_t *record)
{
    bool bounce = record->event == EVENT_BOUNCED;

    for (;;) {
        due_t due = next_due(model);
        if (due.ms > record->time_ms || (due.ms == record->time_ms && !bounce))
            break;
        fire(model, &due);
    }
    model->now_ms = record->time_ms;
}

/* srf_destroy() may be called from a callback that the model has yet to come
 * to, in the same millisecond. */
static void pass_callbacks(model_t *model, const record_t *destroy)
{
    const trace_t *trace = model->trace;
    int left = 0;

    /* That a branch begins may go without saying; the model does not tell. */
    for (const record_t *r = trace->records; r < destroy; r++)
        left += is_callback(r->event) &&
                !(r->event == EVENT_BRANCH && r->status == SRF_CAUSE_NONE);
    for (;;) {
        int told = 0;
        for (unsigned i = 0; i < model->out->count; i++)
            told += is_callback(model->out->list[i].event);
        due_t due = next_due(model);
        if (told >= left || due.ms > destroy->time_ms)
            return;
        fire(model, &due);
    }
}

/* ---- events ---- */

static void decide(call_t *call)
{
    const effect_t decided = {
        .event = EVENT_DECIDED,
        .host = UNKNOWN,
        .branch = UNKNOWN,
        .status = call->decision == REFUSED ? call->refusal : 0,
    };

    call->handler_ms = NEVER;
    emit(call, &decided);
    if (call->decision != UNDECIDED)
        return;
    call->decision = PROXIED;
    search_start(call);
}

static void receive(model_t *model, const record_t *record)
{
    call_t *call = &model->calls[record->call];

    if (record->status != 0) {
        branch_t *branch = model_branch(model, record);
        if (branch != NULL)
            receive_answer(branch, record);
    } else if (record->method == METHOD_CANCEL) {
        receive_cancel(call);
    } else if (record->method == METHOD_ACK ||
               record->method == METHOD_ACK_2XX) {
        receive_ack(call, record);
    } else {
        receive_request(call);
    }
}

static void destroy(model_t *model, const record_t *record)
{
    pass_callbacks(model, record);
    model->now_ms = record->time_ms;
    for (unsigned i = 0; i < model->trace->call_count; i++) {
        if (model->calls[i].decision == PROXIED)
            search_end(&model->calls[i], SRF_ERR_CANCELED);
    }
}

static void handle(model_t *model, const record_t *record)
{
    branch_t *branch;

    switch (record->event) {
    case EVENT_RECEIVED:
        receive(model, record);
        break;
    case EVENT_BOUNCED:
        branch = model_branch(model, record);
        if (branch != NULL)
            receive_bounce(branch, record->method);
        break;
    case EVENT_CLOSED:
        model->closed[record->host] = true;
        model->immediate[record->host] = record->immediate;
        break;
    case EVENT_DECIDED:
        decide(&model->calls[record->call]);
        break;
    default:
        break;
    }
}

void reference_run(const trace_t *trace, effects_t *out)
{
    static model_t model;

    memset(&model, 0, sizeof(model));
    model.trace = trace;
    model.out = out;
    for (unsigned i = 0; i < trace->call_count; i++) {
        call_t *call = &model.calls[i];
        call->model = &model;
        call->number = (int)i;
        call->plan = &trace->plans[i];
        call->handler_ms = NEVER;
        stop(&call->server, IDLE);
    }
    for (unsigned i = 0; i < trace->count; i++) {
        const record_t *record = &trace->records[i];
        bool input =
            record->event == EVENT_RECEIVED || record->event == EVENT_BOUNCED ||
            record->event == EVENT_CLOSED || record->event == EVENT_DECIDED ||
            record->event == EVENT_DESTROY;
        if (!input)
            continue;
        pass_time(&model, record);
        if (record->event == EVENT_DESTROY) {
            destroy(&model, record);
            return;
        }
        handle(&model, record);
    }
}
