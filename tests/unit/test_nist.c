/*
 * Non-INVITE server transaction (RFC 3261 §17.2.2, RFC 4320).
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
    LONG = 64 * T1,
    TRYING_DELAY = 3500 /* 500 + 1000 + 2000: then Timer E is T2 */
};

/* What Trying and Proceeding have in common: any final response ends them, and
 * that there will be none. */
#define ANSWERED(state)                                                     \
 {                                                                          \
     state, SRF__EV_OWE,     BOTH, state, 0, SRF__TIMER_NONE,               \
     0,     SRF__TIMER_OWED, T1},                                           \
     {state, SRF__EV_TIMER_OWED, BOTH, state, SRF__DO_PAY, SRF__TIMER_NONE, \
      0,     SRF__TIMER_NONE,    0},                                        \
     {state, SRF__EV_FALL_SILENT, UDP, SRF__TXN_COMPLETED, 0, STOPPED,      \
      0,     SRF__TIMER_J,        LONG},                                    \
     {state, SRF__EV_FALL_SILENT,                                           \
      TCP,   SRF__TXN_TERMINATED,                                           \
      END,   STOPPED,                                                       \
      0,     STOPPED,                                                       \
      0},                                                                   \
     {state, SRF__EV_SEND_2XX, UDP, SRF__TXN_COMPLETED, SEND, STOPPED,      \
      0,     SRF__TIMER_J,     LONG},                                       \
     {state, SRF__EV_SEND_2XX, TCP, SRF__TXN_COMPLETED, SEND, STOPPED,      \
      0,     SRF__TIMER_J,     0},                                          \
     {state, SRF__EV_SEND_FINAL, UDP, SRF__TXN_COMPLETED, SEND, STOPPED,    \
      0,     SRF__TIMER_J,       LONG},                                     \
 {                                                                          \
  state, SRF__EV_SEND_FINAL, TCP, SRF__TXN_COMPLETED, SEND, STOPPED, 0,     \
      SRF__TIMER_J, 0                                                       \
 }

/* state, event, transport, next, actions, repeat slot, limit slot */
static const step_row_t rows[] = {
    {SRF__TXN_INIT, SRF__EV_START, BOTH, SRF__TXN_TRYING, 0, SRF__TIMER_TRYING,
     TRYING_DELAY, SRF__TIMER_NONE, 0},

    ANSWERED(SRF__TXN_TRYING),
    {SRF__TXN_TRYING, SRF__EV_TIMER_TRYING, BOTH, SRF__TXN_PROCEEDING,
     SRF__DO_SEND_100, SRF__TIMER_NONE, 0, SRF__TIMER_NONE, 0},

    ANSWERED(SRF__TXN_PROCEEDING),
    {SRF__TXN_PROCEEDING, SRF__EV_RECV_REQUEST, BOTH, SRF__TXN_PROCEEDING,
     AGAIN, SRF__TIMER_NONE, 0, SRF__TIMER_NONE, 0},

    {SRF__TXN_COMPLETED, SRF__EV_RECV_REQUEST, BOTH, SRF__TXN_COMPLETED, AGAIN,
     SRF__TIMER_NONE, 0, SRF__TIMER_NONE, 0},
    {SRF__TXN_COMPLETED, SRF__EV_TIMER_J, BOTH, SRF__TXN_TERMINATED, END,
     STOPPED, 0, STOPPED, 0},
};

START_TEST(nist_does_what_its_table_says_over_udp)
{
    CHECK_TABLE(srf__nist_step, &default_timing, UDP, rows);
}
END_TEST

START_TEST(nist_does_what_its_table_says_over_a_reliable_transport)
{
    CHECK_TABLE(srf__nist_step, &default_timing, TCP, rows);
}
END_TEST

START_TEST(nist_delay_does_not_depend_on_that_of_invite)
{
    srf__txn_timing_t timing = default_timing;
    timing.trying_delay_ms = 200;
    machine_run_t run = run_start(srf__nist_step, &timing, false);

    run_until(&run, 100000);

    CHECK_SENDS(&run, TRYING_DELAY);
}
END_TEST

