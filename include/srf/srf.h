/*
 * libsrf: build SIP proxies in C on a libuv loop.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_SRF_H
#define SRF_SRF_H

/**
 * @file srf.h
 * @mainpage libsrf
 *
 * A program creates a stack on its own libuv loop, listens, registers a
 * handler and proxies what arrives:
 *
 * @code
 * static void on_invite(srf_req_t *req, srf_res_t *res)
 * {
 *     srf_proxy_request(req, SRF_URIS("10.0.0.5:5080"), NULL, on_done);
 * }
 * @endcode
 *
 * ## Rules that hold for every function
 *
 * **Errors.** Functions return 0 on success and a negative code on failure:
 * one of ::srf_error_t or a libuv code, both readable with srf_strerror(). A
 * failed call had no effect. A SIP status is never an error code.
 *
 * **Ownership.** Each pointer is described by one of four words. *Borrowed*:
 * used during the call, or valid for the reader until the stated moment.
 * *Copied*: the library keeps a copy, the caller keeps the original.
 * *Transferred*: ownership moves to the other side. *Referenced*: the count of
 * a shared object goes up.
 *
 * **Callbacks** run on the loop's thread, from the loop, never from inside the
 * function that asked for them. Where a completion is promised it comes exactly
 * once, on srf_destroy() too. Any function may be called from inside a
 * callback, srf_destroy() included. A callback must not block: the loop waits
 * for it. The three that come in the middle of something, ::srf_log_cb,
 * ::srf_trace_cb and ::srf_destination_cb, are the exception: they come from
 * inside of functions, too, and must not call those of the stack.
 *
 * **Threads.** One ::srf_t belongs to one loop and that loop's thread; every
 * function must be called there. The library starts no thread, prints nothing
 * and never ends the process.
 *
 * **Signals** are the program's. The library installs no handler, blocks none
 * and raises none: a peer that goes away while it is written to raises no
 * SIGPIPE, whatever the program makes of that signal.
 *
 * **Strings** are NUL-terminated in both directions. A NUL in the
 * header part of a message is refused on arrival, but where RFC 3261 allows it,
 * in a quoted pair: there U+FFFD is shown, so nothing is cut short. Bodies and
 * raw messages are a pointer and a length.
 *
 * **Options.** Structures of options begin with their size, which the inline
 * `srf_x_options_init` sets; a zero in any other member means "the default".
 * New members are added at the end, so programs keep working with newer
 * libraries.
 *
 * **Durations** are milliseconds unless the name says otherwise. They count
 * from the call, or from the turn of the loop that a callback comes from, also
 * when the loop has not run for long before: it may lie in a loop of another
 * kind.
 *
 * "RFC" without a number means RFC 3261.
 */

#include <srf/address.h>
#include <srf/base.h>
#include <srf/listen.h>
#include <srf/outgoing.h>
#include <srf/proxy.h>
#include <srf/request.h>
#include <srf/views.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ */
/* The stack                                                           */
/* ------------------------------------------------------------------ */

