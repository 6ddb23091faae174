/*
 * Flows over UDP (RFC 5626): clients whose addresses are translated on their
 * way to us are reached where they came from, and nobody else is by it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "proxy/flow_name.h"
#include "proxy/mark.h"
#include "proxy/way.h"
#include "runner.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

/* Where a client sends from, and where it believes to be. */
#define BINDING "10.0.0.20:40000"
#define INSIDE  "192.168.7.7"

enum { TEXT = 1024 };

static party_t *natted;

static world_t *natted_world(const char *target)
{
    world_t *world = world_create(target, NULL);

    natted = party_create(world->net, BINDING);
    world->program.options.path = 1;
    return world;
}

static void end_world(world_t *world)
{
    memnet_drain(world->net, 600000);
    party_destroy(natted);
    world_destroy(world);
}

/* A request of the client's, with a Contact. */
static void send_from_inside(world_t *world, const char *method,
                             const char *uri, const char *extra)
{
    party_send(natted, WORLD_PROXY,
               "%s %s SIP/2.0\n"
               "Via: SIP/2.0/UDP " INSIDE ":5060;branch=z9hG4bK-n-%s;rport\n"
               "Max-Forwards: 70\n"
               "From: <sip:ann@example.com>;tag=nat\n"
               "To: <sip:bob@example.com>\n"
               "Call-ID: nat\n"
               "CSeq: 1 %s\n"
               "Contact: <sip:ann@" INSIDE ">\n"
               "%s",
               method, uri, method, method, extra);
    world_settle(world);
}

/* The values of all lines of that name in the order of the message, or in
 * reverse, as "Route: ..." lines, with their marks. */
static void to_routes(const char *msg, const char *name, bool reverse,
                      char out[TEXT])
{
    char values[4][TEXT / 4];
    unsigned count = 0;
    size_t len = 0;
    const char *at = msg;

    ck_assert_ptr_nonnull(msg);
    while ((at = strstr(at, name)) != NULL && count < 4) {
        at += strlen(name) + 2;
        size_t value = strcspn(at, "\r");
        ck_assert_uint_lt(value, sizeof(values[0]));
        memcpy(values[count], at, value);
        values[count++][value] = '\0';
    }
    out[0] = '\0';
    for (unsigned i = 0; i < count; i++)
        len += (size_t)snprintf(out + len, TEXT - len, "Route: %s\n",
                                values[reverse ? count - 1 - i : i]);
}

/* A request inside the dialog "nat" of the peer that did not begin it. */
static void send_back(world_t *world, party_t *from, const char *method,
                      const char *uri, const char *routes)
{
    char address[64];

    snprintf(address, sizeof(address), "%.*s", (int)strcspn(from->address, ":"),
             from->address);
    party_send(from, WORLD_PROXY,
               "%s %s SIP/2.0\n"
               "Via: SIP/2.0/UDP %s:5060;branch=z9hG4bK-back-%s\n"
               "Max-Forwards: 70\n"
               "From: <sip:bob@example.com>;tag=uas\n"
               "To: <sip:ann@example.com>;tag=nat\n"
               "Call-ID: nat\n"
               "CSeq: 7 %s\n"
               "%s",
               method, uri, address, method, method, routes);
    world_settle(world);
}

START_TEST(the_callee_reaches_a_caller_where_it_came_from)
{
    static const char *const methods[] = {"BYE", "INVITE", "INFO", "UPDATE"};
    world_t *world = natted_world("10.0.0.11");
    char routes[TEXT];

    send_from_inside(world, "INVITE", WORLD_URI, "");
    to_routes(party_find(world->one, "INVITE", 0), "Record-Route", false,
              routes);
    world_answer(world, world->one, "200 OK");
    send_back(world, world->one, methods[_i], "sip:ann@" INSIDE, routes);
    ck_assert_uint_eq(party_received(natted, methods[_i]), 1);
    world_expect(natted, methods[_i], "Route", NULL);
    party_reply(natted, party_index(natted, methods[_i], 0), "200 OK", "");
    world_settle(world);
    ck_assert_uint_eq(party_received(world->one, "SIP/2.0 200"), 1);
    end_world(world);
}
END_TEST

