/*
 * A thousand calls through a network that loses, doubles and reorders one
 * datagram in ten: every call ends in a definite state on both sides, every
 * proxy operation tells so once, and nothing is left behind.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/stack.h"
#include "memnet.h"
#include "proxy/mark.h"
#include "runner.h"
#include "sip_text.h"

#include <stdio.h>
#include <string.h>

#define PROXY  "10.0.0.1:5060"
#define CALLER "10.0.0.9:5060"

enum {
    CALLS = 1000,
    TARGETS = 2,
    SPACING_MS = 20,
    T1_MS = 500,
    T2_MS = 4000,
    RING_MS = 700,
    LONG_RING_MS = 20000,
    CANCEL_AFTER_MS = 1500,
    QUIET_MS = 20000, /* without a 200: the caller hangs up */
    PATIENCE_MS = 240000
};

typedef enum plan {
    PLAN_ANSWER,
    PLAN_BUSY_THEN_ANSWER, /* 486 by the first target */
    PLAN_DOWN_THEN_ANSWER, /* 503 */
    PLAN_ALL_BUSY,
    PLAN_CANCEL,
    PLAN_CANCEL_LATE /* about when it is answered */
} plan_t;

typedef enum uac_state {
    UAC_IDLE = 0,
    UAC_CALLING,
    UAC_PROCEEDING,
    UAC_TALKING,
    UAC_LEAVING, /* BYE sent */
    UAC_LEFT,
    UAC_FAILED,
    UAC_TIMEOUT
} uac_state_t;

typedef enum uas_state {
    UAS_IDLE = 0,
    UAS_RINGING,
    UAS_ANSWERED,
    UAS_TALKING,
    UAS_ENDED, /* BYE came */
    UAS_REFUSED,
    UAS_REFUSED_ACKED,
    UAS_TIMEOUT
} uas_state_t;

struct call;

typedef struct uas {
    struct call *call;
    unsigned target;
    uas_state_t state;
    unsigned status; /* of the final response */
    bool acked;
    srf__timer_t ring;
    srf__timer_t resend;
    srf__timer_t limit;
    uint32_t interval_ms;
    char invite[TEXT_BYTES];
} uas_t;

typedef struct call {
    struct world *world;
    unsigned number;
    plan_t plan;
    uac_state_t state;
    unsigned status;     /* final one */
    srf__timer_t step;   /* start, CANCEL, BYE */
    srf__timer_t resend; /* INVITE, then BYE */
    srf__timer_t limit;
    srf__timer_t cancel_resend;
    uint32_t interval_ms;
    uint32_t cancel_interval_ms;
    char to[128];      /* To value of the dialog */
    char contact[128]; /* URI of the callee */
    uas_t uas[TARGETS];
    unsigned handled;
    unsigned done;
} call_t;

typedef struct world {
    uint64_t seed;
    memnet_t *net;
    srf__wheel_t *wheel;
    srf_t *srf;
    srf__marks_t marks; /* its own, which may be gone */
    mempeer_t *caller;
    mempeer_t *target[TARGETS];
    srf__addr_t proxy;
    call_t calls[CALLS];
} world_t;

static call_t *call_of(world_t *world, const char *msg)
{
    char id[64];
    unsigned number;

    ck_assert(value_of(msg, "Call-ID", id, sizeof(id)));
    ck_assert_int_eq(sscanf(id, "call-%u", &number), 1);
    ck_assert_uint_lt(number, CALLS);
    return &world->calls[number];
}

static void start_timer(call_t *call, srf__timer_t *timer, uint64_t ms,
                        srf__timer_cb cb)
{
    srf__timer_start(call->world->wheel, timer, ms, cb);
}

static void stop_timer(call_t *call, srf__timer_t *timer)
{
    srf__timer_stop(call->world->wheel, timer);
}

static uint32_t next_interval(uint32_t ms)
{
    return 2 * ms > T2_MS ? T2_MS : 2 * ms;
}

#define CALL_OF(timer, member) \
 ((call_t *)(void *)((char *)(timer)-offsetof(call_t, member)))
#define UAS_OF(timer, member) \
 ((uas_t *)(void *)((char *)(timer)-offsetof(uas_t, member)))

