/*
 * The calls of a program: what is refused and has no effect then, when
 * callbacks come, and what becomes of a request nobody answers.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "world.h"

/* What the handler of one test does; the suite runs one test at a time. */
static struct {
    const char *const *uris;
    srf_proxy_options_t *options;
    int expected;
    srf_req_t *kept;
    int status;
    unsigned destroyed;
} plan;

static void setup(void)
{
    memset(&plan, 0, sizeof(plan));
}

/* ---- arguments ---- */

/* Tries what is planned, then answers: a refused call had no effect. */
static void try_and_answer(srf_req_t *req, srf_res_t *res)
{
    ck_assert_int_eq(
        srf_proxy_request(req, plan.uris, plan.options, world_on_done),
        plan.expected);
    ck_assert_int_eq(srf_res_final_sent(res), 0);
    ck_assert_int_eq(srf_res_send(res, 404, NULL), 0);
}

static void expect_refusal(const char *const *uris,
                           srf_proxy_options_t *options, int expected)
{
    world_t *world = world_create(NULL, NULL);

    plan.uris = uris;
    plan.options = options;
    plan.expected = expected;
    ck_assert_int_eq(srf_on(world->srf, NULL, try_and_answer), 0);
    world_call(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 404"), 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0"), 2);
    world_ack(world, "x");
    ck_assert_uint_eq(world->one->count, 0);
    ck_assert_uint_eq(world_stats(world).proxied, 0);
    memnet_drain(world->net, 600000);
    ck_assert_uint_eq(world->program.done, 0);
    world_destroy(world);
}

START_TEST(a_bad_target_is_refused_without_effect)
{
    static const struct {
        const char *uri;
        int err;
    } cases[] = {
        {"", SRF_ERR_INVALID_URI},
        {" ", SRF_ERR_INVALID_URI},
        {"sip:", SRF_ERR_INVALID_URI},
        {"sip:a b", SRF_ERR_INVALID_URI},
        {"10.0.0.11:", SRF_ERR_INVALID_URI},
        {"10.0.0.11:0", SRF_ERR_INVALID_URI},
        {"10.0.0.11:65536", SRF_ERR_INVALID_URI},
        {"10.0.0.11:50x", SRF_ERR_INVALID_URI},
        {"[::1", SRF_ERR_INVALID_URI},
        {"[::zz]", SRF_ERR_INVALID_URI},
        {"<sip:10.0.0.11", SRF_ERR_INVALID_URI},
        {"sip:10.0.0.11\r\nX: y", SRF_ERR_INVALID_URI},
        {"sip:ann@", SRF_ERR_INVALID_URI},
        {"http://10.0.0.11/", SRF_ERR_UNSUPPORTED},
        {"mailto:ann@example.com", SRF_ERR_UNSUPPORTED},
    };
    const char *second[] = {"10.0.0.11", cases[_i].uri, NULL};

    expect_refusal(SRF_URIS(cases[_i].uri), NULL, cases[_i].err);
    expect_refusal(second, NULL, cases[_i].err);
}
END_TEST

START_TEST(one_target_beyond_the_limit_is_refused)
{
    const char *uris[34] = {NULL};

    for (unsigned i = 0; i < 33; i++)
        uris[i] = "10.0.0.11";
    expect_refusal(uris, NULL, SRF_ERR_TOO_MANY_TARGETS);
}
END_TEST

START_TEST(as_many_targets_as_the_limit_are_taken)
{
    srf_options_t options;

    srf_options_init(&options);
    options.max_targets = 2;
    world_t *world = world_create_with(&options, "10.0.0.11", "10.0.0.12");
    world_call(world);
    ck_assert_int_eq(world->program.started, 0);
    world_answer(world, world->one, "200 OK");
    world->program.uris[2] = "10.0.0.13";
    party_invite(world->caller, WORLD_PROXY, WORLD_URI, "c2", "");
    world_settle(world);
    ck_assert_int_eq(world->program.started, SRF_ERR_TOO_MANY_TARGETS);
    world_destroy(world);
}
END_TEST

