/*
 * A request of the program's own: from srf_request() to its completion, and
 * beyond it as long as 2xx to an INVITE may come.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_UAC_OUTGOING_H
#define SRF_UAC_OUTGOING_H

#include "proxy/way.h"
#include "srf/srf.h"
#include "transaction/client.h"
#include "uac/credentials.h"

/* What the requests of one stack have in common; the stack has one. */
typedef struct srf__uac {
    srf__element_t *element; /* they go out by */
    srf_t *srf;              /* what the program knows it by; nothing of it is
                                used here */
    srf_outgoing_t *outgoing;
} srf__uac_t;

struct srf_outgoing {
    srf__uac_t *uac;
    srf_outgoing_t *next; /* uac->outgoing */
    srf_outgoing_t **link;
    srf__arena_t arena; /* every string below */
    /* It is as the program gave it; `via`, the Contact and the lines of the
     * credentials are made for each sending, a `from` for the first. */
    srf__request_spec_t spec;
    srf__method_t method;
    srf__credentials_t credentials;
    srf__uri_t hop; /* the URI that leads to it */
    srf__way_t way;
    srf__flow_t fallback; /* serves where no way leads on; or no listener */
    srf__flow_t flow;
    srf__detour_t detour;
    int failure;           /* to be told from the loop; 0: none */
    srf__client_t *client; /* NULL when there is none (any more) */
    srf_msg_t *image;      /* as sent last */
    srf__timer_t timer;    /* timeout_ms, then the wait behind a CANCEL */
    struct srf__answerer *answerers;
    srf_outgoing_cb cb;
    srf_outgoing_response_cb on_response;
    void *data;
    bool named;          /* the addresses are those of a name */
    bool by_network;     /* the peer of a dialog chose where it goes */
    bool writes_contact; /* the program gave none */
    bool completed;
    bool canceled; /* by the program */
    bool guarded;  /* a CANCEL went out; timer is its 64*T1 */
};

/* Starts a request as srf_request() does, but for its `srf`. */
int srf__outgoing_start(srf__uac_t *uac, const char *uri,
                        const srf_request_options_t *options,
                        srf_outgoing_cb cb);
/* Completes every request that is left, on destroy, with SRF_ERR_CANCELED. */
void srf__outgoing_abort(srf__uac_t *uac);

#endif /* SRF_UAC_OUTGOING_H */
