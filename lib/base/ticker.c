/*
 * The ticker. What is due now waits for a uv_timer_t, anything later on Linux
 * for a timerfd: a uv_timer_t that runs is a timeout of each epoll_wait(2),
 * which the kernel sets up and takes down again with every wake-up, eight
 * microseconds of a call at 2,000 calls/s.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/ticker.h"

#include "base/alloc.h"
#include "base/error.h"

#if defined(__linux__)
# include <sys/timerfd.h>
# include <unistd.h>
#endif

#include <uv.h>

struct srf__ticker {
    srf__wheel_t wheel; /* first: a wheel's ticker is found by it */
    uv_timer_t timer;
    uv_poll_t poll;  /* of the alarm */
    int alarm;       /* a timerfd; -1: there is none */
    uint64_t set_ms; /* when it goes off; UINT64_MAX: not at all */
    bool turning;
    unsigned open; /* handles */
    void (*closed_cb)(void *);
    void *closed_data;
};

static void arm(srf__ticker_t *ticker);

static void turn(srf__ticker_t *ticker)
{
    ticker->turning = true;
    srf__wheel_enter(&ticker->wheel);
    srf__wheel_advance(&ticker->wheel, uv_now(ticker->timer.loop));
    srf__wheel_leave(&ticker->wheel);
    ticker->turning = false;
    arm(ticker);
}

static void on_timer(uv_timer_t *timer)
{
    turn(timer->data);
}

/* ---- the alarm ---- */

#if defined(__linux__)
/* At that time by the clock of uv_now(), which may be a millisecond behind. */
static bool set_alarm(srf__ticker_t *ticker, uint64_t at_ms)
{
    struct itimerspec spec = {.it_value = {.tv_sec = 0}};

    if (ticker->alarm < 0)
        return false;
    if (ticker->set_ms == at_ms)
        return true;
    if (at_ms != UINT64_MAX) {
        spec.it_value.tv_sec = (time_t)((at_ms + 1) / 1000);
        spec.it_value.tv_nsec = (long)((at_ms + 1) % 1000 * 1000000);
    }
    if (timerfd_settime(ticker->alarm, TFD_TIMER_ABSTIME, &spec, NULL) != 0)
        return false;
    ticker->set_ms = at_ms;
    /* Only a timer that runs keeps the loop alive. */
    if (at_ms == UINT64_MAX)
        uv_unref((uv_handle_t *)&ticker->poll);
    else
        uv_ref((uv_handle_t *)&ticker->poll);
    return true;
}

static void on_alarm(uv_poll_t *poll, int status, int events)
{
    srf__ticker_t *ticker = poll->data;
    uint64_t count;

    (void)status;
    (void)events;
    /* It may have been set anew since it went off. */
    if (read(ticker->alarm, &count, sizeof(count)) == sizeof(count))
        ticker->set_ms = UINT64_MAX - 1; /* no time it could be set to */
    turn(ticker);
}

/* Without it the timer of libuv does. */
static void open_alarm(srf__ticker_t *ticker, struct uv_loop_s *loop)
{
    ticker->set_ms = UINT64_MAX;
    ticker->alarm = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (ticker->alarm < 0)
        return;
    if (uv_poll_init(loop, &ticker->poll, ticker->alarm) != 0) {
        (void)close(ticker->alarm);
        ticker->alarm = -1;
        return;
    }
    ticker->open++;
    ticker->poll.data = ticker;
    (void)uv_poll_start(&ticker->poll, UV_READABLE, on_alarm);
    uv_unref((uv_handle_t *)&ticker->poll);
}

static void close_alarm(const srf__ticker_t *ticker)
{
    if (ticker->alarm >= 0)
        (void)close(ticker->alarm);
}
#else
static bool set_alarm(srf__ticker_t *ticker, uint64_t at_ms)
{
    (void)ticker;
    (void)at_ms;
    return false;
}

static void open_alarm(srf__ticker_t *ticker, struct uv_loop_s *loop)
{
    (void)loop;
    ticker->alarm = -1;
}

static void close_alarm(const srf__ticker_t *ticker)
{
    (void)ticker;
}
#endif

/* ---- the next time that matters ---- */

static void arm(srf__ticker_t *ticker)
{
    uint64_t next = srf__wheel_next(&ticker->wheel);
    uint64_t now = uv_now(ticker->timer.loop);

    if (uv_is_closing((const uv_handle_t *)&ticker->timer))
        return;
    ticker->wheel.armed_ms = next;
    if (next > now && set_alarm(ticker, next))
        uv_timer_stop(&ticker->timer);
    else if (next == UINT64_MAX)
        uv_timer_stop(&ticker->timer);
    else
        uv_timer_start(&ticker->timer, on_timer, next > now ? next - now : 0,
                       0);
}

static void on_changed(srf__wheel_t *wheel)
{
    srf__ticker_t *ticker = (srf__ticker_t *)wheel;

    if (!ticker->turning) /* else it is armed when the turn ends */
        arm(ticker);
}

/* uv_now() stands still from one turn of the loop to the next, and nobody turns
 * it before uv_run(), or while another loop that it lies in has nothing for it:
 * a timer that counted from there would be due at once. */
static uint64_t loop_time(srf__wheel_t *wheel)
{
    srf__ticker_t *ticker = (srf__ticker_t *)wheel;

    if (wheel->inside == 0)
        uv_update_time(ticker->timer.loop);
    return uv_now(ticker->timer.loop);
}

/* ---- life ---- */

int srf__ticker_create(srf__ticker_t **out, struct uv_loop_s *loop)
{
    srf__ticker_t *ticker = srf__calloc(1, sizeof(*ticker));

    *out = NULL;
    if (ticker == NULL)
        return SRF_ERR_NO_MEMORY;
    int err = uv_timer_init(loop, &ticker->timer);
    if (err != 0) {
        srf__free(ticker);
        return err;
    }
    ticker->open = 1;
    ticker->timer.data = ticker;
    open_alarm(ticker, loop);
    srf__wheel_init(&ticker->wheel, uv_now(loop));
    ticker->wheel.changed = on_changed;
    ticker->wheel.clock = loop_time;
    ticker->wheel.coarse = true;
    *out = ticker;
    return 0;
}

srf__wheel_t *srf__ticker_wheel(srf__ticker_t *ticker)
{
    return &ticker->wheel;
}

static void on_closed(uv_handle_t *handle)
{
    srf__ticker_t *ticker = handle->data;
    void (*cb)(void *) = ticker->closed_cb;
    void *data = ticker->closed_data;

    if (--ticker->open > 0)
        return;
    close_alarm(ticker);
    srf__free(ticker);
    if (cb != NULL)
        cb(data);
}

void srf__ticker_destroy(srf__ticker_t *ticker, void (*cb)(void *), void *data)
{
    ticker->closed_cb = cb;
    ticker->closed_data = data;
    uv_close((uv_handle_t *)&ticker->timer, on_closed);
    if (ticker->alarm >= 0)
        uv_close((uv_handle_t *)&ticker->poll, on_closed);
}
