/*
 * Streams in memory. Descriptors are numbers that the system does not give.
 *
 * SPDX-License-Identifier: MIT
 */
#include "memstream.h"

#include "assertions.h"
#include "transport/socket.h"

#include <stdlib.h>
#include <string.h>

#include <uv.h>

enum { FIRST_FD = 1 << 20, FDS = 1 << 17, WINDOW = 65536, TURNS_MAX = 100000 };

struct memstream {
    memstream_t *next; /* in a queue: that of what is ready, or of a listener */
    memstream_t *last; /* of a listener: who waits, from `first` on */
    memstream_t *first;
    srf__addr_t address; /* of the peer; where it listens */
    int fd;              /* 0: not accepted, or closed */
    uv_poll_t *poll;
    uv_poll_cb cb;
    int watched;
    char *in; /* for the library */
    size_t in_len;
    size_t in_at;
    char *out; /* from it, where somebody listens */
    size_t out_len;
    size_t taken; /* bytes from it, where nobody does */
    bool is_listener;
    bool listened_to;
    bool waits;  /* to be accepted */
    bool queued; /* among what is ready */
    bool closed; /* by the peer */
};

typedef struct closing {
    struct closing *next;
    uv_handle_t *handle;
    uv_close_cb cb;
} closing_t;

typedef struct queue {
    memstream_t *first;
    memstream_t *last;
} queue_t;

static memstream_t *streams[FDS]; /* by descriptor */
static int free_fds[FDS];
static unsigned free_count;
static unsigned used; /* of `streams`, ever */
static unsigned open_count;
static unsigned open_max = FDS;
static memstream_t *listeners[8];
static queue_t ready;
static closing_t *closings;

