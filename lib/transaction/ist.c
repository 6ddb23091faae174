/*
 * INVITE server transaction: RFC 3261 §17.2.1, Figure 7, with the Accepted
 * state of RFC 6026 §7.1 (Timer L).
 *
 * state       event            actions                             next
 * ----------  ---------------  ----------------------------------  ----------
 * Init        START            100 at once, or TRYING              Proceeding
 * Proceeding  TRYING           100                                 Proceeding
 * Proceeding  INVITE           last response again                 Proceeding
 * Proceeding  send 1xx         send; stop TRYING                   Proceeding
 * Proceeding  send 2xx         send; L = 64*T1                     Accepted
 * Proceeding  send 300-699     send; G = T1 (UDP); H = 64*T1       Completed
 * Proceeding  owe              OWED = T1                           Proceeding
 * Proceeding  OWED             pay                                 Proceeding
 * Proceeding  fall silent                                          Terminated
 * Accepted    send 2xx         send                                Accepted
 * Accepted    Timer L                                              Terminated
 * Completed   INVITE           last response again                 Completed
 * Completed   Timer G          last response again; G=min(2*G,T2)  Completed
 * Completed   ACK              stop G; I = T4 (UDP) or 0           Confirmed
 * Completed   Timer H                                              Terminated
 * Confirmed   Timer I                                              Terminated
 * any         ABANDON                                              Terminated
 *
 * What is not listed is ignored. There is no event for a transport error: the
 * transaction stays (RFC 6026 §8.7), and nobody is told.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transaction/machine.h"

static void init_event(srf__machine_t *machine, srf__txn_event_t event,
                       const srf__txn_timing_t *timing, srf__txn_actions_t *out)
{
    if (event != SRF__EV_START)
        return;
    machine->state = SRF__TXN_PROCEEDING;
    if (timing->trying_delay_ms == 0) {
        out->what = SRF__DO_SEND_100;
    } else {
        out->repeat = SRF__TIMER_TRYING;
        out->repeat_ms = timing->trying_delay_ms;
    }
}

static void send_final(srf__machine_t *machine, srf__txn_event_t event,
                       const srf__txn_timing_t *timing, srf__txn_actions_t *out)
{
    out->what = SRF__DO_SEND | SRF__DO_STOP_REPEAT;
    out->limit_ms = 64 * timing->t1_ms;
    if (event == SRF__EV_SEND_2XX) { /* RFC 6026 §8.7 */
        machine->state = SRF__TXN_ACCEPTED;
        out->limit = SRF__TIMER_L;
        return;
    }
    machine->state = SRF__TXN_COMPLETED;
    out->limit = SRF__TIMER_H;
    if (machine->reliable)
        return;
    machine->interval_ms = timing->t1_ms;
    out->repeat = SRF__TIMER_G;
    out->repeat_ms = machine->interval_ms;
}

static void proceeding_event(srf__machine_t *machine, srf__txn_event_t event,
                             const srf__txn_timing_t *timing,
                             srf__txn_actions_t *out)
{
    switch ((int)event) {
    case SRF__EV_TIMER_TRYING:
        out->what = SRF__DO_SEND_100;
        break;
    case SRF__EV_RECV_REQUEST:
        out->what = SRF__DO_RESEND;
        break;
    case SRF__EV_SEND_1XX:
        out->what = SRF__DO_SEND | SRF__DO_STOP_REPEAT;
        break;
    case SRF__EV_SEND_2XX:
    case SRF__EV_SEND_FINAL:
        send_final(machine, event, timing, out);
        break;
    case SRF__EV_OWE:
        out->limit = SRF__TIMER_OWED;
        out->limit_ms = timing->t1_ms;
        break;
    case SRF__EV_TIMER_OWED:
        out->what = SRF__DO_PAY;
        break;
    case SRF__EV_FALL_SILENT:
        srf__machine_terminate(machine, 0, out);
        break;
    default:
        break;
    }
}

static void accepted_event(srf__machine_t *machine, srf__txn_event_t event,
                           const srf__txn_timing_t *timing,
                           srf__txn_actions_t *out)
{
    (void)timing;
    if (event == SRF__EV_SEND_2XX)
        out->what = SRF__DO_SEND;
    else if (event == SRF__EV_TIMER_L)
        srf__machine_terminate(machine, 0, out);
}

static void repeat_final(srf__machine_t *machine,
                         const srf__txn_timing_t *timing,
                         srf__txn_actions_t *out)
{
    machine->interval_ms = machine->interval_ms > timing->t2_ms / 2
                               ? timing->t2_ms
                               : machine->interval_ms * 2;
    out->what = SRF__DO_RESEND;
    out->repeat = SRF__TIMER_G;
    out->repeat_ms = machine->interval_ms;
}

static void completed_event(srf__machine_t *machine, srf__txn_event_t event,
                            const srf__txn_timing_t *timing,
                            srf__txn_actions_t *out)
{
    switch ((int)event) {
    case SRF__EV_RECV_REQUEST:
        out->what = SRF__DO_RESEND;
        break;
    case SRF__EV_TIMER_G:
        repeat_final(machine, timing, out);
        break;
    case SRF__EV_RECV_ACK:
        machine->state = SRF__TXN_CONFIRMED;
        out->what = SRF__DO_STOP_REPEAT;
        out->limit = SRF__TIMER_I;
        out->limit_ms = machine->reliable ? 0 : timing->t4_ms;
        break;
    case SRF__EV_TIMER_H:
        srf__machine_terminate(machine, 0, out);
        break;
    default:
        break;
    }
}

static void confirmed_event(srf__machine_t *machine, srf__txn_event_t event,
                            const srf__txn_timing_t *timing,
                            srf__txn_actions_t *out)
{
    (void)timing;
    if (event == SRF__EV_TIMER_I)
        srf__machine_terminate(machine, 0, out);
}

void srf__ist_step(srf__machine_t *machine, srf__txn_event_t event,
                   const srf__txn_timing_t *timing, srf__txn_actions_t *out)
{
    static srf__machine_step_fn *const handlers[SRF__TXN_STATE_COUNT] = {
        [SRF__TXN_INIT] = init_event,
        [SRF__TXN_PROCEEDING] = proceeding_event,
        [SRF__TXN_ACCEPTED] = accepted_event,
        [SRF__TXN_COMPLETED] = completed_event,
        [SRF__TXN_CONFIRMED] = confirmed_event,
    };

    srf__machine_run(handlers, machine, event, timing, out);
}
