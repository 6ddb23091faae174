/*
 * Overload: new work is refused without state, calls that stand are served, and
 * it ends by itself.
 *
 * SPDX-License-Identifier: MIT
 */
#include "pieces.h"
#include "runner.h"

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

int main(void)
{
    Suite *suite = suite_create("overload");
    TCase *tcase = tcase_create("overload");

    tcase_add_test(tcase, too_many_transactions_get_503_and_retry_after);
    tcase_add_test(tcase, under_overload_calls_that_stand_are_served);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
