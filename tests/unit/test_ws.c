/*
 * WebSocket frames, as the server reads and writes them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "ws_server.h"

#include <string.h>

/* ---- messages ---- */

static const size_t lengths[] = {
    0, 1, 2, 125, 126, 127, 65535, 65536, WS_SERVER_LIMIT};

START_TEST(messages_of_any_length_are_unmasked)
{
    static char payload[WS_SERVER_LIMIT];

    ws_server_open();
    for (size_t i = 0; i < lengths[_i]; i++)
        payload[i] = (char)('a' + i % 23);
    ws_server_add_frame(WS_FIN | WS_TEXT, payload, lengths[_i]);
    payload[0] = (char)0xff;
    ws_server_add_frame(WS_FIN | WS_BINARY, payload, lengths[_i]);
    ws_server_feed_all();
    ck_assert_uint_eq(server.event_count, 2);
    ws_server_expect(1, SRF__WS_MESSAGE, payload, lengths[_i]);
    payload[0] = 'a';
    ws_server_expect(0, SRF__WS_MESSAGE, payload, lengths[_i]);
    ck_assert(!srf__ws_has_partial(server.ws));
}
END_TEST

START_TEST(fragments_make_one_message_and_control_frames_go_between)
{
    ws_server_open();
    ws_server_feed_frame(WS_TEXT, "one ", 4);
    ck_assert(srf__ws_has_partial(server.ws));
    ws_server_feed_frame(WS_FIN | WS_PING, "alive?", 6);
    ws_server_feed_frame(WS_CONTINUATION, NULL, 0);
    ws_server_feed_frame(WS_FIN | WS_PONG, "x", 1);
    ws_server_feed_frame(WS_CONTINUATION, "two ", 4);
    ws_server_feed_frame(WS_FIN | WS_CONTINUATION, "three", 5);
    ck_assert(!srf__ws_has_partial(server.ws));
    ws_server_feed_frame(WS_FIN | WS_BINARY, "next", 4);
    ck_assert_uint_eq(server.event_count, 3);
    ws_server_expect_frame(0, WS_PONG, "alive?", 6);
    ws_server_expect(1, SRF__WS_MESSAGE, "one two three", 13);
    ws_server_expect(2, SRF__WS_MESSAGE, "next", 4);
}
END_TEST

static void add_conversation(void)
{
    char long_text[300];

    memset(long_text, 'l', sizeof(long_text));
    ws_server_add_text(WS_CLIENT_HANDSHAKE);
    ws_server_add_frame(WS_FIN | WS_TEXT, "\r\n\r\n", 4);
    ws_server_add_frame(WS_TEXT, "\xe2\x82", 2);
    ws_server_add_frame(WS_FIN | WS_PING, "ping", 4);
    ws_server_add_frame(WS_CONTINUATION, "\xac", 1);
    ws_server_add_frame(WS_FIN | WS_CONTINUATION, long_text, sizeof(long_text));
    ws_server_add_frame(WS_FIN | WS_PONG, "pong", 4);
    ws_server_add_frame(WS_FIN | WS_BINARY, "\xff", 1);
    server.bytes_len += ws_client_close(server.bytes + server.bytes_len, 1000);
    ws_server_add_text("behind the end");
}

/* Pieces of `size` bytes behind a first one. */
static void feed_cut(size_t first, size_t size)
{
    size_t at = first;

    ck_assert_int_eq(ws_server_feed(server.bytes, first), 0);
    for (; at < server.bytes_len && !ws_server_is_closed(); at += size) {
        size_t left = server.bytes_len - at;
        ck_assert_int_eq(
            ws_server_feed(server.bytes + at, size < left ? size : left), 0);
    }
}

