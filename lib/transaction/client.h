/*
 * Client transactions: an ICT or NICT with its timers, the request as it was
 * sent, its ACK, and the CANCEL that belongs to it.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_CLIENT_H
#define SRF_CLIENT_H

#include "transaction/clock.h"
#include "transaction/server.h"
#include "transaction/table.h"

typedef enum srf__client_failure {
    SRF__CLIENT_TIMEOUT,  /* Timer B or F */
    SRF__CLIENT_TRANSPORT /* could not be delivered */
} srf__client_failure_t;

/* Who uses a client transaction. All calls come from the loop. */
typedef struct srf__client_user {
    /* A response; the facts are borrowed. Retransmissions of a final response
     * other than 2xx are not shown. */
    void (*response)(srf__client_t *client, const srf__facts_t *response);
    /* No response will come; the transaction is over. */
    void (*failed)(srf__client_t *client, srf__client_failure_t failure);
    /* Makes the request as it was sent once more (the transaction does not keep
     * it beyond the first provisional response); a new reference, or NULL. */
    srf_msg_t *(*rebuild)(srf__client_t *client);
    /* The transaction is over (after a final response); not used again. */
    void (*ended)(srf__client_t *client);
} srf__client_user_t;

/* Header lines, which may have any byte in them, for a CANCEL to come. */
typedef struct srf__cancel_lines {
    size_t len;
    char text[];
} srf__cancel_lines_t;

struct srf__client {
    srf__txns_t *txns;
    srf__txn_clock_t clock;
    srf__flow_t flow;
    srf_msg_t *request; /* as sent; NULL when not needed any more */
    srf_msg_t *ack;     /* ACK of a non-2xx, for its retransmissions */
    union {
        srf__client_t *txn;         /* the CANCEL's transaction, or NULL */
        srf__cancel_lines_t *lines; /* with want_cancel: for it, or NULL */
    } cancel;
    const srf__client_user_t *user;
    void *user_data;
    /* Of an INVITE: by which a 2xx without a user goes back. NULL: none does.
     */
    union {
        srf__server_t *server;    /* referenced */
        srf__return_path_t *path; /* with `upstream_gone`: what that needs */
    } upstream;
    uint32_t slot;
    uint32_t generation;
    uint16_t refs;
    uint8_t method;     /* srf__method_t */
    bool is_cancel : 1; /* shares the slot of its INVITE */
    bool cancelled : 1; /* a CANCEL was sent, or will be */
    bool
        want_cancel : 1; /* CANCEL as soon as a provisional response is there */
    bool undelivered : 1; /* the transport failed; told from the loop */
    bool watched : 1;     /* srf__client_lost() tells what becomes of its
                             connection */
    bool sent_anew : 1;   /* over another connection, after all */
    bool upstream_gone : 1;
    bool probing : 1;   /* its connection was closed, and made anew to see
                               whether anybody is there */
    uint32_t heard;     /* see srf__transports_watch() */
    uint32_t probed_ms; /* low bits of the wheel's time */
};

/* Creates a transaction that has a branch but sends nothing yet. *out is owned
 * by the caller until srf__client_release(). 0; SRF_ERR_NO_MEMORY;
 * SRF_ERR_LIMIT. */
int srf__client_create(srf__txns_t *txns, srf__method_t method,
                       const srf__client_user_t *user, void *data,
                       srf__client_t **out);

/* Writes the branch of its request (RFC 3261 §17.1.3). */
void srf__client_branch(const srf__client_t *client, uint32_t loop_hash,
                        char out[SRF__BRANCH_LEN]);

/* Sends `request` (transferred) along `flow` and starts the machine. A failure
 * to send is reported to the user later, from the loop. */
void srf__client_start(srf__client_t *client, const srf__flow_t *flow,
                       srf_msg_t *request);

/* Cancels an INVITE (RFC 3261 §9.1): at once when a provisional response has
 * come, else as soon as one comes; without effect after a final response. When
 * nobody is there any more it fails at once, told from the loop.
 * `lines` are further header lines (Reason). True when the CANCEL went out now.
 */
bool srf__client_cancel(srf__client_t *client, srf__str_t lines);

/* The user's interest ends; a 2xx to INVITE that still comes goes back by
 * `upstream` (RFC 3261 §16.7 step 5), a provisional response to a CANCEL if one
 * was asked for. `end` terminates it here and now, nothing more is expected.
 * NULL is allowed. */
void srf__client_release(srf__client_t *client, bool end);

/* Gives a response to the transaction it belongs to. False when there is none:
 * it goes nowhere (RFC 6026 §7.3). */
bool srf__client_receive(srf__txns_t *txns, const srf__facts_t *response,
                         const srf__flow_t *from);

/* The network gave back the beginning of a datagram we sent. */
void srf__client_undelivered(srf__txns_t *txns, srf__str_t datagram);

/* Frees without a word, for srf__txns_deinit(). */
void srf__client_drop(srf__client_t *client);

static inline bool srf__client_had_provisional(const srf__client_t *client)
{
    return client->clock.machine.state == SRF__TXN_PROCEEDING;
}

/* The connection is gone on which this one waited (srf__transports_watch()).
 * Where it is plain that nobody has read the request, it goes once more over
 * another one: nothing has come since, but something had before. Whoever has
 * closed the connection of an INVITE that he let ring may answer on another
 * one: he has T2 to come back, or to let himself be connected to. */
void srf__client_lost(srf__txns_t *txns, uint64_t id, const srf__lost_t *lost);
/* Whether this one still waits for a final response. */
bool srf__client_is_waiting(const srf__txns_t *txns, uint64_t id);

#endif /* SRF_CLIENT_H */
