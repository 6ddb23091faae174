/*
 * What becomes of requests when there are far too many of them: most are
 * dropped unread, and what belongs to something that is known is served.
 *
 * SPDX-License-Identifier: MIT
 */
#include "pieces.h"
#include "runner.h"

enum {
    ANSWERS = 100, /* the budget */
    FLOOD = 150
};

#define OUR_ROUTE "Route: <sip:10.0.0.1;lr;srf=MARK>\n"

static struct {
    unsigned lines;
    char last[256];
} log_seen;

static void on_log(srf_log_level_t level, const srf_log_event_t *event,
                   void *user_data)
{
    (void)user_data;
    if (level > SRF_LOG_WARNING || strstr(event->text, "source_rate") == NULL)
        return;
    log_seen.lines++;
    snprintf(log_seen.last, sizeof(log_seen.last), "%s, peer %s", event->text,
             event->peer);
}

/* Many requests in the same moment. */
static void flood(world_t *world, party_t *from, unsigned count)
{
    char id[16];

    for (unsigned i = 0; i < count; i++) {
        snprintf(id, sizeof(id), "flood%u", i);
        party_invite(from, WORLD_PROXY, WORLD_URI, id, "");
    }
    world_settle(world);
}

/* One call, "c1", is ringing, the limit is reached, and all answers are used
 * up. */
static world_t *flooded_world(void)
{
    srf_options_t options;

    srf_options_init(&options);
    options.max_transactions = 2;
    world_t *world = world_create_with(&options, "10.0.0.11", NULL);
    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    flood(world, world->two, FLOOD);
    return world;
}

static void clear(world_t *world)
{
    party_clear(world->caller);
    party_clear(world->one);
    party_clear(world->two);
}

/* BYEs of dialogs, in the same moment. */
static void end_dialogs(world_t *world, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char mark[SRF__MARK_LEN + 1];
        char id[16];
        snprintf(id, sizeof(id), "%u", i);
        world_mark(world, id, "ann", mark);
        party_send(world->two, WORLD_PROXY,
                   "BYE sip:bob@10.0.0.11 SIP/2.0\n"
                   "Via: SIP/2.0/UDP 10.0.0.12:5060;branch=z9hG4bK-d%u-%u\n"
                   "From: <sip:ann@example.com>;tag=ann\n"
                   "To: <sip:bob@example.com>;tag=bob\n"
                   "Call-ID: %u\n"
                   "CSeq: 2 BYE\n"
                   "Route: <sip:10.0.0.1;lr;srf=%s>\n",
                   count, i, i, mark);
    }
    world_settle(world);
}

static void end_world(world_t *world)
{
    /* What nobody answers is sent again and again. */
    for (unsigned i = 0; i < 400; i++) {
        clear(world);
        memnet_run(world->net, 200);
    }
    clear(world);
    memnet_drain(world->net, 600000);
    world_destroy(world);
}

START_TEST(above_the_budget_there_is_silence)
{
    world_t *world = flooded_world();
    srf_stats_t stats = world_stats(world);

    ck_assert_uint_eq(stats.overloaded, ANSWERS);
    ck_assert_uint_eq(stats.shed, FLOOD - ANSWERS);
    ck_assert_uint_eq(stats.rejected, ANSWERS);
    ck_assert_uint_eq(stats.requests_received, 1 + FLOOD);
    ck_assert_uint_eq(party_received(world->two, "SIP/2.0 503"), ANSWERS);
    ck_assert_uint_eq(stats.server_transactions, 1);
    ck_assert_uint_eq(party_received(world->one, "INVITE"), 1);
    /* A little later a few are told again. */
    memnet_run(world->net, 10);
    party_clear(world->two);
    flood(world, world->two, 50);
    ck_assert_uint_ge(party_received(world->two, "SIP/2.0 503"), 10);
    ck_assert_uint_le(party_received(world->two, "SIP/2.0 503"), 20);
    end_world(world);
}
END_TEST

