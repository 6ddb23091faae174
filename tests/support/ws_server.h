/*
 * The server's side of a WebSocket under test: what goes in, and all that comes
 * out. Its allocator counts, and can fail.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TEST_WS_SERVER_H
#define SRF_TEST_WS_SERVER_H

#include "assertions.h"
#include "transport/ws.h"
#include "ws_client.h"

enum {
    WS_SERVER_BYTES = 1 << 18,
    WS_SERVER_EVENTS = 64,
    WS_SERVER_LIMIT = 70000 /* of a message, unless a test changes it */
};

typedef struct ws_event {
    srf__ws_what_t what;
    size_t off; /* in `said` */
    size_t len;
} ws_event_t;

typedef struct ws_server {
    srf__ws_settings_t settings;
    srf__ws_t *ws;
    ws_event_t events[WS_SERVER_EVENTS];
    unsigned event_count;
    char said[WS_SERVER_BYTES];
    size_t said_len;
    char bytes[WS_SERVER_BYTES]; /* that ws_server_feed_all() takes */
    size_t bytes_len;
    struct {
        long live;
        unsigned long count;
        unsigned long fail_at; /* 0: never */
    } memory;
} ws_server_t;

/* One of a process. */
extern ws_server_t server;

/* The fixture of a test case. */
void ws_server_set_up(void);
void ws_server_tear_down(void);
/* A new connection, where there is none; in place of the one there is; and
 * with the handshake done. */
void ws_server_start(void);
void ws_server_restart(void);
void ws_server_open(void);

/* Puts bytes, or a masked frame, behind those for ws_server_feed_all(). */
void ws_server_add_text(const char *text);
void ws_server_add_frame(unsigned first, const void *payload, size_t len);
void ws_server_feed_all(void);
/* One piece, and all that comes of it. 0 or an error. */
int ws_server_feed(const void *data, size_t len);
void ws_server_feed_text(const char *text);
void ws_server_feed_frame(unsigned first, const void *payload, size_t len);

/* The last event closed the connection. */
bool ws_server_is_closed(void);
void ws_server_expect(unsigned i, srf__ws_what_t what, const void *data,
                      size_t len);
void ws_server_expect_frame(unsigned i, unsigned opcode, const void *payload,
                            size_t len);
/* A close with that code is all from event i on; nothing is read behind it. */
void ws_server_expect_failure(unsigned i, unsigned code);

#endif /* SRF_TEST_WS_SERVER_H */
