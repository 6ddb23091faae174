/*
 * Dialogs that recorded us in their route: requests that cross, early dialogs,
 * subscriptions, glare, routers of both kinds, and ways that end nowhere.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "world.h"

#include <string.h>

#define OUR_ROUTE "Route: <sip:10.0.0.1:5060;lr;srf=MARK>\n"
#define ANN       "sip:ann@10.0.0.9"
#define BOB       "sip:bob@10.0.0.11"

/* A call that was answered; both inboxes are empty. */
static world_t *answered_world(void)
{
    world_t *world = world_create("10.0.0.11", NULL);

    world_call(world);
    world_answer(world, world->one, "200 OK");
    world_in_dialog(world, world->caller, "ACK", BOB, "ack", OUR_ROUTE);
    ck_assert_uint_eq(party_received(world->one, "ACK"), 1);
    party_clear(world->one);
    party_clear(world->caller);
    return world;
}

static void answer(world_t *world, party_t *party, const char *method,
                   const char *status)
{
    party_reply(party, party_index(party, method, 0), status, "");
    world_settle(world);
}

START_TEST(byes_that_cross_both_arrive)
{
    world_t *world = answered_world();

    world_in_dialog(world, world->caller, "BYE", BOB, "b1", OUR_ROUTE);
    world_in_dialog(world, world->one, "BYE", ANN, "b2", OUR_ROUTE);
    answer(world, world->one, "BYE", "200 OK");
    answer(world, world->caller, "BYE", "200 OK");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    ck_assert_uint_eq(party_received(world->one, "SIP/2.0 200"), 1);
    ck_assert_uint_eq(world->program.handled, 1);
    world_destroy(world);
}
END_TEST

