/*
 * What is refused before a program sees it, clause by clause of the contract's
 * table: well-formed requests that cannot be proxied.
 *
 * SPDX-License-Identifier: MIT
 */
#include "pieces.h"
#include "runner.h"

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

START_TEST(options_for_us_without_a_handler_gets_200_and_allow)
{
    static const struct {
        const char *uri;
        unsigned status;
    } cases[] = {
        {"sip:10.0.0.1", 200},
        {"sip:10.0.0.1:5060;transport=udp", 200},
        {"sip:100@10.0.0.1", 405}, /* for a user, not for the proxy */
        {"sip:10.0.0.77", 405},
    };
    world_t *world = world_create("10.0.0.11", NULL);

    ck_assert_int_eq(srf_on(world->srf, NULL, NULL), 0);
    ck_assert_int_eq(srf_invite(world->srf, world_on_request), 0);
    world_request(world, "OPTIONS", cases[_i].uri, "o1", "");
    expect_final(world, cases[_i].status);
    world_expect(world->caller, "SIP/2.0 ", "Allow",
                 "INVITE, ACK, CANCEL, OPTIONS");
    ck_assert_uint_eq(world_stats(world).rejected,
                      cases[_i].status == 200 ? 0 : 1);
    world_destroy(world);
}
END_TEST

START_TEST(options_for_us_are_the_programs_when_it_has_a_handler)
{
    world_t *world = world_create("10.0.0.11", NULL);

    world_request(world, "OPTIONS", "sip:10.0.0.1", "o1", "");
    ck_assert_uint_eq(world->program.handled, 1);
    party_reply(world->one, 0, "200 OK", "");
    world_settle(world);
    world_destroy(world);
}
END_TEST

START_TEST(options_that_a_route_takes_elsewhere_are_not_answered_here)
{
    world_t *world = world_create(NULL, NULL);

    ck_assert_int_eq(srf_on(world->srf, NULL, NULL), 0);
    world_request(world, "OPTIONS", "sip:10.0.0.1", "o1",
                  "Route: <sip:10.0.0.11;lr>\n");
    expect_final(world, 405);
    world_destroy(world);
}
END_TEST

/* ---- loops ---- */

/* A foreign element sends our own request back to us, with another Request-URI
 * or a line more when told so. */
static void send_back(world_t *world, const char *uri, const char *line)
{
    char looped[PARTY_TEXT];
    srf__addr_t to;

    party_invite(world->caller, WORLD_PROXY, "sip:bob@10.0.0.77", "c1", "");
    world_settle(world);
    const char *invite = party_find(world->one, "INVITE sip:bob@10.0.0.77 ", 0);
    ck_assert_ptr_nonnull(invite);
    snprintf(looped, sizeof(looped),
             "INVITE %s SIP/2.0\r\n"
             "Via: SIP/2.0/UDP 10.0.0.11:5060;branch=z9hG4bK-loop\r\n%s%s",
             uri, line, strstr(invite, "\r\n") + 2);
    ck_assert(srf__addr_from_host(&to, srf__str_of("10.0.0.1"), 5060,
                                  SRF__TRANSPORT_UDP));
    mempeer_send(world->one->peer, &to, looped, strlen(looped));
    world_settle(world);
}

START_TEST(a_request_that_comes_back_unchanged_gets_482)
{
    world_t *world = world_create("10.0.0.11", NULL);

    send_back(world, "sip:bob@10.0.0.77", _i == 0 ? "" : "Subject: new\r\n");
    ck_assert_uint_eq(party_received(world->one, "SIP/2.0 482 Loop Detected"),
                      1);
    ck_assert_uint_eq(world->program.handled, 1);
    ck_assert_uint_eq(party_received(world->one, "INVITE"), 1);
    memnet_drain(world->net, 600000);
    world_destroy(world);
}
END_TEST

