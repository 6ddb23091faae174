/*
 * Gathering: where datagrams come densely, they are let wait for one another in
 * the receive buffer and are read all at once, each time a clock ticks, instead
 * of one by one. To be woken costs more than to read; what is handled right
 * after its like meets caches that know it.
 *
 * What is here decides when; the listener has the clock and the socket.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_GATHER_H
#define SRF_GATHER_H

#include <stdbool.h>
#include <stdint.h>

enum { SRF__GATHER_DEFAULT_MS = 1, SRF__GATHER_MAX_MS = 20 };

typedef struct srf__gather {
    uint32_t tick_ms; /* 0: never */
    unsigned most;    /* datagrams in a tick; the buffer has to take them */
    bool on;
    bool first;          /* the window after the switch to it */
    unsigned count;      /* datagrams since then: */
    uint64_t since_ms;   /* the window's begin */
    unsigned highest;    /* of a window, since the one before the switch */
    unsigned pause;      /* windows to let pass before the next switch */
    unsigned last_pause; /* 0: it was of use, the last time */
} srf__gather_t;

/* `buffer_bytes`: of the socket's receive buffer, as the system counts. */
void srf__gather_init(srf__gather_t *gather, uint32_t tick_ms,
                      unsigned buffer_bytes);
/* Notes how many datagrams have been read, 0 for a tick without any, and there
 * may be `more` that are read next; tells whether they are to be gathered from
 * now on. */
bool srf__gather_note(srf__gather_t *gather, uint64_t now_ms, unsigned count,
                      bool more);

#endif /* SRF_GATHER_H */
