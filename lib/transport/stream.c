/*
 * Listeners of streams, and the tables of their connections.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/stream.h"

#include "base/alloc.h"
#include "base/error.h"
#include "transport/connection.h"
#include "transport/socket.h"

#include <srf/srf.h>

enum {
    ACCEPTS_MAX = 64, /* in a row, before the loop gets to other things */
    PAUSE_MS = 100,   /* when no connection can be accepted */
    TELL_EVERY_MS = 10000,
    PER_SOURCE_MAX = 1024
};

/* ---- tables ----
 *
 * They are those of the stack: two connections of one peer to two of our
 * listeners are two, and whoever is connected to any of them can be reached by
 * requests that come to another (RFC 3261 §18.1.1, RFC 5923 §4). */

static srf__hash128_t id_key(const srf__transports_t *owner, uint32_t id)
{
    srf__hasher_t hasher;

    srf__hasher_init(&hasher, &owner->key, true);
    srf__hasher_update(&hasher, &id, sizeof(id));
    return srf__hasher_final(&hasher);
}

/* Connections are shared by what has the same transport, address and name. Over
 * TLS they are those of one listener, by whose certificate we are known there
 * (RFC 5923 §8), and who says whom to trust. */
static srf__hash128_t peer_key(const srf__stream_t *stream,
                               const srf__addr_t *peer, srf__str_t name)
{
    srf__hasher_t hasher;

    srf__hasher_init(&hasher, &stream->base.owner->key, true);
    srf__hasher_update(&hasher, &stream->base.bound.transport, 1);
    srf__hasher_update(&hasher, peer->ip, sizeof(peer->ip));
    srf__hasher_update(&hasher, &peer->scope, sizeof(peer->scope));
    srf__hasher_update(&hasher, &peer->port, sizeof(peer->port));
    if (stream->settings.tls != NULL) {
        srf__hasher_update(&hasher, &stream, sizeof(stream));
        srf__hasher_field_lower(&hasher, name);
    }
    return srf__hasher_final(&hasher);
}

static srf__connection_t *find_id(const srf__transports_t *owner, uint32_t id)
{
    srf__connection_t *connection;

    if (id == 0)
        return NULL;
    connection =
        (srf__connection_t *)srf__map_get(&owner->by_id, id_key(owner, id));
    return connection == NULL || connection->phase >= SRF__CONNECTION_ENDING
               ? NULL
               : connection;
}

static srf__connection_t *find(const srf__flow_t *flow)
{
    return find_id(flow->listener->owner, flow->connection);
}

bool srf__stream_is_open(const srf__transports_t *transports,
                         uint32_t connection)
{
    return find_id(transports, connection) != NULL;
}

static int remember(srf__connection_t *connection)
{
    srf__stream_t *stream = connection->stream;
    srf__transports_t *owner = stream->base.owner;

    if (++owner->last_connection == 0)
        owner->last_connection = 1;
    connection->by_id.key = id_key(owner, owner->last_connection);
    int err = srf__map_add(&owner->by_id, &connection->by_id);
    if (err != 0)
        return err;
    connection->id = owner->last_connection;
    connection->known = true;
    *(connection->accepted ? &stream->accepted : &stream->opened) += 1;
    owner->counters.connections++;
    connection->counted = true;
    return 0;
}

/* The first of those to a peer. */
static srf__connection_t *find_peer(const srf__transports_t *owner,
                                    srf__hash128_t key)
{
    srf__map_node_t *node = srf__map_get(&owner->by_peer, key);

    return node == NULL ? NULL
                        : srf__container_of(node, srf__connection_t, by_peer);
}

/* The one of `stream` among them: there are no more of them than listeners. */
static srf__connection_t *own_one(srf__connection_t *first,
                                  const srf__stream_t *stream)
{
    while (first != NULL && first->stream != stream)
        first = first->twin;
    return first;
}

static void link_twin(srf__connection_t *first, srf__connection_t *connection)
{
    connection->twin = first->twin;
    connection->twin_link = &first->twin;
    if (connection->twin != NULL)
        connection->twin->twin_link = &connection->twin;
    first->twin = connection;
}

