/*
 * Where requests go: Route, Request-URI, next hop, and requests inside a
 * dialog.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "world.h"

#include <stdio.h>

/* An INVITE of the caller with these header lines. */
static void call_with(world_t *world, const char *uri, const char *lines)
{
    party_invite(world->caller, WORLD_PROXY, uri, "c1", lines);
    world_settle(world);
}

/* Ends a call that reached `party`. */
static void finish(world_t *world, party_t *party)
{
    world_answer(world, party, "200 OK");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    world_destroy(world);
}

/* ---- Route ---- */

START_TEST(our_own_routes_on_top_are_removed)
{
    static const char *const lines[] = {
        "Route: <sip:10.0.0.1;lr>\n",
        "Route: <sip:10.0.0.1:5060;lr>\n",
        "Route: <sip:10.0.0.1;transport=udp;lr>\n",
        "Route: <sip:user@10.0.0.1;lr>\n",
        "Route: \"Proxy\" <sip:10.0.0.1;lr>;x=y\n",
        "Route: <sip:10.0.0.1;lr>, <sip:10.0.0.1:5060;lr>\n",
        "Route: <sip:10.0.0.1;lr>\nRoute: <sip:10.0.0.1:5060;lr>\n",
        "Route:\n <sip:10.0.0.1;lr>\n ,\n <sip:10.0.0.1:5060;lr>\n",
    };
    world_t *world = world_create(NULL, NULL);

    call_with(world, "sip:bob@10.0.0.11", lines[_i]);
    ck_assert_uint_eq(party_received(world->one, "INVITE sip:bob@10.0.0.11 "),
                      1);
    world_expect(world->one, "INVITE", "Route", NULL);
    finish(world, world->one);
}
END_TEST

START_TEST(our_own_routes_are_removed_however_many_lines_they_are)
{
    enum { LINES = 100 };
    char lines[LINES * 30 + 64];
    size_t len = 0;
    world_t *world = world_create(NULL, NULL);

    for (unsigned i = 0; i < LINES; i++)
        len += (size_t)sprintf(lines + len, "Route: <sip:10.0.0.1;lr>\n");
    sprintf(lines + len, "Route: <sip:10.0.0.11;lr>\n");
    call_with(world, "sip:bob@10.0.0.77", lines);
    world_expect(world->one, "INVITE", "Route", "<sip:10.0.0.11;lr>");
    finish(world, world->one);
}
END_TEST

START_TEST(a_route_that_only_looks_like_ours_is_followed)
{
    static const char *const routes[] = {
        "<sip:10.0.0.1:5070;lr>",
        "<sip:10.0.0.2;lr>",
        "<sip:10.0.0.2:5060;lr>",
    };
    char lines[128];
    world_t *world = world_create(NULL, NULL);
    party_t *there =
        party_create(world->net, _i == 0 ? "10.0.0.1:5070" : "10.0.0.2:5060");

    sprintf(lines, "Route: %s\n", routes[_i]);
    call_with(world, "sip:bob@10.0.0.11", lines);
    ck_assert_uint_eq(world->one->count, 0);
    ck_assert_uint_eq(party_received(there, "INVITE sip:bob@10.0.0.11 "), 1);
    world_expect(there, "INVITE", "Route", routes[_i]);
    world_answer(world, there, "200 OK");
    memnet_drain(world->net, 600000);
    party_destroy(there);
    world_destroy(world);
}
END_TEST

