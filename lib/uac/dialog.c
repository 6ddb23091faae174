/*
 * Dialogs, as far as an INVITE of ours needs them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "uac/dialog.h"

#include "message/lines.h"
#include "srf/srf.h"

enum { ROUTES_MAX = 64 };

typedef struct route_set {
    srf__str_t values[ROUTES_MAX]; /* as they came: the last is the nearest */
    unsigned count;
} route_set_t;

static int read_routes(route_set_t *set, const srf__facts_t *response)
{
    const srf__header_t *line =
        srf__facts_first(response, SRF__HDR_RECORD_ROUTE);

    set->count = 0;
    for (; line != NULL; line = srf__facts_next(response, line)) {
        srf__str_t rest = srf__header_value(response, line);
        srf__str_t value;
        while (srf__list_next(&rest, &value)) {
            if (set->count == ROUTES_MAX)
                return SRF_ERR_SYNTAX;
            set->values[set->count++] = value;
        }
    }
    return 0;
}

/* A URI as it may stand in a request line: without headers (§19.1.1). */
static srf__str_t plain(const srf__uri_t *uri)
{
    srf__str_t text = uri->text;

    if (uri->headers.p != NULL && uri->headers.len > 0)
        text.len = (size_t)(uri->headers.p - 1 - text.p);
    return text;
}

/* The transport that header parameters name; empty: none that we know. */
static srf__str_t read_transport(srf__str_t params)
{
    const char *p = params.p;
    const char *end = p + params.len;
    srf__param_t param;

    while (p != NULL && p < end && *p == ';') {
        p = srf__param_read(p + 1, end, &param);
        if (p == NULL)
            break;
        const srf__uri_param_t as_of_uri = {.name = param.name};
        if (srf__uri_param_is(&as_of_uri, "transport") &&
            srf__transport_find(param.value) != SRF__TRANSPORT_NONE)
            return param.value;
        p = srf__skip_lws(p, end);
    }
    return srf__str(NULL, 0);
}

/* INTEROP: some write the transport behind the brackets of their Contact, or
 * use none, so that it is a parameter of the header field (RFC 3261 §20), and
 * listen to nothing else. */
static srf__str_t add_transport(srf__dialog_t *dialog, const srf__uri_t *uri,
                                srf__str_t params)
{
    srf__str_t transport = read_transport(params);

    if (transport.len == 0 || uri->transport != SRF__TRANSPORT_NONE ||
        uri->transport_unknown ||
        (uri->scheme != SRF__SCHEME_SIP && uri->scheme != SRF__SCHEME_SIPS))
        return plain(uri);
    srf__buf_add_str(&dialog->target, plain(uri));
    srf__buf_add_text(&dialog->target, ";transport=");
    srf__buf_add_str(&dialog->target, transport);
    return srf__buf_str(&dialog->target);
}

static srf__str_t remote_target(srf__dialog_t *dialog,
                                const srf__facts_t *response,
                                srf__str_t fallback)
{
    const srf__header_t *line = srf__facts_first(response, SRF__HDR_CONTACT);
    srf__str_t rest;
    srf__str_t value;
    srf__str_t params;
    srf__uri_t uri;

    if (line == NULL)
        return fallback;
    rest = srf__header_value(response, line);
    if (!srf__list_next(&rest, &value) ||
        srf__name_addr_parse(value, &uri, &params) != 0)
        return fallback;
    return add_transport(dialog, &uri, params);
}

static void add_route(srf__buf_t *out, srf__str_t value)
{
    srf__buf_add_text(out, "Route: ");
    srf__buf_add_str(out, value);
    srf__buf_add_text(out, "\r\n");
}

/* §12.2.1.1: a strict router in front wants its own URI in the request line,
 * and the remote target behind the others. */
static int write_routes(srf__dialog_t *dialog, const route_set_t *set)
{
    srf__str_t target = dialog->uri;
    srf__str_t params;
    unsigned left = set->count;

    if (left == 0)
        return srf__uri_parse(target, &dialog->next_hop);
    int err =
        srf__name_addr_parse(set->values[left - 1], &dialog->next_hop, &params);
    if (err != 0)
        return err;
    bool strict = !dialog->next_hop.lr;
    if (strict) {
        dialog->uri = plain(&dialog->next_hop);
        left--;
    }
    while (left > 0)
        add_route(&dialog->routes, set->values[--left]);
    if (strict) {
        srf__buf_add_text(&dialog->routes, "Route: <");
        srf__buf_add_str(&dialog->routes, target);
        srf__buf_add_text(&dialog->routes, ">\r\n");
    }
    return dialog->routes.err;
}

static srf__str_t value_of(const srf__facts_t *response, srf__header_id_t id)
{
    const srf__header_t *line = srf__facts_first(response, id);

    return line == NULL ? srf__str(NULL, 0) : srf__header_value(response, line);
}

int srf__dialog_read(srf__dialog_t *dialog, const srf__facts_t *response,
                     srf__str_t fallback)
{
    route_set_t set;

    memset(dialog, 0, sizeof(*dialog));
    srf__buf_init(&dialog->routes, SRF__HEAD_MAX);
    srf__buf_init(&dialog->target, SRF__HEAD_MAX);
    dialog->uri = remote_target(dialog, response, fallback);
    if (dialog->target.err != 0)
        return dialog->target.err;
    dialog->from = value_of(response, SRF__HDR_FROM);
    dialog->to = value_of(response, SRF__HDR_TO);
    dialog->call_id = srf__facts_str(response, response->call_id);
    int err = read_routes(&set, response);
    if (err == 0)
        err = write_routes(dialog, &set);
    return err == SRF_ERR_INVALID_URI ? SRF_ERR_SYNTAX : err;
}

void srf__dialog_deinit(srf__dialog_t *dialog)
{
    srf__buf_deinit(&dialog->routes);
    srf__buf_deinit(&dialog->target);
}
