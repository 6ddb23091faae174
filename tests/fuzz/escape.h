/*
 * Escapes where a name may have them: mutations that a fuzzer which knows bytes
 * only does not come by (RFC 3261 §19.1.4).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_FUZZ_ESCAPE_H
#define SRF_FUZZ_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline bool fuzz_is_letter(uint8_t c)
{
    return (unsigned)(c | 0x20) - 'a' < 26u;
}

/* Whether the byte at `at` is a letter in the name of a parameter or header of
 * a URI: behind ";", "?" or "&" come letters only. */
static inline bool fuzz_is_in_name(const uint8_t *data, size_t at)
{
    if (!fuzz_is_letter(data[at]))
        return false;
    while (at > 0 && fuzz_is_letter(data[at - 1]))
        at--;
    return at > 0 && strchr(";?&", data[at - 1]) != NULL && data[at - 1] != 0;
}

/* Writes the letter at `at` as "%" HEX HEX; returns the new size. */
static inline size_t fuzz_escape_at(uint8_t *data, size_t size, size_t at)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t c = data[at];

    memmove(data + at + 3, data + at + 1, size - at - 1);
    data[at] = '%';
    data[at + 1] = (uint8_t)digits[c >> 4];
    data[at + 2] = (uint8_t)digits[c & 15];
    return size + 2;
}

/* Escapes one such letter, of those that there are the one that `seed` says.
 * Returns the new size; `size` when there is none or no room. */
static inline size_t fuzz_escape(uint8_t *data, size_t size, size_t max,
                                 unsigned seed)
{
    size_t count = 0;

    for (size_t i = 0; i < size; i++)
        count += fuzz_is_in_name(data, i);
    if (count == 0 || size + 2 > max)
        return size;
    size_t wanted = seed % count;
    for (size_t i = 0; i < size; i++) {
        if (fuzz_is_in_name(data, i) && wanted-- == 0)
            return fuzz_escape_at(data, size, i);
    }
    return size;
}

#endif /* SRF_FUZZ_ESCAPE_H */
