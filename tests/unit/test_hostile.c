/*
 * More hostile connections at once than any test has descriptors, in memory:
 * the library's own listeners, connections and TLS on streams of
 * tests/support/memstream.h. Calls over UDP and TLS go on meanwhile.
 *
 * SRF_CROWD in the environment says how many there are; 50,000.
 *
 * SPDX-License-Identifier: MIT
 */
#include "certificates.h"
#include "core/receive.h"
#include "memstream.h"
#include "runner.h"
#include "tls_ends.h"
#include "transport/connection.h"
#include "world.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

enum {
    USUAL_CROWD = 50000,
    BATCH = 50,        /* connections before the loop gets to them */
    CALLS = 50,        /* over each transport while they come */
    CALLS_APART = 200, /* connections, at least */
    GROUP = 16,        /* connections of an address that has several */
    LOOKED_AT = 64,    /* connections of a peer, to find one to close */
    DESCRIPTORS = 100000,
    HANDSHAKE_BYTES = 73728, /* as the library counts them */
    NOBODY = 4711            /* the id of no transaction */
};

typedef enum kind {
    IDLE,
    HALF_PING,
    HALF_HEAD,
    HALF_BODY,
    SLOW,
    ASKING,
    HALF_WEBSOCKET,
    TLS_SILENT,
    TLS_BEGUN,
    TLS_HELLO,
    KINDS
} kind_t;

typedef struct intruder {
    memstream_t *stream;
    kind_t kind;
} intruder_t;

static const char *ca_file;
static const char *proxy_file;
static world_t *world;
static uint64_t crowd; /* how many */
static intruder_t *intruders;
static uint64_t intruder_count;
static bool calling; /* beside them */
static unsigned calls;
static SSL_CTX *client_ctx;
static uint64_t bytes_before; /* any of them came */

/* ---- memory: that of the library and of OpenSSL ---- */

static struct {
    uint64_t ours;
    uint64_t tls;
} live;

typedef union head {
    size_t size;
    max_align_t align;
} head_t;

static void *take(void *old, size_t size, uint64_t *count)
{
    head_t *before = old == NULL ? NULL : (head_t *)old - 1;
    size_t had = before == NULL ? 0 : before->size;
    head_t *head = realloc(before, sizeof(*head) + size);

    if (head == NULL)
        return NULL;
    *count += size - had;
    head->size = size;
    return head + 1;
}

static void give_back(void *old, uint64_t *count)
{
    if (old == NULL)
        return;
    *count -= ((head_t *)old - 1)->size;
    free((head_t *)old - 1);
}

static void *our_malloc(size_t size, void *data)
{
    return take(NULL, size, data);
}

static void *our_calloc(size_t count, size_t size, void *data)
{
    void *out = take(NULL, count * size, data);

    return out == NULL ? NULL : memset(out, 0, count * size);
}

static void *our_realloc(void *old, size_t size, void *data)
{
    return take(old, size, data);
}

static void our_free(void *old, void *data)
{
    give_back(old, data);
}

static void *tls_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return size == 0 ? NULL : take(NULL, size, &live.tls);
}

static void *tls_realloc(void *old, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return take(old, size, &live.tls);
}

static void tls_free(void *old, const char *file, int line)
{
    (void)file;
    (void)line;
    give_back(old, &live.tls);
}

/* From the beginning of the program on. */
static void count_memory(void)
{
    const srf_allocator_t ours = {our_malloc, our_calloc, our_realloc, our_free,
                                  &live.ours};

    if (CRYPTO_set_mem_functions(tls_malloc, tls_realloc, tls_free) != 1 ||
        srf_set_allocator(&ours) != 0)
        exit(EXIT_FAILURE);
}

/* ---- the proxy ---- */

static srf__addr_t address(const char *host, uint16_t port)
{
    srf__addr_t out;

    ck_assert(
        srf__addr_from_host(&out, srf__str_of(host), port, SRF__TRANSPORT_TCP));
    return out;
}

static void listen_at(const char *uri)
{
    srf_tls_options_t tls;
    srf_listen_options_t options;

    srf_tls_options_init(&tls);
    tls.certificate_file = proxy_file;
    tls.ca_file = ca_file; /* to read all of the system's takes long */
    srf_listen_options_init(&options);
    options.tls = &tls;
    options.max_connections = DESCRIPTORS;
    options.max_connections_per_source = (uint32_t)crowd / GROUP;
    ck_assert_int_eq(srf_listen(world->srf, uri, &options), 0);
}

