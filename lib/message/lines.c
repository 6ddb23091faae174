/*
 * What header lines are made of, and how lines are found and split.
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/lines.h"

#include "message/scan.h"

/* The table below in letters: A letters, digits, "-", "." and "_"; K the other
 * token bytes; S what may stand in a value besides; W white space; O what has
 * no class, delimiters and controls. */
enum {
    O = 0,
    W = SRF__CHAR_LWS,
    S = SRF__CHAR_VALUE,
    K = S | SRF__CHAR_TOKEN,
    A = K | SRF__CHAR_HOST
};

/* clang-format off */
const uint8_t srf__char_classes[256] = {
    O, O, O, O, O, O, O, O, O, W, W, O, O, W, O, O, /* 0x00 */
    O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, /* 0x10 */
    W, K, O, S, S, K, S, K, S, S, K, K, O, A, A, S, /* 0x20 */
    A, A, A, A, A, A, A, A, A, A, S, O, O, S, O, S, /* 0x30 */
    S, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, /* 0x40 */
    A, A, A, A, A, A, A, A, A, A, A, S, S, S, S, A, /* 0x50 */
    K, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, /* 0x60 */
    A, A, A, A, A, A, A, A, A, A, A, S, S, S, K, O, /* 0x70 */
    S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, /* 0x80 */
    S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, /* 0x90 */
    S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, /* 0xa0 */
    S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, /* 0xb0 */
    S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, /* 0xc0 */
    S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, /* 0xd0 */
    S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, /* 0xe0 */
    S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, /* 0xf0 */
};
/* clang-format on */

/* Behind the start line, which has no quoted strings. */
static const char *skip_start_line(const char *p, const char *end)
{
    while (p < end && (*p == '\r' || *p == '\n'))
        p++;
    while (p < end && *p != '\n' && *p != '\0')
        p++;
    return p;
}

bool srf__nuls_are_quoted(const char *p, const char *end)
{
    bool quoted = false;

    for (p = skip_start_line(p, end); p < end && *p != '\0'; p++) {
        if (*p == '"')
            quoted = !quoted;
        else if (*p == '\n' &&
                 (end - p == 1 || !srf__is_blank((unsigned char)p[1])))
            quoted = false; /* the line has ended, and is no fold (§7.3.1) */
        else if (*p == '\\' && quoted && end - p > 1 && p[1] != '\r' &&
                 p[1] != '\n')
            p++;
    }
    return p >= end;
}

unsigned srf__find_flaws(const char *p, const char *end)
{
    unsigned flaws = 0;
    const char *lf = srf__line_end(p, end, &flaws);

    while (lf != NULL)
        lf = srf__line_end(lf + 1, end, &flaws);
    if ((flaws & SRF__FLAW_NUL) != 0 && srf__nuls_are_quoted(p, end))
        flaws &= ~(unsigned)SRF__FLAW_NUL;
    return flaws;
}

void srf__lines_repair(srf__str_t head, srf__buf_t *out)
{
    while (head.len > 0) {
        size_t len = srf__str_find(head, '\n');
        srf__buf_add(out, head.p, len);
        if (len == head.len)
            return;
        srf__buf_add_text(out,
                          len > 0 && head.p[len - 1] == '\r' ? "\n" : "\r\n");
        head = srf__str(head.p + len + 1, head.len - len - 1);
    }
}

const char *srf__skip_folds(const char *p, const char *end)
{
    while (p < end) {
        if (srf__is_blank((unsigned char)*p) || *p == '\n') {
            p++;
        } else if (*p == '\r' && p + 1 < end && p[1] == '\n') {
            p += 2;
        } else {
            break;
        }
    }
    return p;
}

const char *srf__skip_quoted(const char *p, const char *end)
{
    const char *begin = p + 1;
    const char *quote = begin;

    for (;;) {
        quote = memchr(quote, '"', (size_t)(end - quote));
        if (quote == NULL)
            return NULL;
        /* Backslashes pair up from the left (quoted-pair): an odd one out
         * belongs to the quote. */
        const char *slash = quote;
        while (slash > begin && slash[-1] == '\\')
            slash--;
        quote++;
        if ((quote - slash) % 2 == 1)
            return quote;
    }
}

/* The same with white space, quotes, or the end of the line behind the name. */
static __attribute__((noinline)) const char *
read_param_slowly(const char *p, const char *end, srf__param_t *out)
{
    const char *name = srf__skip_lws(p, end);
    const char *name_end = srf__skip_run(name, SRF__CHAR_TOKEN);

    if (name == name_end)
        return NULL;
    out->name = srf__str(name, (size_t)(name_end - name));
    out->value = srf__str(name_end, 0);
    out->has_value = false;
    out->quoted = false;

    const char *equal = srf__skip_lws(name_end, end);
    if (equal == end || *equal != '=')
        return name_end;

    const char *value = srf__skip_lws(equal + 1, end);
    const char *value_end;
    out->quoted = value < end && *value == '"';
    if (out->quoted) {
        value_end = srf__skip_quoted(value, end);
    } else {
        value_end = srf__skip_run(value, SRF__CHAR_VALUE);
    }
    if (value_end == NULL)
        return NULL;
    out->value = srf__str(value, (size_t)(value_end - value));
    out->has_value = true;
    return value_end;
}

