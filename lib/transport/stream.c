/*
 * Listeners of streams, and the tables of their connections.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/stream.h"

#include "base/alloc.h"
#include "base/error.h"
#include "transport/connection.h"

enum { BACKLOG = 1024, STREAM_BUFFER = 65536 };

/* How many connections an IP address has. */
typedef struct srf__source {
    srf__map_node_t node; /* first */
    uint32_t count;
} source_t;

/* ---- tables ---- */

static srf__hash128_t id_key(const srf__stream_t *stream, uint32_t id)
{
    srf__hasher_t hasher;

    srf__hasher_init(&hasher, &stream->base.owner->key, true);
    srf__hasher_update(&hasher, &id, sizeof(id));
    return srf__hasher_final(&hasher);
}

/* Connections are shared by what has the same address and name. */
static srf__hash128_t peer_key(const srf__stream_t *stream,
                               const srf__addr_t *peer, srf__str_t name)
{
    srf__hasher_t hasher;

    srf__hasher_init(&hasher, &stream->base.owner->key, true);
    srf__hasher_update(&hasher, peer->ip, sizeof(peer->ip));
    srf__hasher_update(&hasher, &peer->scope, sizeof(peer->scope));
    srf__hasher_update(&hasher, &peer->port, sizeof(peer->port));
    if (stream->settings.tls != NULL)
        srf__hasher_field_lower(&hasher, name);
    return srf__hasher_final(&hasher);
}

static srf__connection_t *find(const srf__flow_t *flow)
{
    const srf__stream_t *stream = (const srf__stream_t *)flow->listener;

    srf__connection_t *connection;

    if (flow->connection == 0)
        return NULL;
    connection = (srf__connection_t *)srf__map_get(
        &stream->by_id, id_key(stream, flow->connection));
    return connection == NULL || connection->phase >= SRF__CONNECTION_ENDING
               ? NULL
               : connection;
}

static int remember(srf__connection_t *connection)
{
    srf__stream_t *stream = connection->stream;
    srf__transports_t *owner = stream->base.owner;

    if (++owner->last_connection == 0)
        owner->last_connection = 1;
    connection->id = owner->last_connection;
    connection->by_id.key = id_key(stream, connection->id);
    int err = srf__map_add(&stream->by_id, &connection->by_id);
    if (err == 0) {
        stream->connections++;
        owner->counters.connections++;
        connection->counted = true;
    }
    return err;
}

/* Requests may go this way, unless there is such a connection already. */
static void share(srf__connection_t *connection, srf__str_t name)
{
    srf__stream_t *stream = connection->stream;

    connection->by_peer.key = peer_key(stream, &connection->peer, name);
    connection->reusable =
        srf__map_get(&stream->by_peer, connection->by_peer.key) == NULL &&
        srf__map_add(&stream->by_peer, &connection->by_peer) == 0;
}

/* ---- how many from where ---- */

static srf__hash128_t source_key(const srf__stream_t *stream,
                                 const srf__addr_t *peer)
{
    srf__hasher_t hasher;

    srf__hasher_init(&hasher, &stream->base.owner->key, true);
    srf__hasher_update(&hasher, peer->ip, sizeof(peer->ip));
    return srf__hasher_final(&hasher);
}

/* Counts a connection in; NULL when there are too many, or memory is out. */
static source_t *take_source(srf__stream_t *stream, const srf__addr_t *peer)
{
    srf__hash128_t key = source_key(stream, peer);
    source_t *source = (source_t *)srf__map_get(&stream->sources, key);

    if (source != NULL) {
        if (source->count >= stream->settings.max_connections_per_source)
            return NULL;
        source->count++;
        return source;
    }
    source = srf__malloc(sizeof(*source));
    if (source == NULL)
        return NULL;
    source->node.key = key;
    source->count = 1;
    if (srf__map_add(&stream->sources, &source->node) == 0)
        return source;
    srf__free(source);
    return NULL;
}

static void give_source_back(srf__stream_t *stream, source_t *source)
{
    if (source == NULL || --source->count > 0)
        return;
    srf__map_remove(&stream->sources, &source->node);
    srf__free(source);
}

void srf__stream_retire(srf__connection_t *connection)
{
    srf__stream_t *stream = connection->stream;

    if (connection->reusable)
        srf__map_remove(&stream->by_peer, &connection->by_peer);
    connection->reusable = false;
    if (connection->counted)
        stream->base.owner->counters.connections--;
    connection->counted = false;
}

