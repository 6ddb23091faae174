/*
 * The chain of middleware and handlers, in order of registration.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/handlers.h"

#include "base/alloc.h"
#include "base/error.h"

static bool is_method(const srf__handler_t *entry, srf__method_t method,
                      srf__str_t name)
{
    return !entry->any && entry->method == (uint8_t)method &&
           (method != SRF__METHOD_OTHER ||
            srf__str_eq(srf__str_of(entry->name), name));
}

/* The handler registered for just this method. */
static const srf__handler_t *find_handler(const srf_t *srf,
                                          srf__method_t method, srf__str_t name)
{
    const srf__handler_t *entry = srf->handlers;

    while (entry != NULL &&
           (entry->middleware || !is_method(entry, method, name)))
        entry = entry->next;
    return entry;
}

static const srf__handler_t *find_wildcard(const srf_t *srf)
{
    const srf__handler_t *entry = srf->handlers;

    while (entry != NULL && (entry->middleware || !entry->any))
        entry = entry->next;
    return entry;
}

/* Middleware for this method or for all, its handler, or the wildcard when it
 * has none. */
static bool is_for(const srf_t *srf, const srf__handler_t *entry,
                   srf__method_t method, srf__str_t name)
{
    if (is_method(entry, method, name))
        return true;
    return entry->any &&
           (entry->middleware || find_handler(srf, method, name) == NULL);
}

const srf__handler_t *
srf__handler_next(const srf_t *srf, const srf__facts_t *request, unsigned after)
{
    const srf__handler_t *entry = srf->handlers;
    srf__method_t method = (srf__method_t)request->method;
    srf__str_t name = srf__facts_str(request, request->method_name);

    while (entry != NULL &&
           (entry->order <= after || !is_for(srf, entry, method, name)))
        entry = entry->next;
    return entry;
}

/* An OPTIONS for the proxy itself, which has no user part (RFC 3261 §11). */
static bool is_options_for_us(const srf__facts_t *request,
                              const srf__route_t *route)
{
    return request->method == SRF__METHOD_OPTIONS && route->request_uri_is_us &&
           !route->has_next && !route->request_uri.has_user;
}

static bool has_handler(const srf_t *srf, const srf__facts_t *request)
{
    return find_handler(srf, (srf__method_t)request->method,
                        srf__facts_str(request, request->method_name)) !=
               NULL ||
           find_wildcard(srf) != NULL;
}

unsigned srf__handler_missing(const srf_t *srf, const srf__facts_t *request,
                              const srf__route_t *route)
{
    if (is_options_for_us(request, route))
        return 200;
    if (has_handler(srf, request))
        return 404; /* the method is none to complain of, §21.4.5 */
    return request->method != SRF__METHOD_OTHER ? 405 : 501; /* §8.2.1 */
}

/* What the library understands by itself. */
static bool is_built_in(srf__method_t method)
{
    return method == SRF__METHOD_ACK || method == SRF__METHOD_CANCEL ||
           method == SRF__METHOD_OPTIONS;
}

void srf__handlers_write_allow(const srf_t *srf, srf__buf_t *out)
{
    const srf__handler_t *entry = srf->handlers;
    bool all = find_wildcard(srf) != NULL;
    const char *separator = "Allow: ";

    for (; entry != NULL; entry = entry->next) {
        if (entry->middleware || entry->any)
            continue;
        srf__buf_add_text(out, separator);
        srf__buf_add_text(out, entry->name);
        separator = ", ";
    }
    /* RFC 3261 §20.5: all that is understood, ACK and CANCEL included. */
    for (int id = 1; id < SRF__METHOD_COUNT; id++) {
        srf__method_t method = (srf__method_t)id;
        srf__str_t name = srf__method_name(method);
        if ((!all && !is_built_in(method)) ||
            find_handler(srf, method, name) != NULL)
            continue;
        srf__buf_add_text(out, separator);
        srf__buf_add_str(out, name);
        separator = ", ";
    }
    srf__buf_add_text(out, "\r\n");
}

void srf__handlers_deinit(srf_t *srf)
{
    while (srf->handlers != NULL) {
        srf__handler_t *entry = srf->handlers;
        srf->handlers = entry->next;
        srf__free(entry);
    }
}

/* ---- registration ---- */

static int check_method(const srf_t *srf, const char *method)
{
    srf__str_t name = srf__str_of(method);
    srf__method_t id = srf__method_find(name);

    if (srf == NULL)
        return SRF_ERR_INVALID_ARGUMENT;
    if (method != NULL && (!srf__str_is_token(name) || id == SRF__METHOD_ACK ||
                           id == SRF__METHOD_CANCEL))
        return SRF_ERR_INVALID_ARGUMENT;
    return 0;
}

/* An entry for `method`, NULL for any, at the end. */
static int append(srf_t *srf, const char *method, srf_request_cb cb,
                  bool middleware)
{
    srf__str_t name = srf__str_of(method);
    srf__handler_t **at = &srf->handlers;

    if (srf->handler_order == UINT16_MAX)
        return SRF_ERR_LIMIT;
    srf__handler_t *entry = srf__calloc(1, sizeof(*entry) + name.len + 1);
    if (entry == NULL)
        return SRF_ERR_NO_MEMORY;
    entry->cb = cb;
    entry->middleware = middleware;
    entry->any = method == NULL;
    entry->method = (uint8_t)srf__method_find(name);
    entry->order = ++srf->handler_order;
    if (name.len > 0)
        memcpy(entry->name, name.p, name.len);
    while (*at != NULL)
        at = &(*at)->next;
    *at = entry;
    return 0;
}

static void remove_entry(srf_t *srf, const srf__handler_t *entry)
{
    srf__handler_t **at = &srf->handlers;

    while (*at != entry)
        at = &(*at)->next;
    srf__handler_t *gone = *at;
    *at = gone->next;
    srf__free(gone);
}

static srf__handler_t *present(srf_t *srf, const char *method)
{
    srf__str_t name = srf__str_of(method);
    const srf__handler_t *found =
        method == NULL ? find_wildcard(srf)
                       : find_handler(srf, srf__method_find(name), name);
    srf__handler_t *entry = srf->handlers;

    while (entry != found)
        entry = entry->next;
    return entry;
}

int srf_on(srf_t *srf, const char *method, srf_request_cb cb)
{
    int err = check_method(srf, method);

    if (err != 0)
        return err;
    srf__handler_t *entry = present(srf, method);
    if (cb == NULL) {
        if (entry != NULL)
            remove_entry(srf, entry);
        return 0;
    }
    if (entry == NULL)
        return append(srf, method, cb, false);
    entry->cb = cb;
    return 0;
}

int srf_invite(srf_t *srf, srf_request_cb cb)
{
    return srf_on(srf, "INVITE", cb);
}

int srf_use(srf_t *srf, const char *method, srf_request_cb cb)
{
    int err = check_method(srf, method);

    if (err == 0 && cb == NULL)
        err = SRF_ERR_INVALID_ARGUMENT;
    return err != 0 ? err : append(srf, method, cb, true);
}
