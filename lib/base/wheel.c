/*
 * The timer wheel. Level 0 has a slot per millisecond, each further level a
 * slot per turn of the one below, and all of them are rings. A timer lies in
 * the lowest level whose next 256 slots reach its due time, and moves down when
 * its slot comes up: so every turn of level 0 has its share of what waits for
 * half a minute, instead of all of it at the end of a turn of level 1.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/wheel.h"

#include "base/error.h"
#include "base/list.h"

#include <string.h>

enum {
    SLOT_BITS = 8,
    SLOT_MASK = SRF__WHEEL_SLOTS - 1,
    /* The timers of RFC 3261 say how long to wait at least; from the shortest
     * one of a real network on, a wake-up for each millisecond is too much. */
    COARSE_MS = 16,
    COARSE_FROM_MS = 128
};

void srf__wheel_init(srf__wheel_t *wheel, uint64_t now_ms)
{
    memset(wheel, 0, sizeof(*wheel));
    wheel->now_ms = now_ms;
    wheel->target_ms = now_ms;
    wheel->armed_ms = UINT64_MAX;
    wheel->next_ms = UINT64_MAX;
}

static unsigned digit(uint64_t ms, unsigned level)
{
    return (unsigned)(ms >> (SLOT_BITS * level)) & SLOT_MASK;
}

static uint64_t slots_ahead(const srf__wheel_t *wheel, uint64_t due_ms,
                            unsigned level)
{
    unsigned shift = SLOT_BITS * level;

    return (due_ms >> shift) - (wheel->now_ms >> shift);
}

/* Links a timer in where its due time belongs, seen from now. */
static void place(srf__wheel_t *wheel, srf__timer_t *timer)
{
    unsigned level = 0;

    while (slots_ahead(wheel, timer->due_ms, level) >= SRF__WHEEL_SLOTS)
        level++;
    srf__assert(level < SRF__WHEEL_LEVELS);
    unsigned shift = SLOT_BITS * level;
    unsigned slot = digit(timer->due_ms, level);
    srf__timer_t **head = &wheel->slots[level][slot];
    srf__list_push(head, timer);
    wheel->occupied[level][slot / 64] |= 1ull << (slot % 64);
    uint64_t begin = timer->due_ms >> shift << shift;
    if (begin < wheel->next_ms)
        wheel->next_ms = begin;
}

static void unlink_timer(srf__timer_t *timer)
{
    srf__list_remove(timer);
    timer->next = NULL;
    timer->link = NULL;
}

void srf__timer_start(srf__wheel_t *wheel, srf__timer_t *timer,
                      uint64_t delay_ms, srf__timer_cb cb)
{
    uint64_t now = srf__wheel_now(wheel);

    if (timer->link != NULL)
        unlink_timer(timer);
    else if (wheel->count++ == 0 && now > wheel->now_ms)
        wheel->now_ms = now; /* after weeks idle it would cut the delay */
    if (now < wheel->now_ms)
        now = wheel->now_ms;
    if (delay_ms > srf__wheel_reach_ms - (now - wheel->now_ms))
        delay_ms = srf__wheel_reach_ms - (now - wheel->now_ms);
    timer->due_ms = now + delay_ms;
    if (wheel->coarse && delay_ms >= COARSE_FROM_MS &&
        timer->due_ms - wheel->now_ms < srf__wheel_reach_ms / 2)
        timer->due_ms = (timer->due_ms + COARSE_MS - 1) & ~(COARSE_MS - 1ull);
    timer->cb = cb;
    /* What is due now, but started while now's slot is being called, comes
     * with the next advance. */
    place(wheel, timer);
    if (timer->due_ms < wheel->armed_ms && wheel->changed != NULL)
        wheel->changed(wheel);
}

void srf__timer_stop(srf__wheel_t *wheel, srf__timer_t *timer)
{
    if (timer->link == NULL)
        return;
    unlink_timer(timer);
    wheel->count--;
}

/* The first occupied slot of a level from `from` on and before `end`;
 * SRF__WHEEL_SLOTS when there is none. Slots that stopped timers left empty
 * lose their mark here. */
