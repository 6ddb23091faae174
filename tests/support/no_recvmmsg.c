/*
 * To be loaded before the C library (LD_PRELOAD): a system that does not know
 * recvmmsg(2), as some sandboxes do not. UDP stands on libuv alone then, and
 * every test is to pass that way too.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE

#include <errno.h>
#include <sys/socket.h>

int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
             struct timespec *timeout)
{
    (void)fd;
    (void)messages;
    (void)count;
    (void)flags;
    (void)timeout;
    errno = ENOSYS;
    return -1;
}
