/*
 * Equality of URIs, RFC 3261 §19.1.4.
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/uri.h"

#include "message/uri_parts.h"

/* Each parameter is looked for among the others': a peer must not choose how
 * long that takes. Longer lists are equal only byte by byte. */
enum { COMPARED_MAX = 64 };

/* The next byte in a form in which equal means equal by §19.1.4: an escape of
 * a reserved byte is told apart from that byte. */
static unsigned take_canonical(const char **p, const char *end, bool any_case)
{
    bool escaped = **p == '%';
    unsigned char c = srf__uri_take(p, end);

    if (any_case)
        c = srf__lower(c);
    return escaped && srf__uri_is_reserved(c) ? c + 256u : c;
}

static bool same_text(srf__str_t a, srf__str_t b, bool any_case)
{
    const char *p = a.p;
    const char *q = b.p;
    const char *p_end = p + a.len;
    const char *q_end = q + b.len;

    while (p < p_end && q < q_end) {
        if (take_canonical(&p, p_end, any_case) !=
            take_canonical(&q, q_end, any_case))
            return false;
    }
    return p == p_end && q == q_end;
}

/* Of a component that is there or not, be it empty. */
static bool same_component(srf__str_t a, srf__str_t b, bool any_case)
{
    return (a.p == NULL) == (b.p == NULL) &&
           (a.p == NULL || same_text(a, b, any_case));
}

/* IPv6 addresses have many spellings (RFC 5954 §4.2). */
static bool same_host(srf__str_t a, srf__str_t b)
{
    uint8_t x[16];
    uint8_t y[16];

    if (srf__host_to_ip(a, x) == 6 && srf__host_to_ip(b, y) == 6)
        return memcmp(x, y, sizeof(x)) == 0;
    return srf__str_ieq(a, b);
}

/* Cuts the first header of `rest` off, as a parameter is. */
static bool next_header(srf__str_t *rest, srf__uri_param_t *out)
{
    if (rest->len > 0 && *rest->p == '&')
        *rest = srf__str(rest->p + 1, rest->len - 1);
    if (rest->len == 0)
        return false;

    size_t len = srf__str_find(*rest, '&');
    srf__str_t text = srf__str(rest->p, len);
    size_t equal = srf__str_find(text, '=');
    out->name = srf__str(text.p, equal);
    out->value = equal == len ? srf__str(NULL, 0)
                              : srf__str(text.p + equal + 1, len - equal - 1);
    *rest = srf__str(rest->p + len, rest->len - len);
    return true;
}

/* Of parameters (";") or headers ("&"). */
static bool next_pair(srf__str_t *rest, char separator, srf__uri_param_t *out)
{
    return separator == ';' ? srf__uri_param_next(rest, out)
                            : next_header(rest, out);
}

static unsigned count_pairs(srf__str_t list, char separator)
{
    unsigned count = 0;
    srf__uri_param_t pair;

    while (next_pair(&list, separator, &pair))
        count++;
    return count;
}

static bool find_pair(srf__str_t list, char separator, srf__str_t name,
                      srf__uri_param_t *out)
{
    while (next_pair(&list, separator, out)) {
        if (same_text(out->name, name, true))
            return true;
    }
    return false;
}

static bool too_many(srf__str_t a, srf__str_t b, char separator)
{
    return count_pairs(a, separator) > COMPARED_MAX ||
           count_pairs(b, separator) > COMPARED_MAX;
}

/* A parameter that never matches when it is in one URI only. */
static bool must_be_in_both(const srf__uri_param_t *param)
{
    static const char *const names[] = {"user", "ttl", "method", "maddr",
                                        "transport"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (srf__uri_param_is(param, names[i]))
            return true;
    }
    return false;
}

