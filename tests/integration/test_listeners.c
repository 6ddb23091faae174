/*
 * Which listener reaches a peer, and with which address it is seen.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "udp_bench.h"

START_TEST(pick_takes_the_family_and_the_first_that_fits)
{
    srf__listener_t *first = listen_on("127.0.0.1", 0);
    srf__listener_t *second = listen_on("127.0.0.1", 0);
    srf__addr_t four = address("127.0.0.2", 5060);
    srf__addr_t six = address("::1", 5060);
    srf__addr_t tcp = four;

    tcp.transport = SRF__TRANSPORT_TCP;
    ck_assert_ptr_eq(srf__transports_pick(&bench.transports, &four, NULL, NULL),
                     first);
    ck_assert_ptr_eq(
        srf__transports_pick(&bench.transports, &four, second, NULL), second);
    ck_assert_ptr_null(
        srf__transports_pick(&bench.transports, &six, first, NULL));
    ck_assert_ptr_null(
        srf__transports_pick(&bench.transports, &tcp, first, NULL));
}
END_TEST

/* The system sends to the loopback from 127.0.0.1. */
START_TEST(pick_prefers_the_address_that_the_system_sends_from)
{
    srf__listener_t *other = listen_on("127.0.0.2", 0);
    srf__listener_t *usual = listen_on("127.0.0.1", 0);
    srf__listener_t *beside = listen_on("127.0.0.1", 0);
    srf__addr_t to = address("127.0.0.3", 5060);

    ck_assert_ptr_eq(srf__transports_pick(&bench.transports, &to, NULL, NULL),
                     usual);
    /* Whatever it came by, unless that is at the same address. */
    ck_assert_ptr_eq(srf__transports_pick(&bench.transports, &to, NULL, other),
                     usual);
    ck_assert_ptr_eq(srf__transports_pick(&bench.transports, &to, NULL, beside),
                     beside);
    ck_assert_ptr_eq(srf__transports_pick(&bench.transports, &to, other, usual),
                     other);
}
END_TEST

START_TEST(pick_leaves_the_loopback_to_the_loopback)
{
    srf__listener_t *loopback = listen_on("127.0.0.1", 0);
    srf__addr_t far = address("192.0.2.1", 5060);
    srf__addr_t near = address("127.0.0.1", 5060);

    ck_assert_ptr_eq(srf__transports_pick(&bench.transports, &far, NULL, NULL),
                     loopback);
    srf__listener_t *wildcard = listen_on("0.0.0.0", 0);
    ck_assert_ptr_eq(
        srf__transports_pick(&bench.transports, &far, loopback, NULL),
        wildcard);
    ck_assert_ptr_eq(
        srf__transports_pick(&bench.transports, &near, wildcard, NULL),
        wildcard);
    ck_assert_ptr_eq(srf__transports_pick(&bench.transports, &near, NULL, NULL),
                     loopback);
}
END_TEST

START_TEST(wildcard_is_seen_with_the_address_the_system_chooses)
{
    srf__listener_t *listener = listen_on(wildcards[_i], 0);
    srf__addr_t peer = address(loopbacks[_i], 5060);
    srf__addr_t local = srf__listener_local(listener, &peer);
    srf__addr_t want = address(loopbacks[_i], listener->bound.port);

    ck_assert(srf__addr_eq(&local, &want));
    local = srf__listener_local(listener, &peer); /* from the cache */
    ck_assert(srf__addr_eq(&local, &want));
}
END_TEST

START_TEST(wildcard_is_asked_anew_for_each_peer)
{
    srf__listener_t *listener = listen_on("0.0.0.0", 0);
    srf__addr_t near = address("127.0.0.1", 5060);
    srf__addr_t six = address("::1", 5060);
    srf__addr_t want = address("127.0.0.1", listener->bound.port);

    for (unsigned i = 0; i < 1000; i++) {
        srf__addr_t peer = address("127.1.0.1", 5060);
        peer.ip[2] = (uint8_t)(i >> 8);
        peer.ip[3] = (uint8_t)i;
        srf__addr_t local = srf__listener_local(listener, &peer);
        ck_assert_int_eq(local.ip[0], 127);
    }
    srf__addr_t local = srf__listener_local(listener, &near);
    ck_assert(srf__addr_eq(&local, &want));
    /* An address it cannot have is not taken. */
    local = srf__listener_local(listener, &six);
    ck_assert(srf__addr_eq(&local, &listener->bound));
}
END_TEST

START_TEST(bound_listener_is_seen_with_its_own_address)
{
    srf__listener_t *listener = listen_on("127.0.0.3", 0);
    srf__addr_t peer = address("127.0.0.1", 5060);
    srf__addr_t local = srf__listener_local(listener, &peer);

    ck_assert(srf__addr_eq(&local, &listener->bound));
}
END_TEST

