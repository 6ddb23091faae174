/*
 * Messages from operands: each chooses from a table, and what stands behind the
 * last is text as it is.
 *
 * SPDX-License-Identifier: MIT
 */
#include "network.h"

#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* ---- tables ---- */

static const char *const methods[] = {
    "INVITE",   "ACK",     "BYE",       "CANCEL", "OPTIONS",
    "REGISTER", "MESSAGE", "REFER",     "INFO",   "UPDATE",
    "PRACK",    "NOTIFY",  "SUBSCRIBE", "INVITE", "UNHEARD",
};

/* Ours, the targets', names, strangers (203.0.113.0/24: nobody may lead us
 * there), and every parameter with escapes in its name and value. */
static const char *const uris[] = {
    "sip:bob@10.0.0.1",
    "sip:bob@10.0.0.11",
    "sip:10.0.0.12:5060;transport=udp",
    "sip:bob@10.0.0.13;transport=tcp",
    "sips:bob@10.0.0.11",
    "sip:bob@name.example.com",
    "sip:bob@proxy.example.com",
    "sip:[2001:db8::11]:5060",
    "sip:10.0.0.1;lr",
    "sip:10.0.0.1:5060;transport=udp;lr",
    "@R",
    "@S",
    "@P",
    "sip:@F@10.0.0.1;lr",
    "@C",
    "sip:203.0.113.1",
    "sip:203.0.113.2;lr",
    "sip:203.0.113.3;transport=tcp",
    "sip:bob@10.0.0.1:5060;maddr=10.0.0.1",
    "sip:bob@stranger.example.com;maddr=10.0.0.1",
    "sip:bob@10.0.0.1;maddr=203.0.113.4",
    "sip:bob@10.0.0.11;m%61ddr=203.0.113.5",
    "sip:bob@10.0.0.1:5060;m%61ddr=10.0.0.1",
    "sip:bob@stranger.example.com;%6daddr=10%2e0.0.1",
    "sip:bob@10.0.0.1;maddr=10.0.0.1;MADDR=10.0.0.1",
    "sip:bob@10.0.0.1;tr%61nsport=tcp",
    "sip:bob@10.0.0.1;%74ransport=udp;maddr=10.0.0.1",
    "sip:bob@10.0.0.1;transport=t%63p",
    "sip:bob@10.0.0.1:5080;transport=udp;tr%61nsport=tcp",
    "sip:10.0.0.1;l%72",
    "sip:10.0.0.1;%6cr=%6fn",
    "sip:10.0.0.1;us%65r=phone;ttl=%31;method=%49NVITE",
    "sip:%62ob%3bx%40y@10.0.0.1;user=ph%6fne",
    "sip:b%6fb:p%61ss@10.0.0.1;%6dethod=INVITE",
    "sip:bob@10.0.0.1;a=;b;;c=%00",
    "sip:bob@10.0.0.1;%3b=%3b;%=x",
    "sip:bob@%31%30.0.0.1",
    "sip:bob@10.0.0.1?Route=%3csip:203.0.113.6%3e",
    "sip:bob@10.0.0.1;lr?a=b",
    "sips:bob@10.0.0.1:5061;transport=tcp",
    "sips:bob@10.0.0.1;maddr=10.0.0.1;transport=tls",
    "sip:bob@10.0.0.1:80;transport=ws",
    "sip:bob@0.0.0.0",
    "sip:bob@127.0.0.1",
    "sip:bob@[::ffff:10.0.0.1]",
    "sip:bob@[2001:db8::1];maddr=[2001:db8::1]",
    "sip:10.0.0.1:5070;maddr=127.0.0.1",
    "sip:loop.example.com",
    "sip:_sip._udp.name.example.com:5060",
    "tel:+1-201-555-0123;phone-context=ex%61mple.com",
    "urn:service:sos",
    "sip:",
    "*",
    "sip:bob@10.0.0.1;ob;lr;keep",
    "SIP:BOB@10.0.0.1:05060;LR;Transport=UDP",
    "sip:bob@PROXY.EXAMPLE.COM.;lr",
};