/* Requests may go this way, unless there is such a connection already. */
static void share(srf__connection_t *connection, srf__str_t name)
{
    srf__stream_t *stream = connection->stream;
    srf__transports_t *owner = stream->base.owner;
    srf__hash128_t key = peer_key(stream, &connection->peer, name);
    srf__connection_t *first = find_peer(owner, key);

    if (own_one(first, stream) != NULL)
        return;
    connection->by_peer.key = key;
    if (first != NULL)
        link_twin(first, connection);
    else if (srf__map_add(&owner->by_peer, &connection->by_peer) != 0)
        return;
    connection->reusable = true;
}

/* The next one takes its place in the map. */
static void unlink_first(srf__connection_t *connection)
{
    srf__map_t *by_peer = &connection->stream->base.owner->by_peer;
    srf__connection_t *next = connection->twin;

    srf__map_remove(by_peer, &connection->by_peer);
    if (next == NULL)
        return;
    next->twin_link = NULL;
    next->by_peer.key = connection->by_peer.key;
    if (srf__map_add(by_peer, &next->by_peer) == 0)
        return;
    for (; next != NULL; next = next->twin) /* without memory none is found */
        next->reusable = false;
}

static void unshare(srf__connection_t *connection)
{
    if (!connection->reusable)
        return;
    connection->reusable = false;
    if (connection->twin_link == NULL) {
        unlink_first(connection);
        return;
    }
    *connection->twin_link = connection->twin;
    if (connection->twin != NULL)
        connection->twin->twin_link = connection->twin_link;
}

void srf__stream_retire(srf__connection_t *connection)
{
    srf__stream_t *stream = connection->stream;

    unshare(connection);
    if (connection->counted)
        stream->base.owner->counters.connections--;
    connection->counted = false;
}

void srf__stream_forget(srf__connection_t *connection)
{
    srf__stream_t *stream = connection->stream;

    srf__stream_retire(connection);
    srf__crowd_leave(connection);
    if (!connection->known)
        return;
    srf__map_remove(&stream->base.owner->by_id, &connection->by_id);
    connection->known = false;
    *(connection->accepted ? &stream->accepted : &stream->opened) -= 1;
}

/* ---- accepting ---- */

static bool is_full(const srf__stream_t *stream, uint32_t count)
{
    return count >= stream->settings.max_connections;
}

/* One address leaves others as much as it may have, however few descriptors
 * there are. */
static uint32_t per_source(const srf__stream_t *stream)
{
    const srf__crowds_t *crowds = stream->base.owner->crowds;
    uint32_t half = crowds->list[SRF__CROWD_ACCEPTED].limit / 2;

    if (stream->settings.max_connections_per_source != 0)
        return stream->settings.max_connections_per_source;
    return half < PER_SOURCE_MAX ? half : PER_SOURCE_MAX;
}

static bool has_room(srf__stream_t *stream, const srf__addr_t *peer)
{
    const srf__crowd_guest_t guest = {
        .listener = &stream->base,
        .peer = peer,
        .per_party = per_source(stream),
        .listener_is_full = is_full(stream, stream->accepted),
    };

    return srf__crowd_has_room(stream->base.owner, SRF__CROWD_ACCEPTED, &guest);
}

/* The descriptor is the connection's, or closed. */
static void take_in(srf__stream_t *stream, int fd, srf__addr_t *peer)
{
    srf__transports_t *owner = stream->base.owner;
    srf__connection_t *connection;

    peer->transport = stream->base.bound.transport;
    if (!has_room(stream, peer)) {
        owner->counters.refused++;
        srf__socket_close(fd);
        return;
    }
    if (srf__connection_create(stream, true, srf__str(NULL, 0), fd,
                               &connection) != 0) {
        owner->counters.refused++;
        return;
    }
    connection->peer = *peer;
    if (srf__crowd_join(connection, SRF__CROWD_ACCEPTED) != 0 ||
        remember(connection) != 0) {
        owner->counters.refused++;
        srf__connection_close(connection);
        return;
    }
    owner->counters.accepted++;
    /* Whoever reached us over plain TCP can be reached the same way (RFC 3261
     * §18.2.2); over TLS a name would have to be proved, and a WebSocket client
     * has no address. Both are reached by their flow. */
    if (stream->base.bound.transport == SRF__TRANSPORT_TCP)
        share(connection, srf__str(NULL, 0));
    srf__connection_begin(connection);
}

