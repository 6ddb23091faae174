/*
 * The scanner against libosip2's message parser: where that accepts a message,
 * both must read the same facts from it. Exceptions are listed with the reason.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/buf.h"
#include "message/osip_bridge.h"
#include "message/scan.h"
#include "message/uri.h"

#include "runner.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include <osipparser2/osip_message.h>
#include <osipparser2/osip_parser.h>

enum { MESSAGE_MAX = 65536, HEADERS_MAX = 256, FIELD_BYTES = 512 };

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

/* What is compared, each as a text; "" when absent. */
typedef enum field {
    F_METHOD, /* of a request; status of a response */
    F_URI,
    F_CALL_ID,
    F_CSEQ,
    F_CSEQ_METHOD,
    F_FROM_TAG,
    F_TO_TAG,
    F_BRANCH,
    F_VIA_HOST, /* IPv6 without brackets */
    F_VIA_PORT,
    F_VIAS,
    F_MAX_FORWARDS,
    F_CONTENT_LENGTH,
    FIELDS,
    F_VERDICT = FIELDS /* libosip2 accepts what the scanner refuses */
} field_t;

static const char *const field_names[] = {
    "method",   "uri",          "Call-ID",        "CSeq",     "CSeq method",
    "From tag", "To tag",       "branch",         "Via host", "Via port",
    "Vias",     "Max-Forwards", "Content-Length", "verdict",
};

typedef struct summary {
    char field[FIELDS][FIELD_BYTES];
} summary_t;

static char message[MESSAGE_MAX];
static size_t message_len;

static void set(summary_t *summary, field_t field, srf__str_t value)
{
    ck_assert_uint_lt(value.len, FIELD_BYTES);
    if (value.len > 0)
        memcpy(summary->field[field], value.p, value.len);
    summary->field[field][value.len] = '\0';
}

static void set_number(summary_t *summary, field_t field, int64_t value)
{
    snprintf(summary->field[field], FIELD_BYTES, "%lld", (long long)value);
}

/* ---- ours ---- */

static int64_t count_vias(const srf__facts_t *facts)
{
    const srf__header_t *line = srf__facts_first(facts, SRF__HDR_VIA);
    int64_t count = 0;

    for (; line != NULL; line = srf__facts_next(facts, line)) {
        srf__str_t rest = srf__header_value(facts, line);
        srf__str_t value;
        while (srf__list_next(&rest, &value))
            count++;
    }
    return count;
}

static srf__str_t without_brackets(srf__str_t host)
{
    return host.len > 1 && *host.p == '[' ? srf__str(host.p + 1, host.len - 2)
                                          : host;
}

static bool read_ours(summary_t *out)
{
    static const srf__scan_limits_t limits = {HEADERS_MAX, MESSAGE_MAX};
    static srf__header_t headers[HEADERS_MAX];
    srf__facts_t facts = {.headers = headers, .header_cap = HEADERS_MAX};

    memset(out, 0, sizeof(*out));
    if (srf__scan(message, message_len, &limits, &facts) != SRF__SCAN_OK)
        return false;
    if (facts.is_request)
        set(out, F_METHOD, srf__facts_str(&facts, facts.method_name));
    else
        set_number(out, F_METHOD, facts.status);
    set(out, F_URI, srf__facts_str(&facts, facts.uri));
    set(out, F_CALL_ID, srf__facts_str(&facts, facts.call_id));
    set_number(out, F_CSEQ, facts.cseq);
    set(out, F_CSEQ_METHOD, srf__facts_str(&facts, facts.cseq_method_name));
    set(out, F_FROM_TAG, srf__facts_str(&facts, facts.from_tag));
    set(out, F_TO_TAG, srf__facts_str(&facts, facts.to_tag));
    set(out, F_BRANCH, srf__facts_str(&facts, facts.via.branch));
    set(out, F_VIA_HOST,
        without_brackets(srf__facts_str(&facts, facts.via.host)));
    if (facts.via.port != 0)
        set_number(out, F_VIA_PORT, facts.via.port);
    set_number(out, F_VIAS, count_vias(&facts));
    if (facts.max_forwards >= 0)
        set_number(out, F_MAX_FORWARDS, facts.max_forwards);
    /* libosip2 adds what is missing. */
    set_number(out, F_CONTENT_LENGTH,
               facts.content_length >= 0
                   ? facts.content_length
                   : (int64_t)(facts.len - facts.head_len));
    return true;
}

