/*
 * The messages of tests/torture against a whole stack: a program that proxies
 * all methods, and index.txt there, which says what must become of each.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "world.h"

#include <stdio.h>

enum { LINE_MAX_BYTES = 512, MESSAGE_MAX = 65536 };

static char message[MESSAGE_MAX + 1];
static size_t message_len;

/* What left the proxy, the last of each kind. */
static struct {
    unsigned to_target;
    unsigned to_others;
    char target_data[MESSAGE_MAX + 4096];
    size_t target_len;
    char other_line[128]; /* of the first response sent */
} seen;

static void tap(void *arg, const srf__addr_t *from, const srf__addr_t *to,
                const char *data, size_t len)
{
    srf__addr_t proxy;
    srf__addr_t target;

    (void)arg;
    ck_assert(srf__addr_from_host(&proxy, srf__str_of("10.0.0.1"), 5060,
                                  SRF__TRANSPORT_UDP));
    ck_assert(srf__addr_from_host(&target, srf__str_of("10.0.0.11"), 5060,
                                  SRF__TRANSPORT_UDP));
    if (!srf__addr_eq(from, &proxy))
        return;
    if (srf__addr_eq(to, &target)) {
        seen.to_target++;
        memcpy(seen.target_data, data, len);
        seen.target_len = len;
    } else if (len < 11 || memcmp(data, "SIP/2.0 100", 11) != 0) {
        if (seen.to_others++ == 0)
            snprintf(seen.other_line, sizeof(seen.other_line), "%.*s",
                     (int)(len < 60 ? len : 60), data);
    }
}

static FILE *open_data(const char *name)
{
    const char *root = getenv("SRF_TEST_DATA");
    char path[1024];

    snprintf(path, sizeof(path), "%s/torture/%s", root == NULL ? "tests" : root,
             name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    return file;
}

static void read_case(const char *name)
{
    char file_name[600];

    snprintf(file_name, sizeof(file_name), "%s.sip", name);
    FILE *file = open_data(file_name);
    message_len = fread(message, 1, MESSAGE_MAX, file);
    fclose(file);
    ck_assert_uint_gt(message_len, 0);
    message[message_len] = '\0';
}

/* Cuts the text before " | " (or the line's end) off *rest. */
static char *cut_field(char **rest)
{
    char *field = *rest;
    char *bar = strstr(field, " | ");

    ck_assert_msg(bar != NULL, "too few fields at %s", field);
    *bar = '\0';
    *rest = bar + 3;
    return field;
}

/* The line at `*at`, with its line end; moves on. */
static srf__str_t next_line(const char *data, size_t len, size_t *at)
{
    size_t begin = *at;

    while (*at < len && data[*at] != '\n')
        (*at)++;
    if (*at < len)
        (*at)++;
    return srf__str(data + begin, *at - begin);
}

static bool begins(srf__str_t line, const char *name)
{
    size_t len = strlen(name);

    return line.len >= len &&
           srf__str_ieq(srf__str(line.p, len), srf__str_of(name));
}

/* Lines a proxy may change: its Via on top, marks on the one below, the count
 * of forwards, and routes. */
static bool may_differ(srf__str_t line)
{
    return begins(line, "Via") || begins(line, "v:") || begins(line, "v ") ||
           begins(line, "Max-Forwards") || begins(line, "Route");
}

/* Every line of the message that may not differ stands in what was forwarded,
 * in order, and nothing else but such lines stands between. */
static void check_unchanged(const char *name)
{
    size_t mine = 0;
    size_t sent = 0;

    /* White space before the start line is not part of the message. */
    while (message[mine] == '\r' || message[mine] == '\n')
        mine++;
    size_t first = mine;
    bool folded = false;
    while (mine < message_len) {
        srf__str_t want = next_line(message, message_len, &mine);
        bool fold = want.p[0] == ' ' || want.p[0] == '\t';
        if (want.p == message + first)
            fold = false;
        folded = fold ? folded : may_differ(want);
        if (folded)
            continue;
        srf__str_t got;
        do {
            ck_assert_msg(sent < seen.target_len, "%s: line lost: %.*s", name,
                          (int)want.len, want.p);
            got = next_line(seen.target_data, seen.target_len, &sent);
        } while (!srf__str_eq(got, want) &&
                 (may_differ(got) || got.p[0] == ' ' || got.p[0] == '\t'));
        ck_assert_msg(srf__str_eq(got, want), "%s: %.*s became %.*s", name,
                      (int)want.len, want.p, (int)got.len, got.p);
        if (want.len <= 2 && want.p[0] != ' ') /* the body follows */
            break;
    }
    /* Bytes beyond Content-Length are no part of the message (§18.3). */
    ck_assert_uint_le(seen.target_len - sent, message_len - mine);
    ck_assert_mem_eq(seen.target_data + sent, message + mine,
                     seen.target_len - sent);
}

static void send_message(world_t *world)
{
    srf__addr_t to;

    ck_assert(srf__addr_from_host(&to, srf__str_of("10.0.0.1"), 5060,
                                  SRF__TRANSPORT_UDP));
    mempeer_send(world->caller->peer, &to, message, message_len);
    world_settle(world);
}

static void check_verdict(const char *name, const char *verdict)
{
    char start[32];
    bool response = strncmp(message, "SIP/", 4) == 0;

    if (strcmp(verdict, "drop") == 0 ||
        (response && strcmp(verdict, "forward") == 0)) {
        /* As the file is, the topmost Via of a response is not ours. */
        ck_assert_msg(seen.to_target + seen.to_others == 0, "%s: sent %s", name,
                      seen.to_others > 0 ? seen.other_line : seen.target_data);
    } else if (strcmp(verdict, "forward") == 0) {
        ck_assert_msg(seen.to_target > 0, "%s: not forwarded, but %s", name,
                      seen.to_others > 0 ? seen.other_line : "dropped");
        check_unchanged(name);
    } else {
        snprintf(start, sizeof(start), "SIP/2.0 %s ", verdict);
        ck_assert_msg(seen.to_target == 0, "%s: forwarded", name);
        ck_assert_msg(seen.to_others > 0, "%s: dropped", name);
        ck_assert_msg(strncmp(seen.other_line, start, strlen(start)) == 0,
                      "%s: %s instead of %s", name, seen.other_line, verdict);
    }
}

START_TEST(every_case_meets_what_the_index_says)
{
    FILE *file = open_data("index.txt");
    char line[LINE_MAX_BYTES];
    int cases = 0;

    while (fgets(line, sizeof(line), file) != NULL) {
        char *rest = line;
        if (line[0] == '#' || line[0] == '\n')
            continue;
        const char *name = cut_field(&rest);
        cut_field(&rest);
        cut_field(&rest);
        const char *verdict = cut_field(&rest);
        world_t *world = world_create("10.0.0.11", NULL);
        world->program.options.record_route = 0;
        memset(&seen, 0, sizeof(seen));
        memnet_set_tap(world->net, tap, NULL);
        read_case(name);
        send_message(world);
        check_verdict(name, verdict);
        memnet_set_tap(world->net, NULL, NULL);
        memnet_drain(world->net, 600000);
        world_destroy(world);
        cases++;
    }
    fclose(file);
    ck_assert_int_ge(cases, 49); /* as many as RFC 4475 has */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("torture");
    TCase *tcase = tcase_create("index");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, every_case_meets_what_the_index_says);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
