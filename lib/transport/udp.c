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
# include <netinet/icmp6.h>
# include <netinet/ip_icmp.h>
# include <time.h>
/* needs struct timespec */
# include <linux/errqueue.h>
#endif

enum {
    RECEIVE_BYTES = 65536,
    QUEUE_BYTES_MAX = 1 << 20,
    DEFAULT_RCVBUF_BYTES = 4 << 20,
    /* Errors taken from the socket at one go. */
    ERRORS_MAX = 1024
};

typedef struct udp {
    srf__listener_t base; /* first */
    uv_udp_t handle;
    size_t queued_bytes;
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

/* ---- errors that the network reports ---- */

#if defined(__linux__)
/* RFC 3261 §18.4: unreachable and parameter problem are failures to send, TTL
 * exceeded is not. Nor is a packet too big: the system has learnt the size and
 * will cut the retransmission into fragments. What the system itself refused
 * was known to the sender at once. */
static bool is_failure(const struct sock_extended_err *error)
{
    if (error->ee_origin == SO_EE_ORIGIN_ICMP)
        return error->ee_type == ICMP_PARAMETERPROB ||
               (error->ee_type == ICMP_DEST_UNREACH &&
                error->ee_code != ICMP_FRAG_NEEDED);
    if (error->ee_origin == SO_EE_ORIGIN_ICMP6)
        return error->ee_type == ICMP6_PARAM_PROB ||
               error->ee_type == ICMP6_DST_UNREACH;
    return false;
}

static bool tells_failure(struct msghdr *msg)
{
    struct sock_extended_err error;
    struct cmsghdr *at = CMSG_FIRSTHDR(msg);

    for (; at != NULL; at = CMSG_NXTHDR(msg, at)) {
        if ((at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_RECVERR) ||
            (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_RECVERR)) {
            memcpy(&error, CMSG_DATA(at), sizeof(error));
            return is_failure(&error);
        }
    }
    return false;
}

/* Reads one entry of the error queue: where the datagram went, and its first
 * bytes (recvmsg(2), MSG_ERRQUEUE). */
static bool take_error(udp_t *udp, int fd)
{
    struct sockaddr_storage peer;
    char data[1500];
    union {
        struct cmsghdr align;
        char bytes[512];
    } control;
    struct iovec iov = {.iov_base = data, .iov_len = sizeof(data)};
    struct msghdr msg = {
        .msg_name = &peer,
        .msg_namelen = sizeof(peer),
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = &control,
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
    if (msg.msg_namelen == 0 || !tells_failure(&msg))
        return true;
    owner->counters.errors++;
    srf__addr_from_sockaddr(&to, (const struct sockaddr *)&peer,
                            SRF__TRANSPORT_UDP);
    owner->events.undelivered(owner->events.arg, &to, data, (size_t)len);
    return true;
}

/* Empties the error queue, or the socket stays readable without anything to
 * read. Whoever is told may close the listener, or send, which must not lead
 * in here again. */
static void take_errors(udp_t *udp)
{
    const srf__transports_t *owner = udp->base.owner;
    uv_os_fd_t fd;

    if (udp->taking_errors ||
        uv_fileno((const uv_handle_t *)&udp->handle, &fd) != 0)
        return;
    udp->taking_errors = true;
    for (unsigned i = 0; i < ERRORS_MAX && !owner->closing; i++) {
        if (!take_error(udp, fd))
            break;
    }
    udp->taking_errors = false;
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
    (void)udp;
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

static const srf__listener_ops_t udp_ops = {
    .send = udp_send,
    .close = udp_close,
    .reliable = false,
};

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
    srf__listener_write_uri(&udp->base);
    ask_for_errors(udp);
    return uv_udp_recv_start(&udp->handle, on_alloc, on_receive);
}

int srf__udp_listen(srf__transports_t *transports, const srf__addr_t *address,
                    uint32_t receive_buffer_bytes)
{
    if (transports->closing)
        return SRF_ERR_CANCELED;
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
        transports->open++; /* srf__transports_close() waits for it too */
        uv_close((uv_handle_t *)&udp->handle, on_closed);
        return err;
    }
    srf__transports_add(transports, &udp->base);
    return 0;
}