/* ---- theirs ---- */

static void set_text(summary_t *summary, field_t field, const char *text)
{
    set(summary, field, srf__str_of(text));
}

/* A number without leading zeros. */
static void set_digits(summary_t *summary, field_t field, const char *text)
{
    uint32_t number;

    if (srf__str_to_u32(srf__str_of(text), UINT32_MAX, &number))
        set_number(summary, field, number);
    else
        set_text(summary, field, text);
}

static void set_param(summary_t *summary, field_t field, osip_list_t *params,
                      const char *name)
{
    osip_generic_param_t *param = NULL;
    char copy[16];

    snprintf(copy, sizeof(copy), "%s", name);
    (void)osip_generic_param_get_byname(params, copy, &param);
    if (param != NULL)
        set_text(summary, field, param->gvalue);
}

static void read_their_start(const osip_message_t *sip, summary_t *out)
{
    char *text = NULL;

    if (sip->sip_method == NULL) {
        set_number(out, F_METHOD, sip->status_code);
        return;
    }
    set_text(out, F_METHOD, sip->sip_method);
    if (osip_uri_to_str(sip->req_uri, &text) == 0)
        set_text(out, F_URI, text);
    osip_free(text);
}

static void read_their_dialog(const osip_message_t *sip, summary_t *out)
{
    char *text = NULL;

    if (sip->call_id != NULL && osip_call_id_to_str(sip->call_id, &text) == 0) {
        set_text(out, F_CALL_ID, text);
        osip_free(text);
    }
    if (sip->cseq != NULL) {
        set_digits(out, F_CSEQ, sip->cseq->number);
        set_text(out, F_CSEQ_METHOD, sip->cseq->method);
    }
    if (sip->from != NULL)
        set_param(out, F_FROM_TAG, &sip->from->gen_params, "tag");
    if (sip->to != NULL)
        set_param(out, F_TO_TAG, &sip->to->gen_params, "tag");
}

static void read_their_via(const osip_message_t *sip, summary_t *out)
{
    osip_via_t *via = osip_list_get(&sip->vias, 0);

    set_number(out, F_VIAS, osip_list_size(&sip->vias));
    if (via == NULL)
        return;
    set_param(out, F_BRANCH, &via->via_params, "branch");
    set_text(out, F_VIA_HOST, via->host);
    if (via->port != NULL)
        set_digits(out, F_VIA_PORT, via->port);
}

static bool read_theirs(summary_t *out)
{
    osip_message_t *sip = NULL;
    osip_header_t *max_forwards = NULL;

    memset(out, 0, sizeof(*out));
    ck_assert_int_eq(osip_message_init(&sip), 0);
    int err = osip_message_parse(sip, message, message_len);
    if (err == 0) {
        read_their_start(sip, out);
        read_their_dialog(sip, out);
        read_their_via(sip, out);
        osip_message_get_max_forwards(sip, 0, &max_forwards);
        if (max_forwards != NULL)
            set_digits(out, F_MAX_FORWARDS, max_forwards->hvalue);
        if (sip->content_length != NULL)
            set_digits(out, F_CONTENT_LENGTH, sip->content_length->value);
    }
    osip_message_free(sip);
    return err == 0;
}

/* ---- comparing ---- */

/* A known difference. One that does not occur any more is an error too. */
typedef struct exception {
    const char *name;
    field_t field;
    const char *reason;
} exception_t;

static bool same_uri(const char *a, const char *b)
{
    srf__uri_t x;
    srf__uri_t y;

    if (strcmp(a, b) == 0)
        return true;
    return srf__uri_parse(srf__str_of(a), &x) == 0 &&
           srf__uri_parse(srf__str_of(b), &y) == 0 && srf__uri_eq(&x, &y);
}

/* Names of methods are compared exactly, the rest too. */
static bool same_field(const summary_t *ours, const summary_t *theirs,
                       field_t field)
{
    if (field == F_URI)
        return same_uri(ours->field[F_URI], theirs->field[F_URI]);
    return strcmp(ours->field[field], theirs->field[field]) == 0;
}

