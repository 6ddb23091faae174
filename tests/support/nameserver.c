/*
 * A name server for tests.
 *
 * SPDX-License-Identifier: MIT
 */
#include "nameserver.h"

#include "assertions.h"
#include "dns_message.h"

#include <stdio.h>
#include <strings.h>

enum { TTL_S = 60, NAME_BYTES = 256 };

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *out)
{
    static char buffer[DNS_BYTES];

    (void)handle;
    (void)size;
    *out = uv_buf_init(buffer, sizeof(buffer));
}

static size_t read_question(const unsigned char *data, char *name)
{
    size_t at = 12;
    size_t len = 0;

    while (data[at] != 0 && len + data[at] + 2 < NAME_BYTES) {
        if (len > 0)
            name[len++] = '.';
        memcpy(name + len, data + at + 1, data[at]);
        len += data[at];
        at += 1u + data[at];
    }
    name[len] = '\0';
    return at + 1;
}

static void add_row(dns_message_t *message, const nameserver_row_t *row)
{
    struct sockaddr_in addr;
    struct in6_addr six;

    if (row->type == SRF__RR_SRV) {
        dns_srv(message, "@12", row->ttl_s, row->values, row->data);
        return;
    }
    if (row->type == SRF__RR_AAAA) {
        ck_assert_int_eq(uv_inet_pton(AF_INET6, row->data, &six), 0);
        dns_aaaa(message, "@12", row->ttl_s, six.s6_addr);
        return;
    }
    ck_assert_int_eq(uv_ip4_addr(row->data, 0, &addr), 0);
    dns_a(message, "@12", row->ttl_s, ntohl(addr.sin_addr.s_addr));
}

static void answer(const nameserver_t *server, const char *name, unsigned type,
                   dns_message_t *message)
{
    bool known = false;

    for (unsigned i = 0; i < server->count; i++)
        known = known || strcasecmp(server->rows[i].name, name) == 0;
    dns_begin(message,
              server->manner == NAMESERVER_FAILS ? 2
              : known                            ? 0
                                                 : 3,
              name, type);
    for (unsigned i = 0; i < server->count; i++) {
        const nameserver_row_t *row = &server->rows[i];
        if (server->manner == NAMESERVER_ANSWERS && row->type == type &&
            strcasecmp(row->name, name) == 0)
            add_row(message, row);
    }
    if (server->manner == NAMESERVER_TALKS_NONSENSE)
        message->data[7] = 9; /* answers that are not there */
    if (server->manner == NAMESERVER_TRUNCATES)
        message->data[2] |= 2; /* TC */
}

static void on_question(uv_udp_t *udp, ssize_t nread, const uv_buf_t *buf,
                        const struct sockaddr *peer, unsigned flags)
{
    static dns_message_t message;
    nameserver_t *server = udp->data;
    const unsigned char *data = (const unsigned char *)buf->base;
    char name[NAME_BYTES];

    (void)flags;
    if (nread < 12 || peer == NULL)
        return;
    server->asked++;
    if (server->manner == NAMESERVER_IS_SILENT)
        return;
    size_t at = read_question(data, name);
    answer(server, name, (unsigned)data[at] << 8 | data[at + 1], &message);
    memcpy(message.data, data, 2); /* its id */
    uv_buf_t out = uv_buf_init((char *)message.data, (unsigned)message.len);
    ck_assert_int_gt(uv_udp_try_send(udp, &out, 1, peer), 0);
}

void nameserver_start(nameserver_t *server, uv_loop_t *loop)
{
    nameserver_start_at(server, loop, 0);
}

void nameserver_start_at(nameserver_t *server, uv_loop_t *loop, unsigned port)
{
    struct sockaddr_in at;
    int len = sizeof(at);

    memset(server, 0, sizeof(*server));
    server->udp.data = server;
    ck_assert_int_eq(uv_udp_init(loop, &server->udp), 0);
    ck_assert_int_eq(uv_ip4_addr("127.0.0.1", (int)port, &at), 0);
    ck_assert_int_eq(uv_udp_bind(&server->udp, (const struct sockaddr *)&at, 0),
                     0);
    ck_assert_int_eq(
        uv_udp_getsockname(&server->udp, (struct sockaddr *)&at, &len), 0);
    server->port = ntohs(at.sin_port);
    ck_assert_int_eq(uv_udp_recv_start(&server->udp, on_alloc, on_question), 0);
    uv_unref((uv_handle_t *)&server->udp);
}

unsigned nameserver_free_port(void)
{
    uv_loop_t loop;
    nameserver_t server;

    ck_assert_int_eq(uv_loop_init(&loop), 0);
    nameserver_start(&server, &loop);
    unsigned port = server.port;
    nameserver_stop(&server);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    return port;
}

void nameserver_stop(nameserver_t *server)
{
    uv_close((uv_handle_t *)&server->udp, NULL);
}

static nameserver_row_t *new_row(nameserver_t *server, const char *name,
                                 uint16_t type)
{
    nameserver_row_t *row = &server->rows[server->count];

    ck_assert_uint_lt(server->count, NAMESERVER_ROWS);
    server->count++;
    memset(row, 0, sizeof(*row));
    (void)snprintf(row->name, sizeof(row->name), "%s", name);
    row->type = type;
    row->ttl_s = TTL_S;
    return row;
}

void nameserver_add_a(nameserver_t *server, const char *name, const char *ip)
{
    nameserver_row_t *row = new_row(server, name, SRF__RR_A);

    (void)snprintf(row->data, sizeof(row->data), "%s", ip);
}

void nameserver_add_aaaa(nameserver_t *server, const char *name, const char *ip)
{
    nameserver_row_t *row = new_row(server, name, SRF__RR_AAAA);

    (void)snprintf(row->data, sizeof(row->data), "%s", ip);
}

void nameserver_add_srv(nameserver_t *server, const char *name,
                        unsigned priority, unsigned port, const char *host)
{
    nameserver_row_t *row = new_row(server, name, SRF__RR_SRV);

    row->values[0] = priority;
    row->values[2] = port;
    (void)snprintf(row->data, sizeof(row->data), "%s", host);
}

void nameserver_clear(nameserver_t *server)
{
    server->count = 0;
}
