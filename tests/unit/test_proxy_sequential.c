/*
 * Sequential search on the wire: what callers and targets see, and what the
 * program is told. Clauses of the contract in the names.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "world.h"

#include "core/receive.h"

START_TEST(a_call_goes_through_and_the_callback_comes_once)
{
    world_t *world = world_create("sip:10.0.0.11", NULL);

    world_call(world);
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

    world_call(world);
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

    world_call(world);
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
    world_call(world);
    memnet_run(world->net, 5);
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 1);
    party_reply(world->two, 0, "200 OK", "");
    memnet_run(world->net, 1);
    ck_assert_int_eq(world->program.causes[0], SRF_CAUSE_TRANSPORT);
    ck_assert_int_eq(world->program.connected, 1);
    world_destroy(world);
}
END_TEST

/* What is sent to the proxy is there at once, before any timer runs. */
static void arrive_at_once(void *arg, const srf__addr_t *from,
                           const srf__addr_t *to, const char *data, size_t len)
{
    srf_t *srf = arg;
    const srf__flow_t flow = {srf->element.transports.listeners, *from, 0};

    if (srf__addr_eq(to, &flow.listener->bound))
        srf__on_message(srf, &flow, data, len);
}

/* Both are there in one turn of the loop: whoever said that nobody is there has
 * been contradicted. */
START_TEST(a_response_contradicts_a_failure_to_send)
{
    world_t *world = world_create("sip:10.0.0.11", "sip:10.0.0.12");
    const srf__addr_t to = {.family = 4,
                            .transport = SRF__TRANSPORT_UDP,
                            .port = 5060,
                            .ip = {10, 0, 0, 11}};

    world_call(world);
    const char *invite = party_find(world->one, "INVITE", 0);
    srf__on_undelivered(world->srf, &to, invite, strlen(invite));
    memnet_set_tap(world->net, arrive_at_once, world->srf);
    party_reply(world->one, 0, "180 Ringing", "");
    memnet_set_tap(world->net, NULL, NULL);
    memnet_run(world->net, 1000);
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 0);
    world_answer(world, world->one, "200 OK");
    ck_assert_int_eq(world->program.connected, 1);
    ck_assert_int_eq(world->program.causes[0], SRF_CAUSE_RESPONSE);
    world_destroy(world);
}
END_TEST

START_TEST(a_silent_target_ends_with_timer_b_and_the_next_is_tried)
{
    world_t *world = world_create("sip:10.0.0.13", "sip:10.0.0.12");

    world_call(world);
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

    world_call(world);
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

    world_call(world);
    party_reply(world->one, 0, "180 Ringing", "");
    memnet_run(world->net, 1);
    party_follow(world->caller, WORLD_PROXY, "CANCEL", "sip:100@10.0.0.1", "c1",
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
    party_follow(world->caller, WORLD_PROXY, "ACK", "sip:100@10.0.0.1", "c1",
                 "uas");
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
    tcase_add_test(tcase, a_response_contradicts_a_failure_to_send);
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
