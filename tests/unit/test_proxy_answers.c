/*
 * The program's own answers, what it can read of a request, and which handler
 * gets one.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "world.h"

/* What the handler of one test does; the suite runs one test at a time. */
static struct {
    int expected;
    srf_req_t *kept;
    int status;
    srf_res_options_t res;
    unsigned looked;
} plan;

static void setup(void)
{
    memset(&plan, 0, sizeof(plan));
    srf_res_options_init(&plan.res);
}

static void keep(srf_req_t *req, srf_res_t *res)
{
    (void)res;
    srf_req_on_cancel(req, world_on_cancel);
    plan.kept = srf_req_ref(req);
}

static void do_nothing(srf_req_t *req, srf_res_t *res)
{
    (void)req;
    (void)res;
}

/* ---- srf_res_send() ---- */

static void send_planned(srf_req_t *req, srf_res_t *res)
{
    (void)req;
    ck_assert_int_eq(srf_res_send(res, plan.status, &plan.res), plan.expected);
    if (plan.expected != 0)
        ck_assert_int_eq(srf_res_send(res, 404, NULL), 0);
}

static world_t *answer_with_plan(void)
{
    world_t *world = world_create(NULL, NULL);

    ck_assert_int_eq(srf_on(world->srf, NULL, send_planned), 0);
    world_call(world);
    return world;
}

START_TEST(an_answer_that_is_wrong_is_refused_without_effect)
{
    static const char *const plain[] = {"X-A", "b", NULL};
    static const char *const broken[] = {"X-A", "b\r\nc", NULL};
    static const char *const own[][3] = {
        {"Via", "x", NULL},  {"From", "x", NULL}, {"t", "x", NULL},
        {"CSeq", "x", NULL}, {"i", "x", NULL},    {"Content-Length", "1", NULL},
    };
    const struct {
        int status;
        const char *reason;
        const char *const *headers;
        const char *body;
        int err;
    } cases[] = {
        {99, NULL, NULL, NULL, SRF_ERR_INVALID_ARGUMENT},
        {0, NULL, NULL, NULL, SRF_ERR_INVALID_ARGUMENT},
        {-1, NULL, NULL, NULL, SRF_ERR_INVALID_ARGUMENT},
        {700, NULL, NULL, NULL, SRF_ERR_INVALID_ARGUMENT},
        {200, "O\r\nK", NULL, NULL, SRF_ERR_INVALID_ARGUMENT},
        {200, NULL, plain, "v=0", SRF_ERR_INVALID_ARGUMENT},
        {200, NULL, NULL, "v=0", SRF_ERR_INVALID_ARGUMENT},
        {200, NULL, broken, NULL, SRF_ERR_INVALID_HEADER},
        {200, NULL, own[0], NULL, SRF_ERR_HEADER_NOT_ALLOWED},
        {200, NULL, own[1], NULL, SRF_ERR_HEADER_NOT_ALLOWED},
        {200, NULL, own[2], NULL, SRF_ERR_HEADER_NOT_ALLOWED},
        {200, NULL, own[3], NULL, SRF_ERR_HEADER_NOT_ALLOWED},
        {200, NULL, own[4], NULL, SRF_ERR_HEADER_NOT_ALLOWED},
        {200, NULL, own[5], NULL, SRF_ERR_HEADER_NOT_ALLOWED},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        setup();
        plan.status = cases[i].status;
        plan.res.reason = cases[i].reason;
        plan.res.headers = cases[i].headers;
        plan.res.body = cases[i].body;
        plan.res.body_len = cases[i].body == NULL ? 0 : strlen(cases[i].body);
        plan.expected = cases[i].err;
        world_t *world = answer_with_plan();
        ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 404"), 1);
        ck_assert_uint_eq(world->caller->count, 2);
        world_destroy(world);
    }
}
END_TEST