void srf__stream_forget(srf__connection_t *connection)
{
    srf__stream_t *stream = connection->stream;

    srf__stream_retire(connection);
    give_source_back(stream, connection->from);
    connection->from = NULL;
    if (connection->id == 0)
        return;
    srf__map_remove(&stream->by_id, &connection->by_id);
    connection->id = 0;
    stream->connections--;
}

/* ---- accepting ---- */

static bool read_peer(srf__connection_t *connection)
{
    struct sockaddr_storage storage;
    int len = sizeof(storage);

    if (uv_tcp_getpeername(&connection->handle, (struct sockaddr *)&storage,
                           &len) != 0)
        return false;
    srf__addr_from_sockaddr(
        &connection->peer, (const struct sockaddr *)&storage,
        (srf__transport_id_t)connection->stream->base.bound.transport);
    return true;
}

/* Whether there is room for it. */
static bool admit(srf__connection_t *connection)
{
    srf__stream_t *stream = connection->stream;

    if (stream->connections < stream->settings.max_connections)
        connection->from = take_source(stream, &connection->peer);
    if (connection->from == NULL || remember(connection) != 0) {
        stream->base.owner->counters.refused++;
        return false;
    }
    return true;
}

static void turn_away(srf__stream_t *stream);

static void on_spare_closed(uv_handle_t *handle)
{
    srf__stream_t *stream = handle->data;

    stream->spare_is_used = false;
    if (stream->is_blocked && !stream->base.owner->closing)
        turn_away(stream);
    srf__stream_handle_closed(stream);
}

/* There is no memory for it, but were it not accepted no other one would come.
 */
static void turn_away(srf__stream_t *stream)
{
    stream->is_blocked = stream->spare_is_used;
    if (stream->spare_is_used ||
        uv_tcp_init(stream->base.owner->loop, &stream->spare) != 0)
        return;
    stream->spare.data = stream;
    stream->spare_is_used = true;
    stream->handles++;
    stream->base.owner->counters.refused++;
    (void)uv_accept((uv_stream_t *)&stream->handle,
                    (uv_stream_t *)&stream->spare);
    uv_close((uv_handle_t *)&stream->spare, on_spare_closed);
}