/* RFC 5630 §3.1.3: the flow decides, not the Contact. */
START_TEST(a_sips_contact_is_reached_over_udp_where_that_is_allowed)
{
    world_t *world = natted_world("10.0.0.11");
    char routes[TEXT];

    world->srf->element.sips_downgrade = _i == 1;
    send_from_inside(world, "INVITE", WORLD_URI, "");
    to_routes(party_find(world->one, "INVITE", 0), "Record-Route", false,
              routes);
    world_answer(world, world->one, "200 OK");
    send_back(world, world->one, "BYE", "sips:ann@" INSIDE, routes);
    ck_assert_uint_eq(party_received(natted, "BYE"), (unsigned)_i);
    ck_assert_uint_eq(party_received(world->one, "SIP/2.0 500"),
                      1 - (unsigned)_i);
    ck_assert_uint_eq(world_stats(world).sips_refused, 1 - (unsigned)_i);
    if (_i == 1)
        party_reply(natted, party_index(natted, "BYE", 0), "200 OK", "");
    end_world(world);
}
END_TEST

/* Registers the client through us with `one`: the Path that it sees. */
static void register_client(world_t *world, char path[TEXT])
{
    send_from_inside(world, "REGISTER", "sip:10.0.0.11", "");
    to_routes(party_find(world->one, "REGISTER", 0), "Path", false, path);
    party_reply(world->one, party_index(world->one, "REGISTER", 0), "200 OK",
                "");
    world_settle(world);
    ck_assert_uint_eq(party_received(natted, "SIP/2.0 200"), 1);
    party_clear(world->one);
    party_clear(natted);
}

START_TEST(a_call_along_a_path_reaches_a_client_where_it_came_from)
{
    world_t *world = natted_world(NULL);
    char path[TEXT];
    char routes[TEXT];

    register_client(world, path);
    world_request(world, "INVITE", "sip:ann@" INSIDE, "p", path);
    ck_assert_uint_eq(party_received(natted, "INVITE sip:ann@" INSIDE), 1);
    to_routes(party_find(natted, "INVITE", 0), "Record-Route", true, routes);
    party_reply(natted, party_index(natted, "INVITE", 0), "200 OK",
                "Contact: <sip:ann@" INSIDE ">\n");
    world_settle(world);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 200"), 1);
    static const char *const methods[] = {"ACK", "BYE"};
    for (unsigned i = 0; i < 2; i++) {
        party_send(world->caller, WORLD_PROXY,
                   "%s sip:ann@" INSIDE " SIP/2.0\n"
                   "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-p%u\n"
                   "Max-Forwards: 70\n"
                   "From: <sip:ann@example.com>;tag=ann-p\n"
                   "To: <sip:bob@example.com>;tag=uas\n"
                   "Call-ID: p\n"
                   "CSeq: %u %s\n"
                   "%s",
                   methods[i], i, 1 + i, methods[i], routes);
        world_settle(world);
        ck_assert_uint_eq(party_received(natted, methods[i]), 1);
    }
    end_world(world);
}
END_TEST

/* The Path was written where its client is to be reached from. */
START_TEST(a_path_without_a_flow_wins_over_outbound)
{
    world_t *world = natted_world(NULL);
    char path[TEXT];

    memnet_listen(world->net, world->srf, "10.3.0.1:5060");
    world_request(world, "REGISTER", "sip:10.0.0.11", "r", "");
    to_routes(party_find(world->one, "REGISTER", 0), "Path", false, path);
    ck_assert_ptr_nonnull(strstr(path, "<sip:10.0.0.1:5060;lr;srf="));
    party_reply(world->one, party_index(world->one, "REGISTER", 0), "200 OK",
                "");
    world_settle(world);
    world->program.options.outbound = "sip:10.3.0.1:5060;transport=udp";
    world_request(world, "MESSAGE", "sip:bob@10.0.0.11", "m", path);
    const char *request = party_find(world->one, "MESSAGE", 0);
    ck_assert_ptr_nonnull(request);
    const char *via = party_header(world->one, request, "Via", 0);
    ck_assert_int_eq(strncmp(via, "SIP/2.0/UDP 10.0.0.1:5060;", 26), 0);
    end_world(world);
}
END_TEST

