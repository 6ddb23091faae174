/*
 * What is refused before a handler is refused without state: one answer each
 * time a request comes, to the address it came from, whatever its Via says.
 *
 * SPDX-License-Identifier: MIT
 */
#include "pieces.h"
#include "runner.h"

#define VICTIM "10.0.0.66:5060"

typedef struct scene {
    memnet_t *net;
    srf_t *srf;
    party_t *caller;
    party_t *victim;
    unsigned handled;
} scene_t;

static void on_invite(srf_req_t *req, srf_res_t *res)
{
    scene_t *scene = srf_data(srf_req_srf(req));

    scene->handled++;
    ck_assert_int_eq(srf_res_send(res, 486, NULL), 0);
}

static void scene_init(scene_t *scene)
{
    memset(scene, 0, sizeof(*scene));
    scene->net = memnet_create(1);
    scene->srf = memnet_stack(scene->net, WORLD_PROXY, NULL);
    scene->caller = party_create(scene->net, WORLD_CALLER);
    scene->victim = party_create(scene->net, VICTIM);
    srf_set_data(scene->srf, scene);
    ck_assert_int_eq(srf_on(scene->srf, "INVITE", on_invite), 0);
}

static void scene_deinit(scene_t *scene)
{
    ck_assert_uint_eq(scene->victim->count, 0);
    memnet_drain(scene->net, 600000);
    srf_destroy(scene->srf, NULL);
    memnet_run(scene->net, 1);
    party_destroy(scene->caller);
    party_destroy(scene->victim);
    memnet_destroy(scene->net);
}

static srf_stats_t stats_of(const scene_t *scene)
{
    srf_stats_t stats = {.size = sizeof(stats)};

    ck_assert_int_eq(srf_stats(scene->srf, &stats), 0);
    return stats;
}

static void send_it(scene_t *scene, const pieces_t *pieces)
{
    party_send(scene->caller, WORLD_PROXY, "%s%s%s%s%s%s%s%s", pieces->start,
               pieces->via, pieces->max_forwards, pieces->from, pieces->to,
               pieces->call_id, pieces->cseq, pieces->extra);
    memnet_run(scene->net, 1);
}

/* A request that is refused: what is not NULL differs from a good INVITE. */
typedef struct refusal {
    const char *status;
    pieces_t pieces;
} refusal_t;

static const refusal_t refusals[] = {
    {"SIP/2.0 400", {.extra = "Content-Length: -1\n\n"}},
    {"SIP/2.0 400", {.start = "INVITE sip:a@b:0 SIP/2.0\n"}},
    {"SIP/2.0 400", {.extra = "Subject: a\rb\n"}},
    {"SIP/2.0 400", {.start = "INVITE sip:10.0.0.1?a=b SIP/2.0\n"}},
    {"SIP/2.0 505", {.start = "INVITE sip:bob@10.0.0.1 SIP/4.0\n"}},
    {"SIP/2.0 416", {.start = "INVITE news:bob SIP/2.0\n"}},
    {"SIP/2.0 483", {.max_forwards = "Max-Forwards: 0\n"}},
    {"SIP/2.0 420", {.extra = "Proxy-Require: teleport\n"}},
    {"SIP/2.0 440", {.extra = "Max-Breadth: 0\n"}},
    {"SIP/2.0 481", {.to = "To: <sip:bob@example.com>;tag=gone\n"}},
    {"SIP/2.0 483",
     {.to = "To: <sip:bob@example.com>;tag=gone\n",
      .max_forwards = "Max-Forwards: 0\n"}},
    {"SIP/2.0 405",
     {.start = "MESSAGE sip:bob@10.0.0.1 SIP/2.0\n",
      .cseq = "CSeq: 1 MESSAGE\n"}},
    {"SIP/2.0 501",
     {.start = "DANCE sip:bob@10.0.0.1 SIP/2.0\n", .cseq = "CSeq: 1 DANCE\n"}},
    {"SIP/2.0 481",
     {.start = "CANCEL sip:bob@10.0.0.1 SIP/2.0\n",
      .cseq = "CSeq: 1 CANCEL\n"}},
    {"SIP/2.0 200",
     {.start = "OPTIONS sip:10.0.0.1 SIP/2.0\n", .cseq = "CSeq: 1 OPTIONS\n"}},
    {"SIP/2.0 200",
     {.start = "OPTIONS sip:10.0.0.1 SIP/2.0\n",
      .cseq = "CSeq: 1 OPTIONS\n",
      .max_forwards = "Max-Forwards: 0\n"}},
};
enum { REFUSALS = sizeof(refusals) / sizeof(*refusals) };

