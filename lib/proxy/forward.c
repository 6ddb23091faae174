/*
 * Request forwarding.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/forward.h"

#include "base/error.h"
#include "message/build.h"
#include "proxy/flow_name.h"
#include "proxy/loop.h"
#include "proxy/mark.h"
#include "transaction/server.h"

/* Room for what we insert, the Request-URI, application headers and long Route
 * values excepted, which are inserted from where they stand. */
enum { SCRATCH_BYTES = 1536 };

/* Appends to the scratch buffer between two marks and returns the piece. */
static srf__str_t piece_since(const srf__buf_t *scratch, size_t mark)
{
    return srf__str(scratch->p + mark, scratch->len - mark);
}

static void add_own_host(srf__buf_t *scratch, srf__listener_t *listener,
                         const srf__addr_t *peer)
{
    char text[SRF__ADDR_TEXT];

    srf__buf_add_str(scratch, srf__listener_host_port(listener, peer, text));
}

static void add_via(srf__buf_t *scratch, const srf__forward_t *forward)
{
    const srf__flow_t *to = forward->to;

    srf__buf_add_text(scratch, "Via: SIP/2.0/");
    srf__buf_add_str(scratch, srf__transport_via_name(to->peer.transport));
    srf__buf_add_char(scratch, ' ');
    add_own_host(scratch, to->listener, &to->peer);
    srf__buf_add_text(scratch, ";branch=");
    srf__buf_add_str(scratch, forward->branch);
    srf__buf_add_text(scratch, ";rport\r\n");
}

/* A URI of ours, at which the peer of `flow` sees us. */
typedef struct own_uri {
    const char *field; /* of the header */
    const srf__flow_t *flow;
    srf__str_t name; /* of the flow, its user part; empty: none */
    const char *mark;
    bool secure;   /* the request is for a sips URI */
    bool outbound; /* the ob parameter, RFC 5626 §5.1 */
} own_uri_t;

static void add_own_uri(srf__buf_t *scratch, const own_uri_t *uri)
{
    srf__buf_add_text(scratch, uri->field);
    srf__buf_add_text(scratch, uri->secure && srf__transport_is_secure(
                                                  uri->flow->peer.transport)
                                   ? ": <sips:"
                                   : ": <sip:");
    if (uri->name.len > 0) {
        srf__buf_add_str(scratch, uri->name);
        srf__buf_add_char(scratch, '@');
    }
    add_own_host(scratch, uri->flow->listener, &uri->flow->peer);
    srf__buf_add_text(
        scratch, srf__listener_uri_param(uri->flow->listener, uri->secure));
    srf__buf_add_text(scratch, uri->outbound ? ";lr;ob;" SRF__MARK_PARAM "="
                                             : ";lr;" SRF__MARK_PARAM "=");
    srf__buf_add(scratch, uri->mark, SRF__MARK_LEN);
    srf__buf_add_text(scratch, ">\r\n");
}

/* The Request-URI that the request leaves with. */
static srf__str_t uri_of(const srf__facts_t *request,
                         const srf__forward_t *forward)
{
    return forward->request_uri.len > 0 ? forward->request_uri
                                        : srf__facts_str(request, request->uri);
}

/* One value when both sides see us at the same place, and neither is bound to a
 * connection; else two, the side the request leaves by on top (RFC 5658 §4). */
