/*
 * Bytes of a stream that are read piece by piece: what one piece leaves over is
 * carried on to the next. With nothing left over nothing is copied or held.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_CARRY_H
#define SRF_CARRY_H

#include "base/str.h"

/* Filled with zeros it is empty and valid. */
typedef struct srf__carry {
    char *own; /* what was left over; NULL when nothing was */
    size_t own_len;
    size_t own_cap;
    const char *data; /* between begin and end: what is there */
    size_t len;
    size_t off; /* how much of it was taken */
} srf__carry_t;

/* Takes new bytes, which are borrowed until srf__carry_end(). 0 or
 * SRF_ERR_NO_MEMORY. */
int srf__carry_begin(srf__carry_t *carry, const char *data, size_t len);
/* Keeps a copy of what was not taken. 0 or SRF_ERR_NO_MEMORY. */
int srf__carry_end(srf__carry_t *carry);
void srf__carry_deinit(srf__carry_t *carry);

/* Returns what is there and not taken. */
static inline srf__str_t srf__carry_rest(const srf__carry_t *carry)
{
    return srf__str(carry->data + carry->off, carry->len - carry->off);
}

static inline void srf__carry_take(srf__carry_t *carry, size_t len)
{
    carry->off += len;
}

#endif /* SRF_CARRY_H */
