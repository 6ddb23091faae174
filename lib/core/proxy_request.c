/*
 * srf_proxy_request(): everything is checked before anything is done.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/alloc.h"
#include "base/error.h"
#include "core/req.h"
#include "proxy/reason.h"
#include "proxy/results.h"
#include "proxy/search.h"

enum { TARGETS_TEXT_MAX = 1 << 20, LINES_MAX = 32768 };

static void on_cancelled(srf__context_t *context)
{
    srf_req_t *req = context->user_data;

    if (req->on_cancel != NULL)
        req->on_cancel(req);
}

static void on_branch(srf__context_t *context, const srf__branch_t *branch)
{
    srf_req_t *req = context->user_data;
    srf__results_t results;
    srf_proxy_response_t told;

    if (srf__req_hooks(req)->on_branch == NULL)
        return;
    if (srf__results_make_one(&results, context, branch, &told))
        srf__req_hooks(req)->on_branch(req, &told);
    srf__results_deinit(&results);
}

static void on_response(srf__context_t *context, const srf__branch_t *branch,
                        const srf__branch_msg_t *msg)
{
    srf_req_t *req = context->user_data;
    const srf_proxy_msg_t response = {
        .time_us = (int64_t)msg->time_us,
        .status = (int32_t)msg->status,
        .msg = msg->msg,
    };
    srf__results_t results;
    srf_proxy_response_t told;

    if (srf__req_hooks(req)->on_response == NULL)
        return;
    if (srf__results_make_one(&results, context, branch, &told))
        srf__req_hooks(req)->on_response(req, &told, &response);
    srf__results_deinit(&results);
}

static void on_done(srf__context_t *context, int err,
                    const srf_proxy_results_t *results)
{
    srf_req_t *req = context->user_data;

    req->final_sent = context->final_status != 0;
    if (req->proxy_cb != NULL)
        req->proxy_cb(req, err, results);
    srf_req_unref(req);
}

static const srf__context_user_t context_user = {
    .branch = on_branch,
    .response = on_response,
    .cancelled = on_cancelled,
    .done = on_done,
};

enum { DEFAULT_REDIRECTS = 5, MAX_REDIRECTS = 255, MAX_CODES = 400 };

/* A list of statuses that ends with 0. */
static bool are_statuses(const int32_t *codes, int32_t lowest)
{
    int count = 0;

    for (; codes != NULL && codes[count] != 0; count++) {
        if (codes[count] < lowest || codes[count] > 699 || count == MAX_CODES)
            return false;
    }
    return true;
}

static int check_options(const srf_proxy_options_t *options)
{
    bool good = (options->forking == SRF_FORKING_SEQUENTIAL ||
                 options->forking == SRF_FORKING_SIMULTANEOUS) &&
                are_statuses(options->stop_codes, 300) &&
                are_statuses(options->failover_codes, 600) &&
                options->max_redirects <= MAX_REDIRECTS;

    return good ? 0 : SRF_ERR_INVALID_ARGUMENT;
}

/* Appends it as a line, of which *out is a view: empty where the program wants
 * none, p is NULL where it says nothing. */
static int write_cancel_reason(const char *value, srf__buf_t *lines,
                               srf__str_t *out)
{
    srf__str_t text = srf__str_of(value);
    size_t at = lines->len;

    *out = text;
    if (text.len == 0)
        return 0;
    if (!srf__reason_is_valid(text))
        return SRF_ERR_INVALID_HEADER;
    srf__buf_add_text(lines, "Reason: ");
    srf__buf_add_str(lines, text);
    srf__buf_add_text(lines, "\r\n");
    *out = srf__str(lines->p + at, lines->len - at);
    return lines->err;
}

/* In a structure SRF_TIMEOUT_NONE says off; in the context 0 does. */
static uint32_t timeout_of(uint32_t ms)
{
    return ms == SRF_TIMEOUT_NONE ? 0 : ms;
}

static uint8_t redirects_of(const srf_proxy_options_t *options)
{
    if (options->follow_redirects == 0)
        return 0;
    return options->max_redirects == 0 ? DEFAULT_REDIRECTS
                                       : (uint8_t)options->max_redirects;
}

enum { FEW_TARGETS = 8 };

/* Normalised targets: their texts in one buffer, and pointers to them. */
typedef struct targets {
    srf__buf_t text;
    const char **list;
    const char *few[FEW_TARGETS];
    unsigned count;
} targets_t;