static void add_record_route(srf__element_t *element, srf__edits_t *edits,
                             srf__buf_t *scratch, const srf__sender_t *sender,
                             const srf__forward_t *forward)
{
    const srf__facts_t *request = sender->request;
    const srf__flow_t *from = forward->from;
    const srf__flow_t *to = forward->to;
    char names[2][SRF__FLOW_MAX];
    char marks[2][SRF__MARK_LEN];
    const srf__route_t *route = forward->route;
    /* RFC 3261 §16.6 step 4: for sips our URI is one too. */
    bool secure = srf__uri_is_sips(uri_of(request, forward)) ||
                  (route->has_next && route->next.scheme == SRF__SCHEME_SIPS);
    const own_uri_t ours[2] = {
        {.field = "Record-Route",
         .flow = to,
         .name = srf__flow_write(
             element, to, srf__flow_need_to(to, forward->along_flow), names[0]),
         .mark = marks[0],
         .secure = secure},
        {.field = "Record-Route",
         .flow = from,
         .name = srf__flow_write(element, from, srf__flow_need_of(sender),
                                 names[1]),
         .mark = marks[1],
         .secure = secure},
    };
    srf__addr_t in = srf__listener_local(from->listener, &from->peer);
    srf__addr_t out = srf__listener_local(to->listener, &to->peer);
    const srf__header_t *before =
        srf__facts_first(request, SRF__HDR_RECORD_ROUTE);
    size_t mark = scratch->len;

    if (before == NULL)
        before = srf__facts_first(request, SRF__HDR_VIA);
    srf__mark_dialog(&element->marks, request, ours[0].name, marks[0]);
    add_own_uri(scratch, &ours[0]);
    if (!srf__addr_eq(&in, &out) || ours[0].name.len > 0 ||
        ours[1].name.len > 0) {
        srf__mark_dialog(&element->marks, request, ours[1].name, marks[1]);
        add_own_uri(scratch, &ours[1]);
    }
    srf__edit_insert_line(edits, request, before, piece_since(scratch, mark));
}

/* RFC 3327 §5.2: on top of the Path, the address the registrar will use, with
 * the flow that the client will be found by (RFC 5626 §5.1). */
static void add_path(srf__element_t *element, srf__edits_t *edits,
                     srf__buf_t *scratch, const srf__sender_t *sender,
                     const srf__forward_t *forward)
{
    const srf__facts_t *request = sender->request;
    char storage[SRF__FLOW_MAX];
    char mark[SRF__MARK_LEN];
    srf__str_t name = srf__flow_write(element, sender->flow,
                                      srf__flow_need_of(sender), storage);
    const own_uri_t ours = {
        .field = "Path",
        .flow = forward->to,
        .name = name,
        .mark = mark,
        .outbound = name.len > 0 && request->via2 == 0,
    };

    const srf__header_t *before = srf__facts_first(request, SRF__HDR_PATH);
    size_t at = scratch->len;

    srf__mark_path(&element->marks, name, mark);
    add_own_uri(scratch, &ours);
    srf__edit_insert_line(edits, request, before, piece_since(scratch, at));
}

/* RFC 3261 §16.6 step 3. */
static void edit_max_forwards(srf__edits_t *edits, srf__buf_t *scratch,
                              const srf__facts_t *request)
{
    const srf__header_t *line =
        srf__facts_first(request, SRF__HDR_MAX_FORWARDS);
    size_t mark = scratch->len;

    if (line == NULL) {
        srf__edit_insert_line(edits, request,
                              srf__facts_first(request, SRF__HDR_VIA),
                              SRF__STR("Max-Forwards: 70\r\n"));
        return;
    }
    srf__assert(request->max_forwards > 0);
    srf__buf_add_u64(scratch, (uint64_t)request->max_forwards - 1);
    srf__edit_replace_value(edits, line, piece_since(scratch, mark));
}

/* RFC 5393 §5.3.3: the branch's share of what the request may still fork. */
static void edit_max_breadth(srf__edits_t *edits, srf__buf_t *scratch,
                             const srf__facts_t *request, unsigned breadth)
{
    const srf__header_t *line = srf__facts_first(request, SRF__HDR_MAX_BREADTH);
    size_t mark = scratch->len;

    if (line != NULL) {
        srf__buf_add_u64(scratch, breadth);
        srf__edit_replace_value(edits, line, piece_since(scratch, mark));
        return;
    }
    srf__buf_add_text(scratch, "Max-Breadth: ");
    srf__buf_add_u64(scratch, breadth);
    srf__buf_add_text(scratch, "\r\n");
    srf__edit_insert_line(edits, request,
                          srf__facts_first(request, SRF__HDR_VIA),
                          piece_since(scratch, mark));
}

