/*
 * The opening handshake of a WebSocket, as the server sees it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "transport/ws_handshake.h"
#include "ws_server.h"

#include <stdio.h>
#include <string.h>

static void expect_status(unsigned wanted, const char *line)
{
    unsigned status;
    char text[1024] = "";

    ck_assert_uint_eq(server.event_count, 2);
    ck_assert_int_eq(server.events[0].what, SRF__WS_SEND);
    ck_assert_int_eq(server.events[1].what, SRF__WS_CLOSE);
    size_t head =
        ws_client_read_response(server.said, server.said_len, &status);
    ck_assert_uint_eq(status, wanted);
    ck_assert_uint_lt(server.said_len, sizeof(text));
    memcpy(text, server.said, server.said_len);
    ck_assert_msg(strstr(text, line) != NULL, "no %s in %s", line, text);
    ck_assert_ptr_nonnull(strstr(text, "Connection: close\r\n"));
    unsigned length = 0;
    const char *field = strstr(text, "Content-Length: ");
    ck_assert_ptr_nonnull(field);
    ck_assert_int_eq(sscanf(field, "Content-Length: %u", &length), 1);
    ck_assert_uint_eq(server.said_len - head, length);
    ck_assert(!srf__ws_is_open(server.ws));
}

static void expect_welcome(void)
{
    unsigned status;

    ck_assert_uint_eq(server.event_count, 1);
    ck_assert_uint_eq(
        ws_client_read_response(server.said, server.said_len, &status),
        server.said_len);
    ck_assert_uint_eq(status, 101);
    ck_assert(srf__ws_is_open(server.ws));
}

START_TEST(a_handshake_is_answered_with_the_proof)
{
    static const char response[] =
        "HTTP/1.1 101 Switching Protocols\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " WS_CLIENT_ACCEPT "\r\n"
        "Sec-WebSocket-Protocol: sip\r\n\r\n";

    ck_assert(!srf__ws_is_open(server.ws));
    ws_server_feed_text(WS_CLIENT_HANDSHAKE);
    ws_server_expect(0, SRF__WS_SEND, response, sizeof(response) - 1);
    expect_welcome();
    ck_assert(!srf__ws_has_partial(server.ws));
}
END_TEST

static const char *const welcome[] = {
    /* names, tokens and lists */
    "GET /a/b?c HTTP/1.1\r\nhOST:h\r\nupgrade:\tWebSocket \r\n"
    "CONNECTION: keep-alive , uPgrade\r\nsec-websocket-version: 13\r\n"
    "sec-WebSocket-key:" WS_CLIENT_KEY "\r\n"
    "sec-websocket-PROTOCOL: ,xmpp,sip\r\n\r\n",
    /* repeated fields */
    "GET / HTTP/1.1\r\nUpgrade: h2c\r\nConnection: keep-alive\r\n"
    "Connection:\r\nSec-WebSocket-Protocol: xmpp, sips\r\n"
    "Sec-WebSocket-Protocol: sip\r\n"
    "Sec-WebSocket-Protocol: mqtt\r\n" WS_CLIENT_HEADERS
    "Upgrade: h2c\r\nConnection: close\r\n\r\n",
    /* what HTTP allows and SIP does not */
    "GET http://sip.example.com/ HTTP/1.9\r\n" WS_CLIENT_HEADERS
    "X#$&^|: \x80 \xff\"<\r\nX-Empty:\r\n"
    "Origin: http://sip.example.com\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate\r\n"
    "Sec-WebSocket-Protocol: sip\r\n\r\n",
};

START_TEST(a_handshake_may_be_written_in_many_ways)
{
    ws_server_feed_text(welcome[_i]);
    expect_welcome();
}
END_TEST

START_TEST(the_protocol_is_answered_as_it_was_offered)
{
    ws_server_feed_text("GET / HTTP/1.1\r\n" WS_CLIENT_HEADERS
                        "Sec-WebSocket-Protocol: SIP\r\n\r\n");
    expect_welcome();
    server.said[server.said_len] = '\0';
    ck_assert_ptr_nonnull(
        strstr(server.said, "\r\nSec-WebSocket-Protocol: SIP\r\n"));
}
END_TEST

