/*
 * A branch: one client transaction started for a target, with what came back
 * and why it ended.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_BRANCH_H
#define SRF_BRANCH_H

#include "proxy/element.h"
#include "proxy/target.h"
#include "proxy/way.h"
#include "srf/srf.h"
#include "transaction/client.h"

typedef enum srf__branch_state {
    SRF__BRANCH_PENDING = 0, /* the search waits for its final response */
    SRF__BRANCH_GIVEN_UP, /* the search went on; late responses are handled */
    SRF__BRANCH_ENDED
} srf__branch_state_t;

/* A response that came; holds a reference. Every ringing call has some: the
 * time, good until 2112, and the status share a word. */
typedef struct srf__branch_msg {
    uint64_t time_us : 52;
    uint64_t status : 12;
    srf_msg_t *msg;
} srf__branch_msg_t;

static inline srf__branch_msg_t srf__branch_msg(int64_t time_us,
                                                unsigned status, srf_msg_t *msg)
{
    srf__branch_msg_t out = {
        .time_us = (uint64_t)time_us & ((UINT64_C(1) << 52) - 1),
        .status = status & 0xfff,
        .msg = msg,
    };

    return out;
}

enum { SRF__BRANCH_FEW = 2 };

typedef struct srf__branch {
    srf__context_t *context;
    struct srf__branch *next;
    srf__client_t *client; /* NULL when there is none (any more) */
    srf__timer_t timer;    /* what is due first of the timeouts and Timer C,
                              then the wait behind a CANCEL */
    const srf__target_t *target;
    srf__way_t *way; /* of a name, as long as addresses may be left; NULL: none
                        are */
    union {
        srf__branch_msg_t few[SRF__BRANCH_FEW];
        srf__branch_msg_t *many; /* when msg_cap is more */
    } msgs;                      /* in order of arrival */
    srf__addr_t addr;            /* family 0: never known */
    uint32_t sent_ms;            /* low bits of the wheel's time */
    uint16_t breadth;            /* its share of Max-Breadth */
    uint8_t msg_count;
    uint8_t msg_cap;
    uint16_t status;     /* final status, also when it stands for a timeout or
                            a failure; 0 while there is none */
    uint8_t cause;       /* srf_cause_t */
    uint8_t state : 2;   /* srf__branch_state_t */
    uint8_t told : 2;    /* to hooks: SRF__TOLD_* */
    uint8_t detour : 2;  /* srf__detour_t */
    bool along_flow : 1; /* it went along a flow that a Route names */
    bool generated : 1;  /* status is no response of a server */
    bool guarded : 1;    /* a CANCEL went out; timer is its 64*T1 */
    bool redirected : 1; /* its 3xx was followed */
    bool named : 1;      /* its host is a name */
    bool foreign : 1;    /* that the network chose */
} srf__branch_t;

static inline const srf__branch_msg_t *
srf__branch_msgs(const srf__branch_t *branch)
{
    return branch->msg_cap == SRF__BRANCH_FEW ? branch->msgs.few
                                              : branch->msgs.many;
}

/* A response that came to a branch. */
typedef struct srf__received {
    const srf__facts_t *facts;
    int64_t time_us;
    srf_msg_t *msg;  /* a copy; NULL: none is needed, or memory is out */
    srf__span_t cut; /* bytes of the copy that do not go on: our Via */
} srf__received_t;

/* Whom the branches of a context report to. */
typedef struct srf__branch_user {
    /* A response came; the branch is still as it was before. */
    void (*heard)(srf__branch_t *branch, const srf__received_t *received);
    /* The branch has taken it in. */
    void (*response)(srf__branch_t *branch, const srf__received_t *received);
    /* The branch takes no more part in the search, or is not waited for any
     * more: its last word. The context may be gone afterwards, with all its
     * branches. */
    void (*go_on)(srf__context_t *context);
} srf__branch_user_t;

/* What the hooks of the program have been told last. */
enum { SRF__TOLD_BEGIN = 1, SRF__TOLD_END = 2 };

/* Creates a branch for a target at the end of the context's list and sends the
 * request. A target that cannot be tried gives a branch that has ended (look at
 * its state). 0, or SRF_ERR_NO_MEMORY: no branch. */
int srf__branch_launch(srf__context_t *context, const srf__target_t *target);

/* Cancels: a CANCEL goes out now or with the first provisional response, and
 * the branch is given up 64*T1 later (RFC 3261 §9.1). */
void srf__branch_cancel(srf__branch_t *branch, srf__str_t lines);

/* Frees it; its transaction goes on alone as far as it must. `end`: it does
 * not. */
void srf__branch_destroy(srf__branch_t *branch, bool end);

#endif /* SRF_BRANCH_H */
