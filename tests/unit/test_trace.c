/*
 * The trace of messages.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

static char lines[1024]; /* "> 10.0.0.9 INVITE; < ..." */
static int data_given;

static void on_trace(const srf_trace_t *trace, void *data)
{
    char line[96];
    char first[24];
    size_t len = trace->len < sizeof(first) ? trace->len : sizeof(first) - 1;

    ck_assert_ptr_eq(data, &data_given);
    ck_assert_uint_eq(trace->size, sizeof(*trace));
    ck_assert_str_eq(trace->local_address, "10.0.0.1");
    ck_assert_int_eq(trace->local_port, 5060);
    ck_assert_int_eq(trace->remote_port, 5060);
    ck_assert_str_eq(trace->transport, "udp");
    ck_assert_int_gt(trace->time_us, 0);
    memcpy(first, trace->data, len);
    first[len] = '\0';
    first[strcspn(first, trace->sent ? "\r@" : " \r")] = '\0';
    snprintf(line, sizeof(line), "%s %s %.11s; ", trace->sent ? ">" : "<",
             trace->remote_address, first);
    ck_assert_uint_lt(strlen(lines) + strlen(line), sizeof(lines));
    strcat(lines, line);
}

static world_t *traced_world(void)
{
    srf_options_t options;

    lines[0] = '\0';
    srf_options_init(&options);
    options.trace_cb = on_trace;
    options.trace_data = &data_given;
    return world_create_with(&options, "10.0.0.11", NULL);
}

START_TEST(each_message_is_seen_in_the_order_of_the_wire)
{
    world_t *world = traced_world();

    world_call(world);
    world_answer(world, world->one, "200 OK");
    ck_assert_str_eq(lines, "< 10.0.0.9 INVITE; > 10.0.0.9 SIP/2.0 100; "
                            "> 10.0.0.11 INVITE sip:; < 10.0.0.11 SIP/2.0; "
                            "> 10.0.0.9 SIP/2.0 200; ");
    world_destroy(world);
}
END_TEST

START_TEST(retransmissions_are_seen)
{
    world_t *world = traced_world();

    world_call(world);
    lines[0] = '\0';
    memnet_run(world->net, 600);
    ck_assert_str_eq(lines, "> 10.0.0.11 INVITE sip:; ");
    world_destroy(world);
}
END_TEST

START_TEST(what_is_no_message_is_seen_too)
{
    world_t *world = traced_world();

    mempeer_send(world->caller->peer,
                 &(srf__addr_t){.family = 4,
                                .transport = SRF__TRANSPORT_UDP,
                                .port = 5060,
                                .ip = {10, 0, 0, 1}},
                 "rubbish", 7);
    memnet_run(world->net, 1);
    ck_assert_str_eq(lines, "< 10.0.0.9 rubbish; ");
    ck_assert_uint_eq(world_stats(world).dropped_malformed, 1);
    world_destroy(world);
}
END_TEST

/* A forwarded response leaves in two pieces. */
static char seen[4096];

static void keep_200(const srf_trace_t *trace, void *data)
{
    (void)data;
    if (trace->sent && trace->len < sizeof(seen) &&
        strncmp(trace->data, "SIP/2.0 200", 11) == 0) {
        memcpy(seen, trace->data, trace->len);
        seen[trace->len] = '\0';
    }
}

START_TEST(what_is_seen_is_what_arrives)
{
    srf_options_t options;

    srf_options_init(&options);
    options.trace_cb = keep_200;
    world_t *world = world_create_with(&options, "10.0.0.11", NULL);
    world_call(world);
    world_answer(world, world->one, "200 OK");
    ck_assert_str_eq(seen, party_find(world->caller, "SIP/2.0 200", 0));
    world_destroy(world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trace");
    TCase *tcase = tcase_create("trace");

    tcase_add_test(tcase, each_message_is_seen_in_the_order_of_the_wire);
    tcase_add_test(tcase, retransmissions_are_seen);
    tcase_add_test(tcase, what_is_no_message_is_seen_too);
    tcase_add_test(tcase, what_is_seen_is_what_arrives);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