static const char *const statuses[] = {
    "100", "180", "183", "200", "202", "300", "302", "305", "401", "407",
    "404", "408", "420", "481", "486", "487", "491", "500", "503", "600",
    "603", "606", "199", "101", "299", "380", "513", "699", "400", "504",
};

static const char *const routes[] = {
    "",
    "Route: <@R>\r\n",
    "Route: <@R>,<sip:10.0.0.12;lr>\r\n",
    "Route: <@R>, <@S>\r\n",
    "Route: <@S>\r\nRoute: <@R>\r\n",
    "Route: <sip:10.0.0.1;lr>\r\n",
    "Route: <sip:10.0.0.1;l%72>\r\n",
    "Route: <sip:10.0.0.1;lr>,<sip:203.0.113.7;lr>\r\n",
    "Route: <@R>,<sip:203.0.113.8;lr>\r\n",
    "Route: <sip:10.0.0.12;lr>\r\n",
    "Route: <sip:10.0.0.12>\r\n",
    "Route: <sip:@F@10.0.0.1;lr>\r\n",
    "Route: <@P>\r\n",
    "Route: <sip:proxy.example.com;lr>,<sip:name.example.com;lr>\r\n",
    "Route: <sip:10.0.0.1;m%61ddr=10.0.0.1;lr>\r\n",
    "Route: sip:10.0.0.1;lr\r\nRoute: \"a,b\" <sip:203.0.113.9;lr>;x\r\n",
    "Route: <sip:10.0.0.1:5060;transport=tcp;lr>,<sip:10.0.0.11;lr>\r\n",
    "Route: ,\r\n",
    "Route: <sip:10.0.0.11;transport=tcp;lr>\r\n",
    "Route: <sips:10.0.0.1;lr>,<@R>,<@R>,<@R>\r\n",
};

static const char *const vias[] = {
    "SIP/2.0/%t %a;branch=z9hG4bK%i",
    "SIP/2.0/%t %a;rport;branch=z9hG4bK%i",
    "SIP/2.0/%t %a;branch=z9hG4bK%i;maddr=203.0.113.20",
    "SIP/2.0/%t %a;branch=z9hG4bK%i;maddr=%a",
    "SIP/2.0/%t client.example.com;branch=z9hG4bK%i",
    "SIP/2.0/%t 203.0.113.21:5060;branch=z9hG4bK%i;rport",
    "SIP/2.0/%t 203.0.113.22;branch=z9hG4bK%i;received=203.0.113.23;rport=9",
    "SIP/2.0/%t %a;branch=%i",
    "SIP/2.0/%t %a",
    "SIP/2.0/%t 10.0.0.1:5060;branch=@B",
    "SIP/2.0/%t %a;branch=@B",
    ("SIP/2.0/%t %a;branch=z9hG4bK%i\r\n"
     "Via: SIP/2.0/UDP 203.0.113.24;branch=z9hG4bKfar"),
    "SIP / 2.0 / %t %a ; m%61ddr=203.0.113.25 ; branch=z9hG4bK%i",
    "SIP/2.0/%t [2001:db8::9];branch=z9hG4bK%i;received=10.0.0.9",
};

static const char *const to_tags[] = {
    "", ";tag=b", "@T", ";t%61g=b", ";tag=", ";tag=b;tag=c",
};

static const char *const bodies[] = {
    "Content-Length: 0\r\n\r\n",
    "\r\n",
    "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello",
    "Content-Type: text/plain\r\n\r\nOPTIONS sip:10.0.0.1 SIP/2.0\r\n",
    "Content-Length: 2\r\n\r\nhello",
    "Content-Length: 9\r\n\r\nhello",
    "l : 5\r\n\r\nhello",
    "Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
    "l: 0\r\nContent-Length: 5\r\n\r\nhello",
    "Content-Length:\r\n 005\r\n\r\nhello",
    "Content-Length: +0\r\n\r\n",
    "Subject: a\rX-Smuggled: b\r\nContent-Length: 0\r\n\r\n",
    "Content-Length: 0\r\r\n\r\n",
    "Content-Length: 0\n\n",
    "CONTENT-LENGTH\t:\t4\r\n\r\nhell",
};

