/*
 * Lookups of strangers: what they may cost, and what they must not.
 *
 * SPDX-License-Identifier: MIT
 */
#include "resolver/resolver.h"

#include "dns_message.h"
#include "runner.h"

#include <stdio.h>

enum { QUESTIONS = 4000, LOOKUPS = 100, PER_SOURCE = 10, ENTRIES = 40 };

#define IP 0xc0000201u

typedef struct question {
    char name[80];
    uint16_t type;
    srf__dns_cb cb;
    void *arg;
    bool answered;
} question_t;

static srf__wheel_t wheel;
static srf__random_t dice;
static srf__log_t logger;
static srf__resolver_t *resolver;
static question_t questions[QUESTIONS];
static unsigned asked;
static unsigned told;
static int told_err;
static srf__hops_t told_hops;
static unsigned lines; /* of the log */
static char peer[64];  /* of the last one */

static int ask(void *arg, const char *name, uint16_t type, srf__dns_cb cb,
               void *cb_arg)
{
    question_t *question = &questions[asked++];

    (void)arg;
    ck_assert_uint_le(asked, QUESTIONS);
    memset(question, 0, sizeof(*question));
    (void)snprintf(question->name, sizeof(question->name), "%s", name);
    question->type = type;
    question->cb = cb;
    question->arg = cb_arg;
    return 0;
}

static void on_log(srf_log_level_t level, const srf_log_event_t *event,
                   void *data)
{
    (void)level;
    (void)data;
    lines++;
    (void)snprintf(peer, sizeof(peer), "%s",
                   event->peer == NULL ? "" : event->peer);
}

static void setup(void)
{
    const srf__resolver_env_t env = {
        .wheel = &wheel,
        .random = &dice,
        .ask = ask,
        .log = &logger,
        .cache = {.entries = ENTRIES,
                  .min_ttl_s = 1,
                  .max_ttl_s = 100,
                  .negative_ttl_s = 30,
                  .stale_s = 50},
        .dead_ms = 1000,
        .max_lookups = LOOKUPS,
        .max_lookups_per_source = PER_SOURCE,
    };

    asked = told = lines = 0;
    srf__log_init(&logger, on_log, NULL, SRF_LOG_WARNING);
    srf__wheel_init(&wheel, 1000);
    srf__random_init_seeded(&dice, 1);
    ck_assert_int_eq(srf__resolver_create(&env, &resolver), 0);
}

static void teardown(void)
{
    srf__resolver_destroy(resolver);
}

static void pass(uint64_t ms)
{
    srf__wheel_advance(&wheel, wheel.target_ms + ms);
}

static void on_told(void *arg, int err, const srf__hops_t *hops)
{
    (void)arg;
    told++;
    told_err = err;
    if (err == 0)
        told_hops = *hops;
}

/* By stranger number `source`; 0: by the program. */
static int look_up(const char *text, unsigned source)
{
    const srf__addr_t from = {
        .family = 4, .ip = {198, 51, (uint8_t)(source >> 8), (uint8_t)source}};
    const srf__lookup_spec_t spec = {
        .transports = 1 << SRF__TRANSPORT_UDP,
        .ipv4 = true,
        .source = source == 0 ? NULL : &from,
        .cb = on_told,
    };
    srf__lookup_t *pending;
    srf__uri_t uri;

    ck_assert_int_eq(srf__uri_parse(srf__str_of(text), &uri), 0);
    return srf__resolve(resolver, &uri, &spec, &told_hops, &pending);
}

/* One question each: its address. */
static int look_up_number(const char *kind, unsigned number, unsigned source)
{
    char uri[80];

    (void)snprintf(uri, sizeof(uri), "sip:%s%u.example.com:5060", kind, number);
    return look_up(uri, source);
}

static void answer(question_t *question, uint32_t ttl_s)
{
    dns_message_t message;

    dns_begin(&message, 0, question->name, question->type);
    dns_a(&message, "@12", ttl_s, IP);
    question->answered = true;
    question->cb(question->arg,
                 srf__records_read(message.data, message.len, question->name,
                                   question->type));
}