START_TEST(a_header_that_would_break_the_message_is_refused)
{
    static const char *const bad[][3] = {
        {"X-A", "one\r\nX-B: two", NULL},
        {"X-A", "one\n two", NULL},
        {"X-A", "one\rtwo", NULL},
        {"X-A", "bell\a", NULL},
        {"X-A", NULL, NULL},
        {"", "one", NULL},
        {"X A", "one", NULL},
        {"X-A:", "one", NULL},
        {"X-A\r\nX-B", "one", NULL},
    };
    srf_proxy_options_t options;

    srf_proxy_options_init(&options);
    options.headers = bad[_i];
    expect_refusal(SRF_URIS("10.0.0.11"), &options, SRF_ERR_INVALID_HEADER);
}
END_TEST

START_TEST(a_header_of_the_librarys_own_may_not_be_set)
{
    static const char *const names[] = {
        "Via",
        "v",
        "VIA",
        "Route",
        "Record-Route",
        "record-route",
        "CSeq",
        "From",
        "f",
        "To",
        "t",
        "Call-ID",
        "call-id",
        "i",
        "Max-Forwards",
        "Content-Length",
        "l",
    };
    const char *headers[] = {"X-Good", "1", names[_i], "1", NULL};
    srf_proxy_options_t options;

    srf_proxy_options_init(&options);
    options.headers = headers;
    expect_refusal(SRF_URIS("10.0.0.11"), &options, SRF_ERR_HEADER_NOT_ALLOWED);
}
END_TEST

START_TEST(an_option_that_is_unknown_or_not_available_is_refused)
{
    srf_proxy_options_t options;

    srf_proxy_options_init(&options);
    options.forking = 7;
    expect_refusal(SRF_URIS("10.0.0.11"), &options, SRF_ERR_INVALID_ARGUMENT);
    srf_proxy_options_init(&options);
    options.forking = -1;
    expect_refusal(SRF_URIS("10.0.0.11"), &options, SRF_ERR_INVALID_ARGUMENT);
    srf_proxy_options_init(&options);
    options.size = 0;
    expect_refusal(SRF_URIS("10.0.0.11"), &options, SRF_ERR_INVALID_ARGUMENT);
}
END_TEST

START_TEST(options_of_a_newer_program_are_taken_when_unset)
{
    struct {
        srf_proxy_options_t options;
        uint32_t newer[4];
    } wide;

    memset(&wide, 0, sizeof(wide));
    srf_proxy_options_init(&wide.options);
    wide.options.size = sizeof(wide);
    wide.newer[1] = 1;
    expect_refusal(SRF_URIS("10.0.0.11"), &wide.options, SRF_ERR_UNSUPPORTED);
}
END_TEST

START_TEST(no_request_is_refused)
{
    ck_assert_int_eq(srf_proxy_request(NULL, NULL, NULL, NULL),
                     SRF_ERR_INVALID_ARGUMENT);
    ck_assert_int_eq(srf_res_send(NULL, 200, NULL), SRF_ERR_INVALID_ARGUMENT);
    srf_req_unref(NULL);
}
END_TEST

START_TEST(every_form_of_a_target_is_understood)
{
    static const struct {
        const char *target;
        const char *first_line;
    } cases[] = {
        {"10.0.0.11", "INVITE sip:10.0.0.11 SIP/2.0"},
        {"10.0.0.11:5060", "INVITE sip:10.0.0.11:5060 SIP/2.0"},
        {"sip:10.0.0.11", "INVITE sip:10.0.0.11 SIP/2.0"},
        {"SIP:10.0.0.11", "INVITE "},
        {"bob@10.0.0.11", "INVITE sip:bob@10.0.0.11 SIP/2.0"},
        {"sip:bob:pw@10.0.0.11", "INVITE sip:bob:pw@10.0.0.11 SIP/2.0"},
        {"10.0.0.11;transport=udp",
         "INVITE sip:10.0.0.11;transport=udp SIP/2.0"},
        {"10.0.0.11;transport=UDP",
         "INVITE sip:10.0.0.11;transport=UDP SIP/2.0"},
        {"<sip:10.0.0.11>", "INVITE sip:10.0.0.11 SIP/2.0"},
        {"<sip:bob@10.0.0.11;transport=udp>",
         "INVITE sip:bob@10.0.0.11;transport=udp SIP/2.0"},
        {"sip:nowhere.example.com;maddr=10.0.0.11",
         "INVITE sip:nowhere.example.com;maddr=10.0.0.11 SIP/2.0"},
    };
    world_t *world = world_create(cases[_i].target, NULL);

    world_call(world);
    ck_assert_int_eq(world->program.started, 0);
    ck_assert_uint_eq(party_received(world->one, cases[_i].first_line), 1);
    world_answer(world, world->one, "200 OK");
    ck_assert_int_eq(world->program.connected, 1);
    world_destroy(world);
}
END_TEST

