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
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 200, PINGS = 2000, FRAME = 6, NAMES = 100, QUIET_MS = 10 };

/* ---- the program ---- */

/* Serves until it is killed; tells its port. */
static void serve(wire_kind_t kind, const char *dns_servers, int tell)
{
    static stage_t stage;
    srf_options_t options;

    (void)signal(SIGPIPE, SIG_DFL);
    srf_options_init(&options);
    options.dns_servers = dns_servers;
    stage_setup(&stage, false, &options);
    if (kind == WIRE_UDP) /* names may lead to either */
        (void)stage_listen(&stage, WIRE_TCP);
    stage.listen.max_connections_per_source = 2 * ROUNDS;
    unsigned port = stage_listen(&stage, kind);
    if (write(tell, &port, sizeof(port)) != (ssize_t)sizeof(port))
        _exit(EXIT_FAILURE);
    (void)uv_run(&stage.loop, UV_RUN_DEFAULT);
    _exit(EXIT_FAILURE);
}

static pid_t start(wire_kind_t kind, const char *dns_servers, unsigned *port)
{
    int tell[2];

    ck_assert_int_eq(pipe(tell), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        serve(kind, dns_servers, tell[1]);
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

    ck_assert_int_eq(
        write(fd, WS_CLIENT_HANDSHAKE, sizeof(WS_CLIENT_HANDSHAKE) - 1),
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
    pid_t child = start(kind, NULL, &port);
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

/* ---- a name server ---- */

static int open_bound(int type, unsigned *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)*port)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, type, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&at, len), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static void ask_for_name(int fd, unsigned number, unsigned port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port)};
    char text[600];

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int len = snprintf(text, sizeof(text),
                       "MESSAGE sip:bob@n%u.test:5060 SIP/2.0\r\n"
                       "Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKn%u\r\n"
                       "Max-Forwards: 70\r\n"
                       "From: <sip:a@call.test>;tag=1\r\n"
                       "To: <sip:b@call.test>\r\n"
                       "Call-ID: n%u\r\n"
                       "CSeq: 1 MESSAGE\r\n"
                       "Content-Length: 0\r\n\r\n",
                       number, number, number);
    ck_assert_int_eq(sendto(fd, text, (size_t)len, 0,
                            (const struct sockaddr *)&to, sizeof(to)),
                     len);
}

/* Whoever wants it all asks over TCP. */
static void truncate_answer(int udp)
{
    struct sockaddr_in from;
    socklen_t from_len = sizeof(from);
    unsigned char question[600];

    ssize_t len = recvfrom(udp, question, sizeof(question), 0,
                           (struct sockaddr *)&from, &from_len);
    ck_assert_int_gt(len, 12);
    question[2] |= 0x82; /* QR, TC */
    ck_assert_int_eq(sendto(udp, question, (size_t)len, 0,
                            (const struct sockaddr *)&from, from_len),
                     len);
}

static void reset_next(int tcp)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    int fd = accept(tcp, NULL, NULL);

    ck_assert_int_ge(fd, 0);
    (void)shutdown(fd, SHUT_WR);
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    (void)close(fd);
}

/* Until nobody asks any more. Whether somebody did over TCP. */
static bool serve_names(int udp, int tcp)
{
    struct pollfd fds[] = {{.fd = udp, .events = POLLIN},
                           {.fd = tcp, .events = POLLIN}};
    bool reset = false;

    while (poll(fds, 2, QUIET_MS) > 0) {
        if ((fds[0].revents & POLLIN) != 0)
            truncate_answer(udp);
        if ((fds[1].revents & POLLIN) != 0) {
            reset_next(tcp);
            reset = true;
        }
    }
    return reset;
}

START_TEST(a_name_server_that_resets_while_it_is_asked_does_no_harm)
{
    unsigned dns_port = 0;
    unsigned own_port = 0;
    char servers[30];
    unsigned resets = 0;
    unsigned port;
    int udp = open_bound(SOCK_DGRAM, &dns_port);
    int tcp = open_bound(SOCK_STREAM, &dns_port);
    int own = open_bound(SOCK_DGRAM, &own_port);

    ck_assert_int_eq(listen(tcp, 1), 0);
    (void)snprintf(servers, sizeof(servers), "127.0.0.1:%u", dns_port);
    (void)certificates_directory();
    pid_t child = start(WIRE_UDP, servers, &port);
    for (unsigned i = 0; i < NAMES; i++) {
        ask_for_name(own, i, port);
        resets += serve_names(udp, tcp) ? 1 : 0;
        expect_alive(child, i);
    }
    ck_assert_uint_gt(resets, NAMES / 2);
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    (void)close(udp);
    (void)close(tcp);
    (void)close(own);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sigpipe");
    TCase *tcase = tcase_create("peers");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase,
                        a_peer_that_resets_while_it_is_written_to_does_no_harm,
                        0, sizeof(kinds) / sizeof(*kinds));
    tcase_add_test(tcase,
                   a_name_server_that_resets_while_it_is_asked_does_no_harm);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
