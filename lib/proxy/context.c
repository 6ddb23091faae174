/*
 * The response context: the search through the targets, the best response, and
 * completion.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/context.h"

#include "base/alloc.h"
#include "base/error.h"
#include "proxy/best.h"
#include "proxy/loop.h"
#include "proxy/reason.h"
#include "proxy/redirect.h"
#include "proxy/results.h"

enum { DEFAULT_BREADTH = 60 };

static void on_cancelled(srf__server_t *server, const srf__facts_t *cancel);
static void on_ended(srf__server_t *server);

static const srf__server_user_t server_user = {
    .cancelled = on_cancelled,
    .ended = on_ended,
};

const srf__facts_t *srf__context_request(const srf__context_t *context)
{
    return srf__msg_facts(context->request);
}

void srf__context_request_done(const srf__context_t *context)
{
    srf__msg_forget_facts(context->request);
}

static bool is_invite(const srf__context_t *context)
{
    return context->server->method == SRF__METHOD_INVITE;
}

static void destroy(srf__context_t *context, bool end)
{
    while (context->branches != NULL) {
        srf__branch_t *branch = context->branches;
        context->branches = branch->next;
        srf__branch_destroy(branch, end);
    }
    while (context->targets != NULL) {
        srf__target_t *target = context->targets;
        context->targets = target->next;
        if (target->is_contact)
            srf__free(target);
    }
    if (context->extras != NULL)
        srf__timer_stop(context->element->wheel, &context->extras->timer);
    *context->link = context->next;
    if (context->next != NULL)
        context->next->link = context->link;
    context->element->pending--;
    srf__server_unref(context->server);
    srf__msg_unref(context->request);
    srf__pool_give(&context->element->pool, context, context->size);
}

/* ---- hooks ---- */

static void tell(srf__context_t *context, srf__branch_t *branch)
{
    bool ended = branch->cause != SRF_CAUSE_NONE;

    if (branch->told == (ended ? SRF__TOLD_END : SRF__TOLD_BEGIN))
        return;
    branch->told = ended ? SRF__TOLD_END : SRF__TOLD_BEGIN;
    context->user->branch(context, branch);
}

/* Tells the program of branches that have begun or ended. Never from inside
 * srf_proxy_request(). */
static void tell_branches(srf__context_t *context)
{
    srf__branch_t *branch = context->branches;

    if (context->extras == NULL || !context->extras->hooked ||
        context->starting)
        return;
    for (; branch != NULL; branch = branch->next)
        tell(context, branch);
}

static void tell_fired(srf__timer_t *timer)
{
    srf__context_extras_t *extras =
        (srf__context_extras_t *)((char *)timer -
                                  offsetof(srf__context_extras_t, timer));

    tell_branches(extras->context);
}

void srf__context_heard(srf__context_t *context, const srf__branch_t *branch,
                        unsigned status, srf_msg_t *msg)
{
    if (context->extras == NULL || !context->extras->hooked)
        return;
    const srf__arrival_t arrival =
        srf__arrival(context->element->wall_us(), status, msg);
    tell_branches(context);
    context->user->response(context, branch, &arrival);
}

/* ---- completion ---- */

