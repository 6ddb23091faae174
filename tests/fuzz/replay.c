/*
 * Feeds every file of a directory to a fuzz target, for the ordinary tests: as
 * it is, and with a letter of a name escaped, one after the other.
 *
 * SPDX-License-Identifier: MIT
 */
#include "escape.h"
#include "fuzz.h"

#include <dirent.h>

enum { INPUT_MAX = 1 << 20, PATH_BYTES = 4096, ESCAPED_MAX = 16 };

/* A copy of exact size, so that reading beyond it is noticed. */
static void feed(const uint8_t *data, size_t len)
{
    uint8_t *exact = malloc(len == 0 ? 1 : len);

    if (exact == NULL)
        abort();
    memcpy(exact, data, len);
    (void)LLVMFuzzerTestOneInput(exact, len);
    free(exact);
}

static void feed_escaped(uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len + 2);

    if (copy == NULL)
        abort();
    /* Not each of them: places all over a long input. */
    for (unsigned i = 0; i < ESCAPED_MAX; i++) {
        memcpy(copy, data, len);
        size_t escaped = fuzz_escape(copy, len, len + 2, i * 7919);
        if (escaped != len)
            feed(copy, escaped);
    }
    free(copy);
}

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
    feed(data, len);
    feed_escaped(data, len);
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
