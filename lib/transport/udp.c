/*
 * UDP on uv_udp_t: one buffer to receive into, send at once or queue.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/alloc.h"
#include "base/error.h"
#include "transport/transport.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <uv.h>

#if defined(__linux__)
# include <errno.h>
#endif

enum {
    RECEIVE_BYTES = 65536,
    QUEUE_BYTES_MAX = 1 << 20,
    DEFAULT_RCVBUF_BYTES = 4 << 20,
    /* Errors taken from the socket at one go. */
    ERRORS_MAX = 64
};

typedef struct udp {
    srf__listener_t base; /* first */
    uv_udp_t handle;
    size_t queued_bytes;
    char buffer[RECEIVE_BYTES];
} udp_t;

typedef struct queued {
    uv_udp_send_t request;
    udp_t *udp;
    size_t len;
    char data[];
} queued_t;

/* ---- errors that the network reports ---- */

#if defined(__linux__)
/* Reads one entry of the error queue: where the datagram went, and its first
 * bytes (recvmsg(2), MSG_ERRQUEUE). */
static bool take_error(udp_t *udp, int fd)
{
    struct sockaddr_storage peer;
    char data[1500];
    char control[512];
    struct iovec iov = {.iov_base = data, .iov_len = sizeof(data)};
    struct msghdr msg = {
        .msg_name = &peer,
        .msg_namelen = sizeof(peer),
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof(control),
    };
    srf__transports_t *owner = udp->base.owner;
    srf__addr_t to;
    ssize_t len;

    do {
        len = recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT);
    } while (len < 0 && errno == EINTR);
    if (len < 0)
        return false;
    owner->counters.errors++;
    if (msg.msg_namelen > 0 && !owner->closing) {
        srf__addr_from_sockaddr(&to, (const struct sockaddr *)&peer,
                                SRF__TRANSPORT_UDP);
        owner->events.undelivered(owner->events.arg, &to, data, (size_t)len);
    }
    return true;
}

static void take_errors(udp_t *udp)
{
    uv_os_fd_t fd;

    if (uv_fileno((const uv_handle_t *)&udp->handle, &fd) != 0)
        return;
    for (unsigned i = 0; i < ERRORS_MAX && take_error(udp, fd); i++)
        continue;
}

static void ask_for_errors(udp_t *udp)
{
    uv_os_fd_t fd;
    int on = 1;

    /* Without it an unreachable peer is noticed by the timers only. */
    if (uv_fileno((const uv_handle_t *)&udp->handle, &fd) != 0)
        return;
    if (udp->base.bound.family == 4)
        (void)setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
    else
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
}
#else
static void take_errors(udp_t *udp)
{
    udp->base.owner->counters.errors++;
}

static void ask_for_errors(udp_t *udp)
{
    (void)udp;
}
#endif

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
    srf__addr_from_sockaddr(&from.peer, peer, SRF__TRANSPORT_UDP);
    owner->events.message(owner->events.arg, &from, buf->base, (size_t)nread);
}

/* ---- sending ---- */

static void on_sent(uv_udp_send_t *request, int status)
{
    queued_t *queued = request->data;

    (void)status; /* the peer, or its timers, will tell */
    queued->udp->queued_bytes -= queued->len;
    srf__free(queued);
}

static int enqueue(udp_t *udp, const struct sockaddr *to,
                   const uv_buf_t *pieces, unsigned count)
{
    srf__transports_counters_t *counters = &udp->base.owner->counters;
    size_t len = 0;

    for (unsigned i = 0; i < count; i++)
        len += pieces[i].len;
    queued_t *queued = udp->queued_bytes + len > QUEUE_BYTES_MAX
                           ? NULL
                           : srf__malloc(sizeof(*queued) + len);
    if (queued == NULL) {
        counters->dropped_send_queue++;
        return SRF_ERR_LIMIT;
    }
    queued->request.data = queued;
    queued->udp = udp;
    queued->len = len;
    size_t at = 0;
    for (unsigned i = 0; i < count; i++) {
        memcpy(queued->data + at, pieces[i].base, pieces[i].len);
        at += pieces[i].len;
    }
    uv_buf_t all = uv_buf_init(queued->data, (unsigned)len);
    int err = uv_udp_send(&queued->request, &udp->handle, &all, 1, to, on_sent);
    if (err != 0) {
        srf__free(queued);
        return err;
    }
    udp->queued_bytes += len;
    return 0;
}