static unsigned find_occupied(srf__wheel_t *wheel, unsigned level,
                              unsigned from, unsigned end)
{
    for (unsigned word = from / 64; word * 64 < end; word++) {
        uint64_t bits = wheel->occupied[level][word];
        if (word == from / 64)
            bits &= ~0ull << (from % 64);
        while (bits != 0) {
            unsigned slot = word * 64 + (unsigned)__builtin_ctzll(bits);
            if (slot >= end)
                break;
            if (wheel->slots[level][slot] != NULL)
                return slot;
            wheel->occupied[level][word] &= ~(1ull << (slot % 64));
            bits &= bits - 1;
        }
    }
    return SRF__WHEEL_SLOTS;
}

/* When the first occupied slot of a level begins; UINT64_MAX when there is
 * none. */
static uint64_t next_of_level(srf__wheel_t *wheel, unsigned level)
{
    unsigned shift = SLOT_BITS * level;
    unsigned from = digit(wheel->now_ms, level);
    unsigned slot = find_occupied(wheel, level, from, SRF__WHEEL_SLOTS);

    if (slot == SRF__WHEEL_SLOTS)
        slot = find_occupied(wheel, level, 0, from);
    if (slot == SRF__WHEEL_SLOTS)
        return UINT64_MAX;
    return ((wheel->now_ms >> shift) + ((slot - from) & SLOT_MASK)) << shift;
}

static uint64_t find_next(srf__wheel_t *wheel)
{
    uint64_t next = UINT64_MAX;

    for (unsigned level = 0; level < SRF__WHEEL_LEVELS; level++) {
        unsigned shift = SLOT_BITS * level;
        /* The slot of now itself is empty above level 0. */
        uint64_t first = ((wheel->now_ms >> shift) + (level > 0)) << shift;
        if (next <= first)
            break;
        uint64_t begin = next_of_level(wheel, level);
        if (begin < next)
            next = begin;
    }
    return next;
}

uint64_t srf__wheel_next(srf__wheel_t *wheel)
{
    if (wheel->count == 0)
        return UINT64_MAX;
    if (wheel->next_ms <= wheel->now_ms)
        wheel->next_ms = find_next(wheel);
    return wheel->next_ms;
}

/* Moves the timers of a slot that now has come to further down. */
static void cascade(srf__wheel_t *wheel, unsigned level)
{
    unsigned slot = digit(wheel->now_ms, level);
    srf__timer_t *timer = wheel->slots[level][slot];

    wheel->slots[level][slot] = NULL;
    wheel->occupied[level][slot / 64] &= ~(1ull << (slot % 64));
    while (timer != NULL) {
        srf__timer_t *next = timer->next;
        place(wheel, timer);
        timer = next;
    }
}

/* Jumps to a time before which nothing lies. */
static void move_to(srf__wheel_t *wheel, uint64_t now_ms)
{
    uint64_t changed = wheel->now_ms ^ now_ms;

    wheel->now_ms = now_ms;
    for (unsigned level = SRF__WHEEL_LEVELS - 1; level > 0; level--) {
        if (changed >> (SLOT_BITS * level) != 0)
            cascade(wheel, level);
    }
}

/* Calls what is due now. The list is taken off the wheel first, so that what
 * the callbacks start with no delay waits for the next advance. */
static void dispatch(srf__wheel_t *wheel)
{
    unsigned slot = digit(wheel->now_ms, 0);
    srf__timer_t *due = wheel->slots[0][slot];

    wheel->slots[0][slot] = NULL;
    wheel->occupied[0][slot / 64] &= ~(1ull << (slot % 64));
    if (due != NULL)
        due->link = &due;
    while (due != NULL) {
        srf__timer_t *timer = due;
        unlink_timer(timer);
        wheel->count--;
        timer->cb(timer);
    }
}

void srf__wheel_advance(srf__wheel_t *wheel, uint64_t now_ms)
{
    if (now_ms < wheel->now_ms)
        now_ms = wheel->now_ms;
    wheel->target_ms = now_ms; /* what callbacks start counts from here */
    for (;;) {
        uint64_t next = srf__wheel_next(wheel);
        if (next > now_ms)
            break;
        move_to(wheel, next);
        dispatch(wheel);
        if (next == now_ms)
            break; /* what was started for this very moment waits */
    }
    /* A start from a callback may have taken an empty wheel further. */
    if (now_ms > wheel->now_ms)
        move_to(wheel, now_ms);
}
