/*
 * Simultaneous forking: all targets at once, what the first 2xx or a 6xx does
 * to the others, and Max-Breadth.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "world.h"

#include <stdio.h>

static world_t *forking_world(void)
{
    world_t *world = world_create("10.0.0.11", "10.0.0.12");

    world->program.options.forking = SRF_FORKING_SIMULTANEOUS;
    return world;
}

START_TEST(all_targets_are_asked_at_once)
{
    world_t *world = forking_world();

    world_call(world);
    ck_assert_uint_eq(party_received(world->one, "INVITE sip:10.0.0.11 "), 1);
    ck_assert_uint_eq(party_received(world->two, "INVITE sip:10.0.0.12 "), 1);
    world_answer(world, world->one, "180 Ringing");
    world_answer(world, world->two, "183 Session Progress");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 180"), 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 183"), 1);
    ck_assert_uint_eq(world->program.done, 0);
    world_destroy(world);
}
END_TEST

START_TEST(each_branch_has_a_branch_parameter_of_its_own)
{
    world_t *world = forking_world();
    char first[256];

    world_call(world);
    const char *via =
        party_header(world->one, party_find(world->one, "INVITE", 0), "Via", 0);
    snprintf(first, sizeof(first), "%s", via);
    via =
        party_header(world->two, party_find(world->two, "INVITE", 0), "Via", 0);
    ck_assert_str_ne(first, via);
    world_destroy(world);
}
END_TEST

START_TEST(the_first_2xx_goes_up_and_ringing_losers_are_cancelled)
{
    world_t *world = forking_world();

    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    world_answer(world, world->two, "180 Ringing");
    world_answer(world, world->two, "200 OK");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    ck_assert_uint_eq(party_received(world->one, "CANCEL sip:10.0.0.11 "), 1);
    ck_assert_uint_eq(party_received(world->two, "CANCEL"), 0);
    /* The loser has not ended yet. */
    ck_assert_uint_eq(world->program.done, 0);
    world_answer(world, world->one, "487 Request Terminated");
    ck_assert_uint_eq(party_received(world->one, "ACK sip:10.0.0.11 "), 1);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.connected, 1);
    ck_assert_int_eq(world->program.final_status, 200);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 0);
    world_destroy(world);
}
END_TEST

/* What a loser is told that rings, or (late) has yet to. */
static void expect_reason(const char *cancel_reason, const char *answer,
                          bool late, const char *reason)
{
    world_t *world = forking_world();

    world->program.options.cancel_reason = cancel_reason;
    world_call(world);
    if (!late)
        world_answer(world, world->one, "180 Ringing");
    world_answer(world, world->two, answer);
    if (late)
        world_answer(world, world->one, "180 Ringing");
    world_expect(world->one, "CANCEL", "Reason", reason);
    const char *cancel = party_find(world->one, "CANCEL", 0);
    ck_assert_ptr_null(party_header(world->one, cancel, "Reason", 1));
    world_answer(world, world->one, "487 Request Terminated");
    world_destroy(world);
}

START_TEST(losers_are_told_why)
{
    static const struct {
        const char *answer;
        const char *reason;
    } cases[] = {
        {"200 OK", "SIP;cause=200;text=\"Call completed elsewhere\""},
        {"202 Accepted", "SIP;cause=200;text=\"Call completed elsewhere\""},
        {"603 Decline", "SIP;cause=603;text=\"Decline\""},
        {"600 Busy \"all\" o\\er",
         "SIP;cause=600;text=\"Busy \\\"all\\\" o\\\\er\""},
        {"603 Nicht \xc3\xbc", "SIP;cause=603;text=\"Nicht \xc3\xbc\""},
        {"603 Bell\a", "SIP;cause=603;text=\"Decline\""},
        {"603 Half \xc3", "SIP;cause=603;text=\"Decline\""},
        {"699 \xff", "SIP;cause=699;text=\"Busy Everywhere\""},
        {"603 ", "SIP;cause=603;text=\"Decline\""},
    };

    expect_reason(NULL, cases[_i / 2].answer, _i % 2 != 0,
                  cases[_i / 2].reason);
}
END_TEST

