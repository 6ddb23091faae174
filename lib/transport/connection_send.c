/*
 * Connections: bytes to the peer, and who waits for something from there.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/connection.h"

#include "base/alloc.h"
#include "base/error.h"

enum { PIECES_MAX = SRF__SEND_PARTS + 1, FEW_WAITING = 4 };

/* A message for later, or bytes that the system did not take yet. */
typedef struct srf__held {
    uv_write_t request;
    struct srf__held *next;
    srf__connection_t *connection;
    size_t len;
    char data[];
} held_t;

/* ---- bytes to the peer ---- */

/* A peer that takes nothing is read from no more: what it asks for would pile
 * up. */
static void pause_reading(srf__connection_t *connection)
{
    size_t high = connection->stream->settings.send_queue_bytes / 2;

    if (connection->paused || connection->phase != SRF__CONNECTION_OPEN ||
        connection->queued_bytes <= high)
        return;
    connection->paused = true;
    (void)uv_read_stop((uv_stream_t *)&connection->handle);
}

static void resume_reading(srf__connection_t *connection)
{
    size_t low = connection->stream->settings.send_queue_bytes / 4;

    if (!connection->paused || connection->phase != SRF__CONNECTION_OPEN ||
        connection->queued_bytes > low)
        return;
    connection->paused = false;
    (void)srf__connection_read(connection);
}

static void on_written(uv_write_t *request, int status)
{
    held_t *held = request->data;
    srf__connection_t *connection = held->connection;

    connection->queued_bytes -= held->len;
    srf__free(held);
    if (connection->phase == SRF__CONNECTION_CLOSED)
        return;
    if (status < 0) {
        srf__connection_fail(connection, uv_strerror(status));
        return;
    }
    connection->active_ms = srf__connection_now(connection);
    connection->blocked_ms =
        connection->queued_bytes == 0 ? 0 : connection->active_ms;
    resume_reading(connection);
}

/* The pieces, without the first `skip` bytes, in one. */
static held_t *hold(srf__connection_t *connection, const srf__str_t *parts,
                    unsigned count, size_t skip)
{
    size_t len = 0;
    size_t at = 0;

    for (unsigned i = 0; i < count; i++)
        len += parts[i].len;
    held_t *held = srf__malloc(sizeof(*held) + len - skip);
    if (held == NULL)
        return NULL;
    for (unsigned i = 0; i < count; i++) {
        size_t gone = skip < parts[i].len ? skip : parts[i].len;
        if (parts[i].len > gone)
            memcpy(held->data + at, parts[i].p + gone, parts[i].len - gone);
        at += parts[i].len - gone;
        skip -= gone;
    }
    held->next = NULL;
    held->connection = connection;
    held->request.data = held;
    held->len = at;
    connection->queued_bytes += at;
    return held;
}

static int write_later(srf__connection_t *connection, const srf__str_t *parts,
                       unsigned count, size_t sent)
{
    held_t *held = hold(connection, parts, count, sent);

    if (held == NULL) {
        /* What was begun cannot be completed. */
        srf__connection_fail(connection, srf_strerror(SRF_ERR_NO_MEMORY));
        return SRF_ERR_NO_MEMORY;
    }
    uv_buf_t all = uv_buf_init(held->data, (unsigned)held->len);
    int err = uv_write(&held->request, (uv_stream_t *)&connection->handle, &all,
                       1, on_written);
    if (err != 0) {
        connection->queued_bytes -= held->len;
        srf__free(held);
        srf__connection_fail(connection, uv_strerror(err));
        return err;
    }
    if (connection->blocked_ms == 0)
        connection->blocked_ms = srf__connection_now(connection);
    srf__connection_schedule(connection);
    pause_reading(connection);
    return 0;
}

/* Bytes as they go to the socket. */
static int write_out(srf__connection_t *connection, const srf__str_t *parts,
                     unsigned count)
{
    uv_buf_t pieces[PIECES_MAX] = {0};
    size_t total = 0;
    int sent = 0;
    char *base;

    for (unsigned i = 0; i < count; i++) {
        /* uv_buf_t is not const, though sending does not write. */
        memcpy(&base, &parts[i].p, sizeof(base));
        pieces[i] = uv_buf_init(base, (unsigned)parts[i].len);
        total += parts[i].len;
    }
    if (connection->queued_bytes == 0) {
        sent = uv_try_write((uv_stream_t *)&connection->handle, pieces, count);
        if (sent == UV_EAGAIN)
            sent = 0;
        if (sent < 0) {
            srf__connection_fail(connection, uv_strerror(sent));
            return sent;
        }
    }
    if ((size_t)sent == total)
        return 0;
    return write_later(connection, parts, count, (size_t)sent);
}

