/*
 * Transport: listeners that deliver whole messages and send them. A listener is
 * a small table of functions; UDP is one kind, streams (TCP and what is on top
 * of it) another, the tests' memory network a third.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TRANSPORT_H
#define SRF_TRANSPORT_H

#include "base/hash.h"
#include "base/log.h"
#include "base/map.h"
#include "base/wheel.h"
#include "transport/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uv_loop_s;

typedef struct srf__transports srf__transports_t;
typedef struct srf__listener srf__listener_t;

/* A path to a peer: which listener, the peer's address there, and for a stream
 * the connection: a number that is never used twice, 0 while there is none. */
typedef struct srf__flow {
    srf__listener_t *listener;
    srf__addr_t peer;
    uint32_t connection;
} srf__flow_t;

enum { SRF__SEND_PARTS = 2 };

/* Whether a connection may be opened where there is none, and on whose word:
 * what a message says must not use up what the program's targets need. */
typedef enum srf__opening {
    SRF__OPEN_NOTHING,
    SRF__OPEN_FOR_NETWORK,
    SRF__OPEN_FOR_PROGRAM,
    /* For the program: there is another way, so little time is lost on it. */
    SRF__OPEN_TENTATIVELY
} srf__opening_t;

/* What a connection is needed for by others than who sends on it. */
typedef enum srf__need {
    SRF__NEED_OWED,  /* a response is to go out on it; counted */
    SRF__NEED_PAID,  /* it went, or will not */
    SRF__NEED_NAMED, /* a flow token leads to it, from now on */
} srf__need_t;

/* A connection that is gone; borrowed as long as one is told of it. */
typedef struct srf__lost {
    srf__flow_t flow;       /* it had; without its number */
    srf__str_t name;        /* see srf__transports_connect() */
    srf__opening_t opening; /* on whose word there may be another one in its
                               place; NOTHING: the peer would have to make it */
    uint32_t heard;         /* see srf__transports_watch() */
    bool broken; /* it failed, or was never had; else the peer closed it in good
                    order */
} srf__lost_t;

/* How datagrams fare on their way to us; see srf__transports_strain(). */
typedef struct srf__strain {
    uint64_t received; /* all that were read */
    uint64_t drops;    /* all that the system had no room for */
    uint32_t wait_ms;  /* what each had waited for at least */
} srf__strain_t;

/* How a kind of listener works. */
typedef struct srf__listener_ops {
    /* Sends the pieces as one message. 0: sent or queued. SRF_ERR_LIMIT: the
     * queue is full, dropped and counted (over a datagram it is sent again).
     * SRF_ERR_NOT_CONNECTED: the connection is gone. Any other error: the
     * destination cannot be reached from here. The bytes are borrowed until
     * return. */
    int (*send)(const srf__flow_t *to, const srf__str_t *parts, unsigned count);
    /* Streams only, else NULL; see srf__transports_connect(). */
    int (*connect)(srf__flow_t *flow, srf__str_t name, srf__opening_t opening);
    /* Streams only, else NULL; see srf__transports_find(). */
    bool (*find)(srf__flow_t *flow);
    /* Streams only, else NULL; see srf__transports_watch(). */
    int (*watch)(const srf__flow_t *flow, uint64_t id, uint32_t *heard);
    bool (*resume)(srf__flow_t *flow);
    bool (*is_accepted)(const srf__flow_t *flow);
    void (*need)(const srf__flow_t *flow, srf__need_t need);
    struct srf__tls *(*tls)(const srf__flow_t *flow);
    void (*rest)(const srf__flow_t *flow, uint32_t ms);
    /* Datagrams only, else NULL: how many the system has dropped; adds to
     * `strain`, see srf__transports_strain(). */
    uint64_t (*drops)(const srf__listener_t *listener);
    void (*strain)(srf__listener_t *listener, srf__strain_t *strain);
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
    char *advertised; /* "host:port", "host"; NULL: bound */
    /* What clients that offer keep-alives are told to send them every (RFC
     * 6223); 0: as they like; SRF_TIMEOUT_NONE: nothing. */
    uint32_t keepalive_s;
    char uri[96];                   /* "sip:127.0.0.1:5060;transport=udp" */
    char host_port[SRF__ADDR_TEXT]; /* of a bound one, once asked for */
    size_t host_port_len;
};

