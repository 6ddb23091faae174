/*
 * CANCEL at every moment of a call.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "world.h"

static const char one_uri[] = "sip:10.0.0.11";
static const char two_uri[] = "sip:10.0.0.12";

static srf_req_t *kept;

static void keep(srf_req_t *req, srf_res_t *res)
{
    (void)res;
    srf_req_on_cancel(req, world_on_cancel);
    kept = srf_req_ref(req);
}

START_TEST(before_the_program_decides_the_invite_gets_487)
{
    world_t *world = world_create(NULL, NULL);

    ck_assert_int_eq(srf_invite(world->srf, keep), 0);
    world_call(world);
    world_cancel(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 1);
    world_expect(world->caller, "SIP/2.0 200", "CSeq", "1 CANCEL");
    world_expect(world->caller, "SIP/2.0 487", "CSeq", "1 INVITE");
    /* Both with the same To tag (RFC 3261 §9.2). */
    char to[128];
    const char *msg = party_find(world->caller, "SIP/2.0 487", 0);
    strcpy(to, party_header(world->caller, msg, "To", 0));
    world_expect(world->caller, "SIP/2.0 200", "To", to);
    ck_assert_uint_eq(world->program.cancels, 1);
    ck_assert_int_eq(srf_proxy_request(kept, NULL, NULL, world_on_done),
                     SRF_ERR_CANCELED);
    srf_req_unref(kept);
    world_cancel(world); /* a retransmission */
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 2);
    ck_assert_uint_eq(world->program.cancels, 1);
    world_ack(world, "x");
    world_destroy(world);
}
END_TEST

START_TEST(before_the_first_1xx_the_cancel_waits_for_it)
{
    world_t *world = world_create(one_uri, two_uri);

    world_call(world);
    world_cancel(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 0);
    ck_assert_uint_eq(world->program.cancels, 1);
    memnet_run(world->net, 1600); /* the INVITE is still sent again */
    ck_assert_uint_eq(party_received(world->one, "INVITE"), 3);
    world_answer(world, world->one, _i == 0 ? "100 Trying" : "180 Ringing");
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 1);
    world_answer(world, world->one, "487 Request Terminated");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 1);
    ck_assert_uint_eq(world->two->count, 0);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.final_status, 487);
    ck_assert_int_eq(world->program.err, 0);
    world_destroy(world);
}
END_TEST

START_TEST(a_final_response_without_1xx_needs_no_cancel)
{
    world_t *world = world_create(one_uri, two_uri);

    world_call(world);
    world_cancel(world);
    world_answer(world, world->one, "486 Busy Here");
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 0);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 486"), 1);
    ck_assert_uint_eq(world->two->count, 0);
    ck_assert_uint_eq(world->program.done, 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_target_that_never_answers_ends_with_timer_b)
{
    world_t *world = world_create("sip:10.0.0.13", two_uri);

    world_call(world);
    world_cancel(world);
    memnet_run(world->net, 32010);
    ck_assert_uint_eq(world->two->count, 0);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_ne(world->program.final_status, 0);
    ck_assert_int_eq(world->program.causes[0], SRF_CAUSE_TIMER_B);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 4"), 1);
    world_destroy(world);
}
END_TEST

/* ACK or CANCEL of world_call() as some device on the way may make it. */
static void follow_with(world_t *world, const char *method, const char *via,
                        const char *call_id, const char *tag, unsigned number)
{
    party_send(world->caller, WORLD_PROXY,
               "%s " WORLD_URI " SIP/2.0\n"
               "Via: SIP/2.0/UDP %s;rport\n"
               "Max-Forwards: 70\n"
               "From: \"Ann\" <sip:ann@example.com>;tag=%s\n"
               "To: <sip:bob@example.com>%s\n"
               "Call-ID: %s\n"
               "CSeq: %u %s\n",
               method, via, tag, method[0] == 'A' ? ";tag=uas" : "", call_id,
               number, method);
    world_settle(world);
}

static const char *const other_sent_bys[] = {
    "10.0.0.9;branch=z9hG4bK-c1",         /* the default port */
    "10.0.0.9:1024;branch=z9hG4bK-c1",    /* of another mapping */
    "192.168.0.7:5060;branch=z9hG4bK-c1", /* behind a device */
    "phone.example;branch=z9hG4bK-c1",
};

