/*
 * UDP on uv_udp_t: one buffer to receive into, send at once or queue.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/alloc.h"
#include "base/error.h"
#include "transport/udp.h"

#include <sys/socket.h>

#include <uv.h>

enum { RECEIVE_BYTES = 65536, QUEUE_BYTES_MAX = 1 << 20 };

typedef struct udp {
    srf__listener_t base; /* first */
    uv_udp_t handle;
    size_t queued_bytes;
    uint64_t received;
    bool taking_errors;
    char buffer[RECEIVE_BYTES];
} udp_t;

typedef struct queued {
    uv_udp_send_t request;
    udp_t *udp;
    srf__addr_t to;
    bool again; /* second attempt */
    size_t len;
    char data[];
} queued_t;

static int socket_of(const udp_t *udp)
{
    uv_os_fd_t fd = -1;

    (void)uv_fileno((const uv_handle_t *)&udp->handle, &fd);
    return fd;
}

static void take_errors(udp_t *udp)
{
    srf__udp_take_errors(&udp->base, socket_of(udp), &udp->taking_errors);
}

/* ---- receiving ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    udp_t *udp = handle->data;

    (void)suggested;
    *out = uv_buf_init(udp->buffer, sizeof(udp->buffer));
}

static void on_receive(uv_udp_t *handle, ssize_t nread, const uv_buf_t *buf,
                       const struct sockaddr *peer, unsigned flags)
{
    udp_t *udp = handle->data;
    srf__transports_t *owner = udp->base.owner;
    srf__flow_t from = {.listener = &udp->base};

    (void)flags;
    if (nread < 0 || (nread == 0 && peer == NULL)) {
        /* Nothing to read: perhaps it was an error that woke us. */
        take_errors(udp);
        return;
    }
    if (nread == 0 || peer == NULL || owner->closing)
        return;
    udp->received++;
    srf__addr_from_sockaddr(&from.peer, peer, SRF__TRANSPORT_UDP);
    owner->events.message(owner->events.arg, &from, buf->base, (size_t)nread);
}

/* ---- sending ---- */

static void on_sent(uv_udp_send_t *request, int status);

static int post(queued_t *queued)
{
    struct sockaddr_storage storage;
    uv_buf_t all = uv_buf_init(queued->data, (unsigned)queued->len);

    (void)srf__addr_to_sockaddr(&queued->to, &storage);
    return uv_udp_send(&queued->request, &queued->udp->handle, &all, 1,
                       (const struct sockaddr *)&storage, on_sent);
}

static void on_sent(uv_udp_send_t *request, int status)
{
    queued_t *queued = request->data;
    udp_t *udp = queued->udp;
    srf__transports_t *owner = udp->base.owner;

    if (status < 0 && status != UV_ECANCELED) {
        take_errors(udp); /* see udp_send() */
        if (!queued->again && !owner->closing) {
            queued->again = true;
            if (post(queued) == 0)
                return;
        }
        owner->counters.errors++;
    }
    udp->queued_bytes -= queued->len;
    srf__free(queued);
}

static int enqueue(udp_t *udp, const srf__addr_t *to, const srf__str_t *parts,
                   unsigned count)
{
    srf__transports_counters_t *counters = &udp->base.owner->counters;
    queued_t *queued = NULL;
    size_t len = 0;
    size_t at = 0;

    for (unsigned i = 0; i < count; i++)
        len += parts[i].len;
    if (udp->queued_bytes + len <= QUEUE_BYTES_MAX)
        queued = srf__malloc(sizeof(*queued) + len);
    if (queued == NULL) {
        counters->dropped_send_queue++;
        return SRF_ERR_LIMIT;
    }
    queued->request.data = queued;
    queued->udp = udp;
    queued->to = *to;
    queued->again = false;
    queued->len = len;
    for (unsigned i = 0; i < count; i++) {
        if (parts[i].len > 0)
            memcpy(queued->data + at, parts[i].p, parts[i].len);
        at += parts[i].len;
    }
    int err = post(queued);
    if (err != 0) {
        counters->errors++;
        srf__free(queued);
        return err;
    }
    udp->queued_bytes += len;
    return 0;
}

