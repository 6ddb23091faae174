/*
 * The load generator's parts: load.c runs it, load_calls.c is what the two ends
 * of a call do, load_messages.c the texts, load_sockets.c the datagrams.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_BENCH_LOAD_H
#define SRF_BENCH_LOAD_H

#include "load_latency.h"

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

#define LOAD_MS 1000000ull /* nanoseconds */

enum {
    LOAD_BATCH = 32,
    LOAD_TEXT = 2048,
    LOAD_DIGITS = 8, /* of a call's number */
    LOAD_TOKEN = 12, /* of a run, so that it knows its own messages */
    LOAD_BLOCK = 1024,
    LOAD_STEPS = 6,       /* 500 ms doubled up to 16 s */
    LOAD_PATIENCE_S = 32, /* 64*T1 */
    LOAD_MAX_ROUTES = 8,
    LOAD_MAX_LINES = 16
};

typedef struct load_options {
    unsigned rate;       /* calls per second */
    unsigned warm_calls; /* begin before the measured window */
    unsigned calls;      /* all of them */
    unsigned ring_ms;    /* from 180 to 200 */
    unsigned talk_ms;    /* from ACK to BYE */
    unsigned patience_s;
    int cpu;      /* -1: any */
    int failover; /* the first server answers 503 */
    int held;     /* 200 only when all ring and a line came on stdin */
    int sleep;    /* waits in the kernel when there is nothing to do */
    uint16_t proxy;
    uint16_t caller;
    uint16_t server;
    uint16_t second;
} load_options_t;

/* ---- sockets ---- */

typedef enum load_end {
    LOAD_CALLER,
    LOAD_SERVER,
    LOAD_SECOND,
    LOAD_ENDS
} load_end_t;

/* Datagrams leave in batches; `stamps` are told when. */
typedef struct load_socket {
    int fd;
    unsigned queued;
    unsigned long errors;
    uint64_t *stamps[LOAD_BATCH];
    struct mmsghdr out[LOAD_BATCH];
    struct iovec out_parts[LOAD_BATCH];
    char out_text[LOAD_BATCH][LOAD_TEXT];
    struct mmsghdr in[LOAD_BATCH];
    struct iovec in_parts[LOAD_BATCH];
    char in_text[LOAD_BATCH][LOAD_TEXT];
} load_socket_t;

uint64_t load_now(void);
/* Connected to the proxy: nobody else can send anything. 0, or -1 and errno. */
int load_socket_open(load_socket_t *sock, uint16_t port, uint16_t proxy);
/* Room for LOAD_TEXT bytes, which load_socket_commit() sends. */
char *load_socket_room(load_socket_t *sock);
void load_socket_commit(load_socket_t *sock, size_t len, uint64_t *stamp);
void load_socket_flush(load_socket_t *sock);
/* How many datagrams are there now. */
unsigned load_socket_receive(load_socket_t *sock);
/* Datagrams that the kernel has dropped at this local port. */
unsigned long load_drops(uint16_t port);

/* ---- messages ---- */

typedef enum load_method {
    LOAD_INVITE,
    LOAD_ACK,
    LOAD_BYE,
    LOAD_OTHER
} load_method_t;

typedef struct load_line {
    const char *p;
    size_t len; /* with its CRLF */
} load_line_t;

/* What of a message is needed; it points into the datagram. */
typedef struct load_message {
    unsigned status;      /* 0: a request */
    load_method_t method; /* of a response: the one of its CSeq */
    uint32_t call;
    unsigned count;
    unsigned to;                        /* among the copied lines */
    load_line_t copied[LOAD_MAX_LINES]; /* into a response, in this order */
    unsigned routes;
    load_line_t route[LOAD_MAX_ROUTES]; /* Record-Route lines */
    load_line_t contact;
} load_message_t;

/* Kept between messages of a call: `text` up to `cut` and the rest. */
typedef struct load_block {
    uint16_t len;
    uint16_t cut;
    char text[LOAD_BLOCK - 4];
} load_block_t;

void load_messages_init(const load_options_t *options, const char *token);
/* 0; -1: none of this run's messages. */
int load_scan(load_message_t *out, const char *text, size_t len);
/* Each makes a message at `out` and returns its length. */
size_t load_write_invite(char *out, uint32_t call);
size_t load_write_request(char *out, uint32_t call, load_method_t method,
                          const load_block_t *block);
size_t load_write_ack_refusal(char *out, uint32_t call,
                              const load_message_t *response);
size_t load_write_response(char *out, uint32_t call, unsigned status,
                           load_end_t end, const load_block_t *block);
size_t load_write_bye_answer(char *out, const load_message_t *request);
/* A request's lines that its responses repeat. 0, or -1: too long. */
int load_keep_request(load_block_t *block, const load_message_t *request);
/* Where the requests of a dialog go, by its 200. 0, or -1. */
int load_keep_dialog(load_block_t *block, const load_message_t *response);

/* ---- calls ---- */

typedef struct load_call {
    uint64_t invite_sent;
    uint64_t ringing_sent;
    uint32_t dialog_block; /* 0: none */
    uint32_t answer_block;
    uint32_t refusal_block;
    unsigned char caller;
    unsigned char server;
    unsigned char refusal;
    unsigned char has_rung;
} load_call_t;

typedef struct load_timer {
    uint64_t due;
    uint32_t call;
    unsigned char kind;
    unsigned char step;
} load_timer_t;

/* All its timers have the same delay, so they are due in order. */
typedef struct load_queue {
    uint64_t delay_ns;
    load_timer_t *ring;
    uint64_t head;
    uint64_t tail;
    uint64_t mask;
} load_queue_t;

typedef struct load_stats {
    unsigned long completed;
    unsigned long failed;
    unsigned long again_caller; /* retransmissions sent */
    unsigned long again_server;
    unsigned long again_received;
    unsigned long without_ack; /* BYE before ACK */
    unsigned statuses[7];      /* final ones of failed calls, by class */
    latency_t late;            /* of the schedule */
    latency_t invite;
    latency_t ringing;
} load_stats_t;

typedef struct load {
    load_options_t options;
    uint64_t now;
    uint64_t begin;
    uint64_t first_measured;
    uint64_t last_start;
    uint64_t released; /* held calls are answered from here; 0: not yet */
    uint32_t started;
    uint32_t ringing;
    uint32_t answered;
    uint32_t over;
    unsigned long stray;
    load_call_t *calls;
    load_block_t *blocks;
    uint32_t *free_blocks;
    uint32_t free_count;
    load_queue_t again[LOAD_STEPS];
    load_queue_t answers;
    load_queue_t byes;
    load_socket_t sockets[LOAD_ENDS];
    load_stats_t stats[2]; /* before the window, and of it */
} load_t;

int load_calls_init(load_t *load);
void load_calls_start(load_t *load, uint32_t call);
void load_calls_answer(load_t *load, uint32_t call);
void load_calls_receive(load_t *load, load_end_t end, const char *text,
                        size_t len);
unsigned load_calls_timers(load_t *load);
/* Those that are not over have failed. */
void load_calls_give_up(load_t *load);

#endif