START_TEST(host_and_port_are_those_of_the_local_address)
{
    srf__listener_t *bound = listen_on(loopbacks[_i], 0);
    srf__listener_t *wildcard = listen_on(wildcards[_i], 0);
    srf__addr_t peer = address(loopbacks[_i], 5060);
    char storage[SRF__ADDR_TEXT];
    char want[SRF__ADDR_TEXT];

    (void)srf__addr_text(&bound->bound, want);
    for (unsigned i = 0; i < 2; i++) /* the second is kept from the first */
        ck_assert(srf__str_eq(srf__listener_host_port(bound, &peer, storage),
                              srf__str_of(want)));
    peer.port = wildcard->bound.port;
    (void)srf__addr_text(&peer, want);
    ck_assert(srf__str_eq(srf__listener_host_port(wildcard, &peer, storage),
                          srf__str_of(want)));
}
END_TEST

static bool is_local(const char *host, uint16_t port, int transport)
{
    srf__addr_t at = address(host, port);

    at.transport = (uint8_t)transport;
    return srf__transports_local(&bench.transports, &at) != NULL;
}

START_TEST(local_is_what_is_listened_on)
{
    uint16_t port = listen_on("127.0.0.1", 0)->bound.port;
    uint16_t other = (uint16_t)(port ^ 1);

    ck_assert(is_local("127.0.0.1", port, SRF__TRANSPORT_UDP));
    ck_assert(is_local("127.0.0.1", 0, SRF__TRANSPORT_UDP));
    ck_assert(is_local("127.0.0.1", port, SRF__TRANSPORT_NONE));
    ck_assert(!is_local("127.0.0.1", other, SRF__TRANSPORT_UDP));
    ck_assert(!is_local("127.0.0.1", port, SRF__TRANSPORT_TCP));
    ck_assert(!is_local("127.0.0.2", port, SRF__TRANSPORT_UDP));
    ck_assert(!is_local("::1", port, SRF__TRANSPORT_UDP));
}
END_TEST

/* The system sends what is for the unspecified address to this host: an ACK
 * there would come back until Max-Forwards is used up. */
START_TEST(the_unspecified_address_is_this_host)
{
    uint16_t port = listen_on(loopbacks[_i], 0)->bound.port;
    uint16_t other = (uint16_t)(port ^ 1);

    ck_assert(is_local(wildcards[_i], port, SRF__TRANSPORT_UDP));
    ck_assert(!is_local(wildcards[_i], other, SRF__TRANSPORT_UDP));
    ck_assert(!is_local(wildcards[_i], port, SRF__TRANSPORT_TCP));
    ck_assert(!is_local(wildcards[1 - _i], port, SRF__TRANSPORT_UDP));
}
END_TEST

START_TEST(wildcard_stands_for_every_interface)
{
    uint16_t port = listen_on(wildcards[_i], 0)->bound.port;
    static const char *const foreign[] = {"192.0.2.1", "2001:db8::1"};
    uv_interface_address_t *list;
    int count;

    ck_assert_int_eq(uv_interface_addresses(&list, &count), 0);
    for (int i = 0; i < count; i++) {
        srf__addr_t at;
        srf__addr_from_sockaddr(&at, (const struct sockaddr *)&list[i].address,
                                SRF__TRANSPORT_UDP);
        at.port = port;
        ck_assert_int_eq(srf__transports_local(&bench.transports, &at) != NULL,
                         at.family == (_i == 0 ? 4 : 6));
    }
    uv_free_interface_addresses(list, count);
    ck_assert(is_local(loopbacks[_i], port, SRF__TRANSPORT_UDP));
    ck_assert(is_local(wildcards[_i], port, SRF__TRANSPORT_UDP));
    ck_assert(!is_local(foreign[_i], port, SRF__TRANSPORT_UDP));
}
END_TEST

int main(void)
{
    const int families = has_ipv6() ? 2 : 1;
    const struct {
        const TTest *test;
        int runs; /* _i: 0 IPv4, 1 IPv6 */
    } tests[] = {
        {pick_takes_the_family_and_the_first_that_fits, 1},
        {pick_prefers_the_address_that_the_system_sends_from, 1},
        {pick_leaves_the_loopback_to_the_loopback, 1},
        {wildcard_is_seen_with_the_address_the_system_chooses, families},
        {wildcard_is_asked_anew_for_each_peer, 1},
        {bound_listener_is_seen_with_its_own_address, 1},
        {host_and_port_are_those_of_the_local_address, families},
        {local_is_what_is_listened_on, 1},
        {the_unspecified_address_is_this_host, families},
        {wildcard_stands_for_every_interface, families},
    };
    Suite *suite = suite_create("listeners");
    TCase *tcase = tcase_create("listeners");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 3 * HANG_MS / 1000);
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_loop_test(tcase, tests[i].test, 0, tests[i].runs);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
