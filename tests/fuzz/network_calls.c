/*
 * Every public function, called from every callback, and the program's own
 * requests.
 *
 * SPDX-License-Identifier: MIT
 */
#include "network.h"

#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* ---- requests of its own ---- */

static void on_own_response(srf_outgoing_t *outgoing, const srf_msg_t *response)
{
    own_t *own = srf_outgoing_data(outgoing);
    int status = srf_msg_status(response);

    FUZZ_CHECK(own->net->inside == 0 && own->done == 0);
    FUZZ_CHECK(status == 0 || (status >= 100 && status <= 699));
    program_call(own->net, NULL, own->plan.on_response);
}

static void say_bye(net_t *net, srf_outgoing_t *outgoing,
                    const srf_msg_t *response)
{
    srf_request_options_t bye;

    srf_request_options_init(&bye);
    bye.method = "BYE";
    bye.dialog = response;
    net->inside++;
    net->counts.own++;
    FUZZ_CHECK(srf_request(srf_outgoing_srf(outgoing), NULL, &bye, NULL) <= 0);
    net->inside--;
}

static void on_own_done(srf_outgoing_t *outgoing, int err,
                        const srf_msg_t *response)
{
    own_t *own = srf_outgoing_data(outgoing);
    net_t *net = own->net;

    FUZZ_CHECK(net->inside == 0 && net->destroyed == 0);
    FUZZ_CHECK(own->done == 0);
    FUZZ_CHECK(err <= 0 && (err != 0 || response != NULL));
    own->done++;
    own->handle = NULL;
    if (response != NULL)
        say_bye(net, outgoing, response);
    program_call(net, NULL, own->plan.on_done);
}

static void request(net_t *net, const plan_t *plan)
{
    static const char *const kinds[] = {"OPTIONS", "INVITE", "REGISTER",
                                        "MESSAGE", "SUBSCRIBE"};
    static const char *const uris[] = {
        "sip:bob@10.0.0.11",  "sip:name.example.com", "10.0.0.12;transport=tcp",
        "sips:bob@10.0.0.11", "sip:b@10.0.0.1",       "tel:+1"};
    static const char *const realms[] = {"a", "*", NULL};
    static const char *const route[] = {"Route", "<sip:10.0.0.13;lr>", "X", "y",
                                        NULL};
    own_t *own = &net->own[net->own_count];
    srf_request_options_t options;
    const char *uri = uris[plan->targets % COUNT(uris)];

    if (net->own_count == OWN_MAX)
        return;
    *own = (own_t){.net = net, .plan = *plan};
    srf_request_options_init(&options);
    options.method = kinds[plan->action % COUNT(kinds)];
    options.headers = (plan->flags & 1) != 0 ? route : NULL;
    options.next_hop = (plan->flags & 2) != 0 ? "sip:10.0.0.12" : NULL;
    options.username = (plan->flags & 4) == 0 ? "ann" : NULL;
    options.password = "secret";
    options.realms = realms + plan->flags / 8 % 2;
    options.on_response = on_own_response;
    options.data = own;
    options.handle = &own->handle;
    /* An INVITE may ring for ever. */
    options.timeout_ms = plan->action % COUNT(kinds) == 1 ? 100000 : 0;
    rules_allow_text(net, uri);
    rules_allow_text(net, "sip:10.0.0.12");
    rules_allow_text(net, "sip:10.0.0.13");
    net->inside++;
    net->counts.own++;
    if (srf_request(net->srf, uri, &options, on_own_done) == 0)
        net->own_count++;
    net->inside--;
}

void program_request(net_t *net, operands_t *operands)
{
    plan_t plan = {0};

    plan.action = (unsigned char)operand(operands);
    plan.targets = (unsigned char)operand(operands);
    plan.flags = (unsigned char)operand(operands);
    plan.on_response = (unsigned char)operand(operands);
    plan.on_done = (unsigned char)operand(operands);
    if (net->srf != NULL)
        request(net, &plan);
}

void program_cancel(net_t *net, unsigned index)
{
    const own_t *own = &net->own[index % OWN_MAX];

    if (own->handle == NULL)
        return;
    net->inside++;
    srf_outgoing_cancel(own->handle);
    net->inside--;
}

/* ---- the stack ---- */

static void on_destroyed(void *data)
{
    net_t *net = data;

    FUZZ_CHECK(net->destroyed == 0 && net->drains == 0 && net->posts == 0);
    net->destroyed++;
    net->srf = NULL;
}