START_TEST(a_spiral_with_another_request_uri_or_route_passes)
{
    static const struct {
        const char *uri;
        const char *line;
    } cases[] = {
        {"sip:carol@10.0.0.77", ""},
        {"sip:bob@10.0.0.77", "Route: <sip:10.0.0.77;lr>\r\n"},
    };
    world_t *world = world_create("10.0.0.11", NULL);

    send_back(world, cases[_i].uri, cases[_i].line);
    ck_assert_uint_eq(party_received(world->one, "SIP/2.0 482"), 0);
    ck_assert_uint_eq(world->program.handled, 2);
    ck_assert_uint_eq(party_received(world->one, "INVITE"), 2);
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
    static const struct {
        const char *lines;
        const char *unsupported;
    } cases[] = {
        {"Proxy-Require: teleport, x-ray\n", "teleport, x-ray"},
        {"Proxy-Require: one\nSubject: s\nproxy-require: two , three\n"
         "Proxy-Require:\n four\n",
         "one, two, three, four"},
    };
    pieces_t bad = good;
    world_t *world = world_create("10.0.0.11", NULL);

    bad.extra = cases[_i].lines;
    send_pieces(world, &bad);
    expect_final(world, 420);
    world_expect(world->caller, "SIP/2.0 420", "Unsupported",
                 cases[_i].unsupported);
    world_destroy(world);
}
END_TEST

START_TEST(unsupported_is_cut_between_tags_when_there_are_too_many)
{
    char text[10000] = "MESSAGE sip:100@10.0.0.1 SIP/2.0\r\n"
                       "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-c1\r\n"
                       "From: <sip:ann@example.com>;tag=ann-c1\r\n"
                       "To: <sip:bob@example.com>\r\n"
                       "Call-ID: c1\r\n"
                       "CSeq: 1 MESSAGE\r\n";
    enum { TAG = 600, TAGS = 12 };
    char *end = text + strlen(text);
    world_t *world = world_create("10.0.0.11", NULL);

    for (int i = 0; i < TAGS; i++) {
        end += sprintf(end, "Proxy-Require: ");
        memset(end, 'a' + i, TAG);
        end += TAG;
        end += sprintf(end, "\r\n");
    }
    end += sprintf(end, "\r\n");
    send_bytes(world, text, (size_t)(end - text));
    expect_final(world, 420);
    const char *line = strstr(final_response(world), "Unsupported: aaa");
    ck_assert_ptr_nonnull(line);
    size_t list = strcspn(line, "\r") - strlen("Unsupported: ");
    ck_assert_uint_eq(list, 6 * TAG + 5 * strlen(", "));
    world_destroy(world);
}
END_TEST

START_TEST(a_proxy_require_that_is_no_list_of_tags_gets_400)
{
    static const char *const lines[] = {
        "Proxy-Require: tele port\n",
        "Proxy-Require: a,,b\n",
        "Proxy-Require: a\nProxy-Require: <b>\n",
    };
    pieces_t bad = good;
    world_t *world = world_create("10.0.0.11", NULL);

    bad.extra = lines[_i];
    send_pieces(world, &bad);
    expect_final(world, 400);
    ck_assert_uint_eq(
        party_received(world->caller, "SIP/2.0 400 Bad Proxy-Require"), 1);
    world_destroy(world);
}
END_TEST

