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

enum {
    STREAM_BUFFER = 65536,
    PLAIN_BYTES = 16384, /* a TLS record */
    ORIGIN_SHOWN = 200,
    LINGER_MS = 5000 /* for what is queued when a connection ends */
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

static void on_closed(uv_handle_t *handle)
{
    srf__connection_t *connection = handle->data;
    srf__stream_t *stream = connection->stream;
    const srf__transports_t *owner = stream->base.owner;
    const srf__flow_t flow = {&stream->base, connection->peer, 0};

    if (connection->waiting_count > 0 && !owner->closing)
        owner->events.lost(owner->events.arg, &flow, connection->waiting,
                           connection->waiting_count, connection->broken);
    srf__free(connection->waiting);
    srf__connection_free_held(connection);
    srf__framer_deinit(&connection->framer);
    srf__ws_destroy(connection->ws);
    srf__tls_destroy(connection->tls);
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
    uv_close((uv_handle_t *)&connection->handle, on_closed);
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

static void on_shutdown(uv_shutdown_t *request, int status)
{
    srf__connection_t *connection = request->data;

    (void)status;
    srf__free(request);
    connection->all_said = true;
    if (connection->peer_is_done)
        srf__connection_close(connection);
}

/* Everything queued is sent, then the end of the stream. What the peer still
 * says is read and dropped until it ends too: were it left unread, the system
 * would reset the connection, and the peer might not see our last words. */
static void end(srf__connection_t *connection, const char *why)
{
    uv_shutdown_t *request;

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
    if (connection->paused)
        (void)srf__connection_read(connection);
    request = srf__malloc(sizeof(*request));
    if (request == NULL ||
        uv_shutdown(request, (uv_stream_t *)&connection->handle, on_shutdown) !=
            0) {
        srf__free(request);
        srf__connection_close(connection);
        return;
    }
    request->data = connection;
    srf__connection_schedule(connection);
}

static bool is_over(const srf__connection_t *connection)
{
    return connection->phase >= SRF__CONNECTION_ENDING ||
           connection->stream->base.owner->closing;
}

/* ---- time ---- */

uint64_t srf__connection_now(const srf__connection_t *connection)
{
    return srf__wheel_now(connection->stream->base.owner->wheel);
}

static void sooner(uint64_t *due, uint64_t since, uint32_t allowed)
{
    if (since != 0 && since + allowed < *due)
        *due = since + allowed;
}

/* When the connection has been given enough time for what it is at. */
static uint64_t due_at(const srf__connection_t *connection)
{
    const srf__stream_settings_t *settings = &connection->stream->settings;
    uint32_t allowed = settings->idle_timeout_ms;

    if (connection->phase == SRF__CONNECTION_ENDING)
        allowed = LINGER_MS;
    else if (connection->phase < SRF__CONNECTION_OPEN)
        allowed = connection->accepted ? settings->accept_timeout_ms
                                       : settings->connect_timeout_ms;
    else if (connection->pinged)
        allowed = settings->accept_timeout_ms;
    uint64_t due = connection->active_ms + allowed;
    sooner(&due, connection->begun_ms, settings->message_timeout_ms);
    sooner(&due, connection->blocked_ms, settings->message_timeout_ms);
    return due;
}

/* A WebSocket client says nothing of its own while nobody calls: it is asked
 * whether it is still there (RFC 6455 §5.5.2). */
static bool ask_for_life(srf__connection_t *connection)
{
    char frame[SRF__WS_FRAME_MAX];
    srf__str_t ping;

    if (connection->ws == NULL || connection->pinged ||
        connection->phase != SRF__CONNECTION_OPEN || connection->begun_ms != 0)
        return false;
    connection->pinged = true;
    connection->active_ms = srf__connection_now(connection);
    ping = srf__ws_ping(frame);
    (void)srf__connection_transmit(connection, &ping, 1);
    return true;
}

static void timer_fired(srf__timer_t *timer)
{
    srf__connection_t *connection =
        (srf__connection_t *)((char *)timer -
                              offsetof(srf__connection_t, timer));
    bool idle = connection->phase == SRF__CONNECTION_OPEN &&
                connection->begun_ms == 0 && connection->blocked_ms == 0;

    if (srf__connection_now(connection) < due_at(connection)) {
        srf__connection_schedule(connection);
    } else if (connection->phase == SRF__CONNECTION_ENDING) {
        srf__connection_close(connection);
    } else if (idle && !connection->pinged) {
        if (ask_for_life(connection))
            srf__connection_schedule(connection);
        else
            end(connection, "idle for too long");
    } else {
        connection->stream->base.owner->counters.timed_out++;
        srf__connection_fail(connection, "too slow");
    }
}

/* Activity moves the due time on without touching the timer, which looks again
 * when it fires; only what is due sooner than that restarts it. */
void srf__connection_schedule(srf__connection_t *connection)
{
    srf__wheel_t *wheel = connection->stream->base.owner->wheel;
    uint64_t now = srf__wheel_now(wheel);
    uint64_t due = due_at(connection);

    if (connection->phase == SRF__CONNECTION_CLOSED)
        return;
    if (srf__timer_is_active(&connection->timer) &&
        connection->timer.due_ms <= due)
        return;
    srf__timer_start(wheel, &connection->timer, due > now ? due - now : 0,
                     timer_fired);
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

    events->message(events->arg, &from, message.p, message.len);
}

static void refuse(srf__connection_t *connection, const srf__framed_t *framed)
{
    srf__stream_t *stream = connection->stream;
    const srf__transports_events_t *events = &stream->base.owner->events;
    const srf__flow_t from = {&stream->base, connection->peer, connection->id};

    events->refused(events->arg, &from, framed->bytes, framed->status,
                    framed->reason);
    end(connection, framed->reason);
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
    end(connection, "WebSocket closed");
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
           (len = srf__tls_read(connection->tls, plain, sizeof(plain))) > 0)
        take_plain(connection, srf__str(plain, len));
    if (connection->phase == SRF__CONNECTION_CLOSED)
        return;
    srf__connection_flush(connection); /* of the handshake, or an alert */
    if (connection->phase == SRF__CONNECTION_CLOSED)
        return;
    srf__tls_state_t state = srf__tls_state(connection->tls);
    if (state == SRF__TLS_FAILED)
        srf__connection_fail(connection, srf__tls_error(connection->tls));
    else if (state == SRF__TLS_CLOSED)
        end(connection, "closed by the peer");
    else if (state == SRF__TLS_OPEN && connection->ws == NULL)
        open_up(connection);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    const srf__connection_t *connection = handle->data;

    (void)suggested;
    *out = uv_buf_init(connection->stream->base.owner->stream_buffer,
                       STREAM_BUFFER);
}

static void on_read(uv_stream_t *handle, ssize_t nread, const uv_buf_t *buf)
{
    srf__connection_t *connection = handle->data;

    if (nread == 0 || connection->stream->base.owner->closing)
        return;
    if (nread == UV_EOF)
        connection->peer_is_done = true;
    if (connection->phase == SRF__CONNECTION_ENDING) {
        if (nread < 0 && (nread != UV_EOF || connection->all_said))
            srf__connection_close(connection);
        return;
    }
    if (nread == UV_EOF) {
        end(connection, "closed by the peer");
        return;
    }
    if (nread < 0) {
        srf__connection_fail(connection, uv_strerror((int)nread));
        return;
    }
    /* A handshake does not get more time by coming in pieces. */
    if (connection->phase == SRF__CONNECTION_OPEN)
        connection->active_ms = srf__connection_now(connection);
    connection->pinged = false;
    if (connection->tls != NULL)
        take_tls(connection, srf__str(buf->base, (size_t)nread));
    else
        take_plain(connection, srf__str(buf->base, (size_t)nread));
    if (is_over(connection))
        return;
    if (!has_partial(connection))
        connection->begun_ms = 0;
    else if (connection->begun_ms == 0)
        connection->begun_ms = srf__connection_now(connection);
    srf__connection_schedule(connection);
}

int srf__connection_read(srf__connection_t *connection)
{
    return uv_read_start((uv_stream_t *)&connection->handle, on_alloc, on_read);
}

/* ---- beginning ---- */

static void open_up(srf__connection_t *connection)
{
    if (connection->phase >= SRF__CONNECTION_OPEN)
        return;
    connection->phase = SRF__CONNECTION_OPEN;
    connection->active_ms = srf__connection_now(connection);
    srf__connection_send_held(connection);
}

void srf__connection_begin(srf__connection_t *connection)
{
    (void)uv_tcp_nodelay(&connection->handle, 1);
    if (connection->accepted) /* else it has been counting since connect */
        connection->active_ms = srf__connection_now(connection);
    connection->phase = SRF__CONNECTION_GREETING;
    int err = srf__connection_read(connection);
    if (err != 0) {
        srf__connection_fail(connection, uv_strerror(err));
        return;
    }
    if (connection->tls != NULL)
        take_tls(connection, srf__str(NULL, 0));
    else if (connection->ws == NULL)
        open_up(connection);
    srf__connection_schedule(connection);
}

static void on_connected(uv_connect_t *request, int status)
{
    srf__connection_t *connection = request->data;

    srf__free(request);
    if (connection->phase == SRF__CONNECTION_CLOSED)
        return;
    if (status != 0)
        srf__connection_fail(connection, uv_strerror(status));
    else
        srf__connection_begin(connection);
}

int srf__connection_connect(srf__connection_t *connection)
{
    struct sockaddr_storage storage;
    uv_connect_t *request = srf__malloc(sizeof(*request));

    if (request == NULL)
        return SRF_ERR_NO_MEMORY;
    request->data = connection;
    (void)srf__addr_to_sockaddr(&connection->peer, &storage);
    int err = uv_tcp_connect(request, &connection->handle,
                             (const struct sockaddr *)&storage, on_connected);
    if (err != 0) {
        srf__free(request);
        return err;
    }
    connection->active_ms = srf__connection_now(connection);
    srf__connection_schedule(connection);
    return 0;
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

int srf__connection_create(srf__stream_t *stream, bool accepted,
                           srf__str_t name, srf__connection_t **out)
{
    srf__connection_t *connection = srf__calloc(1, sizeof(*connection));

    *out = NULL;
    if (connection == NULL)
        return SRF_ERR_NO_MEMORY;
    connection->stream = stream;
    connection->accepted = accepted;
    int err = create_layers(connection, name);
    if (err == 0)
        err = uv_tcp_init(stream->base.owner->loop, &connection->handle);
    if (err != 0) {
        srf__ws_destroy(connection->ws);
        srf__tls_destroy(connection->tls);
        srf__framer_deinit(&connection->framer);
        srf__free(connection);
        return err;
    }
    connection->handle.data = connection;
    stream->handles++;
    *out = connection;
    return 0;
}