/* ---- the caller ---- */

/* Along the Record-Route that the proxy wrote. */
static void add_route(text_t *text, const call_t *call)
{
    char data[64];
    char mark[SRF__MARK_LEN + 1] = "";
    int id = snprintf(data, sizeof(data), "call-%u", call->number);
    int tag =
        snprintf(data + id, sizeof(data) - (size_t)id, "a%u", call->number);
    const srf__facts_t facts = {
        .data = data,
        .call_id = {0, (uint16_t)id},
        .from_tag = {(uint16_t)id, (uint16_t)tag},
    };

    srf__mark_dialog(&call->world->marks, &facts, srf__str(NULL, 0), mark);
    add(text, "Route: <sip:" PROXY ";lr;srf=%s>\r\n", mark);
}

static void uac_send(call_t *call, const char *method, unsigned cseq,
                     const char *branch)
{
    bool in_dialog = call->to[0] != '\0' && strcmp(method, "INVITE") != 0 &&
                     strcmp(method, "CANCEL") != 0;
    /* The ACK of a refusal goes where the INVITE went. */
    bool routed = in_dialog && call->contact[0] != '\0';
    text_t text = {0};

    if (routed)
        add(&text, "%s %s SIP/2.0\r\n", method, call->contact);
    else
        add(&text, "%s sip:bob%u@example.com SIP/2.0\r\n", method,
            call->number);
    add(&text, "Via: SIP/2.0/UDP " CALLER ";branch=z9hG4bK-%s%u\r\n", branch,
        call->number);
    if (routed)
        add_route(&text, call);
    add(&text, "Max-Forwards: 70\r\nFrom: <sip:ann@example.com>;tag=a%u\r\n",
        call->number);
    add(&text, "To: %s\r\n", in_dialog ? call->to : "<sip:bob@example.com>");
    add(&text, "Call-ID: call-%u\r\nCSeq: %u %s\r\n", call->number, cseq,
        method);
    if (strcmp(method, "INVITE") == 0)
        add(&text, "Contact: <sip:ann@" CALLER ">\r\n");
    add(&text, "Content-Length: 0\r\n\r\n");
    mempeer_send(call->world->caller, &call->world->proxy, text.p, text.len);
}

static void uac_end(call_t *call, uac_state_t state)
{
    call->state = state;
    stop_timer(call, &call->step);
    stop_timer(call, &call->resend);
    stop_timer(call, &call->limit);
    stop_timer(call, &call->cancel_resend);
}

static void on_uac_limit(srf__timer_t *timer)
{
    uac_end(CALL_OF(timer, limit), UAC_TIMEOUT);
}

/* Timer A: doubles without bound, RFC 3261 §17.1.1.2. */
static void on_invite_resend(srf__timer_t *timer)
{
    call_t *call = CALL_OF(timer, resend);

    uac_send(call, "INVITE", 1, "i");
    call->interval_ms *= 2;
    start_timer(call, timer, call->interval_ms, on_invite_resend);
}

static void on_uac_start(srf__timer_t *timer)
{
    call_t *call = CALL_OF(timer, step);

    call->state = UAC_CALLING;
    uac_send(call, "INVITE", 1, "i");
    call->interval_ms = T1_MS;
    start_timer(call, &call->resend, T1_MS, on_invite_resend);
    start_timer(call, &call->limit, 64 * T1_MS, on_uac_limit);
}

static void on_cancel_resend(srf__timer_t *timer)
{
    call_t *call = CALL_OF(timer, cancel_resend);

    uac_send(call, "CANCEL", 1, "i");
    call->cancel_interval_ms = next_interval(call->cancel_interval_ms);
    start_timer(call, timer, call->cancel_interval_ms, on_cancel_resend);
}

static void on_uac_cancel(srf__timer_t *timer)
{
    call_t *call = CALL_OF(timer, step);

    uac_send(call, "CANCEL", 1, "i");
    call->cancel_interval_ms = T1_MS;
    start_timer(call, &call->cancel_resend, T1_MS, on_cancel_resend);
}

