/*
 * Texts of the load generator. Whatever is the same in every call is made once,
 * with a gap where the call's number is written; numbers have a fixed width, so
 * that the call of a message is found without a parser.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include "load.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GAP "########" /* LOAD_DIGITS of them: the call's number */
/* As many hexadecimal digits that look like chance: identifiers of many callers
 * are no ascending numbers, and the tables of a proxy may notice. */
#define MIX "@@@@@@@@"

enum { MAX_GAPS = 8, SDP_BYTES = 200 };

typedef struct label {
    char number[LOAD_DIGITS];
    char mix[LOAD_DIGITS];
} label_t;

/* Text with gaps for the two parts of a call's label. */
typedef struct piece {
    size_t len;
    unsigned gaps;
    uint16_t gap[MAX_GAPS];
    unsigned char is_mix[MAX_GAPS];
    char text[1200];
} piece_t;

static struct {
    char token[LOAD_TOKEN + 1];
    piece_t invite;
    piece_t refused; /* ACK to a refusal, up to its To */
    piece_t head[3]; /* of ACK and BYE, behind the Request-URI */
    piece_t tail[3];
    piece_t to_tag;
    piece_t answer_tail[LOAD_ENDS]; /* of a 200 with its Contact and SDP */
    piece_t ringing_tail[LOAD_ENDS];
    piece_t empty_tail;
} texts;

/* ---- pieces ---- */

__attribute__((format(printf, 2, 3))) static void make(piece_t *piece,
                                                       const char *format, ...)
{
    va_list args;
    const char *at;

    va_start(args, format);
    int len = vsnprintf(piece->text, sizeof(piece->text), format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof(piece->text))
        abort();
    piece->len = (size_t)len;
    piece->gaps = 0;
    for (at = piece->text; *at != '\0'; at++) {
        int is_mix = strncmp(at, MIX, LOAD_DIGITS) == 0;

        if (!is_mix && strncmp(at, GAP, LOAD_DIGITS) != 0)
            continue;
        if (piece->gaps == MAX_GAPS)
            abort();
        piece->is_mix[piece->gaps] = (unsigned char)is_mix;
        piece->gap[piece->gaps++] = (uint16_t)(at - piece->text);
        at += LOAD_DIGITS - 1;
    }
}

static label_t label_of(uint32_t call)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t mix = (call + 1) * 0x9e3779b97f4a7c15u;
    label_t out;

    mix = (mix ^ mix >> 29) * 0xbf58476d1ce4e5b9u;
    for (unsigned i = LOAD_DIGITS; i-- > 0; call /= 10)
        out.number[i] = (char)('0' + call % 10);
    for (unsigned i = 0; i < LOAD_DIGITS; i++)
        out.mix[i] = digits[mix >> (60 - 4 * i) & 15];
    return out;
}

static char *put_piece(char *out, const piece_t *piece, const label_t *label)
{
    memcpy(out, piece->text, piece->len);
    for (unsigned i = 0; i < piece->gaps; i++)
        memcpy(out + piece->gap[i],
               piece->is_mix[i] ? label->mix : label->number, LOAD_DIGITS);
    return out + piece->len;
}

static char *put(char *out, const char *p, size_t len)
{
    memcpy(out, p, len);
    return out + len;
}

static char *put_string(char *out, const char *string)
{
    return put(out, string, strlen(string));
}

/* ---- making them ---- */

static const char *sdp(const char *name)
{
    static char text[SDP_BYTES + 1];
    int len = snprintf(text, sizeof(text),
                       "v=0\r\no=%s 2890844526 2890844526 IN IP4 127.0.0.1\r\n"
                       "s=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                       "m=audio 49170 RTP/AVP 0 8 101\r\n"
                       "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
                       "a=tool:",
                       name);

    if (len < 0 || len > SDP_BYTES - 2)
        abort();
    memset(text + len, 'x', (size_t)(SDP_BYTES - 2 - len));
    strcpy(text + SDP_BYTES - 2, "\r\n");
    return text;
}

