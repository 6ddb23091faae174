/*
 * The responses that a branch keeps: what the search decides by and what the
 * results tell.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_BRANCH_MSGS_H
#define SRF_BRANCH_MSGS_H

#include "proxy/branch.h"

/* Adds a response to the list, unless it is no news. Of a 100, which says
 * nothing more and is not forwarded, only the time is, and of what nobody will
 * look at. The caller owns a reference to received->msg. */
void srf__branch_keep(srf__branch_t *branch, srf__received_t *received);

/* Returns its final response, if a server sent one. */
const srf__branch_msg_t *srf__branch_final(const srf__branch_t *branch);

/* Drops them all, at the end of the branch. */
void srf__branch_forget_msgs(srf__branch_t *branch);

#endif /* SRF_BRANCH_MSGS_H */
