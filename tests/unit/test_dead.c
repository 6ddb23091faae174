/*
 * Addresses that did not answer are tried last, for a while.
 *
 * SPDX-License-Identifier: MIT
 */
#include "resolver/dead.h"

#include "runner.h"
#include "srf/srf.h"

enum { HOLD_MS = 1000 };

static srf__wheel_t wheel;
static srf__dead_t dead;

static srf__addr_t address(unsigned last, unsigned port)
{
    srf__addr_t addr = {.family = 4,
                        .transport = SRF__TRANSPORT_UDP,
                        .port = (uint16_t)port,
                        .ip = {192, 0, 2, (uint8_t)last}};

    return addr;
}

static void setup(void)
{
    const srf__hash_key_t key = {{1, 2}};

    srf__wheel_init(&wheel, 5000);
    srf__dead_init(&dead, &wheel, &key, HOLD_MS);
}

static void teardown(void)
{
    srf__dead_deinit(&dead);
}

static void mark(unsigned last)
{
    const srf__addr_t addr = address(last, 5060);

    srf__dead_mark(&dead, &addr);
}

static void expect_order(const unsigned *last)
{
    srf__hops_t hops = {.count = 4};

    for (unsigned i = 0; i < 4; i++)
        hops.list[i] = address(i + 1, 5060);
    srf__dead_order(&dead, &hops);
    ck_assert_uint_eq(hops.count, 4);
    for (unsigned i = 0; i < 4; i++)
        ck_assert_uint_eq(hops.list[i].ip[3], last[i]);
}

START_TEST(the_dead_come_last_and_nothing_else_changes)
{
    expect_order((const unsigned[]){1, 2, 3, 4});
    mark(1);
    mark(3);
    expect_order((const unsigned[]){2, 4, 1, 3});
    mark(2);
    mark(4);
    expect_order((const unsigned[]){1, 2, 3, 4});
}
END_TEST

START_TEST(they_recover_by_themselves_or_by_an_answer)
{
    const srf__addr_t addr = address(1, 5060);

    mark(1);
    srf__wheel_advance(&wheel, 5000 + HOLD_MS - 1);
    ck_assert(srf__dead_is(&dead, &addr));
    srf__wheel_advance(&wheel, 5000 + HOLD_MS);
    ck_assert(!srf__dead_is(&dead, &addr));
    mark(1);
    ck_assert(srf__dead_is(&dead, &addr));
    srf__dead_clear(&dead, &addr);
    ck_assert(!srf__dead_is(&dead, &addr));
    srf__dead_clear(&dead, &addr); /* once more does no harm */
}
END_TEST

START_TEST(another_port_or_transport_is_another_address)
{
    srf__addr_t other = address(1, 5061);

    mark(1);
    ck_assert(!srf__dead_is(&dead, &other));
    other = address(1, 5060);
    other.transport = SRF__TRANSPORT_TCP;
    ck_assert(!srf__dead_is(&dead, &other));
}
END_TEST

START_TEST(they_are_limited)
{
    for (unsigned i = 0; i < SRF__DEAD_MAX + 10; i++) {
        const srf__addr_t addr = address(1, i + 1);
        srf__dead_mark(&dead, &addr);
    }
    ck_assert_uint_eq(dead.map.count, SRF__DEAD_MAX);
    const srf__addr_t first = address(1, 1);
    const srf__addr_t last = address(1, SRF__DEAD_MAX + 10);
    ck_assert(!srf__dead_is(&dead, &first));
    ck_assert(srf__dead_is(&dead, &last));
}
END_TEST

START_TEST(a_renewed_mark_holds_from_then_on_and_goes_last)
{
    const srf__addr_t addr = address(1, 5060);

    mark(1);
    mark(2);
    srf__wheel_advance(&wheel, 5000 + HOLD_MS / 2);
    mark(1);
    ck_assert_uint_eq(dead.map.count, 2);
    srf__wheel_advance(&wheel, 5000 + HOLD_MS);
    ck_assert(srf__dead_is(&dead, &addr));
    expect_order((const unsigned[]){2, 3, 4, 1});
    for (unsigned i = 0; i < SRF__DEAD_MAX - 1; i++) {
        const srf__addr_t other = address(9, i + 1);
        srf__dead_mark(&dead, &other);
    }
    ck_assert(srf__dead_is(&dead, &addr)); /* 2 went, who was older */
}
END_TEST

static void *no_calloc(size_t count, size_t size, void *user)
{
    (void)count;
    (void)size;
    (void)user;
    return NULL;
}

static void *libc_malloc(size_t size, void *user)
{
    (void)user;
    return malloc(size);
}

static void *libc_realloc(void *ptr, size_t size, void *user)
{
    (void)user;
    return realloc(ptr, size);
}

static void libc_free(void *ptr, void *user)
{
    (void)user;
    free(ptr);
}

START_TEST(without_memory_an_address_is_not_remembered)
{
    const srf_allocator_t poor = {libc_malloc, no_calloc, libc_realloc,
                                  libc_free, NULL};

    ck_assert_int_eq(srf_set_allocator(&poor), 0);
    mark(1);
    ck_assert_uint_eq(dead.map.count, 0);
    expect_order((const unsigned[]){1, 2, 3, 4});
    ck_assert_int_eq(srf_set_allocator(NULL), 0);
    mark(1);
    expect_order((const unsigned[]){2, 3, 4, 1});
}
END_TEST

START_TEST(nothing_is_remembered_when_that_is_off)
{
    const srf__addr_t addr = address(1, 5060);

    dead.hold_ms = 0;
    mark(1);
    ck_assert(!srf__dead_is(&dead, &addr));
    ck_assert_uint_eq(dead.map.count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dead");
    TCase *tcase = tcase_create("addresses");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, the_dead_come_last_and_nothing_else_changes);
    tcase_add_test(tcase, they_recover_by_themselves_or_by_an_answer);
    tcase_add_test(tcase, another_port_or_transport_is_another_address);
    tcase_add_test(tcase, they_are_limited);
    tcase_add_test(tcase, a_renewed_mark_holds_from_then_on_and_goes_last);
    tcase_add_test(tcase, without_memory_an_address_is_not_remembered);
    tcase_add_test(tcase, nothing_is_remembered_when_that_is_off);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
