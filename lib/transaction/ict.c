/*
 * INVITE client transaction: RFC 3261 §17.1.1, Figure 5, with the Accepted
 * state of RFC 6026 §7.2 (Timer M).
 *
 * state       event            actions                             next
 * ----------  ---------------  ----------------------------------  ----------
 * Init        START            send; A = T1 (UDP); B = 64*T1       Calling
 * Calling     Timer A          send again; A doubles               Calling
 * Calling     Timer B          timeout                             Terminated
 * Calling     1xx              pass up; stop A, B                  Proceeding
 * Calling     transport error  error                               Terminated
 * Proceeding  1xx              pass up                             Proceeding
 * Proceeding  transport error  error (streams)                     Terminated
 * Proceeding  lost             GONE = T2                           Proceeding
 * Proceeding  returned         stop GONE                           Proceeding
 * Proceeding  GONE             error                               Terminated
 * Proceeding  orphaned         B = 64*T1                           Proceeding
 * Proceeding  Timer B          timeout                             Terminated
 * Call./Proc. 2xx              pass up; M = 64*T1                  Accepted
 * Call./Proc. 300-699          ACK; pass up; D = 64*T1 (UDP) or 0  Completed
 * Accepted    2xx              pass up                             Accepted
 * Accepted    Timer M                                              Terminated
 * Completed   300-699          ACK again                           Completed
 * Completed   2xx              pass up                             Completed
 * Completed   Timer D                                              Terminated
 * any         ABANDON                                              Terminated
 *
 * What is not listed is ignored. Of an ACK that cannot be sent nobody hears:
 * the response is with the user already, and comes again if it has to.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transaction/machine.h"

static void stop_timers(srf__txn_actions_t *out)
{
    out->what |= SRF__DO_STOP_REPEAT | SRF__DO_STOP_LIMIT;
}

static void set_limit(srf__txn_actions_t *out, srf__txn_timer_t timer,
                      uint32_t ms)
{
    out->limit = timer;
    out->limit_ms = ms;
}

static void init_event(srf__machine_t *machine, srf__txn_event_t event,
                       const srf__txn_timing_t *timing, srf__txn_actions_t *out)
{
    if (event != SRF__EV_START)
        return;
    machine->state = SRF__TXN_CALLING;
    machine->interval_ms = timing->t1_ms;
    out->what = SRF__DO_SEND;
    set_limit(out, SRF__TIMER_B, 64 * timing->t1_ms);
    if (!machine->reliable) { /* §17.1.1.2 */
        out->repeat = SRF__TIMER_A;
        out->repeat_ms = machine->interval_ms;
    }
}

/* A final response in Calling or Proceeding. */
static void recv_final(srf__machine_t *machine, srf__txn_event_t event,
                       const srf__txn_timing_t *timing, srf__txn_actions_t *out)
{
    stop_timers(out);
    out->what |= SRF__DO_PASS_UP | SRF__DO_DROP_REQUEST;
    if (event == SRF__EV_RECV_2XX) { /* RFC 6026 §8.4 */
        machine->state = SRF__TXN_ACCEPTED;
        set_limit(out, SRF__TIMER_M, 64 * timing->t1_ms);
        return;
    }
    machine->state = SRF__TXN_COMPLETED;
    out->what |= SRF__DO_SEND_ACK;
    set_limit(out, SRF__TIMER_D, machine->reliable ? 0 : 64 * timing->t1_ms);
}

