/*
 * The stack: what a program's srf_t is made of.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_STACK_H
#define SRF_STACK_H

#include "base/ticker.h"
#include "core/answers.h"
#include "core/merged.h"
#include "core/overload.h"
#include "core/sources.h"
#include "proxy/element.h"
#include "proxy/route.h"
#include "resolver/hosts.h"
#include "resolver/resolver.h"
#include "srf/srf.h"
#include "uac/outgoing.h"

typedef struct srf__handler srf__handler_t; /* see handlers.h */

struct srf {
    srf__element_t element;
    struct uv_loop_s *loop;
    srf__ticker_t *ticker; /* NULL when a test turns the wheel */
    void *data;
    srf__handler_t *handlers;
    uint16_t handler_order;
    srf__answers_t answers;
    srf__merged_t merged;
    srf__uac_t uac;
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
    srf_flow_closed_cb flow_closed_cb; /* NULL: nobody asks */
    void *flow_closed_data;
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

#endif /* SRF_STACK_H */