START_TEST(a_route_of_ours_over_another_transport_is_not_ours)
{
    world_t *world = world_create(NULL, NULL);

    call_with(world, "sip:bob@10.0.0.11",
              "Route: <sip:10.0.0.1;transport=tcp;lr>\n");
    ck_assert_uint_eq(world->one->count, 0);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 500"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(only_what_is_ours_is_removed_and_the_rest_followed)
{
    static const struct {
        const char *lines;
        const char *left[2];
    } cases[] = {
        {"Route: <sip:10.0.0.1;lr>, <sip:10.0.0.12;lr>\n",
         {"<sip:10.0.0.12;lr>", NULL}},
        {"Route: <sip:10.0.0.1;lr>\nRoute: <sip:10.0.0.12;lr>\n",
         {"<sip:10.0.0.12;lr>", NULL}},
        {"Route: <sip:10.0.0.12;lr>\nRoute: <sip:10.0.0.1;lr>\n",
         {"<sip:10.0.0.12;lr>", "<sip:10.0.0.1;lr>"}},
        {"Route: <sip:10.0.0.1;lr>,<sip:10.0.0.1;lr>,<sip:10.0.0.12;lr>,"
         "<sip:10.0.0.1;lr>\n",
         {"<sip:10.0.0.12;lr>,<sip:10.0.0.1;lr>", NULL}},
        {"Route: <sip:10.0.0.1;lr>,<sip:10.0.0.12;lr>;a=\"b,c\"\n"
         "Route: <sip:10.0.0.13>\n",
         {"<sip:10.0.0.12;lr>;a=\"b,c\"", "<sip:10.0.0.13>"}},
    };
    world_t *world = world_create(NULL, NULL);

    call_with(world, "sip:bob@10.0.0.11", cases[_i].lines);
    ck_assert_uint_eq(world->one->count, 0);
    const char *invite = party_find(world->two, "INVITE sip:bob@10.0.0.11 ", 0);
    ck_assert_ptr_nonnull(invite);
    ck_assert_str_eq(party_header(world->two, invite, "Route", 0),
                     cases[_i].left[0]);
    if (cases[_i].left[1] == NULL)
        ck_assert_ptr_null(party_header(world->two, invite, "Route", 1));
    else
        ck_assert_str_eq(party_header(world->two, invite, "Route", 1),
                         cases[_i].left[1]);
    finish(world, world->two);
}
END_TEST

START_TEST(a_target_wins_over_a_route)
{
    world_t *world = world_create("10.0.0.11", NULL);

    call_with(world, "sip:bob@10.0.0.77", "Route: <sip:10.0.0.12;lr>\n");
    ck_assert_uint_eq(world->two->count, 0);
    ck_assert_uint_eq(party_received(world->one, "INVITE sip:bob@10.0.0.77 "),
                      1);
    world_expect(world->one, "INVITE", "Route", "<sip:10.0.0.12;lr>");
    finish(world, world->one);
}
END_TEST

START_TEST(a_route_that_cannot_be_read_gets_400)
{
    world_t *world = world_create(NULL, NULL);

    call_with(world, "sip:bob@10.0.0.11", "Route: <sip:10.0.0.12;lr\n");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 400"), 1);
    ck_assert_uint_eq(world->two->count, 0);
    world_destroy(world);
}
END_TEST

START_TEST(a_strict_router_before_us_is_undone)
{
    static const struct {
        const char *lines;
        const char *left;
    } cases[] = {
        {"Route: <sip:bob@10.0.0.11>\n", NULL},
        {"Route: <sip:bob@10.0.0.11;x=y>\n", NULL},
        {"Route: <sip:10.0.0.12;lr>, <sip:bob@10.0.0.11>\n",
         "<sip:10.0.0.12;lr>"},
        {"Route: <sip:10.0.0.12;lr>\nRoute: <sip:bob@10.0.0.11>\n",
         "<sip:10.0.0.12;lr>"},
        {"Route: <sip:10.0.0.1;lr>,<sip:10.0.0.12;lr>,<sip:bob@10.0.0.11>\n",
         "<sip:10.0.0.12;lr>"},
    };
    world_t *world = world_create(NULL, NULL);
    party_t *next = cases[_i].left == NULL ? world->one : world->two;

    call_with(world, world_path_uri(world), cases[_i].lines);
    ck_assert_uint_eq(party_received(next, "INVITE sip:bob@10.0.0.11"), 1);
    world_expect(next, "INVITE", "Route", cases[_i].left);
    finish(world, next);
}
END_TEST

START_TEST(a_strict_router_behind_us_gets_the_request_its_way)
{
    static const struct {
        const char *lines;
        const char *routes[2];
    } cases[] = {
        {"Route: <sip:10.0.0.12>\n", {"<sip:bob@10.0.0.11>", NULL}},
        {"Route: <sip:10.0.0.1;lr>, <sip:10.0.0.12>\n",
         {"<sip:bob@10.0.0.11>", NULL}},
        {"Route: <sip:10.0.0.12>, <sip:10.0.0.13;lr>\n",
         {"<sip:10.0.0.13;lr>", "<sip:bob@10.0.0.11>"}},
        {"Route: <sip:10.0.0.12>\nRoute: <sip:10.0.0.13;lr>\n",
         {"<sip:10.0.0.13;lr>", "<sip:bob@10.0.0.11>"}},
    };
    world_t *world = world_create(NULL, NULL);

    call_with(world, "sip:bob@10.0.0.11", cases[_i].lines);
    const char *invite = party_find(world->two, "INVITE sip:10.0.0.12 ", 0);
    ck_assert_ptr_nonnull(invite);
    ck_assert_str_eq(party_header(world->two, invite, "Route", 0),
                     cases[_i].routes[0]);
    const char *second = party_header(world->two, invite, "Route", 1);
    if (cases[_i].routes[1] == NULL)
        ck_assert_ptr_null(second);
    else
        ck_assert_str_eq(second, cases[_i].routes[1]);
    finish(world, world->two);
}
END_TEST

START_TEST(a_long_request_uri_passes_a_strict_router)
{
    char uri[1500];
    char expected[1600];
    world_t *world = world_create(NULL, NULL);

    memset(uri, 'u', sizeof(uri));
    memcpy(uri, "sip:", 4);
    strcpy(uri + 1400, "@10.0.0.11");
    call_with(world, uri, "Route: <sip:10.0.0.12>\n");
    sprintf(expected, "<%s>", uri);
    world_expect(world->two, "INVITE sip:10.0.0.12 ", "Route", expected);
    finish(world, world->two);
}
END_TEST

/* ---- Request-URI ---- */

START_TEST(a_request_uri_of_ours_is_replaced_by_the_target)
{
    static const char *const uris[] = {
        "sip:100@10.0.0.1",
        "sip:100@10.0.0.1:5060",
        "sip:10.0.0.1",
        "sip:100@10.0.0.1;transport=udp",
        "sip:100@10.0.0.1;user=phone",
        "SIP:100@10.0.0.1",
        "sip:100@sip.example.com",
        "sip:100@SIP.Example.Com:5060",
        "sip:100@sip.example.com;maddr=10.0.0.1",
    };
    world_t *world = world_create("sip:bob@10.0.0.11;a=b", NULL);

    ck_assert_int_eq(srf_alias(world->srf, "sip.example.com"), 0);
    call_with(world, uris[_i], "");
    ck_assert_uint_eq(
        party_received(world->one, "INVITE sip:bob@10.0.0.11;a=b SIP/2.0\r\n"),
        1);
    finish(world, world->one);
}
END_TEST

START_TEST(another_request_uri_stays_and_the_target_is_the_next_hop)
{
    static const char *const uris[] = {
        "sip:100@10.0.0.77",
        "sip:100@10.0.0.1:5070",
        "sip:100@10.0.0.1;transport=tcp",
        "sip:100@10.0.0.1;maddr=10.0.0.77",
        "sip:100@elsewhere.example.com",
        "sip:100@elsewhere.example.com;transport=tls",
        "tel:+4312345;phone-context=example.com",
    };
    char line[128];
    world_t *world = world_create("sip:bob@10.0.0.11;a=b", NULL);

    call_with(world, uris[_i], "");
    sprintf(line, "INVITE %s SIP/2.0\r\n", uris[_i]);
    ck_assert_uint_eq(party_received(world->one, line), 1);
    finish(world, world->one);
}
END_TEST

START_TEST(keep_user_keeps_the_callers_user_part)
{
    static const struct {
        const char *target;
        const char *uri;
        const char *sent;
    } cases[] = {
        {"10.0.0.11", "sip:100@10.0.0.1", "INVITE sip:100@10.0.0.11 "},
        {"sip:10.0.0.11:5060;a=b", "sip:100@10.0.0.1",
         "INVITE sip:100@10.0.0.11:5060;a=b "},
        {"10.0.0.11", "sip:%31;x=y:pw@10.0.0.1",
         "INVITE sip:%31;x=y:pw@10.0.0.11 "},
        {"bob@10.0.0.11", "sip:100@10.0.0.1", "INVITE sip:bob@10.0.0.11 "},
        {"10.0.0.11", "sip:10.0.0.1", "INVITE sip:10.0.0.11 "},
        {"10.0.0.11", "sip:100@10.0.0.77", "INVITE sip:100@10.0.0.77 "},
        /* what says what the user part is */
        {"10.0.0.11", "sip:+43;isub=1@10.0.0.1;user=phone",
         "INVITE sip:+43;isub=1@10.0.0.11;user=phone "},
        {"sip:10.0.0.11:5060;a=b", "sip:100@10.0.0.1;x=y;USER=Phone;z",
         "INVITE sip:100@10.0.0.11:5060;a=b;USER=Phone "},
        {"10.0.0.11", "sip:100@10.0.0.1;u%73er=phone;user=ip",
         "INVITE sip:100@10.0.0.11;u%73er=phone "},
        {"sip:10.0.0.11;user=ip", "sip:100@10.0.0.1;user=phone",
         "INVITE sip:100@10.0.0.11;user=ip "},
        {"bob@10.0.0.11", "sip:100@10.0.0.1;user=phone",
         "INVITE sip:bob@10.0.0.11 "},
        {"10.0.0.11", "sip:10.0.0.1;user=phone", "INVITE sip:10.0.0.11 "},
        /* and not what says where to */
        {"10.0.0.11",
         "sip:100@10.0.0.1;transport=udp;lr;ttl=1;method=INVITE;gr=x",
         "INVITE sip:100@10.0.0.11 "},
    };
    world_t *world = world_create(cases[_i].target, NULL);

    world->program.options.keep_user = 1;
    call_with(world, cases[_i].uri, "");
    ck_assert_uint_eq(party_received(world->one, cases[_i].sent), 1);
    finish(world, world->one);
}
END_TEST

/* Whoever configures us as an outbound proxy may write lr into the Request-URI
 * as well: that alone is no strict router's work. */
START_TEST(a_request_uri_with_lr_is_the_callers_own)
{
    static const char *const routes[] = {
        "Route: <sip:10.0.0.1;lr>\n",
        "Route: <sip:10.0.0.1;lr>, <sip:10.0.0.1:5060;lr>\n",
        "Route: <sip:10.0.0.1;lr;srf=0123456789abcdef>\n",
        "",
    };
    static const char *const uris[] = {
        "sip:1001@10.0.0.1;lr",
        "sip:1001@10.0.0.1;lr;srf=0123456789abcdef",
    };
    world_t *world = world_create("10.0.0.11", NULL);

    world->program.options.keep_user = 1;
    call_with(world, uris[_i / 4], routes[_i % 4]);
    ck_assert_uint_eq(party_received(world->one, "INVITE sip:1001@10.0.0.11 "),
                      1);
    world_expect(world->one, "INVITE", "Route", NULL);
    finish(world, world->one);
}
END_TEST

START_TEST(without_target_the_request_goes_where_it_points)
{
    static const char *const uris[] = {
        "sip:bob@10.0.0.11",
        "sip:bob@10.0.0.11:5060",
        "sip:bob@10.0.0.11;transport=udp",
        "sip:bob@nowhere.example.com;maddr=10.0.0.11",
        "sip:bob@10.0.0.12;maddr=10.0.0.11",
    };
    char line[128];
    world_t *world = world_create(NULL, NULL);

    call_with(world, uris[_i], "");
    sprintf(line, "INVITE %s SIP/2.0\r\n", uris[_i]);
    ck_assert_uint_eq(party_received(world->one, line), 1);
    finish(world, world->one);
}
END_TEST

START_TEST(a_port_of_the_request_uri_is_honoured)
{
    world_t *world = world_create(NULL, NULL);
    party_t *there = party_create(world->net, "10.0.0.11:5099");

    call_with(world, "sip:bob@10.0.0.11:5099", "");
    ck_assert_uint_eq(party_received(there, "INVITE"), 1);
    world_answer(world, there, "200 OK");
    memnet_drain(world->net, 600000);
    party_destroy(there);
    world_destroy(world);
}
END_TEST

/* Where a request to each target goes that comes to ourselves unchanged. */
START_TEST(a_target_that_is_ourselves_gets_482)
{
    static const struct {
        const char *target;
        const char *uri;
    } cases[] = {
        {NULL, "sip:100@10.0.0.1"},
        {"sip:10.0.0.1", "sip:bob@10.0.0.77"},
        {"sip:100@10.0.0.1", "sip:100@10.0.0.1"},
    };
    world_t *world = world_create(cases[_i].target, NULL);

    call_with(world, cases[_i].uri, "");
    memnet_run(world->net, 100);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 482"), 1);
    ck_assert_uint_le(world->program.handled, 2);
    ck_assert_uint_le(world_stats(world).requests_received, 4);
    memnet_drain(world->net, 600000);
    world_destroy(world);
}
END_TEST

START_TEST(a_loop_does_not_hide_a_good_target)
{
    world_t *world = world_create("sip:100@10.0.0.1", "10.0.0.11");

    world_call(world);
    memnet_run(world->net, 10);
    ck_assert_uint_eq(party_received(world->one, "INVITE"), 1);
    finish(world, world->one);
}
END_TEST

/* ---- inside a dialog ---- */

static world_t *world_with_dialog(void)
{
    world_t *world = world_create("10.0.0.11", NULL);

    world_call(world);
    world_expect(world->one, "INVITE", "Record-Route",
                 "<sip:10.0.0.1:5060;lr>");
    world_answer_with(world, world->one, "200 OK",
                      "Contact: <sip:bob@10.0.0.11>\n");
    world_expect(world->caller, "SIP/2.0 200", "Record-Route",
                 "<sip:10.0.0.1:5060;lr>");
    ck_assert_uint_eq(world->program.done, 1);
    return world;
}

/* From the caller to the callee, or back. */
static void in_dialog(world_t *world, bool back, const char *method,
                      const char *lines)
{
    char text[512];

    sprintf(text, "Route: <sip:10.0.0.1:5060;lr;srf=MARK>\n%s", lines);
    world_in_dialog(world, back ? world->one : world->caller, method,
                    back ? "sip:ann@10.0.0.9:5060" : "sip:bob@10.0.0.11", "c1b",
                    text);
}

START_TEST(requests_of_a_dialog_pass_without_the_program)
{
    static const char *const methods[] = {"BYE",     "INFO",    "UPDATE",
                                          "PRACK",   "REFER",   "NOTIFY",
                                          "MESSAGE", "OPTIONS", "BREW"};
    bool back = _i >= 9;
    world_t *world = world_with_dialog();
    party_t *to = back ? world->caller : world->one;
    party_t *from = back ? world->one : world->caller;
    const char *method = methods[_i % 9];

    party_clear(from);
    in_dialog(world, back, method, "");
    ck_assert_uint_eq(party_received(to, method), 1);
    world_expect(to, method, "Route", NULL);
    world_expect(to, method, "Max-Forwards", "69");
    world_expect(to, method, "CSeq",
                 party_header(from, party_find(to, method, 0), "CSeq", 0));
    in_dialog(world, back, method, ""); /* a retransmission: not forwarded */
    ck_assert_uint_eq(party_received(to, method), 1);
    party_reply(to, party_index(to, method, 0), "202 Accepted", "X-Out: yes\n");
    world_settle(world);
    ck_assert_uint_eq(party_received(from, "SIP/2.0 202"), 1);
    world_expect(from, "SIP/2.0 202", "X-Out", "yes");
    ck_assert_uint_eq(world->program.handled, 1);
    ck_assert_uint_eq(world->program.done, 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_re_invite_may_fail)
{
    world_t *world = world_with_dialog();
    party_t *to = _i == 0 ? world->one : world->caller;
    party_t *from = _i == 0 ? world->caller : world->one;

    party_clear(world->one);
    party_clear(world->caller);
    in_dialog(world, _i == 1, "INVITE", "");
    ck_assert_uint_eq(party_received(from, "SIP/2.0 100"), 1);
    world_answer(world, to, "488 Not Acceptable Here");
    ck_assert_uint_eq(party_received(from, "SIP/2.0 488"), 1);
    ck_assert_uint_eq(party_received(to, "ACK"), 1);
    ck_assert_uint_eq(world->program.handled, 1);
    memnet_drain(world->net, 600000);
    world_destroy(world);
}
END_TEST

START_TEST(a_re_invite_may_be_cancelled)
{
    world_t *world = world_with_dialog();

    party_clear(world->one);
    party_clear(world->caller);
    in_dialog(world, false, "INVITE", "");
    world_answer(world, world->one, "180 Ringing");
    world_in_dialog(world, world->caller, "CANCEL", "sip:bob@10.0.0.11", "c1b",
                    "");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 1);
    world_answer(world, world->one, "487 Request Terminated");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 1);
    ck_assert_uint_eq(world->program.cancels, 0);
    memnet_drain(world->net, 600000);
    world_destroy(world);
}
END_TEST