/* Each parameter of `a` has its like in `b` or need not have. */
static bool params_match(srf__str_t a, srf__str_t b)
{
    srf__uri_param_t mine;
    srf__uri_param_t other;

    while (next_pair(&a, ';', &mine)) {
        if (find_pair(b, ';', mine.name, &other)) {
            if (!same_component(mine.value, other.value, true))
                return false;
        } else if (must_be_in_both(&mine)) {
            return false;
        }
    }
    return true;
}

static bool same_params(srf__str_t a, srf__str_t b)
{
    if (srf__str_eq(a, b))
        return true;
    return !too_many(a, b, ';') && params_match(a, b) && params_match(b, a);
}

static unsigned count_header(srf__str_t list, const srf__uri_param_t *wanted)
{
    unsigned count = 0;
    srf__uri_param_t pair;

    while (next_pair(&list, '&', &pair)) {
        if (same_text(pair.name, wanted->name, true) &&
            same_component(pair.value, wanted->value, true))
            count++;
    }
    return count;
}

/* Headers are never ignored; their order does not matter. */
static bool same_headers(srf__str_t a, srf__str_t b)
{
    srf__str_t rest = a;
    srf__uri_param_t header;

    if (srf__str_eq(a, b))
        return true;
    if (too_many(a, b, '&') || count_pairs(a, '&') != count_pairs(b, '&'))
        return false;
    while (next_pair(&rest, '&', &header)) {
        if (count_header(a, &header) != count_header(b, &header))
            return false;
    }
    return true;
}

/* ------------------------------------------------------------------ */
/* tel                                                                 */
/* ------------------------------------------------------------------ */

/* Equal but for case and visual separators (RFC 3966 §4). */
static bool same_number(srf__str_t a, srf__str_t b)
{
    static const char separators[] = "-.()";
    size_t i = 0;
    size_t j = 0;

    for (;;) {
        while (i < a.len && strchr(separators, a.p[i]) != NULL)
            i++;
        while (j < b.len && strchr(separators, b.p[j]) != NULL)
            j++;
        if (i == a.len || j == b.len)
            return i == a.len && j == b.len;
        if (srf__lower((unsigned char)a.p[i]) !=
            srf__lower((unsigned char)b.p[j]))
            return false;
        i++;
        j++;
    }
}

/* An extension, or a context that is the beginning of a number. */
static bool is_number_param(const srf__uri_param_t *param)
{
    return srf__uri_param_is(param, "ext") ||
           (srf__uri_param_is(param, "phone-context") && param->value.len > 0 &&
            *param->value.p == '+');
}

/* Each parameter of `a` has its like in `b`: none is ignored. */
static bool tel_params_match(srf__str_t a, srf__str_t b)
{
    srf__uri_param_t mine;
    srf__uri_param_t other;

    while (next_pair(&a, ';', &mine)) {
        if (!find_pair(b, ';', mine.name, &other))
            return false;
        bool same = is_number_param(&mine)
                        ? same_number(mine.value, other.value)
                        : same_component(mine.value, other.value, true);
        if (!same)
            return false;
    }
    return true;
}

static bool same_tel_params(srf__str_t a, srf__str_t b)
{
    if (srf__str_eq(a, b))
        return true;
    return !too_many(a, b, ';') && tel_params_match(a, b) &&
           tel_params_match(b, a);
}

bool srf__uri_eq(const srf__uri_t *a, const srf__uri_t *b)
{
    /* A sip and a sips URI never match. */
    if (a->scheme != b->scheme)
        return false;
    if (a->scheme == SRF__SCHEME_OTHER)
        return srf__str_eq(a->text, b->text);
    if (a->scheme == SRF__SCHEME_TEL)
        return same_number(a->user, b->user) &&
               same_tel_params(a->params, b->params);
    /* A default port left out does not match the same port written. */
    return a->port == b->port && same_component(a->user, b->user, false) &&
           same_component(a->password, b->password, false) &&
           same_host(a->host, b->host) && same_params(a->params, b->params) &&
           same_headers(a->headers, b->headers);
}
