/*
 * The search: the targets one after the other or at once, the best response,
 * and completion.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/search.h"

#include "base/error.h"
#include "proxy/best.h"
#include "proxy/branch_msgs.h"
#include "proxy/reason.h"
#include "proxy/redirect.h"
#include "proxy/results.h"

/* ---- hooks ---- */

static void tell(srf__context_t *context, srf__branch_t *branch)
{
    bool ended = branch->cause != SRF_CAUSE_NONE;

    if (branch->told == (ended ? SRF__TOLD_END : SRF__TOLD_BEGIN))
        return;
    branch->told = ended ? SRF__TOLD_END : SRF__TOLD_BEGIN;
    srf__assert(context->user != NULL); /* whose hooks these are */
    context->user->branch(context, branch);
}

/* Tells the program of branches that have begun or ended. Never from inside
 * srf_proxy_request(). */
static void tell_branches(srf__context_t *context)
{
    srf__branch_t *branch = context->branches;

    if (!context->settings.hooked || context->starting)
        return;
    for (; branch != NULL; branch = branch->next)
        tell(context, branch);
}

static void tell_fired(srf__timer_t *timer)
{
    srf__context_extras_t *extras =
        srf__container_of(timer, srf__context_extras_t, timer);

    tell_branches(extras->context);
}

static void heard(srf__branch_t *branch, const srf__received_t *received)
{
    srf__context_t *context = branch->context;

    if (!context->settings.hooked)
        return;
    const srf__branch_msg_t msg = srf__branch_msg(
        received->time_us, received->facts->status, received->msg);
    tell_branches(context);
    context->user->response(context, branch, &msg);
}

/* ---- completion ---- */

static void report(srf__context_t *context)
{
    srf__results_t results;

    if (context->settings.unreported) {
        context->user->done(context, context->err, NULL);
        return;
    }
    srf__results_make(&results, context);
    context->user->done(context, context->err, &results.public);
    srf__results_deinit(&results);
}

/* Tells the user and frees everything; transactions that must live on do so
 * alone. */
static void complete(srf__context_t *context, bool end)
{
    srf__server_set_user(context->server, NULL, NULL);
    /* Nothing was sent nor will be. */
    if (srf__server_is_open(context->server) && context->server->owed == 0)
        srf__server_fall_silent(context->server);
    if (context->user != NULL) {
        tell_branches(context);
        report(context);
    }
    srf__context_destroy(context, end);
}

static void done_fired(srf__timer_t *timer)
{
    srf__element_t *element =
        srf__container_of(timer, srf__element_t, done_timer);

    while (element->done != NULL) {
        srf__context_t *context = element->done;
        element->done = context->next_done;
        complete(context, false);
    }
}

/* The callback never comes from inside srf_proxy_request(). */
static void complete_later(srf__context_t *context)
{
    srf__element_t *element = context->element;

    context->next_done = element->done;
    element->done = context;
    srf__timer_start(element->wheel, &element->done_timer, 0, done_fired);
}

/* A CANCEL went out, and its 64*T1 are not over yet. */
static bool is_cancelling(const srf__context_t *context)
{
    const srf__branch_t *branch = context->branches;

    while (branch != NULL &&
           (branch->state != SRF__BRANCH_GIVEN_UP || !branch->guarded))
        branch = branch->next;
    return branch != NULL;
}

/* After srf_destroy() nothing is sent and srf__searches_abort() reports. */
static bool is_closing(const srf__context_t *context)
{
    return context->element->transports.closing;
}

void srf__searches_abort(srf__element_t *element, int err)
{
    element->done = NULL;
    srf__timer_stop(element->wheel, &element->done_timer);
    while (element->contexts != NULL) {
        element->contexts->err = (int16_t)err;
        complete(element->contexts, true);
    }
}

/* ---- responses ---- */

/* Forwards a response; false when it could not be. */
static bool forward(srf__context_t *context, const srf__received_t *received)
{
    const srf__facts_t *response = received->facts;

    if (is_closing(context) || response->via2 == 0)
        return false;
    if (received->msg != NULL &&
        srf__server_respond(context->server, received->msg, response->status,
                            received->cut))
        return true;
    /* A 2xx to INVITE always goes up, even when a final response went before or
     * there is no memory to keep it (RFC 3261 §16.7 step 5). */
    if (response->status / 100 != 2 || !srf__context_is_invite(context))
        return false;
    srf__server_forward_late(context->server, response);
    return true;
}