START_TEST(the_ack_of_a_2xx_is_routed_without_state)
{
    world_t *world = world_with_dialog();
    unsigned clients;

    memnet_drain(world->net, 600000);
    clients = (unsigned)world_stats(world).client_transactions;
    in_dialog(world, false, "ACK", "");
    in_dialog(world, false, "ACK", "");
    ck_assert_uint_eq(party_received(world->one, "ACK sip:bob@10.0.0.11 "), 2);
    const char *ack = party_find(world->one, "ACK", 0);
    ck_assert_str_eq(ack, party_find(world->one, "ACK", 1));
    ck_assert_ptr_null(party_header(world->one, ack, "Route", 0));
    ck_assert_ptr_nonnull(party_header(world->one, ack, "Via", 1));
    ck_assert_str_eq(party_header(world->one, ack, "Max-Forwards", 0), "69");
    ck_assert_uint_eq(world_stats(world).client_transactions, clients);
    ck_assert_uint_eq(world_stats(world).server_transactions, 0);
    ck_assert_uint_eq(world->program.handled, 1);
    world_destroy(world);
}
END_TEST

START_TEST(the_ack_of_a_2xx_passes_while_the_invite_is_accepted)
{
    world_t *world = world_with_dialog();

    in_dialog(world, false, "ACK", "");
    ck_assert_uint_eq(party_received(world->one, "ACK"), 1);
    /* Even with the branch of the INVITE, as RFC 2543 callers have it. */
    party_send(world->caller, WORLD_PROXY,
               "ACK sip:bob@10.0.0.11 SIP/2.0\n"
               "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-c1\n"
               "Route: <sip:10.0.0.1:5060;lr>\n"
               "From: <sip:ann@example.com>;tag=ann-c1\n"
               "To: <sip:bob@example.com>;tag=uas\n"
               "Call-ID: c1\n"
               "CSeq: 1 ACK\n");
    world_settle(world);
    ck_assert_uint_eq(party_received(world->one, "ACK"), 2);
    world_destroy(world);
}
END_TEST

