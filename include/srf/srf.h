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
 * for it.
 *
 * **Threads.** One ::srf_t belongs to one loop and that loop's thread; every
 * function must be called there. The library starts no thread, installs no
 * signal handler, prints nothing and never ends the process.
 *
 * **Strings** are NUL-terminated in both directions. Messages with a NUL in
 * their header part are refused on arrival, so nothing is cut short. Bodies and
 * raw messages are a pointer and a length.
 *
 * **Options.** Structures of options begin with their size, which the inline
 * `srf_x_options_init` sets; a zero in any other member means "the default".
 * New members are added at the end, so programs keep working with newer
 * libraries.
 *
 * **Durations** are milliseconds unless the name says otherwise.
 *
 * "RFC" without a number means RFC 3261.
 */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(_WIN32)
# define SRF_API
#elif defined(__GNUC__)
# define SRF_API __attribute__((visibility("default")))
#else
# define SRF_API
#endif

#if defined(__GNUC__)
# define SRF_NODISCARD __attribute__((warn_unused_result))
#else
# define SRF_NODISCARD
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Version of this header; compare with srf_version(). */
#define SRF_VERSION "0.1.0"

struct uv_loop_s;

/** The stack: listeners, transactions, handlers. Opaque. */
typedef struct srf srf_t;

/** A request that was received. Opaque, reference counted. */
typedef struct srf_req srf_req_t;

/** The answer to a received request. Opaque, lives as long as its request. */
typedef struct srf_res srf_res_t;

/** A SIP message, request or response. Opaque, never changes. */
typedef struct srf_msg srf_msg_t;

/* ------------------------------------------------------------------ */
/* Errors                                                              */
/* ------------------------------------------------------------------ */

/**
 * Every error code of the library with its text, for X-macro use.
 *
 * libuv's codes (UV_EADDRINUSE, ...) are passed through unchanged beside them.
 */
#define SRF_ERRNO_MAP(XX)                                                     \
 XX(INVALID_ARGUMENT, -9001, "invalid argument")                              \
 XX(UNSUPPORTED, -9002, "not supported")                                      \
 XX(INVALID_URI, -9003, "invalid URI")                                        \
 XX(INVALID_HEADER, -9004, "invalid header name or value")                    \
 XX(HEADER_NOT_ALLOWED, -9005, "header field may not be set here")            \
 XX(INVALID_DURATION, -9006, "invalid duration, use forms like 2s or 1500ms") \
 XX(TOO_MANY_TARGETS, -9007, "more targets than the configured limit")        \
 XX(NO_MEMORY, -9101, "out of memory")                                        \
 XX(LIMIT, -9102, "configured limit reached")                                 \
 XX(RANDOM, -9103, "no random bytes available")                               \
 XX(SYNTAX, -9201, "syntax error in SIP message")                             \
 XX(NO_TRANSPORT, -9301, "no listener for that transport or address family")  \
 XX(UNREACHABLE, -9302, "destination unreachable")                            \
 XX(NAME_NOT_FOUND, -9303, "host name could not be resolved")                 \
 XX(ALREADY_FINAL, -9401, "a final response was already sent")                \
 XX(ALREADY_PROXIED, -9402, "request is already being proxied")               \
 XX(CANCELED, -9403, "canceled")                                              \
 XX(NO_TARGET, -9404, "no target could be tried")                             \
 XX(TIMEOUT, -9405, "no response in time")                                    \
 XX(INTERNAL, -9901, "internal error")

/** Error codes; each is `SRF_ERR_` and a name of ::SRF_ERRNO_MAP. */
typedef enum srf_error {
    SRF_OK = 0,
#define SRF_ERROR_ENUM(name, code, text) SRF_ERR_##name = (code),
    SRF_ERRNO_MAP(SRF_ERROR_ENUM)
#undef SRF_ERROR_ENUM
} srf_error_t;

/**
 * Describes an error code of this library or of libuv.
 *
 * @param err  a code returned or reported by the library.
 * @return text in English. Borrowed, static. Never NULL.
 * @since 0.1
 */
SRF_API const char *srf_strerror(int err);

/**
 * Names an error code, e.g. "SRF_ERR_INVALID_URI" or "EADDRINUSE".
 *
 * @param err  a code returned or reported by the library.
 * @return the name. Borrowed, static. Never NULL.
 * @since 0.1
 */