static void cancel_pending(srf__context_t *context, srf__str_t lines)
{
    srf__branch_t *branch = context->branches;

    for (; branch != NULL; branch = branch->next) {
        if (branch->state == SRF__BRANCH_PENDING)
            srf__branch_cancel(branch, lines);
    }
}

static void cancel_for(srf__context_t *context, const srf__facts_t *response)
{
    char storage[SRF__REASON_BYTES];
    srf__buf_t reason;

    srf__buf_init_fixed(&reason, storage, sizeof(storage));
    srf__reason_write(response, &reason);
    cancel_pending(context, srf__buf_str(&reason));
}

/* These lost to a final response, and are told why: a phone that stops ringing
 * shows no missed call then (RFC 3326 §1). */
static void cancel_losers(srf__context_t *context, const srf__facts_t *response)
{
    const srf__context_extras_t *extras = context->extras;

    if (context->branches->next == NULL)
        return; /* nobody else was asked */
    if (extras != NULL && extras->wishes.cancel_reason.p != NULL)
        cancel_pending(context, extras->wishes.cancel_reason);
    else
        cancel_for(context, response);
}

static void on_2xx(srf__branch_t *branch, const srf__received_t *received)
{
    srf__context_t *context = branch->context;
    const srf__facts_t *response = received->facts;
    bool sent = forward(context, received);

    context->finished = true;
    if (sent && !context->connected) {
        context->connected = true;
        context->answered = true;
        context->final_status = response->status;
        context->final_branch = branch;
        cancel_losers(context, response); /* §16.7 step 10 */
    }
    /* Its ACK may come through us without a mark. */
    if (sent && !context->settings.record_route &&
        srf__context_is_invite(context))
        srf__recent_add(&context->element->recent, response,
                        srf__wheel_now(context->element->wheel));
}

static bool is_listed(const int32_t *codes, unsigned status)
{
    while (codes != NULL && *codes != 0 && *codes != (int32_t)status)
        codes++;
    return codes != NULL && *codes != 0;
}

static bool ends_search(const srf__context_t *context, unsigned status)
{
    const srf__context_extras_t *extras = context->extras;

    if (status >= 600) /* §16.7 step 5: no further branches */
        return extras == NULL ||
               !is_listed(extras->wishes.failover_codes, status);
    return extras != NULL && !context->settings.simultaneous &&
           is_listed(extras->wishes.stop_codes, status);
}

/* A branch that was waited for got 300 to 699. */
static void on_failure(srf__branch_t *branch, const srf__facts_t *response)
{
    srf__context_t *context = branch->context;

    if (ends_search(context, response->status)) {
        context->finished = true;
        cancel_losers(context, response);
    } else if (response->status / 100 == 3 && !context->finished &&
               !context->cancelled && context->settings.max_redirects > 0) {
        branch->redirected = srf__redirect_follow(context, branch, response);
    }
}

static void on_response(srf__branch_t *branch, const srf__received_t *received)
{
    const srf__context_t *context = branch->context;
    unsigned status = received->facts->status;

    if (status == 100)
        return; /* §16.7 step 5 */
    if (status < 200) {
        if (!context->answered && branch->state == SRF__BRANCH_PENDING)
            (void)forward(branch->context, received);
    } else if (status < 300) {
        on_2xx(branch, received);
    } else if (branch->cause == SRF_CAUSE_RESPONSE) {
        on_failure(branch, received->facts);
    }
}

static void generate(srf__context_t *context, unsigned status)
{
    srf__response_spec_t spec = {.status = status};

    srf__server_answer(context->server, &spec);
    context->final_status = (uint16_t)status;
}

