/*
 * The immutable message: its bytes, counted references, and facts that are
 * scanned from the bytes when somebody asks and can be forgotten again.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_MESSAGE_H
#define SRF_MESSAGE_H

#include "base/error.h"
#include "base/pool.h"
#include "message/scan.h"
#include "srf/srf.h"

#include <stdint.h>

struct srf__msg_text;

struct srf_msg {
    srf__pool_t *pool; /* what it is made of; may be NULL */
    uint32_t refs : 31;
    uint32_t lends : 1; /* the facts are somebody else's */
    uint32_t len;
    /* Made of the bytes when somebody asks; NULL until then. */
    union {
        srf__facts_t *own; /* with headers of their own */
        const srf__facts_t *lent;
    } facts;
    struct srf__msg_text *text; /* strings for the public getters */
    char data[];
};

/* A message with room for `len` bytes at msg->data, for the caller to fill
 * before anybody else sees it. One reference. NULL when memory is out. The pool
 * (may be NULL) must live as long. */
srf_msg_t *srf__msg_alloc(srf__pool_t *pool, size_t len);
/* Copies the bytes facts->data[0..facts->len). The facts are not kept. */
srf_msg_t *srf__msg_create(srf__pool_t *pool, const srf__facts_t *facts);
/* Copies the bytes but for those of `cut`. */
srf_msg_t *srf__msg_create_without(srf__pool_t *pool, const srf__facts_t *facts,
                                   srf__span_t cut);
static inline srf_msg_t *srf__msg_ref(srf_msg_t *msg)
{
    srf__assert(msg->refs > 0);
    msg->refs++;
    return msg;
}
/* Gives a reference back. NULL is allowed. */
void srf__msg_unref(srf_msg_t *msg);

/* The facts, scanned now if they are not at hand; NULL when memory is out or
 * the bytes are no message (which cannot be for one that was scanned before).
 * Borrowed until srf__msg_forget() or the last unref. */
const srf__facts_t *srf__msg_facts(const srf_msg_t *msg);
/* Lends the facts scanned from the bytes that `msg` is a copy of, so that they
 * need not be scanned again; NULL takes them back. The lender keeps them valid
 * and unchanged in between. */
void srf__msg_lend_facts(const srf_msg_t *msg, const srf__facts_t *facts);
/* Frees the facts, which are scanned again when somebody asks; strings handed
 * out stay. */
void srf__msg_forget_facts(const srf_msg_t *msg);
/* Frees facts and strings: what a message costs while nobody looks at it is its
 * bytes and 32 more. Strings handed to the program die too: only for messages
 * the program has never been shown, or will no more be. */
void srf__msg_forget(const srf_msg_t *msg);

/* A NUL-terminated copy of `piece`, a view of the message's facts, in which
 * each fold (RFC 3261 §7.3.1) is a single space. It lives as long as the
 * message or until srf__msg_forget(); the same piece gives the same pointer
 * again. NULL when memory is out. */
const char *srf__msg_text_span(const srf_msg_t *msg, srf__str_t piece);

#endif /* SRF_MESSAGE_H */
