/*
 * Listeners on real loopback sockets and a real loop.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"

#include "transport/transport.h"

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

struct bench {
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
};

/* One for all tests: each begins with setup() and ends with teardown(). */
static bench_t bench;

/* ---- the loop ---- */

static void on_hang(uv_timer_t *timer)
{
    (void)timer;
    ck_abort_msg("nothing happened for too long");
}

static void spin_until(const unsigned *counter, unsigned count)
{
    ck_assert_int_eq(uv_timer_start(&bench.guard, on_hang, HANG_MS, 0), 0);
    while (*counter < count)
        uv_run(&bench.loop, UV_RUN_ONCE);
    uv_timer_stop(&bench.guard);
}

static void on_pause(uv_timer_t *timer)
{
    (*(bool *)timer->data) = true;
}

/* Lets the loop run for a while; how often it went round. */
static unsigned run_for(uint64_t ms)
{
    unsigned rounds = 0;
    bool over = false;
    uv_timer_t timer;

    ck_assert_int_eq(uv_timer_init(&bench.loop, &timer), 0);
    timer.data = &over;
    ck_assert_int_eq(uv_timer_start(&timer, on_pause, ms, 0), 0);
    while (!over) {
        uv_run(&bench.loop, UV_RUN_ONCE);
        rounds++;
    }
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&bench.loop, UV_RUN_NOWAIT);
    return rounds;
}

/* ---- events ---- */

static void keep(record_t *record, const char *data, size_t len)
{
    ck_assert_uint_le(len, sizeof(record->data));
    record->count++;
    record->len = len;
    memcpy(record->data, data, len);
}

static void on_message(void *arg, const srf__flow_t *from, const char *data,
                       size_t len)
{
    ck_assert_ptr_eq(arg, &bench);
    bench.message.from = *from;
    keep(&bench.message, data, len);
    if (bench.on_message != NULL)
        bench.on_message(&bench);
}

static void on_undelivered(void *arg, const srf__addr_t *to, const char *data,
                           size_t len)
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

static void on_closed(void *arg)
{
    ck_assert_ptr_eq(arg, &bench);
    bench.closed++;
}

static void assert_record(const record_t *record, unsigned count,
                          const char *text)
{
    ck_assert_uint_eq(record->count, count);
    ck_assert_uint_eq(record->len, strlen(text));
    ck_assert_mem_eq(record->data, text, strlen(text));
}

static void setup(void)
{
    const srf__transports_events_t events = {
        .message = on_message, .undelivered = on_undelivered, .arg = &bench};

    memset(&bench, 0, sizeof(bench));
    ck_assert_int_eq(uv_loop_init(&bench.loop), 0);
    ck_assert_int_eq(uv_timer_init(&bench.loop, &bench.guard), 0);
    srf__log_init(&bench.log, NULL, NULL, SRF_LOG_ERROR);
    ck_assert_int_eq(srf__transports_init(&bench.transports, &bench.loop,
                                          &bench.log, &events),
                     0);
}

/* After it no handle may be left in the loop. */
static void teardown(void)
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

static srf__addr_t address(const char *host, uint16_t port)
{
    srf__addr_t out;

    ck_assert(
        srf__addr_from_host(&out, srf__str_of(host), port, SRF__TRANSPORT_UDP));
    return out;
}

static srf__listener_t *listen_on(const char *host, uint16_t port)
{
    srf__addr_t at = address(host, port);
    srf__listener_t *last = bench.transports.listeners;

    ck_assert_int_eq(srf__udp_listen(&bench.transports, &at, 0), 0);
    last = bench.transports.listeners;
    while (last->next != NULL)
        last = last->next;
    return last;
}

/* A plain socket on a loopback address, and where it is. */
static int open_peer(const char *host, srf__addr_t *at)
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
static srf__addr_t dead_peer(const char *host)
{
    srf__addr_t at;

    close(open_peer(host, &at));
    return at;
}

static void peer_sends(int fd, const srf__listener_t *to, const char *data,
                       size_t len)
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

static void peer_gets(int fd, const char *text)
{
    static char data[TEXT_MAX];
    ssize_t len = recv(fd, data, sizeof(data), 0);

    ck_assert_int_eq(len, (ssize_t)strlen(text));
    ck_assert_mem_eq(data, text, strlen(text));
}

static int send_text(srf__listener_t *from, const srf__addr_t *to,
                     const char *text)
{
    const srf__flow_t flow = {from, *to};
    const srf__str_t part = srf__str_of(text);

    return srf__transports_send(&flow, &part, 1);
}

