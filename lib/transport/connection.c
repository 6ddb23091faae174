/*
 * Connections. Whatever happens to one inside a call is told from the loop:
 * closing a handle takes a turn of it, and what depends on the connection goes
 * with its handle.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/connection.h"

#include "base/alloc.h"
#include "base/error.h"
#include "transport/socket.h"

enum {
    PLAIN_BYTES = 16384, /* a TLS record */
    ORIGIN_SHOWN = 200,
    /* What OpenSSL takes for a session whose buffers are empty, roughly, and
     * for one in its handshake. */
    TLS_BYTES = 12288,
    TLS_GREETING_BYTES = 73728,
    /* Not what memory is short of: most messages have less. */
    FAIR_BYTES = 4096
};

/* ---- end ---- */

/* What we connect to is of the program's choice: that it cannot be had is worth
 * a warning. What others do is not. */
static void log_end(const srf__connection_t *connection, const char *what)
{
    srf__log_t *log = connection->stream->base.owner->log;
    bool unwanted = connection->broken && !connection->accepted &&
                    connection->phase < SRF__CONNECTION_OPEN;
    srf_log_level_t level = unwanted ? SRF_LOG_WARNING : SRF_LOG_INFO;
    char peer[SRF__ADDR_TEXT];

    if (!srf__log_on(log, level))
        return;
    (void)srf__addr_text(&connection->peer, peer);
    const srf__log_context_t context = {.module = "transport", .peer = peer};
    srf__log_peer(log, level, &context, "connection %s: %s",
                  unwanted               ? "failed"
                  : connection->accepted ? "from there ended"
                                         : "to there ended",
                  what);
}

static void free_layers(srf__connection_t *connection);

/* A WebSocket client, and one over TLS, has no address to connect to, nor has
 * whoever needs a flow token (RFC 5626 §5.3). */
static srf__opening_t opening_of(const srf__connection_t *connection)
{
    if (connection->ws != NULL ||
        (connection->accepted &&
         (connection->tls != NULL || connection->named)))
        return SRF__OPEN_NOTHING;
    return connection->trusted ? SRF__OPEN_FOR_PROGRAM : SRF__OPEN_FOR_NETWORK;
}

/* RFC 3261 §18.4: whoever waits on it learns that it is gone. */
static void tell_lost(const srf__connection_t *connection)
{
    srf__listener_t *listener = &connection->stream->base;
    const srf__transports_events_t *events = &listener->owner->events;
    const srf__lost_t lost = {
        .flow = {listener, connection->peer, 0},
        .name = connection->tls == NULL ? srf__str(NULL, 0)
                                        : srf__tls_name(connection->tls),
        .opening = opening_of(connection),
        .heard = connection->heard,
        .broken = connection->broken,
    };

    events->lost(events->arg, &lost, connection->waiting,
                 connection->waiting_count);
}

static void on_closed(uv_handle_t *handle)
{
    srf__connection_t *connection = handle->data;
    srf__stream_t *stream = connection->stream;
    srf__transports_t *owner = stream->base.owner;

    if (connection->waiting_count > 0 && !owner->closing)
        tell_lost(connection);
    if (connection->spoke && !owner->closing)
        owner->events.closed(owner->events.arg, connection->id);
    owner->bytes -= connection->counted_bytes;
    srf__free(connection->waiting);
    srf__connection_free_held(connection);
    free_layers(connection);
    srf__free(connection);
    srf__stream_handle_closed(stream);
}

void srf__connection_close(srf__connection_t *connection)
{
    if (connection->phase == SRF__CONNECTION_CLOSED)
        return;
    connection->phase = SRF__CONNECTION_CLOSED;
    srf__stream_forget(connection);
    srf__timer_stop(connection->stream->base.owner->wheel, &connection->timer);
    srf__timer_stop(connection->stream->base.owner->wheel, &connection->rest);
    uv_close((uv_handle_t *)&connection->poll, on_closed);
    srf__socket_close(connection->fd);
}

void srf__connection_fail(srf__connection_t *connection, const char *why)
{
    if (connection->phase == SRF__CONNECTION_CLOSED)
        return;
    connection->broken = true;
    connection->stream->base.owner->counters.errors++;
    log_end(connection, why);
    srf__connection_close(connection);
}

void srf__connection_shed(srf__connection_t *connection, const char *why)
{
    connection->stream->base.owner->counters.shed++;
    log_end(connection, why);
    srf__connection_close(connection);
}

