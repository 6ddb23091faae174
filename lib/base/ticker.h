/*
 * Turns a wheel with one uv_timer_t, armed for the next time that matters and
 * stopped when no timer is alive: an idle stack does not wake up.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TICKER_H
#define SRF_TICKER_H

#include "base/wheel.h"

struct uv_loop_s;

typedef struct srf__ticker srf__ticker_t;

/* Creates a ticker and the wheel in it; 0, SRF_ERR_NO_MEMORY or a libuv
 * error. The wheel's time is uv_now(loop), taken anew outside of
 * srf__wheel_enter() and srf__wheel_leave(). */
int srf__ticker_create(srf__ticker_t **out, struct uv_loop_s *loop);
srf__wheel_t *srf__ticker_wheel(srf__ticker_t *ticker);
/* Stops at once; frees the ticker and calls `cb` from the loop when libuv has
 * let go of the timer. */
void srf__ticker_destroy(srf__ticker_t *ticker, void (*cb)(void *), void *data);

#endif /* SRF_TICKER_H */
