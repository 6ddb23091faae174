/*
 * Transport addresses.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"

#include "transport/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static srf__addr_t address(const char *host, uint16_t port)
{
    srf__addr_t out;

    ck_assert(
        srf__addr_from_host(&out, srf__str_of(host), port, SRF__TRANSPORT_UDP));
    return out;
}

static void assert_text(srf__str_t got, const char *out, const char *want)
{
    ck_assert_str_eq(out, want);
    ck_assert_ptr_eq(got.p, out);
    ck_assert_uint_eq(got.len, strlen(want));
}

/* What is given, and its three texts with port 5060. */
static const struct {
    const char *host;
    const char *ip;
    const char *bracketed;
    const char *with_port;
} hosts[] = {
    {"192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1:5060"},
    {"0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0:5060"},
    {"255.255.255.255", "255.255.255.255", "255.255.255.255",
     "255.255.255.255:5060"},
    {"2001:db8::1", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:5060"},
    {"[2001:DB8:0:0:0:0:0:1]", "2001:db8::1", "[2001:db8::1]",
     "[2001:db8::1]:5060"},
    {"::", "::", "[::]", "[::]:5060"},
    {"[::1]", "::1", "[::1]", "[::1]:5060"},
    {"::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1:5060"},
    {"[::ffff:c000:201]", "192.0.2.1", "192.0.2.1", "192.0.2.1:5060"},
    {"2001:db8:1111:2222:3333:4444:5555:6666",
     "2001:db8:1111:2222:3333:4444:5555:6666",
     "[2001:db8:1111:2222:3333:4444:5555:6666]",
     "[2001:db8:1111:2222:3333:4444:5555:6666]:5060"},
};

START_TEST(host_is_read_and_written_in_canonical_form)
{
    srf__addr_t addr = address(hosts[_i].host, 5060);
    char out[SRF__ADDR_TEXT];

    assert_text(srf__addr_ip_text(&addr, out), out, hosts[_i].ip);
    assert_text(srf__addr_host_text(&addr, out), out, hosts[_i].bracketed);
    assert_text(srf__addr_text(&addr, out), out, hosts[_i].with_port);
}
END_TEST

static const char *const names[] = {"",
                                    "example.com",
                                    "localhost",
                                    "192.0.2",
                                    "192.0.2.256",
                                    "[::1",
                                    "::1]",
                                    "[192.0.2.1]",
                                    "[]",
                                    ":::",
                                    "1:2:3:4:5:6:7",
                                    "a.b.c",
                                    "192.0.2.1 ",
                                    "*"};

START_TEST(host_that_is_not_numeric_is_refused)
{
    srf__addr_t addr;

    ck_assert(!srf__addr_from_host(&addr, srf__str_of(names[_i]), 5060,
                                   SRF__TRANSPORT_UDP));
    ck_assert_int_eq(addr.family, 0);
}
END_TEST

START_TEST(host_sets_every_member)
{
    srf__addr_t addr;

    memset(&addr, 0xa5, sizeof(addr));
    ck_assert(srf__addr_from_host(&addr, SRF__STR("192.0.2.7"), 65535,
                                  SRF__TRANSPORT_TCP));

    static const uint8_t ip[16] = {192, 0, 2, 7};
    ck_assert_int_eq(addr.family, 4);
    ck_assert_int_eq(addr.transport, SRF__TRANSPORT_TCP);
    ck_assert_int_eq(addr.port, 65535);
    ck_assert_uint_eq(addr.scope, 0);
    ck_assert_mem_eq(addr.ip, ip, 16);
}
END_TEST

/* Where a request to this URI goes; NULL: to a name. */
static const struct {
    const char *uri;
    const char *text;
} uris[] = {
    {"sip:192.0.2.1", "192.0.2.1:5070"},
    {"sip:a@[2001:db8::1]:9", "[2001:db8::1]:5070"},
    {"sip:[::ffff:192.0.2.1]", "192.0.2.1:5070"},
    {"sip:192.0.2.1;maddr=192.0.2.9", "192.0.2.9:5070"},
    {"sip:example.com;maddr=192.0.2.9", "192.0.2.9:5070"},
    {"sip:192.0.2.1;maddr=example.com", NULL},
    {"sip:example.com", NULL},
};

START_TEST(uri_gives_its_host_or_its_maddr)
{
    char out[SRF__ADDR_TEXT];
    srf__uri_t uri;
    srf__addr_t addr;

    ck_assert_int_eq(srf__uri_parse(srf__str_of(uris[_i].uri), &uri), 0);
    bool numeric = srf__addr_from_uri(&addr, &uri, 5070, SRF__TRANSPORT_UDP);

    ck_assert_int_eq(numeric, uris[_i].text != NULL);
    if (numeric)
        assert_text(srf__addr_text(&addr, out), out, uris[_i].text);
}
END_TEST

START_TEST(ipv4_goes_to_a_sockaddr_and_back)
{
    srf__addr_t addr = address("192.0.2.33", 5062);
    struct sockaddr_storage storage;
    struct sockaddr_in in;
    srf__addr_t back;

    memset(&storage, 0xa5, sizeof(storage));
    ck_assert_uint_eq(srf__addr_to_sockaddr(&addr, &storage), sizeof(in));

    memcpy(&in, &storage, sizeof(in));
    ck_assert_int_eq(in.sin_family, AF_INET);
    ck_assert_int_eq(ntohs(in.sin_port), 5062);
    ck_assert_uint_eq(ntohl(in.sin_addr.s_addr), 0xc0000221u);
    srf__addr_from_sockaddr(&back, (const struct sockaddr *)&storage,
                            SRF__TRANSPORT_UDP);
    ck_assert_mem_eq(&back, &addr, sizeof(addr));
}
END_TEST

START_TEST(ipv6_goes_to_a_sockaddr_and_back_with_its_scope)
{
    srf__addr_t addr = address("fe80::1234", 5060);
    struct sockaddr_storage storage;
    struct sockaddr_in6 in6;
    srf__addr_t back;

    addr.scope = 3;
    memset(&storage, 0xa5, sizeof(storage));
    ck_assert_uint_eq(srf__addr_to_sockaddr(&addr, &storage), sizeof(in6));

    memcpy(&in6, &storage, sizeof(in6));
    ck_assert_int_eq(in6.sin6_family, AF_INET6);
    ck_assert_uint_eq(in6.sin6_scope_id, 3);
    ck_assert_uint_eq(in6.sin6_flowinfo, 0);
    srf__addr_from_sockaddr(&back, (const struct sockaddr *)&storage,
                            SRF__TRANSPORT_UDP);
    ck_assert_mem_eq(&back, &addr, sizeof(addr));
}
END_TEST

START_TEST(mapped_sockaddr_becomes_ipv4_without_scope)
{
    struct sockaddr_in6 in6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(5060), .sin6_scope_id = 9};
    struct sockaddr_storage storage;
    srf__addr_t want = address("192.0.2.1", 5060);
    srf__addr_t got;

    ck_assert_int_eq(inet_pton(AF_INET6, "::ffff:192.0.2.1", &in6.sin6_addr),
                     1);
    memset(&storage, 0, sizeof(storage));
    memcpy(&storage, &in6, sizeof(in6));
    srf__addr_from_sockaddr(&got, (const struct sockaddr *)&storage,
                            SRF__TRANSPORT_UDP);

    ck_assert_mem_eq(&got, &want, sizeof(want));
}
END_TEST

