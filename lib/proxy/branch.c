/*
 * Branches.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/branch.h"

#include "base/alloc.h"
#include "base/error.h"
#include "proxy/branch_msgs.h"
#include "proxy/context.h"
#include "proxy/plan.h"

static void on_response(srf__client_t *client, const srf__facts_t *response);
static void on_failed(srf__client_t *client, srf__client_failure_t failure);
static srf_msg_t *on_rebuild(srf__client_t *client);
static void on_ended(srf__client_t *client);

static const srf__client_user_t client_user = {
    .response = on_response,
    .failed = on_failed,
    .rebuild = on_rebuild,
    .ended = on_ended,
};

static void go_on(srf__context_t *context)
{
    context->element->reports->go_on(context);
}

/* Ends the branch's part in the search; its transaction may go on. */
static void leave_search(srf__branch_t *branch, srf_cause_t cause,
                         unsigned status, bool generated)
{
    srf__timer_stop(branch->context->element->wheel, &branch->timer);
    branch->state = SRF__BRANCH_GIVEN_UP;
    branch->context->pending--;
    branch->cause = (uint8_t)cause;
    branch->status = (uint16_t)status;
    branch->generated = generated;
}

/* Nothing is expected of its transaction any more. */
static void close_branch(srf__branch_t *branch)
{
    srf__timer_stop(branch->context->element->wheel, &branch->timer);
    branch->state = SRF__BRANCH_ENDED;
    branch->context->breadth =
        (uint16_t)(branch->context->breadth + branch->breadth);
    branch->breadth = 0;
}

static void end(srf__branch_t *branch, srf_cause_t cause, unsigned status,
                bool generated)
{
    leave_search(branch, cause, status, generated);
    close_branch(branch);
}

/* ---- sending ---- */

static void start_deadline(srf__branch_t *branch, uint32_t timer_c_ms);

static int send_request(srf__branch_t *branch, const srf__facts_t *request,
                        const srf__plan_t *plan, srf__flow_t *to)
{
    srf__context_t *context = branch->context;
    srf__element_t *element = context->element;

    int err = srf__client_create(&element->txns, (srf__method_t)request->method,
                                 &client_user, branch, &branch->client);
    if (err != 0)
        return err;
    srf_msg_t *image = srf__plan_request(branch, request, plan, to);
    if (image != NULL && branch->detour == SRF__DETOUR_NONE &&
        srf__way_leaves_udp(element, &plan->way, image->len, to)) {
        srf__msg_unref(image);
        image = srf__plan_request(branch, request, plan, to);
        branch->detour = SRF__DETOUR_TAKEN;
        branch->addr = to->peer;
    }
    if (image == NULL) {
        srf__client_release(branch->client, true);
        branch->client = NULL;
        return SRF_ERR_NO_MEMORY;
    }
    branch->sent_ms = (uint32_t)srf__wheel_now(element->wheel);
    start_deadline(branch, context->settings.timer_c_ms);
    if (request->method == SRF__METHOD_INVITE)
        branch->client->upstream.server = srf__server_ref(context->server);
    context->sent_any = true;
    srf__client_start(branch->client, to, image);
    return 0;
}

static srf__branch_t *append_branch(srf__context_t *context,
                                    const srf__target_t *target)
{
    srf__branch_t *branch =
        srf__pool_take_zeroed(&context->element->pool, sizeof(*branch));
    srf__branch_t **at = &context->branches;

    if (branch == NULL)
        return NULL;
    branch->context = context;
    branch->target = target;
    branch->msg_cap = SRF__BRANCH_FEW;
    while (*at != NULL)
        at = &(*at)->next;
    *at = branch;
    context->pending++;
    return branch;
}

/* RFC 5393 §5.3.3.1: what is left is divided among the branches that are to
 * live at the same time; a sequential search keeps something for those it may
 * still need while an abandoned one lives on. */
static uint16_t share_of_breadth(const srf__context_t *context)
{
    const srf__target_t *target = *context->untried;
    unsigned left = context->breadth;
    unsigned others = 0; /* the target in hand is not among them */

    for (; target != NULL && others < left; target = target->next)
        others++;
    if (context->settings.simultaneous)
        return (uint16_t)((left + others) / (others + 1));
    return (uint16_t)(left > others ? left - others : 1);
}