START_TEST(a_conversation_may_be_cut_anywhere)
{
    static char first_said[4096];
    ws_event_t first_events[WS_SERVER_EVENTS];

    add_conversation();
    feed_cut(server.bytes_len, server.bytes_len);
    ck_assert_uint_eq(server.event_count, 7);
    ck_assert(ws_server_is_closed());
    unsigned count = server.event_count;
    size_t len = server.said_len;
    ck_assert_uint_le(len, sizeof(first_said));
    memcpy(first_said, server.said, len);
    memcpy(first_events, server.events, sizeof(first_events));
    for (size_t cut = 0; cut <= server.bytes_len; cut++) {
        for (unsigned step = 0; step < 2; step++) {
            ws_server_restart();
            feed_cut(cut, step == 0 ? server.bytes_len : 1);
            ck_assert_uint_eq(server.event_count, count);
            ck_assert_uint_eq(server.said_len, len);
            ck_assert_mem_eq(server.said, first_said, len);
            for (unsigned i = 0; i < count; i++) {
                ck_assert_int_eq(server.events[i].what, first_events[i].what);
                ck_assert_uint_eq(server.events[i].len, first_events[i].len);
            }
        }
    }
}
END_TEST

START_TEST(a_connection_that_is_idle_holds_nothing)
{
    add_conversation();
    size_t len = strlen(WS_CLIENT_HANDSHAKE);
    ck_assert_int_eq(ws_server_feed(server.bytes, len / 2), 0);
    ck_assert_int_gt(server.memory.live, 1);
    ck_assert_int_eq(ws_server_feed(server.bytes + len / 2, len - len / 2), 0);
    ck_assert_int_eq(server.memory.live, 1);
    ck_assert_int_eq(ws_server_feed(server.bytes + len, 5), 0);
    ck_assert(srf__ws_has_partial(server.ws));
    ck_assert_int_eq(ws_server_feed(server.bytes + len + 5, 5), 0);
    ck_assert_int_eq(server.memory.live, 1);
    ck_assert(!srf__ws_has_partial(server.ws));
}
END_TEST

/* ---- UTF-8 ---- */

static const struct {
    const char *text;
    bool good;
} texts[] = {
    {"plain", true},
    {"\xc2\x80\xdf\xbf", true},
    {"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", true},
    {"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", true},
    {"\x80", false},
    {"\xc1\xbf", false},         /* longer than needed */
    {"\xe0\x9f\xbf", false},     /* so, too */
    {"\xf0\x8f\xbf\xbf", false}, /* so, too */
    {"\xed\xa0\x80", false},     /* half of a pair of UTF-16 */
    {"\xf4\x90\x80\x80", false}, /* above U+10FFFF */
    {"\xf5\x80\x80\x80", false},
    {"\xff", false},
    {"\xc2", false},
    {"\xe2\x82", false},
    {"\xf0\x90\x80", false},
    {"\xc2\x41", false},
    {"\xe2\x82\xc0", false},
};

START_TEST(text_is_utf8)
{
    const char *text = texts[_i].text;
    size_t len = strlen(text);

    for (size_t cut = 0; cut <= len; cut++) {
        ws_server_open();
        ws_server_add_frame(WS_TEXT, text, cut);
        ws_server_add_frame(WS_FIN | WS_CONTINUATION, text + cut, len - cut);
        ws_server_feed_all();
        if (texts[_i].good)
            ws_server_expect(0, SRF__WS_MESSAGE, text, len);
        else
            ws_server_expect_failure(0, 1007);
    }
    ws_server_open();
    ws_server_feed_frame(WS_FIN | WS_BINARY, text, len);
    ws_server_expect(0, SRF__WS_MESSAGE, text, len);
}
END_TEST

START_TEST(a_message_is_sent_as_text_when_it_is_utf8)
{
    const char *text = texts[_i].text;
    size_t len = strlen(text);
    char frame[SRF__WS_FRAME_MAX];
    ws_client_frame_t read;

    for (size_t cut = 0; cut <= len; cut++) {
        const srf__str_t parts[] = {SRF__STR("ab"), srf__str(text, cut),
                                    srf__str(text + cut, len - cut)};
        srf__str_t header = srf__ws_frame(parts, 3, frame);
        ck_assert_int_eq(ws_client_read(header.p, header.len, &read),
                         WS_CLIENT_MORE);
        ck_assert_uint_eq(read.opcode, texts[_i].good ? WS_TEXT : WS_BINARY);
        ck_assert_uint_eq(read.len, len + 2);
        ck_assert_uint_eq(read.whole, header.len + read.len);
    }
}
END_TEST

