/*
 * Traces.
 *
 * SPDX-License-Identifier: MIT
 */
#include "trace.h"

#include "sip_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

trace_t *trace_create(uint64_t seed)
{
    trace_t *trace = calloc(1, sizeof(*trace));

    must(trace != NULL);
    trace->seed = seed;
    return trace;
}

void trace_destroy(trace_t *trace)
{
    for (unsigned i = 0; i < trace->count; i++) {
        free((void *)(uintptr_t)trace->records[i].text);
        free((void *)(uintptr_t)trace->records[i].report);
    }
    free(trace->records);
    free(trace);
}

record_t *trace_add(trace_t *trace, uint64_t time_ms, event_t event)
{
    if (trace->count == trace->cap) {
        trace->cap = trace->cap == 0 ? 256 : trace->cap * 2;
        trace->records =
            realloc(trace->records, trace->cap * sizeof(*trace->records));
        must(trace->records != NULL);
    }
    record_t *record = &trace->records[trace->count++];
    memset(record, 0, sizeof(*record));
    record->time_ms = time_ms;
    record->event = event;
    record->call = UNKNOWN;
    record->host = UNKNOWN;
    return record;
}

const char *line_value(const char *text, const char *name, unsigned index,
                       size_t *len)
{
    const char *line = next_line(text, name, len);

    for (; line != NULL && index > 0; index--)
        line = next_line(line, name, len);
    if (line == NULL)
        return NULL;
    *len -= strlen(name) + 2;
    return line + strlen(name) + 2;
}

unsigned line_count(const char *text, const char *name)
{
    unsigned count = 0;
    size_t len;

    while (line_value(text, name, count, &len) != NULL)
        count++;
    return count;
}

static int line_number(const char *text, const char *name, const char *prefix)
{
    size_t len;
    const char *value = line_value(text, name, 0, &len);

    if (value == NULL || strncmp(value, prefix, strlen(prefix)) != 0)
        return UNKNOWN;
    return atoi(value + strlen(prefix));
}

static method_t read_method(const char *name)
{
    static const method_t all[] = {METHOD_INVITE, METHOD_MESSAGE, METHOD_CANCEL,
                                   METHOD_ACK};

    for (unsigned i = 0; i < sizeof(all) / sizeof(*all); i++) {
        const char *known = method_name(all[i]);
        if (strncmp(name, known, strlen(known)) == 0)
            return all[i];
    }
    return METHOD_NONE;
}

static void read_branch(record_t *record)
{
    size_t len;
    const char *via = line_value(record->text, "Via", 0, &len);
    const char *branch = via == NULL ? NULL : strstr(via, ";branch=");

    if (branch == NULL || branch > via + len)
        return;
    branch += strlen(";branch=");
    (void)snprintf(record->branch, sizeof(record->branch), "%.*s",
                   (int)strcspn(branch, ";\r"), branch);
}

static void read_text(record_t *record)
{
    const char *text = record->text;
    size_t len;
    const char *cseq = line_value(text, "CSeq", 0, &len);
    int answer = line_number(text, "X-Answer", "");
    int breadth = line_number(text, "Max-Breadth", "");

    if (strncmp(text, "SIP/2.0 ", 8) == 0) {
        record->status = atoi(text + 8);
        if (cseq != NULL)
            record->method = read_method(strchr(cseq, ' ') + 1);
    } else {
        record->method = read_method(text);
        if (record->method == METHOD_ACK &&
            line_value(text, "X-For-2xx", 0, &len) != NULL)
            record->method = METHOD_ACK_2XX;
    }
    record->reason = line_value(text, "Reason", 0, &len) != NULL;
    record->call = line_number(text, "Call-ID", "call-");
    record->answer = answer == UNKNOWN ? 0 : answer;
    record->breadth = breadth == UNKNOWN ? 0 : breadth;
    record->challenges = (int)(line_count(text, "WWW-Authenticate") +
                               line_count(text, "Proxy-Authenticate"));
    read_branch(record);
}

record_t *trace_add_datagram(trace_t *trace, const record_t *model,
                             const char *data, size_t len)
{
    record_t *record = trace_add(trace, model->time_ms, model->event);
    char *text = malloc(len + 1);

    must(text != NULL);
    memcpy(text, data, len);
    text[len] = '\0';
    record->host = model->host;
    record->text = text;
    read_text(record);
    return record;
}

bool trace_fail(trace_t *trace, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (trace->failure[0] == '\0')
        (void)vsnprintf(trace->failure, sizeof(trace->failure), format, args);
    va_end(args);
    return false;
}