START_TEST(a_cancel_or_ack_is_for_its_invite_whatever_the_sent_by)
{
    world_t *world = world_create(one_uri, NULL);

    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    follow_with(world, "CANCEL", other_sent_bys[_i], "c1", "ann-c1", 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 1);
    world_answer(world, world->one, "487 Request Terminated");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 1);
    follow_with(world, "ACK", other_sent_bys[_i], "c1", "ann-c1", 1);
    memnet_run(world->net, 5000);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_cancel_of_another_call_gets_481_whatever_its_branch)
{
    static const struct {
        const char *call_id;
        const char *tag;
        unsigned number;
        const char *via;
    } cases[] = {
        {"c2", "ann-c1", 1, "10.0.0.9:1024;branch=z9hG4bK-c1"},
        {"c1", "eve", 1, "10.0.0.9:1024;branch=z9hG4bK-c1"},
        {"c1", "ann-c1", 2, "10.0.0.9:1024;branch=z9hG4bK-c1"},
        {"c1", "ann-c1", 1, "10.0.0.9:1024;branch=z9hG4bK-c2"},
        {"c1", "ann-c1", 1, "10.0.0.9:1024"},
    };
    world_t *world = world_create(one_uri, NULL);

    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    follow_with(world, "CANCEL", cases[_i].via, cases[_i].call_id,
                cases[_i].tag, cases[_i].number);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 481"), 1);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 0);
    ck_assert_uint_eq(world->program.cancels, 0);
    world_answer(world, world->one, "200 OK");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    world_destroy(world);
}
END_TEST

/* RFC 3261 §17.2.3: that would take the sent-by of the first. */
START_TEST(an_invite_with_another_sent_by_is_another_one)
{
    static const char invite[] =
        "INVITE " WORLD_URI " SIP/2.0\n"
        "Via: SIP/2.0/UDP 10.0.0.9:%s;branch=z9hG4bK-c1;rport\n"
        "Max-Forwards: 70\n"
        "From: \"Ann\" <sip:ann@example.com>;tag=ann-c1\n"
        "To: <sip:bob@example.com>\n"
        "Call-ID: c1\n"
        "CSeq: 1 INVITE\n";
    world_t *world = world_create(one_uri, NULL);

    for (unsigned i = 0; i < 2; i++) {
        party_send(world->caller, WORLD_PROXY, invite, "5060");
        party_send(world->caller, WORLD_PROXY, invite, "1024");
        party_send(world->caller, WORLD_PROXY, invite, "1025");
        world_settle(world);
        ck_assert_uint_eq(world->program.handled, 3);
        ck_assert_uint_eq(party_received(world->one, "INVITE"), 3);
    }
    for (unsigned i = 0; i < 3; i++)
        party_reply(world->one, i, "180 Ringing", "");
    world_settle(world);
    /* Each has the CANCEL with its own, and first of all. */
    follow_with(world, "CANCEL", "10.0.0.9:1024;branch=z9hG4bK-c1", "c1",
                "ann-c1", 1);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 1);
    const char *second = party_find(world->one, "INVITE", 1);
    char via[256];
    strcpy(via, party_header(world->one, second, "Via", 0));
    world_expect(world->one, "CANCEL", "Via", via);
    for (unsigned i = 0; i < 3; i++)
        party_reply(world->one, i, "486 Busy Here", "");
    world_settle(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 486"), 3);
    ck_assert_uint_eq(world->program.done, 3);
    memnet_drain(world->net, 600000);
    ck_assert_uint_eq(world->srf->element.txns.twins, 0);
    world_destroy(world);
}
END_TEST

