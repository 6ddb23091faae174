/*
 * ACKs without state.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/ack.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/list.h"
#include "proxy/forward.h"
#include "proxy/way.h"

/* An ACK whose next hop is being looked up. */
typedef struct srf__waiting_ack {
    struct srf__waiting_ack *next; /* of the element */
    struct srf__waiting_ack **link;
    srf__element_t *element;
    srf_msg_t *ack;
    srf__flow_t from;
    uint64_t id;
    srf__share_t *share;
    srf__way_t way;
} waiting_t;

/* Why it is not sent on, beside the errors of others. */
enum {
    LEADS_NOWHERE = -1, /* whatever it is for */
    UNEXPLAINED = -2,   /* by a call that went through here */
    GOES_ROUND = -3
};

/* Whoever sends it waits for nothing: it may send so many more of them. */
enum { WAITING_MAX = 1024, WAITING_PER_SOURCE = 64 };

/* A branch for what is forwarded without state, of no slot; the same for each
 * retransmission (RFC 3261 §16.11). */
static void stateless_branch(const srf__element_t *element, uint64_t id,
                             char out[SRF__BRANCH_LEN])
{
    const srf__via_id_t branch = {.worker = element->txns.worker,
                                  .slot = SRF__SLOTS_MAX - 1,
                                  .generation = (uint32_t)(id >> 32)};

    srf__via_id_write(&branch, out);
}

/* What an ACK is forwarded by; it stays where it is. */
typedef struct passage {
    srf__element_t *element;
    const srf__facts_t *ack;
    const srf__flow_t *from;
    uint64_t id; /* the same for each retransmission */
    srf__route_t route;
    srf__way_spec_t way;
} passage_t;

/* False when it goes nowhere, whatever it is for. */
static bool begin(passage_t *passage)
{
    srf__route_t *route = &passage->route;

    if (passage->ack->max_forwards == 0 ||
        srf__route_prepare(passage->element, passage->ack, route) != 0)
        return false;
    srf__way_of_route(passage->element, passage->ack, route, passage->from,
                      &passage->way);
    passage->way.reason = SRF_DESTINATION_ACK;
    /* A flow leads on whatever the URI says: of many a client behind it that is
     * an address of its own network, which may be one of ours, too. */
    return passage->way.flow.listener != NULL || !route->request_uri_is_us ||
           route->has_next;
}