/** Settings of a stack. Initialise with srf_options_init(). */
typedef struct srf_options {
    size_t size; /**< set by srf_options_init() */

    srf_log_cb log_cb;  /**< receives log lines; NULL: silent */
    void *log_data;     /**< handed to log_cb. Borrowed. */
    uint32_t log_level; /**< a ::srf_log_level_t; 0: SRF_LOG_WARNING */

    uint32_t t1_ms; /**< RTT estimate T1, §17.1.1.1; 0: 500 */
    uint32_t t2_ms; /**< longest retransmit interval T2; 0: 4000 */
    uint32_t t4_ms; /**< life of a message in the network T4; 0: 5000 */
    /** Timer C, §16.6 step 11: longest wait for a final response after the
     * last provisional one; 0: 181000; SRF_TIMEOUT_NONE: never. Values below
     * three minutes are for tests and closed networks. */
    uint32_t timer_c_ms;
    /** How long a handler may keep a request without answering or proxying it
     * while it holds a reference, before 500 is sent; a provisional response
     * of its own gives it that time again; 0: 64*T1. */
    uint32_t handler_timeout_ms;

    uint32_t max_message_bytes; /**< longer: 513; 0 or more than 65535: 65535 */
    uint32_t max_headers;       /**< header lines, more: 400; 0: 1024 */
    uint32_t max_header_bytes;  /**< one header line, longer: 400; 0: 16384 */
    uint32_t max_targets;       /**< of one proxy operation; 0: 32 */
    /** Transactions alive before new requests get 503; 0: 1000000. Requests
     * inside a dialog that was record-routed are served up to a quarter more.
     */
    uint32_t max_transactions;

    /** Number of this stack among several that share one address, 0..255; it
     * is written into the branches of requests sent. */
    uint32_t worker_id;
    /** Wait before 100 Trying goes to the caller of an INVITE that nothing
     * better answered, §17.2.1; 0: at once; at most 200. */
    uint32_t trying_delay_ms;
    /** Non-zero: responses go to the source port of a request even when its
     * Via did not ask for that with rport (RFC 3581). */
    uint32_t force_rport;
    /** How late the loop may be before new requests get 503; 0: 2000;
     * SRF_TIMEOUT_NONE: it is not measured. */
    uint32_t max_loop_lag_ms;
    /** Bytes that messages, transactions, proxy operations and connections
     * (with what waits to be sent on them, messages that are not complete and
     * about what TLS takes) may take before new requests get 503; 0: 1 GiB;
     * UINT64_MAX: no limit. When connections take half of it, one that would
     * hold more than 4 KiB is closed, and for a TLS handshake that begins,
     * which counts 72 KiB, the oldest one, or else a connection of the address
     * that has most; counted in srf_stats_t::connections_shed. */
    uint64_t max_memory_bytes;
    /** Retry-After of these 503, up to half as much again by Call-ID, so that
     * callers do not all come back at once; 0: 5; at most 86400. */
    uint32_t retry_after_s;
    uint32_t reserved; /**< zero */

    /** Name servers, `ADDRESS[:PORT]` with commas between, IPv6 in brackets;
     * NULL: those of the system. Copied. */
    const char *dns_servers;
    uint32_t dns_timeout_ms; /**< of a question's first try; 0: 2000 */
    uint32_t dns_tries;      /**< of each name server; 0: 2; at most 10 */
    /** How long an address of a name that refused a request, or did not answer
     * it, is tried after the others; 0: 30000; SRF_TIMEOUT_NONE: its turn stays
     * the same. */
    uint32_t dead_address_ms;
    uint32_t reserved2; /**< zero */

    srf_trace_cb trace_cb; /**< sees each message; NULL: nobody does */
    void *trace_data;      /**< handed to trace_cb. Borrowed. */

    /** Host names that may be looked up at a time (RFC 3263); 0: 4096. Those
     * that the network chose, by the Request-URI, a Route, a Via, a redirect or
     * a Contact, have half of them at most: names of targets and of requests of
     * the program's own always find room. Above that old records serve, an hour
     * old at most, or else the name is not found; counted in
     * srf_stats_t::dns_limited. */
    uint32_t max_lookups;
    /** How many of these may be names that the requests of one IPv4 address or
     * one IPv6 /64 brought along; 0: 64. A proxy in front that sends
     * everything, with names of others in it, may need more. */
    uint32_t max_lookups_per_source;
    /** How long all datagrams may wait in the socket before new requests are
     * let in at a lower rate, as many as can be served in time; the others get
     * 503, or no answer when there are very many (§21.5.4). Datagrams for which
     * a receive buffer has no room, more than one of 32, have the same effect.
     * Requests inside a dialog, retransmissions, CANCEL and responses are
     * served. 0: 100; SRF_TIMEOUT_NONE: neither is looked at. */
    uint32_t max_receive_delay_ms;
    /** Requests per second that one source, an IPv4 address or a /64 of IPv6,
     * may send outside of dialogs; what is above is refused like in overload,
     * and a connection is not read from as long as it is ahead. Requests
     * inside of dialogs and those sent again, together, may be eight times as
     * many. 0: no limit; at most 1000000. An address that many users are behind
     * (a trunk, another proxy) needs a rate for all of them, or an exemption.
     */
    uint32_t source_rate;
    /** Requests that a source may send at once, within source_rate; 0: as
     * many as in a second. */
    uint32_t source_burst;
    /** Non-zero: a request for a sips URI is also sent over a transport without
     * TLS where a Route or a target leads there that is no sips URI itself.
     * User agents over TLS write sips Contacts into dialogs that they were
     * called in by sip; what is sent back through an inside without TLS is
     * refused otherwise (§26.2.2, RFC 5630), and counted in
     * srf_stats_t::sips_refused. */
    uint32_t sips_downgrade;
    /** Whom source_rate does not apply to: `ADDRESS` or `ADDRESS/BITS`, such as
     * "192.0.2.0/24" or "2001:db8::/32"; NULL-terminated; NULL: nobody. What
     * cannot be read is an invalid argument. Copied. */
    const char *const *source_exempt;

    /** What marks are made with, any bytes, 16 at least; NULL: random ones. A
     * mark in a Record-Route or a Path (§16.6 step 4, RFC 3327) proves that a
     * request came by a URI that this element wrote, and for which dialog. With
     * a secret a dialog goes on after a restart, and by other machines that
     * have the same; without it, requests of dialogs from before are treated as
     * those of strangers. Copied. */
    const void *secret;
    /** The secret before this one: marks that were made with it are good, too,
     * until it is left out. NULL: there was none. Copied. */
    const void *old_secret;
    uint32_t secret_bytes;     /**< length of secret */
    uint32_t old_secret_bytes; /**< length of old_secret */
    /** Non-zero: an ACK that fits no transaction goes on (§16.11) even when
     * nothing tells that its call went through here. Without it an ACK needs a
     * mark, or an INVITE that was proxied without `record_route` and answered
     * within the last 64*T1; it is dropped and counted else. */
    uint32_t relay_acks;
    /** Bytes of a request above which it leaves over TCP in place of UDP where
     * there is a listener for that (§18.1.1); 0: 1300; SRF_UNLIMITED: none
     * does. Where a URI says `transport=udp`, or nobody answers to TCP
     * within 1.5 seconds, it is a datagram all the same; the latter is
     * remembered for five minutes. */
    uint32_t udp_mtu;
    /** Decides where messages may go; NULL: anywhere, but responses that cannot
     * be delivered where their request came from go to other ports of that
     * address alone, and not where the Via says (RFC 3263 §5). What it refuses
     * is treated as what cannot be reached, with 403 in place of 503, and
     * counted in srf_stats_t::destinations_refused. */
    srf_destination_cb allow_destination;
    void *destination_data; /**< handed to allow_destination. Borrowed. */
} srf_options_t;

