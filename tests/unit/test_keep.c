/*
 * Offers to keep a flow alive (RFC 6223): taken up in the Via of the responses,
 * where we are who the keep-alives come to.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

enum { TEXT = 300 };

static world_t *world;

static void setup(void)
{
    world = world_create("10.0.0.11", NULL);
}

static void teardown(void)
{
    world_destroy(world);
}

#define HERE "SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-k"

/* A request of the caller's whose Via ends with `params`. */
static void ask(const char *method, const char *params, const char *lines)
{
    party_send(world->caller, WORLD_PROXY,
               "%s " WORLD_URI " SIP/2.0\n"
               "Via: " HERE "%s\n"
               "Max-Forwards: 70\n"
               "From: <sip:a@10.0.0.9>;tag=1\n"
               "To: <sip:b@10.0.0.1>\n"
               "Call-ID: k\n"
               "CSeq: 1 %s\n"
               "Contact: <sip:a@10.0.0.9>\n"
               "%s",
               method, params, method, lines);
    world_settle(world);
}

/* The first response with that status has this behind the branch. */
static void expect(const char *status, const char *params)
{
    char start[TEXT];
    char via[TEXT];

    (void)snprintf(start, sizeof(start), "SIP/2.0 %s", status);
    (void)snprintf(via, sizeof(via), HERE "%s", params);
    world_expect(world->caller, start, "Via", via);
}

START_TEST(a_registration_is_kept_alive)
{
    ask("REGISTER", ";keep", "");
    party_reply(world->one, 0, "200 OK", "");
    world_settle(world);
    expect("200", ";keep=0");
}
END_TEST

START_TEST(a_dialog_that_records_us_is_kept_alive)
{
    world->program.options.record_route = 1;
    ask("INVITE", ";keep", "");
    expect("100", ";keep"); /* it may yet fail */
    world_answer(world, world->one, "180 Ringing");
    expect("180", ";keep=0");
    world_answer(world, world->one, "200 OK");
    expect("200", ";keep=0");
}
END_TEST

/* RFC 6223 §4.4. */
START_TEST(a_dialog_that_goes_on_without_us_is_not)
{
    world->program.options.record_route = 0;
    ask("INVITE", ";keep", "");
    world_answer(world, world->one, "180 Ringing");
    expect("180", ";keep");
    world_answer(world, world->one, "200 OK");
    expect("200", ";keep");
}
END_TEST

START_TEST(other_requests_cannot_ask_for_it)
{
    static const char *const methods[] = {"MESSAGE", "OPTIONS", "INFO", "BYE"};

    world->program.options.record_route = 1;
    ask(methods[_i], ";keep", "");
    party_reply(world->one, 0, "200 OK", "");
    world_settle(world);
    expect("200", ";keep");
}
END_TEST

START_TEST(every_request_that_forms_or_refreshes_a_dialog_can)
{
    static const char *const methods[] = {"SUBSCRIBE", "REFER", "NOTIFY",
                                          "UPDATE", "DANCE"};

    world->program.options.record_route = 1;
    ask(methods[_i], ";keep", "");
    party_reply(world->one, 0, "200 OK", "");
    world_settle(world);
    expect("200", ";keep=0");
}
END_TEST

START_TEST(what_is_no_offer_stays_as_it_is)
{
    static const char *const params[] = {
        ";keep=30", ";keep=\"\"", ";keepalive", ";x=keep", ";x=\";keep\"", ""};

    ask("REGISTER", params[_i], "");
    party_reply(world->one, 0, "200 OK", "");
    world_settle(world);
    expect("200", params[_i]);
}
END_TEST

START_TEST(an_offer_is_found_however_it_stands)
{
    static const struct {
        const char *given;
        const char *got;
    } cases[] = {
        {";KEEP", ";KEEP=0"},
        {" ; keep ;x=y", " ; keep=0 ;x=y"},
        {";rport;keep", ";rport=5060;keep=0;received=10.0.0.9"},
        {";keep;rport", ";keep=0;rport=5060;received=10.0.0.9"},
        {";received=1.2.3.4;keep", ";received=10.0.0.9;keep=0"},
        {";keep;received=1.2.3.4", ";keep=0;received=10.0.0.9"},
    };

    ask("REGISTER", cases[_i].given, "");
    party_reply(world->one, 0, "200 OK", "");
    world_settle(world);
    expect("200", cases[_i].got);
}
END_TEST

