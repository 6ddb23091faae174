/*
 * The plain call with many transactions alive, for callgrind: calls come at a
 * steady rate in virtual time until as many end as begin, with their timers all
 * over the wheel. Then a window of time is counted in which every step of a
 * call is taken as often as calls begin. tests/bench/instructions runs it.
 *
 *   bench-scale TRANSACTIONS      one of the scales below
 *
 * It has to be run with --instr-atstart=no: what is before the window is many
 * times as long.
 *
 * SPDX-License-Identifier: MIT
 */
#include "calls.h"

#include <valgrind/callgrind.h>

enum {
    /* A turn of the wheel's lowest level, and of the next one. */
    TURN_MS = 256,
    LONG_TURN_MS = 65536,
    STEADY_MS = 46000, /* longer than anything of a call is alive */
    /* Texts of the same length, whatever the scale. A number is given again, in
     * another round, to a call that begins when there are more of them than
     * calls whose BYE is still to be answered. */
    FIRST = 100000,
    NUMBERS = 130000,
    FIRST_ROUND = 10
};

typedef struct scale {
    unsigned alive;
    unsigned window_ms; /* whole turns */
    unsigned calls;     /* that begin in it */
} scale_t;

/* The transactions of a call live for 107 s, all four taken together: two of
 * the INVITE until 32 s after the 200, those of the BYE for 32 s and 5 s. */
static const scale_t scales[] = {
    {100, 2048 * TURN_MS, 490},
    {10000, 40 * TURN_MS, 956},
    {100000, 4 * TURN_MS, 956},
    {1000000, TURN_MS, 2391},
};

typedef struct step {
    unsigned after_ms; /* of the call's beginning */
    void (*take)(bench_t *bench, unsigned number);
} step_t;

static int measuring;

static void toggle(void)
{
    if (measuring)
        CALLGRIND_TOGGLE_COLLECT;
}

/* ---- a call ---- */

static void ring(bench_t *bench, unsigned number)
{
    bench_reply(bench, number, "180 Ringing", 0);
}

static void answer(bench_t *bench, unsigned number)
{
    bench_reply(bench, number, "200 OK", 1);
}

static void acknowledge(bench_t *bench, unsigned number)
{
    bench_follow(bench, number, "ACK", 1);
}

static void hang_up(bench_t *bench, unsigned number)
{
    bench_follow(bench, number, "BYE", 2);
}

static void answer_bye(bench_t *bench, unsigned number)
{
    bench_reply(bench, number, "200 OK", 0);
}

/* As in bench-call. */
static const step_t steps[] = {
    {0, bench_invite},   {20, ring},       {3020, answer},
    {3040, acknowledge}, {13040, hang_up}, {13060, answer_bye},
};
enum { STEPS = sizeof(steps) / sizeof(steps[0]) };

/* ---- calls at a steady rate ---- */

typedef struct traffic {
    bench_t *bench;
    const scale_t *scale;
    uint64_t begin_ms;
    uint64_t taken[STEPS]; /* calls that have got so far */
} traffic_t;

static uint64_t due_ms(const traffic_t *traffic, unsigned step)
{
    const scale_t *scale = traffic->scale;

    return traffic->begin_ms + steps[step].after_ms +
           traffic->taken[step] * scale->window_ms / scale->calls;
}

static void take_step(traffic_t *traffic, unsigned step)
{
    uint64_t call = traffic->taken[step]++;

    traffic->bench->round = FIRST_ROUND + (unsigned)(call / NUMBERS);
    steps[step].take(traffic->bench, FIRST + (unsigned)(call % NUMBERS));
}

/* What is due up to and with `end_ms`. */
static void run_until(traffic_t *traffic, uint64_t end_ms)
{
    for (;;) {
        uint64_t first = UINT64_MAX;
        unsigned step = 0;
        for (unsigned i = 0; i < STEPS; i++) {
            uint64_t due = due_ms(traffic, i);
            if (due < first) {
                first = due;
                step = i;
            }
        }
        if (first > end_ms)
            break;
        if (first > traffic->bench->wheel.now_ms)
            bench_run(traffic->bench, first - traffic->bench->wheel.now_ms);
        take_step(traffic, step);
    }
    bench_run(traffic->bench, end_ms - traffic->bench->wheel.now_ms);
}

/* ---- the window ---- */

static srf_stats_t look(const bench_t *bench)
{
    srf_stats_t stats = {.size = sizeof(stats)};

    bench_check(srf_stats(bench->srf, &stats) == 0, "no statistics");
    return stats;
}

static unsigned long alive(const srf_stats_t *stats)
{
    return (unsigned long)(stats->server_transactions +
                           stats->client_transactions);
}

/* Complete calls came and went, and nothing else. */
static void check_window(const srf_stats_t *before, const srf_stats_t *after,
                         unsigned calls)
{
    bench_check(
        after->requests_received - before->requests_received == 3ull * calls &&
            after->responses_received - before->responses_received ==
                3ull * calls &&
            after->responses_sent - before->responses_sent == 4ull * calls,
        "not every call has taken every step once");
    bench_check(after->retransmissions_sent == 0 && after->rejected == 0 &&
                    after->overloaded == 0 && after->dropped_unmatched == 0,
                "some calls were no plain ones");
    bench_check(alive(after) == alive(before),
                "not as many transactions ended as began");
}

/* The window ends where a long turn of the wheel does, when whatever is due in
 * the next one moves down a level at once. That is counted for itself: its
 * share is that of the window in the long turn. */
static void measure(const scale_t *scale)
{
    bench_t *bench = bench_create(FIRST + NUMBERS, toggle, toggle);
    uint64_t long_turns = scale->window_ms / LONG_TURN_MS;
    uint64_t end_ms = (2 + long_turns) * LONG_TURN_MS - 1;
    uint64_t begin_ms = end_ms - scale->window_ms;
    traffic_t traffic = {
        .bench = bench, .scale = scale, .begin_ms = begin_ms - STEADY_MS};

    bench->srf->overload.limits.transactions = UINT32_MAX;
    run_until(&traffic, begin_ms);
    srf_stats_t before = look(bench);
    unsigned done = bench->done;
    CALLGRIND_START_INSTRUMENTATION;
    measuring = 1;
    run_until(&traffic, end_ms);
    CALLGRIND_DUMP_STATS_AT("window");
    srf_stats_t after = look(bench);
    bench_run(bench, 1);
    CALLGRIND_DUMP_STATS_AT("turn");
    measuring = 0;
    CALLGRIND_STOP_INSTRUMENTATION;
    check_window(&before, &after, scale->calls);
    bench_check(bench->done - done == scale->calls, "a callback is missing");
    printf("alive %lu\nturn %g\ncalls %u\n", alive(&after),
           long_turns > 0 ? 0. : (double)scale->window_ms / LONG_TURN_MS,
           scale->calls);
    bench_destroy(bench);
}

int main(int argc, char **argv)
{
    unsigned long wanted = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;

    for (size_t i = 0; i < sizeof(scales) / sizeof(scales[0]); i++) {
        if (scales[i].alive != wanted)
            continue;
        measure(&scales[i]);
        return EXIT_SUCCESS;
    }
    fputs("usage: bench-scale 100|10000|100000|1000000\n", stderr);
    return 2;
}
