/*
 * A program of somebody else: creates a stack, destroys it, and ends with 0
 * when the loop did.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include <srf/srf.h>
#include <uv.h>

static void on_destroyed(void *data)
{
    *(int *)data = 1;
}

int main(void)
{
    uv_loop_t *loop = uv_default_loop();
    srf_t *srf;
    int destroyed = 0;
    int err = srf_create(&srf, loop, NULL);

    if (err != 0) {
        fprintf(stderr, "srf_create: %s\n", srf_strerror(err));
        return 1;
    }
    srf_set_data(srf, &destroyed);
    srf_destroy(srf, on_destroyed);
    uv_run(loop, UV_RUN_DEFAULT);
    printf("libsrf %s\n", srf_version());
    return !destroyed || uv_loop_close(loop) != 0;
}
