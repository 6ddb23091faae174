/*
 * Every call from every callback, over sockets: a program that draws lots what
 * it does next, between calls over each transport, names that are looked up,
 * calls that are posted and connections that break.
 *
 * SPDX-License-Identifier: MIT
 */
#include "certificates.h"
#include "runner.h"
#include "whims.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <uv.h>

enum { LISTENERS = 3, TEXT = 96, PLAY_MS = 400, SAYS_EVERY_MS = 4 };

static const char *const transports[LISTENERS] = {"udp", "tcp", "tls"};

static struct {
    uv_loop_t loop;
    srf_t *other;                /* who calls, and is called; NULL: it goes */
    char here[LISTENERS][TEXT];  /* URIs of the program's stack */
    char there[LISTENERS][TEXT]; /* of the other's */
    uv_timer_t says;
    uv_timer_t over;
    unsigned gone;
} world;

/* ---- the other ---- */

static void on_gone(void *data)
{
    (void)data;
    world.gone++;
}

static void other_hears(srf_req_t *req, srf_res_t *res)
{
    static const int statuses[] = {200, 200, 302, 401, 486, 503, 603};
    static const char *const headers[] = {"Contact", "<sip:bob@127.0.0.1:9>",
                                          NULL};
    srf_res_options_t options;

    (void)req;
    srf_res_options_init(&options);
    options.headers = headers;
    if (whims_lot(3) == 0)
        (void)!srf_res_send(res, 180, NULL);
    (void)!srf_res_send(res, statuses[whims_lot(7)], &options);
}

static void on_answer(srf_outgoing_t *outgoing, const srf_msg_t *response)
{
    (void)response;
    if (whims_lot(3) == 0)
        srf_outgoing_cancel(outgoing);
}

static void other_says(uv_timer_t *timer)
{
    static const char *const methods[] = {"INVITE", "INVITE", "MESSAGE"};
    srf_request_options_t options;

    (void)timer;
    srf_request_options_init(&options);
    options.method = methods[whims_lot(3)];
    options.timeout_ms = 100;
    options.on_response = on_answer;
    (void)!srf_request(world.other, world.here[whims_lot(LISTENERS)], &options,
                       NULL);
    whims_act();
}

/* ---- the whole ---- */

static void listen_all(srf_t *srf, char uris[LISTENERS][TEXT])
{
    srf_listen_options_t options;
    srf_tls_options_t tls;

    srf_listen_options_init(&options);
    srf_tls_options_init(&tls);
    tls.certificate_file = certificates_path("proxy.pem");
    tls.ca_file = certificates_path("ca.pem");
    options.tls = &tls;
    for (unsigned i = 0; i < LISTENERS; i++) {
        snprintf(uris[i], TEXT, "sip:127.0.0.1:0;transport=%s", transports[i]);
        ck_assert_int_eq(srf_listen(srf, uris[i], &options), 0);
        ck_assert_ptr_nonnull(srf_listener_uri(srf, i));
        snprintf(uris[i], TEXT, "%s", srf_listener_uri(srf, i));
    }
}

static void on_over(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)&world.says, NULL);
    uv_close((uv_handle_t *)timer, NULL);
    whims_end();
    srf_destroy(world.other, on_gone);
}

static void set_up(uint64_t seed)
{
    srf_options_t options;
    srf_t *srf;

    memset(&world, 0, sizeof(world));
    whims_set_up(seed, &options);
    options.t1_ms = 10;
    options.t2_ms = 40;
    options.t4_ms = 50;
    options.handler_timeout_ms = 100;
    options.dns_servers = "127.0.0.1:9";
    options.dns_timeout_ms = 20;
    ck_assert_int_eq(uv_loop_init(&world.loop), 0);
    ck_assert_int_eq(srf_create(&srf, &world.loop, &options), 0);
    options.log_cb = NULL;
    options.trace_cb = NULL;
    options.allow_destination = NULL;
    ck_assert_int_eq(srf_create(&world.other, &world.loop, &options), 0);
    ck_assert_int_eq(srf_on(world.other, NULL, other_hears), 0);
    listen_all(srf, world.here);
    listen_all(world.other, world.there);
    whims_begin(srf);
    for (unsigned i = 0; i < LISTENERS; i++)
        whims.targets[whims.target_count++] = world.there[i];
    whims.targets[whims.target_count++] = "sip:localhost:9;transport=tcp";
    whims.targets[whims.target_count++] = "sip:nobody.invalid";
    whims.targets[whims.target_count++] = world.here[1];
    whims.sockets = true;
    whims.fails = seed % 2 == 0;
    whims.destroys = seed % 3 != 0;
}

