/*
 * Part of <srf/srf.h>: proxying a request, and its results.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_PROXY_H
#define SRF_PROXY_H

#include <srf/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ */
/* Proxying                                                            */
/* ------------------------------------------------------------------ */

/** The order in which targets are tried. */
typedef enum srf_forking {
    SRF_FORKING_SEQUENTIAL = 0,  /**< one after the other */
    SRF_FORKING_SIMULTANEOUS = 1 /**< all at once, §16.6, RFC 5393 §5 */
} srf_forking_t;

struct srf_proxy_response;
struct srf_proxy_msg;

/**
 * Tells that the attempt at a target has begun or has ended. The end of what
 * srf_destroy() cuts short is told by ::srf_proxy_cb only.
 *
 * @param req     the request being proxied. Borrowed until return.
 * @param branch  the attempt so far; its cause is SRF_CAUSE_NONE when it has
 *                begun. One that fails at once is told of once, with its cause.
 *                Borrowed until return.
 */
typedef void (*srf_branch_cb)(srf_req_t *req,
                              const struct srf_proxy_response *branch);

/**
 * Tells of a response of a target, before it is forwarded or kept.
 *
 * @param req       the request being proxied. Borrowed until return.
 * @param branch    the attempt it belongs to. Borrowed until return.
 * @param response  the response; its msg is NULL for a 100 Trying. Borrowed
 *                  until return.
 */
typedef void (*srf_branch_response_cb)(srf_req_t *req,
                                       const struct srf_proxy_response *branch,
                                       const struct srf_proxy_msg *response);

/** Settings of one proxy operation; drachtio's names in C form. */
typedef struct srf_proxy_options {
    size_t size; /**< set by srf_proxy_options_init() */
    /** Non-zero: stay in the signalling path of the dialog, §16.6 step 4. */
    int32_t record_route;
    /** Non-zero: a 3xx is not the end of its target: its SIP and SIPS Contacts
     * are tried next, by descending q, each as the new Request-URI (§16.7 step
     * 4). A URI is tried once, `max_redirects` and the stack's `max_targets`
     * are the bounds, and a SIPS Request-URI is not left for a SIP one. A 3xx
     * without a usable Contact is an ordinary failure. */
    int32_t follow_redirects;
    /** A ::srf_forking_t. With SRF_FORKING_SIMULTANEOUS every target is tried
     * at once; the first 2xx or a 6xx cancels the others. */
    int32_t forking;
    /** Non-zero: when a target replaces a Request-URI that names us and has no
     * user part, keep the caller's user part, and its parameter "user". */
    int32_t keep_user;
    /** Non-zero: add a Path header field to REGISTER (RFC 3327). */
    int32_t path;
    /** Longest wait for any response of a target, 100 Trying included; then
     * the next one is tried. A provisional response that comes after all is
     * answered with CANCEL, a 2xx is forwarded. 0: no limit but Timer B or F.
     */
    uint32_t provisional_timeout_ms;
    /** Longest wait for the final response of a target since the request was
     * sent; then it is cancelled and the next one tried. 0: no limit but
     * Timer C. */
    uint32_t final_timeout_ms;
    uint32_t timer_c_ms; /**< Timer C of this call; 0: that of the stack */
    /** Header fields to add: names and values in turn, NULL-terminated.
     * Copied. See srf_proxy_request() for those that may not be set. */
    const char *const *headers;
    /** Statuses from 300 to 699 that end a sequential search as a 6xx does,
     * ended by 0; NULL: none. Copied. */
    const int32_t *stop_codes;
    /** 6xx statuses that do not end the search, ended by 0; NULL: none. Copied.
     * Every other status from 300 on lets the search go on anyway. */
    const int32_t *failover_codes;
    /** How many redirects in a row are followed; 0: 5; at most 255. */
    uint32_t max_redirects;
    uint32_t reserved; /**< zero */
    /** Told of each attempt; NULL: nobody asks. */
    srf_branch_cb on_branch;
    /** Told of each response of a target; NULL: nobody asks. */
    srf_branch_response_cb on_response;
    /** URI of the listener that requests leave by, exactly as
     * srf_listener_uri() says it; where its transport does not fit the
     * destination, one at the same address is taken that does. Requests inside
     * the dialog leave as its Record-Route says. Another text is an invalid
     * argument. NULL: the listener at the address that the system would send
     * from, else the one the request came to, else the first that fits.
     * Copied. */
    const char *outbound;
    /** Value of the Reason header field (RFC 3326) in the CANCELs of targets
     * that lost to a 2xx or 6xx of another; "": there is none; NULL:
     * `SIP;cause=200;text="Call completed elsewhere"`, or status and reason
     * phrase of the 6xx. Up to 390 bytes. Copied. */
    const char *cancel_reason;
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
    SRF_CAUSE_NONE = 0,            /**< it has not ended; in hooks only */
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
    /** Addresses of the target's name that have not been tried (RFC 3263 §4.3);
     * 503, a timeout or a transport error leads to the next one. */
    size_t addresses_left;
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
 *                 (RFC 4320 §4.2); SRF_ERR_CANCELED when the stack was
 *                 destroyed.
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
 * and the target is only the next hop. Targets are tried in order, or all at
 * once, until one answers with a 2xx or 6xx; every 2xx to an INVITE goes to the
 * caller at once, else the best response when no target is left (§16.7).
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
 * @return 0; SRF_ERR_INVALID_ARGUMENT, also for a setting out of its range;
 *         SRF_ERR_INVALID_URI; SRF_ERR_UNSUPPORTED for a scheme other than sip,
 *         sips and tel or a member of opts that this library does not know;
 *         SRF_ERR_INVALID_HEADER;
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

#endif /* SRF_PROXY_H */
