/*
 * Durations as text.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/error.h"
#include "base/str.h"

int srf_duration_parse(const char *text, uint32_t *out_ms)
{
    uint32_t number;
    uint64_t unit;

    if (text == NULL || out_ms == NULL)
        return SRF_ERR_INVALID_ARGUMENT;
    srf__str_t digits = srf__str_of(text);
    if (digits.len > 2 && memcmp(text + digits.len - 2, "ms", 2) == 0) {
        unit = 1;
        digits.len -= 2;
    } else if (digits.len > 1 && text[digits.len - 1] == 's') {
        unit = 1000;
        digits.len -= 1;
    } else {
        return SRF_ERR_INVALID_DURATION;
    }
    if (!srf__str_to_u32(digits, UINT32_MAX - 1, &number) ||
        number * unit > UINT32_MAX - 1)
        return SRF_ERR_INVALID_DURATION;
    *out_ms = (uint32_t)(number * unit);
    return 0;
}
