/*
 * A network in memory on a virtual clock: hosts that exchange datagrams without
 * a socket, with loss, duplication and delay from a seed. Several stacks and
 * scripted peers share one wheel, so that a test of minutes runs in
 * milliseconds and always the same way.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TEST_MEMNET_H
#define SRF_TEST_MEMNET_H

#include "core/stack.h"

#include <stddef.h>
#include <stdint.h>

typedef struct memnet memnet_t;
typedef struct mempeer mempeer_t;

/* Percentages; delays in milliseconds. All zero: a perfect network. */
typedef struct memnet_faults {
    unsigned loss_pct;
    unsigned duplicate_pct;
    unsigned reorder_pct; /* delivered up to reorder_ms later */
    unsigned reorder_ms;
    unsigned delay_ms; /* of every datagram */
} memnet_faults_t;

memnet_t *memnet_create(uint64_t seed);
/* Every stack must have been destroyed and every datagram delivered. */
void memnet_destroy(memnet_t *net);
void memnet_set_faults(memnet_t *net, const memnet_faults_t *faults);
srf__wheel_t *memnet_wheel(memnet_t *net);
/* Lets `ms` of virtual time pass. */
void memnet_run(memnet_t *net, uint64_t ms);
/* Runs until no timer is alive, at most `ms`; the time that passed. */
uint64_t memnet_drain(memnet_t *net, uint64_t ms);

/* Creates a stack that listens at "sip:ADDRESS" (e.g. "10.0.0.1:5060") in this
 * network. Destroy it with srf_destroy() and memnet_run(). */
srf_t *memnet_stack(memnet_t *net, const char *address,
                    const srf_options_t *options);
/* A further address of a stack. */
void memnet_listen(memnet_t *net, srf_t *srf, const char *address);

/* A peer that is only an address with a callback. */
typedef void (*mempeer_cb)(mempeer_t *peer, const srf__addr_t *from,
                           const char *data, size_t len);
mempeer_t *mempeer_create(memnet_t *net, const char *address, mempeer_cb cb,
                          void *data);
void *mempeer_data(mempeer_t *peer);
void mempeer_send(mempeer_t *peer, const srf__addr_t *to, const char *data,
                  size_t len);

/* From now on what is sent to `address` is given back as undelivered (as an
 * ICMP error would), or `immediate`: the send itself fails. */
void memnet_close_port(memnet_t *net, const char *address, bool immediate);

/* Watches every datagram as it is sent; NULL stops. */
typedef void (*memnet_tap)(void *arg, const srf__addr_t *from,
                           const srf__addr_t *to, const char *data, size_t len);
void memnet_set_tap(memnet_t *net, memnet_tap tap, void *arg);

#endif /* SRF_TEST_MEMNET_H */
