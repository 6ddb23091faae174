/*
 * SIP messages as text: put together, and taken apart line by line.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef SRF_TEST_SIP_TEXT_H
#define SRF_TEST_SIP_TEXT_H

#include "assertions.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_BYTES = 4096 };

typedef struct text {
    size_t len;
    char p[TEXT_BYTES];
} text_t;

__attribute__((format(printf, 2, 3))) static inline void
add(text_t *text, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int n = vsnprintf(text->p + text->len, sizeof(text->p) - text->len, format,
                      args);
    va_end(args);
    ck_assert(n >= 0 && text->len + (size_t)n < sizeof(text->p));
    text->len += (size_t)n;
}

/* The next line with this name behind the one at `at`; NULL if there is none.
 */
static inline const char *next_line(const char *at, const char *name,
                                    size_t *len)
{
    size_t name_len = strlen(name);

    do {
        at = strstr(at, "\r\n");
        if (at == NULL || strncmp(at, "\r\n\r\n", 4) == 0)
            return NULL;
        at += 2;
    } while (strncmp(at, name, name_len) != 0 || at[name_len] != ':');
    *len = strcspn(at, "\r");
    return at;
}

/* The value of the first line with this name; false if there is none. */
static inline bool value_of(const char *msg, const char *name, char *out,
                            size_t size)
{
    size_t len;
    const char *line = next_line(msg, name, &len);

    if (line == NULL)
        return false;
    int n = snprintf(out, size, "%.*s", (int)(len - strlen(name) - 2),
                     line + strlen(name) + 2);
    ck_assert_int_lt(n, (int)size);
    return true;
}

static inline void copy_lines(text_t *out, const char *msg, const char *name,
                              const char *suffix)
{
    size_t len;
    const char *line = next_line(msg, name, &len);

    for (; line != NULL; line = next_line(line, name, &len))
        add(out, "%.*s%s\r\n", (int)len, line, suffix);
}

static inline void copy_datagram(char out[TEXT_BYTES], const char *data,
                                 size_t len)
{
    ck_assert_uint_lt(len, TEXT_BYTES);
    memcpy(out, data, len);
    out[len] = '\0';
}

#endif /* SRF_TEST_SIP_TEXT_H */
