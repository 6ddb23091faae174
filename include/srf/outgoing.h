/*
 * Part of <srf/srf.h>: requests of the program's own.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_OUTGOING_H
#define SRF_OUTGOING_H

#include <srf/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ */
/* Requests of one's own                                               */
/* ------------------------------------------------------------------ */

/** A request the program sends. Opaque; valid from srf_request() until its
 * completion has returned. */
typedef struct srf_outgoing srf_outgoing_t;

/**
 * Tells of a response that is not the last word: a provisional one (100 Trying
 * included), a challenge that the library answers, or a 503 behind which it
 * tries the next address of a name.
 *
 * @param outgoing  the request. Borrowed until return.
 * @param response  the response. Borrowed until return.
 */
typedef void (*srf_outgoing_response_cb)(srf_outgoing_t *outgoing,
                                         const srf_msg_t *response);

/**
 * Reports the end of a request.
 *
 * @param outgoing  the request; it is gone afterwards. Borrowed until return.
 * @param err       0 when there is a final response, whatever its status;
 *                  SRF_ERR_TIMEOUT when none came within Timer B or F or
 *                  `timeout_ms`; SRF_ERR_UNREACHABLE when the network refused
 *                  the request; SRF_ERR_CANCELED after srf_outgoing_cancel() or
 *                  when the stack was destroyed; SRF_ERR_NO_MEMORY when the
 *                  response could not be kept. When the host is a name also
 *                  SRF_ERR_NAME_NOT_FOUND, and what else srf_request() returns
 *                  for a numeric host.
 * @param response  the final response; NULL when err is not 0, except for an
 *                  INVITE that was cancelled: then what it was answered with,
 *                  if anything. Borrowed until return.
 */
typedef void (*srf_outgoing_cb)(srf_outgoing_t *outgoing, int err,
                                const srf_msg_t *response);

/** What a request carries beside its URI, and how it is sent. Initialise with
 * srf_request_options_init(). */
typedef struct srf_request_options {
    size_t size;        /**< set by srf_request_options_init() */
    const char *method; /**< any but ACK and CANCEL; NULL: OPTIONS. Copied. */
    /** Header fields: names and values in turn, NULL-terminated. Copied. From,
     * To and Call-ID, at most once each, take the place of what the library
     * would write: From the address sent from, To the user and host of the
     * URI, Call-ID a random one. A From without a tag gets one. Via, CSeq,
     * Max-Forwards, Record-Route and Content-Length may not be set, nor
     * Authorization and Proxy-Authorization beside a `username`. The first
     * Route, which must have the parameter lr, is where the request goes,
     * unless `next_hop` says otherwise. INVITE, SUBSCRIBE, REFER, NOTIFY and
     * UPDATE get a Contact when there is none here. */
    const char *const *headers;
    const void *body; /**< body; needs a Content-Type header. Copied. */
    size_t body_len;  /**< its length in bytes */
    /** Where to send it: a URI, which is not written into the request; NULL:
     * where its Route or Request-URI points. Copied. */
    const char *next_hop;
    /** Name and password to answer challenges with (401, 407; §22, RFC 8760),
     * which needs `realms`; NULL: they are final responses like others. Copied;
     * the copies are wiped with the request. */
    const char *username;
    const char *password; /**< NULL: empty. Copied. */
    /** A 2xx to an INVITE: the request belongs to the dialog that it made.
     * Request-URI, Route, From, To, Call-ID and CSeq come from there (§12.2);
     * the URI is NULL, and `headers` has none of these. Borrowed for the call.
     */
    const srf_msg_t *dialog;
    srf_outgoing_response_cb on_response; /**< NULL: nobody asks */
    void *data; /**< for srf_outgoing_data(). Borrowed. */
    /** Receives the request, for srf_outgoing_cancel(); not written on
     * failure; NULL: not wanted. */
    srf_outgoing_t **handle;
    /** Longest wait for the final response, answers to challenges included; 0:
     * no limit but Timer B or F, so that an INVITE may ring for ever. */
    uint32_t timeout_ms;
    /** Number of the CSeq, below 2**31; 0: 1, in a dialog one more than that of
     * the INVITE. Each answer to a challenge takes one more. */
    uint32_t cseq;
    /** Whose challenges are answered: realms, exactly as their servers write
     * them, NULL-terminated; "*" is any. Whoever the request gets to can
     * challenge it, and guess at the password with the answer, so a realm that
     * is not here is a stranger's, and its challenge a final response. Copied.
     */
    const char *const *realms;
} srf_request_options_t;

