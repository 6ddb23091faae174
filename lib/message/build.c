/*
 * Messages made here: the size is counted first, then the same code writes.
 *
 * SPDX-License-Identifier: MIT
 */
#include "message/build.h"

#include "base/error.h"

/* ";received=", an IPv6 address, ";rport=", a port, and the value of keep. */
enum { MARK_BYTES = 128 };

/* ------------------------------------------------------------------ */
/* Reason phrases                                                      */
/* ------------------------------------------------------------------ */

enum { STATUS_MAX = 699 };

/* The IANA registry of response codes, in order. */
static const char *const reasons[STATUS_MAX + 1] = {
    [100] = "Trying",
    [180] = "Ringing",
    [181] = "Call Is Being Forwarded",
    [182] = "Queued",
    [183] = "Session Progress",
    [199] = "Early Dialog Terminated",
    [200] = "OK",
    [202] = "Accepted",
    [204] = "No Notification",
    [300] = "Multiple Choices",
    [301] = "Moved Permanently",
    [302] = "Moved Temporarily",
    [305] = "Use Proxy",
    [380] = "Alternative Service",
    [400] = "Bad Request",
    [401] = "Unauthorized",
    [402] = "Payment Required",
    [403] = "Forbidden",
    [404] = "Not Found",
    [405] = "Method Not Allowed",
    [406] = "Not Acceptable",
    [407] = "Proxy Authentication Required",
    [408] = "Request Timeout",
    [410] = "Gone",
    [412] = "Conditional Request Failed",
    [413] = "Request Entity Too Large",
    [414] = "Request-URI Too Long",
    [415] = "Unsupported Media Type",
    [416] = "Unsupported URI Scheme",
    [417] = "Unknown Resource-Priority",
    [420] = "Bad Extension",
    [421] = "Extension Required",
    [422] = "Session Interval Too Small",
    [423] = "Interval Too Brief",
    [424] = "Bad Location Information",
    [425] = "Bad Alert Message",
    [428] = "Use Identity Header",
    [429] = "Provide Referrer Identity",
    [430] = "Flow Failed",
    [433] = "Anonymity Disallowed",
    [436] = "Bad Identity Info",
    [437] = "Unsupported Credential",
    [438] = "Invalid Identity Header",
    [439] = "First Hop Lacks Outbound Support",
    [440] = "Max-Breadth Exceeded",
    [469] = "Bad Info Package",
    [470] = "Consent Needed",
    [480] = "Temporarily Unavailable",
    [481] = "Call/Transaction Does Not Exist",
    [482] = "Loop Detected",
    [483] = "Too Many Hops",
    [484] = "Address Incomplete",
    [485] = "Ambiguous",
    [486] = "Busy Here",
    [487] = "Request Terminated",
    [488] = "Not Acceptable Here",
    [489] = "Bad Event",
    [491] = "Request Pending",
    [493] = "Undecipherable",
    [494] = "Security Agreement Required",
    [500] = "Server Internal Error",
    [501] = "Not Implemented",
    [502] = "Bad Gateway",
    [503] = "Service Unavailable",
    [504] = "Server Time-out",
    [505] = "Version Not Supported",
    [513] = "Message Too Large",
    [555] = "Push Notification Service Not Supported",
    [580] = "Precondition Failure",
    [600] = "Busy Everywhere",
    [603] = "Decline",
    [604] = "Does Not Exist Anywhere",
    [606] = "Not Acceptable",
    [607] = "Unwanted",
    [608] = "Rejected",
};

static const char *find_reason(unsigned status)
{
    return status > STATUS_MAX ? NULL : reasons[status];
}

const char *srf__status_reason(unsigned status)
{
    const char *phrase = find_reason(status);

    /* RFC 3261 §8.1.3.2: an unknown status means the x00 of its class. */
    if (phrase == NULL)
        phrase = find_reason(status / 100 * 100);
    return phrase == NULL ? "Unknown" : phrase;
}

/* ------------------------------------------------------------------ */
/* Marking the Via                                                     */
/* ------------------------------------------------------------------ */

/* Copies to the scratch buffer and replaces `remove` bytes at `off`. */
static void replace(srf__edits_t *edits, srf__buf_t *scratch, srf__span_t old,
                    const char *name, srf__str_t value)
{
    size_t mark = scratch->len;

    srf__buf_add_text(scratch, name);
    srf__buf_add_str(scratch, value);
    srf__edits_add(edits, old.off, old.len,
                   srf__str(scratch->p + mark, scratch->len - mark));
}

