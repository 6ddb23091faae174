/*
 * The opening handshake.
 *
 * SPDX-License-Identifier: MIT
 */
#include "transport/ws_handshake.h"

#include "base/error.h"
#include "message/lines.h"
#include "message/scan.h"

#include <openssl/evp.h>

enum {
    SHA1_BYTES = 20,
    ACCEPT_CHARS = 28, /* these in base64 */
    KEY_CHARS = 24     /* 16 bytes in base64 */
};

/* RFC 6455 §1.3. */
static const srf__str_t guid =
    SRF__VIEW("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");

/* What the client asks for. Of repeated header fields what all say counts. */
typedef struct asked {
    srf__str_t key;
    srf__str_t version;
    srf__str_t origin;
    bool host;
    bool upgrade;    /* Upgrade: websocket */
    bool connection; /* Connection: Upgrade */
    bool sip;        /* Sec-WebSocket-Protocol: sip */
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
    for (size_t i = 0; i < bytes.len && bytes.p[i] != ' '; i++) {
        if (bytes.p[i] < 'A' || bytes.p[i] > 'Z' || i > 16)
            return false;
    }
    return true;
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

static bool lists(srf__str_t value, srf__str_t wanted)
{
    srf__str_t element;

    while (srf__list_next(&value, &element)) {
        if (srf__str_ieq(element, wanted))
            return true;
    }
    return false;
}

static void keep_once(asked_t *asked, srf__str_t *member, srf__str_t value)
{
    asked->repeated = asked->repeated || member->p != NULL;
    *member = value;
}

static void read_header(asked_t *asked, srf__str_t name, srf__str_t value)
{
    if (srf__str_ieq(name, SRF__STR("Host")))
        asked->host = true;
    else if (srf__str_ieq(name, SRF__STR("Upgrade")))
        asked->upgrade = asked->upgrade || lists(value, SRF__STR("websocket"));
    else if (srf__str_ieq(name, SRF__STR("Connection")))
        asked->connection =
            asked->connection || lists(value, SRF__STR("Upgrade"));
    else if (srf__str_ieq(name, SRF__STR("Sec-WebSocket-Protocol")))
        asked->sip = asked->sip || lists(value, SRF__STR("sip"));
    else if (srf__str_ieq(name, SRF__STR("Sec-WebSocket-Key")))
        keep_once(asked, &asked->key, value);
    else if (srf__str_ieq(name, SRF__STR("Sec-WebSocket-Version")))
        keep_once(asked, &asked->version, value);
    else if (srf__str_ieq(name, SRF__STR("Origin")))
        keep_once(asked, &asked->origin, value);
}

static bool read_headers(asked_t *asked, srf__str_t rest)
{
    srf__str_t line;

    while (next_line(&rest, &line)) {
        size_t colon = srf__str_find(line, ':');
        srf__str_t name = srf__str(line.p, colon);
        if (colon == 0 || colon == line.len ||
            memchr(line.p, '\0', line.len) != NULL)
            return false;
        for (size_t i = 0; i < colon; i++) {
            if (!srf__char_is(line.p[i], SRF__CHAR_TOKEN))
                return false;
        }
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

    return key.len == KEY_CHARS && key.p[KEY_CHARS - 1] == '=' &&
           key.p[KEY_CHARS - 2] == '=' && key.p[KEY_CHARS - 3] != '=' &&
           EVP_DecodeBlock(bytes, (const unsigned char *)key.p, KEY_CHARS) ==
               KEY_CHARS / 4 * 3;
}

static bool is_welcome(const srf__ws_settings_t *settings, srf__str_t origin)
{
    const char *const *at = settings->origins;

    /* Only browsers say where they come from (§10.2). */
    if (at == NULL || origin.p == NULL)
        return true;
    while (*at != NULL && !srf__str_ieq(origin, srf__str_of(*at)))
        at++;
    return *at != NULL;
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
static bool accept_key(srf__str_t key, srf__buf_t *reply)
{
    unsigned char text[KEY_CHARS + 36];
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned char encoded[ACCEPT_CHARS + 1];

    memcpy(text, key.p, KEY_CHARS);
    memcpy(text + KEY_CHARS, guid.p, guid.len);
    if (EVP_Digest(text, sizeof(text), hash, NULL, EVP_sha1(), NULL) != 1)
        return refuse(reply, "500 Internal Server Error", "",
                      "SHA-1 is not available");
    (void)EVP_EncodeBlock(encoded, hash, SHA1_BYTES);
    srf__buf_add_text(reply, "HTTP/1.1 101 Switching Protocols\r\n"
                             "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                             "Sec-WebSocket-Protocol: sip\r\n"
                             "Sec-WebSocket-Accept: ");
    srf__buf_add(reply, encoded, ACCEPT_CHARS);
    srf__buf_add_text(reply, "\r\n\r\n");
    return true;
}

/* "GET /any HTTP/1.1"; a higher minor version is as good. */
static bool is_request_line(srf__str_t line)
{
    const srf__str_t version = SRF__STR(" HTTP/1.1");

    return line.len > version.len + 4 &&
           memcmp(line.p + line.len - version.len, version.p, version.len) ==
               0 &&
           srf__str_find(line, ' ') < line.len - version.len;
}

bool srf__ws_greet(srf__str_t head, bool complete,
                   const srf__ws_settings_t *settings, srf__buf_t *reply)
{
    asked_t asked = {0};
    srf__str_t line;

    if (!srf__ws_may_be_http(head))
        return false;
    if (!complete)
        return refuse(reply, "431 Request Header Fields Too Large", "",
                      "header too long");
    if (!next_line(&head, &line) || !is_request_line(line) ||
        !read_headers(&asked, head) || !asked.host || asked.repeated)
        return refuse(reply, "400 Bad Request", "", "not understood");
    if (memcmp(line.p, "GET ", 4) != 0)
        return refuse(reply, "405 Method Not Allowed", "Allow: GET\r\n",
                      "only GET is served");
    if (!asked.upgrade || !asked.connection)
        return refuse(reply, "426 Upgrade Required", "Upgrade: websocket\r\n",
                      "this is a WebSocket server");
    if (!srf__str_eq(asked.version, SRF__STR("13")))
        return refuse(reply, "426 Upgrade Required",
                      "Sec-WebSocket-Version: 13\r\n",
                      "WebSocket version 13 is needed");
    if (!is_key(asked.key))
        return refuse(reply, "400 Bad Request", "", "bad Sec-WebSocket-Key");
    if (!asked.sip)
        return refuse(reply, "400 Bad Request", "",
                      "Sec-WebSocket-Protocol must offer sip");
    if (!is_welcome(settings, asked.origin))
        return refuse(reply, "403 Forbidden", "", "origin not allowed");
    return accept_key(asked.key, reply);
}
