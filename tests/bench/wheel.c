/*
 * What a restart of a timer costs with few and with many timers alive; prints
 * nanoseconds and judges nothing.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/wheel.h"
#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { RESTARTS = 4 * 1000 * 1000, INDICES = 1 << 16 };

static void ignore(srf__timer_t *timer)
{
    (void)timer;
}

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Restarts timers in a random order: with many of them each one is a miss of
 * the caches, as it is in a proxy. `advance` lets a millisecond pass for every
 * 1000 of them, so that cascading is paid for as well. */
static double restart_ns(srf__wheel_t *wheel, srf__timer_t *timers,
                         uint32_t count, int advance)
{
    static uint32_t indices[INDICES];
    static uint32_t delays[INDICES];
    srf__random_t random;

    srf__random_init_seeded(&random, count);
    for (uint32_t i = 0; i < INDICES; i++) {
        indices[i] = srf__random_u32(&random) % count;
        delays[i] = 500 + srf__random_u32(&random) % 180000;
    }
    for (uint32_t i = 0; i < count; i++)
        srf__timer_start(wheel, &timers[i], delays[i % INDICES], ignore);

    double begin = now_ns();
    for (uint32_t i = 0; i < RESTARTS; i++) {
        uint32_t at = i % INDICES;
        /* Another order of the same indices in each round. */
        uint32_t which = (indices[at] + i / INDICES * 7919u) % count;
        srf__timer_start(wheel, &timers[which], delays[at], ignore);
        if (advance && i % 1000 == 999)
            srf__wheel_advance(wheel, wheel->now_ms + 1);
    }
    return (now_ns() - begin) / RESTARTS;
}

int main(void)
{
    static const uint32_t counts[] = {1000, 100000, 1000000};
    static srf__wheel_t wheel;

    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
        double ns[2];
        for (int advance = 0; advance < 2; advance++) {
            srf__timer_t *timers = calloc(counts[i], sizeof(*timers));
            if (timers == NULL)
                return EXIT_FAILURE;
            srf__wheel_init(&wheel, 1);
            ns[advance] = restart_ns(&wheel, timers, counts[i], advance);
            free(timers);
        }
        printf("%8u timers: %6.1f ns per restart, %6.1f ns with time passing\n",
               (unsigned)counts[i], ns[0], ns[1]);
    }
    return EXIT_SUCCESS;
}