/* Asked before any test runs, so without assertions. */
static bool has_ipv6(void)
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

/* ---- listening ---- */

START_TEST(listener_on_port_0_tells_its_real_port)
{
    static const char *const begins[] = {"sip:127.0.0.1:", "sip:[::1]:"};
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    char text[SRF__ADDR_TEXT];

    ck_assert_int_ne(listener->bound.port, 0);
    ck_assert(!listener->wildcard);
    ck_assert(!listener->ops->reliable);
    (void)srf__addr_text(&listener->bound, text);
    ck_assert_mem_eq(listener->uri, begins[_i], strlen(begins[_i]));
    ck_assert_ptr_nonnull(strstr(listener->uri, text));
    ck_assert_str_eq(strchr(listener->uri, ';'), ";transport=udp");
}
END_TEST

START_TEST(wildcard_listener_has_a_uri_that_can_be_listened_on_again)
{
    static const char *const begins[] = {"sip:*:", "sip:[::]:"};
    srf__listener_t *listener = listen_on(wildcards[_i], 0);
    const char *rest = listener->uri + strlen(begins[_i]);
    const char *end = strchr(rest, ';');
    uint32_t port;

    ck_assert(listener->wildcard);
    ck_assert_mem_eq(listener->uri, begins[_i], strlen(begins[_i]));
    ck_assert_ptr_nonnull(end);
    ck_assert(
        srf__str_to_u32(srf__str(rest, (size_t)(end - rest)), 65535, &port));
    ck_assert_uint_eq(port, listener->bound.port);
}
END_TEST

START_TEST(listening_where_somebody_is_fails_and_leaves_nothing)
{
    srf__addr_t taken;
    int fd = open_peer(loopbacks[_i], &taken);

    ck_assert_int_eq(srf__udp_listen(&bench.transports, &taken, 0),
                     UV_EADDRINUSE);

    ck_assert_ptr_null(bench.transports.listeners);
    close(fd);
    /* teardown() finds the loop empty. */
}
END_TEST

START_TEST(listening_on_an_address_not_ours_fails)
{
    srf__addr_t foreign = address("192.0.2.1", 0);

    ck_assert_int_eq(srf__udp_listen(&bench.transports, &foreign, 0),
                     UV_EADDRNOTAVAIL);
}
END_TEST

START_TEST(close_waits_for_a_listener_that_failed_to_open)
{
    srf__addr_t foreign = address("192.0.2.1", 0);

    ck_assert_int_ne(srf__udp_listen(&bench.transports, &foreign, 0), 0);
    srf__transports_close(&bench.transports, on_closed, &bench);

    ck_assert_uint_eq(bench.closed, 0);
    spin_until(&bench.closed, 1);
}
END_TEST

START_TEST(listening_fails_once_closing)
{
    srf__addr_t at = address("127.0.0.1", 0);

    srf__transports_close(&bench.transports, on_closed, &bench);
    ck_assert_int_eq(srf__udp_listen(&bench.transports, &at, 0),
                     SRF_ERR_CANCELED);
}
END_TEST

START_TEST(both_wildcards_share_a_port)
{
    srf__listener_t *six = listen_on("::", 0);
    srf__listener_t *four = listen_on("0.0.0.0", six->bound.port);
    srf__addr_t at;
    int fd = open_peer("127.0.0.1", &at);

    peer_sends(fd, four, "by four", 7);
    spin_until(&bench.message.count, 1);

    ck_assert_ptr_eq(bench.message.from.listener, four);
    ck_assert_int_eq(bench.message.from.peer.family, 4);
    close(fd);
}
END_TEST

static void read_buffer_size(uv_handle_t *handle, void *arg)
{
    if (handle->type == UV_UDP)
        ck_assert_int_eq(uv_recv_buffer_size(handle, arg), 0);
}

START_TEST(receive_buffer_is_as_large_as_asked_for)
{
    srf__addr_t at = address("127.0.0.1", 0);
    int bytes = 0;

    ck_assert_int_eq(srf__udp_listen(&bench.transports, &at, 50000), 0);
    uv_walk(&bench.loop, read_buffer_size, &bytes);

    /* Linux doubles it for its own book-keeping. */
    ck_assert_int_ge(bytes, 50000);
    ck_assert_int_le(bytes, 100000);
}
END_TEST

/* ---- receiving and sending ---- */

START_TEST(datagram_arrives_with_its_flow)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__addr_t at;
    int fd = open_peer(loopbacks[_i], &at);

    peer_sends(fd, listener, "over here", 9);
    spin_until(&bench.message.count, 1);

    assert_record(&bench.message, 1, "over here");
    ck_assert_ptr_eq(bench.message.from.listener, listener);
    ck_assert(srf__addr_eq(&bench.message.from.peer, &at));
    close(fd);
}
END_TEST

