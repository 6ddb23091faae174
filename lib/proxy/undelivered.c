/*
 * Responses that did not arrive.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/undelivered.h"

#include "base/alloc.h"
#include "base/error.h"
#include "proxy/way.h"
#include "transaction/server.h"

enum { STRAYS_MAX = 1024, STRAYS_PER_SOURCE = 64, URI_BYTES = 300 };

/* A transaction whose responses do not arrive where it wants them. It stays for
 * as long as its last response may be repeated. */
typedef struct srf__stray {
    srf__map_node_t node; /* first; its key is that of the transaction */
    srf__element_t *element;
    srf__share_t *share; /* of whoever sent the request */
    srf__timer_t timer;
    srf_msg_t *response; /* to be sent when the addresses are there */
    srf__way_t way;
    srf__uri_t uri;   /* of the host in its Via */
    srf__flow_t from; /* of the request */
    char text[];      /* of the URI */
} stray_t;

static void forget(stray_t *stray)
{
    srf__element_t *element = stray->element;

    srf__way_end(&stray->way);
    srf__timer_stop(element->wheel, &stray->timer);
    srf__map_remove(&element->strays, &stray->node);
    srf__quota_give(&element->stray_quota, stray->share);
    srf__msg_unref(stray->response);
    srf__free(stray);
}

static void timer_fired(srf__timer_t *timer)
{
    forget(srf__container_of(timer, stray_t, timer));
}

static srf__way_spec_t spec_of(const stray_t *stray)
{
    return (srf__way_spec_t){
        .uri = &stray->uri,
        .came_by = stray->from.listener,
        .source = &stray->from.peer,
        .reason = SRF_DESTINATION_RESPONSE,
    };
}

/* The Via is the caller's to write: where nobody decides who may be sent to, it
 * leads to other ports of his own address and nowhere else. */
static bool is_allowed(const stray_t *stray, const srf__addr_t *addr)
{
    return stray->element->transports.events.allow != NULL ||
           srf__addr_ip_eq(addr, &stray->from.peer);
}

/* The response goes to the address that is tried, or to the next one there is a
 * way to. */
static void send_on(stray_t *stray)
{
    const srf__way_spec_t spec = spec_of(stray);
    srf__way_t *way = &stray->way;
    srf_msg_t *response = stray->response;
    srf__flow_t flow;

    stray->response = NULL;
    for (; way->at < way->hops.count; way->at++) {
        const srf__addr_t *addr = &way->hops.list[way->at];
        if (!is_allowed(stray, addr) ||
            srf__way_flow(stray->element, &spec, addr, &flow) != 0)
            continue;
        const srf__str_t part = srf__str(response->data, response->len);
        stray->element->txns.counters.responses_sent++;
        if (srf__transports_send(&flow, &part, 1) == 0)
            break;
    }
    srf__msg_unref(response);
}

static void on_found(void *arg, int err, const srf__hops_t *hops)
{
    stray_t *stray = arg;

    srf__way_found(&stray->way, err, hops);
    send_on(stray);
}

/* ---- where else ---- */

/* §5 in a URI: a port means A and AAAA, none means SRV, each for the transport
 * of the Via and no other. Nobody can connect to a WebSocket client. */
static bool write_uri(const srf__facts_t *response, srf__buf_t *out)
{
    const srf__via_t *via = &response->via;
    srf__transport_id_t transport = (srf__transport_id_t)via->transport;

    if (transport == SRF__TRANSPORT_NONE || srf__transport_is_web(transport))
        return false;
    srf__buf_add_text(out, "sip:");
    srf__buf_add_str(out, srf__facts_str(response, via->host));
    if (via->port != 0) {
        srf__buf_add_char(out, ':');
        srf__buf_add_u64(out, via->port);
    }
    srf__buf_add_text(out, ";transport=");
    srf__buf_add_text(out, srf__transport_uri_name(transport));
    return out->err == 0;
}

