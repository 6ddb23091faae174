/*
 * Requests of the caller made of pieces, and what a test expects of those that
 * are refused.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TEST_PIECES_H
#define SRF_TEST_PIECES_H

#include "assertions.h"
#include "world.h"

#include <stdio.h>

/* The caller's first final response to what a test sent. */
static inline const char *final_response(const world_t *world)
{
    for (unsigned i = 0; i < world->caller->count; i++) {
        const char *msg = world->caller->inbox[i];
        if (strncmp(msg, "SIP/2.0 1", 9) != 0)
            return msg;
    }
    return NULL;
}

static inline void expect_final(const world_t *world, unsigned status)
{
    char start[32];
    const char *msg = final_response(world);

    sprintf(start, "SIP/2.0 %u ", status);
    ck_assert_msg(msg != NULL, "no final response, %u expected", status);
    ck_assert_msg(strncmp(msg, start, strlen(start)) == 0,
                  "%u expected instead of %s", status, msg);
    ck_assert_uint_eq(world->program.handled, 0);
    ck_assert_uint_eq(world->one->count, 0);
}

static inline void expect_silence(const world_t *world)
{
    ck_assert_uint_eq(world->caller->count, 0);
    ck_assert_uint_eq(world->one->count, 0);
    ck_assert_uint_eq(world->program.handled, 0);
}

/* An INVITE from its pieces, so that a test can leave out or repeat one. */
typedef struct pieces {
    const char *start;
    const char *via;
    const char *max_forwards;
    const char *from;
    const char *to;
    const char *call_id;
    const char *cseq;
    const char *extra;
} pieces_t;

static const pieces_t good = {
    "INVITE sip:100@10.0.0.1 SIP/2.0\n",
    "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-c1\n",
    "Max-Forwards: 70\n",
    "From: <sip:ann@example.com>;tag=ann-c1\n",
    "To: <sip:bob@example.com>\n",
    "Call-ID: c1\n",
    "CSeq: 1 INVITE\n",
    "",
};

static inline void send_pieces(world_t *world, const pieces_t *pieces)
{
    party_send(world->caller, WORLD_PROXY, "%s%s%s%s%s%s%s%s", pieces->start,
               pieces->via, pieces->max_forwards, pieces->from, pieces->to,
               pieces->call_id, pieces->cseq, pieces->extra);
    world_settle(world);
}

/* For what is too long for party_send(), or has a NUL. */
static inline void send_bytes(world_t *world, const char *text, size_t len)
{
    srf__addr_t to;

    ck_assert(srf__addr_from_host(&to, srf__str_of("10.0.0.1"), 5060,
                                  SRF__TRANSPORT_UDP));
    mempeer_send(world->caller->peer, &to, text, len);
    world_settle(world);
}

#endif /* SRF_TEST_PIECES_H */