void srf__connection_finish(srf__connection_t *connection)
{
    if (connection->phase != SRF__CONNECTION_ENDING || connection->all_said ||
        connection->out != NULL)
        return;
    connection->all_said = true;
    if (srf__socket_finish(connection->fd) != 0 || connection->peer_is_done)
        srf__connection_close(connection);
}

void srf__connection_end(srf__connection_t *connection, const char *why)
{
    if (connection->phase >= SRF__CONNECTION_ENDING)
        return;
    log_end(connection, why);
    if (connection->phase == SRF__CONNECTION_OPEN && connection->tls != NULL) {
        srf__tls_shutdown(connection->tls);
        srf__connection_flush(connection);
    }
    if (connection->phase == SRF__CONNECTION_CLOSED)
        return;
    connection->phase = SRF__CONNECTION_ENDING;
    connection->active_ms = srf__connection_now(connection);
    connection->begun_ms = 0;
    srf__stream_retire(connection);
    srf__timer_stop(connection->stream->base.owner->wheel, &connection->rest);
    connection->resting = false;
    connection->paused = false;
    srf__connection_look(connection);
    srf__connection_schedule(connection);
    srf__connection_finish(connection);
}

static bool is_over(const srf__connection_t *connection)
{
    return connection->phase >= SRF__CONNECTION_ENDING ||
           connection->stream->base.owner->closing;
}

/* ---- bytes from the peer ---- */

static void send_text(srf__connection_t *connection, srf__str_t bytes)
{
    /* A peer that asks faster than it takes the answers gets fewer of them. */
    if (connection->queued_bytes <=
        connection->stream->settings.send_queue_bytes)
        (void)srf__connection_transmit(connection, &bytes, 1);
}

static void deliver(srf__connection_t *connection, srf__str_t message)
{
    srf__stream_t *stream = connection->stream;
    const srf__transports_events_t *events = &stream->base.owner->events;
    const srf__flow_t from = {&stream->base, connection->peer, connection->id};

    connection->spoke = true;
    events->message(events->arg, &from, message.p, message.len);
}

static void refuse(srf__connection_t *connection, const srf__framed_t *framed)
{
    srf__stream_t *stream = connection->stream;
    const srf__transports_events_t *events = &stream->base.owner->events;
    const srf__flow_t from = {&stream->base, connection->peer, connection->id};

    events->refused(events->arg, &from, framed->bytes, framed->status,
                    framed->reason);
    srf__connection_end(connection, framed->reason);
}

static void take_framed(srf__connection_t *connection,
                        const srf__framed_t *framed)
{
    switch (framed->kind) {
    case SRF__FRAMED_MESSAGE:
        deliver(connection, framed->bytes);
        break;
    case SRF__FRAMED_PING: /* RFC 5626 §4.4.1 */
        connection->stream->base.owner->counters.keepalives++;
        connection->pings = true;
        send_text(connection, SRF__STR("\r\n"));
        break;
    case SRF__FRAMED_REFUSE:
        refuse(connection, framed);
        break;
    case SRF__FRAMED_GARBAGE:
        srf__connection_fail(connection, "what came is no SIP");
        break;
    case SRF__FRAMED_NONE:
        break;
    }
}

static void take_stream(srf__connection_t *connection, srf__str_t bytes)
{
    srf__framed_t framed = {.kind = SRF__FRAMED_PING};

    int err = srf__framer_begin(&connection->framer, bytes.p, bytes.len);
    while (err == 0 && !is_over(connection) &&
           srf__framer_next(&connection->framer, &framed) != SRF__FRAMED_NONE)
        take_framed(connection, &framed);
    if (err == 0 && !is_over(connection))
        err = srf__framer_end(&connection->framer);
    if (err != 0)
        srf__connection_fail(connection, srf_strerror(err));
}

static void open_up(srf__connection_t *connection);

/* What pages are served is the program's choice, and where it has made none, a
 * user finds nothing but that it does not work: it is said aloud once. */
static void log_unwelcome(const srf__connection_t *connection,
                          srf__str_t origin)
{
    srf__stream_t *stream = connection->stream;
    char peer[SRF__ADDR_TEXT];

    (void)srf__addr_text(&connection->peer, peer);
    const srf__log_context_t context = {.module = "transport", .peer = peer};
    srf__log_peer(
        stream->base.owner->log,
        stream->origin_said ? SRF_LOG_INFO : SRF_LOG_WARNING, &context,
        "WebSocket refused with 403: its origin '%.*s' is not %s",
        (int)(origin.len < ORIGIN_SHOWN ? origin.len : ORIGIN_SHOWN),
        origin.len == 0 ? "" : origin.p,
        stream->settings.ws.origins == NULL ? "the host it connects to"
                                            : "among those allowed");
    stream->origin_said = true;
}

