/*
 * A stack with one listener.
 *
 * SPDX-License-Identifier: MIT
 */
#include "host.h"

#include <string.h>

enum { DRAIN_STEPS = 100000 };

fuzz_memory_t host_memory;

/* ---- texts ---- */

void text_add(text_t *text, const char *p, size_t len)
{
    if (len > sizeof(text->p) - 1 - text->len)
        len = sizeof(text->p) - 1 - text->len;
    memcpy(text->p + text->len, p, len);
    text->len += len;
    text->p[text->len] = '\0';
}

void text_string(text_t *text, const char *string)
{
    text_add(text, string, strlen(string));
}

/* ---- the network ---- */

static int net_send(const srf__flow_t *flow, const srf__str_t *parts,
                    unsigned count)
{
    host_t *host = (host_t *)(void *)flow->listener;

    FUZZ_CHECK(host->srf != NULL);
    host->last.len = 0;
    for (unsigned i = 0; i < count; i++)
        text_add(&host->last, parts[i].p, parts[i].len);
    FUZZ_CHECK(host->last.len > 0);
    host->last_to = flow->peer;
    if (host->fail_send) {
        host->fail_send = false;
        return SRF_ERR_UNREACHABLE;
    }
    host->manner->sent(host);
    return 0;
}

static void net_close(srf__listener_t *listener)
{
    srf__transports_closed(listener);
}

void host_deliver(host_t *host, const srf__addr_t *from, const text_t *text)
{
    const srf__flow_t flow = {&host->listener, *from, 0};

    if (host->srf == NULL)
        return;
    /* Of its exact size, so that reading beyond it is noticed. */
    char *exact = malloc(text->len == 0 ? 1 : text->len);
    FUZZ_CHECK(exact != NULL);
    memcpy(exact, text->p, text->len);
    srf__on_message(host->srf, &flow, exact, text->len);
    free(exact);
}

static void give_back(host_t *host)
{
    text_t copy;

    if (host->srf == NULL || host->last.len == 0)
        return;
    copy = host->last;
    srf__on_undelivered(host->srf, &host->last_to, copy.p, copy.len);
}

/* ---- time ---- */

static void carry(host_t *host)
{
    if (host->manner->carry != NULL)
        host->manner->carry(host);
}

static void pass(host_t *host, uint64_t ms)
{
    srf__wheel_t *wheel = &host->wheel;
    uint64_t end = wheel->now_ms + ms;

    for (;;) {
        uint64_t next = srf__wheel_next(wheel);
        if (next > end)
            break;
        srf__wheel_advance(wheel, next);
        carry(host);
    }
    srf__wheel_advance(wheel, end);
    carry(host);
}

void host_drain(host_t *host)
{
    unsigned steps = 0;

    host_memory.fail_in = 0;
    host->fail_send = false;
    while (host->wheel.count > 0) {
        FUZZ_CHECK(++steps < DRAIN_STEPS);
        srf__wheel_advance(&host->wheel, srf__wheel_next(&host->wheel));
        carry(host);
    }
}

/* ---- the script ---- */

static void command(host_t *host, const char *p, size_t len)
{
    unsigned argument = len > 1 ? (unsigned char)p[1] : 0;

    switch (p[0]) {
    case 'w':
        pass(host, (uint64_t)1 << argument % 20);
        break;
    case 'x':
        give_back(host);
        break;
    case 'f':
        host->fail_send = true;
        break;
    case 'm':
        host_memory.fail_in = argument;
        break;
    case 'd':
        host_destroy(host);
        break;
    default:
        host->manner->command(host, p, len);
        break;
    }
    carry(host);
    /* Timers of delay zero: what must come from the loop. */
    pass(host, 0);
}

void host_script(host_t *host, const char *p, size_t size)
{
    size_t begin = 0;

    while (begin < size) {
        size_t end = begin;
        do {
            const char *line = memchr(p + end, '\n', size - end);
            end = line == NULL ? size : (size_t)(line - p) + 1;
        } while (end < size && p[end] != '%');
        if (p[begin] == '%' && end - begin > 1)
            command(host, p + begin + 1, end - begin - 1);
        begin = end;
    }
}

/* ---- begin and end ---- */

srf__addr_t host_address(const char *ip)
{
    srf__addr_t out;

    FUZZ_CHECK(
        srf__addr_from_host(&out, srf__str_of(ip), 5060, SRF__TRANSPORT_UDP));
    return out;
}

static int64_t fixed_wall(void)
{
    return 1700000000000000;
}

void host_begin(host_t *host, const host_manner_t *manner,
                const srf_options_t *options)
{
    static const srf__listener_ops_t ops = {.send = net_send,
                                            .close = net_close};
    static bool ready;
    const srf__env_t env = {
        .wheel = &host->wheel, .seed = 99, .wall_us = fixed_wall};

    if (!ready)
        fuzz_memory_begin(&host_memory);
    ready = true;
    host_memory.fail_in = 0;
    srf__wheel_init(&host->wheel, 1000);
    FUZZ_CHECK(srf__create(&host->srf, &env, options) == 0);
    host->manner = manner;
    host->listener.ops = &ops;
    host->listener.bound = host_address("10.0.0.1");
    strcpy(host->listener.uri, "sip:10.0.0.1:5060;transport=udp");
    srf__transports_add(&host->srf->element.transports, &host->listener);
    srf_set_data(host->srf, host);
}

static void on_destroyed(void *data)
{
    host_t *host = data;

    host->destroyed++;
    host->srf = NULL;
}

void host_destroy(host_t *host)
{
    if (host->srf != NULL && !host->srf->closing)
        srf_destroy(host->srf, on_destroyed);
}

void host_end(host_t *host)
{
    host_destroy(host);
    host_drain(host);
    FUZZ_CHECK(host->destroyed == 1);
}
