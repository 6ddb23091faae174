/*
 * A maddr of ours in the Request-URI, RFC 3261 §16.4.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "world.h"

#include <stdio.h>

static void call_with(world_t *world, const char *uri, const char *lines)
{
    party_invite(world->caller, WORLD_PROXY, uri, "c1", lines);
    world_settle(world);
}

static void finish(world_t *world, party_t *party)
{
    world_answer(world, party, "200 OK");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    world_destroy(world);
}

/* §16.4: what is left then is judged as if it had come so. */
START_TEST(a_maddr_of_ours_is_taken_out)
{
    static const struct {
        const char *uri;
        const char *sent;
    } cases[] = {
        {"sip:bob@10.0.0.11;maddr=10.0.0.1", "sip:bob@10.0.0.11"},
        {"sip:bob@10.0.0.11:5060;maddr=10.0.0.1", "sip:bob@10.0.0.11:5060"},
        {"sip:bob@10.0.0.11;x=1;MADDR=10.0.0.1;lr;y",
         "sip:bob@10.0.0.11;x=1;lr;y"},
        {"sip:bob@10.0.0.11;maddr=sip.example.com;transport=UDP",
         "sip:bob@10.0.0.11;transport=UDP"},
        {"sip:10.0.0.11;transport=udp;maddr=10.0.0.1",
         "sip:10.0.0.11;transport=udp"},
        /* Its name may be escaped, §19.1.4. */
        {"sip:bob@10.0.0.11;m%61ddr=10.0.0.1;x", "sip:bob@10.0.0.11;x"},
        {"sip:bob@10.0.0.11;x;%4DADD%52=10.0.0.1", "sip:bob@10.0.0.11;x"},
        {"sip:bob@10.0.0.11;tr%61nsport=%75dp;maddr=10.0.0.1",
         "sip:bob@10.0.0.11;tr%61nsport=%75dp"},
        /* The way in was another one: the maddr still has a purpose. */
        {"sip:bob@10.0.0.11;maddr=10.0.0.11",
         "sip:bob@10.0.0.11;maddr=10.0.0.11"},
    };
    char line[128];
    world_t *world = world_create(NULL, NULL);

    ck_assert_int_eq(srf_alias(world->srf, "sip.example.com"), 0);
    call_with(world, cases[_i].uri, "");
    sprintf(line, "INVITE %s SIP/2.0\r\n", cases[_i].sent);
    ck_assert_uint_eq(party_received(world->one, line), 1);
    ck_assert_uint_eq(world->program.handled, 1);
    finish(world, world->one);
}
END_TEST

START_TEST(a_port_that_goes_with_a_maddr_of_ours_is_taken_out)
{
    world_t *world = world_create(NULL, NULL);

    memnet_listen(world->net, world->srf, "10.0.0.1:5080");
    party_send(world->caller, "10.0.0.1:5080",
               "INVITE sip:bob@10.0.0.11:5080;maddr=10.0.0.1;x SIP/2.0\n"
               "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-c1\n"
               "From: <sip:ann@example.com>;tag=ann-c1\n"
               "To: <sip:bob@example.com>\n"
               "Call-ID: c1\n"
               "CSeq: 1 INVITE\n");
    world_settle(world);
    ck_assert_uint_eq(
        party_received(world->one, "INVITE sip:bob@10.0.0.11;x SIP/2.0\r\n"),
        1);
    finish(world, world->one);
}
END_TEST

START_TEST(a_maddr_of_ours_stays_when_the_request_came_to_another_port)
{
    world_t *world = world_create("10.0.0.11", NULL);
    const char *uri = "sip:bob@10.0.0.77:5080;maddr=10.0.0.1";

    memnet_listen(world->net, world->srf, "10.0.0.1:5080");
    call_with(world, uri, "");
    /* It names us all the same: the target takes its place. */
    ck_assert_uint_eq(party_received(world->one, "INVITE sip:10.0.0.11 "), 1);
    finish(world, world->one);
}
END_TEST

START_TEST(a_maddr_of_ours_is_taken_out_of_what_a_strict_router_left)
{
    world_t *world = world_create(NULL, NULL);

    call_with(world, world_path_uri(world),
              "Route: <sip:bob@10.0.0.11;maddr=10.0.0.1;x=y>\n");
    ck_assert_uint_eq(
        party_received(world->one, "INVITE sip:bob@10.0.0.11;x=y SIP/2.0\r\n"),
        1);
    world_expect(world->one, "INVITE", "Route", NULL);
    finish(world, world->one);
}
END_TEST

START_TEST(an_ack_loses_a_maddr_of_ours_too)
{
    world_t *world = world_create(NULL, NULL);

    world_in_dialog(world, world->caller, "ACK",
                    "sip:bob@10.0.0.11;maddr=10.0.0.1", "d1",
                    "Route: <sip:10.0.0.1;lr;srf=MARK>\n");
    ck_assert_uint_eq(
        party_received(world->one, "ACK sip:bob@10.0.0.11 SIP/2.0\r\n"), 1);
    world_in_dialog(world, world->caller, "ACK", "sip:10.0.0.1;maddr=10.0.0.1",
                    "d2", "Route: <sip:10.0.0.1;lr;srf=MARK>\n");
    ck_assert_uint_eq(world->caller->count, 0);
    ck_assert_uint_eq(world_stats(world).dropped_unmatched, 1);
    world_destroy(world);
}
END_TEST