static int udp_send(srf__listener_t *listener, const srf__addr_t *to,
                    const srf__str_t *parts, unsigned count)
{
    udp_t *udp = (udp_t *)listener;
    struct sockaddr_storage storage;
    const struct sockaddr *peer = (const struct sockaddr *)&storage;
    uv_buf_t pieces[SRF__SEND_PARTS];
    char *bases[SRF__SEND_PARTS];

    (void)srf__addr_to_sockaddr(to, &storage);
    for (unsigned i = 0; i < count; i++) {
        /* uv_buf_t is not const, though sending does not write. */
        memcpy(&bases[i], &parts[i].p, sizeof(bases[i]));
        pieces[i] = uv_buf_init(bases[i], (unsigned)parts[i].len);
    }
    /* An error that an earlier datagram met is reported to the next one, which
     * was not sent then: once more, for each that may be pending. */
    for (unsigned tries = 0; tries < 4; tries++) {
        int sent = uv_udp_try_send(&udp->handle, pieces, count, peer);
        if (sent >= 0)
            return 0;
        if (sent == UV_EAGAIN)
            return enqueue(udp, peer, pieces, count);
        if (sent == UV_ENOBUFS || sent == UV_ENOMEM) {
            listener->owner->counters.dropped_send_queue++;
            return SRF_ERR_LIMIT;
        }
        if (sent != UV_ECONNREFUSED && sent != UV_EHOSTUNREACH &&
            sent != UV_ENETUNREACH) {
            listener->owner->counters.errors++;
            return sent;
        }
        take_errors(udp);
    }
    listener->owner->counters.errors++;
    return SRF_ERR_UNREACHABLE;
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

static const srf__listener_ops_t udp_ops = {
    .send = udp_send,
    .close = udp_close,
    .reliable = false,
};

static void write_uri(srf__listener_t *listener)
{
    char text[SRF__ADDR_TEXT];
    srf__buf_t buf;

    srf__buf_init_fixed(&buf, listener->uri, sizeof(listener->uri) - 1);
    srf__buf_add_text(&buf, "sip:");
    if (listener->wildcard && listener->bound.family == 4)
        srf__buf_add_char(&buf, '*');
    else
        srf__buf_add_str(&buf, srf__addr_host_text(&listener->bound, text));
    srf__buf_add_char(&buf, ':');
    srf__buf_add_u64(&buf, listener->bound.port);
    srf__buf_add_text(&buf, ";transport=udp");
}

static int bind_socket(udp_t *udp, const srf__addr_t *address,
                       uint32_t receive_buffer_bytes)
{
    struct sockaddr_storage storage;
    int len = sizeof(storage);
    int bytes = receive_buffer_bytes == 0          ? DEFAULT_RCVBUF_BYTES
                : receive_buffer_bytes > INT32_MAX ? INT32_MAX
                                                   : (int)receive_buffer_bytes;

    (void)srf__addr_to_sockaddr(address, &storage);
    int err = uv_udp_bind(&udp->handle, (const struct sockaddr *)&storage,
                          address->family == 6 ? UV_UDP_IPV6ONLY : 0);
    if (err == 0)
        err =
            uv_udp_getsockname(&udp->handle, (struct sockaddr *)&storage, &len);
    if (err != 0)
        return err;
    srf__addr_from_sockaddr(&udp->base.bound, (const struct sockaddr *)&storage,
                            SRF__TRANSPORT_UDP);
    (void)uv_recv_buffer_size((uv_handle_t *)&udp->handle, &bytes);
    udp->base.wildcard = srf__addr_is_any(&udp->base.bound);
    write_uri(&udp->base);
    ask_for_errors(udp);
    return uv_udp_recv_start(&udp->handle, on_alloc, on_receive);
}

static void on_abandoned(uv_handle_t *handle)
{
    srf__free(handle->data);
}

int srf__udp_listen(srf__transports_t *transports, const srf__addr_t *address,
                    uint32_t receive_buffer_bytes)
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
    err = bind_socket(udp, address, receive_buffer_bytes);
    if (err != 0) {
        uv_close((uv_handle_t *)&udp->handle, on_abandoned);
        return err;
    }
    srf__transports_add(transports, &udp->base);
    return 0;
}
