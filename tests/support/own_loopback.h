/*
 * A loopback interface that no other process has a port on.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TEST_OWN_LOOPBACK_H
#define SRF_TEST_OWN_LOOPBACK_H

/* Gives the process a network of its own, as the script own_network does, where
 * the system lets it. Else everything stays as it is. */
void take_own_loopback(void);

#endif /* SRF_TEST_OWN_LOOPBACK_H */
