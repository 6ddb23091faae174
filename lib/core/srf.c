/*
 * The stack's life: create, listen, destroy; settings and counters.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/alloc.h"
#include "base/error.h"
#include "base/secret.h"
#include "core/destination.h"
#include "core/drain.h"
#include "core/flow.h"
#include "core/handlers.h"
#include "core/post.h"
#include "core/receive.h"
#include "core/req.h"
#include "core/stack.h"
#include "core/trace.h"
#include "message/osip_bridge.h"
#include "proxy/ack.h"
#include "proxy/mark.h"
#include "proxy/search.h"
#include "proxy/undelivered.h"

#include <time.h>

#include <uv.h>

enum {
    DEFAULT_T1_MS = 500, /* RFC 3261 table 4 */
    DEFAULT_T2_MS = 4000,
    DEFAULT_T4_MS = 5000,
    DEFAULT_TIMER_C_MS = 181000, /* "greater than 3 minutes", §16.6 */
    DEFAULT_HEADERS = 1024,      /* once for a stack, not for each message */
    DEFAULT_HEADER_BYTES = 16384,
    DEFAULT_TARGETS = 32,
    DEFAULT_UDP_MTU = 1300, /* fits any path (RFC 3261 §18.1.1) */
    NO_TCP_MS = 5 * 60 * 1000,
    MAX_TARGETS = 1024,
    DEFAULT_TRANSACTIONS = 1000000,
    DEFAULT_MEMORY_BYTES = 1 << 30,
    DEFAULT_LOOP_LAG_MS = 2000, /* every caller has sent twice again */
    DEFAULT_RECEIVE_DELAY_MS = 100,
    DEFAULT_RETRY_AFTER_S = 5,
    MAX_RETRY_AFTER_S = 86400,
    MAX_SOURCE_RATE = 1000000,
    DEFAULT_DNS_TIMEOUT_MS = 2000,
    DEFAULT_DNS_TRIES = 2,
    MAX_DNS_TRIES = 10,
    MIN_TTL_S = 1,
    MAX_TTL_S = 86400,
    MAX_NEGATIVE_TTL_S = 300,
    STALE_S = 3600,
    MAX_DNS_ENTRIES = 10000,
    DEFAULT_DEAD_MS = 30000,
    MAX_WORKER = 255,
    MIN_SECRET_BYTES = 16,
    MAX_TRYING_DELAY_MS = 200,
    MAX_TIMER_MS = 1 << 24 /* keeps 64*T1 within 32 bits */
};

static int64_t real_time_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static uint64_t wheel_now(void *arg)
{
    return srf__wheel_now(arg);
}

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value == 0 ? otherwise : value;
}

/* Whoever can guess it can forge marks. */
static bool is_weak(const void *secret, uint32_t bytes)
{
    return secret == NULL ? bytes != 0 : bytes < MIN_SECRET_BYTES;
}

static int check_options(const srf_options_t *given)
{
    bool bad =
        is_weak(given->secret, given->secret_bytes) ||
        is_weak(given->old_secret, given->old_secret_bytes) ||
        given->t1_ms > MAX_TIMER_MS || given->t2_ms > MAX_TIMER_MS ||
        given->t4_ms > MAX_TIMER_MS || given->max_targets > MAX_TARGETS ||
        given->max_headers > SRF__NO_HEADER - 1 ||
        given->worker_id > MAX_WORKER ||
        given->trying_delay_ms > MAX_TRYING_DELAY_MS ||
        given->retry_after_s > MAX_RETRY_AFTER_S ||
        given->source_rate > MAX_SOURCE_RATE ||
        given->dns_timeout_ms > MAX_TIMER_MS ||
        given->dns_tries > MAX_DNS_TRIES || given->log_level > SRF_LOG_TRACE;

    return bad ? SRF_ERR_INVALID_ARGUMENT : 0;
}

