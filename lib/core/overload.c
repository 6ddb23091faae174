/*
 * Overload control.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/overload.h"

#include "base/alloc.h"
#include "core/req.h"
#include "proxy/context.h"
#include "transaction/client.h"

#include <inttypes.h>

enum {
    PROBE_MS = 100,     /* between two looks at how late the loop is */
    LAG_LIFE_MS = 1000, /* after that a finding says nothing any more */
    TELL_EVERY_MS = 10000,
    /* A burst that is too much for the socket is none for us. */
    STRAINED_PROBES = 2,
    CALM_PROBES = 10,
    DROPS_SHARE = 32, /* of what comes; fewer are made up for when sent again */
    LET_IN_MIN = 10,  /* is never too much */
    ANSWERS_PER_MS = 1,
    ANSWERS_MAX = 100,
    UNLOOKED_MAX = 64,
    REQUEST_BYTES = 4 << 20,   /* a request of 64 KiB to 32 targets, and more */
    CEILING_TRANSACTIONS = 64, /* least room above the limits */
    CEILING_BYTES = 65536
};

void srf__overload_init(srf__overload_t *overload, srf__element_t *element,
                        const srf__overload_limits_t *limits)
{
    overload->element = element;
    overload->limits = *limits;
}

void srf__overload_deinit(srf__overload_t *overload)
{
    srf__timer_stop(overload->element->wheel, &overload->probe);
}

static bool is_probed(const srf__overload_t *overload)
{
    return overload->limits.lag_ms != UINT32_MAX ||
           overload->limits.wait_ms != UINT32_MAX;
}

static uint64_t transactions(const srf__overload_t *overload)
{
    const srf__txns_counters_t *counters = &overload->element->txns.counters;

    return counters->servers + counters->clients;
}

/* Tables are left out: they shrink behind what is in them, and overload must be
 * able to end. */
uint64_t srf__overload_memory(const srf__overload_t *overload)
{
    const srf__element_t *element = overload->element;

    return element->pool.bytes + element->txns.own.bytes +
           element->transports.bytes;
}

static bool is_fresh(const srf__overload_t *overload)
{
    uint64_t now = srf__wheel_now(overload->element->wheel);

    return now - overload->measured_ms <= LAG_LIFE_MS;
}

uint32_t srf__overload_lag(const srf__overload_t *overload)
{
    return is_fresh(overload) ? overload->lag_ms : 0;
}

uint32_t srf__overload_wait(const srf__overload_t *overload)
{
    return is_fresh(overload) ? overload->strain.wait_ms : 0;
}

static void tell(srf__overload_t *overload)
{
    static const srf__log_context_t context = {.module = "core"};
    srf__element_t *element = overload->element;
    uint64_t now = srf__wheel_now(element->wheel);

    if (!overload->shedding) {
        if (overload->told) {
            srf__log_write(&element->log, SRF_LOG_WARNING, &context,
                           "overload is over, %" PRIu64
                           " requests were refused so far",
                           overload->refused);
        }
        return;
    }
    overload->told =
        overload->told_ms == 0 || now - overload->told_ms >= TELL_EVERY_MS;
    if (!overload->told)
        return;
    overload->told_ms = now;
    srf__log_write(&element->log, SRF_LOG_WARNING, &context,
                   "overload: new requests get 503 (%" PRIu64
                   " transactions, %" PRIu64 " bytes, loop %" PRIu32
                   " ms late, datagrams waited %" PRIu32 " ms, %" PRIu64
                   " found no room)",
                   transactions(overload), srf__overload_memory(overload),
                   srf__overload_lag(overload), srf__overload_wait(overload),
                   overload->drops);
}

/* After `active` or `throttled` may have changed. */
static void set_shedding(srf__overload_t *overload)
{
    bool before = overload->shedding;

    overload->shedding = overload->active || overload->throttled;
    if (overload->shedding != before)
        tell(overload);
}

/* ---- datagrams ---- */

/* Once there is too much, much less is enough to say that it still is: half a
 * buffer is soon full. */
static bool is_strained(srf__overload_t *overload)
{
    uint32_t wait_ms = overload->limits.wait_ms;
    srf__strain_t now;

    srf__transports_strain(&overload->element->transports, &now);
    uint64_t received = now.received - overload->strain.received;
    /* With a listener its counts go, and the system's may begin anew. */
    overload->drops = now.drops > overload->strain.drops
                          ? now.drops - overload->strain.drops
                          : 0;
    overload->strain = now;
    if (overload->throttled)
        return now.wait_ms > wait_ms / 4 || overload->drops > 0;
    return now.wait_ms > wait_ms || overload->drops * DROPS_SHARE > received;
}

static void set_throttled(srf__overload_t *overload, bool throttled)
{
    overload->throttled = throttled;
    overload->calm = 0;
    set_shedding(overload);
}

/* What was let in costs for a while yet, in answers that are repeated. */
static void let_in_less(srf__overload_t *overload, uint64_t now)
{
    overload->knee = now / 2;
    overload->allowance = now / 4 + LET_IN_MIN;
    overload->calm = 0;
}

/* Slowly where it was too much before. */
static void let_in_more(srf__overload_t *overload)
{
    unsigned share = overload->allowance < overload->knee ? 4 : 32;

    overload->allowance += overload->allowance / share + 1;
    overload->calm = 0;
}

