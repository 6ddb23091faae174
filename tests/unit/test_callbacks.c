/*
 * Every call from every callback: a program that draws lots, in each callback,
 * what it does next, while calls come and go, allocations fail and the stack
 * ends at any moment. What it was promised is counted, and nothing else comes.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT = 16, CALLS = 48 };

static struct {
    world_t *world;
    srf_t *srf; /* NULL: srf_destroy() was called, or it is gone */
    uint64_t state;
    long live;
    bool fails;      /* one allocation in sixty-four */
    bool destroys;   /* now and then */
    bool everywhere; /* also where the functions that send call back */
    unsigned inside; /* functions of the library */
    unsigned depth;  /* callbacks */
    srf_req_t *kept[KEPT];
    srf_outgoing_t *outgoings[KEPT];
    unsigned promised; /* completions */
    unsigned told;
    unsigned destroyed;
    bool draining;
} rig;

static unsigned lot(unsigned below)
{
    rig.state = rig.state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(rig.state >> 33) % below;
}

/* ---- memory ---- */

static bool is_out(void)
{
    return rig.fails && lot(64) == 0;
}

static void *lib_malloc(size_t size, void *data)
{
    (void)data;
    void *out = is_out() ? NULL : malloc(size);
    rig.live += out != NULL;
    return out;
}

static void *lib_calloc(size_t count, size_t size, void *data)
{
    (void)data;
    void *out = is_out() ? NULL : calloc(count, size);
    rig.live += out != NULL;
    return out;
}

static void *lib_realloc(void *ptr, size_t size, void *data)
{
    (void)data;
    void *out = is_out() ? NULL : realloc(ptr, size);
    rig.live += out != NULL && ptr == NULL;
    return out;
}

static void lib_free(void *ptr, void *data)
{
    (void)data;
    rig.live -= ptr != NULL;
    free(ptr);
}

/* ---- what it does ---- */

static void act(srf_req_t *req);

static void begin(void)
{
    /* Never from inside of the function that asked for them. */
    ck_assert_uint_eq(rig.inside, 0);
    rig.depth++;
}

static void end(void)
{
    rig.depth--;
}

static void on_destroyed(void *data)
{
    begin();
    (void)data;
    rig.destroyed++;
    ck_assert_uint_eq(rig.told, rig.promised);
    end();
}

static void on_drained(srf_t *srf, int err)
{
    begin();
    ck_assert(err == 0 || err == SRF_ERR_CANCELED);
    ck_assert_ptr_nonnull(srf);
    rig.told++;
    act(NULL);
    end();
}

static void on_done(srf_req_t *req, int err, const srf_proxy_results_t *results)
{
    begin();
    (void)err;
    ck_assert_ptr_nonnull(results);
    rig.told++;
    act(req);
    end();
}

static void on_branch(srf_req_t *req, const srf_proxy_response_t *branch)
{
    begin();
    act(req);
    ck_assert_ptr_nonnull(branch);
    end();
}

static void on_response(srf_req_t *req, const srf_proxy_response_t *branch,
                        const srf_proxy_msg_t *response)
{
    begin();
    act(req);
    ck_assert_int_ge(response->status, 100);
    if (branch->msg_count > 0 && response->msg != NULL && !rig.fails)
        ck_assert_int_eq(srf_msg_status(response->msg), response->status);
    end();
}

static void on_cancel(srf_req_t *req)
{
    begin();
    act(req);
    end();
}

static void on_outgoing_response(srf_outgoing_t *outgoing,
                                 const srf_msg_t *response)
{
    begin();
    act(NULL);
    if (lot(4) == 0)
        srf_outgoing_cancel(outgoing);
    ck_assert(rig.fails || srf_msg_status(response) >= 100);
    end();
}

static void on_outgoing(srf_outgoing_t *outgoing, int err,
                        const srf_msg_t *response)
{
    begin();
    (void)err;
    rig.told++;
    act(NULL);
    ck_assert(response == NULL || rig.fails || srf_msg_status(response) >= 200);
    for (unsigned i = 0; i < KEPT; i++) {
        if (rig.outgoings[i] == outgoing)
            rig.outgoings[i] = NULL;
    }
    end();
}

