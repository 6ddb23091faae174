/*
 * Request validation.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/validate.h"

#include "proxy/loop.h"
#include "srf/srf.h"

static bool is_breadth_used_up(const srf__facts_t *request)
{
    uint32_t breadth;

    /* Few have one: no call for the others. */
    return request->first[SRF__HDR_MAX_BREADTH] != SRF__NO_HEADER &&
           srf__facts_max_breadth(request, &breadth) && breadth == 0;
}

static void refuse(srf__verdict_t *out, unsigned status, const char *reason)
{
    out->status = status;
    out->reason = reason;
}

static bool check_uri(srf__element_t *element, const srf__facts_t *request,
                      srf__route_t *route, srf__verdict_t *out)
{
    const srf__uri_t *uri = &route->request_uri;
    int err = srf__route_prepare(element, request, route);

    if (err == SRF_ERR_INVALID_URI)
        refuse(out, 400, "Bad Request-URI");
    else if (err != 0)
        refuse(out, 400, "Bad Route");
    else if (uri->scheme == SRF__SCHEME_OTHER)
        refuse(out, 416, NULL); /* §16.3 step 2 */
    else if (uri->headers.len > 0)
        refuse(out, 400, "Headers In Request-URI"); /* §19.1.1, table 1 */
    return out->status == 0;
}

/* §16.3 step 5: no extension needs us yet. */
static bool check_extensions(const srf__facts_t *request,
                             const srf__header_t *line, srf__verdict_t *out)
{
    srf__str_t tag;

    for (; line != NULL; line = srf__facts_next(request, line)) {
        srf__str_t rest = srf__header_value(request, line);
        while (srf__list_next(&rest, &tag)) {
            if (!srf__str_is_token(tag)) {
                refuse(out, 400, "Bad Proxy-Require");
                return false;
            }
            refuse(out, 420, NULL);
        }
    }
    return out->status == 0;
}

void srf__unsupported_write(const srf__facts_t *request, srf__buf_t *out)
{
    const srf__header_t *line =
        srf__facts_first(request, SRF__HDR_PROXY_REQUIRE);
    const char *separator = "Unsupported: ";
    size_t before = out->len;
    srf__str_t tag;

    for (; line != NULL; line = srf__facts_next(request, line)) {
        srf__str_t rest = srf__header_value(request, line);
        while (srf__list_next(&rest, &tag)) {
            if (out->cap - out->len < strlen(separator) + tag.len + 2)
                continue; /* what is left out costs the caller a second try */
            srf__buf_add_text(out, separator);
            srf__buf_add_str(out, tag);
            separator = ", ";
        }
    }
    if (out->len > before)
        srf__buf_add_text(out, "\r\n");
}

void srf__validate(srf__element_t *element, const srf__facts_t *request,
                   const srf__flow_t *from, srf__route_t *route,
                   srf__verdict_t *out)
{
    const srf__header_t *require =
        srf__facts_first(request, SRF__HDR_PROXY_REQUIRE);

    memset(out, 0, sizeof(*out));
    if (!check_uri(element, request, route, out))
        return;
    if (route->request_uri.maddr.len > 0 &&
        srf__route_has_own_maddr(route, from)) {
        out->own_maddr = true;
        return;
    }
    if (request->max_forwards == 0) { /* §16.3 step 3 */
        bool ours = request->method == SRF__METHOD_OPTIONS &&
                    route->request_uri_is_us && !route->has_next;
        refuse(out, ours ? 200 : 483, NULL);
        return;
    }
    if (is_breadth_used_up(request)) { /* RFC 5393 §5.3.3 */
        refuse(out, 440, NULL);
        return;
    }
    /* §16.3 step 4, RFC 5393 §4.2. Only a request that passed us before has a
     * second Via. */
    if (request->via2 != 0) {
        uint32_t hash = srf__loop_hash(element, request);
        if (srf__loop_found(element, request, hash)) {
            refuse(out, 482, NULL);
            return;
        }
    }
    if (require != NULL && !check_extensions(request, require, out))
        return;
    /* §12.2.2: a dialog we know nothing of. */
    if (request->to_tag.len > 0 && route->request_uri_is_us &&
        !route->has_next && !route->in_dialog)
        refuse(out, 481, NULL);
}
