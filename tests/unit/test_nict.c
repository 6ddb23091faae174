/*
 * Non-INVITE client transaction (RFC 3261 §17.1.2).
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
    T4 = 5000,
    LONG = 64 * T1
};

/* What Trying and Proceeding have in common. */
#define WAITING(state)                                                        \
 {state,                                                                      \
  SRF__EV_TIMER_F,                                                            \
  BOTH,                                                                       \
  SRF__TXN_TERMINATED,                                                        \
  SRF__DO_TIMEOUT | END,                                                      \
  STOPPED,                                                                    \
  0,                                                                          \
  STOPPED,                                                                    \
  0},                                                                         \
     {state,                                                                  \
      SRF__EV_TRANSPORT_ERROR,                                                \
      BOTH,                                                                   \
      SRF__TXN_TERMINATED,                                                    \
      SRF__DO_ERROR | END,                                                    \
      STOPPED,                                                                \
      0,                                                                      \
      STOPPED,                                                                \
      0},                                                                     \
     {state, SRF__EV_RECV_2XX, UDP, SRF__TXN_COMPLETED, UP | DROP, STOPPED,   \
      0,     SRF__TIMER_K,     T4},                                           \
     {state, SRF__EV_RECV_2XX, TCP, SRF__TXN_COMPLETED, UP | DROP, STOPPED,   \
      0,     SRF__TIMER_K,     0},                                            \
     {state, SRF__EV_RECV_FINAL, UDP, SRF__TXN_COMPLETED, UP | DROP, STOPPED, \
      0,     SRF__TIMER_K,       T4},                                         \
 {                                                                            \
  state, SRF__EV_RECV_FINAL, TCP, SRF__TXN_COMPLETED, UP | DROP, STOPPED, 0,  \
      SRF__TIMER_K, 0                                                         \
 }

/* state, event, transport, next, actions, repeat slot, limit slot */
static const step_row_t rows[] = {
    {SRF__TXN_INIT, SRF__EV_START, UDP, SRF__TXN_TRYING, SRF__DO_SEND,
     SRF__TIMER_E, T1, SRF__TIMER_F, LONG},
    {SRF__TXN_INIT, SRF__EV_START, TCP, SRF__TXN_TRYING, SRF__DO_SEND,
     SRF__TIMER_NONE, 0, SRF__TIMER_F, LONG},

    WAITING(SRF__TXN_TRYING),
    {SRF__TXN_TRYING, SRF__EV_TIMER_E, UDP, SRF__TXN_TRYING, SRF__DO_RESEND,
     SRF__TIMER_E, 2 * T1, SRF__TIMER_NONE, 0},
    {SRF__TXN_TRYING, SRF__EV_RECV_1XX, UDP, SRF__TXN_PROCEEDING, UP,
     SRF__TIMER_E, T2, SRF__TIMER_NONE, 0},
    {SRF__TXN_TRYING, SRF__EV_RECV_1XX, TCP, SRF__TXN_PROCEEDING, UP,
     SRF__TIMER_NONE, 0, SRF__TIMER_NONE, 0},

    WAITING(SRF__TXN_PROCEEDING),
    {SRF__TXN_PROCEEDING, SRF__EV_TIMER_E, UDP, SRF__TXN_PROCEEDING,
     SRF__DO_RESEND, SRF__TIMER_E, T2, SRF__TIMER_NONE, 0},
    {SRF__TXN_PROCEEDING, SRF__EV_RECV_1XX, BOTH, SRF__TXN_PROCEEDING, UP,
     SRF__TIMER_NONE, 0, SRF__TIMER_NONE, 0},

    {SRF__TXN_COMPLETED, SRF__EV_TIMER_K, BOTH, SRF__TXN_TERMINATED, END,
     STOPPED, 0, STOPPED, 0},
};

START_TEST(nict_does_what_its_table_says_over_udp)
{
    CHECK_TABLE(srf__nict_step, &default_timing, UDP, rows);
}
END_TEST

START_TEST(nict_does_what_its_table_says_over_a_reliable_transport)
{
    CHECK_TABLE(srf__nict_step, &default_timing, TCP, rows);
}
END_TEST

