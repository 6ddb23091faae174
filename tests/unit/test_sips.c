/*
 * What is asked for by sips leaves over TLS or not at all (RFC 3261 §26.2.2):
 * here there is nothing but UDP to leave by.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

static world_t *create(uint32_t downgrade, const char *first)
{
    srf_options_t options;

    srf_options_init(&options);
    options.sips_downgrade = downgrade;
    return world_create_with(&options, first, NULL);
}

/* A further listener makes sips:10.0.0.1 one of our names. Nothing is sent
 * along it. */
static void listen_to_tls(world_t *world)
{
    memnet_listen(world->net, world->srf, "10.0.0.1:5061");
    srf__listener_t *listener = world->srf->element.transports.listeners;
    while (listener->next != NULL)
        listener = listener->next;
    listener->bound.transport = SRF__TRANSPORT_TLS;
}

static void expect_refusal(world_t *world)
{
    ck_assert_uint_eq(party_received(world->one, "INVITE"), 0);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 500"), 1);
    ck_assert_uint_eq(world_stats(world).sips_refused, 1);
    world_destroy(world);
}

/* RFC 3261 §16.5: our own name has made way for the target, but it is still
 * the caller who asked for it. */
START_TEST(what_came_for_a_sips_uri_of_ours_does_not_go_to_an_open_target)
{
    world_t *world = create(0, "10.0.0.11");

    listen_to_tls(world);
    world_request(world, "INVITE", "sips:100@10.0.0.1", "c1", "");
    expect_refusal(world);
}
END_TEST

START_TEST(it_does_where_the_program_lets_it)
{
    world_t *world = create(1, "10.0.0.11");

    listen_to_tls(world);
    world_request(world, "INVITE", "sips:100@10.0.0.1", "c1", "");
    ck_assert_uint_eq(party_received(world->one, "INVITE sip:10.0.0.11 "), 1);
    ck_assert_uint_eq(world_stats(world).sips_refused, 0);
    world_answer(world, world->one, "200 OK");
    world_destroy(world);
}
END_TEST

/* There is no TCP here either, which a request as long as this one would be
 * sent over (§18.1.1): it is sent all the same, and was not refused. */
START_TEST(what_is_sent_is_not_counted)
{
    world_t *world = create(1, NULL);
    char lines[2000];

    memset(lines, 'x', sizeof(lines));
    memcpy(lines, "X: ", 3);
    strcpy(lines + sizeof(lines) - 40, "\nRoute: <sip:10.0.0.11;lr>\n");
    world_request(world, "INVITE", "sips:bob@10.0.0.12", "c1", lines);
    ck_assert_uint_eq(party_received(world->one, "INVITE"), 1);
    ck_assert_uint_eq(world_stats(world).sips_refused, 0);
    world_answer(world, world->one, "200 OK");
    world_destroy(world);
}
END_TEST

/* A target of sips is no open one, whatever was asked for. */
START_TEST(what_came_for_sip_does_not_go_to_sips_in_the_clear)
{
    world_t *world = create((uint32_t)_i, "sips:10.0.0.11");

    world_call(world);
    expect_refusal(world);
}
END_TEST

START_TEST(without_tls_what_is_for_sips_is_counted)
{
    world_t *world = create((uint32_t)_i, NULL);

    world_request(world, "INVITE", "sips:bob@10.0.0.11", "c1", "");
    expect_refusal(world);
}
END_TEST

/* The request goes where a Route or a flow of ours leads, in all its forms. */
START_TEST(no_route_takes_sips_into_the_clear)
{
    static const char *const routes[] = {
        "Route: <sip:10.0.0.11;lr>\n",
        "Route: <sip:10.0.0.11>\n",
        "Route: <sip:10.0.0.11;transport=udp;lr>\n",
        "Route: <sip:10.0.0.1;lr>, <sip:10.0.0.11;lr>\n",
        "Route: <sips:10.0.0.11;lr>\n",
    };
    world_t *world = create(0, NULL);

    world_request(world, "INVITE", "sips:bob@10.0.0.12", "c1", routes[_i]);
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 0);
    expect_refusal(world);
}
END_TEST

static char told[400];

static void on_log(srf_log_level_t level, const srf_log_event_t *event,
                   void *data)
{
    (void)level;
    (void)data;
    (void)snprintf(told, sizeof(told), "%s", event->text);
}

/* Nobody is answered: else it would vanish without a trace. */
START_TEST(an_ack_that_is_dropped_tells_why)
{
    static const struct {
        const char *uri, *route, *told;
    } acks[] = {
        {"sips:bob@10.0.0.12", "Route: <sip:10.0.0.1;lr;srf=MARK>\n",
         "no listener for that transport"},
        {"sip:bob@10.0.0.12", "", "no call that went through here"},
        {"sip:bob@10.0.0.1", "Route: <sip:10.0.0.1;lr;srf=MARK>\n",
         "it leads nowhere"},
    };
    srf_options_t options;

    srf_options_init(&options);
    options.log_cb = on_log;
    options.log_level = SRF_LOG_INFO;
    world_t *world = world_create_with(&options, NULL, NULL);

    world_in_dialog(world, world->caller, "ACK", acks[_i].uri, "c1",
                    acks[_i].route);
    ck_assert_uint_eq(party_received(world->two, "ACK"), 0);
    ck_assert_uint_eq(world_stats(world).dropped_unmatched, 1);
    ck_assert_uint_eq(world_stats(world).sips_refused, _i == 0);
    ck_assert_msg(strstr(told, acks[_i].told) != NULL, "%s", told);
    ck_assert_msg(strncmp(told, "ACK ", 4) == 0, "%s", told);
    world_destroy(world);
}
END_TEST

START_TEST(a_redirect_does_not_leave_sips_for_sip)
{
    world_t *world = create(1, NULL);

    world->program.options.follow_redirects = 1;
    world_request(world, "INVITE", "sips:bob@10.0.0.12", "c1",
                  "Route: <sip:10.0.0.11;lr>\n");
    world_answer_with(world, world->one, "302 Moved Temporarily",
                      "Contact: <sip:bob@10.0.0.12>\n");
    ck_assert_uint_eq(party_received(world->one, "INVITE"), 1);
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 0);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 302"), 1);
    world_destroy(world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sips");
    TCase *tcase = tcase_create("clear text");

    tcase_add_test(
        tcase, what_came_for_a_sips_uri_of_ours_does_not_go_to_an_open_target);
    tcase_add_test(tcase, it_does_where_the_program_lets_it);
    tcase_add_test(tcase, what_is_sent_is_not_counted);
    tcase_add_loop_test(
        tcase, what_came_for_sip_does_not_go_to_sips_in_the_clear, 0, 2);
    tcase_add_loop_test(tcase, without_tls_what_is_for_sips_is_counted, 0, 2);
    tcase_add_loop_test(tcase, no_route_takes_sips_into_the_clear, 0, 5);
    tcase_add_loop_test(tcase, an_ack_that_is_dropped_tells_why, 0, 3);
    tcase_add_test(tcase, a_redirect_does_not_leave_sips_for_sip);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
