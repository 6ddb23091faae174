/*
 * Names of the hosts file, and localhost.
 *
 * SPDX-License-Identifier: MIT
 */
#include "resolver/hosts.h"

#include "runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static srf__wheel_t wheel;
static srf__random_t dice;
static srf__log_t logger;
static srf__hosts_t *hosts;
static char dir[] = "/tmp/srf-hosts-XXXXXX";
static char path[64];
static unsigned lines; /* of the log */

static void on_log(srf_log_level_t level, const srf_log_event_t *event,
                   void *data)
{
    (void)level;
    (void)event;
    (void)data;
    lines++;
}

static void setup(void)
{
    const srf__hosts_env_t env = {
        .file = path, .wheel = &wheel, .random = &dice, .log = &logger};

    memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/hosts", dir);
    lines = 0;
    srf__log_init(&logger, on_log, NULL, SRF_LOG_WARNING);
    srf__wheel_init(&wheel, 5000);
    srf__random_init_seeded(&dice, 1);
    ck_assert_int_eq(srf__hosts_create(&env, &hosts), 0);
}

static void teardown(void)
{
    srf__hosts_destroy(hosts);
    (void)unlink(path);
    (void)rmdir(path);
    (void)rmdir(dir);
}

static void pass(uint64_t ms)
{
    srf__wheel_advance(&wheel, wheel.target_ms + ms);
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void expect_known(const char *name, uint16_t type, unsigned count)
{
    srf__records_t *records = srf__hosts_find(hosts, name, type);

    ck_assert_ptr_nonnull(records);
    ck_assert_int_eq(records->answer,
                     count > 0 ? SRF__ANSWER_FOUND : SRF__ANSWER_NO_RECORD);
    ck_assert_uint_eq(records->count, count);
    srf__records_free(records);
}

static void expect_unknown(const char *name)
{
    ck_assert_ptr_null(srf__hosts_find(hosts, name, SRF__RR_A));
    ck_assert_ptr_null(srf__hosts_find(hosts, name, SRF__RR_AAAA));
}

/* The last byte of the one address. */
static void expect_last(const char *name, unsigned last)
{
    srf__records_t *records = srf__hosts_find(hosts, name, SRF__RR_A);

    ck_assert_ptr_nonnull(records);
    ck_assert_uint_eq(records->count, 1);
    ck_assert_uint_eq(records->list[0].ip[3], last);
    srf__records_free(records);
}

/* RFC 6761 §6.3. */
START_TEST(localhost_is_here)
{
    expect_known("localhost", SRF__RR_A, 1);
    expect_known("localhost.", SRF__RR_AAAA, 1);
    expect_known("sip.localhost", SRF__RR_A, 1);
    expect_known("localhost", SRF__RR_NAPTR, 0);
    expect_known("_sip._udp.localhost", SRF__RR_SRV, 0);
    expect_unknown("mylocalhost");
    expect_unknown("a.example.com");
    ck_assert_ptr_null(srf__hosts_find(hosts, "_sip", SRF__RR_SRV));
}
END_TEST

START_TEST(a_name_has_the_addresses_of_all_its_lines)
{
    write_file("# 192.0.2.9 nobody\n"
               "192.0.2.1\tGW.example.com gw # alias\r\n"
               "\n"
               "not-an-address x.example.com\n"
               "192.0.2.2  gw.example.com\n"
               "2001:db8::1 gw.example.com six.example.com\n"
               "192.0.2.3 last.example.com");
    expect_known("gw.example.com", SRF__RR_A, 2);
    expect_known("gw.example.com", SRF__RR_AAAA, 1);
    expect_known("gw.example.com", SRF__RR_NAPTR, 0);
    expect_known("_sip._udp.gw.example.com", SRF__RR_SRV, 0);
    expect_known("six.example.com", SRF__RR_A, 0);
    expect_last("gw", 1);
    expect_last("last.example.com", 3);
    expect_unknown("nobody");
    expect_unknown("alias");
    expect_unknown("x.example.com");
}
END_TEST

START_TEST(the_file_is_read_once_however_many_names_are_looked_for)
{
    char name[40];

    write_file("192.0.2.1 gw.example.com\n");
    for (unsigned i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof(name), "h%u.example.com", i);
        expect_unknown(name);
        pass(20);
    }
    expect_last("gw.example.com", 1);
    ck_assert_uint_eq(srf__hosts_readings(hosts), 1);
}
END_TEST

START_TEST(a_change_is_seen_within_a_second)
{
    write_file("192.0.2.1 gw.example.com\n");
    expect_last("gw.example.com", 1);
    write_file("192.0.2.22 gw.example.com\n");
    pass(SRF__HOSTS_CHECK_MS - 1);
    expect_last("gw.example.com", 1);
    pass(1);
    expect_last("gw.example.com", 22);
    ck_assert_uint_eq(srf__hosts_readings(hosts), 2);
    ck_assert_int_eq(unlink(path), 0);
    pass(SRF__HOSTS_CHECK_MS);
    expect_unknown("gw.example.com");
    ck_assert_uint_eq(lines, 0);
}
END_TEST

/* What is no file, or may not be read, takes nothing away. */
START_TEST(what_cannot_be_read_leaves_what_was_read_and_is_said_once)
{
    write_file("192.0.2.1 gw.example.com\n");
    expect_last("gw.example.com", 1);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    for (unsigned i = 0; i < 5; i++) {
        pass(SRF__HOSTS_CHECK_MS);
        expect_last("gw.example.com", 1);
    }
    ck_assert_uint_eq(lines, 1);
}
END_TEST

START_TEST(a_file_that_never_ends_is_read_in_part)
{
    FILE *file = fopen(path, "w");
    unsigned written = 0;

    ck_assert_ptr_nonnull(file);
    (void)fputs("192.0.2.1 first.example.com\n", file);
    while (written < SRF__HOSTS_BYTES)
        written += (unsigned)fprintf(file, "192.0.2.2 same.example.com\n");
    (void)fputs("192.0.2.3 behind.example.com\n", file);
    ck_assert_int_eq(fclose(file), 0);
    expect_last("first.example.com", 1);
    expect_known("same.example.com", SRF__RR_A, SRF__RECORDS_MAX);
    expect_unknown("behind.example.com");
    ck_assert_uint_eq(lines, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hosts");
    TCase *tcase = tcase_create("hosts");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, localhost_is_here);
    tcase_add_test(tcase, a_name_has_the_addresses_of_all_its_lines);
    tcase_add_test(tcase,
                   the_file_is_read_once_however_many_names_are_looked_for);
    tcase_add_test(tcase, a_change_is_seen_within_a_second);
    tcase_add_test(tcase,
                   what_cannot_be_read_leaves_what_was_read_and_is_said_once);
    tcase_add_test(tcase, a_file_that_never_ends_is_read_in_part);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