void srf__edit_mark_via(srf__edits_t *edits, const srf__facts_t *facts,
                        const srf__via_mark_t *mark, srf__buf_t *scratch)
{
    const srf__via_t *via = &facts->via;
    const srf__span_t behind = {(uint16_t)(via->value.off + via->value.len), 0};

    srf__assert(scratch->fixed);
    /* What is there is filled in before anything is put behind it: an empty
     * parameter may be the last, and of several insertions at one place the
     * first comes first. */
    bool rport = mark->rport.len > 0;       /* RFC 3581 §4 */
    bool received = mark->received.len > 0; /* RFC 3261 §18.2.1 */
    if (rport && via->rport_value.len > 0)
        replace(edits, scratch, via->rport_value, "", mark->rport);
    else if (rport && via->has_rport)
        replace(edits, scratch, via->rport, "rport=", mark->rport);
    if (received && via->received.off != 0)
        replace(edits, scratch, via->received, "", mark->received);
    if (mark->keep != NULL)
        srf__edits_add(edits, via->keep, 0, srf__str_of(mark->keep));
    if (rport && !via->has_rport)
        replace(edits, scratch, behind, ";rport=", mark->rport);
    if (received && via->received.off == 0)
        replace(edits, scratch, behind, ";received=", mark->received);
}

/* ------------------------------------------------------------------ */
/* Writing                                                             */
/* ------------------------------------------------------------------ */

/* Writes behind each other what fits into `cap` bytes, and counts all. Most
 * messages fit into a buffer on the stack and are written once. */
typedef struct writer {
    char *p;
    size_t cap;
    size_t len;
} writer_t;

enum { USUAL_BYTES = 1024 };

static void put(writer_t *out, const char *data, size_t len)
{
    if (len > 0 && out->len + len <= out->cap)
        memcpy(out->p + out->len, data, len);
    out->len += len;
}

/* A message of what was written; when that did not fit, one of the right size
 * and a writer that begins anew there. NULL when memory is out. */
static srf_msg_t *take_written(srf__pool_t *pool, writer_t *out)
{
    srf_msg_t *msg = srf__msg_alloc(pool, out->len);

    if (msg == NULL)
        return NULL;
    if (out->len <= out->cap)
        memcpy(msg->data, out->p, out->len);
    else
        *out = (writer_t){msg->data, out->len, 0};
    return msg;
}

static void put_str(writer_t *out, srf__str_t s)
{
    put(out, s.p, s.len);
}

static void put_number(writer_t *out, uint64_t value)
{
    char digits[20];
    srf__buf_t buf;

    srf__buf_init_fixed(&buf, digits, sizeof(digits));
    srf__buf_add_u64(&buf, value);
    put_str(out, srf__buf_str(&buf));
}

/* The whole line as it came, folds and line end included. */
static void put_line(writer_t *out, const srf__facts_t *facts,
                     const srf__header_t *line)
{
    put(out, facts->data + line->name, (size_t)(line->end - line->name));
}

/* A request that was refused may lack any line. */
static void put_first(writer_t *out, const srf__facts_t *facts,
                      srf__header_id_t id)
{
    const srf__header_t *line = srf__facts_first(facts, id);

    if (line != NULL)
        put_line(out, facts, line);
}

static void put_lines(writer_t *out, const srf__facts_t *facts,
                      const srf__header_t *line)
{
    for (; line != NULL; line = srf__facts_next(facts, line))
        put_line(out, facts, line);
}

static void put_cseq(writer_t *out, uint32_t number, srf__str_t method)
{
    put_str(out, SRF__STR("CSeq: "));
    put_number(out, number);
    put_str(out, SRF__STR(" "));
    put_str(out, method);
    put_str(out, SRF__STR("\r\n"));
}

static void put_end(writer_t *out, srf__str_t lines, srf__str_t body)
{
    put_str(out, lines);
    put_str(out, SRF__STR("Content-Length: "));
    put_number(out, body.len);
    put_str(out, SRF__STR("\r\n\r\n"));
    put_str(out, body);
}

/* ------------------------------------------------------------------ */
/* Responses                                                           */
/* ------------------------------------------------------------------ */

