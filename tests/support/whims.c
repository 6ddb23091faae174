/*
 * The program that draws lots.
 *
 * SPDX-License-Identifier: MIT
 */
#include "whims.h"

#include "assertions.h"

#include <stdlib.h>
#include <string.h>

/* A stack that ends has seen something. */
enum { SELDOM = 100 };

whims_t whims;

unsigned whims_lot(unsigned below)
{
    whims.state = whims.state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(whims.state >> 33) % below;
}

/* ---- memory ---- */

static bool is_out(void)
{
    return (whims.fail_at > 0 && --whims.fail_at == 0) ||
           (whims.fails && whims_lot(64) == 0);
}

static void *lib_malloc(size_t size, void *data)
{
    (void)data;
    void *out = is_out() ? NULL : malloc(size);
    whims.live += out != NULL;
    return out;
}

static void *lib_calloc(size_t count, size_t size, void *data)
{
    (void)data;
    void *out = is_out() ? NULL : calloc(count, size);
    whims.live += out != NULL;
    return out;
}

static void *lib_realloc(void *ptr, size_t size, void *data)
{
    (void)data;
    void *out = is_out() ? NULL : realloc(ptr, size);
    whims.live += out != NULL && ptr == NULL;
    return out;
}

static void lib_free(void *ptr, void *data)
{
    (void)data;
    whims.live -= ptr != NULL;
    free(ptr);
}

/* ---- what it does ---- */

static void act(srf_req_t *req);

static void begin(void)
{
    /* Never from inside of the function that asked for them. */
    ck_assert_uint_eq(whims.inside, 0);
    whims.depth++;
}

static void end(void)
{
    whims.depth--;
}

static void on_destroyed(void *data)
{
    begin();
    (void)data;
    whims.destroyed++;
    ck_assert_uint_eq(whims.told, whims.promised);
    end();
}

static void on_drained(srf_t *srf, int err)
{
    begin();
    ck_assert(err == 0 || err == SRF_ERR_CANCELED);
    ck_assert_ptr_nonnull(srf);
    whims.told++;
    act(NULL);
    end();
}

static void on_done(srf_req_t *req, int err, const srf_proxy_results_t *results)
{
    begin();
    (void)err;
    ck_assert_ptr_nonnull(results);
    whims.told++;
    act(req);
    end();
}

static void on_branch(srf_req_t *req, const srf_proxy_response_t *branch)
{
    begin();
    act(req);
    ck_assert_ptr_nonnull(branch);
    end();
}

static void on_response(srf_req_t *req, const srf_proxy_response_t *branch,
                        const srf_proxy_msg_t *response)
{
    begin();
    act(req);
    ck_assert_int_ge(response->status, 100);
    if (branch->msg_count > 0 && response->msg != NULL && !whims.fails)
        ck_assert_int_eq(srf_msg_status(response->msg), response->status);
    end();
}

static void on_cancel(srf_req_t *req)
{
    begin();
    act(req);
    end();
}

static void on_outgoing_response(srf_outgoing_t *outgoing,
                                 const srf_msg_t *response)
{
    begin();
    act(NULL);
    if (whims_lot(4) == 0)
        srf_outgoing_cancel(outgoing);
    ck_assert(whims.fails || srf_msg_status(response) >= 100);
    end();
}

static void on_outgoing(srf_outgoing_t *outgoing, int err,
                        const srf_msg_t *response);

/* What comes next in the dialog, if there is one. */
static void follow(const srf_msg_t *response)
{
    static const char *const methods[] = {"BYE", "INFO", "INVITE", "UPDATE"};
    srf_request_options_t options;

    if (whims.srf == NULL || response == NULL)
        return;
    srf_request_options_init(&options);
    options.method = methods[whims_lot(4)];
    options.dialog = response;
    options.next_hop = whims_lot(4) == 0 ? "sip:nobody.invalid" : NULL;
    options.on_response = whims_lot(2) ? on_outgoing_response : NULL;
    options.timeout_ms = whims_lot(2) ? 1000 : 0;
    if (srf_request(whims.srf, NULL, &options, on_outgoing) == 0)
        whims.promised++;
}

static void on_outgoing(srf_outgoing_t *outgoing, int err,
                        const srf_msg_t *response)
{
    begin();
    (void)err;
    whims.told++;
    if (whims_lot(2))
        follow(response);
    act(NULL);
    ck_assert(response == NULL || whims.fails ||
              srf_msg_status(response) >= 200);
    for (unsigned i = 0; i < WHIMS_KEPT; i++) {
        if (whims.outgoings[i] == outgoing)
            whims.outgoings[i] = NULL;
    }
    end();
}

