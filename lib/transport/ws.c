/*
 * WebSocket frames.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/ws.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/error.h"
#include "transport/carry.h"
#include "transport/ws_handshake.h"

enum {
    OP_CONTINUATION = 0,
    OP_TEXT = 1,
    OP_BINARY = 2,
    OP_CLOSE = 8,
    OP_PING = 9,
    OP_PONG = 10,
    FIN = 0x80,
    MASKED = 0x80,
    CONTROL_MAX = 125,
    MASK_BYTES = 4
};

/* RFC 6455 §7.4.1. */
enum { CODE_PROTOCOL = 1002, CODE_NOT_UTF8 = 1007, CODE_TOO_BIG = 1009 };

struct srf__ws {
    const srf__ws_settings_t *settings;
    srf__carry_t carry;
    srf__buf_t message; /* of the fragments that came, unmasked */
    srf__buf_t reply;
    size_t looked;  /* bytes of the handshake looked at */
    uint32_t units; /* see srf__ws_units() */
    uint8_t opcode; /* of the message begun; 0: none */
    bool open;
    bool delivered; /* message was handed out, and goes next */
    bool over;
    bool unwelcome; /* for its origin, which is in `message` */
};

static void clear(srf__buf_t *buf)
{
    buf->len = 0;
    buf->err = 0;
}

int srf__ws_create(const srf__ws_settings_t *settings, srf__ws_t **out)
{
    srf__ws_t *ws = srf__calloc(1, sizeof(*ws));

    *out = ws;
    if (ws == NULL)
        return SRF_ERR_NO_MEMORY;
    ws->settings = settings;
    srf__buf_init(&ws->message, settings->max_message_bytes);
    srf__buf_init(&ws->reply, SRF__WS_HEAD_MAX);
    return 0;
}

void srf__ws_destroy(srf__ws_t *ws)
{
    if (ws == NULL)
        return;
    srf__carry_deinit(&ws->carry);
    srf__buf_deinit(&ws->message);
    srf__buf_deinit(&ws->reply);
    srf__free(ws);
}

int srf__ws_begin(srf__ws_t *ws, const char *data, size_t len)
{
    return srf__carry_begin(&ws->carry, data, len);
}

int srf__ws_end(srf__ws_t *ws)
{
    srf__buf_deinit(&ws->reply);
    srf__buf_init(&ws->reply, SRF__WS_HEAD_MAX);
    if (ws->over) {
        srf__carry_deinit(&ws->carry);
        return 0;
    }
    return srf__carry_end(&ws->carry);
}

bool srf__ws_is_unwelcome(const srf__ws_t *ws, srf__str_t *origin)
{
    if (ws->unwelcome)
        *origin = srf__buf_str(&ws->message);
    return ws->unwelcome;
}

bool srf__ws_is_open(const srf__ws_t *ws)
{
    return ws->open && !ws->over;
}

bool srf__ws_has_partial(const srf__ws_t *ws)
{
    return ws->carry.own_len > 0 || ws->opcode != 0;
}

uint32_t srf__ws_units(const srf__ws_t *ws)
{
    return ws->units;
}

size_t srf__ws_bytes(const srf__ws_t *ws)
{
    return sizeof(*ws) + ws->carry.own_cap + ws->message.cap + ws->reply.cap;
}

/* ---- UTF-8 (RFC 3629 §4) ---- */

typedef struct utf8 {
    uint8_t need; /* continuation bytes to come */
    uint8_t low;  /* what the next one may be */
    uint8_t high;
} utf8_t;

static bool begin_character(utf8_t *utf8, uint8_t c)
{
    utf8->low = 0x80;
    utf8->high = 0xbf;
    if (c >= 0xc2 && c <= 0xdf) {
        utf8->need = 1;
    } else if (c >= 0xe0 && c <= 0xef) {
        utf8->need = 2;
        if (c == 0xe0)
            utf8->low = 0xa0;
        if (c == 0xed) /* surrogates */
            utf8->high = 0x9f;
    } else if (c >= 0xf0 && c <= 0xf4) {
        utf8->need = 3;
        if (c == 0xf0)
            utf8->low = 0x90;
        if (c == 0xf4)
            utf8->high = 0x8f;
    } else {
        return false;
    }
    return true;
}

static bool feed_utf8(utf8_t *utf8, srf__str_t text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = (uint8_t)text.p[i];
        if (utf8->need == 0) {
            if (c >= 0x80 && !begin_character(utf8, c))
                return false;
        } else {
            if (c < utf8->low || c > utf8->high)
                return false;
            utf8->need--;
            utf8->low = 0x80;
            utf8->high = 0xbf;
        }
    }
    return true;
}

static bool is_utf8(const srf__str_t *parts, unsigned count)
{
    utf8_t utf8 = {0, 0, 0};

    for (unsigned i = 0; i < count; i++) {
        if (!feed_utf8(&utf8, parts[i]))
            return false;
    }
    return utf8.need == 0;
}

