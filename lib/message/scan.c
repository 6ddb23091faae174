/*
 * The scanner: one pass from the start line to the empty line. The first
 * problem found is the one reported; lines are indexed to the end all the same,
 * so that a refused request can be answered.
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/scan.h"

#include "message/lines.h"

enum {
    STATUS_BAD_REQUEST = 400,
    STATUS_VERSION_NOT_SUPPORTED = 505,
    STATUS_MIN = 100,
    STATUS_MAX = 699,
    MAX_FORWARDS_MAX = 255, /* RFC 3261 §20.22 */
    CSEQ_MAX = 0x7fffffff   /* below 2**31, RFC 3261 §8.1.1.5 */
};

/* Keeps the first problem. */
static void refuse(srf__facts_t *facts, unsigned status, const char *reason)
{
    if (facts->reject_status != 0)
        return;
    facts->reject_status = (uint16_t)status;
    facts->reject_reason = reason;
}

static void refuse_syntax(srf__facts_t *facts, const char *reason)
{
    refuse(facts, STATUS_BAD_REQUEST, reason);
}

static srf__span_t span_of(const srf__facts_t *facts, const char *from,
                           const char *to)
{
    srf__span_t span = {(uint16_t)(from - facts->data), (uint16_t)(to - from)};
    return span;
}

/* ------------------------------------------------------------------ */
/* Start line, RFC 3261 §7.1 and §7.2                                  */
/* ------------------------------------------------------------------ */

/* Behind "SIP/" in any case (§7.1); NULL when that does not stand at `p`. */
static const char *skip_sip_slash(const char *p, const char *end)
{
    if (end - p < 4 || p[3] != '/' || !srf__name_is(srf__str(p, 3), "sip"))
        return NULL;
    return p + 4;
}

/* Behind the SIP-Version at `p`; NULL when there is none. */
static const char *read_version(const char *p, const char *end, bool *is_two)
{
    uint64_t major;
    uint64_t minor;
    const char *digits = skip_sip_slash(p, end);

    if (digits == NULL)
        return NULL;
    if (end - digits >= 3 && memcmp(digits, "2.0", 3) == 0 &&
        (end - digits == 3 || digits[3] == ' ')) {
        *is_two = true;
        return digits + 3;
    }
    *is_two = false;
    const char *dot = srf__read_number(digits, &major);
    if (dot == digits || dot == end || *dot != '.')
        return NULL;
    const char *behind = srf__read_number(dot + 1, &minor);
    if (behind == dot + 1)
        return NULL;
    return behind;
}

/* Request-Line = Method SP Request-URI SP SIP-Version, with single SP. The URI
 * itself is judged by who routes by it. */
static void read_request_line(srf__facts_t *facts, const char *p,
                              const char *end)
{
    bool is_two = false;
    const char *method_end = srf__skip_run(p, SRF__CHAR_TOKEN);

    facts->is_request = true;
    if (method_end == p || method_end == end || *method_end != ' ') {
        refuse_syntax(facts, "Bad Request-Line");
        return;
    }
    facts->method_name = span_of(facts, p, method_end);
    facts->method =
        (uint8_t)srf__method_find(srf__str(p, (size_t)(method_end - p)));

    const char *uri = method_end + 1;
    const char *uri_end = memchr(uri, ' ', (size_t)(end - uri));
    if (uri_end == NULL || uri_end == uri || !srf__is_visible(uri, uri_end)) {
        refuse_syntax(facts, "Bad Request-Line");
        return;
    }
    facts->uri = span_of(facts, uri, uri_end);

    if (read_version(uri_end + 1, end, &is_two) != end) {
        refuse_syntax(facts, "Bad Request-Line");
    } else if (!is_two) {
        refuse(facts, STATUS_VERSION_NOT_SUPPORTED, "Version Not Supported");
    }
}

/* Status-Line = SIP-Version SP Status-Code SP Reason-Phrase */
static void read_status_line(srf__facts_t *facts, const char *p,
                             const char *end)
{
    bool is_two = false;
    uint64_t status;
    const char *space = read_version(p, end, &is_two);

    if (space == NULL || !is_two || space == end || *space != ' ') {
        refuse_syntax(facts, "Bad Status-Line");
        return;
    }
    const char *digits = space + 1;
    const char *behind = srf__read_number(digits, &status);
    if (behind - digits != 3 || status < STATUS_MIN || status > STATUS_MAX) {
        refuse_syntax(facts, "Bad Status-Line");
        return;
    }
    facts->status = (uint16_t)status;
    /* A reason that is empty may have lost its SP too: nothing is unclear. */
    if (behind == end)
        return;
    if (*behind != ' ') {
        refuse_syntax(facts, "Bad Status-Line");
        return;
    }
    facts->reason = span_of(facts, behind + 1, end);
}

