/*
 * Bytes carried on.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/carry.h"

#include "base/alloc.h"
#include "srf/srf.h"

enum { FIRST_BYTES = 1024 };

/* Growing by half as much again keeps the copying linear. */
static int append(srf__carry_t *carry, const char *data, size_t len)
{
    size_t need = carry->own_len + len;

    if (need > carry->own_cap) {
        size_t cap = carry->own_cap + carry->own_cap / 2;
        if (cap < need)
            cap = need < FIRST_BYTES ? FIRST_BYTES : need;
        char *own = srf__realloc(carry->own, cap);
        if (own == NULL)
            return SRF_ERR_NO_MEMORY;
        carry->own = own;
        carry->own_cap = cap;
    }
    if (len > 0)
        memcpy(carry->own + carry->own_len, data, len);
    carry->own_len = need;
    return 0;
}

int srf__carry_begin(srf__carry_t *carry, const char *data, size_t len)
{
    carry->data = data;
    carry->len = len;
    carry->off = 0;
    if (carry->own_len == 0)
        return 0;
    int err = append(carry, data, len);
    carry->data = carry->own;
    carry->len = carry->own_len;
    return err;
}

int srf__carry_end(srf__carry_t *carry)
{
    srf__str_t rest = srf__carry_rest(carry);

    carry->data = NULL;
    carry->len = 0;
    if (rest.len == 0) {
        srf__carry_deinit(carry);
        return 0;
    }
    if (carry->own_len == 0)
        return append(carry, rest.p, rest.len);
    if (carry->off > 0)
        memmove(carry->own, rest.p, rest.len);
    carry->own_len = rest.len;
    return 0;
}

void srf__carry_deinit(srf__carry_t *carry)
{
    srf__free(carry->own);
    memset(carry, 0, sizeof(*carry));
}
