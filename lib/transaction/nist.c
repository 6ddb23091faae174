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
 * both        owe              OWED = T1                       same
 * both        OWED             pay                             same
 * both        fall silent      J = 64*T1 (UDP)                 Completed
 * both        fall silent      (streams)                       Terminated
 * Completed   request          last response again             Completed
 * Completed   Timer J                                          Terminated
 * any         ABANDON                                          Terminated
 *
 * What is not listed is ignored. There is no event for a transport error: the
 * transaction stays, and nobody is told.
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

static void end(srf__machine_t *machine, const srf__txn_timing_t *timing,
                srf__txn_actions_t *out)
{
    machine->state = SRF__TXN_COMPLETED;
    out->what = SRF__DO_STOP_REPEAT;
    out->limit = SRF__TIMER_J;
    out->limit_ms = machine->reliable ? 0 : 64 * timing->t1_ms;
}

/* RFC 4320 §4.2 leaves a caller without an answer, who then goes on for what is
 * left of 64*T1: were nothing known of the request, each repetition would be a
 * new one. */
static void fall_silent(srf__machine_t *machine,
                        const srf__txn_timing_t *timing,
                        srf__txn_actions_t *out)
{
    if (machine->reliable)
        srf__machine_terminate(machine, 0, out);
    else
        end(machine, timing, out);
}

static void waiting_event(srf__machine_t *machine, srf__txn_event_t event,
                          const srf__txn_timing_t *timing,
                          srf__txn_actions_t *out)
{
    bool proceeding = machine->state == SRF__TXN_PROCEEDING;

    switch ((int)event) {
    case SRF__EV_TIMER_TRYING:
        if (proceeding)
            break;
        machine->state = SRF__TXN_PROCEEDING; /* RFC 4320 §4.1 */
        out->what = SRF__DO_SEND_100;
        break;
    case SRF__EV_RECV_REQUEST:
        out->what = proceeding ? SRF__DO_RESEND : 0;
        break;
    case SRF__EV_SEND_2XX:
    case SRF__EV_SEND_FINAL:
        end(machine, timing, out);
        out->what |= SRF__DO_SEND;
        break;
    case SRF__EV_OWE:
        out->limit = SRF__TIMER_OWED;
        out->limit_ms = timing->t1_ms;
        break;
    case SRF__EV_TIMER_OWED:
        out->what = SRF__DO_PAY;
        break;
    case SRF__EV_FALL_SILENT:
        fall_silent(machine, timing, out);
        break;
    default:
        break;
    }
}

static void completed_event(srf__machine_t *machine, srf__txn_event_t event,
                            const srf__txn_timing_t *timing,
                            srf__txn_actions_t *out)
{
    (void)timing;
    if (event == SRF__EV_RECV_REQUEST)
        out->what = SRF__DO_RESEND;
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
