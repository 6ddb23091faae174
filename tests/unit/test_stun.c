/*
 * STUN keeps flows over UDP alive (RFC 5626 §4.4.2, §8): a Binding request is
 * told where it came from, and nothing else gets an answer.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/stun.h"

#include "runner.h"
#include "world.h"

#include <string.h>

enum { HEADER_BYTES = 20 };

#define COOKIE      "\x21\x12\xa4\x42"
#define TRANSACTION "\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
#define REQUEST     "\0\x01\0\0" COOKIE TRANSACTION
/* RFC 5769 §2.2 and §2.3, without what says more than the address. */
#define ANSWER4                                                           \
 "\x01\x01\0\x0c" COOKIE TRANSACTION "\0\x20\0\x08\0\x01\xa1\x47\xe1\x12" \
 "\xa6\x43"
#define ANSWER6                                                           \
 "\x01\x01\0\x18" COOKIE TRANSACTION "\0\x20\0\x14\0\x02\xa1\x47\x01\x13" \
 "\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9"
#define BYTES(literal)         \
 {                             \
  literal, sizeof(literal) - 1 \
 }

static srf__str_t answer_to(srf__str_t request, const char *host)
{
    static char storage[SRF__STUN_ANSWER_MAX];
    srf__addr_t peer;

    ck_assert(srf__addr_from_host(&peer, srf__str(host, strlen(host)), 32853,
                                  SRF__TRANSPORT_UDP));
    return srf__stun_answer(request, &peer, storage);
}

static void expect_answer(srf__str_t request, const char *host,
                          srf__str_t wanted)
{
    srf__str_t answer = answer_to(request, host);

    ck_assert_uint_eq(answer.len, wanted.len);
    ck_assert_mem_eq(answer.p, wanted.p, wanted.len);
}

START_TEST(a_binding_request_is_told_where_it_came_from)
{
    srf__str_t request = BYTES(REQUEST);

    expect_answer(request, "192.0.2.1", (srf__str_t)BYTES(ANSWER4));
    expect_answer(request, "[2001:db8:1234:5678:11:2233:4455:6677]",
                  (srf__str_t)BYTES(ANSWER6));
}
END_TEST

/* SOFTWARE, with padding, and FINGERPRINT (RFC 5389 §15.5, §15.10). */
START_TEST(what_may_be_passed_over_is)
{
    srf__str_t request =
        BYTES("\0\x01\0\x10" COOKIE TRANSACTION "\x80\x22\0\x03"
              "abc\0\x80\x28\0\x04\x01\x02\x03\x04");

    expect_answer(request, "192.0.2.1", (srf__str_t)BYTES(ANSWER4));
}
END_TEST

static const srf__str_t others[] = {
    BYTES(""),
    BYTES("\0\x01\0\0" COOKIE "\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf"),
    BYTES("\0\x01\0\0\x21\x12\xa4\x43" TRANSACTION), /* RFC 3489 */
    BYTES("\x40\x01\0\0" COOKIE TRANSACTION),        /* no STUN */
    BYTES("\0\x11\0\0" COOKIE TRANSACTION),          /* an indication */
    BYTES("\x01\x01\0\0" COOKIE TRANSACTION),        /* an answer */
    BYTES("\0\x03\0\0" COOKIE TRANSACTION),          /* Allocate */
    BYTES("\0\x01\0\x04" COOKIE TRANSACTION),        /* cut */
    BYTES("\0\x01\0\0" COOKIE TRANSACTION "\x80\x22\0\0"),
    BYTES("\0\x01\0\x02" COOKIE TRANSACTION "\x80\x22"),
    BYTES("\0\x01\0\x08" COOKIE TRANSACTION "\x80\x22\0\x05wxyz"),
    BYTES("\0\x01\0\x08" COOKIE TRANSACTION "\x80\x22\xff\xffwxyz"),
    BYTES(ANSWER4),
};

/* USERNAME, which a server has heard of and nobody asked for (RFC 5389 §7.3.1).
 */
START_TEST(what_was_not_asked_for_is_passed_over)
{
    srf__str_t request =
        BYTES("\0\x01\0\x08" COOKIE TRANSACTION "\0\x06\0\x04user");

    expect_answer(request, "192.0.2.1", (srf__str_t)BYTES(ANSWER4));
}
END_TEST

#define REFUSAL(length, count)                                     \
 "\x01\x11\0" length COOKIE TRANSACTION "\0\x09\0\x04\0\0\x04\x14" \
 "\0\x0a\0" count

