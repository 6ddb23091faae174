/*
 * What is refused before a program sees it, clause by clause of the contract's
 * table: messages that are broken, and what is never answered. The rules for
 * good ones are in test_proxy_validation_rules.c.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE /* memmem() */
#include "pieces.h"
#include "runner.h"

START_TEST(a_broken_request_gets_400_with_the_name_of_the_header)
{
    pieces_t bad[18];
    static const char *const names[] = {
        "From",
        "To",
        "Call-ID",
        "CSeq",
        "From",
        "CSeq",
        "CSeq",
        "CSeq",
        "Content-Length",
        "Content-Length",
        "Content-Length",
        "Max-Forwards",
        "To",
        "Call-ID",
        "CSeq",
        "Max-Forwards",
        "Max-Breadth",
        "Max-Breadth",
    };
    world_t *world = world_create("10.0.0.11", NULL);

    for (unsigned i = 0; i < 18; i++)
        bad[i] = good;
    bad[0].from = "";
    bad[1].to = "";
    bad[2].call_id = "";
    bad[3].cseq = "";
    bad[4].extra = "From: <sip:eve@example.com>;tag=eve\n";
    bad[5].cseq = "CSeq: 1 OPTIONS\n";
    bad[6].cseq = "CSeq: 4294967296 INVITE\n";
    bad[7].cseq = "CSeq: one INVITE\n";
    bad[8].extra = "Content-Length: 1000\n\n";
    bad[9].extra = "Content-Length: -1\n\n";
    bad[10].extra = "Content-Length: many\n\n";
    bad[11].max_forwards = "Max-Forwards: 256\n";
    bad[12].extra = "t: <sip:eve@example.com>\n";
    bad[13].extra = "i: c2\n";
    bad[14].extra = "CSeq: 1 INVITE\n";
    bad[15].max_forwards = "Max-Forwards: 7\nMax-Forwards: 8\n";
    bad[16].extra = "Max-Breadth: many\n";
    bad[17].extra = "Max-Breadth: 60\nMax-Breadth: 60\n";
    send_pieces(world, &bad[_i]);
    expect_final(world, 400);
    const char *msg = final_response(world);
    const char *name = strstr(msg, names[_i]);
    ck_assert_msg(name != NULL && name < strstr(msg, "\r\n"),
                  "%s is not named in %s", names[_i], msg);
    ck_assert_uint_eq(world_stats(world).rejected, 1);
    world_destroy(world);
}
END_TEST

START_TEST(an_unusable_start_line_gets_400)
{
    static const char *const starts[] = {
        "INVITE  sip:100@10.0.0.1 SIP/2.0\n",
        "INVITE sip:100@10.0.0.1\n",
        "INVITE sip:100@10.0.0.1 SIP/2.0 \n",
        "INVITE sip:1 0@10.0.0.1 SIP/2.0\n",
        "INV(TE sip:100@10.0.0.1 SIP/2.0\n",
        "INVITE sip:100@10.0.0.1 HTTP/1.1\n",
    };
    pieces_t bad = good;
    world_t *world = world_create("10.0.0.11", NULL);

    bad.start = starts[_i];
    send_pieces(world, &bad);
    expect_final(world, 400);
    ck_assert_uint_eq(
        party_received(world->caller, "SIP/2.0 400 Bad Request-Line"), 1);
    world_destroy(world);
}
END_TEST

START_TEST(too_many_or_too_long_header_fields_get_400)
{
    pieces_t bad = good;
    srf_options_t options;

    srf_options_init(&options);
    options.max_headers = 8;
    options.max_header_bytes = 64;
    world_t *world = world_create_with(&options, "10.0.0.11", NULL);
    bad.extra = _i == 0 ? "A: 1\nB: 2\n"
                        : "Subject: 3456789012345678901234567890123456789012345"
                          "6789012345678901234567890\n";
    send_pieces(world, &bad);
    expect_final(world, 400);
    ck_assert_uint_eq(party_received(world->caller,
                                     _i == 0
                                         ? "SIP/2.0 400 Too Many Header Fields"
                                         : "SIP/2.0 400 Header Field Too Long"),
                      1);
    world_destroy(world);
}
END_TEST

START_TEST(what_cannot_be_answered_is_dropped_and_counted)
{
    pieces_t bad[3] = {good, good, good};
    world_t *world = world_create("10.0.0.11", NULL);

    bad[0].via = "";
    bad[1].via = "Via: nonsense\n";
    bad[2].start = "SIP/2.0 2000 OK\n";
    send_pieces(world, &bad[_i]);
    expect_silence(world);
    ck_assert_uint_eq(world_stats(world).dropped_malformed, 1);
    world_destroy(world);
}
END_TEST

