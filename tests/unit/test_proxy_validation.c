/*
 * What is refused before a program sees it, clause by clause of the contract's
 * table.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "world.h"

#include <stdio.h>

/* The caller's first final response to what a test sent. */
static const char *final_response(const world_t *world)
{
    for (unsigned i = 0; i < world->caller->count; i++) {
        const char *msg = world->caller->inbox[i];
        if (strncmp(msg, "SIP/2.0 1", 9) != 0)
            return msg;
    }
    return NULL;
}

static void expect_final(const world_t *world, unsigned status)
{
    char start[32];
    const char *msg = final_response(world);

    sprintf(start, "SIP/2.0 %u ", status);
    ck_assert_msg(msg != NULL, "no final response, %u expected", status);
    ck_assert_msg(strncmp(msg, start, strlen(start)) == 0,
                  "%u expected instead of %s", status, msg);
    ck_assert_uint_eq(world->program.handled, 0);
    ck_assert_uint_eq(world->one->count, 0);
}

static void expect_silence(const world_t *world)
{
    ck_assert_uint_eq(world->caller->count, 0);
    ck_assert_uint_eq(world->one->count, 0);
    ck_assert_uint_eq(world->program.handled, 0);
}

/* An INVITE from its pieces, so that a test can leave out or repeat one. */
typedef struct pieces {
    const char *start;
    const char *via;
    const char *max_forwards;
    const char *from;
    const char *to;
    const char *call_id;
    const char *cseq;
    const char *extra;
} pieces_t;

static const pieces_t good = {
    "INVITE sip:100@10.0.0.1 SIP/2.0\n",
    "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-c1\n",
    "Max-Forwards: 70\n",
    "From: <sip:ann@example.com>;tag=ann-c1\n",
    "To: <sip:bob@example.com>\n",
    "Call-ID: c1\n",
    "CSeq: 1 INVITE\n",
    "",
};

static void send_pieces(world_t *world, const pieces_t *pieces)
{
    party_send(world->caller, WORLD_PROXY, "%s%s%s%s%s%s%s%s", pieces->start,
               pieces->via, pieces->max_forwards, pieces->from, pieces->to,
               pieces->call_id, pieces->cseq, pieces->extra);
    world_settle(world);
}

START_TEST(a_broken_request_gets_400_with_the_name_of_the_header)
{
    pieces_t bad[16];
    static const char *const names[] = {
        "From",
        "To",
        "Call-ID",
        "CSeq",
        "From",
        "CSeq",
        "CSeq",
        "CSeq",
        "Content-Length",
        "Content-Length",
        "Content-Length",
        "Max-Forwards",
        "To",
        "Call-ID",
        "CSeq",
        "Max-Forwards",
    };
    world_t *world = world_create("10.0.0.11", NULL);

    for (unsigned i = 0; i < 16; i++)
        bad[i] = good;
    bad[0].from = "";
    bad[1].to = "";
    bad[2].call_id = "";
    bad[3].cseq = "";
    bad[4].extra = "From: <sip:eve@example.com>;tag=eve\n";
    bad[5].cseq = "CSeq: 1 OPTIONS\n";
    bad[6].cseq = "CSeq: 4294967296 INVITE\n";
    bad[7].cseq = "CSeq: one INVITE\n";
    bad[8].extra = "Content-Length: 1000\n\n";
    bad[9].extra = "Content-Length: -1\n\n";
    bad[10].extra = "Content-Length: many\n\n";
    bad[11].max_forwards = "Max-Forwards: 256\n";
    bad[12].extra = "t: <sip:eve@example.com>\n";
    bad[13].extra = "i: c2\n";
    bad[14].extra = "CSeq: 1 INVITE\n";
    bad[15].max_forwards = "Max-Forwards: 7\nMax-Forwards: 8\n";
    send_pieces(world, &bad[_i]);
    expect_final(world, 400);
    const char *msg = final_response(world);
    const char *name = strstr(msg, names[_i]);
    ck_assert_msg(name != NULL && name < strstr(msg, "\r\n"),
                  "%s is not named in %s", names[_i], msg);
    ck_assert_uint_eq(world_stats(world).rejected, 1);
    world_destroy(world);
}
END_TEST

