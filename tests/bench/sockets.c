/*
 * The plain call over sockets of the loopback interface, for callgrind: the
 * loop, libuv and what a transport does are counted too, without the kernel.
 * Caller and target are in this process, each with one connection, which is
 * open before it counts; each message has a turn of the loop to itself.
 * tests/bench/instructions runs it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "calls.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <uv.h>
#include <valgrind/callgrind.h>

enum { CALLS = 200, URI = 100, WAIT_MS = 10000, CERTIFICATE_S = 86400 };

static const char stack_ip[] = "127.0.0.1";
static const char caller_ip[] = "127.0.0.2";
static const char target_ip[] = "127.0.0.3";

static int measuring;

static void toggle(void)
{
    if (measuring)
        CALLGRIND_TOGGLE_COLLECT;
}

typedef struct kind {
    const char *name;
    const char *param; /* of a URI */
    srf__transport_id_t id;
    int type; /* of the socket */
} kind_t;

static const kind_t kinds[] = {
    {"UDP", "", SRF__TRANSPORT_UDP, SOCK_DGRAM},
    {"TCP", ";transport=tcp", SRF__TRANSPORT_TCP, SOCK_STREAM},
    {"TLS", ";transport=tls", SRF__TRANSPORT_TLS, SOCK_STREAM},
};

/* A user agent. */
typedef struct end {
    int fd;
    SSL *ssl; /* NULL: none */
} end_t;

typedef struct network {
    const kind_t *kind;
    bench_t *bench;
    uv_loop_t loop;
    srf__listener_t *listener; /* of the stack */
    end_t caller;
    end_t target;
    SSL_CTX *ctx; /* of everybody; NULL: none */
} network_t;

/* ---- the loop ---- */

/* What is ready is waited for outside of what counts, so that one turn of the
 * loop takes it. */
static void turn(network_t *network)
{
    struct pollfd ready = {.fd = uv_backend_fd(&network->loop),
                           .events = POLLIN};

    bench_check(poll(&ready, 1, WAIT_MS) == 1, "nothing comes");
    toggle();
    (void)uv_run(&network->loop, UV_RUN_NOWAIT);
    toggle();
}

/* Nothing is left to be done, nor to be told to the system. */
static void settle(network_t *network)
{
    for (unsigned i = 0; i < 3; i++)
        (void)uv_run(&network->loop, UV_RUN_NOWAIT);
}

/* ---- TLS ---- */

/* For all ends, with a certificate that nobody verifies. */
static SSL_CTX *make_ctx(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();

    bench_check(ctx != NULL && key != NULL && certificate != NULL,
                "no TLS context");
    (void)X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    (void)X509_gmtime_adj(X509_getm_notAfter(certificate), CERTIFICATE_S);
    bench_check(X509_set_pubkey(certificate, key) == 1 &&
                    X509_sign(certificate, key, EVP_sha256()) > 0 &&
                    SSL_CTX_use_certificate(ctx, certificate) == 1 &&
                    SSL_CTX_use_PrivateKey(ctx, key) == 1,
                "no certificate");
    X509_free(certificate);
    EVP_PKEY_free(key);
    return ctx;
}

/* The other end is the stack, in this very thread. */
static void shake_hands(network_t *network, end_t *end, bool is_server)
{
    int flags = fcntl(end->fd, F_GETFL);
    int result;

    end->ssl = SSL_new(network->ctx);
    bench_check(end->ssl != NULL && SSL_set_fd(end->ssl, end->fd) == 1,
                "no TLS session");
    if (is_server)
        SSL_set_accept_state(end->ssl);
    else
        SSL_set_connect_state(end->ssl);
    bench_check(fcntl(end->fd, F_SETFL, flags | O_NONBLOCK) == 0, "fcntl");
    while ((result = SSL_do_handshake(end->ssl)) != 1) {
        bench_check(SSL_get_error(end->ssl, result) == SSL_ERROR_WANT_READ,
                    "TLS handshake failed");
        settle(network);
    }
    bench_check(fcntl(end->fd, F_SETFL, flags) == 0, "fcntl");
    settle(network); /* the last of it */
}

/* ---- the ends ---- */

