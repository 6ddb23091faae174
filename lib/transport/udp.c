/*
 * UDP: what every socket gets, and what the system tells of one.
 *
 * SPDX-License-Identifier: MIT
 */
#if defined(__linux__)
# define _GNU_SOURCE /* SO_MEMINFO */
#endif

#include "transport/udp.h"

#include "base/error.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <sys/socket.h>

#if defined(__linux__)
# include <linux/sock_diag.h>
# include <linux/sockios.h>
# include <netinet/icmp6.h>
# include <netinet/ip_icmp.h>
# include <sys/ioctl.h>
# include <time.h>
/* needs struct timespec */
# include <linux/errqueue.h>
#endif

enum {
    /* Some 5,000 messages, a quarter of a second of a busy proxy: what comes
     * while its program does something else waits. */
    DEFAULT_RCVBUF_BYTES = 4 << 20,
    /* Errors taken from the socket at one go. */
    ERRORS_MAX = 1024
};

int srf__udp_listen(srf__transports_t *transports, const srf__addr_t *address,
                    const srf__udp_settings_t *settings)
{
    int err = SRF_ERR_UNSUPPORTED;

    if (transports->closing)
        return SRF_ERR_CANCELED;
    if (!settings->portable)
        err = srf__udp_listen_linux(transports, address, settings);
    if (err == SRF_ERR_UNSUPPORTED)
        err = srf__udp_listen_portable(transports, address, settings);
    return err;
}

/* ---- the socket ---- */

/* The system grants less than was asked for where an administrator has set a
 * limit (on Linux net.core.rmem_max). */
static void set_receive_buffer(srf__listener_t *listener, int fd,
                               uint32_t wanted)
{
    static const srf__log_context_t context = {.module = "transport"};
    int bytes = wanted == 0          ? DEFAULT_RCVBUF_BYTES
                : wanted > INT32_MAX ? INT32_MAX
                                     : (int)wanted;
    int got = 0;
    socklen_t len = sizeof(got);

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &got, &len) == 0 && got < bytes) {
        srf__log_write(listener->owner->log, SRF_LOG_INFO, &context,
                       "%s has a receive buffer of %d bytes, %d were wanted",
                       listener->uri, got, bytes);
    }
}

static void ask_for_errors(const srf__listener_t *listener, int fd)
{
#if defined(__linux__)
    int on = 1;

    /* Without it an unreachable peer is noticed by the timers only. */
    if (listener->bound.family == 4)
        (void)setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
    else
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
#else
    (void)listener;
    (void)fd;
#endif
}

int srf__udp_settle(srf__listener_t *listener, int fd,
                    const srf__udp_settings_t *settings)
{
    struct sockaddr_storage storage;
    socklen_t len = sizeof(storage);

    if (getsockname(fd, (struct sockaddr *)&storage, &len) != 0)
        return -errno; /* which is libuv's code for it */
    srf__addr_from_sockaddr(&listener->bound, (const struct sockaddr *)&storage,
                            SRF__TRANSPORT_UDP);
    listener->wildcard = srf__addr_is_any(&listener->bound);
    srf__listener_write_uri(listener);
    set_receive_buffer(listener, fd, settings->receive_buffer_bytes);
    ask_for_errors(listener, fd);
    return 0;
}

uint64_t srf__udp_drops(int fd)
{
#if defined(SO_MEMINFO)
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t len = sizeof(info);

    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) == 0)
        return info[SK_MEMINFO_DROPS];
#else
    (void)fd;
#endif
    return 0;
}

uint32_t srf__udp_wait_ms(int fd)
{
#if defined(SIOCGSTAMPNS)
    struct timespec came;
    struct timespec now;

    if (ioctl(fd, SIOCGSTAMPNS, &came) != 0 ||
        clock_gettime(CLOCK_REALTIME, &now) != 0)
        return 0;
    int64_t wait_ms = (int64_t)(now.tv_sec - came.tv_sec) * 1000 +
                      (now.tv_nsec - came.tv_nsec) / 1000000;
    /* Somebody may have set the clock. */
    return wait_ms < 0 || wait_ms > UINT32_MAX ? 0 : (uint32_t)wait_ms;
#else
    (void)fd;
    return 0;
#endif
}

/* ---- errors that the network reports ---- */

#if defined(__linux__)
/* RFC 3261 §18.4: unreachable and parameter problem are failures to send, TTL
 * exceeded is not. Nor is a packet too big: the system has learnt the size and
 * will cut the retransmission into fragments. What the system itself refused
 * was known to the sender at once. */
static bool is_failure(const struct sock_extended_err *error)
{
    if (error->ee_origin == SO_EE_ORIGIN_ICMP) {
        return error->ee_type == ICMP_PARAMETERPROB ||
               (error->ee_type == ICMP_DEST_UNREACH &&
                error->ee_code != ICMP_FRAG_NEEDED);
    }
    if (error->ee_origin == SO_EE_ORIGIN_ICMP6)
        return error->ee_type == ICMP6_PARAM_PROB ||
               error->ee_type == ICMP6_DST_UNREACH;
    return false;
}

static bool tells_failure(struct msghdr *msg)
{
    struct sock_extended_err error;
    struct cmsghdr *at = CMSG_FIRSTHDR(msg);

    for (; at != NULL; at = CMSG_NXTHDR(msg, at)) {
        if ((at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_RECVERR) ||
            (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_RECVERR)) {
            memcpy(&error, CMSG_DATA(at), sizeof(error));
            return is_failure(&error);
        }
    }
    return false;
}

/* Reads one entry of the error queue: where the datagram went, and its first
 * bytes (recvmsg(2), MSG_ERRQUEUE). */
static bool take_error(const srf__listener_t *listener, int fd)
{
    struct sockaddr_storage peer;
    char data[1500];
    union {
        struct cmsghdr align;
        char bytes[512];
    } control;
    struct iovec iov = {.iov_base = data, .iov_len = sizeof(data)};
    struct msghdr msg = {
        .msg_name = &peer,
        .msg_namelen = sizeof(peer),
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    srf__transports_t *owner = listener->owner;
    srf__addr_t to;
    ssize_t len;

    do {
        len = recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT);
    } while (len < 0 && errno == EINTR);
    if (len < 0)
        return false;
    if (msg.msg_namelen == 0 || !tells_failure(&msg))
        return true;
    owner->counters.errors++;
    srf__addr_from_sockaddr(&to, (const struct sockaddr *)&peer,
                            SRF__TRANSPORT_UDP);
    owner->events.undelivered(owner->events.arg, &to, data, (size_t)len);
    return true;
}

void srf__udp_take_errors(srf__listener_t *listener, int fd, bool *taking)
{
    const srf__transports_t *owner = listener->owner;

    if (*taking)
        return;
    *taking = true;
    for (unsigned i = 0; i < ERRORS_MAX && !owner->closing; i++) {
        if (!take_error(listener, fd))
            break;
    }
    *taking = false;
}
#else
void srf__udp_take_errors(srf__listener_t *listener, int fd, bool *taking)
{
    (void)listener;
    (void)fd;
    (void)taking;
}
#endif
