/*
 * Transport: listeners that deliver whole messages and send them. A listener is
 * a small table of functions; UDP is one kind, the tests' memory network
 * another, streams will be more.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TRANSPORT_H
#define SRF_TRANSPORT_H

#include "base/log.h"
#include "transport/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uv_loop_s;

typedef struct srf__transports srf__transports_t;
typedef struct srf__listener srf__listener_t;

/* A path to a peer: which listener, and the peer's address there. */
typedef struct srf__flow {
    srf__listener_t *listener;
    srf__addr_t peer;
} srf__flow_t;

enum { SRF__SEND_PARTS = 2 };

/* How a kind of listener works. */
typedef struct srf__listener_ops {
    /* Sends the pieces as one message. 0: sent or queued. SRF_ERR_LIMIT: the
     * queue is full, dropped and counted (the peer retransmits). Any other
     * error: the destination cannot be reached from here. The bytes are
     * borrowed until return. */
    int (*send)(srf__listener_t *listener, const srf__addr_t *to,
                const srf__str_t *parts, unsigned count);
    /* Closes; calls srf__transports_closed() from the loop and is then freed by
     * the kind itself. */
    void (*close)(srf__listener_t *listener);
    bool reliable; /* no retransmissions needed */
} srf__listener_ops_t;

/* Common part, embedded first in each kind. */
struct srf__listener {
    const srf__listener_ops_t *ops;
    srf__transports_t *owner;
    srf__listener_t *next;
    srf__addr_t bound; /* with the real port; any address for a wildcard */
    bool wildcard;
    char uri[96];                   /* "sip:127.0.0.1:5060;transport=udp" */
    char host_port[SRF__ADDR_TEXT]; /* of a bound one, once asked for */
    size_t host_port_len;
};

typedef struct srf__transports_events {
    /* A whole message arrived; `data` is borrowed until return. */
    void (*message)(void *arg, const srf__flow_t *from, const char *data,
                    size_t len);
    /* The network said that `datagram`, sent by us to `to`, did not arrive. It
     * may be cut short, but begins with its first byte. */
    void (*undelivered)(void *arg, const srf__addr_t *to, const char *datagram,
                        size_t len);
    /* A message has left; NULL when nobody asks. */
    void (*sent)(void *arg, const srf__flow_t *to, const srf__str_t *parts,
                 unsigned count);
    void *arg;
} srf__transports_events_t;

typedef struct srf__transports_counters {
    uint64_t dropped_send_queue;
    uint64_t errors;
} srf__transports_counters_t;

struct srf__local_cache;

struct srf__transports {
    struct uv_loop_s *loop;
    srf__log_t *log;
    srf__transports_events_t events;
    srf__transports_counters_t counters;
    srf__listener_t *listeners; /* in order of listening */
    unsigned open;              /* listeners not yet closed */
    bool closing;
    void (*closed_cb)(void *arg);
    void *closed_arg;
    struct srf__local_cache *local; /* local addresses, see local.c */
};

int srf__transports_init(srf__transports_t *transports, struct uv_loop_s *loop,
                         srf__log_t *log,
                         const srf__transports_events_t *events);
/* Closes every listener; `cb` comes from the loop (at once from the caller's
 * point of view only if there was none: then from inside this call). */
void srf__transports_close(srf__transports_t *transports, void (*cb)(void *arg),
                           void *arg);
/* Frees what init made, after the close. */
void srf__transports_deinit(srf__transports_t *transports);

/* For kinds: links a listener in at the end. */
void srf__transports_add(srf__transports_t *transports,
                         srf__listener_t *listener);
/* For kinds: a listener's handle is closed; it must not be linked any more
 * touched after this call by the transports. */
void srf__transports_closed(srf__listener_t *listener);

/* Opens a UDP listener. 0, or a libuv error, or SRF_ERR_NO_MEMORY. */
int srf__udp_listen(srf__transports_t *transports, const srf__addr_t *address,
                    uint32_t receive_buffer_bytes);

/* The listener to reach `to` from: same transport and family; a listener bound
 * to an address that cannot reach `to` (loopback against not) comes last;
 * `preferred` (may be NULL) first when it fits. NULL when there is none. */
srf__listener_t *srf__transports_pick(srf__transports_t *transports,
                                      const srf__addr_t *to,
                                      srf__listener_t *preferred);
int srf__transports_send(const srf__flow_t *flow, const srf__str_t *parts,
                         unsigned count);

/* The address `listener` is seen with by `to`: its own, or for a wildcard the
 * one the system would choose. */
srf__addr_t srf__listener_local(srf__listener_t *listener,
                                const srf__addr_t *to);

/* The same as "host:port", for a Via or a Route; a view of the listener's or of
 * `storage`. */
srf__str_t srf__listener_host_port(srf__listener_t *listener,
                                   const srf__addr_t *to,
                                   char storage[SRF__ADDR_TEXT]);

/* Whether this IP, port and transport is one listened on; a wildcard listener
 * stands for every interface address. port 0 and transport NONE match any. */
bool srf__transports_is_local(srf__transports_t *transports,
                              const srf__addr_t *address);

#endif /* SRF_TRANSPORT_H */
