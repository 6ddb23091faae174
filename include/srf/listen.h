/*
 * libsrf: listeners, the names of this element, and flows.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_LISTEN_H
#define SRF_LISTEN_H

#include <srf/base.h>
#include <srf/tls.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Settings of one listener. Initialise with srf_listen_options_init(). */
typedef struct srf_listen_options {
    size_t size; /**< set by srf_listen_options_init() */
    /** Kernel receive buffer of UDP in bytes; 0: 4 MiB. The system may give
     * less (on Linux `net.core.rmem_max` is the limit), which is logged at
     * level INFO; what finds no room is counted in
     * srf_stats_t::dropped_receive_queue. */
    uint32_t receive_buffer_bytes;
    /** UDP through libuv alone, as on other systems, where Linux would move
     * many datagrams with one system call; for comparison, or where a sandbox
     * does not allow these calls (that is found out, though). */
    int portable_udp;
    /** Milliseconds from one reading of the UDP socket to the next where
     * datagrams come densely: 8 or more of them in that time, which for 1 is so
     * from some 1,100 calls per second on. All that have come are read
     * together, so that at twice that rate a call takes a third less of the
     * processor; a message is held up for that time at most. 0: 1; at most 20;
     * SRF_TIMEOUT_NONE: each datagram is read as it comes. It is left off where
     * only peers send that wait for an answer before they go on. Only Linux has
     * it, and not with portable_udp. */
    uint32_t gather_ms;

    /* The others are for streams: TCP, TLS, WebSocket. */

    /** How long a connection to a peer may take to become usable, the TLS
     * handshake included; 0: 5000. */
    uint32_t connect_timeout_ms;
    /** How long a connection from a peer may take to become usable, the
     * WebSocket handshake included; 0: 5000. */
    uint32_t accept_timeout_ms;
    /** How long a message that has begun may take to be complete, and what is
     * sent to be taken by the peer; 0: 10000. */
    uint32_t message_timeout_ms;
    /** How long a connection may be silent; a WebSocket client is pinged then;
     * 0: 600000. One on which a response is to come or to go stays, and so does
     * one that a flow token of ours names (Record-Route, Path), or whose peer
     * has sent keep-alives (RFC 5626 §4.4.1). */
    uint32_t idle_timeout_ms;
    /** Connections accepted by this listener, and as many opened; 0: 16384.
     *
     * All listeners of a stack together have no more than the descriptors of
     * the process allow (RLIMIT_NOFILE, the soft limit when the first stream is
     * listened on). An eighth, from 16 to 1024 of them, is left to the program.
     * Of the rest, five eighths are for connections accepted, two for those to
     * targets that the program names, and one for those to where messages
     * point (Route, Request-URI, Contact, Via): none takes what another needs.
     * With a limit of 1024 these are 560, 224 and 112. A program with more than
     * one stack sets smaller ones.
     *
     * When there is no room, a connection of the address that has most, and at
     * least twice as many as the one that asks, is closed for it: an idle one
     * (what has said nothing first), or else one that nobody waits for an
     * answer on. Where all have one and the one that asks has none, the oldest
     * that has never said a whole message goes, or of those opened one that is
     * idle. Without one the new connection is refused. Each is counted,
     * and logged at level WARNING every ten seconds at most. */
    uint32_t max_connections;
    /** Connections accepted from one IPv4 address or one IPv6 network of 64
     * bits, by all listeners; 0: half of what may be accepted in all, at most
     * 1024; SRF_UNLIMITED: as many as there may be. Beyond it they are refused,
     * counted, and logged at level WARNING every ten seconds at most. */
    uint32_t max_connections_per_source;
    /** What may wait to be sent on a connection before messages are refused; 0:
     * 1 MiB. */
    uint32_t send_queue_bytes;

    /** Needed for TLS and secure WebSocket. Copied. */
    const srf_tls_options_t *tls;
    /** Origins of the pages whose browsers may connect to a WebSocket (RFC 6455
     * §10.2), e.g. "https://phone.example.com", or "*" for any;
     * NULL-terminated; NULL: pages from the host and port that they connect to,
     * over https when the listener is secure. Others get 403. A client without
     * Origin is let in: no browser leaves it out, and nobody else is bound by
     * it. Copied. */
    const char *const *origins;
    /** `HOST` or `HOST:PORT` that this listener is reached at from outside, for
     * Via, Record-Route and Path, e.g. behind address translation; NULL: the
     * address listened on. Copied. */
    const char *advertise;
    /** Seconds between the keep-alives of clients that offer to send some
     * (`keep` in their Via, RFC 6223): they are told this number in the
     * response to a REGISTER, and in that to a request whose dialog records us
     * or is the program's own. 0: as often as they like, or three quarters of
     * idle_timeout_ms where that is less than the two minutes they choose
     * themselves (RFC 5626 §4.4.1). SRF_TIMEOUT_NONE: the offer is not taken
     * up. It holds for all transports; over streams not more than
     * idle_timeout_ms is told. */
    uint32_t keepalive_s;
    uint32_t reserved; /**< zero */
} srf_listen_options_t;

/**
 * Fills in the size and sets every default.
 *
 * @param options  structure to initialise. Borrowed.
 * @since 0.1
 */