static void put_status_line(writer_t *out, const srf__response_spec_t *spec)
{
    srf__str_t reason = spec->reason;

    if (reason.len == 0)
        reason = srf__str_of(srf__status_reason(spec->status));
    put_str(out, SRF__STR("SIP/2.0 "));
    put_number(out, spec->status);
    put_str(out, SRF__STR(" "));
    put_str(out, reason);
    put_str(out, SRF__STR("\r\n"));
}

/* The first line with the edits in it, then the others. */
static void put_vias(writer_t *out, const srf__facts_t *facts,
                     const srf__edits_t *marks)
{
    const srf__header_t *line = srf__facts_first(facts, SRF__HDR_VIA);

    if (line == NULL)
        return;
    uint32_t pos = line->name;
    for (unsigned i = 0; i < marks->count; i++) {
        const srf__edit_t *edit = &marks->list[i];
        put(out, facts->data + pos, edit->off - pos);
        put_str(out, edit->insert);
        pos = edit->off + edit->remove;
    }
    put(out, facts->data + pos, line->end - pos);
    put_lines(out, facts, srf__facts_next(facts, line));
}

/* RFC 3261 §8.2.6.2: with a tag when it had none. */
static void put_to(writer_t *out, const srf__facts_t *facts, srf__str_t tag)
{
    const srf__header_t *to = srf__facts_first(facts, SRF__HDR_TO);

    if (to == NULL)
        return;
    size_t value_end = (size_t)to->value + to->value_len;
    put(out, facts->data + to->name, value_end - to->name);
    if (tag.len > 0 && facts->to_tag.len == 0) {
        put_str(out, SRF__STR(";tag="));
        put_str(out, tag);
    }
    put(out, facts->data + value_end, to->end - value_end);
}

static void write_response(writer_t *out, const srf__facts_t *facts,
                           const srf__response_spec_t *spec,
                           const srf__edits_t *marks)
{
    bool trying = spec->status == 100;

    put_status_line(out, spec);
    put_vias(out, facts, marks);
    if (!trying && spec->status < 300) /* §12.1.1 */
        put_lines(out, facts, srf__facts_first(facts, SRF__HDR_RECORD_ROUTE));
    put_first(out, facts, SRF__HDR_FROM);
    put_to(out, facts, trying ? srf__str(NULL, 0) : spec->to_tag);
    put_first(out, facts, SRF__HDR_CALL_ID);
    put_first(out, facts, SRF__HDR_CSEQ);
    if (trying) /* §8.2.6.1 */
        put_lines(out, facts, srf__facts_first(facts, SRF__HDR_TIMESTAMP));
    put_end(out, spec->lines, spec->body);
}

/* What was refused for a byte in its head is not repeated with that byte: each
 * becomes a space, a CR unless its LF follows. */
static void clean(srf_msg_t *msg)
{
    for (uint32_t i = 0; i < msg->len; i++) {
        if (msg->data[i] == '\0' ||
            (msg->data[i] == '\r' &&
             (i + 1 == msg->len || msg->data[i + 1] != '\n')))
            msg->data[i] = ' ';
    }
}

srf_msg_t *srf__build_response(srf__pool_t *pool, const srf__facts_t *facts,
                               const srf__response_spec_t *spec)
{
    char storage[MARK_BYTES];
    srf__buf_t scratch;
    srf__edits_t marks;
    char usual[USUAL_BYTES];
    writer_t out = {usual, sizeof(usual), 0};

    srf__buf_init_fixed(&scratch, storage, sizeof(storage));
    srf__edits_init(&marks);
    srf__edit_mark_via(&marks, facts, &spec->via_mark, &scratch);
    srf__assert(scratch.err == 0 && marks.err == 0);

    write_response(&out, facts, spec, &marks);
    srf_msg_t *msg = take_written(pool, &out);
    if (msg != NULL && out.p != usual)
        write_response(&out, facts, spec, &marks);
    if (msg != NULL && facts->flaws != 0)
        clean(msg);
    return msg;
}

/* ------------------------------------------------------------------ */
/* Requests                                                            */
/* ------------------------------------------------------------------ */

static void put_request_line(writer_t *out, srf__str_t method, srf__str_t uri)
{
    put_str(out, method);
    put_str(out, SRF__STR(" "));
    put_str(out, uri);
    put_str(out, SRF__STR(" SIP/2.0\r\n"));
}

