/*
 * c-ares on a uv loop.
 *
 * SPDX-License-Identifier: MIT
 */
#include "resolver/dns.h"

#include "base/error.h"
#include "base/str.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include <ares.h>
#include <uv.h>

enum {
    CLASS_IN = 1,
    NAME_BYTES = 256,
    LONGEST_MS = 60000,
    QUERIES_PER_PORT = 128
};

/* A socket of c-ares. */
typedef struct watch {
    uv_poll_t handle;
    struct watch *next;
    srf__dns_t *dns;
    ares_socket_t fd;
    int events;
} watch_t;

typedef struct query {
    struct query *next; /* of those answered */
    srf__dns_t *dns;
    srf__dns_cb cb;
    void *arg;
    srf__records_t *records;
    uint16_t type;
    char name[NAME_BYTES];
} query_t;

struct srf__dns {
    uv_loop_t *loop;
    ares_channel channel;
    bool has_channel;
    uv_timer_t timer;  /* when c-ares wants to be called next */
    uv_timer_t teller; /* of answers that came inside a call */
    watch_t *watches;
    query_t *answered; /* to be told, in order */
    query_t **answered_end;
    unsigned handles; /* not closed yet */
    bool closing;
    void (*closed_cb)(void *arg);
    void *closed_arg;
};

static void rearm(srf__dns_t *dns);

/* ---- end ---- */

static void handle_closed(srf__dns_t *dns)
{
    if (--dns->handles > 0)
        return;
    void (*cb)(void *arg) = dns->closed_cb;
    void *arg = dns->closed_arg;
    srf__free(dns);
    ares_library_cleanup();
    if (cb != NULL)
        cb(arg);
}

static void on_timer_closed(uv_handle_t *handle)
{
    handle_closed(handle->data);
}

static void on_watch_closed(uv_handle_t *handle)
{
    watch_t *watch = handle->data;
    srf__dns_t *dns = watch->dns;

    srf__free(watch);
    handle_closed(dns);
}

/* ---- answers ---- */

/* Tells what has come. The program may do anything then, end this too. */
static void tell(srf__dns_t *dns)
{
    while (dns->answered != NULL && !dns->closing) {
        query_t *query = dns->answered;
        dns->answered = query->next;
        if (dns->answered == NULL)
            dns->answered_end = &dns->answered;
        query->cb(query->arg, query->records);
        srf__free(query);
    }
}

static void on_teller(uv_timer_t *timer)
{
    tell(timer->data);
}

/* From inside c-ares: nobody is told here. */
static void on_answer(void *arg, int status, int timeouts, unsigned char *bytes,
                      int len)
{
    query_t *query = arg;
    srf__dns_t *dns = query->dns;

    (void)timeouts;
    if (status == ARES_EDESTRUCTION) {
        srf__free(query);
        return;
    }
    query->records =
        bytes == NULL || len < 0
            ? srf__records_empty(query->type, SRF__ANSWER_FAILED, UINT32_MAX)
            : srf__records_read(bytes, (size_t)len, query->name, query->type);
    query->next = NULL;
    *dns->answered_end = query;
    dns->answered_end = &query->next;
    (void)uv_timer_start(&dns->teller, on_teller, 0, 0);
}

/* ---- sockets and time ---- */

static watch_t **find_watch(srf__dns_t *dns, ares_socket_t fd)
{
    watch_t **at = &dns->watches;

    while (*at != NULL && (*at)->fd != fd)
        at = &(*at)->next;
    return at;
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    watch_t *watch = handle->data;
    srf__dns_t *dns = watch->dns;
    ares_socket_t fd = watch->fd;
    bool in = status < 0 || (events & UV_READABLE) != 0;
    bool out = status < 0 || (events & UV_WRITABLE) != 0;

    ares_process_fd(dns->channel, in ? fd : ARES_SOCKET_BAD,
                    out ? fd : ARES_SOCKET_BAD);
    /* libuv stops at an error. c-ares keeps the socket when a question sent
     * meanwhile has met the error first, and wants to hear more from it. */
    watch = status < 0 ? *find_watch(dns, fd) : NULL;
    if (watch != NULL)
        (void)uv_poll_start(&watch->handle, watch->events, on_poll);
    rearm(dns);
}

