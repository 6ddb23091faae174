/*
 * UDP listeners. On Linux they move many datagrams with one system call
 * (udp_linux.c); everywhere, and where that is not wanted, they stand on
 * uv_udp_t (udp_portable.c). What both do with their socket is in udp.c.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_UDP_H
#define SRF_UDP_H

#include "transport/transport.h"

struct sockaddr;

typedef struct srf__udp_settings {
    uint32_t receive_buffer_bytes; /* 0: the default */
    uint32_t gather_ms;            /* see gather.h; 0: never */
    bool portable;                 /* not the way of Linux */
} srf__udp_settings_t;

/* Opens a UDP listener. 0, or a libuv error, or SRF_ERR_NO_MEMORY. */
int srf__udp_listen(srf__transports_t *transports, const srf__addr_t *address,
                    const srf__udp_settings_t *settings);

/* The two ways. The first answers SRF_ERR_UNSUPPORTED where it is not there. */
int srf__udp_listen_linux(srf__transports_t *transports,
                          const srf__addr_t *address,
                          const srf__udp_settings_t *settings);
int srf__udp_listen_portable(srf__transports_t *transports,
                             const srf__addr_t *address,
                             const srf__udp_settings_t *settings);

/* For both: settles a bound socket of a listener whose owner is set, and fills
 * in what the listener tells of itself. 0 or a libuv error. */
int srf__udp_settle(srf__listener_t *listener, int fd,
                    const srf__udp_settings_t *settings);

/* Empties the socket's queue of errors, or it stays readable without anything
 * to read, and tells events.undelivered(). Whoever is told may close the
 * listener, or send, which must not lead in here again: `*taking` is set
 * meanwhile. */
void srf__udp_take_errors(srf__listener_t *listener, int fd, bool *taking);

/* Datagrams the system has dropped since the socket's buffer was full; 0 where
 * it does not tell. */
uint64_t srf__udp_drops(int fd);
/* How long the datagram read last had waited in the socket; 0 where the system
 * does not tell, and the first time, which makes it take the time of what
 * comes. */
uint32_t srf__udp_wait_ms(int fd);

#endif /* SRF_UDP_H */
