/*
 * Out of memory: whole calls, run once for every allocation they make, with
 * that allocation failing, alone or with those that follow. Each has to come to
 * a definite end: one final response for the caller, one callback for the
 * program, nothing left behind.
 *
 * SPDX-License-Identifier: MIT
 */
#include "failing_memory.h"
#include "runner.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

/* ---- peers that behave by themselves ---- */

typedef struct server {
    const char *answer; /* what follows the ringing; NULL: it rings on */
    const char *extra;
    bool silent;     /* until this many INVITEs came: never answers */
    bool no_ringing; /* answers at once */
    party_t *party;
    unsigned seen;
    int invite; /* index of its INVITE; -1: none yet */
    const char *last;
    bool acked;
    unsigned repeats;
} server_t;

typedef struct caller {
    party_t *party;
    unsigned seen;
    bool heard; /* anything */
    int final;  /* first final status */
    bool byed;
    bool cancels;
    bool cancelled;
} caller_t;

enum { SERVERS = 4 };

typedef struct scenario {
    const char *method;
    srf_proxy_options_t options;
    const char *uris[SERVERS];
    server_t servers[SERVERS];
    bool cancels;
    unsigned end_ms;
} scenario_t;

typedef struct play {
    world_t *world;
    caller_t caller;
    server_t servers[SERVERS];
    const char *method;
} play_t;

static void server_reply(server_t *server, unsigned index, const char *status)
{
    party_reply(server->party, index, status,
                server->extra == NULL ? "" : server->extra);
}

static void server_final(server_t *server, const char *status)
{
    server->last = status;
    server->acked = false;
    server_reply(server, (unsigned)server->invite, status);
}

static void server_request(server_t *server, unsigned index)
{
    if (server->silent)
        return;
    if (server->invite >= 0) {
        server_reply(server, index, server->last);
        return;
    }
    server->invite = (int)index;
    server->last = "180 Ringing";
    if (!server->no_ringing)
        server_reply(server, index, server->last);
    if (server->answer != NULL)
        server_final(server, server->answer);
}

static void server_hear(server_t *server, const char *method)
{
    const char *msg = server->party->inbox[server->seen];

    if (strncmp(msg, method, strlen(method)) == 0) {
        server_request(server, server->seen);
    } else if (strncmp(msg, "ACK", 3) == 0) {
        server->acked = true;
    } else if (strncmp(msg, "CANCEL", 6) == 0) {
        server_reply(server, server->seen, "200 OK");
        if (server->invite >= 0 && strcmp(server->last, "180 Ringing") == 0)
            server_final(server, "487 Request Terminated");
    } else {
        server_reply(server, server->seen, "200 OK"); /* BYE */
    }
}

/* A final response to INVITE is repeated until the ACK comes. */
static void server_repeat(server_t *server, const char *method)
{
    if (strcmp(method, "INVITE") == 0 && server->invite >= 0 &&
        strcmp(server->last, "180 Ringing") != 0 && !server->acked &&
        server->repeats++ < 20)
        server_reply(server, (unsigned)server->invite, server->last);
}

static void caller_request(play_t *play)
{
    if (strcmp(play->method, "INVITE") == 0)
        party_invite(play->caller.party, WORLD_PROXY, WORLD_URI, "c1", "");
    else
        world_request(play->world, play->method, WORLD_URI, "c1", "");
}

static void caller_bye(play_t *play)
{
    world_in_dialog(play->world, play->caller.party, "BYE", "sip:10.0.0.12",
                    "bye", "Route: <sip:10.0.0.1:5060;lr;srf=MARK>\n");
}

static void caller_final(play_t *play, int status)
{
    caller_t *caller = &play->caller;

    if (caller->final == 0)
        caller->final = status;
    /* A second final response can only be a further 2xx. */
    ck_assert(status == caller->final || status / 100 == 2);
    if (strcmp(play->method, "INVITE") != 0)
        return;
    if (status >= 300) {
        party_follow(caller->party, WORLD_PROXY, "ACK", WORLD_URI, "c1", "x");
        return;
    }
    world_in_dialog(play->world, caller->party, "ACK", "sip:10.0.0.12", "ack",
                    "Route: <sip:10.0.0.1:5060;lr;srf=MARK>\n");
    if (!caller->byed)
        caller_bye(play);
    caller->byed = true;
}

