/*
 * What the program wants of a proxy operation. It is carried whole, from the
 * options to the request that is forwarded.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_SETTINGS_H
#define SRF_SETTINGS_H

#include "transport/transport.h"

typedef struct srf__settings {
    uint32_t timer_c_ms;   /* 0: that of the element */
    uint8_t max_redirects; /* in a row; 0: none is followed */
    bool simultaneous : 1;
    bool record_route : 1;
    bool keep_user : 1;
    bool path : 1;
    bool hooked : 1;     /* somebody is told of each branch */
    bool unreported : 1; /* nobody looks at the responses */
} srf__settings_t;

/* These are settings that few want. */
typedef struct srf__wishes {
    uint32_t provisional_timeout_ms; /* 0: none */
    uint32_t final_timeout_ms;       /* 0: none */
    /* Statuses, 0-terminated or NULL. */
    const int32_t *stop_codes;
    const int32_t *failover_codes;
    srf__listener_t *outbound; /* NULL: none in particular */
    /* Line of the CANCELs of branches that lost. p is NULL: as
     * srf__reason_write(). */
    srf__str_t cancel_reason;
} srf__wishes_t;

#endif /* SRF_SETTINGS_H */
