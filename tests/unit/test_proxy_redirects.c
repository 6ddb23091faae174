/*
 * follow_redirects: which Contacts of a 3xx are tried, in which order, with
 * which Request-URI, and where it ends.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "world.h"

#include <stdio.h>

#define MOVED "302 Moved Temporarily"

static world_t *following_world(const char *first, const char *second)
{
    world_t *world = world_create(first, second);

    world->program.options.follow_redirects = 1;
    return world;
}

START_TEST(the_contact_becomes_the_request_uri)
{
    world_t *world = following_world("10.0.0.11", NULL);

    world_call(world);
    world_answer_with(world, world->one, MOVED,
                      "Contact: \"Bob\" <sip:bob@10.0.0.12;x=1>\n");
    ck_assert_uint_eq(party_received(world->one, "ACK"), 1);
    ck_assert_uint_eq(
        party_received(world->two, "INVITE sip:bob@10.0.0.12;x=1 SIP/2.0"), 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 302"), 0);
    world_answer(world, world->two, "200 OK");
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.connected, 1);
    ck_assert_uint_eq(world->program.responses, 2);
    ck_assert_int_eq(world->program.causes[0], SRF_CAUSE_RESPONSE);
    world_destroy(world);
}
END_TEST

START_TEST(the_contact_replaces_a_request_uri_that_is_not_ours_too)
{
    world_t *world = following_world("10.0.0.11", NULL);

    party_invite(world->caller, WORLD_PROXY, "sip:bob@192.0.2.1", "c1", "");
    world_settle(world);
    ck_assert_uint_eq(party_received(world->one, "INVITE sip:bob@192.0.2.1 "),
                      1);
    world_answer_with(world, world->one, MOVED, "Contact: <sip:10.0.0.12>\n");
    ck_assert_uint_eq(party_received(world->two, "INVITE sip:10.0.0.12 "), 1);
    world_destroy(world);
}
END_TEST

START_TEST(without_the_option_the_3xx_goes_up)
{
    world_t *world = world_create("10.0.0.11", NULL);

    world_call(world);
    world_answer_with(world, world->one, MOVED, "Contact: <sip:10.0.0.12>\n");
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 0);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 302"), 1);
    world_expect(world->caller, "SIP/2.0 302", "Contact", "<sip:10.0.0.12>");
    world_destroy(world);
}
END_TEST

START_TEST(contacts_are_tried_by_descending_q)
{
    world_t *world = following_world("10.0.0.11", NULL);
    party_t *three = party_create(world->net, "10.0.0.13:5060");
    party_t *four = party_create(world->net, "10.0.0.14:5060");

    world_call(world);
    world_answer_with(world, world->one, MOVED,
                      "Contact: <sip:10.0.0.14>;q=0.1, <sip:10.0.0.13>;q=0.9\n"
                      "Contact: <sip:10.0.0.12>\n");
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 1);
    ck_assert_uint_eq(party_received(three, "INVITE"), 0);
    world_answer(world, world->two, "404 Not Found");
    ck_assert_uint_eq(party_received(three, "INVITE"), 1);
    ck_assert_uint_eq(party_received(four, "INVITE"), 0);
    world_answer(world, three, "404 Not Found");
    ck_assert_uint_eq(party_received(four, "INVITE"), 1);
    world_answer(world, four, "200 OK");
    ck_assert_uint_eq(world->program.responses, 4);
    party_destroy(three);
    party_destroy(four);
    world_destroy(world);
}
END_TEST

START_TEST(contacts_come_before_the_other_targets)
{
    world_t *world = following_world("10.0.0.11", "10.0.0.12");
    party_t *three = party_create(world->net, "10.0.0.13:5060");

    world_call(world);
    world_answer_with(world, world->one, MOVED, "Contact: <sip:10.0.0.13>\n");
    ck_assert_uint_eq(party_received(three, "INVITE"), 1);
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 0);
    world_answer(world, three, "486 Busy Here");
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 1);
    party_destroy(three);
    world_destroy(world);
}
END_TEST

START_TEST(a_parallel_search_asks_all_contacts_at_once)
{
    world_t *world = following_world("10.0.0.11", "10.0.0.12");
    party_t *three = party_create(world->net, "10.0.0.13:5060");
    party_t *four = party_create(world->net, "10.0.0.14:5060");

    world->program.options.forking = SRF_FORKING_SIMULTANEOUS;
    world_call(world);
    world_answer(world, world->two, "180 Ringing");
    world_answer_with(world, world->one, MOVED,
                      "Contact: <sip:10.0.0.13>;q=0.5, <sip:10.0.0.14>\n");
    ck_assert_uint_eq(party_received(three, "INVITE"), 1);
    ck_assert_uint_eq(party_received(four, "INVITE"), 1);
    world_answer(world, three, "200 OK");
    ck_assert_uint_eq(party_received(world->two, "CANCEL"), 1);
    ck_assert_int_eq(world->program.connected, 0); /* not reported yet */
    world_answer(world, world->two, "487 Request Terminated");
    world_answer(world, four, "404 Not Found");
    ck_assert_int_eq(world->program.connected, 1);
    party_destroy(three);
    party_destroy(four);
    world_destroy(world);
}
END_TEST

