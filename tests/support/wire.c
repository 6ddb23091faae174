/*
 * Peers over real sockets.
 *
 * SPDX-License-Identifier: MIT
 */
#include "wire.h"

#include "assertions.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    PATIENCE_MS = 5000,
    CARELESS_MS = 60,
    BYTES = 1 << 20,
    VALUES = 8,
    VALUE_BYTES = 2000
};

enum { WAITING = 4 };

struct wire {
    int waiting[WAITING]; /* clients of a full listener; -1: none */
    uv_loop_t *loop;
    wire_kind_t kind;
    bool client;
    int listening;                /* -1: none */
    int fd;                       /* -1: nobody has connected */
    struct sockaddr_storage peer; /* of the last datagram */
    socklen_t peer_len;
    SSL_CTX *ctx;
    SSL *ssl;
    bool ended;
    size_t len; /* bytes that came */
    char data[BYTES];
    char message[BYTES];
};

const char *wire_via_name(wire_kind_t kind)
{
    static const char *const names[] = {"UDP", "TCP", "TLS", "WS", "WSS"};

    return names[kind];
}

const char *wire_uri_name(wire_kind_t kind)
{
    static const char *const names[] = {"udp", "tcp", "tls", "ws", "ws"};

    return names[kind];
}

bool wire_is_secure(wire_kind_t kind)
{
    return kind == WIRE_TLS || kind == WIRE_WSS;
}

bool wire_is_web(wire_kind_t kind)
{
    return kind == WIRE_WS || kind == WIRE_WSS;
}

static bool careless;

void wire_be_careless(void)
{
    careless = true;
    (void)signal(SIGPIPE, SIG_IGN);
}

/* ---- time ---- */

/* How long something that must come may take. */
static unsigned patience_ms(void)
{
    return careless ? CARELESS_MS : PATIENCE_MS;
}

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

static void turn(uv_loop_t *loop)
{
    static const struct timespec pause = {0, 200000};

    (void)uv_run(loop, UV_RUN_NOWAIT);
    (void)nanosleep(&pause, NULL);
}

void wire_run(uv_loop_t *loop, unsigned ms)
{
    uint64_t end = now_ms() + ms;

    while (now_ms() < end)
        turn(loop);
}

/* ---- sockets ---- */

static socklen_t address(const char *ip, unsigned port,
                         struct sockaddr_storage *out)
{
    memset(out, 0, sizeof(*out));
    if (strchr(ip, ':') != NULL) {
        struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
        six->sin6_family = AF_INET6;
        six->sin6_port = htons((uint16_t)port);
        ck_assert_int_eq(inet_pton(AF_INET6, ip, &six->sin6_addr), 1);
        return sizeof(*six);
    }
    struct sockaddr_in *four = (struct sockaddr_in *)out;
    four->sin_family = AF_INET;
    four->sin_port = htons((uint16_t)port);
    ck_assert_int_eq(inet_pton(AF_INET, ip, &four->sin_addr), 1);
    return sizeof(*four);
}

static int open_socket(wire_kind_t kind, const char *ip)
{
    int fd = socket(strchr(ip, ':') != NULL ? AF_INET6 : AF_INET,
                    kind == WIRE_UDP ? SOCK_DGRAM : SOCK_STREAM, 0);

    ck_assert_int_ge(fd, 0);
    return fd;
}