/* An address that is given up lives on beside the next one: each gets its part
 * of what its target has. */
static void divide_breadth(srf__branch_t *branch)
{
    srf__way_t *way = branch->way;
    unsigned all = branch->breadth + way->breadth;
    unsigned left = srf__way_left(way);

    branch->breadth = (uint16_t)((all + left) / (left + 1));
    way->breadth = (uint16_t)(all - branch->breadth);
}

/* A branch without its share of the breadth takes it, and keeps it until its
 * end. */
static void take_breadth(srf__branch_t *branch)
{
    srf__context_t *context = branch->context;
    const srf__way_t *way = branch->way;

    if (!context->limits_breadth)
        return;
    if (branch->breadth == 0 && (way == NULL || way->breadth == 0)) {
        branch->breadth = share_of_breadth(context);
        context->breadth = (uint16_t)(context->breadth - branch->breadth);
    }
    if (way != NULL && context->extras != NULL &&
        context->extras->wishes.provisional_timeout_ms != 0)
        divide_breadth(branch);
}

/* No error of the public ones: it would come back to us as it is. */
enum { GOES_ROUND = 2 };

/* What a failure to send counts as. */
static void end_unsent(srf__branch_t *branch, int err)
{
    if (err == SRF_ERR_NAME_NOT_FOUND || err == SRF_ERR_INVALID_URI)
        end(branch, SRF_CAUSE_DNS, 503, true); /* §16.9 */
    else if (err == SRF_ERR_NOT_CONNECTED)
        end(branch, SRF_CAUSE_TRANSPORT, 430, true); /* RFC 5626 §5.3 */
    else if (err == SRF_ERR_NOT_ALLOWED)
        end(branch, SRF_CAUSE_TRANSPORT, 403, true);
    else if (err == GOES_ROUND)
        end(branch, SRF_CAUSE_TRANSPORT, 482, true);
    else
        end(branch, SRF_CAUSE_TRANSPORT, 503, true);
}

static void on_found(void *arg, int err, const srf__hops_t *hops);

static void end_way(srf__branch_t *branch)
{
    if (branch->way == NULL)
        return;
    srf__way_end(branch->way);
    srf__pool_give(&branch->context->element->pool, branch->way,
                   sizeof(*branch->way));
    branch->way = NULL;
}

/* The address that is tried now. 0; SRF__SELECT_PENDING: its name is being
 * looked up. */
static int find_address(srf__branch_t *branch, srf__way_spec_t *spec)
{
    srf__element_t *element = branch->context->element;
    int err = srf__way_address(element, spec, &branch->addr);

    if (err != SRF_ERR_NAME_NOT_FOUND)
        return err;
    if (branch->way == NULL) {
        branch->named = true;
        branch->foreign = spec->source != NULL;
        branch->way =
            srf__pool_take_zeroed(&element->pool, sizeof(*branch->way));
        if (branch->way == NULL)
            return SRF_ERR_NO_MEMORY;
        err = srf__way_find(element, spec, branch->way, on_found, branch);
        if (err != 0)
            return err;
    }
    branch->addr = branch->way->hops.list[branch->way->at];
    return 0;
}

/* The flow to there. To ourselves with nothing changed it would come back for
 * ever: GOES_ROUND. */
static int find_flow(srf__branch_t *branch, const srf__plan_t *plan,
                     srf__flow_t *to)
{
    srf__element_t *element = branch->context->element;

    if (!plan->spiral &&
        srf__transports_local(&element->transports, &branch->addr) != NULL)
        return GOES_ROUND;
    return srf__way_flow(element, &plan->way, &branch->addr, to);
}

