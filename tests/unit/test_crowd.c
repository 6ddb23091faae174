/*
 * How many connections there may be of a kind, and of one peer.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/crowd.h"

#include "transport/connection.h"

#include "runner.h"

#include <string.h>

enum { MANY = 64 };

static srf__wheel_t wheel;
static srf__log_t log_of_none;
static srf__crowds_t crowds;
static srf__transports_t transports;
static srf__stream_t stream;
static srf__connection_t connections[MANY];
static unsigned lines;

static void on_log(srf_log_level_t level, const srf_log_event_t *event,
                   void *data)
{
    (void)event;
    (void)data;
    lines += level == SRF_LOG_WARNING;
}

static uint64_t now(void *arg)
{
    return srf__wheel_now(arg);
}

static void begin(uint64_t descriptors)
{
    memset(&transports, 0, sizeof(transports));
    memset(connections, 0, sizeof(connections));
    srf__wheel_init(&wheel, 1000);
    srf__log_init(&log_of_none, on_log, NULL, SRF_LOG_WARNING);
    log_of_none.now_ms = now;
    log_of_none.now_arg = &wheel;
    lines = 0;
    srf__crowds_init(&crowds, descriptors);
    transports.wheel = &wheel;
    transports.log = &log_of_none;
    transports.crowds = &crowds;
    stream.base.owner = &transports;
}

static void end(void)
{
    for (unsigned i = 0; i < MANY; i++)
        srf__crowd_leave(&connections[i]);
    srf__crowds_deinit(&crowds);
}

static srf__addr_t address(const char *host)
{
    srf__addr_t out;

    ck_assert(
        srf__addr_from_host(&out, srf__str_of(host), 5060, SRF__TRANSPORT_TCP));
    return out;
}

static bool has_room(srf__crowd_kind_t kind, const char *host, uint32_t most)
{
    const srf__addr_t peer = address(host);
    const srf__crowd_guest_t guest = {
        .listener = &stream.base, .peer = &peer, .per_party = most};

    return srf__crowd_has_room(&transports, kind, &guest);
}

/* The next one, if there is room. */
static bool join(unsigned at, srf__crowd_kind_t kind, const char *host,
                 uint32_t most)
{
    if (!has_room(kind, host, most))
        return false;
    connections[at].stream = &stream;
    connections[at].peer = address(host);
    /* Nothing of it is idle. */
    connections[at].phase = SRF__CONNECTION_CONNECTING;
    ck_assert_int_eq(srf__crowd_join(&connections[at], kind), 0);
    return true;
}

START_TEST(descriptors_are_shared_out_and_some_are_kept)
{
    static const uint64_t given[] = {0, 16, 24, 64, 1024, 4096, 1 << 20};

    for (unsigned i = 0; i < sizeof(given) / sizeof(*given); i++) {
        begin(given[i]);
        uint64_t all = 0;
        for (unsigned k = 0; k < SRF__CROWDS; k++)
            all += crowds.list[k].limit;
        ck_assert_uint_le(all, given[i] < 16 ? 0 : given[i] - 16);
        ck_assert_uint_ge(crowds.list[SRF__CROWD_PROGRAM].limit,
                          crowds.list[SRF__CROWD_NETWORK].limit);
        end();
    }
    begin(1024);
    ck_assert_uint_eq(crowds.list[SRF__CROWD_ACCEPTED].limit, 560);
    ck_assert_uint_eq(crowds.list[SRF__CROWD_PROGRAM].limit, 224);
    ck_assert_uint_eq(crowds.list[SRF__CROWD_NETWORK].limit, 112);
    end();
}
END_TEST