START_TEST(pieces_leave_as_one_datagram)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__flow_t flow = {.listener = listener};
    int fd = open_peer(loopbacks[_i], &flow.peer);
    const srf__str_t parts[] = {SRF__STR("first|"), SRF__STR("second")};

    ck_assert_int_eq(srf__transports_send(&flow, parts, 2), 0);
    peer_gets(fd, "first|second");
    ck_assert_int_eq(srf__transports_send(&flow, &parts[1], 1), 0);
    peer_gets(fd, "second");
    close(fd);
}
END_TEST

START_TEST(empty_datagram_is_ignored)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__addr_t at;
    int fd = open_peer(loopbacks[_i], &at);

    peer_sends(fd, listener, "", 0);
    peer_sends(fd, listener, "x", 1);
    spin_until(&bench.message.count, 1);

    assert_record(&bench.message, 1, "x");
    close(fd);
}
END_TEST

START_TEST(largest_datagram_arrives_whole)
{
    enum { LARGEST = 65507 };
    static char data[LARGEST];
    srf__listener_t *listener = listen_on("127.0.0.1", 0);
    const srf__flow_t self = {listener, listener->bound};

    for (size_t i = 0; i < LARGEST; i++)
        data[i] = (char)('a' + i % 26);
    const srf__str_t part = srf__str(data, LARGEST);
    ck_assert_int_eq(srf__transports_send(&self, &part, 1), 0);
    spin_until(&bench.message.count, 1);

    ck_assert_uint_eq(bench.message.len, LARGEST);
    ck_assert_mem_eq(bench.message.data, data, LARGEST);
}
END_TEST

static void answer(bench_t *b)
{
    b->sent =
        send_text(b->message.from.listener, &b->message.from.peer, "answered");
}

START_TEST(message_can_be_answered_from_its_event)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__addr_t at;
    int fd = open_peer(loopbacks[_i], &at);

    bench.on_message = answer;
    peer_sends(fd, listener, "asked", 5);
    spin_until(&bench.message.count, 1);

    ck_assert_int_eq(bench.sent, 0);
    peer_gets(fd, "answered");
    close(fd);
}
END_TEST

START_TEST(datagram_too_large_is_refused_at_once_and_only_once)
{
    static char data[70000];
    static const size_t sizes[] = {65508, 65535, 65536, 70000};
    srf__listener_t *listener = listen_on("127.0.0.1", 0);
    srf__flow_t flow = {.listener = listener};
    int fd = open_peer("127.0.0.1", &flow.peer);
    const srf__str_t part = srf__str(data, sizes[_i]);

    ck_assert_int_eq(srf__transports_send(&flow, &part, 1), UV_EMSGSIZE);
    ck_assert_uint_eq(bench.transports.counters.errors, 1);

    /* What the sender knows already is not reported again, and harms nobody. */
    ck_assert_int_eq(send_text(listener, &flow.peer, "small"), 0);
    peer_gets(fd, "small");
    ck_assert_uint_lt(run_for(50), 10);
    ck_assert_uint_eq(bench.undelivered.count, 0);
    ck_assert_uint_eq(bench.transports.counters.errors, 1);
    close(fd);
}
END_TEST

START_TEST(address_of_the_other_family_is_refused)
{
    srf__listener_t *listener = listen_on("127.0.0.1", 0);
    srf__addr_t six = address("::1", 5060);

    ck_assert_int_lt(send_text(listener, &six, "x"), 0);
    ck_assert_uint_eq(bench.transports.counters.errors, 1);
}
END_TEST

/* ---- what the network gives back ---- */

START_TEST(datagram_to_a_closed_port_comes_back)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__addr_t dead = dead_peer(loopbacks[_i]);

    ck_assert_int_eq(send_text(listener, &dead, "nobody there"), 0);
    spin_until(&bench.undelivered.count, 1);

    assert_record(&bench.undelivered, 1, "nobody there");
    ck_assert(srf__addr_eq(&bench.undelivered.to, &dead));
    ck_assert_uint_eq(bench.transports.counters.errors, 1);
    ck_assert_uint_lt(run_for(100), 10);
    ck_assert_uint_eq(bench.undelivered.count, 1);
}
END_TEST

