/*
 * Log lines to the program's callback: silent by default, level checked before
 * formatting, lines a peer can trigger limited in rate.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_LOG_H
#define SRF_LOG_H

#include "base/str.h"
#include "srf/srf.h"

#include <stdint.h>

enum { SRF__LOG_BURST = 20, SRF__LOG_PER_SECOND = 5 };

typedef struct srf__log {
    srf_log_cb cb; /* NULL: silent */
    void *data;
    srf_log_level_t level;
    /* Lines that peers cause take tokens out of this bucket. */
    uint32_t tokens;
    uint64_t refill_ms;
    uint64_t suppressed;
    uint64_t (*now_ms)(void *arg);
    void *now_arg;
} srf__log_t;

/* A line belongs to these; both may be empty. */
typedef struct srf__log_context {
    const char *module;
    srf__str_t call_id;
    const char *peer;
} srf__log_context_t;

void srf__log_init(srf__log_t *log, srf_log_cb cb, void *data,
                   srf_log_level_t level);

static inline bool srf__log_on(const srf__log_t *log, srf_log_level_t level)
{
    return log->cb != NULL && level <= log->level;
}

/* Formats and delivers a line that the program or the system caused. Whatever
 * its arguments hold, the line is made printable (srf_printable()). */
void srf__log_write(srf__log_t *log, srf_log_level_t level,
                    const srf__log_context_t *context, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Delivers a line that a peer caused: at most SRF_LOG_WARNING. Beyond the rate
 * limit it is dropped, but counted. */
void srf__log_peer(srf__log_t *log, srf_log_level_t level,
                   const srf__log_context_t *context, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif /* SRF_LOG_H */