START_TEST(the_program_may_say_what_losers_are_told)
{
    static const struct {
        const char *given;
        const char *reason;
    } cases[] = {
        {"Q.850;cause=26;text=\"Non-selected\"",
         "Q.850;cause=26;text=\"Non-selected\""},
        {"SIP ; cause = 200", "SIP ; cause = 200"},
        {"", NULL},
    };
    const char *answer = _i % 2 == 0 ? "200 OK" : "603 Decline";

    expect_reason(cases[_i / 4].given, answer, _i / 2 % 2 != 0,
                  cases[_i / 4].reason);
}
END_TEST

START_TEST(a_reason_that_is_none_is_refused)
{
    static const char *const bad[] = {
        " ",
        ";cause=200",
        "SIP;",
        "SIP;cause=",
        "SIP;cause=200, Q.850;cause=16",
        "SIP;text=\"open",
        "SIP cause",
        "SIP;cause=200\r\nX-A: b",
        "SIP;text=\"a\tb\"",
    };
    world_t *world = forking_world();

    world->program.options.cancel_reason = bad[_i];
    world_call(world);
    ck_assert_int_eq(world->program.started, SRF_ERR_INVALID_HEADER);
    ck_assert_uint_eq(world->one->count, 0);
    world_destroy(world);
}
END_TEST

START_TEST(a_loser_without_a_provisional_is_cancelled_when_one_comes)
{
    world_t *world = forking_world();

    world_call(world);
    world_answer(world, world->two, "200 OK");
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 0); /* §9.1 */
    world_answer(world, world->one, "100 Trying");
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 1);
    world_answer(world, world->one, "487 Request Terminated");
    ck_assert_uint_eq(world->program.done, 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_silent_loser_delays_the_report_until_timer_b)
{
    world_t *world = forking_world();

    world_call(world);
    world_answer(world, world->two, "200 OK");
    memnet_run(world->net, 31000);
    ck_assert_uint_eq(world->program.done, 0);
    memnet_run(world->net, 2000);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.connected, 1);
    ck_assert_int_eq(world->program.causes[0], SRF_CAUSE_TIMER_B);
    ck_assert_int_eq(world->program.causes[1], SRF_CAUSE_RESPONSE);
    world_destroy(world);
}
END_TEST

START_TEST(a_loser_that_ignores_its_cancel_is_given_up_after_64_t1)
{
    world_t *world = forking_world();

    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    world_answer(world, world->two, "200 OK");
    memnet_run(world->net, 31000);
    ck_assert_uint_eq(world->program.done, 0);
    memnet_run(world->net, 2000);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.causes[0], SRF_CAUSE_CANCELED);
    world_destroy(world);
}
END_TEST

START_TEST(every_further_2xx_is_forwarded)
{
    world_t *world = forking_world();

    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    world_answer(world, world->two, "200 OK");
    world_answer(world, world->one, "202 Also");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 202"), 1);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.final_status, 200);
    /* Its retransmission as well, RFC 6026. */
    world_answer(world, world->one, "202 Also");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 202"), 2);
    world_destroy(world);
}
END_TEST

START_TEST(a_6xx_cancels_all_and_is_the_answer)
{
    world_t *world = forking_world();

    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    world_answer(world, world->two, "603 Decline");
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 603"), 0);
    world_answer(world, world->one, "487 Request Terminated");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 603"), 1);
    ck_assert_int_eq(world->program.final_status, 603);
    world_destroy(world);
}
END_TEST

START_TEST(a_2xx_that_crosses_the_cancel_after_a_6xx_wins)
{
    world_t *world = forking_world();

    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    world_answer(world, world->two, "603 Decline");
    world_answer(world, world->one, "200 OK");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 603"), 0);
    ck_assert_int_eq(world->program.connected, 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_failover_code_keeps_a_6xx_from_cancelling_the_others)
{
    static const int32_t codes[] = {603, 0};
    world_t *world = forking_world();

    world->program.options.failover_codes = codes;
    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    world_answer(world, world->two, "603 Decline");
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 0);
    world_answer(world, world->one, "200 OK");
    ck_assert_int_eq(world->program.connected, 1);
    world_destroy(world);
}
END_TEST

START_TEST(the_best_failure_waits_for_the_last_branch)
{
    world_t *world = forking_world();

    world_call(world);
    world_answer(world, world->one, "404 Not Found");
    ck_assert_uint_eq(party_received(world->one, "ACK"), 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 404"), 0);
    world_answer(world, world->two, "302 Moved Temporarily");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 302"), 1);
    ck_assert_int_eq(world->program.final_status, 302); /* lowest class */
    ck_assert_uint_eq(world->program.responses, 2);
    world_destroy(world);
}
END_TEST

START_TEST(an_unreachable_target_does_not_hold_up_the_others)
{
    world_t *world = forking_world();

    memnet_close_port(world->net, WORLD_ONE, _i == 1);
    world_call(world);
    world_answer(world, world->two, "200 OK");
    ck_assert_int_eq(world->program.connected, 1);
    memnet_run(world->net, 10);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.causes[0], SRF_CAUSE_TRANSPORT);
    world_destroy(world);
}
END_TEST

