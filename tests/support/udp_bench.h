/*
 * A loop with UDP listeners under test, plain sockets as their peers, and what
 * the listeners reported. For one test file, with setup() and teardown() as its
 * fixture.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_UDP_BENCH_H
#define SRF_UDP_BENCH_H

#include "assertions.h"
#include "transport/udp.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <uv.h>

enum { HANG_MS = 10000, TEXT_MAX = 65536 };

/* What came in, the last one in full. */
typedef struct record {
    unsigned count;
    srf__flow_t from;
    srf__addr_t to;
    size_t len;
    char data[TEXT_MAX];
} record_t;

typedef struct bench bench_t;

/* Sends of the only listener that find the socket full until the loop runs. */
typedef struct blocker {
    uv_udp_send_t request; /* the portable listener's */
    uv_timer_t timer;      /* the Linux listener's */
    unsigned done;
} blocker_t;

struct bench {
    bool portable; /* listeners on uv_udp_t, on Linux too */
    bool full;     /* the Linux listener's calls find the socket full */
    uv_loop_t loop;
    uv_timer_t guard; /* a test that hangs fails */
    srf__log_t log;
    srf__transports_t transports;
    record_t message;
    record_t undelivered;
    void (*on_message)(bench_t *bench);
    void (*on_undelivered)(bench_t *bench);
    unsigned closed;
    unsigned depth; /* of nested reports */
    unsigned deepest;
    int sent; /* result of a send in a callback */
    srf__flow_t flow;
    int fds[2]; /* opened in a callback */
};

/* One for all tests: each begins with setup() and ends with teardown(). */
static bench_t bench;

/* ---- the loop ---- */

static inline void on_hang(uv_timer_t *timer)
{
    (void)timer;
    ck_abort_msg("nothing happened for too long");
}

static inline void spin_until(const unsigned *counter, unsigned count)
{
    ck_assert_int_eq(uv_timer_start(&bench.guard, on_hang, HANG_MS, 0), 0);
    while (*counter < count)
        uv_run(&bench.loop, UV_RUN_ONCE);
    uv_timer_stop(&bench.guard);
}

static inline void on_pause(uv_timer_t *timer)
{
    (*(bool *)timer->data) = true;
}

/* Lets the loop run for a while; how often it went round. */
static inline unsigned run_for(uint64_t ms)
{
    unsigned rounds = 0;
    bool over = false;
    uv_timer_t timer;

    ck_assert_int_eq(uv_timer_init(&bench.loop, &timer), 0);
    timer.data = &over;
    /* It repeats: a turn that begins late calls it before it looks for what
     * else there is, and would look for ever. */
    ck_assert_int_eq(uv_timer_start(&timer, on_pause, ms, ms), 0);
    while (!over) {
        uv_run(&bench.loop, UV_RUN_ONCE);
        rounds++;
    }
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&bench.loop, UV_RUN_NOWAIT);
    return rounds;
}

/* ---- events ---- */

static inline void keep(record_t *record, const char *data, size_t len)
{
    ck_assert_uint_le(len, sizeof(record->data));
    record->count++;
    record->len = len;
    memcpy(record->data, data, len);
}

static inline void on_message(void *arg, const srf__flow_t *from,
                              const char *data, size_t len)
{
    ck_assert_ptr_eq(arg, &bench);
    bench.message.from = *from;
    keep(&bench.message, data, len);
    if (bench.on_message != NULL)
        bench.on_message(&bench);
}

static inline void on_undelivered(void *arg, const srf__addr_t *to,
                                  const char *data, size_t len)
{
    ck_assert_ptr_eq(arg, &bench);
    bench.undelivered.to = *to;
    keep(&bench.undelivered, data, len);
    if (++bench.depth > bench.deepest)
        bench.deepest = bench.depth;
    if (bench.on_undelivered != NULL)
        bench.on_undelivered(&bench);
    bench.depth--;
}

static inline void on_closed(void *arg)
{
    ck_assert_ptr_eq(arg, &bench);
    bench.closed++;
}

static inline void assert_record(const record_t *record, unsigned count,
                                 const char *text)
{
    ck_assert_uint_eq(record->count, count);
    ck_assert_uint_eq(record->len, strlen(text));
    ck_assert_mem_eq(record->data, text, strlen(text));
}

static inline void set_up(bool portable)
{
    const srf__transports_events_t events = {
        .message = on_message, .undelivered = on_undelivered, .arg = &bench};

    memset(&bench, 0, sizeof(bench));
    bench.portable = portable;
    ck_assert_int_eq(uv_loop_init(&bench.loop), 0);
    ck_assert_int_eq(uv_timer_init(&bench.loop, &bench.guard), 0);
    srf__log_init(&bench.log, NULL, NULL, SRF_LOG_ERROR);
    const srf__transports_env_t env = {.loop = &bench.loop, .log = &bench.log};
    ck_assert_int_eq(srf__transports_init(&bench.transports, &env, &events), 0);
}

static inline void setup(void)
{
    set_up(false);
}

static inline void setup_portable(void)
{
    set_up(true);
}

/* After it no handle may be left in the loop. */
static inline void teardown(void)
{
    if (!bench.transports.closing)
        srf__transports_close(&bench.transports, on_closed, &bench);
    spin_until(&bench.closed, 1);
    ck_assert_uint_eq(bench.closed, 1);
    ck_assert_uint_eq(bench.transports.open, 0);
    srf__transports_deinit(&bench.transports);
    uv_close((uv_handle_t *)&bench.guard, NULL);
    uv_run(&bench.loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&bench.loop), 0);
}

/* ---- listeners and peers ---- */

static const char *const loopbacks[] = {"127.0.0.1", "::1"};
static const char *const wildcards[] = {"0.0.0.0", "::"};

