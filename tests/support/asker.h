/*
 * A program that sends requests of its own: one stack and two scripted peers in
 * the memory network, and what the program was told.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TEST_ASKER_H
#define SRF_TEST_ASKER_H

#include "assertions.h"
#include "world.h"

#include <stdlib.h>

#define ASKER_HOST "10.0.0.1"
#define ASKER_ONE  "10.0.0.11:5060"
#define ASKER_TWO  "10.0.0.12:5060"
#define ASKER_URI  "sip:bob@10.0.0.11"

/* ASKER_STATUSES: responses written down. */
enum { ASKER_STATUSES = 16 };

typedef struct asker {
    memnet_t *net;
    srf_t *srf;
    party_t *one;
    party_t *two;
    srf_request_options_t options;
    srf_outgoing_t *handle;
    int inside; /* in srf_request(): no callback may come */
    unsigned heard;
    int statuses[ASKER_STATUSES]; /* of responses before the last */
    unsigned done;
    int err;
    int status; /* of the final response; 0: none */
    bool destroyed;
    /* Called from the callbacks; may be NULL. */
    void (*on_heard)(struct asker *asker, const srf_msg_t *response);
    void (*on_done)(struct asker *asker, const srf_msg_t *response);
} asker_t;

static inline void asker_heard(srf_outgoing_t *outgoing,
                               const srf_msg_t *response)
{
    asker_t *asker = srf_outgoing_data(outgoing);

    ck_assert(!asker->inside);
    ck_assert_ptr_eq(srf_outgoing_srf(outgoing), asker->srf);
    ck_assert_uint_eq(asker->done, 0);
    ck_assert_uint_lt(asker->heard, ASKER_STATUSES);
    asker->statuses[asker->heard++] = srf_msg_status(response);
    if (asker->on_heard != NULL)
        asker->on_heard(asker, response);
}

static inline void asker_done(srf_outgoing_t *outgoing, int err,
                              const srf_msg_t *response)
{
    asker_t *asker = srf_outgoing_data(outgoing);

    ck_assert(!asker->inside);
    asker->done++;
    asker->err = err;
    asker->status = response == NULL ? 0 : srf_msg_status(response);
    srf_outgoing_cancel(outgoing); /* without effect by now */
    if (asker->on_done != NULL)
        asker->on_done(asker, response);
}

static inline asker_t *asker_create_with(const srf_options_t *options)
{
    asker_t *asker = calloc(1, sizeof(*asker));

    ck_assert_ptr_nonnull(asker);
    asker->net = memnet_create(11);
    asker->srf = memnet_stack(asker->net, ASKER_HOST ":5060", options);
    asker->one = party_create(asker->net, ASKER_ONE);
    asker->two = party_create(asker->net, ASKER_TWO);
    srf_request_options_init(&asker->options);
    asker->options.on_response = asker_heard;
    asker->options.data = asker;
    asker->options.handle = &asker->handle;
    return asker;
}

static inline asker_t *asker_create(void)
{
    return asker_create_with(NULL);
}

static inline uint64_t asker_clients(const asker_t *asker)
{
    srf_stats_t stats = {.size = sizeof(stats)};

    ck_assert_int_eq(srf_stats(asker->srf, &stats), 0);
    return stats.client_transactions;
}

/* Nothing may be left behind. */
static inline void asker_destroy(asker_t *asker)
{
    memnet_drain(asker->net, 600000);
    if (!asker->destroyed) {
        ck_assert_uint_eq(asker_clients(asker), 0);
        ck_assert_ptr_null(asker->srf->uac.outgoing);
        srf_destroy(asker->srf, NULL);
    }
    memnet_run(asker->net, 10);
    party_destroy(asker->one);
    party_destroy(asker->two);
    memnet_destroy(asker->net);
    free(asker);
}

static inline void asker_settle(asker_t *asker)
{
    memnet_run(asker->net, 1);
}

/* What srf_request() returns. */
static inline int asker_try(asker_t *asker, const char *uri)
{
    asker->inside = 1;
    int err = srf_request(asker->srf, uri, &asker->options, asker_done);
    asker->inside = 0;
    return err;
}

/* Sends a request, which arrives. */
static inline void asker_ask(asker_t *asker, const char *method,
                             const char *uri)
{
    asker->options.method = method;
    ck_assert_int_eq(asker_try(asker, uri), 0);
    asker_settle(asker);
}

/* The first peer answers the index-th such request. */
static inline void asker_reply(asker_t *asker, const char *method,
                               unsigned index, const char *status,
                               const char *extra)
{
    party_reply(asker->one, party_index(asker->one, method, index), status,
                extra);
    asker_settle(asker);
}

#endif /* SRF_TEST_ASKER_H */