START_TEST(wildcard_listener_hears_of_closed_ports_too)
{
    srf__listener_t *listener = listen_on(wildcards[_i], 0);
    srf__addr_t dead = dead_peer(loopbacks[_i]);

    ck_assert_int_eq(send_text(listener, &dead, "nobody there"), 0);
    spin_until(&bench.undelivered.count, 1);

    assert_record(&bench.undelivered, 1, "nobody there");
    ck_assert(srf__addr_eq(&bench.undelivered.to, &dead));
}
END_TEST

START_TEST(error_of_one_datagram_does_not_stop_the_next)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__addr_t dead = dead_peer(loopbacks[_i]);
    srf__addr_t alive;
    int fd = open_peer(loopbacks[_i], &alive);

    ck_assert_int_eq(send_text(listener, &dead, "lost"), 0);
    ck_assert_int_eq(send_text(listener, &alive, "found"), 0);
    peer_gets(fd, "found");

    spin_until(&bench.undelivered.count, 1);
    assert_record(&bench.undelivered, 1, "lost");
    ck_assert_uint_lt(run_for(50), 10);
    close(fd);
}
END_TEST

START_TEST(every_datagram_to_closed_ports_is_reported_once)
{
    enum { COUNT = 100 };
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__addr_t dead = dead_peer(loopbacks[_i]);
    srf__addr_t alive;
    int fd = open_peer(loopbacks[_i], &alive);

    for (unsigned i = 0; i < COUNT; i++)
        ck_assert_int_eq(send_text(listener, &dead, "lost"), 0);
    ck_assert_int_eq(send_text(listener, &alive, "found"), 0);
    peer_gets(fd, "found");
    spin_until(&bench.undelivered.count, COUNT);

    ck_assert_uint_lt(run_for(50), 10);
    ck_assert_uint_eq(bench.undelivered.count, COUNT);
    close(fd);
}
END_TEST

/* The second one meets the error of the first. */
static void try_again(bench_t *b)
{
    for (unsigned i = 0; i < 2 && b->undelivered.count < 200; i++)
        ck_assert_int_eq(
            send_text(b->flow.listener, &b->undelivered.to, "again"), 0);
}

START_TEST(sending_to_a_closed_port_from_its_report_does_not_nest)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__addr_t dead = dead_peer(loopbacks[_i]);

    bench.on_undelivered = try_again;
    bench.flow.listener = listener;
    ck_assert_int_eq(send_text(listener, &dead, "once"), 0);
    spin_until(&bench.undelivered.count, 200);

    ck_assert_uint_eq(bench.deepest, 1);
    ck_assert_uint_lt(run_for(50), 10);
}
END_TEST

START_TEST(listener_receives_as_ever_after_an_error)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__addr_t dead = dead_peer(loopbacks[_i]);
    srf__addr_t alive;
    int fd = open_peer(loopbacks[_i], &alive);

    peer_sends(fd, listener, "before", 6);
    ck_assert_int_eq(send_text(listener, &dead, "lost"), 0);
    peer_sends(fd, listener, "behind", 6);
    spin_until(&bench.message.count, 2);
    spin_until(&bench.undelivered.count, 1);

    assert_record(&bench.message, 2, "behind");
    assert_record(&bench.undelivered, 1, "lost");
    close(fd);
}
END_TEST

/* ---- the queue ---- */

static uv_udp_t *the_handle;

static void find_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (handle->type == UV_UDP)
        the_handle = (uv_udp_t *)handle;
}

/* Sends "lost" from the only listener's socket, but behind its back. */
static bool send_past_listener(const srf__addr_t *to)
{
    struct sockaddr_storage storage;
    socklen_t len = (socklen_t)srf__addr_to_sockaddr(to, &storage);
    uv_os_fd_t fd;

    uv_walk(&bench.loop, find_handle, NULL);
    ck_assert_int_eq(uv_fileno((const uv_handle_t *)the_handle, &fd), 0);
    return sendto(fd, "lost", 4, 0, (const struct sockaddr *)&storage, len) ==
           4;
}

static void on_blocker(uv_udp_send_t *request, int status)
{
    (void)status;
    (*(unsigned *)request->data)++;
}

/* Has libuv queue what is sent to the only listener until the loop runs: it
 * does so while a request of its own is not completed. */
static void block(uv_udp_send_t *request, unsigned *done, const srf__addr_t *to)
{
    struct sockaddr_storage storage;
    char byte[] = "b";
    uv_buf_t buf = uv_buf_init(byte, 1);

    uv_walk(&bench.loop, find_handle, NULL);
    (void)srf__addr_to_sockaddr(to, &storage);
    request->data = done;
    ck_assert_int_eq(uv_udp_send(request, the_handle, &buf, 1,
                                 (const struct sockaddr *)&storage, on_blocker),
                     0);
}

