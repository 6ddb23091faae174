/*
 * The four transaction machines of RFC 3261 §17 with RFC 6026 and RFC 4320, as
 * pure functions: an event goes in, actions come out. No clock, no socket, no
 * allocation. One file each: ict.c, nict.c, ist.c, nist.c.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_MACHINE_H
#define SRF_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

/* States of all machines; each uses some. */
typedef enum srf__txn_state {
    SRF__TXN_INIT = 0,   /* before START */
    SRF__TXN_CALLING,    /* ICT */
    SRF__TXN_TRYING,     /* NICT, NIST */
    SRF__TXN_PROCEEDING, /* all */
    SRF__TXN_COMPLETED,  /* all */
    SRF__TXN_CONFIRMED,  /* IST */
    SRF__TXN_ACCEPTED,   /* ICT, IST (RFC 6026) */
    SRF__TXN_TERMINATED,
    SRF__TXN_STATE_COUNT
} srf__txn_state_t;

/* Timers by their names in the RFCs. TRYING is ours, too: it sends the 100 that
 * nothing better forestalled (RFC 3261 §17.2.1: within 200 ms; RFC 4320 §4.1:
 * not before Timer E would have reached T2). */
typedef enum srf__txn_timer {
    SRF__TIMER_NONE = 0,
    SRF__TIMER_A,
    SRF__TIMER_B,
    SRF__TIMER_D,
    SRF__TIMER_E,
    SRF__TIMER_F,
    SRF__TIMER_G,
    SRF__TIMER_H,
    SRF__TIMER_I,
    SRF__TIMER_J,
    SRF__TIMER_K,
    SRF__TIMER_L,
    SRF__TIMER_M,
    SRF__TIMER_TRYING,
    SRF__TIMER_OWED, /* ours: a final response is tried again */
    SRF__TIMER_GONE  /* ours: how long a lost peer may take to come back */
} srf__txn_timer_t;

typedef enum srf__txn_event {
    SRF__EV_START =
        0, /* client: request handed over; server: request arrived */
    /* server: the user of the transaction answers */
    SRF__EV_SEND_1XX,
    SRF__EV_SEND_2XX,
    SRF__EV_SEND_FINAL,  /* 300..699; NIST: any final but 2xx, treated alike */
    SRF__EV_OWE,         /* there is no memory for its final response */
    SRF__EV_FALL_SILENT, /* it will give no final response */
    /* server: from the network */
    SRF__EV_RECV_REQUEST, /* the request again */
    SRF__EV_RECV_ACK,
    /* client: from the network */
    SRF__EV_RECV_1XX,
    SRF__EV_RECV_2XX,
    SRF__EV_RECV_FINAL, /* 300..699 */
    SRF__EV_TRANSPORT_ERROR,
    SRF__EV_LOST,     /* the connection is gone, the peer may come back */
    SRF__EV_RETURNED, /* there is a connection to the peer again */
    /* client: a CANCEL went out, and the user has let go already */
    SRF__EV_ORPHANED,
    SRF__EV_ABANDON, /* the user lets go: terminate from any state */
    SRF__EV_TIMER_A,
    SRF__EV_TIMER_B,
    SRF__EV_TIMER_D,
    SRF__EV_TIMER_E,
    SRF__EV_TIMER_F,
    SRF__EV_TIMER_G,
    SRF__EV_TIMER_H,
    SRF__EV_TIMER_I,
    SRF__EV_TIMER_J,
    SRF__EV_TIMER_K,
    SRF__EV_TIMER_L,
    SRF__EV_TIMER_M,
    SRF__EV_TIMER_TRYING,
    SRF__EV_TIMER_OWED,
    SRF__EV_TIMER_GONE,
    SRF__EV_COUNT
} srf__txn_event_t;

/* The event that a timer's expiry is. */
static inline srf__txn_event_t srf__timer_event(srf__txn_timer_t timer)
{
    return (srf__txn_event_t)(SRF__EV_TIMER_A + (int)timer - SRF__TIMER_A);
}

/* What to do, in this order; a set of bits. Who runs a machine obeys all that
 * it orders: tests/lint/machines. */
enum {
    SRF__DO_SEND = 1 << 0,     /* client: send the request (first time);
                                  server: send the response handed over */
    SRF__DO_RESEND = 1 << 1,   /* client: request again; server: last response
                                  again, if there was one */
    SRF__DO_SEND_ACK = 1 << 2, /* build (first time) and send the ACK */
    SRF__DO_SEND_100 = 1 << 3, /* build and send 100 Trying */
    SRF__DO_PAY = 1 << 4,      /* server: make and send the final response that
                                  is owed */
    SRF__DO_PASS_UP = 1 << 5,  /* client: give the response to the user */
    SRF__DO_TIMEOUT = 1 << 6,  /* client: tell the user: timed out */
    SRF__DO_ERROR = 1 << 7,    /* client: tell the user: transport error */
    SRF__DO_DROP_REQUEST =
        1 << 8,                 /* client: the request will not be sent again */
    SRF__DO_TERMINATE = 1 << 9, /* the transaction is gone */
    /* Timers. Each machine has two slots: one for what repeats or comes soon
     * (A, E, G, TRYING), one for the limit of the state (all the others). */
    SRF__DO_STOP_REPEAT = 1 << 10,
    SRF__DO_STOP_LIMIT = 1 << 11
};

typedef struct srf__txn_actions {
    uint32_t what;
    srf__txn_timer_t repeat; /* NONE: leave the slot as it is */
    srf__txn_timer_t limit;
    uint32_t repeat_ms;
    uint32_t limit_ms;
} srf__txn_actions_t;

typedef struct srf__txn_timing {
    uint32_t t1_ms;
    uint32_t t2_ms;
    uint32_t t4_ms;
    uint32_t trying_delay_ms; /* IST: 0 sends the 100 at once */
} srf__txn_timing_t;

typedef struct srf__machine {
    uint8_t state; /* srf__txn_state_t; the machine alone writes it */
    bool reliable; /* the transport retransmits itself */
    /* What its clock runs, srf__txn_timer_t; see clock.h. */
    uint8_t repeat;
    uint8_t limit;
    uint32_t interval_ms; /* current interval of A, E or G */
} srf__machine_t;

/* Feeds one event to a machine; what is to be done is written to *out (all of
 * it, zero when the event means nothing in this state). */
typedef void srf__machine_step_fn(srf__machine_t *machine,
                                  srf__txn_event_t event,
                                  const srf__txn_timing_t *timing,
                                  srf__txn_actions_t *out);

srf__machine_step_fn srf__ict_step;
srf__machine_step_fn srf__nict_step;
srf__machine_step_fn srf__ist_step;
srf__machine_step_fn srf__nist_step;

/* For the machines. Gives the event to the handler of the present state (a NULL
 * one ignores it); ABANDON terminates from every state. */
void srf__machine_run(
    srf__machine_step_fn *const handlers[SRF__TXN_STATE_COUNT],
    srf__machine_t *machine, srf__txn_event_t event,
    const srf__txn_timing_t *timing, srf__txn_actions_t *out);
/* Ends the machine: both timers stop, then `what` and SRF__DO_TERMINATE. */
void srf__machine_terminate(srf__machine_t *machine, uint32_t what,
                            srf__txn_actions_t *out);

/* RFC 4320 §4.1: how long Timer E takes until it is reset to T2. */
uint32_t srf__trying_delay_non_invite(const srf__txn_timing_t *timing);

#endif /* SRF_MACHINE_H */
