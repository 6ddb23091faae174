/*
 * srf-lb: spreads calls over several servers, and knows which of them are
 * there.
 *
 * Each call begins at the next server in turn and goes on to the others when
 * one fails. The balancer keeps the caller's user part and stays in the dialog.
 * A call ends up as one line: who called, which server took it, the status the
 * caller was sent, how many addresses were tried, how long that took. With
 * --json the whole result follows on a line of its own.
 *
 * A server that refuses a call (nobody is there, no answer in time, 503) is
 * taken out of the rotation at once. With --probe-interval it comes back when
 * it answers OPTIONS, and those that do not are taken out before a call finds
 * that; without, it comes back after the time of --hold. When all servers are
 * out all are tried: an attempt costs less than a wrong verdict. What changes
 * is told on stderr.
 *
 * OPTIONS is answered with 200, so that others can watch the balancer. SIGTERM
 * and SIGINT end it. `srf-lb --help` lists the options.
 *
 * SPDX-License-Identifier: MIT
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <srf/srf.h>
#include <uv.h>

#include "listeners.h"
#include "output.h"
#include "stop.h"

enum {
    EXIT_USAGE = 2,
    MAX_SERVERS = 32,
    STATUSES = 700,
    MAX_COUNT = 1000,
    MAX_TRIES = 10
};

static const char usage_begin[] =
    "Usage: srf-lb [OPTION]... --listen URI TARGET...\n"
    "Spreads calls over the targets in turn, and leaves out those that do not\n"
    "work. Prints a line for each call.\n"
    "\n";

static const char usage_end[] =
    "\n"
    "  --json                   print the whole result of each call, too\n"
    "  --answer-timeout D       longest wait for any response to a call,\n"
    "                           default 4s\n"
    "  --hold D                 how long a server that refused a call stays\n"
    "                           out when there are no probes, default 30s\n"
    "\n"
    "  --probe-interval D       ask each server that often with OPTIONS;\n"
    "                           default: never\n"
    "  --probe-timeout D        longest wait for the answer, default 2s\n"
    "  --probe-alive LIST       answers of a server that works, statuses or\n"
    "                           classes, such as 2xx,404,486; default: all "
    "but\n"
    "                           408 and 503\n"
    "  --down-after N           probes in a row that fail before a server is\n"
    "                           out, default 3, at most 1000\n"
    "  --up-after N             probes in a row that succeed before it is "
    "back,\n"
    "                           default 1, at most 1000\n"
    "\n"
    "  --dns-server LIST        name servers, ADDRESS[:PORT],...; default "
    "those\n"
    "                           of the system\n"
    "  --dns-timeout D          wait for an answer to the first try of a\n"
    "                           question, default 2s\n"
    "  --dns-tries N            tries of each name server, default 2, at most\n"
    "                           10\n"
    "  --dead-address D         how long an address of a name that did not\n"
    "                           answer comes last, default 30s\n"
    "\n"
    "  --help                   print this\n"
    "  --version                print the version of the library\n"
    "\n"
    "D is a duration such as 2s or 500ms. There may be 32 TARGETs. SIGHUP\n"
    "reads certificates again.\n";

struct lb;

/* One of those the calls are spread over. */
struct server {
    struct lb *lb;
    const char *uri; /* as it was given */
    uv_timer_t timer;
    uint64_t out_until_ms; /* at least; of the loop's time */
    uint32_t failures;     /* probes in a row */
    uint32_t successes;
    bool out;
    bool asking; /* a probe is under way */
};

/* The balancer. */
struct lb {
    uv_loop_t loop;
    srf_t *srf;
    srf_options_t stack;
    struct listeners listeners;
    struct server servers[MAX_SERVERS];
    size_t server_count;
    size_t next; /* where the next call begins */
    uint32_t answer_timeout_ms;
    uint32_t hold_ms;
    uint32_t probe_interval_ms; /* 0: no probes */
    uint32_t probe_timeout_ms;
    uint32_t down_after;
    uint32_t up_after;
    bool alive[STATUSES]; /* answers to a probe */
    bool json;
};

/* ---- the rotation ---- */

static void take_out(struct server *server, const char *why, uint64_t hold_ms)
{
    uint64_t until_ms = uv_now(&server->lb->loop) + hold_ms;

    server->successes = 0;
    if (server->out_until_ms < until_ms)
        server->out_until_ms = until_ms;
    if (!server->out)
        output_log("srf-lb: %s is out: %s", server->uri, why);
    server->out = true;
}