/* Its Path, in a request of its own, would lead it to itself. */
START_TEST(a_flow_never_leads_back_to_whoever_sends_along_it)
{
    world_t *world = natted_world(NULL);
    char path[TEXT];

    register_client(world, path);
    send_from_inside(world, "MESSAGE", "sip:bob@10.0.0.11", path);
    ck_assert_uint_eq(party_received(natted, "MESSAGE"), 0);
    ck_assert_uint_eq(party_received(world->one, "MESSAGE"), 1);
    end_world(world);
}
END_TEST

/* ICMP says that nobody is there: once is enough, for however long the address
 * is that of the flow. */
START_TEST(a_flow_over_udp_that_nobody_is_at_is_tried_once)
{
    world_t *world = natted_world("10.0.0.11");
    char routes[TEXT];

    send_from_inside(world, "INVITE", WORLD_URI, "");
    to_routes(party_find(world->one, "INVITE", 0), "Record-Route", false,
              routes);
    world_answer(world, world->one, "200 OK");
    memnet_close_port(world->net, BINDING, _i == 0);
    uint64_t sent = world_stats(world).requests_sent;
    send_back(world, world->one, "BYE", "sip:ann@" INSIDE, routes);
    memnet_run(world->net, 1000);
    ck_assert_uint_eq(world_stats(world).requests_sent - sent, 1);
    ck_assert_uint_eq(party_received(world->one, "SIP/2.0 430"), 1);
    end_world(world);
}
END_TEST

START_TEST(a_client_that_is_where_it_says_needs_no_flow)
{
    world_t *world = natted_world("10.0.0.11");

    party_send(natted, WORLD_PROXY,
               "INVITE " WORLD_URI " SIP/2.0\n"
               "Via: SIP/2.0/UDP 10.0.0.20:40000;branch=z9hG4bK-w\n"
               "Max-Forwards: 70\n"
               "From: <sip:ann@example.com>;tag=w\n"
               "To: <sip:bob@example.com>\n"
               "Call-ID: w\n"
               "CSeq: 1 INVITE\n"
               "Contact: <sip:ann@10.0.0.20:40000>\n");
    world_settle(world);
    world_expect(world->one, "INVITE", "Record-Route",
                 "<sip:10.0.0.1:5060;lr>");
    end_world(world);
}
END_TEST

typedef struct need {
    const char *via;   /* sent-by of the topmost Via, and what follows it */
    const char *lines; /* further header lines */
    const char *method;
    srf__flow_need_t want;
} need_t;

