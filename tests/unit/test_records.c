/*
 * DNS answers, good and bad.
 *
 * SPDX-License-Identifier: MIT
 */
#include "resolver/records.h"

#include "dns_message.h"
#include "runner.h"

#include <stdio.h>

static dns_message_t message;

static srf__records_t *read_as(const char *name, uint16_t type)
{
    srf__records_t *records =
        srf__records_read(message.data, message.len, name, type);

    ck_assert_ptr_nonnull(records);
    ck_assert_uint_eq(records->type, type);
    return records;
}

/* In a block of its own, so that reading behind it is found; cut at `len`. */
static srf__records_t *read_cut(size_t len, const char *name, uint16_t type)
{
    unsigned char *copy = malloc(len + 1);

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, message.data, len);
    srf__records_t *records = srf__records_read(copy, len, name, type);
    free(copy);
    ck_assert_ptr_nonnull(records);
    return records;
}

START_TEST(addresses_are_read_with_the_shortest_time)
{
    dns_begin(&message, 0, "Sip.Example.com", SRF__RR_A);
    dns_a(&message, "@12", 300, 0xc0000201);
    dns_a(&message, "sip.example.COM", 60, 0xc0000202);
    dns_a(&message, "other.example.com", 1, 0xc0000203);
    srf__records_t *records = read_as("sip.example.com", SRF__RR_A);
    ck_assert_int_eq(records->answer, SRF__ANSWER_FOUND);
    ck_assert_uint_eq(records->count, 2);
    ck_assert_uint_eq(records->ttl_s, 60);
    ck_assert_mem_eq(records->list[0].ip, "\xc0\x00\x02\x01", 4);
    ck_assert_mem_eq(records->list[1].ip, "\xc0\x00\x02\x02", 4);
    srf__records_free(records);
}
END_TEST

START_TEST(a_chain_of_cnames_is_followed)
{
    dns_begin(&message, 0, "a.example.com", SRF__RR_A);
    dns_a(&message, "c.example.com", 300, 0xc0000201);
    dns_cname(&message, "b.example.com", 20, "c.example.com");
    dns_cname(&message, "a.example.com", 100, "B.example.com");
    srf__records_t *records = read_as("a.example.com", SRF__RR_A);
    ck_assert_uint_eq(records->count, 1);
    ck_assert_uint_eq(records->ttl_s, 20);
    srf__records_free(records);
}
END_TEST

START_TEST(a_loop_of_cnames_is_no_answer)
{
    dns_begin(&message, 0, "a.example.com", SRF__RR_A);
    dns_cname(&message, "a.example.com", 100, "b.example.com");
    dns_cname(&message, "b.example.com", 100, "a.example.com");
    srf__records_t *records = read_as("a.example.com", SRF__RR_A);
    ck_assert_int_eq(records->answer, SRF__ANSWER_FAILED);
    srf__records_free(records);
}
END_TEST

START_TEST(a_cname_to_nowhere_is_no_record)
{
    dns_begin(&message, 0, "a.example.com", SRF__RR_A);
    dns_cname(&message, "a.example.com", 100, "b.example.com");
    dns_soa(&message, "example.com", 500, 30);
    srf__records_t *records = read_as("a.example.com", SRF__RR_A);
    ck_assert_int_eq(records->answer, SRF__ANSWER_NO_RECORD);
    ck_assert_uint_eq(records->ttl_s, 30);
    srf__records_free(records);
}
END_TEST

/* It may lead to another name sooner than one appears at the end of it. */
START_TEST(a_cname_to_nowhere_holds_no_longer_than_itself)
{
    dns_begin(&message, 3, "a.example.com", SRF__RR_A);
    dns_cname(&message, "a.example.com", 5, "b.example.com");
    dns_soa(&message, "example.com", 500, 30);
    srf__records_t *records = read_as("a.example.com", SRF__RR_A);
    ck_assert_int_eq(records->answer, SRF__ANSWER_NO_NAME);
    ck_assert_uint_eq(records->ttl_s, 5);
    srf__records_free(records);
}
END_TEST

START_TEST(servers_are_read)
{
    static const unsigned one[3] = {10, 60, 5060};
    static const unsigned two[3] = {20, 0, 5080};

    dns_begin(&message, 0, "_sip._udp.example.com", SRF__RR_SRV);
    dns_srv(&message, "@12", 100, one, "a.example.com");
    dns_srv(&message, "@12", 100, two, "");
    srf__records_t *records = read_as("_sip._udp.example.com", SRF__RR_SRV);
    ck_assert_uint_eq(records->count, 2);
    ck_assert_uint_eq(records->list[0].first, 10);
    ck_assert_uint_eq(records->list[0].second, 60);
    ck_assert_uint_eq(records->list[0].port, 5060);
    ck_assert_str_eq(records->list[0].host, "a.example.com");
    ck_assert_str_eq(records->list[1].host, "");
    srf__records_free(records);
}
END_TEST

static void add_naptr(const char *regexp)
{
    size_t at = dns_record(&message, false, "@12", SRF__RR_NAPTR, 100);

    dns_u16(&message, 50);
    dns_u16(&message, 51);
    dns_string(&message, "s");
    dns_string(&message, "SIPS+D2T");
    dns_string(&message, regexp);
    dns_name(&message, "_sips._tcp.example.com");
    dns_end_record(&message, at);
}

START_TEST(naming_authority_pointers_are_read)
{
    dns_begin(&message, 0, "example.com", SRF__RR_NAPTR);
    add_naptr("");
    add_naptr("!^.*$!sip:x@example.com!");
    srf__records_t *records = read_as("example.com", SRF__RR_NAPTR);
    ck_assert_uint_eq(records->count, 2);
    ck_assert_uint_eq(records->list[0].first, 50);
    ck_assert_uint_eq(records->list[0].second, 51);
    ck_assert_str_eq(records->list[0].flags, "s");
    ck_assert_str_eq(records->list[0].service, "SIPS+D2T");
    ck_assert_str_eq(records->list[0].host, "_sips._tcp.example.com");
    ck_assert(!records->list[0].has_regexp);
    ck_assert(records->list[1].has_regexp);
    srf__records_free(records);
}
END_TEST