static void on_connection(uv_stream_t *server, int status)
{
    srf__stream_t *stream = server->data;
    srf__transports_t *owner = stream->base.owner;
    srf__connection_t *connection;

    if (status != 0 || owner->closing) {
        owner->counters.errors++;
        return;
    }
    if (srf__connection_create(stream, true, srf__str(NULL, 0), &connection) !=
        0) {
        turn_away(stream);
        return;
    }
    if (uv_accept(server, (uv_stream_t *)&connection->handle) != 0 ||
        !read_peer(connection) || !admit(connection)) {
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

/* ---- connecting ---- */

/* A listener on one address is seen with that address. */
static int bind_local(const srf__stream_t *stream, uv_tcp_t *handle)
{
    struct sockaddr_storage storage;
    srf__addr_t local = stream->base.bound;

    if (stream->base.wildcard)
        return 0;
    local.port = 0;
    (void)srf__addr_to_sockaddr(&local, &storage);
    return uv_tcp_bind(handle, (const struct sockaddr *)&storage, 0);
}

static int stream_connect(srf__flow_t *flow, srf__str_t name, bool may_open)
{
    srf__stream_t *stream = (srf__stream_t *)flow->listener;
    srf__hash128_t key = peer_key(stream, &flow->peer, name);
    srf__map_node_t *node = srf__map_get(&stream->by_peer, key);
    srf__connection_t *connection;

    if (node != NULL) {
        connection =
            (srf__connection_t *)((char *)node -
                                  offsetof(srf__connection_t, by_peer));
        flow->connection = connection->id;
        return 0;
    }
    if (!may_open)
        return SRF_ERR_NOT_CONNECTED;
    if (stream->ws) /* a WebSocket server opens none (RFC 7118 §3) */
        return SRF_ERR_NO_TRANSPORT;
    if (stream->connections >= stream->settings.max_connections) {
        stream->base.owner->counters.refused++;
        return SRF_ERR_LIMIT;
    }
    int err = srf__connection_create(stream, false, name, &connection);
    if (err != 0)
        return err;
    connection->peer = flow->peer;
    err = bind_local(stream, &connection->handle);
    if (err == 0)
        err = remember(connection);
    if (err == 0)
        err = srf__connection_connect(connection);
    if (err != 0) {
        srf__connection_close(connection);
        return err;
    }
    stream->base.owner->counters.connected++;
    share(connection, name);
    flow->connection = connection->id;
    return 0;
}

static int stream_send(const srf__flow_t *to, const srf__str_t *parts,
                       unsigned count)
{
    srf__connection_t *connection = find(to);

    return connection == NULL ? SRF_ERR_NOT_CONNECTED
                              : srf__connection_send(connection, parts, count);
}

static int stream_watch(const srf__flow_t *flow, uint64_t id)
{
    srf__connection_t *connection = find(flow);

    return connection == NULL ? SRF_ERR_NOT_CONNECTED
                              : srf__connection_watch(connection, id);
}

static bool stream_resume(srf__flow_t *flow)
{
    const srf__connection_t *connection = find(flow);

    if (connection == NULL)
        return false;
    flow->peer = connection->peer;
    return true;
}

static bool stream_is_accepted(const srf__flow_t *flow)
{
    const srf__connection_t *connection = find(flow);

    return connection != NULL && connection->accepted;
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
    srf__map_deinit(&stream->by_id);
    srf__map_deinit(&stream->by_peer);
    srf__map_deinit(&stream->sources);
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

    while ((node = srf__map_any(&stream->by_id)) != NULL)
        srf__connection_close((srf__connection_t *)node);
    uv_close((uv_handle_t *)&stream->handle, on_closed);
}

static const srf__listener_ops_t stream_ops = {
    .send = stream_send,
    .connect = stream_connect,
    .watch = stream_watch,
    .resume = stream_resume,
    .is_accepted = stream_is_accepted,
    .close = stream_close,
    .reliable = true,
};

static int bind_socket(srf__stream_t *stream, const srf__addr_t *address)
{
    struct sockaddr_storage storage;
    int len = sizeof(storage);

    (void)srf__addr_to_sockaddr(address, &storage);
    int err = uv_tcp_bind(&stream->handle, (const struct sockaddr *)&storage,
                          address->family == 6 ? UV_TCP_IPV6ONLY : 0);
    if (err == 0)
        err = uv_tcp_getsockname(&stream->handle, (struct sockaddr *)&storage,
                                 &len);
    if (err != 0)
        return err;
    srf__addr_from_sockaddr(&stream->base.bound,
                            (const struct sockaddr *)&storage,
                            (srf__transport_id_t)address->transport);
    stream->base.wildcard = srf__addr_is_any(&stream->base.bound);
    srf__listener_write_uri(&stream->base);
    return uv_listen((uv_stream_t *)&stream->handle, BACKLOG, on_connection);
}

int srf__stream_listen(srf__transports_t *transports,
                       const srf__addr_t *address,
                       const srf__stream_settings_t *settings)
{
    if (transports->closing)
        return SRF_ERR_CANCELED;
    if (transports->stream_buffer == NULL)
        transports->stream_buffer = srf__malloc(STREAM_BUFFER);
    srf__stream_t *stream = srf__calloc(1, sizeof(*stream));
    if (stream == NULL || transports->stream_buffer == NULL) {
        srf__free(stream);
        return SRF_ERR_NO_MEMORY;
    }
    stream->base.ops = &stream_ops;
    stream->base.owner = transports;
    stream->settings = *settings;
    if (settings->tls != NULL)
        srf__tls_context_ref(settings->tls);
    int err = copy_origins(stream);
    if (err == 0)
        err = uv_tcp_init(transports->loop, &stream->handle);
    if (err != 0) {
        free_stream(stream);
        return err;
    }
    stream->handle.data = stream;
    stream->handles = 1;
    stream->ws = address->transport == SRF__TRANSPORT_WS ||
                 address->transport == SRF__TRANSPORT_WSS;
    err = bind_socket(stream, address);
    if (err != 0) {
        transports->open++; /* srf__transports_close() waits for it too */
        uv_close((uv_handle_t *)&stream->handle, on_closed);
        return err;
    }
    srf__transports_add(transports, &stream->base);
    return 0;
}