static void on_acceptable(uv_poll_t *poll, int status, int events);

static void timer_fired(srf__timer_t *timer)
{
    srf__stream_t *stream = srf__container_of(timer, srf__stream_t, resume);

    (void)uv_poll_start(&stream->poll, UV_READABLE, on_acceptable);
}

/* Descriptors or memory are out. Whoever waits goes on waiting: a listener that
 * is looked at meanwhile would only keep the loop busy. */
static void pause_accepting(srf__stream_t *stream, int err)
{
    srf__transports_t *owner = stream->base.owner;
    uint64_t now = srf__wheel_now(owner->wheel);
    const srf__log_context_t context = {.module = "transport"};

    owner->counters.accepts_failed++;
    if (owner->accept_told_ms == 0 ||
        now - owner->accept_told_ms >= TELL_EVERY_MS) {
        owner->accept_told_ms = now;
        srf__log_write(owner->log, SRF_LOG_ERROR, &context,
                       "cannot accept connections on %s: %s", stream->base.uri,
                       uv_strerror(err));
    }
    if (srf__crowd_shed(owner))
        return;
    (void)uv_poll_stop(&stream->poll);
    srf__timer_start(owner->wheel, &stream->resume, PAUSE_MS, timer_fired);
}

static bool is_out(int err)
{
    return err == UV_EMFILE || err == UV_ENFILE || err == UV_ENOBUFS ||
           err == UV_ENOMEM;
}

static void on_acceptable(uv_poll_t *poll, int status, int events)
{
    srf__stream_t *stream = poll->data;
    const srf__transports_t *owner = stream->base.owner;
    srf__addr_t peer;

    (void)events;
    for (unsigned i = 0; i < ACCEPTS_MAX && !owner->closing; i++) {
        int fd = srf__socket_accept(stream->fd, &peer);
        if (fd == UV_EAGAIN)
            break;
        if (fd >= 0) {
            take_in(stream, fd, &peer);
        } else if (is_out(fd)) {
            pause_accepting(stream, fd);
            return;
        } /* else a connection was broken before it was accepted */
    }
    if (status < 0 && !owner->closing) /* libuv looks no more */
        (void)uv_poll_start(&stream->poll, UV_READABLE, on_acceptable);
}

/* ---- connecting ---- */

static bool has_way(srf__stream_t *stream, const srf__addr_t *peer,
                    srf__crowd_kind_t kind)
{
    const srf__crowd_guest_t guest = {
        .listener = &stream->base,
        .peer = peer,
        .per_party = SRF_UNLIMITED,
        .listener_is_full = is_full(stream, stream->opened),
    };

    return srf__crowd_has_room(stream->base.owner, kind, &guest);
}

/* A listener on one address is seen with that address. */
static int open_socket(const srf__stream_t *stream, const srf__addr_t *to)
{
    srf__addr_t local = stream->base.bound;

    local.port = 0;
    return srf__socket_connect(to, stream->base.wildcard ? NULL : &local);
}

