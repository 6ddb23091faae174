/*
 * Peers that do whatever comes to their mind, over every transport at once:
 * connect, speak in pieces, call, answer, fall silent, hang up, reset. Whatever
 * happens, nothing is left behind, every proxy operation ends once, and who
 * behaves is served. $SRF_CHAOS_SEED is the one program to run,
 * $SRF_CHAOS_SEEDS how many.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "stage.h"

#include <stdio.h>
#include <string.h>

enum { PEERS = 8, SERVERS = 3, STEPS = 120, SEEDS = 12 };

typedef struct chaos {
    stage_t stage;
    uint32_t dice;
    unsigned ports[WIRE_KINDS];
    wire_t *peers[PEERS];
    wire_kind_t kinds[PEERS];
    wire_t *servers[SERVERS];
    wire_kind_t server_kinds[SERVERS];
    unsigned names;
} chaos_t;

static chaos_t chaos;

static unsigned roll(unsigned sides)
{
    chaos.dice = chaos.dice * 1664525u + 1013904223u;
    return (chaos.dice >> 16) % sides;
}

static const char *new_name(void)
{
    static char name[20];

    (void)snprintf(name, sizeof(name), "n%u", chaos.names++);
    return name;
}

static void open_peer(unsigned i)
{
    wire_kind_t kind = (wire_kind_t)roll(WIRE_KINDS);

    /* Some speak another language than their port does. */
    chaos.kinds[i] = roll(6) == 0 ? WIRE_TCP : kind;
    if (kind == WIRE_UDP)
        chaos.kinds[i] = WIRE_UDP;
    chaos.peers[i] =
        wire_connect(&chaos.stage.loop, chaos.kinds[i], chaos.stage.ip,
                     chaos.ports[kind], chaos.stage.client_ctx);
}

static void close_peer(unsigned i)
{
    if (roll(2) == 0 && chaos.kinds[i] != WIRE_UDP)
        wire_reset(chaos.peers[i]);
    else
        wire_close(chaos.peers[i]);
    chaos.peers[i] = NULL;
}

static void speak(unsigned i)
{
    static const char *const methods[] = {"INVITE", "MESSAGE", "SUBSCRIBE",
                                          "CANCEL", "ACK"};
    static const char *const pieces[] = {
        "\r\n\r\n",
        "INVITE sip:a",
        "\x16\x03\x01\x00\x05",
        "\x81\xfe\x10",
        "GET / HTTP/1.1\r\n\r\n",
        "MESSAGE sip:b SIP/2.0\r\nl: 9\r\n\r\n"};
    wire_t *peer = chaos.peers[i];
    const char *piece = pieces[roll(6)];

    if (roll(4) == 0)
        (void)wire_try_send_raw(peer, piece, strlen(piece));
    else if (!wire_has_ended(peer))
        stage_request(&chaos.stage, peer, chaos.kinds[i], methods[roll(5)],
                      "sip:bob@call.test", new_name(), "");
}

static void open_server(unsigned i)
{
    wire_kind_t kind = (wire_kind_t)roll(3);

    chaos.server_kinds[i] = kind;
    chaos.servers[i] = wire_listen(&chaos.stage.loop, kind, chaos.stage.ip,
                                   chaos.stage.server_ctx);
}

/* What a server has got is answered, more or less. */
static void serve(unsigned i)
{
    static const char *const statuses[] = {"180 Ringing",   "200 OK",
                                           "486 Busy Here", "302 Moved",
                                           "603 Decline",   "503 Later"};
    wire_t *server = chaos.servers[i];
    const char *got;

    while ((got = wire_poll(server)) != NULL) {
        if (strncmp(got, "SIP/", 4) == 0 || strncmp(got, "ACK", 3) == 0)
            continue;
        if (roll(3) > 0)
            stage_answer(server, got, statuses[roll(6)], "");
        if (roll(3) == 0)
            stage_answer(server, got, statuses[1 + roll(5)], "");
    }
}

static void choose_targets(void)
{
    for (unsigned i = 0; i < SERVERS; i++)
        stage_target(&chaos.stage, i, chaos.servers[i], chaos.server_kinds[i]);
    chaos.stage.options.forking =
        roll(2) == 0 ? SRF_FORKING_SIMULTANEOUS : SRF_FORKING_SEQUENTIAL;
    chaos.stage.options.record_route = (int32_t)roll(2);
    chaos.stage.options.follow_redirects = (int32_t)roll(2);
}

static void step(void)
{
    unsigned i = roll(PEERS);
    unsigned j = roll(SERVERS);

    if (chaos.peers[i] == NULL)
        open_peer(i);
    else if (roll(5) == 0)
        close_peer(i);
    else
        speak(i);
    if (roll(20) == 0) { /* a server goes, another one comes */
        wire_close(chaos.servers[j]);
        open_server(j);
        choose_targets();
    } else if (roll(10) == 0 && chaos.server_kinds[j] != WIRE_UDP) {
        wire_hang_up(chaos.servers[j]);
    }
    serve(roll(SERVERS));
    wire_run(&chaos.stage.loop, roll(4));
}

