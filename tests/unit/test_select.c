/*
 * Server selection from literal record sets (RFC 3263 §4, RFC 2782).
 *
 * SPDX-License-Identifier: MIT
 */
#include "resolver/select.h"

#include "runner.h"
#include "srf/srf.h"

#include <stdio.h>

enum {
    U = 1 << SRF__TRANSPORT_UDP,
    T = 1 << SRF__TRANSPORT_TCP,
    S = 1 << SRF__TRANSPORT_TLS,
    W = 1 << SRF__TRANSPORT_WS,
    ALL = U | T | S,
    ROWS = 20
};

/* A line of a zone. "host" of A and AAAA is the address. */
typedef struct row {
    const char *name;
    uint16_t type;
    unsigned first;
    unsigned second;
    unsigned port;
    const char *host;
    const char *service;
    const char *flags; /* of NAPTR; NULL: "s" */
    bool has_regexp;
} row_t;

#define A(name, ip)                               \
 {                                                \
  name, SRF__RR_A, 0, 0, 0, ip, NULL, NULL, false \
 }
#define AAAA(name, ip)                               \
 {                                                   \
  name, SRF__RR_AAAA, 0, 0, 0, ip, NULL, NULL, false \
 }
#define SRV(name, priority, weight, port, host)                      \
 {                                                                   \
  name, SRF__RR_SRV, priority, weight, port, host, NULL, NULL, false \
 }
#define NAPTR(name, order, preference, service, host)                   \
 {                                                                      \
  name, SRF__RR_NAPTR, order, preference, 0, host, service, NULL, false \
 }

typedef struct zone {
    const row_t *rows;
    unsigned asked;
    unsigned missing; /* the first so many questions are not answered yet */
    char questions[1000];
    srf__records_t *made[100];
    unsigned made_count;
} zone_t;

static zone_t zone;
static srf__random_t dice;
static srf__hops_t hops;

static void add_row(srf__records_t *records, const row_t *row)
{
    srf__record_t *out = &records->list[records->count++];
    srf__addr_t addr;

    memset(out, 0, sizeof(*out));
    out->first = (uint16_t)row->first;
    out->second = (uint16_t)row->second;
    out->port = (uint16_t)row->port;
    out->host = row->host;
    out->service = row->service;
    out->flags = row->flags == NULL ? "s" : row->flags;
    out->has_regexp = row->has_regexp;
    if (row->type == SRF__RR_A || row->type == SRF__RR_AAAA) {
        ck_assert(srf__addr_from_host(&addr, srf__str_of(row->host), 0,
                                      SRF__TRANSPORT_NONE));
        memcpy(out->ip, addr.ip, sizeof(out->ip));
    }
}

static const srf__records_t *lookup(void *arg, const char *name, uint16_t type)
{
    size_t len = strlen(zone.questions);

    (void)arg;
    (void)snprintf(zone.questions + len, sizeof(zone.questions) - len, "%s/%u ",
                   name, type);
    if (zone.asked++ < zone.missing)
        return NULL;
    srf__records_t *records =
        srf__records_empty(type, SRF__ANSWER_NO_RECORD, 60);
    ck_assert_ptr_nonnull(records);
    ck_assert_uint_lt(zone.made_count, 100);
    zone.made[zone.made_count++] = records;
    records->list =
        srf__arena_alloc(&records->arena, ROWS * sizeof(*records->list));
    for (const row_t *row = zone.rows; row->name != NULL; row++) {
        if (row->type == type && strcmp(row->name, name) == 0)
            add_row(records, row);
    }
    if (records->count > 0)
        records->answer = SRF__ANSWER_FOUND;
    return records;
}

static void forget(void)
{
    while (zone.made_count > 0)
        srf__records_free(zone.made[--zone.made_count]);
    zone.asked = 0;
    zone.questions[0] = '\0';
}

static int choose_with(const char *uri_text, const row_t *rows,
                       srf__select_env_t *env)
{
    srf__servers_t servers;
    srf__uri_t uri;

    forget();
    zone.rows = rows;
    env->lookup = lookup;
    ck_assert_int_eq(srf__uri_parse(srf__str_of(uri_text), &uri), 0);
    int err = srf__select(&uri, env, &servers);
    if (err == 0)
        srf__servers_draw(&servers, &dice, &hops);
    else
        hops.count = 0;
    return err;
}

