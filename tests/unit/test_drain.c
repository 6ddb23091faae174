/*
 * srf_drain(): what is still served, what is refused, and when it is over.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

static unsigned drained;
static int drained_err;

static void on_drained(srf_t *srf, int err)
{
    ck_assert_ptr_nonnull(srf);
    drained++;
    drained_err = err;
}

static void destroy_when_drained(srf_t *srf, int err)
{
    on_drained(srf, err);
    srf_destroy(srf, NULL);
}

static world_t *drain_world(void)
{
    drained = 0;
    drained_err = 1;
    return world_create("10.0.0.11", NULL);
}

START_TEST(an_idle_stack_is_dry_at_once_but_not_inside_the_call)
{
    world_t *world = drain_world();

    ck_assert_int_eq(srf_drain(world->srf, on_drained), 0);
    ck_assert_uint_eq(drained, 0);
    memnet_run(world->net, 1);
    ck_assert_uint_eq(drained, 1);
    ck_assert_int_eq(drained_err, 0);
    memnet_run(world->net, 60000);
    ck_assert_uint_eq(drained, 1);
    world_destroy(world);
}
END_TEST

START_TEST(new_requests_are_refused_without_state)
{
    world_t *world = drain_world();

    ck_assert_int_eq(srf_drain(world->srf, NULL), 0);
    world_call(world);
    world_request(world, "OPTIONS", WORLD_URI, "o", "");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 503"), 2);
    int seconds = atoi(party_header(world->caller,
                                    party_find(world->caller, "SIP/2.0 503", 0),
                                    "Retry-After", 0));
    ck_assert_int_ge(seconds, 5);
    ck_assert_int_le(seconds, 7);
    ck_assert_uint_eq(world_stats(world).server_transactions, 0);
    ck_assert_uint_eq(world->program.handled, 0);
    world_destroy(world);
}
END_TEST

START_TEST(a_call_under_way_goes_on_to_its_end)
{
    world_t *world = drain_world();

    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    ck_assert_int_eq(srf_drain(world->srf, on_drained), 0);
    memnet_run(world->net, 5000);
    ck_assert_uint_eq(drained, 0);
    party_invite(world->caller, WORLD_PROXY, WORLD_URI, "c1", ""); /* again */
    world_settle(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 503"), 0);
    world_answer(world, world->one, "200 OK");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_uint_eq(drained, 0); /* Timers L and M run */
    memnet_run(world->net, 33000);
    ck_assert_uint_eq(drained, 1);
    ck_assert_uint_eq(world_stats(world).server_transactions, 0);
    world_destroy(world);
}
END_TEST

START_TEST(a_ringing_call_can_be_cancelled)
{
    world_t *world = drain_world();

    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    ck_assert_int_eq(srf_drain(world->srf, on_drained), 0);
    world_cancel(world);
    ck_assert_uint_eq(party_received(world->one, "CANCEL"), 1);
    world_answer(world, world->one, "487 Request Terminated");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 1);
    world_ack(world, "x");
    world_destroy(world);
    ck_assert_uint_eq(drained, 1);
}
END_TEST

