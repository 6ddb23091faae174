/*
 * The server's side of a WebSocket under test.
 *
 * SPDX-License-Identifier: MIT
 */
#include "ws_server.h"

#include "srf/srf.h"

#include <stdlib.h>
#include <string.h>

/* ---- an allocator that counts, and fails on demand ---- */

ws_server_t server;

static bool fails(void)
{
    return ++server.memory.count == server.memory.fail_at;
}

static void *test_malloc(size_t size, void *data)
{
    (void)data;
    void *out = fails() ? NULL : malloc(size);
    server.memory.live += out != NULL;
    return out;
}

static void *test_calloc(size_t count, size_t size, void *data)
{
    (void)data;
    void *out = fails() ? NULL : calloc(count, size);
    server.memory.live += out != NULL;
    return out;
}

static void *test_realloc(void *ptr, size_t size, void *data)
{
    (void)data;
    void *out = fails() ? NULL : realloc(ptr, size);
    server.memory.live += out != NULL && ptr == NULL;
    return out;
}

static void test_free(void *ptr, void *data)
{
    (void)data;
    server.memory.live -= ptr != NULL;
    free(ptr);
}

/* ---- a server, and all that it said ---- */

void ws_server_start(void)
{
    server.event_count = 0;
    server.said_len = 0;
    ck_assert_int_eq(srf__ws_create(&server.settings, &server.ws), 0);
}

void ws_server_set_up(void)
{
    static const srf_allocator_t counting = {test_malloc, test_calloc,
                                             test_realloc, test_free, NULL};

    memset(&server.memory, 0, sizeof(server.memory));
    ck_assert_int_eq(srf_set_allocator(&counting), 0);
    server.settings.max_message_bytes = WS_SERVER_LIMIT;
    server.settings.origins = NULL;
    server.settings.secure = false;
    server.bytes_len = 0;
    ws_server_start();
}

void ws_server_tear_down(void)
{
    srf__ws_destroy(server.ws);
    ck_assert_int_eq(server.memory.live, 0);
    ck_assert_int_eq(srf_set_allocator(NULL), 0);
}

void ws_server_restart(void)
{
    srf__ws_destroy(server.ws);
    ws_server_start();
}

bool ws_server_is_closed(void)
{
    return server.event_count > 0 &&
           server.events[server.event_count - 1].what == SRF__WS_CLOSE;
}

static void note(srf__ws_what_t what, srf__str_t out)
{
    bool has_bytes = what == SRF__WS_SEND || what == SRF__WS_MESSAGE;

    if (!has_bytes)
        out.len = 0;
    ck_assert_uint_lt(server.event_count, WS_SERVER_EVENTS);
    ck_assert_uint_le(server.said_len + out.len, sizeof(server.said));
    server.events[server.event_count++] =
        (ws_event_t){what, server.said_len, out.len};
    if (out.len > 0)
        memcpy(server.said + server.said_len, out.p, out.len);
    server.said_len += out.len;
}

/* In memory of exact size, which is gone behind. */
int ws_server_feed(const void *data, size_t len)
{
    char *exact = malloc(len == 0 ? 1 : len);
    srf__str_t out;
    srf__ws_what_t what = SRF__WS_NONE;

    ck_assert_ptr_nonnull(exact);
    memcpy(exact, data, len);
    int err = srf__ws_begin(server.ws, exact, len);
    while (err == 0 && (what = srf__ws_next(server.ws, &out)) != SRF__WS_NONE) {
        note(what, out);
        if (what == SRF__WS_CLOSE)
            break;
    }
    if (err == 0)
        err = srf__ws_end(server.ws);
    free(exact);
    return err;
}

void ws_server_feed_text(const char *text)
{
    ck_assert_int_eq(ws_server_feed(text, strlen(text)), 0);
}

void ws_server_add_frame(unsigned first, const void *payload, size_t len)
{
    server.bytes_len +=
        ws_client_frame(server.bytes + server.bytes_len, first, payload, len);
}

void ws_server_add_text(const char *text)
{
    memcpy(server.bytes + server.bytes_len, text, strlen(text));
    server.bytes_len += strlen(text);
}

void ws_server_feed_all(void)
{
    ck_assert_int_eq(ws_server_feed(server.bytes, server.bytes_len), 0);
    server.bytes_len = 0;
}

void ws_server_feed_frame(unsigned first, const void *payload, size_t len)
{
    ws_server_add_frame(first, payload, len);
    ws_server_feed_all();
}

/* A server that is open and has said nothing since. */
void ws_server_open(void)
{
    ws_server_restart();
    ws_server_feed_text(WS_CLIENT_HANDSHAKE);
    ck_assert(srf__ws_is_open(server.ws));
    server.event_count = 0;
    server.said_len = 0;
}

/* ---- what is expected ---- */

void ws_server_expect(unsigned i, srf__ws_what_t what, const void *data,
                      size_t len)
{
    ck_assert_uint_lt(i, server.event_count);
    ck_assert_int_eq(server.events[i].what, what);
    ck_assert_uint_eq(server.events[i].len, len);
    if (len > 0)
        ck_assert_mem_eq(server.said + server.events[i].off, data, len);
}

void ws_server_expect_frame(unsigned i, unsigned opcode, const void *payload,
                            size_t len)
{
    ws_client_frame_t frame;

    ck_assert_uint_lt(i, server.event_count);
    ck_assert_int_eq(server.events[i].what, SRF__WS_SEND);
    ck_assert_int_eq(ws_client_read(server.said + server.events[i].off,
                                    server.events[i].len, &frame),
                     WS_CLIENT_FRAME);
    ck_assert_uint_eq(frame.whole, server.events[i].len);
    ck_assert_uint_eq(frame.opcode, opcode);
    ck_assert_uint_eq(frame.len, len);
    if (len > 0)
        ck_assert_mem_eq(frame.payload, payload, len);
}

/* A close with that code is all from event i on; nothing is read behind it. */
void ws_server_expect_failure(unsigned i, unsigned code)
{
    const unsigned char payload[] = {(unsigned char)(code >> 8),
                                     (unsigned char)code};

    ws_server_expect_frame(i, WS_CLOSE, payload, sizeof(payload));
    ck_assert_uint_eq(server.event_count, i + 2);
    ws_server_expect(i + 1, SRF__WS_CLOSE, NULL, 0);
    ck_assert(!srf__ws_is_open(server.ws));
    server.bytes_len = 0;
    ws_server_feed_frame(WS_FIN | WS_TEXT, "later", 5);
    ck_assert_uint_eq(server.event_count, i + 3);
    ws_server_expect(i + 2, SRF__WS_CLOSE, NULL, 0);
}
