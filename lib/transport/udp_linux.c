/*
 * UDP on Linux: one recvmmsg(2) takes what has come, one sendmmsg(2) sends what
 * became of it. The time in between is a turn: what is sent in it waits in the
 * outbox of its listener, and leaves at the end. What is sent at other times
 * (timers) leaves at once. Where datagrams come densely, the loop does not look
 * for them: they are gathered, and taken each time a timer ticks.
 *
 * SPDX-License-Identifier: MIT
 */
#if defined(__linux__)
# define _GNU_SOURCE /* recvmmsg, sendmmsg */
#endif

#include "transport/udp.h"

#include "base/alloc.h"
#include "base/error.h"
#include "transport/gather.h"

#if defined(__linux__)

# include <errno.h>
# include <netinet/in.h>
# include <sys/socket.h>
# include <unistd.h>

# include <uv.h>

enum {
    /* Datagrams of one system call. */
    SLOTS = 32,
    /* The largest datagram has 65507 bytes. What lies at the beginning of each
     * slot must not meet in the same lines of the processor's cache. */
    SLOT_BYTES = 65536 + 64,
    /* System calls before the loop gets to other things. */
    CALLS_MAX = 8,
    /* What IPv6 takes; IPv4 takes 20 bytes less. */
    LONGEST = 65535 - 8,
    OUTBOX_MESSAGES = 2048,
    OUTBOX_BYTES = 1 << 20
};

typedef struct srf__udp_turn turn_t;

/* A datagram that waits to be sent. */
typedef struct waiting {
    struct sockaddr_in6 to; /* or a sockaddr_in */
    uint32_t off;           /* in outbox_t.bytes */
    uint32_t len;
} waiting_t;

/* First come, first sent. It is empty between turns, unless the socket's buffer
 * was full. */
typedef struct outbox {
    unsigned first; /* of those that wait */
    unsigned count; /* behind the last */
    uint32_t used;  /* of bytes */
    waiting_t waiting[OUTBOX_MESSAGES];
    char bytes[OUTBOX_BYTES];
} outbox_t;

typedef struct udp {
    srf__listener_t base; /* first */
    uv_poll_t poll;
    uv_timer_t ticks; /* while datagrams are gathered */
    srf__gather_t gather;
    bool behind; /* there is more than one go has read */
    /* See udp_strain(). UINT32_MAX: nothing was read since. */
    uint32_t wait_ms;
    uint64_t received;
    int fd;
    int watched; /* events that the loop looks for */
    bool taking_errors;
    bool flushing;
    bool in_turn; /* on the list of turn_t */
    struct udp *next_in_turn;
    outbox_t *outbox;
} udp_t;

/* What all listeners of a stack receive into, one after the other. */
struct srf__udp_turn {
    bool on;
    udp_t *first; /* those with something in their outbox */
    struct mmsghdr messages[SLOTS];
    struct iovec pieces[SLOTS];
    struct sockaddr_in6 peers[SLOTS];
    char bytes[SLOTS][SLOT_BYTES];
};

static void on_event(uv_poll_t *poll, int status, int events);

static void watch(udp_t *udp, int events)
{
    if (uv_is_closing((const uv_handle_t *)&udp->poll))
        return;
    udp->watched = events;
    (void)uv_poll_start(&udp->poll, events, on_event);
}

/* What the loop is to look for. */
static int wanted(const udp_t *udp, bool blocked)
{
    int readable = udp->gather.on && !udp->behind ? 0 : UV_READABLE;

    return blocked ? readable | UV_WRITABLE : readable;
}

static void take_errors(udp_t *udp)
{
    srf__udp_take_errors(&udp->base, udp->fd, &udp->taking_errors);
}

static socklen_t address_bytes(const udp_t *udp)
{
    return udp->base.bound.family == 4 ? sizeof(struct sockaddr_in)
                                       : sizeof(struct sockaddr_in6);
}

/* ---- sending ---- */

static bool is_full(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS;
}

