/*
 * The ticker.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/ticker.h"

#include "base/alloc.h"
#include "base/error.h"

#include <uv.h>

struct srf__ticker {
    srf__wheel_t wheel; /* first: a wheel's ticker is found by it */
    uv_timer_t timer;
    bool turning;
    void (*closed_cb)(void *);
    void *closed_data;
};

static void arm(srf__ticker_t *ticker);

static void on_timer(uv_timer_t *timer)
{
    srf__ticker_t *ticker = timer->data;

    ticker->turning = true;
    srf__wheel_advance(&ticker->wheel, uv_now(timer->loop));
    ticker->turning = false;
    arm(ticker);
}

/* Sets the uv timer to the next time that matters, or stops it. */
static void arm(srf__ticker_t *ticker)
{
    uv_handle_t *handle = (uv_handle_t *)&ticker->timer;
    uint64_t next = srf__wheel_next(&ticker->wheel);
    uint64_t now = uv_now(ticker->timer.loop);

    if (uv_is_closing(handle))
        return;
    ticker->wheel.armed_ms = next;
    if (next == UINT64_MAX)
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

static uint64_t loop_time(srf__wheel_t *wheel)
{
    srf__ticker_t *ticker = (srf__ticker_t *)wheel;

    return uv_now(ticker->timer.loop);
}

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
    ticker->timer.data = ticker;
    srf__wheel_init(&ticker->wheel, uv_now(loop));
    ticker->wheel.changed = on_changed;
    ticker->wheel.clock = loop_time;
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

    srf__free(ticker);
    if (cb != NULL)
        cb(data);
}

void srf__ticker_destroy(srf__ticker_t *ticker, void (*cb)(void *), void *data)
{
    ticker->closed_cb = cb;
    ticker->closed_data = data;
    uv_close((uv_handle_t *)&ticker->timer, on_closed);
}
