/*
 * Quotas: what each may have, and all together.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/quota.h"

#include "runner.h"
#include "transport/address.h"

static srf__hash128_t who(unsigned number)
{
    return (srf__hash128_t){{number * 7919u, number}};
}

START_TEST(each_has_its_limit_and_so_have_all)
{
    srf__quota_t quota = {.each = 2, .all = 3};
    srf__share_t *one = srf__quota_take(&quota, who(1));

    ck_assert_ptr_nonnull(one);
    ck_assert_ptr_eq(srf__quota_take(&quota, who(1)), one);
    ck_assert_ptr_null(srf__quota_take(&quota, who(1)));
    srf__share_t *two = srf__quota_take(&quota, who(2));
    ck_assert_ptr_nonnull(two);
    ck_assert_ptr_null(srf__quota_take(&quota, who(2))); /* of all */
    srf__quota_give(&quota, one);
    ck_assert_ptr_eq(srf__quota_take(&quota, who(2)), two);
    srf__quota_give(&quota, one);
    srf__quota_give(&quota, two);
    srf__quota_give(&quota, two);
    srf__quota_give(&quota, NULL);
    ck_assert_uint_eq(quota.count, 0);
    ck_assert_uint_eq(quota.shares.count, 0);
    srf__quota_deinit(&quota);
}
END_TEST

/* RFC 6177: a customer has a /64 at least. */
START_TEST(a_source_is_an_ipv4_address_or_an_ipv6_network)
{
    static const struct {
        const char *a;
        const char *b;
        bool same;
    } pairs[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true},
        {"2001:db8:0:1::1", "2001:db8:0:2::1", false},
        {"::ffff:192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "c000:201::", false},
    };
    const srf__hash_key_t key = {{1, 2}};

    for (unsigned i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
        srf__addr_t a;
        srf__addr_t b;
        ck_assert(srf__addr_from_host(&a, srf__str_of(pairs[i].a), 1,
                                      SRF__TRANSPORT_UDP));
        ck_assert(srf__addr_from_host(&b, srf__str_of(pairs[i].b), 2,
                                      SRF__TRANSPORT_TCP));
        const srf__hash128_t first = srf__addr_source(&a, &key);
        const srf__hash128_t second = srf__addr_source(&b, &key);
        ck_assert_int_eq(memcmp(&first, &second, sizeof(first)) == 0,
                         pairs[i].same);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("quota");
    TCase *tcase = tcase_create("quota");

    tcase_add_test(tcase, each_has_its_limit_and_so_have_all);
    tcase_add_test(tcase, a_source_is_an_ipv4_address_or_an_ipv6_network);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