/* ---- what is not allowed ---- */

static const struct {
    const char *frames;
    size_t len;
} violations[] = {
#define FRAMES(text)          \
 {                            \
  (text "...."), sizeof(text) \
 }
    FRAMES("\x81\x00"),                         /* not masked */
    FRAMES("\x89\x00"),                         /* so, too */
    FRAMES("\xc1\x80mask"),                     /* reserved bits */
    FRAMES("\xa1\x80mask"),                     /* */
    FRAMES("\x91\x80mask"),                     /* */
    FRAMES("\x83\x80mask"),                     /* opcodes */
    FRAMES("\x87\x80mask"),                     /* */
    FRAMES("\x8b\x80mask"),                     /* */
    FRAMES("\x8f\x80mask"),                     /* */
    FRAMES("\x09\x80mask"),                     /* part of a ping */
    FRAMES("\x08\x80mask"),                     /* of a close */
    FRAMES("\x0a\x80mask"),                     /* of a pong */
    FRAMES("\x89\xfe\x00\x7emask"),             /* a long ping */
    FRAMES("\x88\xff\x00\x00\x00\x00\x00\x01"), /* a long close */
    FRAMES("\x80\x80mask"),                     /* nothing to continue */
    FRAMES("\x00\x80mask"),                     /* */
    FRAMES("\x01\x80mask\x81\x80mask"),         /* begins within another */
    FRAMES("\x01\x80mask\x02\x80mask"),         /* */
    FRAMES("\x81\xfe\x00\x7dmask"),             /* length too long */
    FRAMES("\x81\xff\x00\x00\x00\x00\x00\x00\xff\xffmask"),
    FRAMES("\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00mask"),
    FRAMES("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xffmask"),
    FRAMES("\x88\x81mask\x00"), /* half a code */
};

START_TEST(a_violation_of_the_protocol_closes)
{
    ws_server_open();
    ck_assert_int_eq(ws_server_feed(violations[_i].frames, violations[_i].len),
                     0);
    ws_server_expect_failure(0, 1002);
    ws_server_open();
    for (size_t i = 0; i < violations[_i].len && !ws_server_is_closed(); i++)
        ck_assert_int_eq(ws_server_feed(violations[_i].frames + i, 1), 0);
    ws_server_expect_failure(0, 1002);
}
END_TEST

START_TEST(what_came_before_a_violation_is_delivered)
{
    ws_server_open();
    ws_server_add_frame(WS_FIN | WS_TEXT, "good", 4);
    ws_server_add_frame(WS_FIN | 3, "bad", 3);
    ws_server_feed_all();
    ws_server_expect(0, SRF__WS_MESSAGE, "good", 4);
    ws_server_expect_failure(1, 1002);
}
END_TEST

START_TEST(a_message_above_the_limit_closes_before_it_came)
{
    server.settings.max_message_bytes = 200;
    ws_server_open();
    ws_server_add_frame(WS_FIN | WS_BINARY, server.bytes, 201);
    ck_assert_int_eq(ws_server_feed(server.bytes, 4), 0);
    ws_server_expect_failure(0, 1009);
    ck_assert_int_eq(server.memory.live, 1);
    server.settings.max_message_bytes = WS_SERVER_LIMIT;
    ws_server_open();
    ck_assert_int_eq(
        ws_server_feed("\x82\xff\x00\x00\x00\x01\x00\x00\x00\x00", 10), 0);
    ws_server_expect_failure(0, 1009);
}
END_TEST

