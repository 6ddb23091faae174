/*
 * Lookups over a cache, with questions that the test answers by hand.
 *
 * SPDX-License-Identifier: MIT
 */
#include "resolver/resolver.h"

#include "dns_message.h"
#include "runner.h"
#include "srf/srf.h"

#include <stdio.h>

#define IP 0xc0000201u

enum { QUESTIONS = 200 };

typedef struct question {
    char name[256];
    uint16_t type;
    srf__dns_cb cb;
    void *arg;
    bool answered;
} question_t;

typedef struct told {
    unsigned count;
    int err;
    srf__hops_t hops;
    srf__lookup_t *cancel; /* in the callback */
    unsigned order;        /* in which it was told */
} told_t;

static srf__wheel_t wheel;
static srf__random_t dice;
static srf__resolver_t *resolver;
static question_t questions[QUESTIONS];
static unsigned asked;
static bool cannot_ask;
static bool knows; /* it has no records of any name, and needs not ask */
static bool both;  /* families */
static unsigned tellings;
static dns_message_t message;

static int ask(void *arg, const char *name, uint16_t type, srf__dns_cb cb,
               void *cb_arg)
{
    question_t *question = &questions[asked];

    (void)arg;
    if (cannot_ask)
        return SRF_ERR_NO_MEMORY;
    ck_assert_uint_lt(asked, QUESTIONS);
    memset(question, 0, sizeof(*question));
    (void)snprintf(question->name, sizeof(question->name), "%s", name);
    question->type = type;
    question->cb = cb;
    question->arg = cb_arg;
    asked++;
    return 0;
}

static srf__records_t *know(void *arg, const char *name, uint16_t type)
{
    (void)arg;
    (void)name;
    return knows ? srf__records_empty(type, SRF__ANSWER_NO_RECORD, 1) : NULL;
}

static void setup(void)
{
    const srf__resolver_env_t env = {
        .wheel = &wheel,
        .random = &dice,
        .ask = ask,
        .know = know,
        .cache = {.entries = 8,
                  .min_ttl_s = 1,
                  .max_ttl_s = 100,
                  .negative_ttl_s = 30,
                  .stale_s = 50},
    };

    asked = 0;
    cannot_ask = false;
    knows = false;
    both = false;
    srf__wheel_init(&wheel, 1000);
    srf__random_init_seeded(&dice, 1);
    ck_assert_int_eq(srf__resolver_create(&env, &resolver), 0);
}

static void teardown(void)
{
    srf__resolver_destroy(resolver);
    ck_assert_uint_eq(wheel.count, 0);
}

static void pass(uint64_t ms)
{
    srf__wheel_advance(&wheel, wheel.target_ms + ms);
}

/* ---- questions and answers ---- */

static question_t *find_question(const char *name, uint16_t type)
{
    for (unsigned i = 0; i < asked; i++) {
        if (!questions[i].answered && questions[i].type == type &&
            strcmp(questions[i].name, name) == 0)
            return &questions[i];
    }
    ck_abort_msg("%s/%u is not asked", name, type);
    return NULL;
}

static void answer_with(question_t *question, srf__records_t *records)
{
    question->answered = true;
    question->cb(question->arg, records);
}

static void answer_message(const char *name, uint16_t type)
{
    answer_with(find_question(name, type),
                srf__records_read(message.data, message.len, name, type));
}

static void answer_a(const char *name, uint32_t ttl_s, uint32_t ip)
{
    dns_begin(&message, 0, name, SRF__RR_A);
    dns_a(&message, "@12", ttl_s, ip);
    answer_message(name, SRF__RR_A);
}

static void answer_nothing(const char *name, uint16_t type, uint32_t ttl_s)
{
    dns_begin(&message, 3, name, type);
    dns_soa(&message, "example.com", ttl_s, ttl_s);
    answer_message(name, type);
}

static void answer_failure(const char *name, uint16_t type)
{
    answer_with(find_question(name, type),
                srf__records_empty(type, SRF__ANSWER_FAILED, UINT32_MAX));
}