static void make_dialog(const load_options_t *options, load_method_t method,
                        const char *name, unsigned cseq)
{
    make(&texts.head[method],
         " SIP/2.0\r\n"
         "Via: SIP/2.0/UDP 127.0.0.1:%05u;rport;branch=z9hG4bK-%c-" GAP MIX
         "%s\r\n"
         "Max-Forwards: 70\r\n",
         options->caller, name[0], texts.token);
    make(&texts.tail[method],
         "From: \"Ann\" <sip:ann@example.com>;tag=c" GAP MIX "\r\n"
         "Call-ID: " GAP "-%s" MIX "@127.0.0.1\r\n"
         "CSeq: %u %s\r\n"
         "User-Agent: bench-load\r\n"
         "Content-Length: 0\r\n\r\n",
         texts.token, cseq, name);
}

static void make_responses(const load_options_t *options)
{
    const uint16_t ports[LOAD_ENDS] = {options->caller, options->server,
                                       options->second};

    for (unsigned i = 0; i < LOAD_ENDS; i++) {
        make(&texts.ringing_tail[i],
             "Contact: <sip:bob@127.0.0.1:%05u>\r\n"
             "Server: bench-load\r\nContent-Length: 0\r\n\r\n",
             ports[i]);
        make(&texts.answer_tail[i],
             "Contact: <sip:bob@127.0.0.1:%05u>\r\n"
             "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n"
             "Server: bench-load\r\nSupported: timer, replaces\r\n"
             "Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
             ports[i], SDP_BYTES, sdp("bob"));
    }
    make(&texts.to_tag, ";tag=s" GAP MIX);
    make(&texts.empty_tail, "Server: bench-load\r\nContent-Length: 0\r\n\r\n");
}

void load_messages_init(const load_options_t *options, const char *token)
{
    snprintf(texts.token, sizeof(texts.token), "%s", token);
    make(&texts.invite,
         "INVITE sip:+4930" GAP "@127.0.0.1:%05u SIP/2.0\r\n"
         "Via: SIP/2.0/UDP 127.0.0.1:%05u;rport;branch=z9hG4bK-I-" GAP "-%s\r\n"
         "Max-Forwards: 70\r\n"
         "From: \"Ann\" <sip:ann@example.com>;tag=c" GAP MIX "\r\n"
         "To: <sip:+4930" GAP "@example.com>\r\n"
         "Call-ID: " GAP "-%s" MIX "@127.0.0.1\r\n"
         "CSeq: 1 INVITE\r\n"
         "Contact: <sip:ann@127.0.0.1:%05u>\r\n"
         "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n"
         "User-Agent: bench-load\r\n"
         "Supported: timer, replaces\r\n"
         "Content-Type: application/sdp\r\n"
         "Content-Length: %d\r\n\r\n%s",
         options->proxy, options->caller, token, token, options->caller,
         SDP_BYTES, sdp("ann"));
    make(&texts.refused,
         "ACK sip:+4930" GAP "@127.0.0.1:%05u SIP/2.0\r\n"
         "Via: SIP/2.0/UDP 127.0.0.1:%05u;rport;branch=z9hG4bK-I-" GAP "-%s\r\n"
         "Max-Forwards: 70\r\n"
         "From: \"Ann\" <sip:ann@example.com>;tag=c" GAP MIX "\r\n"
         "Call-ID: " GAP "-%s" MIX "@127.0.0.1\r\n"
         "CSeq: 1 ACK\r\n",
         options->proxy, options->caller, token, token);
    make_dialog(options, LOAD_ACK, "ACK", 1);
    make_dialog(options, LOAD_BYE, "BYE", 2);
    make_responses(options);
}

/* ---- reading ---- */

static int read_call(const char *value, size_t len, uint32_t *call)
{
    uint32_t number = 0;

    if (len < LOAD_DIGITS + 1 + LOAD_TOKEN || value[LOAD_DIGITS] != '-' ||
        memcmp(value + LOAD_DIGITS + 1, texts.token, LOAD_TOKEN) != 0)
        return -1;
    for (unsigned i = 0; i < LOAD_DIGITS; i++) {
        if (value[i] < '0' || value[i] > '9')
            return -1;
        number = number * 10 + (uint32_t)(value[i] - '0');
    }
    *call = number;
    return 0;
}

