/*
 * The world of a random program.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rig.h"

#include "sip_text.h"

#include "core/receive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROXY "10.0.0.1:5060"

enum { DRAIN_MS = 3600000 };

/* Targets' listening addresses, and the caller's. */
static const char *const addresses[HOSTS] = {
    "10.0.0.10:5060", "10.0.0.11:5060", "10.0.0.12:5060",
    "10.0.0.13:5060", "10.0.0.14:5060",
};

uint64_t rig_now(const rig_t *rig)
{
    return srf__wheel_now(memnet_wheel(rig->net));
}

static int host_of(const srf__addr_t *address)
{
    return address->ip[3] == 1 ? UNKNOWN : address->ip[3] - 10;
}

/* ---- texts ---- */

static void send_text(rig_t *rig, int host, text_t *text)
{
    srf__addr_t to;

    add(text, "Content-Length: 0\r\n\r\n");
    must(srf__addr_from_host(&to, SRF__STR("10.0.0.1"), 5060,
                             SRF__TRANSPORT_UDP));
    mempeer_send(rig->peers[host], &to, text->p, text->len);
}

static const char *request_uri(const plan_t *plan)
{
    if (plan->target_count == 0)
        return "sip:bob@10.0.0.14";
    return plan->foreign ? "sip:bob@example.net" : "sip:100@10.0.0.1";
}

static void put_request(text_t *out, const plan_t *plan, unsigned call,
                        method_t method)
{
    add(out,
        "%s %s SIP/2.0\r\n"
        "Via: SIP/2.0/UDP %s;branch=z9hG4bK-call-%u\r\n"
        "Max-Forwards: 70\r\n"
        "From: <sip:ann@example.com>;tag=ann-%u\r\n"
        "Call-ID: call-%u\r\n"
        "CSeq: 1 %s\r\n",
        method_name(method), request_uri(plan), addresses[0], call, call, call,
        method_name(method));
}

/* ---- the caller ---- */

void rig_call(rig_t *rig, unsigned call)
{
    const plan_t *plan = &rig->trace->plans[call];
    text_t text = {0};

    rig->calls[call].started = true;
    put_request(&text, plan, call, plan->method);
    add(&text, "To: <sip:bob@example.com>\r\nContact: <sip:ann@%s>\r\n",
        addresses[0]);
    if (plan->breadth != 0)
        add(&text, "Max-Breadth: %u\r\n", plan->breadth);
    send_text(rig, 0, &text);
}

void rig_cancel(rig_t *rig, unsigned call)
{
    text_t text = {0};

    rig->calls[call].cancelled = true;
    put_request(&text, &rig->trace->plans[call], call, METHOD_CANCEL);
    add(&text, "To: <sip:bob@example.com>\r\n"
               "Reason: SIP;cause=200\r\n");
    send_text(rig, 0, &text);
}

static void ack_2xx(rig_t *rig, unsigned call)
{
    const char *final = rig->calls[call].final;
    text_t text = {0};
    size_t len;
    size_t route_len;
    const char *contact = line_value(final, "Contact", 0, &len);
    const char *route = line_value(final, "Record-Route", 0, &route_len);

    must(contact != NULL);
    add(&text,
        "ACK %.*s SIP/2.0\r\n"
        "Via: SIP/2.0/UDP %s;branch=z9hG4bK-ack-%u\r\n"
        "Max-Forwards: 70\r\n"
        "Call-ID: call-%u\r\n"
        "CSeq: 1 ACK\r\n"
        "X-For-2xx: yes\r\n",
        (int)len - 2, contact + 1, addresses[0], call, call);
    /* Without a record of ours the proxy is the caller's outbound proxy. */
    if (route != NULL)
        add(&text, "Route: %.*s\r\n", (int)route_len, route);
    else
        add(&text, "Route: <sip:10.0.0.1;lr>\r\n");
    copy_lines(&text, final, "From", "");
    copy_lines(&text, final, "To", "");
    send_text(rig, 0, &text);
}

