/*
 * Part of <srf/srf.h>: networks, and what kind of address one is.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_ADDRESSES_H
#define SRF_ADDRESSES_H

#include <srf/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A network, as srf_cidr_parse() reads it. Copy it as you like. */
typedef struct srf_cidr {
    uint32_t family; /**< 4 or 6 */
    uint32_t bits;   /**< that all its addresses share: 0..32, 0..128 */
    uint8_t ip[16];  /**< network order; 4 used for IPv4; the others 0 */
} srf_cidr_t;

/**
 * Reads a network such as "192.0.2.0/24" or "2001:db8::/32" (RFC 4632 §3.1,
 * RFC 4291 §2.3).
 *
 * An address without "/" is the network that has only this one. IPv6 may stand
 * in brackets. What is behind the prefix has to be zero: "10.0.0.1/8" is more
 * often a slip than meant. An IPv4 network that is written as IPv6
 * ("::ffff:10.0.0.0/104") is the IPv4 network. A scope ("%eth0") has no place
 * here.
 *
 * @param text  the text to read. Borrowed.
 * @param out   receives the network; not written on failure.
 * @return 0; SRF_ERR_INVALID_ADDRESS for any other form;
 *         SRF_ERR_INVALID_ARGUMENT for a NULL pointer.
 * @since 0.1
 */
SRF_API SRF_NODISCARD int srf_cidr_parse(const char *text, srf_cidr_t *out);

/**
 * Tells whether an address lies in a network.
 *
 * "::/0" has no IPv4 address in it, and "0.0.0.0/0" none of IPv6; an IPv4
 * address that is written as IPv6 ("::ffff:192.0.2.1") is the IPv4 address.
 *
 * @param cidr     the network. Borrowed. NULL has nothing in it.
 * @param address  a numeric address, as srf_req_source_address() gives it.
 *                 Borrowed. NULL, and what is none, lies in no network.
 * @return 1 if it does, else 0.
 * @since 0.1
 */
SRF_API int srf_cidr_match(const srf_cidr_t *cidr, const char *address);

/** What an address is for (the registries of RFC 6890). */
typedef enum srf_address_kind {
    SRF_ADDRESS_INVALID = 0,    /**< not a numeric address */
    SRF_ADDRESS_PUBLIC = 1,     /**< reached over the internet */
    SRF_ADDRESS_LOOPBACK = 2,   /**< 127.0.0.0/8, ::1 */
    SRF_ADDRESS_PRIVATE = 3,    /**< RFC 1918; fc00::/7 (RFC 4193), fec0::/10 */
    SRF_ADDRESS_LINK_LOCAL = 4, /**< 169.254.0.0/16, fe80::/10 */
    SRF_ADDRESS_SHARED = 5,     /**< 100.64.0.0/10, of carriers (RFC 6598) */
    SRF_ADDRESS_MULTICAST = 6,  /**< 224.0.0.0/4, ff00::/8 */
    SRF_ADDRESS_UNSPECIFIED = 7,   /**< 0.0.0.0/8, which is this host; :: */
    SRF_ADDRESS_BROADCAST = 8,     /**< 255.255.255.255 */
    SRF_ADDRESS_DOCUMENTATION = 9, /**< of RFC 5737, RFC 3849, RFC 9637 */
    SRF_ADDRESS_RESERVED = 10      /**< anything else that is no peer's */
} srf_address_kind_t;

/**
 * Tells what kind of address one is.
 *
 * An IPv6 address that stands for one of IPv4 is of the kind of that: mapped
 * (::ffff:0:0/96), translated (64:ff9b::/96, RFC 6052) and 6to4 (2002::/16, RFC
 * 3056). Broadcast addresses of a network cannot be told from others.
 *
 * @param address  a numeric address; IPv6 may stand in brackets. Borrowed.
 * @return its kind; SRF_ADDRESS_INVALID for NULL and what is none.
 * @since 0.1
 */
SRF_API srf_address_kind_t srf_address_kind(const char *address);

/* ------------------------------------------------------------------ */
/* Destinations                                                        */
/* ------------------------------------------------------------------ */

/** Who chose where a message goes. */
typedef enum srf_destination_reason {
    /** A message from the network: the Request-URI or a Route of a request that
     * has no target, also inside a dialog, or the Contact of a redirect; the
     * Contact or Record-Route of the 2xx that a request of the program's own
     * follows, BYE for one, unless its `next_hop` says otherwise. */
    SRF_DESTINATION_ROUTE = 0,
    /** The program, by a numeric address in a target of srf_proxy_request(), or
     * the URI, Route or `next_hop` of srf_request(). */
    SRF_DESTINATION_TARGET = 1,
    /** The program, by a name; the address is what DNS, or the hosts file, has
     * for it. */
    SRF_DESTINATION_DNS = 2,
    /** An ACK of a 2xx, by its Route or Request-URI, or the Contact that a 2xx
     * to a request of the program's own is acknowledged at. */
    SRF_DESTINATION_ACK = 3,
    /** A response that could not be delivered where its request came from, and
     * goes where the Via says (RFC 3263 §5). */
    SRF_DESTINATION_RESPONSE = 4
} srf_destination_reason_t;

/** Where a message is to go, as srf_options_t::allow_destination sees it. */
typedef struct srf_destination {
    size_t size;          /**< of this structure */
    const char *address;  /**< numeric, IPv6 without brackets. Borrowed. */
    const char *protocol; /**< "udp", "tcp", "tls", "ws", "wss". Borrowed. */
    const char *host;     /**< of the URI or Via that led there. Borrowed. */
    int32_t port;         /**< 1..65535 */
    int32_t reason;       /**< a ::srf_destination_reason_t */
} srf_destination_t;

/**
 * Decides whether a message may go somewhere.
 *
 * It is asked for each address before the first message goes there in a branch,
 * not for retransmissions, not for responses that go back to where their
 * request came from, and not for connections that the peer has made.
 *
 * Like ::srf_trace_cb it comes from inside the functions that send, such as
 * srf_proxy_request(): it must not call functions of the stack, nor give back
 * references to its requests.
 *
 * @param destination  where it is to go. Borrowed until return.
 * @param data         srf_options_t::destination_data. Borrowed.
 * @return non-zero: it may; 0: it may not.
 */
typedef int (*srf_destination_cb)(const srf_destination_t *destination,
                                  void *data);

/**
 * Allows public addresses (::SRF_ADDRESS_PUBLIC) for what the network chose,
 * and everything for what the program chose: a ready-made
 * srf_options_t::allow_destination for a proxy whose user agents all have
 * public addresses. Where some have not, a callback of the program's own allows
 * their network and asks this one for the rest: ACK and BYE of their calls go
 * to their Contacts, which the network chose.
 *
 * @param destination  where a message is to go. Borrowed.
 * @param data         not looked at. Borrowed.
 * @return 1 if it may go there, else 0.
 * @since 0.1
 */
SRF_API int srf_allow_public_destinations(const srf_destination_t *destination,
                                          void *data);

#ifdef __cplusplus
}
#endif

#endif /* SRF_ADDRESSES_H */