static void on_request(srf_req_t *req, srf_res_t *res)
{
    begin();
    (void)res;
    act(req);
    end();
}

static void on_flow_closed(srf_t *srf, uint64_t flow, void *data)
{
    begin();
    (void)data;
    ck_assert_ptr_eq(srf, whims.srf); /* it has not been destroyed */
    ck_assert_uint_ne(flow, 0);
    act(NULL);
    end();
}

static const char *any_target(void)
{
    return whims.targets[whims_lot(whims.target_count)];
}

static void proxy(srf_req_t *req)
{
    const char *uris[3] = {any_target(), whims_lot(2) ? any_target() : NULL,
                           NULL};
    const char *const headers[] = {"X-Trace", "1", NULL};
    srf_proxy_options_t options;

    srf_proxy_options_init(&options);
    options.record_route = (int32_t)whims_lot(2);
    options.follow_redirects = (int32_t)whims_lot(2);
    options.forking = whims_lot(2) ? SRF_FORKING_SIMULTANEOUS : 0;
    options.provisional_timeout_ms = whims_lot(3) == 0 ? 700 : 0;
    options.final_timeout_ms = whims_lot(3) == 0 ? 1500 : 0;
    options.headers = whims_lot(2) ? headers : NULL;
    options.on_branch = whims_lot(2) ? on_branch : NULL;
    options.on_response = whims_lot(2) ? on_response : NULL;
    if (srf_proxy_request(req, whims_lot(6) ? uris : NULL, &options, on_done) ==
        0)
        whims.promised++;
}

static void request(void)
{
    static const char *const methods[] = {"OPTIONS", "INVITE", "MESSAGE"};
    static const char *const realms[] = {"*", NULL};
    srf_request_options_t options;
    unsigned slot = whims_lot(WHIMS_KEPT);

    if (whims.srf == NULL || whims.outgoings[slot] != NULL)
        return;
    srf_request_options_init(&options);
    options.method = methods[whims_lot(3)];
    options.on_response = whims_lot(2) ? on_outgoing_response : NULL;
    options.handle = &whims.outgoings[slot];
    options.timeout_ms = whims_lot(2) ? 1000 : 0;
    options.username = whims_lot(2) ? "ann" : NULL;
    options.password = "secret";
    options.realms = realms;
    if (srf_request(whims.srf, any_target(), &options, on_outgoing) == 0)
        whims.promised++;
}

static void keep(srf_req_t *req)
{
    unsigned slot = whims_lot(WHIMS_KEPT);

    if (whims.kept[slot] == NULL && req != NULL)
        whims.kept[slot] = srf_req_ref(req);
}

static void give_back(void)
{
    unsigned slot = whims_lot(WHIMS_KEPT);
    srf_req_t *req = whims.kept[slot];

    whims.kept[slot] = NULL;
    srf_req_unref(req);
}

static void on_posted(srf_t *srf, void *data)
{
    begin();
    ck_assert_ptr_nonnull(srf);
    ck_assert_ptr_null(data);
    whims.told++;
    act(NULL);
    end();
}

/* What needs a loop. */
static void more(void)
{
    static const char *const uris[] = {"sip:127.0.0.1:0",
                                       "sip:127.0.0.1:0;transport=tcp",
                                       "sip:127.0.0.1:0;transport=ws"};

    if (!whims.sockets)
        return;
    if (srf_post(whims.srf, on_posted, NULL) == 0)
        whims.promised++;
    if (whims.listened < 4 &&
        srf_listen(whims.srf, uris[whims_lot(3)], NULL) == 0)
        whims.listened++;
    int err = srf_reload_certificates(whims.srf, 0);
    ck_assert_int_le(err, 0);
}

static void ask(srf_req_t *req)
{
    srf_stats_t stats = {.size = sizeof(stats)};

    if (whims.srf != NULL) {
        ck_assert_int_eq(srf_stats(whims.srf, &stats), 0);
        int err = srf_alias(whims.srf, "sip.example.com");
        ck_assert(err == 0 || err == SRF_ERR_NO_MEMORY);
        ck_assert_int_ne(srf_reload_certificates(whims.srf, 99), 0);
        ck_assert_int_ne(srf_listen(whims.srf, "nonsense", NULL), 0);
        ck_assert_int_ne(srf_post(whims.srf, NULL, NULL), 0);
        more();
    }
    if (req == NULL)
        return;
    (void)srf_req_call_id(req);
    (void)srf_req_get(req, "Contact", 0);
    (void)srf_req_source_address(req);
    (void)srf_req_peer_certificate(req);
    (void)srf_req_received_on(req);
    if (whims.srf != NULL)
        (void)srf_flow_is_open(whims.srf, srf_req_flow(req));
}

