/*
 * A call with a re-INVITE and a BYE from either side, for every pair of
 * transports and both address families: caller, proxy, callee over real
 * sockets. A callee over WebSocket registers through the proxy first, and is
 * reached by the Path that the registrar got (RFC 7118 §5, RFC 5626 §5).
 *
 * SPDX-License-Identifier: MIT
 */
#include "runner.h"
#include "stage.h"

#include <stdio.h>
#include <string.h>

enum { TEXT = 4000 };

static stage_t scene;
static unsigned ports[WIRE_KINDS];

static void setup(bool six)
{
    stage_setup(&scene, six, NULL);
    scene.options.record_route = 1;
    scene.options.path = 1;
    for (unsigned kind = 0; kind < WIRE_KINDS; kind++)
        ports[kind] = stage_listen(&scene, (wire_kind_t)kind);
}

/* ---- an end of a call ---- */

typedef struct party {
    wire_t *wire;
    wire_kind_t kind;
    const char *name;
    char contact[120];
    char via[120]; /* without the branch */
    char target[200];
    char routes[TEXT]; /* Route lines */
    unsigned cseq;
} party_t;

static void make_party(party_t *party, wire_t *wire, wire_kind_t kind,
                       const char *name)
{
    memset(party, 0, sizeof(*party));
    party->wire = wire;
    party->kind = kind;
    party->name = name;
    if (wire_is_web(kind)) {
        (void)snprintf(party->contact, sizeof(party->contact),
                       "sip:%s@%s.invalid;transport=ws", name, name);
        (void)snprintf(party->via, sizeof(party->via), "SIP/2.0/%s %s.invalid",
                       wire_via_name(kind), name);
        return;
    }
    (void)snprintf(party->contact, sizeof(party->contact),
                   "sip:%s@%s:%u;transport=%s", name, scene.host,
                   wire_port(wire), wire_uri_name(kind));
    (void)snprintf(party->via, sizeof(party->via), "SIP/2.0/%s %s:%u",
                   wire_via_name(kind), scene.host, wire_port(wire));
}

/* Its route set from the Record-Route of a message, reversed for a caller. */
static void learn_routes(party_t *party, const char *message, bool reverse)
{
    const char *from = NULL;
    const char *value;
    char line[2100];

    party->routes[0] = '\0';
    while ((value = wire_header(message, "Record-Route", &from))[0] != '\0') {
        size_t len = strlen(party->routes);
        size_t more =
            (size_t)snprintf(line, sizeof(line), "Route: %s\n", value);
        ck_assert_uint_lt(len + more, sizeof(party->routes));
        if (reverse)
            memmove(party->routes + more, party->routes, len + 1);
        memcpy(party->routes + (reverse ? 0 : len), line, more);
        party->routes[len + more] = '\0';
    }
}

static void learn_target(party_t *party, const char *message)
{
    const char *contact = wire_header(message, "Contact", NULL);

    ck_assert_int_eq(sscanf(contact, "<%199[^>]>", party->target), 1);
}

static void request(party_t *from, const char *method, const char *to_tag)
{
    static unsigned branch;

    wire_send(from->wire,
              "%s %s SIP/2.0\n"
              "Via: %s;branch=z9hG4bKm%u;rport\n"
              "Max-Forwards: 70\n"
              "%s"
              "From: <sip:%s@call.test>;tag=%s\n"
              "To: <sip:x@call.test>%s%s\n"
              "Call-ID: call@matrix\n"
              "CSeq: %u %s\n"
              "Contact: <%s>\n"
              "Content-Length: 4\n"
              "\n"
              "v=0\r\n",
              method, from->target, from->via, ++branch, from->routes,
              from->name, from->name, to_tag[0] == '\0' ? "" : ";tag=", to_tag,
              from->cseq, method, from->contact);
}

static void answer(const party_t *party, const char *message,
                   const char *status)
{
    char contact[200];

    (void)snprintf(contact, sizeof(contact), "Contact: <%s>\n", party->contact);
    stage_answer(party->wire, message, status, contact);
}

/* ---- the call ---- */