static void on_timer(uv_timer_t *timer)
{
    srf__dns_t *dns = timer->data;

    ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    rearm(dns);
}

static void rearm(srf__dns_t *dns)
{
    struct timeval storage;
    struct timeval longest = {.tv_sec = LONGEST_MS / 1000};
    const struct timeval *due;

    if (dns->closing)
        return;
    due = ares_timeout(dns->channel, NULL, &storage);
    if (due == NULL) { /* nothing is open */
        (void)uv_timer_stop(&dns->timer);
        return;
    }
    if (due->tv_sec > longest.tv_sec)
        due = &longest;
    (void)uv_timer_start(
        &dns->timer, on_timer,
        (uint64_t)due->tv_sec * 1000 + (uint64_t)due->tv_usec / 1000 + 1, 0);
}

static void unwatch(watch_t **at)
{
    watch_t *watch = *at;

    *at = watch->next;
    (void)uv_poll_stop(&watch->handle);
    uv_close((uv_handle_t *)&watch->handle, on_watch_closed);
}

/* Without one c-ares finds out by its time running out. */
static watch_t *watch_socket(srf__dns_t *dns, ares_socket_t fd)
{
    watch_t *watch = srf__calloc(1, sizeof(*watch));

    if (watch == NULL ||
        uv_poll_init_socket(dns->loop, &watch->handle, fd) != 0) {
        srf__free(watch);
        return NULL;
    }
    watch->handle.data = watch;
    watch->dns = dns;
    watch->fd = fd;
    watch->next = dns->watches;
    dns->watches = watch;
    dns->handles++;
    return watch;
}

static void on_socket(void *arg, ares_socket_t fd, int readable, int writable)
{
    srf__dns_t *dns = arg;
    watch_t **at = find_watch(dns, fd);
    watch_t *watch = *at;
    int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);

    if (events == 0) {
        if (watch != NULL)
            unwatch(at);
        return;
    }
    if (watch == NULL)
        watch = watch_socket(dns, fd);
    if (watch == NULL)
        return;
    watch->events = events;
    (void)uv_poll_start(&watch->handle, events, on_poll);
}

/* ---- sockets ---- */

/* c-ares writes to name servers over TCP without MSG_NOSIGNAL before 1.34: one
 * that goes away must not end the program. */
#if ARES_VERSION < 0x012200

# if defined(MSG_NOSIGNAL)
static const int no_signal = MSG_NOSIGNAL;
# else
static const int no_signal = 0; /* SO_NOSIGPIPE does it */
# endif

static int set_flags(int fd)
{
    int on = 1;

# if defined(SO_NOSIGPIPE)
    (void)setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof(on));
# endif
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
                   fcntl(fd, F_SETFD, FD_CLOEXEC) == 0
               ? 0
               : -1;
}