/* How many may be let in until the next look. */
static void feel(srf__overload_t *overload, bool strained)
{
    overload->strained = strained ? overload->strained + 1 : 0;
    if (!overload->throttled && overload->strained >= STRAINED_PROBES) {
        let_in_less(overload, overload->let_in);
        set_throttled(overload, true);
    } else if (!overload->throttled) {
        return;
    } else if (strained) {
        let_in_less(overload, overload->allowance);
    } else if (overload->turned_away > 0) {
        let_in_more(overload);
    } else if (++overload->calm >= CALM_PROBES) {
        set_throttled(overload, false);
    }
}

/* A timer that comes late was kept waiting by what else runs in the loop; so
 * are the messages in the sockets. */
static void probe(srf__timer_t *timer)
{
    srf__overload_t *overload =
        srf__container_of(timer, srf__overload_t, probe);
    srf__wheel_t *wheel = overload->element->wheel;
    uint64_t now = srf__wheel_now(wheel);
    uint64_t late = now - timer->due_ms;

    if (overload->limits.lag_ms != UINT32_MAX)
        overload->lag_ms = late > UINT32_MAX ? UINT32_MAX : (uint32_t)late;
    overload->measured_ms = now;
    overload->unlooked = 0;
    if (overload->limits.wait_ms != UINT32_MAX)
        feel(overload, is_strained(overload));
    overload->let_in = 0;
    overload->turned_away = 0;
    if (overload->throttled)
        srf__timer_start(wheel, timer, PROBE_MS, probe);
}

/* ---- limits ---- */

/* 90 % of a limit, half of it for the lag, which changes by leaps. */
static bool is_over(const srf__overload_t *overload)
{
    const srf__overload_limits_t *limits = &overload->limits;

    return transactions(overload) <
               limits->transactions - limits->transactions / 10 &&
           srf__overload_memory(overload) <
               limits->memory_bytes - limits->memory_bytes / 10 &&
           srf__overload_lag(overload) <= limits->lag_ms / 2;
}

static bool is_reached(const srf__overload_t *overload)
{
    const srf__overload_limits_t *limits = &overload->limits;

    return transactions(overload) >= limits->transactions ||
           srf__overload_memory(overload) >= limits->memory_bytes ||
           srf__overload_lag(overload) > limits->lag_ms;
}

/* How many requests cannot reach the limit even if each took REQUEST_BYTES. */
static uint32_t far_from_limit(const srf__overload_t *overload)
{
    uint64_t used = srf__overload_memory(overload);
    uint64_t limit = overload->limits.memory_bytes;
    uint64_t count = used >= limit ? 0 : (limit - used) / REQUEST_BYTES;

    return count < UNLOOKED_MAX ? (uint32_t)count : UNLOOKED_MAX;
}

/* Takes all measures. */
static __attribute__((noinline)) bool judge(srf__overload_t *overload)
{
    overload->active =
        overload->active ? !is_over(overload) : is_reached(overload);
    set_shedding(overload);
    if (is_probed(overload) && !srf__timer_is_active(&overload->probe))
        srf__timer_start(overload->element->wheel, &overload->probe, PROBE_MS,
                         probe);
    overload->unlooked = overload->active ? 0 : far_from_limit(overload);
    return overload->shedding;
}

bool srf__overload_is_on(srf__overload_t *overload)
{
    /* Every request comes by here; memory and lag do not change that fast. */
    if (overload->unlooked == 0 ||
        transactions(overload) >= overload->limits.transactions)
        return judge(overload);
    overload->unlooked--;
    return overload->shedding;
}

bool srf__overload_lets_in(srf__overload_t *overload)
{
    if (srf__overload_is_closed(overload)) {
        overload->turned_away++;
        return false;
    }
    overload->let_in++;
    return true;
}

bool srf__overload_has_answers(srf__overload_t *overload)
{
    uint64_t now = srf__wheel_now(overload->element->wheel);
    uint64_t more = (now - overload->answers_at_ms) * ANSWERS_PER_MS;

    overload->answers_at_ms = now;
    overload->answers = more > ANSWERS_MAX - overload->answers
                            ? ANSWERS_MAX
                            : overload->answers + more;
    return overload->answers > 0;
}

bool srf__overload_take_answer(srf__overload_t *overload)
{
    if (!srf__overload_has_answers(overload))
        return false;
    overload->answers--;
    return true;
}

/* A quarter above a limit; `least` lets small limits work too. */
static uint64_t ceiling(uint64_t limit, uint64_t least)
{
    uint64_t more = limit / 4 > least ? limit / 4 : least;

    return limit > UINT64_MAX - more ? UINT64_MAX : limit + more;
}

bool srf__overload_is_at_ceiling(const srf__overload_t *overload)
{
    const srf__overload_limits_t *limits = &overload->limits;

    return transactions(overload) >=
               ceiling(limits->transactions, CEILING_TRANSACTIONS) ||
           srf__overload_memory(overload) >=
               ceiling(limits->memory_bytes, CEILING_BYTES);
}

void srf__overload_refuse(srf__overload_t *overload,
                          const srf__facts_t *request, srf__buf_t *lines)
{
    uint32_t least = overload->limits.retry_after_s;
    srf__str_t call_id = srf__facts_str(request, request->call_id);
    uint64_t hash =
        srf__hash64(&overload->element->txns.key, call_id.p, call_id.len);

    overload->refused++;
    srf__buf_add_text(lines, "Retry-After: ");
    srf__buf_add_u64(lines, least + hash % (least / 2 + 1));
    srf__buf_add_text(lines, "\r\n");
}
