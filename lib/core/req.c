/*
 * Requests: their life with the program, and the public getters.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/req.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/list.h"
#include "core/chain.h"
#include "message/osip_bridge.h"
#include "transport/tls.h"

/* What few requests need. */
struct srf__req_extra {
    srf__timer_t timer; /* the program takes too long */
    srf_req_t *req;
    srf__taken_t *taken; /* while it has the transaction */
    srf__arena_t arena;
    const char *calling_number;
    const char *source_address;
    const srf_certificate_t *certificate;
    srf_req_t *next_handed_on;
    srf__req_hooks_t hooks;
};

static void on_cancelled(srf__server_t *server, const srf__facts_t *cancel);
static void on_ended(srf__server_t *server);

static const srf__server_user_t server_user = {
    .cancelled = on_cancelled,
    .ended = on_ended,
};

static struct srf__req_extra *extra_of(const srf_req_t *req)
{
    return req->extra;
}

static struct srf__req_extra *need_extra(srf_req_t *req)
{
    if (req->extra == NULL) {
        req->extra = srf__calloc(1, sizeof(*req->extra));
        if (req->extra != NULL)
            req->extra->req = req;
    }
    return req->extra;
}

bool srf__req_set_hooks(srf_req_t *req, srf_branch_cb on_branch,
                        srf_branch_response_cb on_response)
{
    struct srf__req_extra *extra = need_extra(req);

    if (extra == NULL)
        return false;
    extra->hooks.on_branch = on_branch;
    extra->hooks.on_response = on_response;
    return true;
}

const srf__req_hooks_t *srf__req_hooks(const srf_req_t *req)
{
    return &extra_of(req)->hooks;
}

void srf__req_decide(srf_req_t *req, srf__req_state_t state)
{
    struct srf__req_extra *extra = extra_of(req);

    req->state = (uint8_t)state;
    if (req->link != NULL) {
        srf__list_remove(req);
        req->link = NULL;
    }
    if (extra == NULL)
        return;
    srf__timer_stop(req->srf->element.wheel, &extra->timer);
    if (state == SRF__REQ_PROXIED && extra->taken != NULL) {
        srf__merged_give_back(extra->taken);
        extra->taken = NULL;
    }
}

void srf__req_take(srf_req_t *req)
{
    struct srf__req_extra *extra = need_extra(req);

    if (extra != NULL && extra->taken == NULL)
        extra->taken = srf__merged_take(&req->srf->merged, req->server);
}

void srf__req_let_go(srf_req_t *req)
{
    struct srf__req_extra *extra = extra_of(req);

    if (extra == NULL || extra->taken == NULL) {
        srf__server_set_user(req->server, NULL, NULL);
        return;
    }
    srf__merged_leave(extra->taken);
    extra->taken = NULL;
}

int srf__req_check_open(const srf_req_t *req)
{
    if (req->srf->closing)
        return SRF_ERR_CANCELED;
    switch ((srf__req_state_t)req->state) {
    case SRF__REQ_UNDECIDED:
        return 0;
    case SRF__REQ_PROXIED:
        return SRF_ERR_ALREADY_PROXIED;
    case SRF__REQ_CANCELLED:
        return SRF_ERR_CANCELED;
    case SRF__REQ_ANSWERED:
    case SRF__REQ_DROPPED:
        break;
    }
    return SRF_ERR_ALREADY_FINAL;
}

void srf__req_refuse(srf_req_t *req, srf__response_spec_t *spec)
{
    srf__req_decide(req, SRF__REQ_DROPPED);
    req->final_sent = true;
    srf__req_let_go(req);
    srf__server_answer(req->server, spec);
}

/* The library answers for a program that did not. */
static void give_up(srf_req_t *req, const char *why)
{
    srf__element_t *element = &req->srf->element;
    srf__log_context_t context = {.module = "core"};
    srf__response_spec_t spec = {.status = 500};

    if (req->srf->closing) { /* nothing more is sent */
        srf__req_decide(req, SRF__REQ_DROPPED);
        return;
    }
    const srf__facts_t *facts = srf__msg_facts(req->msg);
    if (facts != NULL)
        context.call_id = srf__facts_str(facts, facts->call_id);
    srf__log_write(&element->log, SRF_LOG_WARNING, &context, "%s: 500 sent",
                   why);
    srf__req_refuse(req, &spec);
}

static void too_long(srf__timer_t *timer)
{
    struct srf__req_extra *extra =
        srf__container_of(timer, struct srf__req_extra, timer);

    give_up(extra->req, "handler took too long");
}

static void on_cancelled(srf__server_t *server, const srf__facts_t *cancel)
{
    srf_req_t *req = server->user_data;
    srf__response_spec_t spec = {.status = 487};

    (void)cancel;
    srf_req_ref(req);
    srf__req_decide(req, SRF__REQ_CANCELLED);
    req->final_sent = true;
    srf__req_let_go(req);
    srf__server_answer(server, &spec); /* RFC 3261 §9.2 */
    if (req->on_cancel != NULL)
        req->on_cancel(req);
    srf_req_unref(req);
}