START_TEST(a_redirect_that_comes_after_the_2xx_is_not_followed)
{
    world_t *world = following_world("10.0.0.11", "10.0.0.12");
    party_t *three = party_create(world->net, "10.0.0.13:5060");

    world->program.options.forking = SRF_FORKING_SIMULTANEOUS;
    world_call(world);
    world_answer(world, world->two, "200 OK");
    world_answer_with(world, world->one, MOVED, "Contact: <sip:10.0.0.13>\n");
    ck_assert_uint_eq(party_received(three, "INVITE"), 0);
    ck_assert_uint_eq(world->program.done, 1);
    party_destroy(three);
    world_destroy(world);
}
END_TEST

START_TEST(a_redirect_that_crosses_the_cancel_is_not_followed)
{
    world_t *world = following_world("10.0.0.11", NULL);

    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    world_cancel(world);
    world_answer_with(world, world->one, MOVED, "Contact: <sip:10.0.0.12>\n");
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 0);
    ck_assert_uint_eq(world->program.done, 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_uri_that_was_tried_is_not_tried_again)
{
    static const char *const contacts[] = {
        "Contact: <sip:10.0.0.11>\n",     "Contact: <sip:10.0.0.11:5060>\n",
        "Contact: <sip:100@10.0.0.1>\n",  "Contact: <SIP:10.0.0.11>\n",
        "Contact: <sip:10.0.0.11?a=b>\n",
    };
    world_t *world = following_world("10.0.0.11", NULL);

    world_call(world);
    world_answer_with(world, world->one, MOVED, contacts[_i]);
    /* sip:10.0.0.11:5060 is another URI than sip:10.0.0.11, §19.1.4. */
    ck_assert_uint_eq(party_received(world->one, "INVITE"), _i == 1 ? 2 : 1);
    if (_i != 1) {
        ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 302"), 1);
        ck_assert_int_eq(world->program.final_status, 302);
    }
    world_destroy(world);
}
END_TEST

START_TEST(two_servers_that_redirect_to_each_other_are_asked_once)
{
    world_t *world = following_world("10.0.0.11", NULL);

    world_call(world);
    world_answer_with(world, world->one, MOVED, "Contact: <sip:10.0.0.12>\n");
    world_answer_with(world, world->two, MOVED, "Contact: <sip:10.0.0.11>\n");
    ck_assert_uint_eq(party_received(world->one, "INVITE"), 1);
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 1);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.final_status, 302);
    world_destroy(world);
}
END_TEST

