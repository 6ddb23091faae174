/*
 * Flow tokens (RFC 5626 §5.2): the user part of a Route of ours by which a
 * request finds the connection that its receiver came to us on. The flow is
 * proved to be one we wrote by a keyed hash, so that nobody can have us send
 * into connections of others.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_FLOW_TOKEN_H
#define SRF_FLOW_TOKEN_H

#include "proxy/element.h"

/* 2 listener + 8 connection + 16 keyed hash digits */
enum { SRF__FLOW_TOKEN_LEN = 2 + 8 + 16 };

/* Whether the peer can only be reached on the connection it made: a WebSocket
 * client (RFC 7118 §5), a user agent over TLS (it has no certificate to be
 * connected to with), or one whose Via names another place than it came from.
 * `request` came on `flow`; NULL when it goes out there. */
bool srf__flow_needs_token(const srf__flow_t *flow,
                           const srf__facts_t *request);

void srf__flow_token_write(srf__element_t *element, const srf__flow_t *flow,
                           char out[SRF__FLOW_TOKEN_LEN]);

/* Whether `token` is a flow token of ours. *flow receives its listener and
 * connection; its peer when that is open, else family 0. */
bool srf__flow_token_read(srf__element_t *element, srf__str_t token,
                          srf__flow_t *flow);

#endif /* SRF_FLOW_TOKEN_H */