SRF_API const char *srf_err_name(int err);

/* ------------------------------------------------------------------ */
/* Library-wide                                                        */
/* ------------------------------------------------------------------ */

/**
 * Returns the version of the library that is linked, e.g. "0.1.0".
 *
 * @return the version. Borrowed, static.
 * @since 0.1
 */
SRF_API const char *srf_version(void);

/** The four functions of an allocator, each with the program's pointer. */
typedef struct srf_allocator {
    void *(*malloc_fn)(size_t size, void *data);
    void *(*calloc_fn)(size_t count, size_t size, void *data);
    void *(*realloc_fn)(void *ptr, size_t size, void *data);
    void (*free_fn)(void *ptr, void *data);
    void *data; /**< handed to each function. Borrowed for ever. */
} srf_allocator_t;

/**
 * Replaces the allocator of the library, process-wide.
 *
 * Call it once, before anything else of the library. It does not reach
 * libuv, OpenSSL, c-ares and libosip2, which have global hooks of their own
 * (uv_replace_allocator(), CRYPTO_set_mem_functions(), ...).
 *
 * @param allocator  copied; NULL restores the C library's functions.
 * @return 0; SRF_ERR_INVALID_ARGUMENT when a function is missing.
 * @since 0.1
 */
SRF_API SRF_NODISCARD int srf_set_allocator(const srf_allocator_t *allocator);

/**
 * Frees memory that the library handed over as *transferred*.
 *
 * @param ptr  what to free. Transferred. NULL is allowed.
 * @since 0.1
 */
SRF_API void srf_free(void *ptr);

/**
 * Reads a duration such as "2s" or "1500ms".
 *
 * The number is a non-negative decimal integer; the unit, "s" or "ms", is
 * mandatory and in lower case; nothing may stand before, between or behind.
 * These are the forms drachtio documents for its timeouts.
 *
 * @param text    the text to read. Borrowed.
 * @param out_ms  receives milliseconds, 0..4294967294; not written on failure.
 * @return 0; SRF_ERR_INVALID_DURATION for any other form or when it does not
 *         fit; SRF_ERR_INVALID_ARGUMENT for a NULL pointer.
 * @since 0.1
 */
SRF_API SRF_NODISCARD int srf_duration_parse(const char *text,
                                             uint32_t *out_ms);

/** For a duration in an options structure: the timer is off. */
#define SRF_TIMEOUT_NONE UINT32_MAX

/* ------------------------------------------------------------------ */
/* Log                                                                 */
/* ------------------------------------------------------------------ */

/** Severity of a log line. What a peer can trigger is at most INFO. */
typedef enum srf_log_level {
    SRF_LOG_DEFAULT = 0, /**< in options: SRF_LOG_WARNING */
    SRF_LOG_ERROR = 1,
    SRF_LOG_WARNING = 2,
    SRF_LOG_INFO = 3,
    SRF_LOG_DEBUG = 4,
    SRF_LOG_TRACE = 5
} srf_log_level_t;

/** One log line. All pointers are borrowed until the callback returns. */
typedef struct srf_log_event {
    size_t size;         /**< of this structure in the library */
    const char *module;  /**< part of the library, e.g. "transport" */
    const char *text;    /**< the line, without a line end */
    const char *call_id; /**< Call-ID it belongs to, or NULL */
    const char *peer;    /**< "host:port" it belongs to, or NULL */
    uint64_t suppressed; /**< lines of this kind held back by rate limit */
} srf_log_event_t;

/**
 * Receives log lines.
 *
 * @param level      severity.
 * @param event      the line. Borrowed until return.
 * @param user_data  `log_data` of srf_options_t. Borrowed.
 */
