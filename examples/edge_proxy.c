/*
 * An edge proxy: browsers and telephones outside, a registrar inside.
 *
 *     edge_proxy [--inside URI]... [--outside URI]...
 *                [--max-connections-per-source N] [--open] [--allow CIDR]...
 *                INSIDE-URI OUTSIDE-URI REGISTRAR [CERTIFICATE-FILE]
 *     edge_proxy --open --allow 10.0.0.2 'sip:10.0.0.1:5060;transport=udp' \
 *                'sip:192.0.2.1:443;transport=wss' 10.0.0.2 edge.pem
 *
 * Each side may have further listeners: --inside and --outside, in front of the
 * other options. Requests from outside leave by the inside listener at the
 * address that is named first, those from inside by the outside one, unless a
 * flow leads on.
 *
 * A browser cannot be called: it is reached only over the connection it made
 * itself. So a REGISTER goes on to the registrar with a Path, in which the
 * proxy writes down over which connection it came (RFC 5626 §5.1). The
 * registrar puts that Path as Route in front of every request for that client,
 * and the proxy finds the connection again. When it is gone the request gets
 * 430 Flow Failed.
 *
 * From inside requests go anywhere, so --allow names who may send them: the
 * registrar. With --open whoever likes may come from outside; else those named
 * may from there, too. Unless a listener is on loopback, this has to be said.
 *
 * An address that many browsers share, such as that of an office, may need more
 * connections than the 1024 that one has: --max-connections-per-source, 0 for
 * as many as there may be.
 *
 * When the connection of a client closes that has registered, a line of the log
 * says who cannot be called until he registers again.
 *
 * A registrar that does not know Path (RFC 3327) answers without one, and its
 * calls find nobody; that is logged. It shows only with clients that support
 * Path themselves: others are answered without one by registrars that keep it.
 *
 * CERTIFICATE-FILE, for wss and tls on both sides, holds the certificate and
 * its key. SIGHUP reads it again, SIGTERM ends the program. --help says all
 * that in short.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <srf/srf.h>
#include <uv.h>

#include "access.h"
#include "descriptors.h"
#include "output.h"
#include "registered.h"
#include "stop.h"

enum { LISTENERS_MAX = 16 };

static const char help_text[] =
    "Usage: edge_proxy [OPTION]... INSIDE-URI OUTSIDE-URI REGISTRAR\n"
    "                  [CERTIFICATE-FILE]\n"
    "Proxies what comes from outside to REGISTRAR, a REGISTER with a Path, "
    "and\n"
    "what comes from inside to where its Route or Request-URI points. The "
    "URIs\n"
    "are those to listen on, such as 'sip:10.0.0.1:5060;transport=udp', with\n"
    "udp, tcp, tls, ws or wss. CERTIFICATE-FILE, for tls and wss, is PEM and\n"
    "has the certificate and its key.\n"
    "\n"
    "  --inside URI             a further listener inside, repeatable\n"
    "  --outside URI            a further listener outside, repeatable\n"
    "  --max-connections-per-source N\n"
    "                           accepted outside from one address, default\n"
    "                           half of all that may be accepted, at most "
    "1024;\n"
    "                           0: any number\n"
    "  --open                   anybody may send requests from outside\n"
    "  --allow CIDR             who may send requests, such as 192.0.2.0/24 "
    "or\n"
    "                           2001:db8::/32, repeatable; others get 403. "
    "From\n"
    "                           inside it is needed to listen anywhere but on\n"
    "                           loopback; from outside it or --open is\n"
    "  --help                   print this\n"
    "\n"
    "SIGHUP reads the certificate again.\n";

/* Listeners of a side, in the order they are opened: all inside ones first. */
struct side {
    const char *uris[LISTENERS_MAX];
    size_t count;
};

static struct side inside;
static struct side outside;
static const char *registrar;
static struct access access_list;
static uint32_t max_per_source; /* 0: the library's choice */

/* Whether a list of option tags has this one. */
static int has_option(const char *list, const char *option)
{
    size_t len = strlen(option);

    while (*list != '\0') {
        list += strspn(list, ", \t");
        size_t word = strcspn(list, ", \t");
        if (word == len && strncasecmp(list, option, len) == 0)
            return 1;
        list += word;
    }
    return 0;
}

static int supports(srf_req_t *req, const char *option)
{
    const char *list;

    for (size_t i = 0; (list = srf_req_get(req, "Supported", i)) != NULL; i++)
        if (has_option(list, option))
            return 1;
    return 0;
}

static int has_registered(srf_req_t *req, const srf_proxy_results_t *results)
{
    return strcmp(srf_req_method(req), "REGISTER") == 0 &&
           results->final_status / 100 == 2 &&
           results->final_response != NULL &&
           results->final_response->msg != NULL;
}

