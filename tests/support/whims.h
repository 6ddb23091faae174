/*
 * A program that draws lots, in each of its callbacks, what it calls next, and
 * counts what it was promised.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TEST_WHIMS_H
#define SRF_TEST_WHIMS_H

#include "srf/srf.h"

#include <stdbool.h>

enum { WHIMS_KEPT = 16, WHIMS_TARGETS = 8 };

/* There is one. */
typedef struct whims {
    srf_t *srf;                         /* NULL: srf_destroy() was called */
    const char *targets[WHIMS_TARGETS]; /* of what it proxies and sends */
    unsigned target_count;
    bool fails;            /* one allocation in sixty-four */
    unsigned long fail_at; /* the so-many-th from now on; 0: none */
    bool destroys;         /* now and then */
    bool sockets;          /* there are some: it may listen, and post */
    unsigned destroyed;    /* callbacks of srf_destroy() */

    uint64_t state;
    long live;       /* allocations */
    unsigned inside; /* functions of the library */
    unsigned depth;  /* callbacks */
    srf_req_t *kept[WHIMS_KEPT];
    srf_outgoing_t *outgoings[WHIMS_KEPT];
    unsigned promised; /* completions */
    unsigned told;
    unsigned listened;
    bool draining;
} whims_t;

extern whims_t whims;

/* A number below `below`. */
unsigned whims_lot(unsigned below);
/* Forgets everything, takes the allocator, and sets what calls back in
 * `options`. */
void whims_set_up(uint64_t seed, srf_options_t *options);
/* The stack is there. */
void whims_begin(srf_t *srf);
/* Ends the stack unless it has. */
void whims_end(void);
/* The loop has run: nothing more is expected, and what was kept is given back;
 * all memory, with what the test itself had of it. */
void whims_give_back(void);
void whims_tear_down(void);
/* Does something, on behalf of nobody. */
void whims_act(void);

#endif /* SRF_TEST_WHIMS_H */