/**
 * Fills in the size and sets every default.
 *
 * @param options  structure to initialise. Borrowed.
 * @since 0.1
 */
static inline void srf_options_init(srf_options_t *options)
{
    memset(options, 0, sizeof(*options));
    options->size = sizeof(*options);
}

/**
 * Creates a stack on a loop.
 *
 * @param out      receives the stack, or NULL on failure. Transferred; end it
 *                 with srf_destroy().
 * @param loop     the program's loop. Borrowed; it must outlive the stack.
 * @param options  settings; NULL for defaults. Copied.
 * @return 0; SRF_ERR_INVALID_ARGUMENT for a NULL pointer or a value out of
 *         range; SRF_ERR_UNSUPPORTED when the structure has members this
 *         library does not know; SRF_ERR_RANDOM; SRF_ERR_NO_MEMORY; a libuv
 *         error.
 * @note A child after fork(2) must not use the stack of its parent, whose
 *       sockets and timers it would share: it creates one of its own.
 * @since 0.1
 */
SRF_API SRF_NODISCARD int srf_create(srf_t **out, struct uv_loop_s *loop,
                                     const srf_options_t *options);

/**
 * Tells that a stack is gone.
 *
 * @param data  what srf_set_data() had set. Borrowed.
 */
typedef void (*srf_destroy_cb)(void *data);

