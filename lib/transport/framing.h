/*
 * Framing: whole SIP messages from the bytes of a stream (RFC 3261 §18.3). No
 * I/O, no clock. Bytes are looked at once however they trickle in.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_FRAMING_H
#define SRF_FRAMING_H

#include "transport/carry.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct srf__framer_limits {
    uint32_t max_message_bytes; /* head and body, longer: 513 */
    uint32_t max_head_bytes;
} srf__framer_limits_t;

typedef enum srf__framed_kind {
    SRF__FRAMED_NONE = 0, /* more bytes are needed */
    SRF__FRAMED_MESSAGE,
    SRF__FRAMED_PING,   /* wants a CRLF in return, RFC 5626 §4.4.1 */
    SRF__FRAMED_REFUSE, /* where the message ends is unknown, or too far; its
                           head is there as far as it came */
    SRF__FRAMED_GARBAGE /* the peer does not speak SIP */
} srf__framed_kind_t;

typedef struct srf__framed {
    srf__framed_kind_t kind;
    srf__str_t bytes;   /* message, or head; good until the next call */
    unsigned status;    /* of a refusal */
    const char *reason; /* static text */
} srf__framed_t;

typedef struct srf__framer {
    srf__framer_limits_t limits;
    srf__carry_t carry; /* the present message begins at its rest */
    size_t start_len;   /* of its start line; 0: that has no end yet */
    size_t line;        /* where the message's present line begins */
    size_t looked;      /* bytes of it looked at */
    size_t head_len;    /* 0: its end has not come */
    size_t body_len;
    uint32_t units; /* messages and empty lines taken so far */
    bool half_ping; /* a CRLF stood between messages */
    bool dead;      /* refused or garbage: nothing more comes of it */
} srf__framer_t;

void srf__framer_init(srf__framer_t *framer,
                      const srf__framer_limits_t *limits);
void srf__framer_deinit(srf__framer_t *framer);

/* Takes new bytes, which are borrowed until srf__framer_end(). 0 or
 * SRF_ERR_NO_MEMORY. */
int srf__framer_begin(srf__framer_t *framer, const char *data, size_t len);
/* What comes next. A message has exactly one Content-Length, which is where it
 * ends; leading empty lines are skipped (§7.5). Lines, their names and
 * Content-Length are read by what srf__scan() reads them with. A head with a CR
 * without LF or a NUL byte is refused: who wrote it may see its end, and with
 * that the next message, elsewhere. */
srf__framed_kind_t srf__framer_next(srf__framer_t *framer, srf__framed_t *out);
/* Keeps what is left over. 0 or SRF_ERR_NO_MEMORY. */
int srf__framer_end(srf__framer_t *framer);

/* Between end and begin: a message has begun that is not complete. */
static inline bool srf__framer_has_partial(const srf__framer_t *framer)
{
    return framer->carry.own_len > 0;
}

/* How many things have come whole; what is not complete is another one when
 * this has changed. */
static inline uint32_t srf__framer_units(const srf__framer_t *framer)
{
    return framer->units;
}

/* Goes behind the line at `p` with its folds (§7.3.1). */
const char *srf__framing_behind_line(const char *p, const char *end);
/* Whether the line, which ends at `end` with its line end, is a Content-Length;
 * then *value is where its value begins. */
bool srf__framing_is_length(const char *line, const char *end,
                            const char **value);

#endif /* SRF_FRAMING_H */
