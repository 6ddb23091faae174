/*
 * Crowds: how many connections of a kind there may be. What the system lets the
 * process have of descriptors is shared out between them, so that no kind takes
 * what another needs; who has most of a crowd that is full makes room for those
 * who have less.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_CROWD_H
#define SRF_CROWD_H

#include "base/map.h"
#include "transport/transport.h"

typedef struct srf__connection srf__connection_t;

typedef enum srf__crowd_kind {
    SRF__CROWD_ACCEPTED,
    SRF__CROWD_PROGRAM, /* opened to what the program named */
    SRF__CROWD_NETWORK, /* opened since a message said so */
    SRF__CROWDS
} srf__crowd_kind_t;

enum { SRF__CROWD_SIZES = 32 };

typedef struct srf__crowd {
    uint32_t limit;
    uint32_t count;
    uint32_t opening;       /* of these, not usable yet */
    uint64_t told_ms;       /* when its being full was logged last */
    uint64_t party_told_ms; /* when one that has as many as it may was */
    srf__map_t parties;
    /* Parties by the binary logarithm of what they have, as they came or were
     * looked at. */
    struct {
        struct srf__party *first;
        struct srf__party *last;
    } by_size[SRF__CROWD_SIZES];
} srf__crowd_t;

typedef struct srf__crowds {
    uint64_t descriptors; /* soft limit of the process */
    srf__crowd_t list[SRF__CROWDS];
    srf__connection_t *greeting; /* accepted, in TLS's handshake: the oldest */
    srf__connection_t *greeting_last;
} srf__crowds_t;

/* A connection's place in its crowd. */
typedef struct srf__crowd_place {
    srf__crowd_t *crowd; /* NULL: it is in none */
    struct srf__party *party;
    srf__connection_t *next; /* of the party */
    srf__connection_t *prev;
    srf__connection_t *newer; /* of those in TLS's handshake */
    srf__connection_t *older;
    bool opening;
    bool greeting; /* TLS's handshake is under way */
} srf__crowd_place_t;

/* Shares out `descriptors`, a part of which is kept for whatever else the
 * process has open. */
void srf__crowds_init(srf__crowds_t *crowds, uint64_t descriptors);
/* Frees what they have; nobody may be in any of them. */
void srf__crowds_deinit(srf__crowds_t *crowds);
/* The descriptors that the process may have (RLIMIT_NOFILE, the soft one). */
uint64_t srf__crowds_descriptors(void);

/* Who asks to come in. */
typedef struct srf__crowd_guest {
    srf__listener_t *listener;
    const srf__addr_t *peer;
    uint32_t per_party;    /* most that one party may have; SRF_UNLIMITED */
    bool listener_is_full; /* one of its connections has to go */
} srf__crowd_guest_t;

/* Whether there is room for one more with this peer; a connection of whoever
 * has most, and at least twice as many, may be closed for it: an idle one, or
 * else one that nobody waits for an answer on. Where all have one, and this
 * peer none, it is one that never said a whole message, or that we have opened
 * and can open again. Without room the log says so, not too often. */
bool srf__crowd_has_room(srf__transports_t *transports, srf__crowd_kind_t kind,
                         const srf__crowd_guest_t *guest);
/* Closes such a connection of whoever has most, if they have several; whether
 * there was one. For when descriptors are out. */
bool srf__crowd_shed(srf__transports_t *transports);

/* Lets it come in, with its peer set; 0 or SRF_ERR_NO_MEMORY. */
int srf__crowd_join(srf__connection_t *connection, srf__crowd_kind_t kind);
/* Whether its TLS is in the handshake, which takes much more memory. */
void srf__crowd_set_greeting(srf__connection_t *connection, bool greeting);
/* Connections hold too much memory: the oldest handshake of those accepted goes
 * if it is older than `connection`'s, or else a connection of whoever has most,
 * which may be `connection`. */
void srf__crowd_relieve(srf__connection_t *connection);
/* Notes that it is usable. */
void srf__crowd_opened(srf__connection_t *connection);
/* Lets it go; nothing is to do when it is in none. */
void srf__crowd_leave(srf__connection_t *connection);

#endif /* SRF_CROWD_H */