START_TEST(what_cannot_be_answered_is_dropped_and_counted)
{
    pieces_t bad[3] = {good, good, good};
    world_t *world = world_create("10.0.0.11", NULL);

    bad[0].via = "";
    bad[1].via = "Via: nonsense\n";
    bad[2].start = "SIP/2.0 2000 OK\n";
    send_pieces(world, &bad[_i]);
    expect_silence(world);
    ck_assert_uint_eq(world_stats(world).dropped_malformed, 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_nul_in_the_header_part_gets_400)
{
    static const char text[] =
        "INVITE sip:100@10.0.0.1 SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-c1\r\n"
        "From: <sip:ann@example.com>;tag=ann-c1\r\n"
        "To: <sip:bob@example.com>\r\n"
        "Call-ID: c1\r\n"
        "CSeq: 1 INVITE\r\n"
        "Subject: a\0b\r\n"
        "Content-Length: 0\r\n\r\n";
    world_t *world = world_create("10.0.0.11", NULL);
    srf__addr_t to;

    ck_assert(srf__addr_from_host(&to, srf__str_of("10.0.0.1"), 5060,
                                  SRF__TRANSPORT_UDP));
    mempeer_send(world->caller->peer, &to, text, sizeof(text) - 1);
    world_settle(world);
    expect_final(world, 400);
    world_destroy(world);
}
END_TEST

START_TEST(another_version_gets_505)
{
    pieces_t bad = good;
    world_t *world = world_create("10.0.0.11", NULL);

    bad.start = "INVITE sip:100@10.0.0.1 SIP/3.0\n";
    send_pieces(world, &bad);
    expect_final(world, 505);
    world_destroy(world);
}
END_TEST

START_TEST(a_message_beyond_the_limit_gets_513)
{
    char line[700];
    pieces_t big = good;
    srf_options_t options;

    srf_options_init(&options);
    options.max_message_bytes = 600;
    world_t *world = world_create_with(&options, "10.0.0.11", NULL);
    memset(line, 'x', sizeof(line) - 2);
    memcpy(line, "Subject: ", 9);
    line[sizeof(line) - 2] = '\n';
    line[sizeof(line) - 1] = '\0';
    big.extra = line;
    send_pieces(world, &big);
    expect_final(world, 513);
    party_clear(world->caller);
    big.extra = "";
    big.via = "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-c2\n";
    send_pieces(world, &big);
    ck_assert_uint_eq(world->program.handled, 1);
    world_answer(world, world->one, "200 OK");
    world_destroy(world);
}
END_TEST

START_TEST(a_request_uri_of_another_scheme_gets_416)
{
    static const char *const starts[] = {
        "INVITE http://example.com/ SIP/2.0\n",
        "INVITE mailto:bob@example.com SIP/2.0\n",
        "INVITE urn:service:sos SIP/2.0\n",
    };
    pieces_t bad = good;
    world_t *world = world_create("10.0.0.11", NULL);

    bad.start = starts[_i];
    send_pieces(world, &bad);
    expect_final(world, 416);
    world_destroy(world);
}
END_TEST

START_TEST(a_request_uri_that_is_none_gets_400)
{
    static const char *const starts[] = {
        "INVITE sip:bob@ SIP/2.0\n",
        "INVITE sip:10.0.0.11:99999 SIP/2.0\n",
        "INVITE sip:bob@10.0.0.11?Subject=x SIP/2.0\n",
    };
    pieces_t bad = good;
    world_t *world = world_create(NULL, NULL);

    bad.start = starts[_i];
    send_pieces(world, &bad);
    expect_final(world, 400);
    world_destroy(world);
}
END_TEST

START_TEST(a_tel_uri_is_understood)
{
    pieces_t tel = good;
    world_t *world = world_create("10.0.0.11", NULL);

    tel.start = "INVITE tel:+43123456 SIP/2.0\n";
    send_pieces(world, &tel);
    ck_assert_uint_eq(party_received(world->one, "INVITE tel:+43123456 "), 1);
    world_answer(world, world->one, "200 OK");
    world_destroy(world);
}
END_TEST

START_TEST(no_forwards_left_gets_483)
{
    pieces_t last = good;
    world_t *world = world_create("10.0.0.11", NULL);

    last.max_forwards = "Max-Forwards: 0\n";
    send_pieces(world, &last);
    expect_final(world, 483);
    world_destroy(world);
}
END_TEST

START_TEST(no_breadth_left_gets_440)
{
    pieces_t last = good;
    world_t *world = world_create("10.0.0.11", NULL);

    last.extra = "Max-Breadth: 0\n";
    send_pieces(world, &last);
    expect_final(world, 440);
    ck_assert_uint_eq(
        party_received(world->caller, "SIP/2.0 440 Max-Breadth Exceeded"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(some_breadth_left_passes)
{
    pieces_t last = good;
    world_t *world = world_create("10.0.0.11", NULL);

    last.extra = "Max-Breadth: 1\n";
    send_pieces(world, &last);
    world_expect(world->one, "INVITE", "Max-Breadth", "1");
    world_answer(world, world->one, "200 OK");
    world_destroy(world);
}
END_TEST

START_TEST(options_for_us_with_no_forwards_left_gets_200_and_allow)
{
    pieces_t options = good;
    world_t *world = world_create("10.0.0.11", NULL);

    ck_assert_int_eq(srf_invite(world->srf, world_on_request), 0);
    options.max_forwards = "Max-Forwards: 0\n";
    options.cseq = "CSeq: 1 OPTIONS\n";
    options.start = "OPTIONS sip:10.0.0.1 SIP/2.0\n";
    send_pieces(world, &options);
    expect_final(world, 200);
    world_expect(world->caller, "SIP/2.0 200", "Allow",
                 "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, PRACK, "
                 "SUBSCRIBE, NOTIFY, PUBLISH, INFO, REFER, MESSAGE, UPDATE");
    party_clear(world->caller);
    options.start = "OPTIONS sip:bob@10.0.0.77 SIP/2.0\n";
    options.via = "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-c2\n";
    send_pieces(world, &options);
    expect_final(world, 483);
    world_destroy(world);
}
END_TEST

/* ---- loops ---- */

START_TEST(a_request_that_comes_back_unchanged_gets_482)
{
    /* A foreign element sends our own request back to us. */
    world_t *world = world_create("10.0.0.11", NULL);
    char looped[PARTY_TEXT];
    char uri[64];

    party_invite(world->caller, WORLD_PROXY, "sip:bob@10.0.0.77", "c1", "");
    world_settle(world);
    const char *invite = party_find(world->one, "INVITE", 0);
    ck_assert_int_eq(sscanf(invite, "INVITE %63s", uri), 1);
    ck_assert_str_eq(uri, "sip:bob@10.0.0.77");
    const char *rest = strstr(invite, "\r\n") + 2;
    snprintf(looped, sizeof(looped),
             "INVITE %s SIP/2.0\r\n"
             "Via: SIP/2.0/UDP 10.0.0.11:5060;branch=z9hG4bK-loop\r\n%s",
             _i == 0 ? uri : "sip:carol@10.0.0.77", rest);
    srf__addr_t to;
    ck_assert(srf__addr_from_host(&to, srf__str_of("10.0.0.1"), 5060,
                                  SRF__TRANSPORT_UDP));
    mempeer_send(world->one->peer, &to, looped, strlen(looped));
    world_settle(world);
    if (_i == 0) {
        ck_assert_uint_eq(party_received(world->one, "SIP/2.0 482"), 1);
        ck_assert_uint_eq(world->program.handled, 1);
    } else { /* a spiral */
        ck_assert_uint_eq(party_received(world->one, "SIP/2.0 482"), 0);
        ck_assert_uint_eq(world->program.handled, 2);
        ck_assert_uint_eq(party_received(world->one, "INVITE"), 2);
    }
    memnet_drain(world->net, 600000);
    world_destroy(world);
}
END_TEST

START_TEST(a_spiral_through_us_twice_arrives)
{
    world_t *world = world_create("sip:10.0.0.1;turn=2", "10.0.0.11");

    world_call(world);
    memnet_run(world->net, 5);
    /* The second turn has another Request-URI but the same targets: of these
     * the first is a loop then, and the second arrives. */
    ck_assert_uint_eq(world->program.handled, 2);
    ck_assert_uint_eq(party_received(world->one, "INVITE sip:10.0.0.11 "), 1);
    const char *invite = party_find(world->one, "INVITE", 0);
    ck_assert_ptr_nonnull(party_header(world->one, invite, "Via", 2));
    ck_assert_ptr_null(party_header(world->one, invite, "Via", 3));
    world_expect(world->one, "INVITE", "Max-Forwards", "68");
    world_answer(world, world->one, "200 OK");
    memnet_run(world->net, 5);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    ck_assert_uint_eq(world->program.done, 2);
    world_destroy(world);
}
END_TEST

/* ---- extensions, dialogs, methods ---- */

START_TEST(a_proxy_require_gets_420_and_unsupported)
{
    pieces_t bad = good;
    world_t *world = world_create("10.0.0.11", NULL);

    bad.extra = "Proxy-Require: teleport, x-ray\n";
    send_pieces(world, &bad);
    expect_final(world, 420);
    world_expect(world->caller, "SIP/2.0 420", "Unsupported",
                 "teleport, x-ray");
    world_destroy(world);
}
END_TEST

START_TEST(a_require_is_not_ours_to_judge)
{
    pieces_t required = good;
    world_t *world = world_create("10.0.0.11", NULL);

    required.extra = "Require: 100rel, x-ray\n";
    send_pieces(world, &required);
    world_expect(world->one, "INVITE", "Require", "100rel, x-ray");
    world_answer(world, world->one, "200 OK");
    world_destroy(world);
}
END_TEST

START_TEST(a_dialog_we_do_not_know_gets_481)
{
    static const char *const methods[] = {"BYE", "INVITE", "INFO", "FOO"};
    world_t *world = world_create("10.0.0.11", NULL);

    world_in_dialog(world, world->caller, methods[_i], WORLD_URI, "d1", "");
    expect_final(world, 481);
    world_destroy(world);
}
END_TEST

START_TEST(an_ack_of_a_dialog_we_do_not_know_is_dropped)
{
    world_t *world = world_create("10.0.0.11", NULL);

    world_in_dialog(world, world->caller, "ACK", WORLD_URI, "d1", "");
    expect_silence(world);
    ck_assert_uint_eq(world_stats(world).dropped_unmatched, 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_dialog_elsewhere_is_the_programs)
{
    /* An outbound proxy that did not record-route still sees the request. */
    world_t *world = world_create(NULL, NULL);

    world_in_dialog(world, world->caller, "BYE", "sip:bob@10.0.0.11", "d1", "");
    ck_assert_uint_eq(party_received(world->one, "BYE sip:bob@10.0.0.11 "), 1);
    party_reply(world->one, 0, "200 OK", "");
    world_settle(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    ck_assert_uint_eq(world->program.handled, 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_method_without_handler_gets_405_or_501)
{
    world_t *world = world_create("10.0.0.11", NULL);

    ck_assert_int_eq(srf_on(world->srf, NULL, NULL), 0);
    ck_assert_int_eq(srf_on(world->srf, "INVITE", world_on_request), 0);
    ck_assert_int_eq(srf_on(world->srf, "FOO", world_on_request), 0);
    world_request(world, "OPTIONS", WORLD_URI, "o1", "");
    expect_final(world, 405);
    const char *msg = party_find(world->caller, "SIP/2.0 405", 0);
    const char *allow = party_header(world->caller, msg, "Allow", 0);
    ck_assert_ptr_nonnull(allow);
    ck_assert_ptr_nonnull(strstr(allow, "INVITE"));
    ck_assert_ptr_nonnull(strstr(allow, "FOO"));
    party_clear(world->caller);
    world_request(world, "BAR", WORLD_URI, "o2", "");
    expect_final(world, 501);
    world_destroy(world);
}
END_TEST

/* ---- overload ---- */

static world_t *overloaded_world(void)
{
    srf_options_t options;

    srf_options_init(&options);
    options.max_transactions = 2;
    world_t *world = world_create_with(&options, "10.0.0.11", NULL);
    world_call(world); /* a server and a client transaction */
    ck_assert_uint_eq(world_stats(world).server_transactions, 1);
    ck_assert_uint_eq(world_stats(world).client_transactions, 1);
    return world;
}

START_TEST(too_many_transactions_get_503_and_retry_after)
{
    world_t *world = overloaded_world();

    party_invite(world->caller, WORLD_PROXY, WORLD_URI, "c2", "");
    world_settle(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 503"), 1);
    const char *msg = party_find(world->caller, "SIP/2.0 503", 0);
    ck_assert_ptr_nonnull(party_header(world->caller, msg, "Retry-After", 0));
    const char *to = party_header(world->caller, msg, "To", 0);
    const char *tag = strstr(to, ";tag=");
    ck_assert_ptr_nonnull(tag);
    ck_assert_uint_eq(world_stats(world).server_transactions, 1);
    ck_assert_uint_eq(world_stats(world).rejected, 1);
    /* Its ACK goes nowhere, and it is not repeated. */
    char copy[64];
    snprintf(copy, sizeof(copy), "%s", tag + 5);
    party_follow(world->caller, WORLD_PROXY, "ACK", "sip:bob@10.0.0.11", "c2",
                 copy);
    memnet_run(world->net, 5000);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 503"), 1);
    ck_assert_uint_eq(party_received(world->one, "ACK"), 0);
    world_answer(world, world->one, "486 Busy Here");
    world_ack(world, "uas");
    world_destroy(world);
}
END_TEST

START_TEST(under_overload_calls_that_stand_are_served)
{
    world_t *world = overloaded_world();

    world_answer(world, world->one, "180 Ringing");
    world_in_dialog(world, world->caller, "BYE", "sip:bob@10.0.0.11", "d1",
                    "Route: <sip:10.0.0.1;lr>\n");
    ck_assert_uint_eq(party_received(world->one, "BYE"), 1);
    party_reply(world->one, party_index(world->one, "BYE", 0), "200 OK", "");
    world_settle(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    /* A CANCEL as well. */
    world_cancel(world);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 1);
    world_answer(world, world->one, "487 Request Terminated");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 1);
    memnet_drain(world->net, 600000);
    world_destroy(world);
}
END_TEST

/* ---- what is never answered ---- */

START_TEST(an_ack_is_never_answered)
{
    pieces_t bad[7];
    world_t *world = world_create("10.0.0.11", NULL);

    for (unsigned i = 0; i < 7; i++) {
        bad[i] = good;
        bad[i].start = "ACK sip:100@10.0.0.1 SIP/2.0\n";
        bad[i].cseq = "CSeq: 1 ACK\n";
    }
    bad[0].max_forwards = "Max-Forwards: 0\n";
    bad[1].cseq = "CSeq: 1 INVITE\n";
    bad[2].call_id = "";
    bad[3].start = "ACK http://10.0.0.1/ SIP/2.0\n";
    bad[4].start = "ACK sip:100@10.0.0.1 SIP/3.0\n";
    bad[5].extra = "Proxy-Require: teleport\n";
    bad[6].extra = "Content-Length: 77\n\n";
    send_pieces(world, &bad[_i]);
    expect_silence(world);
    world_destroy(world);
}
END_TEST

START_TEST(a_response_is_never_answered)
{
    static const char *const starts[] = {
        "SIP/2.0 200 OK\n",
        "SIP/2.0 404 Not Found\n",
        "SIP/3.0 200 OK\n",
        "SIP/2.0 99 Low\n",
    };
    static const char *const cseqs[] = {"CSeq: 1 INVITE\n", "",
                                        "CSeq: 1 OPTIONS\n"};
    pieces_t response = good;
    world_t *world = world_create("10.0.0.11", NULL);

    response.start = starts[_i % 4];
    response.cseq = cseqs[_i / 4];
    send_pieces(world, &response);
    expect_silence(world);
    world_destroy(world);
}
END_TEST

START_TEST(the_ack_of_every_refusal_is_absorbed)
{
    pieces_t bad[6];
    static const unsigned statuses[] = {400, 505, 416, 483, 420, 481};
    pieces_t ack;
    world_t *world = world_create("10.0.0.11", NULL);

    for (unsigned i = 0; i < 6; i++) {
        bad[i] = good;
        bad[i].start = "INVITE sip:bob@10.0.0.11 SIP/2.0\n";
    }
    bad[0].extra = "Content-Length: -1\n\n";
    bad[1].start = "INVITE sip:bob@10.0.0.11 SIP/4.0\n";
    bad[2].start = "INVITE news:bob SIP/2.0\n";
    bad[3].max_forwards = "Max-Forwards: 0\n";
    bad[4].extra = "Proxy-Require: teleport\n";
    bad[5].start = "INVITE sip:bob@10.0.0.1 SIP/2.0\n";
    bad[5].to = "To: <sip:bob@example.com>;tag=gone\n";
    send_pieces(world, &bad[_i]);
    expect_final(world, statuses[_i]);
    ack = good;
    ack.start = "ACK sip:bob@10.0.0.11 SIP/2.0\n";
    ack.cseq = "CSeq: 1 ACK\n";
    ack.to = "To: <sip:bob@example.com>;tag=any\n";
    send_pieces(world, &ack);
    unsigned count = world->caller->count;
    memnet_run(world->net, 60000);
    ck_assert_uint_eq(world->caller->count, count); /* no repetition */
    ck_assert_uint_eq(world->one->count, 0);
    world_destroy(world);
}
END_TEST

START_TEST(a_refused_request_sent_again_gets_the_same_answer)
{
    pieces_t bad = good;
    world_t *world = world_create("10.0.0.11", NULL);

    bad.max_forwards = "Max-Forwards: 0\n";
    bad.start = "MESSAGE sip:bob@10.0.0.11 SIP/2.0\n";
    bad.cseq = "CSeq: 1 MESSAGE\n";
    send_pieces(world, &bad);
    send_pieces(world, &bad);
    ck_assert_uint_eq(world->caller->count, 2);
    ck_assert_str_eq(world->caller->inbox[0], world->caller->inbox[1]);
    ck_assert_uint_eq(world_stats(world).rejected, 1);
    world_destroy(world);
}
END_TEST

static void add_syntax(Suite *suite)
{
    TCase *tcase = tcase_create("syntax");

    tcase_add_loop_test(
        tcase, a_broken_request_gets_400_with_the_name_of_the_header, 0, 16);
    tcase_add_loop_test(tcase, what_cannot_be_answered_is_dropped_and_counted,
                        0, 3);
    tcase_add_test(tcase, a_nul_in_the_header_part_gets_400);
    tcase_add_test(tcase, another_version_gets_505);
    tcase_add_test(tcase, a_message_beyond_the_limit_gets_513);
    tcase_add_loop_test(tcase, a_request_uri_of_another_scheme_gets_416, 0, 3);
    tcase_add_loop_test(tcase, a_request_uri_that_is_none_gets_400, 0, 3);
    tcase_add_test(tcase, a_tel_uri_is_understood);
    suite_add_tcase(suite, tcase);
}

static void add_rules(Suite *suite)
{
    TCase *tcase = tcase_create("rules");

    tcase_add_test(tcase, no_forwards_left_gets_483);
    tcase_add_test(tcase, no_breadth_left_gets_440);
    tcase_add_test(tcase, some_breadth_left_passes);
    tcase_add_test(tcase,
                   options_for_us_with_no_forwards_left_gets_200_and_allow);
    tcase_add_loop_test(tcase, a_request_that_comes_back_unchanged_gets_482, 0,
                        2);
    tcase_add_test(tcase, a_spiral_through_us_twice_arrives);
    tcase_add_test(tcase, a_proxy_require_gets_420_and_unsupported);
    tcase_add_test(tcase, a_require_is_not_ours_to_judge);
    tcase_add_loop_test(tcase, a_dialog_we_do_not_know_gets_481, 0, 4);
    tcase_add_test(tcase, an_ack_of_a_dialog_we_do_not_know_is_dropped);
    tcase_add_test(tcase, a_dialog_elsewhere_is_the_programs);
    tcase_add_test(tcase, a_method_without_handler_gets_405_or_501);
    tcase_add_test(tcase, too_many_transactions_get_503_and_retry_after);
    tcase_add_test(tcase, under_overload_calls_that_stand_are_served);
    suite_add_tcase(suite, tcase);
}

static void add_silence(Suite *suite)
{
    TCase *tcase = tcase_create("silence");

    tcase_add_loop_test(tcase, an_ack_is_never_answered, 0, 7);
    tcase_add_loop_test(tcase, a_response_is_never_answered, 0, 12);
    tcase_add_loop_test(tcase, the_ack_of_every_refusal_is_absorbed, 0, 6);
    tcase_add_test(tcase, a_refused_request_sent_again_gets_the_same_answer);
    suite_add_tcase(suite, tcase);
}

int main(void)
{
    Suite *suite = suite_create("proxy_validation");

    add_syntax(suite);
    add_rules(suite);
    add_silence(suite);
    return run_suite(suite);
}
