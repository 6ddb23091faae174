/*
 * TLS sessions: handshakes, data, ends and what goes wrong.
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "srf/srf.h"
#include "tls_pair.h"

/* ---- handshake and data ---- */

START_TEST(two_sessions_talk)
{
    end_t server = our_end(server_context, NULL);
    end_t client = our_end(client_context, "a.test");

    expect_state(&client, SRF__TLS_HANDSHAKE);
    greet(&client, &server);
    expect_state(&client, SRF__TLS_OPEN);
    expect_state(&server, SRF__TLS_OPEN);
    ck_assert_str_eq(srf__tls_error(client.tls), "");
    expect_talk(&client, &server);
    close_both(&client, &server);
}
END_TEST

START_TEST(bytes_may_come_one_by_one)
{
    end_t server = our_end(server_context, NULL);
    end_t client = our_end(client_context, "a.test");

    end_receive(&client, NULL, 0);
    while (carry(&client, &server, 1) || carry(&server, &client, 1))
        ;
    end_say(&client, "hello");
    carry(&client, &server, 1);
    ck_assert_str_eq(server.got, "hello");
    close_both(&client, &server);
}
END_TEST

/* What comes right behind the handshake belongs to it. */
START_TEST(data_in_one_piece_with_the_handshake_is_read)
{
    SSL_CTX *ctx = raw_ctx(TLS1_3_VERSION);
    end_t server = our_end(server_context, NULL);
    end_t client = raw_end(ctx, false);

    end_receive(&client, NULL, 0);
    carry(&client, &server, 4096);
    carry(&server, &client, 4096);
    end_say(&client, "early");
    carry(&client, &server, 4096);
    ck_assert_ptr_nonnull(server.got);
    ck_assert_str_eq(server.got, "early");
    close_both(&client, &server);
    SSL_CTX_free(ctx);
}
END_TEST

enum { MUCH = 100000, MANY = 40 };

static void expect_bytes(const end_t *end, const char *bytes, size_t len)
{
    ck_assert_uint_eq(end->got_len, len);
    ck_assert_mem_eq(end->got, bytes, len);
}

START_TEST(parts_of_any_size_arrive_in_order)
{
    end_t server = our_end(server_context, NULL);
    end_t client = our_end(client_context, "a.test");
    char *much = malloc(MUCH);

    ck_assert_ptr_nonnull(much);
    for (size_t i = 0; i < MUCH; i++)
        much[i] = (char)(i * 7 + i / 251);
    greet(&client, &server);
    const srf__str_t parts[] = {
        srf__str(much, 1),         srf__str(NULL, 0),
        srf__str(much + 1, 4095),  srf__str(much + 4096, 4096),
        srf__str(much + 8192, 10), srf__str(much + 8202, 60000),
        srf__str(much + 68202, 5), srf__str(much + 68207, MUCH - 68207)};
    ck_assert_int_eq(srf__tls_write(client.tls, parts, 8), 0);
    pump(&client, &server);
    expect_bytes(&server, much, MUCH);
    free(much);
    close_both(&client, &server);
}
END_TEST

START_TEST(small_parts_share_a_record)
{
    end_t server = our_end(server_context, NULL);
    end_t client = our_end(client_context, "a.test");
    srf__str_t parts[MANY];

    for (unsigned i = 0; i < MANY; i++)
        parts[i] = SRF__STR("0123456789");
    greet(&client, &server);
    size_t before = client.sent;
    ck_assert_int_eq(srf__tls_write(client.tls, parts, MANY), 0);
    pump(&client, &server);
    ck_assert_uint_eq(server.got_len, 10 * MANY);
    ck_assert_uint_le(client.sent - before, 10 * MANY + 40);
    close_both(&client, &server);
}
END_TEST

/* ---- ends ---- */

START_TEST(shutdown_is_seen_behind_the_last_data)
{
    end_t server = our_end(server_context, NULL);
    end_t client = our_end(client_context, "a.test");

    greet(&client, &server);
    end_say(&client, "last");
    srf__tls_shutdown(client.tls);
    pump(&client, &server);
    ck_assert_str_eq(server.got, "last");
    expect_state(&server, SRF__TLS_CLOSED);
    end_say(&server, "still here");
    pump(&client, &server);
    close_both(&client, &server);
}
END_TEST