START_TEST(an_answer_carries_reason_headers_and_body)
{
    static const char *const headers[] = {"Content-Type", "text/plain",
                                          "X-Note", "hello", NULL};

    plan.status = 488;
    plan.res.reason = "Not Like This";
    plan.res.headers = headers;
    plan.res.body = "sorry";
    plan.res.body_len = 5;
    world_t *world = answer_with_plan();
    const char *start = "SIP/2.0 488 Not Like This\r\n";

    world_expect(world->caller, start, "X-Note", "hello");
    world_expect(world->caller, start, "Content-Type", "text/plain");
    world_expect(world->caller, start, "Content-Length", "5");
    world_expect(world->caller, start, "CSeq", "1 INVITE");
    world_expect(world->caller, start, "Call-ID", "c1");
    world_expect(world->caller, start, "From",
                 "\"Ann\" <sip:ann@example.com>;tag=ann-c1");
    const char *msg = party_find(world->caller, start, 0);
    ck_assert_ptr_nonnull(strstr(msg, "\r\n\r\nsorry"));
    const char *to = party_header(world->caller, msg, "To", 0);
    ck_assert_ptr_nonnull(strstr(to, ";tag="));
    world_destroy(world);
}
END_TEST

START_TEST(all_answers_of_a_request_have_one_to_tag)
{
    char tag[128];
    world_t *world = world_create(NULL, NULL);

    ck_assert_int_eq(srf_invite(world->srf, keep), 0);
    world_call(world);
    ck_assert_int_eq(srf_res_send(srf_req_res(plan.kept), 180, NULL), 0);
    ck_assert_int_eq(srf_res_send(srf_req_res(plan.kept), 183, NULL), 0);
    ck_assert_int_eq(srf_res_send(srf_req_res(plan.kept), 480, NULL), 0);
    srf_req_unref(plan.kept);
    world_settle(world);
    const char *ringing = party_find(world->caller, "SIP/2.0 180", 0);
    strcpy(tag, party_header(world->caller, ringing, "To", 0));
    world_expect(world->caller, "SIP/2.0 183", "To", tag);
    world_expect(world->caller, "SIP/2.0 480", "To", tag);
    ck_assert_ptr_nonnull(strstr(tag, ";tag="));
    world_destroy(world);
}
END_TEST

/* The tag after ";tag=" in the To of the caller's first such message. */
static void read_tag(world_t *world, const char *start, char *out)
{
    const char *msg = party_find(world->caller, start, 0);

    ck_assert_ptr_nonnull(msg);
    const char *to = party_header(world->caller, msg, "To", 0);
    strcpy(out, strstr(to, ";tag=") + 5);
}

START_TEST(a_provisional_answer_gives_the_handler_its_time_again)
{
    static const int statuses[] = {100, 180};
    srf_options_t options;

    srf_options_init(&options);
    options.handler_timeout_ms = 700;
    world_t *world = world_create_with(&options, NULL, NULL);

    ck_assert_int_eq(srf_invite(world->srf, keep), 0);
    world_call(world);
    memnet_run(world->net, 600);
    ck_assert_int_eq(srf_res_send(srf_req_res(plan.kept), statuses[_i], NULL),
                     0);
    memnet_run(world->net, 600);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 500"), 0);
    memnet_run(world->net, 102);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 500"), 1);
    srf_req_unref(plan.kept);
    world_destroy(world);
}
END_TEST