static int choose(const char *uri, const row_t *rows, unsigned transports)
{
    srf__select_env_t env = {.transports = (srf__transport_set_t)transports,
                             .ipv4 = true};

    return choose_with(uri, rows, &env);
}

/* "udp 192.0.2.1:5060, ..." */
static const char *chosen(void)
{
    static char text[1000];
    char addr[SRF__ADDR_TEXT];
    size_t len = 0;

    text[0] = '\0';
    for (unsigned i = 0; i < hops.count; i++) {
        (void)srf__addr_text(&hops.list[i], addr);
        len += (size_t)snprintf(
            text + len, sizeof(text) - len, "%s%s %s", i == 0 ? "" : ", ",
            srf__transport_uri_name(
                (srf__transport_id_t)hops.list[i].transport),
            addr);
    }
    return text;
}

static void setup(void)
{
    memset(&zone, 0, sizeof(zone));
    srf__random_init_seeded(&dice, 7);
}

/* ---- which questions are asked ---- */

static const row_t hosts[] = {A("example.com", "192.0.2.1"),
                              {NULL, 0, 0, 0, 0, NULL, NULL, NULL, false}};

START_TEST(what_the_uri_says_is_not_asked)
{
    static const struct {
        const char *uri;
        unsigned transports;
        const char *questions;
        const char *chosen;
    } cases[] = {
        {"sip:Example.COM:5070", ALL, "example.com/1 ", "udp 192.0.2.1:5070"},
        {"sips:example.com:5070", ALL, "example.com/1 ", "tls 192.0.2.1:5070"},
        {"sip:example.com:5070;transport=tcp", ALL, "example.com/1 ",
         "tcp 192.0.2.1:5070"},
        {"sip:example.com;transport=tcp", ALL,
         "_sip._tcp.example.com/33 example.com/1 ", "tcp 192.0.2.1:5060"},
        {"sip:example.com;transport=tls", ALL,
         "_sips._tcp.example.com/33 example.com/1 ", "tls 192.0.2.1:5061"},
        {"sips:example.com;transport=tcp", ALL,
         "_sips._tcp.example.com/33 example.com/1 ", "tls 192.0.2.1:5061"},
        {"sip:example.com;transport=ws", W,
         "_sip._ws.example.com/33 example.com/1 ", "ws 192.0.2.1:80"},
        {"sip:example.com", U,
         "example.com/35 _sip._udp.example.com/33 example.com/1 ",
         "udp 192.0.2.1:5060"},
        {"sip:example.com.", ALL,
         "example.com/35 _sip._udp.example.com/33 _sip._tcp.example.com/33 "
         "_sips._tcp.example.com/33 example.com/1 ",
         "udp 192.0.2.1:5060"},
        {"sips:example.com", ALL,
         "example.com/35 _sips._tcp.example.com/33 example.com/1 ",
         "tls 192.0.2.1:5061"},
        {"sip:nowhere.example;maddr=example.com", U,
         "example.com/35 _sip._udp.example.com/33 example.com/1 ",
         "udp 192.0.2.1:5060"},
    };

    ck_assert_int_eq(choose(cases[_i].uri, hosts, cases[_i].transports), 0);
    ck_assert_str_eq(zone.questions, cases[_i].questions);
    ck_assert_str_eq(chosen(), cases[_i].chosen);
    forget();
}
END_TEST

START_TEST(what_cannot_be_spoken_is_no_way)
{
    static const struct {
        const char *uri;
        unsigned transports;
    } cases[] = {
        {"sip:example.com;transport=tcp", U | S},
        {"sip:example.com;transport=udp", T},
        {"sips:example.com", U | T},
        {"sips:example.com;transport=udp", ALL},
        {"sip:example.com;transport=sctp", ALL},
        {"sip:example.com:5060", T},
        {"sip:example.com", 0},
    };

    ck_assert_int_eq(choose(cases[_i].uri, hosts, cases[_i].transports),
                     SRF_ERR_NO_TRANSPORT);
    ck_assert_str_eq(zone.questions, "");
}
END_TEST

