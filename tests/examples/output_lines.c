/*
 * Prints with examples/output.h what it is told to on stdin, until that ends:
 *
 *     output_lines [RESULTS-FILE]
 *
 *     result COUNT LENGTH   numbered lines of that length
 *     log COUNT LENGTH
 *     peer COUNT LENGTH
 *     text HEX              these bytes, as a word and as a log line
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "../../examples/output.h"

enum { LENGTH_MAX = 2000 };

static uv_pipe_t input;
static char command[4096];
static size_t command_len;
static unsigned numbers[3];

static void print_lines(char kind, unsigned count, unsigned length)
{
    unsigned *number = &numbers[kind == 'r' ? 0 : kind == 'l' ? 1 : 2];
    char padding[LENGTH_MAX + 1];

    memset(padding, 'x', LENGTH_MAX);
    padding[length <= LENGTH_MAX ? length : LENGTH_MAX] = '\0';
    for (; count > 0; count--) {
        (*number)++;
        if (kind == 'r')
            output_result("result %u %s.", *number, padding);
        else if (kind == 'l')
            output_log("log %u %s.", *number, padding);
        else
            output_log_peer("peer %u %s.", *number, padding);
    }
}

static void print_text(const char *hex)
{
    char word[OUTPUT_WORD_BYTES];
    char text[LENGTH_MAX];
    size_t len = 0;
    unsigned byte;

    for (; len < sizeof(text) - 1 && sscanf(hex, "%2x", &byte) == 1; hex += 2)
        text[len++] = (char)byte;
    text[len] = '\0';
    output_result("word=%s end", output_word(word, text));
    output_log("text %s", text);
}

static void obey(const char *line)
{
    unsigned count;
    unsigned length;
    char kind;

    if (sscanf(line, "%c%*s %u %u", &kind, &count, &length) == 3)
        print_lines(kind, count, length);
    else if (strncmp(line, "text ", 5) == 0)
        print_text(line + 5);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(command + command_len,
                       (unsigned)(sizeof(command) - 1 - command_len));
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    char *end;

    (void)buf;
    if (count < 0) {
        uv_close((uv_handle_t *)stream, NULL);
        return;
    }
    command_len += (size_t)count;
    command[command_len] = '\0';
    while ((end = strchr(command, '\n')) != NULL) {
        *end++ = '\0';
        obey(command);
        command_len -= (size_t)(end - command);
        memmove(command, end, command_len + 1);
    }
}

int main(int argc, char **argv)
{
    output_start("lines");
    if (argc > 1 && output_open(argv[1]) != 0)
        return EXIT_FAILURE;
    uv_pipe_init(uv_default_loop(), &input, 0);
    uv_pipe_open(&input, 0);
    uv_read_start((uv_stream_t *)&input, on_alloc, on_read);
    return output_run(uv_default_loop()) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