static void apply_options(srf_t *srf, const srf_options_t *given)
{
    srf__element_t *element = &srf->element;
    srf__txn_timing_t *timing = &element->txns.timing;

    timing->t1_ms = or_default(given->t1_ms, DEFAULT_T1_MS);
    timing->t2_ms = or_default(given->t2_ms, DEFAULT_T2_MS);
    timing->t4_ms = or_default(given->t4_ms, DEFAULT_T4_MS);
    timing->trying_delay_ms = given->trying_delay_ms;
    element->txns.force_rport = given->force_rport != 0;
    element->txns.worker = (uint8_t)given->worker_id;
    element->timer_c_ms = or_default(given->timer_c_ms, DEFAULT_TIMER_C_MS);
    element->max_targets = or_default(given->max_targets, DEFAULT_TARGETS);
    element->sips_downgrade = given->sips_downgrade != 0;
    element->udp_mtu = or_default(given->udp_mtu, DEFAULT_UDP_MTU);
    srf->handler_timeout_ms =
        or_default(given->handler_timeout_ms, 64 * timing->t1_ms);
    srf->max_message_bytes = given->max_message_bytes == 0 ||
                                     given->max_message_bytes > SRF__HEAD_MAX
                                 ? SRF__HEAD_MAX
                                 : given->max_message_bytes;
    const srf__overload_limits_t overload = {
        .memory_bytes = given->max_memory_bytes == 0 ? DEFAULT_MEMORY_BYTES
                                                     : given->max_memory_bytes,
        .transactions =
            or_default(given->max_transactions, DEFAULT_TRANSACTIONS),
        .lag_ms = or_default(given->max_loop_lag_ms, DEFAULT_LOOP_LAG_MS),
        .wait_ms =
            or_default(given->max_receive_delay_ms, DEFAULT_RECEIVE_DELAY_MS),
        .retry_after_s =
            or_default(given->retry_after_s, DEFAULT_RETRY_AFTER_S),
    };
    srf__overload_init(&srf->overload, element, &overload);
    srf->limits.max_headers = or_default(given->max_headers, DEFAULT_HEADERS);
    srf->limits.max_header_bytes =
        or_default(given->max_header_bytes, DEFAULT_HEADER_BYTES);
    srf->element.relay_acks = given->relay_acks != 0;
    srf->allow_destination = given->allow_destination;
    srf->destination_data = given->destination_data;
    srf->trace_cb = given->trace_cb;
    srf->trace_data = given->trace_data;
    srf__log_init(&element->log, given->log_cb, given->log_data,
                  given->log_level == SRF_LOG_DEFAULT
                      ? SRF_LOG_WARNING
                      : (srf_log_level_t)given->log_level);
}

/* Its ACK may come through us without a mark. */
static void on_late_2xx(void *arg, const srf__facts_t *response)
{
    srf__element_t *element = arg;

    srf__recent_add(&element->recent, response, srf__wheel_now(element->wheel));
}

static bool is_ours(void *arg, const srf__facts_t *response)
{
    return srf__element_sent(arg, response, &response->via);
}

static int ask_dns(void *arg, const char *name, uint16_t type, srf__dns_cb cb,
                   void *cb_arg)
{
    return srf__dns_query(arg, name, type, cb, cb_arg);
}

static srf__records_t *know_host(void *arg, const char *name, uint16_t type)
{
    return srf__hosts_find(arg, name, type);
}

/* Names are looked up where there is a loop. */
static int init_resolver(srf_t *srf, const srf_options_t *given)
{
    srf__element_t *element = &srf->element;
    const srf__dns_settings_t settings = {
        .servers = given->dns_servers,
        .timeout_ms = or_default(given->dns_timeout_ms, DEFAULT_DNS_TIMEOUT_MS),
        .tries = or_default(given->dns_tries, DEFAULT_DNS_TRIES),
    };
    const srf__hosts_env_t hosts = {
        .wheel = element->wheel,
        .random = &element->random,
        .log = &element->log,
    };
    int err = srf__dns_create(srf->loop, &settings, &srf->dns);

    if (err == 0)
        err = srf__hosts_create(&hosts, &srf->hosts);
    if (err != 0)
        return err;
    const srf__resolver_env_t env = {
        .wheel = element->wheel,
        .random = &element->random,
        .ask = ask_dns,
        .ask_arg = srf->dns,
        .know = know_host,
        .know_arg = srf->hosts,
        .log = &element->log,
        .cache = {.entries = MAX_DNS_ENTRIES,
                  .min_ttl_s = MIN_TTL_S,
                  .max_ttl_s = MAX_TTL_S,
                  .negative_ttl_s = MAX_NEGATIVE_TTL_S,
                  .stale_s = STALE_S},
        .max_lookups = given->max_lookups,
        .max_lookups_per_source = given->max_lookups_per_source,
        .dead_ms = given->dead_address_ms == SRF_TIMEOUT_NONE
                       ? 0
                       : or_default(given->dead_address_ms, DEFAULT_DEAD_MS),
    };
    return srf__resolver_create(&env, &element->resolver);
}