START_TEST(the_limit_is_for_all_fragments_together)
{
    static const char payload[150];

    server.settings.max_message_bytes = 200;
    ws_server_open();
    ws_server_add_frame(WS_BINARY, payload, 150);
    ws_server_add_frame(WS_FIN | WS_PING, payload, 125);
    ws_server_add_frame(WS_FIN | WS_CONTINUATION, payload, 50);
    ws_server_add_frame(WS_FIN | WS_BINARY, payload, 150);
    ws_server_add_frame(WS_BINARY, payload, 150);
    size_t header = server.bytes_len + 2;
    ws_server_add_frame(WS_FIN | WS_CONTINUATION, payload, 51);
    ck_assert_int_eq(ws_server_feed(server.bytes, header), 0);
    ws_server_expect_frame(0, WS_PONG, payload, 125);
    ws_server_expect(1, SRF__WS_MESSAGE, (const char[200]){0}, 200);
    ws_server_expect(2, SRF__WS_MESSAGE, payload, 150);
    ws_server_expect_failure(3, 1009);
}
END_TEST

START_TEST(control_frames_are_not_under_the_limit_of_messages)
{
    static const char payload[125];

    server.settings.max_message_bytes = 100;
    ws_server_open();
    ws_server_feed_frame(WS_FIN | WS_PING, payload, sizeof(payload));
    ws_server_expect_frame(0, WS_PONG, payload, sizeof(payload));
}
END_TEST

/* ---- closing ---- */

static const struct {
    unsigned code;
    bool good;
} codes[] = {
    {0, false},    {999, false},  {1000, true},  {1001, true},
    {1003, true},  {1004, false}, {1005, false}, {1006, false},
    {1007, true},  {1011, true},  {1014, true},  {1015, false},
    {2999, false}, {3000, true},  {4999, true},  {5000, false},
};

START_TEST(a_close_is_echoed_when_its_code_is_good)
{
    unsigned char payload[6] = {0, 0, 'g', 'o', 'n', 'e'};

    payload[0] = (unsigned char)(codes[_i].code >> 8);
    payload[1] = (unsigned char)codes[_i].code;
    for (size_t len = 2; len <= sizeof(payload); len += 4) {
        ws_server_open();
        ws_server_add_frame(WS_FIN | WS_CLOSE, payload, len);
        ws_server_add_frame(WS_FIN | WS_TEXT, "late", 4);
        ws_server_feed_all();
        if (!codes[_i].good) {
            ws_server_expect_failure(0, 1002);
            continue;
        }
        ws_server_expect_frame(0, WS_CLOSE, payload, len);
        ck_assert_uint_eq(server.event_count, 2);
        ws_server_expect(1, SRF__WS_CLOSE, NULL, 0);
        ck_assert(!srf__ws_is_open(server.ws));
    }
}
END_TEST

START_TEST(a_close_may_say_nothing)
{
    ws_server_open();
    ws_server_feed_frame(WS_TEXT, "begun", 5);
    ws_server_feed_frame(WS_FIN | WS_CLOSE, NULL, 0);
    ws_server_expect_frame(0, WS_CLOSE, NULL, 0);
    ck_assert(ws_server_is_closed());
}
END_TEST

START_TEST(the_text_of_a_close_is_utf8)
{
    ws_server_open();
    ws_server_feed_frame(WS_FIN | WS_CLOSE, "\x03\xe8\xff", 3);
    ws_server_expect_failure(0, 1007);
}
END_TEST

/* ---- to the peer ---- */

START_TEST(the_header_of_a_frame_has_the_shortest_length)
{
    static char payload[70000];
    static const struct {
        size_t len;
        size_t header;
    } borders[] = {{0, 2},     {125, 2},    {126, 4},
                   {65535, 4}, {65536, 10}, {sizeof(payload), 10}};
    char frame[SRF__WS_FRAME_MAX];
    ws_client_frame_t read;

    memset(payload, 'x', sizeof(payload));
    for (unsigned i = 0; i < sizeof(borders) / sizeof(*borders); i++) {
        const srf__str_t part = srf__str(payload, borders[i].len);
        srf__str_t header = srf__ws_frame(&part, 1, frame);
        ck_assert_uint_eq(header.len, borders[i].header);
        memcpy(server.bytes, header.p, header.len);
        memcpy(server.bytes + header.len, part.p, part.len);
        ck_assert_int_eq(
            ws_client_read(server.bytes, header.len + part.len, &read),
            WS_CLIENT_FRAME);
        ck_assert_uint_eq(read.len, part.len);
        ck_assert_uint_eq(read.opcode, WS_TEXT);
    }
}
END_TEST

