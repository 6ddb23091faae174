/*
 * Scripted peers.
 *
 * SPDX-License-Identifier: MIT
 */
#include "party.h"

#include "assertions.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_datagram(mempeer_t *peer, const srf__addr_t *from,
                        const char *data, size_t len)
{
    party_t *party = mempeer_data(peer);

    (void)from;
    ck_assert_uint_lt(party->count, PARTY_INBOX);
    char *copy = malloc(len + 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, data, len);
    copy[len] = '\0';
    party->inbox[party->count++] = copy;
}

party_t *party_create(memnet_t *net, const char *address)
{
    party_t *party = calloc(1, sizeof(*party));

    ck_assert_ptr_nonnull(party);
    party->address = address;
    party->peer = mempeer_create(net, address, on_datagram, party);
    return party;
}

void party_clear(party_t *party)
{
    for (unsigned i = 0; i < party->count; i++)
        free(party->inbox[i]);
    party->count = 0;
}

void party_destroy(party_t *party)
{
    party_clear(party);
    free(party);
}

static srf__addr_t address_of(const char *text, size_t len)
{
    size_t colon = len;
    srf__addr_t out;

    while (colon > 0 && text[colon - 1] != ':')
        colon--;
    ck_assert(srf__addr_from_host(&out, srf__str(text, colon - 1),
                                  (uint16_t)atoi(text + colon),
                                  SRF__TRANSPORT_UDP));
    return out;
}

static size_t to_crlf(char *out, const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++) {
        if (*text == '\n')
            out[n++] = '\r';
        out[n++] = *text;
        ck_assert_uint_lt(n, 2 * PARTY_TEXT - 64);
    }
    if (n < 4 || memcmp(out + n - 4, "\r\n\r\n", 4) != 0)
        n += (size_t)sprintf(out + n, "Content-Length: 0\r\n\r\n");
    return n;
}

static void send_text(party_t *party, const srf__addr_t *to, const char *text)
{
    char wire[2 * PARTY_TEXT];
    size_t len = to_crlf(wire, text);

    mempeer_send(party->peer, to, wire, len);
}

void party_send(party_t *party, const char *to, const char *format, ...)
{
    char text[PARTY_TEXT];
    va_list args;
    srf__addr_t address = address_of(to, strlen(to));

    va_start(args, format);
    int n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    ck_assert(n > 0 && (size_t)n < sizeof(text));
    send_text(party, &address, text);
}

void party_invite(party_t *party, const char *to, const char *request_uri,
                  const char *id, const char *extra)
{
    party_send(party, to,
               "INVITE %s SIP/2.0\n"
               "Via: SIP/2.0/UDP %s;branch=z9hG4bK-%s\n"
               "Max-Forwards: 70\n"
               "From: \"Ann\" <sip:ann@example.com>;tag=ann-%s\n"
               "To: <sip:bob@example.com>\n"
               "Call-ID: %s\n"
               "CSeq: 1 INVITE\n"
               "Contact: <sip:ann@%s>\n"
               "%s",
               request_uri, party->address, id, id, id, party->address, extra);
}

void party_follow(party_t *party, const char *to, const char *method,
                  const char *request_uri, const char *id, const char *to_tag)
{
    party_send(party, to,
               "%s %s SIP/2.0\n"
               "Via: SIP/2.0/UDP %s;branch=z9hG4bK-%s\n"
               "Max-Forwards: 70\n"
               "From: \"Ann\" <sip:ann@example.com>;tag=ann-%s\n"
               "To: <sip:bob@example.com>%s%s\n"
               "Call-ID: %s\n"
               "CSeq: 1 %s\n",
               method, request_uri, party->address, id, id,
               to_tag == NULL ? "" : ";tag=", to_tag == NULL ? "" : to_tag, id,
               method);
}

/* Cuts each ";srf=" with its 16 digits: marks are never alike. */
static void cut_marks(char *text)
{
    char *mark = strstr(text, ";srf=");

    while (mark != NULL && strspn(mark + 5, "0123456789abcdef") == 16) {
        memmove(mark, mark + 21, strlen(mark + 21) + 1);
        mark = strstr(mark, ";srf=");
    }
}

const char *party_header(party_t *party, const char *msg, const char *name,
                         unsigned index)
{
    size_t len = strlen(name);
    const char *line = strstr(msg, "\r\n");

    while (line != NULL && strncmp(line, "\r\n\r\n", 4) != 0) {
        line += 2;
        const char *end = strstr(line, "\r\n");
        ck_assert_ptr_nonnull(end);
        if (strncmp(line, name, len) == 0 && line[len] == ':' && index-- == 0) {
            const char *value = line + len + 1;
            value += strspn(value, " \t");
            size_t n = (size_t)(end - value);
            ck_assert_uint_lt(n, sizeof(party->text));
            memcpy(party->text, value, n);
            party->text[n] = '\0';
            cut_marks(party->text);
            return party->text;
        }
        line = end;
    }
    return NULL;
}

static void copy_lines(char *out, const char *msg, const char *name,
                       const char *suffix)
{
    size_t len = strlen(name);
    const char *line = strstr(msg, "\r\n");

    while (line != NULL && strncmp(line, "\r\n\r\n", 4) != 0) {
        line += 2;
        const char *end = strstr(line, "\r\n");
        if (strncmp(line, name, len) == 0 && line[len] == ':') {
            strncat(out, line, (size_t)(end - line));
            strcat(out, suffix);
            strcat(out, "\n");
        }
        line = end;
    }
}

/* Where the topmost Via sends responses: sent-by, with received and rport. */
static srf__addr_t via_address(party_t *party, const char *msg)
{
    const char *via = party_header(party, msg, "Via", 0);
    ck_assert_ptr_nonnull(via);
    const char *host = strchr(via, ' ') + 1;

    return address_of(host, strcspn(host, ";"));
}

void party_reply(party_t *party, unsigned index, const char *status,
                 const char *extra)
{
    char text[PARTY_TEXT] = "";
    const char *msg = party->inbox[index];
    bool tag = strncmp(status, "100", 3) != 0;

    ck_assert_uint_lt(index, party->count);
    sprintf(text, "SIP/2.0 %s\n", status);
    copy_lines(text, msg, "Via", "");
    copy_lines(text, msg, "Record-Route", "");
    copy_lines(text, msg, "From", "");
    const char *to = party_header(party, msg, "To", 0);
    copy_lines(text, msg, "To",
               tag && strstr(to, ";tag=") == NULL ? ";tag=uas" : "");
    copy_lines(text, msg, "Call-ID", "");
    copy_lines(text, msg, "CSeq", "");
    strcat(text, extra);
    srf__addr_t address = via_address(party, msg);
    send_text(party, &address, text);
}

unsigned party_received(const party_t *party, const char *start)
{
    unsigned n = 0;

    for (unsigned i = 0; i < party->count; i++) {
        if (strncmp(party->inbox[i], start, strlen(start)) == 0)
            n++;
    }
    return n;
}

const char *party_find(const party_t *party, const char *start, unsigned index)
{
    for (unsigned i = 0; i < party->count; i++) {
        if (strncmp(party->inbox[i], start, strlen(start)) == 0 && index-- == 0)
            return party->inbox[i];
    }
    return NULL;
}

unsigned party_index(const party_t *party, const char *start, unsigned index)
{
    unsigned left = index;

    for (unsigned i = 0; i < party->count; i++) {
        if (strncmp(party->inbox[i], start, strlen(start)) == 0 && left-- == 0)
            return i;
    }
    ck_abort_msg("no message %u that begins with \"%s\"", index, start);
    return 0;
}
