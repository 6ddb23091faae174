/*
 * What the benchmarks share: a stack on a virtual clock behind a listener that
 * only hands datagrams over, and both ends of many calls through it. Only the
 * stack's own work is to be measured: the texts are made outside of it. With
 * `deliver` the messages go another way.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_BENCH_CALLS_H
#define SRF_BENCH_CALLS_H

#include "core/stack.h"
#include "proxy/mark.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BENCH_TEXT = 2048, BENCH_KEPT = 1024, BENCH_SDP = 200 };

/* Called before and after each piece of the stack's work. */
typedef void (*bench_switch)(void);

typedef struct bench_call {
    char out[BENCH_KEPT];    /* the last request that reached a target */
    unsigned char to_target; /* datagrams */
    unsigned char to_caller;
} bench_call_t;

enum { BENCH_TARGETS = 4 };

typedef struct bench_trunk {
    char out[BENCH_TARGETS][BENCH_KEPT];
    char invite[BENCH_TARGETS][BENCH_KEPT];
} bench_trunk_t;

typedef struct bench_text {
    size_t len;
    char p[BENCH_TEXT];
} bench_text_t;

/* What stands in messages for the ends and for the stack between them. */
typedef struct bench_names {
    const char *via;    /* of the caller */
    const char *caller; /* what follows "sip:ann@" */
    const char *target; /* what follows "sip:bob@" */
    const char *stack;  /* what follows "sip:" in its Record-Route */
} bench_names_t;

typedef struct bench bench_t;
struct bench {
    srf__listener_t listener;
    srf__wheel_t wheel;
    srf_t *srf;
    srf__flow_t caller;
    srf__flow_t target; /* the first; others have the next ports */
    bench_call_t *calls;
    /* Of each call: the last request to each target that is no ACK, and its
     * INVITE. NULL: nobody asks. */
    bench_trunk_t *trunks;
    const char *const *uris; /* the targets as the program names them */
    bench_names_t names;
    /* Brings a message of `from` to the stack; NULL: at once. */
    void (*deliver)(bench_t *bench, const srf__flow_t *from,
                    const bench_text_t *text);
    void *deliver_arg;
    srf_proxy_options_t options;
    unsigned count;
    unsigned round; /* part of the Call-ID */
    unsigned done;  /* callbacks of srf_proxy_request() */
    bench_switch on;
    bench_switch off;
};

static inline void bench_check(int good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "bench: %s\n", what);
    exit(EXIT_FAILURE);
}

__attribute__((format(printf, 2, 3))) static inline void
bench_add(bench_text_t *text, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int n = vsnprintf(text->p + text->len, sizeof(text->p) - text->len, format,
                      args);
    va_end(args);
    bench_check(n >= 0 && text->len + (size_t)n < sizeof(text->p),
                "text too long");
    text->len += (size_t)n;
}

/* ---- the listener ---- */

static inline void bench_keep(bench_t *bench, unsigned long number,
                              unsigned port, const char *data)
{
    unsigned target = port - bench->target.peer.port;

    bench_check(target < BENCH_TARGETS, "datagram to an unknown target");
    if (bench->trunks == NULL || strncmp(data, "ACK ", 4) == 0)
        return;
    strcpy(bench->trunks[number].out[target], data);
    if (strncmp(data, "INVITE ", 7) == 0)
        strcpy(bench->trunks[number].invite[target], data);
}

/* A message of the stack has reached `to`. */
static inline void bench_take(bench_t *bench, const srf__addr_t *to,
                              const char *data)
{
    const char *id = strstr(data, "\nCall-ID: ");

    bench_check(id != NULL, "datagram without Call-ID");
    unsigned long number = strtoul(id + 10, NULL, 10);
    bench_check(number < bench->count, "datagram of an unknown call");
    bench_call_t *call = &bench->calls[number];
    if (!srf__addr_ip_eq(to, &bench->target.peer)) {
        call->to_caller++;
        return;
    }
    size_t len = strlen(data);
    bench_check(len < sizeof(call->out), "datagram too long to be kept");
    call->to_target++;
    memcpy(call->out, data, len + 1);
    bench_keep(bench, number, to->port, data);
}