/* Sends the branch's request, or ends the branch. */
static void try_target(srf__branch_t *branch, const srf__facts_t *request)
{
    srf__flow_t to;
    srf__plan_t plan;

    int err = srf__plan_make(branch, request, &plan);
    if (err == 0)
        err = find_address(branch, &plan.way);
    if (err == SRF__SELECT_PENDING) {
        take_breadth(branch); /* those behind it must not have it all */
        srf__buf_deinit(&plan.uri);
        return;
    }
    if (err == 0)
        err = find_flow(branch, &plan, &to);
    branch->along_flow = plan.way.flow.listener != NULL;
    if (err == 0) {
        take_breadth(branch);
        err = send_request(branch, request, &plan, &to);
    }
    if (err != 0) {
        srf__way_log(branch->context->element, request,
                     err == GOES_ROUND ? "it would come back"
                                       : srf_strerror(err));
        end_unsent(branch, err);
    }
    srf__buf_deinit(&plan.uri);
}

/* What became of an address of a name matters to the next call. */
static void remember(const srf__branch_t *branch, bool answered)
{
    if (branch->named)
        srf__way_report(branch->context->element, &branch->addr,
                        branch->foreign, answered);
}

/* RFC 3263 §4.3: the next address, as long as the search is open for it. NULL
 * when there is none. */
static srf__branch_t *launch_next_address(srf__branch_t *branch)
{
    srf__context_t *context = branch->context;
    srf__way_t *way = branch->way;

    if (way == NULL || srf__way_left(way) == 0 || context->finished ||
        context->cancelled || context->breadth + way->breadth == 0)
        return NULL;
    const srf__facts_t *request = srf__context_request(context);
    srf__branch_t *next =
        request == NULL ? NULL : append_branch(context, branch->target);
    if (next != NULL) {
        branch->way = NULL;
        next->way = way;
        next->named = true;
        next->foreign = branch->foreign;
        way->at++;
        try_target(next, request);
    }
    srf__context_request_done(context);
    return next;
}

/* A server that did not answer, or is overloaded, is not the last one of its
 * name. Those that cannot even be sent to are passed over. */
static void try_next_address(srf__branch_t *branch)
{
    do {
        branch = launch_next_address(branch);
    } while (branch != NULL && branch->state == SRF__BRANCH_ENDED);
}

/* Behind an attempt that came to nothing. */
static void go_on_from(srf__branch_t *branch)
{
    if (branch->state != SRF__BRANCH_ENDED)
        return;
    try_next_address(branch);
    go_on(branch->context);
}

/* The name has been looked up. */
static void on_found(void *arg, int err, const srf__hops_t *hops)
{
    srf__branch_t *branch = arg;
    const srf__facts_t *request =
        err == 0 ? srf__context_request(branch->context) : NULL;

    srf__way_found(branch->way, err, hops);
    if (request != NULL) {
        try_target(branch, request);
        srf__context_request_done(branch->context);
    } else {
        end_unsent(branch, err == 0 ? SRF_ERR_NO_MEMORY : err);
    }
    go_on_from(branch);
}

int srf__branch_launch(srf__context_t *context, const srf__target_t *target)
{
    const srf__facts_t *request = srf__context_request(context);

    if (request == NULL)
        return SRF_ERR_NO_MEMORY;
    srf__branch_t *branch = append_branch(context, target);
    if (branch == NULL)
        return SRF_ERR_NO_MEMORY;
    try_target(branch, request);
    srf__context_request_done(context);
    if (branch->state == SRF__BRANCH_ENDED)
        try_next_address(branch);
    return 0;
}

static srf_msg_t *on_rebuild(srf__client_t *client)
{
    const srf__branch_t *branch = client->user_data;
    const srf__facts_t *request = srf__context_request(branch->context);
    srf_msg_t *image = NULL;
    srf__plan_t plan;

    if (request == NULL)
        return NULL;
    if (srf__plan_make(branch, request, &plan) == 0)
        image = srf__plan_request(branch, request, &plan, &client->flow);
    srf__buf_deinit(&plan.uri);
    srf__context_request_done(branch->context);
    return image;
}

/* ---- the end of it ---- */

/* 64*T1 behind a CANCEL nothing more is waited for (RFC 3261 §9.1). */
static void guard_fired(srf__timer_t *timer)
{
    srf__branch_t *branch = srf__container_of(timer, srf__branch_t, timer);
    srf__context_t *context = branch->context;

    srf__client_release(branch->client, true);
    branch->client = NULL;
    if (branch->state == SRF__BRANCH_PENDING)
        end(branch, SRF_CAUSE_CANCELED, 487, true);
    else
        close_branch(branch);
    go_on(context);
}

