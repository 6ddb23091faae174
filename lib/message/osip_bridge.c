/*
 * The door to libosip2.
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/osip_bridge.h"

#include "base/utf8.h"
#include "message/scan.h"
#include "srf/srf.h"

#include <pthread.h>
#include <stdlib.h> /* for the macro osip_free() */

#include <osipparser2/osip_const.h>
#include <osipparser2/osip_headers.h>
#include <osipparser2/osip_parser.h>
#include <osipparser2/osip_port.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int prepared;

/* By default libosip2 writes a line to standard output for each broken value:
 * it opens its log when the first line comes. Opening it here and turning all
 * levels off keeps it quiet, and anybody else in the process can still open a
 * log of its own afterwards. One that is open already is left alone. */
static void silence(void)
{
    for (int level = TRACE_LEVEL0; level < END_TRACE_LEVEL; level++) {
        if (osip_is_trace_level_activate((osip_trace_level_t)level))
            return;
    }
    (void)osip_trace_initialize(TRACE_LEVEL0, NULL);
    osip_trace_disable_level(TRACE_LEVEL0);
}

static void prepare(void)
{
    silence();
    prepared = parser_init() == OSIP_SUCCESS ? 0 : SRF_ERR_NO_MEMORY;
}

int srf__osip_init(void)
{
    /* parser_init() must not run twice at a time, and a second call would
     * forget what other users of libosip2 have configured. */
    (void)pthread_once(&once, prepare);
    return prepared;
}

/* libosip2 unescapes "%00" in place and then sees a shorter string. What is
 * quoted is shown otherwise. */
static bool has_nul(srf__str_t value)
{
    const char *p = value.p;
    const char *end = p + value.len;

    for (; p < end; p++) {
        if ((*p == '\0' && (p == value.p || p[-1] != '\\')) ||
            (*p == '%' && end - p >= 3 && p[1] == '0' && p[2] == '0'))
            return true;
    }
    return false;
}

/* A value NUL-terminated, on one line and without tabs, which libosip2 takes
 * for a part of what stands before. NULL when memory is out. */
static char *copy_value(srf__str_t value, srf__arena_t *arena)
{
    char *copy = srf__arena_alloc(arena, srf__utf8_shown_len(value) + 1);

    if (copy != NULL)
        srf__utf8_show_nuls(copy, value);
    for (char *p = copy; p != NULL && *p != '\0'; p++) {
        if (*p == '\r' || *p == '\n' || *p == '\t')
            *p = ' ';
    }
    return copy;
}

/* The same of the first value of a list. */
static char *copy_first(srf__str_t list, srf__arena_t *arena)
{
    srf__str_t first = {NULL, 0};

    (void)srf__list_next(&list, &first);
    return copy_value(first, arena);
}

/* Copies what libosip2 gave, if anything; false when memory is out. */
static bool keep(srf__arena_t *arena, const char *text, const char **out)
{
    *out = text == NULL ? NULL : srf__arena_strdup(arena, srf__str_of(text));
    return (*out == NULL) == (text == NULL);
}

/* Takes the quotes off, and the backslashes of quoted pairs. */
static void unquote(char *text)
{
    char *out = text;

    if (*text != '"')
        return;
    for (const char *p = text + 1; *p != '\0' && *p != '"'; p++) {
        if (*p == '\\' && p[1] != '\0')
            p++;
        *out++ = *p;
    }
    *out = '\0';
}

/* The meaning of a quoted string. */
static bool keep_quoted(srf__arena_t *arena, const char *text, const char **out)
{
    *out = NULL;
    if (text == NULL)
        return true;
    char *copy = srf__arena_strdup(arena, srf__str_trim(srf__str_of(text)));
    if (copy == NULL)
        return false;
    unquote(copy);
    *out = copy;
    return true;
}

/* `name` is not const: libosip2 forgot that. */
static const char *param_value(osip_from_t *from, char *name)
{
    osip_generic_param_t *param = NULL;

    if (osip_generic_param_get_byname(&from->gen_params, name, &param) !=
            OSIP_SUCCESS ||
        param == NULL)
        return NULL;
    return param->gvalue;
}

/* The number of a tel URI, which libosip2 keeps as it stands. */
static bool keep_number(srf__arena_t *arena, const osip_uri_t *uri,
                        const char **out)
{
    *out = NULL;
    if (uri->scheme == NULL || uri->string == NULL ||
        !srf__str_ieq(srf__str_of(uri->scheme), SRF__STR("tel")))
        return true;
    srf__str_t number = srf__str_of(uri->string);
    number.len = srf__str_find(number, ';');
    *out = srf__arena_strdup(arena, number);
    return *out != NULL;
}

static bool keep_uri(srf__arena_t *arena, const osip_uri_t *uri,
                     srf__name_addr_t *out)
{
    char *text = NULL;

    if (osip_uri_to_str(uri, &text) != OSIP_SUCCESS)
        return false;
    bool good = keep(arena, text, &out->uri);
    osip_free(text);
    if (!good)
        return false;
    return uri->username != NULL ? keep(arena, uri->username, &out->user)
                                 : keep_number(arena, uri, &out->user);
}

