/*
 * SIP, SIPS and tel URIs.
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/uri.h"

#include "base/error.h"
#include "message/uri_parts.h"

#include <arpa/inet.h>

/* Which bytes may stand, unescaped, in which part (RFC 3261 §25.1). */
enum {
    USER = 1,      /* unreserved / user-unreserved */
    PASSWORD = 2,  /* unreserved / "&" / "=" / "+" / "$" / "," */
    PARAM = 4,     /* paramchar */
    HEADER = 8,    /* hnv-unreserved / unreserved */
    HOST = 16,     /* letters, digits, "-", "."; "_" is tolerated */
    SCHEME = 32,   /* behind its first letter */
    PHONE = 64,    /* phonedigit-hex of RFC 3966 §3 */
    ABSOLUTE = 128 /* reserved / unreserved, and the brackets of RFC 3986 */
};

/* The table below in letters. INTEROP: a "#" in the user part, which dialled
 * service codes have and few phones escape, is no delimiter of anything here;
 * RFC 2806 has it among the digits of a telephone-subscriber. */
enum {
    O = 0,
    M = USER | PASSWORD | PARAM | HEADER | ABSOLUTE, /* unreserved, a mark */
    X = 255,                                         /* 0-9 A-F a-f - . */
    A = M | HOST | SCHEME,                           /* other letters */
    U = M | HOST,                                    /* _ */
    N = M | PHONE,                                   /* * ( ) */
    P = USER | PASSWORD | PARAM | HEADER | SCHEME | ABSOLUTE, /* + */
    D = USER | PASSWORD | PARAM | HEADER | ABSOLUTE,          /* $ */
    E = USER | PASSWORD | PARAM | ABSOLUTE,                   /* & */
    C = USER | PASSWORD | ABSOLUTE,                           /* = , */
    S = USER | ABSOLUTE,                                      /* ; */
    Q = USER | HEADER | ABSOLUTE,                             /* ? */
    L = USER | PARAM | HEADER | ABSOLUTE,                     /* / */
    B = PARAM | HEADER | ABSOLUTE,                            /* [ ] : */
    T = ABSOLUTE,                                             /* @ */
    H = USER | PHONE                                          /* # */
};

/* clang-format off */
static const uint8_t classes[256] = {
    O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, /* 0x00 */
    O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, /* 0x10 */
    O, M, O, H, D, O, E, M, N, N, N, P, C, X, X, L, /* 0x20 */
    X, X, X, X, X, X, X, X, X, X, B, S, O, C, O, Q, /* 0x30 */
    T, X, X, X, X, X, X, A, A, A, A, A, A, A, A, A, /* 0x40 */
    A, A, A, A, A, A, A, A, A, A, A, B, O, B, O, U, /* 0x50 */
    O, X, X, X, X, X, X, A, A, A, A, A, A, A, A, A, /* 0x60 */
    A, A, A, A, A, A, A, A, A, A, A, O, O, O, M, O, /* 0x70 */
};
/* clang-format on */

static bool is(char c, unsigned class)
{
    return (classes[(unsigned char)c] & class) != 0;
}

static srf__str_t piece(const char *from, const char *to)
{
    return srf__str(from, (size_t)(to - from));
}

static bool is_escape(const char *p, const char *end)
{
    return end - p >= 3 && srf__hex_value((unsigned char)p[1]) >= 0 &&
           srf__hex_value((unsigned char)p[2]) >= 0;
}

/* Behind the run of bytes of `class` and escapes. A broken escape ends the run:
 * "%" delimits nothing, so it is refused then. */
static const char *skip(const char *p, const char *end, unsigned class)
{
    for (;;) {
        while (p < end && is(*p, class))
            p++;
        if (p == end || *p != '%' || !is_escape(p, end))
            return p;
        p += 3;
    }
}

unsigned char srf__uri_take(const char **p, const char *end)
{
    const char *at = *p;

    if (*at != '%' || !is_escape(at, end)) {
        *p = at + 1;
        return (unsigned char)*at;
    }
    *p = at + 3;
    return (unsigned char)(srf__hex_value((unsigned char)at[1]) * 16 +
                           srf__hex_value((unsigned char)at[2]));
}

bool srf__uri_is_reserved(unsigned char c)
{
    return c != '\0' && strchr(";/?:@&=+$,", c) != NULL;
}