static void bring_back(struct server *server, const char *why)
{
    server->failures = 0;
    server->out = false;
    output_log("srf-lb: %s is back: %s", server->uri, why);
}

/* Without probes nobody else looks at the clock. */
static void end_hold(struct server *server)
{
    const struct lb *lb = server->lb;

    if (server->out && lb->probe_interval_ms == 0 &&
        uv_now(&lb->loop) >= server->out_until_ms)
        bring_back(server, "its time is over");
}

/* The servers for one call, the next in turn first. */
static void choose(struct lb *lb, const char **uris)
{
    const char *good[MAX_SERVERS];
    size_t count = 0;

    for (size_t i = 0; i < lb->server_count; i++) {
        end_hold(&lb->servers[i]);
        if (!lb->servers[i].out)
            good[count++] = lb->servers[i].uri;
    }
    for (size_t i = 0; count == 0 && i < lb->server_count; i++)
        good[i] = lb->servers[i].uri;
    if (count == 0)
        count = lb->server_count;
    for (size_t i = 0; i < count; i++)
        uris[i] = good[(lb->next + i) % count];
    uris[count] = NULL;
    lb->next++;
}

/* A target in a report has "sip:" in front if it had no scheme. */
static struct server *find_server(struct lb *lb, const char *target)
{
    for (size_t i = 0; i < lb->server_count; i++) {
        const char *uri = lb->servers[i].uri;

        if (strcasecmp(target, uri) == 0 || (strncmp(target, "sip:", 4) == 0 &&
                                             strcasecmp(target + 4, uri) == 0))
            return &lb->servers[i];
    }
    return NULL;
}

/* The milliseconds of Retry-After, section 20.33; an hour is enough. */
static uint64_t retry_after_ms(const srf_msg_t *response)
{
    const char *value = srf_msg_get(response, "Retry-After", 0);
    unsigned long seconds = value == NULL ? 0 : strtoul(value, NULL, 10);

    return 1000 * (uint64_t)(seconds > 3600 ? 3600 : seconds);
}

/* Comes at the end of each attempt, when the call may still go on elsewhere. */
static void on_branch(srf_req_t *req, const srf_proxy_response_t *branch)
{
    struct lb *lb = srf_data(srf_req_srf(req));
    struct server *server = find_server(lb, branch->target);
    const srf_proxy_msg_t *last =
        branch->msg_count > 0 ? &branch->msgs[branch->msg_count - 1] : NULL;
    uint64_t hold_ms = lb->probe_interval_ms == 0 ? lb->hold_ms : 0;

    /* A name may have another address that works. */
    if (server == NULL || branch->addresses_left > 0)
        return;
    switch (branch->cause) {
    case SRF_CAUSE_TRANSPORT:
    case SRF_CAUSE_DNS:
    case SRF_CAUSE_TIMER_B:
    case SRF_CAUSE_PROVISIONAL_TIMEOUT:
        take_out(server, srf_cause_name(branch->cause), hold_ms);
        break;
    case SRF_CAUSE_RESPONSE:
        if (last == NULL || last->status != 503)
            break;
        if (last->msg != NULL && retry_after_ms(last->msg) > hold_ms)
            hold_ms = retry_after_ms(last->msg);
        take_out(server, "503", hold_ms);
        break;
    default:
        break;
    }
}

/* ---- probes ---- */

static void judge(struct server *server, bool alive, const char *answer)
{
    const struct lb *lb = server->lb;

    if (!alive) {
        server->successes = 0;
        if (++server->failures >= lb->down_after)
            take_out(server, answer, 0);
        return;
    }
    server->failures = 0;
    if (server->out && ++server->successes >= lb->up_after &&
        uv_now(&lb->loop) >= server->out_until_ms)
        bring_back(server, "it answers");
}

static void on_probed(srf_outgoing_t *outgoing, int err,
                      const srf_msg_t *response)
{
    struct server *server = srf_outgoing_data(outgoing);
    char answer[32];

    server->asking = false;
    if (err == SRF_ERR_CANCELED) /* the program ends */
        return;
    if (err != 0) {
        judge(server, false, srf_strerror(err));
        return;
    }
    snprintf(answer, sizeof(answer), "OPTIONS: %d", srf_msg_status(response));
    judge(server, server->lb->alive[srf_msg_status(response)], answer);
}

