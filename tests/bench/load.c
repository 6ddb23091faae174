/*
 * The load generator of tests/bench/compare: both ends of many calls through a
 * proxy on loopback, in one thread on one core. A call begins when its time has
 * come, whatever happens to the others. Without --sleep it never sleeps while
 * calls are under way: waking it is the proxy's work.
 *
 * Prints "window" when the measured calls begin, "ringing" when the calls of
 * --held all ring (they are answered when a line comes on stdin), and at the
 * end one line of JSON.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    EXIT_USAGE = 2,
    MAX_CALLS = 20 * 1000 * 1000,
    /* Behind its schedule by more than that it is the generator's fault. */
    LATE_P99_US = 2000,
    LATE_MAX_US = 50000,
    LINGER_MS = 20,
    IDLE_POLL_MS = 10,
    SLEEP_MS = 1 /* the longest, for the timers of calls */
};

static const char help_text[] =
    "Usage: bench-load --proxy PORT --caller PORT --server PORT [OPTION]...\n"
    "  --second PORT     the server that answers with --failover\n"
    "  --failover        the first server answers 503\n"
    "  --rate N          calls per second, 1000\n"
    "  --seconds S       how long calls begin, 4\n"
    "  --warm S          before that, not measured, 1\n"
    "  --ring MS         from 180 to 200, 0\n"
    "  --talk MS         from ACK to BYE, 0\n"
    "  --patience S      until a call has failed, 32\n"
    "  --held            200 only when all calls ring and a line has come\n"
    "  --sleep           until something comes, as telephones do\n"
    "  --cpu N           stay on that core\n";

static load_t load;
static uint64_t cpu_begin_ns;
static unsigned long sent_errors;

static uint64_t cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- command line ---- */

static double number(const char *text, double high)
{
    char *end;
    double out = strtod(text, &end);

    if (end == text || *end != '\0' || !(out >= 0) || out > high) {
        fprintf(stderr, "bench-load: %s: a number up to %g is wanted\n", text,
                high);
        exit(EXIT_USAGE);
    }
    return out;
}

static void usage(const char *problem)
{
    fprintf(stderr, "bench-load: %s\n%s", problem, help_text);
    exit(EXIT_USAGE);
}

static void read_option(load_options_t *options, int opt)
{
    switch (opt) {
    case 'p':
        options->proxy = (uint16_t)number(optarg, 65535);
        break;
    case 'c':
        options->caller = (uint16_t)number(optarg, 65535);
        break;
    case 's':
        options->server = (uint16_t)number(optarg, 65535);
        break;
    case '2':
        options->second = (uint16_t)number(optarg, 65535);
        break;
    case 'f':
        options->failover = 1;
        break;
    case 'h':
        options->held = 1;
        break;
    case 'z':
        options->sleep = 1;
        break;
    case 'r':
        options->rate = (unsigned)number(optarg, 1000000);
        break;
    case 'R':
        options->ring_ms = (unsigned)number(optarg, 100000);
        break;
    case 't':
        options->talk_ms = (unsigned)number(optarg, 100000);
        break;
    case 'P':
        options->patience_s = (unsigned)number(optarg, 1000);
        break;
    case 'u':
        options->cpu = (int)number(optarg, 1023);
        break;
    default:
        usage("unknown option");
    }
}

