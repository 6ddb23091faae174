/*
 * Responses of the program's own.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/buf.h"
#include "base/error.h"
#include "core/req.h"

enum { LINES_MAX = 32768 };

static bool has_content_type(const char *const *headers)
{
    for (; headers != NULL && *headers != NULL; headers += 2) {
        if (srf__header_find(srf__str_of(*headers)) == SRF__HDR_CONTENT_TYPE)
            return true;
    }
    return false;
}

static int check_state(const srf_req_t *req)
{
    if (req->srf->closing)
        return SRF_ERR_CANCELED;
    if (req->state == SRF__REQ_PROXIED)
        return SRF_ERR_ALREADY_PROXIED;
    return req->state == SRF__REQ_UNDECIDED ? 0 : SRF_ERR_ALREADY_FINAL;
}

static int send_provisional(srf_req_t *req, srf__response_spec_t *spec)
{
    srf__server_t *server = req->server;
    int err = 0;

    /* A 100 may have gone already, or something better. */
    if (spec->status != 100 || server->status < 100)
        err = srf__server_reply(server, spec);
    if (err == 0 && spec->status > 100)
        srf__req_take(req);
    if (err == 0)
        srf__req_restart_clock(req);
    return err;
}

static int send(srf_req_t *req, srf__response_spec_t *spec)
{
    srf__server_t *server = req->server;

    if (spec->status < 200) {
        if (server->method != SRF__METHOD_INVITE) /* RFC 4320 §4.1 */
            return SRF_ERR_UNSUPPORTED;
        return send_provisional(req, spec);
    }
    srf__req_take(req); /* the transaction forgets the request soon */
    bool success = spec->status < 300 && server->method == SRF__METHOD_INVITE;
    int err = success ? srf__answers_send(&req->srf->answers, server, spec)
                      : srf__server_reply(server, spec);
    if (err != 0)
        return err;
    srf__req_let_go(req);
    srf__req_decide(req, SRF__REQ_ANSWERED);
    req->final_sent = true;
    return 0;
}

int srf_res_send(srf_res_t *res, int status, const srf_res_options_t *options)
{
    static const uint32_t denied = 1u << SRF__HDR_VIA | 1u << SRF__HDR_FROM |
                                   1u << SRF__HDR_TO | 1u << SRF__HDR_CALL_ID |
                                   1u << SRF__HDR_CSEQ |
                                   1u << SRF__HDR_CONTENT_LENGTH;
    srf_res_options_t given;
    srf__buf_t lines;

    if (res == NULL || status < 100 || status > 699)
        return SRF_ERR_INVALID_ARGUMENT;
    int err =
        srf__options_copy(&given, sizeof(given), options, sizeof(given.size));
    if (err == 0)
        err = check_state(res->req);
    if (err != 0)
        return err;
    if (!srf__build_is_one_line(srf__str_of(given.reason)))
        return SRF_ERR_INVALID_ARGUMENT;
    if (given.body_len > 0 &&
        (given.body == NULL || !has_content_type(given.headers)))
        return SRF_ERR_INVALID_ARGUMENT;

    srf__buf_init(&lines, LINES_MAX);
    err = srf__build_lines(given.headers, denied, &lines);
    if (err == 0) {
        srf__response_spec_t spec = {
            .status = (unsigned)status,
            .reason = srf__str_of(given.reason),
            .lines = srf__buf_str(&lines),
            .body = srf__str(given.body, given.body_len),
        };
        err = send(res->req, &spec);
    }
    srf__buf_deinit(&lines);
    return err;
}

int srf_res_final_sent(const srf_res_t *res)
{
    return res->req->final_sent || res->req->server->status >= 200;
}
