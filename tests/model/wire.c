/*
 * What no proxy may do.
 *
 * SPDX-License-Identifier: MIT
 */
#include "wire.h"

#include <stdio.h>
#include <string.h>

enum { BRANCHES_MAX = CALLS_MAX * ATTEMPTS_MAX, FINALS_MAX = 64 };

/* A request to a target, and what came back. */
typedef struct branch {
    const record_t *request;
    const record_t *cancel;
    uint64_t request_ms;
    uint64_t failure_ms; /* of the first one delivered */
    uint64_t success_ms;
    unsigned provisionals; /* delivered to the proxy */
    unsigned failures;
    unsigned successes;
    unsigned acks;
    bool failed; /* it could not be sent */
} branch_t;

typedef struct call {
    const plan_t *plan;
    const record_t *failure; /* the final response other than 2xx */
    const record_t *success; /* the first 2xx */
    bool success_counts;     /* and its transaction was alive */
    bool heard_cancel;
    unsigned decided;
    unsigned done;
    unsigned told; /* of the caller's CANCEL */
    unsigned begun;
    unsigned ended;
    unsigned received;
    unsigned acks_received;
    unsigned acks_sent;
    unsigned cancels_received;
    unsigned cancels_answered;
} call_t;

typedef struct wire {
    trace_t *trace;
    const record_t *record; /* in hand */
    call_t calls[CALLS_MAX];
    unsigned branch_count;
    branch_t branches[BRANCHES_MAX];
    unsigned successes_in[ANSWERS_MAX];   /* 2xx to INVITE, by answer */
    unsigned successes_late[ANSWERS_MAX]; /* of these, when it was over */
    unsigned successes_out[ANSWERS_MAX];
    const record_t *arrived[ANSWERS_MAX];
    bool closed[HOSTS]; /* sending fails at once */
    bool destroying;
    uint64_t destroy_ms;
    unsigned destroyed;
} wire_t;

static bool object(const wire_t *wire, const char *what)
{
    const record_t *record = wire->record;

    return trace_fail(wire->trace, "%llu, call %d, host %d, %s %d: %s",
                      (unsigned long long)record->time_ms, record->call,
                      record->host, method_name(record->method), record->status,
                      what);
}

#define MUST(condition, what)   \
 do {                           \
  if (!(condition))             \
   return object(wire, (what)); \
 } while (0)

static branch_t *find_branch(wire_t *wire, const record_t *record)
{
    for (unsigned i = 0; i < wire->branch_count; i++) {
        if (strcmp(wire->branches[i].request->branch, record->branch) == 0)
            return &wire->branches[i];
    }
    return NULL;
}

/* ---- pieces of messages ---- */

static bool same_line(const char *one, const char *two, const char *name)
{
    size_t one_len = 0;
    size_t two_len = 0;
    const char *a = line_value(one, name, 0, &one_len);
    const char *b = line_value(two, name, 0, &two_len);

    return (a == NULL) == (b == NULL) && one_len == two_len &&
           (a == NULL || memcmp(a, b, one_len) == 0);
}

static bool line_is(const char *text, const char *name, const char *wanted)
{
    size_t len;
    const char *value = line_value(text, name, 0, &len);

    return value != NULL && len == strlen(wanted) &&
           memcmp(value, wanted, len) == 0;
}

static bool has_line(const char *text, const char *name)
{
    size_t len;

    return line_value(text, name, 0, &len) != NULL;
}

static bool same_request_uri(const char *one, const char *two)
{
    const char *a = strchr(one, ' ');
    const char *b = strchr(two, ' ');
    size_t len = strcspn(a + 1, " ") + 1;

    return strncmp(a, b, len + 1) == 0;
}

/* CANCEL and ACK are made like this from their INVITE (§9.1, §17.1.1.3). */
static bool check_made_from(const wire_t *wire, const record_t *invite)
{
    const char *text = wire->record->text;

    MUST(same_request_uri(text, invite->text), "another Request-URI");
    MUST(same_line(text, invite->text, "Via"), "another top Via");
    MUST(line_count(text, "Via") == 1, "more than one Via");
    MUST(same_line(text, invite->text, "From"), "another From");
    MUST(same_line(text, invite->text, "Call-ID"), "another Call-ID");
    MUST(same_line(text, invite->text, "Route"), "another Route");
    MUST(has_line(text, "Max-Forwards"), "no Max-Forwards");
    return true;
}

/* ---- to targets ---- */