static inline int bench_send(const srf__flow_t *flow, const srf__str_t *parts,
                             unsigned count)
{
    bench_t *bench = (bench_t *)(void *)flow->listener;
    char data[BENCH_TEXT + 1];
    size_t len = 0;

    bench->off();
    for (unsigned i = 0; i < count; i++) {
        bench_check(len + parts[i].len < sizeof(data), "datagram too long");
        memcpy(data + len, parts[i].p, parts[i].len);
        len += parts[i].len;
    }
    data[len] = '\0';
    bench_take(bench, &flow->peer, data);
    bench->on();
    return 0;
}

static inline void bench_close(srf__listener_t *listener)
{
    srf__transports_closed(listener);
}

/* ---- the stack ---- */

static inline void bench_on_done(srf_req_t *req, int err,
                                 const srf_proxy_results_t *results)
{
    bench_t *bench = srf_data(srf_req_srf(req));

    (void)err;
    (void)results;
    bench->done++;
}

static inline void bench_on_request(srf_req_t *req, srf_res_t *res)
{
    const bench_t *bench = srf_data(srf_req_srf(req));

    (void)res;
    bench_check(srf_proxy_request(req, bench->uris, &bench->options,
                                  bench_on_done) == 0,
                "srf_proxy_request() failed");
}

static inline int64_t bench_wall(void)
{
    return 1700000000000000;
}

static inline srf__addr_t bench_address(const char *ip, uint16_t port)
{
    srf__addr_t out;

    bench_check(
        srf__addr_from_host(&out, srf__str_of(ip), port, SRF__TRANSPORT_UDP),
        "bad address");
    return out;
}

/* A stack without a listener. */
static inline bench_t *bench_begin(unsigned count, struct uv_loop_s *loop,
                                   bench_switch on, bench_switch off)
{
    bench_t *bench = calloc(1, sizeof(*bench));

    bench_check(bench != NULL, "out of memory");
    bench->calls = calloc(count, sizeof(*bench->calls));
    bench_check(bench->calls != NULL, "out of memory");
    bench->count = count;
    srf_proxy_options_init(&bench->options);
    bench->options.record_route = 1;
    bench->on = on;
    bench->off = off;
    srf__wheel_init(&bench->wheel, 1000);
    const srf__env_t env = {.loop = loop,
                            .wheel = &bench->wheel,
                            .seed = 4711,
                            .wall_us = bench_wall};
    bench_check(srf__create(&bench->srf, &env, NULL) == 0, "no stack");
    srf_set_data(bench->srf, bench);
    bench_check(srf_on(bench->srf, NULL, bench_on_request) == 0, "no handler");
    return bench;
}

static inline bench_t *bench_create(unsigned count, bench_switch on,
                                    bench_switch off)
{
    static const char *const uris[] = {"sip:192.0.2.20:5080", NULL};
    static const srf__listener_ops_t ops = {.send = bench_send,
                                            .close = bench_close};
    bench_t *bench = bench_begin(count, NULL, on, off);

    bench->uris = uris;
    bench->names = (bench_names_t){"UDP 192.0.2.10:5070", "192.0.2.10:5070",
                                   "192.0.2.20:5080", "192.0.2.1:5060"};
    bench->listener.ops = &ops;
    bench->listener.bound = bench_address("192.0.2.1", 5060);
    strcpy(bench->listener.uri, "sip:192.0.2.1:5060;transport=udp");
    srf__transports_add(&bench->srf->element.transports, &bench->listener);
    bench->caller.listener = &bench->listener;
    bench->caller.peer = bench_address("192.0.2.10", 5070);
    bench->target.listener = &bench->listener;
    bench->target.peer = bench_address("192.0.2.20", 5080);
    return bench;
}

static inline void bench_receive(bench_t *bench, const srf__flow_t *from,
                                 const bench_text_t *text)
{
    const srf__transports_events_t *events =
        &bench->srf->element.transports.events;

    if (bench->deliver != NULL) {
        bench->deliver(bench, from, text);
        return;
    }
    bench->on();
    events->message(events->arg, from, text->p, text->len);
    bench->off();
}