static srf__transports_t *transports(void)
{
    return &world->srf->element.transports;
}

static srf__crowd_t *accepted(void)
{
    return &transports()->crowds->list[SRF__CROWD_ACCEPTED];
}

static void make_files(void)
{
    if (ca_file != NULL)
        return;
    ca_file = certificates_path("ca.pem");
    proxy_file = certificates_path("proxy.pem");
    authority_t *authority = authority_create(ca_file);
    certificate_write(authority, proxy_file,
                      &(certificate_spec_t){.names = "IP:10.0.0.1"});
    authority_free(authority);
}

/* `descriptors` are what it believes to be allowed; `memory` what it may take.
 */
static void begin(uint64_t descriptors, uint64_t memory)
{
    srf_options_t options;

    make_files();
    srf_options_init(&options);
    options.max_memory_bytes = memory;
    world = world_create_with(&options, "10.0.0.11", NULL);
    listen_at("sip:10.0.0.1:5060;transport=tcp");
    listen_at("sip:[2001:db8::1]:5060;transport=tcp");
    listen_at("sip:10.0.0.1:5061;transport=tls");
    listen_at("sip:10.0.0.1:80;transport=ws");
    srf__crowds_deinit(transports()->crowds);
    srf__crowds_init(transports()->crowds, descriptors);
    intruders = calloc(2 * crowd, sizeof(*intruders));
    ck_assert_ptr_nonnull(intruders);
    intruder_count = 0;
    client_ctx = raw_ctx(0);
    calling = true;
    calls = 0;
}

/* As many descriptors as let `count` connections in. */
static uint64_t descriptors_for(uint64_t count)
{
    uint64_t rest = count * 8 / 5;

    return rest * 8 / 7 < 8192 ? rest * 8 / 7 : rest + 1024;
}

static void run(uint64_t ms)
{
    enum { STEP_MS = 100 };

    for (; ms > 0; ms -= ms < STEP_MS ? ms : STEP_MS) {
        memnet_run(world->net, ms < STEP_MS ? ms : STEP_MS);
        memstream_settle();
    }
}

static void settle(void)
{
    memstream_settle();
    world_settle(world);
    memstream_settle();
}

static void end(void)
{
    for (uint64_t i = 0; i < intruder_count; i++)
        memstream_close(intruders[i].stream);
    free(intruders);
    settle();
    memnet_drain(world->net, 600000);
    ck_assert_uint_eq(transports()->counters.connections, 0);
    ck_assert_uint_eq(transports()->bytes, 0);
    ck_assert_uint_eq(accepted()->count, 0);
    ck_assert_uint_eq(accepted()->parties.count, 0);
    ck_assert_uint_eq(world_stats(world).memory_bytes, 0);
    srf_destroy(world->srf, NULL);
    run(1);
    world_destroy_rest(world);
    ck_assert_uint_eq(memstream_descriptors(), 0);
    ck_assert_uint_eq(live.ours, 0);
    SSL_CTX_free(client_ctx);
}

/* ---- who means well ---- */

typedef struct caller {
    memstream_t *stream; /* NULL: over UDP */
    end_t tls;
    char id[16];
} caller_t;

/* What is on its way in both directions arrives. */
static void carry_all(caller_t *caller)
{
    char bytes[4096];
    size_t len;

    for (bool busy = true; busy;) {
        char *out = end_take(&caller->tls, &len);
        busy = out != NULL;
        if (busy)
            memstream_say(caller->stream, out, len);
        srf__free(out);
        settle();
        while ((len = memstream_hear(caller->stream, bytes, sizeof(bytes))) >
               0) {
            end_receive(&caller->tls, bytes, len);
            busy = true;
        }
    }
}

