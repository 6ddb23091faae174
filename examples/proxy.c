/*
 * srf-proxy: the options of the library on a command line.
 *
 * Every request goes to the targets named, in order, or where its Request-URI
 * points when none is named. Each finished proxy operation prints its result
 * as one line of JSON; log lines go to stderr. `srf-proxy --help` lists the
 * options. SIGTERM and SIGINT end it. Unless it is told who may use it, it
 * listens on loopback only.
 *
 * SPDX-License-Identifier: MIT
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <srf/srf.h>
#include <uv.h>

#include "listeners.h"
#include "output.h"
#include "stop.h"

enum {
    EXIT_USAGE = 2,
    MAX_NAMES = 64,
    MAX_TRYING_DELAY_MS = 200, /* section 17.2.1 */
    MAX_REASON_BYTES = 390,
    MAX_TARGETS = 32 /* max_targets of srf_options_t */
};

enum {
    OPT_RECORD_ROUTE = 256,
    OPT_KEEP_USER,
    OPT_PATH,
    OPT_FOLLOW_REDIRECTS,
    OPT_FORKING,
    OPT_PROVISIONAL_TIMEOUT,
    OPT_FINAL_TIMEOUT,
    OPT_STOP_CODES,
    OPT_FAILOVER_CODES,
    OPT_CANCEL_REASON,
    OPT_HEADER,
    OPT_MAX_REDIRECTS,
    OPT_MAX_TRANSACTIONS,
    OPT_TRYING_DELAY,
    OPT_FORCE_RPORT,
    OPT_TIMER_C,
    OPT_T1,
    OPT_T2,
    OPT_T4,
    OPT_ALIAS,
    OPT_OUTBOUND,
    OPT_DNS_SERVER,
    OPT_DNS_TIMEOUT,
    OPT_DNS_TRIES,
    OPT_DEAD_ADDRESS,
    OPT_RESULTS,
    OPT_NO_RESULTS,
    OPT_LOG_LEVEL,
    OPT_HELP,
    OPT_VERSION
};