START_TEST(datagrams_that_cannot_leave_at_once_leave_later_in_order)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__flow_t flow = {.listener = listener};
    int fd = open_peer(loopbacks[_i], &flow.peer);
    char text[] = "one|";
    const srf__str_t parts[] = {srf__str(text, 4), SRF__STR("two")};
    uv_udp_send_t request;
    unsigned done = 0;

    block(&request, &done, &flow.peer);
    ck_assert_int_eq(srf__transports_send(&flow, parts, 2), 0);
    memset(text, '#', 4); /* only borrowed until return */
    ck_assert_int_eq(send_text(listener, &flow.peer, "three"), 0);
    spin_until(&done, 1);
    run_for(20);

    peer_gets(fd, "b");
    peer_gets(fd, "one|two");
    peer_gets(fd, "three");
    close(fd);
}
END_TEST

/* Sends as much as the queue takes; how many of 10000 bytes. */
static unsigned fill_queue(const srf__flow_t *flow)
{
    static char data[10000];
    const srf__str_t part = srf__str(data, sizeof(data));
    uv_udp_send_t request;
    unsigned done = 0;
    unsigned queued = 0;

    block(&request, &done, &flow->peer);
    while (queued < 1000 && srf__transports_send(flow, &part, 1) == 0)
        queued++;
    ck_assert_int_eq(srf__transports_send(flow, &part, 1), SRF_ERR_LIMIT);
    spin_until(&done, 1);
    run_for(20);
    return queued;
}

START_TEST(full_queue_drops_and_counts_and_takes_more_when_empty)
{
    const srf__transports_counters_t *counters = &bench.transports.counters;
    srf__flow_t flow = {.listener = listen_on("127.0.0.1", 0)};
    int fd = open_peer("127.0.0.1", &flow.peer);

    ck_assert_uint_eq(fill_queue(&flow), (1 << 20) / 10000);
    ck_assert_uint_eq(counters->dropped_send_queue, 2);
    ck_assert_uint_eq(fill_queue(&flow), (1 << 20) / 10000);
    ck_assert_uint_eq(counters->dropped_send_queue, 4);
    ck_assert_uint_eq(counters->errors, 0);
    peer_gets(fd, "b");
    close(fd);
}
END_TEST

START_TEST(queued_datagram_survives_the_error_of_another)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__addr_t dead = dead_peer(loopbacks[_i]);
    srf__addr_t alive;
    int fd = open_peer(loopbacks[_i], &alive);
    uv_udp_send_t request;
    unsigned done = 0;

    block(&request, &done, &alive);
    ck_assert_int_eq(send_text(listener, &alive, "queued"), 0);
    /* The error is to be pending when libuv sends. */
    ck_assert(send_past_listener(&dead));
    spin_until(&done, 1);
    spin_until(&bench.undelivered.count, 1);
    run_for(20);

    peer_gets(fd, "b");
    peer_gets(fd, "queued");
    assert_record(&bench.undelivered, 1, "lost");
    ck_assert_uint_eq(bench.transports.counters.errors, 1);
    close(fd);
}
END_TEST

/* ---- closing ---- */

START_TEST(close_without_listeners_is_told_at_once)
{
    srf__transports_close(&bench.transports, on_closed, &bench);

    ck_assert_uint_eq(bench.closed, 1);
}
END_TEST

START_TEST(close_waits_for_every_listener)
{
    srf__listener_t *listener = listen_on("127.0.0.1", 0);
    srf__addr_t peer = listener->bound;

    listen_on("127.0.0.1", 0);
    listen_on("0.0.0.0", 0);
    ck_assert_uint_eq(bench.transports.open, 3);
    srf__transports_close(&bench.transports, on_closed, &bench);
    ck_assert_uint_eq(bench.closed, 0);
    ck_assert_int_eq(send_text(listener, &peer, "x"), SRF_ERR_CANCELED);
    ck_assert_ptr_null(srf__transports_pick(&bench.transports, &peer, NULL));

    spin_until(&bench.closed, 1);
    ck_assert_uint_eq(bench.transports.open, 0);
}
END_TEST

START_TEST(close_with_a_full_queue_frees_it)
{
    srf__listener_t *listener = listen_on("127.0.0.1", 0);
    srf__addr_t at;
    int fd = open_peer("127.0.0.1", &at);
    uv_udp_send_t request;
    unsigned done = 0;

    block(&request, &done, &at);
    for (unsigned i = 0; i < 10; i++)
        ck_assert_int_eq(send_text(listener, &at, "queued"), 0);
    srf__transports_close(&bench.transports, on_closed, &bench);
    spin_until(&bench.closed, 1);

    ck_assert_uint_eq(done, 1);
    ck_assert_uint_eq(bench.transports.counters.errors, 0);
    close(fd);
}
END_TEST