START_TEST(nothing_is_written_after_shutdown)
{
    end_t server = our_end(server_context, NULL);
    end_t client = our_end(client_context, "a.test");
    const srf__str_t part = SRF__STR("more");

    greet(&client, &server);
    srf__tls_shutdown(client.tls);
    srf__tls_shutdown(client.tls);
    ck_assert_int_eq(srf__tls_write(client.tls, &part, 1), SRF_ERR_TLS);
    expect_failure(&client, "protocol is shutdown");
    ck_assert_int_eq(srf__tls_write(client.tls, &part, 1), SRF_ERR_TLS);
    close_both(&client, &server);
}
END_TEST

/* ---- what is no TLS ---- */

static const struct {
    const char *bytes;
    const char *why;
} garbage[] = {
    {"GET / HTTP/1.1\r\n\r\n", "http request"},
    {"OPTIONS sip:a.test SIP/2.0\r\n\r\n", "wrong version number"},
    {"\x16\x03\x01\x00\x05hello, there", "unexpected message"},
    {"\x17\x03\x03\x00\x05hello, there", "unexpected message"},
};

START_TEST(garbage_instead_of_a_handshake_fails)
{
    end_t server = our_end(server_context, NULL);
    size_t len = 5 + strlen(garbage[_i].bytes + 5);

    end_receive(&server, garbage[_i].bytes, len);
    expect_failure(&server, garbage[_i].why);
    end_receive(&server, garbage[_i].bytes, len);
    expect_failure(&server, garbage[_i].why);
    srf__tls_shutdown(server.tls);
    end_close(&server);
}
END_TEST

START_TEST(record_that_was_changed_fails)
{
    end_t server = our_end(server_context, NULL);
    end_t client = our_end(client_context, "a.test");
    size_t len;

    greet(&client, &server);
    end_say(&client, "good");
    carry(&client, &server, 4096);
    end_say(&client, "evil");
    char *bytes = end_take(&client, &len);
    bytes[len - 1] ^= 1;
    end_receive(&server, bytes, len);
    srf__free(bytes);
    ck_assert_str_eq(server.got, "good");
    expect_failure(&server, "bad record mac");
    carry(&server, &client, 4096);
    expect_failure(&client, "alert bad record mac");
    close_both(&client, &server);
}
END_TEST

START_TEST(part_of_a_record_waits)
{
    end_t server = our_end(server_context, NULL);
    end_t client = our_end(client_context, "a.test");
    size_t len;

    greet(&client, &server);
    end_say(&client, "half");
    char *bytes = end_take(&client, &len);
    end_receive(&server, bytes, len - 1);
    ck_assert_uint_eq(server.got_len, 0);
    expect_state(&server, SRF__TLS_OPEN);
    end_receive(&server, bytes + len - 1, 1);
    ck_assert_str_eq(server.got, "half");
    srf__free(bytes);
    close_both(&client, &server);
}
END_TEST

/* Every byte of a handshake, changed: it may go well, or fail with a text. */
START_TEST(handshake_with_a_changed_byte_does_no_harm)
{
    size_t len = 1;

    for (size_t at = 0; at < len; at++) {
        end_t server = our_end(server_context, NULL);
        end_t client = our_end(client_context, "a.test");
        end_receive(&client, NULL, 0);
        char *bytes = end_take(&client, &len);
        bytes[at] ^= 0x55;
        end_receive(&server, bytes, len);
        srf__free(bytes);
        pump(&server, &client);
        if (srf__tls_state(server.tls) == SRF__TLS_FAILED)
            ck_assert_str_ne(srf__tls_error(server.tls), "");
        close_both(&client, &server);
    }
}
END_TEST

/* ---- versions ---- */