static void answer_all(uint32_t ttl_s)
{
    for (unsigned i = 0; i < asked; i++) {
        if (!questions[i].answered)
            answer(&questions[i], ttl_s);
    }
}

static const srf__resolver_counters_t *counters(void)
{
    return srf__resolver_counters(resolver);
}

/* ---- who may look for how many ---- */

START_TEST(a_source_looks_for_so_many_names_and_the_others_go_on)
{
    for (unsigned i = 0; i < PER_SOURCE; i++)
        ck_assert_int_eq(look_up_number("x", i, 1), SRF__SELECT_PENDING);
    ck_assert_int_eq(look_up_number("x", PER_SOURCE, 1),
                     SRF_ERR_NAME_NOT_FOUND);
    ck_assert_uint_eq(asked, PER_SOURCE); /* it was not asked for */
    ck_assert_uint_eq(counters()->limited, 1);
    ck_assert_uint_eq(counters()->pending, PER_SOURCE);
    ck_assert_uint_eq(lines, 1);
    ck_assert_str_eq(peer, "198.51.0.1");
    ck_assert_int_eq(look_up_number("y", 0, 2), SRF__SELECT_PENDING);
    ck_assert_int_eq(look_up_number("z", 0, 0), SRF__SELECT_PENDING);
    answer_all(5);
    ck_assert_uint_eq(counters()->pending, 0);
    ck_assert_int_eq(look_up_number("x", PER_SOURCE, 1), SRF__SELECT_PENDING);
}
END_TEST

START_TEST(the_network_leaves_half_of_the_room_to_the_program)
{
    unsigned pending = 0;

    for (unsigned i = 0; i < 4 * LOOKUPS; i++)
        pending += look_up_number("x", i, 1 + i) == SRF__SELECT_PENDING;
    ck_assert_uint_eq(pending, LOOKUPS / 2);
    for (unsigned i = 0; i < LOOKUPS / 2; i++)
        ck_assert_int_eq(look_up_number("own", i, 0), SRF__SELECT_PENDING);
    ck_assert_int_eq(look_up_number("own", LOOKUPS, 0), SRF_ERR_NAME_NOT_FOUND);
    ck_assert_uint_eq(counters()->pending, LOOKUPS);
}
END_TEST

/* However many calls go to a name whose server is slow. */
START_TEST(all_who_look_for_a_name_share_one_search)
{
    char uri[80];

    for (unsigned i = 0; i < 10 * LOOKUPS; i++) {
        (void)snprintf(uri, sizeof(uri), "sip:u%u@GW.example.com:5060", i);
        ck_assert_int_eq(look_up(uri, i % 3), SRF__SELECT_PENDING);
    }
    ck_assert_uint_eq(asked, 1);
    ck_assert_uint_eq(counters()->limited, 0);
    answer_all(5);
    ck_assert_uint_eq(told, 10 * LOOKUPS);
    ck_assert_int_eq(told_err, 0);
}
END_TEST

START_TEST(a_name_that_the_program_waits_for_counts_for_nobody)
{
    for (unsigned i = 0; i < PER_SOURCE; i++)
        ck_assert_int_eq(look_up_number("x", i, 1), SRF__SELECT_PENDING);
    ck_assert_int_eq(look_up_number("x", 0, 0), SRF__SELECT_PENDING);
    ck_assert_int_eq(look_up_number("y", 0, 1), SRF__SELECT_PENDING);
    ck_assert_int_eq(look_up_number("y", 1, 1), SRF_ERR_NAME_NOT_FOUND);
}
END_TEST

/* The same host with another port is another search over the same question. */
START_TEST(ports_do_not_multiply_what_a_source_may)
{
    char uri[80];
    unsigned pending = 0;

    for (unsigned i = 1; i <= 1000; i++) {
        (void)snprintf(uri, sizeof(uri), "sip:x.example.com:%u", i);
        pending += look_up(uri, 1) == SRF__SELECT_PENDING;
    }
    ck_assert_uint_eq(pending, PER_SOURCE);
    ck_assert_uint_eq(asked, 1);
}
END_TEST

