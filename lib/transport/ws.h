/*
 * WebSocket for connections, the server's side with sub-protocol sip (RFC 6455,
 * RFC 7118). Bytes in, bytes out; no I/O, no clock.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_WS_H
#define SRF_WS_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct srf__ws srf__ws_t;

typedef struct srf__ws_settings {
    uint32_t max_message_bytes;
    /* Origins that browsers may come from (RFC 6455 §10.2), NULL-terminated,
     * "*" for any; NULL: the host that they connect to. Borrowed as long as
     * there are connections. */
    const char *const *origins;
    bool secure; /* below it there is TLS */
} srf__ws_settings_t;

typedef enum srf__ws_what {
    SRF__WS_NONE = 0, /* more bytes are needed */
    SRF__WS_MESSAGE,
    SRF__WS_SEND, /* bytes for the peer */
    SRF__WS_CLOSE /* the connection is to be closed; nothing more comes */
} srf__ws_what_t;

/* 0 or SRF_ERR_NO_MEMORY; the settings are borrowed. */
int srf__ws_create(const srf__ws_settings_t *settings, srf__ws_t **out);
void srf__ws_destroy(srf__ws_t *ws);

/* Takes new bytes, which are borrowed until srf__ws_end(). 0 or
 * SRF_ERR_NO_MEMORY. */
int srf__ws_begin(srf__ws_t *ws, const char *data, size_t len);
/* What comes next; *out is good until the next call. SRF__WS_CLOSE also when
 * memory is out. */
srf__ws_what_t srf__ws_next(srf__ws_t *ws, srf__str_t *out);
/* Keeps what is left over. 0 or SRF_ERR_NO_MEMORY. */
int srf__ws_end(srf__ws_t *ws);

/* The client was not let in for its origin, which *out is until the WebSocket
 * is destroyed. */
bool srf__ws_is_unwelcome(const srf__ws_t *ws, srf__str_t *out);

/* Tells whether the handshake is done. */
bool srf__ws_is_open(const srf__ws_t *ws);
/* Between end and begin: a message has begun that is not complete. */
bool srf__ws_has_partial(const srf__ws_t *ws);

/* How many things have come whole: the handshake, messages, and control frames
 * between them. */
uint32_t srf__ws_units(const srf__ws_t *ws);
/* Returns how many bytes it holds. */
size_t srf__ws_bytes(const srf__ws_t *ws);

enum { SRF__WS_FRAME_MAX = 16 };

/* What goes before a message, in `frame`: it is text when it is UTF-8 (RFC 7118
 * §5). */
srf__str_t srf__ws_frame(const srf__str_t *parts, unsigned count,
                         char frame[SRF__WS_FRAME_MAX]);
/* A ping, in `frame`. */
srf__str_t srf__ws_ping(char frame[SRF__WS_FRAME_MAX]);

#endif /* SRF_WS_H */