static void caller_hear(play_t *play)
{
    caller_t *caller = &play->caller;
    const char *msg = caller->party->inbox[caller->seen];
    int status = 0;

    ck_assert_int_eq(sscanf(msg, "SIP/2.0 %d", &status), 1);
    if (strstr(msg, "CSeq: 1 CANCEL") != NULL || strstr(msg, " BYE") != NULL)
        return;
    caller->heard = true;
    if (status >= 200)
        caller_final(play, status);
    else if (status > 100 && caller->cancels && !caller->cancelled) {
        caller->cancelled = true;
        party_follow(caller->party, WORLD_PROXY, "CANCEL", WORLD_URI, "c1",
                     NULL);
    }
}

static void hear_all(play_t *play)
{
    memnet_run(play->world->net, 1);
    for (; play->caller.seen < play->caller.party->count; play->caller.seen++)
        caller_hear(play);
    for (unsigned i = 0; i < SERVERS; i++) {
        server_t *server = &play->servers[i];
        for (; server->party != NULL && server->seen < server->party->count;
             server->seen++)
            server_hear(server, play->method);
    }
}

static void repeat_all(play_t *play)
{
    /* The caller repeats an INVITE until it hears something, another request
     * until the final response. */
    if (!play->caller.heard ||
        (play->caller.final == 0 && strcmp(play->method, "INVITE") != 0))
        caller_request(play);
    for (unsigned i = 0; i < SERVERS; i++) {
        if (play->servers[i].party != NULL)
            server_repeat(&play->servers[i], play->method);
    }
}

static void run_play(play_t *play, unsigned end_ms)
{
    caller_request(play);
    for (unsigned ms = 0; ms < end_ms; ms += 500) {
        for (unsigned i = 0; i < 20; i++)
            hear_all(play);
        memnet_run(play->world->net, 480);
        repeat_all(play);
    }
}

static void set_up(play_t *play, const scenario_t *scenario)
{
    static const char *const addresses[SERVERS] = {
        WORLD_ONE, WORLD_TWO, "10.0.0.13:5060", "10.0.0.14:5060"};

    memset(play, 0, sizeof(*play));
    play->method = scenario->method;
    play->world = world_create(NULL, NULL);
    for (unsigned i = 0; i < SERVERS; i++) {
        server_t *server = &play->servers[i];
        play->world->program.uris[i] = scenario->uris[i];
        *server = scenario->servers[i];
        server->invite = -1;
        server->party = i == 0   ? play->world->one
                        : i == 1 ? play->world->two
                                 : party_create(play->world->net, addresses[i]);
    }
    play->world->program.options = scenario->options;
    play->caller.party = play->world->caller;
    play->caller.cancels = scenario->cancels;
}

/* Plays it with `in_a_row` allocations from the n-th on failing; the
 * allocations made. */
static unsigned long play_once(const scenario_t *scenario, unsigned long n,
                               unsigned long in_a_row)
{
    play_t play;

    failing_memory_begin();
    set_up(&play, scenario);
    long live = failing_memory.live;
    failing_memory_fail(n, in_a_row);
    run_play(&play, scenario->end_ms);
    unsigned long count = failing_memory.count;
    const program_t *program = &play.world->program;
    ck_assert_msg(play.caller.final != 0, "no final response, allocation %lu",
                  n);
    ck_assert_msg(program->done ==
                      (program->handled > 0 && program->started == 0),
                  "%u callbacks, allocation %lu", program->done, n);
    ck_assert_int_gt(live, 0);
    for (unsigned i = 2; i < SERVERS; i++)
        party_destroy(play.servers[i].party);
    world_destroy(play.world);
    ck_assert_msg(failing_memory.live == 0, "%ld left, allocation %lu",
                  failing_memory.live, n);
    failing_memory_end();
    return count;
}

static void play_all(const scenario_t *scenario, int variant)
{
    unsigned long count = play_once(scenario, 0, 0);

    ck_assert_uint_gt(count, 15);
    for (unsigned long n = 1; n <= count; n++)
        (void)play_once(scenario, n, variant == 0 ? 1 : 7);
}

/* ---- the calls ---- */

static scenario_t new_scenario(const char *method)
{
    scenario_t scenario = {.method = method, .end_ms = 40000};

    srf_proxy_options_init(&scenario.options);
    scenario.options.record_route = 1;
    scenario.options.timer_c_ms = 5000; /* nobody rings for ever */
    return scenario;
}

