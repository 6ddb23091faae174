/*
 * String views.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/str.h"

bool srf__is_token_char(unsigned char c)
{
    return srf__is_alpha(c) || srf__is_digit(c) ||
           (c != '\0' && strchr("-.!%*_+`'~", c) != NULL);
}

bool srf__str_is_token(srf__str_t s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!srf__is_token_char((unsigned char)s.p[i]))
            return false;
    }
    return s.len > 0;
}

bool srf__str_eq(srf__str_t a, srf__str_t b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool srf__str_ieq(srf__str_t a, srf__str_t b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (srf__lower((unsigned char)a.p[i]) !=
            srf__lower((unsigned char)b.p[i]))
            return false;
    }
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

srf__str_t srf__str_trim(srf__str_t s)
{
    while (s.len > 0 && is_space(s.p[0])) {
        s.p++;
        s.len--;
    }
    while (s.len > 0 && is_space(s.p[s.len - 1]))
        s.len--;
    return s;
}

size_t srf__str_find(srf__str_t s, char c)
{
    const char *at = s.len == 0 ? NULL : memchr(s.p, c, s.len);

    return at == NULL ? s.len : (size_t)(at - s.p);
}

bool srf__str_to_u32(srf__str_t s, uint32_t max, uint32_t *out)
{
    uint64_t value = 0;

    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (!srf__is_digit(c))
            return false;
        value = value * 10 + (c - (unsigned)'0');
        if (value > max)
            return false;
    }
    *out = (uint32_t)value;
    return true;
}

/* One more than the value of a hexadecimal digit; 0 for other bytes. */
static const unsigned char hex_values[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
    ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
    ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
    ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

int srf__hex_value(unsigned char c)
{
    return hex_values[c] - 1;
}

/* Eight digits at a time, since every branch has many: each stands in a byte of
 * its own, the first in the highest. */
static const uint64_t ones = UINT64_MAX / 255;

static inline uint64_t load_eight(const char *p)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t x;

    memcpy(&x, p, sizeof(x));
    return __builtin_bswap64(x);
#else
    uint64_t x = 0;

    for (unsigned i = 0; i < 8; i++)
        x = x << 8 | (unsigned char)p[i];
    return x;
#endif
}

/* The small digits of numbers up to 15: those above 9 get what lies between '9'
 * and 'a'. */
static uint64_t digits_of(uint64_t x)
{
    return x + ones * '0' + ((x + ones * 6) >> 4 & ones) * ('a' - '9' - 1);
}

static void write_eight(char *out, uint32_t value)
{
    uint64_t x = value;

    x = (x | x << 16) & 0x0000ffff0000ffffull;
    x = (x | x << 8) & 0x00ff00ff00ff00ffull;
    x = (x | x << 4) & 0x0f0f0f0f0f0f0f0full;
    x = digits_of(x);
    for (unsigned i = 0; i < 8; i++)
        out[i] = (char)(x >> (56 - 8 * i) & 0xff);
}

/* What is no digit is not what its number would be written as. */
static bool read_eight(const char *p, uint32_t *out)
{
    uint64_t text = load_eight(p);
    uint64_t letters = text >> 6 & ones;
    uint64_t x = (text & ones * 15) + letters * 9;

    if ((x & ones * 0xf0) != 0 || digits_of(x) != (text | letters << 5))
        return false;
    x = (x | x >> 4) & 0x00ff00ff00ff00ffull;
    x = (x | x >> 8) & 0x0000ffff0000ffffull;
    *out = (uint32_t)(x | x >> 16);
    return true;
}

void srf__hex_write(char *out, uint64_t value, unsigned digits)
{
    static const char hex[] = "0123456789abcdef";

    for (; digits >= 8; digits -= 8) {
        write_eight(out + digits - 8, (uint32_t)value);
        value >>= 32;
    }
    while (digits > 0) {
        out[--digits] = hex[value & 15];
        value >>= 4;
    }
}

bool srf__hex_read(srf__str_t s, uint64_t *out)
{
    uint64_t value = 0;

    if (s.len == 0 || s.len > 16)
        return false;
    const char *p = s.p;
    for (size_t few = s.len % 8; few > 0; few--, p++) {
        unsigned digit = hex_values[(unsigned char)*p];
        if (digit == 0)
            return false;
        value = value << 4 | (digit - 1);
    }
    for (const char *end = s.p + s.len; p < end; p += 8) {
        uint32_t eight;
        if (!read_eight(p, &eight))
            return false;
        value = value << 32 | eight;
    }
    *out = value;
    return true;
}