static void start_guard(srf__branch_t *branch)
{
    srf__element_t *element = branch->context->element;

    branch->guarded = true;
    srf__timer_start(element->wheel, &branch->timer,
                     64ull * element->txns.timing.t1_ms, guard_fired);
}

void srf__branch_cancel(srf__branch_t *branch, srf__str_t lines)
{
    if (branch->way != NULL && branch->way->lookup != NULL) {
        /* Nobody has been asked yet. */
        end_way(branch);
        end(branch, SRF_CAUSE_CANCELED, 487, true);
    }
    if (branch->client == NULL)
        return;
    if (srf__client_cancel(branch->client, lines))
        start_guard(branch);
}

/* ---- deadlines ---- */

/* The search goes on without the branch, which counts as answered with 408. Its
 * server is told to stop, now or when it first answers (§16.8). */
static void give_up(srf__branch_t *branch, srf_cause_t cause)
{
    leave_search(branch, cause, 408, true);
    srf__branch_cancel(branch, srf__str(NULL, 0));
    if (cause == SRF_CAUSE_PROVISIONAL_TIMEOUT) {
        remember(branch, false);
        try_next_address(branch);
    }
    go_on(branch->context);
}

/* Since the request was sent. */
static uint32_t waited_ms(const srf__branch_t *branch)
{
    srf__wheel_t *wheel = branch->context->element->wheel;

    return (uint32_t)srf__wheel_now(wheel) - branch->sent_ms;
}

static void deadline_fired(srf__timer_t *timer)
{
    srf__branch_t *branch = srf__container_of(timer, srf__branch_t, timer);
    const srf__context_extras_t *extras = branch->context->extras;
    uint32_t waited = waited_ms(branch);

    if (extras != NULL && extras->wishes.provisional_timeout_ms != 0 &&
        !srf__client_had_provisional(branch->client) &&
        waited >= extras->wishes.provisional_timeout_ms)
        give_up(branch, SRF_CAUSE_PROVISIONAL_TIMEOUT);
    else if (extras != NULL && extras->wishes.final_timeout_ms != 0 &&
             waited >= extras->wishes.final_timeout_ms)
        give_up(branch, SRF_CAUSE_FINAL_TIMEOUT);
    else
        give_up(branch, SRF_CAUSE_TIMER_C);
}

static void earlier(uint32_t *delay, uint32_t timeout, uint32_t waited)
{
    uint32_t left = timeout > waited ? timeout - waited : 0;

    if (timeout != 0 && left < *delay)
        *delay = left;
}

/* Timer C has `timer_c_ms` to go; the timeouts count from the sending of the
 * request. */
static void start_deadline(srf__branch_t *branch, uint32_t timer_c_ms)
{
    const srf__context_t *context = branch->context;
    uint32_t delay = SRF_TIMEOUT_NONE;

    if (branch->client->method == SRF__METHOD_INVITE)
        delay = timer_c_ms; /* §16.6 step 11 */
    if (context->extras != NULL) {
        uint32_t waited = waited_ms(branch);
        if (!srf__client_had_provisional(branch->client))
            earlier(&delay, context->extras->wishes.provisional_timeout_ms,
                    waited);
        earlier(&delay, context->extras->wishes.final_timeout_ms, waited);
    }
    if (delay != SRF_TIMEOUT_NONE) {
        srf__timer_start(context->element->wheel, &branch->timer, delay,
                         deadline_fired);
    } else {
        srf__timer_stop(context->element->wheel, &branch->timer);
    }
}

/* §16.7 step 2: 101 to 199 restart Timer C. A 100 only tells that the server is
 * there. */
static void on_provisional(srf__branch_t *branch, unsigned status)
{
    const srf__context_t *context = branch->context;
    uint32_t timer_c = context->settings.timer_c_ms;

    if (branch->guarded || (status == 100 && context->extras == NULL))
        return;
    if (status == 100 && branch->msg_count > 1)
        return;
    if (status == 100 && timer_c != SRF_TIMEOUT_NONE) {
        uint32_t waited = waited_ms(branch);
        timer_c = timer_c > waited ? timer_c - waited : 0;
    }
    start_deadline(branch, timer_c);
}