static int udp_send(const srf__flow_t *to, const srf__str_t *parts,
                    unsigned count)
{
    udp_t *udp = (udp_t *)to->listener;
    srf__transports_t *owner = udp->base.owner;
    struct sockaddr_storage storage;
    const struct sockaddr *peer = (const struct sockaddr *)&storage;
    uv_buf_t pieces[SRF__SEND_PARTS];
    char *base;

    srf__assert(count <= SRF__SEND_PARTS);
    (void)srf__addr_to_sockaddr(&to->peer, &storage);
    for (unsigned i = 0; i < count; i++) {
        /* uv_buf_t is not const, though sending does not write. */
        memcpy(&base, &parts[i].p, sizeof(base));
        pieces[i] = uv_buf_init(base, (unsigned)parts[i].len);
    }
    int sent = uv_udp_try_send(&udp->handle, pieces, count, peer);
    if (sent < 0 && sent != UV_EAGAIN) {
        /* The system reports an error that an earlier datagram met to the next
         * one, which is not sent then: once more. A closed handle would get a
         * new socket from libuv. */
        take_errors(udp);
        if (owner->closing)
            return SRF_ERR_CANCELED;
        sent = uv_udp_try_send(&udp->handle, pieces, count, peer);
    }
    if (sent == UV_EAGAIN)
        return enqueue(udp, &to->peer, parts, count);
    if (sent < 0)
        owner->counters.errors++;
    return sent < 0 ? sent : 0;
}

/* ---- life ---- */

static void on_closed(uv_handle_t *handle)
{
    udp_t *udp = handle->data;

    srf__transports_closed(&udp->base);
    srf__free(udp);
}

static void udp_close(srf__listener_t *listener)
{
    udp_t *udp = (udp_t *)listener;

    uv_close((uv_handle_t *)&udp->handle, on_closed);
}

static uint64_t udp_drops(const srf__listener_t *listener)
{
    return srf__udp_drops(socket_of((const udp_t *)listener));
}

/* libuv does not tell whether it has read everything, so neither does this tell
 * of a wait. */
static void udp_strain(srf__listener_t *listener, srf__strain_t *strain)
{
    const udp_t *udp = (const udp_t *)listener;

    strain->received += udp->received;
    strain->drops += udp_drops(listener);
}

static const srf__listener_ops_t udp_ops = {
    .send = udp_send,
    .drops = udp_drops,
    .strain = udp_strain,
    .close = udp_close,
    .reliable = false,
};

static int bind_socket(udp_t *udp, const srf__addr_t *address,
                       const srf__udp_settings_t *settings)
{
    struct sockaddr_storage storage;

    (void)srf__addr_to_sockaddr(address, &storage);
    int err = uv_udp_bind(&udp->handle, (const struct sockaddr *)&storage,
                          address->family == 6 ? UV_UDP_IPV6ONLY : 0);
    if (err == 0)
        err = srf__udp_settle(&udp->base, socket_of(udp), settings);
    return err == 0 ? uv_udp_recv_start(&udp->handle, on_alloc, on_receive)
                    : err;
}

int srf__udp_listen_portable(srf__transports_t *transports,
                             const srf__addr_t *address,
                             const srf__udp_settings_t *settings)
{
    udp_t *udp = srf__malloc(sizeof(*udp));

    if (udp == NULL)
        return SRF_ERR_NO_MEMORY;
    memset(udp, 0, offsetof(udp_t, buffer));
    udp->base.ops = &udp_ops;
    int err = uv_udp_init(transports->loop, &udp->handle);
    if (err != 0) {
        srf__free(udp);
        return err;
    }
    udp->handle.data = udp;
    udp->base.owner = transports;
    err = bind_socket(udp, address, settings);
    if (err != 0) {
        transports->open++; /* srf__transports_close() waits for it too */
        uv_close((uv_handle_t *)&udp->handle, on_closed);
        return err;
    }
    srf__transports_add(transports, &udp->base);
    return 0;
}