static const need_t needs[] = {
    {"10.0.0.20", "Contact: <sip:a@10.0.0.20>\n", "INVITE", SRF__FLOW_NO_NAME},
    {"10.0.0.20", "Contact: <sip:a@10.0.0.20:99>\n", "INVITE",
     SRF__FLOW_NO_NAME},
    {"10.0.0.20", "Contact: <sip:10.0.0.20>\n", "INVITE", SRF__FLOW_NO_NAME},
    {"10.0.0.20", "Contact: sip:a@10.0.0.20\n", "INVITE", SRF__FLOW_NO_NAME},
    {"10.0.0.20", "", "INVITE", SRF__FLOW_NO_NAME},
    {"10.0.0.20", "Contact: <sip:a@pc.example.com>\n", "INVITE",
     SRF__FLOW_NO_NAME},
    {"pc.example.com", "", "INVITE", SRF__FLOW_NO_NAME},
    {"10.0.0.20", "Contact: <sip:a@10.0.0.201>\n", "INVITE", SRF__FLOW_ONLY},
    {"10.0.0.20", "Contact: <sip:a@192.168.7.7>\n", "INVITE", SRF__FLOW_ONLY},
    {"10.0.0.20", "Contact: \"x@10.0.0.20>\" <sip:a@192.168.7.7>\n", "INVITE",
     SRF__FLOW_ONLY},
    {"10.0.0.20", "Contact: <sip:a@df7jal23ls0d.invalid>\n", "INVITE",
     SRF__FLOW_ONLY},
    {"10.0.0.20", "Contact: <sip:a@10.0.0.20;ob>\n", "INVITE", SRF__FLOW_ONLY},
    {"192.168.7.7", "Contact: <sip:a@10.0.0.20>\n", "INVITE", SRF__FLOW_ONLY},
    {"10.0.0.20", "Contact: <sip:a@10.0.0.20>\nSupported: path, Outbound\n",
     "REGISTER", SRF__FLOW_ONLY},
    {"10.0.0.20", "Contact: <sip:a@10.0.0.20>\nSupported: outbound\n", "INVITE",
     SRF__FLOW_NO_NAME},
    {"10.0.0.20", "Contact: <sip:a@10.0.0.20>;q=0.5 ; Reg-ID=1\n", "REGISTER",
     SRF__FLOW_ONLY},
    {"10.0.0.20", "Contact: <sip:a@10.0.0.20>;x=\"a;reg-id=1\"\n", "REGISTER",
     SRF__FLOW_NO_NAME},
    {"10.0.0.20", "Contact: <sip:a@10.0.0.20;reg-id=1>\n", "REGISTER",
     SRF__FLOW_NO_NAME},
    {"10.0.0.20", "Contact: *\n", "REGISTER", SRF__FLOW_NO_NAME},
    {"10.0.0.20", "Contact: <sip:a@10.0.0.20>;reg-id=1\n", "INVITE",
     SRF__FLOW_NO_NAME},
    /* A proxy is where its Record-Route says. */
    {"192.168.7.7;branch=z9hG4bK-1,SIP/2.0/UDP 10.0.0.3", "", "INVITE",
     SRF__FLOW_NO_NAME},
};

static bool names_flow(party_t *party, const char *start, const char *name)
{
    const char *msg = party_find(party, start, 0);

    ck_assert_ptr_nonnull(msg);
    for (unsigned i = 0;; i++) {
        const char *value = party_header(party, msg, name, i);
        if (value == NULL)
            return false;
        if (strncmp(value, "<sip:u", 6) == 0 && strchr(value, '@') != NULL)
            return true;
    }
}

START_TEST(who_needs_a_flow_over_udp)
{
    const need_t *need = &needs[_i];
    world_t *world = natted_world("10.0.0.11");
    const char *field =
        strcmp(need->method, "REGISTER") == 0 ? "Path" : "Record-Route";

    party_send(natted, WORLD_PROXY,
               "%s " WORLD_URI " SIP/2.0\n"
               "Via: SIP/2.0/UDP %s;branch=z9hG4bK-x\n"
               "Max-Forwards: 70\n"
               "From: <sip:ann@example.com>;tag=x\n"
               "To: <sip:bob@example.com>\n"
               "Call-ID: x\n"
               "CSeq: 1 %s\n"
               "%s",
               need->method, need->via, need->method, need->lines);
    world_settle(world);
    ck_assert_int_eq(names_flow(world->one, need->method, field),
                     need->want == SRF__FLOW_ONLY);
    end_world(world);
}
END_TEST

/* ---- strangers ---- */

static void tamper(char *routes, unsigned how)
{
    char *user = strstr(routes, "<sip:u");
    char *mark = strstr(routes, "srf=");

    ck_assert_ptr_nonnull(user);
    ck_assert_ptr_nonnull(mark);
    if (how == 0)
        mark[4] = mark[4] == '0' ? '1' : '0';
    else if (how == 1)
        user[10] = user[10] == '0' ? '1' : '0'; /* another port */
    else
        memcpy(mark, "xyz=", 4);
}