/* Most have none of that: then nothing is called from here. */
const char *srf__param_read(const char *p, const char *end, srf__param_t *out)
{
    const char *name_end = srf__skip_run(p, SRF__CHAR_TOKEN);
    const char *value = name_end + 1;

    if (name_end == p || (name_end < end && (unsigned char)*name_end <= ' '))
        return read_param_slowly(p, end, out);
    out->name = srf__str(p, (size_t)(name_end - p));
    out->value = srf__str(name_end, 0);
    out->has_value = *name_end == '=';
    out->quoted = false;
    if (!out->has_value)
        return name_end;
    if ((unsigned char)*value <= ' ' || *value == '"')
        return read_param_slowly(p, end, out);
    const char *value_end = srf__skip_run(value, SRF__CHAR_VALUE);
    out->value = srf__str(value, (size_t)(value_end - value));
    return value_end;
}

const char *srf__name_read_slowly(const char *p, srf__header_t *out)
{
    const char *name_end = srf__skip_run(p, SRF__CHAR_TOKEN);
    const char *colon = name_end;

    /* HCOLON, §25.1: blanks may stand before the colon, but no fold. */
    while (*colon != ':' && srf__is_blank((unsigned char)*colon))
        colon++;
    if (*colon != ':' || name_end == p)
        return NULL;
    out->name_len = (uint16_t)(name_end - p);
    out->id = (uint8_t)srf__header_find(srf__str(p, out->name_len));
    return colon + 1;
}

const srf__header_t *srf__facts_search(const srf__facts_t *facts,
                                       const srf__header_t *header)
{
    const srf__header_t *end = facts->headers + facts->header_count;

    for (const srf__header_t *h = header + 1; h < end; h++) {
        if (h->id == header->id)
            return h;
    }
    return NULL;
}

/* Compact forms of names that have no id; the others are in SRF__HEADER_MAP.
 * RFC 3261 §20, RFC 3515, RFC 3841, RFC 3892, RFC 4028, RFC 6665, RFC 8224. */
static const struct {
    char compact;
    srf__str_t name;
} compact_names[] = {
    {'a', SRF__VIEW("Accept-Contact")},
    {'b', SRF__VIEW("Referred-By")},
    {'d', SRF__VIEW("Request-Disposition")},
    {'e', SRF__VIEW("Content-Encoding")},
    {'j', SRF__VIEW("Reject-Contact")},
    {'o', SRF__VIEW("Event")},
    {'r', SRF__VIEW("Refer-To")},
    {'s', SRF__VIEW("Subject")},
    {'u', SRF__VIEW("Allow-Events")},
    {'x', SRF__VIEW("Session-Expires")},
    {'y', SRF__VIEW("Identity")},
};

/* The long form of a name without an id. */
static srf__str_t long_name(srf__str_t name)
{
    if (name.len != 1)
        return name;

    char letter = (char)srf__lower((unsigned char)name.p[0]);
    for (size_t i = 0; i < sizeof(compact_names) / sizeof(*compact_names);
         i++) {
        if (compact_names[i].compact == letter)
            return compact_names[i].name;
    }
    return name;
}

const srf__header_t *srf__facts_find(const srf__facts_t *facts, srf__str_t name,
                                     unsigned from)
{
    srf__header_id_t id = srf__header_find(name);
    srf__str_t wanted = long_name(name);

    for (unsigned i = from; i < facts->header_count; i++) {
        const srf__header_t *h = &facts->headers[i];
        if (h->id != id)
            continue;
        if (id != SRF__HDR_OTHER)
            return h;
        srf__str_t given = srf__str(facts->data + h->name, h->name_len);
        if (srf__str_ieq(long_name(given), wanted))
            return h;
    }
    return NULL;
}

/* Where the first element of a list ends: its comma, or `end`. Between brackets
 * commas and quotes are part of a URI. */
static const char *element_end(const char *p, const char *end)
{
    while (p < end && *p != ',') {
        const char *behind = p + 1;

        if (*p == '"') {
            behind = srf__skip_quoted(p, end);
        } else if (*p == '<') {
            behind = memchr(p, '>', (size_t)(end - p));
        }
        /* Not closed: nothing behind can be told apart any more. */
        p = behind == NULL ? end : behind;
    }
    return p;
}

bool srf__list_next(srf__str_t *rest, srf__str_t *element)
{
    if (rest->len == 0)
        return false;

    const char *end = rest->p + rest->len;
    const char *comma = element_end(rest->p, end);

    *element = srf__str_trim(srf__str(rest->p, (size_t)(comma - rest->p)));
    if (comma < end)
        comma++;
    *rest = srf__str(comma, (size_t)(end - comma));
    return true;
}