static ares_socket_t on_open(int family, int type, int protocol, void *arg)
{
    int fd = socket(family, type, protocol);

    (void)arg;
    if (fd >= 0 && set_flags(fd) != 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

static int on_close(ares_socket_t fd, void *arg)
{
    (void)arg;
    return close(fd);
}

static int on_connect(ares_socket_t fd, const struct sockaddr *to,
                      ares_socklen_t len, void *arg)
{
    (void)arg;
    return connect(fd, to, len);
}

static ares_ssize_t on_receive(ares_socket_t fd, void *out, size_t len,
                               int flags, struct sockaddr *from,
                               ares_socklen_t *from_len, void *arg)
{
    (void)arg;
    return recvfrom(fd, out, len, flags, from, from_len);
}

static ares_ssize_t on_send(ares_socket_t fd, const struct iovec *pieces,
                            int count, void *arg)
{
    struct msghdr message = {.msg_iovlen = (size_t)count};

    (void)arg;
    /* It is not const, though it is only read. */
    memcpy(&message.msg_iov, &pieces, sizeof(pieces));
    return sendmsg(fd, &message, no_signal);
}

static const struct ares_socket_functions functions = {
    on_open, on_close, on_connect, on_receive, on_send};

static void own_sockets(srf__dns_t *dns)
{
    ares_set_socket_functions(dns->channel, &functions, NULL);
}

#else

static void own_sockets(srf__dns_t *dns)
{
    (void)dns;
}

#endif

/* ---- life ---- */

static int error_of(int status)
{
    return status == ARES_SUCCESS  ? 0
           : status == ARES_ENOMEM ? SRF_ERR_NO_MEMORY
                                   : SRF_ERR_INVALID_ARGUMENT;
}

static int open_channel(srf__dns_t *dns, const srf__dns_settings_t *settings)
{
    struct ares_options options;
    int mask = ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES;

    memset(&options, 0, sizeof(options));
    options.sock_state_cb = on_socket;
    options.sock_state_cb_data = dns;
    options.timeout = (int)settings->timeout_ms;
    options.tries = (int)settings->tries;
#ifdef ARES_OPT_QUERY_CACHE
    /* What holds for how long is decided here, whatever the version. */
    options.qcache_max_ttl = 0;
    mask |= ARES_OPT_QUERY_CACHE;
#endif
#ifdef ARES_OPT_UDP_MAX_QUERIES
    /* A port that stays the same is half of what a forged answer has to guess
     * (RFC 5452 §9.2). */
    options.udp_max_queries = QUERIES_PER_PORT;
    mask |= ARES_OPT_UDP_MAX_QUERIES;
#endif
    int status = ares_init_options(&dns->channel, &options, mask);
    if (status != ARES_SUCCESS)
        return error_of(status);
    dns->has_channel = true;
    own_sockets(dns);
    return settings->servers == NULL ? 0
                                     : error_of(ares_set_servers_ports_csv(
                                           dns->channel, settings->servers));
}

int srf__dns_create(struct uv_loop_s *loop, const srf__dns_settings_t *settings,
                    srf__dns_t **out)
{
    *out = NULL;
    srf__dns_t *dns = srf__calloc(1, sizeof(*dns));
    if (dns == NULL)
        return SRF_ERR_NO_MEMORY;
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
        srf__free(dns);
        return SRF_ERR_NO_MEMORY;
    }
    dns->loop = loop;
    dns->answered_end = &dns->answered;
    dns->timer.data = dns;
    dns->teller.data = dns;
    int err = open_channel(dns, settings);
    if (err != 0) {
        if (dns->has_channel)
            ares_destroy(dns->channel);
        srf__free(dns);
        ares_library_cleanup();
        return err;
    }
    (void)uv_timer_init(loop, &dns->timer); /* neither can fail */
    (void)uv_timer_init(loop, &dns->teller);
    dns->handles = 2;
    *out = dns;
    return 0;
}

void srf__dns_destroy(srf__dns_t *dns, void (*cb)(void *arg), void *arg)
{
    dns->closing = true;
    dns->closed_cb = cb;
    dns->closed_arg = arg;
    ares_destroy(dns->channel); /* closes its sockets */
    while (dns->watches != NULL)
        unwatch(&dns->watches);
    while (dns->answered != NULL) {
        query_t *query = dns->answered;
        dns->answered = query->next;
        srf__records_free(query->records);
        srf__free(query);
    }
    uv_close((uv_handle_t *)&dns->timer, on_timer_closed);
    uv_close((uv_handle_t *)&dns->teller, on_timer_closed);
}

int srf__dns_query(srf__dns_t *dns, const char *name, uint16_t type,
                   srf__dns_cb cb, void *arg)
{
    size_t len = strlen(name);
    query_t *query = srf__calloc(1, sizeof(*query));

    if (query == NULL)
        return SRF_ERR_NO_MEMORY;
    if (len >= NAME_BYTES)
        len = NAME_BYTES - 1; /* c-ares refuses it */
    memcpy(query->name, name, len);
    query->dns = dns;
    query->cb = cb;
    query->arg = arg;
    query->type = type;
    ares_query(dns->channel, query->name, CLASS_IN, type, on_answer, query);
    rearm(dns);
    return 0;
}