static unsigned open_questions(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < asked; i++)
        count += !questions[i].answered;
    return count;
}

/* ---- lookups ---- */

static void on_told(void *arg, int err, const srf__hops_t *hops)
{
    told_t *told = arg;

    told->count++;
    told->order = ++tellings;
    told->err = err;
    if (err == 0)
        told->hops = *hops;
    if (told->cancel != NULL)
        srf__lookup_cancel(told->cancel);
}

static int resolve(const char *text, told_t *told, srf__lookup_t **pending)
{
    const srf__lookup_spec_t spec = {
        .transports = 1 << SRF__TRANSPORT_UDP,
        .ipv4 = true,
        .ipv6 = both,
        .cb = on_told,
        .arg = told,
    };
    srf__uri_t uri;

    memset(told, 0, sizeof(*told));
    ck_assert_int_eq(srf__uri_parse(srf__str_of(text), &uri), 0);
    return srf__resolve(resolver, &uri, &spec, &told->hops, pending);
}

static void expect_pending(const char *uri, told_t *told)
{
    srf__lookup_t *pending;

    ck_assert_int_eq(resolve(uri, told, &pending), SRF__SELECT_PENDING);
    ck_assert_ptr_nonnull(pending);
    ck_assert_uint_eq(told->count, 0);
}

static void expect_ip(const srf__hops_t *hops, unsigned last)
{
    ck_assert_uint_ge(hops->count, 1);
    ck_assert_uint_eq(hops->list[0].ip[3], last);
}

#define PORTED "sip:a.example.com:5060" /* one question: its address */

/* Looks it up, answers, and sees what the lookup is told. */
static void look_up(uint32_t ttl_s, uint32_t ip)
{
    told_t told;

    expect_pending(PORTED, &told);
    answer_a("a.example.com", ttl_s, ip);
    ck_assert_uint_eq(told.count, 1);
    ck_assert_int_eq(told.err, 0);
    expect_ip(&told.hops, ip & 0xff);
}

static void expect_at_hand(unsigned last)
{
    srf__lookup_t *pending;
    told_t told;

    ck_assert_int_eq(resolve(PORTED, &told, &pending), 0);
    ck_assert_ptr_null(pending);
    expect_ip(&told.hops, last);
}

START_TEST(what_was_found_is_at_hand_until_its_time_is_over)
{
    look_up(20, IP);
    ck_assert_uint_eq(asked, 1);
    pass(19999);
    expect_at_hand(1);
    ck_assert_uint_eq(asked, 1);
    pass(1);
    look_up(20, IP + 1);
    ck_assert_uint_eq(asked, 2);
}
END_TEST

/* However long the others hold. */
START_TEST(what_was_found_ends_with_the_first_of_its_records)
{
    static const char uri[] = "sip:example.com;transport=udp";
    static const unsigned values[] = {1, 1, 5070};
    srf__lookup_t *pending;
    told_t told;

    expect_pending(uri, &told);
    dns_begin(&message, 0, "_sip._udp.example.com", SRF__RR_SRV);
    dns_srv(&message, "@12", 60, values, "a.example.com");
    answer_message("_sip._udp.example.com", SRF__RR_SRV);
    answer_nothing("example.com", SRF__RR_A, 5);
    answer_a("a.example.com", 5, IP);
    ck_assert_uint_eq(told.count, 1);
    pass(4900);
    ck_assert_int_eq(resolve(uri, &told, &pending), 0);
    expect_ip(&told.hops, 1);
    pass(200);
    expect_pending(uri, &told);
    ck_assert_uint_eq(open_questions(), 1);
    answer_a("a.example.com", 5, IP + 1);
    expect_ip(&told.hops, 2);
    ck_assert_int_eq(resolve(uri, &told, &pending), 0);
    expect_ip(&told.hops, 2);
}
END_TEST

START_TEST(times_are_held_within_bounds)
{
    look_up(0, IP);
    expect_at_hand(1); /* a second at least */
    pass(1000);
    look_up(1000000, IP + 1);
    pass(99999);
    expect_at_hand(2);
    pass(1);
    look_up(5, IP);
}
END_TEST

