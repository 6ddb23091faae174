/*
 * Datagrams of the load generator, many with each system call.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum { RCVBUF_BYTES = 32 << 20, MAX_TRIES = 100000 };

uint64_t load_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in out = {0};

    out.sin_family = AF_INET;
    out.sin_port = htons(port);
    out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return out;
}

int load_socket_open(load_socket_t *sock, uint16_t port, uint16_t proxy)
{
    const struct sockaddr_in own = loopback(port);
    const struct sockaddr_in peer = loopback(proxy);
    int bytes = RCVBUF_BYTES;

    for (unsigned i = 0; i < LOAD_BATCH; i++) {
        sock->out_parts[i].iov_base = sock->out_text[i];
        sock->out[i].msg_hdr.msg_iov = &sock->out_parts[i];
        sock->out[i].msg_hdr.msg_iovlen = 1;
        sock->in_parts[i].iov_base = sock->in_text[i];
        sock->in_parts[i].iov_len = LOAD_TEXT;
        sock->in[i].msg_hdr.msg_iov = &sock->in_parts[i];
        sock->in[i].msg_hdr.msg_iovlen = 1;
    }
    sock->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (sock->fd < 0)
        return -1;
    /* The forced size is for root; others get what the system allows. */
    if (setsockopt(sock->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes,
                   sizeof(bytes)) != 0)
        (void)setsockopt(sock->fd, SOL_SOCKET, SO_RCVBUF, &bytes,
                         sizeof(bytes));
    if (bind(sock->fd, (const struct sockaddr *)&own, sizeof(own)) != 0)
        return -1;
    return connect(sock->fd, (const struct sockaddr *)&peer, sizeof(peer));
}

char *load_socket_room(load_socket_t *sock)
{
    if (sock->queued == LOAD_BATCH)
        load_socket_flush(sock);
    return sock->out_text[sock->queued];
}

void load_socket_commit(load_socket_t *sock, size_t len, uint64_t *stamp)
{
    sock->out_parts[sock->queued].iov_len = len;
    sock->stamps[sock->queued] = stamp;
    sock->queued++;
}

void load_socket_flush(load_socket_t *sock)
{
    unsigned sent = 0;
    unsigned tries = 0;

    if (sock->queued == 0)
        return;
    uint64_t now = load_now();
    for (unsigned i = 0; i < sock->queued; i++) {
        if (sock->stamps[i] != NULL)
            *sock->stamps[i] = now;
    }
    while (sent < sock->queued) {
        int n = sendmmsg(sock->fd, sock->out + sent, sock->queued - sent, 0);

        if (n > 0) {
            sent += (unsigned)n;
        } else if (++tries > MAX_TRIES || (errno != EAGAIN && errno != EINTR)) {
            /* ECONNREFUSED, above all: nobody is there. */
            sock->errors++;
            sent++;
        }
    }
    sock->queued = 0;
}

unsigned load_socket_receive(load_socket_t *sock)
{
    int n = recvmmsg(sock->fd, sock->in, LOAD_BATCH, MSG_DONTWAIT, NULL);

    return n > 0 ? (unsigned)n : 0;
}

unsigned long load_drops(uint16_t port)
{
    FILE *file = fopen("/proc/net/udp", "r");
    unsigned long drops = 0;
    char line[256];

    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        unsigned long dropped;
        unsigned bound;

        /* sl address:port peer state queues timer retransmits uid timeout
         * inode references pointer drops */
        if (sscanf(line,
                   "%*s %*x:%x %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu",
                   &bound, &dropped) == 2 &&
            bound == port)
            drops += dropped;
    }
    if (file != NULL)
        fclose(file);
    return drops;
}