START_TEST(a_3xx_without_a_usable_contact_is_an_ordinary_failure)
{
    static const char *const contacts[] = {
        "",
        "Contact: <tel:+4930123456>\n",
        "Contact: <mailto:bob@example.com>\n",
        "Contact: *\n",
        "Contact: <sip:\n",
        "Contact: ,,;;<>\n",
    };
    world_t *world = following_world("10.0.0.11", "10.0.0.12");

    world_call(world);
    world_answer_with(world, world->one, MOVED, contacts[_i]);
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 1);
    world_answer(world, world->two, "404 Not Found");
    ck_assert_int_eq(world->program.final_status, 302);
    world_destroy(world);
}
END_TEST

START_TEST(usable_contacts_beside_unusable_ones_are_tried)
{
    world_t *world = following_world("10.0.0.11", NULL);

    world_call(world);
    world_answer_with(world, world->one, MOVED,
                      "Contact: <tel:+4930123456>, <sip:%%>,"
                      " <sip:bob@10.0.0.12>;q=0.2\n");
    ck_assert_uint_eq(party_received(world->two, "INVITE sip:bob@10.0.0.12 "),
                      1);
    world_destroy(world);
}
END_TEST

START_TEST(header_fields_and_method_of_a_contact_are_left_out)
{
    static const char *const contacts[] = {
        "Contact: <sip:bob@10.0.0.12;method=BYE;a=b?Subject=x>\n",
        "Contact: <sip:bob@10.0.0.12;a=b;METHOD=BYE>\n",
        "Contact: <sip:bob@10.0.0.12;m%65thod=BYE;a=b;method=ACK;method>\n",
    };
    world_t *world = following_world("10.0.0.11", NULL);

    world_call(world);
    world_answer_with(world, world->one, MOVED, contacts[_i]);
    ck_assert_uint_eq(
        party_received(world->two, "INVITE sip:bob@10.0.0.12;a=b SIP/2.0"), 1);
    world_destroy(world);
}
END_TEST

/* RFC 3261 §20.10: what stands behind a URI without brackets, or behind the
 * brackets, belongs to the header field. */
START_TEST(parameters_beside_a_contact_are_not_those_of_its_uri)
{
    static const struct {
        const char *contact;
        const char *uri;
    } cases[] = {
        {"sip:bob@10.0.0.12;transport=tcp", "sip:bob@10.0.0.12"},
        {"sip:10.0.0.12;transport=tcp", "sip:10.0.0.12"},
        {"<sip:bob@10.0.0.12>;transport=tcp", "sip:bob@10.0.0.12"},
        {"<sip:bob@10.0.0.12;a=b>;transport=tcp", "sip:bob@10.0.0.12;a=b"},
        {"Bob <sip:bob@10.0.0.12> ; transport = tcp", "sip:bob@10.0.0.12"},
        {"sip:bob@10.0.0.12 ;lr;maddr=10.0.0.13;method=BYE",
         "sip:bob@10.0.0.12"},
        {"sip:bob@10.0.0.12:5060;user=phone;ttl=1;x", "sip:bob@10.0.0.12:5060"},
        {"sip:bob@10.0.0.12;+sip.instance=\"<urn:uuid:1>\"",
         "sip:bob@10.0.0.12"},
    };
    char text[160];

    /* Also with a q of its own, in front and behind, which is not lost. */
    for (unsigned i = 0; i < 3; i++) {
        world_t *world = following_world("10.0.0.11", NULL);
        world_call(world);
        (void)snprintf(text, sizeof(text),
                       "Contact: <sip:10.0.0.11;later>;q=0.3\n"
                       "Contact: %s%s\n",
                       cases[_i].contact,
                       i == 0   ? ""
                       : i == 1 ? ";q=0.5"
                                : " ; q=0.9;expires=5");
        world_answer_with(world, world->one, MOVED, text);
        (void)snprintf(text, sizeof(text), "INVITE %s SIP/2.0", cases[_i].uri);
        ck_assert_uint_eq(party_received(world->two, text), 1);
        ck_assert_uint_eq(party_received(world->one, "INVITE"), 1);
        world_destroy(world);
    }
}
END_TEST

