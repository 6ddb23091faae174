/*
 * The program: middleware, handlers and hooks that do what a plan says, and
 * call any public function from any callback.
 *
 * SPDX-License-Identifier: MIT
 */
#include "network.h"

#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Runs a public function: no callback may come from inside it. */
#define CALL(net, what) \
 do {                   \
  (net)->inside++;      \
  what;                 \
  (net)->inside--;      \
 } while (0)

static void on_done(srf_req_t *req, int err,
                    const srf_proxy_results_t *results);

/* ---- callbacks begin here ---- */

/* What the callback has on its stack is for it alone. */
static net_t *enter(srf_t *srf)
{
    net_t *net = srf_data(srf);

    FUZZ_CHECK(net->inside == 0);
    FUZZ_CHECK(net->destroyed == 0);
    return net;
}

static void show(net_t *net)
{
    net->counts.shown++;
    net->arrival.shown = true;
}

/* ---- proxying ---- */

static const char *const lists[][6] = {
    {"sip:10.0.0.11", NULL},
    {"sip:10.0.0.11", "sip:10.0.0.12;transport=udp", "10.0.0.13", NULL},
    {"sip:10.0.0.11", "sip:10.0.0.12", "sip:10.0.0.13", "sip:[2001:db8::11]",
     "sip:10.0.0.11:5080", NULL},
    {NULL},
    {"sip:10.0.0.11;transport=tcp", "sip:10.0.0.12;transport=tls", NULL},
    {"sips:10.0.0.12", "sip:10.0.0.13", NULL},
    {"sip:name.example.com", "sip:10.0.0.12", NULL},
    {"sip:10.0.0.1", NULL},
    {"sip:10.0.0.1:5080", "sip:loop.example.com", NULL},
    {"<sip:b%6fb@10.0.0.12;m%61ddr=10.0.0.13;lr>", "sip:10.0.0.13;l%72", NULL},
    {"sip:10.0.0.9;transport=ws", "tel:+1", "sip:10.0.0.11;maddr=10.0.0.12",
     NULL},
    {"sip:10.0.0.11", "sip:10.0.0.11", "urn:x", NULL},
};

static const uint32_t timeouts[] = {0, 1, 500, 5000, 40000, SRF_TIMEOUT_NONE};

static const char *const headers[] = {"X-Added", "by fuzz", "Reason", "a;b=c",
                                      NULL};
static const char *const bad_headers[] = {"Via", "SIP/2.0/UDP x", NULL};
static const int32_t stop_codes[] = {486, 302, 0};
static const int32_t failover_codes[] = {603, 600, 0};

static void on_branch(srf_req_t *req, const srf_proxy_response_t *branch)
{
    net_t *net = enter(srf_req_srf(req));
    const try_t *try = srf_req_data(req);

    FUZZ_CHECK(branch->target != NULL && branch->address != NULL);
    FUZZ_CHECK(try->done == 0);
    program_call(net, req, try->plan->on_branch);
}

static void on_response(srf_req_t *req, const srf_proxy_response_t *branch,
                        const srf_proxy_msg_t *response)
{
    net_t *net = enter(srf_req_srf(req));
    const try_t *try = srf_req_data(req);

    FUZZ_CHECK(branch->target != NULL);
    FUZZ_CHECK(response->status >= 100 && response->status <= 699);
    program_call(net, req, try->plan->on_response);
}

static void set_options(const plan_t *plan, const net_t *net,
                        srf_proxy_options_t *options)
{
    unsigned flags = plan->flags;
    unsigned times = plan->timeouts;

    srf_proxy_options_init(options);
    options->record_route = (flags & 1) == 0;
    options->forking = (flags & 2) != 0;
    options->follow_redirects = (flags & 4) != 0;
    options->keep_user = (flags & 8) != 0;
    options->path = (flags & 16) != 0;
    options->headers = (flags & 32) != 0 ? headers : NULL;
    if (flags % 64 == 63)
        options->headers = bad_headers;
    options->provisional_timeout_ms = timeouts[times % COUNT(timeouts)];
    options->final_timeout_ms = timeouts[times / 6 % COUNT(timeouts)];
    /* Without Timer C it may ring for ever. */
    options->timer_c_ms = timeouts[times / 36 % (COUNT(timeouts) - 1)];
    if ((plan->codes & 1) != 0)
        options->stop_codes = stop_codes;
    if ((plan->codes & 2) != 0)
        options->failover_codes = failover_codes;
    options->max_redirects = plan->codes / 4 % 4;
    if (plan->on_branch != 0)
        options->on_branch = on_branch;
    if (plan->on_response != 0)
        options->on_response = on_response;
    if (plan->codes / 16 % 4 == 3 && !net->closing)
        options->outbound = srf_listener_uri(net->srf, plan->codes % 3);
}