static void destroy_now(void)
{
    srf_t *srf = whims.srf;

    if (srf == NULL || !whims.destroys || whims_lot(SELDOM) != 0)
        return;
    whims.srf = NULL;
    srf_destroy(srf, on_destroyed);
}

static void drain(void)
{
    if (whims.srf == NULL || whims.draining || whims_lot(SELDOM) != 0)
        return;
    if (srf_drain(whims.srf, on_drained) == 0) {
        whims.draining = true;
        whims.promised++;
    }
}

static void answer(srf_req_t *req)
{
    static const int statuses[] = {100, 180, 183, 200, 302, 404, 486, 603};

    (void)srf_res_send(srf_req_res(req), statuses[whims_lot(8)], NULL);
}

static void act_once(srf_req_t *req)
{
    srf_req_t *other = whims.kept[whims_lot(WHIMS_KEPT)];

    if (req == NULL || (other != NULL && whims_lot(4) == 0))
        req = other;
    switch (whims_lot(11)) {
    case 0:
        destroy_now();
        return;
    case 1:
        drain();
        return;
    case 2:
        request();
        return;
    case 3:
        ask(req);
        return;
    case 4:
        give_back();
        return;
    case 5: {
        srf_outgoing_t *one = whims.outgoings[whims_lot(WHIMS_KEPT)];
        if (one != NULL)
            srf_outgoing_cancel(one);
        return;
    }
    default:
        break;
    }
    if (req == NULL)
        return;
    srf_req_ref(req);
    switch (whims_lot(5)) {
    case 0:
        answer(req);
        break;
    case 1:
        (void)srf_next(req, whims_lot(8) == 0 ? SRF_ERR_LIMIT : 0);
        break;
    case 2:
        proxy(req);
        break;
    case 3:
        keep(req);
        break;
    default:
        srf_req_on_cancel(req, on_cancel);
        break;
    }
    srf_req_unref(req);
}

static void act(srf_req_t *req)
{
    unsigned times = whims_lot(5);

    whims.inside++;
    while (times-- > 0 && whims.depth < 8)
        act_once(req);
    whims.inside--;
}

/* ---- what may not call: it only looks ---- */

static void on_log(srf_log_level_t level, const srf_log_event_t *event,
                   void *data)
{
    (void)level;
    (void)data;
    ck_assert_ptr_nonnull(event->text);
}

static void on_trace(const srf_trace_t *trace, void *data)
{
    (void)data;
    ck_assert_ptr_nonnull(trace->data);
}

static int on_allow(const srf_destination_t *destination, void *data)
{
    (void)data;
    ck_assert_ptr_nonnull(destination->address);
    return whims_lot(16) != 0;
}

/* ---- the whole ---- */

void whims_set_up(uint64_t seed, srf_options_t *options)
{
    static const srf_allocator_t allocator = {lib_malloc, lib_calloc,
                                              lib_realloc, lib_free, NULL};

    memset(&whims, 0, sizeof(whims));
    whims.state = seed * 0x9e3779b97f4a7c15u + 1;
    ck_assert_int_eq(srf_set_allocator(&allocator), 0);
    srf_options_init(options);
    options->log_cb = on_log;
    options->log_level = SRF_LOG_TRACE;
    options->trace_cb = on_trace;
    options->allow_destination = on_allow;
    options->timer_c_ms = 5000;
}

void whims_begin(srf_t *srf)
{
    whims.srf = srf;
    ck_assert_int_eq(srf_use(srf, NULL, on_request), 0);
    ck_assert_int_eq(srf_on(srf, NULL, on_request), 0);
    ck_assert_int_eq(srf_on_flow_closed(srf, on_flow_closed, NULL), 0);
}

void whims_act(void)
{
    whims.depth++;
    act(NULL);
    whims.depth--;
}

void whims_end(void)
{
    srf_t *srf = whims.srf;

    whims.srf = NULL;
    whims.fails = false;
    if (srf != NULL)
        srf_destroy(srf, on_destroyed);
}

void whims_give_back(void)
{
    ck_assert_uint_eq(whims.destroyed, 1);
    for (unsigned i = 0; i < WHIMS_KEPT; i++)
        srf_req_unref(whims.kept[i]);
}

void whims_tear_down(void)
{
    ck_assert_msg(whims.live == 0, "%ld left", whims.live);
    ck_assert_int_eq(srf_set_allocator(NULL), 0);
}