START_TEST(a_q_beside_other_parameters_decides_the_order)
{
    static const char *const contacts[] = {
        "Contact: sip:10.0.0.13;transport=tcp;q=0.1,"
        " sip:10.0.0.12;q=0.2;transport=tcp\n",
        "Contact: sip:10.0.0.13;q=0.1\nContact: sip:10.0.0.12;lr;q=1\n",
        "Contact: <sip:10.0.0.13;q=1>;transport=tcp;q=0.1,"
        " sip:10.0.0.12;q=0.2;x=\";q=0\"\n",
        "Contact: sip:10.0.0.13;x=\";q=1,\";q=0.1, sip:10.0.0.12;Q=0.2\n",
    };
    world_t *world = following_world("10.0.0.11", NULL);
    party_t *three = party_create(world->net, "10.0.0.13:5060");

    world_call(world);
    world_answer_with(world, world->one, MOVED, contacts[_i]);
    ck_assert_uint_eq(party_received(world->two, "INVITE sip:10.0.0.12 "), 1);
    ck_assert_uint_eq(party_received(three, "INVITE"), 0);
    world_answer(world, world->two, "404 Not Found");
    ck_assert_uint_eq(party_received(three, "INVITE sip:10.0.0.13"), 1);
    world_answer(world, three, "486 Busy Here");
    ck_assert_uint_eq(world->program.done, 1);
    party_destroy(three);
    world_destroy(world);
}
END_TEST

START_TEST(a_followed_redirect_is_never_the_answer)
{
    world_t *world = following_world("10.0.0.11", NULL);

    world_call(world);
    world_answer_with(world, world->one, MOVED, "Contact: <sip:10.0.0.12>\n");
    world_answer(world, world->two, "486 Busy Here");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 486"), 1);
    ck_assert_int_eq(world->program.final_status, 486);
    world_destroy(world);
}
END_TEST

START_TEST(the_chain_is_bounded)
{
    world_t *world = following_world("10.0.0.11", NULL);
    char contact[64];

    world->program.options.max_redirects = 3;
    world_call(world);
    for (unsigned i = 0; i < 4; i++) {
        snprintf(contact, sizeof(contact), "Contact: <sip:u%u@10.0.0.11>\n", i);
        party_reply(world->one, party_index(world->one, "INVITE", i), MOVED,
                    contact);
        world_settle(world);
    }
    ck_assert_uint_eq(party_received(world->one, "INVITE"), 4);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.final_status, 302);
    world_destroy(world);
}
END_TEST

START_TEST(the_number_of_targets_is_bounded)
{
    srf_options_t options;

    srf_options_init(&options);
    options.max_targets = 3;
    world_t *world = world_create_with(&options, "10.0.0.11", NULL);
    world->program.options.follow_redirects = 1;
    world_call(world);
    world_answer_with(world, world->one, MOVED,
                      "Contact: <sip:a@10.0.0.12>, <sip:b@10.0.0.12>,"
                      " <sip:c@10.0.0.12>, <sip:d@10.0.0.12>\n");
    for (unsigned i = 0; i < 2; i++) {
        party_reply(world->two, party_index(world->two, "INVITE", i),
                    "404 Not Found", "");
        world_settle(world);
    }
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 2);
    ck_assert_uint_eq(world->program.done, 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_contact_that_names_us_comes_back_as_a_spiral)
{
    world_t *world = following_world("10.0.0.11", NULL);

    world_call(world);
    world_answer_with(world, world->one, MOVED,
                      "Contact: <sip:200@10.0.0.1>\n");
    ck_assert_uint_eq(world->program.handled, 2);
    ck_assert_uint_eq(party_received(world->one, "INVITE"), 2);
    party_reply(world->one, party_index(world->one, "INVITE", 1), "200 OK", "");
    memnet_run(world->net, 5);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    ck_assert_uint_eq(world->program.done, 2);
    world_destroy(world);
}
END_TEST

