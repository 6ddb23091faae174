/*
 * Fuzz target: the scanner, and what a proxy does with a message that was
 * scanned: mark, insert, cut, answer, acknowledge.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fuzz.h"

#include "message/build.h"
#include "message/edit.h"
#include "message/lines.h"
#include "message/peek.h"
#include "message/scan.h"
#include "srf/srf.h"
#include "transport/envelope.h"
#include "transport/framing.h"

enum { HEADERS = 64, HEADER_BYTES = 4096, SCRATCH = 1024 };

static const srf__scan_limits_t limits = {.max_headers = HEADERS,
                                          .max_header_bytes = HEADER_BYTES};

typedef struct scanned {
    srf__facts_t facts;
    srf__header_t headers[HEADERS];
    srf__scan_result_t result;
} scanned_t;

static void scan(scanned_t *out, const char *data, size_t len)
{
    out->facts.headers = out->headers;
    out->facts.header_cap = HEADERS;
    out->result = srf__scan(data, len, &limits, &out->facts);
}

static void check_span(const srf__facts_t *facts, srf__span_t span)
{
    FUZZ_CHECK((uint32_t)span.off + span.len <= facts->head_len);
}

static void check_via(const srf__facts_t *facts)
{
    const srf__via_t *via = &facts->via;

    check_span(facts, via->value);
    check_span(facts, via->host);
    check_span(facts, via->branch);
    check_span(facts, via->received);
    check_span(facts, via->rport);
    check_span(facts, via->rport_value);
    FUZZ_CHECK(via->host.len > 0);
    FUZZ_CHECK(facts->via2 < facts->head_len);
}

static void check_headers(const srf__facts_t *facts)
{
    uint32_t at = 0;

    FUZZ_CHECK(facts->header_count <= HEADERS);
    for (unsigned i = 0; i < facts->header_count; i++) {
        const srf__header_t *header = &facts->headers[i];
        FUZZ_CHECK(header->name >= at && header->name_len > 0);
        FUZZ_CHECK(header->name + header->name_len < header->end);
        FUZZ_CHECK(header->value + header->value_len <= header->end);
        FUZZ_CHECK(header->value > header->name);
        FUZZ_CHECK(header->end <= facts->head_len);
        FUZZ_CHECK(facts->data[header->end - 1] == '\n');
        at = header->end;
    }
    for (unsigned id = 0; id < SRF__HDR_COUNT; id++) {
        uint16_t first = facts->first[id];
        FUZZ_CHECK(first == SRF__NO_HEADER || first < facts->header_count);
        FUZZ_CHECK(first == SRF__NO_HEADER || id == SRF__HDR_OTHER ||
                   facts->headers[first].id == id);
    }
}

/* As somebody reads it who takes each CR and each LF for a line end: the same
 * lines begin there, or a LF by itself was noted. */
static void check_line_ends(const srf__facts_t *facts)
{
    bool lone_lf = false;

    for (uint32_t i = 0; i < facts->head_len; i++) {
        char c = facts->data[i];
        /* Only in a quoted pair (RFC 4475 §3.1.1.2). */
        FUZZ_CHECK(c != '\0' || (i > 0 && facts->data[i - 1] == '\\'));
        FUZZ_CHECK(c != '\r' || facts->data[i + 1] == '\n');
        lone_lf =
            lone_lf || (c == '\n' && (i == 0 || facts->data[i - 1] != '\r'));
    }
    FUZZ_CHECK(lone_lf == (facts->flaws == SRF__FLAW_LF));
    FUZZ_CHECK(lone_lf || facts->flaws == 0);
}

/* What was repaired says the same. */
static void check_repaired(const srf__facts_t *facts)
{
    srf__buf_t out;
    scanned_t again;

    srf__buf_init(&out, 2 * SRF__HEAD_MAX);
    srf__lines_repair(srf__str(facts->data, facts->head_len), &out);
    FUZZ_CHECK(out.err == 0);
    srf__buf_add(&out, facts->data + facts->head_len,
                 facts->len - facts->head_len);
    if (out.err == 0) {
        scan(&again, out.p, out.len);
        FUZZ_CHECK(again.result == SRF__SCAN_OK ||
                   out.len > SRF__HEAD_MAX - HEADERS ||
                   again.facts.reject_reason != NULL);
        if (again.result == SRF__SCAN_OK) {
            FUZZ_CHECK(again.facts.flaws == 0);
            FUZZ_CHECK(again.facts.header_count == facts->header_count);
        }
    }
    srf__buf_deinit(&out);
}

