/*
 * The opening handshake.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/ws_handshake.h"

#include "base/error.h"
#include "message/lines.h"
#include "message/scan.h"
#include "message/uri.h"

#include <openssl/evp.h>

enum {
    SHA1_BYTES = 20,
    ACCEPT_CHARS = 28, /* these in base64 */
    KEY_CHARS = 24,    /* 16 bytes in base64 */
    KEY_PADDING = 2,
    METHOD_MAX = 16,
    HTTP_PORT = 80,
    HTTPS_PORT = 443
};

/* RFC 6455 §1.3. */
static const srf__str_t guid =
    SRF__VIEW("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");

/* What the client asks for. Of repeated header fields what all say counts. */
typedef struct asked {
    srf__str_t key;
    srf__str_t version;
    srf__str_t origin;
    srf__str_t host;
    srf__str_t sip;  /* in Sec-WebSocket-Protocol, as written there */
    bool upgrade;    /* Upgrade: websocket */
    bool connection; /* Connection: Upgrade */
    bool repeated;   /* what may stand only once */
} asked_t;

size_t srf__ws_head_length(srf__str_t bytes, size_t *looked)
{
    size_t from = *looked < 3 ? 0 : *looked - 3;

    *looked = bytes.len;
    for (size_t i = from; i + 4 <= bytes.len; i++) {
        if (memcmp(bytes.p + i, "\r\n\r\n", 4) == 0)
            return i + 4 > SRF__WS_HEAD_MAX ? 0 : i + 4;
    }
    return 0;
}

bool srf__ws_may_be_http(srf__str_t bytes)
{
    size_t i = 0;

    while (i < bytes.len && i < METHOD_MAX && bytes.p[i] >= 'A' &&
           bytes.p[i] <= 'Z')
        i++;
    return i == bytes.len || (i > 0 && bytes.p[i] == ' ');
}

/* Cuts the line off the front, without its CRLF. */
static bool next_line(srf__str_t *rest, srf__str_t *line)
{
    size_t end = 0;

    while (end + 1 < rest->len &&
           (rest->p[end] != '\r' || rest->p[end + 1] != '\n'))
        end++;
    if (end == 0 || end + 1 >= rest->len)
        return false;
    *line = srf__str(rest->p, end);
    *rest = srf__str(rest->p + end + 2, rest->len - end - 2);
    return true;
}

/* The element as it is written; none: no pointer. */
static srf__str_t find_listed(srf__str_t value, srf__str_t wanted)
{
    srf__str_t element;

    while (srf__list_next(&value, &element)) {
        if (srf__str_ieq(element, wanted))
            return element;
    }
    return srf__str(NULL, 0);
}

static bool lists(srf__str_t value, srf__str_t wanted)
{
    return find_listed(value, wanted).p != NULL;
}

static void keep_once(asked_t *asked, srf__str_t *member, srf__str_t value)
{
    asked->repeated = asked->repeated || member->p != NULL;
    *member = value;
}

static void keep_first(srf__str_t *member, srf__str_t value)
{
    if (member->p == NULL)
        *member = value;
}

static void read_header(asked_t *asked, srf__str_t name, srf__str_t value)
{
    if (srf__str_ieq(name, SRF__STR("Host")))
        keep_once(asked, &asked->host, value);
    else if (srf__str_ieq(name, SRF__STR("Upgrade")))
        asked->upgrade = asked->upgrade || lists(value, SRF__STR("websocket"));
    else if (srf__str_ieq(name, SRF__STR("Connection"))) {
        asked->connection =
            asked->connection || lists(value, SRF__STR("Upgrade"));
    } else if (srf__str_ieq(name, SRF__STR("Sec-WebSocket-Protocol"))) {
        keep_first(&asked->sip, find_listed(value, SRF__STR("sip")));
    } else if (srf__str_ieq(name, SRF__STR("Sec-WebSocket-Key"))) {
        keep_once(asked, &asked->key, value);
    } else if (srf__str_ieq(name, SRF__STR("Sec-WebSocket-Version"))) {
        keep_once(asked, &asked->version, value);
    } else if (srf__str_ieq(name, SRF__STR("Origin"))) {
        keep_once(asked, &asked->origin, value);
    }
}

/* RFC 9110 §5.6.2; a token of SIP has fewer. */
static bool is_token(srf__str_t name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!srf__char_is(name.p[i], SRF__CHAR_TOKEN) &&
            memchr("#$&^|", name.p[i], 5) == NULL)
            return false;
    }
    return name.len > 0;
}