START_TEST(re_invites_that_cross_are_refused_by_the_ends)
{
    world_t *world = answered_world();

    world_in_dialog(world, world->caller, "INVITE", BOB, "r1", OUR_ROUTE);
    world_in_dialog(world, world->one, "INVITE", ANN, "r2", OUR_ROUTE);
    answer(world, world->one, "INVITE", "491 Request Pending");
    answer(world, world->caller, "INVITE", "491 Request Pending");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 491"), 1);
    ck_assert_uint_eq(party_received(world->one, "SIP/2.0 491"), 1);
    ck_assert_uint_eq(party_received(world->one, "ACK"), 1);
    ck_assert_uint_eq(party_received(world->caller, "ACK"), 1);
    world_in_dialog(world, world->caller, "ACK", BOB, "r1", OUR_ROUTE);
    world_in_dialog(world, world->one, "ACK", ANN, "r2", OUR_ROUTE);
    /* They were for our own transactions. */
    ck_assert_uint_eq(party_received(world->one, "ACK"), 1);
    ck_assert_uint_eq(party_received(world->caller, "ACK"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(the_callee_may_change_the_session)
{
    world_t *world = answered_world();

    world_in_dialog(world, world->one, "INVITE", ANN, "r", OUR_ROUTE);
    ck_assert_uint_eq(party_received(world->one, "SIP/2.0 100"), 1);
    answer(world, world->caller, "INVITE", "200 OK");
    ck_assert_uint_eq(party_received(world->one, "SIP/2.0 200"), 1);
    world_in_dialog(world, world->one, "ACK", ANN, "r-ack", OUR_ROUTE);
    ck_assert_uint_eq(party_received(world->caller, "ACK sip:ann@10.0.0.9 "),
                      1);
    ck_assert_uint_eq(world->program.handled, 1);
    world_destroy(world);
}
END_TEST

/* §16.6 step 4: for an end that has lost the dialog and takes it up again. */
START_TEST(what_refreshes_a_dialog_records_us_again)
{
    static const struct {
        const char *method;
        const char *value;
    } cases[] = {
        {"INVITE", "<sip:10.0.0.1:5060;lr>"},
        {"UPDATE", "<sip:10.0.0.1:5060;lr>"},
        {"SUBSCRIBE", "<sip:10.0.0.1:5060;lr>"},
        {"BYE", NULL},
        {"INFO", NULL},
        {"PRACK", NULL},
    };
    world_t *world = answered_world();

    world_in_dialog(world, world->caller, cases[_i].method, BOB, "r",
                    OUR_ROUTE);
    world_expect(world->one, cases[_i].method, "Record-Route", cases[_i].value);
    answer(world, world->one, cases[_i].method, "481 Gone");
    if (_i == 0)
        world_in_dialog(world, world->caller, "ACK", BOB, "r", OUR_ROUTE);
    world_destroy(world);
}
END_TEST

START_TEST(a_prack_follows_the_recorded_route_while_it_rings)
{
    world_t *world = world_create("10.0.0.11", NULL);

    world_call(world);
    world_answer_with(world, world->one, "183 Session Progress",
                      "Require: 100rel\nRSeq: 7\n");
    world_expect(world->caller, "SIP/2.0 183", "RSeq", "7");
    world_in_dialog(world, world->caller, "PRACK", BOB, "p",
                    OUR_ROUTE "RAck: 7 1 INVITE\n");
    world_expect(world->one, "PRACK", "RAck", "7 1 INVITE");
    answer(world, world->one, "PRACK", "200 OK");
    world_answer(world, world->one, "200 OK");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 2);
    ck_assert_uint_eq(world->program.handled, 1);
    world_destroy(world);
}
END_TEST

START_TEST(without_a_recorded_route_a_prack_is_the_programs)
{
    world_t *world = world_create("10.0.0.11", NULL);

    world->program.options.record_route = 0;
    world_call(world);
    world_answer_with(world, world->one, "183 Session Progress",
                      "Require: 100rel\nRSeq: 7\n");
    world_in_dialog(world, world->caller, "PRACK", BOB, "p",
                    "RAck: 7 1 INVITE\n");
    ck_assert_uint_eq(world->program.handled, 2);
    answer(world, world->one, "PRACK", "200 OK");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_subscription_is_refreshed_and_notified)
{
    world_t *world = world_create("10.0.0.11", NULL);

    world_request(world, "SUBSCRIBE", WORLD_URI, "s", "Event: presence\n");
    world_expect(world->one, "SUBSCRIBE", "Record-Route",
                 "<sip:10.0.0.1:5060;lr>");
    answer(world, world->one, "SUBSCRIBE", "200 OK");
    world_in_dialog(world, world->one, "NOTIFY", ANN, "n",
                    OUR_ROUTE "Event: presence\n");
    answer(world, world->caller, "NOTIFY", "200 OK");
    party_clear(world->one);
    world_in_dialog(world, world->caller, "SUBSCRIBE", BOB, "s2",
                    OUR_ROUTE "Event: presence\nExpires: 0\n");
    answer(world, world->one, "SUBSCRIBE", "200 OK");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 2);
    ck_assert_uint_eq(world->program.handled, 1);
    world_destroy(world);
}
END_TEST

/* The route set of a dialog that passed us on the way in and on the way back:
 * both values are ours and go at once (§16.4, RFC 5658). */
START_TEST(two_routes_of_ours_are_taken_off_together)
{
    world_t *world = answered_world();

    world_in_dialog(world, world->caller, "BYE", BOB, "b", OUR_ROUTE OUR_ROUTE);
    ck_assert_uint_eq(party_received(world->one, "BYE sip:bob@10.0.0.11 "), 1);
    world_expect(world->one, "BYE", "Route", NULL);
    world_expect(world->one, "BYE", "Max-Forwards", "69");
    answer(world, world->one, "BYE", "200 OK");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    world_destroy(world);
}
END_TEST

/* A path that leads through us several times. */
START_TEST(all_routes_of_ours_on_top_are_taken_off)
{
    static const char *const routes[] = {
        OUR_ROUTE OUR_ROUTE OUR_ROUTE,
        OUR_ROUTE OUR_ROUTE OUR_ROUTE OUR_ROUTE,
    };
    world_t *world = answered_world();

    world_in_dialog(world, world->caller, "BYE", BOB, "b", routes[_i]);
    ck_assert_uint_eq(party_received(world->one, "BYE"), 1);
    world_expect(world->one, "BYE", "Route", NULL);
    world_expect(world->one, "BYE", "Max-Forwards", "69");
    answer(world, world->one, "BYE", "200 OK");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    world_destroy(world);
}
END_TEST

/* ---- two sides ---- */

#define BOTH_ROUTES                         \
 "Route: <sip:10.0.0.1:5060;lr;srf=MARK>, " \
 "<sip:10.2.0.1:5060;lr;srf=MARK>\n"

static char left_by[SRF__ADDR_TEXT];
static const char *watched;

static void watch(void *arg, const srf__addr_t *from, const srf__addr_t *to,
                  const char *data, size_t len)
{
    char text[SRF__ADDR_TEXT];
    srf__str_t at = srf__addr_text(from, text);

    (void)arg;
    (void)to;
    if (len < strlen(watched) || memcmp(data, watched, strlen(watched)) != 0 ||
        strncmp(text, "10.0.0.9:", 9) == 0)
        return;
    memcpy(left_by, at.p, at.len);
    left_by[at.len] = '\0';
}

/* RFC 5658 §4: it leaves by the side of us where the peer is, whatever it came
 * by and wherever else requests leave. */
START_TEST(what_is_in_a_dialog_leaves_by_its_last_route_of_ours)
{
    static const char *const methods[] = {"BYE", "INVITE", "UPDATE", "INFO",
                                          "ACK"};
    world_t *world = world_create("10.0.0.11", NULL);

    memnet_listen(world->net, world->srf, "10.3.0.1:5060");
    memnet_listen(world->net, world->srf, "10.2.0.1:5060");
    world->program.options.outbound = "sip:10.3.0.1:5060;transport=udp";
    world_call(world);
    world_answer(world, world->one, "200 OK");
    party_clear(world->one);
    watched = methods[_i];
    memnet_set_tap(world->net, watch, NULL);
    world_in_dialog(world, world->caller, watched, BOB, "x", BOTH_ROUTES);
    ck_assert_uint_eq(party_received(world->one, watched), 1);
    world_expect(world->one, watched, "Route", NULL);
    const char *request = party_find(world->one, watched, 0);
    const char *via = party_header(world->one, request, "Via", 0);
    ck_assert_int_eq(strncmp(via, "SIP/2.0/UDP 10.2.0.1:5060;", 26), 0);
    ck_assert_str_eq(left_by, "10.2.0.1:5060");
    if (strcmp(watched, "INVITE") == 0 || strcmp(watched, "UPDATE") == 0) {
        ck_assert_str_eq(party_header(world->one, request, "Record-Route", 0),
                         "<sip:10.2.0.1:5060;lr>");
        ck_assert_str_eq(party_header(world->one, request, "Record-Route", 1),
                         "<sip:10.0.0.1:5060;lr>");
    }
    if (strcmp(watched, "ACK") != 0)
        answer(world, world->one, watched, "200 OK");
    memnet_set_tap(world->net, NULL, NULL);
    world_destroy(world);
}
END_TEST

/* A client that is told to send all to us puts us into Route, by the name of
 * the side where it is: that says nothing about where its calls leave. */
START_TEST(a_route_of_ours_without_a_mark_leaves_outbound_alone)
{
    world_t *world = world_create("10.0.0.11", NULL);

    memnet_listen(world->net, world->srf, "10.3.0.1:5060");
    world->program.options.outbound = "sip:10.3.0.1:5060;transport=udp";
    world_request(world, "MESSAGE", "sip:bob@10.0.0.11", "m",
                  "Route: <sip:10.0.0.1:5060;lr>\n");
    const char *request = party_find(world->one, "MESSAGE", 0);
    ck_assert_ptr_nonnull(request);
    const char *via = party_header(world->one, request, "Via", 0);
    ck_assert_int_eq(strncmp(via, "SIP/2.0/UDP 10.3.0.1:5060;", 26), 0);
    answer(world, world->one, "MESSAGE", "200 OK");
    world_destroy(world);
}
END_TEST

START_TEST(a_strict_router_behind_us_gets_what_it_expects)
{
    world_t *world = answered_world();

    world_in_dialog(world, world->caller, "BYE", BOB, "b",
                    OUR_ROUTE "Route: <sip:10.0.0.12>\n");
    ck_assert_uint_eq(party_received(world->two, "BYE sip:10.0.0.12 "), 1);
    world_expect(world->two, "BYE", "Route", "<sip:bob@10.0.0.11>");
    answer(world, world->two, "BYE", "200 OK");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_strict_router_before_us_is_undone_inside_a_dialog)
{
    world_t *world = answered_world();

    /* It put our Record-Route value into the Request-URI. */
    world_in_dialog(world, world->caller, "BYE",
                    "sip:10.0.0.1:5060;lr;srf=MARK", "b",
                    "Route: <sip:bob@10.0.0.11>\n");
    ck_assert_uint_eq(party_received(world->one, "BYE sip:bob@10.0.0.11 "), 1);
    world_expect(world->one, "BYE", "Route", NULL);
    answer(world, world->one, "BYE", "200 OK");
    ck_assert_uint_eq(world->program.handled, 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_bye_to_a_closed_port_gets_an_answer_at_once)
{
    world_t *world = answered_world();

    memnet_close_port(world->net, WORLD_ONE, _i == 1);
    world_in_dialog(world, world->caller, "BYE", BOB, "b", OUR_ROUTE);
    memnet_run(world->net, 5);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 500"), 1);
    ck_assert_uint_eq(world->program.done, 1); /* of the INVITE */
    world_destroy(world);
}
END_TEST

START_TEST(a_re_invite_nobody_answers_gets_408)
{
    world_t *world = answered_world();

    world_in_dialog(world, world->caller, "INVITE", BOB, "r", OUR_ROUTE);
    memnet_run(world->net, 32100);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 408"), 1);
    world_in_dialog(world, world->caller, "ACK", BOB, "r", OUR_ROUTE);
    world_destroy(world);
}
END_TEST

START_TEST(a_re_invite_that_crosses_a_bye_ends_with_what_the_end_says)
{
    world_t *world = answered_world();

    world_in_dialog(world, world->caller, "INVITE", BOB, "r", OUR_ROUTE);
    world_in_dialog(world, world->one, "BYE", ANN, "b", OUR_ROUTE);
    answer(world, world->caller, "BYE", "200 OK");
    answer(world, world->one, "INVITE", "481 Call Does Not Exist");
    ck_assert_uint_eq(party_received(world->one, "SIP/2.0 200"), 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 481"), 1);
    world_in_dialog(world, world->caller, "ACK", BOB, "r", OUR_ROUTE);
    world_destroy(world);
}
END_TEST

START_TEST(destroy_with_requests_of_a_dialog_under_way_leaves_nothing)
{
    world_t *world = answered_world();

    world_in_dialog(world, world->caller, "INVITE", BOB, "r", OUR_ROUTE);
    world_in_dialog(world, world->one, "INFO", ANN, "i", OUR_ROUTE);
    srf_destroy(world->srf, NULL);
    memnet_run(world->net, 10);
    ck_assert_uint_eq(world->program.done, 1);
    world_destroy_rest(world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proxy_dialog");
    TCase *tcase = tcase_create("dialog");

    tcase_add_test(tcase, byes_that_cross_both_arrive);
    tcase_add_test(tcase, re_invites_that_cross_are_refused_by_the_ends);
    tcase_add_test(tcase, the_callee_may_change_the_session);
    tcase_add_loop_test(tcase, what_refreshes_a_dialog_records_us_again, 0, 6);
    tcase_add_test(tcase, a_prack_follows_the_recorded_route_while_it_rings);
    tcase_add_test(tcase, without_a_recorded_route_a_prack_is_the_programs);
    tcase_add_test(tcase, a_subscription_is_refreshed_and_notified);
    tcase_add_test(tcase, two_routes_of_ours_are_taken_off_together);
    tcase_add_loop_test(tcase, all_routes_of_ours_on_top_are_taken_off, 0, 2);
    tcase_add_loop_test(
        tcase, what_is_in_a_dialog_leaves_by_its_last_route_of_ours, 0, 5);
    tcase_add_test(tcase, a_route_of_ours_without_a_mark_leaves_outbound_alone);
    tcase_add_test(tcase, a_strict_router_behind_us_gets_what_it_expects);
    tcase_add_test(tcase, a_strict_router_before_us_is_undone_inside_a_dialog);
    tcase_add_loop_test(tcase, a_bye_to_a_closed_port_gets_an_answer_at_once, 0,
                        2);
    tcase_add_test(tcase, a_re_invite_nobody_answers_gets_408);
    tcase_add_test(tcase,
                   a_re_invite_that_crosses_a_bye_ends_with_what_the_end_says);
    tcase_add_test(tcase,
                   destroy_with_requests_of_a_dialog_under_way_leaves_nothing);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