static void never_wait(int fd)
{
    int on = 1;

    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static wire_t *create(uv_loop_t *loop, wire_kind_t kind, SSL_CTX *ctx)
{
    wire_t *wire = calloc(1, sizeof(*wire));

    ck_assert_ptr_nonnull(wire);
    wire->loop = loop;
    wire->kind = kind;
    wire->ctx = ctx;
    wire->listening = -1;
    wire->fd = -1;
    for (unsigned i = 0; i < WAITING; i++)
        wire->waiting[i] = -1;
    return wire;
}

/* ---- TLS ---- */

static void shake_hands(wire_t *wire)
{
    uint64_t end = now_ms() + patience_ms();
    SSL_CTX *own = NULL;

    if (wire->ctx == NULL)
        own = SSL_CTX_new(TLS_client_method());
    wire->ssl = SSL_new(own == NULL ? wire->ctx : own);
    SSL_CTX_free(own);
    ck_assert_ptr_nonnull(wire->ssl);
    ck_assert_int_eq(SSL_set_fd(wire->ssl, wire->fd), 1);
    if (wire->client)
        SSL_set_connect_state(wire->ssl);
    else
        SSL_set_accept_state(wire->ssl);
    while (!SSL_is_init_finished(wire->ssl) && now_ms() < end) {
        int result = SSL_do_handshake(wire->ssl);
        int error = SSL_get_error(wire->ssl, result);
        if (result != 1 && error != SSL_ERROR_WANT_READ &&
            error != SSL_ERROR_WANT_WRITE) {
            wire->ended = true;
            return;
        }
        turn(wire->loop);
    }
    wire->ended = !SSL_is_init_finished(wire->ssl);
    ck_assert(careless || !wire->ended);
}

/* ---- bytes ---- */

static ssize_t read_some(wire_t *wire, char *out, size_t cap)
{
    if (wire->ssl != NULL) {
        int len = SSL_read(wire->ssl, out, (int)cap);
        if (len > 0)
            return len;
        int error = SSL_get_error(wire->ssl, len);
        return error == SSL_ERROR_WANT_READ ? -1 : 0;
    }
    wire->peer_len = sizeof(wire->peer);
    ssize_t len =
        wire->kind == WIRE_UDP && !wire->client
            ? recvfrom(wire->fd, out, cap, 0, (struct sockaddr *)&wire->peer,
                       &wire->peer_len)
            : recv(wire->fd, out, cap, 0);
    return len < 0 && errno != EAGAIN && wire->kind != WIRE_UDP ? 0 : len;
}

/* Accepts, and reads what is there. */
void wire_pump(wire_t *wire)
{
    if (wire->fd < 0 && wire->listening >= 0) {
        wire->fd = accept(wire->listening, NULL, NULL);
        if (wire->fd >= 0) {
            never_wait(wire->fd);
            if (wire_is_secure(wire->kind))
                shake_hands(wire);
        }
    }
    if (wire->fd < 0 || wire->ended)
        return;
    ssize_t len =
        read_some(wire, wire->data + wire->len, BYTES - 1 - wire->len);
    if (len == 0)
        wire->ended = true;
    if (len > 0)
        wire->len += (size_t)len;
    wire->data[wire->len] = '\0';
}

bool wire_try_send_raw(wire_t *wire, const void *data, size_t len)
{
    return send(wire->fd, data, len, MSG_NOSIGNAL) == (ssize_t)len;
}

void wire_send_raw(wire_t *wire, const void *data, size_t len)
{
    const char *p = data;
    uint64_t end = now_ms() + patience_ms();

    if (wire->ended && careless)
        return;

    while (len > 0 && now_ms() < end) {
        ssize_t sent;
        if (wire->ssl != NULL)
            sent = SSL_write(wire->ssl, p, (int)len);
        else if (wire->kind == WIRE_UDP && !wire->client)
            sent = sendto(wire->fd, p, len, 0, (struct sockaddr *)&wire->peer,
                          wire->peer_len);
        else
            sent = send(wire->fd, p, len, MSG_NOSIGNAL);
        if (sent > 0) {
            p += sent;
            len -= (size_t)sent;
        } else {
            turn(wire->loop);
        }
    }
    ck_assert(careless || len == 0);
    wire->ended = wire->ended || len > 0;
}

/* ---- WebSocket ---- */

static void send_frame(wire_t *wire, const char *text, size_t len)
{
    static const unsigned char mask[4] = {0x5a, 0x01, 0xfe, 0x33};
    unsigned char frame[14] = {0x81};
    size_t at = 2;
    char *masked = malloc(len + 1);

    ck_assert_ptr_nonnull(masked);
    ck_assert_uint_lt(len, 65536);
    frame[1] = (unsigned char)(0x80 | (len < 126 ? len : 126));
    if (len >= 126) {
        frame[at++] = (unsigned char)(len >> 8);
        frame[at++] = (unsigned char)len;
    }
    memcpy(frame + at, mask, sizeof(mask));
    for (size_t i = 0; i < len; i++)
        masked[i] = (char)(text[i] ^ (char)mask[i % 4]);
    wire_send_raw(wire, frame, at + sizeof(mask));
    wire_send_raw(wire, masked, len);
    free(masked);
}

static void greet(wire_t *wire)
{
    static const char hello[] =
        "GET / HTTP/1.1\r\nHost: phone.test\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n"
        "Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n";
    const char *reply;
    const char *end;

    wire_send_raw(wire, hello, strlen(hello));
    if (careless) {
        uint64_t until = now_ms() + CARELESS_MS;
        while (strstr(wire->data, "\r\n\r\n") == NULL && now_ms() < until &&
               !wire->ended) {
            turn(wire->loop);
            wire_pump(wire);
        }
        wire->ended =
            wire->ended || strncmp(wire->data, "HTTP/1.1 101", 12) != 0;
        if (wire->ended)
            return;
    }
    reply = wire_expect_raw(wire, 20);
    ck_assert_msg(strncmp(reply, "HTTP/1.1 101 ", 13) == 0, "%s", reply);
    while ((end = strstr(wire->data, "\r\n\r\n")) == NULL)
        (void)wire_expect_raw(wire, wire->len + 1);
    end += 4;
    wire->len -= (size_t)(end - wire->data);
    memmove(wire->data, end, wire->len + 1);
}

/* ---- opening ---- */

wire_t *wire_connect(uv_loop_t *loop, wire_kind_t kind, const char *ip,
                     unsigned port, SSL_CTX *ctx)
{
    wire_t *wire = create(loop, kind, ctx);
    struct sockaddr_storage to;
    socklen_t len = address(ip, port, &to);

    wire->client = true;
    wire->fd = open_socket(kind, ip);
    ck_assert_int_eq(connect(wire->fd, (struct sockaddr *)&to, len), 0);
    never_wait(wire->fd);
    if (wire_is_secure(kind))
        shake_hands(wire);
    if (wire_is_web(kind) && !wire->ended)
        greet(wire);
    return wire;
}

wire_t *wire_connect_small(uv_loop_t *loop, const char *ip, unsigned port)
{
    wire_t *wire = create(loop, WIRE_TCP, NULL);
    struct sockaddr_storage to;
    socklen_t len = address(ip, port, &to);
    int bytes = 1; /* what there is at least */

    wire->client = true;
    wire->fd = open_socket(WIRE_TCP, ip);
    /* A window that has been offered is not to be taken back. */
    ck_assert_int_eq(
        setsockopt(wire->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)), 0);
    ck_assert_int_eq(connect(wire->fd, (struct sockaddr *)&to, len), 0);
    never_wait(wire->fd);
    return wire;
}

