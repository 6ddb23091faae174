/*
 * Marks: the keyed hash in a URI of ours that proves what we wrote it for, a
 * dialog (Record-Route) or a registration (Path). What carries none of ours is
 * a stranger's, whatever else it looks like.
 *
 * A URI may also name a flow in its user part (RFC 5626 §5.2): the connection
 * that its receiver came to us on. The mark covers it, so that a flow is good
 * for nothing but what it was given for.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_MARK_H
#define SRF_MARK_H

#include "proxy/element.h"

/* 64 bits in hexadecimal; 2 digits of a listener and 8 of a connection. */
enum { SRF__MARK_LEN = 16, SRF__FLOW_LEN = 2 + 8 };

/* Draws a key that is good until the end of the stack. */
void srf__marks_init(srf__marks_t *marks, srf__random_t *random);

/* Writes the mark of a Record-Route value for the dialog that `request` forms
 * or refreshes: it is good in requests with the same Call-ID and the caller's
 * tag on either side. `flow`: the user part; empty for none. */
void srf__mark_dialog(const srf__marks_t *marks, const srf__facts_t *request,
                      srf__str_t flow, char out[SRF__MARK_LEN]);
/* The same of a Path value: it is good in requests of anybody, since whoever
 * calls asks the registrar for the way. */
void srf__mark_path(const srf__marks_t *marks, srf__str_t flow,
                    char out[SRF__MARK_LEN]);

/* What a URI of ours was written for. */
typedef enum srf__mark_kind {
    SRF__MARK_NONE = 0, /* or not for this request */
    SRF__MARK_DIALOG,   /* the dialog that the request is inside of */
    SRF__MARK_PATH
} srf__mark_kind_t;

srf__mark_kind_t srf__mark_read(const srf__marks_t *marks,
                                const srf__facts_t *request,
                                const srf__uri_t *uri);

/* ---- flows ---- */

/* Whether the peer can only be reached on the connection it made: a WebSocket
 * client (RFC 7118 §5), a user agent over TLS (it has no certificate to be
 * connected to with), or one whose Via names another place than it came from.
 * `request` came on `flow`; NULL when it goes out there. */
bool srf__flow_needs_name(const srf__flow_t *flow, const srf__facts_t *request);

/* Names a flow, whose connection is kept from now on. */
void srf__flow_write(srf__element_t *element, const srf__flow_t *flow,
                     char out[SRF__FLOW_LEN]);

/* Whether `name`, which a mark has proved to be ours, is that of a flow. *flow
 * receives its listener and connection; its peer when that is open, else family
 * 0. */
bool srf__flow_read(srf__element_t *element, srf__str_t name,
                    srf__flow_t *flow);

#endif /* SRF_MARK_H */