static void say(const end_t *end, const bench_text_t *text)
{
    ssize_t sent = end->ssl != NULL
                       ? SSL_write(end->ssl, text->p, (int)text->len)
                       : send(end->fd, text->p, text->len, 0);

    bench_check(sent == (ssize_t)text->len, "a message cannot be sent");
}

static bool is_complete(const char *data, size_t len)
{
    const char *end = strstr(data, "\r\n\r\n");
    const char *length = strstr(data, "\nContent-Length: ");

    if (end == NULL)
        return false;
    bench_check(length != NULL && length < end, "no Content-Length");
    size_t whole = (size_t)(end + 4 - data) + strtoul(length + 17, NULL, 10);
    bench_check(len <= whole, "more than one message at once");
    return len == whole;
}

/* One message, which must come. */
static void hear(bench_t *bench, const end_t *end, const srf__flow_t *flow)
{
    char data[BENCH_TEXT] = "";
    size_t len = 0;

    while (!is_complete(data, len)) {
        size_t room = sizeof(data) - 1 - len;
        ssize_t got = end->ssl != NULL
                          ? SSL_read(end->ssl, data + len, (int)room)
                          : recv(end->fd, data + len, room, 0);
        bench_check(got > 0, "a message is missing");
        len += (size_t)got;
        data[len] = '\0';
    }
    bench_take(bench, &flow->peer, data);
}

/* What an end says leads to one message for the other; an INVITE is answered
 * with a 100 besides. */
static void deliver(bench_t *bench, const srf__flow_t *from,
                    const bench_text_t *text)
{
    network_t *network = bench->deliver_arg;
    bool is_callers = from == &bench->caller;

    say(is_callers ? &network->caller : &network->target, text);
    turn(network);
    if (is_callers)
        hear(bench, &network->target, &bench->target);
    if (!is_callers || strncmp(text->p, "INVITE ", 7) == 0)
        hear(bench, &network->caller, &bench->caller);
}

static int open_socket(const kind_t *kind, const char *ip, srf__addr_t *out)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = inet_addr(ip)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, kind->type, 0);

    bench_check(fd >= 0 && bind(fd, (struct sockaddr *)&at, len) == 0 &&
                    getsockname(fd, (struct sockaddr *)&at, &len) == 0,
                "no socket");
    srf__addr_from_sockaddr(out, (struct sockaddr *)&at, kind->id);
    return fd;
}

static void connect_to_stack(const network_t *network, int fd)
{
    struct sockaddr_storage to;
    socklen_t len = sizeof(struct sockaddr_in);

    (void)srf__addr_to_sockaddr(&network->listener->bound, &to);
    bench_check(connect(fd, (struct sockaddr *)&to, len) == 0, "connect");
}