START_TEST(what_is_not_there_is_remembered_too)
{
    srf__lookup_t *pending;
    told_t told;

    expect_pending(PORTED, &told);
    answer_nothing("a.example.com", SRF__RR_A, 1000);
    ck_assert_int_eq(told.err, SRF_ERR_NAME_NOT_FOUND);
    pass(29999); /* its bound */
    ck_assert_int_eq(resolve(PORTED, &told, &pending), SRF_ERR_NAME_NOT_FOUND);
    pass(1);
    expect_pending(PORTED, &told);
    answer_a("a.example.com", 5, IP);
}
END_TEST

START_TEST(old_records_serve_while_dns_fails)
{
    told_t told;

    look_up(10, IP);
    pass(15000);
    expect_pending(PORTED, &told);
    answer_failure("a.example.com", SRF__RR_A);
    ck_assert_int_eq(told.err, 0);
    expect_ip(&told.hops, 1);
    expect_at_hand(1); /* it is not asked again at once */
    ck_assert_uint_eq(asked, 2);
    pass(3000);
    expect_pending(PORTED, &told);
    answer_failure("a.example.com", SRF__RR_A);
    pass(60000); /* too old */
    expect_pending(PORTED, &told);
    answer_failure("a.example.com", SRF__RR_A);
    ck_assert_int_eq(told.err, SRF_ERR_NAME_NOT_FOUND);
    ck_assert_uint_eq(srf__resolver_counters(resolver)->stale, 2);
}
END_TEST

START_TEST(one_question_serves_all_who_ask_it)
{
    told_t told[5];

    for (unsigned i = 0; i < 5; i++)
        expect_pending(PORTED, &told[i]);
    ck_assert_uint_eq(asked, 1);
    answer_a("a.example.com", 5, IP);
    for (unsigned i = 0; i < 5; i++) {
        ck_assert_uint_eq(told[i].count, 1);
        ck_assert_uint_eq(told[i].order, told[0].order + i); /* as they asked */
        expect_ip(&told[i].hops, 1);
    }
}
END_TEST

START_TEST(a_search_asks_step_by_step)
{
    static const unsigned server[3] = {0, 0, 5070};
    told_t told;

    expect_pending("sip:example.com", &told);
    ck_assert_uint_eq(open_questions(), 1);
    answer_nothing("example.com", SRF__RR_NAPTR, 5);
    ck_assert_uint_eq(open_questions(), 1);
    dns_begin(&message, 0, "_sip._udp.example.com", SRF__RR_SRV);
    dns_srv(&message, "@12", 50, server, "a.example.com");
    dns_srv(&message, "@12", 50, server, "b.example.com");
    answer_message("_sip._udp.example.com", SRF__RR_SRV);
    ck_assert_uint_eq(open_questions(), 2); /* both at once */
    answer_a("b.example.com", 5, IP + 1);
    ck_assert_uint_eq(told.count, 0);
    answer_a("a.example.com", 5, IP);
    ck_assert_uint_eq(told.count, 1);
    ck_assert_int_eq(told.err, 0);
    ck_assert_uint_eq(told.hops.count, 2);
    ck_assert_uint_eq(told.hops.list[0].port, 5070);
}
END_TEST

START_TEST(a_lookup_that_was_cancelled_is_not_told)
{
    srf__lookup_t *first;
    srf__lookup_t *second;
    told_t told;
    told_t other;

    ck_assert_int_eq(resolve(PORTED, &told, &first), SRF__SELECT_PENDING);
    ck_assert_int_eq(resolve(PORTED, &other, &second), SRF__SELECT_PENDING);
    srf__lookup_cancel(first);
    answer_a("a.example.com", 5, IP);
    ck_assert_uint_eq(told.count, 0);
    ck_assert_uint_eq(other.count, 1);
}
END_TEST