START_TEST(a_2xx_is_repeated_until_the_ack)
{
    char tag[128];

    plan.status = 200;
    world_t *world = answer_with_plan();
    party_t *caller = world->caller;

    ck_assert_uint_eq(party_received(caller, "SIP/2.0 200"), 1);
    memnet_run(world->net, 500);
    ck_assert_uint_eq(party_received(caller, "SIP/2.0 200"), 2);
    memnet_run(world->net, 1000);
    ck_assert_uint_eq(party_received(caller, "SIP/2.0 200"), 3);
    read_tag(world, "SIP/2.0 200", tag);
    party_send(caller, WORLD_PROXY,
               "ACK sip:10.0.0.1 SIP/2.0\n"
               "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-ack\n"
               "From: <sip:ann@example.com>;tag=ann-c1\n"
               "To: <sip:bob@example.com>;tag=%s\n"
               "Call-ID: c1\n"
               "CSeq: 1 ACK\n",
               tag);
    memnet_run(world->net, 60000);
    ck_assert_uint_eq(party_received(caller, "SIP/2.0 200"), 3);
    world_destroy(world);
}
END_TEST

/* It would be a way for anybody to anywhere. */
START_TEST(an_ack_of_an_invite_that_was_answered_here_leads_nowhere)
{
    plan.status = 200;
    world_t *world = answer_with_plan();

    party_send(world->caller, WORLD_PROXY,
               "ACK sip:bob@10.0.0.11 SIP/2.0\n"
               "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-c1\n"
               "From: <sip:ann@example.com>;tag=ann-c1\n"
               "To: <sip:bob@example.com>;tag=somebody\n"
               "Call-ID: c1\n"
               "CSeq: 1 ACK\n");
    world_settle(world);
    ck_assert_uint_eq(party_received(world->one, "ACK"), 0);
    ck_assert_uint_eq(world_stats(world).dropped_unmatched, 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_2xx_nobody_acks_is_given_up_after_64_t1)
{
    plan.status = 200;
    world_t *world = answer_with_plan();

    memnet_run(world->net, 31900);
    /* At 0, .5, 1.5, 3.5, 7.5, 11.5, ... 31.5 seconds (RFC 3261 §13.3.1.4). */
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 11);
    memnet_run(world->net, 100000);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 11);
    world_destroy(world);
}
END_TEST

START_TEST(a_2xx_to_another_method_is_repeated_only_on_demand)
{
    plan.status = 200;
    world_t *world = world_create(NULL, NULL);

    ck_assert_int_eq(srf_on(world->srf, NULL, send_planned), 0);
    world_request(world, "OPTIONS", WORLD_URI, "o1", "");
    memnet_run(world->net, 5000);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    world_request(world, "OPTIONS", WORLD_URI, "o1", "");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 2);
    world_destroy(world);
}
END_TEST

START_TEST(a_refusal_is_repeated_until_the_ack)
{
    plan.status = 486;
    world_t *world = answer_with_plan();
    party_t *caller = world->caller;

    memnet_run(world->net, 1600);
    ck_assert_uint_eq(party_received(caller, "SIP/2.0 486"), 3);
    world_ack(world, "x");
    memnet_run(world->net, 60000);
    ck_assert_uint_eq(party_received(caller, "SIP/2.0 486"), 3);
    world_destroy(world);
}
END_TEST

/* RFC 3261 §17.2.1: the 100 is for a caller that has to wait. */
START_TEST(a_refusal_at_once_needs_no_100)
{
    const uint32_t delays_ms[] = {0, 200};
    srf_options_t options;

    srf_options_init(&options);
    options.trying_delay_ms = delays_ms[_i];
    world_t *world = world_create_with(&options, NULL, NULL);
    plan.status = 486;
    ck_assert_int_eq(srf_on(world->srf, NULL, send_planned), 0);
    world_call(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 486"), 1);
    memnet_run(world->net, 450);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 100"),
                      options.trying_delay_ms == 0 ? 1 : 0);
    ck_assert_uint_eq(world_stats(world).responses_sent,
                      options.trying_delay_ms == 0 ? 2 : 1);
    world_ack(world, "x");
    world_destroy(world);
}
END_TEST