/* What the first one in the outbox met is told like what the network tells. */
static void give_up_first(udp_t *udp)
{
    const outbox_t *outbox = udp->outbox;
    const waiting_t *waiting = &outbox->waiting[outbox->first];
    srf__transports_t *owner = udp->base.owner;
    srf__addr_t to;

    owner->counters.errors++;
    if (owner->closing)
        return;
    srf__addr_from_sockaddr(&to, (const struct sockaddr *)&waiting->to,
                            SRF__TRANSPORT_UDP);
    owner->events.undelivered(owner->events.arg, &to,
                              outbox->bytes + waiting->off, waiting->len);
}

static int send_one(udp_t *udp)
{
    const outbox_t *outbox = udp->outbox;
    const waiting_t *waiting = &outbox->waiting[outbox->first];

    return sendto(udp->fd, outbox->bytes + waiting->off, waiting->len, 0,
                  (const struct sockaddr *)&waiting->to, address_bytes(udp)) < 0
               ? -1
               : 1;
}

/* The first ones in the outbox; how many were sent, or -1 with errno. */
static int send_some(udp_t *udp)
{
    outbox_t *outbox = udp->outbox;
    struct mmsghdr messages[SLOTS];
    struct iovec pieces[SLOTS];
    unsigned count = outbox->count - outbox->first;

    if (count == 1) /* costs the system less */
        return send_one(udp);
    if (count > SLOTS)
        count = SLOTS;
    memset(messages, 0, count * sizeof(messages[0]));
    for (unsigned i = 0; i < count; i++) {
        waiting_t *waiting = &outbox->waiting[outbox->first + i];
        pieces[i].iov_base = outbox->bytes + waiting->off;
        pieces[i].iov_len = waiting->len;
        messages[i].msg_hdr.msg_name = &waiting->to;
        messages[i].msg_hdr.msg_namelen = address_bytes(udp);
        messages[i].msg_hdr.msg_iov = &pieces[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    return sendmmsg(udp->fd, messages, count, 0);
}

/* Sends what waits, or as much as the socket takes. */
static void flush(udp_t *udp)
{
    outbox_t *outbox = udp->outbox;
    bool again = false;

    udp->flushing = true;
    while (outbox->first < outbox->count) {
        int sent = send_some(udp);
        if (sent > 0) {
            outbox->first += (unsigned)sent;
            again = false;
        } else if (sent < 0 && is_full(errno)) {
            break;
        } else if (sent < 0 && errno != EINTR && !again) {
            /* The system reports an error that an earlier datagram met to the
             * next one, which is not sent then: once more. */
            take_errors(udp);
            again = true;
        } else if (sent == 0 || errno != EINTR) {
            give_up_first(udp);
            outbox->first++;
            again = false;
        }
    }
    udp->flushing = false;
    bool blocked = outbox->first < outbox->count;
    if (!blocked) {
        outbox->first = 0;
        outbox->count = 0;
        outbox->used = 0;
    }
    int events = wanted(udp, blocked);
    if (events != udp->watched)
        watch(udp, events);
}

/* Moves what waits to the beginning. */
static void make_room(outbox_t *outbox)
{
    uint32_t off = outbox->waiting[outbox->first].off;

    memmove(outbox->bytes, outbox->bytes + off, outbox->used - off);
    outbox->used -= off;
    outbox->count -= outbox->first;
    memmove(outbox->waiting, outbox->waiting + outbox->first,
            outbox->count * sizeof(outbox->waiting[0]));
    outbox->first = 0;
    for (unsigned i = 0; i < outbox->count; i++)
        outbox->waiting[i].off -= off;
}

static bool has_room(const outbox_t *outbox, size_t len)
{
    return outbox->count < OUTBOX_MESSAGES &&
           len <= OUTBOX_BYTES - outbox->used;
}

/* SRF_ERR_LIMIT when it is full, libuv's code for what can never be sent. */
static int put(udp_t *udp, const srf__addr_t *to, const srf__str_t *parts,
               unsigned count)
{
    outbox_t *outbox = udp->outbox;
    struct sockaddr_storage storage;
    size_t len = 0;

    for (unsigned i = 0; i < count; i++)
        len += parts[i].len;
    if (len > LONGEST) {
        udp->base.owner->counters.errors++;
        return UV_EMSGSIZE;
    }
    /* Whoever flushes looks at what lies in there. */
    if (!has_room(outbox, len) && !udp->flushing) {
        if (udp->base.owner->udp_turn->on)
            flush(udp);
        if (!has_room(outbox, len) && outbox->first > 0)
            make_room(outbox);
    }
    if (!has_room(outbox, len)) {
        udp->base.owner->counters.dropped_send_queue++;
        return SRF_ERR_LIMIT;
    }
    waiting_t *waiting = &outbox->waiting[outbox->count++];
    (void)srf__addr_to_sockaddr(to, &storage);
    memcpy(&waiting->to, &storage, sizeof(waiting->to));
    waiting->off = outbox->used;
    waiting->len = (uint32_t)len;
    for (unsigned i = 0; i < count; i++) {
        if (parts[i].len > 0)
            memcpy(outbox->bytes + outbox->used, parts[i].p, parts[i].len);
        outbox->used += (uint32_t)parts[i].len;
    }
    return 0;
}

/* 0, or errno. */
static int send_now(udp_t *udp, const srf__addr_t *to, const srf__str_t *parts,
                    unsigned count)
{
    struct sockaddr_storage storage;
    struct iovec pieces[SRF__SEND_PARTS];
    struct msghdr message = {
        .msg_name = &storage,
        .msg_namelen = address_bytes(udp),
        .msg_iov = pieces,
        .msg_iovlen = count,
    };
    ssize_t sent;

    (void)srf__addr_to_sockaddr(to, &storage);
    for (unsigned i = 0; i < count; i++) {
        /* struct iovec is not const, though sending does not write. */
        memcpy(&pieces[i].iov_base, &parts[i].p, sizeof(parts[i].p));
        pieces[i].iov_len = parts[i].len;
    }
    do {
        sent = sendmsg(udp->fd, &message, 0);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? errno : 0;
}

static void join_turn(udp_t *udp)
{
    turn_t *turn = udp->base.owner->udp_turn;

    if (udp->in_turn)
        return;
    udp->in_turn = true;
    udp->next_in_turn = turn->first;
    turn->first = udp;
}

static int udp_send(const srf__flow_t *to, const srf__str_t *parts,
                    unsigned count)
{
    udp_t *udp = (udp_t *)to->listener;
    srf__transports_t *owner = udp->base.owner;

    srf__assert(count <= SRF__SEND_PARTS);
    if (owner->udp_turn->on) {
        join_turn(udp);
        return put(udp, &to->peer, parts, count);
    }
    if (udp->outbox->count > 0) /* the socket is full, or it is being flushed */
        return put(udp, &to->peer, parts, count);
    int error = send_now(udp, &to->peer, parts, count);
    if (error != 0 && !is_full(error)) {
        take_errors(udp); /* see flush() */
        if (owner->closing)
            return SRF_ERR_CANCELED;
        error = send_now(udp, &to->peer, parts, count);
    }
    if (is_full(error)) {
        int err = put(udp, &to->peer, parts, count);
        watch(udp, wanted(udp, true));
        return err;
    }
    if (error != 0)
        owner->counters.errors++;
    return -error; /* libuv's code for it */
}

/* ---- receiving ---- */

static void end_turn(turn_t *turn)
{
    turn->on = false;
    while (turn->first != NULL) {
        udp_t *udp = turn->first;
        turn->first = udp->next_in_turn;
        udp->in_turn = false;
        flush(udp);
    }
}

static int receive_some(const udp_t *udp, turn_t *turn)
{
    int count;

    do {
        count = recvmmsg(udp->fd, turn->messages, SLOTS, 0, NULL);
    } while (count < 0 && errno == EINTR);
    return count;
}

static void deliver(udp_t *udp, struct mmsghdr *message)
{
    srf__transports_t *owner = udp->base.owner;
    srf__flow_t from = {.listener = &udp->base};
    const struct msghdr *head = &message->msg_hdr;

    srf__addr_from_sockaddr(&from.peer, head->msg_name, SRF__TRANSPORT_UDP);
    message->msg_hdr.msg_namelen = sizeof(struct sockaddr_in6);
    if (message->msg_len > 0)
        owner->events.message(owner->events.arg, &from, head->msg_iov->iov_base,
                              message->msg_len);
}

/* The least wait counts: a heap that is worked off is none that stays. Only
 * where more may lie behind what was read does it matter, and is the system
 * asked. */
static void note_wait(udp_t *udp, int count)
{
    uint32_t wait_ms = count < SLOTS ? 0 : srf__udp_wait_ms(udp->fd);

    if (wait_ms < udp->wait_ms)
        udp->wait_ms = wait_ms;
}

/* How many datagrams it was. What one go does not read is next: it must not
 * wait for a tick, or more would come than is read. */
static unsigned receive(udp_t *udp)
{
    const srf__transports_t *owner = udp->base.owner;
    turn_t *turn = owner->udp_turn;
    unsigned received = 0;
    unsigned calls = 0;

    for (; calls < CALLS_MAX && !owner->closing; calls++) {
        int count = receive_some(udp, turn);
        if (count < 0 && !is_full(errno)) {
            take_errors(udp); /* what an earlier datagram met */
            continue;
        }
        note_wait(udp, count);
        if (count <= 0)
            break;
        received += (unsigned)count;
        turn->on = true;
        for (int i = 0; i < count && !owner->closing; i++)
            deliver(udp, &turn->messages[i]);
        end_turn(turn);
        if (count < SLOTS)
            break;
    }
    udp->received += received;
    udp->behind = calls == CALLS_MAX;
    return received;
}

static void on_tick(uv_timer_t *ticks);

/* Receives, and sees to it when to do so again. */
static void receive_and_pace(udp_t *udp)
{
    srf__gather_t *gather = &udp->gather;
    bool was_on = gather->on;
    unsigned received = receive(udp);

    if (uv_is_closing((const uv_handle_t *)&udp->poll))
        return;
    bool on =
        srf__gather_note(gather, uv_now(udp->poll.loop), received, udp->behind);
    if (on && !was_on) {
        (void)uv_timer_start(&udp->ticks, on_tick, gather->tick_ms,
                             gather->tick_ms);
    } else if (!on && was_on) {
        (void)uv_timer_stop(&udp->ticks);
    }
    int events = wanted(udp, udp->outbox->count > 0);
    if (events != udp->watched)
        watch(udp, events);
}

static void on_tick(uv_timer_t *ticks)
{
    receive_and_pace(ticks->data);
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    udp_t *udp = poll->data;

    /* libuv says EBADF when the socket has something in its queue of errors,
     * and looks no more. */
    if (status < 0) {
        take_errors(udp);
        watch(udp, udp->watched);
    }
    if ((events & UV_WRITABLE) != 0)
        flush(udp);
    if (status < 0 || (events & UV_READABLE) != 0)
        receive_and_pace(udp);
}

static uint64_t udp_drops(const srf__listener_t *listener)
{
    return srf__udp_drops(((const udp_t *)listener)->fd);
}

static void udp_strain(srf__listener_t *listener, srf__strain_t *strain)
{
    udp_t *udp = (udp_t *)listener;
    uint32_t wait_ms = udp->wait_ms == UINT32_MAX ? 0 : udp->wait_ms;

    udp->wait_ms = UINT32_MAX;
    strain->received += udp->received;
    strain->drops += srf__udp_drops(udp->fd);
    if (wait_ms > strain->wait_ms)
        strain->wait_ms = wait_ms;
}

/* ---- life ---- */

static void free_udp(udp_t *udp)
{
    if (udp->fd >= 0)
        (void)close(udp->fd);
    srf__free(udp->outbox);
    srf__free(udp);
}

static void on_closed(uv_handle_t *handle)
{
    udp_t *udp = handle->data;

    srf__transports_closed(&udp->base);
    free_udp(udp);
}

static void on_poll_closed(uv_handle_t *handle)
{
    udp_t *udp = handle->data;

    uv_close((uv_handle_t *)&udp->ticks, on_closed);
}

static void udp_close(srf__listener_t *listener)
{
    udp_t *udp = (udp_t *)listener;

    (void)uv_timer_stop(&udp->ticks);
    uv_close((uv_handle_t *)&udp->poll, on_poll_closed);
}

static const srf__listener_ops_t udp_ops = {
    .send = udp_send,
    .drops = udp_drops,
    .strain = udp_strain,
    .close = udp_close,
    .reliable = false,
};

static int ensure_turn(srf__transports_t *transports)
{
    if (transports->udp_turn != NULL)
        return 0;
    turn_t *turn = srf__malloc(sizeof(*turn));
    if (turn == NULL)
        return SRF_ERR_NO_MEMORY;
    /* The bytes are left untouched, and so cost nothing until used. */
    memset(turn, 0, offsetof(turn_t, bytes));
    for (unsigned i = 0; i < SLOTS; i++) {
        struct msghdr *head = &turn->messages[i].msg_hdr;
        turn->pieces[i].iov_base = turn->bytes[i];
        turn->pieces[i].iov_len = SLOT_BYTES;
        head->msg_name = &turn->peers[i];
        head->msg_namelen = sizeof(turn->peers[i]);
        head->msg_iov = &turn->pieces[i];
        head->msg_iovlen = 1;
    }
    transports->udp_turn = turn;
    return 0;
}

static udp_t *create_udp(srf__transports_t *transports)
{
    udp_t *udp = srf__calloc(1, sizeof(*udp));

    if (udp == NULL)
        return NULL;
    udp->fd = -1;
    udp->wait_ms = UINT32_MAX;
    udp->base.ops = &udp_ops;
    udp->base.owner = transports;
    udp->poll.data = udp;
    udp->ticks.data = udp;
    udp->outbox = srf__malloc(sizeof(*udp->outbox));
    if (udp->outbox == NULL) {
        srf__free(udp);
        return NULL;
    }
    udp->outbox->first = 0;
    udp->outbox->count = 0;
    udp->outbox->used = 0;
    return udp;
}

static int open_socket(udp_t *udp, const srf__addr_t *address,
                       const srf__udp_settings_t *settings)
{
    struct sockaddr_storage storage;
    int family = address->family == 4 ? AF_INET : AF_INET6;
    int on = 1;

    (void)srf__addr_to_sockaddr(address, &storage);
    udp->base.bound.family = address->family;
    udp->fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (udp->fd < 0 ||
        (family == AF_INET6 && setsockopt(udp->fd, IPPROTO_IPV6, IPV6_V6ONLY,
                                          &on, sizeof(on)) != 0) ||
        bind(udp->fd, (const struct sockaddr *)&storage, address_bytes(udp)) !=
            0)
        return -errno;
    return srf__udp_settle(&udp->base, udp->fd, settings);
}

static unsigned buffer_bytes(int fd)
{
    int bytes = 0;
    socklen_t len = sizeof(bytes);

    (void)getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &len);
    return (unsigned)bytes;
}

/* A sandbox may not know these calls, or not allow them. */
static bool has_calls(int fd)
{
    struct mmsghdr message = {.msg_len = 0};

    return recvmmsg(fd, &message, 0, MSG_DONTWAIT, NULL) >= 0 &&
           sendmmsg(fd, &message, 0, MSG_DONTWAIT) >= 0;
}

int srf__udp_listen_linux(srf__transports_t *transports,
                          const srf__addr_t *address,
                          const srf__udp_settings_t *settings)
{
    udp_t *udp = create_udp(transports);
    int err = udp == NULL ? SRF_ERR_NO_MEMORY : ensure_turn(transports);

    if (udp == NULL)
        return err;
    if (err == 0)
        err = open_socket(udp, address, settings);
    if (err == 0 && !has_calls(udp->fd))
        err = SRF_ERR_UNSUPPORTED;
    if (err == 0)
        err = uv_poll_init(transports->loop, &udp->poll, udp->fd);
    if (err != 0) {
        free_udp(udp);
        return err;
    }
    (void)uv_timer_init(transports->loop, &udp->ticks);
    srf__gather_init(&udp->gather, settings->gather_ms, buffer_bytes(udp->fd));
    watch(udp, UV_READABLE);
    srf__transports_add(transports, &udp->base);
    return 0;
}

#else

int srf__udp_listen_linux(srf__transports_t *transports,
                          const srf__addr_t *address,
                          const srf__udp_settings_t *settings)
{
    (void)transports;
    (void)address;
    (void)settings;
    return SRF_ERR_UNSUPPORTED;
}

#endif
