/*
 * provisional_timeout_ms, final_timeout_ms and Timer C of a target: when they
 * run out, what they do on the wire, and what comes too late.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "world.h"

static world_t *timed_world(uint32_t provisional_ms, uint32_t final_ms)
{
    world_t *world = world_create("10.0.0.11", "10.0.0.12");

    world->program.options.provisional_timeout_ms = provisional_ms;
    world->program.options.final_timeout_ms = final_ms;
    return world;
}

/* ---- provisional_timeout_ms ---- */

START_TEST(a_silent_target_is_left_for_the_next)
{
    world_t *world = timed_world(2000, 0);

    world_call(world);
    memnet_run(world->net, 1990);
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 0);
    memnet_run(world->net, 20);
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 1);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 0); /* §9.1 */
    world_answer(world, world->two, "200 OK");
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.connected, 1);
    ck_assert_int_eq(world->program.causes[0], SRF_CAUSE_PROVISIONAL_TIMEOUT);
    ck_assert_int_eq(world->program.causes[1], SRF_CAUSE_RESPONSE);
    world_destroy(world);
}
END_TEST

START_TEST(each_target_has_the_whole_time)
{
    world_t *world = timed_world(2000, 0);

    world_call(world);
    memnet_run(world->net, 2010);
    memnet_run(world->net, 1970);
    ck_assert_uint_eq(world->program.done, 0);
    memnet_run(world->net, 40);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.final_status, 408);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 408"), 1);
    ck_assert_int_eq(world->program.causes[1], SRF_CAUSE_PROVISIONAL_TIMEOUT);
    world_destroy(world);
}
END_TEST

START_TEST(a_100_counts_as_a_sign_of_life)
{
    world_t *world = timed_world(2000, 0);

    world_call(world);
    world_answer(world, world->one, _i == 0 ? "100 Trying" : "180 Ringing");
    memnet_run(world->net, 60000);
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 0);
    world_answer(world, world->one, "200 OK");
    ck_assert_int_eq(world->program.connected, 1);
    ck_assert_uint_eq(world->program.responses, 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_late_provisional_is_answered_with_cancel)
{
    world_t *world = timed_world(2000, 0);

    world_call(world);
    memnet_run(world->net, 2010);
    world_answer(world, world->one, "180 Ringing");
    ck_assert_uint_eq(party_received(world->one, "CANCEL sip:10.0.0.11 "), 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 180"), 0);
    world_answer(world, world->two, "180 Ringing");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 180"), 1);
    world_answer(world, world->two, "200 OK");
    world_answer(world, world->one, "487 Request Terminated");
    ck_assert_uint_eq(party_received(world->one, "ACK"), 1);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_uint_eq(world->program.msg_counts[0], 2);
    world_destroy(world);
}
END_TEST

START_TEST(a_late_provisional_after_the_report_is_cancelled_too)
{
    world_t *world = timed_world(2000, 0);

    world_call(world);
    memnet_run(world->net, 2010);
    world_answer(world, world->two, "200 OK");
    ck_assert_uint_eq(world->program.done, 1);
    world_answer(world, world->one, "180 Ringing");
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 1);
    world_answer(world, world->one, "487 Request Terminated");
    ck_assert_uint_eq(party_received(world->one, "ACK"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_late_failure_is_acknowledged_and_changes_nothing)
{
    world_t *world = timed_world(2000, 0);

    world_call(world);
    memnet_run(world->net, 2010);
    world_answer(world, world->one, _i == 0 ? "486 Busy Here" : "603 Decline");
    ck_assert_uint_eq(party_received(world->one, "ACK"), 1);
    ck_assert_uint_eq(party_received(world->two, "CANCEL"), 0);
    world_answer(world, world->two, "200 OK");
    ck_assert_int_eq(world->program.connected, 1);
    ck_assert_int_eq(world->program.causes[0], SRF_CAUSE_PROVISIONAL_TIMEOUT);
    world_destroy(world);
}
END_TEST

/* What bounds the wait behind a CANCEL ends with the response: a failure that
 * is sent again later is acknowledged again (RFC 3261 §17.1.1.2). */
START_TEST(a_late_failure_is_acknowledged_for_all_of_timer_d)
{
    world_t *world = timed_world(2000, 0);

    world_call(world);
    memnet_run(world->net, 2010);
    world_answer(world, world->two, "180 Ringing");
    world_answer(world, world->one, "180 Ringing"); /* its CANCEL */
    memnet_run(world->net, 30000);
    world_answer(world, world->one, "487 Request Terminated");
    ck_assert_uint_eq(party_received(world->one, "ACK"), 1);
    memnet_run(world->net, 4000); /* 64*T1 since the CANCEL */
    world_answer(world, world->one, "487 Request Terminated");
    ck_assert_uint_eq(party_received(world->one, "ACK"), 2);
    world_answer(world, world->two, "200 OK");
    ck_assert_int_eq(world->program.connected, 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_late_2xx_goes_up_and_ends_the_search)
{
    world_t *world = timed_world(2000, 0);

    world_call(world);
    memnet_run(world->net, 2010);
    world_answer(world, world->two, "180 Ringing");
    world_answer(world, world->one, "200 OK");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    ck_assert_uint_eq(party_received(world->two, "CANCEL"), 1);
    world_answer(world, world->two, "487 Request Terminated");
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.connected, 1);
    ck_assert_int_eq(world->program.final_status, 200);
    world_destroy(world);
}
END_TEST

START_TEST(a_2xx_after_the_report_goes_up)
{
    world_t *world = timed_world(2000, 0);

    world->program.uris[1] = NULL;
    world_call(world);
    memnet_run(world->net, 2010);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.final_status, 408);
    world_answer(world, world->one, "200 OK");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(another_method_has_the_timeout_without_a_cancel)
{
    world_t *world = timed_world(2000, 0);

    world_request(world, "MESSAGE", WORLD_URI, "m", "");
    memnet_run(world->net, 2010);
    ck_assert_uint_ge(party_received(world->two, "MESSAGE"), 1);
    party_reply(world->two, 0, "200 OK", "");
    world_settle(world);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 0);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    ck_assert_uint_eq(world->program.done, 1);
    world_destroy(world);
}
END_TEST

/* ---- final_timeout_ms ---- */

START_TEST(a_target_that_rings_too_long_is_cancelled_and_left)
{
    world_t *world = timed_world(0, 18000);

    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    memnet_run(world->net, 17980);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 0);
    memnet_run(world->net, 30);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 1);
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 1); /* at once */
    world_answer(world, world->one, "487 Request Terminated");
    world_answer(world, world->two, "200 OK");
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.connected, 1);
    ck_assert_int_eq(world->program.causes[0], SRF_CAUSE_FINAL_TIMEOUT);
    ck_assert_uint_eq(world->program.msg_counts[0], 2);
    world_destroy(world);
}
END_TEST