static void on_bye_resend(srf__timer_t *timer)
{
    call_t *call = CALL_OF(timer, resend);

    uac_send(call, "BYE", 2, "b");
    call->interval_ms = next_interval(call->interval_ms);
    start_timer(call, timer, call->interval_ms, on_bye_resend);
}

static void on_uac_bye(srf__timer_t *timer)
{
    call_t *call = CALL_OF(timer, step);

    call->state = UAC_LEAVING;
    uac_send(call, "BYE", 2, "b");
    call->interval_ms = T1_MS;
    start_timer(call, &call->resend, T1_MS, on_bye_resend);
    start_timer(call, &call->limit, 64 * T1_MS, on_uac_limit);
}

static void uac_provisional(call_t *call)
{
    if (call->state != UAC_CALLING)
        return;
    call->state = UAC_PROCEEDING;
    stop_timer(call, &call->resend);
    start_timer(call, &call->limit, PATIENCE_MS, on_uac_limit);
    if (call->plan == PLAN_CANCEL)
        start_timer(call, &call->step, CANCEL_AFTER_MS, on_uac_cancel);
    else if (call->plan == PLAN_CANCEL_LATE)
        start_timer(call, &call->step, RING_MS, on_uac_cancel);
}

/* Every 200 has its ACK, RFC 3261 §13.2.2.4. */
static void uac_answered(call_t *call, const char *msg)
{
    char to[sizeof(call->to)];
    char contact[sizeof(call->contact) + 2];

    ck_assert(value_of(msg, "To", to, sizeof(to)));
    ck_assert(value_of(msg, "Contact", contact, sizeof(contact)));
    if (call->to[0] != '\0')
        ck_assert_msg(strcmp(call->to, to) == 0, "seed %u: call %u forked",
                      (unsigned)call->world->seed, call->number);
    strcpy(call->to, to);
    contact[strlen(contact) - 1] = '\0'; /* of "<...>" */
    memmove(call->contact, contact + 1, strlen(contact));
    uac_send(call, "ACK", 1, "a");
    if (call->state == UAC_CALLING || call->state == UAC_PROCEEDING) {
        uac_end(call, UAC_TALKING);
        call->status = 200;
    }
    if (call->state == UAC_TALKING)
        start_timer(call, &call->step, QUIET_MS, on_uac_bye);
}

static void uac_refused(call_t *call, const char *msg, unsigned status)
{
    ck_assert_msg(call->status == 0 || call->status == status,
                  "seed %u: call %u: %u after %u", (unsigned)call->world->seed,
                  call->number, status, call->status);
    ck_assert(value_of(msg, "To", call->to, sizeof(call->to)));
    uac_send(call, "ACK", 1, "i");
    if (call->state == UAC_CALLING || call->state == UAC_PROCEEDING) {
        uac_end(call, UAC_FAILED);
        call->status = status;
    }
}

static void on_uac_datagram(mempeer_t *peer, const srf__addr_t *from,
                            const char *data, size_t len)
{
    world_t *world = mempeer_data(peer);
    char msg[TEXT_BYTES];
    char cseq[32];
    unsigned status;

    (void)from;
    copy_datagram(msg, data, len);
    ck_assert_int_eq(sscanf(msg, "SIP/2.0 %u ", &status), 1);
    ck_assert(value_of(msg, "CSeq", cseq, sizeof(cseq)));
    call_t *call = call_of(world, msg);
    if (strcmp(cseq, "2 BYE") == 0) {
        if (status >= 200 && call->state == UAC_LEAVING)
            uac_end(call, UAC_LEFT);
    } else if (strcmp(cseq, "1 CANCEL") == 0) {
        stop_timer(call, &call->cancel_resend);
    } else if (status < 200) {
        uac_provisional(call);
    } else if (status < 300) {
        uac_answered(call, msg);
    } else {
        uac_refused(call, msg, status);
    }
}

/* ---- the callees ---- */

