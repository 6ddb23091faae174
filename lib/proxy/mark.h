/*
 * Marks: the keyed hash in a URI of ours that proves what we wrote it for, a
 * dialog (Record-Route, RFC 3261 §16.6 step 4) or a registration (Path). What
 * carries none of ours is a stranger's, whatever else it looks like.
 *
 * A URI may also name a flow in its user part (flow_name.h), which the mark
 * covers: nobody can make up one (RFC 5626 §5.2).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_MARK_H
#define SRF_MARK_H

#include "proxy/element.h"

/* 64 bits in hexadecimal. */
enum { SRF__MARK_LEN = 16 };

/* Draws a key that is good until the end of the stack. */
void srf__marks_init(srf__marks_t *marks, srf__random_t *random);

/* Writes the mark of a Record-Route value for the dialog that `request` forms
 * or refreshes: it is good in requests with the same Call-ID and the caller's
 * tag on either side. `flow`: the user part; empty for none. */
void srf__mark_dialog(const srf__marks_t *marks, const srf__facts_t *request,
                      srf__str_t flow, char out[SRF__MARK_LEN]);
/* Writes the mark of a Path value: it is good in requests of anybody, since
 * whoever calls asks the registrar for the way. */
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

#endif /* SRF_MARK_H */
