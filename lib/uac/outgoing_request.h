/*
 * What a request of the program's own consists of, read and built.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_OUTGOING_REQUEST_H
#define SRF_OUTGOING_REQUEST_H

#include "uac/outgoing.h"

/* Checks what the program gave and keeps it in `outgoing`, whose `uac` is set:
 * the request but for its Via, and the URI that leads to it. 0 or an error of
 * srf_request(). */
int srf__outgoing_read(srf_outgoing_t *outgoing, const char *uri,
                       const srf_request_options_t *options);
/* Builds the request with the branch of outgoing->client and the credentials
 * there are. 0, or an error; *out is NULL then. */
int srf__outgoing_build(srf_outgoing_t *outgoing, srf_msg_t **out);
/* Builds another request, which goes along `flow`; spec->via is set meanwhile.
 * NULL when memory is out. */
srf_msg_t *srf__outgoing_build_along(srf__pool_t *pool,
                                     srf__request_spec_t *spec,
                                     const srf__flow_t *flow,
                                     srf__str_t branch);

#endif /* SRF_OUTGOING_REQUEST_H */