START_TEST(a_ping_is_a_frame)
{
    char frame[SRF__WS_FRAME_MAX];
    ws_client_frame_t read;

    srf__str_t ping = srf__ws_ping(frame);
    ck_assert_int_eq(ws_client_read(ping.p, ping.len, &read), WS_CLIENT_FRAME);
    ck_assert_uint_eq(read.opcode, WS_PING);
    ck_assert_uint_eq(read.whole, ping.len);
}
END_TEST

/* ---- out of memory ---- */

/* All in pieces of 7 bytes; false when memory was out on the way. */
static bool converse(void)
{
    server.event_count = 0;
    server.said_len = 0;
    if (srf__ws_create(&server.settings, &server.ws) != 0)
        return false;
    for (size_t at = 0; at < server.bytes_len && !ws_server_is_closed();
         at += 7) {
        size_t left = server.bytes_len - at;
        if (ws_server_feed(server.bytes + at, left < 7 ? left : 7) != 0)
            return false;
    }
    return server.event_count == 7;
}

START_TEST(without_memory_the_connection_ends_and_nothing_is_lost)
{
    bool whole = false;
    unsigned failures = 0;

    srf__ws_destroy(server.ws);
    add_conversation();
    for (unsigned long i = 1; !whole; i++) {
        server.memory.count = 0;
        server.memory.fail_at = i;
        server.ws = NULL;
        whole = converse();
        failures += !whole;
        ck_assert(whole == (server.memory.count < i));
        srf__ws_destroy(server.ws);
        ck_assert_int_eq(server.memory.live, 0);
    }
    ck_assert_uint_ge(failures, 5);
    server.memory.fail_at = 0;
    ws_server_start();
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

int main(void)
{
    Suite *suite = suite_create("ws");
    TCase *tcase = tcase_create("ws");

    tcase_add_checked_fixture(tcase, ws_server_set_up, ws_server_tear_down);
    tcase_add_loop_test(tcase, messages_of_any_length_are_unmasked, 0,
                        COUNT(lengths));
    tcase_add_test(tcase,
                   fragments_make_one_message_and_control_frames_go_between);
    tcase_add_test(tcase, a_conversation_may_be_cut_anywhere);
    tcase_add_test(tcase, a_connection_that_is_idle_holds_nothing);
    tcase_add_loop_test(tcase, text_is_utf8, 0, COUNT(texts));
    tcase_add_loop_test(tcase, a_message_is_sent_as_text_when_it_is_utf8, 0,
                        COUNT(texts));
    tcase_add_loop_test(tcase, a_violation_of_the_protocol_closes, 0,
                        COUNT(violations));
    tcase_add_test(tcase, what_came_before_a_violation_is_delivered);
    tcase_add_test(tcase, a_message_above_the_limit_closes_before_it_came);
    tcase_add_test(tcase, the_limit_is_for_all_fragments_together);
    tcase_add_test(tcase, control_frames_are_not_under_the_limit_of_messages);
    tcase_add_loop_test(tcase, a_close_is_echoed_when_its_code_is_good, 0,
                        COUNT(codes));
    tcase_add_test(tcase, a_close_may_say_nothing);
    tcase_add_test(tcase, the_text_of_a_close_is_utf8);
    tcase_add_test(tcase, the_header_of_a_frame_has_the_shortest_length);
    tcase_add_test(tcase, a_ping_is_a_frame);
    tcase_add_test(tcase,
                   without_memory_the_connection_ends_and_nothing_is_lost);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