START_TEST(sockaddr_of_another_family_is_no_address)
{
    struct sockaddr_storage storage;
    char out[SRF__ADDR_TEXT];
    srf__addr_t got;

    memset(&storage, 0, sizeof(storage));
    storage.ss_family = AF_UNIX;
    srf__addr_from_sockaddr(&got, (const struct sockaddr *)&storage,
                            SRF__TRANSPORT_UDP);

    ck_assert_int_eq(got.family, 0);
    assert_text(srf__addr_ip_text(&got, out), out, "");
}
END_TEST

START_TEST(equality_looks_at_ip_port_and_transport)
{
    srf__addr_t a = address("192.0.2.1", 5060);
    srf__addr_t b = a;

    ck_assert(srf__addr_eq(&a, &b));
    b.port = 5061;
    ck_assert(!srf__addr_eq(&a, &b));
    ck_assert(srf__addr_ip_eq(&a, &b));
    b = a;
    b.transport = SRF__TRANSPORT_TLS;
    ck_assert(!srf__addr_eq(&a, &b));
    ck_assert(srf__addr_ip_eq(&a, &b));
    b = address("192.0.2.2", 5060);
    ck_assert(!srf__addr_eq(&a, &b));
    ck_assert(!srf__addr_ip_eq(&a, &b));
}
END_TEST

