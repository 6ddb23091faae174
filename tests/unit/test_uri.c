/*
 * URIs: what is read and what is refused (RFC 3261 §19.1).
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/uri.h"

#include "srf/srf.h"

#include "runner.h"

#include <stdio.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

static void check_view(srf__str_t view, const char *expected)
{
    ck_assert_msg(srf__str_eq(view, srf__str_of(expected)),
                  "\"%.*s\" instead of \"%s\"", (int)view.len,
                  view.p == NULL ? "" : view.p, expected);
}

/* Reads a copy on the heap without anything behind it, so that a sanitizer
 * sees a byte too far. The copy is freed: only numbers may be looked at. */
static int parse_exact(const char *text, srf__uri_t *out)
{
    size_t len = strlen(text);
    char *copy = malloc(len == 0 ? 1 : len);

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, len);
    int err = srf__uri_parse(srf__str(copy, len), out);
    free(copy);
    return err;
}

/* ---- parts ---- */

typedef struct good {
    const char *text;
    int scheme;
    const char *user;
    const char *password;
    const char *host;
    unsigned port;
    const char *params;
    const char *headers;
} good_t;

enum {
    SIP = SRF__SCHEME_SIP,
    SIPS = SRF__SCHEME_SIPS,
    TEL = SRF__SCHEME_TEL,
    OTHER = SRF__SCHEME_OTHER
};

static const good_t good[] = {
    {"sip:example.org", SIP, "", "", "example.org", 0, "", ""},
    {"sip:ann@example.org", SIP, "ann", "", "example.org", 0, "", ""},
    {"SIP:ann@example.org", SIP, "ann", "", "example.org", 0, "", ""},
    {"SiPs:ann@example.org", SIPS, "ann", "", "example.org", 0, "", ""},
    {"sip:ann:pw@example.org:5070;lr?Subject=x&a=b", SIP, "ann", "pw",
     "example.org", 5070, ";lr", "Subject=x&a=b"},
    {"sip:ann:@example.org", SIP, "ann", "", "example.org", 0, "", ""},
    {"sip:a;b?c=d/e,f&g+h$i@h", SIP, "a;b?c=d/e,f&g+h$i", "", "h", 0, "", ""},
    {"sip:-_.!~*'()@h", SIP, "-_.!~*'()", "", "h", 0, "", ""},
    {"sip:*21#@h", SIP, "*21#", "", "h", 0, "", ""},
    {"sip:%61%40%00@h", SIP, "%61%40%00", "", "h", 0, "", ""},
    {"sip:a:&=+$,%2f@h", SIP, "a", "&=+$,%2f", "h", 0, "", ""},
    {"sip:10.0.0.5", SIP, "", "", "10.0.0.5", 0, "", ""},
    {"sip:255.255.255.255:65535", SIP, "", "", "255.255.255.255", 65535, "",
     ""},
    {"sip:0.0.0.0:1", SIP, "", "", "0.0.0.0", 1, "", ""},
    {"sip:[::1]", SIP, "", "", "[::1]", 0, "", ""},
    {"sip:ann@[2001:db8::9:1]:5061;transport=tcp", SIP, "ann", "",
     "[2001:db8::9:1]", 5061, ";transport=tcp", ""},
    {"sip:[::ffff:192.0.2.1]", SIP, "", "", "[::ffff:192.0.2.1]", 0, "", ""},
    {"sip:_sip._udp.example.org", SIP, "", "", "_sip._udp.example.org", 0, "",
     ""},
    {"sip:my_host", SIP, "", "", "my_host", 0, "", ""},
    {"sip:example.org.", SIP, "", "", "example.org.", 0, "", ""},
    {"sip:1a.2-b.c3", SIP, "", "", "1a.2-b.c3", 0, "", ""},
    {"sip:h:05060", SIP, "", "", "h", 5060, "", ""},
    {"sip:h;a;b=c;d=[]/:&+$%2c", SIP, "", "", "h", 0, ";a;b=c;d=[]/:&+$%2c",
     ""},
    {"sip:h?a=&b=[]/?:+$%20", SIP, "", "", "h", 0, "", "a=&b=[]/?:+$%20"},
    {"tel:+1-201-555.0123", TEL, "+1-201-555.0123", "", "", 0, "", ""},
    {"TEL:7042;phone-context=example.org", TEL, "7042", "", "", 0,
     ";phone-context=example.org", ""},
    {"tel:*31#(0)1aF", TEL, "*31#(0)1aF", "", "", 0, "", ""},
    {"tel:911", TEL, "911", "", "", 0, "", ""},
    {"mailto:ann@example.org", OTHER, "", "", "", 0, "", ""},
    {"http://[::1]/x?y=z;a,b", OTHER, "", "", "", 0, "", ""},
    {"a+b-c.9:opaque%20", OTHER, "", "", "", 0, "", ""},
};