static bool keep_params(srf__arena_t *arena, osip_from_t *from,
                        srf__name_addr_t *out)
{
    int count = osip_list_size(&from->gen_params);

    if (count <= 0)
        return true;
    srf_param_t *params =
        srf__arena_alloc(arena, (size_t)count * sizeof(*params));
    if (params == NULL)
        return false;
    for (int i = 0; i < count; i++) {
        const osip_generic_param_t *param = osip_list_get(&from->gen_params, i);
        if (!keep(arena, param->gname, &params[i].name) ||
            !keep_quoted(arena, param->gvalue, &params[i].value))
            return false;
    }
    out->params = params;
    out->param_count = (size_t)count;
    return true;
}

/* qvalue of RFC 3261 §25.1. */
static int32_t read_q(const char *text)
{
    int32_t q = 0;
    int32_t digit = 100;

    if (text == NULL)
        return -1;
    if (text[0] == '1')
        return SRF__Q_MAX;
    if (text[0] != '0' || text[1] != '.')
        return 0;
    for (text += 2; srf__is_digit((unsigned char)*text); text++) {
        q += digit * (*text - '0');
        digit /= 10;
    }
    return q;
}

static int copy_out(srf__arena_t *arena, osip_from_t *from,
                    srf__name_addr_t *out)
{
    char tag[] = "tag";
    char q[] = "q";

    if (from->url == NULL)
        return SRF_ERR_SYNTAX;
    bool good = keep_quoted(arena, from->displayname, &out->display) &&
                keep_uri(arena, from->url, out) &&
                keep(arena, param_value(from, tag), &out->tag) &&
                keep_params(arena, from, out);
    out->q = read_q(param_value(from, q));
    return good ? 0 : SRF_ERR_NO_MEMORY;
}

int srf__osip_name_addr(srf__str_t value, srf__arena_t *arena,
                        srf__name_addr_t *out)
{
    osip_from_t *from = NULL;
    int err = srf__osip_init();

    memset(out, 0, sizeof(*out));
    if (err != 0)
        return err;
    if (value.len == 0 || value.len > SRF__OSIP_VALUE_MAX || has_nul(value))
        return SRF_ERR_SYNTAX;
    const char *text = copy_first(value, arena);
    if (text == NULL || osip_from_init(&from) != OSIP_SUCCESS)
        return SRF_ERR_NO_MEMORY;

    err = osip_from_parse(from, text);
    if (err == OSIP_SUCCESS)
        err = copy_out(arena, from, out);
    else
        err = err == OSIP_NOMEM ? SRF_ERR_NO_MEMORY : SRF_ERR_SYNTAX;
    osip_from_free(from);
    if (err != 0)
        memset(out, 0, sizeof(*out));
    return err;
}

/* ---- challenges ---- */

static int copy_challenge(srf__arena_t *arena,
                          const osip_www_authenticate_t *from,
                          srf__challenge_t *out)
{
    const char *stale = NULL;
    bool good = keep_quoted(arena, from->auth_type, &out->scheme) &&
                keep_quoted(arena, from->realm == NULL ? "" : from->realm,
                            &out->realm) &&
                keep_quoted(arena, from->nonce, &out->nonce) &&
                keep_quoted(arena, from->opaque, &out->opaque) &&
                keep_quoted(arena, from->algorithm, &out->algorithm) &&
                keep_quoted(arena, from->qop_options, &out->qop) &&
                keep_quoted(arena, from->stale, &stale);

    if (!good)
        return SRF_ERR_NO_MEMORY;
    out->stale = srf__str_ieq(srf__str_of(stale), SRF__STR("true"));
    return out->scheme == NULL ? SRF_ERR_SYNTAX : 0;
}

/* INTEROP: libosip2 wants quotes around realm, nonce, qop and others, as RFC
 * 3261 §25.1 does, and some servers leave them out. Every value gets them: a
 * token means the same inside. */
static char *quote_values(const char *text, srf__arena_t *arena)
{
    /* No fewer than two bytes have one value. */
    char *copy = srf__arena_alloc(arena, 2 * strlen(text) + 3);
    char *out = copy;
    bool quoted = false;

    while (out != NULL && *text != '\0') {
        char c = *text++;
        *out++ = c;
        if (quoted && c == '\\' && *text != '\0')
            *out++ = *text++;
        else if (c == '"')
            quoted = !quoted;
        if (quoted || c != '=')
            continue;
        while (*text == ' ')
            *out++ = *text++;
        if (*text == '"')
            continue;
        size_t len = strcspn(text, " ,\"");
        *out++ = '"';
        memcpy(out, text, len);
        out += len;
        text += len;
        *out++ = '"';
    }
    if (out != NULL)
        *out = '\0';
    return copy;
}

int srf__osip_challenge(srf__str_t value, srf__arena_t *arena,
                        srf__challenge_t *out)
{
    osip_www_authenticate_t *parsed = NULL;
    int err = srf__osip_init();

    memset(out, 0, sizeof(*out));
    if (err != 0)
        return err;
    if (value.len == 0 || value.len > SRF__OSIP_VALUE_MAX || has_nul(value))
        return SRF_ERR_SYNTAX;
    const char *text = copy_value(value, arena);
    if (text != NULL)
        text = quote_values(text, arena);
    if (text == NULL || osip_www_authenticate_init(&parsed) != OSIP_SUCCESS)
        return SRF_ERR_NO_MEMORY;

    err = osip_www_authenticate_parse(parsed, text);
    if (err == OSIP_SUCCESS)
        err = copy_challenge(arena, parsed, out);
    else
        err = err == OSIP_NOMEM ? SRF_ERR_NO_MEMORY : SRF_ERR_SYNTAX;
    osip_www_authenticate_free(parsed);
    if (err != 0)
        memset(out, 0, sizeof(*out));
    return err;
}
