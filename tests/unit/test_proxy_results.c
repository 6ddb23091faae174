/*
 * What a program is told when a proxy operation is over.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "world.h"

#include <stdio.h>

/* One target as the program saw it, in text: "uri address port transport
 * cause: statuses". */
static char story[WORLD_RESPONSES][256];
static char json[65536];
static char final_reason[64];
static int64_t final_time;

static void tell(srf_req_t *req, int err, const srf_proxy_results_t *results)
{
    (void)req;
    (void)err;
    ck_assert_uint_ge(results->size, sizeof(*results));
    for (size_t i = 0; i < results->response_count; i++) {
        const srf_proxy_response_t *response = &results->responses[i];
        int at = sprintf(story[i], "%s %s %d %s %s:", response->target,
                         response->address, response->port, response->transport,
                         srf_cause_name(response->cause));
        for (size_t k = 0; k < response->msg_count; k++) {
            const srf_proxy_msg_t *msg = &response->msgs[k];
            at += sprintf(story[i] + at, " %d", msg->status);
            ck_assert_int_eq(msg->msg == NULL, msg->status == 100);
            if (msg->msg != NULL)
                ck_assert_int_eq(srf_msg_status(msg->msg), msg->status);
            ck_assert_int_gt(msg->time_us, 0);
        }
    }
    final_reason[0] = '\0';
    if (results->final_response != NULL) {
        const srf_proxy_msg_t *final = results->final_response;
        ck_assert_int_eq(final->status, results->final_status);
        strcpy(final_reason, srf_msg_reason(final->msg));
        final_time = final->time_us;
    }
    char *text = srf_proxy_results_json(results);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_lt(strlen(text), sizeof(json));
    strcpy(json, text);
    srf_free(text);
}

static world_t *create(const char *first, const char *second)
{
    world_t *world = world_create(first, second);

    memset(story, 0, sizeof(story));
    world->program.look = tell;
    return world;
}

static void expect_json(const char *piece)
{
    ck_assert_msg(strstr(json, piece) != NULL, "no %s in %s", piece, json);
}

START_TEST(each_target_is_told_with_all_its_responses)
{
    world_t *world = create("bob@10.0.0.11", "10.0.0.12:5060;transport=udp");

    world_call(world);
    world_answer(world, world->one, "100 Trying");
    world_answer(world, world->one, "180 Ringing");
    world_answer(world, world->one, "183 Progress");
    world_answer(world, world->one, "404 Not Found");
    world_answer(world, world->two, "180 Ringing");
    world_answer(world, world->two, "200 Very Well");
    ck_assert_str_eq(
        story[0],
        "sip:bob@10.0.0.11 10.0.0.11 5060 udp response: 100 180 183 404");
    ck_assert_str_eq(story[1], "sip:10.0.0.12:5060;transport=udp 10.0.0.12 "
                               "5060 udp response: 180 200");
    ck_assert_uint_eq(world->program.responses, 2);
    ck_assert_int_eq(world->program.err, 0);
    ck_assert_int_eq(world->program.connected, 1);
    ck_assert_int_eq(world->program.final_status, 200);
    ck_assert_str_eq(final_reason, "Very Well");
    ck_assert_int_eq(final_time, 1700000000000000);
    world_destroy(world);
}
END_TEST

START_TEST(what_was_not_tried_is_not_told)
{
    world_t *world = create("10.0.0.11", "10.0.0.12");

    world_call(world);
    world_answer(world, world->one, "603 Decline");
    ck_assert_uint_eq(world->program.responses, 1);
    ck_assert_int_eq(world->program.connected, 0);
    ck_assert_int_eq(world->program.final_status, 603);
    ck_assert_str_eq(final_reason, "Decline");
    world_destroy(world);
}
END_TEST

START_TEST(causes_are_told)
{
    static const struct {
        const char *target;
        const char *story;
    } cases[] = {
        {"10.0.0.13", "sip:10.0.0.13 10.0.0.13 5060 udp timer B:"},
        {"10.0.0.14", "sip:10.0.0.14 10.0.0.14 5060 udp transport:"},
        {"10.0.0.15", "sip:10.0.0.15 10.0.0.15 5060 udp transport:"},
        {"no.example.com", "sip:no.example.com  0  dns:"},
    };
    world_t *world = create(cases[_i].target, "10.0.0.12");

    memnet_close_port(world->net, "10.0.0.14:5060", false);
    memnet_close_port(world->net, "10.0.0.15:5060", true);
    world_call(world);
    memnet_run(world->net, 32010);
    world_answer(world, world->two, "200 OK");
    ck_assert_str_eq(story[0], cases[_i].story);
    ck_assert_uint_eq(world->program.responses, 2);
    ck_assert_int_eq(world->program.err, 0);
    world_destroy(world);
}
END_TEST

