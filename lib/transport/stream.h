/*
 * Streams: listeners on TCP, and the connections they accept and open. TLS and
 * WebSocket are layers of a connection.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_STREAM_H
#define SRF_STREAM_H

#include "base/alloc.h"
#include "base/map.h"
#include "transport/tls.h"
#include "transport/transport.h"
#include "transport/ws.h"

#include <uv.h>

/* Of one listener; no member is "none". */
typedef struct srf__stream_settings {
    uint32_t connect_timeout_ms; /* until a connection opened is usable */
    uint32_t accept_timeout_ms;  /* until a connection accepted is usable */
    uint32_t message_timeout_ms; /* for a message that has begun; for bytes
                                    that wait to be taken by the peer */
    uint32_t idle_timeout_ms;
    uint32_t max_connections;            /* of each direction */
    uint32_t max_connections_per_source; /* 0: half of all, at most 1024;
                                            SRF_UNLIMITED */
    uint32_t send_queue_bytes;           /* of one connection */
    uint32_t max_message_bytes;
    srf__tls_context_t *tls; /* referenced; NULL unless TLS or WSS */
    srf__ws_settings_t ws;   /* of a WebSocket listener */
} srf__stream_settings_t;

typedef struct srf__stream {
    srf__listener_t base; /* first */
    uv_poll_t poll;
    int fd;
    srf__stream_settings_t settings;
    bool ws;
    bool origin_said;    /* that a page was not let in was logged aloud */
    srf__arena_t arena;  /* of what the settings point to */
    uint32_t accepted;   /* connections */
    uint32_t opened;     /* by us */
    srf__timer_t resume; /* descriptors or memory were out: try again */
    unsigned handles;    /* not closed yet */
} srf__stream_t;

/* Opens a listener for address->transport; the settings' TLS context is
 * referenced, what they point to otherwise copied. 0, or a libuv error, or
 * SRF_ERR_NO_MEMORY. */
int srf__stream_listen(srf__transports_t *transports,
                       const srf__addr_t *address,
                       const srf__stream_settings_t *settings);

/* Whether the connection with this number is there. */
bool srf__stream_is_open(const srf__transports_t *transports,
                         uint32_t connection);

/* For connections: a handle of the stream is closed. */
void srf__stream_handle_closed(srf__stream_t *stream);

#endif /* SRF_STREAM_H */