static void probe(uv_timer_t *timer)
{
    struct server *server = timer->data;
    struct lb *lb = server->lb;
    srf_request_options_t options;
    int err;

    if (server->asking)
        return;
    srf_request_options_init(&options);
    options.method = "OPTIONS";
    options.timeout_ms = lb->probe_timeout_ms;
    options.data = server;
    err = srf_request(lb->srf, server->uri, &options, on_probed);
    if (err != 0)
        judge(server, false, srf_strerror(err));
    else
        server->asking = true;
}

/* Not all at the same moment. */
static void start_probes(struct lb *lb)
{
    for (size_t i = 0; i < lb->server_count; i++) {
        uint64_t delay_ms = lb->probe_interval_ms * i / lb->server_count;

        if (lb->probe_interval_ms > 0)
            uv_timer_start(&lb->servers[i].timer, probe, delay_ms,
                           lb->probe_interval_ms);
    }
}

/* ---- calls ---- */

/* The attempt that the final status came from, or the last one. */
static const srf_proxy_response_t *
chosen_attempt(const srf_proxy_results_t *results)
{
    for (size_t i = 0; i < results->response_count; i++) {
        const srf_proxy_response_t *attempt = &results->responses[i];

        for (size_t k = 0; k < attempt->msg_count; k++) {
            if (attempt->msgs[k].status == results->final_status)
                return attempt;
        }
    }
    if (results->response_count == 0)
        return NULL;
    return &results->responses[results->response_count - 1];
}

static void on_done(srf_req_t *req, int err, const srf_proxy_results_t *results)
{
    struct lb *lb = srf_data(srf_req_srf(req));
    uint64_t *begin = srf_req_data(req);
    const srf_proxy_response_t *attempt = chosen_attempt(results);
    char caller[OUTPUT_WORD_BYTES];
    char target[OUTPUT_WORD_BYTES];

    if (err != 0)
        output_log_peer("srf-lb: %s: %s", srf_req_call_id(req),
                        srf_strerror(err));
    output_result(
        "caller=%s target=%s status=%d tries=%zu ms=%.1f",
        output_word(caller, srf_req_calling_number(req)),
        output_word(target, attempt != NULL ? attempt->target : "none"),
        (int)results->final_status, results->response_count,
        begin != NULL ? (double)(uv_hrtime() - *begin) / 1e6 : 0.0);
    if (lb->json) {
        char *json = srf_proxy_results_json(results);

        output_json(json);
        srf_free(json);
    }
    srf_req_set_data(req, NULL);
    free(begin);
}

static void on_invite(srf_req_t *req, srf_res_t *res)
{
    struct lb *lb = srf_data(srf_req_srf(req));
    const char *targets[MAX_SERVERS + 1];
    srf_proxy_options_t options;
    uint64_t *begin = malloc(sizeof(*begin));
    int err;

    choose(lb, targets);
    if (begin != NULL)
        *begin = uv_hrtime();
    srf_req_set_data(req, begin);

    srf_proxy_options_init(&options);
    options.record_route = 1;
    options.keep_user = 1;
    options.provisional_timeout_ms = lb->answer_timeout_ms;
    options.on_branch = on_branch;
    err = srf_proxy_request(req, targets, &options, on_done);
    if (err == 0)
        return;
    output_log_peer("srf-lb: %s: %s", srf_req_uri(req), srf_strerror(err));
    srf_req_set_data(req, NULL);
    free(begin);
    srf_res_send(res, 500, NULL);
}

static void on_options(srf_req_t *req, srf_res_t *res)
{
    int err = srf_res_send(res, 200, NULL);

    if (err != 0)
        output_log_peer("srf-lb: %s: %s", srf_req_call_id(req),
                        srf_strerror(err));
}

static void on_log(srf_log_level_t level, const srf_log_event_t *event,
                   void *data)
{
    (void)level;
    (void)data;
    output_log("srf-lb: %s", event->text);
}

/* ---- begin and end ---- */

static void on_ending(void *data)
{
    struct lb *lb = data;

    for (size_t i = 0; i < lb->server_count; i++)
        uv_timer_stop(&lb->servers[i].timer);
}

