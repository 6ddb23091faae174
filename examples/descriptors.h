/*
 * Descriptors for a program with streams: each connection takes one, and the
 * library shares out what the soft limit allows when it begins to listen.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

#include <sys/resource.h>

/* Raises the soft limit to the hard one; as it was where that is not allowed.
 */
static inline void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

#endif /* DESCRIPTORS_H */