wire_t *wire_connect_from(uv_loop_t *loop, const char *own_ip,
                          unsigned own_port, const char *ip, unsigned port)
{
    wire_t *wire = create(loop, WIRE_TCP, NULL);
    struct sockaddr_storage own;
    struct sockaddr_storage to;
    socklen_t len = address(own_ip, own_port, &own);
    int on = 1;

    wire->client = true;
    wire->fd = open_socket(WIRE_TCP, ip);
    ck_assert_int_eq(
        setsockopt(wire->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
    ck_assert_int_eq(bind(wire->fd, (struct sockaddr *)&own, len), 0);
    len = address(ip, port, &to);
    ck_assert_int_eq(connect(wire->fd, (struct sockaddr *)&to, len), 0);
    never_wait(wire->fd);
    return wire;
}

wire_t *wire_listen_at(uv_loop_t *loop, wire_kind_t kind, const char *ip,
                       unsigned port, SSL_CTX *ctx)
{
    wire_t *wire = create(loop, kind, ctx);
    struct sockaddr_storage at;
    socklen_t len = address(ip, port, &at);
    int fd = open_socket(kind, ip);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, len), 0);
    never_wait(fd);
    if (kind == WIRE_UDP) {
        wire->fd = fd;
    } else {
        ck_assert_int_eq(listen(fd, 8), 0);
        wire->listening = fd;
    }
    return wire;
}