/* §8.2.2.3: it has no meaning in either. */
START_TEST(a_proxy_require_does_not_stop_a_cancel_or_an_ack)
{
    pieces_t more = good;
    char mark[SRF__MARK_LEN + 1];
    char lines[128];
    world_t *world = world_create("10.0.0.11", NULL);

    send_pieces(world, &good);
    world_answer(world, world->one, "180 Ringing");
    more.start = "CANCEL sip:100@10.0.0.1 SIP/2.0\n";
    more.cseq = "CSeq: 1 CANCEL\n";
    more.extra = "Proxy-Require: teleport\n";
    send_pieces(world, &more);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 420"), 0);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 1);
    world_answer(world, world->one, "487 Request Terminated");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 1);
    more.start = "ACK sip:100@10.0.0.1 SIP/2.0\n";
    more.cseq = "CSeq: 1 ACK\n";
    send_pieces(world, &more);
    unsigned count = world->caller->count;
    more.start = "ACK sip:bob@10.0.0.11 SIP/2.0\n"; /* of a 2xx */
    more.via = "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-c2\n";
    more.to = "To: <sip:bob@example.com>;tag=elsewhere\n";
    world_mark(world, "c1", "ann-c1", mark);
    sprintf(lines, "Proxy-Require: teleport\nRoute: <sip:10.0.0.1;lr;srf=%s>\n",
            mark);
    more.extra = lines;
    send_pieces(world, &more);
    world_expect(world->one, "ACK sip:bob@10.0.0.11 ", "Proxy-Require",
                 "teleport");
    memnet_run(world->net, 5000);
    ck_assert_uint_eq(world->caller->count, count); /* nothing repeated */
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
    static const struct {
        const char *method;
        unsigned status;
    } cases[] = {
        {"OPTIONS", 405}, {"REGISTER", 405}, {"BAR", 501}, {"invite", 501}};
    world_t *world = world_create("10.0.0.11", NULL);

    ck_assert_int_eq(srf_on(world->srf, NULL, NULL), 0);
    ck_assert_int_eq(srf_on(world->srf, "INVITE", world_on_request), 0);
    ck_assert_int_eq(srf_on(world->srf, "FOO", world_on_request), 0);
    world_request(world, cases[_i].method, WORLD_URI, "o1", "");
    expect_final(world, cases[_i].status);
    const char *allow =
        party_header(world->caller, final_response(world), "Allow", 0);
    ck_assert_ptr_nonnull(allow);
    ck_assert_ptr_nonnull(strstr(allow, "INVITE"));
    ck_assert_ptr_nonnull(strstr(allow, "FOO"));
    ck_assert_ptr_nonnull(strstr(allow, "ACK"));
    ck_assert_ptr_nonnull(strstr(allow, "CANCEL"));
    ck_assert_ptr_null(strstr(allow, "REGISTER"));
    world_destroy(world);
}
END_TEST

static void add_rules(Suite *suite)
{
    TCase *tcase = tcase_create("rules");

    tcase_add_test(tcase, no_forwards_left_gets_483);
    tcase_add_test(tcase, no_breadth_left_gets_440);
    tcase_add_test(tcase, some_breadth_left_passes);
    tcase_add_test(tcase,
                   options_for_us_with_no_forwards_left_gets_200_and_allow);
    tcase_add_loop_test(
        tcase, options_for_us_without_a_handler_gets_200_and_allow, 0, 4);
    tcase_add_test(tcase,
                   options_for_us_are_the_programs_when_it_has_a_handler);
    tcase_add_test(tcase,
                   options_that_a_route_takes_elsewhere_are_not_answered_here);
    tcase_add_loop_test(tcase, a_request_that_comes_back_unchanged_gets_482, 0,
                        2);
    tcase_add_loop_test(
        tcase, a_spiral_with_another_request_uri_or_route_passes, 0, 2);
    tcase_add_test(tcase, a_spiral_through_us_twice_arrives);
    tcase_add_loop_test(tcase, a_proxy_require_gets_420_and_unsupported, 0, 2);
    tcase_add_test(tcase,
                   unsupported_is_cut_between_tags_when_there_are_too_many);
    tcase_add_loop_test(tcase, a_proxy_require_that_is_no_list_of_tags_gets_400,
                        0, 3);
    tcase_add_test(tcase, a_proxy_require_does_not_stop_a_cancel_or_an_ack);
    tcase_add_test(tcase, a_require_is_not_ours_to_judge);
    tcase_add_loop_test(tcase, a_dialog_we_do_not_know_gets_481, 0, 4);
    tcase_add_test(tcase, an_ack_of_a_dialog_we_do_not_know_is_dropped);
    tcase_add_test(tcase, a_dialog_elsewhere_is_the_programs);
    tcase_add_loop_test(tcase, a_method_without_handler_gets_405_or_501, 0, 4);
    suite_add_tcase(suite, tcase);
}

int main(void)
{
    Suite *suite = suite_create("proxy_validation_rules");

    add_rules(suite);
    return run_suite(suite);
}