/* Lets virtual time pass, from event to event. */
static inline void bench_run(bench_t *bench, uint64_t ms)
{
    srf__wheel_t *wheel = &bench->wheel;
    uint64_t end = wheel->now_ms + ms;

    bench->on();
    for (;;) {
        uint64_t next = srf__wheel_next(wheel);
        if (next > end)
            break;
        srf__wheel_advance(wheel, next);
    }
    srf__wheel_advance(wheel, end);
    bench->off();
}

static inline void bench_destroy(bench_t *bench)
{
    srf_destroy(bench->srf, NULL);
    bench_run(bench, 10);
    free(bench->calls);
    free(bench->trunks);
    free(bench);
}

static inline void bench_check_idle(bench_t *bench)
{
    srf_stats_t stats = {.size = sizeof(stats)};

    bench_check(srf_stats(bench->srf, &stats) == 0, "no statistics");
    bench_check(stats.server_transactions == 0 &&
                    stats.client_transactions == 0 &&
                    stats.proxies_pending == 0,
                "transactions are left");
}

/* Every call must have sent exactly this much. */
static inline void bench_expect(bench_t *bench, unsigned to_target,
                                unsigned to_caller)
{
    for (unsigned i = 0; i < bench->count; i++) {
        bench_call_t *call = &bench->calls[i];
        bench_check(call->to_target == to_target &&
                        call->to_caller == to_caller,
                    "the calls did not go as they should");
        call->to_target = 0;
        call->to_caller = 0;
    }
}

/* ---- messages ---- */

