/*
 * What a program prints.
 *
 * O_NONBLOCK is a matter of what is open, not of the descriptor: set on an
 * inherited stdout it would hit the shell and whoever else writes there. So
 * pipes and terminals are opened once more, by their names, for ourselves.
 * Where that fails they are asked before each write, and sockets have a flag
 * for each call. Files and devices are never waited for by anybody else's wish.
 *
 * SPDX-License-Identifier: MIT
 */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <srf/srf.h>

enum {
    QUEUE_BYTES = 4 * 1024 * 1024,
    LOG_QUEUE_BYTES = 256 * 1024,
    LINE_BYTES = 2048,
    PATH_BYTES = 64,
    STALLED_MS = 10, /* until it is tried again */
    FAILED_MS = 1000,
    END_MS = 1000, /* for what waits at the end */
    PEER_BURST = 100,
    PEER_PER_SECOND = 20
};

enum way {
    WRITE, /* does not wait */
    SEND,  /* a socket */
    ASK    /* before each write */
};

enum { TO_FILE, TO_OUT, TO_LOG, SINKS };

/* Something lines go to: a ring of bytes, oldest first. It is written from the
 * beginning again whenever it was empty, so that few of its pages are used. */
struct sink {
    const char *what; /* the lines, in log lines */
    int fd;
    enum way way;
    bool is_open;
    bool is_file;
    char *ring;
    size_t size;
    size_t head;
    size_t len;
    size_t begun;     /* bytes written of a line that is not finished */
    uint64_t lost;    /* lines */
    bool losing;      /* until there is room for more than a few */
    int failed;       /* errno of the last write; 0: went well */
    uint64_t next_ms; /* not to be tried before, of uv_hrtime() */
};

static char out_ring[QUEUE_BYTES];
static char file_ring[QUEUE_BYTES];
static char log_ring[LOG_QUEUE_BYTES];
/* Log lines come last, since they tell of the others. */
static struct sink sinks[SINKS] = {
    [TO_FILE] = {"results", .ring = file_ring, .size = QUEUE_BYTES},
    [TO_OUT] = {"results", .fd = 1, .ring = out_ring, .size = QUEUE_BYTES},
    [TO_LOG] = {"log lines", .fd = 2, .ring = log_ring, LOG_QUEUE_BYTES},
};
static struct sink *results = &sinks[TO_OUT];
static struct sink *out = &sinks[TO_OUT];
static struct sink *log_lines = &sinks[TO_LOG];
static const char *program_name;
static uv_prepare_t flush_all;
static uv_timer_t again;
static uint64_t peer_refill_ms;
static uint64_t peer_held_back;
static unsigned peer_tokens = PEER_BURST;

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

/* ------------------------------------------------------------------ */
/* The queue                                                           */
/* ------------------------------------------------------------------ */

static void put(struct sink *sink, const char *bytes, size_t len)
{
    size_t at = (sink->head + sink->len) % sink->size;
    size_t first = len < sink->size - at ? len : sink->size - at;

    memcpy(sink->ring + at, bytes, first);
    memcpy(sink->ring, bytes + first, len - first);
    sink->len += len;
}

/* Tells whether the line is the first of those that are lost. */
static bool queue_line(struct sink *sink, const char *text, size_t len)
{
    bool losing = sink->losing;

    sink->losing = losing || len >= sink->size - sink->len;
    if (sink->losing) {
        sink->lost++;
        return !losing;
    }
    put(sink, text, len);
    put(sink, "\n", 1);
    return false;
}

static void tell_losing(const struct sink *sink)
{
    char text[LINE_BYTES];

    snprintf(text, sizeof(text), "%s: %s are being lost: they are not taken",
             program_name, sink->what);
    (void)queue_line(log_lines, text, strlen(text));
}

static void add_line(struct sink *sink, const char *text, size_t len)
{
    if (queue_line(sink, text, len) && sink != log_lines)
        tell_losing(sink);
}

static void tell_lost(struct sink *sink)
{
    unsigned long long lost = sink->lost;

    sink->lost = 0;
    sink->losing = false;
    if (lost > 0)
        output_log("%s: %llu %s lost", program_name, lost, sink->what);
}

/* ------------------------------------------------------------------ */
/* Writing                                                             */
/* ------------------------------------------------------------------ */

static bool is_ready(int fd)
{
    struct pollfd ask = {.fd = fd, .events = POLLOUT};

    return poll(&ask, 1, 0) > 0;
}

static ssize_t write_some(const struct sink *sink)
{
    size_t first = sink->size - sink->head;
    struct iovec pieces[2] = {{.iov_base = sink->ring + sink->head},
                              {.iov_base = sink->ring}};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};

    pieces[0].iov_len = sink->len < first ? sink->len : first;
    pieces[1].iov_len = sink->len - pieces[0].iov_len;
    if (sink->way == SEND)
        return sendmsg(sink->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sink->way == WRITE)
        return writev(sink->fd, pieces, 2);
    if (!is_ready(sink->fd)) {
        errno = EAGAIN;
        return -1;
    }
    /* Who is ready has room for that much. */
    if (pieces[0].iov_len > _POSIX_PIPE_BUF)
        pieces[0].iov_len = _POSIX_PIPE_BUF;
    return write(sink->fd, pieces[0].iov_base, pieces[0].iov_len);
}