static load_method_t method_of(const char *p, size_t len)
{
    if (len >= 6 && memcmp(p, "INVITE", 6) == 0)
        return LOAD_INVITE;
    if (len >= 3 && memcmp(p, "ACK", 3) == 0)
        return LOAD_ACK;
    if (len >= 3 && memcmp(p, "BYE", 3) == 0)
        return LOAD_BYE;
    return LOAD_OTHER;
}

static int starts(const char *line, size_t len, const char *name)
{
    size_t wanted = strlen(name);

    return len > wanted && memcmp(line, name, wanted) == 0;
}

static void read_cseq(load_message_t *out, const char *value, size_t len)
{
    const char *space = memchr(value, ' ', len);

    if (out->status != 0 && space != NULL)
        out->method = method_of(space + 1, len - (size_t)(space + 1 - value));
}

static int copied(load_message_t *out, const char *line, size_t len)
{
    if (out->count == LOAD_MAX_LINES)
        return -1;
    out->copied[out->count++] = (load_line_t){line, len};
    return 0;
}

/* Names as this program writes them, and every proxy leaves them. */
static int read_line(load_message_t *out, const char *line, size_t len)
{
    switch (line[0]) {
    case 'V':
        return starts(line, len, "Via:") ? copied(out, line, len) : 0;
    case 'F':
        return starts(line, len, "From:") ? copied(out, line, len) : 0;
    case 'T':
        if (!starts(line, len, "To:"))
            return 0;
        out->to = out->count;
        return copied(out, line, len);
    case 'R':
        if (!starts(line, len, "Record-Route:"))
            return 0;
        if (out->routes == LOAD_MAX_ROUTES)
            return -1;
        out->route[out->routes++] = (load_line_t){line, len};
        return copied(out, line, len);
    case 'C':
        if (starts(line, len, "Call-ID: "))
            return read_call(line + 9, len - 9, &out->call) == 0
                       ? copied(out, line, len)
                       : -1;
        if (starts(line, len, "CSeq: ")) {
            read_cseq(out, line + 6, len - 6);
            return copied(out, line, len);
        }
        if (starts(line, len, "Contact:"))
            out->contact = (load_line_t){line, len};
        return 0;
    default:
        return 0;
    }
}

int load_scan(load_message_t *out, const char *text, size_t len)
{
    const char *end = text + len;
    const char *newline = memchr(text, '\n', len);

    out->status = 0;
    out->count = 0;
    out->routes = 0;
    out->to = LOAD_MAX_LINES;
    out->call = UINT32_MAX;
    out->contact.len = 0;
    if (newline == NULL || len < 16)
        return -1;
    if (memcmp(text, "SIP/2.0 ", 8) == 0)
        out->status = (unsigned)((text[8] - '0') * 100 + (text[9] - '0') * 10 +
                                 (text[10] - '0'));
    out->method = method_of(text, len);
    for (const char *line = newline + 1; line < end; line = newline + 1) {
        newline = memchr(line, '\n', (size_t)(end - line));
        if (newline == NULL || *line == '\r')
            break;
        if (read_line(out, line, (size_t)(newline + 1 - line)) != 0)
            return -1;
    }
    return out->call == UINT32_MAX || out->to == LOAD_MAX_LINES ? -1 : 0;
}

/* ---- keeping ---- */

static int keep(load_block_t *block, const char *p, size_t len)
{
    if (block->len + len > sizeof(block->text))
        return -1;
    memcpy(block->text + block->len, p, len);
    block->len = (uint16_t)(block->len + len);
    return 0;
}

int load_keep_request(load_block_t *block, const load_message_t *request)
{
    block->len = 0;
    for (unsigned i = 0; i < request->count; i++) {
        const load_line_t *line = &request->copied[i];

        if (keep(block, line->p, line->len) != 0)
            return -1;
        /* Behind To the responses have a tag. */
        if (i == request->to)
            block->cut = (uint16_t)(block->len - 2);
    }
    return 0;
}

