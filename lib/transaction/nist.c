/*
 * Non-INVITE server transaction: RFC 3261 §17.2.2, Figure 8, with RFC 4320: a
 * 100 only when Timer E of the caller has reached T2, no other provisional
 * response, and no 408.
 *
 * state       event            actions                         next
 * ----------  ---------------  ------------------------------  ----------
 * Init        START            TRYING                          Trying
 * Trying      TRYING           100                             Proceeding
 * Proceeding  request          last response again             Proceeding
 * both        send final       send; J = 64*T1 (UDP) or 0      Completed
 * Completed   request          last response again             Completed
 * Completed   Timer J                                          Terminated
 * P/C         transport error  error                           same
 * any         ABANDON                                          Terminated
 *
 * What is not listed is ignored.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transaction/machine.h"

uint32_t srf__trying_delay_non_invite(const srf__txn_timing_t *timing)
{
    uint32_t interval = timing->t1_ms;
    uint32_t delay = 0;

    while (interval > 0 && interval < timing->t2_ms) {
        delay += interval;
        interval = interval > timing->t2_ms / 2 ? timing->t2_ms : interval * 2;
    }
    return delay == 0 ? timing->t1_ms : delay;
}

static void init_event(srf__machine_t *machine, srf__txn_event_t event,
                       const srf__txn_timing_t *timing, srf__txn_actions_t *out)
{
    if (event != SRF__EV_START)
        return;
    machine->state = SRF__TXN_TRYING;
    out->repeat = SRF__TIMER_TRYING;
    out->repeat_ms = srf__trying_delay_non_invite(timing);
}

static void waiting_event(srf__machine_t *machine, srf__txn_event_t event,
                          const srf__txn_timing_t *timing,
                          srf__txn_actions_t *out)
{
    bool proceeding = machine->state == SRF__TXN_PROCEEDING;

    if (event == SRF__EV_TIMER_TRYING && !proceeding) {
        machine->state = SRF__TXN_PROCEEDING; /* RFC 4320 §4.1 */
        out->what = SRF__DO_SEND_100;
    } else if (event == SRF__EV_RECV_REQUEST && proceeding) {
        out->what = SRF__DO_RESEND;
    } else if (event == SRF__EV_TRANSPORT_ERROR && proceeding) {
        out->what = SRF__DO_ERROR;
    } else if (event == SRF__EV_SEND_2XX || event == SRF__EV_SEND_FINAL) {
        machine->state = SRF__TXN_COMPLETED;
        out->what = SRF__DO_SEND | SRF__DO_STOP_REPEAT;
        out->limit = SRF__TIMER_J;
        out->limit_ms = machine->reliable ? 0 : 64 * timing->t1_ms;
    }
}

static void completed_event(srf__machine_t *machine, srf__txn_event_t event,
                            const srf__txn_timing_t *timing,
                            srf__txn_actions_t *out)
{
    (void)timing;
    if (event == SRF__EV_RECV_REQUEST)
        out->what = SRF__DO_RESEND;
    else if (event == SRF__EV_TRANSPORT_ERROR)
        out->what = SRF__DO_ERROR;
    else if (event == SRF__EV_TIMER_J)
        srf__machine_terminate(machine, 0, out);
}

void srf__nist_step(srf__machine_t *machine, srf__txn_event_t event,
                    const srf__txn_timing_t *timing, srf__txn_actions_t *out)
{
    static srf__machine_step_fn *const handlers[SRF__TXN_STATE_COUNT] = {
        [SRF__TXN_INIT] = init_event,
        [SRF__TXN_TRYING] = waiting_event,
        [SRF__TXN_PROCEEDING] = waiting_event,
        [SRF__TXN_COMPLETED] = completed_event,
    };

    srf__machine_run(handlers, machine, event, timing, out);
}