/* RFC 5626 §5.3: never where the Request-URI leads instead. */
START_TEST(a_flow_that_no_mark_proves_is_403)
{
    world_t *world = natted_world(NULL);
    char path[TEXT];

    register_client(world, path);
    tamper(path, (unsigned)_i);
    world_request(world, "MESSAGE", "sip:ann@10.0.0.12", "t", path);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 403"), 1);
    ck_assert_uint_eq(natted->count, 0);
    ck_assert_uint_eq(world->two->count, 0);
    end_world(world);
}
END_TEST

/* What a Path leads to is for whom the program sends there. */
START_TEST(the_flow_of_a_dialog_is_not_good_for_another)
{
    world_t *world = natted_world(NULL);
    char routes[TEXT];

    world->program.uris[0] = "10.0.0.11";
    send_from_inside(world, "INVITE", WORLD_URI, "");
    to_routes(party_find(world->one, "INVITE", 0), "Record-Route", false,
              routes);
    world_answer(world, world->one, "200 OK");
    party_clear(natted);
    world->program.uris[0] = NULL;
    world_request(world, "MESSAGE", "sip:ann@10.0.0.12", "o", routes);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 403"), 1);
    ck_assert_uint_eq(natted->count, 0);
    ck_assert_uint_eq(world->two->count, 0);
    end_world(world);
}
END_TEST

/* Nobody asks the program there: a dialog would lead its caller to whoever has
 * registered. */
START_TEST(a_path_leads_nowhere_inside_a_dialog)
{
    world_t *world = natted_world(NULL);
    char routes[2 * TEXT];
    char path[TEXT];

    register_client(world, path);
    snprintf(routes, sizeof(routes),
             "Route: <sip:10.0.0.1:5060;lr;srf=MARK>\n%s", path);
    world_in_dialog(world, world->caller, "INFO", "sip:ann@10.0.0.12", "d",
                    routes);
    ck_assert_uint_eq(party_received(world->caller, "SIP/2.0 403"), 1);
    ck_assert_uint_eq(natted->count, 0);
    ck_assert_uint_eq(world->two->count, 0);
    end_world(world);
}
END_TEST

/* The program's target is its own choice. */
START_TEST(a_target_wins_over_a_forged_flow)
{
    world_t *world = natted_world(NULL);
    char path[TEXT];

    register_client(world, path);
    tamper(path, 0);
    world->program.uris[0] = "10.0.0.11";
    world_request(world, "MESSAGE", "sip:ann@10.0.0.12", "t", path);
    ck_assert_uint_eq(party_received(world->one, "MESSAGE"), 1);
    end_world(world);
}
END_TEST

/* ---- restarts ---- */

static srf_t *stack_with_secret(world_t *world)
{
    srf_options_t options;

    srf_options_init(&options);
    options.secret = "correct horse battery staple";
    options.secret_bytes = (uint32_t)strlen(options.secret);
    return memnet_stack(world->net, "10.0.0.5:5060", &options);
}

START_TEST(with_a_secret_a_flow_over_udp_outlives_the_stack)
{
    world_t *world = natted_world(NULL);
    srf_t *first = stack_with_secret(world);
    const srf__flow_t flow = {
        .listener = first->element.transports.listeners,
        .peer = {.family = 4,
                 .transport = SRF__TRANSPORT_UDP,
                 .port = 40000,
                 .ip = {10, 0, 0, 20}},
    };
    char storage[SRF__FLOW_MAX];
    char mark[SRF__MARK_LEN + 1] = "";
    srf__str_t name =
        srf__flow_write(&first->element, &flow, SRF__FLOW_ONLY, storage);

    srf__mark_path(&first->element.marks, name, mark);
    srf_destroy(first, NULL);
    memnet_run(world->net, 10);
    srf_t *second = stack_with_secret(world);
    srf_set_data(second, &world->program);
    ck_assert_int_eq(srf_on(second, NULL, world_on_request), 0);
    party_send(world->caller, "10.0.0.5:5060",
               "MESSAGE sip:ann@" INSIDE " SIP/2.0\n"
               "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK-r\n"
               "Route: <sip:%.*s@10.0.0.5:5060;lr;srf=%s>\n"
               "Max-Forwards: 70\n"
               "From: <sip:ann@example.com>;tag=r\n"
               "To: <sip:bob@example.com>\n"
               "Call-ID: r\n"
               "CSeq: 1 MESSAGE\n",
               (int)name.len, name.p, mark);
    world_settle(world);
    ck_assert_uint_eq(party_received(natted, "MESSAGE"), 1);
    memnet_drain(world->net, 600000);
    srf_destroy(second, NULL);
    end_world(world);
}
END_TEST