static void on_ended(srf__server_t *server)
{
    const srf_req_t *req = server->user_data;
    struct srf__req_extra *extra = extra_of(req);

    if (extra != NULL && extra->taken != NULL) {
        srf__merged_give_back(extra->taken);
        extra->taken = NULL;
    }
}

static void destroy(srf_req_t *req)
{
    srf_t *srf = req->srf;

    srf__assert(req->link == NULL);
    if (req->server->user_data == req)
        srf__req_let_go(req);
    srf__server_unref(req->server);
    srf__msg_unref(req->msg);
    if (req->extra != NULL)
        srf__arena_deinit(&req->extra->arena);
    srf__free(req->extra);
    srf__pool_give(&srf->element.pool, req, sizeof(*req));
    srf__unref(srf);
}

srf_req_t *srf_req_ref(srf_req_t *req)
{
    srf__assert(req->refs > 0);
    req->refs++;
    return req;
}

void srf_req_unref(srf_req_t *req)
{
    if (req == NULL)
        return;
    srf__assert(req->refs > 0);
    if (req->refs == 1 && req->state == SRF__REQ_UNDECIDED)
        give_up(req, "handler let go of a request without answering");
    if (--req->refs == 0)
        destroy(req);
}

static srf_req_t *create(srf_t *srf, srf__server_t *server)
{
    srf_req_t *req = srf__pool_take_zeroed(&srf->element.pool, sizeof(*req));

    if (req == NULL)
        return NULL;
    req->srf = srf;
    srf->refs++;
    req->server = srf__server_ref(server);
    req->msg = srf__msg_ref(server->request);
    req->res.req = req;
    req->refs = 1;
    srf__list_push(&srf->requests, req);
    srf__server_set_user(server, &server_user, req);
    return req;
}

/* A program that keeps an undecided request has only so much time. */
static void start_clock(srf_req_t *req)
{
    struct srf__req_extra *extra;

    if (req->state != SRF__REQ_UNDECIDED || req->srf->closing)
        return;
    extra = need_extra(req);
    if (extra != NULL)
        srf__timer_start(req->srf->element.wheel, &extra->timer,
                         req->srf->handler_timeout_ms, too_long);
}

void srf__req_restart_clock(srf_req_t *req)
{
    struct srf__req_extra *extra = extra_of(req);

    if (extra != NULL && srf__timer_is_active(&extra->timer))
        start_clock(req);
}

bool srf__req_enqueue(srf_req_t *req)
{
    struct srf__req_extra *extra = need_extra(req);
    srf_t *srf = req->srf;

    if (extra == NULL)
        return false;
    extra->next_handed_on = NULL;
    if (srf->handed_on == NULL)
        srf->handed_on_end = &srf->handed_on;
    *srf->handed_on_end = srf_req_ref(req);
    srf->handed_on_end = &extra->next_handed_on;
    return true;
}

srf_req_t *srf__req_dequeue(srf_t *srf)
{
    srf_req_t *req = srf->handed_on;

    if (req != NULL)
        srf->handed_on = req->extra->next_handed_on;
    return req;
}

void srf__req_deliver(srf_t *srf, srf__server_t *server,
                      const srf__handler_t *first, const srf__route_t *route)
{
    srf__response_spec_t spec = {.status = 500};
    srf_req_t *req = create(srf, server);

    if (req == NULL) {
        srf__server_answer(server, &spec);
        return;
    }
    srf->delivering = req;
    srf->route = route;
    srf__chain_run(req, first);
    srf->delivering = NULL;
    if (req->refs > 1)
        start_clock(req);
    srf_req_unref(req);
}

void srf__reqs_drop(srf_t *srf)
{
    while (srf->requests != NULL) {
        srf_req_t *req = srf->requests;
        srf__req_decide(req, SRF__REQ_DROPPED);
        srf__req_let_go(req);
    }
    srf__timer_stop(srf->element.wheel, &srf->handed_on_timer);
    while (srf->handed_on != NULL)
        srf_req_unref(srf__req_dequeue(srf));
}

/* ---- getters ---- */

void srf_req_set_data(srf_req_t *req, void *data)
{
    req->data = data;
}

void *srf_req_data(const srf_req_t *req)
{
    return req->data;
}

srf_t *srf_req_srf(const srf_req_t *req)
{
    return req->srf;
}

srf_res_t *srf_req_res(const srf_req_t *req)
{
    /* The response is part of the request; its pointer back is not const. */
    return &req->res.req->res;
}

const srf_msg_t *srf_req_msg(const srf_req_t *req)
{
    return req->msg;
}

const char *srf_req_method(const srf_req_t *req)
{
    return srf_msg_method(srf_req_msg(req));
}

const char *srf_req_uri(const srf_req_t *req)
{
    return srf_msg_uri(srf_req_msg(req));
}

