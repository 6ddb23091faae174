/*
 * The reference model: the response context (RFC 3261 §16.7), that is, which
 * target is tried when, what goes up, and what is reported.
 *
 * SPDX-License-Identifier: MIT
 */
#include "model.h"

#include <stdlib.h>
#include <string.h>

static bool is_invite(const call_t *call)
{
    return call->plan->method == METHOD_INVITE;
}

static bool any_branch(const call_t *call, part_t part, bool guarded)
{
    for (unsigned i = 0; i < call->branch_count; i++) {
        const branch_t *branch = &call->branches[i];
        if (branch->part == part && (branch->guarded || !guarded))
            return true;
    }
    return false;
}

/* ---- hooks ---- */

static void tell(branch_t *branch, event_t event, int status, int answer)
{
    const effect_t effect = {.event = event,
                             .host = branch->host,
                             .branch = UNKNOWN,
                             .status = status,
                             .answer = answer};

    if (branch->call->plan->hooked)
        emit(branch->call, &effect);
}

static void tell_response(branch_t *branch, const final_t *what)
{
    /* A 100 is not kept. */
    tell(branch, EVENT_HEARD, what->status,
         what->status == 100 ? 0 : what->answer);
}

/* ---- the end ---- */

static report_t *make_report(const call_t *call)
{
    report_t *report = calloc(1, sizeof(*report));

    must(report != NULL);
    report->err = call->err;
    report->connected = call->connected;
    report->final_status = call->final_status;
    report->final_answer = call->final_answer;
    report->attempt_count = call->branch_count;
    for (unsigned i = 0; i < call->branch_count; i++) {
        const branch_t *branch = &call->branches[i];
        report->attempts[i] = branch->attempt;
        report->attempts[i].host = branch->host;
        report->attempts[i].cause = branch->cause == SRF_CAUSE_NONE
                                        ? SRF_CAUSE_CANCELED
                                        : branch->cause;
    }
    return report;
}

void search_end(call_t *call, int err)
{
    if (err != 0)
        call->err = err;
    const effect_t done = {.event = EVENT_DONE,
                           .host = UNKNOWN,
                           .branch = UNKNOWN,
                           .report = make_report(call)};

    emit(call, &done);
    call->decision = REPORTED;
    server_fall_silent(call);
    for (unsigned i = 0; i < call->branch_count; i++) {
        branch_t *branch = &call->branches[i];
        branch->orphan = true;
        branch->provisional_ms = NEVER;
        branch->final_ms = NEVER;
        branch->timer_c_ms = NEVER;
        branch->guard_ms = NEVER;
    }
}

static void end_if_complete(call_t *call)
{
    if (call->answered && !any_branch(call, PENDING, false) &&
        !any_branch(call, GIVEN_UP, true))
        search_end(call, 0);
}

/* ---- the best response ---- */

/* Lower is better (§16.7 step 6, and contract §6). */
static int rank(const call_t *call, const branch_t *branch)
{
    int status = branch->final.status;
    bool made_up = branch->final.answer == 0;

    if (status >= 600)
        return 0;
    if (call->cancelled && status == 487)
        return 10 + made_up;
    switch (status) {
    case 408:
        if (!is_invite(call))
            return 10000; /* RFC 4320 §4.2 */
        break;
    case 401:
    case 407:
    case 415:
    case 420:
    case 484:
        return 4000 + made_up;
    case 503:
        return 5900 + made_up;
    default:
        break;
    }
    return status / 100 * 1000 + 100 + made_up;
}

static const branch_t *find_best(const call_t *call)
{
    const branch_t *best = NULL;

    for (unsigned i = 0; i < call->branch_count; i++) {
        const branch_t *branch = &call->branches[i];
        if (branch->final.status < 300 || branch->followed)
            continue;
        if (best == NULL || rank(call, branch) < rank(call, best))
            best = branch;
    }
    return best;
}

/* §16.7 step 7: the best 401 or 407 carries the challenges of all. */
static int all_challenges(const call_t *call)
{
    int count = 0;

    for (unsigned i = 0; i < call->branch_count; i++) {
        const final_t *final = &call->branches[i].final;
        if (final->status == 401 || final->status == 407)
            count += final->challenges;
    }
    return count;
}