START_TEST(uri_is_taken_to_pieces)
{
    const good_t *g = &good[_i];
    srf__uri_t uri;

    ck_assert_msg(srf__uri_parse(srf__str_of(g->text), &uri) == 0,
                  "refused: %s", g->text);
    ck_assert_int_eq(uri.scheme, g->scheme);
    check_view(uri.text, g->text);
    check_view(uri.user, g->user);
    check_view(uri.password, g->password);
    check_view(uri.host, g->host);
    check_view(uri.params, g->params);
    check_view(uri.headers, g->headers);
    ck_assert_uint_eq(uri.port, g->port);
    ck_assert_int_eq(uri.has_user,
                     g->scheme != OTHER && strchr(g->text, '@') != NULL);
    ck_assert_int_eq(parse_exact(g->text, &uri), 0);
}
END_TEST

static const char *const bad[] = {
    "",
    "sip",
    "sip:",
    ":",
    ":host",
    "host",
    "1sip:host",
    "example.org:",
    "sip: host",
    "sip:ho st",
    "sip:host ",
    " sip:host",
    "sip:host\r\n",
    "sip:host\t",
    "sip:h\x7f",
    "sip:h\xc3\xa9",
    "sip:\xc3\xa9@h",
    "sip:a\x01@h",
    "sip:<a@h>",
    "sip:a>@h",
    "sip:\"a\"@h",
    "sip:a\\@h",
    "sip:a^b@h",
    "sip:a[b]@h",
    "sip:@h",
    "sip::pw@h",
    "sip:a@",
    "sip:a@b@h",
    "sip:a:b:c@h",
    "sip:a:b;c@h",
    "sip:a%@h",
    "sip:a%4@h",
    "sip:a%4g@h",
    "sip:a%g4@h",
    "sip:a%%41@h",
    "sip:h;a=%",
    "sip:h;a=%4",
    "sip:h?a=%",
    "sip:%68",
    "sip:h..h",
    "sip:.h",
    "sip:.",
    "sip:-h",
    "sip:h-",
    "sip:h-.h",
    "sip:h.-h",
    "sip:h.1",
    "sip:h.1b",
    "sip:1",
    "sip:10.0.0",
    "sip:10.0.0.256",
    "sip:10.0.0.0.1",
    "sip:10.0.0.5.",
    "sip:010.0.0.5",
    "sip:1000.0.0.5",
    "sip:::1",
    "sip:[]",
    "sip:[::1",
    "sip:::1]",
    "sip:[::1]x",
    "sip:[::g]",
    "sip:[1::2::3]",
    "sip:[10.0.0.5]",
    "sip:[fe80::1%25eth0]",
    "sip:[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]",
    "sip:h:",
    "sip:h:0",
    "sip:h:65536",
    "sip:h:99999999999999999999",
    "sip:h:5060x",
    "sip:h:-1",
    "sip:h:5060:5061",
    "sip:h:;lr",
    "sip:h;",
    "sip:h;;lr",
    "sip:h;lr;",
    "sip:h;=x",
    "sip:h;a=",
    "sip:h;a==",
    "sip:h;a=b=c",
    "sip:h;a=\"b\"",
    "sip:h;a=b,c",
    "sip:h;transport=udp;transport=tcp",
    "sip:h;transport=x;TRANSPORT=x",
    "sip:h;transport",
    "sip:h;maddr",
    "sip:h;maddr=1.2.3.4;maddr=1.2.3.4",
    "sip:h;maddr=a..b",
    "sip:h;maddr=h:5060",
    "sip:h?",
    "sip:h?a",
    "sip:h?=b",
    "sip:h?a=b&",
    "sip:h?a=b&&c=d",
    "sip:h?a=b;lr",
    "sip:h?a=b?c=d=e",
    "sip://h",
    "tel:",
    "tel:+",
    "tel:-",
    "tel:+abc",
    "tel:+1*2",
    "tel:1+2",
    "tel:12 34",
    "tel:12x",
    "tel:12?a=b",
    "tel:12@h",
    "tel:12;",
    "http:",
    "http://a b",
    "http://a\"",
    "http:%zz",
    "x:\xff"};

