/*
 * Characters of UTF-8 (RFC 3629), and which of them are more than text.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_UTF8_H
#define SRF_UTF8_H

#include "base/str.h"

#define SRF__UTF8_NONE UINT32_MAX

/* Returns the length of the character that the non-empty `s` begins with, and
 * its code. SRF__UTF8_NONE when it begins with none: then the length is that of
 * the bytes that could have begun one, at least 1. */
size_t srf__utf8_read(srf__str_t s, uint32_t *code);

/* A character that a terminal obeys or a reader of lines takes for an end of
 * line: C0, DEL, C1, the separators of lines and paragraphs, and those that
 * turn the direction of writing (Bidi_Control in Unicode). All are below
 * U+10000. */
bool srf__utf8_is_control(uint32_t code);

/* Tells whether a byte is neither a control nor part of a longer character, as
 * most are. */
static inline bool srf__utf8_is_plain(char c)
{
    return c >= 0x20 && c < 0x7f;
}

/* Copies `text` as a C string that shows U+FFFD for each NUL, which is three
 * bytes: `out` has room for srf__utf8_shown_len() bytes and one more. */
void srf__utf8_show_nuls(char *out, srf__str_t text);
size_t srf__utf8_shown_len(srf__str_t text);

#endif /* SRF_UTF8_H */