START_TEST(an_outbound_proxy_tells_the_request_uri)
{
    world_t *world = create(NULL, NULL);

    party_invite(world->caller, WORLD_PROXY, "sip:bob@10.0.0.11;x=y", "c1",
                 "Route: <sip:10.0.0.12;lr>\n");
    world_settle(world);
    world_answer(world, world->two, "486 Busy Here");
    ck_assert_str_eq(story[0], "sip:bob@10.0.0.11;x=y 10.0.0.12 5060 udp "
                               "response: 486");
    world_destroy(world);
}
END_TEST

START_TEST(what_was_made_here_has_no_message)
{
    world_t *world = create("10.0.0.11", "10.0.0.12");

    world_call(world);
    world_answer(world, world->one, "503 Full");
    world_answer(world, world->two, "503 Full Too");
    ck_assert_int_eq(world->program.final_status, 500);
    ck_assert_int_eq(world->program.has_final, 0);
    ck_assert_int_eq(world->program.err, 0);
    ck_assert_str_eq(final_reason, "");
    expect_json("\"finalStatus\":500");
    world_destroy(world);
}
END_TEST

START_TEST(nothing_to_try_is_an_error)
{
    world_t *world = create("no.example.com", "nor.example.com");

    world_call(world);
    ck_assert_int_eq(world->program.err, SRF_ERR_NO_TARGET);
    ck_assert_uint_eq(world->program.responses, 2);
    ck_assert_int_eq(world->program.connected, 0);
    ck_assert_int_eq(world->program.final_status, 500);
    world_destroy(world);
}
END_TEST

START_TEST(the_report_comes_when_the_final_response_was_sent)
{
    world_t *world = create("10.0.0.11", NULL);

    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    memnet_run(world->net, 100000);
    ck_assert_uint_eq(world->program.done, 0);
    world_answer(world, world->one, "486 Busy Here");
    ck_assert_uint_eq(world->program.done, 1);
    world_answer(world, world->one, "486 Busy Here");
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_uint_eq(world->program.msg_counts[0], 2);
    world_destroy(world);
}
END_TEST

START_TEST(many_provisional_responses_are_bounded)
{
    world_t *world = create("10.0.0.11", NULL);

    world_call(world);
    for (unsigned i = 0; i < 100; i++) {
        world_answer(world, world->one, "180 Ringing");
        party_clear(world->caller);
    }
    world_answer(world, world->one, "200 OK");
    ck_assert_uint_ge(world->program.msg_counts[0], 2);
    ck_assert_uint_le(world->program.msg_counts[0], 40);
    ck_assert_str_eq(final_reason, "OK");
    world_destroy(world);
}
END_TEST

START_TEST(the_json_has_names_and_shape_of_drachtio)
{
    world_t *world = create("10.0.0.11", "10.0.0.12");

    world_call(world);
    world_answer(world, world->one, "404 Not \"Here\"");
    world_answer_with(world, world->two, "200 OK", "X-Odd: caf\xe9\t\x01\n");
    ck_assert_int_eq(json[0], '{');
    ck_assert_int_eq(json[strlen(json) - 1], '}');
    expect_json("\"connected\":true");
    expect_json("\"finalStatus\":200");
    expect_json("\"finalResponse\":{\"time\":");
    expect_json("\"responses\":[{\"address\":\"10.0.0.11\",\"port\":5060,"
                "\"msgs\":[{\"time\":");
    expect_json("Not \\\"Here\\\"");
    expect_json("\"target\":\"sip:10.0.0.12\"");
    expect_json("\"transport\":\"udp\"");
    expect_json("\"cause\":\"response\"");
    ck_assert_ptr_null(strchr(json, '\n'));
    ck_assert_ptr_null(strchr(json, '\xe9'));
    ck_assert_ptr_null(strchr(json, '\x01'));
    world_destroy(world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proxy_results");
    TCase *tcase = tcase_create("results");

    tcase_add_test(tcase, each_target_is_told_with_all_its_responses);
    tcase_add_test(tcase, what_was_not_tried_is_not_told);
    tcase_add_loop_test(tcase, causes_are_told, 0, 4);
    tcase_add_test(tcase, an_outbound_proxy_tells_the_request_uri);
    tcase_add_test(tcase, what_was_made_here_has_no_message);
    tcase_add_test(tcase, nothing_to_try_is_an_error);
    tcase_add_test(tcase, the_report_comes_when_the_final_response_was_sent);
    tcase_add_test(tcase, many_provisional_responses_are_bounded);
    tcase_add_test(tcase, the_json_has_names_and_shape_of_drachtio);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