START_TEST(dialogs_are_served)
{
    world_t *world = drain_world();

    ck_assert_int_eq(srf_drain(world->srf, on_drained), 0);
    memnet_run(world->net, 1);
    world_in_dialog(world, world->caller, "BYE", "sip:bob@10.0.0.11", "b",
                    "Route: <sip:10.0.0.1:5060;lr;srf=MARK>\n");
    ck_assert_uint_eq(party_received(world->one, "BYE"), 1);
    party_reply(world->one, 0, "200 OK", "");
    world_settle(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    world_destroy(world);
}
END_TEST

static srf_req_t *kept;

static void keep(srf_req_t *req, srf_res_t *res)
{
    (void)res;
    kept = srf_req_ref(req);
}

START_TEST(a_request_with_the_program_is_waited_for)
{
    world_t *world = drain_world();

    ck_assert_int_eq(srf_on(world->srf, NULL, keep), 0);
    world_request(world, "MESSAGE", WORLD_URI, "m", "");
    ck_assert_int_eq(srf_drain(world->srf, on_drained), 0);
    memnet_run(world->net, 10000);
    ck_assert_uint_eq(drained, 0);
    ck_assert_int_eq(srf_res_send(srf_req_res(kept), 200, NULL), 0);
    srf_req_unref(kept);
    memnet_run(world->net, 33000);
    ck_assert_uint_eq(drained, 1);
    world_destroy(world);
}
END_TEST

START_TEST(the_stack_may_be_destroyed_when_it_is_dry)
{
    world_t *world = drain_world();

    world_call(world);
    world_answer(world, world->one, "486 Busy Here");
    world_ack(world, "uas");
    ck_assert_int_eq(srf_drain(world->srf, destroy_when_drained), 0);
    memnet_run(world->net, 40000);
    ck_assert_uint_eq(drained, 1);
    world_destroy_rest(world);
}
END_TEST

START_TEST(destroy_before_it_is_dry_is_told)
{
    world_t *world = drain_world();

    world_call(world);
    ck_assert_int_eq(srf_drain(world->srf, on_drained), 0);
    ck_assert_int_eq(srf_drain(world->srf, on_drained),
                     SRF_ERR_INVALID_ARGUMENT);
    srf_destroy(world->srf, NULL);
    ck_assert_int_eq(srf_drain(NULL, on_drained), SRF_ERR_INVALID_ARGUMENT);
    ck_assert_uint_eq(drained, 0);
    memnet_run(world->net, 10);
    ck_assert_uint_eq(drained, 1);
    ck_assert_int_eq(drained_err, SRF_ERR_CANCELED);
    world_destroy_rest(world);
}
END_TEST

/* In one turn of the loop, as two signals may be. */
START_TEST(an_idle_stack_that_is_destroyed_is_not_told_to_be_dry)
{
    world_t *world = drain_world();

    ck_assert_int_eq(srf_drain(world->srf, on_drained), 0);
    srf_destroy(world->srf, NULL);
    memnet_run(world->net, 10);
    ck_assert_uint_eq(drained, 1);
    ck_assert_int_eq(drained_err, SRF_ERR_CANCELED);
    world_destroy_rest(world);
}
END_TEST

static unsigned destroyed[2];

static void on_destroyed(void *data)
{
    (void)data;
    destroyed[0]++;
}

static void on_destroyed_too(void *data)
{
    (void)data;
    destroyed[1]++;
}

START_TEST(a_second_destroy_changes_nothing)
{
    world_t *world = drain_world();

    memset(destroyed, 0, sizeof(destroyed));
    /* Once more in its callback, which comes while the stack goes. */
    ck_assert_int_eq(srf_drain(world->srf, destroy_when_drained), 0);
    srf_destroy(world->srf, _i == 0 ? on_destroyed : NULL);
    srf_destroy(world->srf, on_destroyed_too);
    srf_destroy(world->srf, on_destroyed);
    ck_assert_int_eq(srf_drain(world->srf, on_drained),
                     SRF_ERR_INVALID_ARGUMENT);
    memnet_run(world->net, 10);
    ck_assert_uint_eq(destroyed[0], _i == 0);
    ck_assert_uint_eq(destroyed[1], _i == 1);
    ck_assert_uint_eq(drained, 1);
    ck_assert_int_eq(drained_err, SRF_ERR_CANCELED);
    world_destroy_rest(world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("drain");
    TCase *tcase = tcase_create("drain");

    tcase_add_test(tcase, an_idle_stack_is_dry_at_once_but_not_inside_the_call);
    tcase_add_test(tcase, new_requests_are_refused_without_state);
    tcase_add_test(tcase, a_call_under_way_goes_on_to_its_end);
    tcase_add_test(tcase, a_ringing_call_can_be_cancelled);
    tcase_add_test(tcase, dialogs_are_served);
    tcase_add_test(tcase, a_request_with_the_program_is_waited_for);
    tcase_add_test(tcase, the_stack_may_be_destroyed_when_it_is_dry);
    tcase_add_test(tcase, destroy_before_it_is_dry_is_told);
    tcase_add_test(tcase,
                   an_idle_stack_that_is_destroyed_is_not_told_to_be_dry);
    tcase_add_loop_test(tcase, a_second_destroy_changes_nothing, 0, 2);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
