/*
 * What header lines are made of: classes of bytes, white space with folds,
 * quoted strings, parameters. For the scanner and its neighbours only.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_LINES_H
#define SRF_LINES_H

#include "base/buf.h"
#include "base/str.h"
#include "message/header.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __SSE2__
# include <emmintrin.h>
#endif

/* A view of a string literal in a static table, where SRF__STR(), a compound
 * literal, is no constant. */
#define SRF__VIEW(literal)       \
 {                               \
  (literal), sizeof(literal) - 1 \
 }

/* Classes of bytes, RFC 3261 §25.1; a byte may be in several. */
enum {
    SRF__CHAR_TOKEN = 1,
    SRF__CHAR_LWS = 2,   /* SP, HTAB and the CR and LF of a fold */
    SRF__CHAR_VALUE = 4, /* visible and cannot end a parameter's value */
    SRF__CHAR_HOST = 8   /* letters, digits, "-", ".", and "_" as tolerated */
};

extern const uint8_t srf__char_classes[256];

static inline bool srf__char_is(char c, unsigned classes)
{
    return (srf__char_classes[(unsigned char)c] & classes) != 0;
}

/*
 * The functions below read up to `end` inside a header line, where the byte at
 * `end` can be read and is a blank, CR or LF: a run of other bytes ends there
 * by itself.
 */

/* Goes behind the run of bytes of these classes that begins at `p`; for classes
 * other than SRF__CHAR_LWS. */
static inline const char *srf__skip_run(const char *p, unsigned classes)
{
    /* Four a turn: this loop is a good part of what a message costs. */
    for (;; p += 4) {
        if (!srf__char_is(p[0], classes))
            return p;
        if (!srf__char_is(p[1], classes))
            return p + 1;
        if (!srf__char_is(p[2], classes))
            return p + 2;
        if (!srf__char_is(p[3], classes))
            return p + 3;
    }
}

/* Goes behind the digits at `p`; *out is their number, UINT64_MAX when it does
 * not fit. */
static inline const char *srf__read_number(const char *p, uint64_t *out)
{
    uint64_t number = 0;

    while (*p == '0')
        p++;
    const char *begin = p;
    for (; srf__is_digit((unsigned char)*p); p++)
        number = number * 10 + (unsigned)(*p - '0');
    *out = p - begin > 19 ? UINT64_MAX : number; /* 10**19 < 2**64 */
    return p;
}

/* The top bit of a byte is set for the first byte of `p` below 0x21, and for
 * none when there is no such byte. */
static inline uint64_t srf__invisible_8(const char *p)
{
    const uint64_t ones = UINT64_MAX / 255;
    uint64_t w = srf__load_8(p);

    return (w - ones * 0x21) & ~w & ones * 0x80;
}

/* Tells whether no byte is white space or a control (DEL passes). Eight at a
 * time, the last eight with some that were looked at. */
static inline bool srf__is_visible(const char *p, const char *end)
{
    if (end - p >= 8) {
        uint64_t found = srf__invisible_8(end - 8);
        for (; end - p > 8; p += 8)
            found |= srf__invisible_8(p);
        return found == 0;
    }
    while (p < end && (unsigned char)*p > ' ')
        p++;
    return p == end;
}

/* What is wrong with the lines of a head. */
enum {
    SRF__FLAW_CR = 1,  /* a CR that no LF follows */
    SRF__FLAW_NUL = 2, /* a NUL byte that is not quoted */
    SRF__FLAW_LF = 4   /* a LF that no CR precedes: a line end all the same */
};

/* Finds the first byte up to CR, which is all that can end a line or spoil it;
 * `end` when there is none. */
static inline const char *srf__find_control(const char *p, const char *end)
{
#ifdef __SSE2__
    const __m128i cr = _mm_set1_epi8('\r');

    for (size_t n = (size_t)(end - p) / 16; n > 0; n--, p += 16) {
        __m128i above = _mm_subs_epu8(
            _mm_loadu_si128((const __m128i *)(const void *)p), cr);
        int found =
            _mm_movemask_epi8(_mm_cmpeq_epi8(above, _mm_setzero_si128()));
        if (found != 0)
            return p + __builtin_ctz((unsigned)found);
    }
#endif
    while (p < end && (unsigned char)*p > '\r')
        p++;
    return p;
}

/* Finds the LF that ends the line which `p` is in; NULL when the bytes end
 * before. Adds to *flaws what is wrong up to there. */
static inline const char *srf__line_end(const char *p, const char *end,
                                        unsigned *flaws)
{
    while ((p = srf__find_control(p, end)) != end) {
        if (*p == '\r' && end - p > 1 && p[1] == '\n')
            return p + 1;
        if (*p == '\r') {
            *flaws |= SRF__FLAW_CR;
        } else if (*p == '\n') {
            *flaws |= SRF__FLAW_LF;
            return p;
        } else if (*p == '\0') {
            *flaws |= SRF__FLAW_NUL;
        }
        p++;
    }
    return NULL;
}

/* Whether each NUL in a head is one that RFC 3261 §25.1 allows: in a quoted
 * pair of a quoted string, in a header line. */
bool srf__nuls_are_quoted(const char *p, const char *end);

/* Finds what is wrong from `p` to `end`, the head of a message. */
unsigned srf__find_flaws(const char *p, const char *end);

/* Returns why a head with these is refused; NULL when it is not. Static
 * text. */
static inline const char *srf__flaws_reason(unsigned flaws)
{
    /* RFC 3261 §7: a line ends with CRLF. Many take a CR by itself for a line
     * end, too, and see header fields behind it that nobody else knows of. */
    if ((flaws & SRF__FLAW_CR) != 0)
        return "CR Without LF in Header";
    /* The program gets names and values as C strings. */
    return (flaws & SRF__FLAW_NUL) != 0 ? "NUL Byte in Header" : NULL;
}

/* Appends the lines of a head with CRLF where a LF stood alone (RFC 3261 §7):
 * who reads on what goes from here sees the lines that were seen here. */
void srf__lines_repair(srf__str_t head, srf__buf_t *out);

/* Does what srf__skip_lws() does where there is more than one space. */
const char *srf__skip_folds(const char *p, const char *end);

/* Goes behind white space and folds. A CR that does not begin a line end
 * stays. */
static inline const char *srf__skip_lws(const char *p, const char *end)
{
    if ((unsigned char)*p > ' ')
        return p;
    if (*p == ' ' && p < end && (unsigned char)p[1] > ' ')
        return p + 1;
    return srf__skip_folds(p, end);
}

/* `name`, made of token bytes, is `lower`, made of small letters, in any case.
 * No token byte but a capital becomes a small letter by setting bit 5. */
static inline bool srf__name_is(srf__str_t name, const char *lower)
{
    size_t i = 0;

    while (i < name.len && (name.p[i] | 0x20) == lower[i])
        i++;
    return i == name.len && lower[i] == '\0';
}

/* Goes behind the quoted string that begins at `p`; NULL when it is not
 * closed. */
const char *srf__skip_quoted(const char *p, const char *end);

/* generic-param, RFC 3261 §25.1. */
typedef struct srf__param {
    srf__str_t name;
    srf__str_t value; /* with the quotes of a quoted string */
    bool has_value;   /* there was a "=", be it with nothing behind */
    bool quoted;
} srf__param_t;

/* Reads the parameter behind a ";" that stands right before `p`. Returns what
 * is behind it, white space not skipped; NULL when there is no parameter. */
const char *srf__param_read(const char *p, const char *end, srf__param_t *out);

#endif /* SRF_LINES_H */
