/*
 * Idle connections: what each takes of the heap, by transport. The clients are
 * in a process of their own.
 *
 *   bench-connections CERTIFICATE.pem        prints the table
 *   bench-connections hold KIND PORT COUNT   opens connections (tcp, tls, ws,
 *                                            wss) to 127.0.0.1, says "open" and
 *                                            keeps them until stdin ends
 *
 * SPDX-License-Identifier: MIT
 */
#include "srf/srf.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <uv.h>

enum { KINDS = 4, COUNT = 1000, SPARE = 64 };

static const char *const kinds[KINDS] = {"tcp", "tls", "ws", "wss"};
/* Bytes per connection; what an OpenSSL session takes is most of it. */
static const size_t budgets[KINDS] = {1024, 16384, 1536, 16384};

static void die(const char *what)
{
    perror(what);
    ERR_print_errors_fp(stderr);
    exit(EXIT_FAILURE);
}

static void raise_limit(unsigned files)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        die("getrlimit");
    if (limit.rlim_cur >= files)
        return;
    limit.rlim_cur = files;
    if (limit.rlim_cur > limit.rlim_max)
        limit.rlim_max = limit.rlim_cur;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        die("setrlimit: too few open files");
}

/* ---- clients ---- */

static const char hello[] =
    "GET / HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n"
    "Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n";

/* Something to say, and the first byte of the answer that must come. */
static void talk(SSL *ssl, int fd, bool web)
{
    const char *say = web ? hello : "\r\n\r\n";
    char answer[500];
    ssize_t len = (ssize_t)strlen(say);

    if ((ssl != NULL ? SSL_write(ssl, say, (int)len)
                     : (int)send(fd, say, (size_t)len, 0)) != (int)len)
        die("send");
    len = ssl != NULL ? SSL_read(ssl, answer, sizeof(answer))
                      : recv(fd, answer, sizeof(answer), 0);
    if (len <= 0 || answer[0] != (web ? 'H' : '\r'))
        die("no answer");
}

static void open_one(const char *kind, unsigned port, SSL_CTX *ctx)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bool secure = strcmp(kind, "tls") == 0 || strcmp(kind, "wss") == 0;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    SSL *ssl = NULL;

    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        die("connect");
    if (secure) {
        ssl = SSL_new(ctx);
        if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1)
            die("TLS handshake");
    }
    talk(ssl, fd, kind[0] == 'w');
}

/* Opens them; they stay until the process ends. */
static void open_all(const char *kind, unsigned port, unsigned count)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (ctx == NULL)
        die("SSL_CTX_new");
    raise_limit(count + SPARE);
    for (unsigned i = 0; i < count; i++)
        open_one(kind, port, ctx);
}

static int hold(const char *kind, unsigned port, unsigned count)
{
    char byte;

    open_all(kind, port, count);
    puts("open");
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    return EXIT_SUCCESS;
}

/* ---- the server ---- */

typedef struct server {
    uv_loop_t loop;
    srf_t *srf;
    bool destroyed;
} server_t;

static void must(int err, const char *what)
{
    if (err == 0)
        return;
    fprintf(stderr, "%s: %s\n", what, srf_strerror(err));
    exit(EXIT_FAILURE);
}

static void on_log(srf_log_level_t level, const srf_log_event_t *event,
                   void *data)
{
    (void)level;
    (void)data;
    fprintf(stderr, "%s\n", event->text);
}

static unsigned start(server_t *server, const char *kind,
                      const char *certificate)
{
    srf_listen_options_t options;
    srf_tls_options_t tls;
    srf_options_t stack;
    char uri[100];

    memset(server, 0, sizeof(*server));
    srf_options_init(&stack);
    stack.log_cb = on_log;
    srf_listen_options_init(&options);
    srf_tls_options_init(&tls);
    tls.certificate_file = certificate;
    options.tls = &tls;
    options.max_connections_per_source = 2 * COUNT;
    must(uv_loop_init(&server->loop), "uv_loop_init");
    must(srf_create(&server->srf, &server->loop, &stack), "srf_create");
    (void)snprintf(uri, sizeof(uri), "sip:127.0.0.1:0;transport=%s", kind);
    must(srf_listen(server->srf, uri, &options), "srf_listen");
    return (unsigned)strtoul(strrchr(srf_listener_uri(server->srf, 0), ':') + 1,
                             NULL, 10);
}