/* The addresses, now or later; the one that failed is not tried again. */
static void find(stray_t *stray, const srf__addr_t *failed)
{
    srf__way_spec_t spec = spec_of(stray);

    if (srf__uri_parse(srf__str_of(stray->text), &stray->uri) != 0)
        return;
    (void)srf__way_find(stray->element, &spec, &stray->way, on_found, stray);
    if (!spec.named && stray->way.hops.count > 0 &&
        srf__addr_eq(&stray->way.hops.list[0], failed))
        stray->way.hops.count = 0;
}

static srf__share_t *take_share(srf__element_t *element,
                                const srf__server_t *server)
{
    element->stray_quota.all = STRAYS_MAX;
    element->stray_quota.each = STRAYS_PER_SOURCE;
    return srf__quota_take(
        &element->stray_quota,
        srf__addr_source(&server->from.peer, &element->txns.key));
}

/* NULL when there are too many, or memory is out. */
static stray_t *create(srf__element_t *element, const srf__facts_t *response,
                       const srf__server_t *server, srf__hash128_t key)
{
    char storage[URI_BYTES];
    srf__buf_t uri;

    srf__buf_init_fixed(&uri, storage, sizeof(storage));
    if (!write_uri(response, &uri))
        return NULL;
    srf__share_t *share = take_share(element, server);
    stray_t *stray =
        share == NULL ? NULL : srf__calloc(1, sizeof(*stray) + uri.len + 1);
    if (stray != NULL) {
        stray->node.key = key;
        stray->element = element;
        stray->share = share;
        stray->from = server->from;
        memcpy(stray->text, uri.p, uri.len);
    }
    if (stray == NULL || srf__map_add(&element->strays, &stray->node) != 0) {
        srf__quota_give(&element->stray_quota, share);
        srf__free(stray);
        return NULL;
    }
    srf__timer_start(element->wheel, &stray->timer,
                     64ull * element->txns.timing.t1_ms, timer_fired);
    return stray;
}

/* ---- what is sent ---- */

/* The response that the transaction repeats, as it is sent. */
static srf_msg_t *copy_kept(srf__pool_t *pool, const srf__server_t *server)
{
    const srf_msg_t *kept = server->response;
    const srf__span_t cut = server->response_cut;
    srf_msg_t *copy =
        kept == NULL ? NULL : srf__msg_alloc(pool, kept->len - cut.len);

    if (copy == NULL)
        return NULL;
    memcpy(copy->data, kept->data, cut.off);
    memcpy(copy->data + cut.off, kept->data + cut.off + cut.len,
           kept->len - cut.off - cut.len);
    return copy;
}

void srf__response_undelivered(srf__element_t *element,
                               const srf__facts_t *facts, bool complete,
                               const srf__addr_t *to)
{
    srf__hash128_t key =
        srf__server_key(&element->txns, facts, facts->cseq_method);
    const srf__server_t *server = srf__server_find(&element->txns, key);
    stray_t *stray = (stray_t *)srf__map_get(&element->strays, key);
    srf_msg_t *response;

    if (server == NULL || facts->via.branch.len == 0)
        return;
    response = complete ? srf__msg_create(&element->pool, facts)
                        : copy_kept(&element->pool, server);
    if (response == NULL)
        return; /* its sender repeats it, if it matters */
    if (stray != NULL && stray->way.at < stray->way.hops.count &&
        srf__addr_eq(&stray->way.hops.list[stray->way.at], to))
        stray->way.at++;
    if (stray == NULL) {
        stray = create(element, facts, server, key);
        if (stray != NULL)
            find(stray, to);
    }
    if (stray == NULL) {
        srf__msg_unref(response);
        return;
    }
    /* A later response makes an earlier one needless. */
    srf__msg_unref(stray->response);
    stray->response = response;
    if (stray->way.lookup == NULL)
        send_on(stray);
}

void srf__undelivered_abort(srf__element_t *element)
{
    stray_t *stray;

    while ((stray = (stray_t *)srf__map_any(&element->strays)) != NULL)
        forget(stray);
    srf__map_deinit(&element->strays);
    srf__quota_deinit(&element->stray_quota);
}
