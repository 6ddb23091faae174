/*
 * Crowds.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/crowd.h"

#include "base/alloc.h"
#include "base/error.h"
#include "transport/connection.h"

#include <srf/srf.h>

#include <inttypes.h>
#include <sys/resource.h>

enum {
    /* A part of the descriptors, for listeners, DNS, files and the program. */
    RESERVE_PART = 8,
    RESERVE_MIN = 16,
    RESERVE_MAX = 1024,
    DESCRIPTORS_MAX = 1 << 24,
    OPENING_TO_ONE = 8, /* a party that does not answer gets no more at once */
    LOOKED_AT = 64,     /* connections of a party, to find a spare one */
    TELL_EVERY_MS = 10000
};

/* Who has connections: an IPv4 address, or an IPv6 network of 64 bits, which is
 * the least that one customer has (RFC 6177 §2). */
typedef struct srf__party {
    srf__map_node_t node;    /* first */
    struct srf__party *next; /* of the same size */
    struct srf__party *prev;
    srf__connection_t *first; /* looked at longest ago */
    srf__connection_t *last;
    uint32_t count;
    uint32_t opening;
} party_t;

/* ---- shares ---- */

uint64_t srf__crowds_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
        limit.rlim_cur > DESCRIPTORS_MAX)
        return DESCRIPTORS_MAX;
    return limit.rlim_cur;
}

void srf__crowds_init(srf__crowds_t *crowds, uint64_t descriptors)
{
    uint64_t reserve = descriptors / RESERVE_PART;

    if (reserve < RESERVE_MIN)
        reserve = RESERVE_MIN;
    if (reserve > RESERVE_MAX)
        reserve = RESERVE_MAX;
    uint64_t rest = descriptors > reserve ? descriptors - reserve : 0;
    memset(crowds, 0, sizeof(*crowds));
    crowds->descriptors = descriptors;
    crowds->list[SRF__CROWD_PROGRAM].limit = (uint32_t)(rest / 4);
    crowds->list[SRF__CROWD_NETWORK].limit = (uint32_t)(rest / 8);
    crowds->list[SRF__CROWD_ACCEPTED].limit =
        (uint32_t)(rest - rest / 4 - rest / 8);
}

void srf__crowds_deinit(srf__crowds_t *crowds)
{
    for (unsigned i = 0; i < SRF__CROWDS; i++) {
        srf__assert(crowds->list[i].count == 0);
        srf__map_deinit(&crowds->list[i].parties);
    }
}

/* ---- parties ---- */

static unsigned size_of(uint32_t count)
{
    unsigned size = 0;

    while ((count >>= 1) != 0)
        size++;
    return size;
}

static void unlink_party(srf__crowd_t *crowd, const party_t *party)
{
    unsigned size = size_of(party->count);

    *(party->prev == NULL ? &crowd->by_size[size].first : &party->prev->next) =
        party->next;
    *(party->next == NULL ? &crowd->by_size[size].last : &party->next->prev) =
        party->prev;
}

static void link_party(srf__crowd_t *crowd, party_t *party)
{
    unsigned size = size_of(party->count);

    party->next = NULL;
    party->prev = crowd->by_size[size].last;
    *(party->prev == NULL ? &crowd->by_size[size].first : &party->prev->next) =
        party;
    crowd->by_size[size].last = party;
}

/* Others of its size are looked at before this one. */
static void look_later(srf__crowd_t *crowd, party_t *party)
{
    unlink_party(crowd, party);
    link_party(crowd, party);
}

static void count_party(srf__crowd_t *crowd, party_t *party, uint32_t count)
{
    bool moves = size_of(party->count) != size_of(count);

    if (moves)
        unlink_party(crowd, party);
    party->count = count;
    if (moves)
        link_party(crowd, party);
}

static void append(party_t *party, srf__connection_t *connection)
{
    connection->place.next = NULL;
    connection->place.prev = party->last;
    if (party->last != NULL)
        party->last->place.next = connection;
    else
        party->first = connection;
    party->last = connection;
}

static void take_out(party_t *party, const srf__connection_t *connection)
{
    const srf__crowd_place_t *place = &connection->place;

    if (place->prev != NULL)
        place->prev->place.next = place->next;
    else
        party->first = place->next;
    if (place->next != NULL)
        place->next->place.prev = place->prev;
    else
        party->last = place->prev;
}

/* ---- making room ---- */

/* Whether this one is to go rather than another of the same use: one that says
 * nothing goes before one that does, and who has been silent for long before
 * others. */
static bool is_better(const srf__connection_t *one,
                      const srf__connection_t *other)
{
    if (other == NULL || one->spoke != other->spoke)
        return other == NULL || !one->spoke;
    return one->active_ms < other->active_ms;
}