START_TEST(nict_without_an_answer_repeats_at_most_every_t2_and_times_out)
{
    machine_run_t run = run_start(srf__nict_step, &default_timing, false);

    run_until(&run, 100000);

    CHECK_SENDS(&run, 0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500,
                27500, 31500);
    ck_assert(run.seen & SRF__DO_TIMEOUT);
    ck_assert_uint_eq(run.ended_ms, 32000);
}
END_TEST

START_TEST(nict_after_a_provisional_response_repeats_every_t2)
{
    machine_run_t run = run_start(srf__nict_step, &default_timing, false);
    run_until(&run, 1000);
    run_feed(&run, SRF__EV_RECV_1XX);

    run_until(&run, 6000);
    run_feed(&run, SRF__EV_RECV_1XX);
    run_until(&run, 100000);

    CHECK_SENDS(&run, 0, 500, 5000, 9000, 13000, 17000, 21000, 25000, 29000);
    ck_assert(run.seen & SRF__DO_TIMEOUT);
    ck_assert_uint_eq(run.ended_ms, 32000);
}
END_TEST

START_TEST(nict_interval_meets_a_t2_that_is_no_power_of_two_of_t1)
{
    const srf__txn_timing_t timing = {.t1_ms = 300, .t2_ms = 1000};
    machine_run_t run = run_start(srf__nict_step, &timing, false);

    run_until(&run, 5000);

    CHECK_SENDS(&run, 0, 300, 900, 1900, 2900, 3900, 4900);
}
END_TEST

START_TEST(nict_with_t1_beyond_t2_falls_back_to_t2)
{
    const srf__txn_timing_t timing = {.t1_ms = 1000, .t2_ms = 400};
    machine_run_t run = run_start(srf__nict_step, &timing, false);

    run_until(&run, 2000);

    CHECK_SENDS(&run, 0, 1000, 1400, 1800);
}
END_TEST

START_TEST(nict_on_a_reliable_transport_sends_once_and_times_out)
{
    machine_run_t run = run_start(srf__nict_step, &default_timing, true);

    run_feed(&run, SRF__EV_RECV_1XX);
    run_until(&run, 100000);

    CHECK_SENDS(&run, 0);
    ck_assert(run.seen & SRF__DO_TIMEOUT);
    ck_assert_uint_eq(run.ended_ms, 32000);
}
END_TEST

START_TEST(nict_completed_lasts_t4_over_udp)
{
    machine_run_t run = run_start(srf__nict_step, &default_timing, false);
    run_until(&run, 100);
    run_feed(&run, SRF__EV_RECV_FINAL);

    run_until(&run, 3000);
    run_feed(&run, SRF__EV_RECV_FINAL);
    run_until(&run, 100000);

    CHECK_SENDS(&run, 0);
    ck_assert_uint_eq(run.ended_ms, 5100);
}
END_TEST

START_TEST(nict_completed_ends_from_the_loop_on_a_reliable_transport)
{
    machine_run_t run = run_start(srf__nict_step, &default_timing, true);

    run_feed(&run, SRF__EV_RECV_2XX);
    ck_assert_int_eq(run.machine.state, SRF__TXN_COMPLETED);
    run_until(&run, 0);

    ck_assert_int_eq(run.machine.state, SRF__TXN_TERMINATED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("nict");
    TCase *tcase = tcase_create("nict");

    tcase_add_test(tcase, nict_does_what_its_table_says_over_udp);
    tcase_add_test(tcase,
                   nict_does_what_its_table_says_over_a_reliable_transport);
    tcase_add_test(
        tcase, nict_without_an_answer_repeats_at_most_every_t2_and_times_out);
    tcase_add_test(tcase, nict_after_a_provisional_response_repeats_every_t2);
    tcase_add_test(tcase,
                   nict_interval_meets_a_t2_that_is_no_power_of_two_of_t1);
    tcase_add_test(tcase, nict_with_t1_beyond_t2_falls_back_to_t2);
    tcase_add_test(tcase,
                   nict_on_a_reliable_transport_sends_once_and_times_out);
    tcase_add_test(tcase, nict_completed_lasts_t4_over_udp);
    tcase_add_test(tcase,
                   nict_completed_ends_from_the_loop_on_a_reliable_transport);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
