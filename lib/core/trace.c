/*
 * Showing messages to the program as they come and go.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/trace.h"

#include "base/alloc.h"

static void show(srf_t *srf, const srf__flow_t *flow, bool sent,
                 srf__str_t message)
{
    srf__addr_t local = srf__listener_local(flow->listener, &flow->peer);
    char local_text[SRF__ADDR_TEXT];
    char remote_text[SRF__ADDR_TEXT];
    const srf_trace_t trace = {
        .size = sizeof(trace),
        .time_us = srf->element.wall_us(),
        .sent = sent,
        .local_port = local.port,
        .remote_port = flow->peer.port,
        .transport = srf__transport_uri_name(flow->peer.transport),
        .local_address = srf__addr_ip_text(&local, local_text).p,
        .remote_address = srf__addr_ip_text(&flow->peer, remote_text).p,
        .data = message.p,
        .len = message.len,
    };

    srf->trace_cb(&trace, srf->trace_data);
}

void srf__trace_received(srf_t *srf, const srf__flow_t *from, const char *data,
                         size_t len)
{
    show(srf, from, false, srf__str(data, len));
}

void srf__trace_sent(void *arg, const srf__flow_t *to, const srf__str_t *parts,
                     unsigned count)
{
    size_t len = 0;
    size_t at = 0;

    for (unsigned i = 0; i < count; i++)
        len += parts[i].len;
    char *whole = srf__malloc(len);
    if (whole == NULL)
        return; /* the message has left; only the trace lacks it */
    for (unsigned i = 0; i < count; i++) {
        if (parts[i].len > 0)
            memcpy(whole + at, parts[i].p, parts[i].len);
        at += parts[i].len;
    }
    show(arg, to, true, srf__str(whole, len));
    srf__free(whole);
}