/* CHANGE-REQUEST of RFC 3489, PRIORITY and USE-CANDIDATE of ICE. */
START_TEST(what_has_to_be_understood_and_is_not_is_refused)
{
    srf__str_t one =
        BYTES("\0\x01\0\x08" COOKIE TRANSACTION "\0\x03\0\x04\0\0\0\x06");
    srf__str_t two =
        BYTES("\0\x01\0\x14" COOKIE TRANSACTION "\0\x24\0\x04\x01\x02\x03\x04"
              "\x80\x22\0\x04test\0\x25\0\0");

    expect_answer(one, "192.0.2.1",
                  (srf__str_t)BYTES(REFUSAL("\x10", "\x02") "\0\x03\0\x03"));
    expect_answer(two, "192.0.2.1",
                  (srf__str_t)BYTES(REFUSAL("\x10", "\x04") "\0\x24\0\x25"));
}
END_TEST

/* However many there are: an answer is no longer than what asked for it. */
START_TEST(a_refusal_has_a_bound)
{
    char request[HEADER_BYTES + 100 * 4] = "\0\x01\x01\x90" COOKIE TRANSACTION;

    for (size_t at = HEADER_BYTES; at < sizeof(request); at += 4)
        request[at + 1] = 0x03;
    srf__str_t answer =
        answer_to(srf__str(request, sizeof(request)), "192.0.2.1");
    ck_assert_uint_eq(answer.len, SRF__STUN_ANSWER_MAX);
    ck_assert_mem_eq(answer.p + 28, "\0\x0a\0\x10\0\x03", 6);
}
END_TEST

START_TEST(nothing_else_gets_an_answer)
{
    ck_assert_uint_eq(answer_to(others[_i], "192.0.2.1").len, 0);
}
END_TEST

/* ---- through a stack ---- */

typedef struct heard {
    unsigned count;
    srf__str_t last;
    char bytes[SRF__STUN_ANSWER_MAX];
} heard_t;

static void on_heard(mempeer_t *peer, const srf__addr_t *from, const char *data,
                     size_t len)
{
    heard_t *heard = mempeer_data(peer);

    (void)from;
    ck_assert_uint_le(len, sizeof(heard->bytes));
    memcpy(heard->bytes, data, len);
    heard->last = srf__str(heard->bytes, len);
    heard->count++;
}

static void ask(world_t *world, mempeer_t *phone, srf__str_t what)
{
    srf__addr_t to;

    ck_assert(srf__addr_from_host(&to, SRF__STR("10.0.0.1"), 5060,
                                  SRF__TRANSPORT_UDP));
    mempeer_send(phone, &to, what.p, what.len);
    world_settle(world);
}

START_TEST(a_client_finds_its_flow_alive)
{
    world_t *world = world_create(NULL, NULL);
    heard_t heard = {0};
    mempeer_t *phone =
        mempeer_create(world->net, "192.0.2.1:32853", on_heard, &heard);

    ask(world, phone, (srf__str_t)BYTES(REQUEST));
    ck_assert_uint_eq(heard.count, 1);
    ck_assert_uint_eq(heard.last.len, sizeof(ANSWER4) - 1);
    ck_assert_mem_eq(heard.last.p, ANSWER4, sizeof(ANSWER4) - 1);
    ck_assert_uint_eq(world_stats(world).keepalives_received, 1);
    ask(world, phone, (srf__str_t)BYTES(ANSWER4));
    ck_assert_uint_eq(heard.count, 1);
    ck_assert_uint_eq(world_stats(world).dropped_malformed, 1);
    world_destroy(world);
}
END_TEST

/* RFC 5626 §8 asks for no more, and whoever is named as the source by another
 * is spared. */
START_TEST(above_its_rate_a_source_gets_no_answer)
{
    srf_options_t options;
    heard_t heard = {0};

    srf_options_init(&options);
    options.source_rate = 2;
    options.source_burst = 2;
    world_t *world = world_create_with(&options, NULL, NULL);
    mempeer_t *phone =
        mempeer_create(world->net, "192.0.2.1:32853", on_heard, &heard);
    for (unsigned i = 0; i < 10; i++)
        ask(world, phone, (srf__str_t)BYTES(REQUEST));
    ck_assert_uint_ge(heard.count, 2);
    ck_assert_uint_lt(heard.count, 10);
    ck_assert_uint_eq(world_stats(world).shed, 10 - heard.count);
    world_destroy(world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stun");
    TCase *tcase = tcase_create("binding");

    tcase_add_test(tcase, a_binding_request_is_told_where_it_came_from);
    tcase_add_test(tcase, what_may_be_passed_over_is);
    tcase_add_test(tcase, what_was_not_asked_for_is_passed_over);
    tcase_add_test(tcase, what_has_to_be_understood_and_is_not_is_refused);
    tcase_add_test(tcase, a_refusal_has_a_bound);
    tcase_add_loop_test(tcase, nothing_else_gets_an_answer, 0,
                        sizeof(others) / sizeof(others[0]));
    tcase_add_test(tcase, a_client_finds_its_flow_alive);
    tcase_add_test(tcase, above_its_rate_a_source_gets_no_answer);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
