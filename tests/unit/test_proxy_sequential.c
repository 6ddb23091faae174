/*
 * Sequential search on the wire: what callers and targets see, and what the
 * program is told. Clauses of the contract in the names.
 *
 * SPDX-License-Identifier: MIT
 */
#include "party.h"
#include "runner.h"

#include <stdio.h>

#define PROXY  "10.0.0.1:5060"
#define CALLER "10.0.0.9:5060"
#define ONE    "10.0.0.11:5060"
#define TWO    "10.0.0.12:5060"

/* What the program did and was told. */
typedef struct program {
    const char *uris[8];
    srf_proxy_options_t options;
    int started;   /* result of srf_proxy_request() */
    unsigned done; /* callbacks */
    int err;
    int connected;
    int final_status;
    int has_final;
    unsigned responses;
    int causes[8];
    unsigned msg_counts[8];
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

static void on_done(srf_req_t *req, int err, const srf_proxy_results_t *results)
{
    program_t *program = srf_data(srf_req_srf(req));

    ck_assert(!program->inside);
    program->done++;
    program->err = err;
    program->connected = results->connected;
    program->final_status = results->final_status;
    program->has_final = results->final_response != NULL;
    program->responses = (unsigned)results->response_count;
    for (unsigned i = 0; i < results->response_count && i < 8; i++) {
        program->causes[i] = results->responses[i].cause;
        program->msg_counts[i] = (unsigned)results->responses[i].msg_count;
    }
}

static void on_cancel(srf_req_t *req)
{
    program_t *program = srf_data(srf_req_srf(req));

    program->cancels++;
}

static void on_request(srf_req_t *req, srf_res_t *res)
{
    program_t *program = srf_data(srf_req_srf(req));

    program->handled++;
    srf_req_on_cancel(req, on_cancel);
    program->inside = 1;
    program->started =
        srf_proxy_request(req, program->uris, &program->options, on_done);
    program->inside = 0;
    if (program->started != 0)
        ck_assert_int_eq(srf_res_send(res, 500, NULL), 0);
}

static world_t *world_create(const char *first, const char *second)
{
    world_t *world = calloc(1, sizeof(*world));

    ck_assert_ptr_nonnull(world);
    world->net = memnet_create(7);
    world->srf = memnet_stack(world->net, PROXY, NULL);
    world->caller = party_create(world->net, CALLER);
    world->one = party_create(world->net, ONE);
    world->two = party_create(world->net, TWO);
    world->program.uris[0] = first;
    world->program.uris[1] = second;
    srf_proxy_options_init(&world->program.options);
    world->program.options.record_route = 1;
    srf_set_data(world->srf, &world->program);
    ck_assert_int_eq(srf_on(world->srf, NULL, on_request), 0);
    return world;
}

/* Ends the world and checks that nothing was left behind. */
static void world_destroy(world_t *world)
{
    srf_stats_t stats = {.size = sizeof(stats)};

    memnet_drain(world->net, 600000);
    ck_assert_int_eq(srf_stats(world->srf, &stats), 0);
    ck_assert_uint_eq(stats.server_transactions, 0);
    ck_assert_uint_eq(stats.client_transactions, 0);
    ck_assert_uint_eq(stats.proxies_pending, 0);
    srf_destroy(world->srf, NULL);
    memnet_run(world->net, 10);
    party_destroy(world->caller);
    party_destroy(world->one);
    party_destroy(world->two);
    memnet_destroy(world->net);
    free(world);
}

static void call(world_t *world)
{
    party_invite(world->caller, PROXY, "sip:100@10.0.0.1", "c1", "");
    memnet_run(world->net, 1);
}

START_TEST(a_call_goes_through_and_the_callback_comes_once)
{
    world_t *world = world_create("sip:10.0.0.11", NULL);

    call(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 100"), 1);
    ck_assert_uint_eq(party_received(world->one, "INVITE sip:10.0.0.11 "), 1);
    const char *invite = party_find(world->one, "INVITE", 0);
    ck_assert_str_eq(party_header(world->one, invite, "Max-Forwards", 0), "69");
    ck_assert_str_eq(party_header(world->one, invite, "Record-Route", 0),
                     "<sip:10.0.0.1:5060;lr>");
    ck_assert_ptr_nonnull(party_header(world->one, invite, "Via", 1));
    ck_assert_ptr_null(party_header(world->one, invite, "Via", 2));

    party_reply(world->one, 0, "180 Ringing", "");
    memnet_run(world->net, 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 180"), 1);
    ck_assert_uint_eq(world->program.done, 0);
    party_reply(world->one, 0, "200 OK", "Contact: <sip:bob@10.0.0.11>\n");
    memnet_run(world->net, 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.err, 0);
    ck_assert_int_eq(world->program.connected, 1);
    ck_assert_int_eq(world->program.final_status, 200);
    ck_assert_uint_eq(world->program.msg_counts[0], 2);
    ck_assert_int_eq(world->program.causes[0], SRF_CAUSE_RESPONSE);
    world_destroy(world);
}
END_TEST

START_TEST(the_next_target_is_tried_at_once_after_a_failure)
{
    world_t *world = world_create("sip:10.0.0.11", "sip:10.0.0.12");

    call(world);
    party_reply(world->one, 0, "503 Service Unavailable", "");
    memnet_run(world->net, 1);
    ck_assert_uint_eq(party_received(world->one, "ACK sip:10.0.0.11 "), 1);
    ck_assert_uint_eq(party_received(world->two, "INVITE sip:10.0.0.12 "), 1);
    party_reply(world->two, 0, "200 OK", "");
    memnet_run(world->net, 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 503"), 0);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_uint_eq(world->program.responses, 2);
    world_destroy(world);
}
END_TEST

START_TEST(a_lone_503_becomes_500_made_here)
{
    world_t *world = world_create("sip:10.0.0.11", NULL);

    call(world);
    party_reply(world->one, 0, "503 Service Unavailable", "");
    memnet_run(world->net, 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 500"), 1);
    ck_assert_int_eq(world->program.final_status, 500);
    ck_assert_int_eq(world->program.has_final, 0);
    world_destroy(world);
}
END_TEST

START_TEST(a_closed_port_is_passed_over_without_waiting)
{
    world_t *world = world_create("sip:10.0.0.13", "sip:10.0.0.12");

    memnet_close_port(world->net, "10.0.0.13:5060", _i == 1);
    call(world);
    memnet_run(world->net, 5);
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 1);
    party_reply(world->two, 0, "200 OK", "");
    memnet_run(world->net, 1);
    ck_assert_int_eq(world->program.causes[0], SRF_CAUSE_TRANSPORT);
    ck_assert_int_eq(world->program.connected, 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_silent_target_ends_with_timer_b_and_the_next_is_tried)
{
    world_t *world = world_create("sip:10.0.0.13", "sip:10.0.0.12");

    call(world);
    memnet_run(world->net, 31990);
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 0);
    memnet_run(world->net, 20);
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 1);
    party_reply(world->two, 0, "486 Busy Here", "");
    memnet_run(world->net, 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 486"), 1);
    ck_assert_int_eq(world->program.causes[0], SRF_CAUSE_TIMER_B);
    ck_assert_int_eq(world->program.final_status, 486);
    world_destroy(world);
}
END_TEST

START_TEST(a_name_cannot_be_resolved_yet_and_fails_at_once)
{
    world_t *world = world_create("sip.example1.com", NULL);

    call(world);
    ck_assert_int_eq(world->program.started, 0);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 500"), 1);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.err, SRF_ERR_NO_TARGET);
    ck_assert_int_eq(world->program.causes[0], SRF_CAUSE_DNS);
    world_destroy(world);
}
END_TEST

START_TEST(a_cancel_while_ringing_reaches_the_target_and_ends_with_487)
{
    world_t *world = world_create("sip:10.0.0.11", "sip:10.0.0.12");

    call(world);
    party_reply(world->one, 0, "180 Ringing", "");
    memnet_run(world->net, 1);
    party_follow(world->caller, PROXY, "CANCEL", "sip:100@10.0.0.1", "c1",
                 NULL);
    memnet_run(world->net, 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    ck_assert_uint_eq(party_received(world->one, "CANCEL sip:10.0.0.11 "), 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 0);
    ck_assert_uint_eq(world->program.cancels, 1);
    party_reply(world->one, party_index(world->one, "CANCEL", 0), "200 OK", "");
    party_reply(world->one, 0, "487 Request Terminated", "");
    memnet_run(world->net, 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 1);
    ck_assert_uint_eq(party_received(world->one, "ACK sip:10.0.0.11 "), 1);
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 0);
    party_follow(world->caller, PROXY, "ACK", "sip:100@10.0.0.1", "c1", "uas");
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.final_status, 487);
    world_destroy(world);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("proxy_sequential");
    TCase *tcase = tcase_create("calls");

    tcase_add_test(tcase, a_call_goes_through_and_the_callback_comes_once);
    tcase_add_test(tcase, the_next_target_is_tried_at_once_after_a_failure);
    tcase_add_test(tcase, a_lone_503_becomes_500_made_here);
    tcase_add_loop_test(tcase, a_closed_port_is_passed_over_without_waiting, 0,
                        2);
    tcase_add_test(tcase,
                   a_silent_target_ends_with_timer_b_and_the_next_is_tried);
    tcase_add_test(tcase, a_name_cannot_be_resolved_yet_and_fails_at_once);
    tcase_add_test(tcase,
                   a_cancel_while_ringing_reaches_the_target_and_ends_with_487);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(suite());
}