static void put_field(writer_t *out, const char *name, srf__str_t value)
{
    put_str(out, srf__str_of(name));
    put_str(out, SRF__STR(": "));
    put_str(out, value);
    put_str(out, SRF__STR("\r\n"));
}

/* A request that belongs to an INVITE: what makes the next hop treat it as it
 * treated that comes from there. */
typedef struct companion {
    srf__str_t method;
    const srf__facts_t *invite;
    const srf__facts_t *to; /* message with the To */
    srf__str_t lines;
} companion_t;

static void write_companion(writer_t *out, const companion_t *spec)
{
    const srf__facts_t *invite = spec->invite;

    put_request_line(out, spec->method, srf__facts_str(invite, invite->uri));
    put_field(out, "Via", srf__facts_str(invite, invite->via.value));
    put_str(out, SRF__STR("Max-Forwards: 70\r\n"));
    put_lines(out, invite, srf__facts_first(invite, SRF__HDR_ROUTE));
    put_first(out, invite, SRF__HDR_FROM);
    put_first(out, spec->to, SRF__HDR_TO);
    put_first(out, invite, SRF__HDR_CALL_ID);
    put_cseq(out, invite->cseq, spec->method);
    put_end(out, spec->lines, srf__str(NULL, 0));
}

static srf_msg_t *build_companion(srf__pool_t *pool, const companion_t *spec)
{
    char usual[USUAL_BYTES];
    writer_t out = {usual, sizeof(usual), 0};

    write_companion(&out, spec);
    srf_msg_t *msg = take_written(pool, &out);
    if (msg != NULL && out.p != usual)
        write_companion(&out, spec);
    return msg;
}

srf_msg_t *srf__build_ack(srf__pool_t *pool, const srf__facts_t *invite,
                          const srf__facts_t *response)
{
    /* §17.1.1.3: the To with the tag of who refused. */
    const companion_t spec = {
        .method = SRF__STR("ACK"), .invite = invite, .to = response};

    return build_companion(pool, &spec);
}

srf_msg_t *srf__build_cancel(srf__pool_t *pool, const srf__facts_t *invite,
                             srf__str_t lines)
{
    /* §9.1: the same To, tag or not. */
    const companion_t spec = {.method = SRF__STR("CANCEL"),
                              .invite = invite,
                              .to = invite,
                              .lines = lines};

    return build_companion(pool, &spec);
}

static void write_request(writer_t *out, const srf__request_spec_t *spec)
{
    put_request_line(out, spec->method, spec->uri);
    put_field(out, "Via", spec->via);
    put_str(out, SRF__STR("Max-Forwards: 70\r\n"));
    put_field(out, "From", spec->from);
    put_field(out, "To", spec->to);
    put_field(out, "Call-ID", spec->call_id);
    put_cseq(out, spec->cseq, spec->method);
    put_end(out, spec->lines, spec->body);
}

srf_msg_t *srf__build_request(srf__pool_t *pool,
                              const srf__request_spec_t *spec)
{
    char usual[USUAL_BYTES];
    writer_t out = {usual, sizeof(usual), 0};

    write_request(&out, spec);
    srf_msg_t *msg = take_written(pool, &out);
    if (msg != NULL && out.p != usual)
        write_request(&out, spec);
    return msg;
}

/* ------------------------------------------------------------------ */
/* Lines that the program gives                                        */
/* ------------------------------------------------------------------ */

bool srf__build_is_one_line(srf__str_t text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

int srf__build_lines(const char *const *headers, uint32_t denied,
                     srf__buf_t *out)
{
    for (; headers != NULL && *headers != NULL; headers += 2) {
        srf__str_t name = srf__str_of(headers[0]);
        srf__str_t value = srf__str_of(headers[1]);
        if (headers[1] == NULL || !srf__str_is_token(name) ||
            !srf__build_is_one_line(value))
            return SRF_ERR_INVALID_HEADER;
        if (denied & (1u << srf__header_find(name)))
            return SRF_ERR_HEADER_NOT_ALLOWED;
        srf__buf_add_str(out, name);
        srf__buf_add_text(out, ": ");
        srf__buf_add_str(out, value);
        srf__buf_add_text(out, "\r\n");
    }
    if (out->err == SRF_ERR_LIMIT)
        return SRF_ERR_INVALID_HEADER;
    return out->err;
}
