/*
 * Sockets of streams: what the system knows of them. They never block and never
 * raise SIGPIPE, whatever the program makes of that signal; libuv, which writes
 * without MSG_NOSIGNAL, only tells when one is ready. Whatever returns an int
 * or a length returns a libuv error below 0.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_SOCKET_H
#define SRF_SOCKET_H

#include "transport/address.h"

#include <sys/types.h>

enum { SRF__SOCKET_PIECES = 16 };

/* A socket that listens on `address`; *bound has the port it got. */
int srf__socket_listen(const srf__addr_t *address, srf__addr_t *bound);
/* The next connection that waits for it. UV_EAGAIN: none does. */
int srf__socket_accept(int listener, srf__addr_t *peer);

/* A socket that begins to connect to `to`, from `local` unless that is NULL; it
 * is writable when srf__socket_error() tells what came of it. */
int srf__socket_connect(const srf__addr_t *to, const srf__addr_t *local);
/* For a connected one: it is broken when what was sent is not acknowledged for
 * that long, where the system can do that, and when the peer has gone without a
 * word, as soon as the system looks. */
void srf__socket_guard(int fd, uint32_t unacknowledged_ms);
/* Returns what the network has said since; 0: nothing bad. */
int srf__socket_error(int fd);

/* Sends the pieces, SRF__SOCKET_PIECES at most, as far as the system takes
 * them: how many bytes. */
ssize_t srf__socket_send(int fd, const srf__str_t *parts, unsigned count);
/* 0: the peer has ended. UV_EAGAIN: nothing is there. */
ssize_t srf__socket_receive(int fd, char *out, size_t cap);
/* Ends the direction to the peer: nothing more will be sent. */
int srf__socket_finish(int fd);
void srf__socket_close(int fd);

#endif /* SRF_SOCKET_H */