typedef struct srf__transports_events {
    /* A whole message arrived; `data` is borrowed until return. */
    void (*message)(void *arg, const srf__flow_t *from, const char *data,
                    size_t len);
    /* The network said that `message`, sent by us to `to`, did not arrive, or
     * there was never a connection to send it on. A datagram may be cut short,
     * but begins with its first byte. */
    void (*undelivered)(void *arg, const srf__addr_t *to, const char *message,
                        size_t len);
    /* What came on a stream cannot be cut into messages: `head` is the
     * beginning of the one to answer with `status`; the connection then ends.
     * Borrowed until return. */
    void (*refused)(void *arg, const srf__flow_t *from, srf__str_t head,
                    unsigned status, const char *reason);
    /* A connection is gone, on which these were to wait for something
     * (srf__transports_watch()). */
    void (*lost)(void *arg, const srf__lost_t *lost, const uint64_t *ids,
                 size_t count);
    /* A connection is gone, on which a whole message had come; after lost().
     * From the loop. */
    void (*closed)(void *arg, uint32_t connection);
    /* Whether this one still waits. */
    bool (*is_waiting)(void *arg, uint64_t id);
    /* Whether messages may go to `to`, where `name` led; `reason` is a
     * srf_destination_reason_t. NULL: they may go anywhere. */
    bool (*allow)(void *arg, const srf__addr_t *to, srf__str_t name,
                  unsigned reason);
    /* A message has left; NULL when nobody asks. */
    void (*sent)(void *arg, const srf__flow_t *to, const srf__str_t *parts,
                 unsigned count);
    void *arg;
} srf__transports_events_t;

typedef struct srf__transports_counters {
    uint64_t dropped_send_queue;
    uint64_t errors;
    uint64_t keepalives;  /* pings that streams were answered */
    uint64_t connections; /* open now */
    uint64_t accepted;
    uint64_t connected;
    uint64_t refused;   /* connections above a limit */
    uint64_t timed_out; /* connections closed for being too slow */
    uint64_t shed;      /* connections closed for others, or for their memory */
    uint64_t connects_refused; /* above a limit; none was opened */
    uint64_t accepts_failed;   /* descriptors or memory were out */
} srf__transports_counters_t;

struct srf__local_cache;

/* What transports take from their surroundings. */
typedef struct srf__transports_env {
    struct uv_loop_s *loop;
    srf__wheel_t *wheel;
    srf__log_t *log;
    srf__hash_key_t key;
    uint64_t bytes_max; /* that connections may hold */
} srf__transports_env_t;

struct srf__transports {
    struct uv_loop_s *loop;
    srf__wheel_t *wheel;
    srf__log_t *log;
    srf__hash_key_t key;
    uint32_t last_connection;
    /* Connections of all streams, by their number; and those that requests may
     * be sent on, by whom they lead to. See stream.c. */
    srf__map_t by_id;
    srf__map_t by_peer;
    char *stream_buffer; /* what is read from any stream; NULL until needed */
    struct srf__crowds *crowds; /* of streams; NULL until needed */
    uint64_t accept_told_ms;    /* when a failure to accept was logged last */
    uint64_t bytes;             /* that connections hold */
    uint64_t bytes_max;         /* beyond that who holds much is closed */
    struct srf__udp_turn *udp_turn; /* see udp_linux.c; NULL until needed */
    srf__transports_events_t events;
    srf__transports_counters_t counters;
    srf__listener_t *listeners; /* in order of listening */
    bool advertises;            /* one of them has a name, or had */
    unsigned open;              /* listeners not yet closed */
    bool closing;
    void (*closed_cb)(void *arg);
    void *closed_arg;
    struct srf__local_cache *local; /* local addresses, see local.c */
};

int srf__transports_init(srf__transports_t *transports,
                         const srf__transports_env_t *env,
                         const srf__transports_events_t *events);
/* Closes every listener; `cb` comes from the loop (at once from the caller's
 * point of view only if there was none: then from inside this call). */
void srf__transports_close(srf__transports_t *transports, void (*cb)(void *arg),
                           void *arg);
/* Frees what init made, after the close. */
void srf__transports_deinit(srf__transports_t *transports);

/* Datagrams that came to open listeners and that the system dropped, since
 * there was no room for them. */
uint64_t srf__transports_drops(const srf__transports_t *transports);
/* Of all listeners. The wait is that since this was asked last, of the listener
 * where it is longest: 0 where the socket was found empty meanwhile, or where
 * it cannot be told. */
void srf__transports_strain(srf__transports_t *transports,
                            srf__strain_t *strain);

/* For kinds: links a listener in at the end. */
void srf__transports_add(srf__transports_t *transports,
                         srf__listener_t *listener);