static const char *or_usual(const char *given, const char *usual)
{
    return given == NULL ? usual : given;
}

static pieces_t pieces_of(const pieces_t *given)
{
    const pieces_t pieces = {
        or_usual(given->start, good.start),
        or_usual(given->via, good.via),
        or_usual(given->max_forwards, good.max_forwards),
        or_usual(given->from, good.from),
        or_usual(given->to, good.to),
        or_usual(given->call_id, good.call_id),
        or_usual(given->cseq, good.cseq),
        or_usual(given->extra, good.extra),
    };

    return pieces;
}

START_TEST(a_refusal_is_one_answer_and_no_state)
{
    const refusal_t *refusal = &refusals[_i];
    pieces_t pieces = pieces_of(&refusal->pieces);
    scene_t scene;

    scene_init(&scene);
    send_it(&scene, &pieces);
    ck_assert_uint_eq(party_received(scene.caller, refusal->status), 1);
    ck_assert_uint_eq(scene.caller->count, 1);
    ck_assert_uint_eq(stats_of(&scene).server_transactions, 0);
    memnet_run(scene.net, 60000);
    ck_assert_uint_eq(scene.caller->count, 1);
    /* Sent again it gets the same answer, with the same To tag. */
    send_it(&scene, &pieces);
    ck_assert_uint_eq(scene.caller->count, 2);
    ck_assert_str_eq(scene.caller->inbox[0], scene.caller->inbox[1]);
    ck_assert_uint_eq(scene.handled, 0);
    scene_deinit(&scene);
}
END_TEST

/* RFC 3261 §17.1.1.3: as often as it comes, also with another's To tag. */
START_TEST(its_ack_ends_here)
{
    const refusal_t *refusal = &refusals[_i];
    pieces_t pieces = pieces_of(&refusal->pieces);
    char to[128];
    scene_t scene;

    if (strncmp(pieces.cseq, "CSeq: 1 INVITE", 14) != 0)
        return;
    scene_init(&scene);
    send_it(&scene, &pieces);
    (void)snprintf(to, sizeof(to), "To: %s\n",
                   party_header(scene.caller, scene.caller->inbox[0], "To", 0));
    ck_assert_ptr_nonnull(strstr(to, ";tag="));
    pieces = good;
    pieces.start = "ACK sip:bob@10.0.0.66 SIP/2.0\n"; /* leads elsewhere */
    pieces.cseq = "CSeq: 1 ACK\n";
    pieces.to = to;
    send_it(&scene, &pieces);
    send_it(&scene, &pieces);
    ck_assert_uint_eq(scene.caller->count, 1);
    ck_assert_uint_eq(stats_of(&scene).requests_sent, 0);
    scene_deinit(&scene);
}
END_TEST

/* §18.2.2: maddr is for multicast. */
START_TEST(a_maddr_in_a_via_leads_no_response_astray)
{
    pieces_t pieces = pieces_of(&refusals[_i].pieces);
    scene_t scene;

    pieces.via =
        "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-c1;maddr=10.0.0.66\n";
    scene_init(&scene);
    send_it(&scene, &pieces);
    ck_assert_uint_eq(party_received(scene.caller, refusals[_i].status), 1);
    scene_deinit(&scene);
}
END_TEST