static void answer(call_t *call)
{
    const branch_t *best = find_best(call);
    final_t final = {.status = 500};

    if (best != NULL)
        final = best->final;
    if (final.status == 503 || (final.status == 408 && !is_invite(call)))
        final.answer = 0;
    if (final.status == 503)
        final.status = 500;
    if (call->cancelled && final.answer == 0)
        final.status = 487;
    if (final.answer == 0)
        final.challenges = 0;
    if (final.status == 401 || final.status == 407)
        final.challenges = all_challenges(call);
    call->answered = true;
    call->finished = true;
    if (final.status == 408 && !is_invite(call)) {
        call->err = SRF_ERR_TIMEOUT;
        return;
    }
    if (server_send(call, &final)) {
        call->final_status = final.status;
        call->final_answer = final.answer;
    }
}

/* ---- the search ---- */

static void set_limit(uint64_t *timer, uint64_t now_ms, uint32_t ms)
{
    *timer = ms == 0 || ms == SRF_TIMEOUT_NONE ? NEVER : now_ms + ms;
}

/* The search goes on without the branch. */
static void leave(branch_t *branch, int cause, const final_t *final)
{
    tell(branch, EVENT_BRANCH, cause, 0);
    branch->part = GIVEN_UP;
    branch->cause = cause;
    branch->final = *final;
    branch->provisional_ms = NEVER;
    branch->final_ms = NEVER;
    branch->timer_c_ms = NEVER;
    branch->guard_ms = NEVER;
}

/* Nothing is expected of it any more. */
static void close_part(branch_t *branch)
{
    branch->part = ENDED;
    branch->guard_ms = NEVER;
    branch->call->breadth += branch->held;
    branch->held = 0;
}

static void end_part(branch_t *branch, int cause, const final_t *final)
{
    leave(branch, cause, final);
    close_part(branch);
}

/* RFC 5393 §5.3.3: what is left is divided among those that live at a time. A
 * sequential search, which needs little, keeps something for those behind. */
static unsigned share_of_breadth(const call_t *call)
{
    const srf_proxy_options_t *options = &call->plan->options;
    unsigned left = call->breadth;
    unsigned others = call->target_count - call->next_target;

    if (others > left)
        others = left;
    if (options->forking == SRF_FORKING_SIMULTANEOUS)
        return (left + others) / (others + 1);
    if (call->plan->breadth == 0)
        return 0; /* it is not limited and not written */
    return left > others ? left - others : 1;
}

static void launch(call_t *call, const target_t *target)
{
    const srf_proxy_options_t *options = &call->plan->options;
    const final_t unreachable = {.status = 503};
    uint64_t now = call->model->now_ms;

    must(call->branch_count < BRANCHES_MAX);
    branch_t *branch = &call->branches[call->branch_count];
    memset(branch, 0, sizeof(*branch));
    branch->call = call;
    branch->number = UNKNOWN;
    call->branch_count++;
    branch->host = host_of_uri(target->uri);
    branch->depth = target->depth;
    if (branch->host == UNKNOWN) {
        end_part(branch, SRF_CAUSE_TRANSPORT, &unreachable);
        return;
    }
    branch->number = call->sent_count++;
    branch->share = share_of_breadth(call);
    branch->held = branch->share;
    call->breadth -= branch->held;
    branch->guard_ms = NEVER;
    branch->timer_c_ms = NEVER;
    if (is_invite(call))
        set_limit(&branch->timer_c_ms, now, options->timer_c_ms);
    set_limit(&branch->provisional_ms, now, options->provisional_timeout_ms);
    set_limit(&branch->final_ms, now, options->final_timeout_ms);
    client_start(branch);
}

/* The targets whose turn it is. */
static void launch_next(call_t *call)
{
    bool all = call->plan->options.forking == SRF_FORKING_SIMULTANEOUS;

    while (call->next_target < call->target_count && call->breadth > 0 &&
           (all || !any_branch(call, PENDING, false)))
        launch(call, &call->targets[call->next_target++]);
}