START_TEST(what_is_no_uri_is_refused)
{
    srf__uri_t uri;

    ck_assert_msg(parse_exact(bad[_i], &uri) == SRF_ERR_INVALID_URI,
                  "accepted: %s", bad[_i]);
}
END_TEST

START_TEST(nul_in_a_uri_is_refused)
{
    srf__uri_t uri;

    ck_assert_int_eq(srf__uri_parse(SRF__STR("sip:a\0b@h"), &uri),
                     SRF_ERR_INVALID_URI);
    ck_assert_int_eq(srf__uri_parse(SRF__STR("sip:h\0"), &uri),
                     SRF_ERR_INVALID_URI);
    ck_assert_int_eq(srf__uri_parse(SRF__STR("sip:[::1\0]"), &uri),
                     SRF_ERR_INVALID_URI);
    ck_assert_int_eq(srf__uri_parse(SRF__STR("tel:12\0"), &uri),
                     SRF_ERR_INVALID_URI);
    ck_assert_int_eq(srf__uri_parse(SRF__STR("http:a\0"), &uri),
                     SRF_ERR_INVALID_URI);
}
END_TEST

START_TEST(every_prefix_is_read_within_its_bounds)
{
    static const char full[] =
        "sips:a%41:p%40w@[2001:db8::1]:5061;tr%61nsport=tcp;maddr=[::1]"
        ";l%72?Subject=%41&b=c";
    char part[sizeof(full)];
    srf__uri_t uri;

    for (size_t len = 0; len < sizeof(full); len++) {
        memcpy(part, full, len);
        part[len] = '\0';
        (void)parse_exact(part, &uri);
    }
    ck_assert_int_eq(parse_exact(full, &uri), 0);
}
END_TEST

/* ---- parameters that routing needs ---- */

typedef struct routing {
    const char *text;
    int transport;
    int unknown;
    int lr;
    const char *maddr;
    unsigned port;
} routing_t;

static const routing_t routings[] = {
    {"sip:h", SRF__TRANSPORT_NONE, 0, 0, "", 5060},
    {"sips:h", SRF__TRANSPORT_NONE, 0, 0, "", 5061},
    {"sip:h:7;lr", SRF__TRANSPORT_NONE, 0, 1, "", 7},
    {"sips:h:7", SRF__TRANSPORT_NONE, 0, 0, "", 7},
    {"sip:h;LR", SRF__TRANSPORT_NONE, 0, 1, "", 5060},
    {"sip:h;lr=on", SRF__TRANSPORT_NONE, 0, 1, "", 5060},
    {"sip:h;%6c%52", SRF__TRANSPORT_NONE, 0, 1, "", 5060},
    {"sip:h;lrx", SRF__TRANSPORT_NONE, 0, 0, "", 5060},
    {"sip:h;l", SRF__TRANSPORT_NONE, 0, 0, "", 5060},
    {"sip:lr@h?lr=x", SRF__TRANSPORT_NONE, 0, 0, "", 5060},
    {"sip:a;lr@h", SRF__TRANSPORT_NONE, 0, 0, "", 5060},
    {"sip:h;transport=udp", SRF__TRANSPORT_UDP, 0, 0, "", 5060},
    {"sip:h;transport=TCP;lr", SRF__TRANSPORT_TCP, 0, 1, "", 5060},
    {"sip:h;Transport=tls", SRF__TRANSPORT_TLS, 0, 0, "", 5061},
    {"sip:h:5060;transport=tls", SRF__TRANSPORT_TLS, 0, 0, "", 5060},
    {"sip:h;transport=ws", SRF__TRANSPORT_WS, 0, 0, "", 5060},
    {"sip:h;transport=wss", SRF__TRANSPORT_WSS, 0, 0, "", 5060},
    {"sip:h;transport=sctp", SRF__TRANSPORT_NONE, 1, 0, "", 5060},
    {"sip:h;transport=udpx", SRF__TRANSPORT_NONE, 1, 0, "", 5060},
    {"sip:h;transport=u", SRF__TRANSPORT_NONE, 1, 0, "", 5060},
    {"sip:h;tr%61nsport=t%43p", SRF__TRANSPORT_TCP, 0, 0, "", 5060},
    {"sip:h;maddr=239.255.255.1", SRF__TRANSPORT_NONE, 0, 0, "239.255.255.1",
     5060},
    {"sip:h;MADDR=[ff02::1];lr", SRF__TRANSPORT_NONE, 0, 1, "[ff02::1]", 5060},
    {"tel:12;transport=tcp;lr;maddr=h", SRF__TRANSPORT_NONE, 0, 0, "", 5060},
};

