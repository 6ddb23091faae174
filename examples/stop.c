/*
 * The end of a program by signals.
 *
 * SPDX-License-Identifier: MIT
 */
#include "stop.h"

#include "output.h"

#include <signal.h>

enum { SIGNALS = 3 };

static struct {
    struct stop_actions actions;
    uv_signal_t handles[SIGNALS];
    size_t handle_count;
    srf_t *srf;
    int signals; /* that came */
    int ending;
} stop;

/* Once the handles are closed a signal has its usual effect; a second one must
 * not turn an end that is as good as reached into another. */
static void hold_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void on_destroyed(void *data)
{
    (void)data; /* of the stack, the program's */
    if (stop.signals < 2)
        hold_signals();
    for (size_t i = 0; i < stop.handle_count; i++)
        uv_close((uv_handle_t *)&stop.handles[i], NULL);
    if (stop.actions.ended != NULL)
        stop.actions.ended(stop.actions.data);
}

void stop_now(void)
{
    if (stop.ending)
        return;
    stop.ending = 1;
    if (stop.actions.ending != NULL)
        stop.actions.ending(stop.actions.data);
    if (stop.srf != NULL)
        srf_destroy(stop.srf, on_destroyed);
    else
        on_destroyed(NULL);
}

static void on_drained(srf_t *srf, int err)
{
    (void)srf;
    if (err == 0) /* else it is being destroyed already */
        stop_now();
}

static void on_signal(uv_signal_t *handle, int number)
{
    if (number == SIGHUP) {
        if (!stop.ending && stop.srf != NULL)
            stop.actions.hangup(stop.actions.data);
        return;
    }
    stop.signals++;
    if (stop.signals == 1 && stop.actions.drains && stop.srf != NULL &&
        srf_drain(stop.srf, on_drained) == 0) {
        output_log("draining");
        return;
    }
    if (stop.signals > 1) /* should the end take too long */
        uv_signal_stop(handle);
    stop_now();
}

int stop_begin(uv_loop_t *loop, const struct stop_actions *actions)
{
    const int numbers[SIGNALS] = {SIGINT, SIGTERM, SIGHUP};
    size_t count = actions->hangup == NULL ? SIGNALS - 1 : SIGNALS;
    int err = 0;

    stop.actions = *actions;
    for (size_t i = 0; i < count && err == 0; i++) {
        err = uv_signal_init(loop, &stop.handles[i]);
        if (err == 0) {
            stop.handle_count++;
            err = uv_signal_start(&stop.handles[i], on_signal, numbers[i]);
        }
    }
    return err;
}

void stop_watch(srf_t *srf)
{
    stop.srf = srf;
}