START_TEST(one_that_is_told_may_cancel_another)
{
    srf__lookup_t *first;
    srf__lookup_t *second;
    told_t told;
    told_t other;

    ck_assert_int_eq(resolve(PORTED, &told, &first), SRF__SELECT_PENDING);
    ck_assert_int_eq(resolve(PORTED, &other, &second), SRF__SELECT_PENDING);
    told.cancel = second;
    answer_a("a.example.com", 5, IP);
    ck_assert_uint_eq(told.count, 1);
    ck_assert_uint_eq(other.count, 0);
}
END_TEST

START_TEST(the_least_used_are_forgotten)
{
    char name[40];
    char uri[60];
    told_t told;

    for (unsigned i = 0; i < 50; i++) {
        (void)snprintf(name, sizeof(name), "h%u.example.com", i);
        (void)snprintf(uri, sizeof(uri), "sip:%s:5060", name);
        expect_pending(uri, &told);
        answer_a(name, 100, IP);
        ck_assert_uint_le(srf__resolver_counters(resolver)->entries, 8);
    }
    asked = 0;
    expect_pending("sip:h0.example.com:5060", &told);
    srf__lookup_t *pending;
    ck_assert_int_eq(resolve("sip:h49.example.com:5060", &told, &pending), 0);
}
END_TEST

START_TEST(questions_that_are_open_stay)
{
    told_t told[20];
    char uri[60];

    for (unsigned i = 0; i < 20; i++) {
        (void)snprintf(uri, sizeof(uri), "sip:h%u.example.com:5060", i);
        expect_pending(uri, &told[i]);
    }
    ck_assert_uint_eq(asked, 20);
    for (unsigned i = 0; i < 20; i++) {
        (void)snprintf(uri, sizeof(uri), "h%u.example.com", i);
        answer_a(uri, 5, IP);
        ck_assert_uint_eq(told[i].count, 1);
    }
    ck_assert_uint_le(srf__resolver_counters(resolver)->entries, 8);
}
END_TEST

/* What nobody is asked for is limited as well. */
START_TEST(names_that_are_known_here_are_forgotten_too)
{
    srf__lookup_t *pending;
    char uri[60];
    told_t told;

    knows = true;
    for (unsigned i = 0; i < 50; i++) {
        (void)snprintf(uri, sizeof(uri), "sip:h%u.localhost", i);
        ck_assert_int_eq(resolve(uri, &told, &pending), SRF_ERR_NAME_NOT_FOUND);
        ck_assert_uint_le(srf__resolver_counters(resolver)->entries, 8);
    }
    ck_assert_uint_eq(asked, 0);
}
END_TEST

/* Answers all that is open once, each with the same. */
static void answer_round(uint32_t ttl_s)
{
    unsigned end = asked;

    for (unsigned i = 0; i < end; i++) {
        if (questions[i].answered)
            continue;
        if (questions[i].type == SRF__RR_A)
            answer_a(questions[i].name, ttl_s, IP);
        else
            answer_nothing(questions[i].name, questions[i].type, ttl_s);
    }
}

/* More of them than there is room for: each still gets to its end. */
START_TEST(many_lookups_at_once_do_not_drive_each_other_out)
{
    told_t told[20];
    char uri[60];

    for (unsigned i = 0; i < 20; i++) {
        (void)snprintf(uri, sizeof(uri), "sip:h%u.example.com", i);
        expect_pending(uri, &told[i]);
    }
    for (unsigned i = 0; i < 3; i++) /* NAPTR, SRV, A */
        answer_round(100);
    ck_assert_uint_eq(open_questions(), 0);
    ck_assert_uint_eq(asked, 60);
    for (unsigned i = 0; i < 20; i++) {
        ck_assert_uint_eq(told[i].count, 1);
        ck_assert_int_eq(told[i].err, 0);
    }
    ck_assert_uint_le(srf__resolver_counters(resolver)->entries, 8);
}
END_TEST

/* The next answer may take longer than the last one holds. */
START_TEST(what_held_when_a_lookup_began_holds_for_all_of_it)
{
    srf__lookup_t *pending;
    told_t told;

    expect_pending("sip:example.com", &told);
    for (unsigned i = 0; i < 3; i++) {
        pass(2000);
        answer_round(0);
    }
    ck_assert_uint_eq(asked, 3);
    ck_assert_uint_eq(told.count, 1);
    ck_assert_int_eq(told.err, 0);
    ck_assert_int_eq(resolve("sip:example.com", &told, &pending),
                     SRF__SELECT_PENDING); /* the next one asks */
    ck_assert_uint_eq(open_questions(), 1);
}
END_TEST

