/*
 * Envelopes: what a message needs to be cut out of a stream again, in the way
 * that every framer reads alike (RFC 3261 §18.3, §20.14): lines that end with
 * CRLF, and one Content-Length, which is that of the body. Datagrams may come
 * without, or with one that is spelt strangely; where the receiver of a stream
 * reads that differently, what is behind would become a message of its own.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_ENVELOPE_H
#define SRF_ENVELOPE_H

#include "base/buf.h"

#include <stdbool.h>

/* Whether the message that the pieces make up has all that. A doubt means
 * no. */
bool srf__envelope_is_plain(const srf__str_t *parts, unsigned count);
/* Writes the same message with all that into *out, which is to be freed
 * whatever comes of it; the body is what follows the head. 0; SRF_ERR_SYNTAX:
 * its head has no end; SRF_ERR_NO_MEMORY. */
int srf__envelope_write(const srf__str_t *parts, unsigned count,
                        srf__buf_t *out);

#endif /* SRF_ENVELOPE_H */