START_TEST(a_cancel_is_made_like_its_invite)
{
    char via[256];
    world_t *world = world_create(NULL, NULL);

    party_invite(world->caller, WORLD_PROXY, "sip:bob@10.0.0.77", "c1",
                 "Route: <sip:10.0.0.11;lr>, <sip:10.0.0.12;lr>\n"
                 "X-Other: 1\n");
    world_settle(world);
    strcpy(via, party_header(world->one, party_find(world->one, "INVITE", 0),
                             "Via", 0));
    world_answer(world, world->one, "180 Ringing");
    party_send(world->caller, WORLD_PROXY,
               "CANCEL sip:bob@10.0.0.77 SIP/2.0\n"
               "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-c1\n"
               "From: \"Ann\" <sip:ann@example.com>;tag=ann-c1\n"
               "To: <sip:bob@example.com>\n"
               "Call-ID: c1\n"
               "CSeq: 1 CANCEL\n"
               "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\n"
               "Reason: Q.850;cause=16\n"
               "X-Mine: 2\n");
    world_settle(world);
    const char *start = "CANCEL sip:bob@10.0.0.77 SIP/2.0\r\n";
    world_expect(world->one, start, "Via", via);
    world_expect(world->one, start, "Route",
                 "<sip:10.0.0.11;lr>, <sip:10.0.0.12;lr>");
    world_expect(world->one, start, "From",
                 "\"Ann\" <sip:ann@example.com>;tag=ann-c1");
    world_expect(world->one, start, "To", "<sip:bob@example.com>");
    world_expect(world->one, start, "Call-ID", "c1");
    world_expect(world->one, start, "CSeq", "1 CANCEL");
    world_expect(world->one, start, "Max-Forwards", "70");
    world_expect(world->one, start, "X-Other", NULL);
    world_expect(world->one, start, "X-Mine", NULL);
    const char *cancel = party_find(world->one, start, 0);
    ck_assert_ptr_null(party_header(world->one, cancel, "Via", 1));
    ck_assert_str_eq(party_header(world->one, cancel, "Reason", 0),
                     "SIP;cause=200;text=\"Call completed elsewhere\"");
    ck_assert_str_eq(party_header(world->one, cancel, "Reason", 1),
                     "Q.850;cause=16");
    world_answer(world, world->one, "487 Request Terminated");
    world_destroy(world);
}
END_TEST

/* The last CANCEL to anybody, its NULs shown as '0'. */
static char last_cancel[2048];

static void note_cancel(void *arg, const srf__addr_t *from,
                        const srf__addr_t *to, const char *data, size_t len)
{
    (void)arg, (void)from, (void)to;
    if (len < 7 || memcmp(data, "CANCEL ", 7) != 0)
        return;
    ck_assert_uint_lt(len, sizeof(last_cancel));
    for (size_t i = 0; i < len; i++)
        last_cancel[i] = data[i] == '\0' ? '0' : data[i];
    last_cancel[len] = '\0';
}

/* RFC 3261 §25.1: a quoted pair may be of a NUL. */
START_TEST(the_reason_of_a_cancel_goes_on_whole_whatever_it_quotes)
{
    static const char cancel[] =
        "CANCEL " WORLD_URI " SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-c1\r\n"
        "From: <sip:ann@example.com>;tag=ann-c1\r\n"
        "To: <sip:bob@example.com>\r\n"
        "Call-ID: c1\r\n"
        "CSeq: 1 CANCEL\r\n"
        "Reason: SIP;cause=200;text=\"a\\\0b\"\r\n"
        "Content-Length: 0\r\n\r\n";
    world_t *world = world_create(one_uri, NULL);
    srf__addr_t proxy;

    ck_assert(srf__addr_from_host(&proxy, SRF__STR("10.0.0.1"), 5060,
                                  SRF__TRANSPORT_UDP));
    world_call(world);
    if (_i == 1)
        world_answer(world, world->one, "180 Ringing");
    memnet_set_tap(world->net, note_cancel, NULL);
    mempeer_send(world->caller->peer, &proxy, cancel, sizeof(cancel) - 1);
    world_settle(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    last_cancel[0] = '\0';
    if (_i == 0)
        world_answer(world, world->one, "180 Ringing");
    else
        memnet_run(world->net, 600);
    ck_assert_ptr_nonnull(
        strstr(last_cancel, "\r\nReason: SIP;cause=200;text=\"a\\0b\"\r\n"));
    world_answer(world, world->one, "487 Request Terminated");
    memnet_set_tap(world->net, NULL, NULL);
    world_destroy(world);
}
END_TEST

START_TEST(a_cancel_is_repeated_until_it_is_answered)
{
    world_t *world = world_create(one_uri, NULL);

    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    world_cancel(world);
    memnet_run(world->net, 1600);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 3);
    party_reply(world->one, party_index(world->one, "CANCEL", 0), "200 OK", "");
    memnet_run(world->net, 10000);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 3);
    /* The answer to our CANCEL is no answer to the INVITE. */
    ck_assert_uint_eq(world->program.done, 0);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    world_answer(world, world->one, "487 Request Terminated");
    ck_assert_uint_eq(world->program.done, 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_callers_cancel_sent_again_is_answered_again)
{
    world_t *world = world_create(one_uri, NULL);

    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    world_cancel(world);
    world_cancel(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 2);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 1);
    ck_assert_uint_eq(world->program.cancels, 1);
    world_answer(world, world->one, "487 Request Terminated");
    world_cancel(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 3);
    world_ack(world, "uas");
    world_destroy(world);
}
END_TEST

