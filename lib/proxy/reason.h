/*
 * Why a CANCEL is sent: the Reason header field (RFC 3326).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_REASON_H
#define SRF_REASON_H

#include "base/buf.h"
#include "message/scan.h"

/* A value is no longer than this, and neither is its line. */
enum { SRF__REASON_VALUE_MAX = 390, SRF__REASON_BYTES = 400 };

/* Appends the line for branches that lost to this final response. */
void srf__reason_write(const srf__facts_t *response, srf__buf_t *out);

/* Whether a text is one value of Reason, without controls. */
bool srf__reason_is_valid(srf__str_t value);

#endif /* SRF_REASON_H */