static caller_t call_from(bool tls)
{
    const srf__addr_t here = address("10.0.0.9", 5060);
    const srf__addr_t there = address("10.0.0.1", 5061);
    caller_t caller = {0};

    snprintf(caller.id, sizeof(caller.id), "call%u", ++calls);
    if (!tls)
        return caller;
    caller.stream = memstream_connect(&here, &there);
    ck_assert_ptr_nonnull(caller.stream);
    memstream_listen_to(caller.stream);
    caller.tls = raw_end(client_ctx, false);
    end_receive(&caller.tls, NULL, 0);
    carry_all(&caller);
    ck_assert_msg(!memstream_is_gone(caller.stream), "%s is not let in",
                  caller.id);
    return caller;
}

static void caller_close(caller_t *caller)
{
    if (caller->stream == NULL)
        return;
    memstream_close(caller->stream);
    end_close(&caller->tls);
    settle();
}

/* Each LF becomes CRLF, as party_send() has it. */
static void say_lines(caller_t *caller, const char *text)
{
    char out[2 * PARTY_TEXT];
    size_t len = 0;

    for (; *text != '\0'; text++) {
        if (*text == '\n')
            out[len++] = '\r';
        out[len++] = *text;
    }
    snprintf(out + len, sizeof(out) - len, "Content-Length: 0\r\n\r\n");
    end_say(&caller->tls, out);
    carry_all(caller);
}

static void caller_send(caller_t *caller, const char *method, const char *lines)
{
    bool inside = *lines != '\0'; /* the dialog; to the callee's Contact */
    char text[PARTY_TEXT];

    snprintf(text, sizeof(text),
             "%s sip:bob@10.0.0.1%s SIP/2.0\n"
             "Via: SIP/2.0/%s 10.0.0.9:5060;branch=z9hG4bK-%s-%s\n"
             "From: <sip:ann@example.com>;tag=ann\n"
             "To: <sip:bob@example.com>%s\n"
             "Call-ID: %s\n"
             "CSeq: %d %s\n"
             "Contact: <sip:ann@10.0.0.9>\n"
             "%s",
             method, inside ? "1" : "", caller->stream == NULL ? "UDP" : "TLS",
             caller->id, method, inside ? ";tag=uas" : "", caller->id,
             strcmp(method, "BYE") == 0 ? 2 : 1, method, lines);
    if (caller->stream != NULL) {
        say_lines(caller, text);
        return;
    }
    party_send(world->caller, WORLD_PROXY, "%s", text);
    settle();
}

/* The last response that came; it must be this one. */
static const char *caller_expect(caller_t *caller, const char *start)
{
    const char *text = "nothing";

    if (caller->stream != NULL) {
        carry_all(caller);
        for (const char *p = caller->tls.got; p != NULL;
             p = strstr(p + 1, "SIP/2.0 "))
            text = p;
    } else if (world->caller->count > 0) {
        text = world->caller->inbox[world->caller->count - 1];
    }
    ck_assert_msg(strncmp(text, start, strlen(start)) == 0, "%s got %.40s",
                  caller->id, text);
    return text;
}

/* The callee gets the request, and answers it unless that is an ACK. */
static void callee_answer(const char *method)
{
    unsigned index = party_index(world->one, method, 0);

    if (strcmp(method, "ACK") != 0)
        party_reply(world->one, index, "200 OK",
                    "Contact: <sip:bob@10.0.0.11>\n");
    party_clear(world->one);
    settle();
}

/* The Record-Routes of a response, as Routes of what follows. */
static void write_routes(char *out, size_t size, const char *response)
{
    char rest[PARTY_TEXT];

    *out = '\0';
    for (const char *p = response; (p = strstr(p, "Record-Route: ")) != NULL;
         p++) {
        int len = (int)strcspn(p, "\r") - (int)strlen("Record-");
        snprintf(rest, sizeof(rest), "%.*s\n%s", len, p + strlen("Record-"),
                 out);
        snprintf(out, size, "%s", rest);
    }
    ck_assert_int_ne(*out, '\0');
}

/* From INVITE to BYE. */
static void call(bool tls)
{
    char routes[PARTY_TEXT];
    caller_t caller = call_from(tls);

    caller_send(&caller, "INVITE", "");
    callee_answer("INVITE");
    write_routes(routes, sizeof(routes), caller_expect(&caller, "SIP/2.0 200"));
    caller_send(&caller, "ACK", routes);
    callee_answer("ACK");
    caller_send(&caller, "BYE", routes);
    callee_answer("BYE");
    ck_assert_ptr_nonnull(
        strstr(caller_expect(&caller, "SIP/2.0 200"), "CSeq: 2 BYE"));
    party_clear(world->caller);
    caller_close(&caller);
}

