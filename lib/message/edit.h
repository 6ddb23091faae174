/*
 * Edits: what a proxy changes in a message, as a sorted list of "at this offset
 * replace so many bytes by these", gathered once into the image that is sent.
 * Everything not edited keeps its bytes.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_EDIT_H
#define SRF_EDIT_H

#include "message/message.h"

#include <stdint.h>

typedef struct srf__edit {
    uint32_t off;
    uint32_t remove;
    srf__str_t insert; /* borrowed until gathered */
} srf__edit_t;

enum { SRF__EDITS_MAX = 64 };

typedef struct srf__edits {
    unsigned count;
    int err; /* SRF_ERR_LIMIT when more than SRF__EDITS_MAX were added */
    srf__edit_t list[SRF__EDITS_MAX];
} srf__edits_t;

void srf__edits_init(srf__edits_t *edits);
/* Adds an edit, kept sorted by offset; of several insertions at one offset the
 * one added first comes first. Edits must not overlap. */
void srf__edits_add(srf__edits_t *edits, uint32_t off, uint32_t remove,
                    srf__str_t insert);

/* Applies the edits to `len` bytes at `data` and writes the result, whose
 * length srf__edits_size() tells, to `out`. */
size_t srf__edits_size(const srf__edits_t *edits, size_t len);
void srf__edits_gather(const srf__edits_t *edits, const char *data, size_t len,
                       char *out);
/* Applies the edits and writes the result into a new message; NULL when memory
 * is out. edits->err must be 0. */
srf_msg_t *srf__edits_apply(srf__pool_t *pool, const srf__edits_t *edits,
                            const srf__facts_t *facts);

/* The edits that proxies make. Inserted views must live until gathering. */

/* Inserts a whole new line, e.g. "Via: ...\r\n", before the header `before`, or
 * at the end of the head when that is NULL. */
void srf__edit_insert_line(srf__edits_t *edits, const srf__facts_t *facts,
                           const srf__header_t *before, srf__str_t line);
/* Removes a whole line. */
void srf__edit_remove_line(srf__edits_t *edits, const srf__header_t *header);
/* Replaces a line's value, trailing white space excepted. */
void srf__edit_replace_value(srf__edits_t *edits, const srf__header_t *header,
                             srf__str_t value);
/* Returns the bytes to cut so that the topmost Via value of a message is gone:
 * the whole line when it stands alone there, else the value with its comma. */
srf__span_t srf__cut_top_via(const srf__facts_t *facts);

#endif /* SRF_EDIT_H */