static void uas_send(uas_t *uas, const char *request, unsigned status)
{
    world_t *world = uas->call->world;
    char to[128];
    char tag[32] = "";
    text_t text = {0};

    ck_assert(value_of(request, "To", to, sizeof(to)));
    if (strstr(to, ";tag=") == NULL)
        snprintf(tag, sizeof(tag), ";tag=b%u-%u", uas->call->number,
                 uas->target);
    add(&text, "SIP/2.0 %u Whatever\r\n", status);
    copy_lines(&text, request, "Via", "");
    copy_lines(&text, request, "Record-Route", "");
    copy_lines(&text, request, "From", "");
    copy_lines(&text, request, "To", tag);
    copy_lines(&text, request, "Call-ID", "");
    copy_lines(&text, request, "CSeq", "");
    add(&text, "Contact: <sip:bob%u@10.0.0.1%u:5060>\r\n", uas->call->number,
        uas->target + 1);
    add(&text, "Content-Length: 0\r\n\r\n");
    mempeer_send(world->target[uas->target], &world->proxy, text.p, text.len);
}

static void uas_end(uas_t *uas, uas_state_t state)
{
    uas->state = state;
    stop_timer(uas->call, &uas->ring);
    stop_timer(uas->call, &uas->resend);
    stop_timer(uas->call, &uas->limit);
}

static void on_uas_limit(srf__timer_t *timer)
{
    uas_end(UAS_OF(timer, limit), UAS_TIMEOUT);
}

static void on_uas_resend(srf__timer_t *timer)
{
    uas_t *uas = UAS_OF(timer, resend);

    uas_send(uas, uas->invite, uas->status);
    uas->interval_ms = next_interval(uas->interval_ms);
    start_timer(uas->call, timer, uas->interval_ms, on_uas_resend);
}

static void uas_final(uas_t *uas, unsigned status)
{
    uas_end(uas, status < 300 ? UAS_ANSWERED : UAS_REFUSED);
    uas->status = status;
    uas_send(uas, uas->invite, status);
    uas->interval_ms = T1_MS;
    start_timer(uas->call, &uas->resend, T1_MS, on_uas_resend);
    start_timer(uas->call, &uas->limit, 64 * T1_MS, on_uas_limit);
}

static void on_uas_answer(srf__timer_t *timer)
{
    uas_final(UAS_OF(timer, ring), 200);
}

static void uas_invite(uas_t *uas, const char *msg)
{
    plan_t plan = uas->call->plan;

    if (uas->state == UAS_RINGING) {
        uas_send(uas, uas->invite, 180);
    } else if (uas->state == UAS_REFUSED) {
        uas_send(uas, uas->invite, uas->status);
    } else if (uas->state == UAS_IDLE) {
        strcpy(uas->invite, msg);
        if (plan == PLAN_ALL_BUSY ||
            (plan == PLAN_BUSY_THEN_ANSWER && uas->target == 0)) {
            uas_final(uas, 486);
        } else if (plan == PLAN_DOWN_THEN_ANSWER && uas->target == 0) {
            uas_final(uas, 503);
        } else {
            uas->state = UAS_RINGING;
            uas_send(uas, msg, 180);
            start_timer(uas->call, &uas->ring,
                        plan == PLAN_CANCEL ? LONG_RING_MS : RING_MS,
                        on_uas_answer);
        }
    }
}

static void uas_ack(uas_t *uas)
{
    uas->acked = true;
    if (uas->state == UAS_ANSWERED)
        uas_end(uas, UAS_TALKING);
    else if (uas->state == UAS_REFUSED)
        uas_end(uas, UAS_REFUSED_ACKED);
}

static void on_uas_datagram(mempeer_t *peer, const srf__addr_t *from,
                            const char *data, size_t len)
{
    world_t *world = mempeer_data(peer);
    unsigned target = peer == world->target[0] ? 0 : 1;
    char msg[TEXT_BYTES];

    (void)from;
    copy_datagram(msg, data, len);
    uas_t *uas = &call_of(world, msg)->uas[target];
    if (strncmp(msg, "INVITE ", 7) == 0) {
        uas_invite(uas, msg);
    } else if (strncmp(msg, "ACK ", 4) == 0) {
        uas_ack(uas);
    } else if (strncmp(msg, "CANCEL ", 7) == 0) {
        uas_send(uas, msg, uas->state == UAS_IDLE ? 481 : 200);
        if (uas->state == UAS_RINGING)
            uas_final(uas, 487);
    } else {
        ck_assert(strncmp(msg, "BYE ", 4) == 0);
        uas_send(uas, msg, 200);
        if (uas->state == UAS_ANSWERED || uas->state == UAS_TALKING)
            uas_end(uas, UAS_ENDED);
    }
}