static const char *const limits[] = {
    "Max-Forwards: 70\r\n",
    "",
    "Max-Forwards: 0\r\n",
    "Max-Forwards: 1\r\nMax-Breadth: 1\r\n",
    "Max-Forwards: 70\r\nMax-Breadth: 3\r\n",
    "Max-Forwards: 70\r\nProxy-Require: foo, bar\r\n",
    "Max-Forwards: 255\r\nSupported: outbound, path\r\n",
    "Max-Forwards: 70\r\nAuthorization: Digest realm=\"a\"\r\n",
};

/* In responses, behind the usual lines. */
static const char *const lines[] = {
    "",
    "WWW-Authenticate: Digest realm=\"a\", nonce=\"b\", algorithm=MD5, "
    "qop=\"auth\"\r\n",
    "Proxy-Authenticate: Digest realm=\"a\",nonce=\"c\",algorithm=SHA-256,"
    "opaque=\"x\\\"y\",stale=true\r\nWWW-Authenticate: Digest realm=\"b\", "
    "nonce=\"d\"\r\n",
    "WWW-Authenticate: Digest realm=, nonce\r\nWWW-Authenticate: Basic a\r\n",
    "Retry-After: 3\r\nWarning: 399 a \"b\"\r\n",
    "Record-Route: <sip:203.0.113.10;lr>,<@R>\r\n",
    "Record-Route: <@R>\r\nRecord-Route: <@R>\r\n",
    "Require: 100rel\r\nRSeq: 1\r\n",
    "Max-Forwards: no\r\nMax-Breadth: none\r\n",
    "P-Asserted-Identity: \"\xff\xfe\\\" <sip:%00@x>\r\nX: \x7f\x1b[2J\r\n",
};

static const char *text_uri(unsigned index)
{
    return uris[index % COUNT(uris)];
}

/* ---- texts ---- */

void text_add(text_t *text, const char *p, size_t len)
{
    if (len > TEXT_BYTES - text->len)
        len = TEXT_BYTES - text->len;
    if (len > 0)
        memcpy(text->p + text->len, p, len);
    text->len += len;
    text->p[text->len] = '\0';
}

void text_copy(text_t *text, const text_t *from)
{
    text->len = 0;
    text_add(text, from->p, from->len);
}

void text_string(text_t *text, const char *string)
{
    text_add(text, string, strlen(string));
}

static void add_str(text_t *text, srf__str_t piece)
{
    text_add(text, piece.p, piece.len);
}

typedef struct scanned {
    srf__facts_t facts;
    srf__header_t headers[HEADERS];
} scanned_t;

static const srf__facts_t *scan(scanned_t *out, const char *p, size_t len)
{
    static const srf__scan_limits_t all = {HEADERS, 65535};

    out->facts.headers = out->headers;
    out->facts.header_cap = HEADERS;
    return srf__scan(p, len, &all, &out->facts) == SRF__SCAN_OK ? &out->facts
                                                                : NULL;
}

const srf__facts_t *text_scan(const char *p, size_t len)
{
    static scanned_t scanned;

    return scan(&scanned, p, len);
}

bool text_value(const srf__facts_t *facts, srf__header_id_t id, unsigned index,
                srf__uri_t *out)
{
    const srf__header_t *line = srf__facts_first(facts, id);
    srf__str_t params;
    srf__str_t value;

    for (; line != NULL; line = srf__facts_next(facts, line)) {
        srf__str_t rest = srf__header_value(facts, line);
        while (srf__list_next(&rest, &value)) {
            if (index-- == 0)
                return srf__name_addr_parse(value, out, &params) == 0;
        }
    }
    return false;
}

/* ---- what the stack has sent ---- */

static void add_own_uri(text_t *text, const text_t *from, srf__header_id_t id,
                        unsigned index, bool user)
{
    static scanned_t scanned;
    const srf__facts_t *facts = scan(&scanned, from->p, from->len);
    srf__uri_t uri;

    if (facts == NULL || !text_value(facts, id, index, &uri))
        text_string(text, user ? "" : "sip:10.0.0.1;lr");
    else
        add_str(text, user ? uri.user : uri.text);
}

