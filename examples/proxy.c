/*
 * srf-proxy: the options of the library on a command line.
 *
 * Every request goes to the targets named, in order, or where its Request-URI
 * points when none is named. Each finished proxy operation prints its result
 * as one line of JSON; log lines go to stderr. `srf-proxy --help` lists the
 * options. SIGTERM and SIGINT end it.
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

enum { EXIT_USAGE = 2, MAX_NAMES = 64, RESULTS_BUFFER_BYTES = 64 * 1024 };

enum {
    OPT_LISTEN = 256,
    OPT_RECORD_ROUTE,
    OPT_KEEP_USER,
    OPT_PATH,
    OPT_FOLLOW_REDIRECTS,
    OPT_FORKING,
    OPT_PROVISIONAL_TIMEOUT,
    OPT_FINAL_TIMEOUT,
    OPT_TIMER_C,
    OPT_T1,
    OPT_T2,
    OPT_T4,
    OPT_ALIAS,
    OPT_DNS_SERVER,
    OPT_RESULTS,
    OPT_LOG_LEVEL,
    OPT_HELP,
    OPT_VERSION
};

static const struct option long_options[] = {
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"record-route", no_argument, NULL, OPT_RECORD_ROUTE},
    {"keep-user", no_argument, NULL, OPT_KEEP_USER},
    {"path", no_argument, NULL, OPT_PATH},
    {"follow-redirects", no_argument, NULL, OPT_FOLLOW_REDIRECTS},
    {"forking", required_argument, NULL, OPT_FORKING},
    {"provisional-timeout", required_argument, NULL, OPT_PROVISIONAL_TIMEOUT},
    {"final-timeout", required_argument, NULL, OPT_FINAL_TIMEOUT},
    {"timer-c", required_argument, NULL, OPT_TIMER_C},
    {"t1", required_argument, NULL, OPT_T1},
    {"t2", required_argument, NULL, OPT_T2},
    {"t4", required_argument, NULL, OPT_T4},
    {"alias", required_argument, NULL, OPT_ALIAS},
    {"dns-server", required_argument, NULL, OPT_DNS_SERVER},
    {"results", required_argument, NULL, OPT_RESULTS},
    {"log-level", required_argument, NULL, OPT_LOG_LEVEL},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static const char help_text[] =
    "Usage: srf-proxy [OPTION]... [TARGET...]\n"
    "Proxies SIP requests to the targets in order; without a target, to where\n"
    "the Request-URI points. Prints one line of JSON per proxied request.\n"
    "\n"
    "  --listen URI             sip:HOST:PORT;transport=udp, repeatable;\n"
    "                           default sip:*:5060;transport=udp\n"
    "  --record-route           stay in the signalling path of dialogs\n"
    "  --keep-user              keep the user part when a target replaces the\n"
    "                           Request-URI\n"
    "  --path                   add Path to REGISTER\n"
    "  --follow-redirects       try the Contacts of a 3xx\n"
    "  --forking MODE           sequential (default) or simultaneous\n"
    "  --provisional-timeout D  wait for a first response of a target\n"
    "  --final-timeout D        wait for the final response of a target\n"
    "  --timer-c D              longest ringing, default 181s\n"
    "  --t1 D, --t2 D, --t4 D   the timers T1, T2 and T4 of RFC 3261\n"
    "  --alias HOST[:PORT]      further name of this proxy, repeatable\n"
    "  --dns-server HOST[:PORT] name server to ask, repeatable\n"
    "  --results FILE           append results to FILE instead of stdout\n"
    "  --log-level LEVEL        error, warning (default), info, debug, trace\n"
    "  --help, --version\n"
    "\n"
    "D is a duration such as 2s or 1500ms. Options of later releases are\n"
    "refused with exit status 2.\n";

/* The program: its command line, and what runs. */
struct app {
    const char *listeners[MAX_NAMES];
    size_t listener_count;
    const char *aliases[MAX_NAMES];
    size_t alias_count;
    const char *const *targets; /* NULL: outbound proxy */
    const char *results_path;
    srf_options_t stack;
    srf_proxy_options_t proxy;

    uv_loop_t loop;
    uv_signal_t signals[2];
    uv_prepare_t flush;
    srf_t *srf;
    FILE *results;
    int results_pending;
    int results_failed;
};

/* A feature that this version of the library may not have. */
struct feature {
    const char *option;
    srf_proxy_options_t settings;
};

