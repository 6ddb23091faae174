/*
 * Part of <srf/srf.h>: messages, requests and the answers to them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_REQUEST_H
#define SRF_REQUEST_H

#include <srf/base.h>
#include <srf/tls.h>

#ifdef __cplusplus
extern "C" {
#endif

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
 * Returns the Request-URI as it was received; a maddr that names this element
 * is taken out before (§16.4).
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
 * Returns the transport a request came over: "udp", "tcp", "tls", "ws" or
 * "wss".
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
 * Returns which flow a request came along: a number that stands for its
 * connection.
 *
 * While the stack lives no other connection has the same one. Where a caller
 * has connected anew and sent the request again, it is the connection that this
 * came on last, which the responses go out on.
 *
 * @param req  the request. Borrowed.
 * @return the flow, for srf_flow_is_open() and ::srf_flow_closed_cb; 0 over
 *         UDP.
 * @since 0.1
 */
SRF_API uint64_t srf_req_flow(const srf_req_t *req);

/**
 * Returns the certificate that the peer has shown on the connection that the
 * request came over.
 *
 * It says who the neighbour is, which may be a proxy, not who calls. Listeners
 * ask for one by srf_tls_options_t::client_certificate.
 *
 * @param req  the request. Borrowed.
 * @return the certificate; NULL when there is none: without TLS, of a client
 *         that showed none, when the connection has gone before this was asked
 *         for the first time, or when memory is out. Borrowed, valid as long as
 *         the request.
 * @since 0.1
 */
SRF_API const srf_certificate_t *srf_req_peer_certificate(const srf_req_t *req);

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

/** What a response carries beside its status. Initialise with
 * srf_res_options_init(). */
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

#ifdef __cplusplus
}
#endif

#endif /* SRF_REQUEST_H */
