/*
 * Peers over real sockets of any transport, driven step by step: each step lets
 * the loop of the stacks under test run until what it waits for has come. They
 * share no code with the library.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TEST_WIRE_H
#define SRF_TEST_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>
#include <uv.h>

typedef enum wire_kind {
    WIRE_UDP,
    WIRE_TCP,
    WIRE_TLS,
    WIRE_WS,
    WIRE_WSS,
    WIRE_KINDS
} wire_kind_t;

typedef struct wire wire_t;

/* "UDP" for a Via; "udp" for a URI ("ws" for both WebSockets). */
const char *wire_via_name(wire_kind_t kind);
const char *wire_uri_name(wire_kind_t kind);
bool wire_is_secure(wire_kind_t kind);
bool wire_is_web(wire_kind_t kind);

/* From now on it is no failure when what is sent is not taken, or a greeting is
 * not answered: the wire has ended then. For tests that do not know. */
void wire_be_careless(void);

/* A client, connected and greeted; `ip` is "127.0.0.1" or "::1". `ctx` is for
 * TLS, NULL: no server is verified. */
wire_t *wire_connect(uv_loop_t *loop, wire_kind_t kind, const char *ip,
                     unsigned port, SSL_CTX *ctx);
/* The same over TCP; the system keeps as little as it can of what comes. */
wire_t *wire_connect_small(uv_loop_t *loop, const char *ip, unsigned port);
/* The same over TCP, from an address and a port of the client's choice (0: of
 * the system's), which several connections of this kind may have. */
wire_t *wire_connect_from(uv_loop_t *loop, const char *own_ip,
                          unsigned own_port, const char *ip, unsigned port);
/* A server on a port the system chooses; wire_expect() accepts. UDP, TCP, TLS;
 * `ctx` has the certificate. */
wire_t *wire_listen(uv_loop_t *loop, wire_kind_t kind, const char *ip,
                    SSL_CTX *ctx);
/* The same on a port that one of another address has. */
wire_t *wire_listen_at(uv_loop_t *loop, wire_kind_t kind, const char *ip,
                       unsigned port, SSL_CTX *ctx);
void wire_close(wire_t *wire);
/* A server closes the connection it has, and may be connected to again. */
void wire_hang_up(wire_t *wire);
/* The same as when its host has lost power: the other side is told when it says
 * something, and not before. False where the system does not let us. */
bool wire_vanish(wire_t *wire);
/* Closes all with a reset of the connection. */
void wire_reset(wire_t *wire);
/* A TCP server that has as many clients waiting as it may: no further one gets
 * a connection. */
wire_t *wire_full_listener(uv_loop_t *loop, const char *ip);

unsigned wire_port(const wire_t *wire); /* its own */

/* Sends a message; LF in `format` becomes CRLF. */
void wire_send(wire_t *wire, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Sends bytes as they are, below WebSocket. */
void wire_send_raw(wire_t *wire, const void *data, size_t len);

/* The same if the system takes all of it at once; whether it did. */
bool wire_try_send_raw(wire_t *wire, const void *data, size_t len);
/* Accepts, shakes hands and reads what is there, so that the other side gets
 * on. */
void wire_pump(wire_t *wire);

/* The next message, which must begin with `start`; valid until the next one. */
const char *wire_expect(wire_t *wire, const char *start);
/* The next message if it is there; else NULL. */
const char *wire_poll(wire_t *wire);
/* The peer has ended or broken the connection, as far as was looked. */
bool wire_has_ended(const wire_t *wire);
/* The next bytes, whatever they are, at least `len` of them; NUL-terminated. */
const char *wire_expect_raw(wire_t *wire, size_t len);
/* The peer closes the connection, or resets it. */
void wire_expect_end(wire_t *wire);
/* Nothing comes within `ms`. */
void wire_expect_nothing(wire_t *wire, unsigned ms);

/* Lets the loop run for a while. */
void wire_run(uv_loop_t *loop, unsigned ms);

/* The value of a header field in a message (the first, or the one behind
 * `*from`, which is moved on; NULL: the first), in a buffer that the next eight
 * calls leave alone; "" when there is none. */
const char *wire_header(const char *message, const char *name,
                        const char **from);

#endif /* SRF_TEST_WIRE_H */
