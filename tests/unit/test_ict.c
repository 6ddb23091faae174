/*
 * INVITE client transaction (RFC 3261 §17.1.1, RFC 6026 §7.2).
 *
 * SPDX-License-Identifier: MIT
 */
#include "machine_check.h"
#include "runner.h"

enum {
    UP = SRF__DO_PASS_UP,
    DROP = SRF__DO_DROP_REQUEST,
    END = SRF__DO_TERMINATE,
    T1 = 500,
    T2 = 4000,
    LONG = 64 * T1
};

/* state, event, transport, next, actions, repeat slot, limit slot */
static const step_row_t rows[] = {
    {SRF__TXN_INIT, SRF__EV_START, UDP, SRF__TXN_CALLING, SRF__DO_SEND,
     SRF__TIMER_A, T1, SRF__TIMER_B, LONG},
    {SRF__TXN_INIT, SRF__EV_START, TCP, SRF__TXN_CALLING, SRF__DO_SEND,
     SRF__TIMER_NONE, 0, SRF__TIMER_B, LONG},

    {SRF__TXN_CALLING, SRF__EV_TIMER_A, UDP, SRF__TXN_CALLING, SRF__DO_RESEND,
     SRF__TIMER_A, 2 * T1, SRF__TIMER_NONE, 0},
    {SRF__TXN_CALLING, SRF__EV_TIMER_B, BOTH, SRF__TXN_TERMINATED,
     SRF__DO_TIMEOUT | END, STOPPED, 0, STOPPED, 0},
    {SRF__TXN_CALLING, SRF__EV_TRANSPORT_ERROR, BOTH, SRF__TXN_TERMINATED,
     SRF__DO_ERROR | END, STOPPED, 0, STOPPED, 0},
    {SRF__TXN_CALLING, SRF__EV_RECV_1XX, BOTH, SRF__TXN_PROCEEDING, UP | DROP,
     STOPPED, 0, STOPPED, 0},
    {SRF__TXN_CALLING, SRF__EV_RECV_2XX, BOTH, SRF__TXN_ACCEPTED, UP | DROP,
     STOPPED, 0, SRF__TIMER_M, LONG},
    {SRF__TXN_CALLING, SRF__EV_RECV_FINAL, UDP, SRF__TXN_COMPLETED,
     SRF__DO_SEND_ACK | UP | DROP, STOPPED, 0, SRF__TIMER_D, LONG},
    {SRF__TXN_CALLING, SRF__EV_RECV_FINAL, TCP, SRF__TXN_COMPLETED,
     SRF__DO_SEND_ACK | UP | DROP, STOPPED, 0, SRF__TIMER_D, 0},

    {SRF__TXN_PROCEEDING, SRF__EV_RECV_1XX, BOTH, SRF__TXN_PROCEEDING, UP,
     SRF__TIMER_NONE, 0, SRF__TIMER_NONE, 0},
    {SRF__TXN_PROCEEDING, SRF__EV_RECV_2XX, BOTH, SRF__TXN_ACCEPTED, UP | DROP,
     STOPPED, 0, SRF__TIMER_M, LONG},
    {SRF__TXN_PROCEEDING, SRF__EV_RECV_FINAL, UDP, SRF__TXN_COMPLETED,
     SRF__DO_SEND_ACK | UP | DROP, STOPPED, 0, SRF__TIMER_D, LONG},
    {SRF__TXN_PROCEEDING, SRF__EV_RECV_FINAL, TCP, SRF__TXN_COMPLETED,
     SRF__DO_SEND_ACK | UP | DROP, STOPPED, 0, SRF__TIMER_D, 0},
    {SRF__TXN_PROCEEDING, SRF__EV_TRANSPORT_ERROR, TCP, SRF__TXN_TERMINATED,
     SRF__DO_ERROR | END, STOPPED, 0, STOPPED, 0},
    {SRF__TXN_PROCEEDING, SRF__EV_LOST, BOTH, SRF__TXN_PROCEEDING, 0,
     SRF__TIMER_NONE, 0, SRF__TIMER_GONE, T2},
    {SRF__TXN_PROCEEDING, SRF__EV_TIMER_GONE, BOTH, SRF__TXN_TERMINATED,
     SRF__DO_ERROR | END, STOPPED, 0, STOPPED, 0},
    {SRF__TXN_PROCEEDING, SRF__EV_ORPHANED, BOTH, SRF__TXN_PROCEEDING, 0,
     SRF__TIMER_NONE, 0, SRF__TIMER_B, LONG},
    {SRF__TXN_PROCEEDING, SRF__EV_TIMER_B, BOTH, SRF__TXN_TERMINATED,
     SRF__DO_TIMEOUT | END, STOPPED, 0, STOPPED, 0},

    {SRF__TXN_COMPLETED, SRF__EV_RECV_FINAL, BOTH, SRF__TXN_COMPLETED,
     SRF__DO_SEND_ACK, SRF__TIMER_NONE, 0, SRF__TIMER_NONE, 0},
    {SRF__TXN_COMPLETED, SRF__EV_RECV_2XX, BOTH, SRF__TXN_COMPLETED,
     SRF__DO_PASS_UP, 0, 0, 0, 0},
    {SRF__TXN_COMPLETED, SRF__EV_TIMER_D, BOTH, SRF__TXN_TERMINATED, END,
     STOPPED, 0, STOPPED, 0},

    {SRF__TXN_ACCEPTED, SRF__EV_RECV_2XX, BOTH, SRF__TXN_ACCEPTED, UP,
     SRF__TIMER_NONE, 0, SRF__TIMER_NONE, 0},
    {SRF__TXN_ACCEPTED, SRF__EV_TIMER_M, BOTH, SRF__TXN_TERMINATED, END,
     STOPPED, 0, STOPPED, 0},
};