static void on_destroyed(void *data)
{
    (void)data;
}

static void stop(server_t *server)
{
    srf_destroy(server->srf, on_destroyed);
    (void)uv_run(&server->loop, UV_RUN_DEFAULT);
    must(uv_loop_close(&server->loop), "uv_loop_close");
}

static uint64_t connections(const server_t *server)
{
    srf_stats_t stats = {.size = sizeof(stats)};

    must(srf_stats(server->srf, &stats), "srf_stats");
    return stats.connections;
}

static void run_until(server_t *server, uint64_t count)
{
    while (connections(server) != count)
        (void)uv_run(&server->loop, UV_RUN_ONCE);
    /* What comes behind the connection: the last handshake, a close. */
    for (unsigned i = 0; i < 100; i++) {
        (void)uv_run(&server->loop, UV_RUN_NOWAIT);
        (void)poll(NULL, 0, 1);
    }
}

static size_t heap_now(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

/* The first `open` clients of a process; the pipe's end makes it go. */
static pid_t fork_clients(const char *kind, unsigned port, unsigned count,
                          int pipes[2])
{
    if (pipe(pipes) != 0)
        die("pipe");
    fflush(stdout); /* or the child prints it too */
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid > 0) {
        (void)close(pipes[0]);
        return pid;
    }
    (void)close(pipes[1]);
    if (dup2(pipes[0], STDIN_FILENO) < 0 ||
        freopen("/dev/null", "w", stdout) == NULL)
        die("dup2");
    exit(hold(kind, port, count));
}

static bool measure(unsigned kind, const char *certificate)
{
    server_t server;
    int warm[2];
    int pipes[2];
    unsigned port = start(&server, kinds[kind], certificate);

    /* Tables and OpenSSL's own begin with the first of them. */
    pid_t first = fork_clients(kinds[kind], port, SPARE, warm);
    run_until(&server, SPARE);
    size_t before = heap_now();
    pid_t pid = fork_clients(kinds[kind], port, COUNT, pipes);
    run_until(&server, SPARE + COUNT);
    size_t each = (heap_now() - before) / COUNT;
    (void)close(pipes[1]);
    (void)waitpid(pid, NULL, 0);
    run_until(&server, SPARE);
    size_t after = heap_now();
    size_t left = after > before ? after - before : 0;
    (void)close(warm[1]);
    (void)waitpid(first, NULL, 0);
    stop(&server);
    bool good = each <= budgets[kind];
    printf("  %-4s %8zu %8zu  %s\n", kinds[kind], each, budgets[kind],
           good ? "ok" : "ABOVE");
    if (left > before / 10)
        printf("       %8zu bytes are left when they have gone\n", left);
    return good;
}

int main(int argc, char **argv)
{
    bool good = true;

    if (argc == 5 && strcmp(argv[1], "hold") == 0)
        return hold(argv[2], (unsigned)strtoul(argv[3], NULL, 10),
                    (unsigned)strtoul(argv[4], NULL, 10));
    if (argc != 2) {
        fputs("usage: bench-connections CERTIFICATE.pem\n"
              "       bench-connections hold KIND PORT COUNT\n",
              stderr);
        return 2;
    }
    raise_limit(COUNT + 2 * SPARE);
    printf("bytes of heap per idle connection, %d held\n"
           "           heap   budget\n",
           COUNT);
    for (unsigned kind = 0; kind < KINDS; kind++)
        good = measure(kind, argv[1]) && good;
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