/* Whether the registrar will not find the client again. */
static int lost_path(srf_req_t *req, const srf_proxy_results_t *results)
{
    return has_registered(req, results) && supports(req, "path") &&
           srf_msg_get(results->final_response->msg, "Path", 0) == NULL;
}

/* The answer may have taken its time: the client has gone meanwhile, or it
 * comes to nobody's ears any more. A response without Contact: the last
 * registration was taken back. */
static void note_client(srf_req_t *req, const srf_proxy_results_t *results)
{
    uint64_t flow = srf_req_flow(req);
    const char *name = srf_req_get(req, "To", 0);

    if (flow == 0 || name == NULL || !has_registered(req, results) ||
        !srf_flow_is_open(srf_req_srf(req), flow))
        return;
    if (srf_msg_get(results->final_response->msg, "Contact", 0) == NULL)
        free(registered_remove(flow));
    else
        registered_add(flow, name);
}

static void on_flow_closed(srf_t *srf, uint64_t flow, void *data)
{
    char word[OUTPUT_WORD_BYTES];
    char *name = registered_remove(flow);

    (void)srf;
    (void)data;
    if (name != NULL)
        output_log_peer("connection closed: %s", output_word(word, name));
    free(name);
}

static void on_done(srf_req_t *req, int err, const srf_proxy_results_t *results)
{
    char call_id[OUTPUT_WORD_BYTES];

    output_word(call_id, srf_req_call_id(req));
    if (err != 0) {
        output_log_peer("%s %s: %s", srf_req_method(req), call_id,
                        srf_strerror(err));
    } else if (lost_path(req, results)) {
        output_log_peer("REGISTER %s: the registrar keeps no Path", call_id);
    }
    note_client(req, results);
    output_result("%s %s: %d", srf_req_method(req), call_id,
                  (int)results->final_status);
}

static int came_from_inside(const srf_req_t *req)
{
    const char *on = srf_req_received_on(req);
    size_t i = 0;

    while (i < inside.count &&
           strcmp(on, srf_listener_uri(srf_req_srf(req), i)) != 0)
        i++;
    return i < inside.count;
}

static void on_request(srf_req_t *req, srf_res_t *res)
{
    const srf_t *srf = srf_req_srf(req);
    srf_proxy_options_t opts;
    int err;

    srf_proxy_options_init(&opts);
    opts.record_route = 1; /* neither side can reach the other directly */
    opts.path = 1;         /* for REGISTER only */
    opts.keep_user = 1;    /* of sip:bob@the.name.of.this.proxy */
    if (came_from_inside(req)) {
        /* Along its Route, which the registrar made of the Path. */
        opts.outbound = srf_listener_uri(srf, inside.count);
        err = srf_proxy_request(req, NULL, &opts, on_done);
    } else {
        /* Nowhere else, whatever Route a client may have written. */
        opts.outbound = srf_listener_uri(srf, 0);
        err = srf_proxy_request(req, SRF_URIS(registrar), &opts, on_done);
    }
    if (err != 0) {
        output_log_peer("proxy: %s", srf_strerror(err));
        srf_res_send(res, 500, NULL);
    }
}

static void on_hangup(void *data)
{
    srf_t **srf = data;

    for (size_t i = 0; i < inside.count + outside.count; i++) {
        int err = srf_reload_certificates(*srf, i);
        if (err != 0 && err != SRF_ERR_INVALID_ARGUMENT) /* one without TLS */
            output_log("certificate kept: %s", srf_strerror(err));
    }
}

/* Whether it may listen there, with --open and without. */
static int check_side(const char *name, const struct side *side,
                      const struct access *access)
{
    for (size_t i = 0; i < side->count; i++) {
        const char *problem = access_check(access, side->uris[i]);
        if (problem != NULL) {
            output_log("%s: %s: %s", name, side->uris[i], problem);
            return -1;
        }
    }
    return 0;
}

static int check_access(const char *name)
{
    struct access within = access_list;
    struct access without = access_list;

    within.open = 0;
    if (without.open)
        without.count = 0;
    return check_side(name, &inside, &within) == 0
               ? check_side(name, &outside, &without)
               : -1;
}

static int is_secure(const char *uri)
{
    return strncmp(uri, "sips:", 5) == 0 ||
           strstr(uri, ";transport=tls") != NULL ||
           strstr(uri, ";transport=wss") != NULL;
}

static int listen_on(srf_t *srf, const struct side *side,
                     const char *certificate)
{
    srf_listen_options_t options;
    srf_tls_options_t tls;
    int err = 0;

    srf_tls_options_init(&tls);
    tls.certificate_file = certificate;
    for (size_t i = 0; i < side->count && err == 0; i++) {
        srf_listen_options_init(&options);
        if (side == &outside)
            options.max_connections_per_source = max_per_source;
        if (certificate != NULL && is_secure(side->uris[i]))
            options.tls = &tls;
        err = srf_listen(srf, side->uris[i], &options);
        if (err != 0) {
            output_log("%s: %s%s", side->uris[i], srf_strerror(err),
                       certificate == NULL && is_secure(side->uris[i])
                           ? ": a CERTIFICATE-FILE is wanted"
                           : "");
        }
    }
    return err;
}

