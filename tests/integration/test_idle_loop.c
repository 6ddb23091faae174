/*
 * Functions called while nobody has run the loop for long: before uv_run(), or
 * from a loop of another kind that it lies in. Timers count from the call.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "stage.h"

#include <stdio.h>
#include <string.h>

/* How long the loop stands still, and how long is waited for an answer. */
enum { STILL_MS = 450, WAIT_MS = 400, SLACK_MS = 40, NAME = 64 };

static stage_t stage;
static wire_t *caller;
static wire_t *server;
static unsigned port; /* the proxy's */
static srf_req_t *kept;
static srf_outgoing_t *outgoing;
static int err_told;
static uint64_t told_ms;
static unsigned told;
static uint64_t called_ms; /* when the function was, or right before */

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

static void keep(srf_req_t *req, srf_res_t *res)
{
    (void)res;
    if (kept == NULL)
        kept = srf_req_ref(req);
}

static void on_outgoing(srf_outgoing_t *done, int err,
                        const srf_msg_t *response)
{
    (void)done;
    (void)response;
    err_told = err;
    told_ms = now_ms();
    told++;
    outgoing = NULL;
}

static void on_done(srf_req_t *req, int err, const srf_proxy_results_t *results)
{
    (void)req;
    ck_assert_int_eq(err, 0);
    ck_assert_uint_eq(results->response_count, 1);
    ck_assert_int_eq(results->responses[0].cause, SRF_CAUSE_RESPONSE);
    told++;
}

/* A stack with a request of the program's, unless the test wants none. */
static void set_up(bool request)
{
    char uri[NAME];

    kept = NULL;
    outgoing = NULL;
    told = 0;
    stage_setup(&stage, false, NULL);
    port = stage_listen(&stage, WIRE_UDP);
    ck_assert_int_eq(srf_on(stage.proxy, "INVITE", keep), 0);
    server = wire_listen(&stage.loop, WIRE_UDP, "127.0.0.1", NULL);
    caller = wire_connect(&stage.loop, WIRE_UDP, "127.0.0.1", port, NULL);
    if (!request)
        return;
    (void)snprintf(uri, sizeof(uri), "sip:bob@127.0.0.1:%u", port);
    stage_request(&stage, caller, WIRE_UDP, "INVITE", uri, "c1", "");
    while (kept == NULL)
        uv_run(&stage.loop, UV_RUN_ONCE);
}

static void tear_down(void)
{
    srf_req_unref(kept);
    kept = NULL;
    wire_close(caller);
    wire_close(server);
    stage_teardown(&stage);
}

static void stand_still(unsigned ms)
{
    uv_sleep(ms);
}

static const char *server_uri(void)
{
    static char uri[NAME];

    (void)snprintf(uri, sizeof(uri), "sip:127.0.0.1:%u", wire_port(server));
    return uri;
}

/* ---- what a program sees ---- */

START_TEST(a_request_before_the_loop_runs_has_its_whole_time)
{
    srf_request_options_t options;

    set_up(false);
    stand_still(STILL_MS);
    srf_request_options_init(&options);
    options.timeout_ms = WAIT_MS;
    uint64_t begin = now_ms();
    ck_assert_int_eq(
        srf_request(stage.proxy, server_uri(), &options, on_outgoing), 0);
    while (told == 0)
        uv_run(&stage.loop, UV_RUN_ONCE);
    ck_assert_int_eq(err_told, SRF_ERR_TIMEOUT);
    ck_assert_uint_ge(told_ms - begin + 1, WAIT_MS);
    tear_down();
}
END_TEST

START_TEST(a_target_chosen_while_the_loop_stood_still_is_heard)
{
    srf_proxy_options_t options;

    set_up(true);
    stand_still(STILL_MS);
    srf_proxy_options_init(&options);
    options.provisional_timeout_ms = WAIT_MS;
    ck_assert_int_eq(
        srf_proxy_request(kept, SRF_URIS(server_uri()), &options, on_done), 0);
    wire_pump(server);
    const char *invite = wire_poll(server);
    ck_assert_ptr_nonnull(invite);
    stage_answer(server, invite, "486 Busy Here", "");
    while (told == 0)
        uv_run(&stage.loop, UV_RUN_ONCE);
    tear_down();
}
END_TEST

/* ---- each function ---- */

static void call_proxy_request(void)
{
    ck_assert_int_eq(
        srf_proxy_request(kept, SRF_URIS(server_uri()), NULL, NULL), 0);
}

static void call_request(void)
{
    ck_assert_int_eq(srf_request(stage.proxy, server_uri(), NULL, NULL), 0);
}

static void call_outgoing_cancel(void)
{
    srf_request_options_t options;

    srf_request_options_init(&options);
    options.handle = &outgoing;
    ck_assert_int_eq(
        srf_request(stage.proxy, server_uri(), &options, on_outgoing), 0);
    stand_still(2 * SLACK_MS);
    called_ms = now_ms();
    srf_outgoing_cancel(outgoing);
}

static void call_res_send(void)
{
    ck_assert_int_eq(srf_res_send(srf_req_res(kept), 486, NULL), 0);
}

static void call_req_unref(void)
{
    srf_req_unref(kept);
    kept = NULL;
}

