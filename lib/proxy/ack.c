/*
 * ACKs without state.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/ack.h"

#include "base/alloc.h"
#include "base/error.h"
#include "proxy/forward.h"
#include "proxy/places.h"

/* An ACK whose next hop is being looked up. */
typedef struct srf__waiting_ack {
    struct srf__waiting_ack *next; /* of the element */
    struct srf__waiting_ack **link;
    srf__element_t *element;
    srf_msg_t *ack;
    srf__flow_t from;
    uint64_t id;
    srf__share_t *share;
    srf__lookup_t *lookup;
} waiting_t;

/* Whoever sends it waits for nothing: it may send so many more of them. */
enum { WAITING_MAX = 1024, WAITING_PER_SOURCE = 64 };

/* A branch for what is forwarded without state, of no slot; the same for each
 * retransmission (RFC 3261 §16.11). */
static void stateless_branch(const srf__element_t *element, uint64_t id,
                             char out[SRF__BRANCH_LEN])
{
    const srf__branch_id_t branch = {.worker = element->txns.worker,
                                     .slot = SRF__SLOTS_MAX - 1,
                                     .generation = (uint32_t)(id >> 32)};

    srf__branch_write(&branch, out);
}

/* It would come back for ever, with nothing changed. */
static bool goes_round(srf__element_t *element, const srf__route_t *route,
                       const srf__addr_t *addr)
{
    return route->removed == 0 && !route->from_strict &&
           srf__transports_is_local(&element->transports, addr);
}

/* The URI that an ACK goes on to, and its address if it has one. 0;
 * SRF_ERR_NAME_NOT_FOUND: its host is a name; another error: it goes nowhere.
 */
static int find_hop(srf__element_t *element, const srf__facts_t *ack,
                    srf__route_t *route, srf__hop_t *hop)
{
    if (ack->max_forwards == 0 || srf__route_prepare(element, ack, route) != 0)
        return SRF_ERR_SYNTAX;
    if (route->request_uri_is_us && !route->has_next)
        return SRF_ERR_NO_TARGET;
    int err = srf__forward_next_hop(route, hop);
    hop->reason = SRF_DESTINATION_ACK;
    if (err == 0 && goes_round(element, route, &hop->addr))
        return SRF_ERR_NO_TARGET;
    return err;
}

static void send_on(srf__element_t *element, const srf__facts_t *ack,
                    const srf__forward_t *forward)
{
    srf_msg_t *image = srf__forward_request(element, ack, forward);

    if (image == NULL)
        return;
    const srf__str_t part = srf__str(image->data, image->len);
    element->txns.counters.requests_sent++;
    (void)srf__transports_send(forward->to, &part, 1);
    srf__msg_unref(image);
}

/* Sends it along a flow, or to a hop. */
static bool go_on(srf__element_t *element, const srf__facts_t *ack,
                  const srf__flow_t *from, const srf__route_t *route,
                  const srf__hop_t *hop, uint64_t id)
{
    srf__str_t uri = route->request_uri.text;
    char branch[SRF__BRANCH_LEN];
    srf__flow_t to;

    if (hop == NULL) {
        if (!srf__forward_along_flow(element, route, from, &to) ||
            to.peer.family == 0 ||
            !srf__forward_is_allowed(uri, to.peer.transport))
            return false;
    } else if (!srf__forward_is_allowed(uri, hop->addr.transport) ||
               srf__hop_flow(&element->transports, hop,
                             route->listener != NULL ? route->listener
                                                     : from->listener,
                             &to) != 0) {
        return false;
    }
    stateless_branch(element, id, branch);
    const srf__forward_t forward = {
        .route = route,
        .from = from,
        .to = &to,
        .branch = srf__str(branch, sizeof(branch)),
    };
    send_on(element, ack, &forward);
    return true;
}

/* ---- names ---- */

static void forget(waiting_t *waiting)
{
    *waiting->link = waiting->next;
    if (waiting->next != NULL)
        waiting->next->link = waiting->link;
    srf__quota_give(&waiting->element->ack_quota, waiting->share);
    srf__msg_unref(waiting->ack);
    srf__free(waiting);
}

/* To the first of them that it can be sent to. */
static void to_one(srf__element_t *element, const srf__facts_t *ack,
                   const srf__flow_t *from, const srf__hops_t *hops,
                   uint64_t id)
{
    bool sent = false;
    srf__route_t route;
    srf__hop_t hop;

    if (find_hop(element, ack, &route, &hop) != SRF_ERR_NAME_NOT_FOUND)
        return;
    hop.name = route.has_next ? route.next.host : route.request_uri.host;
    for (unsigned i = 0; i < hops->count && !sent; i++) {
        hop.addr = hops->list[i];
        sent = !goes_round(element, &route, &hop.addr) &&
               go_on(element, ack, from, &route, &hop, id);
    }
}

static void on_found(void *arg, int err, const srf__hops_t *hops)
{
    waiting_t *waiting = arg;
    const srf__facts_t *ack = err == 0 ? srf__msg_facts(waiting->ack) : NULL;

    if (ack != NULL)
        to_one(waiting->element, ack, &waiting->from, hops, waiting->id);
    forget(waiting);
}