/* ---- frames to the peer ---- */

static size_t put_header(char *frame, unsigned opcode, uint64_t len)
{
    unsigned bytes = len <= CONTROL_MAX ? 0 : len <= UINT16_MAX ? 2 : 8;

    frame[0] = (char)(FIN | opcode);
    frame[1] = (char)(bytes == 0 ? len : bytes == 2 ? 126 : 127);
    for (unsigned i = 0; i < bytes; i++)
        frame[2 + i] = (char)(len >> (8 * (bytes - 1 - i)));
    return 2 + bytes;
}

srf__str_t srf__ws_frame(const srf__str_t *parts, unsigned count,
                         char frame[SRF__WS_FRAME_MAX])
{
    uint64_t len = 0;

    for (unsigned i = 0; i < count; i++)
        len += parts[i].len;
    unsigned opcode = is_utf8(parts, count) ? OP_TEXT : OP_BINARY;
    return srf__str(frame, put_header(frame, opcode, len));
}

srf__str_t srf__ws_ping(char frame[SRF__WS_FRAME_MAX])
{
    return srf__str(frame, put_header(frame, OP_PING, 0));
}

static size_t put_close(char *frame, unsigned code)
{
    size_t len = put_header(frame, OP_CLOSE, 2);

    frame[len] = (char)(code >> 8);
    frame[len + 1] = (char)code;
    return len + 2;
}

/* ---- frames from the peer ---- */

/* The peer is told why, and nothing more is read. */
static srf__ws_what_t refuse(srf__ws_t *ws, unsigned code, srf__str_t *out)
{
    char frame[SRF__WS_FRAME_MAX];

    ws->over = true;
    clear(&ws->reply);
    srf__buf_add(&ws->reply, frame, put_close(frame, code));
    *out = srf__buf_str(&ws->reply);
    return ws->reply.err == 0 ? SRF__WS_SEND : SRF__WS_CLOSE;
}

typedef struct frame {
    unsigned opcode;
    bool fin;
    const uint8_t *mask;
    const char *payload;
    size_t len;
    size_t whole; /* header and payload */
} frame_t;

typedef enum read_result { READ_MORE, READ_FRAME, READ_BAD, READ_BIG } read_t;

/* The length behind the first two bytes; minimal, as §5.2 wants it. */
static bool read_length(const uint8_t *p, unsigned bytes, uint64_t *len)
{
    *len = 0;
    for (unsigned i = 0; i < bytes; i++)
        *len = *len << 8 | p[i];
    return bytes == 2 ? *len > CONTROL_MAX
                      : *len > UINT16_MAX && *len >> 63 == 0;
}

/* §5.2, §5.5: no extensions, masked, control frames short and whole. */
static bool is_allowed(const srf__ws_t *ws, unsigned first, unsigned second)
{
    unsigned opcode = first & 0x0f;
    bool control = opcode >= OP_CLOSE;

    if ((first & 0x70) != 0 || (second & MASKED) == 0)
        return false;
    if (control)
        return opcode <= OP_PONG && (first & FIN) != 0 &&
               (second & 0x7f) <= CONTROL_MAX;
    return opcode == OP_CONTINUATION ? ws->opcode != 0
                                     : opcode <= OP_BINARY && ws->opcode == 0;
}

static read_t read_frame(const srf__ws_t *ws, frame_t *out)
{
    srf__str_t rest = srf__carry_rest(&ws->carry);
    const uint8_t *p = (const uint8_t *)rest.p;
    uint64_t len;

    if (rest.len < 2)
        return READ_MORE;
    if (!is_allowed(ws, p[0], p[1]))
        return READ_BAD;
    len = p[1] & 0x7f;
    unsigned bytes = len == 126 ? 2 : len == 127 ? 8 : 0;
    if (rest.len < 2u + bytes)
        return READ_MORE;
    if (bytes > 0 && !read_length(p + 2, bytes, &len))
        return READ_BAD;
    out->opcode = p[0] & 0x0f;
    /* Before the payload comes: nothing is kept of what is too big. */
    if (out->opcode < OP_CLOSE &&
        len > ws->settings->max_message_bytes - ws->message.len)
        return READ_BIG;
    out->fin = (p[0] & FIN) != 0;
    out->mask = p + 2 + bytes;
    out->payload = rest.p + 2 + bytes + MASK_BYTES;
    out->len = (size_t)len;
    out->whole = 2 + bytes + MASK_BYTES + out->len;
    return rest.len < out->whole ? READ_MORE : READ_FRAME;
}

/* Appends the payload without its mask (§5.3). */
static void unmask(srf__buf_t *out, const frame_t *frame)
{
    size_t at = out->len;

    srf__buf_add(out, frame->payload, frame->len);
    if (out->err != 0)
        return;
    for (size_t i = 0; i < frame->len; i++)
        out->p[at + i] = (char)(out->p[at + i] ^ (char)frame->mask[i % 4]);
}