static int start(net_t *net, srf_req_t *req)
{
    try_t *try = srf_req_data(req);
    const plan_t *plan = try->plan;
    const char *const *list = lists[plan->targets % COUNT(lists)];
    srf_proxy_options_t options;
    unsigned count = 0;
    int err;

    set_options(plan, net, &options);
    while (list[count] != NULL)
        count++;
    /* It is sent from inside this call. */
    const counts_t before = net->counts;
    rules_pass(net, req, count > 0);
    for (unsigned i = 0; i < count; i++)
        rules_allow_text(net, list[i]);
    net->follows = net->follows || options.follow_redirects != 0;
    CALL(net, err = srf_proxy_request(req, list, &options, on_done));
    FUZZ_CHECK(err <= 0);
    FUZZ_CHECK(err == 0 || net->counts.sent == before.sent);
    if (err == 0) {
        FUZZ_CHECK(try->started == 0);
        try->started = 1;
        net->counts.targets += count == 0 ? 1 : count;
    }
    return err;
}

static int answer(net_t *net, srf_req_t *req, unsigned status)
{
    static const char *const plain[] = {"Contact", "<sip:10.0.0.1>",
                                        "Content-Type", "text/plain", NULL};
    srf_res_options_t options;
    int err;

    srf_res_options_init(&options);
    if (status % 3 == 0) {
        options.headers = plain;
        options.body = "hello";
        options.body_len = 5;
    }
    net->counts.answers++;
    CALL(net, err = srf_res_send(srf_req_res(req), (int)status, &options));
    FUZZ_CHECK(err <= 0);
    return err;
}

static void check_results(const srf_proxy_results_t *results)
{
    for (size_t i = 0; i < results->response_count; i++) {
        const srf_proxy_response_t *response = &results->responses[i];
        FUZZ_CHECK(response->target != NULL && response->address != NULL);
        FUZZ_CHECK(response->cause != SRF_CAUSE_NONE);
        for (size_t j = 0; j < response->msg_count; j++) {
            const srf_proxy_msg_t *msg = &response->msgs[j];
            if (msg->msg != NULL) /* else there was no memory, or it is a 100 */
                FUZZ_CHECK(srf_msg_status(msg->msg) == msg->status);
        }
    }
}

static void on_done(srf_req_t *req, int err, const srf_proxy_results_t *results)
{
    net_t *net = enter(srf_req_srf(req));
    try_t *try = srf_req_data(req);
    unsigned later = network_memory.fail_in;

    FUZZ_CHECK(try->started == 1 && try->done == 0);
    try->done++;
    FUZZ_CHECK(err <= 0 && results != NULL);
    srf_free(srf_proxy_results_json(results));
    network_memory.fail_in = 0; /* looking needs memory, too */
    check_results(results);
    network_memory.fail_in = later;
    program_call(net, req, try->plan->on_done);
}

/* ---- requests that come ---- */

static void on_cancel(srf_req_t *req)
{
    net_t *net = enter(srf_req_srf(req));
    try_t *try = srf_req_data(req);

    FUZZ_CHECK(try->cancels == 0);
    try->cancels++;
    program_call(net, req, try->plan->on_cancel);
}

static void keep(net_t *net, srf_req_t *req)
{
    unsigned i = 0;

    while (i < KEPT_MAX && net->kept[i] != NULL)
        i++;
    if (i < KEPT_MAX)
        net->kept[i] = srf_req_ref(req);
}

static void act(net_t *net, srf_req_t *req, const plan_t *plan)
{
    unsigned status = 100 + plan->status * 4u % 600u;
    int err = 0;

    switch (plan->action % 12) {
    case 1:
        (void)answer(net, req, status);
        return;
    case 2:
        (void)answer(net, req, 100 + plan->status % 100);
        (void)answer(net, req, status);
        return;
    case 3:
        keep(net, req);
        return;
    case 4: /* lets go */
        return;
    case 5:
        CALL(net, err = srf_next(req, 0));
        return;
    case 6:
        CALL(net, err = srf_next(req, SRF_ERR_LIMIT));
        return;
    case 7:
        keep(net, req);
        err = start(net, req);
        return;
    case 8:
        (void)answer(net, req, 183);
        keep(net, req);
        return;
    case 9:
        program_call(net, req, plan->status);
        break;
    case 10:
        (void)answer(net, req, status);
        err = start(net, req);
        FUZZ_CHECK(err != 0 || status < 200);
        return;
    default:
        break;
    }
    if (start(net, req) != 0)
        (void)answer(net, req, 500);
}