typedef void (*srf_log_cb)(srf_log_level_t level, const srf_log_event_t *event,
                           void *user_data);

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
    /** How long a handler may keep an INVITE without answering or proxying it
     * while it holds a reference, before 500 is sent; 0: 64*T1. */
    uint32_t handler_timeout_ms;

    uint32_t max_message_bytes; /**< longer: 513; 0 or more than 65535: 65535 */
    uint32_t max_headers;       /**< header lines, more: 400; 0: 256 */
    uint32_t max_header_bytes;  /**< one header line, longer: 400; 0: 16384 */
    uint32_t max_targets;       /**< of one proxy operation; 0: 32 */
    uint32_t max_transactions;  /**< alive; above: 503; 0: 1000000 */

    /** Number of this stack among several that share one address, 0..255; it
     * is written into the branches of requests sent. */
    uint32_t worker_id;
    /** Wait before 100 Trying goes to the caller of an INVITE that nothing
     * better answered, §17.2.1; 0: at once; at most 200. */
    uint32_t trying_delay_ms;
    /** Non-zero: responses go to the source port of a request even when its
     * Via did not ask for that with rport (RFC 3581). */
    uint32_t force_rport;
    uint32_t reserved; /**< zero */
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
 * after this call, except inside the completions that are still delivered.
 *
 * @param srf  stack to end. Transferred. NULL does nothing (and cb is not
 *             called).
 * @param cb   called from the loop when everything is closed and freed; may
 *             be NULL.
 * @since 0.1
 */
SRF_API void srf_destroy(srf_t *srf, srf_destroy_cb cb);

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