START_TEST(only_the_neighbour_is_answered)
{
    ask("REGISTER", "", "Via: SIP/2.0/UDP 10.0.0.8;branch=z9hG4bK-j;keep\n");
    party_reply(world->one, 0, "200 OK", "");
    world_settle(world);
    expect("200", "");
    const char *response = party_find(world->caller, "SIP/2.0 200", 0);
    ck_assert_str_eq(party_header(world->caller, response, "Via", 1),
                     "SIP/2.0/UDP 10.0.0.8;branch=z9hG4bK-j;keep");
}
END_TEST

START_TEST(nothing_is_offered_on_our_behalf)
{
    ask("REGISTER", ";keep", "");
    const char *via = party_header(world->one, world->one->inbox[0], "Via", 0);
    ck_assert_ptr_null(strstr(via, "keep"));
}
END_TEST

/* ---- of the program's own ---- */

static int answer_status;

static void answer(srf_req_t *req, srf_res_t *res)
{
    (void)req;
    if (srf_req_is_new_invite(req))
        ck_assert_int_eq(srf_res_send(res, 180, NULL), 0);
    ck_assert_int_eq(srf_res_send(res, answer_status, NULL), 0);
}

static void answer_with(int status)
{
    answer_status = status;
    ck_assert_int_eq(srf_on(world->srf, NULL, answer), 0);
    ck_assert_int_eq(srf_invite(world->srf, answer), 0);
}

START_TEST(an_answer_of_the_programs_own_takes_it_up)
{
    answer_with(200);
    ask(_i == 0 ? "REGISTER" : "INVITE", ";keep", "");
    expect("200", ";keep=0");
    if (_i == 1)
        party_follow(world->caller, WORLD_PROXY, "ACK", WORLD_URI, "k", "x");
}
END_TEST

START_TEST(a_refusal_does_not)
{
    answer_with(403);
    ask(_i == 0 ? "REGISTER" : "INVITE", ";keep", "");
    expect("403", ";keep");
}
END_TEST

/* ---- settings ---- */

START_TEST(the_time_is_told_that_was_set)
{
    world->srf->element.transports.listeners->keepalive_s = 25;
    ask("REGISTER", ";keep", "");
    party_reply(world->one, 0, "200 OK", "");
    world_settle(world);
    expect("200", ";keep=25");
}
END_TEST

START_TEST(it_may_be_turned_off)
{
    world->srf->element.transports.listeners->keepalive_s = SRF_TIMEOUT_NONE;
    ask("REGISTER", ";keep", "");
    party_reply(world->one, 0, "200 OK", "");
    world_settle(world);
    expect("200", ";keep");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keep");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_registration_is_kept_alive);
    tcase_add_test(tcase, a_dialog_that_records_us_is_kept_alive);
    tcase_add_test(tcase, a_dialog_that_goes_on_without_us_is_not);
    tcase_add_loop_test(tcase, other_requests_cannot_ask_for_it, 0, 4);
    tcase_add_loop_test(
        tcase, every_request_that_forms_or_refreshes_a_dialog_can, 0, 5);
    tcase_add_loop_test(tcase, what_is_no_offer_stays_as_it_is, 0, 6);
    tcase_add_loop_test(tcase, an_offer_is_found_however_it_stands, 0, 6);
    tcase_add_test(tcase, only_the_neighbour_is_answered);
    tcase_add_test(tcase, nothing_is_offered_on_our_behalf);
    tcase_add_loop_test(tcase, an_answer_of_the_programs_own_takes_it_up, 0, 2);
    tcase_add_loop_test(tcase, a_refusal_does_not, 0, 2);
    tcase_add_test(tcase, the_time_is_told_that_was_set);
    tcase_add_test(tcase, it_may_be_turned_off);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
