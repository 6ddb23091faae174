/*
 * Flows, as the program sees them: the connections that requests came on.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/flow.h"

#include "core/req.h"
#include "transport/stream.h"

int srf_on_flow_closed(srf_t *srf, srf_flow_closed_cb cb, void *data)
{
    if (srf == NULL)
        return SRF_ERR_INVALID_ARGUMENT;
    srf->flow_closed_cb = cb;
    srf->flow_closed_data = data;
    return 0;
}

void srf__on_closed(void *arg, uint32_t connection)
{
    srf_t *srf = arg;

    if (srf->flow_closed_cb != NULL && !srf->closing)
        srf->flow_closed_cb(srf, connection, srf->flow_closed_data);
}

uint64_t srf_req_flow(const srf_req_t *req)
{
    const srf__server_t *server = req->server;

    return server->moved_to != 0 ? server->moved_to : server->from.connection;
}

int srf_flow_is_open(const srf_t *srf, uint64_t flow)
{
    if (flow == 0)
        return 1;
    return !srf->closing && flow <= UINT32_MAX &&
           srf__stream_is_open(&srf->element.transports, (uint32_t)flow);
}