START_TEST(ringing_again_does_not_prolong_it)
{
    world_t *world = timed_world(0, 10000);

    world_call(world);
    for (unsigned i = 0; i < 4; i++) {
        world_answer(world, world->one, "180 Ringing");
        memnet_run(world->net, 2600);
    }
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 1);
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_silent_target_is_left_without_a_cancel)
{
    world_t *world = timed_world(0, 5000);

    world_call(world);
    memnet_run(world->net, 5010);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 0);
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(the_report_waits_for_the_end_of_a_cancelled_branch)
{
    world_t *world = timed_world(0, 5000);

    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    memnet_run(world->net, 5010);
    world_answer(world, world->two, "200 OK");
    ck_assert_uint_eq(world->program.done, 0);
    memnet_run(world->net, 32000); /* 64*T1 behind the CANCEL */
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.causes[0], SRF_CAUSE_FINAL_TIMEOUT);
    world_destroy(world);
}
END_TEST

START_TEST(of_both_timeouts_the_one_due_first_counts)
{
    world_t *world = timed_world(3000, 8000);

    world_call(world);
    memnet_run(world->net, 3010);
    world_answer(world, world->two, "100 Trying");
    memnet_run(world->net, 7970);
    ck_assert_uint_eq(party_received(world->two, "CANCEL"), 0);
    memnet_run(world->net, 40);
    ck_assert_uint_eq(party_received(world->two, "CANCEL"), 1);
    world_answer(world, world->two, "487 Request Terminated");
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.final_status, 408);
    ck_assert_int_eq(world->program.causes[0], SRF_CAUSE_PROVISIONAL_TIMEOUT);
    ck_assert_int_eq(world->program.causes[1], SRF_CAUSE_FINAL_TIMEOUT);
    world_destroy(world);
}
END_TEST

START_TEST(none_turns_a_timeout_off)
{
    world_t *world = timed_world(SRF_TIMEOUT_NONE, SRF_TIMEOUT_NONE);

    world->program.options.timer_c_ms = SRF_TIMEOUT_NONE;
    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    memnet_run(world->net, 3600000);
    ck_assert_uint_eq(world->program.done, 0);
    world_answer(world, world->one, "200 OK");
    ck_assert_uint_eq(world->program.done, 1);
    world_destroy(world);
}
END_TEST