wire_t *wire_listen(uv_loop_t *loop, wire_kind_t kind, const char *ip,
                    SSL_CTX *ctx)
{
    return wire_listen_at(loop, kind, ip, 0, ctx);
}

void wire_close(wire_t *wire)
{
    SSL_free(wire->ssl);
    if (wire->fd >= 0)
        (void)close(wire->fd);
    if (wire->listening >= 0)
        (void)close(wire->listening);
    for (unsigned i = 0; i < WAITING; i++) {
        if (wire->waiting[i] >= 0)
            (void)close(wire->waiting[i]);
    }
    free(wire);
}

void wire_hang_up(wire_t *wire)
{
    SSL_free(wire->ssl);
    wire->ssl = NULL;
    if (wire->fd >= 0)
        ck_assert_int_eq(close(wire->fd), 0);
    wire->fd = -1;
    wire->len = 0;
    wire->data[0] = '\0';
    wire->ended = false;
}

bool wire_vanish(wire_t *wire)
{
#if defined(TCP_REPAIR)
    int on = 1;

    if (setsockopt(wire->fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) != 0)
        return false;
    if (wire->ssl != NULL)
        SSL_set_quiet_shutdown(wire->ssl, 1);
    wire_hang_up(wire);
    return true;
#else
    (void)wire;
    return false;
#endif
}

void wire_reset(wire_t *wire)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};

    ck_assert_int_eq(
        setsockopt(wire->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
    wire_close(wire);
}

wire_t *wire_full_listener(uv_loop_t *loop, const char *ip)
{
    wire_t *wire = create(loop, WIRE_TCP, NULL);
    struct sockaddr_storage at;
    socklen_t len = address(ip, 0, &at);

    wire->listening = open_socket(WIRE_TCP, ip);
    ck_assert_int_eq(bind(wire->listening, (struct sockaddr *)&at, len), 0);
    ck_assert_int_eq(listen(wire->listening, 0), 0);
    len = address(ip, wire_port(wire), &at);
    for (unsigned i = 0; i < WAITING; i++) {
        wire->waiting[i] = open_socket(WIRE_TCP, ip);
        never_wait(wire->waiting[i]);
        (void)connect(wire->waiting[i], (struct sockaddr *)&at, len);
    }
    return wire;
}

unsigned wire_port(const wire_t *wire)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof(at);

    ck_assert_int_eq(
        getsockname(wire->listening >= 0 ? wire->listening : wire->fd,
                    (struct sockaddr *)&at, &len),
        0);
    return ntohs(at.ss_family == AF_INET6
                     ? ((struct sockaddr_in6 *)&at)->sin6_port
                     : ((struct sockaddr_in *)&at)->sin_port);
}

/* ---- messages ---- */

void wire_send(wire_t *wire, const char *format, ...)
{
    static char text[65536];
    static char lines[131072];
    va_list args;
    size_t len = 0;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '\n' && (p == text || p[-1] != '\r'))
            lines[len++] = '\r';
        lines[len++] = *p;
    }
    if (wire_is_web(wire->kind))
        send_frame(wire, lines, len);
    else
        wire_send_raw(wire, lines, len);
}

/* Moves `len` bytes behind `skip` into the message. */
static void take(wire_t *wire, size_t skip, size_t len)
{
    memcpy(wire->message, wire->data + skip, len);
    wire->message[len] = '\0';
    wire->len -= skip + len;
    memmove(wire->data, wire->data + skip + len, wire->len + 1);
}