/* ---- responses and failures ---- */

static void on_response(srf__client_t *client, const srf__facts_t *response)
{
    srf__branch_t *branch = client->user_data;
    srf__context_t *context = branch->context;
    srf__received_t received = {.facts = response,
                                .time_us = context->element->wall_us()};
    bool was_pending = branch->state == SRF__BRANCH_PENDING;

    srf__branch_keep(branch, &received);
    remember(branch, true);
    context->element->reports->heard(branch, &received);
    if (response->status < 200) {
        if (was_pending)
            on_provisional(branch, response->status);
        /* A CANCEL that was waiting for this went out just now, memory
         * permitting. */
        if (client->cancelled && !branch->guarded)
            start_guard(branch);
    } else if (was_pending) {
        end(branch, SRF_CAUSE_RESPONSE, response->status, false);
    } else if (branch->state == SRF__BRANCH_GIVEN_UP) {
        close_branch(branch);
    }
    context->element->reports->response(branch, &received);
    srf__msg_unref(received.msg);
    if (response->status < 200)
        return;
    if (was_pending && response->status == 503)
        try_next_address(branch);
    go_on(context);
}

/* What the request was sent along is not there, and nobody has seen it. TCP in
 * place of UDP: a datagram may be cut into fragments (§18.1.1). A flow's
 * connection: the URI leads on, or it is gone (RFC 5626 §5.3); were it there,
 * or a datagram, the same would come of it for ever. */
static bool may_try_again(srf__branch_t *branch, const srf__flow_t *sent_along)
{
    srf__context_t *context = branch->context;

    if (branch->msg_count > 0 || branch->state != SRF__BRANCH_PENDING ||
        context->cancelled || context->finished)
        return false;
    if (branch->detour == SRF__DETOUR_TAKEN) {
        branch->detour = SRF__DETOUR_BACK;
        srf__way_no_tcp(context->element, &branch->addr);
        return true;
    }
    return branch->along_flow && !srf__transports_is_there(sent_along);
}

/* False when memory is out. */
static bool try_again(srf__branch_t *branch)
{
    srf__context_t *context = branch->context;
    const srf__facts_t *request = srf__context_request(context);

    if (request == NULL)
        return false;
    srf__timer_stop(context->element->wheel, &branch->timer);
    try_target(branch, request);
    srf__context_request_done(context);
    go_on_from(branch);
    return true;
}

/* What a failure to deliver counts as (§16.9; of a flow: RFC 5626 §11.1). */
static unsigned undelivered_status(const srf__branch_t *branch,
                                   const srf__client_t *client)
{
    bool has_connection = client->clock.machine.reliable &&
                          srf__transports_is_there(&client->flow);
    return branch->along_flow && !has_connection ? 430 : 503;
}

static void on_failed(srf__client_t *client, srf__client_failure_t failure)
{
    srf__branch_t *branch = client->user_data;
    srf__context_t *context = branch->context;
    bool timeout = failure == SRF__CLIENT_TIMEOUT;
    bool invite = client->method == SRF__METHOD_INVITE;

    branch->client = NULL;
    if (!timeout && may_try_again(branch, &client->flow) && try_again(branch))
        return;
    if (branch->state == SRF__BRANCH_PENDING) {
        end(branch,
            !timeout ? SRF_CAUSE_TRANSPORT
            : invite ? SRF_CAUSE_TIMER_B
                     : SRF_CAUSE_TIMER_F,
            timeout ? 408 : undelivered_status(branch, client), true);
        remember(branch, false);
        try_next_address(branch);
    } else {
        close_branch(branch);
    }
    go_on(context);
}

static void on_ended(srf__client_t *client)
{
    srf__branch_t *branch = client->user_data;

    branch->client = NULL;
}

void srf__branch_destroy(srf__branch_t *branch, bool end)
{
    srf__element_t *element = branch->context->element;

    srf__timer_stop(element->wheel, &branch->timer);
    end_way(branch);
    srf__client_release(branch->client, end);
    srf__branch_forget_msgs(branch);
    srf__pool_give(&element->pool, branch, sizeof(*branch));
}
