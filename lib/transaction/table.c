/*
 * The transaction layer's tables and the identifiers they are searched by.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transaction/table.h"

#include "base/alloc.h"
#include "base/error.h"
#include "message/build.h"
#include "transaction/client.h"
#include "transaction/server.h"

static const char cookie[] = "z9hG4bK"; /* RFC 3261 §8.1.1.7 */
enum { COOKIE_LEN = sizeof(cookie) - 1, FIRST_SLOTS = 64, KEPT_SLOTS = 1024 };

void srf__txns_init(srf__txns_t *txns)
{
    srf__pool_init(&txns->own);
    srf__pool_init(&txns->tables);
    txns->servers.pool = &txns->tables;
    srf__random_bytes(txns->random, &txns->key, sizeof(txns->key));
}

static void drop_slots(srf__txns_t *txns)
{
    srf__pool_t *pool = &txns->tables;

    srf__pool_give(pool, txns->slots, txns->slot_count * sizeof(*txns->slots));
    srf__pool_give(pool, txns->free_slots,
                   txns->slot_count * sizeof(*txns->free_slots));
    txns->slots = NULL;
    txns->free_slots = NULL;
    txns->slot_count = 0;
    txns->free_count = 0;
}

void srf__txns_deinit(srf__txns_t *txns)
{
    for (uint32_t i = 0; i < txns->slot_count; i++) {
        if (txns->slots[i] != NULL)
            srf__client_drop(txns->slots[i]);
    }
    drop_slots(txns);

    srf__map_node_t *node = srf__map_any(&txns->servers);
    while (node != NULL) {
        srf__server_t *server = (srf__server_t *)node;
        server->user = NULL;
        srf__server_abandon(server);
        node = srf__map_any(&txns->servers);
    }
    srf__map_deinit(&txns->servers);
}

void srf__via_id_write(const srf__via_id_t *id, char out[SRF__BRANCH_LEN])
{
    char *p = out;

    memcpy(p, cookie, COOKIE_LEN);
    p += COOKIE_LEN;
    srf__hex_write(p,
                   (uint64_t)id->worker << 56 | (uint64_t)id->slot << 32 |
                       id->generation,
                   16);
    p[16] = '.';
    srf__hex_write(p + 17, id->loop_hash, 8);
}

bool srf__via_id_read(srf__str_t branch, srf__via_id_t *out)
{
    uint64_t place; /* worker, slot and generation */
    uint64_t loop_hash;
    const char *p = branch.p;

    if (branch.len != SRF__BRANCH_LEN || memcmp(p, cookie, COOKIE_LEN) != 0)
        return false;
    p += COOKIE_LEN;
    if (p[16] != '.' || !srf__hex_read(srf__str(p, 16), &place) ||
        !srf__hex_read(srf__str(p + 17, 8), &loop_hash))
        return false;
    out->worker = (uint8_t)(place >> 56);
    out->slot = place >> 32 & 0xffffff;
    out->generation = (uint32_t)place;
    out->loop_hash = (uint32_t)loop_hash;
    return true;
}

static int grow_slots(srf__txns_t *txns)
{
    srf__pool_t *pool = &txns->tables;
    uint32_t count = txns->slot_count == 0 ? FIRST_SLOTS : txns->slot_count * 2;

    if (count > SRF__SLOTS_MAX)
        return SRF_ERR_LIMIT;
    srf__client_t **slots = srf__pool_take(pool, count * sizeof(*slots));
    uint32_t *free_slots = srf__pool_take(pool, count * sizeof(*free_slots));
    if (slots == NULL || free_slots == NULL) {
        srf__pool_give(pool, slots, count * sizeof(*slots));
        srf__pool_give(pool, free_slots, count * sizeof(*free_slots));
        return SRF_ERR_NO_MEMORY;
    }
    /* No slot is free, or there was no reason to grow. */
    if (txns->slot_count > 0)
        memcpy(slots, txns->slots, txns->slot_count * sizeof(*slots));
    srf__pool_give(pool, txns->slots, txns->slot_count * sizeof(*slots));
    srf__pool_give(pool, txns->free_slots,
                   txns->slot_count * sizeof(*free_slots));
    txns->slots = slots;
    txns->free_slots = free_slots;

    /* Lowest numbers on top, so that a quiet stack stays in few pages. */
    for (uint32_t i = count; i > txns->slot_count; i--) {
        slots[i - 1] = NULL;
        free_slots[txns->free_count++] = i - 1;
    }
    txns->slot_count = count;
    return 0;
}

int srf__slot_take(srf__txns_t *txns, srf__client_t *client, uint32_t *slot)
{
    if (txns->free_count == 0) {
        int err = grow_slots(txns);
        if (err != 0)
            return err;
    }
    *slot = txns->free_slots[--txns->free_count];
    txns->slots[*slot] = client;
    return 0;
}