static void go_on(call_t *call)
{
    if (!call->finished && !call->cancelled)
        launch_next(call);
    if (any_branch(call, PENDING, false))
        return;
    if (!call->answered) {
        answer(call);
        if (call->sent_count == 0)
            call->err = SRF_ERR_NO_TARGET;
    }
    end_if_complete(call);
}

/* What the caller asked for. */
static const char *caller_uri(const plan_t *plan)
{
    if (plan->target_count == 0)
        return "sip:bob@10.0.0.14";
    return plan->foreign ? "sip:bob@example.net" : "sip:100@10.0.0.1";
}

static target_t *add_target(call_t *call, const char *uri)
{
    must(call->target_count < URIS_MAX);
    target_t *target = &call->targets[call->target_count++];
    *target = (target_t){.uri = uri};
    return target;
}

void search_start(call_t *call)
{
    const plan_t *plan = call->plan;

    call->breadth = plan->breadth == 0 ? DEFAULT_BREADTH : plan->breadth;
    for (unsigned i = 0; i < plan->target_count; i++) {
        target_t *target = add_target(call, plan->targets[i]);
        if (!plan->foreign)
            target->request_uri = target->uri;
    }
    if (plan->target_count == 0)
        (void)add_target(call, caller_uri(plan));
    go_on(call);
}

/* Behind a CANCEL only this is waited for (§9.1). */
static void start_guard(branch_t *branch)
{
    branch->guarded = true;
    branch->guard_ms = branch->call->model->now_ms + LIFE_MS;
    branch->provisional_ms = NEVER;
    branch->final_ms = NEVER;
    branch->timer_c_ms = NEVER;
}

static void cancel(branch_t *branch, bool reason)
{
    if (!client_cancel(branch, reason))
        return;
    start_guard(branch);
}

static void cancel_pending(call_t *call, bool reason)
{
    for (unsigned i = 0; i < call->branch_count; i++) {
        if (call->branches[i].part == PENDING)
            cancel(&call->branches[i], reason);
    }
}

void search_cancelled(call_t *call)
{
    call->cancelled = true;
    cancel_pending(call, true); /* RFC 3326 §2 */
}

/* ---- responses ---- */

static void note(branch_t *branch, const final_t *what)
{
    attempt_t *attempt = &branch->attempt;

    if (branch->final_status != 0 &&
        (branch->final_status < 300 || what->status >= 300))
        return; /* a retransmission, or the 2xx of a further fork */
    if (attempt->msg_count == MSGS_MAX)
        attempt->msg_count--;
    attempt->statuses[attempt->msg_count++] = what->status;
    if (what->status >= 200) {
        branch->final_status = what->status;
        branch->final_answer = what->answer;
    }
}

void search_provisional(branch_t *branch, const final_t *what, bool cancels)
{
    call_t *call = branch->call;
    uint64_t now = call->model->now_ms;

    tell_response(branch, what);
    note(branch, what);
    if (cancels)
        start_guard(branch);
    branch->provisional_ms = NEVER;
    if (what->status == 100 || branch->part != PENDING)
        return;
    if (branch->timer_c_ms != NEVER)
        branch->timer_c_ms = now + call->plan->options.timer_c_ms;
    if (!call->answered)
        (void)server_send(call, what);
}

static void receive_2xx(branch_t *branch, const final_t *what)
{
    call_t *call = branch->call;
    bool first = !call->connected;
    bool sent = true;

    if (is_invite(call))
        server_forward_2xx(call, what);
    else
        sent = server_send(call, what);
    call->finished = true;
    if (!first || !sent)
        return;
    call->connected = true;
    call->answered = true;
    call->final_status = what->status;
    call->final_answer = branch->final_answer;
    cancel_pending(call, true);
}

/* ---- failures ---- */

static bool is_listed(const int32_t *codes, int status)
{
    for (; codes != NULL && *codes != 0; codes++) {
        if (*codes == status)
            return true;
    }
    return false;
}

static bool ends_search(const call_t *call, int status)
{
    const srf_proxy_options_t *options = &call->plan->options;

    if (status >= 600)
        return !is_listed(options->failover_codes, status);
    return options->forking == SRF_FORKING_SEQUENTIAL &&
           is_listed(options->stop_codes, status);
}

