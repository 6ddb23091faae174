/*
 * Peers that end and reset their connections while they are written to, against
 * a program for which SIGPIPE means what it means by itself: death.
 *
 * SPDX-License-Identifier: MIT
 */
#include "certificates.h"
#include "runner.h"
#include "stage.h"
#include "ws_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 200, PINGS = 2000, FRAME = 6 };

/* ---- the program ---- */

/* Serves until it is killed; tells its port. */
static void serve(wire_kind_t kind, int tell)
{
    static stage_t stage;

    (void)signal(SIGPIPE, SIG_DFL);
    stage_setup(&stage, false, NULL);
    stage.listen.max_connections_per_source = 2 * ROUNDS;
    unsigned port = stage_listen(&stage, kind);
    if (write(tell, &port, sizeof(port)) != (ssize_t)sizeof(port))
        _exit(EXIT_FAILURE);
    (void)uv_run(&stage.loop, UV_RUN_DEFAULT);
    _exit(EXIT_FAILURE);
}

static pid_t start(wire_kind_t kind, unsigned *port)
{
    int tell[2];

    ck_assert_int_eq(pipe(tell), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        serve(kind, tell[1]);
    (void)close(tell[1]);
    ck_assert_int_eq(read(tell[0], port, sizeof(*port)),
                     (ssize_t)sizeof(*port));
    (void)close(tell[0]);
    return child;
}

static void expect_alive(pid_t child, unsigned round)
{
    int status = 0;

    ck_assert_msg(waitpid(child, &status, WNOHANG) == 0,
                  "died in round %u: signal %d", round,
                  WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

/* ---- the peers ---- */

static int connect_to(unsigned port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static void read_all(int fd, char *out, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t got = read(fd, out + at, len - at);
        ck_assert_int_gt(got, 0);
        at += (size_t)got;
    }
}

static void shake_hands(int fd)
{
    char end[4] = "";

    ck_assert_int_eq(write(fd, WS_CLIENT_HANDSHAKE,
                           sizeof(WS_CLIENT_HANDSHAKE) - 1),
                     (ssize_t)sizeof(WS_CLIENT_HANDSHAKE) - 1);
    while (memcmp(end, "\r\n\r\n", sizeof(end)) != 0) {
        memmove(end, end + 1, sizeof(end) - 1);
        read_all(fd, end + 3, 1);
    }
}

/* Many small questions, each of which is answered by a write of its own. */
static size_t ask(wire_kind_t kind, char *out)
{
    size_t len = 0;

    for (unsigned i = 0; i < PINGS; i++) {
        if (kind == WIRE_WS) {
            len += ws_client_frame(out + len, WS_FIN | WS_PING, "", 0);
        } else {
            memcpy(out + len, "\r\n\r\n", 4);
            len += 4;
        }
    }
    return len;
}

/* Whatever the network makes of it: the program may have been faster. */
static void say(int fd, SSL *ssl, const char *text, size_t len)
{
    if (ssl != NULL)
        (void)SSL_write(ssl, text, (int)len);
    else if (write(fd, text, len) < 0)
        return;
}

static void ask_and_go(wire_kind_t kind, unsigned port, SSL_CTX *ctx)
{
    static char text[PINGS * FRAME];
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    int fd = connect_to(port);
    SSL *ssl = NULL;

    if (kind == WIRE_TLS) {
        ssl = SSL_new(ctx);
        ck_assert_int_eq(SSL_set_fd(ssl, fd), 1);
        ck_assert_int_eq(SSL_connect(ssl), 1);
    }
    if (kind == WIRE_WS)
        shake_hands(fd);
    say(fd, ssl, text, ask(kind, text));
    (void)shutdown(fd, SHUT_WR);
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    SSL_free(ssl);
    (void)close(fd);
}

/* One that stays gets its answer. */
static void expect_service(wire_kind_t kind, unsigned port, SSL_CTX *ctx)
{
    int fd = connect_to(port);
    char pong[2];

    if (kind == WIRE_TLS) {
        SSL *ssl = SSL_new(ctx);
        ck_assert_int_eq(SSL_set_fd(ssl, fd), 1);
        ck_assert_int_eq(SSL_connect(ssl), 1);
        ck_assert_int_eq(SSL_write(ssl, "\r\n\r\n", 4), 4);
        ck_assert_int_eq(SSL_read(ssl, pong, 2), 2);
        SSL_free(ssl);
    } else if (kind == WIRE_WS) {
        shake_hands(fd);
    } else {
        ck_assert_int_eq(write(fd, "\r\n\r\n", 4), 4);
        read_all(fd, pong, 2);
    }
    (void)close(fd);
}

static const wire_kind_t kinds[] = {WIRE_TCP, WIRE_TLS, WIRE_WS};

START_TEST(a_peer_that_resets_while_it_is_written_to_does_no_harm)
{
    wire_kind_t kind = kinds[_i];
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    unsigned port;

    (void)certificates_directory(); /* it is this process that removes it */
    pid_t child = start(kind, &port);
    (void)signal(SIGPIPE, SIG_IGN); /* of the peers */
    for (unsigned i = 0; i < ROUNDS; i++) {
        ask_and_go(kind, port, ctx);
        expect_alive(child, i);
    }
    expect_service(kind, port, ctx);
    expect_alive(child, ROUNDS);
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    SSL_CTX_free(ctx);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sigpipe");
    TCase *tcase = tcase_create("peers");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(
        tcase, a_peer_that_resets_while_it_is_written_to_does_no_harm, 0,
        sizeof(kinds) / sizeof(*kinds));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