/* A request with these bytes in place of a Subject line; `len` of them. */
static void send_with_bytes(world_t *world, const char *line, size_t len)
{
    static const char begin[] =
        "INVITE sip:100@10.0.0.1 SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-c1\r\n"
        "From: <sip:ann@example.com>;tag=ann-c1\r\n"
        "To: <sip:bob@example.com>\r\n"
        "Call-ID: c1\r\n"
        "CSeq: 1 INVITE\r\n";
    static const char end[] = "\r\nContent-Length: 0\r\n\r\n";
    char text[1024];

    memcpy(text, begin, sizeof(begin) - 1);
    memcpy(text + sizeof(begin) - 1, line, len);
    memcpy(text + sizeof(begin) - 1 + len, end, sizeof(end) - 1);
    send_bytes(world, text, sizeof(begin) - 1 + len + sizeof(end) - 1);
}

#define BYTES(literal)           \
 {                               \
  (literal), sizeof(literal) - 1 \
 }

START_TEST(a_nul_in_the_header_part_gets_400)
{
    static const struct {
        const char *line;
        size_t len;
    } bad[] = {
        BYTES("Subject: a\0b"),
        BYTES("Subject: \0"),
        BYTES("Contact: \"a\0b\" <sip:a@b>"),
        BYTES("Contact: \"a\\\\\0b\" <sip:a@b>"),
        BYTES("Contact: \"a\" \\\0 <sip:a@b>"),
        BYTES("Subject: \"open\r\nX-A: \\\0\""),
        BYTES("Subject: \"a\\\0\"\0"),
        BYTES("Subject: a\\\0"),
        BYTES("X\0: a"),
    };
    world_t *world = world_create("10.0.0.11", NULL);

    send_with_bytes(world, bad[_i].line, bad[_i].len);
    expect_final(world, 400);
    world_destroy(world);
}
END_TEST

static char shown[2][128];
static const char *wanted;
static size_t wanted_len;
static unsigned wanted_found;

static void show(srf_req_t *req, srf_res_t *res)
{
    srf_name_addr_t *view;

    (void)res;
    snprintf(shown[0], sizeof(shown[0]), "%s", srf_req_get(req, "Contact", 0));
    ck_assert_int_eq(srf_msg_name_addr(srf_req_msg(req), "Contact", 0, &view),
                     0);
    snprintf(shown[1], sizeof(shown[1]), "%s", view->display);
    srf_free(view);
    world_on_request(req, res);
}

static void look_for_bytes(void *arg, const srf__addr_t *from,
                           const srf__addr_t *to, const char *data, size_t len)
{
    (void)arg;
    (void)from;
    if (to->ip[3] == 11 && memmem(data, len, wanted, wanted_len) != NULL)
        wanted_found++;
}

/* RFC 4475 §3.1.1.2 */
START_TEST(a_nul_in_a_quoted_pair_is_forwarded_and_shown)
{
    static const struct {
        const char *line;
        size_t len;
        const char *value;
        const char *display;
    } good_ones[] = {
        {"Contact: \"a\\\0b\" <sip:a@b>",
         sizeof("Contact: \"a\\\0b\" <sip:a@b>") - 1,
         "\"a\\\xef\xbf\xbd"
         "b\" <sip:a@b>",
         "a\xef\xbf\xbd"
         "b"},
        {"Contact: \"\\\0\\\0\r\n \\\0\" <sip:a@b>",
         sizeof("Contact: \"\\\0\\\0\r\n \\\0\" <sip:a@b>") - 1,
         "\"\\\xef\xbf\xbd\\\xef\xbf\xbd \\\xef\xbf\xbd\" <sip:a@b>", NULL},
    };
    world_t *world = world_create("10.0.0.11", NULL);

    ck_assert_int_eq(srf_invite(world->srf, show), 0);
    wanted = good_ones[_i].line;
    wanted_len = good_ones[_i].len;
    wanted_found = 0;
    memnet_set_tap(world->net, look_for_bytes, NULL);
    send_with_bytes(world, wanted, wanted_len);
    ck_assert_uint_eq(wanted_found, 1);
    ck_assert_str_eq(shown[0], good_ones[_i].value);
    if (good_ones[_i].display != NULL)
        ck_assert_str_eq(shown[1], good_ones[_i].display);
    memnet_set_tap(world->net, NULL, NULL);
    world_answer(world, world->one, "200 OK");
    world_destroy(world);
}
END_TEST

