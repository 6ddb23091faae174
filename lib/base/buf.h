/*
 * Byte buffers: one that grows up to a bound, and one over fixed storage.
 * Errors stick: append freely, ask once at the end.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_BUF_H
#define SRF_BUF_H

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

typedef struct srf__buf {
    char *p;
    size_t len;
    size_t cap;
    size_t max; /* never grows beyond */
    bool fixed; /* p is the caller's and never reallocated */
    int err;    /* first failure: SRF_ERR_NO_MEMORY or SRF_ERR_LIMIT */
} srf__buf_t;

/* An empty buffer that grows on the heap up to `max` bytes. */
void srf__buf_init(srf__buf_t *buf, size_t max);
/* An empty buffer over caller storage of `cap` bytes; needs no deinit. */
void srf__buf_init_fixed(srf__buf_t *buf, char *storage, size_t cap);
/* Frees the heap storage. */
void srf__buf_deinit(srf__buf_t *buf);

/* Does what srf__buf_extend() does where there is no room. */
char *srf__buf_extend_more(srf__buf_t *buf, size_t len);

/* Makes room for `len` more bytes, counts them in and returns where to write
 * them; NULL on failure (err is set). */
static inline char *srf__buf_extend(srf__buf_t *buf, size_t len)
{
    if (buf->err != 0 || len > buf->cap - buf->len)
        return srf__buf_extend_more(buf, len);
    char *out = buf->p + buf->len;
    buf->len += len;
    return out;
}

static inline void srf__buf_add(srf__buf_t *buf, const void *data, size_t len)
{
    char *out = len == 0 ? NULL : srf__buf_extend(buf, len);

    if (out != NULL)
        memcpy(out, data, len);
}

static inline void srf__buf_add_str(srf__buf_t *buf, srf__str_t s)
{
    srf__buf_add(buf, s.p, s.len);
}

static inline void srf__buf_add_char(srf__buf_t *buf, char c)
{
    srf__buf_add(buf, &c, 1);
}

/* Appends a NUL-terminated string. */
static inline void srf__buf_add_text(srf__buf_t *buf, const char *text)
{
    srf__buf_add(buf, text, strlen(text));
}

/* Appends in decimal. */
void srf__buf_add_u64(srf__buf_t *buf, uint64_t value);

/* Returns the content, which is valid until the next append. */
static inline srf__str_t srf__buf_str(const srf__buf_t *buf)
{
    return srf__str(buf->p, buf->len);
}

/* Hands the heap storage to the caller, NUL-terminated, and empties the
 * buffer; NULL when an append had failed. Not for fixed buffers. */
char *srf__buf_detach(srf__buf_t *buf);

#endif /* SRF_BUF_H */