START_TEST(an_ack_goes_nowhere_when_it_has_no_way)
{
    static const char *const uris[] = {"sip:100@10.0.0.1", "sip:bob@10.0.0.11",
                                       "sip:bob@example.com"};
    world_t *world = world_create(NULL, NULL);

    world_in_dialog(world, world->caller, "ACK", uris[_i], "a1",
                    _i == 1 ? "Route: <sip:10.0.0.12;transport=sctp;lr>\n"
                            : "");
    ck_assert_uint_eq(world->caller->count, 0);
    ck_assert_uint_eq(world->one->count, 0);
    ck_assert_uint_eq(world->two->count, 0);
    ck_assert_uint_eq(world_stats(world).dropped_unmatched, 1);
    world_destroy(world);
}
END_TEST

static void add_routes(Suite *suite)
{
    TCase *tcase = tcase_create("routes");

    tcase_add_loop_test(tcase, our_own_routes_on_top_are_removed, 0, 8);
    tcase_add_test(tcase,
                   our_own_routes_are_removed_however_many_lines_they_are);
    tcase_add_loop_test(tcase, a_route_that_only_looks_like_ours_is_followed, 0,
                        3);
    tcase_add_test(tcase, a_route_of_ours_over_another_transport_is_not_ours);
    tcase_add_loop_test(
        tcase, only_what_is_ours_is_removed_and_the_rest_followed, 0, 5);
    tcase_add_test(tcase, a_target_wins_over_a_route);
    tcase_add_test(tcase, a_route_that_cannot_be_read_gets_400);
    tcase_add_loop_test(tcase, a_strict_router_before_us_is_undone, 0, 5);
    tcase_add_loop_test(
        tcase, a_strict_router_behind_us_gets_the_request_its_way, 0, 4);
    tcase_add_test(tcase, a_long_request_uri_passes_a_strict_router);
    suite_add_tcase(suite, tcase);
}

