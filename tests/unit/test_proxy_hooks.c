/*
 * on_branch, on_response, stop_codes and failover_codes.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "world.h"

#include <stdio.h>

/* What the hooks were told, as one line of text. */
static char told[512];
static program_t *program;

static void note(const char *text)
{
    ck_assert(!program->inside);
    ck_assert_uint_eq(program->done, 0);
    ck_assert_uint_lt(strlen(told) + strlen(text), sizeof(told));
    strcat(told, text);
}

static void on_branch(srf_req_t *req, const srf_proxy_response_t *branch)
{
    char text[128];

    ck_assert_ptr_nonnull(srf_req_call_id(req));
    snprintf(text, sizeof(text), "%s:%d %s; ", branch->address, branch->port,
             branch->cause == 0 ? "begins" : srf_cause_name(branch->cause));
    note(text);
}

static void on_response(srf_req_t *req, const srf_proxy_response_t *branch,
                        const srf_proxy_msg_t *response)
{
    char text[128];

    ck_assert_ptr_nonnull(srf_req_call_id(req));
    ck_assert_int_gt(response->time_us, 0);
    ck_assert_int_eq(response->msg == NULL, response->status == 100);
    snprintf(text, sizeof(text), "%s %d; ", branch->address, response->status);
    note(text);
}

static world_t *hooked_world(void)
{
    world_t *world = world_create("10.0.0.11", "10.0.0.12");

    told[0] = '\0';
    program = &world->program;
    world->program.options.on_branch = on_branch;
    world->program.options.on_response = on_response;
    return world;
}

START_TEST(hooks_are_told_in_the_order_of_events)
{
    world_t *world = hooked_world();

    world_call(world);
    world_answer(world, world->one, "100 Trying");
    world_answer(world, world->one, "180 Ringing");
    world_answer(world, world->one, "486 Busy Here");
    world_answer(world, world->two, "200 OK");
    ck_assert_str_eq(told,
                     "10.0.0.11:5060 begins; 10.0.0.11 100; 10.0.0.11 180; "
                     "10.0.0.11 486; 10.0.0.11:5060 response; "
                     "10.0.0.12:5060 begins; 10.0.0.12 200; "
                     "10.0.0.12:5060 response; ");
    ck_assert_uint_eq(world->program.done, 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_branch_that_fails_is_told_with_its_cause)
{
    world_t *world = hooked_world();

    world->program.uris[0] = "nowhere.example.com";
    memnet_close_port(world->net, WORLD_TWO, true);
    world_call(world);
    memnet_run(world->net, 5);
    ck_assert_str_eq(told, ":0 dns; 10.0.0.12:5060 begins; "
                           "10.0.0.12:5060 transport; ");
    world_destroy(world);
}
END_TEST

START_TEST(one_hook_does_without_the_other)
{
    world_t *world = hooked_world();

    if (_i == 0)
        world->program.options.on_branch = NULL;
    else
        world->program.options.on_response = NULL;
    world_call(world);
    world_answer(world, world->one, "200 OK");
    ck_assert_str_eq(told, _i == 0 ? "10.0.0.11 200; "
                                   : "10.0.0.11:5060 begins; "
                                     "10.0.0.11:5060 response; ");
    world_destroy(world);
}
END_TEST

static void destroy_on_branch(srf_req_t *req,
                              const srf_proxy_response_t *branch)
{
    if (branch->cause != SRF_CAUSE_NONE)
        srf_destroy(srf_req_srf(req), NULL);
}

START_TEST(the_stack_may_be_destroyed_in_a_hook)
{
    world_t *world = hooked_world();

    world->program.options.on_branch = destroy_on_branch;
    world->program.options.on_response = NULL;
    world_call(world);
    world_answer(world, world->one, "486 Busy Here");
    memnet_run(world->net, 10);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.err, SRF_ERR_CANCELED);
    world_destroy_rest(world);
}
END_TEST

/* ---- codes ---- */