START_TEST(a_2xx_that_crosses_the_cancel_goes_up)
{
    world_t *world = world_create(one_uri, two_uri);

    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    world_cancel(world);
    world_answer(world, world->one, "200 OK");
    const char *ok = party_find(world->caller, "SIP/2.0 200", 1);
    ck_assert_ptr_nonnull(ok);
    ck_assert_str_eq(party_header(world->caller, ok, "CSeq", 0), "1 INVITE");
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.connected, 1);
    ck_assert_int_eq(world->program.final_status, 200);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 0);
    ck_assert_uint_eq(world->two->count, 0);
    world_destroy(world);
}
END_TEST

START_TEST(a_cancel_after_the_final_response_changes_nothing)
{
    static const char *const finals[] = {"200 OK", "486 Busy Here"};
    world_t *world = world_create(one_uri, NULL);

    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    world_answer(world, world->one, finals[_i]);
    unsigned count = world->caller->count;
    world_cancel(world);
    ck_assert_uint_eq(world->caller->count, count + 1);
    const char *answer = world->caller->inbox[count];
    ck_assert_int_eq(strncmp(answer, "SIP/2.0 200", 11), 0);
    ck_assert_str_eq(party_header(world->caller, answer, "CSeq", 0),
                     "1 CANCEL");
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 0);
    ck_assert_uint_eq(world->program.cancels, 0);
    world_ack(world, "uas");
    world_destroy(world);
}
END_TEST

START_TEST(a_cancel_of_nothing_gets_481_and_goes_nowhere)
{
    world_t *world = world_create(NULL, NULL);

    party_follow(world->caller, WORLD_PROXY, "CANCEL", "sip:bob@10.0.0.11",
                 "c1", NULL);
    world_settle(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 481"), 1);
    ck_assert_uint_eq(world->one->count, 0);
    ck_assert_uint_eq(world->program.handled, 0);
    world_destroy(world);
}
END_TEST

START_TEST(a_cancel_of_another_method_has_no_effect)
{
    world_t *world = world_create(one_uri, NULL);

    world_request(world, "MESSAGE", WORLD_URI, "c1", "");
    world_cancel(world);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 0);
    ck_assert_uint_eq(world->program.cancels, 0);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 0);
    party_reply(world->one, 0, "202 Accepted", "");
    world_settle(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 202"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_target_deaf_to_cancel_is_given_up_after_64_t1)
{
    world_t *world = world_create(one_uri, two_uri);

    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    world_cancel(world);
    if (_i == 1) { /* ringing on does not help it */
        memnet_run(world->net, 20000);
        world_answer(world, world->one, "180 Ringing");
        memnet_run(world->net, 11900);
    } else {
        memnet_run(world->net, 31900);
    }
    ck_assert_uint_eq(world->program.done, 0);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 0);
    memnet_run(world->net, 150);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 1);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.final_status, 487);
    ck_assert_int_eq(world->program.has_final, 0);
    ck_assert_int_eq(world->program.causes[0], SRF_CAUSE_CANCELED);
    world_destroy(world);
}
END_TEST

