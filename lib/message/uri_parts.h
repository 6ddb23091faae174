/*
 * What reading and comparing URIs have in common. For these two only.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_URI_PARTS_H
#define SRF_URI_PARTS_H

#include <stdbool.h>

/* The byte at *p, which is before `end`; "%" HEX HEX counts as the byte it
 * stands for. Moves *p behind it. */
unsigned char srf__uri_take(const char **p, const char *end);

/* RFC 2396 §2.2. An escaped one of these does not mean the plain one (RFC 3261
 * §19.1.4). */
bool srf__uri_is_reserved(unsigned char c);

#endif /* SRF_URI_PARTS_H */
