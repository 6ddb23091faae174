/*
 * Check, with assertions that cost nothing while they hold.
 *
 * Check writes to a file where each assertion was, so that it can say after a
 * crash which was the last to hold. This takes longer than most of what is
 * looked at: under valgrind 70 of the 71 seconds of test_map. Here a crash is
 * told with the test alone; where in it, valgrind and the sanitizers say.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TEST_ASSERTIONS_H
#define SRF_TEST_ASSERTIONS_H

#include <check.h>

/* Check's other assertions are made of this one. */
#undef ck_assert_msg
#define ck_assert_msg(expr, ...) ((expr) ? (void)0 : ck_abort_msg(__VA_ARGS__))
#undef ck_assert
#define ck_assert(expr) ck_assert_msg(expr, "Assertion '%s' failed", #expr)

#endif /* SRF_TEST_ASSERTIONS_H */
