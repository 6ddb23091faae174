/*
 * The chain of middleware and handlers: its order, handing on at once and
 * later, errors, and what happens when nobody is left.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "world.h"

#include <string.h>

/* The order of calls, as letters. */
static char calls[64];
static srf_req_t *kept;
static int next_result;

static void note(const char *letter)
{
    ck_assert_uint_lt(strlen(calls), sizeof(calls) - 1);
    strcat(calls, letter);
}

static void pass_a(srf_req_t *req, srf_res_t *res)
{
    (void)res;
    note("a");
    ck_assert_int_eq(srf_next(req, 0), 0);
    note("."); /* the next one is not called from inside srf_next() */
}

static void pass_b(srf_req_t *req, srf_res_t *res)
{
    (void)res;
    note("b");
    ck_assert_int_eq(srf_next(req, 0), 0);
}

static void answer(srf_req_t *req, srf_res_t *res)
{
    (void)req;
    note("h");
    ck_assert_int_eq(srf_res_send(res, 200, NULL), 0);
}

static void answer_other(srf_req_t *req, srf_res_t *res)
{
    (void)req;
    note("o");
    ck_assert_int_eq(srf_res_send(res, 202, NULL), 0);
}

static void deny(srf_req_t *req, srf_res_t *res)
{
    note("d");
    ck_assert_int_eq(srf_res_send(res, 403, NULL), 0);
    next_result = srf_next(req, 0);
}

static void raise_error(srf_req_t *req, srf_res_t *res)
{
    (void)res;
    note("f");
    ck_assert_int_eq(srf_next(req, SRF_ERR_NO_MEMORY), 0);
    next_result = srf_next(req, 0);
}

static void keep(srf_req_t *req, srf_res_t *res)
{
    (void)res;
    note("k");
    kept = srf_req_ref(req);
}

static void forget(srf_req_t *req, srf_res_t *res)
{
    (void)req;
    (void)res;
    note("n");
}

static world_t *chain_world(void)
{
    world_t *world = world_create("10.0.0.11", NULL);

    calls[0] = '\0';
    kept = NULL;
    next_result = 0;
    ck_assert_int_eq(srf_on(world->srf, NULL, NULL), 0);
    return world;
}

static void message(world_t *world)
{
    world_request(world, "MESSAGE", WORLD_URI, "m", "");
}