static const struct {
    uint32_t min_version;
    int version;
    bool good;
} versions[] = {
    {SRF_TLS_1_2, TLS1_1_VERSION, false}, {SRF_TLS_1_2, TLS1_2_VERSION, true},
    {SRF_TLS_1_2, TLS1_3_VERSION, true},  {SRF_TLS_1_3, TLS1_2_VERSION, false},
    {SRF_TLS_1_3, TLS1_3_VERSION, true},
};

static void allow_old(SSL_CTX *ctx)
{
    ck_assert_int_eq(SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0"), 1);
}

START_TEST(version_below_the_oldest_is_refused_to_clients)
{
    srf_tls_options_t options = make_options(server_file, ca_file);
    SSL_CTX *ctx = raw_ctx(versions[_i].version);

    options.min_version = versions[_i].min_version;
    srf__tls_context_t *context = make_context(&options);
    allow_old(ctx);
    end_t server = our_end(context, NULL);
    end_t client = raw_end(ctx, false);
    greet(&client, &server);
    if (versions[_i].good)
        expect_talk(&client, &server);
    else
        expect_failure(&server, "unsupported protocol");
    close_both(&client, &server);
    srf__tls_context_unref(context);
    SSL_CTX_free(ctx);
}
END_TEST

START_TEST(version_below_the_oldest_is_refused_to_servers)
{
    srf_tls_options_t options = make_options(client_file, ca_file);
    SSL_CTX *ctx = raw_server_ctx(versions[_i].version, server_file);

    options.min_version = versions[_i].min_version;
    srf__tls_context_t *context = make_context(&options);
    allow_old(ctx);
    end_t server = raw_end(ctx, true);
    end_t client = our_end(context, "a.test");
    greet(&client, &server);
    if (versions[_i].good)
        expect_talk(&client, &server);
    else
        expect_failure(&client, "protocol version");
    close_both(&client, &server);
    srf__tls_context_unref(context);
    SSL_CTX_free(ctx);
}
END_TEST

/* An alert, no handshake; and data goes on. */
static void expect_refusal(end_t *ours, end_t *raw)
{
    size_t before = ours->sent;

    expect_talk(ours, raw);
    ck_assert_int_eq(SSL_renegotiate(raw->raw), 1);
    (void)SSL_do_handshake(raw->raw);
    carry(raw, ours, 4096);
    expect_state(ours, SRF__TLS_OPEN);
    end_say(ours, "on");
    carry(ours, raw, 4096);
    ck_assert_uint_le(ours->sent - before, 200);
}

START_TEST(renegotiation_is_refused)
{
    SSL_CTX *client_ctx = raw_ctx(TLS1_2_VERSION);
    SSL_CTX *server_ctx = raw_server_ctx(TLS1_2_VERSION, server_file);
    end_t server = our_end(server_context, NULL);
    end_t client = raw_end(client_ctx, false);

    greet(&client, &server);
    expect_refusal(&server, &client);
    close_both(&client, &server);
    server = raw_end(server_ctx, true);
    client = our_end(client_context, "a.test");
    greet(&client, &server);
    expect_refusal(&client, &server);
    close_both(&client, &server);
    SSL_CTX_free(client_ctx);
    SSL_CTX_free(server_ctx);
}
END_TEST

/* TLS 1.3 changes keys whenever the peer likes. */
START_TEST(new_keys_are_taken)
{
    SSL_CTX *ctx = raw_ctx(TLS1_3_VERSION);
    end_t server = our_end(server_context, NULL);
    end_t client = raw_end(ctx, false);

    greet(&client, &server);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(SSL_key_update(client.raw, SSL_KEY_UPDATE_REQUESTED),
                         1);
        expect_talk(&client, &server);
    }
    close_both(&client, &server);
    SSL_CTX_free(ctx);
}
END_TEST

/* ---- ALPN ---- */

static const struct {
    const char *offered; /* as it is on the wire */
    const char *selected;
} protocols[] = {
    {"\x05sip/2", "sip/2"},
    {"\x03sip", "sip"},
    {"\x08http/1.1\x05sip/2", "sip/2"},
    {"\x02h2\x08http/1.1", "http/1.1"},
    {"\x02h2", ""},
    {"\x07sip/2.0", ""},
};

