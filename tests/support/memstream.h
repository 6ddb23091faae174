/*
 * Streams in memory, below the library's own: what the system and the loop are
 * to lib/transport/stream.c and connection.c. A test that has memstream.c among
 * its sources links it in place of lib/transport/socket.c and of libuv's polls;
 * it has as many descriptors as it likes, and no loop. Time comes from a wheel.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TEST_MEMSTREAM_H
#define SRF_TEST_MEMSTREAM_H

#include "transport/address.h"

#include <stdbool.h>
#include <stddef.h>

/* A peer's end of a connection. */
typedef struct memstream memstream_t;

/* How many descriptors there may be from now on, of listeners too; 0: as many
 * as there is room for, some 130,000. */
void memstream_set_descriptors(unsigned count);
/* How many are open. */
unsigned memstream_descriptors(void);

/* Connects to the listener on to->ip and to->port; it is accepted in a later
 * turn. NULL when nobody listens there. */
memstream_t *memstream_connect(const srf__addr_t *from, const srf__addr_t *to);
/* What is sent to this end is kept from now on; of others it is counted, and
 * they take 64 KiB. */
void memstream_listen_to(memstream_t *stream);
void memstream_say(memstream_t *stream, const void *bytes, size_t len);
/* Takes out what has been sent to this end: at most `cap` bytes. */
size_t memstream_hear(memstream_t *stream, char *out, size_t cap);
/* It was not accepted, or has been closed by the other side. */
bool memstream_is_gone(const memstream_t *stream);
/* The peer closes, and `stream` is freed: what has not been read is read, then
 * the stream ends. */
void memstream_close(memstream_t *stream);

/* A turn of the loop; whether anything happened in it. */
bool memstream_turn(void);
/* Turns until nothing happens any more. */
void memstream_settle(void);

#endif /* SRF_TEST_MEMSTREAM_H */
