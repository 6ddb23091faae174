/*
 * String views: a pointer and a length, passed by value. A view owns nothing.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_STR_H
#define SRF_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct srf__str {
    const char *p;
    size_t len;
} srf__str_t;

/* A view of a string literal. */
#define SRF__STR(literal) ((srf__str_t){(literal), sizeof(literal) - 1})

static inline srf__str_t srf__str(const char *p, size_t len)
{
    srf__str_t s = {p, len};
    return s;
}

/* A view of a NUL-terminated string; NULL gives the empty view. */
static inline srf__str_t srf__str_of(const char *text)
{
    return srf__str(text, text == NULL ? 0 : strlen(text));
}

/* Turns an ASCII byte into lower case, whatever the locale is. */
static inline unsigned char srf__lower(unsigned char c)
{
    return (unsigned char)((unsigned)c - 'A' < 26u ? c | 0x20 : c);
}

static inline bool srf__is_digit(unsigned char c)
{
    return (unsigned)c - '0' < 10u;
}

static inline bool srf__is_alpha(unsigned char c)
{
    return ((unsigned)c | 0x20u) - 'a' < 26u;
}

/* Tells whether a byte is white space inside a header value: SP or HTAB (RFC
 * 3261 §25.1 LWS). */
static inline bool srf__is_blank(unsigned char c)
{
    return c == ' ' || c == '\t';
}

/* Tells whether a byte belongs to a token, RFC 3261 §25.1. */
bool srf__is_token_char(unsigned char c);
/* Tells whether it has token bytes and nothing else, one at least. */
bool srf__str_is_token(srf__str_t s);

bool srf__str_eq(srf__str_t a, srf__str_t b);
/* Tells whether they are equal but for ASCII case. */
bool srf__str_ieq(srf__str_t a, srf__str_t b);
/* Takes away white space, CR and LF at both ends. */
srf__str_t srf__str_trim(srf__str_t s);
/* Returns the offset of the first `c`, or s.len. */
size_t srf__str_find(srf__str_t s, char c);
/* Reads all of `s` as decimal digits, 1 or more, at most `max`. */
bool srf__str_to_u32(srf__str_t s, uint32_t max, uint32_t *out);
/* Returns the value of a hexadecimal digit, or -1. */
int srf__hex_value(unsigned char c);
/* Writes exactly `digits` lower-case hexadecimal digits of `value`; no NUL. */
void srf__hex_write(char *out, uint64_t value, unsigned digits);
/* Reads exactly s.len lower-case or upper-case hex digits (at most 16). */
bool srf__hex_read(srf__str_t s, uint64_t *out);

#endif /* SRF_STR_H */