/* The Route header fields and the Request-URI that go with them. */
static void edit_route(srf__edits_t *edits, const srf__facts_t *request,
                       const srf__forward_t *forward)
{
    const srf__route_t *route = forward->route;
    srf__route_change_t change = {.drop_first = route->removed,
                                  .drop_last = route->from_strict};
    srf__str_t uri =
        route->from_strict ? route->request_uri.text : srf__str(NULL, 0);

    if (forward->request_uri.len > 0)
        uri = forward->request_uri;
    if (route->has_next && !route->next.lr && !forward->target_given) {
        /* §16.6 step 6: the next hop is a strict router. */
        change.drop_first++;
        change.append =
            uri.len > 0 ? uri : srf__facts_str(request, request->uri);
        uri = route->next.text;
    }
    if (uri.len > 0)
        srf__edits_add(edits, request->uri.off, request->uri.len, uri);
    if (change.drop_first > 0 || change.drop_last || change.append.len > 0)
        srf__route_edit(edits, request, &change);
}

/* RFC 3261 §16.6 step 4: in requests that set up or refresh a dialog. */
static bool wants_record_route(const srf__facts_t *request,
                               const srf__forward_t *forward)
{
    return forward->settings != NULL && forward->settings->record_route &&
           srf__method_may_form_dialog(request->method);
}

static bool wants_path(const srf__forward_t *forward)
{
    return forward->settings != NULL && forward->settings->path;
}

/* It came from where its Via says: `received` is not needed, or says the same
 * when RFC 3581 asks for it all the same. */
static bool is_at_via(const srf__facts_t *request, const srf__via_mark_t *mark)
{
    return mark->received.len == 0 ||
           srf__str_eq(mark->received,
                       srf__facts_str(request, request->via.host));
}

srf_msg_t *srf__forward_request(srf__element_t *element,
                                const srf__facts_t *request,
                                const srf__forward_t *forward)
{
    char storage[SCRATCH_BYTES];
    srf__buf_t scratch;
    srf__edits_t edits;
    srf__via_mark_storage_t mark_storage;
    srf__via_mark_t mark;

    srf__buf_init_fixed(&scratch, storage, sizeof(storage));
    srf__edits_init(&edits);

    edit_route(&edits, request, forward);
    size_t at = scratch.len;
    add_via(&scratch, forward);
    srf__edit_insert_line(&edits, request,
                          srf__facts_first(request, SRF__HDR_VIA),
                          piece_since(&scratch, at));
    srf__via_mark_for(&element->txns, request, forward->from, &mark_storage,
                      &mark);
    /* RFC 6223 §4.4: not for a dialog that goes on without us. The responses
     * bring the value back; whoever else sees it has no use for it. */
    if (srf__via_offers_keep(request) &&
        (request->method == SRF__METHOD_REGISTER ||
         wants_record_route(request, forward)))
        srf__via_mark_keep(request, forward->from, &mark_storage, &mark);
    srf__edit_mark_via(&edits, request, &mark, &scratch);
    const srf__sender_t sender = {request, forward->from,
                                  is_at_via(request, &mark)};
    edit_max_forwards(&edits, &scratch, request);
    if (forward->breadth > 0)
        edit_max_breadth(&edits, &scratch, request, forward->breadth);
    if (wants_record_route(request, forward))
        add_record_route(element, &edits, &scratch, &sender, forward);
    if (wants_path(forward) && request->method == SRF__METHOD_REGISTER)
        add_path(element, &edits, &scratch, &sender, forward);
    if (forward->headers.len > 0)
        srf__edit_insert_line(&edits, request, NULL, forward->headers);

    if (scratch.err != 0 || edits.err != 0)
        return NULL;
    return srf__edits_apply(&element->pool, &edits, request);
}

bool srf__forward_response_cut(const srf__facts_t *response, srf__span_t *out)
{
    if (response->via2 == 0)
        return false;
    *out = srf__cut_top_via(response);
    return true;
}
