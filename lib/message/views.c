/*
 * Structured views for the program: read with libosip2 and the URI reader, then
 * packed into one block that srf_free() releases.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/alloc.h"
#include "message/message.h"
#include "message/osip_bridge.h"
#include "message/uri.h"

/* ---- packing ---- */

/* A block being filled from both ends: structures from the front, strings
 * behind them. */
typedef struct pack {
    char *structs;
    char *strings;
} pack_t;

static size_t text_size(const char *text)
{
    return text == NULL ? 0 : strlen(text) + 1;
}

static const char *pack_text(pack_t *pack, const char *text)
{
    size_t size = text_size(text);

    if (size == 0)
        return NULL;
    char *copy = memcpy(pack->strings, text, size);
    pack->strings += size;
    return copy;
}

static size_t params_size(const srf_param_t *params, size_t count)
{
    size_t size = count * sizeof(*params);

    for (size_t i = 0; i < count; i++)
        size += text_size(params[i].name) + text_size(params[i].value);
    return size;
}

static const srf_param_t *pack_params(pack_t *pack, const srf_param_t *params,
                                      size_t count)
{
    srf_param_t *copy = (srf_param_t *)(void *)pack->structs;

    pack->structs += count * sizeof(*copy);
    for (size_t i = 0; i < count; i++) {
        copy[i].name = pack_text(pack, params[i].name);
        copy[i].value = pack_text(pack, params[i].value);
    }
    return count == 0 ? NULL : copy;
}

/* ---- numbers ---- */

static int32_t read_seconds(const srf_param_t *param)
{
    uint32_t seconds;

    if (param == NULL || param->value == NULL ||
        !srf__str_to_u32(srf__str_of(param->value), INT32_MAX, &seconds))
        return -1;
    return (int32_t)seconds;
}

/* ---- names and addresses ---- */

typedef struct read_value {
    srf__name_addr_t parsed;
    const char *uri; /* as it stands */
} read_value_t;

static int read_name_addr(srf__str_t value, srf__arena_t *arena,
                          read_value_t *out)
{
    static const srf__name_addr_t star = {.q = -1};
    srf__str_t params;
    srf__uri_t uri;

    if (srf__str_eq(value, SRF__STR("*"))) { /* §10.2.2 */
        out->parsed = star;
        out->uri = "*";
        return 0;
    }
    int err = srf__osip_name_addr(value, arena, &out->parsed);
    if (err != 0)
        return err;
    if (srf__name_addr_parse(value, &uri, &params) != 0)
        return SRF_ERR_SYNTAX;
    out->uri = srf__arena_strdup(arena, uri.text);
    return out->uri == NULL ? SRF_ERR_NO_MEMORY : 0;
}

static size_t name_addr_size(const read_value_t *value)
{
    const srf__name_addr_t *parsed = &value->parsed;

    return sizeof(srf_name_addr_t) + text_size(parsed->display) +
           text_size(value->uri) + text_size(parsed->tag) +
           params_size(parsed->params, parsed->param_count);
}

static void pack_name_addr(pack_t *pack, const read_value_t *value,
                           srf_name_addr_t *out)
{
    const srf__name_addr_t *parsed = &value->parsed;
    int32_t count = (int32_t)parsed->param_count;

    *out = (srf_name_addr_t){
        .size = sizeof(*out),
        .display = pack_text(pack, parsed->display),
        .uri = pack_text(pack, value->uri),
        .tag = pack_text(pack, parsed->tag),
        .q = parsed->q,
        .expires_s =
            read_seconds(srf_param_find(parsed->params, count, "expires")),
        .param_count = count,
        .params = pack_params(pack, parsed->params, parsed->param_count),
    };
}

/* The values of a header field, one after the other. */
typedef struct values {
    const srf__facts_t *facts;
    srf__str_t name;
    unsigned from; /* line to look from */
    srf__str_t rest;
} values_t;

static bool next_value(values_t *values, srf__str_t *out)
{
    while (!srf__list_next(&values->rest, out)) {
        const srf__header_t *line =
            srf__facts_find(values->facts, values->name, values->from);
        if (line == NULL)
            return false;
        values->from = (unsigned)(line - values->facts->headers) + 1;
        values->rest = srf__header_value(values->facts, line);
    }
    return true;
}