/* Each of 64 servers of a zone of his own is another question. */
START_TEST(servers_do_not_multiply_the_questions_of_a_source)
{
    static const unsigned server[3] = {0, 0, 5070};
    char host[40];
    char uri[80];

    for (unsigned i = 0; i < PER_SOURCE; i++) {
        (void)snprintf(uri, sizeof(uri), "sip:x%u.example.com;transport=udp",
                       i);
        ck_assert_int_eq(look_up(uri, 1), SRF__SELECT_PENDING);
    }
    for (unsigned i = 0; i < PER_SOURCE; i++) {
        dns_message_t message;
        question_t *question = &questions[i];
        dns_begin(&message, 0, question->name, SRF__RR_SRV);
        for (unsigned k = 0; k < 30; k++) {
            (void)snprintf(host, sizeof(host), "h%u-%u.example.com", i, k);
            dns_srv(&message, "@12", 50, server, host);
        }
        question->answered = true;
        question->cb(question->arg,
                     srf__records_read(message.data, message.len,
                                       question->name, SRF__RR_SRV));
    }
    ck_assert_uint_le(asked, PER_SOURCE + 8 * PER_SOURCE);
    ck_assert_uint_gt(counters()->limited, 0);
    answer_all(5);
    ck_assert_uint_eq(counters()->pending, 0);
    ck_assert_int_eq(told_err, 0); /* with the servers that were asked for */
}
END_TEST

START_TEST(old_records_serve_at_the_limit)
{
    ck_assert_int_eq(look_up_number("gw", 0, 1), SRF__SELECT_PENDING);
    answer_all(5);
    ck_assert_int_eq(look_up_number("gw", 0, 1), 0);
    pass(20000); /* too old by now */
    for (unsigned i = 0; i < PER_SOURCE; i++)
        ck_assert_int_eq(look_up_number("x", i, 1), SRF__SELECT_PENDING);
    ck_assert_int_eq(look_up_number("gw", 0, 1), 0);
    ck_assert_uint_eq(told_hops.list[0].ip[3], IP & 0xff);
    ck_assert_uint_eq(counters()->stale, 1);
    ck_assert_uint_eq(counters()->limited, 1);
    pass(60000); /* older than that is nobody's */
    ck_assert_int_eq(look_up_number("gw", 0, 1), SRF_ERR_NAME_NOT_FOUND);
}
END_TEST

/* ---- what is remembered ---- */

static void invent(unsigned count, unsigned source)
{
    for (unsigned i = 0; i < count; i++) {
        ck_assert_int_eq(look_up_number("invented", i, source),
                         SRF__SELECT_PENDING);
        answer_all(100);
        ck_assert_uint_le(counters()->entries, ENTRIES);
    }
}

/* The question is open if it has to be asked again. */
static void expect_remembered(const char *kind, unsigned source)
{
    unsigned before = asked;

    ck_assert_int_eq(look_up_number(kind, 0, source), 0);
    ck_assert_uint_eq(asked, before);
}

START_TEST(invented_names_do_not_drive_out_those_of_the_program)
{
    ck_assert_int_eq(look_up_number("own", 0, 0), SRF__SELECT_PENDING);
    answer_all(100);
    invent(500, 1);
    expect_remembered("own", 0);
}
END_TEST

START_TEST(invented_names_do_not_drive_out_those_that_calls_use)
{
    ck_assert_int_eq(look_up_number("used", 0, 2), SRF__SELECT_PENDING);
    answer_all(100);
    ck_assert_int_eq(look_up_number("used", 0, 2), 0);
    invent(500, 1);
    expect_remembered("used", 3);
}
END_TEST

/* Though he looks for each of them twice. */
START_TEST(one_source_does_not_fill_the_room_of_names_that_are_used)
{
    ck_assert_int_eq(look_up_number("used", 0, 2), SRF__SELECT_PENDING);
    answer_all(100);
    ck_assert_int_eq(look_up_number("used", 0, 2), 0);
    for (unsigned i = 0; i < 500; i++) {
        ck_assert_int_eq(look_up_number("twice", i, 1), SRF__SELECT_PENDING);
        answer_all(100);
        (void)look_up_number("twice", i, 1);
        answer_all(100); /* too many of his: it was forgotten */
    }
    ck_assert_uint_le(counters()->entries, ENTRIES);
    expect_remembered("used", 3);
}
END_TEST

