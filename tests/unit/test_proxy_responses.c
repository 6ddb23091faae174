/*
 * What becomes of responses: the sequential search, the choice of the best,
 * late and repeated ones, and Timer C.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char one_uri[] = "sip:10.0.0.11";
static const char two_uri[] = "sip:10.0.0.12";

static void expect_final(world_t *world, unsigned status)
{
    char start[32];

    sprintf(start, "SIP/2.0 %u ", status);
    ck_assert_msg(party_received(world->caller, start) == 1, "no %u", status);
    ck_assert_int_eq(world->program.final_status, (int)status);
    ck_assert_uint_eq(world->program.done, 1);
}

/* ---- without a report ---- */

static void proxy_without_report(srf_req_t *req, srf_res_t *res)
{
    (void)res;
    ck_assert_int_eq(
        srf_proxy_request(req, SRF_URIS("10.0.0.11", "10.0.0.12"), NULL, NULL),
        0);
}

/* What nobody will look at is kept as it went up, to go up again. */
START_TEST(without_a_report_responses_go_up_and_again_as_they_should)
{
    world_t *world = world_create(NULL, NULL);

    ck_assert_int_eq(srf_on(world->srf, NULL, proxy_without_report), 0);
    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    party_clear(world->caller);
    world_call(world); /* a retransmission */
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 180"), 1);
    const char *again = party_find(world->caller, "SIP/2.0 180", 0);
    ck_assert_ptr_nonnull(strstr(again, "branch=z9hG4bK-c1"));
    ck_assert_ptr_null(strstr(again, WORLD_PROXY ";branch"));

    world_answer(world, world->one, "503 No");
    world_answer(world, world->two, "183 Progress");
    world_answer(world, world->two, "401 Who");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 183"), 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 401"), 1);
    again = party_find(world->caller, "SIP/2.0 401", 0);
    ck_assert_ptr_nonnull(strstr(again, "branch=z9hG4bK-c1"));
    ck_assert_ptr_null(strstr(again, WORLD_PROXY ";branch"));
    world_ack(world, "uas");
    world_destroy(world);
}
END_TEST

START_TEST(without_a_report_a_2xx_of_another_method_goes_up_again)
{
    world_t *world = world_create(NULL, NULL);

    ck_assert_int_eq(srf_on(world->srf, NULL, proxy_without_report), 0);
    for (unsigned i = 0; i < 2; i++) {
        world_request(world, "MESSAGE", WORLD_URI, "m1", "");
        if (i == 0)
            party_reply(world->one, 0, "200 OK", "");
        world_settle(world);
    }
    ck_assert_uint_eq(world->one->count, 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 2);
    const char *again = party_find(world->caller, "SIP/2.0 200", 1);
    ck_assert_str_eq(again, party_find(world->caller, "SIP/2.0 200", 0));
    ck_assert_ptr_null(strstr(again, WORLD_PROXY ";branch"));
    world_destroy(world);
}
END_TEST

/* ---- the search ---- */

START_TEST(a_6xx_ends_the_search)
{
    world_t *world = world_create(one_uri, two_uri);

    world_call(world);
    world_answer(world, world->one, "603 Decline");
    ck_assert_uint_eq(world->two->count, 0);
    expect_final(world, 603);
    ck_assert_uint_eq(party_received(world->one, "ACK"), 1);
    ck_assert_uint_eq(world->program.responses, 1);
    world_destroy(world);
}
END_TEST

START_TEST(every_other_failure_leads_on_at_once)
{
    static const char *const statuses[] = {
        "300 Choices", "302 Moved", "401 No", "403 No", "404 No",
        "408 No",      "486 Busy",  "500 No", "503 No", "599 No",
    };
    world_t *world = world_create(one_uri, two_uri);

    world_call(world);
    world_answer(world, world->one, "183 Progress");
    world_answer(world, world->one, statuses[_i]);
    ck_assert_uint_eq(party_received(world->two, "INVITE sip:10.0.0.12 "), 1);
    world_answer(world, world->two, "200 OK");
    expect_final(world, 200);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0"), 3);
    world_destroy(world);
}
END_TEST

/* ---- the best response ---- */

