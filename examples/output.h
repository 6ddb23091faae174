/*
 * What a program prints: results and other lines on stdout or in a file, log
 * lines on stderr. Nobody who reads them can stop the program, and nothing in
 * them is more than text.
 *
 * Nothing here waits, however slow the reader of a pipe, a terminal or a socket
 * is: lines queue up in a buffer of fixed size, and are lost as a whole when it
 * is full. A log line tells how many were lost. When a disk is full a line that
 * was begun is finished later, or taken back at the end. Of what waits at the
 * end, as much is written as is taken within a second.
 *
 * All lines are made printable (srf_printable()). Everything is to be called on
 * the thread of the loop.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stddef.h>

#include <uv.h>

enum { OUTPUT_WORD_BYTES = 1024 };

/* Begins, before anything else opens a file or a socket. `program`, which must
 * stay, names it in log lines. SIGPIPE and SIGXFSZ are ignored from now on, and
 * exit() writes what there is. */
void output_start(const char *program);

/* Results go to that file, behind what it has, instead of to stdout. A new one
 * is its owner's alone (mode 0600), since results hold what messages do, the
 * keys of media among it (RFC 4568 §7). 0, or -1 when it cannot be opened,
 * which is told on stderr. */
int output_open(const char *results_path);

/* Lines without their end, which may not be written before output_run(). */
void output_print(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
void output_result(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
void output_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A log line that a message from the network caused: so many at once, so many a
 * second, the others are only counted. */
void output_log_peer(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Lines of the program's own with their ends: how it is used. On stderr when it
 * was used wrongly. */
void output_usage(const char *text, int is_wrong);

/* The result as srf_proxy_results_json() made it; NULL is "null". */
void output_json(const char *json);

/* `text` without anything that ends a word, for a field in a line of them; NULL
 * is empty. It is cut when it is long. Returns `buffer`. */
const char *output_word(char buffer[OUTPUT_WORD_BYTES], const char *text);

/* Runs the loop until nothing is left to do, writes meanwhile and in the end
 * what there is. 0, or -1 when lines are lost then. */
int output_run(uv_loop_t *loop);

#endif /* OUTPUT_H */