static void add_fact(text_t *text, const text_t *from, char what)
{
    static scanned_t scanned;
    const srf__facts_t *facts = scan(&scanned, from->p, from->len);

    if (facts == NULL)
        return;
    if (what == 'B')
        add_str(text, srf__facts_str(facts, facts->via.branch));
    else if (what == 'I')
        add_str(text, srf__facts_str(facts, facts->call_id));
    else if (facts->to_tag.len > 0) {
        text_string(text, ";tag=");
        add_str(text, srf__facts_str(facts, facts->to_tag));
    }
}

static void expand_one(const net_t *net, text_t *text, char what)
{
    const text_t *request = &wire_request(net, 0)->text;

    switch (what) {
    case 'B':
    case 'I':
        add_fact(text, request, what);
        break;
    case 'T':
        add_fact(text, &net->reply.text, what);
        break;
    case 'R':
    case 'S':
        add_own_uri(text, request, SRF__HDR_RECORD_ROUTE, what == 'S', false);
        break;
    case 'P':
        add_own_uri(text, request, SRF__HDR_PATH, 0, false);
        break;
    case 'F':
        add_own_uri(text, request, SRF__HDR_RECORD_ROUTE, 0, true);
        break;
    case 'C':
        add_own_uri(text, &net->reply.text, SRF__HDR_CONTACT, 0, false);
        break;
    default:
        text_add(text, "@", 1);
        text_add(text, &what, 1);
        break;
    }
}

void text_expand(const net_t *net, text_t *text, const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (p[i] == '@' && i + 1 < len && p[i + 1] >= 'A' && p[i + 1] <= 'Z')
            expand_one(net, text, p[++i]);
        else
            text_add(text, p + i, 1);
    }
}

static void expand(const net_t *net, text_t *text, const char *string)
{
    text_expand(net, text, string, strlen(string));
}

/* ---- requests ---- */

/* "%t": transport, "%a": where it comes from, "%i": what tells it from others.
 */
static void add_via(const net_t *net, text_t *text, const node_t *node,
                    const srf__addr_t *peer, const char *form, char id)
{
    char storage[SRF__ADDR_TEXT];

    text_string(text, "Via: ");
    for (; *form != '\0'; form++) {
        char what = form[0] == '%' || form[0] == '@' ? form[1] : '\0';
        if (what == 't')
            add_str(text, srf__transport_via_name(
                              (srf__transport_id_t)node->base.bound.transport));
        else if (what == 'a')
            add_str(text, srf__addr_text(peer, storage));
        else if (what == 'i')
            text_add(text, &id, 1);
        else
            text_expand(net, text, form, what == 'B' ? 2 : 1);
        form += what == 't' || what == 'a' || what == 'i' || what == 'B';
    }
    text_string(text, "\r\n");
}

static void add_ids(const net_t *net, text_t *text, const char *method, char id,
                    unsigned to)
{
    char number[2] = {(char)('1' + to % 9), '\0'};

    text_string(text, "From: \"A\" <sip:ann@example.com>;tag=a");
    text_add(text, &id, 1);
    text_string(text, "\r\nTo: <sip:bob@example.com>");
    expand(net, text, to_tags[to % COUNT(to_tags)]);
    text_string(text, "\r\nCall-ID: ");
    text_add(text, &id, 1);
    text_string(text, "@call\r\nCSeq: ");
    text_string(text, number);
    text_string(text, " ");
    text_string(text, method);
    text_string(text, "\r\n");
}

void text_request(const net_t *net, text_t *text, const node_t *node,
                  const srf__addr_t *peer, operands_t *operands)
{
    const char *method = methods[operand(operands) % COUNT(methods)];
    const char *uri = text_uri(operand(operands));
    char id = (char)('a' + operand(operands) % 8);
    char branch = (char)('a' + operand(operands) % 16);
    unsigned to = operand(operands);
    const char *via = vias[operand(operands) % COUNT(vias)];
    const char *route = routes[operand(operands) % COUNT(routes)];
    const char *limit = limits[operand(operands) % COUNT(limits)];
    const char *contact = text_uri(operand(operands));
    const char *body = bodies[operand(operands) % COUNT(bodies)];

    text->len = 0;
    text_string(text, method);
    text_string(text, " ");
    expand(net, text, uri);
    text_string(text, " SIP/2.0\r\n");
    add_via(net, text, node, peer, via, branch);
    expand(net, text, route);
    text_string(text, limit);
    add_ids(net, text, method, id, to);
    text_string(text, "Contact: <");
    expand(net, text, contact);
    text_string(text, ">\r\n");
    text_expand(net, text, operands->p, operands->len);
    text_string(text, body);
}

