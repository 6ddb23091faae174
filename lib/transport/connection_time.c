/*
 * Connections: the time they have for everything.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/connection.h"

#define NEVER UINT64_MAX

enum {
    LINGER_MS = 5000,    /* for what is queued when a connection ends */
    TENTATIVE_MS = 1500, /* the first SYN may be lost */
};

uint64_t srf__connection_now(const srf__connection_t *connection)
{
    return srf__wheel_now(connection->stream->base.owner->wheel);
}

static void sooner(uint64_t *due, uint64_t since, uint32_t allowed)
{
    if (since != 0 && since + allowed < *due)
        *due = since + allowed;
}

/* Silence is no reason to close a connection on which an answer is to go out,
 * by which others find the peer (RFC 5626 §5.3), or which the peer keeps alive
 * (§4.4.1). A WebSocket client is asked. */
static bool may_be_silent(const srf__connection_t *connection)
{
    return connection->phase == SRF__CONNECTION_OPEN &&
           connection->ws == NULL &&
           (connection->owed > 0 || connection->named || connection->pings);
}

/* How long a connection may take until it is usable. */
static uint32_t opening_ms(const srf__connection_t *connection)
{
    const srf__stream_settings_t *settings = &connection->stream->settings;

    if (connection->accepted)
        return settings->accept_timeout_ms;
    return connection->tentative && settings->connect_timeout_ms > TENTATIVE_MS
               ? TENTATIVE_MS
               : settings->connect_timeout_ms;
}

/* When the connection has been given enough time for what it is at; NEVER. One
 * that is open is kept for the next message (RFC 3261 §18). */
static uint64_t due_at(const srf__connection_t *connection)
{
    const srf__stream_settings_t *settings = &connection->stream->settings;
    uint32_t allowed = settings->idle_timeout_ms;

    if (connection->phase == SRF__CONNECTION_ENDING)
        allowed = LINGER_MS;
    else if (connection->phase < SRF__CONNECTION_OPEN)
        allowed = opening_ms(connection);
    else if (connection->pinged)
        allowed = settings->accept_timeout_ms;
    uint64_t due =
        may_be_silent(connection) ? NEVER : connection->active_ms + allowed;
    sooner(&due, connection->begun_ms, settings->message_timeout_ms);
    sooner(&due, srf__connection_blocked_ms(connection),
           settings->message_timeout_ms);
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

/* An answer is to come on it: that may take long, and nothing is said
 * meanwhile. */
static bool is_waited_for(srf__connection_t *connection)
{
    srf__connection_tidy_waiting(connection);
    if (connection->waiting_count == 0)
        return false;
    connection->active_ms = srf__connection_now(connection);
    return true;
}

static void timer_fired(srf__timer_t *timer)
{
    srf__connection_t *connection =
        srf__container_of(timer, srf__connection_t, timer);
    bool idle = connection->phase == SRF__CONNECTION_OPEN &&
                connection->begun_ms == 0 && connection->out == NULL;

    if (srf__connection_now(connection) < due_at(connection)) {
        srf__connection_schedule(connection);
    } else if (connection->phase == SRF__CONNECTION_ENDING) {
        srf__connection_close(connection);
    } else if (idle && !connection->pinged) {
        if (ask_for_life(connection) || is_waited_for(connection))
            srf__connection_schedule(connection);
        else
            srf__connection_end(connection, "idle for too long");
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

    if (connection->phase == SRF__CONNECTION_CLOSED || due == NEVER)
        return;
    if (srf__timer_is_active(&connection->timer) &&
        connection->timer.due_ms <= due)
        return;
    srf__timer_start(wheel, &connection->timer, due > now ? due - now : 0,
                     timer_fired);
}

void srf__connection_need(srf__connection_t *connection, srf__need_t need)
{
    switch (need) {
    case SRF__NEED_OWED:
        connection->owed++;
        break;
    case SRF__NEED_PAID:
        if (--connection->owed == 0)
            srf__connection_schedule(connection);
        break;
    case SRF__NEED_NAMED:
        connection->named = true;
        break;
    }
}