/* Nor does a host: the address is that of the source, the port the one in the
 * Via (§18.2.2), or the source's when rport asks for it (RFC 3581 §4). */
START_TEST(responses_go_to_the_source_whatever_the_via_says)
{
    static const char *const vias[] = {
        "Via: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bK-c1\n",
        "Via: SIP/2.0/UDP 10.0.0.66:5060;rport;branch=z9hG4bK-c1\n",
        "Via: SIP/2.0/UDP 10.0.0.66;received=10.0.0.66;branch=z9hG4bK-c1\n",
        ("Via: SIP/2.0/UDP "
         "10.0.0.9;maddr=10.0.0.66;ttl=9;rport;branch=z9hG4bK-c1\n"),
        "Via: SIP/2.0/UDP 10.0.0.9;maddr=224.0.1.75;branch=z9hG4bK-c1\n",
    };
    pieces_t pieces = good;
    scene_t scene;

    pieces.via = vias[_i];
    scene_init(&scene);
    send_it(&scene, &pieces); /* the handler's 486, with its transaction */
    ck_assert_uint_eq(scene.handled, 1);
    ck_assert_uint_eq(party_received(scene.caller, "SIP/2.0 486"), 1);
    memnet_run(scene.net, 40000);
    ck_assert_uint_gt(party_received(scene.caller, "SIP/2.0 486"), 5);
    scene_deinit(&scene);
}
END_TEST

/* What a handler answers is repeated until its ACK. */
START_TEST(what_a_handler_answers_keeps_its_transaction)
{
    pieces_t pieces = good;
    scene_t scene;

    scene_init(&scene);
    send_it(&scene, &pieces);
    ck_assert_uint_eq(stats_of(&scene).server_transactions, 1);
    pieces.start = "ACK sip:100@10.0.0.1 SIP/2.0\n";
    pieces.cseq = "CSeq: 1 ACK\n";
    send_it(&scene, &pieces);
    unsigned count = scene.caller->count;
    memnet_run(scene.net, 60000);
    ck_assert_uint_eq(scene.caller->count, count);
    scene_deinit(&scene);
}
END_TEST

/* The Via of a caller is what would be left when its transaction is gone. */
START_TEST(a_maddr_leads_no_response_without_a_transaction_astray)
{
    world_t *world = world_create("10.0.0.11", NULL);
    party_t *victim = party_create(world->net, VICTIM);

    party_send(world->caller, WORLD_PROXY,
               "INVITE " WORLD_URI " SIP/2.0\n"
               "Via: SIP/2.0/UDP "
               "10.0.0.9:5060;branch=z9hG4bK-c1;maddr=10.0.0.66\n"
               "From: <sip:ann@example.com>;tag=ann-c1\n"
               "To: <sip:bob@example.com>\n"
               "Call-ID: c1\n"
               "CSeq: 1 INVITE\n");
    world_settle(world);
    world_answer(world, world->one, "200 OK");
    memnet_run(world->net, 120000);
    unsigned count = party_received(world->caller, "SIP/2.0 200");
    party_reply(world->one, party_index(world->one, "INVITE", 0), "200 OK", "");
    world_settle(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), count);
    ck_assert_uint_eq(victim->count, 0);
    world_destroy(world);
    party_destroy(victim);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("refusals");
    TCase *tcase = tcase_create("refusals");

    tcase_add_loop_test(tcase, a_refusal_is_one_answer_and_no_state, 0,
                        REFUSALS);
    tcase_add_loop_test(tcase, its_ack_ends_here, 0, REFUSALS);
    tcase_add_loop_test(tcase, a_maddr_in_a_via_leads_no_response_astray, 0,
                        REFUSALS);
    tcase_add_loop_test(tcase, responses_go_to_the_source_whatever_the_via_says,
                        0, 5);
    tcase_add_test(tcase, what_a_handler_answers_keeps_its_transaction);
    tcase_add_test(tcase,
                   a_maddr_leads_no_response_without_a_transaction_astray);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