/* ---- with others ---- */

START_TEST(timer_c_counts_from_the_last_provisional)
{
    world_t *world = timed_world(2000, 0);

    world->program.options.timer_c_ms = 10000;
    world_call(world);
    world_answer(world, world->one, "100 Trying"); /* does not restart it */
    memnet_run(world->net, 9980);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 0);
    world_answer(world, world->one, "180 Ringing");
    memnet_run(world->net, 9980);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 0);
    memnet_run(world->net, 40);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 1);
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_100_leaves_timer_c_where_it_was)
{
    world_t *world = timed_world(2000, 0);

    world->program.options.timer_c_ms = 10000;
    world_call(world);
    memnet_run(world->net, 1000);
    world_answer(world, world->one, "100 Trying");
    memnet_run(world->net, 8970);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 0);
    memnet_run(world->net, 50);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(parallel_branches_have_the_timeout_each)
{
    world_t *world = timed_world(2000, 0);

    world->program.options.forking = SRF_FORKING_SIMULTANEOUS;
    world_call(world);
    world_answer(world, world->two, "180 Ringing");
    memnet_run(world->net, 2010);
    ck_assert_uint_eq(world->program.done, 0);
    world_answer(world, world->two, "486 Busy Here");
    /* The silent one was given up: nobody waits for it. */
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.causes[0], SRF_CAUSE_PROVISIONAL_TIMEOUT);
    world_destroy(world);
}
END_TEST

START_TEST(cancel_while_a_given_up_branch_lives_tries_nobody)
{
    world_t *world = timed_world(2000, 0);

    world_call(world);
    memnet_run(world->net, 2010);
    world_answer(world, world->two, "180 Ringing");
    world_cancel(world);
    world_answer(world, world->two, "487 Request Terminated");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 1);
    ck_assert_uint_eq(world->program.done, 1);
    world_destroy(world);
}
END_TEST

START_TEST(destroy_with_a_given_up_branch_completes_once)
{
    world_t *world = timed_world(2000, 0);

    world_call(world);
    memnet_run(world->net, 2010);
    srf_destroy(world->srf, NULL);
    memnet_run(world->net, 10);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.err, SRF_ERR_CANCELED);
    ck_assert_int_eq(world->program.causes[0], SRF_CAUSE_PROVISIONAL_TIMEOUT);
    world_destroy_rest(world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("timeouts");
    TCase *tcase = tcase_create("timeouts");

    tcase_add_test(tcase, a_silent_target_is_left_for_the_next);
    tcase_add_test(tcase, each_target_has_the_whole_time);
    tcase_add_loop_test(tcase, a_100_counts_as_a_sign_of_life, 0, 2);
    tcase_add_test(tcase, a_late_provisional_is_answered_with_cancel);
    tcase_add_test(tcase, a_late_provisional_after_the_report_is_cancelled_too);
    tcase_add_loop_test(
        tcase, a_late_failure_is_acknowledged_and_changes_nothing, 0, 2);
    tcase_add_test(tcase, a_late_failure_is_acknowledged_for_all_of_timer_d);
    tcase_add_test(tcase, a_late_2xx_goes_up_and_ends_the_search);
    tcase_add_test(tcase, a_2xx_after_the_report_goes_up);
    tcase_add_test(tcase, another_method_has_the_timeout_without_a_cancel);
    tcase_add_test(tcase, a_target_that_rings_too_long_is_cancelled_and_left);
    tcase_add_test(tcase, ringing_again_does_not_prolong_it);
    tcase_add_test(tcase, a_silent_target_is_left_without_a_cancel);
    tcase_add_test(tcase, the_report_waits_for_the_end_of_a_cancelled_branch);
    tcase_add_test(tcase, of_both_timeouts_the_one_due_first_counts);
    tcase_add_test(tcase, none_turns_a_timeout_off);
    tcase_add_test(tcase, timer_c_counts_from_the_last_provisional);
    tcase_add_test(tcase, a_100_leaves_timer_c_where_it_was);
    tcase_add_test(tcase, parallel_branches_have_the_timeout_each);
    tcase_add_test(tcase, cancel_while_a_given_up_branch_lives_tries_nobody);
    tcase_add_test(tcase, destroy_with_a_given_up_branch_completes_once);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
