/*
 * Gathering, see gather.h. Datagrams are counted over windows of some ticks.
 * Too few in one: there is nothing to gather; too many: the receive buffer may
 * not hold them.
 *
 * Peers that wait for an answer before they go on would be held up: where
 * much less comes once it is gathered than came before, it is given up, and
 * for twice as long each time.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/gather.h"

#include "base/error.h"

enum {
    WINDOW_TICKS = 8,
    /* Datagrams in a tick that are worth it. */
    FEW = 8,
    /* What a message takes of a receive buffer on Linux, and the share of the
     * buffer that may be filled from tick to tick. */
    MESSAGE_BYTES = 2304,
    SHARE = 4,
    PAUSES_MAX = 1024
};

void srf__gather_init(srf__gather_t *gather, uint32_t tick_ms,
                      unsigned buffer_bytes)
{
    *gather = (srf__gather_t){
        .tick_ms = tick_ms,
        .most = buffer_bytes / (MESSAGE_BYTES * SHARE),
    };
}

static void begin_window(srf__gather_t *gather, uint64_t now_ms)
{
    gather->since_ms = now_ms;
    gather->count = 0;
}

static void give_up(srf__gather_t *gather)
{
    gather->on = false;
    if (!gather->first) {
        gather->pauses = 0;
        return;
    }
    gather->pauses = gather->pauses == 0           ? 1
                     : gather->pauses < PAUSES_MAX ? gather->pauses * 2
                                                   : PAUSES_MAX;
    gather->pause = gather->pauses;
}

/* How it goes on after a window that brought so many. */
static void judge(srf__gather_t *gather, uint64_t count)
{
    uint64_t most = (uint64_t)gather->most * WINDOW_TICKS;

    if (gather->on) {
        if (count < gather->before / 2 || count > most)
            give_up(gather);
        else if (count > gather->before)
            gather->before = (unsigned)count;
        gather->first = false;
    } else if (gather->pause > 0) {
        gather->pause--;
    } else if (count >= FEW * WINDOW_TICKS && count <= most) {
        gather->on = true;
        gather->first = true;
        gather->before = (unsigned)count;
    }
}

bool srf__gather_note(srf__gather_t *gather, uint64_t now_ms, unsigned count)
{
    uint64_t window_ms = (uint64_t)gather->tick_ms * WINDOW_TICKS;
    uint64_t passed_ms = now_ms - gather->since_ms;

    srf__assert(now_ms >= gather->since_ms);
    if (gather->tick_ms == 0)
        return false;
    gather->count += count;
    if (passed_ms < window_ms)
        return gather->on;
    /* The loop was elsewhere, or nothing came: it tells of no rate. */
    judge(gather, gather->count * window_ms / passed_ms);
    begin_window(gather, now_ms);
    return gather->on;
}