START_TEST(names_of_the_network_have_room_beside_those_of_the_program)
{
    for (unsigned i = 0; i < 2 * ENTRIES; i++) {
        ck_assert_int_eq(look_up_number("own", i, 0), SRF__SELECT_PENDING);
        answer_all(100);
    }
    ck_assert_int_eq(look_up_number("new", 0, 1), SRF__SELECT_PENDING);
    answer_all(100);
    expect_remembered("new", 1);
}
END_TEST

/* ---- addresses that do not answer ---- */

static const srf__addr_t gateway = {.family = 4,
                                    .transport = SRF__TRANSPORT_UDP,
                                    .port = 5060,
                                    .ip = {192, 0, 2, 1}};

/* A name with two addresses: the gateway, and another one. */
static void find_gateway(void)
{
    dns_message_t message;
    question_t *question = &questions[asked];

    ck_assert_int_eq(look_up_number("gw", 0, 0), SRF__SELECT_PENDING);
    dns_begin(&message, 0, question->name, SRF__RR_A);
    dns_a(&message, "@12", 100, IP);
    dns_a(&message, "@12", 100, IP + 1);
    question->answered = true;
    question->cb(question->arg, srf__records_read(message.data, message.len,
                                                  question->name, SRF__RR_A));
}

static void expect_first(unsigned source, unsigned last)
{
    ck_assert_int_eq(look_up_number("gw", 0, source), 0);
    ck_assert_uint_eq(told_hops.count, 2);
    ck_assert_uint_eq(told_hops.list[0].ip[3], last);
}

/* His name leads to the gateway of the program, which does not answer him. */
START_TEST(a_stranger_does_not_make_an_address_dead_for_the_program)
{
    find_gateway();
    expect_first(0, 1);
    srf__resolver_report(resolver, &gateway, true, false);
    expect_first(0, 1);
    expect_first(1, 2); /* who met it finds the other one first */
    srf__resolver_report(resolver, &gateway, false, false);
    expect_first(0, 2);
    expect_first(1, 2);
    srf__resolver_report(resolver, &gateway, true, true); /* it lives */
    expect_first(0, 1);
    expect_first(1, 1);
}
END_TEST

START_TEST(strangers_do_not_make_it_forget_what_the_program_met)
{
    srf__addr_t addr = gateway;

    find_gateway();
    srf__resolver_report(resolver, &gateway, false, false);
    addr.ip[0] = 198;
    for (unsigned i = 0; i < 2 * SRF__DEAD_MAX; i++) {
        addr.port = (uint16_t)(1 + i);
        srf__resolver_report(resolver, &addr, true, false);
    }
    expect_first(0, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resolver limits");
    TCase *tcase = tcase_create("limits");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase,
                   a_source_looks_for_so_many_names_and_the_others_go_on);
    tcase_add_test(tcase, the_network_leaves_half_of_the_room_to_the_program);
    tcase_add_test(tcase, all_who_look_for_a_name_share_one_search);
    tcase_add_test(tcase, a_name_that_the_program_waits_for_counts_for_nobody);
    tcase_add_test(tcase, ports_do_not_multiply_what_a_source_may);
    tcase_add_test(tcase, servers_do_not_multiply_the_questions_of_a_source);
    tcase_add_test(tcase, old_records_serve_at_the_limit);
    tcase_add_test(tcase, invented_names_do_not_drive_out_those_of_the_program);
    tcase_add_test(tcase, invented_names_do_not_drive_out_those_that_calls_use);
    tcase_add_test(tcase,
                   one_source_does_not_fill_the_room_of_names_that_are_used);
    tcase_add_test(tcase,
                   names_of_the_network_have_room_beside_those_of_the_program);
    tcase_add_test(tcase,
                   a_stranger_does_not_make_an_address_dead_for_the_program);
    tcase_add_test(tcase, strangers_do_not_make_it_forget_what_the_program_met);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