/* Reads the first line; returns what is behind it, `stop` when it has no end.
 */
static const char *read_start_line(srf__facts_t *facts, const char *stop,
                                   unsigned *flaws)
{
    const char *begin = facts->data;
    const char *lf = srf__line_end(begin, stop, flaws);

    if (lf == NULL) {
        refuse_syntax(facts, "Bad Start-Line");
        return stop;
    }
    const char *end = lf > begin && lf[-1] == '\r' ? lf - 1 : lf;
    /* A method has no "/", so this cannot be a request. */
    if (skip_sip_slash(begin, end) != NULL) {
        read_status_line(facts, begin, end);
    } else {
        read_request_line(facts, begin, end);
    }
    return lf + 1;
}

/* ------------------------------------------------------------------ */
/* Values                                                              */
/* ------------------------------------------------------------------ */

static void read_via(srf__facts_t *facts, const srf__header_t *header)
{
    uint16_t next;

    if (facts->first[SRF__HDR_VIA] != facts->header_count) {
        if (facts->via2 == 0)
            facts->via2 = header->value;
        return;
    }
    if (srf__via_read(facts->data, header->value, header->end, &facts->via,
                      &next) != 0) {
        refuse_syntax(facts, "Bad Via");
        return;
    }
    /* A response can find its way back, §18.2.2. */
    facts->answerable = true;
    facts->via2 = next;
}

/* Behind "<...>" and white space; NULL when it is not closed or is empty. */
static const char *skip_brackets(const char *p, const char *end)
{
    const char *close = memchr(p, '>', (size_t)(end - p));

    if (close == NULL || close == p + 1)
        return NULL;
    return srf__skip_lws(close + 1, end);
}

/* Behind the name-addr or addr-spec at `p`, where header parameters begin
 * (RFC 3261 §20); NULL when a quote or bracket is not closed or there is no
 * address. */
static const char *skip_address(const char *p, const char *end)
{
    const char *begin = p;
    bool quoted = false;

    for (;;) {
        while (p < end && srf__char_is(*p, SRF__CHAR_VALUE | SRF__CHAR_LWS))
            p++;
        if (p == end || *p == ';')
            break;
        if (*p == '<')
            return skip_brackets(p, end);
        /* A comma would begin a second value; there can be but one. The rest
         * are control characters. */
        if (*p != '"')
            return NULL;
        quoted = true;
        p = srf__skip_quoted(p, end);
        if (p == NULL)
            return NULL;
    }
    /* An addr-spec has no quotes. */
    return p == begin || quoted ? NULL : p;
}

/* A header parameter is a token: an escape in it is none (§25.1). */
static inline bool find_tag(const char *p, const char *end, srf__str_t *tag)
{
    *tag = srf__str(NULL, 0);
    while (p < end) {
        srf__param_t param;
        if (*p != ';')
            return false;
        p = srf__param_read(p + 1, end, &param);
        if (p == NULL)
            return false;
        if (srf__name_is(param.name, "tag")) {
            if (tag->len != 0 || param.value.len == 0 || param.quoted)
                return false;
            *tag = param.value;
        }
        p = srf__skip_lws(p, end);
    }
    return true;
}

bool srf__tag_read(const char *p, const char *end, srf__str_t *tag)
{
    return find_tag(p, end, tag);
}

/* From and To (§20.20, §20.39): no more than finding the tag without doubt,
 * because dialogs and transactions are matched by it (§17.2.3, §12.2.2). */
static bool read_tag(const srf__facts_t *facts, const srf__header_t *header,
                     srf__span_t *out)
{
    const char *p = facts->data + header->value;
    const char *end = p + header->value_len;
    srf__str_t tag;

    p = skip_address(p, end);
    if (p == NULL || !find_tag(p, end, &tag))
        return false;
    if (tag.len > 0)
        *out = span_of(facts, tag.p, tag.p + tag.len);
    return true;
}

