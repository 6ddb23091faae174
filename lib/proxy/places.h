/*
 * Places of a target: the addresses that its host name came to, tried one after
 * the other (RFC 3263 §4.3). Only targets with a name have any, so branches do
 * not carry them: they are found by their branch.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_PLACES_H
#define SRF_PLACES_H

#include "proxy/element.h"
#include "resolver/resolver.h"

typedef struct srf__branch srf__branch_t;

typedef struct srf__places {
    srf__map_node_t node; /* first */
    srf__branch_t *branch;
    srf__lookup_t *lookup; /* under way; NULL: none */
    unsigned at;           /* the address that is tried */
    uint16_t breadth;      /* kept of Max-Breadth for those that are left */
    srf__hops_t hops;
} srf__places_t;

/* Those of a branch; NULL: it has none. */
srf__places_t *srf__places_find(const srf__element_t *element,
                                const srf__branch_t *branch);
/* How many of its addresses have not been tried. */
unsigned srf__places_left(const srf__element_t *element,
                          const srf__branch_t *branch);
/* NULL when memory is out. */
srf__places_t *srf__places_create(srf__element_t *element,
                                  srf__branch_t *branch);
/* They become those of another branch, which has none. */
void srf__places_move(srf__element_t *element, srf__places_t *places,
                      srf__branch_t *branch);
/* Ends a lookup under way. NULL does nothing. */
void srf__places_destroy(srf__element_t *element, srf__places_t *places);

/* Who is told of a lookup; `preferred` is the listener whose address family
 * comes first (may be NULL), `source` that of srf__lookup_spec_t. Requests with
 * the same Call-ID draw the same order of the same servers, so that one with
 * credentials gets to the server that asked for them, and an ACK or a later
 * request to that of the INVITE (RFC 3263 §4.3); empty: chance. */
typedef struct srf__finder {
    const srf__listener_t *preferred;
    srf__lookup_cb cb;
    void *arg;
    srf__str_t call_id; /* borrowed for the call */
    const srf__addr_t *source;
} srf__finder_t;

/* A lookup with what can be sent over. As srf__resolve(). */
int srf__element_resolve(srf__element_t *element, const srf__uri_t *uri,
                         const srf__finder_t *finder, srf__hops_t *out,
                         srf__lookup_t **pending);

#endif /* SRF_PLACES_H */
