/*
 * Non-INVITE client transaction: RFC 3261 §17.1.2, Figure 6.
 *
 * state       event            actions                           next
 * ----------  ---------------  --------------------------------  ----------
 * Init        START            send; E = T1 (UDP); F = 64*T1     Trying
 * Trying      Timer E          send again; E = min(2*E, T2)      Trying
 * Trying      1xx              pass up; E = T2 (UDP)             Proceeding
 * Proceeding  Timer E          send again; E = T2                Proceeding
 * Proceeding  1xx              pass up                           Proceeding
 * both        Timer F          timeout                           Terminated
 * both        transport error  error                             Terminated
 * both        200-699          pass up; K = T4 (UDP) or 0        Completed
 * Completed   Timer K                                            Terminated
 * any         ABANDON                                            Terminated
 *
 * What is not listed is ignored.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transaction/machine.h"

static void start_e(const srf__machine_t *machine, srf__txn_actions_t *out)
{
    if (machine->reliable)
        return;
    out->repeat = SRF__TIMER_E;
    out->repeat_ms = machine->interval_ms;
}

static void init_event(srf__machine_t *machine, srf__txn_event_t event,
                       const srf__txn_timing_t *timing, srf__txn_actions_t *out)
{
    if (event != SRF__EV_START)
        return;
    machine->state = SRF__TXN_TRYING;
    machine->interval_ms = timing->t1_ms;
    out->what = SRF__DO_SEND;
    out->limit = SRF__TIMER_F;
    out->limit_ms = 64 * timing->t1_ms;
    start_e(machine, out);
}

static void recv_final(srf__machine_t *machine, const srf__txn_timing_t *timing,
                       srf__txn_actions_t *out)
{
    machine->state = SRF__TXN_COMPLETED;
    out->what = SRF__DO_PASS_UP | SRF__DO_DROP_REQUEST | SRF__DO_STOP_REPEAT;
    out->limit = SRF__TIMER_K;
    out->limit_ms = machine->reliable ? 0 : timing->t4_ms;
}

static void repeat(srf__machine_t *machine, const srf__txn_timing_t *timing,
                   srf__txn_actions_t *out)
{
    if (machine->state == SRF__TXN_PROCEEDING ||
        machine->interval_ms > timing->t2_ms / 2)
        machine->interval_ms = timing->t2_ms;
    else
        machine->interval_ms *= 2;
    out->what = SRF__DO_RESEND;
    start_e(machine, out);
}

static void waiting_event(srf__machine_t *machine, srf__txn_event_t event,
                          const srf__txn_timing_t *timing,
                          srf__txn_actions_t *out)
{
    switch ((int)event) {
    case SRF__EV_TIMER_E:
        repeat(machine, timing, out);
        break;
    case SRF__EV_TIMER_F:
        srf__machine_terminate(machine, SRF__DO_TIMEOUT, out);
        break;
    case SRF__EV_TRANSPORT_ERROR:
        srf__machine_terminate(machine, SRF__DO_ERROR, out);
        break;
    case SRF__EV_RECV_1XX:
        out->what = SRF__DO_PASS_UP;
        if (machine->state == SRF__TXN_TRYING) {
            machine->state = SRF__TXN_PROCEEDING;
            machine->interval_ms = timing->t2_ms; /* §17.1.2.2 */
            start_e(machine, out);
        }
        break;
    case SRF__EV_RECV_2XX:
    case SRF__EV_RECV_FINAL:
        recv_final(machine, timing, out);
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
    if (event == SRF__EV_TIMER_K)
        srf__machine_terminate(machine, 0, out);
}

void srf__nict_step(srf__machine_t *machine, srf__txn_event_t event,
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
