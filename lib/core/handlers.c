/*
 * Handlers by method.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/alloc.h"
#include "base/error.h"
#include "core/stack.h"

static bool matches(const srf__handler_t *handler, srf__method_t method,
                    srf__str_t name)
{
    return handler->method == (uint8_t)method &&
           (method != SRF__METHOD_OTHER ||
            srf__str_eq(srf__str_of(handler->name), name));
}

static srf__handler_t **find(srf_t *srf, srf__method_t method, srf__str_t name)
{
    srf__handler_t **at = &srf->handlers;

    while (*at != NULL && !matches(*at, method, name))
        at = &(*at)->next;
    return at;
}

static const srf__handler_t *find_listed(const srf_t *srf, srf__method_t method,
                                         srf__str_t name)
{
    const srf__handler_t *handler = srf->handlers;

    while (handler != NULL && !matches(handler, method, name))
        handler = handler->next;
    return handler;
}

srf_request_cb srf__handler_find(const srf_t *srf, const srf__facts_t *request)
{
    const srf__handler_t *handler =
        find_listed(srf, (srf__method_t)request->method,
                    srf__facts_str(request, request->method_name));

    return handler == NULL ? srf->wildcard : handler->cb;
}

/* What the library understands by itself. */
static bool is_built_in(srf__method_t method)
{
    return method == SRF__METHOD_ACK || method == SRF__METHOD_CANCEL ||
           method == SRF__METHOD_OPTIONS;
}

void srf__handlers_write_allow(const srf_t *srf, srf__buf_t *out)
{
    const srf__handler_t *handler = srf->handlers;
    const char *separator = "Allow: ";

    for (; handler != NULL; handler = handler->next) {
        srf__buf_add_text(out, separator);
        srf__buf_add_text(out, handler->name);
        separator = ", ";
    }
    /* RFC 3261 §20.5: all that is understood, ACK and CANCEL included. */
    for (int id = 1; id < SRF__METHOD_COUNT; id++) {
        srf__method_t method = (srf__method_t)id;
        srf__str_t name = srf__method_name(method);
        if ((srf->wildcard == NULL && !is_built_in(method)) ||
            find_listed(srf, method, name) != NULL)
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
        srf__handler_t *handler = srf->handlers;
        srf->handlers = handler->next;
        srf__free(handler);
    }
}

static srf__handler_t *create(srf__method_t method, srf__str_t name)
{
    srf__handler_t *handler = srf__calloc(1, sizeof(*handler) + name.len + 1);

    if (handler == NULL)
        return NULL;
    handler->method = (uint8_t)method;
    memcpy(handler->name, name.p, name.len);
    return handler;
}

int srf_on(srf_t *srf, const char *method, srf_request_cb cb)
{
    srf__str_t name = srf__str_of(method);
    srf__method_t id = srf__method_find(name);

    if (srf == NULL)
        return SRF_ERR_INVALID_ARGUMENT;
    if (method == NULL) {
        srf->wildcard = cb;
        return 0;
    }
    if (!srf__str_is_token(name) || id == SRF__METHOD_ACK ||
        id == SRF__METHOD_CANCEL)
        return SRF_ERR_INVALID_ARGUMENT;

    srf__handler_t **at = find(srf, id, name);
    if (cb == NULL) {
        srf__handler_t *gone = *at;
        if (gone != NULL)
            *at = gone->next;
        srf__free(gone);
        return 0;
    }
    if (*at == NULL) {
        *at = create(id, name);
        if (*at == NULL)
            return SRF_ERR_NO_MEMORY;
    }
    (*at)->cb = cb;
    return 0;
}

int srf_invite(srf_t *srf, srf_request_cb cb)
{
    return srf_on(srf, "INVITE", cb);
}