static bool check_new_branch(wire_t *wire, const call_t *call)
{
    const record_t *record = wire->record;

    MUST(call->decided == 1, "proxied without being asked to");
    MUST(call->done == 0, "a target is tried after the end");
    MUST(call->failure == NULL && !call->success_counts,
         "a target is tried after the final response");
    MUST(!call->heard_cancel, "a target is tried after the caller's CANCEL");
    MUST(strncmp(record->branch, "z9hG4bK", 7) == 0, "no magic cookie");
    MUST(line_is(record->text, "Max-Forwards", "69"), "wrong Max-Forwards");
    MUST(line_count(record->text, "Via") == 2, "wrong number of Vias");
    MUST(has_line(record->text, "Record-Route") ==
             (call->plan->options.record_route != 0 &&
              record->method == METHOD_INVITE),
         "Record-Route or none");
    MUST(wire->branch_count < BRANCHES_MAX, "branches without end");
    branch_t *branch = &wire->branches[wire->branch_count++];
    memset(branch, 0, sizeof(*branch));
    branch->request = record;
    branch->request_ms = record->time_ms;
    return true;
}

static bool check_request(wire_t *wire, call_t *call)
{
    const record_t *record = wire->record;
    branch_t *branch = find_branch(wire, record);

    MUST(record->method == call->plan->method, "another method");
    if (branch == NULL) {
        if (!check_new_branch(wire, call))
            return false;
        branch = &wire->branches[wire->branch_count - 1];
    } else {
        MUST(branch->request->call == record->call &&
                 branch->request->host == record->host,
             "one branch for two requests");
        MUST(strcmp(branch->request->text, record->text) == 0,
             "a retransmission that differs");
        MUST(branch->failures + branch->successes == 0,
             "repeated after a final response");
        MUST(record->method != METHOD_INVITE || branch->provisionals == 0,
             "repeated after a provisional response");
        MUST(record->time_ms - branch->request_ms < LIFE_MS,
             "repeated beyond 64*T1");
    }
    branch->failed |= wire->closed[record->host];
    return true;
}

static bool check_cancel(wire_t *wire)
{
    const record_t *record = wire->record;
    branch_t *branch = find_branch(wire, record);

    MUST(branch != NULL, "a CANCEL of nothing");
    MUST(branch->request->method == METHOD_INVITE,
         "a CANCEL of another method (§9.1)");
    if (branch->cancel != NULL) {
        MUST(strcmp(branch->cancel->text, record->text) == 0,
             "two CANCELs for one branch");
        return true;
    }
    branch->cancel = record;
    MUST(branch->provisionals > 0, "before a provisional response (§9.1)");
    MUST(branch->failures + branch->successes == 0, "after the final response");
    MUST(line_is(record->text, "CSeq", "1 CANCEL"), "wrong CSeq");
    MUST(same_line(record->text, branch->request->text, "To"), "another To");
    return check_made_from(wire, branch->request);
}

static bool check_ack(wire_t *wire, call_t *call)
{
    const record_t *record = wire->record;
    branch_t *branch = find_branch(wire, record);

    if (branch == NULL) { /* along the route */
        call->acks_sent++;
        MUST(call->acks_sent <= call->acks_received, "an ACK of its own");
        MUST(line_is(record->text, "Max-Forwards", "69"), "wrong Max-Forwards");
        MUST(!has_line(record->text, "Route"), "our Route is left");
        return true;
    }
    branch->acks++;
    MUST(branch->request->method == METHOD_INVITE, "an ACK for a non-INVITE");
    MUST(branch->acks <= branch->failures, "more ACKs than failures");
    MUST(line_is(record->text, "CSeq", "1 ACK"), "wrong CSeq");
    return check_made_from(wire, branch->request);
}

/* ---- to the caller ---- */

/* §16.7 steps 3 and 9: as it came, but for our Via. Challenges may have been
 * added. */
static bool check_forwarded(wire_t *wire)
{
    const record_t *record = wire->record;
    const record_t *arrived = wire->arrived[record->answer];

    MUST(arrived != NULL, "a response that did not come");
    MUST(arrived->status == record->status && arrived->call == record->call,
         "a response led astray");
    const char *via = strstr(arrived->text, "\r\nVia:");
    size_t before = (size_t)(via - arrived->text) + 2;
    const char *behind = strstr(via + 2, "\r\n") + 2;
    size_t end = strlen(record->text);
    size_t rest = strlen(behind);

    if (record->challenges == arrived->challenges)
        MUST(end == before + rest, "a response of another length");
    else
        rest = 0;
    MUST(strncmp(record->text, arrived->text, before) == 0 &&
             strncmp(record->text + before, behind, rest) == 0,
         "a response that was changed");
    return true;
}

static bool check_made(const wire_t *wire)
{
    int status = wire->record->status;
    const char *text = wire->record->text;
    size_t len;
    const char *to = line_value(text, "To", 0, &len);

    MUST(status == 100 || status == 408 || status == 487 || status == 500,
         "the proxy makes this up");
    MUST(line_count(text, "Via") == 1, "wrong number of Vias");
    const char *tag = to == NULL ? NULL : strstr(to, ";tag=");
    MUST(status == 100 || (tag != NULL && tag < to + len), "no To tag");
    return true;
}