/* ---- names ---- */

START_TEST(a_name_reads_as_it_was_written)
{
    static const srf__addr_t peers[] = {
        {.family = 4,
         .transport = SRF__TRANSPORT_UDP,
         .port = 5060,
         .ip = {192, 0, 2, 1}},
        {.family = 4,
         .transport = SRF__TRANSPORT_UDP,
         .port = 65535,
         .ip = {255, 255, 255, 255}},
    };
    world_t *world = natted_world(NULL);
    srf__flow_t flow = {.listener = world->srf->element.transports.listeners,
                        .peer = peers[_i]};
    srf__flow_t read;
    char storage[SRF__FLOW_MAX];
    srf__str_t name =
        srf__flow_write(&world->srf->element, &flow, SRF__FLOW_ONLY, storage);

    ck_assert(srf__flow_is_name(name));
    ck_assert_int_eq(srf__flow_read(&world->srf->element, name, &read),
                     SRF__FLOW_ONLY);
    ck_assert_ptr_eq(read.listener, flow.listener);
    ck_assert(srf__addr_eq(&read.peer, &flow.peer));
    /* Any other length is none. */
    for (size_t len = 0; len < name.len; len++)
        ck_assert(!srf__flow_is_name(srf__str(name.p, len)));
    end_world(world);
}
END_TEST

static const char *const no_names[] = {
    "",
    "u",
    "alice",
    "u000013c4c000020",     /* a digit less */
    "u000013c4c000020z",    /* no digit */
    "v000013c4c0000201",    /* no such kind */
    "c0000000000010000000", /* a digit less */
    "u000013c4c000020100",  /* two more */
};

START_TEST(what_is_no_name)
{
    ck_assert(!srf__flow_is_name(srf__str_of(no_names[_i])));
}
END_TEST

/* Of a listener that there was before a change of configuration. */
START_TEST(a_name_of_a_listener_that_is_not_there_is_a_flow_that_is_gone)
{
    static const char *const names[] = {
        "uffff13c4c0000201",
        "c0000000000010000000a",
        "cffff000000010000000a",
        "pffff000000010000000a",
        "u000013c420010db8000000000000000000000001", /* IPv6 on an IPv4 one */
    };
    world_t *world = natted_world(NULL);
    srf__flow_t flow;
    srf__flow_need_t need =
        srf__flow_read(&world->srf->element, srf__str_of(names[_i]), &flow);

    ck_assert_int_ne(need, SRF__FLOW_NO_NAME);
    ck_assert_ptr_nonnull(flow.listener);
    ck_assert_uint_eq(flow.peer.family, 0);
    end_world(world);
}
END_TEST

/* Numbers begin anew with each stack: that of a connection before is that of
 * another one now, be it the one that the request came on. */
START_TEST(a_connection_of_a_stack_before_is_gone)
{
    static const srf__listener_ops_t ops = {.reliable = true};
    srf__listener_t stream = {.ops = &ops,
                              .bound = {.family = 4,
                                        .transport = SRF__TRANSPORT_TCP,
                                        .port = 5060,
                                        .ip = {10, 0, 0, 1}}};
    world_t *world = natted_world(NULL);
    srf__element_t *element = &world->srf->element;
    const srf__flow_t from = {&stream, stream.bound, 5};
    srf__facts_t request = {.data = ""};
    srf__route_t route = {.removed = 1};
    srf__way_spec_t way;
    srf__addr_t addr;
    char name[SRF__FLOW_MAX + 1];

    element->transports.listeners->next = &stream;
    snprintf(name, sizeof(name), "c000100000005%08x",
             (unsigned)(element->marks.era & 0xffffffff) ^ 1u);
    route.flow = srf__str_of(name);
    srf__way_of_route(element, &request, &route, &from, &way);
    ck_assert_ptr_eq(way.flow.listener, &stream);
    ck_assert_int_eq(srf__way_address(element, &way, &addr),
                     SRF_ERR_NOT_CONNECTED);
    element->transports.listeners->next = NULL;
    end_world(world);
}
END_TEST