static inline srf__addr_t address(const char *host, uint16_t port)
{
    srf__addr_t out;

    ck_assert(
        srf__addr_from_host(&out, srf__str_of(host), port, SRF__TRANSPORT_UDP));
    return out;
}

static inline int open_listener(const srf__addr_t *at, uint32_t buffer_bytes)
{
    const srf__udp_settings_t settings = {
        .receive_buffer_bytes = buffer_bytes,
        .portable = bench.portable,
    };

    return srf__udp_listen(&bench.transports, at, &settings);
}

static inline srf__listener_t *listen_on(const char *host, uint16_t port)
{
    srf__addr_t at = address(host, port);
    srf__listener_t *last = bench.transports.listeners;

    ck_assert_int_eq(open_listener(&at, 0), 0);
    last = bench.transports.listeners;
    while (last->next != NULL)
        last = last->next;
    return last;
}

/* A plain socket on a loopback address, and where it is. */
static inline int open_peer(const char *host, srf__addr_t *at)
{
    const struct timeval patience = {.tv_sec = HANG_MS / 1000};
    struct sockaddr_storage storage;
    socklen_t len;
    srf__addr_t any = address(host, 0);
    int fd = socket(any.family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);

    ck_assert_int_ge(fd, 0);
    len = (socklen_t)srf__addr_to_sockaddr(&any, &storage);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&storage, len), 0);
    len = sizeof(storage);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&storage, &len), 0);
    srf__addr_from_sockaddr(at, (const struct sockaddr *)&storage,
                            SRF__TRANSPORT_UDP);
    ck_assert_int_eq(
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)),
        0);
    return fd;
}

/* A port where nobody is any more. */
static inline srf__addr_t dead_peer(const char *host)
{
    srf__addr_t at;

    close(open_peer(host, &at));
    return at;
}

static inline void peer_sends(int fd, const srf__listener_t *to,
                              const char *data, size_t len)
{
    struct sockaddr_storage storage;
    srf__addr_t at = to->bound;

    if (to->wildcard)
        at = address(loopbacks[at.family == 6], at.port);
    socklen_t size = (socklen_t)srf__addr_to_sockaddr(&at, &storage);
    ck_assert_int_eq(
        sendto(fd, data, len, 0, (const struct sockaddr *)&storage, size),
        (ssize_t)len);
}

static inline void peer_gets(int fd, const char *text)
{
    static char data[TEXT_MAX];
    ssize_t len = recv(fd, data, sizeof(data), 0);

    ck_assert_int_eq(len, (ssize_t)strlen(text));
    ck_assert_mem_eq(data, text, strlen(text));
}

static inline int send_text(srf__listener_t *from, const srf__addr_t *to,
                            const char *text)
{
    const srf__flow_t flow = {from, *to, 0};
    const srf__str_t part = srf__str_of(text);

    return srf__transports_send(&flow, &part, 1);
}

/* Asked before any test runs, so without assertions. */
static inline bool has_ipv6(void)
{
    const struct sockaddr_in6 at = {.sin6_family = AF_INET6,
                                    .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);

    if (fd < 0)
        return false;
    int err = bind(fd, (const struct sockaddr *)&at, sizeof(at));
    close(fd);
    return err == 0;
}

/* ---- past the listener ---- */

static inline void find_handle(uv_handle_t *handle, void *arg)
{
    if (handle->type == UV_UDP || handle->type == UV_POLL)
        *(uv_handle_t **)arg = handle;
}

static inline uv_handle_t *the_handle(void)
{
    uv_handle_t *handle = NULL;

    uv_walk(&bench.loop, find_handle, &handle);
    ck_assert_ptr_nonnull(handle);
    return handle;
}

static inline int the_socket(void)
{
    uv_os_fd_t fd;

    ck_assert_int_eq(uv_fileno(the_handle(), &fd), 0);
    return fd;
}

/* Sends from the only listener's socket, but behind its back. */
static inline bool send_past_listener(const srf__addr_t *to, const char *text)
{
    struct sockaddr_storage storage;
    socklen_t len = (socklen_t)srf__addr_to_sockaddr(to, &storage);

    return sendto(the_socket(), text, strlen(text), 0,
                  (const struct sockaddr *)&storage,
                  len) == (ssize_t)strlen(text);
}

static inline void on_blocker(uv_udp_send_t *request, int status)
{
    (void)status;
    ((blocker_t *)request->data)->done++;
}

static inline void on_unblock(uv_timer_t *timer)
{
    bench.full = false;
    ((blocker_t *)timer->data)->done++;
    uv_close((uv_handle_t *)timer, NULL);
}

/* Sends "b" to `to`. What the only listener sends then finds the socket full
 * until the loop runs. libuv believes that while a request of its own is not
 * completed; the system calls of the other listener are those of the test. */
static inline void block(blocker_t *blocker, const srf__addr_t *to)
{
    struct sockaddr_storage storage;
    char byte[] = "b";
    uv_buf_t buf = uv_buf_init(byte, 1);

    memset(blocker, 0, sizeof(*blocker));
    blocker->request.data = blocker;
    blocker->timer.data = blocker;
    if (bench.portable) {
        (void)srf__addr_to_sockaddr(to, &storage);
        ck_assert_int_eq(
            uv_udp_send(&blocker->request, (uv_udp_t *)the_handle(), &buf, 1,
                        (const struct sockaddr *)&storage, on_blocker),
            0);
        return;
    }
    ck_assert(send_past_listener(to, "b"));
    bench.full = true;
    ck_assert_int_eq(uv_timer_init(&bench.loop, &blocker->timer), 0);
    ck_assert_int_eq(uv_timer_start(&blocker->timer, on_unblock, 0, 0), 0);
}

#endif /* SRF_UDP_BENCH_H */