/* An assertion that holds costs a write(), too much for every byte. */
#define MUST(condition)            \
 do {                              \
  if (!(condition))                \
   ck_abort_msg("%s", #condition); \
 } while (0)

/* ---- what is ready ---- */

static int events_of(const memstream_t *stream)
{
    bool readable = stream->is_listener
                        ? stream->first != NULL
                        : stream->in_at < stream->in_len || stream->closed;
    bool writable = stream->listened_to || stream->taken < WINDOW;

    return stream->watched &
           ((readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0));
}

static void notice(memstream_t *stream)
{
    if (stream->queued || stream->fd == 0 || events_of(stream) == 0)
        return;
    stream->queued = true;
    stream->next = NULL;
    if (ready.first == NULL)
        ready.first = stream;
    else
        ready.last->next = stream;
    ready.last = stream;
}

/* Both sides are done with it. */
static void free_if_gone(memstream_t *stream)
{
    if (stream->fd != 0 || stream->waits || stream->queued || !stream->closed)
        return;
    free(stream->in);
    free(stream->out);
    free(stream);
}

static void close_handles(void)
{
    closing_t *closing = closings;

    closings = NULL;
    while (closing != NULL) {
        closing_t *next = closing->next;
        closing->cb(closing->handle);
        free(closing);
        closing = next;
    }
}

bool memstream_turn(void)
{
    memstream_t *stream = ready.first;
    bool busy = stream != NULL || closings != NULL;

    ready.first = NULL;
    while (stream != NULL) {
        memstream_t *next = stream->next;
        int events = events_of(stream);
        if (stream->fd != 0 && events != 0)
            stream->cb(stream->poll, 0, events);
        stream->queued = false;
        notice(stream);
        free_if_gone(stream);
        stream = next;
    }
    close_handles();
    return busy;
}

void memstream_settle(void)
{
    unsigned turns = 0;

    while (memstream_turn())
        MUST(++turns < TURNS_MAX);
}

/* ---- descriptors ---- */

void memstream_set_descriptors(unsigned count)
{
    open_max = count == 0 ? FDS : count;
}

unsigned memstream_descriptors(void)
{
    return open_count;
}

static int open_fd(memstream_t *stream)
{
    unsigned index;

    if (open_count >= open_max)
        return UV_EMFILE;
    if (free_count > 0) {
        index = (unsigned)free_fds[--free_count];
    } else {
        MUST(used < FDS);
        index = used++;
    }
    open_count++;
    streams[index] = stream;
    stream->fd = FIRST_FD + (int)index;
    return stream->fd;
}

static memstream_t *find(int fd)
{
    MUST(fd >= FIRST_FD && fd < FIRST_FD + FDS);
    MUST(streams[fd - FIRST_FD] != NULL);
    return streams[fd - FIRST_FD];
}

static void close_fd(memstream_t *stream)
{
    int index = stream->fd - FIRST_FD;

    streams[index] = NULL;
    free_fds[free_count++] = index;
    open_count--;
    stream->fd = 0;
    stream->watched = 0;
}

/* ---- listeners ---- */

static memstream_t **listener_at(const srf__addr_t *address)
{
    unsigned i = 0;

    while (i < 8 &&
           (address == NULL
                ? listeners[i] != NULL
                : listeners[i] == NULL ||
                      !srf__addr_ip_eq(&listeners[i]->address, address) ||
                      listeners[i]->address.port != address->port))
        i++;
    return i == 8 ? NULL : &listeners[i];
}

static memstream_t *create(const srf__addr_t *address)
{
    memstream_t *stream = calloc(1, sizeof(*stream));

    MUST(stream != NULL);
    stream->address = *address;
    return stream;
}

int srf__socket_listen(const srf__addr_t *address, srf__addr_t *bound)
{
    memstream_t **at = listener_at(NULL);
    memstream_t *listener = create(address);

    MUST(at != NULL);
    listener->is_listener = true;
    *at = listener;
    *bound = *address;
    return open_fd(listener);
}

int srf__socket_accept(int fd, srf__addr_t *peer)
{
    memstream_t *listener = find(fd);
    memstream_t *stream = listener->first;
    int accepted = stream == NULL ? UV_EAGAIN : open_fd(stream);

    if (accepted < 0)
        return accepted;
    listener->first = stream->next;
    stream->waits = false;
    *peer = stream->address;
    peer->transport = SRF__TRANSPORT_NONE;
    return accepted;
}

static void close_listener(memstream_t *listener)
{
    memstream_t **at = listener_at(&listener->address);
    memstream_t *stream = listener->first;

    while (stream != NULL) {
        memstream_t *next = stream->next;
        stream->waits = false;
        free_if_gone(stream);
        stream = next;
    }
    listener->first = NULL;
    listener->closed = true;
    MUST(at != NULL);
    *at = NULL;
}

void srf__socket_close(int fd)
{
    if (fd < 0)
        return;
    memstream_t *stream = find(fd);
    close_fd(stream);
    if (stream->is_listener)
        close_listener(stream);
    free_if_gone(stream);
}

/* Nobody is there. */
int srf__socket_connect(const srf__addr_t *to, const srf__addr_t *local)
{
    (void)to;
    (void)local;
    return UV_ENETUNREACH;
}

/* ---- bytes ---- */

/* Nobody dies silently here. */
void srf__socket_guard(int fd, uint32_t unacknowledged_ms)
{
    (void)fd;
    (void)unacknowledged_ms;
}

int srf__socket_error(int fd)
{
    (void)fd;
    return 0;
}

int srf__socket_finish(int fd)
{
    (void)fd;
    return 0;
}

static void append(char **to, size_t *len, const void *bytes, size_t more)
{
    if (more == 0)
        return;
    *to = realloc(*to, *len + more);
    MUST(*to != NULL);
    memcpy(*to + *len, bytes, more);
    *len += more;
}

ssize_t srf__socket_send(int fd, const srf__str_t *parts, unsigned count)
{
    memstream_t *stream = find(fd);
    size_t sent = 0;

    if (stream->closed)
        return UV_EPIPE;
    for (unsigned i = 0; i < count; i++) {
        size_t room = stream->listened_to ? SIZE_MAX : WINDOW - stream->taken;
        size_t len = parts[i].len < room ? parts[i].len : room;
        if (stream->listened_to)
            append(&stream->out, &stream->out_len, parts[i].p, len);
        else
            stream->taken += len;
        sent += len;
        if (len < parts[i].len)
            break;
    }
    return sent == 0 ? UV_EAGAIN : (ssize_t)sent;
}

ssize_t srf__socket_receive(int fd, char *out, size_t cap)
{
    memstream_t *stream = find(fd);
    size_t len = stream->in_len - stream->in_at;

    if (len == 0)
        return stream->closed ? 0 : UV_EAGAIN;
    if (len > cap)
        len = cap;
    memcpy(out, stream->in + stream->in_at, len);
    stream->in_at += len;
    if (stream->in_at == stream->in_len) {
        free(stream->in);
        stream->in = NULL;
        stream->in_len = 0;
        stream->in_at = 0;
    }
    return (ssize_t)len;
}

/* ---- the peer ---- */

memstream_t *memstream_connect(const srf__addr_t *from, const srf__addr_t *to)
{
    memstream_t **at = listener_at(to);

    if (at == NULL)
        return NULL;
    memstream_t *listener = *at;
    memstream_t *stream = create(from);
    stream->waits = true;
    if (listener->first == NULL)
        listener->first = stream;
    else
        listener->last->next = stream;
    listener->last = stream;
    notice(listener);
    return stream;
}

void memstream_listen_to(memstream_t *stream)
{
    stream->listened_to = true;
}

void memstream_say(memstream_t *stream, const void *bytes, size_t len)
{
    append(&stream->in, &stream->in_len, bytes, len);
    notice(stream);
}

size_t memstream_hear(memstream_t *stream, char *out, size_t cap)
{
    size_t len = stream->out_len < cap ? stream->out_len : cap;

    if (len == 0)
        return 0;
    memcpy(out, stream->out, len);
    memmove(stream->out, stream->out + len, stream->out_len - len);
    stream->out_len -= len;
    return len;
}

bool memstream_is_gone(const memstream_t *stream)
{
    return stream->fd == 0 && !stream->waits;
}

void memstream_close(memstream_t *stream)
{
    stream->closed = true;
    notice(stream);
    free_if_gone(stream);
}

/* ---- the loop: in place of libuv's ---- */

int uv_poll_init(uv_loop_t *loop, uv_poll_t *handle, int fd)
{
    memstream_t *stream = find(fd);

    handle->loop = loop;
    handle->u.fd = fd;
    stream->poll = handle;
    stream->watched = 0;
    return 0;
}

int uv_poll_start(uv_poll_t *handle, int events, uv_poll_cb cb)
{
    memstream_t *stream = find(handle->u.fd);

    MUST(stream->poll == handle);
    stream->watched = events;
    stream->cb = cb;
    notice(stream);
    return 0;
}

int uv_poll_stop(uv_poll_t *handle)
{
    memstream_t *stream = find(handle->u.fd);

    MUST(stream->poll == handle);
    stream->watched = 0;
    return 0;
}

void uv_close(uv_handle_t *handle, uv_close_cb cb)
{
    const uv_poll_t *poll = (const uv_poll_t *)handle;
    closing_t *closing = malloc(sizeof(*closing));

    MUST(closing != NULL);
    MUST(find(poll->u.fd)->poll == poll); /* it has no others */
    find(poll->u.fd)->watched = 0;
    *closing = (closing_t){closings, handle, cb};
    closings = closing;
}