/** Settings of one listener. Initialise with srf_listen_options_init(). */
typedef struct srf_listen_options {
    size_t size; /**< set by srf_listen_options_init() */
    /** Kernel receive buffer in bytes; 0: 4 MiB (the system may give less). */
    uint32_t receive_buffer_bytes;
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
 * The URI is `sip:HOST:PORT;transport=udp`. HOST is a numeric IPv4 address, an
 * IPv6 address in brackets, or `*` for every IPv4 address of the machine
 * (`[::]` for every IPv6 one). PORT may be left out (5060) or 0 for one the
 * system chooses; srf_listener_uri() tells which. `;transport=` may be left
 * out (udp); other transports are refused.
 *
 * @param srf      the stack. Borrowed.
 * @param uri      where to listen. Copied.
 * @param options  settings; NULL for defaults. Copied.
 * @return 0; SRF_ERR_INVALID_URI; SRF_ERR_UNSUPPORTED for another transport;
 *         SRF_ERR_NO_MEMORY; a libuv error such as UV_EADDRINUSE.
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

/** Counters of a stack since its creation, and two gauges. */
typedef struct srf_stats {
    size_t size; /**< set by the caller: sizeof(srf_stats_t) */
    uint64_t requests_received;
    uint64_t responses_received;
    uint64_t requests_sent;  /**< without retransmissions */
    uint64_t responses_sent; /**< without retransmissions */
    uint64_t retransmissions_received;
    uint64_t retransmissions_sent;
    uint64_t dropped_malformed;   /**< nothing could be answered */
    uint64_t dropped_unmatched;   /**< responses and ACKs that fit nothing */
    uint64_t dropped_send_queue;  /**< datagrams the socket could not take */
    uint64_t rejected;            /**< requests refused before a handler */
    uint64_t keepalives_received; /**< CRLF datagrams, RFC 5626 §4.4.1 */
    uint64_t transport_errors;    /**< reported by the network, e.g. ICMP */
    uint64_t server_transactions; /**< alive now */
    uint64_t client_transactions; /**< alive now */
    uint64_t proxied;             /**< proxy operations started */
    uint64_t proxies_pending;     /**< of these, not completed yet */
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
 * Receives a request.
 *
 * It answers with srf_res_send() or hands on with srf_proxy_request(), at once
 * or later; for later it takes a reference with srf_req_ref(). A handler that
 * returns without any of these has let go of the request: 500 is sent.
 *
 * ACK and CANCEL never come here; CANCEL is reported by srf_req_on_cancel().
 * Requests inside a dialog that was proxied with `record_route` are proxied
 * without asking the handler.
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
 * @return 0; SRF_ERR_NO_MEMORY.
 * @since 0.1
 */
SRF_API int srf_invite(srf_t *srf, srf_request_cb cb);

/**
 * Registers the handler for a method.
 *
 * A later registration for the same method replaces the earlier one. Without
 * a handler a method is refused with 405 (known) or 501 (unknown), §8.2.1.
 *
 * @param srf     the stack. Borrowed.
 * @param method  "INVITE", "REGISTER", ...; matched exactly (§7.1). NULL is
 *                the wildcard: every method without a handler of its own.
 *                Copied.
 * @param cb      the handler; NULL removes it.
 * @return 0; SRF_ERR_INVALID_ARGUMENT when method is not a token, or is ACK or
 *         CANCEL; SRF_ERR_NO_MEMORY.
 * @since 0.1
 */
SRF_API int srf_on(srf_t *srf, const char *method, srf_request_cb cb);

/* ------------------------------------------------------------------ */
/* Messages                                                            */
/* ------------------------------------------------------------------ */

/**
 * Returns the status code of a response; 0 for a request.
 *
 * @param msg  the message. Borrowed.
 * @return 100..699, or 0.
 * @since 0.1
 */
SRF_API int srf_msg_status(const srf_msg_t *msg);

/**
 * Returns the reason phrase of a response, "" when it has none.
 *
 * @param msg  the message. Borrowed.
 * @return the phrase, NULL for a request or when memory is out. Borrowed,
 *         valid as long as msg.
 * @since 0.1
 */
SRF_API const char *srf_msg_reason(const srf_msg_t *msg);

/**
 * Returns the method of a request, or that of the CSeq of a response.
 *
 * @param msg  the message. Borrowed.
 * @return the method; NULL when memory is out. Borrowed, valid as long as msg.
 * @since 0.1
 */
SRF_API const char *srf_msg_method(const srf_msg_t *msg);

/**
 * Returns the Request-URI as it was received.
 *
 * @param msg  the message. Borrowed.
 * @return the URI; NULL for a response or when memory is out. Borrowed, valid
 *         as long as msg.
 * @since 0.1
 */
SRF_API const char *srf_msg_uri(const srf_msg_t *msg);

/**
 * Returns the value of a header field.
 *
 * @param msg    the message. Borrowed.
 * @param name   the field's name in any case, long or compact (§7.3.3).
 *               Borrowed.
 * @param index  0 for the first line with that name, 1 for the second, ...
 *               A comma-separated list on one line is one value.
 * @return the value without surrounding white space, folding (§7.3.1) replaced
 *         by spaces; NULL when there is no such line or memory is out.
 *         Borrowed, valid as long as msg.
 * @since 0.1
 */
SRF_API const char *srf_msg_get(const srf_msg_t *msg, const char *name,
                                size_t index);

/**
 * Returns the body.
 *
 * @param msg  the message. Borrowed.
 * @param len  receives its length in bytes; may be NULL.
 * @return the body, not NUL-terminated; NULL when it is empty. Borrowed, valid
 *         as long as msg.
 * @since 0.1
 */
SRF_API const void *srf_msg_body(const srf_msg_t *msg, size_t *len);

/**
 * Returns the whole message as it was received.
 *
 * @param msg  the message. Borrowed.
 * @param len  receives its length in bytes; may be NULL.
 * @return the bytes, not NUL-terminated. Borrowed, valid as long as msg.
 * @since 0.1
 */
SRF_API const void *srf_msg_raw(const srf_msg_t *msg, size_t *len);

/* ------------------------------------------------------------------ */
/* Requests                                                            */
/* ------------------------------------------------------------------ */

/**
 * Keeps a request (and its response) beyond the callback.
 *
 * @param req  the request. Referenced; give back with srf_req_unref().
 * @return req.
 * @since 0.1
 */
SRF_API srf_req_t *srf_req_ref(srf_req_t *req);

/**
 * Gives back a reference.
 *
 * When the last one of the program goes and the request was neither answered
 * nor proxied, 500 is sent.
 *
 * @param req  the request. Transferred. NULL is allowed.
 * @since 0.1
 */
SRF_API void srf_req_unref(srf_req_t *req);

/**
 * Attaches a pointer of the program's to a request.
 *
 * @param req   the request. Borrowed.
 * @param data  any pointer. Borrowed.
 * @since 0.1
 */
SRF_API void srf_req_set_data(srf_req_t *req, void *data);

/**
 * Returns the pointer of srf_req_set_data(), or NULL.
 *
 * @param req  the request. Borrowed.
 * @return the pointer. Borrowed.
 * @since 0.1
 */
SRF_API void *srf_req_data(const srf_req_t *req);

/**
 * Returns the stack a request came to.
 *
 * @param req  the request. Borrowed.
 * @return the stack. Borrowed.
 * @since 0.1
 */
SRF_API srf_t *srf_req_srf(const srf_req_t *req);

/**
 * Returns the response object of a request.
 *
 * @param req  the request. Borrowed.
 * @return the response. Borrowed, valid as long as req.
 * @since 0.1
 */
SRF_API srf_res_t *srf_req_res(const srf_req_t *req);

/**
 * Returns the message of a request, for the `srf_msg_` functions.
 *
 * @param req  the request. Borrowed.
 * @return the message. Borrowed, valid as long as req.
 * @since 0.1
 */
SRF_API const srf_msg_t *srf_req_msg(const srf_req_t *req);

/**
 * Returns the method, e.g. "INVITE".
 *
 * @param req  the request. Borrowed.
 * @return the method; NULL when memory is out. Borrowed, valid as long as req.
 * @since 0.1
 */
SRF_API const char *srf_req_method(const srf_req_t *req);

/**
 * Returns the Request-URI as it was received.
 *
 * @param req  the request. Borrowed.
 * @return the URI; NULL when memory is out. Borrowed, valid as long as req.
 * @since 0.1
 */
SRF_API const char *srf_req_uri(const srf_req_t *req);

/**
 * Returns the Call-ID.
 *
 * @param req  the request. Borrowed.
 * @return the Call-ID; NULL when memory is out. Borrowed, valid as long as req.
 * @since 0.1
 */
SRF_API const char *srf_req_call_id(const srf_req_t *req);

/**
 * Returns the tag of the From header field.
 *
 * @param req  the request. Borrowed.
 * @return the tag; NULL when there is none (an RFC 2543 caller) or memory is
 *         out. Borrowed, valid as long as req.
 * @since 0.1
 */
SRF_API const char *srf_req_from_tag(const srf_req_t *req);

/**
 * Returns the tag of the To header field.
 *
 * @param req  the request. Borrowed.
 * @return the tag; NULL when there is none: the request is outside a dialog
 *         (or memory is out). Borrowed, valid as long as req.
 * @since 0.1
 */
SRF_API const char *srf_req_to_tag(const srf_req_t *req);

/**
 * Returns the branch parameter of the topmost Via.
 *
 * @param req  the request. Borrowed.
 * @return the branch; NULL when there is none or memory is out. Borrowed,
 *         valid as long as req.
 * @since 0.1
 */
SRF_API const char *srf_req_branch(const srf_req_t *req);

/**
 * Returns the value of a header field; see srf_msg_get().
 *
 * @param req     the request. Borrowed.
 * @param header  the field's name, long or compact, any case. Borrowed.
 * @param index   0 for the first line with that name, ...
 * @return the value or NULL. Borrowed, valid as long as req.
 * @since 0.1
 */
SRF_API const char *srf_req_get(const srf_req_t *req, const char *header,
                                size_t index);

/**
 * Returns the body; see srf_msg_body().
 *
 * @param req  the request. Borrowed.
 * @param len  receives its length in bytes; may be NULL.
 * @return the body or NULL. Borrowed, valid as long as req.
 * @since 0.1
 */
SRF_API const void *srf_req_body(const srf_req_t *req, size_t *len);

/**
 * Returns the whole request as it was received; see srf_msg_raw().
 *
 * @param req  the request. Borrowed.
 * @param len  receives its length in bytes; may be NULL.
 * @return the bytes. Borrowed, valid as long as req.
 * @since 0.1
 */
SRF_API const void *srf_req_raw(const srf_req_t *req, size_t *len);

/**
 * Returns the address a request came from, e.g. "192.0.2.7" or "2001:db8::1".
 *
 * @param req  the request. Borrowed.
 * @return the numeric address; NULL when memory is out. Borrowed, valid as long
 *         as req.
 * @since 0.1
 */
SRF_API const char *srf_req_source_address(const srf_req_t *req);

/**
 * Returns the port a request came from.
 *
 * @param req  the request. Borrowed.
 * @return 1..65535.
 * @since 0.1
 */
SRF_API int srf_req_source_port(const srf_req_t *req);

/**
 * Returns the transport a request came over: "udp".
 *
 * @param req  the request. Borrowed.
 * @return the name in lower case. Borrowed, static.
 * @since 0.1
 */
SRF_API const char *srf_req_source_protocol(const srf_req_t *req);

/**
 * Returns the URI of the listener a request came to; see srf_listener_uri().
 *
 * @param req  the request. Borrowed.
 * @return the URI. Borrowed, valid as long as the stack.
 * @since 0.1
 */
SRF_API const char *srf_req_received_on(const srf_req_t *req);

/**
 * Returns who calls: the user part of P-Asserted-Identity if present, else of
 * From, up to a ";" (as drachtio's callingNumber).
 *
 * @param req  the request. Borrowed.
 * @return the number or name, "" when there is none; NULL when memory is out.
 *         Borrowed, valid as long as req.
 * @since 0.1
 */
SRF_API const char *srf_req_calling_number(const srf_req_t *req);

/**
 * Returns who is called: the user part of the Request-URI up to a ";" (as
 * drachtio's calledNumber); for a tel URI its number.
 *
 * @param req  the request. Borrowed.
 * @return the number or name, "" when there is none; NULL when memory is out.
 *         Borrowed, valid as long as req.
 * @since 0.1
 */
SRF_API const char *srf_req_called_number(const srf_req_t *req);

/**
 * Tells whether a request is an INVITE outside of any dialog.
 *
 * @param req  the request. Borrowed.
 * @return 1 for an INVITE without a To tag, else 0.
 * @since 0.1
 */
SRF_API int srf_req_is_new_invite(const srf_req_t *req);

/**
 * Tells that the caller gave up.
 *
 * @param req  the INVITE that was cancelled. Borrowed until return.
 */
typedef void (*srf_cancel_cb)(srf_req_t *req);

/**
 * Asks to be told when the caller cancels an INVITE (§9.2).
 *
 * Before srf_proxy_request() the library answers the INVITE with 487 and then
 * calls back; a later srf_proxy_request() fails with SRF_ERR_CANCELED. While it
 * is being proxied the branches are cancelled first. It is called at most once.
 *
 * @param req  the request. Borrowed.
 * @param cb   the callback; NULL removes it.
 * @since 0.1
 */
SRF_API void srf_req_on_cancel(srf_req_t *req, srf_cancel_cb cb);

/* ------------------------------------------------------------------ */
/* Responses                                                           */
/* ------------------------------------------------------------------ */

/** What a response carries beside its status. */
typedef struct srf_res_options {
    size_t size;        /**< set by srf_res_options_init() */
    const char *reason; /**< reason phrase; NULL: the usual one. Copied. */
    /** Header fields: names and values in turn, NULL-terminated. Copied. Via,
     * From, To, Call-ID, CSeq and Content-Length may not be set. */
    const char *const *headers;
    const void *body; /**< body; needs a Content-Type header. Copied. */
    size_t body_len;  /**< its length in bytes */
} srf_res_options_t;

/**
 * Fills in the size and sets every default.
 *
 * @param options  structure to initialise. Borrowed.
 * @since 0.1
 */
static inline void srf_res_options_init(srf_res_options_t *options)
{
    memset(options, 0, sizeof(*options));
    options->size = sizeof(*options);
}

/**
 * Answers a request.
 *
 * Any number of provisional responses may go before the final one. A To tag is
 * added (§8.2.6.2). A non-2xx final response to INVITE is retransmitted until
 * the ACK comes (§17.2.1), a 2xx likewise (§13.3.1.4).
 *
 * @param res      the response. Borrowed.
 * @param status   100..699.
 * @param options  reason, header fields, body; NULL for none. Copied.
 * @return 0; SRF_ERR_INVALID_ARGUMENT when status is out of range or a body has
 *         no Content-Type; SRF_ERR_INVALID_HEADER; SRF_ERR_HEADER_NOT_ALLOWED;
 *         SRF_ERR_UNSUPPORTED for a provisional response to a request other
 *         than INVITE (RFC 4320 §4.1: the library sends a 100 when it is due);
 *         SRF_ERR_ALREADY_FINAL; SRF_ERR_ALREADY_PROXIED; SRF_ERR_CANCELED
 *         when the stack is being destroyed; SRF_ERR_NO_MEMORY. On failure
 *         nothing was sent.
 * @since 0.1
 */
SRF_API int srf_res_send(srf_res_t *res, int status,
                         const srf_res_options_t *options);

/**
 * Tells whether a final response went out, from here or through the proxy.
 *
 * @param res  the response. Borrowed.
 * @return 1 or 0.
 * @since 0.1
 */
SRF_API int srf_res_final_sent(const srf_res_t *res);

/* ------------------------------------------------------------------ */
/* Proxying                                                            */
/* ------------------------------------------------------------------ */

/** The order in which targets are tried. */
typedef enum srf_forking {
    SRF_FORKING_SEQUENTIAL = 0,  /**< one after the other */
    SRF_FORKING_SIMULTANEOUS = 1 /**< all at once */
} srf_forking_t;

/** Settings of one proxy operation; drachtio's names in C form. */
typedef struct srf_proxy_options {
    size_t size; /**< set by srf_proxy_options_init() */
    /** Non-zero: stay in the signalling path of the dialog, §16.6 step 4. */
    int32_t record_route;
    /** Non-zero: try the Contacts of a 3xx. Not available yet:
     * SRF_ERR_UNSUPPORTED. */
    int32_t follow_redirects;
    /** A ::srf_forking_t. SRF_FORKING_SIMULTANEOUS is not available yet:
     * SRF_ERR_UNSUPPORTED. */
    int32_t forking;
    /** Non-zero: when a target replaces a Request-URI that names us and has no
     * user part, keep the caller's user part. */
    int32_t keep_user;
    /** Non-zero: add a Path header field to REGISTER (RFC 3327). */
    int32_t path;
    /** Longest wait for a first provisional response of a target; 0: no limit.
     * Not available yet: SRF_ERR_UNSUPPORTED. */
    uint32_t provisional_timeout_ms;
    /** Longest wait for the final response of a target; 0: no limit. Not
     * available yet: SRF_ERR_UNSUPPORTED. */
    uint32_t final_timeout_ms;
    uint32_t timer_c_ms; /**< Timer C of this call; 0: that of the stack */
    /** Header fields to add: names and values in turn, NULL-terminated.
     * Copied. See srf_proxy_request() for those that may not be set. */
    const char *const *headers;
} srf_proxy_options_t;

/**
 * Fills in the size and sets every default.
 *
 * @param options  structure to initialise. Borrowed.
 * @since 0.1
 */
static inline void srf_proxy_options_init(srf_proxy_options_t *options)
{
    memset(options, 0, sizeof(*options));
    options->size = sizeof(*options);
}

/** Why the attempt at a target ended. */
typedef enum srf_cause {
    SRF_CAUSE_NONE = 0,            /**< it has not ended */
    SRF_CAUSE_RESPONSE,            /**< a final response */
    SRF_CAUSE_PROVISIONAL_TIMEOUT, /**< provisional_timeout_ms passed */
    SRF_CAUSE_FINAL_TIMEOUT,       /**< final_timeout_ms passed */
    SRF_CAUSE_TIMER_B,             /**< no response to an INVITE, §17.1.1.2 */
    SRF_CAUSE_TIMER_F,             /**< no response to another, §17.1.2.2 */
    SRF_CAUSE_TIMER_C,             /**< it rang too long, §16.8 */
    SRF_CAUSE_TRANSPORT,           /**< could not be sent or was refused */
    SRF_CAUSE_DNS,                 /**< the name could not be resolved */
    SRF_CAUSE_CANCELED             /**< given up before it ended */
} srf_cause_t;

/**
 * Names a cause: "response", "timer B", "transport", ...
 *
 * @param cause  a ::srf_cause_t.
 * @return the name. Borrowed, static. Never NULL.
 * @since 0.1
 */
SRF_API const char *srf_cause_name(int cause);

/** A response with the moment of its arrival. */
typedef struct srf_proxy_msg {
    int64_t time_us;  /**< microseconds since 1970-01-01 UTC */
    int32_t status;   /**< 100..699 */
    int32_t reserved; /**< zero */
    /** The message as received; NULL for a 100 Trying, which is not kept.
     * Borrowed. */
    const srf_msg_t *msg;
} srf_proxy_msg_t;

/** What happened at one address that was tried. */
typedef struct srf_proxy_response {
    const char *target;    /**< URI of the target */
    const char *address;   /**< numeric address; "" if it was never known */
    const char *transport; /**< "udp"; "" if it was never known */
    int32_t port;          /**< 0 if it was never known */
    int32_t cause;         /**< a ::srf_cause_t */
    size_t msg_count;
    const srf_proxy_msg_t *msgs; /**< in order of arrival, provisionals too */
} srf_proxy_response_t;

/** The outcome of a proxy operation. All pointers are borrowed until the
 * callback returns. */
typedef struct srf_proxy_results {
    size_t size;          /**< of this structure in the library */
    int32_t connected;    /**< non-zero: a 2xx was forwarded */
    int32_t final_status; /**< status the caller was sent; 0: none */
    /** The response that was forwarded; NULL when it was generated here. */
    const srf_proxy_msg_t *final_response;
    size_t response_count;
    const srf_proxy_response_t *responses; /**< in order of first attempt */
} srf_proxy_results_t;

/**
 * Reports the end of a proxy operation.
 *
 * @param req      the request that was proxied. Borrowed until return.
 * @param err      0 when the caller got a response that came out of trying
 *                 targets; SRF_ERR_NO_TARGET when nothing could be tried;
 *                 SRF_ERR_TIMEOUT when no target answered (or each with 408) a
 *                 request other than INVITE, for which no response is made up
 * (RFC 4320 §4.2); SRF_ERR_CANCELED when the stack was destroyed.
 * @param results  what happened; never NULL. Borrowed until return.
 */
typedef void (*srf_proxy_cb)(srf_req_t *req, int err,
                             const srf_proxy_results_t *results);

/** A NULL-terminated array of URIs for srf_proxy_request(). */
#define SRF_URIS(...) ((const char *const[]){__VA_ARGS__, NULL})

/**
 * Proxies a request to one of several targets (§16).
 *
 * Each URI may leave out `sip:`; "host", "10.0.0.5:5080", "[::1]:5060",
 * "user@host", "host;transport=udp", "<sip:host>" are all understood. When the
 * Request-URI names this element, the target replaces it; otherwise it stays
 * and the target is only the next hop. Targets are tried in order until one
 * answers with a 2xx or 6xx; the best response goes to the caller (§16.7).
 *
 * Everything is checked before anything is sent.
 *
 * Header fields that may not be set by `headers`: Via, Route, Record-Route,
 * CSeq, Call-ID, From, To, Max-Forwards, Content-Length.
 *
 * @param req   the request; the library takes a reference until the end.
 *              Referenced.
 * @param uris  targets in order of preference, NULL-terminated; NULL or empty:
 *              outbound proxy, the request goes to its Request-URI. Copied.
 * @param opts  settings; NULL for defaults. Copied.
 * @param cb    told the outcome, exactly once, from the loop, if 0 was
 *              returned; NULL: no report wanted.
 * @return 0; SRF_ERR_INVALID_ARGUMENT; SRF_ERR_INVALID_URI;
 *         SRF_ERR_UNSUPPORTED for a scheme other than sip, sips and tel or an
 *         option not available; SRF_ERR_INVALID_HEADER;
 *         SRF_ERR_HEADER_NOT_ALLOWED; SRF_ERR_TOO_MANY_TARGETS;
 *         SRF_ERR_ALREADY_FINAL; SRF_ERR_ALREADY_PROXIED; SRF_ERR_CANCELED when
 *         the caller cancelled before or the stack is being destroyed;
 *         SRF_ERR_NO_MEMORY. On failure nothing happened and cb is never
 *         called: the handler can still answer.
 * @since 0.1
 */
SRF_API SRF_NODISCARD int srf_proxy_request(srf_req_t *req,
                                            const char *const *uris,
                                            const srf_proxy_options_t *opts,
                                            srf_proxy_cb cb);

/**
 * Prints results as JSON with drachtio's names and shape.
 *
 * `{connected, finalStatus, finalResponse: {time, status, msg}, responses:
 * [{address, port, msgs: [{time, status, msg}], target, transport, cause}]}`,
 * where `msg` is `{version, status, reason, headers, body, raw}`. The text is
 * one line of valid JSON (RFC 8259) whatever bytes the messages had: bytes that
 * are not UTF-8 become U+FFFD.
 *
 * @param results  what to print. Borrowed.
 * @return the text; NULL when memory is out. Transferred; release it with
 *         srf_free().
 * @since 0.1
 */
SRF_API char *srf_proxy_results_json(const srf_proxy_results_t *results);

#ifdef __cplusplus
}
#endif

#endif /* SRF_SRF_H */
