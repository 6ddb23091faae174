/*
 * Marks.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/mark.h"

void srf__marks_init(srf__marks_t *marks, srf__random_t *random)
{
    srf__random_bytes(random, &marks->era, sizeof(marks->era));
    srf__random_bytes(random, &marks->keys[0], sizeof(marks->keys[0]));
    marks->count = 1;
}

/* What a mark is written over. A Path has neither Call-ID nor tag; a dialog
 * always has a Call-ID. */
typedef struct subject {
    srf__str_t flow;
    srf__str_t call_id;
    srf__str_t tag; /* the caller's */
} subject_t;

static uint64_t hash_of(const srf__marks_t *marks, unsigned key,
                        const subject_t *subject)
{
    srf__hasher_t hasher;

    srf__hasher_init(&hasher, &marks->keys[key], false);
    srf__hasher_field(&hasher, subject->flow);
    srf__hasher_field(&hasher, subject->call_id);
    srf__hasher_field(&hasher, subject->tag);
    return srf__hasher_final(&hasher).h[0];
}

/* Whichever key it was made with, the first or an older one. Numbers are
 * compared in constant time. */
static bool is_hash_of(const srf__marks_t *marks, uint64_t hash,
                       const subject_t *subject)
{
    for (unsigned key = 0; key < marks->count; key++) {
        if (hash_of(marks, key, subject) == hash)
            return true;
    }
    return false;
}

static subject_t of_dialog(const srf__facts_t *request, srf__str_t flow,
                           srf__span_t tag)
{
    return (subject_t){
        .flow = flow,
        .call_id = srf__facts_str(request, request->call_id),
        .tag = srf__facts_str(request, tag),
    };
}

static subject_t of_path(srf__str_t flow)
{
    return (subject_t){.flow = flow};
}

void srf__mark_dialog(const srf__marks_t *marks, const srf__facts_t *request,
                      srf__str_t flow, char out[SRF__MARK_LEN])
{
    const subject_t subject = of_dialog(request, flow, request->from_tag);

    srf__hex_write(out, hash_of(marks, 0, &subject), SRF__MARK_LEN);
}

void srf__mark_path(const srf__marks_t *marks, srf__str_t flow,
                    char out[SRF__MARK_LEN])
{
    const subject_t subject = of_path(flow);

    srf__hex_write(out, hash_of(marks, 0, &subject), SRF__MARK_LEN);
}

/* Either end sends requests: the caller's tag stands in From or in To. */
static bool is_of_dialog(const srf__marks_t *marks, const srf__facts_t *request,
                         srf__str_t flow, uint64_t hash)
{
    subject_t subject = of_dialog(request, flow, request->from_tag);

    if (request->to_tag.len == 0)
        return false;
    if (is_hash_of(marks, hash, &subject))
        return true;
    subject.tag = srf__facts_str(request, request->to_tag);
    return is_hash_of(marks, hash, &subject);
}

srf__mark_kind_t srf__mark_read(const srf__marks_t *marks,
                                const srf__facts_t *request,
                                const srf__uri_t *uri)
{
    uint64_t hash;

    if (uri->mark.len != SRF__MARK_LEN || !srf__hex_read(uri->mark, &hash))
        return SRF__MARK_NONE;
    if (is_of_dialog(marks, request, uri->user, hash))
        return SRF__MARK_DIALOG;
    const subject_t path = of_path(uri->user);
    return is_hash_of(marks, hash, &path) ? SRF__MARK_PATH : SRF__MARK_NONE;
}