START_TEST(nist_unanswered_sends_one_100_and_never_ends_by_itself)
{
    machine_run_t run = run_start(srf__nist_step, &default_timing, _i != 0);

    run_until(&run, 3600000);

    CHECK_SENDS(&run, TRYING_DELAY);
    ck_assert_int_eq(run.machine.state, SRF__TXN_PROCEEDING);
    ck_assert(!(run.seen & (SRF__DO_TIMEOUT | SRF__DO_TERMINATE)));
}
END_TEST

START_TEST(nist_answered_in_time_sends_no_100)
{
    machine_run_t run = run_start(srf__nist_step, &default_timing, false);
    run_until(&run, TRYING_DELAY - 1);

    run_feed(&run, SRF__EV_SEND_FINAL);
    run_until(&run, 10000);

    CHECK_SENDS(&run, TRYING_DELAY - 1);
    ck_assert(!(run.seen & SRF__DO_SEND_100));
}
END_TEST

START_TEST(nist_repeats_its_answer_only_when_the_request_comes_again)
{
    machine_run_t run = run_start(srf__nist_step, &default_timing, false);
    run_feed(&run, SRF__EV_RECV_REQUEST);
    run_until(&run, 1000);
    run_feed(&run, SRF__EV_SEND_2XX);

    run_until(&run, 2000);
    run_feed(&run, SRF__EV_RECV_REQUEST);
    run_feed(&run, SRF__EV_SEND_FINAL);
    run_until(&run, 100000);

    CHECK_SENDS(&run, 1000, 2000);
    ck_assert_uint_eq(run.ended_ms, 33000);
}
END_TEST

START_TEST(nist_completed_ends_from_the_loop_on_a_reliable_transport)
{
    machine_run_t run = run_start(srf__nist_step, &default_timing, true);

    run_feed(&run, SRF__EV_SEND_2XX);
    ck_assert_int_eq(run.machine.state, SRF__TXN_COMPLETED);
    run_until(&run, 0);

    ck_assert_int_eq(run.machine.state, SRF__TXN_TERMINATED);
}
END_TEST

static const struct {
    uint32_t t1_ms;
    uint32_t t2_ms;
    uint32_t delay_ms;
} delays[] = {
    {500, 4000, 3500},
    {10, 80, 70},
    {300, 1000, 900}, /* 600 doubled is beyond T2: E is T2 after 300 + 600 */
    {500, 501, 500},
    {500, 500, 500}, /* E is T2 as soon as it has fired once */
    {2000, 500, 2000},
    {1, 4000, 4095}};

START_TEST(nist_delay_is_the_time_until_timer_e_reaches_t2)
{
    const srf__txn_timing_t timing = {.t1_ms = delays[_i].t1_ms,
                                      .t2_ms = delays[_i].t2_ms};

    ck_assert_uint_eq(srf__trying_delay_non_invite(&timing),
                      delays[_i].delay_ms);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("nist");
    TCase *tcase = tcase_create("nist");

    tcase_add_test(tcase, nist_does_what_its_table_says_over_udp);
    tcase_add_test(tcase,
                   nist_does_what_its_table_says_over_a_reliable_transport);
    tcase_add_test(tcase, nist_delay_does_not_depend_on_that_of_invite);
    tcase_add_loop_test(
        tcase, nist_unanswered_sends_one_100_and_never_ends_by_itself, 0, 2);
    tcase_add_test(tcase, nist_answered_in_time_sends_no_100);
    tcase_add_test(tcase,
                   nist_repeats_its_answer_only_when_the_request_comes_again);
    tcase_add_test(tcase,
                   nist_completed_ends_from_the_loop_on_a_reliable_transport);
    tcase_add_loop_test(tcase, nist_delay_is_the_time_until_timer_e_reaches_t2,
                        0, (int)(sizeof(delays) / sizeof(delays[0])));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
