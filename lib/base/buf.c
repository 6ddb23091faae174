/*
 * Byte buffers with a bound.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/buf.h"

#include "base/alloc.h"
#include "base/error.h"

enum { FIRST_BYTES = 256 };

void srf__buf_init(srf__buf_t *buf, size_t max)
{
    memset(buf, 0, sizeof(*buf));
    buf->max = max;
}

void srf__buf_init_fixed(srf__buf_t *buf, char *storage, size_t cap)
{
    memset(buf, 0, sizeof(*buf));
    buf->p = storage;
    buf->cap = cap;
    buf->max = cap;
    buf->fixed = true;
}

void srf__buf_deinit(srf__buf_t *buf)
{
    if (!buf->fixed)
        srf__free(buf->p);
    buf->p = NULL;
    buf->len = 0;
    buf->cap = 0;
}

static bool grow(srf__buf_t *buf, size_t need)
{
    size_t cap = buf->cap == 0 ? FIRST_BYTES : buf->cap;

    if (need > SIZE_MAX / 2)
        cap = buf->max; /* doubling would wrap around */
    while (cap < need)
        cap *= 2;
    if (cap > buf->max)
        cap = buf->max;
    char *p = srf__realloc(buf->p, cap);
    if (p == NULL) {
        buf->err = SRF_ERR_NO_MEMORY;
        return false;
    }
    buf->p = p;
    buf->cap = cap;
    return true;
}

char *srf__buf_extend_more(srf__buf_t *buf, size_t len)
{
    if (buf->err != 0)
        return NULL;
    if (len > buf->max - buf->len) {
        buf->err = SRF_ERR_LIMIT;
        return NULL;
    }
    if (!grow(buf, buf->len + len))
        return NULL;
    char *out = buf->p + buf->len;
    buf->len += len;
    return out;
}

void srf__buf_add_u64(srf__buf_t *buf, uint64_t value)
{
    char digits[20];
    size_t n = sizeof(digits);

    if (value < 10) {
        srf__buf_add_char(buf, (char)('0' + value));
        return;
    }
    do {
        digits[--n] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    srf__buf_add(buf, digits + n, sizeof(digits) - n);
}

char *srf__buf_detach(srf__buf_t *buf)
{
    srf__assert(!buf->fixed);
    buf->max = buf->max == SIZE_MAX ? SIZE_MAX : buf->max + 1;
    srf__buf_add_char(buf, '\0');
    char *out = buf->err == 0 ? buf->p : NULL;
    if (out != NULL)
        buf->p = NULL;
    srf__buf_deinit(buf);
    return out;
}