START_TEST(targets_that_cannot_be_reached_yet_are_taken_and_fail)
{
    static const char *const uris[] = {
        "sip.example1.com",        "sips:10.0.0.11",     "tel:+4312345",
        "10.0.0.11;transport=tcp", "[2001:db8::1]:5060",
    };
    world_t *world = world_create(uris[_i], NULL);

    world_call(world);
    ck_assert_int_eq(world->program.started, 0);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 500"), 1);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.err, SRF_ERR_NO_TARGET);
    world_destroy(world);
}
END_TEST

static void copied_inputs(srf_req_t *req, srf_res_t *res)
{
    char target[] = "10.0.0.11";
    char name[] = "X-Copy";
    char value[] = "kept";
    const char *uris[] = {"10.0.0.13", target, NULL};
    const char *headers[] = {name, value, NULL};
    srf_proxy_options_t options;

    (void)res;
    srf_proxy_options_init(&options);
    options.headers = headers;
    ck_assert_int_eq(srf_proxy_request(req, uris, &options, NULL), 0);
    memset(target, 'z', sizeof(target) - 1);
    memset(name, 'z', sizeof(name) - 1);
    memset(value, 'z', sizeof(value) - 1);
    uris[1] = NULL;
    headers[0] = NULL;
    memset(&options, 0xff, sizeof(options));
}

START_TEST(inputs_are_copied_and_a_callback_is_not_needed)
{
    world_t *world = world_create(NULL, NULL);

    memnet_close_port(world->net, "10.0.0.13:5060", false);
    ck_assert_int_eq(srf_invite(world->srf, copied_inputs), 0);
    world_call(world);
    memnet_run(world->net, 5);
    world_expect(world->one, "INVITE sip:10.0.0.11 ", "X-Copy", "kept");
    world_answer(world, world->one, "200 OK");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    world_destroy(world);
}
END_TEST

/* ---- state ---- */

static void proxy_twice(srf_req_t *req, srf_res_t *res)
{
    world_on_request(req, res);
    ck_assert_int_eq(
        srf_proxy_request(req, SRF_URIS("10.0.0.12"), NULL, world_on_done),
        SRF_ERR_ALREADY_PROXIED);
    ck_assert_int_eq(srf_res_send(res, 200, NULL), SRF_ERR_ALREADY_PROXIED);
    ck_assert_int_eq(srf_res_send(res, 180, NULL), SRF_ERR_ALREADY_PROXIED);
}

START_TEST(a_request_is_proxied_only_once)
{
    world_t *world = world_create("10.0.0.11", NULL);

    ck_assert_int_eq(srf_invite(world->srf, proxy_twice), 0);
    world_call(world);
    ck_assert_uint_eq(world->two->count, 0);
    world_answer(world, world->one, "486 Busy Here");
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0"), 2);
    world_destroy(world);
}
END_TEST

static void answer_then_proxy(srf_req_t *req, srf_res_t *res)
{
    ck_assert_int_eq(srf_res_send(res, 486, NULL), 0);
    ck_assert_int_eq(srf_res_final_sent(res), 1);
    ck_assert_int_eq(
        srf_proxy_request(req, SRF_URIS("10.0.0.11"), NULL, world_on_done),
        SRF_ERR_ALREADY_FINAL);
    ck_assert_int_eq(srf_res_send(res, 200, NULL), SRF_ERR_ALREADY_FINAL);
    ck_assert_int_eq(srf_res_send(res, 180, NULL), SRF_ERR_ALREADY_FINAL);
}