/* The rest of a name, where escapes begin. */
static bool escaped_name_is(const char *p, const char *end, const char *lower)
{
    while (p < end && *lower != '\0') {
        if (srf__lower(srf__uri_take(&p, end)) != (unsigned char)*lower)
            return false;
        lower++;
    }
    return p == end && *lower == '\0';
}

static inline bool rest_is(const char *p, const char *end, const char *lower)
{
    while (p < end && (*p | 0x20) == *lower) {
        p++;
        lower++;
    }
    if (p < end && *p == '%')
        return escaped_name_is(p, end, lower);
    return p == end && *lower == '\0';
}

/* `name`, which is not empty, is `lower`, made of small letters, in any case,
 * with or without escapes. No byte but a capital becomes a small letter by
 * setting bit 5. Mostly the first letter tells. */
static inline bool name_is(srf__str_t name, const char *lower)
{
    return ((*name.p | 0x20) == *lower || *name.p == '%') &&
           rest_is(name.p, name.p + name.len, lower);
}

/* ------------------------------------------------------------------ */
/* Hosts                                                               */
/* ------------------------------------------------------------------ */

/* Behind the number up to 255 at `p`, of three digits at most, or NULL. Leading
 * zeros are refused: some would read them as octal. */
static inline const char *skip_octet(const char *p, const char *end,
                                     uint8_t *out)
{
    unsigned value = p < end ? (unsigned)*p++ - '0' : 10;
    unsigned digit = p < end ? (unsigned)*p - '0' : 10;

    if (value > 9)
        return NULL;
    if (digit <= 9) {
        if (value == 0)
            return NULL;
        value = value * 10 + digit;
        p++;
        digit = p < end ? (unsigned)*p - '0' : 10;
        if (digit <= 9) {
            value = value * 10 + digit;
            if (value > 255)
                return NULL;
            p++;
        }
    }
    *out = (uint8_t)value;
    return p;
}

/* Behind the IPv4 address at `p`, or NULL. It is none when a digit follows. */
static const char *skip_ipv4(const char *p, const char *end, uint8_t *ip)
{
    p = skip_octet(p, end, &ip[0]);
    for (unsigned i = 1; i < 4 && p != NULL; i++) {
        if (p == end || *p != '.')
            return NULL;
        p = skip_octet(p + 1, end, &ip[i]);
    }
    return p;
}

static bool read_ipv6(srf__str_t host, uint8_t *ip)
{
    char text[INET6_ADDRSTRLEN];

    if (host.len == 0 || host.len >= sizeof(text))
        return false;
    memcpy(text, host.p, host.len);
    text[host.len] = '\0';
    return strlen(text) == host.len && inet_pton(AF_INET6, text, ip) == 1;
}

int srf__host_to_ip(srf__str_t host, uint8_t ip[16])
{
    if (host.len == 0)
        return 0;
    if (host.p[0] == '[') {
        if (host.len < 2 || host.p[host.len - 1] != ']')
            return 0;
        return read_ipv6(srf__str(host.p + 1, host.len - 2), ip) ? 6 : 0;
    }
    if (skip_ipv4(host.p, host.p + host.len, ip) == host.p + host.len)
        return 4;
    return memchr(host.p, ':', host.len) != NULL && read_ipv6(host, ip) ? 6 : 0;
}

/* Behind the host name at `p`, or NULL. No label is empty or has a "-" at
 * either end, and the last one begins with a letter. */
static const char *skip_host_name(const char *p, const char *end)
{
    const char *begin = p;
    const char *label = p;
    const char *last = p; /* label that is not empty */

    for (; p < end && is(*p, HOST); p++) {
        if (*p == '-' && p == label)
            return NULL;
        if (*p != '.')
            continue;
        if (p == label || p[-1] == '-')
            return NULL;
        last = label;
        label = p + 1;
    }
    if (p == begin || p[-1] == '-')
        return NULL;
    if (p > label)
        last = label;
    return srf__is_digit((unsigned char)*last) ? NULL : p;
}

static const char *read_host(const char *p, const char *end, srf__str_t *out,
                             uint8_t ip[16], uint8_t *family)
{
    const char *behind = NULL;

    *family = 0;
    if (p < end && *p == '[') {
        const char *close = memchr(p, ']', (size_t)(end - p));
        if (close != NULL && srf__host_to_ip(piece(p, close + 1), ip) == 6)
            behind = close + 1;
        *family = 6;
    } else {
        behind = skip_ipv4(p, end, ip);
        *family = 4;
        if (behind == NULL || (behind < end && is(*behind, HOST))) {
            behind = skip_host_name(p, end);
            *family = 0;
        }
    }
    if (behind != NULL)
        *out = piece(p, behind);
    return behind;
}