/* All that names us goes: what is left is for us, or is 483 or 481, but it is
 * not judged for ever. */
START_TEST(an_escaped_maddr_of_ours_is_judged_no_more_than_twice)
{
    static const char *const uris[] = {
        "sip:x@10.0.0.1:5060;m%61ddr=10.0.0.1",
        "sip:x@10.0.0.1;%6d%61%64%64%72=10.0.0.1;tr%61nsport=udp",
        "sip:x@nowhere.example.com;m%61ddr=10.0.0.1",
    };
    world_t *world = world_create("10.0.0.11", NULL);

    world_request(world, "OPTIONS", uris[_i], "o1", "");
    call_with(world, uris[_i], "");
    world_in_dialog(world, world->caller, "ACK", uris[_i], "d1", "");
    ck_assert_uint_eq(world->program.handled, 2);
    memnet_drain(world->net, 600000);
    world_destroy(world);
}
END_TEST

/* RFC 3261 §19.1.1: each parameter at most once. */
START_TEST(two_spellings_of_maddr_are_two_maddrs)
{
    static const char *const uris[] = {
        "sip:bob@10.0.0.11;maddr=10.0.0.1;m%61ddr=10.0.0.1",
        "sip:bob@10.0.0.11;m%61ddr=10.0.0.1;maddr=10.0.0.77",
        "sip:bob@10.0.0.11;transport=udp;t%72ansport=tcp",
    };
    world_t *world = world_create(NULL, NULL);

    call_with(world, uris[_i], "");
    ck_assert_uint_eq(
        party_received(world->caller, "SIP/2.0 400 Bad Request-URI"), 1);
    world_in_dialog(world, world->caller, "ACK", uris[_i], "d1", "");
    ck_assert_uint_eq(world->one->count, 0);
    ck_assert_uint_eq(world->program.handled, 0);
    ck_assert_uint_eq(world_stats(world).dropped_unmatched, 1);
    memnet_drain(world->net, 600000);
    world_destroy(world);
}
END_TEST

START_TEST(an_ack_loses_an_escaped_maddr_of_ours_too)
{
    world_t *world = world_create(NULL, NULL);

    world_in_dialog(world, world->caller, "ACK",
                    "sip:bob@10.0.0.11;m%61ddr=10.0.0.1", "d1",
                    "Route: <sip:10.0.0.1;lr;srf=MARK>\n");
    ck_assert_uint_eq(
        party_received(world->one, "ACK sip:bob@10.0.0.11 SIP/2.0\r\n"), 1);
    world_in_dialog(world, world->caller, "ACK",
                    "sip:10.0.0.1;m%61ddr=10.0.0.1", "d2",
                    "Route: <sip:10.0.0.1;lr;srf=MARK>\n");
    world_in_dialog(world, world->caller, "ACK", "sip:10.0.0.1;l%72;s%72f=MARK",
                    "d3", "Route: <sip:bob@10.0.0.11;m%61ddr=10.0.0.1;x=y>\n");
    ck_assert_uint_eq(
        party_received(world->one, "ACK sip:bob@10.0.0.11;x=y SIP/2.0\r\n"), 1);
    ck_assert_uint_eq(world->caller->count, 0);
    ck_assert_uint_eq(world_stats(world).dropped_unmatched, 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_request_without_its_maddr_is_still_the_same_transaction)
{
    world_t *world = world_create(NULL, NULL);
    const char *uri = "sip:bob@10.0.0.11;maddr=10.0.0.1";

    call_with(world, uri, "");
    call_with(world, uri, "");
    ck_assert_uint_eq(world->program.handled, 1);
    ck_assert_uint_eq(world_stats(world).retransmissions_received, 1);
    party_follow(world->caller, WORLD_PROXY, "CANCEL", uri, "c1", NULL);
    world_answer(world, world->one, "180 Ringing");
    ck_assert_uint_eq(
        party_received(world->one, "CANCEL sip:bob@10.0.0.11 SIP/2.0\r\n"), 1);
    world_answer(world, world->one, "487 Request Terminated");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 1);
    memnet_drain(world->net, 600000);
    world_destroy(world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("maddr");
    TCase *tcase = tcase_create("maddr");

    tcase_add_loop_test(tcase, a_maddr_of_ours_is_taken_out, 0, 9);
    tcase_add_test(tcase, a_port_that_goes_with_a_maddr_of_ours_is_taken_out);
    tcase_add_test(tcase,
                   a_maddr_of_ours_stays_when_the_request_came_to_another_port);
    tcase_add_test(tcase,
                   a_maddr_of_ours_is_taken_out_of_what_a_strict_router_left);
    tcase_add_test(tcase, an_ack_loses_a_maddr_of_ours_too);
    tcase_add_test(tcase,
                   a_request_without_its_maddr_is_still_the_same_transaction);
    tcase_add_loop_test(
        tcase, an_escaped_maddr_of_ours_is_judged_no_more_than_twice, 0, 3);
    tcase_add_loop_test(tcase, two_spellings_of_maddr_are_two_maddrs, 0, 3);
    tcase_add_test(tcase, an_ack_loses_an_escaped_maddr_of_ours_too);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