/* Opens the connection that flow->peer needs. */
static int open_connection(srf__flow_t *flow, srf__str_t name,
                           srf__opening_t opening)
{
    bool trusted = opening != SRF__OPEN_FOR_NETWORK;
    srf__crowd_kind_t kind = trusted ? SRF__CROWD_PROGRAM : SRF__CROWD_NETWORK;
    srf__stream_t *stream = (srf__stream_t *)flow->listener;
    srf__connection_t *connection;

    if (!has_way(stream, &flow->peer, kind)) {
        stream->base.owner->counters.connects_refused++;
        return SRF_ERR_LIMIT;
    }
    int fd = open_socket(stream, &flow->peer);
    if (fd < 0)
        return fd;
    int err = srf__connection_create(stream, false, name, fd, &connection);
    if (err != 0)
        return err;
    connection->peer = flow->peer;
    connection->trusted = trusted;
    connection->tentative = opening == SRF__OPEN_TENTATIVELY;
    err = srf__crowd_join(connection, kind);
    if (err == 0)
        err = remember(connection);
    if (err != 0) {
        srf__connection_close(connection);
        return err;
    }
    srf__connection_connect(connection);
    stream->base.owner->counters.connected++;
    share(connection, name);
    flow->connection = connection->id;
    return 0;
}

static int stream_connect(srf__flow_t *flow, srf__str_t name,
                          srf__opening_t opening)
{
    srf__stream_t *stream = (srf__stream_t *)flow->listener;
    srf__hash128_t key = peer_key(stream, &flow->peer, name);
    srf__connection_t *connection =
        own_one(find_peer(stream->base.owner, key), stream);

    if (connection != NULL) {
        if (opening != SRF__OPEN_TENTATIVELY)
            connection->tentative = false;
        flow->connection = connection->id;
        return 0;
    }
    if (opening == SRF__OPEN_NOTHING)
        return SRF_ERR_NOT_CONNECTED;
    if (stream->ws) /* a WebSocket server opens none (RFC 7118 §3) */
        return SRF_ERR_NO_TRANSPORT;
    return open_connection(flow, name, opening);
}

static bool stream_find(srf__flow_t *flow)
{
    srf__stream_t *stream = (srf__stream_t *)flow->listener;
    srf__hash128_t key = peer_key(stream, &flow->peer, srf__str(NULL, 0));
    srf__connection_t *first = find_peer(stream->base.owner, key);
    const srf__connection_t *connection = own_one(first, stream);

    if (connection == NULL)
        connection = first;
    if (connection == NULL)
        return false;
    flow->listener = &connection->stream->base;
    flow->connection = connection->id;
    return true;
}

static int stream_send(const srf__flow_t *to, const srf__str_t *parts,
                       unsigned count)
{
    srf__connection_t *connection = find(to);

    return connection == NULL ? SRF_ERR_NOT_CONNECTED
                              : srf__connection_send(connection, parts, count);
}

static int stream_watch(const srf__flow_t *flow, uint64_t id, uint32_t *heard)
{
    srf__connection_t *connection = find(flow);

    if (connection == NULL)
        return SRF_ERR_NOT_CONNECTED;
    *heard = connection->heard;
    return srf__connection_watch(connection, id);
}

static bool stream_resume(srf__flow_t *flow)
{
    const srf__connection_t *connection = find(flow);

    if (connection == NULL)
        return false;
    flow->listener = &connection->stream->base;
    flow->peer = connection->peer;
    return true;
}

static void stream_rest(const srf__flow_t *flow, uint32_t ms)
{
    srf__connection_t *connection = find(flow);

    if (connection != NULL)
        srf__connection_rest(connection, ms);
}

static void stream_need(const srf__flow_t *flow, srf__need_t need)
{
    srf__connection_t *connection = find(flow);

    if (connection != NULL)
        srf__connection_need(connection, need);
}

static bool stream_is_accepted(const srf__flow_t *flow)
{
    const srf__connection_t *connection = find(flow);

    return connection != NULL && connection->accepted;
}

static srf__tls_t *stream_tls(const srf__flow_t *flow)
{
    const srf__connection_t *connection = find(flow);

    return connection == NULL ? NULL : connection->tls;
}

/* ---- life ---- */