START_TEST(a_forked_call_with_a_redirect_ends_whatever_allocation_fails)
{
    scenario_t scenario = new_scenario("INVITE");

    scenario.options.forking = SRF_FORKING_SIMULTANEOUS;
    scenario.options.follow_redirects = 1;
    scenario.uris[0] = "10.0.0.11";
    scenario.uris[1] = "10.0.0.12";
    scenario.uris[2] = "10.0.0.13";
    scenario.servers[0].answer = NULL; /* rings until it is cancelled */
    scenario.servers[1] = (server_t){
        .answer = "302 Moved Temporarily",
        .extra = "Contact: <sip:bob@10.0.0.14>;q=0.5\n",
        .no_ringing = true,
    };
    scenario.servers[2].answer = "486 Busy Here";
    scenario.servers[3].answer = "200 OK";
    play_all(&scenario, _i);
}
END_TEST

START_TEST(a_sequential_call_with_timeouts_ends_whatever_allocation_fails)
{
    static const int32_t codes[] = {480, 0};
    scenario_t scenario = new_scenario("INVITE");

    scenario.options.provisional_timeout_ms = 1500;
    scenario.options.final_timeout_ms = 3000;
    scenario.options.stop_codes = codes;
    scenario.uris[0] = "10.0.0.11";
    scenario.uris[1] = "10.0.0.12";
    scenario.uris[2] = "10.0.0.13";
    scenario.servers[0].silent = true;
    scenario.servers[1].answer = NULL;
    scenario.servers[2].answer = "503 Service Unavailable";
    play_all(&scenario, _i);
}
END_TEST

START_TEST(a_cancelled_fork_ends_whatever_allocation_fails)
{
    scenario_t scenario = new_scenario("INVITE");

    scenario.options.forking = SRF_FORKING_SIMULTANEOUS;
    scenario.uris[0] = "10.0.0.11";
    scenario.uris[1] = "10.0.0.12";
    scenario.cancels = true;
    play_all(&scenario, _i);
}
END_TEST

START_TEST(merged_challenges_end_whatever_allocation_fails)
{
    scenario_t scenario = new_scenario("INVITE");

    scenario.options.forking = SRF_FORKING_SIMULTANEOUS;
    scenario.uris[0] = "10.0.0.11";
    scenario.uris[1] = "10.0.0.12";
    scenario.servers[0].answer = "401 Unauthorized";
    scenario.servers[0].extra = "WWW-Authenticate: Digest realm=\"a\"\n";
    scenario.servers[1].answer = "407 Proxy Authentication Required";
    scenario.servers[1].extra = "Proxy-Authenticate: Digest realm=\"b\"\n";
    play_all(&scenario, _i);
}
END_TEST

START_TEST(another_method_ends_whatever_allocation_fails)
{
    scenario_t scenario = new_scenario("MESSAGE");

    scenario.uris[0] = "10.0.0.11";
    scenario.uris[1] = "10.0.0.12";
    scenario.servers[0].answer = "480 Temporarily Unavailable";
    scenario.servers[1].answer = "200 OK";
    play_all(&scenario, _i);
}
END_TEST

START_TEST(a_stack_is_created_whole_or_not_at_all)
{
    memnet_t *net = memnet_create(1);
    const srf__env_t env = {.wheel = memnet_wheel(net), .seed = 1};
    unsigned long n = 1;
    int err = SRF_ERR_NO_MEMORY;

    for (; err != 0; n++) {
        srf_t *srf;
        failing_memory_begin();
        failing_memory_fail(n, 1);
        err = srf__create(&srf, &env, NULL);
        ck_assert(err == 0 ? srf != NULL : err == SRF_ERR_NO_MEMORY);
        ck_assert(err == 0 || (srf == NULL && failing_memory.live == 0));
        srf_destroy(srf, NULL);
        memnet_run(net, 10);
        ck_assert_int_eq(failing_memory.live, 0);
    }
    ck_assert_uint_gt(n, 2);
    failing_memory_end();
    memnet_destroy(net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("out of memory");
    TCase *tcase = tcase_create("each allocation once");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(
        tcase, a_forked_call_with_a_redirect_ends_whatever_allocation_fails, 0,
        2);
    tcase_add_loop_test(
        tcase, a_sequential_call_with_timeouts_ends_whatever_allocation_fails,
        0, 2);
    tcase_add_loop_test(tcase, a_cancelled_fork_ends_whatever_allocation_fails,
                        0, 2);
    tcase_add_loop_test(tcase, merged_challenges_end_whatever_allocation_fails,
                        0, 2);
    tcase_add_loop_test(tcase, another_method_ends_whatever_allocation_fails, 0,
                        2);
    tcase_add_test(tcase, a_stack_is_created_whole_or_not_at_all);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
