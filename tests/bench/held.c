/*
 * Heap of calls that are held: ringing, answered, refused; and what is left of
 * it afterwards. tests/bench/memory runs it. With an argument it prints what
 * the structures measure.
 *
 * SPDX-License-Identifier: MIT
 */
#include "calls.h"

#include "core/req.h"

#include <malloc.h>

enum {
    CALLS = 20000,
    RINGING_BUDGET = 2048,
    TRANSACTION_BUDGET = 256,
    LEFT_BUDGET = 16384
};

typedef struct heap {
    size_t used;  /* with what allocator and pool need for themselves */
    size_t asked; /* of the pool, by the library */
} heap_t;

static heap_t heap_now(const bench_t *bench)
{
    struct mallinfo2 info = mallinfo2();
    const srf__pool_t *pool = &bench->srf->element.pool;
    const srf__pool_t *own = &bench->srf->element.txns.own;

    return (heap_t){
        .used = info.uordblks + info.hblkhd +
                (pool->pages + own->pages) * SRF__POOL_PAGE,
        .asked = pool->bytes + own->bytes,
    };
}

/* The library's tables grow with what they hold and are not counted to it. */
static size_t tables(const bench_t *bench)
{
    const srf__txns_t *txns = &bench->srf->element.txns;

    return srf__map_bytes(&txns->servers) +
           txns->slot_count * (sizeof(void *) + sizeof(uint32_t));
}

static int above;

/* A budget of 0: the figure is only told. */
static void row(const char *what, heap_t bytes, double count, double budget)
{
    double used = (double)bytes.used / count;

    printf("  %-38s%8.0f%8.0f", what, used, (double)bytes.asked / count);
    if (budget > 0)
        printf("%8.0f  %s", budget, used <= budget ? "ok" : "ABOVE");
    printf("\n");
    above |= budget > 0 && used > budget;
}

/* What is held beyond the idle stack and its tables. */
static heap_t held(const bench_t *bench, heap_t idle)
{
    heap_t now = heap_now(bench);
    size_t beside = tables(bench);

    return (heap_t){now.used - idle.used - beside, now.asked - idle.asked};
}

static void row_left(bench_t *bench, heap_t idle)
{
    bench_check_idle(bench);
    row("left when all timers have run out", held(bench, idle), 1, LEFT_BUDGET);
}

static void ring(bench_t *bench, heap_t idle)
{
    bench->round++;
    for (unsigned i = 0; i < CALLS; i++)
        bench_invite(bench, i);
    bench_run(bench, 10);
    for (unsigned i = 0; i < CALLS; i++)
        bench_reply(bench, i, "180 Ringing", 0);
    bench_run(bench, 10);
    row("ringing, per call", held(bench, idle), CALLS, RINGING_BUDGET);
}

static void answer(bench_t *bench, heap_t idle)
{
    ring(bench, idle);
    for (unsigned i = 0; i < CALLS; i++)
        bench_reply(bench, i, "200 OK", 1);
    bench_run(bench, 10);
    for (unsigned i = 0; i < CALLS; i++)
        bench_follow(bench, i, "ACK", 1);
    bench_run(bench, 10);
    row("answered (Accepted), per transaction", held(bench, idle), 2 * CALLS,
        TRANSACTION_BUDGET);
    bench_run(bench, 300000);
    bench_expect(bench, 2, 3);
    row_left(bench, idle);
}

static void refuse(bench_t *bench, heap_t idle)
{
    heap_t both;
    heap_t client;

    ring(bench, idle);
    for (unsigned i = 0; i < CALLS; i++)
        bench_reply(bench, i, "486 Busy Here", 0);
    bench_run(bench, 10);
    row("refused, before the ACK, per call", held(bench, idle), CALLS, 0);
    for (unsigned i = 0; i < CALLS; i++)
        bench_ack_refusal(bench, i);
    bench_run(bench, 10);
    both = held(bench, idle);
    /* Timer I ends the server's part first. */
    bench_run(bench, 6000);
    client = held(bench, idle);
    row("Confirmed (server), per transaction",
        (heap_t){both.used - client.used, both.asked - client.asked}, CALLS,
        TRANSACTION_BUDGET);
    row("Completed (client), with its ACK", client, CALLS, 0);
    bench_run(bench, 300000);
    bench_expect(bench, 2, 3);
    row_left(bench, idle);
}

static void hang_up(bench_t *bench, heap_t idle)
{
    bench->round++;
    for (unsigned i = 0; i < CALLS; i++)
        bench_follow(bench, i, "BYE", 2);
    bench_run(bench, 10);
    for (unsigned i = 0; i < CALLS; i++)
        bench_reply(bench, i, "200 OK", 0);
    bench_run(bench, 10);
    row("BYE answered, both transactions", held(bench, idle), CALLS, 0);
    bench_run(bench, 300000);
    bench_expect(bench, 1, 1);
    row_left(bench, idle);
}

static void nothing(void)
{
}

static void print_sizes(void)
{
#define SIZE(type) printf("  %-20s %4zu\n", #type, sizeof(type))
    printf("sizes\n");
    SIZE(srf__server_t);
    SIZE(srf__client_t);
    SIZE(struct srf_req);
    SIZE(srf__context_t);
    SIZE(srf__branch_t);
    SIZE(srf__branch_msg_t);
    SIZE(srf_msg_t);
    SIZE(srf__facts_t);
    SIZE(srf__header_t);
    SIZE(srf__timer_t);
    SIZE(srf__flow_t);
#undef SIZE
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        print_sizes();
        return EXIT_SUCCESS;
    }
    bench_t *bench = bench_create(CALLS, nothing, nothing);
    heap_t idle = heap_now(bench);

    printf("bytes, %d calls held%25s%8s%8s\n", CALLS, "heap", "library",
           "budget");
    answer(bench, idle);
    refuse(bench, idle);
    hang_up(bench, idle);
    bench_check(bench->done == 2 * CALLS, "a callback is missing");
    bench_destroy(bench);
    return above ? EXIT_FAILURE : EXIT_SUCCESS;
}