static void on_request(srf_req_t *req, srf_res_t *res)
{
    begin();
    (void)res;
    act(req);
    end();
}

static const char *const targets[] = {
    "10.0.0.11", "sip:bob@10.0.0.12;transport=udp",
    "10.0.0.66", "sip:nobody.example",
    "10.0.0.1",
};

static const char *any_target(void)
{
    return targets[lot(sizeof(targets) / sizeof(*targets))];
}

static void proxy(srf_req_t *req)
{
    const char *uris[3] = {any_target(), lot(2) ? any_target() : NULL, NULL};
    const char *const headers[] = {"X-Trace", "1", NULL};
    srf_proxy_options_t options;

    srf_proxy_options_init(&options);
    options.record_route = (int32_t)lot(2);
    options.follow_redirects = (int32_t)lot(2);
    options.forking = lot(2) ? SRF_FORKING_SIMULTANEOUS : 0;
    options.provisional_timeout_ms = lot(3) == 0 ? 700 : 0;
    options.final_timeout_ms = lot(3) == 0 ? 1500 : 0;
    options.headers = lot(2) ? headers : NULL;
    options.on_branch = lot(2) ? on_branch : NULL;
    options.on_response = lot(2) ? on_response : NULL;
    if (srf_proxy_request(req, lot(6) ? uris : NULL, &options, on_done) == 0)
        rig.promised++;
}

static void request(void)
{
    static const char *const methods[] = {"OPTIONS", "INVITE", "MESSAGE"};
    static const char *const realms[] = {"*", NULL};
    srf_request_options_t options;
    unsigned slot = lot(KEPT);

    if (rig.srf == NULL || rig.outgoings[slot] != NULL)
        return;
    srf_request_options_init(&options);
    options.method = methods[lot(3)];
    options.on_response = lot(2) ? on_outgoing_response : NULL;
    options.handle = &rig.outgoings[slot];
    options.timeout_ms = lot(2) ? 1000 : 0;
    options.username = lot(2) ? "ann" : NULL;
    options.password = "secret";
    options.realms = realms;
    if (srf_request(rig.srf, lot(2) ? "sip:10.0.0.11" : "sip:10.0.0.66",
                    &options, on_outgoing) == 0)
        rig.promised++;
}

static void keep(srf_req_t *req)
{
    unsigned slot = lot(KEPT);

    if (rig.kept[slot] == NULL && req != NULL)
        rig.kept[slot] = srf_req_ref(req);
}

static void give_back(void)
{
    unsigned slot = lot(KEPT);
    srf_req_t *req = rig.kept[slot];

    rig.kept[slot] = NULL;
    srf_req_unref(req);
}

static void ask(srf_req_t *req)
{
    srf_stats_t stats = {.size = sizeof(stats)};

    if (rig.srf != NULL) {
        ck_assert_int_eq(srf_stats(rig.srf, &stats), 0);
        int err = srf_alias(rig.srf, "sip.example.com");
        ck_assert(err == 0 || err == SRF_ERR_NO_MEMORY);
        ck_assert_int_ne(srf_reload_certificates(rig.srf, 0), 0);
        ck_assert_int_ne(srf_listen(rig.srf, "nonsense", NULL), 0);
        ck_assert_int_ne(srf_post(rig.srf, NULL, NULL), 0);
    }
    if (req == NULL)
        return;
    (void)srf_req_call_id(req);
    (void)srf_req_get(req, "Contact", 0);
    (void)srf_req_source_address(req);
    (void)srf_req_peer_certificate(req);
    (void)srf_req_received_on(req);
}

static void destroy_now(void)
{
    srf_t *srf = rig.srf;

    if (srf == NULL || !rig.destroys || lot(12) != 0)
        return;
    rig.srf = NULL;
    srf_destroy(srf, on_destroyed);
}

