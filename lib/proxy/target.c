/*
 * Targets.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/target.h"

#include "base/alloc.h"
#include "srf/srf.h"

size_t srf__target_size(srf__str_t uri)
{
    const size_t align = _Alignof(srf__target_t);
    size_t size = offsetof(srf__target_t, uri) + uri.len + 1;

    return (size + align - 1) / align * align;
}

srf__target_t *srf__target_write(void *where, srf__str_t uri)
{
    srf__target_t *target = where;

    memset(target, 0, offsetof(srf__target_t, uri));
    if (uri.len > 0)
        memcpy(target->uri, uri.p, uri.len);
    target->uri[uri.len] = '\0';
    return target;
}

srf__target_t *srf__target_create(srf__str_t uri)
{
    void *memory = srf__malloc(srf__target_size(uri));

    if (memory == NULL)
        return NULL;
    srf__target_t *target = srf__target_write(memory, uri);
    target->is_contact = true;
    return target;
}

/* What "user" says of the user part goes with that (RFC 3261 §19.1.1): a number
 * stays one. The other parameters are of the place that the URI named. */
static void write_user_param(const srf__uri_t *caller, const srf__uri_t *target,
                             srf__buf_t *out)
{
    srf__uri_param_t param;
    srf__str_t rest = target->params;

    while (srf__uri_param_next(&rest, &param)) {
        if (srf__uri_param_is(&param, "user"))
            return;
    }
    rest = caller->params;
    while (srf__uri_param_next(&rest, &param)) {
        if (!srf__uri_param_is(&param, "user"))
            continue;
        srf__buf_add_str(out, param.whole);
        return;
    }
}

int srf__target_write_uri(const srf__target_t *target,
                          const srf__target_rule_t *rule, srf__buf_t *out)
{
    const srf__uri_t *caller = rule->request_uri;
    srf__str_t text = srf__str_of(target->uri);
    srf__uri_t uri;

    if (text.len == 0 || (!rule->replaces && !target->is_contact))
        return 0;
    if (!rule->keep_user || target->is_contact || !caller->has_user) {
        srf__buf_add_str(out, text);
        return out->err;
    }
    int err = srf__uri_parse(text, &uri);
    if (err != 0)
        return err;
    if (uri.has_user || uri.scheme == SRF__SCHEME_TEL) {
        srf__buf_add_str(out, text);
        return out->err;
    }
    size_t before_host = (size_t)(uri.host.p - text.p);
    srf__buf_add(out, text.p, before_host);
    srf__buf_add_str(out, caller->user);
    if (caller->password.len > 0) {
        srf__buf_add_char(out, ':');
        srf__buf_add_str(out, caller->password);
    }
    srf__buf_add_char(out, '@');
    srf__buf_add(out, text.p + before_host, text.len - before_host);
    write_user_param(caller, &uri, out); /* a target has no "?" */
    return out->err;
}
