/*
 * What a 2xx to an INVITE of ours says about the dialog it makes: where
 * requests inside it go, and what they carry (RFC 3261 §12.1.2, §12.2.1.1).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_DIALOG_H
#define SRF_DIALOG_H

#include "message/build.h"
#include "message/uri.h"

typedef struct srf__dialog {
    srf__str_t uri; /* Request-URI; view of the response, or of `target` */
    srf__str_t from;
    srf__str_t to;
    srf__str_t call_id;
    srf__uri_t next_hop; /* first of the route set, or `uri` */
    srf__buf_t routes;   /* complete Route lines */
    srf__buf_t target;   /* of a Contact that has to be mended */
} srf__dialog_t;

/* Reads what a request inside the dialog of a 2xx is made of. `fallback` is the
 * Request-URI when there is no Contact to be read (INTEROP).
 * 0; SRF_ERR_SYNTAX for a route set that cannot be read or is too long;
 * SRF_ERR_NO_MEMORY. End with srf__dialog_deinit() in any case. */
int srf__dialog_read(srf__dialog_t *dialog, const srf__facts_t *response,
                     srf__str_t fallback);
void srf__dialog_deinit(srf__dialog_t *dialog);

#endif /* SRF_DIALOG_H */
