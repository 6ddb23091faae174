/*
 * Sockets of streams.
 *
 * SPDX-License-Identifier: MIT
 */
#if defined(__linux__)
# define _GNU_SOURCE /* accept4 */
#endif

#include "transport/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <uv.h>

enum { BACKLOG = 1024 };

#if defined(MSG_NOSIGNAL)
static const int no_signal = MSG_NOSIGNAL;
#else
static const int no_signal = 0; /* SO_NOSIGPIPE does it */
#endif

static void set(int fd, int level, int option)
{
    int on = 1;

    (void)setsockopt(fd, level, option, &on, sizeof(on));
}

/* What a connected one needs, and whatever is created without these flags. */
static int settle(int fd, bool has_flags)
{
    if (!has_flags && (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 ||
                       fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)) {
        int err = -errno;
        srf__socket_close(fd);
        return err;
    }
#if defined(SO_NOSIGPIPE)
    set(fd, SOL_SOCKET, SO_NOSIGPIPE);
#endif
    set(fd, IPPROTO_TCP, TCP_NODELAY);
    return fd;
}

static int create(const srf__addr_t *address)
{
    int family = address->family == 4 ? AF_INET : AF_INET6;
#if defined(SOCK_NONBLOCK) && defined(SOCK_CLOEXEC)
    int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
#else
    int type = SOCK_STREAM;
#endif
    int fd = socket(family, type, 0);

    return fd < 0 ? -errno : settle(fd, type != SOCK_STREAM);
}

static int bind_to(int fd, const srf__addr_t *address)
{
    struct sockaddr_storage storage;
    socklen_t len = (socklen_t)srf__addr_to_sockaddr(address, &storage);

    set(fd, SOL_SOCKET, SO_REUSEADDR);
    if (address->family == 6)
        set(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    return bind(fd, (const struct sockaddr *)&storage, len) != 0 ? -errno : 0;
}

static int listen_at(int fd, const srf__addr_t *address, srf__addr_t *bound)
{
    struct sockaddr_storage storage;
    socklen_t len = sizeof(storage);
    int err = bind_to(fd, address);

    if (err != 0)
        return err;
    if (getsockname(fd, (struct sockaddr *)&storage, &len) != 0 ||
        listen(fd, BACKLOG) != 0)
        return -errno;
    srf__addr_from_sockaddr(bound, (const struct sockaddr *)&storage,
                            (srf__transport_id_t)address->transport);
    return 0;
}

int srf__socket_listen(const srf__addr_t *address, srf__addr_t *bound)
{
    int fd = create(address);
    int err = fd < 0 ? fd : listen_at(fd, address, bound);

    if (err == 0)
        return fd;
    srf__socket_close(fd);
    return err;
}

int srf__socket_accept(int listener, srf__addr_t *peer)
{
    struct sockaddr_storage storage;
    socklen_t len = sizeof(storage);
    struct sockaddr *from = (struct sockaddr *)&storage;
#if defined(__linux__)
    bool has_flags = true;
    int fd = accept4(listener, from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
    bool has_flags = false;
    int fd = accept(listener, from, &len);
#endif

    if (fd < 0)
        return errno == EWOULDBLOCK ? UV_EAGAIN : -errno;
    srf__addr_from_sockaddr(peer, from, SRF__TRANSPORT_NONE);
    return settle(fd, has_flags);
}

int srf__socket_connect(const srf__addr_t *to, const srf__addr_t *local)
{
    struct sockaddr_storage storage;
    socklen_t len = (socklen_t)srf__addr_to_sockaddr(to, &storage);
    int fd = create(to);
    int err = fd < 0 ? fd : 0;

    if (err == 0 && local != NULL)
        err = bind_to(fd, local);
    if (err == 0 && connect(fd, (const struct sockaddr *)&storage, len) != 0 &&
        errno != EINPROGRESS && errno != EINTR)
        err = -errno;
    if (err == 0)
        return fd;
    srf__socket_close(fd);
    return err;
}

void srf__socket_guard(int fd, uint32_t unacknowledged_ms)
{
    set(fd, SOL_SOCKET, SO_KEEPALIVE);
#if defined(TCP_USER_TIMEOUT) /* RFC 5482 */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms,
                     sizeof(unacknowledged_ms));
#else
    (void)unacknowledged_ms;
#endif
}

int srf__socket_error(int fd)
{
    int error = 0;
    socklen_t len = sizeof(error);

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 ? -errno
                                                                   : -error;
}

ssize_t srf__socket_send(int fd, const srf__str_t *parts, unsigned count)
{
    struct iovec pieces[SRF__SOCKET_PIECES] = {0};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = count};
    ssize_t sent;

    for (unsigned i = 0; i < count; i++) {
        /* What iov_base points to is not const, though it is only read. */
        memcpy(&pieces[i].iov_base, &parts[i].p, sizeof(parts[i].p));
        pieces[i].iov_len = parts[i].len;
    }
    do
        sent = sendmsg(fd, &message, no_signal);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return sent;
    return errno == EWOULDBLOCK ? UV_EAGAIN : -errno;
}

ssize_t srf__socket_receive(int fd, char *out, size_t cap)
{
    ssize_t len;

    do
        len = recv(fd, out, cap, 0);
    while (len < 0 && errno == EINTR);
    if (len >= 0)
        return len;
    return errno == EWOULDBLOCK ? UV_EAGAIN : -errno;
}

int srf__socket_finish(int fd)
{
    return shutdown(fd, SHUT_WR) != 0 ? -errno : 0;
}

void srf__socket_close(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}