/**
 * Fills in the size and sets every default.
 *
 * @param options  structure to initialise. Borrowed.
 * @since 0.1
 */
static inline void srf_request_options_init(srf_request_options_t *options)
{
    memset(options, 0, sizeof(*options));
    options->size = sizeof(*options);
}

/**
 * Sends a request of the program's own, outside of any proxying (§8.1).
 *
 * 401 and 407 are answered once for each of `realms` when there is a
 * `username`: with the strongest of SHA-512-256, SHA-256 and MD5 that is
 * offered, as the same request with the next CSeq. A server that only finds its
 * nonce too old (stale) is answered once more, with nothing weaker. Whatever
 * else it says is the final response.
 *
 * An INVITE is for probes; there is no session behind it. Each 2xx is
 * acknowledged without a body, as often as it comes (§13.2.2.4); the first is
 * the final response, and the program ends the call with a BYE whose `dialog`
 * it is. A further one, of a fork, gets a BYE at once, and so does a 2xx that
 * comes after the program has cancelled or the time was up. What the other end
 * sends in that dialog is answered with 481.
 *
 * A host name is looked up (RFC 3263); the next of its addresses is tried after
 * a refusal, Timer B or F, or a 503, as a transaction of its own. A request
 * above srf_options_t::udp_mtu goes over TCP where that works (§18.1.1). It
 * leaves by the listener at the address that the system would send from, else
 * by the first that fits transport and address family.
 *
 * @param srf      the stack. Borrowed.
 * @param uri      the Request-URI, in the forms a target of srf_proxy_request()
 *                 may have. Copied.
 * @param options  the rest; NULL: an OPTIONS. Copied.
 * @param cb       told the end, exactly once, from the loop, if 0 was returned;
 *                 NULL: no report wanted.
 * @return 0; SRF_ERR_INVALID_ARGUMENT, also for a body without Content-Type, a
 *         method that is no token or ACK or CANCEL, a username with a control
 *         character or without `realms`, a `dialog` that is no 2xx with a
 *         Contact; SRF_ERR_INVALID_URI; SRF_ERR_UNSUPPORTED for a scheme other
 *         than sip, sips and tel, a Route without lr or a member of options
 *         that this library does not know; SRF_ERR_INVALID_HEADER;
 *         SRF_ERR_HEADER_NOT_ALLOWED; SRF_ERR_NAME_NOT_FOUND for a tel URI;
 *         SRF_ERR_NO_TRANSPORT when no listener can send it; SRF_ERR_LIMIT when
 *         it is longer than 65535 bytes or too many transactions are alive;
 *         SRF_ERR_CANCELED when the stack is being destroyed;
 *         SRF_ERR_NO_MEMORY. On failure nothing was sent and cb is never
 *         called.
 * @since 0.1
 */
SRF_API SRF_NODISCARD int srf_request(srf_t *srf, const char *uri,
                                      const srf_request_options_t *options,
                                      srf_outgoing_cb cb);

/**
 * Stops a request.
 *
 * An INVITE gets a CANCEL when a provisional response has come, or else as soon
 * as one comes (§9.1); it is complete when it has been answered, normally with
 * 487, or 64*T1 after the CANCEL. For other methods there is no CANCEL: the
 * program only stops waiting. The completion comes later, from the loop, with
 * SRF_ERR_CANCELED. One that was stopped before is left alone, and so is one
 * whose completion runs: when that has returned there is no request any more,
 * and `outgoing` must not be used.
 *
 * @param outgoing  the request. Borrowed.
 * @since 0.1
 */
SRF_API void srf_outgoing_cancel(srf_outgoing_t *outgoing);

/**
 * Returns `data` of the request's options.
 *
 * @param outgoing  the request. Borrowed.
 * @return the pointer. Borrowed.
 * @since 0.1
 */
SRF_API void *srf_outgoing_data(const srf_outgoing_t *outgoing);

/**
 * Returns the stack that sends a request.
 *
 * @param outgoing  the request. Borrowed.
 * @return the stack. Borrowed.
 * @since 0.1
 */
SRF_API srf_t *srf_outgoing_srf(const srf_outgoing_t *outgoing);

#ifdef __cplusplus
}
#endif

#endif /* SRF_OUTGOING_H */