static void take_off(struct sink *sink, size_t count)
{
    size_t back = 0; /* bytes behind the last end of a line */

    while (back < count &&
           sink->ring[(sink->head + count - 1 - back) % sink->size] != '\n')
        back++;
    sink->begun = back < count ? back : sink->begun + count;
    sink->head = (sink->head + count) % sink->size;
    sink->len -= count;
    if (sink->len == 0)
        sink->head = 0;
}

static void note_failure(struct sink *sink, int error)
{
    if (error != sink->failed && sink != log_lines)
        output_log("%s: %s cannot be written: %s", program_name, sink->what,
                   strerror(error));
    sink->failed = error;
    sink->next_ms = now_ms() + FAILED_MS;
}

static void note_success(struct sink *sink)
{
    if (sink->failed != 0 && sink != log_lines)
        output_log("%s: %s are written again", program_name, sink->what);
    sink->failed = 0;
}

static bool is_stall(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK;
}

/* Writes what is taken at once. */
static void flush(struct sink *sink)
{
    while (sink->len > 0 && (sink->failed == 0 || now_ms() >= sink->next_ms)) {
        ssize_t count = write_some(sink);

        if (count > 0) {
            take_off(sink, (size_t)count);
            note_success(sink);
        } else if (count == 0 || is_stall(errno)) {
            break;
        } else if (errno != EINTR) {
            note_failure(sink, errno);
            break;
        }
    }
    if (sink->losing && sink->len <= sink->size / 2)
        tell_lost(sink);
}

/* ------------------------------------------------------------------ */
/* Beginning                                                           */
/* ------------------------------------------------------------------ */

/* Or a socket would be taken for one of them. */
static void open_missing(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= 2);
    if (fd > 2)
        close(fd);
}

static enum way way_of(int fd, const struct stat *st)
{
    char path[PATH_BYTES];
    bool is_terminal = isatty(fd) != 0;
    int own;

    if (S_ISSOCK(st->st_mode))
        return SEND;
    if (!S_ISFIFO(st->st_mode) && !is_terminal)
        return WRITE;
    if (!is_terminal || ttyname_r(fd, path, sizeof(path)) != 0)
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own < 0)
        return ASK;
    if (dup2(own, fd) < 0) {
        close(own);
        return ASK;
    }
    close(own);
    return WRITE;
}

/* A line that somebody did not finish shall not become a part of ours. */
static void end_last_line(struct sink *sink, const struct stat *st)
{
    char path[PATH_BYTES];
    char last = '\n';
    int fd;

    if (!sink->is_file || st->st_size == 0)
        return;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", sink->fd);
    fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    if (pread(fd, &last, 1, st->st_size - 1) == 1 && last != '\n')
        put(sink, "\n", 1);
    close(fd);
}

/* Those that have the same end share a queue, or their lines would mix. */
static struct sink *begin(struct sink *sink)
{
    struct stat st;
    struct stat other;

    if (fstat(sink->fd, &st) != 0)
        return sink;
    for (size_t i = 0; i < SINKS; i++) {
        if (sinks[i].is_open && fstat(sinks[i].fd, &other) == 0 &&
            st.st_ino == other.st_ino && st.st_dev == other.st_dev) {
            sinks[i].what = "lines";
            return &sinks[i];
        }
    }
    sink->way = way_of(sink->fd, &st);
    sink->is_file = S_ISREG(st.st_mode);
    sink->is_open = true;
    end_last_line(sink, &st);
    return sink;
}

/* ------------------------------------------------------------------ */
/* Lines                                                               */
/* ------------------------------------------------------------------ */

__attribute__((format(printf, 2, 0))) static void
add_format(struct sink *sink, const char *format, va_list args)
{
    char line[LINE_BYTES];
    char text[2 * LINE_BYTES];
    int len = vsnprintf(line, sizeof(line), format, args);

    if (len < 0)
        return;
    if (len >= (int)sizeof(line))
        memcpy(line + sizeof(line) - 4, "...", 4);
    srf_printable(text, sizeof(text), line, strlen(line));
    add_line(sink, text, strlen(text));
}

void output_print(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_format(out, format, args);
    va_end(args);
}

void output_result(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_format(results, format, args);
    va_end(args);
}

void output_log(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_format(log_lines, format, args);
    va_end(args);
}

static bool take_peer_token(void)
{
    uint64_t fresh = (now_ms() - peer_refill_ms) * PEER_PER_SECOND / 1000;

    if (fresh > 0) {
        peer_refill_ms = now_ms();
        peer_tokens = fresh > PEER_BURST - peer_tokens
                          ? PEER_BURST
                          : peer_tokens + (unsigned)fresh;
    }
    if (peer_tokens == 0)
        return false;
    peer_tokens--;
    return true;
}

static void tell_held_back(void)
{
    if (peer_held_back > 0)
        output_log("%s: %llu log lines held back", program_name,
                   (unsigned long long)peer_held_back);
    peer_held_back = 0;
}

