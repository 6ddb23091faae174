/*
 * INVITE server transaction (RFC 3261 §17.2.1, RFC 6026 §7.1).
 *
 * SPDX-License-Identifier: MIT
 */
#include "machine_check.h"
#include "runner.h"

enum {
    SEND = SRF__DO_SEND,
    AGAIN = SRF__DO_RESEND,
    END = SRF__DO_TERMINATE,
    T1 = 500,
    T4 = 5000,
    LONG = 64 * T1
};

/* state, event, transport, next, actions, repeat slot, limit slot */
static const step_row_t rows[] = {
    {SRF__TXN_INIT, SRF__EV_START, BOTH, SRF__TXN_PROCEEDING, SRF__DO_SEND_100,
     SRF__TIMER_NONE, 0, SRF__TIMER_NONE, 0},

    {SRF__TXN_PROCEEDING, SRF__EV_TIMER_TRYING, BOTH, SRF__TXN_PROCEEDING,
     SRF__DO_SEND_100, SRF__TIMER_NONE, 0, SRF__TIMER_NONE, 0},
    {SRF__TXN_PROCEEDING, SRF__EV_RECV_REQUEST, BOTH, SRF__TXN_PROCEEDING,
     AGAIN, SRF__TIMER_NONE, 0, SRF__TIMER_NONE, 0},
    {SRF__TXN_PROCEEDING, SRF__EV_SEND_1XX, BOTH, SRF__TXN_PROCEEDING, SEND,
     STOPPED, 0, SRF__TIMER_NONE, 0},
    {SRF__TXN_PROCEEDING, SRF__EV_SEND_2XX, BOTH, SRF__TXN_ACCEPTED, SEND,
     STOPPED, 0, SRF__TIMER_L, LONG},
    {SRF__TXN_PROCEEDING, SRF__EV_SEND_FINAL, UDP, SRF__TXN_COMPLETED, SEND,
     SRF__TIMER_G, T1, SRF__TIMER_H, LONG},
    {SRF__TXN_PROCEEDING, SRF__EV_SEND_FINAL, TCP, SRF__TXN_COMPLETED, SEND,
     STOPPED, 0, SRF__TIMER_H, LONG},
    {SRF__TXN_PROCEEDING, SRF__EV_OWE, BOTH, SRF__TXN_PROCEEDING, 0,
     SRF__TIMER_NONE, 0, SRF__TIMER_OWED, T1},
    {SRF__TXN_PROCEEDING, SRF__EV_TIMER_OWED, BOTH, SRF__TXN_PROCEEDING,
     SRF__DO_PAY, SRF__TIMER_NONE, 0, SRF__TIMER_NONE, 0},
    {SRF__TXN_PROCEEDING, SRF__EV_FALL_SILENT, BOTH, SRF__TXN_TERMINATED, END,
     STOPPED, 0, STOPPED, 0},

    {SRF__TXN_ACCEPTED, SRF__EV_SEND_2XX, BOTH, SRF__TXN_ACCEPTED, SEND,
     SRF__TIMER_NONE, 0, SRF__TIMER_NONE, 0},
    {SRF__TXN_ACCEPTED, SRF__EV_TIMER_L, BOTH, SRF__TXN_TERMINATED, END,
     STOPPED, 0, STOPPED, 0},

    {SRF__TXN_COMPLETED, SRF__EV_RECV_REQUEST, BOTH, SRF__TXN_COMPLETED, AGAIN,
     SRF__TIMER_NONE, 0, SRF__TIMER_NONE, 0},
    {SRF__TXN_COMPLETED, SRF__EV_TIMER_G, UDP, SRF__TXN_COMPLETED, AGAIN,
     SRF__TIMER_G, 2 * T1, SRF__TIMER_NONE, 0},
    {SRF__TXN_COMPLETED, SRF__EV_TIMER_H, BOTH, SRF__TXN_TERMINATED, END,
     STOPPED, 0, STOPPED, 0},
    {SRF__TXN_COMPLETED, SRF__EV_RECV_ACK, UDP, SRF__TXN_CONFIRMED, 0, STOPPED,
     0, SRF__TIMER_I, T4},
    {SRF__TXN_COMPLETED, SRF__EV_RECV_ACK, TCP, SRF__TXN_CONFIRMED, 0, STOPPED,
     0, SRF__TIMER_I, 0},

    {SRF__TXN_CONFIRMED, SRF__EV_TIMER_I, BOTH, SRF__TXN_TERMINATED, END,
     STOPPED, 0, STOPPED, 0},
};

START_TEST(ist_does_what_its_table_says_over_udp)
{
    CHECK_TABLE(srf__ist_step, &default_timing, UDP, rows);
}
END_TEST

START_TEST(ist_does_what_its_table_says_over_a_reliable_transport)
{
    CHECK_TABLE(srf__ist_step, &default_timing, TCP, rows);
}
END_TEST