START_TEST(a_request_sent_again_is_known)
{
    world_t *world = flooded_world();

    party_clear(world->caller);
    world_call(world);
    ck_assert_uint_eq(world_stats(world).retransmissions_received, 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 180"), 1);
    end_world(world);
}
END_TEST

START_TEST(a_cancel_and_the_ack_are_known)
{
    world_t *world = flooded_world();

    world_cancel(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    world_cancel(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 2);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 1);
    flood(world, world->two, FLOOD);
    world_answer(world, world->one, "487 Request Terminated");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 1);
    flood(world, world->two, FLOOD);
    world_ack(world, "uas");
    memnet_run(world->net, 4000);
    /* It came: the 487 is not sent again. */
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 1);
    end_world(world);
}
END_TEST

/* CANCELs of the call "c1", of many sent-bys: each would be a transaction. */
static void cancel_often(world_t *world, party_t *from)
{
    party_clear(from);
    for (unsigned i = 0; i < FLOOD; i++)
        party_send(from, WORLD_PROXY,
                   "CANCEL " WORLD_URI " SIP/2.0\n"
                   "Via: SIP/2.0/UDP 10.0.0.12:%u;branch=z9hG4bK-c1;rport\n"
                   "From: \"Ann\" <sip:ann@example.com>;tag=ann-c1\n"
                   "To: <sip:bob@example.com>\n"
                   "Call-ID: c1\n"
                   "CSeq: 1 CANCEL\n",
                   6000 + i);
    world_settle(world);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 1);
}

START_TEST(one_cancel_of_a_call_is_known)
{
    world_t *world = flooded_world();

    cancel_often(world, world->caller);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    world_answer(world, world->one, "487 Request Terminated");
    end_world(world);
}
END_TEST

START_TEST(a_cancel_of_nothing_is_as_good_as_any)
{
    world_t *world = flooded_world();

    party_follow(world->two, WORLD_PROXY, "CANCEL", WORLD_URI, "nothing", NULL);
    world_settle(world);
    ck_assert_uint_le(party_received(world->two, "SIP/2.0 481"), 1);
    end_world(world);
}
END_TEST

