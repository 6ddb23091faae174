/*
 * Names that this machine knows without asking anybody: those of its hosts
 * file, and localhost (RFC 6761 §6.3). The file is read once, and again when it
 * has changed.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_HOSTS_H
#define SRF_HOSTS_H

#include "base/log.h"
#include "base/random.h"
#include "base/wheel.h"
#include "resolver/records.h"

typedef struct srf__hosts srf__hosts_t;

enum {
    /* What lies behind that is not read. */
    SRF__HOSTS_BYTES = 4 << 20,
    SRF__HOSTS_CHECK_MS = 1000 /* how often it is looked for a change */
};

typedef struct srf__hosts_env {
    const char *file; /* NULL: that of the system. Borrowed for good. */
    srf__wheel_t *wheel;
    srf__random_t *random;
    srf__log_t *log;
} srf__hosts_env_t;

/* 0; SRF_ERR_NO_MEMORY. A file that is not there is an empty one. */
int srf__hosts_create(const srf__hosts_env_t *env, srf__hosts_t **out);
/* NULL does nothing. */
void srf__hosts_destroy(srf__hosts_t *hosts);

/* The records of such a name: its addresses, and no others, so that neither
 * servers nor transports are asked for. `name` in small letters, that of an SRV
 * record with its "_" labels in front. NULL: DNS knows, or memory is out.
 * Transferred. */
srf__records_t *srf__hosts_find(srf__hosts_t *hosts, const char *name,
                                uint16_t type);
/* How often the file was read. */
uint64_t srf__hosts_readings(const srf__hosts_t *hosts);

#endif /* SRF_HOSTS_H */