static void drain(void)
{
    if (rig.srf == NULL || rig.draining || lot(12) != 0)
        return;
    if (srf_drain(rig.srf, on_drained) == 0) {
        rig.draining = true;
        rig.promised++;
    }
}

static void answer(srf_req_t *req)
{
    static const int statuses[] = {100, 180, 183, 200, 302, 404, 486, 603};

    (void)srf_res_send(srf_req_res(req), statuses[lot(8)], NULL);
}

static void act_once(srf_req_t *req)
{
    srf_req_t *other = rig.kept[lot(KEPT)];

    if (req == NULL || (other != NULL && lot(4) == 0))
        req = other;
    switch (lot(11)) {
    case 0:
        destroy_now();
        return;
    case 1:
        drain();
        return;
    case 2:
        request();
        return;
    case 3:
        ask(req);
        return;
    case 4:
        give_back();
        return;
    case 5: {
        srf_outgoing_t *one = rig.outgoings[lot(KEPT)];
        if (one != NULL)
            srf_outgoing_cancel(one);
        return;
    }
    default:
        break;
    }
    if (req == NULL)
        return;
    srf_req_ref(req);
    switch (lot(5)) {
    case 0:
        answer(req);
        break;
    case 1:
        (void)srf_next(req, lot(8) == 0 ? SRF_ERR_LIMIT : 0);
        break;
    case 2:
        proxy(req);
        break;
    case 3:
        keep(req);
        break;
    default:
        srf_req_on_cancel(req, on_cancel);
        break;
    }
    srf_req_unref(req);
}

static void act(srf_req_t *req)
{
    unsigned times = lot(5);

    rig.inside++;
    while (times-- > 0 && rig.depth < 8)
        act_once(req);
    rig.inside--;
}

/* ---- where the functions that send call back ---- */

static void from_inside(void)
{
    unsigned inside = rig.inside;

    if (!rig.everywhere || rig.srf == NULL || rig.depth >= 8 || lot(8) != 0)
        return;
    rig.inside = 0;
    rig.depth++;
    act(NULL);
    rig.depth--;
    rig.inside = inside;
}

static void on_log(srf_log_level_t level, const srf_log_event_t *event,
                   void *data)
{
    (void)level;
    (void)data;
    ck_assert_ptr_nonnull(event->text);
    from_inside();
}

static void on_trace(const srf_trace_t *trace, void *data)
{
    (void)data;
    ck_assert_ptr_nonnull(trace->data);
    from_inside();
}

static int on_allow(const srf_destination_t *destination, void *data)
{
    (void)data;
    ck_assert_ptr_nonnull(destination->address);
    from_inside();
    return lot(16) != 0;
}

/* ---- the others ---- */

static void peer_hears(party_t *party)
{
    static const char *const finals[] = {
        "200 OK",           "486 Busy Here",           "302 Moved Temporarily",
        "401 Unauthorized", "503 Service Unavailable", "603 Decline"};

    for (unsigned i = 0; i < party->count; i++) {
        const char *msg = party->inbox[i];
        if (strncmp(msg, "SIP/2.0", 7) == 0 || strncmp(msg, "ACK", 3) == 0 ||
            lot(4) == 0)
            continue;
        if (strncmp(msg, "INVITE", 6) == 0 && lot(2) == 0)
            party_reply(party, i, "180 Ringing", "");
        unsigned which = lot(6);
        if (lot(3) != 0)
            party_reply(party, i, finals[which],
                        which == 2   ? "Contact: <sip:bob@10.0.0.12>\n"
                        : which == 3 ? "WWW-Authenticate: Digest realm=\"a\", "
                                       "nonce=\"n\"\n"
                                     : "Contact: <sip:bob@10.0.0.11>\n");
    }
    party_clear(party);
}

