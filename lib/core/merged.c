/*
 * Knowing merged requests.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/merged.h"

#include "base/alloc.h"

struct srf__taken {
    srf__map_node_t node;
    srf__merged_t *merged;
    srf__server_t *server; /* alive as long as this */
};

static srf__hash128_t copy_key(const srf__merged_t *merged,
                               const srf__facts_t *request)
{
    srf__hasher_t hasher;

    srf__hasher_init(&hasher, merged->key, true);
    srf__hasher_field(&hasher, srf__facts_str(request, request->call_id));
    srf__hasher_field(&hasher, srf__facts_str(request, request->from_tag));
    srf__hasher_field(&hasher, srf__facts_str(request, request->method_name));
    srf__hasher_field(&hasher, srf__facts_str(request, request->uri));
    srf__hasher_update(&hasher, &request->cseq, sizeof(request->cseq));
    return srf__hasher_final(&hasher);
}

srf__taken_t *srf__merged_take(srf__merged_t *merged, srf__server_t *server)
{
    const srf__facts_t *request = srf__msg_facts(server->request);

    if (request == NULL || request->to_tag.len > 0)
        return NULL;
    srf__hash128_t key = copy_key(merged, request);
    if (srf__map_get(&merged->taken, key) != NULL)
        return NULL;
    srf__taken_t *taken = srf__calloc(1, sizeof(*taken));
    if (taken == NULL)
        return NULL;
    taken->node.key = key;
    if (srf__map_add(&merged->taken, &taken->node) != 0) {
        srf__free(taken);
        return NULL;
    }
    taken->merged = merged;
    taken->server = server;
    return taken;
}

void srf__merged_give_back(srf__taken_t *taken)
{
    srf__map_remove(&taken->merged->taken, &taken->node);
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
    srf__merged_give_back(server->user_data);
}

static const srf__server_user_t taken_user = {
    .cancelled = on_cancelled,
    .ended = on_ended,
};

void srf__merged_leave(srf__taken_t *taken)
{
    srf__server_set_user(taken->server, &taken_user, taken);
}

bool srf__merged_is_known(const srf__merged_t *merged,
                          const srf__facts_t *request)
{
    return request->to_tag.len == 0 &&
           srf__map_get(&merged->taken, copy_key(merged, request)) != NULL;
}

void srf__merged_deinit(srf__merged_t *merged)
{
    srf__taken_t *taken = (srf__taken_t *)srf__map_any(&merged->taken);

    while (taken != NULL) {
        srf__server_set_user(taken->server, NULL, NULL);
        srf__merged_give_back(taken);
        taken = (srf__taken_t *)srf__map_any(&merged->taken);
    }
    srf__map_deinit(&merged->taken);
}