static void begin(uint32_t seed)
{
    srf_options_t options;

    memset(&chaos, 0, sizeof(chaos));
    wire_be_careless();
    chaos.dice = seed;
    srf_options_init(&options);
    options.t1_ms = 4;
    options.t2_ms = 16;
    options.timer_c_ms = 300;
    stage_setup(&chaos.stage, false, &options);
    chaos.stage.listen.accept_timeout_ms = 40 + roll(100);
    chaos.stage.listen.connect_timeout_ms = 40 + roll(100);
    chaos.stage.listen.message_timeout_ms = 40 + roll(100);
    chaos.stage.listen.idle_timeout_ms = 100 + roll(200);
    chaos.stage.listen.max_connections_per_source = 3 + roll(10);
    chaos.stage.listen.send_queue_bytes = 2000 + roll(20000);
    for (unsigned kind = 0; kind < WIRE_KINDS; kind++)
        chaos.ports[kind] = stage_listen(&chaos.stage, (wire_kind_t)kind);
    for (unsigned i = 0; i < SERVERS; i++)
        open_server(i);
    choose_targets();
}

static void end(void)
{
    for (unsigned i = 0; i < PEERS; i++) {
        if (chaos.peers[i] != NULL)
            wire_close(chaos.peers[i]);
    }
    for (unsigned i = 0; i < SERVERS; i++)
        wire_close(chaos.servers[i]);
}

/* One more request. False when a connection was closed: on a busy machine the
 * test itself may be too slow for the timeouts that were drawn. */
static bool is_served(void)
{
    uint64_t until = uv_hrtime() / 1000000 + 4000;
    wire_t *callee =
        wire_listen(&chaos.stage.loop, WIRE_TCP, chaos.stage.ip, NULL);
    wire_t *caller =
        wire_connect(&chaos.stage.loop, WIRE_TCP, chaos.stage.ip,
                     chaos.ports[WIRE_TCP], chaos.stage.client_ctx);
    const char *response = NULL;

    chaos.stage.targets[1][0] = '\0';
    stage_target(&chaos.stage, 0, callee, WIRE_TCP);
    stage_request(&chaos.stage, caller, WIRE_TCP, "MESSAGE",
                  "sip:bob@call.test", "last", "");
    /* A 100 comes first when T2, 16 ms here, passes (RFC 4320 §4.1). */
    while (!wire_has_ended(caller) && !wire_has_ended(callee) &&
           (response == NULL || strncmp(response, "SIP/2.0 100", 11) == 0)) {
        ck_assert_msg(uv_hrtime() / 1000000 < until, "nothing came");
        const char *request = wire_poll(callee);
        if (request != NULL)
            stage_answer(callee, request, "200 OK", "");
        wire_run(&chaos.stage.loop, 1);
        response = wire_poll(caller);
    }
    bool served = response != NULL && strncmp(response, "SIP/2.0 200", 11) == 0;
    wire_close(caller);
    wire_close(callee);
    return served;
}

/* Everything runs out, and whoever behaves is served. */
static void settle(void)
{
    uint64_t until = uv_hrtime() / 1000000 + 4000;

    end();
    while (stage_stats(&chaos.stage).proxies_pending > 0 ||
           stage_stats(&chaos.stage).connections > 0) {
        ck_assert_msg(uv_hrtime() / 1000000 < until, "something is left");
        wire_run(&chaos.stage.loop, 5);
    }
    unsigned tries = 1;
    while (!is_served())
        ck_assert_uint_lt(tries++, 5);
}

static unsigned seeds(void)
{
    const char *text = getenv("SRF_CHAOS_SEEDS");

    return text == NULL ? SEEDS : (unsigned)strtoul(text, NULL, 10);
}

static uint32_t seed_of(int i)
{
    const char *text = getenv("SRF_CHAOS_SEED");

    return text == NULL ? (uint32_t)i + 1 : (uint32_t)strtoul(text, NULL, 10);
}

START_TEST(whatever_peers_do_nothing_is_left_behind)
{
    uint32_t seed = seed_of(_i);

    fprintf(stderr, "seed %u\n", (unsigned)seed);
    begin(seed);
    for (unsigned i = 0; i < STEPS; i++)
        step();
    if (seed % 3 == 0)
        end(); /* the stack ends in the middle of it */
    else
        settle();
    stage_teardown(&chaos.stage);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("chaos");
    TCase *tcase = tcase_create("streams");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, whatever_peers_do_nothing_is_left_behind, 0,
                        (int)seeds());
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