static void report(srf__context_t *context)
{
    srf__results_t results;

    if (context->unreported) {
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
    destroy(context, end);
}

static void done_fired(srf__timer_t *timer)
{
    srf__element_t *element =
        (srf__element_t *)((char *)timer -
                           offsetof(srf__element_t, done_timer));

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

/* After srf_destroy() nothing is sent and srf__contexts_abort() reports. */
static bool is_closing(const srf__context_t *context)
{
    return context->element->transports.closing;
}

void srf__context_branch_gone(srf__context_t *context)
{
    if (!context->answered) {
        /* The next target may have waited for its share of Max-Breadth. */
        srf__context_branch_over(context);
        return;
    }
    if (is_closing(context) || context->pending > 0 || is_cancelling(context))
        return;
    if (context->starting)
        complete_later(context);
    else
        complete(context, false);
}

void srf__contexts_abort(srf__element_t *element, int err)
{
    element->done = NULL;
    srf__timer_stop(element->wheel, &element->done_timer);
    while (element->contexts != NULL) {
        element->contexts->err = err;
        complete(element->contexts, true);
    }
}

/* ---- responses ---- */

/* Forwards a response; false when it could not be. */
static bool forward(srf__context_t *context, const srf__facts_t *response,
                    srf_msg_t *msg)
{
    srf__span_t cut;

    if (is_closing(context) || !srf__forward_response_cut(response, &cut))
        return false;
    if (msg != NULL &&
        srf__server_respond(context->server, msg, response->status,
                            srf__context_only_forwards(context, response)
                                ? (srf__span_t){0, 0}
                                : cut))
        return true;
    /* A 2xx to INVITE always goes up, even when a final response went before or
     * there is no memory to keep it (RFC 3261 §16.7 step 5). */
    if (response->status / 100 != 2 || !is_invite(context))
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
    if (extras != NULL && extras->cancel_reason.p != NULL)
        cancel_pending(context, extras->cancel_reason);
    else
        cancel_for(context, response);
}

static void on_2xx(srf__context_t *context, const srf__branch_t *branch,
                   const srf__facts_t *response, srf_msg_t *msg)
{
    bool sent = forward(context, response, msg);

    context->finished = true;
    if (sent && !context->connected) {
        context->connected = true;
        context->answered = true;
        context->final_status = response->status;
        context->final_branch = branch;
        cancel_losers(context, response); /* §16.7 step 10 */
    }
    /* Its ACK may come through us without a mark. */
    if (sent && !context->record_route && is_invite(context))
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
        return extras == NULL || !is_listed(extras->failover_codes, status);
    return extras != NULL && !context->simultaneous &&
           is_listed(extras->stop_codes, status);
}

/* A branch that was waited for got 300 to 699. */
static void on_failure(srf__context_t *context, srf__branch_t *branch,
                       const srf__facts_t *response)
{
    if (ends_search(context, response->status)) {
        context->finished = true;
        cancel_losers(context, response);
    } else if (response->status / 100 == 3 && !context->finished &&
               !context->cancelled && context->max_redirects > 0) {
        branch->redirected = srf__redirect_follow(context, branch, response);
    }
}

void srf__context_response(srf__context_t *context, srf__branch_t *branch,
                           const srf__facts_t *response, srf_msg_t *msg)
{
    unsigned status = response->status;

    if (status == 100)
        return; /* §16.7 step 5 */
    if (status < 200) {
        if (!context->answered && branch->state == SRF__BRANCH_PENDING)
            (void)forward(context, response, msg);
    } else if (status < 300) {
        on_2xx(context, branch, response, msg);
    } else if (branch->cause == SRF_CAUSE_RESPONSE) {
        on_failure(context, branch, response);
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
    const srf__arrival_t *final =
        best == NULL || best->generated ? NULL : srf__branch_final(best);
    srf__span_t cut;

    context->answered = true;
    context->finished = true;
    if (status == 503) {
        /* §16.7 step 6: 503 would say that we are overloaded. */
        status = 500;
        final = NULL;
    }
    if (status == 408 && !is_invite(context))
        final = NULL;
    if (context->cancelled && final == NULL)
        status = 487; /* §16.10: nothing better came */
    if (final == NULL) {
        /* RFC 4320 §4.2: never a 408 for a non-INVITE. */
        if (status != 408 || is_invite(context))
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
           (context->simultaneous || context->pending == 0)) {
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

void srf__context_branch_over(srf__context_t *context)
{
    if (!context->finished && !context->cancelled)
        launch(context);
    tell_branches(context);
    if (context->pending > 0 || is_closing(context) ||
        is_waiting_for_breadth(context))
        return;
    if (!context->answered) {
        answer(context);
        if (!context->sent_any)
            context->err = SRF_ERR_NO_TARGET;
    }
    srf__context_branch_gone(context);
}

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
        srf__context_branch_over(context);
}

static void on_ended(srf__server_t *server)
{
    (void)server; /* our reference keeps the object; it sends nothing more */
}

/* The pieces of a context's block, behind the context itself. */
static size_t codes_size(const int32_t *codes)
{
    size_t count = 0;

    while (codes != NULL && codes[count] != 0)
        count++;
    return (count + 1) * sizeof(*codes);
}

static bool needs_extras(const srf__context_spec_t *spec)
{
    return spec->hooked || spec->stop_codes != NULL ||
           spec->failover_codes != NULL || spec->provisional_timeout_ms != 0 ||
           spec->final_timeout_ms != 0 || spec->outbound != NULL ||
           spec->cancel_reason.p != NULL;
}

static size_t extras_size(const srf__context_spec_t *spec)
{
    const size_t align = _Alignof(srf__context_extras_t);
    size_t size = sizeof(srf__context_extras_t) + codes_size(spec->stop_codes) +
                  codes_size(spec->failover_codes) + spec->cancel_reason.len;

    return needs_extras(spec) ? (size + align - 1) / align * align : 0;
}

static const int32_t *copy_codes(char **at, const int32_t *codes)
{
    int32_t *copy = (int32_t *)(void *)*at;
    size_t size = codes_size(codes);

    if (codes == NULL)
        return NULL;
    memcpy(copy, codes, size);
    *at += size;
    return copy;
}

static void write_extras(srf__context_t *context, char *at,
                         const srf__context_spec_t *spec)
{
    srf__context_extras_t *extras = (srf__context_extras_t *)(void *)at;

    at += sizeof(*extras);
    context->extras = extras;
    extras->context = context;
    extras->hooked = spec->hooked;
    extras->provisional_timeout_ms = spec->provisional_timeout_ms;
    extras->final_timeout_ms = spec->final_timeout_ms;
    extras->outbound = spec->outbound;
    extras->stop_codes = copy_codes(&at, spec->stop_codes);
    extras->failover_codes = copy_codes(&at, spec->failover_codes);
    if (spec->cancel_reason.p != NULL) {
        extras->cancel_reason = srf__str(at, spec->cancel_reason.len);
        memcpy(at, spec->cancel_reason.p, spec->cancel_reason.len);
    }
}

static srf__context_t *allocate(srf__element_t *element,
                                const srf__context_spec_t *spec)
{
    const char *const none[] = {""};
    const char *const *uris = spec->target_count == 0 ? none : spec->targets;
    unsigned count = spec->target_count == 0 ? 1 : spec->target_count;
    size_t extras = extras_size(spec);
    size_t size = sizeof(srf__context_t) + extras + spec->headers.len;

    for (unsigned i = 0; i < count; i++)
        size += srf__target_size(srf__str_of(uris[i]));
    srf__context_t *context =
        size > UINT32_MAX ? NULL : srf__pool_take_zeroed(&element->pool, size);
    if (context == NULL)
        return NULL;
    context->element = element;
    context->size = (uint32_t)size;
    char *p = (char *)(context + 1);
    if (extras > 0)
        write_extras(context, p, spec);
    p += extras;
    srf__target_t **at = &context->targets;
    for (unsigned i = 0; i < count; i++) {
        srf__str_t uri = srf__str_of(uris[i]);
        *at = srf__target_write(p, uri);
        at = &(*at)->next;
        p += srf__target_size(uri);
    }
    if (spec->headers.len > 0)
        memcpy(p, spec->headers.p, spec->headers.len);
    context->headers_len = (uint32_t)spec->headers.len;
    context->target_count = (uint16_t)count;
    context->untried = &context->targets;
    return context;
}

/* A request without Max-Breadth has 60 (RFC 5393 §5.3.3). It is written into
 * what is sent when it came, or when several branches live at a time. */
static void read_breadth(srf__context_t *context, const srf__facts_t *request)
{
    uint32_t breadth = DEFAULT_BREADTH;
    bool given = srf__facts_max_breadth(request, &breadth);

    context->breadth = (uint16_t)(breadth < UINT16_MAX ? breadth : UINT16_MAX);
    context->limits_breadth = given || context->simultaneous;
}

static void apply_spec(srf__context_t *context, const srf__context_spec_t *spec)
{
    context->user = spec->user;
    context->user_data = spec->user_data;
    context->timer_c_ms =
        spec->timer_c_ms == 0 ? context->element->timer_c_ms : spec->timer_c_ms;
    context->max_redirects = (uint8_t)spec->max_redirects;
    context->simultaneous = spec->simultaneous;
    context->record_route = spec->record_route;
    context->keep_user = spec->keep_user;
    context->path = spec->path;
    context->unreported = spec->unreported;
}

int srf__context_start(srf__element_t *element, srf__server_t *server,
                       const srf__context_spec_t *spec, srf__context_t **out)
{
    const srf__facts_t *request = srf__msg_facts(server->request);
    srf__context_t *context = request == NULL ? NULL : allocate(element, spec);

    if (context == NULL)
        return SRF_ERR_NO_MEMORY;
    context->server = srf__server_ref(server);
    context->request = srf__msg_ref(server->request);
    apply_spec(context, spec);
    context->loop_hash = srf__loop_hash(element, request);
    read_breadth(context, request);

    context->next = element->contexts;
    context->link = &element->contexts;
    if (context->next != NULL)
        context->next->link = &context->next;
    element->contexts = context;
    element->pending++;
    element->proxied++;
    srf__server_set_user(server, &server_user, context);

    context->starting = true;
    context->route = spec->route;
    srf__context_branch_over(context); /* no branch yet: tries the first */
    context->starting = false;
    context->route = NULL;
    if (context->extras != NULL && context->extras->hooked)
        srf__timer_start(element->wheel, &context->extras->timer, 0,
                         tell_fired);
    if (out != NULL)
        *out = context;
    return 0;
}
