/*
 * Every call from every callback: a program that draws lots what it does next,
 * while calls come and go, allocations fail and the stack ends at any moment.
 * What it was promised comes once, and nothing else does.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "whims.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

/* What the caller says is mostly about one of the last few calls. */
enum { SAYS = 200, CALLS_AT_ONCE = 6 };

static world_t *world;

/* ---- the others ---- */

/* Where a dialog goes on; some of it leads nowhere. */
static const char *any_contact(void)
{
    static const char *const lines[] = {
        "Contact: <sip:bob@10.0.0.11>\n",
        "Contact: <sip:bob@10.0.0.66>\n",
        "Contact: <sips:bob@10.0.0.11>\n",
        "Contact: <sip:bob@10.0.0.11;transport=ws>\n",
        "Contact: <sip:bob@nobody.example>\n",
        "Contact: <tel:+1>\nRecord-Route: <sip:nobody.example;lr>\n",
        "Contact: <sips:bob@10.0.0.11>\nRecord-Route: <sip:10.0.0.12;lr>\n",
        "Record-Route: <sip:10.0.0.12>, <sip:10.0.0.1;lr>\n",
    };

    return lines[whims_lot(sizeof(lines) / sizeof(*lines))];
}

static void peer_hears(party_t *party)
{
    static const char *const finals[] = {
        "200 OK",           "486 Busy Here",           "302 Moved Temporarily",
        "401 Unauthorized", "503 Service Unavailable", "603 Decline"};

    for (unsigned i = 0; i < party->count; i++) {
        const char *msg = party->inbox[i];
        if (strncmp(msg, "SIP/2.0", 7) == 0 || strncmp(msg, "ACK", 3) == 0 ||
            whims_lot(4) == 0)
            continue;
        if (strncmp(msg, "INVITE", 6) == 0 && whims_lot(2) == 0)
            party_reply(party, i, "180 Ringing", "");
        unsigned which = whims_lot(6);
        if (whims_lot(3) != 0)
            party_reply(party, i, finals[which],
                        which == 2   ? "Contact: <sip:bob@10.0.0.12>\n"
                        : which == 3 ? "WWW-Authenticate: Digest realm=\"a\", "
                                       "nonce=\"n\"\n"
                                     : any_contact());
    }
    party_clear(party);
}

static void caller_says(unsigned call)
{
    party_t *caller = world->caller;
    char id[8];

    snprintf(id, sizeof(id), "c%u", call + whims_lot(CALLS_AT_ONCE));
    if (whims_lot(3) == 0) {
        whims_act();
        return;
    }
    switch (whims_lot(whims.srf == NULL ? 4 : 6)) {
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
        world_in_dialog(world, caller, whims_lot(2) ? "BYE" : "ACK",
                        "sip:bob@10.0.0.11", id,
                        "Route: <sip:10.0.0.1:5060;lr;srf=MARK>\n");
        return;
    default:
        world_request(world, whims_lot(2) ? "MESSAGE" : "OPTIONS", WORLD_URI,
                      id, "");
        return;
    }
}

/* ---- the whole ---- */

static void set_up(uint64_t seed)
{
    static const char *const targets[] = {
        "10.0.0.11", "sip:bob@10.0.0.12;transport=udp", "10.0.0.66",
        "sip:nobody.example", "10.0.0.1"};
    srf_options_t options;

    whims_set_up(seed, &options);
    for (unsigned i = 0; i < sizeof(targets) / sizeof(*targets); i++)
        whims.targets[whims.target_count++] = targets[i];
    options.handler_timeout_ms = 3000;
    world = world_create_with(&options, NULL, NULL);
    whims_begin(world->srf);
    memnet_close_port(world->net, "10.0.0.66:5060", whims_lot(2));
    whims.fails = seed % 2 == 0;
    whims.destroys = seed % 3 != 0;
}

static void tear_down(void)
{
    whims_end();
    memnet_run(world->net, 10);
    whims_give_back();
    world_destroy_rest(world);
    whims_tear_down();
}

static void play(uint64_t seed)
{
    set_up(seed);
    for (unsigned i = 0; i < SAYS; i++) {
        caller_says(i / 2);
        memnet_run(world->net, whims_lot(400));
        peer_hears(world->one);
        peer_hears(world->two);
        party_clear(world->caller);
    }
    if (seed % 5 == 0)
        memnet_run(world->net, 40000);
    tear_down();
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
    unsigned long count = given("SRF_SEEDS", 40);

    for (unsigned long seed = first; seed < first + count; seed++)
        play(seed);
}

START_TEST(any_function_may_be_called_in_any_callback)
{
    play_many();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("callbacks");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, any_function_may_be_called_in_any_callback);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
