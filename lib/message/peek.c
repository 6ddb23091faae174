/*
 * A glance at a request.
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/peek.h"

#include "message/lines.h"
#include "message/uri.h"

static const char cookie[] = "z9hG4bK"; /* RFC 3261 §8.1.1.7 */
enum { COOKIE_LEN = sizeof(cookie) - 1, METHOD_MAX = 32 };

/* Behind the colon if the line is a Via; NULL else. */
static const char *skip_via(const char *p, const char *lf)
{
    size_t name_len = 1;

    if ((p[0] | 0x20) != 'v')
        return NULL;
    if (lf - p > 4 && srf__name_is(srf__str(p, 3), "via"))
        name_len = 3;
    return p[name_len] == ':' ? p + name_len + 1 : NULL;
}

static bool read_branch(const char *p, const char *lf, srf__facts_t *facts)
{
    const char *value = skip_via(p, lf);
    uint16_t next;

    if (value == NULL)
        return false;
    value = srf__skip_lws(value, lf);
    if (srf__via_read(facts->data, (uint16_t)(value - facts->data),
                      (uint16_t)(lf + 1 - facts->data), &facts->via,
                      &next) != 0)
        return false;
    srf__str_t branch = srf__facts_str(facts, facts->via.branch);
    return branch.len > COOKIE_LEN && memcmp(branch.p, cookie, COOKIE_LEN) == 0;
}

static bool read_method(const char *data, const char *lf, srf__facts_t *facts)
{
    size_t most =
        (size_t)(lf - data) < METHOD_MAX ? (size_t)(lf - data) : METHOD_MAX;
    const char *space = memchr(data, ' ', most);

    if (space == NULL)
        return false;
    facts->data = data;
    facts->method_name = (srf__span_t){0, (uint16_t)(space - data)};
    facts->method =
        (uint8_t)srf__method_find(srf__str(data, (size_t)(space - data)));
    return true;
}

/* The line begins with the name, or is its compact form. */
static bool is_named(const char *p, const char *lf, const char *lower,
                     size_t len)
{
    return (size_t)(lf - p) > len && srf__name_is(srf__str(p, len), lower) &&
           (p[len] == ':' || srf__is_blank((unsigned char)p[len]));
}

static bool has_tag(const char *p, const char *lf)
{
    while ((p = memchr(p, ';', (size_t)(lf - p))) != NULL) {
        p = srf__skip_lws(p + 1, lf);
        if (lf - p > 4 && srf__name_is(srf__str(p, 3), "tag") &&
            (p[3] == '=' || srf__char_is(p[3], SRF__CHAR_LWS)))
            return true;
    }
    return false;
}

/* Whether a URI in the line may have a mark of ours. */
static bool has_mark(const char *p, const char *lf)
{
    const srf__str_t param = SRF__STR(SRF__MARK_PARAM "=");

    while ((p = memchr(p, ';', (size_t)(lf - p))) != NULL) {
        p++;
        if ((size_t)(lf - p) > param.len &&
            srf__str_ieq(srf__str(p, param.len), param))
            return true;
    }
    return false;
}

/* The LF behind the line at `p` and its folds (RFC 3261 §7.3.1); NULL when
 * there is none. */
static const char *find_line_end(const char *p, const char *end)
{
    const char *lf = memchr(p, '\n', (size_t)(end - p));

    while (lf != NULL && lf + 1 < end && srf__is_blank((unsigned char)lf[1]))
        lf = memchr(lf + 1, '\n', (size_t)(end - lf - 1));
    return lf;
}

/* Looks at the lines from `p` on, until one says no. `route`: the Request-URI
 * has a mark, as a strict router leaves it. */
static bool is_routed(const char *p, const char *end, bool route)
{
    bool tag = false;

    while (p != end && *p > '\r' && !(route && tag)) {
        const char *lf = find_line_end(p, end);
        if (lf == NULL)
            return false;
        char letter = (char)(*p | 0x20);
        if (letter == 'r' && !route) {
            route = is_named(p, lf, "route", 5) && has_mark(p, lf);
        } else if (letter == 't' && !tag &&
                   (is_named(p, lf, "to", 2) || is_named(p, lf, "t", 1))) {
            tag = has_tag(p, lf);
            if (!tag)
                return false;
        }
        p = lf + 1;
    }
    return route && tag;
}

void srf__peek(const char *data, size_t len, srf__facts_t *facts,
               srf__peek_t *out)
{
    const char *end = data + (len > SRF__HEAD_MAX ? SRF__HEAD_MAX : len);
    const char *lf = memchr(data, '\n', (size_t)(end - data));

    out->has_branch = false;
    out->routed = false;
    if (lf == NULL || !read_method(data, lf, facts))
        return;
    const char *line = lf + 1;
    lf = find_line_end(line, end);
    if (lf == NULL)
        return;
    out->has_branch = read_branch(line, lf, facts);
    out->routed = is_routed(line, end, has_mark(data, line - 1));
}
