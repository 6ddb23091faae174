/*
 * Transports.
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/transport_id.h"

#include "message/lines.h"

/* RFC 7118 §5.2: a URI says "ws" of both WebSockets. */
const srf__transport_traits_t srf__transport_traits[SRF__TRANSPORTS] = {
    [SRF__TRANSPORT_NONE] = {.via_name = SRF__VIEW(""),
                             .uri_name = "",
                             .uri_param = "",
                             .port = 5060,
                             .secured = SRF__TRANSPORT_TLS},
    [SRF__TRANSPORT_UDP] = {.via_name = SRF__VIEW("UDP"),
                            .uri_name = "udp",
                            .uri_param = "", /* it is the usual one */
                            .port = 5060,
                            .secured = SRF__TRANSPORT_UDP},
    [SRF__TRANSPORT_TCP] = {.via_name = SRF__VIEW("TCP"),
                            .uri_name = "tcp",
                            .uri_param = ";transport=tcp",
                            .port = 5060,
                            .reliable = true,
                            .secured = SRF__TRANSPORT_TLS},
    [SRF__TRANSPORT_TLS] = {.via_name = SRF__VIEW("TLS"),
                            .uri_name = "tls",
                            .uri_param = ";transport=tls",
                            .port = 5061,
                            .secure = true,
                            .reliable = true,
                            .secured = SRF__TRANSPORT_TLS},
    [SRF__TRANSPORT_WS] = {.via_name = SRF__VIEW("WS"),
                           .uri_name = "ws",
                           .uri_param = ";transport=ws",
                           .port = 80,
                           .reliable = true,
                           .web = true,
                           .secured = SRF__TRANSPORT_WSS},
    [SRF__TRANSPORT_WSS] = {.via_name = SRF__VIEW("WSS"),
                            .uri_name = "wss",
                            .uri_param = ";transport=ws",
                            .port = 443,
                            .secure = true,
                            .reliable = true,
                            .web = true,
                            .secured = SRF__TRANSPORT_WSS},
};

srf__transport_id_t srf__transport_find(srf__str_t name)
{
    for (unsigned id = SRF__TRANSPORT_UDP; id < SRF__TRANSPORTS; id++) {
        if (srf__name_is(name, srf__transport_traits[id].uri_name))
            return (srf__transport_id_t)id;
    }
    return SRF__TRANSPORT_NONE;
}