START_TEST(a_name_without_address_is_not_found)
{
    ck_assert_int_eq(choose("sip:nobody.example", hosts, ALL),
                     SRF_ERR_NAME_NOT_FOUND);
    ck_assert_int_eq(choose("sip:nobody.example:5060", hosts, ALL),
                     SRF_ERR_NAME_NOT_FOUND);
    forget();
}
END_TEST

/* Filters say so of names they keep away; it would lead to this machine. */
START_TEST(an_address_that_is_none_is_left_out)
{
    static const row_t rows[] = {A("a.example.com", "0.0.0.0"),
                                 A("b.example.com", "0.0.0.0"),
                                 A("b.example.com", "192.0.2.2"),
                                 {NULL, 0, 0, 0, 0, NULL, NULL, NULL, false}};

    ck_assert_int_eq(choose("sip:a.example.com:5060", rows, ALL),
                     SRF_ERR_NAME_NOT_FOUND);
    ck_assert_int_eq(choose("sip:b.example.com:5060", rows, ALL), 0);
    ck_assert_str_eq(chosen(), "udp 192.0.2.2:5060");
    forget();
}
END_TEST

/* ---- NAPTR ---- */

/* The case of RFC 3263 §4.1: TLS is wanted most, then TCP, then UDP. */
static const row_t domain[] = {
    NAPTR("example.com", 50, 50, "SIPS+D2T", "_sips._tcp.example.com"),
    NAPTR("example.com", 90, 50, "SIP+D2T", "_sip._tcp.example.com"),
    NAPTR("example.com", 100, 50, "SIP+D2U", "_sip._udp.example.com"),
    SRV("_sips._tcp.example.com", 0, 1, 5061, "s.example.com"),
    SRV("_sip._tcp.example.com", 0, 1, 5060, "t1.example.com"),
    SRV("_sip._tcp.example.com", 1, 2, 5060, "t2.example.com"),
    SRV("_sip._udp.example.com", 0, 1, 5060, "u.example.com"),
    A("s.example.com", "192.0.2.5"),
    A("t1.example.com", "192.0.2.6"),
    A("t2.example.com", "192.0.2.7"),
    A("u.example.com", "192.0.2.8"),
    {NULL, 0, 0, 0, 0, NULL, NULL, NULL, false}};

START_TEST(naptr_says_what_is_spoken)
{
    static const struct {
        const char *uri;
        unsigned transports;
        const char *chosen;
    } cases[] = {
        {"sip:example.com", ALL, "tls 192.0.2.5:5061"},
        {"sip:example.com", T | U, "tcp 192.0.2.6:5060, tcp 192.0.2.7:5060"},
        {"sip:example.com", U, "udp 192.0.2.8:5060"},
        {"sips:example.com", ALL, "tls 192.0.2.5:5061"},
    };

    ck_assert_int_eq(choose(cases[_i].uri, domain, cases[_i].transports), 0);
    ck_assert_str_eq(chosen(), cases[_i].chosen);
    forget();
}
END_TEST

/* RFC 3263 §4.2: the transport is known then, and the host is the server; not
 * where the service is declined. */
START_TEST(naptr_without_servers_leads_to_the_host)
{
    static const row_t rows[] = {
        NAPTR("example.com", 10, 10, "SIP+D2T", "_sip._tcp.example.com"),
        NAPTR("b.example.com", 10, 10, "SIP+D2T", "_sip._tcp.b.example.com"),
        SRV("_sip._udp.example.com", 0, 0, 5070, "example.com"),
        SRV("_sip._tcp.b.example.com", 0, 0, 0, ""),
        A("example.com", "192.0.2.1"),
        A("b.example.com", "192.0.2.2"),
        {NULL, 0, 0, 0, 0, NULL, NULL, NULL, false}};

    ck_assert_int_eq(choose("sip:example.com", rows, ALL), 0);
    ck_assert_str_eq(chosen(), "tcp 192.0.2.1:5060");
    ck_assert_int_eq(choose("sip:b.example.com", rows, ALL),
                     SRF_ERR_NAME_NOT_FOUND);
    forget();
}
END_TEST

