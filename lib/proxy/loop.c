/*
 * The loop hash, and the search for it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/loop.h"

/* Each behind what it is, so that none can stand in for another. */
static void add_lines(srf__hasher_t *hasher, const srf__facts_t *request,
                      srf__header_id_t id)
{
    const srf__header_t *line = srf__facts_first(request, id);

    for (; line != NULL; line = srf__facts_next(request, line)) {
        srf__hasher_update(hasher, &line->id, sizeof(line->id));
        srf__hasher_field(hasher, srf__header_value(request, line));
    }
}

uint32_t srf__loop_hash(const srf__element_t *element,
                        const srf__facts_t *request)
{
    srf__hasher_t hasher;

    srf__hasher_init(&hasher, &element->txns.key, false);
    srf__hasher_field(&hasher, srf__facts_str(request, request->uri));
    add_lines(&hasher, request, SRF__HDR_ROUTE);
    add_lines(&hasher, request, SRF__HDR_PROXY_REQUIRE);
    add_lines(&hasher, request, SRF__HDR_PROXY_AUTHORIZATION);
    return (uint32_t)srf__hasher_final(&hasher).h[0];
}

static bool is_looped(srf__element_t *element, const srf__facts_t *request,
                      const srf__via_t *via, uint32_t hash)
{
    srf__via_id_t id;

    return srf__via_id_read(srf__facts_str(request, via->branch), &id) &&
           id.loop_hash == hash && srf__element_sent(element, request, via);
}

bool srf__loop_found(srf__element_t *element, const srf__facts_t *request,
                     uint32_t hash)
{
    const srf__header_t *line = srf__facts_first(request, SRF__HDR_VIA);

    for (; line != NULL; line = srf__facts_next(request, line)) {
        uint16_t off = line->value;
        while (off != 0) {
            srf__via_t via;
            uint16_t next;
            /* Vias below the first are not ours to judge: skip a broken line.
             */
            if (srf__via_read(request->data, off, line->end, &via, &next) != 0)
                break;
            if (is_looped(element, request, &via, hash))
                return true;
            off = next;
        }
    }
    return false;
}