/* Call-ID (§20.8): compared byte by byte, so only its extent matters. */
static bool read_call_id(srf__facts_t *facts, const srf__header_t *header)
{
    const char *p = facts->data + header->value;
    const char *end = p + header->value_len;

    if (p == end || !srf__is_visible(p, end))
        return false;
    facts->call_id = span_of(facts, p, end);
    return true;
}

/* CSeq = 1*DIGIT LWS Method. The method is kept of a bad number too. */
static bool read_cseq(srf__facts_t *facts, const srf__header_t *header)
{
    const char *p = facts->data + header->value;
    const char *end = p + header->value_len;
    uint64_t number;

    const char *behind = srf__read_number(p, &number);
    const char *name = srf__skip_lws(behind, end);
    if (behind == p || name == behind || name == end ||
        srf__skip_run(name, SRF__CHAR_TOKEN) != end)
        return false;

    srf__str_t method = srf__str(name, (size_t)(end - name));
    facts->cseq_method_name = span_of(facts, name, end);
    facts->cseq_method =
        facts->method_name.len != 0 &&
                srf__str_eq(srf__facts_str(facts, facts->method_name), method)
            ? facts->method
            : (uint8_t)srf__method_find(method);
    if (number > CSEQ_MAX)
        return false;
    facts->cseq = (uint32_t)number;
    return true;
}

/* A value that is one number; -1 when it is not, or is above `max`. */
static int64_t read_whole_number(const srf__facts_t *facts,
                                 const srf__header_t *header, uint32_t max)
{
    const char *p = facts->data + header->value;
    const char *end = p + header->value_len;
    uint64_t number;

    if (p == end || srf__read_number(p, &number) != end || number > max)
        return -1;
    return (int64_t)number;
}

static bool read_max_forwards(srf__facts_t *facts, const srf__header_t *header)
{
    facts->max_forwards =
        (int32_t)read_whole_number(facts, header, MAX_FORWARDS_MAX);
    return facts->max_forwards >= 0;
}

/* Whether the data hold that many bytes is known at the empty line only. */
static bool read_content_length(srf__facts_t *facts,
                                const srf__header_t *header)
{
    facts->content_length = read_whole_number(facts, header, UINT32_MAX);
    return facts->content_length >= 0;
}

/* RFC 5393 §5.1: digits, without a limit to their number. */
static bool read_breadth(const srf__facts_t *facts, const srf__header_t *header,
                         uint64_t *out)
{
    const char *p = facts->data + header->value;
    const char *end = p + header->value_len;

    return p != end && srf__read_number(p, out) == end;
}

bool srf__facts_max_breadth(const srf__facts_t *facts, uint32_t *value)
{
    const srf__header_t *line = srf__facts_first(facts, SRF__HDR_MAX_BREADTH);
    uint64_t number;

    if (line == NULL || !read_breadth(facts, line, &number))
        return false;
    *value = number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
    return true;
}

/* Reads a header field that may stand only once (§7.3.1); NULL or what is
 * wrong with it. */
static const char *read_single(srf__facts_t *facts, const srf__header_t *header)
{
    bool again = facts->first[header->id] != facts->header_count;
    uint64_t breadth;

    switch (header->id) {
    case SRF__HDR_FROM:
        if (again)
            return "Repeated From";
        return read_tag(facts, header, &facts->from_tag) ? NULL : "Bad From";
    case SRF__HDR_TO:
        if (again)
            return "Repeated To";
        return read_tag(facts, header, &facts->to_tag) ? NULL : "Bad To";
    case SRF__HDR_CALL_ID:
        if (again)
            return "Repeated Call-ID";
        return read_call_id(facts, header) ? NULL : "Bad Call-ID";
    case SRF__HDR_CSEQ:
        if (again)
            return "Repeated CSeq";
        return read_cseq(facts, header) ? NULL : "Bad CSeq";
    case SRF__HDR_MAX_FORWARDS:
        /* Means nothing in a response and is then ignored, §20. */
        if (!facts->is_request)
            return NULL;
        if (again)
            return "Repeated Max-Forwards";
        return read_max_forwards(facts, header) ? NULL : "Bad Max-Forwards";
    case SRF__HDR_CONTENT_LENGTH:
        if (again)
            return "Repeated Content-Length";
        return read_content_length(facts, header) ? NULL : "Bad Content-Length";
    case SRF__HDR_MAX_BREADTH:
        if (!facts->is_request) /* §20, as above */
            return NULL;
        if (again)
            return "Repeated Max-Breadth";
        return read_breadth(facts, header, &breadth) ? NULL : "Bad Max-Breadth";
    default:
        return NULL;
    }
}