/* Some switches write hundreds. */
START_TEST(a_message_of_many_header_fields_is_forwarded)
{
    enum { LINES = 1016, EACH = 10 };
    static char lines[LINES * EACH + 1];
    world_t *world = world_create("10.0.0.11", NULL);
    size_t len = 0;

    for (unsigned i = 0; i < LINES; i++)
        len += (size_t)snprintf(lines + len, sizeof(lines) - len, "X-%u: a\r\n",
                                i % 1000);
    lines[len - 2] = '\0';
    static char text[LINES * EACH + 1000];
    len =
        (size_t)snprintf(text, sizeof(text),
                         "INVITE sip:100@10.0.0.1 SIP/2.0\r\n"
                         "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-c1\r\n"
                         "From: <sip:ann@example.com>;tag=ann-c1\r\n"
                         "To: <sip:bob@example.com>\r\n"
                         "Call-ID: c1\r\n"
                         "CSeq: 1 INVITE\r\n"
                         "%s\r\n"
                         "Content-Length: 0\r\n\r\n",
                         lines);
    send_bytes(world, text, len);
    ck_assert_uint_eq(party_received(world->one, "INVITE"), 1);
    world_answer(world, world->one, "200 OK");
    world_destroy(world);
}
END_TEST

/* Two parts: what stands before the line and what is in it. */
static void send_with_line(world_t *world, const char *start, const char *line)
{
    char bytes[1024];
    int len = snprintf(bytes, sizeof(bytes),
                       "%s\r\n"
                       "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-c1\r\n"
                       "From: <sip:ann@example.com>;tag=ann-c1\r\n"
                       "To: <sip:bob@example.com>\r\n"
                       "Call-ID: c1\r\n"
                       "CSeq: 1 INVITE\r\n"
                       "%s\r\n"
                       "Content-Length: 0\r\n\r\n",
                       start, line);

    send_bytes(world, bytes, (size_t)len);
}

/* RFC 3261 §7: a reader who takes it for a line end sees another field. */
START_TEST(a_cr_without_lf_in_the_header_part_gets_400)
{
    static const char *const lines[] = {
        "Subject: hi\rP-Asserted-Identity: <sip:boss@example.com>",
        "Subject: hi\r\rP-Asserted-Identity: <sip:boss@example.com>",
        "Subject: hi\r",
        "Subject: hi\r\r\nX: y",
        "Subject: hi\r\n there\ragain",
        "Subject:\rhi",
        "Subject\r: hi",
        "Contact: <sip:a@10.0.0.9\r>",
        "Route: <sip:10.0.0.11;lr>\r, <sip:a>",
        "Via: SIP/2.0/UDP 10.0.0.8\r;branch=1",
    };
    world_t *world = world_create("10.0.0.11", NULL);

    send_with_line(world, "INVITE sip:100@10.0.0.1 SIP/2.0", lines[_i]);
    expect_final(world, 400);
    world_destroy(world);
}
END_TEST

START_TEST(a_response_with_a_cr_without_lf_is_dropped_and_counted)
{
    world_t *world = world_create("10.0.0.11", NULL);

    world_call(world);
    world_answer_with(world, world->one, "180 Ringing", "Subject: a\rb\n");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 180"), 0);
    ck_assert_uint_eq(world_stats(world).dropped_malformed, 1);
    world_answer(world, world->one, "200 OK");
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    world_destroy(world);
}
END_TEST

/* What is refused for a byte is not sent back with it. */
START_TEST(the_answer_to_a_cr_has_none)
{
    static const char text[] =
        "INVITE sip:100@10.0.0.1 SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-c1\r\n"
        "From: \"A\rX: y\" <sip:ann@example.com>;tag=ann-c1\r\n"
        "To: <sip:bob@example.com>\r\n"
        "Call-ID: c1\r\n"
        "CSeq: 1 INVITE\r\n\r\n";
    world_t *world = world_create("10.0.0.11", NULL);

    send_bytes(world, text, sizeof(text) - 1);
    expect_final(world, 400);
    world_expect(world->caller, "SIP/2.0 400", "From",
                 "\"A X: y\" <sip:ann@example.com>;tag=ann-c1");
    world_destroy(world);
}
END_TEST

START_TEST(another_version_gets_505)
{
    pieces_t bad = good;
    world_t *world = world_create("10.0.0.11", NULL);

    bad.start = "INVITE sip:100@10.0.0.1 SIP/3.0\n";
    send_pieces(world, &bad);
    expect_final(world, 505);
    world_destroy(world);
}
END_TEST