START_TEST(a_network_of_64_bits_is_one_party)
{
    begin(1024);
    ck_assert(join(0, SRF__CROWD_ACCEPTED, "[2001:db8::1]", 2));
    ck_assert(join(1, SRF__CROWD_ACCEPTED, "[2001:db8::ffff:0:0:2]", 2));
    ck_assert(!join(2, SRF__CROWD_ACCEPTED, "[2001:db8::3]", 2));
    ck_assert(join(2, SRF__CROWD_ACCEPTED, "[2001:db8:0:1::1]", 2));
    ck_assert(join(3, SRF__CROWD_ACCEPTED, "192.0.2.1", 1));
    ck_assert(!join(4, SRF__CROWD_ACCEPTED, "192.0.2.1", 1));
    ck_assert(join(4, SRF__CROWD_ACCEPTED, "192.0.2.2", 1));
    srf__crowd_leave(&connections[0]);
    ck_assert(join(0, SRF__CROWD_ACCEPTED, "[2001:db8::3]", 2));
    end();
}
END_TEST

START_TEST(a_crowd_that_is_full_leaves_the_others_alone)
{
    begin(64); /* 30, 12, 6 */
    unsigned count = 0;
    while (join(count, SRF__CROWD_ACCEPTED, "192.0.2.1", 100))
        count++;
    ck_assert_uint_eq(count, 30);
    ck_assert(has_room(SRF__CROWD_PROGRAM, "192.0.2.1", 100));
    ck_assert(has_room(SRF__CROWD_NETWORK, "192.0.2.1", 100));
    /* It is said, but not each time. */
    ck_assert_uint_eq(lines, 1);
    ck_assert(!has_room(SRF__CROWD_ACCEPTED, "192.0.2.1", 100));
    ck_assert_uint_eq(lines, 1);
    srf__wheel_advance(&wheel, wheel.now_ms + 10000);
    ck_assert(!has_room(SRF__CROWD_ACCEPTED, "192.0.2.1", 100));
    ck_assert_uint_eq(lines, 2);
    end();
}
END_TEST

START_TEST(what_messages_open_has_to_get_open)
{
    begin(1024); /* 112 */
    for (unsigned i = 0; i < 8; i++)
        ck_assert(join(i, SRF__CROWD_NETWORK, "192.0.2.1", UINT32_MAX));
    ck_assert(!join(8, SRF__CROWD_NETWORK, "192.0.2.1", UINT32_MAX));
    ck_assert(join(8, SRF__CROWD_NETWORK, "192.0.2.2", UINT32_MAX));
    srf__crowd_opened(&connections[0]);
    ck_assert(join(9, SRF__CROWD_NETWORK, "192.0.2.1", UINT32_MAX));
    /* What the program names is not held up by that. */
    for (unsigned i = 10; i < 40; i++)
        ck_assert(join(i, SRF__CROWD_PROGRAM, "192.0.2.1", UINT32_MAX));
    end();
    begin(64); /* 6: two of them stay free for what does get open */
    static const char *const hosts[] = {"192.0.2.1", "192.0.2.2", "192.0.2.3",
                                        "192.0.2.4", "192.0.2.5"};
    for (unsigned i = 0; i < 5; i++)
        ck_assert(join(i, SRF__CROWD_NETWORK, hosts[i], UINT32_MAX));
    ck_assert(!has_room(SRF__CROWD_NETWORK, "192.0.2.9", UINT32_MAX));
    srf__crowd_opened(&connections[0]);
    ck_assert(has_room(SRF__CROWD_NETWORK, "192.0.2.9", UINT32_MAX));
    end();
}
END_TEST

START_TEST(nobody_makes_room_who_is_busy)
{
    begin(64);
    for (unsigned i = 0; i < 30; i++)
        ck_assert(join(i, SRF__CROWD_ACCEPTED, "192.0.2.1", 100));
    ck_assert(!has_room(SRF__CROWD_ACCEPTED, "192.0.2.2", 100));
    ck_assert(!srf__crowd_shed(&transports));
    ck_assert_uint_eq(transports.counters.shed, 0);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("crowd");
    TCase *tcase = tcase_create("connections");

    tcase_add_test(tcase, descriptors_are_shared_out_and_some_are_kept);
    tcase_add_test(tcase, a_network_of_64_bits_is_one_party);
    tcase_add_test(tcase, a_crowd_that_is_full_leaves_the_others_alone);
    tcase_add_test(tcase, what_messages_open_has_to_get_open);
    tcase_add_test(tcase, nobody_makes_room_who_is_busy);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