/**
 * Ends a stack: closes its listeners and drops its transactions.
 *
 * Proxy operations under way are completed with SRF_ERR_CANCELED from the loop
 * before the stack goes. Nothing more is sent. The handle must not be used
 * after this call, except inside the completions that are still delivered, and
 * by srf_post(). A second call in these completions changes nothing; its cb is
 * called if the first one had none.
 *
 * @param srf  stack to end. Transferred. NULL does nothing (and cb is not
 *             called).
 * @param cb   called from the loop when everything is closed and freed; may
 *             be NULL.
 * @since 0.1
 */
SRF_API void srf_destroy(srf_t *srf, srf_destroy_cb cb);

/**
 * Tells that a stack has nothing left to do, or that it never will.
 *
 * @param srf  the stack. Borrowed.
 * @param err  0; SRF_ERR_CANCELED when srf_destroy() was called meanwhile: it
 *             need not be called again.
 */
typedef void (*srf_drain_cb)(srf_t *srf, int err);

/**
 * Lets a stack run dry, to end the program without cutting calls off.
 *
 * From now on requests outside a dialog are refused with 503 and Retry-After;
 * what belongs to dialogs, retransmissions, ACK and CANCEL are served as ever.
 * When no proxy operation, no request with the program and no transaction is
 * left, cb is called; srf_destroy() then loses nothing. Calls that were
 * answered go on after that, without us or through whoever takes the address.
 * Transactions end 64*T1 (32 s) after their final response at the latest.
 * There is no way back.
 *
 * @param srf  the stack. Borrowed.
 * @param cb   called once, from the loop; may be NULL.
 * @return 0; SRF_ERR_INVALID_ARGUMENT when srf is NULL or drains already;
 *         SRF_ERR_CANCELED when the stack is being destroyed.
 * @since 0.1
 */
SRF_API int srf_drain(srf_t *srf, srf_drain_cb cb);

/**
 * Runs on the loop's thread, as another thread has asked for.
 *
 * @param srf   the stack. Borrowed.
 * @param data  what was given to srf_post(). Borrowed.
 */
typedef void (*srf_post_cb)(srf_t *srf, void *data);

/**
 * Has a function called on the loop's thread.
 *
 * This is the only function that other threads may call, and the only one that
 * may be called after srf_destroy(): until its callback has returned, so that a
 * program may join its threads there. Without a callback no thread may be
 * inside this function, or enter it, once srf_destroy() is called. Calls are
 * made in order, each once; what was posted before srf_destroy() is called
 * before the stack goes. A call may end the stack, also while the thread that
 * posted it has not returned from here.
 *
 * @param srf   the stack. Borrowed.
 * @param cb    what to call; any function of the library may be called in it.
 * @param data  handed to cb. Borrowed until then.
 * @return 0; SRF_ERR_INVALID_ARGUMENT when srf or cb is NULL; SRF_ERR_CANCELED
 *         when the stack is going: after srf_destroy() it may be either;
 *         SRF_ERR_NO_MEMORY. On failure it will not be called.
 * @since 0.1
 */
SRF_API SRF_NODISCARD int srf_post(srf_t *srf, srf_post_cb cb, void *data);

/**
 * Attaches a pointer of the program's to the stack.
 *
 * @param srf   the stack. Borrowed.
 * @param data  any pointer. Borrowed.
 * @since 0.1
 */
SRF_API void srf_set_data(srf_t *srf, void *data);

/**
 * Returns the pointer of srf_set_data(), or NULL.
 *
 * @param srf  the stack. Borrowed.
 * @return the pointer. Borrowed.
 * @since 0.1
 */
SRF_API void *srf_data(const srf_t *srf);