static void check_inside(const srf__facts_t *facts, const char *data,
                         size_t len)
{
    FUZZ_CHECK(facts->data >= data && facts->data <= data + len);
    FUZZ_CHECK(facts->len <= (size_t)(data + len - facts->data));
    FUZZ_CHECK(facts->head_len <= facts->len);
    FUZZ_CHECK(facts->head_len <= SRF__HEAD_MAX);
    check_span(facts, facts->method_name);
    check_span(facts, facts->uri);
    check_span(facts, facts->reason);
    check_span(facts, facts->call_id);
    check_span(facts, facts->from_tag);
    check_span(facts, facts->to_tag);
    check_span(facts, facts->cseq_method_name);
    check_via(facts);
    check_headers(facts);
}

static bool same_piece(const srf__facts_t *a, srf__span_t in_a,
                       const srf__facts_t *b, srf__span_t in_b)
{
    return srf__str_eq(srf__facts_str(a, in_a), srf__facts_str(b, in_b));
}

/* What was accepted is read the same way again. */
static void check_stable(const srf__facts_t *facts)
{
    scanned_t again;

    scan(&again, facts->data, facts->len);
    FUZZ_CHECK(again.result == SRF__SCAN_OK);
    FUZZ_CHECK(again.facts.len == facts->len);
    FUZZ_CHECK(again.facts.head_len == facts->head_len);
    FUZZ_CHECK(again.facts.method == facts->method);
    FUZZ_CHECK(again.facts.status == facts->status);
    FUZZ_CHECK(again.facts.cseq == facts->cseq);
    FUZZ_CHECK(again.facts.header_count == facts->header_count);
    FUZZ_CHECK(again.facts.via2 == facts->via2);
    FUZZ_CHECK(
        same_piece(&again.facts, again.facts.call_id, facts, facts->call_id));
}

/* What is written where it is offered. */
static const char *keep_of(const srf__facts_t *request)
{
    return request->via.keep != 0 ? "=30" : NULL;
}

static void check_response(const srf__facts_t *request, bool whole)
{
    static const unsigned statuses[] = {100, 180, 200, 486};
    scanned_t read;

    for (unsigned i = 0; i < 4; i++) {
        const srf__response_spec_t spec = {
            .status = statuses[i],
            .via_mark = {.received = SRF__STR("192.0.2.77"),
                         .rport = SRF__STR("5999"),
                         .keep = keep_of(request)},
            .to_tag = SRF__STR("fuzz"),
            .lines = SRF__STR("Server: fuzz\r\n"),
        };
        srf_msg_t *response = srf__build_response(NULL, request, &spec);
        FUZZ_CHECK(response != NULL);
        /* What was refused for its bytes is not repeated with them. */
        for (uint32_t j = 0; j < response->len; j++) {
            char c = response->data[j];
            FUZZ_CHECK(c != '\0' || request->flaws == 0);
            FUZZ_CHECK(c != '\r' || response->data[j + 1] == '\n');
        }
        scan(&read, response->data, response->len);
        if (whole && read.facts.header_count < HEADERS &&
            read.result != SRF__SCAN_OK)
            FUZZ_CHECK(request->header_count > HEADERS - 4);
        if (whole && read.result == SRF__SCAN_OK) {
            FUZZ_CHECK(!read.facts.is_request);
            FUZZ_CHECK(read.facts.status == statuses[i]);
            FUZZ_CHECK(read.facts.cseq == request->cseq);
            FUZZ_CHECK(same_piece(&read.facts, read.facts.via.branch, request,
                                  request->via.branch));
            FUZZ_CHECK(same_piece(&read.facts, read.facts.from_tag, request,
                                  request->from_tag));
            FUZZ_CHECK(statuses[i] == 100 || read.facts.to_tag.len > 0);
        }
        srf__msg_unref(response);
    }
}