START_TEST(protocol_is_chosen_among_those_offered)
{
    SSL_CTX *ctx = raw_ctx(0);
    const unsigned char *selected;
    unsigned len;

    ck_assert_int_eq(SSL_CTX_set_alpn_protos(
                         ctx, (const unsigned char *)protocols[_i].offered,
                         (unsigned)strlen(protocols[_i].offered)),
                     0);
    end_t server = our_end(server_context, NULL);
    end_t client = raw_end(ctx, false);
    greet(&client, &server);
    expect_talk(&client, &server);
    SSL_get0_alpn_selected(client.raw, &selected, &len);
    ck_assert_uint_eq(len, strlen(protocols[_i].selected));
    ck_assert(len == 0 || memcmp(selected, protocols[_i].selected, len) == 0);
    close_both(&client, &server);
    SSL_CTX_free(ctx);
}
END_TEST

/* ---- a context of the program's ---- */

static SSL_CTX *program_ctx(void)
{
    SSL_CTX *ctx = raw_server_ctx(0, server_file);

    ck_assert_int_eq(SSL_CTX_load_verify_file(ctx, ca_file), 1);
    return ctx;
}

START_TEST(context_of_the_program_serves_both_directions)
{
    SSL_CTX *ctx = program_ctx();
    srf_tls_options_t options = make_options(NULL, NULL);
    char why[SRF__TLS_WHY];

    options.ssl_ctx = ctx;
    srf__tls_context_t *context = make_context(&options);
    SSL_CTX_free(ctx); /* referenced */
    ck_assert_int_eq(srf__tls_context_reload(context, why), 0);
    end_t server = our_end(context, NULL);
    end_t client = our_end(context, "a.test");
    end_t impostor = our_end(context, NULL);
    end_t victim = our_end(context, "c.test");
    srf__tls_context_unref(context);
    greet(&client, &server);
    expect_talk(&client, &server);
    greet(&victim, &impostor);
    expect_failure(&victim, "hostname mismatch");
    close_both(&client, &server);
    close_both(&victim, &impostor);
}
END_TEST

static void *seen;

static void on_info(const SSL *ssl, int where, int result)
{
    (void)where;
    (void)result;
    seen = SSL_get_app_data(ssl);
}

START_TEST(context_of_the_program_may_be_set_up_otherwise)
{
    SSL_CTX *ctx = program_ctx();
    srf_tls_options_t options = make_options(NULL, NULL);
    static char much[MUCH];
    const srf__str_t part = srf__str(much, sizeof(much));

    (void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE);
    (void)SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_read_ahead(ctx, _i);
    SSL_CTX_set_info_callback(ctx, on_info);
    options.ssl_ctx = ctx;
    srf__tls_context_t *context = make_context(&options);
    end_t server = our_end(context, NULL);
    end_t client = our_end(context, "a.test");
    seen = &seen;
    end_receive(&client, NULL, 0);
    carry(&client, &server, 4096);
    carry(&server, &client, 4096);
    carry(&client, &server, 4096);
    end_say(&server, "soon"); /* behind what ends the handshake */
    carry(&server, &client, 4096);
    ck_assert_uint_eq(client.got_len, 4);
    ck_assert_ptr_null(seen); /* the program's, which has set nothing */
    expect_talk(&client, &server);
    ck_assert_int_eq(srf__tls_write(client.tls, &part, 1), 0);
    pump(&client, &server);
    ck_assert_uint_eq(server.got_len, 4 + MUCH);
    close_both(&client, &server);
    srf__tls_context_unref(context);
    SSL_CTX_free(ctx);
}
END_TEST

/* ---- out of memory ---- */

static unsigned long allocations;
static unsigned long failing;

static bool fails(void)
{
    return ++allocations == failing;
}

static void *try_malloc(size_t size, void *data)
{
    (void)data;
    return fails() ? NULL : malloc(size);
}

static void *try_calloc(size_t count, size_t size, void *data)
{
    (void)data;
    return fails() ? NULL : calloc(count, size);
}