/* The REGISTER of a WebSocket client; the Path is its route from then on. */
static void register_party(const party_t *party, char path[200])
{
    wire_t *registrar = wire_listen(&scene.loop, WIRE_UDP, scene.ip, NULL);
    party_t registrar_party;
    const char *message;

    make_party(&registrar_party, registrar, WIRE_UDP, "registrar");
    (void)snprintf(scene.targets[0], STAGE_TEXT, "sip:%s:%u", scene.host,
                   wire_port(registrar));
    wire_send(party->wire,
              "REGISTER sip:call.test SIP/2.0\n"
              "Via: %s;branch=z9hG4bKreg\n"
              "Max-Forwards: 70\n"
              "From: <sip:%s@call.test>;tag=r\n"
              "To: <sip:%s@call.test>\n"
              "Call-ID: reg@matrix\n"
              "CSeq: 1 REGISTER\n"
              "Contact: <%s>\n"
              "Supported: path, outbound\n"
              "Content-Length: 0\n"
              "\n",
              party->via, party->name, party->name, party->contact);
    message = wire_expect(registrar, "REGISTER sip:call.test");
    ck_assert_int_eq(
        sscanf(wire_header(message, "Path", NULL), "<%199[^>]>", path), 1);
    ck_assert_ptr_nonnull(strchr(path, '@'));
    ck_assert_ptr_nonnull(strstr(path, ";ob"));
    answer(&registrar_party, message, "200 OK");
    (void)wire_expect(party->wire, "SIP/2.0 200");
    wire_close(registrar);
}

/* INVITE, 180, 200, ACK; `from` learns where to go by the answer. */
static void invite(party_t *from, party_t *to, bool first)
{
    char tag[20] = "";
    const char *message;

    if (!first)
        (void)snprintf(tag, sizeof(tag), "%s", to->name);
    from->cseq++;
    request(from, "INVITE", tag);
    if (wire_header(wire_expect(from->wire, "SIP/2.0 100"), "Via", NULL)[0] ==
        '\0')
        ck_abort_msg("100 without Via");
    message = wire_expect(to->wire, "INVITE ");
    learn_target(to, message);
    if (first)
        learn_routes(to, message, false);
    ck_assert_ptr_nonnull(strstr(message, "\r\n\r\nv=0\r"));
    answer(to, message, "180 Ringing");
    (void)wire_expect(from->wire, "SIP/2.0 180");
    answer(to, message, "200 OK");
    message = wire_expect(from->wire, "SIP/2.0 200");
    learn_target(from, message);
    if (first)
        learn_routes(from, message, true);
    request(from, "ACK", to->name);
    (void)wire_expect(to->wire, "ACK ");
}

static void bye(party_t *from, party_t *to)
{
    from->cseq++;
    request(from, "BYE", to->name);
    answer(to, wire_expect(to->wire, "BYE "), "200 OK");
    (void)wire_expect(from->wire, "SIP/2.0 200");
}

static void make_call(wire_kind_t in, wire_kind_t out, bool callee_ends)
{
    party_t caller;
    party_t callee;
    char path[200];

    make_party(
        &caller,
        wire_connect(&scene.loop, in, scene.ip, ports[in], scene.client_ctx),
        in, "alice");
    wire_t *wire = wire_is_web(out) ? wire_connect(&scene.loop, out, scene.ip,
                                                   ports[out], scene.client_ctx)
                                    : wire_listen(&scene.loop, out, scene.ip,
                                                  scene.server_ctx);
    make_party(&callee, wire, out, "bob");
    (void)snprintf(caller.target, sizeof(caller.target), "%s", callee.contact);
    if (wire_is_web(out)) {
        register_party(&callee, path);
        scene.targets[0][0] = '\0';
        (void)snprintf(caller.routes, sizeof(caller.routes), "Route: <%s>\n",
                       path);
    } else {
        (void)snprintf(scene.targets[0], STAGE_TEXT, "%s", callee.contact);
    }
    scene.results = 0;
    invite(&caller, &callee, true);
    invite(&callee, &caller, false);
    invite(&caller, &callee, false);
    if (callee_ends)
        bye(&callee, &caller);
    else
        bye(&caller, &callee);
    ck_assert_uint_eq(scene.results, 1);
    wire_close(caller.wire);
    wire_close(callee.wire);
}

START_TEST(call_over_every_pair_of_transports)
{
    setup(_i != 0);
    for (unsigned in = 0; in < WIRE_KINDS; in++) {
        for (unsigned out = 0; out < WIRE_KINDS; out++) {
            make_call((wire_kind_t)in, (wire_kind_t)out, false);
            make_call((wire_kind_t)in, (wire_kind_t)out, true);
        }
    }
    stage_teardown(&scene);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("matrix");
    TCase *tcase = tcase_create("calls");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, call_over_every_pair_of_transports, 0, 2);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
