/*
 * The proxying element: what routing, forking and forwarding work with. The
 * stack has one.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_ELEMENT_H
#define SRF_ELEMENT_H

#include "base/log.h"
#include "base/pool.h"
#include "base/quota.h"
#include "base/random.h"
#include "base/wheel.h"
#include "message/uri.h"
#include "proxy/recent.h"
#include "resolver/dead.h"
#include "transaction/table.h"
#include "transport/transport.h"

typedef struct srf__context srf__context_t;
struct srf__resolver;

/* A further name of this element, declared with srf_alias(). */
typedef struct srf__alias {
    char *host;
    uint16_t port; /* 0: the default port and the ports listened on */
} srf__alias_t;

/* What marks are made with and known by; see mark.h. */
enum { SRF__MARK_KEYS = 2 };

typedef struct srf__marks {
    srf__hash_key_t keys[SRF__MARK_KEYS]; /* the first makes them */
    unsigned count;
    uint64_t era; /* unlike that of any other stack */
} srf__marks_t;

typedef struct srf__element {
    srf__pool_t pool; /* of what calls consist of */
    srf__wheel_t *wheel;
    srf__log_t log;
    srf__random_t random;
    srf__transports_t transports;
    srf__txns_t txns;
    srf__marks_t marks;
    srf__recent_t recent;
    bool relay_acks; /* of anybody, without a mark */

    uint32_t timer_c_ms;
    uint32_t max_targets;
    bool sips_downgrade; /* what leads on need not be sips, too */
    uint64_t sips_refused;
    uint32_t udp_mtu;   /* longer requests leave over TCP */
    srf__dead_t no_tcp; /* addresses where it was tried in vain */
    /* Wall clock for the results; replaceable in tests. */
    int64_t (*wall_us)(void);

    srf__alias_t *aliases;
    size_t alias_count;

    struct srf__resolver *resolver; /* NULL: names are not found */
    struct srf__waiting_ack *acks;  /* see ack.h */
    srf__map_t strays;              /* see undelivered.h */
    /* How many of these each source has caused. */
    srf__quota_t ack_quota;
    srf__quota_t stray_quota;

    srf__context_t *contexts; /* proxy operations under way */
    srf__context_t *done;     /* of these, completed by the loop next */
    srf__timer_t done_timer;
    const struct srf__branch_user *reports; /* whom branches report to */
    /* Of the request whose search is starting, prepared; NULL: not at hand. */
    const struct srf__route *route;
    uint64_t proxied;
    uint64_t pending;
} srf__element_t;

/* Adds an alias, "HOST" or "HOST:PORT". 0; SRF_ERR_INVALID_ARGUMENT;
 * SRF_ERR_NO_MEMORY. */
int srf__element_alias(srf__element_t *element, const char *hostport);
/* Checks what a listener is to advertise, which has the form of an alias, and
 * copies it. NULL stays NULL. The errors are those of srf__element_alias(). */
int srf__advertised_read(const char *hostport, char **out);
void srf__element_deinit(srf__element_t *element);

/* Whether a URI names this element: host, port and transport are those of a
 * listener or an alias (RFC 3261 §16.4, §16.5). *listener (may be NULL)
 * receives the one it names, NULL when there are several. */
bool srf__element_is(srf__element_t *element, const srf__uri_t *uri,
                     srf__listener_t **listener);
/* Tells whether the sent-by of a Via value in `facts` is a name of this
 * element. */
bool srf__element_sent(srf__element_t *element, const srf__facts_t *facts,
                       const srf__via_t *via);

#endif /* SRF_ELEMENT_H */