/* A fact of the message as a string, NULL when it is empty. */
static const char *fact_text(const srf_req_t *req, srf__span_t span)
{
    const srf_msg_t *msg = srf_req_msg(req);
    const srf__str_t piece = srf__str(msg->data + span.off, span.len);

    return span.len == 0 ? NULL : srf__msg_text_span(msg, piece);
}

const char *srf_req_call_id(const srf_req_t *req)
{
    const srf__facts_t *facts = srf__msg_facts(srf_req_msg(req));

    return facts == NULL ? NULL : fact_text(req, facts->call_id);
}

const char *srf_req_from_tag(const srf_req_t *req)
{
    const srf__facts_t *facts = srf__msg_facts(srf_req_msg(req));

    return facts == NULL ? NULL : fact_text(req, facts->from_tag);
}

const char *srf_req_to_tag(const srf_req_t *req)
{
    const srf__facts_t *facts = srf__msg_facts(srf_req_msg(req));

    return facts == NULL ? NULL : fact_text(req, facts->to_tag);
}

const char *srf_req_branch(const srf_req_t *req)
{
    const srf__facts_t *facts = srf__msg_facts(srf_req_msg(req));

    return facts == NULL ? NULL : fact_text(req, facts->via.branch);
}

const char *srf_req_get(const srf_req_t *req, const char *header, size_t index)
{
    return srf_msg_get(srf_req_msg(req), header, index);
}

const void *srf_req_body(const srf_req_t *req, size_t *len)
{
    return srf_msg_body(srf_req_msg(req), len);
}

const void *srf_req_raw(const srf_req_t *req, size_t *len)
{
    return srf_msg_raw(srf_req_msg(req), len);
}

const char *srf_req_source_address(const srf_req_t *req)
{
    char text[SRF__ADDR_TEXT];
    struct srf__req_extra *extra = need_extra(req->res.req);

    if (extra == NULL)
        return NULL;
    if (extra->source_address == NULL)
        extra->source_address = srf__arena_strdup(
            &extra->arena, srf__addr_ip_text(&req->server->from.peer, text));
    return extra->source_address;
}

int srf_req_source_port(const srf_req_t *req)
{
    return req->server->from.peer.port;
}

const char *srf_req_source_protocol(const srf_req_t *req)
{
    return srf__transport_uri_name(req->server->from.peer.transport);
}

const char *srf_req_received_on(const srf_req_t *req)
{
    return req->srf->closing ? "" : req->server->from.listener->uri;
}

const srf_certificate_t *srf_req_peer_certificate(const srf_req_t *req)
{
    const srf__tls_t *tls =
        req->srf->closing ? NULL : srf__transports_tls(&req->server->from);

    if (req->extra != NULL && req->extra->certificate != NULL)
        return req->extra->certificate;
    struct srf__req_extra *extra =
        tls == NULL ? NULL : need_extra(req->res.req);
    if (extra == NULL ||
        !srf__tls_peer(tls, &extra->arena, &extra->certificate))
        return NULL;
    return extra->certificate;
}

/* User part of a name-addr value up to ";", unescaped. */
static const char *user_of(struct srf__req_extra *extra, const char *value)
{
    srf__name_addr_t parsed;
    srf__arena_t arena = {NULL};
    const char *out = NULL;
    int err = srf__osip_name_addr(srf__str_of(value), &arena, &parsed);

    if (err != SRF_ERR_NO_MEMORY) {
        srf__str_t user = srf__str_of(err == 0 ? parsed.user : NULL);
        if (user.len > 0)
            user.len = srf__str_find(user, ';');
        out = srf__arena_strdup(&extra->arena, user);
    }
    srf__arena_deinit(&arena);
    return out;
}

const char *srf_req_calling_number(const srf_req_t *req)
{
    struct srf__req_extra *extra = need_extra(req->res.req);
    const char *value = srf_req_get(req, "P-Asserted-Identity", 0);

    if (value == NULL)
        value = srf_req_get(req, "From", 0);
    if (extra == NULL || value == NULL)
        return NULL;
    if (extra->calling_number == NULL)
        extra->calling_number = user_of(extra, value);
    return extra->calling_number;
}

const char *srf_req_called_number(const srf_req_t *req)
{
    const srf_msg_t *msg = srf_req_msg(req);
    const srf__facts_t *facts = srf__msg_facts(msg);
    srf__uri_t uri;

    if (facts == NULL)
        return NULL;
    if (srf__uri_parse(srf__str(msg->data + facts->uri.off, facts->uri.len),
                       &uri) != 0 ||
        uri.user.len == 0)
        return "";
    uri.user.len = srf__str_find(uri.user, ';');
    return uri.user.len == 0 ? "" : srf__msg_text_span(msg, uri.user);
}

int srf_req_is_new_invite(const srf_req_t *req)
{
    const srf__facts_t *facts = srf__msg_facts(srf_req_msg(req));

    return req->server->method == SRF__METHOD_INVITE && facts != NULL &&
           facts->to_tag.len == 0;
}

void srf_req_on_cancel(srf_req_t *req, srf_cancel_cb cb)
{
    req->on_cancel = cb;
}