/* §16.5: what was asked for, what is asked for, and what will be. */
static bool is_known(const call_t *call, const char *uri)
{
    if (strcmp(caller_uri(call->plan), uri) == 0)
        return true;
    for (unsigned i = 0; i < call->target_count; i++) {
        const char *known = call->targets[i].request_uri;
        if (known != NULL && strcmp(known, uri) == 0)
            return true;
    }
    return false;
}

/* Puts a Contact in front of what was not tried, behind those of the same 3xx
 * that are not worse. */
static void insert_contact(call_t *call, const contact_t *contact,
                           unsigned depth, unsigned added)
{
    unsigned at = call->next_target;

    while (at < call->next_target + added && call->targets[at].q >= contact->q)
        at++;
    (void)add_target(call, "");
    for (unsigned i = call->target_count - 1; i > at; i--)
        call->targets[i] = call->targets[i - 1];
    call->targets[at] = (target_t){.uri = contact->uri,
                                   .request_uri = contact->uri,
                                   .q = contact->q,
                                   .depth = depth};
}

static void follow_redirect(branch_t *branch, const final_t *what)
{
    call_t *call = branch->call;
    const srf_proxy_options_t *options = &call->plan->options;
    const answer_t *content = &call->model->trace->answers[what->answer];
    unsigned limit = options->max_redirects == 0 ? DEFAULT_REDIRECTS
                                                 : options->max_redirects;
    unsigned added = 0;

    if (options->follow_redirects == 0 || branch->depth >= limit)
        return;
    for (unsigned i = 0; i < content->contact_count; i++) {
        const contact_t *contact = &content->contacts[i];
        if (call->target_count < TARGET_LIMIT && !is_known(call, contact->uri))
            insert_contact(call, contact, branch->depth + 1, added++);
    }
    branch->followed = added > 0;
}

static void receive_failure(branch_t *branch, const final_t *what)
{
    call_t *call = branch->call;

    if (ends_search(call, what->status)) {
        call->finished = true;
        cancel_pending(call, true);
    } else if (what->status / 100 == 3 && !call->finished && !call->cancelled) {
        follow_redirect(branch, what);
    }
}

void search_final(branch_t *branch, const final_t *what)
{
    call_t *call = branch->call;
    bool waited_for = branch->part == PENDING;

    tell_response(branch, what);
    note(branch, what);
    if (waited_for)
        end_part(branch, SRF_CAUSE_RESPONSE, what);
    close_part(branch);
    if (what->status < 300)
        receive_2xx(branch, what);
    else if (waited_for)
        receive_failure(branch, what);
    if (waited_for)
        go_on(call);
    else
        end_if_complete(call);
}

/* ---- ends without a response ---- */

void search_failed(branch_t *branch, int cause)
{
    const final_t counts_as = {.status =
                                   cause == SRF_CAUSE_TRANSPORT ? 503 : 408};

    if (branch->part == PENDING) {
        end_part(branch, cause, &counts_as);
        go_on(branch->call);
    } else {
        close_part(branch);
        end_if_complete(branch->call);
    }
}

static void give_up(branch_t *branch, int cause)
{
    const final_t counts_as = {.status = 408};

    leave(branch, cause, &counts_as);
    cancel(branch, false);
    go_on(branch->call);
}

void provisional_limit(call_t *call, branch_t *branch)
{
    (void)call;
    give_up(branch, SRF_CAUSE_PROVISIONAL_TIMEOUT);
}

void final_limit(call_t *call, branch_t *branch)
{
    (void)call;
    give_up(branch, SRF_CAUSE_FINAL_TIMEOUT);
}

void timer_c_limit(call_t *call, branch_t *branch)
{
    (void)call;
    give_up(branch, SRF_CAUSE_TIMER_C);
}

void guard_limit(call_t *call, branch_t *branch)
{
    const final_t counts_as = {.status = 487};

    branch->guard_ms = NEVER;
    client_end(branch);
    if (branch->part == PENDING) {
        end_part(branch, SRF_CAUSE_CANCELED, &counts_as);
        go_on(call);
    } else {
        close_part(branch);
        end_if_complete(call);
    }
}
