/*
 * Checks of transaction machines: a complete table of state x event, and a
 * machine run over virtual time.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_MACHINE_CHECK_H
#define SRF_MACHINE_CHECK_H

#include "assertions.h"
#include "transaction/machine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    BOTH = 0, /* the row holds whatever the transport */
    UDP,      /* only where we retransmit ourselves */
    TCP       /* only where the transport does */
};

/* What a row says of a timer slot: NONE leaves it as it is, STOPPED stops it, a
 * timer's name starts that timer. */
enum { STOPPED = 255 };

enum { STOP_BITS = SRF__DO_STOP_REPEAT | SRF__DO_STOP_LIMIT };

typedef struct step_row {
    int state;
    int event;
    int on; /* BOTH, UDP, TCP */
    int next;
    uint32_t what; /* without the bits that stop timers */
    int repeat;
    uint32_t repeat_ms;
    int limit;
    uint32_t limit_ms;
} step_row_t;

static const srf__txn_timing_t default_timing = {
    .t1_ms = 500, .t2_ms = 4000, .t4_ms = 5000, .trying_delay_ms = 0};

static inline const step_row_t *find_row(const step_row_t *rows, size_t count,
                                         const step_row_t *key)
{
    const step_row_t *found = NULL;

    for (size_t i = 0; i < count; i++) {
        if (rows[i].state != key->state || rows[i].event != key->event ||
            (rows[i].on != BOTH && rows[i].on != key->on))
            continue;
        ck_assert_msg(found == NULL, "two rows for state %d, event %d",
                      key->state, key->event);
        found = &rows[i];
    }
    return found;
}

/* What is to happen in this state at this event. */
static inline step_row_t expected_row(const step_row_t *rows, size_t count,
                                      const step_row_t *key)
{
    const step_row_t *row = find_row(rows, count, key);
    step_row_t nothing = *key;

    if (row != NULL)
        return *row;
    nothing.next = key->state;
    if (key->event == SRF__EV_ABANDON && key->state != SRF__TXN_TERMINATED) {
        nothing.next = SRF__TXN_TERMINATED;
        nothing.what = SRF__DO_TERMINATE;
        nothing.repeat = STOPPED;
        nothing.limit = STOPPED;
    }
    return nothing;
}

static inline int slot_of(srf__txn_timer_t started, uint32_t stopped)
{
    return started == SRF__TIMER_NONE && stopped != 0 ? STOPPED : (int)started;
}

static inline void check_step(srf__machine_step_fn *step,
                              const srf__txn_timing_t *timing,
                              const step_row_t *want)
{
    srf__machine_t machine = {.state = (uint8_t)want->state,
                              .reliable = want->on == TCP,
                              .interval_ms = timing->t1_ms};
    srf__txn_actions_t got;

    memset(&got, 0xa5, sizeof(got));
    step(&machine, (srf__txn_event_t)want->event, timing, &got);

    uint32_t what = got.what & ~(uint32_t)STOP_BITS;
    int repeat = slot_of(got.repeat, got.what & SRF__DO_STOP_REPEAT);
    int limit = slot_of(got.limit, got.what & SRF__DO_STOP_LIMIT);
    ck_assert_msg(machine.state == want->next,
                  "state %d, event %d (%d): state %d, not %d", want->state,
                  want->event, want->on, machine.state, want->next);
    ck_assert_msg(what == want->what,
                  "state %d, event %d (%d): actions %x, not %x", want->state,
                  want->event, want->on, what, want->what);
    ck_assert_msg(repeat == want->repeat && got.repeat_ms == want->repeat_ms,
                  "state %d, event %d (%d): repeat %d %u, not %d %u",
                  want->state, want->event, want->on, repeat, got.repeat_ms,
                  want->repeat, want->repeat_ms);
    ck_assert_msg(limit == want->limit && got.limit_ms == want->limit_ms,
                  "state %d, event %d (%d): limit %d %u, not %d %u",
                  want->state, want->event, want->on, limit, got.limit_ms,
                  want->limit, want->limit_ms);
    /* The way into Terminated is the only one that ends, and stops both. */
    bool ends = want->next == SRF__TXN_TERMINATED && want->state != want->next;
    ck_assert_int_eq((what & SRF__DO_TERMINATE) != 0, ends);
    ck_assert(!ends || (got.what & STOP_BITS) == STOP_BITS);
}

