/*
 * Edits: what changes in a message, gathered once.
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/edit.h"

#include "base/error.h"

void srf__edits_init(srf__edits_t *edits)
{
    edits->count = 0;
    edits->err = 0;
}

/* Header lines removed one after the other are one edit: a message has more of
 * them than there may be edits. */
static bool extends_last(srf__edits_t *edits, uint32_t off, uint32_t remove,
                         srf__str_t insert)
{
    srf__edit_t *last =
        edits->count == 0 ? NULL : &edits->list[edits->count - 1];

    if (last == NULL || insert.len > 0 || last->insert.len > 0 ||
        last->off + last->remove != off)
        return false;
    last->remove += remove;
    return true;
}

void srf__edits_add(srf__edits_t *edits, uint32_t off, uint32_t remove,
                    srf__str_t insert)
{
    unsigned at = edits->count;

    if (edits->err != 0 || extends_last(edits, off, remove, insert))
        return;
    if (at == SRF__EDITS_MAX) {
        edits->err = SRF_ERR_LIMIT;
        return;
    }
    /* From behind: edits mostly come in order. */
    for (; at > 0 && edits->list[at - 1].off > off; at--)
        edits->list[at] = edits->list[at - 1];
    srf__assert(at == edits->count || edits->list[at + 1].off >= off + remove);
    srf__assert(at == 0 || edits->list[at - 1].off == off ||
                edits->list[at - 1].off + edits->list[at - 1].remove <= off);
    edits->list[at] = (srf__edit_t){off, remove, insert};
    edits->count++;
}

size_t srf__edits_size(const srf__edits_t *edits, size_t len)
{
    for (unsigned i = 0; i < edits->count; i++) {
        len -= edits->list[i].remove;
        len += edits->list[i].insert.len;
    }
    return len;
}

void srf__edits_gather(const srf__edits_t *edits, const char *data, size_t len,
                       char *out)
{
    size_t pos = 0;

    for (unsigned i = 0; i < edits->count; i++) {
        const srf__edit_t *edit = &edits->list[i];
        /* An insertion where the edit before removed stays behind it. */
        if (edit->off > pos) {
            memcpy(out, data + pos, edit->off - pos);
            out += edit->off - pos;
            pos = edit->off;
        }
        if (edit->insert.len > 0)
            memcpy(out, edit->insert.p, edit->insert.len);
        out += edit->insert.len;
        pos += edit->remove;
    }
    srf__assert(pos <= len);
    memcpy(out, data + pos, len - pos);
}

srf_msg_t *srf__edits_apply(srf__pool_t *pool, const srf__edits_t *edits,
                            const srf__facts_t *facts)
{
    srf__assert(edits->err == 0);
    srf_msg_t *msg = srf__msg_alloc(pool, srf__edits_size(edits, facts->len));

    if (msg != NULL)
        srf__edits_gather(edits, facts->data, facts->len, msg->data);
    return msg;
}

/* Where the empty line at the end of the head begins. */
static uint32_t head_end(const srf__facts_t *facts)
{
    uint32_t off = facts->head_len - 1;

    srf__assert(facts->head_len >= 2 && facts->data[off] == '\n');
    return facts->data[off - 1] == '\r' ? off - 1 : off;
}

void srf__edit_insert_line(srf__edits_t *edits, const srf__facts_t *facts,
                           const srf__header_t *before, srf__str_t line)
{
    srf__edits_add(edits, before == NULL ? head_end(facts) : before->name, 0,
                   line);
}

void srf__edit_remove_line(srf__edits_t *edits, const srf__header_t *header)
{
    srf__edits_add(edits, header->name, (uint32_t)(header->end - header->name),
                   srf__str(NULL, 0));
}

void srf__edit_replace_value(srf__edits_t *edits, const srf__header_t *header,
                             srf__str_t value)
{
    srf__edits_add(edits, header->value, header->value_len, value);
}

srf__span_t srf__cut_top_via(const srf__facts_t *facts)
{
    const srf__header_t *line = srf__facts_first(facts, SRF__HDR_VIA);
    uint16_t off = facts->via.value.off;
    uint16_t end = facts->via2;

    srf__assert(line != NULL);
    if (facts->via2 == 0 || facts->via2 >= line->end) {
        off = line->name;
        end = line->end;
    }
    return (srf__span_t){off, (uint16_t)(end - off)};
}
