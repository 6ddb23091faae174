/*
 * One proxy, its program, a caller and two targets.
 *
 * SPDX-License-Identifier: MIT
 */
#include "world.h"

#include "assertions.h"
#include "core/stack.h"

#include <stdio.h>
#include <stdlib.h>

program_t *world_program(srf_req_t *req)
{
    return srf_data(srf_req_srf(req));
}

void world_on_done(srf_req_t *req, int err, const srf_proxy_results_t *results)
{
    program_t *program = world_program(req);

    ck_assert(!program->inside);
    ck_assert_ptr_nonnull(results);
    program->done++;
    program->err = err;
    program->connected = results->connected;
    program->final_status = results->final_status;
    program->has_final = results->final_response != NULL;
    program->responses = (unsigned)results->response_count;
    for (unsigned i = 0; i < results->response_count && i < WORLD_RESPONSES;
         i++) {
        program->causes[i] = results->responses[i].cause;
        program->msg_counts[i] = (unsigned)results->responses[i].msg_count;
    }
    if (program->look != NULL)
        program->look(req, err, results);
}

void world_on_cancel(srf_req_t *req)
{
    world_program(req)->cancels++;
}

void world_on_request(srf_req_t *req, srf_res_t *res)
{
    program_t *program = world_program(req);

    program->handled++;
    srf_req_on_cancel(req, world_on_cancel);
    program->inside = 1;
    program->started =
        srf_proxy_request(req, program->uris, &program->options, world_on_done);
    program->inside = 0;
    if (program->started != 0) {
        int err = srf_res_send(res, 500, NULL);
        ck_assert(err == 0 || err == SRF_ERR_NO_MEMORY);
    }
}

world_t *world_create_with(const srf_options_t *options, const char *first,
                           const char *second)
{
    world_t *world = calloc(1, sizeof(*world));

    ck_assert_ptr_nonnull(world);
    world->net = memnet_create(7);
    world->srf = memnet_stack(world->net, WORLD_PROXY, options);
    world->caller = party_create(world->net, WORLD_CALLER);
    world->one = party_create(world->net, WORLD_ONE);
    world->two = party_create(world->net, WORLD_TWO);
    world->program.uris[0] = first;
    world->program.uris[1] = second;
    srf_proxy_options_init(&world->program.options);
    world->program.options.record_route = 1;
    srf_set_data(world->srf, &world->program);
    ck_assert_int_eq(srf_on(world->srf, NULL, world_on_request), 0);
    return world;
}

world_t *world_create(const char *first, const char *second)
{
    return world_create_with(NULL, first, second);
}

void world_destroy_rest(world_t *world)
{
    memnet_run(world->net, 10);
    party_destroy(world->caller);
    party_destroy(world->one);
    party_destroy(world->two);
    memnet_destroy(world->net);
    free(world);
}

void world_destroy(world_t *world)
{
    memnet_drain(world->net, 600000);
    srf_stats_t stats = world_stats(world);
    ck_assert_uint_eq(stats.server_transactions, 0);
    ck_assert_uint_eq(stats.client_transactions, 0);
    ck_assert_uint_eq(stats.proxies_pending, 0);
    srf_destroy(world->srf, NULL);
    world_destroy_rest(world);
}

void world_settle(world_t *world)
{
    memnet_run(world->net, 1);
}

void world_call(world_t *world)
{
    party_invite(world->caller, WORLD_PROXY, WORLD_URI, "c1", "");
    world_settle(world);
}

void world_request(world_t *world, const char *method, const char *uri,
                   const char *id, const char *extra)
{
    party_send(world->caller, WORLD_PROXY,
               "%s %s SIP/2.0\n"
               "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-%s\n"
               "Max-Forwards: 70\n"
               "From: <sip:ann@example.com>;tag=ann-%s\n"
               "To: <sip:bob@example.com>\n"
               "Call-ID: %s\n"
               "CSeq: 1 %s\n"
               "%s",
               method, uri, id, id, id, method, extra);
    world_settle(world);
}