static inline void srf_listen_options_init(srf_listen_options_t *options)
{
    memset(options, 0, sizeof(*options));
    options->size = sizeof(*options);
}

/**
 * Starts to listen on an address.
 *
 * The URI is `sip:HOST:PORT;transport=TRANSPORT`. HOST is a numeric IPv4
 * address, an IPv6 address in brackets, or `*` for every IPv4 address of the
 * machine (`[::]` for every IPv6 one). PORT may be left out (5060, 5061 for
 * TLS, 80 and 443 for WebSocket) or 0 for one the system chooses;
 * srf_listener_uri() tells which. TRANSPORT is `udp` (the default), `tcp`,
 * `tls` (the default of `sips:`), `ws` or `wss`.
 *
 * A listener serves both directions: requests leave over a transport and an
 * address family that is listened on. By which of several listeners they leave
 * is told with srf_proxy_options_t::outbound.
 *
 * @param srf      the stack. Borrowed.
 * @param uri      where to listen. Copied.
 * @param options  settings; NULL for defaults. Copied.
 * @return 0; SRF_ERR_INVALID_URI; SRF_ERR_UNSUPPORTED for another transport;
 *         SRF_ERR_INVALID_ARGUMENT for a bad setting, or TLS without
 *         `options->tls`, or with certificates asked of clients and without a
 *         `ca_file` to measure them by (the log says so); SRF_ERR_TLS
 *         when that cannot be used (the log says why); SRF_ERR_NO_MEMORY; a
 *         libuv error such as UV_EADDRINUSE.
 * @since 0.1
 */
SRF_API SRF_NODISCARD int srf_listen(srf_t *srf, const char *uri,
                                     const srf_listen_options_t *options);

/**
 * Returns the URI of a listener with the port it really has.
 *
 * @param srf    the stack. Borrowed.
 * @param index  0 for the first srf_listen(), and so on.
 * @return e.g. "sip:127.0.0.1:5060;transport=udp"; NULL beyond the last.
 *         Borrowed, valid as long as the stack.
 * @since 0.1
 */
SRF_API const char *srf_listener_uri(const srf_t *srf, size_t index);

/**
 * Reads the certificates of a listener again.
 *
 * Connections that are there go on with what they began with, new ones get the
 * new certificates. When anything is wrong with them nothing changes, and the
 * log says what it is.
 *
 * @param srf    the stack. Borrowed.
 * @param index  of the listener, as in srf_listener_uri().
 * @return 0; SRF_ERR_INVALID_ARGUMENT when that is no listener with TLS;
 *         SRF_ERR_TLS; SRF_ERR_NO_MEMORY.
 * @since 0.1
 */
SRF_API SRF_NODISCARD int srf_reload_certificates(srf_t *srf, size_t index);

/**
 * Declares a further name of this element, e.g. "sip.example.com".
 *
 * Request-URIs and Routes that name it are then "us" (§16.4, §16.5) as the
 * addresses listened on are. Without a port the name stands for the default
 * port and the ports listened on.
 *
 * @param srf       the stack. Borrowed.
 * @param hostport  `HOST` or `HOST:PORT`; IPv6 in brackets. Copied.
 * @return 0; SRF_ERR_INVALID_ARGUMENT if it is not of that form;
 *         SRF_ERR_NO_MEMORY.
 * @since 0.1
 */
SRF_API SRF_NODISCARD int srf_alias(srf_t *srf, const char *hostport);

/**
 * Tells that a connection is gone: whoever was at its other end is reached
 * along this flow no more (RFC 5626 §5.3, 430).
 *
 * @param srf   the stack. Borrowed.
 * @param flow  which one it was; see srf_req_flow().
 * @param data  what was given to srf_on_flow_closed(). Borrowed.
 */
typedef void (*srf_flow_closed_cb)(srf_t *srf, uint64_t flow, void *data);

/**
 * Asks to be told of each flow that closes.
 *
 * The callback comes once for every connection that a message has come on,
 * whether its flow was asked for or not, whoever has made it and whoever ends
 * it: from the loop, when all that came on it has been dealt with. Nothing
 * comes or goes along that flow any more. Over UDP nothing closes. After
 * srf_destroy() the callback does not come: with the stack all flows are gone.
 *
 * @param srf   the stack. Borrowed.
 * @param cb    the callback, in place of the one before; NULL: nobody asks.
 * @param data  handed to cb. Borrowed.
 * @return 0; SRF_ERR_INVALID_ARGUMENT when srf is NULL.
 * @since 0.1
 */
SRF_API int srf_on_flow_closed(srf_t *srf, srf_flow_closed_cb cb, void *data);

/**
 * Tells whether a flow is open, for what is done for a request later than in
 * its handler: of one that has closed meanwhile the program has been told, or
 * is about to be.
 *
 * @param srf   the stack. Borrowed.
 * @param flow  what srf_req_flow() said.
 * @return 1 or 0; 1 for 0, since there is none over UDP that could close.
 * @since 0.1
 */
SRF_API int srf_flow_is_open(const srf_t *srf, uint64_t flow);

#ifdef __cplusplus
}
#endif

#endif /* SRF_LISTEN_H */