void program_destroy(net_t *net)
{
    /* In the completions it may be said again. */
    net->inside++;
    srf_destroy(net->srf, on_destroyed);
    net->inside--;
    net->closing = true;
}

static void on_drained(srf_t *srf, int err)
{
    net_t *net = srf_data(srf);

    FUZZ_CHECK(net->inside == 0 && net->drains == 1);
    FUZZ_CHECK(err == 0 || (err == SRF_ERR_CANCELED && net->closing));
    net->drains = 0;
}

static void on_posted(srf_t *srf, void *data)
{
    net_t *net = data;

    FUZZ_CHECK(srf_data(srf) == net && net->posts > 0);
    net->posts--;
    program_call(net, NULL, net->posts % 7);
}

static void call_stack(net_t *net, unsigned what)
{
    static const srf_listen_options_t none = {.size = sizeof(none)};
    srf_stats_t stats = {.size = sizeof(stats)};

    switch (what) {
    case 0:
        net->drains += srf_drain(net->srf, on_drained) == 0;
        break;
    case 1:
        net->posts += srf_post(net->srf, on_posted, net) == 0;
        break;
    case 2:
        FUZZ_CHECK(srf_stats(net->srf, &stats) == 0);
        FUZZ_CHECK(stats.memory_bytes <= net->max_memory);
        break;
    case 3:
        FUZZ_CHECK(srf_listen(net->srf, "sip:10.0.0.1;l%72", &none) < 0);
        FUZZ_CHECK(srf_reload_certificates(net->srf, NODES) < 0);
        break;
    case 4:
        FUZZ_CHECK(srf_alias(net->srf, "other.example.com:5060") <= 0);
        FUZZ_CHECK(srf_on(net->srf, "FOO", NULL) <= 0);
        break;
    default:
        for (size_t i = 0; srf_listener_uri(net->srf, i) != NULL; i++)
            FUZZ_CHECK(i < NODES);
        break;
    }
}

/* ---- views ---- */

static void look(const srf_req_t *req)
{
    srf_contacts_t *contacts = NULL;
    srf_name_addr_t *from = NULL;
    srf_uri_t *uri = NULL;
    const srf_msg_t *msg = srf_req_msg(req);
    const char *text = srf_req_uri(req);

    if (srf_msg_contacts(msg, &contacts) == 0)
        srf_free(contacts);
    if (srf_msg_name_addr(msg, "From", 0, &from) == 0)
        srf_free(from);
    if (text != NULL && srf_uri_parse(text, &uri) == 0) {
        (void)srf_param_find(uri->params, uri->param_count, "maddr");
        srf_free(uri);
    }
}

static void call_request(net_t *net, srf_req_t *req, unsigned what)
{
    static const char *const targets[] = {"sip:10.0.0.11", NULL};
    int err = 0;

    switch (what) {
    case 0:
        net->counts.answers++;
        err = srf_res_send(srf_req_res(req), 486, NULL);
        break;
    case 1: { /* a request that is proxied, or was */
        const try_t *try = srf_req_data(req);
        if (try != NULL && try->started == 0)
            break;
        err = srf_proxy_request(req, targets, NULL, NULL);
        FUZZ_CHECK(err < 0);
        break;
    }
    case 2:
        err = srf_next(req, 0);
        break;
    case 3:
        err = srf_next(req, SRF_ERR_TIMEOUT);
        break;
    case 4:
        look(req);
        break;
    case 5:
        net->counts.answers++;
        err = srf_res_send(srf_req_res(req), 180, NULL);
        break;
    default:
        srf_req_unref(srf_req_ref(req));
        break;
    }
    FUZZ_CHECK(err <= 0);
}

void program_call(net_t *net, srf_req_t *req, unsigned what)
{
    plan_t plan = {.action = (unsigned char)(what / 20),
                   .targets = (unsigned char)(what / 20)};

    what %= 20;
    if (what == 0 || net->srf == NULL)
        return;
    if (what == 1) {
        program_destroy(net);
    } else if (what == 2) {
        request(net, &plan);
    } else if (what == 3) {
        program_cancel(net, plan.action);
    } else if (what < 10) {
        net->inside++;
        call_stack(net, what - 4);
        net->inside--;
    } else if (req != NULL) {
        net->inside++;
        call_request(net, req, what - 10);
        net->inside--;
    }
}