static bool take_frame(wire_t *wire)
{
    const unsigned char *p = (const unsigned char *)wire->data;
    size_t head = 2;

    if (wire->len < 2)
        return false;
    if (careless && p[0] != 0x81 && p[0] != 0x82) { /* a ping, a close */
        wire->ended = true;
        return false;
    }
    ck_assert_msg(p[0] == 0x81 || p[0] == 0x82, "frame of type %02x", p[0]);
    size_t len = p[1];
    ck_assert_msg(len < 127, "masked or long frame");
    if (len == 126) {
        head = 4;
        if (wire->len < head)
            return false;
        len = (size_t)p[2] << 8 | p[3];
    }
    if (wire->len < head + len)
        return false;
    take(wire, head, len);
    return true;
}

static bool take_message(wire_t *wire)
{
    const char *end;
    size_t head;

    if (wire_is_web(wire->kind))
        return take_frame(wire);
    if (wire->kind == WIRE_UDP && wire->len > 0) {
        take(wire, 0, wire->len);
        return true;
    }
    end = strstr(wire->data, "\r\n\r\n");
    if (end == NULL)
        return false;
    head = (size_t)(end - wire->data) + 4;
    const char *length = strstr(wire->data, "Content-Length:");
    ck_assert_msg(length != NULL && length < end, "no Content-Length in: %s",
                  wire->data);
    size_t body = (size_t)strtoul(length + 15, NULL, 10);
    if (wire->len < head + body)
        return false;
    take(wire, 0, head + body);
    return true;
}

const char *wire_expect(wire_t *wire, const char *start)
{
    uint64_t end = now_ms() + PATIENCE_MS;

    while (!take_message(wire)) {
        ck_assert_msg(!wire->ended, "closed instead of: %s", start);
        ck_assert_msg(now_ms() < end, "nothing came instead of: %s", start);
        turn(wire->loop);
        wire_pump(wire);
    }
    ck_assert_msg(strncmp(wire->message, start, strlen(start)) == 0,
                  "instead of '%s' came: %s", start, wire->message);
    return wire->message;
}

const char *wire_poll(wire_t *wire)
{
    wire_pump(wire);
    return take_message(wire) ? wire->message : NULL;
}

bool wire_has_ended(const wire_t *wire)
{
    return wire->ended;
}

const char *wire_expect_raw(wire_t *wire, size_t len)
{
    uint64_t end = now_ms() + PATIENCE_MS;

    while (wire->len < len) {
        ck_assert_msg(!wire->ended, "closed after: %s", wire->data);
        ck_assert_msg(now_ms() < end, "only came: %s", wire->data);
        turn(wire->loop);
        wire_pump(wire);
    }
    return wire->data;
}

void wire_expect_end(wire_t *wire)
{
    uint64_t end = now_ms() + PATIENCE_MS;

    while (!wire->ended) {
        ck_assert_msg(now_ms() < end, "not closed; came: %s", wire->data);
        turn(wire->loop);
        wire_pump(wire);
    }
}

void wire_expect_nothing(wire_t *wire, unsigned ms)
{
    uint64_t end = now_ms() + ms;

    while (now_ms() < end) {
        turn(wire->loop);
        wire_pump(wire);
    }
    ck_assert_msg(wire->len == 0 && !wire->ended, "came: %s", wire->data);
}

const char *wire_header(const char *message, const char *name,
                        const char **from)
{
    static char values[VALUES][VALUE_BYTES];
    static unsigned next;
    const char *line = from != NULL && *from != NULL ? *from : message;
    size_t len = strlen(name);

    while ((line = strstr(line, "\r\n")) != NULL) {
        line += 2;
        if (strncasecmp(line, name, len) != 0 || line[len] != ':')
            continue;
        const char *value = line + len + 1;
        while (*value == ' ')
            value++;
        char *out = values[next++ % VALUES];
        (void)snprintf(out, VALUE_BYTES, "%.*s", (int)strcspn(value, "\r"),
                       value);
        if (from != NULL)
            *from = line;
        return out;
    }
    return "";
}
