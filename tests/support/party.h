/*
 * A scripted SIP peer in the memory network: sends what a test writes, keeps
 * what it receives, and makes responses to it.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TEST_PARTY_H
#define SRF_TEST_PARTY_H

#include "memnet.h"

enum { PARTY_INBOX = 256, PARTY_TEXT = 4096 };

typedef struct party {
    mempeer_t *peer;
    const char *address;      /* "10.0.0.9:5060" */
    unsigned count;           /* messages received */
    char *inbox[PARTY_INBOX]; /* NUL-terminated copies */
    char text[PARTY_TEXT];    /* of the last value returned */
} party_t;

party_t *party_create(memnet_t *net, const char *address);
void party_destroy(party_t *party);
/* Forgets what was received. */
void party_clear(party_t *party);

/* Sends a text; each "\n" in it becomes CRLF, and "Content-Length: 0" with the
 * empty line is added when the text does not end with an empty line. */
void party_send(party_t *party, const char *to, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The usual INVITE of a caller at `party`, branch "z9hG4bK-" + `id`, Call-ID
 * `id`, with `extra` header lines ("\n" at each end; may be ""). */
void party_invite(party_t *party, const char *to, const char *request_uri,
                  const char *id, const char *extra);
/* ACK or CANCEL for that INVITE: same branch and Request-URI. `to_tag` may be
 * NULL. */
void party_follow(party_t *party, const char *to, const char *method,
                  const char *request_uri, const char *id, const char *to_tag);

/* Answers the request `index` of the inbox, e.g. "180 Ringing"; a To tag
 * "uas" is added except to a 100; `extra` lines may be "". The response goes to
 * where the topmost Via says. */
void party_reply(party_t *party, unsigned index, const char *status,
                 const char *extra);

/* Messages in the inbox whose first line begins with `start`. */
unsigned party_received(const party_t *party, const char *start);
/* The index-th such message; NULL if there is none. */
const char *party_find(const party_t *party, const char *start, unsigned index);
/* Its index in the inbox; fails the test if there is none. */
unsigned party_index(const party_t *party, const char *start, unsigned index);

/* The value of the index-th line with this name (long form, exact case) in a
 * message, without the marks of the proxy's URIs; NULL if there is none. Valid
 * until the next call. */
const char *party_header(party_t *party, const char *msg, const char *name,
                         unsigned index);

#endif /* SRF_TEST_PARTY_H */