void rig_ack(rig_t *rig, unsigned call)
{
    call_state_t *state = &rig->calls[call];
    text_t text = {0};

    state->acked = true;
    if (state->final_status < 300) {
        ack_2xx(rig, call);
        return;
    }
    put_request(&text, &rig->trace->plans[call], call, METHOD_ACK);
    copy_lines(&text, state->final, "To", "");
    send_text(rig, 0, &text);
}

static void keep(char **text, const char *data, size_t len)
{
    free(*text);
    *text = malloc(len + 1);
    must(*text != NULL);
    memcpy(*text, data, len);
    (*text)[len] = '\0';
}

static void on_caller_datagram(mempeer_t *peer, const srf__addr_t *from,
                               const char *data, size_t len)
{
    rig_t *rig = mempeer_data(peer);
    char *text = NULL;
    size_t ignored;

    (void)from;
    keep(&text, data, len);
    const char *cseq = line_value(text, "CSeq", 0, &ignored);
    const char *call_id = line_value(text, "Call-ID", 0, &ignored);
    int status = strncmp(text, "SIP/2.0 ", 8) == 0 ? atoi(text + 8) : 0;

    if (status >= 200 && strncmp(cseq, "1 CANCEL", 8) != 0) {
        call_state_t *state = &rig->calls[atoi(call_id + 5)];
        keep(&state->final, data, len);
        state->final_status = status;
        state->connected = state->connected || status < 300;
        state->heard_ms = rig_now(rig);
        state->recorded =
            line_value(state->final, "Record-Route", 0, &ignored) != NULL;
        state->acked = false;
    }
    free(text);
}

/* ---- targets ---- */

static seen_t *find_seen(rig_t *rig, const record_t *request)
{
    for (unsigned i = 0; i < rig->seen_count; i++) {
        if (strcmp(rig->seen[i].branch, request->branch) == 0)
            return &rig->seen[i];
    }
    return NULL;
}

static void on_target_datagram(mempeer_t *peer, const srf__addr_t *from,
                               const char *data, size_t len)
{
    rig_t *rig = mempeer_data(peer);
    const record_t *request = NULL;

    (void)from;
    /* What arrives was sent, and is in the trace with its parts. */
    for (unsigned i = rig->trace->count; i > 0 && request == NULL; i--) {
        const record_t *record = &rig->trace->records[i - 1];
        if (record->event == EVENT_SENT && strlen(record->text) == len &&
            memcmp(record->text, data, len) == 0)
            request = record;
    }
    must(request != NULL);
    seen_t *seen = find_seen(rig, request);
    if (request->method == METHOD_CANCEL && seen != NULL) {
        keep(&seen->cancel, data, len);
    } else if ((request->method == METHOD_INVITE ||
                request->method == METHOD_MESSAGE) &&
               seen == NULL && rig->seen_count < SEEN_MAX) {
        seen = &rig->seen[rig->seen_count++];
        seen->call = request->call;
        seen->host = request->host;
        seen->method = request->method;
        memcpy(seen->branch, request->branch, sizeof(seen->branch));
        keep(&seen->text, data, len);
    }
}

static void put_contacts(text_t *out, const answer_t *content)
{
    for (unsigned i = 0; i < content->contact_count; i++)
        add(out, "Contact: <%s>;q=%u.%03u\r\n", content->contacts[i].uri,
            content->contacts[i].q / 1000, content->contacts[i].q % 1000);
}

static int number_answer(trace_t *trace, const reply_t *reply)
{
    if (reply->answer != 0)
        return reply->answer;
    must(trace->answer_count + 1 < ANSWERS_MAX);
    trace->answers[++trace->answer_count] = reply->content;
    return (int)trace->answer_count;
}