START_TEST(the_callers_cancel_reaches_every_branch)
{
    world_t *world = forking_world();

    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    world_answer(world, world->two, "180 Ringing");
    world_cancel(world);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 1);
    ck_assert_uint_eq(party_received(world->two, "CANCEL"), 1);
    world_answer(world, world->one, "487 Request Terminated");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 0);
    world_answer(world, world->two, "487 Request Terminated");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 1);
    ck_assert_uint_eq(world->program.done, 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_non_invite_takes_the_first_2xx_and_is_never_cancelled)
{
    world_t *world = forking_world();

    world_request(world, "MESSAGE", WORLD_URI, "m", "");
    party_reply(world->one, 0, "200 OK", "");
    world_settle(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    ck_assert_uint_eq(party_received(world->two, "CANCEL"), 0);
    party_reply(world->two, 0, "200 OK", "");
    world_settle(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    ck_assert_uint_eq(world->program.done, 1);
    world_destroy(world);
}
END_TEST

START_TEST(destroy_in_the_middle_completes_once)
{
    world_t *world = forking_world();

    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    world_answer(world, world->two, "603 Decline");
    srf_destroy(world->srf, NULL);
    memnet_run(world->net, 10);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.err, SRF_ERR_CANCELED);
    ck_assert_int_eq(world->program.causes[0], SRF_CAUSE_CANCELED);
    ck_assert_int_eq(world->program.causes[1], SRF_CAUSE_RESPONSE);
    world_destroy_rest(world);
}
END_TEST

/* ---- Max-Breadth, RFC 5393 §5 ---- */

START_TEST(parallel_branches_share_the_default_breadth)
{
    world_t *world = forking_world();

    world_call(world);
    world_expect(world->one, "INVITE", "Max-Breadth", "30");
    world_expect(world->two, "INVITE", "Max-Breadth", "30");
    world_destroy(world);
}
END_TEST

START_TEST(parallel_branches_share_the_breadth_that_came)
{
    world_t *world = forking_world();

    world_request(world, "INVITE", WORLD_URI, "b", "Max-Breadth: 5\n");
    world_expect(world->one, "INVITE", "Max-Breadth", "3");
    world_expect(world->two, "INVITE", "Max-Breadth", "2");
    world_destroy(world);
}
END_TEST

START_TEST(targets_beyond_the_breadth_wait_for_their_turn)
{
    world_t *world = forking_world();

    world_request(world, "INVITE", WORLD_URI, "b", "Max-Breadth: 1\n");
    world_expect(world->one, "INVITE", "Max-Breadth", "1");
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 0);
    world_answer(world, world->one, "404 Not Found");
    world_expect(world->two, "INVITE", "Max-Breadth", "1");
    world_answer(world, world->two, "200 OK");
    ck_assert_int_eq(world->program.connected, 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_sequential_search_hands_on_the_breadth_that_came)
{
    world_t *world = world_create("10.0.0.11", "10.0.0.12");

    world_request(world, "INVITE", WORLD_URI, "b", "Max-Breadth: 7\n");
    world_expect(world->one, "INVITE", "Max-Breadth", "6");
    world_answer(world, world->one, "404 Not Found");
    world_expect(world->two, "INVITE", "Max-Breadth", "7");
    world_destroy(world);
}
END_TEST

static world_t *narrow_call(srf_forking_t forking)
{
    world_t *world = forking_world();

    world->program.options.forking = (int32_t)forking;
    world->program.options.provisional_timeout_ms = 1000;
    world_request(world, "INVITE", WORLD_URI, "c1", "Max-Breadth: 1\n");
    memnet_run(world->net, 2000);
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 0);
    ck_assert_uint_eq(world->program.done, 0);
    return world;
}