void output_log_peer(const char *format, ...)
{
    va_list args;

    if (!take_peer_token()) {
        peer_held_back++;
        return;
    }
    tell_held_back();
    va_start(args, format);
    add_format(log_lines, format, args);
    va_end(args);
}

void output_usage(const char *text, int is_wrong)
{
    for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1)
        add_line(is_wrong ? log_lines : out, text, (size_t)(end - text));
}

void output_json(const char *json)
{
    json = json != NULL ? json : "null";
    add_line(results, json, strlen(json));
}

const char *output_word(char buffer[OUTPUT_WORD_BYTES], const char *text)
{
    char printable[OUTPUT_WORD_BYTES / 4];
    size_t at = 0;

    srf_printable(printable, sizeof(printable), text,
                  text == NULL ? 0 : strlen(text));
    for (const char *p = printable; *p != '\0'; p++) {
        if (*p == ' ') {
            memcpy(buffer + at, "\\x20", 4);
            at += 4;
        } else {
            buffer[at++] = *p;
        }
    }
    buffer[at] = '\0';
    return buffer;
}

/* ------------------------------------------------------------------ */
/* Running and ending                                                  */
/* ------------------------------------------------------------------ */

static void on_again(uv_timer_t *timer)
{
    (void)timer; /* it has woken the loop, which is enough */
}

/* Comes just before the loop would sleep: one write for all lines of a turn. */
static void on_prepare(uv_prepare_t *prepare)
{
    uint64_t delay_ms = 0;

    (void)prepare;
    for (size_t i = 0; i < SINKS; i++)
        flush(&sinks[i]);
    for (size_t i = 0; i < SINKS; i++) {
        if (sinks[i].len > 0 && sinks[i].failed == 0)
            delay_ms = STALLED_MS;
        else if (sinks[i].len > 0 && delay_ms == 0)
            delay_ms = FAILED_MS;
    }
    if (delay_ms == 0)
        uv_timer_stop(&again);
    else if (!uv_is_active((uv_handle_t *)&again) ||
             uv_timer_get_due_in(&again) > delay_ms)
        uv_timer_start(&again, on_again, delay_ms, 0);
}

/* Takes back a line that could not be finished, unless somebody else has
 * written behind it. */
static void take_back(struct sink *sink)
{
    off_t at = lseek(sink->fd, 0, SEEK_CUR);
    off_t line = at - (off_t)sink->begun;
    struct stat st;

    if (fstat(sink->fd, &st) == 0 && st.st_size == at &&
        ftruncate(sink->fd, line) == 0)
        lseek(sink->fd, line, SEEK_SET);
}

/* 0, or -1 when lines are lost. */
static int finish(struct sink *sink, uint64_t end_ms)
{
    sink->next_ms = 0;
    flush(sink);
    while (sink->len > 0 && sink->failed == 0 && now_ms() < end_ms) {
        struct pollfd ask = {.fd = sink->fd, .events = POLLOUT};

        poll(&ask, 1, (int)(end_ms - now_ms()));
        flush(sink);
    }
    if (sink->len == 0)
        return 0;
    if (sink->is_file && sink->begun > 0)
        take_back(sink);
    for (size_t i = 0; i < sink->len; i++) {
        if (sink->ring[(sink->head + i) % sink->size] == '\n')
            sink->lost++;
    }
    sink->len = 0;
    if (sink != log_lines) /* there is nobody to tell it then */
        tell_lost(sink);
    return -1;
}

static int write_rest(void)
{
    uint64_t end_ms = now_ms() + END_MS;
    int err = 0;

    tell_held_back();
    for (size_t i = 0; i < SINKS; i++) {
        if (finish(&sinks[i], end_ms) != 0)
            err = -1;
    }
    return err;
}

int output_run(uv_loop_t *loop)
{
    uv_prepare_init(loop, &flush_all);
    uv_prepare_start(&flush_all, on_prepare);
    uv_unref((uv_handle_t *)&flush_all);
    uv_timer_init(loop, &again);
    uv_unref((uv_handle_t *)&again);
    uv_run(loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&flush_all, NULL);
    uv_close((uv_handle_t *)&again, NULL);
    uv_run(loop, UV_RUN_NOWAIT);
    return write_rest();
}

static void on_exit_write(void)
{
    (void)write_rest();
}

void output_start(const char *program)
{
    program_name = program;
    open_missing();
    signal(SIGPIPE, SIG_IGN); /* a reader may go */
    signal(SIGXFSZ, SIG_IGN); /* a file may have grown to its limit */
    out = begin(&sinks[TO_OUT]);
    log_lines = begin(&sinks[TO_LOG]);
    results = out;
    atexit(on_exit_write);
}

int output_open(const char *results_path)
{
    int fd =
        open(results_path,
             O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
             S_IRUSR | S_IWUSR);

    if (fd < 0) {
        output_log("%s: %s: %s", program_name, results_path, strerror(errno));
        return -1;
    }
    out->what = "lines";
    sinks[TO_FILE].fd = fd;
    results = begin(&sinks[TO_FILE]);
    return 0;
}