void rig_reply(rig_t *rig, unsigned index, const reply_t *reply)
{
    seen_t *seen = &rig->seen[index];
    const char *request = reply->cancel ? seen->cancel : seen->text;
    int answer = number_answer(rig->trace, reply);
    const answer_t *content = &rig->trace->answers[answer];
    text_t text = {0};
    char tag[40] = "";

    add(&text, "SIP/2.0 %d Something\r\n", reply->status);
    copy_lines(&text, request, "Via", "");
    copy_lines(&text, request, "Record-Route", "");
    copy_lines(&text, request, "From", "");
    if (reply->status > 100)
        (void)snprintf(tag, sizeof(tag), ";tag=uas-%u-%u", index, content->tag);
    copy_lines(&text, request, "To", tag);
    copy_lines(&text, request, "Call-ID", "");
    copy_lines(&text, request, "CSeq", "");
    add(&text, "X-Answer: %d\r\n", answer);
    put_contacts(&text, content);
    if (reply->status / 100 == 2)
        add(&text, "Contact: <sip:bob@%s>\r\n", addresses[seen->host]);
    if (reply->status == 401)
        add(&text, "WWW-Authenticate: Digest realm=\"%d\"\r\n", answer);
    if (reply->status == 407)
        add(&text, "Proxy-Authenticate: Digest realm=\"%d\"\r\n", answer);
    if (reply->forged) {
        *strstr(text.p, "z9hG4bK") = 'Z';
    } else if (reply->cancel) {
        seen->cancel_answered = true;
    } else {
        seen->last_answer = answer;
        seen->last_status = reply->status;
    }
    send_text(rig, seen->host, &text);
}

void rig_close(rig_t *rig, int host, bool immediate)
{
    record_t *record = trace_add(rig->trace, rig_now(rig), EVENT_CLOSED);

    record->host = host;
    record->immediate = immediate;
    rig->closed[host] = true;
    memnet_close_port(rig->net, addresses[host], immediate);
}

/* ---- the program ---- */

static rig_t *rig_of(const srf_req_t *req)
{
    return srf_data(srf_req_srf(req));
}

static int call_of(const srf_req_t *req)
{
    return atoi(srf_req_call_id(req) + strlen("call-"));
}

static void on_destroyed(void *data)
{
    rig_t *rig = data;

    (void)trace_add(rig->trace, rig_now(rig), EVENT_DESTROYED);
    rig->destroyed = true;
}

void rig_destroy_stack(rig_t *rig)
{
    srf_t *srf = rig->srf;

    (void)trace_add(rig->trace, rig_now(rig), EVENT_DESTROY);
    rig->srf = NULL;
    srf_destroy(srf, on_destroyed);
}

/* A callback of this kind runs. */
static void in_callback(rig_t *rig, event_t event)
{
    if (rig->inside)
        (void)trace_fail(rig->trace, "callback inside srf_proxy_request()");
    if (rig->destroy_in == event && rig->srf != NULL)
        rig_destroy_stack(rig);
}

static int answer_of(const srf_proxy_msg_t *final)
{
    const char *value = final == NULL || final->msg == NULL
                            ? NULL
                            : srf_msg_get(final->msg, "X-Answer", 0);

    return value == NULL ? 0 : atoi(value);
}

static report_t *make_report(trace_t *trace, int err,
                             const srf_proxy_results_t *results)
{
    report_t *report = calloc(1, sizeof(*report));

    must(report != NULL);
    report->err = err;
    report->connected = results->connected != 0;
    report->final_status = results->final_status;
    report->final_answer = answer_of(results->final_response);
    report->attempt_count = (unsigned)results->response_count;
    if (report->attempt_count > ATTEMPTS_MAX) {
        (void)trace_fail(trace, "%u attempts", report->attempt_count);
        report->attempt_count = ATTEMPTS_MAX;
    }
    for (unsigned i = 0; i < report->attempt_count; i++) {
        const srf_proxy_response_t *from = &results->responses[i];
        attempt_t *attempt = &report->attempts[i];
        attempt->host = host_of_uri(from->address);
        attempt->cause = from->cause;
        for (unsigned j = 0; j < from->msg_count && j < MSGS_MAX; j++)
            attempt->statuses[attempt->msg_count++] = from->msgs[j].status;
    }
    return report;
}

