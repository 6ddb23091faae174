/*
 * Log lines.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

enum { LINE_BYTES = 512, CALL_ID_BYTES = 128 };

void srf__log_init(srf__log_t *log, srf_log_cb cb, void *data,
                   srf_log_level_t level)
{
    memset(log, 0, sizeof(*log));
    log->cb = cb;
    log->data = data;
    log->level = level;
    log->tokens = SRF__LOG_BURST;
}

__attribute__((format(printf, 4, 0))) static void
deliver(srf__log_t *log, srf_log_level_t level,
        const srf__log_context_t *context, const char *format, va_list args)
{
    char call_id[CALL_ID_BYTES];
    char line[LINE_BYTES];
    char text[LINE_BYTES];
    srf_log_event_t event = {
        .size = sizeof(event),
        .module = context->module,
        .text = text,
        .peer = context->peer,
        .suppressed = log->suppressed,
    };

    vsnprintf(line, sizeof(line), format, args);
    srf_printable(text, sizeof(text), line, strlen(line));
    if (context->call_id.len > 0) {
        srf_printable(call_id, sizeof(call_id), context->call_id.p,
                      context->call_id.len);
        event.call_id = call_id;
    }
    log->suppressed = 0;
    log->cb(level, &event, log->data);
}

void srf__log_write(srf__log_t *log, srf_log_level_t level,
                    const srf__log_context_t *context, const char *format, ...)
{
    va_list args;

    if (!srf__log_on(log, level))
        return;
    va_start(args, format);
    deliver(log, level, context, format, args);
    va_end(args);
}

/* A bucket of tokens, one per line, refilled as time passes. */
static bool take_token(srf__log_t *log)
{
    uint64_t now = log->now_ms == NULL ? 0 : log->now_ms(log->now_arg);
    uint64_t fresh = (now - log->refill_ms) * SRF__LOG_PER_SECOND / 1000;

    if (fresh > 0) {
        log->refill_ms = now;
        log->tokens = fresh > SRF__LOG_BURST - log->tokens
                          ? SRF__LOG_BURST
                          : log->tokens + (uint32_t)fresh;
    }
    if (log->tokens == 0)
        return false;
    log->tokens--;
    return true;
}

void srf__log_peer(srf__log_t *log, srf_log_level_t level,
                   const srf__log_context_t *context, const char *format, ...)
{
    va_list args;

    if (level < SRF_LOG_WARNING)
        level = SRF_LOG_WARNING;
    if (!srf__log_on(log, level))
        return;
    if (!take_token(log)) {
        log->suppressed++;
        return;
    }
    va_start(args, format);
    deliver(log, level, context, format, args);
    va_end(args);
}