START_TEST(the_best_response_goes_up)
{
    static const struct {
        const char *first;
        const char *second;
        unsigned best;
    } cases[] = {
        {"486 Busy", "603 Decline", 603}, {"500 No", "486 Busy", 486},
        {"404 No", "302 Moved", 302},     {"302 Moved", "404 No", 302},
        {"404 No", "401 Who", 401},       {"401 Who", "404 No", 401},
        {"404 No", "407 Who", 407},       {"486 Busy", "415 Type", 415},
        {"486 Busy", "420 Ext", 420},     {"486 Busy", "484 Short", 484},
        {"503 Full", "500 No", 500},      {"500 No", "503 Full", 500},
        {"503 Full", "504 Slow", 504},    {"503 Full", "404 No", 404},
        {"503 Full", "503 Full", 500},    {"404 No", "486 Busy", 404},
        {"302 Moved", "401 Who", 302},    {"606 No", "404 No", 606},
    };
    world_t *world = world_create(one_uri, two_uri);

    world_call(world);
    world_answer(world, world->one, cases[_i].first);
    if (world->program.done == 0)
        world_answer(world, world->two, cases[_i].second);
    expect_final(world, cases[_i].best);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0"), 2);
    world_ack(world, "uas");
    world_destroy(world);
}
END_TEST

START_TEST(challenges_are_merged)
{
    world_t *world = world_create(one_uri, two_uri);

    world_call(world);
    world_answer_with(world, world->one, "401 Unauthorized",
                      "WWW-Authenticate: Digest realm=\"one\", nonce=\"1\"\n");
    world_answer_with(world, world->two, "407 Proxy Authentication Required",
                      "Proxy-Authenticate: Digest realm=\"two\",\n"
                      " nonce=\"2\"\n"
                      "WWW-Authenticate: Digest realm=\"three\"\n");
    expect_final(world, 401);
    const char *msg = party_find(world->caller, "SIP/2.0 401", 0);
    ck_assert_str_eq(party_header(world->caller, msg, "WWW-Authenticate", 0),
                     "Digest realm=\"one\", nonce=\"1\"");
    ck_assert_str_eq(party_header(world->caller, msg, "WWW-Authenticate", 1),
                     "Digest realm=\"three\"");
    ck_assert_ptr_nonnull(
        strstr(msg, "\r\nProxy-Authenticate: Digest realm=\"two\",\r\n"
                    " nonce=\"2\"\r\n"));
    world_expect(world->caller, "SIP/2.0 401", "Via",
                 "SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-c1");
    ck_assert_int_eq(world->program.has_final, 1);
    world_destroy(world);
}
END_TEST

/* A 401 to the party's INVITE with that many challenges of 8000 bytes. */
static void challenge_at_length(party_t *party, unsigned count)
{
    const char *invite = party_find(party, "INVITE", 0);
    char *text = calloc(count + 1, 8192);
    size_t n = (size_t)sprintf(text, "SIP/2.0 401 Unauthorized\r\n");
    srf__addr_t to;

    ck_assert(srf__addr_from_host(&to, SRF__STR("10.0.0.1"), 5060,
                                  SRF__TRANSPORT_UDP));
    for (unsigned i = 0; i < count; i++)
        n += (size_t)sprintf(text + n, "WWW-Authenticate: Digest r=%08000u\r\n",
                             i);
    n += (size_t)sprintf(text + n, "%s", strstr(invite, "\r\n") + 2);
    mempeer_send(party->peer, &to, text, n);
    free(text);
}

START_TEST(challenges_are_merged_as_far_as_a_datagram_goes)
{
    world_t *world = world_create(one_uri, two_uri);

    world_call(world);
    challenge_at_length(world->one, 5);
    world_settle(world);
    challenge_at_length(world->two, 5);
    world_settle(world);
    expect_final(world, 401);
    world_destroy(world);
}
END_TEST

START_TEST(a_flood_of_challenges_leaves_some_to_be_merged)
{
    char flood[70 * 32] = "";
    world_t *world = world_create(one_uri, two_uri);

    for (unsigned i = 0; i < 70; i++)
        strcat(flood, "Proxy-Authenticate: Digest r=2\n");
    world_call(world);
    world_answer_with(world, world->one, "401 Unauthorized",
                      "WWW-Authenticate: Digest r=1\n");
    world_answer_with(world, world->two, "407 Proxy Authentication Required",
                      flood);
    expect_final(world, 401);
    world_expect(world->caller, "SIP/2.0 401", "WWW-Authenticate",
                 "Digest r=1");
    world_expect(world->caller, "SIP/2.0 401", "Proxy-Authenticate",
                 "Digest r=2");
    world_destroy(world);
}
END_TEST