static void close_all(bench_t *b)
{
    srf__transports_close(&b->transports, on_closed, b);
    b->sent = srf__transports_send(&b->flow, &SRF__STR("x"), 1);
}

START_TEST(nothing_is_delivered_after_closing_in_a_message)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__listener_t *other = listen_on(loopbacks[_i], 0);
    srf__addr_t at;
    int fd = open_peer(loopbacks[_i], &at);

    bench.on_message = close_all;
    bench.flow = (srf__flow_t){listener, at};
    for (unsigned i = 0; i < 5; i++) {
        peer_sends(fd, listener, "to one", 6);
        peer_sends(fd, other, "to two", 6);
    }
    spin_until(&bench.closed, 1);
    run_for(20);

    ck_assert_uint_eq(bench.message.count, 1);
    ck_assert_int_eq(bench.sent, SRF_ERR_CANCELED);
    close(fd);
}
END_TEST

START_TEST(closing_in_a_report_from_the_loop_ends_the_reports)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__addr_t dead = dead_peer(loopbacks[_i]);

    bench.on_undelivered = close_all;
    bench.flow = (srf__flow_t){listener, dead};
    for (unsigned lost = 0; lost < 3;)
        lost += send_past_listener(&dead);
    spin_until(&bench.closed, 1);

    ck_assert_uint_eq(bench.undelivered.count, 1);
    ck_assert_int_eq(bench.sent, SRF_ERR_CANCELED);
}
END_TEST

START_TEST(closing_in_a_report_cancels_the_send_that_met_the_error)
{
    srf__listener_t *listener = listen_on(loopbacks[_i], 0);
    srf__addr_t dead = dead_peer(loopbacks[_i]);

    bench.on_undelivered = close_all;
    bench.flow = (srf__flow_t){listener, dead};
    ck_assert_int_eq(send_text(listener, &dead, "lost"), 0);
    ck_assert_int_eq(send_text(listener, &dead, "met it"), SRF_ERR_CANCELED);

    ck_assert_uint_eq(bench.undelivered.count, 1);
    spin_until(&bench.closed, 1);
}
END_TEST

/* ---- which listener, which address ---- */

START_TEST(pick_takes_the_family_and_the_first_that_fits)
{
    srf__listener_t *first = listen_on("127.0.0.1", 0);
    srf__listener_t *second = listen_on("127.0.0.1", 0);
    srf__addr_t four = address("127.0.0.2", 5060);
    srf__addr_t six = address("::1", 5060);
    srf__addr_t tcp = four;

    tcp.transport = SRF__TRANSPORT_TCP;
    ck_assert_ptr_eq(srf__transports_pick(&bench.transports, &four, NULL),
                     first);
    ck_assert_ptr_eq(srf__transports_pick(&bench.transports, &four, second),
                     second);
    ck_assert_ptr_null(srf__transports_pick(&bench.transports, &six, first));
    ck_assert_ptr_null(srf__transports_pick(&bench.transports, &tcp, first));
}
END_TEST

START_TEST(pick_leaves_the_loopback_to_the_loopback)
{
    srf__listener_t *loopback = listen_on("127.0.0.1", 0);
    srf__addr_t far = address("192.0.2.1", 5060);
    srf__addr_t near = address("127.0.0.1", 5060);

    ck_assert_ptr_eq(srf__transports_pick(&bench.transports, &far, NULL),
                     loopback);
    srf__listener_t *wildcard = listen_on("0.0.0.0", 0);
    ck_assert_ptr_eq(srf__transports_pick(&bench.transports, &far, loopback),
                     wildcard);
    ck_assert_ptr_eq(srf__transports_pick(&bench.transports, &near, wildcard),
                     wildcard);
    ck_assert_ptr_eq(srf__transports_pick(&bench.transports, &near, NULL),
                     loopback);
}
END_TEST

START_TEST(wildcard_is_seen_with_the_address_the_system_chooses)
{
    srf__listener_t *listener = listen_on(wildcards[_i], 0);
    srf__addr_t peer = address(loopbacks[_i], 5060);
    srf__addr_t local = srf__listener_local(listener, &peer);
    srf__addr_t want = address(loopbacks[_i], listener->bound.port);

    ck_assert(srf__addr_eq(&local, &want));
    local = srf__listener_local(listener, &peer); /* from the cache */
    ck_assert(srf__addr_eq(&local, &want));
}
END_TEST