START_TEST(an_answered_request_is_not_proxied)
{
    world_t *world = world_create(NULL, NULL);

    ck_assert_int_eq(srf_invite(world->srf, answer_then_proxy), 0);
    world_call(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 486"), 1);
    ck_assert_uint_eq(world->one->count, 0);
    memnet_drain(world->net, 600000);
    ck_assert_uint_eq(world->program.done, 0);
    world_destroy(world);
}
END_TEST

static void keep(srf_req_t *req, srf_res_t *res)
{
    (void)res;
    srf_req_on_cancel(req, world_on_cancel);
    plan.kept = srf_req_ref(req);
}

START_TEST(a_cancelled_request_is_not_proxied)
{
    world_t *world = world_create(NULL, NULL);

    ck_assert_int_eq(srf_invite(world->srf, keep), 0);
    world_call(world);
    world_cancel(world);
    ck_assert_uint_eq(world->program.cancels, 1);
    ck_assert_int_eq(srf_proxy_request(plan.kept, SRF_URIS("10.0.0.11"), NULL,
                                       world_on_done),
                     SRF_ERR_CANCELED);
    ck_assert_int_ne(srf_res_send(srf_req_res(plan.kept), 200, NULL), 0);
    srf_req_unref(plan.kept);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 487"), 1);
    ck_assert_uint_eq(world->one->count, 0);
    world_destroy(world);
}
END_TEST

START_TEST(provisional_answers_may_go_before_proxying)
{
    world_t *world = world_create(NULL, NULL);

    ck_assert_int_eq(srf_invite(world->srf, keep), 0);
    world_call(world);
    ck_assert_int_eq(srf_res_send(srf_req_res(plan.kept), 181, NULL), 0);
    ck_assert_int_eq(srf_proxy_request(plan.kept, SRF_URIS("10.0.0.11"), NULL,
                                       world_on_done),
                     0);
    srf_req_unref(plan.kept);
    world_settle(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 181"), 1);
    world_answer(world, world->one, "200 OK");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    ck_assert_uint_eq(world->program.done, 1);
    world_destroy(world);
}
END_TEST

START_TEST(an_answer_may_come_later)
{
    world_t *world = world_create(NULL, NULL);

    ck_assert_int_eq(srf_invite(world->srf, keep), 0);
    world_call(world);
    memnet_run(world->net, 20000);
    ck_assert_uint_eq(world->caller->count, 1); /* 100 */
    ck_assert_int_eq(srf_res_send(srf_req_res(plan.kept), 404, NULL), 0);
    ck_assert_str_eq(srf_req_call_id(plan.kept), "c1");
    srf_req_unref(plan.kept);
    world_settle(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 404"), 1);
    world_ack(world, "x");
    memnet_drain(world->net, 600000);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 404"), 1);
    world_destroy(world);
}
END_TEST

/* ---- letting go ---- */

static void do_nothing(srf_req_t *req, srf_res_t *res)
{
    (void)req;
    (void)res;
}

static void only_ring(srf_req_t *req, srf_res_t *res)
{
    int invite = strcmp(srf_req_method(req), "INVITE") == 0;

    /* RFC 4320 §4.1: nothing provisional but a 100 of the library's. */
    ck_assert_int_eq(srf_res_send(res, 180, NULL),
                     invite ? 0 : SRF_ERR_UNSUPPORTED);
}

START_TEST(a_handler_that_lets_go_gives_500)
{
    world_t *world = world_create(NULL, NULL);

    ck_assert_int_eq(srf_on(world->srf, NULL, _i == 0 ? do_nothing : only_ring),
                     0);
    world_call(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 500"), 1);
    world_ack(world, "x");
    world_request(world, "OPTIONS", WORLD_URI, "o1", "");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 500"), 2);
    world_destroy(world);
}
END_TEST

START_TEST(the_last_reference_given_back_gives_500)
{
    world_t *world = world_create(NULL, NULL);

    ck_assert_int_eq(srf_invite(world->srf, keep), 0);
    world_call(world);
    srf_req_ref(plan.kept);
    srf_req_unref(plan.kept);
    world_settle(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 500"), 0);
    srf_req_unref(plan.kept);
    world_settle(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 500"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(a_handler_has_only_so_much_time)
{
    srf_options_t options;

    srf_options_init(&options);
    options.handler_timeout_ms = _i == 0 ? 0 : 700;
    uint64_t limit = _i == 0 ? 32000 : 700;
    world_t *world = world_create_with(&options, NULL, NULL);

    ck_assert_int_eq(srf_invite(world->srf, keep), 0);
    world_call(world);
    memnet_run(world->net, limit - 2);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 500"), 0);
    memnet_run(world->net, 3);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 500"), 1);
    ck_assert_int_eq(srf_res_final_sent(srf_req_res(plan.kept)), 1);
    ck_assert_int_eq(srf_res_send(srf_req_res(plan.kept), 200, NULL),
                     SRF_ERR_ALREADY_FINAL);
    ck_assert_int_eq(
        srf_proxy_request(plan.kept, SRF_URIS("10.0.0.11"), NULL, NULL),
        SRF_ERR_ALREADY_FINAL);
    srf_req_unref(plan.kept);
    world_destroy(world);
}
END_TEST

START_TEST(the_time_of_a_handler_does_not_limit_the_proxying)
{
    srf_options_t options;

    srf_options_init(&options);
    options.handler_timeout_ms = 100;
    world_t *world = world_create_with(&options, NULL, NULL);

    ck_assert_int_eq(srf_invite(world->srf, keep), 0);
    world_call(world);
    ck_assert_int_eq(
        srf_proxy_request(plan.kept, SRF_URIS("10.0.0.11"), NULL, NULL), 0);
    memnet_run(world->net, 300);
    ck_assert_uint_eq(world->caller->count, 1);
    world_answer(world, world->one, "486 Busy Here");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 486"), 1);
    srf_req_unref(plan.kept);
    world_destroy(world);
}
END_TEST

/* ---- srf_destroy() ---- */

static void on_destroyed(void *data)
{
    (void)data;
    plan.destroyed++;
}

START_TEST(destroy_completes_what_is_under_way)
{
    world_t *world = world_create("10.0.0.11", "10.0.0.12");

    world_call(world);
    if (_i == 1)
        world_answer(world, world->one, "180 Ringing");
    srf_destroy(world->srf, on_destroyed);
    ck_assert_uint_eq(world->program.done, 0);
    unsigned sent = world->caller->count + world->one->count;
    memnet_run(world->net, 10);
    ck_assert_uint_eq(world->program.done, 1);
    ck_assert_int_eq(world->program.err, SRF_ERR_CANCELED);
    ck_assert_int_eq(world->program.connected, 0);
    ck_assert_int_eq(world->program.final_status, 0);
    ck_assert_uint_eq(world->program.responses, 1);
    ck_assert_int_eq(world->program.causes[0], SRF_CAUSE_CANCELED);
    ck_assert_uint_eq(plan.destroyed, 1);
    ck_assert_uint_eq(world->caller->count + world->one->count, sent);
    world_destroy_rest(world);
}
END_TEST

static void destroy_in_handler(srf_req_t *req, srf_res_t *res)
{
    if (plan.status == 1)
        world_on_request(req, res);
    srf_destroy(srf_req_srf(req), on_destroyed);
    ck_assert_int_eq(srf_res_send(res, 200, NULL), SRF_ERR_CANCELED);
    ck_assert_int_eq(srf_proxy_request(req, NULL, NULL, world_on_done),
                     SRF_ERR_CANCELED);
}

START_TEST(destroy_inside_a_handler)
{
    world_t *world = world_create("10.0.0.11", NULL);

    plan.status = _i;
    ck_assert_int_eq(srf_invite(world->srf, destroy_in_handler), 0);
    world_call(world);
    memnet_run(world->net, 10);
    ck_assert_uint_eq(plan.destroyed, 1);
    ck_assert_uint_eq(world->program.done, (unsigned)_i);
    world_destroy_rest(world);
}
END_TEST

static void destroy_in_callback(srf_req_t *req, int err,
                                const srf_proxy_results_t *results)
{
    (void)err;
    (void)results;
    world_program(req)->look = NULL; /* other calls are completed by this */
    srf_destroy(srf_req_srf(req), on_destroyed);
}

START_TEST(destroy_inside_the_callback)
{
    static const char *const statuses[] = {"200 OK", "486 Busy Here",
                                           "603 Decline"};
    world_t *world = world_create("10.0.0.11", NULL);

    world->program.look = destroy_in_callback;
    world_call(world);
    party_invite(world->caller, WORLD_PROXY, WORLD_URI, "c2", "");
    world_settle(world);
    party_reply(world->one, 0, statuses[_i], "");
    memnet_run(world->net, 10);
    ck_assert_uint_eq(plan.destroyed, 1);
    ck_assert_uint_eq(world->program.done, 2);
    ck_assert_int_eq(world->program.err, SRF_ERR_CANCELED);
    world_destroy_rest(world);
}
END_TEST

static void destroy_on_cancel(srf_req_t *req)
{
    srf_destroy(srf_req_srf(req), on_destroyed);
}

static void proxy_and_destroy_on_cancel(srf_req_t *req, srf_res_t *res)
{
    if (plan.status == 1)
        world_on_request(req, res);
    else
        plan.kept = srf_req_ref(req);
    srf_req_on_cancel(req, destroy_on_cancel);
}

START_TEST(destroy_inside_on_cancel)
{
    world_t *world = world_create("10.0.0.11", NULL);

    plan.status = _i;
    ck_assert_int_eq(srf_invite(world->srf, proxy_and_destroy_on_cancel), 0);
    world_call(world);
    world_cancel(world);
    memnet_run(world->net, 10);
    ck_assert_uint_eq(plan.destroyed, 1);
    ck_assert_uint_eq(world->program.done, (unsigned)_i);
    srf_req_unref(plan.kept);
    world_destroy_rest(world);
}
END_TEST

START_TEST(a_request_that_is_kept_outlives_the_stack)
{
    world_t *world = world_create(NULL, NULL);

    ck_assert_int_eq(srf_invite(world->srf, keep), 0);
    world_call(world);
    srf_destroy(world->srf, on_destroyed);
    memnet_run(world->net, 10);
    ck_assert_uint_eq(plan.destroyed, 1);
    ck_assert_str_eq(srf_req_call_id(plan.kept), "c1");
    ck_assert_int_eq(srf_res_send(srf_req_res(plan.kept), 200, NULL),
                     SRF_ERR_CANCELED);
    srf_req_unref(plan.kept);
    ck_assert_uint_eq(world->caller->count, 1);
    world_destroy_rest(world);
}
END_TEST

static void add_arguments(Suite *suite)
{
    TCase *tcase = tcase_create("arguments");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_loop_test(tcase, a_bad_target_is_refused_without_effect, 0, 15);
    tcase_add_test(tcase, one_target_beyond_the_limit_is_refused);
    tcase_add_test(tcase, as_many_targets_as_the_limit_are_taken);
    tcase_add_loop_test(tcase, a_header_that_would_break_the_message_is_refused,
                        0, 9);
    tcase_add_loop_test(tcase, a_header_of_the_librarys_own_may_not_be_set, 0,
                        17);
    tcase_add_test(tcase,
                   an_option_that_is_unknown_or_not_available_is_refused);
    tcase_add_test(tcase, options_of_a_newer_program_are_taken_when_unset);
    tcase_add_test(tcase, no_request_is_refused);
    tcase_add_loop_test(tcase, every_form_of_a_target_is_understood, 0, 11);
    tcase_add_loop_test(
        tcase, targets_that_cannot_be_reached_yet_are_taken_and_fail, 0, 5);
    tcase_add_test(tcase, inputs_are_copied_and_a_callback_is_not_needed);
    suite_add_tcase(suite, tcase);
}

static void add_life(Suite *suite)
{
    TCase *tcase = tcase_create("life");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, a_request_is_proxied_only_once);
    tcase_add_test(tcase, an_answered_request_is_not_proxied);
    tcase_add_test(tcase, a_cancelled_request_is_not_proxied);
    tcase_add_test(tcase, provisional_answers_may_go_before_proxying);
    tcase_add_test(tcase, an_answer_may_come_later);
    tcase_add_loop_test(tcase, a_handler_that_lets_go_gives_500, 0, 2);
    tcase_add_test(tcase, the_last_reference_given_back_gives_500);
    tcase_add_loop_test(tcase, a_handler_has_only_so_much_time, 0, 2);
    tcase_add_test(tcase, the_time_of_a_handler_does_not_limit_the_proxying);
    tcase_add_loop_test(tcase, destroy_completes_what_is_under_way, 0, 2);
    tcase_add_loop_test(tcase, destroy_inside_a_handler, 0, 2);
    tcase_add_loop_test(tcase, destroy_inside_the_callback, 0, 3);
    tcase_add_loop_test(tcase, destroy_inside_on_cancel, 0, 2);
    tcase_add_test(tcase, a_request_that_is_kept_outlives_the_stack);
    suite_add_tcase(suite, tcase);
}

int main(void)
{
    Suite *suite = suite_create("proxy_api");

    add_arguments(suite);
    add_life(suite);
    return run_suite(suite);
}