static const exception_t *find_exception(const exception_t *list, int count,
                                         const char *name, field_t field)
{
    for (int i = 0; i < count; i++) {
        if (list[i].field == field && strcmp(list[i].name, name) == 0)
            return &list[i];
    }
    return NULL;
}

/* Compares the two readings of `message`. */
static void compare(const char *name, const exception_t *list, int count)
{
    static summary_t ours;
    static summary_t theirs;

    if (!read_theirs(&theirs))
        return;
    bool accepted = read_ours(&ours);
    for (unsigned i = 0; i <= FIELDS; i++) {
        field_t field = (field_t)i;
        bool same = field == F_VERDICT
                        ? accepted
                        : !accepted || same_field(&ours, &theirs, field);
        const exception_t *known = find_exception(list, count, name, field);
        ck_assert_msg(same == (known == NULL),
                      "%s: %s: \"%s\", libosip2 \"%s\"%s%s", name,
                      field_names[field],
                      field == F_VERDICT ? "" : ours.field[field],
                      field == F_VERDICT ? "" : theirs.field[field],
                      known == NULL ? "" : ", exception without need: ",
                      known == NULL ? "" : known->reason);
    }
}

/* ---- messages of our own ---- */

#define TAIL                                                   \
 "From: <sip:f@e.example>;tag=ft\r\nTo: <sip:t@e.example>\r\n" \
 "Call-ID: abc@c.example\r\nCSeq: 9 INVITE\r\n"
#define TOP_VIA "Via: SIP/2.0/UDP c.example;branch=z9hG4bK1\r\n"
#define START   "INVITE sip:u@h.example SIP/2.0\r\n"

typedef struct own {
    const char *name;
    const char *text;
} own_t;