/* A stream that leads wherever it is said to. */
static bool stay_there(srf__flow_t *flow)
{
    flow->peer = flow->listener->bound;
    return true;
}

/* It is told by its number: another one of the same peer is another flow. */
START_TEST(a_connection_never_leads_back_along_itself)
{
    static const srf__listener_ops_t ops = {.reliable = true,
                                            .resume = stay_there};
    srf__listener_t stream = {.ops = &ops,
                              .bound = {.family = 4,
                                        .transport = SRF__TRANSPORT_TCP,
                                        .port = 5060,
                                        .ip = {10, 0, 0, 1}}};
    world_t *world = natted_world(NULL);
    srf__element_t *element = &world->srf->element;
    const uint32_t connection = 5;
    const srf__flow_t from = {&stream, stream.bound, connection + (uint32_t)_i};
    srf__facts_t request = {.data = ""};
    srf__route_t route = {.removed = 1};
    srf__way_spec_t way;
    char name[SRF__FLOW_MAX + 1];

    element->transports.listeners->next = &stream;
    snprintf(name, sizeof(name), "c0001%08x%08x", (unsigned)connection,
             (unsigned)(element->marks.era & 0xffffffff));
    route.flow = srf__str_of(name);
    srf__way_of_route(element, &request, &route, &from, &way);
    ck_assert_ptr_eq(way.flow.listener, _i == 0 ? NULL : &stream);
    element->transports.listeners->next = NULL;
    end_world(world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flows");
    TCase *tcase = tcase_create("udp");

    tcase_add_loop_test(tcase, the_callee_reaches_a_caller_where_it_came_from,
                        0, 4);
    tcase_add_loop_test(
        tcase, a_sips_contact_is_reached_over_udp_where_that_is_allowed, 0, 2);
    tcase_add_test(tcase,
                   a_call_along_a_path_reaches_a_client_where_it_came_from);
    tcase_add_test(tcase, a_path_without_a_flow_wins_over_outbound);
    tcase_add_test(tcase, a_flow_never_leads_back_to_whoever_sends_along_it);
    tcase_add_loop_test(tcase, a_flow_over_udp_that_nobody_is_at_is_tried_once,
                        0, 2);
    tcase_add_test(tcase, a_client_that_is_where_it_says_needs_no_flow);
    tcase_add_loop_test(tcase, who_needs_a_flow_over_udp, 0,
                        sizeof(needs) / sizeof(needs[0]));
    tcase_add_loop_test(tcase, a_flow_that_no_mark_proves_is_403, 0, 3);
    tcase_add_test(tcase, the_flow_of_a_dialog_is_not_good_for_another);
    tcase_add_test(tcase, a_path_leads_nowhere_inside_a_dialog);
    tcase_add_test(tcase, a_target_wins_over_a_forged_flow);
    tcase_add_test(tcase, with_a_secret_a_flow_over_udp_outlives_the_stack);
    tcase_add_loop_test(tcase, a_name_reads_as_it_was_written, 0, 2);
    tcase_add_loop_test(tcase, what_is_no_name, 0,
                        sizeof(no_names) / sizeof(no_names[0]));
    tcase_add_loop_test(
        tcase, a_name_of_a_listener_that_is_not_there_is_a_flow_that_is_gone, 0,
        5);
    tcase_add_test(tcase, a_connection_of_a_stack_before_is_gone);
    tcase_add_loop_test(tcase, a_connection_never_leads_back_along_itself, 0,
                        2);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