static void read_arguments(load_options_t *options, int argc, char **argv)
{
    static const struct option names[] = {
        {"proxy", required_argument, NULL, 'p'},
        {"caller", required_argument, NULL, 'c'},
        {"server", required_argument, NULL, 's'},
        {"second", required_argument, NULL, '2'},
        {"failover", no_argument, NULL, 'f'},
        {"held", no_argument, NULL, 'h'},
        {"sleep", no_argument, NULL, 'z'},
        {"rate", required_argument, NULL, 'r'},
        {"seconds", required_argument, NULL, 'S'},
        {"warm", required_argument, NULL, 'w'},
        {"ring", required_argument, NULL, 'R'},
        {"talk", required_argument, NULL, 't'},
        {"patience", required_argument, NULL, 'P'},
        {"cpu", required_argument, NULL, 'u'},
        {NULL, 0, NULL, 0},
    };
    double seconds = 4;
    double warm = 1;
    int opt;

    *options = (load_options_t){
        .rate = 1000, .patience_s = LOAD_PATIENCE_S, .cpu = -1};
    while ((opt = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (opt == 'S')
            seconds = number(optarg, 3600);
        else if (opt == 'w')
            warm = number(optarg, 3600);
        else
            read_option(options, opt);
    }
    double calls = (seconds + warm) * options->rate;
    if (options->proxy == 0 || options->caller == 0 || options->server == 0 ||
        (options->failover && options->second == 0))
        usage("a port is missing");
    if (calls < 1 || calls > MAX_CALLS)
        usage("too few or too many calls");
    options->calls = (unsigned)calls;
    options->warm_calls = (unsigned)(warm * options->rate);
}

/* ---- running ---- */

static uint64_t planned(uint32_t call)
{
    return load.begin +
           (uint64_t)((double)call * 1e9 / (double)load.options.rate);
}

static unsigned start_calls(void)
{
    unsigned count = 0;

    while (load.started < load.options.calls && count < LOAD_BATCH) {
        uint32_t call = load.started;
        uint64_t due = planned(call);

        if (due > load.now)
            break;
        if (call == load.options.warm_calls) {
            load.first_measured = load.now;
            cpu_begin_ns = cpu_ns();
            (void)!write(STDOUT_FILENO, "window\n", 7);
        }
        latency_add(&load.stats[call >= load.options.warm_calls].late,
                    load.now - due);
        load.started++;
        load.last_start = load.now;
        load_calls_start(&load, call);
        count++;
    }
    return count;
}

/* Those that are held are answered one after the other, too. */
static unsigned answer_held(void)
{
    unsigned count = 0;

    while (load.answered < load.options.calls && count < LOAD_BATCH) {
        uint64_t due = load.released + (uint64_t)((double)load.answered * 1e9 /
                                                  (double)load.options.rate);
        if (due > load.now)
            break;
        load_calls_answer(&load, load.answered);
        load.answered++;
        count++;
    }
    return count;
}

static void flush_all(void)
{
    for (unsigned i = 0; i < LOAD_ENDS; i++)
        load_socket_flush(&load.sockets[i]);
}

static unsigned receive(load_end_t end)
{
    load_socket_t *sock = &load.sockets[end];
    unsigned count = load_socket_receive(sock);

    if (count != 0)
        load.now = load_now();
    for (unsigned i = 0; i < count; i++)
        load_calls_receive(&load, end, sock->in_text[i], sock->in[i].msg_len);
    if (count != 0)
        flush_all();
    return count;
}

/* Until a datagram comes or the next call is due. */
static void sleep_until_due(void)
{
    struct pollfd fds[LOAD_ENDS];
    struct timespec wait = {0, SLEEP_MS * (long)LOAD_MS};

    for (unsigned i = 0; i < LOAD_ENDS; i++)
        fds[i] = (struct pollfd){load.sockets[i].fd, POLLIN, 0};
    if (load.started < load.options.calls) {
        uint64_t due = planned(load.started);
        load.now = load_now();
        if (due <= load.now)
            return;
        if (due - load.now < SLEEP_MS * LOAD_MS)
            wait.tv_nsec = (long)(due - load.now);
    }
    (void)ppoll(fds, LOAD_ENDS, &wait, NULL);
}

static unsigned turn(void)
{
    unsigned count;

    load.now = load_now();
    count = start_calls() + load_calls_timers(&load);
    if (load.released != 0)
        count += answer_held();
    flush_all();
    for (unsigned i = 0; i < LOAD_ENDS; i++)
        count += receive((load_end_t)i);
    if (count == 0 && load.options.sleep)
        sleep_until_due();
    return count;
}

/* All calls ring: waits for a line on stdin, or its end. */
static void hold(void)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    char line[64];

    (void)!write(STDOUT_FILENO, "ringing\n", 8);
    while (poll(&in, 1, IDLE_POLL_MS) == 0) {
        while (turn() != 0)
            continue;
    }
    (void)!read(STDIN_FILENO, line, sizeof(line));
    load.released = load_now();
}