/* The values of Record-Route lines, in order. */
static unsigned split_routes(load_line_t *out, const load_message_t *response)
{
    unsigned count = 0;

    for (unsigned i = 0; i < response->routes; i++) {
        const load_line_t *line = &response->route[i];
        const char *p = line->p + strlen("Record-Route:");
        const char *end = line->p + line->len - 2;

        while (p < end && count < LOAD_MAX_ROUTES) {
            const char *close = memchr(p, '>', (size_t)(end - p));
            const char *comma = NULL;

            if (close != NULL)
                comma = memchr(close, ',', (size_t)(end - close));
            if (comma == NULL)
                comma = end;
            out[count++] = (load_line_t){p, (size_t)(comma - p)};
            p = comma + 1;
        }
    }
    return count;
}

int load_keep_dialog(load_block_t *block, const load_message_t *response)
{
    const load_line_t *contact = &response->contact;
    const load_line_t *to = &response->copied[response->to];
    load_line_t routes[LOAD_MAX_ROUTES];
    unsigned count = split_routes(routes, response);

    block->len = 0;
    if (contact->len == 0)
        return -1;
    const char *open = memchr(contact->p, '<', contact->len);
    if (open == NULL)
        return -1;
    const char *close =
        memchr(open, '>', contact->len - (size_t)(open - contact->p));
    if (close == NULL || keep(block, open + 1, (size_t)(close - open - 1)) != 0)
        return -1;
    block->cut = block->len;
    /* The caller's route set is the recorded one backwards, section 12.1.2. */
    while (count-- > 0) {
        if (keep(block, "Route:", 6) != 0 ||
            keep(block, routes[count].p, routes[count].len) != 0 ||
            keep(block, "\r\n", 2) != 0)
            return -1;
    }
    return keep(block, to->p, to->len);
}

/* ---- writing ---- */

size_t load_write_invite(char *out, uint32_t call)
{
    const label_t label = label_of(call);

    return (size_t)(put_piece(out, &texts.invite, &label) - out);
}

size_t load_write_request(char *out, uint32_t call, load_method_t method,
                          const load_block_t *block)
{
    const label_t label = label_of(call);
    char *p = out;

    p = put_string(p, method == LOAD_ACK ? "ACK " : "BYE ");
    p = put(p, block->text, block->cut);
    p = put_piece(p, &texts.head[method], &label);
    p = put(p, block->text + block->cut, (size_t)(block->len - block->cut));
    p = put_piece(p, &texts.tail[method], &label);
    return (size_t)(p - out);
}

size_t load_write_ack_refusal(char *out, uint32_t call,
                              const load_message_t *response)
{
    const load_line_t *to = &response->copied[response->to];
    const label_t label = label_of(call);
    char *p = out;

    p = put_piece(p, &texts.refused, &label);
    if (to->len < LOAD_TEXT / 4)
        p = put(p, to->p, to->len);
    p = put_string(p, "Content-Length: 0\r\n\r\n");
    return (size_t)(p - out);
}

static const char *status_line(unsigned status)
{
    switch (status) {
    case 100:
        return "SIP/2.0 100 Trying\r\n";
    case 180:
        return "SIP/2.0 180 Ringing\r\n";
    case 200:
        return "SIP/2.0 200 OK\r\n";
    default:
        return "SIP/2.0 503 Service Unavailable\r\n";
    }
}

size_t load_write_response(char *out, uint32_t call, unsigned status,
                           load_end_t end, const load_block_t *block)
{
    const piece_t *tail = status == 200   ? &texts.answer_tail[end]
                          : status == 180 ? &texts.ringing_tail[end]
                                          : &texts.empty_tail;
    const label_t label = label_of(call);
    char *p = put_string(out, status_line(status));

    p = put(p, block->text, block->cut);
    if (status != 100)
        p = put_piece(p, &texts.to_tag, &label);
    p = put(p, block->text + block->cut, (size_t)(block->len - block->cut));
    p = put_piece(p, tail, &label);
    return (size_t)(p - out);
}

size_t load_write_bye_answer(char *out, const load_message_t *request)
{
    char *p = put_string(out, status_line(200));
    const char *limit = out + LOAD_TEXT - 128;

    for (unsigned i = 0; i < request->count; i++) {
        const load_line_t *line = &request->copied[i];

        if (line->len > (size_t)(limit - p))
            break;
        p = put(p, line->p, line->len);
    }
    p = put(p, texts.empty_tail.text, texts.empty_tail.len);
    return (size_t)(p - out);
}