START_TEST(the_redirect_of_an_outbound_proxy_keeps_to_the_route)
{
    world_t *world = following_world(NULL, NULL);

    world_request(world, "INVITE", "sip:bob@192.0.2.1", "o",
                  "Route: <sip:10.0.0.11;lr>\n");
    world_answer_with(world, world->one, MOVED,
                      "Contact: <sip:bob@192.0.2.2>\n");
    ck_assert_uint_eq(party_received(world->one, "INVITE sip:bob@192.0.2.2 "),
                      1);
    world_destroy(world);
}
END_TEST

START_TEST(other_methods_are_redirected_too)
{
    world_t *world = following_world("10.0.0.11", NULL);

    world_request(world, "MESSAGE", WORLD_URI, "m", "");
    party_reply(world->one, 0, MOVED, "Contact: <sip:10.0.0.12>\n");
    world_settle(world);
    ck_assert_uint_eq(party_received(world->two, "MESSAGE sip:10.0.0.12 "), 1);
    party_reply(world->two, 0, "200 OK", "");
    world_settle(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(destroy_with_contacts_untried_completes_once)
{
    world_t *world = following_world("10.0.0.11", NULL);

    world_call(world);
    world_answer_with(world, world->one, MOVED,
                      "Contact: <sip:10.0.0.12>, <sip:b@10.0.0.12>\n");
    srf_destroy(world->srf, NULL);
    memnet_run(world->net, 10);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_uint_eq(world->program.responses, 2);
    world_destroy_rest(world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("redirects");
    TCase *tcase = tcase_create("redirects");

    tcase_add_test(tcase, the_contact_becomes_the_request_uri);
    tcase_add_test(tcase,
                   the_contact_replaces_a_request_uri_that_is_not_ours_too);
    tcase_add_test(tcase, without_the_option_the_3xx_goes_up);
    tcase_add_test(tcase, contacts_are_tried_by_descending_q);
    tcase_add_test(tcase, contacts_come_before_the_other_targets);
    tcase_add_test(tcase, a_parallel_search_asks_all_contacts_at_once);
    tcase_add_test(tcase, a_redirect_that_comes_after_the_2xx_is_not_followed);
    tcase_add_test(tcase, a_redirect_that_crosses_the_cancel_is_not_followed);
    tcase_add_loop_test(tcase, a_uri_that_was_tried_is_not_tried_again, 0, 5);
    tcase_add_test(tcase,
                   two_servers_that_redirect_to_each_other_are_asked_once);
    tcase_add_loop_test(
        tcase, a_3xx_without_a_usable_contact_is_an_ordinary_failure, 0, 6);
    tcase_add_test(tcase, usable_contacts_beside_unusable_ones_are_tried);
    tcase_add_loop_test(
        tcase, header_fields_and_method_of_a_contact_are_left_out, 0, 3);
    tcase_add_loop_test(
        tcase, parameters_beside_a_contact_are_not_those_of_its_uri, 0, 8);
    tcase_add_loop_test(tcase, a_q_beside_other_parameters_decides_the_order, 0,
                        4);
    tcase_add_test(tcase, a_followed_redirect_is_never_the_answer);
    tcase_add_test(tcase, the_chain_is_bounded);
    tcase_add_test(tcase, the_number_of_targets_is_bounded);
    tcase_add_test(tcase, a_contact_that_names_us_comes_back_as_a_spiral);
    tcase_add_test(tcase, the_redirect_of_an_outbound_proxy_keeps_to_the_route);
    tcase_add_test(tcase, other_methods_are_redirected_too);
    tcase_add_test(tcase, destroy_with_contacts_untried_completes_once);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