/** Counters of a stack since its creation, and gauges. */
typedef struct srf_stats {
    size_t size; /**< set by the caller: sizeof(srf_stats_t) */
    uint64_t requests_received;
    uint64_t responses_received;
    uint64_t requests_sent;  /**< without retransmissions */
    uint64_t responses_sent; /**< without retransmissions */
    uint64_t retransmissions_received;
    uint64_t retransmissions_sent;
    uint64_t dropped_malformed; /**< nothing could be answered */
    /** Responses and ACKs that fit nothing, or are for somebody else. */
    uint64_t dropped_unmatched;
    uint64_t dropped_send_queue; /**< datagrams the socket could not take */
    /** Requests refused before a handler, each time that they came. */
    uint64_t rejected;
    /** CRLF and STUN Binding requests, RFC 5626 §4.4. */
    uint64_t keepalives_received;
    uint64_t transport_errors;    /**< reported by the network, e.g. ICMP */
    uint64_t server_transactions; /**< alive now */
    uint64_t client_transactions; /**< alive now */
    uint64_t proxied;             /**< proxy operations started */
    uint64_t proxies_pending;     /**< of these, not completed yet */
    uint64_t overloaded; /**< requests refused with 503, see max_memory_bytes */
    uint64_t memory_bytes; /**< of messages, transactions, proxy operations and
                                connections */
    uint64_t loop_lag_ms;  /**< how late the loop was in the last second */
    uint64_t connections;  /**< of streams, open now */
    uint64_t connections_accepted;
    uint64_t connections_opened;    /**< to peers, with or without success */
    uint64_t connections_refused;   /**< above max_connections or
                                         max_connections_per_source */
    uint64_t connections_timed_out; /**< closed since the peer was too slow */
    uint64_t dns_queries;           /**< questions asked of name servers */
    uint64_t dns_hits;              /**< records that were at hand */
    uint64_t dns_stale;   /**< old records that served while DNS failed */
    uint64_t dns_failed;  /**< questions without a good answer */
    uint64_t dns_entries; /**< names and types that are remembered now */
    /** Datagrams that came while a listener's receive buffer was full, as far
     * as the system tells (Linux does). */
    uint64_t dropped_receive_queue;
    uint64_t dns_pending; /**< look-ups under way now */
    /** Look-ups that were not made, or made do with old records, since too many
     * were under way: see srf_options_t::max_lookups. */
    uint64_t dns_limited;
    /** Connections closed to make room for those of others, see
     * srf_listen_options_t::max_connections, or for their memory, see
     * srf_options_t::max_memory_bytes. */
    uint64_t connections_shed;
    /** Connections to peers that were not opened since there were too many. */
    uint64_t connections_not_opened;
    /** Times that connections could not be accepted, for want of descriptors
     * or memory; they are accepted later. */
    uint64_t accepts_failed;
    /** Requests that got no answer in overload, or above source_rate, since
     * there were too many to answer each. */
    uint64_t shed;
    uint64_t source_limited; /**< requests refused for source_rate */
    /** How long datagrams waited in the socket of late, those that waited
     * least, in milliseconds, as far as the system tells (Linux does). */
    uint64_t receive_delay_ms;
    /** Times that srf_options_t::allow_destination said no. */
    uint64_t destinations_refused;
    /** Times that a request for a sips URI was not sent, for want of a way over
     * TLS. */
    uint64_t sips_refused;
} srf_stats_t;

/**
 * Reads the counters.
 *
 * @param srf  the stack. Borrowed.
 * @param out  receives the counters that fit into out->size. Borrowed.
 * @return 0; SRF_ERR_INVALID_ARGUMENT when out is NULL or out->size was not
 *         set.
 * @since 0.1
 */
SRF_API SRF_NODISCARD int srf_stats(const srf_t *srf, srf_stats_t *out);

/* ------------------------------------------------------------------ */
/* Handlers                                                            */
/* ------------------------------------------------------------------ */

/**
 * Receives a request: a handler of srf_on(), or middleware of srf_use().
 *
 * It answers with srf_res_send(), hands over to targets with
 * srf_proxy_request(), or hands on with srf_next(), at once or later; for later
 * it takes a reference with srf_req_ref(). One that returns without any of
 * these has let go of the request: 500 is sent.
 *
 * ACK and CANCEL never come here; CANCEL is reported by srf_req_on_cancel().
 * Requests inside a dialog that was proxied with `record_route` are proxied
 * without asking the program.
 *
 * @param req  the request. Borrowed until return; see srf_req_ref().
 * @param res  its response. Borrowed; lives as long as req.
 */