START_TEST(a_stop_code_ends_a_sequential_search)
{
    static const int32_t codes[] = {404, 486, 0};
    world_t *world = world_create("10.0.0.11", "10.0.0.12");

    world->program.options.stop_codes = codes;
    world_call(world);
    world_answer(world, world->one, "486 Busy Here");
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 0);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 486"), 1);
    ck_assert_uint_eq(world->program.done, 1);
    world_destroy(world);
}
END_TEST

START_TEST(other_codes_go_on)
{
    static const int32_t codes[] = {404, 486, 0};
    world_t *world = world_create("10.0.0.11", "10.0.0.12");

    world->program.options.stop_codes = codes;
    world_call(world);
    world_answer(world, world->one, "480 Temporarily Unavailable");
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_stop_code_does_not_cancel_parallel_branches)
{
    static const int32_t codes[] = {486, 0};
    world_t *world = world_create("10.0.0.11", "10.0.0.12");

    world->program.options.stop_codes = codes;
    world->program.options.forking = SRF_FORKING_SIMULTANEOUS;
    world_call(world);
    world_answer(world, world->two, "180 Ringing");
    world_answer(world, world->one, "486 Busy Here");
    ck_assert_uint_eq(party_received(world->two, "CANCEL"), 0);
    world_destroy(world);
}
END_TEST

START_TEST(a_failover_code_lets_the_search_go_on_after_a_6xx)
{
    static const int32_t codes[] = {603, 0};
    world_t *world = world_create("10.0.0.11", "10.0.0.12");

    world->program.options.failover_codes = codes;
    world_call(world);
    world_answer(world, world->one, _i == 0 ? "603 Decline" : "600 Busy");
    ck_assert_uint_eq(party_received(world->two, "INVITE"), _i == 0 ? 1 : 0);
    world_destroy(world);
}
END_TEST

START_TEST(the_codes_are_copied)
{
    int32_t codes[] = {486, 0};
    world_t *world = world_create("10.0.0.11", "10.0.0.12");

    world->program.options.stop_codes = codes;
    world_call(world);
    codes[0] = 404;
    world_answer(world, world->one, "486 Busy Here");
    ck_assert_uint_eq(party_received(world->two, "INVITE"), 0);
    world_destroy(world);
}
END_TEST

START_TEST(settings_out_of_range_are_refused)
{
    static const int32_t low[] = {299, 0};
    static const int32_t high[] = {700, 0};
    static const int32_t five[] = {503, 0};
    world_t *world = world_create("10.0.0.11", NULL);
    srf_proxy_options_t *options = &world->program.options;

    switch (_i) {
    case 0:
        options->stop_codes = low;
        break;
    case 1:
        options->stop_codes = high;
        break;
    case 2:
        options->failover_codes = five; /* goes on anyway */
        break;
    case 3:
        options->forking = 2;
        break;
    default:
        options->max_redirects = 256;
        break;
    }
    world_call(world);
    ck_assert_int_eq(world->program.started, SRF_ERR_INVALID_ARGUMENT);
    ck_assert_uint_eq(world->program.done, 0);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 500"), 1);
    world_destroy(world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hooks");
    TCase *tcase = tcase_create("hooks");

    tcase_add_test(tcase, hooks_are_told_in_the_order_of_events);
    tcase_add_test(tcase, a_branch_that_fails_is_told_with_its_cause);
    tcase_add_loop_test(tcase, one_hook_does_without_the_other, 0, 2);
    tcase_add_test(tcase, the_stack_may_be_destroyed_in_a_hook);
    tcase_add_test(tcase, a_stop_code_ends_a_sequential_search);
    tcase_add_test(tcase, other_codes_go_on);
    tcase_add_test(tcase, a_stop_code_does_not_cancel_parallel_branches);
    tcase_add_loop_test(
        tcase, a_failover_code_lets_the_search_go_on_after_a_6xx, 0, 2);
    tcase_add_test(tcase, the_codes_are_copied);
    tcase_add_loop_test(tcase, settings_out_of_range_are_refused, 0, 5);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