START_TEST(preference_decides_within_an_order_and_regexps_are_passed_over)
{
    static const row_t rows[] = {
        {"example.com", SRF__RR_NAPTR, 1, 1, 0, "_sip._tcp.example.com",
         "SIP+D2T", NULL, true},
        {"example.com", SRF__RR_NAPTR, 1, 2, 0, "t.example.com", "SIP+D2T", "a",
         false},
        NAPTR("example.com", 10, 20, "SIP+D2T", "_sip._tcp.example.com"),
        NAPTR("example.com", 10, 10, "sip+d2u", "_sip._udp.example.com"),
        NAPTR("example.com", 5, 1, "E2U+email", "mail.example.com"),
        SRV("_sip._tcp.example.com", 0, 0, 5060, "t.example.com"),
        SRV("_sip._udp.example.com", 0, 0, 5070, "t.example.com"),
        A("t.example.com", "192.0.2.6"),
        {NULL, 0, 0, 0, 0, NULL, NULL, NULL, false}};

    ck_assert_int_eq(choose("sip:example.com", rows, ALL), 0);
    ck_assert_str_eq(chosen(), "udp 192.0.2.6:5070");
    forget();
}
END_TEST

START_TEST(without_naptr_the_servers_tell_what_is_spoken)
{
    static const row_t rows[] = {
        SRV("_sip._tcp.example.com", 0, 0, 5062, "t.example.com"),
        SRV("_sips._tcp.example.com", 0, 0, 5063, "t.example.com"),
        A("t.example.com", "192.0.2.6"),
        A("example.com", "192.0.2.9"),
        {NULL, 0, 0, 0, 0, NULL, NULL, NULL, false}};

    ck_assert_int_eq(choose("sip:example.com", rows, ALL), 0);
    ck_assert_str_eq(chosen(), "tcp 192.0.2.6:5062");
    ck_assert_int_eq(choose("sip:example.com", rows, U | S), 0);
    ck_assert_str_eq(chosen(), "tls 192.0.2.6:5063");
    ck_assert_int_eq(choose("sip:example.com", rows, U), 0);
    ck_assert_str_eq(chosen(), "udp 192.0.2.9:5060");
    forget();
}
END_TEST

START_TEST(a_service_that_is_declined_is_not_there)
{
    static const row_t rows[] = {
        SRV("_sip._udp.example.com", 0, 0, 0, ""),
        SRV("_sip._tcp.example.com", 0, 0, 5062, "t.example.com"),
        A("t.example.com", "192.0.2.6"),
        A("example.com", "192.0.2.9"),
        {NULL, 0, 0, 0, 0, NULL, NULL, NULL, false}};

    ck_assert_int_eq(choose("sip:example.com", rows, ALL), 0);
    ck_assert_str_eq(chosen(), "tcp 192.0.2.6:5062");
    ck_assert_int_eq(choose("sip:example.com;transport=udp", rows, ALL),
                     SRF_ERR_NAME_NOT_FOUND);
    forget();
}
END_TEST

/* ---- SRV ---- */