/* What another reader could take for the end of the line, or of all (RFC 9110
 * §5.5). */
static bool has_ends_inside(srf__str_t line)
{
    return srf__str_find(line, '\0') != line.len ||
           srf__str_find(line, '\r') != line.len ||
           srf__str_find(line, '\n') != line.len;
}

static bool read_headers(asked_t *asked, srf__str_t rest)
{
    srf__str_t line;

    while (next_line(&rest, &line)) {
        size_t colon = srf__str_find(line, ':');
        srf__str_t name = srf__str(line.p, colon);
        if (colon == line.len || !is_token(name) || has_ends_inside(line))
            return false;
        read_header(
            asked, name,
            srf__str_trim(srf__str(line.p + colon + 1, line.len - colon - 1)));
    }
    return true;
}

/* 16 bytes in base64, §4.1. */
static bool is_key(srf__str_t key)
{
    unsigned char bytes[KEY_CHARS];

    /* The decoder takes padding anywhere. */
    return key.len == KEY_CHARS && key.p[KEY_CHARS - 1] == '=' &&
           srf__str_find(key, '=') == KEY_CHARS - KEY_PADDING &&
           EVP_DecodeBlock(bytes, (const unsigned char *)key.p, KEY_CHARS) ==
               KEY_CHARS / 4 * 3;
}

/* ---- origins ---- */

/* `HOST[:PORT]` of an origin or a Host field, cut in two. */
typedef struct place {
    srf__str_t host; /* IPv6 in brackets */
    uint32_t port;
} place_t;

/* Without a port it is the default one (RFC 9110 §4.2.1, §4.2.2). */
static bool read_place(srf__str_t text, uint32_t default_port, place_t *out)
{
    size_t end =
        text.len > 0 && text.p[0] == '[' ? srf__str_find(text, ']') : 0;

    while (end < text.len && text.p[end] != ':')
        end++;
    out->host = srf__str(text.p, end);
    out->port = default_port;
    return end > 0 &&
           (end + 1 >= text.len ||
            srf__str_to_u32(srf__str(text.p + end + 1, text.len - end - 1),
                            UINT16_MAX, &out->port));
}

/* Names by their letters, addresses by their bytes. */
static bool is_host_eq(srf__str_t a, srf__str_t b)
{
    uint8_t x[16] = {0};
    uint8_t y[16] = {0};
    int family = srf__host_to_ip(a, x);

    return srf__str_ieq(a, b) ||
           (family != 0 && srf__host_to_ip(b, y) == family &&
            memcmp(x, y, sizeof(x)) == 0);
}

/* Cuts "https://" or "http://" off the front. */
static bool take_scheme(srf__str_t *origin, bool *secure)
{
    static const srf__str_t schemes[] = {SRF__VIEW("http://"),
                                         SRF__VIEW("https://")};

    for (unsigned i = 0; i < 2; i++) {
        size_t len = schemes[i].len;
        if (origin->len < len ||
            !srf__str_ieq(srf__str(origin->p, len), schemes[i]))
            continue;
        *secure = i == 1;
        *origin = srf__str(origin->p + len, origin->len - len);
        return true;
    }
    return false;
}

/* The page is from the host and the port that it connects to (RFC 6454 §5). The
 * scheme has to fit where it is known: what came in plain may have been secure
 * as far as something in front of us. */
static bool is_same_host(const srf__ws_settings_t *settings,
                         const asked_t *asked)
{
    srf__str_t origin = asked->origin;
    place_t from;
    place_t here;
    bool secure;

    if (!take_scheme(&origin, &secure) || (settings->secure && !secure))
        return false;
    uint32_t port = secure ? HTTPS_PORT : HTTP_PORT;
    return read_place(origin, port, &from) &&
           read_place(asked->host, port, &here) && from.port == here.port &&
           is_host_eq(from.host, here.host);
}

static bool is_listed(const char *const *at, srf__str_t origin)
{
    while (*at != NULL && strcmp(*at, "*") != 0 &&
           !srf__str_ieq(origin, srf__str_of(*at)))
        at++;
    return *at != NULL;
}

/* A server that serves not every page verifies the origin (RFC 6455 §4.2.2,
 * §10.2): else each page a user visits could speak SIP from within the network
 * of the user. Browsers always name it (§4.1); who names none is no browser,
 * and could name what it likes. */
static bool is_welcome(const srf__ws_settings_t *settings, const asked_t *asked)
{
    if (asked->origin.p == NULL)
        return true;
    return settings->origins == NULL
               ? is_same_host(settings, asked)
               : is_listed(settings->origins, asked->origin);
}

