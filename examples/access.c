/*
 * Who may use a program.
 *
 * SPDX-License-Identifier: MIT
 */
#include "access.h"

#include "output.h"

#include <string.h>

enum { HOST_BYTES = 64 };

static const struct access *guard;

const char *access_allow(struct access *access, const char *cidr)
{
    if (access->count == ACCESS_MAX)
        return "given too often";
    if (srf_cidr_parse(cidr, &access->allowed[access->count]) != 0)
        return ACCESS_NETWORK_WANTED;
    access->count++;
    return NULL;
}

/* The host of a listener's URI may be "*", and its port 0. */
static void copy_host(char out[HOST_BYTES], const char *uri)
{
    const char *host = strchr(uri, ':');

    host = host == NULL ? uri : host + 1;
    size_t len = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":;");
    if (len >= HOST_BYTES || len > strlen(host))
        len = 0;
    memcpy(out, host, len);
    out[len] = '\0';
}

const char *access_check(const struct access *access, const char *listen_uri)
{
    char host[HOST_BYTES];

    if (access->open && access->count > 0)
        return "--open lets anybody in, so what is --allow for?";
    copy_host(host, listen_uri);
    srf_address_kind_t kind = srf_address_kind(host);
    /* What is no address is refused by srf_listen(). */
    if (access->open || access->count > 0 || kind == SRF_ADDRESS_LOOPBACK ||
        (kind == SRF_ADDRESS_INVALID && strcmp(host, "*") != 0))
        return NULL;
    return "would serve anybody: name who may with --allow CIDR, or say --open";
}

const char *access_default_uri(const struct access *access)
{
    return access->open || access->count > 0
               ? "sip:*:5060;transport=udp"
               : "sip:127.0.0.1:5060;transport=udp";
}

int access_names(const struct access *access, const srf_req_t *req)
{
    const char *source = srf_req_source_address(req);

    for (size_t i = 0; i < access->count; i++) {
        if (srf_cidr_match(&access->allowed[i], source))
            return 1;
    }
    return 0;
}

static int came_where_open(const srf_req_t *req)
{
    const char *on = srf_req_received_on(req);

    for (size_t i = 0; i < ACCESS_OPEN_MAX && guard->open_on[i] != NULL; i++) {
        if (strcmp(on, guard->open_on[i]) == 0)
            return 1;
    }
    return 0;
}

static void on_request(srf_req_t *req, srf_res_t *res)
{
    const char *source = srf_req_source_address(req);

    if (access_names(guard, req) || came_where_open(req)) {
        srf_next(req, 0);
        return;
    }
    output_log_peer("403 for %s, which no --allow names",
                    source == NULL ? "somebody" : source);
    srf_res_send(res, 403, NULL);
}

int access_guard(const struct access *access, srf_t *srf)
{
    guard = access;
    return access->count == 0 ? 0 : srf_use(srf, NULL, on_request);
}

int access_read(struct access *access, int *argc, char ***argv)
{
    char *program = (*argv)[0];
    const char *problem = NULL;
    int at = 1;

    for (; at < *argc && strncmp((*argv)[at], "--", 2) == 0; at++) {
        const char *option = (*argv)[at];
        if (strcmp(option, "--open") == 0)
            access->open = 1;
        else if (strcmp(option, "--allow") != 0)
            problem = "unknown option";
        else if (++at == *argc)
            problem = "a network is missing";
        else
            problem = access_allow(access, (*argv)[at]);
        if (problem != NULL) {
            output_log("%s: %s: %s", program, option, problem);
            return -1;
        }
    }
    *argv += at - 1;
    *argc -= at - 1;
    (*argv)[0] = program;
    return 0;
}

const char *access_listen_uri(const struct access *access, char **argv)
{
    const char *uri = argv[1] != NULL ? argv[1] : access_default_uri(access);
    const char *problem = access_check(access, uri);

    if (problem != NULL)
        output_log("%s: %s: %s", argv[0], uri, problem);
    return problem == NULL ? uri : NULL;
}
