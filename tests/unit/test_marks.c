/*
 * Marks: who only looks as if he had a dialog with us is a stranger, and what
 * is sent without state goes only where a call of ours leads. Where messages
 * may go at all is the program's to say.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/stack.h"
#include "proxy/mark.h"
#include "runner.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

#define ROUTE     "Route: <sip:10.0.0.1;lr>\n"
#define MARKED    "Route: <sip:10.0.0.1;lr;srf=MARK>\n"
#define FORGED    "Route: <sip:10.0.0.1;lr;srf=0123456789abcdef>\n"
#define BOB       "sip:bob@10.0.0.11"
#define ACK_WAITS 64000

static const char *const methods[] = {
    "INVITE", "BYE",     "INFO",    "UPDATE",  "PRACK",    "REFER", "SUBSCRIBE",
    "NOTIFY", "PUBLISH", "MESSAGE", "OPTIONS", "REGISTER", "BREW",
};
enum { METHODS = sizeof(methods) / sizeof(*methods) };

static void refuse(srf_req_t *req, srf_res_t *res)
{
    world_program(req)->handled++;
    ck_assert_int_eq(srf_res_send(res, 403, NULL), 0);
}

/* A world whose program lets nobody in. */
static world_t *closed_world(const srf_options_t *options)
{
    world_t *world = world_create_with(options, NULL, NULL);

    ck_assert_int_eq(srf_on(world->srf, NULL, refuse), 0);
    return world;
}

