/*
 * Random programs.
 *
 * Actions are given distinct milliseconds of the second, and every timer is
 * whole seconds. What follows from one action, however late, thus never meets
 * what follows from another in one millisecond, where the order would be open.
 *
 * SPDX-License-Identifier: MIT
 */
#include "generate.h"

#include "rig.h"

#include <stdio.h>
#include <string.h>

enum { STEP_GRAIN_MS = 10, SECOND_MS = 1000 };

typedef struct dice {
    uint64_t state;
} dice_t;

/* What the parties of one program are like, in percent. */
typedef struct mood {
    unsigned chaos; /* messages that make no sense */
    unsigned haste; /* short pauses */
    unsigned steps;
    unsigned destroy_at; /* step; none if beyond the last */
    bool closes;         /* targets may go away */
} mood_t;

typedef struct program {
    dice_t dice;
    mood_t mood;
    trace_t *trace;
    rig_t *rig;
} program_t;

static uint64_t roll(dice_t *dice)
{
    uint64_t z = dice->state += 0x9e3779b97f4a7c15u; /* splitmix64 */

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static unsigned below(dice_t *dice, unsigned limit)
{
    return (unsigned)(roll(dice) % limit);
}

static bool chance(dice_t *dice, unsigned percent)
{
    return below(dice, 100) < percent;
}

#define PICK(dice, ...)                  \
 ((const unsigned[]){__VA_ARGS__}[below( \
     dice, sizeof((const unsigned[]){__VA_ARGS__}) / sizeof(unsigned))])

/* ---- plans ---- */

static void draw_targets(dice_t *dice, plan_t *plan)
{
    unsigned order[TARGETS_MAX] = {1, 2, 3, 4};

    plan->target_count = PICK(dice, 0, 1, 1, 2, 2, 2, 3, 3, 3, 4);
    for (unsigned i = 0; i < TARGETS_MAX; i++) {
        unsigned other = i + below(dice, TARGETS_MAX - i);
        unsigned host = order[other];
        order[other] = order[i];
        order[i] = host;
    }
    for (unsigned i = 0; i < plan->target_count; i++) {
        if (chance(dice, 5))
            (void)snprintf(plan->targets[i], URI_BYTES, "sip:u%u@" NOWHERE, i);
        else
            (void)snprintf(plan->targets[i], URI_BYTES, "sip:u%u@10.0.0.1%u%s",
                           i, chance(dice, 10) ? order[0] : order[i],
                           chance(dice, 30) ? ":5060" : "");
    }
}

static void draw_codes(dice_t *dice, plan_t *plan)
{
    srf_proxy_options_t *options = &plan->options;

    if (chance(dice, 15)) {
        plan->stop_codes[0] = (int32_t)PICK(dice, 302, 404, 486, 503);
        plan->stop_codes[1] = (int32_t)PICK(dice, 0, 401, 500);
        options->stop_codes = plan->stop_codes;
    }
    if (chance(dice, 15)) {
        plan->failover_codes[0] = (int32_t)PICK(dice, 600, 603);
        plan->failover_codes[1] = (int32_t)PICK(dice, 0, 603);
        options->failover_codes = plan->failover_codes;
    }
}

static void draw_plan(dice_t *dice, plan_t *plan)
{
    srf_proxy_options_t *options = &plan->options;

    plan->method = chance(dice, 75) ? METHOD_INVITE : METHOD_MESSAGE;
    plan->foreign = chance(dice, 25);
    plan->defer = chance(dice, 15);
    plan->hooked = chance(dice, 30);
    draw_targets(dice, plan);
    srf_proxy_options_init(options);
    options->record_route = chance(dice, 50);
    options->forking =
        chance(dice, 45) ? SRF_FORKING_SIMULTANEOUS : SRF_FORKING_SEQUENTIAL;
    options->follow_redirects = chance(dice, 60);
    options->max_redirects = PICK(dice, 0, 0, 1, 2);
    draw_codes(dice, plan);
    /* Who gets how much of too little depends on what happens first in a
     * millisecond. */
    if (!options->follow_redirects && chance(dice, 30))
        plan->breadth = 1 + plan->target_count + below(dice, 6);
    /* None of these meets a retransmission or another limit. */
    if (chance(dice, 30))
        options->provisional_timeout_ms = PICK(dice, 2000, 5000, 10000, 70000);
    if (chance(dice, 30))
        options->final_timeout_ms = PICK(dice, 4000, 9000, 20000, 90000);
    options->timer_c_ms = chance(dice, 40)
                              ? PICK(dice, 6000, 14000, 40000, SRF_TIMEOUT_NONE)
                              : 181000;
}

static void draw_mood(dice_t *dice, mood_t *mood)
{
    mood->chaos = PICK(dice, 2, 2, 10, 40);
    mood->haste = PICK(dice, 40, 70, 90);
    mood->closes = chance(dice, 60);
    mood->steps = 5 + below(dice, STEPS_MAX - 5);
    mood->destroy_at =
        chance(dice, 8) ? 1 + below(dice, mood->steps) : STEPS_MAX + 1;
}

/* ---- a target's answers ---- */

static int draw_final(dice_t *dice, const seen_t *seen)
{
    if (seen->cancel != NULL && chance(dice, 75))
        return 487;
    switch (below(dice, 10)) {
    case 0:
    case 1:
    case 2:
        return (int)PICK(dice, 200, 200, 202);
    case 3:
    case 4:
    case 5:
        return (int)PICK(dice, 300, 302, 302, 380);
    case 6:
        return (int)PICK(dice, 401, 407);
    case 7:
        return (int)PICK(dice, 400, 404, 408, 415, 420, 480, 484, 486, 487);
    case 8:
        return (int)PICK(dice, 500, 502, 503, 503, 504);
    default:
        return (int)PICK(dice, 404, 600, 603);
    }
}

static void draw_contacts(program_t *program, const seen_t *seen,
                          answer_t *content)
{
    const plan_t *plan = &program->trace->plans[seen->call];
    dice_t *dice = &program->dice;

    content->contact_count = below(dice, CONTACTS_MAX + 1);
    for (unsigned i = 0; i < content->contact_count; i++) {
        contact_t *contact = &content->contacts[i];
        contact->q = 1000 - 300 * i - 100 * below(dice, 3);
        if (plan->target_count > 0 && chance(dice, 20))
            (void)snprintf(contact->uri, URI_BYTES, "%s",
                           plan->targets[below(dice, plan->target_count)]);
        else if (chance(dice, 5))
            (void)snprintf(contact->uri, URI_BYTES, "sip:r%u@" NOWHERE, i);
        else
            (void)snprintf(contact->uri, URI_BYTES, "sip:r%u@10.0.0.1%u",
                           below(dice, 6), 1 + below(dice, TARGETS_MAX));
    }
    /* Not always in the order of preference. */
    if (content->contact_count > 1 && chance(dice, 50)) {
        contact_t first = content->contacts[0];
        content->contacts[0] = content->contacts[1];
        content->contacts[1] = first;
    }
}

static void answer_cancel(program_t *program, unsigned index)
{
    dice_t *dice = &program->dice;
    reply_t reply = {.cancel = true};

    reply.status = (int)PICK(dice, 200, 200, 200, 481, 100, 500);
    rig_reply(program->rig, index, &reply);
}

static void answer(program_t *program, unsigned index)
{
    const seen_t *seen = &program->rig->seen[index];
    dice_t *dice = &program->dice;
    bool ended = seen->last_status >= 200;
    reply_t reply = {.content = {.tag = below(dice, 2)}};

    if (seen->last_answer != 0 && chance(dice, ended ? 70 : 10)) {
        reply.status = seen->last_status; /* retransmission */
        reply.answer = seen->last_answer;
    } else if (!ended && chance(dice, 45)) {
        reply.status = (int)PICK(dice, 100, 100, 180, 180, 183, 199);
    } else if (ended && seen->last_status < 300 && chance(dice, 70)) {
        reply.status = 200; /* another one of a fork behind the target */
    } else {
        reply.status = ended && chance(dice, 20) ? (int)PICK(dice, 100, 180)
                                                 : draw_final(dice, seen);
        if (reply.status / 100 == 3)
            draw_contacts(program, seen, &reply.content);
    }
    reply.forged = chance(dice, 2);
    rig_reply(program->rig, index, &reply);
}

/* Requests still open are answered rather than others. */
static bool answer_some(program_t *program)
{
    const rig_t *rig = program->rig;
    dice_t *dice = &program->dice;

    if (rig->seen_count == 0)
        return false;
    for (unsigned i = 0; i < 8; i++) {
        unsigned index = below(dice, rig->seen_count);
        const seen_t *seen = &rig->seen[index];
        if (seen->cancel != NULL && !seen->cancel_answered) {
            answer_cancel(program, index);
            return true;
        }
        if (seen->last_status < 200 || chance(dice, program->mood.chaos)) {
            answer(program, index);
            return true;
        }
    }
    return false;
}

/* ---- the caller and the program ---- */

static bool start_some(program_t *program)
{
    for (unsigned i = 0; i < program->trace->call_count; i++) {
        if (!program->rig->calls[i].started) {
            rig_call(program->rig, i);
            return true;
        }
    }
    return false;
}

/* A caller repeats its request at most until the answer has reached it. Much
 * later it would be another request. */
static bool repeat_some(program_t *program)
{
    rig_t *rig = program->rig;
    unsigned call = below(&program->dice, program->trace->call_count);
    const call_state_t *state = &rig->calls[call];

    if (!state->started || (state->final_ms != 0 &&
                            rig_now(rig) - state->final_ms > T4_MS - SECOND_MS))
        return false;
    rig_call(rig, call);
    return true;
}

/* A proxy that is not in the route remembers an answered call for LIFE_MS and
 * up to twice that: then it is not known what becomes of an ACK. */
static bool is_late(const rig_t *rig, const call_state_t *state)
{
    if (state->final_status >= 300)
        return state->connected;
    return !state->recorded && rig_now(rig) - state->heard_ms > LIFE_MS;
}

static bool ack_some(program_t *program)
{
    rig_t *rig = program->rig;
    unsigned call = below(&program->dice, program->trace->call_count);
    const call_state_t *state = &rig->calls[call];

    if (program->trace->plans[call].method != METHOD_INVITE ||
        state->final == NULL || is_late(rig, state) ||
        (state->acked && !chance(&program->dice, 10 + program->mood.chaos)))
        return false;
    rig_ack(rig, call);
    return true;
}

static bool cancel_some(program_t *program)
{
    rig_t *rig = program->rig;
    dice_t *dice = &program->dice;
    unsigned call = below(dice, program->trace->call_count);
    const call_state_t *state = &rig->calls[call];

    if (!state->started ||
        ((state->cancelled || state->final != NULL ||
          program->trace->plans[call].method != METHOD_INVITE) &&
         !chance(dice, 5 + program->mood.chaos)))
        return false;
    rig_cancel(rig, call);
    return true;
}

static bool decide_some(program_t *program)
{
    rig_t *rig = program->rig;
    unsigned call = below(&program->dice, program->trace->call_count);

    if (rig->calls[call].deferred == NULL || rig->srf == NULL)
        return false;
    rig_decide(rig, call);
    return true;
}

static bool close_some(program_t *program)
{
    int host = 1 + (int)below(&program->dice, TARGETS_MAX);

    if (program->rig->closed[host] || !program->mood.closes)
        return false;
    rig_close(program->rig, host, chance(&program->dice, 30));
    return true;
}

/* ---- time ---- */

/* One thing that somebody does; for lack of it a target answers. */
static void act(program_t *program)
{
    unsigned kind = below(&program->dice, 100);
    bool done = false;

    if (kind < 14)
        done = start_some(program);
    else if (kind < 22)
        done = ack_some(program);
    else if (kind < 29)
        done = cancel_some(program);
    else if (kind < 32)
        done = repeat_some(program);
    else if (kind < 33)
        done = close_some(program);
    if (!done)
        (void)answer_some(program);
}

static uint64_t draw_pause(program_t *program)
{
    dice_t *dice = &program->dice;

    if (chance(dice, program->mood.haste))
        return below(dice, SECOND_MS);
    switch (below(dice, 10)) {
    case 0:
        return 20000 + below(dice, 60000);
    case 1:
        return 100000 + below(dice, 100000);
    case 2:
    case 3:
    case 4:
        return 3000 + below(dice, 15000);
    default:
        return SECOND_MS + below(dice, 3000);
    }
}

/* Lets time pass until the step's own milliseconds of a second. */
static void pause_until(program_t *program, unsigned step)
{
    uint64_t now = rig_now(program->rig);
    uint64_t until = now + draw_pause(program);
    uint64_t begin = until - until % SECOND_MS + step * STEP_GRAIN_MS;

    if (begin < until || begin == now)
        begin += SECOND_MS;
    memnet_run(program->rig->net, begin - now);
}

static void run_step(program_t *program, unsigned step)
{
    unsigned actions =
        chance(&program->dice, 75) ? 1 : 2 + below(&program->dice, 3);

    pause_until(program, step);
    if (step == program->mood.destroy_at && program->rig->srf != NULL)
        rig_destroy_stack(program->rig);
    if (step == 1)
        (void)start_some(program);
    /* A decision is no datagram, and so would overtake those of its step. */
    if (chance(&program->dice, 15) && decide_some(program))
        return;
    for (unsigned i = 0; i < actions && program->rig->srf != NULL; i++)
        act(program);
}

static void set_faults(program_t *program)
{
    dice_t *dice = &program->dice;
    memnet_faults_t faults = {0};

    program->trace->exact = true;
    if (chance(dice, 20)) {
        faults.loss_pct = PICK(dice, 0, 5, 15);
        faults.duplicate_pct = PICK(dice, 0, 5, 15);
    }
    if (chance(dice, 10)) {
        faults.reorder_pct = PICK(dice, 10, 50);
        faults.reorder_ms = PICK(dice, 5, 300);
        program->trace->exact = false;
    }
    memnet_set_faults(program->rig->net, &faults);
}

static void open_world(program_t *program)
{
    dice_t *dice = &program->dice;
    trace_t *trace = program->trace;

    trace->trying_delay_ms = chance(dice, 20) ? 2 : 0;
    draw_mood(dice, &program->mood);
    trace->call_count = 1 + below(dice, CALLS_MAX);
    for (unsigned i = 0; i < trace->call_count; i++)
        draw_plan(dice, &trace->plans[i]);
    program->rig = rig_create(trace);
    set_faults(program);
    if (chance(dice, 4))
        program->rig->destroy_in =
            (event_t)PICK(dice, EVENT_DONE, EVENT_DONE, EVENT_CANCELLED,
                          EVENT_BRANCH, EVENT_HEARD);
    for (int host = 1; host < HOSTS && program->mood.closes; host++) {
        if (chance(dice, 8))
            rig_close(program->rig, host, chance(dice, 40));
    }
}

trace_t *generate(uint64_t seed, unsigned steps)
{
    program_t program = {.dice = {seed}};

    program.trace = trace_create(seed);
    open_world(&program);
    if (steps > program.mood.steps)
        steps = program.mood.steps;
    for (unsigned step = 1; step <= steps; step++)
        run_step(&program, step);
    rig_finish(program.rig);
    return program.trace;
}