START_TEST(a_message_beyond_the_limit_gets_513)
{
    char line[700];
    pieces_t big = good;
    srf_options_t options;

    srf_options_init(&options);
    options.max_message_bytes = 600;
    world_t *world = world_create_with(&options, "10.0.0.11", NULL);
    memset(line, 'x', sizeof(line) - 2);
    memcpy(line, "Subject: ", 9);
    line[sizeof(line) - 2] = '\n';
    line[sizeof(line) - 1] = '\0';
    big.extra = line;
    send_pieces(world, &big);
    expect_final(world, 513);
    party_clear(world->caller);
    big.extra = "";
    big.via = "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-c2\n";
    send_pieces(world, &big);
    ck_assert_uint_eq(world->program.handled, 1);
    world_answer(world, world->one, "200 OK");
    world_destroy(world);
}
END_TEST

START_TEST(a_request_uri_of_another_scheme_gets_416)
{
    static const char *const starts[] = {
        "INVITE http://example.com/ SIP/2.0\n",
        "INVITE mailto:bob@example.com SIP/2.0\n",
        "INVITE urn:service:sos SIP/2.0\n",
    };
    pieces_t bad = good;
    world_t *world = world_create("10.0.0.11", NULL);

    bad.start = starts[_i];
    send_pieces(world, &bad);
    expect_final(world, 416);
    world_destroy(world);
}
END_TEST

START_TEST(a_request_uri_that_is_none_gets_400)
{
    static const char *const starts[] = {
        "INVITE sip:bob@ SIP/2.0\n",
        "INVITE sip:10.0.0.11:99999 SIP/2.0\n",
        "INVITE sip:bob@10.0.0.11?Subject=x SIP/2.0\n",
    };
    pieces_t bad = good;
    world_t *world = world_create(NULL, NULL);

    bad.start = starts[_i];
    send_pieces(world, &bad);
    expect_final(world, 400);
    world_destroy(world);
}
END_TEST

START_TEST(a_tel_uri_is_understood)
{
    pieces_t tel = good;
    world_t *world = world_create("10.0.0.11", NULL);

    tel.start = "INVITE tel:+43123456 SIP/2.0\n";
    send_pieces(world, &tel);
    ck_assert_uint_eq(party_received(world->one, "INVITE tel:+43123456 "), 1);
    world_answer(world, world->one, "200 OK");
    world_destroy(world);
}
END_TEST

/* ---- what is never answered ---- */

START_TEST(an_ack_is_never_answered)
{
    pieces_t bad[9];
    world_t *world = world_create("10.0.0.11", NULL);

    for (unsigned i = 0; i < 9; i++) {
        bad[i] = good;
        bad[i].start = "ACK sip:100@10.0.0.1 SIP/2.0\n";
        bad[i].cseq = "CSeq: 1 ACK\n";
    }
    bad[0].max_forwards = "Max-Forwards: 0\n";
    bad[1].cseq = "CSeq: 1 INVITE\n";
    bad[2].call_id = "";
    bad[3].start = "ACK http://10.0.0.1/ SIP/2.0\n";
    bad[4].start = "ACK sip:100@10.0.0.1 SIP/3.0\n";
    bad[5].extra = "Proxy-Require: teleport\n";
    bad[6].extra = "Content-Length: 77\n\n";
    bad[7].extra = "Max-Breadth: 0\n";
    bad[8].extra = "Max-Breadth: none\n";
    send_pieces(world, &bad[_i]);
    expect_silence(world);
    world_destroy(world);
}
END_TEST

START_TEST(a_response_is_never_answered)
{
    static const char *const starts[] = {
        "SIP/2.0 200 OK\n",
        "SIP/2.0 404 Not Found\n",
        "SIP/3.0 200 OK\n",
        "SIP/2.0 99 Low\n",
    };
    static const char *const cseqs[] = {"CSeq: 1 INVITE\n", "",
                                        "CSeq: 1 OPTIONS\n"};
    pieces_t response = good;
    world_t *world = world_create("10.0.0.11", NULL);

    response.start = starts[_i % 4];
    response.cseq = cseqs[_i / 4];
    send_pieces(world, &response);
    expect_silence(world);
    world_destroy(world);
}
END_TEST