/* Copies `text` with the mark in place of each "MARK". */
static void write_marked(char *out, size_t size, const char *text,
                         const char mark[SRF__MARK_LEN])
{
    srf__buf_t buf;

    srf__buf_init_fixed(&buf, out, size - 1);
    while (*text != '\0') {
        if (strncmp(text, "MARK", 4) == 0) {
            srf__buf_add(&buf, mark, SRF__MARK_LEN);
            text += 4;
        } else {
            srf__buf_add_char(&buf, *text++);
        }
    }
    ck_assert_int_eq(buf.err, 0);
    out[buf.len] = '\0';
}

void world_mark(const world_t *world, const char *call_id, const char *tag,
                char out[SRF__MARK_LEN + 1])
{
    char data[200];
    srf__facts_t facts = {.data = data};
    size_t id_len = strlen(call_id);

    snprintf(data, sizeof(data), "%s%s", call_id, tag);
    facts.call_id = (srf__span_t){0, (uint16_t)id_len};
    facts.from_tag = (srf__span_t){(uint16_t)id_len, (uint16_t)strlen(tag)};
    srf__mark_dialog(&world->srf->element.marks, &facts, srf__str(NULL, 0),
                     out);
    out[SRF__MARK_LEN] = '\0';
}

const char *world_path_uri(const world_t *world)
{
    static char uri[64];
    char mark[SRF__MARK_LEN + 1] = "";

    srf__mark_path(&world->srf->element.marks, srf__str(NULL, 0), mark);
    snprintf(uri, sizeof(uri), "sip:10.0.0.1:5060;lr;srf=%s", mark);
    return uri;
}

void world_in_dialog(world_t *world, party_t *from, const char *method,
                     const char *uri, const char *id, const char *extra)
{
    char mark[SRF__MARK_LEN + 1];
    char marked_uri[200];
    char lines[PARTY_TEXT];

    world_mark(world, id, "ann", mark);
    write_marked(marked_uri, sizeof(marked_uri), uri, mark);
    write_marked(lines, sizeof(lines), extra, mark);
    party_send(from, WORLD_PROXY,
               "%s %s SIP/2.0\n"
               "Via: SIP/2.0/UDP %s;branch=z9hG4bK-%s\n"
               "Max-Forwards: 70\n"
               "From: <sip:ann@example.com>;tag=ann\n"
               "To: <sip:bob@example.com>;tag=bob\n"
               "Call-ID: %s\n"
               "CSeq: 2 %s\n"
               "%s",
               method, marked_uri, from->address, id, id, method, lines);
    world_settle(world);
}

void world_cancel(world_t *world)
{
    party_follow(world->caller, WORLD_PROXY, "CANCEL", WORLD_URI, "c1", NULL);
    world_settle(world);
}

void world_ack(world_t *world, const char *to_tag)
{
    party_follow(world->caller, WORLD_PROXY, "ACK", WORLD_URI, "c1", to_tag);
    world_settle(world);
}

void world_answer_with(world_t *world, party_t *party, const char *status,
                       const char *extra)
{
    party_reply(party, party_index(party, "INVITE", 0), status, extra);
    world_settle(world);
}

void world_answer(world_t *world, party_t *party, const char *status)
{
    world_answer_with(world, party, status, "");
}

srf_stats_t world_stats(const world_t *world)
{
    srf_stats_t stats = {.size = sizeof(stats)};

    ck_assert_int_eq(srf_stats(world->srf, &stats), 0);
    return stats;
}

void world_expect(party_t *party, const char *start, const char *name,
                  const char *value)
{
    const char *msg = party_find(party, start, 0);

    ck_assert_msg(msg != NULL, "no message that begins with \"%s\"", start);
    const char *found = party_header(party, msg, name, 0);
    if (value == NULL)
        ck_assert_msg(found == NULL, "%s: %s", name, found);
    else
        ck_assert_msg(found != NULL && strcmp(found, value) == 0,
                      "%s: %s instead of %s in\n%s", name,
                      found == NULL ? "(none)" : found, value, msg);
}
