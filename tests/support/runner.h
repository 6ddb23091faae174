/*
 * Runs one Check suite and gives main()'s exit code.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TEST_RUNNER_H
#define SRF_TEST_RUNNER_H

#include "assertions.h"
#include "own_loopback.h"
#include "srf/srf.h"

#include <stdlib.h>

static inline void *runner_malloc(size_t size, void *data)
{
    (void)data;
    return malloc(size);
}

static inline void *runner_calloc(size_t count, size_t size, void *data)
{
    (void)data;
    return calloc(count, size);
}

static inline void *runner_realloc(void *ptr, size_t size, void *data)
{
    (void)data;
    return realloc(ptr, size);
}

static inline void runner_free(void *ptr, void *data)
{
    (void)data;
    free(ptr);
}

/* With an allocator of the program's the library pools nothing, and a checker
 * of memory sees each piece. */
static inline void show_each_piece(void)
{
    static const srf_allocator_t plain = {
        .malloc_fn = runner_malloc,
        .calloc_fn = runner_calloc,
        .realloc_fn = runner_realloc,
        .free_fn = runner_free,
    };

    if (srf_set_allocator(&plain) != 0)
        exit(EXIT_FAILURE);
}

static inline int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);

    if (getenv("SRF_OWN_LOOPBACK") != NULL)
        take_own_loopback();
    if (getenv("SRF_EACH_PIECE") != NULL)
        show_each_piece();
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif /* SRF_TEST_RUNNER_H */