/* For kinds: what srf_listener_uri() says, from the other members. */
void srf__listener_write_uri(srf__listener_t *listener);
/* For kinds: a listener's handle is closed; it must not be linked any more
 * touched after this call by the transports. */
void srf__transports_closed(srf__listener_t *listener);

/* The listener to reach `to` from, of its transport and family; NULL when there
 * is none. In this order: `leaves_by` (may be NULL), or one at the same
 * address; one at the address that the system would send from; `came_by` (may
 * be NULL). One bound to an address that cannot reach `to` (loopback against
 * not) comes last. */
srf__listener_t *srf__transports_pick(srf__transports_t *transports,
                                      const srf__addr_t *to,
                                      srf__listener_t *leaves_by,
                                      srf__listener_t *came_by);
/* Whether both are at one address of ours. */
bool srf__listener_shares_address(const srf__listener_t *a,
                                  const srf__listener_t *b);
/* Sends a message: see srf__listener_ops_t. Over a stream it leaves with what
 * it needs to be found there, see envelope.h. */
int srf__transports_send(const srf__flow_t *flow, const srf__str_t *parts,
                         unsigned count);

/* Gives a flow whose listener and peer are set its connection: one of this
 * listener that is open to there, or a new one (messages wait until it is), as
 * `opening` allows.
 * `name` is the host
 * of the URI that led there, for TLS to verify (RFC 5922 §7); connections are
 * not shared between names. Nothing to do for datagrams. 0; SRF_ERR_LIMIT;
 * SRF_ERR_NO_TRANSPORT where none can be opened; SRF_ERR_NO_MEMORY; a libuv
 * error. */
int srf__transports_connect(srf__flow_t *flow, srf__str_t name,
                            srf__opening_t opening);
/* Gives it one that is there already, of whatever listener, which the flow then
 * has: the one it names, if that has one. Over TLS only of the one it names,
 * and none that had to prove a name, which only srf__transports_connect() asks
 * for. Whether there is one; nothing to do for datagrams. */
bool srf__transports_find(srf__flow_t *flow);
/* events.lost() tells about `id` when the flow's connection goes, unless
 * events.is_waiting() says no before. *heard receives how often something has
 * come on it so far: 0 for a new one, and for datagrams. 0;
 * SRF_ERR_NOT_CONNECTED; SRF_ERR_NO_MEMORY. */
int srf__transports_watch(const srf__flow_t *flow, uint64_t id,
                          uint32_t *heard);
/* Whether the flow's connection is there; always true for datagrams. */
bool srf__transports_is_there(const srf__flow_t *flow);
/* Whether the flow's connection is there, whose listener and peer are filled
 * in; always true for datagrams. */
bool srf__transports_resume(srf__flow_t *flow);
/* Nothing is read from the flow's connection for that long, so that the peer
 * has to wait. Nothing to do for datagrams, where it would hit others. */
void srf__transports_rest(const srf__flow_t *flow, uint32_t ms);
/* Tells what the flow's connection is needed for: it is not closed for being
 * silent then. Nothing to do for datagrams, or when it is gone. */
void srf__transports_need(const srf__flow_t *flow, srf__need_t need);
/* Whether the flow has a connection that the peer made. */
bool srf__transports_is_accepted(const srf__flow_t *flow);
/* The TLS session of its connection; NULL when it has none, or has gone.
 * Borrowed until the loop runs on. */
struct srf__tls *srf__transports_tls(const srf__flow_t *flow);

/* The address `listener` is seen with by `to`: its own, or for a wildcard the
 * one the system would choose. */
srf__addr_t srf__listener_local(srf__listener_t *listener,
                                const srf__addr_t *to);

/* The transport parameter of a URI that leads to `listener` (RFC 3261 §19.1.1):
 * empty for UDP, and for TLS where the scheme sips says it. That of a secure
 * WebSocket is "ws" too (RFC 7118 §5.3). */
const char *srf__listener_uri_param(const srf__listener_t *listener,
                                    bool secure);

/* The address as "host:port", or what is advertised instead, for a Via or a
 * Route; a view of the listener's or of `storage`. */
srf__str_t srf__listener_host_port(srf__listener_t *listener,
                                   const srf__addr_t *to,
                                   char storage[SRF__ADDR_TEXT]);

/* The listener on this IP, port and transport, NULL when there is none; a
 * wildcard listener stands for every interface address that has none of its
 * own, the unspecified address for every listener. port 0 and transport NONE
 * match any. */
srf__listener_t *srf__transports_local(srf__transports_t *transports,
                                       const srf__addr_t *address);

#endif /* SRF_TRANSPORT_H */