START_TEST(nothing_but_silence_gives_408)
{
    world_t *world = world_create("sip:10.0.0.13", NULL);

    world_call(world);
    memnet_run(world->net, 32010);
    expect_final(world, 408);
    ck_assert_int_eq(world->program.has_final, 0);
    ck_assert_int_eq(world->program.err, 0);
    ck_assert_int_eq(world->program.causes[0], SRF_CAUSE_TIMER_B);
    world_destroy(world);
}
END_TEST

START_TEST(nothing_reachable_gives_500)
{
    world_t *world = world_create("sip:10.0.0.13", NULL);

    memnet_close_port(world->net, "10.0.0.13:5060", _i == 1);
    world_call(world);
    memnet_run(world->net, 10);
    expect_final(world, 500);
    ck_assert_int_eq(world->program.has_final, 0);
    ck_assert_int_eq(world->program.causes[0], SRF_CAUSE_TRANSPORT);
    world_destroy(world);
}
END_TEST

START_TEST(a_real_answer_is_better_than_a_made_up_one)
{
    world_t *world = world_create("sip:10.0.0.13", two_uri);

    world_call(world);
    memnet_run(world->net, 32010);
    world_answer(world, world->two, "486 Busy Here");
    expect_final(world, 486);
    ck_assert_int_eq(world->program.has_final, 1);
    world_destroy(world);
}
END_TEST

/* ---- provisional responses ---- */

START_TEST(provisional_responses_pass_in_order_and_unchanged)
{
    world_t *world = world_create(one_uri, two_uri);

    world_call(world);
    world_answer_with(world, world->one, "183 Session Progress",
                      "RSeq: 77\nRequire: 100rel\n");
    world_answer(world, world->one, "180 Ringing");
    world_expect(world->caller, "SIP/2.0 183", "RSeq", "77");
    world_expect(world->caller, "SIP/2.0 183", "Require", "100rel");
    ck_assert_int_eq(strncmp(world->caller->inbox[1], "SIP/2.0 183", 11), 0);
    ck_assert_int_eq(strncmp(world->caller->inbox[2], "SIP/2.0 180", 11), 0);
    world_answer(world, world->one, "404 Not Found");
    world_answer(world, world->two, "180 Ringing");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 180"), 2);
    world_answer(world, world->two, "200 OK");
    world_destroy(world);
}
END_TEST

START_TEST(a_provisional_response_after_the_final_one_is_dropped)
{
    static const char *const finals[] = {"200 OK", "486 Busy Here"};
    world_t *world = world_create(one_uri, NULL);

    world_call(world);
    world_answer(world, world->one, finals[_i]);
    unsigned count = world->caller->count;
    world_answer(world, world->one, "180 Ringing");
    ck_assert_uint_eq(world->caller->count, count);
    world_ack(world, "uas");
    world_destroy(world);
}
END_TEST

/* ---- 2xx ---- */

START_TEST(every_2xx_goes_up_while_the_call_is_set_up)
{
    world_t *world = world_create(one_uri, NULL);

    world_call(world);
    world_answer(world, world->one, "200 OK");
    world_answer(world, world->one, "200 OK"); /* a retransmission */
    party_reply(world->one, 0, "200 Other Leg", "X-Leg: 2\n");
    memnet_run(world->net, 20000);
    world_answer(world, world->one, "200 OK");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200 OK"), 3);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200 Other"), 1);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_uint_eq(party_received(world->one, "ACK"), 0);
    world_destroy(world);
}
END_TEST

/* RFC 6026 §7.3: not even a 2xx to INVITE. */
START_TEST(a_response_that_fits_no_transaction_goes_nowhere)
{
    world_t *world = world_create(one_uri, NULL);

    world_call(world);
    world_answer(world, world->one, "200 OK");
    memnet_drain(world->net, 600000);
    ck_assert_uint_eq(world_stats(world).client_transactions, 0);
    uint64_t dropped = world_stats(world).dropped_unmatched;
    unsigned count = world->caller->count;
    world_answer(world, world->one, "200 OK");
    world_answer(world, world->one, "486 Busy Here");
    world_answer(world, world->one, "180 Ringing");
    ck_assert_uint_eq(world->caller->count, count);
    ck_assert_uint_eq(world_stats(world).dropped_unmatched, dropped + 3);
    world_destroy(world);
}
END_TEST

