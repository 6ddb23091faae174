/*
 * DNS answers: from the bytes of one to a set of records (RFC 1035 §4, RFC
 * 2782, RFC 3403 §4).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_RECORDS_H
#define SRF_RECORDS_H

#include "base/alloc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SRF__RR_A = 1,
    SRF__RR_CNAME = 5,
    SRF__RR_SOA = 6,
    SRF__RR_AAAA = 28,
    SRF__RR_SRV = 33,
    SRF__RR_NAPTR = 35
};

typedef enum srf__answer {
    SRF__ANSWER_FOUND = 0,
    SRF__ANSWER_NO_NAME,   /* NXDOMAIN */
    SRF__ANSWER_NO_RECORD, /* the name is there, not with that type */
    SRF__ANSWER_FAILED     /* no answer, or none that makes sense */
} srf__answer_t;

typedef struct srf__record {
    uint8_t ip[16];  /* of A (4 bytes) and AAAA */
    uint16_t first;  /* SRV: priority; NAPTR: order */
    uint16_t second; /* SRV: weight; NAPTR: preference */
    uint16_t port;   /* SRV */
    bool has_regexp; /* NAPTR */
    /* SRV: target; NAPTR: replacement; in small letters, "" is the root. */
    const char *host;
    const char *flags;   /* NAPTR */
    const char *service; /* NAPTR */
} srf__record_t;

/* Never changes. */
typedef struct srf__records {
    uint16_t type;
    uint8_t answer; /* srf__answer_t */
    uint32_t ttl_s; /* how long it holds; UINT32_MAX: nothing was said */
    unsigned count;
    srf__record_t *list;
    srf__arena_t arena; /* of the list and its strings */
} srf__records_t;

enum { SRF__RECORDS_MAX = 64 };

/* Reads the answer to a question for `name` and `type`; CNAMEs are followed
 * inside it, eight at most. Whatever the bytes are the result is a set, with
 * SRF__ANSWER_FAILED where they make no sense. More records than
 * SRF__RECORDS_MAX are left out. NULL when memory is out. */
srf__records_t *srf__records_read(const void *answer, size_t len,
                                  const char *name, uint16_t type);
/* A set without records. */
srf__records_t *srf__records_empty(uint16_t type, srf__answer_t answer,
                                   uint32_t ttl_s);

void srf__records_free(srf__records_t *records);

#endif /* SRF_RECORDS_H */