static void run(void)
{
    uint64_t patience = ((uint64_t)load.options.patience_s * 1000 +
                         load.options.ring_ms + load.options.talk_ms) *
                        LOAD_MS;
    uint64_t end;

    load.begin = load_now() + 10 * LOAD_MS;
    load.last_start = load.begin;
    while (load.started < load.options.calls)
        turn();
    /* Held calls that do not come to ring are not waited for for ever. */
    while (load.options.held && load.ringing < load.options.calls &&
           load.now < load.last_start + patience)
        turn();
    if (load.options.held && load.ringing == load.options.calls) {
        hold();
        while (load.answered < load.options.calls)
            turn();
        load.last_start = load.now;
    }
    while (load.over < load.options.calls &&
           load.now < load.last_start + patience)
        turn();
    load_calls_give_up(&load);
    end = load_now() + LINGER_MS * LOAD_MS;
    while (load.now < end)
        turn();
}

/* ---- results ---- */

static void print_latency(const char *name, const latency_t *latency)
{
    printf(", \"%s\": {\"count\": %llu, \"p50_us\": %.1f, \"p99_us\": %.1f, "
           "\"max_us\": %.1f}",
           name, (unsigned long long)latency->count,
           latency_quantile_us(latency, 0.5),
           latency_quantile_us(latency, 0.99), (double)latency->max_ns / 1000);
}

static void print_results(const unsigned long *drops)
{
    const load_stats_t *stats = &load.stats[1];
    unsigned calls = load.options.calls - load.options.warm_calls;
    double seconds = (double)(load.last_start - load.first_measured) / 1e9;
    int late = latency_quantile_us(&stats->late, 0.99) > LATE_P99_US ||
               stats->late.max_ns > LATE_MAX_US * 1000ull;
    unsigned long dropped = 0;

    for (unsigned i = 0; i < LOAD_ENDS; i++) {
        dropped +=
            load_drops((uint16_t)(i == LOAD_CALLER   ? load.options.caller
                                  : i == LOAD_SERVER ? load.options.server
                                                     : load.options.second)) -
            drops[i];
        sent_errors += load.sockets[i].errors;
    }
    printf("{\"calls\": %u, \"completed\": %lu, \"failed\": %lu, "
           "\"warm_calls\": %u, \"warm_failed\": %lu",
           calls, stats->completed, stats->failed, load.options.warm_calls,
           load.stats[0].failed);
    printf(", \"unanswered\": %u, \"refused\": %u", stats->statuses[0],
           stats->statuses[3] + stats->statuses[4] + stats->statuses[5] +
               stats->statuses[6]);
    printf(", \"sent_again_caller\": %lu, \"sent_again_server\": %lu, "
           "\"received_again\": %lu, \"without_ack\": %lu",
           stats->again_caller, stats->again_server, stats->again_received,
           stats->without_ack);
    printf(", \"unexpected\": %lu, \"drops\": %lu, \"send_errors\": %lu",
           load.stray, dropped, sent_errors);
    printf(", \"rate\": %.1f, \"late\": %s, \"cpu_ns\": %llu",
           seconds > 0 && !load.options.held ? (calls - 1) / seconds : 0.0,
           late ? "true" : "false",
           (unsigned long long)(cpu_ns() - cpu_begin_ns));
    print_latency("lateness", &stats->late);
    print_latency("invite", &stats->invite);
    print_latency("ringing", &stats->ringing);
    printf("}\n");
}

static void stay_on(int cpu)
{
    cpu_set_t set;

    if (cpu < 0)
        return;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0)
        perror("bench-load: sched_setaffinity");
}

int main(int argc, char **argv)
{
    unsigned long drops[LOAD_ENDS];
    char token[LOAD_TOKEN + 1];

    read_arguments(&load.options, argc, argv);
    stay_on(load.options.cpu);
    snprintf(token, sizeof(token), "%012llx",
             (unsigned long long)(load_now() / 1000 & 0xffffffffffff));
    load_messages_init(&load.options, token);
    if (load_calls_init(&load) != 0) {
        fprintf(stderr, "bench-load: out of memory\n");
        return EXIT_FAILURE;
    }
    const uint16_t ports[LOAD_ENDS] = {load.options.caller, load.options.server,
                                       load.options.second};
    for (unsigned i = 0; i < LOAD_ENDS; i++) {
        if (load_socket_open(&load.sockets[i], ports[i], load.options.proxy) !=
            0) {
            perror("bench-load: socket");
            return EXIT_FAILURE;
        }
        drops[i] = load_drops(ports[i]);
    }
    run();
    print_results(drops);
    return EXIT_SUCCESS;
}
