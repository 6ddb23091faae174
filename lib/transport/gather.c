/*
 * Gathering, see gather.h. Datagrams are counted over windows of some ticks.
 * Too few in one: there is nothing to gather; too many: the receive buffer may
 * not hold them.
 *
 * Peers that wait for an answer before they go on would be held up: where
 * less comes once it is gathered than came before, it is given up, and for
 * twice as long each time.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/gather.h"

#include "base/error.h"

enum {
    WINDOW_TICKS = 8,
    /* Datagrams that are worth it: eight in a tick. */
    FEW_IN_WINDOW = 8 * WINDOW_TICKS,
    /* What a message takes of a receive buffer on Linux, and the share of the
     * buffer that may be filled from tick to tick. */
    MESSAGE_BYTES = 2304,
    SHARE = 4,
    PAUSE_MAX = 1024
};

void srf__gather_init(srf__gather_t *gather, uint32_t tick_ms,
                      unsigned buffer_bytes)
{
    *gather = (srf__gather_t){
        .tick_ms = tick_ms,
        .most = buffer_bytes / (MESSAGE_BYTES * SHARE),
    };
}

static void give_up(srf__gather_t *gather)
{
    unsigned pause = gather->last_pause == 0 ? 1 : gather->last_pause * 2;

    gather->on = false;
    /* It was of use for a while: one may try again. */
    if (!gather->first)
        pause = 0;
    gather->last_pause = pause > PAUSE_MAX ? PAUSE_MAX : pause;
    gather->pause = gather->last_pause;
}

/* A rate that falls is told from peers that wait by when it does. */
static bool is_held_up(const srf__gather_t *gather, uint64_t count)
{
    return gather->first ? count * 4 < (uint64_t)gather->highest * 3
                         : count * 2 < gather->highest;
}

/* How it goes on after a window that brought so many. */
static void judge(srf__gather_t *gather, uint64_t count)
{
    uint64_t most = (uint64_t)gather->most * WINDOW_TICKS;

    if (gather->on) {
        if (is_held_up(gather, count) || count > most)
            give_up(gather);
        else if (count > gather->highest)
            gather->highest = (unsigned)count;
        gather->first = false;
    } else if (gather->pause > 0) {
        gather->pause--;
    } else if (count >= FEW_IN_WINDOW && count <= most) {
        gather->on = true;
        gather->first = true;
        gather->highest = (unsigned)count;
    }
}

bool srf__gather_note(srf__gather_t *gather, uint64_t now_ms, unsigned count,
                      bool more)
{
    uint64_t window_ms = (uint64_t)gather->tick_ms * WINDOW_TICKS;
    uint64_t passed_ms = now_ms - gather->since_ms;

    srf__assert(now_ms >= gather->since_ms);
    if (gather->tick_ms == 0)
        return false;
    gather->count += count;
    if (more || passed_ms < window_ms)
        return gather->on;
    /* After a silence, too, the rate is that of all of the time. */
    judge(gather, gather->count * window_ms / passed_ms);
    gather->since_ms = now_ms;
    gather->count = 0;
    return gather->on;
}