static bool check_success(wire_t *wire, call_t *call)
{
    const record_t *record = wire->record;

    MUST(record->answer != 0, "a 2xx made up");
    if (call->plan->method == METHOD_INVITE) {
        wire->successes_out[record->answer]++;
    } else {
        MUST(call->failure == NULL, "a second final response");
        MUST(call->success == NULL ||
                 strcmp(call->success->text, record->text) == 0,
             "a second final response");
    }
    if (call->success == NULL)
        call->success = record;
    return true;
}

static bool check_failure(wire_t *wire, call_t *call)
{
    const record_t *record = wire->record;

    MUST(call->plan->method == METHOD_INVITE || record->status != 408,
         "408 to a non-INVITE (RFC 4320)");
    MUST(record->status != 503, "503 goes up (§16.7 step 6)");
    if (call->failure != NULL) {
        MUST(strcmp(call->failure->text, record->text) == 0,
             "a second final response");
        return true;
    }
    MUST(!call->success_counts, "a failure after a 2xx");
    call->failure = record;
    return true;
}

static bool check_response(wire_t *wire, call_t *call)
{
    const record_t *record = wire->record;

    MUST(record->method != METHOD_ACK && record->method != METHOD_ACK_2XX,
         "an answer to an ACK");
    MUST(call->received > 0, "an answer to nothing");
    if (record->method == METHOD_CANCEL) {
        call->cancels_answered++;
        MUST(call->cancels_answered <= call->cancels_received,
             "more answers than CANCELs");
        MUST(record->status == 200 || record->status == 481,
             "another answer to CANCEL");
        call->heard_cancel |= record->status == 200 && !call->success_counts &&
                              call->failure == NULL;
        return true;
    }
    MUST(record->method == call->plan->method, "an answer to nothing");
    if (!(record->answer == 0 ? check_made(wire) : check_forwarded(wire)))
        return false;
    if (record->status >= 300)
        return check_failure(wire, call);
    if (record->status >= 200)
        return check_success(wire, call);
    MUST(call->failure == NULL && !call->success_counts,
         "provisional after the final response");
    MUST(call->plan->method == METHOD_INVITE || record->status == 100,
         "provisional to a non-INVITE (RFC 4320)");
    return true;
}

static bool check_sent(wire_t *wire)
{
    const record_t *record = wire->record;

    MUST(!wire->destroying, "sent after srf_destroy()");
    MUST(record->call >= 0 && record->call < CALLS_MAX, "of no call");
    call_t *call = &wire->calls[record->call];
    if (record->host == 0) {
        MUST(record->status != 0, "a request to the caller");
        return check_response(wire, call);
    }
    MUST(record->host > 0 && record->host < HOSTS, "to nobody");
    MUST(record->status == 0, "a response to a target");
    if (record->method == METHOD_CANCEL)
        return check_cancel(wire);
    if (record->method == METHOD_ACK || record->method == METHOD_ACK_2XX)
        return check_ack(wire, call);
    return check_request(wire, call);
}

/* ---- what comes in ---- */

/* Whether the transaction that a response belongs to has not ended of itself;
 * if it has, a 2xx means nothing for the rest. */
static bool is_alive(branch_t *branch, uint64_t now_ms)
{
    bool first =
        branch->provisionals + branch->failures + branch->successes == 0;

    branch->failed |=
        (first && now_ms - branch->request_ms >= LIFE_MS) ||
        (branch->cancel != NULL &&
         now_ms - branch->cancel->time_ms >= LIFE_MS) ||
        (branch->failures > 0 && now_ms - branch->failure_ms >= LIFE_MS);
    return !branch->failed;
}

static void note_response(wire_t *wire, const record_t *record)
{
    branch_t *branch = find_branch(wire, record);
    call_t *call = &wire->calls[record->call];

    wire->arrived[record->answer] = record;
    if (branch == NULL || record->method != branch->request->method)
        return;
    bool alive = is_alive(branch, record->time_ms);
    if (record->status < 200) {
        branch->provisionals++;
    } else if (record->status >= 300) {
        if (branch->failures++ == 0)
            branch->failure_ms = record->time_ms;
    } else {
        if (branch->successes++ == 0)
            branch->success_ms = record->time_ms;
        if (record->method != METHOD_INVITE)
            return;
        wire->successes_in[record->answer]++;
        wire->successes_late[record->answer] +=
            !alive || record->time_ms - branch->success_ms >= LIFE_MS;
        call->success_counts |= alive && call->failure == NULL;
    }
}