/* A response of `one` to its INVITE, whose topmost Via has this sent-by. */
static void answer_by(world_t *world, const char *sent_by)
{
    const char *invite = party_find(world->one, "INVITE", 0);
    char via[256];

    strcpy(via, party_header(world->one, invite, "Via", 0));
    const char *branch = strstr(via, ";branch=");
    ck_assert_ptr_nonnull(branch);
    party_send(world->one, WORLD_PROXY,
               "SIP/2.0 200 OK\n"
               "Via: SIP/2.0/UDP %s%s\n"
               "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-c1\n"
               "From: <sip:ann@example.com>;tag=ann-c1\n"
               "To: <sip:bob@example.com>;tag=uas\n"
               "Call-ID: c1\n"
               "CSeq: 1 INVITE\n",
               sent_by, branch);
    world_settle(world);
}

START_TEST(a_response_for_another_sent_by_goes_nowhere)
{
    static const char *const sent_bys[] = {
        "10.0.0.77:5060", "10.0.0.1:5070",  "10.0.0.12",   "proxy.example.com",
        "10.0.0.1:50600", "10.0.0.11:5060", "10.0.0.1:506"};
    world_t *world = world_create(one_uri, NULL);

    world_call(world);
    answer_by(world, sent_bys[_i]);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 0);
    ck_assert_uint_eq(world_stats(world).dropped_unmatched, 1);
    answer_by(world, "10.0.0.1:5060");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_response_for_any_name_of_ours_is_forwarded)
{
    static const char *const sent_bys[] = {
        "10.0.0.1:5060",        "10.0.0.1",
        "10.0.0.1 : 5060",      "sip.example.com",
        "SIP.example.com:5060", "10.0.0.2:5060"};
    world_t *world = world_create(one_uri, NULL);

    memnet_listen(world->net, world->srf, "10.0.0.2:5060");
    ck_assert_int_eq(srf_alias(world->srf, "sip.example.com"), 0);
    world_call(world);
    answer_by(world, sent_bys[_i]);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    ck_assert_uint_eq(world_stats(world).dropped_unmatched, 0);
    world_destroy(world);
}
END_TEST

START_TEST(the_library_is_no_reflector)
{
    static const char *const vias[] = {
        "SIP/2.0/UDP 10.0.0.77:5060;branch=z9hG4bK-x",
        "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK-x",
        "SIP/2.0/UDP 10.0.0.1:5060",
        "SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bK-x",
    };
    world_t *world = world_create(one_uri, NULL);

    party_send(world->one, WORLD_PROXY,
               "SIP/2.0 200 OK\n"
               "Via: %s\n"
               "Via: SIP/2.0/UDP 10.0.0.12:5060;branch=z9hG4bK-victim\n"
               "From: <sip:ann@example.com>;tag=a\n"
               "To: <sip:bob@example.com>;tag=b\n"
               "Call-ID: c1\n"
               "CSeq: 1 INVITE\n",
               vias[_i]);
    memnet_run(world->net, 10);
    ck_assert_uint_eq(world->two->count, 0);
    ck_assert_uint_eq(world_stats(world).dropped_unmatched, 1);
    world_destroy(world);
}
END_TEST

START_TEST(an_invite_sent_again_after_the_2xx_is_ignored)
{
    world_t *world = world_create(one_uri, NULL);

    world_call(world);
    world_answer(world, world->one, "200 OK");
    unsigned count = world->caller->count;
    memnet_run(world->net, 10000);
    world_call(world); /* RFC 6026 §7.1 */
    ck_assert_uint_eq(world->caller->count, count);
    ck_assert_uint_eq(party_received(world->one, "INVITE"), 1);
    ck_assert_uint_eq(world->program.handled, 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_late_2xx_behind_a_failure_is_forwarded)
{
    world_t *world = world_create(one_uri, two_uri);

    world->program.options.timer_c_ms = 1000;
    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    memnet_run(world->net, 1010); /* Timer C: the next target is tried */
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 1);
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 1);
    world_answer(world, world->two, "180 Ringing");
    world_answer(world, world->one, "200 OK");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    ck_assert_uint_eq(party_received(world->two, "CANCEL"), 1);
    world_answer(world, world->two, "487 Request Terminated");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 0);
    ck_assert_uint_eq(party_received(world->two, "ACK"), 1);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.connected, 1);
    ck_assert_int_eq(world->program.final_status, 200);
    world_destroy(world);
}
END_TEST