static void on_done(srf_req_t *req, int err, const srf_proxy_results_t *results)
{
    rig_t *rig = rig_of(req);
    int call = call_of(req);
    record_t *record = trace_add(rig->trace, rig_now(rig), EVENT_DONE);

    record->call = call;
    record->report = make_report(rig->trace, err, results);
    rig->calls[call].over = true;
    if (rig->calls[call].final_ms == 0)
        rig->calls[call].final_ms = rig_now(rig);
    if (rig->trace->seed % 16 == 0) {
        char *json = srf_proxy_results_json(results);
        must(json != NULL);
        srf_free(json);
    }
    in_callback(rig, EVENT_DONE);
}

static void on_cancelled(srf_req_t *req)
{
    rig_t *rig = rig_of(req);

    trace_add(rig->trace, rig_now(rig), EVENT_CANCELLED)->call = call_of(req);
    in_callback(rig, EVENT_CANCELLED);
}

static void on_branch(srf_req_t *req, const srf_proxy_response_t *branch)
{
    rig_t *rig = rig_of(req);
    record_t *record = trace_add(rig->trace, rig_now(rig), EVENT_BRANCH);

    record->call = call_of(req);
    record->host = host_of_uri(branch->address);
    record->status = branch->cause;
    in_callback(rig, EVENT_BRANCH);
}

static void on_response(srf_req_t *req, const srf_proxy_response_t *branch,
                        const srf_proxy_msg_t *response)
{
    rig_t *rig = rig_of(req);
    record_t *record = trace_add(rig->trace, rig_now(rig), EVENT_HEARD);

    record->call = call_of(req);
    record->host = host_of_uri(branch->address);
    record->status = response->status;
    record->answer = answer_of(response);
    in_callback(rig, EVENT_HEARD);
}

static void decide(srf_req_t *req)
{
    rig_t *rig = rig_of(req);
    int call = call_of(req);
    plan_t *plan = &rig->trace->plans[call];
    const char *uris[TARGETS_MAX + 1] = {NULL};

    for (unsigned i = 0; i < plan->target_count; i++)
        uris[i] = plan->targets[i];
    if (plan->hooked) {
        plan->options.on_branch = on_branch;
        plan->options.on_response = on_response;
    }
    /* What follows in the trace is the answer to this. */
    unsigned index = rig->trace->count;
    (void)trace_add(rig->trace, rig_now(rig), EVENT_DECIDED);
    rig->trace->records[index].call = call;
    rig->inside = true;
    int err = srf_proxy_request(req, uris, &plan->options, on_done);
    rig->inside = false;
    rig->trace->records[index].status = err;
}

static void on_request(srf_req_t *req, srf_res_t *res)
{
    rig_t *rig = rig_of(req);
    int call = call_of(req);

    (void)res;
    srf_req_on_cancel(req, on_cancelled);
    if (rig->trace->plans[call].defer)
        rig->calls[call].deferred = srf_req_ref(req);
    else
        decide(req);
}

void rig_decide(rig_t *rig, unsigned call)
{
    srf_req_t *req = rig->calls[call].deferred;

    rig->calls[call].deferred = NULL;
    decide(req);
    srf_req_unref(req);
}

/* ---- watching ---- */

static void on_message(void *arg, const srf__flow_t *from, const char *data,
                       size_t len)
{
    rig_t *rig = arg;
    const record_t model = {.time_ms = rig_now(rig),
                            .event = EVENT_RECEIVED,
                            .host = host_of(&from->peer)};

    if (rig->srf == NULL)
        return;
    (void)trace_add_datagram(rig->trace, &model, data, len);
    srf__on_message(rig->srf, from, data, len);
}