START_TEST(equality_tells_the_families_apart)
{
    srf__addr_t v4 = address("192.0.2.1", 5060);
    srf__addr_t v6 = address("c000:201::", 5060);
    srf__addr_t last = address("2001:db8::1", 5060);
    srf__addr_t other = address("2001:db8::2", 5060);

    ck_assert_mem_eq(v4.ip, v6.ip, 16);
    ck_assert(!srf__addr_ip_eq(&v4, &v6));
    ck_assert(!srf__addr_ip_eq(&last, &other));
}
END_TEST

static const struct {
    const char *host;
    bool any;
    bool loopback;
} kinds[] = {
    {"0.0.0.0", true, false},    {"::", true, false},
    {"127.0.0.1", false, true},  {"127.255.0.9", false, true},
    {"::1", false, true},        {"::ffff:127.0.0.1", false, true},
    {"128.0.0.1", false, false}, {"126.0.0.1", false, false},
    {"0.0.0.1", false, false},   {"::2", false, false},
    {"7f00::", false, false},    {"7f00::1", false, false},
};

START_TEST(any_and_loopback_are_recognised)
{
    srf__addr_t addr = address(kinds[_i].host, 5060);

    ck_assert_int_eq(srf__addr_is_any(&addr), kinds[_i].any);
    ck_assert_int_eq(srf__addr_is_loopback(&addr), kinds[_i].loopback);
}
END_TEST

START_TEST(longest_text_fits)
{
    srf__addr_t addr =
        address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535);
    char out[SRF__ADDR_TEXT];

    addr.scope = UINT32_MAX;
    assert_text(srf__addr_text(&addr, out), out,
                "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}
END_TEST

START_TEST(address_is_as_small_as_promised)
{
    ck_assert_uint_eq(sizeof(srf__addr_t), 24);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

int main(void)
{
    Suite *suite = suite_create("address");
    TCase *tcase = tcase_create("address");

    tcase_add_loop_test(tcase, host_is_read_and_written_in_canonical_form, 0,
                        ROWS(hosts));
    tcase_add_loop_test(tcase, host_that_is_not_numeric_is_refused, 0,
                        ROWS(names));
    tcase_add_test(tcase, host_sets_every_member);
    tcase_add_loop_test(tcase, uri_gives_its_host_or_its_maddr, 0, ROWS(uris));
    tcase_add_test(tcase, ipv4_goes_to_a_sockaddr_and_back);
    tcase_add_test(tcase, ipv6_goes_to_a_sockaddr_and_back_with_its_scope);
    tcase_add_test(tcase, mapped_sockaddr_becomes_ipv4_without_scope);
    tcase_add_test(tcase, sockaddr_of_another_family_is_no_address);
    tcase_add_test(tcase, equality_looks_at_ip_port_and_transport);
    tcase_add_test(tcase, equality_tells_the_families_apart);
    tcase_add_loop_test(tcase, any_and_loopback_are_recognised, 0, ROWS(kinds));
    tcase_add_test(tcase, longest_text_fits);
    tcase_add_test(tcase, address_is_as_small_as_promised);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
