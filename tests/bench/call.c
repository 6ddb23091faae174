/*
 * Complete record-routed calls through a stack, for callgrind: the cost of each
 * kind of message is dumped under its name. tests/bench/instructions runs it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "calls.h"

#include <valgrind/callgrind.h>

enum { CALLS = 500 };

static int measuring;

static void toggle(void)
{
    if (measuring)
        CALLGRIND_TOGGLE_COLLECT;
}

static void dump(const char *name)
{
    if (measuring)
        CALLGRIND_DUMP_STATS_AT(name);
}

static void pass(bench_t *bench, uint64_t ms)
{
    bench_run(bench, ms);
    dump("timers");
}

static void run_calls(bench_t *bench, int with_trying)
{
    bench->round++;
    for (unsigned i = 0; i < CALLS; i++)
        bench_invite(bench, i);
    dump("INVITE");
    pass(bench, 20);
    if (with_trying) {
        for (unsigned i = 0; i < CALLS; i++)
            bench_reply(bench, i, "100 Trying", 0);
        dump("100 of the target");
        pass(bench, 20);
    }
    for (unsigned i = 0; i < CALLS; i++)
        bench_reply(bench, i, "180 Ringing", 0);
    dump("180");
    pass(bench, 3000);
    for (unsigned i = 0; i < CALLS; i++)
        bench_reply(bench, i, "200 OK", 1);
    dump("200");
    pass(bench, 20);
    for (unsigned i = 0; i < CALLS; i++)
        bench_follow(bench, i, "ACK", 1);
    dump("ACK");
    pass(bench, 10000);
    for (unsigned i = 0; i < CALLS; i++)
        bench_follow(bench, i, "BYE", 2);
    dump("BYE");
    pass(bench, 20);
    for (unsigned i = 0; i < CALLS; i++)
        bench_reply(bench, i, "200 OK", 0);
    dump("200 of BYE");
    pass(bench, 300000);
    bench_expect(bench, 3, 4);
    bench_check_idle(bench);
}

int main(void)
{
    bench_t *bench = bench_create(CALLS, toggle, toggle);

    /* Tables grow and symbols are bound before it counts. */
    run_calls(bench, 0);
    measuring = 1;
    run_calls(bench, 0);
    dump("end of the call");
    run_calls(bench, 1);
    measuring = 0;
    bench_check(bench->done == 3 * CALLS, "a callback is missing");
    bench_destroy(bench);
    printf("calls %d\n", CALLS);
    return EXIT_SUCCESS;
}