static const char *read_port(const char *p, const char *end, uint16_t *out)
{
    unsigned port = 0;
    const char *begin = p;

    for (; p < end && srf__is_digit((unsigned char)*p); p++) {
        port = port * 10 + (unsigned)(*p - '0');
        if (port > UINT16_MAX)
            return NULL;
    }
    *out = (uint16_t)port;
    return p == begin || port == 0 ? NULL : p;
}

/* ------------------------------------------------------------------ */
/* Parts                                                               */
/* ------------------------------------------------------------------ */

/* Behind the parameter whose ";" is at `p`; NULL if it is none. */
static const char *read_param(const char *p, const char *end,
                              srf__uri_param_t *out)
{
    const char *name_end = skip(p + 1, end, PARAM);

    out->name = piece(p + 1, name_end);
    out->value = srf__str(NULL, 0);
    if (out->name.len == 0)
        return NULL;
    if (name_end == end || *name_end != '=')
        return name_end;
    const char *value_end = skip(name_end + 1, end, PARAM);
    out->value = piece(name_end + 1, value_end);
    return out->value.len == 0 ? NULL : value_end;
}

/* transport= of any spelling, escapes included. */
static void keep_transport(srf__str_t value, srf__uri_t *out)
{
    const char *p = value.p;
    const char *end = p + value.len;
    char plain[4]; /* no name we know is longer */
    size_t len = 0;

    while (p < end && len < sizeof(plain))
        plain[len++] = (char)srf__uri_take(&p, end);
    if (p == end)
        out->transport = (uint8_t)srf__transport_find(srf__str(plain, len));
    out->transport_unknown = out->transport == SRF__TRANSPORT_NONE;
}

/* A parameter stands at most once (RFC 3261 §19.1.1), and for these two that
 * matters: who reads another one would go elsewhere. */
static bool keep_maddr(srf__str_t value, srf__uri_t *out)
{
    uint8_t ip[16];
    uint8_t family;

    if (value.p == NULL || out->maddr.len > 0)
        return false;
    return read_host(value.p, value.p + value.len, &out->maddr, ip, &family) ==
           value.p + value.len;
}

/* Keeps what routing needs; false when that makes no sense. */
static bool keep_param(const srf__uri_param_t *param, srf__uri_t *out)
{
    if (name_is(param->name, "lr")) {
        out->lr = true;
    } else if (name_is(param->name, "transport")) {
        if (param->value.p == NULL || out->transport_unknown ||
            out->transport != SRF__TRANSPORT_NONE)
            return false;
        keep_transport(param->value, out);
    } else if (name_is(param->name, "maddr")) {
        return keep_maddr(param->value, out);
    } else if (name_is(param->name, SRF__MARK_PARAM)) {
        out->mark = param->value;
    }
    return true;
}

/* All of `p` to `end`: parameters, then headers. */
static bool read_tail(const char *p, const char *end, srf__uri_t *out)
{
    const char *params = p;
    srf__uri_param_t param;

    while (p < end && *p == ';') {
        p = read_param(p, end, &param);
        if (p == NULL)
            return false;
        if (out->scheme != SRF__SCHEME_TEL && !keep_param(&param, out))
            return false;
    }
    out->params = piece(params, p);
    if (p == end)
        return true;
    if (*p != '?' || out->scheme == SRF__SCHEME_TEL)
        return false;

    out->headers = piece(p + 1, end);
    /* headers = "?" header *( "&" header ); header = hname "=" hvalue */
    do {
        const char *name = p + 1;
        p = skip(name, end, HEADER);
        if (p == name || p == end || *p != '=')
            return false;
        p = skip(p + 1, end, HEADER);
    } while (p < end && *p == '&');
    return p == end;
}

static bool read_userinfo(const char *p, const char *at, srf__uri_t *out)
{
    const char *user_end = skip(p, at, USER);

    out->user = piece(p, user_end);
    out->has_user = true;
    if (user_end == p)
        return false;
    if (user_end == at)
        return true;
    if (*user_end != ':')
        return false;
    out->password = piece(user_end + 1, at);
    return skip(user_end + 1, at, PASSWORD) == at;
}