/* As a proxy forwards it: marked, with a Via in front, Max-Forwards set. */
static void check_forward(const srf__facts_t *facts)
{
    const srf__via_mark_t mark = {.received = SRF__STR("192.0.2.77"),
                                  .rport = SRF__STR("5999"),
                                  .keep = keep_of(facts)};
    const srf__header_t *hops = srf__facts_first(facts, SRF__HDR_MAX_FORWARDS);
    const srf__header_t *via = srf__facts_first(facts, SRF__HDR_VIA);
    char storage[SCRATCH];
    srf__buf_t scratch;
    srf__edits_t edits;
    scanned_t read;

    srf__buf_init_fixed(&scratch, storage, sizeof(storage));
    srf__edits_init(&edits);
    srf__edit_insert_line(
        &edits, facts, via,
        SRF__STR("Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKfuzz\r\n"));
    srf__edit_mark_via(&edits, facts, &mark, &scratch);
    if (hops != NULL)
        srf__edit_replace_value(&edits, hops, SRF__STR("69"));
    srf__edit_insert_line(&edits, facts, NULL, SRF__STR("X-Fuzz: yes\r\n"));
    FUZZ_CHECK(edits.err == 0);
    srf_msg_t *out = srf__edits_apply(NULL, &edits, facts);
    FUZZ_CHECK(out != NULL);
    scan(&read, out->data, out->len);
    if (facts->header_count <= HEADERS - 2 && out->len < SRF__HEAD_MAX) {
        FUZZ_CHECK(read.result == SRF__SCAN_OK);
        FUZZ_CHECK(read.facts.via2 != 0);
        FUZZ_CHECK(srf__str_eq(srf__facts_str(&read.facts, read.facts.via.host),
                               SRF__STR("192.0.2.1")));
        FUZZ_CHECK(hops == NULL || facts->status != 0 ||
                   read.facts.max_forwards == 69);
    }
    srf__msg_unref(out);
}

/* The topmost Via comes off, as of a response. */
static void check_cut(const srf__facts_t *facts)
{
    srf__span_t cut = srf__cut_top_via(facts);
    srf__edits_t edits;
    scanned_t read;

    srf__edits_init(&edits);
    srf__edits_add(&edits, cut.off, cut.len, srf__str(NULL, 0));
    srf_msg_t *out = srf__edits_apply(NULL, &edits, facts);
    FUZZ_CHECK(out != NULL && out->len < facts->len);
    scan(&read, out->data, out->len);
    FUZZ_CHECK(facts->via2 != 0 || read.result != SRF__SCAN_OK);
    srf__msg_unref(out);
}

static void check_built(const srf__facts_t *invite)
{
    scanned_t read;
    srf_msg_t *ack = srf__build_ack(NULL, invite, invite);
    srf_msg_t *cancel =
        srf__build_cancel(NULL, invite, SRF__STR("Reason: SIP;cause=200\r\n"));

    FUZZ_CHECK(ack != NULL && cancel != NULL);
    scan(&read, ack->data, ack->len);
    FUZZ_CHECK(read.result != SRF__SCAN_OK ||
               read.facts.method == SRF__METHOD_ACK);
    scan(&read, cancel->data, cancel->len);
    FUZZ_CHECK(read.result != SRF__SCAN_OK ||
               read.facts.method == SRF__METHOD_CANCEL);
    srf__msg_unref(ack);
    srf__msg_unref(cancel);
}

/* Over a stream it is found again, it alone, with the same body. */
static void check_envelope(const srf__facts_t *facts)
{
    const srf__str_t whole = srf__str(facts->data, facts->len);
    const srf__framer_limits_t none = {UINT32_MAX, UINT32_MAX};
    srf__framer_t framer;
    srf__framed_t framed;
    srf__buf_t out;
    size_t body = facts->len - facts->head_len;

    FUZZ_CHECK(srf__envelope_write(&whole, 1, &out) == 0);
    const srf__str_t plain = srf__buf_str(&out);
    FUZZ_CHECK(srf__envelope_is_plain(&plain, 1));
    for (unsigned i = 0; i < 2; i++) {
        const srf__str_t sent = i == 0 ? plain : whole;
        if (!srf__envelope_is_plain(&sent, 1))
            continue; /* it does not leave like that */
        srf__framer_init(&framer, &none);
        FUZZ_CHECK(srf__framer_begin(&framer, sent.p, sent.len) == 0);
        FUZZ_CHECK(srf__framer_next(&framer, &framed) == SRF__FRAMED_MESSAGE);
        FUZZ_CHECK(srf__str_eq(framed.bytes, sent));
        FUZZ_CHECK(srf__framer_next(&framer, &framed) == SRF__FRAMED_NONE);
        FUZZ_CHECK(body == 0 ||
                   memcmp(sent.p + sent.len - body,
                          facts->data + facts->head_len, body) == 0);
        FUZZ_CHECK(srf__framer_end(&framer) == 0);
        srf__framer_deinit(&framer);
    }
    srf__buf_deinit(&out);
}