/* The stack may be gone when this returns. */
static void deinit_resolver(srf_t *srf, void (*cb)(void *arg), void *arg)
{
    srf__dns_t *dns = srf->dns;

    srf->dns = NULL;
    if (srf->element.resolver != NULL)
        srf__resolver_destroy(srf->element.resolver);
    srf->element.resolver = NULL;
    srf__hosts_destroy(srf->hosts);
    srf->hosts = NULL;
    if (dns != NULL)
        srf__dns_destroy(dns, cb, arg);
    else if (cb != NULL)
        cb(arg);
}

/* The key of marks, and an older one, from what the program gave. */
static int init_secrets(srf__marks_t *marks, const srf_options_t *given)
{
    static const char purpose[] = "marks in Record-Route and Path";
    int err = 0;

    if (given->secret != NULL)
        err = srf__secret_key(given->secret, given->secret_bytes, purpose,
                              &marks->keys[0]);
    if (err == 0 && given->old_secret != NULL) {
        err = srf__secret_key(given->old_secret, given->old_secret_bytes,
                              purpose, &marks->keys[1]);
        marks->count = 2;
    }
    return err;
}

/* Parts in the order they depend on each other. */
static void init_transactions(srf__element_t *element)
{
    srf__txns_t *txns = &element->txns;

    txns->pool = &element->pool;
    txns->wheel = element->wheel;
    txns->log = &element->log;
    txns->random = &element->random;
    txns->is_ours = is_ours;
    txns->ours_arg = element;
    txns->late_2xx = on_late_2xx;
    txns->late_arg = element;
    srf__txns_init(txns);
}

static int init_transports(srf_t *srf, const srf__env_t *env)
{
    srf__element_t *element = &srf->element;
    const srf__transports_env_t transports = {
        .loop = env->loop,
        .wheel = element->wheel,
        .log = &element->log,
        .key = element->txns.key,
        .bytes_max = srf->overload.limits.memory_bytes / 2,
    };
    const srf__transports_events_t events = {
        .message = srf__on_message,
        .undelivered = srf__on_undelivered,
        .refused = srf__on_refused,
        .lost = srf__on_lost,
        .closed = srf__on_closed,
        .is_waiting = srf__on_is_waiting,
        .allow = srf->allow_destination == NULL ? NULL : srf__on_allow,
        .sent = srf->trace_cb == NULL ? NULL : srf__trace_sent,
        .arg = srf,
    };

    return srf__transports_init(&element->transports, &transports, &events);
}

static int init_parts(srf_t *srf, const srf__env_t *env,
                      const srf_options_t *given)
{
    srf__element_t *element = &srf->element;

    srf->facts.header_cap = (uint16_t)srf->limits.max_headers;
    srf->facts.headers =
        srf__calloc(srf->limits.max_headers, sizeof(*srf->facts.headers));
    if (srf->facts.headers == NULL)
        return SRF_ERR_NO_MEMORY;
    if (env->seed != 0) {
        srf__random_init_seeded(&element->random, env->seed);
    } else {
        int err = srf__random_init(&element->random);
        if (err != 0)
            return err;
    }
    element->wheel = env->wheel;
    if (element->wheel == NULL) {
        int err = srf__ticker_create(&srf->ticker, env->loop);
        if (err != 0)
            return err;
        element->wheel = srf__ticker_wheel(srf->ticker);
    }
    element->log.now_ms = wheel_now;
    element->log.now_arg = element->wheel;
    element->wall_us = env->wall_us == NULL ? real_time_us : env->wall_us;
    init_transactions(element);
    srf__marks_init(&element->marks, &element->random);
    int err = init_secrets(&element->marks, given);
    if (err != 0)
        return err;
    srf__dead_init(&element->no_tcp, element->wheel, &element->txns.key,
                   NO_TCP_MS);
    srf__recent_init(&element->recent, &element->txns.key,
                     64ull * element->txns.timing.t1_ms);
    err =
        srf__sources_init(&srf->sources, &element->txns.key, given->source_rate,
                          or_default(given->source_burst, given->source_rate),
                          given->source_exempt);
    if (err != 0)
        return err;
    srf->answers.txns = &element->txns;
    srf->merged.key = &element->txns.key;
    srf->uac.element = element;
    srf->uac.srf = srf;
    if (env->loop != NULL) {
        err = srf__posts_create(srf);
        if (err == 0)
            err = init_resolver(srf, given);
        if (err != 0)
            return err;
    }
    return init_transports(srf, env);
}