static void on_ended(void *data)
{
    struct lb *lb = data;

    for (size_t i = 0; i < lb->server_count; i++)
        uv_close((uv_handle_t *)&lb->servers[i].timer, NULL);
}

static void on_hangup(void *data)
{
    const struct lb *lb = data;

    listeners_reload(&lb->listeners, lb->srf);
}

static int start_handles(struct lb *lb)
{
    const struct stop_actions actions = {
        .hangup = on_hangup,
        .ending = on_ending,
        .ended = on_ended,
        .data = lb,
    };
    int err = uv_loop_init(&lb->loop);

    if (err != 0)
        return err;
    for (size_t i = 0; i < lb->server_count; i++) {
        uv_timer_init(&lb->loop, &lb->servers[i].timer);
        lb->servers[i].timer.data = &lb->servers[i];
    }
    return stop_begin(&lb->loop, &actions);
}

static int start(struct lb *lb)
{
    const char *failed = "start";

    lb->stack.log_cb = on_log;
    lb->listeners.makes_marks = 1;
    listeners_limit(&lb->listeners, &lb->stack);
    int err = srf_create(&lb->srf, &lb->loop, &lb->stack);

    if (err == SRF_ERR_INVALID_ARGUMENT)
        failed = "--dns-server";
    if (err == 0) {
        srf_set_data(lb->srf, lb);
        stop_watch(lb->srf);
        err = listeners_start(&lb->listeners, lb->srf, &failed);
    }
    if (err == 0)
        err = srf_invite(lb->srf, on_invite);
    if (err == 0)
        err = srf_on(lb->srf, "OPTIONS", on_options);
    if (err == 0)
        start_probes(lb);
    else
        output_log("srf-lb: %s: %s", failed, srf_strerror(err));
    return err;
}

/* ---- the command line ---- */

/* "2xx,404": only these are answers of a server that works. */
static int read_alive(struct lb *lb, const char *list)
{
    memset(lb->alive, 0, sizeof(lb->alive));
    for (;;) {
        char *end;
        unsigned long first = strtoul(list, &end, 10);
        unsigned long last = first;

        if (end - list == 1 && strncasecmp(end, "xx", 2) == 0) {
            end += 2;
            first *= 100;
            last = first + 99;
        }
        if (end - list != 3 || first < 200 || first >= STATUSES)
            return -1;
        while (first <= last)
            lb->alive[first++] = true;
        if (*end == '\0')
            return 0;
        if (*end != ',')
            return -1;
        list = end + 1;
    }
}

static const char *read_count(const char *text, unsigned long high,
                              uint32_t *out)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || value < 1 || value > high)
        return high == MAX_TRIES ? "a number from 1 to 10 is wanted"
                                 : "a number from 1 to 1000 is wanted";
    *out = (uint32_t)value;
    return NULL;
}

static const char *read_time(const char *text, uint32_t *out)
{
    int err = srf_duration_parse(text, out);

    if (err != 0)
        return srf_strerror(err);
    return *out == 0 ? "a time above zero is wanted" : NULL;
}

/* What belongs to the balancer itself. NULL, or what is wrong with it. */
static const char *read_own_option(struct lb *lb, int option, const char *value)
{
    switch (option) {
    case 'j':
        lb->json = true;
        return NULL;
    case 'a':
        return read_time(value, &lb->answer_timeout_ms);
    case 'h':
        return read_time(value, &lb->hold_ms);
    case 'i':
        return read_time(value, &lb->probe_interval_ms);
    case 't':
        return read_time(value, &lb->probe_timeout_ms);
    case 's':
        return read_alive(lb, value) == 0
                   ? NULL
                   : "statuses from 200 on, such as 2xx,404,486, are wanted";
    case 'd':
        return read_count(value, MAX_COUNT, &lb->down_after);
    case 'u':
        return read_count(value, MAX_COUNT, &lb->up_after);
    case 'n':
        lb->stack.dns_servers = value;
        return NULL;
    case 'q':
        return read_time(value, &lb->stack.dns_timeout_ms);
    case 'r':
        return read_count(value, MAX_TRIES, &lb->stack.dns_tries);
    case 'm':
        return read_time(value, &lb->stack.dead_address_ms);
    default:
        return "unexpected";
    }
}