static void on_undelivered(void *arg, const srf__addr_t *to, const char *data,
                           size_t len)
{
    rig_t *rig = arg;
    const record_t model = {
        .time_ms = rig_now(rig), .event = EVENT_BOUNCED, .host = host_of(to)};

    if (rig->srf == NULL)
        return;
    (void)trace_add_datagram(rig->trace, &model, data, len);
    srf__on_undelivered(rig->srf, to, data, len);
}

static void on_tap(void *arg, const srf__addr_t *from, const srf__addr_t *to,
                   const char *data, size_t len)
{
    rig_t *rig = arg;
    const record_t model = {
        .time_ms = rig_now(rig), .event = EVENT_SENT, .host = host_of(to)};

    if (host_of(from) != UNKNOWN)
        return;
    const record_t *sent = trace_add_datagram(rig->trace, &model, data, len);
    if (sent->host == 0 && sent->status >= 200 && sent->call >= 0 &&
        sent->method != METHOD_CANCEL && rig->calls[sent->call].final_ms == 0)
        rig->calls[sent->call].final_ms = sent->time_ms;
}

/* ---- life ---- */

rig_t *rig_create(trace_t *trace)
{
    rig_t *rig = calloc(1, sizeof(*rig));
    srf_options_t options;

    must(rig != NULL);
    rig->trace = trace;
    rig->destroy_in = EVENT_DESTROY; /* never */
    rig->net = memnet_create(trace->seed);
    srf_options_init(&options);
    options.t1_ms = T1_MS;
    options.t2_ms = T2_MS;
    options.t4_ms = T4_MS;
    options.trying_delay_ms = trace->trying_delay_ms;
    rig->srf = memnet_stack(rig->net, PROXY, &options);
    rig->srf->element.transports.events.message = on_message;
    rig->srf->element.transports.events.undelivered = on_undelivered;
    rig->srf->element.transports.events.arg = rig;
    memnet_set_tap(rig->net, on_tap, rig);
    srf_set_data(rig->srf, rig);
    must(srf_on(rig->srf, NULL, on_request) == 0);
    for (unsigned i = 0; i < HOSTS; i++)
        rig->peers[i] = mempeer_create(
            rig->net, addresses[i],
            i == 0 ? on_caller_datagram : on_target_datagram, rig);
    return rig;
}

static bool may_ring_for_ever(const trace_t *trace)
{
    for (unsigned i = 0; i < trace->call_count; i++) {
        if (trace->plans[i].options.timer_c_ms == SRF_TIMEOUT_NONE)
            return true;
    }
    return false;
}

static void check_gauges(rig_t *rig)
{
    srf_stats_t stats = {.size = sizeof(stats)};

    must(srf_stats(rig->srf, &stats) == 0);
    if (stats.server_transactions != 0 || stats.client_transactions != 0 ||
        stats.proxies_pending != 0)
        (void)trace_fail(rig->trace,
                         "left behind: %llu server transactions, %llu client "
                         "transactions, %llu proxy operations",
                         (unsigned long long)stats.server_transactions,
                         (unsigned long long)stats.client_transactions,
                         (unsigned long long)stats.proxies_pending);
}

void rig_finish(rig_t *rig)
{
    (void)memnet_drain(rig->net, DRAIN_MS);
    memnet_run(rig->net, 10); /* what comes now is not of the last timer */
    for (unsigned i = 0; i < CALLS_MAX; i++)
        srf_req_unref(rig->calls[i].deferred);
    if (rig->srf != NULL && !may_ring_for_ever(rig->trace))
        check_gauges(rig);
    if (rig->srf != NULL)
        rig_destroy_stack(rig);
    memnet_run(rig->net, 10);
    if (!rig->destroyed)
        (void)trace_fail(rig->trace, "srf_destroy() did not end");
    memnet_destroy(rig->net);
    for (unsigned i = 0; i < rig->seen_count; i++) {
        free(rig->seen[i].text);
        free(rig->seen[i].cancel);
    }
    for (unsigned i = 0; i < CALLS_MAX; i++)
        free(rig->calls[i].final);
    free(rig);
}