static void calling_event(srf__machine_t *machine, srf__txn_event_t event,
                          const srf__txn_timing_t *timing,
                          srf__txn_actions_t *out)
{
    switch ((int)event) {
    case SRF__EV_TIMER_A:
        machine->interval_ms *= 2;
        out->what = SRF__DO_RESEND;
        out->repeat = SRF__TIMER_A;
        out->repeat_ms = machine->interval_ms;
        break;
    case SRF__EV_TIMER_B:
        srf__machine_terminate(machine, SRF__DO_TIMEOUT, out);
        break;
    case SRF__EV_TRANSPORT_ERROR:
        srf__machine_terminate(machine, SRF__DO_ERROR, out);
        break;
    case SRF__EV_RECV_1XX:
        machine->state = SRF__TXN_PROCEEDING;
        stop_timers(out);
        out->what |= SRF__DO_PASS_UP | SRF__DO_DROP_REQUEST;
        break;
    case SRF__EV_RECV_2XX:
    case SRF__EV_RECV_FINAL:
        recv_final(machine, event, timing, out);
        break;
    default:
        break;
    }
}

/* It waits for a final response, and somebody has gone. */
static void forsaken_event(srf__machine_t *machine, srf__txn_event_t event,
                           const srf__txn_timing_t *timing,
                           srf__txn_actions_t *out)
{
    switch ((int)event) {
    case SRF__EV_LOST:
        set_limit(out, SRF__TIMER_GONE, timing->t2_ms);
        break;
    case SRF__EV_RETURNED:
        if (machine->limit == SRF__TIMER_GONE)
            out->what = SRF__DO_STOP_LIMIT;
        break;
    case SRF__EV_TIMER_GONE:
        srf__machine_terminate(machine, SRF__DO_ERROR, out);
        break;
    case SRF__EV_ORPHANED: /* §9.1; this state has no limit of its own */
        set_limit(out, SRF__TIMER_B, 64 * timing->t1_ms);
        break;
    case SRF__EV_TIMER_B:
        srf__machine_terminate(machine, SRF__DO_TIMEOUT, out);
        break;
    default:
        break;
    }
}

static void proceeding_event(srf__machine_t *machine, srf__txn_event_t event,
                             const srf__txn_timing_t *timing,
                             srf__txn_actions_t *out)
{
    switch ((int)event) {
    case SRF__EV_RECV_1XX:
        out->what = SRF__DO_PASS_UP;
        break;
    case SRF__EV_RECV_2XX:
    case SRF__EV_RECV_FINAL:
        recv_final(machine, event, timing, out);
        break;
    case SRF__EV_TRANSPORT_ERROR:
        if (machine->reliable)
            srf__machine_terminate(machine, SRF__DO_ERROR, out);
        break;
    default:
        forsaken_event(machine, event, timing, out);
        break;
    }
}

static void completed_event(srf__machine_t *machine, srf__txn_event_t event,
                            const srf__txn_timing_t *timing,
                            srf__txn_actions_t *out)
{
    (void)timing;
    if (event == SRF__EV_RECV_FINAL)
        out->what = SRF__DO_SEND_ACK;
    else if (event == SRF__EV_RECV_2XX)
        out->what = SRF__DO_PASS_UP; /* of a proxy behind us: §16.7 step 5 */
    else if (event == SRF__EV_TIMER_D)
        srf__machine_terminate(machine, 0, out);
}

static void accepted_event(srf__machine_t *machine, srf__txn_event_t event,
                           const srf__txn_timing_t *timing,
                           srf__txn_actions_t *out)
{
    (void)timing;
    if (event == SRF__EV_RECV_2XX)
        out->what = SRF__DO_PASS_UP;
    else if (event == SRF__EV_TIMER_M)
        srf__machine_terminate(machine, 0, out);
}

void srf__ict_step(srf__machine_t *machine, srf__txn_event_t event,
                   const srf__txn_timing_t *timing, srf__txn_actions_t *out)
{
    static srf__machine_step_fn *const handlers[SRF__TXN_STATE_COUNT] = {
        [SRF__TXN_INIT] = init_event,
        [SRF__TXN_CALLING] = calling_event,
        [SRF__TXN_PROCEEDING] = proceeding_event,
        [SRF__TXN_COMPLETED] = completed_event,
        [SRF__TXN_ACCEPTED] = accepted_event,
    };

    srf__machine_run(handlers, machine, event, timing, out);
}
