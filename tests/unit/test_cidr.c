/*
 * Networks as text, what lies in them, and the kinds of addresses.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"

#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

static srf_cidr_t network(const char *text)
{
    srf_cidr_t out;

    ck_assert_msg(srf_cidr_parse(text, &out) == 0, "%s", text);
    return out;
}

/* A network, one address in it, one outside. */
static const struct {
    const char *network;
    const char *inside;
    const char *outside;
} networks[] = {
    {"192.0.2.0/24", "192.0.2.255", "192.0.3.0"},
    {"192.0.2.0/24", "::ffff:192.0.2.1", "::ffff:192.0.3.1"},
    {"192.0.2.0/25", "192.0.2.127", "192.0.2.128"},
    {"192.0.2.128/25", "192.0.2.128", "192.0.2.127"},
    {"10.0.0.0/7", "11.255.255.255", "12.0.0.0"},
    {"192.0.2.7", "192.0.2.7", "192.0.2.6"},
    {"192.0.2.7/32", "192.0.2.7", "192.0.2.8"},
    {"0.0.0.0/0", "255.255.255.255", "::1"},
    {"128.0.0.0/1", "128.0.0.1", "127.255.255.255"},
    {"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
    {"[2001:db8::]/32", "[2001:db8::1]", "2001:db7::"},
    {"2001:db8::1", "2001:DB8:0:0:0:0:0:1", "2001:db8::2"},
    {"2001:db8::/127", "2001:db8::1", "2001:db8::2"},
    {"fe80::/10", "febf::1", "fec0::1"},
    {"::/0", "ff02::1", "192.0.2.1"},
    {"::ffff:10.0.0.0/104", "10.255.0.1", "11.0.0.1"},
    {"::ffff:0.0.0.0/96", "203.0.113.1", "2001:db8::1"},
    {"::ffff:192.0.2.1", "192.0.2.1", "192.0.2.2"},
};

START_TEST(network_has_what_shares_its_prefix)
{
    srf_cidr_t cidr = network(networks[_i].network);

    ck_assert_int_eq(srf_cidr_match(&cidr, networks[_i].inside), 1);
    ck_assert_int_eq(srf_cidr_match(&cidr, networks[_i].outside), 0);
}
END_TEST

static const char *const bad[] = {
    "",
    "/",
    "/8",
    "example.com",
    "localhost",
    "192.0.2.0/",
    "192.0.2.0/33",
    "192.0.2.0/-1",
    "192.0.2.0/+8",
    "192.0.2.0/24 ",
    " 192.0.2.0/24",
    "192.0.2.0/24/8",
    "192.0.2.0/4294967320",
    "192.0.2.0/255.255.255.0",
    "192.0.2/24",
    "192.0.2.1/24",
    "10.0.0.1/8",
    "2001:db8::/129",
    "2001:db8::1/64",
    "2001:db8::/32x",
    "[2001:db8::/32]",
    "fe80::1%eth0",
    "::ffff:10.0.0.0/95",
    "::ffff:10.0.0.1/104",
    "*",
};

START_TEST(network_of_another_form_is_refused)
{
    srf_cidr_t cidr;
    srf_cidr_t before;

    memset(&cidr, 0x5a, sizeof(cidr));
    before = cidr;
    ck_assert_int_eq(srf_cidr_parse(bad[_i], &cidr), SRF_ERR_INVALID_ADDRESS);
    ck_assert_mem_eq(&cidr, &before, sizeof(cidr));
}
END_TEST

START_TEST(nothing_and_no_address_lie_in_no_network)
{
    srf_cidr_t all = network("0.0.0.0/0");
    srf_cidr_t broken = {.family = 4, .bits = 400};
    srf_cidr_t none = {0};

    ck_assert_int_eq(srf_cidr_match(&all, NULL), 0);
    ck_assert_int_eq(srf_cidr_match(&all, ""), 0);
    ck_assert_int_eq(srf_cidr_match(&all, "example.com"), 0);
    ck_assert_int_eq(srf_cidr_match(NULL, "192.0.2.1"), 0);
    ck_assert_int_eq(srf_cidr_match(&broken, "192.0.2.1"), 0);
    ck_assert_int_eq(srf_cidr_match(&none, "192.0.2.1"), 0);
    ck_assert_int_eq(srf_cidr_parse(NULL, &all), SRF_ERR_INVALID_ARGUMENT);
    ck_assert_int_eq(srf_cidr_parse("::1", NULL), SRF_ERR_INVALID_ARGUMENT);
}
END_TEST

static const struct {
    const char *address;
    srf_address_kind_t kind;
} kinds[] = {
    {"8.8.8.8", SRF_ADDRESS_PUBLIC},
    {"1.0.0.0", SRF_ADDRESS_PUBLIC},
    {"223.255.255.255", SRF_ADDRESS_PUBLIC},
    {"0.0.0.0", SRF_ADDRESS_UNSPECIFIED},
    {"0.255.255.255", SRF_ADDRESS_UNSPECIFIED},
    {"127.0.0.1", SRF_ADDRESS_LOOPBACK},
    {"127.255.255.255", SRF_ADDRESS_LOOPBACK},
    {"126.255.255.255", SRF_ADDRESS_PUBLIC},
    {"128.0.0.0", SRF_ADDRESS_PUBLIC},
    {"10.0.0.0", SRF_ADDRESS_PRIVATE},
    {"10.255.255.255", SRF_ADDRESS_PRIVATE},
    {"11.0.0.0", SRF_ADDRESS_PUBLIC},
    {"172.15.255.255", SRF_ADDRESS_PUBLIC},
    {"172.16.0.0", SRF_ADDRESS_PRIVATE},
    {"172.31.255.255", SRF_ADDRESS_PRIVATE},
    {"172.32.0.0", SRF_ADDRESS_PUBLIC},
    {"192.168.0.0", SRF_ADDRESS_PRIVATE},
    {"192.169.0.0", SRF_ADDRESS_PUBLIC},
    {"169.254.169.254", SRF_ADDRESS_LINK_LOCAL},
    {"100.63.255.255", SRF_ADDRESS_PUBLIC},
    {"100.64.0.0", SRF_ADDRESS_SHARED},
    {"100.127.255.255", SRF_ADDRESS_SHARED},
    {"100.128.0.0", SRF_ADDRESS_PUBLIC},
    {"192.0.0.8", SRF_ADDRESS_RESERVED},
    {"192.0.2.1", SRF_ADDRESS_DOCUMENTATION},
    {"198.51.100.1", SRF_ADDRESS_DOCUMENTATION},
    {"203.0.113.1", SRF_ADDRESS_DOCUMENTATION},
    {"198.18.0.0", SRF_ADDRESS_RESERVED},
    {"198.19.255.255", SRF_ADDRESS_RESERVED},
    {"198.20.0.0", SRF_ADDRESS_PUBLIC},
    {"224.0.0.0", SRF_ADDRESS_MULTICAST},
    {"239.255.255.255", SRF_ADDRESS_MULTICAST},
    {"240.0.0.0", SRF_ADDRESS_RESERVED},
    {"255.255.255.254", SRF_ADDRESS_RESERVED},
    {"255.255.255.255", SRF_ADDRESS_BROADCAST},
    {"2001:4860:4860::8888", SRF_ADDRESS_PUBLIC},
    {"[2600::]", SRF_ADDRESS_PUBLIC},
    {"::", SRF_ADDRESS_UNSPECIFIED},
    {"::1", SRF_ADDRESS_LOOPBACK},
    {"::2", SRF_ADDRESS_RESERVED},
    {"::127.0.0.1", SRF_ADDRESS_RESERVED},
    {"fc00::", SRF_ADDRESS_PRIVATE},
    {"fdff:ffff::1", SRF_ADDRESS_PRIVATE},
    {"fec0::1", SRF_ADDRESS_PRIVATE},
    {"fe80::1", SRF_ADDRESS_LINK_LOCAL},
    {"febf::1", SRF_ADDRESS_LINK_LOCAL},
    {"fe00::1", SRF_ADDRESS_RESERVED},
    {"ff02::1", SRF_ADDRESS_MULTICAST},
    {"2001:db8::1", SRF_ADDRESS_DOCUMENTATION},
    {"3fff:fff::1", SRF_ADDRESS_DOCUMENTATION},
    {"3fff:1000::1", SRF_ADDRESS_PUBLIC},
    {"2001::1", SRF_ADDRESS_RESERVED},
    {"2001:200::1", SRF_ADDRESS_PUBLIC},
    {"4000::1", SRF_ADDRESS_RESERVED},
    {"100::1", SRF_ADDRESS_RESERVED},
    {"::ffff:127.0.0.1", SRF_ADDRESS_LOOPBACK},
    {"::ffff:a00:1", SRF_ADDRESS_PRIVATE},
    {"::ffff:8.8.8.8", SRF_ADDRESS_PUBLIC},
    {"64:ff9b::127.0.0.1", SRF_ADDRESS_LOOPBACK},
    {"64:ff9b::8.8.8.8", SRF_ADDRESS_PUBLIC},
    {"64:ff9b:1::1", SRF_ADDRESS_RESERVED},
    {"2002:a00:1::1", SRF_ADDRESS_PRIVATE},
    {"2002:7f00:1::", SRF_ADDRESS_LOOPBACK},
    {"2002:808:808::1", SRF_ADDRESS_PUBLIC},
    {"", SRF_ADDRESS_INVALID},
    {"example.com", SRF_ADDRESS_INVALID},
    {"127.1", SRF_ADDRESS_INVALID},
    {"fe80::1%lo", SRF_ADDRESS_INVALID},
    {NULL, SRF_ADDRESS_INVALID},
};

START_TEST(address_is_of_the_kind_of_its_range)
{
    srf_address_kind_t kind = srf_address_kind(kinds[_i].address);

    ck_assert_msg(kind == kinds[_i].kind, "%s: %d", kinds[_i].address,
                  (int)kind);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cidr");
    TCase *tcase = tcase_create("cidr");

    tcase_add_loop_test(tcase, network_has_what_shares_its_prefix, 0,
                        COUNT(networks));
    tcase_add_loop_test(tcase, network_of_another_form_is_refused, 0,
                        COUNT(bad));
    tcase_add_test(tcase, nothing_and_no_address_lie_in_no_network);
    tcase_add_loop_test(tcase, address_is_of_the_kind_of_its_range, 0,
                        COUNT(kinds));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
