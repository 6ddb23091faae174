/*
 * What the reference model says against what happened.
 *
 * SPDX-License-Identifier: MIT
 */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

effect_t *effects_add(effects_t *effects, const effect_t *effect)
{
    if (effects->count == effects->cap) {
        effects->cap = effects->cap == 0 ? 128 : effects->cap * 2;
        effects->list =
            realloc(effects->list, effects->cap * sizeof(*effects->list));
        must(effects->list != NULL);
    }
    effects->list[effects->count] = *effect;
    return &effects->list[effects->count++];
}

void effects_free(effects_t *effects)
{
    for (unsigned i = 0; i < effects->count; i++)
        free(effects->list[i].report);
    free(effects->list);
}

/* Branches are numbered as they appear on the wire. */
static int branch_number(const trace_t *trace, const record_t *wanted)
{
    const char *seen[ATTEMPTS_MAX];
    int count = 0;

    for (unsigned i = 0; i < trace->count; i++) {
        const record_t *record = &trace->records[i];
        bool known = false;
        if (record->event != EVENT_SENT || record->call != wanted->call ||
            (record->method != METHOD_INVITE &&
             record->method != METHOD_MESSAGE) ||
            record->status != 0)
            continue;
        if (strcmp(record->branch, wanted->branch) == 0)
            known = true;
        for (int j = 0; j < count && !known; j++) {
            if (strcmp(seen[j], record->branch) != 0)
                continue;
            known = true;
            if (strcmp(seen[j], wanted->branch) == 0)
                return j;
        }
        if (strcmp(record->branch, wanted->branch) == 0)
            return count;
        if (!known && count < ATTEMPTS_MAX)
            seen[count++] = record->branch;
    }
    return UNKNOWN;
}

branch_t *model_branch(model_t *model, const record_t *record)
{
    int number = branch_number(model->trace, record);
    call_t *call = &model->calls[record->call];

    for (unsigned i = 0; i < call->branch_count && number != UNKNOWN; i++) {
        if (call->branches[i].number == number)
            return &call->branches[i];
    }
    return NULL;
}

/* A share of Max-Breadth is compared in what is sent at once: later it depends
 * on the order in which others end in one millisecond. */
static void forget_breadth(const trace_t *trace, effects_t *effects)
{
    uint64_t decided_ms[CALLS_MAX] = {0};

    for (unsigned i = 0; i < trace->count; i++) {
        const record_t *record = &trace->records[i];
        if (record->event == EVENT_DECIDED)
            decided_ms[record->call] = record->time_ms;
    }
    for (unsigned i = 0; i < effects->count; i++) {
        effect_t *effect = &effects->list[i];
        if (effect->time_ms != decided_ms[effect->call])
            effect->breadth = 0;
    }
}

static void collect(const trace_t *trace, effects_t *out)
{
    for (unsigned i = 0; i < trace->count; i++) {
        const record_t *record = &trace->records[i];
        effect_t effect = {.time_ms = record->time_ms,
                           .event = record->event,
                           .call = record->call,
                           .host = record->host,
                           .branch = UNKNOWN,
                           .method = record->method,
                           .status = record->status,
                           .answer = record->answer,
                           .challenges = record->challenges,
                           .breadth = record->breadth,
                           .reason = record->reason &&
                                     record->method == METHOD_CANCEL};
        if (record->event != EVENT_SENT && record->event != EVENT_DECIDED &&
            !is_callback(record->event))
            continue;
        if (record->event == EVENT_BRANCH && record->status == SRF_CAUSE_NONE)
            continue;
        if (record->event == EVENT_SENT && record->host != 0)
            effect.branch = branch_number(trace, record);
        if (record->report != NULL) {
            effect.report = malloc(sizeof(*effect.report));
            must(effect.report != NULL);
            *effect.report = *record->report;
        }
        (void)effects_add(out, &effect);
    }
}

static int order(const void *a, const void *b)
{
    const effect_t *one = a;
    const effect_t *two = b;
    const int ones[] = {(int)one->event, one->call,        one->host,
                        one->branch,     (int)one->method, one->status,
                        one->answer,     one->challenges,  one->breadth,
                        one->reason};
    const int twos[] = {(int)two->event, two->call,        two->host,
                        two->branch,     (int)two->method, two->status,
                        two->answer,     two->challenges,  two->breadth,
                        two->reason};

    if (one->time_ms != two->time_ms)
        return one->time_ms < two->time_ms ? -1 : 1;
    for (unsigned i = 0; i < sizeof(ones) / sizeof(*ones); i++) {
        if (ones[i] != twos[i])
            return ones[i] < twos[i] ? -1 : 1;
    }
    return 0;
}