/* ---- the proxy ---- */

static call_t *call_of_request(srf_req_t *req)
{
    world_t *world = srf_data(srf_req_srf(req));
    unsigned number;

    ck_assert_int_eq(sscanf(srf_req_call_id(req), "call-%u", &number), 1);
    return &world->calls[number];
}

static void on_done(srf_req_t *req, int err, const srf_proxy_results_t *results)
{
    call_t *call = call_of_request(req);

    call->done++;
    ck_assert_msg(results->final_status != 0 || err == SRF_ERR_CANCELED,
                  "seed %u: call %u without answer",
                  (unsigned)call->world->seed, call->number);
}

static void on_request(srf_req_t *req, srf_res_t *res)
{
    srf_proxy_options_t options;

    (void)res;
    call_of_request(req)->handled++;
    srf_proxy_options_init(&options);
    options.record_route = 1;
    ck_assert_int_eq(
        srf_proxy_request(req,
                          SRF_URIS("sip:10.0.0.11:5060", "sip:10.0.0.12:5060"),
                          &options, on_done),
        0);
}

/* ---- the test ---- */

static plan_t plan_of(unsigned number)
{
    static const plan_t plans[10] = {
        PLAN_ANSWER,      PLAN_BUSY_THEN_ANSWER, PLAN_ANSWER,   PLAN_CANCEL,
        PLAN_ANSWER,      PLAN_DOWN_THEN_ANSWER, PLAN_ALL_BUSY, PLAN_ANSWER,
        PLAN_CANCEL_LATE, PLAN_ANSWER,
    };

    return plans[number % 10];
}

static world_t *world_create(uint64_t seed)
{
    static const memnet_faults_t faults = {.loss_pct = 10,
                                           .duplicate_pct = 10,
                                           .reorder_pct = 10,
                                           .reorder_ms = 300,
                                           .delay_ms = 5};
    world_t *world = calloc(1, sizeof(*world));

    ck_assert_ptr_nonnull(world);
    world->seed = seed;
    world->net = memnet_create(seed);
    world->wheel = memnet_wheel(world->net);
    memnet_set_faults(world->net, &faults);
    world->srf = memnet_stack(world->net, PROXY, NULL);
    ck_assert(srf__addr_from_host(&world->proxy, srf__str_of("10.0.0.1"), 5060,
                                  SRF__TRANSPORT_UDP));
    world->caller = mempeer_create(world->net, CALLER, on_uac_datagram, world);
    world->target[0] =
        mempeer_create(world->net, "10.0.0.11:5060", on_uas_datagram, world);
    world->target[1] =
        mempeer_create(world->net, "10.0.0.12:5060", on_uas_datagram, world);
    world->marks = world->srf->element.marks;
    srf_set_data(world->srf, world);
    ck_assert_int_eq(srf_on(world->srf, NULL, on_request), 0);
    for (unsigned i = 0; i < CALLS; i++) {
        call_t *call = &world->calls[i];
        call->world = world;
        call->number = i;
        call->plan = plan_of(i);
        for (unsigned j = 0; j < TARGETS; j++) {
            call->uas[j].call = call;
            call->uas[j].target = j;
        }
        start_timer(call, &call->step, (uint64_t)i * SPACING_MS, on_uac_start);
    }
    return world;
}

static void check_uas(const call_t *call, const uas_t *uas)
{
    ck_assert_msg(uas->state != UAS_RINGING && uas->state != UAS_ANSWERED &&
                      uas->state != UAS_REFUSED,
                  "seed %u: call %u: target %u is left in state %d",
                  (unsigned)call->world->seed, call->number, uas->target,
                  (int)uas->state);
    /* Whoever heard no BYE knows of a caller that went away. */
    if (uas->state == UAS_TALKING)
        ck_assert_int_eq(call->state, UAC_TIMEOUT);
}