START_TEST(a_caller_that_waits_gets_its_100)
{
    srf_options_t options;

    srf_options_init(&options);
    options.trying_delay_ms = 200;
    world_t *world = world_create_with(&options, "10.0.0.11", NULL);
    world_call(world);
    memnet_run(world->net, 190);
    ck_assert_uint_eq(world->caller->count, 0);
    memnet_run(world->net, 20);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 100"), 1);
    world_answer(world, world->one, "486 Busy Here");
    world_ack(world, "uas");
    world_destroy(world);
}
END_TEST

/* ---- getters ---- */

static void look_at_all(srf_req_t *req, srf_res_t *res)
{
    size_t len = 0;

    ck_assert_ptr_eq(srf_req_res(req), res);
    ck_assert_str_eq(srf_req_method(req), "INVITE");
    ck_assert_str_eq(srf_req_uri(req), "sip:100;x=y@10.0.0.1;a=b");
    ck_assert_str_eq(srf_req_call_id(req), "c1");
    ck_assert_str_eq(srf_req_from_tag(req), "ann-c1");
    ck_assert_ptr_null(srf_req_to_tag(req));
    ck_assert_str_eq(srf_req_branch(req), "z9hG4bK-c1");
    ck_assert_str_eq(srf_req_get(req, "x-one", 0), "first");
    ck_assert_str_eq(srf_req_get(req, "X-One", 1), "second, third");
    ck_assert_ptr_null(srf_req_get(req, "X-One", 2));
    ck_assert_ptr_null(srf_req_get(req, "X-Two", 0));
    ck_assert_str_eq(srf_req_get(req, "Contact", 0), "<sip:ann@10.0.0.9:5060>");
    ck_assert_str_eq(srf_req_get(req, "m", 0), "<sip:ann@10.0.0.9:5060>");
    ck_assert_ptr_null(srf_req_body(req, &len));
    ck_assert_uint_eq(len, 0);
    const char *raw = srf_req_raw(req, &len);
    ck_assert_mem_eq(raw, "INVITE ", 7);
    ck_assert_mem_eq(raw + len - 4, "\r\n\r\n", 4);
    ck_assert_str_eq(srf_req_source_address(req), "10.0.0.9");
    ck_assert_int_eq(srf_req_source_port(req), 5060);
    ck_assert_str_eq(srf_req_source_protocol(req), "udp");
    ck_assert_str_eq(srf_req_received_on(req),
                     "sip:10.0.0.1:5060;transport=udp");
    ck_assert_str_eq(srf_req_calling_number(req), "ann");
    ck_assert_str_eq(srf_req_called_number(req), "100");
    ck_assert_int_eq(srf_req_is_new_invite(req), 1);
    ck_assert_int_eq(srf_msg_status(srf_req_msg(req)), 0);
    ck_assert_ptr_null(srf_req_data(req));
    srf_req_set_data(req, &plan);
    ck_assert_ptr_eq(srf_req_data(req), &plan);
    ck_assert_int_eq(srf_res_send(res, 404, NULL), 0);
    plan.looked++;
}

START_TEST(the_getters_give_what_came)
{
    world_t *world = world_create(NULL, NULL);

    ck_assert_int_eq(srf_invite(world->srf, look_at_all), 0);
    party_invite(world->caller, WORLD_PROXY, "sip:100;x=y@10.0.0.1;a=b", "c1",
                 "X-One: first\nx-one: second, third\n");
    world_settle(world);
    ck_assert_uint_eq(plan.looked, 1);
    world_destroy(world);
}
END_TEST

/* The program's view of a request stays good until the callback returns. */
static void look_at_request(srf_req_t *req, int err,
                            const srf_proxy_results_t *results)
{
    (void)err;
    (void)results;
    ck_assert_str_eq(srf_req_uri(req), WORLD_URI);
    ck_assert_int_eq(srf_res_final_sent(srf_req_res(req)), 1);
    ck_assert_int_eq(srf_proxy_request(req, NULL, NULL, NULL),
                     SRF_ERR_ALREADY_PROXIED);
}

