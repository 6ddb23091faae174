/*
 * Fuzz target: the server's side of a WebSocket. The first byte chooses whether
 * a good handshake goes before, the limit, and the origins; the second and the
 * third how the rest is cut into pieces, which must not matter.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fuzz.h"

#include "base/error.h"
#include "transport/ws.h"
#include "ws_client.h"

#include <string.h>

enum { CHOICES = 3, INPUT_MAX = 1 << 17, SAID_MAX = 1 << 21 };

/* All that a connection said, in a form that can be compared. */
typedef struct said {
    char bytes[SAID_MAX];
    size_t len;
    bool open;
    bool partial;
    bool closed;
} said_t;

static void note(said_t *said, const void *data, size_t len)
{
    FUZZ_CHECK(len <= SAID_MAX - said->len);
    if (len > 0)
        memcpy(said->bytes + said->len, data, len);
    said->len += len;
}

/* One response to the handshake, then whole frames. True: it was a close. */
static bool check_sent(srf__str_t out, bool answered, bool open)
{
    ws_client_frame_t frame;
    unsigned status;

    if (!answered) {
        size_t head = ws_client_read_response(out.p, out.len, &status);
        FUZZ_CHECK(head > 0);
        FUZZ_CHECK((status == 101) == open);
        FUZZ_CHECK(open ? head == out.len : status >= 400 && status <= 431);
        return !open;
    }
    FUZZ_CHECK(ws_client_read(out.p, out.len, &frame) == WS_CLIENT_FRAME);
    FUZZ_CHECK(frame.whole == out.len && frame.opcode >= WS_CLOSE);
    FUZZ_CHECK(frame.opcode != WS_CLOSE || !open);
    return frame.opcode == WS_CLOSE;
}

static void take(srf__ws_t *ws, said_t *said, uint32_t limit)
{
    srf__ws_what_t what;
    srf__str_t out = {NULL, 0};
    bool ending = false;

    while ((what = srf__ws_next(ws, &out)) != SRF__WS_NONE) {
        FUZZ_CHECK(!ending || what == SRF__WS_CLOSE);
        if (what == SRF__WS_CLOSE)
            out.len = 0;
        if (what == SRF__WS_MESSAGE)
            FUZZ_CHECK(said->len > 0 && out.len <= limit);
        if (what == SRF__WS_SEND)
            ending = check_sent(out, said->len > 0, srf__ws_is_open(ws));
        note(said, &what, sizeof(what));
        note(said, &out.len, sizeof(out.len));
        note(said, out.p, out.len);
        if (what == SRF__WS_CLOSE) {
            said->closed = true;
            return;
        }
    }
    FUZZ_CHECK(!ending);
}

/* A copy of exact size for each piece, so that reading beyond or later is
 * noticed. */
static void feed(srf__ws_t *ws, said_t *said, srf__str_t piece, uint32_t limit)
{
    char *exact = malloc(piece.len == 0 ? 1 : piece.len);

    FUZZ_CHECK(exact != NULL);
    if (piece.len > 0)
        memcpy(exact, piece.p, piece.len);
    FUZZ_CHECK(srf__ws_begin(ws, exact, piece.len) == 0);
    take(ws, said, limit);
    FUZZ_CHECK(srf__ws_end(ws) == 0);
    free(exact);
    FUZZ_CHECK(!said->closed || !srf__ws_is_open(ws));
}

static void run(const srf__ws_settings_t *settings, srf__str_t input,
                size_t first, size_t size, said_t *said)
{
    srf__ws_t *ws;

    said->len = 0;
    said->closed = false;
    FUZZ_CHECK(srf__ws_create(settings, &ws) == 0);
    while (input.len > 0 && !said->closed) {
        size_t len = first < input.len ? first : input.len;
        feed(ws, said, srf__str(input.p, len), settings->max_message_bytes);
        input = srf__str(input.p + len, input.len - len);
        first = size;
    }
    said->open = srf__ws_is_open(ws);
    said->partial = srf__ws_has_partial(ws);
    srf__ws_destroy(ws);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t limits[] = {16, 200, 4096, 70000};
    static const char *const origins[] = {"https://example.com", NULL};
    static said_t whole, cut;
    static char input[INPUT_MAX];
    const size_t handshake = strlen(WS_CLIENT_HANDSHAKE);
    srf__ws_settings_t settings = {0};
    size_t len = 0;

    if (size < CHOICES || size > INPUT_MAX - handshake)
        return 0;
    if ((data[0] & 1) != 0) {
        memcpy(input, WS_CLIENT_HANDSHAKE, handshake);
        len = handshake;
    }
    settings.origins = (data[0] & 2) != 0 ? origins : NULL;
    settings.secure = (data[0] & 16) != 0;
    settings.max_message_bytes = limits[data[0] >> 2 & 3];
    memcpy(input + len, data + CHOICES, size - CHOICES);
    len += size - CHOICES;
    run(&settings, srf__str(input, len), len, len, &whole);
    run(&settings, srf__str(input, len), data[1] + 1u, data[2] + 1u, &cut);
    FUZZ_CHECK(whole.len == cut.len);
    FUZZ_CHECK(memcmp(whole.bytes, cut.bytes, whole.len) == 0);
    FUZZ_CHECK(whole.open == cut.open && whole.closed == cut.closed);
    FUZZ_CHECK(whole.partial == cut.partial);
    return 0;
}