typedef void (*srf_request_cb)(srf_req_t *req, srf_res_t *res);

/**
 * Registers the handler for INVITE; the same as srf_on(srf, "INVITE", cb).
 *
 * @param srf  the stack. Borrowed.
 * @param cb   the handler; NULL removes it.
 * @return 0; SRF_ERR_INVALID_ARGUMENT when srf is NULL; SRF_ERR_LIMIT after
 *         65535 registrations; SRF_ERR_NO_MEMORY.
 * @since 0.1
 */
SRF_API int srf_invite(srf_t *srf, srf_request_cb cb);

/**
 * Registers the handler for a method.
 *
 * A later registration for the same method replaces the earlier one and keeps
 * its place in the chain (see srf_use()). Without a handler a method is refused
 * with 405 (known) or 501 (unknown), §8.2.1; an OPTIONS for the proxy itself
 * gets 200 (§11).
 *
 * @param srf     the stack. Borrowed.
 * @param method  "INVITE", "REGISTER", ...; matched exactly (§7.1). NULL is
 *                the wildcard: every method without a handler of its own.
 *                Copied.
 * @param cb      the handler; NULL removes it.
 * @return 0; SRF_ERR_INVALID_ARGUMENT when srf is NULL, or method is not a
 *         token, ACK or CANCEL; SRF_ERR_LIMIT after 65535 registrations;
 *         SRF_ERR_NO_MEMORY.
 * @since 0.1
 */
SRF_API int srf_on(srf_t *srf, const char *method, srf_request_cb cb);

/**
 * Adds middleware: a callback that sees requests on their way to the handler.
 *
 * Middleware and handlers form one chain in order of registration, as in
 * drachtio and Express. A request is shown to the first of them that is for its
 * method; srf_next() shows it to the following one. So access control is
 * registered before the handlers it guards, and what is registered behind a
 * handler sees only what that handler hands on.
 *
 * @param srf     the stack. Borrowed.
 * @param method  the method it is for; NULL: every method. Copied.
 * @param cb      the middleware. It cannot be removed.
 * @return 0; SRF_ERR_INVALID_ARGUMENT when srf or cb is NULL, or method is not
 *         a token, ACK or CANCEL; SRF_ERR_LIMIT after 65535 registrations;
 *         SRF_ERR_NO_MEMORY.
 * @since 0.1
 */
SRF_API int srf_use(srf_t *srf, const char *method, srf_request_cb cb);

/**
 * Hands a request on to the next callback of the chain.
 *
 * The next callback runs when the present one has returned, or from the loop
 * when this is called later: never from inside this call. When nobody is left
 * the request gets 404 if there is a handler for its method, else it is refused
 * as one without a handler is.
 *
 * @param req  a request that the caller has from the chain and has not decided
 *             upon. Borrowed; until the next callback the library holds a
 *             reference of its own.
 * @param err  0; or an error code: the chain ends, the error is logged and the
 *             request answered with 500.
 * @return 0; SRF_ERR_INVALID_ARGUMENT when req is NULL or was handed on
 *         already; SRF_ERR_ALREADY_FINAL; SRF_ERR_ALREADY_PROXIED;
 *         SRF_ERR_CANCELED when the caller has cancelled or the stack is being
 *         destroyed; SRF_ERR_NO_MEMORY.
 * @since 0.1
 */
SRF_API int srf_next(srf_req_t *req, int err);

/**
 * Registers the handler for REGISTER; the same as srf_on(srf, "REGISTER", cb).
 *
 * @param srf  the stack. Borrowed.
 * @param cb   the handler; NULL removes it.
 * @return as srf_on().
 * @since 0.1
 */
static inline int srf_register(srf_t *srf, srf_request_cb cb)
{
    return srf_on(srf, "REGISTER", cb);
}