START_TEST(routing_parameters_are_kept)
{
    const routing_t *r = &routings[_i];
    srf__uri_t uri;

    ck_assert_int_eq(srf__uri_parse(srf__str_of(r->text), &uri), 0);
    ck_assert_int_eq(uri.transport, r->transport);
    ck_assert_int_eq(uri.transport_unknown, r->unknown);
    ck_assert_int_eq(uri.lr, r->lr);
    check_view(uri.maddr, r->maddr);
    ck_assert_uint_eq(srf__uri_port(&uri), r->port);
}
END_TEST

/* ---- name-addr ---- */

typedef struct value {
    const char *text;
    const char *uri;
    const char *params;
} value_t;

static const value_t values[] = {
    {"<sip:a@h>", "sip:a@h", ""},
    {"<sip:a@h;lr>", "sip:a@h;lr", ""},
    {"<sip:h;lr>;x=y;z", "sip:h;lr", ";x=y;z"},
    {" \t<sip:h>\t ; tag = 1 ", "sip:h", "; tag = 1"},
    {"<sip:h>\r\n ;tag=1", "sip:h", ";tag=1"},
    {"Ann <sip:a@h>", "sip:a@h", ""},
    {"Ann van B.<sip:a@h>;tag=1", "sip:a@h", ";tag=1"},
    {"J\xc3\xbcrgen\r\n <sip:a@h>", "sip:a@h", ""},
    {"\"Ann\" <sip:a@h>", "sip:a@h", ""},
    {"\"A <sip:x@y>, \\\"B\\\"\"<sip:a@h>;tag=2", "sip:a@h", ";tag=2"},
    {"\"\"<sip:a@h>", "sip:a@h", ""},
    {"\"a\\\\\" <sip:a@h>", "sip:a@h", ""},
    {"sip:a@h", "sip:a@h", ""},
    {"sip:a@h;tag=3", "sip:a@h", ";tag=3"},
    {"sip:h ;tag=3", "sip:h", ";tag=3"},
    {"sip:a@h;x=\"<sip:b@i>\"", "sip:a@h", ";x=\"<sip:b@i>\""},
    {"sip:user;x=y@h", "sip:user", ";x=y@h"},
    {"tel:+12;tag=1", "tel:+12", ";tag=1"},
    {"<tel:+12;ext=1>;tag=1", "tel:+12;ext=1", ";tag=1"},
    {"<http://x/y>", "http://x/y", ""},
    {"<sip:h?a=b>", "sip:h?a=b", ""},
};

START_TEST(name_addr_gives_uri_and_parameters)
{
    const value_t *v = &values[_i];
    srf__str_t params;
    srf__uri_t uri;

    ck_assert_msg(srf__name_addr_parse(srf__str_of(v->text), &uri, &params) ==
                      0,
                  "refused: %s", v->text);
    check_view(uri.text, v->uri);
    check_view(params, v->params);
}
END_TEST

static const char *const bad_values[] = {"",
                                         " ",
                                         "<>",
                                         "<sip:h",
                                         "sip:h>",
                                         "<sip:h>x",
                                         "<sip:h>,<sip:i>",
                                         "< sip:h>",
                                         "<sip:h >",
                                         "\"Ann <sip:h>",
                                         "\"Ann\"",
                                         "\"Ann\" x <sip:h>",
                                         "\"Ann\\\" <sip:h>",
                                         "Ann",
                                         "Ann, B <sip:h>",
                                         "<<sip:h>>",
                                         ";tag=1",
                                         "*"};