static const char *read_option(struct lb *lb, int option, const char *value)
{
    if (option >= LISTENERS_FIRST)
        return listeners_read(&lb->listeners, option, value);
    return read_own_option(lb, option, value);
}

/* NULL, or what is wrong with *about. */
static const char *read_targets(struct lb *lb, int count, char **targets,
                                const char **about)
{
    *about = "--listen";
    if (lb->listeners.count == 0)
        return "one is wanted";
    *about = "TARGET";
    if (count < 1)
        return "one is wanted";
    if (count > MAX_SERVERS)
        return "there are more than 32";
    for (int i = 0; i < count; i++) {
        const char *problem = listeners_target(targets[i]);

        *about = targets[i];
        if (problem != NULL)
            return problem;
        if (strpbrk(targets[i], "<>") != NULL)
            return "a target has no brackets here";
        lb->servers[i].lb = lb;
        lb->servers[i].uri = targets[i];
    }
    lb->server_count = (size_t)count;
    return NULL;
}

static const struct option long_options[] = {
    {"json", no_argument, NULL, 'j'},
    LISTENERS_LONG_OPTIONS,
    {"answer-timeout", required_argument, NULL, 'a'},
    {"hold", required_argument, NULL, 'h'},
    {"probe-interval", required_argument, NULL, 'i'},
    {"probe-timeout", required_argument, NULL, 't'},
    {"probe-alive", required_argument, NULL, 's'},
    {"down-after", required_argument, NULL, 'd'},
    {"up-after", required_argument, NULL, 'u'},
    {"dns-server", required_argument, NULL, 'n'},
    {"dns-timeout", required_argument, NULL, 'q'},
    {"dns-tries", required_argument, NULL, 'r'},
    {"dead-address", required_argument, NULL, 'm'},
    {"help", no_argument, NULL, 'H'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static int print_usage(void)
{
    output_usage(usage_begin, 0);
    listeners_usage(0);
    output_usage(usage_end, 0);
    return EXIT_SUCCESS;
}

/* Exit status, or -1 to go on. */
static int read_arguments(struct lb *lb, int argc, char **argv)
{
    const char *problem;
    const char *about;
    int index = 0;
    int option;

    while ((option = getopt_long(argc, argv, "", long_options, &index)) != -1) {
        if (option == 'H')
            return print_usage();
        if (option == 'V') {
            output_print("srf-lb %s", srf_version());
            return EXIT_SUCCESS;
        }
        if (option == '?') {
            output_log("Try 'srf-lb --help'.");
            return EXIT_USAGE;
        }
        problem = read_option(lb, option, optarg);
        if (problem != NULL) {
            output_log("srf-lb: --%s: %s: %s", long_options[index].name,
                       problem, optarg);
            return EXIT_USAGE;
        }
    }
    problem = read_targets(lb, argc - optind, argv + optind, &about);
    if (problem != NULL) {
        output_log("srf-lb: %s: %s", about, problem);
        output_log("Try 'srf-lb --help'.");
        return EXIT_USAGE;
    }
    problem = listeners_check(&lb->listeners, &about);
    if (problem == NULL)
        return -1;
    output_log("srf-lb: %s: %s", about, problem);
    return EXIT_USAGE;
}

static void set_defaults(struct lb *lb)
{
    memset(lb, 0, sizeof(*lb));
    listeners_init(&lb->listeners);
    srf_options_init(&lb->stack);
    lb->answer_timeout_ms = 4000;
    lb->hold_ms = 30000;
    lb->probe_timeout_ms = 2000;
    lb->down_after = 3;
    lb->up_after = 1;
    for (int status = 200; status < STATUSES; status++)
        lb->alive[status] = status != 408 && status != 503;
}

int main(int argc, char **argv)
{
    static struct lb lb;
    int err;

    output_start("srf-lb");
    set_defaults(&lb);
    err = read_arguments(&lb, argc, argv);
    if (err >= 0)
        return err;
    err = start_handles(&lb);
    if (err != 0) {
        output_log("srf-lb: %s", srf_strerror(err));
        return EXIT_FAILURE;
    }
    err = start(&lb);
    if (err != 0)
        stop_now();
    if (output_run(&lb.loop) != 0)
        err = -1;
    uv_loop_close(&lb.loop);
    return err == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
