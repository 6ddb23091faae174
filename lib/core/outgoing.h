/*
 * A request of the program's own: from srf_request() to its completion, and
 * beyond it as long as 2xx to an INVITE may come.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_CORE_OUTGOING_H
#define SRF_CORE_OUTGOING_H

#include "core/credentials.h"
#include "core/dialog.h"
#include "core/stack.h"
#include "proxy/way.h"
#include "transaction/client.h"

/* An answerer has answered an INVITE with 2xx; a forked one has several
 * (§13.2.2.4). */
typedef struct srf__answerer {
    struct srf__answerer *next;
    srf_outgoing_t *outgoing;
    srf__str_t tag;  /* of To */
    unsigned number; /* from 1 on */
    srf_msg_t *ack;  /* NULL: there can be none, or not yet */
    srf__flow_t flow;
    srf__way_t way;      /* of the Contact, or the first Route */
    srf_msg_t *response; /* kept while its name is looked up */
} srf__answerer_t;

struct srf_outgoing {
    srf_t *srf;
    srf_outgoing_t *next; /* srf->outgoing */
    srf_outgoing_t **link;
    srf__arena_t arena; /* every string below */
    /* It is as the program gave it; `via`, the Contact and the lines of the
     * credentials are made for each sending, a `from` for the first. */
    srf__request_spec_t spec;
    srf__method_t method;
    srf__credentials_t credentials;
    srf__uri_t hop; /* the URI that leads to it */
    srf__way_t way;
    srf__addr_t fallback; /* serves for an unknown name; or no family */
    srf__flow_t flow;
    srf__detour_t detour;
    int failure;           /* to be told from the loop; 0: none */
    srf__client_t *client; /* NULL when there is none (any more) */
    srf_msg_t *image;      /* as sent last */
    srf__timer_t timer;    /* timeout_ms, then the wait behind a CANCEL */
    srf__answerer_t *answerers;
    srf_outgoing_cb cb;
    srf_outgoing_response_cb on_response;
    void *data;
    bool named;          /* the addresses are those of a name */
    bool writes_contact; /* the program gave none */
    bool completed;
    bool canceled; /* by the program */
    bool guarded;  /* a CANCEL went out; timer is its 64*T1 */
};

/* outgoing_request.c: what is sent. */

/* Checks what the program gave and keeps it in `outgoing`, whose `srf` is set:
 * the request but for its Via, and the URI that leads to it. 0 or an error of
 * srf_request(). */
int srf__outgoing_read(srf_outgoing_t *outgoing, const char *uri,
                       const srf_request_options_t *options);
/* Builds the request with the branch of outgoing->client and the credentials
 * there are. 0, or an error; *out is NULL then. */
int srf__outgoing_build(srf_outgoing_t *outgoing, srf_msg_t **out);
/* Builds another request, which goes along `flow`; spec->via is set meanwhile.
 * NULL when memory is out. */
srf_msg_t *srf__outgoing_build_along(srf__pool_t *pool,
                                     srf__request_spec_t *spec,
                                     const srf__flow_t *flow,
                                     srf__str_t branch);

/* outgoing_route.c: where it goes. */

/* Finds the addresses. 0; SRF__SELECT_PENDING: `cb`, whose `arg` is `outgoing`,
 * comes from the loop and hands on to srf__outgoing_located(); an error. */
int srf__outgoing_locate(srf_outgoing_t *outgoing, srf__lookup_cb cb);
int srf__outgoing_located(srf_outgoing_t *outgoing, int err,
                          const srf__hops_t *hops);
/* Sets the flow: srf__way_flow_on(). */
int srf__outgoing_find_flow(srf_outgoing_t *outgoing);
/* A request of `len` bytes goes over TCP if there is a way: then the flow has
 * changed. */
bool srf__outgoing_leave_udp(srf_outgoing_t *outgoing, size_t len);
/* Goes back to UDP when TCP has failed that only length spoke for; true when it
 * did. */
bool srf__outgoing_fall_back(srf_outgoing_t *outgoing);
/* Notes what became of the address, which matters to the next lookup. */
void srf__outgoing_remember(const srf_outgoing_t *outgoing, bool answered);

/* outgoing.c: its life. */

/* Completes every request that is left, on destroy, with SRF_ERR_CANCELED. */
void srf__outgoing_abort(srf_t *srf);

/* outgoing_answer.c: 2xx to an INVITE. */

/* Acknowledges a 2xx, first or repeated. True when nobody with its To tag has
 * answered before. */
bool srf__outgoing_acknowledge(srf_outgoing_t *outgoing,
                               const srf__facts_t *response);
void srf__outgoing_forget_answerers(srf_outgoing_t *outgoing);

#endif /* SRF_CORE_OUTGOING_H */
