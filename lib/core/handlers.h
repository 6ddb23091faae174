/*
 * The program's handlers: which of them a request is for.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_HANDLERS_H
#define SRF_HANDLERS_H

#include "core/stack.h"

/* A link of the chain: middleware, or the handler of a method. */
struct srf__handler {
    struct srf__handler *next; /* in order of registration */
    srf_request_cb cb;
    uint16_t order; /* its number, from 1 on; stays when it is replaced */
    uint8_t method; /* srf__method_t; OTHER with the name for unknown ones */
    bool any;       /* every method; as a handler: those without their own */
    bool middleware;
    char name[];
};

/* The next link for this request behind number `after` (0: the first); NULL
 * when the chain ends. */
const srf__handler_t *srf__handler_next(const srf_t *srf,
                                        const srf__facts_t *request,
                                        unsigned after);
/* What a request is answered with that nobody takes: 405, 501 (RFC 3261
 * §8.2.1), 404 where there is a handler for its method, which handed it on, or
 * 200 for an OPTIONS that is for the proxy itself (§11). */
unsigned srf__handler_missing(const srf_t *srf, const srf__facts_t *request,
                              const srf__route_t *route);
/* Appends "Allow: A, B\r\n" with the methods that have a handler. */
void srf__handlers_write_allow(const srf_t *srf, srf__buf_t *out);
void srf__handlers_deinit(srf_t *srf);

#endif /* SRF_HANDLERS_H */