START_TEST(links_are_called_in_order_of_registration)
{
    world_t *world = chain_world();

    ck_assert_int_eq(srf_use(world->srf, NULL, pass_a), 0);
    ck_assert_int_eq(srf_use(world->srf, "MESSAGE", pass_b), 0);
    ck_assert_int_eq(srf_message(world->srf, answer), 0);
    message(world);
    ck_assert_str_eq(calls, "a.bh");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(middleware_of_another_method_is_passed_over)
{
    world_t *world = chain_world();

    ck_assert_int_eq(srf_use(world->srf, "INVITE", pass_a), 0);
    ck_assert_int_eq(srf_message(world->srf, answer), 0);
    message(world);
    ck_assert_str_eq(calls, "h");
    world_destroy(world);
}
END_TEST

START_TEST(middleware_may_be_for_a_method_of_its_own)
{
    world_t *world = chain_world();

    ck_assert_int_eq(srf_use(world->srf, "FROB", pass_a), 0);
    ck_assert_int_eq(srf_on(world->srf, NULL, answer), 0);
    world_request(world, "FROB", WORLD_URI, "f", "");
    world_request(world, "FROBNICATE", WORLD_URI, "g", "");
    ck_assert_str_eq(calls, "a.hh");
    world_destroy(world);
}
END_TEST

START_TEST(what_is_registered_behind_a_handler_sees_what_it_hands_on)
{
    world_t *world = chain_world();

    ck_assert_int_eq(srf_message(world->srf, _i == 0 ? answer : pass_b), 0);
    ck_assert_int_eq(srf_use(world->srf, NULL, answer_other), 0);
    message(world);
    ck_assert_str_eq(calls, _i == 0 ? "h" : "bo");
    world_destroy(world);
}
END_TEST

START_TEST(a_replaced_handler_keeps_its_place)
{
    world_t *world = chain_world();

    ck_assert_int_eq(srf_message(world->srf, answer), 0);
    ck_assert_int_eq(srf_use(world->srf, NULL, answer_other), 0);
    ck_assert_int_eq(srf_message(world->srf, pass_b), 0);
    message(world);
    ck_assert_str_eq(calls, "bo");
    world_destroy(world);
}
END_TEST

START_TEST(the_wildcard_is_for_methods_without_a_handler)
{
    world_t *world = chain_world();

    ck_assert_int_eq(srf_on(world->srf, NULL, answer_other), 0);
    ck_assert_int_eq(srf_message(world->srf, answer), 0);
    message(world);
    world_request(world, "INFO", WORLD_URI, "i", "");
    ck_assert_str_eq(calls, "ho");
    world_destroy(world);
}
END_TEST

START_TEST(middleware_may_answer_and_end_the_chain)
{
    world_t *world = chain_world();

    ck_assert_int_eq(srf_use(world->srf, NULL, deny), 0);
    ck_assert_int_eq(srf_message(world->srf, answer), 0);
    message(world);
    ck_assert_str_eq(calls, "d");
    ck_assert_int_eq(next_result, SRF_ERR_ALREADY_FINAL);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 403"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(an_error_ends_the_chain_with_500)
{
    world_t *world = chain_world();

    ck_assert_int_eq(srf_use(world->srf, NULL, raise_error), 0);
    ck_assert_int_eq(srf_message(world->srf, answer), 0);
    message(world);
    ck_assert_str_eq(calls, "f");
    ck_assert_int_eq(next_result, SRF_ERR_ALREADY_FINAL);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 500"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(when_nobody_is_left_the_method_is_refused)
{
    static const char *const methods[] = {"MESSAGE", "FROB", "OPTIONS"};
    static const char *const answers[] = {"SIP/2.0 405", "SIP/2.0 501",
                                          "SIP/2.0 200"};
    world_t *world = chain_world();

    ck_assert_int_eq(srf_use(world->srf, NULL, pass_a), 0);
    ck_assert_int_eq(srf_invite(world->srf, answer), 0);
    world_request(world, methods[_i], "sip:10.0.0.1", "m", "");
    ck_assert_str_eq(calls, "a.");
    ck_assert_uint_eq(party_received(world->caller, answers[_i]), 1);
    world_expect(world->caller, answers[_i], "Allow",
                 "INVITE, ACK, CANCEL, OPTIONS");
    world_destroy(world);
}
END_TEST

/* Its method is allowed, so that 405 would say what is not so. */
START_TEST(what_its_handlers_hand_on_is_not_found)
{
    world_t *world = chain_world();

    ck_assert_int_eq(srf_use(world->srf, NULL, pass_a), 0);
    ck_assert_int_eq(srf_on(world->srf, _i == 0 ? "MESSAGE" : NULL, pass_b), 0);
    message(world);
    ck_assert_str_eq(calls, "a.b");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 404 Not Found"),
                      1);
    world_expect(world->caller, "SIP/2.0 404", "Allow", NULL);
    world_destroy(world);
}
END_TEST

START_TEST(one_that_does_nothing_has_let_go)
{
    world_t *world = chain_world();

    ck_assert_int_eq(srf_use(world->srf, NULL, forget), 0);
    ck_assert_int_eq(srf_message(world->srf, answer), 0);
    message(world);
    ck_assert_str_eq(calls, "n");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 500"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_request_may_be_handed_on_later)
{
    world_t *world = chain_world();

    ck_assert_int_eq(srf_use(world->srf, NULL, keep), 0);
    ck_assert_int_eq(srf_use(world->srf, NULL, pass_a), 0);
    ck_assert_int_eq(srf_message(world->srf, answer), 0);
    message(world);
    memnet_run(world->net, 100);
    ck_assert_str_eq(calls, "k");
    ck_assert_int_eq(srf_next(kept, 0), 0);
    ck_assert_int_eq(srf_next(kept, 0), SRF_ERR_INVALID_ARGUMENT);
    srf_req_unref(kept);
    ck_assert_str_eq(calls, "k"); /* not from inside the call */
    memnet_run(world->net, 1);
    ck_assert_str_eq(calls, "ka.h");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(requests_handed_on_later_keep_their_order)
{
    srf_req_t *reqs[3];
    world_t *world = chain_world();

    ck_assert_int_eq(srf_use(world->srf, NULL, keep), 0);
    ck_assert_int_eq(srf_message(world->srf, answer), 0);
    ck_assert_int_eq(srf_info(world->srf, answer_other), 0);
    for (unsigned i = 0; i < 3; i++) {
        char id[] = {(char)('a' + i), '\0'};
        world_request(world, i == 1 ? "INFO" : "MESSAGE", WORLD_URI, id, "");
        reqs[i] = kept;
    }
    calls[0] = '\0';
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(srf_next(reqs[i], 0), 0);
        srf_req_unref(reqs[i]);
    }
    memnet_run(world->net, 1);
    ck_assert_str_eq(calls, "hoh");
    world_destroy(world);
}
END_TEST

START_TEST(a_request_cancelled_meanwhile_is_not_handed_on)
{
    world_t *world = chain_world();

    ck_assert_int_eq(srf_use(world->srf, NULL, keep), 0);
    ck_assert_int_eq(srf_invite(world->srf, answer), 0);
    world_call(world);
    if (_i == 0) {
        world_cancel(world);
        ck_assert_int_eq(srf_next(kept, 0), SRF_ERR_CANCELED);
    } else { /* between the call and its effect */
        ck_assert_int_eq(srf_next(kept, 0), 0);
        party_follow(world->caller, WORLD_PROXY, "CANCEL", WORLD_URI, "c1",
                     NULL);
        memnet_run(world->net, 1);
    }
    srf_req_unref(kept);
    memnet_run(world->net, 5);
    ck_assert_str_eq(calls, "k");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(destroy_with_a_request_handed_on_leaves_nothing)
{
    world_t *world = chain_world();

    ck_assert_int_eq(srf_use(world->srf, NULL, keep), 0);
    ck_assert_int_eq(srf_message(world->srf, answer), 0);
    message(world);
    ck_assert_int_eq(srf_next(kept, 0), 0);
    srf_destroy(world->srf, NULL);
    ck_assert_int_eq(srf_next(kept, 0), SRF_ERR_INVALID_ARGUMENT);
    srf_req_unref(kept);
    memnet_run(world->net, 10);
    ck_assert_str_eq(calls, "k");
    world_destroy_rest(world);
}
END_TEST

static void destroy_and_pass(srf_req_t *req, srf_res_t *res)
{
    (void)res;
    note("x");
    ck_assert_int_eq(srf_next(req, 0), 0);
    srf_destroy(srf_req_srf(req), NULL);
}

START_TEST(a_chain_ends_when_the_stack_is_destroyed_in_it)
{
    world_t *world = chain_world();

    ck_assert_int_eq(srf_use(world->srf, NULL, destroy_and_pass), 0);
    ck_assert_int_eq(srf_message(world->srf, answer), 0);
    message(world);
    memnet_run(world->net, 10);
    ck_assert_str_eq(calls, "x");
    world_destroy_rest(world);
}
END_TEST

static void remove_the_handler(srf_req_t *req, srf_res_t *res)
{
    (void)res;
    note("r");
    ck_assert_int_eq(srf_message(srf_req_srf(req), NULL), 0);
    ck_assert_int_eq(srf_use(srf_req_srf(req), NULL, answer_other), 0);
    ck_assert_int_eq(srf_next(req, 0), 0);
}

START_TEST(the_chain_may_change_under_way)
{
    world_t *world = chain_world();

    ck_assert_int_eq(srf_use(world->srf, NULL, remove_the_handler), 0);
    ck_assert_int_eq(srf_message(world->srf, answer), 0);
    message(world);
    ck_assert_str_eq(calls, "ro");
    world_destroy(world);
}
END_TEST

static unsigned passed;

static void count_and_pass(srf_req_t *req, srf_res_t *res)
{
    (void)res;
    passed++;
    ck_assert_int_eq(srf_next(req, 0), 0);
}

START_TEST(a_long_chain_is_walked_to_its_end)
{
    enum { LINKS = 5000 };
    world_t *world = chain_world();

    passed = 0;
    for (unsigned i = 0; i < LINKS; i++)
        ck_assert_int_eq(srf_use(world->srf, NULL, count_and_pass), 0);
    ck_assert_int_eq(srf_message(world->srf, answer), 0);
    message(world);
    ck_assert_uint_eq(passed, LINKS);
    ck_assert_str_eq(calls, "h");
    world_destroy(world);
}
END_TEST

START_TEST(middleware_may_proxy)
{
    world_t *world = chain_world();

    ck_assert_int_eq(srf_use(world->srf, "INVITE", pass_a), 0);
    ck_assert_int_eq(srf_use(world->srf, NULL, world_on_request), 0);
    world_call(world);
    world_answer(world, world->one, "200 OK");
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.connected, 1);
    world_destroy(world);
}
END_TEST

START_TEST(each_method_has_a_name_of_its_own)
{
    static int (*const names[])(srf_t *, srf_request_cb) = {
        srf_register, srf_options, srf_message, srf_subscribe,
        srf_notify,   srf_publish, srf_info,    srf_refer,
        srf_update,   srf_prack,   srf_bye,     srf_invite};
    static const char *const methods[] = {
        "REGISTER", "OPTIONS", "MESSAGE", "SUBSCRIBE", "NOTIFY", "PUBLISH",
        "INFO",     "REFER",   "UPDATE",  "PRACK",     "BYE",    "INVITE"};
    world_t *world = chain_world();

    ck_assert_int_eq(names[_i](world->srf, answer), 0);
    world_request(world, methods[_i], WORLD_URI, "n", "");
    ck_assert_str_eq(calls, "h");
    if (strcmp(methods[_i], "INVITE") == 0)
        world_in_dialog(world, world->caller, "ACK", WORLD_URI, "ack", "");
    world_destroy(world);
}
END_TEST

START_TEST(bad_registrations_are_refused)
{
    world_t *world = chain_world();

    ck_assert_int_eq(srf_use(NULL, NULL, pass_a), SRF_ERR_INVALID_ARGUMENT);
    ck_assert_int_eq(srf_use(world->srf, "ACK", pass_a),
                     SRF_ERR_INVALID_ARGUMENT);
    ck_assert_int_eq(srf_use(world->srf, "CANCEL", pass_a),
                     SRF_ERR_INVALID_ARGUMENT);
    ck_assert_int_eq(srf_use(world->srf, "NO TOKEN", pass_a),
                     SRF_ERR_INVALID_ARGUMENT);
    ck_assert_int_eq(srf_use(world->srf, "", pass_a), SRF_ERR_INVALID_ARGUMENT);
    ck_assert_int_eq(srf_next(NULL, 0), SRF_ERR_INVALID_ARGUMENT);
    message(world);
    ck_assert_str_eq(calls, "");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 405"), 1);
    world_destroy(world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("middleware");
    TCase *tcase = tcase_create("chain");

    tcase_add_test(tcase, links_are_called_in_order_of_registration);
    tcase_add_test(tcase, middleware_of_another_method_is_passed_over);
    tcase_add_test(tcase, middleware_may_be_for_a_method_of_its_own);
    tcase_add_loop_test(
        tcase, what_is_registered_behind_a_handler_sees_what_it_hands_on, 0, 2);
    tcase_add_test(tcase, a_replaced_handler_keeps_its_place);
    tcase_add_test(tcase, the_wildcard_is_for_methods_without_a_handler);
    tcase_add_test(tcase, middleware_may_answer_and_end_the_chain);
    tcase_add_test(tcase, an_error_ends_the_chain_with_500);
    tcase_add_loop_test(tcase, when_nobody_is_left_the_method_is_refused, 0, 3);
    tcase_add_loop_test(tcase, what_its_handlers_hand_on_is_not_found, 0, 2);
    tcase_add_test(tcase, one_that_does_nothing_has_let_go);
    tcase_add_test(tcase, a_request_may_be_handed_on_later);
    tcase_add_test(tcase, requests_handed_on_later_keep_their_order);
    tcase_add_loop_test(tcase, a_request_cancelled_meanwhile_is_not_handed_on,
                        0, 2);
    tcase_add_test(tcase, destroy_with_a_request_handed_on_leaves_nothing);
    tcase_add_test(tcase, a_chain_ends_when_the_stack_is_destroyed_in_it);
    tcase_add_test(tcase, the_chain_may_change_under_way);
    tcase_add_test(tcase, a_long_chain_is_walked_to_its_end);
    tcase_add_test(tcase, middleware_may_proxy);
    tcase_add_loop_test(tcase, each_method_has_a_name_of_its_own, 0, 12);
    tcase_add_test(tcase, bad_registrations_are_refused);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