/* Every event in every state over this transport; what has no row does nothing,
 * ABANDON excepted. Timers A, E and G are never started by a machine on a
 * reliable transport, and so cannot fire there. */
static inline void check_table(srf__machine_step_fn *step,
                               const srf__txn_timing_t *timing, int on,
                               const step_row_t *rows, size_t count)
{
    for (int state = 0; state < SRF__TXN_STATE_COUNT; state++) {
        for (int event = 0; event < SRF__EV_COUNT; event++) {
            if (on == TCP &&
                (event == SRF__EV_TIMER_A || event == SRF__EV_TIMER_E ||
                 event == SRF__EV_TIMER_G))
                continue;
            const step_row_t key = {.state = state, .event = event, .on = on};
            step_row_t want = expected_row(rows, count, &key);
            want.on = on;
            check_step(step, timing, &want);
        }
    }
}

/* ---- a machine in time ---- */

enum { SENDS_MAX = 64 };

typedef struct slot {
    srf__txn_timer_t timer; /* NONE: not running */
    uint32_t due_ms;
} slot_t;

typedef struct machine_run {
    srf__machine_step_fn *step;
    srf__machine_t machine;
    srf__txn_timing_t timing;
    uint32_t now_ms;
    slot_t repeat;
    slot_t limit;
    uint32_t seen; /* all actions so far */
    uint32_t ended_ms;
    unsigned sends; /* of whatever kind but ACK */
    uint32_t sent_ms[SENDS_MAX];
} machine_run_t;

static inline void run_feed(machine_run_t *run, srf__txn_event_t event)
{
    srf__txn_actions_t out;

    run->step(&run->machine, event, &run->timing, &out);
    run->seen |= out.what;
    if (out.what & SRF__DO_STOP_REPEAT)
        run->repeat.timer = SRF__TIMER_NONE;
    if (out.what & SRF__DO_STOP_LIMIT)
        run->limit.timer = SRF__TIMER_NONE;
    if (out.repeat != SRF__TIMER_NONE)
        run->repeat = (slot_t){out.repeat, run->now_ms + out.repeat_ms};
    if (out.limit != SRF__TIMER_NONE)
        run->limit = (slot_t){out.limit, run->now_ms + out.limit_ms};
    if (out.what & (SRF__DO_SEND | SRF__DO_RESEND | SRF__DO_SEND_100)) {
        ck_assert_uint_lt(run->sends, SENDS_MAX);
        run->sent_ms[run->sends++] = run->now_ms;
    }
    if (out.what & SRF__DO_TERMINATE)
        run->ended_ms = run->now_ms;
}

/* Fires what is due up to and including `until_ms`, a limit before a repetition
 * of the same millisecond. */
static inline void run_until(machine_run_t *run, uint32_t until_ms)
{
    for (;;) {
        slot_t *next = &run->limit;

        if (next->timer == SRF__TIMER_NONE ||
            (run->repeat.timer != SRF__TIMER_NONE &&
             run->repeat.due_ms < next->due_ms))
            next = &run->repeat;
        if (next->timer == SRF__TIMER_NONE || next->due_ms > until_ms)
            break;
        srf__txn_event_t event = srf__timer_event(next->timer);
        run->now_ms = next->due_ms;
        next->timer = SRF__TIMER_NONE;
        run_feed(run, event);
    }
    run->now_ms = until_ms;
}

static inline machine_run_t run_start(srf__machine_step_fn *step,
                                      const srf__txn_timing_t *timing,
                                      bool reliable)
{
    machine_run_t run = {.step = step, .timing = *timing};

    run.machine.reliable = reliable;
    run_feed(&run, SRF__EV_START);
    return run;
}

static inline void check_sends(const machine_run_t *run, const uint32_t *ms,
                               unsigned count)
{
    ck_assert_uint_eq(run->sends, count);
    for (unsigned i = 0; i < count; i++)
        ck_assert_msg(run->sent_ms[i] == ms[i], "send %u at %u, not %u", i,
                      run->sent_ms[i], ms[i]);
}

#define CHECK_SENDS(run, ...)                        \
 check_sends((run), (const uint32_t[]){__VA_ARGS__}, \
             sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

#define CHECK_TABLE(step, timing, on, rows) \
 check_table((step), (timing), (on), (rows), sizeof(rows) / sizeof(*(rows)))

#endif /* SRF_MACHINE_CHECK_H */