static srf__share_t *take_share(srf__element_t *element,
                                const srf__flow_t *from)
{
    element->ack_quota.all = WAITING_MAX;
    element->ack_quota.each = WAITING_PER_SOURCE;
    return srf__quota_take(&element->ack_quota,
                           srf__addr_source(&from->peer, &element->txns.key));
}

/* NULL when too many do, or memory is out. */
static waiting_t *wait_for_name(srf__element_t *element,
                                const srf__facts_t *ack,
                                const srf__flow_t *from)
{
    srf__share_t *share = take_share(element, from);
    waiting_t *waiting =
        share == NULL ? NULL : srf__calloc(1, sizeof(*waiting));
    srf_msg_t *msg =
        waiting == NULL ? NULL : srf__msg_create(&element->pool, ack);

    if (msg == NULL) {
        srf__quota_give(&element->ack_quota, share);
        srf__free(waiting);
        return NULL;
    }
    waiting->share = share;
    waiting->element = element;
    waiting->ack = msg;
    waiting->from = *from;
    waiting->next = element->acks;
    waiting->link = &element->acks;
    if (waiting->next != NULL)
        waiting->next->link = &waiting->next;
    element->acks = waiting;
    return waiting;
}

/* The INVITE went the same way a moment ago: mostly it is at hand. */
static bool look_up(srf__element_t *element, const srf__facts_t *ack,
                    const srf__flow_t *from, const srf__route_t *route,
                    uint64_t id)
{
    waiting_t *waiting = wait_for_name(element, ack, from);
    srf__hops_t hops;

    if (waiting == NULL)
        return false;
    waiting->id = id;
    /* Without state no lots are drawn (RFC 3263 §4.4). */
    const srf__finder_t finder = {
        .preferred = from->listener,
        .cb = on_found,
        .arg = waiting,
        .seed = id | 1,
        .source = &from->peer,
    };
    int err = srf__element_resolve(
        element, route->has_next ? &route->next : &route->request_uri, &finder,
        &hops, &waiting->lookup);
    if (err == SRF__SELECT_PENDING)
        return true;
    forget(waiting);
    if (err == 0)
        to_one(element, ack, from, &hops, id);
    return err == 0;
}

void srf__acks_abort(srf__element_t *element)
{
    while (element->acks != NULL) {
        waiting_t *waiting = element->acks;
        srf__lookup_cancel(waiting->lookup);
        forget(waiting);
    }
    srf__quota_deinit(&element->ack_quota);
}

/* ---- the whole ---- */

/* What is sent on without state must be for a call that went through us, or
 * anybody could have us send anywhere. */
static bool is_expected(srf__element_t *element, const srf__facts_t *ack,
                        const srf__route_t *route)
{
    return route->in_dialog || element->relay_acks ||
           srf__recent_has(&element->recent, ack,
                           srf__wheel_now(element->wheel));
}

static bool forward(srf__element_t *element, const srf__facts_t *ack,
                    const srf__flow_t *from, uint64_t id, bool known)
{
    srf__route_t route;
    srf__hop_t hop;
    srf__flow_t flow;

    int err = find_hop(element, ack, &route, &hop);
    if (err == SRF_ERR_SYNTAX || (!known && !is_expected(element, ack, &route)))
        return false;
    /* A flow leads on whatever the URI says: of many a client behind it that is
     * an address of its own network, which may be one of ours, too. */
    if (srf__forward_along_flow(element, &route, from, &flow))
        return go_on(element, ack, from, &route, NULL, id);
    if (err == SRF_ERR_NAME_NOT_FOUND)
        return look_up(element, ack, from, &route, id);
    return err == 0 && go_on(element, ack, from, &route, &hop, id);
}

/* RFC 3261 §16.4: an ACK for us only by its maddr goes on without it. */
static bool forward_without_maddr(srf__element_t *element,
                                  const srf__facts_t *ack,
                                  const srf__flow_t *from, uint64_t id,
                                  bool known)
{
    srf__route_t route;
    bool good = false;

    if (srf__route_prepare(element, ack, &route) != 0 ||
        !srf__route_has_own_maddr(&route, from))
        return false;
    srf_msg_t *image = srf__route_strip_maddr(&element->pool, ack, &route);
    const srf__facts_t *facts = image == NULL ? NULL : srf__msg_facts(image);
    if (facts != NULL)
        good = forward(element, facts, from, id, known);
    srf__msg_unref(image);
    return good;
}

void srf__forward_ack(srf__element_t *element, const srf__facts_t *ack,
                      const srf__flow_t *from, srf__hash128_t key, bool known)
{
    /* The half of the key that does not say where in our tables it would be. */
    uint64_t id = key.h[1];

    /* Never answered, whatever is wrong with it (RFC 3261 §17.1). */
    if (!forward(element, ack, from, id, known) &&
        !forward_without_maddr(element, ack, from, id, known))
        element->txns.counters.dropped_unmatched++;
}