/* The one that nobody waits for and that others can best do without; of
 * `listener` unless that is NULL. One that is busy goes when none is idle, or
 * whoever begins messages and completes none could keep all there are. Not all
 * are looked at, the next time others. */
static srf__connection_t *find_spare(party_t *party,
                                     const srf__listener_t *listener)
{
    unsigned count = party->count < LOOKED_AT ? party->count : LOOKED_AT;
    srf__connection_use_t best_use = SRF__CONNECTION_BUSY;
    srf__connection_t *best = NULL;

    for (; count > 0; count--) {
        srf__connection_t *connection = party->first;
        take_out(party, connection);
        append(party, connection);
        if (listener != NULL && listener != &connection->stream->base)
            continue;
        srf__connection_use_t use = srf__connection_use(connection);
        if (use > best_use ||
            (use == best_use && is_better(connection, best))) {
            best_use = use;
            best = connection;
        }
    }
    return best;
}

/* Little is lost with a client that never said a whole message, or with a
 * server that can be connected to again. */
static bool may_go(srf__connection_t *connection)
{
    return connection->accepted
               ? !connection->spoke &&
                     srf__connection_use(connection) != SRF__CONNECTION_NEEDED
               : srf__connection_use(connection) == SRF__CONNECTION_IDLE;
}

/* The oldest such of peers that have one each. Else whoever has as many
 * addresses as there is room for connections could keep everybody out by saying
 * nothing. */
static srf__connection_t *find_single(srf__crowd_t *crowd,
                                      const srf__listener_t *listener)
{
    for (unsigned i = 0; i < LOOKED_AT; i++) {
        party_t *party = crowd->by_size[0].first;
        if (party == NULL)
            break;
        srf__connection_t *connection = party->first;
        if ((listener == NULL || listener == &connection->stream->base) &&
            may_go(connection))
            return connection;
        look_later(crowd, party);
    }
    return NULL;
}

/* Finds one of a party that has most of them, or nearly so, and at least
 * `least`. */
static srf__connection_t *find_of_most(srf__crowd_t *crowd, uint32_t least,
                                       const srf__listener_t *listener)
{
    unsigned size = SRF__CROWD_SIZES;

    while (size > 0 && crowd->by_size[size - 1].first == NULL)
        size--;
    party_t *party = size == 0 ? NULL : crowd->by_size[size - 1].first;
    if (party == NULL || party->count < least)
        return NULL;
    srf__connection_t *spare = find_spare(party, listener);
    if (spare == NULL)
        look_later(crowd, party);
    return spare;
}

static bool shed(srf__connection_t *connection)
{
    if (connection != NULL)
        srf__connection_shed(connection, "it made room for another peer");
    return connection != NULL;
}

/* Makes room for a peer that has `own` of them. */
static bool make_room(srf__crowd_t *crowd, uint32_t own,
                      const srf__listener_t *listener)
{
    return shed(find_of_most(crowd, 2 * (own + 1), listener)) ||
           (own == 0 && shed(find_single(crowd, listener)));
}

bool srf__crowd_shed(srf__transports_t *transports)
{
    return transports->crowds != NULL &&
           make_room(&transports->crowds->list[SRF__CROWD_ACCEPTED], 0, NULL);
}

static bool is_due(const srf__transports_t *transports, uint64_t *told_ms)
{
    uint64_t now = srf__wheel_now(transports->wheel);

    if (*told_ms != 0 && now - *told_ms < TELL_EVERY_MS)
        return false;
    *told_ms = now;
    return true;
}

/* Of a source behind which there are many (an address translation, a load
 * balancer) the limit is to be raised, which is for the log to say. */
static void tell_of_party(srf__transports_t *transports, srf__crowd_t *crowd,
                          const srf__crowd_guest_t *guest)
{
    char peer[SRF__ADDR_TEXT];

    if (!is_due(transports, &crowd->party_told_ms))
        return;
    (void)srf__addr_text(guest->peer, peer);
    const srf__log_context_t context = {.module = "transport", .peer = peer};
    srf__log_peer(transports->log, SRF_LOG_WARNING, &context,
                  "connection refused: its source has %" PRIu32
                  " already (max_connections_per_source)",
                  guest->per_party);
}

static void tell(srf__transports_t *transports, srf__crowd_t *crowd,
                 srf__crowd_kind_t kind, const srf__addr_t *refused)
{
    static const char *const names[SRF__CROWDS] = {"from peers", "to targets",
                                                   "to where messages point"};
    char peer[SRF__ADDR_TEXT];

    if (!is_due(transports, &crowd->told_ms))
        return;
    (void)srf__addr_text(refused, peer);
    const srf__log_context_t context = {.module = "transport", .peer = peer};
    srf__log_peer(transports->log, SRF_LOG_WARNING, &context,
                  "no room for a connection %s: %" PRIu32 " of %" PRIu32
                  " are there, %" PRIu32 " not open yet; %" PRIu64
                  " descriptors",
                  names[kind], crowd->count, crowd->limit, crowd->opening,
                  transports->crowds->descriptors);
}

