/*
 * Repeating the program's own 2xx.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/answers.h"

#include "base/alloc.h"
#include "base/error.h"

typedef struct answer {
    srf__map_node_t node;
    srf__answers_t *answers;
    srf__timer_t timer;
    srf__flow_t flow;
    srf_msg_t *response;
    uint32_t interval_ms;
    uint64_t give_up_ms;
} answer_t;

/* The ACK of a 2xx is known by its dialog and CSeq number (§13.2.2.4). */
static srf__hash128_t key_of(const srf__answers_t *answers,
                             const srf__facts_t *facts, srf__str_t to_tag)
{
    srf__hasher_t hasher;

    srf__hasher_init(&hasher, &answers->txns->key, true);
    srf__hasher_field(&hasher, srf__facts_str(facts, facts->call_id));
    srf__hasher_field(&hasher, srf__facts_str(facts, facts->from_tag));
    srf__hasher_field(&hasher, to_tag);
    srf__hasher_update(&hasher, &facts->cseq, sizeof(facts->cseq));
    return srf__hasher_final(&hasher);
}

static void forget(answer_t *answer)
{
    srf__timer_stop(answer->answers->txns->wheel, &answer->timer);
    srf__map_remove(&answer->answers->waiting, &answer->node);
    srf__msg_unref(answer->response);
    srf__free(answer);
}

static void repeat(srf__timer_t *timer)
{
    answer_t *answer = srf__container_of(timer, answer_t, timer);
    srf__txns_t *txns = answer->answers->txns;
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

static answer_t *create(srf__answers_t *answers, srf__hash128_t key)
{
    answer_t *answer = srf__calloc(1, sizeof(*answer));

    if (answer == NULL)
        return NULL;
    answer->node.key = key;
    if (srf__map_add(&answers->waiting, &answer->node) != 0) {
        srf__free(answer);
        return NULL;
    }
    answer->answers = answers;
    return answer;
}

int srf__answers_send(srf__answers_t *answers, srf__server_t *server,
                      srf__response_spec_t *spec)
{
    srf__txns_t *txns = answers->txns;
    const srf__facts_t *request = srf__msg_facts(server->request);
    char tag[SRF__TAG_LEN];

    if (request == NULL)
        return SRF_ERR_NO_MEMORY;
    srf__str_t to_tag = srf__facts_str(request, request->to_tag);
    if (to_tag.len == 0)
        to_tag = srf__server_tag(server, tag);
    srf__hash128_t key = key_of(answers, request, to_tag);
    answer_t *answer = srf__map_get(&answers->waiting, key) == NULL
                           ? create(answers, key)
                           : NULL;
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

bool srf__answers_acked(srf__answers_t *answers, const srf__facts_t *ack)
{
    if (answers->waiting.count == 0)
        return false;
    srf__map_node_t *node =
        srf__map_get(&answers->waiting,
                     key_of(answers, ack, srf__facts_str(ack, ack->to_tag)));
    if (node == NULL)
        return false;
    forget((answer_t *)node);
    return true;
}

void srf__answers_deinit(srf__answers_t *answers)
{
    srf__map_node_t *node = srf__map_any(&answers->waiting);

    while (node != NULL) {
        forget((answer_t *)node);
        node = srf__map_any(&answers->waiting);
    }
    srf__map_deinit(&answers->waiting);
}
