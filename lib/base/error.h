/*
 * Errors and assertions. The list of codes is SRF_ERRNO_MAP in srf/srf.h.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_ERROR_H
#define SRF_ERROR_H

#include "srf/srf.h"

#include <assert.h>

/* For invariants and misuse by the program, never for data from outside. */
#define srf__assert(condition) assert(condition)

/* Copies caller's size-first options `src` into `dst` of `dst_size` bytes:
 * shorter ones are zero-extended, longer ones accepted when the excess is all
 * zero. `src` NULL gives all defaults. 0, SRF_ERR_INVALID_ARGUMENT (size below
 * `min_size`), SRF_ERR_UNSUPPORTED. */
int srf__options_copy(void *dst, size_t dst_size, const void *src,
                      size_t min_size);

#endif /* SRF_ERROR_H */