static const struct option long_options[] = {
    LISTENERS_LONG_OPTIONS,
    {"record-route", no_argument, NULL, OPT_RECORD_ROUTE},
    {"keep-user", no_argument, NULL, OPT_KEEP_USER},
    {"path", no_argument, NULL, OPT_PATH},
    {"follow-redirects", no_argument, NULL, OPT_FOLLOW_REDIRECTS},
    {"forking", required_argument, NULL, OPT_FORKING},
    {"provisional-timeout", required_argument, NULL, OPT_PROVISIONAL_TIMEOUT},
    {"final-timeout", required_argument, NULL, OPT_FINAL_TIMEOUT},
    {"stop-codes", required_argument, NULL, OPT_STOP_CODES},
    {"failover-codes", required_argument, NULL, OPT_FAILOVER_CODES},
    {"cancel-reason", required_argument, NULL, OPT_CANCEL_REASON},
    {"header", required_argument, NULL, OPT_HEADER},
    {"max-redirects", required_argument, NULL, OPT_MAX_REDIRECTS},
    {"max-transactions", required_argument, NULL, OPT_MAX_TRANSACTIONS},
    {"trying-delay", required_argument, NULL, OPT_TRYING_DELAY},
    {"force-rport", no_argument, NULL, OPT_FORCE_RPORT},
    {"timer-c", required_argument, NULL, OPT_TIMER_C},
    {"t1", required_argument, NULL, OPT_T1},
    {"t2", required_argument, NULL, OPT_T2},
    {"t4", required_argument, NULL, OPT_T4},
    {"alias", required_argument, NULL, OPT_ALIAS},
    {"dns-server", required_argument, NULL, OPT_DNS_SERVER},
    {"dns-timeout", required_argument, NULL, OPT_DNS_TIMEOUT},
    {"dns-tries", required_argument, NULL, OPT_DNS_TRIES},
    {"dead-address", required_argument, NULL, OPT_DEAD_ADDRESS},
    {"outbound", required_argument, NULL, OPT_OUTBOUND},
    {"results", required_argument, NULL, OPT_RESULTS},
    {"no-results", no_argument, NULL, OPT_NO_RESULTS},
    {"log-level", required_argument, NULL, OPT_LOG_LEVEL},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static const char help_begin[] =
    "Usage: srf-proxy [OPTION]... [TARGET...]\n"
    "Proxies SIP requests to the targets in order; without a target, to where\n"
    "the Request-URI points. Prints one line of JSON per proxied request.\n"
    "Without --listen it listens on sip:127.0.0.1:5060;transport=udp, with\n"
    "--allow or --open on sip:*:5060;transport=udp.\n"
    "\n";

static const char help_end[] =
    "\n"
    "  --alias HOST[:PORT]      further name of this proxy, repeatable\n"
    "  --record-route           stay in the signalling path of dialogs\n"
    "  --keep-user              keep the user part when a target replaces the\n"
    "                           Request-URI\n"
    "  --path                   add Path to REGISTER\n"
    "  --header 'NAME: VALUE'   add a header field, repeatable; not one that\n"
    "                           is the proxy's to write, such as Via\n"
    "  --force-rport            answer to the port a request came from, also\n"
    "                           when its Via does not ask for that\n"
    "\n"
    "  --forking MODE           sequential (default) or simultaneous\n"
    "  --follow-redirects       try the Contacts of a 3xx\n"
    "  --max-redirects N        redirects in a row, default 5, at most 255\n"
    "  --provisional-timeout D  wait for a first response of a target;\n"
    "                           default: 64 times T1\n"
    "  --final-timeout D        wait for the final response of a target;\n"
    "                           default: as long as --timer-c lets it ring\n"
    "  --stop-codes LIST        statuses that end a sequential search, such\n"
    "                           as 404,486\n"
    "  --failover-codes LIST    6xx statuses that do not end the search\n"
    "  --cancel-reason VALUE    Reason (RFC 3326) for targets that lost to\n"
    "                           another, such as 'Q.850;cause=26'; '': none\n"
    "\n"
    "  --timer-c D              longest ringing, default 181s\n"
    "  --t1 D, --t2 D, --t4 D   the timers T1, T2 and T4 of RFC 3261, default\n"
    "                           500ms, 4s and 5s\n"
    "  --trying-delay D         send 100 Trying only after that, up to 200ms;\n"
    "                           default: at once\n"
    "  --max-transactions N     answer new requests with 503 beyond that,\n"
    "                           default 1000000\n"
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
    "  --outbound URI           the listener that requests leave from where\n"
    "                           its transport and address family fit; its URI\n"
    "                           as 'listening on' prints it\n"
    "  --results FILE           append results to FILE instead of stdout\n"
    "  --no-results             print none, which spares keeping and making\n"
    "                           them\n"
    "  --log-level LEVEL        error, warning (default), info, debug, trace\n"
    "  --help                   print this\n"
    "  --version                print the version of the library\n"
    "\n"
    "D is a duration such as 2s or 1500ms. There may be 32 TARGETs. SIGHUP\n"
    "reads certificates again.\n";

/* The program: its command line, and what runs. */
struct app {
    struct listeners listeners;
    const char *aliases[MAX_NAMES];
    size_t alias_count;
    const char *const *targets; /* NULL: outbound proxy */
    const char *results_path;
    int no_results;
    const char *headers[2 * MAX_NAMES + 1]; /* names and values in turn */
    size_t header_count;
    int32_t stop_codes[MAX_NAMES + 1];
    int32_t failover_codes[MAX_NAMES + 1];
    srf_options_t stack;
    srf_proxy_options_t proxy;

    uv_loop_t loop;
    srf_t *srf;
};

/* ------------------------------------------------------------------ */
/* Command line                                                        */
/* ------------------------------------------------------------------ */

static int usage_error(const char *option, const char *problem)
{
    output_log("srf-proxy: %s: %s", option, problem);
    return EXIT_USAGE;
}

static int add_name(const char **names, size_t *count, const char *option)
{
    if (*count == MAX_NAMES)
        return usage_error(option, "given too often");
    names[*count] = optarg;
    (*count)++;
    return 0;
}

static uint32_t *duration_of(struct app *app, int opt)
{
    switch (opt) {
    case OPT_PROVISIONAL_TIMEOUT:
        return &app->proxy.provisional_timeout_ms;
    case OPT_FINAL_TIMEOUT:
        return &app->proxy.final_timeout_ms;
    case OPT_TRYING_DELAY:
        return &app->stack.trying_delay_ms;
    case OPT_TIMER_C:
        return &app->stack.timer_c_ms;
    case OPT_T1:
        return &app->stack.t1_ms;
    case OPT_T2:
        return &app->stack.t2_ms;
    case OPT_T4:
        return &app->stack.t4_ms;
    case OPT_DNS_TIMEOUT:
        return &app->stack.dns_timeout_ms;
    case OPT_DEAD_ADDRESS:
        return &app->stack.dead_address_ms;
    default:
        return NULL;
    }
}

/* A number of decimal digits from `low` to `high`, which ends where *end tells.
 */
static int read_number(const char *text, long low, long high, long *out,
                       const char **end)
{
    char *behind;

    if (*text < '0' || *text > '9')
        return -1;
    *out = strtol(text, &behind, 10);
    *end = behind;
    return *out < low || *out > high ? -1 : 0;
}

static int read_count(const char *option, long high, uint32_t *out)
{
    const char *end;
    long number;

    if (read_number(optarg, 1, high, &number, &end) != 0 || *end != '\0') {
        return usage_error(option,
                           high == INT32_MAX ? "a number from 1 is wanted"
                           : high == 10      ? "a number from 1 to 10 is wanted"
                                        : "a number from 1 to 255 is wanted");
    }
    *out = (uint32_t)number;
    return 0;
}

/* "404,486" becomes a list that ends with 0. */
static int read_codes(const char *option, long low, int32_t *out,
                      const int32_t **setting)
{
    const char *text = optarg;
    long code;

    for (size_t i = 0; i < MAX_NAMES; i++) {
        if (read_number(text, low, 699, &code, &text) != 0)
            return usage_error(option, low == 600 ? "statuses 600 to 699"
                                                  : "statuses 300 to 699");
        out[i] = (int32_t)code;
        out[i + 1] = 0;
        *setting = out;
        if (*text == '\0')
            return 0;
        if (*text++ != ',')
            return usage_error(option, "a list such as 404,486 is wanted");
    }
    return usage_error(option, "too many");
}

/* "Name: value" is cut in two where it stands. The library knows which header
 * fields may not be added, and says so for each request. */
static int read_header(struct app *app, const char *option)
{
    static const char token[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-.!%*_+`'~"; /* section 25.1 */
    char *colon = optarg + strspn(optarg, token);

    if (colon == optarg || *colon != ':' || strpbrk(colon, "\r\n") != NULL)
        return usage_error(option, "'Name: value' is wanted");
    if (app->header_count == MAX_NAMES)
        return usage_error(option, "given too often");
    *colon = '\0';
    app->headers[2 * app->header_count] = optarg;
    app->headers[2 * app->header_count + 1] =
        colon + 1 + strspn(colon + 1, " \t");
    app->header_count++;
    return 0;
}

static int read_forking(struct app *app)
{
    if (strcmp(optarg, "sequential") == 0)
        app->proxy.forking = SRF_FORKING_SEQUENTIAL;
    else if (strcmp(optarg, "simultaneous") == 0)
        app->proxy.forking = SRF_FORKING_SIMULTANEOUS;
    else
        return usage_error("--forking", "sequential or simultaneous");
    return 0;
}

static const char *const level_names[] = {
    [SRF_LOG_ERROR] = "error", [SRF_LOG_WARNING] = "warning",
    [SRF_LOG_INFO] = "info",   [SRF_LOG_DEBUG] = "debug",
    [SRF_LOG_TRACE] = "trace",
};

static int read_log_level(struct app *app)
{
    for (uint32_t i = SRF_LOG_ERROR; i <= SRF_LOG_TRACE; i++) {
        if (strcmp(optarg, level_names[i]) == 0) {
            app->stack.log_level = i;
            return 0;
        }
    }
    return usage_error("--log-level", "error, warning, info, debug or trace");
}

/* Tells at the start what each call would fail for else; the library judges the
 * value in full. */
static int read_reason(struct app *app, const char *option)
{
    int good = strcspn(optarg, "; \t") > 0 && strchr(optarg, ';') != NULL &&
               strpbrk(optarg, "\r\n") == NULL &&
               strlen(optarg) <= MAX_REASON_BYTES;

    if (*optarg != '\0' && !good)
        return usage_error(option, "one such as 'SIP;cause=200' is wanted");
    app->proxy.cancel_reason = optarg;
    return 0;
}

/* Whether zero is no time of that kind: in the library it is the default. */
static int needs_time(int opt)
{
    return opt == OPT_TIMER_C || opt == OPT_T1 || opt == OPT_T2 ||
           opt == OPT_T4 || opt == OPT_DNS_TIMEOUT || opt == OPT_DEAD_ADDRESS;
}

static int read_value(struct app *app, int opt, const char *option)
{
    uint32_t *duration = duration_of(app, opt);

    if (duration != NULL) {
        int err = srf_duration_parse(optarg, duration);

        if (err != 0)
            return usage_error(option, srf_strerror(err));
        if (opt == OPT_TRYING_DELAY && *duration > MAX_TRYING_DELAY_MS)
            return usage_error(option, "at most 200ms");
        if (*duration == 0 && needs_time(opt))
            return usage_error(option, "a time above zero is wanted");
        return 0;
    }
    switch (opt) {
    case OPT_ALIAS:
        if (listeners_name(optarg) != NULL)
            return usage_error(option, listeners_name(optarg));
        return add_name(app->aliases, &app->alias_count, option);
    case OPT_FORKING:
        return read_forking(app);
    case OPT_STOP_CODES:
        return read_codes(option, 300, app->stop_codes, &app->proxy.stop_codes);
    case OPT_FAILOVER_CODES:
        return read_codes(option, 600, app->failover_codes,
                          &app->proxy.failover_codes);
    case OPT_CANCEL_REASON:
        return read_reason(app, option);
    case OPT_HEADER:
        return read_header(app, option);
    case OPT_MAX_REDIRECTS:
        return read_count(option, 255, &app->proxy.max_redirects);
    case OPT_MAX_TRANSACTIONS:
        return read_count(option, INT32_MAX, &app->stack.max_transactions);
    case OPT_LOG_LEVEL:
        return read_log_level(app);
    case OPT_DNS_SERVER:
        app->stack.dns_servers = optarg;
        return 0;
    case OPT_DNS_TRIES:
        return read_count(option, 10, &app->stack.dns_tries);
    case OPT_OUTBOUND:
        app->proxy.outbound = optarg;
        return 0;
    case OPT_RESULTS:
        app->results_path = optarg;
        return 0;
    default:
        return usage_error(option, "unexpected");
    }
}

static int read_listener(struct app *app, int opt, const char *option)
{
    const char *problem = listeners_read(&app->listeners, opt, optarg);

    return problem == NULL ? 0 : usage_error(option, problem);
}

static int read_flag(struct app *app, int opt)
{
    switch (opt) {
    case OPT_RECORD_ROUTE:
        app->proxy.record_route = 1;
        return 1;
    case OPT_KEEP_USER:
        app->proxy.keep_user = 1;
        return 1;
    case OPT_PATH:
        app->proxy.path = 1;
        return 1;
    case OPT_FOLLOW_REDIRECTS:
        app->proxy.follow_redirects = 1;
        return 1;
    case OPT_FORCE_RPORT:
        app->stack.force_rport = 1;
        return 1;
    case OPT_NO_RESULTS:
        app->no_results = 1;
        return 1;
    default:
        return 0;
    }
}

/* Their array ends with NULL, as argv does. */
static int read_targets(struct app *app, int count, char **targets)
{
    if (count > MAX_TARGETS)
        return usage_error(targets[MAX_TARGETS], "more than 32 targets");
    for (int i = 0; i < count; i++) {
        const char *problem = listeners_target(targets[i]);
        if (problem != NULL)
            return usage_error(targets[i], problem);
    }
    if (count > 0)
        app->targets = (const char *const *)targets;
    return 0;
}

/* 0: run; EXIT_USAGE: refused. --help and --version end the program. */
static int read_arguments(struct app *app, int argc, char **argv)
{
    int index = 0;
    int err = 0;

    for (;;) {
        int opt = getopt_long(argc, argv, "", long_options, &index);

        if (opt == -1)
            break;
        if (opt == OPT_HELP || opt == OPT_VERSION) {
            if (opt == OPT_HELP) {
                output_usage(help_begin, 0);
                listeners_usage(0);
                output_usage(help_end, 0);
            } else {
                output_print("srf-proxy %s", srf_version());
            }
            exit(EXIT_SUCCESS);
        }
        if (opt == '?') {
            output_log("Try 'srf-proxy --help'.");
            return EXIT_USAGE;
        }
        if (read_flag(app, opt) != 0)
            continue;
        char option[64];
        snprintf(option, sizeof(option), "--%s", long_options[index].name);
        err = opt >= LISTENERS_FIRST ? read_listener(app, opt, option)
                                     : read_value(app, opt, option);
        if (err != 0)
            return err;
    }
    const char *about;
    const char *problem = listeners_check(&app->listeners, &about);
    if (problem != NULL)
        return usage_error(about, problem);
    if (app->no_results && app->results_path != NULL)
        return usage_error("--no-results", "not with --results");
    return read_targets(app, argc - optind, argv + optind);
}

/* ------------------------------------------------------------------ */
/* Proxying                                                            */
/* ------------------------------------------------------------------ */

static void on_log(srf_log_level_t level, const srf_log_event_t *event,
                   void *data)
{
    char call_id[OUTPUT_WORD_BYTES];
    char suppressed[48] = "";

    (void)data;
    if (event->suppressed != 0)
        snprintf(suppressed, sizeof(suppressed), " suppressed=%llu",
                 (unsigned long long)event->suppressed);
    output_log("%s %s: %s%s%s%s%s%s", level_names[level], event->module,
               event->text, event->peer != NULL ? " peer=" : "",
               event->peer != NULL ? event->peer : "",
               event->call_id != NULL ? " call-id=" : "",
               output_word(call_id, event->call_id), suppressed);
}

static void on_done(srf_req_t *req, int err, const srf_proxy_results_t *results)
{
    char *json;

    if (err != 0)
        output_log_peer("srf-proxy: %s: %s", srf_req_call_id(req),
                        srf_strerror(err));
    json = srf_proxy_results_json(results);
    if (json == NULL) {
        output_log_peer("srf-proxy: %s: result lost: %s", srf_req_call_id(req),
                        srf_strerror(SRF_ERR_NO_MEMORY));
        return;
    }
    output_json(json);
    srf_free(json);
}

/* Without targets it is the caller's URI that was wrong, not the set-up. */
static int status_of_error(const struct app *app, int err)
{
    if (app->targets == NULL && err == SRF_ERR_INVALID_URI)
        return 400;
    if (app->targets == NULL && err == SRF_ERR_UNSUPPORTED)
        return 416;
    return 500;
}

static void on_request(srf_req_t *req, srf_res_t *res)
{
    struct app *app = srf_data(srf_req_srf(req));
    int err = srf_proxy_request(req, app->targets, &app->proxy,
                                app->no_results ? NULL : on_done);

    if (err == 0)
        return;
    output_log_peer("srf-proxy: cannot proxy %s %s: %s", srf_req_method(req),
                    srf_req_uri(req), srf_strerror(err));
    /* It fails when the caller has cancelled: 487 has gone out then. */
    srf_res_send(res, status_of_error(app, err), NULL);
}

/* ------------------------------------------------------------------ */
/* Start and end                                                       */
/* ------------------------------------------------------------------ */

static void on_hangup(void *data)
{
    const struct app *app = data;

    listeners_reload(&app->listeners, app->srf);
}

static int start_handles(struct app *app)
{
    const struct stop_actions actions = {
        .hangup = on_hangup,
        .data = app,
    };
    int err = uv_loop_init(&app->loop);

    if (err != 0)
        return err;
    return stop_begin(&app->loop, &actions);
}

/* Tells at the start what each call would fail for else. */
static int check_outbound(const struct app *app)
{
    const char *uri;

    if (app->proxy.outbound == NULL)
        return 0;
    for (size_t i = 0; (uri = srf_listener_uri(app->srf, i)) != NULL; i++) {
        if (strcmp(uri, app->proxy.outbound) == 0)
            return 0;
    }
    output_log("srf-proxy: --outbound: no listener is printed as %s",
               app->proxy.outbound);
    return SRF_ERR_INVALID_ARGUMENT;
}

static int start_proxy(struct app *app)
{
    const char *failed = "start";
    int err;

    if (app->listeners.access.open && app->targets == NULL)
        output_log("--open without a target is an open relay: anybody may have "
                   "it call anybody");
    app->listeners.makes_marks = app->proxy.record_route || app->proxy.path;
    listeners_limit(&app->listeners, &app->stack);
    err = srf_create(&app->srf, &app->loop, &app->stack);
    if (err == SRF_ERR_INVALID_ARGUMENT)
        failed = "--dns-server";

    if (err == 0) {
        srf_set_data(app->srf, app);
        stop_watch(app->srf);
    }
    for (size_t i = 0; err == 0 && i < app->alias_count; i++) {
        failed = app->aliases[i];
        err = srf_alias(app->srf, app->aliases[i]);
    }
    if (err == 0)
        err = listeners_start(&app->listeners, app->srf, &failed);
    if (err == 0)
        err = srf_on(app->srf, NULL, on_request);
    if (err != 0)
        output_log("srf-proxy: %s: %s", failed, srf_strerror(err));
    return err != 0 ? err : check_outbound(app);
}

int main(int argc, char **argv)
{
    static struct app app;
    int err;

    output_start("srf-proxy");
    listeners_init(&app.listeners);
    srf_options_init(&app.stack);
    srf_proxy_options_init(&app.proxy);
    app.proxy.headers = app.headers;
    app.stack.log_cb = on_log;
    err = read_arguments(&app, argc, argv);
    if (err != 0)
        return err;
    if (app.results_path != NULL && output_open(app.results_path) != 0)
        return EXIT_FAILURE;
    err = start_handles(&app);
    if (err != 0) {
        output_log("srf-proxy: %s", srf_strerror(err));
        return EXIT_FAILURE;
    }
    err = start_proxy(&app);
    if (err != 0)
        stop_now();
    if (output_run(&app.loop) != 0)
        err = -1;
    uv_loop_close(&app.loop);
    return err == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
