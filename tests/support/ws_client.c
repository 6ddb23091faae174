/*
 * The client's side of a WebSocket.
 *
 * SPDX-License-Identifier: MIT
 */
#include "ws_client.h"

#include <stdint.h>
#include <string.h>

enum {
    MASKED = 0x80,
    CONTROL_MAX = 125,
    MASK_BYTES = 4,
    STATUS_AT = 9,
    STATUS_END = 12
};

static const uint8_t mask[MASK_BYTES] = {0x37, 0xfa, 0x21, 0x3d};

static unsigned length_bytes(uint64_t len)
{
    return len <= CONTROL_MAX ? 0 : len <= UINT16_MAX ? 2 : 8;
}

size_t ws_client_frame(char *out, unsigned first, const void *payload,
                       size_t len)
{
    unsigned bytes = length_bytes(len);
    const uint8_t *from = payload;
    char *at = out;

    *at++ = (char)first;
    *at++ = (char)(MASKED | (bytes == 0 ? len : bytes == 2 ? 126 : 127));
    for (unsigned i = bytes; i > 0; i--)
        *at++ = (char)((uint64_t)len >> (8 * (i - 1)));
    memcpy(at, mask, MASK_BYTES);
    at += MASK_BYTES;
    for (size_t i = 0; i < len; i++)
        *at++ = (char)(from[i] ^ mask[i % MASK_BYTES]);
    return (size_t)(at - out);
}

size_t ws_client_close(char *out, unsigned code)
{
    const uint8_t payload[2] = {(uint8_t)(code >> 8), (uint8_t)code};

    return ws_client_frame(out, WS_FIN | WS_CLOSE, payload, sizeof(payload));
}

ws_client_result_t ws_client_read(const char *bytes, size_t len,
                                  ws_client_frame_t *out)
{
    const uint8_t *p = (const uint8_t *)bytes;

    if (len < 2)
        return WS_CLIENT_MORE;
    out->opcode = p[0] & 0x0f;
    bool control = out->opcode >= WS_CLOSE;
    if ((p[0] & 0xf0) != WS_FIN || out->opcode > WS_PONG ||
        out->opcode == WS_CONTINUATION ||
        (!control && out->opcode > WS_BINARY) || p[1] > 127 ||
        (control && p[1] > CONTROL_MAX))
        return WS_CLIENT_BAD;
    unsigned more = p[1] == 126 ? 2 : p[1] == 127 ? 8 : 0;
    if (len < 2 + more)
        return WS_CLIENT_MORE;
    uint64_t payload = more == 0 ? p[1] : 0;
    for (unsigned i = 0; i < more; i++)
        payload = payload << 8 | p[2 + i];
    if (length_bytes(payload) != more || payload > SIZE_MAX / 2)
        return WS_CLIENT_BAD;
    out->payload = bytes + 2 + more;
    out->len = (size_t)payload;
    out->whole = 2 + more + out->len;
    return len < out->whole ? WS_CLIENT_MORE : WS_CLIENT_FRAME;
}

unsigned ws_client_close_code(const ws_client_frame_t *frame)
{
    const uint8_t *p = (const uint8_t *)frame->payload;

    return frame->opcode != WS_CLOSE || frame->len < 2
               ? 0
               : (unsigned)p[0] << 8 | p[1];
}

size_t ws_client_read_response(const char *bytes, size_t len, unsigned *status)
{
    size_t end = 0;

    *status = 0;
    while (end + 4 <= len && memcmp(bytes + end, "\r\n\r\n", 4) != 0)
        end++;
    if (end + 4 > len)
        return 0;
    if (end < STATUS_END || memcmp(bytes, "HTTP/1.1 ", STATUS_AT) != 0)
        return end + 4;
    for (size_t i = STATUS_AT; i < STATUS_END; i++)
        *status = *status * 10 + (unsigned)(bytes[i] - '0');
    return end + 4;
}