#define SIP_OFFERED "Sec-WebSocket-Protocol: sip\r\n"
#define NO_VERSION                                     \
 "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n" \
 "Connection: Upgrade\r\nSec-WebSocket-Key: " WS_CLIENT_KEY "\r\n" SIP_OFFERED
#define NO_KEY                                         \
 "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n" \
 "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" SIP_OFFERED
#define WITH(line) \
 "GET / HTTP/1.1\r\n" WS_CLIENT_HEADERS SIP_OFFERED line "\r\n"

static const struct {
    const char *request;
    unsigned status;
    const char *line;
} refusals[] = {
    {"POST / HTTP/1.1\r\n" WS_CLIENT_HEADERS SIP_OFFERED "\r\n", 405,
     "\r\nAllow: GET\r\n"},
    {"GETS / HTTP/1.1\r\n" WS_CLIENT_HEADERS SIP_OFFERED "\r\n", 405, ""},
    {"GET / HTTP/1.0\r\n" WS_CLIENT_HEADERS SIP_OFFERED "\r\n", 400, ""},
    {"GET / HTTP/2.0\r\n" WS_CLIENT_HEADERS SIP_OFFERED "\r\n", 400, ""},
    {"GET / HTTP/1.1x\r\n" WS_CLIENT_HEADERS SIP_OFFERED "\r\n", 400, ""},
    {"GET / HTTP/1.x\r\n" WS_CLIENT_HEADERS SIP_OFFERED "\r\n", 400, ""},
    {"GET  HTTP/1.1\r\n" WS_CLIENT_HEADERS SIP_OFFERED "\r\n", 400, ""},
    {"GET /a b HTTP/1.1\r\n" WS_CLIENT_HEADERS SIP_OFFERED "\r\n", 400, ""},
    {"GET /a\nb HTTP/1.1\r\n" WS_CLIENT_HEADERS SIP_OFFERED "\r\n", 400, ""},
    {"GET /\r\n\r\n", 400, ""},
    {"GET HTTP/1.1\r\n\r\n", 400, ""},
    {"GET \r\n\r\n", 400, ""},
    {"INVITE sip:a@example.com SIP/2.0\r\nHost: h\r\n\r\n", 400, ""},
    /* fields */
    {"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", 400, ""}, /* no host */
    {WITH("Host: other\r\n"), 400, ""},
    {WITH("no colon\r\n"), 400, ""},
    {WITH(": no name\r\n"), 400, ""},
    {WITH("X : blank\r\n"), 400, ""},
    {WITH("X: a\r\n folded\r\n"), 400, ""},
    {WITH("X: a\nY: b\r\n"), 400, ""},
    {WITH("X: a\rY: b\r\n"), 400, ""},
    {WITH("Sec-WebSocket-Key: " WS_CLIENT_KEY "\r\n"), 400, ""},
    {WITH("Sec-WebSocket-Version: 13\r\n"), 400, ""},
    {WITH("Origin: a\r\nOrigin: b\r\n"), 400, ""},
    /* no WebSocket is asked for */
    {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", 426, "\r\nUpgrade: websocket\r\n"},
    {"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n\r\n", 426,
     "\r\nConnection: Upgrade\r\n"},
    {"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n"
     "Connection: Upgraded\r\n\r\n",
     426, ""},
    /* versions */
    {NO_VERSION "\r\n", 426, "\r\nSec-WebSocket-Version: 13\r\n"},
    {NO_VERSION "Sec-WebSocket-Version: 8\r\n\r\n", 426,
     "\r\nUpgrade: websocket\r\n"},
    {NO_VERSION "Sec-WebSocket-Version: 8, 13\r\n\r\n", 426, ""},
    /* keys */
    {NO_KEY "\r\n", 400, "Sec-WebSocket-Key"},
    {NO_KEY "Sec-WebSocket-Key:\r\n\r\n", 400, "Sec-WebSocket-Key"},
    {NO_KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n\r\n", 400, ""},
    {NO_KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZTA=\r\n\r\n", 400, ""},
    {NO_KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\tx\r\n\r\n", 400, ""},
    {NO_KEY "Sec-WebSocket-Key: dGhlIHNhbX=sZSBub25jZQ==\r\n\r\n", 400, ""},
    {NO_KEY "Sec-WebSocket-Key: dGhlIHNhbX*sZSBub25jZQ==\r\n\r\n", 400, ""},
    {NO_KEY "Sec-WebSocket-Key: dGhlIHNhbX sZSBub25jZQ==\r\n\r\n", 400, ""},
    /* protocols */
    {"GET / HTTP/1.1\r\n" WS_CLIENT_HEADERS "\r\n", 400,
     "Sec-WebSocket-Protocol must offer sip"},
    {"GET / HTTP/1.1\r\n" WS_CLIENT_HEADERS
     "Sec-WebSocket-Protocol: sips, xsip\r\n\r\n",
     400, "Sec-WebSocket-Protocol must offer sip"},
};

START_TEST(what_is_no_good_handshake_is_refused)
{
    ws_server_feed_text(refusals[_i].request);
    expect_status(refusals[_i].status, refusals[_i].line);
    ws_server_feed_text(WS_CLIENT_HANDSHAKE);
    ck_assert_uint_eq(server.event_count, 3);
    ws_server_expect(2, SRF__WS_CLOSE, NULL, 0);
}
END_TEST

START_TEST(a_zero_byte_in_the_handshake_is_refused)
{
    ws_server_add_text(WITH("X: a0b\r\n"));
    *strstr(server.bytes, "a0b\r\n") = '\0';
    ws_server_feed_all();
    expect_status(400, "");
}
END_TEST

static const struct {
    const char *line;
    bool listed;
} origins[] = {
    {"", true}, /* no browser */
    {"Origin: https://a.example.com\r\n", true},
    {"Origin: HTTPS://B.example.com:8443\r\n", true},
    {"Origin: https://sip.example.com\r\n", false},
    {"Origin: https://a.example.com:444\r\n", false},
    {"Origin: https://a.example.com.evil.example\r\n", false},
    {"Origin: *\r\n", false},
    {"Origin: null\r\n", false},
    {"Origin:\r\n", false},
};

START_TEST(browsers_come_from_listed_origins)
{
    static const char *const list[] = {"https://a.example.com",
                                       "https://b.example.com:8443", NULL};
    char request[1024];

    snprintf(request, sizeof(request), WITH("%s"), origins[_i].line);
    server.settings.origins = list;
    ws_server_restart();
    ws_server_feed_text(request);
    if (origins[_i].listed)
        expect_welcome();
    else
        expect_status(403, "origin");
}
END_TEST

START_TEST(a_star_lets_browsers_come_from_anywhere)
{
    static const char *const list[] = {"https://c.example.com", "*", NULL};
    char request[1024];

    snprintf(request, sizeof(request), WITH("%s"), origins[_i].line);
    server.settings.origins = list;
    server.settings.secure = true;
    ws_server_restart();
    ws_server_feed_text(request);
    expect_welcome();
}
END_TEST

START_TEST(an_empty_list_lets_no_browser_in)
{
    static const char *const list[] = {NULL};

    server.settings.origins = list;
    ws_server_restart();
    ws_server_feed_text(WITH("Origin: http://sip.example.com\r\n"));
    expect_status(403, "origin");
    ws_server_restart();
    ws_server_feed_text(WS_CLIENT_HANDSHAKE);
    expect_welcome();
}
END_TEST

/* What a browser says, and whether it is let in where no list is given: on a
 * plain listener, on a secure one. */
static const struct {
    const char *host;
    const char *origin; /* NULL: none */
    bool plain;
    bool secure;
} pages[] = {
    {"sip.example.com", NULL, true, true},
    {"sip.example.com", "https://sip.example.com", true, true},
    {"sip.example.com", "http://sip.example.com", true, false},
    /* case, default ports */
    {"SIP.example.COM", "HTTPS://sip.EXAMPLE.com", true, true},
    {"sip.example.com:443", "https://sip.example.com", true, true},
    {"sip.example.com", "https://sip.example.com:443", true, true},
    {"sip.example.com:", "https://sip.example.com", true, true},
    {"sip.example.com:80", "http://sip.example.com", true, false},
    {"sip.example.com:8443", "https://sip.example.com:8443", true, true},
    {"sip.example.com:08443", "https://sip.example.com:8443", true, true},
    {"sip.example.com:80", "https://sip.example.com", false, false},
    {"sip.example.com:8443", "https://sip.example.com", false, false},
    {"sip.example.com", "https://sip.example.com:8443", false, false},
    /* other hosts */
    {"sip.example.com", "https://evil.example", false, false},
    {"sip.example.com", "https://sip.example.com.evil.example", false, false},
    {"sip.example.com", "https://evil-sip.example.com", false, false},
    {"sip.example.com", "https://example.com", false, false},
    {"sip.example.com", "https://sip.example", false, false},
    {"sip.example.com", "https://sip.example.com@evil.example", false, false},
    {"sip.example.com", "https://evil.example/sip.example.com", false, false},
    {"sip.example.com", "https://sip.example.com/", false, false},
    {"sip.example.com", "https://sip.example.com https://x", false, false},
    {"", "https://", false, false},
    {":443", "https://:443", false, false},
    /* no origin of a page */
    {"sip.example.com", "", false, false},
    {"sip.example.com", "null", false, false},
    {"sip.example.com", "*", false, false},
    {"sip.example.com", "sip.example.com", false, false},
    {"sip.example.com", "file://sip.example.com", false, false},
    {"sip.example.com", "https:/sip.example.com", false, false},
    {"sip.example.com:x", "https://sip.example.com:x", false, false},
    {"sip.example.com:65536", "https://sip.example.com:65536", false, false},
    {"sip.example.com:443:443", "https://sip.example.com", false, false},
    /* addresses */
    {"192.0.2.1:8443", "https://192.0.2.1:8443", true, true},
    {"192.0.2.1", "https://192.0.2.10", false, false},
    {"[2001:db8::1]", "https://[2001:DB8:0::1]", true, true},
    {"[2001:db8::1]:443", "https://[2001:db8:0:0:0:0:0:1]", true, true},
    {"[2001:db8::1]:8443", "https://[2001:db8::1]:8443", true, true},
    {"[2001:db8::1]", "https://[2001:db8::2]", false, false},
    {"[2001:db8::1", "https://[2001:db8::1]", false, false},
    {"[::1]", "https://127.0.0.1", false, false},
};

START_TEST(browsers_come_from_the_host_they_connect_to)
{
    const char *origin = pages[_i].origin;
    char request[1024];

    snprintf(request, sizeof(request),
             "GET / HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"
             "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: " WS_CLIENT_KEY "\r\n" SIP_OFFERED
             "%s%s%s\r\n",
             pages[_i].host,
             origin == NULL ? "" : "Origin: ", origin == NULL ? "" : origin,
             origin == NULL ? "" : "\r\n");
    for (unsigned secure = 0; secure < 2; secure++) {
        server.settings.secure = secure == 1;
        ws_server_restart();
        ws_server_feed_text(request);
        if (secure == 1 ? pages[_i].secure : pages[_i].plain)
            expect_welcome();
        else
            expect_status(403, "origin");
    }
}
END_TEST

START_TEST(it_is_known_which_origin_was_not_welcome)
{
    srf__str_t origin;

    ws_server_feed_text(WITH("Origin: https://evil.example\r\n"));
    expect_status(403, "origin");
    ck_assert(srf__ws_is_unwelcome(server.ws, &origin));
    ck_assert_uint_eq(origin.len, strlen("https://evil.example"));
    ck_assert_mem_eq(origin.p, "https://evil.example", origin.len);
    ws_server_restart();
    ws_server_feed_text(WITH("Origin:\r\n"));
    ck_assert(srf__ws_is_unwelcome(server.ws, &origin));
    ck_assert_uint_eq(origin.len, 0);
    ws_server_restart();
    ws_server_feed_text("POST / HTTP/1.1\r\nOrigin: x\r\n\r\n");
    ck_assert(!srf__ws_is_unwelcome(server.ws, &origin));
}
END_TEST

/* A handshake of that many bytes. */
static void add_long_handshake(size_t len)
{
    const size_t rest = strlen(WITH("X: \r\n"));

    ws_server_add_text("GET / HTTP/1.1\r\n" WS_CLIENT_HEADERS SIP_OFFERED
                       "X: ");
    memset(server.bytes + server.bytes_len, 'x', len - rest);
    server.bytes_len += len - rest;
    ws_server_add_text("\r\n\r\n");
    ck_assert_uint_eq(server.bytes_len, len);
}

START_TEST(a_handshake_is_as_long_as_the_limit_at_most)
{
    add_long_handshake(SRF__WS_HEAD_MAX);
    ws_server_feed_all();
    expect_welcome();
    ws_server_restart();
    add_long_handshake(SRF__WS_HEAD_MAX + 1);
    ws_server_feed_all();
    expect_status(431, "");
}
END_TEST

START_TEST(a_handshake_that_does_not_end_is_refused_at_the_limit)
{
    add_long_handshake(SRF__WS_HEAD_MAX + 100);
    for (size_t i = 0; i < SRF__WS_HEAD_MAX; i++)
        ck_assert_int_eq(ws_server_feed(server.bytes + i, 1), 0);
    ck_assert_uint_eq(server.event_count, 0);
    ck_assert(srf__ws_has_partial(server.ws));
    ck_assert_int_eq(ws_server_feed(server.bytes + SRF__WS_HEAD_MAX, 1), 0);
    expect_status(431, "");
    ck_assert(!srf__ws_has_partial(server.ws));
}
END_TEST

static const char *const garbage[] = {
    "\x16\x03\x01",  "\r\n\r\n",          " / HTTP/1.1", "get / HTTP/1.1",
    "GET/ HTTP/1.1", "ABCDEFGHIJKLMNOPQ", "\x81\x85",
};

START_TEST(what_is_not_http_gets_no_answer)
{
    for (unsigned step = 0; step < 2; step++) {
        for (size_t i = 0; i < strlen(garbage[_i]) && !ws_server_is_closed();
             i++) {
            if (step == 0)
                ws_server_feed_text(garbage[_i]);
            else
                ck_assert_int_eq(ws_server_feed(garbage[_i] + i, 1), 0);
        }
        ck_assert_uint_eq(server.event_count, 1);
        ws_server_expect(0, SRF__WS_CLOSE, NULL, 0);
        ck_assert(!srf__ws_is_open(server.ws));
        ws_server_restart();
    }
}
END_TEST

START_TEST(frames_may_follow_the_handshake_at_once)
{
    ws_server_add_text(WS_CLIENT_HANDSHAKE);
    ws_server_add_frame(WS_FIN | WS_TEXT, "hello", 5);
    ws_server_feed_all();
    ck_assert_uint_eq(server.event_count, 2);
    ws_server_expect(1, SRF__WS_MESSAGE, "hello", 5);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

int main(void)
{
    Suite *suite = suite_create("ws_handshake");
    TCase *tcase = tcase_create("ws_handshake");

    tcase_add_checked_fixture(tcase, ws_server_set_up, ws_server_tear_down);
    tcase_add_test(tcase, a_handshake_is_answered_with_the_proof);
    tcase_add_loop_test(tcase, a_handshake_may_be_written_in_many_ways, 0,
                        COUNT(welcome));
    tcase_add_test(tcase, the_protocol_is_answered_as_it_was_offered);
    tcase_add_loop_test(tcase, what_is_no_good_handshake_is_refused, 0,
                        COUNT(refusals));
    tcase_add_test(tcase, a_zero_byte_in_the_handshake_is_refused);
    tcase_add_loop_test(tcase, browsers_come_from_listed_origins, 0,
                        COUNT(origins));
    tcase_add_loop_test(tcase, a_star_lets_browsers_come_from_anywhere, 0,
                        COUNT(origins));
    tcase_add_test(tcase, an_empty_list_lets_no_browser_in);
    tcase_add_loop_test(tcase, browsers_come_from_the_host_they_connect_to, 0,
                        COUNT(pages));
    tcase_add_test(tcase, it_is_known_which_origin_was_not_welcome);
    tcase_add_test(tcase, a_handshake_is_as_long_as_the_limit_at_most);
    tcase_add_test(tcase,
                   a_handshake_that_does_not_end_is_refused_at_the_limit);
    tcase_add_loop_test(tcase, what_is_not_http_gets_no_answer, 0,
                        COUNT(garbage));
    tcase_add_test(tcase, frames_may_follow_the_handshake_at_once);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
