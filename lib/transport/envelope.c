/*
 * Envelopes.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/envelope.h"

#include "base/error.h"
#include "message/lines.h"
#include "transport/framing.h"

/* ---- looking ---- */

static const char name[] = "content-length";

enum { NAME_LEN = sizeof(name) - 1, DIGITS_MAX = 10, LENGTH_BYTES = 64 };

typedef struct look {
    size_t length;
    bool found;
    bool behind_length; /* the line before was the Content-Length */
    bool ended;         /* so has the head */
} look_t;

/* "Content-Length:", spaces, digits without needless zeros, CR; `end` is behind
 * the CR. */
static bool read_length(look_t *look, const char *line, const char *end)
{
    const char *p = line + NAME_LEN;
    size_t number = 0;

    if (look->found || *p++ != ':')
        return false;
    while (*p == ' ')
        p++;
    const char *digits = p;
    for (; *p >= '0' && *p <= '9' && p - digits < DIGITS_MAX; p++)
        number = number * 10 + (size_t)(*p - '0');
    if (p == digits || (*digits == '0' && p - digits > 1) || p != end - 1)
        return false;
    look->found = true;
    look->behind_length = true;
    look->length = number;
    return true;
}

/* Its name, and no longer one. */
static bool has_name(const char *line, const char *end)
{
    return end - line > NAME_LEN &&
           srf__str_ieq(srf__str(line, NAME_LEN), srf__str(name, NAME_LEN)) &&
           !srf__char_is(line[NAME_LEN], SRF__CHAR_TOKEN);
}

/* The line that ends with the LF at `lf`. False: it, or what it follows, may be
 * read in more than one way. */
static bool look_at(look_t *look, const char *line, const char *lf)
{
    bool behind_length = look->behind_length;
    char first = (char)(*line | 0x20);

    if (lf == line || lf[-1] != '\r')
        return false;
    look->behind_length = false;
    look->ended = lf - line == 1;
    if (behind_length && (*line == ' ' || *line == '\t'))
        return false; /* a fold, §7.3.1 */
    if (first == 'l') /* the compact form is not known everywhere */
        return srf__char_is(line[1], SRF__CHAR_TOKEN);
    return first != 'c' || !has_name(line, lf) || read_length(look, line, lf);
}

/* A line that was begun in the piece before goes on at `p`. */
static bool look_at_rest(const char *begun, const char *p, const char *lf)
{
    char first = (char)(*begun | 0x20);

    return first != 'c' && first != 'l' && lf > p && lf[-1] == '\r';
}

bool srf__envelope_is_plain(const srf__str_t *parts, unsigned count)
{
    look_t look = {0};
    const char *begun = NULL;
    size_t body = 0;

    for (unsigned i = 0; i < count; i++) {
        const char *p = parts[i].p;
        const char *end = p + parts[i].len;
        while (!look.ended && p < end) {
            const char *lf = memchr(p, '\n', (size_t)(end - p));
            if (lf == NULL) {
                if (begun != NULL)
                    return false;
                begun = p;
                p = end;
                break;
            }
            if (begun == NULL ? !look_at(&look, p, lf)
                              : !look_at_rest(begun, p, lf))
                return false;
            begun = NULL;
            p = lf + 1;
        }
        if (look.ended)
            body += (size_t)(end - p);
    }
    return look.ended && look.found && look.length == body;
}

/* ---- writing ---- */

/* The head's lines, but those that say how long the body is; what is behind the
 * empty line, NULL when there is none. */
static const char *write_head(srf__buf_t *out, srf__str_t all)
{
    if (all.len == 0)
        return NULL;
    const char *end = all.p + all.len;
    const char *line = all.p;
    const char *behind = line; /* of the line with its folds */
    const char *value;
    bool skipped = false;

    while (line < end) {
        const char *lf = memchr(line, '\n', (size_t)(end - line));
        if (lf == NULL)
            return NULL;
        size_t len = (size_t)(lf - line);
        if (len > 0 && line[len - 1] == '\r')
            len--;
        if (len == 0)
            return lf + 1;
        if (line == behind) {
            behind = srf__framing_behind_line(line, end);
            skipped = line != all.p &&
                      (srf__framing_is_length(line, behind, &value) ||
                       has_name(line, lf));
        }
        if (!skipped) {
            srf__buf_add(out, line, len);
            srf__buf_add_text(out, "\r\n");
        }
        line = lf + 1;
    }
    return NULL;
}

static int write_plain(srf__buf_t *out, srf__str_t all)
{
    const char *body = write_head(out, all);

    if (body == NULL)
        return SRF_ERR_SYNTAX;
    size_t len = (size_t)(all.p + all.len - body);
    srf__buf_add_text(out, "Content-Length: ");
    srf__buf_add_u64(out, len);
    srf__buf_add_text(out, "\r\n\r\n");
    srf__buf_add(out, body, len);
    return out->err;
}

int srf__envelope_write(const srf__str_t *parts, unsigned count,
                        srf__buf_t *out)
{
    srf__buf_t all;

    srf__buf_init(&all, SIZE_MAX);
    srf__buf_init(out, SIZE_MAX);
    for (unsigned i = 0; i < count; i++)
        srf__buf_add(&all, parts[i].p, parts[i].len);
    int err = all.err != 0 ? all.err : write_plain(out, srf__buf_str(&all));
    srf__buf_deinit(&all);
    return err;
}