START_TEST(ist_with_a_delay_sends_100_when_it_is_over)
{
    srf__txn_timing_t timing = default_timing;
    timing.trying_delay_ms = 200;
    machine_run_t run = run_start(srf__ist_step, &timing, false);

    run_until(&run, 100000);

    CHECK_SENDS(&run, 200);
    ck_assert(run.seen & SRF__DO_SEND_100);
    ck_assert_int_eq(run.machine.state, SRF__TXN_PROCEEDING);
}
END_TEST

START_TEST(ist_sends_no_100_when_something_better_came_first)
{
    static const srf__txn_event_t better[] = {
        SRF__EV_SEND_1XX, SRF__EV_SEND_2XX, SRF__EV_SEND_FINAL};
    srf__txn_timing_t timing = default_timing;
    timing.trying_delay_ms = 200;
    machine_run_t run = run_start(srf__ist_step, &timing, false);
    run_until(&run, 150);

    run_feed(&run, better[_i]);
    run_until(&run, 400);

    CHECK_SENDS(&run, 150);
    ck_assert(!(run.seen & SRF__DO_SEND_100));
}
END_TEST

START_TEST(ist_repeats_a_final_response_at_most_every_t2_until_timer_h)
{
    machine_run_t run = run_start(srf__ist_step, &default_timing, false);
    run_until(&run, 1000);

    run_feed(&run, SRF__EV_SEND_FINAL);
    run_until(&run, 100000);

    CHECK_SENDS(&run, 0, 1000, 1500, 2500, 4500, 8500, 12500, 16500, 20500,
                24500, 28500, 32500);
    ck_assert_uint_eq(run.ended_ms, 33000);
}
END_TEST

START_TEST(ist_with_t1_beyond_t2_repeats_every_t2)
{
    const srf__txn_timing_t timing = {.t1_ms = 1000, .t2_ms = 400};
    machine_run_t run = run_start(srf__ist_step, &timing, false);

    run_feed(&run, SRF__EV_SEND_FINAL);
    run_until(&run, 2000);

    CHECK_SENDS(&run, 0, 0, 1000, 1400, 1800);
}
END_TEST

START_TEST(ist_on_a_reliable_transport_sends_a_final_response_once)
{
    machine_run_t run = run_start(srf__ist_step, &default_timing, true);

    run_feed(&run, SRF__EV_SEND_FINAL);
    run_until(&run, 100000);

    CHECK_SENDS(&run, 0, 0);
    ck_assert_uint_eq(run.ended_ms, 32000);
}
END_TEST

START_TEST(ist_ack_silences_it_and_confirmed_lasts_t4)
{
    machine_run_t run = run_start(srf__ist_step, &default_timing, false);
    run_feed(&run, SRF__EV_SEND_FINAL);
    run_until(&run, 600);

    run_feed(&run, SRF__EV_RECV_ACK);
    run_until(&run, 3000);
    run_feed(&run, SRF__EV_RECV_ACK);
    run_feed(&run, SRF__EV_RECV_REQUEST);
    run_until(&run, 100000);

    CHECK_SENDS(&run, 0, 0, 500);
    ck_assert_uint_eq(run.ended_ms, 5600);
}
END_TEST

START_TEST(ist_accepted_absorbs_the_request_and_lasts_64_t1)
{
    machine_run_t run = run_start(srf__ist_step, &default_timing, false);
    run_until(&run, 2000);
    run_feed(&run, SRF__EV_SEND_2XX);

    run_until(&run, 3000);
    run_feed(&run, SRF__EV_RECV_REQUEST);
    run_until(&run, 10000);
    run_feed(&run, SRF__EV_SEND_2XX);
    run_until(&run, 100000);

    CHECK_SENDS(&run, 0, 2000, 10000);
    ck_assert_uint_eq(run.ended_ms, 34000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ist");
    TCase *tcase = tcase_create("ist");

    tcase_add_test(tcase, ist_does_what_its_table_says_over_udp);
    tcase_add_test(tcase,
                   ist_does_what_its_table_says_over_a_reliable_transport);
    tcase_add_test(tcase, ist_with_a_delay_sends_100_when_it_is_over);
    tcase_add_loop_test(
        tcase, ist_sends_no_100_when_something_better_came_first, 0, 3);
    tcase_add_test(tcase,
                   ist_repeats_a_final_response_at_most_every_t2_until_timer_h);
    tcase_add_test(tcase, ist_with_t1_beyond_t2_repeats_every_t2);
    tcase_add_test(tcase,
                   ist_on_a_reliable_transport_sends_a_final_response_once);
    tcase_add_test(tcase, ist_ack_silences_it_and_confirmed_lasts_t4);
    tcase_add_test(tcase, ist_accepted_absorbs_the_request_and_lasts_64_t1);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