START_TEST(priorities_are_kept_and_weights_are_shares)
{
    static const row_t rows[] = {
        SRV("_sip._udp.example.com", 10, 60, 5060, "a.example.com"),
        SRV("_sip._udp.example.com", 10, 30, 5060, "b.example.com"),
        SRV("_sip._udp.example.com", 10, 10, 5060, "c.example.com"),
        SRV("_sip._udp.example.com", 10, 0, 5060, "d.example.com"),
        SRV("_sip._udp.example.com", 20, 65535, 5060, "e.example.com"),
        A("a.example.com", "192.0.2.1"),
        A("b.example.com", "192.0.2.2"),
        A("c.example.com", "192.0.2.3"),
        A("d.example.com", "192.0.2.4"),
        A("e.example.com", "192.0.2.5"),
        {NULL, 0, 0, 0, 0, NULL, NULL, NULL, false}};
    unsigned first[6] = {0};
    unsigned second_of_a[6] = {0};

    for (unsigned i = 0; i < 4000; i++) {
        ck_assert_int_eq(choose("sip:example.com;transport=udp", rows, ALL), 0);
        ck_assert_uint_eq(hops.count, 5);
        ck_assert_uint_eq(hops.list[4].ip[3], 5); /* always the last */
        first[hops.list[0].ip[3]]++;
        if (hops.list[0].ip[3] == 1)
            second_of_a[hops.list[1].ip[3]]++;
    }
    /* 60, 30, 10 of 101 in 4000, five standard deviations off at most. */
    ck_assert_uint_ge(first[1], 2220);
    ck_assert_uint_le(first[1], 2540);
    ck_assert_uint_ge(first[2], 1040);
    ck_assert_uint_le(first[2], 1340);
    ck_assert_uint_ge(first[3], 300);
    ck_assert_uint_le(first[3], 500);
    ck_assert_uint_ge(first[4], 5); /* "a very small chance" */
    ck_assert_uint_le(first[4], 90);
    ck_assert_uint_gt(second_of_a[2], 2 * second_of_a[3]);
    forget();
}
END_TEST

/* However small the weights are, and whatever their order in the answer. */
START_TEST(small_weights_are_shares_too)
{
    static const row_t rows[2][4] = {
        {SRV("_sip._udp.example.com", 1, 3, 5063, "a.example.com"),
         SRV("_sip._udp.example.com", 1, 1, 5061, "a.example.com"),
         A("a.example.com", "192.0.2.1"),
         {NULL, 0, 0, 0, 0, NULL, NULL, NULL, false}},
        {SRV("_sip._udp.example.com", 1, 1, 5061, "a.example.com"),
         SRV("_sip._udp.example.com", 1, 3, 5063, "a.example.com"),
         A("a.example.com", "192.0.2.1"),
         {NULL, 0, 0, 0, 0, NULL, NULL, NULL, false}}};
    unsigned heavy = 0;

    for (unsigned i = 0; i < 4000; i++) {
        ck_assert_int_eq(choose("sip:example.com;transport=udp", rows[_i], ALL),
                         0);
        heavy += hops.list[0].port == 5063;
    }
    /* 3 of 4, five standard deviations off at most. */
    ck_assert_uint_ge(heavy, 2863);
    ck_assert_uint_le(heavy, 3137);
    forget();
}
END_TEST

START_TEST(weights_of_zero_alone_are_an_order)
{
    static const row_t rows[] = {
        SRV("_sip._udp.example.com", 1, 0, 5060, "a.example.com"),
        SRV("_sip._udp.example.com", 1, 0, 5061, "a.example.com"),
        A("a.example.com", "192.0.2.1"),
        {NULL, 0, 0, 0, 0, NULL, NULL, NULL, false}};

    ck_assert_int_eq(choose("sip:example.com;transport=udp", rows, ALL), 0);
    ck_assert_str_eq(chosen(), "udp 192.0.2.1:5060, udp 192.0.2.1:5061");
    forget();
}
END_TEST

/* The case of RFC 2782, "new fast" and "old slow" with two in reserve: three of
 * four callers, one of four, and whoever is left. */
START_TEST(the_reserve_comes_after_those_with_weights)
{
    static const row_t rows[] = {
        SRV("_sip._tcp.example.com", 0, 1, 5061, "slow.example.com"),
        SRV("_sip._tcp.example.com", 0, 3, 5062, "fast.example.com"),
        SRV("_sip._tcp.example.com", 1, 0, 5063, "third.example.com"),
        SRV("_sip._tcp.example.com", 1, 0, 5064, "fourth.example.com"),
        A("slow.example.com", "192.0.2.1"),
        A("fast.example.com", "192.0.2.2"),
        A("third.example.com", "192.0.2.3"),
        A("fourth.example.com", "192.0.2.4"),
        {NULL, 0, 0, 0, 0, NULL, NULL, NULL, false}};
    unsigned fast = 0;

    for (unsigned i = 0; i < 4000; i++) {
        ck_assert_int_eq(choose("sip:example.com;transport=tcp", rows, ALL), 0);
        ck_assert_uint_eq(hops.count, 4);
        ck_assert_uint_eq(hops.list[0].ip[3] + hops.list[1].ip[3], 3);
        ck_assert_uint_eq(hops.list[2].port, 5063);
        ck_assert_uint_eq(hops.list[3].port, 5064);
        fast += hops.list[0].ip[3] == 2;
    }
    ck_assert_uint_ge(fast, 2863);
    ck_assert_uint_le(fast, 3137);
    forget();
}
END_TEST