/* What messages open must not fill the crowd with what never answers. */
static bool may_open(const srf__crowd_t *crowd, srf__crowd_kind_t kind,
                     const party_t *party)
{
    return kind != SRF__CROWD_NETWORK ||
           ((party == NULL || party->opening < OPENING_TO_ONE) &&
            crowd->opening < crowd->limit - crowd->limit / 4);
}

bool srf__crowd_has_room(srf__transports_t *transports, srf__crowd_kind_t kind,
                         const srf__crowd_guest_t *guest)
{
    srf__crowd_t *crowd = &transports->crowds->list[kind];
    const party_t *party = (const party_t *)srf__map_get(
        &crowd->parties, srf__addr_source(guest->peer, &transports->key));
    uint32_t own = party == NULL ? 0 : party->count;
    bool full = crowd->count >= crowd->limit || guest->listener_is_full;

    if (own >= guest->per_party && guest->per_party != SRF_UNLIMITED) {
        tell_of_party(transports, crowd, guest);
        return false;
    }
    if (may_open(crowd, kind, party) &&
        (!full || make_room(crowd, own,
                            guest->listener_is_full ? guest->listener : NULL)))
        return true;
    tell(transports, crowd, kind, guest->peer);
    return false;
}

/* ---- handshakes ---- */

void srf__crowd_set_greeting(srf__connection_t *connection, bool greeting)
{
    srf__crowds_t *crowds = connection->stream->base.owner->crowds;
    srf__crowd_place_t *place = &connection->place;

    if (greeting == place->greeting)
        return;
    place->greeting = greeting;
    if (!connection->accepted) /* somebody waits for what was opened */
        return;
    if (greeting) {
        place->newer = NULL;
        place->older = crowds->greeting_last;
        crowds->greeting_last = connection;
        *(place->older == NULL ? &crowds->greeting
                               : &place->older->place.newer) = connection;
        return;
    }
    *(place->older == NULL ? &crowds->greeting : &place->older->place.newer) =
        place->newer;
    *(place->newer == NULL ? &crowds->greeting_last
                           : &place->newer->place.older) = place->older;
}

void srf__crowd_relieve(srf__connection_t *connection)
{
    srf__transports_t *transports = connection->stream->base.owner;
    srf__connection_t *oldest = transports->crowds->greeting;

    if (oldest != NULL && oldest != connection)
        srf__connection_shed(oldest, "others shake hands, too");
    else
        (void)srf__crowd_shed(transports);
}

/* ---- coming and going ---- */

static party_t *create_party(srf__crowd_t *crowd, srf__hash128_t key)
{
    party_t *party = srf__calloc(1, sizeof(*party));

    if (party == NULL)
        return NULL;
    party->node.key = key;
    if (srf__map_add(&crowd->parties, &party->node) != 0) {
        srf__free(party);
        return NULL;
    }
    link_party(crowd, party);
    return party;
}

int srf__crowd_join(srf__connection_t *connection, srf__crowd_kind_t kind)
{
    const srf__transports_t *transports = connection->stream->base.owner;
    srf__crowd_t *crowd = &transports->crowds->list[kind];
    srf__hash128_t key = srf__addr_source(&connection->peer, &transports->key);
    party_t *party = (party_t *)srf__map_get(&crowd->parties, key);

    if (party == NULL)
        party = create_party(crowd, key);
    if (party == NULL)
        return SRF_ERR_NO_MEMORY;
    connection->place.crowd = crowd;
    connection->place.party = party;
    connection->place.opening = true;
    append(party, connection);
    count_party(crowd, party, party->count + 1);
    party->opening++;
    crowd->opening++;
    crowd->count++;
    return 0;
}

void srf__crowd_opened(srf__connection_t *connection)
{
    srf__crowd_place_t *place = &connection->place;

    if (place->crowd == NULL || !place->opening)
        return;
    place->opening = false;
    place->party->opening--;
    place->crowd->opening--;
}

void srf__crowd_leave(srf__connection_t *connection)
{
    srf__crowd_t *crowd = connection->place.crowd;
    party_t *party = connection->place.party;

    if (crowd == NULL)
        return;
    srf__crowd_opened(connection);
    srf__crowd_set_greeting(connection, false);
    connection->place.crowd = NULL;
    take_out(party, connection);
    count_party(crowd, party, party->count - 1);
    crowd->count--;
    if (party->count > 0)
        return;
    unlink_party(crowd, party);
    srf__map_remove(&crowd->parties, &party->node);
    srf__free(party);
}