/* RFC 3261 §16.7 step 5: a proxy behind us forks, refuses, and has somebody
 * answer after all. The caller's transaction has ended by then (Timer I). */
START_TEST(a_2xx_behind_the_end_of_the_callers_transaction_is_forwarded)
{
    world_t *world = world_create(one_uri, NULL);
    const srf__txns_counters_t *counters = &world->srf->element.txns.counters;

    world_call(world);
    world_answer(world, world->one, "486 Busy Here");
    world_ack(world, "uas");
    memnet_run(world->net, 6000);
    ck_assert_uint_eq(counters->servers, 0);
    ck_assert_uint_eq(counters->clients, 1);
    world_answer(world, world->one, "200 OK");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    memnet_run(world->net, 32000); /* Timer D */
    ck_assert_uint_eq(counters->clients, 0);
    world_answer(world, world->one, "200 OK"); /* RFC 6026 §7.3 */
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(two_targets_may_both_answer)
{
    world_t *world = world_create(one_uri, two_uri);

    world->program.options.timer_c_ms = 1000;
    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    memnet_run(world->net, 1010);
    world_answer(world, world->two, "200 OK");
    world_answer(world, world->one, "200 OK");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 2);
    ck_assert_uint_eq(world->program.done, 1);
    world_destroy(world);
}
END_TEST

/* ---- Timer C ---- */

START_TEST(timer_c_ends_what_rings_too_long)
{
    world_t *world = world_create(one_uri, NULL);

    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    memnet_run(world->net, 180900);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 0);
    memnet_run(world->net, 150);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 408"), 1);
    ck_assert_uint_eq(world->program.done, 0); /* its end is still open */
    world_answer(world, world->one, "487 Request Terminated");
    ck_assert_uint_eq(party_received(world->one, "ACK"), 1);
    expect_final(world, 408);
    ck_assert_int_eq(world->program.causes[0], SRF_CAUSE_TIMER_C);
    world_destroy(world);
}
END_TEST

START_TEST(a_provisional_response_restarts_timer_c_but_100_does_not)
{
    world_t *world = world_create(one_uri, NULL);

    world->program.options.timer_c_ms = 10000;
    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    memnet_run(world->net, 8000);
    world_answer(world, world->one, _i == 0 ? "183 Progress" : "100 Trying");
    memnet_run(world->net, 8000);
    ck_assert_int_eq(party_received(world->one, "CANCEL") > 0, _i);
    memnet_run(world->net, 3000);
    ck_assert_uint_gt(party_received(world->one, "CANCEL"), 0);
    ck_assert_uint_gt(party_received(world->caller, "SIP/2.0 408"), 0);
    memnet_drain(world->net, 600000);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.final_status, 408);
    world_destroy(world);
}
END_TEST

START_TEST(timer_c_may_be_off)
{
    world_t *world = world_create(one_uri, NULL);

    world->program.options.timer_c_ms = SRF_TIMEOUT_NONE;
    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    memnet_run(world->net, 3600000);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 0);
    world_answer(world, world->one, "200 OK");
    expect_final(world, 200);
    world_destroy(world);
}
END_TEST

START_TEST(timer_c_of_one_target_leads_to_the_next)
{
    world_t *world = world_create(one_uri, two_uri);

    world->program.options.timer_c_ms = 2000;
    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    memnet_run(world->net, 2010);
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 1);
    party_reply(world->one, party_index(world->one, "CANCEL", 0), "200 OK", "");
    world_answer(world, world->one, "487 Request Terminated");
    world_answer(world, world->two, "404 Not Found");
    expect_final(world, 404);
    world_destroy(world);
}
END_TEST

/* ---- ACK ---- */

