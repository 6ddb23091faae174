/*
 * Connections: bytes to the peer, and who waits for something from there.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/connection.h"

#include "base/alloc.h"
#include "base/error.h"
#include "transport/socket.h"

enum { PIECES_MAX = SRF__SEND_PARTS + 1, FEW_WAITING = 4 };

/* A message for later, or bytes that the system did not take yet. */
typedef struct srf__held {
    struct srf__held *next;
    uint64_t since_ms;
    size_t sent; /* of the bytes, which the system took after all */
    size_t len;
    char data[];
} held_t;

/* Small pieces mostly cost what is around them. */
static size_t cost_of(const held_t *held)
{
    return sizeof(*held) + held->len;
}

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
    srf__connection_look(connection);
}

static void resume_reading(srf__connection_t *connection)
{
    size_t low = connection->stream->settings.send_queue_bytes / 4;

    if (!connection->paused || connection->phase != SRF__CONNECTION_OPEN ||
        connection->queued_bytes > low)
        return;
    connection->paused = false;
    srf__connection_look(connection);
}

uint64_t srf__connection_blocked_ms(const srf__connection_t *connection)
{
    return connection->out == NULL ? 0 : connection->out->since_ms;
}

/* The first `len` bytes of what waits are gone. */
static void take_off(srf__connection_t *connection, size_t len)
{
    while (len > 0) {
        held_t *held = connection->out;
        size_t left = held->len - held->sent;
        if (len < left) {
            held->sent += len;
            return;
        }
        len -= left;
        connection->queued_bytes -= cost_of(held);
        connection->out = held->next;
        srf__free(held);
    }
}

/* True when the system may take more. */
static bool write_some(srf__connection_t *connection)
{
    srf__str_t parts[SRF__SOCKET_PIECES];
    const held_t *held = connection->out;
    unsigned count = 0;
    size_t total = 0;

    for (; held != NULL && count < SRF__SOCKET_PIECES; held = held->next) {
        parts[count] =
            srf__str(held->data + held->sent, held->len - held->sent);
        total += parts[count++].len;
    }
    ssize_t sent = srf__socket_send(connection->fd, parts, count);
    if (sent < 0) {
        if (sent != UV_EAGAIN)
            srf__connection_fail(connection, uv_strerror((int)sent));
        return false;
    }
    take_off(connection, (size_t)sent);
    return (size_t)sent == total;
}

void srf__connection_write_on(srf__connection_t *connection)
{
    if (connection->out == NULL)
        return;
    while (connection->out != NULL && write_some(connection))
        continue;
    if (connection->phase == SRF__CONNECTION_CLOSED)
        return;
    connection->active_ms = srf__connection_now(connection);
    srf__connection_account(connection);
    resume_reading(connection);
    srf__connection_finish(connection);
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
    held->since_ms = srf__connection_now(connection);
    held->sent = 0;
    held->len = at;
    connection->queued_bytes += cost_of(held);
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
    if (connection->out == NULL)
        connection->out = held;
    else
        connection->out_last->next = held;
    connection->out_last = held;
    srf__connection_look(connection);
    srf__connection_schedule(connection);
    pause_reading(connection);
    srf__connection_account(connection);
    return connection->phase == SRF__CONNECTION_CLOSED ? SRF_ERR_LIMIT : 0;
}

/* Bytes as they go to the socket. */
static int write_out(srf__connection_t *connection, const srf__str_t *parts,
                     unsigned count)
{
    size_t total = 0;
    ssize_t sent = 0;

    for (unsigned i = 0; i < count; i++)
        total += parts[i].len;
    if (connection->out == NULL) {
        sent = srf__socket_send(connection->fd, parts, count);
        if (sent == UV_EAGAIN)
            sent = 0;
        if (sent < 0) {
            srf__connection_fail(connection, uv_strerror((int)sent));
            return (int)sent;
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
    srf__connection_account(connection);
    return connection->phase == SRF__CONNECTION_CLOSED ? SRF_ERR_LIMIT : 0;
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

void srf__connection_tidy_waiting(srf__connection_t *connection)
{
    const srf__transports_events_t *events =
        &connection->stream->base.owner->events;
    size_t kept = 0;

    for (size_t i = 0; i < connection->waiting_count; i++) {
        if (events->is_waiting(events->arg, connection->waiting[i]))
            connection->waiting[kept++] = connection->waiting[i];
    }
    connection->waiting_count = kept;
}

/* Room for one more: those that do not wait any more are dropped first. */
static int make_room(srf__connection_t *connection)
{
    srf__connection_tidy_waiting(connection);
    if (connection->waiting_cap > 0 &&
        connection->waiting_count <= connection->waiting_cap / 2)
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
        connection->queued_bytes -= cost_of(held);
        if (connection->phase == SRF__CONNECTION_OPEN)
            (void)send_message(connection, &part, 1);
        srf__free(held);
    }
}

static void free_all(struct srf__held **list)
{
    while (*list != NULL) {
        held_t *held = *list;
        *list = held->next;
        srf__free(held);
    }
}

void srf__connection_free_held(srf__connection_t *connection)
{
    const srf__transports_t *owner = connection->stream->base.owner;
    const srf__transports_events_t *events = &owner->events;
    const held_t *held = connection->held;

    for (; held != NULL && !owner->closing; held = held->next)
        events->undelivered(events->arg, &connection->peer, held->data,
                            held->len);
    free_all(&connection->held);
    free_all(&connection->out);
}
