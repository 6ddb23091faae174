/*
 * The end of a program by signals, whenever they come and how many there are.
 *
 * SIGINT and SIGTERM end it: the first one lets it run dry, where that is
 * wanted, the next one ends it at once, the third one has its usual effect.
 * One of a process, as signals are.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STOP_H
#define STOP_H

#include <srf/srf.h>
#include <uv.h>

struct stop_actions {
    int drains; /* the first signal lets the stack run dry */
    /* SIGHUP, while the stack is there; NULL: it has its usual effect. */
    void (*hangup)(void *data);
    /* The stack is going to be destroyed: nothing new is begun. May be NULL. */
    void (*ending)(void *data);
    /* It is gone: what else keeps the loop is closed. May be NULL. */
    void (*ended)(void *data);
    void *data;
};

/* Takes the signals from now on: before there is a stack, so that none of them
 * comes too early. 0 or a libuv error. */
int stop_begin(uv_loop_t *loop, const struct stop_actions *actions);

/* The stack that they end. */
void stop_watch(srf_t *srf);

/* Ends the stack, if there is one, as a signal does: when the start has failed,
 * or there is nothing more to do. May be called again. */
void stop_now(void);

#endif /* STOP_H */