START_TEST(the_ack_of_every_refusal_is_absorbed)
{
    pieces_t bad[7];
    static const unsigned statuses[] = {400, 505, 416, 483, 420, 481, 440};
    pieces_t ack;
    char to[128];
    world_t *world = world_create("10.0.0.11", NULL);

    for (unsigned i = 0; i < 7; i++) {
        bad[i] = good;
        bad[i].start = "INVITE sip:bob@10.0.0.11 SIP/2.0\n";
    }
    bad[0].extra = "Content-Length: -1\n\n";
    bad[1].start = "INVITE sip:bob@10.0.0.11 SIP/4.0\n";
    bad[2].start = "INVITE news:bob SIP/2.0\n";
    bad[3].max_forwards = "Max-Forwards: 0\n";
    bad[4].extra = "Proxy-Require: teleport\n";
    bad[5].start = "INVITE sip:bob@10.0.0.1 SIP/2.0\n";
    bad[5].to = "To: <sip:bob@example.com>;tag=gone\n";
    bad[6].extra = "Max-Breadth: 0\n";
    send_pieces(world, &bad[_i]);
    expect_final(world, statuses[_i]);
    ack = good;
    ack.start = "ACK sip:bob@10.0.0.11 SIP/2.0\n";
    ack.cseq = "CSeq: 1 ACK\n";
    (void)snprintf(to, sizeof(to), "To: %s\n",
                   party_header(world->caller, final_response(world), "To", 0));
    ack.to = to;
    ck_assert_ptr_nonnull(strstr(to, ";tag="));
    send_pieces(world, &ack);
    unsigned count = world->caller->count;
    memnet_run(world->net, 60000);
    ck_assert_uint_eq(world->caller->count, count); /* no repetition */
    ck_assert_uint_eq(world->one->count, 0);
    world_destroy(world);
}
END_TEST

START_TEST(a_refused_request_sent_again_gets_the_same_answer)
{
    pieces_t bad = good;
    world_t *world = world_create("10.0.0.11", NULL);

    bad.max_forwards = "Max-Forwards: 0\n";
    bad.start = "MESSAGE sip:bob@10.0.0.11 SIP/2.0\n";
    bad.cseq = "CSeq: 1 MESSAGE\n";
    send_pieces(world, &bad);
    send_pieces(world, &bad);
    ck_assert_uint_eq(world->caller->count, 2);
    ck_assert_str_eq(world->caller->inbox[0], world->caller->inbox[1]);
    ck_assert_uint_eq(world_stats(world).rejected, 2);
    ck_assert_uint_eq(world_stats(world).server_transactions, 0);
    world_destroy(world);
}
END_TEST

static void add_syntax(Suite *suite)
{
    TCase *tcase = tcase_create("syntax");

    tcase_add_loop_test(
        tcase, a_broken_request_gets_400_with_the_name_of_the_header, 0, 18);
    tcase_add_loop_test(tcase, an_unusable_start_line_gets_400, 0, 6);
    tcase_add_loop_test(tcase, too_many_or_too_long_header_fields_get_400, 0,
                        2);
    tcase_add_loop_test(tcase, what_cannot_be_answered_is_dropped_and_counted,
                        0, 3);
    tcase_add_loop_test(tcase, a_nul_in_the_header_part_gets_400, 0, 9);
    tcase_add_loop_test(tcase, a_nul_in_a_quoted_pair_is_forwarded_and_shown, 0,
                        2);
    tcase_add_test(tcase, a_message_of_many_header_fields_is_forwarded);
    tcase_add_loop_test(tcase, a_cr_without_lf_in_the_header_part_gets_400, 0,
                        10);
    tcase_add_test(tcase,
                   a_response_with_a_cr_without_lf_is_dropped_and_counted);
    tcase_add_test(tcase, the_answer_to_a_cr_has_none);
    tcase_add_test(tcase, another_version_gets_505);
    tcase_add_test(tcase, a_message_beyond_the_limit_gets_513);
    tcase_add_loop_test(tcase, a_request_uri_of_another_scheme_gets_416, 0, 3);
    tcase_add_loop_test(tcase, a_request_uri_that_is_none_gets_400, 0, 3);
    tcase_add_test(tcase, a_tel_uri_is_understood);
    suite_add_tcase(suite, tcase);
}

static void add_silence(Suite *suite)
{
    TCase *tcase = tcase_create("silence");

    tcase_add_loop_test(tcase, an_ack_is_never_answered, 0, 9);
    tcase_add_loop_test(tcase, a_response_is_never_answered, 0, 12);
    tcase_add_loop_test(tcase, the_ack_of_every_refusal_is_absorbed, 0, 7);
    tcase_add_test(tcase, a_refused_request_sent_again_gets_the_same_answer);
    suite_add_tcase(suite, tcase);
}

int main(void)
{
    Suite *suite = suite_create("proxy_validation");

    add_syntax(suite);
    add_silence(suite);
    return run_suite(suite);
}