static void call_both(void)
{
    call(false);
    call(true);
}

/* ---- who does not ---- */

/* A whole ClientHello. */
static srf__str_t hello(void)
{
    static char bytes[1024];
    static size_t len;
    size_t count;

    if (len > 0)
        return srf__str(bytes, len);
    end_t client = raw_end(client_ctx, false);
    end_receive(&client, NULL, 0);
    char *out = end_take(&client, &count);
    ck_assert_uint_le(count, sizeof(bytes));
    memcpy(bytes, out, count);
    len = count;
    srf__free(out);
    end_close(&client);
    return srf__str(bytes, len);
}

/* What it says first. */
static srf__str_t beginning(kind_t kind)
{
    switch (kind) {
    case HALF_PING:
        return SRF__STR("\r\n");
    case HALF_HEAD:
    case SLOW:
        return SRF__STR("OPTIONS sip:x@10.0.0.77 SIP/2.0\r\nVia: ");
    case HALF_BODY:
        return SRF__STR("OPTIONS sip:x@10.0.0.77 SIP/2.0\r\n"
                        "Content-Length: 9999\r\n\r\nThe body");
    case ASKING: /* answered, without state */
        return SRF__STR("OPTIONS sip:x@10.0.0.77 SIP/2.0\r\n"
                        "Via: SIP/2.0/TCP 10.9.9.9;branch=z9hG4bK-x\r\n"
                        "Max-Forwards: 0\r\n"
                        "From: <sip:x@example.com>;tag=x\r\n"
                        "To: <sip:y@example.com>\r\n"
                        "Call-ID: x\r\n"
                        "CSeq: 1 OPTIONS\r\n"
                        "Content-Length: 0\r\n\r\n");
    case HALF_WEBSOCKET:
        return SRF__STR("GET / HTTP/1.1\r\nHost: 10.0.0.1\r\nUpgrade: ");
    case TLS_BEGUN:
        return SRF__STR("\x16\x03\x01\x02");
    case TLS_HELLO:
        return hello();
    default:
        return SRF__STR("");
    }
}

static uint16_t port_of(kind_t kind)
{
    if (kind == HALF_WEBSOCKET)
        return 80;
    return kind >= TLS_SILENT ? 5061 : 5060;
}

/* A few come before the loop gets to them, and now and then there is a call. */
static void let_go_on(void)
{
    uint64_t apart = crowd / CALLS < CALLS_APART ? CALLS_APART : crowd / CALLS;

    if (intruder_count % BATCH == 0)
        memstream_settle();
    if (calling && intruder_count % apart == 0)
        call_both();
}

static void intrude(const char *from, kind_t kind)
{
    srf__addr_t peer = address(from, (uint16_t)(1024 + intruder_count % 60000));
    const srf__addr_t to =
        address(peer.family == 6 ? "[2001:db8::1]" : "10.0.0.1", port_of(kind));
    memstream_t *stream = memstream_connect(&peer, &to);
    srf__str_t first = beginning(kind);

    if (stream == NULL || intruder_count == 2 * crowd)
        ck_abort_msg("it cannot connect");
    memstream_say(stream, first.p, first.len);
    intruders[intruder_count++] = (intruder_t){stream, kind};
    let_go_on();
}

/* An address of its own for each `share` of them. */
static const char *address_of(uint64_t i, unsigned share)
{
    static char text[48];

    i /= share;
    snprintf(text, sizeof(text), "10.%u.%u.%u", (unsigned)(64 + i / 62500),
             (unsigned)(i / 250 % 250), (unsigned)(1 + i % 250));
    return text;
}

/* Another address of the same IPv6 network, for each of them. */
static const char *neighbour(uint64_t i)
{
    static char text[48];

    snprintf(text, sizeof(text), "[2001:db8:6:6::%x]", (unsigned)(i + 1));
    return text;
}

static kind_t kind_of(uint64_t i)
{
    /* What is signed for takes time: not as many. */
    return i % KINDS == TLS_HELLO && i / KINDS % 4 != 0 ? TLS_SILENT
                                                        : (kind_t)(i % KINDS);
}