static inline void bench_add_sdp(bench_text_t *text)
{
    bench_text_t sdp = {0};

    bench_add(&sdp, "v=0\r\no=ann 2890844526 2890844526 IN IP4 192.0.2.10\r\n"
                    "s=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
                    "m=audio 49170 RTP/AVP 0 8 101\r\n"
                    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n");
    bench_add(&sdp, "a=tool:");
    while (sdp.len < BENCH_SDP - 2)
        bench_add(&sdp, "x");
    bench_add(&sdp, "\r\n");
    bench_add(text,
              "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
              sdp.len, sdp.p);
}

static inline void bench_invite(bench_t *bench, unsigned number)
{
    bench_text_t text = {0};

    bench_add(&text,
              "INVITE sip:+4930%07u@example.com SIP/2.0\r\n"
              "Via: SIP/2.0/%s;branch=z9hG4bKi%u-%u\r\n"
              "Max-Forwards: 70\r\n"
              "From: \"Ann\" <sip:ann@example.com>;tag=9fxced76sl-%u\r\n"
              "To: <sip:+4930%07u@example.com>\r\n"
              "Call-ID: %u-%u-3848276298220188511@192.0.2.10\r\n"
              "CSeq: 1 INVITE\r\n"
              "Contact: <sip:ann@%s>\r\n"
              "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n"
              "User-Agent: bench/1.0\r\n"
              "Supported: timer, replaces, 100rel\r\nPrivacy: none\r\n",
              number, bench->names.via, bench->round, number, number, number,
              number, bench->round, bench->names.caller);
    bench_add_sdp(&text);
    bench_receive(bench, &bench->caller, &text);
}

/* The mark that stands in the recorded route of a call. */
static inline void bench_mark(const bench_t *bench, unsigned number,
                              char out[SRF__MARK_LEN + 1])
{
    char data[128];
    int id =
        snprintf(data, sizeof(data), "%u-%u-3848276298220188511@192.0.2.10",
                 number, bench->round);
    int tag =
        snprintf(data + id, sizeof(data) - (size_t)id, "9fxced76sl-%u", number);
    const srf__facts_t facts = {
        .data = data,
        .call_id = {0, (uint16_t)id},
        .from_tag = {(uint16_t)id, (uint16_t)tag},
    };

    srf__mark_dialog(&bench->srf->element.marks, &facts, srf__str(NULL, 0),
                     out);
    out[SRF__MARK_LEN] = '\0';
}

/* ACK to a 2xx or BYE, along the recorded route. */
static inline void bench_follow(bench_t *bench, unsigned number,
                                const char *method, unsigned cseq)
{
    bench_text_t text = {0};
    char mark[SRF__MARK_LEN + 1];

    bench_mark(bench, number, mark);
    bench_add(&text,
              "%s sip:bob@%s SIP/2.0\r\n"
              "Via: SIP/2.0/%s;branch=z9hG4bK%c%u-%u\r\n"
              "Route: <sip:%s;lr;srf=%s>\r\n"
              "Max-Forwards: 70\r\n"
              "From: \"Ann\" <sip:ann@example.com>;tag=9fxced76sl-%u\r\n"
              "To: <sip:+4930%07u@example.com>;tag=314159-%u\r\n"
              "Call-ID: %u-%u-3848276298220188511@192.0.2.10\r\n"
              "CSeq: %u %s\r\n"
              "User-Agent: bench/1.0\r\n"
              "Content-Length: 0\r\n\r\n",
              method, bench->names.target, bench->names.via, method[0],
              bench->round, number, bench->names.stack, mark, number, number,
              number, number, bench->round, cseq, method);
    bench_receive(bench, &bench->caller, &text);
}

/* ACK of the caller to a refusal. */
static inline void bench_ack_refusal(bench_t *bench, unsigned number)
{
    bench_text_t text = {0};

    bench_add(&text,
              "ACK sip:+4930%07u@example.com SIP/2.0\r\n"
              "Via: SIP/2.0/%s;branch=z9hG4bKi%u-%u\r\n"
              "Max-Forwards: 70\r\n"
              "From: \"Ann\" <sip:ann@example.com>;tag=9fxced76sl-%u\r\n"
              "To: <sip:+4930%07u@example.com>;tag=314159-%u\r\n"
              "Call-ID: %u-%u-3848276298220188511@192.0.2.10\r\n"
              "CSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
              number, bench->names.via, bench->round, number, number, number,
              number, number, bench->round);
    bench_receive(bench, &bench->caller, &text);
}

static inline void bench_copy(bench_text_t *text, const char *request,
                              const char *name)
{
    const char *line = request;

    while ((line = strstr(line, name)) != NULL) {
        line++;
        bench_add(text, "%.*s", (int)(strchr(line, '\n') + 1 - line), line);
    }
}

/* A target answers a request; `lines` stand in place of a Contact. */
static inline void bench_answer(bench_t *bench, unsigned number,
                                const char *request, const char *status,
                                const char *lines, int with_sdp)
{
    int is_invite = strncmp(request, "INVITE", 6) == 0;
    bench_text_t text = {0};
    char tag[32] = "";

    bench_add(&text, "SIP/2.0 %s\r\n", status);
    bench_copy(&text, request, "\nVia: ");
    bench_copy(&text, request, "\nRecord-Route: ");
    bench_copy(&text, request, "\nFrom: ");
    bench_copy(&text, request, "\nTo: ");
    text.len -= 2;
    if (is_invite && strncmp(status, "100", 3) != 0)
        snprintf(tag, sizeof(tag), ";tag=314159-%u", number);
    bench_add(&text, "%s\r\n", tag);
    bench_copy(&text, request, "\nCall-ID: ");
    bench_copy(&text, request, "\nCSeq: ");
    if (is_invite && lines[0] == '\0')
        bench_add(&text, "Contact: <sip:bob@%s>\r\n", bench->names.target);
    bench_add(&text, "%s", lines);
    if (with_sdp)
        bench_add_sdp(&text);
    else
        bench_add(&text, "Content-Length: 0\r\n\r\n");
    bench_receive(bench, &bench->target, &text);
}

/* The target answers the last request that reached it. */
static inline void bench_reply(bench_t *bench, unsigned number,
                               const char *status, int with_sdp)
{
    bench_answer(bench, number, bench->calls[number].out, status, "", with_sdp);
}

#endif /* SRF_BENCH_CALLS_H */