static const own_t own[] = {
    {"plain", START TOP_VIA TAIL "\r\n"},
    {"response", "SIP/2.0 180 Ringing\r\n" TOP_VIA TAIL "\r\n"},
    {"response without reason", "SIP/2.0 200 \r\n" TOP_VIA TAIL "\r\n"},
    {"long reason", "SIP/2.0 699 A b  c: \"d\"\r\n" TOP_VIA TAIL "\r\n"},
    {"body",
     START TOP_VIA TAIL "Content-Type: a/b\r\nContent-Length: 4\r\n\r\nbody"},
    {"bytes behind the body",
     START TOP_VIA TAIL "Content-Type: a/b\r\nContent-Length: 2\r\n\r\nbody"},
    {"max-forwards", START TOP_VIA "Max-Forwards: 70\r\n" TAIL "\r\n"},
    {"max-forwards 0", START TOP_VIA "Max-Forwards: 0\r\n" TAIL "\r\n"},
    {"folded", "INVITE sip:u@h.example SIP/2.0\r\n"
               "Via:\r\n SIP/2.0/UDP\r\n c.example\r\n ;branch=z9hG4bK1\r\n"
               "From:\r\n <sip:f@e.example>\r\n ;tag=ft\r\n"
               "To: \"T\r\n t\" <sip:t@e.example>\r\n\t;tag=tt\r\n"
               "Call-ID:\r\n abc@c.example\r\nCSeq: 9\r\n INVITE\r\n\r\n"},
    {"compact", "INVITE sip:u@h.example SIP/2.0\r\n"
                "v: SIP/2.0/UDP c.example;branch=z9hG4bK1\r\n"
                "f: <sip:f@e.example>;tag=ft\r\nt: <sip:t@e.example>;tag=tt\r\n"
                "i: abc@c.example\r\nCSeq: 9 INVITE\r\nl: 0\r\n\r\n"},
    {"odd case", "INVITE sip:u@h.example SIP/2.0\r\n"
                 "VIA: SIP/2.0/UDP c.example;BRANCH=z9hG4bK1\r\n"
                 "from: <sip:f@e.example>;TAG=ft\r\nTO: <sip:t@e.example>\r\n"
                 "call-id: abc@c.example\r\ncseq: 9 INVITE\r\n\r\n"},
    {"white space before colons",
     "INVITE sip:u@h.example SIP/2.0\r\n"
     "Via : SIP/2.0/UDP c.example ; branch = z9hG4bK1\r\n"
     "From\t: <sip:f@e.example> ; tag = ft\r\nTo : <sip:t@e.example>\r\n"
     "Call-ID : abc@c.example\r\nCSeq : 9   INVITE\r\n\r\n"},
    {"three vias", START TOP_VIA
     "Via: SIP/2.0/TCP b.example:5070;branch=z9hG4bK2, SIP/2.0/UDP a.example"
     "\r\n" TAIL "\r\n"},
    {"via list on top", START
     "Via: SIP/2.0/UDP b.example:5070;branch=z9hG4bK2, SIP/2.0/UDP a.example"
     "\r\n" TOP_VIA TAIL "\r\n"},
    {"via with a port", START
     "Via: SIP/2.0/UDP 192.0.2.1:5070;rport;branch=z9hG4bK1\r\n" TAIL "\r\n"},
    {"via with white space around the port", START
     "Via: SIP/2.0/UDP 192.0.2.1 : 5070 ;branch=z9hG4bK1\r\n" TAIL "\r\n"},
    {"via with IPv6", START
     "Via: SIP/2.0/UDP [2001:db8::1]:5070;branch=z9hG4bK1\r\n" TAIL "\r\n"},
    {"via with white space in its protocol",
     START "Via: SIP / 2.0 / UDP c.example;branch=z9hG4bK1\r\n" TAIL "\r\n"},
    {"via without branch", START "Via: SIP/2.0/UDP c.example\r\n" TAIL "\r\n"},
    {"quoted names with commas and brackets", START TOP_VIA
     "From: \"A <a>, \\\"b\\\"; tag=no\" <sip:f@e.example>;tag=ft\r\n"
     "To: \";tag=x\" <sip:t@e.example>\r\n"
     "Call-ID: abc@c.example\r\nCSeq: 9 INVITE\r\n\r\n"},
    {"addr-spec",
     START TOP_VIA "From: sip:f@e.example;tag=ft\r\nTo: sip:t@e.example;x=y\r\n"
                   "Call-ID: abc@c.example\r\nCSeq: 9 INVITE\r\n\r\n"},
    {"tag inside the URI", START TOP_VIA
     "From: <sip:f@e.example;tag=no>;tag=ft\r\nTo: <sip:t@e.example;tag=no>\r\n"
     "Call-ID: abc@c.example\r\nCSeq: 9 INVITE\r\n\r\n"},
    {"call-id without host",
     START TOP_VIA "From: <sip:f@e.example>;tag=ft\r\nTo: <sip:t@e.example>\r\n"
                   "Call-ID: 0817-abc_def.g\r\nCSeq: 9 INVITE\r\n\r\n"},
    {"largest cseq",
     START TOP_VIA "From: <sip:f@e.example>;tag=ft\r\nTo: <sip:t@e.example>\r\n"
                   "Call-ID: abc\r\nCSeq: 2147483647 INVITE\r\n\r\n"},
    {"cseq with leading zeros",
     START TOP_VIA "From: <sip:f@e.example>;tag=ft\r\nTo: <sip:t@e.example>\r\n"
                   "Call-ID: abc\r\nCSeq: 0009 INVITE\r\n\r\n"},
    {"unknown method",
     "FROB-1 sip:u@h.example SIP/2.0\r\n" TOP_VIA
     "From: <sip:f@e.example>;tag=ft\r\nTo: <sip:t@e.example>\r\n"
     "Call-ID: abc\r\nCSeq: 9 FROB-1\r\n\r\n"},
    {"tel request", "INVITE tel:+12015550123;phone-context=x.example SIP/2.0"
                    "\r\n" TOP_VIA TAIL "\r\n"},
    {"uri with everything",
     "INVITE sips:u%3au;x=1:p%40@h.example:5061;transport=tcp;lr;maddr="
     "192.0.2.1;a=%2f?Subject=a%20b&x=y SIP/2.0\r\n" TOP_VIA TAIL "\r\n"},
    {"uri with IPv6",
     "INVITE sip:[2001:db8::9]:5070;lr SIP/2.0\r\n" TOP_VIA TAIL "\r\n"},
    {"uri in capitals",
     "INVITE SIP:u@H.EXAMPLE SIP/2.0\r\n" TOP_VIA TAIL "\r\n"},
    {"unknown scheme", "INVITE foo:a.b+c SIP/2.0\r\n" TOP_VIA TAIL "\r\n"},
    {"lone line feeds", "INVITE sip:u@h.example SIP/2.0\n"
                        "Via: SIP/2.0/UDP c.example;branch=z9hG4bK1\n"
                        "From: <sip:f@e.example>;tag=ft\n"
                        "To: <sip:t@e.example>\nCall-ID: abc\nCSeq: 9 INVITE\n"
                        "\n"},
    {"empty lines in front", "\r\n\r\n" START TOP_VIA TAIL "\r\n"},
    {"no cseq",
     START TOP_VIA "From: <sip:f@e.example>;tag=ft\r\nTo: <sip:t@e.example>\r\n"
                   "Call-ID: abc\r\n\r\n"},
    {"two calls", START TOP_VIA TAIL "Call-ID: def\r\n\r\n"},
};