START_TEST(the_ack_of_a_failure_is_like_its_invite)
{
    char via[256];
    world_t *world = world_create(NULL, NULL);

    party_invite(world->caller, WORLD_PROXY, "sip:bob@10.0.0.77", "c1",
                 "Route: <sip:10.0.0.11;lr>, <sip:10.0.0.12;lr>\n");
    world_settle(world);
    const char *invite = party_find(world->one, "INVITE", 0);
    strcpy(via, party_header(world->one, invite, "Via", 0));
    world_answer(world, world->one, "486 Busy Here");
    const char *start = "ACK sip:bob@10.0.0.77 SIP/2.0\r\n";
    world_expect(world->one, start, "Via", via);
    world_expect(world->one, start, "Route",
                 "<sip:10.0.0.11;lr>, <sip:10.0.0.12;lr>");
    world_expect(world->one, start, "CSeq", "1 ACK");
    world_expect(world->one, start, "Call-ID", "c1");
    world_expect(world->one, start, "To", "<sip:bob@example.com>;tag=uas");
    world_expect(world->one, start, "From",
                 "\"Ann\" <sip:ann@example.com>;tag=ann-c1");
    const char *ack = party_find(world->one, start, 0);
    ck_assert_ptr_null(party_header(world->one, ack, "Via", 1));
    ck_assert_ptr_null(party_header(world->one, ack, "Contact", 0));
    /* Again for each retransmission, for 32 seconds. */
    world_answer(world, world->one, "486 Busy Here");
    memnet_run(world->net, 30000);
    world_answer(world, world->one, "486 Busy Here");
    ck_assert_uint_eq(party_received(world->one, "ACK"), 3);
    ck_assert_uint_eq(world->program.done, 1);
    world_ack(world, "uas");
    world_destroy(world);
}
END_TEST

START_TEST(a_failure_is_repeated_to_the_caller_until_its_ack)
{
    world_t *world = world_create(one_uri, NULL);

    world_call(world);
    world_answer(world, world->one, "486 Busy Here");
    memnet_run(world->net, 1600);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 486"), 3);
    ck_assert_str_eq(party_find(world->caller, "SIP/2.0 486", 0),
                     party_find(world->caller, "SIP/2.0 486", 2));
    world_ack(world, "uas");
    world_ack(world, "uas");
    memnet_run(world->net, 60000);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 486"), 3);
    ck_assert_uint_eq(party_received(world->one, "ACK"), 1); /* ours */
    world_destroy(world);
}
END_TEST

/* ---- other methods ---- */

START_TEST(another_method_is_searched_too)
{
    world_t *world = world_create(one_uri, two_uri);

    world_request(world, "MESSAGE", WORLD_URI, "m1", "");
    party_reply(world->one, 0, "404 Not Found", "");
    world_settle(world);
    ck_assert_uint_eq(party_received(world->two, "MESSAGE sip:10.0.0.12 "), 1);
    party_reply(world->two, 0, "200 OK", "");
    world_settle(world);
    expect_final(world, 200);
    ck_assert_uint_eq(world->caller->count, 1);
    party_reply(world->two, 0, "200 OK", "");
    party_reply(world->one, 0, "404 Not Found", "");
    world_settle(world);
    ck_assert_uint_eq(world->caller->count, 1);
    ck_assert_uint_eq(world->one->count, 1); /* no ACK, no CANCEL */
    world_destroy(world);
}
END_TEST

START_TEST(no_408_is_made_up_for_another_method)
{
    world_t *world = world_create("sip:10.0.0.13", NULL);

    world_request(world, "MESSAGE", WORLD_URI, "m1", "");
    memnet_run(world->net, 40000);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 100"), 1);
    ck_assert_uint_eq(world->caller->count, 1);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.err, SRF_ERR_TIMEOUT);
    ck_assert_int_eq(world->program.final_status, 0);
    ck_assert_int_eq(world->program.causes[0], SRF_CAUSE_TIMER_F);
    world_destroy(world);
}
END_TEST

START_TEST(a_408_of_another_method_does_not_go_up)
{
    world_t *world = world_create(one_uri, _i == 0 ? NULL : two_uri);

    world_request(world, "MESSAGE", WORLD_URI, "m1", "");
    party_reply(world->one, 0, "408 Request Timeout", "");
    world_settle(world);
    if (_i == 1) {
        party_reply(world->two, 0, "404 Not Found", "");
        world_settle(world);
        expect_final(world, 404);
    } else { /* RFC 4320 §4.2 */
        ck_assert_uint_eq(world->program.done, 1);
        ck_assert_int_eq(world->program.err, SRF_ERR_TIMEOUT);
        ck_assert_int_eq(world->program.final_status, 0);
    }
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 408"), 0);
    world_destroy(world);
}
END_TEST

