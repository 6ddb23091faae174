/*
 * Where messages may go: the program's word, and a ready-made one.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/destination.h"

enum { HOST_BYTES = 256 };

static void tell(srf_t *srf, const srf__addr_t *to)
{
    char peer[SRF__ADDR_TEXT];

    if (!srf__log_on(&srf->element.log, SRF_LOG_WARNING))
        return;
    (void)srf__addr_text(to, peer);
    const srf__log_context_t context = {.module = "core", .peer = peer};
    srf__log_peer(&srf->element.log, SRF_LOG_WARNING, &context,
                  "destination is not allowed");
}

bool srf__on_allow(void *arg, const srf__addr_t *to, srf__str_t name,
                   unsigned reason)
{
    srf_t *srf = arg;
    char address[SRF__ADDR_TEXT];
    char host[HOST_BYTES];
    size_t len = name.len < sizeof(host) ? name.len : sizeof(host) - 1;
    srf_destination_t destination = {
        .size = sizeof(destination),
        .address = address,
        .protocol = srf__transport_uri_name(to->transport),
        .host = host,
        .port = to->port,
        .reason = (int32_t)reason,
    };

    srf__str_t ip = srf__addr_ip_text(to, address);
    address[ip.len] = '\0';
    if (len > 0)
        memcpy(host, name.p, len);
    host[len] = '\0';
    if (srf->allow_destination(&destination, srf->destination_data) != 0)
        return true;
    srf->destinations_refused++;
    tell(srf, to);
    return false;
}

int srf_allow_public_destinations(const srf_destination_t *destination,
                                  void *data)
{
    (void)data;
    if (destination == NULL)
        return 0;
    if (destination->reason == SRF_DESTINATION_TARGET ||
        destination->reason == SRF_DESTINATION_DNS)
        return 1;
    return srf_address_kind(destination->address) == SRF_ADDRESS_PUBLIC;
}
