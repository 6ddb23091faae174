/*
 * The opening handshake of a WebSocket (RFC 6455 §4).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_WS_HANDSHAKE_H
#define SRF_WS_HANDSHAKE_H

#include "base/buf.h"
#include "transport/ws.h"

enum { SRF__WS_HEAD_MAX = 8192 };

/* The length of the HTTP head at the begin of `bytes`, 0 when its end has not
 * come. *looked: bytes looked at before, for the next call. */
size_t srf__ws_head_length(srf__str_t bytes, size_t *looked);
/* Whether the bytes can be the begin of an HTTP request. */
bool srf__ws_may_be_http(srf__str_t bytes);

/* Answers the client's handshake; an incomplete one is too long. True: the
 * WebSocket is open. Else `reply` has the refusal; nothing for what is no HTTP.
 * *origin: the one, in `head`, that was the reason; else it has no pointer. */
bool srf__ws_greet(srf__str_t head, bool complete,
                   const srf__ws_settings_t *settings, srf__buf_t *reply,
                   srf__str_t *origin);

#endif /* SRF_WS_HANDSHAKE_H */
