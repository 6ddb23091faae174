/*
 * A small world for tests of proxying: one proxy with a program, a caller and
 * two targets in the memory network. The program proxies everything to its
 * targets and writes down what it is told.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TEST_WORLD_H
#define SRF_TEST_WORLD_H

#include "party.h"
#include "proxy/mark.h"

#define WORLD_PROXY  "10.0.0.1:5060"
#define WORLD_CALLER "10.0.0.9:5060"
#define WORLD_ONE    "10.0.0.11:5060"
#define WORLD_TWO    "10.0.0.12:5060"
/* The Request-URI of world_call(); it names the proxy. */
#define WORLD_URI "sip:100@10.0.0.1"

enum { WORLD_RESPONSES = 8 };

/* What the program does and was told. */
typedef struct program {
    const char *uris[WORLD_RESPONSES + 1];
    srf_proxy_options_t options;
    /* Called from the callback, for what is not written down; may be NULL. */
    void (*look)(srf_req_t *req, int err, const srf_proxy_results_t *results);
    int started;   /* result of srf_proxy_request() */
    unsigned done; /* callbacks */
    int err;
    int connected;
    int final_status;
    int has_final;
    unsigned responses;
    int causes[WORLD_RESPONSES];
    unsigned msg_counts[WORLD_RESPONSES];
    unsigned handled;
    unsigned cancels;
    int inside; /* in srf_proxy_request(): no callback may come */
} program_t;

typedef struct world {
    memnet_t *net;
    srf_t *srf;
    party_t *caller;
    party_t *one;
    party_t *two;
    program_t program;
} world_t;

/* `first` and `second` may be NULL: an outbound proxy, one target. */
world_t *world_create(const char *first, const char *second);
world_t *world_create_with(const srf_options_t *options, const char *first,
                           const char *second);
/* Ends the world and checks that nothing was left behind. */
void world_destroy(world_t *world);
/* The same after a test has called srf_destroy() itself. */
void world_destroy_rest(world_t *world);

/* The program's handler and callback, for handlers of a test's own. */
void world_on_request(srf_req_t *req, srf_res_t *res);
void world_on_done(srf_req_t *req, int err, const srf_proxy_results_t *results);
void world_on_cancel(srf_req_t *req);
/* The world's program; a request's. */
program_t *world_program(srf_req_t *req);

/* Lets messages that are on their way arrive. */
void world_settle(world_t *world);
/* An INVITE of the caller to WORLD_URI, id "c1". */
void world_call(world_t *world);
/* Another request of the caller, with lines of its own. */
void world_request(world_t *world, const char *method, const char *uri,
                   const char *id, const char *extra);
/* The same with a To tag, as inside a dialog; CSeq 2. Where "srf=MARK" stands
 * it gets the mark that the proxy gave this dialog. */
void world_in_dialog(world_t *world, party_t *from, const char *method,
                     const char *uri, const char *id, const char *extra);
/* The mark of the dialog with this Call-ID and tag of the caller's. */
void world_mark(const world_t *world, const char *call_id, const char *tag,
                char out[SRF__MARK_LEN + 1]);
/* A URI of the proxy's as it stands in a Path, and as a strict router leaves it
 * in the Request-URI; until the next call. */
const char *world_path_uri(const world_t *world);
/* CANCEL for world_call(), ACK for what it was answered with. */
void world_cancel(world_t *world);
void world_ack(world_t *world, const char *to_tag);
/* A party answers its first INVITE, and the answer arrives. */
void world_answer(world_t *world, party_t *party, const char *status);
void world_answer_with(world_t *world, party_t *party, const char *status,
                       const char *extra);

srf_stats_t world_stats(const world_t *world);
/* Fails unless the party's first message that begins with `start` has this
 * value in the first line with that name; NULL: has no such line. */
void world_expect(party_t *party, const char *start, const char *name,
                  const char *value);

#endif /* SRF_TEST_WORLD_H */
