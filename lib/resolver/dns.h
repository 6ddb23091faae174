/*
 * DNS questions, asked by c-ares on the program's loop. Nothing runs while none
 * is open.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_DNS_H
#define SRF_DNS_H

#include "resolver/records.h"

struct uv_loop_s;

typedef struct srf__dns srf__dns_t;

typedef struct srf__dns_settings {
    /* "ADDRESS[:PORT],...", IPv6 in brackets; NULL: those of the system. */
    const char *servers;
    uint32_t timeout_ms; /* for the first try of each server */
    uint32_t tries;
} srf__dns_settings_t;

/* 0; SRF_ERR_INVALID_ARGUMENT for servers that cannot be read;
 * SRF_ERR_NO_MEMORY; a libuv error. */
int srf__dns_create(struct uv_loop_s *loop, const srf__dns_settings_t *settings,
                    srf__dns_t **out);
/* What was asked is not answered any more. `cb` comes from the loop when all is
 * closed and freed. Not from inside c-ares, which an answer never comes from.
 */
void srf__dns_destroy(srf__dns_t *dns, void (*cb)(void *arg), void *arg);

/* The answer, whatever became of it: transferred. NULL when memory is out. */
typedef void (*srf__dns_cb)(void *arg, srf__records_t *records);

/* Asks; the answer comes once, from the loop, never from inside this call. 0 or
 * SRF_ERR_NO_MEMORY. */
int srf__dns_query(srf__dns_t *dns, const char *name, uint16_t type,
                   srf__dns_cb cb, void *arg);

#endif /* SRF_DNS_H */
