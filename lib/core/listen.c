/*
 * Listening: from a URI to a listener.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/error.h"
#include "core/stack.h"

static bool is_wildcard(srf__str_t rest, size_t *len)
{
    *len = 1;
    return rest.len >= 1 && rest.p[0] == '*' &&
           (rest.len == 1 || rest.p[1] == ':' || rest.p[1] == ';');
}

/* Reads ":PORT", which may be 0 here (unlike in a URI), off the front. */
static bool take_port(srf__str_t *rest, uint16_t *port)
{
    uint32_t value;
    size_t end = srf__str_find(*rest, ';');

    *port = 5060;
    if (rest->len == 0 || rest->p[0] != ':')
        return true;
    if (!srf__str_to_u32(srf__str(rest->p + 1, end - 1), 65535, &value))
        return false;
    *port = (uint16_t)value;
    *rest = srf__str(rest->p + end, rest->len - end);
    return true;
}

static size_t host_length(srf__str_t rest)
{
    size_t len = 0;

    if (rest.len > 0 && rest.p[0] == '[') {
        len = srf__str_find(rest, ']');
        return len < rest.len ? len + 1 : len;
    }
    while (len < rest.len && rest.p[len] != ':' && rest.p[len] != ';')
        len++;
    return len;
}

/* Only ";transport=" may follow, and only udp is there. */
static int check_params(srf__str_t params)
{
    srf__str_t value;

    if (params.len == 0)
        return 0;
    if (!srf__param_find(params, "transport", &value) ||
        srf__str_find(srf__str(params.p + 1, params.len - 1), ';') !=
            params.len - 1)
        return SRF_ERR_INVALID_URI;
    return srf__str_ieq(value, SRF__STR("udp")) ? 0 : SRF_ERR_UNSUPPORTED;
}

static int read_uri(const char *uri, srf__addr_t *out)
{
    static const char scheme[] = "sip:";
    enum { SCHEME_LEN = sizeof(scheme) - 1 };
    srf__str_t rest = srf__str_of(uri);
    uint16_t port;
    size_t len;

    if (rest.len >= 5 && srf__str_ieq(srf__str(rest.p, 5), SRF__STR("sips:")))
        return SRF_ERR_UNSUPPORTED;
    if (rest.len < SCHEME_LEN ||
        !srf__str_ieq(srf__str(rest.p, SCHEME_LEN), SRF__STR("sip:")))
        return SRF_ERR_INVALID_URI;
    rest = srf__str(rest.p + SCHEME_LEN, rest.len - SCHEME_LEN);

    srf__str_t host = SRF__STR("0.0.0.0");
    if (!is_wildcard(rest, &len)) {
        len = host_length(rest);
        host = srf__str(rest.p, len);
    }
    rest = srf__str(rest.p + len, rest.len - len);
    if (!take_port(&rest, &port) ||
        !srf__addr_from_host(out, host, port, SRF__TRANSPORT_UDP) ||
        (rest.len > 0 && rest.p[0] != ';'))
        return SRF_ERR_INVALID_URI;
    return check_params(rest);
}

int srf_listen(srf_t *srf, const char *uri, const srf_listen_options_t *options)
{
    srf_listen_options_t given;
    srf__addr_t address;

    if (srf == NULL || uri == NULL)
        return SRF_ERR_INVALID_ARGUMENT;
    if (srf->closing)
        return SRF_ERR_CANCELED;
    int err =
        srf__options_copy(&given, sizeof(given), options, sizeof(given.size));
    if (err == 0)
        err = read_uri(uri, &address);
    if (err != 0)
        return err;
    return srf__udp_listen(&srf->element.transports, &address,
                           given.receive_buffer_bytes);
}

const char *srf_listener_uri(const srf_t *srf, size_t index)
{
    const srf__listener_t *listener =
        srf->closing ? NULL : srf->element.transports.listeners;

    while (listener != NULL && index > 0) {
        listener = listener->next;
        index--;
    }
    return listener == NULL ? NULL : listener->uri;
}
