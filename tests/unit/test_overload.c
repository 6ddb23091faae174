/*
 * Overload: new work is refused without state, calls that stand are served, and
 * it ends by itself.
 *
 * SPDX-License-Identifier: MIT
 */
#include "pieces.h"
#include "runner.h"

#include "base/alloc.h"

#include <stdlib.h>

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
                    "Route: <sip:10.0.0.1;lr;srf=MARK>\n");
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

static unsigned retry_after(const world_t *world, unsigned index)
{
    const char *msg = party_find(world->caller, "SIP/2.0 503", index);
    unsigned seconds = 0;

    ck_assert_ptr_nonnull(msg);
    const char *line = strstr(msg, "\r\nRetry-After: ");
    ck_assert_ptr_nonnull(line);
    ck_assert_int_eq(sscanf(line, "\r\nRetry-After: %u\r\n", &seconds), 1);
    return seconds;
}

static void end_call(world_t *world)
{
    world_answer(world, world->one, "486 Busy Here");
    world_ack(world, "uas");
    memnet_drain(world->net, 600000);
    party_clear(world->caller);
    party_clear(world->one);
}

START_TEST(callers_come_back_at_different_times)
{
    enum { CALLERS = 20 };
    srf_options_t options;
    unsigned least = UINT32_MAX;
    unsigned most = 0;

    srf_options_init(&options);
    options.max_transactions = 2;
    options.retry_after_s = _i == 0 ? 0 : 100;
    unsigned low = _i == 0 ? 5 : 100;
    unsigned high = _i == 0 ? 7 : 150;
    world_t *world = world_create_with(&options, "10.0.0.11", NULL);
    world_call(world);
    for (unsigned i = 0; i < CALLERS; i++) {
        char id[8];
        sprintf(id, "x%u", i);
        party_invite(world->caller, WORLD_PROXY, WORLD_URI, id, "");
        world_settle(world);
        unsigned seconds = retry_after(world, i);
        ck_assert_uint_ge(seconds, low);
        ck_assert_uint_le(seconds, high);
        least = seconds < least ? seconds : least;
        most = seconds > most ? seconds : most;
    }
    ck_assert_uint_gt(most, least);
    /* Sent again it gets the same answer. */
    party_invite(world->caller, WORLD_PROXY, WORLD_URI, "x0", "");
    world_settle(world);
    ck_assert_uint_eq(retry_after(world, CALLERS), retry_after(world, 0));
    ck_assert_uint_eq(world_stats(world).overloaded, CALLERS + 1);
    end_call(world);
    world_destroy(world);
}
END_TEST

START_TEST(a_retry_after_of_more_than_a_day_is_no_option)
{
    srf_options_t options;
    srf_t *srf;
    memnet_t *net = memnet_create(1);
    const srf__env_t env = {.wheel = memnet_wheel(net), .seed = 1};

    srf_options_init(&options);
    options.retry_after_s = 86401;
    ck_assert_int_eq(srf__create(&srf, &env, &options),
                     SRF_ERR_INVALID_ARGUMENT);
    memnet_destroy(net);
}
END_TEST