static void caller_says(void)
{
    party_t *caller = rig.world->caller;
    char id[8];

    snprintf(id, sizeof(id), "c%u", lot(6));
    switch (lot(6)) {
    case 0:
    case 1:
        party_invite(caller, WORLD_PROXY, WORLD_URI, id, "");
        return;
    case 2:
        party_follow(caller, WORLD_PROXY, "CANCEL", WORLD_URI, id, NULL);
        return;
    case 3:
        party_follow(caller, WORLD_PROXY, "ACK", WORLD_URI, id, "uas");
        return;
    case 4:
        world_in_dialog(rig.world, caller, lot(2) ? "BYE" : "ACK",
                        "sip:bob@10.0.0.11", id,
                        "Route: <sip:10.0.0.1:5060;lr;srf=MARK>\n");
        return;
    default:
        world_request(rig.world, lot(2) ? "MESSAGE" : "OPTIONS", WORLD_URI, id,
                      "");
        return;
    }
}

/* ---- the whole ---- */

static void set_up(uint64_t seed)
{
    static const srf_allocator_t allocator = {lib_malloc, lib_calloc,
                                              lib_realloc, lib_free, NULL};
    srf_options_t options;

    memset(&rig, 0, sizeof(rig));
    rig.state = seed * 0x9e3779b97f4a7c15u + 1;
    ck_assert_int_eq(srf_set_allocator(&allocator), 0);
    srf_options_init(&options);
    options.log_cb = on_log;
    options.log_level = SRF_LOG_TRACE;
    options.trace_cb = on_trace;
    options.allow_destination = on_allow;
    options.handler_timeout_ms = 3000;
    options.timer_c_ms = 5000;
    rig.world = world_create_with(&options, NULL, NULL);
    rig.srf = rig.world->srf;
    ck_assert_int_eq(srf_use(rig.srf, NULL, on_request), 0);
    ck_assert_int_eq(srf_on(rig.srf, NULL, on_request), 0);
    memnet_close_port(rig.world->net, "10.0.0.66:5060", lot(2));
    rig.fails = seed % 2 == 0;
    rig.destroys = seed % 3 != 0;
}

static void tear_down(void)
{
    srf_t *srf = rig.srf;

    rig.srf = NULL;
    rig.fails = false;
    if (srf != NULL)
        srf_destroy(srf, on_destroyed);
    memnet_run(rig.world->net, 10);
    ck_assert_uint_eq(rig.destroyed, 1);
    for (unsigned i = 0; i < KEPT; i++)
        srf_req_unref(rig.kept[i]);
    world_destroy_rest(rig.world);
    ck_assert_msg(rig.live == 0, "%ld left", rig.live);
    ck_assert_int_eq(srf_set_allocator(NULL), 0);
}

static void play(uint64_t seed, bool everywhere)
{
    set_up(seed);
    rig.everywhere = everywhere;
    for (unsigned i = 0; i < CALLS; i++) {
        caller_says();
        memnet_run(rig.world->net, lot(400));
        peer_hears(rig.world->one);
        peer_hears(rig.world->two);
        party_clear(rig.world->caller);
    }
    if (seed % 5 == 0)
        memnet_run(rig.world->net, 40000);
    tear_down();
}

static void play_many(bool everywhere)
{
    const char *text = getenv("SRF_SEEDS");
    unsigned long seeds = text == NULL ? 60 : strtoul(text, NULL, 10);
    const char *first = getenv("SRF_SEED");
    unsigned long from = first == NULL ? 1 : strtoul(first, NULL, 10);

    for (unsigned long seed = from; seed < from + seeds; seed++) {
        if (getenv("SRF_SHOW") != NULL)
            fprintf(stderr, "seed %lu\n", seed);
        play(seed, everywhere);
    }
}

START_TEST(any_function_may_be_called_in_any_callback)
{
    play_many(false);
}
END_TEST

START_TEST(where_the_senders_call_back_too)
{
    play_many(true);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("callbacks");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, any_function_may_be_called_in_any_callback);
    tcase_add_test(tcase, where_the_senders_call_back_too);
    tcase_set_timeout(tcase, 0);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
