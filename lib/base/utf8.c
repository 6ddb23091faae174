/*
 * Characters of UTF-8.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/utf8.h"

#include "srf/srf.h"

#include <string.h>

size_t srf__utf8_read(srf__str_t s, uint32_t *code)
{
    const unsigned char *p = (const unsigned char *)s.p;
    unsigned char low = 0x80; /* bounds of the second byte, RFC 3629 §4 */
    unsigned char high = 0xbf;
    size_t want = 2;
    size_t n = 1;
    uint32_t value = p[0];

    *code = p[0] < 0x80 ? p[0] : SRF__UTF8_NONE;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 1;
    if (p[0] >= 0xe0)
        want = p[0] < 0xf0 ? 3 : 4;
    if (p[0] == 0xe0) /* no longer than need be */
        low = 0xa0;
    else if (p[0] == 0xed) /* no surrogates */
        high = 0x9f;
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xf4) /* at most U+10FFFF */
        high = 0x8f;
    value &= 0x7fu >> want;
    while (n < want && n < s.len && p[n] >= low && p[n] <= high) {
        value = value << 6 | (p[n] & 0x3fu);
        low = 0x80;
        high = 0xbf;
        n++;
    }
    if (n == want)
        *code = value;
    return n;
}

size_t srf__utf8_shown_len(srf__str_t text)
{
    size_t len = text.len;

    for (size_t i = 0; i < text.len; i++)
        len += text.p[i] == '\0' ? 2 : 0;
    return len;
}

void srf__utf8_show_nuls(char *out, srf__str_t text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] != '\0') {
            *out++ = text.p[i];
            continue;
        }
        memcpy(out, "\xef\xbf\xbd", 3);
        out += 3;
    }
    *out = '\0';
}

bool srf__utf8_is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x061c ||
           code == 0x200e || code == 0x200f ||
           (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}

/* ------------------------------------------------------------------ */
/* Text for people                                                     */
/* ------------------------------------------------------------------ */

/* Where it goes: `at` bytes are there, all of it would take `need`. */
struct shown {
    char *out;
    size_t room; /* without the NUL */
    size_t at;
    size_t need;
    bool full;
};

static void show(struct shown *shown, const char *piece, size_t len)
{
    shown->need += len;
    shown->full = shown->full || len > shown->room - shown->at;
    if (shown->full || len == 0)
        return;
    memcpy(shown->out + shown->at, piece, len);
    shown->at += len;
}

/* Plain characters may be cut anywhere. */
static void show_plain(struct shown *shown, const char *p, size_t len)
{
    size_t fits = shown->room - shown->at;

    fits = shown->full || len <= fits ? len : fits;
    show(shown, p, fits);
    if (fits < len) {
        shown->full = true;
        shown->need += len - fits;
    }
}

static void show_byte(struct shown *shown, char c)
{
    char piece[4] = {'\\', 'x'};

    srf__hex_write(piece + 2, (unsigned char)c, 2);
    show(shown, piece, sizeof(piece));
}

/* A control behind ASCII: "\u{85}", "\u{202e}". */
static void show_code(struct shown *shown, uint32_t code)
{
    char piece[8] = {'\\', 'u', '{'};
    unsigned digits = code < 0x100 ? 2 : code < 0x1000 ? 3 : 4;

    srf__hex_write(piece + 3, code, digits);
    piece[3 + digits] = '}';
    show(shown, piece, 4 + digits);
}

size_t srf_printable(char *out, size_t size, const char *text, size_t len)
{
    struct shown shown = {.out = out, .room = size > 0 ? size - 1 : 0};
    size_t i = 0;

    while (i < len) {
        uint32_t code;
        size_t n = 0;

        while (i + n < len && srf__utf8_is_plain(text[i + n]))
            n++;
        show_plain(&shown, text + i, n);
        i += n;
        if (i == len)
            break;
        n = srf__utf8_read(srf__str(text + i, len - i), &code);
        if (code != SRF__UTF8_NONE && !srf__utf8_is_control(code))
            show(&shown, text + i, n);
        else if (code >= 0x80 && code != SRF__UTF8_NONE)
            show_code(&shown, code);
        else
            for (size_t k = 0; k < n; k++)
                show_byte(&shown, text[i + k]);
        i += n;
    }
    if (size > 0)
        out[shown.at] = '\0';
    return shown.need;
}