/* RFC 2308 §5: the smaller of the SOA's own time and its minimum. */
START_TEST(nothing_holds_as_long_as_the_zone_says)
{
    static const struct {
        unsigned rcode;
        srf__answer_t answer;
        uint32_t ttl_s;
        uint32_t minimum;
        uint32_t expected;
    } cases[] = {
        {3, SRF__ANSWER_NO_NAME, 900, 60, 60},
        {3, SRF__ANSWER_NO_NAME, 30, 60, 30},
        {0, SRF__ANSWER_NO_RECORD, 900, 60, 60},
        {2, SRF__ANSWER_FAILED, 900, 60, UINT32_MAX},
        {5, SRF__ANSWER_FAILED, 900, 60, UINT32_MAX},
    };

    dns_begin(&message, cases[_i].rcode, "x.example.com", SRF__RR_A);
    dns_soa(&message, "example.com", cases[_i].ttl_s, cases[_i].minimum);
    srf__records_t *records = read_as("x.example.com", SRF__RR_A);
    ck_assert_int_eq(records->answer, cases[_i].answer);
    ck_assert_uint_eq(records->ttl_s, cases[_i].expected);
    ck_assert_uint_eq(records->count, 0);
    srf__records_free(records);
}
END_TEST

START_TEST(a_time_beyond_all_bounds_is_none)
{
    dns_begin(&message, 0, "x.example.com", SRF__RR_A);
    dns_a(&message, "@12", 0x80000000u, 1);
    srf__records_t *records = read_as("x.example.com", SRF__RR_A);
    ck_assert_uint_eq(records->count, 1);
    ck_assert_uint_eq(records->ttl_s, 0);
    srf__records_free(records);
}
END_TEST

START_TEST(records_are_limited)
{
    dns_begin(&message, 0, "x.example.com", SRF__RR_A);
    for (unsigned i = 0; i < 500; i++)
        dns_a(&message, "@12", 100, i);
    srf__records_t *records = read_as("x.example.com", SRF__RR_A);
    ck_assert_int_eq(records->answer, SRF__ANSWER_FOUND);
    ck_assert_uint_eq(records->count, SRF__RECORDS_MAX);
    srf__records_free(records);
}
END_TEST

START_TEST(an_answer_that_is_cut_is_no_answer)
{
    static const unsigned one[3] = {10, 60, 5060};

    dns_begin(&message, 0, "example.com", SRF__RR_NAPTR);
    add_naptr("");
    dns_srv(&message, "_sip._udp.example.com", 100, one, "a.example.com");
    dns_a(&message, "@12", 100, 1);
    size_t len = message.len;
    for (size_t cut = 0; cut < len; cut++) {
        const uint16_t types[] = {SRF__RR_A, SRF__RR_SRV, SRF__RR_NAPTR,
                                  SRF__RR_AAAA};
        for (unsigned i = 0; i < 4; i++) {
            srf__records_t *records = read_cut(cut, "example.com", types[i]);
            ck_assert_int_eq(records->answer, SRF__ANSWER_FAILED);
            srf__records_free(records);
        }
    }
    srf__records_t *records = read_cut(len, "example.com", SRF__RR_A);
    ck_assert_int_eq(records->answer, SRF__ANSWER_FOUND);
    srf__records_free(records);
}
END_TEST

/* Each byte changed to some others: whatever comes of it, it is a set. */
START_TEST(whatever_the_bytes_are_nothing_is_read_elsewhere)
{
    static const unsigned one[3] = {10, 60, 5060};
    static const unsigned char values[] = {0x00, 0x01, 0x3f, 0x40,
                                           0xc0, 0xc1, 0xff};

    dns_begin(&message, 0, "example.com", SRF__RR_SRV);
    dns_srv(&message, "@12", 100, one, "a.example.com");
    add_naptr("x");
    dns_cname(&message, "example.com", 5, "@12");
    dns_soa(&message, "example.com", 5, 5);
    for (size_t at = 0; at < message.len; at++) {
        unsigned char kept = message.data[at];
        for (unsigned i = 0; i < sizeof(values); i++) {
            message.data[at] = values[i];
            srf__records_free(
                read_cut(message.len, "example.com", SRF__RR_SRV));
            srf__records_free(
                read_cut(message.len, "example.com", SRF__RR_NAPTR));
        }
        message.data[at] = kept;
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("records");
    TCase *tcase = tcase_create("answers");

    tcase_add_test(tcase, addresses_are_read_with_the_shortest_time);
    tcase_add_test(tcase, a_chain_of_cnames_is_followed);
    tcase_add_test(tcase, a_loop_of_cnames_is_no_answer);
    tcase_add_test(tcase, a_cname_to_nowhere_is_no_record);
    tcase_add_test(tcase, a_cname_to_nowhere_holds_no_longer_than_itself);
    tcase_add_test(tcase, servers_are_read);
    tcase_add_test(tcase, naming_authority_pointers_are_read);
    tcase_add_loop_test(tcase, nothing_holds_as_long_as_the_zone_says, 0, 5);
    tcase_add_test(tcase, a_time_beyond_all_bounds_is_none);
    tcase_add_test(tcase, records_are_limited);
    tcase_add_test(tcase, an_answer_that_is_cut_is_no_answer);
    tcase_add_test(tcase, whatever_the_bytes_are_nothing_is_read_elsewhere);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