static uint64_t held_of(kind_t kind)
{
    uint64_t count = 0;

    for (uint64_t i = 0; i < intruder_count; i++)
        count += intruders[i].kind == kind &&
                 !memstream_is_gone(intruders[i].stream);
    return count;
}

/* Those that were let in and not closed since. */
static uint64_t held(void)
{
    uint64_t count = 0;

    for (unsigned kind = 0; kind < KINDS; kind++)
        count += held_of((kind_t)kind);
    return count;
}

/* One address, and one network of 64 bits, each with twice what they get; then
 * many addresses with one each, and with several, until all are there. */
static void intrude_all(void)
{
    uint64_t of_one = crowd / GROUP;
    uint64_t left = crowd - 2 * of_one;

    for (uint64_t i = 0; i < 2 * of_one; i++)
        intrude("10.6.6.6", kind_of(i));
    for (uint64_t i = 0; i < 2 * of_one; i++)
        intrude(neighbour(i), (kind_t)(i % HALF_WEBSOCKET));
    for (uint64_t i = 0; i < left / 2; i++)
        intrude(address_of(i, 1), kind_of(i));
    for (uint64_t i = left / 2; i < left; i++)
        intrude(address_of(left + i, GROUP), kind_of(i));
    settle();
}

/* Those that are slow say a little more. */
static void drip(void)
{
    for (uint64_t i = 0; i < intruder_count; i++) {
        if (intruders[i].kind == SLOW &&
            !memstream_is_gone(intruders[i].stream))
            memstream_say(intruders[i].stream, "x", 1);
    }
    memstream_settle();
}

/* What is really taken is no more than what the library says. */
static void expect_account(void)
{
    uint64_t said = world_stats(world).memory_bytes;
    uint64_t taken = live.ours + live.tls - bytes_before;

    ck_assert_msg(taken < said + said / 8, "%lu bytes of %lu",
                  (unsigned long)taken, (unsigned long)said);
}

/* ---- cases ---- */

START_TEST(no_call_fails_beside_a_crowd)
{
    begin(DESCRIPTORS, 4ull << 30);
    call_both();
    bytes_before = live.ours + live.tls;
    intrude_all();
    ck_assert_uint_eq(held(), crowd);
    ck_assert_uint_eq(accepted()->count, crowd);
    ck_assert_uint_eq(transports()->counters.connections, crowd);
    ck_assert_uint_eq(transports()->counters.refused, 2 * (crowd / GROUP));
    ck_assert_uint_eq(transports()->counters.shed, 0);
    expect_account();
    /* Handshakes have 5 s, messages 10, whatever is said meanwhile. */
    uint64_t last = held_of(IDLE) + held_of(HALF_PING) + held_of(ASKING);
    for (unsigned s = 1; s <= 12; s++) {
        drip();
        run(1000);
        if (s % 4 == 0)
            call_both();
    }
    ck_assert_uint_eq(held(), last);
    ck_assert_uint_eq(transports()->counters.timed_out, crowd - last);
    for (unsigned s = 0; s < 600; s += 200) {
        run(200000);
        call_both();
    }
    ck_assert_uint_eq(held(), 0);
    ck_assert_uint_eq(world_stats(world).overloaded, 0);
    end();
}
END_TEST

START_TEST(whoever_has_most_makes_room)
{
    begin(descriptors_for(crowd / 4), 4ull << 30);
    intrude_all();
    ck_assert_uint_gt(accepted()->count, accepted()->limit * 9 / 10);
    ck_assert_uint_le(accepted()->count, accepted()->limit);
    ck_assert_uint_eq(held(), accepted()->count);
    ck_assert_uint_eq(transports()->counters.shed +
                          transports()->counters.refused,
                      intruder_count - held());
    ck_assert_uint_gt(transports()->counters.shed, 0);
    call_both();
    end();
}
END_TEST

START_TEST(strangers_who_say_nothing_make_room)
{
    begin(descriptors_for(crowd / 4), 4ull << 30);
    for (uint64_t i = 0; i < crowd / 2; i++)
        intrude(address_of(i, 1), (kind_t)(i % ASKING));
    ck_assert_uint_le(accepted()->count, accepted()->limit);
    ck_assert_uint_gt(transports()->counters.shed, crowd / 8);
    call_both();
    end();
}
END_TEST

