/*
 * A name server on a loop, with a zone of literal lines.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TEST_NAMESERVER_H
#define SRF_TEST_NAMESERVER_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

enum { NAMESERVER_ROWS = 32, NAMESERVER_TEXT = 100 };

typedef enum nameserver_manner {
    NAMESERVER_ANSWERS,
    NAMESERVER_FAILS, /* SERVFAIL */
    NAMESERVER_IS_SILENT,
    NAMESERVER_TALKS_NONSENSE,
    NAMESERVER_TRUNCATES /* whoever wants it all asks over TCP */
} nameserver_manner_t;

typedef struct nameserver_row {
    char name[NAMESERVER_TEXT];
    uint16_t type;
    uint32_t ttl_s;
    unsigned values[3];         /* SRV: priority, weight, port */
    char data[NAMESERVER_TEXT]; /* an address, a host */
} nameserver_row_t;

typedef struct nameserver {
    uv_udp_t udp;
    nameserver_manner_t manner;
    unsigned port;
    unsigned asked;
    nameserver_row_t rows[NAMESERVER_ROWS];
    unsigned count;
} nameserver_t;

/* A port that a name server can be started at later, for a stack that must be
 * told before there is a loop. */
unsigned nameserver_free_port(void);

/* On a port the system chooses. The loop does not wait for it. */
void nameserver_start(nameserver_t *server, uv_loop_t *loop);
/* On this port; 0 for the former. */
void nameserver_start_at(nameserver_t *server, uv_loop_t *loop, unsigned port);
void nameserver_stop(nameserver_t *server);

void nameserver_add_a(nameserver_t *server, const char *name, const char *ip);
void nameserver_add_aaaa(nameserver_t *server, const char *name,
                         const char *ip);
void nameserver_add_srv(nameserver_t *server, const char *name,
                        unsigned priority, unsigned port, const char *host);
void nameserver_clear(nameserver_t *server);

#endif /* SRF_TEST_NAMESERVER_H */