START_TEST(the_callback_may_use_the_request)
{
    world_t *world = world_create("10.0.0.11", NULL);

    world->program.look = look_at_request;
    world_call(world);
    world_answer(world, world->one, "200 OK");
    ck_assert_uint_eq(world->program.done, 1);
    world_destroy(world);
}
END_TEST

/* ---- handlers ---- */

START_TEST(a_method_has_one_handler_and_the_wildcard_takes_the_rest)
{
    world_t *world = world_create("10.0.0.11", NULL);

    plan.status = 405;
    ck_assert_int_eq(srf_on(world->srf, "OPTIONS", do_nothing), 0);
    ck_assert_int_eq(srf_on(world->srf, "OPTIONS", send_planned), 0);
    world_request(world, "OPTIONS", WORLD_URI, "o1", "");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 405"), 1);
    /* Methods are case-sensitive (RFC 3261 §7.1). */
    world_request(world, "options", WORLD_URI, "o2", "");
    ck_assert_uint_eq(party_received(world->one, "options "), 1);
    ck_assert_int_eq(srf_on(world->srf, "OPTIONS", NULL), 0);
    world_request(world, "OPTIONS", WORLD_URI, "o3", "");
    ck_assert_uint_eq(party_received(world->one, "OPTIONS "), 1);
    ck_assert_uint_eq(world->program.handled, 2);
    world_destroy(world);
}
END_TEST

START_TEST(some_methods_cannot_have_a_handler)
{
    world_t *world = world_create(NULL, NULL);

    ck_assert_int_eq(srf_on(world->srf, "ACK", do_nothing),
                     SRF_ERR_INVALID_ARGUMENT);
    ck_assert_int_eq(srf_on(world->srf, "CANCEL", do_nothing),
                     SRF_ERR_INVALID_ARGUMENT);
    ck_assert_int_eq(srf_on(world->srf, "", do_nothing),
                     SRF_ERR_INVALID_ARGUMENT);
    ck_assert_int_eq(srf_on(world->srf, "IN VITE", do_nothing),
                     SRF_ERR_INVALID_ARGUMENT);
    ck_assert_int_eq(srf_on(NULL, "INVITE", do_nothing),
                     SRF_ERR_INVALID_ARGUMENT);
    world_destroy(world);
}
END_TEST

static void add_answers(Suite *suite)
{
    TCase *tcase = tcase_create("answers");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, an_answer_that_is_wrong_is_refused_without_effect);
    tcase_add_test(tcase, an_answer_carries_reason_headers_and_body);
    tcase_add_test(tcase, all_answers_of_a_request_have_one_to_tag);
    tcase_add_loop_test(
        tcase, a_provisional_answer_gives_the_handler_its_time_again, 0, 2);
    tcase_add_test(tcase, a_2xx_is_repeated_until_the_ack);
    tcase_add_test(tcase,
                   an_ack_of_an_invite_that_was_answered_here_leads_nowhere);
    tcase_add_test(tcase, a_2xx_nobody_acks_is_given_up_after_64_t1);
    tcase_add_test(tcase, a_2xx_to_another_method_is_repeated_only_on_demand);
    tcase_add_test(tcase, a_refusal_is_repeated_until_the_ack);
    tcase_add_loop_test(tcase, a_refusal_at_once_needs_no_100, 0, 2);
    tcase_add_test(tcase, a_caller_that_waits_gets_its_100);
    tcase_add_test(tcase, the_getters_give_what_came);
    tcase_add_test(tcase, the_callback_may_use_the_request);
    tcase_add_test(tcase,
                   a_method_has_one_handler_and_the_wildcard_takes_the_rest);
    tcase_add_test(tcase, some_methods_cannot_have_a_handler);
    suite_add_tcase(suite, tcase);
}

int main(void)
{
    Suite *suite = suite_create("proxy_answers");

    add_answers(suite);
    return run_suite(suite);
}