static void end_ws(srf__connection_t *connection)
{
    srf__str_t origin;

    if (srf__ws_is_unwelcome(connection->ws, &origin))
        log_unwelcome(connection, origin);
    srf__connection_end(connection, "WebSocket closed");
}

/* RFC 5626 §4.4.1 in frames: browsers have no other ping (RFC 7118 §6). */
static void pong_ws(srf__connection_t *connection)
{
    const srf__str_t pong = SRF__STR("\r\n");
    char frame[SRF__WS_FRAME_MAX + 2];
    srf__str_t head = srf__ws_frame(&pong, 1, frame);

    memcpy(frame + head.len, pong.p, pong.len);
    connection->stream->base.owner->counters.keepalives++;
    send_text(connection, srf__str(frame, head.len + pong.len));
}

static void take_ws(srf__connection_t *connection, srf__str_t bytes)
{
    srf__str_t out;
    srf__ws_what_t what = SRF__WS_NONE;

    int err = srf__ws_begin(connection->ws, bytes.p, bytes.len);
    while (err == 0 && !is_over(connection)) {
        what = srf__ws_next(connection->ws, &out);
        if (what == SRF__WS_MESSAGE) {
            if (connection->phase != SRF__CONNECTION_OPEN)
                open_up(connection);
            if (srf__str_eq(out, SRF__STR("\r\n\r\n")))
                pong_ws(connection);
            else
                deliver(connection, out);
        } else if (what == SRF__WS_SEND) {
            send_text(connection, out);
        } else {
            break;
        }
    }
    if (err == 0 && !is_over(connection))
        err = srf__ws_end(connection->ws);
    if (err != 0)
        srf__connection_fail(connection, srf_strerror(err));
    else if (what == SRF__WS_CLOSE)
        end_ws(connection);
    else if (!is_over(connection) && srf__ws_is_open(connection->ws))
        open_up(connection);
}

static bool has_partial(const srf__connection_t *connection)
{
    if (connection->tls != NULL && srf__tls_has_partial(connection->tls))
        return true;
    return connection->ws != NULL
               ? srf__ws_has_partial(connection->ws)
               : srf__framer_has_partial(&connection->framer);
}

static void take_plain(srf__connection_t *connection, srf__str_t bytes)
{
    connection->heard++;
    if (connection->ws != NULL)
        take_ws(connection, bytes);
    else
        take_stream(connection, bytes);
}

static void take_tls(srf__connection_t *connection, srf__str_t bytes)
{
    char plain[PLAIN_BYTES];
    size_t len;

    srf__tls_receive(connection->tls, bytes.p, bytes.len);
    while (!is_over(connection) &&
           (len = srf__tls_read(connection->tls, plain, sizeof(plain))) > 0) {
        connection->records++;
        take_plain(connection, srf__str(plain, len));
    }
    if (connection->phase == SRF__CONNECTION_CLOSED)
        return;
    srf__connection_flush(connection); /* of the handshake, or an alert */
    if (connection->phase == SRF__CONNECTION_CLOSED)
        return;
    srf__tls_state_t state = srf__tls_state(connection->tls);
    /* OpenSSL has buffers for it from the first byte on. */
    srf__crowd_set_greeting(connection,
                            state == SRF__TLS_HANDSHAKE &&
                                (bytes.len > 0 || !connection->accepted));
    if (state == SRF__TLS_FAILED)
        srf__connection_fail(connection, srf__tls_error(connection->tls));
    else if (state == SRF__TLS_CLOSED)
        srf__connection_end(connection, "closed by the peer");
    else if (state == SRF__TLS_OPEN && connection->ws == NULL)
        open_up(connection);
}

/* ---- the socket ---- */

/* How many things have come whole. The clock of what has begun belongs to what
 * is not complete: it starts anew when that is another one. Whoever sends a
 * message byte by byte gains nothing by putting each into a record of TLS or a
 * frame, since these are counted only where no message has begun. */
static uint32_t units(const srf__connection_t *connection)
{
    if (connection->ws != NULL)
        return srf__ws_units(connection->ws) +
               (srf__ws_has_partial(connection->ws) ? 0 : connection->records);
    return srf__framer_units(&connection->framer) +
           (srf__framer_has_partial(&connection->framer) ? 0
                                                         : connection->records);
}