static void play(uint64_t seed)
{
    set_up(seed);
    ck_assert_int_eq(uv_timer_init(&world.loop, &world.says), 0);
    ck_assert_int_eq(uv_timer_init(&world.loop, &world.over), 0);
    uv_timer_start(&world.says, other_says, 0, SAYS_EVERY_MS);
    uv_timer_start(&world.over, on_over, PLAY_MS, 0);
    ck_assert_int_eq(uv_run(&world.loop, UV_RUN_DEFAULT), 0);
    whims_give_back();
    ck_assert_uint_eq(world.gone, 1);
    ck_assert_int_eq(uv_loop_close(&world.loop), 0);
    whims_tear_down();
}

static void make_certificates(void)
{
    const certificate_spec_t spec = {.names = "IP:127.0.0.1"};
    authority_t *authority = authority_create(certificates_path("ca.pem"));

    certificate_write(authority, certificates_path("proxy.pem"), &spec);
    authority_free(authority);
}

/* $SRF_SEEDS: so many of them, from $SRF_SEED on. */
static unsigned long given(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);

    return text == NULL ? otherwise : strtoul(text, NULL, 10);
}

static void play_many(void)
{
    unsigned long first = given("SRF_SEED", 1);
    unsigned long count = given("SRF_SEEDS", 8);

    make_certificates();
    for (unsigned long seed = first; seed < first + count; seed++)
        play(seed);
}

START_TEST(any_function_may_be_called_in_any_callback)
{
    play_many();
}
END_TEST

/* ---- one allocation after the other ---- */

static int connect_to(const char *uri)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    unsigned port = 0;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(sscanf(uri, "sip:127.0.0.1:%u", &port), 1);
    to.sin_port = htons((uint16_t)port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* Whether a connection is taken in while the n-th allocation fails. */
static bool take_in_one(unsigned long n)
{
    srf_stats_t stats = {.size = sizeof(stats)};
    srf_options_t options;
    srf_t *srf;

    whims_set_up(n, &options);
    ck_assert_int_eq(uv_loop_init(&world.loop), 0);
    ck_assert_int_eq(srf_create(&srf, &world.loop, NULL), 0);
    whims.srf = srf;
    ck_assert_int_eq(srf_listen(srf, "sip:127.0.0.1:0;transport=tcp", NULL), 0);
    int fd = connect_to(srf_listener_uri(srf, 0));
    whims.fail_at = n;
    while (stats.connections_accepted + stats.connections_refused == 0) {
        uv_run(&world.loop, UV_RUN_ONCE);
        ck_assert_int_eq(srf_stats(srf, &stats), 0);
    }
    whims_end();
    ck_assert_int_eq(uv_run(&world.loop, UV_RUN_DEFAULT), 0);
    close(fd);
    ck_assert_int_eq(uv_loop_close(&world.loop), 0);
    whims_give_back();
    whims_tear_down();
    return stats.connections_accepted > 0;
}

START_TEST(a_connection_is_taken_in_whole_or_not_at_all)
{
    unsigned long n = 1;

    while (!take_in_one(n))
        n++;
    ck_assert_uint_gt(n, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("whims");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, a_connection_is_taken_in_whole_or_not_at_all);
    tcase_add_test(tcase, any_function_may_be_called_in_any_callback);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
