/*
 * Framing.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/framing.h"

#include "message/lines.h"
#include "message/scan.h"

/* A start line without an end is something else. */
enum { START_LINE_MAX = 8192 };

void srf__framer_init(srf__framer_t *framer, const srf__framer_limits_t *limits)
{
    memset(framer, 0, sizeof(*framer));
    framer->limits = *limits;
}

void srf__framer_deinit(srf__framer_t *framer)
{
    srf__carry_deinit(&framer->carry);
}

int srf__framer_begin(srf__framer_t *framer, const char *data, size_t len)
{
    return srf__carry_begin(&framer->carry, data, len);
}

int srf__framer_end(srf__framer_t *framer)
{
    if (framer->dead) {
        srf__carry_deinit(&framer->carry);
        return 0;
    }
    return srf__carry_end(&framer->carry);
}

/* ---- messages ---- */

static srf__framed_kind_t refuse(srf__framer_t *framer, srf__framed_t *out,
                                 unsigned status, const char *reason)
{
    srf__str_t head = srf__carry_rest(&framer->carry);

    if (framer->head_len > 0)
        head.len = framer->head_len;
    if (head.len > framer->limits.max_head_bytes)
        head.len = framer->limits.max_head_bytes;
    framer->dead = true;
    out->kind = SRF__FRAMED_REFUSE;
    out->bytes = head;
    out->status = status;
    out->reason = reason;
    return out->kind;
}

static srf__framed_kind_t give_up(srf__framer_t *framer, srf__framed_t *out)
{
    framer->dead = true;
    out->kind = SRF__FRAMED_GARBAGE;
    return out->kind;
}

/* The length of the empty line that comes; 0 when there is none, or not all of
 * it. */
static size_t empty_line(const srf__framer_t *framer)
{
    srf__str_t rest = srf__carry_rest(&framer->carry);

    if (rest.len >= 1 && rest.p[0] == '\n')
        return 1;
    return rest.len >= 2 && rest.p[0] == '\r' && rest.p[1] == '\n' ? 2 : 0;
}

/* Skips empty lines between messages. True when CRLF stood there twice. */
static bool take_ping(srf__framer_t *framer)
{
    size_t len;

    while ((len = empty_line(framer)) > 0) {
        bool second = len == 2 && framer->half_ping;
        srf__carry_take(&framer->carry, len);
        framer->units++;
        framer->half_ping = len == 2 && !second;
        if (second)
            return true;
    }
    return false;
}

/* Looks at the lines that came since; true when the empty line that ends the
 * head is among them. */
static bool find_head(srf__framer_t *framer)
{
    srf__str_t rest = srf__carry_rest(&framer->carry);
    const char *lf;

    while ((lf = memchr(rest.p + framer->looked, '\n',
                        rest.len - framer->looked)) != NULL) {
        size_t behind = (size_t)(lf - rest.p) + 1;
        size_t line_len = behind - 1 - framer->line;
        bool empty =
            line_len == 0 || (line_len == 1 && rest.p[framer->line] == '\r');
        framer->looked = behind;
        framer->line = behind;
        if (framer->start_len == 0)
            framer->start_len = behind;
        if (empty) {
            framer->head_len = behind;
            return true;
        }
    }
    framer->looked = rest.len;
    if (framer->line == 0 && rest.len > START_LINE_MAX)
        framer->start_len = rest.len;
    return false;
}

const char *srf__framing_behind_line(const char *p, const char *end)
{
    do {
        const char *lf = memchr(p, '\n', (size_t)(end - p));
        if (lf == NULL)
            return end;
        p = lf + 1;
    } while (p < end && srf__is_blank((unsigned char)*p));
    return p;
}

bool srf__framing_is_length(const char *line, const char *end,
                            const char **value)
{
    srf__header_t header;

    /* Most lines are over with their first letter (compact form: "l"). */
    if ((*line | 0x20) != 'c' && (*line | 0x20) != 'l')
        return false;
    const char *behind = srf__name_read(line, end - 1, &header);
    if (behind == NULL || header.id != SRF__HDR_CONTENT_LENGTH)
        return false;
    *value = srf__skip_lws(behind, end - 1);
    return true;
}

/* The reason why the length of the body is not known, or not to be trusted;
 * NULL when it is. */
static const char *read_body_length(srf__framer_t *framer)
{
    const char *begin = srf__carry_rest(&framer->carry).p;
    const char *end = begin + framer->head_len;
    const char *next = begin;
    const char *value;
    bool found = false;

    while (next < end) {
        uint64_t number;
        const char *p = next;
        next = srf__framing_behind_line(p, end);
        if (p == begin || !srf__framing_is_length(p, next, &value))
            continue;
        if (found)
            return "Repeated Content-Length";
        const char *behind = srf__read_number(value, &number);
        if (behind == value || srf__skip_lws(behind, next) != next ||
            number > UINT32_MAX)
            return "Bad Content-Length";
        framer->body_len = (size_t)number;
        found = true;
    }
    if (!found)
        return "Missing Content-Length";
    return srf__flaws_reason(srf__find_flaws(begin, end));
}

/* The head is complete: how long is the message? True: `out` says that this
 * cannot be told. */
static bool refuse_head(srf__framer_t *framer, srf__framed_t *out)
{
    const srf__framer_limits_t *limits = &framer->limits;
    const char *reason = read_body_length(framer);

    if (reason != NULL) {
        (void)refuse(framer, out, 400, reason);
        return true;
    }
    if (framer->head_len <= limits->max_head_bytes &&
        framer->head_len + framer->body_len <= limits->max_message_bytes)
        return false;
    (void)refuse(framer, out, 513, "Message Too Large");
    return true;
}

static srf__framed_kind_t take_message(srf__framer_t *framer,
                                       srf__framed_t *out)
{
    srf__str_t rest = srf__carry_rest(&framer->carry);
    size_t len = framer->head_len + framer->body_len;

    if (rest.len < len)
        return SRF__FRAMED_NONE;
    out->kind = SRF__FRAMED_MESSAGE;
    out->bytes = srf__str(rest.p, len);
    srf__carry_take(&framer->carry, len);
    framer->units++;
    framer->start_len = 0;
    framer->line = 0;
    framer->looked = 0;
    framer->head_len = 0;
    framer->body_len = 0;
    return out->kind;
}

/* No head yet: is there ever going to be one? */
static srf__framed_kind_t take_part(srf__framer_t *framer, srf__framed_t *out)
{
    size_t left = srf__carry_rest(&framer->carry).len;

    if (left > framer->limits.max_head_bytes)
        return refuse(framer, out, 513, "Message Too Large");
    return SRF__FRAMED_NONE;
}

srf__framed_kind_t srf__framer_next(srf__framer_t *framer, srf__framed_t *out)
{
    memset(out, 0, sizeof(*out));
    if (framer->dead)
        return SRF__FRAMED_NONE;
    if (framer->looked == 0 && take_ping(framer)) {
        out->kind = SRF__FRAMED_PING;
        return out->kind;
    }
    srf__str_t rest = srf__carry_rest(&framer->carry);
    if (rest.len == 0 || (rest.len == 1 && rest.p[0] == '\r'))
        return SRF__FRAMED_NONE;
    framer->half_ping = false;
    if (!srf__char_is(rest.p[0], SRF__CHAR_TOKEN))
        return give_up(framer, out);
    if (framer->head_len == 0) {
        bool found = find_head(framer);
        if (framer->start_len > START_LINE_MAX)
            return give_up(framer, out);
        if (!found)
            return take_part(framer, out);
        if (refuse_head(framer, out))
            return out->kind;
    }
    return take_message(framer, out);
}
