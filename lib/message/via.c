/*
 * Via values (RFC 3261 §20.42, grammar in §25.1).
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/scan.h"

#include "base/error.h"
#include "message/lines.h"

static srf__span_t span_of(const char *data, const char *from, const char *to)
{
    srf__span_t span = {(uint16_t)(from - data), (uint16_t)(to - from)};
    return span;
}

/* Behind a token and the "/" or white space that must follow; NULL when they
 * are not there. */
static const char *skip_slash(const char *p, const char *end)
{
    const char *token_end = srf__skip_run(p, SRF__CHAR_TOKEN);
    const char *slash = srf__skip_lws(token_end, end);

    if (token_end == p || slash == end || *slash != '/')
        return NULL;
    return srf__skip_lws(slash + 1, end);
}

/* sent-protocol and the white space behind it. Neither name nor version are
 * judged: a request of another version is answered too (§8.2, 505). */
static const char *read_protocol(const char *p, const char *end,
                                 srf__via_t *out)
{
    const srf__str_t usual = SRF__STR("SIP/2.0/");

    if ((size_t)(end - p) > usual.len && memcmp(p, usual.p, usual.len) == 0) {
        p += usual.len;
    } else {
        p = skip_slash(p, end);
        if (p != NULL)
            p = skip_slash(p, end);
        if (p == NULL)
            return NULL;
    }

    const char *behind = srf__skip_run(p, SRF__CHAR_TOKEN);
    const char *sent_by = srf__skip_lws(behind, end);
    if (behind == p || sent_by == behind)
        return NULL;
    out->transport =
        (uint8_t)srf__transport_find(srf__str(p, (size_t)(behind - p)));
    return sent_by;
}

/* Behind the host at `p`; `p` itself when there is none. */
static const char *skip_host(const char *p, const char *end)
{
    if (p == end || *p != '[')
        return srf__skip_run(p, SRF__CHAR_HOST);

    const char *close = memchr(p, ']', (size_t)(end - p));
    if (close == NULL)
        return p;
    for (const char *c = p + 1; c < close; c++) {
        if (*c != ':' && *c != '.' && srf__hex_value((unsigned char)*c) < 0)
            return p;
    }
    return close == p + 1 ? p : close + 1;
}

static const char *read_port(const char *p, uint16_t *out)
{
    uint64_t port;
    const char *behind = srf__read_number(p, &port);

    if (port == 0 || port > UINT16_MAX)
        return NULL;
    *out = (uint16_t)port;
    return behind;
}

/* sent-by: COLON may have white space on both sides. */
static const char *read_sent_by(const char *data, const char *p,
                                const char *end, srf__via_t *out)
{
    const char *behind = skip_host(p, end);

    if (behind == p)
        return NULL;
    out->host = span_of(data, p, behind);

    const char *colon = srf__skip_lws(behind, end);
    if (colon == end || *colon != ':')
        return behind;
    return read_port(srf__skip_lws(colon + 1, end), &out->port);
}

/* The member of `via` that the parameter is for, or NULL. */
static srf__span_t *param_member(srf__via_t *via, srf__str_t name)
{
    switch (name.len) {
    case 5:
        return srf__name_is(name, "rport") ? &via->rport_value : NULL;
    case 6:
        return srf__name_is(name, "branch") ? &via->branch : NULL;
    case 8:
        return srf__name_is(name, "received") ? &via->received : NULL;
    default:
        return NULL;
    }
}

static bool keep_rport(const char *data, const srf__param_t *param,
                       srf__via_t *out)
{
    const char *value = param->value.p;
    const char *end = value + param->value.len;
    uint16_t port;

    if (out->has_rport)
        return false;
    /* response-port = "rport" [EQUAL 1*DIGIT], RFC 3581 §3. */
    if (value < end && read_port(value, &port) != end)
        return false;
    out->has_rport = true;
    out->rport = span_of(data, param->name.p, end);
    return true;
}

/* RFC 6223 §8.2: an offer has no value. */
static void note_keep(const char *data, const srf__param_t *param,
                      srf__via_t *out)
{
    if (!param->has_value && srf__name_is(param->name, "keep"))
        out->keep = (uint16_t)(param->name.p + param->name.len - data);
}

/* Keeps what we need of a parameter; false when that makes no sense. */
static bool keep_param(const char *data, const srf__param_t *param,
                       srf__via_t *out)
{
    srf__span_t *member = param_member(out, param->name);

    if (member == NULL) {
        note_keep(data, param, out);
        return true;
    }
    /* A parameter stands at most once, §7.3.1; none of these is quoted. */
    if (member->off != 0 || param->quoted)
        return false;
    if (member == &out->rport_value && !keep_rport(data, param, out))
        return false;
    if (!param->has_value)
        return member == &out->rport_value;
    /* Matching hangs on the branch. An empty received is seen in the
     * wild and does no harm. */
    if (member == &out->branch && param->value.len == 0)
        return false;
    *member = span_of(data, param->value.p, param->value.p + param->value.len);
    return true;
}

/* What stands behind a value: nothing, or a comma and a further value. */
static int find_next(const char *data, const char *p, const char *end,
                     uint16_t *next)
{
    *next = 0;
    if (p == end)
        return 0;
    if (*p != ',')
        return SRF_ERR_SYNTAX;
    p = srf__skip_lws(p + 1, end);
    if (p == end || *p == ',')
        return SRF_ERR_SYNTAX;
    *next = (uint16_t)(p - data);
    return 0;
}

int srf__via_read(const char *data, uint16_t off, uint16_t end, srf__via_t *out,
                  uint16_t *next)
{
    const char *begin = data + off;
    const char *stop = data + end - 1;

    srf__assert(off < end && *stop == '\n');
    if (stop > begin && stop[-1] == '\r')
        stop--;
    memset(out, 0, sizeof(*out));
    *next = 0;

    const char *p = read_protocol(begin, stop, out);
    if (p != NULL)
        p = read_sent_by(data, p, stop, out);
    if (p == NULL)
        return SRF_ERR_SYNTAX;

    const char *value_end = p;
    p = srf__skip_lws(p, stop);
    while (p < stop && *p == ';') {
        srf__param_t param;
        value_end = srf__param_read(p + 1, stop, &param);
        if (value_end == NULL || !keep_param(data, &param, out))
            return SRF_ERR_SYNTAX;
        p = srf__skip_lws(value_end, stop);
    }
    out->value = span_of(data, begin, value_end);
    return find_next(data, p, stop, next);
}