/* A call is complete when it ended as its plan says. */
static bool check_call(const call_t *call)
{
    unsigned seed = (unsigned)call->world->seed;

    ck_assert_msg(call->state == UAC_LEFT || call->state == UAC_FAILED ||
                      call->state == UAC_TIMEOUT,
                  "seed %u: call %u: caller left in state %d", seed,
                  call->number, (int)call->state);
    for (unsigned i = 0; i < TARGETS; i++)
        check_uas(call, &call->uas[i]);
    ck_assert_msg(call->handled <= 1, "seed %u: call %u handled %u times", seed,
                  call->number, call->handled);
    ck_assert_msg(call->done == call->handled, "seed %u: call %u: %u callbacks",
                  seed, call->number, call->done);
    switch (call->plan) {
    case PLAN_ALL_BUSY:
        return call->state == UAC_FAILED && call->status == 486;
    case PLAN_CANCEL:
        return call->state == UAC_FAILED && call->status == 487;
    case PLAN_CANCEL_LATE:
        return call->state ==
               (call->uas[0].status == 200 ? UAC_LEFT : UAC_FAILED);
    case PLAN_ANSWER:
    case PLAN_BUSY_THEN_ANSWER:
    case PLAN_DOWN_THEN_ANSWER:
        break;
    }
    return call->state == UAC_LEFT &&
           (call->uas[0].acked || call->uas[0].status != 200) &&
           (call->uas[1].acked || call->uas[1].status != 200);
}

static void check_nothing_left(world_t *world)
{
    srf_stats_t stats = {.size = sizeof(stats)};
    unsigned seed = (unsigned)world->seed;

    ck_assert_int_eq(srf_stats(world->srf, &stats), 0);
    ck_assert_msg(
        stats.server_transactions == 0 && stats.client_transactions == 0 &&
            stats.proxies_pending == 0,
        "seed %u: %u server and %u client transactions, %u proxies", seed,
        (unsigned)stats.server_transactions,
        (unsigned)stats.client_transactions, (unsigned)stats.proxies_pending);
    /* The network did what it was asked to. */
    ck_assert_uint_gt(stats.retransmissions_received, CALLS / 10);
    ck_assert_uint_gt(stats.retransmissions_sent, CALLS / 10);
}

START_TEST(calls_end_in_a_definite_state_on_both_sides)
{
    uint64_t seed = 1000003u * (unsigned)_i + 1;
    world_t *world = world_create(seed);
    unsigned as_planned = 0;

    memnet_run(world->net, (uint64_t)CALLS * SPACING_MS);
    memnet_drain(world->net, 3600000);
    for (unsigned i = 0; i < CALLS; i++)
        as_planned += check_call(&world->calls[i]);
    check_nothing_left(world);
    /* Eleven losses in a row come once in some hundred thousand calls. */
    ck_assert_msg(as_planned >= CALLS - 1, "seed %u: only %u calls as planned",
                  (unsigned)seed, as_planned);
    srf_destroy(world->srf, NULL);
    memnet_run(world->net, 10);
    memnet_destroy(world->net);
    free(world);
}
END_TEST

START_TEST(a_stack_destroyed_amid_the_calls_completes_each_once)
{
    uint64_t seed = 77 + (unsigned)_i;
    world_t *world = world_create(seed);
    uint64_t until = 3000 + 4100 * (uint64_t)_i;

    memnet_run(world->net, until);
    srf_destroy(world->srf, NULL);
    memnet_drain(world->net, 3600000);
    for (unsigned i = 0; i < CALLS; i++) {
        const call_t *call = &world->calls[i];
        ck_assert_msg(call->done == call->handled,
                      "seed %u: call %u: %u callbacks", (unsigned)seed, i,
                      call->done);
    }
    memnet_destroy(world->net);
    free(world);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("lossy");
    TCase *tcase = tcase_create("calls");

    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, calls_end_in_a_definite_state_on_both_sides, 0,
                        5);
    tcase_add_loop_test(
        tcase, a_stack_destroyed_amid_the_calls_completes_each_once, 0, 4);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(suite());
}