void srf__slot_free(srf__txns_t *txns, uint32_t slot)
{
    srf__assert(slot < txns->slot_count && txns->slots[slot] != NULL);
    txns->slots[slot] = NULL;
    txns->free_slots[txns->free_count++] = slot;
    /* After a peak they begin anew. */
    if (txns->free_count == txns->slot_count && txns->slot_count > KEPT_SLOTS)
        drop_slots(txns);
}

srf__client_t *srf__slot_get(const srf__txns_t *txns, uint32_t slot)
{
    return slot < txns->slot_count ? txns->slots[slot] : NULL;
}

static bool has_cookie(srf__str_t branch)
{
    return branch.len > COOKIE_LEN && memcmp(branch.p, cookie, COOKIE_LEN) == 0;
}

bool srf__branch_is_unique(const srf__facts_t *facts)
{
    return has_cookie(srf__facts_str(facts, facts->via.branch));
}

/* "host" is "host:5060" (RFC 3261 §18.1.1). */
static void add_sent_by(srf__hasher_t *hasher, const srf__facts_t *facts,
                        const srf__via_t *via)
{
    uint16_t port =
        via->port != 0 ? via->port : srf__transport_port(via->transport);

    srf__hasher_field_lower(hasher, srf__facts_str(facts, via->host));
    srf__hasher_update(hasher, &port, sizeof(port));
}

/* RFC 3261 §17.2.3: branch, sent-by and method when the branch has the cookie;
 * otherwise what RFC 2543 peers keep the same between the copies of a request
 * and its ACK (whose To tag is that of our response, so it is left out). */
srf__hash128_t srf__server_key_by(const srf__txns_t *txns,
                                  const srf__facts_t *request,
                                  const srf__via_t *via, srf__method_t method)
{
    srf__hasher_t hasher;
    srf__hash128_t key;
    srf__str_t branch = srf__facts_str(request, via->branch);
    uint64_t number = method;

    srf__hasher_init(&hasher, &txns->key, false);
    if (method == SRF__METHOD_OTHER) {
        srf__hasher_field(&hasher,
                          srf__facts_str(request, request->method_name));
    } else {
        srf__hasher_update(&hasher, &number, sizeof(number));
    }
    if (has_cookie(branch)) {
        srf__hasher_field(&hasher, branch);
        key.h[0] = srf__hasher_so_far(&hasher);
        add_sent_by(&hasher, request, via);
    } else {
        srf__hasher_field(&hasher, srf__facts_str(request, request->uri));
        srf__hasher_field(&hasher, srf__facts_str(request, request->from_tag));
        srf__hasher_field(&hasher, srf__facts_str(request, request->call_id));
        srf__hasher_update(&hasher, &request->cseq, sizeof(request->cseq));
        key.h[0] = srf__hasher_so_far(&hasher);
        srf__hasher_field(&hasher, srf__facts_str(request, via->value));
    }
    key.h[1] = srf__hasher_so_far(&hasher);
    return key;
}

srf__hash128_t srf__server_key(const srf__txns_t *txns,
                               const srf__facts_t *request,
                               srf__method_t method)
{
    return srf__server_key_by(txns, request, &request->via, method);
}

void srf__via_mark_for(const srf__txns_t *txns, const srf__facts_t *request,
                       const srf__flow_t *from,
                       srf__via_mark_storage_t *storage, srf__via_mark_t *out)
{
    const srf__via_t *via = &request->via;
    bool rport = via->has_rport || txns->force_rport;

    memset(out, 0, sizeof(*out));
    /* RFC 3261 §18.2.1: when sent-by is a name or another address. RFC 3581 §4:
     * always when the port was asked for. And what the sender put there itself
     * may lead responses elsewhere. */
    if (rport || via->received.off != 0 ||
        !srf__addr_is_host(&from->peer, srf__facts_str(request, via->host)))
        out->received = srf__addr_ip_text(&from->peer, storage->ip);
    if (rport) {
        srf__buf_t buf;
        srf__buf_init_fixed(&buf, storage->port, sizeof(storage->port));
        srf__buf_add_u64(&buf, from->peer.port);
        out->rport = srf__buf_str(&buf);
    }
}

void srf__via_mark_keep(const srf__facts_t *request, const srf__flow_t *from,
                        srf__via_mark_storage_t *storage, srf__via_mark_t *out)
{
    uint32_t seconds = from->listener->keepalive_s;
    srf__buf_t buf;

    /* RFC 6223 §4.2: other requests cannot ask for it. */
    if (seconds == SRF_TIMEOUT_NONE ||
        (request->method != SRF__METHOD_REGISTER &&
         !srf__method_may_form_dialog(request->method)))
        return;
    srf__buf_init_fixed(&buf, storage->keep, sizeof(storage->keep));
    srf__buf_add_char(&buf, '=');
    srf__buf_add_u64(&buf, seconds);
    srf__buf_add_char(&buf, '\0');
    out->keep = storage->keep;
}
