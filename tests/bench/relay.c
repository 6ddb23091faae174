/*
 * A bare UDP relay, the floor under what a proxy can cost: it moves the
 * same datagrams and does not look at them. One socket, one datagram at a
 * time: on loopback batches are not faster.
 *
 *   bench-relay PORT SERVER-PORT CALLER-PORT
 *
 * What the server sends goes to the caller, everything else to the server.
 *
 * SPDX-License-Identifier: MIT
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RCVBUF_BYTES = 4 << 20, DATAGRAM_BYTES = 65536 };

static void end(int number)
{
    (void)number;
    _exit(EXIT_SUCCESS);
}

static struct sockaddr_in address(const char *port)
{
    struct sockaddr_in out = {0};

    out.sin_family = AF_INET;
    out.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return out;
}

static int same(const struct sockaddr_in *a, const struct sockaddr_in *b)
{
    return a->sin_port == b->sin_port &&
           a->sin_addr.s_addr == b->sin_addr.s_addr;
}

int main(int argc, char **argv)
{
    static char data[DATAGRAM_BYTES];
    int bytes = RCVBUF_BYTES;

    if (argc != 4) {
        fprintf(stderr, "usage: bench-relay PORT SERVER-PORT CALLER-PORT\n");
        return 2;
    }
    const struct sockaddr_in own = address(argv[1]);
    const struct sockaddr_in server = address(argv[2]);
    const struct sockaddr_in caller = address(argv[3]);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    if (fd < 0 || bind(fd, (const struct sockaddr *)&own, sizeof(own)) != 0) {
        perror("bench-relay");
        return EXIT_FAILURE;
    }
    signal(SIGTERM, end);
    signal(SIGINT, end);
    printf("listening on %s\n", argv[1]);
    fflush(stdout);
    for (;;) {
        struct sockaddr_in from;
        socklen_t len = sizeof(from);
        ssize_t got =
            recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &len);
        const struct sockaddr_in *to = same(&from, &server) ? &caller : &server;

        /* ECONNREFUSED of an earlier datagram is nobody's business here. */
        if (got >= 0)
            (void)sendto(fd, data, (size_t)got, 0, (const struct sockaddr *)to,
                         sizeof(*to));
    }
}