static void *try_realloc(void *ptr, size_t size, void *data)
{
    (void)data;
    return fails() ? NULL : realloc(ptr, size);
}

static void give_back(void *ptr, void *data)
{
    (void)data;
    free(ptr);
}

/* Makes a context, greets, talks. True when all of it went well. */
static bool run_once(void)
{
    srf_tls_options_t options = make_options(server_file, ca_file);
    srf_tls_certificate_t more = {client_file, client_file};
    srf__tls_context_t *context = NULL;
    end_t server = {0};
    end_t client = {0};
    char why[SRF__TLS_WHY];
    const srf__str_t part = SRF__STR("hello");

    options.certificates = &more;
    options.certificate_count = 1;
    int err = srf__tls_context_create(&options, &context, why);
    if (err == 0)
        err = srf__tls_context_reload(context, why);
    if (err == 0)
        err = srf__tls_create(context, true, SRF__STR(""), &server.tls);
    if (err == 0)
        err = srf__tls_create(context, false, SRF__STR("a.test"), &client.tls);
    if (err == 0) {
        greet(&client, &server);
        err = srf__tls_state(client.tls) == SRF__TLS_OPEN
                  ? srf__tls_write(client.tls, &part, 1)
                  : SRF_ERR_TLS;
        pump(&client, &server);
    }
    bool good = err == 0 && server.got_len == part.len;
    close_both(&client, &server);
    srf__tls_context_unref(context);
    return good;
}

START_TEST(every_allocation_may_fail)
{
    static const srf_allocator_t allocator = {
        try_malloc, try_calloc, try_realloc, give_back, NULL,
    };
    unsigned long count;

    ck_assert_int_eq(srf_set_allocator(&allocator), 0);
    ck_assert(run_once());
    count = allocations;
    ck_assert_uint_gt(count, 10);
    for (failing = 1; failing <= count; failing++) {
        allocations = 0;
        ck_assert_msg(!run_once(), "allocation %lu is not needed", failing);
    }
    failing = 0;
    ck_assert(run_once());
    ck_assert_int_eq(srf_set_allocator(NULL), 0);
}
END_TEST

static void add_failures(TCase *tcase)
{
    tcase_add_loop_test(tcase, garbage_instead_of_a_handshake_fails, 0,
                        sizeof(garbage) / sizeof(*garbage));
    tcase_add_test(tcase, record_that_was_changed_fails);
    tcase_add_test(tcase, part_of_a_record_waits);
    tcase_add_test(tcase, handshake_with_a_changed_byte_does_no_harm);
    tcase_add_test(tcase, every_allocation_may_fail);
}

static Suite *suite(void)
{
    Suite *suite = suite_create("tls");
    TCase *tcase = tcase_create("session");

    pair_fixtures(tcase);
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, two_sessions_talk);
    tcase_add_test(tcase, bytes_may_come_one_by_one);
    tcase_add_test(tcase, data_in_one_piece_with_the_handshake_is_read);
    tcase_add_test(tcase, parts_of_any_size_arrive_in_order);
    tcase_add_test(tcase, small_parts_share_a_record);
    tcase_add_test(tcase, shutdown_is_seen_behind_the_last_data);
    tcase_add_test(tcase, nothing_is_written_after_shutdown);
    tcase_add_loop_test(tcase, version_below_the_oldest_is_refused_to_clients,
                        0, sizeof(versions) / sizeof(*versions));
    tcase_add_loop_test(tcase, version_below_the_oldest_is_refused_to_servers,
                        0, sizeof(versions) / sizeof(*versions));
    tcase_add_test(tcase, renegotiation_is_refused);
    tcase_add_test(tcase, new_keys_are_taken);
    tcase_add_loop_test(tcase, protocol_is_chosen_among_those_offered, 0,
                        sizeof(protocols) / sizeof(*protocols));
    tcase_add_test(tcase, context_of_the_program_serves_both_directions);
    tcase_add_loop_test(tcase, context_of_the_program_may_be_set_up_otherwise,
                        0, 2);
    add_failures(tcase);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(suite());
}
