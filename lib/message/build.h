/*
 * Messages made here: responses, ACK for a non-2xx, CANCEL, own requests.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_BUILD_H
#define SRF_BUILD_H

#include "base/buf.h"
#include "message/edit.h"
#include "message/message.h"

/* What is added to the topmost Via of a request that came in (RFC 3261 §18.2.1,
 * RFC 3581 §4, RFC 6223 §4.4). Views are empty, and pointers NULL, when not to
 * be added. */
typedef struct srf__via_mark {
    srf__str_t received; /* numeric address, IPv6 without brackets */
    srf__str_t rport;    /* decimal port */
    const char *keep;    /* value of the "keep" that is there, with its "=" */
} srf__via_mark_t;

/* Adds to `edits` what marks the topmost Via of `facts`: an existing received
 * or rport value is replaced, an empty rport filled in, what is not there
 * added. The text goes into `scratch`, which must be a fixed buffer (growth
 * would move the bytes that the edits point to) and live until gathering; its
 * err tells that it was too small. */
void srf__edit_mark_via(srf__edits_t *edits, const srf__facts_t *facts,
                        const srf__via_mark_t *mark, srf__buf_t *scratch);

typedef struct srf__response_spec {
    unsigned status;
    srf__str_t reason; /* empty: the usual phrase of the status */
    srf__via_mark_t via_mark;
    srf__str_t to_tag; /* added when the request's To has none; not to a 100 */
    /* Complete header lines, each with its CRLF; may be empty. */
    srf__str_t lines;
    srf__str_t body;
} srf__response_spec_t;

/* Returns the usual reason phrase; an unknown status has that of its x00. */
const char *srf__status_reason(unsigned status);

/* Builds a response to the request `facts` (RFC 3261 §8.2.6): every Via in
 * order and the topmost marked, From, To, Call-ID, CSeq, for 1xx and 2xx also
 * Record-Route (§12.1.1), for a 100 also Timestamp; then the lines,
 * Content-Length, the body. NULL when memory is out. */
srf_msg_t *srf__build_response(srf__pool_t *pool, const srf__facts_t *facts,
                               const srf__response_spec_t *spec);

/* Builds the ACK for a non-2xx (RFC 3261 §17.1.1.3) to `invite`, the INVITE as
 * it was sent: its Request-URI, topmost Via, Route, From, Call-ID, CSeq number;
 * the To of `response`; Max-Forwards: 70. NULL when memory is out. */
srf_msg_t *srf__build_ack(srf__pool_t *pool, const srf__facts_t *invite,
                          const srf__facts_t *response);

/* Builds the CANCEL (RFC 3261 §9.1) for `invite` as it was sent. `lines` are
 * complete further header lines, e.g. Reason. NULL when memory is out. */
srf_msg_t *srf__build_cancel(srf__pool_t *pool, const srf__facts_t *invite,
                             srf__str_t lines);

typedef struct srf__request_spec {
    srf__str_t method;
    srf__str_t uri;
    srf__str_t via;  /* value of the Via header field */
    srf__str_t from; /* values with their tags */
    srf__str_t to;
    srf__str_t call_id;
    uint32_t cseq;
    srf__str_t lines; /* complete further header lines */
    srf__str_t body;
} srf__request_spec_t;

/* Builds a request of our own, with Max-Forwards 70. NULL when memory is
 * out. */
srf_msg_t *srf__build_request(srf__pool_t *pool,
                              const srf__request_spec_t *spec);

/* Whether `text` may stand in a line: no line break, nor another control
 * character but a tab. */
bool srf__build_is_one_line(srf__str_t text);

/* Appends header lines from names and values in turn, NULL-terminated (NULL for
 * none). Header fields whose bit (1 << srf__header_id_t) is in `denied` are
 * refused. 0; SRF_ERR_INVALID_HEADER; SRF_ERR_HEADER_NOT_ALLOWED;
 * SRF_ERR_NO_MEMORY. */
int srf__build_lines(const char *const *headers, uint32_t denied,
                     srf__buf_t *out);

#endif /* SRF_BUILD_H */
