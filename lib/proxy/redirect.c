/*
 * Redirects.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/redirect.h"

#include "message/osip_bridge.h"

enum { URI_BYTES = SRF__OSIP_VALUE_MAX };

/* One 3xx being followed. */
typedef struct follow {
    srf__context_t *context;
    const srf__branch_t *branch;
    srf__target_rule_t rule;
    srf__uri_t request_uri; /* of the request that came */
    unsigned looked_at;     /* Contacts */
    unsigned added;
} follow_t;

/* A URI as it may stand in a Request-URI: without header fields and without a
 * method parameter (RFC 3261 §16.6 step 2, §19.1.1 table 1). */
static srf__str_t strip(const srf__uri_t *uri, srf__buf_t *out)
{
    srf__str_t text = uri->text;
    srf__str_t rest = uri->params;
    const char *p = text.p; /* what is not copied yet */
    srf__uri_param_t param;

    if (uri->headers.len > 0)
        text.len = (size_t)(uri->headers.p - 1 - text.p);
    while (srf__uri_param_next(&rest, &param)) {
        if (!srf__uri_param_is(&param, "method"))
            continue;
        srf__buf_add(out, p, (size_t)(param.whole.p - p));
        p = param.whole.p + param.whole.len;
    }
    if (p == text.p)
        return text;
    srf__buf_add(out, p, (size_t)(text.p + text.len - p));
    return srf__buf_str(out);
}

static bool is_request_uri_of(const follow_t *follow,
                              const srf__target_t *target,
                              const srf__uri_t *contact)
{
    char storage[URI_BYTES];
    srf__buf_t text;
    srf__uri_t uri;

    srf__buf_init_fixed(&text, storage, sizeof(storage));
    return srf__target_write_uri(target, &follow->rule, &text) == 0 &&
           srf__uri_parse(srf__buf_str(&text), &uri) == 0 &&
           srf__uri_eq(&uri, contact);
}

/* §16.5: no URI comes twice into the target set, and the one that was asked for
 * was in it. */
static bool is_known(const follow_t *follow, const srf__uri_t *contact)
{
    const srf__target_t *target = follow->context->targets;

    if (srf__uri_eq(&follow->request_uri, contact))
        return true;
    for (; target != NULL; target = target->next) {
        if (is_request_uri_of(follow, target, contact))
            return true;
    }
    return false;
}

/* What was asked for by SIPS is not asked for in the clear. */
static bool is_usable(const follow_t *follow, const srf__uri_t *contact)
{
    if (contact->scheme == SRF__SCHEME_SIPS)
        return true;
    return contact->scheme == SRF__SCHEME_SIP &&
           follow->request_uri.scheme != SRF__SCHEME_SIPS;
}

/* The target goes behind those that were added before it with the same q or a
 * higher one. */
static void insert(follow_t *follow, srf__target_t *target)
{
    srf__target_t **at = follow->context->untried;

    for (unsigned i = 0; i < follow->added && (*at)->q >= target->q; i++)
        at = &(*at)->next;
    target->next = *at;
    *at = target;
    follow->added++;
    follow->context->target_count++;
}

static void add_contact(follow_t *follow, srf__str_t value)
{
    char storage[URI_BYTES];
    srf__buf_t stripped;
    srf__arena_t arena = {NULL};
    srf__name_addr_t name_addr;
    srf__str_t params;
    srf__uri_t uri;

    srf__buf_init_fixed(&stripped, storage, sizeof(storage));
    if (srf__osip_name_addr(value, &arena, &name_addr) != 0 ||
        srf__name_addr_parse(value, &uri, &params) != 0)
        goto out;
    srf__str_t text = strip(&uri, &stripped);
    if (stripped.err != 0 || srf__uri_parse(text, &uri) != 0 ||
        !is_usable(follow, &uri) || is_known(follow, &uri))
        goto out;
    srf__target_t *target = srf__target_create(text);
    if (target == NULL)
        goto out;
    /* Without one it counts as 1. */
    target->q = (uint16_t)(name_addr.q < 0 ? SRF__Q_MAX : name_addr.q);
    target->depth = (uint8_t)(follow->branch->target->depth + 1);
    insert(follow, target);
out:
    srf__arena_deinit(&arena);
}

static bool has_room(const follow_t *follow)
{
    const srf__context_t *context = follow->context;
    uint32_t max = context->element->max_targets;

    return context->target_count < max && follow->looked_at < max;
}

static void add_contacts(follow_t *follow, const srf__facts_t *response)
{
    const srf__header_t *line = srf__facts_first(response, SRF__HDR_CONTACT);

    for (; line != NULL; line = srf__facts_next(response, line)) {
        srf__str_t rest = srf__header_value(response, line);
        srf__str_t value;
        while (has_room(follow) && srf__list_next(&rest, &value)) {
            follow->looked_at++;
            add_contact(follow, value);
        }
    }
}

bool srf__redirect_follow(srf__context_t *context, const srf__branch_t *branch,
                          const srf__facts_t *response)
{
    const srf__facts_t *request = srf__context_request(context);
    srf__route_t route;
    follow_t follow = {.context = context, .branch = branch};

    if (request == NULL)
        return false;
    if (branch->target->depth < context->settings.max_redirects &&
        srf__route_prepare(context->element, request, &route) == 0) {
        follow.request_uri = route.request_uri;
        follow.rule = (srf__target_rule_t){
            .request_uri = &follow.request_uri,
            .replaces = route.request_uri_is_us,
            .keep_user = context->settings.keep_user,
        };
        add_contacts(&follow, response);
    }
    srf__context_request_done(context);
    return follow.added > 0;
}
