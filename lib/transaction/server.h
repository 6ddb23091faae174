/*
 * Server transactions: an IST or NIST with its timers, its request, and the
 * response it repeats.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_SERVER_H
#define SRF_SERVER_H

#include "message/build.h"
#include "transaction/clock.h"
#include "transaction/table.h"

/* Who uses a server transaction: the application's request, or a proxy. */
typedef struct srf__server_user {
    /* The caller sent a CANCEL (already answered with 200). */
    void (*cancelled)(srf__server_t *server, const srf__facts_t *cancel);
    /* The transaction is over; it is not used again after this call. */
    void (*ended)(srf__server_t *server);
} srf__server_user_t;

enum { SRF__TAG_LEN = 8 };

struct srf__server {
    srf__map_node_t node;
    srf__txns_t *txns;
    srf__txn_clock_t clock;
    srf__flow_t from;    /* where the request came from */
    srf_msg_t *request;  /* NULL after the final response */
    srf_msg_t *response; /* last one sent; resent without response_cut */
    const srf__server_user_t *user;
    void *user_data;
    srf__span_t response_cut; /* bytes of `response` that are not sent */
    uint16_t refs;
    uint16_t status;     /* of the last response sent; 0: none */
    uint16_t owed;       /* final response still to be made; 0: none */
    uint16_t reply_port; /* of datagrams (RFC 3261 §18.2.2, RFC 3581 §4) */
    uint32_t moved_to;  /* connection that the request came on later; 0: none */
    uint32_t tag;       /* To tag of responses made here, srf__server_tag() */
    uint8_t method;     /* srf__method_t */
    bool cancelled : 1; /* a CANCEL came */
    bool owing : 1;     /* its connection knows that a response is to come */
    bool twin : 1;      /* its key is in the table with halves exchanged */
    bool proxied : 1;   /* a 2xx is that of a target */
};

/* The transaction with this key, or NULL. Of those with the same branch the
 * first is in the table by the branch's half of its key; it is the one that
 * srf__server_find_invite() can find. Its twins, which differ in sent-by, are
 * there by the other half: so many as one may, a bucket gets none but its
 * share.
 */
srf__server_t *srf__server_find(const srf__txns_t *txns, srf__hash128_t key);

/* The INVITE that an ACK or a CANCEL with this key is for. INTEROP: its sent-by
 * may be another one, since devices on the way rewrite it, when branch,
 * Call-ID, From tag and number of CSeq are those of the INVITE. Whoever knows
 * the branch has read it beside the sent-by, so that this demands no less of a
 * stranger than RFC 3261 §17.2.3 and §9.2 do. */
srf__server_t *srf__server_find_invite(const srf__txns_t *txns,
                                       const srf__facts_t *request,
                                       srf__hash128_t key);
/* Whether there may be one: for who has read no more than the Via. */
bool srf__server_may_find_invite(const srf__txns_t *txns, srf__hash128_t key);

/* Creates the transaction for a new request, whose message it references, and
 * starts its machine, which sends a 100 to an INVITE, at once or after the
 * delay set. `*out` is referenced for the caller. 0; SRF_ERR_NO_MEMORY. */
int srf__server_create(srf__txns_t *txns, srf__hash128_t key,
                       srf_msg_t *request, const srf__flow_t *from,
                       srf__server_t **out);

/* Where its responses go: to where the request came from last, whatever its Via
 * says (RFC 3261 §18.2.2). A maddr there is for multicast, which
 * nothing here listens to; anything else it names is somebody who asked for
 * nothing. */
srf__flow_t srf__server_reply_flow(const srf__server_t *server);

/* The To tag of responses made here, as it is written. */
srf__str_t srf__server_tag(const srf__server_t *server,
                           char storage[SRF__TAG_LEN]);

srf__server_t *srf__server_ref(srf__server_t *server);
void srf__server_unref(srf__server_t *server);

/* From now on events go to this user; NULL for nobody. */
void srf__server_set_user(srf__server_t *server, const srf__server_user_t *user,
                          void *data);

/* The request came again, or an ACK for it. A caller who has connected anew has
 * its responses on the connection that the request came on last. */
void srf__server_retransmitted(srf__server_t *server, const srf__flow_t *from);
void srf__server_acked(srf__server_t *server);
/* A CANCEL for it came and was answered. */
void srf__server_cancel(srf__server_t *server, const srf__facts_t *cancel);

/* Sends `response` without the bytes of `cut`; references it. Ignored when the
 * state does not allow it (a second final response, RFC 3261 §17.2). True if it
 * was sent. */
bool srf__server_respond(srf__server_t *server, srf_msg_t *response,
                         unsigned status, srf__span_t cut);

/* What a 2xx needs that may come when its server transaction is over. */
typedef struct srf__return_path {
    srf__flow_t flow;   /* srf__server_reply_flow() */
    srf__hash128_t key; /* of the server transaction */
} srf__return_path_t;

srf__return_path_t srf__server_return_path(const srf__server_t *server);
/* Sends a 2xx to INVITE, whose top Via is ours, past any machine: to where the
 * request came from (RFC 3261 §16.7 step 5). */
void srf__return_2xx(srf__txns_t *txns, const srf__return_path_t *path,
                     const srf__facts_t *response);
void srf__server_forward_late(srf__server_t *server,
                              const srf__facts_t *response);

/* Builds a response from the request and sends it. spec->via_mark and
 * spec->to_tag are filled in here. 0; SRF_ERR_NO_MEMORY;
 * SRF_ERR_ALREADY_FINAL. */
int srf__server_reply(srf__server_t *server, srf__response_spec_t *spec);
/* Builds and sends it, too; *kept receives a reference to the response (NULL on
 * failure). */
int srf__server_reply_kept(srf__server_t *server, srf__response_spec_t *spec,
                           srf_msg_t **kept);

/* Answers with the final response of `spec` for a user that is done with the
 * transaction. When memory is out it is made later, without spec's lines and
 * body: the caller, who may have had a provisional response, gets its answer.
 */
void srf__server_answer(srf__server_t *server, srf__response_spec_t *spec);

/* True while a final response can still be sent. */
static inline bool srf__server_is_open(const srf__server_t *server)
{
    return server->clock.machine.state == SRF__TXN_TRYING ||
           server->clock.machine.state == SRF__TXN_PROCEEDING;
}

/* Ends the transaction without a response. */
void srf__server_abandon(srf__server_t *server);
/* No final response will be sent, nor has one been: retransmissions of a
 * request other than INVITE are absorbed as long as its caller may send any. */
void srf__server_fall_silent(srf__server_t *server);

/* Answers a request without a transaction (RFC 3261 §8.2.7), once for each time
 * that it comes, with the same To tag: a keyed hash, by which
 * srf__stateless_is_ack_for() knows the ACK again. Where the To had a tag
 * already, the last few transactions are remembered for that. `reason` may be
 * NULL. */
void srf__stateless_reply(srf__txns_t *txns, const srf__facts_t *request,
                          const srf__flow_t *from, unsigned status,
                          const char *reason, srf__str_t lines);
/* `key` is that of the INVITE which the ACK would be for. */
bool srf__stateless_is_ack_for(const srf__txns_t *txns, const srf__facts_t *ack,
                               srf__hash128_t key);

#endif /* SRF_SERVER_H */