START_TEST(a_provisional_response_to_another_method_is_dropped)
{
    world_t *world = world_create(one_uri, NULL);

    world_request(world, "MESSAGE", WORLD_URI, "m1", "");
    party_reply(world->one, 0, "183 Progress", ""); /* RFC 4320 §4.1 */
    world_settle(world);
    ck_assert_uint_eq(world->caller->count, 0);
    party_reply(world->one, 0, "200 OK", "");
    world_settle(world);
    expect_final(world, 200);
    world_destroy(world);
}
END_TEST

static void add_unreported(Suite *suite)
{
    TCase *tcase = tcase_create("without a report");

    tcase_add_test(tcase,
                   without_a_report_responses_go_up_and_again_as_they_should);
    tcase_add_test(tcase,
                   without_a_report_a_2xx_of_another_method_goes_up_again);
    suite_add_tcase(suite, tcase);
}

static void add_search(Suite *suite)
{
    TCase *tcase = tcase_create("search");

    tcase_add_test(tcase, a_6xx_ends_the_search);
    tcase_add_loop_test(tcase, every_other_failure_leads_on_at_once, 0, 10);
    tcase_add_loop_test(tcase, the_best_response_goes_up, 0, 18);
    tcase_add_test(tcase, challenges_are_merged);
    tcase_add_test(tcase, challenges_are_merged_as_far_as_a_datagram_goes);
    tcase_add_test(tcase, a_flood_of_challenges_leaves_some_to_be_merged);
    tcase_add_test(tcase, nothing_but_silence_gives_408);
    tcase_add_loop_test(tcase, nothing_reachable_gives_500, 0, 2);
    tcase_add_test(tcase, a_real_answer_is_better_than_a_made_up_one);
    suite_add_tcase(suite, tcase);
}

static void add_responses(Suite *suite)
{
    TCase *tcase = tcase_create("responses");

    tcase_add_test(tcase, provisional_responses_pass_in_order_and_unchanged);
    tcase_add_loop_test(
        tcase, a_provisional_response_after_the_final_one_is_dropped, 0, 2);
    tcase_add_test(tcase, every_2xx_goes_up_while_the_call_is_set_up);
    tcase_add_test(tcase, a_response_that_fits_no_transaction_goes_nowhere);
    tcase_add_loop_test(tcase, a_response_for_another_sent_by_goes_nowhere, 0,
                        7);
    tcase_add_loop_test(tcase, a_response_for_any_name_of_ours_is_forwarded, 0,
                        6);
    tcase_add_loop_test(tcase, the_library_is_no_reflector, 0, 4);
    tcase_add_test(tcase, an_invite_sent_again_after_the_2xx_is_ignored);
    tcase_add_test(tcase, a_late_2xx_behind_a_failure_is_forwarded);
    tcase_add_test(
        tcase, a_2xx_behind_the_end_of_the_callers_transaction_is_forwarded);
    tcase_add_test(tcase, two_targets_may_both_answer);
    suite_add_tcase(suite, tcase);
}

static void add_timer_c(Suite *suite)
{
    TCase *tcase = tcase_create("timer-c");

    tcase_add_test(tcase, timer_c_ends_what_rings_too_long);
    tcase_add_loop_test(
        tcase, a_provisional_response_restarts_timer_c_but_100_does_not, 0, 2);
    tcase_add_test(tcase, timer_c_may_be_off);
    tcase_add_test(tcase, timer_c_of_one_target_leads_to_the_next);
    suite_add_tcase(suite, tcase);
}

static void add_others(Suite *suite)
{
    TCase *tcase = tcase_create("others");

    tcase_add_test(tcase, the_ack_of_a_failure_is_like_its_invite);
    tcase_add_test(tcase, a_failure_is_repeated_to_the_caller_until_its_ack);
    tcase_add_test(tcase, another_method_is_searched_too);
    tcase_add_test(tcase, no_408_is_made_up_for_another_method);
    tcase_add_loop_test(tcase, a_408_of_another_method_does_not_go_up, 0, 2);
    tcase_add_test(tcase, a_provisional_response_to_another_method_is_dropped);
    suite_add_tcase(suite, tcase);
}

int main(void)
{
    Suite *suite = suite_create("proxy_responses");

    add_unreported(suite);
    add_search(suite);
    add_responses(suite);
    add_timer_c(suite);
    add_others(suite);
    return run_suite(suite);
}