/* A glance finds the same transaction, and misses no dialog. `scanned` is NULL
 * for what is no request. */
static bool is_marked(const srf__facts_t *scanned)
{
    const srf__header_t *route = srf__facts_first(scanned, SRF__HDR_ROUTE);
    srf__str_t value = srf__header_value(scanned, route);

    for (size_t i = 0; i + 5 < value.len; i++) {
        if (srf__str_ieq(srf__str(value.p + i, 5), SRF__STR(";srf=")))
            return true;
    }
    return false;
}

static void check_peek(const char *data, size_t size,
                       const srf__facts_t *scanned)
{
    srf__facts_t facts;
    srf__peek_t peek;

    if (!srf__peek_is_request(data, size))
        return;
    srf__peek(data, size, &facts, &peek);
    if (scanned == NULL || scanned->data != data)
        return;
    if (peek.has_branch) {
        FUZZ_CHECK(facts.method == scanned->method);
        FUZZ_CHECK(same_piece(&facts, facts.method_name, scanned,
                              scanned->method_name));
        FUZZ_CHECK(
            same_piece(&facts, facts.via.branch, scanned, scanned->via.branch));
        FUZZ_CHECK(
            same_piece(&facts, facts.via.host, scanned, scanned->via.host));
        FUZZ_CHECK(facts.via.port == scanned->via.port);
    }
    FUZZ_CHECK(peek.routed || scanned->to_tag.len == 0 ||
               scanned->first[SRF__HDR_ROUTE] == SRF__NO_HEADER ||
               !is_marked(scanned));
}

static void check_name(const srf_name_addr_t *name)
{
    FUZZ_CHECK(name->uri != NULL && name->q >= -1 && name->q <= 1000);
    FUZZ_CHECK(name->expires_s >= -1 && name->param_count >= 0);
    for (int32_t i = 0; i < name->param_count; i++) {
        const srf_param_t *param = &name->params[i];
        FUZZ_CHECK(param->name != NULL);
        FUZZ_CHECK(srf_param_find(name->params, name->param_count,
                                  param->name) != NULL);
    }
}

/* What a program reads it with. */
static void check_views(const srf__facts_t *facts)
{
    static const char *const names[] = {"From",  "t", "Contact",
                                        "Route", "m", "P-Asserted-Identity"};
    srf_msg_t *msg = srf__msg_create(NULL, facts);
    srf_contacts_t *contacts = NULL;
    srf_name_addr_t *name = NULL;
    srf_uri_t *uri = NULL;

    FUZZ_CHECK(msg != NULL);
    FUZZ_CHECK(srf_msg_contacts(msg, &contacts) == 0);
    for (size_t i = 0; i < contacts->count; i++)
        check_name(&contacts->list[i]);
    srf_free(contacts);
    for (size_t i = 0; i < 2 * sizeof(names) / sizeof(names[0]); i++) {
        if (srf_msg_name_addr(msg, names[i / 2], i % 2, &name) == 0)
            check_name(name);
        srf_free(name);
    }
    if (facts->is_request && srf_uri_parse(srf_msg_uri(msg), &uri) == 0)
        FUZZ_CHECK(uri->host != NULL);
    srf_free(uri);
    srf__msg_unref(msg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static scanned_t first;

    scan(&first, (const char *)data, size);
    check_peek((const char *)data, size,
               first.result == SRF__SCAN_OK && first.facts.is_request
                   ? &first.facts
                   : NULL);
    if (first.result == SRF__SCAN_REJECT) {
        FUZZ_CHECK(first.facts.reject_status >= 400);
        FUZZ_CHECK(first.facts.answerable);
        check_response(&first.facts, false);
    }
    if (first.result != SRF__SCAN_OK)
        return 0;
    check_inside(&first.facts, (const char *)data, size);
    check_line_ends(&first.facts);
    if (first.facts.flaws != 0)
        check_repaired(&first.facts);
    check_stable(&first.facts);
    check_forward(&first.facts);
    check_cut(&first.facts);
    check_envelope(&first.facts);
    check_views(&first.facts);
    if (first.facts.is_request)
        check_response(&first.facts, true);
    if (first.facts.is_request && first.facts.method == SRF__METHOD_INVITE)
        check_built(&first.facts);
    return 0;
}