/* ---- responses ---- */

static void add_lines(text_t *out, const srf__facts_t *facts,
                      srf__header_id_t id, const char *suffix)
{
    const srf__header_t *line = srf__facts_first(facts, id);

    for (; line != NULL; line = srf__facts_next(facts, line)) {
        text_add(out, facts->data + line->name,
                 (size_t)(line->value + line->value_len - line->name));
        text_string(out, suffix);
        text_string(out, "\r\n");
    }
}

static void add_contacts(const net_t *net, text_t *text, unsigned what)
{
    static const char *const forms[] = {
        "Contact: <%u>\r\n",
        "",
        "Contact: <%u>;q=0.5, <sip:10.0.0.13>;q=0.7,<sip:203.0.113.11>;q=0.1"
        "\r\n",
        "Contact: *\r\n",
        "Contact: %u\r\nContact: <sip:10.0.0.1>;q=1.0\r\nm: <sips:10.0.0.12>"
        ";q=%31\r\n",
    };
    const char *form = forms[what % COUNT(forms)];

    for (; *form != '\0'; form++) {
        if (form[0] == '%' && form[1] == 'u') {
            expand(net, text, text_uri(what / (unsigned)COUNT(forms)));
            form++;
        } else {
            text_add(text, form, 1);
        }
    }
}

/* The Via lines, or what a peer might have made of them. */
static void add_vias(const net_t *net, text_t *text, const srf__facts_t *facts,
                     unsigned what)
{
    switch (what % 6) {
    case 1:
        text_string(text, "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKmadeup\r\n");
        break;
    case 2:
        text_string(text, "Via: SIP/2.0/UDP 203.0.113.30;branch=");
        expand(net, text, "@B\r\n");
        break;
    case 3: /* a branch of ours with strangers below */
        text_string(text, "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=");
        expand(net, text, "@B, SIP/2.0/UDP 203.0.113.31;branch=z9hG4bKx\r\n");
        return;
    case 4: /* one that the stack never had */
        text_string(text, "Via: SIP/2.0/UDP 10.0.0.1:5060;branch="
                          "z9hG4bK00ffffff0123456789abcdef\r\n"
                          "Via: SIP/2.0/UDP 203.0.113.32\r\n");
        return;
    default:
        break;
    }
    add_lines(text, facts, SRF__HDR_VIA, "");
}

void text_response(const net_t *net, text_t *text, const text_t *request,
                   operands_t *operands)
{
    const srf__facts_t *facts = text_scan(request->p, request->len);
    const char *status = statuses[operand(operands) % COUNT(statuses)];
    unsigned to = operand(operands);
    unsigned via = operand(operands);
    unsigned contact = operand(operands);
    const char *more = lines[operand(operands) % COUNT(lines)];
    const char *body = bodies[operand(operands) % COUNT(bodies)];

    text->len = 0;
    if (facts == NULL)
        return;
    text_string(text, "SIP/2.0 ");
    text_string(text, status);
    text_string(text, " Reply\r\n");
    add_vias(net, text, facts, via);
    add_lines(text, facts, SRF__HDR_RECORD_ROUTE, "");
    add_lines(text, facts, SRF__HDR_FROM, "");
    add_lines(text, facts, SRF__HDR_TO,
              facts->to_tag.len > 0 ? ""
              : to == 0             ? ";tag=b"
                                    : to_tags[to % COUNT(to_tags)]);
    add_lines(text, facts, SRF__HDR_CALL_ID, "");
    add_lines(text, facts, SRF__HDR_CSEQ, "");
    add_contacts(net, text, contact);
    expand(net, text, more);
    text_expand(net, text, operands->p, operands->len);
    text_string(text, body);
}
