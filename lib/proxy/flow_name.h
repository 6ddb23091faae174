/*
 * Names of flows (RFC 5626 §5.2): the user part of a URI of ours that says how
 * its receiver, a client that reached us, is reached in turn. A mark covers it
 * (mark.h), so that a flow is good for nothing but what it was given for.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_FLOW_NAME_H
#define SRF_FLOW_NAME_H

#include "proxy/element.h"

typedef enum srf__flow_need {
    SRF__FLOW_NO_NAME = 0, /* its own URI leads to the peer */
    SRF__FLOW_PREFERRED,   /* so it does when the flow is gone */
    SRF__FLOW_ONLY         /* nothing else leads there */
} srf__flow_need_t;

/* Who sent a request. */
typedef struct srf__sender {
    const srf__facts_t *request;
    const srf__flow_t *flow;
    bool at_via; /* it came from the address in its topmost Via */
} srf__sender_t;

/* What the sender of a request needs to be reached. A first hop is reached on
 * the connection that it made, whether its address looks reachable or not; over
 * UDP where its request names another address than it came from, so that
 * addresses are translated between us, or when it asks for it (§4.1, §5.1). */
srf__flow_need_t srf__flow_need_of(const srf__sender_t *sender);
/* What the peer needs that a request is sent to along `flow`, which a name led
 * to (`named`), or the peer's own URI. */
srf__flow_need_t srf__flow_need_to(const srf__flow_t *flow, bool named);

/* "c" or "p", listener, connection, stack; "u", listener, port, address, scope;
 * in hexadecimal digits. */
enum { SRF__FLOW_MAX = 1 + 4 + 4 + 32 + 8 };

/* Writes the name of a flow, for what needs one; its connection is kept from
 * now on. A view of `storage`. */
srf__str_t srf__flow_write_name(const srf__element_t *element,
                                const srf__flow_t *flow, srf__flow_need_t need,
                                char storage[SRF__FLOW_MAX]);
/* Writes the name of a flow where one is needed; it is empty where none is. */
static inline srf__str_t srf__flow_write(const srf__element_t *element,
                                         const srf__flow_t *flow,
                                         srf__flow_need_t need,
                                         char storage[SRF__FLOW_MAX])
{
    return need == SRF__FLOW_NO_NAME
               ? srf__str(NULL, 0)
               : srf__flow_write_name(element, flow, need, storage);
}

/* Whether `name` has the form of one. */
bool srf__flow_is_name(srf__str_t name);
/* The flow of a name that a mark has proved to be ours; its peer has no family
 * when it is gone. */
srf__flow_need_t srf__flow_read(srf__element_t *element, srf__str_t name,
                                srf__flow_t *out);

#endif /* SRF_FLOW_NAME_H */