/* What stands behind "sip:" or "sips:". */
static bool read_sip(const char *p, const char *end, srf__uri_t *out)
{
    /* No "@" can stand in any other part. */
    const char *at = memchr(p, '@', (size_t)(end - p));

    if (at != NULL) {
        if (!read_userinfo(p, at, out))
            return false;
        p = at + 1;
    }
    p = read_host(p, end, &out->host, out->ip, &out->family);
    if (p != NULL && p < end && *p == ':')
        p = read_port(p + 1, end, &out->port);
    if (p == NULL)
        return false;
    out->params = piece(p, p);
    return p == end || read_tail(p, end, out);
}

/* What stands behind "tel:", RFC 3966 §3. INTEROP: a local number without
 * phone-context is tolerated; hardly anybody writes one. */
static bool read_tel(const char *p, const char *end, srf__uri_t *out)
{
    const char *begin = p;
    bool global = p < end && *p == '+';
    unsigned digits = 0;

    if (global)
        p++;
    for (; p < end && is(*p, PHONE); p++) {
        if (srf__is_digit((unsigned char)*p))
            digits++;
        else if (strchr("-.()", *p) != NULL)
            continue;
        else if (global)
            return false;
        else
            digits++;
    }
    out->user = piece(begin, p);
    return digits > 0 && read_tail(p, end, out);
}

/* Behind the scheme and its colon; NULL when there is no scheme. */
static const char *read_scheme(const char *p, const char *end, uint8_t *scheme)
{
    const char *begin = p;

    /* Nearly always. */
    if (end - p > 4 && memcmp(p, "sip:", 4) == 0) {
        *scheme = SRF__SCHEME_SIP;
        return p + 4;
    }
    if (p == end || !srf__is_alpha((unsigned char)*p))
        return NULL;
    while (p < end && is(*p, SCHEME))
        p++;
    if (p == end || *p != ':')
        return NULL;

    srf__str_t name = piece(begin, p);
    *scheme = SRF__SCHEME_OTHER;
    if (name_is(name, "sip"))
        *scheme = SRF__SCHEME_SIP;
    else if (name_is(name, "sips"))
        *scheme = SRF__SCHEME_SIPS;
    else if (name_is(name, "tel"))
        *scheme = SRF__SCHEME_TEL;
    return p + 1;
}

/* ------------------------------------------------------------------ */
/* Reading                                                             */
/* ------------------------------------------------------------------ */

int srf__uri_parse(srf__str_t text, srf__uri_t *out)
{
    bool good = false;

    memset(out, 0, sizeof(*out));
    out->text = text;
    if (text.len == 0)
        return SRF_ERR_INVALID_URI;
    const char *end = text.p + text.len;
    const char *p = read_scheme(text.p, end, &out->scheme);
    if (p == NULL)
        return SRF_ERR_INVALID_URI;
    switch ((srf__scheme_t)out->scheme) {
    case SRF__SCHEME_SIP:
    case SRF__SCHEME_SIPS:
        good = read_sip(p, end, out);
        break;
    case SRF__SCHEME_TEL:
        good = read_tel(p, end, out);
        break;
    case SRF__SCHEME_OTHER:
        good = p < end && skip(p, end, ABSOLUTE) == end;
        break;
    }
    return good ? 0 : SRF_ERR_INVALID_URI;
}

/* Behind the quoted string that begins at `p`; NULL when it is not closed. */
static const char *skip_quoted(const char *p, const char *end)
{
    for (p++; p < end; p++) {
        if (*p == '"')
            return p + 1;
        if (*p == '\\')
            p++;
    }
    return NULL;
}

/* The "<" of a name-addr; NULL when the value is none. An unquoted display name
 * is tokens (INTEROP: or bytes beyond ASCII) with white space in between, so
 * that a "<" in a quoted parameter behind an addr-spec is not mistaken. */
static const char *find_bracket(srf__str_t value)
{
    const char *p = value.p;
    const char *end = p + value.len;

    if (p < end && *p == '"') {
        p = skip_quoted(p, end);
        if (p == NULL)
            return NULL;
        srf__str_t rest = srf__str_trim(piece(p, end));
        return rest.len > 0 && *rest.p == '<' ? rest.p : NULL;
    }
    while (p < end && *p != '<') {
        unsigned char c = (unsigned char)*p;
        if (!srf__is_token_char(c) && !srf__is_blank(c) && c != '\r' &&
            c != '\n' && c < 0x80)
            return NULL;
        p++;
    }
    return p < end ? p : NULL;
}

/* The two parts of a name-addr or addr-spec, not judged yet. False when a
 * bracket is not closed or what is behind it is no parameter. */