/* A stack of its own on loopback that asks the library for features. */
struct probe {
    uv_loop_t loop;
    srf_t *srf;
    uv_udp_t socket;
    uv_timer_t limit;
    struct feature features[4];
    size_t count;
    size_t asked;
    int refused;
};

/* ------------------------------------------------------------------ */
/* Command line                                                        */
/* ------------------------------------------------------------------ */

static int usage_error(const char *option, const char *problem)
{
    fprintf(stderr, "srf-proxy: %s: %s\n", option, problem);
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
    case OPT_TIMER_C:
        return &app->stack.timer_c_ms;
    case OPT_T1:
        return &app->stack.t1_ms;
    case OPT_T2:
        return &app->stack.t2_ms;
    case OPT_T4:
        return &app->stack.t4_ms;
    default:
        return NULL;
    }
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

static int read_value(struct app *app, int opt, const char *option)
{
    uint32_t *duration = duration_of(app, opt);

    if (duration != NULL) {
        int err = srf_duration_parse(optarg, duration);

        return err == 0 ? 0 : usage_error(option, srf_strerror(err));
    }
    switch (opt) {
    case OPT_LISTEN:
        return add_name(app->listeners, &app->listener_count, option);
    case OPT_ALIAS:
        return add_name(app->aliases, &app->alias_count, option);
    case OPT_FORKING:
        return read_forking(app);
    case OPT_LOG_LEVEL:
        return read_log_level(app);
    case OPT_RESULTS:
        app->results_path = optarg;
        return 0;
    case OPT_DNS_SERVER:
        /* The interface has no call for it yet. */
        return usage_error(option, "not available in this version");
    default:
        return usage_error(option, "unexpected");
    }
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
    default:
        return 0;
    }
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
            if (opt == OPT_HELP)
                fputs(help_text, stdout);
            else
                printf("srf-proxy %s\n", srf_version());
            exit(EXIT_SUCCESS);
        }
        if (opt == '?') {
            fprintf(stderr, "Try 'srf-proxy --help'.\n");
            return EXIT_USAGE;
        }
        if (read_flag(app, opt) != 0)
            continue;
        char option[64];
        snprintf(option, sizeof(option), "--%s", long_options[index].name);
        err = read_value(app, opt, option);
        if (err != 0)
            return err;
    }
    /* argv ends with NULL, as an array of targets does. */
    if (optind < argc)
        app->targets = (const char *const *)(argv + optind);
    return 0;
}

/* ------------------------------------------------------------------ */
/* Which options does this version of the library have?                */
/* ------------------------------------------------------------------ */

/*
 * srf_proxy_request() is who knows, and it wants a request. So a stack on a
 * port of loopback is sent an OPTIONS for each option in doubt, which it
 * proxies, or refuses to proxy, to the socket that sent it.
 */

static void end_probe(struct probe *probe)
{
    uv_close((uv_handle_t *)&probe->socket, NULL);
    uv_close((uv_handle_t *)&probe->limit, NULL);
    srf_destroy(probe->srf, NULL);
}

static void on_probe_limit(uv_timer_t *timer)
{
    /* No answer: the first call will tell. */
    end_probe(timer->data);
}

static void on_probe(srf_req_t *req, srf_res_t *res)
{
    struct probe *probe = srf_data(srf_req_srf(req));

    if (probe->asked == probe->count)
        return;
    const struct feature *feature = &probe->features[probe->asked];
    char target[64];
    int err;

    probe->asked++;
    snprintf(target, sizeof(target), "127.0.0.1:%d", srf_req_source_port(req));
    err = srf_proxy_request(req, SRF_URIS(target), &feature->settings, NULL);
    if (err != 0)
        srf_res_send(res, 200, NULL);
    if (err == SRF_ERR_UNSUPPORTED) {
        usage_error(feature->option, "not available in this version");
        probe->refused = 1;
    }
    if (probe->asked == probe->count)
        end_probe(probe);
}

static void ask_feature(struct probe *probe, size_t number, const char *uri)
{
    static const char prefix[] = "sip:127.0.0.1:";
    struct sockaddr_in addr;
    char text[512];
    uv_buf_t buf;
    int len = snprintf(text, sizeof(text),
                       "OPTIONS %s SIP/2.0\r\n"
                       "Via: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK%zu\r\n"
                       "Max-Forwards: 70\r\n"
                       "From: <sip:probe@127.0.0.1>;tag=%zu\r\n"
                       "To: <sip:probe@127.0.0.1>\r\n"
                       "Call-ID: probe-%zu\r\n"
                       "CSeq: 1 OPTIONS\r\n"
                       "Content-Length: 0\r\n\r\n",
                       uri, number, number, number);

    uv_ip4_addr("127.0.0.1", (int)strtol(uri + strlen(prefix), NULL, 10),
                &addr);
    buf = uv_buf_init(text, (unsigned int)len);
    uv_udp_try_send(&probe->socket, &buf, 1, (const struct sockaddr *)&addr);
}