static void free_stack(srf_t *srf)
{
    srf__posts_free(srf);
    srf__free(srf->facts.headers);
    srf__handlers_deinit(srf);
    srf__sources_deinit(&srf->sources);
    srf__element_deinit(&srf->element);
    srf__pool_deinit(&srf->element.txns.own);
    srf__pool_deinit(&srf->element.txns.tables);
    srf__pool_deinit(&srf->element.pool);
    srf__free(srf);
}

void srf__unref(srf_t *srf)
{
    if (--srf->refs == 0)
        free_stack(srf);
}

int srf__create(srf_t **out, const srf__env_t *env,
                const srf_options_t *options)
{
    srf_options_t given;

    *out = NULL;
    int err =
        srf__options_copy(&given, sizeof(given), options, sizeof(given.size));
    if (err == 0)
        err = check_options(&given);
    if (err == 0)
        err = srf__osip_init();
    if (err != 0)
        return err;
    srf_t *srf = srf__calloc(1, sizeof(*srf));
    if (srf == NULL)
        return SRF_ERR_NO_MEMORY;
    srf->loop = env->loop;
    srf->refs = 1;
    srf__pool_init(&srf->element.pool);
    apply_options(srf, &given);
    err = init_parts(srf, env, &given);
    if (err != 0) {
        deinit_resolver(srf, NULL, NULL);
        srf__posts_close(srf, NULL, NULL);
        if (srf->ticker != NULL)
            srf__ticker_destroy(srf->ticker, NULL, NULL);
        free_stack(srf);
        return err;
    }
    *out = srf;
    return 0;
}

int srf_create(srf_t **out, struct uv_loop_s *loop,
               const srf_options_t *options)
{
    const srf__env_t env = {.loop = loop};

    if (out == NULL)
        return SRF_ERR_INVALID_ARGUMENT;
    *out = NULL;
    if (loop == NULL)
        return SRF_ERR_INVALID_ARGUMENT;
    return srf__create(out, &env, options);
}

/* ---- destroy ---- */

static void all_closed(void *arg)
{
    srf_t *srf = arg;

    srf->closed = true;
    if (srf->destroy_cb != NULL)
        srf->destroy_cb(srf->data);
    srf__unref(srf);
}

static void posts_closed(void *arg)
{
    srf_t *srf = arg;

    if (srf->ticker == NULL)
        all_closed(srf);
    else
        srf__ticker_destroy(srf->ticker, all_closed, srf);
}

static void dns_closed(void *arg)
{
    srf_t *srf = arg;

    srf__posts_close(srf, posts_closed, srf);
}

static void transports_closed(void *arg)
{
    srf_t *srf = arg;

    srf__transports_deinit(&srf->element.transports);
    deinit_resolver(srf, dns_closed, srf);
}

static void destroy_step(srf__timer_t *timer)
{
    srf_t *srf = srf__container_of(timer, srf_t, destroy_timer);

    srf__drain_abort(srf);
    srf__searches_abort(&srf->element, SRF_ERR_CANCELED);
    srf__acks_abort(&srf->element);
    srf__undelivered_abort(&srf->element);
    srf__outgoing_abort(&srf->uac);
    srf__reqs_drop(srf);
    srf__merged_deinit(&srf->merged);
    srf__answers_deinit(&srf->answers);
    srf__overload_deinit(&srf->overload);
    srf__txns_deinit(&srf->element.txns);
    srf__transports_close(&srf->element.transports, transports_closed, srf);
}