/* ---- objections ---- */

static void describe_report(char *out, size_t size, const report_t *report)
{
    size_t len = (size_t)snprintf(
        out, size, " err %d connected %d final %d (answer %d)", report->err,
        report->connected, report->final_status, report->final_answer);

    for (unsigned i = 0; i < report->attempt_count && len < size; i++) {
        const attempt_t *attempt = &report->attempts[i];
        len += (size_t)snprintf(out + len, size - len,
                                " [host %d, %s:", attempt->host,
                                srf_cause_name(attempt->cause));
        for (unsigned j = 0; j < attempt->msg_count && len < size; j++)
            len += (size_t)snprintf(out + len, size - len, " %d",
                                    attempt->statuses[j]);
        if (len < size)
            len += (size_t)snprintf(out + len, size - len, "]");
    }
}

static void describe(char *out, size_t size, const effect_t *effect)
{
    static const char *const names[] = {
        [EVENT_SENT] = "sends",
        [EVENT_DECIDED] = "takes the decision",
        [EVENT_CANCELLED] = "reports the CANCEL",
        [EVENT_BRANCH] = "reports a branch",
        [EVENT_HEARD] = "reports a response",
        [EVENT_DONE] = "reports the end",
    };

    if (effect == NULL) {
        (void)snprintf(out, size, "nothing more");
        return;
    }
    size_t len = (size_t)snprintf(out, size, "%llu %s: call %d",
                                  (unsigned long long)effect->time_ms,
                                  names[effect->event], effect->call);
    if (effect->event == EVENT_SENT)
        len += (size_t)snprintf(
            out + len, size - len,
            " to host %d: %s %d, branch %d, answer %d, %d challenges, "
            "breadth %d, reason %d",
            effect->host, method_name(effect->method), effect->status,
            effect->branch, effect->answer, effect->challenges, effect->breadth,
            effect->reason);
    else if (effect->event != EVENT_DONE)
        len +=
            (size_t)snprintf(out + len, size - len, " with %d", effect->status);
    if (effect->report != NULL)
        describe_report(out + len, size - len, effect->report);
}

static bool differ(trace_t *trace, const effect_t *said,
                   const effect_t *happened)
{
    char one[400];
    char two[400];

    describe(one, sizeof(one), said);
    describe(two, sizeof(two), happened);
    return trace_fail(trace, "the model says:   %s\n  what happened is: %s",
                      one, two);
}

/* srf_destroy() from a callback cuts short what else was due in the same
 * millisecond, in an order that is nobody's business: of that only who is told
 * of the end is compared. */
static bool is_cut_short(const trace_t *trace, const effect_t *effect)
{
    for (unsigned i = 1; i < trace->count; i++) {
        const record_t *record = &trace->records[i];
        const record_t *callback = record - 1;
        if (record->event == EVENT_DESTROY)
            return record->time_ms == effect->time_ms &&
                   callback->time_ms == effect->time_ms &&
                   is_callback(callback->event);
    }
    return false;
}

static const effect_t *next(const trace_t *trace, const effects_t *effects,
                            unsigned *index)
{
    while (*index < effects->count &&
           effects->list[*index].event != EVENT_DONE &&
           is_cut_short(trace, &effects->list[*index]))
        (*index)++;
    return *index < effects->count ? &effects->list[(*index)++] : NULL;
}

static void sort(const effects_t *effects)
{
    if (effects->count > 0)
        qsort(effects->list, effects->count, sizeof(effect_t), order);
}

static bool compare(trace_t *trace, effects_t *said, effects_t *happened)
{
    unsigned i = 0;
    unsigned j = 0;

    sort(said);
    sort(happened);
    for (;;) {
        const effect_t *one = next(trace, said, &i);
        const effect_t *two = next(trace, happened, &j);
        if (one == NULL && two == NULL)
            return true;
        if (one == NULL || two == NULL || order(one, two) != 0)
            return differ(trace, one, two);
        if (one->report != NULL && !is_cut_short(trace, one) &&
            memcmp(one->report, two->report, sizeof(*one->report)) != 0)
            return differ(trace, one, two);
    }
}

bool reference_check(trace_t *trace)
{
    effects_t said = {0};
    effects_t happened = {0};

    reference_run(trace, &said);
    collect(trace, &happened);
    forget_breadth(trace, &said);
    forget_breadth(trace, &happened);
    bool same = compare(trace, &said, &happened);
    effects_free(&said);
    effects_free(&happened);
    return same;
}
