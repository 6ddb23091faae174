/*
 * The stack: what a program's srf_t is made of.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_STACK_H
#define SRF_STACK_H

#include "base/ticker.h"
#include "core/overload.h"
#include "core/sources.h"
#include "core/uas.h"
#include "proxy/element.h"
#include "proxy/route.h"
#include "resolver/hosts.h"
#include "resolver/resolver.h"
#include "srf/srf.h"

/* A link of the chain: middleware, or the handler of a method. */
typedef struct srf__handler {
    struct srf__handler *next; /* in order of registration */
    srf_request_cb cb;
    uint16_t order; /* its number, from 1 on; stays when it is replaced */
    uint8_t method; /* srf__method_t; OTHER with the name for unknown ones */
    bool any;       /* every method; as a handler: those without their own */
    bool middleware;
    char name[];
} srf__handler_t;

struct srf {
    srf__element_t element;
    struct uv_loop_s *loop;
    srf__ticker_t *ticker; /* NULL when a test turns the wheel */
    void *data;
    srf__handler_t *handlers;
    uint16_t handler_order;
    srf__uas_t uas;
    srf__overload_t overload;
    srf__sources_t sources;
    struct srf__posts *posts; /* NULL without a loop */
    srf__dns_t *dns;          /* NULL without a loop */
    srf__hosts_t *hosts;      /* NULL without a loop */
    srf_trace_cb trace_cb;    /* NULL: nobody asks */
    void *trace_data;
    srf_destination_cb allow_destination; /* NULL: anywhere */
    void *destination_data;
    uint64_t destinations_refused;
    srf__timer_t drain_timer;
    srf_drain_cb drain_cb;
    bool draining;

    srf__facts_t facts;               /* of the message being received */
    bool receiving;                   /* facts are in use */
    const struct srf_req *delivering; /* its handler runs; route is its route */
    const srf__route_t *route;
    srf__scan_limits_t limits;
    uint32_t max_message_bytes;
    uint32_t handler_timeout_ms;

    bool closing;  /* srf_destroy() was called */
    bool closed;   /* nothing but the memory is left */
    uint32_t refs; /* the program's, and one per request alive */
    srf_destroy_cb destroy_cb;
    srf__timer_t destroy_timer;
    struct srf_req *requests;  /* with the program, undecided */
    struct srf_req *handed_on; /* of these, to run on from the loop */
    struct srf_req **handed_on_end;
    srf__timer_t handed_on_timer;
    struct srf_outgoing *outgoing; /* the program's own requests */

    uint64_t requests_received;
    uint64_t responses_received;
    uint64_t dropped_malformed;
    uint64_t rejected;
    uint64_t keepalives_received;
    uint64_t shed; /* requests dropped, since to answer was too much, too */
};

/* What a stack takes from its surroundings; tests give their own. */
typedef struct srf__env {
    struct uv_loop_s *loop;   /* NULL when nothing needs it */
    srf__wheel_t *wheel;      /* NULL: one of its own, turned by the loop */
    uint64_t seed;            /* non-zero: reproducible random numbers */
    int64_t (*wall_us)(void); /* NULL: the real time */
} srf__env_t;

int srf__create(srf_t **out, const srf__env_t *env,
                const srf_options_t *options);

void srf__unref(srf_t *srf);

/* receive.c: transport events. */
void srf__on_message(void *arg, const srf__flow_t *from, const char *data,
                     size_t len);
void srf__on_undelivered(void *arg, const srf__addr_t *to, const char *message,
                         size_t len);
void srf__on_refused(void *arg, const srf__flow_t *from, srf__str_t head,
                     unsigned status, const char *reason);
void srf__on_lost(void *arg, const srf__lost_t *lost, const uint64_t *ids,
                  size_t count);
bool srf__on_is_waiting(void *arg, uint64_t id);

/* destination.c: asks the program, when it is to be asked. */
bool srf__on_allow(void *arg, const srf__addr_t *to, srf__str_t name,
                   unsigned reason);

/* trace.c */
void srf__trace_received(srf_t *srf, const srf__flow_t *from, const char *data,
                         size_t len);
void srf__trace_sent(void *arg, const srf__flow_t *to, const srf__str_t *parts,
                     unsigned count);

/* post.c: the handle that wakes the loop. Closing it makes the calls that are
 * still due; `cb` (may be NULL) comes from the loop. Other threads may post
 * until all is freed, as the last thing with the stack. */
int srf__posts_create(srf_t *srf);
void srf__posts_close(srf_t *srf, void (*cb)(void *arg), void *arg);
void srf__posts_free(srf_t *srf);

/* drain.c: on destroy. */
void srf__drain_abort(srf_t *srf);

/* handlers.c */

/* Returns the next link for this request behind number `after` (0: the first);
 * NULL when the chain ends. */
const srf__handler_t *srf__handler_next(const srf_t *srf,
                                        const srf__facts_t *request,
                                        unsigned after);
/* Returns what a request is answered with that nobody takes: 405, 501 (RFC 3261
 * §8.2.1), 404 where there is a handler for its method, which handed it on, or
 * 200 for an OPTIONS that is for the proxy itself (§11). */
unsigned srf__handler_missing(const srf_t *srf, const srf__facts_t *request,
                              const srf__route_t *route);
/* Appends "Allow: A, B\r\n" with the methods that have a handler. */
void srf__handlers_write_allow(const srf_t *srf, srf__buf_t *out);
void srf__handlers_deinit(srf_t *srf);

#endif /* SRF_STACK_H */