START_TEST(a_target_waits_for_the_breadth_of_an_abandoned_one)
{
    world_t *world = narrow_call((srf_forking_t)_i);

    world_answer(world, world->one, "486 Busy Here");
    world_expect(world->two, "INVITE", "Max-Breadth", "1");
    world_answer(world, world->two, "200 OK");
    ck_assert_int_eq(world->program.connected, 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_target_waits_for_an_abandoned_one_until_timer_b)
{
    world_t *world = narrow_call((srf_forking_t)_i);

    memnet_run(world->net, 30100);
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 1);
    memnet_run(world->net, 1000);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 408"), 1);
    ck_assert_uint_eq(world->program.done, 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_cancel_ends_the_wait_for_breadth)
{
    world_t *world = narrow_call((srf_forking_t)_i);

    world_cancel(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 1);
    ck_assert_uint_eq(world->program.cancels, 1);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 0);
    world_destroy(world);
}
END_TEST

START_TEST(a_late_2xx_ends_the_wait_for_breadth)
{
    world_t *world = narrow_call((srf_forking_t)_i);

    world_answer(world, world->one, "200 OK");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    ck_assert_int_eq(world->program.connected, 1);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 0);
    world_destroy(world);
}
END_TEST

START_TEST(destroy_ends_the_wait_for_breadth)
{
    world_t *world = narrow_call((srf_forking_t)_i);

    world_destroy(world);
}
END_TEST

START_TEST(no_breadth_is_added_when_nothing_is_forked)
{
    world_t *world = world_create("10.0.0.11", "10.0.0.12");

    world_call(world);
    world_expect(world->one, "INVITE", "Max-Breadth", NULL);
    world_destroy(world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simultaneous");
    TCase *forking = tcase_create("forking");
    TCase *breadth = tcase_create("max-breadth");

    tcase_add_test(forking, all_targets_are_asked_at_once);
    tcase_add_test(forking, each_branch_has_a_branch_parameter_of_its_own);
    tcase_add_test(forking,
                   the_first_2xx_goes_up_and_ringing_losers_are_cancelled);
    tcase_add_loop_test(forking, losers_are_told_why, 0, 18);
    tcase_add_loop_test(forking, the_program_may_say_what_losers_are_told, 0,
                        12);
    tcase_add_loop_test(forking, a_reason_that_is_none_is_refused, 0, 9);
    tcase_add_test(forking,
                   a_loser_without_a_provisional_is_cancelled_when_one_comes);
    tcase_add_test(forking, a_silent_loser_delays_the_report_until_timer_b);
    tcase_add_test(forking,
                   a_loser_that_ignores_its_cancel_is_given_up_after_64_t1);
    tcase_add_test(forking, every_further_2xx_is_forwarded);
    tcase_add_test(forking, a_6xx_cancels_all_and_is_the_answer);
    tcase_add_test(forking, a_2xx_that_crosses_the_cancel_after_a_6xx_wins);
    tcase_add_test(forking,
                   a_failover_code_keeps_a_6xx_from_cancelling_the_others);
    tcase_add_test(forking, the_best_failure_waits_for_the_last_branch);
    tcase_add_loop_test(
        forking, an_unreachable_target_does_not_hold_up_the_others, 0, 2);
    tcase_add_test(forking, the_callers_cancel_reaches_every_branch);
    tcase_add_test(forking,
                   a_non_invite_takes_the_first_2xx_and_is_never_cancelled);
    tcase_add_test(forking, destroy_in_the_middle_completes_once);
    suite_add_tcase(suite, forking);
    tcase_add_test(breadth, parallel_branches_share_the_default_breadth);
    tcase_add_test(breadth, parallel_branches_share_the_breadth_that_came);
    tcase_add_test(breadth, targets_beyond_the_breadth_wait_for_their_turn);
    tcase_add_test(breadth, a_sequential_search_hands_on_the_breadth_that_came);
    tcase_add_loop_test(
        breadth, a_target_waits_for_the_breadth_of_an_abandoned_one, 0, 2);
    tcase_add_loop_test(
        breadth, a_target_waits_for_an_abandoned_one_until_timer_b, 0, 2);
    tcase_add_loop_test(breadth, a_cancel_ends_the_wait_for_breadth, 0, 2);
    tcase_add_loop_test(breadth, a_late_2xx_ends_the_wait_for_breadth, 0, 2);
    tcase_add_loop_test(breadth, destroy_ends_the_wait_for_breadth, 0, 2);
    tcase_add_test(breadth, no_breadth_is_added_when_nothing_is_forked);
    suite_add_tcase(suite, breadth);
    return run_suite(suite);
}