START_TEST(ict_does_what_its_table_says_over_udp)
{
    CHECK_TABLE(srf__ict_step, &default_timing, UDP, rows);
}
END_TEST

START_TEST(ict_does_what_its_table_says_over_a_reliable_transport)
{
    CHECK_TABLE(srf__ict_step, &default_timing, TCP, rows);
}
END_TEST

START_TEST(ict_without_an_answer_repeats_the_request_and_times_out)
{
    machine_run_t run = run_start(srf__ict_step, &default_timing, false);

    run_until(&run, 100000);

    CHECK_SENDS(&run, 0, 500, 1500, 3500, 7500, 15500, 31500);
    ck_assert(run.seen & SRF__DO_TIMEOUT);
    ck_assert_uint_eq(run.ended_ms, 32000);
}
END_TEST

START_TEST(ict_timer_a_is_not_capped_at_t2)
{
    srf__txn_timing_t timing = default_timing;
    timing.t2_ms = 1000;
    machine_run_t run = run_start(srf__ict_step, &timing, false);

    run_until(&run, 100000);

    CHECK_SENDS(&run, 0, 500, 1500, 3500, 7500, 15500, 31500);
}
END_TEST

START_TEST(ict_on_a_reliable_transport_sends_once_and_times_out)
{
    machine_run_t run = run_start(srf__ict_step, &default_timing, true);

    run_until(&run, 100000);

    CHECK_SENDS(&run, 0);
    ck_assert(run.seen & SRF__DO_TIMEOUT);
    ck_assert_uint_eq(run.ended_ms, 32000);
}
END_TEST

START_TEST(ict_after_a_provisional_response_waits_without_end)
{
    machine_run_t run = run_start(srf__ict_step, &default_timing, false);
    run_until(&run, 700);

    run_feed(&run, SRF__EV_RECV_1XX);
    run_until(&run, 3600000);

    CHECK_SENDS(&run, 0, 500);
    ck_assert_int_eq(run.machine.state, SRF__TXN_PROCEEDING);
}
END_TEST

