/*
 * Complete record-routed calls that use more of the stack than the plain one,
 * for callgrind: each kind is dumped as a whole under its name.
 * tests/bench/instructions runs it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "calls.h"

#include <valgrind/callgrind.h>

enum { CALLS = 200 };

static int measuring;

static void toggle(void)
{
    if (measuring)
        CALLGRIND_TOGGLE_COLLECT;
}

typedef struct feature {
    const char *name;
    const char *uris[BENCH_TARGETS + 1];
    int32_t forking; /* a srf_forking_t */
    uint8_t follow_redirects;
    /* From the INVITE to the 200, of one round of calls. */
    void (*set_up)(bench_t *bench);
    unsigned to_target; /* datagrams of a call */
    unsigned to_caller;
} feature_t;

/* ---- ways to a 200 ---- */

static const char *invite_of(const bench_t *bench, unsigned call,
                             unsigned target)
{
    return bench->trunks[call].invite[target];
}

static void answer_all(bench_t *bench, unsigned target, const char *status,
                       const char *lines)
{
    int with_sdp = strncmp(status, "200", 3) == 0;

    for (unsigned i = 0; i < CALLS; i++)
        bench_answer(bench, i, invite_of(bench, i, target), status, lines,
                     with_sdp);
    bench_run(bench, 20);
}

static void set_up_plain(bench_t *bench)
{
    answer_all(bench, 0, "180 Ringing", "");
    answer_all(bench, 0, "200 OK", "");
}

static void set_up_failover(bench_t *bench)
{
    answer_all(bench, 0, "503 Service Unavailable", "");
    answer_all(bench, 1, "180 Ringing", "");
    answer_all(bench, 1, "200 OK", "");
}

static void set_up_redirect(bench_t *bench)
{
    answer_all(bench, 0, "302 Moved Temporarily",
               "Contact: <sip:bob@192.0.2.20:5081>\r\n");
    answer_all(bench, 1, "180 Ringing", "");
    answer_all(bench, 1, "200 OK", "");
}

/* The first answers; the others are cancelled. */
static void set_up_fork(bench_t *bench)
{
    for (unsigned target = 0; target < BENCH_TARGETS; target++)
        answer_all(bench, target, "180 Ringing", "");
    answer_all(bench, 0, "200 OK", "");
    for (unsigned target = 1; target < BENCH_TARGETS; target++) {
        for (unsigned i = 0; i < CALLS; i++)
            bench_answer(bench, i, bench->trunks[i].out[target], "200 OK", "",
                         0);
        answer_all(bench, target, "487 Request Terminated", "");
    }
}

static const feature_t features[] = {
    {"plain",
     {"sip:192.0.2.20:5080"},
     SRF_FORKING_SEQUENTIAL,
     0,
     set_up_plain,
     3,
     4},
    {"DNS name at hand, two servers",
     {"sip:servers.example.com"},
     SRF_FORKING_SEQUENTIAL,
     0,
     set_up_plain,
     3,
     4},
    {"first target answers 503",
     {"sip:192.0.2.20:5080", "sip:192.0.2.20:5081"},
     SRF_FORKING_SEQUENTIAL,
     0,
     set_up_failover,
     5,
     4},
    {"redirect that is followed",
     {"sip:192.0.2.20:5080"},
     SRF_FORKING_SEQUENTIAL,
     1,
     set_up_redirect,
     5,
     4},
    {"simultaneous fork of 4",
     {"sip:192.0.2.20:5080", "sip:192.0.2.20:5081", "sip:192.0.2.20:5082",
      "sip:192.0.2.20:5083"},
     SRF_FORKING_SIMULTANEOUS,
     0,
     set_up_fork,
     12,
     7},
};

/* ---- names ---- */

static srf__records_t *create_records(uint16_t type, unsigned count)
{
    srf__records_t *records =
        srf__records_empty(type, SRF__ANSWER_FOUND, UINT32_MAX - 1);

    bench_check(records != NULL, "out of memory");
    records->count = count;
    records->list =
        srf__arena_alloc(&records->arena, count * sizeof(srf__record_t));
    bench_check(records->list != NULL, "out of memory");
    memset(records->list, 0, count * sizeof(srf__record_t));
    return records;
}

/* What DNS would say, at once. */
static srf__records_t *know(void *arg, const char *name, uint16_t type)
{
    srf__records_t *records = create_records(type, type == SRF__RR_SRV ? 2 : 1);
    srf__record_t *record = records->list;

    (void)arg;
    (void)name;
    switch (type) {
    case SRF__RR_NAPTR:
        record->flags = "s";
        record->service = "SIP+D2U";
        record->host = "_sip._udp.servers.example.com";
        break;
    case SRF__RR_SRV:
        record[0] = (srf__record_t){
            .first = 1, .port = 5080, .host = "one.servers.example.com"};
        record[1] = (srf__record_t){
            .first = 2, .port = 5081, .host = "two.servers.example.com"};
        break;
    case SRF__RR_A:
        memcpy(record->ip, "\xc0\x00\x02\x14", 4);
        break;
    default:
        bench_check(0, "unexpected question");
    }
    return records;
}

static int ask(void *arg, const char *name, uint16_t type, srf__dns_cb cb,
               void *cb_arg)
{
    (void)arg;
    (void)type;
    (void)cb;
    (void)cb_arg;
    fprintf(stderr, "%s is asked for\n", name);
    return SRF_ERR_NO_MEMORY;
}

static void add_resolver(bench_t *bench)
{
    const srf__resolver_env_t env = {
        .wheel = &bench->wheel,
        .random = &bench->srf->element.random,
        .ask = ask,
        .know = know,
        .cache = {.entries = 100, .max_ttl_s = UINT32_MAX - 1},
        .dead_ms = 30000,
    };

    bench_check(srf__resolver_create(&env, &bench->srf->element.resolver) == 0,
                "no resolver");
}

/* ---- calls ---- */

static void run_calls(bench_t *bench, const feature_t *feature)
{
    bench->round++;
    for (unsigned i = 0; i < CALLS; i++)
        bench_invite(bench, i);
    bench_run(bench, 20);
    feature->set_up(bench);
    bench_run(bench, 3000);
    for (unsigned i = 0; i < CALLS; i++)
        bench_follow(bench, i, "ACK", 1);
    bench_run(bench, 10000);
    for (unsigned i = 0; i < CALLS; i++)
        bench_follow(bench, i, "BYE", 2);
    bench_run(bench, 20);
    for (unsigned i = 0; i < CALLS; i++)
        bench_reply(bench, i, "200 OK", 0);
    bench_run(bench, 300000);
    bench_expect(bench, feature->to_target, feature->to_caller);
    bench_check_idle(bench);
}

static void measure(const feature_t *feature)
{
    bench_t *bench = bench_create(CALLS, toggle, toggle);

    bench->trunks = calloc(CALLS, sizeof(*bench->trunks));
    bench_check(bench->trunks != NULL, "out of memory");
    bench->uris = feature->uris;
    bench->options.forking = feature->forking;
    bench->options.follow_redirects = feature->follow_redirects;
    add_resolver(bench);
    run_calls(bench, feature);
    measuring = 1;
    run_calls(bench, feature);
    CALLGRIND_DUMP_STATS_AT(feature->name);
    measuring = 0;
    bench_check(bench->done == 2 * CALLS, "a callback is missing");
    bench_destroy(bench);
}

int main(void)
{
    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
        measure(&features[i]);
    printf("calls %d\n", CALLS);
    return EXIT_SUCCESS;
}