static struct feature *add_feature(struct probe *probe, const char *option)
{
    struct feature *feature = &probe->features[probe->count];

    probe->count++;
    feature->option = option;
    srf_proxy_options_init(&feature->settings);
    return feature;
}

static void collect_features(struct probe *probe, const srf_proxy_options_t *o)
{
    if (o->follow_redirects != 0)
        add_feature(probe, "--follow-redirects")->settings.follow_redirects = 1;
    if (o->forking != SRF_FORKING_SEQUENTIAL)
        add_feature(probe, "--forking simultaneous")->settings.forking =
            o->forking;
    if (o->provisional_timeout_ms != 0)
        add_feature(probe, "--provisional-timeout")
            ->settings.provisional_timeout_ms = o->provisional_timeout_ms;
    if (o->final_timeout_ms != 0)
        add_feature(probe, "--final-timeout")->settings.final_timeout_ms =
            o->final_timeout_ms;
}

/* 0, or EXIT_USAGE when an option asked for is not there. */
static int check_features(const srf_proxy_options_t *options)
{
    struct probe probe = {.count = 0};
    struct sockaddr_in any;
    int err;

    collect_features(&probe, options);
    if (probe.count == 0 || uv_loop_init(&probe.loop) != 0)
        return 0;
    uv_udp_init(&probe.loop, &probe.socket);
    uv_timer_init(&probe.loop, &probe.limit);
    probe.limit.data = &probe;
    uv_ip4_addr("127.0.0.1", 0, &any);
    err = uv_udp_bind(&probe.socket, (const struct sockaddr *)&any, 0);
    if (err == 0)
        err = srf_create(&probe.srf, &probe.loop, NULL);
    if (err == 0)
        err = srf_listen(probe.srf, "sip:127.0.0.1:0;transport=udp", NULL);
    if (err == 0)
        err = srf_on(probe.srf, NULL, on_probe);
    if (err == 0)
        err = uv_timer_start(&probe.limit, on_probe_limit, 1000, 0);
    if (err == 0) {
        srf_set_data(probe.srf, &probe);
        for (size_t i = 0; i < probe.count; i++)
            ask_feature(&probe, i, srf_listener_uri(probe.srf, 0));
    } else {
        end_probe(&probe);
    }
    uv_run(&probe.loop, UV_RUN_DEFAULT);
    uv_loop_close(&probe.loop);
    return probe.refused != 0 ? EXIT_USAGE : 0;
}

/* ------------------------------------------------------------------ */
/* Proxying                                                            */
/* ------------------------------------------------------------------ */

static void on_log(srf_log_level_t level, const srf_log_event_t *event,
                   void *data)
{
    (void)data;
    fprintf(stderr, "%s %s: %s", level_names[level], event->module,
            event->text);
    if (event->peer != NULL)
        fprintf(stderr, " peer=%s", event->peer);
    if (event->call_id != NULL)
        fprintf(stderr, " call-id=%s", event->call_id);
    if (event->suppressed != 0)
        fprintf(stderr, " suppressed=%llu",
                (unsigned long long)event->suppressed);
    fputc('\n', stderr);
}

static void on_done(srf_req_t *req, int err, const srf_proxy_results_t *results)
{
    struct app *app = srf_data(srf_req_srf(req));
    char *json = srf_proxy_results_json(results);

    if (err != 0)
        fprintf(stderr, "srf-proxy: %s: %s\n", srf_req_call_id(req),
                srf_strerror(err));
    if (json == NULL) {
        fprintf(stderr, "srf-proxy: %s: result lost: %s\n",
                srf_req_call_id(req), srf_strerror(SRF_ERR_NO_MEMORY));
        return;
    }
    fputs(json, app->results);
    fputc('\n', app->results);
    app->results_pending = 1;
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
    int err = srf_proxy_request(req, app->targets, &app->proxy, on_done);

    if (err == 0)
        return;
    fprintf(stderr, "srf-proxy: cannot proxy %s %s: %s\n", srf_req_method(req),
            srf_req_uri(req), srf_strerror(err));
    /* It fails when the caller has cancelled: 487 has gone out then. */
    srf_res_send(res, status_of_error(app, err), NULL);
}