static void time_begun(srf__connection_t *connection)
{
    uint32_t unit = units(connection);

    if (!has_partial(connection))
        connection->begun_ms = 0;
    else if (connection->begun_ms == 0 || connection->begun_unit != unit)
        connection->begun_ms = srf__connection_now(connection);
    connection->begun_unit = unit;
}

static void on_bytes(srf__connection_t *connection, srf__str_t bytes)
{
    /* A handshake does not get more time by coming in pieces. */
    if (connection->phase == SRF__CONNECTION_OPEN)
        connection->active_ms = srf__connection_now(connection);
    connection->pinged = false;
    if (connection->tls != NULL)
        take_tls(connection, bytes);
    else
        take_plain(connection, bytes);
    if (is_over(connection))
        return;
    time_begun(connection);
    srf__connection_schedule(connection);
    srf__connection_account(connection);
}

static void on_end(srf__connection_t *connection)
{
    connection->peer_is_done = true;
    if (connection->phase != SRF__CONNECTION_ENDING)
        srf__connection_end(connection, "closed by the peer");
    else if (connection->all_said)
        srf__connection_close(connection);
}

/* One piece: what is left is read in the loop's next turn, so that nobody waits
 * for long. */
static void receive(srf__connection_t *connection)
{
    char *buffer = connection->stream->base.owner->stream_buffer;
    ssize_t len =
        srf__socket_receive(connection->fd, buffer, SRF__STREAM_BUFFER);

    if (len == 0)
        on_end(connection);
    else if (len < 0 && len != UV_EAGAIN)
        srf__connection_fail(connection, uv_strerror((int)len));
    else if (len > 0 && connection->phase != SRF__CONNECTION_ENDING)
        on_bytes(connection, srf__str(buffer, (size_t)len));
}

static void on_connected(srf__connection_t *connection)
{
    int err = srf__socket_error(connection->fd);

    if (err != 0)
        srf__connection_fail(connection, uv_strerror(err));
    else
        srf__connection_begin(connection);
}

static void look_into(srf__connection_t *connection, int status, int events)
{
    /* libuv says EBADF when the network has said something bad, and looks no
     * more: sending or reading tells what it was. */
    if (status < 0)
        connection->watched = 0;
    if (connection->phase == SRF__CONNECTION_CONNECTING) {
        on_connected(connection);
        return;
    }
    if (status < 0 || (events & UV_WRITABLE) != 0)
        srf__connection_write_on(connection);
    if (connection->phase != SRF__CONNECTION_CLOSED &&
        (status < 0 || (events & UV_READABLE) != 0))
        receive(connection);
    srf__connection_look(connection);
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    srf__connection_t *connection = poll->data;
    const srf__transports_t *owner = connection->stream->base.owner;

    if (owner->closing)
        return;
    srf__wheel_enter(owner->wheel);
    look_into(connection, status, events);
    srf__wheel_leave(owner->wheel);
}

void srf__connection_look(srf__connection_t *connection)
{
    bool reads = !connection->paused && !connection->resting &&
                 !connection->peer_is_done;
    bool writes = connection->out != NULL;
    int wanted = (reads ? UV_READABLE : 0) | (writes ? UV_WRITABLE : 0);

    if (connection->phase == SRF__CONNECTION_CONNECTING)
        wanted = UV_WRITABLE;
    if (connection->phase == SRF__CONNECTION_CLOSED ||
        wanted == connection->watched)
        return;
    connection->watched = wanted;
    if (wanted == 0)
        (void)uv_poll_stop(&connection->poll);
    else
        (void)uv_poll_start(&connection->poll, wanted, on_event);
}

static void on_rested(srf__timer_t *timer)
{
    srf__connection_t *connection =
        srf__container_of(timer, srf__connection_t, rest);

    connection->resting = false;
    srf__connection_look(connection);
}

void srf__connection_rest(srf__connection_t *connection, uint32_t ms)
{
    srf__wheel_t *wheel = connection->stream->base.owner->wheel;

    if (connection->phase != SRF__CONNECTION_OPEN ||
        (connection->resting &&
         connection->rest.due_ms >= srf__connection_now(connection) + ms))
        return;
    connection->resting = true;
    srf__timer_start(wheel, &connection->rest, ms, on_rested);
    srf__connection_look(connection);
}

/* ---- beginning ---- */