/* What is wrong with a close; 0: nothing. It says nothing, or two bytes of code
 * and text (§5.5.1, §7.4; 1012 to 1014 were registered later). */
static unsigned judge_close(srf__str_t payload)
{
    if (payload.len == 0)
        return 0;
    if (payload.len == 1)
        return CODE_PROTOCOL;
    unsigned code =
        (unsigned)(uint8_t)payload.p[0] << 8 | (uint8_t)payload.p[1];
    srf__str_t text = srf__str(payload.p + 2, payload.len - 2);
    bool known = (code >= 1000 && code <= 1014 && code != 1004 &&
                  code != 1005 && code != 1006) ||
                 (code >= 3000 && code <= 4999);
    if (!known)
        return CODE_PROTOCOL;
    return is_utf8(&text, 1) ? 0 : CODE_NOT_UTF8;
}

static srf__ws_what_t take_control(srf__ws_t *ws, const frame_t *frame,
                                   srf__str_t *out)
{
    char header[SRF__WS_FRAME_MAX];
    srf__buf_t *reply = &ws->reply;
    bool close = frame->opcode == OP_CLOSE;

    if (frame->opcode == OP_PONG)
        return SRF__WS_NONE;
    clear(reply);
    srf__buf_add(reply, header,
                 put_header(header, close ? OP_CLOSE : OP_PONG, frame->len));
    size_t at = reply->len;
    unmask(reply, frame);
    if (reply->err != 0) {
        ws->over = true;
        return SRF__WS_CLOSE;
    }
    if (close) {
        unsigned wrong = judge_close(srf__str(reply->p + at, reply->len - at));
        if (wrong != 0)
            return refuse(ws, wrong, out);
        ws->over = true;
    }
    *out = srf__buf_str(reply);
    return SRF__WS_SEND;
}

static srf__ws_what_t take_data(srf__ws_t *ws, const frame_t *frame,
                                srf__str_t *out)
{
    srf__buf_t *message = &ws->message;

    if (ws->opcode == 0)
        ws->opcode = (uint8_t)frame->opcode;
    unmask(message, frame);
    if (message->err != 0) {
        ws->over = true;
        return SRF__WS_CLOSE;
    }
    if (!frame->fin)
        return SRF__WS_NONE;
    *out = srf__buf_str(message);
    if (ws->opcode == OP_TEXT && !is_utf8(out, 1))
        return refuse(ws, CODE_NOT_UTF8, out);
    ws->opcode = 0;
    ws->delivered = true;
    return SRF__WS_MESSAGE;
}

static srf__ws_what_t shake_hands(srf__ws_t *ws, srf__str_t *out)
{
    srf__str_t rest = srf__carry_rest(&ws->carry);
    size_t head_len = srf__ws_head_length(rest, &ws->looked);

    if (head_len == 0 && rest.len <= SRF__WS_HEAD_MAX &&
        srf__ws_may_be_http(rest))
        return SRF__WS_NONE;
    clear(&ws->reply);
    srf__str_t origin;
    ws->open = srf__ws_greet(head_len == 0 ? rest : srf__str(rest.p, head_len),
                             head_len != 0, ws->settings, &ws->reply, &origin);
    ws->over = !ws->open;
    ws->unwelcome = origin.p != NULL;
    if (ws->unwelcome) /* there will be no message */
        srf__buf_add_str(&ws->message, origin);
    ws->units++;
    srf__carry_take(&ws->carry, head_len);
    *out = srf__buf_str(&ws->reply);
    if (ws->reply.err != 0 || ws->reply.len == 0) {
        ws->over = true;
        return SRF__WS_CLOSE;
    }
    return SRF__WS_SEND;
}

srf__ws_what_t srf__ws_next(srf__ws_t *ws, srf__str_t *out)
{
    srf__ws_what_t what = SRF__WS_NONE;
    frame_t frame;

    if (ws->delivered) {
        srf__buf_deinit(&ws->message);
        srf__buf_init(&ws->message, ws->settings->max_message_bytes);
        ws->delivered = false;
    }
    if (ws->over)
        return SRF__WS_CLOSE;
    if (!ws->open)
        return shake_hands(ws, out);
    while (what == SRF__WS_NONE) {
        read_t result = read_frame(ws, &frame);
        if (result == READ_MORE)
            return SRF__WS_NONE;
        if (result != READ_FRAME)
            return refuse(ws, result == READ_BIG ? CODE_TOO_BIG : CODE_PROTOCOL,
                          out);
        what = frame.opcode >= OP_CLOSE ? take_control(ws, &frame, out)
                                        : take_data(ws, &frame, out);
        srf__carry_take(&ws->carry, frame.whole);
        if (ws->opcode == 0) /* else it stood inside a message */
            ws->units++;
    }
    return what;
}