static void call_next(void)
{
    ck_assert_int_eq(srf_next(kept, 0), 0);
}

static void call_drain(void)
{
    ck_assert_int_eq(srf_drain(stage.proxy, NULL), 0);
}

static void call_destroy(void)
{
    srf_destroy(stage.proxy, NULL);
}

/* Every function of the library: what calls it, or NULL for one that starts no
 * timer. */
static const struct {
    const char *name;
    void (*call)(void);
} functions[] = {
    {"srf_address_kind", NULL},
    {"srf_alias", NULL},
    {"srf_allow_public_destinations", NULL},
    {"srf_cause_name", NULL},
    {"srf_cidr_match", NULL},
    {"srf_cidr_parse", NULL},
    {"srf_create", NULL},
    {"srf_data", NULL},
    {"srf_destroy", call_destroy},
    {"srf_drain", call_drain},
    {"srf_duration_parse", NULL},
    {"srf_err_name", NULL},
    {"srf_flow_is_open", NULL},
    {"srf_free", NULL},
    {"srf_invite", NULL},
    {"srf_listen", NULL},
    {"srf_listener_uri", NULL},
    {"srf_msg_body", NULL},
    {"srf_msg_contacts", NULL},
    {"srf_msg_get", NULL},
    {"srf_msg_method", NULL},
    {"srf_msg_name_addr", NULL},
    {"srf_msg_raw", NULL},
    {"srf_msg_reason", NULL},
    {"srf_msg_status", NULL},
    {"srf_msg_uri", NULL},
    {"srf_next", call_next},
    {"srf_on", NULL},
    {"srf_on_flow_closed", NULL},
    {"srf_outgoing_cancel", call_outgoing_cancel},
    {"srf_outgoing_data", NULL},
    {"srf_outgoing_srf", NULL},
    {"srf_param_find", NULL},
    {"srf_post", NULL}, /* comes from other threads */
    {"srf_printable", NULL},
    {"srf_proxy_request", call_proxy_request},
    {"srf_proxy_results_json", NULL},
    {"srf_reload_certificates", NULL},
    {"srf_req_body", NULL},
    {"srf_req_branch", NULL},
    {"srf_req_call_id", NULL},
    {"srf_req_called_number", NULL},
    {"srf_req_calling_number", NULL},
    {"srf_req_data", NULL},
    {"srf_req_flow", NULL},
    {"srf_req_from_tag", NULL},
    {"srf_req_get", NULL},
    {"srf_req_is_new_invite", NULL},
    {"srf_req_method", NULL},
    {"srf_req_msg", NULL},
    {"srf_req_on_cancel", NULL},
    {"srf_req_peer_certificate", NULL},
    {"srf_req_raw", NULL},
    {"srf_req_received_on", NULL},
    {"srf_req_ref", NULL},
    {"srf_req_res", NULL},
    {"srf_req_set_data", NULL},
    {"srf_req_source_address", NULL},
    {"srf_req_source_port", NULL},
    {"srf_req_source_protocol", NULL},
    {"srf_req_srf", NULL},
    {"srf_req_to_tag", NULL},
    {"srf_req_unref", call_req_unref},
    {"srf_req_uri", NULL},
    {"srf_request", call_request},
    {"srf_res_final_sent", NULL},
    {"srf_res_send", call_res_send},
    {"srf_set_allocator", NULL},
    {"srf_set_data", NULL},
    {"srf_stats", NULL},
    {"srf_strerror", NULL},
    {"srf_uri_parse", NULL},
    {"srf_use", NULL},
    {"srf_version", NULL},
};

enum { FUNCTIONS = sizeof(functions) / sizeof(functions[0]) };

START_TEST(each_function_that_starts_a_timer_takes_the_time)
{
    if (functions[_i].call == NULL)
        return;
    set_up(true);
    stand_still(4 * SLACK_MS);
    called_ms = now_ms();
    functions[_i].call();
    /* What timers count from. */
    ck_assert_msg(uv_now(&stage.loop) + SLACK_MS > called_ms,
                  "%s: %llu ms behind", functions[_i].name,
                  (unsigned long long)(called_ms - uv_now(&stage.loop)));
    tear_down();
}
END_TEST

/* A function that is not in the table above fails here. */
START_TEST(every_function_of_the_library_is_known_here)
{
    char path[1024];
    char name[NAME];
    unsigned at = 0;

    (void)snprintf(path, sizeof(path), "%s/abi/libsrf.symbols",
                   getenv("SRF_TEST_DATA"));
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(name, sizeof(name), file) != NULL) {
        name[strcspn(name, "\n")] = '\0';
        ck_assert_uint_lt(at, FUNCTIONS);
        ck_assert_str_eq(name, functions[at].name);
        at++;
    }
    fclose(file);
    ck_assert_uint_eq(at, FUNCTIONS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("idle loop");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, a_request_before_the_loop_runs_has_its_whole_time);
    tcase_add_test(tcase, a_target_chosen_while_the_loop_stood_still_is_heard);
    tcase_add_loop_test(tcase, each_function_that_starts_a_timer_takes_the_time,
                        0, FUNCTIONS);
    tcase_add_test(tcase, every_function_of_the_library_is_known_here);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
