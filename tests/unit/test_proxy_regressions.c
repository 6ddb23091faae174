/*
 * What a review found broken once: leaks and limits that peers could get
 * around, and responses led astray.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/stack.h"
#include "runner.h"
#include "world.h"

/* ---- nothing may stay behind ---- */

START_TEST(a_target_that_rings_after_timer_c_and_falls_silent_is_forgotten)
{
    srf_options_t options;

    srf_options_init(&options);
    options.timer_c_ms = 1000;
    world_t *world = world_create_with(&options, "10.0.0.11", NULL);
    world_call(world);
    memnet_run(world->net, 1500);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.final_status, 408);
    world_ack(world, "x");
    world_answer(world, world->one, "180 Ringing");
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 1);
    memnet_run(world->net, 31500); /* 64*T1 behind the CANCEL, §9.1 */
    ck_assert_uint_eq(world_stats(world).client_transactions, 1);
    memnet_run(world->net, 1000);
    ck_assert_uint_eq(world_stats(world).client_transactions, 0);
    world_destroy(world);
}
END_TEST

START_TEST(a_final_response_ends_what_is_left_of_timer_c)
{
    srf_options_t options;

    srf_options_init(&options);
    options.timer_c_ms = 1000;
    world_t *world = world_create_with(&options, "10.0.0.11", NULL);
    world_call(world);
    memnet_run(world->net, 1500);
    world_ack(world, "x");
    world_answer(world, world->one, "180 Ringing");
    memnet_run(world->net, 20000);
    world_answer(world, world->one, "487 Request Terminated");
    ck_assert_uint_eq(party_received(world->one, "ACK"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(the_map_is_emptied_in_one_pass)
{
    enum { COUNT = 100000 };
    srf__map_t map = {.count = 0};
    srf__map_node_t *nodes = calloc(COUNT, sizeof(*nodes));
    srf__map_node_t *node;
    unsigned left = COUNT;

    ck_assert_ptr_nonnull(nodes);
    for (uint64_t i = 0; i < COUNT; i++) {
        nodes[i].key.h[0] = i * 0x9e3779b97f4a7c15u;
        ck_assert_int_eq(srf__map_add(&map, &nodes[i]), 0);
    }
    while ((node = srf__map_any(&map)) != NULL) {
        srf__map_remove(&map, node);
        left--;
    }
    ck_assert_uint_eq(left, 0);
    ck_assert_int_eq(srf__map_add(&map, &nodes[7]), 0);
    ck_assert_ptr_eq(srf__map_any(&map), &nodes[7]);
    srf__map_remove(&map, &nodes[7]);
    srf__map_deinit(&map);
    free(nodes);
}
END_TEST

/* ---- limits hold for what is refused too ---- */

static world_t *small_world(void)
{
    srf_options_t options;

    srf_options_init(&options);
    options.max_transactions = 2;
    return world_create_with(&options, "10.0.0.11", NULL);
}

START_TEST(broken_requests_do_not_get_around_max_transactions)
{
    world_t *world = small_world();

    for (unsigned i = 0; i < 20; i++) {
        party_send(world->caller, WORLD_PROXY,
                   "INVITE " WORLD_URI " SIP/2.0\n"
                   "Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK%u\n"
                   "From: <sip:ann@example.com>;tag=1\n",
                   i);
        world_settle(world);
    }
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 400"), 20);
    ck_assert_uint_eq(world_stats(world).server_transactions, 0);
    world_destroy(world);
}
END_TEST

START_TEST(stray_cancels_do_not_get_around_max_transactions)
{
    world_t *world = small_world();

    for (unsigned i = 0; i < 20; i++) {
        party_send(world->caller, WORLD_PROXY,
                   "CANCEL " WORLD_URI " SIP/2.0\n"
                   "Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK%u\n"
                   "From: <sip:ann@example.com>;tag=1\n"
                   "To: <sip:bob@example.com>\n"
                   "Call-ID: %u\n"
                   "CSeq: 1 CANCEL\n",
                   i, i);
        world_settle(world);
    }
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 481"), 20);
    ck_assert_uint_eq(world_stats(world).server_transactions, 0);
    world_destroy(world);
}
END_TEST

START_TEST(a_call_can_be_cancelled_when_the_limit_is_reached)
{
    world_t *world = small_world();

    world_call(world); /* one of each kind */
    world_answer(world, world->one, "180 Ringing");
    world_cancel(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 1);
    world_answer(world, world->one, "487 Request Terminated");
    world_ack(world, "uas");
    world_destroy(world);
}
END_TEST

/* ---- repeated 2xx ---- */

START_TEST(a_forged_received_does_not_lead_a_repeated_2xx_astray)
{
    world_t *world = world_create("10.0.0.11", NULL);

    party_send(world->caller, WORLD_PROXY,
               "INVITE " WORLD_URI " SIP/2.0\n"
               "Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKq;received=10.0.0.12\n"
               "Max-Forwards: 70\n"
               "From: <sip:ann@example.com>;tag=1\n"
               "To: <sip:bob@example.com>\n"
               "Call-ID: c1\n"
               "CSeq: 1 INVITE\n");
    world_settle(world);
    for (unsigned i = 0; i < 5; i++)
        world_answer(world, world->one, "200 OK");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 5);
    ck_assert_uint_eq(world->two->count, 0);
    world_destroy(world);
}
END_TEST

/* Where the last 2xx to the caller came from. */
static void note_2xx(void *arg, const srf__addr_t *from, const srf__addr_t *to,
                     const char *data, size_t len)
{
    if (len > 11 && memcmp(data, "SIP/2.0 200", 11) == 0 && to->ip[3] == 9)
        (void)srf__addr_text(from, arg);
}

START_TEST(a_repeated_2xx_leaves_from_where_the_invite_came_to)
{
    world_t *world = world_create("10.0.0.11", NULL);
    char from[SRF__ADDR_TEXT] = "";

    memnet_listen(world->net, world->srf, "10.0.1.1:5060");
    memnet_set_tap(world->net, note_2xx, from);
    party_invite(world->caller, "10.0.1.1:5060", "sip:100@10.0.1.1", "c1", "");
    world_settle(world);
    for (unsigned i = 0; i < 3; i++) {
        from[0] = '\0';
        world_answer(world, world->one, "200 OK");
        ck_assert_str_eq(from, "10.0.1.1:5060"); /* RFC 3581 §4 */
    }
    memnet_set_tap(world->net, NULL, NULL);
    world_destroy(world);
}
END_TEST

START_TEST(a_server_that_goes_after_its_100_is_left_for_the_next)
{
    world_t *world = world_create("10.0.0.11", "10.0.0.12");

    world_request(world, "MESSAGE", WORLD_URI, "m", "");
    party_reply(world->one, 0, "100 Trying", "");
    world_settle(world);
    memnet_close_port(world->net, WORLD_ONE, false);
    memnet_run(world->net, 4100); /* Timer E has reached T2 */
    ck_assert_uint_eq(party_received(world->two, "MESSAGE"), 1);
    party_reply(world->two, 0, "200 OK", "");
    world_settle(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    ck_assert_int_eq(world->program.causes[0], SRF_CAUSE_TRANSPORT);
    world_destroy(world);
}
END_TEST

START_TEST(an_undelivered_request_is_known_by_our_via_wherever_it_stands)
{
    world_t *world = world_create("10.0.0.13", "10.0.0.12");

    memnet_close_port(world->net, "10.0.0.13:5060", false);
    party_send(world->caller, "10.0.0.1:5060",
               "INVITE sip:100@10.0.0.1 SIP/2.0\n"
               "From: <sip:ann@example.com>;tag=a;branch=z9hG4bKnot-the-one-"
               "that-was-meant-here\n"
               "To: <sip:bob@example.com>\n"
               "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-u1\n"
               "Max-Forwards: 70\n"
               "Call-ID: u1\n"
               "CSeq: 1 INVITE\n");
    memnet_run(world->net, 5);
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 1);
    world_answer(world, world->two, "486 Busy Here");
    ck_assert_int_eq(world->program.causes[0], SRF_CAUSE_TRANSPORT);
    world_destroy(world);
}
END_TEST

/* ---- what random programs found ---- */

START_TEST(a_2xx_behind_a_failure_of_the_same_target_goes_up)
{
    world_t *world = world_create("10.0.0.11", "10.0.0.12");

    world_call(world);
    world_answer(world, world->one, "486 Busy Here");
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 1);
    /* A proxy behind us was crossed by it; §16.7 step 5. */
    world_answer(world, world->one, "200 OK");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    ck_assert_uint_eq(party_received(world->one, "ACK"), 1); /* for the 486 */
    world_answer(world, world->two, "486 Busy Here");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 486"), 0);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.connected, 1);
    ck_assert_int_eq(world->program.final_status, 200);
    ck_assert_uint_eq(world->program.msg_counts[0], 2);
    world_destroy(world);
}
END_TEST

START_TEST(what_is_not_answered_is_not_proxied_again_when_repeated)
{
    world_t *world = world_create("10.0.0.11", NULL);

    world_request(world, "MESSAGE", WORLD_URI, "m1", "");
    party_reply(world->one, 0, "408 Request Timeout", "");
    world_settle(world);
    ck_assert_uint_eq(world->program.done, 1); /* RFC 4320 §4.2 */
    for (unsigned i = 0; i < 8; i++) {
        world_request(world, "MESSAGE", WORLD_URI, "m1", "");
        memnet_run(world->net, 3900);
    }
    ck_assert_uint_eq(world->program.handled, 1);
    ck_assert_uint_eq(party_received(world->one, "MESSAGE"), 1);
    ck_assert_uint_eq(world->caller->count, 0);
    ck_assert_uint_eq(world_stats(world).server_transactions, 1);
    memnet_run(world->net, 1000); /* 64*T1 */
    ck_assert_uint_eq(world_stats(world).server_transactions, 0);
    world_destroy(world);
}
END_TEST

static srf_t *ended_by_first;

static void end_stack(srf_req_t *req, int err,
                      const srf_proxy_results_t *results)
{
    (void)req;
    if (ended_by_first != NULL) {
        srf_destroy(ended_by_first, NULL);
        ended_by_first = NULL;
        return;
    }
    /* What was not sent is not reported as sent. */
    ck_assert_int_eq(err, SRF_ERR_CANCELED);
    ck_assert_int_eq(results->final_status, 0);
    ck_assert_ptr_null(results->final_response);
}

START_TEST(what_is_due_behind_srf_destroy_claims_no_answer)
{
    world_t *world = world_create("10.0.0.13", NULL);

    ended_by_first = world->srf;
    world->program.look = end_stack;
    for (unsigned i = 0; i < 2; i++) /* Timer B of both in one millisecond */
        party_invite(world->caller, WORLD_PROXY, WORLD_URI,
                     i == 0 ? "c1" : "c2", "");
    memnet_run(world->net, 40000);
    ck_assert_uint_eq(world->program.done, 2);
    world_destroy_rest(world);
}
END_TEST

START_TEST(abandoned_targets_leave_room_for_redirects)
{
    world_t *world = world_create("10.0.0.13", "10.0.0.11");

    world->program.options.provisional_timeout_ms = 1000;
    world->program.options.follow_redirects = 1;
    world_call(world);
    memnet_run(world->net, 1000);
    world_answer_with(world, world->one, "302 Moved Temporarily",
                      "Contact: <sip:a@10.0.0.13>, <sip:b@10.0.0.12>\n");
    memnet_run(world->net, 1000);
    ck_assert_uint_eq(party_received(world->two, "INVITE sip:b@"), 1);
    world_answer(world, world->two, "200 OK");
    ck_assert_int_eq(world->program.connected, 1);
    world_destroy(world);
}
END_TEST

static void add_random(Suite *suite)
{
    TCase *tcase = tcase_create("random");

    tcase_add_test(tcase, a_2xx_behind_a_failure_of_the_same_target_goes_up);
    tcase_add_test(tcase,
                   what_is_not_answered_is_not_proxied_again_when_repeated);
    tcase_add_test(tcase, what_is_due_behind_srf_destroy_claims_no_answer);
    tcase_add_test(tcase, abandoned_targets_leave_room_for_redirects);
    suite_add_tcase(suite, tcase);
}

int main(void)
{
    Suite *suite = suite_create("proxy regressions");
    TCase *tcase = tcase_create("regressions");

    tcase_add_test(
        tcase, a_target_that_rings_after_timer_c_and_falls_silent_is_forgotten);
    tcase_add_test(tcase, a_final_response_ends_what_is_left_of_timer_c);
    tcase_add_test(tcase, the_map_is_emptied_in_one_pass);
    tcase_add_test(tcase, broken_requests_do_not_get_around_max_transactions);
    tcase_add_test(tcase, stray_cancels_do_not_get_around_max_transactions);
    tcase_add_test(tcase, a_call_can_be_cancelled_when_the_limit_is_reached);
    tcase_add_test(tcase,
                   a_forged_received_does_not_lead_a_repeated_2xx_astray);
    tcase_add_test(tcase,
                   a_server_that_goes_after_its_100_is_left_for_the_next);
    tcase_add_test(
        tcase, an_undelivered_request_is_known_by_our_via_wherever_it_stands);
    tcase_add_test(tcase, a_repeated_2xx_leaves_from_where_the_invite_came_to);
    suite_add_tcase(suite, tcase);
    add_random(suite);
    return run_suite(suite);
}