START_TEST(dialogs_are_served)
{
    world_t *world = flooded_world();

    world_in_dialog(world, world->caller, "BYE", "sip:bob@10.0.0.11", "d1",
                    OUR_ROUTE);
    ck_assert_uint_eq(party_received(world->one, "BYE"), 1);
    party_reply(world->one, party_index(world->one, "BYE", 0), "200 OK", "");
    world_settle(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    end_world(world);
}
END_TEST

/* Anybody can write a To tag. */
START_TEST(a_to_tag_alone_is_no_dialog)
{
    static const char *const routes[] = {"", "Route: <sip:192.0.2.99;lr>\n",
                                         "Route: <tel:1>\n"};
    srf_options_t options;

    srf_options_init(&options);
    options.max_transactions = 2;
    world_t *world = world_create_with(&options, "10.0.0.11", NULL);
    world_call(world);
    for (unsigned i = 0; i < 20; i++) {
        char id[16];
        snprintf(id, sizeof(id), "f%u", i);
        world_in_dialog(world, world->two, i % 2 == 0 ? "BYE" : "INVITE",
                        "sip:bob@10.0.0.11", id, routes[_i]);
    }
    ck_assert_uint_eq(party_received(world->two, "SIP/2.0 503"), 20);
    ck_assert_uint_eq(party_received(world->one, "BYE"), 0);
    srf_stats_t stats = world_stats(world);
    ck_assert_uint_eq(stats.server_transactions + stats.client_transactions, 2);
    end_world(world);
}
END_TEST

START_TEST(what_cannot_be_read_is_not_answered_in_a_flood_either)
{
    world_t *world = flooded_world();

    party_clear(world->two);
    for (unsigned i = 0; i < 20; i++)
        party_send(world->two, WORLD_PROXY,
                   "INVITE sip:a@b SIP/2.0\n"
                   "Via: SIP/2.0/UDP 10.0.0.12:5060;branch=z9hG4bKx%u\n",
                   i);
    world_settle(world);
    ck_assert_uint_le(world->two->count, 5);
    end_world(world);
}
END_TEST

START_TEST(an_ack_that_fits_nothing_goes_nowhere)
{
    world_t *world = flooded_world();

    party_follow(world->two, WORLD_PROXY, "ACK", "sip:bob@10.0.0.11", "x",
                 "forged");
    world_settle(world);
    ck_assert_uint_eq(party_received(world->one, "ACK"), 0);
    end_world(world);
}
END_TEST

/* ---- source_rate ---- */

static world_t *limited_world(const char *const *exempt)
{
    srf_options_t options;

    memset(&log_seen, 0, sizeof(log_seen));
    srf_options_init(&options);
    options.source_rate = 10;
    options.source_burst = 5;
    options.source_exempt = exempt;
    options.log_cb = on_log;
    return world_create_with(&options, "10.0.0.11", NULL);
}

START_TEST(a_source_above_its_rate_is_refused_and_others_are_not)
{
    world_t *world = limited_world(NULL);

    flood(world, world->two, 8);
    ck_assert_uint_eq(party_received(world->one, "INVITE"), 5);
    ck_assert_uint_eq(party_received(world->two, "SIP/2.0 503"), 3);
    const char *msg = party_find(world->two, "SIP/2.0 503", 0);
    ck_assert_ptr_nonnull(party_header(world->two, msg, "Retry-After", 0));
    ck_assert_uint_eq(world_stats(world).source_limited, 3);
    ck_assert_uint_eq(world_stats(world).shed, 0);
    world_call(world);
    ck_assert_uint_eq(party_received(world->one, "INVITE"), 6);
    /* In a second it may send ten again, and five of them at once. */
    memnet_run(world->net, 1000);
    party_clear(world->one);
    flood(world, world->two, 8); /* five are known, three were refused */
    ck_assert_uint_eq(party_received(world->one, "INVITE"), 3);
    for (unsigned i = 0; i < 8; i++) {
        char id[8];
        snprintf(id, sizeof(id), "m%u", i);
        party_invite(world->two, WORLD_PROXY, WORLD_URI, id, "");
    }
    world_settle(world);
    ck_assert_uint_eq(party_received(world->one, "INVITE"), 5);
    end_world(world);
}
END_TEST

START_TEST(a_flood_of_one_source_is_dropped_unread)
{
    world_t *world = limited_world(NULL);

    flood(world, world->two, 200);
    ck_assert_uint_eq(party_received(world->one, "INVITE"), 5);
    ck_assert_uint_eq(party_received(world->two, "SIP/2.0 503"), ANSWERS);
    ck_assert_uint_eq(world_stats(world).shed, 200 - 5 - ANSWERS);
    ck_assert_uint_eq(world_stats(world).source_limited, 200 - 5);
    ck_assert_uint_eq(world_stats(world).overloaded, ANSWERS);
    /* Nobody else feels it. */
    world_call(world);
    ck_assert_uint_eq(party_received(world->one, "INVITE"), 6);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 503"), 0);
    end_world(world);
}
END_TEST

START_TEST(it_is_told_once_a_second_by_whom)
{
    world_t *world = limited_world(NULL);

    flood(world, world->two, 200);
    ck_assert_uint_eq(log_seen.lines, 1);
    ck_assert_ptr_nonnull(strstr(log_seen.last, "peer 10.0.0.12"));
    memnet_run(world->net, 900);
    clear(world);
    flood(world, world->two, 200);
    ck_assert_uint_eq(log_seen.lines, 1);
    memnet_run(world->net, 200);
    clear(world);
    flood(world, world->two, 200);
    ck_assert_uint_eq(log_seen.lines, 2);
    end_world(world);
}
END_TEST

START_TEST(calls_that_stand_have_a_bucket_of_their_own)
{
    world_t *world = limited_world(NULL);

    flood(world, world->two, 20);
    end_dialogs(world, 20);
    ck_assert_uint_eq(party_received(world->one, "BYE"), 20);
    /* A flood of them is too much, too. */
    end_dialogs(world, 100);
    ck_assert_uint_le(party_received(world->one, "BYE"), 8 * 5 + 1);
    end_world(world);
}
END_TEST

START_TEST(acks_without_a_call_are_within_the_rate_as_well)
{
    world_t *world = limited_world(NULL);

    for (unsigned i = 0; i < 50; i++) {
        char id[8];
        snprintf(id, sizeof(id), "a%u", i);
        party_follow(world->two, WORLD_PROXY, "ACK", "sip:bob@10.0.0.11", id,
                     "forged");
    }
    world_settle(world);
    ck_assert_uint_le(party_received(world->one, "ACK"), 5);
    ck_assert_uint_ge(world_stats(world).shed, 45);
    end_world(world);
}
END_TEST

/* Whatever becomes of it: what is refused unread, what cancels nothing. */
START_TEST(what_is_refused_is_within_the_rate_as_well)
{
    static const char *const methods[] = {"INVITE", "CANCEL"};
    static const char *const lengths[] = {"-1", "0"};
    world_t *world = limited_world(NULL);

    for (unsigned i = 0; i < 50; i++)
        party_send(world->two, WORLD_PROXY,
                   "%s sip:a@b SIP/2.0\n"
                   "Via: SIP/2.0/UDP 10.0.0.12:5060;branch=z9hG4bKx%u\n"
                   "From: <sip:a@b>;tag=a\n"
                   "To: <sip:c@d>\n"
                   "Call-ID: x\n"
                   "CSeq: 1 %s\n"
                   "Content-Length: %s\n",
                   methods[_i], i, methods[_i], lengths[_i]);
    world_settle(world);
    ck_assert_uint_eq(world->two->count, 5);
    ck_assert_uint_eq(world_stats(world).shed, 45);
    ck_assert_uint_eq(world_stats(world).source_limited, 45);
    end_world(world);
}
END_TEST

/* As a real one is: eight times as often as what is new. */
START_TEST(a_request_sent_again_is_within_the_rate_of_dialogs)
{
    world_t *world = limited_world(NULL);

    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    party_clear(world->caller);
    for (unsigned i = 0; i < 100; i++)
        world_call(world);
    ck_assert_uint_ge(party_received(world->caller, "SIP/2.0 180"), 8 * 4);
    ck_assert_uint_le(party_received(world->caller, "SIP/2.0 180"), 8 * 5 + 1);
    ck_assert_uint_ge(world_stats(world).shed, 100 - 8 * 5 - 1);
    end_world(world);
}
END_TEST

static void send_old(world_t *world, const char *method)
{
    party_send(world->two, WORLD_PROXY,
               "%s sip:bob@10.0.0.11 SIP/2.0\n"
               "Via: SIP/2.0/UDP 10.0.0.12:5060;branch=1\n"
               "From: <sip:ann@example.com>;tag=ann\n"
               "To: <sip:bob@example.com>;tag=bob\n"
               "Call-ID: old\n"
               "CSeq: 2 %s\n",
               method, method);
    world_settle(world);
}

/* RFC 3261 §17.2.3: of a peer of RFC 2543 the ACK to a 2xx has all that the
 * INVITE is known by, and so has the ACK to a refusal that came before. */
START_TEST(cancels_of_what_is_cancelled_are_within_it_too)
{
    world_t *world = limited_world(NULL);

    party_invite(world->two, WORLD_PROXY, WORLD_URI, "c1", "");
    world_settle(world);
    world_answer(world, world->one, "180 Ringing");
    cancel_often(world, world->two);
    ck_assert_uint_ge(party_received(world->two, "SIP/2.0 200"), 1);
    ck_assert_uint_le(party_received(world->two, "SIP/2.0 200"), 8 * 5 + 1);
    world_answer(world, world->one, "487 Request Terminated");
    end_world(world);
}
END_TEST

START_TEST(an_old_peers_ack_goes_on_though_it_was_refused_before)
{
    world_t *world = limited_world(NULL);

    flood(world, world->two, 5);
    send_old(world, "INVITE");
    ck_assert_uint_eq(party_received(world->two, "SIP/2.0 503"), 1);
    memnet_run(world->net, 1000);
    party_clear(world->one);
    send_old(world, "INVITE");
    ck_assert_uint_eq(party_received(world->one, "INVITE sip:bob"), 1);
    party_reply(world->one, party_index(world->one, "INVITE", 0), "200 OK", "");
    world_settle(world);
    send_old(world, "ACK");
    ck_assert_uint_eq(party_received(world->one, "ACK"), 1);
    end_world(world);
}
END_TEST

START_TEST(responses_are_within_no_rate)
{
    world_t *world = limited_world(NULL);

    world_call(world);
    for (unsigned i = 0; i < 50; i++) {
        party_reply(world->one, party_index(world->one, "INVITE", 0),
                    "180 Ringing", "");
        world_settle(world);
    }
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 180"), 50);
    end_world(world);
}
END_TEST

START_TEST(the_exempt_send_what_they_like)
{
    static const char *const exempt[] = {"192.0.2.0/24", "10.0.0.8/29", NULL};
    world_t *world = limited_world(exempt);

    flood(world, world->two, 100);
    ck_assert_uint_eq(party_received(world->one, "INVITE"), 100);
    ck_assert_uint_eq(world_stats(world).source_limited, 0);
    ck_assert_uint_eq(log_seen.lines, 0);
    end_world(world);
}
END_TEST

START_TEST(options_that_make_no_sense_are_refused)
{
    static const char *const exempt[] = {"10.0.0.0/8", "nonsense", NULL};
    memnet_t *net = memnet_create(1);
    const srf__env_t env = {.wheel = memnet_wheel(net), .seed = 1};
    srf_options_t options;
    srf_t *srf;

    srf_options_init(&options);
    if (_i == 0)
        options.source_exempt = exempt;
    else
        options.source_rate = 1000001;
    ck_assert_int_eq(srf__create(&srf, &env, &options),
                     SRF_ERR_INVALID_ARGUMENT);
    memnet_destroy(net);
}
END_TEST

static void add_overload(Suite *suite)
{
    TCase *tcase = tcase_create("overload");

    tcase_add_test(tcase, above_the_budget_there_is_silence);
    tcase_add_test(tcase, a_request_sent_again_is_known);
    tcase_add_test(tcase, a_cancel_and_the_ack_are_known);
    tcase_add_test(tcase, one_cancel_of_a_call_is_known);
    tcase_add_test(tcase, a_cancel_of_nothing_is_as_good_as_any);
    tcase_add_test(tcase, dialogs_are_served);
    tcase_add_loop_test(tcase, a_to_tag_alone_is_no_dialog, 0, 3);
    tcase_add_test(tcase,
                   what_cannot_be_read_is_not_answered_in_a_flood_either);
    tcase_add_test(tcase, an_ack_that_fits_nothing_goes_nowhere);
    suite_add_tcase(suite, tcase);
}

static void add_sources(Suite *suite)
{
    TCase *tcase = tcase_create("sources");

    tcase_add_test(tcase,
                   a_source_above_its_rate_is_refused_and_others_are_not);
    tcase_add_test(tcase, a_flood_of_one_source_is_dropped_unread);
    tcase_add_test(tcase, it_is_told_once_a_second_by_whom);
    tcase_add_test(tcase, calls_that_stand_have_a_bucket_of_their_own);
    tcase_add_test(tcase, acks_without_a_call_are_within_the_rate_as_well);
    tcase_add_loop_test(tcase, what_is_refused_is_within_the_rate_as_well, 0,
                        2);
    tcase_add_test(tcase, a_request_sent_again_is_within_the_rate_of_dialogs);
    tcase_add_test(tcase, cancels_of_what_is_cancelled_are_within_it_too);
    tcase_add_test(tcase,
                   an_old_peers_ack_goes_on_though_it_was_refused_before);
    tcase_add_test(tcase, responses_are_within_no_rate);
    tcase_add_test(tcase, the_exempt_send_what_they_like);
    tcase_add_loop_test(tcase, options_that_make_no_sense_are_refused, 0, 2);
    suite_add_tcase(suite, tcase);
}

int main(void)
{
    Suite *suite = suite_create("shedding");

    add_overload(suite);
    add_sources(suite);
    return run_suite(suite);
}
