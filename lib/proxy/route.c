/*
 * Route preprocessing and the edits that follow from it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/route.h"

#include "base/error.h"
#include "proxy/flow_name.h"
#include "proxy/mark.h"

#include <limits.h>

/* Walks all Route values in order; false behind the last. */
typedef struct walk {
    const srf__facts_t *request;
    const srf__header_t *line;
    srf__str_t rest;
} walk_t;

static void walk_init(walk_t *walk, const srf__facts_t *request)
{
    walk->request = request;
    walk->line = srf__facts_first(request, SRF__HDR_ROUTE);
    walk->rest = walk->line == NULL ? srf__str(NULL, 0)
                                    : srf__header_value(request, walk->line);
}

static bool walk_next(walk_t *walk, srf__str_t *value)
{
    while (walk->line != NULL) {
        if (srf__list_next(&walk->rest, value))
            return true;
        walk->line = srf__facts_next(walk->request, walk->line);
        if (walk->line != NULL)
            walk->rest = srf__header_value(walk->request, walk->line);
    }
    return false;
}

static int last_route(const srf__facts_t *request, srf__uri_t *out)
{
    walk_t walk;
    srf__str_t value;
    srf__str_t last = {NULL, 0};
    srf__str_t params;

    walk_init(&walk, request);
    while (walk_next(&walk, &value))
        last = value;
    return srf__name_addr_parse(last, out, &params);
}

static uint8_t default_transport(const srf__uri_t *uri)
{
    return uri->scheme == SRF__SCHEME_SIPS ? SRF__TRANSPORT_TLS
                                           : SRF__TRANSPORT_UDP;
}

static unsigned count_routes(const srf__facts_t *request)
{
    walk_t walk;
    srf__str_t value;
    unsigned total = 0;

    walk_init(&walk, request);
    while (walk_next(&walk, &value))
        total++;
    return total;
}

/* Reads the mark of a value of ours; false when it has none that is good. */
static bool read_mark(const srf__element_t *element,
                      const srf__facts_t *request, const srf__uri_t *uri,
                      srf__route_t *out)
{
    bool names_flow = uri->user.len > 0;

    out->flow = srf__str(NULL, 0);
    out->forged = false;
    if (out->in_dialog && !names_flow)
        return true; /* the first of two has said it */
    srf__mark_kind_t kind = srf__mark_read(&element->marks, request, uri);
    if (kind == SRF__MARK_DIALOG)
        out->in_dialog = true;
    /* A Path leads where the program sends a request. Inside a dialog nobody
     * asks the program: there only the flows of this dialog lead anywhere. */
    if (kind == SRF__MARK_DIALOG || (kind == SRF__MARK_PATH && !out->in_dialog))
        out->flow = uri->user;
    else
        out->forged = names_flow && srf__flow_is_name(uri->user);
    return kind != SRF__MARK_NONE;
}

/* RFC 3261 §8.1.2, §16.6 step 7: the way of a request for sips is looked for as
 * if the URI that leads to it were a sips one, unless the program lets what is
 * written decide (RFC 5630 §3.1.3). */
void srf__route_secure(const srf__element_t *element, srf__str_t request_uri,
                       srf__uri_t *next)
{
    if (next->scheme == SRF__SCHEME_SIP && !element->sips_downgrade &&
        srf__uri_is_sips(request_uri))
        next->scheme = SRF__SCHEME_SIPS;
}

/* Counts our own values on top, of which a double Record-Route (RFC 5658) and a
 * path that leads through us several times make many, and finds the first that
 * is not. */
static int walk_routes(srf__element_t *element, const srf__facts_t *request,
                       srf__route_t *out)
{
    walk_t walk;
    srf__str_t value;
    srf__str_t params;
    unsigned total = UINT_MAX;
    srf__listener_t *listener;

    if (out->from_strict) /* the last became the Request-URI */
        total = count_routes(request) - 1;
    walk_init(&walk, request);
    for (unsigned i = 0; i < total && walk_next(&walk, &value); i++) {
        if (srf__name_addr_parse(value, &out->next, &params) != 0)
            return SRF_ERR_SYNTAX;
        if (!srf__element_is(element, &out->next, &listener)) {
            out->has_next = true;
            srf__route_secure(element, out->request_uri.text, &out->next);
            return 0;
        }
        out->proved = read_mark(element, request, &out->next, out);
        out->leaves_by = listener;
        out->removed++;
    }
    return 0;
}