/**
 * Registers the handler for OPTIONS; the same as srf_on(srf, "OPTIONS", cb).
 *
 * @param srf  the stack. Borrowed.
 * @param cb   the handler; NULL removes it.
 * @return as srf_on().
 * @since 0.1
 */
static inline int srf_options(srf_t *srf, srf_request_cb cb)
{
    return srf_on(srf, "OPTIONS", cb);
}

/**
 * Registers the handler for MESSAGE; the same as srf_on(srf, "MESSAGE", cb).
 *
 * @param srf  the stack. Borrowed.
 * @param cb   the handler; NULL removes it.
 * @return as srf_on().
 * @since 0.1
 */
static inline int srf_message(srf_t *srf, srf_request_cb cb)
{
    return srf_on(srf, "MESSAGE", cb);
}

/**
 * Registers the handler for SUBSCRIBE; the same as srf_on(srf, "SUBSCRIBE",
 * cb).
 *
 * @param srf  the stack. Borrowed.
 * @param cb   the handler; NULL removes it.
 * @return as srf_on().
 * @since 0.1
 */
static inline int srf_subscribe(srf_t *srf, srf_request_cb cb)
{
    return srf_on(srf, "SUBSCRIBE", cb);
}

/**
 * Registers the handler for NOTIFY; the same as srf_on(srf, "NOTIFY", cb).
 *
 * @param srf  the stack. Borrowed.
 * @param cb   the handler; NULL removes it.
 * @return as srf_on().
 * @since 0.1
 */
static inline int srf_notify(srf_t *srf, srf_request_cb cb)
{
    return srf_on(srf, "NOTIFY", cb);
}

/**
 * Registers the handler for PUBLISH; the same as srf_on(srf, "PUBLISH", cb).
 *
 * @param srf  the stack. Borrowed.
 * @param cb   the handler; NULL removes it.
 * @return as srf_on().
 * @since 0.1
 */
static inline int srf_publish(srf_t *srf, srf_request_cb cb)
{
    return srf_on(srf, "PUBLISH", cb);
}

/**
 * Registers the handler for INFO; the same as srf_on(srf, "INFO", cb).
 *
 * @param srf  the stack. Borrowed.
 * @param cb   the handler; NULL removes it.
 * @return as srf_on().
 * @since 0.1
 */
static inline int srf_info(srf_t *srf, srf_request_cb cb)
{
    return srf_on(srf, "INFO", cb);
}

/**
 * Registers the handler for REFER; the same as srf_on(srf, "REFER", cb).
 *
 * @param srf  the stack. Borrowed.
 * @param cb   the handler; NULL removes it.
 * @return as srf_on().
 * @since 0.1
 */
static inline int srf_refer(srf_t *srf, srf_request_cb cb)
{
    return srf_on(srf, "REFER", cb);
}

/**
 * Registers the handler for UPDATE; the same as srf_on(srf, "UPDATE", cb).
 *
 * @param srf  the stack. Borrowed.
 * @param cb   the handler; NULL removes it.
 * @return as srf_on().
 * @since 0.1
 */
static inline int srf_update(srf_t *srf, srf_request_cb cb)
{
    return srf_on(srf, "UPDATE", cb);
}

/**
 * Registers the handler for PRACK; the same as srf_on(srf, "PRACK", cb).
 *
 * @param srf  the stack. Borrowed.
 * @param cb   the handler; NULL removes it.
 * @return as srf_on().
 * @since 0.1
 */
static inline int srf_prack(srf_t *srf, srf_request_cb cb)
{
    return srf_on(srf, "PRACK", cb);
}

/**
 * Registers the handler for BYE; the same as srf_on(srf, "BYE", cb).
 *
 * @param srf  the stack. Borrowed.
 * @param cb   the handler; NULL removes it.
 * @return as srf_on().
 * @since 0.1
 */
static inline int srf_bye(srf_t *srf, srf_request_cb cb)
{
    return srf_on(srf, "BYE", cb);
}

#ifdef __cplusplus
}
#endif

#endif /* SRF_SRF_H */