START_TEST(strangers_who_have_said_something_stay)
{
    begin(descriptors_for(crowd / 16), 4ull << 30);
    calling = false;
    for (uint64_t i = 0; i < accepted()->limit; i++)
        intrude(address_of(i, 1), ASKING);
    memstream_settle();
    for (unsigned i = 0; i < BATCH; i++)
        intrude(address_of(crowd + i, 1), IDLE);
    memstream_settle();
    ck_assert_uint_eq(held_of(ASKING), accepted()->limit);
    ck_assert_uint_eq(transports()->counters.refused, BATCH);
    call(false);
    end();
}
END_TEST

START_TEST(handshakes_hold_no_more_than_they_may)
{
    const uint64_t most = (uint64_t)HANDSHAKE_BYTES * (crowd / 20);

    begin(DESCRIPTORS, 2 * most);
    call_both();
    bytes_before = live.ours + live.tls;
    for (uint64_t i = 0; i < crowd / 4; i++) {
        intrude(address_of(i, 1), i % 8 == 0 ? TLS_HELLO : TLS_BEGUN);
        ck_assert_uint_le(transports()->bytes, most + BATCH * HANDSHAKE_BYTES);
    }
    settle();
    expect_account();
    ck_assert_uint_gt(transports()->counters.shed, crowd / 8);
    ck_assert_uint_eq(world_stats(world).overloaded, 0);
    call_both();
    end();
}
END_TEST

START_TEST(without_descriptors_there_is_room_too)
{
    begin(DESCRIPTORS, 4ull << 30);
    memstream_set_descriptors((unsigned)crowd / 4);
    intrude_all();
    ck_assert_uint_gt(transports()->counters.accepts_failed, 0);
    ck_assert_uint_le(memstream_descriptors(), crowd / 4);
    call_both();
    memstream_set_descriptors(0);
    end();
}
END_TEST

static unsigned asked;

static bool on_is_waiting(void *arg, uint64_t id)
{
    (void)arg;
    asked += id == NOBODY;
    return true;
}

/* How many connections are looked at for one that finds no room, when `count`
 * are there and somebody waits for an answer on each. */
static unsigned looked_at(uint64_t count)
{
    srf__flow_t flow = {.connection = 1};
    uint32_t heard;

    begin(descriptors_for(count), 4ull << 30);
    calling = false;
    while (accepted()->count < accepted()->limit) {
        intrude(address_of(intruder_count, GROUP), IDLE);
        memstream_settle();
    }
    flow.listener = transports()->listeners->next; /* behind that of UDP */
    for (; flow.connection <= intruder_count; flow.connection++)
        ck_assert_int_eq(srf__transports_watch(&flow, NOBODY, &heard), 0);
    transports()->events.is_waiting = on_is_waiting;
    asked = 0;
    intrude("10.200.0.1", IDLE);
    memstream_settle();
    ck_assert(memstream_is_gone(intruders[intruder_count - 1].stream));
    ck_assert_uint_eq(transports()->counters.refused, 1);
    transports()->events.is_waiting = srf__on_is_waiting;
    end();
    return asked;
}

START_TEST(few_are_looked_at_however_many_there_are)
{
    unsigned few = looked_at(crowd / 16);

    ck_assert_uint_gt(few, 0);
    ck_assert_uint_le(few, 2 * LOOKED_AT);
    ck_assert_uint_eq(looked_at(crowd), few);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hostile");
    TCase *tcase = tcase_create("connections");
    const char *count = getenv("SRF_CROWD");

    crowd = count == NULL ? USUAL_CROWD : strtoul(count, NULL, 10);
    if (getenv("SRF_EACH_PIECE") == NULL) /* else a checker counts them */
        count_memory();
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, no_call_fails_beside_a_crowd);
    tcase_add_test(tcase, whoever_has_most_makes_room);
    tcase_add_test(tcase, strangers_who_say_nothing_make_room);
    tcase_add_test(tcase, strangers_who_have_said_something_stay);
    tcase_add_test(tcase, handshakes_hold_no_more_than_they_may);
    tcase_add_test(tcase, without_descriptors_there_is_room_too);
    tcase_add_test(tcase, few_are_looked_at_however_many_there_are);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