START_TEST(too_many_bytes_get_503_until_they_are_gone)
{
    char subject[3001];
    srf_options_t options;

    memset(subject, 'x', sizeof(subject) - 1);
    subject[sizeof(subject) - 1] = '\0';
    srf_options_init(&options);
    options.max_memory_bytes = 6000;
    world_t *world = world_create_with(&options, "10.0.0.11", NULL);
    uint64_t idle = world_stats(world).memory_bytes;
    char *lines = srf__malloc(sizeof(subject) + 16);
    sprintf(lines, "Subject: %s\n", subject);
    party_invite(world->caller, WORLD_PROXY, WORLD_URI, "c1", lines);
    srf__free(lines);
    world_settle(world);
    /* The request and what was forwarded are held. */
    ck_assert_uint_gt(world_stats(world).memory_bytes, idle + 6000);
    party_invite(world->caller, WORLD_PROXY, WORLD_URI, "c2", "");
    world_settle(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 503"), 1);
    ck_assert_uint_eq(party_received(world->one, "INVITE"), 1);
    end_call(world);
    ck_assert_uint_eq(world_stats(world).memory_bytes, idle);
    party_invite(world->caller, WORLD_PROXY, WORLD_URI, "c3", "");
    world_settle(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 503"), 0);
    ck_assert_uint_eq(party_received(world->one, "INVITE"), 1);
    world_answer(world, world->one, "200 OK");
    world_destroy(world);
}
END_TEST

static srf_req_t *kept;

static void keep(srf_req_t *req, srf_res_t *res)
{
    (void)res;
    kept = srf_req_ref(req);
    ck_assert_ptr_nonnull(srf_req_get(req, "Subject", 0));
}

START_TEST(what_a_program_keeps_is_counted_as_well)
{
    world_t *world = world_create(NULL, NULL);
    uint64_t idle = world_stats(world).memory_bytes;

    ck_assert_int_eq(srf_on(world->srf, "MESSAGE", keep), 0);
    world_request(world, "MESSAGE", WORLD_URI, "m1", "Subject: s\n");
    ck_assert_int_eq(srf_res_send(srf_req_res(kept), 200, NULL), 0);
    memnet_drain(world->net, 600000);
    ck_assert_uint_eq(world_stats(world).server_transactions, 0);
    ck_assert_uint_gt(world_stats(world).memory_bytes, idle + 100);
    ck_assert_ptr_nonnull(srf_req_get(kept, "To", 0));
    srf_req_unref(kept);
    ck_assert_uint_eq(world_stats(world).memory_bytes, idle);
    world_destroy(world);
}
END_TEST

/* An allocator that knows how much it has given. */
static size_t given;

typedef union sized {
    size_t size;
    max_align_t align;
} sized_t;

static void *sized_malloc(size_t size, void *data)
{
    sized_t *piece = malloc(sizeof(*piece) + size);

    (void)data;
    ck_assert_ptr_nonnull(piece);
    piece->size = size;
    given += size;
    return piece + 1;
}

static void *sized_calloc(size_t count, size_t size, void *data)
{
    return memset(sized_malloc(count * size, data), 0, count * size);
}

static void sized_free(void *ptr, void *data)
{
    sized_t *piece = (sized_t *)ptr - 1;

    (void)data;
    given -= piece->size;
    free(piece);
}

static void *sized_realloc(void *ptr, size_t size, void *data)
{
    void *out = sized_malloc(size, data);

    if (ptr != NULL) {
        size_t before = ((sized_t *)ptr - 1)->size;
        memcpy(out, ptr, before < size ? before : size);
        sized_free(ptr, data);
    }
    return out;
}

static void ring(world_t *world, unsigned call)
{
    char id[16];

    sprintf(id, "r%u", call);
    party_invite(world->caller, WORLD_PROXY, WORLD_URI, id, "");
    world_settle(world);
    party_reply(world->one, party_index(world->one, "INVITE", 0), "180 Ringing",
                "");
    world_settle(world);
    party_clear(world->one);
    party_clear(world->caller);
}

START_TEST(the_gauge_is_close_to_what_calls_take)
{
    /* The tables grow at the beginning. */
    enum { FIRST = 40, CALLS = 60 };
    const srf_allocator_t sized = {
        .malloc_fn = sized_malloc,
        .calloc_fn = sized_calloc,
        .realloc_fn = sized_realloc,
        .free_fn = sized_free,
    };

    ck_assert_int_eq(srf_set_allocator(&sized), 0);
    world_t *world = world_create("10.0.0.11", NULL);
    for (unsigned i = 0; i < FIRST; i++)
        ring(world, i);
    size_t before = given;
    uint64_t gauge = world_stats(world).memory_bytes;
    for (unsigned i = FIRST; i < CALLS; i++)
        ring(world, i);
    double ratio = (double)(world_stats(world).memory_bytes - gauge) /
                   (double)(given - before);
    ck_assert_double_ge(ratio, 0.8);
    ck_assert_double_le(ratio, 1.1);
    srf_destroy(world->srf, NULL);
    memnet_run(world->net, 10);
    world_destroy_rest(world);
    ck_assert_int_eq(srf_set_allocator(NULL), 0);
    ck_assert_uint_eq(given, 0);
}
END_TEST

/* The loop stands still for `ms`: everything due comes late. */
static void stall(world_t *world, uint64_t ms)
{
    srf__wheel_t *wheel = memnet_wheel(world->net);

    srf__wheel_advance(wheel, srf__wheel_now(wheel) + ms);
}

START_TEST(a_late_loop_gives_503_until_it_is_in_time)
{
    world_t *world = world_create("10.0.0.11", NULL);

    world_call(world);
    world_answer(world, world->one, "180 Ringing");
    stall(world, 3000);
    ck_assert_uint_ge(world_stats(world).loop_lag_ms, 2800);
    ck_assert_uint_le(world_stats(world).loop_lag_ms, 3000);
    party_clear(world->caller);
    party_invite(world->caller, WORLD_PROXY, WORLD_URI, "c2", "");
    world_settle(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 503"), 1);
    /* Calls that stand are served. */
    world_in_dialog(world, world->caller, "BYE", "sip:bob@10.0.0.11", "d1",
                    "Route: <sip:10.0.0.1;lr;srf=MARK>\n");
    ck_assert_uint_eq(party_received(world->one, "BYE"), 1);
    memnet_run(world->net, 100);
    ck_assert_uint_eq(world_stats(world).loop_lag_ms, 0);
    party_invite(world->caller, WORLD_PROXY, WORLD_URI, "c3", "");
    world_settle(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 503"), 1);
    ck_assert_uint_eq(world->program.handled, 2);
    ck_assert_uint_eq(world_stats(world).overloaded, 1);
    memnet_drain(world->net, 600000);
    world_destroy(world);
}
END_TEST

START_TEST(a_stall_of_long_ago_refuses_nobody)
{
    world_t *world = world_create("10.0.0.11", NULL);

    world_request(world, "MESSAGE", WORLD_URI, "m1", "");
    stall(world, 3000);
    ck_assert_uint_gt(world_stats(world).loop_lag_ms, 2000);
    memnet_run(world->net, 1500);
    ck_assert_uint_eq(world_stats(world).loop_lag_ms, 0);
    world_request(world, "MESSAGE", WORLD_URI, "m2", "");
    ck_assert_uint_eq(world->program.handled, 2);
    memnet_drain(world->net, 600000);
    world_destroy(world);
}
END_TEST

START_TEST(the_lag_that_is_borne_is_an_option)
{
    srf_options_t options;

    srf_options_init(&options);
    options.max_loop_lag_ms = _i == 0 ? 300 : SRF_TIMEOUT_NONE;
    world_t *world = world_create_with(&options, "10.0.0.11", NULL);
    world_request(world, "MESSAGE", WORLD_URI, "m1", "");
    stall(world, 450);
    ck_assert_int_eq(world_stats(world).loop_lag_ms > 300, _i == 0);
    world_request(world, "MESSAGE", WORLD_URI, "m2", "");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 503"),
                      _i == 0 ? 1 : 0);
    memnet_drain(world->net, 600000);
    world_destroy(world);
}
END_TEST

START_TEST(an_idle_stack_is_not_woken)
{
    world_t *world = world_create("10.0.0.11", NULL);

    world_request(world, "MESSAGE", WORLD_URI, "m1", "");
    memnet_drain(world->net, 600000);
    ck_assert_uint_eq(memnet_wheel(world->net)->count, 0);
    world_destroy(world);
}
END_TEST

/* Anybody can write a To tag. */
START_TEST(to_tags_do_not_get_around_the_ceiling)
{
    enum { REQUESTS = 60, CEILING = 2 + 64 };
    world_t *world = overloaded_world();

    for (unsigned i = 0; i < REQUESTS; i++) {
        char id[8];
        sprintf(id, "f%u", i);
        world_in_dialog(world, world->caller, "BYE", "sip:bob@10.0.0.11", id,
                        "Route: <sip:10.0.0.1;lr;srf=MARK>\n");
    }
    srf_stats_t stats = world_stats(world);
    ck_assert_uint_eq(stats.server_transactions + stats.client_transactions,
                      CEILING);
    ck_assert_uint_eq(party_received(world->one, "BYE"), CEILING / 2 - 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 503"),
                      REQUESTS - (CEILING / 2 - 1));
    for (unsigned i = 0; i < CEILING / 2 - 1; i++)
        party_reply(world->one, party_index(world->one, "BYE", i), "200 OK",
                    "");
    party_clear(world->one);
    party_clear(world->caller);
    memnet_drain(world->net, 600000);
    world_destroy(world);
}
END_TEST

START_TEST(a_request_sent_again_is_no_new_work)
{
    world_t *world = overloaded_world();

    party_clear(world->caller);
    world_call(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 100"), 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 503"), 0);
    end_call(world);
    world_destroy(world);
}
END_TEST

/* ---- the measures alone ---- */

static struct {
    unsigned lines;
    char last[256];
} log_seen;

static void on_log(srf_log_level_t level, const srf_log_event_t *event,
                   void *user_data)
{
    (void)user_data;
    ck_assert_int_eq(level, SRF_LOG_WARNING);
    log_seen.lines++;
    snprintf(log_seen.last, sizeof(log_seen.last), "%s", event->text);
}

static srf__wheel_t wheel;
static srf__element_t element;
static srf__overload_t overload;

static void set_up_measures(void)
{
    const srf__overload_limits_t limits = {
        .memory_bytes = 100 << 20,
        .transactions = 1000,
        .lag_ms = UINT32_MAX,
        .wait_ms = UINT32_MAX,
        .retry_after_s = 5,
    };

    memset(&log_seen, 0, sizeof(log_seen));
    memset(&element, 0, sizeof(element));
    memset(&overload, 0, sizeof(overload));
    srf__wheel_init(&wheel, 1000);
    element.wheel = &wheel;
    srf__log_init(&element.log, on_log, NULL, SRF_LOG_WARNING);
    srf__overload_init(&overload, &element, &limits);
}

static bool is_on_with(uint64_t servers)
{
    element.txns.counters.servers = servers;
    return srf__overload_is_on(&overload);
}

START_TEST(it_begins_at_the_limit_and_ends_below_nine_tenths)
{
    ck_assert(!is_on_with(999));
    ck_assert(is_on_with(1000));
    ck_assert(is_on_with(999));
    ck_assert(is_on_with(900));
    ck_assert(!is_on_with(899));
    ck_assert(!is_on_with(999));
}
END_TEST

START_TEST(the_ceiling_is_a_quarter_above)
{
    ck_assert(is_on_with(1249));
    ck_assert(!srf__overload_is_at_ceiling(&overload));
    ck_assert(is_on_with(1250));
    ck_assert(srf__overload_is_at_ceiling(&overload));
    overload.limits.memory_bytes = UINT64_MAX;
    overload.limits.transactions = UINT64_MAX;
    ck_assert(!is_on_with(1250));
    ck_assert(!srf__overload_is_at_ceiling(&overload));
}
END_TEST

START_TEST(memory_is_noticed_within_few_requests)
{
    unsigned passed = 0;

    ck_assert(!is_on_with(1));
    element.pool.bytes += 200 << 20;
    while (!srf__overload_is_on(&overload))
        passed++;
    ck_assert_uint_le(passed, 100 / 4);
    element.pool.bytes -= 109 << 20;
    ck_assert(srf__overload_is_on(&overload)); /* 91 MB of 100 */
    element.pool.bytes -= 2 << 20;
    ck_assert(!srf__overload_is_on(&overload));
    element.pool.bytes -= 89 << 20;
}
END_TEST

START_TEST(each_change_is_logged_once_and_not_too_often)
{
    for (unsigned i = 0; i < 10; i++)
        ck_assert(is_on_with(1000));
    ck_assert_uint_eq(log_seen.lines, 1);
    ck_assert_ptr_nonnull(strstr(log_seen.last, "1000 transactions"));
    ck_assert(!is_on_with(0));
    ck_assert_uint_eq(log_seen.lines, 2);
    ck_assert_ptr_nonnull(strstr(log_seen.last, "overload is over"));
    ck_assert(!is_on_with(0));
    ck_assert(is_on_with(1000)); /* soon again: not told */
    ck_assert(!is_on_with(0));
    ck_assert_uint_eq(log_seen.lines, 2);
    srf__wheel_advance(&wheel, srf__wheel_now(&wheel) + 10000);
    ck_assert(is_on_with(1000));
    ck_assert(!is_on_with(0));
    ck_assert_uint_eq(log_seen.lines, 4);
}
END_TEST

static void add_world(Suite *suite)
{
    TCase *tcase = tcase_create("world");

    tcase_add_test(tcase, too_many_transactions_get_503_and_retry_after);
    tcase_add_test(tcase, under_overload_calls_that_stand_are_served);
    tcase_add_loop_test(tcase, callers_come_back_at_different_times, 0, 2);
    tcase_add_test(tcase, a_retry_after_of_more_than_a_day_is_no_option);
    tcase_add_test(tcase, too_many_bytes_get_503_until_they_are_gone);
    tcase_add_test(tcase, what_a_program_keeps_is_counted_as_well);
    tcase_add_test(tcase, the_gauge_is_close_to_what_calls_take);
    tcase_add_test(tcase, a_late_loop_gives_503_until_it_is_in_time);
    tcase_add_test(tcase, a_stall_of_long_ago_refuses_nobody);
    tcase_add_loop_test(tcase, the_lag_that_is_borne_is_an_option, 0, 2);
    tcase_add_test(tcase, an_idle_stack_is_not_woken);
    tcase_add_test(tcase, to_tags_do_not_get_around_the_ceiling);
    tcase_add_test(tcase, a_request_sent_again_is_no_new_work);
    suite_add_tcase(suite, tcase);
}

static void add_measures(Suite *suite)
{
    TCase *tcase = tcase_create("measures");

    tcase_add_checked_fixture(tcase, set_up_measures, NULL);
    tcase_add_test(tcase, it_begins_at_the_limit_and_ends_below_nine_tenths);
    tcase_add_test(tcase, the_ceiling_is_a_quarter_above);
    tcase_add_test(tcase, memory_is_noticed_within_few_requests);
    tcase_add_test(tcase, each_change_is_logged_once_and_not_too_often);
    suite_add_tcase(suite, tcase);
}

int main(void)
{
    Suite *suite = suite_create("overload");

    add_world(suite);
    add_measures(suite);
    return run_suite(suite);
}
