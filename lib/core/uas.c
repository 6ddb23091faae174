/*
 * Repeating the program's own 2xx, and knowing merged requests.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/uas.h"

#include "base/alloc.h"
#include "base/error.h"

typedef struct answer {
    srf__map_node_t node;
    srf__uas_t *uas;
    srf__timer_t timer;
    srf__flow_t flow;
    srf_msg_t *response;
    uint32_t interval_ms;
    uint64_t give_up_ms;
} answer_t;

/* The ACK of a 2xx is known by its dialog and CSeq number (§13.2.2.4). */
static srf__hash128_t key_of(const srf__uas_t *uas, const srf__facts_t *facts,
                             srf__str_t to_tag)
{
    srf__hasher_t hasher;

    srf__hasher_init(&hasher, &uas->txns->key, true);
    srf__hasher_field(&hasher, srf__facts_str(facts, facts->call_id));
    srf__hasher_field(&hasher, srf__facts_str(facts, facts->from_tag));
    srf__hasher_field(&hasher, to_tag);
    srf__hasher_update(&hasher, &facts->cseq, sizeof(facts->cseq));
    return srf__hasher_final(&hasher);
}

static void forget(answer_t *answer)
{
    srf__timer_stop(answer->uas->txns->wheel, &answer->timer);
    srf__map_remove(&answer->uas->answers, &answer->node);
    srf__msg_unref(answer->response);
    srf__free(answer);
}

static void repeat(srf__timer_t *timer)
{
    answer_t *answer = srf__container_of(timer, answer_t, timer);
    srf__txns_t *txns = answer->uas->txns;
    const srf__str_t part =
        srf__str(answer->response->data, answer->response->len);

    if (srf__wheel_now(txns->wheel) >= answer->give_up_ms) {
        forget(answer);
        return;
    }
    txns->counters.retransmissions_sent++;
    (void)srf__transports_send(&answer->flow, &part, 1);
    answer->interval_ms *= 2;
    if (answer->interval_ms > txns->timing.t2_ms)
        answer->interval_ms = txns->timing.t2_ms;
    srf__timer_start(txns->wheel, &answer->timer, answer->interval_ms, repeat);
}

static answer_t *create(srf__uas_t *uas, srf__hash128_t key)
{
    answer_t *answer = srf__calloc(1, sizeof(*answer));

    if (answer == NULL)
        return NULL;
    answer->node.key = key;
    if (srf__map_add(&uas->answers, &answer->node) != 0) {
        srf__free(answer);
        return NULL;
    }
    answer->uas = uas;
    return answer;
}

int srf__uas_answer(srf__uas_t *uas, srf__server_t *server,
                    srf__response_spec_t *spec)
{
    srf__txns_t *txns = uas->txns;
    const srf__facts_t *request = srf__msg_facts(server->request);
    char tag[SRF__TAG_LEN];

    if (request == NULL)
        return SRF_ERR_NO_MEMORY;
    srf__str_t to_tag = srf__facts_str(request, request->to_tag);
    if (to_tag.len == 0)
        to_tag = srf__server_tag(server, tag);
    srf__hash128_t key = key_of(uas, request, to_tag);
    answer_t *answer =
        srf__map_get(&uas->answers, key) == NULL ? create(uas, key) : NULL;
    if (answer == NULL)
        return SRF_ERR_NO_MEMORY;
    int err = srf__server_reply_kept(server, spec, &answer->response);
    if (err != 0) {
        forget(answer);
        return err;
    }
    answer->flow = srf__server_reply_flow(server);
    answer->interval_ms = txns->timing.t1_ms;
    answer->give_up_ms =
        srf__wheel_now(txns->wheel) + 64ull * txns->timing.t1_ms;
    srf__timer_start(txns->wheel, &answer->timer, answer->interval_ms, repeat);
    return 0;
}

bool srf__uas_acked(srf__uas_t *uas, const srf__facts_t *ack)
{
    if (uas->answers.count == 0)
        return false;
    srf__map_node_t *node = srf__map_get(
        &uas->answers, key_of(uas, ack, srf__facts_str(ack, ack->to_tag)));
    if (node == NULL)
        return false;
    forget((answer_t *)node);
    return true;
}

/* ---- merged requests ---- */

struct srf__taken {
    srf__map_node_t node;
    srf__uas_t *uas;
    srf__server_t *server; /* alive as long as this */
};

static srf__hash128_t copy_key(const srf__uas_t *uas,
                               const srf__facts_t *request)
{
    srf__hasher_t hasher;

    srf__hasher_init(&hasher, &uas->txns->key, true);
    srf__hasher_field(&hasher, srf__facts_str(request, request->call_id));
    srf__hasher_field(&hasher, srf__facts_str(request, request->from_tag));
    srf__hasher_field(&hasher, srf__facts_str(request, request->method_name));
    srf__hasher_field(&hasher, srf__facts_str(request, request->uri));
    srf__hasher_update(&hasher, &request->cseq, sizeof(request->cseq));
    return srf__hasher_final(&hasher);
}

srf__taken_t *srf__uas_take(srf__uas_t *uas, srf__server_t *server)
{
    const srf__facts_t *request = srf__msg_facts(server->request);

    if (request == NULL || request->to_tag.len > 0)
        return NULL;
    srf__hash128_t key = copy_key(uas, request);
    if (srf__map_get(&uas->taken, key) != NULL)
        return NULL;
    srf__taken_t *taken = srf__calloc(1, sizeof(*taken));
    if (taken == NULL)
        return NULL;
    taken->node.key = key;
    if (srf__map_add(&uas->taken, &taken->node) != 0) {
        srf__free(taken);
        return NULL;
    }
    taken->uas = uas;
    taken->server = server;
    return taken;
}

void srf__uas_give_back(srf__taken_t *taken)
{
    srf__map_remove(&taken->uas->taken, &taken->node);
    srf__free(taken);
}

/* A final response is on its way: nothing is left to cancel. */
static void on_cancelled(srf__server_t *server, const srf__facts_t *cancel)
{
    (void)server;
    (void)cancel;
}

static void on_ended(srf__server_t *server)
{
    srf__uas_give_back(server->user_data);
}

static const srf__server_user_t taken_user = {
    .cancelled = on_cancelled,
    .ended = on_ended,
};

void srf__uas_leave(srf__taken_t *taken)
{
    srf__server_set_user(taken->server, &taken_user, taken);
}

bool srf__uas_is_merged(const srf__uas_t *uas, const srf__facts_t *request)
{
    return request->to_tag.len == 0 &&
           srf__map_get(&uas->taken, copy_key(uas, request)) != NULL;
}

static void deinit_taken(srf__uas_t *uas)
{
    srf__taken_t *taken = (srf__taken_t *)srf__map_any(&uas->taken);

    while (taken != NULL) {
        srf__server_set_user(taken->server, NULL, NULL);
        srf__uas_give_back(taken);
        taken = (srf__taken_t *)srf__map_any(&uas->taken);
    }
    srf__map_deinit(&uas->taken);
}

void srf__uas_deinit(srf__uas_t *uas)
{
    srf__map_node_t *node = srf__map_any(&uas->answers);

    deinit_taken(uas);

    while (node != NULL) {
        forget((answer_t *)node);
        node = srf__map_any(&uas->answers);
    }
    srf__map_deinit(&uas->answers);
}