static bool split_name_addr(srf__str_t value, srf__str_t *uri,
                            srf__str_t *params)
{
    const char *end;

    value = srf__str_trim(value);
    end = value.p + value.len;
    const char *open = find_bracket(value);
    if (open == NULL) {
        /* RFC 3261 §20.10: without brackets all parameters are the header's. */
        size_t len = srf__str_find(value, ';');
        *uri = srf__str_trim(srf__str(value.p, len));
        *params = srf__str(value.p + len, value.len - len);
        return true;
    }
    const char *close = memchr(open, '>', (size_t)(end - open));
    if (close == NULL)
        return false;
    *uri = piece(open + 1, close);
    *params = srf__str_trim(piece(close + 1, end));
    return params->len == 0 || params->p[0] == ';';
}

int srf__name_addr_parse(srf__str_t value, srf__uri_t *out, srf__str_t *params)
{
    srf__str_t uri;

    if (value.len == 0 || !split_name_addr(value, &uri, params)) {
        memset(out, 0, sizeof(*out));
        *params = srf__str(NULL, 0);
        return SRF_ERR_INVALID_URI;
    }
    return srf__uri_parse(uri, out);
}

bool srf__uri_param_next(srf__str_t *rest, srf__uri_param_t *out)
{
    if (rest->len == 0)
        return false;
    const char *end = rest->p + rest->len;
    const char *p = read_param(rest->p, end, out);
    if (p == NULL)
        return false;
    out->whole = piece(rest->p, p);
    *rest = piece(p, end);
    return true;
}

bool srf__uri_param_is(const srf__uri_param_t *param, const char *name)
{
    return name_is(param->name, name);
}

size_t srf__uri_param_write_name(const srf__uri_param_t *param, char *out)
{
    const char *p = param->name.p;
    const char *end = p + param->name.len;
    size_t len = 0;

    while (p < end) {
        const char *begin = p;
        unsigned char c = srf__uri_take(&p, end);
        if (c > ' ' && c < 0x7f && c != '%' && !srf__uri_is_reserved(c)) {
            out[len++] = (char)c;
            continue;
        }
        memcpy(out + len, begin, (size_t)(p - begin));
        len += (size_t)(p - begin);
    }
    return len;
}

bool srf__uri_is_sips(srf__str_t uri)
{
    return uri.len > 5 && srf__str_ieq(srf__str(uri.p, 5), SRF__STR("sips:"));
}

uint16_t srf__uri_port(const srf__uri_t *uri)
{
    if (uri->port != 0)
        return uri->port;
    /* RFC 3261 §19.1.2 */
    return uri->scheme == SRF__SCHEME_SIPS ||
                   uri->transport == SRF__TRANSPORT_TLS
               ? 5061
               : 5060;
}

/* ------------------------------------------------------------------ */
/* Targets                                                             */
/* ------------------------------------------------------------------ */

/* A host and a port look like a scheme: "host:5080;transport=udp". */
static bool has_scheme(srf__str_t text)
{
    const char *end = text.p + text.len;
    uint8_t scheme;
    const char *p = read_scheme(text.p, end, &scheme);

    if (p == NULL)
        return false;
    if (scheme != SRF__SCHEME_OTHER)
        return true;
    while (p < end && srf__is_digit((unsigned char)*p))
        p++;
    return p < end && *p != ';' && *p != '?';
}

int srf__target_normalize(const char *text, srf__buf_t *out, srf__uri_t *uri)
{
    srf__str_t value = srf__str_trim(srf__str_of(text));
    size_t mark = out->len;
    int err = 0;

    memset(uri, 0, sizeof(*uri));
    if (out->err != 0)
        return out->err;
    if (value.len == 0)
        return SRF_ERR_INVALID_URI;
    if (find_bracket(value) != NULL) {
        srf__str_t params;
        if (!split_name_addr(value, &value, &params) || params.len > 0)
            return SRF_ERR_INVALID_URI;
    }
    if (!has_scheme(value))
        srf__buf_add_text(out, "sip:");
    srf__buf_add_str(out, value);
    if (out->err != 0)
        return out->err;

    err = srf__uri_parse(srf__str(out->p + mark, out->len - mark), uri);
    if (err == 0 && uri->scheme == SRF__SCHEME_OTHER)
        err = SRF_ERR_UNSUPPORTED;
    /* RFC 3261 §19.1.1 table 1 */
    if (err == 0 && uri->headers.len > 0)
        err = SRF_ERR_INVALID_URI;
    if (err != 0)
        out->len = mark;
    return err;
}
