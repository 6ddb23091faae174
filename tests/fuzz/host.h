/*
 * A stack with one listener, on a virtual network and clock, and the script
 * that drives it: what the targets of a whole stack without connections share.
 *
 * The script is commands, each beginning with "%" at the start of a line. These
 * are the same in all of them:
 *
 *   %wX  time passes, 2 to the power of X modulo 20 milliseconds
 *   %x   the network gives the last datagram back
 *   %f   the next datagram cannot be sent
 *   %mX  the allocation after X others fails
 *   %d   the program destroys the stack
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_FUZZ_HOST_H
#define SRF_FUZZ_HOST_H

#include "memory.h"

#include "core/receive.h"

#include <stdbool.h>

enum { TEXT_BYTES = 8192 };

typedef struct text {
    size_t len;
    char p[TEXT_BYTES]; /* NUL-terminated; what is too much is left out */
} text_t;

void text_add(text_t *text, const char *p, size_t len);
void text_string(text_t *text, const char *string);
static inline bool text_is_full(const text_t *text)
{
    return text->len == sizeof(text->p) - 1;
}

typedef struct host host_t;

typedef struct host_manner {
    /* `last` has been sent to `last_to`. */
    void (*sent)(host_t *host);
    /* Something may be on its way; may be NULL. */
    void (*carry)(host_t *host);
    /* A command that is not one of the above. */
    void (*command)(host_t *host, const char *p, size_t len);
} host_manner_t;

/* The first member of a target's world. */
struct host {
    srf__listener_t listener; /* first: what is sent finds us by it */
    srf__wheel_t wheel;
    srf_t *srf; /* NULL when it is destroyed */
    unsigned destroyed;
    const host_manner_t *manner;
    text_t last; /* datagram that was sent */
    srf__addr_t last_to;
    bool fail_send;
};

extern fuzz_memory_t host_memory;

srf__addr_t host_address(const char *ip);
/* At 10.0.0.1; all zero before. `options` may be NULL. */
void host_begin(host_t *host, const host_manner_t *manner,
                const srf_options_t *options);
void host_deliver(host_t *host, const srf__addr_t *from, const text_t *text);
void host_destroy(host_t *host);
void host_script(host_t *host, const char *p, size_t size);
/* No allocation fails any more, and all timers run out. */
void host_drain(host_t *host);
/* Ends the stack, which is destroyed exactly once. */
void host_end(host_t *host);

#endif /* SRF_FUZZ_HOST_H */