static int make_name_addr(srf__str_t value, srf__arena_t *arena,
                          srf_name_addr_t **out)
{
    read_value_t read;
    int err = read_name_addr(value, arena, &read);

    if (err != 0)
        return err;
    srf_name_addr_t *made = srf__malloc(name_addr_size(&read));
    if (made == NULL)
        return SRF_ERR_NO_MEMORY;
    pack_t pack = {(char *)(made + 1), NULL};
    pack.strings = pack.structs + read.parsed.param_count * sizeof(srf_param_t);
    pack_name_addr(&pack, &read, made);
    *out = made;
    return 0;
}

int srf_msg_name_addr(const srf_msg_t *msg, const char *header, size_t index,
                      srf_name_addr_t **out)
{
    srf__arena_t arena = {NULL};
    srf__str_t value;

    if (out == NULL)
        return SRF_ERR_INVALID_ARGUMENT;
    *out = NULL;
    if (msg == NULL || header == NULL)
        return SRF_ERR_INVALID_ARGUMENT;
    values_t values = {.facts = srf__msg_facts(msg),
                       .name = srf__str_of(header)};
    if (values.facts == NULL)
        return SRF_ERR_NO_MEMORY;
    do {
        if (!next_value(&values, &value))
            return SRF_ERR_NO_HEADER;
    } while (index-- > 0);
    int err = make_name_addr(value, &arena, out);
    srf__arena_deinit(&arena);
    return err;
}

/* ---- Contacts ---- */

/* Those that could be read, in a list that grows. */
typedef struct read_list {
    read_value_t *values;
    size_t count;
    size_t cap;
} read_list_t;

static int append(read_list_t *list, const read_value_t *value)
{
    if (list->count == list->cap) {
        size_t cap = list->cap == 0 ? 4 : 2 * list->cap;
        read_value_t *more =
            srf__realloc(list->values, cap * sizeof(*list->values));
        if (more == NULL)
            return SRF_ERR_NO_MEMORY;
        list->values = more;
        list->cap = cap;
    }
    list->values[list->count++] = *value;
    return 0;
}

static int read_contacts(const srf__facts_t *facts, srf__arena_t *arena,
                         read_list_t *list)
{
    values_t values = {.facts = facts, .name = SRF__STR("Contact")};
    read_value_t read;
    srf__str_t value;
    int err = 0;

    while (err != SRF_ERR_NO_MEMORY && next_value(&values, &value)) {
        err = read_name_addr(value, arena, &read);
        if (err == 0)
            err = append(list, &read);
    }
    return err == SRF_ERR_NO_MEMORY ? err : 0;
}

static srf_contacts_t *pack_contacts(const read_list_t *list)
{
    size_t structs = list->count * sizeof(srf_name_addr_t);
    size_t size = sizeof(srf_contacts_t);

    for (size_t i = 0; i < list->count; i++) {
        size += name_addr_size(&list->values[i]);
        structs += list->values[i].parsed.param_count * sizeof(srf_param_t);
    }
    srf_contacts_t *out = srf__malloc(size);
    if (out == NULL)
        return NULL;
    srf_name_addr_t *addrs = (srf_name_addr_t *)(void *)(out + 1);
    pack_t pack = {(char *)(addrs + list->count), (char *)addrs + structs};
    for (size_t i = 0; i < list->count; i++)
        pack_name_addr(&pack, &list->values[i], &addrs[i]);
    *out = (srf_contacts_t){
        .size = sizeof(*out), .count = list->count, .list = addrs};
    return out;
}

int srf_msg_contacts(const srf_msg_t *msg, srf_contacts_t **out)
{
    srf__arena_t arena = {NULL};
    read_list_t list = {NULL, 0, 0};

    if (out == NULL)
        return SRF_ERR_INVALID_ARGUMENT;
    *out = NULL;
    if (msg == NULL)
        return SRF_ERR_INVALID_ARGUMENT;
    const srf__facts_t *facts = srf__msg_facts(msg);
    int err =
        facts == NULL ? SRF_ERR_NO_MEMORY : read_contacts(facts, &arena, &list);
    if (err == 0) {
        *out = pack_contacts(&list);
        err = *out == NULL ? SRF_ERR_NO_MEMORY : 0;
    }
    srf__free(list.values);
    srf__arena_deinit(&arena);
    return err;
}

/* ---- URIs ---- */

const srf_param_t *srf_param_find(const srf_param_t *params, int32_t count,
                                  const char *name)
{
    for (int32_t i = 0; params != NULL && name != NULL && i < count; i++) {
        if (srf__str_ieq(srf__str_of(params[i].name), srf__str_of(name)))
            return &params[i];
    }
    return NULL;
}