/* ------------------------------------------------------------------ */
/* Start and end                                                       */
/* ------------------------------------------------------------------ */

/* Results gather in the buffer of the stream during a turn of the loop and
 * leave it here, just before the loop would sleep. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct app *app = prepare->data;

    if (app->results_pending == 0)
        return;
    app->results_pending = 0;
    if (fflush(app->results) != 0 && app->results_failed == 0) {
        fprintf(stderr, "srf-proxy: results cannot be written\n");
        app->results_failed = 1;
    }
}

static void on_destroyed(void *data)
{
    struct app *app = data;

    uv_close((uv_handle_t *)&app->signals[0], NULL);
    uv_close((uv_handle_t *)&app->signals[1], NULL);
    uv_close((uv_handle_t *)&app->flush, NULL);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct app *app = handle->data;

    (void)number;
    /* A second signal, should this take too long, has its usual effect. */
    uv_signal_stop(&app->signals[0]);
    uv_signal_stop(&app->signals[1]);
    srf_destroy(app->srf, on_destroyed);
}

static int start_handles(struct app *app)
{
    static const int numbers[2] = {SIGINT, SIGTERM};
    int err = uv_loop_init(&app->loop);

    if (err != 0)
        return err;
    uv_prepare_init(&app->loop, &app->flush);
    app->flush.data = app;
    uv_prepare_start(&app->flush, on_prepare);
    for (int i = 0; i < 2; i++) {
        uv_signal_init(&app->loop, &app->signals[i]);
        app->signals[i].data = app;
    }
    for (int i = 0; i < 2 && err == 0; i++)
        err = uv_signal_start(&app->signals[i], on_signal, numbers[i]);
    return err;
}

static int start_proxy(struct app *app)
{
    const char *failed = "start";
    int err = srf_create(&app->srf, &app->loop, &app->stack);

    if (err == 0) {
        srf_set_data(app->srf, app);
        err = srf_on(app->srf, NULL, on_request);
    }
    for (size_t i = 0; err == 0 && i < app->alias_count; i++) {
        failed = app->aliases[i];
        err = srf_alias(app->srf, app->aliases[i]);
    }
    for (size_t i = 0; err == 0 && i < app->listener_count; i++) {
        failed = app->listeners[i];
        err = srf_listen(app->srf, app->listeners[i], NULL);
    }
    if (err != 0) {
        fprintf(stderr, "srf-proxy: %s: %s\n", failed, srf_strerror(err));
        return err;
    }
    for (size_t i = 0; i < app->listener_count; i++)
        printf("listening on %s\n", srf_listener_uri(app->srf, i));
    fflush(stdout);
    return 0;
}

static int open_results(struct app *app)
{
    app->results = stdout;
    if (app->results_path != NULL)
        app->results = fopen(app->results_path, "a");
    if (app->results == NULL) {
        perror(app->results_path);
        return -1;
    }
    setvbuf(app->results, NULL, _IOFBF, RESULTS_BUFFER_BYTES);
    return 0;
}

int main(int argc, char **argv)
{
    static struct app app;
    int err;

    srf_options_init(&app.stack);
    srf_proxy_options_init(&app.proxy);
    app.stack.log_cb = on_log;
    err = read_arguments(&app, argc, argv);
    if (err == 0)
        err = check_features(&app.proxy);
    if (err != 0)
        return err;
    if (app.listener_count == 0) {
        app.listeners[0] = "sip:*:5060;transport=udp";
        app.listener_count = 1;
    }
    /* A reader of the results that goes away must not end the proxy. */
    signal(SIGPIPE, SIG_IGN);
    if (open_results(&app) != 0)
        return EXIT_FAILURE;
    err = start_handles(&app);
    if (err != 0) {
        fprintf(stderr, "srf-proxy: %s\n", srf_strerror(err));
        return EXIT_FAILURE;
    }
    err = start_proxy(&app);
    if (err != 0 && app.srf != NULL)
        srf_destroy(app.srf, on_destroyed);
    else if (err != 0)
        on_destroyed(&app);
    uv_run(&app.loop, UV_RUN_DEFAULT);
    uv_loop_close(&app.loop);
    if (fclose(app.results) != 0)
        err = -1;
    return err == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
