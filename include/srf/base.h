/*
 * Part of <srf/srf.h>: types, errors, allocator, durations, log.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_BASE_H
#define SRF_BASE_H

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
 XX(NO_HEADER, -9008, "no such header field or value")                        \
 XX(INVALID_ADDRESS, -9009, "invalid address or network")                     \
 XX(NO_MEMORY, -9101, "out of memory")                                        \
 XX(LIMIT, -9102, "configured limit reached")                                 \
 XX(RANDOM, -9103, "no random bytes available")                               \
 XX(SYNTAX, -9201, "syntax error in SIP message")                             \
 XX(NO_TRANSPORT, -9301, "no listener for that transport or address family")  \
 XX(UNREACHABLE, -9302, "destination unreachable")                            \
 XX(NAME_NOT_FOUND, -9303, "host name could not be resolved")                 \
 XX(TLS, -9304, "TLS settings or certificates are not usable")                \
 XX(NOT_CONNECTED, -9305, "connection is gone")                               \
 XX(NOT_ALLOWED, -9306, "destination is not allowed")                         \
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
 * Without one a stack takes transactions and messages from pages of its own,
 * which the system gets back after a peak; one of the program's is asked for
 * each of them.
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

/**
 * Makes a text from outside fit for a terminal and for the lines of a log:
 * nothing in it can end a line, move a cursor or turn what stands beside it.
 *
 * Printable characters in valid UTF-8 (RFC 3629) stay as they are, backslashes
 * too. A control below 0x20, DEL (0x7f), and a byte that belongs to no
 * character are shown as `\xNN`. Characters behind ASCII that are controls
 * (U+0080..U+009F), end lines (U+2028, U+2029) or turn the direction of writing
 * (U+061C, U+200E, U+200F, U+202A..U+202E, U+2066..U+2069) are shown as
 * `\u{NNNN}`; all digits are lower-case hexadecimal. Doing it again changes
 * nothing.
 *
 * What does not fit into `size` is left out from the first character on that
 * has no room; neither a character nor what stands for one is ever split. Four
 * times `len` and one byte always suffice.
 *
 * @param out   receives the text, ended by a NUL when `size` is not 0. Must not
 *              overlap `text`. Borrowed; may be NULL when `size` is 0.
 * @param size  of `out`, in bytes.
 * @param text  the text; NUL bytes in it are controls. Borrowed; may be NULL
 *              when `len` is 0.
 * @param len   of `text`, in bytes.
 * @return length of the whole result in bytes, without the NUL; something was
 *         left out when that is not below `size`.
 * @since 0.1
 */
SRF_API size_t srf_printable(char *out, size_t size, const char *text,
                             size_t len);

/** For a duration in an options structure: the timer is off. */
#define SRF_TIMEOUT_NONE UINT32_MAX

/** For a number in an options structure that says so: there is no limit. */
#define SRF_UNLIMITED UINT32_MAX

/* ------------------------------------------------------------------ */
/* Log                                                                 */
/* ------------------------------------------------------------------ */

/** Severity of a log line. What a peer does is at most a WARNING: what the
 * program may have to do something about, such as a destination that
 * `allow_destination` refuses, a target that cannot be connected to, or too
 * many messages. Lines that peers cause are limited to 20 at once and 5 per
 * second; srf_log_event_t::suppressed counts those that were left out. */
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
    const char *text;    /**< the line, without a line end; printable */
    const char *call_id; /**< Call-ID it belongs to, printable, or NULL */
    const char *peer;    /**< "host:port" it belongs to, or NULL */
    uint64_t suppressed; /**< lines of this kind held back by rate limit */
} srf_log_event_t;

/**
 * Receives log lines, on the thread of the loop: nothing else goes on until it
 * returns, so it must not wait for whoever reads them.
 *
 * Unlike most callbacks it comes from inside the library's functions, in the
 * middle of what the line is about. It must not call functions of the stack,
 * nor give back references to its requests.
 *
 * @param level      severity.
 * @param event      the line. Borrowed until return.
 * @param user_data  `log_data` of srf_options_t. Borrowed.
 */
typedef void (*srf_log_cb)(srf_log_level_t level, const srf_log_event_t *event,
                           void *user_data);

/** What is told of a message on its way in or out. All pointers are borrowed
 * until the callback returns. */
typedef struct srf_trace {
    size_t size;                /**< of this structure in the library */
    int64_t time_us;            /**< microseconds since 1970-01-01 UTC */
    int32_t sent;               /**< 1: it leaves; 0: it has arrived */
    int32_t local_port;         /**< 1..65535 */
    int32_t remote_port;        /**< 1..65535 */
    int32_t reserved;           /**< zero */
    const char *transport;      /**< "udp", "tcp", "tls", "ws" or "wss" */
    const char *local_address;  /**< numeric, without brackets */
    const char *remote_address; /**< numeric, without brackets */
    const void *data; /**< the whole message; may be anything when it has
                           arrived, not only SIP */
    size_t len;       /**< its length in bytes */
} srf_trace_t;

/**
 * Sees each message as it has arrived and as it leaves, retransmissions and
 * broken ones included: what a ladder diagram or a capture needs.
 *
 * Like the log callback, and unlike all others, it comes from inside the
 * functions that send. It must not call functions of the stack.
 *
 * @param trace      the message. Borrowed until return.
 * @param user_data  `trace_data` of srf_options_t. Borrowed.
 */
typedef void (*srf_trace_cb)(const srf_trace_t *trace, void *user_data);

#ifdef __cplusplus
}
#endif

#endif /* SRF_BASE_H */