int host_of_uri(const char *uri)
{
    const char *host = strstr(uri, "10.0.0.");

    return host == NULL ? UNKNOWN : atoi(host + 7) - 10;
}

const char *method_name(method_t method)
{
    static const char *const names[] = {"?",      "INVITE", "MESSAGE",
                                        "CANCEL", "ACK",    "ACK(2xx)"};

    return names[method];
}

/* ---- for people ---- */

static void print_report(const report_t *report)
{
    printf(" err %d%s final %d (answer %d)", report->err,
           report->connected ? " connected" : "", report->final_status,
           report->final_answer);
    for (unsigned i = 0; i < report->attempt_count; i++) {
        const attempt_t *attempt = &report->attempts[i];
        printf(" [host %d, %s:", attempt->host, srf_cause_name(attempt->cause));
        for (unsigned j = 0; j < attempt->msg_count; j++)
            printf(" %d", attempt->statuses[j]);
        printf("]");
    }
}

static void print_record(const record_t *record)
{
    static const char *const names[] = {
        "-> ",    "bounced", "  <-", "closed",  "decided",  "cancelled",
        "branch", "heard",   "done", "destroy", "destroyed"};

    printf("%9llu %s", (unsigned long long)record->time_ms,
           names[record->event]);
    if (record->host != UNKNOWN)
        printf(" host %d", record->host);
    if (record->call != UNKNOWN)
        printf(" call %d", record->call);
    if (record->method != METHOD_NONE)
        printf(" %s", method_name(record->method));
    if (record->event == EVENT_BRANCH)
        printf(" %s", srf_cause_name(record->status));
    else if (record->status != 0)
        printf(" %d", record->status);
    if (record->breadth != 0)
        printf(" breadth %d", record->breadth);
    if (record->answer != 0)
        printf(" answer %d", record->answer);
    if (record->event == EVENT_CLOSED && record->immediate)
        printf(" at once");
    if (record->host > 0 && record->branch[0] != '\0')
        printf(" %s", record->branch);
    if (record->report != NULL)
        print_report(record->report);
    printf("\n");
}

static void print_codes(const char *name, const int32_t *codes)
{
    if (codes == NULL)
        return;
    printf(", %s", name);
    for (; *codes != 0; codes++)
        printf(" %d", (int)*codes);
}

static void print_plan(const plan_t *plan, unsigned call)
{
    const srf_proxy_options_t *options = &plan->options;

    printf(
        "call %u: %s%s%s%s, %s, redirects %u%s, provisional %u, final %u, C %u",
        call, method_name(plan->method), plan->foreign ? " foreign" : "",
        plan->defer ? " deferred" : "", plan->hooked ? " hooked" : "",
        options->forking == SRF_FORKING_SIMULTANEOUS ? "simultaneous"
                                                     : "sequential",
        options->follow_redirects == 0 ? 0
        : options->max_redirects == 0  ? DEFAULT_REDIRECTS
                                       : options->max_redirects,
        options->record_route ? ", record-route" : "",
        options->provisional_timeout_ms, options->final_timeout_ms,
        options->timer_c_ms);
    if (plan->breadth != 0)
        printf(", breadth %u", plan->breadth);
    print_codes("stop at", options->stop_codes);
    print_codes("not at", options->failover_codes);
    printf("; targets");
    for (unsigned i = 0; i < plan->target_count; i++)
        printf(" %s", plan->targets[i]);
    printf("\n");
}

static void print_answer(const answer_t *answer, unsigned number)
{
    if (answer->contact_count == 0)
        return;
    printf("answer %u: contacts", number);
    for (unsigned i = 0; i < answer->contact_count; i++)
        printf(" %s;q=%u", answer->contacts[i].uri, answer->contacts[i].q);
    printf("\n");
}

void trace_print(const trace_t *trace)
{
    printf("---- seed %llu%s, trying delay %u\n",
           (unsigned long long)trace->seed, trace->exact ? "" : " (reordered)",
           trace->trying_delay_ms);
    for (unsigned i = 0; i < trace->call_count; i++)
        print_plan(&trace->plans[i], i);
    for (unsigned i = 1; i <= trace->answer_count; i++)
        print_answer(&trace->answers[i], i);
    for (unsigned i = 0; i < trace->count; i++)
        print_record(&trace->records[i]);
    if (trace->failure[0] != '\0')
        printf("seed %llu: %s\n", (unsigned long long)trace->seed,
               trace->failure);
    fflush(stdout);
}
