/*
 * The client's side of a WebSocket for tests (RFC 6455, RFC 7118): it asks,
 * masks, and reads what the server sends, strictly.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TEST_WS_CLIENT_H
#define SRF_TEST_WS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

/* The example of RFC 6455 §1.3. */
#define WS_CLIENT_KEY    "dGhlIHNhbXBsZSBub25jZQ=="
#define WS_CLIENT_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

/* The header fields of a good handshake but for Sec-WebSocket-Protocol. */
#define WS_CLIENT_HEADERS        \
 "Host: sip.example.com\r\n"     \
 "Upgrade: websocket\r\n"        \
 "Connection: Upgrade\r\n"       \
 "Sec-WebSocket-Version: 13\r\n" \
 "Sec-WebSocket-Key: " WS_CLIENT_KEY "\r\n"
#define WS_CLIENT_HANDSHAKE \
 "GET / HTTP/1.1\r\n" WS_CLIENT_HEADERS "Sec-WebSocket-Protocol: sip\r\n\r\n"

/* The first byte of a frame. */
enum {
    WS_CONTINUATION = 0,
    WS_TEXT = 1,
    WS_BINARY = 2,
    WS_CLOSE = 8,
    WS_PING = 9,
    WS_PONG = 10,
    WS_FIN = 0x80
};

enum { WS_CLIENT_OVERHEAD = 14 };

/* Writes a masked frame with that first byte to `out`, which has room for
 * WS_CLIENT_OVERHEAD bytes more than the payload. Its length. */
size_t ws_client_frame(char *out, unsigned first, const void *payload,
                       size_t len);
/* The same with a close that gives a code. */
size_t ws_client_close(char *out, unsigned code);

typedef struct ws_client_frame {
    unsigned opcode;
    const char *payload;
    size_t len;
    size_t whole; /* header and payload */
} ws_client_frame_t;

typedef enum ws_client_result {
    WS_CLIENT_MORE,
    WS_CLIENT_FRAME,
    WS_CLIENT_BAD /* no server may send that */
} ws_client_result_t;

/* Reads a frame of the server's. Fragments are never sent, and are bad. */
ws_client_result_t ws_client_read(const char *bytes, size_t len,
                                  ws_client_frame_t *out);
/* The code of a close; 0 for other frames and without one. */
unsigned ws_client_close_code(const ws_client_frame_t *frame);

/* The length of the response to the handshake, 0 until all of its head is
 * there. *status: of the response, 0 when it is none. */
size_t ws_client_read_response(const char *bytes, size_t len, unsigned *status);

#endif /* SRF_TEST_WS_CLIENT_H */