_Static_assert(SRF__HDR_COUNT <= 32, "facts->repeated has a bit for each");

/* Takes in the line just indexed as headers[header_count]. */
static void add_header(srf__facts_t *facts, const srf__header_t *header)
{
    if (facts->first[header->id] == SRF__NO_HEADER)
        facts->first[header->id] = facts->header_count;
    else
        facts->repeated |= UINT32_C(1) << header->id;

    if (header->id == SRF__HDR_VIA) {
        read_via(facts, header);
    } else if (header->id != SRF__HDR_OTHER) {
        const char *problem = read_single(facts, header);
        if (problem != NULL)
            refuse_syntax(facts, problem);
    }
    facts->header_count++;
}

/* ------------------------------------------------------------------ */
/* Lines                                                               */
/* ------------------------------------------------------------------ */

/* The LF that ends the line at `p` with its folds (§7.3.1); NULL when the data
 * end before. */
static const char *find_line_end(const char *p, const char *stop,
                                 unsigned *flaws)
{
    const char *lf;

    do {
        lf = srf__line_end(p, stop, flaws);
        if (lf == NULL)
            return NULL;
        p = lf + 1;
    } while (p < stop && *p <= ' ' && srf__is_blank((unsigned char)*p));
    return lf;
}

/* The end of the value from `value` to `end`, without folds and blanks. A CR
 * that belongs to no line end stays, so that it is not taken for one. */
static const char *trim_end(const char *value, const char *end)
{
    while (end > value && end[-1] <= ' ') {
        if (srf__is_blank((unsigned char)end[-1])) {
            end--;
        } else if (end[-1] == '\n') {
            end -= end - value >= 2 && end[-2] == '\r' ? 2 : 1;
        } else {
            break;
        }
    }
    return end;
}

/* Indexes the line from `p` to its last LF; false when it is none. */
static bool read_line(const srf__facts_t *facts, const char *p, const char *lf,
                      srf__header_t *out)
{
    const char *data = facts->data;
    const char *value = srf__name_read(p, lf, out);

    if (value == NULL)
        return false;
    value = srf__skip_lws(value, lf);

    const char *end = trim_end(value, lf[-1] == '\r' ? lf - 1 : lf);
    out->name = (uint16_t)(p - data);
    out->value = (uint16_t)(value - data);
    out->value_len = (uint16_t)(end - value);
    out->end = (uint16_t)(lf + 1 - data);
    out->flags = 0;
    return true;
}

/* Behind the empty line at `p`; `p` itself when there is none. */
static const char *skip_empty_line(const char *p, const char *stop)
{
    if (p < stop && *p == '\n')
        return p + 1;
    if (stop - p >= 2 && p[0] == '\r' && p[1] == '\n')
        return p + 2;
    return p;
}

/* Indexes the lines from `p` to the empty one; returns what is behind that, or
 * the line it gave up at. */
static const char *read_lines(srf__facts_t *facts, const char *p,
                              const char *stop,
                              const srf__scan_limits_t *limits, unsigned *flaws)
{
    uint32_t max_headers = limits->max_headers < facts->header_cap
                               ? limits->max_headers
                               : facts->header_cap;

    for (;;) {
        if (p < stop && *p <= '\r') {
            const char *body = skip_empty_line(p, stop);
            if (body == p + 1)
                *flaws |= SRF__FLAW_LF;
            if (body != p)
                return body;
        }
        const char *lf = find_line_end(p, stop, flaws);
        if (lf == NULL) {
            refuse_syntax(facts, "Header Section Has No End");
            return p;
        }
        if (facts->header_count >= max_headers) {
            refuse_syntax(facts, "Too Many Header Fields");
            return p;
        }
        if ((size_t)(lf + 1 - p) > limits->max_header_bytes)
            refuse_syntax(facts, "Header Field Too Long");

        srf__header_t *header = &facts->headers[facts->header_count];
        if (read_line(facts, p, lf, header)) {
            add_header(facts, header);
        } else {
            refuse_syntax(facts, "Bad Header Line");
        }
        p = lf + 1;
    }
}

/* ------------------------------------------------------------------ */
/* The whole                                                           */
/* ------------------------------------------------------------------ */

/* What every message must have, RFC 3261 §8.1.1. Max-Forwards is mandatory too
 * but a proxy makes up for it (§16.6 step 3). */