static void look_at(const srf_req_t *req)
{
    const char *method = srf_req_method(req);
    size_t len;

    if (method != NULL) /* there was memory for it */
        FUZZ_CHECK(strcmp(method, "ACK") != 0 && strcmp(method, "CANCEL") != 0);
    (void)srf_req_uri(req);
    (void)srf_req_call_id(req);
    (void)srf_req_from_tag(req);
    (void)srf_req_to_tag(req);
    (void)srf_req_branch(req);
    (void)srf_req_calling_number(req);
    (void)srf_req_called_number(req);
    (void)srf_req_source_address(req);
    (void)srf_req_source_port(req);
    (void)srf_req_source_protocol(req);
    (void)srf_req_received_on(req);
    (void)srf_req_get(req, "Route", 1);
    (void)srf_req_body(req, &len);
    (void)srf_req_raw(req, &len);
    (void)srf_req_is_new_invite(req);
    (void)srf_res_final_sent(srf_req_res(req));
}

/* NULL: the program has seen enough. */
static try_t *try_of(net_t *net, srf_req_t *req)
{
    if (srf_req_data(req) != NULL)
        return srf_req_data(req);
    if (net->try_count == TRIES_MAX)
        return NULL;
    try_t *try = &net->tries[net->try_count++];
    try->net = net;
    /* All zeros until there is one. */
    try->plan =
        &net->plans[net->plan_next++ % (net->plan_count + !net->plan_count)];
    srf_req_set_data(req, try);
    srf_req_on_cancel(req, on_cancel);
    return try;
}

static void take(srf_req_t *req, bool is_last)
{
    net_t *net = enter(srf_req_srf(req));
    try_t *try = try_of(net, req);

    show(net);
    look_at(req);
    if (try == NULL)
        return;
    /* Nobody is passed over. */
    FUZZ_CHECK(!is_last || try->shown >= net->middlewares);
    FUZZ_CHECK(try->started == 0 && try->done == 0);
    try->shown++;
    if (!is_last && try->plan->action % 12 != 6 && try->shown < 3) {
        int err;
        CALL(net, err = srf_next(req, 0));
        FUZZ_CHECK(err == 0);
    } else {
        act(net, req, try->plan);
    }
}

static void on_middleware(srf_req_t *req, srf_res_t *res)
{
    FUZZ_CHECK(res == srf_req_res(req));
    take(req, false);
}

static void on_request(srf_req_t *req, srf_res_t *res)
{
    FUZZ_CHECK(res == srf_req_res(req));
    take(req, true);
}

static void on_invite(srf_req_t *req, srf_res_t *res)
{
    const char *method = srf_req_method(req);

    FUZZ_CHECK(method == NULL || strcmp(method, "INVITE") == 0);
    on_request(req, res);
}

void program_kept(net_t *net, unsigned index, unsigned what)
{
    srf_req_t *req = net->kept[index % KEPT_MAX];

    if (req == NULL)
        return;
    net->kept[index % KEPT_MAX] = NULL;
    if (what != 0) {
        const plan_t plan = {.action = (unsigned char)what, .status = 100};
        act(net, req, &plan);
    }
    look_at(req);
    srf_req_unref(req);
}

void program_plan(net_t *net, operands_t *operands)
{
    plan_t *plan = &net->plans[net->plan_count % PLANS];

    if (net->plan_count < PLANS)
        net->plan_count++;
    plan->action = (unsigned char)operand(operands);
    plan->targets = (unsigned char)operand(operands);
    plan->flags = (unsigned char)operand(operands);
    plan->timeouts = (unsigned char)operand(operands);
    plan->codes = (unsigned char)operand(operands);
    plan->status = (unsigned char)operand(operands);
    plan->on_branch = (unsigned char)operand(operands);
    plan->on_response = (unsigned char)operand(operands);
    plan->on_done = (unsigned char)operand(operands);
    plan->on_cancel = (unsigned char)operand(operands);
}

void program_start(net_t *net, unsigned shape)
{
    net->middlewares = shape % 3;
    for (unsigned i = 0; i < net->middlewares; i++)
        FUZZ_CHECK(srf_use(net->srf, NULL, on_middleware) == 0);
    if (shape / 3 % 3 != 2)
        FUZZ_CHECK(srf_on(net->srf, NULL, on_request) == 0);
    if (shape / 3 % 3 != 0)
        FUZZ_CHECK(srf_on(net->srf, "INVITE", on_invite) == 0);
    FUZZ_CHECK(srf_alias(net->srf, "proxy.example.com") == 0);
}

bool program_keeps(const net_t *net)
{
    unsigned i = 0;

    while (i < KEPT_MAX && net->kept[i] == NULL)
        i++;
    return i < KEPT_MAX;
}

void program_end(net_t *net)
{
    for (unsigned i = 0; i < KEPT_MAX; i++)
        program_kept(net, i, 0);
}