static void open_up(srf__connection_t *connection)
{
    if (connection->phase >= SRF__CONNECTION_OPEN)
        return;
    connection->phase = SRF__CONNECTION_OPEN;
    connection->active_ms = srf__connection_now(connection);
    connection->begun_ms = 0; /* the handshake has had a limit of its own */
    srf__crowd_opened(connection);
    srf__connection_send_held(connection);
}

void srf__connection_begin(srf__connection_t *connection)
{
    if (connection->accepted) /* else it has been counting since connect */
        connection->active_ms = srf__connection_now(connection);
    connection->phase = SRF__CONNECTION_GREETING;
    srf__socket_guard(connection->fd,
                      connection->stream->settings.message_timeout_ms);
    if (connection->tls != NULL)
        take_tls(connection, srf__str(NULL, 0));
    else if (connection->ws == NULL)
        open_up(connection);
    srf__connection_look(connection);
    srf__connection_schedule(connection);
    srf__connection_account(connection);
}

void srf__connection_connect(srf__connection_t *connection)
{
    connection->active_ms = srf__connection_now(connection);
    srf__connection_look(connection);
    srf__connection_schedule(connection);
    srf__connection_account(connection);
}

static int create_layers(srf__connection_t *connection, srf__str_t name)
{
    const srf__stream_settings_t *settings = &connection->stream->settings;
    const srf__framer_limits_t limits = {
        .max_message_bytes = settings->max_message_bytes,
        .max_head_bytes = SRF__HEAD_MAX,
    };
    int err = 0;

    srf__framer_init(&connection->framer, &limits);
    if (settings->tls != NULL)
        err = srf__tls_create(settings->tls, connection->accepted, name,
                              &connection->tls);
    if (err == 0 && connection->stream->ws)
        err = srf__ws_create(&settings->ws, &connection->ws);
    return err;
}

static void free_layers(srf__connection_t *connection)
{
    srf__framer_deinit(&connection->framer);
    srf__ws_destroy(connection->ws);
    srf__tls_destroy(connection->tls);
}

int srf__connection_create(srf__stream_t *stream, bool accepted,
                           srf__str_t name, int fd, srf__connection_t **out)
{
    srf__connection_t *connection = srf__calloc(1, sizeof(*connection));

    *out = NULL;
    if (connection == NULL) {
        srf__socket_close(fd);
        return SRF_ERR_NO_MEMORY;
    }
    connection->stream = stream;
    connection->accepted = accepted;
    connection->fd = fd;
    int err = create_layers(connection, name);
    if (err == 0)
        err = uv_poll_init(stream->base.owner->loop, &connection->poll, fd);
    if (err != 0) {
        free_layers(connection);
        srf__socket_close(fd);
        srf__free(connection);
        return err;
    }
    connection->poll.data = connection;
    stream->handles++;
    *out = connection;
    return 0;
}

/* ---- what it holds ---- */

srf__connection_use_t srf__connection_use(srf__connection_t *connection)
{
    bool quiet = connection->phase <= SRF__CONNECTION_OPEN &&
                 connection->begun_ms == 0 && connection->queued_bytes == 0 &&
                 connection->owed == 0;

    if (connection->phase == SRF__CONNECTION_CONNECTING)
        return SRF__CONNECTION_NEEDED;
    if (connection->waiting_count > 0)
        srf__connection_tidy_waiting(connection);
    if (connection->waiting_count > 0)
        return SRF__CONNECTION_NEEDED;
    return quiet ? SRF__CONNECTION_IDLE : SRF__CONNECTION_BUSY;
}

static size_t tls_bytes(const srf__connection_t *connection)
{
    if (connection->tls == NULL)
        return 0;
    return connection->place.greeting ? TLS_GREETING_BYTES : TLS_BYTES;
}

void srf__connection_account(srf__connection_t *connection)
{
    srf__transports_t *owner = connection->stream->base.owner;
    size_t own = connection->queued_bytes + connection->framer.carry.own_cap;

    if (connection->phase == SRF__CONNECTION_CLOSED)
        return;
    if (connection->ws != NULL)
        own += srf__ws_bytes(connection->ws);
    size_t all = sizeof(*connection) + own +
                 connection->waiting_cap * sizeof(*connection->waiting) +
                 tls_bytes(connection);
    bool greets = connection->place.greeting && connection->accepted &&
                  connection->counted_bytes < all;
    owner->bytes += all - connection->counted_bytes;
    connection->counted_bytes = all;
    if (owner->bytes <= owner->bytes_max)
        return;
    if (own > FAIR_BYTES)
        srf__connection_shed(connection, "it holds too much memory");
    else if (greets)
        srf__crowd_relieve(connection);
}