/* The search is over without a 2xx: the caller gets the best response. */
static void answer(srf__context_t *context)
{
    const srf__branch_t *best = srf__best_branch(context);
    unsigned status = best == NULL ? 500 : best->status;
    const srf__branch_msg_t *final =
        best == NULL || best->generated ? NULL : srf__branch_final(best);
    srf__span_t cut;

    context->answered = true;
    context->finished = true;
    if (status == 503) {
        /* §16.7 step 6: 503 would say that we are overloaded. */
        status = 500;
        final = NULL;
    }
    if (status == 408 && !srf__context_is_invite(context))
        final = NULL;
    if (context->cancelled && final == NULL)
        status = 487; /* §16.10: nothing better came */
    if (final == NULL) {
        /* RFC 4320 §4.2: never a 408 for a non-INVITE. */
        if (status != 408 || srf__context_is_invite(context))
            generate(context, status);
        if (context->final_status == 0)
            context->err = SRF_ERR_TIMEOUT;
        return;
    }
    srf_msg_t *msg = srf__best_response(context, best, &cut);
    if (msg == NULL ||
        !srf__server_respond(context->server, msg, status, cut)) {
        generate(context, status);
    } else {
        context->final_status = (uint16_t)status;
        context->final_branch = best;
    }
    srf__msg_unref(msg);
}

/* ---- the search ---- */

/* Starts the branches whose turn has come. */
static void launch(srf__context_t *context)
{
    while (*context->untried != NULL && context->breadth > 0 &&
           !is_closing(context) &&
           (context->settings.simultaneous || context->pending == 0)) {
        const srf__target_t *target = *context->untried;
        context->untried = &(*context->untried)->next;
        (void)srf__branch_launch(context, target);
    }
}

/* Abandoned branches still live and hold all of Max-Breadth: the next target
 * begins when one of them ends (RFC 5393 §5.3.3). */
static bool is_waiting_for_breadth(const srf__context_t *context)
{
    return *context->untried != NULL && !context->finished &&
           !context->cancelled;
}

/* Does what is to be done next; the context may be gone afterwards. */
static void go_on(srf__context_t *context)
{
    if (!context->finished && !context->cancelled)
        launch(context);
    tell_branches(context);
    if (context->pending > 0 || is_closing(context))
        return;
    if (!context->answered) {
        if (is_waiting_for_breadth(context))
            return;
        answer(context);
        if (!context->sent_any)
            context->err = SRF_ERR_NO_TARGET;
    }
    if (is_cancelling(context))
        return;
    if (context->starting)
        complete_later(context);
    else
        complete(context, false);
}

static const srf__branch_user_t reports = {
    .heard = heard,
    .response = on_response,
    .go_on = go_on,
};

/* ---- the caller ---- */

/* The caller's Reason is carried over (RFC 3326 §2). */
static void collect_reason(const srf__facts_t *cancel, srf__buf_t *out)
{
    const srf__header_t *line = srf__facts_first(cancel, SRF__HDR_REASON);

    for (; line != NULL; line = srf__facts_next(cancel, line))
        srf__buf_add(out, cancel->data + line->name,
                     (size_t)(line->end - line->name));
}

static void on_cancelled(srf__server_t *server, const srf__facts_t *cancel)
{
    srf__context_t *context = server->user_data;
    srf__buf_t reason;

    if (context->answered)
        return;
    context->cancelled = true;
    srf__buf_init(&reason, SRF__HEAD_MAX);
    collect_reason(cancel, &reason);
    cancel_pending(context,
                   reason.err == 0 ? srf__buf_str(&reason) : srf__str(NULL, 0));
    srf__buf_deinit(&reason);
    if (context->user != NULL)
        context->user->cancelled(context);
    if (context->pending == 0) /* it waited for breadth */
        go_on(context);
}

static void on_ended(srf__server_t *server)
{
    (void)server; /* our reference keeps the object; it sends nothing more */
}

static const srf__server_user_t server_user = {
    .cancelled = on_cancelled,
    .ended = on_ended,
};

int srf__search_start(srf__element_t *element, srf__server_t *server,
                      const srf__context_spec_t *spec)
{
    srf__context_t *context = srf__context_create(element, server, spec);

    if (context == NULL)
        return SRF_ERR_NO_MEMORY;
    element->reports = &reports;
    srf__server_set_user(server, &server_user, context);
    context->starting = true;
    element->route = spec->route;
    go_on(context); /* no branch yet: tries the first */
    context->starting = false;
    element->route = NULL;
    if (context->settings.hooked)
        srf__timer_start(element->wheel, &context->extras->timer, 0,
                         tell_fired);
    return 0;
}