START_TEST(wildcard_is_asked_anew_for_each_peer)
{
    srf__listener_t *listener = listen_on("0.0.0.0", 0);
    srf__addr_t near = address("127.0.0.1", 5060);
    srf__addr_t six = address("::1", 5060);
    srf__addr_t want = address("127.0.0.1", listener->bound.port);

    for (unsigned i = 0; i < 1000; i++) {
        srf__addr_t peer = address("127.1.0.1", 5060);
        peer.ip[2] = (uint8_t)(i >> 8);
        peer.ip[3] = (uint8_t)i;
        srf__addr_t local = srf__listener_local(listener, &peer);
        ck_assert_int_eq(local.ip[0], 127);
    }
    srf__addr_t local = srf__listener_local(listener, &near);
    ck_assert(srf__addr_eq(&local, &want));
    /* An address it cannot have is not taken. */
    local = srf__listener_local(listener, &six);
    ck_assert(srf__addr_eq(&local, &listener->bound));
}
END_TEST

START_TEST(bound_listener_is_seen_with_its_own_address)
{
    srf__listener_t *listener = listen_on("127.0.0.3", 0);
    srf__addr_t peer = address("127.0.0.1", 5060);
    srf__addr_t local = srf__listener_local(listener, &peer);

    ck_assert(srf__addr_eq(&local, &listener->bound));
}
END_TEST

START_TEST(host_and_port_are_those_of_the_local_address)
{
    srf__listener_t *bound = listen_on(loopbacks[_i], 0);
    srf__listener_t *wildcard = listen_on(wildcards[_i], 0);
    srf__addr_t peer = address(loopbacks[_i], 5060);
    char storage[SRF__ADDR_TEXT];
    char want[SRF__ADDR_TEXT];

    (void)srf__addr_text(&bound->bound, want);
    for (unsigned i = 0; i < 2; i++) /* the second is kept from the first */
        ck_assert(srf__str_eq(srf__listener_host_port(bound, &peer, storage),
                              srf__str_of(want)));
    peer.port = wildcard->bound.port;
    (void)srf__addr_text(&peer, want);
    ck_assert(srf__str_eq(srf__listener_host_port(wildcard, &peer, storage),
                          srf__str_of(want)));
}
END_TEST

static bool is_local(const char *host, uint16_t port, int transport)
{
    srf__addr_t at = address(host, port);

    at.transport = (uint8_t)transport;
    return srf__transports_is_local(&bench.transports, &at);
}

START_TEST(local_is_what_is_listened_on)
{
    uint16_t port = listen_on("127.0.0.1", 0)->bound.port;
    uint16_t other = (uint16_t)(port ^ 1);

    ck_assert(is_local("127.0.0.1", port, SRF__TRANSPORT_UDP));
    ck_assert(is_local("127.0.0.1", 0, SRF__TRANSPORT_UDP));
    ck_assert(is_local("127.0.0.1", port, SRF__TRANSPORT_NONE));
    ck_assert(!is_local("127.0.0.1", other, SRF__TRANSPORT_UDP));
    ck_assert(!is_local("127.0.0.1", port, SRF__TRANSPORT_TCP));
    ck_assert(!is_local("127.0.0.2", port, SRF__TRANSPORT_UDP));
    ck_assert(!is_local("::1", port, SRF__TRANSPORT_UDP));
}
END_TEST

START_TEST(wildcard_stands_for_every_interface)
{
    uint16_t port = listen_on(wildcards[_i], 0)->bound.port;
    static const char *const foreign[] = {"192.0.2.1", "2001:db8::1"};
    uv_interface_address_t *list;
    int count;

    ck_assert_int_eq(uv_interface_addresses(&list, &count), 0);
    for (int i = 0; i < count; i++) {
        srf__addr_t at;
        srf__addr_from_sockaddr(&at, (const struct sockaddr *)&list[i].address,
                                SRF__TRANSPORT_UDP);
        at.port = port;
        ck_assert_int_eq(srf__transports_is_local(&bench.transports, &at),
                         at.family == (_i == 0 ? 4 : 6));
    }
    uv_free_interface_addresses(list, count);
    ck_assert(is_local(loopbacks[_i], port, SRF__TRANSPORT_UDP));
    ck_assert(is_local(wildcards[_i], port, SRF__TRANSPORT_UDP));
    ck_assert(!is_local(foreign[_i], port, SRF__TRANSPORT_UDP));
}
END_TEST

