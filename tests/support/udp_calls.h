/*
 * The system calls of the Linux listener, in front of those of the C library: a
 * loopback socket is never full, sends all it is given, and knows every call.
 * For one file of a program, which asks for _GNU_SOURCE.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef UDP_CALLS_H
#define UDP_CALLS_H

#include "udp_bench.h"

#include <errno.h>
#include <sys/syscall.h>

static unsigned at_most;  /* datagrams that sendmmsg() takes at once; 0: all */
static bool unknown;      /* recvmmsg() is not allowed */
static unsigned receives; /* calls of recvmmsg() */

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    if (bench.full) {
        errno = EAGAIN;
        return -1;
    }
    return syscall(SYS_sendmsg, fd, message, flags);
}

int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    if (bench.full) {
        errno = EAGAIN;
        return -1;
    }
    if (at_most > 0 && count > at_most)
        count = at_most;
    return (int)syscall(SYS_sendmmsg, fd, messages, count, flags);
}

int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
             struct timespec *timeout)
{
    receives++;
    if (unknown) {
        errno = ENOSYS;
        return -1;
    }
    return (int)syscall(SYS_recvmmsg, fd, messages, count, flags, timeout);
}

#endif /* UDP_CALLS_H */