void srf_destroy(srf_t *srf, srf_destroy_cb cb)
{
    if (srf == NULL)
        return;
    if (srf->closing) {
        if (srf->destroy_cb == NULL)
            srf->destroy_cb = cb;
        return;
    }
    srf->closing = true;
    srf->destroy_cb = cb;
    srf->element.transports.closing = true; /* nothing more is sent */
    srf__timer_start(srf->element.wheel, &srf->destroy_timer, 0, destroy_step);
}

/* ---- small things ---- */

void srf_set_data(srf_t *srf, void *data)
{
    srf->data = data;
}

void *srf_data(const srf_t *srf)
{
    return srf->data;
}

int srf_alias(srf_t *srf, const char *hostport)
{
    if (srf == NULL || hostport == NULL)
        return SRF_ERR_INVALID_ARGUMENT;
    return srf__element_alias(&srf->element, hostport);
}

int srf_request(srf_t *srf, const char *uri,
                const srf_request_options_t *options, srf_outgoing_cb cb)
{
    if (srf == NULL)
        return SRF_ERR_INVALID_ARGUMENT;
    return srf__outgoing_start(&srf->uac, uri, options, cb);
}

int srf_stats(const srf_t *srf, srf_stats_t *out)
{
    if (srf == NULL || out == NULL || out->size < sizeof(out->size))
        return SRF_ERR_INVALID_ARGUMENT;
    const srf__txns_counters_t *txns = &srf->element.txns.counters;
    const srf__transports_counters_t *transports =
        &srf->element.transports.counters;
    static const srf__resolver_counters_t none = {0};
    const srf__resolver_counters_t *resolver =
        srf->element.resolver == NULL
            ? &none
            : srf__resolver_counters(srf->element.resolver);
    const srf_stats_t stats = {
        .size = out->size,
        .requests_received = srf->requests_received,
        .responses_received = srf->responses_received,
        .requests_sent = txns->requests_sent,
        .responses_sent = txns->responses_sent,
        .retransmissions_received = txns->retransmissions_received,
        .retransmissions_sent = txns->retransmissions_sent,
        .dropped_malformed = srf->dropped_malformed,
        .dropped_unmatched = txns->dropped_unmatched,
        .dropped_send_queue = transports->dropped_send_queue,
        .rejected = srf->rejected,
        .keepalives_received =
            srf->keepalives_received + transports->keepalives,
        .transport_errors = transports->errors,
        .server_transactions = txns->servers,
        .client_transactions = txns->clients,
        .proxied = srf->element.proxied,
        .proxies_pending = srf->element.pending,
        .overloaded = srf->overload.refused,
        .memory_bytes = srf__overload_memory(&srf->overload),
        .loop_lag_ms = srf__overload_lag(&srf->overload),
        .connections = transports->connections,
        .connections_accepted = transports->accepted,
        .connections_opened = transports->connected,
        .connections_refused = transports->refused,
        .connections_timed_out = transports->timed_out,
        .dns_queries = resolver->queries,
        .dns_hits = resolver->hits,
        .dns_stale = resolver->stale,
        .dns_failed = resolver->failed,
        .dns_entries = resolver->entries,
        .dropped_receive_queue =
            srf__transports_drops(&srf->element.transports),
        .dns_pending = resolver->pending,
        .dns_limited = resolver->limited,
        .connections_shed = transports->shed,
        .connections_not_opened = transports->connects_refused,
        .accepts_failed = transports->accepts_failed,
        .shed = srf->shed,
        .source_limited = srf->sources.limited,
        .receive_delay_ms = srf__overload_wait(&srf->overload),
        .destinations_refused = srf->destinations_refused,
        .sips_refused = srf->element.sips_refused,
    };
    memcpy(out, &stats, out->size < sizeof(stats) ? out->size : sizeof(stats));
    return 0;
}