/* RFC 6026 §7.3. */
START_TEST(a_2xx_behind_the_end_of_its_transaction_is_dropped)
{
    world_t *world = world_create(one_uri, NULL);

    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    world_cancel(world);
    memnet_run(world->net, 32100);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 1);
    world_ack(world, "x");
    party_clear(world->caller);
    world_answer(world, world->one, "200 OK");
    ck_assert_uint_eq(world->caller->count, 0);
    ck_assert_uint_eq(world_stats(world).dropped_unmatched, 1);
    ck_assert_uint_eq(world->program.done, 1);
    world_destroy(world);
}
END_TEST

START_TEST(the_caller_gets_487_even_when_an_earlier_target_failed)
{
    world_t *world = world_create(one_uri, two_uri);

    world_call(world);
    world_answer(world, world->one, "404 Not Found");
    world_answer(world, world->two, "180 Ringing");
    world_cancel(world);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 0);
    ck_assert_uint_eq(party_received(world->two, "CANCEL"), 1);
    world_answer(world, world->two, "487 Request Terminated");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 1);
    ck_assert_int_eq(world->program.final_status, 487);
    world_destroy(world);
}
END_TEST

START_TEST(a_cancel_crossing_a_failure_tries_no_further_target)
{
    world_t *world = world_create(one_uri, two_uri);

    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    world_cancel(world);
    world_answer(world, world->one, "503 Service Unavailable");
    ck_assert_uint_eq(world->two->count, 0);
    ck_assert_uint_eq(world->program.done, 1);
    /* A 503 is never sent on, and what else came of it is that the caller
     * cancelled. */
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(times_follow_t1)
{
    srf_options_t options;

    srf_options_init(&options);
    options.t1_ms = 10;
    world_t *world = world_create_with(&options, one_uri, NULL);
    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    world_cancel(world);
    memnet_run(world->net, 600);
    ck_assert_uint_eq(world->program.done, 0);
    memnet_run(world->net, 60);
    ck_assert_uint_eq(world->program.done, 1);
    world_destroy(world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proxy_cancel");
    TCase *tcase = tcase_create("cancel");

    tcase_add_test(tcase, before_the_program_decides_the_invite_gets_487);
    tcase_add_loop_test(tcase, before_the_first_1xx_the_cancel_waits_for_it, 0,
                        2);
    tcase_add_test(tcase, a_final_response_without_1xx_needs_no_cancel);
    tcase_add_test(tcase, a_target_that_never_answers_ends_with_timer_b);
    tcase_add_loop_test(
        tcase, a_cancel_or_ack_is_for_its_invite_whatever_the_sent_by, 0, 4);
    tcase_add_loop_test(
        tcase, a_cancel_of_another_call_gets_481_whatever_its_branch, 0, 5);
    tcase_add_test(tcase, an_invite_with_another_sent_by_is_another_one);
    tcase_add_test(tcase, a_cancel_is_made_like_its_invite);
    tcase_add_loop_test(
        tcase, the_reason_of_a_cancel_goes_on_whole_whatever_it_quotes, 0, 2);
    tcase_add_test(tcase, a_cancel_is_repeated_until_it_is_answered);
    tcase_add_test(tcase, a_callers_cancel_sent_again_is_answered_again);
    tcase_add_test(tcase, a_2xx_that_crosses_the_cancel_goes_up);
    tcase_add_loop_test(
        tcase, a_cancel_after_the_final_response_changes_nothing, 0, 2);
    tcase_add_test(tcase, a_cancel_of_nothing_gets_481_and_goes_nowhere);
    tcase_add_test(tcase, a_cancel_of_another_method_has_no_effect);
    tcase_add_loop_test(tcase, a_target_deaf_to_cancel_is_given_up_after_64_t1,
                        0, 2);
    tcase_add_test(tcase, a_2xx_behind_the_end_of_its_transaction_is_dropped);
    tcase_add_test(tcase,
                   the_caller_gets_487_even_when_an_earlier_target_failed);
    tcase_add_test(tcase, a_cancel_crossing_a_failure_tries_no_further_target);
    tcase_add_test(tcase, times_follow_t1);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