/* ---- addresses ---- */

START_TEST(both_families_are_there_the_preferred_one_first)
{
    static const row_t rows[] = {A("example.com", "192.0.2.1"),
                                 A("example.com", "192.0.2.1"),
                                 A("example.com", "192.0.2.2"),
                                 AAAA("example.com", "2001:db8::1"),
                                 {NULL, 0, 0, 0, 0, NULL, NULL, NULL, false}};
    srf__select_env_t env = {.transports = ALL, .ipv4 = true, .ipv6 = true};

    ck_assert_int_eq(choose_with("sip:example.com:5060", rows, &env), 0);
    ck_assert_str_eq(
        chosen(),
        "udp 192.0.2.1:5060, udp 192.0.2.2:5060, udp [2001:db8::1]:5060");
    env.ipv6_first = true;
    ck_assert_int_eq(choose_with("sip:example.com:5060", rows, &env), 0);
    ck_assert_str_eq(
        chosen(),
        "udp [2001:db8::1]:5060, udp 192.0.2.1:5060, udp 192.0.2.2:5060");
    env.ipv4 = false;
    ck_assert_int_eq(choose_with("sip:example.com:5060", rows, &env), 0);
    ck_assert_str_eq(chosen(), "udp [2001:db8::1]:5060");
    forget();
}
END_TEST

/* ---- what is not there yet ---- */

START_TEST(missing_answers_are_all_asked_for_and_waited_for)
{
    unsigned runs = 0;

    zone.missing = 1;
    for (;;) {
        int err = choose("sip:example.com", domain, T | U);
        if (err == 0)
            break;
        ck_assert_int_eq(err, SRF__SELECT_PENDING);
        ck_assert_uint_lt(++runs, 10);
        zone.missing = 0;
    }
    ck_assert_str_eq(chosen(), "tcp 192.0.2.6:5060, tcp 192.0.2.7:5060");
    /* The addresses of all servers are asked for at once. */
    zone.missing = 100;
    ck_assert_int_eq(choose("sip:example.com", hosts, ALL),
                     SRF__SELECT_PENDING);
    ck_assert_str_eq(zone.questions, "example.com/35 ");
    forget();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("select");
    TCase *tcase = tcase_create("servers");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_loop_test(tcase, what_the_uri_says_is_not_asked, 0, 11);
    tcase_add_loop_test(tcase, what_cannot_be_spoken_is_no_way, 0, 7);
    tcase_add_test(tcase, a_name_without_address_is_not_found);
    tcase_add_test(tcase, an_address_that_is_none_is_left_out);
    tcase_add_loop_test(tcase, naptr_says_what_is_spoken, 0, 4);
    tcase_add_test(tcase, naptr_without_servers_leads_to_the_host);
    tcase_add_test(
        tcase, preference_decides_within_an_order_and_regexps_are_passed_over);
    tcase_add_test(tcase, without_naptr_the_servers_tell_what_is_spoken);
    tcase_add_test(tcase, a_service_that_is_declined_is_not_there);
    tcase_add_test(tcase, priorities_are_kept_and_weights_are_shares);
    tcase_add_loop_test(tcase, small_weights_are_shares_too, 0, 2);
    tcase_add_test(tcase, weights_of_zero_alone_are_an_order);
    tcase_add_test(tcase, the_reserve_comes_after_those_with_weights);
    tcase_add_test(tcase, both_families_are_there_the_preferred_one_first);
    tcase_add_test(tcase, missing_answers_are_all_asked_for_and_waited_for);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