static void note_received(wire_t *wire, const record_t *record)
{
    call_t *call = &wire->calls[record->call];

    if (record->status != 0) {
        note_response(wire, record);
        return;
    }
    call->received++;
    call->acks_received +=
        record->method == METHOD_ACK || record->method == METHOD_ACK_2XX;
    call->cancels_received += record->method == METHOD_CANCEL;
}

static void note_bounced(wire_t *wire, const record_t *record)
{
    branch_t *branch = find_branch(wire, record);

    if (branch != NULL && record->method != METHOD_ACK)
        branch->failed = true;
}

/* ---- callbacks ---- */

/* The caller was sent a final response with this status. */
static bool was_sent(const wire_t *wire, int status)
{
    const record_t *record = wire->trace->records;

    for (; record < wire->record; record++) {
        if (record->event == EVENT_SENT && record->host == 0 &&
            record->call == wire->record->call && record->status == status &&
            record->method != METHOD_CANCEL)
            return true;
    }
    return false;
}

static bool check_done(const wire_t *wire, call_t *call)
{
    const report_t *report = wire->record->report;

    MUST(call->decided == 1, "results of what was not proxied");
    MUST(++call->done == 1, "results twice");
    /* What had ended just before may say so. */
    MUST(!wire->destroying || report->err == SRF_ERR_CANCELED ||
             report->final_status != 0,
         "srf_destroy() is not told of");
    MUST(report->connected == (report->final_status / 100 == 2),
         "connected without a 2xx, or a 2xx without");
    MUST(!call->plan->hooked || report->err == SRF_ERR_CANCELED ||
             (call->ended == report->attempt_count &&
              call->begun <= call->ended),
         "on_branch() does not tell of each attempt");
    MUST(report->final_status == 0 || was_sent(wire, report->final_status),
         "a status the caller was not sent");
    return true;
}

static bool check_hook(wire_t *wire, call_t *call)
{
    const record_t *record = wire->record;

    MUST(call->plan->hooked, "a hook that was not asked for");
    MUST(call->decided == 1 && call->done == 0, "a hook out of its time");
    if (record->event == EVENT_HEARD) {
        MUST(call->begun > 0, "a response before its attempt began");
        return true;
    }
    call->begun += record->status == SRF_CAUSE_NONE;
    call->ended += record->status != SRF_CAUSE_NONE;
    return true;
}

static bool check_record(wire_t *wire)
{
    const record_t *record = wire->record;
    call_t *call = &wire->calls[record->call < 0 ? 0 : record->call];

    switch (record->event) {
    case EVENT_RECEIVED:
        note_received(wire, record);
        return true;
    case EVENT_BOUNCED:
        note_bounced(wire, record);
        return true;
    case EVENT_SENT:
        return check_sent(wire);
    case EVENT_CLOSED:
        wire->closed[record->host] = record->immediate;
        return true;
    case EVENT_DECIDED:
        call->decided += record->status == 0;
        MUST(call->decided <= 1, "one call proxied twice");
        return true;
    case EVENT_CANCELLED:
        MUST(++call->told == 1, "on_cancel twice");
        MUST(call->heard_cancel, "on_cancel without a CANCEL");
        return true;
    case EVENT_BRANCH:
    case EVENT_HEARD:
        return check_hook(wire, call);
    case EVENT_DONE:
        return check_done(wire, call);
    case EVENT_DESTROY:
        wire->destroying = true;
        wire->destroy_ms = record->time_ms;
        return true;
    case EVENT_DESTROYED:
        MUST(++wire->destroyed == 1, "destroyed twice");
        return true;
    }
    return true;
}

/* ---- the end ---- */

static bool check_calls(wire_t *wire)
{
    for (unsigned i = 0; i < CALLS_MAX; i++) {
        const call_t *call = &wire->calls[i];
        MUST(call->done == call->decided, "results never came");
    }
    return true;
}

static bool check_successes(wire_t *wire)
{
    for (unsigned i = 0; i < ANSWERS_MAX; i++) {
        const record_t *arrived = wire->arrived[i];
        bool cut_short = wire->destroying && arrived != NULL &&
                         arrived->time_ms == wire->destroy_ms;
        unsigned in = wire->successes_in[i];
        unsigned out = wire->successes_out[i];
        /* Nothing goes up without a transaction (RFC 6026 §7.3). */
        MUST(cut_short || (out <= in && out + wire->successes_late[i] >= in),
             "a 2xx to INVITE was lost or doubled");
    }
    return true;
}

bool wire_check(trace_t *trace)
{
    static wire_t wire;

    memset(&wire, 0, sizeof(wire));
    wire.trace = trace;
    for (unsigned i = 0; i < trace->call_count; i++)
        wire.calls[i].plan = &trace->plans[i];
    for (unsigned i = 0; i < trace->count; i++) {
        wire.record = &trace->records[i];
        if (!check_record(&wire))
            return false;
    }
    return check_calls(&wire) && check_successes(&wire);
}
