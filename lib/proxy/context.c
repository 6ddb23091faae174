/*
 * The response context.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/context.h"

#include "base/alloc.h"
#include "base/list.h"
#include "proxy/loop.h"

enum { DEFAULT_BREADTH = 60 };

const srf__facts_t *srf__context_request(const srf__context_t *context)
{
    return srf__msg_facts(context->request);
}

void srf__context_request_done(const srf__context_t *context)
{
    srf__msg_forget_facts(context->request);
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
    const srf__wishes_t *wishes = &spec->wishes;

    return spec->settings.hooked || wishes->stop_codes != NULL ||
           wishes->failover_codes != NULL ||
           wishes->provisional_timeout_ms != 0 ||
           wishes->final_timeout_ms != 0 || wishes->outbound != NULL ||
           wishes->cancel_reason.p != NULL;
}

static size_t extras_size(const srf__context_spec_t *spec)
{
    const size_t align = _Alignof(srf__context_extras_t);
    const srf__wishes_t *wishes = &spec->wishes;
    size_t size =
        sizeof(srf__context_extras_t) + codes_size(wishes->stop_codes) +
        codes_size(wishes->failover_codes) + wishes->cancel_reason.len;

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
    srf__str_t reason = spec->wishes.cancel_reason;

    if (!needs_extras(spec))
        return;
    at += sizeof(*extras);
    context->extras = extras;
    extras->context = context;
    extras->wishes = spec->wishes;
    extras->wishes.stop_codes = copy_codes(&at, spec->wishes.stop_codes);
    extras->wishes.failover_codes =
        copy_codes(&at, spec->wishes.failover_codes);
    if (reason.p != NULL) {
        extras->wishes.cancel_reason = srf__str(at, reason.len);
        memcpy(at, reason.p, reason.len);
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
    context->limits_breadth = given || context->settings.simultaneous;
}

srf__context_t *srf__context_create(srf__element_t *element,
                                    srf__server_t *server,
                                    const srf__context_spec_t *spec)
{
    const srf__facts_t *request = srf__msg_facts(server->request);
    srf__context_t *context = request == NULL ? NULL : allocate(element, spec);

    if (context == NULL)
        return NULL;
    context->server = srf__server_ref(server);
    server->proxied = true;
    context->request = srf__msg_ref(server->request);
    context->user = spec->user;
    context->user_data = spec->user_data;
    context->settings = spec->settings;
    if (context->settings.timer_c_ms == 0)
        context->settings.timer_c_ms = element->timer_c_ms;
    context->loop_hash = srf__loop_hash(element, request);
    read_breadth(context, request);

    srf__list_push(&element->contexts, context);
    element->pending++;
    element->proxied++;
    return context;
}

void srf__context_destroy(srf__context_t *context, bool end)
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
    srf__list_remove(context);
    context->element->pending--;
    srf__server_unref(context->server);
    srf__msg_unref(context->request);
    srf__pool_give(&context->element->pool, context, context->size);
}
