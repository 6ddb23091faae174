/*
 * A connection of a stream: bytes in both directions, and the time it has for
 * everything.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_CONNECTION_H
#define SRF_CONNECTION_H

#include "transport/crowd.h"
#include "transport/framing.h"
#include "transport/stream.h"

typedef enum srf__connection_phase {
    SRF__CONNECTION_CONNECTING, /* TCP's handshake */
    SRF__CONNECTION_GREETING,   /* that of TLS, of WebSocket */
    SRF__CONNECTION_OPEN,
    SRF__CONNECTION_ENDING, /* what is queued is sent, what comes is dropped */
    SRF__CONNECTION_CLOSED  /* the handle is closing */
} srf__connection_phase_t;

/* What is read at one go: some fifty messages, and then it is the turn of other
 * connections. */
enum { SRF__STREAM_BUFFER = 16384 };

struct srf__held;

struct srf__connection {
    srf__map_node_t by_id; /* first */
    srf__map_node_t by_peer;
    srf__connection_t *twin;       /* with the same peer, on another listener */
    srf__connection_t **twin_link; /* NULL: it is the one in by_peer */
    srf__stream_t *stream;
    srf__tls_t *tls;        /* NULL: none */
    srf__ws_t *ws;          /* NULL: none */
    struct srf__held *held; /* messages for when it is open, in order */
    struct srf__held *out;  /* bytes that the system did not take, in order */
    struct srf__held *out_last;
    srf__crowd_place_t place;
    uint64_t *waiting; /* srf__transports_watch() */
    size_t waiting_count;
    size_t waiting_cap;
    srf__framer_t framer;
    srf__timer_t timer;
    srf__timer_t rest;    /* runs while `resting` */
    uint64_t active_ms;   /* something came, or was sent */
    uint64_t begun_ms;    /* a message began that is not complete; 0: none */
    uint32_t begun_unit;  /* how many units were complete then, see units() */
    uint32_t heard;       /* pieces of plain text that came */
    uint32_t records;     /* pieces of plain text that TLS gave */
    size_t queued_bytes;  /* that held and out take */
    size_t counted_bytes; /* of what it holds, in the transports' count */
    srf__addr_t peer;
    uint32_t id;
    uint32_t owed; /* responses that are to go out on it */
    uint8_t phase; /* srf__connection_phase_t */
    bool named;    /* a flow token leads to it */
    bool pings;    /* the peer keeps it alive */
    bool accepted;
    bool trusted;      /* the program named the peer; else a message did */
    bool tentative;    /* opened where there is another way, too */
    bool reusable;     /* in by_peer, or the twin of one that is */
    bool counted;      /* in the counter of those open */
    bool paused;       /* nothing is read until the queue is short again */
    bool resting;      /* nothing is read until others had their turn */
    bool broken;       /* it failed */
    bool peer_is_done; /* the peer has ended its side */
    bool all_said;     /* so have we */
    bool pinged; /* WebSocket: an idle peer was asked for a sign of life */
    bool spoke;  /* a whole message has come */
    bool known;  /* in by_id */
    int fd;
    int watched; /* events that the loop looks for */
    uv_poll_t poll;
};

/* Creates a connection of a socket, which it takes over whatever comes of it,
 * with the layers that the stream wants. `name`: see srf__transports_connect().
 * 0; SRF_ERR_NO_MEMORY; a libuv error. */
int srf__connection_create(srf__stream_t *stream, bool accepted,
                           srf__str_t name, int fd, srf__connection_t **out);
/* The socket is connected: begins to read and to greet. */
void srf__connection_begin(srf__connection_t *connection);
/* The socket is connecting; what becomes of it shows later. */
void srf__connection_connect(srf__connection_t *connection);

int srf__connection_send(srf__connection_t *connection, const srf__str_t *parts,
                         unsigned count);
int srf__connection_watch(srf__connection_t *connection, uint64_t id);
void srf__connection_need(srf__connection_t *connection, srf__need_t need);

/* Closes it at once; it goes, and events.lost() comes, from the loop. */
void srf__connection_close(srf__connection_t *connection);

/* Closes it at once, since `why`: it is broken. */
void srf__connection_fail(srf__connection_t *connection, const char *why);
/* Everything queued is sent, then the end of the stream. What the peer still
 * says is read and dropped until it ends too: were it left unread, the system
 * would reset the connection, and the peer might not see our last words. */
void srf__connection_end(srf__connection_t *connection, const char *why);
/* Closes it at once, for others to have what it holds; counted. */
void srf__connection_shed(srf__connection_t *connection, const char *why);
/* How well others can do without it. */
typedef enum srf__connection_use {
    SRF__CONNECTION_NEEDED, /* somebody waits for an answer */
    SRF__CONNECTION_BUSY,   /* something is on its way, or it is ending */
    SRF__CONNECTION_IDLE
} srf__connection_use_t;

srf__connection_use_t srf__connection_use(srf__connection_t *connection);

/* For the files of connections. The time; looks when the connection has had
 * enough of it; has the loop look for what the connection wants now; counts
 * what it holds, and closes it when that is too much. */
uint64_t srf__connection_now(const srf__connection_t *connection);
void srf__connection_schedule(srf__connection_t *connection);
void srf__connection_look(srf__connection_t *connection);
void srf__connection_account(srf__connection_t *connection);
/* Everything was sent that was to be before the end. */
void srf__connection_finish(srf__connection_t *connection);
/* Since when the first bytes that the system did not take wait; 0: none do. */
uint64_t srf__connection_blocked_ms(const srf__connection_t *connection);
/* Sends of what waits as much as the system takes. */
void srf__connection_write_on(srf__connection_t *connection);
/* Reads on when that time has passed. */
void srf__connection_rest(srf__connection_t *connection, uint32_t ms);
/* Sends bytes through the layers below WebSocket, or what TLS has to say. 0 or
 * an error: the connection is closed then. */
int srf__connection_transmit(srf__connection_t *connection,
                             const srf__str_t *parts, unsigned count);
void srf__connection_flush(srf__connection_t *connection);
/* It is open: what was held back is sent. It never will be, or is closed: that,
 * and what waits to be taken, is freed. */
void srf__connection_send_held(srf__connection_t *connection);
void srf__connection_free_held(srf__connection_t *connection);
/* Drops of those that wait for something those that do not any more. */
void srf__connection_tidy_waiting(srf__connection_t *connection);

/* stream.c: nothing more is sent on it; it is closed. */
void srf__stream_retire(srf__connection_t *connection);
void srf__stream_forget(srf__connection_t *connection);

#endif /* SRF_CONNECTION_H */
