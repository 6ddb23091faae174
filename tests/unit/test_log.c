/*
 * Log lines.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/log.h"
#include "runner.h"

#include <stdio.h>

static unsigned lines;
static char last[600];
static char last_call_id[200];
static srf_log_level_t last_level;
static uint64_t last_suppressed;
static uint64_t now;

static void on_line(srf_log_level_t level, const srf_log_event_t *event,
                    void *user_data)
{
    ck_assert_ptr_eq(user_data, &lines);
    lines++;
    last_level = level;
    last_suppressed = event->suppressed;
    snprintf(last, sizeof(last), "%s", event->text);
    snprintf(last_call_id, sizeof(last_call_id), "%s",
             event->call_id == NULL ? "" : event->call_id);
}

static uint64_t clock_now(void *arg)
{
    (void)arg;
    return now;
}

static srf__log_t log_at(srf_log_level_t level)
{
    srf__log_t log;

    srf__log_init(&log, on_line, &lines, level);
    log.now_ms = clock_now;
    lines = 0;
    now = 0;
    return log;
}

static const srf__log_context_t nothing = {.module = "test"};

START_TEST(lines_above_the_level_are_not_made)
{
    srf__log_t log = log_at(SRF_LOG_WARNING);

    srf__log_write(&log, SRF_LOG_INFO, &nothing, "no");
    ck_assert_uint_eq(lines, 0);
    srf__log_write(&log, SRF_LOG_ERROR, &nothing, "yes %d", 5);
    ck_assert_uint_eq(lines, 1);
    ck_assert_str_eq(last, "yes 5");
}
END_TEST

START_TEST(without_a_callback_it_is_silent)
{
    srf__log_t log;

    srf__log_init(&log, NULL, NULL, SRF_LOG_TRACE);
    ck_assert(!srf__log_on(&log, SRF_LOG_ERROR));
    srf__log_write(&log, SRF_LOG_ERROR, &nothing, "nobody hears");
}
END_TEST

START_TEST(what_peers_cause_is_a_warning_at_most_and_limited)
{
    srf__log_t log = log_at(SRF_LOG_INFO);

    for (unsigned i = 0; i < 100; i++)
        srf__log_peer(&log, SRF_LOG_ERROR, &nothing, "again");
    ck_assert_uint_eq(lines, SRF__LOG_BURST);
    ck_assert_int_eq(last_level, SRF_LOG_WARNING);
    now = 1000;
    srf__log_peer(&log, SRF_LOG_INFO, &nothing, "later");
    ck_assert_uint_eq(lines, SRF__LOG_BURST + 1);
    ck_assert_uint_eq(last_suppressed, 100 - SRF__LOG_BURST);
}
END_TEST

START_TEST(time_brings_lines_back_up_to_the_burst)
{
    srf__log_t log = log_at(SRF_LOG_INFO);

    for (unsigned i = 0; i < 100; i++)
        srf__log_peer(&log, SRF_LOG_INFO, &nothing, "again");
    now = 3600000;
    for (unsigned i = 0; i < 100; i++)
        srf__log_peer(&log, SRF_LOG_INFO, &nothing, "again");
    ck_assert_uint_eq(lines, 2 * SRF__LOG_BURST);
    for (unsigned i = 0; i < 100; i++)
        srf__log_write(&log, SRF_LOG_INFO, &nothing, "not a peer's");
    ck_assert_uint_eq(lines, 2 * SRF__LOG_BURST + 100);
}
END_TEST

START_TEST(a_long_line_is_cut)
{
    srf__log_t log = log_at(SRF_LOG_INFO);

    srf__log_peer(&log, SRF_LOG_INFO, &nothing, "%2000d", 7);
    ck_assert_uint_gt(strlen(last), 400);
    ck_assert_uint_lt(strlen(last), 600);
}
END_TEST

START_TEST(bytes_of_peers_cannot_forge_lines)
{
    srf__log_t log = log_at(SRF_LOG_INFO);

    srf__log_peer(&log, SRF_LOG_INFO, &nothing, "a%sb", "\r\n\x1b[2J\xff");
    ck_assert_str_eq(last, "a\\x0d\\x0a\\x1b[2J\\xffb");
    srf__log_write(&log, SRF_LOG_INFO, &nothing, "a%s\xc3\xa4", "\xc2\x9b");
    ck_assert_str_eq(last, "a\\u{9b}\xc3\xa4");

    const srf__log_context_t context = {.module = "test",
                                        .call_id = SRF__STR("1\x1b[2J\x7f@a")};
    srf__log_write(&log, SRF_LOG_INFO, &context, "x");
    ck_assert_str_eq(last_call_id, "1\\x1b[2J\\x7f@a");
}
END_TEST

START_TEST(a_call_id_is_told_and_cut_when_long)
{
    srf__log_t log = log_at(SRF_LOG_INFO);
    char id[400];

    memset(id, 'i', sizeof(id));
    const srf__log_context_t context = {.module = "test",
                                        .call_id = srf__str(id, sizeof(id))};
    srf__log_write(&log, SRF_LOG_INFO, &context, "x");
    ck_assert_uint_gt(strlen(last_call_id), 50);
    ck_assert_uint_lt(strlen(last_call_id), sizeof(id));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *tcase = tcase_create("log");

    tcase_add_test(tcase, lines_above_the_level_are_not_made);
    tcase_add_test(tcase, without_a_callback_it_is_silent);
    tcase_add_test(tcase, what_peers_cause_is_a_warning_at_most_and_limited);
    tcase_add_test(tcase, time_brings_lines_back_up_to_the_burst);
    tcase_add_test(tcase, a_long_line_is_cut);
    tcase_add_test(tcase, bytes_of_peers_cannot_forge_lines);
    tcase_add_test(tcase, a_call_id_is_told_and_cut_when_long);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