static void check_present(srf__facts_t *facts)
{
    static const struct {
        uint8_t id;
        const char *reason;
    } mandatory[] = {
        {SRF__HDR_VIA, "Missing Via"},   {SRF__HDR_FROM, "Missing From"},
        {SRF__HDR_TO, "Missing To"},     {SRF__HDR_CALL_ID, "Missing Call-ID"},
        {SRF__HDR_CSEQ, "Missing CSeq"},
    };

    for (size_t i = 0; i < sizeof(mandatory) / sizeof(*mandatory); i++) {
        if (facts->first[mandatory[i].id] == SRF__NO_HEADER)
            refuse_syntax(facts, mandatory[i].reason);
    }
}

/* The method of a response is that of its CSeq; in a request both must agree
 * (§8.1.1.5). */
static void check_method(srf__facts_t *facts)
{
    srf__str_t name = srf__facts_str(facts, facts->cseq_method_name);

    if (!facts->is_request) {
        facts->method = facts->cseq_method;
        facts->method_name = facts->cseq_method_name;
        return;
    }
    if (facts->method != facts->cseq_method ||
        (facts->method == SRF__METHOD_OTHER &&
         !srf__str_eq(srf__facts_str(facts, facts->method_name), name)))
        refuse_syntax(facts, "CSeq Method Mismatch");
}

/* Where the body ends: Content-Length, or else the end of the data (§18.3). */
static void check_body(srf__facts_t *facts)
{
    uint32_t body = facts->len - facts->head_len;

    if (facts->content_length < 0)
        return;
    if (facts->content_length > body) {
        refuse_syntax(facts, "Content-Length Beyond Message");
    } else {
        facts->len = facts->head_len + (uint32_t)facts->content_length;
    }
}

/* An ACK is never answered (§17.1.1.3). Where the start line does not tell
 * whether it is one, the CSeq does. */
static bool is_ack(const srf__facts_t *facts)
{
    uint8_t method =
        facts->method_name.len != 0 ? facts->method : facts->cseq_method;
    return method == SRF__METHOD_ACK;
}

static srf__scan_result_t verdict(const srf__facts_t *facts)
{
    if (facts->reject_status == 0)
        return SRF__SCAN_OK;
    if (!facts->is_request || !facts->answerable || is_ack(facts))
        return SRF__SCAN_DROP;
    return SRF__SCAN_REJECT;
}

/* Clears all but the storage of the header lines. */
static void init_facts(srf__facts_t *facts)
{
    srf__header_t *headers = facts->headers;
    uint16_t header_cap = facts->header_cap;

    memset(facts, 0, sizeof(*facts));
    memset(facts->first, 0xff, sizeof(facts->first)); /* SRF__NO_HEADER */
    facts->headers = headers;
    facts->header_cap = header_cap;
    facts->max_forwards = -1;
    facts->content_length = -1;
}

/* Behind the empty lines in front (§7.5). */
static const char *skip_empty_lines(const char *p, const char *end)
{
    const char *behind = skip_empty_line(p, end);

    while (behind != p) {
        p = behind;
        behind = skip_empty_line(p, end);
    }
    return p;
}

static bool is_keepalive(const char *p, const char *end)
{
    while (p < end && (*p == '\r' || *p == '\n' || *p == '\0'))
        p++;
    return p == end;
}

srf__scan_result_t srf__scan(const char *data, size_t len,
                             const srf__scan_limits_t *limits,
                             srf__facts_t *out)
{
    const char *end = data + len;
    unsigned flaws = 0;

    init_facts(out);
    const char *begin = skip_empty_lines(data, end);
    out->data = begin;
    out->len = (uint32_t)(end - begin);
    if (is_keepalive(begin, end))
        return SRF__SCAN_KEEPALIVE;

    const char *stop =
        end - begin > SRF__HEAD_MAX ? begin + SRF__HEAD_MAX : end;
    const char *p = read_start_line(out, stop, &flaws);
    p = read_lines(out, p, stop, limits, &flaws);
    out->head_len = (uint32_t)(p - begin);
    if ((flaws & SRF__FLAW_NUL) != 0 && srf__nuls_are_quoted(begin, p))
        flaws &= ~(unsigned)SRF__FLAW_NUL;
    out->flaws = (uint8_t)flaws;
    if (flaws != 0 && srf__flaws_reason(flaws) != NULL)
        refuse_syntax(out, srf__flaws_reason(flaws));

    check_present(out);
    check_method(out);
    check_body(out);
    return verdict(out);
}