/* NULL stays NULL. 0 or SRF_ERR_NO_MEMORY. */
static int copy_origins(srf__stream_t *stream)
{
    const char *const *given = stream->settings.ws.origins;
    size_t count = 0;

    if (given == NULL)
        return 0;
    while (given[count] != NULL)
        count++;
    const char **copies =
        srf__arena_alloc(&stream->arena, (count + 1) * sizeof(*copies));
    if (copies == NULL)
        return SRF_ERR_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        copies[i] = srf__arena_strdup(&stream->arena, srf__str_of(given[i]));
        if (copies[i] == NULL)
            return SRF_ERR_NO_MEMORY;
    }
    copies[count] = NULL;
    stream->settings.ws.origins = copies;
    return 0;
}

static void free_stream(srf__stream_t *stream)
{
    srf__arena_deinit(&stream->arena);
    srf__tls_context_unref(stream->settings.tls);
    srf__free(stream);
}

void srf__stream_handle_closed(srf__stream_t *stream)
{
    if (--stream->handles > 0)
        return;
    srf__transports_closed(&stream->base);
    free_stream(stream);
}

static void on_closed(uv_handle_t *handle)
{
    srf__stream_handle_closed(handle->data);
}

static void stream_close(srf__listener_t *listener)
{
    srf__stream_t *stream = (srf__stream_t *)listener;
    srf__map_node_t *node;

    /* All listeners close together: those of others have to go, too. */
    while ((node = srf__map_any(&stream->base.owner->by_id)) != NULL)
        srf__connection_close((srf__connection_t *)node);
    srf__timer_stop(stream->base.owner->wheel, &stream->resume);
    uv_close((uv_handle_t *)&stream->poll, on_closed);
    srf__socket_close(stream->fd);
}

static const srf__listener_ops_t stream_ops = {
    .send = stream_send,
    .connect = stream_connect,
    .find = stream_find,
    .watch = stream_watch,
    .resume = stream_resume,
    .is_accepted = stream_is_accepted,
    .need = stream_need,
    .tls = stream_tls,
    .rest = stream_rest,
    .close = stream_close,
    .reliable = true,
};

/* What all streams of a stack share. */
static int ensure_shared(srf__transports_t *transports)
{
    if (transports->stream_buffer == NULL)
        transports->stream_buffer = srf__malloc(SRF__STREAM_BUFFER);
    if (transports->crowds == NULL) {
        transports->crowds = srf__malloc(sizeof(*transports->crowds));
        if (transports->crowds != NULL)
            srf__crowds_init(transports->crowds, srf__crowds_descriptors());
    }
    return transports->stream_buffer == NULL || transports->crowds == NULL
               ? SRF_ERR_NO_MEMORY
               : 0;
}

static int open_listener(srf__stream_t *stream, const srf__addr_t *address)
{
    stream->fd = srf__socket_listen(address, &stream->base.bound);
    if (stream->fd < 0)
        return stream->fd;
    stream->base.wildcard = srf__addr_is_any(&stream->base.bound);
    srf__listener_write_uri(&stream->base);
    int err = uv_poll_init(stream->base.owner->loop, &stream->poll, stream->fd);
    if (err != 0)
        srf__socket_close(stream->fd);
    return err;
}

int srf__stream_listen(srf__transports_t *transports,
                       const srf__addr_t *address,
                       const srf__stream_settings_t *settings)
{
    if (transports->closing)
        return SRF_ERR_CANCELED;
    int err = ensure_shared(transports);
    srf__stream_t *stream = err == 0 ? srf__calloc(1, sizeof(*stream)) : NULL;
    if (stream == NULL)
        return SRF_ERR_NO_MEMORY;
    stream->base.ops = &stream_ops;
    stream->base.owner = transports;
    stream->settings = *settings;
    if (settings->tls != NULL)
        srf__tls_context_ref(settings->tls);
    err = copy_origins(stream);
    if (err == 0)
        err = open_listener(stream, address);
    if (err != 0) {
        free_stream(stream);
        return err;
    }
    stream->poll.data = stream;
    stream->handles = 1;
    stream->ws = srf__transport_is_web(address->transport);
    (void)uv_poll_start(&stream->poll, UV_READABLE, on_acceptable);
    srf__transports_add(transports, &stream->base);
    return 0;
}