static void add_request_uri(Suite *suite)
{
    TCase *tcase = tcase_create("request-uri");

    tcase_add_loop_test(tcase, a_request_uri_of_ours_is_replaced_by_the_target,
                        0, 9);
    tcase_add_loop_test(
        tcase, another_request_uri_stays_and_the_target_is_the_next_hop, 0, 7);
    tcase_add_loop_test(tcase, keep_user_keeps_the_callers_user_part, 0, 13);
    tcase_add_loop_test(tcase, a_request_uri_with_lr_is_the_callers_own, 0, 8);
    tcase_add_loop_test(tcase, without_target_the_request_goes_where_it_points,
                        0, 5);
    tcase_add_test(tcase, a_port_of_the_request_uri_is_honoured);
    tcase_add_loop_test(tcase, a_target_that_is_ourselves_gets_482, 0, 3);
    tcase_add_test(tcase, a_loop_does_not_hide_a_good_target);
    suite_add_tcase(suite, tcase);
}

static void add_dialogs(Suite *suite)
{
    TCase *tcase = tcase_create("dialogs");

    tcase_add_loop_test(tcase, requests_of_a_dialog_pass_without_the_program, 0,
                        18);
    tcase_add_loop_test(tcase, a_re_invite_may_fail, 0, 2);
    tcase_add_test(tcase, a_re_invite_may_be_cancelled);
    tcase_add_test(tcase, the_ack_of_a_2xx_is_routed_without_state);
    tcase_add_test(tcase, the_ack_of_a_2xx_passes_while_the_invite_is_accepted);
    tcase_add_loop_test(tcase, an_ack_goes_nowhere_when_it_has_no_way, 0, 3);
    suite_add_tcase(suite, tcase);
}

int main(void)
{
    Suite *suite = suite_create("proxy_routing");

    add_routes(suite);
    add_request_uri(suite);
    add_dialogs(suite);
    return run_suite(suite);
}
