/*
 * What reading and comparing URIs have in common. For these two only.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_URI_PARTS_H
#define SRF_URI_PARTS_H

/* The byte at *p, which is before `end`; "%" HEX HEX counts as the byte it
 * stands for. Moves *p behind it. */
unsigned char srf__uri_take(const char **p, const char *end);

#endif /* SRF_URI_PARTS_H */