static int start(srf_t *srf, const char *certificate)
{
    int err = listen_on(srf, &inside, certificate);

    if (err == 0)
        err = listen_on(srf, &outside, certificate);
    for (size_t i = 0; access_list.open && err == 0 && i < outside.count; i++)
        access_list.open_on[i] = srf_listener_uri(srf, inside.count + i);
    if (err == 0)
        err = access_guard(&access_list, srf);
    if (err == 0)
        err = srf_on(srf, NULL, on_request);
    if (err == 0)
        err = srf_on_flow_closed(srf, on_flow_closed, NULL);
    for (size_t i = 0; err == 0 && i < inside.count + outside.count; i++)
        output_print("listening on %s", srf_listener_uri(srf, i));
    return err;
}

/* Warnings and errors: whose connections are refused, for one. */
static void on_log(srf_log_level_t level, const srf_log_event_t *event,
                   void *data)
{
    (void)level;
    (void)data;
    if (event->peer != NULL)
        output_log_peer("%s (%s)", event->text, event->peer);
    else
        output_log("%s", event->text);
}

static int read_limit(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || value > SRF_UNLIMITED)
        return -1;
    max_per_source = value == 0 ? SRF_UNLIMITED : (uint32_t)value;
    return 0;
}

/* Takes an option with its value out of the arguments. NULL: it is not there;
 * *err: it has no value. */
static const char *take(int *argc, char **argv, const char *option, int *err)
{
    int at = 1;

    while (at < *argc && strcmp(argv[at], option) != 0)
        at++;
    if (at == *argc)
        return NULL;
    const char *value = argv[at + 1];
    if (value == NULL) {
        output_log("%s: %s: a value is wanted", argv[0], option);
        *err = -1;
        return NULL;
    }
    *argc -= 2;
    for (; at <= *argc; at++) /* with the NULL behind them */
        argv[at] = argv[at + 2];
    return value;
}

static int add_listener(struct side *side, const char *uri)
{
    if (side->count == LISTENERS_MAX) {
        output_log("more than %d listeners", LISTENERS_MAX);
        return -1;
    }
    side->uris[side->count++] = uri;
    return 0;
}

/* 0; -1: it said what is wrong. */
static int take_options(int *argc, char **argv)
{
    const char *value;
    int err = 0;

    while (err == 0 && (value = take(argc, argv, "--inside", &err)) != NULL)
        err = add_listener(&inside, value);
    while (err == 0 && (value = take(argc, argv, "--outside", &err)) != NULL)
        err = add_listener(&outside, value);
    value = err == 0 ? take(argc, argv, "--max-connections-per-source", &err)
                     : NULL;
    if (err == 0 && value != NULL && read_limit(value) != 0) {
        output_log("%s: --max-connections-per-source: a number is wanted",
                   argv[0]);
        err = -1;
    }
    return err;
}

/* The listeners that have no option come first. */
static int add_first(struct side *side, const char *uri)
{
    if (add_listener(side, uri) != 0)
        return -1;
    memmove(side->uris + 1, side->uris, (side->count - 1) * sizeof(uri));
    side->uris[0] = uri;
    return 0;
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    srf_t *srf = NULL;
    const struct stop_actions actions = {.hangup = on_hangup, .data = &srf};
    srf_options_t options;
    int err;

    output_start(argv[0]);
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        output_usage(help_text, 0);
        return 0;
    }
    if (take_options(&argc, argv) != 0 ||
        access_read(&access_list, &argc, &argv) != 0)
        return 2;
    if (argc != 4 && argc != 5) {
        output_log("%s: INSIDE-URI, OUTSIDE-URI and REGISTRAR are wanted, and "
                   "no more than a CERTIFICATE-FILE behind them; try --help",
                   argv[0]);
        return 2;
    }
    if (add_first(&inside, argv[1]) != 0 || add_first(&outside, argv[2]) != 0 ||
        check_access(argv[0]) != 0)
        return 2;
    raise_descriptors();
    registrar = argv[3];
    srf_options_init(&options);
    options.log_cb = on_log;
    options.log_level = SRF_LOG_WARNING;
    err = stop_begin(loop, &actions);
    if (err == 0)
        err = srf_create(&srf, loop, &options);
    stop_watch(srf);
    if (err == 0)
        err = start(srf, argv[4]);
    if (err != 0) {
        output_log("%s: %s", argv[0], srf_strerror(err));
        stop_now();
    }
    output_run(loop);
    return err != 0;
}