START_TEST(what_is_no_name_addr_is_refused)
{
    const char *text = bad_values[_i];
    srf__str_t params;
    srf__uri_t uri;

    ck_assert_msg(srf__name_addr_parse(srf__str_of(text), &uri, &params) ==
                      SRF_ERR_INVALID_URI,
                  "accepted: %s", text);
}
END_TEST

/* ---- parameters ---- */

static srf__str_t params_of(const char *text, srf__uri_t *uri)
{
    ck_assert_msg(srf__uri_parse(srf__str_of(text), uri) == 0, "refused: %s",
                  text);
    return uri->params;
}

typedef struct spelling {
    const char *whole;
    const char *name;  /* asked for */
    const char *value; /* NULL: without "=" */
    const char *plain; /* the name as it is written for programs */
} spelling_t;

/* RFC 3261 §19.1.4: an escape means the byte it stands for, in any case. */
static const spelling_t spellings[] = {
    {";maddr=192.0.2.1", "maddr", "192.0.2.1", "maddr"},
    {";MAddR=192.0.2.1", "maddr", "192.0.2.1", "MAddR"},
    {";m%61ddr=192.0.2.1", "maddr", "192.0.2.1", "maddr"},
    {";%6d%61%64%64%72=192.0.2.1", "maddr", "192.0.2.1", "maddr"},
    {";%4D%41ddR=192.0.2.1", "maddr", "192.0.2.1", "MAddR"},
    {";tr%61nsport=tcp", "transport", "tcp", "transport"},
    {";transpor%74=t%63p", "transport", "t%63p", "transport"},
    {";l%72", "lr", NULL, "lr"},
    {";%4Cr", "lr", NULL, "Lr"},
    {";m%65thod=ACK", "method", "ACK", "method"},
    {";us%65r=phone", "user", "phone", "user"},
    {";t%74l=9", "ttl", "9", "ttl"},
    {";phone%2Dcontext=a", "phone-context", "a", "phone-context"},
};

START_TEST(a_parameter_is_found_however_it_is_spelled)
{
    const spelling_t *s = &spellings[_i];
    srf__uri_param_t param;
    char text[128];
    char plain[64];
    srf__uri_t uri;

    (void)snprintf(text, sizeof(text), "sip:h;x=1%s;y", s->whole);
    srf__str_t rest = params_of(text, &uri);
    ck_assert(srf__uri_param_next(&rest, &param));
    ck_assert(srf__uri_param_is(&param, "x"));
    ck_assert(srf__uri_param_next(&rest, &param));
    check_view(param.whole, s->whole);
    ck_assert(srf__uri_param_is(&param, s->name));
    ck_assert(!srf__uri_param_is(&param, "x"));
    ck_assert_int_eq(param.value.p == NULL, s->value == NULL);
    check_view(param.value, s->value == NULL ? "" : s->value);
    plain[srf__uri_param_write_name(&param, plain)] = '\0';
    ck_assert_str_eq(plain, s->plain);
    ck_assert(srf__uri_param_next(&rest, &param));
    ck_assert(srf__uri_param_is(&param, "y"));
    ck_assert_ptr_null(param.value.p);
    ck_assert(!srf__uri_param_next(&rest, &param));
}
END_TEST

/* A byte that delimits something means something else when it is escaped, and
 * what cannot stand in a C string of a name stays out of it. */
START_TEST(escapes_that_stay_in_a_name)
{
    static const char *const kept[] = {"a%3bb", "a%3Db", "a%00b",
                                       "a%0Ab", "a%25b", "a%c3%a9"};
    char text[64];

    for (unsigned i = 0; i < COUNT(kept); i++) {
        srf__uri_param_t param;
        char plain[32];
        srf__uri_t uri;
        (void)snprintf(text, sizeof(text), "sip:h;%s=1", kept[i]);
        srf__str_t rest = params_of(text, &uri);
        ck_assert(srf__uri_param_next(&rest, &param));
        plain[srf__uri_param_write_name(&param, plain)] = '\0';
        ck_assert_str_eq(plain, kept[i]);
    }
}
END_TEST