static void add_listening(TCase *tcase, int families)
{
    tcase_add_loop_test(tcase, listener_on_port_0_tells_its_real_port, 0,
                        families);
    tcase_add_loop_test(
        tcase, wildcard_listener_has_a_uri_that_can_be_listened_on_again, 0,
        families);
    tcase_add_loop_test(tcase,
                        listening_where_somebody_is_fails_and_leaves_nothing, 0,
                        families);
    tcase_add_test(tcase, listening_on_an_address_not_ours_fails);
    tcase_add_test(tcase, close_waits_for_a_listener_that_failed_to_open);
    tcase_add_test(tcase, listening_fails_once_closing);
    if (families > 1)
        tcase_add_test(tcase, both_wildcards_share_a_port);
    tcase_add_test(tcase, receive_buffer_is_as_large_as_asked_for);
}

static void add_datagrams(TCase *tcase, int families)
{
    tcase_add_loop_test(tcase, datagram_arrives_with_its_flow, 0, families);
    tcase_add_loop_test(tcase, pieces_leave_as_one_datagram, 0, families);
    tcase_add_loop_test(tcase, empty_datagram_is_ignored, 0, families);
    tcase_add_test(tcase, largest_datagram_arrives_whole);
    tcase_add_loop_test(tcase, message_can_be_answered_from_its_event, 0,
                        families);
    tcase_add_loop_test(
        tcase, datagram_too_large_is_refused_at_once_and_only_once, 0, 4);
    tcase_add_test(tcase, address_of_the_other_family_is_refused);
    tcase_add_loop_test(
        tcase, datagrams_that_cannot_leave_at_once_leave_later_in_order, 0,
        families);
    tcase_add_test(tcase,
                   full_queue_drops_and_counts_and_takes_more_when_empty);
}

#if defined(__linux__)
/* Only here does the system say whose datagram it was. */
static void add_undelivered(TCase *tcase, int families)
{
    tcase_add_loop_test(tcase, datagram_to_a_closed_port_comes_back, 0,
                        families);
    tcase_add_loop_test(tcase, wildcard_listener_hears_of_closed_ports_too, 0,
                        families);
    tcase_add_loop_test(tcase, error_of_one_datagram_does_not_stop_the_next, 0,
                        families);
    tcase_add_loop_test(tcase, every_datagram_to_closed_ports_is_reported_once,
                        0, families);
    tcase_add_loop_test(tcase,
                        sending_to_a_closed_port_from_its_report_does_not_nest,
                        0, families);
    tcase_add_loop_test(tcase, listener_receives_as_ever_after_an_error, 0,
                        families);
    tcase_add_loop_test(tcase, queued_datagram_survives_the_error_of_another, 0,
                        families);
    tcase_add_loop_test(
        tcase, closing_in_a_report_from_the_loop_ends_the_reports, 0, families);
    tcase_add_loop_test(tcase,
                        closing_in_a_report_cancels_the_send_that_met_the_error,
                        0, families);
}
#else
static void add_undelivered(TCase *tcase, int families)
{
    (void)tcase;
    (void)families;
}
#endif

static void add_rest(TCase *tcase, int families)
{
    tcase_add_test(tcase, close_without_listeners_is_told_at_once);
    tcase_add_test(tcase, close_waits_for_every_listener);
    tcase_add_test(tcase, close_with_a_full_queue_frees_it);
    tcase_add_loop_test(tcase, nothing_is_delivered_after_closing_in_a_message,
                        0, families);
    tcase_add_test(tcase, pick_takes_the_family_and_the_first_that_fits);
    tcase_add_test(tcase, pick_leaves_the_loopback_to_the_loopback);
    tcase_add_loop_test(tcase,
                        wildcard_is_seen_with_the_address_the_system_chooses, 0,
                        families);
    tcase_add_test(tcase, wildcard_is_asked_anew_for_each_peer);
    tcase_add_test(tcase, bound_listener_is_seen_with_its_own_address);
    tcase_add_loop_test(tcase, host_and_port_are_those_of_the_local_address, 0,
                        families);
    tcase_add_test(tcase, local_is_what_is_listened_on);
    tcase_add_loop_test(tcase, wildcard_stands_for_every_interface, 0,
                        families);
}

int main(void)
{
    Suite *suite = suite_create("transport");
    TCase *tcase = tcase_create("transport");
    int families = has_ipv6() ? 2 : 1;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 3 * HANG_MS / 1000);
    add_listening(tcase, families);
    add_datagrams(tcase, families);
    add_undelivered(tcase, families);
    add_rest(tcase, families);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