START_TEST(ict_accepted_lasts_64_t1_after_the_first_2xx)
{
    machine_run_t run = run_start(srf__ict_step, &default_timing, false);
    run_until(&run, 1000);
    run_feed(&run, SRF__EV_RECV_2XX);

    run_until(&run, 20000);
    run_feed(&run, SRF__EV_RECV_2XX);
    run_until(&run, 32999);
    ck_assert_int_eq(run.machine.state, SRF__TXN_ACCEPTED);
    run_until(&run, 100000);

    ck_assert_uint_eq(run.ended_ms, 33000);
    ck_assert(!(run.seen & (SRF__DO_TIMEOUT | SRF__DO_SEND_ACK)));
}
END_TEST

START_TEST(ict_completed_lasts_64_t1_over_udp_whatever_is_repeated)
{
    machine_run_t run = run_start(srf__ict_step, &default_timing, false);
    run_feed(&run, SRF__EV_RECV_1XX);
    run_until(&run, 5000);
    run_feed(&run, SRF__EV_RECV_FINAL);

    run_until(&run, 30000);
    run_feed(&run, SRF__EV_RECV_FINAL);
    run_until(&run, 100000);

    ck_assert_uint_eq(run.ended_ms, 37000);
}
END_TEST

START_TEST(ict_completed_ends_from_the_loop_on_a_reliable_transport)
{
    machine_run_t run = run_start(srf__ict_step, &default_timing, true);
    run_until(&run, 5000);

    run_feed(&run, SRF__EV_RECV_FINAL);
    ck_assert_int_eq(run.machine.state, SRF__TXN_COMPLETED);
    run_until(&run, 5000);

    ck_assert_int_eq(run.machine.state, SRF__TXN_TERMINATED);
}
END_TEST

/* What the limit is that runs when the peer is there again, and whether that
 * stops it. */
static const struct {
    srf__txn_timer_t running;
    bool stops;
} returns[] = {
    {SRF__TIMER_NONE, false}, {SRF__TIMER_GONE, true}, {SRF__TIMER_B, false}};

START_TEST(ict_whose_peer_has_returned_waits_without_end_again)
{
    srf__machine_t machine = {.state = SRF__TXN_PROCEEDING,
                              .reliable = true,
                              .limit = (uint8_t)returns[_i].running};
    srf__txn_actions_t out;

    srf__ict_step(&machine, SRF__EV_RETURNED, &default_timing, &out);

    ck_assert_int_eq(machine.state, SRF__TXN_PROCEEDING);
    ck_assert_uint_eq(out.what, returns[_i].stops ? SRF__DO_STOP_LIMIT : 0);
    ck_assert_int_eq(out.limit, SRF__TIMER_NONE);
}
END_TEST

START_TEST(ict_timers_scale_with_t1)
{
    const srf__txn_timing_t timing = {.t1_ms = 10, .t2_ms = 80, .t4_ms = 100};
    machine_run_t run = run_start(srf__ict_step, &timing, false);

    run_until(&run, 10000);

    CHECK_SENDS(&run, 0, 10, 30, 70, 150, 310, 630);
    ck_assert_uint_eq(run.ended_ms, 640);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ict");
    TCase *tcase = tcase_create("ict");

    tcase_add_test(tcase, ict_does_what_its_table_says_over_udp);
    tcase_add_test(tcase,
                   ict_does_what_its_table_says_over_a_reliable_transport);
    tcase_add_test(tcase,
                   ict_without_an_answer_repeats_the_request_and_times_out);
    tcase_add_test(tcase, ict_timer_a_is_not_capped_at_t2);
    tcase_add_test(tcase, ict_on_a_reliable_transport_sends_once_and_times_out);
    tcase_add_test(tcase, ict_after_a_provisional_response_waits_without_end);
    tcase_add_test(tcase, ict_accepted_lasts_64_t1_after_the_first_2xx);
    tcase_add_test(tcase,
                   ict_completed_lasts_64_t1_over_udp_whatever_is_repeated);
    tcase_add_test(tcase,
                   ict_completed_ends_from_the_loop_on_a_reliable_transport);
    tcase_add_loop_test(tcase,
                        ict_whose_peer_has_returned_waits_without_end_again, 0,
                        (int)(sizeof(returns) / sizeof(returns[0])));
    tcase_add_test(tcase, ict_timers_scale_with_t1);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
