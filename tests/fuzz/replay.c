/*
 * Feeds every file of a directory to a fuzz target, for the ordinary tests.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fuzz.h"

#include <string.h>

#include <dirent.h>

enum { INPUT_MAX = 1 << 20, PATH_BYTES = 4096 };

/* A copy of exact size, so that reading beyond it is noticed. */
static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(INPUT_MAX);
    int err = -1;

    if (file == NULL || data == NULL) {
        perror(path);
        goto out;
    }
    size_t len = fread(data, 1, INPUT_MAX, file);
    uint8_t *exact = malloc(len == 0 ? 1 : len);
    if (exact == NULL)
        goto out;
    memcpy(exact, data, len);
    (void)LLVMFuzzerTestOneInput(exact, len);
    free(exact);
    err = 0;
out:
    if (file != NULL)
        fclose(file);
    free(data);
    return err;
}

int main(int argc, char **argv)
{
    char path[PATH_BYTES];
    unsigned count = 0;
    int status = EXIT_SUCCESS;

    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    DIR *dir = opendir(argv[1]);
    if (dir == NULL) {
        perror(argv[1]);
        return EXIT_FAILURE;
    }
    for (const struct dirent *entry = readdir(dir); entry != NULL;
         entry = readdir(dir)) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
        if (replay_file(path) == 0)
            count++;
        else
            status = EXIT_FAILURE;
    }
    closedir(dir);
    printf("%u inputs\n", count);
    return count == 0 ? EXIT_FAILURE : status;
}
