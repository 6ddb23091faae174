/*
 * Runs one Check suite and gives main()'s exit code.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TEST_RUNNER_H
#define SRF_TEST_RUNNER_H

#include <check.h>
#include <stdlib.h>

static inline int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif /* SRF_TEST_RUNNER_H */
