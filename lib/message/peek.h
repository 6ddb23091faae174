/*
 * A glance at a request, for when there are more of them than can be read: what
 * finds its transaction, and whether it may be inside a dialog. It costs a
 * fraction of srf__scan(), and is no judgement: who lets a request pass for
 * what is seen here scans it.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_PEEK_H
#define SRF_PEEK_H

#include "message/scan.h"

typedef struct srf__peek {
    /* The topmost Via is the first header line, as nearly always, and its
     * branch is one of RFC 3261: facts->method, method_name and via are as
     * srf__scan() would say, and no more of them is written. */
    bool has_branch;
    /* There are a To tag and a Route, or a Request-URI, that may have a mark of
     * ours. */
    bool routed;
} srf__peek_t;

/* Whether the data may be a response, or nothing of SIP. */
static inline bool srf__peek_is_request(const char *data, size_t len)
{
    return len > 4 && memcmp(data, "SIP/", 4) != 0 && data[0] > ' ';
}

/* Borrows `data` for as long as the facts are used. */
void srf__peek(const char *data, size_t len, srf__facts_t *facts,
               srf__peek_t *out);

#endif /* SRF_PEEK_H */