void srf__connection_flush(srf__connection_t *connection)
{
    size_t len;
    char *bytes = srf__tls_take(connection->tls, &len);
    const srf__str_t out = srf__str(bytes, bytes == NULL ? 0 : len);

    if (bytes != NULL && connection->phase != SRF__CONNECTION_CLOSED)
        (void)write_out(connection, &out, 1);
    srf__free(bytes);
}

/* Through the layers below WebSocket. */
int srf__connection_transmit(srf__connection_t *connection,
                             const srf__str_t *parts, unsigned count)
{
    if (connection->tls == NULL)
        return write_out(connection, parts, count);
    int err = srf__tls_write(connection->tls, parts, count);
    if (err != 0) {
        srf__connection_fail(connection, srf__tls_error(connection->tls));
        return err;
    }
    srf__connection_flush(connection);
    return connection->phase == SRF__CONNECTION_CLOSED ? SRF_ERR_NOT_CONNECTED
                                                       : 0;
}

static int send_message(srf__connection_t *connection, const srf__str_t *parts,
                        unsigned count)
{
    srf__str_t framed[PIECES_MAX];
    char frame[SRF__WS_FRAME_MAX];

    connection->active_ms = srf__connection_now(connection);
    if (connection->ws == NULL)
        return srf__connection_transmit(connection, parts, count);
    framed[0] = srf__ws_frame(parts, count, frame);
    for (unsigned i = 0; i < count; i++)
        framed[i + 1] = parts[i];
    return srf__connection_transmit(connection, framed, count + 1);
}

/* Nobody can be answered yet, or asked: the message waits. */
static int send_later(srf__connection_t *connection, const srf__str_t *parts,
                      unsigned count)
{
    struct srf__held **at = &connection->held;
    held_t *held = hold(connection, parts, count, 0);

    if (held == NULL)
        return SRF_ERR_NO_MEMORY;
    while (*at != NULL)
        at = &(*at)->next;
    *at = held;
    return 0;
}

int srf__connection_send(srf__connection_t *connection, const srf__str_t *parts,
                         unsigned count)
{
    const srf__stream_t *stream = connection->stream;

    srf__assert(count <= SRF__SEND_PARTS);
    if (connection->queued_bytes > stream->settings.send_queue_bytes) {
        stream->base.owner->counters.dropped_send_queue++;
        return SRF_ERR_LIMIT;
    }
    if (connection->phase == SRF__CONNECTION_OPEN)
        return send_message(connection, parts, count);
    return send_later(connection, parts, count);
}

/* ---- who waits ---- */

/* Room for one more: those that do not wait any more are dropped first. */
static int make_room(srf__connection_t *connection)
{
    const srf__transports_events_t *events =
        &connection->stream->base.owner->events;
    size_t kept = 0;

    for (size_t i = 0; i < connection->waiting_count; i++) {
        if (events->is_waiting(events->arg, connection->waiting[i]))
            connection->waiting[kept++] = connection->waiting[i];
    }
    connection->waiting_count = kept;
    if (connection->waiting_cap > 0 && kept <= connection->waiting_cap / 2)
        return 0;
    size_t cap = connection->waiting_cap == 0 ? FEW_WAITING
                                              : 2 * connection->waiting_cap;
    uint64_t *waiting =
        srf__realloc(connection->waiting, cap * sizeof(*waiting));
    if (waiting == NULL)
        return SRF_ERR_NO_MEMORY;
    connection->waiting = waiting;
    connection->waiting_cap = cap;
    return 0;
}

int srf__connection_watch(srf__connection_t *connection, uint64_t id)
{
    if (connection->waiting_count == connection->waiting_cap) {
        int err = make_room(connection);
        if (err != 0)
            return err;
    }
    connection->waiting[connection->waiting_count++] = id;
    return 0;
}

/* ---- held back until it was open ---- */

void srf__connection_send_held(srf__connection_t *connection)
{
    while (connection->held != NULL) {
        held_t *held = connection->held;
        srf__str_t part = srf__str(held->data, held->len);
        connection->held = held->next;
        connection->queued_bytes -= held->len;
        if (connection->phase == SRF__CONNECTION_OPEN)
            (void)send_message(connection, &part, 1);
        srf__free(held);
    }
}

void srf__connection_free_held(srf__connection_t *connection)
{
    const srf__transports_t *owner = connection->stream->base.owner;
    const srf__transports_events_t *events = &owner->events;

    while (connection->held != NULL) {
        held_t *held = connection->held;
        connection->held = held->next;
        if (!owner->closing)
            events->undelivered(events->arg, &connection->peer, held->data,
                                held->len);
        srf__free(held);
    }
}