static int read_targets(targets_t *targets, const char *const *uris,
                        uint32_t max)
{
    unsigned count = 0;
    srf__uri_t uri;

    while (uris != NULL && uris[count] != NULL) {
        if (count == max)
            return SRF_ERR_TOO_MANY_TARGETS;
        int err = srf__target_normalize(uris[count], &targets->text, &uri);
        srf__buf_add_char(&targets->text, '\0');
        if (err == 0)
            err = targets->text.err;
        if (err != 0)
            return err;
        count++;
    }
    targets->list = targets->few;
    if (count > FEW_TARGETS)
        targets->list = srf__calloc(count, sizeof(*targets->list));
    if (targets->list == NULL)
        return SRF_ERR_NO_MEMORY;
    const char *p = targets->text.p;
    for (unsigned i = 0; i < count; i++) {
        targets->list[i] = p;
        p += strlen(p) + 1;
    }
    targets->count = count;
    return 0;
}

/* The listener of that URI; NULL: none. */
static srf__listener_t *find_outbound(srf_req_t *req, const char *uri)
{
    srf__listener_t *listener = req->srf->element.transports.listeners;

    if (uri == NULL)
        return NULL;
    while (listener != NULL && strcmp(listener->uri, uri) != 0)
        listener = listener->next;
    return listener;
}

static srf__settings_t settings_of(const srf_req_t *req,
                                   const srf_proxy_options_t *options)
{
    bool hooked = options->on_branch != NULL || options->on_response != NULL;

    return (srf__settings_t){
        .timer_c_ms = options->timer_c_ms,
        .max_redirects = redirects_of(options),
        .simultaneous = options->forking == SRF_FORKING_SIMULTANEOUS,
        .record_route = options->record_route != 0,
        .keep_user = options->keep_user != 0,
        .path = options->path != 0,
        .hooked = hooked,
        .unreported = req->proxy_cb == NULL && !hooked,
    };
}

static int start(srf_req_t *req, const targets_t *targets,
                 const srf_proxy_options_t *options, srf__str_t headers,
                 srf__str_t cancel_reason)
{
    const srf__context_spec_t spec = {
        .targets = targets->list,
        .target_count = targets->count,
        .headers = headers,
        .settings = settings_of(req, options),
        .wishes =
            {
                .provisional_timeout_ms =
                    timeout_of(options->provisional_timeout_ms),
                .final_timeout_ms = timeout_of(options->final_timeout_ms),
                .stop_codes = options->stop_codes,
                .failover_codes = options->failover_codes,
                .outbound = find_outbound(req, options->outbound),
                .cancel_reason = cancel_reason,
            },
        .user = &context_user,
        .user_data = req,
        .route = req->srf->delivering == req ? req->srf->route : NULL,
    };
    srf__element_t *element = &req->srf->element;

    if (options->outbound != NULL && spec.wishes.outbound == NULL)
        return SRF_ERR_INVALID_ARGUMENT;
    if (spec.settings.hooked &&
        !srf__req_set_hooks(req, options->on_branch, options->on_response))
        return SRF_ERR_NO_MEMORY;
    srf_req_ref(req); /* given back in on_done */
    int err = srf__search_start(element, req->server, &spec);
    if (err != 0) {
        req->refs--;
        return err;
    }
    srf__req_decide(req, SRF__REQ_PROXIED);
    return 0;
}

int srf_proxy_request(srf_req_t *req, const char *const *uris,
                      const srf_proxy_options_t *opts, srf_proxy_cb cb)
{
    static const uint32_t denied =
        1u << SRF__HDR_VIA | 1u << SRF__HDR_ROUTE |
        1u << SRF__HDR_RECORD_ROUTE | 1u << SRF__HDR_CSEQ |
        1u << SRF__HDR_CALL_ID | 1u << SRF__HDR_FROM | 1u << SRF__HDR_TO |
        1u << SRF__HDR_MAX_FORWARDS | 1u << SRF__HDR_CONTENT_LENGTH;
    srf_proxy_options_t options;
    targets_t targets;
    srf__buf_t headers;
    srf__str_t reason = {NULL, 0};

    if (req == NULL)
        return SRF_ERR_INVALID_ARGUMENT;
    int err = srf__req_check_open(req);
    if (err == 0)
        err = srf__options_copy(&options, sizeof(options), opts,
                                sizeof(options.size));
    if (err == 0)
        err = check_options(&options);
    if (err != 0)
        return err;

    targets.list = NULL;
    srf__buf_init(&targets.text, TARGETS_TEXT_MAX);
    srf__buf_init(&headers, LINES_MAX);
    err = read_targets(&targets, uris, req->srf->element.max_targets);
    if (err == 0)
        err = srf__build_lines(options.headers, denied, &headers);
    size_t headers_len = headers.len;
    if (err == 0 && options.cancel_reason != NULL)
        err = write_cancel_reason(options.cancel_reason, &headers, &reason);
    if (err == 0) {
        req->proxy_cb = cb;
        err = start(req, &targets, &options, srf__str(headers.p, headers_len),
                    reason);
    }
    srf__buf_deinit(&targets.text);
    srf__buf_deinit(&headers);
    if (targets.list != targets.few)
        srf__free(targets.list);
    return err;
}