/* It would come back for ever, with nothing changed. */
static bool goes_round(const passage_t *passage, const srf__addr_t *addr)
{
    return passage->way.flow.listener == NULL && passage->route.removed == 0 &&
           !passage->route.from_strict &&
           srf__transports_local(&passage->element->transports, addr) != NULL;
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

static inline int send_to(const passage_t *passage, const srf__addr_t *addr)
{
    srf__element_t *element = passage->element;
    char branch[SRF__BRANCH_LEN];
    srf__flow_t to;

    if (goes_round(passage, addr))
        return GOES_ROUND;
    int err = srf__way_flow(element, &passage->way, addr, &to);
    if (err != 0)
        return err;
    stateless_branch(element, passage->id, branch);
    const srf__forward_t forward = {
        .route = &passage->route,
        .from = passage->from,
        .to = &to,
        .branch = srf__str(branch, sizeof(branch)),
    };
    send_on(element, passage->ack, &forward);
    return 0;
}

/* To the first address that it can be sent to. */
static int send_to_one(const passage_t *passage, const srf__way_t *way)
{
    int err = SRF_ERR_UNREACHABLE;

    for (unsigned i = 0; i < way->hops.count && err != 0; i++)
        err = send_to(passage, &way->hops.list[i]);
    return err;
}

static const char *reason_of(int err)
{
    switch (err) {
    case LEADS_NOWHERE:
        return "it leads nowhere";
    case UNEXPLAINED:
        return "no call that went through here explains it";
    case GOES_ROUND:
        return "it would come back";
    default:
        return srf_strerror(err);
    }
}

/* It is never answered, whatever is wrong with it (RFC 3261 §17.1). */
static void drop(srf__element_t *element, const srf__facts_t *ack, int err)
{
    element->txns.counters.dropped_unmatched++;
    srf__way_log(element, ack, reason_of(err));
}

/* ---- names ---- */

static void forget(waiting_t *waiting)
{
    srf__list_remove(waiting);
    srf__quota_give(&waiting->element->ack_quota, waiting->share);
    srf__msg_unref(waiting->ack);
    srf__free(waiting);
}

static int send_found(const waiting_t *waiting, const srf__facts_t *ack)
{
    passage_t passage;
    srf__addr_t addr;

    passage.element = waiting->element;
    passage.ack = ack;
    passage.from = &waiting->from;
    passage.id = waiting->id;
    if (!begin(&passage) || srf__way_address(passage.element, &passage.way,
                                             &addr) != SRF_ERR_NAME_NOT_FOUND)
        return LEADS_NOWHERE;
    return send_to_one(&passage, &waiting->way);
}

static void on_found(void *arg, int err, const srf__hops_t *hops)
{
    waiting_t *waiting = arg;
    const srf__facts_t *ack = srf__msg_facts(waiting->ack);

    srf__way_found(&waiting->way, err, hops);
    if (err == 0 && ack != NULL)
        err = send_found(waiting, ack);
    if (err != 0 && ack != NULL)
        drop(waiting->element, ack, err);
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
    srf__list_push(&element->acks, waiting);
    return waiting;
}

/* The INVITE went the same way a moment ago: mostly it is at hand. */
static int look_up(passage_t *passage)
{
    waiting_t *waiting =
        wait_for_name(passage->element, passage->ack, passage->from);

    if (waiting == NULL)
        return SRF_ERR_LIMIT;
    waiting->id = passage->id;
    int err = srf__way_find(passage->element, &passage->way, &waiting->way,
                            on_found, waiting);
    if (err == SRF__SELECT_PENDING)
        return 0;
    if (err == 0)
        err = send_to_one(passage, &waiting->way);
    forget(waiting);
    return err;
}

void srf__acks_abort(srf__element_t *element)
{
    while (element->acks != NULL) {
        waiting_t *waiting = element->acks;
        srf__way_end(&waiting->way);
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

static int forward(srf__element_t *element, const srf__facts_t *ack,
                   const srf__flow_t *from, uint64_t id, bool known)
{
    passage_t passage;
    srf__addr_t addr;

    passage.element = element;
    passage.ack = ack;
    passage.from = from;
    passage.id = id;
    if (!begin(&passage))
        return LEADS_NOWHERE;
    if (!known && !is_expected(element, ack, &passage.route))
        return UNEXPLAINED;
    int err = srf__way_address(element, &passage.way, &addr);
    if (err == SRF_ERR_NAME_NOT_FOUND)
        return look_up(&passage);
    return err != 0 ? err : send_to(&passage, &addr);
}

/* RFC 3261 §16.4: an ACK for us only by its maddr goes on without it. */
static int forward_without_maddr(srf__element_t *element,
                                 const srf__facts_t *ack,
                                 const srf__flow_t *from, uint64_t id,
                                 bool known)
{
    srf__route_t route;
    int err = SRF_ERR_NO_MEMORY;

    if (srf__route_prepare(element, ack, &route) != 0 ||
        !srf__route_has_own_maddr(&route, from))
        return LEADS_NOWHERE;
    srf_msg_t *image = srf__route_strip_maddr(&element->pool, ack, &route);
    const srf__facts_t *facts = image == NULL ? NULL : srf__msg_facts(image);
    if (facts != NULL)
        err = forward(element, facts, from, id, known);
    srf__msg_unref(image);
    return err;
}

void srf__ack_forward(srf__element_t *element, const srf__facts_t *ack,
                      const srf__flow_t *from, srf__hash128_t key, bool known)
{
    /* The half of the key that does not say where in our tables it would be. */
    uint64_t id = key.h[1];
    int err = forward(element, ack, from, id, known);

    if (err == LEADS_NOWHERE)
        err = forward_without_maddr(element, ack, from, id, known);
    if (err != 0)
        drop(element, ack, err);
}