int srf__route_prepare(srf__element_t *element, const srf__facts_t *request,
                       srf__route_t *out)
{
    const srf__header_t *route = srf__facts_first(request, SRF__HDR_ROUTE);
    srf__listener_t *listener;

    memset(out, 0, sizeof(*out));
    if (srf__uri_parse(srf__facts_str(request, request->uri),
                       &out->request_uri) != 0)
        return SRF_ERR_INVALID_URI;
    out->request_uri_is_us =
        srf__element_is(element, &out->request_uri, &listener);
    if (route == NULL)
        return 0;
    /* §16.4: a strict router before us made a value that we had written the
     * Request-URI; the mark tells it from an address of ours. */
    if (out->request_uri_is_us && out->request_uri.lr &&
        read_mark(element, request, &out->request_uri, out)) {
        if (last_route(request, &out->request_uri) != 0)
            return SRF_ERR_SYNTAX;
        out->from_strict = true;
        out->proved = true;
        out->leaves_by = listener;
        out->request_uri_is_us =
            srf__element_is(element, &out->request_uri, NULL);
    }
    return walk_routes(element, request, out);
}

bool srf__route_has_own_maddr(const srf__route_t *route,
                              const srf__flow_t *from)
{
    const srf__uri_t *uri = &route->request_uri;
    const srf__addr_t *bound = &from->listener->bound;
    uint8_t transport = uri->transport;

    if (uri->maddr.len == 0 || !route->request_uri_is_us)
        return false;
    if (transport == SRF__TRANSPORT_NONE)
        transport = default_transport(uri);
    return transport == bound->transport && srf__uri_port(uri) == bound->port;
}

static void cut(srf__edits_t *edits, const srf__facts_t *request,
                srf__str_t piece)
{
    srf__edits_add(edits, (uint32_t)(piece.p - request->data),
                   (uint32_t)piece.len, srf__str(NULL, 0));
}

static bool is_kept(const srf__uri_t *uri, const srf__uri_param_t *param)
{
    if (srf__uri_param_is(param, "maddr"))
        return false;
    return !srf__uri_param_is(param, "transport") ||
           uri->transport == default_transport(uri);
}

srf_msg_t *srf__route_strip_maddr(srf__pool_t *pool,
                                  const srf__facts_t *request,
                                  const srf__route_t *route)
{
    const srf__uri_t *uri = &route->request_uri;
    srf__str_t rest = uri->params;
    srf__uri_param_t param;
    srf__edits_t edits;

    srf__edits_init(&edits);
    if (uri->port != 0 &&
        uri->port != (uri->scheme == SRF__SCHEME_SIPS ? 5061 : 5060)) {
        cut(&edits, request,
            srf__str(uri->host.p + uri->host.len,
                     (size_t)(rest.p - uri->host.p) - uri->host.len));
    }
    while (srf__uri_param_next(&rest, &param)) {
        if (!is_kept(uri, &param))
            cut(&edits, request, param.whole);
    }
    return srf__edits_apply(pool, &edits, request);
}

static void append_route(srf__edits_t *edits, const srf__facts_t *request,
                         srf__str_t uri)
{
    const srf__header_t *line = srf__facts_first(request, SRF__HDR_ROUTE);
    uint32_t end = 0;

    for (; line != NULL; line = srf__facts_next(request, line))
        end = line->end;
    srf__assert(end != 0); /* a strict router was named by a Route */
    srf__edits_add(edits, end, 0, SRF__STR("Route: <"));
    srf__edits_add(edits, end, 0, uri);
    srf__edits_add(edits, end, 0, SRF__STR(">\r\n"));
}

/* Cuts up to `first` values from the front of one line and, if asked, the last;
 * returns how many of the first it had. */
static unsigned edit_line(srf__edits_t *edits, const srf__facts_t *request,
                          const srf__header_t *line, unsigned first, bool last)
{
    srf__str_t rest = srf__header_value(request, line);
    const char *begin = rest.p;
    const char *end = rest.p + rest.len;
    const char *keep = NULL; /* first value that stays */
    const char *tail = NULL; /* end of the last value that stays */
    const srf__str_t none = {NULL, 0};
    srf__str_t value;
    unsigned count = 0;

    while (srf__list_next(&rest, &value)) {
        if (count++ < first || (last && rest.len == 0))
            continue;
        if (keep == NULL)
            keep = value.p;
        tail = value.p + value.len;
    }
    if (keep == NULL) {
        srf__edit_remove_line(edits, line);
        return count < first ? count : first;
    }
    if (keep > begin)
        srf__edits_add(edits, (uint32_t)(begin - request->data),
                       (uint32_t)(keep - begin), none);
    if (last)
        srf__edits_add(edits, (uint32_t)(tail - request->data),
                       (uint32_t)(end - tail), none);
    return first;
}

void srf__route_edit(srf__edits_t *edits, const srf__facts_t *request,
                     const srf__route_change_t *change)
{
    const srf__header_t *line = srf__facts_first(request, SRF__HDR_ROUTE);
    unsigned left = change->drop_first;

    while (line != NULL && (left > 0 || change->drop_last)) {
        const srf__header_t *next = srf__facts_next(request, line);
        bool last = change->drop_last && next == NULL;
        if (left > 0 || last)
            left -= edit_line(edits, request, line, left, last);
        line = next;
    }
    if (change->append.len > 0)
        append_route(edits, request, change->append);
}