static bool refuse(srf__buf_t *reply, const char *status, const char *lines,
                   const char *why)
{
    srf__buf_add_text(reply, "HTTP/1.1 ");
    srf__buf_add_text(reply, status);
    srf__buf_add_text(reply, "\r\n");
    srf__buf_add_text(reply, lines);
    srf__buf_add_text(reply, "Connection: close\r\n"
                             "Content-Type: text/plain\r\nContent-Length: ");
    srf__buf_add_u64(reply, strlen(why) + 1);
    srf__buf_add_text(reply, "\r\n\r\n");
    srf__buf_add_text(reply, why);
    srf__buf_add_char(reply, '\n');
    return false;
}

/* §4.2.2: what proves that the key was read. */
static bool accept_key(const asked_t *asked, srf__buf_t *reply)
{
    unsigned char text[KEY_CHARS + 36];
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned char encoded[ACCEPT_CHARS + 1];

    memcpy(text, asked->key.p, KEY_CHARS);
    memcpy(text + KEY_CHARS, guid.p, guid.len);
    if (EVP_Digest(text, sizeof(text), hash, NULL, EVP_sha1(), NULL) != 1)
        return refuse(reply, "500 Internal Server Error", "",
                      "SHA-1 is not available");
    (void)EVP_EncodeBlock(encoded, hash, SHA1_BYTES);
    srf__buf_add_text(reply, "HTTP/1.1 101 Switching Protocols\r\n"
                             "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                             "Sec-WebSocket-Accept: ");
    srf__buf_add(reply, encoded, ACCEPT_CHARS);
    /* A client compares with what it sent (§4.2.2). */
    srf__buf_add_text(reply, "\r\nSec-WebSocket-Protocol: ");
    srf__buf_add_str(reply, asked->sip);
    srf__buf_add_text(reply, "\r\n\r\n");
    return true;
}

/* "GET /any HTTP/1.1"; a higher minor version is as good. */
static bool read_request_line(srf__str_t line, srf__str_t *method)
{
    const srf__str_t version = SRF__STR(" HTTP/1.");

    size_t space = srf__str_find(line, ' ');
    if (space + 1 + version.len + 1 >= line.len || has_ends_inside(line))
        return false;
    size_t end = line.len - version.len - 1;
    srf__str_t target = srf__str(line.p + space + 1, end - space - 1);
    char minor = line.p[line.len - 1];
    *method = srf__str(line.p, space);
    return memcmp(line.p + end, version.p, version.len) == 0 && minor >= '1' &&
           minor <= '9' && srf__str_find(target, ' ') == target.len;
}

/* RFC 9110 §15.5.22, §7.8. */
#define UPGRADE_LINES "Upgrade: websocket\r\nConnection: Upgrade\r\n"

bool srf__ws_greet(srf__str_t head, bool complete,
                   const srf__ws_settings_t *settings, srf__buf_t *reply,
                   srf__str_t *origin)
{
    asked_t asked = {0};
    srf__str_t line;
    srf__str_t method;

    *origin = srf__str(NULL, 0);
    if (!srf__ws_may_be_http(head))
        return false;
    if (!complete)
        return refuse(reply, "431 Request Header Fields Too Large", "",
                      "header too long");
    if (!next_line(&head, &line) || !read_request_line(line, &method) ||
        !read_headers(&asked, head) || asked.host.p == NULL || asked.repeated)
        return refuse(reply, "400 Bad Request", "", "not understood");
    if (!srf__str_eq(method, SRF__STR("GET")))
        return refuse(reply, "405 Method Not Allowed", "Allow: GET\r\n",
                      "only GET is served");
    if (!asked.upgrade || !asked.connection)
        return refuse(reply, "426 Upgrade Required", UPGRADE_LINES,
                      "this is a WebSocket server");
    if (!srf__str_eq(asked.version, SRF__STR("13"))) {
        return refuse(reply, "426 Upgrade Required",
                      UPGRADE_LINES "Sec-WebSocket-Version: 13\r\n",
                      "WebSocket version 13 is needed");
    }
    if (!is_key(asked.key))
        return refuse(reply, "400 Bad Request", "", "bad Sec-WebSocket-Key");
    if (asked.sip.p == NULL)
        return refuse(reply, "400 Bad Request", "",
                      "Sec-WebSocket-Protocol must offer sip");
    if (!is_welcome(settings, &asked)) {
        *origin = asked.origin;
        return refuse(reply, "403 Forbidden", "", "origin not allowed");
    }
    return accept_key(&asked, reply);
}
