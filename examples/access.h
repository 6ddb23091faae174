/*
 * Who may use a program: networks that are named, or anybody.
 *
 * A proxy that serves whoever reaches it is soon found, and makes calls for
 * strangers. So a program listens on loopback only, unless it is told who may
 * use it: `--allow CIDR` for each network, or `--open` for anybody. Requests
 * from elsewhere get 403; what belongs to a dialog that went through the proxy
 * is not asked, for it does not come to middleware.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ACCESS_H
#define ACCESS_H

#include <srf/srf.h>

enum { ACCESS_MAX = 64, ACCESS_OPEN_MAX = 16 };

/* All zero: nobody is named. */
struct access {
    srf_cidr_t allowed[ACCESS_MAX];
    size_t count;
    int open;
    /* URIs of listeners that anybody may use, whoever is named. */
    const char *open_on[ACCESS_OPEN_MAX];
};

/* For --help. */
#define ACCESS_HELP                                                            \
 "  --allow CIDR             who may send requests, such as 192.0.2.0/24 or\n" \
 "                           2001:db8::/32, repeatable; others get 403\n"      \
 "  --open                   anybody may. One of both is needed to listen\n"   \
 "                           anywhere but on loopback\n"

/* What is said about a text that is none. */
#define ACCESS_NETWORK_WANTED                                             \
 "a network such as 192.0.2.0/24 or 2001:db8::/32 is wanted, with zeros " \
 "behind its prefix"

/* Adds a network. NULL, or what is wrong with it. */
const char *access_allow(struct access *access, const char *cidr);

/* NULL, or why a program with that access may not listen there, or at all. */
const char *access_check(const struct access *access, const char *listen_uri);

/* Where a program listens that is not told where. */
const char *access_default_uri(const struct access *access);

/* 1 if the sender is in one of the networks. */
int access_names(const struct access *access, const srf_req_t *req);

/* Puts the middleware in front of the handlers, which come after it. The access
 * is borrowed as long as there is a stack; one of a process. 0, or the error of
 * srf_use(). */
int access_guard(const struct access *access, srf_t *srf);

/* For programs with few arguments: cuts the options for `access` off the front
 * of argv. 0; -1: it said what is wrong. */
int access_read(struct access *access, int *argc, char ***argv);

/* Where to listen: at argv[1], if there is one. NULL: it said what is wrong. */
const char *access_listen_uri(const struct access *access, char **argv);

#endif /* ACCESS_H */