/* It waits for some of them, and for the rest when one has come. */
START_TEST(many_servers_with_two_families_are_all_looked_up)
{
    static const unsigned server[3] = {0, 0, 5070};
    char host[40];
    told_t told;

    both = true;
    expect_pending("sip:example.com", &told);
    answer_nothing("example.com", SRF__RR_NAPTR, 50);
    dns_begin(&message, 0, "_sip._udp.example.com", SRF__RR_SRV);
    for (unsigned i = 0; i < 40; i++) {
        (void)snprintf(host, sizeof(host), "h%u.example.com", i);
        dns_srv(&message, "@12", 50, server, host);
    }
    answer_message("_sip._udp.example.com", SRF__RR_SRV);
    ck_assert_uint_eq(told.count, 0);
    ck_assert_uint_eq(open_questions(), 80);
    for (unsigned i = 0; i < 40; i++) {
        (void)snprintf(host, sizeof(host), "h%u.example.com", i);
        answer_nothing(host, SRF__RR_AAAA, 50);
        answer_a(host, 50, IP + i);
    }
    ck_assert_uint_eq(told.count, 1);
    ck_assert_int_eq(told.err, 0);
    ck_assert_uint_eq(told.hops.count, SRF__HOPS_MAX);
}
END_TEST

START_TEST(a_question_that_cannot_be_asked_is_an_error)
{
    srf__lookup_t *pending;
    told_t told;

    cannot_ask = true;
    ck_assert_int_eq(resolve(PORTED, &told, &pending), SRF_ERR_NO_MEMORY);
    ck_assert_ptr_null(pending);
    cannot_ask = false;
    look_up(5, IP);
}
END_TEST

START_TEST(an_answer_that_memory_was_out_for_is_a_failure)
{
    told_t told;

    expect_pending(PORTED, &told);
    answer_with(find_question("a.example.com", SRF__RR_A), NULL);
    ck_assert_uint_eq(told.count, 1);
    ck_assert_int_eq(told.err, SRF_ERR_NAME_NOT_FOUND);
}
END_TEST

START_TEST(a_resolver_may_go_while_questions_are_open)
{
    told_t told;

    expect_pending(PORTED, &told);
    expect_pending("sip:example.com", &told);
    ck_assert_uint_eq(told.count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resolver");
    TCase *tcase = tcase_create("lookups");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, what_was_found_is_at_hand_until_its_time_is_over);
    tcase_add_test(tcase, what_was_found_ends_with_the_first_of_its_records);
    tcase_add_test(tcase, times_are_held_within_bounds);
    tcase_add_test(tcase, what_is_not_there_is_remembered_too);
    tcase_add_test(tcase, old_records_serve_while_dns_fails);
    tcase_add_test(tcase, one_question_serves_all_who_ask_it);
    tcase_add_test(tcase, a_search_asks_step_by_step);
    tcase_add_test(tcase, a_lookup_that_was_cancelled_is_not_told);
    tcase_add_test(tcase, one_that_is_told_may_cancel_another);
    tcase_add_test(tcase, the_least_used_are_forgotten);
    tcase_add_test(tcase, questions_that_are_open_stay);
    tcase_add_test(tcase, names_that_are_known_here_are_forgotten_too);
    tcase_add_test(tcase, many_lookups_at_once_do_not_drive_each_other_out);
    tcase_add_test(tcase, what_held_when_a_lookup_began_holds_for_all_of_it);
    tcase_add_test(tcase, many_servers_with_two_families_are_all_looked_up);
    tcase_add_test(tcase, a_question_that_cannot_be_asked_is_an_error);
    tcase_add_test(tcase, an_answer_that_memory_was_out_for_is_a_failure);
    tcase_add_test(tcase, a_resolver_may_go_while_questions_are_open);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