static void set_options(const network_t *network, const end_t *end)
{
    struct timeval wait = {.tv_sec = WAIT_MS / 1000};
    int on = 1;

    bench_check(
        setsockopt(end->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0,
        "setsockopt");
    if (network->kind->type == SOCK_STREAM)
        bench_check(
            setsockopt(end->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0,
            "setsockopt");
}

static void open_caller(network_t *network)
{
    end_t *caller = &network->caller;

    caller->fd =
        open_socket(network->kind, caller_ip, &network->bench->caller.peer);
    connect_to_stack(network, caller->fd);
    set_options(network, caller);
    settle(network);
    if (network->ctx != NULL)
        shake_hands(network, caller, false);
}

/* The stack opens the connection as it would for the first call. */
static int accept_stack(network_t *network, int listening)
{
    srf__flow_t flow = {network->listener, network->bench->target.peer, 0};

    bench_check(listen(listening, 1) == 0 &&
                    srf__transports_connect(&flow, srf__str_of(target_ip),
                                            SRF__OPEN_FOR_PROGRAM) == 0,
                "the stack does not connect");
    int fd = accept(listening, NULL, NULL);
    bench_check(fd >= 0, "accept");
    (void)close(listening);
    settle(network);
    return fd;
}

static void open_target(network_t *network)
{
    end_t *target = &network->target;
    int fd =
        open_socket(network->kind, target_ip, &network->bench->target.peer);

    if (network->kind->type == SOCK_STREAM)
        fd = accept_stack(network, fd);
    else
        connect_to_stack(network, fd);
    target->fd = fd;
    set_options(network, target);
    if (network->ctx != NULL)
        shake_hands(network, target, true);
}

static void close_end(end_t *end)
{
    SSL_free(end->ssl);
    (void)close(end->fd);
}

/* ---- the stack ---- */

static void open_stack(network_t *network)
{
    srf_listen_options_t options;
    srf_tls_options_t tls;
    char uri[URI];

    bench_check(uv_loop_init(&network->loop) == 0, "no loop");
    network->bench = bench_begin(CALLS, &network->loop, toggle, toggle);
    network->bench->deliver = deliver;
    network->bench->deliver_arg = network;
    srf_listen_options_init(&options);
    options.gather_ms = SRF_TIMEOUT_NONE; /* a message, a turn */
    srf_tls_options_init(&tls);
    tls.ssl_ctx = network->ctx;
    tls.insecure = 1;
    if (network->ctx != NULL)
        options.tls = &tls;
    (void)snprintf(uri, sizeof(uri), "sip:%s:0%s", stack_ip,
                   network->kind->param);
    bench_check(srf_listen(network->bench->srf, uri, &options) == 0,
                "no listener");
    network->listener = network->bench->srf->element.transports.listeners;
    settle(network);
}

static void close_stack(network_t *network)
{
    bench_t *bench = network->bench;

    srf_destroy(bench->srf, NULL);
    bench_run(bench, 10);
    (void)uv_run(&network->loop, UV_RUN_DEFAULT);
    bench_check(uv_loop_close(&network->loop) == 0, "the loop is in use");
    free(bench->calls);
    free(bench);
}

/* ---- calls ---- */

static void run_calls(bench_t *bench)
{
    bench->round++;
    for (unsigned i = 0; i < CALLS; i++)
        bench_invite(bench, i);
    bench_run(bench, 20);
    for (unsigned i = 0; i < CALLS; i++)
        bench_reply(bench, i, "180 Ringing", 0);
    bench_run(bench, 3000);
    for (unsigned i = 0; i < CALLS; i++)
        bench_reply(bench, i, "200 OK", 1);
    bench_run(bench, 20);
    for (unsigned i = 0; i < CALLS; i++)
        bench_follow(bench, i, "ACK", 1);
    bench_run(bench, 10000);
    for (unsigned i = 0; i < CALLS; i++)
        bench_follow(bench, i, "BYE", 2);
    bench_run(bench, 20);
    for (unsigned i = 0; i < CALLS; i++)
        bench_reply(bench, i, "200 OK", 0);
    bench_run(bench, 300000);
    bench_expect(bench, 3, 4);
    bench_check_idle(bench);
}

static const char *place(char out[URI], const char *before,
                         const srf__addr_t *at, const char *behind)
{
    char text[SRF__ADDR_TEXT];

    (void)srf__addr_text(at, text);
    int len = snprintf(out, URI, "%s%s%s", before, text, behind);
    bench_check(len > 0 && len < URI, "text too long");
    return out;
}

static void measure(const kind_t *kind)
{
    network_t network = {.kind = kind};
    char texts[5][URI];
    char via[URI];

    if (kind->id == SRF__TRANSPORT_TLS)
        network.ctx = make_ctx();
    open_stack(&network);
    open_caller(&network);
    open_target(&network);
    bench_t *bench = network.bench;
    const char *const uris[] = {
        place(texts[0], "sip:", &bench->target.peer, kind->param), NULL};
    (void)snprintf(via, sizeof(via), "%s ", kind->name);
    bench->uris = uris;
    bench->names = (bench_names_t){
        .via = place(texts[1], via, &bench->caller.peer, ""),
        .caller = place(texts[2], "", &bench->caller.peer, kind->param),
        .target = place(texts[3], "", &bench->target.peer, kind->param),
        .stack = place(texts[4], "", &network.listener->bound, kind->param),
    };
    run_calls(bench);
    measuring = 1;
    run_calls(bench);
    CALLGRIND_DUMP_STATS_AT(kind->name);
    measuring = 0;
    bench_check(bench->done == 2 * CALLS, "a callback is missing");
    close_end(&network.caller);
    close_end(&network.target);
    close_stack(&network);
    SSL_CTX_free(network.ctx);
}

int main(void)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        measure(&kinds[i]);
    printf("calls %d\n", CALLS);
    return EXIT_SUCCESS;
}
