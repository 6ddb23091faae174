/*
 * Random programs against the two oracles: what may be on the wire at all, and
 * a small reference model of the proxy.
 *
 * SRF_MODEL_SEED=n runs one seed and prints what happened; SRF_MODEL_SEEDS=n
 * sets how many are run. Seeds that failed once are kept in seeds.txt; a seed
 * stands for its program as long as generate.c draws in the same order.
 *
 * SPDX-License-Identifier: MIT
 */
#include "generate.h"
#include "reference.h"
#include "runner.h"
#include "wire.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SEEDS = 6000, BLOCK = 100, PRINTED_MAX = 1 };

static unsigned long long running; /* seed */

/* There with a sanitizer, which ends the program in its own way. */
extern void __sanitizer_set_death_callback(void (*callback)(void))
    __attribute__((weak));

/* A crash says which seed it was; only async-signal-safe calls. */
static void name_seed(void)
{
    char text[] = "seed 00000000000000000000 crashed\n";
    unsigned long long seed = running;

    for (char *digit = text + 24; digit > text + 4; digit--) {
        *digit = (char)('0' + seed % 10);
        seed /= 10;
    }
    (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
}

static void on_crash(int number)
{
    name_seed();
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static void watch_crashes(void)
{
    static const int signals[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};

    if (__sanitizer_set_death_callback != NULL) {
        __sanitizer_set_death_callback(name_seed);
        return;
    }
    for (unsigned i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        (void)signal(signals[i], on_crash);
}

static bool run_seed(unsigned long long seed, unsigned steps, bool print)
{
    running = seed;
    trace_t *trace = generate(seed, steps);
    bool good = trace->failure[0] == '\0' && wire_check(trace) &&
                (!trace->exact || reference_check(trace));

    if (print)
        trace_print(trace);
    trace_destroy(trace);
    return good;
}

/* Prints the beginning of a program that fails, without what comes after. */
static void print_failure(unsigned long long seed)
{
    unsigned steps = 1;

    while (steps < STEPS_MAX && run_seed(seed, steps, false))
        steps++;
    printf("the first %u steps of seed %llu\n", steps, seed);
    (void)run_seed(seed, steps, true);
}

static void run_seeds(unsigned long long from, unsigned count)
{
    unsigned failed = 0;

    watch_crashes();
    for (unsigned i = 0; i < count; i++) {
        if (run_seed(from + i, STEPS_MAX, false))
            continue;
        if (++failed <= PRINTED_MAX)
            print_failure(from + i);
        printf("replay with SRF_MODEL_SEED=%llu\n", from + i);
        fflush(stdout);
    }
    ck_assert_msg(failed == 0, "%u of %u seeds failed", failed, count);
}

static unsigned seed_count(void)
{
    const char *wanted = getenv("SRF_MODEL_SEEDS");

    return wanted == NULL ? SEEDS : (unsigned)atoi(wanted);
}

START_TEST(random_programs_agree_with_the_model)
{
    unsigned left = seed_count() - (unsigned)_i * BLOCK;

    run_seeds(1 + (unsigned long long)_i * BLOCK, left < BLOCK ? left : BLOCK);
}
END_TEST

START_TEST(seeds_that_failed_once_agree_with_the_model)
{
    char path[500];
    unsigned long long seed;

    const char *data = getenv("SRF_TEST_DATA");

    (void)snprintf(path, sizeof(path), "%s/model/seeds.txt",
                   data == NULL ? "tests" : data);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    while (fscanf(file, "%llu%*[^\n]", &seed) == 1)
        run_seeds(seed, 1);
    fclose(file);
}
END_TEST

START_TEST(the_seed_asked_for_agrees_with_the_model)
{
    unsigned long long seed = strtoull(getenv("SRF_MODEL_SEED"), NULL, 10);

    watch_crashes();
    ck_assert_msg(run_seed(seed, STEPS_MAX, true), "seed %llu failed", seed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model");
    TCase *tcase = tcase_create("model");

    tcase_set_timeout(tcase, 0);
    if (getenv("SRF_MODEL_SEED") != NULL) {
        tcase_add_test(tcase, the_seed_asked_for_agrees_with_the_model);
    } else {
        int blocks = (int)((seed_count() + BLOCK - 1) / BLOCK);
        tcase_add_test(tcase, seeds_that_failed_once_agree_with_the_model);
        tcase_add_loop_test(tcase, random_programs_agree_with_the_model, 0,
                            blocks);
    }
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