static void expect_stranger(world_t *world)
{
    ck_assert_uint_eq(world->one->count, 0);
    ck_assert_uint_eq(world->two->count, 0);
    ck_assert_uint_eq(world->program.handled, 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 403"), 1);
}

START_TEST(a_to_tag_and_our_route_are_not_enough)
{
    static const char *const routes[] = {
        ROUTE,
        FORGED,
        ROUTE FORGED,
        "Route: <sip:10.0.0.1;lr>, <sip:10.0.0.11;lr>\n",
        "Route: <sip:10.0.0.1;lr;srf>\n",
        "Route: <sip:10.0.0.1;lr;srf=0>\n",
        "Route: <sip:10.0.0.1;lr;srf=0123456789abcdef0>\n",
        "Route: <sip:0000000000@10.0.0.1;lr;srf=0123456789abcdef>\n",
    };
    world_t *world = closed_world(NULL);

    world_in_dialog(world, world->caller, methods[_i % METHODS], BOB, "d",
                    routes[_i / METHODS]);
    expect_stranger(world);
    world_destroy(world);
}
END_TEST

START_TEST(a_strict_routers_form_is_not_enough_either)
{
    static const char *const uris[] = {"sip:10.0.0.1;lr",
                                       "sip:10.0.0.1;lr;srf=0123456789abcdef"};
    world_t *world = closed_world(NULL);

    world_in_dialog(world, world->caller, "MESSAGE", uris[_i], "d",
                    "Route: <sip:bob@10.0.0.11>\n");
    expect_stranger(world);
    world_destroy(world);
}
END_TEST

/* The mark stands in every message of its call: whoever saw it has it. */
START_TEST(the_mark_of_another_call_is_not_enough)
{
    world_t *world = closed_world(NULL);
    char mark[SRF__MARK_LEN + 1];
    char route[64];

    world_mark(world, _i == 0 ? "other" : "d", _i == 0 ? "ann" : "carol", mark);
    snprintf(route, sizeof(route), "Route: <sip:10.0.0.1;lr;srf=%s>\n", mark);
    world_in_dialog(world, world->caller, "MESSAGE", BOB, "d", route);
    expect_stranger(world);
    world_destroy(world);
}
END_TEST

START_TEST(without_a_to_tag_a_mark_opens_no_dialog)
{
    world_t *world = closed_world(NULL);
    char mark[SRF__MARK_LEN + 1];
    char route[64];

    world_mark(world, "d", "ann-d", mark);
    snprintf(route, sizeof(route), "Route: <sip:10.0.0.1;lr;srf=%s>\n", mark);
    world_request(world, "INVITE", BOB, "d", route);
    expect_stranger(world);
    world_ack(world, "x");
    world_destroy(world);
}
END_TEST

START_TEST(a_good_mark_leads_past_the_program_from_both_ends)
{
    world_t *world = closed_world(NULL);
    char mark[SRF__MARK_LEN + 1];

    world_in_dialog(world, world->caller, "INFO", BOB, "d", MARKED);
    ck_assert_uint_eq(party_received(world->one, "INFO"), 1);
    /* The callee's requests have the caller's tag in To. */
    world_mark(world, "d", "ann", mark);
    party_send(world->one, WORLD_PROXY,
               "INFO sip:ann@10.0.0.12 SIP/2.0\n"
               "Via: SIP/2.0/UDP 10.0.0.11:5060;branch=z9hG4bK-back\n"
               "Route: <sip:10.0.0.1;lr;SR%%46=%s>\n"
               "From: <sip:bob@example.com>;tag=bob\n"
               "To: <sip:ann@example.com>;tag=ann\n"
               "Call-ID: d\n"
               "CSeq: 1 INFO\n",
               mark);
    world_settle(world);
    ck_assert_uint_eq(party_received(world->two, "INFO"), 1);
    ck_assert_uint_eq(world->program.handled, 0);
    memnet_drain(world->net, 600000);
    world_destroy(world);
}
END_TEST

/* ---- secrets ---- */

static const char first[] = "the first secret";
static const char second[] = "another secret, which is longer";

static void set_secrets(srf_options_t *options, const char *secret,
                        const char *old)
{
    srf_options_init(options);
    options->secret = secret;
    options->secret_bytes = (uint32_t)strlen(secret);
    options->old_secret = old;
    options->old_secret_bytes = old == NULL ? 0 : (uint32_t)strlen(old);
}

/* The mark that a stack with these secrets writes. */
static void mark_of(const srf_options_t *options, char out[SRF__MARK_LEN + 1])
{
    world_t *world = world_create_with(options, NULL, NULL);

    world_mark(world, "d", "ann", out);
    world_destroy(world);
}

/* A Path is for who may be called there, which the program says: in a dialog of
 * somebody else it leads nowhere. */
START_TEST(a_path_leads_nowhere_inside_a_dialog)
{
    world_t *world = closed_world(NULL);
    const srf__str_t flow = SRF__STR("0000000001");
    char mark[SRF__MARK_LEN + 1] = "";
    char routes[160];

    srf__mark_path(&world->srf->element.marks, flow, mark);
    snprintf(routes, sizeof(routes),
             _i == 0 ? MARKED "Route: <sip:%.10s@10.0.0.1;lr;srf=%s>\n"
                     : "Route: <sip:%.10s@10.0.0.1;lr;srf=%s>\n" MARKED,
             flow.p, mark);
    world_in_dialog(world, world->caller, "MESSAGE", BOB, "d", routes);
    ck_assert_uint_eq(world->program.handled, 0);
    ck_assert_uint_eq(party_received(world->one, "MESSAGE"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_secret_carries_dialogs_over_a_restart)
{
    static const struct {
        const char *secret;
        const char *old;
        bool good;
    } now[] = {
        {first, NULL, true},
        {second, first, true},
        {second, NULL, false},
        {second, second, false},
    };
    char mark[SRF__MARK_LEN + 1];
    char route[64];
    srf_options_t options;

    set_secrets(&options, first, NULL);
    mark_of(&options, mark);
    set_secrets(&options, now[_i].secret, now[_i].old);
    world_t *world = closed_world(&options);
    snprintf(route, sizeof(route), "Route: <sip:10.0.0.1;lr;srf=%s>\n", mark);
    world_in_dialog(world, world->caller, "INFO", BOB, "d", route);
    ck_assert_uint_eq(party_received(world->one, "INFO"), now[_i].good);
    ck_assert_uint_eq(world->program.handled, !now[_i].good);
    memnet_drain(world->net, 600000);
    world_destroy(world);
}
END_TEST

START_TEST(without_a_secret_no_two_stacks_agree)
{
    char one[SRF__MARK_LEN + 1];
    char two[SRF__MARK_LEN + 1];
    uv_loop_t loop;
    srf_t *stacks[2];
    srf__facts_t facts = {.data = ""};

    ck_assert_int_eq(uv_loop_init(&loop), 0);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(srf_create(&stacks[i], &loop, NULL), 0);
        srf__mark_dialog(&stacks[i]->element.marks, &facts, srf__str(NULL, 0),
                         i == 0 ? one : two);
    }
    ck_assert_int_ne(memcmp(one, two, SRF__MARK_LEN), 0);
    srf_destroy(stacks[0], NULL);
    srf_destroy(stacks[1], NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}
END_TEST

START_TEST(a_secret_that_can_be_guessed_is_refused)
{
    memnet_t *net = memnet_create(1);
    const srf__env_t env = {.wheel = memnet_wheel(net), .seed = 1};
    srf_options_t options;
    srf_t *srf;

    srf_options_init(&options);
    if (_i == 0) {
        options.secret = "short";
        options.secret_bytes = 5;
    } else if (_i == 1) {
        options.old_secret = "fifteen letters";
        options.old_secret_bytes = 15;
    } else {
        options.secret_bytes = 16;
    }
    ck_assert_int_eq(srf__create(&srf, &env, &options),
                     SRF_ERR_INVALID_ARGUMENT);
    memnet_destroy(net);
}
END_TEST

/* ---- ACKs and responses ---- */

START_TEST(an_ack_of_no_call_goes_nowhere)
{
    static const struct {
        const char *uri;
        const char *route;
    } acks[] = {
        {BOB, ""},
        {BOB, ROUTE},
        {BOB, FORGED},
        {BOB, "Route: <sip:10.0.0.1;lr>, <sip:10.0.0.12;lr>\n"},
        {BOB ";transport=tcp", ""},
        {"sip:10.0.0.1;lr", "Route: <sip:bob@10.0.0.11>\n"},
        {WORLD_URI, "Route: <sip:10.0.0.11;lr>\n"},
    };
    world_t *world = world_create("10.0.0.11", NULL);

    world_in_dialog(world, world->caller, "ACK", acks[_i].uri, "d",
                    acks[_i].route);
    ck_assert_uint_eq(world->one->count, 0);
    ck_assert_uint_eq(world->two->count, 0);
    ck_assert_uint_eq(world->caller->count, 0);
    ck_assert_uint_eq(world_stats(world).dropped_unmatched, 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_program_may_let_every_ack_pass)
{
    srf_options_t options;

    srf_options_init(&options);
    options.relay_acks = 1;
    world_t *world = world_create_with(&options, "10.0.0.11", NULL);
    world_in_dialog(world, world->caller, "ACK", BOB, "d", "");
    ck_assert_uint_eq(party_received(world->one, "ACK"), 1);
    world_destroy(world);
}
END_TEST

/* The ends may have us as their outbound proxy. */
static void ack_call(world_t *world)
{
    party_send(world->caller, WORLD_PROXY,
               "ACK sip:bob@10.0.0.11 SIP/2.0\n"
               "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-ack\n"
               "From: <sip:ann@example.com>;tag=ann-c1\n"
               "To: <sip:bob@example.com>;tag=uas\n"
               "Call-ID: c1\n"
               "CSeq: 1 ACK\n");
    world_settle(world);
}

START_TEST(the_ack_of_a_call_without_record_route_is_known)
{
    world_t *world = world_create("10.0.0.11", NULL);

    world->program.options.record_route = 0;
    world_call(world);
    ack_call(world); /* nobody has answered yet */
    ck_assert_uint_eq(party_received(world->one, "ACK"), 0);
    world_answer(world, world->one, "200 OK");
    ack_call(world);
    ack_call(world);
    ck_assert_uint_eq(party_received(world->one, "ACK"), 2);
    memnet_run(world->net, ACK_WAITS / 2 - 1000);
    ack_call(world);
    ck_assert_uint_eq(party_received(world->one, "ACK"), 3);
    memnet_run(world->net, ACK_WAITS);
    ack_call(world);
    ck_assert_uint_eq(party_received(world->one, "ACK"), 3);
    world_destroy(world);
}
END_TEST

START_TEST(a_response_with_an_invented_branch_goes_nowhere)
{
    static const char *const branches[] = {
        "z9hG4bK0000000000000000.00000000",
        "z9hG4bK00ffffff12345678.00000000",
        "z9hG4bK-anything",
    };
    world_t *world = world_create("10.0.0.11", NULL);

    party_send(world->one, WORLD_PROXY,
               "SIP/2.0 200 OK\n"
               "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=%s\n"
               "Via: SIP/2.0/UDP 10.0.0.12:5060;branch=z9hG4bK-victim\n"
               "From: <sip:ann@example.com>;tag=a\n"
               "To: <sip:bob@example.com>;tag=b\n"
               "Call-ID: c1\n"
               "CSeq: 1 INVITE\n",
               branches[_i]);
    world_settle(world);
    ck_assert_uint_eq(world->two->count, 0);
    ck_assert_uint_eq(world_stats(world).dropped_unmatched, 1);
    world_destroy(world);
}
END_TEST

/* Whoever answers writes the Vias below ours. */
START_TEST(a_callee_cannot_lead_an_answer_elsewhere)
{
    world_t *world = world_create("10.0.0.11", NULL);
    char branch[64];

    world_call(world);
    const char *invite = party_find(world->one, "INVITE", 0);
    ck_assert_int_eq(
        sscanf(strstr(invite, "branch="), "branch=%60[^;]", branch), 1);
    for (unsigned i = 0; i < 2; i++) {
        party_send(world->one, WORLD_PROXY,
                   "SIP/2.0 200 OK\n"
                   "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=%s\n"
                   "Via: SIP/2.0/UDP 10.0.0.12:5060;branch=z9hG4bK-victim"
                   ";received=10.0.0.12;rport=5060\n"
                   "From: <sip:ann@example.com>;tag=ann-c1\n"
                   "To: <sip:bob@example.com>;tag=uas%u\n"
                   "Call-ID: c1\n"
                   "CSeq: 1 INVITE\n",
                   branch, i);
        world_settle(world);
    }
    ck_assert_uint_eq(world->two->count, 0);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 2);
    world_destroy(world);
}
END_TEST

/* ---- destinations ---- */

typedef struct asked {
    unsigned count;
    srf_destination_t last;
    char address[64];
    char host[64];
    int answer;
} asked_t;

static int allow(const srf_destination_t *destination, void *data)
{
    asked_t *asked = data;

    asked->count++;
    asked->last = *destination;
    snprintf(asked->address, sizeof(asked->address), "%s",
             destination->address);
    snprintf(asked->host, sizeof(asked->host), "%s", destination->host);
    return asked->answer;
}

static world_t *asking_world(asked_t *asked, int answer, const char *target)
{
    srf_options_t options;

    memset(asked, 0, sizeof(*asked));
    asked->answer = answer;
    srf_options_init(&options);
    options.allow_destination = allow;
    options.destination_data = asked;
    return world_create_with(&options, target, NULL);
}

START_TEST(the_program_is_asked_where_messages_may_go)
{
    asked_t asked;
    world_t *world = asking_world(&asked, 1, _i == 0 ? "10.0.0.11" : NULL);

    world_request(world, "MESSAGE", _i == 0 ? WORLD_URI : BOB, "m", "");
    ck_assert_uint_eq(party_received(world->one, "MESSAGE"), 1);
    ck_assert_uint_eq(asked.count, 1);
    ck_assert_int_eq(asked.last.reason,
                     _i == 0 ? SRF_DESTINATION_TARGET : SRF_DESTINATION_ROUTE);
    ck_assert_str_eq(asked.address, "10.0.0.11");
    ck_assert_str_eq(asked.host, "10.0.0.11");
    ck_assert_int_eq(asked.last.port, 5060);
    ck_assert_str_eq(asked.last.protocol, "udp");
    /* Neither what is sent again nor what goes back. */
    memnet_run(world->net, 3000);
    party_reply(world->one, 0, "200 OK", "");
    world_settle(world);
    ck_assert_uint_eq(asked.count, 1);
    ck_assert_uint_eq(world_stats(world).destinations_refused, 0);
    world_destroy(world);
}
END_TEST

START_TEST(where_messages_may_not_go_is_403)
{
    asked_t asked;
    world_t *world = asking_world(&asked, 0, _i == 0 ? "10.0.0.11" : NULL);

    world_request(world, "MESSAGE", _i == 0 ? WORLD_URI : BOB, "m", "");
    ck_assert_uint_eq(world->one->count, 0);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 403"), 1);
    ck_assert_uint_eq(world_stats(world).destinations_refused, 1);
    world_destroy(world);
}
END_TEST

START_TEST(requests_inside_a_dialog_and_acks_are_asked_for_too)
{
    asked_t asked;
    world_t *world = asking_world(&asked, 0, NULL);

    world_in_dialog(world, world->caller, "INFO", BOB, "d", MARKED);
    ck_assert_uint_eq(asked.count, 1);
    ck_assert_int_eq(asked.last.reason, SRF_DESTINATION_ROUTE);
    world_in_dialog(world, world->caller, "ACK", BOB, "d", MARKED);
    ck_assert_uint_eq(asked.count, 2);
    ck_assert_int_eq(asked.last.reason, SRF_DESTINATION_ACK);
    ck_assert_uint_eq(world->one->count, 0);
    ck_assert_uint_eq(world_stats(world).destinations_refused, 2);
    world_destroy(world);
}
END_TEST

START_TEST(a_target_that_may_not_be_is_passed_over)
{
    asked_t asked;
    world_t *world = asking_world(&asked, 0, "10.0.0.11");

    world->program.uris[1] = "10.0.0.12";
    world_request(world, "MESSAGE", WORLD_URI, "m", "");
    ck_assert_uint_eq(asked.count, 2);
    ck_assert_str_eq(asked.address, "10.0.0.12");
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.final_status, 403);
    world_destroy(world);
}
END_TEST

START_TEST(public_destinations_are_what_they_say)
{
    static const struct {
        const char *address;
        srf_destination_reason_t reason;
        int allowed;
    } cases[] = {
        {"127.0.0.1", SRF_DESTINATION_ROUTE, 0},
        {"127.0.0.1", SRF_DESTINATION_ACK, 0},
        {"10.1.2.3", SRF_DESTINATION_ROUTE, 0},
        {"192.168.0.1", SRF_DESTINATION_RESPONSE, 0},
        {"169.254.169.254", SRF_DESTINATION_ROUTE, 0},
        {"::1", SRF_DESTINATION_ROUTE, 0},
        {"fd00::1", SRF_DESTINATION_ACK, 0},
        {"::ffff:127.0.0.1", SRF_DESTINATION_ROUTE, 0},
        {"8.8.8.8", SRF_DESTINATION_ROUTE, 1},
        {"2600::1", SRF_DESTINATION_ACK, 1},
        {"127.0.0.1", SRF_DESTINATION_TARGET, 1},
        {"10.1.2.3", SRF_DESTINATION_DNS, 1},
    };
    const srf_destination_t destination = {
        .size = sizeof(destination),
        .address = cases[_i].address,
        .protocol = "udp",
        .host = "example.com",
        .port = 5060,
        .reason = (int32_t)cases[_i].reason,
    };

    ck_assert_int_eq(srf_allow_public_destinations(&destination, NULL),
                     cases[_i].allowed);
    ck_assert_int_eq(srf_allow_public_destinations(NULL, NULL), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("marks");
    TCase *tcase = tcase_create("dialogs");

    tcase_add_loop_test(tcase, a_to_tag_and_our_route_are_not_enough, 0,
                        8 * METHODS);
    tcase_add_loop_test(tcase, a_strict_routers_form_is_not_enough_either, 0,
                        2);
    tcase_add_loop_test(tcase, the_mark_of_another_call_is_not_enough, 0, 2);
    tcase_add_test(tcase, without_a_to_tag_a_mark_opens_no_dialog);
    tcase_add_test(tcase, a_good_mark_leads_past_the_program_from_both_ends);
    tcase_add_loop_test(tcase, a_path_leads_nowhere_inside_a_dialog, 0, 2);
    tcase_add_loop_test(tcase, a_secret_carries_dialogs_over_a_restart, 0, 4);
    tcase_add_test(tcase, without_a_secret_no_two_stacks_agree);
    tcase_add_loop_test(tcase, a_secret_that_can_be_guessed_is_refused, 0, 3);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("without-state");
    tcase_add_loop_test(tcase, an_ack_of_no_call_goes_nowhere, 0, 7);
    tcase_add_test(tcase, a_program_may_let_every_ack_pass);
    tcase_add_test(tcase, the_ack_of_a_call_without_record_route_is_known);
    tcase_add_loop_test(tcase, a_response_with_an_invented_branch_goes_nowhere,
                        0, 3);
    tcase_add_test(tcase, a_callee_cannot_lead_an_answer_elsewhere);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("destinations");
    tcase_add_loop_test(tcase, the_program_is_asked_where_messages_may_go, 0,
                        2);
    tcase_add_loop_test(tcase, where_messages_may_not_go_is_403, 0, 2);
    tcase_add_test(tcase, requests_inside_a_dialog_and_acks_are_asked_for_too);
    tcase_add_test(tcase, a_target_that_may_not_be_is_passed_over);
    tcase_add_loop_test(tcase, public_destinations_are_what_they_say, 0, 12);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
