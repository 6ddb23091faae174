/*
 * The responses that a branch keeps.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/branch_msgs.h"

#include "base/alloc.h"
#include "proxy/context.h"

/* Provisional responses kept for the results; the latest replaces the last one
 * beyond that, so that a peer cannot make us keep without end. */
enum { MSGS_MAX = 32 };

static srf__branch_msg_t *msgs_of(srf__branch_t *branch)
{
    return branch->msg_cap == SRF__BRANCH_FEW ? branch->msgs.few
                                              : branch->msgs.many;
}

/* Makes room for one more response; false when memory is out. */
static bool reserve(srf__branch_t *branch)
{
    if (branch->msg_count < branch->msg_cap)
        return true;
    bool few = branch->msg_cap == SRF__BRANCH_FEW;
    unsigned cap = branch->msg_cap * 2u;
    srf__branch_msg_t *msgs =
        srf__realloc(few ? NULL : branch->msgs.many, cap * sizeof(*msgs));
    if (msgs == NULL)
        return false;
    if (few)
        memcpy(msgs, branch->msgs.few, sizeof(branch->msgs.few));
    branch->msgs.many = msgs;
    branch->msg_cap = (uint8_t)cap;
    return true;
}

const srf__branch_msg_t *srf__branch_final(const srf__branch_t *branch)
{
    const srf__branch_msg_t *msgs = srf__branch_msgs(branch);
    unsigned count = branch->msg_count;

    /* Nothing but a 2xx is kept behind a final response. */
    return count > 0 && msgs[count - 1].status >= 200 ? &msgs[count - 1] : NULL;
}

/* A final response behind another is a retransmission, or a second 2xx of a
 * fork behind us; but the 2xx behind a failure is what became of the target. */
static bool is_news(const srf__branch_t *branch, unsigned status)
{
    const srf__branch_msg_t *final = srf__branch_final(branch);

    return final == NULL || (final->status >= 300 && status < 300);
}

/* Whether a response is needed for nothing but to be forwarded, and sent again
 * if the caller asks: then it is kept as it goes up. Those that are forwarded
 * at once are 1xx and 2xx (RFC 3261 §16.7 step 5). */
static bool only_forwards(const srf__branch_t *branch,
                          const srf__facts_t *response)
{
    return branch->context->settings.unreported && response->status < 300 &&
           response->via2 != 0;
}

static void copy_response(const srf__branch_t *branch,
                          srf__received_t *received, bool forwards_only)
{
    srf__pool_t *pool = &branch->context->element->pool;
    const srf__facts_t *response = received->facts;
    srf__span_t via = srf__cut_top_via(response);

    if (forwards_only) {
        received->msg = srf__msg_create_without(pool, response, via);
    } else {
        received->msg = srf__msg_create(pool, response);
        received->cut = via;
    }
}

void srf__branch_keep(srf__branch_t *branch, srf__received_t *received)
{
    const srf__facts_t *response = received->facts;
    bool trying = response->status == 100;
    bool forwards_only = !trying && only_forwards(branch, response);
    bool bare = trying || forwards_only;

    if (!trying)
        copy_response(branch, received, forwards_only);
    if ((received->msg == NULL && !trying) ||
        !is_news(branch, response->status))
        return;
    if (branch->msg_count == MSGS_MAX)
        srf__msg_unref(msgs_of(branch)[--branch->msg_count].msg);
    if (!reserve(branch))
        return;
    msgs_of(branch)[branch->msg_count++] =
        srf__branch_msg(received->time_us, response->status,
                        bare ? NULL : srf__msg_ref(received->msg));
}

void srf__branch_forget_msgs(srf__branch_t *branch)
{
    for (unsigned i = 0; i < branch->msg_count; i++)
        srf__msg_unref(msgs_of(branch)[i].msg);
    if (branch->msg_cap != SRF__BRANCH_FEW)
        srf__free(branch->msgs.many);
}