static const exception_t own_exceptions[] = {
    {"uri with everything", F_URI,
     "libosip2 unescapes a / in a parameter, which §19.1.4 tells apart"},
    {"no cseq", F_VERDICT, "libosip2 asks for no header, §8.1.1 does"},
};

START_TEST(scanner_and_libosip2_agree_on_our_messages)
{
    message_len = strlen(own[_i].text);
    memcpy(message, own[_i].text, message_len);

    compare(own[_i].name, own_exceptions, COUNT(own_exceptions));
}
END_TEST

/* ---- messages from files ---- */

static const exception_t file_exceptions[] = {
    {"badvers.sip", F_VERDICT, "any version is good for libosip2, §8.2: 505"},
    {"bcast.sip", F_MAX_FORWARDS, "in a response it means nothing, §20"},
    {"bigcode.sip", F_VERDICT, "a status has three digits, §25.1"},
    {"insuf.sip", F_VERDICT, "libosip2 asks for no header, §8.1.1 does"},
    {"mismatch01.sip", F_VERDICT, "the methods must be the same, §8.1.1.5"},
    {"mismatch02.sip", F_VERDICT, "the methods must be the same, §8.1.1.5"},
    {"ncl.sip", F_VERDICT, "a negative Content-Length, §20.14"},
    {"scalar02.sip", F_VERDICT, "a CSeq beyond 2**31 - 1, §8.1.1.5"},
    {"scalarlg.sip", F_VERDICT, "a CSeq beyond 2**31 - 1, §8.1.1.5"},
};

static void read_file(const char *directory, const char *name)
{
    char path[1024];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    message_len = fread(message, 1, sizeof(message), file);
    fclose(file);
}

static bool is_message_file(const char *name)
{
    size_t len = strlen(name);

    return len > 4 && strcmp(name + len - 4, ".sip") == 0;
}

START_TEST(scanner_and_libosip2_agree_on_torture_messages)
{
    const char *root = getenv("SRF_TEST_DATA");
    char directory[512];
    unsigned count = 0;

    snprintf(directory, sizeof(directory), "%s/torture",
             root == NULL ? "tests" : root);
    DIR *listing = opendir(directory);
    if (listing == NULL) {
        ck_assert_msg(root == NULL, "no directory %s", directory);
        return; /* run from somewhere else */
    }
    const struct dirent *entry = readdir(listing);
    for (; entry != NULL; entry = readdir(listing)) {
        if (!is_message_file(entry->d_name))
            continue;
        read_file(directory, entry->d_name);
        compare(entry->d_name, file_exceptions, COUNT(file_exceptions));
        count++;
    }
    closedir(listing);
    ck_assert_msg(count > 0, "no messages in %s", directory);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("differential");
    TCase *tcase = tcase_create("libosip2");

    if (srf__osip_init() != 0)
        return EXIT_FAILURE;
    tcase_add_loop_test(tcase, scanner_and_libosip2_agree_on_our_messages, 0,
                        COUNT(own));
    tcase_add_test(tcase, scanner_and_libosip2_agree_on_torture_messages);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