/* §19.1.1: at most once, whatever the spelling. */
START_TEST(a_parameter_that_is_there_twice_is_refused_however_spelled)
{
    static const char *const texts[] = {
        "sip:h;maddr=192.0.2.1;m%61ddr=192.0.2.1",
        "sip:h;m%61ddr=192.0.2.1;maddr=192.0.2.2",
        "sip:h;%6Daddr=192.0.2.1;MADDR=192.0.2.2",
        "sip:h;transport=tcp;tr%61nsport=udp",
        "sip:h;tr%61nsport=zz;transport=udp",
    };
    srf__uri_t uri;

    for (unsigned i = 0; i < COUNT(texts); i++)
        ck_assert_msg(srf__uri_parse(srf__str_of(texts[i]), &uri) ==
                          SRF_ERR_INVALID_URI,
                      "accepted: %s", texts[i]);
}
END_TEST

/* ---- hosts ---- */

START_TEST(numeric_hosts_become_addresses)
{
    static const uint8_t v4[] = {192, 0, 2, 254};
    static const uint8_t v6[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
    uint8_t ip[16];

    ck_assert_int_eq(srf__host_to_ip(SRF__STR("192.0.2.254"), ip), 4);
    ck_assert_mem_eq(ip, v4, 4);
    ck_assert_int_eq(srf__host_to_ip(SRF__STR("2001:db8::1"), ip), 6);
    ck_assert_mem_eq(ip, v6, 16);
    ck_assert_int_eq(srf__host_to_ip(SRF__STR("[2001:DB8:0::1]"), ip), 6);
    ck_assert_mem_eq(ip, v6, 16);
}
END_TEST

static const char *const names[] = {
    "",          "example.org", "1.2.3",    "1.2.3.4.5", "1.2.3.4x",
    "1.2.3.256", "[1.2.3.4]",   "[::1",     "::1]",      "[",
    "]",         "[]",          "1.2.3.04", "x::1:",     "fe80::1%eth0",
    " 1.2.3.4",  "1.2.3.",      "1..2.3",   "[::1]:5060"};

START_TEST(other_hosts_are_names)
{
    uint8_t ip[16];

    ck_assert_msg(srf__host_to_ip(srf__str_of(names[_i]), ip) == 0, "%s",
                  names[_i]);
}
END_TEST

/* ---- targets ---- */

typedef struct target {
    const char *given;
    const char *uri;
} target_t;

static const target_t targets[] = {
    {"sip.example1.com", "sip:sip.example1.com"},
    {"10.0.0.5:5080", "sip:10.0.0.5:5080"},
    {"[::1]:5060", "sip:[::1]:5060"},
    {"[::1]", "sip:[::1]"},
    {"host;transport=tcp", "sip:host;transport=tcp"},
    {"host:5060", "sip:host:5060"},
    {"host:5060;transport=tcp", "sip:host:5060;transport=tcp"},
    {"user@host", "sip:user@host"},
    {"user@host:5060", "sip:user@host:5060"},
    {"+1234@host", "sip:+1234@host"},
    {"sips:host", "sips:host"},
    {"SIP:host", "SIP:host"},
    {"sip:ann@host:7;lr", "sip:ann@host:7;lr"},
    {"<sip:host;transport=tls>", "sip:host;transport=tls"},
    {"<host:5060>", "sip:host:5060"},
    {"\"Gate <1>\" <sip:host>", "sip:host"},
    {"Gate <host>", "sip:host"},
    {" host ", "sip:host"},
    {"tel:+12", "tel:+12"},
    {"localhost", "sip:localhost"},
};

START_TEST(target_is_completed)
{
    srf__buf_t buf;
    srf__uri_t uri;

    srf__buf_init(&buf, 1024);
    srf__buf_add_text(&buf, "before");
    ck_assert_int_eq(srf__target_normalize(targets[_i].given, &buf, &uri), 0);
    check_view(uri.text, targets[_i].uri);
    ck_assert_ptr_eq(uri.text.p, buf.p + 6);
    ck_assert_uint_eq(buf.len, 6 + strlen(targets[_i].uri));
    ck_assert_mem_eq(buf.p, "before", 6);
    srf__buf_deinit(&buf);
}
END_TEST

typedef struct bad_target {
    const char *text;
    int err;
} bad_target_t;

static const bad_target_t bad_targets[] = {
    {NULL, SRF_ERR_INVALID_URI},
    {"", SRF_ERR_INVALID_URI},
    {" ", SRF_ERR_INVALID_URI},
    {"sip:", SRF_ERR_INVALID_URI},
    {"a b", SRF_ERR_INVALID_URI},
    {"host\r\nVia: x", SRF_ERR_INVALID_URI},
    {"host:", SRF_ERR_INVALID_URI},
    {"host:0", SRF_ERR_INVALID_URI},
    {"host:65536", SRF_ERR_INVALID_URI},
    {"@host", SRF_ERR_INVALID_URI},
    {"host,other", SRF_ERR_INVALID_URI},
    {"sip:host?Subject=x", SRF_ERR_INVALID_URI},
    {"host?Subject=x", SRF_ERR_INVALID_URI},
    {"<sip:host>;q=0.5", SRF_ERR_INVALID_URI},
    {"<sip:host", SRF_ERR_INVALID_URI},
    {"\"open <sip:host>", SRF_ERR_INVALID_URI},
    {"<>", SRF_ERR_INVALID_URI},
    {"http://host/", SRF_ERR_UNSUPPORTED},
    {"mailto:ann@host", SRF_ERR_UNSUPPORTED},
    {"<urn:service:sos>", SRF_ERR_UNSUPPORTED},
    {"ws:host", SRF_ERR_UNSUPPORTED},
};

START_TEST(bad_target_leaves_nothing_behind)
{
    srf__buf_t buf;
    srf__uri_t uri;

    srf__buf_init(&buf, 1024);
    srf__buf_add_text(&buf, "before");
    int err = srf__target_normalize(bad_targets[_i].text, &buf, &uri);
    ck_assert_msg(err == bad_targets[_i].err, "%d for %s", err,
                  bad_targets[_i].text);
    ck_assert_uint_eq(buf.len, 6);
    srf__buf_deinit(&buf);
}
END_TEST

START_TEST(target_that_does_not_fit_is_an_error)
{
    char storage[8];
    srf__buf_t buf;
    srf__uri_t uri;

    srf__buf_init_fixed(&buf, storage, sizeof(storage));
    ck_assert_int_eq(srf__target_normalize("host.example", &buf, &uri),
                     SRF_ERR_LIMIT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("uri");
    TCase *reading = tcase_create("reading");
    TCase *completing = tcase_create("completing");

    tcase_add_loop_test(reading, uri_is_taken_to_pieces, 0, COUNT(good));
    tcase_add_loop_test(reading, what_is_no_uri_is_refused, 0, COUNT(bad));
    tcase_add_test(reading, nul_in_a_uri_is_refused);
    tcase_add_test(reading, every_prefix_is_read_within_its_bounds);
    tcase_add_loop_test(reading, routing_parameters_are_kept, 0,
                        COUNT(routings));
    tcase_add_loop_test(reading, name_addr_gives_uri_and_parameters, 0,
                        COUNT(values));
    tcase_add_loop_test(reading, what_is_no_name_addr_is_refused, 0,
                        COUNT(bad_values));
    tcase_add_loop_test(reading, a_parameter_is_found_however_it_is_spelled, 0,
                        COUNT(spellings));
    tcase_add_test(reading, escapes_that_stay_in_a_name);
    tcase_add_test(reading,
                   a_parameter_that_is_there_twice_is_refused_however_spelled);
    tcase_add_test(reading, numeric_hosts_become_addresses);
    tcase_add_loop_test(reading, other_hosts_are_names, 0, COUNT(names));
    tcase_add_loop_test(completing, target_is_completed, 0, COUNT(targets));
    tcase_add_loop_test(completing, bad_target_leaves_nothing_behind, 0,
                        COUNT(bad_targets));
    tcase_add_test(completing, target_that_does_not_fit_is_an_error);
    suite_add_tcase(suite, reading);
    suite_add_tcase(suite, completing);
    return run_suite(suite);
}