/* The name as srf_param_find() is asked for it. */
static const char *keep_name(srf__arena_t *arena, const srf__uri_param_t *param)
{
    char *name = srf__arena_alloc(arena, param->name.len + 1);

    if (name != NULL)
        name[srf__uri_param_write_name(param, name)] = '\0';
    return name;
}

/* The parameters, in the arena. */
static int read_uri_params(srf__str_t text, srf__arena_t *arena,
                           srf_param_t **out, size_t *count)
{
    size_t semicolons = 0;
    srf__uri_param_t read;

    for (size_t i = 0; i < text.len; i++)
        semicolons += text.p[i] == ';';
    *count = 0;
    *out = srf__arena_alloc(arena, (semicolons + 1) * sizeof(**out));
    if (*out == NULL)
        return SRF_ERR_NO_MEMORY;
    while (srf__uri_param_next(&text, &read)) {
        srf_param_t *param = &(*out)[(*count)++];
        param->name = keep_name(arena, &read);
        param->value = NULL;
        if (read.value.p != NULL)
            param->value = srf__arena_strdup(arena, read.value);
        if (param->name == NULL ||
            (read.value.p != NULL && param->value == NULL))
            return SRF_ERR_NO_MEMORY;
    }
    return 0;
}

static size_t str_size(srf__str_t text)
{
    return text.p == NULL ? 0 : text.len + 1;
}

static const char *pack_str(pack_t *pack, srf__str_t text)
{
    char *copy = pack->strings;

    if (text.p == NULL)
        return NULL;
    if (text.len > 0)
        memcpy(copy, text.p, text.len);
    copy[text.len] = '\0';
    pack->strings += text.len + 1;
    return copy;
}

static srf__str_t or_absent(srf__str_t text, bool present)
{
    return present ? text : srf__str(NULL, 0);
}

static srf__str_t bare_host(const srf__uri_t *uri)
{
    srf__str_t host = uri->host;

    if (host.p == NULL)
        return SRF__STR("");
    if (host.len > 2 && host.p[0] == '[')
        host = srf__str(host.p + 1, host.len - 2);
    return host;
}

static srf_uri_t *pack_uri(const srf__uri_t *uri, const srf_param_t *params,
                           size_t count)
{
    static const char *const schemes[] = {
        [SRF__SCHEME_SIP] = "sip",
        [SRF__SCHEME_SIPS] = "sips",
        [SRF__SCHEME_TEL] = "tel",
    };
    srf__str_t user = or_absent(uri->user, uri->user.len > 0);
    srf__str_t headers = or_absent(uri->headers, uri->headers.len > 0);
    srf__str_t host = bare_host(uri);
    srf_uri_t *out = srf__malloc(sizeof(*out) + params_size(params, count) +
                                 str_size(user) + str_size(uri->password) +
                                 str_size(host) + str_size(headers));

    if (out == NULL)
        return NULL;
    pack_t pack = {(char *)(out + 1), NULL};
    pack.strings = pack.structs + count * sizeof(*params);
    *out = (srf_uri_t){
        .size = sizeof(*out),
        .scheme = schemes[uri->scheme],
        .user = pack_str(&pack, user),
        .password = pack_str(&pack, uri->password),
        .host = pack_str(&pack, host),
        .port = uri->port,
        .param_count = (int32_t)count,
        .params = pack_params(&pack, params, count),
        .headers = pack_str(&pack, headers),
    };
    return out;
}

int srf_uri_parse(const char *text, srf_uri_t **out)
{
    srf__arena_t arena = {NULL};
    srf_param_t *params;
    srf__uri_t uri;
    size_t count;

    if (out == NULL)
        return SRF_ERR_INVALID_ARGUMENT;
    *out = NULL;
    if (text == NULL)
        return SRF_ERR_INVALID_ARGUMENT;
    int err = srf__uri_parse(srf__str_of(text), &uri);
    if (err == 0 && uri.scheme == SRF__SCHEME_OTHER)
        err = SRF_ERR_UNSUPPORTED;
    if (err != 0)
        return err;
    err = read_uri_params(uri.params, &arena, &params, &count);
    if (err == 0) {
        *out = pack_uri(&uri, params, count);
        err = *out == NULL ? SRF_ERR_NO_MEMORY : 0;
    }
    srf__arena_deinit(&arena);
    return err;
}
